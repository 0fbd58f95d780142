"""A home that holds a file of every kind there is, and what it answers through its doors."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from serving import open_served
from typer.testing import CliRunner

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "encoders"), str(HERE.parent / "encoders" / "text")]

from archives import Home  # noqa: E402
from hidden import index_without_names, named_files  # noqa: E402
from test_clip import save_tiny  # noqa: E402

from spinecho.encoders.adapted import Heads, HeadsConfig, Sentences, save_adapted  # noqa: E402
from spinecho.encoders.fetching import FolderRepository, fetch  # noqa: E402
from spinecho.encoders.registry import WEIGHTS, open_encoder  # noqa: E402
from spinecho.ui.cli.app import app  # noqa: E402
from spinecho.ui.server.api.around.service import Door  # noqa: E402
from spinecho.ui.server.jobs.queue import Queue  # noqa: E402

WORDS = "infarct on the left"
_TIMES = ("seconds", "ms", "took", "at", "started", "ended", "run", "free", "to_come", "bytes", "query_id", "scrub")


class Refused(Exception):
    """A door said that it cannot, in words."""


class Broken(Exception):
    """A door failed without words for it."""


def command(*arguments: object) -> str:
    """What a command prints. Raises `Refused` with its line, and `Broken`."""
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    if done.exit_code in (0, 1):
        return done.stdout
    line = next((one for one in done.stderr.splitlines() if one.startswith("error: ")), "")
    if done.exit_code not in (2, 3, 4) or not line or "Traceback" in done.output:
        raise Broken(f"{arguments[:2]}: exit status {done.exit_code}: {done.output[-400:]} {done.exception!r}")
    raise Refused(f"{done.exit_code} {line}")


def _plain(value: Any) -> Any:
    """Less what is of the moment."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if not name.endswith(_TIMES)}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return round(value, 3) if isinstance(value, float) else value


