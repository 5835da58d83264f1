"""`tf.compat.v1.saved_model.main_op`: what runs once after a model is loaded."""

from __future__ import annotations

from typing import Any

from duoflow.core.graph import get_default_graph
from duoflow.ops import group

from ..graphs import tables_initializer
from ..modes import local_variables, variables_initializer

__all__ = ["main_op", "main_op_with_restore"]


def main_op() -> Any:
    """An operation that initializes local variables and tables.

    TensorFlow: tf.compat.v1.saved_model.main_op.main_op.
    """
    return group(variables_initializer(local_variables()), tables_initializer())


def main_op_with_restore(restore_op_name: str) -> Any:
    """The same after an operation that restores. TensorFlow: tf.compat.v1.saved_model.main_op_with_restore."""
    with get_default_graph().control_dependencies([main_op()]):
        return group(get_default_graph().get_operation_by_name(restore_op_name))
