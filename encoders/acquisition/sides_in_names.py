"""The side of a paired part of the body from names of files and folders, where the header has none.

Names hold names of people, abbreviations of anything and whole protocols, so little counts: a word for a side that
stands right beside a word for the very part that the volume is of, both of one language. A single letter counts in the
name of a file alone, since folders are called after people, not beside parts that people are called by, and not where a
word follows it that could be a surname (`knee_R_Miller`).
"""

from __future__ import annotations

import re
from typing import TypeAlias

from spinecho.encoders.acquisition.facts import BodyRegion, BodySide
from spinecho.encoders.acquisition.rule_tables import whole
from spinecho.encoders.acquisition.whole_words import words

_Language: TypeAlias = str
_PARTS: dict[BodyRegion, dict[_Language, str]] = {
    "shoulder": {"en": "shoulder", "de": "schulter(?:gelenk)?", "fr": "epaule", "es": "hombro"},
    "elbow": {"en": "elbow", "de": "ell(?:en)?bogen(?:gelenk)?", "fr": "coude", "es": "codo"},
    "wrist": {"en": "wrist", "de": "handgelenk", "fr": "poignet", "es": "muneca"},
    "hand": {"en": "hand", "de": "hand", "fr": "", "es": "mano"},
    "hip": {"en": "hip", "de": "hu?e?fte?(?:gelenk)?", "fr": "hanche", "es": "cadera"},
    "thigh": {"en": "thigh|femur", "de": "oberschenkel", "fr": "cuisse", "es": "muslo"},
    "knee": {"en": "knee", "de": "knie(?:gelenk)?", "fr": "genou", "es": "rodilla"},
    "ankle": {"en": "ankle", "de": "sprunggelenk", "fr": "cheville", "es": "tobillo"},
    "foot": {"en": "foot", "de": "fuss", "fr": "pied", "es": ""},
    "breast": {"en": "breast", "de": "brust|mamma", "fr": "sein", "es": ""},
    "extremity": {"en": "tibia|forearm|calf|humerus", "de": "unterarm|unterschenkel", "fr": "", "es": ""},
}
_PEOPLE_TOO: frozenset[BodyRegion] = frozenset({"hand", "foot"})
"""Hand, R. and Foot, L. are people; nobody is called Knee."""
_WORDS: dict[BodySide, dict[_Language, str]] = {
    "left": {"en": "left|lt", "de": "links|linke[rsn]?|li", "fr": "gauche", "es": "izquierd[oa]|izq|izda|izdo"},
    "right": {"en": "right|rt", "de": "rechts|rechte[rsn]?|re", "fr": "droite?", "es": "derech[oa]|dcha|dcho"},
    "both": {"en": "bilateral|both", "de": "beide|beidseits|bds", "fr": "bilateral", "es": "bilateral|ambas|ambos"},
}
_LETTERS: dict[BodySide, dict[_Language, str]] = {
    "left": {"en": "l", "de": "l", "fr": "g", "es": "i"},
    "right": {"en": "r", "de": "r", "fr": "d", "es": "d"},
}


_OF_SCANS = re.compile(
    r"t[12]\w?|pdw?|stir|tirm|flair|dwi|fs|fatsat|sag|sagittal|cor|coronal|ax|axial|tra|trans|transversal|tse|fse|gre|mri?|mrt"
    r"|irm|rm|scan|series|serie|images?|vol|volume|pre|post|nativ|3d|2d|\d\w*"
)
"""Words that are nobody's name; `.` stands for each where letters are looked for."""


def _beside(region: BodyRegion, by_language: dict[_Language, str], form: str) -> re.Pattern[str]:
    pairs = [(side, _PARTS[region][language]) for language, side in by_language.items() if _PARTS[region][language]]
    return whole("|".join(form.format(side=side, part=part) for side, part in pairs))


_WORD_FORM = "(?:{side}) (?:{part})|(?:{part})(?: joint| gelenk)? (?:{side})"
_LETTER_FORM = r"(?:(?<![^.] )|^)(?:{side}) (?:{part})|(?:{part})(?: joint| gelenk)? (?:{side})(?= \.|$)"
_BY_WORD = {
    region: [(side, _beside(region, by_language, _WORD_FORM)) for side, by_language in _WORDS.items()]
    for region in _PARTS
}
_BY_LETTER = {
    region: [(side, _beside(region, letters, _LETTER_FORM)) for side, letters in _LETTERS.items()]
    for region in _PARTS.keys() - _PEOPLE_TOO
}


def side_in_names(file_text: str, region: BodyRegion) -> tuple[BodySide, str] | None:
    """(the side, its rule) that the names agree on; None where none names one, or not all name the same.

    file_text: words of folders and of the file, the file last, between bars (`Evidence.file_text`).
    """
    found: list[tuple[BodySide, str]] = []
    for at, name in enumerate(reversed(file_text.split("|"))):
        plain = words(name)
        rule = "side beside the part in a folder's name" if at else "side beside the part in the file's name"
        found += [(side, rule) for side, pattern in _BY_WORD.get(region, ()) if pattern.search(plain)]
        if not at:
            plain = " ".join("." if _OF_SCANS.fullmatch(word) else word for word in plain.split())
            found += [(side, rule) for side, pattern in _BY_LETTER.get(region, ()) if pattern.search(plain)]
    return found[0] if len({side for side, _ in found}) == 1 else None
