"""Servers of vectors beside FAISS in the process, over the same rows in one PostgreSQL: recall and milliseconds of
single queries without a filter and where one leaves 10, 1 and 0.1 %.

    python -m benchmarks.vector_servers --database postgresql://... --work DIR [--size 100000] [--corpus hard]
        [--milvus milvus://127.0.0.1:19530] [--out servers.json]

The database has to be empty: it is filled with the corpus (benchmarks/vector_corpora.py). What is timed is
`ServedSpace.nearest`, as a search asks it: k is 10, every filter an ascending list of ids, each asked by 100 queries
that are held out of the corpus. Similarities that agree to 1e-5 count as the same neighbour.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert

from benchmarks.common import machine
from benchmarks.vector_corpora import SAME, Corpus, K, corpus
from spinecho.db.schema.database import Database
from spinecho.db.schema.models import Vector
from spinecho.db.store import storing
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.build import build_index
from spinecho.db.vectors.served import ServedSpace
from spinecho.db.vectors.servers.named import open_server
from spinecho.db.vectors.servers.place import read_place
from spinecho.db.vectors.servers.syncing import sync
from spinecho.db.vectors.stored_rows import pack

SHARES = (1.0, 0.1, 0.01, 0.001)
_ASKED = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", required=True, help="URL of an empty PostgreSQL database.")
    parser.add_argument("--work", type=Path, required=True, help="Where the corpus and FAISS's build are kept.")
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--corpus", choices=("easy", "hard", "text"), default="hard")
    parser.add_argument("--milvus", default="", help="Address of a Milvus; without it only pgvector is asked.")
    parser.add_argument("--out", type=Path, default=Path("servers.json"))
    given = parser.parse_args()
    data = corpus(given.corpus, given.work, given.size)
    database, space = filled(given.database, data)
    rows = []
    for name in ("", "pgvector", *([given.milvus] if given.milvus else [])):
        begun = time.perf_counter()
        if name:
            server = open_server(read_place(name), database)
            state = sync(database, server, space)
            about = {"engine": name.split(":")[0], "kind": f"{state.kind}, effort {state.effort}"}
            served = ServedSpace(database, given.work / "none", space, elsewhere=server)
        else:
            built = build_index(database, given.work / "builds", space)
            about = {"engine": "FAISS, in the process", "kind": built.kind}
            served = ServedSpace(database, given.work / "builds", space)
        about["made_s"] = str(round(time.perf_counter() - begun, 1))
        if served.notes or served.build is None:
            raise SystemExit(f"{about['engine']} does not answer: {served.notes}")
        for share in SHARES:
            rows.append(about | asked(served, data, share))
            print(json.dumps(rows[-1]), flush=True)
    given.out.write_text(json.dumps({"machine": machine(), "corpus": given.corpus, "rows": rows}, indent=1) + "\n")


def filled(url: str, data: Corpus) -> tuple[Database, SpaceRecord]:
    database = Database.open(url)
    values = {"model": "made", "revision": "1", "preprocessing": "none", "dim": data.rows.shape[1]}
    space = storing.serve(database, "image", encoder="spinecho", **values)
    for start in range(0, len(data), 5_000):
        with database.begin() as session:
            some = data.rows[start : start + 5_000]
            session.execute(insert(Vector), [{"space_id": space.id, "data": pack(row)} for row in some])
    return database, space


def asked(served: ServedSpace, data: Corpus, share: float) -> dict[str, Any]:
    among = None if share == 1 else np.flatnonzero(data.allowed(share)).astype(np.int64) + 1
    truth, queries = data.truth(share)[:_ASKED], data.queries[:_ASKED]
    for query in queries[:5]:
        served.nearest(query[None], K, among=among)
    took, same = [], 0
    for query, kth in zip(queries, truth, strict=True):
        begun = time.perf_counter()
        found = served.nearest(query[None], K, among=among)
        took.append(1000 * (time.perf_counter() - begun))
        same += int((found.similarities[0] >= kth - SAME).sum())
    if served.notes:
        raise SystemExit(f"the server stopped answering: {served.notes}")
    return {
        "share": share, "recall": round(same / (K * len(queries)), 4), "p50_ms": round(float(np.median(took)), 2),
        "p10_ms": round(float(np.percentile(took, 10)), 2),
        "p99_ms": round(float(np.percentile(took, 99)), 2),
    }  # fmt: skip


if __name__ == "__main__":
    main()
