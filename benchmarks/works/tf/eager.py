"""Costs of a call: eager ops, the tape, a compiled function."""

import tensorflow as tf

from benchmarks.works.tf import JIT_COMPILE


def scalar_add():
    a, b = tf.constant(2.0), tf.constant(3.0)
    return lambda: a + b


def expression_gradient():
    x, a, b = tf.Variable([0.5, -1.0, 2.0, 0.1]), tf.constant(0.9), tf.constant(0.1)

    def step():
        with tf.GradientTape() as tape:
            y = tf.convert_to_tensor(x)
            for _ in range(5):
                y = tf.tanh(y * a + b) - y
            loss = tf.reduce_sum(y)
        return tape.gradient(loss, x)

    return step


def compiled_add():
    a, b = tf.constant(2.0), tf.constant(3.0)
    add = tf.function(lambda p, q: p + q, jit_compile=JIT_COMPILE)
    return lambda: add(a, b)
