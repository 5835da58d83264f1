"""`tf.random` draws TensorFlow's numbers; seeds, generators and functions behave as its guide says."""

import json
from pathlib import Path

import numpy as np
import pytest

import duoflow as tf
from duoflow import ops
from duoflow.core import errors
from duoflow.trace.session import Session

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "random.json").read_text())["groups"]


@pytest.fixture(autouse=True)
def unseeded():
    """Leave no seed behind."""
    yield
    tf.random.set_seed(None)


@pytest.mark.parametrize("group", GOLDEN, ids=[g["name"].replace(" ", "-") for g in GOLDEN])
def test_same_as_tensorflow(group: dict[str, object]) -> None:
    """Expressions recorded from TensorFlow, in order: integers exactly, floats to a few units."""
    space = {"tf": tf}
    exec(group["setup"], space)
    for expression, dtype, shape, expected in group["values"]:
        value = tf.convert_to_tensor(eval(expression, space))
        assert (value.dtype.name, value.shape.as_list()) == (dtype, shape), expression
        actual = value.numpy().reshape(-1)
        if value.dtype.is_integer:
            assert actual.tolist() == expected, expression
        else:
            np.testing.assert_allclose(actual.astype(float), expected, rtol=2e-6, atol=1e-6, err_msg=expression)


def test_numbers_in_a_function_differ_per_call_and_start_over_with_the_seed() -> None:
    """The hidden counter advances; tf.random.set_seed resets it."""
    tf.random.set_seed(1)

    @tf.function
    def draw():
        return tf.random.normal([3])

    first, second = draw().numpy(), draw().numpy()
    assert not np.array_equal(first, second)
    tf.random.set_seed(1)
    np.testing.assert_array_equal(draw().numpy(), first)
    np.testing.assert_array_equal(draw().numpy(), second)


def test_unseeded_functions_differ() -> None:
    """Without seeds nothing repeats, between calls or traces."""
    tf.random.set_seed(None)

    @tf.function
    def draw(n):
        return tf.random.uniform([n])

    assert not np.array_equal(draw(4).numpy(), draw(4).numpy())
    assert not np.array_equal(draw(4).numpy(), draw(tf.constant(4)).numpy())
    seen = []
    for _ in range(2):
        tf.random.set_seed(None)
        seen.append(np.concatenate([draw(4).numpy(), tf.random.uniform([4]).numpy()]))
    assert not np.intersect1d(*seen).size


def test_two_functions_with_one_seed_draw_the_same() -> None:
    """Op seeds in a function count from zero."""
    tf.random.set_seed(1234)
    f = tf.function(lambda: tf.random.uniform([2]))
    g = tf.function(lambda: tf.random.uniform([2]))
    np.testing.assert_array_equal(f().numpy(), g().numpy())


def test_generator_in_a_function_advances_its_state() -> None:
    """The state is a variable: what a function draws continues what eager mode drew."""
    a, b = tf.random.Generator.from_seed(5), tf.random.Generator.from_seed(5)
    draw = tf.function(lambda: b.normal([3]))
    for _ in range(3):
        np.testing.assert_allclose(draw().numpy(), a.normal([3]).numpy(), rtol=1e-6)
    np.testing.assert_array_equal(a.state.numpy(), b.state.numpy())


def test_generators_are_copied_split_and_reset() -> None:
    """Copies draw the same, splits differently, a reset starts over."""
    g = tf.random.Generator.from_seed(3)
    copy = tf.random.Generator(copy_from=g)
    first = g.uniform([2]).numpy()
    np.testing.assert_array_equal(copy.uniform([2]).numpy(), first)
    one, two = g.split(2)
    assert not np.array_equal(one.uniform([2]).numpy(), two.uniform([2]).numpy())
    g.reset_from_seed(3)
    np.testing.assert_array_equal(g.uniform([2]).numpy(), first)
    key, counter = int(g.key), g.state.numpy()[:2]
    other = tf.random.Generator.from_key_counter(key, counter, "philox")
    np.testing.assert_array_equal(other.normal([2]).numpy(), g.normal([2]).numpy())


