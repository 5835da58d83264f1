"""keras.ops, the rest: conversion, shapes, control flow, scatter and slices, loops, gradients stopped."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core.tensor import Operators, Tensor, convert

from ..symbolic import KerasTensor
from ..variables import standardize_dtype
from .definition import operation

__all__ = [
    "cond", "convert_to_numpy", "convert_to_tensor", "dtype", "fori_loop", "in_top_k", "is_tensor", "logsumexp", "map",
    "scatter", "scatter_update", "segment_max", "segment_sum", "shape", "slice", "slice_update", "stop_gradient",
    "top_k", "vectorized_map", "while_loop",
]  # fmt: skip

_core = partial(operation, module="keras.src.ops.core")
_math = partial(operation, module="keras.src.ops.math")


def convert_to_tensor(x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None) -> Any:
    """A tensor of a value, cast to `dtype` if one is given. Keras: keras.ops.convert_to_tensor."""
    if isinstance(x, KerasTensor):
        return x
    if dtype is None:
        return convert(x)
    dtype = standardize_dtype(dtype)
    tensor = convert(x, dtype_hint=dtype)
    return tensor if tensor.dtype.name == dtype else tf.cast(tensor, dtype)


def convert_to_numpy(x: Any) -> Any:
    """The value as a NumPy array. Keras: keras.ops.convert_to_numpy."""
    return np.array(x) if isinstance(x, Tensor | Operators) else np.asarray(x)


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor (not a KerasTensor). Keras: keras.ops.is_tensor."""
    return isinstance(x, Tensor)


def shape(x: Any) -> tuple[Any, ...]:
    """The shape as a tuple; tensors stand for sizes not known while a graph is built. Keras: keras.ops.shape."""
    if isinstance(x, KerasTensor):
        return x.shape
    x = convert(x)
    static = tuple(x.shape)
    if None not in static:
        return static
    dynamic = tf.shape(x)
    return tuple(dynamic[i] if size is None else size for i, size in enumerate(static))


def dtype(x: Any) -> str:
    """The name of the dtype. Keras: keras.ops.dtype."""
    return standardize_dtype(x.dtype)


@_core()
def stop_gradient(variable: Any) -> Any:
    """The value, constant to gradients. Keras: keras.ops.stop_gradient."""
    return tf.stop_gradient(variable)


@_core(inputs=3)
def scatter(indices: Any, values: Any, shape: Any) -> Any:
    """Zeros of a shape with values added at indices. Keras: keras.ops.scatter."""
    return tf.scatter_nd(indices, values, shape)


@_core(inputs=3)
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Any:
    """The inputs with other values at indices, or combined with them. Keras: keras.ops.scatter_update."""
    names = {None: "update", "add": "add", "max": "max", "min": "min"}
    if reduction not in names:
        raise ValueError(f"Unsupported reduction: {reduction}")
    return getattr(tf, f"tensor_scatter_nd_{names[reduction]}")(convert(inputs), indices, updates)


@_core(inputs=2)
def slice(inputs: Any, start_indices: Any, shape: Any) -> Any:
    """The part of a shape that starts at indices. Keras: keras.ops.slice."""
    return tf.slice(inputs, start_indices, shape)


@_core(inputs=3)
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Any:
    """The inputs with another part that starts at indices. Keras: keras.ops.slice_update."""
    inputs, updates = convert(inputs), convert(updates)
    sizes = tuple(updates.shape)
    grids = tf.meshgrid(*[tf.range(size) for size in sizes], indexing="ij")
    places = tf.stack([grid + tf.cast(start_indices[i], "int32") for i, grid in enumerate(grids)], axis=-1)
    return tf.tensor_scatter_nd_update(inputs, places, updates)


@_math()
def top_k(x: Any, k: int, sorted: bool = True) -> Any:
    """The k largest elements along the last axis and their indices. Keras: keras.ops.top_k."""
    values, indices = tf.top_k(x, k, sorted=sorted)
    return values, indices


@_math(inputs=2)
def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    """Whether the target is among the k largest predictions. Keras: keras.ops.in_top_k."""
    return tf.in_top_k(targets, predictions, k)


@_math()
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))), without overflow. Keras: keras.ops.logsumexp."""
    return tf.reduce_logsumexp(x, axis=axis, keepdims=keepdims)


@_math(inputs=2)
def segment_sum(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """Sums of the rows of each segment. Keras: keras.ops.segment_sum."""
    return tf.unsorted_segment_sum(data, segment_ids, _segments(segment_ids, num_segments))


@_math(inputs=2)
def segment_max(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """Maxima of the rows of each segment. Keras: keras.ops.segment_max."""
    return tf.unsorted_segment_max(data, segment_ids, _segments(segment_ids, num_segments))


def _segments(segment_ids: Any, count: int | None) -> Any:
    return tf.reduce_max(segment_ids) + 1 if count is None else count


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """What one of two functions returns. Keras: keras.ops.cond."""
    return tf.cond(tf.cast(pred, "bool"), true_fn, false_fn)


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, maximum_iterations: int | None = None
) -> Any:
    """Repeat `body` on the loop's values while `cond` holds. Keras: keras.ops.while_loop."""
    single = not isinstance(loop_vars, list | tuple)
    values = (loop_vars,) if single else tuple(loop_vars)

    def step(*args: Any) -> Any:
        out = body(*args)
        return tuple(out) if isinstance(out, list | tuple) else (out,)

    out = tf.while_loop(cond, step, values, maximum_iterations=maximum_iterations)
    return out[0] if single else tuple(out)


def fori_loop(lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any) -> Any:
    """Apply `body_fun(i, value)` for i from lower to upper. Keras: keras.ops.fori_loop."""
    _, out = tf.while_loop(
        lambda i, _: i < upper, lambda i, value: (i + 1, body_fun(i, value)), (convert(lower), init_val)
    )
    return out


def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """Apply a function to each entry along the first axis. Keras: keras.ops.map."""
    return tf.map_fn(f, xs)


def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """Apply a function to each entry along the first axis. Keras: keras.ops.vectorized_map."""
    return tf.vectorized_map(function, elements)
