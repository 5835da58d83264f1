"""Dtype policies: the type a layer computes in and the type it keeps its weights in.

"mixed_bfloat16" computes in bfloat16 on float32 weights; any other name of a dtype is both. "int8_from_float32" is the
policy of a quantized layer: its mode, and what the policy was before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from typing import Any, ClassVar

from duoflow import ops as tf
from duoflow.core.tensor import EagerTensor, Operators, convert

from .preferences import floatx
from .saving.serialization import deserialize_keras_object, serialize_keras_object
from .symbolic import KerasTensor
from .variables import is_float_dtype, standardize_dtype

__all__ = [
    "AWQDTypePolicy", "DTypePolicy", "DTypePolicyMap", "FloatDTypePolicy", "GPTQDTypePolicy", "Int4DTypePolicy",
    "QuantizedDTypePolicy", "QuantizedFloat8DTypePolicy", "deserialize", "dtype_policy", "get", "serialize",
    "set_dtype_policy",
]  # fmt: skip

QUANTIZATION_MODES = ("int8", "float8", "int4", "gptq", "awq")


class DTypePolicy:
    """The dtypes of a layer's computation and of its variables.

    Args:
      name: a dtype's name, "mixed_float16" or "mixed_bfloat16"; the global policy's for None.

    >>> policy = tf.keras.DTypePolicy("mixed_bfloat16")
    >>> policy.compute_dtype, policy.variable_dtype
    ('bfloat16', 'float32')

    Keras: keras.dtype_policies.DTypePolicy.
    """

    quantization_mode: Any = None
    _source_name: str

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = dtype_policy().name
        if not isinstance(name, str):
            raise TypeError(
                f"'name' must be a string, such as 'mixed_float16'. Received: name={name} (of type {type(name)})"
            )
        self._name = name
        self._compute_dtype, self._variable_dtype = _parse(name)

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """What inputs and weights are cast to."""
        return self._compute_dtype

    @property
    def variable_dtype(self) -> str:
        """What weights are kept in."""
        return self._variable_dtype

    def convert_input(self, x: Any, autocast: bool, dtype: str) -> Any:
        """A layer's argument as the layer takes it: arrays as tensors, floats in `dtype` where autocasting."""
        if isinstance(x, KerasTensor):
            if autocast and is_float_dtype(x.dtype) and x.dtype != dtype:
                return KerasTensor(x.shape, dtype=dtype, name=x.name)
            return x
        if isinstance(x, Operators):
            tensor = convert(x)
        elif hasattr(x, "__array__"):
            tensor = _tensor_of_array(x, autocast, dtype)
        else:
            return x
        if autocast and tensor.dtype.is_floating and tensor.dtype.name != dtype:
            return tf.cast(tensor, dtype)
        return tensor

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal policy."""
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        """A policy from its config."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.get_config() == self.get_config()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self._name}">'


FloatDTypePolicy = DTypePolicy


def _tensor_of_array(x: Any, autocast: bool, dtype: str) -> Any:
    """A NumPy array as a tensor; floats go straight to `dtype`, so that no float64 copy is made on the way."""
    if autocast and getattr(getattr(x, "dtype", None), "kind", "") == "f":
        return convert(x, dtype_hint=dtype) if not isinstance(x, EagerTensor) else x
    return convert(x)


def _parse(name: str) -> tuple[str, str]:
    if name in ("mixed_float16", "mixed_bfloat16"):
        return name.removeprefix("mixed_"), "float32"
    try:
        dtype = standardize_dtype(name)
    except ValueError:
        raise ValueError(
            f"Cannot convert '{name}' to a mixed precision DTypePolicy. Valid policies include 'mixed_float16', "
            "'mixed_bfloat16', and the name of any float dtype such as 'float32'."
        ) from None
    return dtype, dtype


class QuantizedDTypePolicy(DTypePolicy):
    """The policy of a quantized layer: how its weight is kept, and the policy that it had before.

    Args:
      mode: "int8", "int4", "float8", "gptq" or "awq". source_name: the other policy's name; the global one's for None.

    >>> policy = tf.keras.dtype_policies.QuantizedDTypePolicy("int8", "mixed_bfloat16")
    >>> policy.name, policy.quantization_mode, policy.compute_dtype
    ('int8_from_mixed_bfloat16', 'int8', 'bfloat16')

    Raises `ValueError` for other modes. Keras: keras.dtype_policies.QuantizedDTypePolicy.
    """

    def __init__(self, mode: str, source_name: str | None = None) -> None:
        source_name = dtype_policy().name if source_name is None else source_name
        self._name, self._source_name = f"{mode}_from_{source_name}", source_name
        self._compute_dtype, self._variable_dtype = _parse(source_name)
        self.quantization_mode = mode.split("/")[0]
        if self.quantization_mode not in QUANTIZATION_MODES:
            raise ValueError(f"Invalid quantization mode. Expected one of {QUANTIZATION_MODES}. Received: mode={mode}")
        if self._compute_dtype == "float16" and self.quantization_mode == "int8":
            raise ValueError(f"Quantization mode='{mode}' doesn't work well with compute_dtype='float16'.")

    def get_config(self) -> dict[str, Any]:
        return {"mode": self._name.removesuffix(f"_from_{self._source_name}"), "source_name": self._source_name}

    def __repr__(self) -> str:
        return f'<{type(self).__name__} "{self._name}">'


