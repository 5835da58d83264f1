"""Summaries of scalars, histograms and images, written to event files and read back."""

import glob
import os
import tempfile

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(17)
inputs = rng.randn(60, 4).astype("float32")
targets = np.eye(3, dtype="float32")[rng.randint(0, 3, 60)]
logs = tempfile.mkdtemp()

x = tf.placeholder(tf.float32, [None, 4], name="InputData")
y = tf.placeholder(tf.float32, [None, 3], name="LabelData")
with tf.name_scope("Model"):
    w = tf.Variable((rng.randn(4, 3) * 0.5).astype("float32"), name="Weights")
    pred = tf.nn.softmax(tf.matmul(x, w))
with tf.name_scope("Loss"):
    cost = tf.reduce_mean(-tf.reduce_sum(y * tf.log(pred), reduction_indices=1))
with tf.name_scope("SGD"):
    train = tf.train.GradientDescentOptimizer(0.1).minimize(cost)
tf.summary.scalar("loss", cost)
tf.summary.histogram(w.name, w)
tf.summary.image("weights", tf.reshape(w, [1, 4, 3, 1]))
tf.summary.text("note", tf.constant("written by a test"))
merged = tf.summary.merge_all()
print(w.name, cost.name, [s.name for s in tf.get_collection(tf.GraphKeys.SUMMARIES)])

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    writer = tf.summary.FileWriter(logs, graph=tf.get_default_graph())
    for epoch in range(5):
        _, c, summary = sess.run([train, cost, merged], feed_dict={x: inputs, y: targets})
        writer.add_summary(summary, epoch)
    by_hand = tf.Summary(value=[tf.Summary.Value(tag="by_hand", simple_value=0.5)])
    writer.add_summary(by_hand, 5)
    writer.close()

(path,) = glob.glob(os.path.join(logs, "events.out.tfevents.*"))
for event in tf.train.summary_iterator(path):
    kind = event.WhichOneof("what")
    if kind == "graph_def":
        graph = tf.GraphDef.FromString(event.graph_def)
        print("graph:", "InputData" in [node.name for node in graph.node])
    for value in event.summary.value:
        if value.WhichOneof("value") == "simple_value":
            print(event.step, value.tag, round(value.simple_value, 5))
        elif event.step == 0:
            print(event.step, value.tag, value.WhichOneof("value"), round(value.histo.num))
