"""Every file into the folder of its one idea: `db/ledger.py` becomes `db/files/file_index.py`.

Run once from the top of the repository: `python docs/decisions/codemods/rooms.py`. It moves files by `git mv`, rewrites
imports, names of modules in strings and in backticks, and paths in documents; nothing else. A module that was imported
as a name (`from spinecho.db import ledger`) is called by its new name, or kept under the old one where the new one
means something else in that file. Afterwards `ruff check --fix --select I` and `ruff format` put lines in order.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
NAMES = "db|encoders|indexer|search|ui"

ROOMS = {
    "encoders/acquisition": "Header facts to sequence, plane, body region and contrast, by written rules.",
    "encoders/heads/fitting": "A head from cached features: patients in parts, a probe, its calibration, its worth.",
    "encoders/training/data": "What training reads: examples, crops, variants, cached features, and in what order.",
    "encoders/training/loop": "The training loop: any objective, resumed to the bit after a kill.",
    "encoders/training/objectives": "What is minimised: self-supervision, alignment, words and their losses.",
    "encoders/language": "What reports and questions say: sections, sentences, places, sides, sizes, by rules.",
    "encoders/language/clauses": "What each clause of a sentence says of its finding: there, absent, perhaps, or past.",
    "encoders/measuring": "How well vectors retrieve, over arrays alone: figures with pool, chance and interval.",
    "encoders/networks": "The networks: volumes and sentences to unit vectors.",
    "encoders/networks/clip": "Others' towers for pictures and sentences in one space, made to see volumes.",
    "encoders/networks/vit": "The 3D vision transformer, and volumes of any shape as one batch for it.",
    "encoders/preparing": "From a volume to what a network or a viewer takes.",
    "encoders/reading": "From files to headers and volumes.",
    "encoders/reading/dicom": "DICOM: elements, tags, series, pixels, and slices to volumes.",
    "encoders/reading/nifti": "NIfTI: headers, sidecars, what a file holds, and its volumes.",
    "encoders/sandbox": "Child processes with limits, in which everything untrusted is read.",
    "db/files": "The file index: what lies where, what has been read of it, runs, and what is not indexed.",
    "db/filters": "Conditions on studies: as values, as typed, in SQL, and resolved by the snapshot of facts.",
    "db/people": "What people make of studies: thumbs, lists, saved searches; and the record of who did what.",
    "db/queries": "What search, pages and training ask of SQL. Nothing here writes studies.",
    "db/reports": "Which study each report belongs to, which version stands, and what its clauses say.",
    "db/schema": "The tables, their history, and opening a database of either kind.",
    "db/store": "Storing and removing what was read, and what it makes of studies and patients.",
    "indexer/reports/parsing": "Report files to reports, a line at a time, in a child process.",
    "search/answers": "From scores to hits that a person can check: evidence, the fold, lists, heat maps.",
    "search/channels": "The channels: sentences, words, scans, regions, whole reports. Each gives scored studies.",
    "search/planning": "From the line that was typed to one `QueryPlan`, before anything is looked for.",
    "ui/cli": "The `spinecho` command, one file a command.",
    "ui/printing": "How commands print: consoles, tables, progress, pictures, and one line for what fails.",
    "ui/server": "The process behind the pages, and what stands before them.",
    "ui/training": "What `spinecho train` runs: plans, jobs, measures.",
    "ui/views": "The pages, a folder each.",
    "ui/views/archive": "The archive page.",
    "ui/views/cohorts": "The cohorts page.",
    "ui/views/compare": "The page that compares studies.",
    "ui/views/components": "The components that run in the browser.",
    "ui/views/evaluate": "The evaluate page.",
    "ui/views/search": "The search page.",
    "ui/views/session": "What every page stands on: the person, the settings, links, shortcuts, long work.",
    "ui/views/study": "The study page.",
}

MOVES = """
encoders/acquisition:
  image/acquisition>facts image/evidence>evidence image/rules>rules image/rule_tables>tables image/words>words
  image/header_facts>header_facts
encoders/language:
  text/administration text/expand text/laterality text/passages text/places text/query text/sections text/sentences
  text/sizes text/spelling text/terms text/verbalise text/vocabulary/
