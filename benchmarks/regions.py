"""What comparing by parts costs: bytes a volume, and the time to compare 200 volumes that SQLite holds.

    python -m benchmarks.regions [--volumes 5000] [--dims 256 768] [--runs 50]

Stores random cells for that many volumes in a new database, then draws 200 of them again and again: the query by
id, unpacking, and max-sim of 27 tokens (a scan) and of one (words, or a spot).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.common import machine
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.store.part_vectors import stored_regions
from spinecho.db.values import NewPassage, NewRegions, NewSeries, NewVolume
from spinecho.db.vectors.stored_rows import pack
from spinecho.encoders.networks.parts_of_volumes import GRID
from spinecho.search.channels.regions import RERANKED, max_sim

FACTS = {
    "sequence": "T1",
    "plane": "axial",
    "body_region": "brain",
    "contrast": "no",
    "field_strength_t": 3.0,
    "vendor": "Siemens",
    "model": "",
    "derived": False,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--volumes", type=int, default=5000)
    parser.add_argument("--dims", type=int, nargs="+", default=[256, 768])
    parser.add_argument("--runs", type=int, default=50)
    options = parser.parse_args()
    print(machine())
    for dim in options.dims:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder) / "spinecho.sqlite", dim, options.volumes, options.runs)


def measure(path: Path, dim: int, n_volumes: int, runs: int) -> None:
    random = np.random.default_rng(0)
    database = Database.open(path)
    image = storing.serve(database, "image", model="m", revision="r", preprocessing="p", dim=dim, encoder="e")
    text = storing.serve(database, "text", model="t", revision="r", preprocessing="p", dim=8, encoder="e")
    run = runs.start_run(database, [])
    sizes = {}
    for with_regions in (False, True):
        for number in range(n_volumes):
            store(database, run, image.id, text.id, number, unit(random, int(np.prod(GRID)), dim), with_regions)
        with database.engine.connect() as connection:
            connection.exec_driver_sql("VACUUM")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        sizes[with_regions] = path.stat().st_size
    volumes = np.arange(n_volumes) + n_volumes + 1  # the second time around gave new ids
    print(
        f"dim {dim}: {np.prod(GRID) * dim * 2:,} bytes of cells a volume, the file grows by "
        f"{(sizes[True] - sizes[False]) / n_volumes:,.0f} a volume ({n_volumes:,} volumes)"
    )
    load, scan, one = [], [], []
    for _ in range(runs):
        chosen = random.choice(volumes, RERANKED, replace=False).tolist()
        began = time.perf_counter()
        found = list(stored_regions(database, image, chosen).values())
        if len(found) != RERANKED:
            raise SystemExit(f"{len(found)} of {RERANKED} were found")
        load.append(time.perf_counter() - began)
        for tokens, seconds in ((unit(random, 27, dim), scan), (unit(random, 1, dim), one)):
            began = time.perf_counter()
            max_sim(tokens, found)
            seconds.append(time.perf_counter() - began)
    for name, seconds in ((f"load {RERANKED}", load), ("max-sim, 27 tokens", scan), ("max-sim, 1 token", one)):
        ordered = sorted(1000 * value for value in seconds)
        print(f"{name:>20}: p50 {statistics.median(ordered):.1f} ms, p95 {ordered[int(0.95 * runs)]:.1f} ms")
    database.close()


def store(database: Database, run: int, image: int, text: int, number: int, cells: np.ndarray, full: bool) -> None:
    caption = NewPassage("header", 0, 0, 1, "x", "present", "", pack(np.ones(8, np.float32)))
    regions = NewRegions(GRID, pack(cells)) if full else None
    volume = NewVolume("", FACTS, (8, 8, 8), (), {}, (), b"", pack(cells[0]), caption, regions)
    names = {"accession_number": "", "patient_id": "", "date": None, "description": "", "sex": None, "age_years": None}
    study = {"uid": f"1.{number}", **names}
    series = {"uid": f"1.{number}.1", "number": 1, "description": "", "protocol": ""}
    storing.store_series(database, run, NewSeries(study, series, [volume]), image_space=image, text_space=text)


def unit(random: np.random.Generator, n: int, dim: int) -> np.ndarray:
    rows = random.normal(size=(n, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


if __name__ == "__main__":
    main()
