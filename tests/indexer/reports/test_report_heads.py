"""What report files say of themselves, in the many ways in which they say it."""

# ruff: noqa: E501 - examples broken over more lines read worse

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinecho.indexer.reports.parsing.column_names import find_columns
from spinecho.indexer.reports.parsing.parse import RawReport, ReportFailure, parse_reports
from spinecho.indexer.reports.parsing.report_head import NotDivided, divide, read_head
from spinecho.indexer.reports.report_facts import exam_key, read_date, read_version
from spinecho.indexer.reports.report_status import mark_of, read_status

BODY = "FINDINGS: A cavernoma of the left thalamus.\nIMPRESSION: Thalamic cavernoma.\n"


def parse(folder: Path, name: str, content: str | bytes) -> list[RawReport | ReportFailure]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(parse_reports(path))


def reports(folder: Path, name: str, content: str | bytes) -> list[RawReport]:
    found = parse(folder, name, content)
    assert all(isinstance(one, RawReport) for one in found), found
    return [one for one in found if isinstance(one, RawReport)]


LABELS = [
    "Accession", "Accession No", "Accession No.", "Accession Number", "Accession #", "accession_number", "ACC", "Acc #",
    "Acc#", "Acc. No.", "ACC NO", "Accession ID", "Order no.", "Order Number", "Exam ID", "Study ID", "Exam Accession #",
    "AccessionNumber", "Accession Nr.",
]  # fmt: skip
LAYOUTS = [
    "{label}: R1234", "{label}:R1234", "  {label} = R1234  ", "**{label}:** R1234", "MRN: 77   {label}: R1234   DOB: 1970",
    "MRN: 77 {label}: R1234 Date: 2024-01-02", "MR BRAIN  {label}: R1234   Date: 2024-01-02", "{label}: R1234 Name: Doe, J",
    "{label}\nR1234", "{label}:\n\nR1234\n", "{label}\tR1234\tMRN\t77", "| {label} | R1234 |", "{label}: R1234; MRN: 77",
    "MRN     {label}     Date\n77      R1234     2024-01-02", "MRI BRAIN ({label}: R1234)",
]  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_labels_and_layouts(layout: str) -> None:
    for label in LABELS:
        head = read_head(f"{layout.format(label=label)}\n{BODY}")
        assert (head.accession_number, head.study_uid) == ("R1234", ""), label
        assert head.patient_id == ("77" if "77" in layout else "")


def test_uids_under_any_label() -> None:
    uid = "2.25.329800735698586629295641978511506172918"
    for label in ("StudyInstanceUID", "Study Instance UID", "Study UID", "Exam ID", "Accession", "Study ID"):
        assert read_head(f"{label}: {uid}\n{BODY}").study_uid == uid


@pytest.mark.parametrize(
    "text",
    [
        f"Accession: R1\nCOMPARISON: MRI of 2023, accession: R0.\n{BODY}",
        f"Accession: R1\nPrior accession: R0\n{BODY}",
        f"Accession: R1\nCOMPARISON: CT.\nThere is change since acc#: R0 of 2023.\n{BODY}",
        f"Accession: R1\n{BODY}\nPage 2\nAccession: R1\nDr. X\n",
    ],
)
def test_other_exams_that_a_report_names_are_not_its_own(text: str) -> None:
    head = read_head(text)
    assert (head.accession_number, head.several) == ("R1", False)
    assert len(divide(text)) == 1


@pytest.mark.parametrize(
    "between", ["\n\n", "\f", "\n------------\n", "\n\n=====\n\n", "\nDr. A. Smith\nElectronically signed\n\n"]
)
@pytest.mark.parametrize("head", ["Accession: {}\n", "MRI BRAIN\nPatient: {}\n\nAcc#: {}   Date: 2024-01-02\n"])
def test_a_file_of_several_reports_is_several(tmp_path: Path, between: str, head: str) -> None:
    numbers = ["R1001", "R1002", "R1003"]
    text = between.join(f"{head.replace('{}', one)}{BODY.replace('left', one)}" for one in numbers)
    found = reports(tmp_path, "all.txt", text)
    assert [(one.ordinal, one.accession_number) for one in found] == [(n, one) for n, one in enumerate(numbers, 1)]
    assert "".join(one.text for one in found) == text
    for one in found:
        assert [other for other in numbers if other in one.text] == [one.accession_number]


