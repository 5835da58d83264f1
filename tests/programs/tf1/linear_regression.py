"""A line through points, found by gradient descent."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(0)
train_x = rng.rand(17).astype("float32") * 8
train_y = 0.25 * train_x + 0.8 + rng.randn(17).astype("float32") * 0.1

X = tf.placeholder("float")
Y = tf.placeholder("float")
W = tf.Variable(-0.3, name="weight")
b = tf.Variable(0.1, name="bias")
pred = tf.add(tf.multiply(X, W), b)
cost = tf.reduce_sum(tf.pow(pred - Y, 2)) / (2 * train_x.shape[0])
optimizer = tf.train.GradientDescentOptimizer(0.01).minimize(cost)
init = tf.global_variables_initializer()

with tf.Session() as sess:
    sess.run(init)
    for epoch in range(60):
        for x, y in zip(train_x, train_y):
            sess.run(optimizer, feed_dict={X: x, Y: y})
        if (epoch + 1) % 20 == 0:
            c = sess.run(cost, feed_dict={X: train_x, Y: train_y})
            print("Epoch:", "%04d" % (epoch + 1), "cost=", c, "W=", sess.run(W), "b=", sess.run(b))
    print("Optimization Finished!", [v.name for v in tf.trainable_variables()])
