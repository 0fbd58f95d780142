"""The commonest words of languages, and the letters that only they have: plain lists that anyone can check."""

# ruff: noqa: E501 - lists of words

from __future__ import annotations

import re
from collections.abc import Iterable

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
FUNCTION_WORDS = {language: frozenset(words.split()) for language, words in _WORDS.items()}
"""By language the words that hold its sentences together."""
LETTERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("de", re.compile(r"[äöüß]")),
    ("fr", re.compile(r"[éèêàçœù]|(?<!\w)[dln]'")),
    ("es", re.compile(r"[ñ¿¡]|[áíóú]|ción(?!\w)")),
    ("pt", re.compile(r"[ãõ]|ção(?!\w)")),
    ("pl", re.compile(r"[łśźżąę]")),
    ("tr", re.compile(r"[ğışİ]")),
    ("sv", re.compile(r"[å]")),
)
"""Letters and endings that a language has alone."""


def shows(language: str, words: Iterable[str]) -> bool:
    """Whether one of these words, in small letters, is of this language and not of English."""
    own = FUNCTION_WORDS[language] - (frozenset() if language == "en" else FUNCTION_WORDS["en"])
    letters = next((pattern for name, pattern in LETTERS if name == language), None)
    return any(word in own or (letters is not None and letters.search(word) is not None) for word in words)
