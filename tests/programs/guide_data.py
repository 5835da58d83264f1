"""tf.data: sources, batching, workflows, preprocessing, time series windows, resampling, iterators in functions."""

import itertools
import os
import tempfile

import numpy as np
import tensorflow as tf

Dataset = tf.data.Dataset

dataset = Dataset.from_tensor_slices([8, 3, 0, 8, 2, 1])
print(dataset)
for element in dataset:
    print(element.numpy(), end=" ")
iterator = iter(dataset)
print(next(iterator).numpy(), dataset.reduce(0, lambda state, value: state + value).numpy())

dataset1 = Dataset.from_tensor_slices(tf.random.stateless_uniform([4, 10], [1, 2]))
dataset2 = Dataset.from_tensor_slices(
    (tf.range(4.0), tf.random.stateless_uniform([4, 3], [3, 4], maxval=9, dtype=tf.int32))
)
dataset3 = Dataset.zip((dataset1, dataset2))
print(dataset1.element_spec, dataset2.element_spec, dataset3.element_spec)
print(Dataset.from_tensors({"a": [1, 2], "b": 3}).element_spec, dataset3.element_spec[0].value_type.__name__)
for a, (b, c) in dataset3.take(2):
    print(f"shapes: {a.shape}, {b.shape}, {c.numpy()}")


def count(stop):
    i = 0
    while i < stop:
        yield i
        i += 1


counted = Dataset.from_generator(count, args=[25], output_types=tf.int32, output_shapes=())
for batch in counted.repeat().batch(10).take(4):
    print(batch.numpy())


def series():
    i = 0
    while True:
        yield i, np.arange(i % 4, dtype=np.float32)
        i += 1


of_series = Dataset.from_generator(series, output_types=(tf.int32, tf.float32), output_shapes=((), (None,)))
print(of_series)
ids, sequences = next(iter(of_series.shuffle(1).padded_batch(5)))
print(ids.numpy(), sequences.numpy())

folder = tempfile.mkdtemp()
for k, name in enumerate(["cowper", "derby", "butler"]):
    with open(os.path.join(folder, name), "w") as file:
        file.writelines(f"{name} {i}\n" for i in range(3 + k))
paths = [os.path.join(folder, name) for name in ("cowper", "derby", "butler")]
for line in tf.data.TextLineDataset(paths).take(4):
    print(line.numpy())
lines = Dataset.from_tensor_slices(paths).interleave(tf.data.TextLineDataset, cycle_length=3)
for i, line in enumerate(lines.take(9)):
    print(line.numpy(), end="\n" if i % 3 == 2 else " ")
kept = tf.data.TextLineDataset(paths[0]).skip(1).filter(lambda line: tf.not_equal(tf.strings.substr(line, 7, 1), "1"))
print([line.numpy() for line in kept])
with open(os.path.join(folder, "table.csv"), "w") as file:
    file.write("survived,sex,age\n0,male,22.0\n1,female,38.5\n1,female,26\n")
rows = tf.data.TextLineDataset(os.path.join(folder, "table.csv")).skip(1)
for survived, sex, age in rows.map(lambda line: tf.io.decode_csv(line, [[0], [""], [0.0]])):
    print(survived.numpy(), sex.numpy(), age.numpy())

incremental = Dataset.zip((Dataset.range(100), Dataset.range(0, -100, -1)))
for pair in incremental.batch(4).take(2):
    print([part.numpy() for part in pair])
print(Dataset.range(100).batch(7), Dataset.range(100).batch(7, drop_remainder=True))
filled = Dataset.range(100).map(lambda x: tf.fill([tf.cast(x, tf.int32)], x)).padded_batch(4, padded_shapes=(None,))
for batch in filled.take(2):
    print(batch.numpy(), batch.shape)
sizes = (
    [batch.shape[0] for batch in Dataset.range(10).repeat(3).batch(8)],
    [b.shape[0] for b in Dataset.range(10).batch(8).repeat(2)],
)
print(sizes)
print(sorted(x.numpy() for x in Dataset.range(10).shuffle(4)), len(Dataset.range(10).shuffle(4).repeat(2).batch(3)))
for epoch in range(2):
    for batch in Dataset.range(3):
        print(epoch, batch.shape, end=" ")
    print("end of epoch:", epoch)


def doubled(x):
    x.set_shape([])
    return x * 2


through_python = Dataset.range(3).map(lambda x: doubled(tf.py_function(lambda v: v + 1, [x], tf.int64)))
print([x.numpy() for x in through_python])
feature = {
    "number": tf.train.Feature(int64_list=tf.train.Int64List(value=[7])),
    "text": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"cat"])),
}
example = tf.train.Example(features=tf.train.Features(feature=feature))
with tf.io.TFRecordWriter(os.path.join(folder, "records")) as writer:
    for _ in range(2):
        writer.write(example.SerializeToString())
