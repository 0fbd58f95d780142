"""The same sources give the same wheel, byte by byte, wherever and whenever it is built."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("spinecho", "db", "encoders", "indexer", "search", "ui")
FILES = ("pyproject.toml", "README.md", "LICENSE", ".gitignore")


def built(into: Path, *, at: int, mode: int) -> str:
    """sha256 of the wheel of a copy of the sources whose files were touched at `at` and have the rights `mode`."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, into / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, into / name)
    for path in into.rglob("*"):
        if not path.is_symlink():
            os.utime(path, (at, at))
            if path.is_file():
                path.chmod(mode)
    code = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    quiet = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    command = [sys.executable, "-c", code, str(into / "dist")]
    name = subprocess.run(command, cwd=into, env=quiet, capture_output=True, text=True, check=True).stdout.split()[-1]
    return hashlib.sha256((into / "dist" / name).read_bytes()).hexdigest()


def test_two_builds_are_the_same(tmp_path: Path) -> None:
    once = built(tmp_path / "here", at=1_700_000_000, mode=0o644)
    again = built(tmp_path / "elsewhere" / "deeper", at=1_800_000_000, mode=0o600)
    assert once == again
