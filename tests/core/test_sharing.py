"""Who shares memory with whom: values never change under anybody's feet, and nothing is copied without need."""

import numpy as np
import pytest

import duoflow as tf
from duoflow.core.engine import executable


def ones(*shape):
    return np.ones(shape, np.float32)


@pytest.mark.parametrize(
    "make",
    [
        tf.constant, tf.convert_to_tensor, tf.Variable, tf.identity, lambda a: tf.cast(a, tf.float32),
        lambda a: tf.reshape(a, [300, 40]), lambda a: a[:] @ tf.eye(40), lambda a: tf.expand_dims(a, 0)[0],
        tf.function(lambda a: tf.reshape(a, [300, 40])),
    ],
)  # fmt: skip
def test_tensors_have_values_of_their_own(make):
    array = ones(300, 40)
    tensor = make(array)
    array[0, 0] = 7
    assert float(tensor[0, 0]) == 1


def test_tapes_and_functions_keep_arrays_as_they_were():
    array, w = ones(2, 3), tf.Variable(ones(3, 1))
    f = tf.function(lambda x: x * array)
    assert float(f(tf.ones([]))[0, 0]) == 1
    with tf.GradientTape() as tape:
        y = tf.matmul(array, w)
    array[:] = 5
    assert tape.gradient(y, w).numpy().tolist() == [[2]] * 3
    assert float(f(tf.ones([]))[0, 0]) == 1


def test_numpy_gives_an_array_of_the_callers_own():
    tensor = tf.ones([3, 4])
    array = tensor.numpy()
    array += 1
    assert array.flags.writeable
    assert float(tf.reduce_sum(tensor)) == 12


def test_asarray_gives_a_view_to_read():
    tensor = tf.ones([3, 4])
    array = np.asarray(tensor)
    assert np.shares_memory(array, np.asarray(tensor))
    with pytest.raises(ValueError, match="read-only"):
        array += 1
    assert not np.shares_memory(np.array(tensor), array)
    assert np.asarray(tensor, np.float64).dtype == np.float64


@pytest.mark.parametrize("read", [np.asarray, np.array, lambda v: v.numpy(), lambda v: np.asarray(v.read_value())])
def test_what_was_read_of_a_variable_stays(read):
    v = tf.Variable(ones(100))

    @tf.function
    def step():
        v.assign_add(tf.ones([100]))

    for update in (step, lambda: v.assign_add(tf.ones([100])), lambda: v.assign(tf.zeros([100])), step):
        before = read(v)
        kept = before.copy()
        update()
        np.testing.assert_array_equal(before, kept)


def test_assigning_writes_where_nobody_reads():
    v = tf.Variable(ones(1000))
    address = v._state.array.ctypes.data
    v.assign(tf.zeros([1000]))
    assert v._state.array.ctypes.data == address
    held = v.read_value()
    v.assign(tf.ones([1000]))
    assert v._state.array.ctypes.data != address
    assert float(held[0]) == 0


def test_a_variable_can_be_assigned_a_part_of_itself():
    v = tf.Variable(np.arange(4, dtype=np.float32))
    v.assign(tf.reverse(v, [0]))
    assert v.numpy().tolist() == [3, 2, 1, 0]
    v.assign(tf.roll(v, 1, 0))
    assert v.numpy().tolist() == [0, 3, 2, 1]


def addresses(function, *arguments):
    """The buffers of the latest run of a function."""
    (program,) = executable(function.get_concrete_function(*arguments).graph)._specializations.values()
    return set(program._idle[-1]._buffers[:])


def test_functions_read_arrays_where_they_are():
    f, spec = tf.function(lambda x: x * 2.0), tf.TensorSpec([64, 64])
    for array, in_place in ((ones(64, 64), True), (ones(70, 64)[6:], True), (np.asfortranarray(ones(64, 64)), False)):
        assert float(f(array)[0, 0]) == 2
        assert (array.ctypes.data in addresses(f, spec)) is in_place


def test_results_are_arrays_of_their_own():
    f = tf.function(lambda x: (x + 1.0, x, tf.reshape(x, [-1])))
    array = ones(8, 8)
    results = [f(array) for _ in range(3)]
    views = [np.asarray(t) for result in results for t in result]
    for i, view in enumerate(views):
        assert not any(np.shares_memory(view, other) for other in views[i + 1 :])
        assert not np.shares_memory(view, array)
    kept = [view.copy() for view in views]
    array[:] = 5
    f(array)
    for view, before in zip(views, kept, strict=True):
        np.testing.assert_array_equal(view, before)


def test_dlpack_shares_in_both_directions():
    tensor, array = tf.ones([5]), ones(5)
    assert np.shares_memory(np.from_dlpack(tensor), np.asarray(tensor))
    assert np.shares_memory(tf.experimental.dlpack.from_dlpack(array), array)


def test_predictions_may_be_written_to():
    model = tf.keras.Sequential([tf.keras.layers.Dense(2)])
    for predictions in (model.predict(ones(3, 4), verbose=0), model.predict_on_batch(ones(3, 4))):
        predictions[:] = 0
