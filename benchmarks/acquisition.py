"""What the acquisition rules make of real series, against labels by hand, with 95 % intervals (Wilson 1927).

    python -m benchmarks.acquisition [--data FOLDER] [--misses]

texts      500 series of the Imaging Data Commons by their study and series description, body part and manufacturer
           alone, drawn over 70 collections so that rare kinds of text count as much as common ones, no series text
           twice. `tests/encoders/image/labelled_series.csv` holds a digest of each row's texts and its labels, never
           the texts, which FOLDER or SPINECHO_TESTDATA has. Labelled before any rule was changed. The misses of 300,
           `seen`, were read when the rules were changed; 200, `unseen`, were counted alone and are never printed.
volumes    the series and NIfTI volumes of FOLDER's manifest.csv, read with their headers.

A label may name several answers (`T1/DCE`); the first is the best one, and `unknown` among them says that silence is
right too. Of each fact: `right` are answers that the label allows, of all answers that were given to rows whose label
names any; `silent` are rows left unknown although the label names an answer; `invented` are answers to rows of which
the labeller says that it cannot be known. `first` counts the label's first answer alone.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.clauses import kappa, share
from benchmarks.common import machine
from spinecho.encoders.acquisition.evidence import Evidence
from spinecho.encoders.acquisition.facts import Acquisition
from spinecho.encoders.acquisition.rules import describe
from spinecho.encoders.errors import ReadError
from spinecho.encoders.reading.files import read_series, scan_file
from spinecho.encoders.reading.headers import VolumeRead

LABELS = Path(__file__).parents[1] / "tests" / "encoders" / "image" / "labelled_series.csv"
SECOND = LABELS.with_name("labelled_series_again.csv")
TEXTS = Path("text") / "idc_mr_index" / "idc_mr_series_descriptions.csv.gz"
FACTS = ("sequence", "plane", "region")
_COLUMNS = ("StudyDescription", "SeriesDescription", "BodyPartExamined", "Manufacturer")


@dataclass(frozen=True, slots=True)
class Judged:
    """One fact of one series: the answers that are right, the best first, and the rules' answer with its ground."""

    name: str
    wanted: tuple[str, ...]
    given: str
    ground: Mapping[str, Any]

    @property
    def verdict(self) -> str:
        """'right', 'wrong', 'silent', 'rightly silent' or 'invented'."""
        if self.given in self.wanted:
            return "rightly silent" if self.given == "unknown" else "right"
        if self.given == "unknown":
            return "silent"
        return "invented" if self.wanted == ("unknown",) else "wrong"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A series by its texts, with the labels of its facts."""

    part: str
    evidence: Evidence
    labels: dict[str, tuple[str, ...]]

    def judged(self, fact: str, acquisition: Acquisition) -> Judged:
        """How the rules did on one fact of it."""
        texts = " | ".join((self.evidence.study_text, self.evidence.series_text, self.evidence.body_part))
        return _judged(texts, self.labels[fact], fact, acquisition)


def _judged(name: str, wanted: tuple[str, ...], fact: str, acquisition: Acquisition) -> Judged:
    stored = "body_region" if fact == "region" else fact
    return Judged(name, wanted, str(getattr(acquisition, stored)), acquisition.why.get(stored, {}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("SPINECHO_TESTDATA"))
    parser.add_argument("--misses", action="store_true", help="print what is wrong, but never of the 200 unseen")
    options = parser.parse_args()
    if not options.data:
        raise SystemExit("name the folder of real MR data: --data or SPINECHO_TESTDATA")
    data = Path(options.data)
    print(machine())
    rows = read_labelled(data)
    for part in ("seen", "unseen"):
        chosen = [row for row in rows if row.part == part]
        print(f"\ntexts, {part}: {len(chosen)} series")
        answers = [describe(row.evidence) for row in chosen]
        for fact in FACTS:
            judged = [row.judged(fact, answer) for row, answer in zip(chosen, answers, strict=True)]
            _print(fact, judged, misses=options.misses and part == "seen")
    if SECOND.exists():
        print("\nsecond reading of 100 of them, first answers")
        for fact, pairs in second_reading().items():
            agreed = sum(a == b for a, b in pairs) / len(pairs)
            print(f"  {fact:9} agreement {agreed:.3f}, Cohen's kappa {kappa(pairs):.3f} ({len(pairs)})")
    volumes = list(judged_volumes(data))
    texts = [(fact, row.judged(fact, describe(row.evidence))) for row in rows for fact in FACTS]
    print("\nby rule, where it answered, with the confidence that it has")
    for line in by_rule([*texts, *volumes]):
        print(line)
    print("\nvolumes of the manifest")
    for fact in FACTS:
        _print(fact, [one for name, one in volumes if name == fact], misses=options.misses)


def _print(fact: str, judged: Sequence[Judged], *, misses: bool) -> None:
    for line in table(fact, judged):
        print(line)
    if misses:
        for one in judged:
            if one.verdict in ("wrong", "invented", "silent"):
                print(f"      {one.verdict:8} {'/'.join(one.wanted)} read as {one.given}: {one.name}")


def table(fact: str, judged: Sequence[Judged]) -> Iterator[str]:
    """The line of one fact."""
    verdicts = [one.verdict for one in judged]
    right, wrong, silent = (verdicts.count(name) for name in ("right", "wrong", "silent"))
    first = sum(one.given == one.wanted[0] for one in judged if one.verdict in ("right", "wrong"))
    unknowable = sum(one.wanted == ("unknown",) for one in judged)
    yield (
        f"  {fact:9} right {share(right, right + wrong)}  first {share(first, right + wrong)}  "
        f"silent {silent}/{right + wrong + silent}  invented {verdicts.count('invented')}/{unknowable}"
    )


def by_rule(judged: Iterable[tuple[str, Judged]]) -> Iterator[str]:
    """How often each rule is right, disputed answers apart."""
    verdicts: dict[tuple[str, str, str], list[bool]] = defaultdict(list)
    sure: dict[tuple[str, str, str], set[float]] = defaultdict(set)
    for fact, one in judged:
        if one.verdict in ("right", "wrong"):
            key = (fact, one.ground["rule"], "disputed" if "against" in one.ground else "")
            verdicts[key].append(one.verdict == "right")
            sure[key].add(one.ground["confidence"])
    for key, right in sorted(verdicts.items(), key=lambda item: (item[0][0], -len(item[1]))):
        fact, rule, disputed = key
        given = " or ".join(f"{one:.2f}" for one in sorted(sure[key]))
        yield f"  {fact:9} {rule + ' ' + disputed:43} {share(sum(right), len(right)):32} has {given}"


def read_labelled(data: Path) -> list[Labelled]:
    """The labelled rows with their texts from the data's folder, in the order of their digests.

    Raises FileNotFoundError where the texts are not there, ValueError where a labelled row is not among them.
    """
    with gzip.open(data / TEXTS, "rt", newline="") as file:
        texts = {digest(row[name] for name in _COLUMNS): row for row in csv.DictReader(file)}
    found = []
    for row in rows_of(LABELS):
        if (text := texts.get(row["row"])) is None:
            raise ValueError(f"{data / TEXTS} has no row of digest {row['row']}: it is another version of the table")
        evidence = Evidence(
            series_text=text["SeriesDescription"],
            study_text=text["StudyDescription"],
            body_part=text["BodyPartExamined"],
            manufacturer=text["Manufacturer"],
        )
        found.append(Labelled(row["part"], evidence, {fact: tuple(row[fact].split("/")) for fact in FACTS}))
    return found


def second_reading() -> dict[str, list[tuple[str, str]]]:
    """(first label, second label) of the rows that were read twice, by fact."""
    first = {row["row"]: row for row in rows_of(LABELS)}
    pairs: dict[str, list[tuple[str, str]]] = {fact: [] for fact in FACTS}
    for row in rows_of(SECOND):
        for fact in FACTS:
            pairs[fact].append((first[row["row"]][fact].split("/")[0], row[fact].split("/")[0]))
    return pairs


def digest(texts: Iterable[str]) -> str:
    """The name of a row in the file of labels."""
    return hashlib.sha256("\x1f".join(texts).encode()).hexdigest()[:16]


def rows_of(path: Path) -> list[dict[str, str]]:
    """A CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# What the manifest's free words mean here; several are right where the object itself leaves it open.
