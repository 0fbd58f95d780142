"""A report's status is read where it is announced, and from no ordinary words: what withdraws a report without a word."""

# ruff: noqa: E501 - examples broken over more lines read worse

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spinecho.indexer.reports.parsing.parse import RawReport, ReportFailure, parse_reports
from spinecho.indexer.reports.parsing.report_head import read_head, says_more_than_keys
from spinecho.indexer.reports.report_status import mark_of, read_status

WORDS = {
    "cancelled": ("Cancelled", "Retracted", "Withdrawn", "Void", "Deleted", "Invalid", "Storniert", "Annulé"),
    "corrected": ("Corrected", "Amended", "Revised", "Revision", "Modified", "Updated", "Korrigiert", "Correction"),
    "addendum": ("Addendum", "Addended", "Supplemental", "Supplement", "Appended", "Nachtrag", "Ergänzung"),
    "preliminary": ("Preliminary", "Provisional", "Draft", "Unsigned", "Vorläufig"),
}
EVERY = [(status, word) for status, words in WORDS.items() for word in words]
NOTHING = ("No", "none", "0", "N/A", "false", "nein", "keiner", "non", "no.", "None to date", "-")
FINDINGS = (
    "{} to the level of the glenoid.", "{} 3 cm medially", "{} from steroids 3 weeks ago", "{} on the left", "{} - motion",
    "{} 3D T1 images", "{}: normal flow in the basilar artery", "{} 2015", "{} by surgery", "{}",
)  # fmt: skip
ORDINARY = ("Retracted", "Withdrawn", "Void", "Deleted", "Invalid", "Supplemental", "Supplement", "Revision", "Revised",
            "Modified", "Updated", "Appended", "Replacement", "Partial")  # fmt: skip
OPENINGS = ("", "Full thickness tear of the supraspinatus.\n", "Tear of the supraspinatus tendon which is\n")


@pytest.mark.parametrize("word", ORDINARY)
def test_a_line_of_findings_is_no_announcement(word: str) -> None:
    for opening in OPENINGS:
        for words in (word, word.lower()):
            for line in FINDINGS:
                text = f"{opening}{line.format(words)}\nModerate atrophy."
                assert read_head(text).status == "", text
                assert read_head(text.upper()).status == "", text


@pytest.mark.parametrize(("status", "word"), EVERY)
def test_what_a_form_denies_is_not_said(status: str, word: str) -> None:
    for nothing in NOTHING:
        for form in (
            "{}: {}",
            "{} report: {}",
            "{}\t{}",
            "{} by: {}",
            "{} (Y/N): {}",
            "{}:\n{}",
            "{}? {}",
            "{}: {}   Pages: 2",
        ):
            for case in (word, word.upper()):
                text = f"Accession: R1\n{form.format(case, nothing)}\nThere is a tear."
                assert read_head(text).status == "", text
    for denied in (
        f"not {word}",
        f"Final, not {word}",
        f"Final - no {word}",
        f"{word}: no",
        f"Final (not {word} or cancelled)",
    ):
        assert read_status(denied) in ("", "final"), denied
        assert read_head(f"Status: {denied}\nA tear.").status in ("", "final"), denied
    for box in (f"[ ] {word}  [x] Final", f"☐ {word} ☑ Final"):
        assert read_head(f"{box}\nA tear.").status in ("", "final"), box
    assert read_head(f"{word}: yes\nA tear.").status == status


ANNOUNCED = ("{} REPORT", "*** {} REPORT ***", "This is a {} report.", "Status: {}", "Report status: {}", "MRI KNEE - {} REPORT",
             "{}: YES", "Exam status: {}", "This report has been {} on 3 May.")  # fmt: skip


@pytest.mark.parametrize(("status", "word"), EVERY)
def test_what_is_announced_is_read(status: str, word: str) -> None:
    for line in ANNOUNCED:
        assert read_head(f"Accession: R1\n{line.format(word.upper())}\nThere is a tear.").status == status, line
    assert read_status(word) == read_status(f"Final ({word})") == status


@pytest.mark.parametrize(
    "line",
    ["Patient status: {}", "Surgery status: {}", "MRN: 77 Patient status: {}", "Status: surgery {}", "Patient status: surgery {}",
     "Comparison: {} report of 2023", "Supraspinatus tear ({})"],
)  # fmt: skip
def test_what_is_said_of_something_else_is_not_of_the_report(line: str) -> None:
    for _, word in EVERY[:8]:
        if word in ("Cancelled", "Storniert") and "(" in line:
            continue
        assert read_head(f"Accession: R1\n{line.format(word.lower())}\nThere is a tear.").status == "", word


