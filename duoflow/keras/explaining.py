"""Telling errors again with what the reader needs: which layer or loss, its arguments, the shapes."""

from __future__ import annotations

from typing import Any

from duoflow.core import nest
from duoflow.core.errors import OpError

__all__ = ["message_of", "retold", "shapes_of"]


def message_of(error: Exception) -> str:
    """What an error says."""
    return error.message if isinstance(error, OpError) else str(error.args[0]) if error.args else ""


def retold(error: Exception, message: str) -> Exception:
    """An error of the same type, raised at the same place, that says something else."""
    if isinstance(error, OpError):
        fresh: Exception = type(error)(error.node_def, error.op, message)
    else:
        try:
            fresh = type(error)(message)
        except TypeError:
            fresh = RuntimeError(message)
    fresh._keras_call_info_injected = getattr(error, "_keras_call_info_injected", False)  # type: ignore[attr-defined]
    return fresh.with_traceback(error.__traceback__)


def shapes_of(tensors: Any) -> str:
    """The shapes of tensors, or a structure of them, as errors show them."""
    return str(nest.map_structure(lambda x: tuple(x.shape) if hasattr(x, "shape") else x, tensors))
