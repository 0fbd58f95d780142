"""The heads of one encoder, asked together: what the indexer adds to a volume as predicted facts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from spinecho.encoders.heads.head import Head
from spinecho.encoders.heads.predictions import UNKNOWN, HeadError, Prediction
from spinecho.encoders.heads.stored import head_folders, require_space
from spinecho.encoders.networks.parts_of_volumes import Described
from spinecho.encoders.space import Space

__all__ = ["UNKNOWN", "HeadError", "Prediction", "Predictor"]


class _Head(Protocol):
    @property
    def task(self) -> str: ...

    @property
    def space(self) -> Space: ...

    @property
    def revision(self) -> str: ...

    def predict(self, items: Sequence[Described], /) -> list[Prediction]: ...


class Predictor:
    """A set of heads of one Space."""

    def __init__(self, heads: Sequence[_Head], *, space: Space) -> None:
        for head in heads:
            require_space(head.task, head.space, space)
        self.space = space
        self.tasks = tuple(head.task for head in heads)
        self.revisions = {head.task: head.revision for head in heads}
        """By task: the digest of the head's weights, "" for one that was never saved."""
        self._heads = tuple(heads)

    @classmethod
    def load(cls, folder: Path, *, space: Space) -> Predictor:
        """The heads in the sub-folders of `folder`, in order of name.

        Raises HeadError where there are none, SpaceMismatch for one of another Space, CheckpointError for one that is
        damaged.
        """
        return cls([Head.load(path) for path in head_folders(folder)], space=space)

    def predict(self, items: Sequence[Described]) -> list[tuple[Prediction, ...]]:
        """For each volume what every head says of it, in the order of `tasks`."""
        answers = [head.predict(items) for head in self._heads]
        return [tuple(answer[place] for answer in answers) for place in range(len(items))]
