"""Sentences to unit vectors, offline, with the same vector for a sentence whatever batch it came in."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.networks.bert_network import text_network
from spinecho.encoders.networks.model_files import (
    DEFAULT_MODEL,
    ModelFiles,
    describe,
    find_folder,
    preprocessing_digest,
    weights_digest,
)
from spinecho.encoders.space import Space, Vectors

if TYPE_CHECKING:
    import torch

_TOKENS_PER_BATCH = 2048
_REMEMBERED = 8
"""Single texts whose states are kept."""
_SENTENCES, _LONGEST_KEPT = 8192, 400
"""Vectors of texts that are kept, and how many characters such a text has at most: reports say the same things again
and again, and the next report says them in another call."""
_Passed: TypeAlias = tuple[NDArray[np.float32], NDArray[np.int64]]


class SentenceEncoder:
    """An `Encoder[str]` over a BERT-family network. torch is imported when it has to compute, not with this module.

    It takes what `transformers` calls an encoder (BERT, RoBERTa, XLM-R, MPNet, DistilBERT, ELECTRA, ModernBERT and
    their kin) with safetensors weights, pooled by mean, cls or max as its sentence-transformers files say.
    A text longer than `max_tokens` (256 for the default model) is cut there: embed reports by
    sentence, not whole. A prompt that the model wants ("query: ") goes before every text. Calls from several
    threads are safe.
    """

    def __init__(self, files: ModelFiles, *, device: str = "cpu") -> None:
        self._tokenizer = _tokenizer(files)
        self._pad = int(files.config.get("pad_token_id") or 0)
        self._pooling = files.pooling
        self._prompt = files.prompt
        self._alone: OrderedDict[tuple[int, ...], _Passed] = OrderedDict()
        self._known: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()
        self._network = text_network(files, None if device == "cpu" else _device(device))
        self.max_tokens = files.max_tokens
        hidden, _ = self._hidden([self._tokens("spin echo")])
        self._width = int(hidden.shape[2])
        self._space = Space(files.name, weights_digest(files), preprocessing_digest(files), self._width)

    @classmethod
    def default(cls, device: str = "cpu") -> SentenceEncoder:
        """all-MiniLM-L6-v2 from its Python package: 384 dimensions, no network ever."""
        return cls.from_name(DEFAULT_MODEL, device)

    @classmethod
    def from_name(cls, name_or_path: str, device: str = "cpu", *, prompt: str | None = None) -> SentenceEncoder:
        """A folder, or a model by its name on the hub (sentence-transformers or plain BERT-family).

        `prompt` goes before every text; None takes what the model's own files say. Raises EncoderUnavailable.
        """
        folder = find_folder(name_or_path)
        name = folder.resolve().name if Path(name_or_path).expanduser().is_dir() else name_or_path
        return cls(describe(folder, name=name, prompt=prompt), device=device)

    @property
    def space(self) -> Space:
        """The space of every vector that `encode` returns."""
        return self._space

    @property
    def width(self) -> int:
        """Length of one token's state in `token_states`."""
        return self._width

    def encode(self, items: Sequence[str], /) -> Vectors:
        """(n, dim) float32 unit rows, in the order of `items`; (0, dim) for none. Equal texts are read once."""
        unique = {text: number for number, text in enumerate(dict.fromkeys(items))}
        vectors = np.empty((len(unique), self._space.dim), dtype=np.float32)
        fresh = self._fill(vectors, unique)
        tokens = [self._tokens(text) for text in fresh]
        for rows in batches([len(ids) for ids in tokens]):
            vectors[[unique[fresh[row]] for row in rows]] = self._batch([tokens[row] for row in rows])
        self._keep({text: vectors[unique[text]] for text in fresh})
        return vectors[[unique[text] for text in items]]

    def _fill(self, vectors: Vectors, places: Mapping[str, int]) -> list[str]:
        """Write what is known into `vectors`; the texts that have to be read."""
        fresh = []
        with self._lock:
            for text, place in places.items():
                if (known := self._known.get(text)) is None:
                    fresh.append(text)
                else:
                    vectors[place] = known
                    self._known.move_to_end(text)
        return fresh

    def _keep(self, vectors: Mapping[str, Vectors]) -> None:
        with self._lock:
            self._known.update({text: one.copy() for text, one in vectors.items() if len(text) <= _LONGEST_KEPT})
            while len(self._known) > _SENTENCES:
                self._known.popitem(last=False)

    def token_states(self, items: Sequence[str], /) -> list[NDArray[np.float32]]:
        """The last hidden states of each text, (t, width) float32, in the order of `items`.

        t counts the special tokens ("[CLS]", "[SEP]") and never padding; it is at most `max_tokens`.
        """
        tokens = [self._tokens(text) for text in items]
        states: list[NDArray[np.float32]] = [np.empty((0, self._width), dtype=np.float32)] * len(tokens)
        for rows in batches([len(ids) for ids in tokens]):
            hidden, _ = self._hidden([tokens[row] for row in rows])
            for row, state in zip(rows, hidden, strict=True):
                states[row] = state[: len(tokens[row])].copy()  # not a view that keeps the padding alive
        return states

    def knows(self, word: str) -> bool:
        """Whether a word in lower case stands whole in the vocabulary: a common word of the model's language."""
        return self._tokenizer.token_to_id(word) is not None

    def _tokens(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(utf8(self._prompt + text)).ids
        return ids or [self._pad]  # a tokenizer without special tokens makes nothing of an empty text

    def _hidden(self, tokens: list[list[int]]) -> _Passed:
        """(n, t, width) states and (n, t) int64 mask, 0 for padding.

        A text alone is remembered for a while: a query is asked for its vector and for its tokens' states.
        """
        if len(tokens) > 1:
            return self._passed(tokens)
        key = tuple(tokens[0])
        with self._lock:
            found = self._alone.get(key)
        if found is None:
            found = self._passed(tokens)
            with self._lock:
                self._alone[key] = found
                while len(self._alone) > _REMEMBERED:
                    self._alone.popitem(last=False)
        return found

    def _passed(self, tokens: list[list[int]]) -> _Passed:
        longest = max(len(ids) for ids in tokens)
        ids = np.full((len(tokens), longest), self._pad, np.int64)
        mask = np.zeros((len(tokens), longest), np.int64)
        for row, known in enumerate(tokens):
            ids[row, : len(known)], mask[row, : len(known)] = known, 1
        (states,) = self._network({"ids": ids, "mask": mask})
        return states, mask

    def _batch(self, tokens: list[list[int]]) -> Vectors:
        hidden, mask = self._hidden(tokens)
        if self._pooling == "cls":
            pooled = hidden[:, 0]
        elif self._pooling == "max":
            pooled = np.where(mask[:, :, None] == 0, -np.inf, hidden).max(axis=1)
        else:
            weight = mask[:, :, None].astype(np.float32)
            pooled = (hidden * weight).sum(axis=1) / weight.sum(axis=1)
        unit: Vectors = (pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12)).astype(np.float32)
        return unit


