"""HL7 messages to reports. The shapes are those of public interface descriptions, the patients invented."""

from __future__ import annotations

import base64
import contextlib
import re
from pathlib import Path

import pytest
from hl7_messages import oru
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spinecho.encoders.errors import ReadError, Reason
from spinecho.indexer.reports.parsing.parse import RawReport, ReportFailure, parse_reports
from spinecho.indexer.reports.parsing.reading_task import read_reports


def parse(folder: Path, content: str | bytes, name: str = "a.hl7") -> list[RawReport | ReportFailure]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(parse_reports(path))


def one(folder: Path, content: str | bytes, name: str = "a.hl7") -> RawReport:
    (found,) = parse(folder, content, name)
    assert isinstance(found, RawReport), found
    return found


def test_a_result_has_its_keys_and_facts(tmp_path: Path) -> None:
    report = one(tmp_path, oru("Normal.", more=("ZDS|1.2.840.113619.2.5^RIS^Application^DICOM",)))
    assert (report.accession_number, report.study_uid, report.patient_id) == ("A100", "1.2.840.113619.2.5", "4711")
    assert (report.status, report.dated, report.exam) == ("final", "2024-01-02T10:10:10", "head")
    assert report.text == "Normal."


@pytest.mark.parametrize(
    ("obr18", "common", "expected"),
    [("A1", "", "A1"), ("", "", "F2"), ("", "ORC|RE|P|C3", "F2"), ("0", "", "F2"), ("see text", "", "F2")],
)
def test_the_accession_number_is_ihes_field_else_the_fillers(
    tmp_path: Path, obr18: str, common: str, expected: str
) -> None:
    message = oru("Normal.", number=obr18).replace("PLACER9||", "PLACER9|F2|")
    if common:
        message = message.replace("\rOBR", f"\r{common}\rOBR")
    assert one(tmp_path, message).accession_number == expected
    only_common = oru("Normal.", number="").replace("\rOBR", "\rORC|RE|P|C3\rOBR")
    assert one(tmp_path, only_common).accession_number == "C3"


@pytest.mark.parametrize("kind", ["TX", "FT", "ST", "CE", "CWE", ""])
def test_null_is_no_text_and_no_key(tmp_path: Path, kind: str) -> None:
    for null in ('""', ' "" ', '""~""', '""^""' if kind.startswith("C") else '""'):
        more = (f"OBX|2|{kind}|&IMP||{null}||||||F", 'NTE|1||""')
        assert one(tmp_path, oru("Normal.", more=more)).text == "Normal."
        alone = oru("Normal.").replace("|TX|", f"|{kind}|").replace("Normal.", null)
        with pytest.raises(ReadError, match="none of them a report"):
            parse(tmp_path, alone)
    unnumbered = oru("Normal.", number='""').replace("PLACER9||", "PLACER9|F2|")
    assert one(tmp_path, unnumbered).accession_number == "F2"


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("frame", [("", ""), ("\x0b", "\x1c\r"), ("FHS|^~\\&|RIS\rBHS|^~\\&|RIS\r", "BTS|1\rFTS|1\r")])
@pytest.mark.parametrize("name", ["a.hl7", "A7.txt", "x.csv"])
def test_line_ends_frames_and_batches_change_nothing(
    tmp_path: Path, end: str, frame: tuple[str, str], name: str
) -> None:
    both = frame[0] + oru("First.", number="A1") + oru("Second.", number="A2") + frame[1]
    found = parse(tmp_path, both.replace("\r", end), name)
    assert [(r.accession_number, r.text, r.ordinal) for r in found if isinstance(r, RawReport)] == [
        ("A1", "First.", 1), ("A2", "Second.", 2),
    ]  # fmt: skip


def test_escapes_repeats_and_unescaped_marks(tmp_path: Path) -> None:
    sent = r"T1 \T\ T2\.br\2 \S\ 3 \F\ \R\ \E\ \X41\ \H\bold\N\~next & last ^ caret, ~5 mm; C:\data\x"
    assert one(tmp_path, oru(sent)).text == "T1 & T2\n2 ^ 3 | ~ \\ A bold\nnext & last ^ caret, ~5 mm; C:\\data\\x"