def test_versions_and_dates_of_something_else() -> None:
    head = read_head("Accession: R1\nSoftware version: 5\nBiopsy date: 2015-01-02\nReport version: 2\nThere is a tear.")
    assert (head.version, head.dated) == (2, "")


@pytest.mark.parametrize("stated", ["final", "F", "Final, not preliminary", "Signed"])
def test_a_column_is_not_overruled_by_its_text(tmp_path: Path, stated: str) -> None:
    """Except by what is signed and final too: an addendum that took the place of its report would be its loss."""
    for line, status in (
        ("CANCELLED REPORT", "final"), ("Status: cancelled", "final"), ("PRELIMINARY REPORT", "final"),
        ("*** ADDENDUM ***", "addendum"), ("CORRECTED REPORT", "corrected"),
    ):  # fmt: skip
        row = {"accession": "R1", "status": stated, "report": f"{line}\nThere is a tear."}
        (tmp_path / "r.jsonl").write_text(json.dumps(row))
        (found,) = parse_reports(tmp_path / "r.jsonl")
        assert isinstance(found, RawReport)
        assert (found.status, found.withdrawn_by_text) == (status, False)


@pytest.mark.parametrize(("column", "by_text"), [("", True), ("cancelled", False)])
def test_who_withdrew_a_report_is_known(tmp_path: Path, column: str, by_text: bool) -> None:
    row = {"accession": "R1", "status": column, "report": "REPORT CANCELLED\nThere is a tear."}
    (tmp_path / "r.jsonl").write_text(json.dumps(row))
    (found,) = parse_reports(tmp_path / "r.jsonl")
    assert isinstance(found, RawReport)
    assert (found.status, found.withdrawn_by_text) == ("cancelled", by_text)


KEYS = ("Accession: R1234", "Accession: R1234\nStatus: corrected", "Accession\nR1234\nMRN: 77\n", "CORRECTED REPORT\nAccession: R1234",
        "MRI BRAIN W/WO CONTRAST\nAccession: R1234   Date: 2024-01-02\n------\nFINDINGS:\n\nIMPRESSION:\n",
        "MRN     Accession     Date\n77      R1234     2024-01-02", "Accession: R1234\nElectronically signed by Dr. X")  # fmt: skip
SAID = ("Normal.", "Normal", "IMPRESSION: Normal", "ADDENDUM: glioma", "Liver: normal", "MRI normal", "Significant stenosis",
        "Exam: There is a glioma.")  # fmt: skip


@pytest.mark.parametrize("keys", KEYS)
def test_keys_alone_are_no_report(tmp_path: Path, keys: str) -> None:
    def read(name: str, content: str) -> list[RawReport | ReportFailure]:
        (tmp_path / name).write_text(content)
        return list(parse_reports(tmp_path / name))

    for name, content in (("a.txt", keys), ("a.json", json.dumps([{"accession": "R1234", "report": keys}]))):
        (failure,) = read(name, content)
        assert isinstance(failure, ReportFailure)
        assert failure.message == "no report text"
    for said in SAID:
        (report,) = read("a.txt", f"{keys}\n{said}")
        assert isinstance(report, RawReport), said


def test_what_is_not_final_is_preliminary() -> None:
    for line in ("Not a final report", "This is not a final report.", "NOT YET FINAL", "Status: not signed"):
        assert read_head(f"Accession: R1\n{line}\nThere is a tear.").status == "preliminary", line


def test_cancelled_in_words_of_a_report() -> None:
    for line in (
        "Cancelled",
        "CANCELLED by Dr. X on 3 May",
        "Cancelled - entered in error",
        "Report withdrawn",
        "*** VOID ***",
    ):
        assert mark_of(line) == "cancelled", line
    for line in (
        "Cancelled surgery of May",
        "cancelled by the patient",
        "Cancelled:",
        "Cancelled by:",
        "Previously cancelled MRI study",
    ):
        assert mark_of(line) == "", line


@pytest.mark.parametrize(
    ("line", "status"),
    [("ADDENDUM [ ]", ""), ("ADDENDUM (  )", ""), ("Addendum to follow if needed.", ""),
     ("Correction: left, not right", "corrected"), ("Correction: none", ""), ("ADDENDUM", "addendum")],
)  # fmt: skip
def test_what_is_to_come_and_a_box_behind(line: str, status: str) -> None:
    assert read_head(f"Accession: R1\n{line}\nThere is a tear.").status == status


@pytest.mark.parametrize(
    "text",
    ["Accession 123456\nNormal\n", "Accession: 123456\nExam: MRI brain. No abnormality", "MRN: 1\nProcedure: Brain MRI is normal",
     "Accession: 123456\nStudy: normal."],
)  # fmt: skip
def test_a_short_report_is_a_report(text: str) -> None:
    assert says_more_than_keys(text)
