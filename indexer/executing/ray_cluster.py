"""A `Transport` over a Ray cluster. Alone imports ray; everything that is handed to it is bytes.

Series are read by Ray tasks, each in a child process with its limits, as on one machine. Encoders are actors. Ray is
told to try nothing again: whoever asked counts how often something was lost.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import re
import signal
import socket
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.registry import open_encoder
from spinecho.encoders.sandbox.environment import ROOT
from spinecho.encoders.sandbox.processes import Sandbox
from spinecho.indexer.executing.errors import ClusterError, ClusterUnfit
from spinecho.indexer.executing.pulse import Pulse
from spinecho.indexer.executing.transport import EncoderName, Handle, Lost
from spinecho.indexer.executing.wire import encode_there, read_there, told

try:
    import ray
    from ray.exceptions import ActorDiedError, ActorUnavailableError, GetTimeoutError, RayError, RayTaskError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError as error:
    raise ClusterUnfit(
        "--ray needs Ray: pip install -c constraints.txt 'spinecho[ray]', here and on every node"
    ) from error

_READS, _ENCODES = 0.9, 0.01
"""Of a processor, as Ray counts them: one reader a processor, beside whatever encoders there are. These take what the
system gives them, so that those of a node that is gone, opened anew on another, leave its processors to read with.
"""
_LOOK_SECONDS = 120.0
_CONNECT_SECONDS = 10.0
_LEAVING = "leaving a cluster"
"""The thread of whom the entry point of the command knows that it may never end."""
_NO_END = "RAY_gcs_rpc_server_reconnect_timeout_s"
"""Of this long without its head Ray ends the process that asks, after a minute: nothing is told then, nor settled."""
_ADDRESS = re.compile(r"auto|[\w.-]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")


class RayCluster:
    """Made by `connected`."""

    def __init__(self, encoder: EncoderName, pulse: Pulse, *, encoders: int | None, memory_mb: int | None) -> None:
        self._memory_mb, self._pulse = memory_mb, pulse
        total = ray.cluster_resources()
        processors, cards = float(total.get("CPU", 0)), int(total.get("GPU", 0))
        with_cards = encoder.device != "cpu" and cards > 0
        if encoder.device.startswith("cuda") and not cards:
            raise ClusterUnfit("no node of the cluster has a card that Ray knows of; use --device cpu")
        self.encoders = encoders or (cards if with_cards else max(1, int(processors)))
        self.readers = int((processors - self.encoders * _ENCODES) / _READS)
        if self.readers < 1:
            raise ClusterUnfit(
                f"the cluster has {processors:.0f} processors to lend, and {self.encoders} encoders leave none to "
                "read with: ask for fewer (--ray-encoders), or start a node ('ray start --address=HOST:6379')"
            )
        name = EncoderName(encoder.name, "cuda" if with_cards else "cpu", encoder.text_model)
        self._spec = json.dumps(asdict(name)).encode()
        self._read = ray.remote(_read).options(
            num_cpus=_READS, num_returns=2, max_retries=0, scheduling_strategy="SPREAD"
        )
        self._encoder = ray.remote(_Encoder).options(
            num_cpus=_ENCODES, num_gpus=1 if with_cards else 0, max_restarts=0, max_task_retries=0,
            scheduling_strategy="SPREAD",
        )  # fmt: skip
        self._actors: dict[int, Any] = {}
        self._were_read: dict[Handle, Any] = {}

    def open(self, encoder: int) -> Handle:
        """As `Transport.open`."""
        if (before := self._actors.pop(encoder, None)) is not None:
            with contextlib.suppress(RayError):
                ray.kill(before)
        actor = self._actors[encoder] = self._encoder.remote(self._spec)
        handle: Handle = actor.tell.remote()
        return handle

    def read(self, request: bytes) -> Handle:
        """As `Transport.read`."""
        state: Handle
        state, read = self._read.remote(request, self._memory_mb)
        self._were_read[state] = read
        return state

    def encode(self, encoder: int, read: Sequence[Handle]) -> Handle:
        """As `Transport.encode`."""
        parts = [self._were_read.pop(one) for one in read]
        handle: Handle = self._actors[encoder].encode.remote(*parts)
        return handle

    def wait(self, handles: Collection[Handle], seconds: float) -> list[Handle]:
        """As `Transport.wait`."""
        asked = list(handles)
        try:
            found, left = self._pulse.beside(lambda: ray.wait(asked, num_returns=1, timeout=seconds, fetch_local=False))
            if found and left:
                found += ray.wait(left, num_returns=len(left), timeout=0, fetch_local=False)[0]
        except RayError as error:
            raise ClusterError(
                f"the cluster cannot be asked any more ({type(error).__name__}); look at it ('ray status'), and "
                "run the same command again: what is stored stays"
            ) from error
        return list(found)

    def result(self, handle: Handle) -> bytes:
        """As `Transport.result`."""
        try:
            return bytes(self._pulse.beside(lambda: ray.get(handle)))
        except RayError as error:
            self._were_read.pop(handle, None)
            cause = getattr(error, "cause", None)
            if isinstance(error, RayTaskError) and not isinstance(cause, RayError):
                raise  # a fault of ours
            lost = cause if isinstance(cause, RayError) else error
            gone = isinstance(lost, ActorDiedError | ActorUnavailableError)
            raise Lost(type(lost).__name__, encoder=gone) from error


@contextmanager
def connected(
    address: str,
    encoder: EncoderName,
    folders: Sequence[Path],
    *,
    encoders: int | None = None,
    memory_mb: int | None = None,
) -> Iterator[RayCluster]:
    """A cluster, as a driver on one of its nodes.

    encoders: how many, None for one a card, or without cards one a processor. Raises `ClusterError` where no cluster
    answers at the address, `ClusterUnfit` for a node that has another version, or does not see the folders.
    """
    if not _ADDRESS.fullmatch(address):
        raise ClusterUnfit(
            f"--ray {address!r} is none: give HOST:PORT of a cluster that this machine is a node of, or auto; "
            "a machine that lends no processor joins by 'ray start --address=HOST:6379 --num-cpus=0'"
        )
    if ray.is_initialized():
        raise ClusterUnfit("this process is connected to a cluster already; ray.shutdown() ends that")
    with _signals_kept():
        try:
            if address != "auto":  # Ray tries for minutes
                socket.create_connection(_parts(address), timeout=_CONNECT_SECONDS).close()
            with contextlib.chdir(ROOT):  # Ray has its processes take modules from where its driver stands
                os.environ.setdefault(_NO_END, "86400")
                ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
        except (OSError, RayError, RuntimeError, ValueError) as error:
            raise ClusterError(
                f"no Ray cluster answers at {address} ({type(error).__name__}); this machine has to be a node of "
                "it: 'ray start --address=HOST:6379 --num-cpus=0' makes it one that lends nothing"
            ) from error
        with Pulse(ray.nodes) as pulse:
            try:
                _look_at_nodes([str(one) for one in folders])
                yield RayCluster(encoder, pulse, encoders=encoders, memory_mb=memory_mb)
            finally:
                _left()


def _left() -> None:
    """Disconnect; from a cluster that says nothing Ray would try that for ever, at the end of the process too."""
    leaving = threading.Thread(target=ray.shutdown, name=_LEAVING, daemon=True)
    leaving.start()
    leaving.join(_CONNECT_SECONDS)
    if leaving.is_alive():
        atexit.unregister(ray.shutdown)


def _parts(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _look_at_nodes(folders: Sequence[str]) -> None:
    """Raise `ClusterUnfit` for a node that cannot do what this one would."""
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0)]
    look = ray.remote(_look)
    asked = {
        node["NodeManagerHostname"] + " " + node["NodeManagerAddress"]: look.options(
            num_cpus=0, max_retries=1, scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(list(folders))
        for node in nodes
    }
    for name, handle in asked.items():
        try:
            found = json.loads(ray.get(handle, timeout=_LOOK_SECONDS))
        except GetTimeoutError as error:
            raise ClusterError(
                f"node {name} did not answer in {_LOOK_SECONDS:.0f} s; look at it ('ray status')"
            ) from error
        except RayTaskError as error:  # no module of this name, most often
            raise ClusterUnfit(
                f"node {name} cannot run Spinecho ({type(error.cause).__name__}); install the same version there, with "
                "the extra ray, in the environment that started Ray"
            ) from error
        except RayError as error:
            raise ClusterError(f"node {name} was lost ({type(error).__name__}); run it again") from error
        if found["version"] != version("spinecho"):
            raise ClusterUnfit(
                f"node {name} has Spinecho {found['version']}, this one {version('spinecho')}: install one"
            )
        if found["missing"]:
            raise ClusterUnfit(
                f"node {name} does not see {found['missing'][0]}: mount the same folders at the same paths on every "
                "node, or take the node out ('ray stop')"
            )


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray takes SIGTERM for itself; afterwards it is whose it was."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


# What runs on the nodes.

_sandboxes: dict[int | None, Sandbox] = {}
"""Of this process: the child that reads stays for the next series."""


def _look(folders: list[str]) -> bytes:
    missing = [folder for folder in folders if not Path(folder).is_dir() or not os.access(folder, os.R_OK)]
    return json.dumps({"version": version("spinecho"), "missing": missing}).encode()


def _read(request: bytes, memory_mb: int | None) -> tuple[bytes, bytes]:
    if memory_mb not in _sandboxes:
        _sandboxes[memory_mb] = Sandbox(memory_mb=memory_mb)
    return read_there(request, _sandboxes[memory_mb])


class _Encoder:
    """An actor that has the networks."""

    def __init__(self, spec: bytes) -> None:
        os.environ.setdefault("SPINECHO_THREADS", os.environ.get("OMP_NUM_THREADS") or "1")
        self._name = EncoderName(**json.loads(spec))
        self._dual: DualEncoder | None = None

    def tell(self) -> bytes:
        """Open the networks; what they are."""
        name = self._name
        self._dual, said = told(lambda: open_encoder(name.name, device=name.device, text_model=name.text_model))
        return said

    def encode(self, *read: bytes) -> bytes:
        """Jobs that were read, encoded together."""
        if self._dual is None:
            raise RuntimeError("the encoder was not opened")
        return encode_there(self._dual, read)
