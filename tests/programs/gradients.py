"""Tapes: persistent, nested, stopped, with custom gradients, jacobians and Hessian-vector products."""

import tensorflow as tf

x, y = tf.Variable(3.0), tf.Variable(4.0)
with tf.GradientTape() as tape:
    z = x * x * y
print(tape.gradient(z, {"x": x, "y": y}))

with tf.GradientTape(persistent=True) as tape:
    a = x**2
    b = tf.sin(a * y)
print(tape.gradient(b, [x, y, a]), tape.gradient(a, y))

with tf.GradientTape() as outer:
    with tf.GradientTape() as inner:
        cube = x**3
    slope = inner.gradient(cube, x)
print(slope, outer.gradient(slope, x))

w = tf.constant([1.0, 2.0, 3.0])
with tf.GradientTape() as tape:
    tape.watch(w)
    scaled = w**2 * tf.constant([1.0, 2.0, 3.0])
print(tape.jacobian(scaled, w))


def hessian_vector(function, at, vector):
    with tf.GradientTape() as outer:
        outer.watch(at)
        with tf.GradientTape() as inner:
            inner.watch(at)
            value = function(at)
        slope = inner.gradient(value, at)
        product = tf.reduce_sum(slope * vector)
    return outer.gradient(product, at)


print(hessian_vector(lambda v: tf.reduce_sum(v**3), w, tf.ones(3)))


@tf.custom_gradient
def log1pexp(v):
    e = tf.exp(v)

    def grad(upstream):
        return upstream * (1 - 1 / (1 + e))

    return tf.math.log(1 + e), grad


big = tf.constant(100.0)
with tf.GradientTape() as tape:
    tape.watch(big)
    out = log1pexp(big)
print(tape.gradient(out, big))

table = tf.Variable(tf.ones([5, 2]))
with tf.GradientTape() as tape:
    rows = tf.reduce_sum(tf.gather(table, [0, 2, 0]) * 2)
slices = tape.gradient(rows, table)
print(slices)
print(tf.convert_to_tensor(slices))

for function in (
    tf.reduce_max, tf.norm, tf.reduce_prod, tf.math.reduce_std, tf.reduce_logsumexp, tf.cumsum, tf.sort,
    tf.math.log, tf.round, tf.nn.relu6, tf.nn.gelu, lambda v: tf.maximum(v, 2.0), lambda v: tf.pow(v, v),
    lambda v: tf.where(v > 1.5, tf.sqrt(v), 0.0), lambda v: tf.stop_gradient(v) * v, lambda v: v[::-2],
    lambda v: tf.einsum("i,j->ij", v, v), lambda v: tf.linalg.det(tf.linalg.diag(v)), tf.argmax,
    lambda v: tf.boolean_mask(v, [True, False, True]), lambda v: tf.math.top_k(v, 2).values,
):  # fmt: skip
    with tf.GradientTape() as tape:
        tape.watch(w)
        out = function(w)
    print(tape.gradient(out, w))
