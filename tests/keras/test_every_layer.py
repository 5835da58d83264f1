"""Every layer against Keras: config, weights, shapes, outputs, gradients, a training step, dtypes, round trips."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras
from duoflow.core import nest

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "keras"
sys.path.insert(0, str(GOLDEN))
from layer_cases import (  # noqa: E402
    CASES,
    adapted,
    called,
    differentiable,
    filled,
    inputs_of,
    masks_of,
    shadow,
    symbolic_inputs,
    trainable,
)

RECORDED = json.loads((GOLDEN / "layers.json").read_text())
MASKS = json.loads((GOLDEN / "masks.json").read_text())


@pytest.fixture(autouse=True)
def fresh():
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(7)


def over(condition):
    """A test over the cases that a condition holds for."""
    return pytest.mark.parametrize("name", [name for name, case in CASES.items() if condition(case)])


def made(case):
    return adapted(eval(case["layer"], {"layers": keras.layers}), case)


def built(case):
    """The layer with Keras' test weights, and its symbolic output."""
    layer = made(case)
    symbolic = called(layer, case, symbolic_inputs(case, keras))
    if "adapt" not in case:
        layer.set_weights([filled(w.shape, i).astype(w.dtype) for i, w in enumerate(layer.weights)])
    return layer, symbolic


def model_of(case):
    layer, _ = built(case)
    starts = symbolic_inputs(case, keras)
    return layer, keras.Model(starts, called(layer, case, starts))


def without_builds(config):
    """A config without the shapes that inner layers were built with, which some layers do not keep here."""
    if isinstance(config, dict):
        return {key: without_builds(value) for key, value in config.items() if key != "build_config"}
    return [without_builds(item) for item in config] if isinstance(config, list) else config


def tensors(case):
    return [tf.constant(x) for x in inputs_of(case)]


def assert_like(ours, recorded, rtol=1e-5, atol=1e-6):
    """The same strings, or numbers up to rounding, that of the largest for all."""
    ours = np.asarray(ours)
    if ours.dtype.kind in "OSU":
        assert [v.decode() if isinstance(v, bytes) else v for v in ours.reshape(-1).tolist()] == recorded
    else:
        recorded = np.array(recorded, "float32")
        atol *= max(1.0, np.abs(recorded[np.isfinite(recorded)]).max(initial=0))
        np.testing.assert_allclose(ours.reshape(-1).astype("float32"), recorded, rtol, atol)


@over(lambda case: True)
def test_like_keras(name):
    case, expected = CASES[name], RECORDED[name]
    layer, symbolic = built(case)
    if not case.get("unsaved"):
        assert without_builds(json.loads(json.dumps(layer.get_config()))) == without_builds(expected["config"])
    assert [[w.path, list(w.shape), w.dtype, w.trainable] for w in layer.weights] == expected["weights"]
    inverted = "StringLookup" in name and "invert=True" in name
    dtypes = {"int64": "string"} if inverted else {}  # Keras calls these strings int64
    assert [[list(x.shape), x.dtype] for x in nest.flatten(symbolic)] == [
        [shape, dtypes.get(dtype, dtype)] for shape, dtype in expected["symbolic"]
    ]
    assert layer.supports_masking == expected["masking"]
    outputs = nest.flatten(called(layer, case, tensors(case)))
    for out, shape, values in zip(outputs, expected["shapes"], expected["outputs"], strict=True):
        assert list(out.shape) == shape
        assert_like(out.numpy(), values)
    for weight, values in zip(layer.get_weights(), expected["after"] or [], strict=False):
        assert_like(weight, values)


@over(differentiable)
def test_gradients(name):
    case = CASES[name]
    layer, _ = built(case)
    inputs = tensors(case)
    sources = [x for x in inputs if x.dtype.is_floating] + [w.value for w in layer.trainable_weights]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        outputs = [o for o in nest.flatten(called(layer, case, inputs)) if o.dtype.is_floating]
        total = sum(tf.reduce_sum(o * filled(o.shape, 20 + i)) for i, o in enumerate(outputs))
    found = tape.gradient(total, [x for x in inputs if x.dtype.is_floating] + layer.trainable_weights)
    recorded = RECORDED[name]["gradients"]
    # Some are zero but for rounding (that of a key's bias is), and Keras' own are noise: as small beside the others.
    largest = max((length for length, _ in filter(None, recorded)), default=0.0)
    for i, (gradient, expected) in enumerate(zip(found, recorded, strict=True)):
        if expected is None:
            assert gradient is None
        else:
            length, product = shadow(tf.convert_to_tensor(gradient), i)
            np.testing.assert_allclose([length, product], expected, rtol=1e-5, atol=1e-6 * max(1.0, largest))


