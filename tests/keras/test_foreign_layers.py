"""Layers of other libraries: refused with the error types that Keras has for a missing library or file."""

import importlib.util

import pytest

from duoflow.keras import layers

LAYERS = [
    (lambda: layers.JaxLayer(lambda params, x: x, params=[1]), "jax"),
    (lambda: layers.FlaxLayer(object()), "flax"),
    (lambda: layers.TorchModuleWrapper(object()), "torch"),
]


@pytest.mark.parametrize(("make", "library"), LAYERS)
@pytest.mark.parametrize("installed", [False, True])
def test_refused(make, library, installed, monkeypatch):
    found = importlib.util.find_spec("json") if installed else None
    monkeypatch.setattr("duoflow.keras.layers.foreign.find_spec", lambda name: found)
    with pytest.raises(NotImplementedError if installed else ImportError, match=f"{library}.*keras.layers.Layer"):
        make()
