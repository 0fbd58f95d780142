"""The head of a report as text: its keys, its patient, what it says of itself; and where the next report begins."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from spinecho.db.keys import accession_key, is_uid, known_patient, uid_key
from spinecho.indexer.reports.parsing.report_labels import ALONE, LABEL, SPACED, cells_of, kind_of
from spinecho.indexer.reports.report_facts import exam_key, is_exam_title, read_date, read_version
from spinecho.indexer.reports.report_status import Status, mark_of, read_status

_HEADER_LINES = 40
_LONGEST_LINE = 200
_STRONG = frozenset({"accession", "study_uid", "patient", "order"})
_CUT = re.compile(
    r"[ \t]{2,}|\t|[ \t]*[|;]|[ \t]+/[ \t]+(?=[A-Za-z]+[ \t#:])"
    r"|[ \t]+[A-Za-z][\w./'-]*(?:[ \t][\w./'-]+){0,2}[ \t]*[:=#：]|[ \t]+(?:on|dated)[ \t]"
)
_OF_ANOTHER = re.compile(
    r"[\s*#>|-]*(?:compar|prior|previous|vergleich|old\b|outside|related|see\b|also\b|history|indication|clinical|reason)",
    re.IGNORECASE,
)
_BODY = re.compile(
    r"^[\s*#_=>-]*(?:findings?|impressions?|conclusions?|opinion|report|befund|beurteilung|technique|comparison|addendum)"
    r"[\s*_]*(?:[:：].*)?$",
    re.IGNORECASE,
)
_BODY_HEADING = re.compile(
    r"^[\s*#_=>-]*(?:(?:mri?|brain|spine|key)[ \t]+)?(?:findings?|impressions?|conclusions?|opinion|befund|beurteilung)"
    r"[\s*_]*(?:[:：]|$)",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(
    r"\W*(?:electronic|sign|dictat|transcrib|report(?:ed)? by|radiologist|attending|read by|dr\b)", re.I
)
_LABEL_LIKE = re.compile(r"[\s*#>|-]*[A-Za-z][\w /.,()'#-]{0,40}[:=：]")
_TITLE = re.compile(r"[\s*#=_-]*(?:MRI?|MAGNETIC|RADIOLOGY|DEPARTMENT|HOSPITAL|CLINIC|EXAM|REPORT)\b", re.IGNORECASE)
_QUALIFIED = re.compile(r"(?:^|[\s|;,(])([^\W\d_]+)[ \t_-]$")
_OWN = re.compile(
    r"reports?|results?|document|reading|dictation|exam(?:ination)?|study|order|current|ris|transcription"
)
"""Words before "status" that leave it the report's; others say whose it is: "Patient status", "Software version"."""
_OF_OTHERS = re.compile(r"patient|pt|smoking|marital|vital|surg\w*|insurance|software|scanner|biopsy")
_LINE_OF_STAFF = re.compile(
    r"\W*(?:(?:electronically|digitally)[ \t]+)?(?:signed|dictated|transcribed|verified|approved)\b|\W*page[ \t]+\d",
    re.IGNORECASE,
)
_MOST_WORDS_OF_A_VALUE = 8
_RULE = re.compile(r"[\s\f]*(?:([-=*_#~+])(?:\s*\1){3,}[\s\f]*)?")
_SEVERAL = re.compile(r"[ \t]*(?:[,;&+/]|\band\b|\bund\b)[ \t]*")
_LIKE_A_NUMBER = re.compile(r"[A-Za-z]{0,6}[-_]?\d{3,}[A-Za-z0-9-]{0,10}")


@dataclass(frozen=True, slots=True)
class Head:
    """What the first lines of a report say; '' and None for what they do not."""

    accession_number: str = ""
    study_uid: str = ""
    patient_id: str = ""
    status: Status = ""
    dated: str = ""
    version: int | None = None
    exam: str = ""
    several: bool = False
    """It names several accession numbers: a report of several exams, or a list."""

    @property
    def keyed(self) -> bool:
        """Whether it names its study."""
        return bool(self.accession_number or self.study_uid)


