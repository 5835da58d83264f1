"""How `fit`, `evaluate` and single batches name and order what they return."""

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras

X = np.linspace(-1, 1, 40, dtype="float32").reshape(10, 4)
Y = X.sum(1, keepdims=True)


def test_a_step_may_return_the_results_of_all_metrics_by_their_names():
    class Custom(keras.Model):
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
            return {m.name: m.result() for m in self.metrics}

    inputs = keras.Input((4,))
    net = Custom(inputs, keras.layers.Dense(1)(inputs))
    net.compile("sgd", "mse", metrics=["mae"])
    history = net.fit(X, Y, epochs=2, verbose=0).history
    assert sorted(history) == ["loss", "mae"]
    assert all(isinstance(value, float) for values in history.values() for value in values)


def test_results_by_name_are_in_the_order_of_names():
    net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    net.compile("sgd", "mse", metrics=["mae", "cosine_similarity"])
    names = ["cosine_similarity", "loss", "mae"]
    assert list(net.evaluate(X, Y, verbose=0, return_dict=True)) == names
    assert list(net.train_on_batch(X, Y, return_dict=True)) == names
    loss, mae = net.evaluate(X, Y, verbose=0)[:2]
    by_name = net.evaluate(X, Y, verbose=0, return_dict=True)
    assert loss == by_name["loss"] and mae in by_name.values()


def test_losses_of_several_outputs_are_in_the_order_they_are_given_in():
    inputs = keras.Input((4,))
    outputs = {name: keras.layers.Dense(1, name=name)(inputs) for name in ("second", "first")}
    net = keras.Model(inputs, outputs)
    net.compile("sgd", loss={"second": "mse", "first": "mae"})
    net.fit(X, {"first": Y, "second": Y}, verbose=0)
    assert net.metrics_names == ["loss", "second_loss", "first_loss"]


@pytest.mark.parametrize("source", [X, tf.data.Dataset.from_tensor_slices(X).batch(5)], ids=["array", "dataset"])
def test_a_step_is_given_inputs_without_targets_as_they_are(source):
    class Autoencoder(keras.Sequential):
        def train_step(self, data):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(self(data) - data))
            self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            return {"loss": loss, "rank": tf.rank(data)}

    net = Autoencoder([keras.Input((4,)), keras.layers.Dense(4)])
    net.compile("sgd")
    assert net.fit(source, verbose=0).history["rank"] == [2]
