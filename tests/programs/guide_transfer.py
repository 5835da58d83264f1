"""Transfer learning: layers frozen, a base in inference mode inside a new model, then all of it trained gently."""

import keras
import numpy as np
from keras import layers

keras.utils.clear_session()
keras.utils.set_random_seed(8)

layer = layers.BatchNormalization()
layer.build((None, 4))
print("weights", len(layer.weights), len(layer.trainable_weights), len(layer.non_trainable_weights))
inner = keras.Sequential([keras.Input((3,)), layers.Dense(3, activation="relu"), layers.Dense(3, activation="relu")])
outer = keras.Sequential([keras.Input((3,)), inner, layers.Dense(3, activation="sigmoid")])
outer.trainable = False
print("frozen", inner.trainable, inner.layers[0].trainable, len(outer.trainable_weights))

base_input = keras.Input(shape=(16, 16, 3))
x = layers.Rescaling(1 / 127.5, offset=-1)(base_input)
for filters in (4, 8):
    x = layers.SeparableConv2D(filters, 3, padding="same")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    x = layers.MaxPooling2D()(x)
base = keras.Model(base_input, x, name="base")
base.trainable = False

inputs = keras.Input(shape=(16, 16, 3))
x = base(inputs, training=False)
x = layers.GlobalAveragePooling2D()(x)
x = layers.Dropout(0.0)(x)
model = keras.Model(inputs, layers.Dense(1)(x))
print("trainable", len(model.trainable_weights), len(model.non_trainable_weights), model.count_params())

rng = np.random.RandomState(0)
images = (rng.rand(32, 16, 16, 3) * 255).astype("float32")
labels = (images[:, :, :, 0].mean((1, 2)) > 127).astype("float32")
before = [w.copy() for w in base.get_weights()]
model.compile(
    keras.optimizers.Adam(0.01),
    keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=[keras.metrics.BinaryAccuracy()],
)
history = model.fit(images, labels, epochs=3, batch_size=8, shuffle=False, verbose=0).history
print("head", [f"{v:.4f}" for v in history["loss"]], [f"{v:.4f}" for v in history["binary_accuracy"]])
print("kept", all(np.array_equal(a, b) for a, b in zip(before, base.get_weights())))

base.trainable = True
model.compile(keras.optimizers.Adam(1e-4), keras.losses.BinaryCrossentropy(from_logits=True))
history = model.fit(images, labels, epochs=2, batch_size=8, shuffle=False, verbose=0).history
print("tuned", [f"{v:.4f}" for v in history["loss"]], len(model.trainable_weights))
statistics = [w.name for w, a, b in zip(base.weights, before, base.get_weights()) if np.array_equal(a, b)]
print("statistics", sorted(set(statistics)))
copy = keras.models.clone_model(model)
copy.set_weights(model.get_weights())
print("clone", np.allclose(copy.predict(images[:4], verbose=0), model.predict(images[:4], verbose=0)))
