"""Whether words name a part of the body and nothing else: what "with no focal lesion" after them calls normal."""

from __future__ import annotations

import re
from collections.abc import Callable

from spinecho.encoders.language.vocabulary.reading import read

_SEEN_OF_IT = re.compile(
    r"(?<!\w)(?:visuali[sz]\w*|imag\w*|remain\w*|rest|other|lateral|later|medial|left|right|run|cours|pass?|fill|open|lie|sit|continu|insert|move?|exit|drain|links?|rechts?|beidseits"
    r"|dist|proxim|upper|lower|anterior|posterior|superior|inferior|entir|whol|(?:ante|retro)(?:vert|flex)"
    r"|izquierd\w+|derech\w+|gauche|droite?)(?!\w)"
)


def names_only_anatomy(text: str, has_words: Callable[[str], bool]) -> bool:
    """True of "Liver", "The left kidney", "Vesícula biliar"; `has_words`: whether more is said than small words."""
    named, loose = read(text)
    kinds = {mention.kind for mention in named}
    return "anatomy" in kinds and "finding" not in kinds and not has_words(_SEEN_OF_IT.sub(" ", " ".join(loose)))
