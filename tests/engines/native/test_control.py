"""Loops and branches in native programs: what runs without Python, that it gives the same, and how it stops."""

from __future__ import annotations

import os
import signal
import sys
import threading

import numpy as np
import pytest

import duoflow as tf
from duoflow.core.engine import executable

RNG = np.random.default_rng(7)


def normal(*shape: int) -> tf.Tensor:
    return tf.constant(RNG.normal(size=shape), tf.float32)


def hosted(function: tf.types.experimental.GenericFunction, *args: object) -> list[str]:
    """The names of the host calls of a function, after a run."""
    return hosted_in(function.get_concrete_function(*args), *args)


def hosted_in(concrete: tf.types.experimental.ConcreteFunction, *args: object) -> list[str]:
    concrete(*args)
    rows = executable(concrete.graph).kernels  # type: ignore[attr-defined]
    assert rows
    return [row["name"] for row in rows if row["where"] == "host"]


def collatz(n):
    steps = tf.constant(0)
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


def fibonacci(n):
    a, b = tf.constant(0), tf.constant(1)
    for _ in tf.range(n):
        a, b = b, a + b
    return a, b


def rotate(n):
    a, b, c = tf.constant([1, 2]), tf.constant([3, 4]), tf.constant([5, 6])
    for _ in tf.range(n):
        a, b, c = b, c, a
    return a, b, c


def recurrent(x, w):
    h = tf.zeros([8, 32])
    for _ in tf.range(10):
        h = tf.tanh(x @ w + h @ w)
    return h


def over_rows(x):
    total = tf.zeros([3])
    for i in tf.range(4):
        total = total * x[i] + x[-1 - i]
    return total


def nested(n):
    total = tf.constant(0)
    for i in tf.range(n):
        for j in tf.range(i):
            total += i * j
    return total


def chosen(x, flag):
    return tf.cond(flag, lambda: (x * 2.0, tf.reduce_sum(x)), lambda: (tf.transpose(x), tf.constant(3.0)))


def switched(i, x):
    return tf.switch_case(i, [lambda: x * 2.0, lambda: tf.exp(x), lambda: x - 1.0])


def switched_in_a_loop(x):
    for i in tf.range(5):
        x = tf.switch_case(i, [lambda: x * 2.0, lambda: tf.sin(x), lambda: x - 1.0])
    return x


CASES = [
    *[(switched, (tf.constant(i), tf.constant([1.0, 2.0]))) for i in (-1, 0, 1, 2, 7)],
    (switched_in_a_loop, (tf.constant([0.1, 0.2]),)),
    (collatz, (tf.constant(27),)),
    (fibonacci, (tf.constant(10),)),
    (fibonacci, (tf.constant(0),)),
    (rotate, (tf.constant(4),)),
    (recurrent, (normal(8, 32), normal(32, 32) / 10)),
    (over_rows, (normal(4, 3),)),
    (nested, (tf.constant(6),)),
    (chosen, (tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant(True))),
    (chosen, (tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant(False))),
]


@pytest.mark.parametrize(("function", "args"), CASES, ids=lambda c: getattr(c, "__name__", None))
def test_runs_without_python_and_agrees_with_eager_mode(function, args):
    compiled = tf.function(function)
    assert hosted(compiled, *args) == []
    with_python = tf.nest.flatten(tf.autograph.to_graph(function)(*args))
    for got, want in zip(tf.nest.flatten(compiled(*args)), with_python, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4)


def test_variables_are_read_and_assigned_in_loops_and_branches():
    v, count, w = tf.Variable([1.0, 2.0]), tf.Variable(3), tf.Variable(tf.eye(2))

    @tf.function
    def run(n):
        before = count + 0
        for i in tf.range(n):
            v.assign_add(tf.linalg.matvec(w, [1.0, 0.5]))
            if i % 2 == 0:
                count.assign(count + i)
        return before, count + 0

    assert hosted(run, tf.constant(0)) == []
    before, after = run(tf.constant(4))
    assert (int(before), int(after), int(count.numpy())) == (3, 5, 5)
    np.testing.assert_array_equal(v, [5.0, 4.0])
    np.testing.assert_array_equal(w, np.eye(2))


def test_what_earlier_iterations_assigned_stands_when_an_assertion_fails():
    v = tf.Variable(0)

    @tf.function
    def run():
        for i in tf.range(5):
            v.assign_add(1)
            tf.debugging.assert_less(i, 2)

    with pytest.raises(tf.errors.InvalidArgumentError):
        run()
    assert v.numpy() == 2


