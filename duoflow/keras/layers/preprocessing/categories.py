"""Layers that turn categories into numbers: CategoryEncoding, Hashing, HashedCrossing; and the encodings they share."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core.tensor import convert
from duoflow.ops.hashing import farm64

from ...preferences import floatx
from ...symbolic import KerasTensor
from ..layer import Layer

__all__ = ["CategoryEncoding", "HashedCrossing", "Hashing"]


def checked_mode(layer: str, mode: str, allowed: tuple[str, ...], sparse: bool) -> str:
    """An output mode; `ValueError` for another one, `NotImplementedError` for sparse outputs."""
    if mode not in allowed:
        raise ValueError(
            f"Unknown argument value for `output_mode` of layer {layer}. Expected one of {allowed}. "
            f"Received: output_mode={mode}"
        )
    if sparse:
        raise NotImplementedError(f"{layer}: sparse outputs are not supported; use sparse=False.")
    return mode


def encoded(indices: Any, mode: str, depth: int, dtype: Any, weights: Any = None) -> Any:
    """Indices [batch, n] as they are ("int"), one by one ("one_hot") or together ("multi_hot", "count")."""
    if mode == "int":
        return tf.cast(indices, dtype)
    if mode == "one_hot":
        if len(indices.shape) > 1 and indices.shape[-1] == 1:
            indices = tf.squeeze(indices, [-1])
        return tf.one_hot(tf.cast(indices, "int64"), depth, dtype=dtype)
    if len(indices.shape) == 0:
        indices = tf.expand_dims(indices, 0)
    ones = tf.one_hot(tf.cast(indices, "int64"), depth, dtype=dtype)
    if mode == "multi_hot":
        return tf.reduce_max(ones, axis=-2)
    if weights is not None:
        ones = ones * tf.expand_dims(tf.cast(weights, ones.dtype), -1)
    return tf.reduce_sum(ones, axis=-2)


def encoded_shape(shape: Any, mode: str, depth: int | None) -> tuple[int | None, ...]:
    """The shape that `encoded` gives."""
    if mode == "int":
        return tuple(shape)
    if mode == "one_hot" and not (len(shape) > 1 and shape[-1] == 1):
        return (*shape, depth)
    return (*shape[:-1], depth)


class CategoryEncoding(Layer):
    """Ints below a number as vectors.

    Args:
      num_tokens: the number of categories.
      output_mode: "one_hot", "multi_hot" (which occur) or "count" (how often). sparse: not supported.

    Called with `count_weights`, "count" adds these up.

    >>> tf.keras.layers.CategoryEncoding(num_tokens=4)(np.array([[0, 1], [0, 3]])).numpy()
    array([[1., 1., 0., 0.],
           [1., 0., 0., 1.]], dtype=float32)

    Keras: keras.layers.CategoryEncoding.
    """

    def __init__(
        self, num_tokens: int | None = None, output_mode: str = "multi_hot", sparse: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        mode = "count" if output_mode == "count" else "multi_hot" if output_mode == "binary" else output_mode
        self.output_mode = checked_mode(type(self).__name__, mode, ("count", "one_hot", "multi_hot"), sparse)
        if num_tokens is None:
            raise ValueError(
                "num_tokens must be set to use this layer. If the number of tokens is not known beforehand, use the "
                "IntegerLookup layer instead."
            )
        if num_tokens < 1:
            raise ValueError(f"`num_tokens` must be >= 1. Received: num_tokens={num_tokens}.")
        self.num_tokens, self.sparse = num_tokens, sparse
        self._allow_non_tensor_positional_args = True
        self._convert_input_args = False
        self.built = True

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        if count_weights is not None and self.output_mode != "count":
            raise ValueError(
                "`count_weights` is not used when `output_mode` is not `'count'`. Received "
                f"`count_weights={count_weights}`."
            )
        inputs = tf.cast(inputs, "int32")
        self._check_range(inputs)
        return encoded(inputs, self.output_mode, self.num_tokens, self.compute_dtype, count_weights)

    def _check_range(self, inputs: Any) -> None:
        wrong = tf.reduce_any(tf.logical_or(inputs < 0, inputs >= self.num_tokens))
        message = f"Input values must be in the range 0 <= values < num_tokens with num_tokens={self.num_tokens}"
        if isinstance(static := getattr(wrong, "numpy", None), type(None)):
            tf.Assert(tf.logical_not(wrong), [message])
        elif static():
            raise ValueError(message)

    def compute_output_spec(self, inputs: Any, count_weights: Any = None) -> Any:
        shape = encoded_shape(inputs.shape, self.output_mode, self.num_tokens)
        return KerasTensor(shape, dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return encoded_shape(input_shape, self.output_mode, self.num_tokens)

    def get_config(self) -> dict[str, Any]:
        own = {"num_tokens": self.num_tokens, "output_mode": self.output_mode}
        return {**super().get_config(), **own}


def as_strings(values: Any) -> Any:
    """Ints and floats as the strings that are hashed."""
    values = tf.cast(values, "int64") if values.dtype.is_floating else values
    return values if values.dtype.name == "string" else tf.as_string(values)


class Hashing(Layer):
    """Categories spread over bins by their hash.

    Args:
      num_bins: the number of bins. mask_value: a value that has bin 0 for itself.
      salt: an int, or two: another hash (SipHash) with that key.
      output_mode: "int", "one_hot", "multi_hot" or "count". sparse: not supported.

    >>> tf.keras.layers.Hashing(num_bins=3)([["A"], ["B"], ["C"], ["D"], ["E"]]).numpy().ravel()
    array([1, 0, 1, 1, 2])

    Keras: keras.layers.Hashing.
    """

    def __init__(
        self, num_bins: int, mask_value: Any = None, salt: Any = None, output_mode: str = "int", sparse: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = "int64" if output_mode == "int" else floatx()
        super().__init__(**kwargs)
        if num_bins is None or num_bins <= 0:
            raise ValueError(
                "The `num_bins` for `Hashing` cannot be `None` or non-positive values. Received: "
                f"num_bins={num_bins}."
            )
        if output_mode == "int" and self.dtype not in ("int32", "int64"):
            raise ValueError(
                'When `output_mode="int"`, `dtype` should be an integer type, \'int32\' or \'in64\'. Received: '
                f"dtype={kwargs['dtype']}"
            )
        checked_mode(type(self).__name__, output_mode, ("int", "one_hot", "multi_hot", "count"), sparse)
        self.num_bins, self.mask_value, self.output_mode, self.sparse = num_bins, mask_value, output_mode, sparse
        self.salt = checked_salt(type(self).__name__, salt)
        self._allow_non_tensor_positional_args = True
        self._convert_input_args = False
        self.built = True

    def call(self, inputs: Any) -> Any:
        inputs = convert(inputs)
        bins = self.num_bins
        masked = None
        if self.mask_value is not None and bins > 1:
            bins -= 1
            masked = tf.equal(inputs, tf.cast(self.mask_value, inputs.dtype))
        places = hashed(as_strings(inputs), bins, self.salt)
        if masked is not None:
            places = tf.where(masked, tf.zeros_like(places), places + 1)
        return encoded(places, self.output_mode, self.num_bins, self.dtype)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        if self.output_mode == "int":
            return tuple(input_shape)
        return (*input_shape[:-1], self.num_bins)

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.dtype)

    def get_config(self) -> dict[str, Any]:
        names = ("num_bins", "salt", "mask_value", "output_mode", "sparse")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def checked_salt(layer: str, salt: Any) -> list[int] | None:
    """The two ints of a salt; `ValueError` for anything else."""
    if salt is None:
        return None
    if isinstance(salt, list | tuple) and len(salt) == 2:
        return list(salt)
    if isinstance(salt, int):
        return [salt, salt]
    raise ValueError(
        f"The `salt` argument for `{layer}` can only be a tuple of size 2 integers, or a single integer. "
        f"Received: salt={salt}."
    )


def hashed(strings: Any, bins: int, salt: list[int] | None = None) -> Any:
    """The bins of strings."""
    if salt is None:
        return tf.to_hash_bucket_fast(strings, bins)
    return tf.to_hash_bucket_strong(strings, bins, salt)


class HashedCrossing(Layer):
    """Combinations of categories spread over bins by their hash: called on a list of [batch] or [batch, 1].

    Args:
      num_bins: the number of bins. output_mode: "int" or "one_hot". sparse: not supported.

    >>> layer = tf.keras.layers.HashedCrossing(num_bins=5)
    >>> layer((np.array(["A", "B", "A", "B", "A"]), np.array([101, 101, 101, 102, 102]))).numpy()
    array([1, 4, 1, 1, 3])

    Keras: keras.layers.HashedCrossing.
    """

    def __init__(
        self, num_bins: int, output_mode: str = "int", sparse: bool = False, name: str | None = None,
        dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, dtype="int64" if output_mode == "int" and dtype is None else dtype, **kwargs)
        self.num_bins, self.sparse = num_bins, sparse
        self.output_mode = checked_mode(type(self).__name__, output_mode, ("int", "one_hot"), sparse)
        self._allow_non_tensor_positional_args = True
        self._convert_input_args = False
        self.built = True

    def call(self, inputs: Any) -> Any:
        if not isinstance(inputs, list | tuple) or len(inputs) < 2:
            raise ValueError(f"`HashedCrossing` should be called on at least two inputs. Received: inputs={inputs}")
        inputs = [convert(x) for x in inputs]
        shape = tuple(inputs[0].shape)
        if len(shape) > 2 or (len(shape) == 2 and shape[1] != 1) or any(tuple(x.shape) != shape for x in inputs):
            raise ValueError(
                "All `HashedCrossing` inputs should have equal shape: `()`, `(batch_size)` or `(batch_size, 1)`. "
                f"Received: shapes {[tuple(x.shape) for x in inputs]}"
            )
        if not all(x.dtype.is_integer or x.dtype.name == "string" for x in inputs):
            raise ValueError(
                "All `HashedCrossing` inputs should have an integer or string dtype. Received: "
                f"{[x.dtype.name for x in inputs]}"
            )
        places = tf.numpy_function(self._crossed, inputs, "int64", stateful=False)
        return encoded(tf.ensure_shape(places, shape), self.output_mode, self.num_bins, self.dtype)

    def _crossed(self, *columns: Any) -> Any:
        """The bin of each row: fingerprints folded into one."""
        rows = zip(*[column.reshape(-1) for column in columns], strict=True)
        places = [crossed_hash(row) % self.num_bins for row in rows]
        return np.array(places, np.int64).reshape(columns[0].shape)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return encoded_shape(input_shape[0], self.output_mode, self.num_bins)

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape([x.shape for x in inputs]), dtype=self.dtype)

    def get_config(self) -> dict[str, Any]:
        names = ("num_bins", "output_mode", "sparse", "name", "dtype")
        return {name: getattr(self, name) for name in names}


def crossed_hash(values: Any) -> int:
    """The fingerprint of several values, as TensorFlow crosses features."""
    mask, multiplier = 2**64 - 1, 0xC6A4A7935BD1E995

    def shifted(x: int) -> int:
        return x ^ x >> 47

    out = 0xDECAFCAFFE
    for value in values:
        mark = farm64(value) if isinstance(value, bytes) else int(value) & mask
        out = out ^ multiplier ^ (shifted(mark * multiplier & mask) * multiplier & mask)
        out = shifted(shifted(out * multiplier & mask) * multiplier & mask)
    return out
