"""Random functions: converted they do what Python does, and over tensors in a graph what they do over numbers.

Some are the same every time; others are new in every run. A failure of one of these names its seed, and
`DUOFLOW_TEST_SEED=<seed>` draws it first.
"""

import contextlib
import linecache
import os
import random
import types

import numpy as np
import pytest

import duoflow as tf
from duoflow.trace.autograph import convert

from .random_programs import Writer

ARGUMENTS = [(0, 0), (3, -1), (-2, 5)]


def compiled(text, name, **space):
    """The function of a text that linecache knows, as of a notebook cell."""
    linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
    space["scope"] = contextlib.nullcontext
    exec(compile(text, name, "exec"), space)
    return space["function"]


def outcome(function, arguments):
    try:
        return function(*arguments)
    except NameError:
        return NameError  # an unassigned variable, which Python calls free or local depending on where it is read
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("seed", range(100))
def test_in_python(seed):
    text = Writer(seed, total=False).text()
    function = compiled(text, f"<random {seed}>", over=range, start=int)
    for arguments in ARGUMENTS:
        assert outcome(convert(function), arguments) == outcome(function, arguments), text


@pytest.mark.parametrize("seed", range(40))
def test_in_graphs(seed):
    text = Writer(seed, total=True).text()
    plain = compiled(text, f"<random {seed}>", over=range, start=int)
    traced = tf.function(compiled(text, f"<random graph {seed}>", over=tf.range, start=tf.constant))
    for arguments in ARGUMENTS:
        got = traced(*[tf.constant(argument) for argument in arguments])
        assert got.numpy() == plain(*arguments), text


SEED = os.environ.get("DUOFLOW_TEST_SEED")


def new_seed(index):
    """A seed that was not used before; the first is the one asked for."""
    return int(SEED) if SEED is not None and index == 0 else random.SystemRandom().randrange(2**32)


class Stopped(Exception):
    """A check of a program failed."""


def observed(run, said):
    """What a run gives: its result or that it failed, and what it said before."""
    said.clear()
    try:
        result = int(run())
    except (Stopped, AssertionError, tf.errors.InvalidArgumentError):
        result = "failed"
    return result, list(said)


def over_numbers(text, name):
    """The program in Python alone."""
    said = []

    def check(held):
        if not held:
            raise Stopped

    space = {"over": range, "start": int, "say": said.append, "check": check, "array": Rows, "traced": lambda f: f}
    return compiled(text, name, **space, make=types.SimpleNamespace), said


class Rows(list):
    """What a TensorArray of numbers is to Python."""

    def write(self, index, value):
        return Rows([*self[:index], value, *self[index + 1 :]])

    def read(self, index):
        return self[index]


def over_tensors(text, name):
    """The program on tensors: it says by an op, and fails by one."""
    said = []

    def say(value):
        tf.numpy_function(lambda x: said.append(int(x)), [value], [])

    def check(held):
        tf.debugging.Assert(held, ["a check failed"])

    def array(values):
        return tf.TensorArray(tf.int32, len(values), clear_after_read=False, element_shape=()).unstack(values)

    space = {"over": tf.range, "start": tf.constant, "say": say, "check": check, "array": array, "traced": tf.function}
    return compiled(text, name, **space, make=types.SimpleNamespace), said


@pytest.mark.parametrize("index", range(12))
def test_programs_drawn_anew_with_effects(index):
    seed = new_seed(index)
    text = Writer(seed, total=True, effects=True).text()
    plain, said = over_numbers(text, f"<random {seed}>")
    function, heard = over_tensors(text, f"<random graph {seed}>")
    traced = tf.function(function)
    for a, b in ARGUMENTS:
        expected = observed(lambda: plain(a, b), said)
        tensors = tf.constant(a), tf.constant(b)
        forms = {"eager": function, "converted": convert(function), "compiled": traced}
        for form, call in forms.items():
            got = observed(lambda: call(*tensors), heard)
            assert got == expected, f"{form}, of {(a, b)}, seed {seed}:\n{text}"


@pytest.mark.parametrize("index", range(30))
def test_programs_drawn_anew_in_python(index):
    seed = new_seed(index)
    text = Writer(seed, total=False).text()
    function = compiled(text, f"<random {seed}>", over=range, start=int)
    for arguments in ARGUMENTS:
        assert outcome(convert(function), arguments) == outcome(function, arguments), f"seed {seed}:\n{text}"


def gradients(function, arguments):
    """The value, both derivatives, and the derivatives of their sum."""
    with tf.GradientTape() as outer:
        outer.watch(arguments)
        with tf.GradientTape() as inner:
            inner.watch(arguments)
            value = function(*arguments)
        first = inner.gradient(value, arguments, unconnected_gradients="zero")
        total = tf.add_n(first)
    return [value, *first, *outer.gradient(total, arguments, unconnected_gradients="zero")]


@pytest.mark.parametrize("index", [0, 1, *[pytest.param(index, marks=pytest.mark.slow) for index in range(2, 8)]])
def test_programs_drawn_anew_have_the_gradients_of_eager_mode(index):
    seed = new_seed(index)
    text = Writer(seed, total=True, nesting=2).text().replace("c = 1", "c = a * a * 0.5").replace("d = 2", "d = a * b")
    space = {"over": lambda count: tf.range(float(count)), "start": lambda number: tf.constant(float(number))}
    function = compiled(text, f"<random {seed}>", **space)
    traced = tf.function(function)
    both = tf.function(lambda *arguments: gradients(traced, arguments))
    for a, b in ARGUMENTS:
        arguments = tf.constant(a + 0.25), tf.constant(b - 0.5)
        expected = gradients(function, arguments)
        for form, got in {"called": gradients(traced, arguments), "inside": both(*arguments)}.items():
            np.testing.assert_allclose(got, expected, 1e-4, 1e-4, err_msg=f"{form}, {(a, b)}, seed {seed}:\n{text}")
