"""HL7 v2 as characters: bytes to messages, messages to segments, fields with and without their escapes.

Written here and not taken from a library: the libraries divide every field at `^` and `&`, and report texts hold both
unescaped, as they hold line ends that are no ends of segments. Here a field stays as it was sent until it is asked for.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from spinecho.encoders.reading.opening import open_file
from spinecho.indexer.reports.parsing.charsets import guess_charset
from spinecho.indexer.reports.parsing.decode import reading
from spinecho.indexer.reports.parsing.formats.reading import LARGEST_DOCUMENT

_SEGMENT_NAMES = (
    "MSH SFT UAC ARV PID PD1 PRT ROL OH1 OH2 OH3 OH4 NK1 PV1 PV2 NTE ORC OBR OBX TQ1 TQ2 CTD FT1 CTI SPM SAC DSC EVN"
    " FHS FTS BHS BTS DG1 AL1 IN1 IN2 GT1 ACC IPC TXA MSA ERR QRD QRF MRG DRG PR1 RXA RXO RXE RXR BLG DEV CON Z.."
)
_SEGMENT = re.compile(rf"(?:{'|'.join(_SEGMENT_NAMES.split())})")
_HEADS = (b"MSH", b"FHS", b"BHS", b"BTS", b"FTS")
_ENDS = re.compile(rb"\r\n|\r|\n|\x1c|\x0b")
_CHUNK = 1 << 20
NULL = '""'
"""What a field or a part of it holds that is to be emptied: no value, and no text."""
_ESCAPE = re.compile(
    r"\\(?:([FSTREHN])|[CM][0-9A-Fa-f]{4,6}|\.(br|sp|fi|nf|in|ti|sk|ce)[+-]?(\d{0,3}))\\"
    r"|((?:\\X(?:[0-9A-Fa-f]{2})+\\)+)"
)
_BYTES = re.compile(r"\\X([0-9A-Fa-f]+)\\")
_LINE_AFTER = re.compile(r"\\\.br\\", re.IGNORECASE)
_CHARSETS = {
    "ascii": "ascii", "unicode utf-8": "utf-8", "utf-8": "utf-8", "utf8": "utf-8", "unicode": "utf-8",
    "iso ir192": "utf-8", "8859/1": "cp1252", "iso ir100": "cp1252", "iso-8859-1": "cp1252", "windows-1252": "cp1252",
    "iso ir87": "iso2022_jp", "iso ir14": "iso2022_jp", "iso ir159": "iso2022_jp_2", "jis x 0208": "iso2022_jp",
    "gb 18030-2000": "gb18030", "gb18030": "gb18030", "ks x 1001": "cp949", "big-5": "big5", "iso ir166": "cp874",
    **{f"8859/{n}": f"iso8859_{n}" for n in (2, 3, 4, 5, 6, 7, 8, 9, 15)},
}  # fmt: skip


class MessageTooLong(ValueError):
    """A message has more bytes than are read."""


@dataclass(slots=True)
class Segment:
    """A segment as it was sent; fields are counted as HL7 counts them."""

    name: str
    raw: tuple[str, ...]
    """raw[n] is field n, with its escapes; of MSH field 1 is the separator."""
    message: Message

    def field(self, number: int) -> str:
        """A field as it was sent, '' where there is none or it is null."""
        sent = self.raw[number] if number < len(self.raw) else ""
        return "" if sent.strip() == NULL else sent

    def value(self, number: int, component: int = 1) -> str:
        """A component of the first repeat of a field, without escapes; of subcomponents the first."""
        first = self.field(number).split(self.message.repeat, 1)[0]
        parts = first.split(self.message.component)
        if component > len(parts):
            return ""
        value = parts[component - 1].split(self.message.subcomponent, 1)[0].strip()
        return "" if value == NULL else self.message.plain(value).strip()


@dataclass(slots=True)
class Message:
    """A message in segments. charset: the set that was guessed, '' where it was stated or certain."""

    separator: str
    component: str
    repeat: str
    escape: str
    subcomponent: str
    encoding: str
    """Of bytes that were written out; that of the message, or what it states where all of it is ASCII."""
    charset: str
    segments: list[Segment] = field(default_factory=list)

    def plain(self, text: str) -> str:
        """A text without escapes; what only looks like one stays."""
        if self.escape != "\\":
            text = text.replace("\\", "\\E\\").replace(self.escape, "\\") if self.escape else text
        if "\\" not in text:
            return text
        return _LINE_AFTER.sub("\n", _ESCAPE.sub(self._unescaped, text))

    def _unescaped(self, match: re.Match[str]) -> str:
        letter, command, count, written = match.groups()
        if letter:
            marks = {"F": self.separator, "S": self.component, "T": self.subcomponent, "R": self.repeat, "E": "\\"}
            return marks.get(letter, "")
        if written:
            return self._of_bytes(bytes.fromhex("".join(_BYTES.findall(written))))
        if command == "sk":
            return " " * min(int(count or 1), 80)
        if command in ("br", "fi", "nf", "ce"):
            return "\n"
        return "\n" * min(int(count or 1), 5) if command == "sp" else ""

    def _of_bytes(self, data: bytes) -> str:
        """Bytes that were written out, by the message's set; by another, told as a guess, where that cannot be."""
        is_latin = self.encoding.startswith(("cp125", "iso8859"))
        for name in dict.fromkeys(("utf-8" if is_latin and len(data) > 1 else self.encoding, self.encoding, "utf-8")):
            try:
                text = data.decode(name)
            except UnicodeError:
                continue
            if name != self.encoding and not data.isascii():
                self.charset = name
            return text
        self.charset = "cp1252"
        return data.decode("cp1252", "replace")


