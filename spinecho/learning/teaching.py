"""Concepts that are taught to an archive from examples: what each knows, what it predicts, what to judge next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from spinecho.db.people.concepts import ConceptError
from spinecho.db.people.masking import masked_sizes
from spinecho.search.access.concepts import PersonalConcepts, Request, Seen
from spinecho.search.concepts.card import shown, text_of

__all__ = ["Concept", "ConceptError", "Concepts", "Request", "Taught", "ToJudge", "Undone"]
OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Concept:
    """A version of a concept. state: serves, replaced, draft, undone; stale: another encoder answers than the one that
    it was taught over. predicted: studies by what it says of them (yes, no, unknown), of one that serves. Small counts
    are hidden. card: how well it knows it, from how many; as text by `text`.
    """

    name: str
    version: int
    state: str
    stale: bool
    owner: str
    taught_at: datetime
    card: Mapping[str, Any] = field(repr=False)
    predicted: Mapping[str, int | str] = field(default_factory=dict)

    @property
    def condition(self) -> str:
        """The filter that finds the studies of which it says yes."""
        return f"predicted.{self.name}=yes"

    @property
    def text(self) -> str:
        """The card for people."""
        return text_of(self.card)

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        return {
            "concept": self.name, "version": self.version, "state": self.state, "stale": self.stale,
            "owner": self.owner, "taught_at": self.taught_at.isoformat() + "Z", "condition": self.condition,
            "predicted": dict(self.predicted), "card": dict(self.card),
        }  # fmt: skip


@dataclass(frozen=True)
class Taught:
    """What came of teaching. concept: as it is kept, None where it cannot be learned from this; card: in any case."""

    name: str
    learnable: bool
    why: str
    card: Mapping[str, Any] = field(repr=False)
    concept: Concept | None = None

    @property
    def text(self) -> str:
        """The card for people."""
        return text_of(self.card)

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        return {
            "concept": self.name, "learnable": self.learnable, "why": self.why, "card": dict(self.card),
            "kept": None if self.concept is None else self.concept.to_json(),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Undone:
    """undone: the version that was taken back; serves: the one that predicts again, 0 for none."""

    name: str
    undone: int
    serves: int

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        return {"concept": self.name, "undone": self.undone, "serves": self.serves}


@dataclass(frozen=True, slots=True)
class ToJudge:
    """A study that would teach most. probability: of the concept, as it is known now."""

    study_uid: str
    probability: float


class Concepts:
    """The concepts of an archive; `Archive.teach` makes them."""

    def __init__(self, access: Callable[[], PersonalConcepts]) -> None:
        self._access = access

    def list(self) -> tuple[Concept, ...]:
        """Every version of every concept, by name."""
        mine = self._access()
        return tuple(_shown(mine, one) for one in mine.versions())

    def show(self, name: str, version: int | None = None) -> Concept:
        """A version, without a number the one that serves, else the newest. Raises `ConceptError`."""
        mine = self._access()
        versions = mine.versions(name)
        if version is None:
            found = next((one for one in versions if one.concept.state == "serves"), versions[-1])
        else:
            known = {one.concept.version: one for one in versions}
            if version not in known:
                raise ConceptError(
                    f"{versions[0].concept.name!r} has no version {version}; it has {min(known)} to {max(known)}"
                )
            found = known[version]
        return _shown(mine, found)

    def undo(self, name: str, *, version: int | None = None, on_progress: OnProgress | None = None) -> Undone:
        """Take the version that serves back: the one before predicts again, or nothing does.

        version: the one that is meant. Raises `ConceptError`, also where that is another one by now.
        """
        gone, back = self._access().undo(name, version=version, tell=on_progress or _nobody)
        return Undone(gone.name, gone.version, 0 if back is None else back.version)

    def apply(
        self, name: str | None = None, *, on_progress: OnProgress | None = None
    ) -> tuple[dict[str, int], tuple[str, ...]]:
        """Let what is taught, or one of it, predict anew over everything: (studies by concept, warnings)."""
        return self._access().apply(name, tell=on_progress or _nobody)

    def next_to_judge(self, name: str, *, k: int = 12) -> tuple[ToJudge, ...]:
        """The studies that would teach most, uncertain and diverse first; none that you judged already."""
        found = self._access().next_to_judge(name, k=k)
        return tuple(ToJudge(one.uid, round(one.probability, 4)) for one in found)


def teach(mine: PersonalConcepts, name: str, asked: Request, *, draft: bool, on_progress: OnProgress | None) -> Taught:
    """As `Archive.teach`."""
    done = mine.teach(name, asked, draft=draft, tell=on_progress or _nobody)
    card = shown(done.card, mine.smallest)
    concept = None if done.seen is None else _shown(mine, done.seen)
    return Taught(str(card["concept"]), bool(card["learnable"]), str(card["why"]), card, concept)


def _shown(mine: PersonalConcepts, seen: Seen) -> Concept:
    """A version as it may be shown."""
    one = seen.concept
    card = {**shown(one.card, mine.smallest), "version": one.version, "taught_at": one.taught_at.isoformat() + "Z"}
    predicted = {value: masked_sizes(*sizes, mine.smallest)[0] for value, sizes in seen.predicted.items()}
    return Concept(one.name, one.version, one.state, seen.stale, one.owner, one.taught_at, card, predicted)


def _nobody(_: str, __: int, ___: int) -> None:
    """Nobody follows it."""
