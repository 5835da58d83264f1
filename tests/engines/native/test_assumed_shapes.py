"""Graphs whose inner shapes depend on data: compiled for the shapes seen, run another way when they change."""

import numpy as np

from duoflow.core.late import F
from duoflow.core.variables import Variable
from duoflow.engines.native import engine
from duoflow.ops import script
from tests.engines.agreement import captured, trace


def masked(x):
    chosen = F.gather(x, F.reshape(F.where(x > 0), [-1]))
    return F.reduce_sum(F.exp(chosen) * 2.0)


def expected(x):
    return np.float32(2 * np.exp(x[x > 0]).sum(dtype=np.float64))


def run_and_compare(executable, x):
    np.testing.assert_allclose(executable.run([x])[0], expected(x), 1e-5)


def hosted(executable):
    return [k["name"] for k in executable.kernels if k["where"] == "host"]


def test_the_same_shapes_again_run_native_but_for_what_found_them():
    x = np.array([1, -1, 2, -3, 0.5], np.float32)
    executable = engine.compile(trace(masked, x))
    for factor in (1, 2, 3):
        run_and_compare(executable, x * factor)
    assert hosted(executable) == ["Where"]


def test_other_shapes_are_noticed():
    executable = engine.compile(trace(masked, np.zeros(6, np.float32)))
    random = np.random.default_rng(0)
    for _ in range(12):
        run_and_compare(executable, random.normal(size=6).astype(np.float32))
    assert len(hosted(executable)) > 1  # given up: the shapes change every time


def test_variables_change_once_whatever_the_shapes():
    v, count = Variable(0.0), Variable(0)

    def program(x):
        count.assign_add(1)
        v.assign_add(masked(x))
        return v.value()

    x = np.array([1, -1, 2, -3, 0.5], np.float32)
    graph = trace(program, x)
    executable = engine.compile(graph)
    total = 0.0
    for n, sign in enumerate((1, 1, -1, -1, 1, -1, 1), 1):
        total += expected(x * sign)
        np.testing.assert_allclose(executable.run([x * sign, *captured(graph)])[0], total, 1e-5)
        assert count.numpy() == n


def test_nothing_is_taken_for_granted_behind_an_effect():
    seen = []

    def program(x):
        script.py_function(lambda t: seen.append(t.numpy().tolist()), [x], [])
        return masked(x)

    x = np.array([1, -1, 2, -3, 0.5], np.float32)
    executable = engine.compile(trace(program, x))
    for sign in (1, -1, 1, -1):
        np.testing.assert_allclose(executable.run([x * sign])[0], expected(x * sign), 1e-5)
    assert seen == [(x * sign).tolist() for sign in (1, -1, 1, -1)]
