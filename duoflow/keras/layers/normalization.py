"""Normalization: over the batch, over features, over groups of channels."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf

from .. import ops
from ..dtypes import result_type
from ..preferences import epsilon
from .input_spec import InputSpec
from .layer import Layer
from .weights import add_configured, configure, weight_config

__all__ = ["BatchNormalization", "GroupNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization"]


class _Scaled(Layer):
    """What normalizations share: a trained scale (gamma) and offset (beta), computed in float32 at least."""

    def _configure(
        self, epsilon: float, center: bool, scale: bool, beta: tuple[Any, ...], gamma: tuple[Any, ...]
    ) -> None:
        self.epsilon, self.center, self.scale = float(epsilon), center, scale
        configure(self, "beta", *beta)
        configure(self, "gamma", *gamma)
        self.supports_masking = True
        self.beta = self.gamma = None

    def _add_scale_and_offset(self, shape: Any) -> None:
        if self.scale:
            self.gamma = add_configured(self, "gamma", shape, autocast=False)
        if self.center:
            self.beta = add_configured(self, "beta", shape, autocast=False)

    def compute_output_shape(self, input_shape: Any) -> Any:
        axes = [self.axis] if isinstance(self.axis, int) else self.axis
        for axis in axes:
            if not -len(input_shape) <= axis < len(input_shape):
                raise ValueError(
                    f"Axis {axis} is out of bounds for input shape {input_shape}. Received: axis={self.axis}"
                )
        return input_shape

    def _scale_config(self) -> dict[str, Any]:
        return {
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            **weight_config(self, "beta", "gamma"),
        }


def _axes_list(axis: Any) -> Any:
    if isinstance(axis, list | tuple):
        return list(axis)
    if isinstance(axis, int):
        return axis
    raise TypeError(f"Expected an int or a list/tuple of ints for the argument 'axis', but received: {axis!r}")


def _wide(x: Any) -> Any:
    dtype = result_type(x.dtype, "float32")
    return x if x.dtype.name == dtype else tf.cast(x, dtype)


class BatchNormalization(_Scaled):
    """Normalizes each feature over the batch; in inference with the moving mean and variance of training.

    Args:
      axis: the axis of features. momentum: how much of the moving values is kept per step.
      epsilon: added to the variance. center, scale: whether there are an offset (beta) and a scale (gamma).
      *_initializer, *_regularizer, *_constraint: of beta, gamma and the moving values.
      synchronized: accepted; there is one replica.
      renorm: in training too, normalize by slowly moving values (Ioffe 2017), corrections clipped by `renorm_clipping`
        ("rmin", "rmax", "dmax") and moved by `renorm_momentum`.

    Frozen (`trainable = False`) it works as in inference.

    >>> tf.keras.layers.BatchNormalization()(tf.constant([[1.0], [3.0]]), training=True).numpy().round(2)
    array([[-1.], [ 1.]], dtype=float32)

    Ioffe & Szegedy 2015. Keras: keras.layers.BatchNormalization.
    """

    def __init__(
        self, axis: int = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones", beta_regularizer: Any = None, gamma_regularizer: Any = None,
        beta_constraint: Any = None, gamma_constraint: Any = None, renorm: bool = False, renorm_clipping: Any = None,
        renorm_momentum: float = 0.99, synchronized: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.axis, self.momentum, self.synchronized = int(axis), float(momentum), synchronized
        beta = (beta_initializer, beta_regularizer, beta_constraint)
        self._configure(epsilon, center, scale, beta, (gamma_initializer, gamma_regularizer, gamma_constraint))
        configure(self, "moving_mean", moving_mean_initializer)
        configure(self, "moving_variance", moving_variance_initializer)
        self.renorm, self.renorm_momentum = renorm, renorm_momentum
        self.renorm_clipping = _checked_clipping(renorm_clipping) if renorm else renorm_clipping
        self.moving_mean = self.moving_variance = None

    def build(self, input_shape: Any) -> None:
        size = input_shape[self.axis]
        if size is None:
            raise ValueError(
                f"Axis {self.axis} of the inputs to BatchNormalization must be known. Received: "
                f"input_shape={input_shape}"
            )
        self._add_scale_and_offset((size,))
        self.moving_mean = add_configured(self, "moving_mean", (size,), trainable=False, autocast=False)
        self.moving_variance = add_configured(self, "moving_variance", (size,), trainable=False, autocast=False)
        if self.renorm:
            for name, initializer in (
                ("moving_stddev", self._initial_deviation),
                ("renorm_mean", self.moving_mean_initializer),
                ("renorm_stddev", self._initial_deviation),
            ):
                setattr(self, name, self.add_weight((size,), initializer, trainable=False, autocast=False, name=name))
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})
        self._reduction_axes = [i for i in range(len(input_shape)) if i != self.axis % len(input_shape)]

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if mask is not None and len(mask.shape) != len(inputs.shape) - 1:
            raise ValueError(
                "The mask provided should be one dimension less than the inputs. Received: "
                f"mask.shape={tuple(mask.shape)}, inputs.shape={tuple(inputs.shape)}"
            )
        x = _wide(inputs)
        mean, variance, gamma, beta = (
            None if v is None else tf.cast(v, x.dtype)
            for v in (self.moving_mean, self.moving_variance, self.gamma, self.beta)
        )
        if training and self.trainable:
            batch_mean, batch_variance = self._moments(x, mask)
            self.moving_mean.assign(mean * self.momentum + batch_mean * (1.0 - self.momentum))
            if self.renorm:
                gamma, beta = self._renormalized(batch_mean, batch_variance, gamma, beta)
            else:
                self.moving_variance.assign(variance * self.momentum + batch_variance * (1.0 - self.momentum))
            mean, variance = batch_mean, batch_variance
        out = ops.batch_normalization(x, mean, variance, axis=self.axis, offset=beta, scale=gamma, epsilon=self.epsilon)
        return tf.cast(out, self.compute_dtype)

    def _initial_deviation(self, shape: Any, dtype: Any = None) -> Any:
        return tf.sqrt(self.moving_variance_initializer(shape, dtype=dtype))

    def _renormalized(self, mean: Any, variance: Any, gamma: Any, beta: Any) -> tuple[Any, Any]:
        """Scale and offset corrected from the batch's values to slowly moving ones, and these moved."""
        deviation = tf.sqrt(variance + self.epsilon)
        slow_mean = tf.cast(self.renorm_mean, mean.dtype)
        slow_deviation = tf.cast(self.renorm_stddev, mean.dtype)
        floor = tf.maximum(slow_deviation, tf.sqrt(tf.cast(self.epsilon, mean.dtype)))
        ratio, shift = _clipped(deviation / floor, (mean - slow_mean) / floor, self.renorm_clipping)
        keep = self.renorm_momentum
        self.renorm_mean.assign(slow_mean * keep + mean * (1.0 - keep))
        self.renorm_stddev.assign(slow_deviation * keep + deviation * (1.0 - keep))
        moved = tf.cast(self.moving_stddev, mean.dtype) * self.momentum + deviation * (1.0 - self.momentum)
        self.moving_stddev.assign(moved)
        self.moving_variance.assign(tf.relu(tf.square(moved) - self.epsilon))
        ratio, shift = tf.stop_gradient(ratio), tf.stop_gradient(shift)
        offset = shift if gamma is None else shift * gamma
        return ratio if gamma is None else ratio * gamma, offset if beta is None else offset + beta

    def _moments(self, x: Any, mask: Any) -> tuple[Any, Any]:
        if mask is None:
            return ops.moments(x, axes=self._reduction_axes)  # type: ignore[no-any-return]
        weights = tf.broadcast_to(tf.expand_dims(tf.cast(mask, x.dtype), -1), tf.shape(x))
        count = tf.reduce_sum(weights, self._reduction_axes, keepdims=True) + epsilon()
        mean = tf.reduce_sum(x * weights, self._reduction_axes, keepdims=True) / count
        variance = tf.reduce_sum(tf.square(x - mean) * weights, self._reduction_axes, keepdims=True) / count
        return tf.squeeze(mean), tf.squeeze(variance)

    def get_config(self) -> dict[str, Any]:
        settings = self._scale_config() | weight_config(self, "moving_mean", "moving_variance")
        for unused in (
            "moving_mean_regularizer",
            "moving_variance_regularizer",
            "moving_mean_constraint",
            "moving_variance_constraint",
        ):
            del settings[unused]
        own = {"axis": self.axis, "momentum": self.momentum, "synchronized": self.synchronized, "renorm": self.renorm}
        more = {"renorm_clipping": self.renorm_clipping, "renorm_momentum": self.renorm_momentum}
        return {**super().get_config(), **own, **more, **settings}


