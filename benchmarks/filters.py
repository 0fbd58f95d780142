"""Filters to allowed sets, and facet counts, over up to 1,000,000 series: from the snapshot, and from SQL.

    python -m benchmarks.filters [--rows 10000 100000 1000000] [--work DIR]

Makes a database of studies of three series each, with the facts that filters ask for and vectors of two numbers (their
contents play no part), makes the snapshot, and resolves three conditions at 50, 10, 1 and 0.1 %. Every answer is
compared with SQL's, as are the counts of six facets. Nothing is remembered between repeats but what the operating
system keeps of the files.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import machine
from spinecho.db.facts.snapshots import make_snapshot
from spinecho.db.files import runs
from spinecho.db.filters.algebra import ALL, parse_filter, without_field
from spinecho.db.queries.facets import sql_counts
from spinecho.db.queries.lookup import allowed_volumes
from spinecho.db.queries.selection import Selection
from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.vectors.stored_rows import pack

SHARES = {
    "50 %": "body_region=brain,spine,knee,abdomen and age<=73 and derived=no",
    "10 %": "sequence=T2,FLAIR and age>=30 and sex=F",
    "1 %": "sequence=DWI and age>=40 and vendor=Philips",
    "0.1 %": "sequence=SWI and body_region=prostate and date>=2017-09-01",
    "1 %, or and not": "sequence=T1 and (age>=88 or date<2009-02-01) and not vendor=GE",
}
FIELDS = ("body_region", "sequence", "plane", "vendor", "sex", "age")
REGIONS = {"brain": 0.4, "spine": 0.2, "knee": 0.1, "abdomen": 0.1, "pelvis": 0.1, "prostate": 0.05, "unknown": 0.05}
SEQUENCES = {"T1": 0.3, "T2": 0.25, "FLAIR": 0.1, "DWI": 0.1, "ADC": 0.05, "SWI": 0.05, "TOF": 0.05, "unknown": 0.1}
PLANES = {"axial": 0.5, "sagittal": 0.3, "coronal": 0.15, "oblique": 0.05}
VENDORS = {"Siemens": 0.5, "GE": 0.3, "Philips": 0.15, "Canon": 0.05}
REPEATS = 15


def main() -> None:
    """Print both timings at each size, and the exponent of growth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--work", type=Path, help="Where the databases are made. [default: a temporary folder]")
    given = parser.parse_args()
    print(machine())
    times: dict[str, list[tuple[int, float]]] = {}
    with tempfile.TemporaryDirectory(dir=given.work) as folder:
        for rows in given.rows:
            measure(Path(folder) / str(rows), rows, times)
    if len(given.rows) > 1:
        print("\ngrowth of the median, as rows to the power of")
        for name, pairs in times.items():
            print(f"  {name:34} {np.polyfit(*np.log(np.array(pairs)).T, 1)[0]:5.2f}")


def measure(folder: Path, rows: int, times: dict[str, list[tuple[int, float]]]) -> None:
    """Resolve and count at one size, and check every answer."""
    builds = folder / "builds"
    folder.mkdir()
    database = made(folder, rows)
    space = storing.serving(database, "image")
    assert space is not None  # noqa: S101
    started = time.perf_counter()
    manifest = make_snapshot(database, builds)
    took = time.perf_counter() - started
    size = sum(path.stat().st_size for path in (builds / "facts" / manifest.snapshot).iterdir())
    selection = Selection(database, builds)
    opened, _ = timed(selection.refresh, 1)
    print(
        f"\n{rows:,} series: snapshot made in {took:.1f} s, {size / rows:.1f} bytes a series, opened in {opened:.3f} s"
    )
    print(f"  {'three conditions leave':22} {'ids':>9} {'snapshot p50':>13} {'p95':>8} {'SQL p50':>10}")
    for name, text in SHARES.items():
        where = parse_filter(text)
        quick, found = timed(lambda w=where: selection.volumes(space, w), REPEATS, everything=True)
        slow, expected = timed(lambda w=where: allowed_volumes(database, space, w), 3)
        if found.tolist() != expected.tolist():
            raise SystemExit(f"{text}: the snapshot and SQL disagree")
        p50, p95 = statistics.median(quick), sorted(quick)[int(0.95 * (len(quick) - 1))]
        print(
            f"  {name:22} {len(found):9,} {1e3 * p50:10.2f} ms {1e3 * p95:5.1f} ms {1e3 * slow:7.0f} ms"
            f"   {100 * len(found) / rows:.2f} %"
        )
        times.setdefault(f"filter, {name}", []).append((rows, p50))
        times.setdefault(f"SQL, {name}", []).append((rows, slow))
    facets(database, selection, rows, times)
    database.close()


