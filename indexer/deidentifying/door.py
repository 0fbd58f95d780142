"""The door of a de-identified archive: what comes in has its identifiers mapped before any row is written.

Headers and reports pass through it on their way from the reading processes to the database. Whom the pseudonyms stand
for is on the disk, in its own sealed database, before the index holds them; a run that is killed in between has kept
more than it needs, never less.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from types import TracebackType
from typing import Any, Protocol, Self

from spinecho.encoders.acquisition.evidence import age_in_years
from spinecho.encoders.acquisition.whole_words import scanner_words
from spinecho.encoders.errors import Reason
from spinecho.encoders.reading.headers import Header
from spinecho.encoders.reading.nifti.series import subject_in, title_of
from spinecho.encoders.reading.nifti.subject_tables import age_of
from spinecho.encoders.reading.personal_fields import kind_of_field
from spinecho.encoders.sandbox.processes import Outcome, Sandbox
from spinecho.encoders.sandbox.worker import Message
from spinecho.indexer.deidentifying.keyed import Keyed, moved
from spinecho.indexer.deidentifying.known import NUMBER, Known
from spinecho.indexer.deidentifying.profile import OLDEST, Options, described
from spinecho.indexer.deidentifying.reports import scrub_task
from spinecho.indexer.deidentifying.texts import DAY_GONE

_DAYS = ("study_date", "series_date", "acquired")
_DESCRIPTORS = ("study_description", "series_description", "protocol", "requested", "performed", "agent")
_AGE = re.compile(r"(?<![a-z])ages?(?![a-z])")
_CODES = frozenset(("modality", "image_type", "sop_class", "photometric", "sex", "age"))
PATHS, REPORTS = "paths_that_name", "reports_scrubbed"
Named = tuple[str, str]


class Kept(Protocol):
    """What the door asks of the database of identities; see `db.identities.mapping.Identities`."""

    def keep(self, identities: Iterable[Any], names: Iterable[tuple[str, str, str]] = ()) -> None:
        """Durably."""

    def patient_of(self, code: str) -> str:
        """The patient's pseudonym, ''."""

    def names_of(self, patient: str) -> frozenset[Named]:
        """(kind, value)."""


