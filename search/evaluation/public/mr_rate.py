"""MR-RATE: brain and spine MRI of 83,425 patients with reports (huggingface.co/datasets/Forithmus/MR-RATE, gated).

As its guide tells (github.com/forithmus/MR-RATE, data-preprocessing/docs/dataset_guide.md at commit 412b055):

    FOLDER/splits.csv                                   batch_id, patient_uid, study_uid, split
    FOLDER/reports/batch00_reports.csv                  study_uid, report, findings, impression, ...
    FOLDER/mri/batch00/STUDY/img/STUDY_SERIES.nii.gz    native space; SERIES is modality-role-plane: t1w-raw-axi-2
    FOLDER/mri/batch00/STUDY/seg/                       masks, which are not read

Scans come as one zip a study; the authors' download.py unzips them (--unzip). Studies that are still zipped, or were
not fetched, are left out and counted. The text is a report's findings, else its impression, else the report. The guide
tells no body region of a series: what the file says of it counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spinecho.search.evaluation.judgements import table_rows
from spinecho.search.evaluation.public.cases import EVERY, Case, PublicScan, PublicSet, is_left_over

_MODALITIES: Mapping[str, str] = {"t1w": "T1", "t2w": "T2", "flair": "FLAIR", "swi": "SWI", "mra": "MRA"}
_PLANES: Mapping[str, str] = {"axi": "axial", "sag": "sagittal", "cor": "coronal", "obl": "oblique"}


@dataclass(frozen=True, slots=True)
class MrRate:
    """See the module."""

    name: str = "mr-rate"
    version: int = 1
    looks_for: str = "splits.csv, reports/batch00_reports.csv and mri/batch00/STUDY/img/STUDY_SERIES.nii.gz"

    def fits(self, folder: Path) -> bool:
        """Whether splits, reports and scans are there."""
        return (folder / "splits.csv").is_file() and (folder / "mri").is_dir() and (folder / "reports").is_dir()

    def read(self, folder: Path, split: str) -> PublicSet:
        """Studies of one part, with their patients, so that a patient's other studies are no other patient's."""
        patients: dict[str, str] = {}
        for _, row in table_rows(folder / "splits.csv", needed=("patient_uid", "study_uid", "split")):
            if split in {EVERY, _part(row["split"])}:
                patients[row["study_uid"]] = row["patient_uid"]
        texts: dict[str, str] = {}
        for table in sorted((folder / "reports").glob("batch*_reports.csv")):
            for _, row in table_rows(table, needed=("study_uid",)):
                if row["study_uid"] in patients:
                    told = (row.get(name, "") for name in ("findings", "impression", "report"))
                    texts[row["study_uid"]] = next(filter(None, told), "")
        cases: dict[str, Case] = {}
        zipped: set[str] = set()
        for place in sorted((folder / "mri").glob("batch*/*")):
            uid = place.name.removesuffix(".zip")
            if uid not in patients:
                continue
            if place.name.endswith(".zip"):
                zipped.add(uid)
                continue
            found = sorted(path for path in (place / "img").glob("*.nii.gz") if not is_left_over(path.name))
            scans = tuple(_scan(path, uid) for path in found)
            if scans and uid not in cases:  # a study of two folders is one case
                cases[uid] = Case(uid, patients[uid], scans, texts.get(uid, ""))
        zipped -= cases.keys()
        absent = len(patients) - len(cases) - len(zipped)
        left_out = {"still zipped: unzip with the data set's download.py --unzip": len(zipped), "not fetched": absent}
        return PublicSet(tuple(cases.values()), {reason: n for reason, n in left_out.items() if n})


def _part(written: str) -> str:
    """The guide's table says Validation, the code of its authors val."""
    part = written.strip().lower()
    return "val" if part.startswith("val") else part


def _scan(path: Path, study: str) -> PublicScan:
    modality, _, rest = path.name.removesuffix(".nii.gz").removeprefix(f"{study}_").partition("-")
    plane = next((_PLANES[word] for word in rest.split("-") if word in _PLANES), "")
    return PublicScan(path, _MODALITIES.get(modality.lower(), ""), plane)
