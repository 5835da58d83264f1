"""`check_equivalence`: eager, reference and native results agree, or the op that differs is named."""

import numpy as np
import pytest

import duoflow as tf
from duoflow.core.emit import emit_one
from duoflow.core.record import Kind, Op
from duoflow.core.tensor import convert

c = tf.constant

#: An op whose compiled form is wrong: it adds 2 where its meaning is to add 1.
SKEWED = Op("Skewed", Kind.ELEMENTWISE, lambda x: x, lambda x: x + 1, body=lambda b, x: x + b.const(2, x.dtype))


def skewed(x):
    return emit_one(SKEWED, (convert(x),))


def test_functions_agree():
    v = tf.Variable([1.0, 2.0])

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.nn.softmax(v * x) ** 2)
        v.assign_sub(tape.gradient(loss, v))
        return {"loss": loss, "none": None}

    outcome = tf.debugging.check_equivalence(step, c([3.0, -1.0]))
    assert outcome and str(outcome) == "eager, native and the reference engine agree"
    assert v.numpy().tolist() == [1.0, 2.0]
    assert tf.debugging.check_equivalence(lambda x: x * 2.0, c([1.0]))


def test_the_op_whose_compiled_form_differs_is_named():
    @tf.function
    def f(x):
        y = tf.sin(x) * 2.0
        z = skewed(y)
        return tf.reduce_sum(z * 3.0)

    outcome = tf.debugging.check_equivalence(f, c([0.5, 1.0]))
    assert not outcome and set(outcome.differences) == {"native"}
    assert outcome.node.type == "Skewed" and outcome.node.origin == (__file__, skewed.__code__.co_firstlineno + 1)
    np.testing.assert_allclose(outcome.values[0], outcome.values[1] + 1.0, rtol=1e-6)
    assert "native differs from the reference engine: result 0" in str(outcome)
    assert "the first op that differs is Skewed" in str(outcome) and "emit_one(SKEWED" in str(outcome)


def test_python_that_changes_between_calls_is_seen():
    made = []

    def f(x):
        made.append(1)
        return x + float(len(made))

    outcome = tf.debugging.check_equivalence(f, c([0.0]))
    assert set(outcome.differences) == {"eager"} and "1 of 1 elements, at [0] 2 and 1" in str(outcome)


@pytest.mark.parametrize("kind", ["random", "concrete"])
def test_what_cannot_be_compared_is_said(kind):
    f = tf.function(lambda x: x + tf.random.uniform([3])) if kind == "random" else tf.function(lambda x: x * 2.0)
    subject = f if kind == "random" else f.get_concrete_function(tf.TensorSpec([3]))
    outcome = tf.debugging.check_equivalence(subject, tf.zeros([3]))
    assert outcome and "eager not compared" in str(outcome) and outcome.compared == ["native"]