def utf8(text: str) -> str:
    """`text` without lone surrogates, which cannot reach a tokenizer."""
    return text.encode("utf-8", "replace").decode()


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Rows of like length together, so that little is padding, and at most so many tokens at once."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > _TOKENS_PER_BATCH:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _tokenizer(files: ModelFiles) -> Any:
    """The fast tokenizer alone, cutting at the model's limit; padding is done per batch."""
    return load_tokenizer(files.folder, name=files.name, max_tokens=files.max_tokens)


def load_tokenizer(folder: Path, *, name: str, max_tokens: int) -> Any:
    """A `tokenizers.Tokenizer` that cuts at `max_tokens` and does not pad; EncoderUnavailable where there is none."""
    path = folder / "tokenizer.json"
    if path.is_file():
        from tokenizers import Tokenizer  # noqa: PLC0415

        try:
            tokenizer: Any = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise EncoderUnavailable(
                f"the tokenizer.json of {name} is damaged; install or download it again"
            ) from error
    else:
        from transformers import AutoTokenizer  # noqa: PLC0415

        try:
            made = AutoTokenizer.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=False, use_fast=True
            )
            tokenizer = made.backend_tokenizer
        except (OSError, ValueError, AttributeError, ImportError) as error:
            raise EncoderUnavailable(f"{name} comes without a usable tokenizer: {error}") from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=max_tokens)
    return tokenizer


def _device(name: str) -> torch.device:
    import torch  # noqa: PLC0415

    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise EncoderUnavailable(f"there is no device {name!r}; use 'cpu' or 'cuda'") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise EncoderUnavailable(f"{name!r} was asked for and torch finds no GPU; use 'cpu'")
    return device
