"""Tables as old programs export them: by another suffix, in sets before Windows, with lines in no quotation marks."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinecho.indexer.reports.parsing.charsets import guess_charset
from spinecho.indexer.reports.parsing.parse import RawReport, ReportFailure, parse_reports
from spinecho.indexer.reports.report_facts import read_date_of_table

LABELLED = Path(__file__).parents[2] / "encoders" / "text" / "labelled"
MARK = re.compile(r"\{([^|}]*)\|[^}]*\}")


def sentences(language: str) -> list[str]:
    lines = (LABELLED / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    return [MARK.sub(r"\1", line) for line in lines if not line.startswith("#")]


@pytest.mark.parametrize("charset", ["cp1252", "cp850", "mac_roman", "latin-1"])
@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_european_text_is_read_in_the_set_that_it_was_written_in(language: str, charset: str) -> None:
    told = sentences(language)
    seen = 0
    for at in range(0, len(told) - 8, 8):
        text = "\n".join(told[at : at + 8])
        raw = text.encode(charset, "ignore")
        if sum(byte > 127 for byte in raw) < 4:
            continue
        seen += 1
        assert raw.decode(guess_charset(raw), "replace") == raw.decode(charset), text
    assert seen > 4


@pytest.mark.parametrize(
    "text", ["5 µm, 20 °C ± 2", "T2*-Wichtung – „unauffällig“", "3 × 4 mm² • «normal»", "café", "œdème"]
)
def test_signs_of_windows_are_no_letters_of_others(text: str) -> None:
    assert guess_charset(text.encode("cp1252")) == "cp1252"


def read(path: Path) -> list[tuple[str, str]]:
    found = list(parse_reports(path))
    assert all(isinstance(one, RawReport) for one in found), found
    return [(one.accession_number, one.text) for one in found if isinstance(one, RawReport)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["export.txt", "README.txt", "export.csv"])
def test_a_table_is_one_whatever_its_suffix(tmp_path: Path, delimiter: str, name: str) -> None:
    rows = (("ACCESSION", "DATE", "REPORT"), ("Q1", "2024-03-12", "FINDINGS: mass."), ("Q2", "2024-03-13", "No mass."))
    (tmp_path / name).write_text("".join(delimiter.join(row) + "\n" for row in rows))
    assert read(tmp_path / name) == [("Q1", "FINDINGS: mass."), ("Q2", "No mass.")]


@pytest.mark.parametrize(
    "text",
    [
        "Accession: Q1\nFINDINGS: mass, edema.\nIMPRESSION: glioma.",
        "Accession, report of the MR brain\nAccession: Q1\nFINDINGS: mass.",
    ],
)
def test_a_report_with_a_head_is_no_table(tmp_path: Path, text: str) -> None:
    (tmp_path / "one.txt").write_text(text)
    assert read(tmp_path / "one.txt") == [("Q1", text)]


def test_lines_without_quotation_marks_go_on_with_their_report(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "accession,study_date,report\n"
        "C1,2024-03-12,FINDINGS: mass in the left temporal lobe.\n"
        "No hemorrhage, no edema.\n"
        "\n"
        "IMPRESSION: glioma.\n"
        "C2,2024-03-13,FINDINGS: normal brain.\n"
        "C3,2024-03-14\n"
        "C4,2024-03-15,IMPRESSION: normal.\n"
    )
    found = list(parse_reports(tmp_path / "a.csv"))
    assert [(one.accession_number, one.text) for one in found if isinstance(one, RawReport)] == [
        ("C1", "FINDINGS: mass in the left temporal lobe.\nNo hemorrhage, no edema.\nIMPRESSION: glioma."),
        ("C2", "FINDINGS: normal brain."),
        ("C4", "IMPRESSION: normal."),
    ]
    assert [(one.ordinal, one.message) for one in found if isinstance(one, ReportFailure)] == [(7, "no report text")]


@pytest.mark.parametrize(
    ("report", "impression", "beyond"),
    [
        ("Abnormal signal in the left hippocampus.", "Normal", True),
        ("Unstable fracture.", "Stable.", True),
        ("FINDINGS: no mass. IMPRESSION: Normal.", "normal", False),
        ("FINDINGS: no mass.\nNormal   brain.", "Normal brain", False),
    ],
)
def test_an_impression_is_in_a_report_as_whole_words_alone(
    tmp_path: Path, report: str, impression: str, beyond: bool
) -> None:
    (tmp_path / "a.tsv").write_text(f'accession\treport\timpression\nA1\t"{report}"\t{impression}\n')
    ((_, text),) = read(tmp_path / "a.tsv")
    assert (f"IMPRESSION:\n{impression}" in text) is beyond


def excel(moment: datetime) -> str:
    return repr((moment - datetime(1899, 12, 30)) / timedelta(days=1))


@pytest.mark.parametrize(
    "written",
    [
        excel,  # a cell without a format
        lambda moment: str(int(moment.replace(tzinfo=UTC).timestamp())),
        lambda moment: str(int(moment.replace(tzinfo=UTC).timestamp()) * 1_000),  # as pandas writes JSON
        lambda moment: moment.isoformat(),
        lambda moment: f"{moment:%Y%m%d%H%M%S}",
    ],
)
@given(moment=st.datetimes(datetime(1991, 1, 1), datetime(2029, 12, 31)).map(lambda one: one.replace(microsecond=0)))
def test_a_date_of_a_column_may_be_a_number(written: Callable[[datetime], str], moment: datetime) -> None:
    assert read_date_of_table(written(moment)) == moment.isoformat() or moment.time() == time()


@given(moment=st.datetimes(datetime(1991, 1, 1), datetime(2090, 1, 1)))
def test_days_in_digits_are_days(moment: datetime) -> None:
    day = moment.date().isoformat()
    assert read_date_of_table(f"{moment:%Y%m%d}") == day
    assert read_date_of_table(excel(datetime.combine(moment, time())).removesuffix(".0")) == day
    assert read_date_of_table(f"{moment:%Y%m%d%H}") in ("", f"{day}T{moment:%H}:00:00")


@pytest.mark.parametrize("number", ["0", "7", "2024", "12345", "99999", "123456", "1234567", "4711471147114711"])
def test_other_numbers_are_no_dates(number: str) -> None:
    assert read_date_of_table(number) == ""


def test_a_number_in_a_column_of_dates_decides_which_version_stands(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("accession,report date,report\nA1,45293,No bleed.\nA1,45294.5,Infarct.\n")
    assert [one.dated for one in parse_reports(tmp_path / "a.csv") if isinstance(one, RawReport)] == [
        "2024-01-02", "2024-01-03T12:00:00",
    ]  # fmt: skip


def test_a_report_that_is_json_within_a_cell_is_read_by_its_fields(tmp_path: Path) -> None:
    cells = (
        {"findings": "An infarct\nleft.", "impression": "<b>Infarct</b>."},
        {"resourceType": "DiagnosticReport", "conclusion": "No bleed."},  # to be read with what it refers to
        {"patient": "Quandt", "codes": [1, 2]},
    )
    with (tmp_path / "a.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("accession", "report"))
        writer.writerows((f"A{n}", json.dumps(cell)) for n, cell in enumerate(cells))
        writer.writerow(("A3", "{sic} An infarct."))
    rows = list(parse_reports(tmp_path / "a.csv"))
    assert [one.text for one in rows if isinstance(one, RawReport)] == [
        "FINDINGS:\nAn infarct\nleft.\n\nIMPRESSION:\nInfarct.", "{sic} An infarct.",
    ]  # fmt: skip
    told = [one.message for one in rows if isinstance(one, ReportFailure)]
    assert ["FHIR" in told[0], "no field for a report" in told[1], len(told)] == [True, True, 2]
