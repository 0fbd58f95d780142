"""Why a fact is what it is: the rule that gave it, how sure that rule is, and what spoke against it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")

CONFIDENCE: dict[str, float] = {
    "image type": 0.98,
    "acquisition contrast": 0.98,
    "BIDS suffix": 0.98,
    "b-value": 0.97,
    "slice orientation": 0.99,
    "slices in three planes": 0.95,
    "laterality": 0.95,
    "complex component": 0.98,
    "echo times": 0.95,
    "scanning sequence": 0.98,
    "secondary capture": 0.98,
    "fat suppression": 0.95,
    "words, confirmed by timing": 0.98,
    "series description": 0.95,
    "protocol name": 0.9,
    "body part": 0.9,
    "anatomy code": 0.95,
    "study description": 0.9,
    "contrast agent": 0.9,
    "timing over words": 0.9,
    "pulse sequence name": 0.9,
    "timing": 0.85,
    "slice orientation, named by words": 0.85,
    "file name": 0.75,
    "side beside the part in the file's name": 0.8,
    "side beside the part in a folder's name": 0.7,
    "coil": 0.7,
    "folder name": 0.6,
    "kind of sequence": 0.6,
}
"""How often each rule is right, as it was set by hand; `benchmarks.acquisition` counts it beside. Between 0 and 1."""
_DISPUTED = 0.8
"""Of a fact that another source speaks against, this much of its confidence is left."""


@dataclass(frozen=True, slots=True)
class Claim(Generic[Value]):
    """What one source says of a fact; `rule` names the source."""

    value: Value
    rule: str


@dataclass(frozen=True, slots=True)
class Found(Generic[Value]):
    """A fact with its rule, and the claims that it was preferred to."""

    value: Value
    rule: str
    against: tuple[Claim[Any], ...] = ()
    confidence: float | None = None
    """Where it is not the rule's own."""

    def as_json(self) -> dict[str, Any]:
        """As it is stored beside the fact: `rule`, `confidence` and, where there is any, `against`."""
        sure = CONFIDENCE[self.rule] if self.confidence is None else self.confidence
        found: dict[str, Any] = {"rule": self.rule, "confidence": round(sure * (_DISPUTED if self.against else 1.0), 2)}
        if self.against:
            found["against"] = [{"rule": claim.rule, "says": claim.value} for claim in self.against]
        return found


def why(found: Iterable[tuple[str, Found[Any] | None]]) -> dict[str, dict[str, Any]]:
    """The grounds of the facts that are known, by the fact's name."""
    return {name: one.as_json() for name, one in found if one is not None and one.value not in (None, "unknown", ())}
