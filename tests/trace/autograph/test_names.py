"""Names of the module that converted code uses: its own, its class's, those of functions that call each other."""

import pytest

import duoflow as tf


def factorial(n):
    if n < 2:
        return 1
    return n * factorial(n - 1)


def is_even(n):
    return True if n == 0 else is_odd(n - 1)


def is_odd(n):
    return False if n == 0 else is_even(n - 1)


@tf.function
def traced_factorial(n):
    return 1 if n < 2 else n * traced_factorial(n - 1)


def shadowing(x):
    def shadowing(y):
        return y if y > 0 else -y

    return shadowing(x)


class Scale:
    factor = 3
    __offset = 1

    @staticmethod
    def by(x):
        return x * Scale.factor

    def __call__(self, x):
        if x > 0:
            return Scale.by(x) + self.__offset
        return x


class Twice(Scale):
    factor = 2

    def __call__(self, x):
        if x > 0:
            return super().__call__(x) + Twice.factor
        return x


CASES = [
    (factorial, 5, 120),
    (is_even, 6, True),
    (is_odd, 6, False),
    (traced_factorial, 5, 120),
    (shadowing, -4, 4),
    (Scale(), 2, 7),
    (Twice(), 2, 9),
]


@pytest.mark.parametrize(("function", "argument", "result"), CASES)
def test_names_of_the_module(function, argument, result):
    assert tf.function(function)(argument).numpy() == result


def test_names_of_the_module_over_tensors():
    assert int(tf.function(shadowing)(tf.constant(-4))) == 4
    assert [int(tf.function(Scale())(tf.constant(x))) for x in (2, -2)] == [7, -2]
    assert [int(tf.function(Twice())(tf.constant(x))) for x in (2, -2)] == [9, -2]
