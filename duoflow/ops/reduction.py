"""Reductions: sums, products, extremes and truth over axes, the statistics built from them, and arg max.

The axes are attributes: non-negative and sorted where the rank is known. Axes that are themselves computed in a graph
are a second input, and such a node runs on the host.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.dtypes import DType
from duoflow.core.emit import NO_ATTRS, emit_one
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.late import F
from duoflow.core.lowering import Reduction
from duoflow.core.record import Kind, Op, register
from duoflow.core.scalar import Unsupported
from duoflow.core.shapes import Dims
from duoflow.core.spec import Spec
from duoflow.core.tensor import EagerTensor, Operators, Tensor, convert, static_value

from .families import BOOL, NUMERIC, REAL, check_dtype, in_float32

__all__ = [
    "argmax", "argmin", "count_nonzero", "reduce_all", "reduce_any", "reduce_euclidean_norm", "reduce_logsumexp",
    "reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_std", "reduce_sum", "reduce_variance",
    "sum_to_shape_of", "zero_fraction",
]  # fmt: skip

Axes = tuple[int, ...] | None


# -- axes --------------------------------------------------------------------------------------------------------------


def normal_axes(axis: Axes, rank: int | None) -> Axes:
    """Axes counted from the front and sorted; `ValueError` if one is out of range or named twice."""
    if rank is None:
        return axis
    if axis is None:
        return tuple(range(rank))
    out = []
    for a in axis:
        if not -rank <= a < rank:
            raise ValueError(f"Invalid reduction dimension ({a} for input with {rank} dimension(s)")
        out.append(a % rank)
    if len(set(out)) != len(out):
        raise ValueError(f"Invalid reduction arguments: Axes contains duplicate dimension: {axis}")
    return tuple(sorted(out))


def reduced_shape(shape: Dims, axis: Axes, keepdims: bool) -> Dims:
    """The shape left when `axis` (None: all) is reduced."""
    if shape is None:
        return () if axis is None and not keepdims else None
    axes = set(normal_axes(axis, len(shape)) or ())
    if keepdims:
        return tuple(1 if i in axes else d for i, d in enumerate(shape))
    return tuple(d for i, d in enumerate(shape) if i not in axes)


def axis_attribute(axis: Any, rank: int | None) -> Axes | Tensor:
    """The axes as the records take them, or the tensor that will hold them."""
    if axis is None:
        return None if rank is None else tuple(range(rank))
    if type(axis) is int:
        axes: Axes = (axis,)
    elif isinstance(axis, (list, tuple)) and all(type(a) is int for a in axis):
        axes = tuple(axis)
    else:
        tensor = convert(axis, dtype_hint=dtypes.int32)
        value = static_value(tensor)
        if value is None:
            return tensor
        if value.dtype.kind not in "iu" and value.size:
            raise TypeError(f"Reduction axes must be integers, received {axis!r}.")
        axes = tuple(int(a) for a in value.reshape(-1))
    if rank is None or axes is None:
        return axes
    in_range = all(-rank <= a < rank for a in axes)
    return tuple(sorted(a % rank for a in axes)) if in_range else axes


def _infer(op_name: str, allowed: tuple[DType, ...], x: Spec, axes: Spec | None, axis: Axes, keepdims: bool) -> Spec:
    check_dtype(op_name, "input", x.dtype, allowed)
    if axes is None:
        return Spec(reduced_shape(x.shape, axis, keepdims), x.dtype)
    return Spec((None,) * len(x.shape) if keepdims and x.shape is not None else None, x.dtype)


def _record(
    op_name: str,
    evaluate: Callable[..., Any],
    combine: str,
    *,
    gradient: Callable[..., Any] | None = None,
    allowed: tuple[DType, ...] = NUMERIC,
    mean: bool = False,
) -> Op:
    """A reduction op: `evaluate(array, axes, keepdims)`, lowered as `combine`."""
    accepted = frozenset(d.numpy for d in allowed)

    def infer(x: Spec, axes: Spec | None = None, *, axis: Axes = None, keepdims: bool = False) -> Spec:
        return _infer(op_name, allowed, x, axes, axis, keepdims)

    def run(x: Any, axes: Any = None, *, axis: Axes = None, keepdims: bool = False) -> Any:
        if x.dtype not in accepted:
            infer(Spec.of(x))
        if axes is not None:
            axis = tuple(axes.reshape(-1).tolist())
        return evaluate(x, normal_axes(axis, x.ndim), keepdims)

    def lower(specs: Any, outs: Any, attrs: dict[str, Any]) -> Reduction:
        if len(specs) > 1:
            raise Unsupported(f"{op_name} over axes known only when it runs")
        axes = normal_axes(attrs["axis"], specs[0].rank)
        assert axes is not None
        return Reduction(combine, axes, attrs["keepdims"], mean)

    differentiable = gradient is not None
    return register(
        Op(op_name, Kind.REDUCTION, infer, run, gradient, lower=lower, checked=False, differentiable=differentiable)
    )


def _reduce(op: Op, x: Any, axis: Any, keepdims: bool, name: str | None) -> Any:
    if type(x) is not EagerTensor:
        x = convert(x)
    rank = None if x.dims is None else len(x.dims)
    axes = axis_attribute(axis, rank)
    if isinstance(axes, Tensor):
        return emit_one(op, (x, axes), {"axis": None, "keepdims": bool(keepdims)}, name)
    return emit_one(op, (x,), {"axis": axes, "keepdims": bool(keepdims)}, name)


# -- gradients ---------------------------------------------------------------------------------------------------------


def _kept(node: Any, value: Any) -> Any:
    """A value of the output's shape, with the reduced dimensions put back as 1."""
    if node.attrs["keepdims"]:
        return value
    x = node.inputs[0]
    if len(node.inputs) == 1 and x.dims is not None:
        axes = normal_axes(node.attrs["axis"], len(x.dims)) or ()
        shape = tuple(1 if i in axes else d for i, d in enumerate(x.dims))
        if None not in shape:
            return F.reshape(value, shape)
        for a in axes:
            value = F.expand_dims(value, a)
        return value
    shape = F.shape(x)
    rank = F.size(shape)
    if len(node.inputs) > 1:
        axes = F.cast(F.reshape(node.inputs[1], [-1, 1]), dtypes.int32)
    elif node.attrs["axis"] is None:
        axes = F.range(rank)[:, None]
    else:
        axes = F.constant(node.attrs["axis"], dtypes.int32)[:, None]
    ones = F.ones_like(axes[:, 0])
    return F.reshape(value, F.tensor_scatter_nd_update(shape, F.floormod(axes, rank), ones))


