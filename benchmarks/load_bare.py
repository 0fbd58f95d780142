"""What a text search costs at the least over HTTP: FastAPI, one FAISS index, the same encoder, and nothing else.

uvicorn benchmarks.load_bare:app    (SPINECHO_LOAD_HOME names the home whose sentences are searched)
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from fastapi import FastAPI

from spinecho.db.schema.database import Database
from spinecho.db.store import storing
from spinecho.db.vectors.stored_rows import read_vectors
from spinecho.encoders.registry import open_encoder

_home = Path(os.environ["SPINECHO_LOAD_HOME"])
_dual = open_encoder()
_database = Database.open(_home / "spinecho.sqlite")
_space = storing.serving(_database, "text")
if _space is None:
    raise SystemExit(f"nothing is indexed in {_home}")
_index = faiss.IndexFlatIP(_space.dim)
_ids: list[np.ndarray[Any, np.dtype[np.int64]]] = []
for ids, rows in read_vectors(_database, _space):
    _index.add(np.ascontiguousarray(rows, np.float32))
    _ids.append(ids)
_known = np.concatenate(_ids)
app = FastAPI()


@app.post("/search")
def search(body: dict[str, Any]) -> dict[str, Any]:
    """The ten nearest sentences by their ids."""
    vectors = _dual.text.encode([body["words"]])
    similarities, places = _index.search(np.ascontiguousarray(vectors, np.float32), 10)
    return {
        "hits": [{"id": int(_known[at]), "score": float(s)} for at, s in zip(places[0], similarities[0], strict=True)]
    }
