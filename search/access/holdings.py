"""The archive itself: what is in it, what was rejected, its builds, its map, and work on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinecho.db.errors import StoreError
from spinecho.db.files import not_indexed, runs
from spinecho.db.filters.labelled import is_label, label_names
from spinecho.db.people.masking import Count
from spinecho.db.queries import lookup
from spinecho.db.queries.lookup import VolumeFacts
from spinecho.db.schema.database import database_bytes
from spinecho.db.store import storing
from spinecho.db.values import FailureRecord, UnmatchedReport
from spinecho.db.vectors.manifest import builds_newest_first, current_build, read_manifest
from spinecho.encoders.registry import about
from spinecho.search.access.persons import Role, digest_of, needs, of_one_moment
from spinecho.search.access.searching import EngineAccess
from spinecho.search.answers.archive_map import ArchiveMap, archive_map

__all__ = ["ArchiveMap", "Beginning", "Holdings", "SpaceFacts", "VolumeFacts"]


@dataclass(frozen=True, slots=True)
class SpaceFacts:
    """Vectors that answer. role: image or text; builds: a row each, the newest first, as a table shows them."""

    role: str
    encoder: str
    about: str
    model: str
    dim: int
    builds: tuple[Mapping[str, Any], ...]
    weighed: str = ""
    """Of the image space: what scans count in answers here, and why."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """A run that is about to be started. row: the record's digest of it, by which the process is somebody's."""

    row: str
    deidentified: Mapping[str, str] | None
    """How the archive maps identifiers (dates, descriptors), as its runs have to; None for one that keeps them."""


class Holdings(EngineAccess):
    """What the page of the archive asks."""

    @needs(Role.VIEWER, "see the archive")
    @of_one_moment
    def counts(self) -> dict[str, int]:
        """Studies, series, volumes, reports and what became of these, by name."""
        with self._acting("see-archive"):
            return storing.archive_counts(self._database)

    @needs(Role.VIEWER, "see the archive")
    def studies_by(self, fields: Sequence[str]) -> Mapping[str, dict[str, Count]]:
        """Studies by value of each field, over the whole archive; small counts are masked."""
        with self._acting("see-archive", digest_of(fields), fields=len(fields)):
            return lookup.facets(self._database, fields, smallest=self.smallest)

    @needs(Role.VIEWER, "see the archive")
    def label_names(self) -> tuple[str, ...]:
        """Columns of the tables of data sets that some study has a value in, as `label.NAME` filters by them."""
        with self._acting("see-archive"):
            return tuple(name for name in label_names(self._database) if is_label(name))

    @needs(Role.VIEWER, "see the archive")
    def labels_again(self) -> None:
        """Before labels that were kept are shown once more."""
        self.note_once("see-archive", again=True)

    @needs(Role.VIEWER, "see how indexing goes")
    def last_run(self) -> dict[str, Any] | None:
        """The newest run's counts; asked for every other second while a page is open: one row for each drawing."""
        self.note_once("see-progress")
        return runs.last_run(self._database)

    @needs(Role.MANAGER, "index the archive")
    @of_one_moment
    def begin_indexing(self, *, retry: bool) -> Beginning:
        """Before the known folders are indexed: what the process that does it goes by.

        Raises `Refused`, `StoreError` where no folder is known.
        """
        if not runs.last_roots(self._database):
            raise StoreError("no folder is known yet: run 'spinecho index FOLDER' once")
        begun = runs.deidentified_as(self._database)
        facts: dict[str, Any] = {} if begun is None else {"deidentify": True}
        return Beginning(self.note("index", retry=retry, **facts), begun)

    @needs(Role.VIEWER, "see what was rejected")
    def rejected(self) -> dict[str, int]:
        """How many files and reports were rejected, by reason, most first; no names."""
        with self._acting("see-rejected"):
            counts = not_indexed.file_counts(self._database)
        found = [(name.removeprefix("reason:"), n) for name, n in counts.items() if name.startswith("reason:")]
        return dict(sorted(found, key=lambda one: (-one[1], one[0])))

    @needs(Role.MANAGER, "see which files were rejected")
    def failures(self, reason: str) -> tuple[FailureRecord, ...]:
        """What was rejected for a reason, by path: names of files may say whose they are. Raises `Refused`."""
        with self._acting("see-failures", digest_of(reason)) as facts:
            found = not_indexed.failures(self._database, reason=reason)
            facts["files"] = len(found)
        return found

    @needs(Role.MANAGER, "see which reports have no study")
    def unmatched_reports(self) -> tuple[UnmatchedReport, ...]:
        """Reports without a study, by path. Raises `Refused`."""
        with self._acting("see-unmatched") as facts:
            found = storing.unmatched_reports(self._database)
            facts["reports"] = len(found)
        return found

    @needs(Role.VIEWER, "see encoders and builds")
    @of_one_moment
    def spaces(self, builds: Path) -> list[SpaceFacts]:
        """The vectors that answer, with their builds; one that cannot be trusted says so."""
        found = []
        with self._acting("see-builds"):
            for role in ("image", "text"):
                space = storing.serving(self._database, role)
                if space is not None:
                    rows = tuple(_builds(builds, space))
                    weighed = self._engine.weighing.why if role == "image" else ""
                    found.append(
                        SpaceFacts(role, space.encoder, about(space.encoder), space.model, space.dim, rows, weighed)
                    )
        return found

    @needs(Role.VIEWER, "see what takes space")
    def database_bytes(self) -> int:
        """What the database takes on its disk."""
        with self._acting("see-space"):
            return database_bytes(self._database)

    @needs(Role.VIEWER, "see the map")
    def map(self, builds: Path) -> tuple[ArchiveMap, Mapping[int, VolumeFacts]]:
        """The map of the storing, and by volume what its points are coloured by. Raises `StoreError` without any."""
        with self._acting("see-map") as facts:
            made = archive_map(self._database, builds)
            facts["volumes"] = len(made.ids)
            return made, lookup.volume_facts(self._database, made.ids.tolist())

    @needs(Role.VIEWER, "see the map")
    def map_again(self) -> None:
        """Before a map that was kept is shown once more."""
        self.note_once("see-map", again=True)


def _builds(builds: Path, space: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    serving = current_build(builds, space)
    for name in builds_newest_first(builds, space):
        row: dict[str, Any] = {"build": name, "serves": name == serving}
        try:
            manifest = read_manifest(builds, space, name)
        except StoreError as error:
            rows.append({**row, "note": str(error)})
            continue
        plan = manifest.plan
        flat = manifest.kind.startswith("flat")  # every vector is compared as it is stored
        recalls = [float(effort["recall"]) for effort in plan.get("efforts", ()) if "recall" in effort]
        rows.append({
            **row, "kind": manifest.kind, "vectors": manifest.count,
            "made (UTC)": str(manifest.created_at)[:16].replace("T", " "),
            "recall@10": 1.0 if flat else max(recalls, default=None),
            "bytes a vector": 2 * space.dim if flat else plan.get("bytes_per_vector"),
            "note": plan.get("note", ""),
        })  # fmt: skip
    return rows
