"""What deploys Spinecho: units, images and the compose file, as far as they can be held against something here."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer
from compose_file import FOLDER, bases, compose, variables

from spinecho.ui.cli.app import app

UNITS = sorted((FOLDER / "systemd").glob("*.service"))
SITE = {"ARCHIVE": "/mri", "SPINECHO_DATABASE_PASSWORD": "p", "SPINECHO_ROOM_SECRET": "s" * 32}


def parsed(words: list[str]) -> str:
    """The name of the command that these words call; they are parsed as it parses them, and nothing is run."""
    group = typer.main.get_command(app)
    name, command, rest = group.resolve_command(group.make_context("spinecho", ["status"]), words)  # type: ignore[attr-defined]
    command.make_context(name, rest)
    return str(name)


def test_systemd_takes_the_units_and_finds_them_closed() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    done = subprocess.run([str(FOLDER / "verify-units.sh")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("exposure level") == len(UNITS) == 5


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_a_command_that_there_is(unit: Path) -> None:
    lines = unit.read_text(encoding="utf-8").splitlines()
    (line,) = [one.partition("=")[2] for one in lines if one.startswith("ExecStart=")]
    program, *words = shlex.split(line)
    assert program == "/opt/spinecho/bin/spinecho"
    assert parsed(words) in ("serve", "watch", "receive-reports", "backup", "doctor")
    assert "NoNewPrivileges=yes" in lines
    assert "ProtectSystem=strict" in lines


def test_every_service_is_closed_and_of_an_image_that_is_named_once() -> None:
    file = compose({**SITE, **bases()})
    assert set(file["services"]) == {"database", "server", "worker"}
    for name, service in file["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["user"] not in ("root", "0", "0:0")
        assert set(service["networks"]) <= file["networks"].keys()
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert source in file["volumes"] or (source == "/mri" and volume.endswith(":ro")), volume
    assert file["services"]["database"]["image"] == bases()["POSTGRES_BASE"]
    assert all(port.startswith("127.0.0.1:") for port in file["services"]["server"]["ports"])
    for name in ("server", "worker"):
        assert parsed(list(file["services"][name]["command"])) in ("serve", "watch")


@pytest.mark.parametrize("name", [name for name, (sign, _) in variables().items() if sign != "-"])
def test_no_secret_and_no_place_has_a_default(name: str) -> None:
    given = {**SITE, **bases()}
    del given[name]
    with pytest.raises(KeyError, match=name):
        compose(given)


@pytest.mark.parametrize("name", ["Containerfile", "Containerfile.gpu"])
def test_an_image_runs_as_nobody_special_from_what_the_locks_name(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${PYTHON_BASE}"}
    assert text.index("USER 10001:10001") > text.rindex("FROM ")
    installs = re.findall(r"pip install .*", text)
    assert installs
    assert all("--require-hashes" in one or "--no-index" in one for one in installs)
    for copied in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE):
        for source in copied.split():
            assert source.startswith("build/") or (FOLDER.parents[1] / source).is_file(), source


def test_no_digest_is_written_by_hand() -> None:
    for path in (FOLDER / "Containerfile", FOLDER / "Containerfile.gpu", FOLDER / "compose.yaml", FOLDER / "bases.env"):
        assert not re.search(r"sha256:[0-9a-f]{8}", path.read_text(encoding="utf-8")), path.name


@pytest.mark.parametrize("answers", [True, False])
def test_digests_are_filled_in_whole_or_not_at_all(answers: bool, tmp_path: Path) -> None:
    """A `skopeo` of the test's own stands for the registry."""
    shutil.copy(FOLDER / "bases.env", tmp_path)
    digest = "sha256:" + "5" * 64
    fails = "" if answers else "case $4 in *postgres*) exit 1;; esac; "
    tool = tmp_path / "bin" / "skopeo"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\n{fails}echo {digest}\n")
    tool.chmod(0o755)
    done = subprocess.run(
        [str(FOLDER / "fill-digests.sh"), str(tmp_path)], capture_output=True, text=True, check=False,
        env={"PATH": f"{tool.parent}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip
    written = tmp_path / "bases.lock.env"
    assert (done.returncode == 0, written.exists()) == (answers, answers), done.stderr
    assert not list(tmp_path.glob("*.partial"))
    if answers:
        lines = written.read_text().splitlines()[1:]
        assert lines == [f"{name}={image.rpartition(':')[0]}@{digest}" for name, image in bases().items()]
