"""K-means by assignments and means, with the centroids in a variable."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(3)
points = np.concatenate([rng.randn(60, 2) * 0.5 + center for center in ([0, 0], [4, 4], [0, 5])]).astype("float32")

data = tf.constant(points)
centroids = tf.Variable(tf.slice(data, [0, 0], [3, 2]))
expanded_data = tf.expand_dims(data, 0)
expanded_centroids = tf.expand_dims(centroids, 1)
distances = tf.reduce_sum(tf.square(tf.subtract(expanded_data, expanded_centroids)), 2)
assignments = tf.argmin(distances, 0)
means = []
for c in range(3):
    members = tf.gather(data, tf.reshape(tf.where(tf.equal(assignments, c)), [-1]))
    means.append(tf.cond(tf.shape(members)[0] > 0, lambda m=members: tf.reduce_mean(m, 0), lambda c=c: centroids[c]))
update_centroids = tf.assign(centroids, tf.stack(means))
by_segment = tf.unsorted_segment_sum(data, assignments, 3)
inertia = tf.reduce_sum(tf.reduce_min(distances, 0))

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for step in range(15):
        _, loss = sess.run([update_centroids, inertia])
        if step % 5 == 0:
            print("Step", step, "inertia", loss)
    final, where, sums = sess.run([centroids, assignments, by_segment])
    print(final)
    print(np.bincount(where).tolist(), sums.shape)
