"""Layers that prepare numbers: Normalization and Discretization, with what they learn from data by `adapt`."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ... import ops
from ...preferences import epsilon as fuzz
from ...symbolic import KerasTensor
from ..layer import Layer
from .batches import batches_of
from .categories import checked_mode, encoded, encoded_shape

__all__ = ["Discretization", "Normalization"]


class Normalization(Layer):
    """Shifts and scales features to a mean of 0 and a deviation of 1.

    Args:
      axis: the axis, or axes, of features that are kept apart; None makes one mean of everything.
      mean, variance: known values; without them `adapt(data)` learns them.
      invert: the other way round: from normalized numbers to those of the data.

    >>> layer = tf.keras.layers.Normalization(axis=None)
    >>> layer.adapt(np.array([1.0, 2.0, 3.0], "float32"))
    >>> layer(np.array([2.0], "float32")).numpy()
    array([0.], dtype=float32)

    Keras: keras.layers.Normalization.
    """

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        if (mean is not None) != (variance is not None):
            raise ValueError(
                "When setting values directly, both `mean` and `variance` must be set. Received: "
                f"mean={mean} and variance={variance}"
            )
        if mean is not None and np.shape(mean) != np.shape(variance):
            raise ValueError(
                "When setting values directly, `mean` and `variance` must have the same shape. Received: "
                f"mean shape {np.shape(mean)} and variance shape {np.shape(variance)}"
            )
        self.input_mean, self.input_variance, self.invert = mean, variance, invert
        self.supports_masking = True
        self.mean = self.variance = None

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        if any(not -rank <= axis < rank for axis in self.axis):
            raise ValueError(
                "All `axis` values must be in the range [-ndim, ndim). "
                f"Received inputs with ndim={rank}, while axis={self.axis}"
            )
        self._kept = sorted(axis % rank for axis in self.axis)
        self._reduced = [axis for axis in range(rank) if axis not in self._kept]
        if any(input_shape[axis] is None for axis in self._kept):
            raise ValueError(
                "All `axis` values to be kept must have a known shape. Received "
                f"axis={self.axis}, inputs.shape={input_shape}"
            )
        self._wide_shape = [size if i in self._kept else 1 for i, size in enumerate(input_shape)]
        shape = tuple(input_shape[axis] for axis in self._kept)
        if self.input_mean is not None:
            self.mean, self.variance = (self._widened(v) for v in (self.input_mean, self.input_variance))
            return
        self.adapt_mean = self.add_weight(shape, "zeros", trainable=False, name="mean")
        self.adapt_variance = self.add_weight(shape, "ones", trainable=False, name="variance")
        self.count = self.add_weight((), "zeros", dtype="int64", trainable=False, name="count")
        self.finalize_state()

    def _widened(self, value: Any) -> Any:
        """A given mean or variance in a shape that broadcasts to the inputs."""
        value = np.asarray(value, self.compute_dtype)
        shape = [1] * len(self._wide_shape)
        for place, size in zip(reversed(self._kept), reversed(value.shape), strict=False):
            shape[place] = size
        return np.broadcast_to(value.reshape(shape), self._wide_shape)

    def adapt(self, data: Any) -> None:
        """Learn the mean and the variance of data: an array, a tensor, a data set or batches."""
        mean: Any = 0.0
        variance: Any = 0.0
        total = 0
        for batch in batches_of(data, lists_are_arrays=False):
            x = np.asarray(batch)
            self._check_batch(x)
            x = x.astype("float64")
            axes = tuple(self._reduced)
            count = int(np.prod([x.shape[axis] for axis in axes]))
            total += count
            new = count / total
            batch_mean, batch_variance = x.mean(axes), x.var(axes)
            after = mean * (1 - new) + batch_mean * new
            variance = (variance + (mean - after) ** 2) * (1 - new) + (batch_variance + (batch_mean - after) ** 2) * new
            mean = after
        if not total:
            raise ValueError("adapt() received an empty iterable (no batches). Expected at least one batch.")
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(variance)
        self.finalize_state()

    def _check_batch(self, x: Any) -> None:
        if not self.built:
            self.build((None, *x.shape[1:]) if x.ndim > 1 else x.shape)
        shape = tuple(x.shape)
        wide = tuple(self._wide_shape)
        if len(shape) != len(wide) or any(shape[axis] != wide[axis] for axis in self._kept):
            raise ValueError(
                f"The layer was built with features of shape {wide}, but adapt() is being called with data with an "
                f"incompatible shape, data.shape={shape}"
            )

    def finalize_state(self) -> None:
        """Take over what the weights hold."""
        if self.input_mean is None and self.built_weights:
            self.mean, self.variance = (
                np.asarray(v, self.compute_dtype).reshape(self._wide_shape)
                for v in (self.adapt_mean.numpy(), self.adapt_variance.numpy())
            )

    @property
    def built_weights(self) -> bool:
        """Whether the weights of `adapt` are there."""
        return hasattr(self, "adapt_variance")

    def load_own_variables(self, store: Any) -> None:
        super().load_own_variables(store)
        self.finalize_state()

    def call(self, inputs: Any) -> Any:
        if self.mean is None:
            raise ValueError("You must call `.build(input_shape)` on the layer before using it.")
        inputs = tf.cast(inputs, self.compute_dtype)
        deviation = np.maximum(np.sqrt(self.variance), np.asarray(fuzz(), self.compute_dtype))
        return self.mean + inputs * deviation if self.invert else (inputs - self.mean) / deviation

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = {"axis": self.axis, "invert": self.invert}
        known = {"mean": self.input_mean, "variance": self.input_variance}
        return {**super().get_config(), **own, **{key: np.array(value).tolist() for key, value in known.items()}}


class Discretization(Layer):
    """The number of the bin that each value falls into.

    Args:
      bin_boundaries: the borders between bins; without them `adapt(data)` finds `num_bins` of about equal share.
      epsilon: how exactly shares are estimated, as in Keras.
      output_mode: "int", "one_hot", "multi_hot" or "count". sparse: not supported.

    >>> tf.keras.layers.Discretization([0.0, 1.0])(np.array([-1.5, 0.5, 3.0], "float32")).numpy()
    array([0, 1, 2], dtype=int32)

    Keras: keras.layers.Discretization.
    """

    def __init__(
        self, bin_boundaries: Any = None, num_bins: int | None = None, epsilon: float = 0.01,
        output_mode: str = "int", sparse: bool = False, dtype: Any = None, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name=name, dtype=dtype)
        checked_mode(type(self).__name__, output_mode, ("int", "one_hot", "multi_hot", "count"), sparse)
        if num_bins is not None and num_bins < 0:
            raise ValueError(f"`num_bins` must be greater than or equal to 0. Received: `num_bins={num_bins}`")
        if num_bins is not None and bin_boundaries is not None:
            raise ValueError(
                "Both `num_bins` and `bin_boundaries` should not be set. Received: "
                f"`num_bins={num_bins}` and `bin_boundaries={bin_boundaries}`"
            )
        if num_bins is None and bin_boundaries is None:
            raise ValueError("You need to set either `num_bins` or `bin_boundaries`.")
        self.input_bin_boundaries, self.num_bins, self.epsilon = bin_boundaries, num_bins, epsilon
        self.output_mode, self.sparse = output_mode, sparse
        self.bin_boundaries = [] if bin_boundaries is None else list(map(float, bin_boundaries))
        self.summary = np.zeros((2, 0), "float32")
        self._allow_non_tensor_positional_args = True
        self._convert_input_args = False
        self.built = bin_boundaries is not None

    def build(self, input_shape: Any = None) -> None:
        self.built = True

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Find boundaries that part the data evenly."""
        if self.input_bin_boundaries is not None:
            raise ValueError(
                "Cannot adapt a Discretization layer that has been initialized with `bin_boundaries`, use `num_bins` "
                "instead."
            )
        self.reset_state()
        for batch in batches_of(data, steps, lists_are_arrays=False):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Add data to the summary that boundaries are found from."""
        self.summary = _merged(_summarized(np.asarray(data, "float32"), self.epsilon), self.summary, self.epsilon)

    def finalize_state(self) -> None:
        """Make boundaries of the summary."""
        if self.input_bin_boundaries is None:
            self.bin_boundaries = _boundaries(self.summary, self.num_bins)

    def reset_state(self) -> None:
        """Forget the data seen."""
        if self.input_bin_boundaries is None:
            self.summary = np.zeros((2, 0), "float32")

    def load_own_variables(self, store: Any) -> None:
        if len(store.keys()) == 1:
            self.summary = np.asarray(store["0"])
            self.finalize_state()

    def save_own_variables(self, store: Any) -> None:
        if self.input_bin_boundaries is None:
            store["0"] = self.summary

    def call(self, inputs: Any) -> Any:
        if not self.bin_boundaries and self.input_bin_boundaries is None:
            raise ValueError(
                "You need to either pass the `bin_boundaries` argument at construction time or call `adapt(dataset)` "
                "before you can start using the `Discretization` layer."
            )
        places = ops.digitize(convert(inputs), self.bin_boundaries)
        return encoded(places, self.output_mode, len(self.bin_boundaries) + 1, self._output_dtype)

    @property
    def _output_dtype(self) -> str:
        return "int32" if self.output_mode == "int" else self.compute_dtype

    def compute_output_spec(self, inputs: Any) -> Any:
        depth = len(self.bin_boundaries) + 1
        return KerasTensor(encoded_shape(inputs.shape, self.output_mode, depth), dtype=self._output_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            "bin_boundaries": self.bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "name": self.name,
            "dtype": self.dtype,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Discretization:
        if config.get("bin_boundaries") is not None and config.get("num_bins") is not None:
            config = dict(config)  # boundaries that `adapt` found
            boundaries = config.pop("bin_boundaries")
            layer = cls(**config)
            layer.bin_boundaries = boundaries
            return layer
        return cls(**config)


def _summarized(values: Any, epsilon: float) -> Any:
    """Sorted values, evenly picked, each with the number of values it stands for."""
    values = np.sort(values.reshape(-1))
    step = max(values.size * epsilon, 1)
    picked = values[int(step - 1) :: int(step)]
    return np.stack([picked, np.full_like(picked, step)])


def _merged(one: Any, other: Any, epsilon: float) -> Any:
    both = np.concatenate([one, other], axis=1)
    return _compressed(both[:, np.argsort(both[0])], epsilon)


def _compressed(summary: Any, epsilon: float) -> Any:
    """A summary by about 1 / epsilon values, between those that there are."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    running = summary[1].cumsum()
    values = np.interp(shares, running / running[-1], summary[0])
    weights = np.diff(np.interp(shares, running / running[-1], running), prepend=0)
    return np.stack([values, weights]).astype("float32")


def _boundaries(summary: Any, bins: int) -> list[float]:
    return [float(value) for value in _compressed(summary, 1.0 / bins)[0, :-1]]
