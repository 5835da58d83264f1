"""One matrix product on constant operands."""

import jax.numpy as jnp
import numpy as np
from jax import lax


def matmul(m, k, n, transpose_a, transpose_b):
    rng = np.random.default_rng(0)
    a = jnp.asarray(rng.standard_normal((k, m) if transpose_a else (m, k), np.float32))
    b = jnp.asarray(rng.standard_normal((n, k) if transpose_b else (k, n), np.float32))
    dimensions = (((0 if transpose_a else 1,), (1 if transpose_b else 0,)), ((), ()))
    return lambda: lax.dot_general(a, b, dimensions).block_until_ready()
