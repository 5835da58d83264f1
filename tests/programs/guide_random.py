"""Random numbers: generators, splitting, seeds and the interaction of operations with them, stateless draws."""

import tensorflow as tf

g1 = tf.random.Generator.from_seed(1)
print(g1.normal(shape=[2, 3]))
print(g1.algorithm, g1.key.numpy(), g1.state.numpy())
print(tf.random.Generator.from_seed(1, alg="philox").uniform([3]).numpy(), g1.uniform([2], 1, 7, tf.int32).numpy())
g2 = tf.random.get_global_generator()
print(g2.normal(shape=[2, 3]).shape)
g3 = tf.random.Generator.from_state(g1.state, alg="philox")
print((g3.normal([2]) == g1.normal([2])).numpy())
g3.reset_from_seed(5)
print(g3.normal([2]).numpy(), g3.truncated_normal([2]).numpy(), g3.uniform_full_int([2], tf.uint32).numpy())
g3.reset([1, 2, 3])
print(g3.state.numpy(), g3.make_seeds(2).numpy(), g3.uniform([], dtype=tf.float64).numpy())
g3.skip(4)
print(g3.state.numpy())
parts = g3.split(3)
print([part.normal([]).numpy() for part in parts], g3.normal([]).numpy())

tf.random.set_global_generator(tf.random.Generator.from_seed(7))
print(tf.random.get_global_generator().normal([2]).numpy())


@tf.function
def drawn():
    return g1.normal([2])


first, second = drawn(), drawn()
print(bool(tf.reduce_all(first == second)), first.numpy(), second.numpy())
kept = []


@tf.function
def made_inside():
    if not kept:
        kept.append(tf.random.Generator.from_seed(3))
    return kept[0].normal([])


print(made_inside().numpy(), made_inside().numpy())


@tf.function
def with_argument(generator):
    return generator.uniform([2])


a, b = tf.random.Generator.from_seed(11), tf.random.Generator.from_seed(11)
print(bool(tf.reduce_all(with_argument(a) == with_argument(b))), with_argument(a).numpy())

print(tf.random.stateless_normal([2, 3], seed=[1, 2]), tf.random.stateless_normal([2, 3], seed=[1, 2])[0, 0].numpy())
print(tf.random.stateless_uniform([3], [4, 5], minval=3, maxval=20, dtype=tf.int32).numpy())
print(tf.random.stateless_truncated_normal([3], [4, 5]).numpy())
print(tf.random.stateless_categorical(tf.math.log([[0.2, 0.3, 0.5]]), 6, [6, 7]).numpy())
print(
    tf.random.experimental.stateless_split([1, 2], 2).numpy(),
    tf.random.experimental.stateless_fold_in([1, 2], 3).numpy(),
)
print(tf.random.experimental.stateless_shuffle(tf.range(8), [1, 2]).numpy())
print(tf.random.stateless_gamma([2], [1, 2], alpha=2.0).numpy(), tf.random.stateless_poisson([3], [1, 2], 4.0).numpy())

tf.random.set_seed(1234)
one, two = tf.random.uniform([1]), tf.random.uniform([1])
tf.random.set_seed(1234)
print((one == tf.random.uniform([1])).numpy(), (two == tf.random.uniform([1])).numpy(), one.numpy(), two.numpy())
tf.random.set_seed(1234)
print(
    tf.random.uniform([1], seed=1).numpy(),
    tf.random.uniform([1], seed=1).numpy(),
    tf.random.normal([2], seed=2).numpy(),
)


@tf.function
def seeded():
    return tf.random.uniform([1], seed=5), tf.random.uniform([1], seed=5), tf.random.uniform([1])


tf.random.set_seed(99)
draws = [[part.numpy()[0] for part in seeded()] for _ in range(2)]
print(draws)
print(tf.random.shuffle(tf.range(6), seed=3).numpy().shape, tf.random.categorical([[0.0, 0.0]], 4, seed=1).shape)
print(tf.random.truncated_normal([2], seed=4).numpy(), tf.random.uniform([2], 0, 10, tf.int64, seed=4).numpy())
