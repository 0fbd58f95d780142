"""Reports whose texts are marked up (HTML, RTF, entities), in every kind of file that may hold one."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hl7_messages import oru
from openpyxl import Workbook

from spinecho.indexer.reports.parsing.markup import cell_text, rtf_text
from spinecho.indexer.reports.parsing.parse import RawReport, ReportFailure, parse_reports

SHOWN = ["FINDINGS:", "No mass. Lesion <5 mm, ≥3 mm at L4<L5 & ü."]
WRITTEN = {
    "html": "<p>FINDINGS:</p><p>No <b>mass</b>. Lesion &lt;5 mm, &#8805;3 mm at L4<L5 &amp; &uuml;.</p>",
    "breaks": "FINDINGS:<br/>No mass. Lesion <5 mm, &#8805;3 mm at L4<L5 &amp; &uuml;.",
    "rtf": r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 A;}} FINDINGS:\par No {\deleted large }mass. "
    r"{\v hidden }Lesion <5 mm, \u8805 ?3 mm at L4<L5 & \'fc.}",
    "entities": "FINDINGS:\nNo mass. Lesion &lt;5 mm, &#x2265;3 mm at L4&lt;L5 &amp; ü.",
}


def _csv(text: str) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([("accession", "report"), ("A100", text)])
    return out.getvalue().encode()


def _sections(text: str) -> bytes:
    body = text.replace("<p>FINDINGS:</p>", "").replace("FINDINGS:<br/>", "").replace("FINDINGS:\\par ", "")
    return json.dumps({"accession": "A100", "findings": body.replace("FINDINGS:\n", "")}).encode()


def _workbook(text: str) -> bytes:
    book = Workbook()
    book.active.append(["accession", "report"])
    book.active.append(["A100", text])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _message(text: str) -> bytes:
    escaped = text.replace("\\", "\\E\\").replace("&", "\\T\\").replace("\n", "\\.br\\")
    return oru(escaped, charset="UNICODE UTF-8").encode()


FILES: dict[str, Callable[[str], bytes]] = {
    "a.csv": _csv, "a.xlsx": _workbook, "a.hl7": _message, "sections.jsonl": _sections,
    "a.jsonl": lambda text: json.dumps({"accession": "A100", "report": text}).encode(),
    "a.json": lambda text: json.dumps([{"accession": "A100", "report": text}]).encode(),
    "A100.txt": lambda text: text.encode(),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("markup", WRITTEN)
def test_a_text_is_read_as_it_was_shown_wherever_it_stands(tmp_path: Path, name: str, markup: str) -> None:
    (tmp_path / name).write_bytes(FILES[name](WRITTEN[markup]))
    (report,) = parse_reports(tmp_path / name)
    assert isinstance(report, RawReport), report
    assert [line.strip() for line in report.text.split("\n") if line.strip()] == SHOWN


def test_line_ends_that_a_table_writes_out_are_line_ends() -> None:
    assert cell_text(r"FINDINGS: none.\nIMPRESSION: normal.\r\nSigned.").split("\n") == [
        "FINDINGS: none.", "IMPRESSION: normal.", "Signed.",
    ]  # fmt: skip
    assert cell_text("FINDINGS: none._x000D_\nIMPRESSION: normal.") == "FINDINGS: none.\nIMPRESSION: normal."
    for plain in (r"Images in C:\new\nodule.", "One line.\nSee \\name.", "p<0.05, R&D; a<b>c"):
        assert cell_text(plain) == plain


def test_rich_text_has_the_characters_that_it_shows() -> None:
    assert rtf_text(r"{\rtf1\mac L\'8asion \u-10179?\u-8704? {\deleted no }tear {\v a}\v b\v0 c}") == "Läsion 😀 tear c"


def test_a_cell_of_rich_text_that_cannot_be_read_is_listed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(_csv(r"{\rtf1 \uc ? text}"))
    (found,) = parse_reports(tmp_path / "a.csv")
    assert isinstance(found, ReportFailure)
    assert "rich text" in found.message


@pytest.mark.parametrize(
    "hidden",
    [
        "<del>no </del>", '<span style="DISPLAY: none">no <b>x</b></span>', "<div hidden>no <div>x</div></div>",
        "<s>no</s>", '<span style="visibility:hidden">no <span>x</span></span>', "<script>no</script>", "<!-- no -->",
    ],
)  # fmt: skip
def test_what_a_page_hides_or_strikes_is_left_out(hidden: str) -> None:
    assert cell_text(f"<p>There is a {hidden}<b>tear</b>.</p><p>Left.</p>").split() == [
        "There",
        "is",
        "a",
        "tear.",
        "Left.",
    ]


def test_an_element_that_is_never_closed_hides_nothing() -> None:
    assert cell_text("<p>There is <del>no tear.</p><p>Left.</p>").split() == ["There", "is", "no", "tear.", "Left."]


@pytest.mark.parametrize(
    ("codec", "text", "guess"),
    [
        ("cp1251", "Опухоль лобной доли слева, без отёка.", "cp1251"),
        ("cp1252", "Läsion links, kein Ödem.", "cp1252"),
        ("utf-8", "Läsion links, kein Ödem.", ""),
        ("utf-16", "Опухоль лобной доли слева.", ""),
    ],
)
def test_a_page_that_does_not_name_its_character_set_is_guessed_and_says_so(
    tmp_path: Path, codec: str, text: str, guess: str
) -> None:
    page = f"<html><body><p>Accession: A100</p><p>FINDINGS: {text}</p></body></html>"
    (tmp_path / "a.html").write_bytes(page.encode(codec))
    (report,) = parse_reports(tmp_path / "a.html")
    assert isinstance(report, RawReport)
    assert (report.text.rsplit("FINDINGS: ")[-1], report.charset) == (text, guess)
    named = page.replace("<body>", f'<head><meta charset="{codec}"></head><body>')
    (tmp_path / "a.html").write_bytes(named.encode(codec))
    (report,) = parse_reports(tmp_path / "a.html")
    assert isinstance(report, RawReport)
    assert (text in report.text, report.charset) == (True, "")


@pytest.mark.parametrize("name", [name for name in FILES if name != "sections.jsonl"])
def test_characters_of_a_page_are_those_that_are_searched_for(tmp_path: Path, name: str) -> None:
    set_for_a_page = "FINDINGS:\xa0Ｎｏ oe\xadde\u200bma, \ufb01brosis of 5\u202fmm, left\u2011sided. 左側：正常"
    (tmp_path / name).write_bytes(FILES[name](set_for_a_page))
    (report,) = parse_reports(tmp_path / name)
    assert isinstance(report, RawReport)
    assert report.text == "FINDINGS: No oedema, fibrosis of 5 mm, left-sided. 左側：正常"