def _checked_clipping(clipping: Any) -> dict[str, Any]:
    """Bounds of renormalization; `ValueError` for unknown ones and such as contradict each other."""
    bounds = dict(clipping or {})
    if set(bounds) - {"rmax", "rmin", "dmax"}:
        raise ValueError(
            f"Received invalid keys for `renorm_clipping` argument: {clipping}. Supported values: rmax, rmin, dmax."
        )
    low, high, most = (bounds.get(key) for key in ("rmin", "rmax", "dmax"))
    if (low is not None and high is not None and high < low) or (most is not None and most < 0):
        raise ValueError(
            f"rmax should be greater than rmin, and dmax not negative, in `renorm_clipping`. Received: {clipping}"
        )
    return bounds


def _clipped(ratio: Any, shift: Any, bounds: dict[str, Any]) -> tuple[Any, Any]:
    if bounds.get("rmin") is not None:
        ratio = tf.maximum(ratio, bounds["rmin"])
    if bounds.get("rmax") is not None:
        ratio = tf.minimum(ratio, bounds["rmax"])
    if bounds.get("dmax") is not None:
        shift = tf.clip_by_value(shift, -bounds["dmax"], bounds["dmax"])
    return ratio, shift


class LayerNormalization(_Scaled):
    """Normalizes each example over the axes of its features.

    Args:
      axis: an axis or a list of axes. epsilon: added to the variance.
      center, scale: whether there are an offset (beta) and a scale (gamma), with *_initializer and so on.

    >>> tf.keras.layers.LayerNormalization()(tf.constant([[1.0, 3.0]])).numpy().round(2)
    array([[-1.,  1.]], dtype=float32)

    Ba et al. 2016. Keras: keras.layers.LayerNormalization.
    """

    def __init__(
        self, axis: Any = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", beta_regularizer: Any = None,
        gamma_regularizer: Any = None, beta_constraint: Any = None, gamma_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        rms_scaling = kwargs.pop("rms_scaling", False)
        super().__init__(**kwargs)
        self.axis, self.rms_scaling = _axes_list(axis), rms_scaling
        beta = (beta_initializer, beta_regularizer, beta_constraint)
        self._configure(epsilon, center, scale, beta, (gamma_initializer, gamma_regularizer, gamma_constraint))

    def build(self, input_shape: Any) -> None:
        axes = self.axis = [self.axis] if isinstance(self.axis, int) else self.axis
        self._add_scale_and_offset(tuple(input_shape[axis] for axis in axes))

    def call(self, inputs: Any) -> Any:
        out = ops.layer_normalization(
            _wide(inputs), self.gamma, self.beta, self.axis, self.epsilon, rms_scaling=self.rms_scaling
        )
        return tf.cast(out, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "rms_scaling": self.rms_scaling, **self._scale_config()}


class RMSNormalization(Layer):
    """Divides each example by its root mean square, times a trained scale. Keras: keras.layers.RMSNormalization."""

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis, self.epsilon = _axes_list(axis), epsilon

    def build(self, input_shape: Any) -> None:
        axes = self.axis = [self.axis] if isinstance(self.axis, int) else self.axis
        self.scale = self.add_weight(tuple(input_shape[axis] for axis in axes), "ones", name="scale", autocast=False)

    def call(self, inputs: Any) -> Any:
        return tf.cast(ops.rms_normalization(_wide(inputs), self.scale, self.axis, self.epsilon), self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}


class GroupNormalization(_Scaled):
    """Normalizes each example over groups of channels and all positions; -1 groups make one per channel.

    Wu & He 2018. Keras: keras.layers.GroupNormalization.
    """

    def __init__(
        self, groups: int = 32, axis: int = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", beta_regularizer: Any = None,
        gamma_regularizer: Any = None, beta_constraint: Any = None, gamma_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.groups, self.axis = groups, axis
        beta = (beta_initializer, beta_regularizer, beta_constraint)
        self._configure(epsilon, center, scale, beta, (gamma_initializer, gamma_regularizer, gamma_constraint))

    def build(self, input_shape: Any) -> None:
        size = input_shape[self.axis]
        if size is None:
            raise ValueError(
                f"Axis {self.axis} of input tensor should have a defined dimension but the layer received an input "
                "with shape "
                f"{input_shape}."
            )
        if self.groups == -1:
            self.groups = size
        if size < self.groups:
            raise ValueError(f"Number of groups ({self.groups}) cannot be more than the number of channels ({size}).")
        if size % self.groups:
            raise ValueError(f"Number of groups ({self.groups}) must be a multiple of the number of channels ({size}).")
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})
        self._add_scale_and_offset((size,))

    def call(self, inputs: Any) -> Any:
        x = _wide(inputs)
        rank = len(x.shape)
        axis = self.axis % rank
        sizes = list(ops.shape(x))
        apart = [*sizes[:axis], self.groups, sizes[axis] // self.groups, *sizes[axis + 1 :]]
        grouped = tf.reshape(x, apart)
        mean, variance = ops.moments(grouped, axes=[i for i in range(1, rank + 1) if i != axis], keepdims=True)
        normal = tf.reshape((grouped - mean) * tf.rsqrt(variance + self.epsilon), sizes)
        along = [-1 if i == axis else 1 for i in range(rank)]
        if self.gamma is not None:
            normal = normal * tf.cast(tf.reshape(self.gamma, along), normal.dtype)
        if self.beta is not None:
            normal = normal + tf.cast(tf.reshape(self.beta, along), normal.dtype)
        return tf.cast(normal, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups, "axis": self.axis, **self._scale_config()}


class UnitNormalization(Layer):
    """Divides by the euclidean norm along an axis, or several. Keras: keras.layers.UnitNormalization."""

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = _axes_list(axis)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        return ops.normalize(inputs, axis=self.axis, order=2, epsilon=1e-12)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
