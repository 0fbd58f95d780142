"""The first hits of an answer are the same however many are asked for: in every way to ask, at every depth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts_encoder import PartsEncoder, brain, parts_dual

from benchmarks.common import store_cases
from spinecho.db.filters.algebra import ALL, Filter, Is
from spinecho.encoders.reading.volume import Volume
from spinecho.search.answers import order
from spinecho.search.answers.hits import Results
from spinecho.search.answers.order import Ordered, in_order
from spinecho.search.channels import retrieve, whole_report
from spinecho.search.channels.found import Evidence as Said
from spinecho.search.channels.found import Found
from spinecho.search.engine import Engine
from spinecho.search.fusion import Weights
from spinecho.search.query import Evidence, ImageQuery, Kind, Query, StudyQuery, TextQuery

STUDIES, ALL_OF_THEM = 40, 10_000
WEIGHTS = replace(Weights.load(), scans=1.0, like=2.0)
REPORT = (
    "FINDINGS: There is a ring-enhancing lesion in the left frontal lobe. No haemorrhage. The ventricles are normal. "
    "IMPRESSION: Ring-enhancing lesion of the left frontal lobe, most in keeping with a metastasis. No hydrocephalus."
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("cases")
    database, _ = store_cases(folder, parts_dual(), STUDIES, seed=3)
    made = Engine(database, folder / "builds", parts_dual(), weights=WEIGHTS)
    made.calibrate()
    yield made
    database.close()


@pytest.fixture
def hardly_deep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few are looked at and steps are short, as if the archive were a thousand times as large."""
    for module, name, value in (
        (order, "FIRST", 4), (order, "FURTHER", 2), (retrieve, "_LEAST", 6), (retrieve, "_DEPTH", 1),
        (retrieve, "_DEEPER", 2), (retrieve, "_DEEPEST", 24), (retrieve, "_UNNAMED", 12), (whole_report, "_NEAREST", 3),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)


def scan() -> ImageQuery:
    prepared = PartsEncoder().preparation(Volume(brain(1), np.eye(4)))
    return ImageQuery((prepared, prepared))


def study(engine: Engine, number: int) -> str:
    hits = engine.search(TextQuery(""), where=Is("sex", ("F", "M")), k=number + 1).hits
    assert hits[number].study
    return hits[number].study.uid


def question(engine: Engine, name: str) -> tuple[Query, dict[str, Any]]:
    first, second = study(engine, 0), study(engine, 1)
    asked: dict[str, tuple[Query, Kind, Filter]] = {
        "words": (TextQuery("haemorrhage in the left temporal lobe"), Kind.STUDY, ALL),
        "denied almost everywhere": (TextQuery("acute infarct"), Kind.STUDY, ALL),
        "words by sentences": (TextQuery("enhancing lesion", Evidence.WORDS), Kind.STUDY, ALL),
        "words by scans": (TextQuery("bright lesion", Evidence.SCANS), Kind.STUDY, ALL),
        "words for reports": (TextQuery("metastasis"), Kind.REPORT, ALL),
        "words and less": (TextQuery("lesion, no oedema"), Kind.STUDY, ALL),
        "words under a filter": (TextQuery("lesion"), Kind.STUDY, Is("sex", ("F",))),
        "words and thumbs": (TextQuery("lesion", good=(first,), bad=(second,)), Kind.STUDY, ALL),
        "words and an example": (TextQuery("lesion", like=StudyQuery(first)), Kind.STUDY, ALL),
        "words nobody says": (TextQuery("zebra crossing"), Kind.STUDY, ALL),
        "a whole report": (TextQuery(REPORT), Kind.STUDY, ALL),
        "exclusions": (TextQuery("no lesion"), Kind.STUDY, ALL),
        "a filter": (TextQuery(""), Kind.STUDY, Is("sex", ("F",))),
        "reports of a filter": (TextQuery(""), Kind.REPORT, Is("sex", ("F",))),
        "identifiers": (TextQuery(f"{second} {first}"), Kind.STUDY, ALL),
        "a scan": (scan(), Kind.STUDY, ALL),
        "reports for a scan": (scan(), Kind.REPORT, ALL),
        "a study": (StudyQuery(first), Kind.STUDY, ALL),
        "a study, other patients": (StudyQuery(first, other_patients=True), Kind.STUDY, Is("sex", ("F", "M"))),
    }  # fmt: skip
    query, want, where = asked[name]
    return query, {"want": want, "where": where}


COMPARED = (
    "words", "denied almost everywhere", "words by sentences", "words by scans", "words for reports", "words and less",
    "words under a filter", "words and thumbs", "words and an example", "words nobody says", "a whole report", "a scan",
    "reports for a scan", "a study", "a study, other patients",
)  # fmt: skip
LISTED = ("exclusions", "a filter", "reports of a filter", "identifiers")


