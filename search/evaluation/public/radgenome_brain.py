"""RadGenome-Brain MRI: radiologists' texts about cases of BraTS (glioma, meningioma, metastasis), ISLES 2022 and WMH.

The texts are published apart from the scans (huggingface.co/datasets/JiayuLei/RadGenome-Brain_MRI, revision 0348ba4;
its authors' code: github.com/ljy19970415/AutoRG-Brain):

    FOLDER/train_val_test_split.json            {"train": [image id, ...], "val": [...], "test": [...]}
    FOLDER/BraTS_GLI/global_finding.json        {case id: text}
    FOLDER/BraTS_GLI/modal_wise_finding.json    {image id: text}, an image id is a case id with "-t1n", "-t2f", ...
    FOLDER/BraTS_GLI/impression.json            {case id: {"disease": [...], "impression": text}}
    FOLDER/BraTS_MEN, BraTS_MET, ISLES22, WMH   the same

What stands in each file was read in public code that uses the release (loaders that strip -t1n, -t1c, -t2w, -t2f and
-dwi from the ids of the split, and take the values as above), not in the files themselves.

The scans come from their own challenges and lie anywhere below FOLDER. BraTS 2023 names them after the case
(`BraTS-GLI-00000-000/BraTS-GLI-00000-000-t2f.nii.gz`, patient and time point in the number), so that an image id is a
file's name without its ending. How the ids of ISLES22 and WMH are written, no source that could be read says; their
scans are found by the same two rules: a file whose name begins with the case's, or one in a folder of that name.
Cases whose scans are not found are left out and counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinecho.encoders.sandbox.limits import table_text
from spinecho.search.evaluation.public.cases import EVERY, Case, LayoutError, PublicScan, PublicSet, files_below

_SUBSETS = ("BraTS_GLI", "BraTS_MEN", "BraTS_MET", "ISLES22", "WMH")
_SPLIT = "train_val_test_split.json"
_PARTS = ("train", "val", "test")
_SUFFIXES: Mapping[str, str] = {"t1n": "T1", "t1c": "T1", "t2w": "T2", "t2f": "FLAIR", "dwi": "DWI", "adc": "ADC"}
_OF_IMAGE = re.compile(rf"[-_](?:{'|'.join(_SUFFIXES)})$", re.IGNORECASE)
_BRATS = re.compile(r"(BraTS-[A-Za-z]+-\d+)-\d+")
_MASK = re.compile(r"(?:^|[-_])(?:seg|msk|mask|wmh|labels?|lesions?|segmentation)$", re.IGNORECASE)
"""Also of the WMH challenge, whose mask is called wmh.nii.gz in the case's folder."""


@dataclass(frozen=True, slots=True)
class RadGenomeBrain:
    """See the module."""

    name: str = "radgenome-brain"
    version: int = 2
    looks_for: str = f"{_SPLIT} beside folders such as BraTS_GLI with global_finding.json, and the scans below"

    def fits(self, folder: Path) -> bool:
        """Whether the split and a folder of texts are there."""
        return (folder / _SPLIT).is_file() and any((folder / one / "global_finding.json").is_file() for one in _SUBSETS)

    def read(self, folder: Path, split: str) -> PublicSet:
        """Cases with the findings of all their scans as text, and with each scan's own where there is one."""
        found: dict[str, str] = {}
        of_scans: dict[str, str] = {}
        impressions: dict[str, Any] = {}
        for subset in _SUBSETS:
            place = folder / subset
            found |= _texts(place / "global_finding.json")
            of_scans |= _texts(place / "modal_wise_finding.json")
            impressions |= _object(place / "impression.json")
        cases = dict.fromkeys([*found, *impressions])
        parts, listed = _splits(folder / _SPLIT, cases)
        scans: dict[str, dict[str, PublicScan]] = {}
        for path in files_below(folder, (".nii.gz", ".nii")):
            if case := _case_of(path, cases):
                name = _image(path)
                scan = PublicScan(path, _sequence(name), "", "brain", of_scans.get(name, ""))
                held = scans.setdefault(case, {})  # by image: it may be unpacked beside, or in a second copy
                if name not in held or held[name].path.suffix != ".gz" == path.suffix:
                    held[name] = scan
        mine = [case for case in cases if split in {EVERY, parts.get(case)}]
        made = []
        for case in mine:
            own = list(scans.get(case, {}).values())
            own = [scan for scan in own if _image(scan.path) in listed] or own  # the release counts no FLAIR of ISLES
            if own:
                text = found.get(case) or _impression(impressions, case)
                made.append(Case(case, _patient(case), tuple(own), text, _labels(impressions, case)))
        missing = len(mine) - len(made)
        return PublicSet(tuple(made), {"no scan below the folder": missing} if missing else {}, (_CONFOUNDED,))


