"""The one who answers: an immutable snapshot of the archive for each query, followed as the archive grows."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from spinecho.db.errors import Damaged
from spinecho.db.filters.algebra import ALL, Filter
from spinecho.db.queries.selection import Selection, View
from spinecho.db.schema.database import Database
from spinecho.db.vectors.served import ServedSpace, SpaceView
from spinecho.db.vectors.servers.protocol import VectorServer
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.language.expand import spelled_out
from spinecho.encoders.preparing.preparation import Prepared
from spinecho.errors import QueryError
from spinecho.search.answers.hits import Results
from spinecho.search.channel_weights import Weighing
from spinecho.search.channels.backgrounds import Backgrounds
from spinecho.search.channels.retrieve import Retriever
from spinecho.search.evidence.heat import Heat, heat_map
from spinecho.search.evidence.scale import Floats, Scale
from spinecho.search.evidence.trust import Tested, kept, trusted_scale, wanted_by
from spinecho.search.fusion import Weights
from spinecho.search.likeness import Likeness, ReadScan
from spinecho.search.planning.planner import Planner
from spinecho.search.planning.query_plan import QueryPlan
from spinecho.search.planning.spelling import Spelling
from spinecho.search.query import Kind, Query, TextQuery
from spinecho.search.query_encoding import QueryEncoding
from spinecho.search.self_test import weighing
from spinecho.search.serving import serving_space
from spinecho.search.snapshot import Snapshot

Answer = TypeVar("Answer")
_WEIGHED = 60.0
"""Seconds for which weights stand before what a self-test has kept since is looked at."""
_TRIES = 5
"""How often a moment is chosen anew where something newer was taken in meanwhile."""


@dataclasses.dataclass(frozen=True)
class Compared:
    """Words as they are compared with parts of scans. vector: (dim,); scale: of the archive."""

    vector: Floats
    scale: Scale


class Engine:
    """Answers queries over one database, and follows it as it grows. Any number of threads may use it.

    Each query reads the database as of one moment, and a `Snapshot` of that moment answers it. A snapshot is made when
    the first query meets a moment at which something has changed, and is shared until the next one.
    """

    def __init__(
        self,
        database: Database,
        builds: Path,
        dual: DualEncoder,
        *,
        weights: Weights | None = None,
        elsewhere: VectorServer | None = None,
    ) -> None:
        """weights: how much each channel counts; where not given those that ship, moved by this archive's self-test
        once `calibrate` was called. elsewhere: a server of vectors that is asked in place of the builds.
        """
        self._database, self._dual, self._own = database, dual, weights
        self._weighing = Weighing(weights or Weights.load(), "home" if weights else "shipped", "")
        image = serving_space(database, "image", dual.image.space, refusal=QueryError)
        text = serving_space(database, "text", dual.text.space, refusal=QueryError)
        self._image = ServedSpace(database, builds, image, elsewhere=elsewhere)
        self._text = ServedSpace(database, builds, text, elsewhere=elsewhere)
        self._selection = Selection(database, builds)
        self._spelling = Spelling(database, getattr(dual.text, "knows", None))
        self._encoding = QueryEncoding()
        self._weighed_at: float | None = None
        encoders = {"report": dual.text.encode}
        if dual.aligned_text is not None:
            encoders["image"] = dual.aligned_text.encode
        self._backgrounds = Backgrounds(database, encoders)
        self._tested: Tested | None = None
        self._look_at_evidence()
        self._latest: tuple[SpaceView, SpaceView, View, Snapshot] | None = None
        self._generations_before = 0

    def calibrate(self) -> None:
        """Learn which similarity means nothing here: from the store, or by asking unrelated questions."""
        self._backgrounds.measure({"report": self._text, "image": self._image})
        self._weigh()

    @property
    def weighing(self) -> Weighing:
        """What channels count now, and why."""
        return self._weighing

    @property
    def database(self) -> Database:
        """Where answers come from."""
        return self._database

    @property
    def dual(self) -> DualEncoder:
        """The encoders that queries go through."""
        return self._dual

    @property
    def generation(self) -> int:
        """Raised whenever something has changed that an answer can show."""
        return self.asked(lambda _: self._generation())

    def _generation(self) -> int:
        served = self._image.generation + self._text.generation + self._selection.generation
        return served + self._backgrounds.changes + self._generations_before

    def come_after(self, other: Engine) -> None:
        """Take the place of another engine: what was remembered of its answers is not taken for this one's."""
        self._generations_before = other.generation + 1

    @property
    def image_space(self) -> int:
        """The id of the space in which scans are found."""
        return self._image.space.id

    def settle(self) -> None:
        """Wait until builds and the background that are being taken up beside the searches are in force."""
        self._image.settle()
        self._text.settle()
        self._backgrounds.settle()

    @property
    def selection(self) -> Selection:
        """What resolves filters and counts values."""
        return self._selection

    @contextmanager
    def reading(self) -> Iterator[Snapshot]:
        """The archive as it is now, for as long as the block lasts, whatever is stored or removed meanwhile.

        A snapshot's name is the moment, the background by which similarities are judged and what channels weigh, then
        the builds that serve it: of one moment, background and weights they give the same answers.
        """
        self._image.look_for_build()
        self._text.look_for_build()
        if self._weighed_at is not None and monotonic() - self._weighed_at > _WEIGHED:
            self._weigh()
        for _ in range(_TRIES):
            with self._database.reading() as moment:
                snapshot = self._snapshot_of(moment.info)
                if snapshot is not None:
                    yield snapshot
                    return
        with self._database.reading():  # what is removed or came since is left out when it is looked up in SQL
            yield self._made(self._image.view(), self._text.view(), self._selection.view())

    def plan(self, query: TextQuery, where: Filter = ALL, *, patients: bool = False) -> QueryPlan:
        """How words are understood here, without an answer. Raises what `Planner.plan` raises."""
        return self.asked(lambda snapshot: snapshot.plan(query, where, patients=patients))

    def search(
        self, query: Query, *, want: Kind = Kind.STUDY, k: int = 10, where: Filter = ALL, patients: bool = False
    ) -> Results:
        """As `Snapshot.search`, of the archive as it is now."""
        return self.asked(lambda snapshot: snapshot.search(query, want=want, k=k, where=where, patients=patients))

    def asked(self, question: Callable[[Snapshot], Answer]) -> Answer:
        """What the archive as it is now answers; asked once more, of a moment of its own, where its server was lost."""

        def ask() -> Answer:
            with self.reading() as snapshot:
                return question(snapshot)

        return self._database.again(ask)

    def compared(self, words: str) -> Compared:
        """Words that parts of scans are to be compared with, before any scan is read.

        Raises `QueryError` where they say nothing that a scan could show, where the encoder does not compare words with
        parts, and where it has not passed the test of pointing on this archive, see `evidence.trust`.
        """
        wanted, aligned = wanted_by(words), self._dual.aligned_text
        if aligned is None or self._dual.describer is None:
            raise QueryError(
                f"the encoder {self._dual.name!r} does not compare words with the parts of a scan; use one that does"
            )
        scale = trusted_scale(self._database, self._image.space)
        return Compared(self._encoding.encode(aligned, [spelled_out(wanted)])[0], scale)

    def heat(self, compared: Compared, prepared: Sequence[Prepared]) -> list[Heat]:
        """For each volume how far its places stand out for the words."""
        describer = self._dual.describer
        described = [] if describer is None else describer.describe(prepared)
        return [heat_map(one, compared.vector, compared.scale) for one in described]

    def study(self, uid: str) -> int:
        """The id of a study. Raises `QueryError` where there is none of this UID."""
        return self.asked(lambda snapshot: snapshot.study(uid))

    def likeness(self, read_scan: ReadScan) -> Likeness:
        """What rules of cohorts compare studies with; `read_scan` reads an example that is not in the index."""
        return self.asked(lambda snapshot: snapshot.likeness(read_scan))

    def _snapshot_of(self, remembered: dict[Any, Any]) -> Snapshot | None:
        """Of the moment that is read, which remembers it; None where later rows are served already."""
        kept: dict[int, Snapshot] = remembered.setdefault("snapshots", {})
        if id(self) not in kept:
            marks, view, latest = self._image.marks_with(self._text), self._selection.view(), self._latest
            if latest is not None and self._is_of(latest, marks, view):
                kept[id(self)] = latest[3]
                return latest[3]
            image, text = self._image.view_at(marks[0]), self._text.view_at(marks[1])
            if image is None or text is None:
                return None
            made = kept[id(self)] = self._made(image, text, view)
            self._backgrounds.look({"report": text, "image": image})
            self._latest = image, text, view, made
        return kept[id(self)]

    def _is_of(self, latest: tuple[SpaceView, SpaceView, View, Snapshot], marks: Sequence[object], view: View) -> bool:
        image, text, seen, snapshot = latest
        return (
            (image.mark, text.mark) == tuple(marks)
            and (image.build, text.build) == (self._image.build, self._text.build)
            and seen is view
            and snapshot.weighing is self._weighing
            and snapshot.background is self._backgrounds.current
            and snapshot.scale is self._scale
        )

    def _made(self, image: SpaceView, text: SpaceView, view: View) -> Snapshot:
        background = self._backgrounds.current
        judged = hashlib.sha256(repr((background.digest, self._weighing.weights, self._scale)).encode()).hexdigest()
        marks = (*image.mark, *text.mark, *dataclasses.astuple(view.state)[:-1], judged[:8])
        name = f"{'.'.join(map(str, marks))}@{image.build or 'none'}+{text.build or 'none'}"
        return Snapshot(
            self._database, self._dual, Retriever(self._database, image, text, self._selection),
            Planner(self._database, self._selection, self._spelling), self._encoding, weighing=self._weighing,
            background=background, scale=self._scale, name=name,
        )  # fmt: skip

    @property
    def _scale(self) -> Scale | None:
        """On which hits tell their best part, where the encoder has passed its test."""
        return self._tested.cells if self._tested is not None and self._tested.passed else None

    def _look_at_evidence(self) -> None:
        """Take what the test of pointing told, as it is kept now; where it cannot be read, nothing is told of parts."""
        try:
            found = kept(self._database, self._image.space)
        except Damaged:
            found = None
        if found is None or self._tested is None or found.to_json() != self._tested.to_json():
            self._tested = found

    def _weigh(self) -> None:
        """Take the weights from the self-test as it is kept now; where that cannot be read, those of before stand."""
        self._weighed_at = monotonic()
        self._look_at_evidence()
        try:
            found = weighing(self._database, self._image.space, self._own)
        except Damaged as error:
            found = dataclasses.replace(self._weighing, why=str(error))
        if found != self._weighing:
            self._weighing = found
