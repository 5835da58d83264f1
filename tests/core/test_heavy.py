"""Eager convolutions and large products by compiled kernels agree with their NumPy meaning."""

import numpy as np
import pytest

import duoflow as tf
from duoflow.core import heavy
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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("left", "right", "transpose_a", "transpose_b"),
    [
        ((200, 150), (150, 120), False, False),
        ((150, 200), (150, 120), True, False),
        ((200, 150), (120, 150), False, True),
        ((4, 100, 90), (4, 90, 110), False, False),
        ((4, 100, 90), (110, 90), False, True),
    ],
)
def test_large_products(left, right, transpose_a, transpose_b, dtype, monkeypatch):
    random = np.random.default_rng(0)
    x, y = random.normal(size=left).astype(dtype), random.normal(size=right).astype(dtype)
    ran = []
    monkeypatch.setattr(heavy, "run", lambda op, *rest, run=heavy.run: ran.append(op.name) or run(op, *rest))
    out = tf.matmul(x, y, transpose_a=transpose_a, transpose_b=transpose_b)
    assert len(ran) == 1
    want = (x.swapaxes(-1, -2) if transpose_a else x) @ (y.swapaxes(-1, -2) if transpose_b else y)
    np.testing.assert_allclose(out, want, rtol=1e-4, atol=1e-4)


def test_volumes_run_compiled(monkeypatch):
    ran = []
    monkeypatch.setattr(heavy, "run", lambda op, *rest, run=heavy.run: ran.append(op.name) or run(op, *rest))
    x, w = (np.random.default_rng(0).normal(size=s).astype(np.float32) for s in ((1, 8, 9, 10, 4), (3, 3, 3, 4, 5)))
    out = tf.nn.conv3d(x, w, [1, 1, 1, 1, 1], "SAME")
    assert ran == ["Conv3D"]
    monkeypatch.setattr(switches, "eager_compile", False)
    np.testing.assert_allclose(out, tf.nn.conv3d(x, w, [1, 1, 1, 1, 1], "SAME"), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["MAX", "AVG"])
@pytest.mark.parametrize(("image", "strides"), [((4, 27, 25, 6), 2), ((1, 19, 10, 17, 5), 1)])
@pytest.mark.parametrize("padding", ["VALID", "SAME"])
def test_pooling_and_its_gradient(kind, image, strides, padding, monkeypatch):
    x = tf.constant(np.random.default_rng(0).normal(size=image).astype(np.float32))
    ran = []
    monkeypatch.setattr(heavy, "run", lambda op, *rest, run=heavy.run: ran.append(op.name) or run(op, *rest))

    def run():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.nn.pool(x, [3] * (len(image) - 2), kind, [strides] * (len(image) - 2), padding)
            loss = tf.reduce_sum(y * y)
        return [y, tape.gradient(loss, x)]

    compiled = run()
    assert len(ran) == 2
    monkeypatch.setattr(switches, "eager_compile", False)
    for a, b in zip(compiled, run(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_errors_are_those_of_small_calls():
    with pytest.raises(tf.errors.InvalidArgumentError, match="depth"):
        tf.nn.conv2d(tf.zeros([2, 32, 32, 5]), tf.zeros([3, 3, 4, 8]), 1, "SAME")


def test_each_type_has_its_own_code():
    x, w = np.ones([4, 12, 12, 8], np.float16), np.ones([3, 3, 8, 8], np.float16)
    for dtype in (tf.float16, tf.float32, tf.float64):
        y = tf.nn.conv2d(tf.cast(x, dtype), tf.cast(w, dtype), 1, "VALID")
        assert y.dtype == dtype and float(y[0, 0, 0, 0]) == 72.0
