"""`tf.debugging`: assertions about values, shapes and dtypes, and the search for NaN and infinity.

What is known while a graph is built is checked then; the rest becomes Assert operations. Assertions return None in
eager mode and an operation in graphs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import ml_dtypes
import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.context import context
from duoflow.core.dtypes import DType
from duoflow.core.emit import emit_one
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.late import F
from duoflow.core.record import Effect, Kind, Op, register
from duoflow.core.scalar import run_body
from duoflow.core.spec import Spec
from duoflow.core.switches import switches
from duoflow.core.tensor import EagerTensor, GraphTensor, Tensor, convert, static_value

from .families import FLOATING
from .logging import Assert

__all__ = [
    "assert_all_finite", "assert_equal", "assert_greater", "assert_greater_equal", "assert_integer", "assert_less",
    "assert_less_equal", "assert_near", "assert_negative", "assert_non_negative", "assert_non_positive",
    "assert_none_equal",
    "assert_positive", "assert_proper_iterable", "assert_rank", "assert_rank_at_least", "assert_rank_in",
    "assert_same_float_dtype", "assert_scalar", "assert_shapes", "assert_type", "check_numerics",
    "disable_check_numerics",
    "enable_check_numerics", "is_non_decreasing", "is_numeric_tensor", "is_strictly_increasing", "numerics_checked",
    "required",
]  # fmt: skip


# -- conditions --------------------------------------------------------------------------------------------------------


def _infer_required(x: Spec, condition: Spec, *, message: str) -> Spec:
    holds = condition.array is not None and bool(condition.array.all())
    return x if holds else Spec(x.shape, x.dtype)


def _required(b: Any, x: Any, condition: Any, *, message: str) -> Any:
    b.require(condition, message)
    return x


REQUIRED = register(
    Op(
        "Required",
        Kind.ELEMENTWISE,
        _infer_required,
        functools.partial(run_body, _required),
        lambda n, g: (g, None),
        body=_required,
    )
)


def required(x: Any, condition: Any, message: str, name: str | None = None) -> Any:
    """x, which nobody gets unless a boolean scalar holds: an assertion on the way of a value, in compiled code too.

    Raises:
      InvalidArgumentError: with `message` if the condition is False, when something that needs the result runs.
    """
    held = static_value(condition)
    if held is not None and held.all():
        return convert(x)
    return emit_one(REQUIRED, (convert(x), convert(condition)), {"message": message}, name)


# -- comparisons -------------------------------------------------------------------------------------------------------


def _compare(
    symbol: str, holds: Any, x: Any, y: Any, message: str | None, summarize: int | None, name: str | None
) -> Any:
    """Assert that a comparison holds for every pair of elements."""
    x = convert(x)
    y = convert(y, dtype_hint=x.dtype)
    head = message or ""
    if isinstance(x, EagerTensor) and isinstance(y, EagerTensor):
        return _compare_values(symbol, holds, x, y, head, summarize)
    with F.name_scope(name or "assert"):
        condition = F.reduce_all(holds(x, y))
        data = [
            f"Condition x {symbol} y did not hold element-wise:",
            f"x ({_label(x)}) = ",
            x,
            f"y ({_label(y)}) = ",
            y,
        ]
        known = static_value(condition)
        if known is not None and not known:
            raise InvalidArgumentError(" ".join([head, data[0]])).here()
        return Assert(condition, [head, *data] if head else data, summarize)


def _label(tensor: Tensor) -> str:
    return (
        tensor.name
        if isinstance(tensor, GraphTensor)
        else f"shape={shapes.show(tensor.dims)} dtype={tensor.dtype.name}"
    )


def _compare_values(symbol: str, holds: Any, x: Any, y: Any, head: str, summarize: int | None) -> None:
    result = holds(x, y)
    met = result.numpy() if isinstance(result, Tensor) else np.asarray(result)  # type: ignore[attr-defined]
    if np.all(met):
        return
    limit = 3 if summarize is None else summarize if summarize >= 0 else 10**9
    a, b = x._array, y._array
    lines = [head] if head else []
    lines.append(f"Condition x {symbol} y did not hold.")
    if a.shape == b.shape and np.shape(met) == a.shape:
        bad = np.argwhere(~np.asarray(met))[:limit]
        where = tuple(bad.T) if a.ndim else ()
        lines += [
            f"Indices of first {len(bad)} different values:", str(bad), "Corresponding x values:", str(a[where]),
            "Corresponding y values:", str(b[where]),
        ]  # fmt: skip
    for label, array in (("x", a), ("y", b)):
        count = min(limit, array.size)
        lines += [f"First {count} elements of {label}:", str(array.reshape(-1)[:count])]
    raise InvalidArgumentError("\n".join(lines)).here()


def assert_equal(
    x: Any, y: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Any:
    """Assert x == y elementwise, with broadcasting.

    Raises:
      InvalidArgumentError: with the first differing elements if it does not hold.

    TensorFlow: tf.debugging.assert_equal.
    """
    return _compare("==", F.equal, x, y, message, summarize, name)


def assert_none_equal(
    x: Any, y: Any, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Any:
    """Assert x != y elementwise. TensorFlow: tf.debugging.assert_none_equal."""
    return _compare("!=", F.not_equal, x, y, message, summarize, name)


def assert_less(
    x: Any, y: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Any:
    """Assert x < y elementwise. TensorFlow: tf.debugging.assert_less."""
    return _compare("<", F.less, x, y, message, summarize, name)


def assert_less_equal(
    x: Any, y: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Any:
    """Assert x <= y elementwise. TensorFlow: tf.debugging.assert_less_equal."""
    return _compare("<=", F.less_equal, x, y, message, summarize, name)


def assert_greater(
    x: Any, y: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Any:
    """Assert x > y elementwise. TensorFlow: tf.debugging.assert_greater."""
    return _compare(">", F.greater, x, y, message, summarize, name)


def assert_greater_equal(
    x: Any, y: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Any:
    """Assert x >= y elementwise. TensorFlow: tf.debugging.assert_greater_equal."""
    return _compare(">=", F.greater_equal, x, y, message, summarize, name)


def _sign(symbol: str, holds: Any, x: Any, message: str | None, summarize: int | None, name: str | None) -> Any:
    x = convert(x)
    with F.name_scope(name or "assert"):
        condition = F.reduce_all(holds(x, F.zeros([], x.dtype)))
        head = [message or "", f"Condition x {symbol} 0 did not hold element-wise:", f"x ({_label(x)}) = "]
        if isinstance(x, EagerTensor) and not bool(condition):
            shown = [str(v) for v in x._array.reshape(-1)[: 3 if summarize is None else summarize]]
            raise InvalidArgumentError("\n".join([*head, str(shown)])).here()
        return Assert(condition, [*head, x], summarize)


def assert_positive(x: Any, message: str | None = None, summarize: int | None = None, name: str | None = None) -> Any:
    """Assert x > 0 elementwise. TensorFlow: tf.debugging.assert_positive."""
    return _sign(">", F.greater, x, message, summarize, name)


def assert_negative(x: Any, message: str | None = None, summarize: int | None = None, name: str | None = None) -> Any:
    """Assert x < 0 elementwise. TensorFlow: tf.debugging.assert_negative."""
    return _sign("<", F.less, x, message, summarize, name)


def assert_non_negative(
    x: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Any:
    """Assert x >= 0 elementwise. TensorFlow: tf.debugging.assert_non_negative."""
    return _sign(">=", F.greater_equal, x, message, summarize, name)


def assert_non_positive(
    x: Any, message: str | None = None, summarize: int | None = None, name: str | None = None
) -> Any:
    """Assert x <= 0 elementwise. TensorFlow: tf.debugging.assert_non_positive."""
    return _sign("<=", F.less_equal, x, message, summarize, name)


def assert_near(
    x: Any, y: Any, rtol: Any = None, atol: Any = None, message: str | None = None, summarize: int | None = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Assert |x - y| <= atol + rtol * |y| elementwise; both tolerances are 10 machine epsilons by default.

    TensorFlow: tf.debugging.assert_near.
    """
    x = convert(x)
    y = convert(y, dtype=x.dtype)
    epsilon = 10 * float(ml_dtypes.finfo(x.dtype.real_dtype.numpy).eps)  # type: ignore[no-untyped-call]
    rtol = convert(epsilon if rtol is None else rtol, dtype=x.dtype.real_dtype)
    atol = convert(epsilon if atol is None else atol, dtype=x.dtype.real_dtype)
    with F.name_scope(name or "assert_near"):
        condition = F.reduce_all(F.abs(x - y) <= atol + rtol * F.abs(y))
        head = f"x and y not equal to tolerance rtol = {rtol}, atol = {atol}"
        return Assert(condition, [message or "", head, f"x ({_label(x)}) = ", x, f"y ({_label(y)}) = ", y], summarize)


