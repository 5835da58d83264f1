"""Every layer against Keras: config, weights, symbolic shape, output, and the round trips through config and file."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "keras"
sys.path.insert(0, str(GOLDEN))
from layer_cases import CASES, called, filled, inputs_of  # noqa: E402

RECORDED = json.loads((GOLDEN / "layers.json").read_text())


@pytest.fixture(params=list(CASES))
def name(request):
    keras.utils.clear_session()
    return request.param


def made(case):
    return eval(case["layer"], {"layers": keras.layers})


def single(inputs):
    return inputs[0] if len(inputs) == 1 else inputs


def built(case):
    """The layer, built symbolically with Keras' test weights, its inputs and its symbolic output."""
    layer, inputs = made(case), inputs_of(case)
    symbolic = [keras.Input(batch_shape=(None, *x.shape[1:]), dtype=x.dtype.name) for x in inputs]
    out = called(layer, case, symbolic)
    layer.set_weights([filled(w.shape, i) for i, w in enumerate(layer.weights)])
    return layer, inputs, out


def leaves(x):
    return [leaf for item in x for leaf in leaves(item)] if isinstance(x, list | tuple) else [x]


def test_like_keras(name):
    case, expected = CASES[name], RECORDED[name]
    layer, inputs, symbolic = built(case)
    assert json.loads(json.dumps(layer.get_config())) == expected["config"]
    assert [[w.path, list(w.shape), w.dtype, w.trainable] for w in layer.weights] == expected["weights"]
    assert [[list(x.shape), x.dtype] for x in leaves(symbolic)] == expected["symbolic"]
    outputs = leaves(called(layer, case, [tf.constant(x) for x in inputs]))
    for out, shape, values in zip(outputs, expected["shapes"], expected["outputs"], strict=True):
        assert list(out.shape) == shape
        np.testing.assert_allclose(out.numpy().reshape(-1), np.array(values, "float32"), rtol=2e-5, atol=2e-6)
    for weight, values in zip(layer.get_weights(), expected["after"] or [], strict=False):
        np.testing.assert_allclose(weight.reshape(-1), np.array(values, "float32"), rtol=2e-5, atol=2e-6)


def test_round_trips(name, tmp_path):
    case = CASES[name]
    layer, inputs, _ = built(case)
    copy = keras.layers.deserialize(json.loads(json.dumps(keras.layers.serialize(layer))))
    assert json.dumps(copy.get_config()) == json.dumps(layer.get_config())
    starts = [keras.Input(batch_shape=(None, *x.shape[1:]), dtype=x.dtype.name) for x in inputs]
    model = keras.Model(single(starts), called(layer, {**case, "call": {}}, starts))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for a, b in zip(leaves(model(single(inputs))), leaves(again(single(inputs))), strict=True):
        np.testing.assert_array_equal(a, b)
