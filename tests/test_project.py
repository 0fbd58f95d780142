"""Guards on the project itself."""

from __future__ import annotations

import ast
import re
import statistics
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {"encoders", "db", "indexer", "search", "spinecho", "ui"}
"""Their links in `spinecho/` are not followed."""


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def test_tests_are_no_package() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize(
    ("library", "only_in"),
    [("faiss", "db/vectors/indexes/faiss_index.py"), ("sqlalchemy", "db/"), ("streamlit", "ui/"), ("typer", "ui/")],
)
def test_a_library_is_imported_only_where_it_belongs(library: str, only_in: str) -> None:
    found = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in nodes(path):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                if any(name.split(".")[0] == library for name in names):
                    found.add(path.relative_to(ROOT).as_posix())
    assert found
    assert all(path.startswith(only_in) for path in found)


def test_every_file_of_the_front_doors_rooms_has_its_layer() -> None:
    """The linter holds a container to be exhausted, but not layers that are named across several."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = (one["layers"] for one in contracts if one["name"].startswith("Layers of the front door's files"))
    named = [module for layer in layers for module in layer.split(" : ")]
    rooms = {module.split(".")[1] for module in named}
    files = [f"spinecho.{room}.{path.stem}" for room in rooms for path in (ROOT / "spinecho" / room).glob("[a-z]*.py")]
    assert sorted(named) == sorted(files)


def test_migrations_import_what_stands_below_the_tables_alone() -> None:
    """They are no package, so that no import contract sees them: an upgrade must not change with today's queries."""
    found = {
        node.module or ""
        for path in (ROOT / "db" / "schema" / "migrations").rglob("*.py")
        for node in nodes(path)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("spinecho.")
    }
    below = ("spinecho.db.schema.", "spinecho.db.keys", "spinecho.db.values", "spinecho.db.errors")
    assert found
    assert [name for name in found if not name.startswith(below)] == []


def test_nothing_unpickles() -> None:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in nodes(path):
                if isinstance(node, ast.Import):
                    assert not {alias.name for alias in node.names} & {"pickle", "marshal", "shelve", "dill"}, path
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                    assert any(word.arg == "weights_only" for word in node.keywords), path


def test_the_reading_process_imports_nothing_heavy() -> None:
    import subprocess  # noqa: PLC0415
    import sys  # noqa: PLC0415

    heavy = {"torch", "sqlalchemy", "streamlit", "pydicom"}
    code = f"import sys, spinecho.encoders.tasks.image_tasks; print(*{heavy} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == ""


def test_every_promise_names_a_test_that_is_there() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    file, missing = Path(), []
    for path, name in re.findall(r"`(tests/[\w/.]+?\.py)?(?:::(\w+))?`", page):
        file = ROOT / path if path else file
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        if not text or (name and f"def {name}(" not in text):
            missing.append(f"{path}::{name}")
    assert not missing


def test_modules_are_short() -> None:
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    lines = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8").count("\n") for path in paths}
    assert [path for path, n in lines.items() if n > 400] == []
    assert statistics.median(n for path, n in lines.items() if not path.endswith("__init__.py")) < 130


def test_no_test_runs_a_loop_in_the_thread_of_a_browser() -> None:
    """What drives a browser keeps a loop in the tests' thread, and which files share a process is chance."""
    found = [
        path.name
        for path in (ROOT / "tests").rglob("*.py")
        if re.search(r"\b(?:asyncio|anyio)[.]run[(]", path.read_text(encoding="utf-8"))
    ]
    assert sorted(found) == ["loops.py"]


def test_modules_that_text_names_are_there() -> None:
    """Code in strings (a child's program, a benchmark's) and in the docs is seen by no linter when a module moves."""
    named = re.compile(r"(?:\bfrom|\bimport|-m) +((?:spinecho|benchmarks)(?:\.[a-z_0-9]+)+)")
    folders = [
        one for one in ROOT.iterdir() if one.is_dir() and one.name[0] != "." and one.name not in ("build", "demo")
    ]
    texts = [path for one in folders for kind in ("*.py", "*.md", "*.ipynb", "*.yml") for path in one.rglob(kind)]
    texts = [ROOT / "README.md", *(path for path in texts if "decisions" not in path.parts)]  # those tell of what was
    found = {(name, path) for path in texts for name in named.findall(path.read_text(encoding="utf-8"))}
    assert len(found) > 100
    assert [(name, str(path)) for name, path in sorted(found) if not _is_a_module(name)] == []


def _is_a_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.with_suffix(".py").is_file() or place.is_dir()
