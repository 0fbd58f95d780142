from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spinecho.encoders.errors import ReadError, Reason
from spinecho.indexer.reports.parsing import parsed
from spinecho.indexer.reports.parsing.parse import NotAReport, RawReport, ReportFailure, ReportUnreadable, parse_reports

REPORT = "FINDINGS: A 2 cm mass in the left frontal lobe.\nIMPRESSION: Meningioma."


def parse(folder: Path, name: str, content: str | bytes) -> list[RawReport | ReportFailure]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(parse_reports(path))


def only_report(found: list[RawReport | ReportFailure]) -> RawReport:
    (one,) = found
    assert isinstance(one, RawReport), one
    return one


def failures(found: list[RawReport | ReportFailure]) -> list[int]:
    return [one.ordinal for one in found if isinstance(one, ReportFailure)]


def texts(found: list[RawReport | ReportFailure]) -> list[str]:
    return [one.text for one in found if isinstance(one, RawReport)]


# One text file, one report


@pytest.mark.parametrize(
    ("header", "keys"),
    [
        ("Accession: A17", ("A17", "")),
        ("Accession Number: A 17 ", ("A 17", "")),
        ("ACCESSION NO.: A17", ("A17", "")),
        ("accession #: A17", ("A17", "")),
        ("**Accession:** A17", ("A17", "")),
        ("StudyInstanceUID: 1.2.840.1", ("", "1.2.840.1")),
        ("Study UID: 1.2.3", ("", "1.2.3")),
        ("Study Instance UID: 1.2.3\nAccession: A17", ("A17", "1.2.3")),
    ],
)
def test_key_lines(tmp_path: Path, header: str, keys: tuple[str, str]) -> None:
    found = only_report(parse(tmp_path, "some name.txt", f"{header}\n\nNormal brain."))
    assert (found.accession_number, found.study_uid) == keys
    assert found.text == f"{header}\n\nNormal brain."
    assert found.ordinal == 0
    assert found.digest == hashlib.sha256(found.text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("1.2.840.113619.2.1.txt", ("", "1.2.840.113619.2.1")),
        ("ACC-004711.txt", ("ACC-004711", "")),
        ("whatever name.txt", ("whatever name", "")),
    ],
)
def test_key_from_the_name(tmp_path: Path, name: str, keys: tuple[str, str]) -> None:
    found = only_report(parse(tmp_path, name, REPORT))
    assert (found.accession_number, found.study_uid) == keys


@pytest.mark.parametrize("name", ["README.txt", "LICENSE.txt", "licence-notes.txt", "SOURCE.txt", "requirements.txt"])
def test_notes_are_no_reports(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotAReport) as caught:
        parse(tmp_path, name, "numpy>=1.26\n\nSummary\n\nConclusion: see below")
    assert caught.value.reason is Reason.UNSUPPORTED_TYPE
    assert caught.value.reason.ignorable


def test_prose_without_any_sign_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(NotAReport, match=r"bvals\.txt"):
        parse(tmp_path, "bvals.txt", "0 1000 1000 2000")


def test_a_readme_with_a_key_line_is_a_report(tmp_path: Path) -> None:
    assert only_report(parse(tmp_path, "note.txt", "Accession: 5\nNormal.")).accession_number == "5"


@pytest.mark.parametrize("content", [b"", b"  \r\n\t", "\ufeff".encode()])
def test_empty_text(tmp_path: Path, content: bytes) -> None:
    (one,) = parse(tmp_path, "ACC1234.txt", content)
    assert isinstance(one, ReportFailure)
    assert "empty" in one.message


def test_binary_text(tmp_path: Path) -> None:
    (one,) = parse(tmp_path, "ACC1234.txt", b"FINDINGS:\x00\x01\x02")
    assert isinstance(one, ReportFailure)
    assert "NUL" in one.message


