"""Nothing is installed that no pin names, and the locks name the same versions with their digests."""

from __future__ import annotations

import importlib.metadata as installed
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENT = ROOT / "docs" / "deployment"
SERVER = ("server", "mcp", "pacs", "postgresql")
LOCKS = {
    "lock.txt": None,
    "lock-server.txt": ("cpu", *SERVER),
    "lock-server-gpu.txt": ("gpu", *SERVER),
}
"""Which extras each lock is for; None for all."""
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(?:;([^\\\n]*))?((?:\\\n\s+--hash=\S+\s*)*)", re.M)


def extras() -> dict[str, list[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {"": project["dependencies"]} | project["optional-dependencies"]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [line.split("==") for line in lines if "==" in line]
    assert len({canonicalize_name(name) for name, _ in found}) == len(found), "a name stands in it twice"
    return {canonicalize_name(name): version for name, version in found}


@cache
def locked(name: str) -> dict[str, tuple[str, str]]:
    """Version and hashes of each package that the lock installs on this machine."""
    found = {}
    for package, version, marker, hashes in _LOCKED.findall((DEPLOYMENT / name).read_text(encoding="utf-8")):
        if not marker.strip() or Marker(marker).evaluate():
            found[canonicalize_name(package)] = version, hashes
    return found


@cache
def asked_by(name: str) -> tuple[Requirement, ...]:
    """What an installed distribution says that it needs."""
    try:
        return tuple(Requirement(line) for line in installed.requires(name) or ())
    except installed.PackageNotFoundError:  # of an extra that is not installed here: its own pin is all that is seen
        return ()


def needed(declared: list[str]) -> set[str]:
    """Everything that these requirements install here, by what installed distributions say of themselves."""
    names: set[str] = set()
    seen: set[tuple[str, frozenset[str]]] = set()
    ahead = [(Requirement(one), frozenset({""})) for one in declared]
    while ahead:
        one, wanted = ahead.pop()
        if one.marker and not any(one.marker.evaluate({"extra": extra}) for extra in wanted):
            continue
        name = canonicalize_name(one.name)
        names.add(name)
        key = name, frozenset(one.extras)
        if key in seen:
            continue
        seen.add(key)
        ahead += [(below, key[1] | {""}) for below in asked_by(name)]
    return names


@pytest.mark.parametrize("extra", extras())
def test_everything_that_an_extra_installs_is_pinned_and_locked(extra: str) -> None:
    names = needed(extras()[extra])
    assert names
    assert sorted(names - pins().keys()) == [], "add them to constraints.txt, then 'make lock'"
    assert sorted(names - locked("lock.txt").keys()) == [], "make lock"


def test_what_is_installed_is_what_is_pinned() -> None:
    """Builds of one version differ (torch for CPUs alone); their versions do not."""
    names = needed([one for declared in extras().values() for one in declared])
    here = {canonicalize_name(one.name): one.version.split("+")[0] for one in installed.distributions()}
    assert {n: (here[n], pins()[n]) for n in names & here.keys() if here[n] != pins()[n]} == {}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_the_pinned_versions_and_digests_of_all_it_needs(lock: str) -> None:
    found = locked(lock)
    wrong = {name: version for name, (version, _) in found.items() if pins().get(name) != version}
    assert wrong == {}, "make lock"
    assert [name for name, (_, hashes) in found.items() if "sha256:" not in hashes] == []
    chosen = LOCKS[lock] or tuple(extras())
    names = needed([one for extra in ("", *chosen) for one in extras()[extra]])
    assert sorted(names - found.keys()) == (["torch"] if lock == "lock-server.txt" else []), "make lock"


def test_the_lock_for_processors_holds_nothing_of_cuda() -> None:
    assert [
        name for name in locked("lock-server.txt") if name.startswith(("nvidia", "cuda", "triton", "faiss-gpu"))
    ] == []
    assert {"torch", "faiss-gpu"} <= locked("lock-server-gpu.txt").keys()


def test_tools_are_locked_too() -> None:
    wanted = [line for line in (DEPLOYMENT / "tools.in").read_text(encoding="utf-8").splitlines() if ">=" in line]
    names = {canonicalize_name(Requirement(line.split("#")[0].strip()).name) for line in wanted}
    assert names
    assert names <= locked("tools.txt").keys()
    assert all("sha256:" in hashes for _, hashes in locked("tools.txt").values())