def shown(results: Results) -> list[Any]:
    """Everything of each hit but what the whole answer has."""
    return [(hit.study.uid if hit.study else None, hit.report and hit.report.id, hit) for hit in results.hits]


def check(engine: Engine, name: str) -> Results:
    """The whole answer, which every shorter one begins."""
    query, given = question(engine, name)
    with engine.reading() as snapshot:
        whole = snapshot.search(query, k=ALL_OF_THEM, **given)
        for k in (1, 3, 10, 25, len(whole.hits)):
            few = snapshot.search(query, k=k, **given)
            assert shown(few) == shown(whole)[:k], f"{k} of {len(whole.hits)}"
            assert few.more or k >= len(whole.hits)
            assert few.relevance == whole.relevance
    assert not whole.more
    found = [(one[0], one[1]) for one in shown(whole)]
    assert len(set(found)) == len(found) > 1
    assert [hit.rank for hit in whole.hits] == list(range(1, len(found) + 1))
    fits = [hit.fits for hit in whole.hits]
    assert fits == sorted(fits, reverse=True), "one fold"
    scores = [hit.score for hit in whole.hits]
    assert all(later <= earlier + 1e-3 for earlier, later in pairwise(scores))
    assert "fit" not in whole.query or sum(fits) == whole.query["fit"]
    return whole


@pytest.mark.parametrize("name", COMPARED)
@pytest.mark.usefixtures("hardly_deep")
def test_the_first_of_many_are_the_few(engine: Engine, name: str) -> None:
    check(engine, name)


@pytest.mark.parametrize("name", [*LISTED, "words", "a study"])
def test_the_first_of_many_are_the_few_where_all_is_looked_at(engine: Engine, name: str) -> None:
    check(engine, name)


@pytest.mark.parametrize("name", ["words by scans", "a study", "words", "a scan"])
def test_steps_leave_nothing_out(engine: Engine, name: str, request: pytest.FixtureRequest) -> None:
    query, given = question(engine, name)
    at_once = engine.search(query, k=ALL_OF_THEM, **given)
    request.getfixturevalue("hardly_deep")
    by_steps = engine.search(query, k=ALL_OF_THEM, **given)
    assert {one[0] for one in shown(by_steps)} == {one[0] for one in shown(at_once)}


@st.composite
def _archives(draw: st.DrawFn) -> list[dict[int, tuple[float, bool]]]:
    """What three looks find, each deeper than the last: score and whether it fits, which each look may judge anew."""
    keys, found = st.integers(1, 12), set[int]()
    looks = []
    for _ in range(3):
        found |= draw(st.sets(keys, max_size=6))
        scores = st.tuples(st.sampled_from([0.1, 0.2, 0.2004, 0.5, 0.9]), st.booleans())
        looks.append({key: draw(scores) for key in sorted(found)})
    return looks


@given(_archives(), st.integers(1, 5))
def test_an_order_of_steps_is_one_order(looks: list[dict[int, tuple[float, bool]]], first: int) -> None:
    def answer(k: int) -> Ordered:
        left = iter(looks)

        def look(_: int) -> Found:
            found = next(left)
            made = Found(folded=True, complete=found is looks[-1])
            for key, (score, fits) in found.items():
                made.scores[key] = score / 2 + (0.5 if fits else 0.0)
                made.evidence[key] = Said(fits=fits)
            return made

        return in_order(None, look, want=Kind.REPORT, k=k)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order, "FIRST", first)
        whole = answer(99)
        keys = [key for key, _, _ in whole.hits]
        assert len(set(keys)) == len(keys)
        assert not whole.more
        for k in range(1, 14):
            few = answer(k)
            assert few.hits == whole.hits[:k]
            assert few.more or k >= len(keys)
    fits = [evidence.fits for _, _, evidence in whole.hits]
    assert fits == sorted(fits, reverse=True)
    assert sum(fits) == sum(whole.found.evidence[key].fits for key in whole.found.scores)


@pytest.mark.parametrize(("vain", "found"), [(0, {1, 2, 3}), (1, {1, 2, 3}), (2, {1})])
def test_a_step_that_finds_nothing_else_is_not_the_end(vain: int, found: set[int]) -> None:
    """Of the nearest studies none may have a report, and of the next ones two."""
    looks = iter([{1}, *[{1}] * vain, {1, 2, 3}])

    def look(wanted: int) -> Found:
        made = Found(folded=True, complete=wanted > 10 * 5 ** (vain + 1))
        for key in next(looks, {1, 2, 3}):
            made.scores[key], made.evidence[key] = 1.0 / key, Said(fits=False)
        return made

    answer = in_order(None, look, want=Kind.REPORT, k=99)  # type: ignore[arg-type]
    assert {key for key, _, _ in answer.hits} == found
    assert not answer.more
