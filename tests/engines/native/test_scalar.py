"""The LLVM builder agrees with NumPy (in float64 where there is one true answer), type by type and at the edges."""

import ctypes
import math
import warnings

import numpy as np
import pytest
import scipy.special as sp

from duoflow.core import dtypes
from duoflow.core.scalar import UNARY, NumpyBuilder, Unsupported
from duoflow.engines.native import target
from duoflow.engines.native.ir import Module
from duoflow.engines.native.jit import assembly, compile_module
from duoflow.engines.native.scalar import LLVMBuilder

LANES = [1, 8, 16]
FLOATS = [dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64]
INTS = [getattr(dtypes, f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)]


def evaluate(body, *arrays, lanes=8):
    """Compile `body(b, *values)` and run it over flat arrays, the rest by a masked tail."""
    arrays = [np.ascontiguousarray(array) for array in arrays]
    kinds = [dtypes.from_numpy(array.dtype) for array in arrays]
    module = Module()
    result = []
    with module.function("k", [("ptr", "ptrs"), ("i64", "n")]) as f:
        b = LLVMBuilder(f, lanes)
        pointers = [f.parameter("%ptrs", i, "ptr") for i in range(len(arrays) + 1)]

        def step(index, mask):
            values = [b.load(kind, pointer, index, mask) for kind, pointer in zip(kinds, pointers[1:])]
            out = body(b, *values)
            result.append(out.dtype)
            b.store(out, pointers[0], index, mask)

        whole = f.mul(f.div("%n", lanes), lanes)
        with f.loop(0, whole, lanes) as loop:
            step(loop.index, None)
        if lanes > 1:
            with f.when(f.compare("slt", whole, "%n")):
                step(whole, f.first_lanes(f.sub("%n", whole), lanes))
    library = compile_module(module.text(), "scalar-test", verify=True)
    out = np.zeros(arrays[0].shape, result[0].numpy)
    table = np.array([out.ctypes.data, *(array.ctypes.data for array in arrays)], np.int64)
    ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(library.address("k"))(table.ctypes.data, out.size)
    return out


def ulps(got, want):
    """The largest distance in units of the last place of `got`'s type from the float64 (or longer) truth."""
    got, want = got.ravel(), np.asarray(want).ravel()
    with np.errstate(all="ignore"):
        rounded = want.astype(got.dtype)
    special = ~np.isfinite(rounded) | ~np.isfinite(got)
    np.testing.assert_array_equal(got[special], rounded[special])
    got, want, rounded = got[~special], want[~special], rounded[~special]
    if not got.size:
        return 0.0
    spacing = np.abs(np.spacing(rounded)).astype(want.dtype)
    return float(np.max(np.abs(got.astype(want.dtype) - want) / spacing))


def samples(low, high, dtype, count=4001):
    """Points spread evenly, and towards zero geometrically if the range holds it."""
    rng = np.random.default_rng(0)
    even = rng.uniform(low, high, count)
    small = np.concatenate([s * np.geomspace(1e-30, max(abs(low), abs(high), 1e-29), 500) for s in (1, -1)])
    small = small[(small >= low) & (small <= high)]
    return np.concatenate([even, small, [low, high]]).astype(dtype)


SPECIAL = [0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, -1.0, 1e-40, -1e-40, 0.5, 2.0, 3e38, -3e38]

