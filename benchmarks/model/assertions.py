"""Teach the network that tells what a sentence says of a term (`encoders.networks.assertion_reader`), on a CPU.

    python -m benchmarks.model.assertions --out FOLDER --epochs 4
    python -m benchmarks.model.assertions --out FOLDER2 --start FOLDER --captions 3000 --epochs 1

Small changes to the frozen sentence encoder (LoRA, Hu et al. 2021) and a linear head, taught with all labelled
sentences of benchmarks/data but those of `HELD_OUT` and the open text, and with the phrases of `benchmarks.phrases`
around findings. `--leave` leaves one more source out and counts it: what is printed is of sentences that were not
taught. `clauses_taught.jsonl` was written for it: eight writers (`w1` to `w8`), each told the conventions, of a region,
a manner or a kind of difficulty, half everyday and half rarer wording; 6,185 labels, one reader each. All of that
was written here, by writers of one kind; the open text, which was not, is what to count by: see `benchmarks.clauses`.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as fn

from benchmarks.clauses import ADJUDICATED, DATA, key, labels, read_written, rows, share
from benchmarks.common import machine
from spinecho.encoders.checkpoint import load_arrays, save_checkpoint
from spinecho.encoders.language.findings import statements_in
from spinecho.encoders.language.passages import passages
from spinecho.encoders.language.second_reading import LABELS, is_silent, named_in
from spinecho.encoders.networks.assertion_reader import HEAD, KIND, MOST_TOKENS, bracketed
from spinecho.encoders.networks.bert import bert_of
from spinecho.encoders.networks.bert_weights import QKV, bert_arrays
from spinecho.encoders.networks.low_rank import DOWN, UP
from spinecho.encoders.networks.model_files import DEFAULT_MODEL, ModelFiles, default_folder, describe, weights_digest
from spinecho.encoders.networks.sentence_encoder import load_tokenizer

HELD_OUT = ("clauses_stranger_g.jsonl", "clauses_stranger_h.jsonl")
_NO_SENTENCES = (
    "clauses_adjudicated.jsonl", "clauses_blind.jsonl", "clauses_stranger_second.jsonl", "clauses_open.jsonl"
)  # fmt: skip
_RANK, _SCALE, _BATCH, _RATE = 16, 2.0, 32, 1e-3
_FINDINGS = (
    "glioma", "disc herniation", "effusion", "meniscal tear", "infarct", "abscess", "fracture", "haemorrhage",
    "metastasis", "stenosis", "lymphadenopathy", "cyst", "oedema", "mass", "thrombosis", "demyelination", "synovitis",
    "hydrocephalus", "tumour recurrence", "osteomyelitis", "aneurysm", "fistula", "labral tear", "fibroid",
)  # fmt: skip
"""For the gaps of phrases."""


@dataclass(frozen=True, slots=True)
class Example:
    """What a sentence says of text[start:stop]."""

    source: str
    text: str
    start: int
    stop: int
    label: str


def main() -> None:
    """Teach, count, and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--leave", default="", help="a source to leave out and count, as w1 or clauses_written")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="a network that was taught so, to go on with: a lower rate, and")
    parser.add_argument("--captions", type=int, default=0, help="so many findings of published captions, as rules read")
    given = parser.parse_args()
    print(machine())
    files = describe(default_folder(), name=DEFAULT_MODEL)
    everything = taught(given.seed)
    kept = [one for one in everything if one.source != given.leave]
    if given.captions:
        real = captions(given.captions, given.seed)
        kept = real + random.Random(given.seed).sample(kept, min(len(kept), 2 * len(real)))
    print(f"taught with {len(kept)}: {dict(Counter(one.label for one in kept))}", flush=True)
    network = Taught(files, given.seed)
    if given.start:
        network.go_on(given.start)
    for line in network.teach(kept, given.epochs, _RATE if given.start is None else _RATE / 3):
        print(line, flush=True)
    if given.leave:
        left = [one for one in everything if one.source == given.leave]
        found = network.answers(left)
        right = sum(one.label == label for one, label in zip(left, found, strict=True))
        print(f"{given.leave}, left out: {share(right, len(left))}")
    network.keep(given.out)