_CONFOUNDED = (
    "each disease comes from a data set of its own, with its own scanners and preparation: what finds a disease may "
    "find the data set"
)


def _image(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".nii")


def _case_of(path: Path, cases: Mapping[str, None]) -> str:
    """The case that a scan belongs to, "" for none and for a mask."""
    name = _image(path)
    if _MASK.search(name):
        return ""
    return _case_named(name, cases) or next((one.name for one in path.parents if one.name in cases), "")


def _case_named(name: str, cases: Mapping[str, None]) -> str:
    """The case whose id a name is, or begins with, up to a hyphen or an underscore; "" for none."""
    while name and name not in cases:
        name = name[: max(name.rfind("-"), name.rfind("_"), 0)]
    return name


def _sequence(name: str) -> str:
    found = _OF_IMAGE.search(name)
    return _SUFFIXES[found[0][1:].lower()] if found else ""


def _splits(path: Path, cases: Mapping[str, None]) -> tuple[dict[str, str], frozenset[str]]:
    """(by case id its part, ids of all images). Raises `LayoutError` where images of a case are in two parts."""
    told: dict[str, str] = {}
    listed: set[str] = set()
    value = _object(path)
    for part in _PARTS:
        ids = value.get(part, [])
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
            raise LayoutError(f"{path}: {part!r} is no list of names; fetch the release again")
        named = [one.strip() for one in ids if one.strip()]
        listed.update(named)
        for case in filter(None, (_case_named(one, cases) for one in named)):
            if told.setdefault(case, part) != part:
                raise LayoutError(f"{path}: images of {case} are in two parts; fetch the release again")
    return told, frozenset(listed)


def _patient(case: str) -> str:
    """BraTS counts a patient's time points behind the patient's number."""
    numbered = _BRATS.fullmatch(case)
    return numbered[1] if numbered else case


def _impression(impressions: Mapping[str, Any], case: str) -> str:
    value = impressions.get(case)
    return str(value.get("impression", "")) if isinstance(value, dict) else str(value or "")


def _labels(impressions: Mapping[str, Any], case: str) -> dict[str, str]:
    value = impressions.get(case)
    named = value.get("disease") if isinstance(value, dict) else None
    listed = [str(one).strip().lower() for one in named] if isinstance(named, list) else []
    return {"disease": " and ".join(sorted(filter(None, listed)))} if any(listed) else {}


def _texts(path: Path) -> dict[str, str]:
    return {key: value for key, value in _object(path).items() if isinstance(value, str) and value.strip()}


def _object(path: Path) -> dict[str, Any]:
    """The JSON object of a file, empty for a file that is not there. Raises `LayoutError`."""
    if not path.is_file():
        return {}
    try:
        value = json.loads(table_text(path, LayoutError))
    except (ValueError, RecursionError) as error:
        raise LayoutError(f"{path} is no JSON ({error}); fetch it again") from error
    if not isinstance(value, dict):
        raise LayoutError(f"{path} is no JSON object; fetch it again")
    return value
