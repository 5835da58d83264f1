"""Costs of a call: eager ops, grad, a compiled function."""

import jax
import jax.numpy as jnp


def scalar_add():
    a, b = jnp.float32(2.0), jnp.float32(3.0)
    return lambda: (a + b).block_until_ready()


def expression_gradient():
    x, a, b = jnp.array([0.5, -1.0, 2.0, 0.1]), jnp.float32(0.9), jnp.float32(0.1)

    def loss(x):
        y = x
        for _ in range(5):
            y = jnp.tanh(y * a + b) - y
        return jnp.sum(y)

    gradient = jax.grad(loss)
    return lambda: gradient(x).block_until_ready()


def compiled_add():
    a, b = jnp.float32(2.0), jnp.float32(3.0)
    add = jax.jit(lambda p, q: p + q)
    return lambda: add(a, b).block_until_ready()
