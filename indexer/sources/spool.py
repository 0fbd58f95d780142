"""Where objects from a PACS are kept: STUDY/SERIES/OBJECT.dcm, in a folder that the normal indexing reads.

What is not whole yet lies below a folder whose name begins with a dot, which no walk enters: a file while it is
written, a study while it is taken. Every object is on the disk before `put` returns.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from spinecho.db.durable import drop_abandoned, durable_replace, held, make_folder, sync_folder

INCOMING, GONE = ".incoming", ".gone"
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST = 64


class Spool:
    """The spool of one source."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._incoming, self._gone = folder / INCOMING, folder / GONE
        make_folder(self._incoming)
        drop_abandoned(self._incoming, "*/*/.*.partial")  # of a process that was killed
        for study in self._studies(self._incoming):
            _remove_empty(study)

    def put(self, study_uid: str, series_uid: str, sop_uid: str, data: bytes) -> Path:
        """Write an object; it is on the disk, under its name, when this returns. Raises OSError."""
        path = self._incoming / name_of(study_uid) / name_of(series_uid) / f"{name_of(sop_uid)}.dcm"
        handle, unfinished = held(lambda: self._new(path))
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                durable_replace(unfinished, path)
        except OSError:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise
        return path

    def _new(self, path: Path) -> tuple[int, Path]:
        """A new file beside a path, open, and its folders; others remove these while nothing is in them."""
        make_folder(path.parent)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}-{time.monotonic_ns()}.partial")
        return os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), unfinished

    def holds(self, study_uid: str, series_uid: str, sop_uid: str, *, settled: bool = True) -> bool:
        """Whether an object is there; settled: also among those that are indexed, not only of what comes in."""
        below = Path(name_of(study_uid), name_of(series_uid), f"{name_of(sop_uid)}.dcm")
        return (self._incoming / below).is_file() or (settled and (self.folder / below).is_file())

    def objects(self, study_uid: str) -> set[str]:
        """The names (without ending) of every object of a study, come in or settled."""
        name = name_of(study_uid)
        return {path.stem for above in (self._incoming, self.folder) for path in (above / name).glob("*/[!.]*.dcm")}

    def settle(self, study_uid: str) -> int:
        """Move what came in of a study to where it is indexed; how many objects. One that was there is replaced."""
        return self._settle(self._incoming / name_of(study_uid))

    def settle_stable(self, seconds: float, *, now: float | None = None) -> int:
        """Settle every study of which nothing came for so long; how many there were."""
        at, settled = time.time() if now is None else now, 0
        for study in self._studies(self._incoming):
            times = [_not_after(path, at) for path in study.glob("*/*.dcm")]
            if times and at - max(times) >= seconds:
                settled += bool(self._settle(study))
        return settled

    def waiting(self) -> int:
        """How many studies have come in and are not settled."""
        return sum(1 for _ in self._studies(self._incoming))

    def set_aside(self, study_uid: str) -> bool:
        """Take a study out of what is indexed, so that it can be forgotten, or put back; whether there was one."""
        study = self.folder / name_of(study_uid)
        if not study.is_dir():
            return False
        make_folder(self._gone)
        shutil.rmtree(self._gone / study.name, ignore_errors=True)
        durable_replace(study, self._gone / study.name)
        return True

    def put_all_back(self) -> None:
        """Undo every `set_aside`, also of a process that was killed."""
        for study in self._studies(self._gone):
            if not (self.folder / study.name).exists():
                durable_replace(study, self.folder / study.name)

    def drop_aside(self) -> None:
        """Delete what was set aside; a power cut does not bring it back."""
        shutil.rmtree(self._gone, ignore_errors=True)
        sync_folder(self.folder)

    def _settle(self, study: Path) -> int:
        moved = 0
        for path in sorted(study.glob("*/[!.]*.dcm")):
            final = self.folder / study.name / path.parent.name / path.name
            make_folder(final.parent)
            path.replace(final)  # its bytes are on the disk since it came
            moved += 1
            if moved == 1 or not any(path.parent.iterdir()):
                sync_folder(final.parent)
        if study.is_dir():
            _remove_empty(study)
        return moved

    @staticmethod
    def _studies(folder: Path) -> Iterator[Path]:
        if folder.is_dir():
            yield from sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _not_after(path: Path, at: float) -> float:
    """When a file came. One of a time to come was written before the clock was set back: it counts from now on."""
    came = path.stat().st_mtime
    if came > at:
        os.utime(path, (at, at))
    return min(came, at)


def _remove_empty(study: Path) -> None:
    """Remove the folders of a study in which nothing is; what comes in meanwhile stays."""
    with contextlib.suppress(OSError):
        for folder in (*study.iterdir(), study):
            with contextlib.suppress(OSError):
                folder.rmdir()


def name_of(uid: str) -> str:
    """A UID as the name of a folder or file; what is no UID by a digest, so that nothing leads out of the spool."""
    if len(uid) <= _LONGEST and _UID.fullmatch(uid):
        return uid
    return f"x{hashlib.sha256(uid.encode('utf-8', 'backslashreplace')).hexdigest()[:40]}"