encoders/language/clauses:
  text/assertions text/clause_cues>cues text/clause_judge>judge text/clause_rules>bounds text/finding_words
  text/findings
encoders/networks:
  image/tower>image_tower image/cells image/slices image/describe>parts_of_volumes text/tower>text_tower
  text/sentence_encoder text/bert text/model_files text/report_input
encoders/networks/clip: image/clip>images text/clip>sentences image/open_clip
encoders/networks/vit: image/vit>encoder image/vit_config>config image/vit_grid>grid image/vit_network>network
  image/vit_packing>packing
encoders/preparing: image/preparation image/sampling image/levels
encoders/reading:
  image/reading>files image/series>values image/volume image/geometry image/grid image/grouping image/other_files
  image/unzip image/uids image/torn image/charsets
encoders/reading/dicom:
  image/dicom_elements>elements image/dicom_tags>tags image/dicom_scan>scan image/dicom_series>series
  image/dicom_pixels>pixels image/codecs image/frames image/stacks image/mosaic image/repeats
encoders/reading/nifti:
  image/nifti_kinds>kinds image/nifti_scan>scan image/nifti_series>series image/nifti_sidecar>sidecar
encoders/sandbox: sandbox>processes worker child>environment limits image/tasks>image_tasks
encoders/heads: heads/tasks>targets heads/values>predictions
encoders/heads/fitting:
  heads/fit heads/training>probe_training heads/split heads/features heads/figures>head_figures
  heads/metrics>head_metrics heads/calibration
encoders/training/data:
  training/augment training/cell_cache training/crops training/examples training/queries training/sampling training/vary
encoders/training/loop:
  training/loop training/loop_data>data training/loop_devices>devices training/loop_log>log training/loop_shards>shards
  training/schedule training/state training/config training/config_toml
encoders/training/objectives:
  training/align_tower training/align_vit training/losses training/masked training/matching training/mlm
  training/selfsup training/selfsup_losses
encoders/measuring:
  @search/evaluation/metrics @search/evaluation/resampling @search/evaluation/figures @search/evaluation/candidates
  @search/evaluation/labels @search/evaluation/pairs
db/schema:
  models engines database founding access copies checksums clean chunks trouble warm check migrations/
db/files: ledger>file_index runs moves archives>roots torn not_indexed
db/store: archive>storing removal upkeep>watermarks erasing study_facts patients predictions regions>part_vectors
db/reports: matching versions withdrawal stored_reports rereading clauses keys>exam_keys
db/people: feedback cohorts saved followers record record_place masking
db/filters:
  filters>algebra filter_sql>sql filter_text>typed filter_values>values contradictions coded occurring selection
db/facts: facts/evaluate>filtering
db/vectors: build served sound kept_up
db/queries: lookup words listing sentences self_tests identifiers vocabulary facets evaluating training_rows backgrounds
indexer: later>backfill torn>torn_series
indexer/corpus: corpus/archive>from_archive corpus/manifest>from_manifest corpus/phantom>from_phantom
indexer/phantom: phantom/archive>demo_archive phantom/reports>report_text
indexer/reports: reports/again>rereading
indexer/reports/parsing:
  reports/charsets reports/columns reports/decode reports/head reports/not_read reports/parse reports/tables
  reports/tasks>reading_task reports/text_file reports/values>parsed
search: feedback>relevance_feedback
search/access: desk @search/cohorts/desk>cohorts
search/answers: hits explain agreement fold listing heat archive_map
search/channels: retrieve lexical whole_report background regions examples computed found
search/planning:
  asking/plan asking/planner asking/fact_patterns asking/facts_in_words asking/identifiers asking/long_text
  asking/spans asking/spelling facts>typed_facts
search/cohorts: cohorts/evaluate>attrition cohorts/rules>passing cohorts/keep>freezing
search/evaluation: evaluation/archive>evaluate_archive evaluation/reports>report_retrieval
ui/cli:
  cli>app asking>search why cohort evaluate facets index_cli>builds predict record_cli>record thumbs>feedback tour>demo
  train
