"""A variational autoencoder with a training step of its own."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

keras.utils.clear_session()


def with_known_weights(model):
    rng = np.random.RandomState(0)
    for weight in model.weights:
        around = 1.0 if weight.name in ("gamma", "moving_variance") else 0.0
        weight.assign(rng.normal(size=weight.shape) * 0.2 + around)
    return model


def show(title, results):
    for name in sorted(results):
        print(title, name, *(f"{value:.5f}" for value in np.ravel(results[name])))


class Sampling(layers.Layer):
    def __init__(self, scale=1.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, inputs):
        mean, log_variance = inputs
        noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        return mean + self.scale * ops.exp(0.5 * log_variance) * noise


class VAE(keras.Model):
    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.decoder = encoder, decoder
        self.total = keras.metrics.Mean(name="total_loss")
        self.divergence = keras.metrics.Mean(name="kl_loss")

    @property
    def metrics(self):
        return [self.total, self.divergence]

    def train_step(self, data):
        with tf.GradientTape() as tape:
            mean, log_variance, z = self.encoder(data)
            errors = keras.losses.binary_crossentropy(data, self.decoder(z))
            divergence = -0.5 * (1 + log_variance - ops.square(mean) - ops.exp(log_variance))
            divergence = ops.mean(ops.sum(divergence, axis=1))
            total = ops.mean(ops.sum(errors, axis=(1, 2))) + divergence
        gradients = tape.gradient(total, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights))
        self.total.update_state(total)
        self.divergence.update_state(divergence)
        return {"loss": self.total.result(), "kl_loss": self.divergence.result()}


pictures = keras.Input((12, 12, 1))
x = layers.Conv2D(4, 3, activation="relu", strides=2, padding="same")(pictures)
x = layers.Dense(8, activation="relu")(layers.Flatten()(x))
mean, log_variance = layers.Dense(2, name="mean")(x), layers.Dense(2, name="log_variance")(x)
encoder = keras.Model(pictures, [mean, log_variance, Sampling(0.0)([mean, log_variance])], name="encoder")
encoder.summary()
code = keras.Input((2,))
x = layers.Reshape((6, 6, 4))(layers.Dense(6 * 6 * 4, activation="relu")(code))
x = layers.Conv2DTranspose(4, 3, activation="relu", strides=2, padding="same")(x)
decoder = keras.Model(code, layers.Conv2DTranspose(1, 3, activation="sigmoid", padding="same")(x), name="decoder")
for model in (encoder, decoder):
    for i, weight in enumerate(w for w in model.weights if "seed" not in w.name):
        weight.assign(np.random.RandomState(i).normal(size=weight.shape) * 0.2)

vae = VAE(encoder, decoder)
vae.compile(optimizer=keras.optimizers.Adam())
data = np.random.RandomState(0).rand(64, 12, 12, 1).astype("float32")
show("fit", vae.fit(data, epochs=3, batch_size=16, shuffle=False, verbose=0).history)
show("codes", {"mean": encoder.predict(data[:3], verbose=0)[0]})
