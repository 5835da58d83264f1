"""Variables: creation, reading, assignment, identity, gradients, devices, names, and use in functions."""

import tensorflow as tf

my_tensor = tf.constant([[1.0, 2.0], [3.0, 4.0]])
my_variable = tf.Variable(my_tensor)
bools = tf.Variable([False, False, False, True])
complexes = tf.Variable([5 + 4j, 6 + 1j])
print(my_variable, bools, complexes)
print("Shape:", my_variable.shape, "DType:", my_variable.dtype, "As NumPy:", my_variable.numpy())
print("Viewed as a tensor:", tf.convert_to_tensor(my_variable))
print("Index of highest value:", tf.math.argmax(my_variable))
print("Copying and reshaping:", tf.reshape(my_variable, [1, 4]))

a = tf.Variable([2.0, 3.0])
a.assign([1, 2])
print(a)
try:
    a.assign([1.0, 2.0, 3.0])
except Exception as e:
    print(f"{type(e).__name__}")
b = tf.Variable(a)
a.assign([5, 6])
print(a.numpy(), b.numpy(), a.assign_add([2, 3]).numpy(), a.assign_sub([7, 9]).numpy())

a = tf.Variable(my_tensor, name="Mark")
b = tf.Variable(my_tensor + 1, name="Mark")
print(a == b, a.name, b.name, a is b, a.ref() == a.ref(), a.ref() == b.ref())
step_counter = tf.Variable(1, trainable=False)
print(step_counter.trainable, tf.Variable(1.0).trainable, step_counter)
with tf.device("CPU:0"):
    c = tf.matmul(tf.Variable([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
print(c)

v = tf.Variable([1.0, 2.0, 3.0])
print(v + 1, 2 * v, -v, v**2, v[1:], v[0].numpy(), v @ tf.ones([3, 1]) if False else tf.tensordot(v, v, 1))
print(abs(tf.Variable(-3)), tf.Variable(7) // 2, tf.Variable(7) % 4, tf.Variable(True) & False, tf.Variable(3.0) > 2.0)
v[1].assign(20.0)
v[::2].assign([10.0, 30.0])
print(
    v.numpy(), v.scatter_update(tf.IndexedSlices([7.0], [0])).numpy(), v.scatter_nd_add([[1], [1]], [1.0, 2.0]).numpy()
)
print(
    v.scatter_max(tf.IndexedSlices([100.0, 1.0], [1, 2])).numpy(),
    v.batch_scatter_update(tf.IndexedSlices([5.0], [2])).numpy(),
)
print(v.sparse_read([2, 0]).numpy(), v.gather_nd([[1]]).numpy(), len(v.shape), v.get_shape(), v.value().numpy())
with tf.GradientTape() as tape:
    loss = tf.reduce_sum(v * v)
print(tape.gradient(loss, v))
with tf.GradientTape() as tape:
    loss = tf.reduce_sum(tf.gather(v, [0, 0, 2]) * 2.0)
slices = tape.gradient(loss, v)
print(type(slices).__name__, slices.indices.numpy(), slices.values.numpy(), tf.convert_to_tensor(slices).numpy())

grown = tf.Variable([1.0], shape=tf.TensorShape([None]))
print(grown.assign([1.0, 2.0, 3.0]).shape, grown.shape, tf.shape(grown).numpy())
lazy = tf.Variable(lambda: tf.ones([2]) * 3, dtype=tf.float32)
clipped = tf.Variable(5.0, constraint=lambda x: tf.clip_by_value(x, 0.0, 1.0))
print(lazy.numpy(), clipped.constraint(clipped).numpy(), lazy.dtype, lazy.device != "" or True)


@tf.function
def update(x):
    v.assign_add(x)
    v[0].assign(-1.0)
    return v.read_value() * 2.0, tf.identity(v)


for out in update(tf.ones([3])):
    print(out.numpy())
print(v.numpy(), [w.name for w in update.get_concrete_function(tf.ones([3])).variables])
with tf.name_scope("outer"):
    named = tf.Variable(1.0, name="w")
print(named.name, named.handle.dtype, tf.is_tensor(named), isinstance(named, tf.Variable))


class Scaled(tf.Module):
    def __init__(self):
        super().__init__(name="scaled")
        self.parts = [tf.Variable(1.0, name="a"), {"b": tf.Variable(2.0, name="b", trainable=False)}]


module = Scaled()
print([p.name for p in module.variables], [p.name for p in module.trainable_variables], module.name)
for make in (lambda: tf.Variable(), lambda: tf.Variable("a", dtype=tf.int32), lambda: tf.Variable([1.0]).assign("x")):
    try:
        make()
    except Exception as e:
        print(isinstance(e, (ValueError, TypeError)))
if tf.Variable(True):
    print(float(tf.Variable(2.5)), int(tf.Variable(3)), bool(tf.Variable(0)), [x.numpy() for x in tf.Variable([1, 2])])
