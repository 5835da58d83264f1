"""Products of few rows by weights that are trained are summed in parts along the rows of the weights."""

import numpy as np
import pytest

from duoflow.core.autodiff import GradientTape
from duoflow.core.late import F
from duoflow.core.switches import switches
from duoflow.engines import reference
from duoflow.engines.native import engine
from tests.engines.agreement import trace


def real(*shape):
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


def layer(x, w):
    """A dense layer on a batch, and the gradient of its weights."""
    with GradientTape() as tape:
        tape.watch(w)
        y = F.tanh(F.matmul(x, w))
    return y, tape.gradient(y, w)


def kernels_of(function, *arrays):
    graph = trace(function, *arrays)
    executable = engine.compile(graph)
    for got, want in zip(executable.run(list(arrays)), reference.compile(graph).run(list(arrays)), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-4)
    return [op for row in executable.kernels for op in row["ops"]]


@pytest.mark.parametrize("batch", [0, 1, 7, 32, 48])
def test_a_small_batch_on_large_weights(batch):
    assert "Einsum" in kernels_of(layer, real(batch, 784), real(784, 128))


@pytest.mark.parametrize(
    ("batch", "depth", "columns"),
    [(49, 784, 128), (32, 783, 128), (32, 256, 512), (32, 512, 10)],
    ids=["many rows", "no equal parts", "few rows of weights", "little to move"],
)
def test_others_stay_whole(batch, depth, columns):
    assert "Einsum" not in kernels_of(layer, real(batch, depth), real(depth, columns))


def test_so_do_products_that_are_not_trained():
    assert kernels_of(F.matmul, real(32, 784), real(784, 128)) == ["MatMul"]


def test_the_number_of_threads_does_not_matter(monkeypatch):
    x, w = real(32, 784), real(784, 128)
    graph = trace(layer, x, w)
    results = []
    for count in (1, 2, 3):
        monkeypatch.setattr(switches, "threads", count)
        results.append(engine.compile(graph).run([x, w]))
    for result in results[1:]:
        for got, want in zip(result, results[0], strict=True):
            np.testing.assert_array_equal(got, want)
