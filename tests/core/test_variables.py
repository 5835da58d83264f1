"""Variables: assignment, sparse updates, copy on write, names."""

import copy
import pickle

import numpy as np
import pytest

import duoflow as tf


def test_a_read_value_never_changes():
    v = tf.Variable([1.0, 2.0])
    before = v.value()
    view = before.numpy()
    v.assign_add([10.0, 10.0])
    np.testing.assert_array_equal(before, [1.0, 2.0])
    np.testing.assert_array_equal(view, [1.0, 2.0])
    np.testing.assert_array_equal(v, [11.0, 12.0])


def test_the_initial_array_is_copied():
    array = np.array([1.0, 2.0], np.float32)
    v = tf.Variable(array)
    array[0] = 9
    assert v.numpy()[0] == 1.0


def test_assignments():
    v = tf.Variable(1.0, name="x")
    assert v.assign(5.0) is not None and v.numpy() == 5.0
    v.assign_add(2.0)
    v.assign_sub(1.0)
    assert float(v) == 6.0 and v.name == "x:0"


@pytest.mark.parametrize("value", [lambda: tf.zeros([2]), tf.zeros([2]), [0.0, 0.0], np.zeros(2, np.float32)])
def test_initial_values(value):
    assert tf.Variable(value).shape == [2]


def test_dtype_converts_the_initial_value():
    assert tf.Variable(1, dtype=tf.float64).dtype is tf.float64
    assert tf.Variable(np.zeros(2)).dtype is tf.float64


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [([1.0, 2.0, 3.0], ValueError, "Shape mismatch"), (tf.constant([1, 2]), ValueError, "dtype")],
)
def test_assigning_what_does_not_fit(value, error, message):
    v = tf.Variable([1.0, 2.0])
    with pytest.raises(error, match=message):
        v.assign(value)
    np.testing.assert_array_equal(v, [1.0, 2.0])


def test_a_general_shape_lets_sizes_change():
    v = tf.Variable([1.0], shape=tf.TensorShape([None]))
    v.assign([1.0, 2.0, 3.0])
    assert v.shape.as_list() == [None] and v.value().shape == [3]


def test_a_value_is_needed():
    with pytest.raises(ValueError, match="initial_value"):
        tf.Variable()


SLICES = [
    ("scatter_add", [[1.0], [12.0], [3.0]]),
    ("scatter_sub", [[1.0], [-8.0], [3.0]]),
    ("scatter_mul", [[1.0], [48.0], [3.0]]),
    ("scatter_max", [[1.0], [6.0], [3.0]]),
    ("scatter_min", [[1.0], [2.0], [3.0]]),
]


@pytest.mark.parametrize(("method", "expected"), SLICES)
def test_sparse_updates_see_every_row(method, expected):
    v = tf.Variable([[1.0], [2.0], [3.0]])
    getattr(v, method)(tf.IndexedSlices(tf.constant([[4.0], [6.0]]), tf.constant([1, 1])))
    np.testing.assert_array_equal(v, expected)


def test_sparse_updates_out_of_range():
    v = tf.Variable([1.0, 2.0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="not in"):
        v.scatter_add(tf.IndexedSlices(tf.constant([1.0]), tf.constant([5])))
    np.testing.assert_array_equal(v, [1.0, 2.0])


def test_scatter_nd():
    v = tf.Variable([[1, 2], [3, 4]])
    v.scatter_nd_update([[0, 1], [1, 0]], [20, 30])
    v.scatter_nd_add([[0, 0]], [100])
    np.testing.assert_array_equal(v, [[101, 20], [30, 4]])


def test_operators_read_the_value():
    v = tf.Variable(3.0)
    assert [float(t) for t in (v + 1, 1 - v, v * v, v / 2, -v, abs(-v), v**2)] == [4, -2, 9, 1.5, -3, 3, 9]
    assert bool(v > 2) and v[...].numpy() == 3.0


def test_variables_are_told_apart_by_reference():
    a, b = tf.Variable(1.0), tf.Variable(1.0)
    assert {a.ref(): 1, b.ref(): 2}[a.ref()] == 1 and a.ref().deref() is a
    with pytest.raises(TypeError, match="unhashable"):
        hash(a)


def test_copies_are_independent():
    v = tf.Variable([1.0], name="v", trainable=False)
    for twin in (copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
        twin.assign([2.0])
        assert v.numpy() == [1.0] and twin.name == "v:0" and not twin.trainable


def test_printing():
    v = tf.Variable([1.0, 2.0], name="w")
    assert repr(v) == "<tf.Variable 'w:0' shape=(2,) dtype=float32, numpy=array([1., 2.], dtype=float32)>"
    assert "UnreadVariable" in repr(v.assign([1.0, 1.0]))


def test_assignment_in_a_function_is_seen_outside():
    v = tf.Variable(1.0)

    @tf.function
    def step(x):
        v.assign_add(x)
        first = v + 0.0
        v.assign(v * 2.0)
        return first

    assert step(tf.constant(2.0)).numpy() == 3.0 and v.numpy() == 6.0
