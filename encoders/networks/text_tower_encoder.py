"""The text tower of the shared space: a small trained transformer over a frozen sentence encoder's token states.

On a CPU it is computed by ONNX Runtime, so that a search by words does without torch, which is slow to import and
large; `text_tower` holds the network that is trained, which is the reference.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spinecho.encoders.checkpoint import CONFIG, CheckpointError, load_arrays
from spinecho.encoders.networks.text_chunks import KIND, TextTowerConfig, TokenStates, chunks, sentences_of
from spinecho.encoders.runtime.frozen import Arrays, Compute, Exportable, FrozenNetwork
from spinecho.encoders.runtime.graph import RUNTIME_DOMAIN, Graph
from spinecho.encoders.space import Space, Vectors

_VERSION = 1


class TextTowerEncoder:
    """An `Encoder[str]` in the image tower's space. A text's vector does not depend on its neighbours.

    Dimensions that the image tower has beyond those that were aligned say nothing of text: they are 0.
    """

    def __init__(self, network: FrozenNetwork, config: TextTowerConfig, frozen: TokenStates, *, space: Space) -> None:
        if config.states != frozen.width:
            raise ValueError(f"the tower reads states of {config.states}, the encoder gives {frozen.width}")
        self.space = space
        self._network, self._config, self._frozen = network, config, frozen

    @classmethod
    def load(cls, folder: Path, frozen: TokenStates, *, space: Space, device: str = "cpu") -> TextTowerEncoder:
        """The encoder whose checkpoint lies in `folder`, beside the image tower whose `space` it shares.

        Raises CheckpointError for a damaged checkpoint, and for one trained on another frozen encoder's states.
        """
        card, weights = load_arrays(folder, kind=KIND)
        try:
            config = TextTowerConfig(**card.config)
        except (TypeError, ValueError) as error:
            raise CheckpointError(f"{folder}: {error}; it was written by another version") from error
        trained_on = card.preparation.get("revision")
        if trained_on != frozen.space.revision:
            raise CheckpointError(
                f"{folder} was trained on the token states of {card.preparation.get('model')} ({str(trained_on)[:8]}), "
                f"not on {frozen.space.model} ({frozen.space.revision[:8]}); install the encoder it names"
            )
        if card.dim != config.dim or config.dim > space.dim:
            raise CheckpointError(f"{folder}: {card.dim} dimensions, the image tower gives {space.dim}; save both anew")
        shapes = tower_shapes(config)
        if {name: value.shape for name, value in weights.items()} != shapes:
            raise CheckpointError(f"{folder}: the weights do not fit the sizes in {CONFIG}; save the checkpoint again")
        exportable = _exportable(config, weights, card.sha256) if device == "cpu" else None
        network = FrozenNetwork(exportable, lambda: _by_torch(folder, device))
        return cls(network, config, frozen, space=space)

    def encode(self, items: Sequence[str], /) -> Vectors:
        """(n, dim) float32 unit rows."""
        vectors = np.zeros((len(items), self.space.dim), np.float32)
        for number, text in enumerate(items):
            vectors[number, : self._config.dim] = self._one(text)
        return vectors

    def _one(self, text: str) -> NDArray[np.float32]:
        total = np.zeros(self._config.dim, np.float32)
        for states, sentence in chunks(self._frozen.token_states(sentences_of(text)), self._config):
            (vector,) = self._network({"states": states, "sentence": sentence})
            total += len(sentence) * _unit(vector[0])
        return _unit(total)


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vector / max(float(np.linalg.norm(vector)), 1e-12)
    return unit


def tower_shapes(config: TextTowerConfig) -> dict[str, tuple[int, ...]]:
    """The names of the weights and their shapes, as torch names and saves them."""
    width = config.width

    def norm(name: str, size: int = width) -> dict[str, tuple[int, ...]]:
        return {f"{name}.weight": (size,), f"{name}.bias": (size,)}

    def linear(name: str, rows: int, columns: int = width) -> dict[str, tuple[int, ...]]:
        return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}

    shapes = {"sentence.weight": (config.most_sentences, width)} | norm("enter.0", config.states)
    shapes |= linear("enter.1", width, config.states)
    for layer in range(config.depth):
        at = f"layers.{layer}."
        shapes |= {f"{at}self_attn.in_proj_weight": (3 * width, width), f"{at}self_attn.in_proj_bias": (3 * width,)}
        shapes |= linear(f"{at}self_attn.out_proj", width) | linear(f"{at}linear1", 4 * width)
        shapes |= linear(f"{at}linear2", width, 4 * width) | norm(f"{at}norm1") | norm(f"{at}norm2")
    shapes |= norm("norm") | linear("weigh", config.heads) | linear("value", width)
    return shapes | linear("project", config.dim)


def tower_graph(config: TextTowerConfig) -> bytes:
    """`TextTower.forward` for one chunk without padding: "states" (t, states), "sentence" (t,) to "vector" (1, dim)."""
    graph, shapes, width = Graph(), tower_shapes(config), config.width

    def weight(name: str) -> str:
        return graph.weight(name, shapes[name])

    def linear(x: str, name: str, joint: str = ".") -> str:
        return graph.node("Gemm", x, weight(f"{name}{joint}weight"), weight(f"{name}{joint}bias"), transB=1)

    def norm(x: str, name: str) -> str:
        both = weight(f"{name}.weight"), weight(f"{name}.bias")
        return graph.node("LayerNormalization", x, *both, axis=-1, epsilon=1e-5)

    def shaped(x: str, *shape: int) -> str:
        return graph.node("Reshape", x, graph.constant(np.array(shape, np.int64)))

    last = graph.constant(np.array(config.most_sentences - 1, np.int64))
    place = graph.node("Gather", weight("sentence.weight"), graph.node("Min", "sentence", last))
    x = graph.node("Add", linear(norm("states", "enter.0"), "enter.1"), place)
    for layer in range(config.depth):
        at = f"layers.{layer}."
        asked = linear(norm(x, f"{at}norm1"), f"{at}self_attn.in_proj", "_")
        thirds = [
            graph.node("Slice", asked, *(graph.constant(np.array([n], np.int64)) for n in (start, start + width, 1)))
            for start in range(0, 3 * width, width)
        ]
        split = [shaped(part, 1, -1, width) for part in thirds]
        heard = graph.node("MultiHeadAttention", *split, num_heads=config.heads, domain=RUNTIME_DOMAIN)
        x = graph.node("Add", x, linear(shaped(heard, -1, width), f"{at}self_attn.out_proj"))
        wide = graph.node("Gelu", linear(norm(x, f"{at}norm2"), f"{at}linear1"))
        x = graph.node("Add", x, linear(wide, f"{at}linear2"))
    x = norm(x, "norm")
    shares = shaped(graph.node("Softmax", linear(x, "weigh"), axis=0), -1, config.heads, 1)
    votes = graph.node("Mul", shaped(linear(x, "value"), -1, config.heads, width // config.heads), shares)
    summed = graph.node("ReduceSum", votes, graph.constant(np.array([0], np.int64)), keepdims=0)
    both = weight("project.weight"), weight("project.bias")
    graph.node("Gemm", shaped(summed, 1, width), *both, transB=1, output="vector")
    return graph.finish(
        {"states": (np.float32, ("tokens", "width")), "sentence": (np.int64, ("tokens",))}, {"vector": 2}
    )


def _exportable(config: TextTowerConfig, weights: Mapping[str, NDArray[np.float32]], digest: str) -> Exportable:
    sizes = hashlib.sha256(json.dumps(asdict(config)).encode()).hexdigest()[:8]
    states = np.random.default_rng(0).normal(size=(5, config.states)).astype(np.float32)
    return Exportable(
        name=f"words-{sizes}",
        revision=lambda: digest,
        version=_VERSION,
        graph=lambda: tower_graph(config),
        weights=lambda: weights,
        example={"states": states, "sentence": np.array([0, 0, 1, 1, config.most_sentences], np.int64)},
        to_compare=lambda found: found,
    )


def _by_torch(folder: Path, device: str) -> Compute:
    import torch  # noqa: PLC0415  (slow to import)

    from spinecho.encoders.networks.text_tower import load_text_tower  # noqa: PLC0415

    tower = load_text_tower(folder).to(device)

    def compute(inputs: Arrays) -> Sequence[NDArray[np.float32]]:
        states, sentence = (torch.from_numpy(inputs[name])[None].to(device) for name in ("states", "sentence"))
        with torch.inference_mode():
            filled = torch.ones(sentence.shape, dtype=torch.bool, device=device)
            vector: NDArray[np.float32] = tower(states, sentence, filled).float().cpu().numpy()
        return [vector]

    return compute
