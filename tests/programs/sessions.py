"""TensorFlow 1: placeholders, scopes, an optimizer, a saver, control dependencies, graph loops, wrong feeds."""

import os
import tempfile

import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()

x = tf.placeholder(tf.float32, [None, 2], name="x")
y = tf.placeholder(tf.float32, [None, 1], name="y")
rate = tf.placeholder_with_default(0.1, [])
with tf.variable_scope("hidden"):
    w = tf.get_variable("w", initializer=tf.reshape(tf.range(8.0), [2, 4]) * 0.1)
    b = tf.get_variable("b", [4], initializer=tf.zeros_initializer())
    h = tf.nn.relu(tf.matmul(x, w) + b)
with tf.variable_scope("out"):
    prediction = tf.matmul(h, tf.get_variable("w", initializer=tf.ones([4, 1]) * 0.1))
loss = tf.reduce_mean(tf.square(prediction - y))
step = tf.Variable(0, trainable=False, name="global_step")
train = tf.train.AdamOptimizer(rate).minimize(loss, global_step=step)
saver = tf.train.Saver()
print([v.name for v in tf.global_variables()])
print((x + 1).name, (x * y).name, tf.add(x, y).name, h.name)

features = np.random.RandomState(0).randn(32, 2).astype("float32")
feed = {x: features, y: features.sum(1, keepdims=True)}
with tf.Session() as session:
    try:
        session.run(w)
    except tf.errors.FailedPreconditionError:
        print("not initialized")
    session.run(tf.global_variables_initializer())
    for _ in range(30):
        _, value = session.run([train, loss], feed)
    print(value, session.run(step), session.run(prediction, {h: np.ones((1, 4))}).shape)
    path = saver.save(session, os.path.join(tempfile.mkdtemp(), "model"), global_step=step)
    before = session.run(w)
    session.run(w.assign(w * 0))
    saver.restore(session, path)
    print(os.path.basename(path), np.array_equal(before, session.run(w)))
    for fetches, feeds in ((loss, {x: features}), (prediction, {x: np.ones((2, 3))}), (None, {}), ("nope:0", {})):
        try:
            session.run(fetches, feeds)
        except Exception as error:
            print(type(error).__name__)

    count = tf.Variable(0)
    with tf.control_dependencies([tf.assign_add(count, 1)]):
        after = tf.identity(x)
    session.run(count.initializer)
    session.run(after, feed)
    session.run(after, feed)
    print(session.run(count))
    sign = tf.cond(x[0, 0] > 0, lambda: tf.constant("pos"), lambda: tf.constant("neg"))
    print(session.run(sign, {x: [[1.0, 0.0]]}), session.run(sign, {x: [[-1.0, 0.0]]}))
    print(session.run(tf.while_loop(lambda i, s: i < 5, lambda i, s: [i + 1, s + i], [0, 0])))
    print(session.run(tf.while_loop(lambda i: i < 5, lambda i: i + 2, [0])))
    print([g.shape for g in session.run(tf.gradients(loss, [w, x]), feed)], tf.gradients(tf.constant(1.0), w))
    with tf.variable_scope("hidden", reuse=True):
        print(tf.get_variable("w") is w)
    for scope, name, reuse in (("hidden", "w", None), ("hidden", "missing", True)):
        try:
            with tf.variable_scope(scope, reuse=reuse):
                tf.get_variable(name, [1])
        except ValueError as error:
            print(str(error).split(".")[0].split(",")[0])
