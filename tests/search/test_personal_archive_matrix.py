"""The personal archive and its cohorts: which role may do what; a row of the record comes first and names nobody."""

from __future__ import annotations

import inspect
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from archives import Home
from parts_encoder import brain, parts_dual, write_nifti
from sqlalchemy.event import listen, remove
from trusting import trust

from spinecho.answering.evidence import read_again
from spinecho.db.errors import ServerLost
from spinecho.db.filters.algebra import Is
from spinecho.db.people.cohorts import CohortError, cohorts
from spinecho.db.people.record import Entry, Record, RecordUnwritable
from spinecho.db.schema.database import Database
from spinecho.db.values import Carried, Fact
from spinecho.search.access.cohorts import PersonalCohorts
from spinecho.search.access.personal_archive import Access, Person, PersonalArchive, Refused, Role
from spinecho.search.cohorts.definition import from_plain
from spinecho.search.engine import Engine
from spinecho.search.query import StudyQuery, TextQuery

CANARY = "Zebra Smith"
WHERE = Is("description", (CANARY,))
ASKED = {"words": CANARY, "text": CANARY}
NO_ACT = {"may", "require", "note", "note_once", "note_read", "together", "allow", "record"}
"""What the rest stands on; `record` is for everybody and is tested beside."""


@dataclass(frozen=True)
class World:
    """An archive of two studies, and what earlier acts of a manager left in it."""

    home: Home
    engine: Engine

    def archive(self, role: Role, record: Any) -> PersonalArchive:
        return PersonalArchive(self.engine, Person("ada", role), record=record)

    def cohorts(self, archive: PersonalArchive) -> PersonalCohorts:
        return PersonalCohorts(archive, self.home.folder / "builds")

    def kept(self) -> dict[str, Any]:
        """What people made."""
        tables = {"saved_searches": "name, shared", "feedback": "study_uid, verdict", "cohort_versions": "number"}
        return {
            table: self.home.query(f"SELECT {columns} FROM {table} ORDER BY 1") for table, columns in tables.items()
        }


class Silent:
    """Takes rows and keeps them in memory."""

    def __init__(self) -> None:
        self.rows: list[Entry] = []

    def append(self, *, user: str, role: str, action: str, subject: str = "", facts: Mapping[str, Fact]) -> str:
        self.rows.append(Entry(None, user, role, action, subject, facts))  # type: ignore[arg-type]
        return "digest"

    def append_all(self, acts: Sequence[Carried]) -> list[str]:
        for one in acts:
            self.append(user=one.user, role=one.role, action=one.action, subject=one.subject, facts=one.facts)
        return ["digest"] * len(acts)

    def entries(self, **_: Any) -> tuple[Entry, ...]:
        return tuple(self.rows)


class Full(Silent):
    """A disk on which there is no room."""

    def append(self, **_: Any) -> str:
        raise RecordUnwritable("no room")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("matrix")
    for number in (1, 2, 3):
        write_nifti(folder / "scans" / f"sub-{number}" / f"sub-{number}_T1w.nii.gz", brain(number))
    (folder / "scans" / f"{CANARY}.nii.gz").write_bytes(b"no scan")
    home = Home(folder / "home", parts_dual)
    home.index(folder / "scans")
    trust(home.database, parts_dual())
    made = World(home, home.engine())
    archive = made.archive(Role.MANAGER, Silent())
    uid = archive.search(TextQuery("brain"), k=1).hits[0].study.uid  # type: ignore[union-attr]
    archive.keep_search(archive.remember_search(ASKED), name=CANARY, shared=True)
    archive.rate(CANARY, WHERE, {uid: 1}, asked=ASKED)
    return made


@pytest.fixture
def world(made: World) -> World:
    """It holds three versions at the least, whichever acts came before in whatever order."""
    archive = made.archive(Role.MANAGER, Silent())
    while len(versions(made)) < 3:
        made.cohorts(archive).freeze(found(archive, made))
    return made


def versions(world: World) -> list[int]:
    return [one.number for one in cohorts(world.engine.database)]


def last(world: World) -> int:
    return versions(world)[-1]


def found(archive: PersonalArchive, world: World) -> Any:
    """An evaluation as a page holds it."""
    manager = world.archive(Role.MANAGER, Silent())
    return world.cohorts(manager).count(from_plain({"name": CANARY}, name=CANARY))


def series(world: World) -> Any:
    archive = world.archive(Role.MANAGER, Silent())
    return archive.open_study(1).series[0]  # type: ignore[union-attr]


