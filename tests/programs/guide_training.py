"""Training and evaluation with the built-in methods: own losses and metrics, weights, validation, schedules."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

keras.utils.clear_session()
keras.utils.set_random_seed(4)
rng = np.random.RandomState(0)
x = rng.rand(200, 12).astype("float32")
y = (x.sum(1) * 2).astype("int32") % 4


def made():
    inputs = keras.Input(shape=(12,), name="digits")
    h = layers.Dense(16, activation="relu", name="dense_1", kernel_regularizer="l2")(inputs)
    return keras.Model(inputs, layers.Dense(4, activation="softmax", name="predictions")(h))


@keras.saving.register_keras_serializable(package="guide", name="Squares")
class Squares(keras.losses.Loss):
    def __init__(self, factor=0.1, name="squares"):
        super().__init__(name=name)
        self.factor = factor

    def call(self, y_true, y_pred):
        labels = ops.one_hot(ops.cast(y_true, "int32"), 4)
        return ops.mean(ops.square(labels - y_pred), axis=-1) + self.factor * ops.mean(
            ops.square(0.5 - y_pred), axis=-1
        )


class Positives(keras.metrics.Metric):
    def __init__(self, name="positives", **kwargs):
        super().__init__(name=name, **kwargs)
        self.count = self.add_variable(shape=(), name="count", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        hit = ops.equal(ops.cast(y_true, "int32"), ops.cast(ops.argmax(y_pred, axis=1), "int32"))
        self.count.assign_add(ops.sum(ops.cast(hit, "float32")))

    def result(self):
        return self.count + 0.0

    def reset_state(self):
        self.count.assign(0)


def show(title, logs):
    print(title, {name: [round(float(v), 4) for v in np.ravel(values)] for name, values in sorted(logs.items())})


model = made()
model.compile(
    keras.optimizers.RMSprop(1e-3),
    keras.losses.SparseCategoricalCrossentropy(),
    metrics=["sparse_categorical_accuracy"],
)
show(
    "fit",
    model.fit(
        x[:160], y[:160], batch_size=32, epochs=2, validation_data=(x[160:], y[160:]), shuffle=False, verbose=0
    ).history,
)
show("evaluate", model.evaluate(x[160:], y[160:], verbose=0, return_dict=True))
print("predict", model.predict(x[:3], verbose=0).shape)

model = made()
model.compile("adam", Squares(0.2), metrics=[Positives()])
show("own", model.fit(x, y, batch_size=50, epochs=2, shuffle=False, verbose=0, validation_split=0.25).history)

model = made()
model.compile("adam", "sparse_categorical_crossentropy", weighted_metrics=["accuracy"], metrics=["accuracy"])
weights = np.where(y == 2, 3.0, 1.0)
show(
    "class weight",
    model.fit(x, y, class_weight={0: 1.0, 1: 1.0, 2: 3.0, 3: 1.0}, batch_size=64, shuffle=False, verbose=0).history,
)
show("sample weight", model.fit(x, y, sample_weight=weights, batch_size=64, shuffle=False, verbose=0).history)

model = made()
dataset = tf.data.Dataset.from_tensor_slices((x, y, weights)).batch(40)
schedule = keras.optimizers.schedules.ExponentialDecay(0.05, decay_steps=3, decay_rate=0.5, staircase=True)
model.compile(keras.optimizers.SGD(schedule), "sparse_categorical_crossentropy", steps_per_execution=2)
show(
    "dataset",
    model.fit(
        dataset.repeat(), steps_per_epoch=4, epochs=2, verbose=0, validation_data=dataset, validation_steps=2
    ).history,
)
print("rate", f"{float(ops.convert_to_numpy(model.optimizer.learning_rate)):.6f}")


class Batches(keras.utils.PyDataset):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return x[index * 50 : (index + 1) * 50], y[index * 50 : (index + 1) * 50]


show("sequence", model.fit(Batches(), epochs=1, verbose=0, shuffle=False).history)
show(
    "generator",
    model.fit(((x[i : i + 20], y[i : i + 20]) for i in range(0, 100, 20)), steps_per_epoch=5, verbose=0).history,
)