description = {"number": tf.io.FixedLenFeature([], tf.int64), "text": tf.io.FixedLenFeature([], tf.string)}
records = tf.data.TFRecordDataset([os.path.join(folder, "records")])
for parsed in records.map(lambda record: tf.io.parse_single_example(record, description)):
    print(sorted((k, v.numpy()) for k, v in parsed.items()))

range_ds = Dataset.range(100000)
for batch in range_ds.batch(10, drop_remainder=True).take(2):
    print(batch.numpy())
for x, y in range_ds.batch(10).map(lambda batch: (batch[:-1], batch[1:])).take(2):
    print(x.numpy(), "=>", y.numpy())
for x, y in Dataset.zip((range_ds.batch(5), range_ds.batch(10).skip(1).map(lambda b: b[:3]))).take(2):
    print(x.numpy(), "=>", y.numpy())


def make_window_dataset(ds, window_size=5, shift=1, stride=1):
    windows = ds.window(window_size, shift=shift, stride=stride)
    return windows.flat_map(lambda window: window.batch(window_size, drop_remainder=True))


for example in make_window_dataset(range_ds, window_size=6, shift=5, stride=3).take(3):
    print(example.numpy())
for window in range_ds.window(3, shift=2).take(2):
    print(window.element_spec, [item.numpy() for item in window])
labels = make_window_dataset(range_ds, 8, 4).map(lambda x: (x[:-2], x[-2:])).take(2)
print([(a.numpy().tolist(), b.numpy().tolist()) for a, b in labels])

zeros, ones = Dataset.from_tensors(0).repeat(), Dataset.from_tensors(1).repeat()
balanced = Dataset.sample_from_datasets([zeros, ones], weights=[0.5, 0.5], seed=1).take(2000)
share = balanced.reduce(np.int64(0), lambda n, x: n + tf.cast(x, tf.int64)).numpy() / 2000
print(abs(share - 0.5) < 0.06)
chosen = Dataset.choose_from_datasets(
    [Dataset.from_tensors("x").repeat(), Dataset.from_tensors("y").repeat()], Dataset.range(2).repeat(3)
)
print([text.numpy() for text in chosen])

taken = iter(Dataset.range(20))
checkpoint = tf.train.Checkpoint(step=tf.Variable(0), iterator=taken)
manager = tf.train.CheckpointManager(checkpoint, os.path.join(folder, "kept"), max_to_keep=3)
print([next(taken).numpy() for _ in range(5)])
manager.save()
print([next(taken).numpy() for _ in range(5)])
checkpoint.restore(manager.latest_checkpoint)
print([next(taken).numpy() for _ in range(5)])

model = tf.keras.Sequential([tf.keras.layers.Dense(2, kernel_initializer="ones")])
model.compile("sgd", "mse")
data = Dataset.from_tensor_slices((np.ones((8, 3), np.float32), np.zeros((8, 2), np.float32))).batch(4)
history = model.fit(data.repeat(), epochs=2, steps_per_epoch=2, verbose=0)
print(np.round(history.history["loss"], 4), model.evaluate(data, verbose=0))
print(model.predict(Dataset.from_tensors(np.ones((2, 3), np.float32)), verbose=0).shape)

print(
    Dataset.range(5).cardinality().numpy(),
    (Dataset.range(5).repeat().cardinality() == tf.data.INFINITE_CARDINALITY).numpy(),
)
print(
    Dataset.range(5).filter(lambda x: x > 2).cardinality().numpy(),
    list(Dataset.range(9).take_while(lambda x: x < 4).as_numpy_iterator()),
)
print(list(Dataset.from_tensor_slices([1, 2, 2, 3, 1]).unique().as_numpy_iterator()))
print(list(Dataset.range(6).scan(np.int64(0), lambda total, x: (total + x, total + x)).as_numpy_iterator()))
print(
    [
        x.tolist()
        for x in Dataset.range(7).group_by_window(lambda x: x % 2, lambda k, w: w.batch(9), 3).as_numpy_iterator()
    ]
)
print(list(Dataset.range(3).concatenate(Dataset.range(8, 10)).enumerate(5).as_numpy_iterator()))
print(
    list(Dataset.range(10).shard(3, 1).as_numpy_iterator()), Dataset.from_tensors([1, 2]).get_single_element().numpy()
)
print(list(itertools.islice(Dataset.range(3).map(lambda x: {"v": x * x}).repeat().as_numpy_iterator(), 4)))
print(
    list(
        Dataset.range(4).apply(lambda d: d.map(lambda x: x + 1)).cache().prefetch(tf.data.AUTOTUNE).as_numpy_iterator()
    )
)
print(
    list(Dataset.range(3).rebatch(2).as_numpy_iterator())
    if False
    else list(Dataset.range(6).batch(2).rebatch(4).as_numpy_iterator())
)
