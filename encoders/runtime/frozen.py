"""A frozen network that ONNX Runtime computes, with PyTorch's as its reference and its stand-in."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.errors import EncoderUnavailable
from spinecho.encoders.runtime.kept import kept_graph
from spinecho.encoders.runtime.notices import MISSING, notify_once, wanted_runtime
from spinecho.errors import SettingsError
from spinecho.threads import thread_budget

Arrays = Mapping[str, NDArray[Any]]
Compute = Callable[[Arrays], Sequence[NDArray[np.float32]]]
"""From inputs by name to outputs in order. Any number of threads may call one at once."""
_FURTHEST = 1e-4
"""Cosine distance from the reference that an export may have; numbers of 32 bits differ by 1e-7 or so."""


@dataclass(frozen=True, slots=True)
class Exportable:
    """How a network becomes a graph."""

    name: str
    revision: Callable[[], str]
    """sha256 of the weights."""
    version: int
    """Raised when `graph` makes another graph of the same weights."""
    graph: Callable[[], bytes]
    weights: Callable[[], Arrays]
    """What the graph is handed at loading: the weights that do not stand in it."""
    example: Arrays
    """Inputs on which an export is held against the reference, before it is kept."""
    to_compare: Callable[[Sequence[NDArray[np.float32]]], Sequence[NDArray[np.float32]]]
    """From the outputs for the example to rows that are compared."""


class FrozenNetwork:
    """Opened when it is first asked. Calls from several threads are safe, and give what one alone gives.

    exportable: None for a network that PyTorch computes in any case. reference: opens PyTorch's network; what it raises
    is raised. Where the runtime is missing or fails, the reference answers from then on, and a warning is logged once.
    """

    def __init__(self, exportable: Exportable | None, reference: Callable[[], Compute]) -> None:
        self._exportable = exportable
        self._reference = reference
        self._lock = threading.Lock()
        self._compute: Compute | None = None
        self._runtime = ""

    @property
    def runtime(self) -> str:
        """Which computes: "onnx" or "torch"; "" before the first call."""
        return self._runtime

    def __call__(self, inputs: Arrays) -> Sequence[NDArray[np.float32]]:
        """The outputs for these inputs."""
        compute = self._compute or self._opened()
        try:
            return compute(inputs)
        except Exception as error:  # the runtime's errors have no common kind
            if self._runtime != "onnx":
                raise
            self._fails(error)
        return self._opened(torch=True)(inputs)

    def _opened(self, *, torch: bool = False) -> Compute:
        with self._lock:
            if self._compute is None or (torch and self._runtime == "onnx"):
                found = None if torch or self._exportable is None else self._by_runtime(self._exportable)
                self._runtime = "torch" if found is None else "onnx"
                self._compute = found or self._reference()
            return self._compute

    def _by_runtime(self, network: Exportable) -> Compute | None:
        if wanted_runtime() != "onnx":
            return None
        try:
            _library()
        except ImportError:
            notify_once("missing", MISSING)
            return None
        try:
            weights = network.weights()
            made: list[Compute] = []
            graph = kept_graph(
                network.name, network.revision(), network.version, lambda: self._exported(network, weights, made)
            )
            return made[0] if made else open_graph(graph, weights)
        except (EncoderUnavailable, SettingsError):
            raise
        except Exception as error:
            self._fails(error)
            return None

    def _exported(self, network: Exportable, weights: Arrays, made: list[Compute]) -> bytes:
        """A graph that gives what the reference gives."""
        graph = network.graph()
        compute, reference = open_graph(graph, weights), self._reference()
        ours, theirs = (network.to_compare(one(network.example)) for one in (compute, reference))
        furthest = max(map(furthest_rows, ours, theirs))
        if not furthest <= _FURTHEST:
            raise ValueError(f"its vectors are {furthest:.1e} from PyTorch's")
        made.append(compute)
        return graph

    def _fails(self, error: Exception) -> None:
        name = self._exportable.name if self._exportable else "network"
        detail = " ".join(str(error).split())[:200]
        notify_once(
            f"failed {name}",
            f"ONNX Runtime cannot compute the network {name} ({type(error).__name__}: {detail}), so PyTorch does: the "
            "same vectors, more slowly; 'pip install --upgrade onnxruntime onnx' may mend it",
        )


def furthest_rows(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    """The largest cosine distance between rows of like number; nan where one is not a number."""
    if ours.shape != theirs.shape:
        return float("inf")
    a, b = (np.asarray(one, np.float64).reshape(len(one), -1) for one in (ours, theirs))
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.max(1.0 - (a * b).sum(axis=1) / np.maximum(lengths, 1e-12), initial=0.0))


def _library() -> Any:
    """ONNX Runtime, told to send nothing to its makers, as its wheels do by themselves. Raises `ImportError`.

    `disable_telemetry_events` alone stops what comes later: its import has begun a sender and a file of events by then.
    https://github.com/microsoft/onnxruntime/pull/27379
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read once, at its import
    import onnxruntime  # noqa: PLC0415

    onnxruntime.disable_telemetry_events()
    return onnxruntime


def open_graph(graph: bytes, weights: Arrays) -> Compute:
    """A graph ready to compute, within the thread budget. What the runtime raises is raised."""
    onnxruntime = _library()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = thread_budget()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors, which are raised too
    # Threads that spin while they wait take the cores from reading processes and from other requests.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if weights:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in weights.values()]
        options.add_external_initializers(list(weights), values)
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def compute(inputs: Arrays) -> Sequence[NDArray[np.float32]]:
        found: Sequence[NDArray[np.float32]] = session.run(None, dict(inputs))
        return found

    return compute