def token(world: World) -> str:
    return world.archive(Role.MANAGER, Silent()).saved_searches().kept[0].token


def uid(world: World) -> str:
    return str(world.home.query("SELECT uid FROM studies ORDER BY id")[0][0])


Act = Callable[[Any, World], object]
ARCHIVE: dict[str, tuple[Role, Act]] = {
    "search": (Role.VIEWER, lambda archive, _: archive.search(TextQuery(CANARY), where=Is("sex", ("F",)))),
    "search_listed": (Role.VIEWER, lambda archive, _: archive.search_listed(TextQuery("brain"), most=4)),
    "facets": (Role.VIEWER, lambda archive, _: archive.facets(WHERE, ["sex"])),
    "counted_again": (Role.VIEWER, lambda archive, _: archive.counted_again(WHERE)),
    "saved_searches": (Role.VIEWER, lambda archive, _: archive.saved_searches()),
    "open_search": (Role.VIEWER, lambda archive, world: archive.open_search(token(world))),
    "shown_by_scans": (Role.VIEWER, lambda archive, world: archive.shown_by_scans(token(world))),
    "remember_search": (Role.VIEWER, lambda archive, _: archive.remember_search({"words": f"{CANARY} again"})),
    "keep_search": (Role.VIEWER, lambda archive, world: archive.keep_search(token(world), name=CANARY, shared=False)),
    "verdicts": (Role.VIEWER, lambda archive, _: archive.verdicts(CANARY, WHERE)),
    "rate": (Role.VIEWER, lambda archive, world: archive.rate(CANARY, WHERE, {uid(world): -1}, asked=ASKED)),
    "open_study": (Role.VIEWER, lambda archive, _: archive.open_study(1)),
    "series_of": (Role.VIEWER, lambda archive, world: archive.series_of(uid(world))),
    "compare": (Role.VIEWER, lambda archive, _: archive.compare([1, 2])),
    "open_series": (Role.VIEWER, lambda archive, world: archive.open_series(series(world))),
    "evidence": (Role.VIEWER, lambda archive, world: archive.evidence("bright", opened(world), read_again)),
    "shown_evidence": (
        Role.VIEWER,
        lambda archive, world: archive.shown_evidence("bright", 1, series(world).volume_id, read_again),
    ),
    "evidence_again": (Role.VIEWER, lambda archive, world: archive.evidence_again(CANARY, opened(world))),
    "studies": (Role.VIEWER, lambda archive, world: archive.studies([uid(world)])),
    "listed_again": (Role.VIEWER, lambda archive, world: archive.listed_again([uid(world)], hits=1, want="study")),
    "counts": (Role.VIEWER, lambda archive, _: archive.counts()),
    "studies_by": (Role.VIEWER, lambda archive, _: archive.studies_by(["sequence"])),
    "label_names": (Role.VIEWER, lambda archive, _: archive.label_names()),
    "labels_again": (Role.VIEWER, lambda archive, _: archive.labels_again()),
    "last_run": (Role.VIEWER, lambda archive, _: archive.last_run()),
    "begin_indexing": (Role.MANAGER, lambda archive, _: archive.begin_indexing(retry=True)),
    "rejected": (Role.VIEWER, lambda archive, _: archive.rejected()),
    "failures": (Role.MANAGER, lambda archive, _: archive.failures("NOT_NIFTI")),
    "unmatched_reports": (Role.MANAGER, lambda archive, _: archive.unmatched_reports()),
    "spaces": (Role.VIEWER, lambda archive, world: archive.spaces(world.home.folder / "builds")),
    "database_bytes": (Role.VIEWER, lambda archive, _: archive.database_bytes()),
    "map": (Role.VIEWER, lambda archive, world: archive.map(world.home.folder / "builds")),
    "map_again": (Role.VIEWER, lambda archive, _: archive.map_again()),
}
COHORTS: dict[str, tuple[Role, Act]] = {
    "versions": (Role.VIEWER, lambda archive, _: archive.versions()),
    "count": (Role.VIEWER, lambda archive, _: archive.count(from_plain({"name": CANARY}, name=CANARY))),
    "counted_again": (Role.VIEWER, lambda archive, world: archive.counted_again(CANARY, 3)),
    "compared": (Role.VIEWER, lambda archive, world: archive.compared(found(archive, world))),
    "freeze": (Role.RESEARCHER, lambda archive, world: archive.freeze(found(archive, world))),
    "rerun": (Role.VIEWER, lambda archive, _: archive.rerun(CANARY, 1)),
    "diff": (Role.VIEWER, lambda archive, _: archive.diff(CANARY, 1, 2)),
    "members": (Role.VIEWER, lambda archive, _: archive.members(CANARY, 1)),
    "take": (Role.RESEARCHER, lambda archive, _: archive.take(CANARY, 1, formats=["csv"])),
    "packed": (Role.RESEARCHER, lambda archive, _: archive.packed(CANARY, 1, formats=["csv"])),
    "taken": (Role.RESEARCHER, lambda archive, _: archive.taken(CANARY, 1, 1000)),
    "delete": (Role.RESEARCHER, lambda archive, world: archive.delete(CANARY, last(world))),
    "delete_once": (Role.RESEARCHER, lambda archive, world: archive.delete_once(CANARY, last(world), lambda _: True)),
    "seen": (Role.RESEARCHER, lambda archive, _: archive.seen(CANARY, 2)),
    "version": (Role.VIEWER, lambda archive, _: archive.version(CANARY)),
    "codes": (Role.RESEARCHER, lambda archive, _: archive.codes(CANARY, 1)),
    "files": (Role.RESEARCHER, lambda archive, _: archive.files(CANARY, 1)),
    "write": (
        Role.RESEARCHER,
        lambda archive, _: archive.write(CANARY, 1, Path(tempfile.mkdtemp()) / "new", formats=["csv"]),
    ),
}
CASES = [("archive", *one) for one in ARCHIVE.items()] + [("cohorts", *one) for one in COHORTS.items()]


