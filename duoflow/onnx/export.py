"""A concrete function as an ONNX model: its variables become constants, its results outputs."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from duoflow.core import nest
from duoflow.core.graph import Graph
from duoflow.core.tensor import EagerTensor, HandleTensor
from duoflow.core.version import __version__
from duoflow.formats.onnx_messages import ModelProto
from duoflow.passes.expand import expand
from duoflow.passes.pipeline import prepare
from duoflow.passes.prune import prune
from duoflow.trace.concrete import ConcreteFunction

from .images import IMAGE_RULES
from .loops import LOOP_RULES
from .rules import RULES
from .writer import Writer, value_info

__all__ = ["export_function", "model_of"]

_RULES = RULES | IMAGE_RULES | LOOP_RULES
_OPSETS = range(18, 24)
_IR_VERSION = 8


def export_function(function: ConcreteFunction, filepath: Any, opset_version: int | None = None) -> None:
    """Write what a concrete function computes as an ONNX file.

    Args:
      function: the function. Its variables are written as constants; what it assigns is not written.
      filepath: of the file.
      opset_version: the version of ONNX's operators, 18 (the default) to 23.

    Raises:
      NotImplementedError: naming the op, layer and line of what ONNX has no operators for.
      ValueError: for another version.

    >>> import tempfile
    >>> f = tf.function(lambda x: tf.nn.relu(x) * 2.0, input_signature=[tf.TensorSpec([None, 3], tf.float32)])
    >>> path = tempfile.mkdtemp() + "/f.onnx"
    >>> from duoflow.onnx import export_function
    >>> export_function(f.get_concrete_function(), path)
    """
    data = model_of(function, opset_version).SerializeToString()
    path = Path(os.fspath(filepath))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part-{os.getpid()}-{time.monotonic_ns()}")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def model_of(function: ConcreteFunction, opset_version: int | None = None) -> Any:
    """The `ModelProto` of a concrete function."""
    version = _OPSETS[0] if opset_version is None else opset_version
    if version not in _OPSETS:
        raise ValueError(f"opset_version must be {_OPSETS[0]} to {_OPSETS[-1]}, received {opset_version}.")
    graph = function.graph
    prepared = prepare(graph)
    given = len(graph.inputs)
    held = [_held(t) for t in function.captured_inputs]
    state = prepared.extras.get("state")
    held += [s.read() for _, s in sorted(state.constant.items())] if state is not None else []
    prepared = _slimmed(prepared, len(graph.outputs))
    writer = Writer(_RULES)
    writer.proto.name = "model"
    for tensor in prepared.all_inputs[:given]:
        name = writer.unused(tensor.node.name)
        writer.proto.input.append(value_info(name, tensor.dtype, tensor.dims))
        writer.bind(tensor, name)
    for tensor, value in zip(prepared.all_inputs[given:], held, strict=True):
        writer.bind(tensor, value)
    writer.add(prepared)
    for tensor, name in zip(prepared.outputs, _names(function), strict=True):
        label = writer.unused(name)
        writer.op("Identity", [writer.name(tensor)])
        writer.proto.node[-1].output[0] = label
        writer.proto.output.append(value_info(label, tensor.dtype, tensor.dims))
    model = ModelProto(
        ir_version=_IR_VERSION, producer_name="duoflow", producer_version=__version__, graph=writer.proto
    )
    model.opset_import.add(version=version)
    return model


def _held(tensor: Any) -> Any:
    """The value of what a function captures; None for what has none."""
    if isinstance(tensor, HandleTensor):
        return tensor._array.read() if hasattr(tensor._array, "read") else None
    return tensor._array if isinstance(tensor, EagerTensor) else None


def _slimmed(graph: Graph, outputs: int) -> Graph:
    """The graph without what only assigns, and without compounds that ONNX has no operators for."""
    graph.outputs = graph.outputs[:outputs]
    return prune(expand(prune(graph), _RULES))


def _names(function: ConcreteFunction) -> Sequence[str]:
    structure = function.structured_outputs
    if isinstance(structure, dict):
        return [str(key) for key in sorted(structure)]
    return [f"output_{i}" for i, leaf in enumerate(nest.flatten(structure)) if leaf is not None]
