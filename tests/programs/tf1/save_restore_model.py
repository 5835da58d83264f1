"""Variables saved in checkpoints, restored in a second session, and read without a graph."""

import os
import tempfile

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(16)
inputs = rng.randn(64, 5).astype("float32")
targets = inputs.dot(rng.randn(5, 2)).astype("float32")
model_path = os.path.join(tempfile.mkdtemp(), "model.ckpt")

x = tf.placeholder("float", [None, 5], name="x")
y = tf.placeholder("float", [None, 2])
with tf.variable_scope("layer"):
    w = tf.get_variable("w", initializer=tf.constant(rng.randn(5, 2).astype("float32")))
    b = tf.get_variable("b", [2], initializer=tf.zeros_initializer())
pred = tf.add(tf.matmul(x, w), b, name="pred")
cost = tf.reduce_mean(tf.square(pred - y))
step = tf.Variable(0, trainable=False, name="step")
optimizer = tf.train.AdamOptimizer(0.05).minimize(cost, global_step=step)
tf.add_to_collection("outputs", pred)
saver = tf.train.Saver(max_to_keep=2)

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for _ in range(4):
        for _ in range(10):
            _, c = sess.run([optimizer, cost], {x: inputs, y: targets})
        save_path = saver.save(sess, model_path, global_step=step)
    print("First: cost=%.5f" % c, os.path.basename(save_path), [os.path.basename(p) for p in saver.last_checkpoints])
    first = sess.run(pred, {x: inputs})

with tf.Session() as sess:
    saver.restore(sess, tf.train.latest_checkpoint(os.path.dirname(model_path)))
    print("same:", np.array_equal(first, sess.run(pred, {x: inputs})), "step", sess.run(step))
    for _ in range(40):
        _, c = sess.run([optimizer, cost], {x: inputs, y: targets})
    print("Second: cost=%.5f" % c)

print(tf.train.list_variables(save_path))
reader = tf.train.NewCheckpointReader(save_path)
print(reader.get_tensor("layer/w").shape, reader.has_tensor("layer/nothing"))
print(tf.train.get_checkpoint_state(os.path.dirname(model_path)).model_checkpoint_path == save_path)
print(sorted(name for name in os.listdir(os.path.dirname(model_path)) if "data" not in name))

with tf.Graph().as_default(), tf.Session() as sess:
    restored = tf.train.import_meta_graph(save_path + ".meta")
    restored.restore(sess, save_path)
    same = np.allclose(first, sess.run("pred:0", {"x:0": inputs}))
    print("from the graph:", same, tf.get_collection("outputs")[0].name)

with tf.Graph().as_default(), tf.Session() as sess:
    with tf.variable_scope("layer"):
        wrong = tf.get_variable("w", [5, 3])
    try:
        tf.train.Saver([wrong]).restore(sess, save_path)
    except (tf.errors.InvalidArgumentError, tf.errors.NotFoundError) as error:
        print(type(error).__name__)
