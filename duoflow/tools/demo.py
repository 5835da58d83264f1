"""`duoflow demo`: one computation three ways, then a network trained on handwritten digits.

Everything here is an ordinary TensorFlow program; what is peculiar to duoflow is only the report at the end.
"""

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np

import duoflow as tf
import duoflow.compat.v1 as tf1
from duoflow import keras
from duoflow.core import version
from duoflow.core.engine import executable
from duoflow.core.graph import Graph
from duoflow.passes import pipeline
from duoflow.tools.plot import curve


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    command = argparse.ArgumentParser(
        prog="duoflow demo",
        description="Compute one thing the eager, the static and the hybrid way, then train a network on digits.",
    )
    command.add_argument("--epochs", type=int, default=5, help="passes over the training data (default: %(default)s)")
    command.add_argument("--batch-size", type=int, default=32, help="examples in a step (default: %(default)s)")
    return command


def main(argv: Sequence[str]) -> int:
    """Run the demonstration; status 1 if the three ways disagree."""
    options = parser().parse_args(argv)
    print(f"duoflow {version.__version__}: a TensorFlow program on an engine written in Python\n")
    agree = show_three_ways()
    train(options.epochs, options.batch_size)
    return 0 if agree else 1


Point = tuple[np.ndarray, np.ndarray]  # a value and its gradient


def eager(x: np.ndarray, w: np.ndarray) -> Point:
    """Operations run as they are called; a tape watches."""
    weights = tf.Variable(w)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(tf.nn.relu(tf.matmul(x, weights))))
    return loss.numpy(), tape.gradient(loss, weights).numpy()


def static(x: np.ndarray, w: np.ndarray) -> Point:
    """A graph is described first and run later, in a session."""
    with tf1.Graph().as_default():
        inputs = tf1.placeholder(tf1.float32, [None, x.shape[1]])
        weights = tf1.placeholder(tf1.float32, w.shape)
        loss = tf1.reduce_mean(tf1.square(tf1.nn.relu(tf1.matmul(inputs, weights))))
        (gradient,) = tf1.gradients(loss, weights)
        with tf1.Session() as session:
            value, slope = session.run([loss, gradient], {inputs: x, weights: w})
    return value, slope


def hybrid(x: np.ndarray, w: np.ndarray) -> Point:
    """A Python function is traced once and runs as one compiled graph."""

    @tf.function
    def loss_and_gradient(x, weights):
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = tf.reduce_mean(tf.square(tf.nn.relu(tf.matmul(x, weights))))
        return loss, tape.gradient(loss, weights)

    loss, gradient = loss_and_gradient(tf.constant(x), tf.constant(w))
    return loss.numpy(), gradient.numpy()


def show_three_ways() -> bool:
    """Compute mean(relu(x w)²) and its gradient each way; returns whether they agree."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((64, 32), np.float32), rng.standard_normal((32, 8), np.float32)
    ways: list[Callable[[np.ndarray, np.ndarray], Point]] = [eager, static, hybrid]
    points = [way(x, w) for way in ways]
    print("mean(relu(x w)²) of [64, 32] x [32, 8], and its gradient")
    for way, (loss, gradient) in zip(ways, points):
        print(f"  {way.__name__:<7} loss {loss:.6f}   |gradient| {np.linalg.norm(gradient):.6f}")
    first = points[0]
    agree = all(np.allclose(a, b, rtol=1e-5, atol=1e-6) for point in points[1:] for a, b in zip(point, first))
    print("  the three ways agree\n" if agree else "  the three ways DISAGREE\n")
    return agree


class Stopwatch(keras.callbacks.Callback):
    """Seconds of each epoch."""

    def __init__(self):
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)


def train(epochs: int, batch_size: int) -> None:
    """Train 784-128-64-10 on MNIST and report."""
    (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    x_train, x_test = (x.reshape(-1, 784).astype("float32") / 255 for x in (x_train, x_test))
    model = keras.Sequential(
        [
            keras.layers.Input((784,)),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    watch, traced = Stopwatch(), []
    pipeline.watchers.append(lambda name, graph: traced.append(graph) if name == "traced" else None)
    history = model.fit(
        x_train, y_train, epochs=epochs, batch_size=batch_size, validation_split=0.2, verbose=2, callbacks=[watch]
    ).history
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    steps = -(-int(len(x_train) * 0.8) // batch_size)
    print()
    print(curve("training loss by epoch", history["loss"]))
    print(curve("validation accuracy by epoch", history["val_accuracy"]))
    print(f"\ntest accuracy {accuracy:.2%}, test loss {loss:.4f} on {len(x_test):,} digits")
    fastest = min(watch.seconds)
    print(f"an epoch is {steps} steps of {batch_size} digits: the first took {watch.seconds[0]:.2f} s with compiling,")
    print(f"the fastest {fastest:.2f} s with validation, {fastest / steps * 1e6:.0f} µs a step")
    report_kernels(max(traced, key=lambda graph: len(graph.nodes)))


def report_kernels(graph: Graph) -> None:
    """Say what the engine made of the training step: a line a kernel, the ops it computes together joined by +."""
    rows = executable(graph).kernels
    host = sum(row["where"] == "host" for row in rows)
    print(f"\nthe training step of {len(graph.nodes)} nodes runs as {len(rows)} kernels, {host} of them in Python:")
    for row in rows:
        print(f"  {row['where']}, {'all threads' if row['parallel'] else 'one thread'}: {row['name']}")