@pytest.mark.parametrize("each", [1, 2, 99])
@pytest.mark.parametrize(
    ("stated", "codec", "text", "guess"),
    [
        ("8859/1", "cp1252", "Vergrößert, kein Ödem ±5", ""),
        ("8859/5", "iso8859_5", "опухоль слева", ""),
        ("UNICODE UTF-8", "utf-8", "Läsion ≥5 mm, 肿瘤", ""),
        ("GB 18030-2000", "gb18030", "脑部肿瘤", ""),
        ("", "utf-8", "Läsion ≥5 mm", ""),
        ("8859/1", "utf-8", "Läsion ≥5 mm", "utf-8"),
        ("", "cp1252", "Läsion, kein Ödem", "cp1252"),
        ("ASCII", "cp1252", "Läsion, kein Ödem", "cp1252"),
    ],
)
def test_bytes_that_are_written_out_are_of_the_character_set_that_is_stated(
    tmp_path: Path, stated: str, codec: str, text: str, guess: str, each: int
) -> None:
    """However many bytes an escape holds: programs write one for a byte, a character or a word."""

    def written(run: re.Match[str]) -> str:
        data = run[0].encode(codec)
        return "".join(f"\\X{data[at : at + each].hex().upper()}\\" for at in range(0, len(data), each))

    report = one(tmp_path, oru(re.sub(r"[^\x00-\x7f]+", written, text), charset=stated))
    assert (report.text, report.charset) == (text, guess)


def test_a_line_end_within_a_value_is_a_line_of_the_text(tmp_path: Path) -> None:
    message = oru("Line one.\nMRI of the brain|not a segment.\nLine three.")
    assert one(tmp_path, message).text.startswith("Line one.\nMRI of the brain")
    assert "Line two" in one(tmp_path, oru("Line one.\rLine two.")).text


def test_sections_by_the_names_of_values(tmp_path: Path) -> None:
    results = [
        "OBX|1|TX|70551&GDT^MRI||A lesion.||||||F",
        "OBX|2|TX|70551&GDT^MRI||Another.||||||F",
        "OBX|3|TX|70551&IMP^MRI||Two lesions.||||||F",
    ]
    assert one(tmp_path, oru(*results)).text == "A lesion.\nAnother.\n\nIMPRESSION:\nTwo lesions."
    headed = one(tmp_path, oru(results[0], "OBX|3|TX|19005-8^Impression^LN||IMPRESSION: Two.||||||F"))
    assert headed.text == "A lesion.\n\nIMPRESSION: Two."


HTML = "<html><head><style>p{}</style></head><body><p>FINDINGS: A &lt;5 mm lesion.</p><p>None else.</p></body></html>"
RTF = r"{\rtf1\ansi{\fonttbl{\f0 Arial;}}\f0 FINDINGS: A lesion.\par Gr\'f6\'dfe 5 mm.\par}"


def test_html_and_rtf_in_values(tmp_path: Path) -> None:
    escaped = HTML.replace("&", "\\T\\")
    assert one(tmp_path, oru(escaped)).text == "FINDINGS: A <5 mm lesion.\n\nNone else."
    assert one(tmp_path, oru(HTML)).text == "FINDINGS: A <5 mm lesion.\n\nNone else."
    for sent in (RTF, RTF.replace("\\", "\\E\\")):
        assert one(tmp_path, oru(sent)).text == "FINDINGS: A lesion.\nGröße 5 mm."


def test_the_head_of_a_cda_document_in_a_value_is_no_text(tmp_path: Path) -> None:
    head = "<recordTarget><patientRole><patient><name>Quandt</name></patient></patientRole></recordTarget>"
    body = "<component><structuredBody><section><text>A lesion.</text></section></structuredBody></component>"
    document = f'<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3">{head}{body}</ClinicalDocument>'
    value = f"RIS^TEXT^XML^Base64^{base64.b64encode(document.encode()).decode()}"
    assert one(tmp_path, oru(f"OBX|1|ED|CDA^Report||{value}||||||F")).text.strip() == "A lesion."


