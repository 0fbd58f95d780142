"""What the words of a query may be called in a report, for full text: abbreviations, synonyms, spellings, languages.

Full text knows English stems and nothing else, so "oedema" does not find "edema", nor "MCA" the artery. Names come from
`encoders.language.vocabulary`; British and American spellings follow from roots.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, product

from spinecho.encoders.language import terms
from spinecho.encoders.language.vocabulary import Mention, concepts, looked_for, names
from spinecho.encoders.language.vocabulary.reading import is_foreign

Group = tuple[str, ...]

_SPELLINGS = (
    ("hemorrh", "haemorrh"), ("hemat", "haemat"), ("hemosid", "haemosid"), ("hemangi", "haemangi"),
    ("hemodynam", "haemodynam"), ("hemophil", "haemophil"), ("edema", "oedema"), ("tumor", "tumour"),
    ("ischem", "ischaem"), ("anem", "anaem"), ("gray", "grey"), ("center", "centre"), ("fiber", "fibre"),
    ("caliber", "calibre"), ("color", "colour"), ("esophag", "oesophag"), ("celiac", "coeliac"), ("cecum", "caecum"),
    ("cecal", "caecal"), ("fetal", "foetal"), ("fetus", "foetus"), ("pediatric", "paediatric"),
    ("orthopedic", "orthopaedic"), ("gynec", "gynaec"), ("anesthe", "anaesthe"), ("leukoence", "leucoence"),
    ("leukoar", "leucoar"), ("artifact", "artefact"), ("disk", "disc"), ("sulfur", "sulphur"),
    ("labeling", "labelling"), ("localiz", "localis"), ("ization", "isation"),
    ("mobiliz", "mobilis"), ("visualiz", "visualis"), ("necrotiz", "necrotis"), ("dilation", "dilatation"),
)  # fmt: skip
"""American and British roots."""
SMALL = frozenset(
    ("a", "an", "the", "of", "in", "on", "at", "to", "with", "and", "or", "for", "by", "is", "are", "any", "from",
     "this", "that", "its", "it", "as", "be", "mri", "mr", "scan")
)  # fmt: skip
"""Words of which a finding's name needs none."""


@lru_cache(maxsize=512)
def expand(text: str) -> tuple[Group, ...]:
    """For each thing that a text names, longest first match, everything that it may be called; its own words first.

    Function words, and words that every MR report holds, are left out unless there is nothing else.
    """
    groups: list[Group] = []
    named = spans(concepts(text))
    at = 0
    for start, stop, found in (*named, (len(text), len(text), ())):
        groups += [_spelled((word,)) for word, _ in terms.plain_words(text[at:start]) if word not in SMALL]
        at = max(at, stop)
        if found:
            own = _plain(text[start:stop])
            called = (_plain(name) for mention in found for name in looked_for(mention.concept))
            groups.append(_spelled((own, *called)))
    return tuple(dict.fromkeys(groups)) or tuple((word,) for word, _ in terms.plain_words(text))


def spans(found: tuple[Mention, ...]) -> list[tuple[int, int, tuple[Mention, ...]]]:
    """(start, stop, what is named there): the levels of "L3-S1" share one place in the text."""
    spans: dict[tuple[int, int], list[Mention]] = {}
    for mention in found:
        spans.setdefault((mention.start, mention.stop), []).append(mention)
    return [(start, stop, tuple(many)) for (start, stop), many in sorted(spans.items())]


def _plain(name: str) -> str:
    return " ".join(word for word, _ in terms.plain_words(name))


def _spelled(names: Group) -> Group:
    """Every name in both spellings, each once."""
    found: dict[str, None] = dict.fromkeys(names)
    for name in names:
        for american, british in _SPELLINGS:
            if british in name:
                found[name.replace(british, american)] = None
            elif american in name:
                found[name.replace(american, british)] = None
    return tuple(found)


_MOST_NAMES = 60


@lru_cache(maxsize=512)
def names_of(text: str) -> tuple[str, ...]:
    """Everything that one finding may be called, its own words first: "stroke", "infarct", "infarction", ...

    All of one that is named in one piece; of a finding of several parts ("temporal lobe oedema") every part varies, and
    60 names at most are made of them.
    """
    own, groups = " ".join(text.split()), expand(text)
    varied = (" ".join(parts) for parts in product(*groups))
    return tuple(dict.fromkeys((own, *islice(varied, None if len(groups) == 1 else _MOST_NAMES - 1))))


_LONGEST_SHORT = 5
"""Letters of an abbreviation at most."""
_WORD = re.compile(r"[^\W_]+")
_VOWEL = re.compile(r"[aeiouy]")


@lru_cache(maxsize=512)
def spelled_out(text: str) -> str:
    """The text with what its abbreviations of findings and anatomy mean before them: "glioblastoma (GBM)".

    For encoders of sentences, to which an abbreviation that no sentence holds means nothing; both stay, as reports
    write either. So are names in other languages, as the encoder that ships was taught English: "disc herniation
    (Bandscheibenvorfall)".
    """
    plain = " ".join(text.casefold().split())
    parts: list[str] = []
    at = 0
    for mention in concepts(text):
        for start, stop, full in _short_in(text, mention):
            if start >= at and full not in plain:
                parts += [text[at:start], f"{full} ({text[start:stop]})"]
                at = stop
    return "".join([*parts, text[at:]])


def _short_in(text: str, mention: Mention) -> Iterator[tuple[int, int, str]]:
    """(start, stop, what it is short for) of the abbreviations that a name is made of: "GBM", "torn ACL"."""
    whole = text[mention.start : mention.stop]
    if is_foreign(whole):
        yield mention.start, mention.stop, _plain(names(mention.concept)[0])
        return
    words = [] if mention.kind == "technique" else list(_WORD.finditer(text, mention.start, mention.stop))
    for word in words:
        named = (mention,) if len(words) == 1 else concepts(word[0])
        known = [one.concept for one in named if one.kind != "technique"]
        if len(word[0]) <= _LONGEST_SHORT and (full := next(filter(None, (_full(word[0], one) for one in known)), "")):
            yield (*word.span(), full)


def _full(short: str, ident: str) -> str:
    """The name of a concept that this one is short for: by its words' initials, else by letters in their order."""
    short = short.casefold()
    longer = [name for name in map(_plain, names(ident)) if len(name) > len(short) + 2 and short not in name.split()]
    initials = next((name for name in longer if "".join(word[0] for word in name.split()) == short), "")
    return initials or next((name for name in longer if _abbreviates(short, name)), "")


def _abbreviates(short: str, name: str) -> bool:
    """Whether the letters stand in the name in their order, its first letter first; "cysts" does not cystic lesions."""
    if name[0] != short[0] or name[:2] == short[:2] or (" " not in name and _VOWEL.search(short)):
        return False
    letters = iter(name)
    return all(letter in letters for letter in short)
