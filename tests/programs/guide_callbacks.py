"""Callbacks: when they are called, stopping, checkpoints, learning rates, lambdas, logs in files."""

import csv
import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import layers

keras.utils.clear_session()
keras.utils.set_random_seed(7)
rng = np.random.RandomState(0)
x = rng.rand(64, 5).astype("float32")
y = x @ np.arange(5, dtype="float32")[:, None]


def made():
    model = keras.Sequential([keras.Input((5,)), layers.Dense(1)])
    model.compile(keras.optimizers.RMSprop(0.05), "mse", metrics=["mae"])
    return model


class Rows(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        print("begin", sorted(logs or {}))

    def on_epoch_end(self, epoch, logs=None):
        print("epoch", epoch, {k: round(float(v), 4) for k, v in sorted(logs.items())})

    def on_test_end(self, logs=None):
        print("test", sorted(logs))

    def on_predict_batch_end(self, batch, logs=None):
        print("predicted", batch, logs["outputs"].shape)


model = made()
model.fit(x, y, batch_size=32, epochs=2, verbose=0, shuffle=False, callbacks=[Rows()], validation_split=0.5)
model.evaluate(x, y, verbose=0, callbacks=[Rows()])
model.predict(x, batch_size=40, verbose=0, callbacks=[Rows()])


class Patience(keras.callbacks.Callback):
    def __init__(self, patience):
        super().__init__()
        self.patience = patience

    def on_train_begin(self, logs=None):
        self.best, self.wait = np.inf, 0

    def on_epoch_end(self, epoch, logs=None):
        if logs["loss"] < self.best - 0.5:
            self.best, self.wait, self.weights = logs["loss"], 0, self.model.get_weights()
        else:
            self.wait += 1
            if self.wait >= self.patience:
                self.model.stop_training = True
                self.model.set_weights(self.weights)
                print("stopped", epoch)


print("epochs", len(made().fit(x, y, epochs=30, verbose=0, shuffle=False, callbacks=[Patience(2)]).epoch))
with tempfile.TemporaryDirectory() as folder:
    folder = Path(folder)
    model = made()
    model.fit(
        x, y, epochs=4, verbose=0, shuffle=False,
        callbacks=[
            keras.callbacks.ModelCheckpoint(folder / "{epoch:02d}.keras", monitor="loss", save_best_only=True),
            keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5),
            keras.callbacks.CSVLogger(folder / "log.csv"),
            keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: print("lambda", epoch)),
            keras.callbacks.TerminateOnNaN(),
        ],
    )  # fmt: skip
    print("files", sorted(p.name for p in folder.iterdir()), f"{float(model.optimizer.learning_rate):.6f}")
    with open(folder / "log.csv") as file:
        print("csv", [[cell[:6] for cell in row] for row in csv.reader(file)])
    again = keras.models.load_model(folder / "04.keras")
    print(
        "same", np.allclose(again.predict(x, verbose=0), model.predict(x, verbose=0)), int(again.optimizer.iterations)
    )
    backup = keras.callbacks.BackupAndRestore(folder / "backup")
    history = made().fit(x, y, epochs=2, verbose=0, shuffle=False, callbacks=[backup])
    print("backup", len(history.epoch), (folder / "backup").exists())
