"""What fit does, changed: train_step, test_step, compute_loss, sample weights, metrics of one's own."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

keras.utils.clear_session()
keras.utils.set_random_seed(6)
rng = np.random.RandomState(0)
x, y = rng.random((100, 6)).astype("float32"), rng.random((100, 1)).astype("float32")
weights = rng.random((100, 1)).astype("float32")


class Weighted(keras.Model):
    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred, sample_weight=sample_weight)
        return {m.name: m.result() for m in self.metrics}


class Own(keras.Model):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.mae = keras.metrics.MeanAbsoluteError(name="mae")
        self.loss_fn = keras.losses.MeanSquaredError()

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.loss_fn(y, y_pred)
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        self.loss_tracker.update_state(loss)
        self.mae.update_state(y, y_pred)
        return {"loss": self.loss_tracker.result(), "mae": self.mae.result()}

    def test_step(self, data):
        x, y = data
        self.mae.update_state(y, self(x, training=False))
        return {"mae": self.mae.result()}

    def predict_step(self, data):
        return self(data, training=False) * 10

    @property
    def metrics(self):
        return [self.loss_tracker, self.mae]


class Doubled(keras.Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.square(y_pred - y)) * 2 + 0.001 * ops.sum(ops.abs(self.layers[-1].kernel))


def made(cls):
    inputs = keras.Input(shape=(6,))
    return cls(inputs, layers.Dense(1)(layers.Dense(4, activation="tanh")(inputs)))


def show(title, logs):
    print(title, {k: [round(float(v), 5) for v in np.ravel(values)] for k, values in sorted(logs.items())})


model = made(Weighted)
model.compile(optimizer="adam", loss="mse", metrics=["mae"])
show("weighted", model.fit(x, y, sample_weight=weights, epochs=3, batch_size=25, shuffle=False, verbose=0).history)
model = made(Own)
model.compile(optimizer="adam")
show("own", model.fit(x, y, epochs=3, batch_size=25, shuffle=False, verbose=0).history)
show("evaluate", model.evaluate(x, y, verbose=0, return_dict=True))
print("predict", f"{model.predict(x, verbose=0).mean():.5f}")
model = made(Doubled)
model.compile(optimizer="sgd", run_eagerly=True)
show("doubled", model.fit(x, y, epochs=2, batch_size=50, shuffle=False, verbose=0).history)
