"""What is installed is one name, and a folder of somebody else's is never taken for it."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("db", "encoders", "indexer", "search", "ui")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel and an sdist."""
    folder = tmp_path_factory.mktemp("dist")
    build = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert build.returncode == 0, build.stderr
    return folder


def test_the_wheel_holds_one_package_with_everything_in_it(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"spinecho"}
    here = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {f"spinecho/{name}" for name in here} <= set(names)
    assert {"spinecho/__init__.py", "spinecho/py.typed"} <= set(names)


def test_the_sdist_builds_the_same(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert {"spinecho/__init__.py", "pyproject.toml", "README.md"} <= names
    (wheel,) = built.glob("*.whl")
    assert {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info" not in name} <= names


def test_hostile_folders_beside_a_notebook_are_not_imported(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    site, beside = tmp_path / "site", tmp_path / "notebooks"
    zipfile.ZipFile(wheel).extractall(site)  # noqa: S202  (made here)
    for package in PACKAGES:
        (beside / package).mkdir(parents=True)
        (beside / package / "__init__.py").write_text("raise SystemExit('somebody else')")
    code = "import spinecho, spinecho.archive, spinecho.ui.cli.app, spinecho.indexer.pipeline; print(spinecho.__file__)"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=beside, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == str(site / "spinecho" / "__init__.py")
