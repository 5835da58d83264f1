"""Learning rates as functions of the step."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ..lookup import Lookup

__all__ = [
    "CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay", "LearningRateSchedule",
    "PiecewiseConstantDecay", "PolynomialDecay", "deserialize", "serialize",
]  # fmt: skip


class LearningRateSchedule:
    """Base of the schedules: a callable of the step (an int or integer tensor).

    Keras: keras.optimizers.schedules.LearningRateSchedule.
    """

    #: Constructor arguments, kept as attributes of the same names.
    _ARGUMENTS: ClassVar[tuple[str, ...]] = ()

    def __call__(self, step: Any) -> Any:
        raise NotImplementedError(
            f"Learning rate schedule '{type(self).__name__}' must override `__call__(self, step)`."
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {name: getattr(self, name) for name in self._ARGUMENTS}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LearningRateSchedule:
        """A schedule from what `get_config` gave."""
        return cls(**config)


def _step_and_rate(step: Any, rate: float) -> tuple[Any, Any]:
    start = convert(rate, dtype_hint="float32")
    return tf.cast(convert(step), start.dtype), start


class ExponentialDecay(LearningRateSchedule):
    """initial_learning_rate * decay_rate ** (step / decay_steps).

    Keras: keras.optimizers.schedules.ExponentialDecay.
    """

    _ARGUMENTS = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:  # fmt: skip
        _positive("decay_steps", decay_steps)
        self.initial_learning_rate, self.decay_steps, self.decay_rate = initial_learning_rate, decay_steps, decay_rate
        self.staircase, self.name = staircase, name

    def __call__(self, step: Any) -> Any:
        step, start = _step_and_rate(step, self.initial_learning_rate)
        exponent = step / self.decay_steps
        return start * tf.pow(tf.cast(self.decay_rate, start.dtype), tf.floor(exponent) if self.staircase else exponent)


class InverseTimeDecay(LearningRateSchedule):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps).

    Keras: keras.optimizers.schedules.InverseTimeDecay.
    """

    _ARGUMENTS = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:  # fmt: skip
        _positive("decay_steps", decay_steps)
        self.initial_learning_rate, self.decay_steps, self.decay_rate = initial_learning_rate, decay_steps, decay_rate
        self.staircase, self.name = staircase, name

    def __call__(self, step: Any) -> Any:
        step, start = _step_and_rate(step, self.initial_learning_rate)
        passed = step / self.decay_steps
        return start / (1 + self.decay_rate * (tf.floor(passed) if self.staircase else passed))


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[i] while boundaries[i - 1] < step <= boundaries[i].

    Keras: keras.optimizers.schedules.PiecewiseConstantDecay.
    """

    _ARGUMENTS = ("boundaries", "values", "name")

    def __init__(self, boundaries: Any, values: Any, name: str = "PiecewiseConstant") -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                "The length of boundaries should be 1 less than the length of values. Received: "
                f"boundaries={boundaries} of length {len(boundaries)}, and values={values} of length {len(values)}."
            )
        self.boundaries, self.values, self.name = list(boundaries), list(values), name

    def __call__(self, step: Any) -> Any:
        step = tf.cast(convert(step), "float32")
        rate = tf.constant(float(self.values[0]))
        for boundary, value in zip(self.boundaries, self.values[1:], strict=True):
            rate = tf.where(step > float(boundary), tf.constant(float(value)), rate)
        return rate


class PolynomialDecay(LearningRateSchedule):
    """From the initial to the end rate along a polynomial. Keras: keras.optimizers.schedules.PolynomialDecay."""

    _ARGUMENTS = ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle", "name")

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, end_learning_rate: float = 0.0001, power: float = 1.0,
        cycle: bool = False, name: str = "PolynomialDecay",
    ) -> None:  # fmt: skip
        _positive("decay_steps", decay_steps)
        self.initial_learning_rate, self.decay_steps, self.end_learning_rate = (
            initial_learning_rate,
            decay_steps,
            end_learning_rate,
        )
        self.power, self.cycle, self.name = power, cycle, name

    def __call__(self, step: Any) -> Any:
        step, start = _step_and_rate(step, self.initial_learning_rate)
        total = tf.cast(self.decay_steps, start.dtype)
        if self.cycle:
            total = total * tf.where(step == 0, tf.ones_like(step), tf.ceil(step / self.decay_steps))
        else:
            step = tf.minimum(step, total)
        left = tf.pow(1 - step / total, tf.cast(self.power, start.dtype))
        return (start - self.end_learning_rate) * left + self.end_learning_rate


class CosineDecay(LearningRateSchedule):
    """Half a cosine down to `alpha` of the rate, after an optional linear warmup.

    Loshchilov & Hutter, 2016. Keras: keras.optimizers.schedules.CosineDecay.
    """

    _ARGUMENTS = ("initial_learning_rate", "decay_steps", "alpha", "name", "warmup_target", "warmup_steps")

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, alpha: float = 0.0, name: str = "CosineDecay",
        warmup_target: float | None = None, warmup_steps: int = 0,
    ) -> None:  # fmt: skip
        _positive("decay_steps", decay_steps)
        self.initial_learning_rate, self.decay_steps, self.alpha, self.name = (
            initial_learning_rate,
            decay_steps,
            alpha,
            name,
        )
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def _decayed(self, step: Any, start: Any) -> Any:
        share = tf.minimum(step, float(self.decay_steps)) / self.decay_steps
        cosine = 0.5 * (1.0 + tf.cos(math.pi * share))
        return start * ((1 - self.alpha) * cosine + self.alpha)

    def __call__(self, step: Any) -> Any:
        step, start = _step_and_rate(step, self.initial_learning_rate)
        if self.warmup_target is None:
            return self._decayed(step, start)
        warm = float(self.warmup_steps)
        target = tf.cast(self.warmup_target, start.dtype)
        rising = start + (target - start) * (step / warm if warm else tf.ones_like(step))
        return tf.where(
            step < warm, rising, self._decayed(tf.minimum(step, float(self.decay_steps) + warm) - warm, target)
        )


class CosineDecayRestarts(LearningRateSchedule):
    """Cosine decay that starts again, each period `t_mul` times longer and `m_mul` times as high.

    Loshchilov & Hutter, 2016. Keras: keras.optimizers.schedules.CosineDecayRestarts.
    """

    _ARGUMENTS = ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name")

    def __init__(
        self, initial_learning_rate: float, first_decay_steps: int, t_mul: float = 2.0, m_mul: float = 1.0,
        alpha: float = 0.0, name: str = "SGDRDecay",
    ) -> None:  # fmt: skip
        _positive("first_decay_steps", first_decay_steps)
        self.initial_learning_rate, self.first_decay_steps = initial_learning_rate, first_decay_steps
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name

    def __call__(self, step: Any) -> Any:
        step, start = _step_and_rate(step, self.initial_learning_rate)
        share = step / self.first_decay_steps
        if self.t_mul == 1.0:
            restarts = tf.floor(share)
            share = share - restarts
        else:
            restarts = tf.floor(tf.log(1.0 - share * (1.0 - self.t_mul)) / math.log(self.t_mul))
            growth = tf.pow(tf.cast(self.t_mul, start.dtype), restarts)
            share = (share - (1.0 - growth) / (1.0 - self.t_mul)) / growth
        height = tf.pow(tf.cast(self.m_mul, start.dtype), restarts)
        cosine = 0.5 * height * (1.0 + tf.cos(math.pi * share))
        return start * ((1 - self.alpha) * cosine + self.alpha)


def _positive(name: str, value: float) -> None:
    if value <= 0:
        raise ValueError(f"Argument `{name}` must be > 0. Received: {name}={value}")


_LOOKUP = Lookup(
    "learning rate schedule",
    [CosineDecay, CosineDecayRestarts, ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay],
)


def serialize(learning_rate_schedule: LearningRateSchedule) -> Any:
    """A schedule as a JSON-serialisable dict. Keras: keras.optimizers.schedules.serialize."""
    return _LOOKUP.serialize(learning_rate_schedule)


def deserialize(config: dict[str, Any], custom_objects: Any = None) -> Any:
    """A schedule from what `serialize` gave. Keras: keras.optimizers.schedules.deserialize."""
    return _LOOKUP.deserialize(config, custom_objects)
