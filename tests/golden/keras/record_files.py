"""Records `.keras` and legacy `.h5` files that Keras writes, with inputs and outputs, into files.npz.

Run with an interpreter that has TensorFlow and Keras 3: `python record_files.py`.
"""

import tempfile
from pathlib import Path

import keras
import numpy as np

layers = keras.layers


def sequential():
    model = keras.Sequential([
        layers.Input((8,), name="x"), layers.Dense(5, activation="relu"), layers.Dropout(0.3), layers.BatchNormalization(),
        layers.Dense(2, kernel_regularizer="l2"),
    ])  # fmt: skip
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    model.fit(np.ones((4, 8)), np.zeros((4, 2)), epochs=2, verbose=0)
    return model


def functional():
    left, right = keras.Input((8,), name="left"), keras.Input((8,), name="right")
    encode = layers.Dense(4, name="encode")
    both = layers.Add()([encode(left), layers.Dense(4, activation="relu")(encode(right))])
    inner = keras.Sequential([layers.Dense(3), layers.LayerNormalization()], name="inner")
    code = both * 2.0 + keras.ops.sum(left, axis=1, keepdims=True)
    return keras.Model({"left": left, "right": right}, {"score": layers.Dense(1, name="score")(inner(both)), "code": code})


def convolutional():
    x = keras.Input((8, 8, 3), name="x")
    y = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    y = layers.DepthwiseConv2D(3)(layers.MaxPooling2D()(y))
    return keras.Model(x, layers.Dense(3, activation="softmax")(layers.Flatten()(y)))


def shared():
    """As `functional`, of layers alone: older files cannot tell operations from layers of the same name."""
    left, right = keras.Input((8,), name="left"), keras.Input((8,), name="right")
    encode = layers.Dense(4, name="encode")
    both = layers.Add()([encode(left), layers.Dense(4, activation="relu")(encode(right))])
    inner = keras.Sequential([layers.Dense(3), layers.LayerNormalization()], name="inner")
    model = keras.Model([left, right], [layers.Dense(1, name="score")(inner(both)), layers.Concatenate()([both, left])])
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    metrics = [["mean_absolute_error"], [keras.metrics.RootMeanSquaredError()]]
    loss = ["mean_squared_error", keras.losses.Huber()]
    model.compile(keras.optimizers.SGD(schedule, momentum=0.9), loss, metrics=metrics, loss_weights=[1.0, 0.5])
    return model


def recurrent():
    x = keras.Input((8, 8, 3), name="x")
    y = layers.SeparableConv2D(5, 3)(layers.MaxPooling2D()(layers.Conv2D(4, 3, padding="same", activation="relu")(x)))
    y = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(layers.Reshape((-1, 5))(y))
    y = layers.TimeDistributed(layers.Dense(2))(y)
    return keras.Model(x, layers.Dense(3, activation="softmax")(layers.Flatten()(layers.MultiHeadAttention(2, 3)(y, y))))


recorded = {}
for make in (sequential, functional, convolutional, shared, recurrent):
    keras.utils.set_random_seed(3)
    model, name = make(), make.__name__
    rng = np.random.default_rng(0)
    inputs = {x.name: rng.normal(size=(2, *x.shape[1:])).astype("float32") for x in model.inputs}
    outputs = model(inputs if len(inputs) > 1 else next(iter(inputs.values())))
    if not isinstance(outputs, dict):
        outputs = {f"out{i}": y for i, y in enumerate(outputs)} if isinstance(outputs, list) else {"out": outputs}
    recorded |= {f"{name}_in:{key}": value for key, value in inputs.items()}
    recorded |= {f"{name}_out:{key}": np.asarray(value) for key, value in outputs.items()}
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "m.keras")
        recorded[f"{name}_keras"] = np.frombuffer((Path(folder) / "m.keras").read_bytes(), np.uint8)
        if make is not functional:
            model.save(Path(folder) / "m.h5")
            recorded[f"{name}_h5"] = np.frombuffer((Path(folder) / "m.h5").read_bytes(), np.uint8)
np.savez_compressed(Path(__file__).with_name("files.npz"), **recorded)
