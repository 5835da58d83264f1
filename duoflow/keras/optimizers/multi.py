"""Several optimizers in one: OptimizerMap says which variable is whose, MultiOptimizer applies them."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from .loss_scale import LossScaleOptimizer
from .optimizer import Optimizer

__all__ = ["MultiOptimizer", "OptimizerMap"]


class OptimizerMap(MutableMapping[str, Any]):
    """Optimizers by the paths of variables, which keys are regular expressions for.

    Args:
      default_optimizer: for paths that no key matches. optimizer_map: a dict to begin with.

    >>> optimizers = tf.keras.optimizers.OptimizerMap(tf.keras.optimizers.Adam())
    >>> optimizers[".*bias"] = tf.keras.optimizers.SGD()
    >>> type(optimizers["dense/bias"]).__name__, type(optimizers["dense/kernel"]).__name__
    ('SGD', 'Adam')

    Keras: keras.optimizers.OptimizerMap.
    """

    def __init__(self, default_optimizer: Optimizer, optimizer_map: dict[str, Optimizer] | None = None) -> None:
        if not isinstance(default_optimizer, Optimizer):
            raise TypeError(f"default_optimizer must be a Keras Optimizer instance. Received: {default_optimizer}")
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise TypeError(f"optimizer_map must be a dictionary. Received: {optimizer_map}")
        self.default_optimizer = default_optimizer
        self._map = optimizer_map or {}

    def __getitem__(self, key: str) -> Optimizer:
        if key in self._map:
            return self._map[key]
        matching = [pattern for pattern in self._map if re.fullmatch(pattern, key)]
        if len(matching) > 1:
            raise ValueError(f"Multiple optimizers assigned to variable {key}: those of {matching}.")
        return self._map[matching[0]] if matching else self.default_optimizer

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        if key in self._map:
            raise ValueError(
                f"'{key}' already exists in the OptimizerMap with value {self._map[key]}. Please make sure to not use "
                "duplicated keys."
            )
        if not isinstance(key, str):
            raise ValueError(f"key must be a string. Received: {key}")
        _check(optimizer)
        self._map[key] = optimizer

    def __delitem__(self, key: str) -> None:
        del self._map[key]

    def __len__(self) -> int:
        return len(self._map)

    def __iter__(self) -> Iterator[str]:
        return iter(self._map)

    def __call__(self, variable: Any) -> Optimizer:
        return self[variable.path]

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal map, as plain data."""
        inner = {key: serialize_keras_object(optimizer) for key, optimizer in self._map.items()}
        return {"default_optimizer": serialize_keras_object(self.default_optimizer), "optimizer_map": inner}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> OptimizerMap:
        """A map from its config."""
        found = {
            key: deserialize_keras_object(value, custom_objects=custom_objects)
            for key, value in config["optimizer_map"].items()
        }
        return cls(deserialize_keras_object(config["default_optimizer"], custom_objects=custom_objects), found)


def _check(optimizer: Any) -> None:
    if not isinstance(optimizer, Optimizer) or isinstance(optimizer, LossScaleOptimizer | MultiOptimizer):
        raise ValueError(
            "optimizer must be a Keras Optimizer instance, and neither a LossScaleOptimizer nor a MultiOptimizer. "
            f"Received: {optimizer}"
        )


class MultiOptimizer(Optimizer):
    """Updates each variable by the optimizer that a map, or any function of variables, says.

    Args:
      optimizer_map: an `OptimizerMap`, or a function from a variable to its optimizer.
      loss_scale_factor: of all the optimizers.

    Learning rates are those of the inner optimizers. Keras: keras.optimizers.MultiOptimizer.
    """

    _DELEGATES = True

    def __init__(self, optimizer_map: Any, loss_scale_factor: float | None = None, name: str | None = None) -> None:
        self.optimizers: list[Optimizer] = []
        self._owners: dict[int, Optimizer] = {}
        super().__init__(learning_rate=0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._optimizer_map = optimizer_map
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._add(optimizer)

    def _add(self, optimizer: Any) -> Optimizer:
        _check(optimizer)
        if not any(optimizer is known for known in self.optimizers):
            optimizer.loss_scale_factor = self.loss_scale_factor
            self.optimizers.append(optimizer)
        return optimizer  # type: ignore[no-any-return]

    @property
    def loss_scale_factor(self) -> float | None:
        """The factor of all the optimizers; setting it sets theirs."""
        return self._loss_scale_factor

    @loss_scale_factor.setter
    def loss_scale_factor(self, factor: float | None) -> None:
        self._loss_scale_factor = factor
        for optimizer in self.optimizers:
            optimizer.loss_scale_factor = factor

    def _shares(self, variables: Sequence[Any]) -> list[tuple[Optimizer, list[int]]]:
        """For each optimizer that has any, the places of its variables."""
        owners = [self._owners[id(variable.handle)] for variable in variables]
        places = [[i for i, owner in enumerate(owners) if owner is optimizer] for optimizer in self.optimizers]
        return [(optimizer, own) for optimizer, own in zip(self.optimizers, places, strict=True) if own]

    def build(self, variables: Any) -> None:
        """Ask once whose each variable is, and make the slots of all optimizers."""
        if self.built:
            return
        self._owners = {id(variable.handle): self._add(self._optimizer_map(variable)) for variable in variables}
        for optimizer, places in self._shares(variables):
            optimizer.build([variables[i] for i in places])
        super().build(variables)

    @property
    def variables(self) -> list[Any]:
        """The step count and the inner optimizers' variables."""
        return [*self._variables, *(v for optimizer in self.optimizers for v in optimizer.variables)]

    @property
    def learning_rate(self) -> Any:
        """Not one: each inner optimizer has its own."""
        raise AttributeError(
            "Learning rate cannot be accessed on a MultiOptimizer. Access the learning rate on the individual "
            "sub-optimizers instead."
        )

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise AttributeError(
            "Learning rate cannot be set on a MultiOptimizer. Set the learning rate on the individual sub-optimizers "
            "instead."
        )

    def _apply(self, grads: list[Any], variables: list[Any]) -> None:
        for optimizer, places in self._shares(variables):
            optimizer.apply([grads[i] for i in places], [variables[i] for i in places])

    def finalize_variable_values(self, var_list: Any) -> None:
        """Let the inner optimizers finish their variables."""
        for optimizer, places in self._shares(var_list):
            optimizer.finalize_variable_values([var_list[i] for i in places])

    def get_config(self) -> dict[str, Any]:
        return {
            "optimizer_map": serialize_keras_object(self._optimizer_map),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> MultiOptimizer:
        """An optimizer from its config."""
        inner = deserialize_keras_object(config["optimizer_map"], custom_objects=custom_objects)
        return cls(**{**config, "optimizer_map": inner})
