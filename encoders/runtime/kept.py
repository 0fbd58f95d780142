"""Exported graphs in the account's cache: made once, checked by digest whenever one is opened.

A card, named for the weights and the version of the code that exports them, names the graph by its sha256, which is
also the graph's file name. Both are put in place by a rename, the graph first; so however many processes export at
once, a card always names a graph that is whole. Where nothing can be kept the graph is made at every start instead.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from spinecho.db.durable import drop_abandoned, durable_replace, held, make_folder
from spinecho.encoders.runtime.graph import OPSET
from spinecho.encoders.runtime.notices import notify_once
from spinecho.encoders.sandbox.limits import read_small

SETTING = "SPINECHO_CACHE"
_GRAPH_BYTES = 256 << 20
_NOT_KEPT = (
    "exported networks cannot be kept in {folder} ({why}), so they are made at every start; give this account the "
    f"right to write there, or set {SETTING} to another folder"
)
_DIGEST = re.compile(r"[0-9a-f]{64}")


class _Damaged(ValueError):
    """A card or a graph that is not what it was."""


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where exported graphs are kept: SPINECHO_CACHE, else `spinecho` in XDG_CACHE_HOME or ~/.cache. Raises OSError."""
    given = environment.get(SETTING)
    if given:
        return Path(given).expanduser().absolute() / "networks"
    base = environment.get("XDG_CACHE_HOME") or ""
    try:
        cache = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    except RuntimeError as error:
        raise OSError(errno.ENOENT, "this account has no home folder") from error
    return cache / "spinecho" / "networks"


def kept_graph(
    name: str, weights: str, version: int, make: Callable[[], bytes], *, folder: Path | None = None
) -> bytes:
    """The graph of these weights (their sha256): the kept one where its digest is right, else as `make` gives it.

    What `make` raises is raised. A folder that cannot be written, and a kept graph that was changed, are logged once.
    """
    try:
        folder = cache_folder() if folder is None else folder
    except OSError as error:
        notify_once("not kept", _NOT_KEPT.format(folder="the account's cache", why=error.strerror))
        return make()
    card = folder / f"{name}-{weights[:16]}-{version}.json"
    try:
        return _read(folder, card, weights)
    except OSError:  # nothing there, or nobody may read it: keeping it will say so
        pass
    except _Damaged as error:
        notify_once(f"damaged {card}", f"the exported network {name} is not what was kept ({error}); exporting it anew")
    graph = make()
    try:
        _keep(folder, card, graph, weights)
    except OSError as error:
        notify_once("not kept", _NOT_KEPT.format(folder=folder, why=error.strerror))
    return graph


def _read(folder: Path, card: Path, weights: str) -> bytes:
    try:
        stated = json.loads(read_small(card, _Damaged))
    except (ValueError, RecursionError) as error:
        raise _Damaged("its card cannot be read") from error
    digest = stated.get("graph") if isinstance(stated, dict) else None
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest) or stated.get("weights") != weights:
        raise _Damaged("its card names no graph of these weights")
    try:
        graph = read_small(folder / f"{digest}.onnx", _Damaged, most=_GRAPH_BYTES)
    except FileNotFoundError as error:
        raise _Damaged("the graph that its card names is gone") from error
    if hashlib.sha256(graph).hexdigest() != digest:
        raise _Damaged(f"its sha256 is not {digest[:8]}")
    return graph


def _keep(folder: Path, card: Path, graph: bytes, weights: str) -> None:
    make_folder(folder, mode=0o700)
    digest = hashlib.sha256(graph).hexdigest()
    _put(folder / f"{digest}.onnx", graph)
    _put(card, json.dumps({"graph": digest, "weights": weights, "opset": OPSET}, indent=1).encode())


def _put(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, beside others that do the same: each has an unfinished file of its own."""
    drop_abandoned(path.parent, ".unfinished-*")

    def make() -> tuple[int, Path]:
        new, name = tempfile.mkstemp(dir=path.parent, prefix=".unfinished-")  # 0600
        return new, Path(name)

    handle, unfinished = held(make)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            durable_replace(unfinished, path)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise
