"""What a run needs: tensors that share memory in the arena, and what is planned under a limit."""

import re

import numpy as np
import pytest

import duoflow as tf
from duoflow.core.late import F
from duoflow.engines.native import engine as native
from duoflow.trace.limits import bytes_of
from tests.engines.agreement import agree, trace

SIDE = 512
BYTES = SIDE * SIDE * 4


def scaled(h):
    """Reads h where it writes."""
    return h * tf.reduce_sum(h)


def flipped(h):
    """Reads h elsewhere than where it writes."""
    return h[::-1] * tf.reduce_sum(h)


def twice(h):
    """Reads h where it writes and elsewhere."""
    return h * tf.reduce_sum(h) + tf.transpose(h)


@pytest.mark.parametrize(("middle", "tensors"), [(scaled, 1), (flipped, 2), (twice, 2)])
def test_a_kernel_writes_over_what_it_is_the_last_to_read(middle, tensors):
    x = np.random.default_rng(0).normal(size=(SIDE, SIDE)).astype(np.float32) / SIDE

    def f(x):
        return tf.matmul(middle(tf.matmul(x, x)), x)

    agree(f, x)
    executable = native.compile(trace(f, x))
    executable.run([x])
    (row,) = executable.report()
    assert tensors * BYTES <= row["memory"]["arena"] < (tensors + 0.9) * BYTES


def layers(count, wrap=lambda f: f):
    """A training step of pairs of dense layers, and the arguments of its trace."""
    rng = np.random.default_rng(0)
    weights = [tf.Variable(rng.normal(size=(64, 64)).astype(np.float32) / 8) for _ in range(2 * count)]

    def pair(first, second):
        return wrap(lambda h: tf.tanh(tf.matmul(tf.nn.relu(tf.matmul(h, first)), second)))

    pairs = [pair(*weights[i : i + 2]) for i in range(0, 2 * count, 2)]

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            h = x
            for each in pairs:
                h = each(h)
            loss = tf.reduce_mean(tf.square(h))
        return loss, *tape.gradient(loss, weights)

    return step, tf.constant(rng.normal(size=(256, 64)).astype(np.float32))


def arena(function):
    """The bytes of the arena that a function's only trace was compiled for."""
    (trace,) = function.explain().traces
    (row,) = trace.specializations
    return row["memory"]["arena"]


def test_recompute_grad_computes_again_instead_of_keeping():
    (kept, x), (again, _) = layers(8), layers(8, tf.recompute_grad)
    for one, other in zip(kept(x), again(x), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)
    assert arena(again) < 0.67 * arena(kept)


