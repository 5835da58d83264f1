"""A layer with state and losses, a training step of one's own, callbacks that steer, and a loop over batches."""

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


class Counted(layers.Layer):
    """A dense layer that counts the rows it has seen and keeps its outputs small."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", name="w")
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", regularizer="l2", name="b")
        self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False, name="seen")

    def call(self, x):
        self.seen.assign_add(ops.cast(ops.shape(x)[0], "float32"))
        y = ops.matmul(x, self.w) + self.b
        self.add_loss(0.01 * ops.mean(ops.square(y)))
        return y


class Stepping(keras.Model):
    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}


inputs = keras.Input((6,))
x = Counted(5, name="counted")(inputs)
model = with_known_weights(Stepping(inputs, layers.Dense(1, kernel_constraint="non_neg")(x)))
model.compile(keras.optimizers.SGD(0.05, momentum=0.9, clipnorm=1.0), "mse", metrics=["mae"])
rng = np.random.RandomState(0)
x = rng.rand(64, 6).astype("float32")
y = x.sum(1, keepdims=True)
history = model.fit(
    x, y, epochs=12, batch_size=16, shuffle=False, verbose=0, validation_data=(x[:16], y[:16]),
    callbacks=[
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.2, patience=1, min_lr=1e-4),
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=3, min_delta=0.01, restore_best_weights=True),
    ],
).history  # fmt: skip
show("fit", history)
print("epochs", len(history["loss"]), "non-negative", bool((model.layers[-1].kernel.numpy() >= 0).all()))

optimizer = keras.optimizers.Adam(1e-2)


@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(y - model(x, training=True))) + sum(model.losses)
    optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_weights), model.trainable_weights))
    return loss


with_known_weights(model)
for batch_x, batch_y in tf.data.Dataset.from_tensor_slices((x, y)).batch(16):
    print(f"{float(step(batch_x, batch_y)):.5f}")
print("seen", float(model.get_layer("counted").seen) % 1 == float(model.get_weights()[2]) % 1)
