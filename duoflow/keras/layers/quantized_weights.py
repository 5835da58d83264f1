"""How a weight is kept in few bits: which variables there are, how they are made of floats, and the way back.

The variables of one weight are a dict by suffix: "" the integers, "_scale", "_zero" and "g_idx", the group of each
input.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from duoflow import ops as tf

from ..quantizers.functions import abs_max_quantize_grouped_with_zero_point, dequantize_groups, pack_int4, unpack_int4
from ..quantizers.objects import AbsMaxQuantizer

__all__ = ["Int4Weight", "Int8Weight", "Spec"]

#: A variable's shape, dtype (None for that of the layer's variables) and initial value.
Spec = tuple[tuple[int, ...], str | None, Any]


@dataclass(frozen=True)
class Int8Weight:
    """Integers of the weight's shape, and a scale for what does not share one.

    axes: those of the weight whose entries share a scale
    order, scale_shape: how the scale is kept: axes in this order, then in this shape
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    order: tuple[int, ...]
    scale_shape: tuple[int, ...]

    @property
    def specs(self) -> dict[str, Spec]:
        """The variables to make."""
        return {"": (self.shape, "int8", "zeros"), "_scale": (self.scale_shape, None, "ones")}

    def quantized(self, weight: Any, quantizer: Any = None) -> dict[str, Any]:
        """The variables' values for a weight of floats."""
        integers, scale = (quantizer or AbsMaxQuantizer(axis=self.axes))(weight, to_numpy=True)
        return {"": integers, "_scale": tf.reshape(tf.transpose(scale, self.order), self.scale_shape)}

    def dequantized(self, parts: Mapping[str, Any], dtype: str) -> Any:
        """The weight as floats."""
        wide = [1 if i in self.axes else self.shape[i] for i in self.order]
        scale = tf.transpose(tf.reshape(parts["_scale"], wide), np.argsort(self.order))
        return tf.cast(parts[""], dtype) / scale

    def unscaled(self, parts: Mapping[str, Any], dtype: str) -> tuple[Any, Any]:
        """The integers as floats, and the scale that products with them are divided by."""
        return tf.cast(parts[""], dtype), tf.convert_to_tensor(parts["_scale"])

    def rows(self, parts: Mapping[str, Any], indices: Any, dtype: str) -> Any:
        """Rows of a matrix that has a scale for each of them, as floats."""
        scale = tf.gather(parts["_scale"], indices)
        return tf.cast(tf.gather(parts[""], indices), dtype) / tf.expand_dims(scale, -1)


@dataclass(frozen=True)
class Int4Weight:
    """Integers of four bits, two in a byte, of the weight as a matrix.

    shape: of the weight; matrix: of the matrix it is reshaped to
    axis: that of the matrix whose entries share a scale: all of them, or `block_size` and a zero point with it
    pack_axis: that of the matrix whose neighbours share a byte
    zero_dtype: of the zero points
    scales_outputs: whether a scale without blocks has the axes of products with the weight
    """

    shape: tuple[int, ...]
    matrix: tuple[int, int]
    axis: int
    block_size: int | None
    pack_axis: int = 1
    zero_dtype: str | None = "int8"
    scales_outputs: bool = True

    @property
    def specs(self) -> dict[str, Spec]:
        """The variables to make."""
        packed = list(self.matrix)
        packed[self.pack_axis] = (packed[self.pack_axis] + 1) // 2
        specs: dict[str, Spec] = {"": (tuple(packed), "int8", "zeros")}
        length, others = self.matrix[self.axis], self.matrix[1 - self.axis]
        if self.block_size is None:
            return {**specs, "_scale": ((others,), None, "ones")}
        sizes = (math.ceil(length / self.block_size), others)
        groups = np.arange(length) // self.block_size
        scale = sizes if self.axis == 0 else sizes[::-1]
        return {
            **specs, "_scale": (scale, None, "ones"), "_zero": (scale, self.zero_dtype, "zeros"),
            "g_idx": ((length,), "float32", lambda shape, dtype: tf.constant(groups, dtype)),
        }  # fmt: skip

    def quantized(self, weight: Any, quantizer: Any = None) -> dict[str, Any]:
        """The variables' values for a weight of floats."""
        matrix = tf.reshape(weight, self.matrix)
        if self.block_size is None:
            default = AbsMaxQuantizer(axis=self.axis, value_range=(-8, 7))
            integers, scale = (quantizer or default)(matrix, to_numpy=True)
            found = {"": integers, "_scale": tf.squeeze(scale, [self.axis])}
        else:
            turned = matrix if self.axis == 0 else tf.transpose(matrix)
            values = abs_max_quantize_grouped_with_zero_point(turned, self.block_size)
            found = dict(zip(("", "_scale", "_zero"), values, strict=True))
            if self.axis == 1:
                found = {name: tf.transpose(value) for name, value in found.items()}
        return {**found, "": pack_int4(found[""], self.pack_axis)[0]}

    def integers(self, packed: Any) -> Any:
        """The matrix of integers in bytes."""
        return unpack_int4(packed, self.matrix[self.pack_axis], self.pack_axis)

    def dequantized(self, parts: Mapping[str, Any], dtype: str) -> Any:
        """The weight as floats."""
        integers = self.integers(parts[""])
        if self.block_size is None:
            weight = tf.cast(integers, dtype) / tf.expand_dims(tf.convert_to_tensor(parts["_scale"]), self.axis)
        else:
            weight = dequantize_groups(integers, parts["_scale"], parts["_zero"], parts["g_idx"], self.axis)
        return tf.reshape(tf.cast(weight, dtype), self.shape)

    def unscaled(self, parts: Mapping[str, Any], dtype: str) -> tuple[Any, Any]:
        """The integers as floats, and the scale that products with them are divided by; or the weight, and None."""
        if self.block_size is not None or not self.scales_outputs:
            return self.dequantized(parts, dtype), None
        return tf.cast(self.integers(parts[""]), dtype), tf.convert_to_tensor(parts["_scale"])

    def rows(self, parts: Mapping[str, Any], indices: Any, dtype: str) -> Any:
        """Rows of a matrix that shares scales along its rows, as floats."""
        integers = unpack_int4(tf.gather(parts[""], indices), self.matrix[1], -1)
        scale = tf.gather(parts["_scale"], indices)
        if self.block_size is None:
            return tf.cast(integers, dtype) / tf.expand_dims(scale, -1)
        return tf.cast(
            dequantize_groups(integers, scale, tf.gather(parts["_zero"], indices), parts["g_idx"], -1), dtype
        )
