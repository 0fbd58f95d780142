"""The personal archive: roles are enforced by it, and it keeps the record."""

from __future__ import annotations

from pathlib import Path

import pytest
from archives import Home
from parts_encoder import brain, parts_dual, write_nifti

from spinecho.db.people.record import Entry, Record
from spinecho.search.access.cohorts import PersonalCohorts
from spinecho.search.access.personal_archive import Person, PersonalArchive, Refused, Role
from spinecho.search.cohorts.definition import from_plain
from spinecho.search.engine import Engine
from spinecho.search.query import StudyQuery, TextQuery
from spinecho.setup.wiring import read_image_query


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    for number in (1, 2):
        write_nifti(tmp_path / "scans" / f"sub-{number}" / f"sub-{number}_T1w.nii.gz", brain(number))
    home = Home(tmp_path / "home", parts_dual)
    home.index(tmp_path / "scans")
    return home.engine()


def entries(tmp_path: Path) -> tuple[Entry, ...]:
    return Record.open(tmp_path / "home" / "record.sqlite").entries()


def test_each_role_may_do_what_those_before_it_may(engine: Engine) -> None:
    for held in Role:
        archive = PersonalArchive(engine, Person("ada", held))
        for asked in Role:
            allowed = tuple(Role).index(held) >= tuple(Role).index(asked)
            assert archive.may(asked) is allowed
            if allowed:
                archive.require(asked, "do this")
            else:
                with pytest.raises(Refused, match=f"takes the role {asked}; yours is {held}"):
                    archive.require(asked, "do this")


def test_every_search_and_refusal_is_a_row_without_words(engine: Engine, tmp_path: Path) -> None:
    archive = PersonalArchive(engine, Person("ada", Role.VIEWER))
    found = archive.search(TextQuery("bright zebra"), k=1).hits[0].study
    assert found is not None
    archive.search(StudyQuery(found.uid), k=1)
    with pytest.raises(Refused):
        archive.require(Role.MANAGER, "index the archive of Mr Smith")
    acts = entries(tmp_path)
    assert [act.action for act in acts] == ["refused", "search", "search"]
    assert [act.user for act in acts] == ["ada"] * 3
    assert acts[1].subject == found.uid
    assert "zebra" not in repr(acts)
    assert "Smith" not in repr(acts)


def test_a_scans_name_is_not_in_the_record(engine: Engine, tmp_path: Path) -> None:
    archive = PersonalArchive(engine, Person("ada", Role.VIEWER))
    path = write_nifti(tmp_path / "Smith_John.nii.gz", brain(1))
    query, _ = read_image_query(path, parts_dual())
    assert archive.search(query).hits
    assert [act.facts["kind"] for act in entries(tmp_path)] == ["scan"]
    assert "Smith" not in repr(entries(tmp_path))


def test_the_record_is_ones_own_unless_one_manages(engine: Engine) -> None:
    ada, grace = (
        PersonalArchive(engine, Person("ada", Role.RESEARCHER)),
        PersonalArchive(engine, Person("grace", Role.MANAGER)),
    )
    ada.note("freeze", "digest", studies=3)
    grace.note("index")
    assert [act.action for act in ada.record()] == ["see-record", "freeze"]
    assert [act.user for act in grace.record()] == ["grace", "ada", "grace", "ada"], "looking is on record too"


def test_names_of_rejected_files_are_for_managers(engine: Engine, tmp_path: Path) -> None:
    bad = tmp_path / "scans" / "Smith_John.nii.gz"
    bad.write_bytes(b"no scan")
    Home(tmp_path / "home", parts_dual).index(tmp_path / "scans")
    (reason,) = PersonalArchive(engine, Person("ada", Role.VIEWER)).rejected()
    for role in (Role.VIEWER, Role.RESEARCHER):
        with pytest.raises(Refused, match="takes the role manager"):
            PersonalArchive(engine, Person("ada", role)).failures(reason)
        with pytest.raises(Refused, match="takes the role manager"):
            PersonalArchive(engine, Person("ada", role)).unmatched_reports()
    manager = PersonalArchive(engine, Person("grace", Role.MANAGER))
    assert [Path(one.path).name for one in manager.failures(reason)] == ["Smith_John.nii.gz"]
    assert manager.unmatched_reports() == ()


class _Nobody(PersonalArchive):
    def may(self, role: Role) -> bool:
        return False


def test_who_may_do_nothing_compares_nothing(engine: Engine, tmp_path: Path) -> None:
    found = PersonalCohorts(PersonalArchive(engine, Person("ada", Role.VIEWER)), tmp_path).count(
        from_plain({"name": "x"}, name="x")
    )
    with pytest.raises(Refused):
        PersonalCohorts(_Nobody(engine, Person("eve", Role.VIEWER)), tmp_path).compared(found)
