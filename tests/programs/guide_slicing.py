"""Tensor slicing: slices, gathers, scatters and updates at indices, and the same inside functions."""

import numpy as np
import tensorflow as tf

t1 = tf.constant([0, 1, 2, 3, 4, 5, 6, 7])
print(tf.slice(t1, begin=[1], size=[3]), t1[1:4], t1[-3:], t1[::-2].numpy(), t1[6:2:-1].numpy())
t2 = tf.constant([[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11, 12, 13, 14], [15, 16, 17, 18, 19]])
print(t2[:-1, 1:3], t2[1:-1, ::2].numpy(), t2[..., -1].numpy(), t2[tf.newaxis, 0].shape, t2[2][3].numpy())
t3 = tf.reshape(tf.range(32), [2, 4, 4])
print(tf.slice(t3, begin=[1, 1, 0], size=[1, 2, 2]), tf.slice(t3, [0, 2, 1], [-1, 1, -1]).numpy())
print(
    tf.strided_slice(t1, [1], [7], [2]).numpy(), tf.strided_slice(t2, [0, 1], [4, 4], begin_mask=2, end_mask=1).numpy()
)
print(tf.gather(t1, indices=[0, 3, 6]), tf.gather(list("abcd"), indices=[1, 3]).numpy())
t4 = tf.constant([[0, 5], [1, 6], [2, 7], [3, 8], [4, 9]])
print(tf.gather_nd(t4, indices=[[2], [3], [0]]).numpy(), tf.gather_nd(t4, [[4, 1], [0, 0]]).numpy())
t5 = tf.reshape(tf.range(18), [2, 3, 3])
print(
    tf.gather_nd(t5, indices=[[0, 0, 0], [1, 2, 1]]).numpy(),
    tf.gather_nd(t5, [[[0, 0], [0, 2]], [[1, 0], [1, 2]]]).numpy(),
)
print(tf.gather_nd(t5, [[0], [1]], batch_dims=1).numpy(), tf.gather(t5, [[2, 0], [1, 1]], axis=1, batch_dims=1).numpy())
print(tf.gather(t2, [[0, 2], [1, 3]], axis=1).shape, tf.boolean_mask(t2, t2 % 2 == 0).numpy(), t2[t2 > 12].numpy())
print(tf.boolean_mask(t2, [True, False, False, True]).numpy(), tf.where(t1 % 3 == 0).numpy().ravel())

t6 = tf.constant([10])
indices = tf.constant([[1], [3], [5], [7], [9]])
data = tf.constant([2, 4, 6, 8, 10])
print(tf.scatter_nd(indices=indices, updates=data, shape=t6))
t7 = tf.constant([[0, 7], [3, 5], [8, 2]])
print(
    tf.scatter_nd([[2, 3], [5, 1]], [7, 9], [6, 4]).numpy(), tf.scatter_nd([[0], [0]], [[1, 2], [3, 4]], [2, 2]).numpy()
)
t11 = tf.constant([[2, 7, 0], [9, 0, 1], [0, 3, 8]])
print(tf.tensor_scatter_nd_add(t11, [[0, 2], [1, 1], [2, 0]], [6, 5, 4]).numpy())
print(tf.tensor_scatter_nd_sub(t11, [[0, 0], [0, 1], [1, 0], [1, 1]], [1, 6, -9, -8]).numpy())
print(
    tf.tensor_scatter_nd_min(t11, [[0, 0], [1, 2]], [-1, 5]).numpy(),
    tf.tensor_scatter_nd_max(t11, [[0], [2]], [[6, 6, 6], [1, 9, 1]]).numpy(),
)
print(tf.tensor_scatter_nd_update(tf.zeros([2, 3], tf.int32), [[1, 0]], [5]).numpy(), t7.shape)


@tf.function
def pieces(x, i, n):
    return x[i], x[i:], x[:n], x[i : i + n], x[:, i], tf.slice(x, [i, 0], [1, -1]), x[::-1, tf.newaxis, ..., n - 1]


for piece in pieces(t2, tf.constant(1), tf.constant(2)):
    print(piece.numpy().tolist(), end=" ")
print()
v = tf.Variable(tf.zeros([3, 3]))
v[1, :2].assign([1.0, 2.0])
v[:, 2].assign(tf.constant([7.0, 8.0, 9.0]))
v[::2, 0].assign(v[::2, 0] + [1.0, 1.0])
print(v.numpy())
with tf.GradientTape(persistent=True) as tape:
    x = tf.reshape(tf.range(12.0), [3, 4])
    tape.watch(x)
    y = tf.reduce_sum(x[1:, ::2] ** 2) + tf.reduce_sum(tf.gather(x, [0, 0], axis=1)) + x[0, -1] * 5.0
    z = tf.reduce_sum(tf.tensor_scatter_nd_update(x, [[0, 0]], [3.0]) ** 2) + tf.gather_nd(x, [[2, 3]])[0]
print(tape.gradient(y, x).numpy(), tape.gradient(z, x).numpy())
for wrong in (
    lambda: t1[8],
    lambda: t2[0, 0, 0],
    lambda: t1["a"],
    lambda: tf.slice(t1, [5], [9]),
    lambda: tf.gather(t1, [9]),
    lambda: t1[1.5],
):
    try:
        print(wrong())
    except Exception as e:
        print(type(e).__name__)
print(
    tf.split(t1, 4)[1].numpy(),
    [p.numpy().tolist() for p in tf.split(t1, [1, 3, 4])],
    tf.unstack(t4)[1].numpy(),
    tf.stack([t1, t1], 1).shape,
)
print(
    tf.roll(t1, 2, 0).numpy(),
    tf.reverse(t2, [1])[0].numpy(),
    tf.pad(t4, [[1, 0], [0, 1]])[:2].numpy(),
    tf.tile(t6, [3]).numpy(),
)
print(
    np.array_equal(t3.numpy()[:, 1:3, ::-1], t3[:, 1:3, ::-1]),
    t3[0, 1, tf.constant(2)].numpy(),
    t1[tf.constant(1) : tf.constant(6) : 2].numpy(),
)
