"""A table of images with captions, in a folder with the images: one line an image, or one a folder of images.

    FOLDER/captions.csv        image,caption                            (comma, semicolon or tab; or JSON Lines)
    FOLDER/images/0001.png

`image` is a path below the folder: a PNG, a JPEG, a volume of any format that is read, or a folder of such, as of one
exam: each file below it is a scan of the case then, and the caption is about the case and no scan of it alone. A table
of reports beside a folder a patient is read like this: LSpineSMRI, whose own names no source tells. `file_name` and
`text` are taken for image and caption too, as ImageFolder of Hugging Face datasets names them in metadata.csv
(huggingface.co/docs/datasets/image_dataset). Further columns that are read where they are there: `patient` (without it
every line is a patient of its own, and intervals are too narrow where a patient has several), `study` (lines of one
study are one case), `split`, `region`, `sequence`, `plane`, and `label`, which is asked as a label.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spinecho.search.evaluation.judgements import JudgementError, table_rows
from spinecho.search.evaluation.public.cases import EVERY, Case, LayoutError, PublicScan, PublicSet, files_below

_TABLES = ("captions.csv", "metadata.csv", "captions.tsv", "metadata.tsv", "captions.jsonl", "metadata.jsonl")
_SCANS = (".png", ".jpg", ".jpeg", ".dcm", ".ima", ".nii", ".nii.gz", ".mha", ".mhd", ".nrrd")
_NAMES: Mapping[str, tuple[str, ...]] = {
    "image": ("image", "file_name", "path"),
    "caption": ("caption", "text"),
    "patient": ("patient", "patient_id"),
    "study": ("study", "study_id"),
    "split": ("split",),
    "region": ("region", "body_region"),
    "sequence": ("sequence",),
    "plane": ("plane",),
    "label": ("label",),
}


@dataclass(frozen=True, slots=True)
class CaptionTable:
    """See the module."""

    name: str = "captions"
    version: int = 2
    looks_for: str = f"one of {', '.join(_TABLES)} with the columns image and caption"

    def fits(self, folder: Path) -> bool:
        """Whether a table of one of the names is there."""
        return _table(folder) is not None

    def read(self, folder: Path, split: str) -> PublicSet:
        """A case a study, or a line where no study is named. Without a column `split` all lines are of every part."""
        table = _table(folder)
        if table is None:
            raise LayoutError(
                f"{folder} holds none of {', '.join(_TABLES)}; write one with the columns image and caption"
            )
        scans: dict[str, list[PublicScan]] = {}
        about: dict[str, dict[str, str]] = {}
        captions: dict[str, dict[str, None]] = {}
        absent = 0
        rows = [(place, _named(row)) for place, row in table_rows(table, needed=())]
        for place, row in rows:
            if not row.get("image") or not row.get("caption"):
                raise JudgementError(f"{place}: image or caption is empty, or there is no such column; fill both in")
            if split not in (EVERY, row.get("split") or split):
                continue
            path = _below(folder, row["image"], place)
            whole = path.is_dir()
            paths = list(files_below(path, _SCANS)) if whole else [path] if path.is_file() else []
            if not paths:
                absent += 1
                continue
            key = row.get("study") or row["image"]
            kept = (row.get("sequence", ""), row.get("plane", ""), row.get("region", ""))
            scans.setdefault(key, []).extend(PublicScan(one, *kept, "" if whole else row["caption"]) for one in paths)
            captions.setdefault(key, {})[row["caption"]] = None
            about.setdefault(key, row)
        cases = tuple(
            Case(
                key,
                about[key].get("patient") or key,
                tuple(scans[key]),
                " ".join(captions[key]),
                {"label": about[key]["label"]} if about[key].get("label") else {},
            )
            for key in scans
        )
        alone = "no column names patients: every case counts as a patient of its own, and intervals may be too narrow"
        warnings = () if any(row.get("patient") for _, row in rows) else (alone,)
        return PublicSet(cases, {"the image is not there": absent} if absent else {}, warnings)


def _table(folder: Path) -> Path | None:
    return next((folder / name for name in _TABLES if (folder / name).is_file()), None)


def _named(row: Mapping[str, str]) -> dict[str, str]:
    """The values under the names that are used here; of two columns for one thing the first that says something."""
    return {ours: next(filter(None, (row.get(name, "") for name in theirs)), "") for ours, theirs in _NAMES.items()}


def _below(folder: Path, written: str, place: str) -> Path:
    """Raises `JudgementError` for a name that leads out of the folder."""
    relative = Path(written)
    if relative.is_absolute() or ".." in relative.parts:
        raise JudgementError(f"{place}: {written[:80]!r} leads out of {folder}; name images below it")
    return folder / relative
