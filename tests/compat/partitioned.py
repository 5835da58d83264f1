"""Variables in parts, for TensorFlow and for us alike."""

import numpy as np

VALUE = np.arange(14, dtype="f").reshape(7, 2)


def variables(tf):
    """A whole in three parts by rows, a scalar, one in two by columns, a larger one, and a step of Adam."""
    with tf.variable_scope("s", partitioner=tf.fixed_size_partitioner(3)):
        w = tf.get_variable("w", initializer=tf.constant(VALUE))
        c = tf.get_variable("c", [], initializer=tf.zeros_initializer())
    columns = tf.fixed_size_partitioner(2, axis=1)
    v = tf.get_variable("v", initializer=tf.constant(np.arange(8, dtype="f").reshape(2, 4)), partitioner=columns)
    big = tf.get_variable("big", [200, 2], initializer=tf.ones_initializer(), partitioner=tf.fixed_size_partitioner(2))
    loss = tf.reduce_sum(tf.square(w)) + tf.reduce_sum(tf.convert_to_tensor(v))
    return w, c, v, big, tf.train.AdamOptimizer(0.1).minimize(loss)
