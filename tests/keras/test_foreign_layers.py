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


def test_saved_models(tmp_path):
    with pytest.raises(OSError, match="SavedModel file does not exist at"):
        layers.TFSMLayer(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with pytest.raises(NotImplementedError, match="load_model"):
        layers.TFSMLayer(tmp_path)