def read_head(text: str) -> Head:
    """The head of one report: at most forty lines, and none after its findings begin, but for key lines."""
    lines = text[: _HEADER_LINES * _LONGEST_LINE].splitlines()[:_HEADER_LINES]
    found: dict[str, list[str]] = {}
    status: Status = ""
    exam = ""
    in_head, in_text = True, False
    capitals = not any(map(str.islower, "".join(line for line in lines if not LABEL.match(line))))
    for number, line in enumerate(lines):
        if in_head and _BODY_HEADING.match(line):
            in_head = False
        if len(line) >= _LONGEST_LINE:
            mark = mark_of(line[:_LONGEST_LINE], in_text=in_text, capitals=capitals) if in_head else ""
            in_head, status = mark != "", status or mark
            continue
        prose = line.rstrip().endswith(".") and len(line.split()) > 5
        for kind, value in _fields(lines, number, inline=in_head and not prose):
            if in_head or (kind in _STRONG and kind not in found):
                found.setdefault(kind, []).append(value)
        if in_head:
            mark = mark_of(_with_its_answer(lines, number), in_text=in_text, capitals=capitals)
            status = status or mark
            in_text = in_text or (not mark and _is_body(line) and not _LABEL_LIKE.match(line))
            exam = exam or (exam_key(line) if _TITLE.match(line) and len(line) < 100 else "")
    return _head(found, status, exam)


def _with_its_answer(lines: Sequence[str], number: int) -> str:
    """A line, and where it ends in a colon the few words below it: "Addendum:" and "none" on the next."""
    line = lines[number].rstrip(" \t*_")
    below = next((one for one in lines[number + 1 : number + 3] if one.strip()), "")
    return f"{line} {below.strip()}" if line.endswith((":", "?")) and 0 < len(below.split()) <= 3 else lines[number]


def says_more_than_keys(text: str) -> bool:
    """Whether a text has a line beside those that name its study and patient, its exam and its status.

    True for one without any such line.
    """
    lines = text.splitlines()
    keyed = answer = False
    for number, line in enumerate(lines):
        words = line.split()
        if not words or _RULE.fullmatch(line):
            continue
        if answer and len(words) <= 2 and ":" not in line:
            answer = False
            continue
        answer = False
        if len(line) >= _LONGEST_LINE or len(words) > 2 * _MOST_WORDS_OF_A_VALUE:
            return True
        cells = cells_of(line)
        if ALONE.match(line) or SPACED.match(line) or (len(cells) > 1 and all(map(ALONE.match, cells))):
            keyed, answer = True, SPACED.match(line) is None  # what is spaced has its value on its line
        elif LABEL.match(line) and not _is_sentence(line):
            keyed = True
        elif keyed and number and len(cells) > 1 and all(map(ALONE.match, cells_of(lines[number - 1]))):
            continue  # values below their labels
        elif not (
            (len(words) <= 5 and not _answered(line) and (mark_of(line) or _BODY.match(line)))
            or (_LINE_OF_STAFF.match(line) and len(words) <= _MOST_WORDS_OF_A_VALUE)
            or is_exam_title(line)
        ):
            return True
    return not keyed


def _answered(line: str) -> bool:
    """Whether something stands behind the first colon of a line."""
    return bool(line.partition(":")[2].strip(" \t*_"))


_SAYS = re.compile(r"\w\w\.\s+[A-Z]|(?<!\w)(?:is|are|was|were|no|normal|unremarkable|shows?)(?!\w)", re.IGNORECASE)
"""What no name of an exam holds."""


def _is_sentence(line: str) -> bool:
    """Whether the value of a label goes on like a report's text."""
    value = line.partition(":")[2].split()
    return (
        len(value) > _MOST_WORDS_OF_A_VALUE
        or (len(value) >= 3 and line.rstrip().endswith("."))
        or _SAYS.search(" ".join(value)) is not None
    )


