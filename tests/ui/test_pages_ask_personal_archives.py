"""No page gets hold of a database or an engine: it asks the front door. See also the import contracts."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*(ROOT / "ui" / "views").rglob("*.py"), ROOT / "ui" / "page.py"])
OURS = ("spinecho.db", "sqlalchemy")
OPENING = {"open_database", "open_engine", "open_desk", "open_dual", "Database", "Engine", "Record", "Selection"}
PERSONAL = {"PersonalArchive", "Served", "open_served", "shown_archive"}
HELD = {"engine", "database", "connect", "execute", "begin"}
ALLOWED = {("opened.py", "settings.database"), ("opened.py", "settings.record")}
"""Where the index lies: a path, of which only the inode is looked at."""


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_holds_no_engine_and_no_database(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        where = f"{path.name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.ImportFrom) and node.module:
            assert not node.module.startswith("spinecho.db"), f"{where} imports {node.module}"
            names = {alias.name for alias in node.names}
            assert not names & OPENING, f"{where} opens the index by itself"
            assert not names & PERSONAL or path.name == "opened.py", f"{where}: {names}"
        elif isinstance(node, ast.Import):
            assert not [alias.name for alias in node.names if alias.name.startswith(OURS)], where
        elif isinstance(node, ast.Attribute):
            used = ast.unparse(node)
            foreign = not used.startswith(("self.", "cls."))
            assert not (foreign and node.attr.startswith("_") and not node.attr.startswith("__")), f"{where}: {used}"
            assert node.attr not in HELD or (path.name, used) in ALLOWED, f"{where}: {used}"
