"""What every real file and every made case ends in, beside dcm2niix, as a page: docs/ingest-conformance.md.

    python -m benchmarks.ingest_conformance DATA CASES [--out docs/ingest-conformance.md]

Files are read as the indexer reads them, in its reading processes, a folder of a series or a case at a time; nothing is
stored. dcm2niix (-z n -m o) writes NIfTI, of which the sizes count: volumes are compared
as a multiset of their three lengths, so order and orientation say nothing. Every difference has its reason, from what
both sides said, or from the list in `benchmarks/ingest_differences.py`; the exit status is 1 where one has none.
"""

from __future__ import annotations

import argparse
import os
import runpy
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom

from benchmarks.ingest_differences import why
from spinecho.encoders.preparing.preparation import BlockPreparation
from spinecho.encoders.reading.archives.paths import is_archive_name
from spinecho.encoders.sandbox.processes import Sandbox
from spinecho.encoders.tasks.archive_tasks import archive_task, unpack_members
from spinecho.encoders.tasks.image_tasks import PreparedVolume, query_task, unpack_read
from spinecho.indexer.reports.parsing.parse import SUFFIXES
from spinecho.indexer.reports.parsing.reading_task import ParsedReport, report_task, unpack_reports

Shape = tuple[int, ...]


@dataclass
class Ended:
    """What became of one input. shapes: of each volume, the three lengths sorted."""

    shapes: Counter[Shape] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    reports: int = 0
    theirs: Counter[Shape] = field(default_factory=Counter)
    said: str = ""
    """The last line of dcm2niix that is no count of seconds."""
    files: int = 0
    inside: int = 0
    """Files in an archive that may be scans: the indexer reads them as a folder's."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="conformance-") as above:
        made = list(_made(options.cases, Path(above)))  # before there are threads
        with Sandbox(workers=1) as sandbox:
            series = {str(one.relative_to(options.data)): _ended(sandbox, one) for one in _series(options.data)}
            single = {str(one.relative_to(options.data)): _ended(sandbox, one) for one in _broken(options.data)}
            scans = {str(one.relative_to(options.data)): _ours(sandbox, one) for one in _scans(options.data)}
            others = dict(_others(sandbox, options.data))
            cases = {one.name: _ended(sandbox, one) for one in made}
    page, unexplained = _page(series | single, scans, others, cases)
    if options.out:
        options.out.write_text(page, encoding="utf-8")
    else:
        print(page)
    print(f"{len(unexplained)} differences without a reason: {', '.join(unexplained)}", file=sys.stderr)
    sys.exit(1 if unexplained else 0)


def _series(data: Path) -> list[Path]:
    folders = {path.parent for path in (data / "dicom").rglob("*") if path.is_file() and path.suffix != ".md"}
    return sorted(folder for folder in folders if folder.name != "broken")


def _broken(data: Path) -> list[Path]:
    return sorted(path for path in (data / "dicom" / "broken").iterdir() if path.suffix != ".md")


def _scans(data: Path) -> list[Path]:
    return sorted(path for path in (data / "nifti").rglob("*.nii*") if path.is_file())


def _others(sandbox: Sandbox, data: Path) -> Iterator[tuple[str, Ended]]:
    """Pictures, tables and texts, by source: each is asked for a scan or for reports, as its name says."""
    for folder in sorted(path for part in ("paired", "text") for path in (data / part).iterdir()):
        ended = Ended()
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            one = _ours(sandbox, path)
            ended.refused += one.refused
            ended.shapes += one.shapes
            ended.reports += one.reports
            ended.files += 1
        yield str(folder.relative_to(data)), ended


def _made(cases: Path, above: Path) -> Iterator[Path]:
    """The inputs of the cases, each made in a child of this process: it has loaded what they need."""
    for script in sorted(cases.glob("*/make.py")):
        target = above / script.parent.name
        target.mkdir()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                sys.argv, sys.path[:0] = [str(script), str(target)], [str(cases)]
                with open(os.devnull, "w") as nowhere:  # noqa: PTH123
                    os.dup2(nowhere.fileno(), 1)
                    os.dup2(nowhere.fileno(), 2)
                runpy.run_path(str(script), run_name="__main__")
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        if status:
            print(f"{script} could not be made", file=sys.stderr)
        yield target


def _ended(sandbox: Sandbox, path: Path) -> Ended:
    ended = _ours(sandbox, path)
    with tempfile.TemporaryDirectory() as out:
        place = path if path.is_dir() else _alone(path, Path(out))
        written = Path(out) / "written"
        written.mkdir()
        command = [str(Path(sys.executable).parent / "dcm2niix"), "-z", "n", "-m", "o", "-b", "n", "-d", "9"]
        command += ["-f", "%s_%e_%j", "-o", str(written), str(place)]
        done = subprocess.run(command, capture_output=True, check=False, timeout=300)
        for one in written.rglob("*.nii"):
            shape = nib.load(one).shape
            ended.theirs[tuple(sorted((*shape, 1, 1)[:3]))] += int(np.prod(shape[3:], dtype=int))
        lines = [
            line
            for line in (done.stdout + done.stderr).decode(errors="replace").splitlines()
            if line.strip() and "Conversion required" not in line
        ]
        ended.said = lines[-1] if lines else ""
    return ended


def _alone(path: Path, folder: Path) -> Path:
    place = folder / "one"
    place.mkdir()
    (place / path.name).symlink_to(path)
    return place


def _ours(sandbox: Sandbox, path: Path) -> Ended:
    ended = Ended()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    ended.files = len(files)
    reports = [one for one in files if one.suffix.lower() in SUFFIXES]
    for one in reports:
        _read_reports(sandbox, str(one), ended)
    for one in files:
        if is_archive_name(one.name):
            members, refused, failed = unpack_members(sandbox.run(archive_task(str(one))))
            ended.refused.update(str(entry.reason) for entry in refused)
            ended.refused.update([str(failed[0])] if failed else [])
            for member in members:
                _read(sandbox, f"{one}!/{member.path}", ended)
    if len(reports) < len(files):
        outcome = sandbox.run(query_task(str(path), spec=BlockPreparation().spec, max_volumes=1000, seconds=600))
        skip = {str(one) for one in (*reports, *(one for one in files if is_archive_name(one.name)))}
        for item in unpack_read(outcome.messages):
            if isinstance(item, PreparedVolume):
                ended.shapes[tuple(sorted(item.shape))] += 1
                ended.flags.update(item.flags)
            elif item.path not in skip:
                ended.refused[str(item.reason)] += 1
        if outcome.failure:
            ended.refused[str(outcome.failure)] += 1
    return ended


def _read(sandbox: Sandbox, member: str, ended: Ended) -> None:
    if Path(member).suffix.lower() in SUFFIXES:
        _read_reports(sandbox, member, ended)
    else:
        ended.inside += 1


def _read_reports(sandbox: Sandbox, path: str, ended: Ended) -> None:
    outcome = sandbox.run(report_task(path))
    for item in unpack_reports(outcome.messages):
        if isinstance(item, ParsedReport):
            ended.reports += 1
        else:
            ended.refused[str(item.reason)] += 1
    if outcome.failure:
        ended.refused[str(outcome.failure)] += 1


def _page(
    real: dict[str, Ended], scans: dict[str, Ended], others: dict[str, Ended], cases: dict[str, Ended]
) -> tuple[str, list[str]]:
    unexplained: list[str] = []
    version = subprocess.run(
        [str(Path(sys.executable).parent / "dcm2niix"), "--version"], capture_output=True, text=True, check=False
    ).stdout.split()
    lines = [
        "# What files end in, beside dcm2niix", "",
        "Made by `python -m benchmarks.ingest_conformance`: do not edit it. Every file is read as the indexer reads it, in a reading",
        "process, a series' folder or a case at a time; nothing is stored, so what several files or runs have to do with each other",
        "(duplicates, matching, moves) is held by `benchmarks/ingest_cases.py`. The real files are public ones that lie beside the",
        "project, the cases are made by small scripts after public reports of other tools' trouble; neither is part of it.", "",
        f"dcm2niix {next((one for one in version if one.startswith('v1')), '')} and pydicom {pydicom.__version__}. *Volumes*: how many of which size, lengths sorted;",
        "of dcm2niix with its fourth dimension taken apart. Where both give the same sizes nothing is said.", "",
        _summary(real, cases), "",
        "## Real DICOM", "", *_rows(real, unexplained), "",
        "## Real NIfTI", "", "dcm2niix does not read these.", "", *_alone_rows(scans), "",
        "## Pictures, tables and texts that lie beside them", "", *_alone_rows(others), "",
        "## Made cases", "", *_rows(cases, unexplained), "",
    ]  # fmt: skip
    return "\n".join(lines), unexplained


def _summary(real: dict[str, Ended], cases: dict[str, Ended]) -> str:
    said = []
    for what, some in (("real series and files", real), ("cases", cases)):
        with_theirs = [one for one in some.values() if one.shapes or one.theirs]
        same = sum(one.shapes == one.theirs for one in with_theirs)
        said.append(
            f"{len(some)} {what}, of which {len(with_theirs)} give a volume to either; {same} of these the same to both"
        )
    return ". ".join(said) + "."


def _rows(some: dict[str, Ended], unexplained: list[str]) -> Iterator[str]:
    yield "| What | Spinecho | dcm2niix | Why they differ |"
    yield "|---|---|---|---|"
    for name, one in some.items():
        if one.shapes == one.theirs:
            theirs, reason = ("the same" if one.shapes else "nothing"), ""
        else:
            theirs, reason = _sizes(one.theirs) or "nothing", why(name, one)
            if not reason:
                unexplained.append(name)
        yield f"| `{name}` | {_said(one)} | {theirs} | {reason} |"


def _alone_rows(some: dict[str, Ended]) -> Iterator[str]:
    yield "| What | Files | Spinecho |"
    yield "|---|---|---|"
    groups: dict[tuple[str, str], list[str]] = {}
    for name, one in some.items():
        source = "/".join(name.split("/")[:2])
        groups.setdefault((source, _said(one) if len(some) < 20 else _kinds(one)), []).append(name)
    for (source, said), names in groups.items():
        files = sum(some[name].files for name in names)
        yield f"| `{source}` | {files} | {said} |"


def _kinds(one: Ended) -> str:
    parts = (
        ["a volume" if sum(one.shapes.values()) == 1 else f"{sum(one.shapes.values())} volumes"] if one.shapes else []
    )
    parts += sorted(one.flags) + sorted(one.refused)
    return ", ".join(parts) or "nothing"


def _said(one: Ended) -> str:
    parts = [_sizes(one.shapes)] if one.shapes else []
    parts += [f"{one.reports} reports" if one.reports > 1 else "a report"] if one.reports else []
    parts += [f"{one.inside} files in an archive"] if one.inside else []
    parts += [", ".join(sorted(one.flags))] if one.flags else []
    parts += [", ".join(f"{reason} {n}" if n > 1 else reason for reason, n in sorted(one.refused.items()))]
    return "; ".join(filter(None, parts)) or "nothing"


def _sizes(shapes: Counter[Shape]) -> str:
    ordered: Sequence[Any] = sorted(shapes.items(), key=lambda one: (-one[1], one[0]))
    shown = [f"{n} x {'·'.join(map(str, shape))}" if n > 1 else "·".join(map(str, shape)) for shape, n in ordered]
    return ", ".join(shown[:4]) + (f" and {len(shown) - 4} more sizes" if len(shown) > 4 else "")


if __name__ == "__main__":
    main()
