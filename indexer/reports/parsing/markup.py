"""Marked-up text, HTML and RTF, to the text that it shows, wherever it stands: files, messages, cells of tables."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from html.parser import HTMLParser

from spinecho.indexer.reports.parsing import struck_out
from spinecho.indexer.reports.parsing.report_head import read_head

_HTML = re.compile(
    r"<\s*(?:!doctype\s+html|html|body|div|p|br|span|table|b|i|u|font|h[1-6]|pre)\b[^<>]*>", re.IGNORECASE
)
_PAIR = re.compile(
    r"<(del|s|strike|span|font|b|i|u|em|strong|sub|sup)(?:\s[^<>]{0,300})?>[^<>]*</\1\s*>", re.IGNORECASE
)
"""An element that is closed, which no plain text holds: "There is <del>no</del> tear"."""
_BLOCKS = frozenset(
    ("p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "pre", "section", "title",
     "article", "header", "footer", "hr", "dt", "dd", "blockquote", "paragraph", "item", "text", "caption", "list")
)  # fmt: skip
_SILENT = frozenset(("script", "style", "head", "template", "svg", "object"))
_HIDEABLE = struck_out.HTML_ELEMENTS | frozenset(("span", "div", "font", "b", "i", "u", "em", "strong", "content"))
_COVERS = frozenset(("span", "div"))
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_LEVEL = re.compile(r"<(?=[CLST]\d)")
"""No element: "L4<L5"."""
_BREAK = re.compile(r"<\s*br\s*/?\s*>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|[aouAOU]uml|szlig|deg|plusmn|micro|#\d{2,6}|#x[0-9a-fA-F]{2,5});")
_CARRIAGE = re.compile(r"_x000[dD]_\r?\n?")
"""How a workbook writes a carriage return."""
_WRITTEN_END = re.compile(r"(?:\\r)?\\n")
_FILE_PATH = re.compile(r"\b[A-Za-z]:\\|\\\\\w")
_LONGEST_RTF = 16 << 20
_RTF_MACHINE = re.compile(r"\\(mac|pca|pc)(?![a-z])")
_MACHINES = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
_OFF_WORDS = frozenset(("deleted", "v")) | struck_out.RTF_WORDS
_NOT_SEEN = re.compile(rf"\\(?:{'|'.join(sorted(_OFF_WORDS, key=len, reverse=True))})(?![a-z0])")
_OF_PAGES = re.compile(r"\\(?:(?:header|footer)[flr]?|footnote|(?:nest)?cell)(?![a-z])")
_RTF_TOKEN = re.compile(r"\\([a-z]+)(-?\d+)? ?|\\'[0-9a-fA-F]{2}|\\[^a-z]|[{}]|[^\\{}]+", re.DOTALL)


class NoText(ValueError):
    """The document holds no text, or cannot be read; the message says which and holds nothing of it."""


def looks_like_html(text: str) -> bool:
    """Whether a text is written in HTML: it begins with an element, or holds several or a closed one."""
    start = text.lstrip("\ufeff \t\r\n")
    some = text[:20_000]
    return bool(_HTML.match(start)) or len(_HTML.findall(some)) > 2 or _PAIR.search(some) is not None


def html_text(text: str) -> str:
    """The text of an HTML or CDA document: a line for each block, cells apart, no scripts and styles."""
    reader = _Reader()
    reader.feed(_LEVEL.sub("&lt;", text))
    reader.close()
    if reader.hides:  # what is never closed would hide all that follows
        reader = _Reader(hiding=False)
        reader.feed(_LEVEL.sub("&lt;", text))
        reader.close()
    if reader.struck:
        struck_out.met()
    lines = (re.sub(r"[ \xa0]+", " ", line).strip(" ") for line in "".join(reader.parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def rtf_text(text: str) -> str:
    """The text that an RTF document shows: none that is marked as deleted or hidden. Raises `NoText`."""
    from striprtf.striprtf import rtf_to_text  # noqa: PLC0415  (only where one was met)

    if len(text) > _LONGEST_RTF:
        raise NoText("the rich text document is too long")
    machine = _RTF_MACHINE.search(text[:256])
    try:
        read: Callable[..., str] = rtf_to_text
        found = read(
            _with_pages(_seen(text), read),
            encoding=_MACHINES.get(machine[1] if machine else "", "cp1252"),
            errors="replace",
        )
    except (ValueError, LookupError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise NoText(f"the rich text document could not be read: {type(error).__name__}") from error
    found = found.encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip("\n")
    return re.sub(r"\t+$", "", found, flags=re.MULTILINE) if "\t" in found else found


def _with_pages(text: str, read: Callable[..., str]) -> str:
    """Rich text whose headers and notes, which its library leaves out, are paragraphs where they stand; footers are
    where they name the study, and cells are apart by tabs, as in Word documents.
    """
    if not _OF_PAGES.search(text):
        return text
    pieces: list[str] = []
    opened: list[tuple[int, str]] = []  # (piece after which a group's contents begin, its destination), outermost first
    for token in _RTF_TOKEN.finditer(text):
        pieces.append("\\tab " if token[1] in ("cell", "nestcell") else token[0])
        if token[0] == "{":
            opened.append((len(pieces), ""))
        elif opened and token[1] and _OF_PAGES.fullmatch(f"\\{token[1]}") and len(pieces) == opened[-1][0] + 1:
            opened[-1] = (len(pieces), token[1])
        elif token[0] == "}" and opened:
            at, destination = opened.pop()
            is_shown = bool(destination)
            if destination.startswith("footer"):
                is_shown = read_head(read("{\\rtf1 " + "".join(pieces[at:]), errors="replace")).keyed
            if is_shown:
                pieces[at - 1], pieces[-1] = "\\par ", "\\par }"
    return "".join(pieces)


def _seen(text: str) -> str:
    """Rich text without what is deleted (a tracked change), hidden or struck out; its groups and control words stay."""
    if not _NOT_SEEN.search(text):
        return text
    kept: list[str] = []
    off, around = frozenset[str](), list[frozenset[str]]()
    for token in _RTF_TOKEN.finditer(text):
        word, number = token[1], token[2]
        if token[0] == "{":
            around.append(off)
        elif token[0] == "}":
            off = around.pop() if around else frozenset()
        elif word in _OFF_WORDS:
            off = off - {word} if number == "0" else off | {word}
        elif word == "plain":
            off = frozenset()
        if not off or token[0] in "{}" or (word and word not in ("u", "tab", "line", "par")):
            kept.append(token[0])
        elif off & struck_out.RTF_WORDS and token[0].strip():
            struck_out.met()
    return "".join(kept)


def as_shown(text: str) -> str:
    """A text as its program showed it: rich text, HTML and written-out characters (`&lt;`) read. Raises `NoText`."""
    if text.lstrip()[:5] == "{\\rtf":
        return rtf_text(text)
    if looks_like_html(text):
        return html_text(text)
    text = _BREAK.sub("\n", text)
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text) if "&" in text else text


def cell_text(text: str) -> str:
    """The text of a table's cell: as `as_shown`, and with line ends that the table wrote out. Raises `NoText`."""
    plain = as_shown(_CARRIAGE.sub("\n", text))
    if "\n" not in plain.strip() and "\\n" in plain and not _FILE_PATH.search(plain):
        return _WRITTEN_END.sub("\n", plain)
    return plain