@pytest.mark.parametrize("event", ["A40", "A18", "A47", "A08", "A31"])
def test_messages_of_patients_are_told_and_merges_apart(tmp_path: Path, event: str) -> None:
    merge = f"MSH|^~\\&|ADT|H|S|H|20240103||ADT^{event}|9|P|2.5\rPID|1||4711^^^H^MR||X^Y\rMRG|0815^^^H^MR\r"
    (report, told) = parse(tmp_path, oru("Normal.") + merge + merge)
    assert isinstance(report, RawReport)
    assert isinstance(told, ReportFailure)
    merges = event not in ("A08", "A31")
    assert f"ADT^{event} (2)" in told.message
    assert told.reason is (Reason.NOT_READ if merges else Reason.UNSUPPORTED_TYPE)
    assert not {"4711", "0815"} & set(re.findall(r"\d{4}", told.message))
    if merges:
        (alone,) = parse(tmp_path, merge)
        assert isinstance(alone, ReportFailure)
        assert "patient's number" in alone.message
    else:
        with pytest.raises(ReadError, match="none of them a report"):
            parse(tmp_path, merge)


@pytest.mark.parametrize(("kind", "document"), [("RTF", RTF.encode()), ("HTML", HTML.encode()), ("TXT", b"A lesion.")])
def test_documents_in_values(tmp_path: Path, kind: str, document: bytes) -> None:
    value = f"RIS^TEXT^{kind}^Base64^{base64.b64encode(document).decode()}"
    assert "lesion." in one(tmp_path, oru(f"OBX|1|ED|PDF^Report||{value}||||||F")).text
    (broken,) = parse(tmp_path, oru("OBX|1|ED|PDF^Report||RIS^TEXT^PDF^Base64^%%%||||||F"))
    assert isinstance(broken, ReportFailure)
    assert "base64" in broken.message


@pytest.mark.parametrize(
    ("order", "value", "status"),
    [
        ("F", "F", "final"), ("P", "P", "preliminary"), ("C", "C", "corrected"), ("F", "C", "corrected"),
        ("R", "R", "preliminary"), ("X", "X", "cancelled"), ("", "C", "corrected"), ("", "F", "final"),
        ("F", "D", "cancelled"), ("F", "W", "cancelled"), ("P", "C", "preliminary"),
    ],
)  # fmt: skip
def test_status(tmp_path: Path, order: str, value: str, status: str) -> None:
    found = one(tmp_path, oru(f"OBX|1|TX|RPT^Report||A lesion.||||||{value}", status=order))
    assert found.status == status
    assert ("lesion" in found.text) == (value not in "DW")


def test_a_deleted_value_is_not_in_the_text_and_an_addendum_is_one(tmp_path: Path) -> None:
    mixed = oru("OBX|1|TX|RPT||Wrong.||||||D", "OBX|2|TX|RPT||Right.||||||C", status="C")
    assert (one(tmp_path, mixed).text, one(tmp_path, mixed).status) == ("Right.", "corrected")
    added = one(tmp_path, oru("OBX|1|TX|70551&ADT^MRI||Seen again.||||||F"))
    assert (added.status, added.text) == ("addendum", "ADDENDUM:\nSeen again.")


def test_orders_of_one_message_are_reports_and_share_a_text_where_one_has_none(tmp_path: Path) -> None:
    second = oru("Spine normal.", number="A2").split("\r")[2:]
    apart = oru("Brain normal.", number="A1", more=tuple(second[:-1]))
    found = parse(tmp_path, apart)
    assert [(r.accession_number, r.text) for r in found if isinstance(r, RawReport)] == [
        ("A1", "Brain normal."), ("A2", "Spine normal."),
    ]  # fmt: skip
    shared = parse(tmp_path, oru("Both normal.", number="A1", more=(second[0],)))
    assert [r.text for r in shared if isinstance(r, RawReport)] == ["Both normal.", "Both normal."]
    waiting = second[0][: -len("F")] + "I"  # in progress: nothing of it yet
    assert len(parse(tmp_path, oru("Both normal.", number="A1", more=(waiting,)))) == 1


