"""What notebooks show for models."""

import re

import pytest

from duoflow import keras

layers = keras.layers


def rows(model):
    """The rows of texts of the shown table."""
    return [re.findall(r"<t[dh]>(.*?)</t[dh]>", row) for row in re.findall(r"<tr>(.*?)</tr>", model._repr_html_())]


def test_a_chain_shows_layers_shapes_and_sizes():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="d")], name="net")
    assert rows(model) == [["Layer (type)", "Output Shape", "Param #"], ["d (Dense)", "(None, 2)", "8"]]
    shown = model._repr_html_()
    assert "<b>Model: &quot;net&quot;</b>" in shown and "Total params: 8 (32.00 B)" in shown


def test_a_graph_shows_connections():
    x = keras.Input((3,), name="x")
    model = keras.Model(x, layers.Add(name="sum")([x, layers.Dense(3, name="d")(x)]))
    assert [row[-1] for row in rows(model)] == ["Connected to", "-", "x[0][0]", "x[0][0], d[0][0]"]


class Written(keras.Model):
    """A model that is not built before its first call."""

    def __init__(self):
        super().__init__(name="<i>")
        self.d = layers.Dense(2, name="d")

    def call(self, x):
        return self.d(x)


@pytest.mark.parametrize("model", [Written(), keras.Sequential([layers.Dense(2, name="d")], name="<i>")])
def test_unbuilt_models_are_shown_and_names_escaped(model):
    assert rows(model)[1] == ["d (Dense)", "?", "0 (unbuilt)"]
    assert "&lt;i&gt;" in model._repr_html_() and "<i>" not in model._repr_html_()
