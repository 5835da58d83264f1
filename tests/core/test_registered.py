"""Gradients registered by name, and put in the place of ops' own."""

import pytest

import duoflow as tf


@tf.RegisterGradient("TestTenfold")
def tenfold(op, upstream):
    assert op.type == "Square" and len(op.inputs) == len(op.outputs) == 1
    return upstream * 10.0


tf.no_gradient("TestNothing")


def squared(x, name):
    graph = tf.compat.v1.get_default_graph()
    with graph.gradient_override_map({"Square": name}):
        inner = tf.square(x)
    return inner + tf.square(x)


def test_in_a_static_graph():
    with tf.Graph().as_default() as graph:
        x = tf.constant(3.0)
        found = [tf.gradients(squared(x, name), x)[0] for name in ("TestTenfold", "TestNothing")]
        with tf.compat.v1.Session(graph=graph) as session:
            assert session.run(found) == [16.0, 6.0]
        with pytest.raises(LookupError, match="gradient registry has no entry for: TestMissing"):
            tf.gradients(squared(x, "TestMissing"), x)


def test_in_a_function():
    f, x = tf.function(lambda x: squared(x, "TestTenfold")), tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    assert float(tape.gradient(y, x)) == 16.0

    @tf.function
    def inside(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = squared(x, "TestTenfold")
        return tape.gradient(y, x)

    assert float(inside(x)) == 16.0


def test_mistakes():
    for register in (tf.RegisterGradient, tf.no_gradient):
        with pytest.raises(TypeError, match="op_type must be a string"):
            register(3)
    for name in ("TestTenfold", "Square", "TestNothing"):
        with pytest.raises(KeyError, match=f"Registering two gradient with name '{name}'"):
            tf.RegisterGradient(name)(tenfold)
    graph = tf.Graph()
    for wrong in (["Square"], {"Square": 1}):
        with pytest.raises(TypeError, match="op_type_map must be a dictionary"), graph.gradient_override_map(wrong):
            pass
