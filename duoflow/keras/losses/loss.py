"""Losses as objects: a function, a reduction, and what masks and sample weights do to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from duoflow import ops as tf
from duoflow.core import nest
from duoflow.core.tensor import convert

from .. import config as keras_config
from ..explaining import message_of, retold, shapes_of
from ..naming import auto_name
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..tracking import KerasSaveable
from ..variables import standardize_dtype
from .functions import match_ranks

__all__ = ["Loss", "LossFunctionWrapper", "Reduction", "reduce_weighted_values"]

_REDUCTIONS = ("sum", "sum_over_batch_size", "mean", "mean_with_sample_weight", "none", None)


class Reduction:
    """The names of the reductions as Keras 2 wrote them; `AUTO` is no reduction of a loss of Keras 3.

    >>> tf.keras.losses.Reduction.NONE
    'none'

    TensorFlow: tf.keras.losses.Reduction.
    """

    AUTO = "auto"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All the names."""
        return cls.AUTO, cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE

    @classmethod
    def validate(cls, key: Any) -> None:
        """Raises ValueError for what is none of the names."""
        if key not in cls.all():
            raise ValueError(f'Invalid Reduction Key: {key}. Expected keys are "{cls.all()}"')


class Loss(KerasSaveable):
    """Base of the losses: `call(y_true, y_pred)` gives a value per sample.

    Args:
      reduction: "sum_over_batch_size" (or "mean"), "sum", "mean_with_sample_weight" or None.

    Keras: keras.losses.Loss.
    """

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        self.name = name or auto_name(type(self).__name__)
        if reduction not in _REDUCTIONS:
            raise ValueError(
                f"Invalid value for argument `reduction`. Expected one of {set(_REDUCTIONS)}. Received: "
                f"reduction={reduction}"
            )
        self.reduction = reduction
        self._dtype = standardize_dtype(getattr(dtype, "compute_dtype", dtype) or keras_config.floatx())

    def _obj_type(self) -> str:
        return "Loss"

    @property
    def dtype(self) -> str:
        """The dtype the loss is computed in."""
        return self._dtype

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        mask = getattr(y_pred, "_keras_mask", None)
        with tf.name_scope(self.name):
            y_pred = nest.map_structure(self._as_dtype, y_pred)
            y_true = nest.map_structure(self._as_dtype, y_true)
            try:
                losses = self.call(y_true, y_pred)
            except Exception as error:
                shapes = f"y_true of shape {shapes_of(y_true)} and y_pred of shape {shapes_of(y_pred)}"
                message = f"{message_of(error)}\n\nRaised by the loss '{self.name}' for {shapes}"
                raise retold(error, message) from None
            own = getattr(losses, "_keras_mask", None)
            if own is not None:
                mask = own if mask is None else tf.logical_and(mask, own)
            return reduce_weighted_values(losses, sample_weight, mask, self.reduction, self._dtype)

    def _as_dtype(self, x: Any) -> Any:
        tensor = convert(x)
        return tensor if tensor.dtype == self._dtype else tf.cast(tensor, self._dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """A value per sample; a subclass's formula."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal loss."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """A loss from what `get_config` gave."""
        return cls(**config)


class LossFunctionWrapper(Loss):
    """A loss made of a function; further arguments are passed on to it."""

    #: Arguments of the function that belong in the config.
    _ARGUMENTS: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, fn: Callable[..., Any], reduction: str | None = "sum_over_batch_size", name: str | None = None,
        dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn, self._fn_kwargs = fn, kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The function's value, ranks that differ by a last dimension of one brought together."""
        if not nest.is_nested(y_true) and not nest.is_nested(y_pred):
            y_true, y_pred = match_ranks(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal loss."""
        if type(self).__init__ is LossFunctionWrapper.__init__:
            return {**super().get_config(), "fn": serialize_keras_object(self.fn), **self._fn_kwargs}
        return {**super().get_config(), **{name: self._fn_kwargs[name] for name in self._ARGUMENTS}}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """A loss from what `get_config` gave."""
        return cls(**(deserialize_keras_object(config) if "fn" in config else config))

    def __repr__(self) -> str:
        return f"<LossFunctionWrapper({self.fn}, kwargs={self._fn_kwargs})>"


def reduce_weighted_values(
    values: Any,
    sample_weight: Any = None,
    mask: Any = None,
    reduction: str | None = "sum_over_batch_size",
    dtype: Any = None,
) -> Any:
    """Values per sample, weighted, masked and reduced."""
    values = tf.cast(convert(values), dtype) if dtype else convert(values)
    weight = None if sample_weight is None else tf.cast(convert(sample_weight), values.dtype)
    weight = _masked(weight, mask, values.dtype, reduction)
    if weight is not None:
        values, weight = match_ranks(values, weight, expand_rank_1=True)
        values = values * _trailing(weight, values)
    return _reduce(values, weight, reduction)


def _trailing(weight: Any, values: Any) -> Any:
    """Weights per sample for values with more dimensions."""
    a, b = weight.spec.rank, values.spec.rank
    if a is None or b is None or a >= b or a == 0:
        return weight
    return tf.reshape(weight, tf.concat([tf.shape(weight), tf.ones([b - a], "int32")], 0))


def _masked(weight: Any, mask: Any, dtype: Any, reduction: str | None) -> Any:
    if mask is None:
        return weight
    mask = tf.cast(convert(mask), dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        total = tf.cast(tf.size(mask), dtype)
        mask = mask * (total / (tf.reduce_sum(mask) + keras_config.epsilon()))
    if weight is None:
        return mask
    mask, weight = match_ranks(mask, weight)
    return _trailing(weight, mask) * mask


def _reduce(values: Any, weight: Any, reduction: str | None) -> Any:
    if reduction in (None, "none") or values.dims in ((), (0,)):
        return values
    total = tf.reduce_sum(values)
    if reduction == "sum":
        return total
    if reduction == "mean_with_sample_weight" and weight is not None:
        return tf.divide_no_nan(total, tf.reduce_sum(weight))
    return tf.divide_no_nan(total, tf.cast(tf.size(values), total.dtype))
