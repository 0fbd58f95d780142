"""A definition against the archive as it is now: what each line of it leaves, and who is in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np

from spinecho.db.people.cohorts import Member, Roster, read_roster, scanner_facts
from spinecho.db.people.masking import Count, few, hidden, masked, masked_rows, masked_sizes
from spinecho.db.people.same_scans import same_scans
from spinecho.db.queries.selection import Selection
from spinecho.db.schema.database import Database
from spinecho.search.cohorts.balance import Balance, Groups, balance
from spinecho.search.cohorts.definition import Definition, Match, Split
from spinecho.search.cohorts.design import divided, in_window, index_studies, sampled
from spinecho.search.cohorts.matched_controls import MOST_PAIRS, Matched, free, matched
from spinecho.search.cohorts.passing import Flags, Rules, Scores
from spinecho.search.likeness import Likeness

StepKind = Literal["start", "include", "exclude", "window", "index", "match", "sample"]
Follow: TypeAlias = Callable[[int, int], None]
"""Hears after each line how many of them are gone through and how many there are; what it raises ends the count."""
Note: TypeAlias = tuple[str, int, int]
"""(a sentence that may have {count} in it, the count, how many patients were left when it was noted)"""


@dataclass(frozen=True, eq=False)
class Step:
    """What is left after a line of the definition."""

    what: str
    kind: StepKind
    kept: Flags
    studies: int
    patients: int

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {"what": self.what, "kind": self.kind, "studies": self.studies, "patients": self.patients}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Who is in, by UID, and how it came to that."""

    definition: Definition
    roster: Roster
    steps: tuple[Step, ...]
    members: tuple[Member, ...]
    notes: tuple[Note, ...]
    """What to know beside the counts."""
    balance: tuple[Balance, ...] = ()
    """How alike cases and controls are before matching and after; nothing without matching."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """The notes with their counts as they are."""
        return self.warnings_shown(0)

    def warnings_shown(self, smallest: int) -> tuple[str, ...]:
        """The notes with small counts hidden, see `masked`."""
        return notes_shown(self.notes, smallest)

    def shown_sizes(self, smallest: int) -> tuple[Count, Count]:
        """(studies, patients) that are left, with small counts hidden as in the last line of the steps."""
        last = masked_rows(self.attrition, smallest)[-1]
        return last["studies"], last["patients"]

    def shown_parts(self, smallest: int) -> dict[str, Count]:
        """Studies by part of the split with small counts hidden, in the order of their names."""
        so_few = self.shown_sizes(smallest)[1] == hidden(smallest)
        patients = {part: {one.who for one in self.members if one.part == part} for part in self.parts}
        return {
            part: hidden(smallest) if so_few else masked_sizes(size, len(patients[part]), smallest)[0]
            for part, size in sorted(self.parts.items())
        }

    @property
    def attrition(self) -> list[dict[str, Any]]:
        """The steps as JSON values."""
        return [step.plain() for step in self.steps]

    @property
    def parts(self) -> dict[str, int]:
        """Studies by part of the split."""
        return dict(Counter(member.part for member in self.members if member.part))

    def fell_at(self, study_uid: str) -> str | None:
        """The line at which a study of the archive fell; None for a member and for a study that is not there."""
        place = self._places.get(study_uid)
        if place is None:
            return None
        return next((step.what for step in self.steps if not step.kept[place]), None)

    def holds(self, study_uid: str) -> bool:
        """Whether the archive has the study."""
        return study_uid in self._places

    @cached_property
    def _places(self) -> dict[str, int]:
        return {uid: place for place, uid in enumerate(self.roster.uids)}


def notes_shown(notes: Iterable[Sequence[Any]], smallest: int) -> tuple[str, ...]:
    """Notes with their counts, hidden where they are small; nothing is noted of few patients."""
    return tuple(
        str(masked(count, smallest)).join(text.rsplit("{count}", 1))
        for text, count, *left in notes  # versions of before know nothing of how many were left
        if not any(few(patients, smallest) for patients in left)
    )


def evaluate(
    definition: Definition, database: Database, selection: Selection, likeness: Callable[[], Likeness],
    follow: Follow | None = None,
) -> Evaluation:  # fmt: skip
    """Resolve every line in turn. Raises `FilterError`, `CohortError`, and what reading an example raises."""
    roster = read_roster(database)
    run = _Run(definition, database, Rules(roster, selection, likeness), follow)
    run.choose()
    return Evaluation(definition, roster, tuple(run.steps), tuple(run.members()), tuple(run.notes), run.balance)


class _Run:
    def __init__(self, definition: Definition, database: Database, rules: Rules, follow: Follow | None) -> None:
        self.definition, self.rules, self.roster = definition, rules, rules.roster
        self._follow, self._lines = follow, definition.lines
        self.steps: list[Step] = []
        self.notes: list[Note] = []
        self.balance: tuple[Balance, ...] = ()
        self._database = database
        self._kept = rules.everything()
        self._scores: dict[str, Scores] = {}
        self._sets: Matched | None = None
        self._parts: Mapping[int, str] = {}
        self._scanners: dict[int, dict[str, str]] = {}

    def choose(self) -> None:
        wanted = self.definition
        self._step("every study", "start", self._kept)
        for rule in wanted.include:
            found = self.rules.passing(rule)
            self._scores |= found.scores
            self._step(rule.label, "include", found.flags)
        for rule in wanted.exclude:
            self._step(f"not {rule.label}", "exclude", ~self.rules.passing(rule).flags)
        for window in wanted.window:
            others = self.rules.filtered(window.filter)
            undated = int((self._kept & (self.roster.days == 0)).sum())
            if undated:
                self._note(f"studies without a date, which so fall at {window.label!r}: {{count}}", undated)
            self._step(window.label, "window", in_window(self.roster, self._kept, others, window))
        nameless = sum(not self.roster.names[number] for number in set(self.roster.patients[self._kept].tolist()))
        if nameless:
            self._note("studies without a patient ID, each counted as a patient of its own: {count}", nameless)
        if wanted.index.study != "every":
            chosen = index_studies(self.roster, self._kept, wanted.index)
            self._step(f"{wanted.index.study} study of each patient", "index", chosen)
        if wanted.match is not None:
            self._match(wanted.match)
        if wanted.sample is not None:
            self._read_scanners()
            by = wanted.sample.by
            chosen = sampled(self.roster, self._kept, wanted.sample, lambda place: self._alike(place, by))
            if wanted.sample.studies > int(self._kept.sum()):
                self._note(f"there are fewer studies than the {wanted.sample.studies} asked for; all are in")
            self._step(f"sample of {wanted.sample.studies}", "sample", chosen)
        if wanted.split is not None:
            self._divide(wanted.split)

    def _divide(self, split: Split) -> None:
        patients = {place: self.roster.patient_of(place) for place in np.flatnonzero(self._kept).tolist()}
        sets = self._sets.sets.items() if self._sets else ()
        sharing = self._sharing(list(patients))
        made = divided(split, patients, [(case, *controls) for case, controls in sorted(sets)], sharing)
        self._parts = made.part
        whole = "patients and matched sets stay together" if self._sets else "patients stay together"
        if made.moved:
            self._note(
                "the draws by patient alone left the parts far from their shares, so the boundaries between parts were "
                "moved: a patient's part may be another when others come or go"
            )
        for part, asked, count in made.far:
            self._note(f"{part} was to have {100 * asked:g} % of the studies, and has {{count}} ({whole})", count)

    def _sharing(self, places: Sequence[int]) -> list[list[int]]:
        """Places of studies of different patients that have a scan in common, which is noted."""
        at = {int(self.roster.ids[place]): place for place in places}
        found = [[at[study] for study in some] for some in same_scans(self._database, list(at))]
        if several := {place for some in found for place in some}:
            self._note(
                "studies that have a scan in common with one of another patient (one person under two names, or a "
                "copy), which are in one part with it: {count}",
                len(several),
            )
        return found

    def members(self) -> list[Member]:
        scores = {label: values for label, values in self._scores.items() if not np.isnan(values[self._kept]).all()}
        found, set_of = [], self._set_of()
        for place in np.flatnonzero(self._kept).tolist():
            patient = self.roster.patient_of(place)
            facts: dict[str, Any] = {}
            if self.roster.days[place]:
                facts["index_date"] = date.fromordinal(int(self.roster.days[place])).isoformat()
            near = {label: round(float(values[place]), 4) for label, values in scores.items() if values[place] > -2}
            facts |= {"similarity": near} if near else {}
            facts |= set_of.get(place, {})
            part, person = self._parts.get(place, ""), self.roster.person_of(place)
            found.append(Member(self.roster.uids[place], patient, part, facts, person))
        return sorted(found, key=lambda member: member.study_uid)

    def _set_of(self) -> dict[int, dict[str, Any]]:
        if self._sets is None:
            return {}
        found: dict[int, dict[str, Any]] = {}
        ordered = sorted(self._sets.sets.items(), key=lambda pair: self.roster.uids[pair[0]])
        for number, (case, controls) in enumerate(ordered, start=1):
            found[case] = {"set": number, "role": "case"}
            found |= {place: {"set": number, "role": "control"} for place in controls}
        return found

    def _match(self, match: Match) -> None:
        self._read_scanners()
        cases = self.rules.passing(match.cases).flags
        if not (cases & self._kept).any():
            self._note("no study that is left is a case: match.cases must be a part of what include leaves")
        self._sets = matched(
            self.roster, self._kept, cases, match, lambda place: self._alike(place, match.by), most_pairs=MOST_PAIRS
        )
        in_sets, in_controls = (np.zeros(len(self._kept), dtype=bool) for _ in range(2))
        for case, controls in self._sets.sets.items():
            in_sets[case] = True
            in_controls[list(controls)] = True
        chosen = in_sets | in_controls
        if self._sets.in_turn:
            turn = "cases that chose their controls one after another, too many to weigh every pair: {count}"
            self._note(turn, self._sets.in_turn)
        everybody = Groups(self._kept & cases, free(self.roster, self._kept, cases), in_sets, in_controls)
        facts = dict.fromkeys(("sex", "vendor", "field_strength", *match.by))
        values = {name: [self._fact(place, name) for place in range(len(self._kept))] for name in facts}
        self.balance = balance(everybody, self.roster.patients, self.roster.ages, values) if in_sets.any() else ()
        if self._sets.alone:
            lacking = "without a control" if match.controls == 1 else f"with fewer than {match.controls} controls"
            self._note(f"cases {lacking}, which are left out: {{count}}", self._sets.alone)
        each = "1 control" if match.controls == 1 else f"{match.controls} controls"
        self._step(f"cases with {each} each", "match", chosen)

    def _alike(self, place: int, by: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self._fact(place, name) for name in by)

    def _fact(self, place: int, name: str) -> str:
        if name == "sex":
            return self.roster.sexes[place]
        return self._scanners.get(int(self.roster.ids[place]), {}).get(name, "")

    def _read_scanners(self) -> None:
        self._scanners = scanner_facts(self._database, self.roster.ids[self._kept].tolist())

    def _note(self, text: str, count: int = 0) -> None:
        self.notes.append((text, count, len(np.unique(self.roster.patients[self._kept]))))

    def _step(self, what: str, kind: StepKind, flags: Flags) -> None:
        self._kept = self._kept & flags
        patients = len(np.unique(self.roster.patients[self._kept]))
        self.steps.append(Step(what, kind, self._kept, int(self._kept.sum()), patients))
        if self._follow is not None:
            self._follow(len(self.steps), self._lines)