@dataclasses.dataclass
class Door:
    """One run's way in. Use as a context manager; it is of the thread that indexes."""

    keyed: Keyed
    options: Options
    identities: Kept
    fingerprint: str
    counts: Counter[str] = dataclasses.field(default_factory=Counter)
    met: set[str] = dataclasses.field(default_factory=set)
    """Pseudonyms of the patients, exams and studies whose headers passed: their reports may be scrubbed of more now."""
    _sandbox: Sandbox | None = None

    @property
    def mark(self) -> dict[str, str]:
        """What an archive keeps of how it was de-identified."""
        return {"key": self.fingerprint, "dates": self.options.dates, "descriptors": self.options.descriptors}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sandbox is not None:
            self._sandbox.close()

    def header(self, header: Header, named: Iterable[Iterable[str]]) -> Header:
        """A header as the index may hold it. named: what of its file names somebody, (kind, value)."""
        values = frozenset((kind, value) for kind, value in named)
        facts: dict[str, Any] = header.detail.get("facts", {})
        study, series, sop = map(self.keyed.uid, (header.study_uid, header.series_uid, header.sop_uid))
        subject = str(facts.get("patient_id", "")) if header.kind == "dicom" else subject_in(header.path)
        patient = self.keyed.patient(subject)
        accession = self.keyed.accession(str(facts.get("accession", "")))
        who = patient or study
        self._keep(
            who, values, ("patient", patient, subject), ("accession", accession, str(facts.get("accession", ""))),
            ("study", study, header.study_uid), ("series", series, header.series_uid),
        )  # fmt: skip
        self.met |= {patient, accession, study} - {""} if values else set()
        known = _known(values | {(NUMBER, value) for value in (subject, str(facts.get("accession", ""))) if value})
        told = known if header.kind == "dicom" else _known(values)  # a BIDS name has its subject by its own rules
        self.counts[PATHS] += told.found_in(header.path)
        detail = self._detail(header, known, self.keyed.days(who), patient, accession)
        return dataclasses.replace(header, study_uid=study, series_uid=series, sop_uid=sop, detail=detail)

    def reports(
        self, read: Iterable[Message | Outcome], sandbox: Sandbox | None = None, *, path: str = ""
    ) -> Iterator[Message | Outcome]:
        """What reading a report file gave, with its keys mapped and its words scrubbed.

        sandbox: whose processes may do it, None while a file is streamed: these may all wait for what is done here.
        path: of the file, which is counted where it names somebody.
        """
        counted = False
        for item in read:
            if isinstance(item, Outcome) or "text" not in item[0]:
                yield item
                continue
            report, known = self._report(item[0], sandbox or self._own_sandbox())
            if not counted and known.found_in(path):
                self.counts[PATHS] += 1
                counted = True
            yield report

    def _report(self, value: dict[str, Any], sandbox: Sandbox) -> tuple[Message, Known]:
        """The report, and what is known to name its patient."""
        accession = self.keyed.accession(value["accession_number"])
        study, patient = self.keyed.uid(value["study_uid"]), self.keyed.patient(value["patient_id"])
        owner = next(filter(None, (self.identities.patient_of(code) for code in (accession, study) if code)), "")
        who = patient or owner or study or accession
        numbers = [value[name] for name in ("accession_number", "study_uid", "patient_id")]
        names = {one for whose in {who, owner} - {""} for one in self.identities.names_of(whose)}
        names |= {(NUMBER, number) for number in numbers if number}
        people = frozenset((str(kind), str(value)) for kind, value in value.pop("people", ()))
        self._keep(
            who, people, ("patient", patient, value["patient_id"]),
            ("accession", accession, value["accession_number"]), ("study", study, value["study_uid"]),
        )  # fmt: skip
        days = self.keyed.days(who) if self.options.dates == "shifted" else None
        dated = moved(value["dated"], days) if days is not None else ""
        facts = {key: held for key, held in value.items() if key != "sentences"}
        facts |= {"accession_number": accession, "study_uid": study, "patient_id": patient, "dated": dated}
        self.counts[REPORTS] += 1
        known = Known(frozenset(names | people))
        outcome = sandbox.run(scrub_task(facts, sorted(known.values), days))
        if outcome.messages:
            return outcome.messages[0], known
        reason = outcome.failure or Reason.READ_CRASHED
        return (
            {"ordinal": facts["ordinal"], "message": "its words could not be scrubbed", "reason": reason},
            (),
        ), known

    def _own_sandbox(self) -> Sandbox:
        if self._sandbox is None:
            self._sandbox = Sandbox()
        return self._sandbox

    def _keep(self, who: str, values: frozenset[Named], *identities: tuple[str, str, str]) -> None:
        from spinecho.db.identities.mapping import Identity  # noqa: PLC0415  (cryptography is slow to import)

        whose = "" if who.startswith(("2.", "A")) else who
        found: list[Any] = [Identity(kind, code, value, whose) for kind, code, value in identities if code]  # type: ignore[arg-type]
        self.identities.keep(found, [(who, kind, value) for kind, value in values])

    def _detail(self, header: Header, known: Known, days: int, patient: str, accession: str) -> dict[str, Any]:
        detail = dict(header.detail)
        if header.kind != "dicom":
            return self._of_nifti(detail, known, days) | {"patient": patient, "title": scanner_words(title_of(header))}
        facts = {name: self._fact(name, value, known, days) for name, value in detail["facts"].items()}
        facts |= {"patient_id": patient, "accession": accession}
        detail["facts"] = {name: value for name, value in facts.items() if value not in (None, "")}
        if "frames" in detail:
            detail["frames"] = {
                name: [self._fact(name, value, known, days) for value in column]
                for name, column in detail["frames"].items()
            }
        return detail

    def _of_nifti(self, detail: dict[str, Any], known: Known, days: int) -> dict[str, Any]:
        """What headers, sidecars and tables say, without whose it is."""
        for name in ("description", "aux"):
            if isinstance(detail.get(name), str):
                detail[name] = self._described(detail[name], known, days)
        if "sidecar" in detail:
            detail["sidecar"] = {
                name: self._described(value, known, days) if isinstance(value, str) else value
                for name, value in detail["sidecar"].items()
            }
        if "subject" in detail:
            detail["subject"] = self._subject(detail["subject"], known, days)
        return detail

    def _subject(self, subject: dict[str, Any], known: Known, days: int) -> dict[str, Any]:
        """Of the labels of a subject those that stay; a number only where what it was written as stays too."""
        labels = {name: one for name, one in subject.get("labels", {}).items() if kind_of_field(name) is None}
        told = {name: _young(name, self._described(one, known, days)) for name, one in labels.items()}
        numbers = {name: one for name, one in subject.get("numbers", {}).items() if told.get(name) == labels.get(name)}
        found = subject | {"labels": {name: one for name, one in told.items() if one and DAY_GONE not in one}}
        found |= {"numbers": {name: one for name, one in numbers.items() if name in labels}}
        if (age := subject.get("age_years")) is not None:
            found["age_years"] = age if age < OLDEST + 1 else float(OLDEST + 1)
        return {name: value for name, value in found.items() if value not in (None, {})}

    def _fact(self, name: str, value: Any, known: Known, days: int) -> Any:
        if not isinstance(value, str):
            return value
        if name == "frame_uid":
            return self.keyed.uid(value)
        if name in _DAYS:
            return (moved(value, days) if self.options.dates == "shifted" else "") or None
        if name in _DESCRIPTORS:
            return self._described(value, known, days)
        if name == "age":
            age = age_in_years(value)
            return None if age is None else value if age < OLDEST + 1 else f"{OLDEST + 1:03d}Y"
        return None if name not in _CODES and known.found_in(value) else value

    def _described(self, value: str, known: Known, days: int) -> str:
        return described(value, known, days, self.options)


def _young(name: str, value: str) -> str:
    """A label, of an age above 89 years 90: of more than one group of the oldest nothing is said."""
    age = age_of(value) if _AGE.search(name) else None
    return value if age is None or age < OLDEST + 1 else f"{OLDEST + 1}"


@lru_cache(maxsize=256)
def _known(values: frozenset[Named]) -> Known:
    """Of a series' files all are of one patient: the pattern is made once."""
    return Known(values)