MOMENTS = {
    "shown_by_scans": 2,  # what a person kept, then how that is understood now
    "rerun": 2,  # a version, which nothing changes, then the archive as it is now
    "shown_evidence": 2,  # the series, then, once its scan was read from its files, the scale of this archive
    "map": 4,  # laying it out takes minutes, and no moment is held for so long
    "keep_search": 1, "freeze": 4, "delete": 2, "delete_once": 2,  # they write, once they have looked
}  # fmt: skip
"""Of how many moments an act may be that is not of one."""


ASKED_AGAIN = [one for one in CASES if hasattr(
    getattr(PersonalArchive if one[0] == "archive" else PersonalCohorts, one[1]), "is_asked_again"
)]  # fmt: skip


def opened(world: World) -> Any:
    return world.archive(Role.MANAGER, Silent()).open_series(series(world))


def public(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


def test_the_matrix_names_every_method_and_its_role() -> None:
    assert public(PersonalArchive) - NO_ACT == set(ARCHIVE)
    assert public(PersonalCohorts) - {"require"} == set(COHORTS)
    for kind, table in ((PersonalArchive, ARCHIVE), (PersonalCohorts, COHORTS)):
        assert {name: getattr(kind, name).role for name in table} == {name: role for name, (role, _) in table.items()}
    properties = {
        name
        for kind in (PersonalArchive, PersonalCohorts)
        for name, one in inspect.getmembers(kind)
        if isinstance(one, property)
    }
    assert {name for name in properties if not name.startswith("_")} == {"generation", "preparation"}, (
        "tell of no study"
    )


@pytest.mark.parametrize(("kind", "name", "case"), CASES, ids=[f"{kind}.{name}" for kind, name, _ in CASES])
def test_a_method_is_refused_below_its_role_and_recorded_before_it_gives(
    world: World, kind: str, name: str, case: tuple[Role, Act]
) -> None:
    role, act = case

    def asked(archive: PersonalArchive) -> object:
        return act(world.cohorts(archive) if kind == "cohorts" else archive, world)

    before = world.kept()
    for lower in (one for one in Role if tuple(Role).index(one) < tuple(Role).index(role)):
        record = Silent()
        with pytest.raises(Refused, match=f"takes the role {role}"):
            asked(world.archive(lower, record))
        assert [(one.action, one.user, one.role) for one in record.rows] == [("refused", "ada", str(lower))]
    nobody = world.archive(Role.VIEWER, Silent())
    nobody.may = lambda _: False  # type: ignore[method-assign]
    with pytest.raises(Refused):
        asked(nobody)
    with pytest.raises(RecordUnwritable):
        asked(world.archive(role, Full()))
    assert world.kept() == before, "what cannot be recorded is not done"
    record = Silent()
    asked(world.archive(role, record))
    assert record.rows
    assert {(one.user, one.role) for one in record.rows} == {("ada", str(role))}
    said = repr(record.rows)
    assert not [part for part in CANARY.split() if part in said], said


@pytest.mark.parametrize("kind", ["archive", "cohorts"])
def test_what_fails_is_on_record_with_its_kind_alone(world: World, kind: str) -> None:
    record = Silent()
    archive = world.archive(Role.MANAGER, record)
    act = (
        partial(archive.search, StudyQuery(CANARY))
        if kind == "archive"
        else partial(world.cohorts(archive).rerun, CANARY, 99)
    )
    with pytest.raises(Exception, match="no"):
        act()
    assert record.rows[0].facts["failed"] in {"QueryError", "CohortError"}
    assert "Zebra" not in repr(record.rows)


def test_looking_at_the_record_is_on_record_and_a_moving_bar_is_one_row(world: World, tmp_path: Path) -> None:
    record = Record.open(tmp_path / "record.sqlite")
    archive = world.archive(Role.VIEWER, record)
    for _ in range(5):
        archive.last_run()
    assert [one.action for one in archive.record()] == ["see-record", "see-progress"]
    world.archive(Role.VIEWER, record).last_run()  # drawn anew
    assert [one.action for one in record.entries()] == ["see-progress", "see-record", "see-progress"]
    with pytest.raises(RecordUnwritable):
        world.archive(Role.VIEWER, Full()).record()
    with pytest.raises(RecordUnwritable):
        Access(Person("ada", Role.VIEWER), Full()).allow(Role.VIEWER, "evaluate", "evaluate")
    record.close()


@pytest.mark.parametrize(("kind", "name", "case"), CASES, ids=[f"{kind}.{name}" for kind, name, _ in CASES])
def test_what_one_act_gives_is_of_one_moment(
    world: World, kind: str, name: str, case: tuple[Role, Act], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, role, act = list[str](), *case
    archive = world.archive(role, Silent())
    owner = world.cohorts(archive) if kind == "cohorts" else archive
    method = getattr(owner, name)

    def counted(*args: Any, **kwargs: Any) -> object:
        with monkeypatch.context() as patched:
            for way in ("begin", "reading"):
                patched.setattr(Database, way, counting(getattr(Database, way), begun))
            return method(*args, **kwargs)

    monkeypatch.setattr(owner, name, counted)
    act(owner, world)
    assert len(begun) <= MOMENTS.get(name, 1), begun


@pytest.mark.parametrize(
    ("kind", "name", "case"), ASKED_AGAIN, ids=[f"{kind}.{name}" for kind, name, _ in ASKED_AGAIN]
)  # fmt: skip
def test_an_act_whose_connection_breaks_is_on_record_once(
    world: World, kind: str, name: str, case: tuple[Role, Act], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It breaks at the first, a middle and the last statement: once, and then again where it had come to."""
    role, act = case

    def acted(at: int, breaks: int) -> tuple[list[tuple[str, str, Any]], int, bool]:
        record, lost = Silent(), False
        archive = world.archive(role, record)
        owner = world.cohorts(archive) if kind == "cohorts" else archive
        with breaking(owner, name, at, breaks, monkeypatch) as seen:
            try:
                act(owner, world)
            except CohortError:  # a version that an earlier case took away
                pass
            except ServerLost:
                lost = True
        return [(one.action, one.subject, dict(one.facts)) for one in record.rows], seen[0], lost

    right, statements, _ = acted(0, 0)
    for at in {1, statements // 2, statements} - {0}:
        rows, _, lost = acted(at, 1)
        assert not lost
        assert rows == right, f"at {at} of {statements}"
        rows, _, lost = acted(at, 2)
        assert lost
        assert len(rows) <= len(right), f"twice at {at} of {statements}: {rows}"


@contextmanager
def breaking(owner: Any, name: str, at: int, breaks: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The connection of this method breaks at that statement, so many times; gives how many statements there were."""
    engine, method, seen = owner._database.engine, getattr(owner, name), [0, breaks]

    def count(*_: Any) -> None:
        seen[0] += 1
        if seen[0] == at and seen[1]:
            seen[:] = [0, seen[1] - 1]
            raise ServerLost("it is gone")

    def counted(*args: Any, **kwargs: Any) -> object:
        listen(engine, "before_cursor_execute", count)
        try:
            return method(*args, **kwargs)
        finally:
            remove(engine, "before_cursor_execute", count)

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, counted)
        yield seen


def counting(way: Callable[..., Any], begun: list[str]) -> Callable[..., Any]:
    """Tells of each block that chooses a moment."""

    @contextmanager
    def block(database: Database, **options: Any) -> Iterator[Any]:
        if database._held is None:
            begun.append("".join(traceback.format_stack(limit=6)[:-2]))
        with way(database, **options) as session:
            yield session

    return block
