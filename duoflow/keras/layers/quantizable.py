"""Layers whose large weights can be kept in few bits.

A layer says how (`_arrangements`), and what it computes with the weights back as floats; when variables are exchanged,
how they are saved, and how inputs are quantized, is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from duoflow import ops as tf
from duoflow.core.custom_gradients import custom_gradient
from duoflow.core.tensor import convert

from ..quantizers.configs import QuantizationConfig
from ..quantizers.functions import compute_float8_amax_history, compute_float8_scale, quantize_and_dequantize
from ..quantizers.objects import AbsMaxQuantizer
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from .low_rank import LowRank
from .quantized_weights import Int4Weight, Int8Weight, Spec

__all__ = ["Contraction", "Quantizable"]

_FLOAT8_PARTS = ("inputs", "kernel", "outputs_grad")
_FLOAT8_MAX = {"float8_e4m3fn": 448.0, "float8_e5m2": 57344.0}


class Quantizable(LowRank):
    """Base of layers with weights that `quantize` can exchange."""

    #: The attributes that are saved besides the weights, by mode, in order; those that a layer lacks are left out.
    _SAVED: ClassVar[dict[str | None, tuple[str, ...]]] = {}
    _is_quantized = False

    def _arrangements(self, shape: tuple[int, ...], mode: str, config: Any) -> Mapping[str, Int8Weight | Int4Weight]:
        """How each large weight is kept, the first of them of a shape."""
        raise NotImplementedError

    def _configure_quantization(self, quantization_config: Any) -> None:
        self.quantization_config = quantization_config
        self.inputs_quantizer: Any = None
        self._arranged: Mapping[str, Int8Weight | Int4Weight] = {}

    @property
    def _replaces_weight(self) -> bool:
        """Whether the mode has other variables in the place of the large weight."""
        return self.quantization_mode not in (None, "float8")

    def _block_size(self, config: Any) -> int | None:
        """How many inputs share a scale in int4, by the config or the policy; None for all."""
        size = getattr(config if config is not None else self._own_policy(), "block_size", None)
        return None if size == -1 else size

    # -- exchanging the weights --------------------------------------------------------------------------------------

    def quantize(self, mode: str | None = None, type_check: bool = True, config: Any = None) -> None:
        """Keep the large weights in few bits from now on.

        Args:
          mode: "int8", "int4", and for layers with a kernel "float8".
          type_check: refuse subclasses of the layer, which may do something else with the weight.
          config: a `QuantizationConfig`, in the place of the mode or besides it.

        Raises `ValueError` for a layer that is not built, or quantized already; `NotImplementedError` for other modes.
        """
        if type_check and "_arrangements" not in vars(type(self)):
            raise self._not_implemented("quantize")
        self._check_mode(mode)
        self.quantization_config = config
        shape, exchanged = self._weight_shape(), {}
        if mode in ("int8", "int4"):
            quantizer = QuantizationConfig.weight_quantizer_or_default(config, None)
            for name, arrangement in self._arrangements(shape, mode, config).items():
                attribute = self._attribute(name)
                for suffix, value in arrangement.quantized(getattr(self, attribute).value, quantizer).items():
                    exchanged[self._attribute(name, suffix)] = value
                delattr(self, attribute)
        self.quantized_build(shape, mode, config)
        for attribute, value in exchanged.items():
            getattr(self, attribute).assign(value)
        if self._own_policy().quantization_mode is None:
            self.dtype_policy = f"{self._policy_mode(mode, config)}_from_{self._own_policy().name}"

    def _check_mode(self, mode: Any) -> None:
        if mode not in self._SAVED:
            known = tuple(m for m in self._SAVED if m)
            raise NotImplementedError(
                f"Invalid quantization mode. Expected one of {known}. Received: quantization_mode={mode}"
            )

    def _policy_mode(self, mode: str | None, config: Any) -> str | None:
        """The mode as dtype policies spell it."""
        if mode == "int4":
            return f"int4/{self._block_size(config) or -1}"
        return mode

    def _attribute(self, weight: str, suffix: str = "") -> str:
        """The attribute that holds a part of a weight."""
        if suffix == "":
            return f"_{weight}" if weight == self._WEIGHT else weight
        return suffix if suffix == "g_idx" else weight + suffix

    def quantized_build(self, input_shape: Any, mode: str | None, config: Any = None) -> None:
        """Make the variables of a mode."""
        self._check_mode(mode)
        assert mode is not None
        self._is_quantized = True
        if mode in ("int8", "int4"):
            self.inputs_quantizer = self._inputs_quantizer(mode, config)
            self._arranged = self._arrangements(tuple(input_shape), mode, config)
            for weight, arrangement in self._arranged.items():
                for suffix, spec in arrangement.specs.items():
                    if suffix != "g_idx" or weight == self._WEIGHT:
                        self._add_part(self._attribute(weight, suffix), spec)
        else:
            getattr(self, f"_{mode}_build")(input_shape, config)

    def _inputs_quantizer(self, mode: str, config: Any) -> Any:
        default = AbsMaxQuantizer() if mode == "int8" else None
        return QuantizationConfig.activation_quantizer_or_default(config, default)

    def _add_part(self, attribute: str, spec: Spec) -> None:
        shape, dtype, initializer = spec
        made = self.add_weight(shape, initializer, dtype, trainable=False, name=attribute.removeprefix("_"))
        setattr(self, attribute, made)

    def _parts(self, weight: str) -> dict[str, Any]:
        """The variables of a weight by suffix."""
        parts = {s: self._attribute(weight, s) for s in ("", "_scale", "_zero", "g_idx")}
        return {s: getattr(self, name) for s, name in parts.items() if hasattr(self, name)}

    def _dequantized(self, weight: str) -> Any:
        """A weight in the compute dtype, from what it is kept in."""
        return self._arranged[weight].dequantized(self._parts(weight), self.compute_dtype)

    def _quantized_product(
        self, product: Callable[[Any, Any], Any], inputs: Any, kernel: Any, kernel_scale: Any, axes: Any,
        like_outputs: Callable[[Any], Any] = lambda scale: scale,
    ) -> Any:  # fmt: skip
        """The product of inputs and a kernel, with the inputs rounded if they have a quantizer.

        kernel_scale: what outputs are divided by, or None
        axes: those of the inputs that are summed over; like_outputs: a scale of the inputs with the outputs' axes
        """
        scale = kernel_scale
        if self.inputs_quantizer is not None:
            integers, own = self.inputs_quantizer(inputs, axis=axes)
            own = tf.stop_gradient(own)
            inputs = _passing(inputs, integers, own)
            scale = like_outputs(own) if scale is None else scale * like_outputs(own)
        x = product(inputs, kernel)
        return x if scale is None else x / scale

    def _weight_shape(self) -> tuple[int, ...]:
        arranged = self._arranged.get(self._WEIGHT)
        return self._stored.shape if arranged is None else arranged.shape

    def _whole_weight(self) -> Any:
        """The weight; of one in few bits the integers, but floats with what was adapted."""
        if not self._arranged:
            return super()._whole_weight()
        if self.lora_enabled:
            return self._dequantized(self._WEIGHT) + tf.cast(self._low_rank_part(), self.compute_dtype)
        arrangement = self._arranged[self._WEIGHT]
        if isinstance(arrangement, Int8Weight):
            return self._stored
        return tf.reshape(arrangement.integers(self._stored), arrangement.shape)

    # -- files -------------------------------------------------------------------------------------------------------

    def _saved(self) -> list[str]:
        names = self._SAVED[self.quantization_mode]
        return [name for name in names if getattr(self, name, None) is not None]

    def _merged(self) -> dict[str, Any]:
        whole = self._whole_weight()
        if not self._arranged:
            return {f"_{self._WEIGHT}": whole}
        parts = self._arranged[self._WEIGHT].quantized(whole)
        return {self._attribute(self._WEIGHT, suffix): value for suffix, value in parts.items()}

    def _quantization_settings(self) -> dict[str, Any]:
        return {"quantization_config": serialize_keras_object(self.quantization_config)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer from its config."""
        quantization = deserialize_keras_object(config.get("quantization_config"))
        return super().from_config({**config, "quantization_config": quantization})


