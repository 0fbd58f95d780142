"""An archive's encoder, made better by its own reports: trained, measured, embedded beside, offered."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from spinecho.db.durable import filled_folder
from spinecho.db.errors import StoreError
from spinecho.db.schema.database import Database
from spinecho.db.store import held_spaces, storing
from spinecho.encoders.adapted import (
    KIND,
    AdaptedEncoder,
    HeadsConfig,
    Sentences,
    load_adapted,
    save_adapted,
)
from spinecho.encoders.checkpoint import load_checkpoint
from spinecho.encoders.space import Space
from spinecho.encoders.training.adapting import FitConfig, write_facts
from spinecho.encoders.training.wrong_pairs import WRONG
from spinecho.filling.outcomes import OnProgress
from spinecho.indexer.reembed import require_room
from spinecho.learning.encoder_spaces import Added, Encoders, HeldEncoder
from spinecho.search.access.persons import Access, Role
from spinecho.search.adaptation import Adaptation, Gathered, NotAdaptable, adapted_heads, gather
from spinecho.setup.private import private_files
from spinecho.setup.settings import Settings
from spinecho.setup.wiring import embedding_lock, encoder_now, open_named

if TYPE_CHECKING:
    from pathlib import Path

    from spinecho.encoders.dual import DualEncoder
    from spinecho.encoders.measuring.figures import Figure

__all__ = ["Adapted", "NotAdaptable", "adapt"]
_STATE_BYTES = 64 << 20
"""What a run's state and the sentences that it has read take, about."""


@dataclass(frozen=True, slots=True)
class Adapted:
    """What came of it. encoder: the name of what was made, '' where it was not offered; better, why: the judgement.

    figures: by name (what answered before, a ridge from the same features, the adapted encoder), R@10 on the same
    held-out patients. patients: how many were trained on, chosen by, and held out. wrong_pairs: about which share of
    reports does not belong to its scans, None where that cannot be told. added: of the space beside.
    """

    encoder: str
    better: bool
    why: str
    figures: Mapping[str, tuple[Figure | None, Figure, Figure]]
    gain: tuple[float, float]
    patients: Mapping[str, int]
    wrong_pairs: float | None
    steps: int
    seconds: float
    added: Added | None = None
    warnings: tuple[str, ...] = field(default_factory=tuple)

    @property
    def held(self) -> HeldEncoder | None:
        """The encoder as it is held, None where it was not offered."""
        return None if self.added is None else self.added.encoder

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        return {
            "encoder": self.encoder,
            "better": self.better,
            "why": self.why,
            "figures": {
                name: dict(zip(("before", "ridge", "after"), (one and one.to_json() for one in three), strict=True))
                for name, three in self.figures.items()
            },
            "gain": list(self.gain),
            "patients": dict(self.patients),
            "wrong_pairs": self.wrong_pairs,
            "steps": self.steps,
            "seconds": round(self.seconds, 1),
            "added": None if self.added is None else self.added.to_json(),
            "warnings": list(self.warnings),
        }


def adapt(
    settings: Settings,
    database: Database,
    access: Access,
    encoders: Encoders,
    *,
    switch: bool,
    minutes: float,
    share: float,
    on_progress: OnProgress | None,
    fit: FitConfig | None = None,
) -> Adapted:
    """As `Archive.adapt`. fit: how heads are trained, where not as it is usual."""
    access.allow(Role.MANAGER, "adapt the encoder", "adapt-encoder", switch=switch)
    tell = on_progress or (lambda *_: None)
    began, work = time.monotonic(), settings.home / "encoders" / ".adapting"
    with private_files(), embedding_lock(settings):
        base_name, base, live = _below(settings, database)
        space = _held(database, base)
        if not settings.server:
            _require_room(settings, database, base)
        gathered = gather(database, space, Sentences(base.text, base.aligned_text), work, tell=tell)
        below = None if base.aligned_text is None else base.aligned_text.encode
        made = adapted_heads(
            gathered, _before(gathered, live), below, work, fit=fit or FitConfig(minutes=minutes), tell=tell
        )
        name = _exported(settings, made, base_name, base, len(gathered.studies)) if made.better else ""
        added = None
        if name:  # another run would take the state for its own as soon as the lock is free
            added = encoders.add_locked(name, share=share, switch=switch, on_progress=on_progress)
            shutil.rmtree(work, ignore_errors=True)
    return Adapted(
        name, made.better, made.why, made.figures, made.gain, made.patients, made.wrong_pairs, made.steps,
        time.monotonic() - began, added, _warnings(made, gathered),
    )  # fmt: skip


