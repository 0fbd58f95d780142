"""A folder of backups: packs of pieces, and a manifest for each backup. What an earlier one wrote is not written again.

backup.json             format, and whether a key is needed
manifests/TIME.manifest what one backup holds: its files, each as pieces in packs, and what it answered
packs/TIME.pack         the pieces that were new then, one after the other
packs/TIME.damaged      where pieces of that pack begin that were read and are not what was written, a line each

A pack is on the disk before the manifest that names it, and a manifest is there whole or not at all: whatever is
killed, every backup that is listed can be put back. Disks lose files all the same, and people remove them: a piece
counts as held where its pack is there, long enough and not known to be damaged there, and is written again where not.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from spinecho.db.backup.sealing import Plain, Sealer
from spinecho.db.durable import durable_replace, is_unused, make_folder, sync_folder, take, write_durably
from spinecho.db.errors import BackupDamaged, Busy, StorageFailure, StoreError
from spinecho.steady import name_after

_FORMAT = 1
_PIECE = 1 << 16
"""Bytes of a piece: 16 pages of a database, so that a changed row costs no more than a few pieces."""
_ABOUT, _MANIFESTS, _PACKS, _LOCK = "backup.json", "manifests", "packs", ".lock"
_OTHERS = "'spinecho backup FOLDER --verify' says which backups are whole, and what to do"


@dataclass(frozen=True, slots=True)
class Piece:
    """Where a piece lies: its name, the pack, from which byte, and how many as they are written."""

    name: str
    pack: str
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Held:
    """A file as it was. sha256: of its bytes."""

    path: str
    size: int
    sha256: str
    mode: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """One backup. made_at: UTC. facts: what else is to be true of what is put back."""

    name: str
    made_at: str
    files: tuple[Held, ...]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of what is put back."""
        return sum(one.size for one in self.files)

    def ends(self) -> dict[str, int]:
        """The packs that it needs, and how long each has to be."""
        found: dict[str, int] = {}
        for one in self.files:
            for piece in one.pieces:
                found[piece.pack] = max(found.get(piece.pack, 0), piece.start + piece.length)
        return found

    def written(self) -> int:
        """Bytes that this backup itself added."""
        return sum({p.name: p.length for one in self.files for p in one.pieces if p.pack == self.name}.values())