def facets(database: Database, selection: Selection, rows: int, times: dict[str, list[tuple[int, float]]]) -> None:
    """Six facets of a filter, and of a filter within 10,000 candidates."""
    where = parse_filter(SHARES["10 %"])
    first, _ = timed(lambda: selection.facets(where, FIELDS), 1)
    candidates = selection.studies(ALL)[::100][:10_000]
    for name, studies in (("six facets", None), ("six facets of candidates", candidates)):
        quick, found = timed(lambda s=studies: selection.facets(where, FIELDS, studies=s), REPEATS)
        started = time.perf_counter()
        for field in FIELDS:
            shown = sql_counts(database, field, without_field(where, field), studies)
            if shown != {one.value: one.shown for one in found[field] if one.shown}:
                raise SystemExit(f"{field}: the snapshot and SQL count differently")
        slow = time.perf_counter() - started
        note = f"   (the first time, with totals: {1e3 * first:.0f} ms)" if studies is None else ""
        print(f"  {name:32} {1e3 * quick:10.2f} ms {'':8} {1e3 * slow:7.0f} ms{note}")
        times.setdefault(name, []).append((rows, quick))


def timed(run: Callable[[], Any], repeats: int, *, everything: bool = False) -> tuple[Any, Any]:
    """(the median, or all, of the seconds that it took; what it gave)."""
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        found = run()
        seconds.append(time.perf_counter() - started)
    return (seconds if everything else statistics.median(seconds)), found


def made(folder: Path, rows: int) -> Database:
    """A database of `rows` series of a volume each."""
    path = folder / "spinecho.sqlite"
    database = Database.open(path)
    space = storing.serve(database, "image", model="m", revision="1", preprocessing="1", dim=2, encoder="none")
    run = runs.start_run(database, ["/archive"])
    runs.finish_run(database, run, counts={}, seconds={})
    random = np.random.default_rng(0)

    def drawn(shares: dict[str, float], n: int) -> list[str]:
        return random.choice(list(shares), n, p=list(shares.values())).tolist()

    studies = -(-rows // 3)
    days = random.integers(0, 5000, studies)
    ages = np.where(random.random(studies) < 0.05, np.nan, random.integers(0, 95 * 365, studies) / 365.25)
    row, of = pack(np.array([1.0, 0.0], dtype=np.float32)), random.permutation(np.arange(rows) // 3) + 1
    strengths = random.choice([1.5, 3.0, 2.8936], rows).tolist()
    facts = zip(*(drawn(shares, rows) for shares in (SEQUENCES, PLANES, REGIONS, VENDORS)), strict=True)
    derived = (random.random(rows) < 0.1).tolist()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.executemany(
            "INSERT INTO studies VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (i + 1, f"1.2.{i}", f"A{i}", f"P{i // 2}", str(date(2009, 1, 1) + timedelta(days=int(days[i]))),
                 f"MRI {i % 50}", "FM"[i % 2], None if np.isnan(ages[i]) else float(ages[i]))
                for i in range(studies)
            ),
        )  # fmt: skip
        connection.executemany(
            "INSERT INTO series VALUES (?, ?, ?, 1, ?, '')",
            ((i + 1, int(of[i]), f"1.2.3.{i}", f"series {i % 200}") for i in range(rows)),
        )
        connection.executemany(
            "INSERT INTO volumes (id, series_id, key, sequence, plane, body_region, contrast, field_strength_t, vendor,"
            " model, derived, acquisition, shape, flags, notes)"
            " VALUES (?, ?, '', ?, ?, ?, 'no', ?, ?, ?, ?, '{}', '[]', '[]', '{}')",
            (
                (i + 1, i + 1, sequence, plane, region, strengths[i], vendor, f"model {i % 80}", derived[i])
                for i, (sequence, plane, region, vendor) in enumerate(facts)
            ),
        )
        connection.executemany(
            "INSERT INTO vectors (id, space_id, volume_id, data) VALUES (?, ?, ?, ?)",
            ((i + 1, space.id, i + 1, row) for i in range(rows)),
        )
    connection.execute("ANALYZE")
    connection.close()
    return database


if __name__ == "__main__":
    main()
