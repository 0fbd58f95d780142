"""DICOM text to str (PS3.5, 6.1 and PS3.3, C.12.1.1.2): by the declared character set, else by the likeliest one."""

from __future__ import annotations

import re

_CODECS = {
    "": "ascii",
    "ISO_IR 6": "ascii",
    "ISO_IR 100": "latin_1",
    "ISO_IR 101": "iso8859_2",
    "ISO_IR 109": "iso8859_3",
    "ISO_IR 110": "iso8859_4",
    "ISO_IR 144": "iso8859_5",
    "ISO_IR 127": "iso8859_6",
    "ISO_IR 126": "iso8859_7",
    "ISO_IR 138": "iso8859_8",
    "ISO_IR 148": "iso8859_9",
    "ISO_IR 203": "iso8859_15",
    "ISO_IR 13": "shift_jis",
    "ISO_IR 166": "tis_620",
    "ISO_IR 192": "utf_8",
    "GB18030": "gb18030",
    "GBK": "gbk",
    "ISO_IR 87": "iso2022_jp_2",
    "ISO_IR 159": "iso2022_jp_2",
    "ISO_IR 149": "euc_kr",
    "ISO_IR 58": "gb2312",
}
_ESCAPES = re.compile(rb"\x1b(?:\$\)[AC]|\([BJ]|-[A-Z]|\$\(D|\)I)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_MAX_CHARACTERS = 1024


def decode_text(raw: bytes, declared: str) -> tuple[str, bool]:
    """The text without padding and control characters, and whether its character set had to be guessed.

    declared: the value of Specific Character Set, components joined by a backslash.
    """
    raw = raw.strip(b"\0 ")
    if raw.isascii() and b"\x1b" not in raw:
        return _clean(raw.decode("ascii")), False
    names = declared.upper().split("\\")
    if any(escape in raw for escape in (b"\x1b$B", b"\x1b$@", b"\x1b(J")):
        names.insert(0, "ISO_IR 87")
    for name in names:
        codec = _CODECS.get(name.strip().replace("ISO 2022 IR", "ISO_IR").replace("ISO_IR_", "ISO_IR "))
        if codec is None:
            continue
        if codec.startswith(("latin", "iso8859")) and _is_utf8(raw):
            return _clean(raw.decode("utf_8")), True
        body = raw if codec.startswith("iso2022") else _ESCAPES.sub(b"", raw)
        try:
            return _clean(body.decode(codec)), False
        except UnicodeDecodeError:
            continue
    try:
        return _clean(raw.decode("utf_8")), True
    except UnicodeDecodeError:
        return _clean(raw.decode("latin_1")), True


def _is_utf8(raw: bytes) -> bool:
    """True for what a one-byte set decodes as well, into nonsense: whole UTF-8 sequences hardly occur by chance."""
    try:
        raw.decode("utf_8")
    except UnicodeDecodeError:
        return False
    return True


def _clean(text: str) -> str:
    return _CONTROL.sub(" ", text[:_MAX_CHARACTERS]).strip()
