"""Which language a report is written in, by its commonest words: plain rules that anyone can check."""

# ruff: noqa: E501 - lists of words

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from spinecho.encoders.language.vocabulary.table import vocabulary

Language = Literal["en", "de", "fr", "es", "other", "unknown"]
READ: tuple[str, ...] = ("en", "de", "fr", "es")
"""Languages whose clauses are judged."""

_WORDS: dict[str, str] = {
    "en": (
        "the of and is are was were with without there this that no not for by from at on or as be been has have which"
        " in a an to it its but also show shows image images patient signal lesion seen normal left right"
        " unremarkable evidence within mild small findings impression acute study"
    ),
    "de": (
        "der die das des dem den und oder ist sind nicht kein keine keinen keiner mit ohne im am zum zur von vom bei auf"
        " für nach ein eine einer eines einem sich auch als wird werden wurde noch kein nachweis anhalt unauffällig"
        " regelrecht beidseits links rechts verdacht befund beurteilung unverändert zustand keinerlei normal weder v.a"
    ),
    "fr": (
        "le la les un une des du de et ou est sont pas sans avec dans sur au aux par pour il on ne plus en ce cette à"
        " aucun aucune gauche droite droit normal normale lésion hypersignal ni présence"
    ),
    "es": (
        "el la los las un una de del al y o es son no sin con en se por para que su lo como más hay ni izquierda"
        " izquierdo derecha derecho normal lesión señal observa observan hallazgos conclusión ausencia"
    ),
    "pt": (
        "o a os as um uma de do da dos das no na nos nas ao e ou é são não sem com em se por para que foi há esquerda"
        " direita normal sinal lesão observa achados conclusão ausência sinais"
    ),
    "nl": (
        "de het een van en of is zijn niet geen met zonder in op aan bij voor naar er wordt werd ook als tot links rechts"
        " normaal afwijkingen aanwijzingen conclusie beeld dat deze"
    ),
    "it": (
        "il lo la i gli le un una di del della dei delle al alla e o è sono non senza con in nel nella si per che da dal"
        " sinistra destra normale lesione segnale reperti conclusioni assenza"
    ),
    "pl": "i w z na nie jest są bez się do oraz po od lewej prawej cech zmian prawidłowy obraz wnioski",
    "tr": "ve ile bir bu da de için olarak izlenmedi izlendi yok sol sağ normal saptanmadı mevcuttur",
    "sv": "och i av en ett är inte med utan på till för som vid vänster höger normal inga ingen tecken",
}  # fmt: skip
_SETS = {language: frozenset(words.split()) for language, words in _WORDS.items()}
_LETTERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("de", re.compile(r"[äöüß]")),
    ("fr", re.compile(r"[éèêàçœù]|(?<!\w)[dln]'")),
    ("es", re.compile(r"[ñ¿¡]|[áíóú]|ción(?!\w)")),
    ("pt", re.compile(r"[ãõ]|ção(?!\w)")),
    ("pl", re.compile(r"[łśźżąę]")),
    ("tr", re.compile(r"[ğışİ]")),
    ("sv", re.compile(r"[å]")),
)
_WORD = re.compile(r"[^\W\d_]+")
_LEAST, _LEAST_OTHER = 2, 4
"""Marks of a language from which on it is believed: of one that has rules, and of one that has none."""
_LEAD = 1.2
"""How many times those of the next one."""
_LONG = 20
"""Words of a text that must hold an English function word, if it is English."""
_NAMED = 0.3
"""Share of words of English names from which on a list of findings without a function word is not of another language."""
_MOST = 6000
"""Characters that are looked at: a report tells its language in its first lines."""


@lru_cache(maxsize=1024)
def language_of(text: str) -> Language:
    """The language of a report: one whose clauses are judged, "other", or "unknown" for too little to tell.

    Function words of each language are counted, and letters that it has alone; a language must lead. English is taken
    unless another leads: its words are the plainest.
    """
    heard = text[:_MOST].lower().replace("’", "'")
    words = _WORD.findall(heard)
    if not words:
        return "unknown"
    counted = {language: float(sum(word in known for word in words)) for language, known in _SETS.items()}
    english = counted.pop("en")
    if not any(char.isascii() for word in words[:50] for char in word):
        return "other"
    for language, letters in _LETTERS:
        hits = sum(letters.search(word) is not None for word in heard.split())
        counted[language] += min(hits, 0.5 * len(words))
    best = max(counted, key=lambda one: counted[one])
    most = counted.pop(best)
    if english >= most:
        if english or len(words) < _LONG or most:
            return "en" if english else "unknown"
        named = sum(word in _english_names() for word in words)
        return "unknown" if named >= _NAMED * len(words) else "other"
    second = max(counted.values())
    if most < (_LEAST if best in READ else _LEAST_OTHER) or most < (_LEAD if best in READ else 2.0) * english:
        return "unknown"
    if best not in READ:
        return (
            "other" if most >= _LEAD * second or all(one not in READ for one in _near(counted, second)) else "unknown"
        )
    return _typed(best) if most >= _LEAD * second else "unknown"


@lru_cache(maxsize=1)
def _english_names() -> frozenset[str]:
    """The words of the vocabulary's English names."""
    every = (name for one in vocabulary().concepts.values() for name in one.names)
    return frozenset(word for name in every for word in _WORD.findall(name.lower()))


def _near(counted: dict[str, float], second: float) -> list[str]:
    return [language for language, count in counted.items() if count == second]


def _typed(language: str) -> Language:
    return "de" if language == "de" else "fr" if language == "fr" else "es"
