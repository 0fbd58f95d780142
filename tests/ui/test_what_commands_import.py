"""Which heavy libraries a command may import: those that it works with, never those that something beside it needs.

A command that only counts pays for what it imports each time that it is called: FAISS and PyTorch take seconds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from every_command import commands

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "faiss", "transformers", "streamlit", "onnxruntime")
NETWORKS = {"torch", "faiss", "transformers", "onnxruntime"}
NOTHING: set[str] = set()
MAY_IMPORT = {
    "index": NETWORKS, "sources add": NOTHING, "sources list": NOTHING, "sources test": NOTHING,
    "sources pull": NETWORKS, "sources remove": NOTHING, "watch": NETWORKS, "receive-reports": NOTHING,
    "status": NOTHING, "failures": NOTHING, "predict": NETWORKS, "demo": NETWORKS, "ui": {*NETWORKS, "streamlit"},
    "serve": {*NETWORKS, "streamlit"}, "mcp": NETWORKS, "evaluate": NETWORKS, "facets": NOTHING,
    "search text": NETWORKS, "search image": NETWORKS, "search study": NETWORKS, "search why": NETWORKS,
    "feedback add": NOTHING, "feedback list": NOTHING, "feedback forget": NOTHING, "feedback export": NOTHING,
    "cohort new": NOTHING, "cohort count": NETWORKS, "cohort freeze": NETWORKS, "cohort list": NOTHING,
    "cohort show": NOTHING, "cohort rerun": NETWORKS, "cohort diff": NOTHING, "cohort export": NOTHING,
    "cohort codes": NOTHING, "cohort delete": NOTHING, "db upgrade": NETWORKS, "db copies": NOTHING,
    "builds list": NOTHING, "builds make": {"faiss"}, "builds tune": {"faiss"},
    "builds sync": NOTHING, "builds status": NOTHING, "train pretrain": NETWORKS,
    "train align": NETWORKS, "train head": NETWORKS, "token create": NOTHING, "token list": NOTHING,
    "run-report": NOTHING, "doctor": {"faiss"}, "backup": NOTHING, "restore": {"faiss"}, "db copy": {"faiss"},
    "adapt": NETWORKS, "cohort copy": NOTHING, "reidentify": NOTHING, "search series": NOTHING,
    "teach concept": NETWORKS, "teach list": NOTHING, "teach show": NOTHING, "teach undo": NOTHING,
    "teach apply": NOTHING, "teach next": {"faiss"},
    "encoders list": NOTHING, "encoders add": NETWORKS, "encoders compare": NETWORKS,
    "encoders switch": {"faiss"}, "encoders rollback": {"faiss"},
    "encoders retire": {"faiss"}, "encoders recommend": NETWORKS, "encoders try": NETWORKS,
    "token revoke": NOTHING, "record check": NOTHING,
    "record list": NOTHING, "record export": NOTHING,
}  # fmt: skip
"""What each command may import once it runs. None of it is imported before: not for `--help`."""
RUNS = {
    "status": [], "failures": [], "facets": [], "sources list": [], "sources remove": ["nowhere"],
    "feedback list": [], "feedback export": ["thumbs.csv"], "cohort new": ["new.toml"], "cohort list": [],
    "cohort show": ["nothing"], "db copies": [], "builds list": [], "token create": ["a script"], "token list": [],
    "record check": [], "record list": [], "record export": ["acts.csv"], "teach list": [], "teach apply": [],
}  # fmt: skip
REFUSED = {"sources remove", "cohort show"}
"""Commands that are run on an archive that is indexed, and those of them that do not find there what they are to do."""
CHILD = """
import contextlib, io, json, os, sys
sys.path.insert(0, sys.argv[1])
heavy, runs = json.loads(sys.argv[2])
found, codes = {}, {}
def look(name):
    found[name] = [one for one in heavy if one in sys.modules]
from every_command import commands
look("import")
for name, _ in commands():
    look(f"{name} --help")
from spinecho.ui.cli.app import app
for name, arguments in runs.items():
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            app([*name.split(), *arguments])
        except SystemExit as end:
            codes[name] = end.code
    look(name)
print(json.dumps([found, codes]))
"""


def test_every_command_has_its_row() -> None:
    assert set(MAY_IMPORT) == {name for name, _ in commands()}
    assert {name for name in RUNS if MAY_IMPORT[name]} == set()


def test_a_command_imports_no_library_that_it_does_not_work_with(home: Path, tmp_path: Path) -> None:
    """All in one process, for speed: what an earlier one imported is blamed on that one alone."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(ROOT / "tests"), json.dumps([HEAVY, RUNS])],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT), "SPINECHO_HOME": str(home)},
        capture_output=True, text=True, check=True, timeout=240,
    )  # fmt: skip
    found, codes = json.loads(done.stdout.splitlines()[-1])
    before: set[str] = set()
    blamed = {}
    for name, modules in found.items():
        if set(modules) - before:
            blamed[name] = sorted(set(modules) - before)
        before |= set(modules)
    assert blamed == {}
    assert codes == {name: 2 if name in REFUSED else 0 for name in RUNS}


def test_a_search_by_words_does_without_torch(home: Path, tmp_path: Path) -> None:
    """Once its networks are exported, which the first search does: torch takes seconds to import, and much memory."""
    child = """
import contextlib, io, sys
from spinecho.ui.cli.app import app
with contextlib.redirect_stdout(io.StringIO()) as out:
    try:
        app(["search", "text", "left temporal glioma", "--json"])
    except SystemExit as end:
        assert not end.code, end.code
assert '"hits"' in out.getvalue()
print("torch" in sys.modules)
"""
    said = ""
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", child], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=240,
            env={**os.environ, "PYTHONPATH": str(ROOT), "SPINECHO_HOME": str(home)},
        )  # fmt: skip
        said = done.stdout.strip()
    assert said == "False"
