"""Whether all is well with a home: everything that can be checked, in one go, and the mending of what it safely can be.

What is mended is what is made from the rows (builds, snapshots, full text), rights of files, and what interrupted work
left. Rows are never changed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from spinecho.access.people import open_access, open_record
from spinecho.db.errors import Busy, Damaged, StoreError
from spinecho.errors import SpinechoError
from spinecho.maintaining.upkeep import Home, settings_of
from spinecho.search.access.persons import Role
from spinecho.setup.private import exposed, private_files, tighten
from spinecho.setup.wiring import encoder_now, indexing_lock

if TYPE_CHECKING:
    from spinecho.db.schema.database import Database
    from spinecho.setup.settings import Settings

__all__ = ["AREAS", "Examined", "Finding", "doctor"]

Severity = Literal["error", "warning", "note"]
Area = Literal["settings", "permissions", "schema", "database", "builds", "files", "index", "leftovers", "codecs",
               "weights", "record", "identities", "jobs", "disk"]  # fmt: skip
AREAS: tuple[Area, ...] = ("settings", "permissions", "schema", "database", "builds", "files", "index", "leftovers",
                           "codecs", "weights", "record", "identities", "jobs", "disk")  # fmt: skip
_GROWTH = 1.1
_LEAST_FREE = 256 << 20


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be, and what helps.

    severity: error (what is stored is damaged, or cannot be used), warning (something is missed, or will go wrong),
    note (good to know). fixable: `fix` mends it; fixed: it was mended now.
    """

    area: Area
    severity: Severity
    what: str
    remedy: str
    count: int = 1
    examples: tuple[str, ...] = ()
    fixable: bool = False
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found in a home, the worst first, and its disk: bytes that are free, and that are to come."""

    findings: tuple[Finding, ...]
    free: int
    to_come: int

    @property
    def exit_status(self) -> int:
        """0 where nothing but notes is left, 1 with warnings, 4 with errors."""
        left = {one.severity for one in self.findings if not one.fixed}
        return Damaged.exit_status if "error" in left else int("warning" in left)

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        found = [asdict(one) | {"examples": list(one.examples)} for one in self.findings]
        return {"findings": found, "disk": {"free": self.free, "to_come": self.to_come}}


JOBS_REMEDY = "stop the servers and remove it: jobs that wait are forgotten, and nothing else"
ROWS_FIRST = Finding(
    "builds", "note", "builds were not held against the rows, which are damaged themselves", "put the rows right first"
)


def doctor(home: Home = None, *, fix: bool = False, on_check: Callable[[str], None] = lambda _: None) -> Examined:
    """Check settings, rights, schema, rows, builds, files, leftovers, codecs, weights, the record and the disk's room.

    fix: mend what can be mended from what is whole; a run that is indexing is not disturbed, and nothing is mended
    then. on_check: given each area before it is looked at. For managers; raises `Refused`, and what the settings raise.
    """
    settings = settings_of(home)
    with private_files():
        open_access(settings).allow(Role.MANAGER, "check the home", "doctor", fix=fix)
        return _Doctor(settings, fix, on_check).examine()


def of_record(settings: Settings) -> Iterator[Finding]:
    """What is wrong with the record of who did what. Raises `RecordError` for one that cannot be read."""
    from spinecho.access.acts import Acts  # noqa: PLC0415

    checked = Acts(settings).check()
    if checked.broken:
        yield Finding("record", "error", "the record of who did what is not whole", "see docs/record.md",
                      len(checked.broken), tuple(checked.broken[:5]))  # fmt: skip


def of_identities(settings: Settings) -> Iterator[Finding]:
    """What is wrong with whom pseudonyms stand for, where the home holds that. Raises `StoreError`.

    Its key may be kept elsewhere: then what was sealed with it is not looked at.
    """
    from spinecho.pseudonyms.identities import identity_key, open_identities  # noqa: PLC0415

    path = settings.identities
    if not path.is_file() or not settings.identities_key.exists():
        return
    with open_identities(settings, identity_key(settings)) as opened:
        for one in opened.faults():
            yield Finding(
                "identities", "error", f"{path.name}: {one}", "put it back from a backup; keep the broken one"
            )


def of_jobs(settings: Settings) -> Iterator[Finding]:
    """What is wrong with the file of the servers' jobs, where there is one."""
    from spinecho.db.schema.damage import structure_of  # noqa: PLC0415

    path = settings.home / "server.sqlite"
    if path.is_file() and (wrong := structure_of(path)):
        yield Finding("jobs", "error", f"{path.name} is damaged", JOBS_REMEDY, len(wrong), tuple(wrong[:5]))


