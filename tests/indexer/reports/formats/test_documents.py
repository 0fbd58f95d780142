"""Documents in files and in DICOM objects: PDF, Word, RTF, HTML, CDA, structured reports. Patients are invented."""

from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path

import pytest
from docx import Document
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from small_pdf import pdf
from structured_reports import SR, UID, code, dicom, item, number

from spinecho.encoders.errors import HoldsReport, ReadError
from spinecho.encoders.reading.files import scan_file
from spinecho.indexer.reports.parsing.formats.documents import NoText, document_text
from spinecho.indexer.reports.parsing.parse import RawReport, ReportFailure, parse_reports

LINES = ("Accession: A100", "FINDINGS: A lesion of 5 mm.", "IMPRESSION: Meningioma.")


def one(folder: Path, name: str, content: bytes) -> RawReport:
    (folder / name).write_bytes(content)
    (found,) = parse_reports(folder / name)
    assert isinstance(found, RawReport), found
    return found


def word(*lines: str) -> bytes:
    document = Document()
    for line in lines:
        document.add_paragraph(line)
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Side", "left"
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


MADE = {
    ".pdf": pdf(*LINES),
    ".docx": word(*LINES),
    ".rtf": ("{\\rtf1\\ansi " + "\\par ".join(LINES) + "}").encode(),
    ".html": ("<html><body><p>" + "</p><p>".join(LINES) + "</p></body></html>").encode(),
}


@pytest.mark.parametrize("suffix", MADE)
def test_a_document_is_the_text_that_it_shows(tmp_path: Path, suffix: str) -> None:
    report = one(tmp_path, f"r{suffix}", MADE[suffix])
    assert report.accession_number == "A100"
    assert [line for line in report.text.split("\n") if line.strip()][:3] == list(LINES)
    if suffix in (".pdf", ".rtf"):
        assert one(tmp_path, "any.txt", MADE[suffix]).text == report.text, "the bytes decide, not the name"


RUN = '<w:r><w:t xml:space="preserve">{}</w:t></w:r>'
SHOWN = {
    "as typed": RUN, "inserted": f'<w:ins w:id="1" w:author="a">{RUN}</w:ins>',
    "moved here": f"<w:moveTo>{RUN}</w:moveTo>",
    "a control": f"<w:sdt><w:sdtPr/><w:sdtContent>{RUN}</w:sdtContent></w:sdt>",
    "a field": f'<w:fldSimple w:instr="MERGEFIELD a">{RUN}</w:fldSimple>', "a tag": f"<w:smartTag>{RUN}</w:smartTag>",
    "a link": f"<w:hyperlink>{RUN}</w:hyperlink>",
    "both": f"<w:sdt><w:sdtContent><w:ins>{RUN}</w:ins></w:sdtContent></w:sdt>",
}  # fmt: skip
NOT_SHOWN = {
    "deleted": '<w:del w:id="1" w:author="a"><w:r><w:delText>{}</w:delText></w:r></w:del>',
    "moved away": f"<w:moveFrom>{RUN}</w:moveFrom>",
    "hidden": "<w:r><w:rPr><w:vanish/></w:rPr><w:t>{}</w:t></w:r>",
    "a field's code": "<w:r><w:instrText>{}</w:instrText></w:r>",
    "deleted from a control": f"<w:sdt><w:sdtContent><w:del>{RUN}</w:del></w:sdtContent></w:sdt>",
}
BLOCKS = {
    "paragraph": "{}", "control": "<w:sdt><w:sdtContent>{}</w:sdtContent></w:sdt>", "insertion": "<w:ins>{}</w:ins>",
    "row of a control": "<w:tbl><w:sdt><w:sdtContent><w:tr><w:tc>{}</w:tc></w:tr></w:sdtContent></w:sdt></w:tbl>",
    "cell of a control": "<w:tbl><w:tr><w:sdt><w:sdtContent><w:tc>{}</w:tc></w:sdtContent></w:sdt></w:tr></w:tbl>",
    "text box": "<w:p><w:r><w:pict><w:txbxContent>{}</w:txbxContent></w:pict></w:r></w:p>",
}  # fmt: skip


