"""Dtype policies: the type a layer computes in and the type it keeps its weights in.

"mixed_bfloat16" computes in bfloat16 on float32 weights; any other name is both. Quantized policies are not supported.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import EagerTensor, Operators, convert

from .preferences import floatx
from .symbolic import KerasTensor
from .variables import is_float_dtype, standardize_dtype

__all__ = ["DTypePolicy", "DTypePolicyMap", "FloatDTypePolicy", "dtype_policy", "get", "set_dtype_policy"]


class DTypePolicy:
    """The dtypes of a layer's computation and of its variables.

    Args:
      name: a dtype's name, "mixed_float16" or "mixed_bfloat16"; the global policy's for None.

    >>> policy = tf.keras.DTypePolicy("mixed_bfloat16")
    >>> policy.compute_dtype, policy.variable_dtype
    ('bfloat16', 'float32')

    Keras: keras.dtype_policies.DTypePolicy.
    """

    quantization_mode = None

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


class DTypePolicyMap(DTypePolicy, MutableMapping):  # type: ignore[type-arg]
    """Policies by layer path; `default_policy` for the rest.

    Keras: keras.dtype_policies.DTypePolicyMap.
    """

    def __init__(self, default_policy: Any = None, policy_map: dict[str, Any] | None = None) -> None:
        self._default = get(default_policy)
        self._map = {path: get(policy) for path, policy in (policy_map or {}).items()}
        super().__init__(self._default.name)

    @property
    def default_policy(self) -> DTypePolicy:
        """The policy of layers that are not listed."""
        return self._default

    def __getitem__(self, key: str) -> DTypePolicy:
        if key in self._map:
            return self._map[key]
        matches = [path for path in self._map if path in key]
        if len(matches) > 1:
            raise ValueError(f"Path '{key}' matches multiple dtype policy specification keys: {matches}.")
        return self._map[matches[0]] if matches else self._default

    def __setitem__(self, key: str, policy: Any) -> None:
        if key in self._map:
            raise ValueError(f"{key} already exist in the DTypePolicyMap with value {self._map[key]}.")
        self._map[key] = get(policy)

    def __delitem__(self, key: str) -> None:
        del self._map[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._map)

    def __len__(self) -> int:
        return len(self._map)

    __hash__ = DTypePolicy.__hash__

    def get_config(self) -> dict[str, Any]:
        return {
            "default_policy": self._default.get_config(),
            "policy_map": {path: policy.get_config() for path, policy in self._map.items()},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicyMap:
        policies = {path: DTypePolicy(**entry) for path, entry in config["policy_map"].items()}
        return cls(DTypePolicy(**config["default_policy"]), policies)


_global: list[DTypePolicy] = []


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are not given one. Keras: keras.config.dtype_policy."""
    return _global[-1] if _global else DTypePolicy(floatx())


def set_dtype_policy(policy: Any) -> None:
    """Set the policy of layers made from now on: a policy or its name. Keras: keras.config.set_dtype_policy."""
    _global[:] = [] if policy is None else [policy if isinstance(policy, DTypePolicy) else DTypePolicy(policy)]


def get(identifier: Any) -> DTypePolicy:
    """A policy from a policy, a name, a dtype, a config, or None for the global one.

    Keras: keras.dtype_policies.get.
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        cls = DTypePolicyMap if identifier.get("class_name") == "DTypePolicyMap" else DTypePolicy
        return cls.from_config(identifier["config"])
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    try:
        return DTypePolicy(standardize_dtype(identifier))
    except (ValueError, TypeError):
        raise ValueError(
            "Cannot interpret `dtype` argument. Expected a string or an instance of DTypePolicy. "
            f"Received: dtype={identifier}"
        ) from None


def serialize(dtype_policy: DTypePolicy) -> dict[str, Any]:
    """A policy as plain data. Keras: keras.dtype_policies.serialize."""
    return {
        "module": "keras",
        "class_name": type(dtype_policy).__name__,
        "config": dtype_policy.get_config(),
        "registered_name": None,
    }


def deserialize(config: Any, custom_objects: Any = None) -> DTypePolicy:
    """A policy from plain data. Keras: keras.dtype_policies.deserialize."""
    return get(config)
