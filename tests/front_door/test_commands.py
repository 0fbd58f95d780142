"""The command line is written on the front door: every command has its counterpart there, and opens nothing itself."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from every_command import commands
from pages import Indexed, acts
from typer.testing import CliRunner

import spinecho
import spinecho.access.acts
import spinecho.answering.lists
import spinecho.backups
import spinecho.filling.receiving
import spinecho.learning.teaching
import spinecho.maintaining.doctor
import spinecho.maintaining.upkeep
import spinecho.maintaining.vector_builds
from spinecho.ui.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
COUNTERPARTS = {
    "index": "Archive.index",
    "sources add": "Sources.add",
    "sources list": "Sources.list",
    "sources test": "Sources.test",
    "sources pull": "Sources.pull",
    "sources remove": "Sources.remove",
    "watch": "Archive.watch",
    "status": "Archive.status",
    "failures": "Archive.failures",
    "run-report": "Archive.run_report",
    "doctor": "maintaining.doctor.doctor",
    "backup": "backups.backup",
    "restore": "backups.restore",
    "predict": "Archive.predict",
    "evaluate": "Archive.evaluate",
    "facets": "Archive.facets",
    "demo": "write_demo",
    "receive-reports": "filling.receiving.receive_reports",
    "search text": "Archive.search",
    "search image": "Archive.similar",
    "search study": "Archive.similar",
    "search why": "Archive.why",
    "search series": "Archive.acquired",
    "feedback add": "Archive.rate",
    "feedback list": "Archive.thumbs",
    "feedback forget": "Archive.forget_thumbs",
    "feedback export": "Archive.judgements",
    "cohort new": "answering.lists.EXAMPLE",
    "cohort count": "Cohort.count",
    "cohort freeze": "Cohort.freeze",
    "cohort list": "Archive.cohorts",
    "cohort show": "Cohort.version",
    "cohort rerun": "Cohort.rerun",
    "cohort diff": "Cohort.diff",
    "cohort export": "Cohort.write",
    "cohort codes": "Cohort.codes",
    "cohort copy": "Archive.copy_cohort",
    "reidentify": "Archive.reidentify",
    "cohort delete": "Cohort.delete",
    "builds list": "Builds.list",
    "builds make": "Builds.make",
    "builds tune": "Builds.tune",
    "builds sync": "Builds.sync",
    "builds status": "Builds.status",
    "adapt": "Archive.adapt",
    "teach concept": "Archive.teach",
    "teach list": "learning.teaching.Concepts.list",
    "teach show": "learning.teaching.Concepts.show",
    "teach undo": "learning.teaching.Concepts.undo",
    "teach apply": "learning.teaching.Concepts.apply",
    "teach next": "learning.teaching.Concepts.next_to_judge",
    "encoders list": "Encoders.list",
    "encoders add": "Encoders.add",
    "encoders compare": "Encoders.compare",
    "encoders switch": "Encoders.switch",
    "encoders rollback": "Encoders.rollback",
    "encoders retire": "Encoders.retire",
    "encoders recommend": "Encoders.recommend",
    "encoders try": "Encoders.try_out",
    "record check": "Acts.check",
    "record list": "Acts.entries",
    "record export": "Acts.walk",
    "db upgrade": "upgrade",
    "db copies": "maintaining.upkeep.copies",
    "db copy": "maintaining.upkeep.copy_database",
    "token create": "Archive.make_token",
    "token list": "Archive.tokens",
    "token revoke": "Archive.revoke_token",
    "train pretrain": "train",
    "train align": "train",
    "train head": "train",
}
"""What stands in Python for each command. A new command without a line here fails."""
SCREENS = {"ui", "serve", "mcp"}
"""Commands that are themselves a screen: they show what the others answer."""
OPENING = {
    "Database", "Engine", "PersonalArchive", "PersonalCohorts", "Selection", "Evaluator", "Record", "index_archive",
    "open_database", "open_engine", "open_personal_archive", "open_dual", "open_access", "open_record", "open_encoder",
    "person_here",
}  # fmt: skip
COMMANDS = sorted(
    [*(ROOT / "ui" / "cli").glob("*.py"), *(ROOT / "ui" / "printing").rglob("*.py"), ROOT / "ui/opening.py"]
)


def names_in(source: str) -> set[str]:
    """Every name and attribute that is used."""
    tree = ast.walk(ast.parse(textwrap.dedent(source)))
    return {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for node in tree
        if isinstance(node, ast.Attribute | ast.Name)
    }


def test_every_command_has_its_counterpart_in_python() -> None:
    known = dict(commands())
    assert set(known) == set(COUNTERPARTS) | SCREENS
    for path, counterpart in COUNTERPARTS.items():
        assert reduce(getattr, counterpart.split("."), spinecho) is not None, path


@pytest.mark.parametrize("path", COUNTERPARTS)
def test_a_command_goes_over_its_counterpart(path: str) -> None:
    callback = inspect.unwrap(dict(commands())[path].callback)
    used = names_in(inspect.getsource(callback))
    module = vars(inspect.getmodule(callback))
    used |= {
        name
        for own in used & {name for name in module if inspect.isfunction(module[name])}
        if own not in COUNTERPARTS and module[own].__module__ == callback.__module__
        for name in names_in(inspect.getsource(module[own]))
    }
    assert COUNTERPARTS[path].split(".")[-1] in used


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.name)
def test_no_command_opens_a_database_or_an_engine_by_itself(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not {alias.name for alias in node.names} & OPENING, f"{path.name}:{node.lineno}"
        elif isinstance(node, ast.Attribute) and not ast.unparse(node).startswith(("self.", "cls.")):
            private = node.attr.startswith("_") and not node.attr.startswith("__") and ast.unparse(node) != "os._exit"
            assert not private, f"{path.name}:{node.lineno} goes behind the front door: {ast.unparse(node)}"


def run(home: Path, *arguments: str, status: int = 0) -> Any:
    done = CliRunner().invoke(app, [*arguments, "--home", str(home), "--json"])
    assert done.exit_code == status, done.output
    return json.loads(done.stdout)


def untimed(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name not in {"seconds", "run"}}


def test_a_run_leaves_the_same_row_and_says_the_same_whoever_asks_for_it(home: Path, indexed: Indexed) -> None:
    typed = run(home, "index", str(indexed.files), "--retry", "--no-resume")
    with spinecho.open(home, device="cpu") as archive:
        called = archive.index(indexed.files, retry=True, again=True)
    assert untimed(typed) == untimed(called.to_json())
    first, second = (act for act in acts(home) if act.action == "index")
    assert first.facts == second.facts == {"retry": True, "prune": False, "rebuild": False, "again": True}


def test_what_a_command_prints_for_scripts_is_what_python_gives(home: Path, archive: spinecho.Archive) -> None:
    uid = archive.search("brain")[0].study.uid  # type: ignore[union-attr]
    where = "sequence=FLAIR,T2"
    words = ("mass in the brain", "--where", where, "-k", "3")
    asked = archive.search(words[0], where=where, k=3)
    assert untimed(run(home, "search", "text", *words)) == untimed(asked.to_json())
    asked = archive.similar(study=uid, reports=True, k=2)
    assert untimed(run(home, "search", "study", uid, "--want", "report", "-k", "2")) == untimed(asked.to_json())
    assert (
        run(home, "facets", "sex", "--where", where)["facets"] == archive.facets("sex", where=where).to_json()["facets"]
    )
    assert run(home, "failures", "--all") == archive.failures(everything=True).facts
    assert run(home, "builds", "list")["builds"] == [one.to_json() for one in archive.builds.list()]
    typed = run(home, "search", "why", uid, "brain", "--slices", "2")["series"]
    assert [(one["cosine"], one["score"]) for one in typed] == [
        (one.cosine, one.score) for one in archive.why(uid, "brain", slices=2)
    ]
