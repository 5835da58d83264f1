"""Classes of flattened images by softmax regression, in batches."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(1)
centers = rng.randn(4, 12)
labels = rng.randint(0, 4, 400)
images = (centers[labels] + 0.4 * rng.randn(400, 12)).astype("float32")
onehot = np.eye(4, dtype="float32")[labels]

x = tf.placeholder(tf.float32, [None, 12])
y = tf.placeholder(tf.float32, [None, 4])
W = tf.Variable(tf.zeros([12, 4]))
b = tf.Variable(tf.zeros([4]))
pred = tf.nn.softmax(tf.matmul(x, W) + b)
cost = tf.reduce_mean(-tf.reduce_sum(y * tf.log(pred), reduction_indices=1))
optimizer = tf.train.GradientDescentOptimizer(0.1).minimize(cost)
correct_prediction = tf.equal(tf.argmax(pred, 1), tf.argmax(y, 1))
accuracy = tf.reduce_mean(tf.cast(correct_prediction, tf.float32))

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for epoch in range(5):
        avg_cost = 0.0
        for i in range(0, 400, 50):
            _, c = sess.run([optimizer, cost], feed_dict={x: images[i : i + 50], y: onehot[i : i + 50]})
            avg_cost += c / 8
        print("Epoch:", epoch + 1, "cost=", "{:.5f}".format(avg_cost))
    print("Accuracy:", accuracy.eval({x: images, y: onehot}))
