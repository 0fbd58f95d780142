"""Index a folder of small made-up inputs, one home a case, and hold what Spinecho answers against what is right.

    python -m benchmarks.ingest_cases CASES [--only NAME ...] [--out FOLDER] [--against FOLDER]

A case is a folder with `make.py OUT`, which writes the input, and sometimes `run.sh`, the order of operations. What is right
stands in `benchmarks/ingest_expectations.py`, one check a case. `--out` keeps what was answered as JSON, `--against` prints where
answers differ from those of an earlier version. The exit status is 1 where a check fails.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

import spinecho.setup.wiring
import spinecho.ui.cli.app
from benchmarks.ingest_expectations import CHECKS, LEFT, Answer
from spinecho.setup.settings import read_settings

_VOLUMES = """SELECT t.uid study, s.uid series, s.number, s.description, v.id, v.key, v.sequence, v.plane, v.body_region,
  v.contrast, v.field_strength_t field, v.vendor, v.derived, v.acquisition, v.shape, v.flags, v.notes
  FROM volumes v JOIN series s ON s.id = v.series_id JOIN studies t ON t.id = s.study_id ORDER BY 1, 2, v.key"""
_FILES = """SELECT w.volume_id, d.path || '/' || f.name path FROM volume_files w JOIN files f ON f.id = w.file_id
  JOIN folders d ON d.id = f.folder_id ORDER BY 2"""
_FAILURES = """SELECT d.path || '/' || f.name path, x.ordinal, x.reason, x.ignorable, x.message FROM failures x
  JOIN files f ON f.id = x.file_id JOIN folders d ON d.id = f.folder_id ORDER BY 1, 2"""
_REPORTS = """SELECT r.id, r.match, r.accession_number accession, r.study_uid named_uid, t.uid study, r.text FROM reports r
  LEFT JOIN studies t ON t.id = r.study_id ORDER BY r.file_id, r.ordinal"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--python", default=sys.executable, help="a Python that has what the cases' make.py need")
    options = parser.parse_args()
    names = options.only or sorted(path.parent.name for path in options.cases.glob("*/make.py"))
    _one_encoder_for_all()
    wrong = []
    for name in names:
        began = time.monotonic()
        answer = answer_of(options.cases / name, options.python)
        if options.out:
            options.out.mkdir(parents=True, exist_ok=True)
            (options.out / f"{name}.json").write_text(
                json.dumps(answer.facts, indent=1, ensure_ascii=True, sort_keys=True)
            )
        verdict = _verdict(name, answer)
        if verdict not in ("right", "left"):
            wrong.append(name)
        changed = _changed(answer.facts, options.against / f"{name}.json") if options.against else ""
        print(f"{verdict:6s} {name:34s} {answer.summary()}  {time.monotonic() - began:.1f} s{changed}", flush=True)
    print(f"\n{len(names)} cases, {len(wrong)} wrong" + (": " + ", ".join(wrong) if wrong else ""))
    sys.exit(1 if wrong else 0)


def answer_of(case: Path, python: str) -> Answer:
    """Run a case in folders of its own."""
    with tempfile.TemporaryDirectory(prefix="case-") as above:
        entry, home = Path(above) / "in", Path(above) / "home"
        entry.mkdir()
        if (case / "run.sh").is_file():
            environment = {
                **os.environ,
                "HERE": str(case),
                "IN": str(entry),
                "SPINECHO_HOME": str(home),
                "PY": python,
            }
            environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
            done = subprocess.run(["bash", str(case / "run.sh")], env=environment, capture_output=True, check=False)
            status, printed = done.returncode, (done.stdout + done.stderr).decode(errors="replace")
        else:
            subprocess.run([python, str(case / "make.py"), str(entry)], check=True, capture_output=True)
            with contextlib.redirect_stderr(io.StringIO()) as errors:
                result = CliRunner().invoke(spinecho.ui.cli.app.app, ["index", str(entry), "--home", str(home)])
            status, printed = result.exit_code, result.output + errors.getvalue()
            if result.exception and not isinstance(result.exception, SystemExit):
                status, printed = 99, f"{printed}\nTraceback: {result.exception!r}"
        return Answer(
            {"exit": status, "printed": printed.replace(above, "…"), **_stored(home / "spinecho.sqlite", above)}
        )


def _stored(database: Path, above: str) -> dict[str, Any]:
    if not database.exists():
        return {"studies": [], "volumes": [], "failures": [], "reports": []}
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.text_factory = lambda raw: raw.decode(errors="surrogateescape")
        connection.row_factory = sqlite3.Row

        def rows(query: str) -> list[dict[str, Any]]:
            return [{name: _short(row[name], above) for name in tuple(row.keys())} for row in connection.execute(query)]

        volumes = rows(_VOLUMES)
        files = rows(_FILES)
        reports = rows(_REPORTS)
        for volume in volumes:
            volume["files"] = [file["path"] for file in files if file["volume_id"] == volume["id"]]
            volume |= {name: json.loads(volume[name]) for name in ("acquisition", "shape", "flags", "notes")}
        for report in reports:
            found = connection.execute(
                "SELECT section, text, assertion FROM passages WHERE report_id = ? ORDER BY ordinal", (report["id"],)
            )
            report["passages"] = [list(passage) for passage in found]
        studies = rows("SELECT * FROM studies ORDER BY uid")
        for one in (*volumes, *reports, *studies):
            one.pop("id")
        return {"studies": studies, "volumes": volumes, "failures": rows(_FAILURES), "reports": reports}


def _short(value: Any, above: str) -> Any:
    return value.replace(above, "…") if isinstance(value, str) else value


def _verdict(name: str, answer: Answer) -> str:
    check = CHECKS.get(name)
    if check is None:
        return "?"
    try:
        fits = bool(check(answer))
    except (IndexError, KeyError, TypeError, StopIteration):
        fits = False
    return "right" if fits else "left" if name in LEFT else "WRONG"


def _changed(facts: dict[str, Any], before: Path) -> str:
    if not before.is_file():
        return "  (new)"
    old = json.loads(before.read_text())
    new = json.loads(json.dumps(facts))
    names = [name for name in ("exit", "studies", "volumes", "failures", "reports") if old.get(name) != new.get(name)]
    return f"  changed: {', '.join(names)}" if names else ""


def _one_encoder_for_all() -> None:
    """Loading the encoder takes longer than a case."""
    opened = functools.cache(
        lambda: spinecho.setup.wiring.open_dual(read_settings(home=Path("/nowhere"), device="cpu", environment={}))
    )
    opened()
    for name, module in list(sys.modules.items()):
        if name.startswith("ui.") and hasattr(module, "open_dual"):
            module.open_dual = lambda settings: opened()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
