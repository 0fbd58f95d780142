"""A Word document to the text that it shows once every change is accepted.

Walked here rather than by the library's paragraphs, which leave out, without a word, what lies in tracked insertions,
content controls, fields, smart tags and text boxes: "There is no fracture" would be read without its "no".
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from spinecho.indexer.reports.parsing import struck_out
from spinecho.indexer.reports.parsing.markup import NoText

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_LEFT_OUT = frozenset(
    (
        *(_W + name for name in ("del", "moveFrom", "pPr", "rPr", "sdtPr", "sdtEndPr", "tblPr", "trPr", "tcPr")),
        *(_W + name for name in ("delText", "instrText", "delInstrText", "sectPr", "fldData")),
        "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",  # what an older program would show
    )
)
_CHARACTERS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_BOX = _W + "txbxContent"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_NOTES = {"footnote": "/footnotes", "endnote": "/endnotes"}
"""Kind of note -> how the type of its part's relation ends."""
_OFF = frozenset(("0", "false", "off"))
_SYMBOLS = dict(
    zip(
        "abgdezhqiklmnxoprstufcywABGDEZHQIKLMNXOPRSTUFCYW"
        "\xa3\xb3\xb1\xb4\xb0\xb9\xbb\xae\xac\xad\xaf\xb7\xa5\xd7\xa2\xb2\xc6",
        "αβγδεζηθικλμνξοπρστυφχψωΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ≤≥±×°≠≈→←↑↓•∞⋅′″∅",
        strict=True,
    )
)
"""What the font Symbol shows for a character."""
_DEEPEST = 200


def shown_text(data: bytes, chunk_text: Callable[[bytes], str], names_a_study: Callable[[str], bool]) -> str:
    """A line for each paragraph, cells of a table's row apart by tabs, notes below the paragraph that has their sign.

    Each section begins with the headers that it brings, that of a first page among them, and with those of its footers
    of which `names_a_study` holds: letters that were merged into one document are sections, with a head each.
    chunk_text: the text of a document in another format that lies within. Raises `NoText`.
    """
    from docx import Document  # noqa: PLC0415
    from docx.oxml import parse_xml  # noqa: PLC0415

    try:
        document = Document(io.BytesIO(data))
        body, parts, styles_part = document.element.body, document.part.related_parts, document.styles.element
        related = [(one.reltype, one.target_part) for one in document.part.rels.values() if not one.is_external]
        notes = {
            (kind, one.get(_W + "id", "")): one
            for kind, ending in _NOTES.items()
            for type_of, part in related
            if type_of.endswith(ending)
            for one in parse_xml(part.blob)
        }
    except MemoryError:
        raise
    except Exception as error:  # what its library does on hostile bytes is not stated; our own walk is outside
        raise NoText(f"the Word document could not be read: {type(error).__name__}") from error

    def chunk(name: str) -> str:
        part = parts.get(name)
        if part is None:
            raise NoText("the Word document names a part that it does not hold")
        return chunk_text(part.blob)

    def text_of(elements: Sequence[Any]) -> str:
        return "\n".join(line for one in elements for line in _lines(one, chunk, 0))

    styles = _striking_styles(styles_part)
    shown: list[str] = []
    pages: dict[str, dict[str, str]] = {"header": {}, "footer": {}}
    for section, content in _sections(body):
        headers, footers = (_of_pages(section, kind, parts, pages[kind]) for kind in ("header", "footer"))
        for part in (*headers, *footers, content):
            _set_in_notes(part, notes)
            _leave_out_struck(part, styles)
        feet = (text for one in footers if names_a_study(text := text_of([one])))
        shown += dict.fromkeys((*(text_of([one]) for one in headers), *feet))
        shown.append(text_of([content]))
    return "\n".join(shown)


def _sections(body: Any) -> Iterator[tuple[Any, Any]]:
    """(properties, a body with what is in it) of each section; its last paragraph holds them, of the last the body."""
    content = body.makeelement(body.tag, body.attrib, body.nsmap)
    for child in list(body):
        content.append(child)
        ends = [child] if child.tag == _W + "sectPr" else list(child.iterfind(f".//{_W}pPr/{_W}sectPr"))
        if ends:
            yield ends[-1], content
            content = body.makeelement(body.tag, body.attrib, body.nsmap)
    yield content, content


def _of_pages(section: Any, kind: str, parts: Mapping[str, Any], named: dict[str, str]) -> list[Any]:
    """The headers or footers that no section showed before, that of a first page first.

    named: those that hold, by type, which goes from section to section; '' for one that was shown.
    """
    title = section.find(_W + "titlePg")
    wanted = ["first"] * (title is not None and title.get(_W + "val") not in _OFF) + ["default"]
    for one in section.findall(f"{_W}{kind}Reference"):
        named[one.get(_W + "type", "default")] = one.get(_RELATION, "")
    found = [getattr(parts.get(named.get(one, "")), "element", None) for one in wanted]
    named.update(dict.fromkeys(wanted, ""))
    return [one for one in found if one is not None]


