"""The TensorBoard callback writes event files that can be read back."""

import struct
from pathlib import Path

import numpy as np
import pytest

from duoflow import keras
from duoflow.formats.messages import Event


def events(folder):
    """The events of the files of a folder; lengths and checksums of records are skipped."""
    found = []
    for path in sorted(Path(folder).glob("events.out.tfevents.*")):
        data, at = path.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            found.append(Event.FromString(data[at + 12 : at + 12 + length]))
            at += 16 + length
    return found


def scalars(folder):
    values = [(e.step, v) for e in events(folder) for v in e.summary.value]
    return {(v.tag, step): v.simple_value for step, v in values if not v.tag.endswith("histogram")}


def trained(folder, **options):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="d")])
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
    x = np.linspace(0, 1, 16, dtype="float32").reshape(8, 2)
    callback = keras.callbacks.TensorBoard(folder, **options)
    data = {"validation_data": (x, x[:, :1]), "batch_size": 4, "epochs": 2, "verbose": 0, "callbacks": [callback]}
    return model.fit(x, x[:, :1], **data).history


def test_metrics_of_epochs_are_written(tmp_path):
    history = trained(tmp_path)
    train, validation = scalars(tmp_path / "train"), scalars(tmp_path / "validation")
    for epoch in range(2):
        assert train["epoch_loss", epoch] == pytest.approx(history["loss"][epoch], rel=1e-6)
        assert train["epoch_learning_rate", epoch] == pytest.approx(0.1)
        assert validation["epoch_mae", epoch] == pytest.approx(history["val_mae"][epoch], rel=1e-6)


def test_batches_and_distributions_if_asked(tmp_path):
    trained(tmp_path, update_freq="batch", histogram_freq=1, write_steps_per_second=True)
    train = scalars(tmp_path / "train")
    assert {step for tag, step in train if tag == "batch_loss"} == {1, 2, 3, 4}
    assert train["epoch_steps_per_second", 1] > 0
    tags = {v.tag for e in events(tmp_path / "train") for v in e.summary.value}
    assert any("kernel" in tag and tag.endswith("histogram") for tag in tags)
    with pytest.raises(NotImplementedError, match="write_images"):
        keras.callbacks.TensorBoard(tmp_path, write_images=True)
