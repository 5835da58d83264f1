"""keras.ops, the rest: conversion, shapes, scatter and slices, segments, patterns of axes."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core.tensor import Operators, Tensor, convert

from ..symbolic import KerasTensor
from ..variables import standardize_dtype
from .definition import operation

__all__ = [
    "convert_to_numpy", "convert_to_tensor", "dtype", "in_top_k", "is_tensor", "logsumexp", "rearrange", "scatter",
    "scatter_update", "segment_max", "segment_min", "segment_prod", "segment_sum", "shape", "slice", "slice_update",
    "stop_gradient", "top_k",
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


@_math(inputs=2)
def segment_min(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """Minima of the rows of each segment. Keras: keras.ops.segment_min."""
    return tf.unsorted_segment_min(data, segment_ids, _segments(segment_ids, num_segments))


@_math(inputs=2)
def segment_prod(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """Products of the rows of each segment. Keras: keras.ops.segment_prod."""
    return tf.unsorted_segment_prod(data, segment_ids, _segments(segment_ids, num_segments))


def _segments(segment_ids: Any, count: int | None) -> Any:
    return tf.reduce_max(segment_ids) + 1 if count is None else count


# -- patterns ----------------------------------------------------------------------------------------------------------


def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Any:
    """Axes in another order, split and joined as a pattern says: "b h (w c) -> b (h w) c".

    Args:
      pattern: names of axes before and after, those in parentheses making one axis.
      axes_lengths: the sizes of named axes, all but one of each group on the left.

    >>> tf.keras.ops.rearrange(tf.zeros((2, 3, 4)), "b h w -> b (h w)").shape
    TensorShape([2, 12])

    Keras: keras.ops.rearrange.
    """
    return _rearrange(tensor, pattern=pattern, lengths=axes_lengths)


@operation(module="keras.src.ops.einops", name="Rearrange")
def _rearrange(tensor: Any, pattern: str, lengths: dict[str, int]) -> Any:
    tensor = convert(tensor)
    before, arrow, after = pattern.partition("->")
    groups, targets = _groups(before), _groups(after)
    names, wanted = [n for g in groups for n in g], [n for g in targets for n in g]
    if not arrow or sorted(names) != sorted(wanted) or len(set(names)) != len(names) or len(groups) != tensor.ndim:
        raise ValueError(
            f"Pattern '{pattern}' does not rearrange the axes of a tensor of shape {tuple(tensor.shape)}: both sides "
            "must name the same axes once, and the left one as many groups as the tensor has axes."
        )
    sizes: dict[str, Any] = dict(lengths)
    for axis, group in enumerate(groups):
        _fill_in(group, shape(tensor)[axis], sizes, pattern)
    split = tf.reshape(tensor, [sizes[name] for name in names])
    moved = tf.transpose(split, [names.index(name) for name in wanted])
    return tf.reshape(moved, [_product(sizes[name] for name in group) for group in targets])


def _groups(side: str) -> list[list[str]]:
    """The names of each axis of one side of a pattern."""
    groups: list[list[str]] = []
    joined = False
    for word in side.replace("(", " ( ").replace(")", " ) ").split():
        if word in "()":
            joined = word == "("
            groups += [[]] if joined else []
        elif joined:
            groups[-1].append(word)
        else:
            groups.append([word])
    return groups


def _fill_in(group: list[str], size: Any, sizes: dict[str, Any], pattern: str) -> None:
    """The size of the one axis of a group that was not given."""
    unknown = [name for name in group if name not in sizes]
    if len(unknown) > 1:
        raise ValueError(f"Give the lengths of all but one of {unknown} in pattern '{pattern}'.")
    known = _product(sizes[name] for name in group if name not in unknown)
    if unknown:
        sizes[unknown[0]] = size // known
    if isinstance(size, int) and _product(sizes[name] for name in group) != size:
        raise ValueError(f"An axis of size {size} cannot be split into {group} of pattern '{pattern}' with {sizes}.")


def _product(sizes: Iterable[Any]) -> Any:
    return functools.reduce(operator.mul, sizes, 1)
