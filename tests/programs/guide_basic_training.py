"""Basic training loops: a line fitted by hand, by an optimizer in a function, and by Keras; a classifier's loop."""

import tensorflow as tf

TRUE_W, TRUE_B, NUM_EXAMPLES = 3.0, 2.0, 201
x = tf.cast(tf.linspace(-2, 2, NUM_EXAMPLES), tf.float32)


def f(x):
    return x * TRUE_W + TRUE_B


noise = tf.math.sin(tf.range(float(NUM_EXAMPLES)) * 37.0)
y = f(x) + noise


class MyModel(tf.Module):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.w = tf.Variable(5.0)
        self.b = tf.Variable(0.0)

    def __call__(self, x):
        return self.w * x + self.b


model = MyModel()
print("Variables:", model.variables, model(3.0).numpy())


def loss(target_y, predicted_y):
    return tf.reduce_mean(tf.square(target_y - predicted_y))


print(f"Current loss: {loss(y, model(x)).numpy():1.4f}")


def train(model, x, y, learning_rate):
    with tf.GradientTape() as t:
        current_loss = loss(y, model(x))
    dw, db = t.gradient(current_loss, [model.w, model.b])
    model.w.assign_sub(learning_rate * dw)
    model.b.assign_sub(learning_rate * db)


def report(model, loss):
    return f"W = {model.w.numpy():1.2f}, b = {model.b.numpy():1.2f}, loss={loss:2.5f}"


for epoch in range(5):
    train(model, x, y, learning_rate=0.1)
    print(f"Epoch {epoch:2d}:", report(model, loss(y, model(x))))


class MyModelKeras(tf.keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.w = tf.Variable(5.0)
        self.b = tf.Variable(0.0)

    def call(self, x):
        return self.w * x + self.b


fitted = MyModelKeras()
fitted.compile(run_eagerly=False, optimizer=tf.keras.optimizers.SGD(learning_rate=0.1), loss="mse")
print(len(fitted.trainable_variables))

points = tf.reshape(tf.math.sin(tf.range(240.0) * 1.7), [120, 2])
labels = tf.cast(points[:, 0] + points[:, 1] > 0, tf.int32) + tf.cast(points[:, 0] > 0.5, tf.int32)
dataset = tf.data.Dataset.from_tensor_slices((points, labels)).batch(32)
features, targets = next(iter(dataset))
print(features.shape, targets[:8])
classifier = tf.keras.Sequential(
    [tf.keras.Input((2,)), tf.keras.layers.Dense(10, activation="relu"), tf.keras.layers.Dense(3)]
)
for k, variable in enumerate(classifier.trainable_variables):
    variable.assign(tf.reshape(tf.math.cos(tf.range(float(tf.size(variable.value))) * (k + 1.3)), variable.shape))
loss_object = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = tf.keras.optimizers.Adam(learning_rate=0.05)


def grad(model, inputs, targets):
    with tf.GradientTape() as tape:
        loss_value = loss_object(y_true=targets, y_pred=model(inputs, training=True))
    return loss_value, tape.gradient(loss_value, model.trainable_variables)


loss_value, grads = grad(classifier, features, targets)
print(f"Step: {int(optimizer.iterations)}, Initial Loss: {loss_value:.5f}")
optimizer.apply_gradients(zip(grads, classifier.trainable_variables))
print(f"Step: {int(optimizer.iterations)}, Loss: {loss_object(targets, classifier(features)):.5f}")


@tf.function
def train_step(inputs, targets):
    loss_value, grads = grad(classifier, inputs, targets)
    optimizer.apply_gradients(zip(grads, classifier.trainable_variables))
    epoch_loss_avg.update_state(loss_value)
    epoch_accuracy.update_state(targets, classifier(inputs, training=True))


epoch_loss_avg = tf.keras.metrics.Mean()
epoch_accuracy = tf.keras.metrics.SparseCategoricalAccuracy()
for epoch in range(6):
    epoch_loss_avg.reset_state()
    epoch_accuracy.reset_state()
    for inputs, expected in dataset:
        train_step(inputs, expected)
    print(f"Epoch {epoch:03d}: Loss: {epoch_loss_avg.result():.3f}, Accuracy: {epoch_accuracy.result():.3%}")
probabilities = tf.nn.softmax(classifier(tf.constant([[0.9, 0.3], [-0.5, -0.5]]), training=False))
print(tf.math.argmax(probabilities, axis=1), probabilities)
