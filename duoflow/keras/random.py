"""Random numbers from seeds that are state: the same numbers as Keras on TensorFlow.

A `SeedGenerator` owns a variable [seed, count]; each draw takes a fresh pair from it. An int seed gives the
same numbers
at every call; None draws from one global generator.
"""

from __future__ import annotations

import random as python_random
from typing import Any

from duoflow import ops as tf
from duoflow.core.dtypes import as_dtype
from duoflow.core.tensor import convert

from .naming import auto_name, name_scope
from .preferences import floatx
from .state import session
from .variables import Variable, standardize_dtype

__all__ = [
    "SeedGenerator", "beta", "binomial", "categorical", "dropout", "gamma", "normal", "randint", "shuffle",
    "truncated_normal", "uniform",
]  # fmt: skip

_SEED_DTYPE = "int64"
_INT32_MAX = 2**31 - 1


class SeedGenerator:
    """The state of a stream of random numbers.

    Args:
      seed: an int, or None for one drawn from Python's `random`.

    >>> seeds = tf.keras.random.SeedGenerator(1)
    >>> a, b = tf.keras.random.uniform((2,), seed=seeds), tf.keras.random.uniform((2,), seed=seeds)
    >>> bool(tf.reduce_any(a != b))
    True

    Keras: keras.random.SeedGenerator.
    """

    _tracked_as = "seed_generators"

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        kwargs.pop("backend", None)
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments: {kwargs}")
        self.name = auto_name(type(self).__name__) if name is None else name
        self._initial_seed = seed
        if seed is None:
            seed = make_default_seed()
        if not isinstance(seed, int):
            raise ValueError(f"Argument `seed` must be an integer. Received: seed={seed}")
        with name_scope(self.name, caller=self):
            self.state = Variable(
                [seed, 0], dtype=_SEED_DTYPE, trainable=False, aggregation="none", name="seed_generator_state"
            )

    def next(self, ordered: bool = True) -> Any:
        """The next seed, a tensor of two ints; advances the state."""
        seed = tf.identity(self.state.value)
        if ordered:
            self.state.assign_add([0, 1])
        else:
            self.state.assign((seed + 1) * 5387 % 933199)
        return seed

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal generator."""
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """A generator from its config."""
        return cls(**config)


def make_default_seed() -> int:
    """A seed from Python's global generator, so that `random.seed` and `set_random_seed` decide it."""
    return python_random.randint(1, int(1e9))


def global_seed_generator() -> SeedGenerator:
    """The generator behind calls without a seed."""
    if session.seeds is None:
        session.seeds = SeedGenerator()
    return session.seeds  # type: ignore[no-any-return]


def draw_seed(seed: Any) -> Any:
    """A pair of ints for one random op, from a generator, an int or None."""
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if isinstance(seed, int):
        return convert([seed, 0], dtype=_SEED_DTYPE)
    if seed is None:
        return global_seed_generator().next(ordered=False)
    raise ValueError(
        "Argument `seed` must be either an integer or an instance of `SeedGenerator`. "
        f"Received: seed={seed} (of type {type(seed)})"
    )


def _int32_seed(seed: Any) -> Any:
    return tf.cast(tf.floormod(draw_seed(seed), _INT32_MAX - 1), "int32")


def normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Normally distributed numbers of the given shape. Keras: keras.random.normal."""
    return tf.stateless_normal(shape, _int32_seed(seed), mean, stddev, dtype or floatx())


def truncated_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Normally distributed numbers within two deviations of the mean. Keras: keras.random.truncated_normal."""
    return tf.stateless_truncated_normal(shape, _int32_seed(seed), mean, stddev, dtype or floatx())


def uniform(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Evenly distributed numbers in [minval, maxval). Keras: keras.random.uniform."""
    dtype = standardize_dtype(dtype)
    low, high = tf.cast(minval, dtype), tf.cast(maxval, dtype)
    return tf.stateless_uniform(shape, _int32_seed(seed), low, high, dtype)


def randint(shape: Any, minval: Any, maxval: Any, dtype: Any = "int32", seed: Any = None) -> Any:
    """Evenly distributed ints in [minval, maxval). Keras: keras.random.randint."""
    drawn = dtype if standardize_dtype(dtype) in ("int32", "int64") else "int64"
    return tf.cast(tf.stateless_uniform(shape, _int32_seed(seed), minval, maxval, drawn), dtype)


def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Draws of class indices, [batch, num_samples], from logits [batch, classes]. Keras: keras.random.categorical."""
    logits = convert(logits)
    if logits.dims is not None and len(logits.dims) != 2:
        raise ValueError(
            f"`logits` should be a 2-D tensor with shape [batch_size, num_classes]. Received: logits={logits}"
        )
    return tf.cast(tf.stateless_categorical(logits, num_samples, _int32_seed(seed)), dtype)


def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """Zero a fraction `rate` of the inputs and scale up the rest. Keras: keras.random.dropout."""
    if rate == 0.0:
        return inputs
    if rate == 1.0:
        return tf.zeros_like(inputs)
    if noise_shape is not None:
        given = tf.shape(inputs)
        noise_shape = [given[i] if size is None else size for i, size in enumerate(noise_shape)]
    return tf.experimental_stateless_dropout(inputs, rate, _int32_seed(seed), noise_shape=noise_shape)


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Any:
    """The slices of `x` along an axis in random order. Keras: keras.random.shuffle."""
    keys = tf.stateless_uniform([tf.shape(x)[axis]], _int32_seed(seed))
    return tf.gather(x, tf.argsort(keys), axis=axis)


def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Gamma distributed numbers of shape parameter `alpha`. Keras: keras.random.gamma."""
    dtype = standardize_dtype(dtype)
    wide = _wide(dtype)
    return tf.cast(tf.stateless_gamma(shape, _int32_seed(seed), alpha, dtype=as_dtype(wide)), dtype)


def binomial(shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Numbers of successes in `counts` trials of the given probabilities. Keras: keras.random.binomial."""
    dtype = standardize_dtype(dtype)
    draws = tf.stateless_binomial(shape, _int32_seed(seed), counts, probabilities, as_dtype(_wide(dtype)))
    return tf.cast(draws, dtype)


def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Beta distributed numbers, made of two gamma draws. Keras: keras.random.beta."""
    dtype = standardize_dtype(dtype)
    wide, first = _wide(dtype), _int32_seed(seed)
    a, b = (tf.broadcast_to(convert(p, dtype_hint=wide), shape) for p in (alpha, beta))
    x = tf.cast(tf.stateless_gamma(shape, first, a, dtype=as_dtype(wide)), dtype)
    y = tf.cast(tf.stateless_gamma(shape, first + 12, b, dtype=as_dtype(wide)), dtype)
    return x / (x + y)


def _wide(dtype: str) -> str:
    """bfloat16 draws are made in float32."""
    return "float32" if dtype == "bfloat16" else dtype
