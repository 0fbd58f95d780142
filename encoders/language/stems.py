"""Words in one spelling and without their endings, so that "haemorrhagic" and "hemorrhage" meet."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_SPELLING = (
    (re.compile(r"ae|æ|ä"), "e"),
    (re.compile(r"oe|œ|ö"), "e"),
    (re.compile(r"ü"), "u"),
    (re.compile(r"ß"), "ss"),
    (re.compile(r"(?<=[a-z]{2})(?<!cont)our(?=(?:s|ed|ing|al|able)?\b)"), "or"),
    (re.compile(r"(?<=[a-z])([tb])re(s?)\b"), r"\1er\2"),
    (re.compile(r"(?<=[a-z]{3})is(?=(?:e|ed|es|ing|ation|ations)\b)"), "iz"),
    (re.compile(r"grey"), "gray"),
    (re.compile(r"artefact"), "artifact"),
    (re.compile(r"disk"), "disc"),
)
_OTHERWISE = re.compile(r"ae|oe|our|[tb]re|is(?:e|ing|ation)|grey|artefact|disk|[^a-z0-9]")
"""What a word in lower case must hold somewhere to have another spelling."""
_WORD = re.compile(r"[^\W_]+")
_ENDINGS = (
    "ations", "ation", "ments", "ment", "ings", "ing", "ies", "ied", "ions", "ion", "es", "ed", "ic", "al", "s",
    "y", "e",
)  # fmt: skip
_LAST = frozenset(ending[-1] for ending in _ENDINGS)
_AS_THEY_ARE = frozenset({"toe", "toes", "does", "shoe", "goes"})
"""Words whose oe is no British one."""
_WHOLE = frozenset({
    "belly", "blastic", "bubbly", "bulky", "bulle", "caseation", "coiled", "coiling", "colonies", "colony", "cuboidal",
    "cuffing",
    "device", "devices", "diffusion", "embryonal", "enteric", "enveloping", "facies", "frontal", "ghosting", "global",
    "headed", "impaction", "incisal", "interdigitation", "limbal", "limbic", "links", "nailing", "necked", "occlusal",
    "organic", "parametric", "patchy", "pedicled", "pinky", "pooling", "portal", "portion", "portions", "radial",
    "seeding", "septation", "septations", "septic", "shading", "shiny", "spongy", "tagging", "temporally", "testes",
    "traction", "tractional", "vague", "vaguely", "varied", "varies",
})  # fmt: skip
"""Words that without their ending would be another."""


@lru_cache(maxsize=65536)
def neutral(word: str) -> str:
    """A word in lower case and one spelling: oedema, Ödem, tumour, grey, disk as edema, edem, tumor, gray, disc."""
    heard = word.lower()
    if heard in _AS_THEY_ARE or not _OTHERWISE.search(heard):
        return heard
    for pattern, american in _SPELLING:
        heard = pattern.sub(american, heard)
    if not heard.isascii():
        heard = "".join(one for one in unicodedata.normalize("NFKD", heard) if not unicodedata.combining(one))
    return "".join(_WORD.findall(heard)) or heard


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """A word in neutral spelling without its ending."""
    if word in _WHOLE:
        return word
    if len(word) <= 4:
        return word[:-1] if len(word) == 4 and word.endswith("s") and not word.endswith("ss") else word
    if word[-1] in _LAST:
        for ending in _ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= 4:
                return word[: -len(ending)]
    return word


@lru_cache(maxsize=65536)
def root(word: str) -> str:
    """The stem of a word as it was typed."""
    return stem(neutral(word))


def plain_words(text: str) -> list[tuple[str, str]]:
    """(word as typed in lower case, word in neutral spelling) of a text."""
    return [(word, neutral(word)) for word in _WORD.findall(text.lower())]


def located(text: str) -> list[tuple[str, int, int]]:
    """(stem in neutral spelling, start, stop) of every word of a text."""
    return [(root(match.group()), *match.span()) for match in _WORD.finditer(text)]