@pytest.mark.parametrize(
    ("encoding", "guessed"), [("utf-8", False), ("utf-8-sig", False), ("utf-16", False), ("cp1252", True)]
)
def test_encodings(tmp_path: Path, encoding: str, guessed: bool) -> None:
    text = "Befund: Läsion im Großhirn.\r\nBeurteilung: Ödem."
    found = only_report(parse(tmp_path, "ACC1234.txt", text.encode(encoding)))
    assert found.text == text
    assert found.charset == ("cp1252" if guessed else "")


def test_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spinecho.indexer.reports.parsing.text_file.LONGEST_REPORT", 50)
    (one,) = parse(tmp_path, "ACC1234.txt", REPORT * 3)
    assert isinstance(one, ReportFailure)
    assert "longer than 50" in one.message
    assert parsed.LONGEST_REPORT == 10 * 2**20


# Tables


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("key", ["accession", "AccessionNumber", "ACCESSION_NUMBER", "acc", "Accession No."])
def test_csv_names_and_delimiters(tmp_path: Path, delimiter: str, key: str) -> None:
    content = f'{key},Report_Text\r\nA1,"Normal, brain.\nNo ""mass""."\r\nA2,Cyst.\r\n'.replace(",", delimiter)
    first, second = parse(tmp_path, "reports.csv", content)
    assert isinstance(first, RawReport)
    assert (first.accession_number, first.ordinal) == ("A1", 2)
    assert first.text == f'Normal{delimiter} brain.\nNo "mass".'
    assert isinstance(second, RawReport)
    assert (second.accession_number, second.ordinal) == ("A2", 3)


def test_csv_findings_and_impression_are_joined(tmp_path: Path) -> None:
    content = "study_instance_uid,impression,findings,age\n1.2.3,Stroke.,Restricted diffusion.,60\n1.2.4,,Normal.,5\n"
    assert texts(parse(tmp_path, "r.csv", content)) == [
        "FINDINGS:\nRestricted diffusion.\n\nIMPRESSION:\nStroke.",
        "FINDINGS:\nNormal.",
    ]


def test_csv_bad_rows_do_not_stop_good_ones(tmp_path: Path) -> None:
    content = "acc,report\nA1,Normal.\n,Orphan.\nA3,\n\nA5,too,many,fields\nA6,No\x00pe\nA1,Addendum.\n"
    found = parse(tmp_path, "r.csv", content)
    assert failures(found) == [3, 4, 6, 7]
    assert texts(found) == ["Normal.", "Addendum."]


def test_csv_messages_hold_nothing_of_the_row(tmp_path: Path) -> None:
    content = "acc,report\nSECRET1,SECRET2,SECRET3\nSECRET4,\n,SECRET5\n"
    found = parse(tmp_path, "r.csv", content)
    assert failures(found) == [2, 3, 4]
    assert not any("SECRET" in one.message for one in found if isinstance(one, ReportFailure))


@pytest.mark.parametrize(
    "header", ["participant_id,age,sex", "path,licence,notes", "id,text", "accession,age", "summary,history,protocol"]
)
def test_csv_of_something_else(tmp_path: Path, header: str) -> None:
    with pytest.raises(NotAReport):
        parse(tmp_path, "participants.csv", header + "\n1,2,3\n")


def test_csv_of_reports_without_a_key_says_so(tmp_path: Path) -> None:
    (one,) = parse(tmp_path, "r.csv", "name,report\nx,Normal.\n")
    assert isinstance(one, ReportFailure)
    assert "accession" in one.message


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_csv_encodings(tmp_path: Path, encoding: str) -> None:
    content = "accession,report\nA1,Ödem.\n".encode(encoding)
    assert texts(parse(tmp_path, "r.csv", content)) == ["Ödem."]


def test_csv_large_field(tmp_path: Path) -> None:
    report = "Normal brain. " * 20_000  # 280,000 characters: more than the csv module's own limit
    assert texts(parse(tmp_path, "r.csv", f"acc,report\nA1,{report}\nA2,Cyst.\n")) == [report, "Cyst."]


