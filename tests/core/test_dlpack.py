"""DLPack in both directions."""

import numpy as np
import pytest

import duoflow as tf

dlpack = tf.experimental.dlpack


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64, tf.int8, tf.int64, tf.uint16, tf.complex64, tf.bool])
def test_capsules_round_trip(dtype):
    x = tf.cast(tf.constant([[1, 0], [2, 3]]), dtype)
    back = dlpack.from_dlpack(dlpack.to_dlpack(x))
    assert back.dtype is dtype
    np.testing.assert_array_equal(back, x)


def test_tensors_speak_the_protocol_themselves():
    x = tf.constant([1.0, 2.0])
    array = np.from_dlpack(x)
    assert np.shares_memory(array, np.asarray(x))
    np.testing.assert_array_equal(dlpack.from_dlpack(x), x)


@pytest.mark.parametrize("value", [tf.constant("text"), tf.constant(1.0, tf.bfloat16)])
def test_types_without_a_form_in_dlpack(value):
    with pytest.raises(TypeError, match="DLPack"):
        dlpack.to_dlpack(value)
