"""Training the heads of an adapted encoder over arrays: scans of one region and sequence, and what reports affirm.

A batch holds studies of one body region and sequence, so that what tells them apart is what was found; a share of the
batches mixes all. A text is a positive of every study whose report affirms all of it, so templates and repeated phrases
are no false negatives. Names of findings are asked too: who affirms them is a positive, who denies them a negative,
and who says nothing of them is neither.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from spinecho.db.durable import content_of, make_folder, with_digest, write_durably
from spinecho.encoders.adapted import CELLS, Heads, HeadsConfig
from spinecho.encoders.training.objectives.losses import info_nce

Floats = NDArray[np.float32]
Score = Callable[[Heads], float]
_ASKED = 48
"""Names of findings that a batch is asked about."""
_LINEAR = 0.02
"""Of the learning rate, for the linear maps."""


@dataclass(frozen=True)
class Material:
    """scans: (v, 1 + cells, d) fp16; study: (v,) the number of each scan's study; stratum: (v,) of its pool.

    sentences: (c, t) what is read of each clause and of each name; said: by study its clauses' numbers; named, denied:
    by study the numbers of names.
    """

    scans: NDArray[np.float16]
    study: NDArray[np.int64]
    stratum: NDArray[np.int64]
    sentences: Floats
    affirmed: Sequence[NDArray[np.int64]]
    named: Sequence[frozenset[int]]
    denied: Sequence[frozenset[int]]


@dataclass(frozen=True, slots=True)
class FitConfig:
    """How heads are trained. patience: evaluations without a better one; minutes: after which it stops in any case."""

    batch: int = 96
    steps: int = 6000
    every: int = 60
    patience: int = 8
    minutes: float = 40.0
    learning_rate: float = 3e-4
    weight_decay: float = 0.05
    mixed: float = 0.25
    noise: float = 0.01
    seed: int = 0
    width: int = 192
    dim: int = 128


@dataclass
class Fitted:
    """The best heads, by the score of validation patients, after so many steps."""

    heads: Heads
    score: float
    step: int
    steps: int
    history: list[tuple[int, float]] = field(default_factory=list)


def fit_heads(
    material: Material,
    config: HeadsConfig,
    score: Score,
    folder: Path,
    *,
    fit: FitConfig,
    identity: str,
    start: Callable[[Heads], None] = lambda _: None,
    tell: Callable[[int, int], None] = lambda *_: None,
) -> Fitted:
    """Train until the score of validation patients rises no more. A run that was killed goes on from its last state.

    start: gives fresh heads what they begin with. folder: where the state lies. identity: of what is trained on; a
    state of other material is begun anew.
    """
    torch.manual_seed(fit.seed)
    heads = Heads(config)
    linear = [heads.image.linear, heads.text.linear]  # begun as a ridge: it takes small steps from there
    others = [one for one in heads.parameters() if all(one is not held for held in linear)]
    groups = [{"params": others, "share": 1.0}, {"params": linear, "share": _LINEAR, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=fit.learning_rate, weight_decay=fit.weight_decay)
    state = _State(folder, identity, heads, optimizer)
    if not state.restore():
        heads.standardise(np.asarray(material.scans, np.float32), material.sentences)
        start(heads)
        state.keep(score(heads.eval()))
    sampler = _Sampler(material, fit)
    while state.step < fit.steps and state.stale < fit.patience and state.seconds < 60 * fit.minutes:
        began = time.monotonic()
        heads.train()
        for step in range(state.step, min(state.step + fit.every, fit.steps)):
            torch.manual_seed(fit.seed * 1_000_003 + step)
            for group in optimizer.param_groups:
                group["lr"] = (
                    group["share"] * fit.learning_rate * min(1.0, (step + 1) / 100) * (0.1 ** (step / fit.steps))
                )
            loss = _loss(heads, sampler.batch(step))
            if not bool(torch.isfinite(loss)):
                continue
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(heads.parameters(), 1.0)
            optimizer.step()
        state.step = min(state.step + fit.every, fit.steps)
        heads.eval()
        state.seconds += time.monotonic() - began
        state.keep(score(heads))
        tell(state.step, fit.steps)
    heads.load_state_dict(state.best)
    return Fitted(heads.eval(), state.best_score, state.best_step, state.step, state.history)


class _State:
    """Weights, the best of them, and the optimizer's moments: safetensors and JSON, put in place whole."""

    def __init__(self, folder: Path, identity: str, heads: Heads, optimizer: torch.optim.Optimizer) -> None:
        self._folder, self._identity, self._heads, self._optimizer = folder, identity, heads, optimizer
        self.step, self.stale, self.seconds = 0, 0, 0.0
        self.best_score, self.best_step = -1.0, 0
        self.best: dict[str, Tensor] = {name: value.clone() for name, value in heads.state_dict().items()}
        self.history: list[tuple[int, float]] = []

    def keep(self, score: float) -> None:
        self.history.append((self.step, round(score, 5)))
        if score > self.best_score:
            self.best_score, self.best_step, self.stale = score, self.step, 0
            self.best = {name: value.clone() for name, value in self._heads.state_dict().items()}
        else:
            self.stale += 1
        tensors = {f"now.{name}": value for name, value in self._heads.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in self.best.items()}
        moments = self._optimizer.state_dict()["state"]
        tensors |= {f"moment.{n}.{name}": value for n, held in moments.items() for name, value in held.items()}
        content = safetensors.torch.save(
            {name: value.contiguous() for name, value in tensors.items()}, metadata={"state": json.dumps(self._facts())}
        )
        make_folder(self._folder)
        write_durably(self._folder / "state.safetensors", with_digest(content))

    def _facts(self) -> dict[str, Any]:
        names = ("step", "stale", "seconds", "best_score", "best_step", "history")
        return {name: getattr(self, name) for name in names} | {"identity": self._identity}

    def restore(self) -> bool:
        """Whether there was a state of this run to go on from."""
        path = self._folder / "state.safetensors"
        if not path.is_file():
            return False
        try:
            content = content_of(path.read_bytes())
            header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
            facts, tensors = json.loads(header["__metadata__"]["state"]), safetensors.torch.load(content)
        except (safetensors.SafetensorError, ValueError, KeyError, TypeError):
            return False  # damaged: begun anew
        if facts.pop("identity", None) != self._identity:
            return False
        self._heads.load_state_dict(_named(tensors, "now."))
        self.best = _named(tensors, "best.")
        held = self._optimizer.state_dict()
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in _named(tensors, "moment.").items():
            number, _, kind = name.partition(".")
            moments.setdefault(int(number), {})[kind] = value
        self._optimizer.load_state_dict(held | {"state": moments})
        for name, value in facts.items():
            setattr(self, name, [tuple(one) for one in value] if name == "history" else value)
        return True