# -- ranks and shapes --------------------------------------------------------------------------------------------------


def _rank(
    x: Any, wanted: Any, fits: Callable[[int], bool], dynamic: Callable[[Any], Any], says: str, message: str | None
) -> Any:
    x = convert(x)
    head = f"{message}.  " if message else ""
    label = x.name if isinstance(x, GraphTensor) else ""
    if x.dims is not None:
        if not fits(len(x.dims)):
            raise ValueError(
                f"{head}Tensor {label} must have rank {says}.  Received rank {len(x.dims)}, shape {shapes.show(x.dims)}"
            )
        return None if context.graph is None else F.no_op(name="static_checks_determined_all_ok")
    data = [f"{head}Tensor {label} must have rank {says}", "Received shape: ", F.shape(x)]
    return Assert(dynamic(F.rank(x)), data)


def _static_rank(rank: Any, what: str) -> int:
    value = static_value(rank)
    if value is None or value.ndim:
        raise ValueError(f"{what} must be a scalar that is known while the graph is built, received {rank!r}.")
    return int(value)


def assert_rank(x: Any, rank: Any, message: str | None = None, name: str | None = None) -> Any:
    """Assert that x has a rank. Raises `ValueError` if it is known not to. TensorFlow: tf.debugging.assert_rank."""
    r = _static_rank(rank, "rank")
    return _rank(x, r, lambda have: have == r, lambda have: F.equal(have, r), str(r), message)


