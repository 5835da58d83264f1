"""Files read, parsed and batched by queues and threads, up to the end of the data."""

import os
import tempfile

import numpy as np
import tensorflow as tf

folder = tempfile.mkdtemp()
names = []
for part in range(3):
    names.append(os.path.join(folder, "part-%d.txt" % part))
    with open(names[-1], "w") as file:
        file.writelines("%d,%d\n" % (part, n) for n in range(4))

filename_queue = tf.train.string_input_producer(names, num_epochs=2, shuffle=False)
key, value = tf.TextLineReader().read(filename_queue)
lines = tf.train.batch([value], batch_size=5, allow_smaller_final_batch=True)

images = np.arange(20, dtype="float32").reshape(10, 2)
image, label = tf.train.slice_input_producer([images, np.arange(10)], num_epochs=1, shuffle=True, seed=1)
image_batch, label_batch = tf.train.shuffle_batch(
    [image, label], batch_size=4, capacity=20, min_after_dequeue=3, num_threads=2, allow_smaller_final_batch=True
)

queue = tf.FIFOQueue(10, [tf.float32, tf.string], shapes=[[2], []], name="pairs")
enqueue = queue.enqueue_many([images, [str(i) for i in range(10)]])
numbers, texts = queue.dequeue_many(3)
size, close = queue.size(), queue.close()

with tf.Session() as sess:
    sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(sess=sess, coord=coord)
    seen = []
    try:
        while not coord.should_stop():
            seen.append(sess.run(lines).tolist())
    except tf.errors.OutOfRangeError:
        print("Done reading", [len(batch) for batch in seen], seen[0], seen[-1])
    total, rows = [], 0
    try:
        while True:
            a, b = sess.run([image_batch, label_batch])
            rows += len(a)
            total += b.tolist()
            assert np.array_equal(a[:, 0], b * 2)
    except tf.errors.OutOfRangeError:
        print("Done training", rows, sorted(total))
    sess.run(enqueue)
    a, b = sess.run([numbers, texts])
    print(a.tolist(), b.tolist(), sess.run(size))
    sess.run(close)
    sess.run([numbers, texts])
    sess.run([numbers, texts])
    try:
        sess.run([numbers, texts])
    except tf.errors.OutOfRangeError:
        print("closed", sess.run(size))
    coord.request_stop()
    coord.join(threads)

records = os.path.join(folder, "data.tfrecords")
with tf.python_io.TFRecordWriter(records) as writer:
    for i in range(3):
        feature = {"x": tf.train.Feature(int64_list=tf.train.Int64List(value=[i, i * i]))}
        writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
for record in tf.python_io.tf_record_iterator(records):
    print(list(tf.train.Example.FromString(record).features.feature["x"].int64_list.value))
