"""What progress looks like outside a terminal, and how often it is looked at."""

import io
import re
import sys

import numpy as np
import pytest

from duoflow import keras

X, Y = np.zeros((20, 2), "float32"), np.zeros((20, 1), "float32")


def model():
    net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
    net.compile("sgd", "mse", metrics=["mae"])
    return net


def timeless(text):
    return re.sub(r"\d+(s|ms|us)\b", "T", text)


@pytest.mark.parametrize("verbose, line", [(1, "2/2 ━━━━━━━━━━━━━━━━━━━━ T T/step"), (2, "2/2 - T - T/step")])
def test_lines_of_fit(capsys, verbose, line):
    model().fit(X, Y, batch_size=10, epochs=2, verbose=verbose)
    values = " - loss: 0.0000e+00 - mae: 0.0000e+00\n"
    assert timeless(capsys.readouterr().out) == f"Epoch 1/2\n{line}{values}Epoch 2/2\n{line}{values}"


def test_lines_of_evaluate_and_predict(capsys):
    net = model()
    net.evaluate(X + 1, Y, batch_size=5)
    net.predict(X, batch_size=5)
    bar = "4/4 ━━━━━━━━━━━━━━━━━━━━ T T/step"
    assert timeless(capsys.readouterr().out) == f"{bar} - loss: 4.0000 - mae: 2.0000\n{bar}\n"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_pipes_of_few_characters(monkeypatch, encoding):
    pipe = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe, encoding=encoding))
    model().fit(X, Y, batch_size=10)
    assert timeless(pipe.getvalue().decode()).startswith("2/2 ==================== T T/step - loss")


def test_a_narrow_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys, "stdout", Terminal())
    bar = keras.utils.Progbar(3, interval=0)
    for step in range(1, 4):
        bar.update(step, [("a_metric_with_a_long_name", 1.0), ("another_one", 2.0)])
    *drawn, last = sys.stdout.getvalue().split("\r")[1:]
    assert all(len(line.rstrip()) <= 39 for line in drawn) and "another_one: 2.0000" in last


def test_silence(capsys):
    model().fit(X, Y, verbose=0, validation_data=(X, Y))
    assert capsys.readouterr().out == ""


def test_validation_adds_to_the_line_of_its_epoch(capsys):
    model().fit(X, Y, verbose=2, validation_data=(X, Y))
    assert "val_loss: 0.0000e+00" in capsys.readouterr().out


def test_averages_and_values_as_they_come(capsys):
    bar = keras.utils.Progbar(3, stateful_metrics=["last"])
    for step, value in enumerate((1.0, 2.0, 6.0)):
        bar.update(step + 1, [("mean", value), ("last", value)], finalize=False)
    bar.update(3, finalize=True)
    assert "mean: 3.0000 - last: 6.0000" in capsys.readouterr().out


def test_the_bar_looks_a_few_times_a_second():
    looks = []

    class Counting(keras.callbacks.ProgbarLogger):
        def on_train_batch_end(self, batch, logs=None):
            looks.append(batch)

    model().fit(
        np.zeros((400, 2), "float32"), np.zeros((400, 1), "float32"), batch_size=1, callbacks=[Counting()], verbose=0
    )
    assert 1 <= len(looks) < 400
