"""What tracing and calling cost: processor time, the best of several tries, far from the limits that are promised."""

import time

import duoflow as tf


def best(action, tries=7):
    """The shortest processor time of an action, in seconds."""
    times = []
    for _ in range(tries):
        began = time.process_time()
        action()
        times.append(time.process_time() - began)
    return min(times)


def many_ops(x):
    for _ in range(20):
        x = tf.sin(x + 1.0)
        x = tf.maximum(x * x, 0.5)
        x = tf.reduce_sum(x, -1, keepdims=True)
    return x


def test_a_function_of_a_hundred_ops_traces_in_ten_milliseconds():
    spec = tf.TensorSpec([4, 4])
    concrete = tf.function(many_ops).get_concrete_function(spec)
    assert len([op for op in concrete.graph.get_operations() if op.type not in ("Const", "Placeholder")]) == 100
    assert best(lambda: tf.function(many_ops).get_concrete_function(spec)) < 10e-3


def test_a_call_of_a_compiled_scalar_function_takes_ten_microseconds():
    f, x = tf.function(lambda x: x + 1.0), tf.constant(1.0)
    f(x)

    def calls():
        for _ in range(1000):
            f(x)

    assert best(calls) / 1000 < 10e-6


def test_converting_a_function_of_a_hundred_lines_takes_milliseconds():
    lines = ["def f(x):"]
    for i in range(25):
        lines += [f"    if x > {i}:", "        x = x - 1", "    else:", f"        x = x + {i}"]
    text = "\n".join([*lines, "    return x"]) + "\n"

    def convert():
        space = {}
        exec(text, space)
        assert "if_stmt" in tf.autograph.to_code(space["f"])

    assert best(convert, tries=3) < 100e-3
