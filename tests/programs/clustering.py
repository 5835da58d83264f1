"""k-means in a graph loop, and a mixture of two Gaussians by expectation maximisation."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(1)
points = tf.constant(np.concatenate([rng.normal(c, 0.2, (20, 2)) for c in [(0, 0), (3, 3), (0, 3)]]), tf.float32)


@tf.function
def kmeans(points, centres, rounds):
    nearest = tf.zeros([tf.shape(points)[0]], tf.int64)
    for _ in tf.range(rounds):
        distances = tf.reduce_sum(tf.square(points[:, None] - centres[None]), axis=2)
        nearest = tf.argmin(distances, axis=1)
        centres = tf.math.unsorted_segment_mean(points, nearest, 3)
    return centres, nearest


centres, nearest = kmeans(points, tf.gather(points, [0, 20, 40]), tf.constant(5))
print(centres.numpy())
print(tf.math.bincount(tf.cast(nearest, tf.int32)))

x = tf.constant(np.concatenate([rng.normal(-2, 0.5, 50), rng.normal(2, 1, 50)]), tf.float32)[:, tf.newaxis]
mean, deviation, share = tf.constant([-1.0, 1.0]), tf.ones(2), tf.ones(2) / 2
for _ in range(20):
    log_density = tf.math.log(share) - tf.math.log(deviation) - 0.5 * ((x - mean) / deviation) ** 2
    belief = tf.nn.softmax(log_density, axis=1)
    mass = tf.reduce_sum(belief, axis=0)
    mean = tf.reduce_sum(belief * x, axis=0) / mass
    deviation = tf.sqrt(tf.reduce_sum(belief * (x - mean) ** 2, axis=0) / mass)
    share = mass / tf.cast(tf.shape(x)[0], tf.float32)
print(mean.numpy(), deviation.numpy(), share.numpy())
