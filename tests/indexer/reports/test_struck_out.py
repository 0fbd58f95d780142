"""Words that are struck out are not said, in whatever format, and their file tells of it."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from docx import Document
from openpyxl import Workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Font

from spinecho.indexer.reports.parsing.reading_task import read_reports

HTML = ("<s>{}</s>", "<strike>{}</strike>", "<del>{}</del>", '<span style="text-decoration: line-through">{}</span>',
        '<b style="color:red;TEXT-DECORATION-LINE:underline line-through">{}</b>', "<s><b>{}</b></s>")  # fmt: skip
RTF = ("\\strike {}\\strike0 ", "{{\\strike {}}}", "\\striked1 {}\\striked0 ", "{{\\b\\strike {}\\plain}}",
       "\\strike\\v {}\\v0\\strike0 ")  # fmt: skip
CDA = ('<content revised="delete">{}</content>', '<content styleCode="Bold Strikethrough">{}</content>')


def word(*, mark: str) -> bytes:
    """A paragraph of which "no " is struck out by this."""
    document = Document()
    paragraph = document.add_paragraph("Accession: A1\nFINDINGS: There is ")
    run = paragraph.add_run("no ")
    if mark == "style":
        style = document.styles.add_style("Out", 2)
        style.font.strike = True
        based = document.styles.add_style("Further out", 2)
        based.base_style = style
        run.style = based
    elif mark:
        setattr(run.font, mark, True)
    else:
        run.font.strike = False
    paragraph.add_run("tear.")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def workbook(text: object, *, font: Font | None = None) -> bytes:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["Accession", "Findings", "Impression"])
    sheet.append(["A1", text, "There is tear."])
    if font is not None:
        sheet["B2"].font = font
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STRINGS = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"


def shared(content: bytes) -> bytes:
    """A workbook with its text of several fonts among the shared strings, where Excel keeps it."""
    with zipfile.ZipFile(io.BytesIO(content)) as whole:
        parts = {name: whole.read(name).decode() for name in whole.namelist()}
    name, strings = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
    (inline,) = re.findall(r"<is>(<r>.*?)</is>", parts[name])
    at = parts[name].index(inline)
    before = parts[name][:at].removesuffix("<is>")
    before = "s".join(before.rsplit("inlineStr", 1)) if before.endswith('t="inlineStr">') else before
    parts[name] = f"{before}<v>0</v>{parts[name][at + len(inline) :].removeprefix('</is>')}"
    parts[strings] = f'<sst xmlns="{_MAIN}"><si>{inline}</si></sst>'
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(
        "</Types>", f'<Override PartName="/{strings}" ContentType="{_STRINGS}"/></Types>'
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as whole:
        for name, part in parts.items():
            whole.writestr(name, part)
    return out.getvalue()


def read(folder: Path, name: str, content: str | bytes) -> tuple[str, bool]:
    """The text of a file's one report, and whether it tells of words that are struck out."""
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    messages = [value for value, _ in read_reports({"path": str(folder / name)})]
    (report,) = [one for one in messages if "text" in one]
    return str(report["text"]), {"struck": True} in messages


PAGE = "<html><body><p>Accession: A1</p><p>FINDINGS: There is {}tear.</p></body></html>"
SAYS = "There is {}tear."
CELL = '{{"accession": "A1", "report": {}}}'
RICH_TEXT = "{{\\rtf1\\ansi Accession: A1\\par FINDINGS: There is {}tear.}}"
CLINICAL = (
    '<ClinicalDocument xmlns="urn:hl7-org:v3"><inFulfillmentOf><order><id extension="A1"/></order></inFulfillmentOf>'
    "<component><structuredBody><component><section><text>There is {}tear.</text></section></component>"
    "</structuredBody></component></ClinicalDocument>"
)
RICH = CellRichText("There is ", TextBlock(InlineFont(strike=True), "no "), "tear.")
STRUCK = {
    **{f"html {n}": ("r.html", PAGE.format(one.format("no "))) for n, one in enumerate(HTML)},
    **{f"cell {n}": ("r.json", CELL.format(json.dumps(SAYS.format(one.format("no "))))) for n, one in enumerate(HTML)},
    **{f"rtf {n}": ("r.rtf", RICH_TEXT.format(one.format("no "))) for n, one in enumerate(RTF)},
    **{f"cda {n}": ("r.xml", CLINICAL.format(one.format("no "))) for n, one in enumerate(CDA)},
    **{f"word {mark}": ("r.docx", word(mark=mark)) for mark in ("strike", "double_strike", "style")},
    "workbook": ("r.xlsx", shared(workbook(RICH))),
    "cell of a workbook": ("r.xlsx", workbook("no ", font=Font(strike=True))),
}


@pytest.mark.parametrize("kind", STRUCK)
def test_what_is_struck_out_is_not_said_and_is_told(tmp_path: Path, kind: str) -> None:
    text, told = read(tmp_path, *STRUCK[kind])
    assert "There is tear." in " ".join(text.split())
    assert "no" not in text.split()
    assert told


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.html", PAGE.format("<u>no </u>")), ("r.html", PAGE.format('<s></s>no <span hidden>x</span>')),
        ("r.rtf", b"{\\rtf1\\ansi Accession: A1\\par FINDINGS: There is \\strike0 no tear.}"),
        ("r.rtf", b"{\\rtf1\\ansi Accession: A1\\par FINDINGS: There is {\\strike }no tear.}"),
        ("r.docx", word(mark="")), ("r.docx", word(mark="bold")),
    ],
)  # fmt: skip
def test_what_is_not_struck_out_is_said(tmp_path: Path, name: str, content: bytes) -> None:
    text, told = read(tmp_path, name, content)
    assert "There is no tear." in " ".join(text.split())
    assert not told
