"""Numbers in few bits: integers with a scale, groups with a zero point, two in a byte, eight-bit floats.

Scales of signed integers multiply, `integer = round(value * scale)`; those of groups with a zero point divide,
`integer = round(value / scale) + zero`.
"""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np

from duoflow import ops as tf
from duoflow.core.custom_gradients import custom_gradient
from duoflow.core.tensor import convert

from ..operation import Operation
from ..preferences import epsilon as default_epsilon
from ..symbolic import KerasTensor, any_symbolic
from ..variables import standardize_dtype

__all__ = [
    "abs_max_quantize", "abs_max_quantize_grouped_with_zero_point", "compute_float8_amax_history",
    "compute_float8_scale", "dequantize_groups", "fake_quant_with_min_max_vars", "pack_int4",
    "quantize_and_dequantize", "unpack_int4",
]  # fmt: skip

_EPSILON = default_epsilon()
_NIBBLE = 15


def abs_max_quantize(
    inputs: Any, axis: Any, value_range: tuple[int, int] = (-127, 127), dtype: Any = "int8",
    epsilon: float = _EPSILON, to_numpy: bool = False,
) -> tuple[Any, Any]:  # fmt: skip
    """Floats as integers, scaled so that the largest magnitude along `axis` is the end of the range.

    Args:
      inputs: floats. axis: an axis or several, which share a scale.
      value_range: the smallest and largest integer. dtype: of the integers.
      epsilon: added to the largest magnitude. to_numpy: accepted; both ways compute the same.

    Returns `(integers, scale)`: `integers / scale` are the inputs again, up to rounding; the scale keeps `axis` with
    size one.

    >>> q, scale = tf.keras.quantizers.abs_max_quantize(tf.constant([[1.0, -4.0, 2.5]]), axis=-1)
    >>> q.numpy()
    array([[  32, -127,   79]], dtype=int8)

    Keras: keras.quantizers.abs_max_quantize.
    """
    inputs = convert(inputs)
    low, high = value_range
    scale = high / (tf.reduce_max(tf.abs(inputs), axis=axis, keepdims=True) + epsilon)
    scale = tf.cast(scale, inputs.dtype)
    return tf.cast(tf.clip_by_value(tf.round(inputs * scale), low, high), dtype), scale


