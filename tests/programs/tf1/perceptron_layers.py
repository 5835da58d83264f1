"""A perceptron of `tf.layers`, with dropout, batch normalisation, regularisation and `tf.losses`."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(6)
labels = rng.randint(0, 3, 300)
inputs = (rng.randn(3, 10)[labels] + 0.5 * rng.randn(300, 10)).astype("float32")
tf.set_random_seed(7)

x = tf.placeholder(tf.float32, [None, 10], name="x")
y = tf.placeholder(tf.int64, [None], name="y")
training = tf.placeholder_with_default(False, [], name="training")


def model(features, reuse=None):
    with tf.variable_scope("model", reuse=reuse):
        net = tf.layers.dense(features, 32, activation=tf.nn.relu)
        net = tf.layers.batch_normalization(net, training=training)
        net = tf.layers.dropout(net, rate=0.2, training=training)
        regularizer = tf.contrib.layers.l2_regularizer(1e-3)
        return tf.layers.dense(net, 3, kernel_regularizer=regularizer, name="logits")


logits = model(x)
again = model(x, reuse=True)
tf.losses.sparse_softmax_cross_entropy(labels=y, logits=logits)
loss = tf.losses.get_total_loss()
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
accuracy, update = tf.metrics.accuracy(y, tf.argmax(logits, 1))

print([v.name for v in tf.trainable_variables()])
print(len(tf.global_variables()), len(tf.losses.get_regularization_losses()), logits.name)
with tf.Session() as sess:
    sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
    first = sess.run(loss, {x: inputs, y: labels})
    for step in range(60):
        at = step % 6 * 50
        sess.run(train, {x: inputs[at : at + 50], y: labels[at : at + 50], training: True})
    for at in range(0, 300, 50):
        sess.run(update, {x: inputs[at : at + 50], y: labels[at : at + 50]})
    one, two = sess.run([logits, again], {x: inputs})
    print("learned:", sess.run(loss, {x: inputs, y: labels}) < 0.2 * first, sess.run(accuracy) > 0.95)
    print("shared:", np.array_equal(one, two))
