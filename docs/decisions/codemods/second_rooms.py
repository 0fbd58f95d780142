"""Folders that held a second idea, into rooms: `spinecho/doctor.py` becomes `spinecho/maintaining/doctor.py`.

Run once from the top of the repository, with the groups to move or all of them:
`python docs/decisions/codemods/second_rooms.py [front_door api remote printing language vectors queries]`. It moves
files by `git mv`, rewrites imports, dotted names of modules wherever they stand, and paths; nothing else, and no file
gets another name. What is a name alone (layers of the import contracts, prose) is left to a person.
Afterwards `ruff check --fix --select I` and `ruff format` put lines in order.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

SENTENCES = {
    "spinecho/setup": "What a process is set up with: settings, private files, values as typed, parts put together.",
    "spinecho/access": "Who asks, what they may do, and the record of what they did.",
    "spinecho/pseudonyms": "Whom pseudonyms stand for, and copies of files without whose they are.",
    "spinecho/answering": "What an open archive answers, as plain values: hits, studies, counts, evidence, cohorts.",
    "spinecho/filling": "How an archive is filled: sources, indexing, watching, and what a run did.",
    "spinecho/learning": "Encoders and concepts: used alone, trained, adapted, taught, compared, measured.",
    "spinecho/maintaining": "A home kept well: checked, mended, backed up, upgraded, its vector indexes built.",
    "spinecho/remote/asked": "What is asked of a server and made of its answers, without any network.",
    "ui/server/api/around": "What stands around every request: who asks, limits, problems, cursors, repeats, figures.",
    "ui/server/api/as_json": "What is asked and answered, as JSON.",
    "ui/server/api/finding": "Routes that find: searches, the studies that they find, and their pictures and volumes.",
    "ui/server/api/routes": "Routes of the archive as a whole, and of what people make of it: cohorts, thumbs, jobs.",
    "ui/printing/outputs": "What single commands put out: tables of their own, rows for a spreadsheet, pictures.",
    "encoders/language/parts": "A text in parts: its language, sections, sentences; which say nothing of the patient.",
    "db/vectors/indexes": "Kinds of index, each behind one protocol, and the choice of one by measurement.",
    "db/queries/learning": "What training, evaluations and self-tests ask of SQL.",
}
"""The new rooms, each in one sentence, which becomes the docstring of its `__init__.py`."""

GROUPS = {
    "front_door": """
spinecho/setup: settings private places hours readers wiring boxes
spinecho/access: people roles tokens acts
spinecho/pseudonyms: identities deidentified
spinecho/answering: connection questions results studies acquired evidence facet_counts volume_files lists thumbs
spinecho/filling: sources watching receiving filled outcomes run_report run_report.html status_facts demonstration
spinecho/learning: training adapting teaching encoder_spaces measuring encoding
spinecho/maintaining: doctor scrubbing backups upkeep vector_builds
""",
    "api": """
ui/server/api/around:
  asking bearer browser edge kept_volumes limits logs metrics paging problems ranges repeats service
ui/server/api/as_json: failure_shapes front_door_shapes job_shapes shapes source_shapes token_shapes
ui/server/api/finding: searching searching_scan studies uploads volumes
ui/server/api/routes: archive cohorts feedback health jobs record reruns sources thumbs tokens tools
""",
    "remote": """
spinecho/remote/asked: answers asking calls cohort_calls evaluations jobs people_calls scans unpacking
""",
    "printing": """
ui/printing/outputs:
  copied damage evaluation_plots evaluation_table failure_rows figures_compared new_files predicted tuning_plots
""",
    "language": """
encoders/language/parts: administration languages section_names sections sentences
""",
    "vectors": """
db/vectors/indexes: candidates exact faiss_index index_plan protocol scattered trade_off tuning two_stage
""",
    "queries": """
db/queries/learning: adapting_rows backgrounds evaluating self_tests training_rows
""",
}
"""A room, then the files of the folder above it that move into it."""

SKIPPED = ("CHANGELOG.md", "docs/decisions/")
"""What tells of the past."""

DOTTED = re.compile(r"(?<![\w/-])(?<!\w\.)spinecho((?:\.\w+)+)")


def paths(written: str) -> dict[str, str]:
    """Old path to new one, from the top of the repository, with its ending."""
    found: dict[str, str] = {}
    room = ""
    for word in written.split():
        if word.endswith(":"):
            room = word[:-1]
            continue
        name = word if "." in word else f"{word}.py"
        found[f"{room.rpartition('/')[0]}/{name}"] = f"{room}/{name}"
    return found


def dotted(path: str) -> str:
    """The module of a file."""
    name = path.removesuffix(".py").replace("/", ".")
    return name if name.startswith("spinecho.") else f"spinecho.{name}"


def renamed(name: str, table: dict[str, str]) -> str:
    """A dotted name under its new one, by its longest part that moved."""
    parts = name.split(".")
    for end in range(len(parts), 1, -1):
        if (new := table.get(".".join(parts[:end]))) is not None:
            return ".".join([new, *parts[end:]])
    return name


def imports(text: str, table: dict[str, str]) -> str:
    """`from FOLDER import MODULE` where the module has moved, a line for each folder that its names now lie in."""
    lines = text.splitlines(keepends=True)
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom) and not node.level]
    for node in sorted(nodes, key=lambda node: -node.lineno):
        by_place: dict[str, list[str]] = {}
        for one in node.names:
            place = renamed(f"{node.module}.{one.name}", table).rpartition(".")[0]
            place = place if f"{node.module}.{one.name}" in table else str(node.module)
            by_place.setdefault(place, []).append(one.name + (f" as {one.asname}" if one.asname else ""))
        if list(by_place) == [node.module]:
            continue
        first, last = node.lineno - 1, node.end_lineno or node.lineno
        before, after = lines[first][: node.col_offset], lines[last - 1][node.end_col_offset :]
        if before.strip():
            raise SystemExit(f"more than one statement in a line: {lines[first]}")
        lines[first:last] = [
            f"{before}from {place} import {', '.join(names)}{after}" for place, names in by_place.items()
        ]
    return "".join(lines)


def rewritten(text: str, files: dict[str, str], *, python: bool) -> str:
    """The text with every mention of what moved under its new name."""
    table = {dotted(old): dotted(new) for old, new in files.items() if old.endswith(".py")}
    if python:
        text = imports(text, table)
    text = DOTTED.sub(lambda found: renamed(found[0], table), text)
    for old, new in files.items():
        text = re.sub(rf"(?<!\w){re.escape(old)}\b", new, text)
    return text


def move(groups: list[str]) -> None:
    """Move the files, then rewrite what names them."""
    files = {old: new for group in groups for old, new in paths(GROUPS[group]).items()}
    for room in sorted({new.rpartition("/")[0] for new in files.values()}):
        (ROOT / room).mkdir(parents=True)
        (ROOT / room / "__init__.py").write_text(f'"""{SENTENCES[room]}"""\n', encoding="utf-8")
        subprocess.run(["git", "add", room], cwd=ROOT, check=True)
    for old, new in files.items():
        subprocess.run(["git", "mv", old, new], cwd=ROOT, check=True)
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    changed = 0
    for name in listed.splitlines():
        path = ROOT / name
        if path.is_symlink() or name.startswith(SKIPPED):
            continue
        try:
            before = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            continue
        after = rewritten(before, files, python=path.suffix == ".py")
        if after != before:
            path.write_bytes(after.encode("utf-8"))
            changed += 1
    print(f"{len(files)} moved, {changed} files changed")


if __name__ == "__main__":
    move(sys.argv[1:] or list(GROUPS))
