"""tf.data: windows of a series, generators, padded batches, interleaving, and datasets inside functions."""

import numpy as np
import tensorflow as tf

for element in tf.data.Dataset.from_tensor_slices({"x": np.arange(6.0).reshape(3, 2), "y": ["a", "b", "c"]}):
    print(element)

windows = tf.data.Dataset.range(7).window(4, shift=1, drop_remainder=True).flat_map(lambda w: w.batch(4))
for past, future in windows.map(lambda w: (w[:-1], w[-1:])).batch(2):
    print(past.numpy(), future.numpy())


def sentences():
    for length in (1, 3, 2):
        yield length, list(range(length))


signature = (tf.TensorSpec([], tf.int32), tf.TensorSpec([None], tf.int32))
dataset = tf.data.Dataset.from_generator(sentences, output_signature=signature)
for length, tokens in dataset.padded_batch(2, padding_values=(0, -1)):
    print(length.numpy(), tokens.numpy())

mixed = tf.data.Dataset.range(1, 4).interleave(
    lambda x: tf.data.Dataset.from_tensors(x).repeat(3), cycle_length=2, block_length=2
)
print([int(x) for x in mixed])
chosen = tf.data.Dataset.range(20).filter(lambda x: x % 3 == 0).skip(1).take(3).enumerate()
print([(int(i), int(x)) for i, x in chosen])
print(tf.data.Dataset.range(5).reduce(np.int64(0), lambda total, x: total + x))
print(len(tf.data.Dataset.range(10).batch(4)), tf.data.Dataset.range(3).repeat().cardinality().numpy())
python = tf.data.Dataset.range(3).map(lambda x: tf.py_function(lambda v: float(v) * 2, [x], tf.float32))
print([float(x) for x in python], python.element_spec)
grouped = tf.data.Dataset.range(6).group_by_window(lambda x: x % 2, lambda key, group: group.batch(2), window_size=2)
print([x.tolist() for x in grouped.as_numpy_iterator()])


@tf.function
def total(dataset):
    result = tf.constant(0, tf.int64)
    for x in dataset:
        result += x
    return result


@tf.function
def take(iterator, count):
    result = tf.constant(0, tf.int64)
    for _ in tf.range(count):
        result += next(iterator)
    return result


print(total(tf.data.Dataset.range(5)))
iterator = iter(tf.data.Dataset.range(10).repeat())
print(take(iterator, tf.constant(3)), take(iterator, tf.constant(3)))

iterator = iter(tf.data.Dataset.range(1))
next(iterator)
print(iterator.get_next_as_optional().has_value())
for failing in (
    lambda: next(iterator),
    lambda: iterator.get_next(),
    lambda: len(tf.data.Dataset.range(10).repeat()),
    lambda: tf.data.Dataset.from_tensor_slices(([1, 2], [1, 2, 3])),
    lambda: list(tf.data.Dataset.from_generator(lambda: iter(["a"]), output_signature=tf.TensorSpec([], tf.int32))),
):
    try:
        failing()
    except Exception as error:
        print(type(error).__name__)
