"""`tf.contrib.framework`: argument scopes, variables by name, the global step."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from duoflow.core import nest as nest
from duoflow.core.graph import get_default_graph

from .. import modes
from ..modes import GraphKeys
from ..saver import Saver, list_variables, load_checkpoint, load_variable
from ..training import assert_global_step, create_global_step, get_global_step, get_or_create_global_step
from ..variables import get_variable

__all__ = [
    "add_arg_scope", "add_model_variable", "arg_scope", "arg_scoped_arguments", "assert_global_step",
    "assign_from_checkpoint_fn", "create_global_step", "get_global_step", "get_model_variables",
    "get_or_create_global_step", "get_trainable_variables", "get_unique_variable", "get_variables",
    "get_variables_by_name", "get_variables_by_suffix", "get_variables_to_restore", "has_arg_scope", "list_variables",
    "load_checkpoint", "load_variable", "local_variable", "model_variable", "nest", "variable",
    "with_same_shape",
]  # fmt: skip


class _Scopes(threading.local):
    def __init__(self) -> None:
        self.stack: list[dict[str, dict[str, Any]]] = [{}]


_scopes = _Scopes()


def _key(function: Any) -> str:
    found = getattr(function, "_arg_scope_key", None)
    if found is None:
        raise ValueError(f"{getattr(function, '__name__', function)} is not decorated with @add_arg_scope")
    return str(found)


def add_arg_scope(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let `arg_scope` give a function default arguments. TensorFlow: tf.contrib.framework.add_arg_scope."""
    key = f"{function.__module__}.{function.__qualname__}"

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **{**_scopes.stack[-1].get(key, {}), **kwargs})

    call._arg_scope_key = key  # type: ignore[attr-defined]
    return call


def has_arg_scope(func: Any) -> bool:
    """Whether a function takes arguments of `arg_scope`. TensorFlow: tf.contrib.framework.has_arg_scope."""
    return hasattr(func, "_arg_scope_key")


def arg_scoped_arguments(func: Any) -> dict[str, Any]:
    """The arguments that the open scope gives a function. TensorFlow: tf.contrib.framework.arg_scoped_arguments."""
    return dict(_scopes.stack[-1].get(_key(func), {}))


@contextlib.contextmanager
def arg_scope(list_ops_or_scope: Any, **kwargs: Any) -> Iterator[dict[str, dict[str, Any]]]:
    """Default arguments for calls of some functions inside the block.

    TensorFlow: tf.contrib.framework.arg_scope.
    """
    if isinstance(list_ops_or_scope, dict):
        if kwargs:
            raise ValueError("When attempting to re-use a scope by suppling a dictionary, kwargs must be empty.")
        scope = dict(list_ops_or_scope)
    elif isinstance(list_ops_or_scope, (list, tuple)):
        scope = {key: dict(values) for key, values in _scopes.stack[-1].items()}
        for function in list_ops_or_scope:
            scope.setdefault(_key(function), {}).update(kwargs)
    else:
        raise TypeError("list_ops_or_scope must either be a list/tuple or reused scope (i.e. dict)")
    _scopes.stack.append(scope)
    try:
        yield scope
    finally:
        _scopes.stack.pop()


# -- variables ---------------------------------------------------------------------------------------------------------


@add_arg_scope
def variable(
    name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None,
    trainable: bool = True, collections: Any = None, caching_device: Any = None, device: Any = None,
    partitioner: Any = None, custom_getter: Any = None, use_resource: Any = None, **kwargs: Any,
) -> Any:  # fmt: skip
    """`tf.get_variable`. TensorFlow: tf.contrib.framework.variable."""
    return get_variable(
        name, shape, dtype, initializer, regularizer, trainable=trainable, collections=collections,
        custom_getter=custom_getter,
    )  # fmt: skip


@add_arg_scope
def model_variable(name: str, *args: Any, collections: Any = None, **kwargs: Any) -> Any:
    """A variable in the collection of the model's. TensorFlow: tf.contrib.framework.model_variable."""
    keys = [*(collections or [GraphKeys.GLOBAL_VARIABLES]), GraphKeys.MODEL_VARIABLES]
    return variable(name, *args, collections=keys, **kwargs)


