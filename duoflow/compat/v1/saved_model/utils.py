"""`tf.compat.v1.saved_model.utils`: tensors of a graph as messages."""

from __future__ import annotations

from typing import Any

from duoflow.core.graph import get_default_graph
from duoflow.formats.messages import TensorInfo
from duoflow.formats.tensors import shape_proto

__all__ = ["build_tensor_info", "get_tensor_from_tensor_info"]


def build_tensor_info(tensor: Any) -> Any:
    """The name, dtype and shape of a tensor of a graph; `RuntimeError` for an eager one.

    TensorFlow: tf.compat.v1.saved_model.utils.build_tensor_info.
    """
    element = tensor._as_graph_element() if hasattr(tensor, "_as_graph_element") else tensor
    if getattr(element, "node", None) is None:
        raise RuntimeError("`build_tensor_info` is not supported in Eager mode.")
    dtype = element.dtype.as_datatype_enum
    return TensorInfo(name=element.name, dtype=dtype, tensor_shape=shape_proto(element.dims))


def get_tensor_from_tensor_info(tensor_info: Any, graph: Any = None, import_scope: str | None = None) -> Any:
    """The tensor that a message names. TensorFlow: tf.compat.v1.saved_model.utils.get_tensor_from_tensor_info."""
    name = f"{import_scope}/{tensor_info.name}" if import_scope else tensor_info.name
    return (graph or get_default_graph()).get_tensor_by_name(name)