def word_of(*blocks: str) -> bytes:
    document = Document()
    body = document.element.body
    for block in blocks:
        for element in parse_xml(f"<w:x {nsdecls('w')}>{block}</w:x>"):
            body.insert(len(body) - 1, element)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


@given(
    st.lists(st.tuples(st.sampled_from([*SHOWN, *NOT_SHOWN]), st.sampled_from(["no ", "tear ", "left "])), min_size=1),
    st.sampled_from([*BLOCKS]),
)
@settings(max_examples=40, deadline=None)
def test_a_word_document_is_read_as_it_is_shown_with_every_change_accepted(
    parts: list[tuple[str, str]], block: str
) -> None:
    inner = "".join({**SHOWN, **NOT_SHOWN}[kind].format(words) for kind, words in parts)
    found = document_text(word_of("<w:p>" + RUN.format("x") + "</w:p>", BLOCKS[block].format(f"<w:p>{inner}</w:p>")))
    expected = "".join(words for kind, words in parts if kind in SHOWN)
    assert [line for line in found.split("\n") if line] == ["x", *filter(None, [expected])]


def test_signs_of_a_symbol_font_are_not_lost() -> None:
    sign = '<w:p><w:r><w:sym w:font="{}" w:char="{}"/><w:t>5 mm</w:t></w:r></w:p>'
    found = document_text(word_of(sign.format("Symbol", "F0B3"), sign.format("Symbol", "F0A3"), sign.format("x", "zz")))
    assert found.split("\n") == ["≥5 mm", "≤5 mm", "\ufffd5 mm"]


def test_a_document_of_another_format_within_a_word_document_is_read() -> None:
    document = Document()
    document.add_paragraph("FINDINGS:")
    part = Part(PackURI("/word/chunk.html"), "text/html", b"<html><body><p>No tear.</p></body></html>")
    name = document.part.relate_to(part, "http://schemas.openxmlformats.org/officeDocument/2006/relationships/aFChunk")
    chunk = parse_xml(f'<w:altChunk {nsdecls("w", "r")} r:id="{name}"/>')
    document.element.body.insert(1, chunk)
    out = io.BytesIO()
    document.save(out)
    assert document_text(out.getvalue()).split("\n") == ["FINDINGS:", "No tear."]
    part._blob = word("Another.")
    out = io.BytesIO()
    document.save(out)
    with pytest.raises(NoText, match="lies within"):  # and not an error of no name
        document_text(out.getvalue())


def test_documents_without_a_text_say_so(tmp_path: Path) -> None:
    for name, content, words in (
        ("a.pdf", pdf(), "pictures"), ("b.pdf", MADE[".pdf"][:200], "damaged"),
        ("c.docx", MADE[".docx"][:900], "whole"),
    ):  # fmt: skip
        with pytest.raises(ReadError, match=words):
            one(tmp_path, name, content)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b" " * (257 << 20))
    with pytest.raises(ReadError, match="inflated"):
        one(tmp_path, "bomb.docx", bomb.getvalue())


CDA = f"""<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3"><title>MRI brain</title><effectiveTime value="20240102101010+0100"/>
<versionNumber value="2"/>
<recordTarget><patientRole><id extension="4711" root="1.2.3"/><addr>5 Mill Lane</addr>
<patient><name><given>Jane</given><family>Doe</family></name></patient></patientRole></recordTarget>
<inFulfillmentOf><order><id extension="A100" root="1.2.3"/></order></inFulfillmentOf>
<documentationOf><serviceEvent><id root="{UID}"/></serviceEvent></documentationOf>
<relatedDocument typeCode="RPLC"/>
<component><structuredBody><component><section><title>Findings</title>
<text><paragraph>A lesion of 5 mm.</paragraph><table><tr><td>Side</td><td>left</td></tr></table></text>
<entry><observation><text>coded twin</text></observation></entry></section></component></structuredBody></component>
</ClinicalDocument>"""


def test_a_cda_document_gives_its_body_and_keys_and_nobodys_name(tmp_path: Path) -> None:
    report = one(tmp_path, "r.xml", CDA.encode())
    assert (report.accession_number, report.study_uid, report.patient_id) == ("A100", UID, "4711")
    assert (report.status, report.version, report.dated, report.exam) == (
        "corrected",
        2,
        "2024-01-02T09:10:10Z",
        "head",
    )
    assert "Findings:\n\nA lesion of 5 mm." in report.text
    assert not any(word in report.text for word in ("Jane", "Mill Lane", "twin"))
    with pytest.raises(ReadError, match="entities"):
        one(tmp_path, "bomb.xml", CDA.replace("?>", '?><!DOCTYPE x [<!ENTITY a "b">]>', 1).encode())


