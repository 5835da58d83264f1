"""How tensors and variables look: every kind of dtype, nested, empty, formatted."""

import numpy as np
import tensorflow as tf

values = [
    tf.constant(3), tf.constant([1.5, 2]), tf.constant([[1, 2], [3, 4]], tf.int64), tf.constant([True, False]),
    tf.constant("héllo"), tf.constant([[b"x"], [b"\xff"]]), tf.constant([1.5, 2.25], tf.bfloat16),
    tf.constant(1 + 2j, tf.complex64), tf.zeros([0]), tf.zeros([0, 3]), tf.zeros([2, 0], tf.string), tf.constant(1e-8),
    tf.constant([1e10, 1e-10]), tf.constant(float("nan")), tf.constant([np.inf, -np.inf]), tf.constant(7, tf.uint8),
    tf.constant(2.5, tf.float16), tf.constant(0.1, tf.float64), tf.constant(0.1), tf.range(2000),
    tf.reshape(tf.range(24), [2, 3, 4]), tf.constant(1234567.0), tf.constant([0.1, 100.5, 1e5]),
]  # fmt: skip
for value in values:
    print(value)
    print(repr(value))
print([tf.constant(1), tf.constant(2.0)], {"a": tf.constant([1, 2])}, (tf.constant("x"),))
x = tf.constant(3.14159)
print(f"{x}", f"{x:.2f}", str(x), f"{tf.constant([1, 2])}", float(x), int(x))
v = tf.Variable([1.0, 2.0], name="w")
print(v, [tf.Variable(0.1)], tf.Variable("s"), v.name, v.shape, v.dtype)
print(tf.TensorShape([None, 3]), repr(tf.TensorShape([1, None])), tf.TensorShape(None), tf.TensorSpec([None, 2]))
print(x == 3.0, tf.constant([1, 2]) == tf.constant([1, 3]), tf.constant([1, 2]) == tf.constant([1, 2, 3]))
print(tf.IndexedSlices(tf.constant([[1.0]]), tf.constant([0])), tf.constant("abc") + "def")


@tf.function
def symbolic(t):
    print(t, t + 1, t * 2, t[0], [t], v)
    return t


symbolic(v)
