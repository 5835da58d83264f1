"""Scopes that change what touching a variable means: values from a mapping, or none at all.

Inside a `StatelessScope` variables are read from and written to the scope; what they hold outside stays. The
`stateless_` methods of layers, optimizers, metrics and models are calls inside one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from duoflow import ops as tf
from duoflow.core.tensor import convert

from .state import session
from .variables import Variable, _cast

__all__ = ["StatelessScope", "SymbolicScope", "values_of", "with_state"]


class StatelessScope:
    """Read and write variables in the scope: their own values stay as they are.

    Args:
      state_mapping: pairs of a variable and the value, of the variable's shape, that it has inside at first.
      collect_losses: keep what layers add with `add_loss` inside, as `losses`.
      initialize_variables: accepted; a variable made inside from an initializer has its value at once.

    Raises `ValueError` for keys that are no variables and values of other shapes.

    >>> v = tf.keras.Variable([1.0, 2.0])
    >>> with tf.keras.StatelessScope([(v, tf.constant([3.0, 4.0]))]) as scope:
    ...     v.assign_add([1.0, 1.0]).numpy()
    array([4., 5.], dtype=float32)
    >>> v.numpy(), scope.get_current_value(v).numpy()
    (array([1., 2.], dtype=float32), array([4., 5.], dtype=float32))

    Keras: keras.StatelessScope.
    """

    def __init__(
        self, state_mapping: Any = None, collect_losses: bool = False, initialize_variables: bool = True
    ) -> None:
        self.collect_losses, self.initialize_variables = collect_losses, initialize_variables
        self.losses: list[Any] = []
        self._losses_of: dict[int, list[Any]] = {}
        self.state_mapping: dict[int, Any] = {}
        self._held: list[Variable] = []  # or another variable could take the identity of one that is gone
        self._outer: list[StatelessScope | None] = []
        for variable, value in state_mapping or ():
            if not isinstance(variable, Variable):
                raise ValueError(
                    "Invalid reference variable in StatelessScope: all keys in argument `mapping` must be Variable "
                    f"instances. Received instead: {variable}"
                )
            value = _cast(convert(value, dtype_hint=variable._keras_dtype), variable._keras_dtype)
            if value.dims is None or tuple(value.dims) != variable.shape:
                raise ValueError(
                    "Invalid variable value in StatelessScope: all values in argument `mapping` must be tensors with "
                    f"a shape that matches the corresponding variable shape. For variable {variable}, received invalid "
                    f"value {value} with shape {value.shape}."
                )
            self.add_update((variable, value))

    def add_loss(self, loss: Any, layer: Any = None) -> None:
        """Keep a loss, that of a layer if it says so."""
        self.losses.append(loss)
        self._losses_of.setdefault(id(layer), []).append(loss)

    def losses_of(self, layer: Any) -> list[Any]:
        """The losses that a layer added."""
        return self._losses_of.get(id(layer), [])

    def clear_losses_of(self, layer: Any) -> None:
        """Forget the losses that a layer added."""
        gone = {id(loss) for loss in self._losses_of.pop(id(layer), ())}
        self.losses[:] = [loss for loss in self.losses if id(loss) not in gone]

    def add_update(self, update: tuple[Variable, Any]) -> None:
        """Give a variable, the first of the pair, another value inside."""
        variable, value = update
        if id(variable) not in self.state_mapping:
            self._held.append(variable)
        self.state_mapping[id(variable)] = value

    def get_current_value(self, variable: Variable) -> Any:
        """The value of a variable inside, None if it was neither given nor assigned."""
        return self.state_mapping.get(id(variable))

    def inner(self) -> StatelessScope:
        """A scope that starts with the values of this one, for a branch that may not be taken."""
        scope = StatelessScope()
        scope.state_mapping, scope._held = dict(self.state_mapping), list(self._held)
        return scope

    def take(self, condition: Any, one: StatelessScope, other: StatelessScope) -> None:
        """Take the values of one of two inner scopes, as the condition says when it is run."""
        for variable in {id(v): v for v in (*one._held, *other._held)}.values():
            a, b = (scope.get_current_value(variable) for scope in (one, other))
            a, b = (variable.value if value is None else value for value in (a, b))
            self.add_update((variable, a if a is b else tf.where(condition, a, b)))

    def __enter__(self) -> StatelessScope:
        self._outer.append(session.stateless)
        session.stateless = self
        return self

    def __exit__(self, *exc: object) -> None:
        session.stateless = self._outer.pop()


class SymbolicScope:
    """Say that what is called inside describes a model: losses that layers add are not kept.

    >>> with tf.keras.SymbolicScope():
    ...     tf.keras.layers.Dense(2)(tf.keras.Input((3,))).shape
    (None, 2)

    Keras: keras.SymbolicScope.
    """

    def __enter__(self) -> SymbolicScope:
        session.symbolic += 1
        return self

    def __exit__(self, *exc: object) -> None:
        session.symbolic -= 1


def with_state(*state: tuple[Iterable[Variable], Any, str], collect_losses: bool = False) -> StatelessScope:
    """A scope of variables and their values; `ValueError` where there are more of one than of the other.

    state: variables, their values, and the name of the argument that the values were given as
    """
    pairs: list[tuple[Variable, Any]] = []
    for variables, values, argument in state:
        variables, values = list(variables), list(values)
        if len(variables) != len(values):
            raise ValueError(
                f"Argument `{argument}` must be a list of tensors corresponding 1:1 to the {len(variables)} variables "
                f"{[v.path for v in variables]}. Received list with length {len(values)}."
            )
        pairs += zip(variables, values, strict=True)
    return StatelessScope(pairs, collect_losses=collect_losses)


def values_of(scope: StatelessScope, variables: Iterable[Variable]) -> list[Any]:
    """The values of variables at the end of a scope: those it has, else their own."""
    values = ((v, scope.get_current_value(v)) for v in variables)
    return [v.value if value is None else value for v, value in values]
