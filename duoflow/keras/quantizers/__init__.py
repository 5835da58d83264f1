"""Quantization: keras.quantizers."""

from __future__ import annotations

from typing import Any

from ..lookup import Lookup
from .configs import (
    AWQConfig,
    Float8QuantizationConfig,
    GPTQConfig,
    Int4QuantizationConfig,
    Int8QuantizationConfig,
    QuantizationConfig,
)
from .functions import (
    abs_max_quantize,
    abs_max_quantize_grouped_with_zero_point,
    compute_float8_amax_history,
    compute_float8_scale,
    fake_quant_with_min_max_vars,
    pack_int4,
    quantize_and_dequantize,
    unpack_int4,
)
from .objects import AbsMaxQuantizer, Quantizer

__all__ = [
    "AWQConfig", "AbsMaxQuantizer", "Float8QuantizationConfig", "GPTQConfig", "Int4QuantizationConfig",
    "Int8QuantizationConfig", "QuantizationConfig", "Quantizer", "abs_max_quantize",
    "abs_max_quantize_grouped_with_zero_point", "compute_float8_amax_history", "compute_float8_scale", "deserialize",
    "fake_quant_with_min_max_vars", "get", "pack_int4", "quantize_and_dequantize", "serialize", "unpack_int4",
]  # fmt: skip

_LOOKUP = Lookup(
    "quantizer",
    [
        Quantizer, AbsMaxQuantizer, QuantizationConfig, Int8QuantizationConfig, Int4QuantizationConfig,
        Float8QuantizationConfig, AWQConfig, GPTQConfig,
    ],
)  # fmt: skip


def serialize(initializer: Any) -> Any:
    """A quantizer as plain data. Keras: keras.quantizers.serialize."""
    return _LOOKUP.serialize(initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """A quantizer from plain data. Keras: keras.quantizers.deserialize."""
    return _LOOKUP.deserialize(config, custom_objects)


def get(identifier: Any, **kwargs: Any) -> Any:
    """A quantizer from itself, a class, a name (made with the keyword arguments), a config or None.

    >>> tf.keras.quantizers.get("abs_max_quantizer", value_range=(-8, 7)).value_range
    (-8, 7)

    Raises `ValueError` for anything else. Keras: keras.quantizers.get.
    """
    if identifier is None or isinstance(identifier, QuantizationConfig):
        return identifier
    found = _LOOKUP.find(identifier) if isinstance(identifier, str) else identifier
    return found(**kwargs) if isinstance(found, type) else _LOOKUP.get(identifier)