def begin_linear(
    heads: Heads, material: Material, strengths: Sequence[float], score: Score, *, most: int = 4000
) -> None:
    """Give heads the linear maps of a ridge from scans to what is read of reports, of the strength that scores best.

    most: scans that it is fitted on, drawn evenly.
    """
    kept = np.linspace(0, len(material.study) - 1, min(most, len(material.study))).astype(np.int64)
    rows = torch.from_numpy(material.scans[kept].astype(np.float32))
    with torch.no_grad():
        apart = (rows - heads.image.mean) * (rows.abs().sum(dim=2, keepdim=True) > 0)
    x = apart.numpy().reshape(len(kept), -1)
    affirmed = np.stack([material.sentences[one].mean(axis=0) for one in material.affirmed])
    y = (affirmed - heads.text.mean.numpy())[material.study[kept]]
    best: tuple[float, Tensor, Tensor] | None = None
    for strength in strengths:
        weights, _, _ = fit_ridge(x, y, strength=strength)
        _, _, directions = np.linalg.svd(x @ weights, full_matrices=False)
        basis = np.zeros((y.shape[1], heads.config.dim))
        count = min(heads.config.dim, len(directions))
        basis[:, :count] = directions[:count].T
        image, text = weights @ basis, basis
        image /= max(float(np.linalg.norm(x @ image, axis=1).mean()), 1e-9)
        text = text / max(float(np.linalg.norm(y @ text, axis=1).mean()), 1e-9)
        with torch.no_grad():
            heads.image.linear.copy_(torch.from_numpy(image.reshape(heads.image.linear.shape).astype(np.float32)))
            heads.text.linear.copy_(torch.from_numpy(text.astype(np.float32)))
        found = score(heads.eval())
        if best is None or found > best[0]:
            best = found, heads.image.linear.detach().clone(), heads.text.linear.detach().clone()
    if best is not None:
        with torch.no_grad():
            heads.image.linear.copy_(best[1])
            heads.text.linear.copy_(best[2])


def _named(tensors: Mapping[str, Tensor], start: str) -> dict[str, Tensor]:
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}


@dataclass(frozen=True)
class _Batch:
    rows: Tensor
    filled: Tensor
    text: Tensor
    text_filled: Tensor
    fits: Tensor
    asked: Tensor
    named: Tensor
    unmentioned: Tensor


