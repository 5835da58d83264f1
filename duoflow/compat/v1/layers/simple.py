"""The layers of `tf.layers` that do not convolve: dense, pooling, dropout, normalisation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from duoflow.core import dtypes, shapes
from duoflow.core.context import context
from duoflow.core.late import F
from duoflow.core.tensor import Tensor, static_value

from ..initializers import ones_initializer, zeros_initializer
from .base import InputSpec, Layer, channels_last, format_name, ints, padding_name

__all__ = [
    "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "BatchNormalization", "Dense", "Dropout", "Flatten",
    "MaxPooling1D", "MaxPooling2D", "MaxPooling3D",
]  # fmt: skip


class Dense(Layer):
    """activation(inputs @ kernel + bias). TensorFlow: tf.compat.v1.layers.Dense."""

    def __init__(
        self, units: int, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = None,
        bias_initializer: Any = zeros_initializer, kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None,
        trainable: bool = True, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(trainable, name, activity_regularizer=activity_regularizer, **kwargs)
        self.units, self.activation, self.use_bias = int(units), activation, use_bias
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer
        self.kernel_constraint, self.bias_constraint = kernel_constraint, bias_constraint
        self.input_spec = InputSpec(min_ndim=2)
        self.bias: Any = None

    def build(self, input_shape: Any) -> None:
        size = shapes.as_dims(input_shape)[-1]  # type: ignore[index]
        if size is None:
            raise ValueError("The last dimension of the inputs to `Dense` should be defined. Found `None`.")
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})
        self.kernel = self.add_weight(
            "kernel", [size, self.units], initializer=self.kernel_initializer, regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", [self.units], initializer=self.bias_initializer, regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )  # fmt: skip
        self.built = True

    def call(self, inputs: Any, **kwargs: Any) -> Any:
        if inputs.ndim > 2:
            outputs = F.tensordot(inputs, self.kernel, [[inputs.ndim - 1], [0]])
        else:
            outputs = F.matmul(inputs, self.kernel)
        if self.use_bias:
            outputs = F.bias_add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)


# -- pooling -----------------------------------------------------------------------------------------------------------


class _Pooling(Layer):
    rank, kind = 2, "MAX"

    def __init__(
        self, pool_size: Any, strides: Any, padding: str = "valid", data_format: str = "channels_last",
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, **kwargs)
        self.pool_size = ints(pool_size, self.rank, "pool_size")
        self.strides = ints(strides, self.rank, "strides")
        self.padding, self.data_format = padding_name(padding), format_name(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any, **kwargs: Any) -> Any:
        return channels_last(
            inputs, self.data_format, lambda x: F.pool(x, self.pool_size, self.kind, self.strides, self.padding)
        )


def _pooling(kind: str, rank: int) -> type[_Pooling]:
    name = f"{'Max' if kind == 'MAX' else 'Average'}Pooling{rank}D"
    doc = f"{kind.capitalize()} pooling over {rank} dimensions. TensorFlow: tf.compat.v1.layers.{name}."
    return type(name, (_Pooling,), {"rank": rank, "kind": kind, "__doc__": doc, "__module__": __name__})


MaxPooling1D, MaxPooling2D, MaxPooling3D = (_pooling("MAX", rank) for rank in (1, 2, 3))
AveragePooling1D, AveragePooling2D, AveragePooling3D = (_pooling("AVG", rank) for rank in (1, 2, 3))


# -- the others --------------------------------------------------------------------------------------------------------


class Flatten(Layer):
    """All dimensions but the first as one. TensorFlow: tf.compat.v1.layers.Flatten."""

    def __init__(self, data_format: str = "channels_last", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = format_name(data_format)
        self.input_spec = InputSpec(min_ndim=2)

    def call(self, inputs: Any, **kwargs: Any) -> Any:
        dims = inputs.dims
        if self.data_format == "channels_first" and dims is not None and len(dims) > 2:
            inputs = F.transpose(inputs, [0, *range(2, len(dims)), 1])
        rest = -1 if dims is None or None in dims[1:] else math.prod(dims[1:])
        batch = -1 if dims is None or rest != -1 else dims[0]
        return F.reshape(inputs, [F.shape(inputs)[0] if batch in (None, rest) else batch, rest])


class Dropout(Layer):
    """A share of the inputs set to zero while training. TensorFlow: tf.compat.v1.layers.Dropout."""

    def __init__(
        self, rate: Any = 0.5, noise_shape: Any = None, seed: Any = None, name: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed

    def call(self, inputs: Any, training: Any = False, **kwargs: Any) -> Any:
        return _smart_cond(
            training,
            lambda: F.dropout(inputs, self.rate, self.noise_shape, self.seed),
            lambda: F.identity(inputs),
        )


def _smart_cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """One of two results; a condition that is known needs no branches."""
    known = static_value(pred) if isinstance(pred, Tensor) else pred
    if known is not None:
        return true_fn() if known else false_fn()
    return F.cond(F.cast(pred, dtypes.bool_), true_fn, false_fn)


class BatchNormalization(Layer):
    """Normalisation by the statistics of the batch, and by their moving averages when not training.

    The averages are updated by operations in the collection `UPDATE_OPS`.

    TensorFlow: tf.compat.v1.layers.BatchNormalization.
    """

    def __init__(
        self, axis: Any = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer: Any = zeros_initializer, gamma_initializer: Any = ones_initializer,
        moving_mean_initializer: Any = zeros_initializer, moving_variance_initializer: Any = ones_initializer,
        beta_regularizer: Any = None, gamma_regularizer: Any = None, beta_constraint: Any = None,
        gamma_constraint: Any = None, renorm: bool = False, renorm_clipping: Any = None, renorm_momentum: float = 0.99,
        fused: bool | None = None, trainable: bool = True, virtual_batch_size: int | None = None,
        adjustment: Any = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(trainable, name, **kwargs)
        if renorm or virtual_batch_size is not None or adjustment is not None:
            raise NotImplementedError("Batch renormalisation, virtual batches and adjustments are not built here.")
        self.axis = [axis] if isinstance(axis, int) else list(axis)
        self.momentum, self.epsilon, self.center, self.scale = momentum, epsilon, center, scale
        self.initializers = {
            "gamma": gamma_initializer, "beta": beta_initializer, "moving_mean": moving_mean_initializer,
            "moving_variance": moving_variance_initializer,
        }  # fmt: skip
        self.regularizers = {"gamma": gamma_regularizer, "beta": beta_regularizer}
        self.constraints = {"gamma": gamma_constraint, "beta": beta_constraint}
        self.fused = fused

    def build(self, input_shape: Any) -> None:
        dims = shapes.as_dims(input_shape)
        if dims is None:
            raise ValueError("Input has undefined rank.")
        self.axis = [a % len(dims) for a in self.axis]
        sizes = [dims[a] for a in self.axis]
        if None in sizes:
            raise ValueError(f"Input has undefined `axis` dimension. Received input with shape {list(dims)}.")
        self.input_spec = InputSpec(ndim=len(dims), axes=dict(zip(self.axis, sizes, strict=True)))
        dtype = dtypes.float32 if self.dtype in (dtypes.float16, dtypes.bfloat16) else self.dtype

        def weight(name: str, trainable: bool) -> Any:
            return self.add_weight(
                name, sizes, dtype, self.initializers[name], self.regularizers.get(name), trainable,
                self.constraints.get(name),
            )  # fmt: skip

        self.gamma = weight("gamma", True) if self.scale else None
        self.beta = weight("beta", True) if self.center else None
        self.moving_mean, self.moving_variance = weight("moving_mean", False), weight("moving_variance", False)
        self.built = True

    def call(self, inputs: Any, training: Any = False, **kwargs: Any) -> Any:
        reduced = [a for a in range(inputs.ndim) if a not in self.axis]
        wide = F.cast(inputs, self.moving_mean.dtype)
        if _known(training) is False:
            mean, variance = self.moving_mean.value(), self.moving_variance.value()
        else:
            batch_mean, batch_variance = F.moments(wide, reduced)
            mean = _smart_cond(training, lambda: batch_mean, self.moving_mean.value)
            variance = _smart_cond(training, lambda: batch_variance, self.moving_variance.value)
            self._track(batch_mean, self._unbiased(batch_variance, wide, reduced), training)
        shape = [inputs.dims[a] if a in self.axis else 1 for a in range(inputs.ndim)]
        parts = [None if p is None else F.reshape(p, shape) for p in (mean, variance, self.beta, self.gamma)]
        return F.cast(F.batch_normalization(wide, *parts, self.epsilon), inputs.dtype)

    def _unbiased(self, variance: Any, inputs: Any, reduced: list[int]) -> Any:
        """The variance to remember: of four-dimensional inputs, TensorFlow's fused kernel gives the sample's."""
        if inputs.ndim != 4 or len(self.axis) != 1 or self.axis[0] not in (1, 3) or self.fused is False:
            return variance
        count = F.cast(F.reduce_prod(F.gather(F.shape(inputs), reduced)), variance.dtype)
        return variance * (count / F.maximum(count - 1, 1))

    def _track(self, mean: Any, variance: Any, training: Any) -> None:
        rate = _smart_cond(training, lambda: F.constant(1 - self.momentum, mean.dtype), lambda: F.zeros([], mean.dtype))
        updates = []
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            change = (average.value() - value) * rate
            updates.append(average.assign_sub(change, read_value=False))
        if context.graph is not None:
            self.add_update(updates)


def _known(value: Any) -> Any:
    return static_value(value) if isinstance(value, Tensor) else bool(value)
