"""NumPy's random numbers, after `seed` as `tf.random.set_seed` has them. TensorFlow: tf.experimental.numpy.random."""

from __future__ import annotations

from typing import Any

from duoflow import ops as F
from duoflow.core.dtypes import as_dtype
from duoflow.core.tensor import Tensor

from .promotion import asarray, default_float, dtype_of, scalars

__all__ = ["poisson", "rand", "randint", "randn", "random", "seed", "standard_normal", "uniform"]


def seed(s: Any) -> None:
    """Begin the numbers anew. TensorFlow: tf.experimental.numpy.random.seed."""
    F.set_global_seed(int(asarray(s)))  # type: ignore[call-overload]


def _sizes(size: Any) -> list[int]:
    return [] if size is None else scalars(size)


def randn(*args: Any) -> Tensor:
    """Normal numbers of a shape. TensorFlow: tf.experimental.numpy.random.randn."""
    return standard_normal(args)


def standard_normal(size: Any = None) -> Tensor:
    """Normal numbers. TensorFlow: tf.experimental.numpy.random.standard_normal."""
    return F.random_normal(_sizes(size), dtype=default_float())  # type: ignore[no-any-return]


def uniform(low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Tensor:
    """Numbers between bounds. TensorFlow: tf.experimental.numpy.random.uniform."""
    low, high = asarray(low, default_float()), asarray(high, default_float())
    shape = _sizes(size) if size is not None else F.shape(low + high)
    return F.random_uniform(shape, dtype=default_float()) * (high - low) + low  # type: ignore[no-any-return]


def random(size: Any = None) -> Tensor:
    """Numbers between 0 and 1. TensorFlow: tf.experimental.numpy.random.random."""
    return uniform(0.0, 1.0, _sizes(size))


def rand(*size: Any) -> Tensor:
    """Numbers between 0 and 1, of a shape. TensorFlow: tf.experimental.numpy.random.rand."""
    return uniform(0.0, 1.0, size)


def randint(low: Any, high: Any = None, size: Any = None, dtype: Any = "int64") -> Tensor:
    """Whole numbers from `low` (or 0) up to `high`, which is not among them.

    TensorFlow: tf.experimental.numpy.random.randint.
    """
    low, high = (0, low) if high is None else (low, high)
    kind = dtype_of(dtype)
    drawn = kind if kind.name in ("int32", "int64") else as_dtype("int64")
    return F.cast(F.random_uniform(_sizes(size), int(low), int(high), drawn), kind)  # type: ignore[no-any-return]


def poisson(lam: Any = 1.0, size: Any = None) -> Tensor:
    """Counts of a mean. TensorFlow: tf.experimental.numpy.random.poisson."""
    return F.random_poisson(_sizes(size), asarray(lam, "float64"), dtype="int64")  # type: ignore[no-any-return]
