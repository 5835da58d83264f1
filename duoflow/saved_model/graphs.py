"""The graph of a SavedModel that sessions and servers run: signatures, variables, and how these are saved and restored.

Objects do without it; `tf.compat.v1.saved_model.load` and TensorFlow Serving know nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.dtypes import DType
from duoflow.formats.messages import AttrValue, NodeDef, SignatureDef, TensorInfo
from duoflow.formats.tensors import shape_proto
from duoflow.trace.concrete import ConcreteFunction
from duoflow.trace.graph_def import constant_def

from .constants import INIT_OP_SIGNATURE_KEY, MAIN_OP_KEY, PREDICT_METHOD_NAME

__all__ = ["GraphWriter"]


class GraphWriter:
    """Adds nodes to the graph of a meta graph."""

    def __init__(self, meta: Any) -> None:
        self._meta, self._nodes = meta, meta.graph_def.node
        self._taken: set[str] = {node.name.lower() for node in self._nodes}
        self._handles: dict[int, str] = {}

    def constant(self, value: Any, name: str) -> str:
        """A constant; returns its node's name."""
        proto = constant_def(self._unused(name), value)
        self._nodes.append(proto)
        return str(proto.name)

    def variable(self, number: int, name: str, dtype: DType, dims: Any) -> None:
        """The handle of the variable of that number."""
        label = self._unused(re.sub(r"[^A-Za-z0-9_./-]", "_", name).lstrip("_/") or "variable")
        self._handles[number] = self._add(label, "VarHandleOp", (), shared_name=label, dtype=dtype, container="",
                                          debug_name="", shape=shape_proto(dims))  # fmt: skip

    def adopt(self, number: int, name: str) -> None:
        """Let a node of the graph be the handle of the variable of that number."""
        self._handles[number] = name

    def signature(self, key: str, function: ConcreteFunction, name: str, captured: Sequence[Any]) -> None:
        """A signature: placeholders, a call of its function in the library, and what these are called.

        Args:
          captured: the number of a variable or the name of a node for each captured tensor.
        """
        proto = SignatureDef(method_name=PREDICT_METHOD_NAME)
        inputs = []
        for tensor in function.graph.inputs:
            node = self._node(re.sub(r"^_+", "", f"{key}_{tensor.node.name}"), "Placeholder", (), dtype=tensor.dtype,
                              shape=shape_proto(tensor.dims))  # fmt: skip
            inputs.append(node)
            proto.inputs[tensor.node.name] = _info(f"{node}:0", tensor)
        handles = [self._handles[c] if isinstance(c, int) else c for c in captured]
        taken = [t.dtype for t in function.graph.all_inputs]
        call = self._node("StatefulPartitionedCall", "StatefulPartitionedCall", [*inputs, *handles], Tin=taken,
                          Tout=[t.dtype for t in function.outputs], f=AttrValue(func={"name": name}), config="",
                          config_proto="", executor_type="")  # fmt: skip
        for i, label in enumerate(sorted(function.structured_outputs)):
            proto.outputs[label] = _info(f"{call}:{i}", function.outputs[i])
        self._meta.signature_def[key] = proto

    def saver(self, keys: Mapping[int, tuple[str, DType]]) -> None:
        """Save and restore the variables by number, under these keys of the checkpoint; and the empty initializer."""
        filename = self._node("saver_filename", "Placeholder", (), dtype=dtypes.string, shape=shape_proto(()))
        numbers = sorted(keys, key=lambda n: keys[n][0])
        names = self.constant(_strings([keys[n][0] for n in numbers]), "save/tensor_names")
        slices = self.constant(_strings([""] * len(numbers)), "save/shape_and_slices")
        kinds = [keys[n][1] for n in numbers]
        values = [self._node(f"save/read_{n}", "ReadVariableOp", [self._handles[n]], dtype=keys[n][1]) for n in numbers]
        restored = []
        if numbers:
            save = self._node("save/SaveV2", "SaveV2", [filename, names, slices, *values], dtypes=kinds)
            read = self._node("save/RestoreV2", "RestoreV2", [filename, names, slices], dtypes=kinds)
            restored = [
                self._node(f"save/assign_{n}", "AssignVariableOp", [self._handles[n], f"{read}:{i}"], dtype=keys[n][1],
                           validate_shape=False)
                for i, n in enumerate(numbers)
            ]  # fmt: skip
        done = [f"^{save}"] if numbers else []
        saved = self._node("save/control_dependency", "Identity", [filename, *done], T=dtypes.string)
        restore = self._node("save/restore_all", "NoOp", [f"^{name}" for name in restored])
        proto = self._meta.saver_def
        proto.filename_tensor_name, proto.save_tensor_name = f"{filename}:0", f"{saved}:0"
        proto.restore_op_name, proto.version = restore, proto.V2

    def initializer(self, waits: Sequence[str] = ()) -> None:
        """The operation that sessions run after loading."""
        name = self._node("NoOp", "NoOp", [f"^{node}" for node in waits])
        self._meta.collection_def[MAIN_OP_KEY].node_list.value.append(name)
        info = TensorInfo(name=name, tensor_shape={"unknown_rank": True})
        self._meta.signature_def[INIT_OP_SIGNATURE_KEY].outputs[INIT_OP_SIGNATURE_KEY] = info

    def _unused(self, name: str) -> str:
        out, count = name, 0
        while out.lower() in self._taken:
            count += 1
            out = f"{name}_{count}"
        self._taken.add(out.lower())
        return out

    def _node(self, name: str, op: str, inputs: Sequence[str], **attrs: Any) -> str:
        return self._add(self._unused(name), op, inputs, **attrs)

    def _add(self, label: str, op: str, inputs: Sequence[str], **attrs: Any) -> str:
        proto = NodeDef(name=label, op=op, input=inputs)
        for key, value in attrs.items():
            proto.attr[key] = _attribute(value)
        self._nodes.append(proto)
        return str(proto.name)


def _attribute(value: Any) -> Any:
    if isinstance(value, AttrValue):
        return value
    if isinstance(value, DType):
        return AttrValue(type=value.as_datatype_enum)
    if isinstance(value, bool):
        return AttrValue(b=value)
    if isinstance(value, str):
        return AttrValue(s=value)
    if isinstance(value, list):
        out = AttrValue()
        out.list.SetInParent()
        out.list.type.extend([d.as_datatype_enum for d in value])
        return out
    return AttrValue(shape=value)


def _info(name: str, tensor: Any) -> Any:
    return TensorInfo(name=name, dtype=tensor.dtype.as_datatype_enum, tensor_shape=shape_proto(tensor.dims))


def _strings(values: Sequence[str]) -> Any:
    out = np.empty(len(values), object)
    out[:] = [v.encode() for v in values]
    return out
