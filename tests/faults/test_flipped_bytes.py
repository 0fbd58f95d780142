"""A byte is changed in each kind of file that a home holds: what is asked is answered as before, or refused in words.

Rows stand for what a real home holds: a file without a row fails. One place of each kind is drawn in every run of the
tests; SPINECHO_FLIPS=50 draws so many of each.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch
from archives import Home, copy_of_home
from typer.testing import CliRunner

from spinecho.db.durable import sha256_of
from spinecho.db.identities.key import make_key
from spinecho.db.identities.mapping import Identities, Identity
from spinecho.encoders import pip_weights
from spinecho.encoders.adapted import Heads, HeadsConfig, save_adapted
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.fetching import RECORD, require_as_fetched
from spinecho.encoders.registry import open_encoder
from spinecho.errors import SpinechoError
from spinecho.setup.private import _OURS, tighten
from spinecho.setup.settings import Settings
from spinecho.setup.wiring import open_named
from spinecho.ui.cli.app import app
from spinecho.ui.server.api.around.kept_volumes import KeptVolumes
from spinecho.ui.server.jobs.queue import Queue

FLIPS = int(os.environ.get("SPINECHO_FLIPS", "1"))
WORDS = "infarct on the left"
REFUSED = "refused"
Door = Callable[[Path], Any]


def command(*arguments: object) -> Any:
    """What a command prints, or that it refused in one line with a status that says whose turn it is."""
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    if done.exit_code in (2, 3, 4) and any(line.startswith("error: ") for line in done.stderr.splitlines()):
        return REFUSED
    assert done.exit_code in (0, 1, 4), (arguments, done.output, done.exception)
    return done.stdout


def refusing(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except SpinechoError:
        return REFUSED


def search(folder: Path) -> Any:
    found = command("search", "text", WORDS, "--home", folder / "home", "--json")
    return found if found == REFUSED else [(hit["study_uid"], hit["score"]) for hit in json.loads(found)["hits"]]


def restored(folder: Path) -> Any:
    again = folder / "again"
    shutil.rmtree(again, ignore_errors=True)
    if command("restore", folder / "backups", "--unencrypted", "--home", again) == REFUSED:
        return REFUSED
    with closing(sqlite3.connect(again / "spinecho.sqlite")) as connection:
        return connection.execute("SELECT uid, accession_number FROM studies ORDER BY uid").fetchall()


def adapted(folder: Path) -> Any:
    def encode() -> Any:
        text = open_named(Settings(folder / "home", device="cpu"), "adapted:adapted-1").aligned_text
        assert text is not None
        return text.encode([WORDS]).round(3).tolist()

    return refusing(encode)


def fetched(folder: Path) -> Any:
    return refusing(lambda: require_as_fetched(folder / "home" / "encoders" / "tiny"))


def jobs(folder: Path) -> Any:
    def read() -> Any:
        queue = Queue(folder / "home")
        try:
            return [(one.id, one.arguments, one.result, queue.read(str((one.result or {})["file"])))
                    for one in queue.of("ada")]  # fmt: skip
        finally:
            queue.close()

    return refusing(read)


def volume(folder: Path) -> Any:
    return bytes(KeptVolumes(folder / "home", 1 << 20).get("abc", lambda: b"voxels" * 100))


def identities(folder: Path) -> Any:
    from spinecho.pseudonyms.identities import identity_key, open_identities  # noqa: PLC0415

    settings = Settings(folder / "home")

    def find() -> Any:
        with open_identities(settings, identity_key(settings)) as opened:
            return [opened.find(f"P{number}") for number in range(20)] + [sorted(opened.names_of("P1"))]

    return refusing(find)


def record(folder: Path) -> Any:
    return "whole" if command("record", "check", "--home", folder / "home").startswith("whole") else REFUSED


BY_PEOPLE = "people wrote it: what can still be read is taken as it stands"
NOTHING = "nothing is read of it"
KINDS: dict[str, tuple[tuple[Door, ...], str]] = {
    r"home/spinecho\.sqlite": ((search,), ""),
    r"home/builds/space-\d+/\d+/(index\.faiss|manifest\.(json|sha256))": ((search,), ""),
    r"home/builds/facts/\d+/.*": ((search,), ""),
    r"home/builds/.*/CURRENT": ((search,), "the newest sound build answers"),
    r"home/encoders/adapted-1/(config\.json|model\.safetensors)": ((adapted,), ""),
    r"home/encoders/tiny/.*": ((fetched,), ""),
    r"home/(server\.sqlite|jobs/.*\.zip)": ((jobs,), "what a job made is made again"),
    r"home/volumes/.*": ((volume,), "made again"),
    r"home/identities\.(sqlite|key)": ((identities,), ""),
    r"home/record\.sqlite": ((record,), ""),
    r"home/(fusion\.json|(roles|secrets)\.toml)": ((), BY_PEOPLE),
    r"home/\..*\.as-written": ((), "a note that cannot be read is none: the file that it is of is noted anew"),
    r"home/scrub\.json": ((search,), "a round begins anew"),
    r"home/(index|scrub)\.lock": ((search,), NOTHING),
    r"home/(index\.log|server\.key|room-.*\.address|jobs/lock)": ((), NOTHING),
    r"backups/.*": ((restored,), "'spinecho backup --verify' says it"),
}
"""What lies where, by its path: who reads it, and why doctor need not name it ("" where it has to)."""
ELSEWHERE = {"spool", "public", "training-cache", "evaluations"}
"""Of `_OURS`: objects and messages as they came, and folders whose files carry their digest or that people look at."""


@pytest.fixture(scope="module")
def dual() -> DualEncoder:
    return open_encoder()


@pytest.fixture(scope="module")
def base(indexed: Home, dual: DualEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flips") / "base"
    home = copy_of_home(indexed.folder, folder / "home")
    tighten(home)
    (home / "roles.toml").write_text('default = "manager"\n')
    (home / "fusion.json").write_text((Path(pip_weights.__file__).parents[1] / "search/fusion.json").read_text())
    heads = Heads(HeadsConfig(image=dual.image.space.dim, text=_width(dual), width=48, dim=16))
    torch.nn.init.normal_(heads.text.linear, std=0.1)
    save_adapted(home / "encoders" / "adapted-1", heads, encoder="spinecho", base=dual, facts={})
    tiny = home / "encoders" / "tiny"
    tiny.mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tiny / name).write_bytes(name.encode() * 20)
    digests = {path.name: sha256_of(path) for path in tiny.iterdir()}
    (tiny / RECORD).write_text(json.dumps({"repository": "us/tiny", "digests": digests}))
    queue = Queue(home)
    for number in range(20):
        one = queue.add("count", owner="ada", role="viewer", arguments={"words": f"mass {number}"}).id
        queue.take("it")
        queue.finish(one, {"file": queue.write(one, "zip", b"rows" * 40), "studies": number}, 1)
    queue.close()
    volume(folder)
    make_key(home / "identities.key")
    from spinecho.pseudonyms.identities import identity_key  # noqa: PLC0415

    with Identities.open(home / "identities.sqlite", identity_key(Settings(home)), create=True) as opened:
        opened.keep([Identity("patient", f"P{n}", f"SAMPLE{n}", f"P{n}") for n in range(20)], [("P1", "name", "Quill")])
    command("backup", folder / "backups", "--unencrypted", "--home", home)
    command("doctor", "--scrub", "--rate", "100000", "--home", home)
    for path in folder.rglob("*.sqlite"):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder


def _width(dual: DualEncoder) -> int:
    assert dual.aligned_text is not None
    return dual.text.space.dim + dual.aligned_text.space.dim


def said(folder: Path) -> str:
    return str(command("doctor", "--home", folder / "home", "--json"))


def files_of(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm", ".lock")))
    return sorted(path.relative_to(folder).as_posix() for path in found if path.stat().st_size)


def test_every_file_of_a_home_has_a_row(base: Path) -> None:
    assert [one for one in files_of(base) if not any(re.fullmatch(kind, one) for kind in KINDS)] == []
    assert [kind for kind in KINDS if not any(re.fullmatch(kind, one) for one in files_of(base)) and KINDS[kind][0]
            and "lock" not in kind] == []  # fmt: skip
    for pattern in set(_OURS) - ELSEWHERE:
        named = pattern.replace("*.sqlite*", "spinecho.sqlite").replace("*", "json" if "scrub" in pattern else "8501")
        assert any(re.match(kind, f"home/{named}") or kind.startswith(f"home/{named}/") or f"{named}/" in kind
                   for kind in KINDS), pattern  # fmt: skip


@pytest.mark.parametrize("kind", [kind for kind, (doors, _) in KINDS.items() if doors])
def test_a_changed_byte_changes_no_answer_in_silence(
    base: Path, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pip_weights, "BY_PIP", ())
    monkeypatch.setattr(pip_weights, "_SHIPPED", tmp_path / "none")
    doors, why = KINDS[kind]
    drawn = random.Random(f"{kind} {FLIPS}")
    files = [one for one in files_of(base) if re.fullmatch(kind, one)]
    if not files:
        pytest.skip("empty here")
    work = tmp_path / "work"
    shutil.copytree(base, work)
    before, sound = [door(work) for door in doors], said(work)
    assert REFUSED not in before
    for _ in range(FLIPS):
        name = drawn.choice(files)
        data = bytearray((base / name).read_bytes())
        at = drawn.randrange(len(data))
        data[at] ^= 1 << drawn.randrange(8)
        shutil.rmtree(work)
        shutil.copytree(base, work)
        (work / name).write_bytes(data)
        told = sound if why else said(work)
        for door, right in zip(doors, before, strict=True):
            found = door(work)
            rows = "spinecho" in kind  # no search verifies each of them: doctor does
            assert found in (right, REFUSED) or (rows and told != sound), f"{name}, byte {at}: another answer"
            assert why or found == right or told != sound, f"{name}, byte {at}: refused, and doctor says nothing"
