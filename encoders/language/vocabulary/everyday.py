"""Words that are names of the vocabulary in one language and everyday words in another.

"ALS" is a disease and "als" German for "as"; "la" is the left atrium and an article; "sein" is French for breast and
German for "to be". Everyday words name nothing: the letters they are written in and the words around them tell.
"""

from __future__ import annotations

import re

from spinecho.encoders.language.function_words import FUNCTION_WORDS, shows
from spinecho.encoders.language.stems import root
from spinecho.encoders.language.vocabulary.spanish_adjectives import is_form
from spinecho.encoders.language.vocabulary.table import local_key, vocabulary

_ELSEWHERE: dict[str, tuple[str, ...]] = {
    "absence": ("fr",), "als": ("de", "nl"), "av": ("sv",), "com": ("pt",), "dai": ("it",), "fall": ("de",),
    "gut": ("de",), "ich": ("de",),
    "la": ("fr", "es", "it"), "met": ("nl",), "pad": (), "sah": ("de",), "sol": ("tr",),
}  # fmt: skip
"""Names, and the languages in which they are everyday words."""
_ONLY_IN: dict[str, tuple[str, ...]] = {
    "appendices": ("fr",),
    "coude": ("fr",), "pie": ("es",), "rate": ("fr",), "sein": ("fr",), "sigma": ("de", "es"), "wade": ("de",),
}  # fmt: skip
"""Names of these languages alone, which are everyday words or nothing elsewhere."""
_NO_NAME = frozenset({
    "augmenté", "augmentée", "augmentés", "augmentées", "cote", "coté", "cotée", "cotées", "cotes", "cotés",
    "côté", "côtés",
    "den", "frage", "là", "par",
})  # fmt: skip
"""Never a name: "dens", "pars", "côte" and "augmentation" are, which have their stems."""
_SELDOM = frozenset({"absence", "fall", "ich", "sah", "av", "dai", "sol"})
"""Hardly ever in a report of those languages, and often an abbreviation."""
_HEART = (
    "atrium atrial lv rv ra ventricle ventricular mitral heart cardiac pv appendage valve volume diameter size pressure"
    " function dilated enlarged enlargement thrombus myxoma strain emptying"
)
"""Beside these a small "la" is the left atrium."""
_BOWEL = ("malrot", "wall", "loop", "lumen", "obstruct", "dysmot", "content", "perfor", "duplic", "microb")
_MET_BY = "criteria criterion requirements target targets goal endpoint who that was were is are been"
_MEETS = "the all our with criteria these inclusion recist requirements by only"
"""Words before and behind the verb "met"."""
_WORD = re.compile(r"[^\W\d_]+")


def is_everyday(text: str, start: int, stop: int) -> bool:
    """Whether text[start:stop] is an everyday word there, and names nothing by itself."""
    word = text[start:stop].lower()
    if word in _NO_NAME:
        return True
    if word not in _ELSEWHERE and word not in _ONLY_IN:
        return False
    before, after = _WORD.findall(text[:start]), _WORD.findall(text[stop:])
    shouted = text.isupper()
    around = [one.lower() for one in (*before, *after) if shouted or not one.isupper()]  # "LA" is no article
    if not any(len(one) > 1 for one in (*before, *after)) and not any(one.isdigit() for one in text):
        return False  # asked for alone, as in "A. com."
    if word in _ONLY_IN:
        return not any(shows(one, around) for one in _ONLY_IN[word])
    if text[start:stop].isupper() and not shouted:
        return False  # an abbreviation, in the letters of one
    if any(shows(one, around) for one in _ELSEWHERE[word]):
        return True
    if word in _SELDOM:
        return False
    if word == "met":
        verb = before[-1:] and before[-1].lower() in _MET_BY.split()
        return bool(verb or (after and after[0].lower() in _MEETS.split()))
    if any((root(one),) in vocabulary().foreign for one in around):
        return True
    if word == "als":  # before a German noun
        return bool(after) and not shouted and after[0][0].isupper()
    if word == "la":
        return not frozenset(_HEART.split()) & frozenset(around)
    if word == "gut":
        english = FUNCTION_WORDS["en"] - FUNCTION_WORDS["de"]
        return not (english & frozenset(around) or (after and after[0].lower().startswith(_BOWEL)))
    return True


def local_stem(text: str, start: int, stop: int) -> str:
    """The stem of an abbreviation in capitals among words of its language; "" for any other word."""
    written = text[start:stop]
    languages = vocabulary().local.get(written.lower(), ())
    if not languages or not written.isupper():
        return ""
    around = [word for part in (text[:start], text[stop:]) for word in _WORD.findall(part.lower()) if len(word) > 1]
    found = next((one for one in languages if shows(one, around)), "")
    if not found and "es" in languages and any(is_form(word) for word in around):
        found = "es"
    if not found and any((root(word),) in vocabulary().foreign for word in around):
        found = languages[0]
    return local_key(written, found) if found else ""
