"""The short way through an eager operator gives what the long way gives."""

import itertools
import operator

import numpy as np
import pytest

import duoflow as tf
from duoflow.core.tensor import Operators

SYMBOLS = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv,
    "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
}  # fmt: skip
OPERANDS = [
    np.float32(2.5),
    np.array([1.0, -2.0, 0.0], np.float32),
    np.array([[3.0], [np.inf]], np.float32),
    np.zeros([0, 3], np.float32),
    np.array([1.5, 2.5, np.nan], np.float64),
    np.array([1, 2, 3], np.int32),
    np.int64(7),
    np.array([1, 2, 3], np.uint8),
    np.array([1, 2, 3], np.float16),
    np.array([1 + 2j], np.complex64),
    np.array([True, False, True]),
]
NUMBERS = [2.0, 3, 2.5, 1e300, True, 10**400]


def outcome(call):
    try:
        value = call()
    except Exception as error:
        return type(error)
    return type(value), value.dtype, value.shape, value.numpy().tobytes()


@pytest.mark.parametrize("name", SYMBOLS)
def test_tensors_of_all_types(name):
    long_way = getattr(Operators, f"__{name}__")
    for a, b in itertools.product(OPERANDS, repeat=2):
        x, y = tf.constant(a), tf.constant(b)
        assert outcome(lambda: SYMBOLS[name](x, y)) == outcome(lambda: long_way(x, y)), (a, b)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv"])
def test_python_numbers_on_either_side(name):
    for a, number in itertools.product(OPERANDS, NUMBERS):
        x = tf.constant(a)
        left, right = getattr(Operators, f"__{name}__"), getattr(Operators, f"__r{name}__")
        assert outcome(lambda: SYMBOLS[name](x, number)) == outcome(lambda: left(x, number)), (a, number)
        assert outcome(lambda: SYMBOLS[name](number, x)) == outcome(lambda: right(x, number)), (a, number)


def test_a_tensor_and_a_variable_or_a_graph_tensor():
    x, v = tf.constant([1.0, 2.0]), tf.Variable([3.0, 4.0])
    assert (x - v).numpy().tolist() == [-2, -2]

    @tf.function
    def f(y):
        return x - y, y / 2.0, 1.0 / y

    assert [t.numpy().tolist() for t in f(v)] == [[-2, -2], [1.5, 2], [np.float32(1 / 3), 0.25]]


def test_tapes_see_it():
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = 3.0 / (-tf.tanh(x) * 2.0 - x)
    inner = -2 * np.tanh(x.numpy()) - x.numpy()
    slope = -3 / inner**2 * (-2 * (1 - np.tanh(x.numpy()) ** 2) - 1)
    np.testing.assert_allclose(tape.gradient(y, x), slope, rtol=1e-6)


def test_shapes_that_do_not_fit_name_the_line():
    with pytest.raises(tf.errors.InvalidArgumentError, match="test_quick"):
        tf.constant([1.0, 2.0]) + tf.constant([1.0, 2.0, 3.0])


def test_numpy_is_left_as_loud_as_it_was():
    tf.constant(1.0) / tf.constant(0.0)
    with pytest.warns(RuntimeWarning):
        np.float32(1) / np.float32(0)


def test_checks_of_numerics_see_it():
    tf.debugging.enable_check_numerics()
    try:
        with pytest.raises(tf.errors.InvalidArgumentError):
            tf.constant(1.0) / tf.constant(0.0)
    finally:
        tf.debugging.disable_check_numerics()