def taught(seed: int) -> list[Example]:
    """What is taught, phrases around a finding each."""
    names = sorted(path.name for path in DATA.glob("clauses_*.jsonl"))
    judged = labels(ADJUDICATED)
    found = []
    for name in names:
        if name not in (*HELD_OUT, *_NO_SENTENCES):
            for one in read_written(name, name.removesuffix(".jsonl")):
                source = one.pool.split()[-1] if name == "clauses_taught.jsonl" else name.removesuffix(".jsonl")
                label = judged.get(key(one), one.label) if name == "clauses_written.jsonl" else one.label
                found.append(Example(source, one.text, one.start, one.end, label))
    chance = random.Random(seed)
    for row in rows(DATA / "phrases.jsonl"):
        for finding in chance.sample(_FINDINGS, 1):
            at = row["template"].index("{X}")
            text = row["template"].replace("{X}", finding)
            found.append(Example("phrases", text, at, at + len(finding), row["label"]))
    never = {one.text for name in HELD_OUT for one in read_written(name)}
    return [one for one in found if one.text not in never]


def captions(count: int, seed: int) -> list[Example]:
    """Findings of published captions (`SPINECHO_TESTDATA`), labelled as rules read them: none of the open text.

    A network that was taught with sentences written for it takes the manner of captions for doubt and past; of these
    two of three are findings for which no rule has a word, nearly all of them there.
    """
    never = {row["id"] for row in rows(DATA / "clauses_open.jsonl")}
    silent, told = [], []
    path = Path(os.environ["SPINECHO_TESTDATA"]) / "text" / "roco_mr_captions" / "roco_mr_ccby.jsonl"
    for row in rows(path):
        if row["id"] in never:
            continue
        for passage in passages(row["caption"]):
            for clause in statements_in(passage):
                for one in named_in(passage.text, clause):
                    label = "family" if clause.decided_by == "family" else clause.assertion
                    found = Example("captions", passage.text, one.start, one.stop, label)
                    (silent if is_silent(clause) else told).append(found)
    chance = random.Random(seed)
    return chance.sample(silent, min(len(silent), 2 * count // 3)) + chance.sample(told, min(len(told), count // 3))


class Taught:
    """The network while it is taught."""

    def __init__(self, files: ModelFiles, seed: int) -> None:
        torch.manual_seed(seed)
        self._files, self._chance = files, random.Random(seed)
        self._frozen = {name: torch.from_numpy(one) for name, one in bert_arrays(files).items()}
        self._tokenizer = load_tokenizer(files.folder, name=files.name, max_tokens=MOST_TOKENS)
        self._thin: dict[str, Tensor] = {}
        for layer in range(int(files.config["num_hidden_layers"])):
            parts = [*(f"attention.self.{part}" for part in QKV), "attention.output.dense", "intermediate.dense"]
            for part in (*parts, "output.dense"):
                name = f"encoder.layer.{layer}.{part}.weight"
                outputs, inputs = self._frozen[name].shape
                self._thin[name + DOWN] = (torch.randn(_RANK, inputs) / math.sqrt(inputs)).requires_grad_()
                self._thin[name + UP] = torch.zeros(outputs, _RANK).requires_grad_()
        width = int(files.config["hidden_size"])
        self._head = [torch.nn.init.xavier_uniform_(torch.empty(len(LABELS), 2 * width)), torch.zeros(len(LABELS))]
        for one in self._head:
            one.requires_grad_()

    def go_on(self, folder: Path) -> None:
        """Begin where another was kept."""
        _, weights = load_arrays(folder, kind=KIND)
        with torch.no_grad():
            for name, one in (*self._thin.items(), *zip(HEAD, self._head, strict=True)):
                one.copy_(torch.from_numpy(weights[name]))

    def teach(self, examples: Sequence[Example], epochs: int, highest: float) -> Any:
        """Lines of how it goes."""
        learnt = [*self._thin.values(), *self._head]
        optimiser = torch.optim.AdamW(learnt, lr=highest, weight_decay=0.01)
        steps = epochs * math.ceil(len(examples) / _BATCH)
        rate = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: min(1.0, (step + 1) / (0.06 * steps)) * max(0.0, 1 - step / steps)
        )
        count = Counter(one.label for one in examples)
        weight = torch.tensor(
            [min(3.0, math.sqrt(len(examples) / len(LABELS) / max(count[label], 1))) for label in LABELS]
        )
        begun = time.perf_counter()
        for epoch in range(epochs):
            total = 0.0
            batches = self._batches(examples)
            for batch in batches:
                wanted = torch.tensor([LABELS.index(one.label) for one in batch])
                loss = fn.cross_entropy(
                    self._scores(batch, learns=True), wanted, label_smoothing=0.05, weight=weight
                )  # fmt: skip
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(learnt, 1.0)
                optimiser.step()
                rate.step()
                total += float(loss.detach())
            yield f"epoch {epoch + 1}: loss {total / len(batches):.3f}, {time.perf_counter() - begun:.0f} s"

    @torch.inference_mode()
    def answers(self, examples: Sequence[Example]) -> list[str]:
        """The likeliest label of each."""
        found = []
        for at in range(0, len(examples), _BATCH):
            found += [LABELS[int(one)] for one in self._scores(examples[at : at + _BATCH], learns=False).argmax(1)]
        return found

    def keep(self, folder: Path) -> None:
        """As a checkpoint, in fp16."""
        thin = {name: one.detach().half() for name, one in self._thin.items()}
        head = {name: one.detach().half() for name, one in zip(HEAD, self._head, strict=True)}
        card = save_checkpoint(
            folder, kind=KIND, config={"scale": _SCALE, "rank": _RANK}, dim=len(LABELS), weights=thin | head,
            preparation={"model": self._files.name, "revision": weights_digest(self._files)},
        )  # fmt: skip
        print(f"{folder}: {card.sha256}")

    def _batches(self, examples: Sequence[Example]) -> list[Sequence[Example]]:
        """Of like length, in an order of chance."""
        order = sorted(examples, key=lambda one: len(one.text) // 20 + 4 * self._chance.random())
        batches = [order[at : at + _BATCH] for at in range(0, len(order), _BATCH)]
        self._chance.shuffle(batches)
        return batches

    def _scores(self, batch: Sequence[Example], *, learns: bool) -> Tensor:
        tokens = [bracketed(self._tokenizer, one.text, one.start, one.stop) for one in batch]
        longest = max(len(ids) for ids, _ in tokens)
        ids, mask = np.zeros((2, len(batch), longest), np.int64)
        term = torch.zeros(len(batch), longest)
        for row, (known, marked) in enumerate(tokens):
            ids[row, : len(known)], mask[row, : len(known)] = known, 1
            term[row, : len(known)] = torch.tensor(marked)
        weights = dict(self._frozen)
        for name in self._thin:
            if name.endswith(DOWN):
                matrix = name.removesuffix(DOWN)
                weights[matrix] = self._frozen[matrix] + _SCALE * self._thin[matrix + UP] @ self._thin[name]
        config = self._files.config
        network = bert_of(
            weights, heads=int(config["num_attention_heads"]), layers=int(config["num_hidden_layers"]),
            eps=float(config.get("layer_norm_eps", 1e-12)),
        )  # fmt: skip
        states = network(torch.from_numpy(ids), torch.from_numpy(mask))
        of_term = (states * term[:, :, None]).sum(1) / term.sum(1, keepdim=True)
        both = torch.cat([of_term, states[:, 0]], 1)
        return fn.linear(fn.dropout(both, 0.1, training=learns), *self._head)


if __name__ == "__main__":
    main()