@over(trainable)
def test_a_training_step(name):
    case, (loss, *weights) = CASES[name], RECORDED[name]["trained"]
    layer, model = model_of(case)
    targets = [np.zeros(o.shape, "float32") for o in nest.flatten(model(inputs_of(case)))]
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss=["mse"] * len(targets))
    found = model.train_on_batch(inputs_of(case), targets)
    np.testing.assert_allclose(np.ravel(found)[0], loss, rtol=1e-5)
    for i, (weight, expected) in enumerate(zip(layer.get_weights(), weights, strict=True)):
        np.testing.assert_allclose(shadow(weight, i), expected, rtol=1e-5, atol=1e-6 * max(1.0, expected[0]))


@over(lambda case: not case.get("unsaved"))
def test_config_and_back(name):
    layer, _ = built(CASES[name])
    copy = keras.layers.deserialize(json.loads(json.dumps(keras.layers.serialize(layer))))
    configs = [x.get_config() for x in (copy, layer)]
    if "adapt" in CASES[name]:  # what was learned is in files, not in configs
        configs = [{k: v for k, v in config.items() if k != "vocabulary_size"} for config in configs]
    assert json.dumps(configs[0]) == json.dumps(configs[1])


@over(lambda case: "cell" not in case and not case.get("unsaved"))
def test_saving(name, tmp_path):
    case = CASES[name]
    _, model = model_of({**case, "call": {}})
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for a, b in zip(nest.flatten(model(tensors(case))), nest.flatten(again(tensors(case))), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float64"])
@over(lambda case: differentiable(case) and "cell" not in case)
def test_policies(name, policy):
    """Outputs are of the compute dtype, float weights of the variable dtype, and numbers are near those of float32."""
    case = CASES[name]
    if "Spectrogram" in name and policy == "mixed_bfloat16":
        pytest.skip("quiet sounds differ by more than bfloat16 tells apart")
    plain = nest.flatten(called(built(case)[0], case, tensors(case)))
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(7)
    keras.config.set_dtype_policy(policy)
    try:
        layer, _ = built(case)
        outputs = nest.flatten(called(layer, case, tensors(case)))
    finally:
        keras.config.set_dtype_policy("float32")
    compute, variable = ("bfloat16", "float32") if policy == "mixed_bfloat16" else ("float64", "float64")
    assert {w.dtype for w in layer.weights if w.dtype.startswith(("float", "bfloat"))} <= {variable}
    for out, expected in zip(outputs, plain, strict=True):
        if expected.dtype.is_floating:
            assert out.dtype.name == compute
        if not getattr(layer, "seed_generator", None):
            near = np.abs(out.numpy().astype("float64") - expected.numpy())
            assert near.max(initial=0) <= 0.08 * max(1.0, np.abs(expected.numpy()).max(initial=0))


@over(lambda case: masks_of(case) is not None)
def test_masks(name):
    """Masks that are handed on, and outputs that masks change."""
    case, expected = CASES[name], MASKS[name]
    layer, _ = built(case)
    inputs = tensors(case)
    for x, mask in zip(inputs, masks_of(case), strict=True):
        x._keras_mask = tf.constant(mask)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some layers drop masks, and say so
        if isinstance(expected, str):
            assert expected == "ValueError"
            with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
                called(layer, case, inputs)
            return
        outputs = nest.flatten(called(layer, case, inputs))
    for out, mask, values in zip(outputs, expected["masks"], expected["outputs"], strict=True):
        found = getattr(out, "_keras_mask", None)
        assert (None if found is None else found.numpy().astype(int).tolist()) == mask
        assert_like(out.numpy(), values)
