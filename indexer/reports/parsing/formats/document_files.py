"""Documents that people write: PDF, Word, RTF and HTML files, each read as the text that it shows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from spinecho.encoders.reading.office import office_kind
from spinecho.indexer.reports.parsing.decode import Charset
from spinecho.indexer.reports.parsing.formats.documents import document_text, guessed_set
from spinecho.indexer.reports.parsing.formats.reading import ReportFormat, Row, TooLarge, read_whole
from spinecho.indexer.reports.parsing.markup import NoText, html_text
from spinecho.indexer.reports.parsing.parsed import NotAReport
from spinecho.indexer.reports.parsing.text_file import reports_of_text

_CERTAIN = Charset("utf-8", guessed=False)
_HTML_SUFFIXES = frozenset((".html", ".htm", ".xhtml"))


def _read(path: Path, *, html: bool = False) -> Iterator[Row]:
    """The reports of a document, by the rules for text files. Raises `NotAReport`, also where it cannot be read."""
    try:
        data = read_whole(path)
        guess = guessed_set(data)
        text = document_text(data, encoding=guess)
    except (NoText, TooLarge) as error:
        raise NotAReport(str(error)) from error
    charset = Charset(guess, guessed=True) if guess else _CERTAIN
    return iter(reports_of_text(path, html_text(text) if html and "<" in text else text, charset))


def _is_word(path: Path, head: bytes) -> bool:
    return office_kind(path, head) == "a Word document"


PDF = ReportFormat("a PDF document", frozenset((".pdf",)), lambda _path, head: b"%PDF-" in head[:1024], _read)
RTF = ReportFormat(
    "a rich text document",
    frozenset((".rtf",)),
    lambda _path, head: head.lstrip(b"\xef\xbb\xbf \t\r\n")[:5] == b"{\\rtf",
    _read,
)
WORD = ReportFormat("a Word document", frozenset((".docx", ".docm")), _is_word, _read)
HTML = ReportFormat(
    "a document (web page)", _HTML_SUFFIXES, lambda path, _head: path.suffix.lower() in _HTML_SUFFIXES,
    partial(_read, html=True),
)  # fmt: skip
