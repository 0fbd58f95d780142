"""Heads as they lie on disk: what is known of them before their networks are opened. No torch."""

from __future__ import annotations

from pathlib import Path

from spinecho.encoders.checkpoint import CONFIG, Card, CheckpointError
from spinecho.encoders.errors import SpaceMismatch
from spinecho.encoders.heads.card import HeadCard
from spinecho.encoders.heads.predictions import HeadError
from spinecho.encoders.space import Space

KIND = "head"


def head_folders(folder: Path) -> list[Path]:
    """The folders of heads in `folder`, in order of name. Raises HeadError where there are none."""
    try:
        folders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise HeadError(
            f"{folder} is no folder of heads ({error.strerror}); train one with 'spinecho train head'"
        ) from error
    if not folders:
        raise HeadError(f"{folder} holds no head; train one with 'spinecho train head'")
    return folders


def head_card(folder: Path, card: Card) -> HeadCard:
    """What the checkpoint in `folder` says of its head. Raises CheckpointError for what is no card of one."""
    try:
        return HeadCard.from_json(card.config)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{folder / CONFIG}: {error}; it was written by another version") from error


def require_space(task: str, trained_on: Space, given: Space) -> None:
    """Raise SpaceMismatch for a head of another Space than the encoder gives."""
    if trained_on != given:
        raise SpaceMismatch(
            f"the head {task!r} was trained on {trained_on.label}, the encoder gives {given.label}; "
            "train it again with 'spinecho train head', or use the encoder that it was trained with"
        )
