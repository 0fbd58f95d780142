"""A hospital, the home in which it is indexed, and what whoever looks after it does and sees, by the command alone."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from coarse_encoders import CELLS
from forked_commands import Commands, Ended, Running
from hospital import Hospital
from small_studies import study_uid

Note = dict[str, Any]
"""What a home says of itself and answers."""
_K = 6
_COUNTS = ("studies", "series", "volumes", "passages", "reports", "reports_matched", "reports_unmatched",
           "reports_ambiguous")  # fmt: skip
_LONG = 60.0
COHORT = "tumours"


@dataclass
class Life:
    commands: Commands
    hospital: Hospital
    home: Path
    backups: Path
    noted: dict[str, tuple[list[tuple[str, ...]], Note]] = field(default_factory=dict)
    """By the name of a backup: what was asked on that day, and what came."""
    draw: random.Random | None = None
    """Where there is one, whatever is run may be killed at some moment, and is then run again."""
    lasted: dict[str, float] = field(default_factory=dict)
    """Seconds that each command took."""
    killed: int = 0
    frozen: bool = False
    """Whether there is a cohort."""
    _folders: int = 0

    def run(self, *told: object, status: int = 0) -> Any:
        """One command on the home; status: what it may end with besides 0."""
        command = " ".join(str(one) for one in told[:2])
        if self.draw is not None and self.draw.random() < 0.4:
            running = self.commands.start(*told, "--json", "--home", self.home)
            time.sleep(self.draw.uniform(0, 1.1) * self.lasted.get(command, 1.0))
            self.after_a_kill(running)
        begun = time.monotonic()
        ended = self.commands.start(*told, "--json", "--home", self.home).wait()
        self.lasted[command] = time.monotonic() - begun
        assert ended.status in {0, status}, ended
        return ended.value

    def after_a_kill(self, running: Running) -> Ended:
        """Kill it: nobody whom it had started stays, what is stored is whole, and searches are answered."""
        running.kill()
        ended = running.wait()
        self.killed += ended.status < 0
        until = time.monotonic() + _LONG
        while started := [one.pid for one in psutil.process_iter() if _session(one.pid) == running.pid]:
            assert time.monotonic() < until, f"{ended.told} was killed and left {started}"
            time.sleep(0.02)
        for asked in (("status", "--check"), ("search", "text", "tumour")):
            told = self.commands.start(*asked, "--json", "--home", self.home).wait()
            older = ended.told.startswith("spinecho db upgrade") and "spinecho db upgrade" in told.err
            assert told.status == (2 if older else 0), told
        return ended

    def killed_once_it_stores(self, *told: object) -> None:
        """Run a command and kill it when the first volumes are stored."""
        before = self.count("volumes")
        running = self.commands.start(*told, "--json", "--home", self.home)
        while self.count("volumes") == before and psutil.Process(running.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.005)
        self.after_a_kill(running)

    def count(self, table: str) -> int:
        """Rows of a table, while others write."""
        with closing(sqlite3.connect(f"file:{self.home / 'spinecho.sqlite'}?mode=ro", uri=True)) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def index(self, *options: str) -> Any:
        """A run; status 1 is for what was torn, or went before a run that was killed had read it."""
        missed = bool(self.hospital.torn or self.hospital.gone)
        return self.run("index", self.hospital.folder, "--workers", 1, *options, status=int(missed))

    def freeze(self) -> None:
        """A cohort of all that there is now, or its next version."""
        definition = self.home.parent / "cohort.toml"
        definition.write_text(f'name = "{COHORT}"\n[[include]]\nfilter = "everything"\n')
        self.run("cohort", "freeze", definition)
        self.frozen = True

    def serves(self) -> tuple[str, int]:
        """The encoder that answers, and how many scans lack its vector."""
        held = self.run("encoders", "list")["encoders"]
        [found] = [(one["encoder"], one["lacking"]) for one in held if one["state"] == "serves"]
        return found

    def roll_back(self) -> None:
        """To the encoder before, which is given what it lacks."""
        name = self.run("encoders", "rollback")["encoder"]
        self.run("encoders", "add", name, status=2)  # a mistake where nothing is lacking
        assert self.serves()[1] == 0

    def add_the_other(self) -> str:
        """Put the encoder that does not answer beside the one that does, or fill up what it lacks; its name."""
        [other] = CELLS.keys() - {self.serves()[0]}
        assert self.run("encoders", "add", other)["encoder"]["lacking"] == 0
        return other

    def questions(self) -> list[tuple[str, ...]]:
        """Words, and a study that is there."""
        some = sorted(self.hospital.known)
        number = some[len(self.noted) % len(some)]
        return [
            ("text", self.hospital.known[number]),
            ("study", study_uid(some[0])),
        ]

    def end_of_day(self) -> None:
        """All is well, the home says what the hospital is, and there is a backup of it."""
        hospital, questions = self.hospital, self.questions()
        note = self.note(self.home, questions, people=self.frozen)
        counts = note["archive"]
        assert (counts["studies"], counts["series"]) == (len(hospital.places), 2 * len(hospital.places))
        assert counts["reports"] == counts["reports_matched"] == len(hospital.known)
        assert note["pending"] == 0
        assert note["files"].get("rejected", 0) == len(hospital.torn)
        assert [row["path"] for row in note["failures"]] == sorted(map(str, hospital.torn))
        word, like = note["found"]
        assert {uid for uid, fits, *_ in word if fits} == hospital.with_finding(questions[0][1])
        assert questions[1][1] not in {uid for uid, *_ in like}
        assert {path for *_, paths in like for path in paths} <= set(map(str, hospital.scans()))
        made = self.run("backup", self.backups, "--unencrypted")
        self.noted[made["name"]] = (questions, note)

    def note(self, home: Path, questions: list[tuple[str, ...]], *, people: bool) -> Note:
        """What this home says, less what is different whenever it is asked; people: also what people made in it."""

        def ask(*told: object) -> Any:
            return self.commands.run(*told, "--home", home)

        status = ask("status", "--check")
        return {
            "files": status["files"],
            "reasons": status["reasons"],
            "archive": {name: status["archive"][name] for name in _COUNTS},
            "facets": status["facets"],
            "pending": status["pending_series"],
            "failures": sorted(ask("failures")["failures"], key=lambda row: str(row["path"]))
            if status["files"].get("rejected")
            else [],
            "encoder": status["spaces"]["image"]["encoder"],
            "people": [ask("feedback", "list"), ask("cohort", "show", COHORT)] if people else None,
            "found": [_hits(ask("search", *question, "-k", _K)) for question in questions],
        }

    def now(self) -> Note:
        return self.note(self.home, self.questions(), people=False)

    def restore_all(self) -> None:
        """Every backup gives a home that says and answers what was noted on its day."""
        listed = self.commands.run("backup", self.backups, "--list", "--unencrypted")["backups"]
        assert [one["name"] for one in listed if one["name"] in self.noted] == list(self.noted)
        for name, (questions, note) in self.noted.items():
            place = self.another_folder()
            self.commands.run("restore", self.backups, "--unencrypted", "--home", place, "--backup", name)
            assert self.note(place, questions, people=note["people"] is not None) == note

    def compare_with_a_fresh_home(self) -> None:
        """A home that is indexed now from nothing says the same of the scans and reports, and answers the same."""
        questions, place = self.questions(), self.another_folder()
        mine = self.note(self.home, questions, people=False)
        told = ("index", self.hospital.folder, "--workers", 1, "--home", place, "--encoder", mine["encoder"])
        self.commands.run(*told, status=1 if self.hospital.torn else 0)
        assert self.note(place, questions, people=False) == mine

    def another_folder(self) -> Path:
        self._folders += 1
        return self.home.parent / f"other-{self._folders}"


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return -1


def _hits(answer: dict[str, Any]) -> list[list[Any]]:
    found = []
    for hit in answer["hits"]:
        paths = sorted(path for series in hit["series"] for path in series["paths"])
        found.append([hit["study_uid"], hit["fits"], round(hit["score"], 3), paths])
    return found
