"""One trained head: from what a frozen encoder says of a volume to a prediction, or to none where it cannot know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from spinecho.encoders.checkpoint import load_checkpoint, save_checkpoint
from spinecho.encoders.heads.calibration import Reals, presence, probabilities
from spinecho.encoders.heads.card import HeadCard
from spinecho.encoders.heads.familiar import Familiarity
from spinecho.encoders.heads.localise import located
from spinecho.encoders.heads.predictions import UNKNOWN, HeadError, Localisation, Prediction
from spinecho.encoders.heads.probe import Batch, Probe
from spinecho.encoders.heads.stored import KIND, head_card
from spinecho.encoders.networks.parts_of_volumes import Described, Floats
from spinecho.encoders.space import Space

_CARD = "card.md"
_TOP = 1
"""The hottest tokens whose mean logit says whether a structure is there; more would drown what fills one token."""


class Head:
    """A probe with its card. Each volume is answered by itself, so no answer depends on its neighbours."""

    def __init__(self, card: HeadCard, probe: Probe, familiar: Familiarity, *, revision: str = "") -> None:
        self.card = card
        self.revision = revision
        self.probe = probe.float().eval().cpu()
        self.familiar = familiar

    @property
    def task(self) -> str:
        """The name of what it tells."""
        return self.card.task

    @property
    def space(self) -> Space:
        """Of the encoder that it was trained on."""
        return self.card.space

    def predict(self, items: Sequence[Described], /) -> list[Prediction]:
        """One for each volume. Raises HeadError for features of another width than the head was trained on."""
        return [self._one(item) for item in items]

    def localise(self, item: Described, /, *, axis: int = 2, slices: int = 1) -> Localisation:
        """Where in a volume the structure is; axis and slices as in `localise.slice_range`.

        Raises HeadError for a head of another kind.
        """
        if self.card.kind != "place":
            raise HeadError(f"the head {self.task!r} tells no place; train one from boxes, of kind 'place'")
        logits = self._logits(item)
        if logits is None:
            return Localisation(np.zeros(len(item.boxes), np.float32), None, None, 0.0)
        score = float(presence(np.array([top_logit(logits)]), self.card.calibration)[0])
        heat = relative_heat(logits) if score >= 0.5 else np.zeros(len(logits), np.float32)
        return located(item, heat, score=score, axis=axis, slices=slices)

    def save(self, folder: Path) -> None:
        """Write `model.safetensors`, `config.json`, and the card for people, `card.md`."""
        save_checkpoint(
            folder,
            kind=KIND,
            config=self.card.json(),
            preparation={},
            dim=self.card.space.dim,
            weights=_together(self.probe, self.familiar).state_dict(),
        )
        (folder / _CARD).write_text(self.card.text(), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Head:
        """The head whose checkpoint lies in `folder`; CheckpointError says what is wrong with it."""
        checkpoint = load_checkpoint(folder, kind=KIND)
        card = head_card(folder, checkpoint.card)
        with torch.device("meta"):
            probe, familiar = Probe(card.probe), Familiarity(*card.familiar)
        checkpoint.put_into(_together(probe, familiar))
        return cls(card, probe, familiar, revision=checkpoint.card.sha256)

    def _one(self, item: Described) -> Prediction:
        logits = self._logits(item)
        distance = float(self.familiar.distance(item.pooled[None])[0]) if logits is not None else None
        if logits is None or distance is None:
            return Prediction(self.task, UNKNOWN, 0.0, None, {"abstained": "unfamiliar", "best": "", "distance": None})
        made = {
            "single": self._class,
            "ordinal": self._class,
            "multi": self._labels,
            "regression": self._number,
            "place": self._place,
        }[self.card.kind](logits, item)
        details = made.details | {"distance": round(distance, 4)}
        reason = "unfamiliar" if distance > 1 else "unsure" if made.score < self.card.calibration.threshold else ""
        if made.value == UNKNOWN and distance <= 1:  # the labels of a multi-label task decide for themselves
            reason = "unsure"
        elif self.card.kind == "multi" and reason == "unsure":
            reason = ""
        if not reason:
            return replace(made, details=details)
        return replace(
            made,
            value=UNKNOWN,
            number=None,
            details=details | {"abstained": reason, "best": details.get("best", made.value)},
        )

    def _logits(self, item: Described) -> Reals | None:
        """(outputs,) or (t,); None where there is nothing to look at, or features are not numbers."""
        pooled, width = self.card.probe.kind == "mlp", self.card.probe.inputs
        found = item.pooled.shape[0] if pooled else item.tokens.shape[1]
        if found != width or item.pooled.shape[0] != self.card.familiar[0]:
            raise HeadError(
                f"the head {self.task!r} reads features of width {width}, not {found}; ask it with the encoder that it "
                f"was trained on, {self.space.label}"
            )
        if not (len(item.tokens) or pooled) or not (np.isfinite(item.tokens).all() and np.isfinite(item.pooled).all()):
            return None
        with torch.inference_mode():
            batch = Batch(
                torch.from_numpy(np.asarray(item.pooled[None], np.float32)),
                torch.from_numpy(np.asarray(item.tokens[None], np.float32)),
                torch.from_numpy(np.asarray(item.boxes[None], np.float32)),
                torch.ones(1, len(item.tokens), dtype=torch.bool),
            )
            logits: Reals = self.probe(batch)[0].double().numpy()
        return logits

    def _class(self, logits: Reals, item: Described) -> Prediction:
        found = probabilities(self.card.kind, logits[None], self.card.calibration)[0]
        best = int(found.argmax())
        return Prediction(
            self.task, self.card.classes[best], float(found[best]), None, {"probabilities": self._by_class(found)}
        )

    def _labels(self, logits: Reals, item: Described) -> Prediction:
        found = probabilities("multi", logits[None], self.card.calibration)[0]
        sure = np.maximum(found, 1 - found) >= self.card.calibration.threshold
        named = [name for name, p, ok in zip(self.card.classes, found, sure, strict=True) if ok and p >= 0.5]
        unsure = [name for name, ok in zip(self.card.classes, sure, strict=True) if not ok]
        guess = [name for name, p in zip(self.card.classes, found, strict=True) if p >= 0.5]
        best = ", ".join(guess) or "none"
        value = ", ".join(named) or (UNKNOWN if unsure else "none")
        counted = [p for name, p in zip(self.card.classes, found, strict=True) if name in (named or guess)]
        score = float(min(counted)) if counted else float(1 - found.max())
        details = {"probabilities": self._by_class(found), "unsure": unsure, "best": best}
        return Prediction(self.task, value, score, None, details)

    def _number(self, logits: Reals, item: Described) -> Prediction:
        calibration = self.card.calibration
        mean, spread = (float(part) for part in in_units(logits, calibration.mean, calibration.spread))
        spread *= calibration.temperature
        score = float(np.clip(1 - (spread / calibration.spread) ** 2, 0.0, 1.0))
        details = {
            "spread": round(spread, 4),
            "interval": [round(mean - 1.96 * spread, 4), round(mean + 1.96 * spread, 4)],
            "unit": self.card.unit,
        }
        return Prediction(self.task, f"{mean:.1f}", score, mean, details)

    def _place(self, logits: Reals, item: Described) -> Prediction:
        p = float(presence(np.array([top_logit(logits)]), self.card.calibration)[0])
        details: dict[str, Any] = {"probabilities": {"present": round(p, 4), "absent": round(1 - p, 4)}, "box": None}
        if p >= 0.5:
            details["box"] = located(item, relative_heat(logits), score=p).box
            details["box"] = list(details["box"]) if details["box"] else None
        return Prediction(self.task, "present" if p >= 0.5 else "absent", max(p, 1 - p), None, details)

    def _by_class(self, found: Reals) -> dict[str, float]:
        return {name: round(float(p), 4) for name, p in zip(self.card.classes, found, strict=True)}


def in_units(logits: Reals, mean: float, spread: float) -> Reals:
    """(..., 2) outputs of a regression to (mean, spread) in the unit of its labels."""
    out: Reals = np.stack(
        [logits[..., 0] * spread + mean, np.exp(0.5 * np.clip(logits[..., 1], -8.0, 4.0)) * spread], axis=-1
    )
    return out


def top_logit(logits: Reals) -> float:
    """The mean of the hottest tokens."""
    return float(np.sort(logits)[-_TOP:].mean())


def relative_heat(logits: Reals) -> Floats:
    """(t,) odds of each token against the hottest: 1 there, 0..1 elsewhere. Class weights cancel out."""
    heat: Floats = np.exp(np.clip(logits - logits.max(), -30.0, 0.0)).astype(np.float32)
    return heat


def _together(probe: Probe, familiar: Familiarity) -> nn.ModuleDict:
    return nn.ModuleDict({"probe": probe, "familiar": familiar})