#: name, the float64 truth, range, ulps allowed in float32, ulps in float64
FUNCTIONS = [
    ("exp", np.exp, (-104, 89), 1, 1.5),
    ("decay", np.exp, (-87.33, 0), 1, 1.5),
    ("exp2", np.exp2, (-150, 128), 2, 2),
    ("expm1", np.expm1, (-30, 89), 2, 3),
    ("log", np.log, (1e-38, 100), 1, 1.5),
    ("log", np.log, (0.5, 2), 1, 1.5),
    ("log2", np.log2, (1e-38, 100), 2.5, 3),
    ("log1p", np.log1p, (-1, 10), 2, 2),
    ("sin", np.sin, (-1000, 1000), 1.5, 1),
    ("sin", np.sin, (-1e30, 1e30), 1.5, 1),
    ("cos", np.cos, (-1000, 1000), 1.5, 1),
    ("tan", np.tan, (-100, 100), 3, 1.5),
    ("asin", np.arcsin, (-1, 1), 3, 1),
    ("acos", np.arccos, (-1, 1), 3, 1),
    ("atan", np.arctan, (-100, 100), 2.5, 1),
    ("sinh", np.sinh, (-89, 89), 3, 4),
    ("cosh", np.cosh, (-89, 89), 3, 3),
    ("tanh", np.tanh, (-20, 20), 3, 3),
    ("asinh", np.arcsinh, (-1e4, 1e4), 4, 4),
    ("acosh", np.arccosh, (1, 1e4), 4, 4),
    ("atanh", np.arctanh, (-1, 1), 4, 4),
    ("erf", sp.erf, (-5, 5), 2.5, 2),
    ("erfc", sp.erfc, (-5, 9), 4, 100),
    ("lgamma", sp.gammaln, (-20, 50), 1, 1e6),
    ("digamma", sp.digamma, (-20, 50), 3, 1e6),
    ("erfinv", sp.erfinv, (-1, 1), 1, 2e4),
    ("ndtri", sp.ndtri, (1e-30, 1), 1, 2e4),
    ("cbrt", np.cbrt, (-100, 100), 1, 4),
    ("sqrt", np.sqrt, (0, 1e6), 0.51, 0.51),
    ("rsqrt", lambda x: 1 / np.sqrt(x), (1e-6, 1e6), 2, 2),
]


@pytest.mark.parametrize("name, truth, bounds, allowed32, allowed64", FUNCTIONS, ids=[f[0] for f in FUNCTIONS])
def test_functions(name, truth, bounds, allowed32, allowed64):
    warnings.simplefilter("ignore")
    for dtype, allowed in ((np.float32, allowed32), (np.float64, allowed64)):
        x = samples(*bounds, dtype)
        x = x[(x >= bounds[0]) & (x <= bounds[1])]
        got = evaluate(lambda b, v: getattr(b, name)(v), x, lanes=16 if dtype is np.float32 else 8)
        exact = truth(x.astype(np.longdouble)) if name in LONG else truth(x.astype(np.float64))
        assert ulps(got, exact) <= allowed, dtype


