"""The snapshot of facts gives what SQL gives: for any filter, over any archive, whatever happens to it."""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from servers import Server

sys.path.insert(0, str(Path(__file__).parent))

from filter_archive import AGES, DAYS, WORDS, FilterArchive, act, assert_same

from spinecho.db.facts.snapshots import make_snapshot
from spinecho.db.filters.algebra import ALL, HIDDEN, And, Between, Contains, Filter, Is, Not, Or, Says, without_field
from spinecho.db.filters.conditions import KINDS
from spinecho.db.queries.facets import COUNTABLE, shown_of_total, sql_counts
from spinecho.db.queries.selection import Selection
from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import Location


def texts(field: str) -> st.SearchStrategy[str]:
    return st.sampled_from([*WORDS[field], "x"])


leaves = st.one_of(
    st.sampled_from(sorted(WORDS)).flatmap(
        lambda field: st.one_of(
            st.lists(texts(field), max_size=3).map(lambda some: Is(field, tuple(some))),
            st.builds(Between, st.just(field), st.none() | texts(field), st.none() | texts(field)),
            st.sampled_from(["", "a", "%", "_", "é", "T", "data"]).map(lambda text: Contains(field, text)),
        )
    ),
    st.builds(Is, st.just("age"), st.lists(st.sampled_from(AGES), max_size=2).map(tuple)),
    st.builds(
        Between, st.just("age"), st.none() | st.sampled_from([*AGES, 40]), st.none() | st.sampled_from([*AGES, 5])
    ),
    st.builds(Between, st.just("field_strength"), st.none() | st.just(1.5), st.none() | st.just(2.9)),
    st.builds(Is, st.just("date"), st.lists(st.sampled_from(DAYS), max_size=2).map(tuple)),
    st.builds(Between, st.just("date"), st.none() | st.sampled_from(DAYS), st.none() | st.sampled_from(DAYS)),
    st.builds(Contains, st.just("date"), st.sampled_from(["2020", "-12-"])),
    st.builds(Contains, st.sampled_from(["age", "field_strength"]), st.sampled_from([".0", "3.0", "39.999", "1.5"])),
    st.builds(Contains, st.just("derived"), st.sampled_from(["0", "1", "true"])),
    st.builds(Is, st.just("derived"), st.lists(st.booleans(), max_size=2).map(tuple)),
    st.builds(Is, st.just("predicted.finding"), st.lists(st.sampled_from(["cyst", "mass"]), min_size=1).map(tuple)),
    st.builds(
        Says,
        st.lists(st.sampled_from(["bleed", "bleeds", "mass effect", 'x" OR', "effect*"]), min_size=1).map(tuple),
        st.sampled_from(["present", "absent", "uncertain", "historical", "any"]),
        sides=st.sampled_from([(), ("left",), ("both",), ("left", "right")]),
        places=st.sampled_from([(), ("brain:lobe",), ("brain",)]),
        findings=st.sampled_from([(), ("bleed",)]),
    ),
    st.builds(Is, st.sampled_from(["age", "date", "field_strength", "b_value", "predicted.finding"]), st.just(("",))),
)
filters = st.recursive(
    st.just(ALL) | leaves,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, max_size=3).map(tuple)),
    ),
    max_leaves=5,
)


Empty = Callable[[Path], Location]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Empty:
    """Makes a new database, by copying one: the fixture `location` serves one a test."""
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        return lambda _: server.new()
    path = tmp_path_factory.mktemp("empty") / "empty.sqlite"
    Database.open(path).close()
    return lambda folder: Path(shutil.copy(path, folder / "spinecho.sqlite"))


def check(archive: FilterArchive, seed: int, some: list[Filter]) -> None:
    """Let things happen before and after a snapshot, and compare every answer with SQL's."""
    draw = random.Random(seed)
    for _ in range(draw.randint(0, 12)):
        act(archive, draw)
    if ended := draw.random() < 0.8:
        archive.end_run()
    made = make_snapshot(archive.database, archive.builds)
    selection, last = Selection(archive.database, archive.builds), Selection(archive.database, archive.builds)
    for where in some:
        assert_same(archive, selection, where)
    assert selection.source == f"snapshot {made.snapshot}"
    if ended:
        archive.begin_run()
    for _ in range(draw.randint(1, 5)):
        act(archive, draw)
        where = draw.choice(some)
        assert_same(archive, selection, where)
        field = draw.choice(COUNTABLE)
        among = None if draw.random() < 0.5 else np.array([1, 2], dtype=np.int64)
        assert_what_is_not_recorded_can_be_asked_for(archive, selection, field)
        expected = shown_of_total(
            sql_counts(archive.database, field, without_field(where, field), among),
            sql_counts(archive.database, field, Not(HIDDEN)),
        )
        assert selection.facets(where, [field], studies=among, base=Not(HIDDEN))[field] == expected
    for where in some:
        assert_same(archive, selection, where)
        assert_same(archive, last, where)
        assert selection.studies(where).tolist() == Selection(archive.database, Path("/none")).studies(where).tolist()


def assert_what_is_not_recorded_can_be_asked_for(archive: FilterArchive, selection: Selection, field: str) -> None:
    """`field=""` is what a list of values counts as not recorded, and what is stored as unknown."""
    for one in (field, "predicted.finding"):
        if KINDS.get(one) == "flag" or one in {"description", "archive"}:  # of these there is always something
            continue
        counted = sql_counts(archive.database, one, ALL)
        found = len(selection.studies(Is(one, ("",))))
        assert found == counted.get("", 0) if "unknown" not in counted else found >= counted["unknown"]


def test_files_that_a_job_moves_count_at_once(empty: Empty, tmp_path_factory: pytest.TempPathFactory) -> None:
    run_check(empty, tmp_path_factory.mktemp("moving"), 432, [ALL] * 6)


def run_check(empty: Empty, folder: Path, seed: int, some: list[Filter]) -> None:
    archive = FilterArchive(folder, empty(folder))
    try:
        check(archive, seed, some)
    finally:
        archive.close()


several = st.lists(filters, min_size=6, max_size=12)


@settings(max_examples=4)
@example(239415, [ALL] * 6)  # a report finds its study as another comes without one
@given(st.integers(0, 10**6), several)
def test_any_filter_over_any_archive_gives_what_sql_gives(
    empty: Empty, tmp_path_factory: pytest.TempPathFactory, seed: int, some: list[Filter]
) -> None:
    run_check(empty, tmp_path_factory.mktemp("archive"), seed, some)


@pytest.mark.slow
@settings(max_examples=5)
@given(st.integers(0, 10**6), several)
def test_many_filters_over_many_archives_give_what_sql_gives(
    empty: Empty, tmp_path_factory: pytest.TempPathFactory, seed: int, some: list[Filter]
) -> None:
    run_check(empty, tmp_path_factory.mktemp("archive"), seed, some)
