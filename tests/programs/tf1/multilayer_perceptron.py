"""A perceptron with two hidden layers, of raw operations."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(5)
labels = rng.randint(0, 3, 300)
inputs = (rng.randn(3, 10)[labels] + 0.5 * rng.randn(300, 10)).astype("float32")
targets = np.eye(3, dtype="float32")[labels]


def start(*shape):
    return (rng.randn(*shape) * 0.3).astype("float32")


X = tf.placeholder("float", [None, 10])
Y = tf.placeholder("float", [None, 3])
weights = {
    "h1": tf.Variable(start(10, 16)),
    "h2": tf.Variable(start(16, 16)),
    "out": tf.Variable(start(16, 3)),
}
biases = {"b1": tf.Variable(start(16)), "b2": tf.Variable(start(16)), "out": tf.Variable(start(3))}


def multilayer_perceptron(x):
    layer_1 = tf.nn.relu(tf.add(tf.matmul(x, weights["h1"]), biases["b1"]))
    layer_2 = tf.nn.relu(tf.add(tf.matmul(layer_1, weights["h2"]), biases["b2"]))
    return tf.matmul(layer_2, weights["out"]) + biases["out"]


logits = multilayer_perceptron(X)
loss_op = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=Y))
global_step = tf.train.get_or_create_global_step()
rate = tf.train.exponential_decay(0.01, global_step, 20, 0.9, staircase=True)
train_op = tf.train.AdamOptimizer(learning_rate=rate).minimize(loss_op, global_step=global_step)
accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), tf.argmax(Y, 1)), "float"))

with tf.Session(config=tf.ConfigProto(allow_soft_placement=True)) as sess:
    sess.run(tf.global_variables_initializer())
    for epoch in range(10):
        for i in range(0, 300, 50):
            _, c, step, r = sess.run(
                [train_op, loss_op, global_step, rate], feed_dict={X: inputs[i : i + 50], Y: targets[i : i + 50]}
            )
        if epoch % 3 == 0:
            print("Epoch:", epoch + 1, "cost={:.4f}".format(c), "rate={:.5f}".format(r))
    print("steps", sess.run(global_step), "Accuracy:", accuracy.eval({X: inputs, Y: targets}))
