"""Others' weights brought here: listed, licence shown by the caller, fetched, held against digests, made safetensors.

A repository is a folder in its layout, or the hub (or a mirror of it) over HTTP. What is fetched is data: safetensors,
JSON, vocabularies; a pickle only where there is nothing else, and it is converted at once by `conversion`.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from spinecho.db.durable import filled_folder, make_folder, sha256_of, write_durably
from spinecho.encoders import hub
from spinecho.encoders.catalogue import Published
from spinecho.encoders.conversion import PICKLES, Converted, convert_pickle
from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.sandbox.limits import TABLE_BYTES, WEIGHTS_BYTES, read_small

RECORD = "source.json"
"""Beside the files: where they are from, and their digests."""
_SPARE = 200 << 20
_PLAIN = re.compile(r"[\w][\w.@+-]*(/[\w][\w.@+-]*){0,3}")
_SMALL = (".json", ".txt", ".model")
_KNOWN_PICKLES = ("open_clip_pytorch_model.bin", "pytorch_model.bin")
Tell = Callable[[str, int, int], None]
"""Is told a file's name, how many files are there, and of how many."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A file of a repository. sha256, blob: its digest as the repository states it, or Git's of a small file."""

    name: str
    size: int
    sha256: str = ""
    blob: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a repository holds now. licence: as its card states it, "" for none."""

    repository: str
    commit: str
    licence: str
    gated: bool
    files: tuple[Listed, ...]


class Repository(Protocol):
    """Where weights are taken from."""

    def listing(self) -> Listing:
        """What it holds. Raises EncoderUnavailable."""
        ...

    def bring(self, name: str, folder: Path) -> None:
        """Put one file of the listing into a folder, under its name. Raises EncoderUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """What lies in `folder` now. digests: sha256 by file; checked: by file, what its digest was held against."""

    folder: Path
    repository: str
    commit: str
    licence: str
    digests: Mapping[str, str]
    checked: Mapping[str, str]
    converted: Converted | None = None
    unchecked: tuple[str, ...] = field(default=())
    """Weights for which no digest was known: theirs is written down, and nothing more."""

    def to_json(self) -> dict[str, Any]:
        """One plain object."""
        return asdict(self) | {"folder": str(self.folder), "unchecked": list(self.unchecked)}


class FolderRepository:
    """A folder in a repository's layout, brought here by other means."""

    def __init__(self, folder: Path, repository: str) -> None:
        self._folder, self._repository = folder, repository

    def listing(self) -> Listing:
        """Its files, without digests: nobody vouches for them."""
        if not self._folder.is_dir():
            raise EncoderUnavailable(f"there is no folder {self._folder}; name one in the layout of a repository")
        paths = [path for path in sorted(self._folder.rglob("*")) if path.is_file() and not path.is_symlink()]
        named = [(path.relative_to(self._folder).as_posix(), path.stat().st_size) for path in paths]
        return Listing(self._repository, "", "", gated=False, files=tuple(Listed(*one) for one in named))

    def bring(self, name: str, folder: Path) -> None:
        """A copy."""
        make_folder((folder / name).parent)
        try:
            shutil.copyfile(self._folder / name, folder / name)
        except OSError as error:
            raise EncoderUnavailable(f"{self._folder / name} could not be copied: {error.strerror}") from error


def wanted_files(listing: Listing, *, kind: str) -> tuple[list[Listed], list[Listed]]:
    """(small files, weights) that are fetched; of weights safetensors, or the one pickle where there are none.

    Raises EncoderUnavailable for a repository without weights, with several pickles, or with a name that is none.
    """
    files = [one for one in listing.files if _PLAIN.fullmatch(one.name) and ".." not in one.name]
    at_top = [one for one in files if "/" not in one.name]
    small = [one for one in files if one.name.endswith(_SMALL) and one.size <= TABLE_BYTES and one.name != RECORD]
    small = [one for one in small if "/" not in one.name or one.name.endswith(".json")]
    weights = [one for one in at_top if one.name.endswith(".safetensors")]
    if kind == "open-clip":  # such a repository may hold the same weights in transformers' format too
        weights = [one for one in weights if one.name.startswith("open_clip")] or weights
    if not weights:
        pickles = [one for one in at_top if one.name.endswith(PICKLES)]
        known = [one for name in _KNOWN_PICKLES for one in pickles if one.name == name]
        weights = known[:1] or pickles
        if len(weights) > 1:
            names = ", ".join(one.name for one in weights[:4])
            raise EncoderUnavailable(f"{listing.repository} holds several pickles ({names}): copy one into a folder")
    if not weights:
        raise EncoderUnavailable(f"{listing.repository} holds no weights, neither .safetensors nor a pickle")
    if large := next((one for one in weights if one.size > WEIGHTS_BYTES), None):
        raise EncoderUnavailable(f"{large.name} has {large.size:,} bytes and may have {WEIGHTS_BYTES:,}")
    return small, weights