class QuantizedFloat8DTypePolicy(QuantizedDTypePolicy):
    """The policy of a layer that trains with eight-bit floats.

    Args:
      mode: "float8". source_name: as in `QuantizedDTypePolicy`.
      amax_history_length: of how many steps the largest magnitudes are kept.

    Keras: keras.dtype_policies.QuantizedFloat8DTypePolicy.
    """

    default_amax_history_length = 1024

    def __init__(self, mode: str, source_name: str | None = None, amax_history_length: int = 1024) -> None:
        super().__init__(mode, source_name)
        if not isinstance(amax_history_length, int):
            raise TypeError(
                f"`amax_history_length` must be an integer. Received: amax_history_length={amax_history_length}"
            )
        self.amax_history_length = amax_history_length

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "amax_history_length": self.amax_history_length}


class Int4DTypePolicy(QuantizedDTypePolicy):
    """The policy of a layer with four-bit weights: "int4/128" for groups of 128 inputs, "int4/-1" for none.

    Keras: keras.dtype_policies.Int4DTypePolicy. Raises `ValueError` for other modes.
    """

    def __init__(self, mode: str, source_name: str | None = None) -> None:
        (self.block_size,) = _sizes(self, mode, "int4/<block_size>")
        super().__init__(mode, source_name)


class GPTQDTypePolicy(QuantizedDTypePolicy):
    """The policy of a layer quantized by GPTQ: "gptq/4/128" for four bits and groups of 128 inputs, -1 for one group.

    Keras: keras.dtype_policies.GPTQDTypePolicy. Raises `ValueError` for other modes.
    """

    _BITS: ClassVar = (2, 3, 4, 8)

    def __init__(self, mode: str, source_name: str | None = None) -> None:
        kind = type(self).__name__.removesuffix("DTypePolicy").lower()
        self.weight_bits, self.group_size = _sizes(self, mode, f"{kind}/<weight_bits>/<group_size>")
        if self.weight_bits not in self._BITS:
            raise ValueError(
                f"Invalid weight_bits in mode. Supported values are {', '.join(map(str, self._BITS))}, but got "
                f"{self.weight_bits} from '{mode}'."
            )
        super().__init__(mode, source_name)


class AWQDTypePolicy(GPTQDTypePolicy):
    """The policy of a layer quantized by AWQ: "awq/4/128" for groups of 128 inputs, -1 for one group.

    Keras: keras.dtype_policies.AWQDTypePolicy. Raises `ValueError` for other modes.
    """

    _BITS: ClassVar = (4,)


def _sizes(policy: DTypePolicy, mode: str, form: str) -> list[int]:
    """The numbers in a mode such as "gptq/4/128"; the last is a size, or -1."""
    (kind, *names), (given, *numbers) = form.split("/"), mode.split("/")
    wrong = f"Invalid mode for {type(policy).__name__}. Expected format '{form}', but got '{mode}'."
    if given != kind or len(numbers) != len(names):
        raise ValueError(wrong)
    try:
        sizes = [int(number) for number in numbers]
    except ValueError:
        raise ValueError(f"{wrong} {' and '.join(names)} must be integers.") from None
    if sizes[-1] < -1 or sizes[-1] == 0:
        raise ValueError(
            f"Invalid {names[-1].strip('<>')} in mode. Supported values are -1 or a positive integer, but got "
            f"{sizes[-1]} from '{mode}'."
        )
    return sizes


