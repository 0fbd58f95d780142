"""How well an archive is found, and what its scans are tested to know."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from spinecho.db.errors import StoreError
from spinecho.db.schema.database import Database
from spinecho.errors import QueryError
from spinecho.filling.outcomes import OnProgress, self_tested
from spinecho.filling.status_facts import self_test_facts
from spinecho.search.access.persons import Access, Role
from spinecho.search.evaluation.evaluate_archive import Evaluation, Evaluator, Options
from spinecho.search.evaluation.judgements import read_judgements, read_pairs
from spinecho.setup.places import place_of
from spinecho.setup.settings import Settings
from spinecho.setup.wiring import open_dual

if TYPE_CHECKING:
    import os

    from spinecho.db.filters.algebra import Filter
    from spinecho.encoders.dual import DualEncoder

__all__ = ["Evaluation", "evaluate", "self_test"]


def evaluate(
    settings: Settings,
    database: Callable[[], Database],
    access: Access,
    *,
    where: Filter,
    judgements: str | os.PathLike[str] | None,
    pairs: str | os.PathLike[str] | None,
    queries: int,
    resamples: int,
    seed: int,
    exclude: str,
    on_progress: Callable[[str], None] | None,
    dual: Callable[[], DualEncoder] | None = None,
) -> Evaluation:
    """As `Archive.evaluate`. dual: gives encoders that are loaded already; without it they are opened here."""
    if exclude not in {"patient", "study"}:
        raise QueryError(f"exclude={exclude!r} is none of: patient, study")
    if judgements is not None and pairs is not None:
        raise QueryError("give one of judgements and pairs")
    asked = None if judgements is None else read_judgements(place_of(judgements))  # before anything slow is opened
    texts = None if pairs is None else read_pairs(place_of(pairs))
    what = "judgements" if asked is not None else "pairs" if texts is not None else "archive"
    access.allow(Role.RESEARCHER, "evaluate", "evaluate", of=what, queries=queries)
    options = Options(
        where, "patient" if exclude == "patient" else "study", queries, resamples, seed, settings.smallest_count
    )
    say = on_progress or _silent
    evaluator = Evaluator(
        database(), settings.builds, open_dual(settings, database()) if dual is None else dual(), options
    )
    if asked is not None:
        return evaluator.judgements(asked, say)
    return evaluator.archive(say) if texts is None else evaluator.pairs(texts, say)


def self_test(settings: Settings, database: Database, on_progress: OnProgress | None) -> dict[str, Any]:
    """As `Archive.self_test`."""
    warning = self_tested(database, lambda: open_dual(settings, database), on_progress, again=True)
    if warning:
        raise StoreError(warning)
    facts = self_test_facts(database, settings)
    if facts is None:
        raise StoreError("nothing is indexed yet; run 'spinecho index FOLDER' first")
    return facts


def _silent(_: str) -> None:
    """Nobody asked what is measured now."""
