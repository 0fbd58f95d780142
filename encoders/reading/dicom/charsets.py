"""DICOM text to str (PS3.5, 6.1 and PS3.3, C.12.1.1.2): by the declared character set, else by the likeliest one."""

from __future__ import annotations

import re
from itertools import groupby, pairwise
from operator import itemgetter

_CODECS = {
    6: "ascii",
    100: "latin_1",
    101: "iso8859_2",
    109: "iso8859_3",
    110: "iso8859_4",
    144: "iso8859_5",
    127: "iso8859_6",
    126: "iso8859_7",
    138: "iso8859_8",
    148: "iso8859_9",
    203: "iso8859_15",
    13: "jisx0201",
    166: "tis_620",
    192: "utf_8",
    87: "iso2022_jp",
    159: "iso2022_jp_2",
    149: "euc_kr",
    58: "gb2312",
}
"""By the number of an ISO_IR term."""
_NAMES = {"": "ascii", "GB18030": "gb18030", "GBK": "gbk", "UTF-8": "utf_8", "UTF8": "utf_8", "UTF_8": "utf_8"}
_TERM = re.compile(r"ISO[\s_-]*(?:2022)?[\s_-]*IR[\s_-]*(\d{1,3})")
_SPELT = re.compile(r"(?:ISO_IR \d{1,3}|ISO 2022 IR \d{1,3}|GB18030|GBK)?")
_LATIN = frozenset({"latin_1", "iso8859_2", "iso8859_3", "iso8859_4", "iso8859_9", "iso8859_15"})

# Escape sequence -> codec that it puts in the lower half (bytes below 0x80) or in the upper (PS3.3, C.12-3 and C.12-4).
_LOWER = {
    b"\x1b(B": "ascii", b"\x1b(J": "jisx0201", b"\x1b$B": "jisx0208", b"\x1b$@": "jisx0208", b"\x1b$(D": "jisx0212",
}  # fmt: skip
_UPPER = {
    b"\x1b-A": "latin_1", b"\x1b-B": "iso8859_2", b"\x1b-C": "iso8859_3", b"\x1b-D": "iso8859_4",
    b"\x1b-L": "iso8859_5", b"\x1b-G": "iso8859_6", b"\x1b-F": "iso8859_7", b"\x1b-H": "iso8859_8",
    b"\x1b-M": "iso8859_9", b"\x1b-b": "iso8859_15", b"\x1b-T": "tis_620", b"\x1b)I": "jisx0201",
    b"\x1b$)C": "euc_kr", b"\x1b$)A": "gb2312",
}  # fmt: skip
_ESCAPES = re.compile(b"|".join(re.escape(key) for key in (*_LOWER, *_UPPER)))
_DOUBLE = {"jisx0208": b"\x1b$B", "jisx0212": b"\x1b$(D"}
_DECLARED_AS = {"jisx0208": {"iso2022_jp"}, "jisx0212": {"iso2022_jp_2"}, "jisx0201": {"jisx0201", "iso2022_jp"}}
_ENDS_SHIFT, _NEXT_VALUE = frozenset(b"\r\n\t\f"), frozenset(b"\\")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNUSED = re.compile(r"[\x80-\x9f]")
_FOREIGN = re.compile(r"[^\x00-\x7f\s]{2,}")
_MARK = re.compile(r"[^\W\d_\x00-\x7f²³¹ªº]")
_SIGN_IN_WORD = re.compile(r"[^\W\d_\x00-\x7f][^\w\x00-\x7f]+[^\W\d_\x00-\x7f]")
_LONGEST = {"latin_1": (4, 2), "iso8859_15": (4, 2)}
_LONGEST_ELSEWHERE = (5, 3)
"""Letters with marks in a row, and in a word of nothing else, that no language has: "żółć" and "üç" are words."""
_MAX_CHARACTERS = 1024


def decode_text(raw: bytes, declared: str) -> tuple[str, bool]:
    """The text without padding and control characters, and whether its character set had to be guessed.

    declared: the value of Specific Character Set, components joined by a backslash. It counts as guessed wherever what
    was declared cannot be right: bytes or escape sequences that it does not have, or text that no language writes.
    """
    raw = raw.strip(b"\0 ")
    if raw.isascii() and b"\x1b" not in raw:
        return _clean(raw.decode("ascii")), False
    names = [name.strip("\0 ") for name in declared.upper().split("\\")]
    codecs = [_codec(name) for name in names]
    is_spelt = all(_SPELT.fullmatch(name) for name in names)
    known = [codec for codec in codecs if codec]
    first = codecs[0] or ""
    if b"\x1b" in raw:
        shifted = _by_escapes(raw, first, frozenset(known))
        if shifted is not None:
            return _clean(shifted[0]), shifted[1] or not is_spelt
    text = _strict(raw, first) if first else None
    if text is not None and not _cannot_be(text, raw, first):
        return _clean(text), not is_spelt
    return _clean(_guess(raw, known, text)), True


