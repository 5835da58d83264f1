"""Random numbers as functions of a seed: `tf.random.stateless_*`, and the pure ops that all random numbers come from.

An op takes a key and a counter (see `philox`). Where each element has words of its own the op expands to an elementwise
one; distributions that reject what they drew run on the host.
"""

from __future__ import annotations

import enum
import functools
import math
from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.dtypes import DType, as_dtype
from duoflow.core.emit import emit, emit_one
from duoflow.core.errors import InvalidArgumentError, UnimplementedError
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.scalar import Unsupported, run_body
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert

from . import philox
from .families import NUMERIC, check_dtype
from .static import checked_dims, dims_of, int_tensor, require_ints, shape_tensor

__all__ = [
    "Algorithm", "random_fold_in", "random_split", "stateless_binomial", "stateless_categorical", "stateless_gamma",
    "stateless_normal", "stateless_parameterized_truncated_normal", "stateless_poisson", "stateless_shuffle",
    "stateless_truncated_normal", "stateless_uniform",
]  # fmt: skip

_RANDOM = frozenset({"random"})
FLOATS = (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64)
INTS = (dtypes.int32, dtypes.int64, dtypes.uint32, dtypes.uint64)


class Algorithm(enum.Enum):
    """The generators by name; Philox is the one there is, and what auto-selection gives.

    TensorFlow: tf.random.Algorithm.
    """

    PHILOX = 1
    THREEFRY = 2
    AUTO_SELECT = 3


def require_philox(alg: Any) -> int:
    """The number of an algorithm; `ValueError` for one that is unknown, `UnimplementedError` for ThreeFry."""
    names: dict[Any, int] = {a.name.lower(): a.value for a in Algorithm} | {a.value: a.value for a in Algorithm}
    number = alg.value if isinstance(alg, Algorithm) else names.get(alg.lower() if isinstance(alg, str) else int(alg))
    if number is None:
        raise ValueError(
            f"Argument `alg` got unsupported value {alg}. Supported values are 'philox' and 'auto_select'."
        )
    if number == Algorithm.THREEFRY.value:
        raise UnimplementedError("The ThreeFry algorithm is not available; use alg='philox' or 'auto_select'.")
    return number


# -- elements ----------------------------------------------------------------------------------------------------------


def _infer_element(index: Spec, key: Spec, low: Spec, high: Spec, *, dtype: DType) -> Spec:
    return Spec(index.shape, dtype)


def _uniform_body(b: Any, index: Any, key: Any, low: Any, high: Any, *, dtype: DType) -> Any:
    return philox.unit(b, dtype, philox.element_words(b, index, key, low, high, philox.words_per_element(dtype)))


def _int_body(b: Any, index: Any, key: Any, low: Any, high: Any, *, dtype: DType) -> Any:
    return philox.full_int(b, dtype, philox.element_words(b, index, key, low, high, philox.words_per_element(dtype)))


def _normal_body(b: Any, index: Any, key: Any, low: Any, high: Any, *, dtype: DType) -> Any:
    return philox.normal(b, dtype, index, key, low, high)


def _element_op(name: str, body: Any) -> Op:
    return register(
        Op(
            name,
            Kind.ELEMENTWISE,
            _infer_element,
            functools.partial(run_body, body),
            body=body,
            checked=False,
            differentiable=False,
            tags=_RANDOM,
        )  # fmt: skip
    )


PHILOX_UNIFORM = _element_op("PhiloxUniform", _uniform_body)
PHILOX_INT = _element_op("PhiloxInt", _int_body)
PHILOX_NORMAL = _element_op("PhiloxNormal", _normal_body)

# -- stateless ops of a key and a counter ------------------------------------------------------------------------------


def _infer_draw(shape: Spec, key: Spec, counter: Spec, *more: Spec, dtype: DType) -> Spec:
    require_ints("random", "shape", shape)
    if shape.rank not in (None, 1):
        raise ValueError(f"shape must be a vector, got shape {shapes.show(shape.shape)}")
    return Spec(dims_of(shape), dtype)


