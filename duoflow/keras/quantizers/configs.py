"""What `quantize` is told: which quantizers, how large the groups, and for some methods the data to look at."""

from __future__ import annotations

from typing import Any, ClassVar

from ..dtype_policies import QUANTIZATION_MODES
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from .objects import AbsMaxQuantizer

__all__ = [
    "AWQConfig", "Float8QuantizationConfig", "GPTQConfig", "Int4QuantizationConfig", "Int8QuantizationConfig",
    "QuantizationConfig", "resolved",
]  # fmt: skip


class QuantizationConfig:
    """Base of quantization configs; subclasses have a `mode`.

    Args:
      weight_quantizer, activation_quantizer: what weights and inputs are quantized with, or None for the mode's own.

    Keras: keras.quantizers.QuantizationConfig.
    """

    def __init__(self, weight_quantizer: Any = None, activation_quantizer: Any = None) -> None:
        self.weight_quantizer, self.activation_quantizer = weight_quantizer, activation_quantizer

    @property
    def mode(self) -> str:
        """The quantization mode."""
        raise NotImplementedError(
            "Subclasses must implement this property. Do not instantiate QuantizationConfig directly."
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal config."""
        return {
            "weight_quantizer": serialize_keras_object(self.weight_quantizer),
            "activation_quantizer": serialize_keras_object(self.activation_quantizer),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A quantization config from its config."""
        quantizers = {k: v for k, v in config.items() if k.endswith("_quantizer")}
        return cls(**{**config, **{k: deserialize_keras_object(v) for k, v in quantizers.items()}})

    @staticmethod
    def weight_quantizer_or_default(config: Any, default: Any) -> Any:
        """The config's quantizer of weights, `default` where it has none."""
        return default if config is None or config.weight_quantizer is None else config.weight_quantizer

    @staticmethod
    def activation_quantizer_or_default(config: Any, default: Any) -> Any:
        """The config's quantizer of inputs, which may be None; `default` without a config."""
        return default if config is None else config.activation_quantizer


class Int8QuantizationConfig(QuantizationConfig):
    """Weights as int8 with a scale for each channel; inputs are quantized too, unless their quantizer is None.

    Args:
      weight_quantizer: of output dtype int8. activation_quantizer: an `AbsMaxQuantizer` if not given.

    Keras: keras.quantizers.Int8QuantizationConfig.
    """

    mode = "int8"  # type: ignore[assignment]

    def __init__(self, weight_quantizer: Any = None, activation_quantizer: Any = "default") -> None:
        default = isinstance(activation_quantizer, str) and activation_quantizer == "default"
        super().__init__(weight_quantizer, AbsMaxQuantizer() if default else activation_quantizer)
        _check(self, weight_quantizer, "output_dtype", "int8")


class Int4QuantizationConfig(QuantizationConfig):
    """Weights as integers of four bits, two in a byte.

    Args:
      weight_quantizer: of value range (-8, 7) and output dtype int8. activation_quantizer: none if not given.
      block_size: how many inputs share a scale and a zero point; None or -1 for one scale for each channel. Groups take
        no quantizers.

    Raises `ValueError` for other sizes and quantizers. Keras: keras.quantizers.Int4QuantizationConfig.
    """

    mode = "int4"  # type: ignore[assignment]

    def __init__(
        self, weight_quantizer: Any = None, activation_quantizer: Any = "default", block_size: int | None = 128
    ) -> None:
        default = isinstance(activation_quantizer, str) and activation_quantizer == "default"
        super().__init__(weight_quantizer, None if default else activation_quantizer)
        if block_size is not None and block_size != -1 and block_size <= 0:
            raise ValueError(f"block_size must be None, -1, or a positive integer. Received: block_size={block_size}")
        if (block_size or -1) > 0 and not self.weight_quantizer is self.activation_quantizer is None:
            raise ValueError(
                "Int4 sub-channel quantization (block_size > 0) does not support custom quantizers. Either set "
                "block_size to None or -1 for per-channel quantization, or remove the custom quantizer arguments. "
                f"Received: block_size={block_size}"
            )
        self.block_size = block_size
        _check(self, weight_quantizer, "value_range", (-8, 7))
        _check(self, weight_quantizer, "output_dtype", "int8")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal config."""
        return {**super().get_config(), "block_size": self.block_size}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A quantization config from its config; those from before there were blocks have none."""
        return super().from_config({"block_size": None, **config})


class Float8QuantizationConfig(QuantizationConfig):
    """Training with products of eight-bit floats. Keras: keras.quantizers.Float8QuantizationConfig."""

    mode = "float8"  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__(None, None)

    def get_config(self) -> dict[str, Any]:
        """Nothing."""
        return {}


class _CalibratedConfig(QuantizationConfig):
    """A config of a method that looks at data."""

    _SETTINGS: ClassVar[tuple[str, ...]] = ()

    def _keep(self, dataset: Any, tokenizer: Any, settings: dict[str, Any]) -> None:
        for name in ("num_samples", "sequence_length", "num_grid_points"):
            if settings.get(name, 1) <= 0:
                raise ValueError(f"{name} must be a positive integer. Received: {name}={settings[name]}")
        size = settings["group_size"]
        if size < -1 or size == 0:
            raise ValueError(
                "Invalid group_size. Supported values are -1 (one group) or a positive integer, but got "
                f"group_size={size}."
            )
        self.dataset, self.tokenizer = dataset, tokenizer
        for name, value in settings.items():
            setattr(self, name, value)

    def dtype_policy_string(self) -> str:
        """The mode with its bits and group size, as dtype policies spell it: "gptq/4/128"."""
        return f"{self.mode}/{self.weight_bits}/{self.group_size}"  # type: ignore[attr-defined]

    def get_config(self) -> dict[str, Any]:
        """The settings; the data were needed once."""
        return {"dataset": None, "tokenizer": None, **{name: getattr(self, name) for name in self._SETTINGS}}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A quantization config from its config."""
        return cls(**config)


class GPTQConfig(_CalibratedConfig):
    """Weights rounded column by column, each rounding error made up for by the columns to come (GPTQ).

    Args:
      dataset: texts, or arrays of tokens, to calibrate on. tokenizer: turns texts into tokens.
      weight_bits: 2, 3, 4 or 8. num_samples, sequence_length: how much of the data is looked at.
      per_channel, group_size: a scale for each output, or for each group of so many of its inputs; -1 for one group.
      hessian_damping: share of the mean that is added to the diagonal. symmetric: ranges around zero.
      activation_order: take inputs in the order of their size.
      quantization_layer_structure: {"pre_block_layers": [...], "sequential_blocks": [...]}, the model's layers.

    Frantar et al., 2022. Keras: keras.quantizers.GPTQConfig.
    """

    mode = "gptq"  # type: ignore[assignment]
    _SETTINGS = (
        "weight_bits", "num_samples", "per_channel", "sequence_length", "hessian_damping", "group_size", "symmetric",
        "activation_order", "quantization_layer_structure",
    )  # fmt: skip

    def __init__(
        self, dataset: Any, tokenizer: Any, *, weight_bits: int = 4, num_samples: int = 128, per_channel: bool = True,
        sequence_length: int = 512, hessian_damping: float = 0.01, group_size: int = 128, symmetric: bool = False,
        activation_order: bool = False, quantization_layer_structure: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if weight_bits not in (2, 3, 4, 8):
            raise ValueError(f"Unsupported weight_bits {weight_bits}. Supported values are 2, 3, 4, and 8.")
        if not 0 <= hessian_damping <= 1:
            raise ValueError(f"hessian_damping must be between 0 and 1. Received: hessian_damping={hessian_damping}")
        self._keep(dataset, tokenizer, {
            "weight_bits": weight_bits, "num_samples": num_samples, "per_channel": per_channel,
            "sequence_length": sequence_length, "hessian_damping": hessian_damping, "group_size": group_size,
            "symmetric": symmetric, "activation_order": activation_order,
            "quantization_layer_structure": quantization_layer_structure,
        })  # fmt: skip


class AWQConfig(_CalibratedConfig):
    """Weights in four bits, those that meet large activations scaled up before they are rounded (AWQ).

    Args:
      dataset, tokenizer, num_samples, sequence_length, group_size, quantization_layer_structure: as in `GPTQConfig`.
      weight_bits: 4. num_grid_points: how many strengths of the scaling are tried.

    Lin et al., 2023. Keras: keras.quantizers.AWQConfig.
    """

    mode = "awq"  # type: ignore[assignment]
    _SETTINGS = (
        "weight_bits", "num_samples", "sequence_length", "group_size", "num_grid_points",
        "quantization_layer_structure",
    )  # fmt: skip

    def __init__(
        self, dataset: Any, tokenizer: Any, *, weight_bits: int = 4, num_samples: int = 128,
        sequence_length: int = 512, group_size: int = 128, num_grid_points: int = 20,
        quantization_layer_structure: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if weight_bits != 4:
            raise ValueError(f"AWQ only supports 4-bit quantization. Received weight_bits={weight_bits}.")
        self._keep(dataset, tokenizer, {
            "weight_bits": weight_bits, "num_samples": num_samples, "sequence_length": sequence_length,
            "group_size": group_size, "num_grid_points": num_grid_points,
            "quantization_layer_structure": quantization_layer_structure,
        })  # fmt: skip


def _check(config: Any, quantizer: Any, attribute: str, expected: Any) -> None:
    if quantizer is not None and getattr(quantizer, attribute) != expected:
        raise ValueError(
            f"{type(config).__name__} requires a weight_quantizer with {attribute}={expected!r}. Received: "
            f"{attribute}={getattr(quantizer, attribute)}"
        )


_DEFAULTS = {"int8": Int8QuantizationConfig, "int4": Int4QuantizationConfig, "float8": Float8QuantizationConfig}
_CALIBRATED = {"gptq": GPTQConfig, "awq": AWQConfig}


def resolved(mode: str | None, config: Any) -> Any:
    """The config for a mode, a config, or both; `ValueError` if they contradict, or say nothing known."""
    if isinstance(config, str):
        mode, config = config, None
    if mode is not None and mode not in QUANTIZATION_MODES:
        raise ValueError(f"Invalid quantization mode. Expected one of {QUANTIZATION_MODES}. Received: mode={mode}")
    if config is None:
        if mode is None:
            raise ValueError("You must provide either `mode` or `config` to `quantize`.")
        if mode in _CALIBRATED:
            name = _CALIBRATED[mode].__name__
            raise ValueError(f"For {mode.upper()}, you must pass a `{name}` object in the `config` argument.")
        return _DEFAULTS[mode]()
    if not isinstance(config, QuantizationConfig):
        raise ValueError(
            "Argument `config` must be an instance of `QuantizationConfig`. "
            f"Received: config={config} (of type {type(config)})"
        )
    if mode is not None and config.mode != mode:
        raise ValueError(f"Contradictory arguments: mode='{mode}' but config.mode='{config.mode}'")
    if config.mode not in QUANTIZATION_MODES:
        raise ValueError(
            f"Invalid quantization mode. Expected one of {QUANTIZATION_MODES}. Received: mode={config.mode}"
        )
    return config
