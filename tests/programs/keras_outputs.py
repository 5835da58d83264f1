"""A model of three inputs and two named outputs, with losses, weights and metrics by name."""

import keras
import numpy as np
from keras import layers

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


title = keras.Input((None,), name="title")
body = keras.Input((None,), name="body")
tags = keras.Input((12,), name="tags")
features = layers.concatenate([
    layers.LSTM(12)(layers.Embedding(100, 16)(title)),
    layers.LSTM(8)(layers.Embedding(100, 16)(body)),
    tags,
])  # fmt: skip
outputs = {
    "priority": layers.Dense(1, name="priority")(features),
    "department": layers.Dense(4, name="department")(features),
}
model = with_known_weights(keras.Model([title, body, tags], outputs))
model.summary()
model.compile(
    keras.optimizers.RMSprop(1e-3),
    loss={
        "priority": keras.losses.BinaryCrossentropy(from_logits=True),
        "department": keras.losses.CategoricalCrossentropy(from_logits=True),
    },
    loss_weights={"priority": 1.0, "department": 0.2},
    metrics={"priority": ["mae"], "department": ["accuracy"]},
)

rng = np.random.RandomState(0)
inputs = {
    "title": rng.randint(100, size=(64, 10)),
    "body": rng.randint(100, size=(64, 20)),
    "tags": rng.randint(2, size=(64, 12)).astype("float32"),
}
targets = {
    "priority": rng.randint(2, size=(64, 1)).astype("float32"),
    "department": keras.utils.to_categorical(rng.randint(4, size=64), 4),
}
history = model.fit(inputs, targets, epochs=2, shuffle=False, verbose=0, validation_split=0.25)
show("fit", history.history)
print(model.metrics_names)
print([f"{value:.5f}" for value in model.evaluate(inputs, targets, verbose=0)])
show("predict", model.predict({name: value[:2] for name, value in inputs.items()}, verbose=0))
