"""The Sequential model: built by an input, by a call, by data; layers added and removed; features of a layer."""

import keras
import numpy as np
from keras import layers, ops

keras.utils.clear_session()
keras.utils.set_random_seed(1)

model = keras.Sequential(
    [
        layers.Dense(2, activation="relu", name="layer1"),
        layers.Dense(3, activation="relu", name="layer2"),
        layers.Dense(4, name="layer3"),
    ]
)
print("built", model.built, len(model.layers))
y = model(ops.ones((3, 3)))
print("weights", len(model.weights), [tuple(w.shape) for w in model.weights], np.round(ops.convert_to_numpy(y)[0], 5))
model.pop()
print("popped", [layer.name for layer in model.layers])

model = keras.Sequential(name="images")
model.add(keras.Input(shape=(24, 24, 3)))
for filters in (8, 16):
    model.add(layers.Conv2D(filters, 3, strides=2, activation="relu"))
    model.add(layers.BatchNormalization())
model.add(layers.GlobalMaxPooling2D())
model.add(layers.Dense(10, activation="softmax"))
print("output", model.output_shape, model.count_params(), [layer.output.shape[1:] for layer in model.layers])

extractor = keras.Model(inputs=model.inputs, outputs=[layer.output for layer in model.layers if "conv" in layer.name])
features = extractor(ops.ones((1, 24, 24, 3)))
print("features", [f.shape[1:] for f in features], f"{float(ops.mean(features[1])):.5f}")

for layer in model.layers[:-1]:
    layer.trainable = False
model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
x = np.random.RandomState(0).rand(32, 24, 24, 3).astype("float32")
labels = np.arange(32) % 10
history = model.fit(x, labels, batch_size=8, epochs=2, shuffle=False, verbose=0)
print(
    "trained",
    [f"{v:.4f}" for v in history.history["loss"]],
    len(model.trainable_weights),
    len(model.non_trainable_weights),
)
