"""Advanced differentiation: recording, custom gradients, several tapes, higher orders, jacobians, Newton's method."""

import tensorflow as tf

x, y = tf.Variable(2.0), tf.Variable(3.0)
with tf.GradientTape() as t:
    x_sq = x * x
    with t.stop_recording():
        y_sq = y * y
    z = x_sq + y_sq
print({k: None if v is None else v.numpy() for k, v in t.gradient(z, {"x": x, "y": y}).items()})

reset = True
with tf.GradientTape() as t:
    y_sq = y * y
    if reset:
        t.reset()
    z = x * x + y_sq
print(t.gradient(z, {"x": x, "y": y}))
with tf.GradientTape() as t:
    z = x**2 + tf.stop_gradient(y**2)
print(t.gradient(z, {"x": x, "y": y}))


@tf.custom_gradient
def clip_gradients(y):
    def backward(dy):
        return tf.clip_by_norm(dy, 0.5)

    return y, backward


v = tf.Variable(2.0)
with tf.GradientTape() as t:
    output = clip_gradients(v * v)
print(t.gradient(output, v))


class MyModule(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec(None)])
    def call_custom_grad(self, x):
        return clip_gradients(x)


model = MyModule()
with tf.GradientTape() as t:
    output = model.call_custom_grad(v)
print(t.gradient(output, v))

x0, x1 = tf.constant(0.0), tf.constant(0.0)
with tf.GradientTape() as tape0, tf.GradientTape() as tape1:
    tape0.watch(x0)
    tape1.watch(x1)
    y0, y1 = tf.math.sin(x0), tf.nn.sigmoid(x1)
    ys = tf.reduce_sum(y0 + y1)
print(tape0.gradient(ys, x0).numpy(), tape1.gradient(ys, x1).numpy())

x = tf.Variable(1.0)
with tf.GradientTape() as t2:
    with tf.GradientTape() as t1:
        y = x * x * x
    dy_dx = t1.gradient(y, x)
d2y_dx2 = t2.gradient(dy_dx, x)
print("dy_dx:", dy_dx.numpy(), "d2y_dx2:", d2y_dx2.numpy())

tf.random.set_seed(5)
x = tf.random.normal([7, 5])
kernel = tf.reshape(tf.linspace(-1.0, 1.0, 50), [5, 10])
layer = tf.keras.layers.Dense(10, activation=tf.nn.relu)
layer.build((7, 5))
layer.kernel.assign(kernel)
x = tf.math.sin(tf.reshape(tf.range(35.0), [7, 5]))
with tf.GradientTape() as t2:
    with tf.GradientTape(watch_accessed_variables=False) as t1:
        t1.watch(x)
        y = layer(x)
        out = tf.reduce_sum(layer(x) ** 2)
    g1 = t1.gradient(out, x)
    g1_mag = tf.norm(g1)
dg1_mag = t2.gradient(g1_mag, layer.trainable_variables)
print([var.shape for var in dg1_mag], [float(tf.norm(g)) for g in dg1_mag])

x = tf.linspace(-10.0, 10.0, 5)
delta = tf.Variable(0.0)
with tf.GradientTape() as tape:
    y = tf.nn.sigmoid(x + delta)
print(y.shape, tape.jacobian(y, delta))

x = tf.math.cos(tf.reshape(tf.range(35.0), [7, 5]))
with tf.GradientTape(persistent=True) as tape:
    y = layer(x)
j = tape.jacobian(y, layer.kernel)
g = tape.gradient(y, layer.kernel)
print(y.shape, layer.kernel.shape, j.shape, float(tf.reduce_max(abs(g - tf.reduce_sum(j, axis=[0, 1])))) < 1e-5)

x = tf.math.sin(tf.reshape(tf.range(35.0), [7, 5]) * 3)
layer1, layer2 = tf.keras.layers.Dense(4, activation=tf.nn.tanh), tf.keras.layers.Dense(3, activation=tf.nn.tanh)
for k, dense in enumerate((layer1, layer2)):
    dense.build((7, 5 if k == 0 else 4))
    dense.kernel.assign(tf.math.sin(tf.reshape(tf.range(float(tf.size(dense.kernel))), dense.kernel.shape) + k))
with tf.GradientTape() as t2:
    with tf.GradientTape() as t1:
        loss = tf.reduce_mean(layer2(layer1(x)) ** 2)
    g = t1.gradient(loss, layer1.kernel)
h = t2.jacobian(g, layer1.kernel)
n_params = tf.reduce_prod(layer1.kernel.shape)
g_vec, h_mat = tf.reshape(g, [n_params, 1]), tf.reshape(h, [n_params, n_params])
eye_eps = tf.eye(h_mat.shape[0]) * 1e-1
update = tf.linalg.solve(h_mat + eye_eps, g_vec)
layer1.kernel.assign_sub(tf.reshape(update, layer1.kernel.shape) * 0.1)
print(h.shape, float(loss), float(tf.reduce_mean(layer2(layer1(x)) ** 2)))

x = tf.math.sin(tf.reshape(tf.range(35.0), [7, 5]))
with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
    tape.watch(x)
    y = layer2(layer1(x))
j = tape.jacobian(y, x)
jb = tape.batch_jacobian(y, x)
print(y.shape, j.shape, jb.shape, float(tf.reduce_max(abs(tf.reduce_sum(j, axis=2) - jb))) < 1e-6, jb[0])
norm = tf.keras.layers.BatchNormalization()
with tf.GradientTape(persistent=True) as tape:
    y = layer2(norm(layer1(x), training=True))
    z = tf.reduce_sum(y)
variables = norm.trainable_variables + norm.non_trainable_variables
print([None if g is None else g.shape for g in tape.gradient(z, variables)])


@tf.custom_gradient
def scaled(x, factor):
    def grad(upstream, variables=None):
        return upstream * factor, None

    return x * factor, grad


with tf.GradientTape() as tape:
    tape.watch(x)
    y = scaled(x, 3.0)
print(tape.gradient(y, x)[0])
print(tf.autodiff.ForwardAccumulator is not None)
point = tf.Variable([[2.0, 3.0], [1.0, 4.0]])
with tf.autodiff.ForwardAccumulator(point, tf.constant([[1.0, 0.0], [0.0, 1.0]])) as accumulator:
    out = tf.reduce_prod(point, 1)
print(accumulator.jvp(out))
