"""What a run is given: objects that fit their rows are used where they are, others are converted or refused."""

import gc
import threading
import weakref

import numpy as np
import pytest

import duoflow as tf
from duoflow.core.arrays import address_of
from duoflow.core.engine import executable
from duoflow.core.state import Flight, State
from duoflow.engines.native import entry, runner
from duoflow.engines.native.entry import Row, Rows


@pytest.fixture(params=["looks into objects", "asks Python"])
def known_layout(request, monkeypatch):
    """Whether the layout of objects is known, as where it is not."""
    if request.param == "asks Python":
        monkeypatch.setattr(entry, "layout", lambda: None)
    return request.param == "looks into objects"


def frame_of(*rows):
    """A frame of a program that does nothing."""
    return runner.Program(buffers=4).frame(rows)


def variable(array):
    state = State(tf.float32, array.shape, "v")
    state.write(array)
    return state


X = np.arange(6, dtype=np.float32).reshape(2, 3)
ROW = Row(2, (2, 3), X.dtype)


def unaligned():
    return np.frombuffer(b"\0" * 25, np.uint8)[1:].view(np.float32).reshape(2, 3)


@pytest.mark.parametrize(
    "value",
    [
        X.T.copy().T, X.astype(np.float64), X.reshape(3, 2), X.reshape(6), X[:1], X.tolist(), X.view(np.int32), None,
        X.view(np.recarray), unaligned(), 3.0, X.reshape(2, 3, 1), X.astype(">f4"),
    ],
    ids=lambda v: type(v).__name__,
)  # fmt: skip
def test_what_is_not_the_array_of_a_row_is_refused(value):
    assert not frame_of(ROW).run([value])


def test_arrays_are_used_where_they_are():
    frame = frame_of(ROW, Row(), Row(1, (), np.dtype(np.int64)))
    count = np.asarray(3, np.int64)
    assert frame.run([X, object(), count])
    assert frame.buffers[2] == X.ctypes.data
    assert frame.buffers[1] == count.ctypes.data


@pytest.mark.parametrize("given", [[X], [X, X, X]], ids=["one", "three"])
def test_a_wrong_number_of_objects_is_refused(given):
    assert not frame_of(ROW, ROW).run(given)


@pytest.mark.parametrize("in_place", [False, True])
def test_states_are_taken_once_their_class_is_known(in_place):
    frame, state = frame_of(Row(2, in_place=in_place)), variable(X)
    assert not frame.run([state])
    frame.rows.note(0, state)
    assert frame.run([state])
    assert frame.buffers[2] == state.array.ctypes.data
    assert not frame.run([X])
    state.array = None
    assert not frame.run([state])


@pytest.mark.parametrize("hold", [lambda a: a, lambda a: a[1:], lambda a: a.T], ids=["itself", "a part", "a view"])
def test_states_that_others_hold_are_not_updated_in_place(hold):
    state = variable(X)
    reads, updates = frame_of(Row(2)), frame_of(Row(2, in_place=True))
    for frame in (reads, updates):
        frame.rows.note(0, state)
    held = hold(state.array)
    assert reads.run([state])
    assert not updates.run([state])
    del held
    assert updates.run([state])


def test_rows_hold_what_they_are_told():
    rows = Rows([Row(1, (5, 7), X.dtype), Row(), Row(3, in_place=True)])
    assert rows.count == 3


def test_functions_take_all_that_can_be_converted(known_layout):
    @tf.function(input_signature=[tf.TensorSpec([2, 3], tf.float32)])
    def f(x):
        return 2 * x

    run = executable(f.get_concrete_function().graph).run
    for value in (X, X.T.copy().T, X.astype(np.float64), X.tolist(), unaligned()):
        np.testing.assert_array_equal(run([value])[0], 2 * np.asarray(value, np.float32))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"shape \(3, 2\), expected \(2, 3\)"):
        run([X.T])


def test_variables_are_updated_in_place_or_where_nobody_else_looks(known_layout):
    v = tf.Variable(np.zeros(1000, np.float32))

    @tf.function
    def step(x):
        v.assign_add(x)

    one = tf.ones(1000)
    for _ in range(3):
        step(one)
    before = v.read_value()
    address = v._state.array.ctypes.data
    step(one)
    assert before.numpy()[0] == 3
    assert v.numpy()[0] == 4
    assert v._state.array.ctypes.data != address
    del before
    gc.collect()
    address = v._state.array.ctypes.data
    step(one)
    assert v.numpy()[0] == 5
    assert v._state.array.ctypes.data == address


class TestFlights:
    """What other threads may do to variables while a run goes on."""

    def test_buffers_given_up_stay_until_the_run_ends(self):
        state, flight = variable(X), Flight([])
        buffer = weakref.ref(state.array)
        flight.begin([state])
        state.write(X + 1)
        assert (buffer() == X).all()
        flight.end()
        assert buffer() is None and (state.read() == X + 1).all()

    def test_buffers_of_others_are_freed(self):
        state, flight = variable(X), Flight([])
        buffer = weakref.ref(state.array)
        flight.begin([variable(X)])
        state.write(X + 1)
        assert buffer() is None
        flight.end()

    @pytest.mark.parametrize("read", [[0], []], ids=["reads it", "updates it"])
    def test_who_updates_in_place_leaves_readers_their_buffer(self, read):
        state, flight = variable(X), Flight(read)
        before = address_of(state.array)
        flight.begin([state])
        assert (address_of(state.writable()) == before) != bool(read)
        flight.end()

    def test_threads_that_assign_update_and_read(self):
        v, total = tf.Variable(tf.ones([256, 256])), tf.Variable(0.0)

        @tf.function
        def read():
            return tf.reduce_mean(tf.matmul(v, v)), tf.reduce_max(v)

        @tf.function
        def update():
            v.assign(v * 1.0)
            return total.assign_add(1.0)

        read(), update()
        failed = []

        def again(act):
            try:
                for _ in range(60):
                    act()
            except BaseException as error:
                failed.append(error)

        def check():
            mean, largest = read()
            assert mean == 256 and largest == 1

        actions = [check, check, update, lambda: v.assign(np.ones((256, 256), np.float32))]
        threads = [threading.Thread(target=again, args=(act,)) for act in actions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failed and total == 61
