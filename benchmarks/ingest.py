"""How fast an archive comes in: reading beside three other readers, many small headers, and files to searchable.

    python -m benchmarks.ingest DATA [--peers FOLDER] [--small 100000] [--repeats 3] [--parts peers headers end]

DATA is a folder of real DICOM series. Every reader is a fresh process over the same series, warm cache, taking turns
within one run; medians are printed, by the clock and of processor time, which other work on the machine changes less.
`dcm2niix` (-z n) and `dicom2nifti` also write their files, which is what they are made for; SimpleITK reads each series
that GDCM finds.
--peers: where `pip install --no-deps --target FOLDER dicom2nifti` put it. SimpleITK runs in its own process alone.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import machine
from benchmarks.ingest_small import small_files

HERE = Path(__file__).resolve().parents[1]
_OURS = """
import sys
from collections import defaultdict
from pathlib import Path
from spinecho.encoders.errors import ReadError
from spinecho.encoders.reading.files import read_series, scan_file
from spinecho.encoders.reading.headers import VolumeRead
volumes, series = 0, defaultdict(list)
for root in map(Path, sys.argv[1:]):
    for path in sorted(p for p in root.iterdir() if p.is_file() and p.suffix != ".md"):
        try:
            header = scan_file(path, root=root)
            series[header.study_uid, header.series_uid].append(header)
        except ReadError:
            pass
for headers in series.values():
    volumes += sum(isinstance(one, VolumeRead) for one in read_series(headers, max_volumes=1000))
print(volumes)
"""
_TWO = """
import sys
from spinecho.encoders.preparing.preparation import BlockPreparation
from spinecho.encoders.tasks.image_tasks import query_task, unpack_read
from spinecho.encoders.sandbox.processes import Sandbox
spec, volumes = BlockPreparation().spec, 0
with Sandbox(workers=int(sys.argv[1])) as sandbox:
    for outcome in sandbox.map([query_task(path, spec=spec, max_volumes=1000) for path in sys.argv[2:]]):
        volumes += sum(hasattr(one, "prepared") for one in unpack_read(outcome.messages))
print(volumes)
"""
_ITK = """
import sys, SimpleITK as sitk
sitk.ProcessObject.GlobalWarningDisplayOff()
sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
volumes = 0
for folder in sys.argv[1:]:
    for one in sitk.ImageSeriesReader.GetGDCMSeriesIDs(folder):
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(folder, one))
        try:
            sitk.Cast(reader.Execute(), sitk.sitkFloat32)
            volumes += 1
        except RuntimeError:
            pass
print(volumes)
"""
_D2N = """
import logging, os, sys
import dicom2nifti, dicom2nifti.settings as settings
logging.disable(logging.CRITICAL)
settings.disable_validate_slice_increment(); settings.disable_validate_orthogonal()
settings.disable_validate_slicecount()
out = sys.argv[1]
for number, folder in enumerate(sys.argv[2:]):
    place = os.path.join(out, str(number)); os.mkdir(place)
    try:
        dicom2nifti.convert_directory(folder, place, compression=False, reorient=False)
    except Exception:
        pass
print(sum(name.endswith(".nii") for _, _, names in os.walk(out) for name in names))
"""


@dataclass(frozen=True)
class Reader:
    """command: given the series' folders and a folder to write into, the process to run."""

    name: str
    command: Callable[[list[str], str], list[str]]
    peers: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--small", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--parts", nargs="*", default=["peers", "headers", "end"])
    options = parser.parse_args()
    print(f"{machine()}; load {os.getloadavg()[0]:.1f}")
    if "peers" in options.parts:
        _peers(options.data, options.peers, options.repeats)
    if "headers" in options.parts:
        _headers(options.small)
    if "end" in options.parts:
        _end_to_end(options.data)
    print(f"load {os.getloadavg()[0]:.1f}")


def series_folders(data: Path) -> list[str]:
    """Folders that files lie in, those that are broken on purpose left out."""
    folders = {path.parent for path in data.rglob("*") if path.is_file() and path.suffix != ".md"}
    return sorted(str(folder) for folder in folders if folder.name != "broken" and folder != data)


