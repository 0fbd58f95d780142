"""What a cohort is made of, as a TOML file says it: rules, then a design. See docs/cohorts.md."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from spinecho.encoders.config_toml import ConfigError, build, read_toml

By: TypeAlias = Literal["sentences", "scans"]
Asserted: TypeAlias = Literal["present", "absent", "uncertain", "historical", "any"]
FIELDS = ("sex", "vendor", "model", "field_strength", "body_region", "sequence")
"""What strata and matched sets can be alike in; ages are matched by `age_within`."""
_MOST_DAYS = 100_000
_MOST_STUDIES = 1_000_000_000
_MOST_CONTROLS = 1000
_MOST_YEARS = 200
_LONGEST_NAME = 200
KINDS = ("filter", "text", "like", "studies", "any", "all", "none")
EXAMPLE = """\
# A cohort: studies that pass every [[include]] and no [[exclude]], then a design that draws from them.
# 'spinecho cohort count FILE' shows what each line leaves; 'spinecho cohort freeze FILE' keeps the list.
name = "temporal-lesions"
description = "Lesions of the temporal lobe on T2 or FLAIR, with a later study"

[[include]]
what = "brain, T2 or FLAIR"
filter = 'body_region=brain and sequence=T2,FLAIR'

[[include]]
what = "a lesion is reported"
any = [
  { filter = 'says:present("lesion")' },
  { text = "hyperintense focus in the temporal lobe", at_least = 0.7 },
]

# [[include]]
# what = "looks like this one"
# like = "1.2.840.113619.2.1"        # a StudyInstanceUID of the index, or the path of a scan
# at_least = 0.9                     # cosine of the image vectors

[[exclude]]
what = "ever operated"
filter = 'says:present("craniotomy")'
of = "patient"                       # in any study of the patient

# [[window]]
# what = "followed up within a year"
# filter = 'body_region=brain'
# from_days = 30                     # after the study; before it where negative
# to_days = 365
# need = "some"                      # or "none"

[index]
study = "first"                      # of each patient: first, last, random or every

# [sample]
# studies = 200
# by = ["vendor"]                    # in proportion
# seed = 1

# [match]
# cases = { filter = 'says:present("lesion")' }
# by = ["sex", "vendor"]             # controls are alike in these
# age_within = 5
# controls = 2                       # for each case