def _draw_op(name: str, draw: Any, element: Op | None) -> Op:
    """A stateless op of TensorFlow: `draw(count, key, counter, dtype)`, laid out row by row."""

    def evaluate(shape: Any, key: Any, counter: Any, *, dtype: DType) -> Any:
        dims = checked_dims(shape)
        return draw(math.prod(dims), key[0], counter, dtype).reshape(dims)

    def expand(shape: Any, key: Any, counter: Any, *, dtype: DType) -> Any:
        index = F.range(F.reduce_prod(F.cast(shape, dtypes.int64)))
        return F.reshape(emit_one(element, (index, key[0], counter[0], counter[1]), {"dtype": dtype}), shape)  # type: ignore[arg-type]

    return register(
        Op(
            name,
            Kind.HOST if element is None else Kind.COMPOUND,
            _infer_draw,
            evaluate,
            differentiable=False,
            expand=None if element is None else expand,
            tags=_RANDOM,
        )  # fmt: skip
    )


UNIFORM = _draw_op("StatelessRandomUniformV2", philox.uniform, PHILOX_UNIFORM)
FULL_INT = _draw_op("StatelessRandomUniformFullIntV2", philox.integers, PHILOX_INT)
NORMAL = _draw_op("StatelessRandomNormalV2", philox.normals, PHILOX_NORMAL)
TRUNCATED_NORMAL = _draw_op("StatelessTruncatedNormalV2", philox.truncated_normals, None)


def _check_int_range(minval: Any, maxval: Any) -> None:
    if np.any(minval >= maxval):
        raise InvalidArgumentError(f"Need minval < maxval, got {minval} >= {maxval}")


def _infer_uniform_int(shape: Spec, key: Spec, counter: Spec, minval: Spec, maxval: Spec) -> Spec:
    if minval.dtype is not maxval.dtype:
        raise TypeError(f"minval has dtype {minval.dtype.name}, maxval {maxval.dtype.name}.")
    if minval.array is not None and maxval.array is not None:
        _check_int_range(minval.array, maxval.array)
    return _infer_draw(shape, key, counter, dtype=minval.dtype)


def _unsigned(dtype: DType) -> DType:
    return dtypes.uint64 if dtype.size == 8 else dtypes.uint32


def _evaluate_uniform_int(shape: Any, key: Any, counter: Any, minval: Any, maxval: Any) -> Any:
    _check_int_range(minval, maxval)
    dims, own = tuple(shape.tolist()), dtypes.from_numpy(minval.dtype)
    wide = _unsigned(own)
    bits = philox.integers(math.prod(dims), key[0], counter, wide)
    span = wide.numpy.type((int(maxval) - int(minval)) & int(wide.max))
    return (bits % span).astype(own.numpy).reshape(dims) + minval


def _expand_uniform_int(shape: Any, key: Any, counter: Any, minval: Any, maxval: Any) -> Any:
    wide = _unsigned(minval.dtype)
    bits = emit_one(FULL_INT, (shape, key, counter), {"dtype": wide})
    return F.cast(F.floormod(bits, F.cast(maxval - minval, wide)), minval.dtype) + minval


UNIFORM_INT = register(
    Op(
        "StatelessRandomUniformIntV2",
        Kind.COMPOUND,
        _infer_uniform_int,
        _evaluate_uniform_int,
        expand=_expand_uniform_int,
        differentiable=False,
        tags=_RANDOM,
    )  # fmt: skip
)


def _infer_key_counter(seed: Spec) -> tuple[Spec, Spec]:
    require_ints("StatelessRandomGetKeyCounter", "seed", seed)
    if not shapes.compatible(seed.shape, (2,)):
        raise ValueError(f"seed must have shape [2], not {shapes.brief(seed.shape)}")
    return Spec((1,), dtypes.uint64), Spec((2,), dtypes.uint64)


