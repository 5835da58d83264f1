"""`tf.contrib.slim`: `tf.contrib.layers` under short names, with argument scopes."""

from __future__ import annotations

from typing import Any

from . import layers, losses, metrics
from .framework import (
    add_arg_scope,
    arg_scope,
    assign_from_checkpoint_fn,
    get_model_variables,
    get_or_create_global_step,
    get_trainable_variables,
    get_variables,
    get_variables_by_name,
    get_variables_to_restore,
    model_variable,
    variable,
)

__all__ = [
    "add_arg_scope", "arg_scope", "assign_from_checkpoint_fn", "get_model_variables", "get_or_create_global_step",
    "get_trainable_variables", "get_variables", "get_variables_by_name", "get_variables_to_restore", "losses",
    "metrics", "model_variable", "variable",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    return getattr(layers, name)


def __dir__() -> list[str]:
    return sorted([*__all__, *layers.__all__])
