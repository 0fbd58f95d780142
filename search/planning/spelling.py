"""Spelling: words that neither the archive nor the table of terms knows are taken for the nearest that they know.

Words alone: never identifiers, numbers, quoted phrases, beginnings of words or conditions, and no word that the archive
holds or that the sentence encoder has whole in its vocabulary, which is any common word of the language: "spleen" stays
"spleen" in an archive of brains.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from rapidfuzz.distance import OSA

from spinecho.db.queries.vocabulary import passages_count, sentences_with, stems_of
from spinecho.db.reports.full_text import count_words, expression
from spinecho.db.schema.database import Database
from spinecho.encoders.language import terms
from spinecho.search.planning.query_plan import Correction
from spinecho.search.planning.spans import Span, Taken
from spinecho.search.planning.term_words import LEAST, english_words, term_stems, term_words

_WORD = re.compile(r"(?<![\w*])[^\W\d_]+(?![\w*])")
_QUOTED = re.compile(r'["“”„][^"“”„]*(?:["“”„]|$)|(?<!\S)[-−]?[A-Za-z_]+(?:\.[\w-]+)?:\S+')
_LONG = 8
"""Letters from which on two may be wrong."""
_MOST = 6
"""Words of a query that are corrected; more unknown ones are another language."""
_GROWN = 1.2
_BEST = 8


class Spelling:
    """Corrects words over one database; what the archive holds is read when an unknown word is first typed."""

    def __init__(self, database: Database, knows: Callable[[str], bool] | None = None) -> None:
        """knows: whether a word is one of the language, by whoever can tell."""
        self._database = database
        self.knows = knows or (lambda word: False)
        """Whether a word is one of the language."""
        self._stems: dict[str, int] = {}
        self._read_at = -1

    def corrections(self, text: str, *, without: Sequence[Span] = ()) -> tuple[Correction, ...]:
        """What is to be taken for what, in the order typed."""
        taken = Taken(len(text), without)
        for match in _QUOTED.finditer(text):
            taken.take(match.span())
        unknown = [one for one in _WORD.finditer(text) if not taken.meets(one.span()) and self._unknown(one.group())]
        if not unknown or len(unknown) > _MOST:
            return ()
        found = []
        for one in unknown:
            word = self._nearest(one.group().casefold())
            if word:
                corrected = word.capitalize() if one.group()[0].isupper() else word
                found.append(Correction(one.group(), corrected, *one.span()))
        return tuple(found)

    def _unknown(self, word: str) -> bool:
        if len(word) < LEAST or (word.isupper() and len(word) <= LEAST):
            return False
        plain = word.casefold()
        if terms.stem("".join(typed for _, typed in terms.plain_words(plain))) in term_stems() or self.knows(plain):
            return False
        return count_words(self._database, expression([(plain,)]), most=1) == 0

    def _nearest(self, word: str) -> str:
        """The known word that is nearest, of several the one that most passages hold; '' where none is near."""
        most = 2 if len(word) >= _LONG else 1
        best: list[tuple[int, int, str]] = []
        for known in term_words().get(word[0], ()):
            away = OSA.distance(word, known, score_cutoff=most)
            if away <= most:
                best.append((away, 0 if known in english_words() else 1, known))
        near: list[tuple[int, int, str]] = []
        for stem, held in self._archive().items():
            if stem[0] == word[0] and len(stem) <= len(word) + most:
                away = OSA.distance(word[: max(len(stem), len(word) - _ENDING)], stem, score_cutoff=most + _ENDING)
                cut = OSA.distance(word[: len(stem)], stem, score_cutoff=most)
                if min(away, cut) <= most:
                    near.append((min(away, cut), -held, stem))
        for _, held, stem in sorted(near)[:_BEST]:
            for sentence in sentences_with(self._database, [stem]):
                for match in _WORD.finditer(sentence.casefold()):
                    away = OSA.distance(word, match.group(), score_cutoff=most)
                    if away <= most and len(match.group()) >= LEAST - 1:
                        best.append((away, held, match.group()))
        return min(best)[2] if best else ""

    def _archive(self) -> dict[str, int]:
        """The stems of the archive, read again once it has grown by a fifth."""
        count = passages_count(self._database)
        if self._read_at < 0 or not self._read_at <= count <= max(self._read_at * _GROWN, self._read_at + 50):
            self._stems, self._read_at = stems_of(self._database), count
        return self._stems


_ENDING = 3
"""Letters that a stem may lack at its end."""
