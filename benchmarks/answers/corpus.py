"""Open texts as an archive of reports, each with where it is from. Nothing of them is kept in the project.

Read from the folder that `SPINECHO_TESTDATA` names; each source's SOURCE.md there tells repository and licence.
"""

from __future__ import annotations

import csv
import hashlib
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

SOURCES = {
    "roco": "captions of MR figures, ROCO validation and test, CC BY or CC0",
    "templates": "templates of normal reports, mdvthu/report-templates, Apache-2.0",
    "fastmri": "radiologists' labels of knee and brain, fastMRI+, MIT: one sentence a label, one text a set of labels",
    "idc": "study and series descriptions of the Imaging Data Commons, CC BY: headers, no reports",
}
_LABELS = {"knee": 120, "brain": 60}
_HEADERS = 300
_SERIES = 6
_CAPTURES = re.compile(
    r"PJN|localizer|\bloc\b|scout|survey|^\(|screen ?save|exponential|\bSUB|calibration|asset cal|3.?pl", re.I
)
_AGE = re.compile(r"(\d{1,3}|two|three|four|five|six|seven)[- ]*(year|month|week|day)s?[- ]*old", re.IGNORECASE)
_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}
_YEARS = {"year": 1.0, "month": 1 / 12, "week": 7 / 365.25, "day": 1 / 365.25}
_SEXES = {
    "F": re.compile(r"\b(?:female|woman|girl|lady)\b", re.IGNORECASE),
    "M": re.compile(r"\b(?:male|man|boy)\b", re.IGNORECASE),
}
_SKIPPED = ("pdmr", "mouse", "phantom", "_dro", "mri_dir")


@dataclass(frozen=True)
class Series:
    """A series of a header: its description as the scanner wrote it, and the body part."""

    description: str
    body_part: str = ""
    vendor: str = ""


@dataclass(frozen=True)
class Text:
    """A text of the corpus: a report, or the headers of a study where it has series."""

    key: str
    source: str
    text: str
    study: str = ""
    series: tuple[Series, ...] = ()
    sex: str | None = None
    age: float | None = None

    @property
    def is_report(self) -> bool:
        """False for headers."""
        return not self.series


def load_texts(folder: Path, *, without: Sequence[str] = ()) -> tuple[Text, ...]:
    """All texts in a fixed order, equal texts once. folder: that of the real data, with `text` in it."""
    readers = {"roco": _roco, "templates": _templates, "fastmri": _fastmri, "idc": _idc}
    kept: dict[str, Text] = {}
    for source, read in readers.items():
        if source not in without:
            for one in read(folder / "text"):
                kept.setdefault(" ".join(one.text.split()).casefold(), one)
    return tuple(kept.values())


def digest(texts: Sequence[Text]) -> str:
    """A name for these texts, by which a home that holds them is found again."""
    digested = hashlib.sha256()
    for one in texts:
        digested.update(f"{one.key}\0{one.text}\0".encode())
    return digested.hexdigest()[:12]


def _roco(folder: Path) -> Iterator[Text]:
    for line in (folder / "roco_mr_captions" / "roco_mr_ccby.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        caption = row["caption"]
        yield Text(row["id"], "roco", caption, sex=sex_in(caption), age=age_in(caption))


def _templates(folder: Path) -> Iterator[Text]:
    for path in sorted((folder / "report_templates").glob("*.yaml")):
        template = yaml.safe_load(path.read_text(encoding="utf-8"))
        name = template["vr_shortcut_suffix"]
        parts = [f"EXAMINATION: {name}", f"TECHNIQUE: {template['technique']}"]
        if isinstance(template["report"], str):
            parts.append(f"FINDINGS: {template['report']}")
        else:
            parts += [f"{part['section'].upper()}: {part['content']}" for part in template["report"]]
        yield Text(path.stem, "templates", "\n".join(part.strip() for part in parts))


def _fastmri(folder: Path) -> Iterator[Text]:
    for part, most in _LABELS.items():
        labels: dict[str, list[str]] = defaultdict(list)
        with (folder / "fastmri_plus" / f"{part}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                label = row["label"].strip()
                if label not in labels[row["file"]]:
                    labels[row["file"]].append(label)
        sets: dict[frozenset[str], str] = {}
        for name in sorted(labels):
            sets.setdefault(frozenset(labels[name]), name)
        names = sorted(sets.values())
        for name in sorted(random.Random(14).sample(names, min(most, len(names)))):
            yield Text(name, "fastmri", f"MRI {part}. " + " ".join(f"{label}." for label in labels[name]))


def _idc(folder: Path) -> Iterator[Text]:
    from pyarrow import parquet  # noqa: PLC0415

    columns = ["collection_id", "StudyKey", "StudyDescription", "SeriesDescription", "BodyPartExamined", "Manufacturer"]
    columns += ["PatientSex", "PatientAge"]
    rows = parquet.read_table(folder / "idc_mr_index" / "idc_mr_series.parquet", columns=columns).to_pylist()
    studies: dict[int, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        if not any(part in row["collection_id"] for part in _SKIPPED):
            studies[row["StudyKey"]].append(row)
    by_collection: dict[str, list[int]] = defaultdict(list)
    for key, studies_rows in sorted(studies.items()):
        by_collection[studies_rows[0]["collection_id"]].append(key)
    drawn = random.Random(14)
    for keys in by_collection.values():
        drawn.shuffle(keys)
    found: dict[str, Text] = {}
    while len(found) < _HEADERS and any(by_collection.values()):  # a study of each collection in turn
        for name in sorted(by_collection):
            if by_collection[name]:
                key = by_collection[name].pop()
                one = _header(key, studies[key])
                if one is not None:
                    found.setdefault(one.text, one)
    yield from list(found.values())[:_HEADERS]


def _header(key: int, rows: Sequence[dict[str, str]]) -> Text | None:
    by_name: dict[str, Series] = {}
    for row in rows:
        name = (row["SeriesDescription"] or "").strip()
        if name and not _CAPTURES.search(name):
            by_name.setdefault(name, Series(name, row["BodyPartExamined"] or "", row["Manufacturer"] or ""))
    series = tuple(by_name.values())[:_SERIES]
    study = (rows[0]["StudyDescription"] or "").strip()
    if not series or not study:
        return None
    part = series[0].body_part
    text = f"{study}. " + (f"{part}. " if part else "") + "; ".join(one.description for one in series)
    sex = rows[0]["PatientSex"] if rows[0]["PatientSex"] in {"F", "M"} else None
    years = re.fullmatch(r"(\d{3})Y", rows[0]["PatientAge"] or "")
    age = float(years[1]) if years and int(years[1]) else None
    return Text(f"idc-{key}", "idc", text, study, series, sex, age)


def sex_in(text: str) -> str | None:
    """F or M where the text speaks of one alone."""
    sexes = [sex for sex, pattern in _SEXES.items() if pattern.search(text)]
    return sexes[0] if len(sexes) == 1 else None


def age_in(text: str) -> float | None:
    """The first age that the text gives, in years."""
    match = _AGE.search(text)
    if match is None:
        return None
    number = _NUMBERS.get(match[1].lower()) or int(match[1])
    return number * _YEARS[match[2].lower()]
