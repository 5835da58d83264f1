"""Random functions: converted they do what Python does, and over tensors in a graph what they do over numbers."""

import linecache

import pytest

import duoflow as tf
from duoflow.trace.autograph import convert

from .random_programs import Writer

ARGUMENTS = [(0, 0), (3, -1), (-2, 5)]


def compiled(text, name, **space):
    """The function of a text that linecache knows, as of a notebook cell."""
    linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
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
