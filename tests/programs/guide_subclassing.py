"""Layers and models by subclassing: weights, losses of layers, training behaviour, composition, a model that trains."""

import keras
import numpy as np
from keras import layers, ops

keras.utils.clear_session()
keras.utils.set_random_seed(3)


class Linear(layers.Layer):
    def __init__(self, units=32, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True)
        self.b = self.add_weight(shape=(self.units,), initializer="random_normal", trainable=True)

    def call(self, inputs):
        return ops.matmul(inputs, self.w) + self.b

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class Sum(layers.Layer):
    def __init__(self, dim):
        super().__init__()
        self.total = self.add_weight(initializer="zeros", shape=(dim,), trainable=False)

    def call(self, inputs):
        self.total.assign_add(ops.sum(inputs, axis=0))
        return self.total


class Active(layers.Layer):
    def __init__(self, rate):
        super().__init__()
        self.rate = rate

    def call(self, inputs, training=None):
        self.add_loss(self.rate * ops.mean(inputs))
        return inputs * (2.0 if training else 1.0)


counter = Sum(2)
print(
    "sum",
    ops.convert_to_numpy(counter(np.ones((2, 2)))),
    ops.convert_to_numpy(counter(np.ones((2, 2)))),
    len(counter.trainable_weights),
)


class Block(layers.Layer):
    def __init__(self):
        super().__init__()
        self.first, self.active, self.last = Linear(4), Active(0.1), Linear(1)

    def call(self, inputs):
        return self.last(self.active(ops.relu(self.first(inputs))))


block = Block()
y = block(np.ones((3, 5), "float32"))
print(
    "block",
    len(block.weights),
    [f"{float(v):.6f}" for v in y[:, 0]],
    len(block.losses),
    f"{float(block.losses[0]):.6f}",
)
print("twice", len(block.losses), float(block(np.ones((3, 5), "float32"), training=True)[0, 0]) != float(y[0, 0]))
copy = Linear.from_config(Linear(7, name="seven").get_config())
print("config", copy.units, copy.name)


class Net(keras.Model):
    def __init__(self, width):
        super().__init__()
        self.block, self.width = Block(), width
        self.norm = layers.LayerNormalization()
        self.head = layers.Dense(width)
        self.seen = keras.metrics.Mean(name="seen")

    def call(self, x, training=False):
        self.seen.update_state(ops.mean(x))
        return self.head(self.norm(ops.concatenate([x, self.block(x)], axis=-1)))


net = Net(2)
net.compile(keras.optimizers.Adam(0.01), "mse")
x = np.random.RandomState(0).rand(40, 5).astype("float32")
history = net.fit(x, x[:, :2] * 2, epochs=4, batch_size=10, shuffle=False, verbose=0).history
print("fit", [f"{v:.4f}" for v in history["loss"]], sorted(history))
print("eval", f"{net.evaluate(x, x[:, :2] * 2, verbose=0, return_dict=True)['loss']:.4f}", len(net.trainable_variables))
