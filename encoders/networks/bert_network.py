"""A BERT-family network, from token ids to states: a plain one on a CPU by ONNX Runtime, any other by PyTorch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.networks.bert_weights import QKV, bert_arrays, is_plain_bert
from spinecho.encoders.networks.low_rank import LowRank
from spinecho.encoders.networks.model_files import ModelFiles, weights_digest
from spinecho.encoders.runtime.frozen import Arrays, Compute, Exportable, FrozenNetwork
from spinecho.encoders.runtime.graph import RUNTIME_DOMAIN, Graph
from spinecho.encoders.runtime.notices import wanted_runtime

if TYPE_CHECKING:
    import torch

_VERSION = 1


def text_network(
    files: ModelFiles, device: torch.device | None, *, change: LowRank | None = None
) -> FrozenNetwork:  # fmt: skip
    """From "ids" and "mask", both (n, tokens) int64, 0 for padding, to the last states, (n, tokens, width) float32.

    device: None for the CPU, where torch is not loaded unless it has to compute. change: added to the weights of a
    plain network. Raises EncoderUnavailable when called.
    """
    exportable = None
    if device is None and is_plain_bert(files.config) and wanted_runtime() == "onnx":
        exportable = _exportable(files, change)
    return FrozenNetwork(exportable, lambda: _by_torch(files, device, change))


def _exportable(files: ModelFiles, change: LowRank | None) -> Exportable:
    arrays: dict[str, NDArray[np.float32]] = {}

    def weights() -> Arrays:
        arrays.update(_arrays(files, change))
        return arrays

    ids = np.array([[1, 2, 3, 2, 4, 5], [2, 1, 4, 0, 0, 0]], np.int64)
    mask = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]], np.int64)
    return Exportable(
        name=f"{'changed' if change else 'text'}-{_shape(files)}",
        revision=lambda: _revision(files, change),
        version=_VERSION,
        graph=lambda: bert_graph({name: one.shape for name, one in arrays.items()}, files),
        weights=weights,
        example={"ids": ids, "mask": mask},
        to_compare=lambda found: [(found[0] * mask[:, :, None]).sum(axis=1)],
    )


def _revision(files: ModelFiles, change: LowRank | None) -> str:
    base = weights_digest(files)
    return base if change is None else hashlib.sha256(f"{base} {change.digest}".encode()).hexdigest()


def _arrays(files: ModelFiles, change: LowRank | None) -> dict[str, NDArray[np.float32]]:
    arrays = bert_arrays(files)
    return change.applied(arrays) if change else arrays


def _shape(files: ModelFiles) -> str:
    """What the graph depends on beside the weights."""
    stated = [files.config.get(name) for name in ("num_attention_heads", "num_hidden_layers", "layer_norm_eps")]
    return hashlib.sha256(json.dumps(stated).encode()).hexdigest()[:8]


def bert_graph(shapes: Mapping[str, tuple[int, ...]], files: ModelFiles) -> bytes:
    """The forward pass of `networks.bert` as a graph, to which its weights are handed at loading."""
    config, graph = files.config, Graph()
    heads, layers = int(config["num_attention_heads"]), int(config["num_hidden_layers"])
    eps = float(config.get("layer_norm_eps", 1e-12))
    width = shapes["embeddings.word_embeddings.weight"][1]

    def weight(name: str) -> str:
        return graph.weight(name, shapes[name])

    def linear(x: str, name: str) -> str:
        return graph.node("Gemm", x, weight(name + ".weight"), weight(name + ".bias"), transB=1)

    def norm(x: str, name: str) -> str:
        both = weight(name + ".weight"), weight(name + ".bias")
        return graph.node("LayerNormalization", x, *both, axis=-1, epsilon=eps)

    shape = graph.node("Shape", "ids")
    zero, one, two = (graph.constant(np.array([n], np.int64)) for n in range(3))
    length = graph.node("Slice", shape, one, two)
    places = graph.node("Slice", weight("embeddings.position_embeddings.weight"), zero, length, zero)
    kinds = graph.node("Gather", weight("embeddings.token_type_embeddings.weight"), graph.constant(np.int64(0)))
    words = graph.node("Gather", weight("embeddings.word_embeddings.weight"), "ids")
    x = norm(graph.node("Add", words, graph.node("Add", places, kinds)), "embeddings.LayerNorm")
    rows = graph.constant(np.array([-1, width], np.int64))
    whole = graph.node("Concat", shape, graph.constant(np.array([width], np.int64)), axis=0)
    seen = graph.node("Cast", "mask", to=6)  # int32
    x = graph.node("Reshape", x, rows)
    for layer in range(layers):
        at = f"encoder.layer.{layer}."
        split = [graph.node("Reshape", linear(x, f"{at}attention.self.{part}"), whole) for part in QKV]
        heard = graph.node("MultiHeadAttention", *split, "", seen, num_heads=heads, domain=RUNTIME_DOMAIN)
        heard = linear(graph.node("Reshape", heard, rows), at + "attention.output.dense")
        x = norm(graph.node("Add", x, heard), at + "attention.output.LayerNorm")
        wide = graph.node("Gelu", linear(x, at + "intermediate.dense"))
        x = norm(graph.node("Add", x, linear(wide, at + "output.dense")), at + "output.LayerNorm")
    graph.node("Reshape", x, whole, output="states")
    axes = ("texts", "tokens")
    return graph.finish({"ids": (np.int64, axes), "mask": (np.int64, axes)}, {"states": 3})


def _by_torch(files: ModelFiles, device: torch.device | None, change: LowRank | None) -> Compute:
    import torch  # noqa: PLC0415

    from spinecho.encoders.networks.bert import load_changed, load_network  # noqa: PLC0415

    place = device or torch.device("cpu")
    network = load_network(files, place) if change is None else load_changed(files, _arrays(files, change), place)

    def compute(inputs: Arrays) -> Sequence[NDArray[np.float32]]:
        with torch.inference_mode():
            ids, mask = (torch.from_numpy(inputs[name]).to(place) for name in ("ids", "mask"))
            states: NDArray[np.float32] = network(ids, mask).float().cpu().numpy()
        return [states]

    return compute
