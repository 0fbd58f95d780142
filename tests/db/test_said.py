"""Sides, places and findings of `says(...)`: which studies say it, by what was found in the clauses of reports."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from filter_archive import ROW, FilterArchive, about, facts
from sqlalchemy import select

from spinecho.db.errors import FilterError
from spinecho.db.filters.algebra import Filter, Not, Says, parse_filter
from spinecho.db.queries.learning.stated_findings import said_of_it
from spinecho.db.queries.selection import Selection
from spinecho.db.schema.models import Study
from spinecho.db.store import storing
from spinecho.db.values import NewClause, NewPassage, NewReport


class Told(NamedTuple):
    """A clause of one study's report, and the sides of its sentence."""

    text: str
    sides: tuple[str, ...] = ()
    of_sentence: str = ""
    places: tuple[str, ...] = ()
    concepts: tuple[str, ...] = ()
    assertion: str = "present"


LOBE = {"places": ("brain:temporal",), "concepts": ("brain", "brain:temporal")}
STUDIES = {
    "left": Told("tear", ("left",)),
    "right": Told("tear", ("right",)),
    "bilateral": Told("tear", ("bilateral",)),
    "each": Told("tear", ("left", "right")),
    "sentence": Told("tear", (), "left"),
    "unclear": Told("tear", (), "left,right"),
    "nowhere": Told("tear"),
    "lobe": Told("tear", ("left",), **LOBE),
    "words": Told("ruptured through", ("left",), concepts=("acl tear", "knee:ACL")),
    "denied": Told("tear", assertion="absent"),
    "denied right": Told("tear", ("right",), assertion="absent"),
    "denied in the lobe": Told("tear", ("left",), **LOBE, assertion="absent"),
    "another": Told("cyst", ("left",)),
}
TEAR, LEFT = {"left", "right", "bilateral", "each", "sentence", "unclear", "nowhere", "lobe"}, ("left",)
ON_LEFT = {"left", "bilateral", "each", "sentence", "lobe"}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilterArchive]:
    draw = random.Random(0)
    made = FilterArchive(tmp_path_factory.mktemp("said"))
    for number, (name, told) in enumerate(STUDIES.items()):
        made.store({**about(draw, name), "accession_number": ""}, f"{number}.1", [facts(draw)])
        clause = NewClause(
            0, len(told.text), told.text, told.assertion, sides=told.sides, places=told.places, concepts=told.concepts
        )
        said = NewPassage("findings", 0, 0, len(told.text), told.text, told.assertion, told.of_sentence, ROW, (clause,))
        new = NewReport(0, "", name, f"text {name}", [said])
        file = made.file("/data/a", name=f"report-{number}.txt")
        storing.store_reports(made.database, made.run, file, [new], (), text_space=made.text.id, first=True, last=True)
    made.match()
    yield made
    made.close()


def found(archive: FilterArchive, where: Filter) -> set[str]:
    ids = Selection(archive.database, archive.builds).studies(where).tolist()
    with archive.database.begin() as session:
        return set(session.scalars(select(Study.uid).where(Study.id.in_(ids))))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Says(("tear",)), TEAR),
        (Says(("tear",), sides=LEFT), ON_LEFT),
        (Says(("tear",), sides=("right",)), {"right", "bilateral", "each"}),
        (Says(("tear",), sides=("both",)), {"bilateral", "each", "unclear"}),
        (Says(("tear",), places=("brain:temporal",)), {"lobe"}),
        (Says(("tear",), places=("brain",)), {"lobe"}),
        (Says(("tear",), places=("brain:temp",)), set()),
        (Says(("tear",), sides=("right",), places=("brain",)), set()),
        (Says(("tear",), findings=("acl tear",)), TEAR | {"words"}),
        (Says(("tear",), sides=LEFT, findings=("acl tear",)), ON_LEFT | {"words"}),
        (Says(("tear",), findings=("acl",)), TEAR),
        (Says(("tear",), "absent"), {"denied", "denied right", "denied in the lobe"}),
        (Says(("tear",), "absent", sides=LEFT), {"denied", "denied in the lobe"}),
        (Says(("tear",), "absent", places=("brain:temporal",)), {"denied", "denied right", "denied in the lobe"}),
        (Says(("tear",), "absent", places=("knee:knee",)), {"denied", "denied right"}),
        (Says(("tear",), "any", sides=("right",)), {"right", "bilateral", "each", "denied right"}),
        (Not(Says(("tear",), sides=LEFT)), set(STUDIES) - ON_LEFT),
    ],
)  # fmt: skip
def test_a_finding_is_said_of_its_side_and_its_place(archive: FilterArchive, where: Filter, expected: set[str]) -> None:
    assert found(archive, where) == expected


def test_a_side_that_there_is_not_is_an_error(archive: FilterArchive) -> None:
    with pytest.raises(FilterError, match="no side 'up'; it is one of left, right, both"):
        found(archive, Says(("tear",), sides=("up",)))
    with pytest.raises(FilterError, match="one of left, right, both"):
        parse_filter("says(tear, side=up)")


@pytest.mark.parametrize(
    ("findings", "words", "expected"),
    [
        (frozenset[str](), "tear", (TEAR, {"denied", "denied right", "denied in the lobe"})),
        (frozenset[str](), "TEAR", (TEAR, {"denied", "denied right", "denied in the lobe"})),
        (frozenset[str](), "ear", (set(), set())),
        (frozenset[str](), "", (set(), set())),
        (frozenset({"acl tear"}), "through", ({"words"}, set())),
        (frozenset({"acl tear", "knee:ACL"}), "none such", ({"words"}, set())),
        (frozenset({"acl tear", "brain"}), "rupture", (set(), set())),
    ],
)
def test_a_thing_is_spoken_of_by_its_ids_or_in_whole_words(
    archive: FilterArchive, findings: frozenset[str], words: str, expected: tuple[set[str], set[str]]
) -> None:
    with archive.database.begin() as session:
        uids = {int(number): uid for number, uid in session.execute(select(Study.id, Study.uid))}
    said = said_of_it(archive.database, list(uids), findings, words)
    for assertion, studies in zip(("present", "absent"), expected, strict=True):
        assert {uids[number] for number, told in said.items() if assertion in told} == studies
