"""keras.ops, control: conditions, loops, scans, functions over entries, gradients of one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from duoflow import ops as tf
from duoflow.core import nest
from duoflow.core.custom_gradients import custom_gradient
from duoflow.core.tensor import Tensor, convert

__all__ = [
    "associative_scan", "cond", "custom_gradient", "fori_loop", "map", "scan", "switch", "vectorized_map", "while_loop",
]  # fmt: skip


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """What one of two functions returns. Keras: keras.ops.cond."""
    return tf.cond(tf.cast(pred, "bool"), true_fn, false_fn)


def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """What one of several functions returns for the operands; the index is held within their number.

    Keras: keras.ops.switch.
    """
    index = tf.clip_by_value(tf.cast(index, "int32"), 0, len(branches) - 1)
    return tf.switch_case(index, [lambda branch=branch: branch(*operands) for branch in branches])


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
    xs = nest.map_structure(convert, xs)
    first = f(nest.map_structure(lambda x: x[0], xs))
    return tf.map_fn(f, xs, fn_output_signature=nest.map_structure(lambda y: convert(y).dtype, first))


def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """Apply a function to each entry along the first axis. Keras: keras.ops.vectorized_map."""
    return tf.vectorized_map(function, elements)


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]], init: Any, xs: Any = None, length: int | None = None,
    reverse: bool = False, unroll: int | bool = 1,
) -> tuple[Any, Any]:  # fmt: skip
    """Carry a value along the entries of `xs`: `f(carry, x) -> (carry, y)`. Returns the last carry and all y.

    Args:
      init: the first carry. xs: what is gone through, along its first axes; None with a `length`.
      reverse: go from the end; the y keep the order of the x.
      unroll: accepted; it decides nothing about the values.

    >>> total, sums = tf.keras.ops.scan(lambda c, x: (c + x, c + x), 0.0, tf.constant([1.0, 2.0, 3.0]))
    >>> float(total), sums.numpy()
    (6.0, array([1., 3., 6.], dtype=float32))

    Keras: keras.ops.scan.
    """
    if not callable(f):
        raise TypeError(f"`f` should be a callable. Received: f={f}")
    if not isinstance(unroll, bool) and (not isinstance(unroll, int) or unroll < 1):
        raise ValueError(f"`unroll` must be an positive integer or boolean. Received: unroll={unroll}")
    if xs is None and length is None:
        raise ValueError("Got no `xs` to scan over and `length` not provided.")
    carry = nest.map_structure(convert, init)
    entries = None if xs is None else nest.map_structure(convert, xs)
    count = length if entries is None else tf.shape(nest.flatten(entries)[0])[0]
    outputs: list[Any] = []

    def step(place: Any, carry: Any) -> tuple[Any, Any]:
        return f(carry, None if entries is None else nest.map_structure(lambda x: x[place], entries))

    first = count - 1 if reverse else convert(0)
    carry, shown = step(first, carry)
    shown = None if shown is None else nest.map_structure(convert, shown)
    outputs = [] if shown is None else nest.flatten(shown)
    arrays = [tf.TensorArray(y.dtype, size=count, element_shape=y.shape).write(first, y) for y in outputs]

    def body(i: Any, carry: Any, arrays: Any) -> tuple[Any, Any, Any]:
        place = count - 1 - i if reverse else i
        carry, shown = step(place, carry)
        return i + 1, carry, [array.write(place, y) for array, y in zip(arrays, nest.flatten(shown), strict=True)]

    def body_alone(i: Any, carry: Any) -> tuple[Any, Any]:
        return i + 1, step(count - 1 - i if reverse else i, carry)[0]

    if shown is None:
        return tf.while_loop(lambda i, _: i < count, body_alone, (convert(1), carry))[1], None
    _, carry, arrays = tf.while_loop(lambda i, *_: i < count, body, (convert(1), carry, arrays))
    return carry, nest.pack_sequence_as(shown, [array.stack() for array in arrays])


def associative_scan(f: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """The running combinations of entries along an axis, by a function that may be grouped anyhow.

    In about 2 log2(n) steps, each on all entries at once.

    >>> tf.keras.ops.associative_scan(lambda a, b: a + b, tf.range(5)).numpy()
    array([ 0,  1,  3,  6, 10], dtype=int32)

    Keras: keras.ops.associative_scan.
    """
    if not callable(f):
        raise TypeError(f"`f` should be a callable. Received: f={f}")
    flat = [convert(x) for x in nest.flatten(elems)]
    axis %= flat[0].ndim
    count = flat[0].shape[axis]
    if count is None or any(x.shape[axis] != count for x in flat):
        raise ValueError(
            "Array inputs to associative_scan must have the same known size along the axis. Received: "
            f"{[tuple(x.shape) for x in flat]}, axis={axis}"
        )
    flat = [tf.reverse(x, [axis]) if reverse else x for x in flat]

    def combined(a: list[Tensor], b: list[Tensor]) -> list[Tensor]:
        out = f(nest.pack_sequence_as(elems, a), nest.pack_sequence_as(elems, b))
        return [convert(x) for x in nest.flatten(out)]

    flat = _scanned(combined, flat, axis)
    return nest.pack_sequence_as(elems, [tf.reverse(x, [axis]) if reverse else x for x in flat])


def _scanned(combined: Callable[..., list[Tensor]], xs: list[Tensor], axis: int) -> list[Tensor]:
    """Combine neighbours, scan the half as many results, and fill in the entries between."""
    count = xs[0].shape[axis]
    if count < 2:
        return xs
    lead = (slice(None),) * axis

    def part(values: list[Tensor], *bounds: int | None) -> list[Tensor]:
        return [x[(*lead, slice(*bounds))] for x in values]

    pairs = combined(part(xs, 0, count - 1, 2), part(xs, 1, None, 2))
    odd = _scanned(combined, pairs, axis)
    before = part(odd, 0, -1) if count % 2 == 0 else odd
    first = part(xs, 0, 1)
    even = first
    if count > 2:
        between = combined(before, part(xs, 2, None, 2))
        even = [tf.concat([a, b], axis) for a, b in zip(first, between, strict=True)]
    return [_alternating(a, b, axis) for a, b in zip(even, odd, strict=True)]


def _alternating(even: Tensor, odd: Tensor, axis: int) -> Tensor:
    """Entries from two tensors in turn; the first may have one more."""
    both = odd.shape[axis]
    lead = (slice(None),) * axis
    shape = [*even.shape[:axis], 2 * both, *even.shape[axis + 1 :]]
    mixed = tf.reshape(tf.stack([even[(*lead, slice(0, both))], odd], axis + 1), shape)
    return mixed if even.shape[axis] == both else tf.concat([mixed, even[(*lead, slice(both, None))]], axis)