def _head(found: dict[str, list[str]], status: Status, exam: str) -> Head:
    numbers = [value for value in found.get("accession", ()) if not is_uid(value)]
    uids = [*found.get("study_uid", ()), *(value for value in found.get("accession", ()) if is_uid(value))]
    orders = found.get("order", ())
    if not uids:
        uids = [value for value in orders if is_uid(value)]
    if not numbers:
        numbers = [value for value in orders if not is_uid(value)][:1]
    parts = [part for value in numbers for part in _numbers(value)]
    keys = dict.fromkeys(filter(None, map(accession_key, parts)))
    named = next((value for value in numbers if accession_key(value)), numbers[0] if numbers else "")
    dates = [read_date(value) for kind in ("dated", "day") for value in found.get(kind, ())]
    statuses = [read_status(value, of_line=True) for value in found.get("status", ())]
    stated: Status = next((one for one in statuses if one), "")
    exams = [exam_key(value) for value in found.get("exam", ())]
    return Head(
        accession_number=named,
        study_uid=next(iter(uids), ""),
        patient_id=next(filter(known_patient, found.get("patient", ())), ""),
        status=stated if stated and not (stated == "final" and status) else status,
        dated=next(filter(None, dates), ""),
        version=next((n for n in map(read_version, found.get("version", ())) if n is not None), None),
        exam=next(filter(None, exams), exam),
        several=len(keys) > 1,
    )


def _numbers(value: str) -> list[str]:
    """The accession numbers in a value: one, or each of "A1001, A1002"."""
    parts = [part for part in _SEVERAL.split(value) if part]
    if len(parts) > 1 and all(_LIKE_A_NUMBER.fullmatch(part) for part in parts) and not read_date(value):
        return parts
    return [value]


def _fields(lines: Sequence[str], number: int, *, inline: bool) -> Iterator[tuple[str, str]]:
    """(kind, value) of the labels in a line, each value up to the next label; a label alone takes the next line.

    inline: labels count wherever they stand in the line; else only at its beginning, and after other labels.
    """
    line = lines[number]
    if _OF_ANOTHER.match(line):
        return
    alone = ALONE.match(line) or (SPACED.match(line) if ":" not in line else None)
    if alone is not None and (kind := kind_of(alone)) in _STRONG:
        value = alone.groupdict().get("value") or _next_value(lines, number)
        if value:
            yield kind, value
        return
    yield from _in_columns(lines, number)
    matches = list(LABEL.finditer(line))
    before = 0
    for at, match in enumerate(matches):
        own = line[: match.start()]
        apart = not own.strip(" \t*#>|([-") or before > 0 or own.endswith(("  ", "\t", "|", ";"))
        stop = matches[at + 1].start() if at + 1 < len(matches) else len(line)
        value = line[match.end() : stop]
        if cut := _CUT.search(value):
            value = value[: cut.start()]
        value = value.strip(" \t*_,;|()[]")
        kind = kind_of(match)
        if kind in ("status", "version", "day") and _is_of_another_thing(own):
            continue
        if (apart or inline) and value and (kind not in _STRONG or any(char.isdigit() for char in value) or apart):
            before += 1
            yield kind, value
        elif apart and not value:
            before += 1


def _is_of_another_thing(own: str) -> bool:
    """Whether the word before a label says that it is not the report's; the value of a label before it does not."""
    if (match := _QUALIFIED.search(own)) is None:
        return False
    word = match[1].casefold()
    return bool(_OF_OTHERS.fullmatch(word)) or (not _OWN.fullmatch(word) and not re.search(r"[:=#|]", own))


def _next_value(lines: Sequence[str], number: int) -> str:
    for line in lines[number + 1 : number + 3]:
        plain = line.strip(" \t*|")
        if plain:
            is_value = len(plain) <= 64 and any(char.isdigit() for char in plain) and len(plain.split()) <= 2
            return plain if is_value and not re.search(r"[:=]", plain) else ""
    return ""


def _in_columns(lines: Sequence[str], number: int) -> Iterator[tuple[str, str]]:
    """Labels side by side, their values side by side below; or each value in the cell after its label."""
    cells = cells_of(lines[number])
    for label, value in pairwise(cells):
        if (match := ALONE.match(label)) and kind_of(match) in _STRONG and any(char.isdigit() for char in value):
            yield kind_of(match), value
    if len(cells) < 2 or any(any(char.isdigit() for char in cell) for cell in cells):
        return
    kinds = [kind_of(match) if (match := ALONE.match(cell)) else "" for cell in cells]
    if not _STRONG & set(kinds):
        return
    below = next((line for line in lines[number + 1 : number + 3] if line.strip(" \t|+-=")), "")
    values = cells_of(below[:_LONGEST_LINE])
    if len(values) == len(cells):
        yield from ((kind, value) for kind, value in zip(kinds, values, strict=True) if kind)


