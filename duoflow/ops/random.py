"""`tf.random`'s stateful functions: the stateless ones and a hidden counter.

A call in a graph reads a hidden variable, adds what it used to it, and draws from there: engines see a variable like
any other. In eager mode the counter is looked up by the seeds, as TensorFlow's kernel cache does it, so that
`tf.random.set_seed` gives the same numbers.
"""

from __future__ import annotations

import os
import random as python_random
import weakref
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.context import context
from duoflow.core.dtypes import as_dtype
from duoflow.core.emit import emit, emit_one
from duoflow.core.graph import Graph
from duoflow.core.late import F
from duoflow.core.record import Op
from duoflow.core.state import ASSIGN_ADD, READ, VAR_HANDLE, State
from duoflow.core.tensor import EagerTensor, HandleTensor, convert

from . import philox
from .stateless_random import (
    FLOATS,
    NORMAL,
    POISSON,
    SHUFFLE,
    TRUNCATED_NORMAL,
    draw_categories,
    draw_gammas,
    gamma_parameters,
    scaled,
    scaled_uniform,
)  # fmt: skip
from .static import int_tensor, shape_tensor

__all__ = [
    "random_categorical", "random_gamma", "random_normal", "random_poisson", "random_shuffle",
    "random_truncated_normal", "random_uniform", "set_global_seed", "set_random_seed",
]  # fmt: skip

# -- seeds and hidden counters -----------------------------------------------------------------------------------------

_MAX_SEED = 2**31 - 1
_DEFAULT_SEED = 87654321


class _Seeds:
    """The global seed, what follows from it, and how far each seeded eager op has come."""

    def __init__(self) -> None:
        self.seed: int | None = None
        self._generator = python_random.Random()
        self.counters: dict[Any, int] = {}
        self.states: weakref.WeakSet[RandomState] = weakref.WeakSet()
        self.entropy = int.from_bytes(os.urandom(8), "little")

    def set(self, seed: int | None) -> None:
        """Start over from a seed."""
        self.seed = None if seed is None else int(seed)
        self._generator = python_random.Random(self.seed)
        self.counters.clear()
        self.entropy = int.from_bytes(os.urandom(8), "little")
        for state in self.states:
            state.restart()

    def next_op_seed(self) -> int:
        """The seed of an eager op that has none of its own."""
        return self._generator.randint(0, _MAX_SEED)


