"""Full text under a filter gives what full text gives over a database that holds nothing else."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "db"))

from filter_archive import FilterArchive

from spinecho.db.filters.algebra import ALL, And, Between, Filter, Is, Not, Or
from spinecho.db.queries import lookup
from spinecho.db.queries.selection import Selection
from spinecho.db.queries.sentences import passage_cards
from spinecho.db.reports.full_text import expression, find_words
from spinecho.db.schema.engines import Location
from spinecho.db.vectors.served import ServedSpace
from spinecho.encoders.language.query_words import parse_query
from spinecho.search.channels.lexical import words_of
from spinecho.search.channels.retrieve import Retriever
from spinecho.search.query import Kind

STUDIES = 40
SAID = ["infarct", "mass", "cyst", "oedema", "haemorrhage", "atrophy"]


def facts(number: int) -> dict[str, object]:
    return {
        "sequence": ("T2", "FLAIR", "T1")[number % 3], "plane": ("axial", "sagittal")[number % 2], "derived": False,
        "contrast": ("yes", "no")[number // 2 % 2], "vendor": ("Siemens", "GE")[number // 3 % 2], "model": "",
        "field_strength_t": 3.0, "body_region": "brain",
    }  # fmt: skip


def put(made: FilterArchive, number: int) -> None:
    draw = random.Random(number)
    study = {
        "uid": f"1.{number}", "accession_number": f"A{number}", "patient_id": f"p{number}",
        "date": date(2000 + number % 25, 1, 1), "description": "head", "sex": ("F", "M")[number % 2],
        "age_years": float(number),
    }  # fmt: skip
    made.store(study, f"1.{number}.1", [facts(number)])
    said = [(f"{draw.choice(SAID)} and {draw.choice(SAID)}", "present") for _ in range(1 + number % 3)]
    made.report(number, said, study_uid=f"1.{number}", match=False)


@pytest.fixture
def whole(tmp_path: Path, location: Location) -> Iterator[FilterArchive]:
    made = FilterArchive(tmp_path, location)
    for number in range(STUDIES):
        put(made, number)
    made.match()
    yield made
    made.close()


leaves = st.one_of(
    st.builds(Is, st.just("sequence"), st.sampled_from([("T2",), ("FLAIR",), ("T1", "T2")])),
    st.builds(Is, st.just("sex"), st.sampled_from([("F",), ("male",)])),
    st.builds(Is, st.just("vendor"), st.sampled_from([("GE",), ("Siemens",)])),
    st.builds(Is, st.just("contrast"), st.sampled_from([("yes",), ("no",)])),
    st.builds(Between, st.just("age"), st.sampled_from([None, 3, 20]), st.sampled_from([None, 5, 21])),
)
filters = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Not, inner), st.lists(inner, min_size=1, max_size=2).map(lambda some: And(tuple(some))),
        st.lists(inner, min_size=1, max_size=2).map(lambda some: Or(tuple(some))),
    ),
    max_leaves=4,
)  # fmt: skip


def found_in(made: FilterArchive, folder: Path, words: str, where: Filter, want: Kind) -> set[str]:
    """UIDs of the studies, or of the studies of the reports, that the channel of words gives."""
    builds = folder / "builds"
    image, text = (ServedSpace(made.database, builds, space).view() for space in (made.image, made.text))
    retriever = Retriever(made.database, image, text, Selection(made.database, builds))
    query = parse_query(words)
    found = retriever.words(query, words_of(query), want=want, k=1000, where=where)
    keys = list(found.scores)
    if want is Kind.REPORT:
        cards = lookup.report_cards(made.database, keys)
        keys = [card.study_id for card in cards.values() if card.study_id is not None]
    return {card.uid for card in lookup.study_cards(made.database, keys).values()}


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    where=filters, words=st.sampled_from([*SAID, "infarct oedema", "no mass, cyst"]), want=st.sampled_from(list(Kind))
)
def test_words_under_a_filter_are_words_over_what_passes(
    whole: FilterArchive, tmp_path_factory: pytest.TempPathFactory, where: Filter, words: str, want: Kind
) -> None:
    folder = tmp_path_factory.mktemp("alone")
    with_filter = found_in(whole, folder, words, where, want)
    alone = FilterArchive(folder)
    passing = set(lookup.allowed_passages(whole.database, whole.text, where).tolist())
    cards = passage_cards(whole.database, sorted(passing))
    uids = {
        card.uid
        for card in lookup.study_cards(whole.database, [c.study_id for c in cards.values() if c.study_id]).values()
    }
    for number in range(STUDIES):
        if f"1.{number}" in uids:
            put(alone, number)
    alone.match()
    try:
        assert with_filter == (found_in(alone, folder, words, ALL, want) if uids else set())
    finally:
        alone.close()


def test_one_of_many_is_found_however_many_say_the_same_better(tmp_path: Path, location: Location) -> None:
    """One study behind more sentences than were once looked at, which all rank before its own."""
    made = FilterArchive(tmp_path, location)
    for number in range(2):
        put(made, number)
    made.report(90, [("infarct infarct", "present")] * 3300, study_uid="1.0", match=False)
    made.report(
        91,
        [("an old infarct far away among many other words that make it rank last", "present")],
        study_uid="1.1",
        match=False,
    )
    made.match()
    assert found_in(made, tmp_path, "infarct", Is("sex", ("M",)), Kind.STUDY) == {"1.1"}
    passing = lookup.allowed_passages(made.database, made.text, Is("sex", ("M",)))
    rows = find_words(made.database, made.text, expression([("infarct",)]), limit=5, among=passing)
    assert rows
    assert set(np.array([row[0] for row in rows]).tolist()) <= set(passing.tolist())
    made.close()
