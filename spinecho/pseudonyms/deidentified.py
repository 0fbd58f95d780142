"""Copies of a cohort's files without whose they are, and whom a pseudonym stands for."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinecho.db.csv_files import write_csv
from spinecho.db.durable import durable_replace, hold, is_unused, make_folder, write_durably
from spinecho.db.errors import Busy
from spinecho.db.files.runs import deidentified_as
from spinecho.db.files.same_folder import require_outside
from spinecho.db.people.cohorts import CohortError, study_facts
from spinecho.db.schema.database import Database
from spinecho.encoders.errors import Reason
from spinecho.encoders.sandbox.processes import Outcome, Sandbox
from spinecho.errors import SettingsError
from spinecho.indexer.deidentifying.copying import copy_task
from spinecho.indexer.deidentifying.keyed import Keyed
from spinecho.indexer.deidentifying.profile import Dates, Descriptors, Options
from spinecho.pseudonyms.identities import identity_key, open_identities
from spinecho.search.access.cohorts import PersonalCohorts
from spinecho.search.access.persons import Role, digest_of
from spinecho.search.cohorts.pseudonyms import Pseudonyms
from spinecho.setup.private import private_files
from spinecho.setup.settings import Settings

if TYPE_CHECKING:
    from spinecho.search.access.persons import Access

__all__ = ["HOLD", "NOTICE", "Copied", "Reidentified", "copy_cohort", "reidentify"]
HOLD = ("hold", "copy")
"""What becomes of series whose pictures may have words in them: they are held back, or copied and listed."""
NOTICE = (
    "De-identified by rules, which do not catch everything: words drawn into pixels in several greys or by hand, names "
    "in descriptions that no header holds, rare diagnoses, and faces, which can be made of head scans, stay. Look at "
    "the copies before they leave the house, and give them to those alone who may have pseudonymous data."
)
MARKER = ".spinecho-copy.json"
_TABLE, _LOOKED = "studies.csv", ".spinecho-series"
_Row = tuple[str, str, str, int]


@dataclass(frozen=True)
class Copied:
    """What was copied. held: series that were held back, by reason; failed: files that could not be copied, by reason;
    pixels: series that were copied though their pictures may have words in them, by reason.
    """

    folder: Path
    studies: int
    series: int
    files: int
    held: Mapping[str, int]
    pixels: Mapping[str, int]
    failed: Mapping[str, int]
    missing: int
    notice: str = NOTICE

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        return {
            "folder": str(self.folder), "studies": self.studies, "series": self.series, "files": self.files,
            "held": dict(self.held), "pixels": dict(self.pixels), "failed": dict(self.failed), "missing": self.missing,
            "notice": self.notice,
        }  # fmt: skip


@dataclass(frozen=True)
class Reidentified:
    """Whom a pseudonym stands for. kind: patient, accession, study or series; days: by how many days the patient's
    dates were moved, None where nothing says whose they are.
    """

    kind: str
    code: str
    value: str = field(repr=False)
    patient_code: str = ""
    patient: str = field(default="", repr=False)
    days: int | None = None

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        return {
            "kind": self.kind, "code": self.code, "value": self.value, "patient_code": self.patient_code,
            "patient": self.patient, "days": self.days,
        }  # fmt: skip


def copy_cohort(
    settings: Settings, database: Database, cohorts: PersonalCohorts, name: str, folder: Path, *, version: int | None,
    dates: Dates, descriptors: Descriptors, burnt_in: str, workers: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> Copied:  # fmt: skip
    """Copy a version's files; see `Archive.copy_cohort`."""
    if burnt_in not in HOLD:
        raise SettingsError(f"burnt_in={burnt_in!r} is none of: {', '.join(HOLD)}")
    options = Options(dates, descriptors)
    one, members, files = cohorts.files(name, version)
    require_outside(database, settings.home, folder)
    key = identity_key(settings, create=True)
    keyed, marked = Keyed(key.pseudonyms), deidentified_as(database) is not None
    names = Pseudonyms(one)
    uids = [member.study_uid for member in members]
    facts = study_facts(database, uids)
    series = sorted({(study, of) for study, of, _, _ in files})
    made = {"cohort": names.cohort, "version": one.number, "dates": dates, "descriptors": descriptors,
            "burnt_in": burnt_in, "key": key.fingerprint}  # fmt: skip
    with private_files(), _begun(folder, made), open_identities(settings, key, create=True) as identities:
        if not marked:  # else they are there, and what the index holds are pseudonyms
            from spinecho.db.identities.mapping import Identity  # noqa: PLC0415  (cryptography is slow to import)

            whose = {member.study_uid: keyed.patient(member.patient) for member in members if member.person is not None}
            identities.keep(
                [Identity("patient", whose[one.study_uid], one.patient) for one in members if one.study_uid in whose]
                + [Identity("study", keyed.uid(uid), uid, whose.get(uid, "")) for uid in uids]
                + [Identity("series", keyed.uid(of), of, whose.get(study, "")) for study, of in series]
                + [Identity("accession", keyed.accession(facts[uid][0]), facts[uid][0], whose.get(uid, ""))
                   for uid in facts]
            )  # fmt: skip
        with Sandbox(workers=workers) as sandbox:
            work = _Copying(sandbox, keyed, options, folder, marked=marked, hold=burnt_in == "hold")
            done = 0
            by_series = sorted(files, key=lambda row: (row[0], row[1], row[2]))
            for _, rows in groupby(by_series, key=lambda row: row[:2]):
                listed = list(rows)
                work.copy(listed)
                done += len(listed)
                if on_progress is not None:
                    on_progress(done, len(files))
        shown = {uid: uid if marked else keyed.uid(uid) for uid in uids}
        table = [("study_uid", "study_code", "patient_code", "part")]
        table += sorted((shown[one.study_uid], names.study(one.study_uid), names.patient(one), one.part)
                        for one in members)  # fmt: skip
        unfinished = folder / f"{_TABLE}.partial"
        unfinished.unlink(missing_ok=True)
        write_csv(unfinished, table, fresh=True)
        durable_replace(unfinished, folder / _TABLE)
        copied = Copied(
            folder, len(work.studies), work.series, work.files, dict(work.held), dict(work.pixels), dict(work.failed),
            sum(uid not in facts for uid in uids),
        )  # fmt: skip
        counts = {name: value for name, value in copied.to_json().items() if name != "folder"}
        write_durably(folder / "manifest.json", json.dumps({**made, **counts}, indent=1).encode() + b"\n")
    return copied


