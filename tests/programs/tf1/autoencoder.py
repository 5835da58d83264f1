"""An autoencoder that squeezes vectors through a narrow layer."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(12)
basis = rng.randn(3, 16)
data = (1 / (1 + np.exp(-rng.randn(200, 3).dot(basis)))).astype("float32")


def start(*shape):
    return (rng.randn(*shape) * 0.3).astype("float32")


X = tf.placeholder("float", [None, 16])
weights = {k: tf.Variable(start(*s)) for k, s in (("e1", (16, 8)), ("e2", (8, 3)), ("d1", (3, 8)), ("d2", (8, 16)))}
biases = {k: tf.Variable(tf.zeros([n])) for k, n in (("e1", 8), ("e2", 3), ("d1", 8), ("d2", 16))}


def encoder(x):
    layer_1 = tf.nn.sigmoid(tf.add(tf.matmul(x, weights["e1"]), biases["e1"]))
    return tf.nn.sigmoid(tf.add(tf.matmul(layer_1, weights["e2"]), biases["e2"]))


def decoder(x):
    layer_1 = tf.nn.sigmoid(tf.add(tf.matmul(x, weights["d1"]), biases["d1"]))
    return tf.nn.sigmoid(tf.add(tf.matmul(layer_1, weights["d2"]), biases["d2"]))


encoded = encoder(X)
decoded = decoder(encoded)
loss = tf.reduce_mean(tf.pow(X - decoded, 2))
optimizer = tf.train.RMSPropOptimizer(0.01).minimize(loss)

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for i in range(1, 61):
        at = i % 4 * 50
        _, value = sess.run([optimizer, loss], feed_dict={X: data[at : at + 50]})
        if i % 20 == 0:
            print("Step %i: Minibatch Loss: %f" % (i, value))
    print(sess.run(encoded, {X: data[:2]}))
    generated = sess.run(decoded, {encoded: [[0.5, 0.5, 0.5]]})
    print(generated.shape, float(generated.mean()))
