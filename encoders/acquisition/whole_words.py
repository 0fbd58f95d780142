"""Free text to whole words, for rules that look for words: `patient1` holds no T1, `different` no DWI.

Consoles and people write words in many ways: `ep2d_diff`, `SagT2`, `AXT2FS`, `t1mprage`, `T1w`, `brain1`. All come out
as whole words between single spaces, so that a rule never has to look inside of one:

- separators (`_ - / .` and the like), changes of script (`T1` within Chinese text) and camelCase end a word;
- a word made of nothing but scanner words written together is taken apart (`axt2fs` is `ax t2 fs`); one letter that is
  none of them leaves it whole (`swift`, `cohort1`);
- what Philips writes before names (`sAX`, `sWIP`) is none of them;
- digits behind three letters or more are a number of their own (`brain1` is `brain 1`, `t1` and `b1000` stay).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_SEPARATORS = re.compile(r"[_\-/.,;:()\[\]{}^|#=<>\"'&\\~`!?@%]+")
_SPACES = re.compile(r"\s+")
_WITHOUT = re.compile(r"\bw\s?/\s?o\b|\bw o\b")
_AND_WITH = re.compile(
    r"(?<![^\W\d_])(?:w\s?/?\s?o\s*(?:and|&|\+|/|\s)\s*w\b|w\s?/\s?wo\b|w\s?\+\s?wo\b|wo\s?[&+/]\s?w\b|w\s?&\s?w\s?/?\s?o\b)"
)
# Two small letters before a capital, since `mDixon`, `fMRI` and `rCBF` are one word; `study1T1w` ends at its digits.
_CAMEL = re.compile(r"(?<=[a-zà-öø-ÿ]{2})(?=[A-ZÀ-ÖØ-Þ])|(?<=[a-z]{3}\d)(?=[A-Z])")
# A letter of the Latin alphabet or a digit beside a letter of any other.
_SCRIPT = re.compile(
    r"(?<=[^\W\d_\u0000-\u02af\u1e00-\u1eff])(?=[A-Za-z])|(?<=[A-Za-z0-9])(?=[^\W\d_\u0000-\u02af\u1e00-\u1eff])"
)
# What Philips writes before names: `WIP` for work in progress, an s where pixels were scaled (`sAX`, `sWIP T1`).
_OF_PHILIPS = re.compile(r"(?<![^\W_])(?:s?WIP(?![^\W_])|s(?=(?:AX|Ax|COR|Cor|SAG|Sag)(?![^\W_])))")
_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_WORD = re.compile(r"[^\W_]{3,}")
_NUMBERED = re.compile(r"([^\W\d_]{3,})(\d+)")
_LONGEST = 64


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that consoles write together without a separator. One of the first kind has to be there; those of the second
# are words of plain language too (`headrest`); those of the third stand behind a word that holds a digit only (`t1se`,
# `t2fseidealarc`; "preset1" is no pre, SE, T1).
_OF_SCANNERS = _listed(
    "t1 t1w t1wi t2 t2w t2wi t2s t2star pd pdw flair stir tirm dwi adc colfa swi bold pcasl pasl dce dsc tof mra mrv "
    "mprage mp2rage thrive vibrant spgr fspgr efgre fgre tfe ffe tse fse frfse ssfse ciss trufi dixon fl2d fl3d ep2d "
    "me2d tracew diff dti calc bval ax axial sag sagittal cor coronal fs fatsat spair spir 2d 3d dyn gad cspine "
    "lspine tspine mpr topet"
)
_OF_LANGUAGE = _listed(
    "trans transverse tra pre post fat water haste space cube vista propeller blade fiesta ideal vibe lava bravo flash "
    "medic trace diffusion loc localizer localiser scout survey perf head breast abdomen abd pelvis liver knee "
    "axi axil axilla sens sense opt bilat"
)
_BEHIND_DIGITS = _listed(
    "gre se ce gd arc sat wi map iso asset alternate ip epi dark prop mip to 1b st sp sl "
    "weighted weight gewichtet gewichtete gew ponderado ponderada pondere pesata spin km nativ image images scan "
    "vol volume brain contrast"
)
_LONGEST_PIECE = max(map(len, _OF_SCANNERS | _OF_LANGUAGE | _BEHIND_DIGITS))


@lru_cache(maxsize=4096)
def words(text: str) -> str:
    """Lower case, without accents, whole words between single spaces; 'w/o' becomes 'without'."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    plain = _CAMEL.sub(" ", _OF_PHILIPS.sub("", text)).lower()
    if not plain.isascii():
        plain = _SCRIPT.sub(" ", plain.translate(_LETTERS))
    plain = _AND_WITH.sub(" withandwithout ", plain)
    plain = _WITHOUT.sub(" without ", plain)
    plain = _SPACES.sub(" ", _SEPARATORS.sub(" ", plain.replace("+", " + "))).strip()
    return _WORD.sub(lambda found: _apart(found[0]), plain)


