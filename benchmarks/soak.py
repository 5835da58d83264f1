"""`python -m benchmarks.soak`: hours of mixed work in one process, watching what the process holds.

Rounds of everything that makes and drops things: new functions and their graphs, models trained and forgotten,
pipelines, sessions, variables, exceptions, calls from several threads at once. After each round objects, memory,
compiled code, threads and open files are noted (`vitals.py`); they may wander, but must not climb. The exit status is
1 if one does, or if a thread stays behind.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

import duoflow as tf
from benchmarks.vitals import Record, Verdict
from duoflow import keras

#: Rounds before the first is noted, the fewest that are, and how often one is shown.
WARM_UP, FEWEST, SHOWN = 5, 12, 20


def functions(rng: np.random.Generator) -> None:
    """Functions of a new body and new shapes, with loops and gradients."""
    for _ in range(3):
        factor, size = float(rng.normal()), int(rng.integers(2, 40))
        weights = tf.Variable(rng.normal(size=(size, size)).astype(np.float32))

        @tf.function
        def step(x: tf.Tensor, weights=weights, factor=factor) -> tf.Tensor:  # type: ignore[no-untyped-def]
            with tf.GradientTape() as tape:
                total = tf.zeros([])
                for i in tf.range(5):
                    x = tf.tanh(tf.matmul(x, weights) * factor)
                    total += tf.reduce_sum(x) * tf.cast(i, tf.float32)
            weights.assign_sub(0.01 * tape.gradient(total, weights))
            return total

        for rows in (1, 7, 16):
            step(tf.constant(rng.normal(size=(rows, size)).astype(np.float32)))


def models(rng: np.random.Generator) -> None:
    """A dense, a convolutional and a recurrent network, trained a little and dropped."""
    images, labels = rng.random((64, 12, 12, 1), np.float32), rng.integers(0, 4, 64)
    for layers in (
        [keras.layers.Flatten(), keras.layers.Dense(16, "relu"), keras.layers.Dropout(0.2)],
        [keras.layers.Conv2D(6, 3, activation="relu"), keras.layers.MaxPooling2D(), keras.layers.Flatten()],
        [keras.layers.Reshape((12, 12)), keras.layers.LSTM(8)],
    ):
        model = keras.Sequential([keras.Input((12, 12, 1)), *layers, keras.layers.Dense(4, "softmax")])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(images, labels, batch_size=16, verbose=0)
        model.predict(images[:5], verbose=0)
    keras.backend.clear_session()


def pipelines(rng: np.random.Generator) -> None:
    """A pipeline with a function of its own."""
    shift = float(rng.normal())
    data = tf.data.Dataset.range(500).map(lambda i: tf.cast(i, tf.float32) + shift)
    for batch in data.shuffle(100).batch(32).prefetch(2):
        batch.numpy()


def sessions(rng: np.random.Generator) -> None:
    """A static graph, run and dropped."""
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [None, 8])
        w = v1.get_variable("w", [8, 3])
        loss = tf.reduce_mean(tf.square(tf.matmul(x, w)))
        train = v1.train.GradientDescentOptimizer(0.1).minimize(loss)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            for rows in (4, 9):
                session.run([train, loss], {x: rng.normal(size=(rows, 8))})


def mistakes(rng: np.random.Generator) -> None:
    """Errors, whose tracebacks hold frames and arrays until they are let go."""
    for make in (lambda: tf.matmul(tf.ones([2, 3]), tf.ones([2, 3])), lambda: tf.gather(tf.ones([3]), [5])):
        try:
            make()
        except (ValueError, tf.errors.InvalidArgumentError):
            continue
        raise AssertionError("an error was expected")


_shared = tf.function(lambda x: tf.reduce_sum(tf.nn.softmax(tf.matmul(x, x, transpose_b=True))))


def at_once(rng: np.random.Generator) -> None:
    """One function called from four threads."""
    x = tf.constant(rng.normal(size=(64, 32)).astype(np.float32))
    threads = [threading.Thread(target=lambda: [_shared(x) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


WORK: dict[str, Callable[[np.random.Generator], None]] = {
    work.__name__: work for work in (functions, models, pipelines, sessions, mistakes, at_once)
}


def soak(minutes: float, seed: int, works: Sequence[str] = tuple(WORK)) -> bool:
    """Run rounds of some works for so long and report; whether everything stayed."""
    rng, end = np.random.default_rng(seed), time.monotonic() + 60 * minutes

    def play() -> None:
        for work in works:
            WORK[work](rng)

    for _ in range(WARM_UP):
        play()
    record, before = Record(), {thread.name for thread in threading.enumerate()}
    while time.monotonic() < end or len(record) < FEWEST:
        play()
        record.note()
        if len(record) % SHOWN == 0:
            print(f"round {len(record)}: {record.latest()}", flush=True)
    stayed = sorted({thread.name for thread in threading.enumerate()} - before)
    found = record.verdicts()
    print(report(found, len(record)))
    print(f"Threads that stayed behind: {', '.join(stayed) or 'none'}.")
    climbing = [verdict.vital.name for verdict in found if verdict.climbs]
    print(f"{'FAILED: ' + ', '.join(climbing) + ' climbed' if climbing else 'Nothing climbed'}.")
    return not climbing and not stayed


def report(found: Sequence[Verdict], rounds: int) -> str:
    """A table of what became of each vital."""
    rows = [f"{rounds} rounds{'after the first':>26}{'after the last':>17}{'rise in the later half':>25}"]
    for verdict in found:
        judged = f"climbs, {verdict.each:.3g} a round" if verdict.climbs else "stays"
        rows.append(
            f"{verdict.vital.name:16}{verdict.first:>17.1f}{verdict.last:>17.1f}{verdict.rise:>+17.1f}"
            f" {verdict.vital.unit.split()[0]:7} {judged}"
        )
    return "\n".join(rows)


def main() -> int:
    """The command; returns the exit status."""
    command = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=(__doc__ or "").partition("\n")[0])
    command.add_argument("--minutes", type=float, default=60.0)
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--works", nargs="+", choices=list(WORK), default=list(WORK), metavar="WORK",
                         help=f"only these: {', '.join(WORK)}")  # fmt: skip
    options = command.parse_args()
    return 0 if soak(options.minutes, options.seed, options.works) else 1


if __name__ == "__main__":
    raise SystemExit(main())