class Repository:
    """The backups in a folder, by one key. Raises `StoreError` for a folder of something else, or another key."""

    def __init__(self, folder: Path, sealer: Sealer) -> None:
        self.folder, self._sealer = folder, sealer
        self._ends: dict[str, dict[str, int] | None] = {}  # of manifests that were read: none is ever changed

    @classmethod
    def open(cls, folder: Path, sealer: Sealer, *, create: bool = False) -> Repository:
        """Those that are there; with `create`, an empty folder becomes one."""
        about = folder / _ABOUT
        try:
            if not about.exists():
                if not create or not is_unused(folder, first=_ABOUT):
                    raise StoreError(f"{folder} holds no backups; name the folder that 'spinecho backup' writes to")
                make_folder(folder, mode=0o700)
                check = sealer.seal(b"spinecho", _ABOUT).hex()
                write_durably(about, json.dumps({"format": _FORMAT, "key": sealer.encrypts, "check": check}).encode())
            for part in (_MANIFESTS, _PACKS) if create else ():
                make_folder(folder / part, mode=0o700)
            description = json.loads(about.read_bytes())
            checked, needs_key, form = (
                bytes.fromhex(description["check"]),
                bool(description["key"]),
                description["format"],
            )
        except OSError as error:
            raise _failed(folder, error) from error
        except (ValueError, KeyError, TypeError) as error:
            raise BackupDamaged(f"{about} is not what was written; put it back from a copy of the folder") from error
        if form != _FORMAT:
            raise StoreError(f"{folder} was written by a newer Spinecho: upgrade this one")
        if needs_key != sealer.encrypts:
            needs = "give its key with --key-file" if needs_key else "give --unencrypted in place of a key"
            raise StoreError(f"{folder} holds backups {'with' if needs_key else 'without'} a key: {needs}")
        sealer.unseal(checked, _ABOUT)
        return cls(folder, sealer)

    def names(self) -> list[str]:
        """The backups, oldest first."""
        return sorted(path.stem for path in (self.folder / _MANIFESTS).glob("*.manifest"))

    def manifest(self, name: str) -> Manifest:
        """One backup, by its name. Raises `StoreError` where there is none, `BackupDamaged`."""
        path = self.folder / _MANIFESTS / f"{name}.manifest"
        if not path.is_file():
            raise StoreError(f"there is no backup {name!r}; there are: {', '.join(self.names()) or 'none'}")
        try:
            values = json.loads(zlib.decompress(self._sealer.unseal(path.read_bytes(), name)))
            files = tuple(
                Held(**one | {"pieces": tuple(Piece(*piece) for piece in one["pieces"])}) for one in values["files"]
            )
            return Manifest(values["name"], values["made_at"], files, values["facts"])
        except OSError as error:
            raise _failed(self.folder, error) from error
        except (ValueError, KeyError, TypeError, zlib.error, BackupDamaged) as error:
            raise self._damaged_manifest(name) from error

    def _damaged_manifest(self, name: str) -> BackupDamaged:
        path = self.folder / _MANIFESTS / f"{name}.manifest"
        return BackupDamaged(f"{path} is not what was written; no other backup needs it, so it can be removed")

    def unfit(self, manifest: Manifest) -> tuple[str, ...]:
        """Packs that do not give a backup what it needs, as far as that can be seen without reading them."""
        held = self._held()
        pieces = {piece for one in manifest.files for piece in one.pieces}
        return tuple(sorted({piece.pack for piece in pieces if not held(piece)}))

    def _held(self) -> Callable[[Piece], bool]:
        """Whether a piece is there: its pack long enough, and not known to be damaged in that place."""
        sizes, marks = self._sizes(), self._marks()

        def held(piece: Piece) -> bool:
            inside = piece.start + piece.length <= sizes.get(piece.pack, -1)
            return inside and str(piece.start) not in marks.get(piece.pack, ())

        return held

    def _sizes(self) -> dict[str, int]:
        found = {path.stem: path.stat() for path in (self.folder / _PACKS).glob("*.pack")}
        return {name: about.st_size for name, about in found.items() if stat.S_ISREG(about.st_mode)}

    def _marks(self) -> dict[str, frozenset[str]]:
        found = (self.folder / _PACKS).glob("*.damaged")
        return {path.stem: frozenset(path.read_text(errors="replace").split()) for path in found}

    def fit(self) -> list[str]:
        """The backups, oldest first, that can be put back as far as that can be seen without reading them."""
        sizes, marks = self._sizes(), self._marks()
        found = []
        for name in self.names():
            ends = self._ends_of(name)
            if ends is None or any(end > sizes.get(pack, -1) for pack, end in ends.items()):
                continue
            if ends.keys().isdisjoint(marks) or not self.unfit(self.manifest(name)):
                found.append(name)
        return found

    def _ends_of(self, name: str) -> dict[str, int] | None:
        """The packs that a backup needs, and how long each has to be; None where its manifest cannot be read."""
        if name not in self._ends:
            manifest = self._readable(name)
            self._ends[name] = None if manifest is None else manifest.ends()
        return self._ends[name]

    def _readable(self, name: str) -> Manifest | None:
        try:
            return self.manifest(name)
        except BackupDamaged:
            return None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Held while a backup is written; what an interrupted one left goes first. Raises `Busy`."""
        with self._alone(wait=False):
            for left in self.folder.glob("*/*.partial"):
                left.unlink()
            self._forget_packs()
            yield

    @contextmanager
    def _alone(self, *, wait: bool) -> Iterator[None]:
        """wait: for another backup to come to its end. Raises `Busy`, `StorageFailure`."""
        try:
            with (self.folder / _LOCK).open("a") as file:
                if wait:
                    fcntl.flock(file, fcntl.LOCK_EX)
                elif not take(file.fileno()):
                    raise Busy(f"another backup is being written to {self.folder}; wait for it")
                yield
        except OSError as error:
            raise _failed(self.folder, error) from error

    def add(self, sources: dict[str, Path], facts: dict[str, Any], *, modes: dict[str, int]) -> Manifest:
        """Write a backup of these files, within `writing`. What the newest backup holds already is not written.

        Held is what lies in a pack that is there, long enough and not known to be damaged.
        """
        names, is_held = self.names(), self._held()
        newest = next(filter(None, map(self._readable, reversed(names))), None)
        pieces = (piece for one in (newest.files if newest else ()) for piece in one.pieces)
        known = {piece.name: piece for piece in pieces if is_held(piece)}
        name = name_after(names)
        pack = self._pack(name)
        unfinished = pack.with_name(f"{pack.name}.partial")
        with unfinished.open("xb") as file:
            held = tuple(
                self._store(path, source, file, name, known, modes.get(path, 0o600)) for path, source in sources.items()
            )
        if unfinished.stat().st_size:
            durable_replace(unfinished, pack)
        else:
            unfinished.unlink()
        manifest = Manifest(name, datetime.now(UTC).isoformat(timespec="seconds"), held, facts)
        data = zlib.compress(json.dumps(_plain(manifest)).encode())
        write_durably(self.folder / _MANIFESTS / f"{name}.manifest", self._sealer.seal(data, name))
        return manifest

    def _store(self, path: str, source: Path, file: IO[bytes], pack: str, known: dict[str, Piece], mode: int) -> Held:
        digest, size, pieces = hashlib.sha256(), 0, []
        with source.open("rb") as read:
            while data := read.read(_PIECE):
                digest.update(data)
                size += len(data)
                name = self._sealer.name(data)
                if name not in known:
                    sealed = self._sealer.seal(data, name)
                    known[name] = Piece(name, pack, file.tell(), len(sealed))
                    file.write(sealed)
                pieces.append(known[name])
        return Held(path, size, digest.hexdigest(), mode, tuple(pieces))

    def read(self, held: Held) -> Iterator[bytes]:
        """The bytes of a file, piece by piece. Raises `BackupDamaged` where they are not what was written."""
        digest = hashlib.sha256()
        with self._packs() as read:
            for piece in held.pieces:
                data = read(piece)
                digest.update(data)
                yield data
        if digest.hexdigest() != held.sha256:
            raise BackupDamaged(f"{held.path} of the backup is not what was written; {_OTHERS}")

    @contextmanager
    def _packs(self) -> Iterator[Callable[[Piece], bytes]]:
        """Reads pieces, each pack opened once."""
        opened: dict[str, IO[bytes]] = {}

        def read(piece: Piece) -> bytes:
            path = self._pack(piece.pack)
            try:
                if piece.pack not in opened:
                    opened[piece.pack] = path.open("rb")
                opened[piece.pack].seek(piece.start)
                return self._sealer.unseal(opened[piece.pack].read(piece.length), piece.name)
            except PermissionError as error:
                raise StorageFailure(f"{path} may not be read; give this account the right to") from error
            except OSError as error:
                raise BackupDamaged(f"{path} cannot be read: {error.strerror}; {_OTHERS}") from error
            except BackupDamaged as error:
                raise BackupDamaged(f"{path} is not what was written; {_OTHERS}") from error

        try:
            yield read
        finally:
            for file in opened.values():
                file.close()

    def damaged(self, manifest: Manifest) -> frozenset[tuple[str, int]]:
        """Pieces of a backup that are not what was written, each by its pack and where it begins; all are read.

        Raises `BackupDamaged` where every piece is whole and a file of them is not.
        """
        bad: set[tuple[str, int]] = set()
        torn = False
        with self._packs() as read:
            for held in manifest.files:
                digest, whole = hashlib.sha256(), True
                for piece in held.pieces:
                    try:
                        digest.update(read(piece))
                    except BackupDamaged:
                        bad.add((piece.pack, piece.start))
                        whole = False
                torn = torn or (whole and digest.hexdigest() != held.sha256)
        if torn and not bad:
            raise self._damaged_manifest(manifest.name)
        return frozenset(bad)

    def mark(self, damaged: Mapping[str, Collection[tuple[str, int]]], packs: Collection[str]) -> None:
        """Have later backups write anew what these pieces held: damaged by backup, found by reading all of these packs.

        Marks of before of these packs go. What was read is of before now, so a backup that is being written comes to
        its end first, and what only backups need that were forgotten meanwhile is not marked.
        """
        with self._alone(wait=True):
            there = {*self.names()}
            starts: dict[str, list[int]] = {}
            for pack, start in sorted({piece for name in there & damaged.keys() for piece in damaged[name]}):
                starts.setdefault(pack, []).append(start)
            for mark in (self.folder / _PACKS).glob("*.damaged"):
                if mark.stem in packs and mark.stem not in starts:
                    mark.unlink()
            for pack, found in starts.items() if (self.folder / _PACKS).is_dir() else ():  # else all are missing
                write_durably(self._pack(pack).with_suffix(".damaged"), "".join(f"{one}\n" for one in found).encode())

    def _pack(self, name: str) -> Path:
        return self.folder / _PACKS / f"{name}.pack"

    def keep(self, most: int) -> list[str]:
        """Forget all but the newest backups, within `writing`; what went.

        Only those that can be put back count, as far as that can be seen without reading them.
        """
        oldest = self.fit()[-most:][:1]
        gone = [name for name in self.names() if oldest and name < oldest[0]]
        for name in gone:
            (self.folder / _MANIFESTS / f"{name}.manifest").unlink()
        sync_folder(self.folder / _MANIFESTS)
        self._forget_packs()
        return gone

    def _forget_packs(self) -> None:
        """Remove packs that no manifest needs. One that cannot be read keeps them all: it may need any."""
        packs = {path.stem: path for path in (self.folder / _PACKS).glob("*.pack")}
        ends = [self._ends_of(name) for name in self.names()]
        if None in ends:
            return
        needed = {pack for one in ends for pack in one or ()}
        for name in sorted(packs.keys() - needed):
            packs[name].unlink()
        for mark in (self.folder / _PACKS).glob("*.damaged"):
            if mark.stem not in needed:
                mark.unlink()


def sealer_of(key_file: Path | None) -> Sealer:
    """By a key file, or none."""
    from spinecho.db.backup.sealing import read_key  # noqa: PLC0415

    return Plain() if key_file is None else read_key(key_file)


def _plain(manifest: Manifest) -> dict[str, Any]:
    files = [
        {**asdict(one), "pieces": [[p.name, p.pack, p.start, p.length] for p in one.pieces]} for one in manifest.files
    ]
    return {"name": manifest.name, "made_at": manifest.made_at, "files": files, "facts": manifest.facts}


def _failed(folder: Path, error: OSError) -> StorageFailure:
    return StorageFailure(f"the backups in {folder} cannot be used: {error.strerror or os.strerror(error.errno or 0)}")