def scanner_words(text: str) -> str:
    """Of a text's words those alone that consoles use: of `meyer_t1_sag` T1 and sagittal, and nobody's name."""
    known = _OF_SCANNERS | _OF_LANGUAGE | _BEHIND_DIGITS
    return " ".join(word for word in words(text).split() if word in known)


@lru_cache(maxsize=4096)
def _apart(word: str) -> str:
    """One word, or the scanner words that it is made of, or letters and the number behind them."""
    if (word.isalpha() and len(word) < 4) or len(word) > _LONGEST:
        return word
    return " ".join(_pieces(word)) or _NUMBERED.sub(lambda m: f"{m[1]} {m[2]}" if m[0] == word else m[0], word)


def _pieces(word: str) -> list[str]:
    """The scanner words that make up a whole word, long ones first; none where one letter is left over."""
    dead: set[tuple[int, str]] = set()

    def rest(at: int, last: str) -> list[str] | None:
        """`last`: what stands before: '' at the start, 'word', 'behind' for one that needs a digit before it."""
        if at == len(word):
            return []
        if (at, last) in dead:
            return None
        for end in range(min(len(word), at + _LONGEST_PIECE), at, -1):
            piece = word[at:end]
            if piece in _OF_SCANNERS or piece in _OF_LANGUAGE:
                kind = "word"
                if last == "behind" and piece in ("t1", "t2"):
                    continue
            elif piece in _BEHIND_DIGITS and any(letter.isdecimal() for letter in word[:at]):
                kind = "behind"
            elif last and piece.isdecimal():
                kind = "word"
            else:
                continue
            if piece[-1].isdecimal() and end < len(word) and word[end].isdecimal():
                continue  # a number is whole: `t12` is no T1 and a 2
            behind = rest(end, kind)
            if behind is not None:
                return [piece, *behind]
        dead.add((at, last))
        return None

    pieces = rest(0, "") or []
    return pieces if any(piece in _OF_SCANNERS for piece in pieces) else []


# Words that mean something on a console and something else, or nothing, in the name of a file or folder.
_NOT_IN_NAMES = re.compile(
    r"\b(?:sub|ser|pe|ve|art|cycle|merge|magic|resolve|disco|twist|tram|portal|survey|mapping|synthetic|quantification|"
    r"density|sphere|qa|qc|task|main|pie|cou|rein|con|sin|we|arm|leg|legs|face|faces|native|nativ|fame|ideal|stealth|"
    r"flash|flow|flux|tigre|bravo|water|sat|mph|wb|trace|native|rest|km)\b(?! (?:scan|state|fmri|bold))"
)
_OF_PEOPLE = re.compile(
    r"\b(?:patients?|pat|subjects?|subj|cases?|probands?|persons?|participants?|volunteers?|cent(?:er|re)s?|sites?|"
    r"hospitals?|klinik(?:um)?|clinics?|krankenhaus|hopital|institutes?|university|dr|doctor|prof|saint|st)\b"
)


def words_of_name(name: str) -> str:
    """The words of a file's name that are evidence there, as `words` has them."""
    return _SPACES.sub(" ", _NOT_IN_NAMES.sub(" ", words(name))).strip()


def words_of_folder(name: str) -> str:
    """The same for a folder; none where it names a person or a place, whose names may hold any word."""
    return "" if _OF_PEOPLE.search(words(name)) else words_of_name(name)
