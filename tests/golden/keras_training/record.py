"""Record what Keras gives: `python -m tests.golden.keras_training.record [part ...]` where tensorflow is installed."""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from . import fit_cases, input_cases, loss_cases, metric_cases, optimizer_cases


def optimizers(tf):
    """Trajectories of optimizers, and rates of schedules."""
    return {
        "dense": {e: optimizer_cases.trajectory(tf, e) for e in optimizer_cases.OPTIMIZERS},
        "sparse": {e: optimizer_cases.sparse_trajectory(tf, e) for e in optimizer_cases.SPARSE},
        "schedules": {e: optimizer_cases.rates(tf, e) for e in optimizer_cases.SCHEDULES},
    }


def losses(tf):
    """Losses with every reduction, and of masked predictions."""
    return {
        "values": {f"{e} of {d}": loss_cases.values(tf, e, d) for e, d in loss_cases.CASES},
        "masked": {f"{r}": loss_cases.masked(tf, r) for r in ("sum_over_batch_size", "sum", "mean_with_sample_weight")},
    }


def loss_gradients(tf):
    """Gradients of losses."""
    return {f"{e} of {d}": loss_cases.gradient(tf, e, d) for e, d in loss_cases.CASES}


def metrics(tf):
    """Metrics over a few updates."""
    out = {}
    for expression, data in metric_cases.CASES:
        tf.keras.backend.clear_session()
        out[f"{expression} of {data}"] = metric_cases.values(tf, expression, data)
    return out


def fits(tf):
    """Training programs."""
    with tempfile.TemporaryDirectory() as folder:
        return {name: fit_cases.run(name, tf, Path(folder)) for name in fit_cases.PROGRAMS}


def inputs(tf):
    """Histories of training on each kind of data."""
    return {name: input_cases.history(tf.keras, case) for name, case in input_cases.cases(tf.keras, tf).items()}


PARTS = {
    part.__name__: part for part in (optimizers, losses, loss_gradients, metrics, fits, inputs)
}


def main(names):
    """Record the named parts, or all."""
    import tensorflow as tf

    for name in names or PARTS:
        path = Path(__file__).with_name(f"{name}.json")
        path.write_text(json.dumps(PARTS[name](tf), indent=None, default=lambda x: np.asarray(x).tolist()) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
