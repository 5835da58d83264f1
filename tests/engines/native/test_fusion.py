"""What becomes one kernel, and that it computes what the parts do."""

import numpy as np
import pytest

from duoflow.core import dtypes
from duoflow.core.late import F
from duoflow.engines import reference
from duoflow.engines.native import engine
from tests.engines.agreement import agree, trace


def real(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)


def softmax(x):
    e = F.exp(x - F.reduce_max(x, -1, keepdims=True))
    return e / F.reduce_sum(e, -1, keepdims=True)


def layer_norm(x):
    return (x - F.reduce_mean(x, -1, keepdims=True)) * F.rsqrt(F.reduce_variance(x, -1, keepdims=True) + 1e-5)


def batch_norm(x):
    mean = F.reduce_mean(x, 0)
    return (x - mean) / F.sqrt(F.reduce_mean(F.square(x - mean), 0) + 1e-3)


ONE_KERNEL = {
    "chain": (lambda x: F.tanh(F.exp(-x) * 3.0 + x), real(5, 37)),
    "bias": (lambda x: F.relu(x + F.constant(real(37, seed=1))), real(5, 37)),
    "two broadcasts": (lambda x: x + F.constant(real(5, 1)), real(7, 1, 3)),
    "transposed operand": (lambda x: F.transpose(x) * 2.0 + F.constant(real(9, 7)), real(7, 9)),
    "transpose alone": (lambda x: F.transpose(x, [2, 0, 1]), real(3, 4, 5)),
    "reshape between": (lambda x: F.reshape(x * 2.0, [6, 4]) + F.constant(real(4)), real(2, 12)),
    "reversed slice": (lambda x: x[1:5:2, ::-1] + 1.0, real(10, 33)),
    "padding": (lambda x: F.pad(x, [[1, 2], [0, 3]]) + 1.0, real(10, 13)),
    "concatenation": (lambda x: F.concat([x, F.constant(real(3, 5))], 1) * 2.0, real(3, 12)),
    "gather": (lambda x: F.gather(x, F.constant([[1, 2], [3, 9]])) * 2.0, real(10, 12)),
    "gather of columns": (lambda x: F.gather(x, F.constant([1, 7, 3]), axis=1) * 2.0, real(10, 12)),
    "range": (lambda x: x + F.cast(F.range(12), dtypes.float32), real(12)),
    "row sums": (lambda x: F.reduce_sum(x * x, 1), real(13, 37)),
    "long row sums": (lambda x: F.reduce_sum(x * x, 1), real(3, 1037)),
    "column sums": (lambda x: F.reduce_sum(x * x, 0), real(13, 37)),
    "many column sums": (lambda x: F.reduce_sum(x, 0), real(9, 256)),
    "middle mean": (lambda x: F.reduce_mean(x, 1) * 2.0, real(3, 5, 37)),
    "outer and inner mean": (lambda x: F.reduce_mean(x, [0, 2]), real(3, 5, 37)),
    "everything": (lambda x: F.reduce_sum(F.exp(x)), real(13, 37)),
    "softmax": (softmax, real(13, 10)),
    "wide softmax": (softmax, real(3, 1003)),
    "layer norm": (layer_norm, real(14, 135)),
    "batch norm": (batch_norm, real(33, 50)),
    "arg max in rows": (lambda x: F.argmax(x, -1), real(13, 100)),
    "arg max in columns": (lambda x: F.argmin(x, 0), real(13, 100)),
    "several outputs": (lambda x: (x + 1.0, (x + 1.0) * 2.0), real(5, 19)),
    "scalars": (lambda x: x * 2.0 + 1.0, real()),
    "integers": (lambda x: F.reduce_max(x // 3 + x % 3, 1), np.arange(-20, 20, dtype=np.int32).reshape(8, 5)),
    "booleans": (lambda x: F.reduce_any(F.greater(x, 1.0), 1), real(9, 21)),
    "doubles": (lambda x: F.reduce_sum(x * 2.0, 0), real(9, 21).astype(np.float64)),
    "more than a thread's share": (lambda x: F.exp(x) + x, real(300, 515)),
}


@pytest.mark.parametrize("name", ONE_KERNEL)
def test_fuses_into_one_kernel(name):
    function, operand = ONE_KERNEL[name]
    kernels = agree(function, operand)
    assert [k["where"] for k in kernels] == ["native"], kernels


SEVERAL = {
    "a value and its transpose": (lambda x: F.exp(x) + F.transpose(F.exp(x)), (real(9, 9),), 2),
    "a reduction of what another normalised": (lambda x: F.reduce_sum(softmax(x), 0), (real(9, 21),), 2),
    "a product and its epilogue": (lambda x, y: F.relu(F.matmul(x, y)), (real(4, 5), real(5, 6)), 2),
    "sums of a tensor and its square": (lambda x: (F.reduce_sum(x, 0), F.reduce_sum(x * x, 0)), (real(21, 300),), 1),
    "the moments of a product": (
        lambda x, y: (F.reduce_sum(F.matmul(x, y), 0), F.reduce_sum(F.square(F.matmul(x, y)), 0)),
        (real(400, 30), real(30, 300)),
        2,
    ),
    "a cheap value read by a product's epilogue and by another kernel": (
        lambda x, y: (F.relu(x @ y), F.exp(F.transpose(x @ y) * 2.0), F.transpose(x @ y) * 2.0),
        (real(400, 30), real(30, 300)),
        2,
    ),
    "padding of what is computed": (lambda x: F.pad(F.exp(x), [[1, 1], [1, 1]]), (real(4, 5),), 2),
}


@pytest.mark.parametrize("name", SEVERAL)
def test_takes_no_more_kernels_than_it_must(name):
    function, operands, most = SEVERAL[name]
    kernels = agree(function, *operands)
    assert len(kernels) <= most and all(k["where"] == "native" for k in kernels), kernels


def test_cheap_results_are_computed_where_they_are_read():
    """Twice the product is no tensor in memory; the logarithm of its square is dear, and is."""

    def function(x, y):
        product = x @ y
        twice = product * 2.0
        dear = F.log(F.square(product) + 1.0)
        return F.reduce_sum(twice * dear, 0), F.transpose(twice) * F.exp(F.transpose(dear))

    kernels = agree(function, real(400, 30), real(30, 300), atol=1e-3)
    ops = [op for k in kernels for op in k["ops"]]
    assert ops.count("Log") == 1 and "Square" not in ops, kernels


PRODUCTS = {
    "plain": (lambda x, y: F.matmul(x, y), (13, 10), (10, 17)),
    "right transposed": (lambda x, y: F.matmul(x, y, transpose_b=True), (13, 10), (17, 10)),
    "left transposed": (lambda x, y: F.matmul(x, y, transpose_a=True), (10, 13), (10, 17)),
    "batches": (lambda x, y: F.matmul(x, y), (2, 3, 13, 10), (2, 3, 10, 17)),
    "shared right": (lambda x, y: F.matmul(x, y), (2, 3, 13, 10), (10, 17)),
    "shared left": (lambda x, y: F.matmul(x, y), (13, 10), (2, 3, 10, 17)),
    "broadcast batches": (lambda x, y: F.matmul(x, y), (2, 3, 13, 10), (3, 10, 17)),
    "vector": (lambda x, y: F.matmul(x, y), (13, 10), (10, 1)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_contractions_run_on_the_product_kernels(name):
    function, left, right = PRODUCTS[name]
    kernels = agree(function, real(*left), real(*right, seed=1))
    assert all(k["where"] == "native" for k in kernels), kernels


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [2, 3])
def test_convolutions_and_pools(padding, stride, size):
    image, kernel = real(2, 9, 9, 3), real(3, 3, 3, 5)
    agree(lambda x, w: F.conv2d(x, w, stride, padding), image, kernel, atol=1e-4)
    agree(lambda x: F.max_pool2d(x, size, stride, padding), image)
    agree(lambda x: F.avg_pool2d(x, size, stride, padding), image)


def test_rows_of_other_sizes_get_kernels_of_their_own():
    graph = trace(softmax, real(4, 7), shapes=[(None, 7)])
    executable = engine.compile(graph)
    for rows in (4, 1, 9, 4):
        x = real(rows, 7)
        np.testing.assert_allclose(executable.run([x])[0], reference.compile(graph).run([x])[0], 1e-5)
    assert len(executable._specializations) == 3


def test_normalising_along_any_axis_is_one_kernel():
    x = np.random.default_rng(5).normal(size=(7, 19, 13)).astype(np.float32)
    for axis in range(3):
        for function in (F.softmax, F.log_softmax):
            assert len(agree(lambda x: function(x, axis), x)) == 1
            assert len(agree(lambda x: function(x, axis) * 2 + F.reduce_max(x, axis, keepdims=True), x)) == 1


def test_groups_do_not_wait_for_each_other():
    """The epilogue of a product needs what is computed beside something that needs the product."""

    def normalize(k, u):
        left = F.matmul(u, k, transpose_b=True)
        right = F.matmul(left, k)
        big = F.reshape(F.matmul(right, right, transpose_b=True), [])
        nothing = F.reduce_all(F.equal(k, 0.0))
        return F.where(nothing, u, right), F.where(nothing, k, k / big)

    agree(normalize, real(4, 3), real(1, 3))
