"""One matrix product on constant operands."""

import numpy as np
import tensorflow as tf


def matmul(m, k, n, transpose_a, transpose_b):
    rng = np.random.default_rng(0)
    a = tf.constant(rng.standard_normal((k, m) if transpose_a else (m, k), np.float32))
    b = tf.constant(rng.standard_normal((n, k) if transpose_b else (k, n), np.float32))
    return lambda: tf.matmul(a, b, transpose_a=bool(transpose_a), transpose_b=bool(transpose_b)).numpy()
