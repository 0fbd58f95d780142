"""What a list may say of people when it leaves the house: codes, coded facts, whole years, days since a first study.

Nothing that somebody typed or that stood in a header leaves as it is, as it may name a patient: what leaves is taken
from the tables of values that Spinecho itself gives (sequence, body region ...), or is a number, or is left out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, get_args

from spinecho.db.filters.algebra import All, Between, Filter, Is, Says, leaves, parse_filter
from spinecho.db.people.cohorts import CohortError, Frozen, Member
from spinecho.db.people.masking import masked_rows
from spinecho.encoders.acquisition.facts import BodyRegion, BodySide, Component, Contrast, Dixon, Plane, Vendor
from spinecho.encoders.acquisition.facts import Sequence as SequenceName
from spinecho.encoders.acquisition.image_kinds import COMPUTED, TECHNIQUES
from spinecho.encoders.registry import CHECKPOINTS, ENCODERS
from spinecho.errors import QueryError
from spinecho.search.cohorts.definition import FIELDS, KINDS
from spinecho.search.cohorts.freezing import balance_of, shown_making

OLDEST = 89
"""Ages in years above this are one group (HIPAA, 45 CFR 164.514(b)(2)(i)(C))."""
KNOWN: Mapping[str, frozenset[str]] = {
    "sequence": frozenset(get_args(SequenceName)),
    "plane": frozenset(get_args(Plane)),
    "body_region": frozenset(get_args(BodyRegion)),
    "contrast": frozenset(get_args(Contrast)),
    "side": frozenset(get_args(BodySide)),
    "technique": TECHNIQUES,
    "dixon": frozenset(get_args(Dixon)),
    "component": frozenset(get_args(Component)),
    "computed": COMPUTED,
    "vendor": frozenset(get_args(Vendor)),
    "sex": frozenset(("M", "F", "O", "")),
}
"""By fact: the values that Spinecho gives it, so that none of them is a header's own words."""
_NUMBERS = ("field_strength", "age", "b_value")
_HIGHEST_B = 5_000
_WRITTEN = ("include", "exclude", "window")
_OURS = ("start", "index", "match", "sample")
"""Kinds of lines whose words are Spinecho's, not the person's who wrote the rules."""
_QUOTED = re.compile(r"(['\"]).*\1", re.DOTALL)
NOTICE = (
    "Made with pseudonyms: patients, studies and series are named by codes of this cohort, days count from a patient's "
    "first study in the list, ages are whole years and 90 stands for 90 and above. Names, identifiers, UIDs, dates, "
    "paths, and whatever people typed (descriptions, reports, rules in words) are left out. People with rare facts may "
    "still be recognised by those who know them: this is no anonymous data."
)


class Pseudonyms:
    """Codes of one cohort, the same in all its versions: keyed digests, whose key stays in the database."""

    def __init__(self, version: Frozen) -> None:
        salt = str(version.made_with.get("salt", ""))
        if not salt:
            raise CohortError(f"cohort {version.name!r} has no secret for pseudonyms; freeze it again")
        self._key = salt.encode()
        self.cohort = f"cohort-{self._code('cohort', version.name)[:8]}"

    def patient(self, member: Member) -> str:
        """Sixteen hexadecimal digits, the same for all studies of a patient."""
        return self._code("patient", member.who)

    def study(self, uid: str) -> str:
        """The same for a study."""
        return self._code("study", uid)

    def series(self, uid: str) -> str:
        """The same for a series."""
        return self._code("series", uid)

    def table(self, members: Sequence[Member]) -> list[tuple[str, str, str, str]]:
        """(patient's code, patient, study's code, StudyInstanceUID), a header line first: for the house alone."""
        rows = [(self.patient(one), one.patient, self.study(one.study_uid), one.study_uid) for one in members]
        return [("patient_code", "patient", "study_code", "study_uid"), *sorted(rows)]

    def _code(self, kind: str, value: str) -> str:
        named = f"{kind}\x1f{value}".encode("utf-8", "surrogateescape")
        return hashlib.blake2b(named, key=self._key, digest_size=8).hexdigest()


def coded(fact: str, value: object) -> str:
    """A value that Spinecho gives; 'other' for anything else."""
    public = "" if value is None else str(value)
    return public if public in KNOWN[fact] else "other"


def whole_years(age: float | None) -> int | None:
    """90 stands for 90 and above."""
    return None if age is None else min(max(int(age), 0), OLDEST + 1)


def days_since_first(members: Sequence[Member], days: Mapping[str, date | None]) -> dict[str, int]:
    """By study UID: days since the patient's first dated study of the list; studies without a date are left out."""
    first: dict[str, date] = {}
    dated = [(one.who, one.study_uid, day) for one in members if (day := days.get(one.study_uid))]
    for patient, _, day in dated:
        first[patient] = min(day, first.get(patient, day))
    return {uid: (day - first[patient]).days for patient, uid, day in dated}


