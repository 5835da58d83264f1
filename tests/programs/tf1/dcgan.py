"""A convolutional GAN of `tf.layers`, whose discriminator is applied twice with the same variables."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(15)
tf.set_random_seed(3)
images = np.zeros([64, 8, 8, 1], "float32") - 1
for image in images:
    at = rng.randint(1, 5)
    image[at : at + 3, at : at + 3] = 1


def generator(x, reuse=False):
    with tf.variable_scope("Generator", reuse=reuse):
        x = tf.layers.dense(x, units=4 * 4 * 8)
        x = tf.nn.tanh(x)
        x = tf.reshape(x, shape=[-1, 4, 4, 8])
        x = tf.layers.conv2d_transpose(x, 8, 3, strides=2, padding="same")
        x = tf.layers.conv2d(x, 1, 3, padding="same")
        return tf.nn.tanh(x)


def discriminator(x, reuse=False):
    with tf.variable_scope("Discriminator", reuse=reuse):
        x = tf.layers.conv2d(x, 8, 5, padding="same")
        x = tf.layers.average_pooling2d(tf.nn.tanh(x), 2, 2)
        x = tf.layers.conv2d(x, 16, 3)
        x = tf.contrib.layers.flatten(tf.nn.leaky_relu(x))
        return tf.layers.dense(x, 2)


noise_input = tf.placeholder(tf.float32, shape=[None, 10])
real_image_input = tf.placeholder(tf.float32, shape=[None, 8, 8, 1])
gen_sample = generator(noise_input)
disc_real = discriminator(real_image_input)
disc_fake = discriminator(gen_sample, reuse=True)
disc_concat = tf.concat([disc_real, disc_fake], axis=0)
stacked_gan = discriminator(gen_sample, reuse=True)
disc_target = tf.placeholder(tf.int32, shape=[None])
gen_target = tf.placeholder(tf.int32, shape=[None])
disc_loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(logits=disc_concat, labels=disc_target))
gen_loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(logits=stacked_gan, labels=gen_target))
gen_vars = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="Generator")
disc_vars = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="Discriminator")
train_gen = tf.train.AdamOptimizer(learning_rate=0.001).minimize(gen_loss, var_list=gen_vars)
train_disc = tf.train.AdamOptimizer(learning_rate=0.001).minimize(disc_loss, var_list=disc_vars)

print([(v.name, v.shape.as_list()) for v in gen_vars + disc_vars])
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    targets = {disc_target: np.repeat([1, 0], 32), gen_target: np.ones(32)}
    losses = []
    for i in range(30):
        z = rng.uniform(-1.0, 1.0, size=[32, 10])
        feed_dict = {real_image_input: images[i % 2 * 32 :][:32], noise_input: z, **targets}
        losses.append(sess.run([train_gen, train_disc, gen_loss, disc_loss], feed_dict=feed_dict)[2:])
    generated = sess.run(gen_sample, {noise_input: z})
    print(generated.shape, np.isfinite(losses).all(), abs(generated).max() <= 1)
    print("discriminator learned:", losses[-1][1] < losses[0][1])