def _codec(name: str) -> str | None:
    """The codec of one declared term, however it is spelt; None for a term that is not known."""
    term = _TERM.fullmatch(name)
    return _CODECS.get(int(term[1])) if term else _NAMES.get(name)


def _strict(raw: bytes, codec: str) -> str | None:
    """All bytes by one codec, None where it lacks any of them."""
    try:
        if codec == "jisx0201":
            return None if any(0x80 <= byte < 0xA1 or byte > 0xDF for byte in raw) else raw.decode("shift_jis")
        return raw.decode(codec)
    except UnicodeDecodeError:
        return None


def _cannot_be(text: str, raw: bytes, codec: str) -> bool:
    """Whether a set that has a character for every byte gives what nobody writes."""
    if not codec.startswith(("latin", "iso8859", "tis")):
        return False
    if _UNUSED.search(text) or _strict(raw, "utf_8") is not None:
        return True  # whole UTF-8 sequences hardly occur by chance
    rises = sum(a.islower() and b.isupper() for a, b in pairwise(text) if a > "\x7f" < b)
    if codec in ("iso8859_5", "iso8859_7") and _SIGN_IN_WORD.search(text):
        return True
    return rises > 1 or (codec in _LATIN and any(_is_odd(text, found, codec) for found in _FOREIGN.finditer(text)))


def _is_odd(text: str, found: re.Match[str], codec: str) -> bool:
    """Whether a run beyond ASCII is none of a language in Latin letters: too long, a word of its own, signs in it."""
    row, word = _LONGEST.get(codec, _LONGEST_ELSEWHERE)
    inner = found.group().strip("«»¿¡")
    letters = len(_MARK.findall(inner))
    if letters < len(inner):
        return letters > 0 if len(inner) > 1 else False
    around = text[max(0, found.start() - 1) : found.start()] + text[found.end() : found.end() + 1]
    return letters >= row or (letters >= word and not any(char.isalnum() for char in around))


def _guess(raw: bytes, known: list[str], text: str | None) -> str:
    """The likeliest text where what was declared is wrong: UTF-8, other sets declared, Windows, then as declared."""
    found = _strict(raw, "utf_8")
    if found is not None:
        return found
    for codec in known[1:] if text is None else ():
        found = _strict(raw, codec) if codec not in ("ascii", "utf_8") else None
        if found is not None:
            return found
    if text is None and known[:1] == ["jisx0201"]:
        found = _strict(raw, "shift_jis")
    elif text is None or _UNUSED.search(text):
        found = _strict(raw, "cp1252")
    return found or text or raw.decode("latin_1")


def _by_escapes(raw: bytes, first: str, declared: frozenset[str]) -> tuple[str, bool] | None:
    """Text with code extensions (ISO 2022), and whether it uses a set that is not declared; None where it is broken."""
    start = first if first not in ("", "iso2022_jp", "iso2022_jp_2", "euc_kr", "gb2312") else "ascii"
    lower, upper = "ascii", start
    parts: list[str] = []
    is_guess = False
    at = 0
    while at < len(raw):
        escape = _ESCAPES.match(raw, at)
        if escape:
            key, at = escape.group(), escape.end()
            codec = _LOWER.get(key) or _UPPER[key]
            is_guess |= codec != "ascii" and not declared & _DECLARED_AS.get(codec, {codec})
            if key in _LOWER:
                lower = codec
            else:
                upper = codec
            continue
        following = _ESCAPES.search(raw, at)
        end = following.start() if following else len(raw)
        ends = _ENDS_SHIFT if lower in _DOUBLE else _ENDS_SHIFT | _NEXT_VALUE
        kinds = [2 if byte >= 0x80 else int(byte in ends) for byte in raw[at:end]]
        for byte_kind, pairs in groupby(zip(kinds, raw[at:end], strict=True), key=itemgetter(0)):
            run = bytes(byte for _, byte in pairs)
            if byte_kind == 1:
                lower, upper = "ascii", start
            text = _half(run, upper if byte_kind == 2 else lower)
            if text is None:
                return None
            parts.append(text)
        at = end
    return "".join(parts), is_guess


def _half(run: bytes, codec: str) -> str | None:
    if codec in _DOUBLE:
        return _strict(_DOUBLE[codec] + run + b"\x1b(B", "iso2022_jp_2")
    if codec == "jisx0201" and run.isascii():
        return run.decode("ascii")
    return _strict(run, codec)


def _clean(text: str) -> str:
    return _CONTROL.sub(" ", text[:_MAX_CHARACTERS]).strip()