def _peers(data: Path, peers: Path | None, repeats: int) -> None:
    folders = series_folders(data)
    python = sys.executable
    converter = str(Path(python).parent / "dcm2niix")
    readers = [
        Reader("spinecho", lambda given, _: [python, "-c", _OURS, *given]),
        Reader("spinecho, one reading process", lambda given, _: [python, "-c", _TWO, "1", *given]),
        Reader("spinecho, two reading processes", lambda given, _: [python, "-c", _TWO, "2", *given]),
        Reader("dcm2niix", lambda _, out: [
            converter, "-z", "n", "-b", "n", "-d", "9", "-f", "%s_%e_%j", "-o", out, str(data)]),
        Reader("SimpleITK", lambda given, _: [python, "-c", _ITK, *given]),
    ]  # fmt: skip
    if peers is not None:
        readers.append(Reader("dicom2nifti", lambda given, out: [python, "-c", _D2N, out, *given], str(peers)))
    else:
        print("dicom2nifti is left out: --peers names no folder")
    seconds: dict[str, list[float]] = {one.name: [] for one in readers}
    processor: dict[str, list[float]] = {one.name: [] for one in readers}
    volumes: dict[str, str] = {}
    for turn in range(repeats + 1):  # the first warms the cache
        for one in readers:
            with tempfile.TemporaryDirectory(dir=_memory()) as out:
                environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(HERE), one.peers)))}
                began, before = time.perf_counter(), _processor()
                done = subprocess.run(
                    one.command(folders, out), capture_output=True, text=True, env=environment, check=False
                )
                if done.returncode and one.name != "dcm2niix":  # its status tells of files it cannot convert
                    raise SystemExit(f"{one.name} failed, so its time says nothing: {done.stderr[-2000:]}")
                if turn:
                    seconds[one.name].append(time.perf_counter() - began)
                    processor[one.name].append(_processor() - before)
                written = sum(1 for _ in Path(out).rglob("*.nii"))
                volumes[one.name] = str(written) if one.name == "dcm2niix" else done.stdout.split()[-1]
    ours, work = (statistics.median(of["spinecho"]) for of in (seconds, processor))
    print(f"{len(folders)} folders of real series; a fresh process each, median of {repeats} (lowest to highest)")
    for name, times in seconds.items():
        middle, cpu = statistics.median(times), statistics.median(processor[name])
        print(
            f"  {name:32} {middle:7.2f} s ({min(times):.2f} to {max(times):.2f}), {middle / ours:5.2f} x spinecho's; "
            f"processor {cpu:6.2f} s, {cpu / work:5.2f} x; {volumes[name]} volumes or files"
        )
    one, two = (
        statistics.median(seconds[f"spinecho, {n} reading process{s}"]) for n, s in (("one", ""), ("two", "es"))
    )
    print(f"  two reading processes over one: {one / two:.2f}")


_SCAN = """
import resource, sys, time
from pathlib import Path
from spinecho.encoders.reading.files import scan_file
root, most = Path(sys.argv[1]), int(sys.argv[2])
paths = [str(path) for path in root.rglob("*.dcm")][:most]
for path in paths:
    open(path, "rb").read()
began = time.perf_counter(); cpu = time.process_time()
for path in paths:
    scan_file(Path(path), root=root)
spent = time.process_time() - cpu
print(len(paths), time.perf_counter() - began, spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def _headers(amount: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        small_files(Path(folder), amount)
        print(f"headers of {amount:,} small files, one core, warm cache")
        for most in (amount // 10, amount):
            command = [sys.executable, "-c", _SCAN, folder, str(most)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE)
            n, wall, cpu, peak = done.stdout.split()
            print(
                f"  {int(n):>9,} files: {int(n) / float(wall):7,.0f}/s by the clock, {int(n) / float(cpu):7,.0f}/s of "
                f"processor time, peak {peak} MB"
            )


def _end_to_end(data: Path) -> None:
    with tempfile.TemporaryDirectory() as home:
        command = [Path(sys.executable).parent / "spinecho", "index", data, "--home", home, "--workers", "2", "--json"]
        began, before = time.perf_counter(), _processor()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wall, work = time.perf_counter() - began, _processor() - before
        found = json.loads(done.stdout)
    counts, seconds = found["counts"], found["seconds"]
    series, busy = counts["series"], sum(seconds[stage] for stage in ("read", "encode", "store"))
    print(
        f"files to searchable: {series} series, {counts['volumes']} volumes of {counts['files']} files, two processes"
    )
    for stage in ("discover", "scan", "read", "encode", "store", "build"):
        rate = f"{series / seconds[stage]:8.1f} series/s" if seconds[stage] else ""
        print(f"  {stage:9} {seconds[stage]:7.2f} s busy {rate}")
    print(f"  the run   {seconds['wall']:7.2f} s, {series / seconds['wall']:.1f} series/s; the process {wall:.2f} s")
    print(f"  the encoder has {seconds['encode'] / busy:.0%} of reading, encoding and storing")
    hidden = seconds["scan"] + seconds["read"] + seconds["encode"] + seconds["store"] - seconds["wall"]
    print(f"  {max(0.0, hidden):.2f} s of stages ran beside others; processor time {work:.1f} s")


def _processor() -> float:
    """Seconds that ended children computed for, and the system for them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() and shutil.disk_usage("/dev/shm").free > 1 << 30 else None  # noqa: S108


if __name__ == "__main__":
    main()
