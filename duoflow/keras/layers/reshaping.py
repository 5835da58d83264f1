"""Layers that move elements around: Flatten, Reshape, Permute, padding, cropping, enlarging."""

from __future__ import annotations

import math
from typing import Any

from duoflow import ops as tf

from .. import ops
from ..preferences import standardize_data_format
from ..symbolic import KerasTensor
from .arguments import per_axis
from .input_spec import InputSpec
from .layer import Layer

__all__ = [
    "Cropping1D", "Cropping2D", "Cropping3D", "Flatten", "Permute", "RepeatVector", "Reshape", "UpSampling1D",
    "UpSampling2D", "UpSampling3D", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D",
]  # fmt: skip

_Pairs = tuple[tuple[int, int], ...]


class Flatten(Layer):
    """All dimensions but the batch as one.

    >>> tf.keras.layers.Flatten()(tf.ones((2, 3, 4))).shape
    TensorShape([2, 12])

    Keras: keras.layers.Flatten.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        rank = len(inputs.shape)
        if self.data_format == "channels_first" and rank > 1:
            inputs = tf.transpose(inputs, [0, *range(2, rank), 1])
        size = math.prod(inputs.shape[1:]) if None not in tuple(inputs.shape[1:]) else -1
        return tf.reshape(inputs, [-1 if inputs.shape[0] is None and size != -1 else ops.shape(inputs)[0], size])

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        rest = tuple(input_shape[1:])
        return (input_shape[0], None if None in rest else math.prod(rest))

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class Reshape(Layer):
    """The elements of each example in another shape; -1 for one unknown size.

    >>> tf.keras.layers.Reshape((2, -1))(tf.ones((1, 6))).shape
    TensorShape([1, 2, 3])

    Keras: keras.layers.Reshape.
    """

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        target_shape = tuple(target_shape)
        if sum(size == -1 for size in target_shape) > 1:
            raise ValueError(f"The `target_shape` can contain at most one -1. Received: target_shape={target_shape}")
        self.target_shape = target_shape

    def call(self, inputs: Any) -> Any:
        sizes = self.compute_output_shape(tuple(inputs.shape))[1:]
        return tf.reshape(inputs, [ops.shape(inputs)[0], *(-1 if size is None else size for size in sizes)])

    def _resolved(self, input_shape: Any) -> tuple[int, ...]:
        rest = input_shape[1:]
        if None in rest or -1 not in self.target_shape:
            return self.target_shape
        known = math.prod(size for size in self.target_shape if size != -1)
        missing, left = divmod(math.prod(rest), known) if known else (0, 0)
        if left:
            raise ValueError(
                f"The total size of the tensor must be unchanged. Received: input_shape={rest}, "
                f"target_shape={self.target_shape}"
            )
        return tuple(missing if size == -1 else size for size in self.target_shape)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        sizes = self._resolved(tuple(input_shape))
        rest = input_shape[1:]
        if None not in rest and -1 not in sizes and math.prod(rest) != math.prod(sizes):
            raise ValueError(
                f"The total size of the tensor must be unchanged. Received: input_shape={tuple(rest)}, "
                f"target_shape={self.target_shape}"
            )
        return (input_shape[0], *(None if size == -1 else size for size in sizes))

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": self.target_shape}


class Permute(Layer):
    """The dimensions of each example in another order, counted from 1. Keras: keras.layers.Permute."""

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(dims) != list(range(1, len(dims) + 1)):
            raise ValueError(
                "Invalid permutation argument `dims` for Permute Layer. The set of indices in `dims` must be "
                "consecutive and "
                f"start from 1. Received dims={dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        return tf.transpose(inputs, [0, *self.dims])

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (input_shape[0], *(input_shape[dim] for dim in self.dims))

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dims": self.dims}


class RepeatVector(Layer):
    """Each vector n times: [batch, n, features]. Keras: keras.layers.RepeatVector."""

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(n, int):
            raise TypeError(f"Expected an integer value for `n`, got {type(n)}.")
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        return tf.tile(tf.expand_dims(inputs, 1), [1, self.n, 1])

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (input_shape[0], self.n, input_shape[1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n}


def _pairs(value: Any, rank: int, name: str) -> _Pairs:
    """An int, one for each axis, or a pair for each axis, as pairs."""
    if isinstance(value, int):
        return ((value, value),) * rank
    if not isinstance(value, list | tuple) or len(value) != rank:
        raise ValueError(f"`{name}` should have {rank} elements. Received: {name}={value}")
    return tuple(per_axis(v, 2, name, allow_zero=True) for v in value)  # type: ignore[return-value]


class _Spatial(Layer):
    """Base of layers that change the spatial axes only."""

    rank: int
    data_format = "channels_last"

    def _new_size(self, axis: int, size: int) -> int:
        raise NotImplementedError

    @property
    def _first(self) -> int:
        return 1 if self.data_format == "channels_last" else 2

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        shape = list(input_shape)
        for i in range(self.rank):
            if shape[self._first + i] is not None:
                shape[self._first + i] = self._new_size(i, shape[self._first + i])
        return tuple(shape)

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=inputs.dtype)


class _ZeroPadding(_Spatial):
    padding: Any

    def _set(self, padding: Any, data_format: str | None) -> None:
        self.padding, self.data_format = _pairs(padding, self.rank, "padding"), standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _new_size(self, axis: int, size: int) -> int:
        return size + sum(self._all_pairs()[axis])

    def _all_pairs(self) -> _Pairs:
        return self.padding  # type: ignore[no-any-return]

    def call(self, inputs: Any) -> Any:
        pads = [[0, 0]] * self._first + [list(pair) for pair in self._all_pairs()]
        return tf.pad(inputs, pads + [[0, 0]] * (self.rank + 2 - len(pads)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after sequences. Keras: keras.layers.ZeroPadding1D."""

    rank = 1

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set(((padding, padding) if isinstance(padding, int) else padding,), data_format)
        (self.padding,) = self.padding

    def _all_pairs(self) -> _Pairs:
        return (self.padding,)


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images: an int, one per axis, or a pair per axis. Keras: keras.layers.ZeroPadding2D."""

    rank = 2

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set(padding, data_format)


class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes. Keras: keras.layers.ZeroPadding3D."""

    rank = 3

    def __init__(self, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set(padding, data_format)


class _Cropping(_Spatial):
    cropping: Any

    def _set(self, cropping: Any, data_format: str | None) -> None:
        self.cropping = _pairs(cropping, self.rank, "cropping")
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _all_pairs(self) -> _Pairs:
        return self.cropping  # type: ignore[no-any-return]

    def _new_size(self, axis: int, size: int) -> int:
        left = size - sum(self._all_pairs()[axis])
        if left <= 0:
            raise ValueError(
                f"`cropping` parameter of `{type(self).__name__}` layer must be smaller than the input. Received: "
                f"cropping={self.cropping}, an axis of size {size}"
            )
        return left

    def call(self, inputs: Any) -> Any:
        self.compute_output_shape(tuple(inputs.shape))
        parts = [slice(a, -b if b else None) for a, b in self._all_pairs()]
        return inputs[(slice(None),) * self._first + tuple(parts)]

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "cropping": self.cropping}
        return config if self.rank == 1 else {**config, "data_format": self.data_format}


