"""What `spinecho adapt` gives on a made-up hospital whose lesions and wording the shipped encoder never saw.

    python -m benchmarks.adapt FOLDER [--studies 2000] [--minutes 40]

Heads of `indexer/phantom`, one FLAIR or T2 series a study, each a patient of its own; in four of five six kinds of
made-up foci at eight sites, in words of three dictating styles that stand in no training text of ours. FOLDER is kept:
what was drawn and indexed is not drawn and indexed again. Prints the command's figures, its seconds, how long searches
took while it embedded and switched, and what rollback gives.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

import spinecho
from benchmarks.common import machine
from spinecho.indexer.phantom import plan_cases, render_series

ROOT = "1.2.826.0.1.3680043.10.91"
KINDS = {
    "bright coin": ("signal-rich coin", "shining disc", "luminous rounded spot"),
    "dark coin": ("signal-poor coin", "shadowy disc", "dusky rounded spot"),
    "hoop": ("hoop-shaped focus", "annular bright loop", "bright hoop about a quiet middle"),
    "target": ("bull's-eye focus", "target-like figure", "bright kernel in a dark sleeve"),
    "stripes": ("banded patch", "zebra-like patch", "patch of alternating bands"),
    "swarm": ("swarm of bright specks", "shower of tiny bright dots", "speckled bright cluster"),
}
SITES = {
    (side, lobe): np.array([(1 if side == "right" else -1) * x, y, z], np.float32)
    for side in ("left", "right")
    for lobe, (x, y, z) in {
        "frontal": (30, 38, 22), "parietal": (34, -42, 38), "temporal": (46, -14, -14), "occipital": (22, -72, 6),
    }.items()
}  # fmt: skip
STYLES = (
    "There is a {what} of {size} mm seated in the {side} {lobe} lobe.",
    "{side} {lobe} lobe: {what}, {size} mm across.",
    "Within the {lobe} lobe on the {side}, a {what} measuring {size} mm stands out.",
)
DENIALS = ("No {what} elsewhere.", "There is no {what}.", "No sign of a {what}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--no-index", action="store_true", help="Measure on what is indexed already.")
    options = parser.parse_args()
    print(machine(), flush=True)
    if not options.no_index:
        began = time.monotonic()
        write(options.folder / "archive", options.studies)
        print(f"{options.studies:,} studies drawn in {time.monotonic() - began:.0f} s", flush=True)
    with spinecho.open(options.folder / "home", create=True, device="cpu") as archive:
        if not options.no_index:
            began = time.monotonic()
            archive.index(options.folder / "archive", workers=options.workers)
            print(f"indexed in {time.monotonic() - began:.0f} s", flush=True)
        print(json.dumps(archive.status()["archive"]), flush=True)
        print(json.dumps(adapted(archive, options.minutes), indent=1), flush=True)


def adapted(archive: spinecho.Archive, minutes: float) -> dict[str, Any]:
    """What the command gives, and how searches fare meanwhile."""
    before, stop, waits = answers(archive), threading.Event(), []

    def searching() -> None:
        while not stop.wait(1.0):
            began = time.monotonic()
            archive.search("luminous rounded spot in the left frontal lobe", k=10)
            waits.append(time.monotonic() - began)

    asking = threading.Thread(target=searching)
    asking.start()
    began = time.monotonic()
    try:
        made = archive.adapt(switch=True, minutes=minutes)
    finally:
        stop.set()
        asking.join()
    seconds = time.monotonic() - began
    found = made.to_json() | {
        "command_s": round(seconds, 1),
        "searches_meanwhile": len(waits),
        "search_s": {"median": round(float(np.median(waits)), 3), "worst": round(max(waits), 3)} if waits else None,
    }
    if made.better:
        found["rolled_back_to"] = archive.encoders.rollback().encoder
        found["same_answers_after_rollback"] = answers(archive) == before
    return found


def answers(archive: spinecho.Archive) -> list[str]:
    """Of one search, by studies."""
    return [hit.study.uid for hit in archive.search("bright hoop in the right parietal lobe", k=10) if hit.study]


def write(folder: Path, studies: int) -> None:
    """The hospital's DICOM and its table of reports; a study that lies there is not drawn again."""
    bases = _bases(min(60, studies))
    rows = []
    for number in range(studies):
        rng = np.random.default_rng((20261129, number))
        place = folder / "dicom" / f"{number // 100:03d}" / str(number)
        voxels, affine, sequence = bases[int(rng.integers(len(bases)))]
        voxels, report = _study(voxels.copy(), affine, rng)
        if not place.is_dir():
            partial = place.with_name(f".{number}.partial")
            _dicom(partial, number, voxels, affine, sequence)
            partial.rename(place)
        rows.append((f"{ROOT}.{number}", f"MADE{number:05d}", report))
    with (folder / "reports.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("study_uid", "accession_number", "report"), *rows])


def _bases(count: int) -> list[tuple[NDArray[np.float32], NDArray[np.float64], str]]:
    found = []
    for case in plan_cases(4 * count, seed=9411):
        plans = [plan for plan in case.series if plan.sequence in {"FLAIR", "T2"} and plan.plane == "axial"]
        if plans and len(found) < count:
            plan = plans[0]
            less = -(-plan.columns // 112)
            coarse = dataclasses.replace(
                plan, columns=plan.columns // less, rows=plan.rows // less, pixel_mm=plan.pixel_mm * less
            )
            voxels, affine, _ = render_series(dataclasses.replace(case, lesions=(), wmh_load=0.0), coarse)
            found.append((voxels, affine, str(plan.sequence)))
    return found


def _study(
    voxels: NDArray[np.float32], affine: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float32], str]:
    """A head with its foci, and the report on it."""
    level = float(np.percentile(voxels, 99))
    grid = np.stack(np.meshgrid(*map(np.arange, voxels.shape), indexing="ij"), axis=-1) @ affine[:3, :3].T
    grid += affine[:3, 3]
    inside = grid[voxels > 0.25 * level]
    middle = (inside.min(axis=0) + inside.max(axis=0)) / 2
    said, style = [], int(rng.integers(3))
    kinds = list(KINDS)
    chosen = [] if rng.random() < 0.2 else [kinds[int(rng.integers(6))] for _ in range(1 + int(rng.random() < 0.3))]
    sites = list(SITES)
    for kind in chosen:
        site = sites.pop(int(rng.integers(len(sites))))
        size = int(rng.integers(14, 31))
        centre = middle + SITES[site] + rng.normal(0, 3, 3)
        _plant(voxels, grid, centre, size / 2, kind, level, rng)
        words = KINDS[kind][int(rng.integers(3))]
        text = STYLES[style].format(what=words, size=size, side=site[0], lobe=site[1])
        said.append(text[0].upper() + text[1:])
    if not chosen:
        said.append("Cerebral parenchyma of regular signal.")
    absent = [kind for kind in kinds if kind not in chosen]
    for kind in rng.permutation(absent)[: int(rng.integers(1, 4))]:
        said.append(DENIALS[int(rng.integers(3))].format(what=KINDS[str(kind)][int(rng.integers(3))]))
    voxels *= np.float32(rng.uniform(0.7, 1.3))
    voxels += rng.normal(0, 0.012 * level, voxels.shape).astype(np.float32)
    return voxels, "FINDINGS: " + " ".join(said)


def _plant(
    voxels: NDArray[np.float32],
    grid: NDArray[np.float64],
    centre: NDArray[np.float64],
    radius: float,
    kind: str,
    level: float,
    rng: np.random.Generator,
) -> None:
    away = grid - centre
    far = np.linalg.norm(away, axis=-1) / radius
    bright, dark = np.float32(1.15 * level), np.float32(0.18 * level)
    inside = far < 1
    if kind == "bright coin":
        voxels[inside] = bright
    elif kind == "dark coin":
        voxels[inside] = dark
    elif kind == "hoop":
        voxels[inside & (far > 0.6)] = bright
    elif kind == "target":
        voxels[inside] = dark
        voxels[far < 0.5] = bright
    elif kind == "stripes":
        bands = np.floor(away[..., 1] / 4).astype(int) % 2
        voxels[inside] = np.where(bands, bright, dark)[inside]
    else:
        for _ in range(14):
            spot = centre + rng.normal(0, radius / 2, 3)
            voxels[np.linalg.norm(grid - spot, axis=-1) < 3.5] = bright


def _dicom(folder: Path, number: int, voxels: NDArray[np.float32], affine: NDArray[np.float64], sequence: str) -> None:
    folder.mkdir(parents=True)
    lps = np.diag([-1.0, -1.0, 1.0])
    along = [lps @ affine[:3, axis] for axis in range(3)]
    spacing = [float(np.linalg.norm(one)) for one in along]
    scaled = np.clip(voxels / max(float(voxels.max()), 1e-6) * 4000, 0, 4095).astype("<u2")
    for place in range(voxels.shape[2]):
        one = Dataset()
        one.SOPClassUID, one.SOPInstanceUID = MRImageStorage, f"{ROOT}.{number}.1.{place + 1}"
        one.StudyInstanceUID, one.SeriesInstanceUID = f"{ROOT}.{number}", f"{ROOT}.{number}.1"
        one.PatientName, one.PatientID = f"Made^{number}", f"MADE{number:05d}"
        one.AccessionNumber, one.Modality, one.StudyID = f"MADE{number:05d}", "MR", str(number)
        one.StudyDate, one.StudyTime = "20240101", "101500"
        one.SeriesNumber, one.InstanceNumber = "1", str(place + 1)
        one.SeriesDescription = "t2_tirm_tra_dark-fluid FLAIR" if sequence == "FLAIR" else "t2_tse_tra"
        one.BodyPartExamined, one.ScanningSequence, one.SequenceVariant = "BRAIN", "SE", "SK"
        one.MRAcquisitionType = "2D"
        one.EchoTime, one.RepetitionTime = ("120", "9000") if sequence == "FLAIR" else ("95", "4200")
        if sequence == "FLAIR":
            one.InversionTime = "2500"
        one.SliceThickness = f"{spacing[2]:.3f}"
        one.ImageOrientationPatient = [round(float(x), 6) for axis in (0, 1) for x in along[axis] / spacing[axis]]
        one.PixelSpacing = [round(spacing[1], 5), round(spacing[0], 5)]
        corner = lps @ (affine[:3, 3] + place * affine[:3, 2])
        one.ImagePositionPatient = [round(float(x), 4) for x in corner]
        one.Rows, one.Columns = voxels.shape[1], voxels.shape[0]
        one.BitsAllocated = one.BitsStored = 16
        one.HighBit, one.PixelRepresentation, one.SamplesPerPixel = 15, 0, 1
        one.PhotometricInterpretation = "MONOCHROME2"
        one.PixelData = np.ascontiguousarray(scaled[:, :, place].T).tobytes()
        one.file_meta = FileMetaDataset()
        one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID
        one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID
        one.save_as(folder / f"{place:03d}.dcm", enforce_file_format=True)


if __name__ == "__main__":
    main()