def assert_rank_at_least(x: Any, rank: Any, message: str | None = None, name: str | None = None) -> Any:
    """Assert that x has a rank or a higher one. TensorFlow: tf.debugging.assert_rank_at_least."""
    r = _static_rank(rank, "rank")
    return _rank(x, r, lambda have: have >= r, lambda have: F.greater_equal(have, r), f"at least {r}", message)


def assert_rank_in(x: Any, ranks: Any, message: str | None = None, name: str | None = None) -> Any:
    """Assert that x has one of several ranks. TensorFlow: tf.debugging.assert_rank_in."""
    allowed = tuple([_static_rank(r, "ranks") for r in ranks])
    found = lambda have: F.reduce_any(F.equal(have, list(allowed)))
    return _rank(x, allowed, lambda have: have in allowed, found, f"in {allowed}", message)


def assert_scalar(tensor: Any, message: str | None = None, name: str | None = None) -> Any:
    """The tensor, which must be a scalar. TensorFlow: tf.debugging.assert_scalar."""
    tensor = convert(tensor)
    if tensor.dims != ():
        if tensor.dims is None:
            raise ValueError(f"Expected scalar shape for {tensor!r}, saw an unknown shape.")
        label = f" for {tensor.name}" if isinstance(tensor, GraphTensor) else ""
        raise ValueError(f"{message or ''}Expected scalar shape{label}, saw shape: {shapes.show(tensor.dims)}.")
    return tensor


def assert_shapes(
    shapes: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
) -> Any:
    """Assert the shapes of several tensors and that dimensions of the same symbol are equal.

    Args:
      shapes: a list of pairs, or a dict, from tensors to shapes. A shape is a tuple of ints, symbols (strings) and
        None (or
        ".") for any size; "..." (or "*") first or last stands for any number of dimensions; () and [] ask for a scalar.

    Raises:
      ValueError: if the shapes are known and do not fit.

    >>> tf.debugging.assert_shapes([(tf.zeros([2, 3]), ("N", "D")), (tf.zeros([3]), ("D",))])

    TensorFlow: tf.debugging.assert_shapes.
    """
    sizes: dict[str, tuple[int, str]] = {}
    checks = []
    pairs = shapes.items() if isinstance(shapes, dict) else shapes
    head = f"{message}.  " if message else ""
    for key, shape in pairs:
        tensor = convert(key.deref() if hasattr(key, "deref") else key)
        checks += _shape_checks(tensor, _symbols(shape), sizes, head, summarize)
    return F.group(*checks) if context.graph is not None else None


