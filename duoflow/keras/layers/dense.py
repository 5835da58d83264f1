"""Layers that multiply by a matrix: Dense and EinsumDense."""

from __future__ import annotations

import math
import re
import string
from typing import Any

from duoflow import ops as tf

from .. import activations, initializers, regularizers
from .input_spec import InputSpec
from .low_rank import whole_weight
from .quantizable import Contraction
from .quantized_weights import Int4Weight, Int8Weight
from .weights import add_configured, configure, weight_config

__all__ = ["Dense", "EinsumDense"]


class Dense(Contraction):
    """activation(inputs @ kernel + bias), over the last axis.

    Args:
      units: the size of the output's last axis.
      activation: a function or its name; none for None.
      use_bias: whether to add a bias.
      kernel_initializer, bias_initializer, *_regularizer, *_constraint: objects, names or None.
      lora_rank, lora_alpha: train two small matrices beside the kernel, as `enable_lora` says.
      quantization_config: how a layer with a quantized dtype policy quantizes.

    >>> tf.keras.layers.Dense(4, activation="relu")(np.ones((2, 3), "float32")).shape
    TensorShape([2, 4])

    Keras: keras.layers.Dense.
    """

    def __init__(
        self, units: int, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros", kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None,
        lora_rank: int | None = None, lora_alpha: float | None = None, quantization_config: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        if not isinstance(units, int) or units <= 0:
            raise ValueError(
                f"Received an invalid value for `units`, expected a positive integer. Received: units={units}"
            )
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        configure(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        configure(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        self._configure_adaptation(lora_rank, lora_alpha)
        self._configure_quantization(quantization_config)
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    kernel = whole_weight("kernel")

    def build(self, input_shape: Any) -> None:
        shape = (input_shape[-1], self.units)
        if self.quantization_mode is not None:
            self.quantized_build(shape, self.quantization_mode, self.quantization_config)
        if not self._replaces_weight:
            self._kernel = add_configured(self, "kernel", shape)
        self.bias = None
        if self.use_bias:
            self.bias = add_configured(self, "bias", (self.units,))
        self.input_spec = InputSpec(min_ndim=2, axes={-1: input_shape[-1]})
        self._adapt_as_configured()

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return self._finished(self._contracted(inputs, self.kernel))

    def _contracted(self, inputs: Any, kernel: Any) -> Any:
        return tf.matmul(inputs, kernel) if inputs.ndim == 2 else tf.tensordot(inputs, kernel, 1)

    def _axes_of_inputs(self) -> int:
        return -1

    def _like_outputs(self, scale: Any) -> Any:
        return scale

    def _arrangements(self, shape: tuple[int, ...], mode: str, config: Any) -> dict[str, Int8Weight | Int4Weight]:
        if mode == "int8":
            return {"kernel": Int8Weight(shape, (0,), (0, 1), (self.units,))}
        return {"kernel": Int4Weight(shape, (shape[0], shape[1]), 0, self._block_size(config))}

    def _finished(self, x: Any) -> Any:
        if self.bias is not None:
            x = x + self.bias
        return x if self.activation in (None, activations.linear) else self.activation(x)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            **weight_config(self, "kernel", "bias"),
            **self._quantization_settings(),
            **self._adaptation_config(),
        }


class EinsumDense(Contraction):
    """activation(einsum(equation, inputs, kernel) + bias).

    Args:
      equation: "ab,bc->ac", with "..." for any leading axes on one side.
      output_shape: the sizes of the output without the batch; None for those taken from the input.
      bias_axes: the letters of the output's axes that the bias has.

    >>> tf.keras.layers.EinsumDense("abc,cd->abd", output_shape=(None, 8))(np.ones((2, 3, 4), "float32")).shape
    TensorShape([2, 3, 8])

    Keras: keras.layers.EinsumDense.
    """

    def __init__(
        self, equation: str, output_shape: Any, activation: Any = None, bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        bias_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None,
        lora_rank: int | None = None, lora_alpha: float | None = None, gptq_unpacked_column_size: int | None = None,
        quantization_config: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.equation = equation
        self.partial_output_shape = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        configure(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        configure(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        self._configure_adaptation(lora_rank, lora_alpha)
        self._configure_quantization(quantization_config)
        self.gptq_unpacked_column_size = gptq_unpacked_column_size

    kernel = whole_weight("kernel")

    def build(self, input_shape: Any) -> None:
        kernel_shape, bias_shape, self.full_output_shape = _einsum_shapes(
            self.equation, tuple(input_shape), self.partial_output_shape, self.bias_axes
        )
        self.input_spec = InputSpec(ndim=len(input_shape))
        if self.quantization_mode is not None:
            self.quantized_build(kernel_shape, self.quantization_mode, self.quantization_config)
        if not self._replaces_weight:
            self._kernel = self.add_weight(
                kernel_shape, self._fitted_initializer(), regularizer=self.kernel_regularizer,
                constraint=self.kernel_constraint, name="kernel",
            )  # fmt: skip
        self.bias = None
        if bias_shape is not None:
            self.bias = add_configured(self, "bias", bias_shape)
        self._adapt_as_configured()

    def _fitted_initializer(self) -> Any:
        """The kernel's initializer, told which axes are inputs and outputs where it scales by their sizes."""
        made = self.kernel_initializer
        if not isinstance(made, initializers.VarianceScaling) or None not in (made.input_axes, made.output_axes):
            return made
        inputs, kernel, outputs = re.split(",|->", self.equation.replace(" ", "").replace("...", ""))
        ins = [i for i, letter in enumerate(kernel) if letter not in outputs and letter in inputs]
        outs = [i for i, letter in enumerate(kernel) if letter in outputs]
        axes = {"seed": made.seed, "input_axes": ins, "output_axes": outs}
        return type(made).from_config({**made.get_config(), **axes})

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return self._finished(self._contracted(inputs, self.kernel))

    def _contracted(self, inputs: Any, kernel: Any) -> Any:
        return tf.einsum(self.equation, inputs, kernel)

    def _finished(self, x: Any) -> Any:
        x = x if self.bias is None else x + self.bias
        return x if self.activation is None else self.activation(x)

    def _letters(self) -> tuple[str, str, str]:
        """The letters of inputs, kernel and outputs, with further ones for the axes under an ellipsis."""
        parts = re.split(",|->", self.equation.replace(" ", ""))
        elided = self.input_spec.ndim - len(parts[0].replace("...", ""))
        free = "".join(c for c in string.ascii_letters if c not in self.equation)[:elided]
        inputs, kernel, outputs = (part.replace("...", free) for part in parts)
        return inputs, kernel, outputs

    def _axes_of_inputs(self) -> tuple[int, ...]:
        inputs, _, outputs = self._letters()
        return tuple(i for i, letter in enumerate(inputs) if letter not in outputs)

    def _like_outputs(self, scale: Any) -> Any:
        inputs, _, outputs = self._letters()
        kept = [letter for letter in inputs if letter in outputs]
        ordered = [kept.index(letter) for letter in outputs if letter in inputs]
        scale = tf.transpose(tf.squeeze(scale, self._axes_of_inputs()), ordered)
        for i, letter in enumerate(outputs):
            scale = scale if letter in inputs else tf.expand_dims(scale, i)
        return scale

    def _arrangements(self, shape: tuple[int, ...], mode: str, config: Any) -> dict[str, Int8Weight | Int4Weight]:
        _, kernel, outputs = self._letters()
        summed = tuple(i for i, letter in enumerate(kernel) if letter not in outputs)
        if mode == "int8":
            order = [kernel.index(letter) for letter in outputs if letter in kernel]
            scale = tuple(shape[kernel.index(letter)] if letter in kernel else 1 for letter in outputs)
            return {"kernel": Int8Weight(shape, summed, (*order, *summed), scale)}
        rows = math.prod(shape[i] for i in summed)
        matrix = (rows, math.prod(shape) // rows)
        return {"kernel": Int4Weight(shape, matrix, 0, self._block_size(config), scales_outputs=False)}

    def _low_rank_product(self, inputs: Any) -> Any:
        _, kernel, outputs = self._letters()
        if kernel[-1] == outputs[-1]:
            return super()._low_rank_product(inputs)
        return self._contracted(inputs, self._low_rank_part())

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return _einsum_shapes(self.equation, tuple(input_shape), self.partial_output_shape, self.bias_axes)[2]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "output_shape": self.partial_output_shape,
            "equation": self.equation,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            **weight_config(self, "kernel", "bias"),
            **self._quantization_settings(),
            **self._adaptation_config(),
        }


def _einsum_shapes(
    equation: str, input_shape: tuple[Any, ...], output_shape: tuple[Any, ...], bias_axes: str | None
) -> tuple[tuple[int, ...], tuple[int, ...] | None, tuple[int | None, ...]]:
    """The shapes of the kernel, the bias and the output that an equation asks for."""
    match = re.fullmatch(
        r"(\.\.\.)?([A-Za-z]+)(\.\.\.)?,([A-Za-z]+)->(\.\.\.)?([A-Za-z]+)(\.\.\.)?", equation.replace(" ", "")
    )
    if match is None or bool(match[1]) != bool(match[5]) or bool(match[3]) != bool(match[7]):
        raise ValueError(
            f"Invalid einsum equation '{equation}'. Equations must be in the form [X],[Y]->[Z], ...[X],[Y]->...[Z], or "
            "[X]...,[Y]->[Z]...."
        )
    left, inputs, weights, outputs = bool(match[1]), match[2], match[4], match[6]
    # Aligned at the side without the ellipsis; the sizes under the ellipsis are the input's.
    extra = len(input_shape) - len(inputs)
    named = input_shape[extra:] if left else input_shape[: len(inputs)]
    elided = input_shape[:extra] if left else input_shape[len(inputs) :]
    sizes = dict(zip(inputs, named, strict=True))
    whole = len(output_shape) == len(outputs) + len(elided)
    given = output_shape if left else (None, *output_shape)
    if left and not whole:
        given = (
            output_shape[-len(outputs) :]
            if len(output_shape) >= len(outputs)
            else (None,) * (len(outputs) - len(output_shape)) + output_shape
        )
    given = given[-len(outputs) :] if left else given[: len(outputs)]
    for letter, size in zip(outputs, given, strict=True):
        known = sizes.get(letter)
        if size is not None and known is not None and size != known:
            raise ValueError(
                f"Input shape and output shape do not match at shared dimension '{letter}'. Input shape is {known}, "
                "and "
                f"output shape is {size}."
            )
        if known is None:
            sizes[letter] = size
    for letter in weights:
        if letter not in sizes:
            raise ValueError(
                f"Weight dimension '{letter}' did not have a match in either the input spec '{inputs}' or the "
                f"output spec '{outputs}'."
            )
    for letter in outputs:
        if letter not in inputs and letter not in weights:
            raise ValueError(
                f"Dimension '{letter}' was specified in the output '{outputs}' but has no corresponding dim in the "
                "input or weight."
            )
    full = (*elided, *given) if left else (*given, *elided)
    bias = None
    if bias_axes:
        for letter in bias_axes:
            if letter not in outputs:
                raise ValueError(
                    f"Bias dimension '{letter}' was requested, but is not part of the output spec '{outputs}'"
                )
        first = min(outputs.find(letter) for letter in bias_axes)
        bias = tuple(sizes[c] if c in bias_axes else 1 for c in outputs[first:]) + (() if left else (1,) * len(elided))
    return tuple(sizes[letter] for letter in weights), bias, full