def _expand_key_counter(seed: Any) -> tuple[Any, Any]:
    seed = F.cast(seed, dtypes.uint64)
    key = F.constant(philox.SCRAMBLING_KEY, dtypes.uint64)
    mixed = emit_one(PHILOX_INT, (F.range(4), key, seed[0], seed[1]), {"dtype": dtypes.uint32})
    mixed = F.cast(mixed, dtypes.uint64)
    pairs = mixed[::2] + mixed[1::2] * F.constant(2**32, dtypes.uint64)
    return pairs[:1], F.concat([F.zeros([1], dtypes.uint64), pairs[1:]], 0)


KEY_COUNTER = register(
    Op(
        "StatelessRandomGetKeyCounter",
        Kind.COMPOUND,
        _infer_key_counter,
        philox.scramble,
        expand=_expand_key_counter,
        num_outputs=2,
        differentiable=False,
        tags=_RANDOM,
    )  # fmt: skip
)


def key_counter(seed: Any, alg: Any = "auto_select") -> tuple[Any, Any]:
    """The key and counter that a stateless function starts from."""
    require_philox(alg)
    return emit(KEY_COUNTER, (int_tensor(seed),))  # type: ignore[return-value]


# -- stateless functions -----------------------------------------------------------------------------------------------


def stateless_uniform(
    shape: Any, seed: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, name: str | None = None,
    alg: Any = "auto_select",
) -> Any:  # fmt: skip
    """Uniform numbers from [minval, maxval) that depend on the arguments alone.

    Args:
      shape: ints.
      seed: two integers.
      minval, maxval: the range, [0, 1) for floats by default; both None for integers of any value.
      dtype: a float, int32, int64, or (of any value) uint32 or uint64.

    >>> tf.random.stateless_uniform([2], seed=[1, 2])
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([0.8440604 , 0.19204533], dtype=float32)>

    TensorFlow: tf.random.stateless_uniform.
    """
    dtype = uniform_dtype(dtype, minval, maxval)
    with F.name_scope(name or "stateless_random_uniform"):
        key, counter = key_counter(seed, alg)
        return scaled_uniform(shape_tensor(shape), key, counter, minval, maxval, dtype)


def uniform_dtype(dtype: Any, minval: Any, maxval: Any) -> Any:
    """The dtype of uniform numbers, checked against the range asked for."""
    dtype = as_dtype(dtype)
    if dtype not in FLOATS + INTS:
        raise ValueError(f"Argument `dtype` got invalid value {dtype}. Accepted dtypes are {FLOATS + INTS}.")
    if dtype.is_integer:
        if (minval is None) != (maxval is None):
            raise ValueError(
                f"For integer `dtype` argument {dtype}, argument `minval` and `maxval` must be both None or not None. "
                f"Got `minval`={minval} and `maxval`={maxval}."
            )
        if minval is not None and dtype.is_unsigned:
            raise ValueError(
                f"Argument `dtype` got invalid value {dtype} when argument `minval` is not None. Please don't use "
                "unsigned integers in this case."
            )
    return dtype


def scaled_uniform(shape: Any, key: Any, counter: Any, minval: Any, maxval: Any, dtype: DType) -> Any:
    """Uniform numbers of a range, drawn from a key and a counter."""
    inputs = (shape, key, counter)
    if dtype.is_integer and minval is None:
        return emit_one(FULL_INT, inputs, {"dtype": dtype})
    if dtype.is_integer:
        return emit_one(UNIFORM_INT, (*inputs, convert(minval, dtype=dtype), convert(maxval, dtype=dtype)))
    drawn = emit_one(UNIFORM, inputs, {"dtype": dtype})
    if (
        isinstance(minval, (int, float))
        and minval == 0
        and (maxval is None or isinstance(maxval, (int, float)) and maxval == 1)
    ):
        return drawn
    low, high = convert(minval, dtype=dtype), convert(1 if maxval is None else maxval, dtype=dtype)
    return drawn * (high - low) + low


