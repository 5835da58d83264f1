"""Scatters, scans, orders, searches and computed parts run natively and agree with NumPy's meaning of them."""

import itertools

import numpy as np
import pytest

import duoflow as tf
from duoflow.ops import tensor_strided_slice_update
from tests.engines.agreement import agree

RNG = np.random.default_rng(3)
FLOATS = ["float32", "float64", "float16", "bfloat16"]
DTYPES = [*FLOATS, "int32", "int64", "uint8"]


def draw(dtype, *shape):
    return tf.cast(RNG.normal(size=shape) * 20, dtype).numpy()


def native(function, *arrays, **tolerance):
    """Check that all engines agree and that nothing runs on the host."""
    rows = agree(function, *arrays, **tolerance)
    assert [row["name"] for row in rows if row["where"] == "host"] == []
    return rows


def loose(dtype):
    """For sums that are rounded at the end here, and step by step there."""
    return {"rtol": 3e-2, "atol": 0.3} if dtype in ("float16", "bfloat16") else {"rtol": 1e-4, "atol": 1e-4}


#: (rows of indices, places, the shape of a slice): few and many places, slices wide and narrow, shared by threads.
SCATTERS = [(5, 3, ()), (40, 1000, (64,)), (100, 7, (3,)), (3, 5, (1000,)), (500, 100, (33,)), (7, 3, (200, 3))]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows, places, rest", SCATTERS)
def test_scatter(rows, places, rest, dtype):
    base, updates = draw(dtype, places, *rest), draw(dtype, rows, *rest)
    indices = RNG.integers(0, places, (rows, 1)).astype(np.int32)
    ids = RNG.integers(-1, places, rows)
    native(lambda i, u: tf.scatter_nd(i, u, base.shape), indices, updates, **loose(dtype))
    for name in ("add", "sub", "update", "max", "min"):
        function = getattr(tf, f"tensor_scatter_nd_{name}")
        native(lambda b, i, u: function(b, i, u), base, indices, updates, **loose(dtype))
    for name in ("sum", "max", "min"):
        function = getattr(tf.math, f"unsorted_segment_{name}")
        native(lambda u, i: function(u, i, places), updates, ids, **loose(dtype))


def test_scatter_by_several_indices():
    base, updates = draw("float32", 4, 5, 6), draw("float32", 10, 6)
    indices = np.stack([RNG.integers(0, 4, 10), RNG.integers(0, 5, 10)], -1)
    native(lambda b, i, u: tf.tensor_scatter_nd_add(b, i, u), base, indices, updates)
    outside = RNG.integers(-1, 6, (10, 2))
    native(
        lambda b, i, u: tf.tensor_scatter_nd_add(b, i, u, bad_indices_policy="IGNORE"), base, outside, updates
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_many_small_numbers_add_up(dtype):
    ones = np.ones(3000, tf.as_dtype(dtype).as_numpy_dtype)
    rows = np.zeros(3000, np.int32)
    total = tf.function(lambda u, i: tf.math.unsorted_segment_sum(u, i, 1))(tf.constant(ones), tf.constant(rows))
    assert abs(float(total[0]) - 3000) <= 8


SCANS = [((7,), 0), ((3, 10), 1), ((5, 49), 0), ((2, 3, 300), 1), ((19, 100), 1), ((1, 1), 0), ((3, 64, 9), -2)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape, axis", [*SCANS, ((64, 1024), 1)])
def test_scan(shape, axis, dtype):
    x = tf.cast(RNG.normal(size=shape) * 2, dtype).numpy()
    for exclusive, reverse in itertools.product((False, True), (False, True)):
        native(lambda x: tf.cumsum(x, axis, exclusive, reverse), x, **loose(dtype))
        if dtype in FLOATS:
            native(lambda x: tf.math.cumulative_logsumexp(x, axis, exclusive, reverse), x, **loose(dtype))
    native(lambda x: tf.math.cumprod(x, axis), x, **loose(dtype))


@pytest.mark.parametrize("dtype", [*DTYPES, "uint64", "int16", "bool"])
@pytest.mark.parametrize("shape", [(7,), (3, 10), (5, 49), (2, 300), (4, 1000), (1, 1), (3, 64)])
def test_order(shape, dtype):
    x = draw(dtype, *shape)
    if dtype in FLOATS:
        x.reshape(-1)[::9], x.reshape(-1)[1::7] = np.nan, -0.0
    for direction in ("ASCENDING", "DESCENDING"):
        native(lambda x: (tf.sort(x, direction=direction), tf.argsort(x, direction=direction)), x)
        native(lambda x: (tf.sort(x, 0, direction), tf.argsort(x, 0, direction)), x)
    for k in {1, 5, shape[-1]}:
        if k <= shape[-1] and dtype != "bool":
            native(lambda x: tuple(tf.math.top_k(x, k)), x)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 100])