@pytest.mark.parametrize(
    "text",
    [
        "\n-----\n".join(f"MRN: {one}\nMRI BRAIN\n{BODY}" for one in ("77", "88")),
        f"Accession: R1001\nMRN: 77\n{BODY}\n\nMRN: 88\n{BODY}",
        f"Accession: R1001, R1002\n{BODY}",
        f"Accession: R1001\nAccession: R1002\n{BODY}",
        f"Accession: R1001\nCOMPARISON:\nMRI brain of last year.\nAccession: R1000\n{BODY}",
    ],
)
def test_what_cannot_be_divided_with_certainty_is_rejected(tmp_path: Path, text: str) -> None:
    (failure,) = parse(tmp_path, "all.txt", text)
    assert isinstance(failure, ReportFailure)
    assert "several" in failure.message
    assert not any(secret in failure.message for secret in ("R1001", "77"))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["Accession: A1001", "Acc#: B1002", "MRN: 7", "", BODY, "\f", "---", "Dr. X"]), max_size=9)
)
def test_parts_are_the_whole_text(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        parts = divide(text)
    except NotDivided:
        return
    assert "".join(text[part.start : part.stop] for part in parts) == text


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("CORRECTED REPORT", "corrected"), ("*** AMENDED REPORT ***", "corrected"), ("Revised report:", "corrected"),
        ("MRI BRAIN - CORRECTED REPORT", "corrected"), ("This is a corrected report.", "corrected"),
        ("This report replaces the report of 2 May.", "corrected"), ("Report status: Amended", "corrected"),
        ("ADDENDUM: There is also a meningioma.", "addendum"), ("Addendum #2", "addendum"), ("(ADDENDUM)", "addendum"),
        ("ADDENDUM TO REPORT OF 2 MAY", "addendum"), ("PRELIMINARY REPORT", "preliminary"), ("WET READ", "preliminary"),
        ("This is a preliminary report. Final to follow.", "preliminary"), ("Status: P", "preliminary"),
        ("FINAL REPORT", "final"), ("Report Status: Final", "final"), ("REPORT CANCELLED", "cancelled"),
        ("Status: entered in error", "cancelled"),
        ("Corrected for motion.", ""), ("There is a corrected scoliosis.", ""), ("Final diagnosis: glioma", ""),
        ("COMPARISON: preliminary report of 2023", ""), ("Partial resection of a meningioma.", ""), ("MRI BRAIN", ""),
        ("Updated MRI protocol", ""), ("HISTORY: Amended report of the CT.", ""),
    ],
)  # fmt: skip
def test_status_in_the_head(line: str, status: str) -> None:
    assert read_head(f"Accession: R1\n{line}\n{BODY}").status == status


def test_an_addendum_below_the_findings_is_part_of_its_report() -> None:
    assert read_head(f"Accession: R1\n{BODY}\nADDENDUM: Seen again.\n").status == ""


def test_values_of_fields() -> None:
    assert [read_status(value) for value in ("F", "P", "c", "X", "Final (amended)", "not verified", "entered-in-error")] == [
        "final", "preliminary", "corrected", "cancelled", "corrected", "preliminary", "cancelled",
    ]  # fmt: skip
    dates = [
        "2024-01-02",
        "20240102",
        "02.01.2024 10:11",
        "13/01/2024",
        "Jan 2, 2024",
        "2024-01-02T10:11:12Z",
        "03/04/2024",
        "202411",
        "45321",
        "x",
    ]
    assert [read_date(value) for value in dates] == [
        "2024-01-02", "2024-01-02", "2024-01-02T10:11:00", "2024-01-13", "2024-01-02", "2024-01-02T10:11:12Z", "", "", "", "",
    ]  # fmt: skip
    assert [read_version(value) for value in ("2", "v3", "Rev. 4", "2.0", "final", "")] == [2, 3, 4, 2, None, None]
    assert exam_key("MRI BRAIN W/WO") == exam_key("MR Head") != exam_key("MRI lumbar spine")
    assert exam_key("MRI left knee") != exam_key("MR KNEE RT")
    assert mark_of("") == ""


MOMENT = "2024-01-05T08:00:00Z"
ZONED = ("2024-01-05T10:00:00+02:00", "2024-01-05 10:00:00+02", "2024-01-05T08:00:00Z", "2024-01-05 08:00 UTC", "2024-01-05T08:00:00.000z",
         "05.01.2024 03:00 -0500", "2024-01-05 10:00 GMT+02:00", "20240105100000+0200", "202401051000+0200", "20240105T080000Z",
         "2024-01-05T13:30:00+05:30", "20240105100000.123+0200", "Jan 5, 2024 10:00 AM +02:00")  # fmt: skip


@pytest.mark.parametrize("value", ZONED)
def test_a_time_with_its_zone_is_brought_to_utc_wherever_it_stands(tmp_path: Path, value: str) -> None:
    assert read_date(value) == MOMENT
    (row,) = reports(
        tmp_path, "r.jsonl", json.dumps({"accession": "R1", "report date": value, "report": "No infarct."})
    )
    (file,) = reports(tmp_path, "a.txt", f"Accession: R1\nReport date: {value}\n{BODY}")
    assert row.dated == file.dated == MOMENT


def test_without_a_time_or_a_zone_dates_stay_as_they_are() -> None:
    dates = (
        "2024-01-05T10:00:00",
        "2024-01-05Z",
        "2024-01-05+02:00",
        "13-01-2024",
        "02-Jan-2024",
        "2024-01-05T10:00:00+99:00",
    )
    assert [read_date(one) for one in dates] == [
        "2024-01-05T10:00:00",
        "2024-01-05",
        "2024-01-05",
        "2024-01-13",
        "2024-01-02",
        "",
    ]


