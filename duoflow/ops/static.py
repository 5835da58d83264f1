"""What op functions and `infer` know before values exist: axes, sizes, and vectors of ints that are partly known."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from duoflow.core import dtypes, nest, shapes
from duoflow.core.context import context
from duoflow.core.dtypes import DType
from duoflow.core.errors import InvalidArgumentError, caller_origin, with_origin
from duoflow.core.shapes import Dims, TensorShape
from duoflow.core.spec import Spec
from duoflow.core.tensor import Operators, Tensor, convert, make_constant, static_value

Entries: TypeAlias = tuple["int | None", ...]

_VALUE_LIMIT = 64


def entries(spec: Spec) -> Entries | None:
    """The elements of an int vector (or scalar), None where they are unknown; None if even their number is."""
    value = spec.value
    if isinstance(value, np.ndarray):
        return tuple(map(int, value.reshape(-1).tolist())) if value.size <= _VALUE_LIMIT else None
    if isinstance(value, tuple):
        return value
    count = shapes.num_elements(spec.shape)
    return (None,) * count if count is not None and count <= _VALUE_LIMIT else None


def value_of(elements: Entries | None, dtype: DType, scalar: bool = False) -> Any:
    """`Spec.value` for elements: an array if all are known, a tuple if some are, else None."""
    if elements is None or all(e is None for e in elements):
        return None
    if None in elements:
        return None if scalar else elements
    return np.asarray(elements[0] if scalar else elements, dtype.numpy)


def dims_of(spec: Spec) -> Dims:
    """An operand read as a shape: -1 and unknown entries are None; `ValueError` for what is no size."""
    found = entries(spec)
    if found is None:
        return spec.dims()
    if any(d is not None and d < -1 for d in found):
        raise ValueError(f"Invalid value in tensor used for shape: {min(d for d in found if d is not None)}")
    return tuple(None if d is None or d < 0 else d for d in found)


def checked_dims(shape: np.ndarray[Any, Any]) -> tuple[int, ...]:
    """The dimensions that a tensor holds; `InvalidArgumentError` for a negative one."""
    dims = tuple(shape.tolist())
    if min(dims, default=0) < 0:
        raise InvalidArgumentError(f"Dimension {min(dims)} must be >= 0: received shape {list(dims)}")
    return dims


def axis_of(
    axis: Any,
    rank: int | None,
    extra: int = 0,
    what: str = "axis",
    refuse: Callable[[str], Exception] | None = None,
) -> int:
    """An axis as a non-negative int below `rank + extra`; as it is when the rank is unknown.

    One out of range is `invalid`; `refuse` makes another exception of the message.
    """
    number = static_int(axis, what)
    if rank is None:
        return number
    limit = rank + extra
    if not -limit <= number < limit:
        raise (refuse or invalid)(f"Expected {what} in the range [{-limit}, {limit}), but got {number}.")
    return number % limit if limit else 0


def axis_or_negative(axis: int, rank: int | None) -> int:
    """The canonical attribute for an axis: non-negative if the rank is known."""
    return axis + rank if axis < 0 and rank is not None and axis >= -rank else axis


def static_int(value: Any, what: str) -> int:
    """An int given as a Python or NumPy number or as a tensor whose value is known."""
    if isinstance(value, int):
        return value
    if isinstance(value, Operators):
        known = static_value(convert(value))
        if known is None:
            raise ValueError(f"'{what}' must be known when the graph is built, received {value!r}.")
        value = known.reshape(-1)[0] if known.size == 1 else known
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"'{what}' must be an integer, received {value!r}.") from None


def static_ints(value: Any, what: str) -> tuple[int, ...]:
    """Ints given one or many, as Python numbers, arrays or tensors whose value is known."""
    if isinstance(value, Operators):
        known = static_value(convert(value))
        if known is None:
            raise ValueError(f"'{what}' must be known when the graph is built, received {value!r}.")
        value = known
    if isinstance(value, np.ndarray):
        return tuple(map(int, value.reshape(-1)))
    if isinstance(value, (list, tuple, range)):
        return tuple(static_int(v, what) for v in value)
    return (static_int(value, what),)


def int_tensor(value: Any, dtype: DType | None = None) -> Tensor:
    """A shape, size, index or other ints as a tensor: int32 unless it says (or needs) otherwise."""
    if isinstance(value, Tensor):
        return value
    if dtype is None and type(value) in (list, tuple, int) and _plain_ints(value):
        return make_constant(np.array(value, np.int32))
    if isinstance(value, (np.ndarray, TensorShape)):
        return convert(value, dtype=dtype)
    return convert(value, dtype=dtype, dtype_hint=dtypes.int32)


def shape_tensor(value: Any) -> Tensor:
    """A shape as a tensor of ints."""
    shape = int_tensor(value)
    if not shape.dtype.is_integer:
        raise invalid(f"A shape must be ints, received {value!r} of dtype {shape.dtype.name}.", TypeError)
    return shape


def _plain_ints(value: Any) -> bool:
    """Whether a value is an int of 32 bits, or a list of them: the usual case, worth a path of its own."""
    for item in (value,) if type(value) is int else value:
        if type(item) is not int or not -0x80000000 <= item < 0x80000000:
            return False
    return True


def require_ints(op: str, argument: str, spec: Spec) -> None:
    """Raise `TypeError` unless an operand holds int32 or int64."""
    if spec.dtype not in (dtypes.int32, dtypes.int64):
        raise TypeError(
            f"Value passed to parameter '{argument}' of {op} has DataType {spec.dtype.name} not in list of allowed "
            "values: int32, int64"
        )


def same_dtype(op: str, specs: tuple[Spec, ...]) -> DType:
    """The dtype that all operands share; `TypeError` names the first that differs."""
    first = specs[0].dtype
    for i, spec in enumerate(specs):
        if spec.dtype is not first:
            raise TypeError(
                f"cannot compute {op} as input #{i}(zero-based) was expected to be a {first.name} tensor but is a "
                f"{spec.dtype.name} tensor"
            )
    return first


def operand(value: Any, beside: Tensor) -> Tensor:
    """`value` as an operand `beside` a tensor: what is no tensor adapts; a tensor's dtype is for `infer` to judge."""
    return convert(value, dtype=None if isinstance(value, Operators) else beside.dtype)


