"""Several inputs and outputs: lists, tuples and dicts of them, with losses, weights and metrics for each."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.clear_session()
keras.utils.set_random_seed(12)
rng = np.random.RandomState(0)
image, series = rng.rand(24, 8, 8, 3).astype("float32"), rng.rand(24, 10, 4).astype("float32")
score, label = rng.rand(24, 1).astype("float32"), np.arange(24) % 5


def parts():
    image_input = keras.Input(shape=(8, 8, 3), name="img_input")
    series_input = keras.Input(shape=(None, 4), name="ts_input")
    a = layers.GlobalMaxPooling2D()(layers.Conv2D(3, 3)(image_input))
    b = layers.GlobalMaxPooling1D()(layers.Conv1D(3, 3)(series_input))
    x = layers.concatenate([a, b])
    return image_input, series_input, layers.Dense(1, name="score_output")(x), layers.Dense(5, name="class_output")(x)


def show(title, logs):
    print(title, {k: [round(float(v), 4) for v in np.ravel(values)] for k, values in sorted(logs.items())})


a, b, s, c = parts()
model = keras.Model(inputs=[a, b], outputs=[s, c])
model.compile(
    "sgd", loss=[keras.losses.MeanSquaredError(), keras.losses.SparseCategoricalCrossentropy(from_logits=True)],
    metrics=[["mae", "mape"], ["sparse_categorical_accuracy"]], loss_weights=[2.0, 1.0],
)  # fmt: skip
show("lists", model.fit([image, series], [score, label], batch_size=8, epochs=2, shuffle=False, verbose=0).history)
print("names", model.output_names, [y.shape for y in model.predict([image, series], verbose=0)])

a, b, s, c = parts()
model = keras.Model(inputs={"img": a, "ts": b}, outputs={"score": s, "class": c})
model.compile(
    "adam", loss={"score": "mse", "class": keras.losses.SparseCategoricalCrossentropy(from_logits=True)},
    metrics={"score": ["mae"], "class": ["accuracy"]}, loss_weights={"score": 2.0, "class": 0.5},
)  # fmt: skip
data = {"img": image, "ts": series}, {"score": score, "class": label}
show("dicts", model.fit(*data, batch_size=8, epochs=2, shuffle=False, verbose=0).history)
dataset = tf.data.Dataset.from_tensor_slices(data).batch(8)
show("dataset", model.fit(dataset, epochs=1, verbose=0, validation_data=dataset).history)
show("evaluate", model.evaluate(dataset, verbose=0, return_dict=True))
print("predict", {k: v.shape for k, v in sorted(model.predict(dataset.map(lambda x, y: x), verbose=0).items())})
weights = {"score": np.linspace(0, 1, 24), "class": np.ones(24)}
show("weights", model.fit(*data, sample_weight=weights, batch_size=8, shuffle=False, verbose=0).history)

a, b, s, c = parts()
model = keras.Model(inputs=(a, b), outputs=[s, c])
model.compile("sgd", loss=[None, keras.losses.SparseCategoricalCrossentropy(from_logits=True)])
show("one loss", model.fit((image, series), [score, label], batch_size=8, shuffle=False, verbose=0).history)
