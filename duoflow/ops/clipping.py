"""Keeping values, and the norms of gradients, within bounds."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core import shapes
from duoflow.core.emit import NO_ATTRS, emit_one
from duoflow.core.indexed_slices import IndexedSlices
from duoflow.core.late import F
from duoflow.core.tensor import convert

from .families import (
    REAL,
    elementwise,
)

__all__ = [
    "clip_by_global_norm", "clip_by_norm", "clip_by_value", "global_norm",
]  # fmt: skip


def _clip_gradient(node: Any, g: Any) -> tuple[Any, Any, Any]:
    x, low, high = node.inputs
    zero = F.zeros_like(g)
    below, above = F.less(x, low), F.greater(x, high)
    return F.where(F.logical_or(below, above), zero, g), F.where(below, g, zero), F.where(above, g, zero)


_CLIP = elementwise(
    "ClipByValue",
    lambda x, low, high: np.minimum(np.maximum(x, low), high),
    body=lambda b, x, low, high: b.minimum(b.maximum(x, low), high),
    gradient=_clip_gradient,
    allowed=REAL,
)


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """t with every element moved into [clip_value_min, clip_value_max]; the bounds broadcast to t.

    >>> tf.clip_by_value([-5.0, 0.5, 5.0], -1.0, 1.0).numpy()
    array([-1. ,  0.5,  1. ], dtype=float32)

    TensorFlow: tf.clip_by_value.
    """
    if isinstance(t, IndexedSlices):
        return t.map_values(lambda values: clip_by_value(values, clip_value_min, clip_value_max, name))
    t = convert(t)
    low, high = convert(clip_value_min, dtype=t.dtype), convert(clip_value_max, dtype=t.dtype)
    out = emit_one(_CLIP, (t, low, high), NO_ATTRS, name)
    if not shapes.compatible(out.dims, t.dims):
        raise ValueError(f"The bounds of clip_by_value must broadcast to shape {t.shape}, which gives {out.shape}.")
    return out


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """t scaled down so that its L2 norm (over `axes`) is at most `clip_norm`.

    >>> tf.clip_by_norm([3.0, 4.0], 1.0).numpy()
    array([0.6, 0.8], dtype=float32)

    TensorFlow: tf.clip_by_norm.
    """
    if isinstance(t, IndexedSlices):
        return t.map_values(lambda values: clip_by_norm(values, clip_norm, axes, name))
    with F.name_scope(name or "clip_by_norm"):
        values = convert(t)
        squares = F.reduce_sum(values * values, axes, keepdims=True)
        positive = F.greater(squares, F.zeros_like(squares))
        norm = F.where(positive, F.sqrt(F.where(positive, squares, F.ones_like(squares))), squares)
        return values * clip_norm / F.maximum(norm, convert(clip_norm, dtype=values.dtype))


def _as_tensors(t_list: Any) -> list[Any]:
    """The entries of a list of gradients: tensors, IndexedSlices and None."""
    if isinstance(t_list, dict) or not hasattr(t_list, "__iter__") or isinstance(t_list, str):
        raise TypeError("`t_list` should be a sequence of tensors.")
    return [t if t is None or isinstance(t, IndexedSlices) else convert(t) for t in t_list]


def global_norm(t_list: Any, name: str | None = None) -> Any:
    """The L2 norm of all elements of several tensors taken together; None entries are skipped.

    >>> tf.linalg.global_norm([[3.0], None, [[4.0]]]).numpy()
    np.float32(5.0)

    TensorFlow: tf.linalg.global_norm.
    """
    with F.name_scope(name or "global_norm"):
        values = [t.values if isinstance(t, IndexedSlices) else t for t in _as_tensors(t_list) if t is not None]
        return F.sqrt(F.add_n([F.reduce_sum(F.square(v)) for v in values]))


def clip_by_global_norm(t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None) -> Any:
    """Several tensors scaled together so that their `global_norm` is at most `clip_norm`.

    Returns `(list, norm)`. A norm that is not finite makes every entry NaN.

    >>> clipped, norm = tf.clip_by_global_norm([[3.0], [4.0]], 1.0)
    >>> clipped[1].numpy(), norm.numpy()
    (array([0.8], dtype=float32), np.float32(5.0))

    TensorFlow: tf.clip_by_global_norm.
    """
    entries = _as_tensors(t_list)
    norm = global_norm(entries, name) if use_norm is None else convert(use_norm)
    with F.name_scope(name or "clip_by_global_norm"):
        clip = convert(clip_norm, dtype=norm.dtype)
        scale = clip * F.minimum(1.0 / norm, F.ones_like(clip) / clip)
        scale = scale + (norm - norm)  # NaN where the norm is not finite

        def scaled(t: Any) -> Any:
            if isinstance(t, IndexedSlices):
                return t.map_values(scaled)
            return None if t is None else t * F.cast(scale, t.dtype)

        return [scaled(t) for t in entries], norm
