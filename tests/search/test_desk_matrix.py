"""Every method of the desks: which role may, that it is on record before it gives anything, that it names nobody."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from archives import Home
from parts_encoder import brain, parts_dual, write_nifti

from spinecho.db.filters.algebra import Is
from spinecho.db.people.record import Entry, Fact, Record, RecordUnwritable
from spinecho.evidence import read_again
from spinecho.search.access.cohorts import CohortDesk
from spinecho.search.access.desk import Access, Desk, Person, Refused, Role
from spinecho.search.cohorts.definition import from_plain
from spinecho.search.engine import Engine
from spinecho.search.query import StudyQuery, TextQuery

CANARY = "Zebra Smith"
WHERE = Is("description", (CANARY,))
ASKED = {"words": CANARY, "text": CANARY}
NO_ACT = {"may", "require", "note", "note_once", "allow", "record"}
"""What the rest stands on; `record` is for everybody and is tested beside."""


@dataclass(frozen=True)
class World:
    """An archive of two studies, and what earlier acts of a manager left in it."""

    home: Home
    engine: Engine

    def desk(self, role: Role, record: Any) -> Desk:
        return Desk(self.engine, Person("ada", role), record=record)

    def cohorts(self, desk: Desk) -> CohortDesk:
        return CohortDesk(desk, self.home.folder / "builds")

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

    def entries(self, **_: Any) -> tuple[Entry, ...]:
        return tuple(self.rows)


class Full(Silent):
    """A disk on which there is no room."""

    def append(self, **_: Any) -> str:
        raise RecordUnwritable("no room")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("matrix")
    for number in (1, 2, 3):
        write_nifti(folder / "scans" / f"sub-{number}" / f"sub-{number}_T1w.nii.gz", brain(number))
    (folder / "scans" / f"{CANARY}.nii.gz").write_bytes(b"no scan")
    home = Home(folder / "home", parts_dual)
    home.index(folder / "scans")
    made = World(home, home.engine())
    desk = made.desk(Role.MANAGER, Silent())
    uid = desk.search(TextQuery("brain"), k=1).hits[0].study.uid  # type: ignore[union-attr]
    desk.keep_search(desk.remember_search(ASKED), name=CANARY, shared=True)
    desk.rate(CANARY, WHERE, {uid: 1}, asked=ASKED)
    for _ in range(2):
        made.cohorts(desk).freeze(found(desk, made))
    return made


def found(desk: Desk, world: World) -> Any:
    """An evaluation as a page holds it."""
    manager = world.desk(Role.MANAGER, Silent())
    return world.cohorts(manager).count(from_plain({"name": CANARY}, name=CANARY))


def hits(world: World) -> Any:
    return world.desk(Role.MANAGER, Silent()).search(TextQuery("brain"))


def series(world: World) -> Any:
    desk = world.desk(Role.MANAGER, Silent())
    return desk.open_study(1).series[0]  # type: ignore[union-attr]


def token(world: World) -> str:
    return world.desk(Role.MANAGER, Silent()).saved_searches().kept[0].token


def uid(world: World) -> str:
    return str(world.home.query("SELECT uid FROM studies ORDER BY id")[0][0])


Act = Callable[[Any, World], object]
DESK: dict[str, tuple[Role, Act]] = {
    "search": (Role.VIEWER, lambda desk, _: desk.search(TextQuery(CANARY), where=Is("sex", ("F",)))),
    "listed": (Role.VIEWER, lambda desk, world: desk.listed(hits(world), most=4)),
    "facets": (Role.VIEWER, lambda desk, _: desk.facets(WHERE, ["sex"])),
    "counted_again": (Role.VIEWER, lambda desk, _: desk.counted_again(WHERE)),
    "saved_searches": (Role.VIEWER, lambda desk, _: desk.saved_searches()),
    "open_search": (Role.VIEWER, lambda desk, world: desk.open_search(token(world))),
    "remember_search": (Role.VIEWER, lambda desk, _: desk.remember_search({"words": f"{CANARY} again"})),
    "keep_search": (Role.VIEWER, lambda desk, world: desk.keep_search(token(world), name=CANARY, shared=False)),
    "verdicts": (Role.VIEWER, lambda desk, _: desk.verdicts(CANARY, WHERE)),
    "rate": (Role.VIEWER, lambda desk, world: desk.rate(CANARY, WHERE, {uid(world): -1}, asked=ASKED)),
    "judgements": (Role.RESEARCHER, lambda desk, _: desk.judgements()),
    "open_study": (Role.VIEWER, lambda desk, _: desk.open_study(1)),
    "series_of": (Role.VIEWER, lambda desk, world: desk.series_of(uid(world))),
    "compare": (Role.VIEWER, lambda desk, _: desk.compare([1, 2])),
    "open_series": (Role.VIEWER, lambda desk, world: desk.open_series(series(world))),
    "evidence": (Role.VIEWER, lambda desk, world: desk.evidence("bright", opened(world), read_again)),
    "evidence_again": (Role.VIEWER, lambda desk, world: desk.evidence_again(CANARY, opened(world))),
    "studies": (Role.VIEWER, lambda desk, world: desk.studies([uid(world)])),
    "counts": (Role.VIEWER, lambda desk, _: desk.counts()),
    "studies_by": (Role.VIEWER, lambda desk, _: desk.studies_by(["sequence"])),
    "last_run": (Role.VIEWER, lambda desk, _: desk.last_run()),
    "begin_indexing": (Role.MANAGER, lambda desk, _: desk.begin_indexing(retry=True)),
    "rejected": (Role.VIEWER, lambda desk, _: desk.rejected()),
    "failures": (Role.MANAGER, lambda desk, _: desk.failures("NOT_NIFTI")),
    "unmatched_reports": (Role.MANAGER, lambda desk, _: desk.unmatched_reports()),
    "spaces": (Role.VIEWER, lambda desk, world: desk.spaces(world.home.folder / "builds")),
    "database_bytes": (Role.VIEWER, lambda desk, _: desk.database_bytes()),
    "map": (Role.VIEWER, lambda desk, world: desk.map(world.home.folder / "builds")),
    "map_again": (Role.VIEWER, lambda desk, _: desk.map_again()),
}
COHORTS: dict[str, tuple[Role, Act]] = {
    "versions": (Role.VIEWER, lambda desk, _: desk.versions()),
    "count": (Role.VIEWER, lambda desk, _: desk.count(from_plain({"name": CANARY}, name=CANARY))),
    "counted_again": (Role.VIEWER, lambda desk, world: desk.counted_again(found(desk, world))),
    "compared": (Role.VIEWER, lambda desk, world: desk.compared(found(desk, world))),
    "freeze": (Role.RESEARCHER, lambda desk, world: desk.freeze(found(desk, world))),
    "rerun": (Role.VIEWER, lambda desk, _: desk.rerun(CANARY, 1)),
    "diff": (Role.VIEWER, lambda desk, _: desk.diff(CANARY, 1, 2)),
    "members": (Role.VIEWER, lambda desk, _: desk.members(CANARY, 1)),
    "take": (Role.RESEARCHER, lambda desk, _: desk.take(CANARY, 1, formats=["csv"])),
    "taken": (Role.RESEARCHER, lambda desk, _: desk.taken(CANARY, 1, 1000)),
    "delete": (Role.RESEARCHER, lambda desk, _: desk.delete(CANARY, 2)),
    "delete_once": (Role.RESEARCHER, lambda desk, _: desk.delete_once(CANARY, 3, lambda _: True)),
    "seen": (Role.RESEARCHER, lambda desk, _: desk.seen(CANARY, 2)),
    "version": (Role.VIEWER, lambda desk, _: desk.version(CANARY)),
    "codes": (Role.RESEARCHER, lambda desk, _: desk.codes(CANARY, 1)),
    "write": (
        Role.RESEARCHER,
        lambda desk, _: desk.write(CANARY, 1, Path(tempfile.mkdtemp()) / "new", formats=["csv"]),
    ),
}
CASES = [("desk", *one) for one in DESK.items()] + [("cohorts", *one) for one in COHORTS.items()]


def opened(world: World) -> Any:
    return world.desk(Role.MANAGER, Silent()).open_series(series(world))


def public(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


def test_the_matrix_names_every_method_and_its_role() -> None:
    assert public(Desk) - NO_ACT == set(DESK)
    assert public(CohortDesk) - {"require"} == set(COHORTS)
    for kind, table in ((Desk, DESK), (CohortDesk, COHORTS)):
        assert {name: getattr(kind, name).role for name in table} == {name: role for name, (role, _) in table.items()}
    told = {name for kind in (Desk, CohortDesk) for name, one in inspect.getmembers(kind) if isinstance(one, property)}
    assert {name for name in told if not name.startswith("_")} == {"generation", "preparation"}, "tell of no study"


@pytest.mark.parametrize(("kind", "name", "case"), CASES, ids=[f"{kind}.{name}" for kind, name, _ in CASES])
def test_a_method_is_refused_below_its_role_and_recorded_before_it_gives(
    world: World, kind: str, name: str, case: tuple[Role, Act]
) -> None:
    role, act = case

    def asked(desk: Desk) -> object:
        return act(world.cohorts(desk) if kind == "cohorts" else desk, world)

    before = world.kept()
    for lower in (one for one in Role if tuple(Role).index(one) < tuple(Role).index(role)):
        record = Silent()
        with pytest.raises(Refused, match=f"takes the role {role}"):
            asked(world.desk(lower, record))
        assert [(one.action, one.user, one.role) for one in record.rows] == [("refused", "ada", str(lower))]
    nobody = world.desk(Role.VIEWER, Silent())
    nobody.may = lambda _: False  # type: ignore[method-assign]
    with pytest.raises(Refused):
        asked(nobody)
    with pytest.raises(RecordUnwritable):
        asked(world.desk(role, Full()))
    assert world.kept() == before, "what cannot be recorded is not done"
    record = Silent()
    asked(world.desk(role, record))
    assert record.rows
    assert {(one.user, one.role) for one in record.rows} == {("ada", str(role))}
    said = repr(record.rows)
    assert not [part for part in CANARY.split() if part in said], said


@pytest.mark.parametrize("kind", ["desk", "cohorts"])
def test_what_fails_is_on_record_with_its_kind_alone(world: World, kind: str) -> None:
    record = Silent()
    desk = world.desk(Role.MANAGER, record)
    act = partial(desk.search, StudyQuery(CANARY)) if kind == "desk" else partial(world.cohorts(desk).rerun, CANARY, 99)
    with pytest.raises(Exception, match="no"):
        act()
    assert record.rows[0].facts["failed"] in {"QueryError", "CohortError"}
    assert "Zebra" not in repr(record.rows)


def test_looking_at_the_record_is_on_record_and_a_moving_bar_is_one_row(world: World, tmp_path: Path) -> None:
    record = Record.open(tmp_path / "record.sqlite")
    desk = world.desk(Role.VIEWER, record)
    for _ in range(5):
        desk.last_run()
    assert [one.action for one in desk.record()] == ["see-record", "see-progress"]
    world.desk(Role.VIEWER, record).last_run()  # drawn anew
    assert [one.action for one in record.entries()] == ["see-progress", "see-record", "see-progress"]
    with pytest.raises(RecordUnwritable):
        world.desk(Role.VIEWER, Full()).record()
    with pytest.raises(RecordUnwritable):
        Access(Person("ada", Role.VIEWER), Full()).allow(Role.VIEWER, "evaluate", "evaluate")
    record.close()