def test_tables_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("acc,report\nA1,Normal.\n" + "A2,Cyst.\n" * 200_000)
    first = next(parse_reports(path))
    assert isinstance(first, RawReport)


def test_jsonl(tmp_path: Path) -> None:
    rows = [
        {"AccessionNumber": 1234, "Report": "Normal."},
        {"StudyInstanceUID": "1.2.3", "findings": "Cyst.", "impression": "Benign."},
    ]
    content = "\n".join(json.dumps(row) for row in rows) + "\n"
    first, second = parse(tmp_path, "r.jsonl", content)
    assert isinstance(first, RawReport)
    assert (first.accession_number, first.ordinal) == ("1234", 1)
    assert isinstance(second, RawReport)
    assert (second.study_uid, second.ordinal) == ("1.2.3", 2)
    assert second.text == "FINDINGS:\nCyst.\n\nIMPRESSION:\nBenign."


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_jsonl_bad_lines(tmp_path: Path, newline: str) -> None:
    good = json.dumps({"acc": "A1", "report": "Normal."})
    bad = ["{", "[1]", '{"acc": "A1"}', '{"acc": "A1", "report": {"deep": 1}}', "[" * 100_000, "9" * 5000]
    found = parse(tmp_path, "r.jsonl", newline.join([good, *bad, "", good]))
    assert failures(found) == [2, 3, 4, 5, 6, 7]
    assert texts(found) == ["Normal.", "Normal."]


def test_jsonl_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(NotAReport):
        parse(tmp_path, "captions.jsonl", '{"id": "x", "caption": "MRI"}\n')


def test_jsonl_overlong_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spinecho.indexer.reports.parsing.table_files.LONGEST_REPORT", 100)
    good = json.dumps({"acc": "A1", "report": "Normal."})
    long = json.dumps({"acc": "A1", "report": "x" * 950})
    found = parse(tmp_path, "r.jsonl", f"{good}\n{long}\n{good}\n")
    assert failures(found) == [2]
    assert [one.ordinal for one in found] == [1, 2, 3]


# The door


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ReportUnreadable) as caught:
        parse_reports(tmp_path / "none.csv")
    assert caught.value.reason is Reason.UNREADABLE
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(ReportUnreadable):
        parse_reports(tmp_path / "folder.txt")
    with pytest.raises(ReportUnreadable):
        parse_reports(tmp_path / "nul\0.txt")


def test_other_suffix(tmp_path: Path) -> None:
    with pytest.raises(NotAReport, match="jsonl"):
        parse(tmp_path, "report.docx", "x")


_WHOLE = [b"acc,report\n", b'{"acc":"1","report":"x"}\n', b"FINDINGS:\n"]
_PARTS = [b'"', b"\n", b"\r", b",", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"{", b"\xd8", b"A"]
_PIECES = st.sampled_from(_WHOLE + _PARTS)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(st.binary(max_size=300), st.lists(_PIECES, max_size=25).map(b"".join)),
    name=st.sampled_from(["r.csv", "r.jsonl", "ACC1234.txt", "x.txt"]),
)
def test_any_bytes_give_rows_or_a_typed_error(tmp_path: Path, content: bytes, name: str) -> None:
    try:
        found = parse(tmp_path, name, content)
    except ReadError:
        return
    assert all(isinstance(one, RawReport | ReportFailure) for one in found)
    assert all(one.accession_number or one.study_uid for one in found if isinstance(one, RawReport))


def test_real_notes_are_no_reports(testdata: Path) -> None:
    """Nothing in the folder of real scans is a report, though it holds tables, notes and b-value files."""
    wrong = []
    for path in sorted(testdata.rglob("*")):
        if path.suffix in (".txt", ".csv", ".jsonl") and path.is_file():
            try:
                wrong += [one for one in parse_reports(path) if isinstance(one, RawReport)]
            except NotAReport:
                continue
    assert not wrong
