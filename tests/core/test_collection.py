"""The collector of cycles waits while graphs are made, and goes on as it was."""

import gc

import pytest

import duoflow as tf
from duoflow.core.collection import collection_paused


def test_it_goes_on_after_the_block_and_after_an_error():
    with collection_paused():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyError), collection_paused():
        raise KeyError("x")
    assert gc.isenabled()


def test_one_that_was_off_stays_off():
    gc.disable()
    try:
        with collection_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_first_call_looks_once_at_what_it_made():
    collections = []

    def note(phase, info):
        collections.append(phase)

    @tf.function
    def f(x):
        for _ in range(200):
            x = tf.tanh(x) + 1.0
        return x

    x = tf.ones([3])
    gc.callbacks.append(note)
    try:
        f(x)
    finally:
        gc.callbacks.remove(note)
    assert gc.isenabled()
    assert collections.count("start") <= 4, "at most one after the trace, one after compiling, and two between"