def _set_in_notes(part: Any, notes: Mapping[tuple[str, str], Any]) -> None:
    """Put each note where its sign stands, as a box of text."""
    for kind in _NOTES:
        for sign in list(part.iter(f"{_W}{kind}Reference")):
            note = notes.get((kind, sign.get(_W + "id", "")))
            if note is not None and len(note):
                box = sign.makeelement(_BOX, {}, sign.nsmap)
                box.extend(list(note))
                sign.append(box)


def _striking_styles(styles: Any) -> dict[str, bool]:
    """Whether the text of a style is struck out, by its id; a style is as the one that it is based on."""
    own = {one.get(_W + "styleId", ""): (_mark(one.find(_W + "rPr")), one.find(_W + "basedOn")) for one in styles}
    found: dict[str, bool] = {}
    for name in own:
        at, seen = name, set[str]()
        while at in own and at not in seen:
            seen.add(at)
            struck, above = own[at]
            if struck is not None:
                found[name] = struck
                break
            at = above.get(_W + "val", "") if above is not None else ""
    return found


def _leave_out_struck(part: Any, styles: Mapping[str, bool]) -> None:
    """Take out the runs that are struck out: by themselves, by their style, or by their paragraph's."""
    for run in list(part.iter(_W + "r")):
        marks = [_mark(run.find(_W + "rPr")), styles.get(_style(run, "r"))]
        paragraph = next(run.iterancestors(_W + "p"), None)
        marks.append(styles.get(_style(paragraph, "p")) if paragraph is not None else None)
        if next((one for one in marks if one is not None), False):
            if any((text.text or "").strip() for text in run.iter(_W + "t")):
                struck_out.met()
            run.getparent().remove(run)


def _style(element: Any, kind: str) -> str:
    named = element.find(f"{_W}{kind}Pr/{_W}{kind}Style")
    return named.get(_W + "val", "") if named is not None else ""


def _mark(properties: Any) -> bool | None:
    """Whether properties of characters strike out; None where they do not say."""
    marks = [properties.find(_W + name) for name in struck_out.WORD_MARKS] if properties is not None else []
    said = [one.get(_W + "val") not in _OFF for one in marks if one is not None]
    return any(said) if said else None


def _lines(part: Any, chunk: Callable[[str], str], depth: int) -> Iterator[str]:
    """The lines of whatever holds paragraphs and tables."""
    for child in _children(part, depth):
        if child.tag == _W + "p":
            boxes: list[Any] = []
            yield "".join(_pieces(child, boxes, depth + 1))
            for box in boxes:
                yield from _lines(box, chunk, depth + 1)
        elif child.tag == _W + "tbl":
            for row in _inside(child, "tr", depth + 1):
                cells = ("\n".join(_lines(cell, chunk, depth + 1)) for cell in _inside(row, "tc", depth + 1))
                yield "\t".join(cells)
        elif child.tag == _W + "altChunk":
            yield chunk(child.get(_RELATION, ""))
        else:  # a content control, an insertion, an element that only marks
            yield from _lines(child, chunk, depth + 1)


def _children(part: Any, depth: int) -> Iterator[Any]:
    """The elements of a part that are shown."""
    if depth > _DEEPEST:
        raise NoText("parts of the Word document nest too deep")
    return (child for child in part if isinstance(child.tag, str) and child.tag not in _LEFT_OUT)


def _inside(part: Any, name: str, depth: int) -> Iterator[Any]:
    """The rows of a table or the cells of a row, those in content controls among them."""
    for child in _children(part, depth):
        if child.tag != _W + name:
            yield from _inside(child, name, depth + 1)
        elif child.find(f"{_W}trPr/{_W}del") is None:
            yield child


def _pieces(part: Any, boxes: list[Any], depth: int) -> Iterator[str]:
    """The text within a paragraph; text boxes in it are kept for afterwards."""
    for child in _children(part, depth):
        tag = child.tag
        if tag == _W + "t":
            yield child.text or ""
        elif tag == _W + "sym":
            yield _symbol(child)
        elif tag == _BOX:
            boxes.append(child)
        elif tag.startswith(_W) and (char := _CHARACTERS.get(tag.removeprefix(_W))) is not None:
            yield char
        elif tag != _W + "r" or not _is_hidden(child):
            yield from _pieces(child, boxes, depth + 1)


def _is_hidden(run: Any) -> bool:
    mark = run.find(f"{_W}rPr/{_W}vanish")
    return mark is not None and mark.get(_W + "val") not in _OFF


def _symbol(element: Any) -> str:
    """The character of a symbol font, by its place there; one that is not known as U+FFFD, so that it is seen."""
    try:
        place = int(element.get(_W + "char", ""), 16)
    except ValueError:
        return "\ufffd"
    if not 0xF000 <= place <= 0xF0FF:
        return chr(place) if 0x20 <= place < 0xD800 else "\ufffd"
    char = chr(place - 0xF000)
    if element.get(_W + "font", "").casefold().startswith("symbol"):
        return _SYMBOLS.get(char, char if char.isascii() and char.isprintable() else "\ufffd")
    return "\ufffd"