# Several reports in one file


@dataclass(frozen=True, slots=True)
class Part:
    """text[start:stop] is a report."""

    start: int
    stop: int


class NotDivided(Exception):
    """The file holds several reports, and where each begins, or which study it is of, is not certain."""


@dataclass(slots=True)
class _Block:
    """Key lines with no sentence between them."""

    first: int
    last: int
    values: dict[str, set[str]] = field(default_factory=dict)

    def against(self, other: _Block) -> bool:
        """Whether the two name different exams or patients."""
        mine, theirs = self.values, other.values
        return any(not mine[kind] & theirs[kind] for kind in mine.keys() & theirs.keys())


_NORMAL = {"accession": accession_key, "study_uid": uid_key, "patient": known_patient}
_MAYBE = re.compile(r"acc|uid|mrn|patient|record|name|order|exam|pid|hospital|pt\b|req|study|case", re.IGNORECASE)


def divide(text: str) -> list[Part]:
    """The reports of a file: one, or each that begins with a head of its own.

    Raises `NotDivided` where heads name different exams or patients, but one names no exam, or has no text.
    """
    pieces = text.splitlines(keepends=True)
    lines = [piece.rstrip("\r\n\f\v\x1c\x1d\x1e\x85\u2028\u2029") for piece in pieces]
    blocks = _merged(_blocks(lines))
    if len(blocks) < 2:
        return [Part(0, len(text))]
    if any(not {"accession", "study_uid"} & block.values.keys() for block in blocks):
        raise NotDivided
    starts = [0]
    for before, block in pairwise(blocks):
        starts.append(_start_of(lines, block.first, before.last + 1))
    bounds = [*starts, len(lines)]
    bodies = [lines[one:two] for one, two in pairwise(bounds)]
    headed = [any(map(_BODY_HEADING.match, body)) for body in bodies]
    if not all(any(map(_is_body, body)) for body in bodies) or (any(headed) and not all(headed)):
        raise NotDivided  # the number of an earlier exam, or of a related one
    offsets = [0]
    for piece in pieces:
        offsets.append(offsets[-1] + len(piece))
    return [Part(offsets[one], offsets[two]) for one, two in pairwise(bounds)]


def _blocks(lines: Sequence[str]) -> Iterator[_Block]:
    block: _Block | None = None
    for number, line in enumerate(lines):
        if block is not None and _is_body(line):
            yield block
            block = None
        if len(line) >= _LONGEST_LINE or not _MAYBE.search(line):
            continue
        for kind, value in _fields(lines, number, inline=False):
            if kind not in ("accession", "study_uid", "patient", "name"):
                continue
            for one in _numbers(value) if kind == "accession" else [value]:
                key = _NORMAL[kind](one) if kind in _NORMAL else " ".join(one.casefold().split())
                if key:
                    block = block or _Block(number, number)
                    block.last = number
                    block.values.setdefault(kind, set()).add(key)
    if block is not None:
        yield block


def _merged(blocks: Iterator[_Block]) -> list[_Block]:
    """Heads of different reports; one that repeats the keys of the last, as printed pages do, is of the same."""
    found: list[_Block] = []
    for block in blocks:
        if found and not found[-1].against(block):
            for kind, values in block.values.items():
                found[-1].values.setdefault(kind, set()).update(values)
            found[-1].last = block.last
        else:
            found.append(replace(block))
    return found


def _is_body(line: str) -> bool:
    """Whether a line is a report's text rather than its head."""
    if _BODY.match(line):
        return True
    words = line.split()
    if _LABEL_LIKE.match(line) and len(words) < 12:
        return False
    return len(words) >= 10 or (len(words) >= 3 and line.rstrip().endswith("."))


def _start_of(lines: Sequence[str], first: int, floor: int) -> int:
    """The line in which the head begins that holds the key line `first`."""
    start = at = first
    while at > floor:
        line = lines[at - 1]
        if _RULE.fullmatch(line):
            at -= 1
            if line.strip():  # a rule above the head begins it
                start = at
            continue
        header = _LABEL_LIKE.match(line) or _TITLE.match(line) or mark_of(line)
        if _is_body(line) or _SIGNATURE.match(line) or not header:
            break
        at -= 1
        start = at
    return start