def stateless_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: str | None = None,
    alg: Any = "auto_select",
) -> Any:  # fmt: skip
    """Normal numbers that depend on the arguments alone; `seed` is two integers.

    >>> tf.random.stateless_normal([2], seed=[1, 2]).shape
    TensorShape([2])

    TensorFlow: tf.random.stateless_normal.
    """
    with F.name_scope(name or "stateless_random_normal"):
        return scaled(NORMAL, shape_tensor(shape), *key_counter(seed, alg), mean, stddev, as_dtype(dtype))


def stateless_truncated_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: str | None = None,
    alg: Any = "auto_select",
) -> Any:  # fmt: skip
    """Normal numbers within two standard deviations that depend on the arguments alone.

    TensorFlow: tf.random.stateless_truncated_normal.
    """
    with F.name_scope(name or "stateless_truncated_normal"):
        return scaled(TRUNCATED_NORMAL, shape_tensor(shape), *key_counter(seed, alg), mean, stddev, as_dtype(dtype))


def scaled(op: Op, shape: Any, key: Any, counter: Any, mean: Any, stddev: Any, dtype: DType) -> Any:
    """Numbers of a standard distribution, scaled and moved."""
    if dtype not in FLOATS:
        raise TypeError(f"Random normal numbers need a floating dtype, received {dtype.name}.")
    drawn = emit_one(op, (shape, key, counter), {"dtype": dtype})
    return drawn * convert(stddev, dtype=dtype) + convert(mean, dtype=dtype)


# -- distributions on the host -----------------------------------------------------------------------------------------


def _infer_categorical(logits: Spec, num_samples: Spec, key: Spec, counter: Spec, *, dtype: DType) -> Spec:
    if logits.rank not in (None, 2):
        raise ValueError(f"logits should be a matrix, got shape {shapes.brief(logits.shape)}")
    if not logits.dtype.is_floating and not logits.dtype.is_integer:
        raise TypeError(f"logits must be numbers, received {logits.dtype.name}.")
    if logits.shape is not None and logits.shape[1] == 0:
        raise InvalidArgumentError(f"there should be at least one class, received logits of shape {logits.shape}")
    size = None if num_samples.array is None else int(num_samples.array)
    if size is not None and size < 0:
        raise ValueError(f"num_samples should be nonnegative, got {size}")
    return Spec((None if logits.shape is None else logits.shape[0], size), dtype)


def _evaluate_categorical(logits: Any, num_samples: Any, key: Any, counter: Any, *, dtype: DType) -> Any:
    return philox.categories(logits, int(num_samples), key[0], counter).astype(dtype.numpy)


def _expand_categorical(logits: Any, num_samples: Any, key: Any, counter: Any, *, dtype: DType) -> Any:
    """As `philox.categories`: a uniform number picks its place in the cumulative sum."""
    batch, samples = logits.dims[0], num_samples.spec.array
    if batch is None or samples is None:
        raise Unsupported("an unknown number of draws")
    wide = F.cast(logits, dtypes.float64)
    finite = F.is_finite(wide)
    top = F.reduce_max(F.where(finite, wide, -np.inf), 1, keepdims=True)
    sums = F.cumsum(F.where(finite, F.exp(wide - top), F.zeros_like(wide)), 1)
    drawn = emit_one(UNIFORM, (F.constant([batch * int(samples)]), key, counter), {"dtype": dtypes.float64})
    return F.searchsorted(sums, F.reshape(drawn, [batch, int(samples)]) * sums[:, -1:], "right", dtype)


CATEGORICAL = register(
    Op(
        "StatelessMultinomial",
        Kind.COMPOUND,
        _infer_categorical,
        _evaluate_categorical,
        expand=_expand_categorical,
        differentiable=False,
        tags=_RANDOM,
    )  # fmt: skip
)


def _infer_per_parameter(shape: Spec, key: Spec, counter: Spec, *parameters: Spec, dtype: DType) -> Spec:
    for parameter in parameters:
        check_dtype("random", "parameters", parameter.dtype, NUMERIC)
    return _infer_draw(shape, key, counter, dtype=dtype)


