"""EfficientNet-Lite2 over grey slices: by ONNX Runtime on a CPU, with PyTorch as the reference.

In the graph, batch norms are folded into the convolutions before them, and the three colours of the first one, which
all see the same grey, into one: the same function, with a third of the first layer's work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spinecho.encoders.runtime.frozen import Arrays, Compute, Exportable, FrozenNetwork
from spinecho.encoders.runtime.graph import Graph

Output = Literal["stages", "pooled"]
"""What is told of each slice: stages of stride 8, 16 and 32; or the mean of the last layer's features."""
_KEPT = (6, 14)
"""Blocks after which the fine and the middle stage are taken; the coarse one is what the last block gives."""
_STAGES = ("fine", "middle", "coarse")
_VERSION = 1


def slice_network(output: Output, backbone: Callable[[], Any], revision: Callable[[], str]) -> FrozenNetwork:
    """From "pictures", (n, side, side) uint8, to float32: three stages (n, channels, cells, cells), or (n, 1280).

    For a CPU. backbone: opens PyTorch's network, of whose weights `revision` gives the sha256.
    """
    exportable = Exportable(
        name=f"slices-{output}",
        revision=revision,
        version=_VERSION,
        graph=lambda: slice_graph(backbone(), output),
        weights=dict,
        example={"pictures": _example()},
        to_compare=lambda found: found,
    )
    return FrozenNetwork(exportable, lambda: _by_torch(output, backbone()))


def normalised(pictures: Tensor) -> Tensor:
    """(n, side, side) grey values of 0 to 255 as the network takes them: (n, 3, side, side) float32."""
    return ((pictures.float() - 127.0) / 128.0)[:, None].repeat(1, 3, 1, 1)


def stages_of(network: Any, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Fine, middle and coarse stage of normalised pictures, by PyTorch."""
    x = network._swish(network._bn0(network._conv_stem(pictures)))
    kept = []
    for number, block in enumerate(network._blocks):
        x = block(x)
        if number in _KEPT:
            kept.append(x)
    return kept[0], kept[1], x


def slice_graph(network: Any, output: Output) -> bytes:
    """The network's function as a graph, its weights within. network: EfficientNet in eval mode, on the CPU."""
    graph = Graph()
    low, high = graph.constant(np.float32(0)), graph.constant(np.float32(6))

    def convolved(x: str, convolution: Any, norm: Any, *, clipped: bool = True, grey: bool = False) -> str:
        weight, bias = _folded(convolution, norm)
        if grey:
            weight = weight.sum(axis=1, keepdims=True)
        left, right, top, bottom = getattr(convolution.static_padding, "padding", (0, 0, 0, 0))
        y = graph.node(
            "Conv", x, graph.constant(weight.astype(np.float32)), graph.constant(bias.astype(np.float32)),
            kernel_shape=list(convolution.kernel_size), strides=list(convolution.stride), group=convolution.groups,
            pads=[top, left, bottom, right],
        )  # fmt: skip
        return graph.node("Clip", y, low, high) if clipped else y

    grey = graph.node("Cast", "pictures", to=1)  # float32
    centred = graph.node("Sub", grey, graph.constant(np.float32(127)))
    x = graph.node("Div", centred, graph.constant(np.float32(128)))
    x = graph.node("Unsqueeze", x, graph.constant(np.array([1], np.int64)))
    x = convolved(x, network._conv_stem, network._bn0, grey=True)
    kept = []
    for number, block in enumerate(network._blocks):
        y = x
        if hasattr(block, "_expand_conv"):
            y = convolved(y, block._expand_conv, block._bn0)
        y = convolved(y, block._depthwise_conv, block._bn1)
        y = convolved(y, block._project_conv, block._bn2, clipped=False)
        stated = block._block_args
        same = set(block._depthwise_conv.stride) == {1} and stated.input_filters == stated.output_filters
        x = graph.node("Add", y, x) if block.id_skip and same else y
        if number in _KEPT:
            kept.append(x)
    inputs = {"pictures": (np.uint8, ("slices", "rows", "columns"))}
    if output == "stages":
        for name, stage in zip(_STAGES, (*kept, x), strict=True):
            graph.node("Identity", stage, output=name)
        return graph.finish(inputs, dict.fromkeys(_STAGES, 4))
    mean = graph.node("GlobalAveragePool", convolved(x, network._conv_head, network._bn1))
    graph.node("Flatten", mean, output="pooled", axis=1)
    return graph.finish(inputs, {"pooled": 2})


def _folded(convolution: Any, norm: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weight and bias of a convolution together with the batch norm after it."""
    weight, scale, shift, mean, variance = (
        part.detach().double().numpy()
        for part in (convolution.weight, norm.weight, norm.bias, norm.running_mean, norm.running_var)
    )
    factor = scale / np.sqrt(variance + norm.eps)
    return weight * factor[:, None, None, None], shift - mean * factor


def _by_torch(output: Output, network: Any) -> Compute:
    network = network.to(memory_format=torch.channels_last)

    def compute(inputs: Arrays) -> Sequence[NDArray[np.float32]]:
        with torch.inference_mode():
            pictures = normalised(torch.tensor(inputs["pictures"]))
            if output == "stages":
                return [stage.numpy() for stage in stages_of(network, pictures)]
            return [network.extract_features(pictures).mean(dim=(2, 3)).numpy()]

    return compute


def _example() -> NDArray[np.uint8]:
    """Two slices: a gradient with an edge, and noise."""
    slope = np.add.outer(np.arange(128), np.arange(128))
    edged = np.where(slope > 150, slope, 0)
    noise = np.random.RandomState(0).randint(0, 256, (128, 128))
    return np.stack([edged, noise]).astype(np.uint8)