LONG = {"exp", "exp2", "expm1", "log", "log2", "log1p", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sqrt"}
LONG |= {"asin", "acos", "atan", "cbrt", "rsqrt", "decay"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name, truth", sorted({(f[0], f[1]) for f in FUNCTIONS}, key=lambda f: f[0]), ids=lambda f: f)
def test_functions_at_special_values(name, truth, dtype):
    warnings.simplefilter("ignore")
    x = np.array(SPECIAL, dtype)
    x = x[np.abs(x) < 1e30] if name in ("sin", "cos", "tan", "digamma") else x
    x = x[~(x > 0)] if name == "decay" else x
    got = evaluate(lambda b, v: getattr(b, name)(v), x)
    want = np.asarray(truth(x.astype(np.float64))).astype(dtype)
    if name == "lgamma":
        want[np.isinf(x)] = np.inf  # as C and TensorFlow; SciPy has -inf at -inf
    if name == "digamma":
        want[x == 0] = np.nan
    np.testing.assert_allclose(got, want, rtol=2e-6 if dtype is np.float32 else 1e-11)
    if name in (
        "sin",
        "tan",
        "asin",
        "atan",
        "sinh",
        "tanh",
        "asinh",
        "atanh",
        "erf",
        "expm1",
        "log1p",
        "erfinv",
        "cbrt",
    ):
        np.testing.assert_array_equal(np.signbit(got[:2]), [False, True])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("dtype", FLOATS, ids=lambda d: d.name)
def test_the_whole_vocabulary_is_there_for_every_float(name, dtype):
    x = np.linspace(1.0 if name == "acosh" else 0.1, 2.0 if name == "acosh" else 0.9, 50).astype(dtype.numpy)
    got = evaluate(lambda b, v: getattr(b, name)(v), x)
    wide = x if dtype.size > 2 else x.astype(np.float32)
    want = getattr(NumpyBuilder, name)(wide).astype(dtype.numpy)
    limit = {2: 1e-2, 4: 2e-6, 8: 1e-11}[dtype.size]
    np.testing.assert_allclose(got.astype(np.float64), want.astype(np.float64), rtol=limit, atol=limit)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_power(dtype):
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 50, 3000).astype(dtype), rng.uniform(-15, 15, 3000).astype(dtype)
    got = evaluate(lambda b, u, v: b.pow(u, v), x, y)
    assert ulps(got, np.power(x.astype(np.longdouble), y.astype(np.longdouble))) <= 1
    special = np.array([0.0, -0.0, 1, -1, 2, -2, 0.5, -0.5, np.inf, -np.inf, np.nan, 3, -3], dtype)
    u, v = (grid.ravel() for grid in np.meshgrid(special, special))
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(evaluate(lambda b, u, v: b.pow(u, v), u, v), np.power(u, v), rtol=1e-6)
    for exponent in (0, 1, 2, 3, 4, -1, 0.5, 2.5):
        got = evaluate(lambda b, u: b.pow(u, exponent), x)
        np.testing.assert_allclose(got, x ** dtype(exponent), rtol=1e-6)


def test_arctangent_of_a_quotient():
    special = np.array([0.0, -0.0, 1, -1, 2, -3, np.inf, -np.inf, np.nan, 1e-40, 1e30], np.float32)
    y, x = (grid.ravel() for grid in np.meshgrid(special, special))
    for dtype in (np.float32, np.float64):
        got = evaluate(lambda b, u, v: b.atan2(u, v), y.astype(dtype), x.astype(dtype))
        np.testing.assert_allclose(got, np.arctan2(y.astype(dtype), x.astype(dtype)), rtol=4e-7)
        np.testing.assert_array_equal(np.signbit(got), np.signbit(np.arctan2(y, x)))


BINARY = [
    ("add", lambda b, x, y: x + y, np.add),
    ("sub", lambda b, x, y: x - y, np.subtract),
    ("mul", lambda b, x, y: x * y, np.multiply),
    ("minimum", lambda b, x, y: b.minimum(x, y), np.minimum),
    ("maximum", lambda b, x, y: b.maximum(x, y), np.maximum),
    ("lt", lambda b, x, y: x < y, np.less),
    ("le", lambda b, x, y: x <= y, np.less_equal),
    ("gt", lambda b, x, y: x > y, np.greater),
    ("ge", lambda b, x, y: x >= y, np.greater_equal),
    ("eq", lambda b, x, y: x == y, np.equal),
    ("ne", lambda b, x, y: x != y, np.not_equal),
    ("floordiv", lambda b, x, y: x // y, np.floor_divide),
    ("floormod", lambda b, x, y: x % y, np.mod),
    ("fmod", lambda b, x, y: b.fmod(x, y), np.fmod),
]


def operands(dtype):
    rng = np.random.default_rng(1)
    if dtype.is_integer:
        low, high = int(dtype.min), int(dtype.max)
        edges = np.array([low, high, 0, 1, max(low, -1), high - 1, 2, 7], dtype.numpy)
        x = np.concatenate([rng.integers(low, high, 61, dtype.numpy, endpoint=True), np.repeat(edges, 8)])
        y = np.concatenate([rng.integers(max(low, -9), 9, 61).astype(dtype.numpy), np.tile(edges, 8)])
        return x, y
    edges = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.5, -2.5, 1e-3])
    x = np.concatenate([rng.normal(0, 10, 61), np.repeat(edges, 8)]).astype(dtype.numpy)
    return x, np.concatenate([rng.normal(0, 3, 61), np.tile(edges, 8)]).astype(dtype.numpy)


