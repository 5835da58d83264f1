"""Four networks and a hundred steps of Adam on each: the losses that TensorFlow and every engine must agree on.

`python -m tests.golden.training_curves` under TensorFlow writes training_curves.json.
"""

import json
import sys
from pathlib import Path

import numpy as np

RECORDED = Path(__file__).with_suffix(".json")
STEPS = 100


def weights_for(shapes, random):
    """Random weights scaled by the square root of what is summed; zeros for vectors, ones for scales of norms."""
    return [
        (random.normal(size=s) / np.sqrt(np.prod(s[:-1]))).astype(np.float32) if len(s) > 1 else None for s in shapes
    ]


def mlp(keras):
    """784-128-64-10 on batches of 32."""
    layers = keras.layers
    model = keras.Sequential([
        layers.Input((784,)),
        layers.Dense(128, activation="relu"),
        layers.Dense(64, activation="relu"),
        layers.Dense(10),
    ])  # fmt: skip
    return model, (32, 784), 10


def cnn(keras):
    """Two convolutions and poolings on batches of 16 pictures."""
    layers = keras.layers
    model = keras.Sequential([
        layers.Input((16, 16, 3)),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.AveragePooling2D(2),
        layers.Flatten(),
        layers.Dense(10),
    ])  # fmt: skip
    return model, (16, 16, 16, 3), 10


def lstm(keras):
    """One recurrent layer over 20 time steps."""
    layers = keras.layers
    return keras.Sequential([layers.Input((20, 16)), layers.LSTM(32), layers.Dense(5)]), (16, 20, 16), 5


def transformer(keras):
    """One encoder layer and the mean over its positions."""
    layers = keras.layers
    x = inputs = keras.Input((12, 32))
    x = layers.LayerNormalization(epsilon=1e-5)(x + layers.MultiHeadAttention(4, 8)(x, x))
    hidden = layers.Dense(64, activation="relu")(x)
    x = layers.LayerNormalization(epsilon=1e-5)(x + layers.Dense(32)(hidden))
    return keras.Model(inputs, layers.Dense(5)(layers.GlobalAveragePooling1D()(x))), (16, 12, 32), 5


NETWORKS = {"mlp": mlp, "cnn": cnn, "lstm": lstm, "transformer": transformer}


def losses(tf, name, steps=STEPS):
    """The loss before each step, on a stream of noisy examples around a centre for each class."""
    random = np.random.default_rng(list(name.encode()))
    model, shape, classes = NETWORKS[name](tf.keras)
    drawn = weights_for([tuple(v.shape) for v in model.weights], random)
    model.set_weights([old if new is None else new for old, new in zip(model.get_weights(), drawn, strict=True)])
    strength = 12 if name == "cnn" else 3  # pooling averages the centres away
    centres = random.normal(size=(classes, *shape[1:])) * strength / np.sqrt(np.prod(shape[1:]))
    optimizer = tf.keras.optimizers.Adam(0.002)
    loss_of = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    found = []
    for _ in range(steps):
        y = random.integers(0, classes, shape[0]).astype(np.int32)
        x = (random.normal(size=shape) + centres[y]).astype(np.float32)
        found.append(float(step(tf.constant(x), tf.constant(y))))
    return found


if __name__ == "__main__":
    import tensorflow

    RECORDED.write_text(json.dumps({name: losses(tensorflow, name) for name in NETWORKS}, indent=1) + "\n")
    sys.stdout.write(f"{RECORDED.name}: {len(NETWORKS)} curves of TensorFlow {tensorflow.__version__}\n")
