"""The public functions of tf.autograph, and the two that other parts of duoflow call."""

from __future__ import annotations

import ast
import enum
import functools
import logging
import sys
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

from . import status
from .allowed import is_allowed
from .conversion import logger, lookup
from .operators import converted


def convert(function: Callable[..., Any], recursive: bool = True) -> Callable[..., Any]:
    """A callable whose Python control flow over tensors becomes graph control flow; what it calls is converted too.

    tf.function traces this. Where a function's source cannot be found it runs unconverted, and a tensor used as a
    Python bool in it raises an error that says why.
    """
    target = converted(function)

    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        with status.entered(True, recursive):
            return target(*args, **kwargs)

    return call


def convert_in_context(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` for a call from duoflow's own code: converted while a function is traced.

    For callbacks that are stored and called later, such as the `call` of a user's layer.
    """
    return converted(function) if status.is_enabled() else function


def do_not_convert(func: Callable[..., Any] | None = None) -> Any:
    """Decorator: run a function, and all that it calls, as plain Python.

    >>> @tf.autograph.experimental.do_not_convert
    ... def f(x):
    ...     return x if x is not None else 0
    >>> f(3)
    3

    TensorFlow: tf.autograph.experimental.do_not_convert.
    """
    if func is None:
        return do_not_convert

    @functools.wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        with status.entered(False):
            return func(*args, **kwargs)

    status.exclude(call)
    return call


def to_graph(entity: Callable[..., Any], recursive: bool = True, experimental_optional_features: Any = None) -> Any:
    """The converted form of a function, to be called while a graph is built.

    Args:
      entity: a function or method.
      recursive: whether the functions it calls are converted too.
      experimental_optional_features: accepted; all features are always on.

    Raises:
      ValueError: if its source cannot be found.

    >>> f = tf.autograph.to_graph(lambda x: x * 2 if x > 0 else -x)
    >>> int(f(tf.constant(-3)))
    3

    TensorFlow: tf.autograph.to_graph.
    """
    _converted_tree(entity)
    return convert(entity, recursive)


def to_code(entity: Callable[..., Any], recursive: bool = True, experimental_optional_features: Any = None) -> str:
    """The source text of the converted form of a function.

    >>> print(tf.autograph.to_code(lambda x: not x))
    lambda x: ag__.not_(x)

    Raises:
      ValueError: if its source cannot be found.

    TensorFlow: tf.autograph.to_code.
    """
    return ast.unparse(_converted_tree(entity))


def set_loop_options(
    parallel_iterations: Any = None,
    swap_memory: Any = None,
    maximum_iterations: Any = None,
    shape_invariants: Any = None,
) -> None:
    """Options for the loop in whose body this stands; it has no effect anywhere else.

    Args:
      parallel_iterations: accepted; iterations run one after the other.
      swap_memory: accepted; there is no second memory to swap to.
      maximum_iterations: an upper limit to the number of iterations.
      shape_invariants: pairs (variable, shape); the shapes that hold throughout the loop.

    >>> @tf.function
    ... def f(n):
    ...     x = tf.zeros([0], tf.int32)
    ...     for i in tf.range(n):
    ...         tf.autograph.experimental.set_loop_options(shape_invariants=[(x, tf.TensorShape([None]))])
    ...         x = tf.concat([x, [i]], axis=0)
    ...     return x
    >>> f(tf.constant(3)).numpy()
    array([0, 1, 2], dtype=int32)

    TensorFlow: tf.autograph.experimental.set_loop_options.
    """


class Feature(enum.Enum):
    """TensorFlow's optional conversions; here all are always on. TensorFlow: tf.autograph.experimental.Feature."""

    ALL = "ALL"
    AUTO_CONTROL_DEPS = "AUTO_CONTROL_DEPS"
    ASSERT_STATEMENTS = "ASSERT_STATEMENTS"
    BUILTIN_FUNCTIONS = "BUILTIN_FUNCTIONS"
    EQUALITY_OPERATORS = "EQUALITY_OPERATORS"
    LISTS = "LISTS"
    NAME_SCOPES = "NAME_SCOPES"

    @classmethod
    def all(cls) -> tuple[Feature, ...]:
        """All features."""
        return tuple(cls)

    @classmethod
    def all_but(cls, exclude: Any) -> tuple[Feature, ...]:
        """All features except some."""
        left_out = exclude if isinstance(exclude, (list, tuple, set)) else (exclude,)
        return tuple(feature for feature in cls if feature not in left_out and feature is not cls.ALL)


def set_verbosity(level: int, alsologtostdout: bool = False) -> None:
    """How much conversion reports: 0 nothing, 1 and more what was converted. TensorFlow: tf.autograph.set_verbosity.

    Args:
      level: the level; the environment is not consulted.
      alsologtostdout: print the reports to standard output too.
    """
    logger.setLevel(logging.DEBUG if level > 0 else logging.WARNING)
    logger.handlers = [logging.StreamHandler()] if level > 0 else []
    if alsologtostdout:
        logger.addHandler(logging.StreamHandler(sys.stdout))


def trace(*args: Any) -> None:
    """Print values while a function is traced, and not when it runs.

    >>> tf.autograph.trace("tracing", 1)
    tracing 1

    TensorFlow: tf.autograph.trace.
    """
    print(*args)


def _python_function(entity: Any) -> FunctionType:
    function = getattr(entity, "python_function", entity)
    function = function.__func__ if isinstance(function, MethodType) else function
    if not isinstance(function, FunctionType):
        raise ValueError(f"Expected a Python function or method, received {entity!r}.")
    return function


def _converted_tree(entity: Any) -> ast.AST:
    function = _python_function(entity)
    if is_allowed(function):
        raise ValueError(f"{entity!r} is not converted: it belongs to a library that runs as it is.")
    found = lookup(function)
    if found.tree is None:
        raise ValueError(f"{entity!r} could not be converted: {found.reason}.")
    return found.tree
