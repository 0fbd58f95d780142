"""Filters as typed: `sequence=T2,FLAIR and (age>=60 or sex=F) and not vendor=GE and says:present("haemorrhage")`.

    filter     =  all ("or" all)*
    all        =  one ("and" one)*
    one        =  "not" one  |  "(" filter ")"  |  condition  |  says  |  "everything"
    condition  =  FIELD ("=" | "!=") value ("," value)*  |  FIELD (">=" | "<=" | ">" | "<" | "~") value
    says       =  "says" [":" ASSERTION] "(" value ("," (value | size | within))* ")"
    within     =  "side" "=" ("left" | "right" | "both")  |  ("place" | "finding") "=" value
    size       =  "size" (">=" | "<=" | ">" | "<" | "=") NUMBER ["mm" | "cm"]

A value in double quotes may hold anything, with a backslash before a quote or a backslash.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import TypeVar, get_args

from spinecho.db.errors import FilterError
from spinecho.db.filters.coded import age_range, date_span, tesla_number
from spinecho.db.filters.conditions import (
    ALL,
    ASSERTIONS,
    FIELDS,
    KINDS,
    SCORE,
    UNRECORDED,
    All,
    And,
    Asserted,
    Between,
    Contains,
    Filter,
    Is,
    Not,
    Or,
    Says,
    Value,
    by_sql_alone,
    label_name,
)
from spinecho.db.filters.size import DEEPEST, MOST, NAMES, require_length
from spinecho.db.filters.sql import read_number, require_field
from spinecho.db.filters.typed_dates import day_of, of_dates
from spinecho.db.filters.typed_says import WITHIN, Expand, Misplaced, Said, Situate

EXAMPLE = 'sequence=T2,FLAIR and (age>=60 or sex=F) and not says:present("haemorrhage")'
Taken = TypeVar("Taken")

_FIELD = r"(?P<field>\w+(?:\.[\w -]*\w)?)\s*"
_CONDITION = re.compile(_FIELD + r"(?P<sign>!=|>=|<=|>|<|=|~)\s*")
_WHOLE = re.compile(r"^\s*" + _CONDITION.pattern + r"(?P<value>.*?)\s*$")
_SAYS = re.compile(r"says\s*(?::\s*(?P<assertion>\w*)\s*)?\(", re.IGNORECASE)
_JOIN = re.compile(r"(?:and|or)(?=[\s(]|$)", re.IGNORECASE)
_STARTS = re.compile(rf"\s*(?:not\b|\(|\s)*(?:{_SAYS.pattern}|{_CONDITION.pattern}|everything\b)", re.IGNORECASE)
_ANOTHER = re.compile(
    rf"\s(?P<field>{'|'.join(FIELDS)}|(?:predicted|label)\.[\w-]+)\s*(?:!=|>=|<=|>|<|=|~)", re.IGNORECASE
)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)


class FilterSyntaxError(FilterError):
    """A typed filter that cannot be read. position: where, from 1; expected: what would be right there."""

    def __init__(self, text: str, at: int, expected: str) -> None:
        self.position, self.expected = at + 1, expected
        found = f"{_short(text[at:])!r}" if text[at:].strip() else "the end"
        super().__init__(
            f"cannot read the filter at character {at + 1}, {found}: expected {expected}; write it like {EXAMPLE}"
        )


def parse_filter(text: str, *, expand: Expand | None = None, situate: Situate | None = None) -> Filter:
    """A filter as typed: conditions as `parse_condition` takes them, with `and`, `or`, `not` and parentheses.

    `expand` gives the other names of a finding in `says(...)`, `situate` the side and the place in a name. Raises
    `FilterSyntaxError`, which tells the place, and `FilterError` for an unknown field or a value that cannot be.
    """
    require_length(text)
    return _Reader(text, expand or (lambda name: (name,)), situate).whole()


def parse_condition(text: str) -> Filter:
    """One condition as typed: `sequence=T1,T2`, `plane!=axial`, `age>=40`, `date<2024-01-31`, `description~flair`.

    What heads predicted is `predicted.TASK`, with `predicted.score>=0.8` for how sure they must be: `predicted.sex=F`,
    `predicted.age>60`. What a table of subjects says is `label.NAME`, as in `label.group=patient`. Raises `FilterError`
    with an example when it cannot be read.
    """
    found = _WHOLE.match(text)
    if not found:
        raise FilterError(f"cannot read the condition {text!r}; write it like sequence=T2, age>=40 or description~knee")
    field, sign, value = found["field"], found["sign"], found["value"]
    _require(field)
    values = [part.strip() for part in value.split(",") if part.strip()] if sign in {"=", "!="} else [value]
    if not value or not values:
        raise FilterError(f"the condition {text!r} has no value; write it like {field}{sign}VALUE")
    return _condition(field, sign, values)


def write_filter(where: Filter) -> str:
    """The filter as it would be typed; `parse_filter` makes an equal condition of it."""
    match where:
        case All():
            return "everything"
        case Is(field, values):
            if not values:
                return "not everything"
            return f"{field}={','.join(map(_written, values))}"
        case Between(field, low, high):
            limits = [f"{field}>={_written(low)}"] if low is not None else []
            limits += [f"{field}<={_written(high)}"] if high is not None else []
            return " and ".join(limits) if limits else "everything"
        case Contains(field, text):
            return f"{field}~{_written(text)}"
        case Says(names, assertion, _, low, high, sides, places, findings):
            within = [*(f"side={side}" for side in sides), *(f"place={_written(place)}" for place in places)]
            within += [f"finding={_written(finding)}" for finding in findings]
            within += [f"size{sign}{value!r}mm" for sign, value in ((">=", low), ("<=", high)) if value is not None]
            return f"says:{assertion}({', '.join([*map(_written, names), *within])})"
        case Not(part):
            return f"not {_nested(part)}"
        case And(parts):
            return " and ".join(map(_nested, parts)) if parts else "everything"
        case Or(parts):
            return " or ".join(map(_nested, parts)) if parts else "not everything"


def _nested(where: Filter) -> str:
    text = write_filter(where)
    simple = isinstance(where, Is | Contains | Says | All) and text != "not everything"
    return text if simple else f"({text})"


def _written(value: Value) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case date():
            return value.isoformat()
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case _:
            return repr(float(value)).removesuffix(".0")


class _Reader:
    """Recursive descent over the text, by the grammar above."""

    def __init__(self, text: str, expand: Expand, situate: Situate | None) -> None:
        self._text, self._expand, self._situate = text, expand, situate
        self._at = self._depth = self._count = self._names = 0

    def whole(self) -> Filter:
        found = self._any()
        if self._at < len(self._text):
            closing = self._text[self._at] == ")"
            raise self._error("no ')' here, as none is open" if closing else "'and', 'or' or the end")
        return found

    def _any(self) -> Filter:
        parts = [self._all()]
        while self._word("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _all(self) -> Filter:
        parts = [self._one()]
        while self._word("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _one(self) -> Filter:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._error(f"at most {DEEPEST} levels of parentheses and 'not'")
        found = self._inner()
        self._depth -= 1
        return found

    def _inner(self) -> Filter:
        if self._word("not"):
            opens = self._text.startswith("(", self._at)  # `not (` is one level, as it is of a value
            return Not(self._inner() if opens else self._one())
        if self._text.startswith("(", self._at):
            opened = self._at
            self._move(self._at + 1)
            found = self._any()
            if not self._text.startswith(")", self._at):
                raise self._error(f"')' for the '(' at character {opened + 1}")
            self._move(self._at + 1)
            return found
        self._count += 1
        if self._count > MOST:
            raise self._error(f"at most {MOST} conditions")
        if self._word("everything"):
            return ALL
        if says := _SAYS.match(self._text, self._at):
            return self._says(says)
        if condition := _CONDITION.match(self._text, self._at):
            return self._field(condition["field"], condition["sign"], condition.end())
        if name := re.compile(r"\w+").match(self._text, self._at):
            if name[0].casefold() == "says":
                self._at = name.end()
                raise self._error("a finding in parentheses, as in says:present(haemorrhage)")
            if name[0] in KINDS:
                self._at = name.end()
                raise self._error("one of = != >= <= > < ~")
        raise self._error("a condition such as sequence=T2, age>=40 or description~knee")

    def _field(self, field: str, sign: str, value_at: int) -> Filter:
        _require(field)
        self._move(value_at)
        many = sign in {"=", "!="}
        values = self._values(field, sign, many=many)
        return _condition(field, sign, values)

    def _values(self, field: str, sign: str, *, many: bool) -> list[str]:
        values: list[str] = []
        while True:
            value = self._value(commas=many, lenient=sign == "~")
            values += [value] if value is not None else []
            if not (many and self._text.startswith(",", self._at)):
                if not values:
                    raise self._error(f"a value, as in {field}{sign}VALUE")
                return values
            self._move(self._at + 1)

    def _says(self, found: re.Match[str]) -> Filter:
        given = (found["assertion"] or "present").casefold() if found["assertion"] != "" else ""
        assertion = next((one for one in get_args(Asserted) if one == given), None)
        if assertion is None:
            self._at = found.start("assertion")
            raise self._error(f"one of {', '.join(ASSERTIONS)}")
        self._move(found.end())
        said, start = Said(), self._at
        while True:
            at = self._at
            if within := WITHIN.match(self._text, at):
                self._move(within.end())
            label = self._value(commas=True, lenient=True)
            if label is None:
                raise self._error("the name of a finding, as in says:present(haemorrhage)")
            if within:
                self._taken(at, partial(said.within, within["key"].casefold(), label, self._situate))
            elif self._text[at : at + 4].casefold() != "size" or not said.sized(label):
                if _CONDITION.match(self._text, at):
                    self._at = at
                    raise self._error("names, a size, a side or a place, as in says:present(tear, side=left)")
                self._names += 1
                if self._names > NAMES:
                    raise self._error(f"at most {NAMES:,} names of findings")
                said.labels.append(label)
            if not self._text.startswith(",", self._at):
                break
            self._move(self._at + 1)
        if not self._text.startswith(")", self._at):
            raise self._error("')' after the name of the finding")
        self._move(self._at + 1)
        if not said.labels:
            raise self._error("the name of a finding beside it, as in says:present(mass, size>=40mm)")
        return self._taken(start, partial(said.condition, assertion, self._expand, self._situate))

    def _taken(self, at: int, read: Callable[[], Taken]) -> Taken:
        """What `read` gives. Raises `FilterSyntaxError` for this place where it finds something misplaced."""
        try:
            return read()
        except Misplaced as error:
            raise FilterSyntaxError(self._text, at, str(error)) from None

    def _value(self, *, commas: bool, lenient: bool) -> str | None:
        """One value from here on, in quotes or bare; None where there is none.

        A bare one ends at a closing parenthesis of ours, at `and` or `or` and, with `commas`, at a comma. With
        `lenient` it may hold `and` and `or` where no condition follows them.
        """
        text, start = self._text, self._at
        if text.startswith('"', start):
            quoted = _QUOTED.match(text, start)
            if quoted is None:
                raise FilterSyntaxError(text, start, "a closing quote")
            self._move(quoted.end())
            return re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL)
        open_ones, at = 0, start
        while at < len(text):
            char = text[at]
            if (char == ")" and not open_ones) or (char == "," and commas and not open_ones):
                break
            join = _JOIN.match(text, at) if text[at - 1 : at].isspace() and not open_ones else None
            if join and (not lenient or _STARTS.match(text, join.end())):
                break
            open_ones += (char == "(") - (char == ")")
            at += 1
        bare = text[start:at]
        if not lenient and (another := _ANOTHER.search(bare)):
            raise FilterSyntaxError(text, start + another.start("field"), "'and' or 'or' before another condition")
        self._move(at)
        return bare.strip() or None

    def _word(self, word: str) -> bool:
        """Step over the word where it stands here."""
        self._move(self._at)
        end = self._at + len(word)
        if self._text[self._at : end].casefold() != word or re.compile(r"\w|\s*[=~<>!]").match(self._text, end):
            return False
        self._move(end)
        return True

    def _move(self, at: int) -> None:
        while at < len(self._text) and self._text[at].isspace():
            at += 1
        self._at = at

    def _error(self, expected: str) -> FilterSyntaxError:
        return FilterSyntaxError(self._text, self._at, expected)


def _require(field: str) -> None:
    if not by_sql_alone(field):
        require_field(field)


def _condition(field: str, sign: str, values: Sequence[str]) -> Filter:
    if field == SCORE:
        return Between(field, low=_score(field + sign + ",".join(values), sign, values[0]))
    if sign == "~":
        return Contains(field, values[0])
    if field == "age" and any(age_range(value) for value in values):
        return _of_age(sign, values)
    if field == "date" and any(date_span(value) for value in values):
        return of_dates(sign, values)
    if sign in {">=", "<=", ">", "<"}:
        bound = read_number(field, values[0]) if by_sql_alone(field) else _value(field, values[0])
        within = Between(field, low=bound) if sign[0] == ">" else Between(field, high=bound)
        same_bound = _written(bound) if label_name(field) else bound  # of a label words are compared, and so read back
        return within if sign[1:] else And((within, Not(Is(field, (same_bound,)))))
    same = Is(field, tuple(_value(field, value) for value in values))
    return same if sign == "=" else Not(same)


def _of_age(sign: str, values: Sequence[str]) -> Filter:
    """Ages of which one has a unit: 18m, 6 weeks, 018M, 55y. A month is a whole month, as a year is a whole year."""
    known = [age_range(value) or (read_number("age", value), None) for value in values]
    spans: list[Filter] = [age_between(low, high) for low, high in known]
    low, high = known[0]
    match sign:
        case "=":
            return spans[0] if len(spans) == 1 else Or(tuple(spans))
        case "!=":
            return Not(spans[0] if len(spans) == 1 else Or(tuple(spans)))
        case ">=":
            return Between("age", low=low)
        case "<=":
            return Between("age", high=low) if high is None else Between("age", high=math.nextafter(high, 0.0))
        case ">":
            return And((Between("age", low=low), Not(Is("age", (low,))))) if high is None else Between("age", low=high)
        case _:
            return Between("age", high=math.nextafter(low, -1.0))


def age_between(low: float, below: float | None) -> Filter:
    """Of an age as `db.coded.age_range` gives it."""
    return Is("age", (low,)) if below is None else Between("age", low, math.nextafter(below, 0.0))


def _score(text: str, sign: str, value: str) -> float:
    try:
        least = float(value)
    except ValueError:
        least = -1.0
    if sign != ">=" or not 0.0 <= least <= 1.0:
        raise FilterError(f"cannot read {text!r}; write the least score like {SCORE}>=0.8, from 0 to 1")
    return least


def _value(field: str, text: str) -> Value:
    if text == UNRECORDED and KINDS.get(field) in {"number", "date"}:
        return UNRECORDED
    match KINDS.get(field):
        case "number":
            return read_number(field, tesla_number(text) if field == "field_strength" else text)
        case "date":
            return day_of(text)
        case "flag":
            if text.lower() not in {"yes", "no", "true", "false"}:
                raise FilterError(f"{field} needs yes or no, not {text!r}")
            return text.lower() in {"yes", "true"}
        case _:
            return text


def _short(text: str) -> str:
    return text if len(text) <= 30 else text[:29] + "…"
