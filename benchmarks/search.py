"""Vector search: ours at 10,000 to 1,000,000 vectors, under filters, while it grows, and beside other engines.

    python -m benchmarks.search --work DIR [--only growth filters add flat crossover peers] [--corpora easy hard text]
        [--sizes 10000 100000 1000000] [--peers-python PYTHON] [--peers-size 100000] [--out results.json]

growth   build (train, fill and measure), recall@10 against a comparison with everything, p50 and p99 of single queries,
         bytes a vector that stay in memory: the index as FAISS writes it, and ids; the fp16 rows are mapped
filters  the same where a filter leaves 50, 10, 1 and 0.1 %, each id list new to the index when it is asked
add      1,000 vectors added to a served space in SQLite, ten times: seconds until they are found, and what queries took
         from the moment that another process began to store them until it had ended
flat     where an approximate index begins to pay: p50 of comparing everything, beside the approximate one
crossover  filters of 1,000 to 100,000 vectors, each compared one by one and proposed by the index
peers    hnswlib, usearch, LanceDB, milvus-lite and pgvector at equal recall, each in its own process, by
         benchmarks/vector_peers.py; --peers-python names an interpreter that has them

Corpora are described in benchmarks/vector_corpora.py and kept in --work. Results are appended to --out as JSON.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import multiprocessing
import os
import subprocess
import threading
import time
from collections.abc import Callable
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import machine
from benchmarks.vector_corpora import SAME, SHARES, Corpus, K, corpus, made
from benchmarks.vector_peers import ENGINES
from spinecho.db.schema.database import Database
from spinecho.db.store import storing as archive
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.build import build_index, open_build
from spinecho.db.vectors.indexes.faiss_index import FlatIndex
from spinecho.db.vectors.indexes.index_plan import Wish
from spinecho.db.vectors.indexes.protocol import VectorIndex
from spinecho.db.vectors.indexes.scattered import roughen
from spinecho.db.vectors.indexes.trade_off import trade_offs
from spinecho.db.vectors.indexes.tuning import fit
from spinecho.db.vectors.indexes.two_stage import TwoStageIndex, bytes_for
from spinecho.db.vectors.served import ServedSpace

HERE = Path(__file__).parent
SIZES = (10_000, 100_000, 1_000_000)
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="Where corpora and indexes are kept.")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--corpora", nargs="+", choices=("easy", "hard", "text"), default=["easy", "hard", "text"])
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--peers-python", default="python3")
    parser.add_argument("--peers-size", type=int, default=100_000)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--peers-timeout", type=int, default=1800, help="Seconds for each engine.")
    parser.add_argument("--out", type=Path, default=Path("search.json"))
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    about = f"{machine()}, load {load:.1f}" + (" (a busy machine)" if load > 0.5 else "")
    print(about)
    for part in given.only:
        rows = PARTS[part](given)
        print(f"\n### {part}\n\n{markdown(rows)}")
        before = json.loads(given.out.read_text()) if given.out.exists() else []
        given.out.write_text(json.dumps([*before, {"machine": about, "part": part, "rows": rows}], indent=1) + "\n")


def growth(given: argparse.Namespace) -> list[Row]:
    rows: list[Row] = []
    for name in given.corpora:
        mine: list[Row] = []
        for size in sizes_of(name, given):
            data = corpus(name, given.work, size)
            index, row = opened(data)
            row |= asked(index, data, 1.0)
            mine.append(row)
            print("  " + json.dumps(row), flush=True)
        if len(mine) > 1:
            slope = np.polyfit([math.log(row["vectors"]) for row in mine], [math.log(row["p50_ms"]) for row in mine], 1)
            print(f"  {name}: p50 grows with the {slope[0]:.2f}th power of the number of vectors", flush=True)
            mine[-1]["p50_exponent"] = round(float(slope[0]), 2)
        rows += mine
    return rows


def filters(given: argparse.Namespace) -> list[Row]:
    rows = []
    for name in given.corpora:
        data = corpus(name, given.work, sizes_of(name, given)[-1])
        index, about = opened(data)
        for share in SHARES:
            row = {name: about[name] for name in ("corpus", "vectors", "kind")} | asked(index, data, share)
            rows.append(row)
            print("  " + json.dumps(row), flush=True)
        unfiltered = rows[-len(SHARES)]["p50_ms"]
        for row in rows[-len(SHARES) :]:
            row["times_unfiltered"] = round(row["p50_ms"] / unfiltered, 2)
    return rows


def flat(given: argparse.Namespace) -> list[Row]:
    rows = []
    for name in given.corpora:
        for size in (2_000, 5_000, 10_000, 20_000, 50_000, 100_000):
            data = corpus(name, given.work, size)
            if len(data) < size:
                break
            table = trade_offs(np.asarray(data.rows), ["flat fp16", "ivf rabitq", "ivf rabitq2"])
            good = [one for one in table[1:] if one.recall >= 0.99]
            best = min(good, key=lambda one: one.p50_ms, default=None)
            row = {"corpus": name, "vectors": size, "flat_p50_ms": table[0].p50_ms}
            row |= {} if best is None else {"p50_ms": best.p50_ms, "recall": best.recall, "kind": best.kind}
            rows.append(row)
            print("  " + json.dumps(row), flush=True)
    return rows


def add(given: argparse.Namespace) -> list[Row]:
    """A served space: a thread asks without pause while another process stores rows and this one takes them in."""
    size = given.sizes[-1]
    database, space, build_s = served_home(given.work / f"served-{size}", size)
    served = ServedSpace(database, given.work / f"served-{size}" / "builds", space)
    queries = made("easy", 300, seed=5).astype(np.float32)

    def ask(at: int) -> float:
        began = time.perf_counter()
        served.nearest(queries[at % len(queries)][None], K)
        return 1000 * (time.perf_counter() - began)

    quiet = [ask(at) for at in range(2000)]
    took: list[tuple[float, float]] = []
    stop = threading.Event()

    def keep_asking() -> None:
        while not stop.is_set():
            began = time.perf_counter()
            took.append((began, ask(len(took))))

    other = multiprocessing.get_context("spawn")
    found_after, meanwhile = [], list[float]()
    for turn in range(10):
        fresh = made("easy", 1000, seed=50 + turn)[-1:].astype(np.float32)
        ready, go, work = other.Event(), other.Event(), given.work / f"served-{size}"
        storing = other.Process(target=insert_when_told, args=(work, 50 + turn, ready, go))
        storing.start()
        ready.wait()  # it has imported what it needs
        took.clear()
        stop.clear()
        asking = threading.Thread(target=keep_asking)
        asking.start()
        time.sleep(0.2)
        before, began = len(served), time.perf_counter()
        go.set()
        while len(served) < before + 1000 and time.perf_counter() - began < 60:
            time.sleep(0.02)
            served.refresh()
        found = served.nearest(fresh, 1)
        found_after.append(time.perf_counter() - began)
        storing.join()
        ended = time.perf_counter()
        stop.set()
        asking.join()
        meanwhile += [ms for at, ms in took if began - 0.05 <= at <= ended]
        if found.similarities[0, 0] < 0.999:
            raise SystemExit("a vector that was added is not found")
    row = {
        "vectors": size,
        "whole_build_s": build_s,
        "found_after_s": round(max(found_after), 3),
        "quiet_p50_ms": round(float(np.median(quiet)), 3),
        "quiet_p99_ms": round(float(np.percentile(quiet, 99)), 3),
        "meanwhile_p50_ms": round(float(np.median(meanwhile)), 3),
        "meanwhile_p99_ms": round(float(np.percentile(meanwhile, 99)), 3),
        "meanwhile_worst_ms": round(max(meanwhile), 3),
        "asked_meanwhile": len(meanwhile),
    }
    print("  " + json.dumps(row), flush=True)
    database.close()
    return [row]


def peers(given: argparse.Namespace) -> list[Row]:
    rows: list[Row] = []
    for name in given.corpora:
        data = corpus(name, given.work, min(given.peers_size, sizes_of(name, given)[-1]))
        index, row = opened(data)
        rows.append({"engine": "spinecho"} | row | asked(index, data, 1.0))
        print("  " + json.dumps(rows[-1]), flush=True)
        for engine in given.engines:
            command = [given.peers_python, str(HERE / "vector_peers.py"), engine, str(data.folder)]
            row = {"engine": engine, "corpus": name}
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=given.peers_timeout, check=True)
                row |= json.loads(done.stdout.splitlines()[-1])
            except subprocess.TimeoutExpired:
                row |= {"failed": f"not done after {given.peers_timeout} s"}
            except (subprocess.CalledProcessError, ValueError, IndexError) as error:
                message = getattr(error, "stderr", "") or str(error)
                row |= {"failed": message.strip().splitlines()[-1][:200] if message.strip() else type(error).__name__}
            rows.append(row)
            print("  " + json.dumps(row), flush=True)
    return rows


def crossover(given: argparse.Namespace) -> list[Row]:
    """Filters of one size after another, both ways: where comparing all that is allowed stops being the faster one."""
    rows = []
    for name in given.corpora:
        data = corpus(name, given.work, sizes_of(name, given)[-1])
        rough = roughen(data.rows, data.folder / "rows.u8")
        proposer, plan = fit(data.rows, Wish(flat_up_to=0), rough=rough)
        if proposer is None:
            continue
        last = [effort for effort in plan.efforts if effort.k == K][-1]
        always = dataclasses.replace(plan, exact_up_to=len(data))
        never = dataclasses.replace(plan, exact_up_to=0, efforts=(*plan.efforts, dataclasses.replace(last, share=1e-9)))
        ids = np.arange(1, 3 * len(data), 3)
        for count in (1_000, 3_000, 10_000, 30_000, 100_000):
            if count > len(data) // 5:
                break
            share = count / len(data)
            exact = asked(TwoStageIndex(ids, data.rows, proposer, always, rough=rough), data, share)
            guess = asked(TwoStageIndex(ids, data.rows, proposer, never), data, share)
            row = {"corpus": name, "vectors": len(data), "allowed": count, "exact_p50_ms": exact["p50_ms"]}
            row |= {"approximate_p50_ms": guess["p50_ms"], "approximate_recall@10": guess["recall@10"]}
            rows.append(row | {"default_compares_up_to": plan.exact_up_to})
            print("  " + json.dumps(rows[-1]), flush=True)
    return rows


PARTS: dict[str, Callable[[argparse.Namespace], list[Row]]] = {
    "growth": growth,
    "filters": filters,
    "add": add,
    "flat": flat,
    "crossover": crossover,
    "peers": peers,
}


def sizes_of(name: str, given: argparse.Namespace) -> list[int]:
    """Text has no more than it has: its largest size is all of it."""
    return [min(size, 80_000) for size in given.sizes if size <= 100_000] if name == "text" else given.sizes


def opened(data: Corpus) -> tuple[VectorIndex, Row]:
    """Our index over a corpus. Ids are every third number, as where several spaces share a table."""
    began = time.perf_counter()
    rough = roughen(data.rows, data.folder / "rows.u8")
    proposer, plan = fit(data.rows, Wish(), rough=rough)
    ids = np.arange(1, 3 * len(data), 3)
    row: Row = {"corpus": data.name, "vectors": len(data), "kind": plan.kind}
    index: VectorIndex
    if proposer is None:
        index = FlatIndex(data.rows.shape[1])
        index.add(ids, data.rows.astype(np.float32))
        row |= {"build_s": round(time.perf_counter() - began, 1), "bytes_per_vector": 2 * data.rows.shape[1] + 16}
        return index, row | {"note": plan.note}
    row |= {"build_s": round(time.perf_counter() - began, 1), "of_it_train_and_add_s": plan.seconds}
    row |= {"bytes_per_vector": round(plan.bytes_per_vector + bytes_for(ids) / len(data), 1)}
    row |= {"breadth": plan.efforts[0].breadth, "candidates": plan.efforts[0].candidates}
    return TwoStageIndex(ids, data.rows, proposer, plan, rough=rough), row


def asked(index: VectorIndex, data: Corpus, share: float) -> Row:
    kth, allowed = data.truth(share), data.allowed(share)
    among = None if share == 1.0 else np.flatnonzero(allowed) * 3 + 1
    times, hits = [], 0.0
    for query in data.queries[:20]:  # the first of everything: pages of the file, threads, caches
        index.nearest(query[None], K, among=among)
    for query, least in zip(data.queries, kth, strict=True):
        began = time.perf_counter()
        found = index.nearest(query[None], K, among=among)
        times.append(1000 * (time.perf_counter() - began))
        hits += float((found.similarities[0] >= least - SAME).sum()) / K
    return {
        "share": share,
        "allowed": len(data) if among is None else len(among),
        "recall@10": round(hits / len(kth), 4),
        "p50_ms": round(float(np.median(times)), 3),
        "p99_ms": round(float(np.percentile(times, 99)), 3),
    }


def served_home(folder: Path, size: int) -> tuple[Database, SpaceRecord, float | None]:
    """A database of vectors alone, with a build; the seconds that this took where it was not there yet."""
    fresh = not (folder / "spinecho.sqlite").exists()
    database = Database.open(folder / "spinecho.sqlite")
    values = {"model": "made", "revision": "1", "preprocessing": "none", "dim": 512}
    space = archive.serve(database, "image", encoder="spinecho", **values)
    if not fresh:
        return database, space, None
    rows = made("easy", size)
    for start in range(0, size, 20_000):
        insert(database, space, rows[start : start + 20_000])
    del rows
    began = time.perf_counter()
    manifest = build_index(database, folder / "builds", space, say=lambda text: print(f"  {text}", flush=True))
    took = time.perf_counter() - began
    open_build(folder / "builds", space, manifest.build)
    return database, space, round(took, 1)


def insert(database: Database, space: SpaceRecord, rows: np.ndarray) -> None:
    with database.engine.begin() as connection:
        values = [(space.id, row.astype("<f2").tobytes()) for row in rows]
        connection.exec_driver_sql("INSERT INTO vectors (space_id, data) VALUES (?, ?)", values)


def insert_when_told(folder: Path, seed: int, ready: Event, go: Event) -> None:
    """In a process of its own, as indexing is."""
    database, space, _ = served_home(folder, 0)
    rows = made("easy", 1000, seed=seed)
    ready.set()
    go.wait()
    insert(database, space, rows)


def markdown(rows: list[Row]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(str(row.get(name, "")) for name in columns) + " |" for row in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
