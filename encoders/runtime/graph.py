"""An ONNX graph, written node by node.

The `onnx` package alone is needed for it. What exports a module by tracing it needs two packages more, is replaced from
one version of torch to the next, and would run the network to find out what is known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

OPSET, IR, CONTRIBUTED = 20, 10, 1
"""Versions of the operators, of the file format, and of ONNX Runtime's own operators ("com.microsoft")."""
RUNTIME_DOMAIN = "com.microsoft"


class Graph:
    """A graph in the making. Every method that adds something gives the name of what it yields."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._weights: dict[str, tuple[int, ...]] = {}
        self._shared: dict[bytes, str] = {}

    def node(self, operator: str, *inputs: str, output: str = "", domain: str = "", **attributes: Any) -> str:
        """One operator; an input that is left out is ""."""
        from onnx import helper  # noqa: PLC0415

        name = output or f"x{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], domain=domain or None, **attributes))
        return name

    def constant(self, values: NDArray[Any] | np.generic) -> str:
        """Numbers that stand in the file, once however often they are used."""
        from onnx import numpy_helper  # noqa: PLC0415

        array = np.asarray(values, order="C")
        key = f"{array.dtype}{array.shape}".encode() + array.tobytes()
        if key not in self._shared:
            self._shared[key] = f"c{len(self._shared)}"
            self._constants.append(numpy_helper.from_array(array, self._shared[key]))
        return self._shared[key]

    def weight(self, name: str, shape: Sequence[int]) -> str:
        """float32 numbers that do not stand in the file: whoever runs the graph hands them over by this name."""
        self._weights[name] = tuple(shape)
        return name

    def finish(self, inputs: Mapping[str, tuple[type[np.generic], Sequence[str]]], outputs: Mapping[str, int]) -> bytes:
        """The file's bytes. inputs: type and names of the axes, all of them dynamic; outputs: how many axes."""
        from onnx import TensorProto, helper  # noqa: PLC0415

        graph = helper.make_graph(
            self._nodes,
            "spinecho",
            [
                helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(kind)), list(axes))
                for name, (kind, axes) in inputs.items()
            ],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * axes) for name, axes in outputs.items()],
            [*self._constants, *(_elsewhere(name, shape) for name, shape in self._weights.items())],
        )
        versions = [helper.make_opsetid("", OPSET), helper.make_opsetid(RUNTIME_DOMAIN, CONTRIBUTED)]
        made: bytes = helper.make_model(graph, opset_imports=versions, ir_version=IR).SerializeToString(
            deterministic=True
        )
        return made


def _elsewhere(name: str, shape: Sequence[int]) -> Any:
    """A tensor whose numbers are handed over at loading; the format wants a place for them, which is not read."""
    from onnx import TensorProto  # noqa: PLC0415

    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
    length = 4 * int(np.prod(shape, dtype=np.int64))
    for key, value in (("location", "handed-over"), ("offset", "0"), ("length", str(length))):
        tensor.external_data.add(key=key, value=value)
    return tensor