def convert_list(values: Any, what: str = "values", dtype: Any = None) -> tuple[Tensor, ...]:
    """Tensors of one dtype from a list (or the slices of one tensor): the first tensor in it decides."""
    if isinstance(values, Operators):
        values = [*values]  # type: ignore[misc]
    elif not isinstance(values, (list, tuple)):
        values = [values]
    if dtype is None:
        dtype = next((v.dtype for v in values if isinstance(v, Operators)), None)  # type: ignore[attr-defined]
    if dtype is None and values:
        dtype = _common_dtype(values)
    return tuple(
        v if isinstance(v, Tensor) else convert(v, dtype=None if isinstance(v, Operators) else dtype) for v in values
    )


def unit_matrix(count: int) -> tuple[tuple[int, ...], ...]:
    """The rows of an index map that leaves every dimension where it is."""
    return tuple(tuple(int(i == j) for j in range(count)) for i in range(count))


def _common_dtype(values: Any) -> DType:
    """The dtype of a list without tensors of its own: that of a tensor further inside, or of all items together."""
    inner = next((v for v in nest.flatten(list(values)) if isinstance(v, Operators)), None)
    if inner is not None:
        return inner.dtype  # type: ignore[attr-defined, no-any-return]
    try:
        return convert(list(values)).dtype
    except (TypeError, ValueError):
        return convert(values[0]).dtype


def invalid(message: str, kind: type[Exception] = ValueError) -> Exception:
    """What a public function raises for arguments an op refuses: InvalidArgumentError on values, `kind` in a graph."""
    if context.graph is None:
        return InvalidArgumentError(message).here()
    return kind(with_origin(message, caller_origin()))


def known_dims(x: Any) -> tuple[int, ...] | None:
    """The static shape of a tensor when all of it is known."""
    dims = x.dims
    return None if dims is None or None in dims else dims
