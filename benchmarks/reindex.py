"""How fast `spinecho index` goes over an archive in which nothing has changed.

    python -m benchmarks.reindex [--files 40000] [--runs 5]

Writes an archive of small single-frame MR files (400 a series), indexes it once, then runs the whole command again
and again. Both rates are printed: of the run itself, and of the whole process with Python's start in it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from benchmarks.common import machine

SLICES = 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=40_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive"
        write(archive, options.files)
        command = [
            sys.executable,
            "-m",
            "spinecho.ui.cli.app",
            "index",
            str(archive),
            "--home",
            f"{folder}/home",
            "--json",
        ]
        first = run(command)[0]
        print(f"first run: {first['counts']['files']:,} files in {first['seconds']['wall']:.1f} s")
        inner, outer = [], []
        for _ in range(options.runs):
            found, seconds = run(command)
            if found["counts"]["unchanged"] != found["counts"]["files"]:
                raise SystemExit(f"not all were unchanged: {found['counts']}")
            inner.append(found["counts"]["files"] / found["seconds"]["wall"])
            outer.append(found["counts"]["files"] / seconds)
        for name, rates in (("the run itself", inner), ("whole process", outer)):
            print(f"{name:>15}: {statistics.median(rates):,.0f} files/s (from {min(rates):,.0f} to {max(rates):,.0f})")


def run(command: list[str]) -> tuple[dict, float]:
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout), time.perf_counter() - began


def write(archive: Path, n_files: int) -> None:
    """Files that differ in UIDs and positions, made by replacing text of equal length in one template."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = MRImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = "1.2.3.100000.200000"
    data.StudyInstanceUID = data.SeriesInstanceUID = "1.2.3.100000"
    data.Modality, data.SeriesDescription, data.BodyPartExamined = "MR", "t2_tse_tra", "BRAIN"
    data.ScanningSequence, data.RepetitionTime, data.EchoTime = "SE", 4000, 100
    data.ImageOrientationPatient, data.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, "200000"]
    data.PixelSpacing, data.SliceThickness, data.Rows, data.Columns = [4, 4], 1, 32, 32
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.PixelData = np.random.default_rng(0).integers(0, 4000, (32, 32), dtype="<u2").tobytes()
    template = archive.parent / "template.dcm"
    data.save_as(template, enforce_file_format=True)
    content = template.read_bytes()
    for number in range(n_files):
        series, position = divmod(number, SLICES)
        folder = archive / f"{series:05d}"
        if position == 0:
            folder.mkdir(parents=True)
        made = content.replace(b"1.2.3.100000", f"1.2.3.{100000 + series}".encode())
        (folder / f"{position:04d}.dcm").write_bytes(made.replace(b"200000", f"{200000 + position}".encode()))


if __name__ == "__main__":
    main()
