"""What is known of a head: what it tells, from what it learned, and how well; all of it in its checkpoint."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from spinecho.encoders.heads.calibration import Calibration
from spinecho.encoders.heads.head_metrics import Figure
from spinecho.encoders.heads.probe_config import ProbeConfig
from spinecho.encoders.heads.targets import Kind
from spinecho.encoders.space import Space

_KINDS = ("single", "multi", "ordinal", "regression", "place")


@dataclass(frozen=True, slots=True)
class HeadCard:
    """Everything but the weights.

    familiar: the sizes of what tells strange volumes (see `familiar`).
    by_class, by_source: volumes that were trained on. patients: by part of the split. left_out: classes that had too
    few patients to be learned, with how many. figures: on the test patients.
    """

    task: str
    kind: Kind
    classes: tuple[str, ...]
    unit: str
    space: Space
    probe: ProbeConfig
    familiar: tuple[int, int, int]
    calibration: Calibration
    by_class: dict[str, int]
    by_source: dict[str, int]
    patients: dict[str, int]
    left_out: dict[str, int]
    figures: tuple[Figure, ...]
    seed: int

    def json(self) -> dict[str, Any]:
        """Plain values, from which `from_json` makes the same card."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> HeadCard:
        """Raises ValueError or TypeError for what is no card."""
        try:
            parts = values | {
                "classes": tuple(str(name) for name in values["classes"]),
                "space": Space(**values["space"]),
                "probe": ProbeConfig(**values["probe"]),
                "familiar": tuple(values["familiar"]),
                "calibration": Calibration(**values["calibration"] | {"shift": tuple(values["calibration"]["shift"])}),
                "figures": tuple(Figure(**figure) for figure in values["figures"]),
            }
        except (KeyError, AttributeError) as error:
            raise ValueError(f"no card of a head: {error}") from error
        card = cls(**parts)
        sizes = (*card.familiar, len(card.classes))
        expected = {"regression": 2, "place": 1}.get(card.kind, len(card.classes))
        shifts = {"regression": 0, "place": 1}.get(card.kind, len(card.classes))
        fits = card.probe.outputs == expected and len(card.calibration.shift) == shifts
        if card.kind not in _KINDS or not fits or not all(type(n) is int and 0 <= n <= 1 << 20 for n in sizes):
            raise ValueError(f"the parts of the card of {card.task!r} contradict each other")
        return card

    def text(self) -> str:
        """Markdown, for people."""
        of = f" in {self.unit}" if self.unit else f": {', '.join(self.classes)}" if self.classes else ""
        never = self.calibration.threshold > 1
        lines = [
            f"# {self.task} ({self.kind}{of})",
            f"{self.probe.kind} probe on {self.space.label}",
            f"Patients: {', '.join(f'{part} {n}' for part, n in self.patients.items())}",
            f"Trained on (volumes): {', '.join(f'{name} {n}' for name, n in self.by_class.items())}; "
            f"from {', '.join(f'{name} {n}' for name, n in self.by_source.items())}",
            "Answers nothing: no score was right often enough."
            if never
            else f"Answers from a score of {self.calibration.threshold:.2f} on.",
            *(f"- {figure}" for figure in self.figures),
        ]
        if self.left_out:
            few = ", ".join(f"{name} ({n})" for name, n in self.left_out.items())
            lines.append(f"Left out, with too few patients: {few}")
        return "\n".join(lines) + "\n"
