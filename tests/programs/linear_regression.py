"""Least squares by gradient descent in a tf.function; logistic regression as a tf.Module with a Keras optimizer."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(0)
features = rng.randn(64, 3).astype("float32")
targets = features @ np.array([[1.0], [-2.0], [0.5]], "float32") + 0.3

weights = tf.Variable(tf.zeros([3, 1]))
bias = tf.Variable(0.0)


@tf.function
def train_step(x, y, rate=0.1):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(x @ weights + bias - y))
    slopes = tape.gradient(loss, [weights, bias])
    weights.assign_sub(rate * slopes[0])
    bias.assign_sub(rate * slopes[1])
    return loss


for epoch in range(30):
    loss = train_step(features, targets)
    if epoch % 10 == 0:
        print(f"epoch {epoch}: loss {loss.numpy():.4f}")
print("weights", weights.numpy().ravel(), "bias", float(bias))


class Logistic(tf.Module):
    def __init__(self, size, name=None):
        super().__init__(name=name)
        self.w = tf.Variable(tf.zeros([size, 1]), name="w")
        self.b = tf.Variable(tf.zeros([1]), name="b")

    def __call__(self, x):
        return tf.matmul(x, self.w) + self.b


labels = (features[:, :1] + 0.5 * features[:, 1:2] > 0).astype("float32")
model = Logistic(3)
optimizer = tf.keras.optimizers.Adam(0.05)
for _ in range(40):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=model(features)))
    optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
accuracy = tf.reduce_mean(tf.cast(tf.equal(model(features) > 0, labels > 0.5), tf.float32))
print("logistic", loss.numpy(), accuracy.numpy(), [v.name for v in model.trainable_variables])
