"""Archives that a walk meets: listed in a reading process where they are new or changed, else passed by.

What is in one has rows as other files have, below a folder that is called as the archive with `!` after it. The row of
the archive itself is written last, so that a run that is killed lists it again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from spinecho.db.files import file_index
from spinecho.db.schema.database import Database
from spinecho.db.values import Listing, Rejection, Scanned, Stat
from spinecho.encoders.errors import Reason
from spinecho.encoders.reading.archives.opened import Refused
from spinecho.encoders.reading.archives.paths import MARK, is_archive_name, on_disk
from spinecho.encoders.sandbox.processes import Sandbox
from spinecho.encoders.tasks.archive_tasks import archive_task, unpack_members
from spinecho.indexer.progress import Tally
from spinecho.indexer.sources.companions import Companions

_LONGEST_NAME = 200


class Archives:
    """The archives below one root in one run."""

    def __init__(self, database: Database, sandbox: Sandbox, *, root: str, run: int, retry: bool, again: bool) -> None:
        self._database, self._sandbox = database, sandbox
        self._root, self._run, self._again = root, run, again
        self._waiting: list[tuple[str, Stat, bool]] = []
        look_into = file_index.folders_to_look_into(database, root, retry=retry)
        self._look_into = {on_disk(f"{folder}/x") for folder in look_into}
        self.rows: list[Scanned] = []
        """Of archives that were listed, to be kept once those of their files are."""
        self.refusals: dict[str, Rejection] = {}
        """By path, of entries that are not read."""
        self.unlisted: list[str] = []
        """Folders that stand for archives that could not be read: nothing is known of what is in them now."""

    def meet(self, listings: Sequence[Listing], fresh: Sequence[tuple[str, Stat]]) -> None:
        """Note the archives among the files of these folders; what is in those that are as they were counts as seen."""
        changed = {(folder, stat.name) for folder, stat in fresh}
        seen: list[str] = []
        for listing in listings:
            if on_disk(f"{listing.path}/x") != f"{listing.path}/x":
                continue  # what is in an archive was listed with it
            for stat in listing.files:
                if stat.odd or not is_archive_name(stat.name):
                    continue
                path = f"{listing.path}/{stat.name}"
                is_new = (listing.path, stat.name) in changed
                if is_new or self._again or path in self._look_into:
                    self._waiting.append((listing.path, stat, is_new))
                else:
                    seen.append(path + MARK)
        if seen:
            file_index.keep_seen(self._database, seen, root=self._root, run=self._run)

    def listings(self, tally: Tally) -> Iterator[list[Listing]]:
        """What is in the archives that were noted, an archive at a time."""
        while self._waiting:
            folder, stat, is_new = self._waiting.pop(0)
            path = f"{folder}/{stat.name}"
            with tally.timed("discover"):
                files, refused, failed = unpack_members(self._sandbox.run(archive_task(path)))
            if failed is not None:
                reason, message = failed
                self.unlisted.append(path + MARK)
                file_index.keep_seen(self._database, [path + MARK], root=self._root, run=self._run)
                self.rows.append(
                    Scanned(
                        folder, stat, "other", failure=Rejection(reason, reason.ignorable, message or reason.remedy)
                    )
                )
                continue
            found: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
            for entry in files:
                inside, _, name = entry.path.rpartition("/")
                found[f"{path}{MARK}/{inside}".rstrip("/")].append((name, entry.size, entry.stamp))
            stats: dict[str, list[Stat]] = defaultdict(list)
            beside = Companions()
            for place in sorted(found):
                stats[place] = beside.stats(place, sorted(found[place]))
            self._refuse(path, refused, stats)
            message = f"it holds {len(files):,} files, which are read in place"
            if refused:
                message += f", and {len(refused):,} entries that are not read"
            reason = Reason.ARCHIVE if files else Reason.NOT_READ
            message = message if files else "an archive without a file that is read"
            if is_new:
                self.rows.append(Scanned(folder, stat, "other", failure=Rejection(reason, reason.ignorable, message)))
            yield [Listing(place, stats[place]) for place in sorted(stats)]

    def _refuse(self, path: str, refused: Sequence[Refused], stats: dict[str, list[Stat]]) -> None:
        """A row for each entry that is not read, under a name that leads nowhere."""
        for number, entry in enumerate(refused, 1):
            taken = {stat.name for stat in stats[path + MARK]}
            name = _plain(entry.name)
            name = name if name not in taken else f"{name} ({number})"
            stats[path + MARK].append(Stat(name, 0, 0))
            self.refusals[f"{path}{MARK}/{name}"] = Rejection(entry.reason, entry.reason.ignorable, entry.message)


def _plain(name: str) -> str:
    """A name of one part, for an entry that may be called anything."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    shown = "".join(letter if letter.isprintable() else "?" for letter in "_".join(parts))
    return shown[-_LONGEST_NAME:] or "(no name)"