class RandomState(State):
    """How many blocks of random words an op in a graph has used: the hidden variable behind it."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(dtypes.int64, (), "random_state")
        self.restart()

    def restart(self) -> None:
        """Back to the first block."""
        self.write(np.zeros((), np.int64))


_seeds = _Seeds()


def set_global_seed(seed: Any) -> None:
    """Make the random ops that follow give the numbers of a seed (None: of no seed).

    >>> tf.random.set_seed(1234)
    >>> a = tf.random.uniform([1])
    >>> tf.random.set_seed(1234)
    >>> bool(a == tf.random.uniform([1]))
    True

    TensorFlow: tf.random.set_seed.
    """
    _seeds.set(seed)


def set_random_seed(seed: Any) -> None:
    """The seed of the default graph, or in eager mode the global one. TensorFlow: tf.compat.v1.set_random_seed."""
    if context.graph is None:
        set_global_seed(seed)
    else:
        context.graph.seed = seed


def _graph_seed(graph: Graph) -> int | None:
    while graph.is_function and graph.seed is None and graph.outer is not None:
        graph = graph.outer
    return _seeds.seed if graph.seed is None and graph.is_function else graph.seed


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """The seeds an op draws by: that of the program or graph, and its own. TensorFlow: tf.compat.v1.get_seed."""
    graph = context.graph
    seed = _seeds.seed if graph is None else _graph_seed(graph)
    if seed is not None:
        if op_seed is None and graph is None:
            op_seed = _seeds.next_op_seed()
        elif op_seed is None:
            assert graph is not None
            op_seed = graph.extras.setdefault("random_ops", 0)
            graph.extras["random_ops"] += 1
    elif op_seed is None:
        return None, None
    else:
        seed = _DEFAULT_SEED
    pair = int(seed) % _MAX_SEED, int(op_seed) % _MAX_SEED
    return pair if pair != (0, 0) else (0, _MAX_SEED)


def _count(shape: Any) -> Any:
    """How many blocks TensorFlow reserves for that many numbers; none for a shape that the draw will refuse."""
    return F.reduce_prod(F.maximum(F.cast(shape, dtypes.int64), 0)) * philox.RESERVED


def hidden_key_counter(kind: Any, op_seed: int | None, blocks: Any) -> tuple[Any, Any]:
    """The key and counter of a stateful op's next numbers; `blocks` (int64) are used up.

    `kind` tells ops apart that share seeds.
    """
    seed, seed2 = get_seed(op_seed)
    if context.graph is None:
        return _eager_key_counter(kind, op_seed, seed, seed2, int(blocks))
    used = _advanced(context.graph, convert(blocks, dtype=dtypes.int64), seeded=seed is not None)
    if seed is None:
        seed, seed2 = _seeds.entropy, int.from_bytes(os.urandom(8), "little")
    counter = F.stack([used, F.constant(seed2, dtypes.uint64)])
    return F.constant([seed], dtypes.uint64), counter


def _advanced(graph: Graph, blocks: Any, seeded: bool) -> Any:
    """A new hidden counter of a graph, read and then advanced whenever what is read is used.

    A function keeps its counter from call to call, and `tf.random.set_seed` sets it back if a seed is in play; in a v1
    graph every session has one of its own.
    """
    attrs = {"dtype": dtypes.int64, "shape": ()}
    if graph.is_function:
        counter = RandomState()
        if seeded:
            _seeds.states.add(counter)
        state: Any = HandleTensor(counter)
    else:
        name = graph.unique_name("random_state")
        state = emit_one(VAR_HANDLE, (), {"shared_name": name, "trainable": False, "zero": True, **attrs}, name)
    used = emit_one(READ, (state,), attrs)
    emit(ASSIGN_ADD, (state, blocks), attrs)
    with graph.control_dependencies([graph.nodes[-1]]):
        return F.cast(used, dtypes.uint64)


def _eager_key_counter(
    kind: Any, op_seed: int | None, seed: int | None, seed2: int | None, blocks: int
) -> tuple[Any, Any]:
    if op_seed is None and seed is not None:
        used = 0
    else:
        place = (kind, seed, seed2)
        used = _seeds.counters.get(place, 0)
        _seeds.counters[place] = used + blocks
    if seed is None:
        seed, seed2 = _seeds.entropy, hash(kind) % 2**63
    return EagerTensor(np.asarray([seed], np.uint64)), EagerTensor(np.asarray([used, seed2], np.uint64))


# -- stateful functions ------------------------------------------------------------------------------------------------


def random_uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, seed: int | None = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Uniform numbers from [minval, maxval), [0, 1) by default.

    Args:
      shape: ints.
      minval, maxval: numbers (or tensors) of `dtype`; integers need `maxval`.
      seed: the op's own seed; with `tf.random.set_seed` it fixes the sequence of numbers.

    >>> x = tf.random.uniform([100], 1, 3, dtype=tf.int32)
    >>> int(tf.reduce_min(x)), int(tf.reduce_max(x))
    (1, 2)

    TensorFlow: tf.random.uniform.
    """
    dtype = as_dtype(dtype)
    if dtype not in (*FLOATS, dtypes.int32, dtypes.int64):
        raise ValueError(
            f"Argument `dtype` got invalid value {dtype}. Accepted dtypes are {(*FLOATS, dtypes.int32, dtypes.int64)}."
        )
    if maxval is None and dtype.is_integer:
        raise ValueError(f"Must specify maxval for integer dtype {dtype!r}")
    with F.name_scope(name or "random_uniform"):
        shape = shape_tensor(shape)
        key, counter = hidden_key_counter(("RandomUniform", dtype), seed, _count(shape))
        return scaled_uniform(shape, key, counter, minval, maxval, dtype)