@pytest.mark.parametrize("side", ["left", "right"])
def test_search(count, side):
    rows = np.sort(RNG.integers(0, 50, (3, count)).astype(np.float32), -1)
    values = RNG.integers(-1, 52, (3, 21)).astype(np.float32)
    native(lambda q, v: tf.searchsorted(q, v, side), rows, values)
    native(lambda q, v: tf.searchsorted(q, v, side) * 2, rows[0], values[0])


def test_gather_by_several_indices():
    x = draw("float32", 4, 5, 6)
    native(lambda x, i: tf.gather_nd(x, i), x, RNG.integers(0, 4, (3, 2, 2)))
    native(lambda x, i: tf.gather_nd(x, i) + 1, x, RNG.integers(0, 4, (3, 100, 3)))
    native(lambda x, i: tf.gather_nd(x, i, batch_dims=1), x, RNG.integers(0, 4, (4, 7, 1)))
    native(lambda x, i: tf.gather_nd(x, i, bad_indices_policy="IGNORE"), x, RNG.integers(-1, 9, (4, 7, 2)))


PARTS = {
    "row": lambda x, i: x[i],
    "column": lambda x, i: x[:, i],
    "last": lambda x, i: x[..., i],
    "row of part": lambda x, i: x[i, 1:3],
    "two": lambda x, i: x[i, :, i],
    "element": lambda x, i: x[i, i, i],
    "strided": lambda x, i: x[::2, i, ::-1],
    "new axis": lambda x, i: x[i, None],
    "after an ellipsis": lambda x, i: x[1, ..., i],
    "slice": lambda x, i: tf.slice(x, [abs(i), 0, 1], [2, 3, 4]) * 2,
}


