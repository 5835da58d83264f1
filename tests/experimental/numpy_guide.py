"""TensorFlow's guide to its NumPy API: arrays, promotion, broadcasting, indexing, functions, gradients, Keras."""

import numpy as np
import tensorflow as tf
import tensorflow.experimental.numpy as tnp

tnp.experimental_enable_numpy_behavior()
ones = tnp.ones([5, 3], dtype=tnp.float32)
print(ones.shape, ones.ndim, ones.size, ones.dtype, isinstance(ones, tnp.ndarray))
print(tnp.int32, tnp.float64 is np.float64)
values = [tnp.asarray(1, dtype=d) for d in (tnp.int32, tnp.int64, tnp.float32, tnp.float64)]
for left in values:
    print([(left + right).dtype.name for right in values])
print(f"tnp.asarray(1).dtype == tnp.{tnp.asarray(1).dtype.name}", tnp.asarray(1.0).dtype.name)
x = tnp.ones([2, 3])
y = tnp.ones([3])
z = tnp.ones([1, 2, 1])
print((x + y + z).shape.as_list())
x = tnp.arange(24).reshape(2, 3, 4)
print(x[1, tf.newaxis, 1:3, ...])
print(x[:, 0, ::-1].T, x.transpose((2, 0, 1)).shape, x.transpose().shape, x.ravel()[:5], x.flatten().size)
print(x.max(), x.min(axis=0)[0], x.astype(tnp.float32).mean(), x.clip(3, 5)[0, 0], x.reshape([-1])[3], x[0, 0].tolist())
print(
    x[x > 20],
    x[..., [0, 2]].shape if False else x.data.shape,
    -x[0, 0],
    +x[0, 0],
    abs(x[0, 0] - 2),
    round(tnp.asarray(2.567), 1),
)
print(
    tf.constant([1, 2]) + 1.5,
    tf.constant([1, 2]) * tf.constant([0.5, 0.25]),
    2 ** tnp.asarray([1, 2]),
    7 // tnp.asarray([2, 3]),
)
print(
    tf.constant([1, 2]) / 2,
    5 % tnp.asarray([3, 4]),
    tnp.asarray([1, 2]) == [1, 3],
    tnp.asarray([1.0, 2]) @ tnp.asarray([3, 4]),
)
print(tnp.asarray([True, False]) & True, tnp.asarray([5, 6]) | 8, tnp.asarray([5, 6]) ^ 1, tnp.asarray([3, 1]) >= 2.5)


class Model:
    def __init__(self):
        self.weights = None

    def predict(self, inputs):
        if self.weights is None:
            w1 = tnp.arange(12).reshape(4, 3).astype(tnp.float32) / 20
            self.weights = [w1, tnp.ones([3, 2], tnp.float32)]
        hidden = tnp.maximum(tnp.dot(inputs, self.weights[0]), 0.0)
        return tnp.matmul(hidden, self.weights[1])


model = Model()
print(model.predict(tnp.ones([2, 4], dtype=tnp.float32)))
compiled = tf.function(lambda inputs: tnp.sum(tnp.sin(inputs) ** 2, axis=0) + inputs.max())
print(compiled(tnp.linspace(0.0, 1.0, 4).reshape(2, 2)))


def loss(inputs, weight):
    return tnp.mean((tnp.dot(inputs, weight) - 1.0) ** 2)


with tf.GradientTape() as tape:
    weight = tnp.asarray([[0.5], [2.0]])
    tape.watch(weight)
    value = loss(tnp.asarray([[1.0, 2.0], [3.0, 4.0]]), weight)
print(value, tape.gradient(value, weight))


@tf.function
def jacobian(inputs):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = tnp.cumsum(inputs * inputs)
    return tape.jacobian(outputs, inputs)


print(jacobian(tnp.asarray([1.0, 2.0, 3.0])))
print(tf.vectorized_map(lambda row: tnp.sort(row)[::-1], tnp.asarray([[1.0, 3.0], [4.0, 2.0]])))
print(np.sum(tnp.ones([2, 2])), type(np.sum(tnp.ones([2, 2]))).__name__, tnp.sum(np.ones(3)), np.asarray(tnp.ones(2)))
print(
    tf.nn.relu(tnp.asarray([-1.0, 1.0])), tnp.add(tf.constant(1), tf.Variable(2)), tnp.where(x[0, 0] > 1, x[0, 0], 0.5)
)
