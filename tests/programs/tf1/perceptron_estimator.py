"""A perceptron as an Estimator: trained, resumed, evaluated, applied."""

import tempfile

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(8)
labels = rng.randint(0, 3, 300)
inputs = (rng.randn(3, 10)[labels] + 0.5 * rng.randn(300, 10)).astype("float32")


def model_fn(features, labels, mode, params):
    net = tf.layers.dense(features["images"], params["hidden"], tf.nn.relu)
    logits = tf.layers.dense(net, 3)
    classes = tf.argmax(logits, axis=1)
    if mode == tf.estimator.ModeKeys.PREDICT:
        return tf.estimator.EstimatorSpec(mode, predictions={"class": classes, "p": tf.nn.softmax(logits)})
    loss = tf.losses.sparse_softmax_cross_entropy(labels=labels, logits=logits)
    train_op = tf.train.AdamOptimizer(0.02).minimize(loss, global_step=tf.train.get_global_step())
    metrics = {"accuracy": tf.metrics.accuracy(labels=labels, predictions=classes)}
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train_op, eval_metric_ops=metrics)


tf.logging.set_verbosity(tf.logging.ERROR)
folder = tempfile.mkdtemp()
config = tf.estimator.RunConfig(tf_random_seed=1, save_checkpoints_steps=50)
model = tf.estimator.Estimator(model_fn, model_dir=folder, config=config, params={"hidden": 16})
input_fn = tf.estimator.inputs.numpy_input_fn(
    x={"images": inputs}, y=labels, batch_size=50, num_epochs=None, shuffle=True
)
once = tf.estimator.inputs.numpy_input_fn(x={"images": inputs}, y=labels, batch_size=50, shuffle=False)

model.train(input_fn, steps=40)
model.train(input_fn, steps=40)
e = model.evaluate(once)
print("step", e["global_step"], "accurate:", e["accuracy"] > 0.95, sorted(e))
print(model.get_variable_names())
resumed = tf.estimator.Estimator(model_fn, model_dir=folder, params={"hidden": 16})
resumed.train(input_fn, max_steps=100)
print("resumed at", resumed.evaluate(once, steps=2)["global_step"])
predict = tf.estimator.inputs.numpy_input_fn(x={"images": inputs[:20]}, shuffle=False)
predictions = list(resumed.predict(predict))
print(len(predictions), sorted(predictions[0]), np.mean([p["class"] for p in predictions] == labels[:20]) > 0.9)
print(abs(predictions[0]["p"].sum() - 1) < 1e-5, tf.train.latest_checkpoint(folder).endswith("model.ckpt-100"))