# DICOM


TREE = [
    item("PNAME", "Person Observer Name", "HAS OBS CONTEXT", PersonName="House^Greg"),
    item("CONTAINER", "Findings", "CONTAINS", item("TEXT", "Finding", TextValue="A lesion in the left thalamus."),
         number("Diameter", "5.2", "mm")),
    item("CONTAINER", "Impressions", "CONTAINS", item("TEXT", "Impression", TextValue="Cavernoma."),
         item("CODE", "Side", ConceptCodeSequence=[code("Left")])),
]  # fmt: skip


def test_a_structured_report_is_its_tree_as_text(tmp_path: Path) -> None:
    report = one(tmp_path, "sr.dcm", dicom(f"{SR}11", ContentSequence=TREE, VerificationFlag="VERIFIED"))
    assert (report.accession_number, report.study_uid, report.patient_id) == ("A100", UID, "4711")
    assert (report.status, report.dated) == ("final", "2024-01-02T10:10:10")
    assert report.text == (
        "FINDINGS:\nA lesion in the left thalamus.\nDiameter: 5.2 mm\n\nIMPRESSIONS:\nCavernoma.\nSide: Left"
    )
    flat = dicom(f"{SR}22", ContentSequence=[item("TEXT", "Findings", TextValue="A lesion.")])
    assert one(tmp_path, "flat.dcm", flat).text == "FINDINGS:\nA lesion."


def test_measurements_stand_beside_a_report_and_never_take_its_place(tmp_path: Path) -> None:
    group = item("CONTAINER", "Measurement Group", "CONTAINS",
                 item("TEXT", "Tracking Identifier", TextValue="L1", code="112039"),
                 item("CODE", "Finding Site", ConceptCodeSequence=[code("Liver")]), number("Diameter", "12", "mm"),
                 code="125007")  # fmt: skip
    tree = [item("CONTAINER", "Imaging Measurements", "CONTAINS", group)]
    title = [code("Imaging Measurement Report", "126000")]
    held = dicom(f"{SR}34", ContentSequence=tree, VerificationFlag="VERIFIED", ConceptNameCodeSequence=title)
    report = one(tmp_path, "m.dcm", held)
    assert report.status == "addendum"
    assert "Finding Site: Liver; Diameter: 12 mm.\nTracking Identifier: L1" in report.text


def test_documents_in_dicom(tmp_path: Path) -> None:
    held = dicom("1.2.840.10008.5.1.4.1.1.104.1", EncapsulatedDocument=MADE[".pdf"] + b"\0" * (len(MADE[".pdf"]) % 2))
    assert "Meningioma." in one(tmp_path, "pdf.dcm", held).text
    padded = CDA.encode() + b"\0" * (len(CDA.encode()) % 2)
    held = dicom("1.2.840.10008.5.1.4.1.1.104.2", EncapsulatedDocument=padded)
    assert "A lesion of 5 mm." in one(tmp_path, "cda.dcm", held).text
    with pytest.raises(ReadError):
        one(tmp_path, "none.dcm", dicom(f"{SR}11"))
    (keyless,) = parse(
        tmp_path, "k.dcm", dicom(f"{SR}11", ContentSequence=TREE, AccessionNumber="", StudyInstanceUID="")
    )
    assert isinstance(keyless, ReportFailure)


def parse(folder: Path, name: str, content: bytes) -> list[RawReport | ReportFailure]:
    (folder / name).write_bytes(content)
    return list(parse_reports(folder / name))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_documents_end_in_reports_or_typed_errors(tmp_path: Path, data: st.DataObject) -> None:
    whole = {**MADE, ".xml": CDA.encode(), ".dcm": dicom(f"{SR}11", ContentSequence=TREE)}
    suffix = data.draw(st.sampled_from(sorted(whole)))
    content = whole[suffix]
    at = data.draw(st.integers(0, len(content)))
    put = data.draw(st.binary(max_size=12))
    with contextlib.suppress(ReadError):
        parse(tmp_path, f"A123{suffix}", content[:at] + put + content[at + data.draw(st.integers(0, 30)) :])