@pytest.mark.parametrize(
    ("draw", "mean", "variance"),
    [
        (lambda n: tf.random.uniform([n]), 0.5, 1 / 12),
        (lambda n: tf.random.normal([n], 1.0, 2.0), 1.0, 4.0),
        (lambda n: tf.random.truncated_normal([n]), 0.0, 0.774),
        (lambda n: tf.random.gamma([n], 0.5, 2.0), 0.25, 0.125),
        (lambda n: tf.random.gamma([n], 1.0), 1.0, 1.0),
        (lambda n: tf.random.poisson([n], 4.0), 4.0, 4.0),
        (lambda n: tf.random.poisson([n], 40.0), 40.0, 40.0),
        (lambda n: tf.cast(tf.random.stateless_binomial([n], [1, 2], 10.0, 0.3), tf.float32), 3.0, 2.1),
        (lambda n: tf.cast(tf.random.stateless_binomial([n], [1, 2], 100.0, 0.7), tf.float32), 70.0, 21.0),
        (lambda n: tf.cast(tf.random.categorical([[0.0, 0.0]], n), tf.float32), 0.5, 0.25),
        (lambda n: tf.random.stateless_parameterized_truncated_normal([n], [1, 2], 0.0, 1.0, 0.0, 99.0), 0.798, 0.363),
    ],
)
def test_moments(draw, mean: float, variance: float) -> None:
    """Mean and variance of 20,000 draws lie within five standard errors."""
    tf.random.set_seed(7)
    n = 20_000
    x = draw(n).numpy().astype(np.float64)
    assert abs(x.mean() - mean) < 5 * np.sqrt(variance / n)
    assert abs(x.var() - variance) < 0.1 * variance


def test_shuffle_keeps_the_rows() -> None:
    """A permutation of the first dimension."""
    x = np.arange(20).reshape(10, 2)
    y = tf.random.shuffle(x).numpy()
    assert sorted(map(tuple, y)) == list(map(tuple, x))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: tf.random.uniform([2], dtype=tf.int32), ValueError, "Must specify maxval"),
        (lambda: tf.random.uniform([2], dtype=tf.uint8), ValueError, "invalid value"),
        (lambda: tf.random.uniform([2], 5, 5, tf.int32), errors.InvalidArgumentError, "minval < maxval"),
        (lambda: tf.random.stateless_uniform([2], [1, 2], 0, None, tf.int32), ValueError, "both None"),
        (
            lambda: tf.random.stateless_uniform([2], [1, 2, 3]),
            errors.InvalidArgumentError,
            r"seed must have shape \[2\]",
        ),
        (lambda: tf.random.stateless_uniform([2], [1, 2], alg="threefry"), errors.UnimplementedError, "ThreeFry"),
        (lambda: tf.random.stateless_uniform([2], [1, 2], alg="dice"), ValueError, "unsupported value dice"),
        (lambda: tf.random.categorical([0.0, 1.0], 2), errors.InvalidArgumentError, "logits should be a matrix"),
        (lambda: tf.random.Generator(), ValueError, "from_seed"),
        (lambda: tf.random.stateless_gamma([3], [1, 2], [1.0, 2.0]), errors.InvalidArgumentError, "must end with"),
    ],
)
def test_errors(call, kind, message) -> None:
    """The type TensorFlow raises, and what was wrong."""
    with pytest.raises(kind, match=message):
        call()


def test_sessions_have_counters_of_their_own() -> None:
    """In a v1 graph numbers differ from run to run, and start over in another session, with TensorFlow's values."""
    with tf.Graph().as_default():
        ops.set_random_seed(1234)
        a, b = tf.random.uniform([2]), tf.random.normal([2], seed=1)
        for _ in range(2):
            with Session() as session:
                first, second = session.run([a, b]), session.run([a, b])
            np.testing.assert_allclose(first, [[0.13047123, 0.9760946], [-0.32364845, 1.8577391]], rtol=1e-6)
            np.testing.assert_allclose(second, [[0.19648588, 0.339993], [0.5272535, -1.1985114]], rtol=1e-6)