@pytest.mark.parametrize("dtype", FLOATS + INTS, ids=lambda d: d.name)
def test_binary_operations(dtype):
    warnings.simplefilter("ignore")
    x, y = operands(dtype)
    for name, body, meaning in BINARY:
        wide = np.float32 if dtype.size == 2 and dtype.is_floating else dtype.numpy
        u, v = x, y
        if name in ("floordiv", "floormod", "fmod"):
            if dtype.is_floating:
                fine = np.isfinite(x.astype(wide)) & np.isfinite(y.astype(wide)) & (y != 0)
                u, v = x[fine], y[fine]
        want = meaning(u.astype(wide), v.astype(wide))
        if name == "floordiv" and dtype.is_floating:
            want = np.floor(u.astype(wide) / v.astype(wide))
        want = want if want.dtype == np.bool_ else want.astype(dtype.numpy)
        got = evaluate(body, u, v, lanes=16)
        np.testing.assert_array_equal(got.astype(np.float64), want.astype(np.float64), err_msg=name)


@pytest.mark.parametrize("dtype", INTS, ids=lambda d: d.name)
def test_integer_operations(dtype):
    warnings.simplefilter("ignore")
    x, y = operands(dtype)
    for body, meaning in [
        (lambda b, x, y: x & y, np.bitwise_and),
        (lambda b, x, y: x | y, np.bitwise_or),
        (lambda b, x, y: x ^ y, np.bitwise_xor),
        (lambda b, x, y: ~x, lambda x, y: ~x),
        (lambda b, x, y: -x, lambda x, y: np.negative(x)),
        (lambda b, x, y: b.abs(x), lambda x, y: np.abs(x)),
        (lambda b, x, y: b.sign(x), lambda x, y: np.sign(x)),
        (lambda b, x, y: x << 3, lambda x, y: x << np.array(3, x.dtype)),
        (lambda b, x, y: x >> 3, lambda x, y: x >> np.array(3, x.dtype)),
        (lambda b, x, y: b.popcount(x), lambda x, y: np.bitwise_count(x.view(f"u{x.itemsize}"))),
        (lambda b, x, y: b.pow(x, y & 7), lambda x, y: np.power(x, y & y.dtype.type(7))),
        (lambda b, x, y: b.fma(x, y, x), lambda x, y: x * y + x),
        (lambda b, x, y: x * 3 - 1, lambda x, y: x * x.dtype.type(3) - x.dtype.type(1)),
    ]:
        np.testing.assert_array_equal(evaluate(body, x, y, lanes=16), meaning(x, y))
    width = 8 * dtype.size
    counts = np.array([width, width + 1, 100, -1], np.int64).astype(dtype.numpy)
    ones = np.full(4, 1, dtype.numpy)
    clamped = np.clip(counts.astype(object), 0, width - 1).astype(np.uint64)
    want = (np.uint64(1) << clamped).astype(dtype.numpy)
    np.testing.assert_array_equal(evaluate(lambda b, x, y: x << y, ones, counts), want)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", [d for d in INTS if not d.is_unsigned], ids=lambda d: d.name)
def test_division_towards_zero(dtype):
    x, y = operands(dtype)
    quotient = lambda a, b: 0 if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    want = [quotient(a, b) for a, b in zip(x.tolist(), y.tolist())]
    want = np.array([w & ((1 << 8 * dtype.size) - 1) for w in want], np.uint64).astype(dtype.numpy)
    np.testing.assert_array_equal(evaluate(lambda b, u, v: b.truncdiv(u, v), x, y), want)
    for constant in (3, -7, -1, 1, 0):
        want = np.floor_divide(x, dtype.numpy.type(constant)) if constant else np.zeros_like(x)
        np.testing.assert_array_equal(evaluate(lambda b, u: u // constant, x), want)


@pytest.mark.parametrize("lanes", LANES)
def test_floats_one_at_a_time_or_many(lanes):
    x = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, np.nan, np.inf, -0.0, 7.7, 1e10], np.float32)
    for body, meaning in [
        (lambda b, v: b.floor(v), np.floor),
        (lambda b, v: b.ceil(v), np.ceil),
        (lambda b, v: b.round(v), np.rint),
        (lambda b, v: b.trunc(v), np.trunc),
        (lambda b, v: b.abs(v), np.abs),
        (lambda b, v: b.sign(v), np.sign),
        (lambda b, v: b.isnan(v), np.isnan),
        (lambda b, v: b.isinf(v), np.isinf),
        (lambda b, v: b.isfinite(v), np.isfinite),
        (lambda b, v: b.select(v > 1, v, 0.0), lambda v: np.where(v > 1, v, 0)),
        (lambda b, v: b.maximum(v, 0.0), lambda v: np.maximum(v, 0)),
        (lambda b, v: b.maximum(0.0, v), lambda v: np.maximum(v, 0)),
        (lambda b, v: 1 - v, lambda v: 1 - v),
        (lambda b, v: 2 / v, lambda v: 2 / v),
        (lambda b, v: b.exp(v), np.exp),
    ]:
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(evaluate(body, x, lanes=lanes), meaning(x), rtol=2e-7)


