"""How well an archive is found, and what its scans are tested to know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from spinecho.db.errors import StoreError
from spinecho.db.queries import lookup
from spinecho.db.schema.database import Database
from spinecho.encoders.sandbox.processes import Sandbox, Task
from spinecho.encoders.tasks.measured_tasks import copy_task, unpack_scans
from spinecho.errors import QueryError
from spinecho.filling.outcomes import OnProgress, self_tested, workers_here
from spinecho.filling.status_facts import self_test_facts
from spinecho.given import one_of
from spinecho.search.access.persons import Access, Role
from spinecho.search.evaluation.evaluate_archive import Evaluator
from spinecho.search.evaluation.judgements import read_judgements, read_pairs
from spinecho.search.evaluation.values import Evaluation, Options
from spinecho.setup.places import place_of
from spinecho.setup.settings import Settings
from spinecho.setup.wiring import open_dual

if TYPE_CHECKING:
    import os

    from spinecho.db.filters.algebra import Filter
    from spinecho.encoders.dual import DualEncoder
    from spinecho.encoders.preparing.preparation import Prepared

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
    copies: int,
    on_progress: Callable[[str], None] | None,
    dual: Callable[[], DualEncoder] | None = None,
) -> Evaluation:
    """As `Archive.evaluate`. dual: gives encoders that are loaded already; without it they are opened here."""
    one_of("exclude", exclude, ("patient", "study"))
    if judgements is not None and pairs is not None:
        raise QueryError("give one of judgements and pairs")
    asked = None if judgements is None else read_judgements(place_of(judgements))  # before anything slow is opened
    texts = None if pairs is None else read_pairs(place_of(pairs))
    what = "judgements" if asked is not None else "pairs" if texts is not None else "archive"
    access.allow(Role.RESEARCHER, "evaluate", "evaluate", of=what, queries=queries)
    options = Options(
        where, "patient" if exclude == "patient" else "study", queries, resamples, seed, settings.smallest_count, copies
    )
    say = on_progress or _silent
    opened = open_dual(settings, database()) if dual is None else dual()
    read_copies = partial(_read_copies, database(), opened.image.preparation.spec)
    evaluator = Evaluator(database(), settings.builds, opened, options, read_copies)
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


def _read_copies(
    database: Database, spec: dict[str, Any], volumes: Sequence[int], seed: int
) -> Iterator[Prepared | None]:
    """Varied copies of stored volumes, read again from their files in child processes, see `ReadCopies`."""

    tasks: list[Task | None] = []
    for number, volume in enumerate(volumes):
        try:
            _, key, source = lookup.volume_source(database, volume)
        except StoreError:  # removed meanwhile
            tasks.append(None)
        else:
            tasks.append(copy_task(source, key=key, spec=spec, seed=seed + number))
    with Sandbox(workers=workers_here()) as sandbox:
        outcomes = sandbox.map(task for task in tasks if task is not None)
        for task in tasks:
            read = [] if task is None else unpack_scans(next(outcomes).messages)
            yield read[0].prepared if read else None


def _silent(_: str) -> None:
    """Nobody asked what is measured now."""
