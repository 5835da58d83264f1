"""What a run needs: tensors that share memory in the arena, and what is planned under a limit."""

import numpy as np
import pytest

import duoflow as tf
from duoflow.engines.native import engine as native
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