CASTS = FLOATS + INTS + [dtypes.bool_]


@pytest.mark.parametrize("source", CASTS, ids=lambda d: d.name)
def test_casts(source):
    warnings.simplefilter("ignore")
    x = np.array([0, 1, 2, 3, 100, 5, 0, 7, 64], np.float64).astype(source.numpy)
    if source.is_floating or not (source.is_unsigned or source.is_bool):
        x = np.concatenate([x, np.array([-1, -100, -3], np.float64).astype(source.numpy)])
    for dtype in CASTS:
        got = evaluate(lambda b, v: b.cast(v, dtype), x, lanes=16)
        wrapped = source.is_floating and dtype.is_unsigned  # negative numbers wrap around
        want = x.astype(np.int64) if wrapped else x
        np.testing.assert_array_equal(got, want.astype(dtype.numpy))


def test_casts_out_of_range_give_the_most_negative_number():
    x = np.array([1e10, -1e10, np.nan, np.inf, 2.9, -2.9, 300.0], np.float32)
    got = evaluate(lambda b, v: b.cast(v, dtypes.int32), x)
    assert got.tolist() == [-(2**31)] * 4 + [2, -2, 300]
    assert evaluate(lambda b, v: b.cast(v, dtypes.uint8), x).tolist() == [0, 0, 0, 0, 2, 254, 44]


@pytest.mark.parametrize("dtype", [dtypes.float16, dtypes.bfloat16], ids=lambda d: d.name)
@pytest.mark.parametrize("hardware", [True, False])
def test_short_floats_round_to_nearest_even(dtype, hardware, monkeypatch):
    host = target.host()
    if hardware and not host.converts_float16:
        pytest.skip("this processor does not convert float16")
    module_target = target.Target(**{**host.__dict__, "converts_float16": hardware})
    monkeypatch.setattr("duoflow.engines.native.ir.host", lambda: module_target)
    every = np.arange(65536, dtype=np.uint16).view(dtype.numpy)
    exact = evaluate(lambda b, v: b.cast(v, dtypes.float32), every, lanes=16)
    np.testing.assert_array_equal(exact, every.astype(np.float32))
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, s, 5000) for s in (1e-8, 1e-6, 1e-5, 1, 1e4, 1e5, 5e37)]).astype(np.float32)
    with np.errstate(all="ignore"):
        middles = (exact[:-1] + exact[1:]) / 2
    edges = [np.inf, -np.inf, np.nan, 65519, 65520, 3.3e38]
    x = np.concatenate([x, middles[np.isfinite(middles)], edges]).astype(np.float32)
    with np.errstate(all="ignore"):
        want = x.astype(dtype.numpy)
    got = evaluate(lambda b, v: b.cast(v, dtype), x, lanes=16)
    np.testing.assert_array_equal(got.astype(np.float32), want.astype(np.float32))
    bits = evaluate(lambda b, v: b.bitcast(b.cast(v, dtype), dtypes.uint16), x[np.isfinite(x)])
    np.testing.assert_array_equal(bits, want[np.isfinite(x)].view(np.uint16))


