"""`tf.train.Example` messages as tensors: features of fixed size by name.

Features that vary in number are sparse tensors in TensorFlow, of which there are none here: those are refused, but for
`FixedLenSequenceFeature`, which is filled up.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.dtypes import DType, as_dtype
from duoflow.core.emit import emit
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.late import F
from duoflow.core.record import Kind, Literal, Op, register
from duoflow.core.shapes import TensorShape
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert, static_value
from duoflow.formats.messages import Example
from duoflow.formats.wire import DecodeError

__all__ = [
    "FixedLenFeature", "FixedLenSequenceFeature", "VarLenFeature", "parse_example", "parse_single_example",
]  # fmt: skip

_LISTS = {dtypes.int64: "int64_list", dtypes.float32: "float_list", dtypes.string: "bytes_list"}


class FixedLenFeature(NamedTuple):
    """A feature with as many values as its shape has. TensorFlow: tf.io.FixedLenFeature."""

    shape: Any
    dtype: Any
    default_value: Any = None


class FixedLenSequenceFeature(NamedTuple):
    """A feature of rows of a shape, as many as there are; in batches filled up to the longest.

    TensorFlow: tf.io.FixedLenSequenceFeature.
    """

    shape: Any
    dtype: Any
    allow_missing: bool = False
    default_value: Any = None


class VarLenFeature(NamedTuple):
    """A feature of any number of values, sparse in TensorFlow; it can be named here but not parsed.

    TensorFlow: tf.io.VarLenFeature.
    """

    dtype: Any


class _Wanted(NamedTuple):
    """A feature as the op knows it: `rows` for a sequence; the default is a `Literal` or None."""

    key: str
    shape: tuple[int, ...]
    dtype: DType
    default: Literal | None
    rows: bool


def _infer(serialized: Spec, *, features: tuple[_Wanted, ...]) -> tuple[Spec, ...]:
    if serialized.dtype is not dtypes.string:
        raise TypeError(f"serialized must be strings, received {serialized.dtype.name}")
    if serialized.shape is not None and len(serialized.shape) != 1:
        raise ValueError(f"serialized must be a vector of strings, received shape {list(serialized.shape)}")
    count = None if serialized.shape is None else serialized.shape[0]
    return tuple(Spec((count, *((None,) if f.rows else ()), *f.shape), f.dtype) for f in features)


def _parsed(text: bytes, index: int) -> dict[str, Any]:
    try:
        return Example.FromString(text).features.feature  # type: ignore[no-any-return]
    except (DecodeError, ValueError) as error:
        raise InvalidArgumentError(None, None, f"Could not parse example input {index}: {error}") from None


def _values(feature: Any, wanted: _Wanted, index: int) -> list[Any] | None:
    """The values of one feature of one example, None if it is missing."""
    kind = None if feature is None else feature.WhichOneof("kind")
    if kind is None:
        return None
    if kind != _LISTS[wanted.dtype]:
        raise InvalidArgumentError(
            None, None,
            f"Name: <unknown>, Key: {wanted.key}, Index: {index}. Data types don't match. Expected type: "
            f"{wanted.dtype.name} but the example has a {kind}.",
        )  # fmt: skip
    return list(getattr(feature, kind).value)


def _fixed(values: list[Any] | None, wanted: _Wanted, index: int) -> Any:
    if values is None:
        if wanted.default is None:
            raise InvalidArgumentError(
                None, None,
                f"Name: <unknown>, Feature: {wanted.key} (data type: {wanted.dtype.name}) is required but could not be "
                f"found in example {index}.",
            )  # fmt: skip
        return wanted.default.array
    size = int(np.prod(wanted.shape))
    if len(values) != size:
        raise InvalidArgumentError(
            None, None,
            f"Key: {wanted.key}, Index: {index}. Number of {wanted.dtype.name} values != expected. Values size: "
            f"{len(values)} but output shape: {list(wanted.shape)}",
        )  # fmt: skip
    return _array(values, wanted.shape, wanted.dtype)


def _array(values: list[Any], shape: tuple[int, ...], dtype: DType) -> Any:
    out = np.empty(len(values), object if dtype is dtypes.string else dtype.numpy)
    out[:] = values
    return out.reshape(shape)


def _column(found: list[list[Any] | None], wanted: _Wanted) -> Any:
    if not wanted.rows:
        rows = [_fixed(values, wanted, i) for i, values in enumerate(found)]
        return np.stack(rows) if rows else _array([], (0, *wanted.shape), wanted.dtype)
    size = int(np.prod(wanted.shape))
    for i, values in enumerate(found):
        if values and len(values) % size:
            raise InvalidArgumentError(
                None, None, f"Key: {wanted.key}, Index: {i}. {len(values)} values are no rows of {list(wanted.shape)}"
            )
    longest = max((len(values or ()) for values in found), default=0)
    fill = wanted.default.array.item() if wanted.default is not None else (b"" if wanted.dtype is dtypes.string else 0)
    rows = [_array([*(v or ()), *[fill] * (longest - len(v or ()))], (-1, *wanted.shape), wanted.dtype) for v in found]
    return np.stack(rows) if rows else _array([], (0, 0, *wanted.shape), wanted.dtype)


def _evaluate(serialized: Any, *, features: tuple[_Wanted, ...]) -> tuple[Any, ...]:
    examples = [_parsed(text, i) for i, text in enumerate(serialized.tolist())]
    out = []
    for wanted in features:
        found = [_values(e.get(wanted.key), wanted, i) for i, e in enumerate(examples)]
        out.append(_column(found, wanted))
    return tuple(out)


#: TensorFlow's op has the features' keys, defaults and shapes in six inputs and attributes.
PARSE = register(Op("ParseExamples", Kind.HOST, _infer, _evaluate, num_outputs=None, differentiable=False))


def _wanted(key: str, feature: Any) -> _Wanted:
    if isinstance(feature, VarLenFeature):
        raise NotImplementedError(
            f"Feature {key!r}: VarLenFeature gives a sparse tensor, and there are none here. Use FixedLenFeature, or "
            "FixedLenSequenceFeature(shape=[], allow_missing=True), which fills rows up."
        )
    if not isinstance(feature, FixedLenFeature | FixedLenSequenceFeature):
        raise TypeError(f"Feature {key!r}: expected FixedLenFeature or FixedLenSequenceFeature, received {feature!r}")
    dtype, rows = as_dtype(feature.dtype), isinstance(feature, FixedLenSequenceFeature)
    if dtype not in _LISTS:
        raise TypeError(f"Feature {key!r}: dtype must be int64, float32 or string, received {dtype.name}")
    if isinstance(feature, FixedLenSequenceFeature) and not feature.allow_missing:
        raise ValueError(f"Unsupported: FixedLenSequenceFeature requires allow_missing to be True (feature {key!r}).")
    shape: list[Any] = TensorShape(feature.shape).as_list()
    if None in shape:
        raise ValueError(f"All dimensions of shape for feature {key!r} need to be known but received {shape}.")
    default = None
    if feature.default_value is not None:
        array: Any = static_value(convert(feature.default_value, dtype=dtype))
        default = Literal(array if rows else np.broadcast_to(array, shape).copy())
    return _Wanted(key, tuple(shape), dtype, default, rows)


def parse_example(
    serialized: Any, features: dict[str, Any], example_names: Any = None, name: str | None = None
) -> dict[str, Any]:
    """The features of serialized `tf.train.Example`s, by name, each with the examples in its first dimension.

    Args:
      serialized: a vector of strings. features: names to `FixedLenFeature` or `FixedLenSequenceFeature`.
      example_names: for TensorFlow's error messages; the examples' numbers are used here.

    Raises `InvalidArgumentError` for damaged messages, missing features and other numbers of values.

    TensorFlow: tf.io.parse_example.
    """
    if not features:
        raise ValueError("Argument `features` cannot be None or empty.")
    serialized = convert(serialized, dtype=dtypes.string)
    if serialized.dims == ():
        return parse_single_example(serialized, features, example_names, name)
    wanted = tuple(_wanted(key, features[key]) for key in sorted(features))
    found = emit(PARSE, (serialized,), {"features": wanted}, name)
    return {w.key: value for w, value in zip(wanted, found, strict=True)}


def parse_single_example(
    serialized: Any, features: dict[str, Any], example_names: Any = None, name: str | None = None
) -> dict[str, Any]:
    """The features of one serialized `tf.train.Example`, by name. TensorFlow: tf.io.parse_single_example."""
    serialized = convert(serialized, dtype=dtypes.string)
    if serialized.dims not in ((), None):
        raise ValueError(f"Input serialized must be a scalar, received shape {shapes.brief(serialized.dims)}")
    found = parse_example(F.reshape(serialized, [1]), features, example_names, name)
    return {key: F.squeeze(value, [0]) for key, value in found.items()}