@pytest.mark.parametrize(
    ("stated", "encoding", "text", "guessed"),
    [
        ("8859/1", "cp1252", "Läsion", ""), ("UNICODE UTF-8", "utf-8", "Läsion", ""), ("", "utf-8", "Läsion", ""),
        ("", "cp1252", "Läsion", "cp1252"), ("8859/1", "utf-8", "Läsion", "utf-8"), ("8859/5", "iso8859_5", "Очаг", ""),
        ("GB 18030-2000", "gb18030", "病变", ""), ("ASCII", "cp1252", "Läsion", "cp1252"),
        ("~ISO IR87", "iso2022_jp", "病変", "iso2022_jp"),
    ],
)  # fmt: skip
def test_character_sets(tmp_path: Path, stated: str, encoding: str, text: str, guessed: str) -> None:
    if stated.startswith("~"):  # the first repeat is empty: ASCII with escapes to the second
        stated, guessed = stated[1:], ""
    report = one(tmp_path, oru(f"{text} und {text}.", charset=stated).encode(encoding))
    assert (report.text, report.charset) == (f"{text} und {text}.", guessed)


def test_times_in_zones_are_compared_in_one(tmp_path: Path) -> None:
    assert one(tmp_path, oru("x.", sent="20241027023000.123+0200")).dated == "2024-10-27T00:30:00Z"
    assert one(tmp_path, oru("x.", sent="20241027023000+0100")).dated == "2024-10-27T01:30:00Z"
    assert one(tmp_path, oru("x.", sent="202410270230")).dated == "2024-10-27T02:30:00"


def test_what_is_no_result_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="none of them a report"):
        parse(tmp_path, oru("x.").replace("ORU^R01", "ADT^A08"))
    (keyless,) = parse(tmp_path, oru("x.", number="").replace("PLACER9", ""))
    assert isinstance(keyless, ReportFailure)
    assert "OBR-18" in keyless.message
    path = tmp_path / "b.hl7"
    path.write_text("no message at all")
    (message,) = [value["message"] for value, _ in read_reports({"path": str(path)})]
    assert "HL7" in message


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_messages_end_in_reports_or_typed_errors(tmp_path: Path, data: st.DataObject) -> None:
    sent = (oru(HTML, "OBX|2|ED|X||A^B^RTF^Base64^e1xydGYxIHh9||||||F", RTF) + oru("Second.")).encode()
    at = data.draw(st.integers(0, len(sent)))
    until = data.draw(st.integers(at, min(len(sent), at + 40)))
    put = data.draw(st.binary(max_size=20) | st.sampled_from([b"\r", b"\\X", b"|", b"^", b"~", b"\x1c\x0bMSH|"]))
    with contextlib.suppress(ReadError):
        parse(tmp_path, sent[:at] + put + sent[until:])


def test_a_message_with_a_separator_of_no_set_is_told_and_the_next_is_read(tmp_path: Path) -> None:
    head = "MSH|^~\\&|RIS|H|X|Y|20240102||ORU^R01|1|P|2.5\r"
    sound = f"{head}OBR|1|||MR||||||||||||||A100|||||||F\rOBX|1|TX|R||No tear.||||||F\r"
    first, second = parse(tmp_path, sound.encode().replace(b"MSH|", b"MSH\x80") + sound.encode())
    assert isinstance(first, ReportFailure)
    assert isinstance(second, RawReport)


VALUES = "OBX|1|TX|GDT^Findings||A tear.||||||F\rOBX|2|TX|IMP^Impression||A meniscal tear.||||||F\r"


