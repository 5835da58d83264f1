"""The nearest neighbour of each test point, by its distance to all training points."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(2)
centers = rng.randn(5, 20) * 2
Ytr = rng.randint(0, 5, 200)
Xtr = (centers[Ytr] + rng.randn(200, 20)).astype("float32")
Yte = rng.randint(0, 5, 20)
Xte = (centers[Yte] + rng.randn(20, 20)).astype("float32")

xtr = tf.placeholder("float", [None, 20])
xte = tf.placeholder("float", [20])
distance = tf.reduce_sum(tf.abs(tf.add(xtr, tf.negative(xte))), reduction_indices=1)
pred = tf.arg_min(distance, 0)
k_best = tf.nn.top_k(tf.negative(distance), k=5)

accuracy = 0.0
with tf.Session() as sess:
    for i in range(len(Xte)):
        nn_index, nearest = sess.run([pred, k_best.indices], feed_dict={xtr: Xtr, xte: Xte[i, :]})
        votes = np.bincount(Ytr[nearest], minlength=5)
        if i < 5:
            print("Test", i, "Prediction:", Ytr[nn_index], "True Class:", Yte[i], "Nearest:", list(map(int, nearest)))
        accuracy += float(np.argmax(votes) == Yte[i]) / len(Xte)
print("Accuracy:", round(accuracy, 4))