def redacted_manifest(version: Frozen, names: Pseudonyms, smallest: int) -> dict[str, Any]:
    """What the manifest says of the list and how it was made, without a word that somebody typed."""
    balance = [row for row in balance_of(version, smallest) if row["fact"] == "age" or _balance_known(row)]
    return {
        "cohort": names.cohort,
        "version": version.number,
        "definition": _definition(version.definition),
        "attrition": _attrition(masked_rows(list(version.attrition), smallest)),
        **({"balance": balance} if balance else {}),
        "made_with": redacted_making(shown_making(version, smallest)),
    }


def redacted_making(making: Mapping[str, Any]) -> dict[str, Any]:
    """Software, spaces and notes: an encoder's path and the names in a note are left out."""
    kept: dict[str, Any] = {"spinecho": making.get("spinecho", "")}
    for role in ("image", "text"):
        if isinstance(one := making.get(role), Mapping):
            kind = str(one.get("encoder", "")).partition(":")[0].partition("+")[0]
            known = kind if kind in ENCODERS or kind in CHECKPOINTS else "other"
            digests = {name: one[name] for name in ("revision", "preprocessing") if _is_digest(one.get(name))}
            kept[role] = {"encoder": known, **digests}
    if notes := making.get("notes"):
        kept["notes"] = [_QUOTED.sub("(a rule)", str(note)) for note in notes]
    return kept


def _definition(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The design as it is, of each rule its kind and numbers, a filter only where all of it is coded."""
    public: dict[str, Any] = {}
    for name in ("include", "exclude"):
        if rules := plain.get(name):
            public[name] = [_rule(rule) for rule in rules]
    if windows := plain.get("window"):
        public["window"] = [
            {**_numbers(one, ("from_days", "to_days")), "need": _one_of(one.get("need"), ("some", "none")),
             **_filter(str(one.get("filter", "everything")))}
            for one in windows
        ]  # fmt: skip
    for name in ("index", "sample", "match", "split"):
        if isinstance(one := plain.get(name), Mapping):
            public[name] = _numbers(one, ("seed", "studies", "controls", "age_within", "train", "validation", "test"))
            if "by" in one:
                public[name]["by"] = [field for field in one["by"] if field in FIELDS]
            if name == "index":
                public[name]["study"] = _one_of(one.get("study", "every"), ("first", "last", "random", "every"))
            if "cases" in one:
                public[name]["cases"] = _rule(one["cases"])
    return public


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    kind = next((name for name in KINDS if rule.get(name)), "other")
    public: dict[str, Any] = {"kind": kind, **_numbers(rule, ("at_least",))}
    if rule.get("of") == "patient":
        public["of"] = "patient"
    if kind == "filter":
        public |= _filter(str(rule["filter"]))
    elif kind == "studies":
        public["studies"] = len(rule["studies"])
    elif kind in ("any", "all", "none"):
        public["rules"] = [_rule(part) for part in rule[kind]]
    return public


def _filter(text: str) -> dict[str, Any]:
    return {"filter": text} if _is_coded(text) else {"filter": "(left out: it holds words or identifiers)"}


def _is_coded(text: str) -> bool:
    """Whether a filter says nothing but facts whose values Spinecho gives, and numbers."""
    try:
        where: Filter = parse_filter(text)
    except QueryError:
        return False
    return where == All() or all(_leaf_is_coded(leaf) for leaf in leaves(where))


def _leaf_is_coded(leaf: object) -> bool:
    match leaf:
        case Is(field, values) if field in KNOWN:
            known = {one.casefold() for one in KNOWN[field]}
            return all(str(value).casefold() in known for value in values)
        case Is(field, values):
            return field == "derived" or (field in _NUMBERS and _small(field, values))
        case Between(field, low, high):
            return field in _NUMBERS and _small(field, (value for value in (low, high) if value is not None))
        case Says():
            return False
        case _:
            return False


def _small(field: str, values: Iterable[object]) -> bool:
    """Whether none of the numbers can be anything else, such as a patient ID."""
    most = _HIGHEST_B if field == "b_value" else OLDEST + 1
    return all(isinstance(value, int | float) and abs(value) <= most for value in values)


def _attrition(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    public, counts = [], dict[str, int]()
    for row in rows:
        kind = str(row.get("kind")) if row.get("kind") in (*_OURS, *_WRITTEN) else "rule"
        counts[kind] = counts.get(kind, 0) + 1
        what = row["what"] if kind in _OURS else f"{kind} {counts[kind]}"
        public.append({"what": what, "kind": kind, "studies": row["studies"], "patients": row["patients"]})
    return public


def _balance_known(row: Mapping[str, Any]) -> bool:
    fact, value = str(row["fact"]), str(row["value"])
    return value in KNOWN.get(fact, ()) or (fact == "field_strength" and value.replace(".", "", 1).isdecimal())


def _numbers(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: values[name] for name in names if type(values.get(name)) in (int, float)}


def _one_of(value: object, known: Sequence[str]) -> str:
    return str(value) if value in known else known[0]


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{8,128}", value) is not None
