"""Tensors, slicing, scatters, variables, random numbers: how they are made, indexed, converted and shown."""

import numpy as np
import tensorflow as tf

print(tf.constant(4), tf.constant([2.0, 3.0, 4.0]), tf.constant([[1, 2], [3, 4], [5, 6]], dtype=tf.float16))
rank_3 = tf.constant([[[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]], [[10, 11, 12, 13, 14], [15, 16, 17, 18, 19]]])
print(rank_3, np.array(rank_3).shape, rank_3.numpy().dtype)
a, b = tf.constant([[1, 2], [3, 4]]), tf.ones([2, 2], dtype=tf.int32)
print(tf.add(a, b), tf.multiply(a, b), tf.matmul(a, b), a + b, a * b, a @ b, sep="\n")
c = tf.constant([[4.0, 5.0], [10.0, 1.0]])
print(tf.reduce_max(c), tf.math.argmax(c), tf.nn.softmax(c), tf.convert_to_tensor([1, 2, 3]), tf.reduce_max([1, 2, 3]))
rank_4 = tf.zeros([3, 2, 4, 5])
print(rank_4.dtype, rank_4.ndim, rank_4.shape, rank_4.shape[0], rank_4.shape[-1], tf.size(rank_4).numpy())
line = tf.constant([0, 1, 1, 2, 3, 5, 8, 13, 21, 34])
print(line[0].numpy(), line[:].numpy(), line[:4].numpy(), line[2:7].numpy(), line[::2].numpy(), line[::-1].numpy())
print(rank_3[:, :, 4], rank_3[..., tf.newaxis, 0].shape, rank_3[1, 1:, ::-2], rank_3[-1, ..., 1:3])
print(tf.reshape(rank_3, [-1, 5]), tf.reshape(rank_3, [-1])[:3])
try:
    tf.reshape(rank_3, [7, -1])
except Exception as e:
    print(f"{type(e).__name__}")
print(tf.cast(tf.cast(tf.constant([2.2, 3.3, 4.4], tf.float64), tf.float16), tf.uint8))
x, z = tf.constant([1, 2, 3]), tf.constant([2, 2, 2])
print(tf.multiply(x, 2), x * 2, x * z, tf.reshape(x, [3, 1]) * tf.range(1, 5), tf.broadcast_to(x, [3, 3]), sep="\n")
text = tf.constant(["Gray wolf", "Quick brown fox", "Lazy dog"])
print(text, tf.strings.split(text[0], sep=" "), tf.strings.to_number(tf.strings.split("1 10 100")), tf.constant("🥳👍"))
print(tf.strings.bytes_split("Duck"), tf.io.decode_raw("Duck", tf.uint8), tf.strings.unicode_decode("Duck", "UTF-8"))
try:
    rank_3[0] = 1
except TypeError as error:
    print("does not support item assignment" in str(error))
try:
    tf.constant([1, 2]) + tf.constant([1.0, 2.0])
except tf.errors.InvalidArgumentError as error:
    print("expected to be a" in str(error))

t1 = tf.constant([0, 1, 2, 3, 4, 5, 6, 7])
print(tf.slice(t1, begin=[1], size=[3]), t1[1:4], t1[-3:], tf.gather(t1, indices=[0, 3, 6]))
alphabet = tf.constant(list("abcdefgh"))
print(tf.gather(alphabet, indices=[2, 0, 7]), tf.gather_nd(tf.reshape(t1, [4, 2]), [[3, 1], [0, 0]]))
t5 = tf.reshape(tf.range(18), [2, 3, 3])
print(tf.gather_nd(t5, indices=[[0, 0, 0], [1, 2, 1]]), tf.gather_nd(t5, [[[0, 0], [0, 2]], [[1, 0], [1, 2]]]))
indices, updates = tf.constant([[1], [3], [5], [7], [9]]), tf.constant([2, 4, 6, 8, 10])
t8 = tf.scatter_nd(indices, updates, shape=[12])
print(t8, tf.gather_nd(t8, [[2], [6]]), tf.tensor_scatter_nd_add(tf.ones([3, 3], tf.int32), [[0, 2], [1, 1]], [6, 5]))
print(tf.tensor_scatter_nd_sub(t8, [[0], [3]], [1, 1]), tf.tensor_scatter_nd_min(t8, [[9]], [4]))
print(tf.boolean_mask(t8, t8 > 5))

my_variable = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
print(my_variable, my_variable.shape, my_variable.dtype, tf.convert_to_tensor(my_variable), tf.math.argmax(my_variable))
print(tf.reshape(my_variable, [1, 4]), tf.Variable([False, False, True]), tf.Variable([5 + 4j, 6 + 1j]))
try:
    my_variable.assign([1.0, 2.0, 3.0])
except Exception as e:
    print(f"{type(e).__name__}: {str(e)[:31]}")
one = tf.Variable([2.0, 3.0])
two = tf.Variable(one)
one.assign([5, 6])
print(one.numpy(), two.numpy(), two.assign_add([2, 3]).numpy(), two.assign_sub([7, 9]).numpy())
same = tf.Variable(my_variable, name="Mark"), tf.Variable(my_variable + 1, name="Mark")
print(same[0] == same[1], tf.Variable(1, trainable=False).trainable, same[0][0, 1], tf.Variable(np.arange(3))[1:])

g1 = tf.random.Generator.from_seed(1)
print(g1.normal(shape=[2, 3]), g1.uniform([2], maxval=10, dtype=tf.int32), g1.state, g1.algorithm)
for g in g1.split(2):
    print(g.normal([]))
g1.reset_from_seed(7)
print(g1.key, g1.make_seeds(2).shape, tf.random.stateless_normal([3], seed=[1, 2]))
tf.random.set_seed(42)
print(tf.random.uniform([2]), tf.random.normal([2], seed=3), tf.random.shuffle(tf.range(1), seed=1))
tf.random.set_global_generator(tf.random.Generator.from_seed(2))
print(tf.random.get_global_generator().uniform([2]), tf.random.experimental.create_rng_state(1, "philox"))


@tf.function
def draws(g):
    return g.normal([])


g = tf.random.Generator.from_seed(5)
first = draws(g).numpy()
print(first, draws(g).numpy(), tf.random.Generator.from_seed(5).normal([]).numpy())
