"""Sessions: what is run, what is fed, what is kept, and which mistakes are named how."""

import numpy as np
import pytest

import duoflow
import duoflow.compat.v1 as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def test_fetches_come_in_their_structure():
    a, b = tf.constant(1.0, name="a"), tf.constant([2, 3])
    with tf.Session() as session:
        out = session.run({"x": [a, "a:0"], "y": (b, tf.no_op())})
        assert out["x"] == [1.0, 1.0] and isinstance(out["x"][0], np.float32)
        assert out["y"][0].tolist() == [2, 3] and out["y"][1] is None
        assert session.run(tf.constant("text")) == b"text"
        assert session.run("a") is None  # an operation


def test_any_tensor_can_be_fed():
    x = tf.placeholder(tf.float32, [None], name="x")
    y = x * 2.0
    z = y + 1.0
    default = tf.placeholder_with_default([5.0], [None])
    with tf.Session() as session:
        assert session.run(z, {x: [1, 2]}).tolist() == [3, 5]
        assert session.run(z, {"x:0": np.float64([1.0])}).tolist() == [3]
        assert session.run(z, {y: [10]}).tolist() == [11]
        assert session.run([y, z], {y: [10]})[0].tolist() == [10]
        assert session.run(default * 2.0).tolist() == [10] and session.run(default, {default: [1.0, 2.0]}).size == 2
        assert session.make_callable(z, [x])([4.0]).tolist() == [9]


def test_only_what_a_fetch_needs_is_run():
    x, unused = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    counter = tf.Variable(0)
    _ = counter.assign_add(1)
    y = x + 1.0
    _ = unused * 2.0
    with tf.Session() as session:
        session.run(counter.initializer)
        assert session.run(y, {x: 1.0}) == 2.0
        assert session.run(counter) == 0


def test_control_dependencies_run_first():
    v = tf.Variable(1.0)
    with tf.control_dependencies([tf.assign(v, 5.0)]):
        after = v.read_value()
    step = tf.group(tf.assign_add(v, 1.0), name="step")
    with tf.Session() as session:
        session.run(v.initializer)
        assert session.run(after) == 5.0
        assert session.run(step) is None and session.run("step") is None
        assert session.run(v) == 7.0


def test_each_session_has_its_own_variables():
    v = tf.Variable([1.0, 2.0])
    with tf.Session() as first, tf.Session() as second:
        first.run(v.initializer)
        second.run(v.initializer)
        first.run(v.assign([9.0, 9.0]))
        assert (first.run(v).tolist(), second.run(v).tolist()) == ([9, 9], [1, 2])


def test_variables_may_start_from_others():
    v = tf.Variable(2.0)
    w = tf.Variable(v.initialized_value() * 3.0)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(w) == 6.0


def test_gradients_and_control_flow_in_a_static_graph():
    x = tf.placeholder(tf.float32, [])
    y = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, tf.cond(y > 4.0, lambda: y * x, lambda: y + x)), [0, x])[
        1
    ]
    (gradient,) = tf.gradients(y, x)
    (second,) = tf.gradients(gradient, x)
    with tf.Session() as session:
        # 2 -> 4 -> 6 -> 12: y = 3x * x
        assert session.run([y, gradient, second], {x: 2.0}) == [12.0, 12.0, 6.0]


def test_sparse_gradients_are_fetched_as_values():
    table = tf.Variable(np.ones((4, 2), np.float32))
    (gradient,) = tf.gradients(tf.reduce_sum(tf.gather(table, [1, 1])), table)
    with tf.Session() as session:
        session.run(table.initializer)
        value = session.run(gradient)
    assert isinstance(value, tf.IndexedSlicesValue)
    assert value.indices.tolist() == [1, 1] and value.values.shape == (2, 2)


def test_eval_and_run_use_the_default_session():
    v = tf.Variable(3.0)
    with pytest.raises(ValueError, match="no default session"):
        v.eval()
    with tf.Session().as_default() as session:
        v.initializer.run()
        assert tf.get_default_session() is session
        assert (v * 2.0).eval() == 6.0 and v.eval() == 3.0
    assert tf.get_default_session() is None
    interactive = tf.InteractiveSession()
    assert tf.constant(1.0).eval() == 1.0
    interactive.close()
    assert tf.get_default_session() is None


def test_mistakes_are_named(graph):
    x = tf.placeholder(tf.float32, [None, 1], name="x")
    v = tf.Variable(1.0, name="v")
    y = x + 1.0
    session = tf.Session(config=tf.ConfigProto(allow_soft_placement=True))
    session._config.gpu_options.allow_growth = True
    with pytest.raises(tf.errors.InvalidArgumentError, match="placeholder tensor 'x' with dtype float"):
        session.run(y)
    with pytest.raises(
        ValueError, match=r"Cannot feed value of shape \(3,\) for Tensor x:0, which has shape \(None, 1\)"
    ):
        session.run(y, {x: [1, 2, 3]})
    with pytest.raises(TypeError, match=r"cannot be a tf.Tensor object"):
        session.run(y, {x: y})
    with pytest.raises(TypeError, match="Cannot interpret feed_dict key"):
        session.run(y, {3: 1.0})
    with pytest.raises(TypeError, match=r"has invalid type 'NoneType'"):
        session.run(None)
    with pytest.raises(ValueError, match="cannot be interpreted as a Tensor"):
        session.run("nothing:0")
    with pytest.raises(tf.errors.FailedPreconditionError, match="v"):
        session.run(v)
    session.close()
    with pytest.raises(RuntimeError, match="closed Session"):
        session.run(v)
    with tf.Graph().as_default(), pytest.raises(RuntimeError, match="graph is empty"):
        tf.Session().run("x")
    with duoflow.init_scope(), tf.Graph().as_default():
        other = tf.constant(1.0)
    with pytest.raises(ValueError, match="not an element of this graph"):
        tf.Session(graph=graph).run(other)


def test_graph_mode_at_the_top_level():
    with duoflow.core.context.eager_only():
        tf.disable_v2_behavior()
        try:
            assert not duoflow.executing_eagerly() and not tf.executing_eagerly_outside_functions()
            three = tf.constant(1.0) + 2.0
            with tf.Session() as session:
                assert session.run(three) == 3.0
            tf.reset_default_graph()
            assert tf.get_default_graph().get_operations() == []
            assert tf.constant(1.0).graph is tf.get_default_graph()
        finally:
            tf.leave_graph_mode()
        assert duoflow.executing_eagerly()
        with pytest.raises(RuntimeError, match="not compatible with eager execution"):
            tf.placeholder(tf.float32)
