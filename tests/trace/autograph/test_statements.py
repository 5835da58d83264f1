"""Statements over tensors that TensorFlow's AutoGraph refuses or leaves: they do in a graph what Python does."""

import pytest

import duoflow as tf


def looked_for_in_a_list(x):
    return 1 if x in [2, 5] else 0


def looked_for_in_a_set(x):
    return 1 if x in {2, 5} and x not in range(3) else 0


def looked_for_in_a_tensor(x):
    return 1 if 3 in tf.stack([x, x + 1]) else 0


def tensors_in_a_list(x):
    return 1 if 7 in [x, x + 1, 4] else 0


def chain_with_in(x):
    return 1 if 0 < x in (1, 2) else 0


def left_by_return_alone(x):
    while True:
        x += 3
        if x > 10:
            return x


def endless_inside_another(x):
    for i in tf.range(3):
        while True:
            x += i + 1
            if x > 4 * i:
                break
    return x


def assigned_in_the_test(x):
    total = 0
    while (double := x * 2) < 20:
        x += 1
        if double % 3 == 0:
            continue
        total += double
    return total + x


def assigned_in_the_test_of_a_loop_that_breaks(x):
    seen = 0
    while (y := x + 1) < 10:
        seen = y
        if y == 6:
            break
        x = y
    else:
        seen = -seen
    return seen


def mapped(x):
    total = 0
    for value in map(lambda v: v * x, tf.range(4)):  # noqa: C417
        total += value
    return total


def mapped_over_two(x):
    total = 0
    for i, value in enumerate(map(lambda v, w: v * w + x, tf.range(4), tf.range(1, 9))):
        total += i * value
    return total


FUNCTIONS = [
    looked_for_in_a_list, looked_for_in_a_set, looked_for_in_a_tensor, tensors_in_a_list, chain_with_in,
    left_by_return_alone, endless_inside_another, assigned_in_the_test, assigned_in_the_test_of_a_loop_that_breaks,
    mapped, mapped_over_two,
]  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_same_as_python(function):
    traced = tf.function(function)
    for x in range(-2, 8):
        assert int(traced(tf.constant(x))) == int(function(x))
    assert traced.experimental_get_tracing_count() == 1


def while_on(x):
    while x:
        x = x - 1
    return x


def if_on(x):
    if x:
        return x
    return x


@pytest.mark.parametrize("value", [3, [True, False], "a", 1.5], ids=["int", "vector", "string", "float"])
@pytest.mark.parametrize(("function", "what"), [(while_on, "while loop"), (if_on, "if statement")])
def test_a_condition_is_a_boolean_scalar(function, what, value):
    message = f"condition of {what} expected to be `tf.bool` scalar, got .*; to use as boolean Tensor, use `tf.cast`"
    with pytest.raises(ValueError, match=message) as caught:
        tf.function(function)(tf.constant(value))
    assert f"{what.split()[0]} x:" in str(caught.value)


def test_a_list_of_what_map_gives_says_what_to_write():
    def function(x):
        return list(map(lambda v: v + 1, x))  # noqa: C417

    with pytest.raises(TypeError, match=r"works in a `for` statement only; tf.map_fn"):
        tf.function(function)(tf.constant([1, 2]))
