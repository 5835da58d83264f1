"""A history draws itself: which metrics, with what beside them, and what is said when it cannot."""

import sys

import numpy as np
import pytest

from duoflow import keras


class Axes:
    """Records what is drawn, as matplotlib's axes are called."""

    def __init__(self):
        self.lines, self.settings, self.has_legend = {}, {}, False

    def plot(self, x, y, marker, label):
        self.lines[label] = (list(x), list(y))

    def set(self, **settings):
        self.settings = settings

    def legend(self):
        self.has_legend = True


@pytest.fixture(scope="module")
def history():
    x = np.linspace(0, 1, 8, dtype="float32")[:, None]
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model.fit(x, x, epochs=3, validation_data=(x, x), verbose=0)


def test_every_metric_has_axes_with_its_validation(history):
    axes = [Axes(), Axes()]
    assert history.plot(axes=axes) == axes
    assert [a.settings for a in axes] == [{"title": name, "xlabel": "epoch"} for name in ("loss", "mae")]
    for axis, name in zip(axes, ("loss", "mae"), strict=True):
        assert axis.has_legend
        assert axis.lines == {
            "training": ([0, 1, 2], history.history[name]), "validation": ([0, 1, 2], history.history[f"val_{name}"]),
        }  # fmt: skip


def test_chosen_metrics(history):
    (axis,) = history.plot("val_mae", axes=[Axes()])
    assert list(axis.lines) == ["training"] and not axis.has_legend
    with pytest.raises(ValueError, match="no record of"):
        history.plot("accuracy", axes=[Axes()])
    with pytest.raises(ValueError, match="one axes for each"):
        history.plot("mae", axes=[Axes(), Axes()])


def test_epochs_are_those_of_the_values():
    x = np.ones((4, 1), "float32")
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    options = {"initial_epoch": 2, "epochs": 6, "validation_freq": 2, "verbose": 0}
    (axis,) = model.fit(x, x, validation_data=(x, x), **options).plot(axes=[Axes()])
    assert [line[0] for line in axis.lines.values()] == [[2, 3, 4, 5], [3, 5]]


def test_what_is_no_number_is_not_drawn():
    kept = keras.callbacks.History()
    kept.history = {"loss": [1.0], "each_class": [np.ones(3)], "val_only": [2.0]}
    axes = kept.plot(axes=[Axes(), Axes()])
    assert [a.settings["title"] for a in axes] == ["loss", "val_only"]
    with pytest.raises(ValueError, match="any metric"):
        keras.callbacks.History().plot()


def test_without_matplotlib_the_extra_is_named(history, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"duoflow\[viz\]"):
        history.plot()


def test_matplotlib_draws(history, tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    axes = history.plot()
    assert [len(axis.lines) for axis in axes] == [2, 2]
    axes[0].figure.savefig(tmp_path / "history.png")
    assert (tmp_path / "history.png").stat().st_size > 1000
