"""The demonstration archive on disk: DICOM files, reports in three forms, and the truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from spinecho.db.csv_files import csv_text
from spinecho.indexer.phantom.anatomy import to_template
from spinecho.indexer.phantom.cases import plan_cases
from spinecho.indexer.phantom.dicom import Drawn, series_files
from spinecho.indexer.phantom.lesions import to_patient
from spinecho.indexer.phantom.model import Case
from spinecho.indexer.phantom.render import render_series


@dataclass(frozen=True, slots=True)
class ArchiveSummary:
    """What `write_archive` has put into a folder."""

    folder: Path
    studies: int
    series: int
    files: int
    """DICOM files."""
    reports: int
    megabytes: float
    written: int
    """Files that were not there yet."""


def _keep(path: Path, content: bytes) -> bool:
    """Write under a temporary name and rename; an equal file stays as it is."""
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
    return True


def _is_written(path: Path) -> bool:
    """A power cut may leave a file without its bytes: so many small files are not synced one by one."""
    return path.is_file() and path.stat().st_size > 0


def _series_folder(case: Case, number: int, description: str) -> str:
    words = "".join(c if c.isalnum() else "_" for c in description).strip("_")
    return f"{case.patient_id}/{case.date}_{case.accession_number}/{number:03d}_{words}"


def _write_series(root: Path, case: Case) -> tuple[int, int, int, int]:
    """(series, files, bytes, newly written) of one study. A series that is marked complete is not drawn again."""
    series = files = size = fresh = 0
    for _, group in groupby(case.series, key=lambda plan: plan.series_uid):
        plans = list(group)
        folder = root / _series_folder(case, plans[0].number, plans[0].description)
        expected = 1 if plans[0].storage == "enhanced" else sum(p.slices for p in plans)
        names = [f"IM{n:04d}.dcm" for n in range(1, expected + 1)]
        series, files = series + 1, files + expected
        if not all(map(_is_written, (folder / name for name in names))):
            drawn = [Drawn(plan, *render_series(case, plan)[:2]) for plan in plans]
            contents = series_files(case, drawn)
            fresh += sum(_keep(folder / name, content) for name, content in zip(names, contents, strict=True))
        size += sum((folder / name).stat().st_size for name in names)
    return series, files, size, fresh


def _truth(case: Case) -> dict[str, object]:
    pose = to_template(case)
    lesions = [asdict(x) | {"center_patient_mm": to_patient(x.center_mni_mm, pose)} for x in case.lesions]
    study = {k: v for k, v in asdict(case).items() if k not in ("lesions", "series", "report")}
    return study | {"has_contrast": case.has_contrast, "lesions": lesions, "series": [asdict(p) for p in case.series]}


def _reports(folder: Path, cases: tuple[Case, ...]) -> int:
    """Most reports as text files, every seventh in a table, every ninth as a line of JSON."""
    table: list[Case] = []
    lines: list[Case] = []
    fresh = 0
    for case in cases:
        if case.index % 7 == 3:
            table.append(case)
        elif case.index % 9 == 5:
            lines.append(case)
        else:
            head = {
                0: f"Accession: {case.accession_number}\n\n",
                1: f"Accession Number: {case.accession_number}\nPatient ID: {case.patient_id}\n\n",
            }
            text = head.get(case.index % 3, "") + case.report
            fresh += _keep(folder / f"{case.accession_number}.txt", text.encode())
    if table:
        rows = [(c.accession_number, c.study_uid, c.report) for c in table]
        text = csv_text([("accession_number", "study_uid", "report"), *rows])
        fresh += _keep(folder / "reports.csv", text.encode())
    if lines:
        lines_of_reports = [
            {"accession_number": c.accession_number, "study_uid": c.study_uid, "report": c.report} for c in lines
        ]
        fresh += _keep(folder / "reports.jsonl", "".join(json.dumps(r) + "\n" for r in lines_of_reports).encode())
    return fresh


def write_archive(
    folder: Path, *, studies: int = 24, seed: int = 0, progress: Callable[[int, int], None] | None = None
) -> ArchiveSummary:
    """Write `dicom/`, `reports/` and `truth.json` under `folder`; `progress` hears (studies done, studies).

    The same seed gives the same bytes. Each file appears complete or not at all, so a run that was cut off can be
    repeated and goes on where it stopped. Raises PhantomDataMissing without the templates of the 'demo' extra.
    """
    cases = plan_cases(studies, seed=seed)
    totals = [0, 0, 0, 0]
    for done, case in enumerate(cases, 1):
        totals = [a + b for a, b in zip(totals, _write_series(folder / "dicom", case), strict=True)]
        if progress is not None:
            progress(done, studies)
    fresh = totals[3] + _reports(folder / "reports", cases)
    truth = {"seed": seed, "studies": [_truth(case) for case in cases]}
    fresh += _keep(folder / "truth.json", json.dumps(truth, indent=1).encode())
    return ArchiveSummary(folder, len(cases), totals[0], totals[1], len(cases), round(totals[2] / 1e6, 1), fresh)