def reidentify(settings: Settings, access: Access, codes: Sequence[str]) -> tuple[Reidentified, ...]:
    """Whom pseudonyms stand for; see `Archive.reidentify`."""
    for code in codes:
        access.allow(Role.MANAGER, "see whom a pseudonym stands for", "reidentify", digest_of(code))
    key = identity_key(settings)
    keyed = Keyed(key.pseudonyms)
    found: list[Reidentified] = []
    with open_identities(settings, key) as identities:
        for code in codes:
            for one in identities.find(code):
                who = one.code if one.kind == "patient" else one.patient
                person = next((other.value for other in identities.find(who) if other.kind == "patient"), "")
                days = keyed.days(who) if who else None
                found.append(Reidentified(one.kind, one.code, one.value, who, person, days))
    return tuple(found)


@contextmanager
def _begun(folder: Path, made: Mapping[str, Any]) -> Iterator[None]:
    """A new folder, or one in which the same copying was begun, held by this process alone.

    Raises `CohortError` for another that holds things, and `Busy` where somebody else is copying into it.
    """
    make_folder(folder)
    handle = os.open(folder, os.O_RDONLY)
    try:
        if not hold(handle):
            raise Busy(f"another process copies into {folder}; wait for it")
        marker = folder / MARKER
        description = json.dumps(dict(made), sort_keys=True).encode()
        if not marker.is_file():
            if not is_unused(folder, first=MARKER):
                raise CohortError(f"{folder} is not empty; copy into a new folder")
            write_durably(marker, description)
        elif marker.read_bytes() != description:
            raise CohortError(
                f"{folder} holds copies of another version or made in another way; copy into a new folder"
            )
        yield
    finally:
        os.close(handle)


@dataclass
class _Copying:
    """Series by series: each lies under a name of its own until all of its files are there and were looked at."""

    sandbox: Sandbox
    keyed: Keyed
    options: Options
    folder: Path
    marked: bool
    hold: bool
    studies: set[str] = field(default_factory=set)
    series: int = 0
    files: int = 0
    held: Counter[str] = field(default_factory=Counter)
    pixels: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    def copy(self, rows: Sequence[_Row]) -> None:
        study, series = (uid if self.marked else self.keyed.uid(uid) for uid in rows[0][:2])
        final = self.folder / study / series
        known = self.folder / _LOOKED / f"{series}.json"
        if not final.is_dir():
            unfinished = final.with_name(f".{series}.partial")
            shutil.rmtree(unfinished, ignore_errors=True)
            make_folder(unfinished)
            reasons, failed = self._fill(unfinished, rows, study, series)
            if (self.hold and reasons) or not any(unfinished.iterdir()):
                shutil.rmtree(unfinished)
            else:
                make_folder(known.parent)
                write_durably(known, json.dumps({"pixels": sorted(reasons), "failed": failed}).encode())
                durable_replace(unfinished, final)
        else:  # an earlier call, which was stopped, finished it
            held = json.loads(known.read_text())
            reasons, failed = set(held["pixels"]), held["failed"]
        self.failed.update(failed)
        if final.is_dir():
            self.studies.add(study)
            self.series += 1
            self.files += sum(1 for _ in final.iterdir())
            self.pixels.update(reasons)
        else:
            self.held.update(reasons)
            if final.parent.is_dir() and not any(final.parent.iterdir()):
                final.parent.rmdir()

    def _fill(self, unfinished: Path, rows: Sequence[_Row], study: str, series: str) -> tuple[set[str], dict[str, int]]:
        tasks = [
            copy_task(path, key=self.keyed.key, options=self.options, study=study, series=series)
            for _, _, path, _ in rows
        ]
        reasons, failed = set[str](), Counter[str]()
        for task, outcome in zip(tasks, self.sandbox.map(iter(tasks)), strict=True):
            reason = _failure(outcome)
            if reason:
                failed[reason] += 1
                continue
            (value, (data,)) = outcome.messages[0]
            reasons |= set(value["pixels"])
            name = self.keyed.name("file", task.arguments["path"])
            (unfinished / f"{name}{value['ending']}").write_bytes(data)
        return reasons, dict(failed)


def _failure(outcome: Outcome) -> str:
    if outcome.failure is not None:
        return str(outcome.failure)
    if not outcome.messages:
        return str(Reason.READ_CRASHED)
    return str(outcome.messages[0][0].get("reason", ""))
