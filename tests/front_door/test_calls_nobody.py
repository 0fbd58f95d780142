"""Nothing that Spinecho or a library under it does asks another machine, unless it was told of that machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from archives import copy_of_home
from pages import Indexed

from spinecho.encoders.sandbox.environment import command_environment

_SILENT = {"CI", "GITHUB_ACTIONS", "TF_BUILD", "DO_NOT_TRACK", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}
"""Where one of these is set some libraries keep quiet that would not in a hospital."""

_ALONE = """
import ctypes, fcntl, os, signal, socket, struct, subprocess, sys, time
from pathlib import Path

if sys.platform != "linux":
    sys.exit(77)
CLONE_NEWNET, CLONE_NEWUSER, SIOCSIFFLAGS, IFF_UP_LOOPBACK_RUNNING = 0x40000000, 0x10000000, 0x8914, 0x49
if ctypes.CDLL(None).unshare(CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWUSER | CLONE_NEWNET) != 0:
    sys.exit(77)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
    fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP_LOOPBACK_RUNNING))

def refused():
    lines = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines()]
    return {name[0] + key: int(count) for name, counts in zip(lines[::2], lines[1::2])
            for key, count in zip(name[1:], counts[1:])}["Ip:OutNoRoutes"]

def command(*arguments, **options):
    return subprocess.Popen([sys.executable, "-P", "-m", "spinecho.ui.cli.app", *arguments], **options)

before = refused()
if sys.argv[1:] == ["asks"]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.connect_ex(("192.0.2.1", 53))
    print(refused() - before)
    sys.exit()
with command("serve", "--port", "8931", "--home", sys.argv[1], stdout=subprocess.DEVNULL) as server:
    assert command("index", sys.argv[2], "--home", sys.argv[1], "--workers", "1", stdout=subprocess.DEVNULL).wait() == 0
    assert command("search", "text", "mass", "--home", sys.argv[1], stdout=subprocess.DEVNULL).wait() == 0
    for _ in range(100):
        time.sleep(0.2)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", 8931)) == 0:
                break
    else:
        sys.exit("the server does not answer")
    time.sleep(float(sys.argv[3]))
    server.send_signal(signal.SIGTERM)
print(refused() - before)
"""
_PATIENCE = 8.0
"""Seconds; a sender of events that is begun at an import has looked its server up by then."""


def test_an_archive_is_indexed_searched_and_served_without_a_question_to_another_machine(
    indexed: Indexed, tmp_path: Path
) -> None:
    home = copy_of_home(indexed.home, tmp_path / "home")
    assert _refused(tmp_path, str(home), str(indexed.files), str(_PATIENCE)) == 0


def test_a_question_to_another_machine_is_seen(tmp_path: Path) -> None:
    assert _refused(tmp_path, "asks") > 0


def _refused(place: Path, *arguments: str) -> int:
    """How many packages the kernel found no way for, with no network but the machine's own."""
    kept = {name: value for name, value in command_environment().items() if name not in _SILENT}
    done = subprocess.run(
        [sys.executable, "-c", _ALONE, *arguments], env={**kept, "TMPDIR": str(place)}, cwd=place, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if done.returncode == 77:
        pytest.skip("the kernel lets this account make no network namespace, or has none")
    assert done.returncode == 0, done.stderr[-1000:]
    return int(done.stdout)