ui/printing:
  console failing options tables conditions evaluation_table evaluation_plots tuning_plots indexing>progress_bars
  report>status_facts
ui/server: serve guard theme
ui/training: train_jobs>jobs train_measures>measures train_plan>plan train_runs>runs train_tower>tower
ui/views: page_style>style page_upload>upload
ui/views/archive: room/archive_page>page room/archive_jobs>jobs room/archive_map_view>map room/archive_space>disk
ui/views/cohorts:
  room/cohorts_page>page room/cohort_design>design room/cohort_examples>examples room/cohort_figures>charts
  room/cohort_rows>rule_rows room/rules>rules_component room/members
ui/views/components: room/component room/parts/
ui/views/evaluate: room/evaluate_page>page room/evaluations
ui/views/search: room/search_page>page room/asked>form room/filters>facets room/results
ui/views/session: room/opened room/signed room/processes room/ways>links room/keys
ui/views/compare: room/compare_page>page
ui/views/study: room/study_page>page room/acquisition room/viewer room/engine3d
"""
"""A folder, then what moves into it: paths below its package (`@`: from the top), and `>` before a new name."""

LEFT = {"encoders/image": "", "encoders/text": "", "search/asking": "search/planning", "ui/room": "ui/views"}
"""Folders that nothing is left in, and what now stands for them where they are named as a whole."""

SUFFIXES = {".py", ".md", ".toml", ".mako", ".yaml", ".yml", ""}
SKIPPED = {"CHANGELOG.md"}


def moves(written: str) -> dict[str, str]:
    """Old path without its ending to the new one, for files, and for folders with a slash at the end."""
    found: dict[str, str] = {}
    room = ""
    for word in written.split():
        if word.endswith(":"):
            room = word[:-1]
            continue
        old, _, new = word.partition(">")
        folder = old.endswith("/")
        whole = old[1:] if old.startswith("@") else f"{room.split('/')[0]}/{old}"
        name = new or whole.rstrip("/").split("/")[-1]
        found[whole] = f"{room}/{name}" + ("/" if folder else "")
    return found


def modules(table: dict[str, str]) -> dict[str, str]:
    """Dotted old names to dotted new ones, files below moved folders too."""
    found: dict[str, str] = {}
    for old, new in table.items():
        found[old.strip("/").replace("/", ".")] = new.strip("/").replace("/", ".")
    return found


def renamed(name: str, table: dict[str, str]) -> str:
    """A dotted name under its new one, by its longest part that moved."""
    parts = name.split(".")
    for end in range(len(parts), 1, -1):
        if (new := table.get(".".join(parts[:end]))) is not None:
            return ".".join([new, *parts[end:]])
    return name


FROM = re.compile(
    r"^(?P<lead>[ \t]*(?:\S.*\b)?)from spinecho\.(?P<module>[\w.]+) "
    r"import (?P<names>\([^)]*\)|[^\n;\"]+)",
    re.MULTILINE,
)
DOTTED = re.compile(rf"(?<![\w./-])spinecho\.((?:{NAMES})(?:\.\w+)+)")
DONE = "spinecho\0"
"""Stands for the package in lines that are rewritten already."""
PROSE = re.compile(rf"`((?:{NAMES})(?:\.\w+)+)")


def imports(text: str, table: dict[str, str]) -> tuple[str, list[tuple[str, str]]]:
    """Imports of moved modules as names, one line each; and which names in the file change with them."""
    calls: list[tuple[str, str]] = []
    present, bound = {token.string for token in _tokens(text)}, _bound(text)

    def change(found: re.Match[str]) -> str:
        module, lead = found["module"], found["lead"]
        comment = ""
        names = found["names"]
        if "#" in names and not names.startswith("("):
            names, _, comment = names.partition("#")
            comment = f"  #{comment}"
        given = [re.sub(r"#.*", "", one).strip() for one in names.strip("()").replace("\n", "\n").split(",")]
        stay, gone = [], []
        for one in filter(None, given):
            name, _, alias = one.partition(" as ")
            new = table.get(f"{module}.{name.strip()}")
            if new is None:
                stay.append(one)
                continue
            place, _, called = new.rpartition(".")
            if alias:
                gone.append(f"from {DONE}{place} import {called} as {alias}")
            elif called == name.strip():
                gone.append(f"from {DONE}{place} import {called}")
            elif called in present or name.strip() in bound:
                gone.append(f"from {DONE}{place} import {called} as {name.strip()}")
            else:
                gone.append(f"from {DONE}{place} import {called}")
                calls.append((name.strip(), called))
        if not gone:
            return found[0]
        lines = ([f"from spinecho.{module} import {', '.join(stay)}{comment}"] if stay else []) + [
            line + ("" if stay else comment) for line in gone
        ]
        separator = "\n" + lead if not lead.strip() else "; "
        return lead + separator.join(lines)

    return FROM.sub(change, text), calls


def _tokens(text: str) -> list[tokenize.TokenInfo]:
    try:
        return [one for one in tokenize.generate_tokens(io.StringIO(text).readline) if one.type == tokenize.NAME]
    except (tokenize.TokenError, SyntaxError, IndentationError):
        return []


def _bound(text: str) -> set[str]:
    """Names that a file gives to other things than modules: parameters, variables, functions."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except SyntaxError:
        return set()
    found = {node.arg for node in nodes if isinstance(node, ast.arg)}
    found |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return found | {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def rewritten(text: str, table: dict[str, str], *, python: bool) -> str:
    """The text with every mention of a moved module under its new name."""
    calls: list[tuple[str, str]] = []
    if python:
        text, calls = imports(text, table)
    text = DOTTED.sub(lambda found: "spinecho." + renamed(found[1], table), text)
    text = text.replace(DONE, "spinecho.")
    text = PROSE.sub(lambda found: "`" + renamed(found[1], table), text)
    for old, new in calls:
        text = re.sub(rf"(?<![\w.\"'`/]){old}(?=\.\w)", new, text)
        text = re.sub(rf"(?<=[(\[, =]){old}(?=[,)])(?!\s*=)", new, text)
    return text


def paths_in(text: str, table: dict[str, str]) -> str:
    """Paths of files in documents and settings under their new ones."""
    for old, new in sorted(table.items(), key=lambda pair: -len(pair[0])):
        ending = "" if old.endswith("/") else r"(?=\.py\b)"
        text = re.sub(rf"(?<![\w/]){re.escape(old)}{ending}", new, text)
    return text


def move(written: str, rooms: dict[str, str], left: dict[str, str]) -> None:
    """Move the files, then rewrite what names them."""
    table = moves(written)
    for room, sentence in rooms.items():
        folder = ROOT / room
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "__init__.py").exists():
            (folder / "__init__.py").write_text(f'"""{sentence}"""\n', encoding="utf-8")
    if rooms:
        subprocess.run(["git", "add", *rooms], cwd=ROOT, check=True)
    missing = []
    for old, new in table.items():
        source = ROOT / (old.rstrip("/") if old.endswith("/") else f"{old}.py")
        target = ROOT / (new.rstrip("/") if new.endswith("/") else f"{new}.py")
        if not source.exists():
            missing.append(old)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "mv", str(source), str(target)], cwd=ROOT, check=True)
    if emptied := [f"{room}/__init__.py" for room in left]:
        subprocess.run(["git", "rm", "-q", "--ignore-unmatch", *emptied], cwd=ROOT, check=True)
    dotted = modules(table) | {old.replace("/", "."): new.replace("/", ".") for old, new in left.items() if new}
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    changed = 0
    for name in listed.splitlines():
        path = ROOT / name
        if path.is_symlink() or path.suffix not in SUFFIXES or name in SKIPPED or "codemods" in name:
            continue
        try:
            before = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        after = paths_in(rewritten(before, dotted, python=path.suffix == ".py"), table)
        if after != before:
            path.write_text(after, encoding="utf-8")
            changed += 1
    print(f"{len(table) - len(missing)} moved, {changed} files changed; not there: {', '.join(missing) or 'none'}")


if __name__ == "__main__":
    move(MOVES, ROOMS, LEFT)
