"""What the layers of `tf.layers` have in common: scopes, variables, losses, and reading of their arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import duoflow
from duoflow.core import dtypes, shapes
from duoflow.core.context import name_scope
from duoflow.core.graph import get_default_graph
from duoflow.core.late import F
from duoflow.core.tensor import Tensor, convert

from ..modes import GraphKeys
from ..partitions import parts_of
from ..variables import get_variable, variable_scope

__all__ = ["InputSpec", "Layer", "channels_last", "format_name", "ints", "known_channels", "padding_name"]


class InputSpec:
    """What a layer expects of its input. TensorFlow: tf.compat.v1.layers.InputSpec."""

    def __init__(
        self, dtype: Any = None, shape: Any = None, ndim: int | None = None, max_ndim: int | None = None,
        min_ndim: int | None = None, axes: Any = None,
    ) -> None:  # fmt: skip
        self.dtype, self.shape, self.ndim = dtype, shape, len(shape) if shape is not None else ndim
        self.max_ndim, self.min_ndim, self.axes = max_ndim, min_ndim, axes or {}

    def check(self, name: str, x: Any) -> None:
        """Raise `ValueError` if an input does not fit."""
        rank, dims = x.shape.rank, x.dims
        if rank is None:
            return
        for what, wrong in (
            (f"expected ndim={self.ndim}", self.ndim is not None and rank != self.ndim),
            (f"expected max_ndim={self.max_ndim}", self.max_ndim is not None and rank > self.max_ndim),
            (f"expected min_ndim={self.min_ndim}", self.min_ndim is not None and rank < self.min_ndim),
        ):
            if wrong:
                raise ValueError(
                    f"Input 0 of layer {name} is incompatible with the layer: {what}, found ndim={rank}. Full shape "
                    f"received: {x.shape.as_list()}"
                )
        for axis, size in self.axes.items():
            if size is not None and dims[axis] not in (size, None):
                raise ValueError(
                    f"Input 0 of layer {name} is incompatible with the layer: expected axis {axis} of input shape to "
                    f"have value {size} but received input with shape {x.shape.as_list()}"
                )


class Layer:
    """Base of the layers: subclasses make variables in `build` with `add_weight` and compute in `call`.

    TensorFlow: tf.compat.v1.layers.Layer.
    """

    def __init__(
        self, trainable: bool = True, name: str | None = None, dtype: Any = None, activity_regularizer: Any = None,
        _reuse: Any = None, _scope: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        if kwargs:
            raise TypeError(f"Keyword argument not understood: {next(iter(kwargs))!r}")
        self.trainable, self.built, self.activity_regularizer = trainable, False, activity_regularizer
        self.dtype = None if dtype is None else dtypes.as_dtype(dtype)
        self.input_spec: InputSpec | None = None
        self._base_name = name or _snake_case(type(self).__name__)
        self._reuse, self._scope = _reuse, _scope if _scope is None or hasattr(_scope, "name") else None
        self._scope_name = _scope
        self._trainable_weights: list[Any] = []
        self._non_trainable_weights: list[Any] = []
        self._losses: list[Any] = []
        self._updates: list[Any] = []

    # -- facts -------------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The layer's name."""
        return self._base_name if self._scope is None else self._scope.name.rpartition("/")[2]

    @property
    def scope_name(self) -> str:
        """The name of its variable scope."""
        if self._scope is None:
            raise ValueError(
                f'No name available for layer scope because the layer "{self.name}" has not been used yet.'
            )
        return str(self._scope.name)

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables to train."""
        return list(self._trainable_weights) if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The other variables."""
        rest = self._non_trainable_weights
        return list(rest) if self.trainable else [*self._trainable_weights, *rest]

    @property
    def weights(self) -> list[Any]:
        """All variables."""
        return [*self._trainable_weights, *self._non_trainable_weights]

    variables = weights
    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    @property
    def losses(self) -> list[Any]:
        """The losses of regularizers."""
        return list(self._losses)

    @property
    def updates(self) -> list[Any]:
        """The operations to run with each training step."""
        return list(self._updates)

    # -- for subclasses ----------------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the variables for inputs of a shape."""
        self.built = True

    def call(self, inputs: Any, **kwargs: Any) -> Any:
        """The outputs for inputs."""
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output for an input's."""
        with duoflow.Graph().as_default():
            probe = duoflow.compat.v1.placeholder(self.dtype or dtypes.float32, input_shape)
            return self(probe).shape

    def add_weight(
        self, name: str, shape: Any, dtype: Any = None, initializer: Any = None, regularizer: Any = None,
        trainable: bool | None = None, constraint: Any = None, use_resource: bool | None = None,
        partitioner: Any = None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """A variable of the layer's scope."""
        trainable = True if trainable is None else trainable
        before = len(get_default_graph().get_collection(GraphKeys.REGULARIZATION_LOSSES))
        variable = get_variable(
            name, shapes.as_dims(shape), dtype or self.dtype or dtypes.float32, initializer, regularizer,
            trainable=trainable and self.trainable, constraint=constraint, partitioner=partitioner,
            use_resource=use_resource,
        )  # fmt: skip
        self._losses += get_default_graph().get_collection(GraphKeys.REGULARIZATION_LOSSES)[before:]
        (self._trainable_weights if trainable else self._non_trainable_weights).extend(parts_of(variable))
        return variable

    add_variable = add_weight

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Add to the regularization losses."""
        for loss in losses if isinstance(losses, (list, tuple)) else [losses]:
            self._losses.append(loss)
            get_default_graph().add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Add to the operations that each training step should run."""
        for update in updates if isinstance(updates, (list, tuple)) else [updates]:
            self._updates.append(update)
            get_default_graph().add_to_collection(GraphKeys.UPDATE_OPS, update)

    # -- calling -----------------------------------------------------------------------------------------------------

    def __call__(self, inputs: Any, *args: Any, scope: Any = None, **kwargs: Any) -> Any:
        """Apply the layer, making its variables on the first call."""
        inputs = inputs if isinstance(inputs, (list, tuple)) else convert(inputs, dtype_hint=self.dtype)
        if self._scope is None:
            self._capture_scope(self._scope_name if scope is None else scope)
        reuse = True if self.built else self._reuse
        with (
            variable_scope(self._scope, reuse=reuse, auxiliary_name_scope=False),
            name_scope(self._scope.original_name_scope or None),  # type: ignore[union-attr]
        ):
            if isinstance(inputs, Tensor):
                self._check(inputs)
            if not self.built:
                self.build(inputs.shape if isinstance(inputs, Tensor) else [x.shape for x in inputs])
                self.built = True
            outputs = self.call(inputs, *args, **kwargs)
            if self.activity_regularizer is not None:
                self.add_loss(self.activity_regularizer(outputs))
        return outputs

    apply = __call__

    def _check(self, inputs: Any) -> None:
        if self.dtype is None:
            self.dtype = inputs.dtype
        if self.input_spec is not None:
            self.input_spec.check(self.name, inputs)

    def _capture_scope(self, name: Any) -> None:
        """Settle the scope of the variables, at the place of the first call."""
        shared = self._reuse not in (None, False) and name is None
        with variable_scope(self._base_name if shared else name, default_name=self._base_name) as scope:
            self._scope = scope


def _snake_case(name: str) -> str:
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)).lower()


