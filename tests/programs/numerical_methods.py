"""Mandelbrot, Conway's Life, Newton, bisection, Runge-Kutta, PageRank, matrix factorisation, Rosenbrock."""

import numpy as np
import tensorflow as tf

imaginary, real = np.mgrid[-1.3:1.3:0.2, -2:1:0.2]
start = tf.constant(real + 1j * imaginary, tf.complex64)
z, counts = tf.Variable(start), tf.Variable(tf.zeros_like(start, tf.float32))


@tf.function
def iterate():
    new = z * z + start
    inside = tf.abs(new) < 4
    z.assign(tf.where(inside, new, z))
    counts.assign_add(tf.cast(inside, tf.float32))


for _ in range(20):
    iterate()
print(counts.numpy().sum(), counts.numpy()[6])

kernel = tf.reshape(tf.constant([[1, 1, 1], [1, 0, 1], [1, 1, 1]], tf.float32), [3, 3, 1, 1])


@tf.function
def life(board):
    around = tf.nn.conv2d(board, kernel, strides=1, padding="SAME")
    lives = tf.logical_or(tf.equal(around, 3), tf.logical_and(tf.equal(around, 2), board > 0))
    return tf.cast(lives, tf.float32)


board = tf.reshape(tf.scatter_nd([[1, 2], [2, 3], [3, 1], [3, 2], [3, 3]], tf.ones([5]), [8, 8]), [1, 8, 8, 1])
for _ in range(4):
    board = life(board)
print(tf.where(board[0, ..., 0]).numpy().tolist())

root, steps = tf.while_loop(
    lambda x, i: tf.abs(x * x - 2.0) > 1e-6, lambda x, i: (x - (x * x - 2.0) / (2.0 * x), i + 1), (tf.constant(1.0), 0)
)
print(root, steps)


@tf.function
def bisect(low, high):
    while high - low > 1e-4:
        middle = (low + high) / 2
        if middle**3 - 2 > 0:
            high = middle
        else:
            low = middle
    return low


print(bisect(tf.constant(0.0), tf.constant(2.0)))


def slope(state):
    return tf.stack([state[1], -state[0]])


state, h = tf.constant([1.0, 0.0]), 0.1
for _ in range(10):
    k1 = slope(state)
    k2 = slope(state + h / 2 * k1)
    k3 = slope(state + h / 2 * k2)
    k4 = slope(state + h * k3)
    state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
print(state.numpy())

links = tf.constant([[0, 1, 1, 0], [0, 0, 1, 0], [1, 0, 0, 1], [0, 0, 1, 0]], tf.float32)
flow = tf.transpose(links / tf.reduce_sum(links, axis=1, keepdims=True))
rank = tf.fill([4, 1], 0.25)
for _ in range(30):
    rank = 0.85 * flow @ rank + 0.15 / 4
print(tf.squeeze(rank).numpy())

ratings = tf.constant(np.random.RandomState(3).randint(1, 6, (6, 5)), tf.float32)
users, items = tf.Variable(tf.ones([6, 2]) * [[1.0, 0.5]]), tf.Variable(tf.ones([5, 2]) * [[0.5, 1.0]])
optimizer = tf.keras.optimizers.SGD(0.02, momentum=0.9)
for _ in range(30):
    with tf.GradientTape() as tape:
        error = tf.reduce_mean((ratings - tf.matmul(users, items, transpose_b=True)) ** 2)
        error += 0.01 * (tf.nn.l2_loss(users) + tf.nn.l2_loss(items))
    optimizer.apply_gradients(zip(tape.gradient(error, [users, items]), [users, items]))
print(error.numpy())

at = tf.Variable([-1.2, 1.0], dtype=tf.float64)
optimizer = tf.keras.optimizers.Adam(0.1)
for _ in range(100):
    with tf.GradientTape() as tape:
        value = (1 - at[0]) ** 2 + 100 * (at[1] - at[0] ** 2) ** 2
    optimizer.apply_gradients([(tape.gradient(value, at), at)])
print(at.numpy(), value.numpy())
