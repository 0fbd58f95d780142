"""Documents to plain text: HTML, RTF, PDF, Word and CDA, as files and as they lie in messages and DICOM objects."""

from __future__ import annotations

import io
import re
import zipfile

from spinecho.indexer.reports.parsing.charsets import guess_charset
from spinecho.indexer.reports.parsing.formats.pdf import pdf_text
from spinecho.indexer.reports.parsing.formats.reading import LARGEST_DOCUMENT, TooLarge
from spinecho.indexer.reports.parsing.markup import NoText, html_text, looks_like_html, rtf_text
from spinecho.indexer.reports.parsing.report_head import read_head

_INFLATED = 256 << 20
"""Bytes that the parts of a Word document or workbook may have together once they are inflated."""


def docx_text(data: bytes) -> str:
    """The text that a Word document shows, in its order, see `shown_text`. Raises `NoText`."""
    from spinecho.indexer.reports.parsing.formats.word import shown_text  # noqa: PLC0415  (only where one was met)

    check_inflation(data)
    text = shown_text(data, _chunk_text, lambda footer: read_head(footer).keyed).strip("\n")
    if not text.strip():
        raise NoText("the Word document holds no text")
    return text


def _chunk_text(data: bytes) -> str:
    """The text of a document within a Word document. Raises `NoText`."""
    if data.startswith(b"PK"):
        raise NoText("a document lies within the document")
    return document_text(data)


def document_text(data: bytes, *, encoding: str = "") -> str:
    """The text of a document whose kind its bytes tell. Raises `NoText`, also for a kind that is not read."""
    if len(data) > LARGEST_DOCUMENT:
        raise NoText(f"the document has more than {LARGEST_DOCUMENT >> 20} MB")
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if b"%PDF" in data[:1024]:
        return pdf_text(data)
    if data.startswith(b"PK\x03\x04"):
        return docx_text(data)
    if start.startswith(b"{\\rtf"):
        return rtf_text(_rtf_source(data))
    if b"\x00" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NoText("the document is of a kind that is not read")
    text = _decoded(data, encoding)
    return html_text(text) if looks_like_html(text) or start.startswith((b"<?xml", b"<ClinicalDocument")) else text


def check_inflation(data: bytes) -> None:
    """Raises `NoText` for what is no zip file, or one whose parts would take too much memory."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(one.file_size for one in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise NoText("the document is no whole Office file") from error
    if size > _INFLATED:
        raise NoText(f"the document has more than {_INFLATED >> 20} MB once it is inflated")


def _rtf_source(data: bytes) -> str:
    """Rich text as characters; bytes beyond ASCII, which it should not hold, are of the set that it states."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return re.sub(r"[\x80-\xff]", lambda byte: f"\\'{ord(byte[0]):02x}", data.decode("latin-1"))


def guessed_set(data: bytes) -> str:
    """The likeliest character set of marked-up text that is not UTF-8 and names none; '' where it is sure."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"PK\x03\x04")) or b"%PDF" in data[:1024]:
        return ""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{\\rtf"):
        return ""
    return guess_charset(data[: 1 << 16]) if _surely_decoded(data) is None else ""


def _surely_decoded(data: bytes, encoding: str = "") -> str | None:
    """By the set that was named, as UTF-8, or by the set that the text states; None where all of these fail."""
    stated = re.search(rb"(?:charset|encoding)\s*=\s*[\"']?([A-Za-z0-9_-]{3,20})", data[:2048])
    for name in (encoding, "utf-8-sig", stated[1].decode("ascii") if stated else ""):
        try:
            if name:
                return data.decode(name)
        except (UnicodeError, LookupError):
            continue
    return None


def _decoded(data: bytes, encoding: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    if (text := _surely_decoded(data, encoding)) is not None:
        return text
    try:
        return data.decode(guess_charset(data[: 1 << 16]))
    except UnicodeError:
        return data.decode("cp1252", "replace")


__all__ = ["NoText", "TooLarge", "check_inflation", "document_text", "docx_text", "html_text", "looks_like_html",
           "pdf_text", "rtf_text"]  # fmt: skip
