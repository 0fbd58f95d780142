"""Comparing by parts and finding a spot, on volumes whose bright and dark boxes are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from archives import Home, copy_of
from hypothesis import given
from hypothesis import strategies as st
from parts_encoder import PartsEncoder, brain, parts_dual, plain_dual, write_nifti
from trusting import FAILED, trust

from spinecho.db.errors import FilterError
from spinecho.db.filters.algebra import ALL, And, Between, Contains, Filter, Is, Not, Or, parse_condition
from spinecho.db.schema.checksums import seal
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Base
from spinecho.db.store.part_vectors import StoredRegions
from spinecho.encoders.reading.files import read_path
from spinecho.encoders.reading.headers import VolumeRead
from spinecho.errors import QueryError
from spinecho.search.answers.hits import Results, results_json
from spinecho.search.channels.regions import cell_box, max_sim, slices_in, stored_box_vector
from spinecho.search.engine import Engine
from spinecho.search.fusion import Weights
from spinecho.search.query import BoxError, ImageQuery, Kind, Query, SpotQuery, StudyQuery, TextQuery

LEFT = (slice(0, 8), slice(8, 16), slice(4, 8))
RIGHT = (slice(16, 24), slice(8, 16), slice(4, 8))
LEFT_BOX, RIGHT_BOX = (0.0, 1 / 3, 1 / 3, 1 / 3, 2 / 3, 2 / 3), (2 / 3, 1 / 3, 1 / 3, 1.0, 2 / 3, 2 / 3)
WHAT = {
    "sub-1": {"bright": LEFT},
    "sub-2": {"bright": RIGHT},
    "sub-3": {"dark": LEFT},
    "sub-4": {"dark": RIGHT},
    "sub-5": {},
    "sub-6": {"bright": LEFT, "dark": RIGHT},
}


PARTS = replace(Weights.load(), regions=0.25)
"""Parts that count, as they do not for the encoder that ships."""


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    for number, (name, boxes) in enumerate(WHAT.items()):
        write_nifti(folder / name / f"{name}_T1w.nii.gz", brain(number, **boxes))
    return folder


@pytest.fixture(scope="module")
def home(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("home"), parts_dual)
    made.index(scans)
    trust(made.database, parts_dual())
    return made


@pytest.fixture(scope="module")
def engine(home: Home) -> Engine:
    return home.engine(weights=PARTS)


def names(results: Results) -> list[str]:
    return [Path(hit.series[0].paths[0]).parent.name for hit in results.hits]


def scan(path: Path) -> ImageQuery:
    prepare = PartsEncoder().preparation
    return ImageQuery(tuple(prepare(item.volume) for item in read_path(path) if isinstance(item, VolumeRead)))


def spot(path: Path, box: tuple[float, ...]) -> SpotQuery:
    return SpotQuery(box, scan(path).prepared)  # type: ignore[arg-type]


def new_scan(folder: Path, seed: int = 99, **boxes: object) -> Path:
    return write_nifti(folder / "new_T1w.nii.gz", brain(seed, **boxes))  # type: ignore[arg-type]


def test_a_bright_spot_is_found_wherever_it_lies_and_shown_there(engine: Engine, tmp_path: Path) -> None:
    results = engine.search(spot(new_scan(tmp_path, bright=RIGHT), RIGHT_BOX), k=6)
    assert set(names(results)[:3]) == {"sub-1", "sub-2", "sub-6"}
    where = {name: hit.series[0].region for name, hit in zip(names(results), results.hits, strict=True)}
    for name, box, sagittal in (("sub-1", LEFT_BOX, (0, 7)), ("sub-2", RIGHT_BOX, (16, 23))):
        region = where[name]
        assert region is not None
        assert region.box == pytest.approx(box)
        assert region.slices == {"sagittal": sagittal, "coronal": (8, 15), "axial": (4, 7)}
    assert results.hits[0].channels["spot"] == pytest.approx(1.0, abs=5e-3)
    assert results.hits[0].series[0].similarity == pytest.approx(results.hits[0].channels["spot"])
    assert results.hits[3].channels["spot"] < 0.9


def test_the_same_scan_with_another_box_finds_something_else(engine: Engine, tmp_path: Path) -> None:
    path = new_scan(tmp_path, bright=LEFT, dark=RIGHT)
    assert set(names(engine.search(spot(path, LEFT_BOX), k=3))) == {"sub-1", "sub-2", "sub-6"}
    assert set(names(engine.search(spot(path, RIGHT_BOX), k=3))) == {"sub-3", "sub-4", "sub-6"}


def test_a_spot_of_an_indexed_study_needs_no_pixels_and_leaves_the_study_out(engine: Engine) -> None:
    every = engine.search(TextQuery("bright"), k=6)
    hit = every.hits[names(every).index("sub-1")]
    assert hit.study is not None
    for series in (None, hit.series[0].card.uid):
        results = engine.search(SpotQuery(LEFT_BOX, study_uid=hit.study.uid, series_uid=series), k=6)
        assert set(names(results)[:2]) == {"sub-2", "sub-6"}
        assert "sub-1" not in names(results)
    with pytest.raises(QueryError, match=r"no series '1\.2'"):
        engine.search(SpotQuery(LEFT_BOX, study_uid=hit.study.uid, series_uid="1.2"))
    with pytest.raises(QueryError, match=r"no study '1\.2\.3'"):
        engine.search(SpotQuery(LEFT_BOX, study_uid="1.2.3"))


def test_filters_hold_for_a_spot_too(engine: Engine, tmp_path: Path) -> None:
    query = spot(new_scan(tmp_path, bright=LEFT), LEFT_BOX)
    assert names(engine.search(query, where=Is("predicted.brightness", ("dim",)), k=6)) != []
    assert names(engine.search(query, where=Contains("description", "knee"), k=6)) == []
    assert engine.search(query, want=Kind.REPORT).hits == ()


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((0, 0, 0, 1, 1, 1.1), "outside"),
        ((-0.1, 0, 0, 1, 1, 1), "outside"),
        ((0, 0, float("nan"), 1, 1, 1), "outside"),
        ((0, 0.5, 0, 1, 0.5, 1), "along A: empty"),
        ((0.6, 0, 0, 0.5, 1, 1), "along R: inverted"),
        ((0, 0, 0, 1, 1), "six numbers"),
    ],
    ids=str,
)
def test_a_box_that_is_none_is_refused_with_its_axis(box: tuple[float, ...], message: str) -> None:
    with pytest.raises(BoxError, match=message):
        SpotQuery(box, study_uid="1")  # type: ignore[arg-type]


def test_a_box_around_nothing_is_refused(engine: Engine, tmp_path: Path) -> None:
    voxels = brain(7)
    voxels[16:] = 0
    path = write_nifti(tmp_path / "half_T1w.nii.gz", voxels)
    with pytest.raises(BoxError, match="nothing of the scan"):
        engine.search(spot(path, (0.75, 0.5, 0.5, 1, 1, 1)))
    with pytest.raises(BoxError, match="one of the two"):
        SpotQuery(LEFT_BOX)


def test_an_encoder_without_parts_cannot_find_a_spot_and_says_so(home: Home, tmp_path: Path) -> None:
    engine = replace(home, encoders=plain_dual).engine()
    with pytest.raises(BoxError, match="does not tell the parts"):
        engine.search(spot(new_scan(tmp_path), LEFT_BOX))
    assert names(engine.search(scan(new_scan(tmp_path, bright=LEFT)), k=6))


def test_volumes_whose_parts_are_not_stored_are_left_out_of_a_spot_and_counted(home: Home, tmp_path: Path) -> None:
    mine = copy_of(home, tmp_path / "home")
    database = Database.open(mine.database)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM region_vectors WHERE volume_id IN (SELECT min(id) FROM volumes)")
    database.close()
    results = mine.engine().search(spot(new_scan(tmp_path, bright=LEFT), LEFT_BOX), k=6)
    assert len(results.hits) == 5
    assert any("parts of 1 of" in warning and "spinecho predict" in warning for warning in results.warnings)
    assert len(mine.engine().search(scan(new_scan(tmp_path)), k=6).hits) == 6


def test_words_find_scans_by_their_brightest_part_and_say_where(engine: Engine) -> None:
    results = engine.search(TextQuery("bright"), k=6)
    hit = results.hits[names(results).index("sub-2")]
    assert set(names(results)[:3]) == {"sub-1", "sub-2", "sub-6"}
    assert hit.channels["regions"] > hit.channels["image"]
    series = hit.series[0]
    assert series.similarity == pytest.approx(hit.channels["image"])
    assert series.region is not None
    assert series.region.box == pytest.approx(RIGHT_BOX)
    assert series.region.similarity == pytest.approx(hit.channels["regions"])
    plain = results_json(results)["hits"][0]["series"][0]
    assert set(plain["region"]) == {"box", "slices", "similarity"}
    assert plain["region"]["slices"]["axial"] == [4, 7]


def test_words_say_where_only_what_stands_out_and_where_the_encoder_has_passed(home: Home, tmp_path: Path) -> None:
    mine = copy_of(home, tmp_path / "home")
    for trusted in ({"floor": 90.0}, {"sides": FAILED}):
        trust(mine.database, parts_dual(), **trusted)  # type: ignore[arg-type]
        results = mine.engine(weights=PARTS).search(TextQuery("bright"), k=6)
        assert set(names(results)[:3]) == {"sub-1", "sub-2", "sub-6"}, "what is found stays as it is"
        assert all(series.region is None for hit in results.hits for series in hit.series)
        spotted = mine.engine().search(spot(new_scan(tmp_path, bright=RIGHT), RIGHT_BOX), k=1)
        assert spotted.hits[0].series[0].region is not None, "a spot is compared with spots"


def test_words_without_a_place_in_the_image_space_have_no_region(home: Home) -> None:
    results = replace(home, encoders=lambda: parts_dual(aligned=False)).engine().search(TextQuery("T1-weighted"))
    assert results.hits
    assert all(series.region is None for hit in results.hits for series in hit.series)


def test_parts_decide_between_scans_that_look_alike_as_a_whole(scans: Path, home: Home, tmp_path: Path) -> None:
    query = scan(new_scan(tmp_path, seed=0, bright=LEFT))
    with_parts = home.engine(weights=PARTS).search(query, k=6)
    assert with_parts.hits[0].channels["regions"] > 0.99
    assert names(with_parts)[0] in {"sub-1", "sub-2"}
    without = home.engine().search(query, k=6)
    assert all("regions" not in hit.channels for hit in without.hits)
    assert set(names(without)[:2]) == {"sub-1", "sub-2"}
    assert [hit.score for hit in without.hits] == pytest.approx([hit.channels["image"] for hit in without.hits])


def test_a_scan_and_a_study_find_themselves_and_their_like_by_parts(engine: Engine, scans: Path) -> None:
    found = engine.search(scan(scans / "sub-4"), k=6)
    assert names(found)[0] in {"sub-3", "sub-4"}
    assert found.hits[0].score == pytest.approx(1.0, abs=5e-3)
    study = found.hits[0].study
    assert study is not None
    like = engine.search(StudyQuery(study.uid), k=6)
    assert len(like.hits) == 5
    assert like.hits[0].channels["regions"] > 0.99
    scores = [round(hit.score, 3) for hit in like.hits]
    assert scores == sorted(scores, reverse=True)


def regions(rows: object, grid: tuple[int, int, int] = (1, 1, 2)) -> StoredRegions:
    return StoredRegions(grid, np.array(rows, np.float32))


def test_max_sim_is_the_mean_of_the_best_and_zeros_count_on_neither_side() -> None:
    tokens = np.array([[1, 0], [0, 0], [0, 1]], np.float32)
    values, cells = max_sim(tokens, [regions([[0.6, 0.8], [0, 0]]), regions([[0, 0], [-1, 0]]), regions([[0, 0]])])
    assert values == pytest.approx([0.7, -0.5, -np.inf])
    assert cells.tolist()[:2] == [0, 1]
    assert max_sim(np.zeros((2, 2), np.float32), [regions([[1, 0], [0, 1]])])[0].tolist() == [-np.inf]
    assert max_sim(tokens, [])[0].shape == (0,)


@given(seed=st.integers(0, 999), tokens=st.integers(1, 5), volumes=st.integers(1, 6))
def test_max_sim_equals_its_definition(seed: int, tokens: int, volumes: int) -> None:
    random = np.random.default_rng(seed)
    asked = random.normal(size=(tokens, 4)).astype(np.float32)
    stored = [regions(random.normal(size=(int(random.integers(1, 5)), 4)), (1, 1, 1)) for _ in range(volumes)]
    expected = [float(np.mean([max(float(t @ r) for r in one.rows) for t in asked])) for one in stored]
    assert max_sim(asked, stored)[0] == pytest.approx(expected, rel=1e-4, abs=1e-5)


@given(st.tuples(*[st.integers(1, 4)] * 3), st.tuples(*[st.integers(1, 40)] * 3))
def test_cells_tile_the_volume_and_their_slices_cover_it(
    grid: tuple[int, int, int], shape: tuple[int, int, int]
) -> None:
    boxes = [cell_box(grid, cell) for cell in range(int(np.prod(grid)))]
    assert sum(np.prod(np.subtract(box[3:], box[:3])) for box in boxes) == pytest.approx(1.0)
    for axis, plane in enumerate(("sagittal", "coronal", "axial")):
        ends = [slices_in(box, shape)[plane] for box in boxes]
        assert all(0 <= first <= last < shape[axis] for first, last in ends)
        assert {at for first, last in ends for at in range(first, last + 1)} == set(range(shape[axis]))


def test_a_box_of_stored_cells_mixes_those_that_it_touches() -> None:
    stored = regions([[1, 0], [0, 1]])
    assert stored_box_vector(stored, (0, 0, 0, 1, 1, 0.5)) == pytest.approx([1, 0])
    assert stored_box_vector(stored, (0, 0, 0, 1, 1, 1)) == pytest.approx([0.5**0.5] * 2)
    assert not stored_box_vector(regions([[0, 0], [0, 1]]), (0, 0, 0, 1, 1, 0.5)).any()


def found(engine: Engine, *conditions: str) -> set[str]:
    return set(names(engine.search(TextQuery("bright"), k=9, where=And(tuple(map(parse_condition, conditions))))))


def test_predicted_facts_are_filtered_by_and_shown_apart(engine: Engine) -> None:
    results = engine.search(TextQuery("bright"), k=9)
    told = {name: hit.series[0].predicted for name, hit in zip(names(results), results.hits, strict=True)}
    ages = {name: next(fact.number for fact in facts if fact.task == "age") for name, facts in told.items()}
    middle = sorted(ages.values())[3]  # type: ignore[type-var]
    assert found(engine, f"predicted.age>={middle}") == {name for name, age in ages.items() if age >= middle}  # type: ignore[operator]
    assert found(engine, f"predicted.age>{middle}") == {name for name, age in ages.items() if age > middle}  # type: ignore[operator]
    assert found(engine, f"predicted.age<{middle}") == {name for name, age in ages.items() if age < middle}  # type: ignore[operator]
    plain = results_json(results)["hits"][0]["series"][0]
    assert {fact["task"] for fact in plain["predicted"]} == {"age", "brightness", "finding"}
    assert plain["sequence"] == "T1"
    scores = {name: next(f.score for f in facts if f.task == "brightness") for name, facts in told.items()}
    least = sorted(scores.values())[-2]
    sure = {name for name, score in scores.items() if score >= least}
    assert found(engine, "predicted.brightness=DIM,bright", f"predicted.score>={least}") == sure
    assert 0 < len(sure) < len(WHAT)
    assert found(engine, "predicted.brightness!=dim", "predicted.brightness=dim") == set()
    assert found(engine, "predicted.finding=unknown") == set()  # what a head would not say cannot be asked for


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("predicted.finding=cyst", {1}),
        ("predicted.finding=50%_mass", {1}),
        ("predicted.finding=50", set()),
        ("predicted.finding=cys", set()),
        ("predicted.finding~CYS", {1}),
        ("predicted.finding=%", set()),
        ("predicted.finding!=cyst", {2}),
        ("predicted.age=62.5", {1}),
        ("predicted.age>=62.5", {1}),
        ("predicted.age>62.5", set()),
        ("predicted.age<100", {1}),
    ],
)
def test_one_of_several_labels_can_be_asked_for(home: Home, tmp_path: Path, condition: str, expected: set[int]) -> None:
    mine = copy_of(home, tmp_path / "home")
    database = Database.open(mine.database)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM predictions WHERE volume_id NOT IN (1, 2)")
        connection.exec_driver_sql(
            "UPDATE predictions SET value = iif(volume_id = 1, 'Cyst, 50%_mass', 'unknown') WHERE task = 'finding'"
        )
        connection.exec_driver_sql("UPDATE predictions SET number = iif(volume_id = 1, 62.5, NULL) WHERE task = 'age'")
        connection.exec_driver_sql(
            "UPDATE predictions SET value = iif(volume_id = 1, '62.5', 'unknown') WHERE task = 'age'"
        )
        connection.exec_driver_sql("UPDATE predictions SET checksum = NULL")
        seal(connection, Base.metadata.tables["predictions"])
    database.close()
    results = mine.engine().search(TextQuery("bright"), k=9, where=parse_condition(condition))
    ids = {hit.series[0].card.volume_id for hit in results.hits}
    assert ids & {1, 2} == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("predicted.age>old", "needs a number"),
        ("predicted.age<=nan", "needs a number"),
        ("predicted.score>=2", "from 0 to 1"),
        ("predicted.score=0.8", "predicted.score>=0.8"),
        ("predicted.score>=much", "from 0 to 1"),
        ("predicted.sequence=", "no value"),
        ("predicted.=T1", "write it like"),
        ("predicted=T1", "no field 'predicted'"),
    ],
)
def test_conditions_on_predictions_that_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(FilterError, match=message):
        parse_condition(text)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (Is("predicted.brightnes", ("dim",)), "did you mean 'predicted.brightness'"),
        (Is("predicted.diagnosis", ("x",)), "predicted here: age, brightness, finding"),
        (Between("predicted.score", low=0.8), "name one too"),
        (Or((Between("predicted.score", low=0.8), Is("predicted.age", (1.0,)))), "not within"),
        (Not(And((Between("predicted.score", low=0.8), Is("predicted.age", (1.0,))))), "not within"),
    ],
    ids=str,
)
def test_filters_on_predictions_that_mean_nothing(engine: Engine, where: Filter, message: str) -> None:
    query: Query = TextQuery("bright")
    with pytest.raises(FilterError, match=message):
        engine.search(query, where=where)


def test_where_nothing_was_predicted_a_filter_says_what_adds_it(home: Home, scans: Path, tmp_path: Path) -> None:
    mine = Home(tmp_path / "home", plain_dual)
    mine.index(scans)
    with pytest.raises(FilterError, match="spinecho predict"):
        mine.engine().search(TextQuery("bright"), where=Is("predicted.age", (1.0,)))
    assert mine.engine().search(TextQuery("bright"), where=ALL).hits


def test_what_lies_too_far_down_to_be_compared_stays_below_in_its_own_order(
    engine: Engine, scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = scan(scans / "sub-5")
    every = engine.search(query, k=6)
    monkeypatch.setattr("spinecho.search.channels.regions.RERANKED", 2)
    monkeypatch.setattr("spinecho.search.channels.regions._FEWEST", 1)
    results = engine.search(query, k=6)
    compared = ["regions" in hit.channels for hit in results.hits]
    assert compared == [True, True, False, False, False, False]
    cosines = [hit.channels["image"] for hit in results.hits]
    assert cosines[2:] == pytest.approx(sorted(cosines[2:], reverse=True), abs=1e-3)
    scores = [round(hit.score, 3) for hit in results.hits]
    assert scores == sorted(scores, reverse=True)
    assert set(names(results)) == set(names(every))
