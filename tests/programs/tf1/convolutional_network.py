"""A convolutional network of raw operations, with dropout by keep_prob."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(9)
labels = rng.randint(0, 2, 128)
images = rng.rand(128, 8, 8).astype("float32") * 0.3
for image, label in zip(images, labels):
    image[2 + label * 2 : 4 + label * 2, 1:7] += 0.7
onehot = np.eye(2, dtype="float32")[labels]


def start(*shape):
    return (rng.randn(*shape) * 0.2).astype("float32")


def conv2d(x, W, b, strides=1):
    x = tf.nn.conv2d(x, W, strides=[1, strides, strides, 1], padding="SAME")
    return tf.nn.relu(tf.nn.bias_add(x, b))


def maxpool2d(x, k=2):
    return tf.nn.max_pool(x, ksize=[1, k, k, 1], strides=[1, k, k, 1], padding="SAME")


X = tf.placeholder(tf.float32, [None, 64])
Y = tf.placeholder(tf.float32, [None, 2])
keep_prob = tf.placeholder(tf.float32)
weights = {
    "wc1": tf.Variable(start(3, 3, 1, 4)), "wc2": tf.Variable(start(3, 3, 4, 8)),
    "wd1": tf.Variable(start(2 * 2 * 8, 16)), "out": tf.Variable(start(16, 2)),
}
biases = {k: tf.Variable(start(n)) for k, n in (("bc1", 4), ("bc2", 8), ("bd1", 16), ("out", 2))}

net = tf.reshape(X, shape=[-1, 8, 8, 1])
net = maxpool2d(conv2d(net, weights["wc1"], biases["bc1"]))
net = maxpool2d(conv2d(net, weights["wc2"], biases["bc2"]))
fc1 = tf.reshape(net, [-1, weights["wd1"].get_shape().as_list()[0]])
fc1 = tf.nn.relu(tf.add(tf.matmul(fc1, weights["wd1"]), biases["bd1"]))
fc1 = tf.nn.dropout(fc1, keep_prob)
logits = tf.add(tf.matmul(fc1, weights["out"]), biases["out"])
loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(logits=logits, labels=Y))
optimizer = tf.train.RMSPropOptimizer(0.01)
pairs = optimizer.compute_gradients(loss)
clipped = [(tf.clip_by_norm(g, 5.0), v) for g, v in pairs]
train_op = optimizer.apply_gradients(clipped)
accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), tf.argmax(Y, 1)), tf.float32))

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for step in range(1, 25):
        at = step % 4 * 32
        feed = {X: images[at : at + 32].reshape(32, 64), Y: onehot[at : at + 32], keep_prob: 1.0}
        sess.run(train_op, feed_dict=feed)
        if step % 8 == 0:
            value, acc = sess.run([loss, accuracy], feed_dict=feed)
            print("Step", step, "Minibatch Loss=", "{:.3f}".format(value), "Training Accuracy=", acc)