def _is_struck(tag: str, attrs: list[tuple[str, str | None]]) -> bool:
    if tag in struck_out.HTML_ELEMENTS:
        return True
    styles = (value or "" for name, value in attrs if name == "style")
    marks = tag == "content" and any(dict(struck_out.CDA)[name].match(value or "") for name, value in attrs
                                     if name in dict(struck_out.CDA))  # fmt: skip
    return marks or any(map(struck_out.CSS.search, styles))


def _is_hidden(attrs: list[tuple[str, str | None]]) -> bool:
    return any(name == "hidden" or (name == "style" and _HIDDEN.search(value or "")) for name, value in attrs)


class _Reader(HTMLParser):
    def __init__(self, *, hiding: bool = True) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hides: list[str] = []
        """Names of the elements around that are hidden, or within one that is."""
        self._silent = self._struck_from = 0
        self._hiding = hiding
        self.struck = False
        """Whether words were left out because they are struck out."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        struck = self._hiding and tag in _HIDEABLE and _is_struck(tag, attrs)
        if self._hiding and tag in _HIDEABLE and (self.hides or struck or (tag in _COVERS and _is_hidden(attrs))):
            self.hides.append(tag)
            self._struck_from = self._struck_from or (len(self.hides) if struck else 0)
        elif tag in _SILENT:
            self._silent += 1
        elif tag in ("td", "th"):
            self.parts.append("\t")
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self.hides and tag == self.hides[-1]:
            self.hides.pop()
            self._struck_from = self._struck_from if len(self.hides) >= self._struck_from else 0
        elif tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _BLOCKS and tag != "br":
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent and not self.hides:
            self.parts.append(re.sub(r"\r\n|\r", "\n", data))
        elif self._struck_from and data.strip():
            self.struck = True
