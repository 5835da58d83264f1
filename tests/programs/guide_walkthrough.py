"""Custom training, a walkthrough: a table of measurements, a model, its loss and gradients, a loop, an evaluation."""

import os
import tempfile

import numpy as np
import tensorflow as tf

species = ["A", "B", "C"]
columns = ["length", "depth", "mass", "species"]
centers = np.array([[38.0, 18.0, 37.0], [47.0, 15.0, 50.0], [48.0, 18.5, 37.5]], np.float32)
noise = tf.random.stateless_normal([60, 3], [3, 4]).numpy() * [2.0, 0.8, 2.5]
table = [[*(centers[i % 3] + noise[i]).round(2).tolist(), i % 3] for i in range(60)]
path = os.path.join(tempfile.mkdtemp(), "measured.csv")
with open(path, "w") as file:
    file.write(",".join(columns) + "\n" + "\n".join(",".join(map(str, row)) for row in table) + "\n")

batches = tf.data.experimental.make_csv_dataset(path, 20, label_name="species", num_epochs=1, shuffle=False)
features, labels = next(iter(batches))
print(list(features), [f.numpy()[:2] for f in features.values()], labels.numpy()[:6])


def pack_features(features, labels):
    features = tf.stack(list(features.values()), axis=1)
    return (features - [44.0, 17.0, 42.0]) / [5.0, 2.0, 6.0], labels


ds_train = batches.map(pack_features)
features, labels = next(iter(ds_train))
print(features[:3], ds_train.element_spec)

model = tf.keras.Sequential(
    [
        tf.keras.layers.Dense(10, activation=tf.nn.relu, input_shape=(3,)),
        tf.keras.layers.Dense(10, activation=tf.nn.relu),
        tf.keras.layers.Dense(3),
    ]
)
for i, weight in enumerate(model.trainable_variables):
    weight.assign(tf.random.stateless_normal(weight.shape, [i, 7]) * 0.4)
predictions = model(features)
print(predictions[:3], tf.nn.softmax(predictions[:3]), tf.math.argmax(predictions, axis=1).numpy())
loss_object = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def loss(model, x, y, training):
    return loss_object(y_true=y, y_pred=model(x, training=training))


def grad(model, inputs, targets):
    with tf.GradientTape() as tape:
        loss_value = loss(model, inputs, targets, training=True)
    return loss_value, tape.gradient(loss_value, model.trainable_variables)


optimizer = tf.keras.optimizers.SGD(learning_rate=0.1)
loss_value, grads = grad(model, features, labels)
print(f"Step: {optimizer.iterations.numpy()}, Initial Loss: {loss_value.numpy():.4f}")
optimizer.apply_gradients(zip(grads, model.trainable_variables))
print(
    f"Step: {optimizer.iterations.numpy()}, Loss: {loss(model, features, labels, training=True).numpy():.4f}"
)

for epoch in range(41):
    epoch_loss_avg = tf.keras.metrics.Mean()
    epoch_accuracy = tf.keras.metrics.SparseCategoricalAccuracy()
    for x, y in ds_train:
        loss_value, grads = grad(model, x, y)
        optimizer.apply_gradients(zip(grads, model.trainable_variables))
        epoch_loss_avg.update_state(loss_value)
        epoch_accuracy.update_state(y, model(x, training=True))
    if epoch % 20 == 0:
        print(f"Epoch {epoch:03d}: Loss: {epoch_loss_avg.result():.3f}, Accuracy: {epoch_accuracy.result():.3%}")

test_accuracy = tf.keras.metrics.Accuracy()
for x, y in ds_train.take(2):
    logits = model(x, training=False)
    prediction = tf.math.argmax(logits, axis=1, output_type=tf.int64)
    test_accuracy(prediction, y)
print(f"Test set accuracy: {test_accuracy.result():.3%}")
print(tf.stack([y, tf.cast(prediction, tf.int32)], axis=1).numpy()[:5])
unlabelled = (tf.constant([[38.2, 18.1, 36.0], [47.1, 14.8, 51.0], [49.0, 19.0, 38.0]]) - [44.0, 17.0, 42.0]) / [
    5.0,
    2.0,
    6.0,
]
for i, logits in enumerate(model(unlabelled, training=False)):
    class_index = tf.math.argmax(logits).numpy()
    print(f"Example {i} prediction: {species[class_index]} ({tf.nn.softmax(logits)[class_index]:4.1%})")
