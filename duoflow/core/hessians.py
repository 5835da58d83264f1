"""`tf.hessians`: second derivatives inside a graph."""

from __future__ import annotations

from typing import Any

from .autodiff import gradients
from .late import F
from .tensor import convert

__all__ = ["hessians"]


def hessians(
    ys: Any, xs: Any, gate_gradients: bool = False, aggregation_method: Any = None, name: str = "hessians"
) -> list[Any]:
    """The second derivatives of sum(ys) for each x, of shape `x.shape + x.shape`, inside a graph.

    `gate_gradients` and `aggregation_method` are accepted; there is one way to add gradients up.

    Raises: `ValueError` for an x of unknown size, `RuntimeError` in eager mode.

    >>> f = tf.function(lambda x: tf.hessians(tf.reduce_sum(x**3), x)[0])
    >>> f(tf.constant([1.0, 2.0])).numpy().tolist()
    [[6.0, 0.0], [0.0, 12.0]]

    TensorFlow: tf.hessians.
    """
    with F.name_scope(name):
        return [_hessian(ys, x) for x in (xs if isinstance(xs, (list, tuple)) else [xs])]


def _hessian(ys: Any, x: Any) -> Any:
    (gradient,) = gradients(ys, [x])
    flat = F.reshape(gradient, [-1])
    count = flat.dims[0]
    if count is None:
        raise ValueError(f"hessians needs the shape of {x!r} to be known.")
    rows = [gradients(flat[i], [x])[0] for i in range(count)]
    rows = [F.zeros_like(convert(x)) if row is None else row for row in rows]
    return F.reshape(F.stack(rows), [*x.shape, *x.shape])