def abs_max_quantize_grouped_with_zero_point(
    inputs: Any, block_size: int, value_range: tuple[int, int] = (-8, 7), dtype: Any = "int8",
    epsilon: float = _EPSILON, to_numpy: bool = False,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """A matrix as integers, each column in groups of rows that have a scale and a zero point of their own.

    Args:
      inputs: floats, [rows, columns]. block_size: rows in a group; the last one is filled up with zeros.
      value_range, dtype, epsilon: as in `abs_max_quantize`. to_numpy: accepted; both ways compute the same.

    Returns `(integers, scale, zero_point)`, the last two of shape [groups, columns].

    >>> q, scale, zero = tf.keras.quantizers.abs_max_quantize_grouped_with_zero_point(np.eye(4, dtype="float32"), 2)
    >>> q.shape, scale.shape, zero.dtype
    (TensorShape([4, 4]), TensorShape([2, 4]), tf.int8)

    Keras: keras.quantizers.abs_max_quantize_grouped_with_zero_point.
    """
    values = np.asarray(inputs)
    (rows, columns), (low, high) = values.shape, value_range
    groups = math.ceil(rows / block_size)
    blocks = np.pad(values, ((0, groups * block_size - rows), (0, 0))).reshape(groups, block_size, columns)
    least, most = blocks.min(1, keepdims=True), blocks.max(1, keepdims=True)
    scale = ((most - least + np.asarray(epsilon, values.dtype)) / (high - low)).astype(values.dtype)
    zero = np.clip(np.round(-least / scale) + low, low, high)
    integers = np.clip(np.round(blocks / scale) + zero, low, high).reshape(-1, columns)[:rows]
    return convert(integers.astype(standardize_dtype(dtype))), convert(scale[:, 0]), convert(zero[:, 0].astype("int8"))


def dequantize_groups(integers: Any, scale: Any, zero: Any, groups: Any, axis: int = 0) -> Any:
    """Integers with a scale and a zero point for each group as floats.

    scale, zero: the groups' along `axis`; groups: the number of the group of each place along it
    """
    indices = tf.cast(groups, "int32")
    scale, zero = tf.gather(scale, indices, axis=axis), tf.gather(zero, indices, axis=axis)
    return (tf.cast(integers, scale.dtype) - tf.cast(zero, scale.dtype)) * scale


# -- simulated quantization --------------------------------------------------------------------------------------------


class FakeQuantWithMinMaxVars(Operation):
    """`fake_quant_with_min_max_vars` in a model's graph."""

    def __init__(self, num_bits: int = 8, narrow_range: bool = False, axis: int | None = None) -> None:
        super().__init__()
        self.num_bits, self.narrow_range, self.axis = num_bits, narrow_range, axis

    def call(self, inputs: Any, min_vals: Any, max_vals: Any) -> Any:
        """The inputs, rounded."""
        return fake_quant_with_min_max_vars(inputs, min_vals, max_vals, self.num_bits, self.narrow_range, self.axis)

    def compute_output_spec(self, inputs: Any, min_vals: Any, max_vals: Any) -> KerasTensor:
        """The inputs' shape and dtype."""
        return KerasTensor(inputs.shape, dtype=inputs.dtype)


def fake_quant_with_min_max_vars(
    inputs: Any, min_vals: Any, max_vals: Any, num_bits: int = 8, narrow_range: bool = False, axis: int | None = None
) -> Any:
    """Floats rounded to the levels that integers of `num_bits` bits would have between two bounds.

    Args:
      inputs: floats. min_vals, max_vals: the bounds; with `axis`, one pair for each place along it.
      narrow_range: leave out the lowest level.

    Gradients pass inside the bounds, and go to the bounds outside.

    >>> tf.keras.quantizers.fake_quant_with_min_max_vars(tf.constant([0.1, 0.6, 2.0]), 0.0, 1.0, num_bits=2).numpy()
    array([0.       , 0.6666667, 1.       ], dtype=float32)

    Keras: keras.quantizers.fake_quant_with_min_max_vars.
    """
    if any_symbolic((inputs,)):
        operation = FakeQuantWithMinMaxVars(num_bits, narrow_range, axis)
        return operation.symbolic_call(inputs, min_vals, max_vals)
    inputs = convert(inputs)
    others = None if axis is None else [i for i in range(inputs.ndim) if i != axis % inputs.ndim]
    shape = None if axis is None else [-1 if i == axis % inputs.ndim else 1 for i in range(inputs.ndim)]

    def along(x: Any) -> Any:
        return x if shape is None else tf.reshape(x, shape)

    @custom_gradient
    def rounded(x: Any, least: Any, most: Any) -> Any:
        low, high = float(narrow_range), float(2**num_bits - 1)
        step = (most - least) / (high - low)
        zero = tf.round(tf.clip_by_value(low - least / step, low, high))
        bottom, top, size = along((low - zero) * step), along((high - zero) * step), along(step)
        levels = tf.floor((tf.clip_by_value(x, bottom, top) - bottom) / size + 0.5)

        def grad(upstream: Any) -> Any:
            outside = (x < bottom, x > top)
            to_bounds = [tf.reduce_sum(tf.where(out, upstream, 0.0), others) for out in outside]
            return tf.where(tf.logical_or(*outside), 0.0, upstream), *to_bounds

        return levels * size + bottom, grad

    bounds = [tf.cast(convert(v), "float32") for v in (min_vals, max_vals)]
    if axis is None:
        bounds = [tf.reshape(v, ()) for v in bounds]
    return tf.cast(rounded(tf.cast(inputs, "float32"), *bounds), inputs.dtype)


# -- eight-bit floats --------------------------------------------------------------------------------------------------


def compute_float8_scale(amax: Any, scale: Any, dtype_max: Any, margin: int = 0) -> Any:
    """The scale with which values up to `amax` fill a float8 type; the old one where that says nothing.

    Keras: keras.quantizers.compute_float8_scale.
    """
    amax = convert(amax)
    factor = dtype_max / amax / 2**margin
    usable = tf.logical_and(amax > 0.0, tf.is_finite(amax))
    return tf.reciprocal(tf.where(usable, factor, tf.reciprocal(convert(scale))))


def compute_float8_amax_history(x: Any, amax_history: Any) -> Any:
    """The largest magnitudes of the last steps with that of `x` as the first.

    Keras: keras.quantizers.compute_float8_amax_history.
    """
    history = convert(amax_history)
    newest = tf.cast(tf.reduce_max(tf.abs(x)), history.dtype)
    return tf.concat([tf.reshape(newest, [1]), tf.roll(history, -1, 0)[1:]], 0)


def quantize_and_dequantize(inputs: Any, scale: Any, quantized_dtype: Any, compute_dtype: Any) -> Any:
    """Values as they are after a trip to a float8 type and back.

    Args:
      inputs: floats. scale: what they are divided by on the way. quantized_dtype: "float8_e4m3fn" or "float8_e5m2".
      compute_dtype: of the result.

    Keras: keras.quantizers.quantize_and_dequantize.
    """
    largest = float(ml_dtypes.finfo(standardize_dtype(quantized_dtype)).max)
    scale = tf.cast(scale, compute_dtype)
    kept = tf.cast(tf.clip_by_value(inputs / scale, -largest, largest), quantized_dtype)
    return tf.cast(kept, compute_dtype) * scale


# -- two numbers in a byte ---------------------------------------------------------------------------------------------


def pack_int4(arr: Any, axis: int = 0, dtype: str = "int8") -> tuple[Any, tuple[int, ...], int]:
    """Integers of four bits, two in a byte.

    Args:
      arr: int8 in [-8, 7] or uint8 in [0, 15]. axis: neighbours along it share a byte, the first in the low bits.
      dtype: that of `arr` and of the result.

    Returns the bytes, their shape, and the length of `axis` before.

    >>> tf.keras.quantizers.pack_int4(np.array([[-3, 7], [2, -8], [1, 0]], "int8"))[0].numpy()
    array([[  45, -121],
           [   1,    0]], dtype=int8)

    Keras: keras.quantizers.pack_int4.
    """
    _check_byte(dtype)
    if standardize_dtype(arr.dtype) != dtype:
        raise TypeError(f"Expected {dtype} tensor for packing, got {standardize_dtype(arr.dtype)}.")
    rows = np.moveaxis(np.asarray(arr), axis, 0).view("uint8") & _NIBBLE
    length = rows.shape[0]
    if length % 2:
        rows = np.concatenate([rows, np.zeros_like(rows[:1])])
    packed = np.moveaxis(rows[::2] | rows[1::2] << 4, 0, axis).view(dtype)
    return convert(packed), packed.shape, length


def unpack_int4(packed: Any, orig_len: int, axis: int = 0, dtype: str = "int8") -> Any:
    """The integers that `pack_int4` put into bytes.

    Args:
      packed: the bytes. orig_len: the length of `axis` before. axis, dtype: as in `pack_int4`.

    >>> tf.keras.quantizers.unpack_int4(tf.constant([[45, -121], [1, 0]], "int8"), 3).numpy()
    array([[-3,  7],
           [ 2, -8],
           [ 1,  0]], dtype=int8)

    Keras: keras.quantizers.unpack_int4.
    """
    _check_byte(dtype)
    packed = convert(packed)
    if packed.dtype.name not in ("int8", "uint8"):
        raise TypeError(f"Expected int8 or uint8 tensor for unpacking, got {packed.dtype}")
    axis %= packed.ndim
    wide = tf.cast(packed, "int32")
    halves = [tf.floormod(wide, 16), tf.floormod(tf.floordiv(wide, 16), 16)]
    if dtype == "int8":
        halves = [tf.where(half > 7, half - 16, half) for half in halves]
    shape = [*packed.dims[:axis], 2 * packed.dims[axis], *packed.dims[axis + 1 :]]
    rows = tf.reshape(tf.stack(halves, axis + 1), [-1 if size is None else size for size in shape])
    whole = rows if orig_len == shape[axis] else tf.split(rows, [orig_len, shape[axis] - orig_len], axis)[0]
    return tf.cast(whole, dtype)


def _check_byte(dtype: str) -> None:
    if dtype not in ("int8", "uint8"):
        raise ValueError(f"Expected dtype to be 'int8' or 'uint8', but got '{dtype}'.")
