"""The encoders that an archive holds: one answers, others are filled beside it, compared, switched to, retired."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinecho.db.errors import Busy
from spinecho.db.files.runs import last_roots
from spinecho.db.schema.database import Database
from spinecho.db.store import held_spaces
from spinecho.db.store.held_spaces import HeldSpace
from spinecho.db.vectors.build import build_index
from spinecho.encoders.measuring.figures import EvaluationError
from spinecho.encoders.registry import about
from spinecho.encoders.space import Space, require_stored
from spinecho.errors import QueryError
from spinecho.filling.outcomes import OnProgress, ProgressNumbers, self_tested
from spinecho.search.access.persons import Access, Role
from spinecho.search.concepts.applying import stale_warnings
from spinecho.setup.private import private_files
from spinecho.setup.settings import Settings
from spinecho.setup.wiring import absolute_encoder, embedding_lock, executing_by, indexing_lock, open_named

if TYPE_CHECKING:
    from spinecho.encoders.dual import DualEncoder
    from spinecho.encoders.fetching import Fetched
    from spinecho.encoders.measuring.figures import Figure
    from spinecho.learning.encoder_advice import Advice
    from spinecho.learning.encoder_trials import Terms

__all__ = ["Added", "Comparison", "Encoders", "HeldEncoder", "Trial"]


@dataclass(frozen=True, slots=True)
class HeldEncoder:
    """An encoder whose vectors of scans this archive holds. number: of its space.

    state: serves, before (what answered before the last switch), beside, or retired (deleted by the next run).
    vectors: volumes that have one; lacking: volumes that have none yet; bytes: what its rows take, about.
    """

    encoder: str
    number: int
    state: str
    space: str
    vectors: int
    lacking: int
    bytes: int
    about: str = ""

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Added:
    """What came of filling a space. left_out: volumes by reason; ahead: volumes that have no vector yet.

    warnings: what is to be known beside.
    """

    encoder: HeldEncoder
    series: int
    volumes: int
    left_out: Mapping[str, int]
    ahead: int
    switched: bool = False
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        return asdict(self) | {"left_out": dict(self.left_out), "warnings": list(self.warnings)}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two encoders on the same held-out patients. figures: by name, (the one that answers, the other)."""

    serves: str
    other: str
    patients: int
    figures: Mapping[str, tuple[Figure | None, Figure | None]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        return {
            "serves": self.serves,
            "other": self.other,
            "patients": self.patients,
            "figures": {
                name: {
                    "serves": None if first is None else first.to_json(),
                    "other": None if second is None else second.to_json(),
                }
                for name, (first, second) in self.figures.items()
            },
        }


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of trying an encoder. fetched: None where it lay here; comparison: None where nothing was measured.

    better, why: the judgement on this archive's held-out patients. encoder: its name, "" for a sentence encoder.
    """

    encoder: str
    folder: str
    fetched: Fetched | None
    added: Added | None = None
    comparison: Comparison | None = None
    better: bool = False
    why: str = ""
    switched: bool = False

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        return {
            "encoder": self.encoder,
            "folder": self.folder,
            "fetched": None if self.fetched is None else self.fetched.to_json(),
            "added": None if self.added is None else self.added.to_json(),
            "comparison": None if self.comparison is None else self.comparison.to_json(),
            "better": self.better,
            "why": self.why,
            "switched": self.switched,
        }


class Encoders:
    """The encoders of an archive. Searches go on whatever is done here."""

    def __init__(self, settings: Settings, database: Callable[[], Database], access: Callable[[], Access]) -> None:
        self._settings, self._database, self._access = settings, database, access

    def list(self) -> tuple[HeldEncoder, ...]:
        """Every encoder that is held, the one that answers first."""
        self._access().allow(Role.VIEWER, "see encoders and builds", "see-encoders")
        return tuple(_shown(one) for one in held_spaces.held_spaces(self._database()))

    def add(
        self,
        encoder: str,
        *,
        workers: int = 1,
        limit: int | None = None,
        memory_mb: int | None = None,
        share: float = 1.0,
        switch: bool = False,
        ray: str | None = None,
        ray_encoders: int | None = None,
        on_progress: OnProgress | None = None,
    ) -> Added:
        """Embed every scan with another encoder beside the one that answers; a run that was stopped goes on.

        limit: stop after so many series. share: of the time that is worked, 0.5 rests as long as it works.
        switch: let it answer once no volume lacks its vector. ray, ray_encoders: as `index` takes them. Raises
        `EncoderUnavailable`, `SpaceMismatch` for another sentence encoder, `StorageFailure` where the disk has no room,
        `Busy` while another process does the same, `ClusterError` and `ClusterUnfit`.
        """
        with private_files(), embedding_lock(self._settings):
            return self.add_locked(
                encoder, workers=workers, limit=limit, memory_mb=memory_mb, share=share, switch=switch, ray=ray,
                ray_encoders=ray_encoders, on_progress=on_progress,
            )  # fmt: skip

    def add_locked(
        self,
        encoder: str,
        *,
        workers: int = 1,
        limit: int | None = None,
        memory_mb: int | None = None,
        share: float = 1.0,
        switch: bool = False,
        ray: str | None = None,
        ray_encoders: int | None = None,
        on_progress: OnProgress | None = None,
    ) -> Added:
        """As `add`, for those who hold `embedding_lock`."""
        from spinecho.indexer.reembed import bytes_needed, embed_beside, require_room, require_same_text  # noqa: PLC0415

        if not 0.0 < share <= 1.0:
            raise QueryError(f"share={share} is none: give a share of the time above 0, and 1 at most")
        settings, database = self._settings, self._database()
        name = absolute_encoder(settings, encoder)
        self._access().allow(Role.MANAGER, "add an encoder", "add-encoder", switch=switch)
        dual = open_named(settings, name)
        require_same_text(database, dual)
        live = held_spaces.live_encoder(database)
        space = held_spaces.hold(database, **asdict(dual.image.space), encoder=name)
        if live is not None and space.id == live[0] and not self._one(space.id).lacking:
            raise QueryError(f"{name!r} answers already, and no volume lacks its vector")
        if not settings.server:
            require_room(settings.home, bytes_needed(database, dual, space), what=f"embedding with {name!r}")
        progress = None if on_progress is None else ProgressNumbers(on_progress)
        folders = [Path(root) for root in last_roots(database)]
        by = executing_by(settings, name, ray, folders, encoders=ray_encoders, memory_mb=memory_mb)
        with by as executing:
            done = embed_beside(
                database, dual, space, workers=workers, limit=limit, memory_mb=memory_mb, share=share,
                progress=progress, executing=executing,
            )  # fmt: skip
        warnings = done.notices + (() if done.ahead else self._built(space.id))
        switched = switch and not done.ahead
        if switch and done.ahead:
            warnings += (
                f"not switched: {done.ahead:,} volumes have no vector yet; 'spinecho encoders add {name} --switch' "
                f"goes on, or 'spinecho encoders switch {space.id} --incomplete' does without them",
            )
        if switched:  # what was stored since the count is embedded at the end of the run that stores it
            warnings += self._switched(space.id, dual, incomplete=True)
        return Added(self._one(space.id), done.series, done.volumes, done.left_out, done.ahead, switched, warnings)

    def compare(self, encoder: str | int, *, resamples: int = 1000) -> Comparison:
        """The encoder that answers and another that is held, by reports and scans of the same held-out patients.

        Raises `EvaluationError` where too few patients have both, `QueryError` for an encoder that is not held.
        """
        from spinecho.search.evaluation.encoders_compared import held_out_texts, measured_space  # noqa: PLC0415

        settings, database = self._settings, self._database()
        self._access().allow(Role.RESEARCHER, "compare encoders", "compare-encoders")
        other = self._find(encoder)
        live = next((one for one in held_spaces.held_spaces(database) if one.state == "serves"), None)
        if live is None or other.space.id == live.space.id:
            raise QueryError(f"{other.space.encoder!r} answers now: name one that is held beside it")
        texts = held_out_texts(database)
        found = [
            _measured(measured_space, database, one, open_named(settings, one.space.encoder), texts, resamples)
            for one in (live, other)
        ]
        names = dict.fromkeys([*found[0], *found[1]])
        pairs = {name: (found[0].get(name), found[1].get(name)) for name in names}
        return Comparison(live.space.encoder, other.space.encoder, len({one.patient for one in texts}), pairs)

    def recommend(self) -> Advice:
        """Which published encoders to try here, why, and what each costs in hours and disk; nothing is fetched."""
        from spinecho.learning.encoder_advice import advice  # noqa: PLC0415

        self._access().allow(Role.VIEWER, "see encoders and builds", "see-encoders", recommend=True)
        return advice(self._settings, self._database())

    def try_out(
        self,
        name: str,
        *,
        source: str = "",
        digest: str = "",
        accept_licence: bool | Callable[[Terms], bool] = False,
        only_fetch: bool = False,
        switch: bool = False,
        workers: int = 1,
        share: float = 1.0,
        on_progress: OnProgress | None = None,
    ) -> Trial:
        """Fetch a published encoder, verify it, embed every scan with it beside, and measure both on held-out patients.

        name: as `recommend` has it, or KIND:OWNER/MODEL. source: a folder in the repository's layout, or the address of
        a mirror of the hub. digest: the sha256 that its weights must have. accept_licence: True once it was read, or a
        function that is shown the `Terms`. switch: let it answer where it is better. Raises `LicenceNotAccepted`,
        `EncoderUnavailable`, and what `add` does.
        """
        from spinecho.learning.encoder_trials import bring, judged, wanted  # noqa: PLC0415

        asked = wanted(name)
        self._access().allow(Role.MANAGER, "add an encoder", "try-encoder", name=asked.name, only_fetch=only_fetch)
        accept = accept_licence if callable(accept_licence) else lambda _: accept_licence is True
        tell = on_progress and (lambda _, number, of: on_progress("fetch", number, of))
        with private_files(), embedding_lock(self._settings):
            fetched = bring(self._settings, asked, source=source, digest=digest, accept=accept, tell=tell)
        folder = str(self._settings.home / "encoders" / asked.name)
        if not asked.encoder:
            return Trial("", folder, fetched, why=f"index into another home with --text-model {folder}")
        if only_fetch:
            return Trial(asked.encoder, folder, fetched, why=f"'spinecho encoders try {asked.name}' goes on")
        added = self.add(asked.encoder, workers=workers, share=share, on_progress=on_progress)
        comparison, better = None, False
        try:
            comparison = self.compare(added.encoder.number)
            better, why = judged(comparison.figures)
        except EvaluationError as error:
            why = f"nothing could be measured: {error}"
        if switch and better and not added.ahead:
            self.switch(added.encoder.number)
        held = self._one(added.encoder.number)
        return Trial(asked.encoder, folder, fetched, added, comparison, better, why, held.state == "serves")

    def switch(self, encoder: str | int, *, incomplete: bool = False) -> HeldEncoder:
        """Let an encoder that is held answer from now on: one transaction. Open servers follow by themselves.

        incomplete: though some volumes have no vector of it. Raises `SwitchRefused`, `QueryError`.
        """
        self._access().allow(Role.MANAGER, "switch the encoder", "switch-encoder", incomplete=incomplete)
        held = self._find(encoder)
        dual = self._opened(held)
        with private_files():
            self._switched(held.space.id, dual, incomplete=incomplete)
        return self._one(held.space.id)

    def rollback(self) -> HeldEncoder:
        """Let the encoder that answered before the last switch answer again.

        Raises `SwitchRefused` where there is none, and as `switch` does where it can no longer be opened.
        """
        self._access().allow(Role.MANAGER, "switch the encoder", "roll-back-encoder")
        for held in held_spaces.held_spaces(self._database()):
            if held.state == "before":
                self._opened(held)
        return self._one(held_spaces.roll_back(self._database()).id)

    def retire(self, encoder: str | int, *, undo: bool = False) -> HeldEncoder:
        """Give up an encoder that is held beside: the next run deletes its vectors; until then undo takes that back.

        Raises `SwitchRefused` for the one that answers.
        """
        self._access().allow(Role.MANAGER, "retire an encoder", "retire-encoder", undo=undo)
        database, held = self._database(), self._find(encoder)
        if undo:
            if held.state != "retired":
                raise QueryError(f"{held.space.encoder!r} is not retired")
            values = {name: getattr(held.space, name) for name in ("model", "revision", "preprocessing", "dim")}
            held_spaces.hold(database, **values, encoder=held.space.encoder)
        else:
            held_spaces.retire(database, held.space.id)
        return self._one(held.space.id)

    def _opened(self, held: HeldSpace) -> DualEncoder:
        """What is to answer: one that cannot be opened, or gives other vectors than are stored, must not."""
        dual = open_named(self._settings, held.space.encoder)
        require_stored(held.space, dual.image.space, role="image")
        return dual

    def _find(self, encoder: str | int) -> HeldSpace:
        """By its number, or its name where one space alone has it."""
        held = held_spaces.held_spaces(self._database())
        name = str(encoder).strip()
        whole = absolute_encoder(self._settings, name)
        found = [one for one in held if str(one.space.id) == name or one.space.encoder in (name, whole)]
        if len(found) == 1:
            return found[0]
        listed = ", ".join(f"{one.space.id} ({one.space.encoder})" for one in held) or "none"
        why = "several spaces are" if found else "no space is"
        raise QueryError(f"{why} held for {name!r}; give a number of: {listed}")

    def _one(self, number: int) -> HeldEncoder:
        return next(_shown(one) for one in held_spaces.held_spaces(self._database()) if one.space.id == number)

    def _built(self, number: int) -> tuple[str, ...]:
        """Make the build of a space that is whole, where nobody indexes; what is to be known else."""
        database = self._database()
        record = next(one.space for one in held_spaces.held_spaces(database) if one.space.id == number)
        try:
            with indexing_lock(self._settings):
                build_index(database, self._settings.builds, record)
        except Busy:
            return ("its build is made by the next run, as another process indexes now; until then the rows answer",)
        return ()

    def _switched(self, number: int, dual: DualEncoder, *, incomplete: bool = False) -> tuple[str, ...]:
        database = self._database()
        held_spaces.switch(database, number, incomplete=incomplete)
        warning = self_tested(database, cache(lambda: dual), None)
        return (*((warning,) if warning else ()), *stale_warnings(database))


def _measured(
    measure: Callable[..., dict[str, Figure]],
    database: Database,
    held: HeldSpace,
    dual: DualEncoder,
    texts: Any,
    resamples: int,
) -> dict[str, Figure]:
    require_stored(held.space, dual.image.space, role="image")
    if dual.aligned_text is None:
        return {}
    return measure(database, held.space, dual.aligned_text.encode, texts, resamples=resamples)


def _shown(held: HeldSpace) -> HeldEncoder:
    space = held.space
    label = Space(space.model, space.revision, space.preprocessing, space.dim).label
    return HeldEncoder(
        space.encoder, space.id, held.state, label, held.vectors, held.lacking, held.bytes, about(space.encoder)
    )
