"""Heat maps are shown only where the encoder points at the side that reports name; elsewhere the reason is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from parts_encoder import PartsEncoder, Words
from taught_home import FACTS

from spinecho.db.files import file_index, runs
from spinecho.db.queries.learning.backgrounds import put_background
from spinecho.db.queries.learning.sided_findings import SidedClause
from spinecho.db.reports import study_matching
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.values import (
    Listing,
    NewClause,
    NewPassage,
    NewRegions,
    NewReport,
    NewSeries,
    NewVolume,
    Scanned,
    SpaceRecord,
    Stat,
)
from spinecho.db.vectors.stored_rows import pack
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.language.laterality import sides, without_sides
from spinecho.encoders.measuring.held_out import is_held_out
from spinecho.encoders.networks.parts_of_volumes import GRID
from spinecho.encoders.space import Space, Vectors
from spinecho.errors import QueryError
from spinecho.search.evidence import sides as test_of_sides
from spinecho.search.evidence import trust
from spinecho.search.evidence.sides import figure, on_its_side, sided
from spinecho.search.evidence.trust import kept, look_after, require_evidence, trusted_scale, why

DIM = 64
INFARCT = np.eye(DIM, dtype=np.float32)[0]


FEW = 12


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few patients are enough: archives of a few studies are made soon."""
    monkeypatch.setattr(test_of_sides, "LEAST", FEW)
    monkeypatch.setattr(test_of_sides, "LEAST_OF_A_SIDE", FEW // 2)


class Wide(PartsEncoder):
    """An image encoder of more dimensions than a volume has stored parts, as all in use are."""

    def __init__(self) -> None:
        super().__init__()
        self.space = Space("wide", "1", self.space.preprocessing, DIM)


@dataclass
class Planted:
    """Words in the scans' space: an infarct is one direction, everything else another one each."""

    space: Space

    def encode(self, items: Sequence[str], /) -> Vectors:
        rows = [np.random.default_rng(len(text)).normal(size=DIM) for text in items]
        rows = [row / np.linalg.norm(row) for row in rows]
        return np.stack([INFARCT if "infarct" in text else row for text, row in zip(items, rows, strict=True)]).astype(
            np.float32
        )


def dual() -> DualEncoder:
    image = Wide()
    return DualEncoder("parts", image, Words(), Planted(image.space))


def parts(number: int, place: int | None) -> np.ndarray:
    """(27, dim) of a scan whose infarct lies at this place along R, from the left; None for a scan without parts."""
    rows = np.random.default_rng(number).normal(scale=0.3, size=(*GRID, DIM))
    rows[..., 1] += 1
    if place is not None:
        rows[place, 1, 1] = INFARCT
    return (rows / np.linalg.norm(rows, axis=3, keepdims=True)).reshape(-1, DIM).astype(np.float32)


def archive(
    folder: Path, studies: int, place: Callable[[int], int | None], *, region: str = "brain", encoder: str = "parts"
) -> tuple[Database, SpaceRecord]:
    """Reports that say in turns that an infarct is on the left and on the right, beside scans of `parts`."""
    folder.mkdir(exist_ok=True)
    database = Database.open(folder / "spinecho.sqlite")
    image, text = (
        storing.serve(database, role, model=space.model, revision=space.revision, preprocessing=space.preprocessing,
                      dim=space.dim, encoder=encoder)
        for role, space in (("image", Wide().space), ("text", Words.space))
    )  # fmt: skip
    run = runs.start_run(database, ["/data"])
    file_index.compare(database, root="/data", run=run, listings=[Listing("/data/x", ())])
    names = [*(f"{number}.dcm" for number in range(studies)), "reports"]
    file_index.record(database, run, [Scanned("/data/x", Stat(name, 1, 1), "dicom") for name in names])
    with database.engine.connect() as connection:
        ids = {str(name): int(number) for name, number in connection.exec_driver_sql("SELECT name, id FROM files")}
    row, reports = pack(Words().encode(["x"])[0]), []
    for number in range(studies):
        uid, side = f"1.2.{number}", ("left", "right")[number % 2]
        at = place(number)
        found = parts(number, at)
        volume = NewVolume(
            "0", FACTS | {"body_region": region}, (8, 8, 8), (), {}, (ids[f"{number}.dcm"],), b"",
            pack(found.mean(axis=0) / np.linalg.norm(found.mean(axis=0))),
            NewPassage("header", 0, 0, 4, "FLAIR", "present", "", row), NewRegions(GRID, pack(found)),
        )  # fmt: skip
        study: dict[str, Any] = {"uid": uid, "accession_number": "", "patient_id": f"P{number}", "date": None,
                                 "description": "", "sex": None, "age_years": None}  # fmt: skip
        series = {"uid": f"{uid}.1", "number": 1, "description": "", "protocol": ""}
        storing.store_series(
            database, run, NewSeries(study, series, [volume]), image_space=image.id, text_space=text.id
        )
        said = f"Acute infarct in the {side} frontal lobe."
        clause = NewClause(0, len(said), said, "present", sides=(side,), concepts=("infarct",))
        passage = NewPassage("findings", 0, 0, len(said), said, "present", side, row, (clause,))
        reports.append(NewReport(number + 1, "", uid, said, [passage]))
    storing.store_reports(database, run, ids["reports"], reports, (), text_space=text.id, first=True, last=True)
    study_matching.match_reports(database)
    return database, image


def test_an_encoder_that_points_at_the_side_of_the_report_is_trusted(tmp_path: Path) -> None:
    database, space = archive(tmp_path, FEW, lambda number: 2 * (number % 2))
    with pytest.raises(QueryError, match="was not tested yet"):
        require_evidence(database, "infarct")
    assert look_after(database, dual) == ""
    tested = kept(database, space)
    assert tested is not None
    assert tested.figure is not None
    assert tested.figure.value == pytest.approx(1.0)
    assert trusted_scale(database, space).floor > 0
    require_evidence(database, "infarct")
    with pytest.raises(QueryError, match="only says what is not wanted"):
        require_evidence(database, "no infarct")
    assert look_after(database, lambda: pytest.fail("opened")) == "", "it is not made again without need"
    database.close()


@pytest.mark.parametrize("habit", [lambda _: 0, lambda number: number // 2 % 3], ids=["always left", "anywhere"])
def test_an_encoder_that_does_not_is_refused_with_its_figures_and_a_remedy(
    tmp_path: Path, habit: Callable[[int], int]
) -> None:
    database, space = archive(tmp_path, FEW, habit)
    assert look_after(database, dual) == ""
    told = why(kept(database, space))
    assert f"of {FEW} patients" in told
    assert "chance 50" in told
    assert "spinecho adapt" in told
    with pytest.raises(QueryError, match="no evidence is shown here: the side that a report names"):
        trusted_scale(database, space)
    database.close()


@pytest.mark.parametrize("encoder", ["parts", "adapted:made-here"])
def test_what_an_encoder_has_learned_by_heart_is_no_evidence(tmp_path: Path, encoder: str) -> None:
    """It points at the side that a report names on the scans that it learned from, and at the left on all others."""
    by_heart = [number for number in range(80) if not is_held_out(f"P{number}")]
    database, space = archive(tmp_path, 80, lambda n: 2 * (n % 2) if n in by_heart else 0, encoder=encoder)
    assert look_after(database, dual) == ""
    tested = kept(database, space)
    assert tested is not None
    assert tested.passed is (encoder == "parts")
    assert sum(tested.told.values()) == (80 if encoder == "parts" else 80 - len(by_heart))
    database.close()


def test_what_cannot_be_tested_is_not_shown_and_opens_no_encoder(tmp_path: Path) -> None:
    for name, studies, region in (("few", FEW - 2, "brain"), ("knees", FEW, "knee")):
        database, space = archive(tmp_path / name, studies, lambda number: 2 * (number % 2), region=region)
        assert look_after(database, lambda: pytest.fail("opened")) == ""
        told = why(kept(database, space))
        assert f"takes {FEW}" in told
        assert ("5 patients of the left and 5 of the right" in told) == (name == "few")
        with pytest.raises(QueryError):
            trusted_scale(database, space)
        database.close()


def test_an_encoder_without_words_for_scans_says_so_and_one_that_breaks_keeps_nothing(tmp_path: Path) -> None:
    database, space = archive(tmp_path, FEW, lambda number: 2 * (number % 2))

    def broken() -> DualEncoder:
        raise MemoryError

    assert look_after(database, broken).startswith("EVIDENCE_TEST_FAILED: MemoryError")
    assert kept(database, space) is None
    assert look_after(database, lambda: DualEncoder("parts", Wide(), Words())) == ""
    assert "does not compare words with scans" in why(kept(database, space))
    put_background(database, space, trust.CHANNEL, count=1, figures={"version": trust.TEST})
    assert kept(database, space) is None, "what cannot be read is no test"
    database.close()


def test_left_and_right_count_alike_however_many_there_are() -> None:
    always_left = [1.0] * 90 + [0.0] * 10
    found = figure(always_left, ["left"] * 90 + ["right"] * 10)
    assert found.value == pytest.approx(0.5)
    assert found.ci95 is not None
    assert found.ci95[0] <= 0.5 <= found.ci95[1]


def test_a_side_is_the_edge_that_is_hotter() -> None:
    scores = np.zeros((3, 3, 3), np.float32)
    assert on_its_side(scores, "left") == 0.5
    scores[1] = 9
    scores[2, 0, 0] = 1
    assert (on_its_side(scores, "right"), on_its_side(scores, "left")) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("Acute infarct in the left temporal lobe.", "Acute infarct in the temporal lobe."),
        ("Right-sided meningioma", "meningioma"),
        ("R MCA infarct", "MCA infarct"),
        ("dilated left ventricle", "dilated left ventricle"),
        ("Infarkt links frontal", "Infarkt frontal"),
    ],
)
def test_words_without_their_side(text: str, without: str) -> None:
    assert without_sides(text) == without
    assert not sides(without) & {"left", "right"}


def test_a_patient_with_findings_on_both_sides_is_left_out() -> None:
    def clause(patient: str, text: str, side: str) -> SidedClause:
        return SidedClause(f"1.{patient}", patient, text, side)

    found = sided(
        [
            clause("a", "Infarct of the left thalamus", "left"),
            clause("b", "Infarct of the left thalamus", "left"),
            clause("b", "Meningioma of the right convexity", "right"),
            clause("c", "Infarcts of both thalami", "bilateral"),
            clause("d", "The right side", "right"),
            clause("d", "Right frontal meningioma", "right"),
        ],
        most=9,
    )
    assert [(one.study_uid, one.words, one.side) for one in found] == [
        ("1.a", "Infarct of the thalamus", "left"),
        ("1.d", "frontal meningioma", "right"),
    ]
