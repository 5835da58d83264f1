"""Transfer learning: a frozen convolutional base, then fine-tuning."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

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


base = keras.Sequential([
    keras.Input((16, 16, 3)),
    layers.Conv2D(4, 3, name="convolution"),
    layers.BatchNormalization(),
    layers.ReLU(),
    layers.MaxPooling2D(),
    layers.Conv2D(8, 3, padding="same", kernel_regularizer="l2"),
    layers.GlobalAveragePooling2D(),
], name="base")  # fmt: skip
base.trainable = False
inputs = keras.Input((16, 16, 3))
x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
x = layers.Dropout(0.0)(base(x, training=False))
model = with_known_weights(keras.Model(inputs, layers.Dense(1)(x)))
model.summary(expand_nested=True, show_trainable=True)

rng = np.random.RandomState(0)
pictures = rng.rand(40, 16, 16, 3).astype("float32") * 255
labels = rng.randint(0, 2, (40, 1)).astype("float32")
before = base.get_weights()
loss = keras.losses.BinaryCrossentropy(from_logits=True)
model.compile(keras.optimizers.Adam(1e-2), loss=loss, metrics=[keras.metrics.BinaryAccuracy()])
show("frozen", model.fit(pictures, labels, epochs=2, shuffle=False, verbose=0).history)
print("unchanged", all(np.array_equal(a, b) for a, b in zip(before, base.get_weights())))

base.trainable = True
base.get_layer("convolution").trainable = False
model.compile(keras.optimizers.Adam(1e-5), loss=loss, metrics=["accuracy"])
show("tuned", model.fit(pictures, labels, epochs=2, shuffle=False, verbose=0, class_weight={0: 1.0, 1: 2.0}).history)
print("unchanged", [np.array_equal(a, b) for a, b in zip(before, base.get_weights())])
inside = keras.Model(base.inputs, [layer.output for layer in base.layers])
print([tuple(feature.shape) for feature in inside(pictures[:2])])