def message_bytes(path: Path) -> Iterator[tuple[bytes, ...]]:
    """The lines of each message of a file, whatever ends its lines and frames it. Raises `MessageTooLong`.

    Lines before the first MSH belong to none, nor do heads and ends of batches. Memory: one message.
    """
    with reading(path), open_file(path) as file:
        start = file.read(2)
        wide = "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else ""
    held: list[bytes] = []
    size = 0
    for sent in _wide_lines(path) if wide else _lines(path):
        bare = sent.lstrip().removeprefix(codecs.BOM_UTF8)  # files that were put together have one in their middle
        line = bare if bare.startswith(_HEADS) else sent
        if line.startswith(_HEADS):
            if held:
                yield tuple(held)
            held, size = ([line], 0) if line.startswith(b"MSH") else ([], 0)
        elif held:
            held.append(line)
        size += len(line)
        if size > LARGEST_DOCUMENT:
            raise MessageTooLong(f"a message of more than {LARGEST_DOCUMENT >> 20} MB")
    if held:
        yield tuple(held)


def read_message(lines: tuple[bytes, ...], *, wide: bool = False) -> Message | None:
    """A message from its lines; None for one whose MSH does not say how it is divided."""
    head = lines[0].decode("latin-1")
    if len(head) < 8 or head[3].isalnum() or head[3].isspace():
        return None
    separator = head[3]
    marks = head[4:].split(separator, 1)[0]
    fields = head.split(separator)
    stated = re.split(r"[~\\^]", fields[17])[0].strip().lower().replace("_", " ") if len(fields) > 17 else ""
    data = b"\n".join(lines)
    encoding, charset = _encoding(data, "utf-8" if wide else _CHARSETS.get(stated, ""))
    text = data.decode(encoding, "replace")
    written = _CHARSETS.get(stated, encoding) if data.isascii() and not wide else encoding
    default = "^~\\&"
    component, repeat, escape, subcomponent = (
        marks[n : n + 1] if len(marks) > n and not marks[n].isalnum() else default[n] for n in range(4)
    )
    message = Message(separator, component, repeat, escape, subcomponent, written, charset)
    whole: list[str] = []
    for line in text.split("\n"):
        if (found := _SEGMENT.match(line)) and (line[3:4] == separator or len(line) == found.end()):
            whole.append(line)
        elif whole and line.startswith(f"ADD{separator}"):  # the segment before goes on (2.10.2)
            whole[-1] += line[4:]
        elif whole:  # a line end within a field
            whole[-1] += "\n" + line
    for line in whole:
        parts = line.rstrip("\n").split(separator)
        raw = (parts[0], separator, *parts[1:]) if parts[0] == "MSH" else tuple(parts)
        message.segments.append(Segment(parts[0], raw, message))
    return message if message.segments else None  # a separator of another character set than the rest


def _encoding(data: bytes, stated: str) -> tuple[str, str]:
    """(the encoding, its name where it is a guess). A stated one that the bytes contradict is not believed."""
    if data.isascii() and stated not in ("iso2022_jp", "iso2022_jp_2"):
        return "utf-8", ""
    for name in dict.fromkeys((stated if not stated.startswith(("cp125", "iso8859")) else "", "utf-8", stated)):
        if not name:
            continue
        try:
            data.decode(name)
        except UnicodeError:
            continue
        return name, "" if name == stated or (name == "utf-8" and not stated) else name
    guessed = guess_charset(data[: 1 << 16])
    return guessed, guessed


def _lines(path: Path) -> Iterator[bytes]:
    rest = b""
    with reading(path), open_file(path) as file:
        while chunk := file.read(_CHUNK):
            held = rest + chunk
            cut = held.endswith(b"\r")  # its \n may be the first byte of the next chunk
            *whole, rest = _ENDS.split(held[:-1] if cut else held)
            rest += b"\r" if cut else b""
            yield from whole
            if len(rest) > LARGEST_DOCUMENT:
                raise MessageTooLong(f"a line of more than {LARGEST_DOCUMENT >> 20} MB")
    yield from _ENDS.split(rest)


def _wide_lines(path: Path) -> Iterator[bytes]:
    with reading(path), io.TextIOWrapper(open_file(path), encoding="utf-16", errors="replace", newline="") as file:
        while line := file.readline(_CHUNK):
            yield from _ENDS.split(line.encode("utf-8", "replace"))