def _shape_of(x: Any) -> Any:
    return x.dims if x.dims is not None and None not in x.dims else F.shape(x)


def _spread(node: Any, g: Any) -> Any:
    return F.broadcast_to(_kept(node, g), _shape_of(node.inputs[0]))


def _one_input(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A rule for the reduced tensor; computed axes have no gradient."""

    @functools.wraps(rule)
    def call(node: Any, g: Any) -> Any:
        return (rule(node, g),) + (None,) * (len(node.inputs) - 1)

    return call


@_one_input
def _sum_gradient(node: Any, g: Any) -> Any:
    return _spread(node, g)


@_one_input
def _mean_gradient(node: Any, g: Any) -> Any:
    x, y = node.inputs[0], node.outputs[0]
    size, left = shapes.num_elements(x.dims), shapes.num_elements(y.dims)
    if size is not None and left is not None:
        return _spread(node, g / max(size // max(left, 1), 1))
    count = F.cast(F.size(x) // F.maximum(F.size(y), 1), g.dtype)
    return _spread(node, g / count)


@_one_input
def _extreme_gradient(node: Any, g: Any) -> Any:
    x, y = node.inputs[0], node.outputs[0]
    chosen = F.cast(F.equal(x, _kept(node, y)), g.dtype)
    if len(node.inputs) > 1:
        count = F.reduce_sum(chosen, node.inputs[1], keepdims=True)
    else:
        count = F.reduce_sum(chosen, node.attrs["axis"], keepdims=True)
    return chosen / count * _kept(node, g)


def product_of_others(
    data: Any, sums: Callable[[Any], Any], prods: Callable[[Any], Any], spread: Callable[[Any], Any]
) -> Any:
    """For each element the product of the others it is multiplied with, right where elements are zero.

    `sums` and `prods` reduce, `spread` gives each element the value of what it was reduced to.
    """
    nothing, one = F.zeros_like(data), F.ones_like(data)
    zero = F.equal(data, nothing)
    nonzero = F.where(zero, one, data)
    zeros = spread(sums(F.cast(zero, data.dtype)))
    product = spread(prods(nonzero))
    only = F.where(F.equal(zeros, one), F.where(zero, product, nothing), nothing)
    return F.where(F.equal(zeros, nothing), product / nonzero, only)


@_one_input
def _prod_gradient(node: Any, g: Any) -> Any:
    over = node.inputs[1] if len(node.inputs) > 1 else node.attrs["axis"]
    others = product_of_others(
        F.conj(node.inputs[0]),
        lambda x: F.reduce_sum(x, over, keepdims=True),
        lambda x: F.reduce_prod(x, over, keepdims=True),
        lambda x: F.broadcast_to(x, _shape_of(node.inputs[0])),
    )
    return others * _kept(node, g)


# -- the records -------------------------------------------------------------------------------------------------------


_ADD: Any = np.add.reduce
_MULTIPLY: Any = np.multiply.reduce


@in_float32
def _sum(x: Any, axes: Any, keepdims: bool) -> Any:
    return _ADD(x, axis=axes, keepdims=keepdims, dtype=x.dtype)


@in_float32
def _mean(x: Any, axes: Any, keepdims: bool) -> Any:
    count = int(np.prod([x.shape[a] for a in axes], dtype=np.int64))
    wide = {"i": np.dtype(np.int64), "u": np.dtype(np.uint64)}.get(x.dtype.kind, x.dtype)
    total = _ADD(x, axis=axes, keepdims=keepdims, dtype=wide)
    if x.dtype.kind in "iu":
        if not count:
            return total.astype(x.dtype)
        magnitude = np.abs(total) // count  # C division, toward zero
        return np.where(total < 0, -magnitude, magnitude).astype(x.dtype)
    return np.divide(total, np.asarray(count, x.real.dtype), dtype=x.dtype)


@in_float32
def _prod(x: Any, axes: Any, keepdims: bool) -> Any:
    return _MULTIPLY(x, axis=axes, keepdims=keepdims, dtype=x.dtype)


def _lowest(dtype: DType) -> Any:
    return -np.inf if dtype.is_floating else dtype.min


def _highest(dtype: DType) -> Any:
    return np.inf if dtype.is_floating else dtype.max


def _extreme(ufunc: Any, empty: Callable[[DType], Any]) -> Callable[..., Any]:
    def run(x: Any, axes: Any, keepdims: bool) -> Any:
        if x.size:
            return ufunc.reduce(x, axis=axes, keepdims=keepdims)
        return np.full(reduced_shape(x.shape, axes, keepdims), empty(dtypes.from_numpy(x.dtype)), x.dtype)

    return run


_SUM = _record("Sum", _sum, "add", gradient=_sum_gradient)
_MEAN = _record("Mean", _mean, "add", gradient=_mean_gradient, mean=True)
_PROD = _record("Prod", _prod, "mul", gradient=_prod_gradient)
_MAX = _record("Max", _extreme(np.maximum, _lowest), "max", gradient=_extreme_gradient, allowed=REAL)
_MIN = _record("Min", _extreme(np.minimum, _highest), "min", gradient=_extreme_gradient, allowed=REAL)
_ALL = _record("All", lambda x, axes, keep: np.logical_and.reduce(x, axis=axes, keepdims=keep), "and", allowed=BOOL)
_ANY = _record("Any", lambda x, axes, keep: np.logical_or.reduce(x, axis=axes, keepdims=keep), "or", allowed=BOOL)


def reduce_sum(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The sum over `axis` (an int, several, or None for all dimensions).

    Float16 and bfloat16 are added in float32; integers wrap around; an empty sum is 0.

    >>> tf.reduce_sum([[1, 2], [3, 4]], axis=0).numpy()
    array([4, 6], dtype=int32)

    TensorFlow: tf.math.reduce_sum.
    """
    return _reduce(_SUM, input_tensor, axis, keepdims, name)


def reduce_mean(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The mean over `axis`. Integers give an integer, rounded toward zero; an empty mean is NaN.

    >>> tf.reduce_mean([[1.0, 2.0], [3.0, 4.0]], axis=1, keepdims=True).numpy()
    array([[1.5], [3.5]], dtype=float32)

    TensorFlow: tf.math.reduce_mean.
    """
    return _reduce(_MEAN, input_tensor, axis, keepdims, name)


def reduce_prod(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The product over `axis`; an empty product is 1.

    >>> tf.reduce_prod([[1, 2], [3, 4]], axis=1).numpy()
    array([ 2, 12], dtype=int32)

    TensorFlow: tf.math.reduce_prod.
    """
    return _reduce(_PROD, input_tensor, axis, keepdims, name)


def reduce_max(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The largest element over `axis`; NaN if there is one. Equal largest elements share the gradient.

    >>> tf.reduce_max([[1.0, 5.0], [3.0, 2.0]], axis=-1).numpy()
    array([5., 3.], dtype=float32)

    TensorFlow: tf.math.reduce_max.
    """
    return _reduce(_MAX, input_tensor, axis, keepdims, name)


def reduce_min(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The smallest element over `axis`; NaN if there is one.

    >>> tf.reduce_min([[1.0, 5.0], [3.0, 2.0]]).numpy()
    np.float32(1.0)

    TensorFlow: tf.math.reduce_min.
    """
    return _reduce(_MIN, input_tensor, axis, keepdims, name)


def reduce_all(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """Whether all elements over `axis` are true, of a bool tensor.

    >>> tf.reduce_all([[True, True], [False, True]], axis=1).numpy()
    array([ True, False])

    TensorFlow: tf.math.reduce_all.
    """
    return _reduce(_ALL, _as_bool(input_tensor), axis, keepdims, name)


def reduce_any(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """Whether any element over `axis` is true, of a bool tensor.

    >>> tf.reduce_any([[False, False], [False, True]], axis=1).numpy()
    array([False,  True])

    TensorFlow: tf.math.reduce_any.
    """
    return _reduce(_ANY, _as_bool(input_tensor), axis, keepdims, name)


def _as_bool(x: Any) -> Tensor:
    return convert(x, dtype=None if isinstance(x, Operators) else dtypes.bool_)


# -- statistics --------------------------------------------------------------------------------------------------------


def reduce_variance(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The variance over `axis` (divided by n), real for complex input. `TypeError` for integers.

    >>> tf.math.reduce_variance([1.0, 2.0, 3.0, 4.0]).numpy()
    np.float32(1.25)

    TensorFlow: tf.math.reduce_variance.
    """
    with F.name_scope(name or "reduce_variance"):
        x = convert(input_tensor)
        if x.dtype.is_integer:
            raise TypeError(f"Input must be either real or complex. Received integer type {x.dtype}.")
        deviation = x - reduce_mean(x, axis, keepdims=True)
        if x.dtype.is_complex:
            squares = F.real(F.conj(deviation) * deviation)
        else:
            squares = F.square(deviation)
        return reduce_mean(squares, axis, keepdims)


def reduce_std(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The standard deviation over `axis` (divided by n).

    >>> tf.math.reduce_std([1.0, 3.0]).numpy()
    np.float32(1.0)

    TensorFlow: tf.math.reduce_std.
    """
    with F.name_scope(name or "reduce_std"):
        return F.sqrt(reduce_variance(input_tensor, axis, keepdims))


def reduce_euclidean_norm(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The square root of the sum of squares over `axis`.

    >>> tf.math.reduce_euclidean_norm([3.0, 4.0]).numpy()
    np.float32(5.0)

    TensorFlow: tf.math.reduce_euclidean_norm.
    """
    return _reduce(_EUCLIDEAN, input_tensor, axis, keepdims, name)


def _expand_euclidean(x: Any, axes: Any = None, *, axis: Axes = None, keepdims: bool = False) -> Any:
    squares = F.square(x) if not x.dtype.is_complex else F.multiply(x, F.conj(x))
    total = F.reduce_sum(squares, axis if axes is None else axes, keepdims)
    if not x.dtype.is_integer:
        return F.sqrt(total)
    return F.cast(F.sqrt(F.cast(total, dtypes.float64)), x.dtype)


def _evaluate_euclidean(x: Any, axes: Any = None, *, axis: Axes = None, keepdims: bool = False) -> Any:
    over = normal_axes(axis if axes is None else tuple(axes.reshape(-1).tolist()), x.ndim)

    @in_float32
    def norm(v: Any) -> Any:
        total = _ADD(v * np.conj(v), axis=over, keepdims=keepdims, dtype=v.dtype)
        return np.sqrt(total).astype(v.dtype)

    return norm(x)


@_one_input
def _euclidean_gradient(node: Any, g: Any) -> Any:
    return node.inputs[0] * _kept(node, g / node.outputs[0])


_EUCLIDEAN = register(
    Op(
        "EuclideanNorm",
        Kind.COMPOUND,
        lambda x, axes=None, *, axis=None, keepdims=False: _infer("EuclideanNorm", NUMERIC, x, axes, axis, keepdims),
        _evaluate_euclidean,
        _euclidean_gradient,
        expand=_expand_euclidean,
    )
)


def reduce_logsumexp(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """log(sum(exp(x))) over `axis`, without overflow.

    >>> tf.math.reduce_logsumexp([1000.0, 1000.0]).numpy()
    np.float32(1000.6932)

    TensorFlow: tf.math.reduce_logsumexp.
    """
    with F.name_scope(name or "reduce_logsumexp"):
        x = convert(input_tensor)
        largest = reduce_max(x, axis, keepdims=True)
        shift = F.stop_gradient(F.where(F.is_finite(largest), largest, F.zeros_like(largest)))
        out = F.log(reduce_sum(F.exp(x - shift), axis, keepdims))
        return out + (shift if keepdims else F.reshape(shift, F.shape(out)))


def count_nonzero(
    input: Any, axis: Any = None, keepdims: Any = None, dtype: Any = dtypes.int64, name: str | None = None
) -> Any:
    """How many elements over `axis` are not zero (not "", for strings).

    >>> tf.math.count_nonzero([[0, 1, 2], [0, 0, 3]], axis=1).numpy()
    array([2, 1])

    TensorFlow: tf.math.count_nonzero.
    """
    with F.name_scope(name or "count_nonzero"):
        x = convert(input)
        zero = F.constant("") if x.dtype is dtypes.string else F.zeros((), x.dtype)
        count = reduce_sum(F.cast(F.not_equal(x, zero), dtypes.int64), axis, bool(keepdims))
        return F.cast(count, dtype)


def zero_fraction(value: Any, name: str | None = None) -> Any:
    """The fraction of elements that are zero, as a float32 scalar; NaN for an empty tensor.

    >>> tf.math.zero_fraction([0.0, 1.0, 0.0, 2.0]).numpy()
    np.float32(0.5)

    TensorFlow: tf.math.zero_fraction.
    """
    with F.name_scope(name or "zero_fraction"):
        value = convert(value)
        zeros = reduce_sum(F.cast(F.equal(value, F.zeros((), value.dtype)), dtypes.float32))
        return zeros / F.cast(F.size(value), dtypes.float32)


# -- arg max -----------------------------------------------------------------------------------------------------------


_INDEX_TYPES = (dtypes.int16, dtypes.uint16, dtypes.int32, dtypes.int64)


def _record_arg(op_name: str, find: Callable[..., Any], combine: str, never: float) -> Op:
    allowed = REAL + BOOL

    def infer(x: Spec, *, axis: int, output_type: DType) -> Spec:
        check_dtype(op_name, "input", x.dtype, allowed)
        check_dtype(op_name, "output_type", output_type, _INDEX_TYPES)
        if x.shape is None:
            return Spec(None, output_type)
        rank = len(x.shape)
        if not -rank <= axis < rank:
            raise InvalidArgumentError(f"Expected dimension in the range [{-rank}, {rank}), but got {axis}")
        if x.shape[axis] == 0:
            raise InvalidArgumentError(f"Reduction axis {axis} is empty in shape {shapes.brief(x.shape)}")
        return Spec(reduced_shape(x.shape, (axis,), False), output_type)

    def run(x: Any, *, axis: int, output_type: DType) -> Any:
        nan = x != x
        if nan.any():  # NaN is never chosen
            x = np.where(nan, np.asarray(never, x.dtype), x)
        return find(x, axis=axis).astype(output_type.numpy)

    def lower(specs: Any, outs: Any, attrs: dict[str, Any]) -> Reduction:
        return Reduction(combine, (attrs["axis"] % len(specs[0].shape),))

    return register(Op(op_name, Kind.REDUCTION, infer, run, lower=lower, differentiable=False))


_ARGMAX = _record_arg("ArgMax", np.argmax, "argmax", -np.inf)
_ARGMIN = _record_arg("ArgMin", np.argmin, "argmin", np.inf)


def _arg(op: Op, x: Any, axis: Any, output_type: Any, name: str | None) -> Any:
    value = static_value(0 if axis is None else axis)
    if value is None:
        raise TypeError(f"The axis of {op.name} must be known when the graph is built, received {axis!r}.")
    attrs = {"axis": int(value), "output_type": dtypes.as_dtype(output_type)}
    return emit_one(op, (convert(x),), attrs, name)


def argmax(input: Any, axis: Any = None, output_type: Any = dtypes.int64, name: str | None = None) -> Any:
    """The index of the largest element along `axis` (default 0); the first of equal ones.

    >>> tf.argmax([[1, 5, 3], [7, 2, 7]], axis=1).numpy()
    array([1, 0])

    TensorFlow: tf.math.argmax.
    """
    return _arg(_ARGMAX, input, axis, output_type, name)


def argmin(input: Any, axis: Any = None, output_type: Any = dtypes.int64, name: str | None = None) -> Any:
    """The index of the smallest element along `axis` (default 0); the first of equal ones.

    >>> tf.argmin([[1, 5, 3], [7, 2, 7]], axis=1).numpy()
    array([0, 1])

    TensorFlow: tf.math.argmin.
    """
    return _arg(_ARGMIN, input, axis, output_type, name)


# -- undoing a broadcast -----------------------------------------------------------------------------------------------


def _expand_sum_to(x: Any, like: Any) -> Any:
    have, want = x.dims, like.dims
    if have is None or want is None or None in have or None in want:
        raise Unsupported("sizes that are known only when the graph runs")
    lead = len(have) - len(want)
    stretched = [i + lead for i, d in enumerate(want) if d == 1 and have[i + lead] != 1]
    return F.reshape(reduce_sum(x, [*range(lead), *stretched]), want)


@in_float32
def _evaluate_sum_to(x: Any, like: Any) -> Any:
    lead = x.ndim - like.ndim
    stretched = tuple(i + lead for i, d in enumerate(like.shape) if d == 1)
    return np.add.reduce(x, axis=(*range(lead), *stretched), dtype=x.dtype).reshape(like.shape)


_SUM_TO = register(
    Op(
        "SumToShapeOf",
        Kind.COMPOUND,
        lambda x, like: Spec(like.shape, x.dtype),
        _evaluate_sum_to,
        lambda node, g: (F.broadcast_to(g, F.shape(node.inputs[0])), None),
        expand=_expand_sum_to,
        checked=False,
    )
)


def sum_to_shape_of(x: Any, like: Any) -> Any:
    """x summed over the dimensions in which the shape of `like` was broadcast to that of x."""
    if x.dims is not None and x.dims == like.dims and None not in x.dims:
        return x
    return emit_one(_SUM_TO, (x, convert(like)), NO_ATTRS)