class DTypePolicyMap(DTypePolicy, MutableMapping):  # type: ignore[type-arg]
    """Policies by layer path, or regular expression of whole paths; `default_policy` for the rest.

    Args:
      default_policy: a policy, or None for the global one. policy_map: paths to policies.

    >>> policies = tf.keras.dtype_policies.DTypePolicyMap("float32", {"encoder/.*": tf.keras.DTypePolicy("bfloat16")})
    >>> policies["encoder/dense"].name, policies["decoder"].name
    ('bfloat16', 'float32')

    Keras: keras.dtype_policies.DTypePolicyMap.
    """

    def __init__(self, default_policy: Any = None, policy_map: dict[str, Any] | None = None) -> None:
        if policy_map is not None and not isinstance(policy_map, dict):
            raise TypeError(f"The argument `policy_map` should be a dict. Received: policy_map={policy_map}")
        self._default_policy_arg = default_policy
        self._default = get(default_policy)
        self._map = {path: get(policy) for path, policy in (policy_map or {}).items()}
        super().__init__(self._default.name if self._default.quantization_mode is None else self._default._source_name)

    @property
    def name(self) -> str:
        """That of the default policy, as a map's."""
        return f"map_{self._default.name}"

    @property
    def default_policy(self) -> DTypePolicy:
        """The policy of layers that are not listed."""
        return self._default

    @property
    def quantization_mode(self) -> Any:  # type: ignore[override]
        """That of the default policy."""
        return self._default.quantization_mode

    def __getitem__(self, key: str) -> DTypePolicy:
        if key in self._map:
            return self._map[key]
        matches = [pattern for pattern in self._map if re.fullmatch(pattern, key)]
        if len(matches) > 1:
            raise ValueError(
                f"Path '{key}' matches multiple dtype policy specification keys: {matches}. Please make sure each path "
                "only matches at most one dtype policy specification key in the DTypePolicyMap."
            )
        return self._map[matches[0]] if matches else self._default

    def __setitem__(self, key: str, policy: Any) -> None:
        if key in self._map:
            raise ValueError(
                f"{key} already exist in the DTypePolicyMap with value {self._map[key]}. Please make sure to not use "
                "duplicated keys."
            )
        self._map[key] = get(policy)

    def __delitem__(self, key: str) -> None:
        del self._map[key]

    def __contains__(self, key: object) -> bool:
        return key in self._map

    def __iter__(self) -> Iterator[str]:
        return iter(self._map)

    def __len__(self) -> int:
        return len(self._map)

    def __eq__(self, other: object) -> bool:
        return DTypePolicy.__eq__(self, other)

    __hash__ = DTypePolicy.__hash__

    def get_config(self) -> dict[str, Any]:
        return {
            "default_policy": self._default_policy_arg,
            "policy_map": {path: serialize(policy) for path, policy in self._map.items()},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> DTypePolicyMap:
        policies = {path: deserialize(entry, custom_objects) for path, entry in config["policy_map"].items()}
        return cls(config["default_policy"], policies)


_global: list[DTypePolicy] = []


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are not given one. Keras: keras.config.dtype_policy."""
    return _global[-1] if _global else DTypePolicy(floatx())


def set_dtype_policy(policy: Any) -> None:
    """Set the policy of layers made from now on: a policy or its name. Keras: keras.config.set_dtype_policy."""
    if policy is not None and not isinstance(policy, str | DTypePolicy):
        raise ValueError(
            "Invalid `policy` argument. Expected the string name of a policy (such as 'mixed_float16') or a "
            f"`DTypePolicy` instance. Received: policy={policy} (of type {type(policy)})"
        )
    _global[:] = [] if policy is None else [get(policy)]


def get(identifier: Any) -> DTypePolicy:
    """A policy from a policy, a name, a dtype, a config, or None for the global one.

    >>> tf.keras.dtype_policies.get("int4/64_from_float32").block_size
    64

    Keras: keras.dtype_policies.get.
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return _quantized(identifier) if identifier.startswith(QUANTIZATION_MODES) else DTypePolicy(identifier)
    try:
        return DTypePolicy(standardize_dtype(identifier))
    except (ValueError, TypeError):
        raise ValueError(
            "Cannot interpret `dtype` argument. Expected a string or an instance of DTypePolicy. "
            f"Received: dtype={identifier}"
        ) from None


def _quantized(name: str) -> DTypePolicy:
    """The policy of a name such as "int8_from_float32"."""
    mode, separator, source = name.partition("_from_")
    if not separator:
        raise ValueError(
            "Cannot convert `policy` into a valid pair (`mode`, `source_name`) to instantiate `QuantizedDTypePolicy`. "
            f"Received: policy={name}"
        )
    kind, _, sizes = mode.partition("/")
    made = {"float8": QuantizedFloat8DTypePolicy, "gptq": GPTQDTypePolicy, "awq": AWQDTypePolicy}
    return (Int4DTypePolicy if kind == "int4" and sizes else made.get(kind, QuantizedDTypePolicy))(mode, source)


_CLASSES = {
    cls.__name__: cls
    for cls in (
        DTypePolicy, QuantizedDTypePolicy, QuantizedFloat8DTypePolicy, Int4DTypePolicy, GPTQDTypePolicy, AWQDTypePolicy,
        DTypePolicyMap,
    )
} | {"FloatDTypePolicy": DTypePolicy}  # fmt: skip


def serialize(dtype_policy: DTypePolicy) -> dict[str, Any]:
    """A policy as plain data. Keras: keras.dtype_policies.serialize."""
    return serialize_keras_object(dtype_policy)  # type: ignore[no-any-return]


def deserialize(config: Any, custom_objects: Any = None) -> DTypePolicy:
    """A policy from plain data. Keras: keras.dtype_policies.deserialize."""
    if isinstance(config, str):
        return get(config)
    if config.get("class_name") in _CLASSES:
        return _CLASSES[config["class_name"]].from_config(config["config"])
    return deserialize_keras_object(config, custom_objects=custom_objects)  # type: ignore[no-any-return]