class _Doctor:
    """One examination."""

    def __init__(self, settings: Settings, fix: bool, on_check: Callable[[str], None]) -> None:
        self._settings, self._fix, self._on_check = settings, fix, on_check
        self._database: Database | None = None
        self._rows_are_sound = False

    def examine(self) -> Examined:
        """As `doctor`."""
        found: list[Finding] = []
        looks: dict[Area, Callable[[], Iterator[Finding]]] = {
            "settings": self._of_settings, "permissions": self._of_rights, "schema": self._of_schema,
            "database": self._of_rows, "builds": self._of_builds, "files": self._of_files, "index": self._of_index,
            "leftovers": self._of_leftovers, "codecs": self._of_codecs, "weights": self._of_weights,
            "record": self._of_record, "identities": self._of_identities, "jobs": self._of_jobs,
        }  # fmt: skip
        try:
            for area, look in looks.items():
                self._on_check(area)
                try:
                    found += look()
                except SpinechoError as error:
                    found.append(Finding(area, "error", str(error), "see what it says"))
                    if area == "schema":
                        break  # nothing of what follows can be read
            free, to_come = self._room()
        finally:
            if self._database is not None:
                self._database.close()
        if free < max(to_come, _LEAST_FREE):
            message = f"{free / 1e6:,.0f} MB are free in {self._settings.home}, and {to_come / 1e6:,.0f} MB are to come"
            found.append(Finding("disk", "warning", message, "make room: an upgrade's copy and new builds need it"))
        order = {"error": 0, "warning": 1, "note": 2}
        return Examined(tuple(sorted(found, key=lambda one: order[one.severity])), free, to_come)

    def _of_settings(self) -> Iterator[Finding]:
        from spinecho.access.roles import read_roles, signs_in  # noqa: PLC0415
        from spinecho.setup.wiring import own_weights  # noqa: PLC0415

        own = self._settings
        for read in (lambda: read_roles(own.roles), lambda: signs_in(own.secrets), lambda: own_weights(own)):
            try:
                read()
            except SpinechoError as error:
                yield Finding("settings", "error", str(error), "write the file as it says; docs/reference/settings.md")

    def _of_rights(self) -> Iterator[Finding]:
        home = self._settings.home
        if not home.is_dir():
            yield Finding("permissions", "error", f"there is no home at {home}", "name it with --home or SPINECHO_HOME")
            return
        if count := exposed(home):
            yield self._mended(
                Finding("permissions", "warning", "files of the home can be read by other accounts",
                        "--fix closes them; so does every command that opens the home", count, fixable=True),
                lambda: tighten(home) > 0 and not exposed(home),
            )  # fmt: skip
        if not os.access(home, os.W_OK | os.X_OK):
            yield Finding("permissions", "warning", f"{home} may only be read", "give this account the right to write")

    def _of_schema(self) -> Iterator[Finding]:
        from spinecho.db.schema.database import Database  # noqa: PLC0415

        self._database = Database.open(self._settings.database, create=False)
        yield from ()

    def _of_rows(self) -> Iterator[Finding]:
        from spinecho.db.upkeep.check import check_database, make_full_text_anew  # noqa: PLC0415
        from spinecho.db.upkeep.loose_rows import loose_rows  # noqa: PLC0415

        database = self._opened()
        damaged = check_database(database)
        self._rows_are_sound = all(one.kind == "full text" for one in damaged)
        for one in damaged:
            found = Finding("database", "error", one.what, one.remedy, one.count, one.examples)
            if one.kind == "full text":
                found = self._mended(replace(found, fixable=True), lambda: make_full_text_anew(database))
            yield found
        if not damaged:
            for one in loose_rows(database):
                yield Finding("database", "warning", one.what, one.remedy, one.count, one.examples)

    def _of_builds(self) -> Iterator[Finding]:
        from spinecho.db.upkeep.check import check_builds, unsound_builds  # noqa: PLC0415
        from spinecho.db.upkeep.kept_up import refresh_builds, refresh_snapshot  # noqa: PLC0415
        from spinecho.db.upkeep.leftovers import remove  # noqa: PLC0415

        database, builds = self._opened(), self._settings.builds
        if not self._rows_are_sound:  # else sound builds would go, and new ones be made of what is damaged
            yield ROWS_FIRST
            return

        def mend() -> bool:
            refresh_builds(database, builds, force=True)
            refresh_snapshot(database, builds, force=True)
            remove([path for path, _ in unsound_builds(database, builds)])  # older ones, which no longer serve
            return not check_builds(database, builds)

        for one in check_builds(database, builds):
            found = Finding("builds", "error", one.what, one.remedy, one.count, one.examples, fixable=True)
            yield self._mended(found, mend)

    def _of_files(self) -> Iterator[Finding]:
        from spinecho.db.files.same_bytes import REMEDY, same_bytes  # noqa: PLC0415
        from spinecho.db.upkeep.loose_rows import gone_files  # noqa: PLC0415
        from spinecho.encoders.reading.archives.paths import exists  # noqa: PLC0415

        absent, gone = gone_files(self._opened(), exists)
        if absent:
            yield Finding("files", "warning", "folders that were indexed are not there", "is it mounted?",
                          len(absent), tuple(absent[:5]))  # fmt: skip
        if gone:
            yield Finding(
                "files", "warning", "indexed files are gone from their folders",
                "'spinecho index' finds those that moved, 'spinecho index --prune' forgets the others",
                gone.total(), tuple(f"{n:,} below {root}" for root, n in gone.most_common(5)),
            )  # fmt: skip
        if (same := same_bytes(self._opened())) is not None:
            yield Finding("files", "note", same.sentence, REMEDY, examples=same.examples)

    def _of_index(self) -> Iterator[Finding]:
        from spinecho.db.files import file_index, not_indexed, runs  # noqa: PLC0415
        from spinecho.db.store.storing import serving  # noqa: PLC0415
        from spinecho.db.upkeep.loose_rows import unserved_vectors  # noqa: PLC0415

        database = self._opened()
        busy = self._busy()
        pending = file_index.count_pending_series(database) + len(file_index.pending_reports(database))
        if pending and not busy and not self._busy():  # a run may end, and another begin, while they are counted
            stopped = runs.run_to_join(database) is not None
            what = "series and report files wait" + (" since a run was stopped" if stopped else "")
            yield Finding("index", "warning", what, "'spinecho index' goes on with them", pending)
        mendable = len(not_indexed.failures(database, ignorable=False))
        if mendable:
            yield Finding("index", "note", "files are not in the index", "'spinecho failures' says why", mendable)
        image = serving(database, "image")
        used = encoder_now(self._settings, database)
        if image is not None and image.encoder != used:
            what = f"the index was made with {image.encoder}, and the settings name {used}"
            yield Finding("index", "warning", what, "name the one that it was made with (SPINECHO_ENCODER)")
        if others := unserved_vectors(database):
            yield Finding("index", "note", "vectors are of encoders that answer no more", "they only take room", others)

    def _of_leftovers(self) -> Iterator[Finding]:
        from spinecho.db.schema.copies import copies_of  # noqa: PLC0415
        from spinecho.db.upkeep.leftovers import leftovers, remove  # noqa: PLC0415
        from spinecho.db.upkeep.loose_rows import space_ids  # noqa: PLC0415

        home, builds = self._settings.home, self._settings.builds
        if not self._busy() and (left := leftovers(home, builds, space_ids(self._opened()))):
            named = tuple(str(path.relative_to(home)) for path in left[:5])

            def mend() -> bool:
                again = leftovers(home, builds, space_ids(self._opened()))
                remove(again)
                return True

            yield self._mended(
                Finding("leftovers", "warning", "files of interrupted work lie in the home", "--fix removes them",
                        len(left), named, fixable=True), mend,
            )  # fmt: skip
        if copies := copies_of(self._settings.database):
            yield Finding("leftovers", "note", "copies of the database from before upgrades are kept",
                          "'spinecho db copies --remove-all' deletes them: they hold what was removed since",
                          len(copies), tuple(one.path.name for one in copies[:5]))  # fmt: skip

    def _of_codecs(self) -> Iterator[Finding]:
        from spinecho.db.files.not_indexed import file_counts  # noqa: PLC0415
        from spinecho.encoders.reading.dicom.codecs import codecs_at_hand  # noqa: PLC0415

        waiting = file_counts(self._opened()).get("reason:NEEDS_CODEC", 0)
        for distribution, present in codecs_at_hand().items():
            if not present:
                what = f"{distribution} is not installed: files that need it are rejected"
                yield Finding("codecs", "warning", what, f"pip install {distribution}", max(waiting, 1))

    def _of_weights(self) -> Iterator[Finding]:
        from spinecho.encoders.pip_weights import unsound_weights  # noqa: PLC0415

        for what, remedy in unsound_weights(self._settings.home / "encoders"):
            yield Finding("weights", "error", what, remedy)

    def _of_record(self) -> Iterator[Finding]:
        if self._settings.no_record:
            yield Finding("record", "note", "no record is kept of who did what", "go without --no-record")
            return
        open_record(self._settings)
        yield from of_record(self._settings)

    def _of_identities(self) -> Iterator[Finding]:
        yield from of_identities(self._settings)

    def _of_jobs(self) -> Iterator[Finding]:
        yield from of_jobs(self._settings)

    def _room(self) -> tuple[int, int]:
        """(bytes free, bytes of a copy by an upgrade and of new builds beside the old ones)."""
        home, come = self._settings.home, 0
        if isinstance(self._settings.database, Path):
            come += sum(path.stat().st_size for path in home.glob("spinecho.sqlite*") if not path.name.endswith(".bak"))
        builds = self._settings.builds
        come += sum(path.stat().st_size for path in builds.rglob("*") if path.is_file()) if builds.is_dir() else 0
        place = next((path for path in (home, *home.parents) if path.is_dir()), Path("/"))
        return shutil.disk_usage(place).free, round(_GROWTH * come)

    def _busy(self) -> bool:
        """Whether somebody indexes now: then what is half made is in use."""
        try:
            with indexing_lock(self._settings):
                return False
        except Busy:
            return True
        except StoreError:  # a home that may only be read: nobody here indexes into it
            return False

    def _mended(self, found: Finding, mend: Callable[[], bool]) -> Finding:
        """The finding, mended where that was asked for and nobody indexes."""
        if not self._fix:
            return found
        try:
            with indexing_lock(self._settings):
                return replace(found, fixed=mend())
        except (SpinechoError, OSError) as error:
            return replace(found, remedy=f"it could not be mended: {error}. {found.remedy}")

    def _opened(self) -> Database:
        assert self._database is not None  # noqa: S101
        return self._database
