"""A generative adversarial network on numbers, with separate optimizers for its two halves."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(14)


def start(*shape):
    return (rng.randn(*shape) / np.sqrt(shape[0] / 2.0)).astype("float32")


def dense(name, inputs, output):
    size = inputs.get_shape().as_list()[1]
    w = tf.get_variable(name + "_w", initializer=tf.constant(VALUES[name]))
    b = tf.get_variable(name + "_b", [output], initializer=tf.constant_initializer(0.0))
    assert size == VALUES[name].shape[0]
    return tf.matmul(inputs, w) + b


VALUES = {"g1": start(4, 16), "g2": start(16, 2), "d1": start(2, 16), "d2": start(16, 1)}


def generator(x):
    with tf.variable_scope("generator"):
        return dense("g2", tf.nn.relu(dense("g1", x, 16)), 2)


def discriminator(x, reuse=False):
    with tf.variable_scope("discriminator") as scope:
        if reuse:
            scope.reuse_variables()
        return tf.nn.sigmoid(dense("d2", tf.nn.relu(dense("d1", x, 16)), 1))


gen_input = tf.placeholder(tf.float32, shape=[None, 4], name="input_noise")
disc_input = tf.placeholder(tf.float32, shape=[None, 2], name="disc_input")
gen_sample = generator(gen_input)
disc_real = discriminator(disc_input)
disc_fake = discriminator(gen_sample, reuse=True)
gen_loss = -tf.reduce_mean(tf.log(disc_fake))
disc_loss = -tf.reduce_mean(tf.log(disc_real) + tf.log(1.0 - disc_fake))
gen_vars = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="generator")
disc_vars = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="discriminator")
train_gen = tf.train.AdamOptimizer(0.002).minimize(gen_loss, var_list=gen_vars)
train_disc = tf.train.AdamOptimizer(0.002).minimize(disc_loss, var_list=disc_vars)

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    print([v.name for v in gen_vars + disc_vars])
    for i in range(1, 121):
        real = rng.randn(64, 2) * [0.5, 0.2] + [2.0, 1.0]
        feed_dict = {disc_input: real, gen_input: rng.uniform(-1.0, 1.0, size=[64, 4])}
        gl, dl = sess.run([gen_loss, disc_loss], feed_dict=feed_dict)
        sess.run(train_gen, feed_dict=feed_dict)
        sess.run(train_disc, feed_dict=feed_dict)
        if i % 40 == 0:
            print("Step %i: Generator Loss: %f, Discriminator Loss: %f" % (i, gl, dl))
    samples = sess.run(gen_sample, {gen_input: np.linspace(-1, 1, 80).reshape(20, 4)})
    print(np.round(samples.mean(0), 3))