def ints(value: Any, count: int, what: str) -> list[int]:
    """A number for each spatial dimension; `ValueError` otherwise."""
    if isinstance(value, int):
        return [value] * count
    found = [int(v) for v in value]
    if len(found) != count:
        raise ValueError(f"The `{what}` argument must be a tuple of {count} integers. Received: {value}")
    return found


def known_channels(input_shape: Any, axis: int) -> int:
    size = shapes.as_dims(input_shape)[axis]  # type: ignore[index]
    if size is None:
        raise ValueError("The channel dimension of the inputs should be defined. Found `None`.")
    return size


def padding_name(value: str) -> str:
    if value.lower() not in ("valid", "same"):
        raise ValueError(f'The `padding` argument must be one of "valid", "same". Received: {value}')
    return value.upper()


def format_name(value: str) -> str:
    if value.lower() not in ("channels_last", "channels_first"):
        raise ValueError(
            f'The `data_format` argument must be one of "channels_first", "channels_last". Received: {value}'
        )
    return value.lower()


def channels_last(inputs: Any, data_format: str, compute: Callable[[Any], Any]) -> Any:
    """`compute` on inputs whose channels were moved last, and its result moved back."""
    if data_format == "channels_last":
        return compute(inputs)
    rank = inputs.ndim
    return F.transpose(compute(F.transpose(inputs, [0, *range(2, rank), 1])), [0, rank - 1, *range(1, rank - 1)])
