"""Negation, synonyms, sides and filters on sentences that others wrote: published captions, judged by hand.

The captions are read from the real data, see `testdata`; what fits which query is in caption_judgements.csv.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest
from archives import Home

sys.path.insert(0, str(Path(__file__).parents[1] / "db"))

from filter_archive import FilterArchive

from spinecho.db.filters.algebra import parse_filter
from spinecho.db.queries.selection import Selection
from spinecho.encoders.language.expand import names_of
from spinecho.encoders.language.passages import passages
from spinecho.search.engine import Engine
from spinecho.search.query import Kind, TextQuery

TABLE = Path(__file__).parent / "caption_judgements.csv"
ROWS = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines()))


@pytest.fixture(scope="module")
def captions(testdata: Path) -> dict[str, str]:
    """By the number of the record."""
    lines = (testdata / "text" / "roco_mr_captions" / "roco_mr_ccby.jsonl").read_text(encoding="utf-8").splitlines()
    return {one["id"].removeprefix("ROCO_"): one["caption"] for one in map(json.loads, lines)}


@pytest.fixture(scope="module")
def engine(captions: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tmp_path_factory.mktemp("captions")
    (folder / "reports").mkdir()
    with (folder / "reports" / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("accession_number", "report"), *captions.items()])
    home = Home(folder / "home")
    home.index(folder / "reports")
    return home.engine()


@pytest.mark.parametrize("row", ROWS, ids=[row["query"] for row in ROWS])
def test_what_fits_is_found_and_comes_before_what_never_does(engine: Engine, row: dict[str, str]) -> None:
    found = engine.search(TextQuery(row["query"]), want=Kind.REPORT, k=10).hits
    order = [hit.report.accession_number for hit in found if hit.report is not None and hit.channels]
    fits, never = row["fits"].split(), row["never"].split()
    ranks = [order.index(number) for number in fits if number in order]
    assert len(ranks) >= min(len(fits), 2), order
    assert all(order.index(number) > max(ranks) for number in never if number in order), order


def test_most_of_what_fits_is_among_the_first_ten(engine: Engine) -> None:
    """908 captions: by chance a hundredth of what fits would be among ten."""
    shares = []
    for row in ROWS:
        found = engine.search(TextQuery(row["query"]), want=Kind.REPORT, k=10).hits
        order = [hit.report.accession_number for hit in found if hit.report is not None]
        fits = row["fits"].split()
        shares.append(sum(number in order for number in fits) / len(fits))
    assert sum(shares) / len(shares) >= 0.85


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("says:absent(hydrocephalus)", {"03370"}),
        ("says:present(hydrocephalus)", {"32145", "59160", "59201", "46447", "61493"}),
        ("says:absent(bleed)", {"03390", "70052"}),
        ("says:present(syrinx)", {"38842"}),
        ("says:absent(syringomyelia)", {"58132"}),
        ("says:present(hydrocephalus) and not says:present(pineal)", {"59201", "46447", "61493"}),
        ("says:present(hydrocephalus) or says:absent(hydrocephalus)",
         {"32145", "59160", "59201", "46447", "61493", "03370"}),
    ],
)  # fmt: skip
def test_filters_by_what_a_report_says(captions: dict[str, str], tmp_path: Path, says: str, expected: set[str]) -> None:
    archive = FilterArchive(tmp_path)
    about = {"body_region": "brain", "sequence": "T2", "plane": "axial", "contrast": "no", "field_strength_t": 1.5}
    about |= {"vendor": "", "model": "", "derived": False}
    judged = {number for row in ROWS for number in (*row["fits"].split(), *row["never"].split())} | {"61493"}
    for place, number in enumerate(sorted(judged)):
        archive.store(
            {"uid": number, "accession_number": "", "patient_id": number, "description": ""}, f"{number}.1", [about]
        )
        told = [(one.text, one.assertion) for one in passages(captions[number])]
        archive.report(place, told, study_uid=number, match=False)
    archive.match()
    uids = {row: uid for uid, row in archive_ids(archive).items()}
    found = Selection(archive.database, archive.builds).studies(parse_filter(says, expand=names_of))
    assert {uids[study] for study in found.tolist()} == expected
    archive.close()


def archive_ids(archive: FilterArchive) -> dict[str, int]:
    from spinecho.db.people.cohorts import read_roster  # noqa: PLC0415

    roster = read_roster(archive.database)
    return dict(zip(roster.uids, roster.ids.tolist(), strict=True))
