"""Training steps: value_and_grad and Adam in one jitted function that owns its parameters."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

rng = np.random.default_rng(0)


def adam(parameters, moments, gradients, t, rate=1e-3, b1=0.9, b2=0.999, epsilon=1e-7):
    """The parameters and moments after step `t`, counted from 1."""
    first = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, moments[0], gradients)
    second = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, moments[1], gradients)
    scale = rate * jnp.sqrt(1 - b2**t) / (1 - b1**t)
    updated = jax.tree.map(lambda p, m, v: p - scale * m / (jnp.sqrt(v) + epsilon), parameters, first, second)
    return updated, (first, second)


def trainer(parameters, loss_fn):
    """A callable (x, y) -> loss that updates the parameters it holds."""

    def update(state, x, y):
        parameters, moments, t = state
        loss, gradients = jax.value_and_grad(loss_fn)(parameters, x, y)
        return (*adam(parameters, moments, gradients, t), t + 1), loss

    compiled = jax.jit(update, donate_argnums=0)
    zeros = jax.tree.map(jnp.zeros_like, parameters), jax.tree.map(jnp.zeros_like, parameters)
    state = [(parameters, zeros, jnp.float32(1))]

    def step(x, y):
        state[0], loss = compiled(state[0], x, y)
        return loss

    return step


def train_step(parameters, loss_fn, x, y):
    """A callable that makes one optimizer step on (x, y) and waits for its loss."""
    step, x, y = trainer(parameters, loss_fn), jnp.asarray(x), jnp.asarray(y)
    return lambda: float(step(x, y))


def weight(*shape):
    """A kernel with Glorot's scale."""
    limit = np.sqrt(6 / (np.prod(shape[:-1]) + shape[-1]))
    return jnp.asarray(rng.uniform(-limit, limit, shape).astype(np.float32))


def dense(inputs, outputs):
    return weight(inputs, outputs), jnp.zeros(outputs)


def apply(layer, x):
    return x @ layer[0] + layer[1]


def cross_entropy(logits, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).mean()


def digits(count, *shape):
    """Random images and labels of 10 classes."""
    return rng.random((count, *shape), np.float32), rng.integers(0, 10, count).astype(np.int32)


def mlp_loss(layers, x, y):
    for layer in layers[:-1]:
        x = jax.nn.relu(apply(layer, x))
    return cross_entropy(apply(layers[-1], x), y)


def mlp():
    return [dense(784, 128), dense(128, 64), dense(64, 10)]


def mlp_step():
    return train_step(mlp(), mlp_loss, *digits(32, 784))


def mlp_fit():
    """JAX has no fit: the loop its users write, over shuffled batches of arrays held in memory."""
    x, y = digits(48_000, 784)
    step = trainer(mlp(), mlp_loss)

    def epoch():
        order = rng.permutation(len(x))
        for start in range(0, len(x), 32):
            batch = order[start : start + 32]
            loss = step(x[batch], y[batch])
        return float(loss)

    return epoch


def convolve(layer, x):
    dimensions = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, layer[0], (1, 1), "VALID", dimension_numbers=dimensions) + layer[1]


def max_pool(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def cnn_loss(layers, x, y):
    for layer in layers[:2]:
        x = max_pool(jax.nn.relu(convolve(layer, x)))
    return cross_entropy(apply(layers[2], x.reshape(len(x), -1)), y)


def cnn_step():
    convolutions = [(weight(3, 3, 1, 32), jnp.zeros(32)), (weight(3, 3, 32, 64), jnp.zeros(64))]
    return train_step([*convolutions, dense(1600, 10)], cnn_loss, *digits(64, 28, 28, 1))


def lstm_loss(parameters, x, y):
    kernel, recurrent, bias = parameters

    def cell(carry, gates):
        h, c = carry
        i, f, g, o = jnp.split(gates + h @ recurrent, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    zeros = jnp.zeros((x.shape[0], 128))
    (h, _), _ = lax.scan(cell, (zeros, zeros), jnp.swapaxes(x @ kernel + bias, 0, 1))
    return jnp.mean((h - y) ** 2)


def lstm_step():
    parameters = (weight(64, 512), weight(128, 512), jnp.zeros(512))
    return train_step(parameters, lstm_loss, rng.random((32, 50, 64), np.float32), rng.random((32, 128), np.float32))


def encoder_layer():
    normal = {"scale": jnp.ones(256), "shift": jnp.zeros(256)}
    return {
        "qkv": dense(256, 768), "out": dense(256, 256), "up": dense(256, 1024), "down": dense(1024, 256),
        "norms": [normal, jax.tree.map(jnp.copy, normal)],
    }  # fmt: skip


def normalise(norm, x):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + 1e-5) * norm["scale"] + norm["shift"]


def encode(layer, x):
    batch, length, _ = x.shape
    q, k, v = jnp.split(apply(layer["qkv"], x).reshape(batch, length, 24, 32), 3, 2)
    weights = jax.nn.softmax(jnp.einsum("bqhd,bkhd->bhqk", q, k) / np.float32(np.sqrt(32)))
    attended = jnp.einsum("bhqk,bkhd->bqhd", weights, v).reshape(batch, length, 256)
    x = normalise(layer["norms"][0], x + apply(layer["out"], attended))
    return normalise(layer["norms"][1], x + apply(layer["down"], jax.nn.relu(apply(layer["up"], x))))


def transformer_loss(layers, x, y):
    for layer in layers:
        x = encode(layer, x)
    return jnp.mean((x - y) ** 2)


def transformer_step():
    x, y = rng.random((16, 128, 256), np.float32), rng.random((16, 128, 256), np.float32)
    return train_step([encoder_layer(), encoder_layer()], transformer_loss, x, y)
