"""Classifying padded sequences with recurrent layers."""

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


rng = np.random.RandomState(0)
x = rng.randint(1, 200, (96, 15))
for row in x:
    row[rng.randint(4, 15) :] = 0
y = (x.sum(1) % 2).astype("float32")

LAYERS = {
    "lstm": [layers.LSTM(8)],
    "bidirectional": [layers.Bidirectional(layers.LSTM(6))],
    "two grus": [layers.GRU(7, return_sequences=True), layers.GRU(5)],
}
for name, behind in LAYERS.items():
    model = keras.Sequential([
        keras.Input((15,)),
        layers.Embedding(200, 12, mask_zero=True),
        *behind,
        layers.Dense(1, activation="sigmoid"),
    ])  # fmt: skip
    with_known_weights(model)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy", "precision"])
    show(name, model.fit(x, y, epochs=2, batch_size=32, shuffle=False, verbose=0, validation_split=0.25).history)
    print([w.path.split("/", 1)[1] for w in model.weights])
    show(name, {"predictions": model.predict(x[:4], verbose=0)})
print(keras.utils.pad_sequences([[1, 2, 3], [4, 5]], maxlen=4, padding="post"))
