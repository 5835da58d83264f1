"""Sequences classified by static, dynamic and bidirectional recurrent networks."""

import numpy as np
import tensorflow as tf
from tensorflow.contrib import rnn

generator = np.random.RandomState(10)
steps, size, hidden, count = 6, 4, 12, 96
lengths = generator.randint(3, steps + 1, count)
labels = generator.randint(0, 2, count)
sequences = generator.randn(count, steps, size).astype("float32") * 0.3
sequences[np.arange(count), lengths - 1, 0] += labels * 4 - 2
for i, length in enumerate(lengths):
    sequences[i, length:] = 0


def static_rnn(x, seqlen):
    cell = rnn.BasicLSTMCell(hidden, forget_bias=1.0)
    outputs, _ = rnn.static_rnn(cell, tf.unstack(x, steps, 1), dtype=tf.float32, sequence_length=seqlen)
    outputs = tf.transpose(tf.stack(outputs), [1, 0, 2])
    index = tf.range(0, tf.shape(outputs)[0]) * steps + (seqlen - 1)
    return tf.gather(tf.reshape(outputs, [-1, hidden]), index)


def dynamic_rnn(x, seqlen):
    cells = [tf.nn.rnn_cell.GRUCell(hidden), tf.nn.rnn_cell.DropoutWrapper(rnn.LSTMCell(hidden), output_keep_prob=1.0)]
    _, states = tf.nn.dynamic_rnn(tf.nn.rnn_cell.MultiRNNCell(cells), x, sequence_length=seqlen, dtype=tf.float32)
    return states[-1].h


def bidirectional_rnn(x, seqlen):
    forwards, backwards = rnn.BasicRNNCell(hidden), rnn.BasicRNNCell(hidden)
    _, states = tf.nn.bidirectional_dynamic_rnn(forwards, backwards, x, sequence_length=seqlen, dtype=tf.float32)
    return tf.concat(states, 1)


for network in (static_rnn, dynamic_rnn, bidirectional_rnn):
    tf.reset_default_graph()
    tf.set_random_seed(11)
    x = tf.placeholder("float", [None, steps, size])
    y = tf.placeholder(tf.int64, [None])
    seqlen = tf.placeholder(tf.int32, [None])
    features = network(x, seqlen)
    logits = tf.layers.dense(features, 2)
    cost = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=y))
    train = tf.train.AdamOptimizer(0.02).minimize(cost)
    correct = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), y), tf.float32))
    print(network.__name__, features.shape.as_list()[1:], [v.name for v in tf.trainable_variables()])
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        feed = {x: sequences, y: labels, seqlen: lengths}
        for _ in range(40):
            sess.run(train, feed)
        print("learned:", sess.run(correct, feed) > 0.95)