def _per_parameter_op(name: str, draw: Any) -> Op:
    """Draws for parameters whose shape ends the output's; the draws of one parameter are consecutive."""

    def evaluate(shape: Any, key: Any, counter: Any, *parameters: Any, dtype: DType) -> Any:
        dims = checked_dims(shape)
        own = np.broadcast_shapes(*(p.shape for p in parameters))
        if dims[len(dims) - len(own) :] != own:
            raise ValueError(
                f"Shape passed in must end with broadcasted shape: {list(dims)} does not end with {list(own)}."
            )
        lead = dims[: len(dims) - len(own)]
        samples = math.prod(lead)
        flat = [np.repeat(np.broadcast_to(p, own).reshape(-1).astype(np.float64), samples) for p in parameters]
        out = draw(*flat, key[0], counter).reshape((*own, *lead))
        order = [*range(len(own), out.ndim), *range(len(own))]
        return out.transpose(order).astype(dtype.numpy, order="C")

    return register(Op(name, Kind.HOST, _infer_per_parameter, evaluate, differentiable=False, tags=_RANDOM))


GAMMA = _per_parameter_op("StatelessRandomGammaV3", philox.gammas)
POISSON = _per_parameter_op("StatelessRandomPoisson", philox.poissons)
BINOMIAL = _per_parameter_op("StatelessRandomBinomial", philox.binomials)


def _infer_shuffle(value: Spec, key: Spec, counter: Spec) -> Spec:
    return Spec(value.shape, value.dtype)


SHUFFLE = register(
    Op(
        "StatelessShuffle",
        Kind.HOST,
        _infer_shuffle,
        lambda value, key, counter: value[philox.permutation(len(value), key[0], counter)] if value.ndim else value,
        lambda node, g: (_unshuffled(node, g), None, None),
        tags=_RANDOM,
    )  # fmt: skip
)


def _unshuffled(node: Any, g: Any) -> Any:
    order = emit_one(SHUFFLE, (F.range(F.shape(g)[0]), *node.inputs[1:]))
    return F.gather(g, F.argsort(order))


def stateless_categorical(
    logits: Any, num_samples: Any, seed: Any, dtype: Any = dtypes.int64, name: str | None = None
) -> Any:
    """Draws of class numbers, [batch, num_samples], given unnormalised log-probabilities [batch, classes].

    TensorFlow: tf.random.stateless_categorical.
    """
    return draw_categories(logits, num_samples, dtype, name, *key_counter(seed))


def draw_categories(logits: Any, num_samples: Any, dtype: Any, name: str | None, key: Any, counter: Any) -> Any:
    """Class numbers drawn from a key and a counter."""
    dtype = dtypes.int64 if dtype is None else as_dtype(dtype)
    if dtype not in (dtypes.int32, dtypes.int64):
        raise ValueError(
            f"Argument `dtype` got invalid value {dtype}. Accepted dtypes are {(dtypes.int32, dtypes.int64)}."
        )
    return emit_one(CATEGORICAL, (convert(logits), int_tensor(num_samples), key, counter), {"dtype": dtype}, name)


def stateless_gamma(
    shape: Any, seed: Any, alpha: Any, beta: Any = None, dtype: Any = dtypes.float32, name: str | None = None
) -> Any:
    """Gamma numbers of shape parameter `alpha` and rate `beta` that depend on the arguments alone.

    Args:
      shape: the whole shape of the result; it ends with the shape of the parameters broadcast together.

    TensorFlow: tf.random.stateless_gamma.
    """
    with F.name_scope(name or "stateless_random_gamma"):
        alpha, beta = gamma_parameters(alpha, beta, as_dtype(dtype))
        return draw_gammas(shape_tensor(shape), *key_counter(seed), alpha, beta)


def gamma_parameters(alpha: Any, beta: Any, dtype: DType) -> tuple[Any, Any]:
    """Shape parameters, broadcast, and rates as tensors of one dtype."""
    alpha, beta = convert(alpha, dtype=dtype), convert(1 if beta is None else beta, dtype=dtype)
    return F.broadcast_to(alpha, F.broadcast_dynamic_shape(F.shape(alpha), F.shape(beta))), beta


