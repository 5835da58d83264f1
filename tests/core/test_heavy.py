"""Eager convolutions by compiled kernels agree with their NumPy meaning."""

import numpy as np
import pytest

import duoflow as tf
from duoflow.core.switches import switches

CASES = [
    ((2, 13, 12, 5), (3, 3, 5, 7), 1, "SAME", None),
    ((2, 13, 12, 6), (3, 2, 3, 8), 2, "VALID", None),
    ((3, 9, 9, 8), (1, 1, 8, 64), 1, "VALID", None),
    ((1, 16, 16, 8), (3, 3, 8, 8), 1, "SAME", 2),
]


@pytest.mark.parametrize(("image", "filters", "strides", "padding", "dilations"), CASES)
def test_convolutions_and_their_gradients(image, filters, strides, padding, dilations, monkeypatch):
    random = np.random.default_rng(0)
    x, w = (tf.constant(random.normal(size=s).astype(np.float32)) for s in (image, filters))

    def run():
        with tf.GradientTape() as tape:
            tape.watch([x, w])
            y = tf.nn.conv2d(x, w, strides, padding, dilations=dilations)
            loss = tf.reduce_sum(y * y)
        return [y, *tape.gradient(loss, [x, w])]

    compiled = run()
    monkeypatch.setattr(switches, "eager_compile", False)
    for a, b in zip(compiled, run(), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-4)


def test_errors_are_those_of_small_calls():
    with pytest.raises(tf.errors.InvalidArgumentError, match="depth"):
        tf.nn.conv2d(tf.zeros([2, 32, 32, 5]), tf.zeros([3, 3, 4, 8]), 1, "SAME")