def document(event: str = "T02", *, completion: str = "AU", availability: str = "AV", values: str = VALUES) -> str:
    """A document message as HL7 2.3 has it, without an OBR."""
    txa = f"TXA|1|RAD|TX|20240102||20240102101010||||||D7||P9^RIS|A100^RIS||{completion}||{availability}"
    return f"MSH|^~\\&|RIS|H|X|Y|20240102101010||MDM^{event}|1|P|2.3\rPID|1||4711^^^H^MR||DOE^J\r{txa}\r{values}"


def test_a_document_message_without_an_order_is_a_report_in_any_company(tmp_path: Path) -> None:
    alone = one(tmp_path, document())
    assert (alone.accession_number, alone.patient_id, alone.status) == ("A100", "4711", "final")
    assert alone.text == "FINDINGS:\nA tear.\n\nIMPRESSION:\nA meniscal tear."
    both = parse(tmp_path, oru("Normal.") + "\r" + document())
    assert [row.text for row in both if isinstance(row, RawReport)] == ["Normal.", alone.text]


@pytest.mark.parametrize(
    ("event", "completion", "availability", "status"),
    [
        ("T02", "LA", "AV", "final"), ("T02", "DI", "AV", "preliminary"), ("T02", "PA", "UN", "preliminary"),
        ("T06", "AU", "AV", "addendum"), ("T08", "AU", "AV", "corrected"), ("T10", "AU", "AV", "corrected"),
        ("T11", "AU", "AV", "cancelled"), ("T02", "AU", "CA", "cancelled"), ("T02", "AU", "OB", "cancelled"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("order", ["", "OBR|1||A100|MRHEAD^MR head\r"])
def test_the_status_of_a_document_is_that_of_its_message(
    tmp_path: Path, event: str, completion: str, availability: str, status: str, order: str
) -> None:
    sent = document(event, completion=completion, availability=availability, values=order + VALUES)
    assert one(tmp_path, sent).status == status


def test_a_document_that_is_withdrawn_need_not_be_sent_again(tmp_path: Path) -> None:
    assert one(tmp_path, document("T11", values="")).status == "cancelled"


@pytest.mark.parametrize("at", [3, 8, 15])
def test_a_segment_goes_on_where_it_was_cut(tmp_path: Path, at: int) -> None:
    words = "No tear of the meniscus."
    values = f"OBX|1|TX|GDT||{words[:at]}\rADD|{words[at:]}||||||F\r"
    assert one(tmp_path, document(values=values)).text == words


@pytest.mark.parametrize("kind", ["OBX|1|TX|GDT||{}||||||F\r", "NTE|1|L|{}\r"])
def test_repeats_are_lines_wherever_a_text_stands(tmp_path: Path, kind: str) -> None:
    assert (
        one(tmp_path, document(values=kind.format("One.~Two of ~5 mm.~Three."))).text == "One.\nTwo of ~5 mm.\nThree."
    )


@pytest.mark.parametrize(
    "value", ["OBX|1|RP|PDF||\\\\srv\\a.pdf^RIS^TEXT^PDF||||||F", "OBX|1|ED|K||R^IM^JPEG^Base64^AA"]
)
def test_an_order_whose_report_lies_elsewhere_is_told_also_among_others(tmp_path: Path, value: str) -> None:
    found = parse(tmp_path, oru("Normal.") + "\r" + document(values=value + "\r"))
    assert [type(row) for row in found] == [RawReport, ReportFailure]


@pytest.mark.parametrize("separator", "|#!")
@pytest.mark.parametrize("marks", ["^~\\&", "$~\\&", "$*\\@"])
def test_whatever_marks_a_message_names_divide_it(tmp_path: Path, separator: str, marks: str) -> None:
    if separator in marks:
        return
    sent = document().translate(str.maketrans("|^~&", f"{separator}{marks[0]}{marks[1]}{marks[3]}"))
    report = one(tmp_path, sent, "a.bin")
    assert (report.accession_number, report.status) == ("A100", "final")
