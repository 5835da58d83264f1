"""A variational autoencoder; the noise is fed, so that runs can be compared."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(13)
data = (rng.rand(120, 12) < np.where(rng.rand(120, 1) < 0.5, 0.85, 0.15)).astype("float32")


def start(*shape):
    return (rng.randn(*shape) / np.sqrt(shape[0] / 2.0)).astype("float32")


shapes = {"h1": (12, 10), "mean": (10, 2), "std": (10, 2), "d1": (2, 10), "out": (10, 12)}
weights = {k: tf.Variable(start(*s)) for k, s in shapes.items()}
biases = {k: tf.Variable(tf.zeros([s[1]])) for k, s in shapes.items()}

image = tf.placeholder(tf.float32, shape=[None, 12])
eps = tf.placeholder(tf.float32, shape=[None, 2])
encoded = tf.nn.tanh(tf.matmul(image, weights["h1"]) + biases["h1"])
z_mean = tf.matmul(encoded, weights["mean"]) + biases["mean"]
z_std = tf.matmul(encoded, weights["std"]) + biases["std"]
z = z_mean + tf.exp(z_std / 2) * eps
decoded = tf.nn.tanh(tf.matmul(z, weights["d1"]) + biases["d1"])
decoded = tf.nn.sigmoid(tf.matmul(decoded, weights["out"]) + biases["out"])


def vae_loss(x_reconstructed, x_true):
    encode_decode = x_true * tf.log(1e-10 + x_reconstructed) + (1 - x_true) * tf.log(1e-10 + 1 - x_reconstructed)
    encode_decode = -tf.reduce_sum(encode_decode, 1)
    divergence = -0.5 * tf.reduce_sum(1 + z_std - tf.square(z_mean) - tf.exp(z_std), 1)
    return tf.reduce_mean(encode_decode + divergence)


loss_op = vae_loss(decoded, image)
train_op = tf.train.RMSPropOptimizer(learning_rate=0.005).minimize(loss_op)

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for i in range(1, 61):
        at = i % 3 * 40
        _, value = sess.run([train_op, loss_op], {image: data[at : at + 40], eps: rng.randn(40, 2)})
        if i % 20 == 0:
            print("Step %i, Loss: %f" % (i, value))
    print(np.round(sess.run(decoded, {z: [[-1.5, 0.0], [1.5, 0.0]]}).mean(1), 3))
