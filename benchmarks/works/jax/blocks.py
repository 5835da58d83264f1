"""Blocks of convolutional networks: a ResNet bottleneck and a MobileNet inverted residual, run and trained.

A block is a list of stages (kernel, scale, shift), and `training` says where the normalisation takes its statistics
from; the moving ones are updated with the parameters.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.works.jax.training import adam, weight

rng = np.random.default_rng(0)


def convolve(kernel, x):
    groups = x.shape[-1] // kernel.shape[2]
    layout = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=layout, feature_group_count=groups)


def normalise(x, stage, moving, training):
    """Batch normalisation: the result, and the moving mean and variance after it."""
    mean, variance = (x.mean((0, 1, 2)), x.var((0, 1, 2))) if training else moving
    y = (x - mean) * (lax.rsqrt(variance + 1e-3) * stage["scale"]) + stage["shift"]
    return y, tuple(0.99 * old + 0.01 * new for old, new in zip(moving, (mean, variance)))


def forward(block, moving, x, training):
    """What a block gives, and its moving statistics."""
    y, updated = x, []
    for number, (stage, statistics) in enumerate(zip(block["stages"], moving)):
        y, statistics = normalise(convolve(stage["kernel"], y), stage, statistics, training)
        updated.append(statistics)
        if number < 2:
            y = jnp.clip(y, 0, block["ceiling"])
    y = x + y
    return (y if np.isfinite(block["ceiling"]) else jax.nn.relu(y)), updated


def stages(*kernels):
    """Parameters and moving statistics."""
    widths = [kernel.shape[-1] for kernel in kernels]
    parameters = [{"kernel": k, "scale": jnp.ones(n), "shift": jnp.zeros(n)} for k, n in zip(kernels, widths)]
    return parameters, [(jnp.zeros(n), jnp.ones(n)) for n in widths]


def bottleneck(channels, width):
    """A 3x3 convolution on fewer channels between two that are 1x1, and the input added; no ceiling."""
    return *stages(weight(1, 1, channels, width), weight(3, 3, width, width), weight(1, 1, width, channels)), np.inf


def inverted_residual(channels, width):
    """A 3x3 depthwise convolution on more channels between two that are 1x1, and the input added; a ceiling of 6."""
    return *stages(weight(1, 1, channels, width), weight(3, 3, 1, width), weight(1, 1, width, channels)), 6.0


def images(count, size, channels):
    return jnp.asarray(rng.random((count, size, size, channels), np.float32))


def run(parameters, moving, ceiling, *shape):
    """A callable that runs the block on one image and waits for the result."""
    x = images(1, *shape)

    @jax.jit
    def call(parameters, moving, x):
        return forward({"stages": parameters, "ceiling": ceiling}, moving, x, False)[0]

    return lambda: call(parameters, moving, x).block_until_ready()


def train(parameters, moving, ceiling, *shape):
    """A callable that makes one Adam step on 8 images and waits for its loss."""

    def loss_fn(parameters, moving, x, y):
        out, moving = forward({"stages": parameters, "ceiling": ceiling}, moving, x, True)
        return jnp.mean((out - y) ** 2), moving

    def update(state, x, y):
        parameters, moments, moving, t = state
        (loss, moving), gradients = jax.value_and_grad(loss_fn, has_aux=True)(parameters, moving, x, y)
        return (*adam(parameters, moments, gradients, t), moving, t + 1), loss

    compiled = jax.jit(update, donate_argnums=0)
    zeros = jax.tree.map(jnp.zeros_like, parameters), jax.tree.map(jnp.zeros_like, parameters)
    state = [(parameters, zeros, moving, jnp.float32(1))]
    x, y = images(8, *shape), images(8, *shape)

    def step():
        state[0], loss = compiled(state[0], x, y)
        return float(loss)

    return step


def bottleneck_run():
    return run(*bottleneck(256, 64), 56, 256)


def bottleneck_step():
    return train(*bottleneck(256, 64), 56, 256)


def inverted_run():
    return run(*inverted_residual(32, 192), 28, 32)


def inverted_step():
    return train(*inverted_residual(32, 192), 28, 32)
