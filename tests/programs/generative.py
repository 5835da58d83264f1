"""A GAN step with two tapes and a VAE step with the reparametrisation trick, on networks made of variables."""

import itertools

import tensorflow as tf


def network(*sizes):
    return [
        (tf.Variable(tf.random.stateless_normal([m, n], [m, n]) * 0.3), tf.Variable(tf.zeros([n])))
        for m, n in itertools.pairwise(sizes)
    ]


def run(layers, x):
    for w, b in layers[:-1]:
        x = tf.nn.leaky_relu(x @ w + b, alpha=0.2)
    w, b = layers[-1]
    return x @ w + b


def variables(*networks):
    return [v for layers in networks for pair in layers for v in pair]


generator, critic = network(4, 16, 2), network(2, 16, 1)
generator_optimizer = tf.keras.optimizers.Adam(1e-2, beta_1=0.5)
critic_optimizer = tf.keras.optimizers.Adam(1e-2, beta_1=0.5)
cross_entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True)


@tf.function
def gan_step(noise, real):
    with tf.GradientTape() as generator_tape, tf.GradientTape() as critic_tape:
        fake = run(generator, noise)
        on_real, on_fake = run(critic, real), run(critic, fake)
        generator_loss = cross_entropy(tf.ones_like(on_fake), on_fake)
        critic_loss = cross_entropy(tf.ones_like(on_real), on_real) + cross_entropy(tf.zeros_like(on_fake), on_fake)
    slopes = generator_tape.gradient(generator_loss, variables(generator))
    generator_optimizer.apply_gradients(zip(slopes, variables(generator)))
    slopes = critic_tape.gradient(critic_loss, variables(critic))
    critic_optimizer.apply_gradients(zip(slopes, variables(critic)))
    return generator_loss, critic_loss


for i in range(10):
    losses = gan_step(
        tf.random.stateless_normal([8, 4], [i, 0]), tf.random.stateless_normal([8, 2], [i, 1]) + tf.constant([2.0, 0.0])
    )
print([loss.numpy() for loss in losses], generator_optimizer.iterations.numpy())

encoder, decoder = network(6, 8, 4), network(2, 8, 6)
optimizer = tf.keras.optimizers.RMSprop(0.01)


@tf.function
def vae_step(x, i):
    with tf.GradientTape() as tape:
        mean, log_variance = tf.split(run(encoder, x), num_or_size_splits=2, axis=1)
        code = mean + tf.exp(0.5 * log_variance) * tf.random.stateless_normal(tf.shape(mean), tf.stack([i, 5]))
        logits = run(decoder, code)
        error = tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits)
        divergence = -0.5 * tf.reduce_sum(1 + log_variance - mean**2 - tf.exp(log_variance), axis=1)
        loss = tf.reduce_mean(tf.reduce_sum(error, axis=1) + divergence)
    slopes, norm = tf.clip_by_global_norm(tape.gradient(loss, variables(encoder, decoder)), 1.0)
    optimizer.apply_gradients(zip(slopes, variables(encoder, decoder)))
    return loss, norm


images = tf.cast(tf.random.stateless_uniform([16, 6], [3, 4]) > 0.5, tf.float32)
for i in range(15):
    loss, norm = vae_step(images, tf.constant(i))
print(loss.numpy(), norm.numpy())