@pytest.mark.parametrize(
    "header",
    [
        "accession,report", "Exam Accession #,Report Text (Final)", "Accession_No.,RPT_TEXT", "ACC_NUM,Report", "AccNbr,rptText",
        "accession number,Report Text (final)", "Order No.,Report", "exam id,FullReportText", "Study ID,radiology report",
        "ACCESSION NR,Findings", "\ufeffaccession,report", '"Accession","Report"', "AccessionNumber ,reportBody",
        "Accession (RIS),Report_Clean", "ACSN,Narrative", "dicom_accession_number,mri_report_text",
    ],
)  # fmt: skip
def test_columns_by_any_name(tmp_path: Path, header: str) -> None:
    (found,) = reports(tmp_path, "r.csv", f"{header}\nR1234,No infarct.\n")
    assert found.accession_number == "R1234"
    assert "No infarct." in found.text


@pytest.mark.parametrize(
    "names", ["id,text", "report date,report status", "accession,report id", "study id,summary", "name,age"]
)
def test_columns_of_something_else(names: str) -> None:
    assert find_columns(names.split(",")) is None


def test_what_the_columns_say(tmp_path: Path) -> None:
    rows = (
        "accession,MRN,report status,report date,version,exam description,report\n"
        "R1,P1,Prelim,2024-01-02 09:00,1,MRI BRAIN,Infarct.\nR1,P1,Final,2024-01-02 11:00,v2,MR HEAD,No infarct.\n"
        "2.25.329800735698586629,,,,,,ADDENDUM: Seen again.\n"
    )
    one, two, three = reports(tmp_path, "r.csv", rows)
    assert (one.patient_id, one.status, one.dated, one.version) == ("P1", "preliminary", "2024-01-02T09:00:00", 1)
    assert (two.status, two.dated, two.version) == ("final", "2024-01-02T11:00:00", 2)
    assert one.exam == two.exam == "head"
    assert (three.study_uid, three.accession_number, three.status) == ("2.25.329800735698586629", "", "addendum")


@pytest.mark.parametrize(
    "end", ["\x1a", "\n\x1a", "\n\x1a\x00\x00\x00", "\x00" * 700, "\n\x00\x00\n\x1a\n", "\r\n\x1a\r\n"]
)
def test_end_marks_are_no_rows(tmp_path: Path, end: str) -> None:
    for name, content in {
        "r.csv": "accession,report\nR1,No infarct.",
        "r.jsonl": json.dumps({"accession": "R1", "report": "No infarct."}),
        "R1001.txt": "FINDINGS: No infarct.",
    }.items():
        (found,) = reports(tmp_path, name, content + end)
        assert found.text.removeprefix("FINDINGS: ").strip() == "No infarct."


def test_the_first_of_two_columns_that_holds_something(tmp_path: Path) -> None:
    found = reports(tmp_path, "r.csv", "accession,report,report\nR1,One.,\nR2,,Two.\nR3,Three.,Other.\n")
    assert [one.text for one in found] == ["One.", "Two.", "Three."]


def test_numbers_in_json_are_as_they_were_written(tmp_path: Path) -> None:
    lines = ['{"accession": 12345678901.0, "report": "a"}', '{"accession": 1.23457E+10, "report": {"findings": "b"}}']
    found = reports(tmp_path, "r.jsonl", "\n".join(lines))
    assert [one.accession_number for one in found] == ["12345678901.0", "1.23457E+10"]
    assert found[1].text == "FINDINGS:\nb"


@pytest.mark.parametrize(
    ("charset", "said"),
    [
        ("cp932", "所見: 左視床に海綿状血管腫を認める。急性期梗塞なし。"), ("euc_jp", "所見: 左視床に海綿状血管腫を認める。"),
        ("gb18030", "左侧丘脑可见海绵状血管瘤。未见急性梗死。"), ("big5", "左側丘腦可見海綿狀血管瘤。無急性梗塞。"),
        ("cp949", "좌측 시상에 해면상 혈관종이 있습니다. 급성 경색 없음."), ("koi8_r", "МР-картина каверномы левого таламуса."),
        ("cp1251", "МР-картина кавернозной ангиомы левого таламуса."), ("cp1253", "Δεν παρατηρείται πρόσφατο έμφρακτο."),
        ("cp1252", "Läsion links – 5 mm, Größe „unverändert“."), ("cp1252", "Lésion à gauche, hétérogène, œdème."),
        ("utf-16-le", "Plain words without a mark."), ("utf-16-be", "Plain words without a mark."),
    ],
)  # fmt: skip
def test_a_guessed_charset_is_told(tmp_path: Path, charset: str, said: str) -> None:
    (found,) = reports(tmp_path, "a.txt", f"Accession: R1234\n{said}\n".encode(charset))
    assert (found.charset, found.accession_number) == (charset, "R1234")
    assert said in found.text
    for sure in ("utf-8", "utf-8-sig", "utf-16"):
        (found,) = reports(tmp_path, "a.txt", f"Accession: R1234\n{said}\n".encode(sure))
        assert found.charset == ""
        assert said in found.text
