"""Tensors that behave as NumPy's arrays: `tf.experimental.numpy.experimental_enable_numpy_behavior`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duoflow.core.tensor import EagerTensor, GraphTensor, Tensor

from . import arrays, elementwise, products, reductions
from .promotion import asarray, dtype_of, settings

__all__ = ["experimental_enable_numpy_behavior"]

_OPERATORS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "floordiv": "floor_divide",
    "mod": "mod", "pow": "power", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
}  # fmt: skip
_COMPARISONS = {
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "eq": "equal",
    "ne": "not_equal",
}


def _reshape(a: Tensor, *newshape: Any, order: str = "C") -> Tensor:
    return arrays.reshape(a, newshape[0] if len(newshape) == 1 else newshape, order)


def _transpose(a: Tensor, *axes: Any) -> Tensor:
    return arrays.transpose(a, None if not axes or axes == (None,) else axes[0] if len(axes) == 1 else axes)


_METHODS: dict[str, Any] = {
    "T": property(arrays.transpose),
    "astype": lambda a, dtype: asarray(a, dtype_of(dtype)),
    "clip": elementwise.clip,  # type: ignore[attr-defined]
    "data": property(lambda a: a),
    "flatten": arrays.flatten,
    "max": reductions.max,
    "mean": reductions.mean,
    "min": reductions.min,
    "ravel": arrays.ravel,
    "reshape": _reshape,
    "size": property(arrays.size),
    "tolist": lambda a: a.numpy().tolist(),
    "transpose": _transpose,
    "__pos__": lambda a: a,
    "__round__": elementwise.around,  # type: ignore[attr-defined]
    "__matmul__": products.matmul,
    "__rmatmul__": lambda a, b: products.matmul(b, a),
}


def _turned(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, b: function(b, a)


def experimental_enable_numpy_behavior(prefer_float32: bool = False, dtype_conversion_mode: str = "legacy") -> None:
    """Let tensors have NumPy's methods, and their operators NumPy's promotion, from now on.

    Args:
      prefer_float32: Python's floats are float32 rather than float64.
      dtype_conversion_mode: "legacy", NumPy's promotion; `NotImplementedError` for "all", "safe" and "off".

    TensorFlow: tf.experimental.numpy.experimental_enable_numpy_behavior.
    """
    if dtype_conversion_mode not in ("legacy", "all", "safe", "off"):
        raise ValueError(
            f"dtype_conversion_mode must be 'legacy', 'all', 'safe' or 'off', received {dtype_conversion_mode!r}."
        )
    if dtype_conversion_mode != "legacy":
        raise NotImplementedError(f"dtype_conversion_mode {dtype_conversion_mode!r} is not available; use 'legacy'.")
    settings.prefer_float32 = prefer_float32
    methods = dict(_METHODS)
    for name, by_name in _OPERATORS.items():
        function = getattr(elementwise, by_name)
        methods[f"__{name}__"], methods[f"__r{name}__"] = function, _turned(function)
    methods.update({f"__{name}__": getattr(elementwise, by_name) for name, by_name in _COMPARISONS.items()})
    for kind in (Tensor, EagerTensor, GraphTensor):
        for name, method in methods.items():
            setattr(kind, name, method)