def test_an_element_that_its_library_warns_of_is_read_without_a_word(tmp_path: Path) -> None:
    content = dicom(f"{SR}11", ContentSequence=TREE)
    for at in range(290, 330):
        with contextlib.suppress(ReadError):
            parse(tmp_path, "A123.dcm", content[:at] + b"\0" + content[at:])


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([b"{\\rtf1", b"<html>", b"%PDF-1.4", b"PK\x03\x04", b"\xff\xfe", b""]), st.binary(max_size=60))
def test_any_bytes_are_a_text_or_a_typed_error(start: bytes, rest: bytes) -> None:
    with contextlib.suppress(NoText):
        document_text(start + rest)


def _of_pages(place: str, words: str) -> bytes:
    """A Word document of two sections with words at a place of its pages."""
    document = Document()
    document.add_paragraph("FINDINGS: A lesion.")
    document.add_section()
    document.add_paragraph("IMPRESSION: Meningioma.")
    section = document.sections[place.startswith("second")]
    if place.endswith("first page"):
        section.different_first_page_header_footer = True
        section.first_page_header.paragraphs[0].text = words
    elif place.endswith("footer"):
        section.footer.is_linked_to_previous = False
        section.footer.paragraphs[0].text = words
    else:
        section.header.is_linked_to_previous = False
        section.header.paragraphs[0].text = words
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


PLACES = [f"{which} {part}" for which in ("first", "second") for part in ("header", "first page", "footer")]


@pytest.mark.parametrize("place", PLACES)
def test_a_key_is_found_wherever_the_pages_of_a_word_document_show_it(tmp_path: Path, place: str) -> None:
    report = one(tmp_path, "r.docx", _of_pages(place, "Accession: A100"))
    assert (report.accession_number, report.text.count("A100")) == ("A100", 1)


def test_a_footer_that_names_no_study_is_no_part_of_the_text(tmp_path: Path) -> None:
    assert "Page 1" not in one(tmp_path, "A100.docx", _of_pages("first footer", "Page 1 of 2")).text


def test_letters_merged_into_one_word_document_are_reports_of_their_own(tmp_path: Path) -> None:
    document = Document()
    for at in range(1, 4):
        section = document.sections[0] if at == 1 else document.add_section()
        section.header.is_linked_to_previous = False
        section.header.paragraphs[0].text = f"Accession: A10{at}"
        document.add_paragraph(f"FINDINGS: Lesion number {at}.")
    out = io.BytesIO()
    document.save(out)
    (tmp_path / "letters.docx").write_bytes(out.getvalue())
    found = [row for row in parse_reports(tmp_path / "letters.docx") if isinstance(row, RawReport)]
    assert [row.accession_number for row in found] == ["A101", "A102", "A103"]
    assert [f"number {n}" in row.text and row.text.count("number") == 1 for n, row in enumerate(found, 1)] == [True] * 3


@pytest.mark.parametrize("kind", ["footnote", "endnote"])
def test_a_note_of_a_word_document_is_read(kind: str) -> None:
    document = Document()
    document.add_paragraph("FINDINGS: A tear.")
    note = f'<w:{kind} w:id="2"><w:p>{RUN.format("On review no tear.")}</w:p></w:{kind}>'
    xml = f"<w:{kind}s {nsdecls('w')}>{note}</w:{kind}s>".encode()
    part = Part(PackURI(f"/word/{kind}s.xml"), f"application/vnd.x.{kind}s+xml", xml)
    document.part.relate_to(part, f"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}s")
    sign = parse_xml(f'<w:r {nsdecls("w")}><w:{kind}Reference w:id="2"/></w:r>')
    document.paragraphs[0]._p.append(sign)
    out = io.BytesIO()
    document.save(out)
    assert document_text(out.getvalue()).split("\n") == ["FINDINGS: A tear.", "On review no tear."]


