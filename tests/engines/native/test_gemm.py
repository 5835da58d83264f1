"""Matrix products against NumPy in float64: every remainder, layout, type, split and kind of epilogue."""

import ctypes
from dataclasses import replace

import numpy as np
import pytest

from duoflow.core import dtypes
from duoflow.engines.native import target
from duoflow.engines.native.ir import Module
from duoflow.engines.native.jit import assembly, compile_module
from duoflow.engines.native.kernels.gemm import Gemm, GemmWriter, generic
from duoflow.engines.native.kernels.tiles import TileWriter
from duoflow.engines.native.scalar import memory_type
from duoflow.engines.native.threads import Block

KERNEL = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * 3)
THREADS = 3


def call(address, operands, consts=(), parts=1):
    """Run all parts of a kernel one after the other."""
    table = np.array([x if isinstance(x, int) else x.ctypes.data for x in operands], np.int64)
    numbers = np.array([*consts, 0], np.int64)
    for part in range(parts):
        KERNEL(address)(table.ctypes.data, numbers.ctypes.data, part, parts, part % THREADS)


def run(gemm, a, b, c, parts=1, epilogue=0, extra=()):
    address, consts = generic(gemm, epilogue)
    scratch = Block(gemm.scratch_bytes(THREADS))
    call(address, [a, b, c, scratch.address, *extra], consts, parts)


def matrices(gemm, transpose_a, transpose_b, seed=0):
    rng = np.random.default_rng(seed)
    entries = gemm.batch[0] * gemm.batch[1]
    shape = lambda rows, cols, flip: (entries, cols, rows) if flip else (entries, rows, cols)
    a = rng.standard_normal(shape(gemm.m, gemm.k, transpose_a)).astype(gemm.dtype.numpy)
    b = rng.standard_normal(shape(gemm.k, gemm.n, transpose_b)).astype(gemm.dtype.numpy)
    return a, b