def _symbols(shape: Any) -> tuple[Any, ...]:
    if isinstance(shape, (str, int)) and shape not in ("...", "*"):
        return (shape,)
    return tuple("..." if s in ("...", "*") or s is Ellipsis else None if s == "." else s for s in shape)


def _shape_checks(
    tensor: Tensor, symbols: tuple[Any, ...], sizes: dict[str, tuple[int, str]], head: str, summarize: int | None
) -> list[Any]:
    label = tensor.name if isinstance(tensor, GraphTensor) else ""
    described = f"tensor shape={shapes.show(tensor.dims)} dtype={tensor.dtype.name}"
    wanted = symbols
    if tensor.dims is None:
        rank = len([s for s in symbols if s != "..."])
        return [assert_rank(tensor, rank) if "..." not in symbols else assert_rank_at_least(tensor, rank)]
    if symbols[:1] == ("...",):
        wanted = (None,) * (len(tensor.dims) - len(symbols) + 1) + symbols[1:]
    elif symbols[-1:] == ("...",):
        wanted = symbols[:-1] + (None,) * (len(tensor.dims) - len(symbols) + 1)
    if len(wanted) != len(tensor.dims):
        least = "at least " if "..." in symbols else ""
        count = len(symbols) - ("..." in symbols)
        raise ValueError(
            f"{head}Tensor {label} must have rank {least}{count}.  Received rank {len(tensor.dims)}, shape "
            f"{shapes.show(tensor.dims)}"
        )
    checks = []
    for axis, (symbol, size) in enumerate(zip(wanted, tensor.dims, strict=True)):
        if symbol is None:
            continue
        by_whom = "explicitly"
        expected = int(symbol) if isinstance(symbol, (int, np.integer)) or str(symbol).isdigit() else None
        if expected is None:
            if symbol not in sizes:
                sizes[symbol] = (
                    size if size is not None else F.shape(tensor)[axis],
                    f"by {described} dimension {axis}",
                )
                continue
            expected, by_whom = sizes[symbol]
        if size is not None and isinstance(expected, int):
            if size != expected:
                raise ValueError(
                    f"{head}Specified {by_whom}.  {described[0].upper()}{described[1:]} dimension {axis} must have "
                    f"size {expected}.  "
                    f"Received size {size}, shape {shapes.show(tensor.dims)}"
                )
        else:
            message = f"{head}Specified {by_whom}.  {described} dimension {axis} must have size"
            checks.append(
                Assert(
                    F.equal(F.shape(tensor)[axis], expected),
                    [message, expected, "Received shape: ", F.shape(tensor)],
                    summarize,
                )
            )
    return checks


# -- dtypes ------------------------------------------------------------------------------------------------------------


def assert_type(tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None) -> Any:
    """Assert that a tensor has a dtype; `TypeError` if not. TensorFlow: tf.debugging.assert_type."""
    tf_type = dtypes.as_dtype(tf_type)
    tensor = convert(tensor)
    if tensor.dtype is not tf_type:
        label = f"{tensor.name} " if isinstance(tensor, GraphTensor) else "tensor "
        raise TypeError(f"{message + '  ' if message else ''}{label}must be of type {tf_type!r}; got {tensor.dtype!r}")
    return None if context.graph is None else F.no_op(name="statically_determined_correct_type")


def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> None:
    """Assert that x is of an integer dtype; `TypeError` if not. TensorFlow: tf.debugging.assert_integer."""
    x = convert(x)
    if not x.dtype.is_integer:
        label = f"Tensor {x.name}" if isinstance(x, GraphTensor) else "tensor"
        raise TypeError(
            f'{message + "  " if message else ""}Expected "x" to be integer type.  Found: {label} of dtype {x.dtype}'
        )


def assert_same_float_dtype(tensors: Any = None, dtype: Any = None) -> DType:
    """The floating dtype that all tensors share; `ValueError` if they do not. Without tensors float32.

    TensorFlow: tf.debugging.assert_same_float_dtype.
    """
    wanted = None if dtype is None else dtypes.as_dtype(dtype)
    first: Any = None
    for tensor in tensors or ():
        if tensor is None:
            continue
        if wanted is None:
            wanted, first = tensor.dtype, tensor
        elif tensor.dtype is not wanted:
            beside = f" as {first}" if first is not None else ""
            raise ValueError(f"{tensor}, type={tensor.dtype}, must be of the same type ({wanted}){beside}.")
    wanted = wanted or dtypes.float32
    if not wanted.is_floating:
        raise ValueError(f"Expected floating point type, got {wanted}.")
    return wanted


