"""The base of Keras' metrics: numbers accumulated in variables over batches."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf
from duoflow.core.context import init_scope

from .. import config as keras_config
from ..naming import auto_name, name_scope
from ..scopes import StatelessScope, values_of, with_state
from ..tracking import KerasSaveable
from ..variables import Variable, standardize_dtype

__all__ = ["Metric", "require_matrix"]


class Metric(KerasSaveable):
    """Base of the metrics.

    A subclass makes variables with `add_variable`, changes them in `update_state` and computes `result` from them.

    >>> m = tf.keras.metrics.Mean()
    >>> m.update_state([1.0, 3.0])
    >>> m.result().numpy().item()
    2.0

    Keras: keras.metrics.Metric.
    """

    _tracked_as = "metrics"

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or auto_name(type(self).__name__)
        self._dtype = standardize_dtype(getattr(dtype, "compute_dtype", dtype) or keras_config.floatx())
        self._variables: list[Variable] = []

    def _obj_type(self) -> str:
        return "Metric"

    @property
    def dtype(self) -> str:
        """The dtype of values and results."""
        return self._dtype

    _direction: str | None = None

    def add_variable(
        self, shape: Any, initializer: Any, dtype: Any = None, aggregation: str = "sum", layout: Any = None,
        name: str | None = None,
    ) -> Variable:  # fmt: skip
        """A variable of the metric's state."""
        with name_scope(self.name), init_scope():
            variable = Variable(initializer, shape=shape, dtype=dtype or self._dtype, trainable=False, name=name)
        self._variables.append(variable)
        return variable

    def add_weight(
        self, shape: Any = (), initializer: Any = None, dtype: Any = None, name: str | None = None
    ) -> Variable:
        """A variable of the metric's state."""
        return self.add_variable(shape=shape, initializer=initializer or "zeros", dtype=dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """The variables of the metric and of the metrics among its attributes."""
        inner = [m for m in vars(self).values() if isinstance(m, Metric)]
        return [*self._variables, *[v for m in inner for v in m.variables]]

    def reset_state(self) -> None:
        """Start over."""
        for variable in self.variables:
            variable.assign(tf.zeros_like(variable))

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Take a batch into account."""
        raise NotImplementedError

    def result(self) -> Any:
        """The value so far: a scalar tensor, or a dict of them."""
        raise NotImplementedError

    def stateless_update_state(self, metric_variables: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """The variables' values after an update, given those before it; the state itself is left alone.

        >>> m = tf.keras.metrics.Sum()
        >>> m.stateless_update_state([tf.constant(2.0)], [1.0, 4.0])[0].numpy().item(), m.result().numpy().item()
        (7.0, 0.0)

        Keras: keras.metrics.Metric.stateless_update_state.
        """
        with self._with_state(metric_variables) as scope:
            self.update_state(*args, **kwargs)
        return values_of(scope, self.variables)

    def stateless_result(self, metric_variables: Any) -> Any:
        """The result for given values of the variables."""
        with self._with_state(metric_variables):
            return self.result()

    def stateless_reset_state(self) -> list[Any]:
        """The variables' values after a reset."""
        with StatelessScope() as scope:
            self.reset_state()
        return values_of(scope, self.variables)

    def _with_state(self, values: Any) -> StatelessScope:
        return with_state((self.variables, values, "metric_variables"))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal metric."""
        return {"name": self.name, "dtype": self._dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        """A metric from what `get_config` gave."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def require_matrix(metric: str, y_true: Any, y_pred: Any) -> int:
    """The number of columns of [samples, columns]; `ValueError` if it is not known or the shapes are others."""
    shapes = f"Received input shapes: y_pred.shape={y_pred.dims} and y_true.shape={y_true.dims}."
    if y_pred.spec.rank != 2 or y_true.spec.rank != 2:
        raise ValueError(f"{metric} expects 2D inputs with shape (batch_size, output_dim). {shapes}")
    if y_pred.dims[1] is None or y_true.dims[1] is None:
        raise ValueError(
            f"{metric} expects 2D inputs with shape (batch_size, output_dim), with output_dim fully defined (not "
            f"None). {shapes}"
        )
    return int(y_pred.dims[1])
