"""Cutting running text into sentences without losing a character's place.

Rules instead of a trained splitter: reports are full of abbreviations, measures and lists, and an index must not
change because a model did.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from spinecho.encoders.language.parts.administration import is_title

Span = tuple[int, int]

LONGEST = 2000
"""Characters. What goes on without an end for longer is cut at a space: no network reads further anyway."""

_ABBREVIATED = (
    "approx ca cf dr drs prof mr mrs ms st vs v viz resp incl excl esp e.g eg i.e ie al inc z.b bzw ggf u.a d.h v.a s.a"
    " max min avg dept tel ref pt pts hx dx tx fx wt ht temp vol seq ant post sup inf lat med bilat rt lt ext int temp"
    " neg prob poss susp eval fam sig signif mod op m n nn art vv ligg sog evtl inkl zn z.n st.p li re bds dd"
)
_ABBREVIATIONS = frozenset(_ABBREVIATED.split())
_SHORT_SIDES = frozenset({"izq", "izda", "izdo", "izqda", "izqdo", "dcha", "dcho", "dch"})
"""Sides, after which a sentence goes on in small letters or ends: "quiste dcho. simple"."""
_BEGINS = re.compile(r"\s*(?:no|se|el|los|las|resto)\s")
_NUMBERED = "no nos nr fig figs im img se ser series grade gr level lvl p pp vol c l t s abb"
_BEFORE_NUMBER = frozenset(_NUMBERED.split())
_NARROW, _SLACK = 36, 30
"""Characters: a text narrower than this is no wrapped text, and a wrapped line leaves less than this free."""
_STOP = re.compile(r"[.!?]+[\"'”’)\]*]*(?=\s|$)|(?<=[a-z)]{3})\.(?=[A-Z][a-z])")
_WORD_BEFORE = re.compile(r"[\w.]*\w$")
_LIST_MARKER = re.compile(r"[ \t]*(?:\(?\d{1,2}[.)]|[-*•·–—]|[a-hA-H]\)|\(?[ivx]{1,4}\))(?=[ \t]|\Z)[ \t]*")
_INLINE_MARKER = re.compile(
    r"(?<![^\s:;,.])\(?(?:(?P<number>\d{1,2})|(?P<letter>[a-hA-H]))[.)](?=[ \t\xa0]{1,5}(?:[^\W\d_]|\?))"
    r"|(?<=\s)[•▪●◦‣](?=\S|\s\S)"
)
_BREAK = re.compile(
    r"\r\n|\n|\r|<(?:br|/?(?:p|li|div|tr|td|ul|ol))\b[^<>]{0,40}>|\\\.br\\|\\\.sp\d*\\|~(?! ?\d)", re.IGNORECASE
)
"""Ends of lines, as text, HTML and HL7 (`\\.br\\`, and `~` between repetitions) write them."""
_DASHES = ("- ", "* ", "– ", "+ ")
_ANSWERED = re.compile(r"[:?=–-][ \t]*(?:no|not)$", re.IGNORECASE)
_ANSWER = (
    r"(?:no|none|nil|nope|(?:not|none) (?:here|so|at all|now|today|currently|at present|any ?more|any longer"
    r"|(?:in|on|at|by|to|from) (?:this|these|today's|my|the (?:present|current|available)) \w+(?: \w+)?"
    r"|(?:that|as far as) (?:\w+ ){1,3}(?:can |could )?(?:see|tell|find|show|detect|make out|identify|discern)s?)"
    r"|(?:certainly|definitely|thankfully|fortunately) not|absent|excluded|ruled out|negative"
    r"|(?:but )?none (?:is |was )?(?:seen|found)"
    r"|(?:this |it )?(?:is |was |has been )?(?:excluded|ruled out)|no evidence(?: of (?:this|it|one|any|such))?"
    r"|(?:not|none|never) (?:\w+ly )?(?:seen|found|identified|present|visible|demonstrated|detected|shown|confirmed"
    r"|evident|excluded))"
)
_ANSWERS = re.compile(
    rf"\s*(?:(?:a|ans|answer|reply|response) ?:\s*)?(?:(?:yes|no|none|nil|y|n)(?!\w)"
    r"|(?:[-–—:=(]+>?|->|but|and|reveals?|shows?)?"
    rf"\s*(?:{_ANSWER})\W*(?:\n|$|\s(?-i:[A-Z]))"
    r"|(?:negative|absent|excluded|unlikely|possible|possibly|present)\.)",
    re.IGNORECASE,
)
_ANSWERED_TOGETHER = re.compile(
    r"(?:\s{0,9}[^.?!\n]{1,60}\?){0,6}\s{0,9}(?:neither|none|both|all|no to (?:both|all))"
    r"(?: (?:of (?:these|them|those|which)|are|is|was|were|ruled out|excluded|absent|negative|seen|found|present"
    r"|identified|visible|demonstrated|detected|shown|confirmed|not|unlikely|there)(?!\w))*\.?\s*(?:\n|$|\s(?=(?-i:[A-Z])))",
    re.IGNORECASE,
)
"""After a question: "Syrinx? Ependymoma? Neither is seen." is one statement."""
_ANSWERS_ALONE = re.compile(rf"[ \t]+(?:{_ANSWER})[.!]?\s*(?:\n|$|\s(?=(?-i:[A-Z])))", re.IGNORECASE)
"""After a request: "Evaluate for leak. None." is one statement."""
_ASKS = re.compile(
    r"(?<!\w)(?:query|r/o|rule out|ruling out|exclude|evaluat\w+ for|assess\w* for|look(?:ing)? for|concern for"
    r"|suspected|suspicion of|search for|screen\w* for)(?!\w)|\?\w",
    re.IGNORECASE,
)
_LABEL = re.compile(r"[ \t]*[A-ZÄÖÜ][\w /&-]{1,40}:")
_FUNCTION_WORDS = (
    "a an the of in on at to with without and or nor no not for from by is are was were be has left right than as der"
    " die das des dem den im in mit ohne und oder kein keine von"
)
_WRAPS_AFTER = frozenset(_FUNCTION_WORDS.split())
_BLANKS = " \t\r\n\xa0\f\v"


def sentence_spans(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """Spans of sentences within text[start:end], in order, trimmed, each holding a letter or a digit."""
    stop = len(text) if end is None else end
    return [
        span
        for block in _blocks(text, start, stop)
        for sentence in _split(text, *block)
        for span in _pieces(text, *_trim(text, *sentence))
        if any(char.isalnum() for char in text[span[0] : span[1]])
    ]


def _blocks(text: str, start: int, end: int) -> Iterator[Span]:
    """Runs of lines that one sentence may fill: cut at blank lines, list items, labels, marks, and unwrapped lines."""
    lines: list[tuple[int, int, bool]] = []
    at, marked = start, False
    for match in _BREAK.finditer(text, start, end):
        lines.append((at, match.start(), marked))
        at, marked = match.end(), match.group()[0] not in "\r\n"
    lines.append((at, end, marked))
    width = max((len(text[a:b].rstrip()) for a, b, _ in lines), default=0)
    begin: int | None = None
    stop = start
    last = ""
    for a, b, marked in lines:
        line = text[a:b].strip(_BLANKS)
        if begin is not None and (marked or not line or _starts_anew(text[a:b], last, width)):
            yield from _items(text, begin, stop)
            begin = None
        if line and begin is None:
            begin = a
        stop = b
        last = text[a:b].rstrip(_BLANKS)
    if begin is not None:
        yield from _items(text, begin, stop)


def _items(text: str, start: int, end: int) -> Iterator[Span]:
    """A list run together, item by item: "1) cavernoma 2) no infarct". A number alone, out of order, is no mark."""
    opening = text[start : start + 80].lstrip()[:2]
    if opening in _DASHES:  # "- no fracture - no dislocation"
        for at in [
            at
            for at in _found(text, f" {opening}", start, end)
            if text[start:at].strip() and not _ANSWERS.match(text, at + len(opening))
        ]:
            yield start, at
            start = at
        yield start, end
        return
    marks = [(match.start(), _mark(match)) for match in _INLINE_MARKER.finditer(text, start, end)]
    last = {mark: at for at, mark in marks}
    begin, expected = start, ""
    for at, mark in marks:
        if mark and mark != expected and (mark not in ("1", "a") or last.get(_next_mark(mark), -1) < at):
            continue
        yield begin, at
        begin, expected = at, _next_mark(mark) if mark else expected
    yield begin, end


def _found(text: str, part: str, start: int, end: int) -> Iterator[int]:
    at = text.find(part, start, end)
    while at >= 0:
        yield at
        at = text.find(part, at + 1, end)


def _mark(match: re.Match[str]) -> str:
    """The number or letter of a list mark, "" for a bullet."""
    return match["number"] or (match["letter"] or "").lower()


def _next_mark(mark: str) -> str:
    return str(int(mark) + 1) if mark.isdigit() else chr(ord(mark) + 1)


def _starts_anew(line: str, last: str, width: int) -> bool:
    """True where `line` cannot be the wrapped rest of `last`."""
    if _LIST_MARKER.match(line) or _LABEL.match(line):
        return True
    words, before = line.split(maxsplit=1), last.rsplit(maxsplit=1)
    if not words or not before:
        return False
    if _ANSWERED.search(last, max(len(last) - 20, 0)):
        return True
    if before[-1][-1] in ",;-/(" or before[-1].lower() in _WRAPS_AFTER:
        return False
    if is_title(last):
        return True
    if width < _NARROW and words[0].lower() not in _WRAPS_AFTER:
        return True
    if not words[0][0].isupper():
        # Nobody wraps so early: lines of a list, in lower case and without stops.
        if words[0].lower() in _WRAPS_AFTER:
            return False
        return len(last) + _SLACK + len(words[0]) <= width
    # A capital where the word would still have fitted above: a writer who ends lines, not a wrap.
    return len(last) + 1 + len(words[0]) <= width


def _split(text: str, start: int, end: int) -> Iterator[Span]:
    marker = _LIST_MARKER.match(text, start, end)
    begin = marker.end() if marker else start
    for match in _STOP.finditer(text, begin, end):
        if match.start() < begin or not _ends_sentence(text, begin, match):
            continue
        yield begin, match.end()
        marker = _LIST_MARKER.match(text, match.end(), end)
        # "... mass. 2. No shift": the number opens the next item of a list run together.
        begin = marker.end() if marker else match.end()
    yield begin, end


def _ends_sentence(text: str, begin: int, stop: re.Match[str]) -> bool:
    before = text[max(begin, stop.start() - 40) : stop.start()]
    if not any(char.isalnum() for char in before):
        return False
    mark = stop.group().rstrip("\"'”’)]*")
    if mark != ".":
        if mark[0] == "?" and text[stop.start() - 1].isspace() and text[stop.end() : stop.end() + 2].strip():
            return False  # opens what it asks: "Mass; ? infarct"
        if "?" not in mark:
            return True
        return not (_ANSWERS.match(text, stop.end()) or _ANSWERED_TOGETHER.match(text, stop.end()))
    if _ANSWERS_ALONE.match(text, stop.end()) and _ASKS.search(text, begin, stop.start()):
        return False
    following = text[stop.end() : stop.end() + 20].lstrip(_BLANKS)[:1]
    found = _WORD_BEFORE.search(before)
    word = found.group() if found else ""
    if word.lower() in _ABBREVIATIONS:
        return not following
    if word.lower() in _SHORT_SIDES and following.islower() and not _BEGINS.match(text, stop.end()):
        return False
    if following.isdigit() and word.lower() in _BEFORE_NUMBER:
        return False
    if len(word) == 1 and word.isupper() and word.isalpha() and following.isupper():
        return False  # an initial: "J. Smith"
    if following.islower():
        # "on T1. weighted" goes on; all-lower-case dictation ("no mass. no shift.") does not.
        return len(word) > 2 and word.isalpha() and word.islower()
    return True


def _trim(text: str, start: int, end: int) -> Span:
    while start < end and (text[start].isspace() or text[start] in "*_#>"):
        start += 1
    while start < end and (text[end - 1].isspace() or text[end - 1] in "*_"):
        end -= 1
    return start, end


def _pieces(text: str, start: int, end: int) -> Iterator[Span]:
    while end - start > LONGEST:
        cut = text.rfind(" ", start + LONGEST // 2, start + LONGEST)
        cut = start + LONGEST if cut < 0 else cut
        yield _trim(text, start, cut)
        start, end = _trim(text, cut, end)
    if start < end:
        yield start, end
