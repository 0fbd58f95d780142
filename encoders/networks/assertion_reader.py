"""A network that reads a sentence and tells what it says of a term: there, not there, perhaps, past, a relative's.

The frozen sentence encoder's network with small changes that were taught (`low_rank`), over sentences that were written
and labelled for it by the conventions of docs/language.md; `benchmarks.model.assertions` teaches them. The term stands
between brackets; its states, and the first, are what the answer is read from. It knows English.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.checkpoint import CheckpointError, load_arrays
from spinecho.encoders.language.second_reading import LABELS
from spinecho.encoders.networks.bert_network import text_network
from spinecho.encoders.networks.low_rank import DOWN, UP, LowRank
from spinecho.encoders.networks.model_files import DEFAULT_MODEL, ModelFiles, default_folder, describe, weights_digest
from spinecho.encoders.networks.sentence_encoder import batches, load_tokenizer, utf8

KIND = "assertions"
FOLDER = Path(__file__).parents[1] / "weights" / "assertions"
MOST_TOKENS = 128
_BEFORE, _BEHIND = 100, 80
"""Characters of a long sentence around the term that are read."""
_OPENS, _CLOSES = "[ ", " ]"
HEAD = ("head.weight", "head.bias")

Asked = tuple[str, int, int]
"""A sentence and the place of a term in it: text[start:stop]."""


class AssertionReader:
    """Answers for many at once; the same for a sentence whatever others are asked with it. Threads may share it."""

    def __init__(self, files: ModelFiles, folder: Path = FOLDER) -> None:
        card, weights = load_arrays(folder, kind=KIND)
        if card.preparation.get("revision") != weights_digest(files):
            raise CheckpointError(
                f"{folder} was taught over {card.preparation.get('model')}, not over {files.name} as it is installed "
                "here; install the package that it names"
            )
        self._head = [weights[name] for name in HEAD]
        thin = {name: one for name, one in weights.items() if name.endswith((DOWN, UP))}
        change = LowRank(thin, float(card.config["scale"]), card.sha256)
        self._network = text_network(files, None, change=change)
        self._tokenizer = load_tokenizer(files.folder, name=files.name, max_tokens=MOST_TOKENS)

    def judge(self, asked: Sequence[Asked]) -> NDArray[np.float32]:
        """(n, 5) probabilities in the order of `LABELS`. What is asked twice is read once."""
        places = {one: row for row, one in enumerate(dict.fromkeys(asked))}
        return self._read(list(places))[[places[one] for one in asked]]

    def _read(self, asked: Sequence[Asked]) -> NDArray[np.float32]:
        found = np.empty((len(asked), len(LABELS)), np.float32)
        tokens = [bracketed(self._tokenizer, *one) for one in asked]
        for rows in batches([len(ids) for ids, _ in tokens]):
            longest = max(len(tokens[row][0]) for row in rows)
            ids, mask = np.zeros((2, len(rows), longest), np.int64)
            term = np.zeros((len(rows), longest), np.float32)
            for place, row in enumerate(rows):
                known, marked = tokens[row]
                ids[place, : len(known)], mask[place, : len(known)] = known, 1
                term[place, : len(known)] = marked
            (states,) = self._network({"ids": ids, "mask": mask})
            of_term = (states * term[:, :, None]).sum(axis=1) / term.sum(axis=1, keepdims=True)
            weight, bias = self._head
            scores = np.concatenate([of_term, states[:, 0]], axis=1) @ weight.T + bias
            scores = np.exp(scores - scores.max(axis=1, keepdims=True))
            found[rows] = scores / scores.sum(axis=1, keepdims=True)
        return found


def bracketed(tokenizer: Any, text: str, start: int, stop: int) -> tuple[list[int], list[float]]:
    """Token ids of a sentence with its term in brackets, and 1 for each token of the term, else 0."""
    head, tail = text[max(0, start - _BEFORE) : start], text[stop : stop + _BEHIND]
    begin = len(head) + len(_OPENS)
    end = begin + stop - start
    found = tokenizer.encode(utf8(f"{head}{_OPENS}{text[start:stop]}{_CLOSES}{tail}"))
    marked = [float(b > a and a < end and b > begin) for a, b in found.offsets]
    if not any(marked):
        marked[0] = 1.0  # a term that was cut off, or that no token stands for
    return found.ids, marked


@lru_cache(maxsize=1)
def default_reader() -> AssertionReader:
    """The one that ships, opened once a process. Raises EncoderUnavailable, CheckpointError."""
    return AssertionReader(describe(default_folder(), name=DEFAULT_MODEL))
