"""Backward passes that recur are compiled: the values stay, and what may not be compiled is not."""

import numpy as np
import pytest

import duoflow as tf
from duoflow.core.recurring import Recurring, recurring

TIMES = 60  # more than it takes for these small tapes


@pytest.fixture(autouse=True)
def forget():
    recurring._forms._forms.clear()


def compiled():
    return [form.code is not None for form in recurring._forms._forms.values()]


def dense(value):
    return None if value is None else tf.convert_to_tensor(value).numpy()


def check(step, *arguments):
    """Call `step` until its backward pass is compiled; its results stay what they were."""
    first = [dense(g) for g in step(*arguments)]
    for _ in range(TIMES):
        results = [dense(g) for g in step(*arguments)]
    assert any(compiled())
    for before, after in zip(first, results, strict=True):
        if before is None:
            assert after is None
        else:
            assert before.dtype == after.dtype
            np.testing.assert_allclose(after, before, rtol=2e-6, atol=1e-6)


def test_an_expression_of_variables():
    w, b = tf.Variable(tf.random.stateless_normal([5, 3], [1, 2])), tf.Variable([0.1, 0.2, 0.3])
    x = tf.random.stateless_normal([4, 5], [3, 4])

    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits([[0.0, 1.0, 0.0]], tf.tanh(x @ w) + b))
        return tape.gradient(loss, [w, b])

    check(step)


def test_new_values_are_used():
    w = tf.Variable(2.0)
    for i in range(TIMES):
        with tf.GradientTape() as tape:
            loss = w * w * float(i)
        assert float(tape.gradient(loss, w)) == 4.0 * i
        w.assign(2.0)
    assert compiled() == [True]


def test_each_shape_has_its_own():
    for size in (2, 3):
        x = tf.ones([size, 4])

        def step(x=x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = tf.reduce_sum(tf.exp(x), axis=0)
            return [tape.gradient(loss, x)]

        check(step)
    assert compiled() == [True, True]


def test_rows_of_a_table():
    table = tf.Variable(tf.reshape(tf.range(12.0), [6, 2]))
    for i in range(TIMES):
        ids = tf.constant([i % 6, 3, 3])
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.gather(table, ids) ** 2)
        slices = tape.gradient(loss, table)
        assert isinstance(slices, tf.IndexedSlices)
        assert slices.indices.numpy().tolist() == [i % 6, 3, 3]
        np.testing.assert_array_equal(slices.values, 2 * table.numpy()[ids.numpy()])
    assert compiled() == [True]


def test_shapes_given_as_values_that_change_in_the_end():
    x = tf.reshape(tf.range(12.0), [3, 4])

    def step(shape):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reshape(x, tf.constant(shape)) * tf.ones(shape)
        return [tape.gradient(y, x, output_gradients=tf.reshape(tf.range(12.0), shape))]

    check(step, [4, 3])
    for shape in ([2, 6], [12], [4, 3]):
        np.testing.assert_array_equal(step(shape)[0], np.arange(12.0).reshape(3, 4))


def test_unconnected_and_integer_sources_and_given_gradients():
    x, n = tf.constant([1.0, 2.0]), tf.constant(3.0)

    def step():
        with tf.GradientTape() as tape:
            tape.watch([x, n])
            y = x * x
        return tape.gradient(y, [x, n], output_gradients=[tf.constant([1.0, 10.0])])

    check(step)


def test_a_persistent_tape_and_jacobians():
    x = tf.constant([0.5, 1.5, -1.0])

    def step():
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = tf.sin(x) * tf.reduce_sum(x)
        return [tape.gradient(y, x), tape.jacobian(y, x)]

    check(step)


def test_higher_orders_stay_right():
    x = tf.constant(0.7)
    for _ in range(TIMES):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.sin(x)
            slope = inner.gradient(y, x)
        np.testing.assert_allclose(outer.gradient(slope, x), -np.sin(0.7), rtol=1e-6)


def test_gradients_of_the_programs_own_run_in_python():
    calls = []

    @tf.custom_gradient
    def noted(x):
        def backward(dy):
            calls.append(1)
            return dy * 5.0

        return tf.identity(x), backward

    x = tf.constant(1.0)
    for _ in range(TIMES):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = noted(x)
        assert float(tape.gradient(y, x)) == 5.0
    assert len(calls) == TIMES


def test_few_forms_are_remembered():
    for size in range(1, 200):
        x = tf.ones([size])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x * 2.0
        tape.gradient(y, x)
    assert len(recurring._forms._forms) == 128


def test_nothing_is_compiled_where_ops_are_watched():
    x = tf.constant(1.0)
    tf.debugging.enable_check_numerics()
    try:
        for _ in range(TIMES):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.sqrt(x - 1.0)
            with pytest.raises(tf.errors.InvalidArgumentError):
                tape.gradient(y, x)
    finally:
        tf.debugging.disable_check_numerics()
    assert compiled() == []


def test_an_empty_tape_has_no_form():
    assert Recurring().pull([], [], [], [], lambda *tape: []) is None