def draw_gammas(shape: Any, key: Any, counter: Any, alpha: Any, beta: Any) -> Any:
    """Gamma numbers drawn from a key and a counter; never quite zero."""
    drawn = emit_one(GAMMA, (shape, key, counter, alpha), {"dtype": alpha.dtype})
    tiny = convert(float(_tiny(alpha.dtype)), dtype=alpha.dtype)
    return F.maximum(tiny, drawn / beta)


def _tiny(dtype: DType) -> float:
    """The smallest normal number of a floating dtype."""
    return {"float16": 2.0**-14, "float64": 2.0**-1022}.get(dtype.name, 2.0**-126)


def stateless_poisson(shape: Any, seed: Any, lam: Any, dtype: Any = dtypes.int32, name: str | None = None) -> Any:
    """Poisson numbers of rate `lam` that depend on the arguments alone; `shape` ends with the shape of `lam`.

    TensorFlow: tf.random.stateless_poisson.
    """
    inputs = (shape_tensor(shape), *key_counter(seed), convert(lam))
    return emit_one(POISSON, inputs, {"dtype": as_dtype(dtype)}, name)


def stateless_binomial(
    shape: Any, seed: Any, counts: Any, probs: Any, output_dtype: Any = dtypes.int32, name: str | None = None
) -> Any:
    """Binomial numbers that depend on the arguments alone; `shape` ends with the parameters' shape.

    TensorFlow: tf.random.stateless_binomial.
    """
    probs = convert(probs, dtype_hint=dtypes.float32)
    counts = convert(counts, dtype_hint=probs.dtype)
    return emit_one(
        BINOMIAL, (shape_tensor(shape), *key_counter(seed), counts, probs), {"dtype": as_dtype(output_dtype)}, name
    )


def stateless_parameterized_truncated_normal(
    shape: Any, seed: Any, means: Any = 0.0, stddevs: Any = 1.0, minvals: Any = -2.0, maxvals: Any = 2.0,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Normal numbers kept between two limits, by inverting the distribution function.

    The distribution is TensorFlow's, the numbers for a seed are not.

    TensorFlow: tf.random.stateless_parameterized_truncated_normal.
    """
    with F.name_scope(name or "stateless_parameterized_truncated_normal"):
        means = convert(means, dtype_hint=dtypes.float32)
        dtype = means.dtype
        stddevs, low, high = (convert(v, dtype=dtype) for v in (stddevs, minvals, maxvals))
        a, b = (low - means) / stddevs, (high - means) / stddevs
        flip = a > 0  # the upper tail by its mirror image, where the distribution function keeps its digits
        first, last = F.where(flip, -b, a), F.where(flip, -a, b)
        below, above = (0.5 * F.erfc(-z / math.sqrt(2)) for z in (first, last))
        u = stateless_uniform(shape, seed, dtype=dtype)
        z = F.clip_by_value(F.ndtri(below + u * (above - below)), first, last)
        return F.where(flip, -z, z) * stddevs + means


def stateless_shuffle(value: Any, seed: Any, alg: Any = "auto_select", name: str | None = None) -> Any:
    """The rows of a tensor in an order that depends on the seed alone.

    TensorFlow: tf.random.experimental.stateless_shuffle.
    """
    return emit_one(SHUFFLE, (convert(value), *key_counter(seed, alg)), name=name)


def random_split(seed: Any, num: int = 2, alg: Any = "auto_select") -> Any:
    """`num` new seeds, [num, 2], from one.

    >>> tf.random.split([1, 2], 3).shape
    TensorShape([3, 2])

    TensorFlow: tf.random.split.
    """
    seed = convert(seed)
    return stateless_uniform([num, 2], seed, None, None, seed.dtype, alg=alg)


def random_fold_in(seed: Any, data: Any, alg: Any = "auto_select") -> Any:
    """A new seed from a seed and an integer. TensorFlow: tf.random.fold_in."""
    data = convert(data)
    return F.stack([stateless_uniform([], seed, None, None, data.dtype, alg=alg), data])