class Rich:
    """Everything lies below one folder, at the same place in every trial: homes name their archives."""

    def __init__(self, folder: Path, indexed: Home, archive: Path) -> None:
        self.folder, self.archive = folder, archive
        self.home, self.hidden, self.backups = folder / "home", folder / "hidden" / "home", folder / "backups"
        self.cache = folder / "cache"
        shutil.copytree(indexed.folder, self.home, ignore=shutil.ignore_patterns("record.sqlite*"))
        self._fill()
        for path in folder.rglob("*.sqlite"):
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copytree(folder, folder.with_name("base"), symlinks=True)

    def fresh(self) -> None:
        """As it was."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.folder.with_name("base"), self.folder, symlinks=True)

    def files(self) -> list[Path]:
        """Of the home, the hidden home, the backups and the cache, by their paths below the folder."""
        found = (path for path in self.folder.rglob("*") if path.is_file() and "hidden/archive" not in str(path))
        return sorted(path.relative_to(self.folder) for path in found)

    def _fill(self) -> None:
        home = self.home
        (home / "roles.toml").write_text('default = "manager"\nviewer = ["viewer@hospital.example"]\n')
        (home / "secrets.toml").write_text(f'[auth]\ncookie_secret = "{"x" * 40}"\nclient_id = "spinecho"\n')
        shutil.copyfile(HERE.parents[1] / "search" / "fusion.json", home / "fusion.json")
        (home / "room-8501.address").write_text("http://127.0.0.1:8501/?secret=abc\n")
        self._fill_encoders(home / "encoders")
        command("index", self.archive, "--home", home, "--json")
        command("feedback", "add", WORDS, "--good", self.uid(), "--home", home)
        queue = Queue(home)
        number = queue.add("count", owner=getpass.getuser(), role="researcher", arguments={"a": 1}).id
        queue.take("me")
        queue.finish(number, {"file": queue.write(number, "zip", b"rows" * 500), "file_name": "rows.zip", "bytes": 2000, "media": "application/zip"}, 1)
        queue.close()
        self.served()
        command("doctor", "--scrub", "--rate", "100000", "--home", home)
        self.hidden.parent.mkdir()
        named_files(self.hidden.parent)
        if status := index_without_names(self.hidden.parent):
            raise Broken(f"{status}")
        command("backup", self.backups, "--unencrypted", "--home", home)
        for number in range(2):
            command("feedback", "add", f"mass {number}", "--good", self.uid(), "--home", home)
            command("backup", self.backups, "--unencrypted", "--home", home)

    def _fill_encoders(self, folder: Path) -> None:
        base = open_encoder()
        torch.manual_seed(0)
        heads = Heads(HeadsConfig(image=base.image.space.dim, text=Sentences(base.text, base.aligned_text).width, width=48, dim=16))
        save_adapted(folder / "adapted-1", heads, encoder="spinecho", base=base, facts={})
        for part in ("image", "text", "heads"):
            shutil.copytree(WEIGHTS / part, folder / "mine" / part)
        save_tiny(self.folder / "tiny", "clip")
        repository = FolderRepository(self.folder / "tiny", "us/tiny")
        fetch(repository, repository.listing(), folder / "tiny", entry=None, kind="clip")
        shutil.rmtree(self.folder / "tiny")

    def uid(self) -> str:
        return str(Home(self.home).query("SELECT uid FROM studies ORDER BY uid LIMIT 1")[0][0])

    def search(self) -> Any:
        return self._hits()

    def search_by_likeness(self) -> Any:
        return self._hits("study")

    def by_own_tower(self) -> Any:
        return self._hits(encoder="tower:mine")

    def adapted(self) -> Any:
        return self._vectors("adapted:adapted-1")

    def fetched(self) -> Any:
        return self._vectors("clip:tiny")

    def status(self) -> Any:
        return _plain(json.loads(command("status", "--home", self.home, "--json")))

    def doctor(self, home: Path | None = None) -> Any:
        found = json.loads(command_of_check("doctor", "--home", home or self.home, "--json"))
        return sorted([one["area"], one["what"], *map(str, one["examples"])] for one in found["findings"])

    def index(self) -> Any:
        command("index", self.archive, "--home", self.home, "--workers", 1, "--json")
        return self._hits()

    def served(self) -> Any:
        """Over HTTP: a search, a volume and its range, a job and its file."""
        with open_served(Home(self.home), Door(alone=True)) as server:
            job = next(iter(Queue(self.home).of(None)), None)
            found = [self._got(server.post("/search", {"words": WORDS}))["hits"]]
            paths = [f"/series/{server.series}/volume.nii", "/jobs"]
            paths += [f"/jobs/{job.id}", f"/jobs/{job.id}/file"] if job is not None else []
            return found + [self._got(server.get(path)) for path in paths]

    def _got(self, answer: Any) -> Any:
        path = answer.url.path
        kind = answer.headers["content-type"]
        if answer.status_code >= 400:
            told = answer.json()
            if answer.status_code == 500 and told.get("type", "").endswith("failed"):
                raise Broken(f"{path}: {told}")
            raise Refused(f"{path}: {told}")
        return _plain(answer.json()) if "json" in kind else answer.content

    def backed_up(self) -> Any:
        """A new backup of the home, and of it the newest is put back."""
        return self._restored(self.folder / "new-backups", back_up=True)

    def restored(self) -> Any:
        return self._restored(self.backups, back_up=False)

    def _restored(self, backups: Path, *, back_up: bool) -> Any:
        if back_up:
            command("backup", backups, "--unencrypted", "--home", self.home)
        again = self.folder / "again"
        shutil.rmtree(again, ignore_errors=True)
        command("restore", backups, "--unencrypted", "--home", again)
        return self._hits(home=again)

    def verified(self) -> Any:
        return command("backup", self.backups, "--verify", "--unencrypted")

    def reidentified(self) -> Any:
        codes = Home(self.hidden).query("SELECT patient_id FROM studies ORDER BY 1")
        return command("reidentify", *(one[0] for one in codes), "--home", self.hidden)

    def indexed_without_names(self) -> Any:
        command("index", self.hidden.parent / "archive", "--home", self.hidden, "--workers", 1, "--deidentify")
        return Home(self.hidden).query("SELECT patient_id, accession_number FROM studies ORDER BY 1")

    def doctor_of_hidden(self) -> Any:
        return self.doctor(self.hidden)

    def record(self) -> Any:
        return command("record", "check", "--home", self.home)

    def _hits(self, what: str = "text", *, home: Path | None = None, encoder: str = "spinecho") -> Any:
        asked = WORDS if what == "text" else self.uid()
        found = command("search", what, asked, "--home", home or self.home, "--encoder", encoder, "--json")
        return [(one["study_uid"], round(one["score"], 3)) for one in json.loads(found)["hits"]]

    def _vectors(self, encoder: str) -> Any:
        from spinecho.setup.settings import read_settings  # noqa: PLC0415
        from spinecho.setup.wiring import open_named  # noqa: PLC0415
        from spinecho.errors import SpinechoError  # noqa: PLC0415

        try:
            dual = open_named(read_settings(home=self.home, device="cpu"), encoder)
            aligned = dual.aligned_text
            assert aligned is not None
            return aligned.encode([WORDS]).round(3).tolist()
        except SpinechoError as error:
            raise Refused(str(error)) from error


def command_of_check(*arguments: object) -> str:
    """Of a command that ends with 4 where it finds something."""
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    if done.exit_code not in (0, 1, 4) or not done.stdout.startswith("{"):
        return command(*arguments)
    return done.stdout


def outcome(door: Callable[[], Any]) -> Any:
    """What a door gives, `Refused` or `Broken`."""
    try:
        return door()
    except (Refused, Broken) as error:
        return error
    except Exception as error:  # noqa: BLE001
        return Broken(f"{type(error).__name__}: {error}"[:400])
