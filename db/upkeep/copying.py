"""An archive from a file to a server, or back: every row under its own id, in the order of its keys, a page at a time.

Until a copy has come to its end and was held against what it is of, its schema is called `copying`, by which nobody
opens it. Started again, it goes on: pages are compared by the checksums of their rows, so that what was copied, and has
not changed since, is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, and_, bindparam, func, insert, select, text, tuple_
from sqlalchemy.exc import DBAPIError

from spinecho.db.errors import Damaged, StoreError
from spinecho.db.schema.checksums import COLUMN, columns_of
from spinecho.db.schema.database import HEAD, Database, migrate
from spinecho.db.schema.engines import Location, make_engine, shown
from spinecho.db.schema.founding import COPYING, make_file, revision_of
from spinecho.db.schema.models import Base
from spinecho.db.schema.trouble import error_of
from spinecho.db.upkeep.check import check_database
from spinecho.db.upkeep.probes import answers

_MARK = text("UPDATE alembic_version SET version_num = :to").bindparams(to=COPYING)
_PAGE = 250
"""Rows of a transaction: some hold the vectors of every part of a volume."""
OnRows = Callable[[str, int, int], None]
"""Given "copy", how many rows are settled, and how many there are."""


@dataclass(frozen=True, slots=True)
class CopyMade:
    """What a copy came to: rows of all tables, those of them that were written now, questions that were compared."""

    rows: int
    written: int
    questions: int


def copy_rows(
    source: Database,
    to: Location,
    *,
    on_rows: OnRows = lambda *_: None,
    complete: Callable[[Database], None] = lambda _: None,
) -> CopyMade:
    """Make the database at `to` what `source` is at this moment, or go on with it.

    complete: does to the copy what else belongs to it, before anybody can open it; again, where that was stopped. `to`
    is new, without rows, or an unfinished copy. Raises `StoreError` where it holds an archive, `Damaged` where the
    copy is not what it is of, `StorageFailure`.
    """
    written, engine = 0, None
    try:
        engine = _opened(to)
        with source.reading() as session:
            of = session.connection()
            counts = {table.name: of.scalar(select(func.count()).select_from(table)) or 0 for table in _tables()}
            for table in reversed(_tables()):
                _drop_others(of, engine, table)
            settled, total = 0, sum(counts.values())
            for table in _tables():
                for n, new in _copy(of, engine, table):
                    settled, written = settled + n, written + new
                    on_rows("copy", settled, total)
            _set_counters(of, engine)
            questions = _require_same(source, of, engine, to, counts)
        complete(Database(engine, to))
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": HEAD})
    except DBAPIError as error:
        raise error_of(error, to) or error from error
    finally:
        if engine is not None:
            engine.dispose()
    return CopyMade(sum(counts.values()), written, questions)


def _opened(to: Location) -> Engine:
    """Connections to what is to become the copy, its tables made. Raises `StoreError` where an archive is there."""
    if isinstance(to, Path):
        if not to.exists():
            make_file(to, _begin)
    else:
        engine = make_engine(to)
        try:
            with engine.connect() as connection:
                fresh = revision_of(connection) == (None, frozenset())
        finally:
            engine.dispose()
        if fresh:
            migrate(to)
    engine = make_engine(to)
    with engine.begin() as connection:
        revision, _ = revision_of(connection)
        if revision == COPYING:
            return engine
        held = revision != HEAD or any(connection.scalar(select(func.count()).select_from(t)) for t in _tables())
        if not held:
            connection.execute(_MARK)
            return engine
    engine.dispose()
    raise StoreError(f"{shown(to)} holds something already; name a new home, or an empty database")


def _begin(path: Path) -> None:
    """Tables that nobody takes for an archive, from the moment at which the file has its name."""
    migrate(path)
    engine = make_engine(path)
    try:
        with engine.begin() as connection:
            connection.execute(_MARK)
    finally:
        engine.dispose()


def _tables() -> list[Table]:
    """Every table, those that others point to first."""
    return Base.metadata.sorted_tables


def _marks(table: Table) -> list[Any]:
    """What tells whether a row is as it was: its checksum, and what no checksum is over."""
    summed = set(columns_of(table)) if COLUMN in table.c else set()
    return [one for one in table.c if not one.primary_key and one.name not in summed]


def _key(table: Table) -> Any:
    """The key of a row, as one value that has an order."""
    keys = list(table.primary_key)
    return tuple_(*keys) if len(keys) > 1 else keys[0]


def _value(key: Sequence[Any]) -> Any:
    return tuple_(*key) if len(key) > 1 else key[0]


def _pages(connection: Connection, table: Table) -> Iterator[list[Any]]:
    """All rows in the order of their keys, by their keys and marks."""
    keys, last = list(table.primary_key), None
    query = select(*keys, *_marks(table)).order_by(*keys).limit(_PAGE)
    while rows := list(connection.execute(query if last is None else query.where(_key(table) > _value(last)))):
        yield rows
        last = tuple(rows[-1][: len(keys)])


def _between(table: Table, after: Sequence[Any] | None, last: Sequence[Any]) -> Any:
    """Rows after one key and up to another."""
    up_to = _key(table) <= _value(last)
    return up_to if after is None else and_(_key(table) > _value(after), up_to)


def _drop_others(of: Connection, engine: Engine, table: Table) -> None:
    """Remove rows of an unfinished copy that its source has lost since."""
    n, after = len(table.primary_key), None
    keys = list(table.primary_key)
    with engine.connect() as reading:
        for rows in _pages(reading, table):
            mine = [tuple(row[:n]) for row in rows]
            there = {tuple(row) for row in of.execute(select(*keys).where(_between(table, after, mine[-1])))}
            after = mine[-1]
            if gone := [key for key in mine if key not in there]:
                with engine.begin() as connection:
                    same = and_(*(key == bindparam(f"k{at}") for at, key in enumerate(keys)))
                    connection.execute(table.delete().where(same), [_numbered(key) for key in gone])


def _copy(of: Connection, engine: Engine, table: Table) -> Iterator[tuple[int, int]]:
    """Write the rows that are not there, or are otherwise: (rows settled, those of them written), page by page."""
    keys, n, after = list(table.primary_key), len(table.primary_key), None
    for rows in _pages(of, table):
        last = tuple(rows[-1][:n])
        with engine.begin() as connection:
            held = connection.execute(select(*keys, *_marks(table)).where(_between(table, after, last)))
            there = {tuple(row[:n]): tuple(row[n:]) for row in held}
            wanted = {tuple(row[:n]) for row in rows if there.get(tuple(row[:n])) != tuple(row[n:])}
            if wanted:
                values = [dict(row._mapping) for row in of.execute(select(table).where(_between(table, after, last)))]
                _write(connection, table, [one for one in values if _key_of(table, one) in wanted], there.keys())
        after = last
        yield len(rows), len(wanted)


def _key_of(table: Table, row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[key.name] for key in table.primary_key)


def _write(connection: Connection, table: Table, values: Sequence[dict[str, Any]], there: Any) -> None:
    """Add rows, or change those that are there."""
    new = [one for one in values if _key_of(table, one) not in there]
    changed = [one for one in values if _key_of(table, one) in there]
    if new:
        connection.execute(insert(table), new)
    others = [column for column in table.c if not column.primary_key]
    if changed and others:
        same = and_(*(key == bindparam(f"k{at}") for at, key in enumerate(table.primary_key)))
        change = table.update().where(same).values({one.name: bindparam(f"v_{one.name}") for one in others})
        rows = [
            _numbered(_key_of(table, one)) | {f"v_{other.name}": one[other.name] for other in others} for one in changed
        ]
        connection.execute(change, rows)


def _numbered(key: Sequence[Any]) -> dict[str, Any]:
    return {f"k{at}": value for at, value in enumerate(key)}


def _set_counters(of: Connection, engine: Engine) -> None:
    """No id that was ever given is given again, by either kind of database."""
    for table in _tables():
        if "id" not in table.c:
            continue
        last = max(_last_given(of, table), of.scalar(select(func.max(table.c.id))) or 0)
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                given = text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :last, :called)")
                values = {"name": table.name, "last": max(last, 1), "called": last > 0}
                if connection.scalar(text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": table.name}):
                    connection.execute(given, values)
            elif table.dialect_options["sqlite"].get("autoincrement"):
                values = {"name": table.name, "last": last}
                connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
                connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), values)


def _last_given(of: Connection, table: Table) -> int:
    if of.dialect.name == "sqlite":
        query = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        return int(of.scalar(query, {"name": table.name}) or 0)
    sequence = of.scalar(text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": table.name})
    if not sequence:
        return 0
    last, called = of.execute(text(f"SELECT last_value, is_called FROM {sequence}")).one()  # noqa: S608
    return int(last) if called else 0


def _require_same(source: Database, of: Connection, engine: Engine, to: Location, counts: dict[str, int]) -> int:
    """Hold the copy against its source: rows, checksums, answers; how many questions. Raises `Damaged`."""
    remedy = "nothing uses it; start again, and where that does not help into another place"
    with engine.connect() as connection:
        for table in _tables():
            if connection.scalar(select(func.count()).select_from(table)) != counts[table.name]:
                raise Damaged(f"the copy {shown(to)} has another number of {table.name}; {remedy}")
            if COLUMN in table.c:
                total = select(func.sum(table.c[COLUMN]))
                if connection.scalar(total) != of.scalar(total):
                    raise Damaged(f"rows of {table.name} in the copy {shown(to)} are not those of its source; {remedy}")
    copy = Database(engine, to)
    if found := check_database(copy):
        raise Damaged(f"the copy {shown(to)}: {found[0].what}; {remedy}. 'spinecho doctor' looks at its source")
    expected = answers(source)
    if answers(copy) != expected:
        raise Damaged(f"the copy {shown(to)} answers otherwise than its source; {remedy}")
    return sum(len(some) for some in expected.values())
