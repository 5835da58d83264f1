"""Philox 4x32-10: random words as a pure function of a key and a counter (Salmon et al., SC'11), and what TensorFlow
makes of the words.

Word `i` of a stream is lane `i % 4` of block `i // 4`; block `j` is the cipher of the counter plus `j`. The functions
that take a builder `b` run one element at a time on any engine; `words` computes many at once with NumPy, and the
distributions on top of it are those of TensorFlow's CPU kernels, number for number.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from duoflow.core import dtypes, special
from duoflow.core.dtypes import DType
from duoflow.core.scalar import NumpyBuilder

Array: TypeAlias = "np.ndarray[Any, Any]"

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_MASK = 0xFFFFFFFF
_ROUNDS = 10

#: Blocks that TensorFlow sets aside for each output (or group of outputs) of a distribution that rejects.
RESERVED = 256

#: The key under which the seed of a stateless function becomes its key and counter.
SCRAMBLING_KEY = 0x02461E293EC8F720

# -- one element, on any builder ---------------------------------------------------------------------------------------


def block(b: Any, index: Any, key: Any, low: Any, high: Any) -> tuple[Any, Any, Any, Any]:
    """The four words (uint32) of block `index`, from the key and both halves of the counter (all uint64)."""
    start = low + index
    high = high + b.cast(start < low, dtypes.uint64)
    c0, c1 = _halves(b, start)
    c2, c3 = _halves(b, high)
    k0, k1 = _halves(b, key)
    m0, m1 = (b.const(m, dtypes.uint32) for m in _MULTIPLIERS)
    for i in range(_ROUNDS):
        if i:
            k0, k1 = k0 + b.const(_WEYL[0], dtypes.uint32), k1 + b.const(_WEYL[1], dtypes.uint32)
        c0, c1, c2, c3 = b.mulhi(c2, m1) ^ c1 ^ k0, c2 * m1, b.mulhi(c0, m0) ^ c3 ^ k1, c0 * m0
    return c0, c1, c2, c3


def _halves(b: Any, x: Any) -> tuple[Any, Any]:
    return b.cast(x & b.const(_MASK, dtypes.uint64), dtypes.uint32), b.cast(
        x >> b.const(32, dtypes.uint64), dtypes.uint32
    )


def element_words(b: Any, index: Any, key: Any, low: Any, high: Any, count: int) -> tuple[Any, ...]:
    """The `count` (1 or 2) words of element `index`, when elements take that many each."""
    index = b.cast(index, dtypes.uint64)
    per_block = 4 // count
    lane = index % b.const(per_block, dtypes.uint64)
    w = block(b, index // b.const(per_block, dtypes.uint64), key, low, high)
    if count == 2:
        second = lane == b.const(1, dtypes.uint64)
        return b.select(second, w[2], w[0]), b.select(second, w[3], w[1])
    odd = (lane & b.const(1, dtypes.uint64)) == b.const(1, dtypes.uint64)
    upper = lane >= b.const(2, dtypes.uint64)
    return (b.select(upper, b.select(odd, w[3], w[2]), b.select(odd, w[1], w[0])),)


def words_per_element(dtype: DType) -> int:
    """How many 32-bit words one uniform number takes."""
    return 2 if dtype.size == 8 else 1


def unit(b: Any, dtype: DType, w: tuple[Any, ...]) -> Any:
    """A number in [0, 1) from the low bits of a word (float64: of two words)."""
    if dtype is dtypes.float64:
        bits = join(b, w[1], w[0] & b.const(0xFFFFF, dtypes.uint32))
        return b.cast(bits, dtype) * b.const(2.0**-52, dtype)
    digits = {"float32": 23, "float16": 10, "bfloat16": 7}[dtype.name]
    fraction = b.cast(b.cast(w[0] & b.const((1 << digits) - 1, dtypes.uint32), dtypes.int32), dtypes.float32)
    return b.cast(fraction * b.const(2.0**-digits, dtypes.float32), dtype)


def join(b: Any, low: Any, high: Any) -> Any:
    """Two words as one uint64."""
    return b.cast(low, dtypes.uint64) | (b.cast(high, dtypes.uint64) << b.const(32, dtypes.uint64))


def full_int(b: Any, dtype: DType, w: tuple[Any, ...]) -> Any:
    """An integer of any value."""
    bits = join(b, w[0], w[1]) if dtype.size == 8 else w[0]
    return b.bitcast(bits, dtype) if not dtype.is_unsigned else bits


def box_muller(b: Any, u: Any, v: Any, dtype: DType) -> tuple[Any, Any]:
    """A pair of standard normal numbers from a pair of uniform ones."""
    radius = b.sqrt(b.log(b.maximum(u, b.const(1e-7, dtype))) * b.const(-2.0, dtype))
    angle = b.cast(b.cast(v, dtypes.float64) * b.const(2 * np.pi, dtypes.float64), dtype)
    return b.sin(angle) * radius, b.cos(angle) * radius


def normal(b: Any, dtype: DType, index: Any, key: Any, low: Any, high: Any) -> Any:
    """Standard normal element `index`: half of a pair that shares its words."""
    index = b.cast(index, dtypes.uint64)
    odd = (index & b.const(1, dtypes.uint64)) == b.const(1, dtypes.uint64)
    pair = index >> b.const(1, dtypes.uint64)
    if dtype is dtypes.float64:
        w = block(b, pair, key, low, high)
        first, second = box_muller(b, unit(b, dtype, w[:2]), unit(b, dtype, w[2:]), dtype)
        return b.select(odd, second, first)
    u, v = (unit(b, dtypes.float32, (w,)) for w in element_words(b, pair, key, low, high, 2))
    first, second = box_muller(b, u, v, dtypes.float32)
    return b.cast(b.select(odd, second, first), dtype)


# -- many at once, with NumPy ------------------------------------------------------------------------------------------


def blocks(index: Array, key: int, counter: Array) -> Array:
    """The words of the blocks numbered by `index` (uint64 [n]): uint32 [n, 4]."""
    low, high = np.uint64(counter[0]), np.uint64(counter[1])
    start = index + low
    top = (start < low).astype(np.uint64) + high
    mask, shift = np.uint64(_MASK), np.uint64(32)
    c0, c1, c2, c3 = start & mask, start >> shift, top & mask, top >> shift
    k0, k1 = int(key) & _MASK, int(key) >> 32
    m0, m1 = (np.uint64(m) for m in _MULTIPLIERS)
    for _ in range(_ROUNDS):
        p0, p1 = c0 * m0, c2 * m1
        c0, c1, c2, c3 = (p1 >> shift) ^ c1 ^ np.uint64(k0), p1 & mask, (p0 >> shift) ^ c3 ^ np.uint64(k1), p0 & mask
        k0, k1 = (k0 + _WEYL[0]) & _MASK, (k1 + _WEYL[1]) & _MASK
    return np.stack([c0, c1, c2, c3], axis=-1).astype(np.uint32)


_CHUNK = 1 << 14


def words(count: int, key: int, counter: Array) -> Array:
    """The first `count` words of a stream, in chunks that stay in the cache."""
    needed = -(-count // 4)
    out = np.empty((needed, 4), np.uint32)
    for begin in range(0, needed, _CHUNK):
        end = min(begin + _CHUNK, needed)
        out[begin:end] = blocks(np.arange(begin, end, dtype=np.uint64), key, counter)
    return out.reshape(-1)[:count]


def scramble(seed: Array) -> tuple[Array, Array]:
    """The key (uint64 [1]) and counter (uint64 [2]) that stateless functions make of a seed of two integers."""
    mixed = blocks(np.zeros(1, np.uint64), SCRAMBLING_KEY, seed.astype(np.int64).view(np.uint64))[0].astype(np.uint64)
    pairs = mixed[::2] | mixed[1::2] << np.uint64(32)
    return pairs[:1], np.asarray([0, pairs[1]], np.uint64)


def uniform(count: int, key: int, counter: Array, dtype: DType) -> Array:
    """`count` numbers in [0, 1)."""
    each = words_per_element(dtype)
    w = words(count * each, key, counter).reshape(count, each)
    return unit(NumpyBuilder, dtype, tuple(w.T))  # type: ignore[no-any-return]


def integers(count: int, key: int, counter: Array, dtype: DType) -> Array:
    """`count` integers of any value."""
    each = words_per_element(dtype)
    w = words(count * each, key, counter).reshape(count, each)
    return full_int(NumpyBuilder, dtype, tuple(np.ascontiguousarray(v) for v in w.T))  # type: ignore[no-any-return]


def normal_pairs(w: Array, dtype: DType) -> Array:
    """Standard normal numbers, as many as float32 words (half as many for float64), rounded once from float64."""
    if dtype is dtypes.float64:
        quads = w.reshape(*w.shape[:-1], -1, 4)
        u, v = (unit(NumpyBuilder, dtype, (quads[..., i], quads[..., i + 1])) for i in (0, 2))
        pairs = box_muller(NumpyBuilder, u, v, dtype)
    else:
        u, v = (unit(NumpyBuilder, dtypes.float32, (w[..., i::2],)) for i in (0, 1))
        angle = (v.astype(np.float64) * (2 * np.pi)).astype(np.float32)
        radius = np.sqrt(-2 * np.log(np.maximum(u, np.float32(1e-7)).astype(np.float64)).astype(np.float32))
        wide = angle.astype(np.float64)
        pairs = np.sin(wide).astype(np.float32) * radius, np.cos(wide).astype(np.float32) * radius
    out = np.stack(pairs, axis=-1)
    return out.reshape(*out.shape[:-2], -1)


def normals(count: int, key: int, counter: Array, dtype: DType) -> Array:
    """`count` standard normal numbers."""
    each = 2 if dtype is dtypes.float64 else 1
    step = 4 if each == 2 else 2
    w = words(-(-count * each // step) * step, key, counter)
    return normal_pairs(w, dtype)[:count].astype(dtype.numpy)


def truncated_normals(count: int, key: int, counter: Array, dtype: DType) -> Array:
    """`count` standard normal numbers, redrawn until within two standard deviations.

    Groups of four outputs (two of float64) each draw from blocks of their own.
    """
    group, skip = (2, 128) if dtype is dtypes.float64 else (4, 256)
    groups = -(-count // group)
    out = np.empty((groups, group), np.float64 if group == 2 else np.float32)
    left, tries = np.arange(groups), 2
    while left.size:
        index = (left.astype(np.uint64) * np.uint64(skip))[:, None] + np.arange(tries, dtype=np.uint64)
        drawn = normal_pairs(blocks(index.reshape(-1), key, counter).reshape(left.size, -1), dtype)
        inside = np.abs(drawn) < 2
        done = inside.sum(1) >= group
        order = np.argsort(~inside[done], axis=1, kind="stable")[:, :group]
        out[left[done]] = np.take_along_axis(drawn[done], order, 1)
        left, tries = left[~done], tries * 2
    return out.reshape(-1)[:count].astype(dtype.numpy)


def permutation(size: int, key: int, counter: Array) -> Array:
    """A Fisher-Yates shuffle of 0..size-1."""
    order = list(range(size))
    for i, word in enumerate(words(max(size - 1, 0), key, counter).tolist()):
        j = i + word % (size - i)
        order[i], order[j] = order[j], order[i]
    return np.asarray(order, np.int64)


def categories(logits: Array, samples: int, key: int, counter: Array) -> Array:
    """`samples` draws from each row of unnormalised log-probabilities, by inverting the cumulative sum."""
    batch = logits.shape[0]
    wide = logits.astype(np.float64)
    top = np.max(np.where(np.isfinite(wide), wide, -np.inf), axis=1, keepdims=True, initial=-np.inf)
    sums = np.cumsum(np.where(np.isfinite(wide), np.exp(wide - top), 0.0), axis=1)
    where = uniform(batch * samples, key, counter, dtypes.float64).reshape(batch, samples) * sums[:, -1:]
    rows = [np.searchsorted(row, points, side="right") for row, points in zip(sums, where, strict=True)]
    return np.asarray(rows, np.int64).reshape(batch, samples)


class Streams:
    """A stream of float64 numbers per output, each from blocks of its own, drawn two to a block as TensorFlow does.

    The second number of a block is handed out first.
    """

    def __init__(self, count: int, key: int, counter: Array) -> None:
        self._key, self._counter = key, counter
        self._next = np.arange(count, dtype=np.uint64) * np.uint64(RESERVED)
        self._held = {kind: np.empty((count, 2)) for kind in ("uniform", "normal")}
        self._left = {kind: np.zeros(count, np.int64) for kind in ("uniform", "normal")}

    def draw(self, kind: str, which: Array) -> Array:
        """The next number ("uniform" or "normal") of each stream in `which`."""
        left, held = self._left[kind], self._held[kind]
        empty = which[left[which] == 0]
        if empty.size:
            w = blocks(self._next[empty], self._key, self._counter)
            self._next[empty] += np.uint64(1)
            if kind == "normal":
                held[empty] = normal_pairs(w, dtypes.float64)
            else:
                held[empty, 0] = unit(NumpyBuilder, dtypes.float64, (w[:, 0], w[:, 1]))
                held[empty, 1] = unit(NumpyBuilder, dtypes.float64, (w[:, 2], w[:, 3]))
            left[empty] = 2
        left[which] -= 1
        return held[which, left[which]]


def gammas(alpha: Array, key: int, counter: Array) -> Array:
    """One draw per entry of `alpha` (float64 [n]) from the gamma distribution of that shape and scale 1.

    Marsaglia and Tsang, "A simple method for generating gamma variables" (2000).
    """
    streams, out = Streams(alpha.size, key, counter), np.empty(alpha.size)
    exponential = np.flatnonzero(alpha == 1)
    if exponential.size:
        out[exponential] = -np.log1p(-streams.draw("uniform", exponential))
    small = alpha < 1
    d = alpha + np.where(small, 2.0 / 3, -1.0 / 3)
    c = 1.0 / 3 / np.sqrt(d)
    active = np.flatnonzero(alpha != 1)
    while active.size:
        x = streams.draw("normal", active)
        v = 1 + c[active] * x
        positive = v > 0
        trial, x, v = active[positive], x[positive], v[positive] ** 3
        u = streams.draw("uniform", trial)
        good = (u < 1 - 0.0331 * x**4) | (np.log(u) < 0.5 * x * x + d[trial] * (1 - v + np.log(v)))
        kept = trial[good]
        out[kept] = d[kept] * v[good]
        tiny = kept[small[kept]]
        if tiny.size:
            out[tiny] *= streams.draw("uniform", tiny) ** (1 / alpha[tiny])
        active = np.setdiff1d(active, kept, assume_unique=True)
    return out


def poissons(rate: Array, key: int, counter: Array) -> Array:
    """One draw per entry of `rate` (float64 [n]) from the Poisson distribution.

    Knuth's product of uniforms below a rate of 10, Hörmann's transformed rejection (PTRS, 1993) from there on.
    """
    streams, out = Streams(rate.size, key, counter), np.zeros(rate.size)
    out[~np.isfinite(rate) | (rate < 0)] = np.nan
    active, product = np.flatnonzero(rate < 10), np.ones(rate.size)
    limit = np.exp(-rate)
    while active.size:
        product[active] *= streams.draw("uniform", active)
        active = active[product[active] > limit[active]]
        out[active] += 1
    active = np.flatnonzero((rate >= 10) & np.isfinite(rate))
    b = 0.931 + 2.53 * np.sqrt(rate)
    a = -0.059 + 0.02483 * b
    while active.size:
        u = streams.draw("uniform", active) - 0.5
        v = streams.draw("uniform", active)
        r, aa, bb = rate[active], a[active], b[active]
        us = 0.5 - np.abs(u)
        k = np.floor((2 * aa / us + bb) * u + r + 0.43)
        quick = (us >= 0.07) & (v <= 0.9277 - 3.6224 / (bb - 2))
        possible = ~((k < 0) | (us < 0.013) & (v > us))
        s = np.log(v * (1.1239 + 1.1328 / (bb - 3.4)) / (aa / (us * us) + bb))
        good = quick | possible & (s <= -r + k * np.log(r) - special.lgamma(k + 1))
        out[active[good]] = k[good]
        active = active[~good]
    return out


def binomials(counts: Array, probs: Array, key: int, counter: Array) -> Array:
    """One draw per entry (float64 [n] each) from the binomial distribution.

    Sums of geometric steps while the mean is below 10, Hörmann's BTRS (1993) from there on.
    """
    streams = Streams(counts.size, key, counter)
    p = np.minimum(probs, 1 - probs)
    regular = (counts > 0) & (p > 0)
    out = np.zeros(counts.size)
    few = counts * p < 10
    _binomials_by_steps(out, streams, counts, p, np.flatnonzero(regular & few))
    _binomials_by_rejection(out, streams, counts, p, np.flatnonzero(regular & ~few))
    out = np.where(probs > 0.5, counts - out, out)
    out = np.where(counts <= 0, 0, np.where(probs >= 1, counts, np.where(probs <= 0, 0, out)))
    return np.where(np.isnan(counts) | np.isnan(probs) | (counts < 0) | (probs < 0) | (probs > 1), np.nan, out)


def _binomials_by_steps(out: Array, streams: Streams, counts: Array, p: Array, active: Array) -> None:
    reached = np.zeros(counts.size)
    while active.size:
        u = streams.draw("uniform", active)
        reached[active] += np.ceil(np.log(u) / np.log1p(-p[active]))
        active = active[reached[active] <= counts[active]]
        out[active] += 1


def _binomials_by_rejection(out: Array, streams: Streams, counts: Array, p: Array, active: Array) -> None:
    while active.size:
        n, q = counts[active], p[active]
        spread = np.sqrt(n * q * (1 - q))
        b = 1.15 + 2.53 * spread
        a = -0.0873 + 0.0248 * b + 0.01 * q
        u = streams.draw("uniform", active) - 0.5
        v = streams.draw("uniform", active)
        us = 0.5 - np.abs(u)
        k = np.floor((2 * a / us + b) * u + n * q + 0.5)
        quick = (us >= 0.07) & (v <= 0.92 - 4.2 / b)
        possible = (k >= 0) & (k <= n)
        safe = np.clip(k, 0, n)
        ratio, m = q / (1 - q), np.floor((n + 1) * q)
        bound = (
            (m + 0.5) * np.log((m + 1) / (ratio * (n - m + 1)))
            + (n + 1) * np.log((n - m + 1) / (n - safe + 1))
            + (safe + 0.5) * np.log(ratio * (n - safe + 1) / (safe + 1))
            + _stirling_tail(m) + _stirling_tail(n - m) - _stirling_tail(safe) - _stirling_tail(n - safe)
        )  # fmt: skip
        good = quick | possible & (np.log(v * (2.83 + 5.1 / b) * spread / (a / (us * us) + b)) <= bound)
        out[active[good]] = k[good]
        active = active[~good]


def _stirling_tail(k: Array) -> Array:
    """What Stirling's approximation of log k! leaves out."""
    tail: Array = special.lgamma(k + 1) - (0.5 * np.log(2 * np.pi) + (k + 0.5) * np.log(k + 1) - (k + 1))
    return tail
