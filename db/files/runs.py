"""Runs of `spinecho index`: when, over which folders, how far, and by a reader of which number."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update

from spinecho.db.schema import clean
from spinecho.db.schema.chunks import chunks
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import LOOK_AGAIN, Failure, File, Run

_COLUMNS, _VOLUMES, _DEIDENTIFIED = "report_columns", "max_volumes", "deidentified"


def start_run(
    database: Database,
    roots: Sequence[str],
    *,
    reader: int = 0,
    report_columns: str = "",
    max_volumes: int = 0,
    deidentified: Mapping[str, str] | None = None,
) -> int:
    """Open a run; its id marks every folder that it walks.

    reader: see `look_again`; report_columns: see `last_report_columns`; max_volumes: of a series, for who joins it;
    deidentified: see `deidentified_as`.
    """
    with database.begin() as session:
        kept = [clean.stored_path(root) for root in roots]
        counts: dict[str, Any] = {"reader": reader} | ({_COLUMNS: report_columns} if report_columns else {})
        counts |= {_VOLUMES: max_volumes} if max_volumes else {}
        counts |= {_DEIDENTIFIED: dict(deidentified)} if deidentified else {}
        run = Run(started_at=_now(), finished_at=None, roots=kept, counts=counts, seconds={})
        session.add(run)
        session.flush()
        return run.id


def tell_run(database: Database, run: int, stages: Mapping[str, Sequence[int]]) -> None:
    """Keep how far a run is, [done, known] by stage, and when it said so: a run that says nothing has been killed."""
    stored: dict[str, Any] = {
        "stages": {stage: list(pair) for stage, pair in stages.items()},
        "told_at": _now().isoformat(),
    }
    with database.begin() as session:
        stored |= _kept(session.get(Run, run))
        session.execute(update(Run).where(Run.id == run).values(counts=stored))


def finish_run(database: Database, run: int, *, counts: Mapping[str, int], seconds: Mapping[str, float]) -> None:
    """Close a run with what it did."""
    with database.begin() as session:
        kept = {**counts, **_kept(session.get(Run, run))}
        values = {"finished_at": _now(), "counts": kept, "seconds": dict(seconds)}
        session.execute(update(Run).where(Run.id == run).values(**values))


def last_roots(database: Database) -> tuple[str, ...]:
    """The folders of the newest run that named any."""
    with database.begin() as session:
        runs = session.scalars(select(Run.roots).order_by(Run.id.desc()).limit(50))
        return tuple(clean.real_path(root) for root in next((roots for roots in runs if roots), ()))


def add_roots(database: Database, roots: Sequence[str]) -> None:
    """Let the newest run that named folders name these too: they are the archive's, though it did not walk them."""
    with database.begin() as session:
        for run in session.scalars(select(Run).order_by(Run.id.desc()).limit(50)):
            if run.roots:
                named = dict.fromkeys([*run.roots, *map(clean.stored_path, roots)])
                if len(named) > len(run.roots):
                    run.roots = list(named)
                return


def last_report_columns(database: Database) -> str:
    """The columns of reports' tables that the newest run was given, or took over from the one before it."""
    with database.begin() as session:
        run = session.scalars(select(Run).order_by(Run.id.desc()).limit(1)).first()
        return str(run.counts.get(_COLUMNS, "")) if run is not None else ""


def run_to_join(database: Database) -> tuple[int, int] | None:
    """(its id, volumes of a series that it embeds) of the newest run, where it has not come to its end."""
    with database.begin() as session:
        run = session.scalars(select(Run).order_by(Run.id.desc()).limit(1)).first()
        if run is None or run.finished_at is not None:
            return None
        return run.id, int(run.counts.get(_VOLUMES, 0))


def deidentified_as(database: Database) -> dict[str, str] | None:
    """How what is indexed was de-identified (key's fingerprint, dates, descriptors); None for an archive that was not.

    All runs of an archive are of one kind, which the first one decides.
    """
    with database.begin() as session:
        run = session.scalars(select(Run).order_by(Run.id.desc()).limit(1)).first()
        found = run.counts.get(_DEIDENTIFIED) if run is not None else None
        return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else None


def any_run(database: Database) -> bool:
    """Whether anything was indexed, or begun to be."""
    with database.begin() as session:
        return session.scalar(select(Run.id).limit(1)) is not None


def newest_reader(database: Database) -> int:
    """The number of the reader of the newest run: see `look_again`. Of an archive without a run, more than any."""
    with database.begin() as session:
        run = session.scalars(select(Run).order_by(Run.id.desc()).limit(1)).first()
        return sys.maxsize if run is None else _reader_of(run)


def read_reports_again(database: Database, wanted_names: Callable[[str], bool]) -> int:
    """Have report files with such names looked at again; how many."""
    with database.begin() as session:
        query = select(File.id, File.name).where(File.kind == "report", File.mtime_ns != LOOK_AGAIN)
        wanted = [one.id for one in session.execute(query) if wanted_names(one.name)]
        for some in chunks(wanted):
            session.execute(update(File).where(File.id.in_(some)).values(mtime_ns=LOOK_AGAIN))
        return len(wanted)


def last_run(database: Database) -> dict[str, Any] | None:
    """The newest run's roots, times, counts and seconds."""
    with database.begin() as session:
        run = session.scalars(select(Run).order_by(Run.id.desc()).limit(1)).first()
        if run is None:
            return None
        return {
            "id": run.id,
            "roots": run.roots,
            "started_at": run.started_at.isoformat(),
            "finished_at": run.finished_at.isoformat() if run.finished_at else None,
            "counts": run.counts,
            "seconds": run.seconds,
        }


def look_again(database: Database, *, reader: int, reasons: Sequence[str]) -> int:
    """Have files looked at again that were rejected for these reasons by an older reader; how many.

    A run keeps its reader's number among its counts; a later one reads more kinds of files.
    """
    of_reasons = Failure.reason.in_(reasons)
    with database.begin() as session:
        runs = set(session.scalars(select(Failure.run_id).where(of_reasons).distinct()))
        old = [run for run in runs if _reader_of(session.get(Run, run)) < reader]
        looked = 0
        for some in chunks(sorted(old)):
            files = select(Failure.file_id).where(of_reasons, Failure.run_id.in_(some))
            changed = session.execute(
                update(File).where(File.id.in_(files), File.mtime_ns != LOOK_AGAIN).values(mtime_ns=LOOK_AGAIN)
            )
            looked += changed.rowcount  # type: ignore[attr-defined]
        return looked


def _kept(run: Run | None) -> dict[str, Any]:
    """What a run was started with."""
    names = (_COLUMNS, _VOLUMES, _DEIDENTIFIED)
    return {"reader": _reader_of(run)} | {name: run.counts[name] for name in names if run and run.counts.get(name)}


def _reader_of(run: Run | None) -> int:
    found = run.counts.get("reader", 0) if run is not None else 0
    return found if isinstance(found, int) else 0


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