[split]
train = 0.7
validation = 0.15
test = 0.15
seed = 1
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on a study: exactly one of filter, text, like, studies, any, all and none.

    what: its name in the table of what each rule leaves. filter: a volume of the study passes it. text: a sentence of a
    report means it, with cosine `at_least` and the assertion `says`, or with by = "scans" a scan shows it. like: a scan
    of the study looks like a scan of that study (by UID) or file, with cosine `at_least`. studies: the study is one of
    these, by UID. of: "patient" where any study
    of the patient will do.
    """

    what: str = ""
    filter: str = ""
    text: str = ""
    like: str = ""
    studies: tuple[str, ...] = ()
    at_least: float | None = None
    by: By = "sentences"
    says: Asserted = "present"
    of: Literal["study", "patient"] = "study"
    any: tuple[Rule, ...] = ()
    all: tuple[Rule, ...] = ()
    none: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        kinds = [name for name in KINDS if getattr(self, name)]
        if len(kinds) != 1:
            found = " and ".join(kinds) or "none of them"
            raise ValueError(f"a rule is one of {', '.join(KINDS)}; this one has {found}")
        if kinds[0] in ("text", "like"):
            if self.at_least is None:
                raise ValueError(f"a rule by {kinds[0]} needs at_least, a cosine such as 0.7")
            if not -1 <= self.at_least <= 1:
                raise ValueError(f"at_least = {self.at_least} is no cosine: give -1 to 1")
        elif self.at_least is not None:
            raise ValueError(f"at_least does not go with {kinds[0]}; it is for text and like")

    @property
    def label(self) -> str:
        """`what`, else the condition in words."""
        if self.what:
            return self.what
        if self.filter:
            return self.filter
        if self.text:
            return f"{self.text!r} in {self.by}, cosine {self.at_least:g} or more"
        if self.like:
            return f"like {Path(self.like).name}, cosine {self.at_least:g} or more"
        if self.studies:
            return f"{len(self.studies)} studies by UID"
        name, parts = next((name, some) for name in ("any", "all", "none") if (some := getattr(self, name)))
        return f"{name} of: " + "; ".join(part.label for part in parts)


@dataclass(frozen=True, slots=True)
class Window:
    """Other studies of the same patient, `from_days` to `to_days` after the study (before it where negative)."""

    filter: str = "everything"
    what: str = ""
    from_days: int = 1
    to_days: int = 365
    need: Literal["some", "none"] = "some"

    def __post_init__(self) -> None:
        if max(abs(self.from_days), abs(self.to_days)) > _MOST_DAYS:
            raise ValueError(f"from_days and to_days are days within {_MOST_DAYS:,}")
        if self.from_days > self.to_days:
            raise ValueError(f"from_days = {self.from_days} is after to_days = {self.to_days}: the window is empty")

    @property
    def label(self) -> str:
        """`what`, else the window in words."""
        other = "another study" if self.filter == "everything" else self.filter
        return self.what or f"{self.need} within {self.from_days} to {self.to_days} days: {other}"


@dataclass(frozen=True, slots=True)
class Index:
    """Which study of each patient is taken."""

    study: Literal["first", "last", "random", "every"] = "every"
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """So many studies drawn at random, in proportion to the strata of `by`."""

    studies: int
    by: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.studies <= _MOST_STUDIES:
            raise ValueError(f"studies = {self.studies}: draw at least 1, and at most {_MOST_STUDIES:,}")
        _check_fields(self.by)


@dataclass(frozen=True, slots=True)
class Match:
    """Cases are the studies that pass `cases`; each gets `controls` studies of other patients who have no case."""

    cases: Rule
    by: tuple[str, ...] = ("sex",)
    age_within: float | None = None
    controls: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.controls <= _MOST_CONTROLS:
            raise ValueError(f"controls = {self.controls}: give each case at least 1, and at most {_MOST_CONTROLS}")
        if self.age_within is not None and not 0 <= self.age_within <= _MOST_YEARS:
            raise ValueError(f"age_within = {self.age_within}: give years, 0 or more, and at most {_MOST_YEARS}")
        _check_fields(self.by)


@dataclass(frozen=True, slots=True)
class Split:
    """Shares of the studies, by whole patients and whole matched sets; see `search.cohorts.design.divided`."""

    train: float
    validation: float
    test: float
    seed: int = 0

    def __post_init__(self) -> None:
        parts = (self.train, self.validation, self.test)
        if not (min(parts) >= 0 and abs(sum(parts) - 1) <= 1e-6):
            raise ValueError(f"train, validation and test are {parts}: give fractions that add up to 1")


@dataclass(frozen=True, slots=True)
class Definition:
    """Rules, then a design."""

    name: str
    description: str = ""
    include: tuple[Rule, ...] = ()
    exclude: tuple[Rule, ...] = ()
    window: tuple[Window, ...] = ()
    index: Index = field(default_factory=Index)
    sample: Sample | None = None
    match: Match | None = None
    split: Split | None = None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("name is empty; give the cohort one")
        if len(self.name) > _LONGEST_NAME:
            raise ValueError(f"name has {len(self.name)} characters; {_LONGEST_NAME} are enough")
        if self.sample is not None and self.match is not None:
            raise ValueError("a sample and matched controls do not go together; take one of them out")

    @property
    def lines(self) -> int:
        """How many lines the table of what each leaves has, that of every study first."""
        design = (self.index.study != "every", self.match is not None, self.sample is not None)
        return 1 + len(self.include) + len(self.exclude) + len(self.window) + sum(design)

    def rules(self) -> Iterator[Rule]:
        """Every rule, those within rules too."""
        waiting = [*self.include, *self.exclude, *([self.match.cases] if self.match else [])]
        while waiting:
            rule = waiting.pop(0)
            yield rule
            waiting += [*rule.any, *rule.all, *rule.none]


def read_definition(path: Path) -> Definition:
    """A definition from a TOML file; scans that it names by path are found beside it. Raises `ConfigError`."""
    read = build(Definition, read_toml(path), file=path)
    return dataclasses.replace(
        read,
        include=tuple(_beside(rule, path) for rule in read.include),
        exclude=tuple(_beside(rule, path) for rule in read.exclude),
        match=None if read.match is None else dataclasses.replace(read.match, cases=_beside(read.match.cases, path)),
    )


def from_plain(plain: Mapping[str, Any], *, name: str) -> Definition:
    """A definition as a version keeps it. Raises `ConfigError` where an older version's words mean nothing now."""
    return build(Definition, dict(plain), file=Path(f"cohort {name!r}"))


def to_plain(value: Any) -> Any:
    """A definition as JSON values, without what is left at its default."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        found = {}
        for one in dataclasses.fields(value):
            held = getattr(value, one.name)
            if held != one.default and not (held is None or held == () or held == Index()):
                found[one.name] = to_plain(held)
        return found
    return [to_plain(part) for part in value] if isinstance(value, tuple) else value


def _beside(rule: Rule, path: Path) -> Rule:
    like = rule.like
    if like and (path.parent / like).exists():
        like = str((path.parent / like).resolve())
    any_of, all_of, none_of = (tuple(_beside(part, path) for part in some) for some in (rule.any, rule.all, rule.none))
    return dataclasses.replace(rule, like=like, any=any_of, all=all_of, none=none_of)


def _check_fields(by: tuple[str, ...]) -> None:
    for name in by:
        if name not in FIELDS:
            raise ValueError(f"by = {name!r}: there are {', '.join(FIELDS)}")


__all__ = [
    "EXAMPLE", "FIELDS", "KINDS", "ConfigError", "Definition", "Index", "Match", "Rule", "Sample", "Split", "Window",
    "from_plain", "read_definition", "to_plain",
]  # fmt: skip