class _Sampler:
    """Batches by their number: the same step gives the same batch, whenever it is asked."""

    def __init__(self, material: Material, fit: FitConfig) -> None:
        self._m, self._fit = material, fit
        self._sets = [frozenset(one.tolist()) for one in material.affirmed]
        strata, counts = np.unique(material.stratum, return_counts=True)
        self._strata = [np.flatnonzero(material.stratum == one) for one, n in zip(strata, counts, strict=True) if n > 3]
        sizes = np.array([len(one) for one in self._strata], float)
        self._share = sizes / sizes.sum() if len(sizes) else sizes

    def batch(self, step: int) -> _Batch:
        m, fit = self._m, self._fit
        rng = np.random.default_rng((fit.seed, step))
        pool = np.arange(len(m.study))
        if len(self._strata) and rng.random() >= fit.mixed:
            pool = self._strata[int(rng.choice(len(self._strata), p=self._share))]
        drawn = rng.permutation(pool)
        first = np.unique(m.study[drawn], return_index=True)[1]
        scans = drawn[np.sort(first)[: fit.batch]]
        studies = [int(one) for one in m.study[scans]]
        texts = [_some(m.affirmed[one], rng) for one in studies]
        fits = np.array([[set(text) <= self._sets[one] for text in texts] for one in studies])
        names = sorted({name for one in studies for name in m.named[one]})
        names = [names[at] for at in rng.permutation(len(names))[:_ASKED]]
        named = np.array([[name in m.named[one] for name in names] for one in studies], bool)
        denied = np.array([[name in m.denied[one] for name in names] for one in studies], bool)
        rows = m.scans[scans].astype(np.float32)
        filled = np.abs(rows).sum(axis=2) > 0
        rows += fit.noise * rng.standard_normal(rows.shape, np.float32)
        kept = filled & (rng.random(filled.shape) >= 0.1)
        kept[:, 0] |= ~kept.any(axis=1)
        padded, text_filled = _padded(texts, m.sentences)
        asked = torch.from_numpy(m.sentences[names])[:, None] if names else torch.zeros(0, 1, m.sentences.shape[1])
        return _Batch(
            torch.from_numpy(rows), torch.from_numpy(kept), padded, text_filled, torch.from_numpy(fits), asked,
            torch.from_numpy(named), torch.from_numpy(~named & ~denied),
        )  # fmt: skip


def _some(clauses: NDArray[np.int64], rng: np.random.Generator) -> list[int]:
    """All that a report affirms, or some of it."""
    if len(clauses) < 2 or rng.random() < 0.5:
        return [int(one) for one in clauses]
    return [int(one) for one in rng.permutation(clauses)[: int(rng.integers(1, len(clauses)))]]


def _padded(texts: Sequence[Sequence[int]], sentences: Floats) -> tuple[Tensor, Tensor]:
    longest = max(map(len, texts))
    rows = np.zeros((len(texts), longest, sentences.shape[1]), np.float32)
    filled = np.zeros((len(texts), longest), bool)
    for number, text in enumerate(texts):
        rows[number, : len(text)], filled[number, : len(text)] = sentences[list(text)], True
    return torch.from_numpy(rows), torch.from_numpy(filled)


def _loss(heads: Heads, batch: _Batch) -> Tensor:
    scale = heads.log_scale.exp().clamp_max(100.0)
    images = heads.image(batch.rows, batch.filled).sum(dim=1)
    loss = info_nce(images, heads.text(batch.text, batch.text_filled), batch.fits, scale=scale)
    if len(batch.asked):
        names = heads.text(batch.asked, torch.ones(batch.asked.shape[:2], dtype=torch.bool))
        loss = loss + 0.5 * info_nce(images, names, batch.named, scale=scale, ignored=batch.unmentioned)
    return loss


def image_rows(heads: Heads, scans: NDArray[np.float16], *, block: int = 512) -> Floats:
    """(v, dim) learned parts of scans, of unit length."""
    parts = [np.empty((0, heads.config.dim), np.float32)]
    with torch.inference_mode():
        for start in range(0, len(scans), block):
            rows = torch.from_numpy(scans[start : start + block].astype(np.float32))
            found = heads.image(rows, rows.abs().sum(dim=2) > 0).sum(dim=1)
            parts.append(torch.nn.functional.normalize(found, dim=1).numpy())
    return np.concatenate(parts)


def text_rows(heads: Heads, texts: Sequence[Sequence[int]], sentences: Floats, *, block: int = 256) -> Floats:
    """(n, dim) learned parts of texts, each given by the numbers of its clauses, of unit length."""
    parts = [np.empty((0, heads.config.dim), np.float32)]
    with torch.inference_mode():
        for start in range(0, len(texts), block):
            found = heads.text(*_padded(texts[start : start + block], sentences))
            parts.append(torch.nn.functional.normalize(found, dim=1).numpy())
    return np.concatenate(parts)


def fit_ridge(x: Floats, y: Floats, *, strength: float) -> tuple[NDArray[np.float64], Floats, Floats]:
    """(weights, mean of x, mean of y): the linear map that the adapted encoder has to beat; by features or samples."""
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    a, b = (x - mean_x).astype(np.float64), (y - mean_y).astype(np.float64)
    if len(a) < a.shape[1]:
        gram = a @ a.T
        weights = a.T @ np.linalg.solve(gram + strength * np.trace(gram) / len(a) * np.eye(len(a)), b)
    else:
        gram = a.T @ a
        weights = np.linalg.solve(gram + strength * np.trace(gram) / len(gram) * np.eye(len(gram)), a.T @ b)
    return weights, mean_x, mean_y


def write_facts(path: Path, facts: Mapping[str, Any]) -> None:
    """Plain facts beside a checkpoint, whole or not at all."""
    make_folder(path.parent)
    write_durably(path, (json.dumps(facts, indent=1, sort_keys=True) + "\n").encode())


def config_facts(fit: FitConfig, heads: HeadsConfig) -> dict[str, Any]:
    """What a run goes by, for its identity: not how long it may take, so that one that ran out of time can go on."""
    going_by = {name: value for name, value in asdict(fit).items() if name != "minutes"}
    return {"fit": going_by, "heads": asdict(heads), "cells": CELLS}
