"""Kernels of one structure have one code: within a graph and between graphs that are alive."""

import gc

import numpy as np
import pytest

from duoflow.core.late import F
from duoflow.engines import reference
from duoflow.engines.native import engine, jit
from tests.engines.agreement import trace


@pytest.fixture
def modules():
    """The IR of every module that is asked for."""
    seen = []

    def watch(name, ir):
        seen.append(ir)

    jit.watchers.append(watch)
    yield seen
    jit.watchers.remove(watch)


def compiled(f, *values):
    """The executable of a function after its first run, whose results are the reference's."""
    graph = trace(f, *values)
    executable = engine.compile(graph)
    arrays = list(values)
    for got, expected in zip(executable.run(arrays), reference.compile(graph).run(arrays), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
    return executable


def real(*shape):
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


def kernels_written(modules):
    return sum(ir.count("define void @kernel") for ir in modules)


def test_layers_of_a_graph_share_their_kernels(modules):
    def layers(x, y):
        return F.reduce_sum(F.tanh(x), 1), F.reduce_sum(F.tanh(y), 1)

    compiled(layers, real(5, 41), real(5, 41) + 1)
    assert kernels_written(modules) == 1


def test_a_graph_is_not_compiled_again_while_its_code_is_alive(modules):
    def step(x, y):
        return F.reduce_max(F.exp(x) * y, 0)

    first = compiled(step, real(9, 43), real(9, 43))
    count = len(modules)
    again = compiled(step, real(9, 43) * 2, real(9, 43) - 1)
    assert len(modules) == count and again is not first


def test_code_goes_with_its_last_graph(modules):
    def step(x):
        return F.reduce_min(F.sin(x), 0)

    compiled(step, real(9, 45))
    gc.collect()
    count = kernels_written(modules)
    compiled(step, real(9, 45))
    assert kernels_written(modules) == 2 * count


@pytest.mark.parametrize(
    "first, second",
    [
        (lambda x, y: F.exp(x) - y, lambda x, y: F.exp(y) - x),
        (lambda x, y: x * 2.0 + y, lambda x, y: x * 3.0 + y),
        (lambda x, y: F.maximum(x, 0.0) / y, lambda x, y: F.maximum(x, -0.0) / F.abs(y)),
        (lambda x, y: F.transpose(x) + F.transpose(y), lambda x, y: x + y),
        (lambda x, y: F.reduce_sum(x * y, 1), lambda x, y: F.reduce_sum(x * x, 1)),
        (lambda x, y: F.reduce_sum(x - y, 0), lambda x, y: F.reduce_mean(x - y, 0)),
        (lambda x, y: (x + y, F.tanh(x + y)), lambda x, y: F.tanh(x + y)),
        (lambda x, y: F.leaky_relu(x, 0.1) + y, lambda x, y: F.leaky_relu(x, 0.2) + y),
        (lambda x, y: F.matmul(x, y) + x, lambda x, y: F.matmul(x, y) + F.matmul(x, y)),
    ],
    ids=["order", "constant", "more", "views", "operands", "reduction", "outputs", "attribute", "product"],
)
def test_what_differs_is_not_shared(first, second):
    """Both in one process, with one kept while the other is compiled: each computes its own."""
    x, y = real(7, 7), real(7, 7) + 1
    kept = [compiled(f, x, y) for f in (first, second, first)]
    assert len(kept) == 3
