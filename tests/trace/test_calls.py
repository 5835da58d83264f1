"""Calls like an earlier one: they find the same trace, and give it their own values in the right order."""

import numpy as np
import pytest

import duoflow as tf
from duoflow.trace.calls import key_of

c = tf.constant


def weighted(x, y=2.0, *more, z=None, **others):
    """A value in which every argument counts in its own way."""
    parts = [x, y, *more, 0.0 if z is None else z, *(others[name] for name in sorted(others))]
    flat = [tf.cast(tf.reduce_sum(part), tf.float32) for part in tf.nest.flatten(parts)]
    return tf.add_n([10.0**i * part for i, part in enumerate(flat)])


def numbers(seed):
    """Tensors, arrays and variables of distinct values, the same kinds for every seed."""
    rng = np.random.default_rng(seed)
    return (
        [c(rng.integers(1, 9), tf.float32) for _ in range(3)],
        [rng.integers(1, 9, 2).astype(np.float32) for _ in range(2)],
    )


CALLS = {
    "by position": lambda f, t, a: f(t[0], t[1]),
    "the same twice": lambda f, t, a: f(t[0], t[0], t[1]),
    "by name": lambda f, t, a: f(t[0], z=t[1]),
    "by name, in another order": lambda f, t, a: f(z=t[0], y=t[1], x=t[2]),
    "the same twice by name": lambda f, t, a: f(z=t[0], y=t[0], x=t[2]),
    "names that nobody declared": lambda f, t, a: f(t[0], w=t[1], b=t[2]),
    "arrays": lambda f, t, a: f(a[0], a[1]),
    "the same array twice": lambda f, t, a: f(a[0], z=a[0]),
    "a transposed array": lambda f, t, a: f(np.stack(a).T, t[0]),
    "numbers": lambda f, t, a: f(t[0], 3.0),
    "a number by name": lambda f, t, a: f(t[0], z=3),
    "lists": lambda f, t, a: f([t[0], [t[1], 4.0]], t[2]),
    "dicts": lambda f, t, a: f({"b": t[0], "a": a[0]}, t[2]),
    "more by position": lambda f, t, a: f(t[2], t[0], t[1], a[0], z=a[1]),
    "NumPy scalars": lambda f, t, a: f(a[0][0], t[1]),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_values_come_to_their_parameters(call):
    f = tf.function(weighted)
    for seed in (1, 2, 2, 3, 4):
        tensors, arrays = numbers(seed)
        assert float(call(f, tensors, arrays)) == float(call(weighted, tensors, arrays))
    assert f.experimental_get_tracing_count() == 1


def test_calls_of_all_kinds_share_one_function():
    f = tf.function(weighted, reduce_retracing=True)
    for seed in (1, 2, 3):
        tensors, arrays = numbers(seed)
        for call in CALLS.values():
            assert float(call(f, tensors, arrays)) == float(call(weighted, tensors, arrays))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1,), (True,)), ((1,), (1.0,)), ((0.0,), (None,)), (("a",), (b"a",)), ((c(1.0),), (c(1),)),
        ((c(1.0),), (c([1.0]),)), ((c(1.0), 1), (1, c(1.0))), (([c(1.0)],), ((c(1.0),),)), ((), (None,)),
        ((np.float32([1.0]),), (np.float64([1.0]),)), ((tf.Variable(1.0),), (tf.Variable(1.0),)),
    ],
    ids=str,
)  # fmt: skip
def test_other_calls_have_other_keys(one, other):
    assert key_of(one, {}) is not None
    assert key_of(one, {})[0] != key_of(other, {})[0]
    assert key_of((), {"x": one[0]} if one else {})[0] != key_of((), {"y": one[0]} if one else {"y": None})[0]


@pytest.mark.parametrize(
    "value",
    [float("nan"), object(), tf.IndexedSlices(c([1.0]), c([0])), np.array(["a"]), np.float32(1)],
    ids=["nan", "object", "slices", "text", "scalar"],
)
def test_what_may_not_equal_itself_or_hold_tensors_has_no_key(value):
    assert key_of((value,), {}) is None


def test_arrays_may_change_between_calls():
    f, array = tf.function(lambda x: x + 1), np.zeros(3, np.float32)
    kept = [f(array)]
    for i in range(3):
        array[:] = i
        kept.append(f(array))
    assert [t.numpy()[0] for t in kept] == [1, 1, 2, 3]


def test_results_do_not_share_memory_with_arguments():
    f, array = tf.function(lambda x: x), np.zeros(3, np.float32)
    for _ in range(3):
        result = f(array)
        array[:] += 1
    assert result.numpy().tolist() == [2, 2, 2]


def test_variables_as_arguments_are_told_apart():
    f = tf.function(lambda v, x: v * x)
    for value in (2.0, 3.0, 2.0):
        v = tf.Variable(value)
        for x in (1.0, 2.0):
            assert float(f(v, c(x))) == value * x


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda x, y: (x + y, [x]), (3.0, [1.0])),
        (lambda x, y: {"b": x, "a": (y, None)}, {"b": 1.0, "a": (2.0, None)}),
        (lambda x, y: None, None),
        (lambda x, y: [], []),
        (lambda x, y: [x, x], [1.0, 1.0]),
    ],
)
def test_results_have_their_structure(make, expected):
    f = tf.function(make)
    for _ in range(3):
        got = f(c(1.0), c(2.0))
        assert tf.nest.map_structure(lambda t: t if t is None else float(t), got) == expected


def test_a_tape_or_a_graph_sees_calls_that_were_quick_before():
    f, x = tf.function(lambda x, y: x * y), c(3.0)
    for _ in range(2):
        assert float(f(x, c(2.0))) == 6.0
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x, c(2.0))
    assert float(tape.gradient(y, x)) == 2.0
    assert float(tf.function(lambda x: f(x, c(2.0)) + 1)(x)) == 7.0
    tf.config.run_functions_eagerly(True)
    try:
        assert float(f(x, c(2.0))) == 6.0
    finally:
        tf.config.run_functions_eagerly(False)