_MEANS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("localizer", ("localizer", "T2")),
    ("ADC", ("ADC",)),
    ("FA map", ("DTI map",)),
    ("DWI", ("DWI",)),
    ("DCE percent", ("DCE", "quantitative map")),
    ("DCE", ("DCE", "T1")),
    ("ASL", ("ASL",)),
    ("BOLD", ("BOLD", "T2*")),
    ("EPI", ("BOLD", "T2*")),
    ("field map", ("field map",)),
    ("SWI", ("SWI",)),
    ("T2 mapping", ("quantitative map", "T2", "PD")),
    ("cine", ("cine",)),
    ("phase-contrast", ("phase contrast",)),
    ("MT", ("MT",)),
    ("T2*", ("T2*",)),
    ("FLAIR", ("FLAIR",)),
    ("T1", ("T1",)),
    ("T2", ("T2",)),
)
_REGIONS = {
    "cervical spine": ("cervical spine", "spine"),
    "fetal brain": ("fetal",),
    "brain (hippocampus)": ("brain",),
}
_PLANES = {"axial": ("axial",), "coronal": ("coronal",), "sagittal": ("sagittal",)}


def judged_volumes(data: Path) -> Iterator[tuple[str, Judged]]:
    """(fact, verdict) of the first volume of every series and NIfTI file that the manifest says something of.

    Small hippocampus crops, 65 alike from one source, are left out, and so are noise and what the table doubts. Planes
    are counted where the table names one of the body's: a heart's short axis is none, and the files of that source
    have a plain grid in their headers, no orientation.
    """
    for row in rows_of(data / "manifest.csv"):
        if row["kind"] not in ("dicom_series", "nifti") or row["content"] == "noise-pixels":
            continue
        if "hippocampus" in row["path"]:
            continue
        acquisition = acquisition_at(data, row["path"])
        if acquisition is None:
            continue
        region = row["body_region"]
        if region and region != "unknown" and "?" not in region:
            yield "region", _judged(row["path"], _REGIONS.get(region, (region,)), "region", acquisition)
        meant = next((meant for word, meant in _MEANS if word in row["sequence"]), None)
        if meant is not None:
            yield "sequence", _judged(row["path"], meant, "sequence", acquisition)
        if row["plane"] in _PLANES:
            yield "plane", _judged(row["path"], _PLANES[row["plane"]], "plane", acquisition)


def acquisition_at(data: Path, path: str) -> Acquisition | None:
    """The facts of the first volume of a file or of a folder of one series; None where none can be read."""
    place = data / path
    files = sorted(p for p in place.iterdir() if p.suffix != ".md") if place.is_dir() else [place]
    try:
        headers = [scan_file(p, root=data) for p in files]
    except ReadError:
        return None
    read = next((r for r in read_series(headers, max_volumes=1) if isinstance(r, VolumeRead)), None)
    return read.acquisition if read else None


if __name__ == "__main__":
    main()
