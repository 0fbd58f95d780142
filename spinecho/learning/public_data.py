"""How well an encoder does on public data sets, as they are published."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from spinecho.db.schema.database import Database
from spinecho.errors import QueryError
from spinecho.filling.outcomes import workers_here
from spinecho.search.access.persons import Access, Role
from spinecho.search.evaluation.public import evaluate_public as measuring
from spinecho.search.evaluation.public.every import layout_of
from spinecho.search.evaluation.values import Evaluation, Options
from spinecho.setup.places import place_of
from spinecho.setup.private import make_private, private_files
from spinecho.setup.settings import Settings
from spinecho.setup.wiring import open_dual

if TYPE_CHECKING:
    import os

__all__ = ["evaluate_public"]
KEPT = "public"
"""The home's folder of vectors of public data sets; they can be deleted at any time."""


def evaluate_public(
    settings: Settings,
    database: Database,
    access: Access,
    *,
    folder: str | os.PathLike[str],
    layout: str | None,
    split: str,
    queries: int,
    resamples: int,
    seed: int,
    copies: int,
    on_progress: Callable[[str], None] | None,
) -> Evaluation:
    """As `Archive.evaluate_public`."""
    if not split.strip():
        raise QueryError("split='' names no part of a data set; give test, train, val or all")
    place = place_of(folder).absolute()
    chosen = layout_of(place, layout)  # before anything slow is opened
    access.allow(Role.RESEARCHER, "evaluate", "evaluate", of=f"public/{chosen.name}", queries=queries)
    keep = settings.home / KEPT
    make_private(keep)
    options = Options(queries=queries, resamples=resamples, seed=seed, copies=copies)
    with private_files():
        return measuring.evaluate_public(
            chosen, place, split, open_dual(settings, database), options, keep=keep, workers=workers_here(),
            tell=on_progress or _silent,
        )  # fmt: skip


def _silent(_: str) -> None:
    """Nobody asked what is measured now."""
