"""`tf.random.Generator`: a random stream whose state is a variable."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.dtypes import as_dtype
from duoflow.core.emit import emit_one
from duoflow.core.late import F
from duoflow.core.tensor import Operators, convert
from duoflow.core.trackable import Trackable
from duoflow.core.variables import Variable

from .philox import RESERVED
from .stateless_random import (
    BINOMIAL,
    FULL_INT,
    NORMAL,
    TRUNCATED_NORMAL,
    require_philox,
    scaled,
    scaled_uniform,
    uniform_dtype,
)  # fmt: skip
from .static import shape_tensor

__all__ = ["Generator", "create_rng_state", "get_global_generator", "set_global_generator"]

_STATE_SIZE = 3
_COUNTER_SIZE = 2


def create_rng_state(seed: Any, alg: Any = "philox") -> Any:
    """The state (int64 [3]: two for the counter, one for the key) of a generator, from an integer or a vector of them.

    >>> tf.random.create_rng_state(1234, "philox").numpy()
    array([1234,    0,    0])

    TensorFlow: tf.random.create_rng_state.
    """
    require_philox(alg)
    if isinstance(seed, (int, np.integer)):
        seed = [int(seed) >> 64 * i & 2**64 - 1 for i in range(_STATE_SIZE)]
    state = F.reshape(_as_state(seed), [-1])[:_STATE_SIZE]
    missing = F.zeros(F.maximum(_STATE_SIZE - F.shape(state), 0), dtypes.int64)
    state = F.concat([missing, state], 0)
    state.set_shape([_STATE_SIZE])
    return state


def _as_state(value: Any) -> Any:
    if isinstance(value, Operators):
        return F.cast(value, dtypes.int64)
    return F.cast(convert(_wrapped(value), dtype_hint=dtypes.int64), dtypes.int64)


def _wrapped(value: Any) -> Any:
    """Python integers of 64 bits, unsigned or not, as the signed ones of the same bits."""
    if isinstance(value, (list, tuple)):
        return [_wrapped(v) for v in value]
    return (value + 2**63) % 2**64 - 2**63 if isinstance(value, int) else value


class Generator(Trackable):
    """A source of random numbers with a state of its own, kept in a variable.

    Make one with `from_seed`, `from_non_deterministic_state`, `from_state` or `from_key_counter`.

    Args:
      copy_from: a generator to copy, or None.
      state: int64 [3], or a variable of it, which is then shared.
      alg: "philox" or "auto_select".

    >>> g = tf.random.Generator.from_seed(1234)
    >>> g.normal([2, 3]).shape
    TensorShape([2, 3])

    TensorFlow: tf.random.Generator.
    """

    _CHECKPOINT_NAMES: ClassVar = {"_state": "_state_var"}

    def __init__(self, copy_from: Generator | None = None, state: Any = None, alg: Any = None) -> None:
        if copy_from is not None:
            if alg is not None or state is not None:
                raise ValueError("A generator is made from `copy_from`, or from `state` and `alg`, not both.")
            state, alg = copy_from.state.value(), copy_from.algorithm
        if state is None or alg is None:
            raise ValueError("A generator needs `copy_from`, or `state` and `alg`; see tf.random.Generator.from_seed.")
        self._algorithm = require_philox(alg)
        if isinstance(state, Variable):
            self._state = state
        else:
            self._state = Variable(_as_state(state), trainable=False, dtype=dtypes.int64, name="StateVar")
        _require_length(self._state, _STATE_SIZE, "state")

    @classmethod
    def from_state(cls, state: Any, alg: Any) -> Generator:
        """A generator with the given state."""
        return cls(state=state, alg=alg)

    @classmethod
    def from_seed(cls, seed: Any, alg: Any = None) -> Generator:
        """A generator whose state is made of an integer, or of up to three."""
        alg = "philox" if alg is None else alg
        return cls(state=create_rng_state(seed, alg), alg=alg)

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """A generator that starts differently in every process."""
        state = np.random.SeedSequence().generate_state(_STATE_SIZE, np.uint64).view(np.int64)
        return cls(state=state, alg="philox" if alg is None else alg)

    @classmethod
    def from_key_counter(cls, key: Any, counter: Any, alg: Any) -> Generator:
        """A generator with a key (a scalar) and a counter (two integers)."""
        return cls(state=_joined(key, counter), alg=alg)

    @property
    def state(self) -> Variable:
        """The variable that holds the counter and the key."""
        return self._state

    @property
    def algorithm(self) -> int:
        """The number of the algorithm, as in `tf.random.Algorithm`."""
        return self._algorithm

    @property
    def key(self) -> Any:
        """The key part of the state, a scalar."""
        return self._state[-1]

    def reset(self, state: Any) -> None:
        """Set the state."""
        state = _as_state(state)
        _require_length(state, _STATE_SIZE, "state")
        self._state.assign(state)

    def reset_from_seed(self, seed: Any) -> None:
        """Set the state as `from_seed` does."""
        self._state.assign(create_rng_state(seed, self._algorithm))

    def reset_from_key_counter(self, key: Any, counter: Any) -> None:
        """Set the state as `from_key_counter` does."""
        self._state.assign(_joined(key, counter))

    def skip(self, delta: Any) -> Any:
        """Advance as drawing `delta` numbers would; the state before, int64 [3]."""
        before = self._state.value()
        blocks = F.cast(delta, dtypes.uint64) * F.constant(RESERVED, dtypes.uint64)
        words = F.cast(before[:_COUNTER_SIZE], dtypes.uint64)
        low = words[0] + blocks
        high = words[1] + F.cast(low < blocks, dtypes.uint64)
        self._state.assign(F.concat([F.cast(F.stack([low, high]), dtypes.int64), before[_COUNTER_SIZE:]], 0))
        return before

    def _key_counter(self, shape: Any) -> tuple[Any, Any]:
        words = F.cast(self.skip(F.reduce_prod(F.maximum(F.cast(shape, dtypes.int64), 0))), dtypes.uint64)
        return words[_COUNTER_SIZE:], words[:_COUNTER_SIZE]

    def normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: str | None = None
    ) -> Any:
        """Normal numbers."""
        return self._scaled(NORMAL, shape, mean, stddev, dtype, name or "stateful_normal")

    def truncated_normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: str | None = None
    ) -> Any:
        """Normal numbers within two standard deviations of the mean."""
        return self._scaled(TRUNCATED_NORMAL, shape, mean, stddev, dtype, name or "truncated_normal")

    def _scaled(self, op: Any, shape: Any, mean: Any, stddev: Any, dtype: Any, scope: str) -> Any:
        with F.name_scope(scope):
            shape = shape_tensor(shape)
            return scaled(op, shape, *self._key_counter(shape), mean, stddev, as_dtype(dtype))

    def uniform(
        self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, name: str | None = None
    ) -> Any:
        """Uniform numbers from [minval, maxval); both None for integers of any value."""
        dtype = uniform_dtype(dtype, minval, maxval)
        with F.name_scope(name or "stateful_uniform"):
            shape = shape_tensor(shape)
            return scaled_uniform(shape, *self._key_counter(shape), minval, maxval, dtype)

    def uniform_full_int(self, shape: Any, dtype: Any = dtypes.uint64, name: str | None = None) -> Any:
        """Integers of any value."""
        shape = shape_tensor(shape)
        return emit_one(FULL_INT, (shape, *self._key_counter(shape)), {"dtype": as_dtype(dtype)}, name)

    def binomial(self, shape: Any, counts: Any, probs: Any, dtype: Any = dtypes.int32, name: str | None = None) -> Any:
        """Binomial numbers of `counts` trials with probabilities `probs`, whose shape ends that of the result."""
        shape, counts, probs = shape_tensor(shape), convert(counts), convert(probs)
        return emit_one(BINOMIAL, (shape, *self._key_counter(shape), counts, probs), {"dtype": as_dtype(dtype)}, name)

    def make_seeds(self, count: int = 1) -> Any:
        """`count` seeds for stateless functions, int64 [2, count]."""
        keys = self.uniform_full_int([count], dtypes.int64)
        return F.stack([keys, F.zeros_like(keys)])

    def split(self, count: int = 1) -> list[Generator]:
        """`count` new generators that draw independently of each other and of this one."""
        keys = self.uniform_full_int([count], dtypes.int64)
        return [Generator(state=F.stack([0, 0, key]), alg=self._algorithm) for key in F.unstack(keys, num=count)]


def _joined(key: Any, counter: Any) -> Any:
    key, counter = _as_state(key), _as_state(counter)
    _require_length(counter, _COUNTER_SIZE, "counter")
    return F.concat([counter, F.reshape(key, [1])], 0)


def _require_length(value: Any, length: int, what: str) -> None:
    if not shapes.compatible(value.dims, (length,)):
        raise ValueError(
            f"The {what} of a Philox generator must have shape ({length},), received {shapes.show(value.dims)}."
        )


_global: list[Generator] = []


def get_global_generator() -> Generator:
    """The generator that is made, with a state of chance, when it is first asked for.

    TensorFlow: tf.random.get_global_generator.
    """
    if not _global:
        _global.append(Generator.from_non_deterministic_state())
    return _global[0]


def set_global_generator(generator: Generator) -> None:
    """Replace the global generator; functions traced before keep the old one.

    TensorFlow: tf.random.set_global_generator.
    """
    _global[:] = [generator]
