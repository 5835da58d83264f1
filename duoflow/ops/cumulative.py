"""Running sums and products along an axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow.core.dtypes import DType
from duoflow.core.emit import emit_one
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.late import F
from duoflow.core.lowering import Scan
from duoflow.core.record import Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert, static_value

from .families import FLOATING, NUMERIC, check_dtype, in_float32

__all__ = ["cumprod", "cumsum", "cumulative_logsumexp"]


def _scan(accumulate: Callable[..., Any], identity: Any) -> Callable[..., Any]:
    """The running value along an axis; exclusive ones start with the identity and leave the last element out."""

    @in_float32
    def scan(x: Any, axis: int, exclusive: bool, reverse: bool) -> Any:
        ordered = np.flip(x, axis) if reverse else x
        out = accumulate(ordered, axis)
        if exclusive and x.shape[axis]:
            first = np.full_like(np.take(out, [0], axis), identity)
            out = np.concatenate([first, np.take(out, range(x.shape[axis] - 1), axis)], axis)
        return np.ascontiguousarray(np.flip(out, axis)) if reverse else out

    return lambda x, *, axis, exclusive, reverse: scan(x, axis, exclusive, reverse)


def _record(op_name: str, combine: str, evaluate: Any, gradient: Any, allowed: tuple[DType, ...]) -> Op:
    def infer(x: Spec, *, axis: int, exclusive: bool, reverse: bool) -> Spec:
        check_dtype(op_name, "x", x.dtype, allowed)
        if x.rank is not None and not -x.rank <= axis < x.rank:
            raise InvalidArgumentError(
                f"{op_name}: Expected scan axis in the range [{-x.rank}, {x.rank}), but got {axis}"
            )
        return Spec(x.shape, x.dtype)

    def lower(specs: Any, outs: Any, attrs: dict[str, Any]) -> Scan:
        return Scan(combine, attrs["axis"] % len(specs[0].shape), attrs["exclusive"], attrs["reverse"])

    return register(Op(op_name, Kind.SCAN, infer, evaluate, gradient, lower=lower))


def _apply(op: Op, x: Any, axis: Any, exclusive: bool, reverse: bool, name: str | None) -> Any:
    value = static_value(axis)
    if value is None:
        raise TypeError(f"The axis of {op.name} must be known when the graph is built, received {axis!r}.")
    return emit_one(
        op, (convert(x),), {"axis": int(value), "exclusive": bool(exclusive), "reverse": bool(reverse)}, name
    )


def _cumsum_gradient(node: Any, g: Any) -> Any:
    return cumsum(g, node.attrs["axis"], node.attrs["exclusive"], not node.attrs["reverse"])


def _cumprod_gradient(node: Any, g: Any) -> Any:
    """As in TensorFlow: the products times the cotangent, summed from the other end, over x; 0 where x is."""
    x, attrs = node.inputs[0], node.attrs
    products = cumsum(node.outputs[0] * g, attrs["axis"], attrs["exclusive"], not attrs["reverse"])
    return F.divide_no_nan(products, x)


def _logsumexp_gradient(node: Any, g: Any) -> Any:
    x, out, attrs = node.inputs[0], node.outputs[0], node.attrs
    zero = F.zeros_like(g)

    def part(weight: Any) -> Any:
        # Where the weight is 0 its logarithm is -inf, which drops out of the sum.
        log = F.log(weight) - out
        total = cumulative_logsumexp(log, attrs["axis"], attrs["exclusive"], not attrs["reverse"])
        return F.exp(total + x)

    return part(F.maximum(g, zero)) - part(F.maximum(-g, zero))


_CUMSUM = _record(
    "Cumsum", "add", _scan(lambda x, axis: np.add.accumulate(x, axis, dtype=x.dtype), 0), _cumsum_gradient, NUMERIC
)
_CUMPROD = _record(
    "Cumprod",
    "mul",
    _scan(lambda x, axis: np.multiply.accumulate(x, axis, dtype=x.dtype), 1),
    _cumprod_gradient,
    NUMERIC,
)
_LOGSUMEXP = _record(
    "CumulativeLogsumexp",
    "logsumexp",
    _scan(lambda x, axis: np.logaddexp.accumulate(x, axis), -np.inf),
    _logsumexp_gradient,
    FLOATING,
)


def cumsum(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Any:
    """The running sum along `axis`; without the element itself if `exclusive`, from the end if `reverse`.

    >>> tf.cumsum([1, 2, 3]).numpy(), tf.cumsum([1, 2, 3], exclusive=True, reverse=True).numpy()
    (array([1, 3, 6], dtype=int32), array([5, 3, 0], dtype=int32))

    TensorFlow: tf.math.cumsum.
    """
    return _apply(_CUMSUM, x, axis, exclusive, reverse, name)


def cumprod(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Any:
    """The running product along `axis`; without the element itself if `exclusive`, from the end if `reverse`.

    >>> tf.math.cumprod([1, 2, 3]).numpy(), tf.math.cumprod([2, 3, 4], exclusive=True).numpy()
    (array([1, 2, 6], dtype=int32), array([1, 2, 6], dtype=int32))

    TensorFlow: tf.math.cumprod.
    """
    return _apply(_CUMPROD, x, axis, exclusive, reverse, name)


def cumulative_logsumexp(
    x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Any:
    """The running log(sum(exp(x))) along `axis`, without overflow; -inf where nothing is summed yet.

    >>> tf.math.cumulative_logsumexp([0.0, 0.0]).numpy()
    array([0.       , 0.6931472], dtype=float32)

    TensorFlow: tf.math.cumulative_logsumexp.
    """
    return _apply(_LOGSUMEXP, x, axis, exclusive, reverse, name)