class Contraction(Quantizable):
    """Base of layers that multiply their inputs by a kernel: Dense and EinsumDense."""

    _SAVED: ClassVar = {
        None: ("_kernel", "bias"),
        "int8": ("_kernel", "bias", "kernel_scale"),
        "int4": ("_kernel", "bias", "kernel_scale", "kernel_zero", "g_idx"),
        "float8": ("_kernel", "bias", *(f"{p}_{part}" for p in _FLOAT8_PARTS for part in ("scale", "amax_history"))),
    }
    bias: Any
    activation: Callable[[Any], Any]

    def _contracted(self, inputs: Any, kernel: Any) -> Any:
        """The product of inputs and a kernel."""
        raise NotImplementedError

    def _axes_of_inputs(self) -> Any:
        """The axes of the inputs that the product sums over."""
        raise NotImplementedError

    def _like_outputs(self, scale: Any) -> Any:
        """A scale of the inputs, which has size one on these axes, with the outputs' axes."""
        raise NotImplementedError

    def _finished(self, x: Any) -> Any:
        """A product with bias and activation."""
        raise NotImplementedError

    def quantized_call(self, inputs: Any, training: bool | None = None) -> Any:
        """What the layer does to its inputs, with a kernel in few bits."""
        if self.quantization_mode == "float8":
            return self._float8_call(inputs, training)
        kernel = self._arranged["kernel"].unscaled(self._parts("kernel"), self.compute_dtype)
        x = self._quantized_product(self._contracted, inputs, *kernel, self._axes_of_inputs(), self._like_outputs)
        if self.lora_enabled:
            x = tf.cast(x + self._low_rank_product(inputs), self.compute_dtype)
        return self._finished(x)

    def _low_rank_product(self, inputs: Any) -> Any:
        """What adaptation adds to the product."""
        a, b = self._adapters
        return self.lora_alpha / self.lora_rank * tf.matmul(self._contracted(inputs, a), b)  # type: ignore[operator]

    # -- eight-bit floats --------------------------------------------------------------------------------------------

    def _float8_build(self, shape: Any, config: Any) -> None:
        length = getattr(self.dtype_policy, "amax_history_length", 1024)
        for part in _FLOAT8_PARTS:
            for name, size, initializer in (("scale", (), "ones"), ("amax_history", (length,), "zeros")):
                made = self.add_weight(
                    size, initializer, "float32", autocast=False, overwrite_with_gradient=True, name=f"{part}_{name}"
                )
                setattr(self, f"{part}_{name}", made)

    def _float8_call(self, inputs: Any, training: bool | None = None) -> Any:
        if self.lora_enabled:
            raise NotImplementedError("Low-rank adaptation is not supported with float8 quantization.")
        dtype = self.compute_dtype

        def kept(x: Any, part: str, rounded: Callable[..., Any]) -> Any:
            scale, history = (getattr(self, f"{part}_{name}") for name in ("scale", "amax_history"))
            return rounded(convert(x), convert(scale), convert(history))

        forward = _rounding_values(dtype, bool(training))
        x = self._contracted(kept(inputs, "inputs", forward), kept(self._kernel, "kernel", forward))
        x = kept(x, "outputs_grad", _rounding_gradients(dtype))
        if self.bias is not None and dtype == "float32":
            x = x + tf.cast(tf.cast(self.bias, "bfloat16"), dtype)
            return x if self.activation is None else self.activation(x)
        return self._finished(x)