@pytest.mark.parametrize("function", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("index", [2, -1])
def test_part_at_a_computed_index(function, index):
    native(function, draw("float32", 5, 6, 7), np.array(index, np.int32))


UPDATES = {
    "strided": ([1, 0, 2], [3, 6, 7], [1, 2, 1], {}, (2, 3, 5)),
    "rows": ([1, 0, 0], [3, 6, 7], [1, 1, 1], {}, (2, 6, 7)),
    "backwards": ([4, 0, 0], [1, 6, 7], [-1, 1, 1], {}, (3, 6, 7)),
    "row": (["i"], ["i"], [1], {"shrink_axis_mask": 1}, (6, 7)),
    "column": ([0, "i"], [0, "i"], [1, 1], {"shrink_axis_mask": 2, "begin_mask": 1, "end_mask": 1}, (5, 7)),
    "element": (["i", 2, "i"], ["i", 3, "i"], [1, 1, 1], {"shrink_axis_mask": 7}, ()),
}


@pytest.mark.parametrize("begin, end, strides, masks, shape", UPDATES.values(), ids=UPDATES)
@pytest.mark.parametrize("index", [2, -1])
def test_part_replaced(begin, end, strides, masks, shape, index):
    def function(x, value, i):
        spans = ([i if s == "i" else s for s in span] for span in (begin, end))
        return tensor_strided_slice_update(x, *spans, strides, value, **masks)

    native(function, draw("float32", 5, 6, 7), np.asarray(draw("float32", *shape)), np.array(index, np.int32))


def test_variables_are_updated_in_place():
    table, cache, steps = tf.Variable(tf.zeros([50, 4])), tf.Variable(tf.zeros([3, 8])), tf.Variable(0)

    @tf.function
    def step(rows, values, t):
        table.scatter_sub(tf.IndexedSlices(values, rows))
        table.scatter_nd_update([[49, 3]], [7.0])
        cache[:, t].assign(values[:, 0])
        steps.assign_add(1)

    before = table.numpy(), cache.numpy()
    values = tf.constant(np.arange(12, dtype=np.float32).reshape(3, 4))
    step(tf.constant([1, 5, 1]), values, tf.constant(2))
    want = np.zeros((50, 4), np.float32)
    np.subtract.at(want, [1, 5, 1], values.numpy())
    want[49, 3] = 7
    np.testing.assert_array_equal(table, want)
    np.testing.assert_array_equal(cache[:, 2], [0, 4, 8])
    assert not before[0].any() and not before[1].any()
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[1\] = 50 is not in \[0, 50\)"):
        step(tf.constant([1, 50, 1]), values, tf.constant(3))
    np.testing.assert_array_equal(table, want)
    assert int(steps) == 1 and not cache[:, 3].numpy().any()


def test_loops_take_and_replace_parts():
    @tf.function
    def transposed(x):
        out = tf.zeros([6, 5])
        for t in tf.range(6):
            out = tf.tensor_scatter_nd_update(out, [[t]], [x[:, t]])
        return out

    x = draw("float32", 5, 6)
    np.testing.assert_array_equal(transposed(tf.constant(x)), x.T)


CONTRACTIONS = {
    "integers": (lambda a, b: tf.matmul(a, b), (5, 7), (7, 9), "int32"),
    "integers, transposed": (lambda a, b: tf.matmul(a, b, transpose_b=True), (50, 70), (90, 70), "int64"),
    "integers by a vector": (tf.linalg.matvec, (30, 40), (40,), "int32"),
    "many batch dimensions": (lambda a, b: tf.matmul(a, b), (2, 1, 3, 1, 5, 4), (2, 3, 2, 4, 6), "float32"),
    "summed on its own": (lambda a, b: tf.einsum("ab,cd->a", a, b), (3, 4), (5, 4), "float32"),
    "permuted": (lambda a, b: tf.einsum("ijkl,ljmn->mink", a, b), (3, 4, 5, 2), (2, 4, 3, 6), "float64"),
    "16 bits": (lambda a, b: tf.matmul(a, b), (2, 1, 3, 1, 5, 64), (2, 3, 2, 64, 6), "bfloat16"),
}


@pytest.mark.parametrize("function, left, right, dtype", CONTRACTIONS.values(), ids=CONTRACTIONS)
def test_contractions_that_are_no_matrix_products(function, left, right, dtype):
    a, b = (tf.cast(RNG.normal(size=shape) * 4, dtype).numpy() for shape in (left, right))
    native(function, a, b, **({"rtol": 1e-2, "atol": 1.0} if dtype == "bfloat16" else {"rtol": 1e-4, "atol": 1e-4}))


def test_compounds_of_scans_and_searches():
    x, scores = draw("float32", 4, 6, 3), draw("float32", 50, 30)
    scores[3, 4] = np.nan
    native(lambda x, n: tf.reverse_sequence(x, n, 1), x, np.array([0, 3, 6, 1], np.int32))
    native(lambda x, n: tf.reverse_sequence(x, n, 0, 1), x, np.array([0, 3, 4, 1, 2, 3], np.int64))
    native(lambda t, p: tf.math.in_top_k(t, p, 3), RNG.integers(-1, 31, 50).astype(np.int32), scores)
    native(lambda p: tf.random.stateless_categorical(p, 7, [1, 2]), scores)
