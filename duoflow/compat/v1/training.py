"""Around v1 training: the global step, and learning rates that decay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from duoflow.core import dtypes
from duoflow.core.context import context
from duoflow.core.graph import Graph, get_default_graph
from duoflow.core.late import F
from duoflow.core.tensor import convert

from .initializers import zeros_initializer
from .modes import GraphKeys
from .variables import get_variable

__all__ = [
    "assert_global_step", "cosine_decay", "cosine_decay_restarts", "create_global_step", "exponential_decay",
    "get_global_step", "get_or_create_global_step", "global_step", "inverse_time_decay", "linear_cosine_decay",
    "natural_exp_decay", "noisy_linear_cosine_decay", "piecewise_constant", "polynomial_decay",
]  # fmt: skip


# -- the global step ---------------------------------------------------------------------------------------------------


def get_global_step(graph: Graph | None = None) -> Any:
    """The variable that counts training steps, or None. TensorFlow: tf.compat.v1.train.get_global_step."""
    found = (graph or get_default_graph()).get_collection(GraphKeys.GLOBAL_STEP)
    if len(found) > 1:
        raise TypeError("Multiple tensors in global_step collection.")
    return found[0] if found else None


def create_global_step(graph: Graph | None = None) -> Any:
    """Make the variable that counts training steps; `ValueError` if there is one.

    TensorFlow: tf.compat.v1.train.create_global_step.
    """
    graph = graph or get_default_graph()
    if get_global_step(graph) is not None:
        raise ValueError('"global_step" already exists.')
    with graph.as_default():
        return get_variable(
            "global_step", [], dtypes.int64, zeros_initializer(), trainable=False,
            collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
        )  # fmt: skip


def get_or_create_global_step(graph: Graph | None = None) -> Any:
    """The variable that counts training steps, made if there is none.

    TensorFlow: tf.compat.v1.train.get_or_create_global_step.
    """
    found = get_global_step(graph)
    return create_global_step(graph) if found is None else found


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """The value of a global step in a session. TensorFlow: tf.compat.v1.train.global_step."""
    return int(global_step_tensor.numpy() if context.graph is None else sess.run(global_step_tensor))


def assert_global_step(global_step_tensor: Any) -> None:
    """Raise `TypeError` unless something is an integer scalar. TensorFlow: tf.compat.v1.train.assert_global_step."""
    tensor = convert(global_step_tensor)
    if not tensor.dtype.is_integer or tensor.dims not in ((), None):
        raise TypeError(
            f'Existing "global_step" must be an integer scalar, is {tensor.dtype.name} of shape {tensor.shape}.'
        )


# -- learning rates ----------------------------------------------------------------------------------------------------


def _decayed(name: str | None, default: str, learning_rate: Any, step: Any, formula: Any) -> Any:
    """A learning rate as a function of the step: a tensor in graphs, a function of no arguments in eager mode."""
    if step is None:
        raise ValueError(f"global_step is required for {default}.")

    def value() -> Any:
        with F.name_scope(name or default):
            rate = convert(learning_rate)
            return formula(rate, F.cast(step, rate.dtype))

    return value if context.graph is None else value()


def exponential_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """learning_rate * decay_rate ** (step / decay_steps); whole powers only if `staircase`.

    TensorFlow: tf.compat.v1.train.exponential_decay.
    """

    def formula(rate: Any, step: Any) -> Any:
        power = step / F.cast(decay_steps, rate.dtype)
        return rate * F.pow(F.cast(decay_rate, rate.dtype), F.floor(power) if staircase else power)

    return _decayed(name, "ExponentialDecay", learning_rate, global_step, formula)


def natural_exp_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """learning_rate * exp(-decay_rate * step / decay_steps). TensorFlow: tf.compat.v1.train.natural_exp_decay."""
    return exponential_decay(
        learning_rate, global_step, decay_steps, math.exp(-decay_rate), staircase, name or "NaturalExpDecay"
    )


def inverse_time_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """learning_rate / (1 + decay_rate * step / decay_steps). TensorFlow: tf.compat.v1.train.inverse_time_decay."""

    def formula(rate: Any, step: Any) -> Any:
        share = step / F.cast(decay_steps, rate.dtype)
        return rate / (1 + F.cast(decay_rate, rate.dtype) * (F.floor(share) if staircase else share))

    return _decayed(name, "InverseTimeDecay", learning_rate, global_step, formula)


def polynomial_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, end_learning_rate: Any = 0.0001, power: Any = 1.0,
    cycle: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """From learning_rate to end_learning_rate in decay_steps, along a power of what is left.

    TensorFlow: tf.compat.v1.train.polynomial_decay.
    """

    def formula(rate: Any, step: Any) -> Any:
        span, end = F.cast(decay_steps, rate.dtype), F.cast(end_learning_rate, rate.dtype)
        if cycle:
            span = span * F.where(F.equal(step, 0), F.ones([], rate.dtype), F.ceil(step / span))
        left = 1 - F.minimum(step, span) / span
        return (rate - end) * F.pow(left, F.cast(power, rate.dtype)) + end

    return _decayed(name, "PolynomialDecay", learning_rate, global_step, formula)


def cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, alpha: float = 0.0, name: str | None = None
) -> Any:
    """From learning_rate to alpha * learning_rate in decay_steps, along half a cosine.

    TensorFlow: tf.compat.v1.train.cosine_decay.
    """

    def formula(rate: Any, step: Any) -> Any:
        span = F.cast(decay_steps, rate.dtype)
        curve = 0.5 * (1 + F.cos(math.pi * F.minimum(step, span) / span))
        return rate * ((1 - alpha) * curve + alpha)

    return _decayed(name, "CosineDecay", learning_rate, global_step, formula)


def piecewise_constant(x: Any, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None) -> Any:
    """values[i], where i counts the boundaries below x. TensorFlow: tf.compat.v1.train.piecewise_constant."""
    if len(boundaries) != len(values) - 1:
        raise ValueError("The length of boundaries should be 1 less than the length of values")

    def value() -> Any:
        with F.name_scope(name or "PiecewiseConstant"):
            at = convert(x)
            below = F.stack([F.cast(at > F.cast(b, at.dtype), dtypes.int32) for b in boundaries])
            return F.gather(F.stack([convert(v) for v in values]), F.reduce_sum(below))

    return value if context.graph is None else value()


def cosine_decay_restarts(
    learning_rate: Any, global_step: Any, first_decay_steps: Any, t_mul: float = 2.0, m_mul: float = 1.0,
    alpha: float = 0.0, name: str | None = None,
) -> Any:  # fmt: skip
    """`cosine_decay` that starts anew, each time `t_mul` times as long and from `m_mul` times the rate.

    TensorFlow: tf.compat.v1.train.cosine_decay_restarts.
    """

    def formula(rate: Any, step: Any) -> Any:
        done = step / F.cast(first_decay_steps, rate.dtype)
        if t_mul == 1.0:
            restart = F.floor(done)
            share = done - restart
        else:
            restart = F.floor(F.log(1.0 - done * (1.0 - t_mul)) / math.log(t_mul))
            length = F.pow(F.cast(t_mul, rate.dtype), restart)
            share = (done - (1.0 - length) / (1.0 - t_mul)) / length
        curve = 0.5 * F.pow(F.cast(m_mul, rate.dtype), restart) * (1.0 + F.cos(math.pi * share))
        return rate * ((1 - alpha) * curve + alpha)

    return _decayed(name, "SGDRDecay", learning_rate, global_step, formula)


def linear_cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, num_periods: float = 0.5, alpha: float = 0.0,
    beta: float = 0.001, name: str | None = None,
) -> Any:  # fmt: skip
    """A line down to zero times a cosine. TensorFlow: tf.compat.v1.train.linear_cosine_decay."""

    def formula(rate: Any, step: Any) -> Any:
        span = F.cast(decay_steps, rate.dtype)
        at = F.minimum(step, span)
        curve = 0.5 * (1.0 + F.cos(math.pi * 2.0 * num_periods * at / span))
        return rate * ((alpha + (span - at) / span) * curve + beta)

    return _decayed(name, "LinearCosineDecay", learning_rate, global_step, formula)


def noisy_linear_cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, initial_variance: float = 1.0,
    variance_decay: float = 0.55, num_periods: float = 0.5, alpha: float = 0.0, beta: float = 0.001,
    name: str | None = None,
) -> Any:  # fmt: skip
    """`linear_cosine_decay` with noise that fades. TensorFlow: tf.compat.v1.train.noisy_linear_cosine_decay."""

    def formula(rate: Any, step: Any) -> Any:
        span = F.cast(decay_steps, rate.dtype)
        at = F.minimum(step, span)
        spread = F.sqrt(initial_variance / F.pow(1.0 + at, F.cast(variance_decay, rate.dtype)))
        line = (span - at) / span + F.random_normal(F.shape(at), dtype=rate.dtype) * spread
        curve = 0.5 * (1.0 + F.cos(math.pi * 2.0 * num_periods * at / span))
        return rate * ((alpha + line) * curve + beta)

    return _decayed(name, "NoisyLinearCosineDecay", learning_rate, global_step, formula)