@custom_gradient
def _passing(inputs: Any, integers: Any, scale: Any) -> Any:
    """The integers as floats; gradients pass to the inputs as if nothing had been rounded."""
    return tf.cast(integers, inputs.dtype), lambda upstream: (upstream * scale, None, None)


def _renewed(x: Any, scale: Any, history: Any, dtype: str) -> tuple[Any, Any]:
    """The scale and the largest magnitudes after a step; they take the place of gradients."""
    largest = tf.reduce_max(history)
    return compute_float8_scale(largest, scale, _FLOAT8_MAX[dtype]), compute_float8_amax_history(x, history)


def _rounding_values(compute_dtype: str, training: bool) -> Callable[..., Any]:
    """A function that rounds values as float8 does, and lets gradients pass."""

    @custom_gradient
    def rounded(x: Any, scale: Any, history: Any) -> Any:
        new = _renewed(x, scale, history, "float8_e4m3fn") if training else (None, None)
        return quantize_and_dequantize(x, scale, "float8_e4m3fn", compute_dtype), lambda upstream: (upstream, *new)

    return rounded


def _rounding_gradients(compute_dtype: str) -> Callable[..., Any]:
    """A function that lets values pass, and rounds gradients as float8 does."""

    @custom_gradient
    def rounded(x: Any, scale: Any, history: Any) -> Any:
        def grad(upstream: Any) -> Any:
            new = _renewed(upstream, scale, history, "float8_e5m2")
            return quantize_and_dequantize(upstream, scale, "float8_e5m2", compute_dtype), *new

        return tf.identity(x), grad

    return rounded