def fetch(
    repository: Repository,
    listing: Listing,
    folder: Path,
    *,
    entry: Published | None,
    kind: str,
    digest: str = "",
    tell: Tell | None = None,
) -> Fetched:
    """Bring a repository's files into a new folder, whole or not at all, and write down their digests.

    digest: sha256 that a file of weights must have, in place of the one that the table knows. Raises
    EncoderUnavailable for a digest that does not match, a disk without room, and weights that cannot be had.
    """
    small, weights = wanted_files(listing, kind=kind)
    pickled = weights[0].name.endswith(PICKLES)
    needed = sum(one.size for one in (*small, *weights)) + (weights[0].size if pickled else 0)
    make_folder(folder.parent)
    if (free := shutil.disk_usage(folder.parent).free) < needed + _SPARE:
        raise EncoderUnavailable(
            f"the weights take {needed / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free where {folder.parent} is"
        )
    with filled_folder(folder, prefix=".fetching-") as made:
        digests: dict[str, str] = {}
        checked: dict[str, str] = {}
        for number, one in enumerate((*small, *weights)):
            if tell is not None:
                tell(one.name, number, len(small) + len(weights))
            repository.bring(one.name, made)
            digests[one.name] = sha256_of(made / one.name)
            checked[one.name] = _held_against(one, made / one.name, digests[one.name])
        known = {digest} if digest else set()
        for one in weights:
            _hold_weights(one.name, digests[one.name], entry, known, checked)
        if known:
            stated = ", ".join(f"{one.name} {digests[one.name]}" for one in weights)
            raise EncoderUnavailable(f"no file of weights has the sha256 {digest}: {stated}; nothing was kept")
        converted = None
        if pickled:
            source = made / weights[0].name
            converted = convert_pickle(source, made / safe_name(source.name))
            digests[converted.file] = converted.after
            source.unlink()
        shutil.rmtree(made / ".cache", ignore_errors=True)
        unchecked = tuple(one.name for one in weights if not checked[one.name])
        done = Fetched(
            folder, listing.repository, listing.commit, listing.licence, digests, checked, converted, unchecked
        )
        write_durably(made / RECORD, (json.dumps(done.to_json(), indent=2) + "\n").encode())
    return done


def safe_name(pickle: str) -> str:
    """What a converted pickle is called: as programs of that format name safetensors."""
    return "open_clip_model.safetensors" if pickle.startswith("open_clip") else "model.safetensors"


def repository_of(folder: Path) -> str:
    """The repository that a fetched folder is from, "" where nothing says so."""
    return str(_record(folder).get("repository", ""))


def digests_of(folder: Path) -> dict[str, str]:
    """sha256 of each file that lies in a fetched folder, as it was written down."""
    record = _record(folder)
    digests, converted = record.get("digests"), record.get("converted")
    gone = converted.get("source") if isinstance(converted, dict) else None
    named = digests.items() if isinstance(digests, dict) else ()
    return {str(name): str(digest) for name, digest in named if name != gone}


def require_as_fetched(folder: Path) -> None:
    """Hold the files of a folder that was fetched against the digests that were written down then.

    A file is read once in a process as long as it does not change. Raises EncoderUnavailable.
    """
    again = "remove the folder and fetch it again: 'spinecho encoders try'"
    digests = digests_of(folder)
    if not digests:
        raise EncoderUnavailable(f"{folder / RECORD} is damaged, so nothing says what was fetched; {again}")
    for name, digest in digests.items():
        path = folder / name
        if not path.is_file() or hub.files_digest([path]) != digest:
            raise EncoderUnavailable(f"{path} is missing, or is not the file that was fetched; {again}")


def _record(folder: Path) -> dict[str, Any]:
    try:
        stated = json.loads(read_small(folder / RECORD, ValueError))
    except (OSError, ValueError, RecursionError):
        return {}
    return stated if isinstance(stated, dict) else {}


def _held_against(listed: Listed, path: Path, digest: str) -> str:
    """What the digest of a file was held against, "" for nothing. Raises EncoderUnavailable where it differs."""
    if listed.sha256:
        if digest != listed.sha256:
            raise EncoderUnavailable(
                f"{listed.name} has the sha256 {digest}, and its repository states {listed.sha256}: it was changed or "
                "cut short on its way; nothing was kept, fetch it again"
            )
        return "sha256 of the repository"
    if listed.blob:
        if _git_blob(path) != listed.blob:
            raise EncoderUnavailable(
                f"{listed.name} is not the file that its repository lists; nothing was kept, fetch it again"
            )
        return "Git's digest of the repository"
    return ""


def _hold_weights(name: str, digest: str, entry: Published | None, given: set[str], checked: dict[str, str]) -> None:
    """Hold weights against the digest that was given, or else the one of the table."""
    if digest in given:
        given.discard(digest)
        checked[name] = "the digest that was given"
    elif not given and entry is not None and name in entry.sha256:
        if entry.sha256[name] != digest:
            raise EncoderUnavailable(
                f"{name} of {entry.repository} has the sha256 {digest}, and {entry.sha256[name]} is known: its authors "
                "have changed it, or somebody else has; nothing was kept. Ask them, and where you trust it give "
                f"--digest {digest}"
            )
        checked[name] = "the digest that Spinecho knows"


def _git_blob(path: Path) -> str:
    """Git's name of a file's content."""
    made = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    for part in _parts(path):
        made.update(part)
    return made.hexdigest()


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            yield part
