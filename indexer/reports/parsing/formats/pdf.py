"""A PDF to the text that its pages show, what is filled into a form and typed upon a page among it."""

from __future__ import annotations

from typing import Any

from spinecho.indexer.reports.parsing.markup import NoText

MOST_PAGES = 500
_TYPED_UPON = frozenset((3, 13, 20))
"""Kinds of annotations that show text: free text, stamps, fields of forms."""
_MOST_ANNOTATIONS = 5_000
_FORM_OF_XML = 2
"""A form whose pages are made by a program of Adobe's; the file's own page says "please wait"."""


def pdf_text(data: bytes) -> str:
    """The text of a PDF's pages; NoText for one that holds pictures of text alone, or has a password."""
    import pypdfium2 as pdfium  # noqa: PLC0415
    from pypdfium2 import PdfiumError  # noqa: PLC0415

    pages = []
    try:
        document = pdfium.PdfDocument(data)
        try:
            if len(document) > MOST_PAGES:
                raise NoText(f"the PDF has {len(document)} pages, more than {MOST_PAGES}")
            if document.get_formtype() == _FORM_OF_XML:
                raise NoText(
                    "the PDF is a form (XFA) that one program alone shows: print it to a PDF with that program"
                )
            document.init_forms()
            pages = [_page(document, number) for number in range(len(document))]
        finally:
            document.close()
    except PdfiumError as error:
        raise NoText("the PDF could not be read: it is damaged or has a password") from error
    text = "\n".join(pages).replace("\r\n", "\n").replace("\r", "\n").replace("\ufffe", "-").replace("\x00", "")
    if not text.strip():
        raise NoText("the PDF holds no text, only pictures of it: export it with its text")
    return text.strip("\n")


def _page(document: Any, number: int) -> str:
    page = document[number]
    if not _has_text_upon_it(page):
        sheet = page.get_textpage()
        text = str(sheet.get_text_bounded())
    else:
        page.flatten()  # what is upon the page becomes part of it, behind all that was there
        page.close()
        page = document[number]
        sheet = page.get_textpage()
        text = _by_place(sheet)
    sheet.close()
    page.close()
    return text


def _has_text_upon_it(page: Any) -> bool:
    from pypdfium2 import raw  # noqa: PLC0415

    for at in range(min(raw.FPDFPage_GetAnnotCount(page), _MOST_ANNOTATIONS)):
        annotation = raw.FPDFPage_GetAnnot(page, at)
        if annotation:
            kind = raw.FPDFAnnot_GetSubtype(annotation)
            raw.FPDFPage_CloseAnnot(annotation)
            if kind in _TYPED_UPON:
                return True
    return False


def _by_place(sheet: Any) -> str:
    """The text from top to bottom and from left to right: a field beside its label."""
    boxes = sorted((sheet.get_rect(at) for at in range(sheet.count_rects())), key=lambda box: -box[3])
    rows: list[list[tuple[float, float, float, float]]] = []
    for box in boxes:
        middle = (box[1] + box[3]) / 2
        if rows and rows[-1][0][1] <= middle <= rows[-1][0][3]:
            rows[-1].append(box)
        else:
            rows.append([box])
    lines = (" ".join(str(sheet.get_text_bounded(*box)).strip() for box in sorted(row)) for row in rows)
    return "\n".join(line for line in lines if line)
