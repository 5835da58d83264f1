"""Compiled code says what eager mode says of an operand that is not allowed: which one, and the user's line."""

import numpy as np
import pytest

import duoflow as tf

_I = np.array([0, 7], np.int32)


def _summed(i):
    total = tf.constant(0)
    for k in tf.range(10):
        total += tf.gather(i, k)
    return total


CASES = [
    ("gather", lambda i: tf.gather(tf.zeros([3, 2]), i), "indices[1] = 7 is not in [0, 3)"),
    ("computed index", lambda i: tf.gather(tf.exp(tf.zeros([2])), i * 2) + 1, "indices[1] = 14 is not in [0, 2)"),
    ("axis", lambda i: tf.gather(tf.zeros([2, 5]), i, axis=1), "indices[1] = 7 is not in [0, 5)"),
    ("batch", lambda i: tf.gather(tf.zeros([2, 5]), i[:, None], batch_dims=1), "indices[1,0] = 7 is not in [0, 5)"),
    ("row", lambda i: tf.zeros([3])[i[1]], "slice index 7 of dimension 0 out of bounds."),
    ("row from the end", lambda i: tf.zeros([3])[-i[1]], "slice index -7 of dimension 0 out of bounds."),
    (
        "gather_nd",
        lambda i: tf.gather_nd(tf.zeros([3, 2]), i[None]),
        "indices[0] = [0, 7] does not index into param shape [3,2]",
    ),
    (
        "scatter_nd",
        lambda i: tf.scatter_nd(i[:, None], tf.ones([2]), [3]),
        "indices[1] = [7] does not index into shape [3]",
    ),
    (
        "tensor_scatter_nd_max",
        lambda i: tf.tensor_scatter_nd_max(tf.zeros([3]), i[:, None], tf.ones([2])),
        "indices[1] = [7] does not index into shape [3]",
    ),
    (
        "unsorted_segment_sum",
        lambda i: tf.math.unsorted_segment_sum(tf.ones([2, 1]), i[:, None], 3),
        "segment_ids[1,0] = 7 is out of range [0, 3)",
    ),
    ("loop", _summed, "indices = 2 is not in [0, 2)"),
    ("division", lambda i: tf.constant([4, 5]) // i, "Integer division by zero"),
    ("remainder", lambda i: tf.constant([4, 5]) % i, "Integer division by zero"),
    ("power", lambda i: tf.constant([4, 5]) ** -i, "Integers to negative integer powers are not allowed"),
    (
        "labels",
        lambda i: tf.nn.sparse_softmax_cross_entropy_with_logits(i, tf.zeros([2, 3])),
        "Received a label value of 7 which is outside the valid range of [0, 3).  Label values: 0 7",
    ),
]


@pytest.mark.parametrize("function, message", [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_the_error_of_eager_mode(function, message):
    for run in (function, tf.function(function)):
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            run(tf.constant(_I))
        assert message in caught.value.message and __file__ in caught.value.message


def test_a_divisor_that_is_constant_cannot_fail():
    def function(x):
        return tf.nn.relu(tf.cast(tf.matmul(x, x), tf.int32) // 3)

    concrete = tf.function(function).get_concrete_function(tf.TensorSpec([4, 4]))
    x = np.arange(16, dtype=np.float32).reshape(4, 4)
    np.testing.assert_array_equal(concrete(tf.constant(x)), (x @ x).astype(np.int32) // 3)


def test_variables_stay_as_they_were():
    v = tf.Variable([1.0, 2.0])

    @tf.function
    def step(i):
        v.assign_add(tf.gather(v, i) * 2)

    with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[1\] = 7"):
        step(tf.constant(_I))
    np.testing.assert_array_equal(v, [1.0, 2.0])
    step(tf.constant([1, 0]))
    np.testing.assert_array_equal(v, [5.0, 4.0])
