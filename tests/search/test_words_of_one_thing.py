"""However many names of one thing a passage holds, it has said that thing once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from archives import Home

sys.path.insert(0, str(Path(__file__).parent))

from scans import Scan, write_scans

from spinecho.db.reports.full_text import Match, expression, find_words, is_together, together
from spinecho.db.schema.database import Database
from spinecho.db.store.storing import serving
from spinecho.encoders.language.query_words import parse_query
from spinecho.search.channels.lexical import spans, words_of

SAID = [
    "Tear, torn and ruptured quadriceps, a rupture with tears.",
    "SLAP lesion.",
    "The medial meniscus has a small tear of its posterior horn.",
    "Torn labrum.",
    "Enhancing mass of the left frontal lobe, a tumour, likely a neoplasm.",
    "Glioblastoma of the left frontal lobe.",
    *(f"Fracture number {n}, no tear." for n in range(6)),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    scans = [Scan(number, f"FINDINGS: {said}") for number, said in enumerate(SAID, 1)]
    made = Home(tmp_path_factory.mktemp("home"))
    made.index(write_scans(tmp_path_factory.mktemp("scans"), scans))
    return made


@pytest.fixture
def database(home: Home) -> Iterator[Database]:
    opened = Database.open(home.database)
    yield opened
    opened.close()


def found(database: Database, match: Match) -> dict[str, float]:
    """What matches, best first, and its score."""
    space = serving(database, "text")
    assert space is not None
    rows = find_words(database, space, match, limit=50)
    texts = {}
    with database.begin() as session:
        for vector_id, score in rows:
            query = f"SELECT p.text FROM passages p JOIN vectors v ON v.passage_id = p.id WHERE v.id = {vector_id}"
            texts[session.connection().exec_driver_sql(query).scalar_one()] = score
    return texts


def test_synonyms_do_not_add_up(database: Database) -> None:
    """A quadriceps tear in five words is no better an answer to a SLAP tear than a SLAP lesion in one."""
    groups = [("slap",), ("tear", "torn", "rupture", "ruptured", "tears")]
    first, *_ = found(database, expression(groups, "any"))
    assert first == SAID[1]


@pytest.mark.parametrize("joined", ["all", "any"])
def test_more_names_of_a_group_never_change_what_is_first(database: Database, joined: str) -> None:
    one, many = ("tumour", "mass"), ("tumour", "mass", "neoplasm", "enhancing mass", "tumors")
    rest = [("frontal lobe",)]
    few = found(database, Match((one, *rest), joined))  # type: ignore[arg-type]
    all_of = found(database, Match((many, *rest), joined))  # type: ignore[arg-type]
    assert next(iter(few)) == next(iter(all_of)) == SAID[4]
    assert all_of[SAID[4]] <= 1.25 * few[SAID[4]]


def test_names_that_hold_another_name_are_left_out() -> None:
    match = expression([("meniscal tear", "meniscal tears", "torn meniscus", "old meniscal tear", "meniscal")])
    assert match.groups == (("torn meniscus", "meniscal"),)


def test_a_finding_is_found_by_its_parts(database: Database) -> None:
    match = words_of(parse_query("medial meniscal tear")).match("all")
    assert SAID[2] in found(database, match)
    assert SAID[3] not in found(database, match)


def test_things_together_are_no_words_to_show() -> None:
    words = words_of(parse_query("medial meniscal tear"))
    assert any(is_together(name) for group in words.groups for name in group)
    assert not any(is_together(name) for name in words.names)
    name = together([("tear", "torn"), ("meniscus",)])
    assert expression([(name,)]).fts5 == '(("tear" OR "torn") AND ("meniscus"))'
    assert expression([(name,)]).tsquery == "((('tear' | 'torn') & ('meniscus')))"


def test_a_plus_typed_in_quotes_is_no_operator(database: Database) -> None:
    assert expression([("tear + meniscus",)]).fts5 == '"tear meniscus"'
    assert not found(database, expression([("tear + meniscus",)]))


@pytest.mark.parametrize(
    ("typed", "said", "marked"),
    [
        ("SLAP tear", "Torn superior labrum, quadriceps intact.", ["Torn", "superior labrum"]),
        ("tumour", "A glioblastoma, no infarct.", ["glioblastoma"]),
        ("glioblastoma", "A tumour.", []),
        ("L4/5 stenosis", "L4-L5 and L5-S1: narrowing at L4-L5.", ["L4-L5", "narrowing", "L4-L5"]),
    ],
)
def test_what_is_marked_is_what_was_asked_for(typed: str, said: str, marked: list[str]) -> None:
    assert [said[start:stop] for start, stop in spans(words_of(parse_query(typed)), said)] == marked
