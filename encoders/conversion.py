"""Weights that are published as a pickle, made safetensors once, with the digest of the file before and after."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spinecho.db.durable import durable_replace, sha256_of
from spinecho.encoders.errors import EncoderUnavailable, Reason
from spinecho.encoders.sandbox.confinement import MOST_WRITTEN_MB
from spinecho.encoders.sandbox.processes import Sandbox
from spinecho.encoders.tasks.weight_tasks import conversion_task

PICKLES = (".bin", ".pt", ".pth", ".ckpt")
_SECONDS = 1800.0
_LIBRARY_MB = 4096
"""Address space that PyTorch takes before it holds anything, about."""


@dataclass(frozen=True, slots=True)
class Converted:
    """source, file: names; before, after: their sha256; left_out: values that were no tensors."""

    source: str
    before: str
    file: str
    after: str
    tensors: int
    left_out: int

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        return asdict(self)


def convert_pickle(
    source: Path, target: Path, *, seconds: float = _SECONDS, sandbox: Sandbox | None = None
) -> Converted:
    """Write `target`, a safetensors file, with the tensors of `source`, which only a child process opens.

    The child has no network, a limit on memory, and may write one file of that size. sandbox: whose child it is, None
    for one of its own. Raises EncoderUnavailable for a
    file that is no pickle of tensors, asks for code, or is larger than a child may write.
    """
    size_mb = source.stat().st_size >> 20
    if size_mb + 64 > MOST_WRITTEN_MB:
        raise EncoderUnavailable(
            f"{source.name} has {size_mb:,} MB, and {MOST_WRITTEN_MB:,} MB are the most that a process which opens "
            "untrusted files may write; look for a copy in safetensors"
        )
    before, unfinished = sha256_of(source), target.with_name(f"{target.name}.partial")
    try:
        task = conversion_task(source, unfinished, seconds=seconds)
        if sandbox is None:
            with Sandbox(memory_mb=_LIBRARY_MB + 4 * size_mb) as own:
                outcome = own.run(task)
        else:
            outcome = sandbox.run(task)
        if outcome.failure is not None:
            raise EncoderUnavailable(f"{source.name} was not converted: {_why(outcome.failure, outcome.detail)}")
        answer = outcome.messages[0][0]
        if "tensors" not in answer:
            raise EncoderUnavailable(f"{source.name} was not converted: {answer.get('refused')}")
        if sha256_of(source) != before:
            raise EncoderUnavailable(f"{source.name} changed while it was read; copy it again")
        durable_replace(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)
    return Converted(
        source.name, before, target.name, sha256_of(target), int(answer["tensors"]), int(answer["left_out"])
    )


def _why(failure: Reason, detail: str) -> str:
    if detail == "UnpicklingError":
        return "it asks for code, or is damaged; a pickle of weights holds tensors alone"
    return f"{failure} ({detail}); {failure.remedy}"