def test_bitcasts_and_high_products():
    x = np.array([1.0, -2.5, np.nan, 0.0], np.float32)
    np.testing.assert_array_equal(evaluate(lambda b, v: b.bitcast(v, dtypes.int32), x), x.view(np.int32))
    with pytest.raises(Unsupported, match="bitcast"):
        evaluate(lambda b, v: b.bitcast(v, dtypes.int64), x)
    u = np.random.default_rng(0).integers(0, 2**32, 100, np.uint32)
    high = (u.astype(np.uint64) * u[::-1] >> np.uint64(32)).astype(np.uint32)
    np.testing.assert_array_equal(evaluate(lambda b, x, y: b.mulhi(x, y), u, u[::-1].copy(), lanes=16), high)


def test_bools():
    x, y = np.array([0, 0, 1, 1], bool), np.array([0, 1, 0, 1], bool)
    assert evaluate(lambda b, x, y: x & ~y, x, y).tolist() == [False, False, True, False]
    assert evaluate(lambda b, x, y: (x | y) ^ True, x, y).tolist() == [True, False, False, False]
    assert evaluate(lambda b, x, y: x == y, x, y).tolist() == [True, False, False, True]
    stored = np.array([2, 0, 255, 1], np.uint8).view(bool)  # any non-zero byte is true
    assert evaluate(lambda b, x: b.cast(x, dtypes.int32), stored).tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize("lanes", LANES)
def test_lanes_fold_and_memory_moves(lanes):
    """Sum by fold, a strided load, gather, scatter and iota together reverse and add up a vector."""
    module = Module()
    with module.function("k", [("ptr", "x"), ("ptr", "y"), ("ptr", "total")]) as f:
        b = LLVMBuilder(f, lanes)
        odd = b.load_strided(dtypes.float32, "%x", 1, 2)
        backwards = lanes - 1 - b.iota(dtypes.int32)
        b.scatter(odd, "%y", backwards)
        same = b.gather(dtypes.float32, "%y", b.iota(dtypes.int64))
        total = b.fold(same * b.load_uniform(dtypes.float32, "%x", 2), lambda _, left, right: left + right)
        b.narrower(1).store(total, "%total")
        b.narrower(1).store(b.lane(odd, lanes - 1), "%total", 1)
    library = compile_module(module.text(), "lanes", verify=True)
    x, y, total = np.arange(2 * lanes + 2, dtype=np.float32), np.zeros(lanes, np.float32), np.zeros(2, np.float32)
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3)(library.address("k"))
    call(x.ctypes.data, y.ctypes.data, total.ctypes.data)
    odd = x[1 : 2 * lanes : 2]
    np.testing.assert_array_equal(y, odd[::-1])
    assert total.tolist() == [2 * odd.sum(), odd[-1]]


def test_misuse_is_named():
    module = Module()
    with module.function("k", [("ptr", "x")]) as f:
        b = LLVMBuilder(f, 8)
        x = b.load(dtypes.float32, "%x")
        n = b.const(3, dtypes.int32)
        with pytest.raises(TypeError, match="types float32 and int32; cast"):
            x + n
        with pytest.raises(TypeError, match="divides floats"):
            n / 2
        with pytest.raises(TypeError, match="has no truth"):
            bool(x > 0)
        with pytest.raises(TypeError, match="needs integers"):
            x & x
        with pytest.raises(TypeError, match="not defined on bool"):
            (x > 0) + (x > 1)
        with pytest.raises(Unsupported, match="bessel"):
            b.bessel(x)
        with pytest.raises(Unsupported, match="complex64"):
            b.load(dtypes.complex64, "%x")
        with pytest.raises(Unsupported, match="exp of int32"):
            b.exp(n)


@pytest.mark.parametrize("machine", [target.SSE2, target.AVX2, target.AVX512, target.NEON], ids=lambda m: m.cpu)
def test_every_function_compiles_for_other_processors(machine):
    module = Module(machine)
    for dtype in FLOATS:
        with module.function(f"all_{dtype.name}", [("ptr", "x")]) as f:
            b = LLVMBuilder(f, machine.lanes(4))
            x = b.load(dtype, "%x")
            for name in ("exp", "log", "tanh", "erf", "sin", "cbrt", "rsqrt", "round"):
                b.store(getattr(b, name)(x), "%x")
            b.store(b.cast(x, dtypes.int8), "%x")
    assert assembly(module.text(), machine)