def random_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: int | None = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Normal numbers.

    >>> tf.random.normal([2, 3], mean=10.0).shape
    TensorShape([2, 3])

    TensorFlow: tf.random.normal.
    """
    return _stateful(NORMAL, "random_normal", shape, mean, stddev, dtype, seed, name)


def random_truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: int | None = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Normal numbers within two standard deviations of the mean. TensorFlow: tf.random.truncated_normal."""
    return _stateful(TRUNCATED_NORMAL, "truncated_normal", shape, mean, stddev, dtype, seed, name)


def _stateful(op: Op, scope: str, shape: Any, mean: Any, stddev: Any, dtype: Any, seed: Any, name: str | None) -> Any:
    with F.name_scope(name or scope):
        shape, dtype = shape_tensor(shape), as_dtype(dtype)
        key, counter = hidden_key_counter((op.name, dtype), seed, _count(shape))
        return scaled(op, shape, key, counter, mean, stddev, dtype)


def random_shuffle(value: Any, seed: int | None = None, name: str | None = None) -> Any:
    """The rows of a tensor in random order.

    >>> sorted(tf.random.shuffle([1, 2, 3]).numpy().tolist())
    [1, 2, 3]

    TensorFlow: tf.random.shuffle.
    """
    value = convert(value)
    blocks = (F.size(value, dtypes.int64) + 3) // 4
    return emit_one(SHUFFLE, (value, *hidden_key_counter(("RandomShuffle", value.dtype), seed, blocks)), name=name)


def random_categorical(
    logits: Any, num_samples: Any, dtype: Any = None, seed: int | None = None, name: str | None = None
) -> Any:
    """Draws of class numbers, [batch, num_samples], given unnormalised log-probabilities [batch, classes].

    >>> tf.random.categorical(tf.math.log([[0.5, 0.5]]), 5).shape
    TensorShape([1, 5])

    TensorFlow: tf.random.categorical.
    """
    logits, num_samples = convert(logits), int_tensor(num_samples)
    rounded = (F.cast(num_samples, dtypes.int64) + 3) // 4 * 8
    blocks = F.shape(logits, dtypes.int64)[0] * rounded * philox.RESERVED
    key, counter = hidden_key_counter(("Multinomial", logits.dtype, dtype), seed, blocks)
    return draw_categories(logits, num_samples, dtype, name, key, counter)


def random_gamma(
    shape: Any, alpha: Any, beta: Any = None, dtype: Any = dtypes.float32, seed: int | None = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """`shape` gamma numbers for each entry of the shape parameters `alpha` and rates `beta` broadcast together.

    >>> tf.random.gamma([10], [0.5, 1.5]).shape
    TensorShape([10, 2])

    TensorFlow: tf.random.gamma.
    """
    with F.name_scope(name or "random_gamma"):
        alpha, beta = gamma_parameters(alpha, beta, as_dtype(dtype))
        whole = _with_samples(shape, alpha)
        return draw_gammas(whole, *hidden_key_counter(("RandomGamma", alpha.dtype), seed, _count(whole)), alpha, beta)


def _with_samples(shape: Any, parameter: Any) -> Any:
    lead = F.reshape(shape_tensor(shape), [-1])
    return F.concat([lead, F.shape(parameter, lead.dtype)], 0)


def random_poisson(
    shape: Any, lam: Any, dtype: Any = dtypes.float32, seed: int | None = None, name: str | None = None
) -> Any:
    """`shape` Poisson numbers for each entry of the rates `lam`.

    >>> tf.random.poisson([10], [0.5, 1.5]).shape
    TensorShape([10, 2])

    TensorFlow: tf.random.poisson.
    """
    lam, dtype = convert(lam), as_dtype(dtype)
    whole = _with_samples(shape, lam)
    key, counter = hidden_key_counter(("RandomPoissonV2", lam.dtype, dtype), seed, _count(whole))
    return emit_one(POISSON, (whole, key, counter, lam), {"dtype": dtype}, name)
