"""How fast DICOM folders become volumes, beside `dcm2niix -z n` on the same files, one after the other.

    python benchmarks/reading.py DATA [--repeats 5]

Both run as one fresh process each time, warm cache, taking turns; medians are printed. Ours starts Python, scans
every header and reads every volume into float32; dcm2niix also writes its files (to --out, a memory disk if there
is one), which is the job that it is made for.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHILD = """
import sys, time
began = time.perf_counter()
from collections import defaultdict
from pathlib import Path
from spinecho.encoders.errors import ReadError
from spinecho.encoders.reading.files import read_series, scan_file
from spinecho.encoders.reading.headers import VolumeRead
root = Path(sys.argv[1])
files = sorted(p for p in root.rglob("*") if p.is_file() and p.suffix != ".md")
series, loaded, failed, volumes, voxels = defaultdict(list), time.perf_counter(), 0, 0, 0
for path in files:
    try:
        header = scan_file(path, root=root)
        series[header.study_uid, header.series_uid].append(header)
    except ReadError:
        failed += 1
scanned = time.perf_counter()
for headers in series.values():
    for result in read_series(headers, max_volumes=1000):
        if isinstance(result, VolumeRead):
            volumes += 1
            voxels += result.volume.voxels.size
        else:
            failed += 1
done = time.perf_counter()
print(loaded - began, scanned - loaded, done - scanned, len(files), volumes, failed, voxels)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="a folder of DICOM files")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("/dev/shm" if Path("/dev/shm").is_dir() else "."))  # noqa: S108
    arguments = parser.parse_args()
    converter = Path(sys.executable).parent / "dcm2niix"
    ours: list[float] = []
    theirs: list[float] = []
    stages: list[list[float]] = []
    counts: list[str] = []
    for turn in range(arguments.repeats + 1):  # the first turn warms the cache and is not counted
        began = time.perf_counter()
        command = [sys.executable, "-c", CHILD, str(arguments.data)]
        where = Path(__file__).resolve().parents[1]
        result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=where)
        our_time = time.perf_counter() - began
        *times, files, volumes, failed, voxels = result.stdout.split()
        counts = [files, volumes, failed, voxels]
        with tempfile.TemporaryDirectory(dir=arguments.out) as folder:
            began = time.perf_counter()
            options = ["-z", "n", "-b", "n", "-d", "9", "-f", "%s_%e_%j", "-o", folder, str(arguments.data)]
            subprocess.run([str(converter), *options], capture_output=True, check=False)
            their_time = time.perf_counter() - began
        if turn:
            ours.append(our_time)
            theirs.append(their_time)
            stages.append([float(t) for t in times])
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"machine: {machine}, load {os.getloadavg()[0]:.1f}")
    print(f"files {counts[0]}, volumes {counts[1]}, failed {counts[2]}, voxels {int(counts[3]):,}")
    for name, column in zip(("import", "scan", "read"), zip(*stages, strict=True), strict=True):
        print(f"  {name:8} {statistics.median(column):7.3f} s")
    us, them = statistics.median(ours), statistics.median(theirs)
    print(f"spinecho  {us:7.3f} s whole process (median of {len(ours)}; {min(ours):.3f} to {max(ours):.3f})")
    print(f"dcm2niix  {them:7.3f} s whole process (median of {len(theirs)}; {min(theirs):.3f} to {max(theirs):.3f})")
    print(f"dcm2niix / spinecho: {them / us:.2f}")


if __name__ == "__main__":
    main()