def local_variable(initial_value: Any, validate_shape: bool = True, name: str | None = None, **kwargs: Any) -> Any:
    """A local variable. TensorFlow: tf.contrib.framework.local_variable."""
    keys = [GraphKeys.LOCAL_VARIABLES]
    return get_variable(name or "local", initializer=initial_value, trainable=False, collections=keys)


def add_model_variable(var: Any) -> None:
    """Add to the model's variables. TensorFlow: tf.contrib.framework.add_model_variable."""
    if not any(v is var for v in modes.model_variables()):
        modes.add_to_collection(GraphKeys.MODEL_VARIABLES, var)


def get_variables(
    scope: Any = None, suffix: str | None = None, collection: Any = GraphKeys.GLOBAL_VARIABLES
) -> list[Any]:
    """Variables by scope and by the end of their names. TensorFlow: tf.contrib.framework.get_variables."""
    scope = getattr(scope, "name", scope)
    found = get_default_graph().get_collection(collection, scope)
    return found if suffix is None else [v for v in found if v.name.partition(":")[0].endswith(suffix)]


def get_model_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """The model's variables. TensorFlow: tf.contrib.framework.get_model_variables."""
    return get_variables(scope, suffix, GraphKeys.MODEL_VARIABLES)


def get_trainable_variables(scope: Any = None, suffix: str | None = None) -> list[Any]:
    """The variables to train. TensorFlow: tf.contrib.framework.get_trainable_variables."""
    return get_variables(scope, suffix, GraphKeys.TRAINABLE_VARIABLES)


def get_variables_by_suffix(suffix: str, scope: Any = None) -> list[Any]:
    """Variables by the end of their names. TensorFlow: tf.contrib.framework.get_variables_by_suffix."""
    return get_variables(scope, suffix)


def get_variables_by_name(given_name: str, scope: Any = None) -> list[Any]:
    """Variables by the last part of their names. TensorFlow: tf.contrib.framework.get_variables_by_name."""
    return [v for v in get_variables(scope) if v.name.partition(":")[0].rpartition("/")[2] == given_name]


def get_unique_variable(var_op_name: str) -> Any:
    """The variable of a name; `ValueError` if there is none. TensorFlow: tf.contrib.framework.get_unique_variable."""
    found = [v for v in get_variables() if v.name.partition(":")[0] == var_op_name]
    if len(found) != 1:
        raise ValueError(f"Variable {var_op_name} does not uniquely identify a variable")
    return found[0]


def get_variables_to_restore(include: Sequence[str] | None = None, exclude: Sequence[str] | None = None) -> list[Any]:
    """Variables of some scopes without those of others. TensorFlow: tf.contrib.framework.get_variables_to_restore."""
    found = get_variables() if include is None else [v for scope in include for v in get_variables(scope)]
    gone = {id(v) for scope in exclude or () for v in get_variables(scope)}
    return [v for v in found if id(v) not in gone]


def assign_from_checkpoint_fn(
    model_path: Any, var_list: Any, ignore_missing_vars: bool = False, reshape_variables: bool = False
) -> Callable[[Any], None]:
    """A function of a session that restores variables. TensorFlow: tf.contrib.framework.assign_from_checkpoint_fn."""
    named = var_list if isinstance(var_list, dict) else {v.name.partition(":")[0]: v for v in var_list}
    if ignore_missing_vars:
        reader = load_checkpoint(model_path)
        named = {name: v for name, v in named.items() if reader.has_tensor(name)}
    saver = Saver(named, reshape=reshape_variables)
    return lambda session: saver.restore(session, model_path)


def with_same_shape(expected_tensor: Any, tensor: Any) -> Any:
    """A tensor, if its shape fits another's. TensorFlow: tf.contrib.framework.with_same_shape."""
    if not tensor.shape.is_compatible_with(expected_tensor.shape):
        raise ValueError(f"Shapes {tensor.shape} and {expected_tensor.shape} are incompatible")
    return tensor