def assert_proper_iterable(values: Any) -> None:
    """Assert that `values` is an iterable that is not itself a tensor or array.

    TensorFlow: tf.debugging.assert_proper_iterable.
    """
    if isinstance(values, (Tensor, np.ndarray, str, bytes)) or not isinstance(values, Iterable):
        raise TypeError(f'Expected argument "values" to be a "proper" iterable.  Found: {type(values)}')


def is_numeric_tensor(tensor: Any) -> bool:
    """Whether something is a tensor of numbers. TensorFlow: tf.debugging.is_numeric_tensor."""
    return isinstance(tensor, Tensor) and tensor.dtype.is_numeric


def _steps(x: Any) -> Any:
    flat = F.reshape(convert(x), [-1])
    return flat[1:] - flat[:-1]


def is_non_decreasing(x: Any, name: str | None = None) -> Any:
    """Whether the elements of x, in row-major order, never decrease: a boolean scalar.

    >>> bool(tf.math.is_non_decreasing([1, 1, 2]))
    True

    TensorFlow: tf.math.is_non_decreasing.
    """
    return F.reduce_all(_steps(x) >= 0)


def is_strictly_increasing(x: Any, name: str | None = None) -> Any:
    """Whether the elements of x, in row-major order, always increase. TensorFlow: tf.math.is_strictly_increasing."""
    return F.reduce_all(_steps(x) > 0)


# -- NaN and infinity --------------------------------------------------------------------------------------------------


def _infer_check(x: Spec, *, message: str) -> Spec:
    if x.dtype not in FLOATING:
        raise TypeError(f"check_numerics takes floating tensors, received {x.dtype.name}.")
    return x


def _run_check(x: Any, *, message: str) -> Any:
    if not np.all(np.isfinite(x)):
        found = [name for name, test in (("NaN", np.isnan), ("Inf", np.isinf)) if np.any(test(x))]
        raise InvalidArgumentError(f"{message} : Tensor had {' and '.join(found)} values")
    return x


CHECK_NUMERICS = register(
    Op(
        "CheckNumerics",
        Kind.HOST,
        _infer_check,
        _run_check,
        lambda n, g: check_numerics(
            g, f"Not a number (NaN) or infinity (Inf) values detected in gradient. {n.attrs['message']}"
        ),
        Effect.IO,
    )  # fmt: skip
)


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Any:
    """The tensor, which must hold no NaN and no infinity.

    Raises:
      InvalidArgumentError: with `message` if it does.

    TensorFlow: tf.debugging.check_numerics.
    """
    return emit_one(CHECK_NUMERICS, (convert(tensor),), {"message": message}, name)


def assert_all_finite(x: Any, message: str, name: str | None = None) -> Any:
    """The tensor, which must hold no NaN and no infinity. TensorFlow: tf.debugging.assert_all_finite."""
    return check_numerics(x, message, name)


def numerics_checked(op: Op, outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The outputs of an op, checked; `emit` asks for this while `enable_check_numerics` is in force."""
    if op is CHECK_NUMERICS or op.kind is Kind.SOURCE:
        return outputs
    message = f'!!! Detected Infinity or NaN in output {{}} of op "{op.name}" (# of outputs: {len(outputs)}) !!!'
    return tuple([
        check_numerics(t, message.format(i)) if t.dtype in FLOATING else t for i, t in enumerate(outputs)
    ])  # fmt: skip


def enable_check_numerics(stack_height_limit: int = 30, path_length_limit: int = 50) -> None:
    """Let every operation fail whose result holds a NaN or an infinity, naming the user's line.

    Args:
      stack_height_limit, path_length_limit: accepted; errors name one line.

    TensorFlow: tf.debugging.enable_check_numerics.
    """
    switches.watched += not switches.check_numerics
    switches.check_numerics = True


def disable_check_numerics() -> None:
    """Undo `enable_check_numerics`. TensorFlow: tf.debugging.disable_check_numerics."""
    switches.watched -= switches.check_numerics
    switches.check_numerics = False