def product(a, b, transpose_a, transpose_b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    return (a.swapaxes(1, 2) if transpose_a else a) @ (b.swapaxes(1, 2) if transpose_b else b)


def check(m, n, k, ta=False, tb=False, dtype=dtypes.float32, parts=1, batch=1, out=None):
    gemm = Gemm.of(m, n, k, transpose_a=ta, transpose_b=tb, batch=batch, dtype=dtype, out=out)
    whole = Gemm.of(m, n, k, transpose_a=ta, transpose_b=tb, dtype=dtype)
    rng_a, rng_b = matrices(gemm if gemm.m == m else whole, ta, tb)
    c = np.full((batch, m, n), np.nan, (out or dtype).numpy)
    run(gemm, rng_a, rng_b, c, parts)
    want = product(rng_a, rng_b, ta, tb)
    unit = {2: 2**-7, 4: 2e-7, 8: 1e-15}[(out or dtype).size]
    limit = unit * (np.sqrt(k) + 1) * 30
    np.testing.assert_allclose(c.astype(np.float64), want, atol=limit, rtol=unit * 4)


SIZES = [
    (1, 1, 1), (1, 10, 5), (5, 1, 3), (6, 16, 8), (7, 17, 9), (13, 70, 31), (32, 10, 64), (32, 64, 128), (33, 77, 101),
    (64, 128, 32), (50, 200, 17), (130, 65, 40), (20, 129, 600), (8, 64, 1025),
]  # fmt: skip


@pytest.mark.parametrize("m, n, k", SIZES)
@pytest.mark.parametrize("ta, tb", [(False, False), (True, False), (False, True), (True, True)])
def test_products(m, n, k, ta, tb):
    check(m, n, k, ta, tb)


@pytest.mark.parametrize("m, n, k", [(0, 5, 5), (5, 0, 5), (5, 5, 0), (0, 0, 0)])
def test_empty_products(m, n, k):
    check(m, n, k)


def test_every_remainder_of_the_generic_kernel():
    for m in range(1, 14):
        for n in (1, 8, 15, 16, 17, 31, 33, 48, 63, 64, 65, 127, 128):
            check(m, n, 5)


@pytest.mark.parametrize("dtype", [dtypes.float64, dtypes.float16, dtypes.bfloat16], ids=lambda d: d.name)
@pytest.mark.parametrize("ta, tb", [(False, False), (True, True)])
def test_types(dtype, ta, tb):
    for m, n, k in [(7, 17, 9), (70, 33, 41), (1, 10, 5), (3, 3, 0)]:
        check(m, n, k, ta, tb, dtype)
        if dtype.size == 2:
            check(m, n, k, ta, tb, dtype, out=dtypes.float32)


@pytest.mark.parametrize("m, n, k", [(7, 17, 9), (300, 33, 20), (20, 300, 600), (257, 259, 128), (256, 300, 1024)])
@pytest.mark.parametrize("parts", [2, 3])
def test_shares_cover_the_product(m, n, k, parts):
    check(m, n, k, parts=parts)


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("ta, tb", [(False, False), (True, False), (False, True)])
def test_batches(parts, ta, tb):
    check(9, 20, 7, ta, tb, batch=5, parts=parts)
    check(9, 20, 7, ta, tb, batch=2, parts=parts)


def test_results_do_not_depend_on_the_number_of_threads():
    gemm = Gemm.of(100, 130, 1200)
    a, b = matrices(gemm, False, False)
    results = []
    for parts in (1, 2, 3):
        c = np.zeros((100, 130), np.float32)
        run(gemm, a, b, c, parts)
        results.append(c)
    assert all((c == results[0]).all() for c in results)


def test_shared_right_side_becomes_rows():
    gemm = Gemm.of(4, 10, 6, batch=5, shared_b=True)
    assert (gemm.m, gemm.batch) == (20, (1, 1))
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((5, 4, 6), np.float32), rng.standard_normal((6, 10), np.float32)
    c = np.zeros((5, 4, 10), np.float32)
    run(gemm, a, b, c)
    np.testing.assert_allclose(c, a @ b, rtol=1e-5, atol=1e-6)


def test_attention_heads_by_strides():
    """Scores of [batch, sequence, heads, width] without transposing: two batch dimensions, strided matrices."""
    batch, sequence, heads, width = 2, 9, 3, 8
    rng = np.random.default_rng(0)
    q, k = (rng.standard_normal((batch, sequence, heads, width), np.float32) for _ in range(2))
    row = heads * width
    gemm = Gemm(
        sequence, sequence, width, (row, 1), (1, row), sequence, batch=(batch, heads),
        a_batch=(sequence * row, width), b_batch=(sequence * row, width), c_batch=(heads * sequence**2, sequence**2),
    )  # fmt: skip
    c = np.zeros((batch, heads, sequence, sequence), np.float32)
    run(gemm, q, k, c, parts=2)
    np.testing.assert_allclose(c, np.einsum("bqhw,bkhw->bhqk", q, k), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("k", [5, 1200])
def test_accumulation_and_padding_around_c(k):
    gemm = Gemm(9, 20, k, (k, 1), (20, 1), 32, accumulate=True)
    a, b = matrices(gemm, False, False)
    c = np.ones((9, 32), np.float32)
    run(gemm, a, b, c)
    want = np.ones((9, 32))
    want[:, :20] += product(a, b, False, False)[0]
    np.testing.assert_allclose(c, want, rtol=2e-5, atol=1e-4)


def test_nan_and_infinity_reach_only_their_row_and_column():
    a, b = np.ones((13, 7), np.float32), np.ones((7, 21), np.float32)
    a[3, 2], b[4, 20] = np.nan, np.inf
    c = np.zeros((13, 21), np.float32)
    run(Gemm.of(13, 21, 7), a, b, c)
    np.testing.assert_array_equal(c, a @ b)


@pytest.mark.parametrize("m, n, k", [(32, 64, 128), (7, 17, 9), (100, 70, 1100)])
def test_late_bound_epilogue_sees_every_block_once(m, n, k):
    """A function that adds consts[0] to its block of C and counts."""
    module = Module()
    names = ("row", "rows", "col", "cols")
    with module.function(
        "add", [("ptr", "c"), ("i64", "c_row"), ("ptr", "ptrs"), *(("i64", name) for name in names)]
    ) as f:
        with f.loop(0, "%rows") as r, f.loop(0, "%cols") as q:
            cell = f.gep("%c", f.add(f.mul(r.index, "%c_row"), q.index), "float")
            f.store("float", f.emit(f"fadd float {f.load('float', cell)}, 1.0"), cell)
    library = compile_module(module.text(), "late", verify=True)
    gemm = Gemm.of(m, n, k)
    a, b = matrices(gemm, False, False)
    c = np.zeros((m, n), np.float32)
    run(gemm, a, b, c, 2, library.address("add"))
    np.testing.assert_allclose(c, product(a, b, False, False)[0] + 1, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "m, n, k, dtype", [(32, 64, 128, "float32"), (7, 17, 9, "float64"), (300, 70, 400, "bfloat16")]
)
def test_product_that_only_its_epilogue_sees(m, n, k, dtype):
    """The function writes each tile to operand 4; nothing is written to C."""
    dtype = dtypes.as_dtype(dtype)
    gemm = replace(Gemm.of(m, n, k, dtype=dtype), stored=False)
    assert gemm.is_summed_at_once
    module = Module()
    item = memory_type(dtype)
    names = ("row", "rows", "col", "cols")
    with module.function("copy", [("ptr", "c"), ("i64", "c_row"), ("ptr", "ptrs"), *(("i64", n) for n in names)]) as f:
        target = f.parameter("%ptrs", 4, "ptr")
        with f.loop(0, "%rows") as r, f.loop(0, "%cols") as q:
            value = f.load(item, f.gep("%c", f.add(f.mul(r.index, "%c_row"), q.index), item))
            at = f.add(f.mul(f.add("%row", r.index), n), f.add("%col", q.index))
            f.store(item, value, f.gep(target, at, item))
    library = compile_module(module.text(), "copy", verify=True)
    a, b = matrices(gemm, False, False)
    c, seen = np.full((m, n), 7, dtype.numpy), np.zeros((m, n), dtype.numpy)
    run(gemm, a, b, c, 2, library.address("copy"), extra=[seen])
    stored = np.zeros((m, n), dtype.numpy)
    run(replace(gemm, stored=True), a, b, stored, 2)
    np.testing.assert_array_equal(seen, stored)
    assert (c == 7).all()


@pytest.mark.parametrize("machine", [target.SSE2, target.AVX2, target.AVX512, target.NEON], ids=lambda m: m.cpu)
def test_kernels_compile_for_other_processors(machine):
    module = Module(machine)
    GemmWriter(module, "gemm", dtypes.float32, dtypes.float32).write()
    TileWriter(module, "tile", dtypes.float32, dtypes.float32).write_tile(6, 2)
    assert "tile" in assembly(module.text(), machine)
