"""An LSTM cell written by hand: a TensorArray in a graph loop, tf.scan, and gradients through both."""

import numpy as np
import tensorflow as tf

SIZE = 4
rng = np.random.RandomState(2)
from_input = tf.Variable(rng.normal(size=(3, 4 * SIZE)).astype("float32"))
from_state = tf.Variable(rng.normal(size=(SIZE, 4 * SIZE)).astype("float32"))


def cell(x, state):
    hidden, carry = state
    i, j, f, o = tf.split(x @ from_input + hidden @ from_state, num_or_size_splits=4, axis=1)
    carry = tf.sigmoid(f + 1.0) * carry + tf.sigmoid(i) * tf.tanh(j)
    return tf.tanh(carry) * tf.sigmoid(o), carry


@tf.function
def unroll(sequence):
    steps, batch = tf.shape(sequence)[0], tf.shape(sequence)[1]
    outputs = tf.TensorArray(tf.float32, size=steps)
    hidden = carry = tf.zeros([batch, SIZE])
    for t in tf.range(steps):
        hidden, carry = cell(sequence[t], (hidden, carry))
        outputs = outputs.write(t, hidden)
    return outputs.stack()


sequence = tf.constant(rng.normal(size=(5, 2, 3)), tf.float32)
with tf.GradientTape() as tape:
    outputs = unroll(sequence)
    loss = tf.reduce_sum(outputs**2)
slopes = tape.gradient(loss, [from_input, from_state])
print(outputs.shape, loss.numpy())
print([tf.norm(g).numpy() for g in slopes])

start = (tf.zeros([2, SIZE]), tf.zeros([2, SIZE]))
with tf.GradientTape() as tape:
    scanned = tf.scan(lambda state, x: cell(x, state), sequence, start)[0]
    loss = tf.reduce_sum(scanned**2)
print(bool(tf.reduce_all(tf.abs(scanned - outputs) < 1e-5)))
print([tf.norm(g).numpy() for g in tape.gradient(loss, [from_input, from_state])])