def _below(settings: Settings, database: Database) -> tuple[str, DualEncoder, DualEncoder]:
    """(name of the encoder that heads are put over, that encoder, the one that answers)."""
    name = encoder_now(settings, database)
    live = open_named(settings, name)
    if not isinstance(live.image, AdaptedEncoder):
        return name, live, live
    _, below = load_adapted(settings.home / "encoders" / name.partition(":")[2])
    return below, open_named(settings, below), live


def _held(database: Database, base: DualEncoder) -> Any:
    """The base's space as it is stored. Raises `StoreError` where it is not there for every scan."""
    if storing.serving(database, "image") is None:
        raise StoreError("nothing is indexed yet; run 'spinecho index FOLDER' first")
    for one in held_spaces.held_spaces(database):
        record = one.space
        if Space(record.model, record.revision, record.preprocessing, record.dim) == base.image.space:
            if one.lacking and one.state != "serves":
                raise StoreError(
                    f"{one.lacking:,} scans have no vector of {record.encoder!r}, over which this archive is adapted: "
                    f"run 'spinecho encoders add {record.encoder}' first"
                )
            return record
    raise StoreError(
        f"this index holds no vectors of {base.name!r}, over which it is adapted: 'spinecho encoders add {base.name}'"
    )


def _require_room(settings: Settings, database: Database, base: DualEncoder) -> None:
    volumes = storing.archive_counts(database)["volumes"]
    dim = base.image.space.dim
    size = HeadsConfig(image=dim, text=1).dim + dim
    cells = 28 if base.describer is not None else 1
    require_room(settings.home, _STATE_BYTES + int(1.4 * 2 * volumes * size * cells), what="adapting")


def _before(gathered: Gathered, live: DualEncoder) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None:
    """What answers now: its vectors of the same scans, and of the same texts."""
    if live.aligned_text is None:
        return None
    scans = gathered.material.scans.astype(np.float32)
    if isinstance(live.image, AdaptedEncoder):
        rows = np.stack([live.image.from_rows(one[0], one[1:])[0] for one in scans])
    else:
        rows = scans[:, 0]
    texts = [live.aligned_text.encode(gathered.texts[at : at + 16]) for at in range(0, len(gathered.texts), 16)]
    return rows.astype(np.float64), np.concatenate(texts).astype(np.float64)


def _exported(settings: Settings, made: Adaptation, base_name: str, base: DualEncoder, studies: int) -> str:
    """The new encoder's name; its folder is there whole or not at all."""
    facts = {"studies": studies, "patients": dict(made.patients), "why": made.why, "steps": made.steps}
    figures = {
        name: dict(zip(("before", "ridge", "after"), (one and one.to_json() for one in three), strict=True))
        for name, three in made.figures.items()
    }
    home = settings.home / "encoders"
    unnamed = home / ".adapting" / "made"
    shutil.rmtree(unnamed, ignore_errors=True)  # what a run that was killed left half written would be put in place
    save_adapted(unnamed, made.heads, encoder=base_name, base=base, facts=facts)
    write_facts(unnamed / "figures.json", facts | {"figures": figures, "wrong_pairs": made.wrong_pairs})
    name = f"adapted-{load_checkpoint(unnamed, kind=KIND).card.sha256[:8]}"
    if not (home / name).is_dir():
        _put(unnamed, home / name)
    return f"{KIND}:{name}"


def _put(made: Path, final: Path) -> None:
    with filled_folder(final, prefix=".made-") as folder:
        for path in made.iterdir():
            shutil.copy(path, folder / path.name)


def _warnings(made: Adaptation, gathered: Gathered) -> tuple[str, ...]:
    found: tuple[str, ...] = ()
    nobody = sum(patient == study for patient, study in zip(gathered.patients, gathered.studies, strict=True))
    if nobody:
        found = (
            f"{nobody:,} of {len(gathered.studies):,} studies have no patient ID, and each counts as a patient of its "
            "own: where somebody came twice, one study may be trained on and another held out, and figures be too good",
        )
    if made.wrong_pairs is not None and made.wrong_pairs > WRONG:
        found += (
            f"about {100 * made.wrong_pairs:.0f} % of the reports seem not to fit their scans: those that "
            "look so were not trained on; 'spinecho failures' and docs/reports.md say how reports find their study",
        )
    return found