RTF_PLACES = {
    "header": "{{\\rtf1\\ansi{{\\header\\pard {{\\b {}}}\\par}}\\pard FINDINGS: A tear.\\par}}",
    "first page": "{{\\rtf1\\ansi{{\\headerf {}}}\\pard FINDINGS: A tear.\\par}}",
    "footer": "{{\\rtf1\\ansi{{\\footer {}\\par}}FINDINGS: A tear.\\par}}",
    "cells": "{{\\rtf1\\ansi\\trowd {}\\cell\\row FINDINGS: A tear.\\par}}",
    "note": "{{\\rtf1\\ansi FINDINGS: A tear.{{\\footnote\\pard {}\\par}}\\par}}",
}


@pytest.mark.parametrize("place", RTF_PLACES)
def test_a_key_is_found_wherever_the_pages_of_rich_text_show_it(tmp_path: Path, place: str) -> None:
    made = RTF_PLACES[place].format("Accession:\\cell A100" if place == "cells" else "Accession: A100")
    report = one(tmp_path, "r.rtf", made.encode())
    assert (report.accession_number, report.text.count("A100")) == ("A100", 1)
    assert "FINDINGS: A tear." in report.text.split("\n")


def test_cells_of_rich_text_stand_apart_as_those_of_word_documents_do() -> None:
    rows = b"{\\rtf1\\ansi\\trowd Findings\\cell a \\\\cell tear\\cell\\row Side\\cell left\\cell\\row}"
    assert document_text(rows) == "Findings\ta \\cell tear\nSide\tleft"


def form(*fields: tuple[str, str, int]) -> bytes:
    """A PDF with labels, and beside each what was typed upon the page; (kind, words, height)."""
    labels = "".join(f"BT /F1 12 Tf 50 {y} Td (LABEL {n}:) Tj ET\n" for n, (_, _, y) in enumerate(fields))
    upon = " ".join(f"{6 + 2 * n} 0 R" for n in range(len(fields)))
    objects = [
        f"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[{upon}]>>>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>"
        f"/Annots[{upon}]>>",
        f"<</Length {len(labels)}>>stream\n{labels}endstream", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]  # fmt: skip
    for n, (kind, words, y) in enumerate(fields):
        objects.append(
            f"<</Type/Annot{kind}/Rect[150 {y - 4} 500 {y + 14}]/P 3 0 R/F 4/AP<</N {7 + 2 * n} 0 R>>/T(f{n})>>"
        )
        shown = f"BT /F1 12 Tf 2 4 Td ({words}) Tj ET\n"
        resources = "/Resources<</Font<</F1 5 0 R>>>>"
        objects.append(
            f"<</Type/XObject/Subtype/Form/BBox[0 0 350 18]{resources}/Length {len(shown)}>>stream\n{shown}endstream"
        )
    body = "".join(f"{n} 0 obj{text}\nendobj\n" for n, text in enumerate(objects, 1))
    return f"%PDF-1.4\n{body}trailer<</Root 1 0 R/Size {len(objects) + 1}>>\n%%EOF".encode()


def test_what_is_filled_into_a_pdf_form_or_typed_upon_a_page_stands_beside_its_label() -> None:
    widget, free = "/Subtype/Widget/FT/Tx", "/Subtype/FreeText"
    made = form((free, "Written last.", 300), (widget, "A tear.", 650), (widget, "Meningioma.", 500))
    assert document_text(made).split("\n") == ["LABEL 1: A tear.", "LABEL 2: Meningioma.", "LABEL 0: Written last."]


def workbook() -> bytes:
    book = Workbook()
    book.active.append(["Accession", "Report"])
    book.active.append(["A100", "FINDINGS: A lesion of 5 mm."])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("name", ["A100", "A100.doc", "A100.dot", "A100.rtf", "A100.xls", "A100.bin", "A100.txt"])
@pytest.mark.parametrize("made", [word(*LINES), workbook()], ids=["word", "workbook"])
def test_an_office_file_is_told_by_its_parts_and_not_by_its_name(tmp_path: Path, name: str, made: bytes) -> None:
    report = one(tmp_path, name, made)
    assert (report.accession_number, "5 mm" in report.text) == ("A100", True)
    (tmp_path / name).write_bytes(made)
    if not name.endswith((".rtf", ".txt")):  # these go to the report parsers by their names
        with pytest.raises(HoldsReport):
            scan_file(tmp_path / name, root=tmp_path)