class Cropping1D(_Cropping):
    """Sequences without their first and last steps. Keras: keras.layers.Cropping1D."""

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set(((cropping, cropping) if isinstance(cropping, int) else cropping,), "channels_last")
        (self.cropping,) = self.cropping

    def _all_pairs(self) -> _Pairs:
        return (self.cropping,)


class Cropping2D(_Cropping):
    """Images without their borders. Keras: keras.layers.Cropping2D."""

    rank = 2

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set(cropping, data_format)


class Cropping3D(_Cropping):
    """Volumes without their borders. Keras: keras.layers.Cropping3D."""

    rank = 3

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set(cropping, data_format)


class UpSampling1D(_Spatial):
    """Each step `size` times. Keras: keras.layers.UpSampling1D."""

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = int(size)
        self.input_spec = InputSpec(ndim=3)

    def _new_size(self, axis: int, size: int) -> int:
        return size * self.size

    def call(self, inputs: Any) -> Any:
        return _repeated(inputs, (self.size,), 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


class UpSampling2D(_Spatial):
    """Images enlarged by whole factors, by repetition ("nearest") or interpolation ("bilinear").

    Keras: keras.layers.UpSampling2D.
    """

    rank = 2

    def __init__(
        self, size: Any = (2, 2), data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.size = per_axis(size, 2, "size")
        self.interpolation = interpolation.lower()
        if self.interpolation not in ("nearest", "bilinear"):
            raise ValueError(
                "Invalid value for `interpolation`. Expected 'nearest' or 'bilinear'. Received: "
                f"interpolation={interpolation}"
            )
        self.input_spec = InputSpec(ndim=4)

    def _new_size(self, axis: int, size: int) -> int:
        return size * self.size[axis]

    def call(self, inputs: Any) -> Any:
        if self.interpolation == "nearest":
            return _repeated(inputs, self.size, self._first)
        for axis, factor in enumerate(self.size):
            inputs = _interpolated(inputs, self._first + axis, factor)
        return inputs

    def get_config(self) -> dict[str, Any]:
        own = {"size": self.size, "data_format": self.data_format, "interpolation": self.interpolation}
        return {**super().get_config(), **own}


class UpSampling3D(_Spatial):
    """Volumes enlarged by whole factors, by repetition. Keras: keras.layers.UpSampling3D."""

    rank = 3

    def __init__(self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.size = per_axis(size, 3, "size")
        self.input_spec = InputSpec(ndim=5)

    def _new_size(self, axis: int, size: int) -> int:
        return size * self.size[axis]

    def call(self, inputs: Any) -> Any:
        return _repeated(inputs, self.size, self._first)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}


def _repeated(x: Any, factors: tuple[int, ...], first: int) -> Any:
    for i, factor in enumerate(factors):
        x = tf.repeat(x, factor, axis=first + i)
    return x


def _interpolated(x: Any, axis: int, factor: int) -> Any:
    """Enlarge along an axis with straight lines between the centres of elements."""
    size = tf.shape(x)[axis]
    place = (tf.cast(tf.range(size * factor), x.dtype) + 0.5) / factor - 0.5
    below = tf.floor(place)
    shape = [-1 if i == axis else 1 for i in range(len(x.shape))]
    weight = tf.reshape(place - below, shape)
    low = tf.cast(below, "int32")
    left = tf.gather(x, tf.clip_by_value(low, 0, size - 1), axis=axis)
    right = tf.gather(x, tf.clip_by_value(low + 1, 0, size - 1), axis=axis)
    return left + (right - left) * weight
