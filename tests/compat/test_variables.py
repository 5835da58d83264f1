"""`get_variable`, `variable_scope` and the collections of a graph."""

import numpy as np
import pytest

import duoflow
import duoflow.compat.v1 as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def test_scopes_prefix_names_and_nest():
    with tf.variable_scope("a") as a:
        with tf.variable_scope("b"):
            assert tf.get_variable("w", [1]).name == "a/b/w:0"
        assert tf.constant(1.0, name="one").name == "a/one:0"
    assert tf.get_variable_scope().name == ""
    with tf.variable_scope(a, reuse=True):
        assert tf.get_variable_scope().reuse is True
    with tf.variable_scope("c"), tf.variable_scope(a):
        assert tf.get_variable("u", [1]).name == "a/u:0"


def test_default_names_are_made_unique():
    names = []
    for _ in range(3):
        with tf.variable_scope(None, "layer"):
            names.append(tf.get_variable("w", [1]).name)
    assert names == ["layer/w:0", "layer_1/w:0", "layer_2/w:0"]
    with pytest.raises(ValueError, match="name_or_scope is required"), tf.variable_scope(None):
        pass


def test_sharing():
    with tf.variable_scope("s"):
        w = tf.get_variable("w", [2])
        with pytest.raises(ValueError, match="Variable s/w already exists, disallowed"):
            tf.get_variable("w", [2])
    with tf.variable_scope("s", reuse=True):
        assert tf.get_variable("w", [2]) is w and tf.get_variable("w") is w
        with pytest.raises(ValueError, match=r"specified shape \(3,\) and found shape \(2,\)"):
            tf.get_variable("w", [3])
        with pytest.raises(ValueError, match="specified dtype int32 and found dtype float32"):
            tf.get_variable("w", [2], tf.int32)
        with pytest.raises(ValueError, match="Variable s/new does not exist"):
            tf.get_variable("new", [2])
    with tf.variable_scope("s", reuse=tf.AUTO_REUSE):
        assert tf.get_variable("w", [2]) is w
        assert tf.get_variable("new", [2]).name == "s/new:0"


def test_initializers_come_from_the_argument_the_scope_or_glorot():
    with tf.variable_scope("s", initializer=tf.constant_initializer(3.0)):
        scoped, given = tf.get_variable("a", [2]), tf.get_variable("b", [2], initializer=tf.ones_initializer)
        value = tf.get_variable("c", initializer=[1.0, 2.0])
    glorot, integers = tf.get_variable("d", [200, 100]), tf.get_variable("e", [2], tf.int32)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        a, b, c, d, e = session.run([scoped, given, value, glorot, integers])
    assert (a.tolist(), b.tolist(), c.tolist(), e.tolist()) == ([3, 3], [1, 1], [1, 2], [0, 0])
    assert abs(d).max() <= np.sqrt(6 / 300) and d.std() == pytest.approx(np.sqrt(2 / 300), rel=0.05)
    with pytest.raises(ValueError, match="must be fully defined"):
        tf.get_variable("f")
    with pytest.raises(ValueError, match="do not specify shape"):
        tf.get_variable("g", [3], initializer=tf.constant([1.0]))


def test_regularizers_add_losses():
    with tf.variable_scope("s", regularizer=lambda w: tf.reduce_sum(w * w)):
        tf.get_variable("w", initializer=[3.0])
        tf.get_variable("free", initializer=[3.0], regularizer=tf.no_regularizer)
    (loss,) = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(loss) == 9.0


def test_custom_getters_wrap():
    def getter(getter, name, *args, **kwargs):
        return getter(name, *args, **{**kwargs, "trainable": False})

    with tf.variable_scope("s", custom_getter=getter):
        assert not tf.get_variable("w", [1]).trainable


def test_collections():
    w = tf.Variable(1.0, name="w")
    frozen = tf.Variable(1.0, trainable=False)
    local = tf.Variable(1.0, collections=[tf.GraphKeys.LOCAL_VARIABLES])
    also_local = tf.get_local_variable("l", [1])
    assert tf.global_variables() == [w, frozen]
    assert tf.trainable_variables()[0] is w and frozen not in tf.trainable_variables()
    assert tf.local_variables() == [local, also_local]
    assert tf.global_variables("w") == [w]
    with tf.Session() as session:
        assert session.run(tf.report_uninitialized_variables([w, frozen])).tolist() == [b"w", b"Variable"]
        session.run(tf.global_variables_initializer())
        assert session.run(tf.report_uninitialized_variables([w, frozen])).size == 0


def test_assignments_are_operations():
    v = tf.Variable([1.0, 2.0])
    plus, replaced = tf.assign_add(v, [1.0, 1.0]), tf.assign(v, [0.0, 0.0])
    row = tf.scatter_add(v, [1], [5.0])
    with tf.Session() as session:
        session.run(v.initializer)
        assert session.run(plus).tolist() == [2, 3]
        session.run(row)
        assert session.run(v).tolist() == [2, 8]
        assert session.run(replaced).tolist() == [0, 0]
        v.load([7.0, 7.0], session)
        assert session.run(v).tolist() == [7, 7]


@pytest.mark.parametrize("make", [
    tf.zeros_initializer, tf.random_normal_initializer, tf.truncated_normal_initializer, tf.random_uniform_initializer,
    tf.glorot_normal_initializer, tf.variance_scaling_initializer, tf.orthogonal_initializer,
    tf.uniform_unit_scaling_initializer, tf.initializers.identity, tf.initializers.he_normal,
    tf.initializers.lecun_uniform,
])  # fmt: skip
def test_initializers_give_the_shape_and_dtype_asked_for(make):
    with duoflow.init_scope(), tf.Session() as session:
        value = session.run(make()([4, 4], dtype=tf.float64))
    assert value.shape == (4, 4) and value.dtype == np.float64


def test_an_orthogonal_matrix_is_orthogonal():
    with tf.Session() as session:
        q = session.run(tf.orthogonal_initializer()([5, 3]))
    np.testing.assert_allclose(q.T @ q, np.eye(3), atol=1e-5)


def test_a_loop_of_one_variable_gives_it_by_itself():
    """Unless it is asked to keep the structure."""
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(tf.while_loop(lambda i: i < 5, lambda i: i + 2, [0])) == 6
        assert session.run(tf.while_loop(lambda i: i < 5, lambda i: i + 2, [0], return_same_structure=True)) == [6]
        assert session.run(tf.while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, s + i), [0, 0])) == [3, 3]
