"""Training loops written out: gradients, metrics, validation, losses of layers, compiled steps, a GAN."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.clear_session()
keras.utils.set_random_seed(5)
rng = np.random.RandomState(0)
x = rng.rand(120, 8).astype("float32")
y = (x[:, 0] * 3).astype("int32")
train = tf.data.Dataset.from_tensor_slices((x, y)).batch(30)

inputs = keras.Input(shape=(8,))
h = layers.Dense(10, activation="relu", activity_regularizer=keras.regularizers.L2(1e-2))(inputs)
model = keras.Model(inputs, layers.Dense(3)(h))
optimizer = keras.optimizers.Adam(learning_rate=0.01)
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
train_metric, val_metric = (keras.metrics.SparseCategoricalAccuracy() for _ in range(2))


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        logits = model(x, training=True)
        loss_value = loss_fn(y, logits) + sum(model.losses)
    grads = tape.gradient(loss_value, model.trainable_weights)
    optimizer.apply(grads, model.trainable_weights)
    train_metric.update_state(y, logits)
    return loss_value


@tf.function
def test_step(x, y):
    val_metric.update_state(y, model(x, training=False))


for epoch in range(3):
    values = [float(train_step(a, b)) for a, b in train]
    for a, b in train.take(2):
        test_step(a, b)
    print(
        epoch, [f"{v:.4f}" for v in values], f"{float(train_metric.result()):.4f}", f"{float(val_metric.result()):.4f}"
    )
    train_metric.reset_state()
    val_metric.reset_state()

discriminator = keras.Sequential(
    [keras.Input((6,)), layers.Dense(8), layers.LeakyReLU(negative_slope=0.2), layers.Dense(1)]
)
generator = keras.Sequential(
    [keras.Input((3,)), layers.Dense(8), layers.LeakyReLU(negative_slope=0.2), layers.Dense(6)]
)
d_optimizer, g_optimizer = keras.optimizers.Adam(0.003), keras.optimizers.Adam(0.004)
bce = keras.losses.BinaryCrossentropy(from_logits=True)
noise = [rng.normal(size=(10, 3)).astype("float32") for _ in range(4)]


@tf.function
def gan_step(real, noise):
    combined = tf.concat([generator(noise), real], axis=0)
    labels = tf.concat([tf.ones((10, 1)), tf.zeros((tf.shape(real)[0], 1))], axis=0)
    with tf.GradientTape() as tape:
        d_loss = bce(labels, discriminator(combined))
    d_optimizer.apply(tape.gradient(d_loss, discriminator.trainable_weights), discriminator.trainable_weights)
    with tf.GradientTape() as tape:
        g_loss = bce(tf.zeros((10, 1)), discriminator(generator(noise)))
    g_optimizer.apply(tape.gradient(g_loss, generator.trainable_weights), generator.trainable_weights)
    return d_loss, g_loss


for z in noise:
    d, g = gan_step(x[:10, :6], z)
    print(f"{float(d):.4f} {float(g):.4f}")
