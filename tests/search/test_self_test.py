"""The self-test of channels: what it measures, when it is made again, and what follows for the weights."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts_encoder import Words, parts_dual
from servers import Server

from spinecho.db.files import file_index, runs
from spinecho.db.queries.learning.self_tests import get_self_test, paired_studies
from spinecho.db.reports import study_matching
from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import Location
from spinecho.db.store import storing
from spinecho.db.values import (
    Listing,
    NewClause,
    NewPassage,
    NewReport,
    NewSeries,
    NewVolume,
    Scanned,
    SpaceRecord,
    Stat,
)
from spinecho.db.vectors.stored_rows import pack
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.measuring.figures import Figure
from spinecho.encoders.space import Space, Vectors
from spinecho.search.answers.hits import results_json
from spinecho.search.channel_weights import FINDINGS, LEAST, SCANS, lean, moved
from spinecho.search.engine import Engine
from spinecho.search.fusion import Weights
from spinecho.search.query import Evidence, TextQuery
from spinecho.search.self_test import figures_of, look_after, weighing

DIM = 8
SHIPPED = Weights.load()
FACTS = {
    "body_region": "brain", "sequence": "FLAIR", "plane": "axial", "contrast": "no", "field_strength_t": 3.0,
    "vendor": "GE", "model": "", "derived": False,
}  # fmt: skip


def vector_of(number: int) -> np.ndarray:
    row = np.random.default_rng(number).normal(size=DIM)
    return (row / np.linalg.norm(row)).astype(np.float32)


@dataclass
class Planted:
    """Words in the scans' space: those of the study whose number they name, or of another one's."""

    space: Space
    other: Callable[[int], int] = lambda number: number
    asked: int = 0

    def encode(self, items: Sequence[str], /) -> Vectors:
        self.asked += len(items)
        numbers = [re.findall(r"number (\d+)", text) for text in items]
        return np.stack([vector_of(self.other(int(one[0])) if one else 99_999) for one in numbers])


class World:
    """An archive without pixels, whose scans are what `vector_of` says."""

    def __init__(self, location: Location) -> None:
        self.database = Database.open(location)
        self.builds = Path("/nonexistent")
        image, text = parts_dual().image.space, Words.space
        self.image = self._serve("image", image)
        self.text = self._serve("text", text)
        self.run = runs.start_run(self.database, ["/data"])
        self.held = 0

    def _serve(self, role: Any, space: Space) -> SpaceRecord:
        return storing.serve(
            self.database, role, model=space.model, revision=space.revision, preprocessing=space.preprocessing,
            dim=space.dim, encoder="parts",
        )  # fmt: skip

    def grow(self, to: int, *, patient: Callable[[int], str] = "P{}".format, said: str = "present") -> None:
        names = [f"{number}" for number in range(self.held, to)]
        file_index.compare(self.database, root="/data", run=self.run, listings=[Listing("/data/x", ())])
        stats = [Scanned("/data/x", Stat(f"{name}.dcm", 1, 1), "dicom") for name in [*names, f"r{to}"]]
        file_index.record(self.database, self.run, stats)
        files = self.query("SELECT name, id FROM files")
        ids = {str(name): number for name, number in files}
        row, reports = pack(Words().encode(["x"])[0]), []
        for number in range(self.held, to):
            uid, text = f"1.2.{number}", f"A lesion of number {number}."
            volume = NewVolume(
                "0", FACTS, (8, 8, 8), (), {}, (ids[f"{number}.dcm"],), b"", pack(vector_of(number)),
                NewPassage("header", 0, 0, 4, "FLAIR", "present", "", row),
            )  # fmt: skip
            study = {
                "uid": uid, "accession_number": "", "patient_id": patient(number), "date": None, "description": "",
                "sex": None, "age_years": None,
            }  # fmt: skip
            series = {"uid": f"{uid}.1", "number": 1, "description": "", "protocol": ""}
            storing.store_series(
                self.database, self.run, NewSeries(study, series, [volume]), image_space=self.image.id,
                text_space=self.text.id,
            )  # fmt: skip
            clause = NewClause(0, len(text), text, said)
            passage = NewPassage("findings", 0, 0, len(text), text, said, "", row, (clause,))
            reports.append(NewReport(number - self.held + 1, "", uid, text, [passage]))
        file = ids[f"r{to}.dcm"]
        storing.store_reports(
            self.database, self.run, file, reports, (), text_space=self.text.id, first=True, last=True
        )
        study_matching.match_reports(self.database)
        self.held = to

    def query(self, sql: str) -> list[Any]:
        with self.database.engine.connect() as connection:
            return list(connection.exec_driver_sql(sql))

    def dual(self, other: Callable[[int], int] = lambda number: number) -> DualEncoder:
        image = parts_dual().image
        return DualEncoder("parts", image, Words(), Planted(image.space, other))


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("grown") / "spinecho.sqlite")
    world.grow(LEAST + 10)
    yield world
    world.database.close()


@pytest.fixture
def world(grown: World) -> World:
    with grown.database.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM self_tests")
    return grown


def test_a_small_archive_keeps_the_weights_that_ship_opens_no_encoder_and_says_so(tmp_path: Path) -> None:
    world = World(tmp_path / "spinecho.sqlite")
    world.grow(12, patient=lambda number: f"P{number // 2}")
    outcome = look_after(world.database, lambda: pytest.fail("opened"))  # type: ignore[arg-type, return-value]
    assert outcome.test is not None
    assert (outcome.test.reason, outcome.test.pairs, outcome.warning) == ("TOO_FEW", 6, "")
    engine = Engine(world.database, tmp_path / "builds", world.dual())
    engine.calibrate()
    told = results_json(engine.search(TextQuery("lesion")))["weights"]
    assert (told["from"], told["kind"]) == ("shipped", "finding")
    assert told["scans"] == pytest.approx(SHIPPED.scans * SHIPPED.finding_scans)
    assert "6 patients" in told["why"]
    assert str(LEAST) in told["why"]
    assert not results_json(engine.search(TextQuery("lesion", by=Evidence.WORDS)))["weights"]
    world.grow(14, said="absent")
    assert look_after(world.database, world.dual).fresh  # counted again, and a report that only denies is no pair
    assert [pair[0] for pair in paired_studies(world.database, world.image) if pair[0] in ("1.2.12", "1.2.13")] == []
    world.database.close()


def test_an_encoder_that_knows_raises_what_scans_count(world: World, tmp_path: Path) -> None:
    assert look_after(world.database, world.dual).fresh
    kept = get_self_test(world.database, world.image.id)
    figures = figures_of(kept)
    assert figures[SCANS].value == figures[FINDINGS].value == pytest.approx(1.0, abs=0.001)
    assert figures[FINDINGS].queries == figures[FINDINGS].pool == LEAST + 10
    engine = Engine(world.database, tmp_path / "builds", world.dual())
    engine.calibrate()
    for words, least in (("lesion", SHIPPED.scans * SHIPPED.finding_scans), ("pons", SHIPPED.scans)):
        told = engine.search(TextQuery(words)).weights
        assert told["from"] == "self-test"
        assert told["scans"] > 1.5 * least
        assert "ships" in told["why"]
    own = Engine(world.database, tmp_path / "builds", world.dual(), weights=SHIPPED)
    own.calibrate()
    assert own.search(TextQuery("lesion")).weights["from"] == "home"


def test_an_encoder_that_knows_nothing_changes_nothing_and_it_is_said(world: World) -> None:
    assert look_after(world.database, lambda: world.dual(lambda number: number * 37 % 211 + 500)).fresh
    figures = figures_of(get_self_test(world.database, world.image.id))
    low, high = figures[FINDINGS].ci95 or (1, 0)
    assert low < 0.5 < high
    told = weighing(world.database, world.image)
    assert told.weights == SHIPPED
    assert "not certain" in told.why


def test_it_is_kept_until_asked_for(world: World) -> None:
    look_after(world.database, world.dual)
    before = world.query("SELECT * FROM self_tests")
    assert not look_after(world.database, lambda: pytest.fail("opened")).fresh  # type: ignore[arg-type, return-value]
    assert world.query("SELECT * FROM self_tests") == before
    assert look_after(world.database, world.dual, again=True).fresh
    assert get_self_test(world.database, world.image.id).digest == before[0].digest  # type: ignore[union-attr]


def test_what_fails_within_fails_no_run_and_is_tried_again(world: World) -> None:
    def broken() -> DualEncoder:
        raise RuntimeError("P1 has a lesion")

    outcome = look_after(world.database, broken)
    assert outcome.warning.startswith("SELF_TEST_FAILED: RuntimeError")
    assert "lesion" not in outcome.warning

    def stopped() -> DualEncoder:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        look_after(world.database, stopped)
    assert world.query("SELECT * FROM self_tests") == []
    assert look_after(world.database, world.dual).fresh


def test_time_is_limited(world: World) -> None:
    look_after(world.database, world.dual, seconds=0.0)
    figures = figures_of(get_self_test(world.database, world.image.id))
    assert figures[SCANS].queries == 16
    assert weighing(world.database, world.image).weights == SHIPPED


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_growth_and_another_version_measure_anew(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    location: Location = tmp_path / "spinecho.sqlite"
    if kind == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        location = server.new()
    monkeypatch.setattr("spinecho.search.self_test.LEAST", 5)
    world = World(location)
    world.grow(10)
    assert look_after(world.database, world.dual).fresh
    world.grow(12)
    assert not look_after(world.database, world.dual).fresh
    world.grow(13)
    assert look_after(world.database, world.dual).fresh
    assert get_self_test(world.database, world.image.id).pairs == 13  # type: ignore[union-attr]
    monkeypatch.setattr("spinecho.search.self_test.VERSION", 99)
    assert look_after(world.database, world.dual).fresh
    world.database.close()


def figure(low: float, high: float, queries: int = LEAST) -> Figure:
    return Figure((low + high) / 2, 0.5, (low, high), 100.0, queries)


shares = st.floats(0, 1)
intervals = st.tuples(shares, shares).map(sorted)


@given(intervals, intervals)
def test_weights_are_bounded_and_stand_where_nothing_is_certain(all_: list[float], within: list[float]) -> None:
    made = moved(SHIPPED, {SCANS: figure(*all_), FINDINGS: figure(*within)})
    finding = made.scans * made.finding_scans
    assert 0 <= made.scans <= 2 * SHIPPED.scans
    assert 0 <= finding <= min(made.scans, SHIPPED.scans) + 1e-9
    if all_[0] <= 0.5 <= all_[1] and within[0] <= 0.5 <= within[1]:
        assert made == SHIPPED
    few = {name: figure(*one, LEAST - 1) for name, one in ((SCANS, all_), (FINDINGS, within))}
    assert moved(SHIPPED, few) == moved(SHIPPED, {}) == SHIPPED


@given(intervals, intervals, intervals)
def test_weights_never_fall_where_more_is_known(one: list[float], other: list[float], fixed: list[float]) -> None:
    low = [min(one[0], other[0]), min(one[1], other[1])]
    high = [max(one[0], other[0]), max(one[1], other[1])]
    assert lean(figure(*low)) <= lean(figure(*high))
    for name, still in ((SCANS, FINDINGS), (FINDINGS, SCANS)):
        less, more = (moved(SHIPPED, {name: figure(*end), still: figure(*fixed)}) for end in (low, high))
        assert less.scans <= more.scans + 1e-9
        assert less.scans * less.finding_scans <= more.scans * more.finding_scans + 1e-9