def test_calls_into_python_inside_loops_and_branches_keep_their_order(capfd):
    @tf.function
    def run(n):
        total = tf.constant(0)
        tf.print("begin")
        for i in tf.range(n):
            total += i * i
            if total > 3:
                tf.print("at", i, total)
        tf.print("end", total)
        return total

    assert set(hosted(run, tf.constant(4))) == {"PrintV2"}
    assert run(tf.constant(4)) == 14
    assert capfd.readouterr().err.splitlines()[-4:] == ["begin", "at 2 5", "at 3 14", "end 14"]


def test_an_assertion_in_a_loop_that_reads_variables_stops_it():
    v, x = tf.Variable(2.0), np.ones((4, 3), np.float32)

    @tf.function
    def run(x):
        h = tf.zeros([3])
        for i in tf.range(4):
            tf.debugging.assert_greater(x[i], 0.0)
            h = h + x[i] * v
        return h

    assert hosted(run, x) == ["Assert"]
    np.testing.assert_array_equal(run(x), [8.0, 8.0, 8.0])
    x[2, 1] = -1.0
    with pytest.raises(tf.errors.InvalidArgumentError, match="x > y"):
        run(x)


def test_what_a_loop_draws_differs_from_iteration_to_iteration():
    @tf.function
    def run():
        out = tf.TensorArray(tf.float32, 4)
        for i in tf.range(4):
            out = out.write(i, tf.random.uniform([]))
        return out.stack()

    assert len(set(run().numpy().tolist())) == 4


def test_large_products_in_a_loop_are_shared_by_threads():
    w = normal(256, 256) / 16

    @tf.function
    def power(x):
        for _ in tf.range(20):
            x = tf.tanh(x @ w)
        return x

    x = normal(256, 256)
    assert hosted(power, x) == []
    want = x.numpy()
    for _ in range(20):
        want = np.tanh(want @ w.numpy())
    np.testing.assert_allclose(power(x), want, rtol=1e-3, atol=1e-5)


def test_shapes_that_grow_stay_on_the_host():
    @tf.function
    def grow(n):
        x = tf.zeros([1])
        for _ in tf.range(n):
            tf.autograph.experimental.set_loop_options(shape_invariants=[(x, tf.TensorShape([None]))])
            x = tf.concat([x, x], 0)
        return x

    assert grow(tf.constant(3)).shape == (8,)


def test_an_index_out_of_range_ends_the_loop_with_tensorflows_error():
    @tf.function
    def total(x, n):
        s, i = tf.constant(0.0), tf.constant(0)
        while i != n:
            s += tf.gather(x, i)
            i += 1
        return s

    x = tf.range(5.0)
    assert hosted(total, x, tf.constant(5)) == []
    assert total(x, tf.constant(5)) == 10.0
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"test_control\.py.*\n?.*tf\.gather"):
        total(x, tf.constant(-1))
    assert total(x, tf.constant(5)) == 10.0


@pytest.mark.skipif(sys.platform == "win32", reason="signals cannot be sent to oneself")
def test_an_endless_loop_can_be_interrupted():
    @tf.function
    def forever(n):
        i = tf.constant(0)
        while i >= 0:
            i = (i + n) % 7
        return i

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell runs in the background
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            forever(tf.constant(1))
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_loop_over_an_unknown_batch_is_native_for_each_size():
    @tf.function(input_signature=[tf.TensorSpec([None, 8])])
    def run(x):
        h = tf.zeros_like(x)
        for _ in tf.range(5):
            h = tf.tanh(x + h)
        return h

    for size in (3, 4):
        assert hosted_in(run.get_concrete_function(), tf.ones([size, 8])) == []


def test_a_row_out_of_range_is_tensorflows_error():
    @tf.function
    def row(x, i):
        return x[i]

    x = tf.reshape(tf.range(6.0), [3, 2])
    assert hosted(row, x, tf.constant(1)) == []
    np.testing.assert_array_equal(row(x, tf.constant(-3)), [0.0, 1.0])
    for bad in (3, -4):
        with pytest.raises(tf.errors.InvalidArgumentError):
            row(x, tf.constant(bad))


def test_branches_may_initialise_a_variable():
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        a = v1.get_variable("a", [2], initializer=v1.zeros_initializer())
        flag = v1.placeholder(tf.bool, [])
        assign = tf.cond(flag, lambda: a.assign([1.0, 1.0]), lambda: a.assign([2.0, 2.0]))
        np.testing.assert_array_equal(session.run(assign, {flag: True}), [1.0, 1.0])