def test_what_is_later_is_not_merged_with_what_was_before():
    @tf.function
    def f(x):
        early = tf.exp(x)
        total = tf.reduce_sum(early, axis=0)
        return tf.exp(F.later(x, [total])) / total

    x = np.float32([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_allclose(f(x), np.exp(x) / np.exp(x).sum(0), rtol=1e-6)
    ops = [op for row in f.explain().traces[0].specializations[0]["kernels"] for op in row["ops"]]
    assert ops.count("Exp") == 2


# -- under a limit -----------------------------------------------------------------------------------------------------


def normal(*shape, scale=1.0, seed=0):
    return (np.random.default_rng(seed).normal(size=shape) * scale).astype(np.float32)


def weight(*shape, seed=0):
    return tf.Variable(normal(*shape, scale=np.prod(shape[:-1]) ** -0.5, seed=seed))


def dense():
    weights = [weight(64, 64, seed=i) for i in range(12)]

    def forward(x):
        for w in weights:
            x = tf.nn.relu(tf.matmul(x, w))
        return x

    return forward, weights, normal(256, 64)


def convolutions():
    weights = [weight(3, 3, 1, 32), *[weight(3, 3, 32, 32, seed=i) for i in range(6)]]

    def forward(x):
        for w in weights:
            x = tf.nn.relu(tf.nn.conv2d(x, w, 1, "SAME"))
        return x

    return forward, weights, normal(4, 40, 40, 1)


def encoder():
    shapes = ((32, 32), (32, 32), (32, 32), (32, 64), (64, 32))
    weights = [[weight(*shape, seed=i) for shape in shapes] for i in range(3)]

    def heads(x, w):
        return tf.transpose(tf.reshape(tf.matmul(x, w), [4, 32, 4, 8]), [0, 2, 1, 3])

    def forward(x):
        for query, key, value, widen, narrow in weights:
            scores = tf.nn.softmax(tf.matmul(heads(x, query), heads(x, key), transpose_b=True))
            mixed = tf.transpose(tf.matmul(scores, heads(x, value)), [0, 2, 1, 3])
            x = x + tf.reshape(mixed, [4, 32, 32])
            x = x + tf.matmul(tf.nn.gelu(tf.matmul(x, widen)), narrow)
        return x

    return forward, [w for layer in weights for w in layer], normal(4, 32, 32)


def recurrent():
    layer = tf.keras.layers.LSTM(32)
    x = normal(32, 24, 16)
    layer.build(x.shape)
    return layer, layer.trainable_variables, x


def training(network, limit=None):
    """A step that gives the loss and changes the weights; the weights; the input."""
    forward, weights, x = network()

    @tf.function(memory_limit=limit)
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(forward(x)))
        for w, g in zip(weights, tape.gradient(loss, weights), strict=True):
            w.assign_sub(0.1 * g)
        return loss

    return step, weights, x


def plan(step, x):
    """What is planned for a step before it is run."""
    step.get_concrete_function(tf.TensorSpec(x.shape, tf.float32))
    (trace,) = step.explain().traces
    (row,) = trace.specializations
    return row, sum(row["memory"].values())


@pytest.mark.parametrize(("network", "share"), [(dense, 0.5), (convolutions, 0.85), (encoder, 0.65), (recurrent, 0.98)])
def test_a_step_computes_again_to_stay_within_its_limit(network, share):
    tf.keras.utils.set_random_seed(0)
    step, weights, x = training(network)
    _, peak = plan(step, x)
    tf.keras.utils.set_random_seed(0)
    limited, others, _ = training(network, int(share * peak))
    row, planned = plan(limited, x)
    assert planned <= row["limit"] == int(share * peak) and row["unlimited"] == peak
    for _ in range(3):
        np.testing.assert_allclose(limited(x), step(x), rtol=1e-6)
    for one, other in zip(weights, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_a_limit_that_cannot_be_met_names_what_is_in_the_way():
    w = weight(64, 64)

    @tf.function(memory_limit="20KiB")
    def step(x):
        return tf.matmul(tf.nn.relu(tf.matmul(x, w)), w)

    with pytest.raises(tf.errors.ResourceExhaustedError) as caught:
        step(tf.ones([256, 64]))
    text = str(caught.value)
    assert re.search(r"'__inference_step_1' is planned to need \d+\.\d KiB .*memory_limit allows 20\.0 KiB", text)
    assert re.search(r"\n  64\.0 KiB: float32\[256, 64\] of Relu File .*test_memory\.py", text)


def test_effects_keep_their_order_under_a_limit(tmp_path):
    forward, weights, x = dense()
    scale, written = tf.Variable(1.0), tmp_path / "written"

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(forward(x) * scale))
        tf.print("forward", scale, output_stream=f"file://{written}")
        scale.assign(2.0)
        gradients = tape.gradient(loss, weights)
        tf.print("backward", scale, output_stream=f"file://{written}")
        scale.assign(1.0)
        tf.print("end", scale, output_stream=f"file://{written}")
        return loss, *gradients

    def run(**options):
        written.unlink(missing_ok=True)
        results = tf.function(step, **options)(x)
        return results, written.read_text().splitlines()

    _, peak = plan(tf.function(step), x)
    within, lines = run(memory_limit=peak // 2)
    assert lines == ["forward 1", "backward 2", "end 1"] == run()[1]
    for got, want in zip(within, run()[0], strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("limit", "count"),
    [(4096, 4096), ("4096", 4096), ("4 KiB", 4096), ("1.5MB", 1_500_000), ("2gib", 2 << 30), (None, None)],
)
def test_limits(limit, count):
    assert bytes_of(limit) == count


@pytest.mark.parametrize(
    ("limit", "error"), [("many", ValueError), ("-1", ValueError), (0, ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_what_is_no_limit(limit, error):
    with pytest.raises(error, match="memory_limit must be"):
        tf.function(lambda x: x, memory_limit=limit)
