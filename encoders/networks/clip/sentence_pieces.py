"""SigLIP's sentences from `spiece.model`, where a repository has no `tokenizer.json`: read without SentencePiece.

The file is a protobuf message (github.com/google/sentencepiece, sentencepiece_model.proto); of it the pieces with their
scores and the table of characters are taken. What goes before is SigLIP's own: lower case, no punctuation, single
spaces (big_vision's "canonicalize", as transformers has it).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.sandbox.limits import TABLE_BYTES, read_small

FILE = "spiece.model"
_UNIGRAM = 1
_UNKNOWN, _CONTROL = 2, 3
"""Kinds of pieces that are not looked for in a text."""
_END = "</s>"


def siglip_tokenizer(folder: Path, *, name: str, max_tokens: int) -> Any:
    """A `tokenizers.Tokenizer` that cuts at `max_tokens` and does not pad. Raises EncoderUnavailable."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors  # noqa: PLC0415

    try:
        pieces, characters = _read(read_small(folder / FILE, EncoderUnavailable, most=TABLE_BYTES))
        unknown = next(at for at, (_, _, kind) in enumerate(pieces) if kind == _UNKNOWN)
        end = next(at for at, (piece, _, _) in enumerate(pieces) if piece == _END)
        tokenizer: Any = Tokenizer(models.Unigram([(piece, score) for piece, score, _ in pieces], unknown, False))
        steps: list[Any] = [
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"[!-/:-@\[-`{-~]"), ""),
            normalizers.Replace(Regex(r"\s+"), " "),
        ]
        if characters:
            steps.append(normalizers.Precompiled(characters))
        steps += [normalizers.Replace(Regex(" +"), " "), normalizers.Strip()]
        tokenizer.normalizer = normalizers.Sequence(steps)
    except (OSError, ValueError, IndexError, StopIteration, struct.error, UnicodeDecodeError) as error:
        raise EncoderUnavailable(f"the {FILE} of {name} is damaged; download it again") from error
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(f"$A {_END}", special_tokens=[(_END, end)])
    tokenizer.enable_truncation(max_length=max_tokens)
    return tokenizer


def _read(message: bytes) -> tuple[list[tuple[str, float, int]], bytes]:
    """(pieces with score and kind, the table that characters are normalised by) of a unigram model."""
    pieces, characters, kind_of_model = [], b"", 0
    for number, value in _fields(message):
        if number == 1 and isinstance(value, bytes):
            found: dict[int, Any] = dict(_fields(value))
            score = struct.unpack("<f", found.get(2, b"\0\0\0\0"))[0]
            pieces.append((found.get(1, b"").decode(), float(score), int(found.get(3, 1))))
        elif number == 2 and isinstance(value, bytes):
            kind_of_model = next((int(inner) for at, inner in _fields(value) if at == 3), _UNIGRAM)
        elif number == 3 and isinstance(value, bytes):
            characters = next((bytes(inner) for at, inner in _fields(value) if at == 2), b"")
    if kind_of_model != _UNIGRAM or not pieces:
        raise ValueError("not a unigram model")
    return pieces, characters


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Each field's number and value: a whole number, or bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        size = {1: 8, 5: 4}.get(wire)
        if wire == 2:
            size, at = _varint(message, at)
        if size is None or at + size > len(message):
            raise ValueError("not a protobuf message")
        yield number, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError("not a protobuf message")
