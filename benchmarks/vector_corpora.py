"""Vectors to search among: two made forms, and real text. Each is a folder with rows.f16, queries and the truth.

easy    2,000 centres drawn at random, each vector a centre plus noise half as long: clusters far apart
hard    500 centres and noise of the same spread, the i-th of 512 directions weighted by i ** -0.5: clusters that
        overlap so much that a vector's nearest neighbours (cosine about 0.65) are often another cluster's
text    MiniLM sentence vectors of the distinct series descriptions and label phrases in $SPINECHO_TESTDATA/text
Queries are held out of the corpus, drawn as it was.
"""

from __future__ import annotations

import csv
import gzip
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DIM, QUERIES, K = 512, 500, 10
SHARES = (1.0, 0.5, 0.1, 0.01, 0.001)
SAME = 1e-5
"""Similarities nearer than this count as equal, for every engine alike."""


@dataclass(frozen=True)
class Corpus:
    name: str
    folder: Path
    rows: np.ndarray
    """(n, dim) fp16, mapped."""
    queries: np.ndarray
    """(q, dim) float32."""

    def __len__(self) -> int:
        return len(self.rows)

    def allowed(self, share: float) -> np.ndarray:
        """The rows that a filter of this share leaves, drawn at random once."""
        return np.random.default_rng(int(share * 1000)).random(len(self)) < share

    def truth(self, share: float = 1.0) -> np.ndarray:
        """Similarity of each query's tenth neighbour among the allowed rows, by comparing with all of them."""
        path = self.folder / f"truth-{share}.npy"
        if not path.exists():
            import faiss  # noqa: PLC0415

            allowed = self.allowed(share)
            best = np.full((len(self.queries), K), -np.inf, np.float32)
            for start in range(0, len(self), 20_000):
                some = self.rows[start : start + 20_000][allowed[start : start + 20_000]].astype(np.float32)
                if len(some):
                    found, _ = faiss.knn(self.queries, some, min(K, len(some)), metric=faiss.METRIC_INNER_PRODUCT)
                    best = -np.sort(-np.concatenate([best, found], axis=1), axis=1)[:, :K]
            np.save(path, best[:, -1])
        kth: np.ndarray = np.load(path)
        return kth


def corpus(name: str, work: Path, size: int) -> Corpus:
    """Make it, or open what an earlier run made."""
    folder = work / f"{name}-{size}"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "queries.npy").exists():
        rows = _text(work) if name == "text" else made(name, size + QUERIES)
        order = np.random.default_rng(0).permutation(len(rows))
        rows[order[QUERIES : QUERIES + size]].tofile(folder / "rows.f16")
        np.save(folder / "queries.npy", rows[order[:QUERIES]].astype(np.float32))
    queries = np.load(folder / "queries.npy")
    mapped = np.memmap(folder / "rows.f16", np.float16, "r").reshape(-1, queries.shape[1])
    return Corpus(name, folder, mapped, queries)


def made(form: str, n: int, *, seed: int = 0) -> np.ndarray:
    """(n, 512) fp16 unit rows."""
    table, random = np.random.default_rng(1), np.random.default_rng(seed + 2)
    spectrum = np.full(DIM, 0.5 / np.sqrt(DIM), np.float32)
    if form == "easy":
        centres = table.normal(size=(2000, DIM)).astype(np.float32)
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    else:
        spectrum = (np.arange(1, DIM + 1) ** -0.5).astype(np.float32)
        centres = (table.normal(size=(500, DIM)) * spectrum).astype(np.float32)
    out = np.empty((n, DIM), np.float16)
    for start in range(0, n, 50_000):
        block = random.standard_normal((min(50_000, n - start), DIM), dtype=np.float32) * spectrum
        block += centres[random.integers(0, len(centres), len(block))]
        out[start : start + len(block)] = block / np.linalg.norm(block, axis=1, keepdims=True)
    return out


def _text(work: Path) -> np.ndarray:
    path = work / "text-vectors.npy"
    if not path.exists():
        from spinecho.encoders.networks.sentence_encoder import SentenceEncoder  # noqa: PLC0415

        texts = _texts(Path(os.environ.get("SPINECHO_TESTDATA", "../shared/data")) / "text")
        encoder = SentenceEncoder.default()
        parts = [encoder.encode(texts[start : start + 2000]) for start in range(0, len(texts), 2000)]
        np.save(path, np.concatenate(parts).astype(np.float16))
    vectors: np.ndarray = np.load(path)
    return vectors


def _texts(folder: Path) -> list[str]:
    found: dict[str, None] = {}
    with gzip.open(folder / "idc_mr_index" / "idc_mr_series_descriptions.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.update(dict.fromkeys(value.strip() for name, value in row.items() if "escription" in name and value))
    with (folder / "label_vocab" / "multicare_annotated_ngrams.csv").open(encoding="utf-8", newline="") as file:
        found.update(dict.fromkeys(row["ngram"].strip() for row in csv.DictReader(file)))
    names = (folder / "label_vocab" / "neurovfm_mri_label_names.txt").read_text(encoding="utf-8").splitlines()
    found.update(dict.fromkeys(name.strip() for name in names if name.strip()))
    return [text for text in found if text]
