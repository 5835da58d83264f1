"""Quantization and low-rank adaptation against Keras: functions, layers in every mode, training, files."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "keras"
sys.path.insert(0, str(GOLDEN))
from quantized_cases import (  # noqa: E402
    CASES,
    CONVOLUTIONS,
    FILES,
    FUNCTIONS,
    TOKENS,
    TRAININGS,
    adapt,
    convolved,
    facts,
    file_model,
    layer_of,
    model,
    plain,
    trained,
    wave,
)  # fmt: skip

RECORDED = json.loads((GOLDEN / "quantized.json").read_text())
quantizers, layers = keras.quantizers, keras.layers


@pytest.fixture(autouse=True)
def fresh():
    keras.utils.clear_session(free_memory=False)


def assert_like(ours, recorded, rtol=1e-5):
    """The same structure, names and integers; floats up to rounding, that of the largest of an array for all."""
    if isinstance(recorded, dict):
        assert set(ours) == set(recorded)
        for key, value in recorded.items():
            assert_like(ours[key], value, rtol)
    elif isinstance(recorded, list) and recorded and all(isinstance(x, float) for x in recorded[1:]):
        assert len(ours) == len(recorded) and type(ours[0]) is type(recorded[0])
        if isinstance(recorded[0], str):  # a dtype, and what an array of it holds
            assert ours[0] == recorded[0]
            ours, recorded = ours[1:], recorded[1:]
        values = np.array(recorded)
        np.testing.assert_allclose(ours, values, rtol, rtol * np.abs(values).max(initial=1e-3))
    elif isinstance(recorded, list):
        assert len(ours) == len(recorded)
        for a, b in zip(ours, recorded, strict=True):
            assert_like(a, b, rtol)
    else:
        assert ours == recorded


@pytest.mark.parametrize("text", FUNCTIONS)
def test_functions(text):
    assert_like(plain(eval(text, {"q": quantizers, "np": np, "w": wave(7, 5)})), RECORDED["functions"][text])


@pytest.mark.parametrize("case", CASES)
def test_layers(case):
    assert_like(facts(keras, case), RECORDED["layers"][case], rtol=2e-5)


@pytest.mark.parametrize("text", CONVOLUTIONS)
def test_adapted_convolutions(text):
    assert_like(convolved(keras, text), RECORDED["convolutions"][text])


@pytest.mark.parametrize("name", TRAININGS)
def test_training(name):
    assert_like(trained(keras, name), RECORDED["trained"][name], rtol=5e-5)


@pytest.mark.parametrize("name", FILES)
def test_files_of_keras(name, tmp_path):
    files = np.load(GOLDEN / "quantized.npz")
    path = tmp_path / "m.keras"
    path.write_bytes(files[name].tobytes())
    loaded = keras.models.load_model(path)
    np.testing.assert_allclose(loaded.predict(TOKENS, verbose=0), files[f"{name} predictions"], 1e-5, 1e-6)
    loaded.save(tmp_path / "again.keras")
    again = keras.models.load_model(tmp_path / "again.keras")
    np.testing.assert_array_equal(again.predict(TOKENS, verbose=0), loaded.predict(TOKENS, verbose=0))


def test_weights_of_a_quantized_model_load_into_one_that_is_quantized_too(tmp_path):
    first, second = file_model(keras), file_model(keras)
    first.quantize("int4")
    first.save_weights(tmp_path / "m.weights.h5")
    second.quantize("int4")
    second.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(first.predict(TOKENS, verbose=0), second.predict(TOKENS, verbose=0))


@pytest.mark.parametrize("config", ["int8", "int4 channels", "int4 inputs", "int4 blocks"])
@pytest.mark.parametrize("name", ["dense", "einsum of heads"])
def test_gradients_pass_rounded_inputs_as_if_they_were_not(name, config):
    layer, inputs = layer_of(keras, f"{name}, {config}")
    layer.activation = keras.activations.linear
    x = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(layer(x) * wave(*layer(x).shape))
    plain_layer = type(layer).from_config({**layer.get_config(), "dtype": "float32", "activation": None})
    plain_layer.build(inputs.shape)
    plain_layer.kernel.assign(layer._dequantized("kernel"))
    with tf.GradientTape() as other:
        other.watch(x)
        expected = tf.reduce_sum(plain_layer(x) * wave(*layer(x).shape))
    np.testing.assert_allclose(tape.gradient(total, x), other.gradient(expected, x), 1e-4, 1e-5)


def test_gradients_of_simulated_quantization():
    x, low, high = tf.constant(wave(3, 4) * 2), tf.constant(-0.9), tf.constant(1.3)
    with tf.GradientTape() as tape:
        tape.watch([x, low, high])
        y = tf.reduce_sum(quantizers.fake_quant_with_min_max_vars(x, low, high, 4))
    inside = (x >= -0.88) & (x <= 1.32)  # the bounds, moved so that zero is a level
    grads = tape.gradient(y, [x, low, high])
    np.testing.assert_array_equal(grads[0], tf.cast(inside, "float32"))
    assert float(grads[1]) == int(np.sum(x < -0.88)) and float(grads[2]) == int(np.sum(x > 1.32))


def test_configs_and_back():
    for config in (
        quantizers.Int8QuantizationConfig(quantizers.AbsMaxQuantizer(axis=0)), quantizers.Int4QuantizationConfig(),
        quantizers.Float8QuantizationConfig(), quantizers.GPTQConfig(None, None, weight_bits=8),
        quantizers.AWQConfig(None, None), quantizers.AbsMaxQuantizer((0, 1)),
    ):  # fmt: skip
        again = quantizers.deserialize(json.loads(json.dumps(quantizers.serialize(config))))
        assert type(again) is type(config)
        assert json.dumps(again.get_config()) == json.dumps(config.get_config())


POLICIES = {
    "int8_from_float32": {"mode": "int8", "source_name": "float32"},
    "int4/64_from_mixed_bfloat16": {"mode": "int4/64", "source_name": "mixed_bfloat16"},
    "int4_from_float32": {"mode": "int4", "source_name": "float32"},
    "float8_from_float32": {"mode": "float8", "source_name": "float32", "amax_history_length": 1024},
    "gptq/4/-1_from_float32": {"mode": "gptq/4/-1", "source_name": "float32"},
    "awq/4/32_from_float32": {"mode": "awq/4/32", "source_name": "float32"},
}


@pytest.mark.parametrize("name", POLICIES)
def test_policies(name):
    policy = keras.dtype_policies.get(name)
    assert policy.name == name and policy.get_config() == POLICIES[name]
    assert keras.dtype_policies.deserialize(keras.dtype_policies.serialize(policy)) == policy
    assert policy.quantization_mode == name.split("_")[0].split("/")[0]


def test_a_layer_may_be_made_quantized():
    layer = layers.Dense(4, dtype="int4/2_from_float32", name="d")
    layer.build((None, 5))
    assert [(w.path, w.dtype) for w in layer.weights] == [
        ("d/bias", "float32"), ("d/kernel", "int8"), ("d/kernel_scale", "float32"), ("d/kernel_zero", "int8"),
        ("d/g_idx", "float32"),
    ]  # fmt: skip
    assert layer(wave(2, 5)).shape == (2, 4)


def test_a_policy_quantizes_a_built_layer():
    layer = layers.Dense(2)
    layer(wave(2, 3))
    layer.dtype_policy = "int8_from_float32"
    assert layer.kernel.dtype == "int8"


def test_policies_by_path_are_exchanged_one_by_one():
    policies = keras.dtype_policies.DTypePolicyMap()
    net = keras.Sequential([keras.Input((3,)), layers.Dense(4, name="a", dtype=policies), layers.Dense(2, name="b")])
    net.quantize("int8", filters="a")
    assert list(policies) == [net.get_layer("a").path]
    assert policies[net.get_layer("a").path].quantization_mode == "int8"


@pytest.mark.parametrize(
    ("filters", "quantized"),
    [("^a$", "a"), (["^e$", "^b$"], "eb"), (lambda layer: layer.name == "b", "b"), (None, "eab")],
)
def test_filters(filters, quantized):
    net = model(keras)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net.quantize("int8", filters=filters)
    found = [layer.name for layer in net.layers if layer.quantization_mode]
    assert found == list(quantized)
    assert any("does not have a `quantize` method" in str(w.message) for w in caught) is (filters is None)


def test_a_quantized_model_predicts_anew():
    net = model(keras)
    before = net.predict(TOKENS, verbose=0)
    net.quantize("int4")
    assert np.abs(net.predict(TOKENS, verbose=0) - before).max() > 1e-4


def test_adaptation_is_in_the_config():
    layer = layers.Dense(4, lora_rank=2, lora_alpha=8)
    layer(wave(2, 3))
    assert layer.lora_enabled and layer.lora_alpha == 8 and not layer._kernel.trainable
    again = layers.Dense.from_config(layer.get_config())
    assert (again.lora_rank, again.lora_alpha) == (2, 8)


def test_loading_ends_an_adaptation():
    layer = layers.Dense(4)
    layer(wave(2, 3))
    adapt(layer)
    store = {}
    layer.save_own_variables(store)
    expected = layer(wave(2, 3))
    layer.load_own_variables({key: np.asarray(value) for key, value in store.items()})
    np.testing.assert_allclose(layer(wave(2, 3)), expected, 1e-5)
    assert not np.any(layer.lora_kernel_a) and not np.any(layer.lora_kernel_b)


class Scaled(layers.Dense):
    """A layer that may do something else with its kernel."""


def _built(layer=None, shape=(2, 3)):
    layer = layer or layers.Dense(2)
    layer(wave(*shape))
    return layer


def _twice(call):
    layer = _built()
    call(layer)
    call(layer)


_int4 = quantizers.Int4QuantizationConfig
_calibrated = quantizers.GPTQConfig(None, None)

MISTAKES = {
    "isn't yet built": lambda: layers.Dense(2).quantize("int8"),
    "already quantized": lambda: _twice(lambda layer: layer.quantize("int8")),
    "Invalid quantization mode": lambda: _built().quantize("int7"),
    "either `mode` or `config`": lambda: _built().quantize(),
    "Contradictory": lambda: _built().quantize("int8", config=_int4()),
    "must be an instance of": lambda: _built().quantize(config=3),
    "pass a `GPTQConfig`": lambda: _built().quantize("gptq"),
    "doesn't work well": lambda: _built(layers.Dense(2, dtype="float16")).quantize("int8"),
    "incompatible with": lambda: _built(layers.Dense(2, kernel_constraint="non_neg")).enable_lora(2),
    "layer that isn't yet built": lambda: layers.Dense(2).enable_lora(2),
    "lora is already enabled": lambda: _twice(lambda layer: layer.enable_lora(2)),
    "it looks at data": lambda: setattr(_built(), "dtype_policy", "gptq/4/8_from_float32"),
    "`mode`, `source_name`": lambda: keras.dtype_policies.get("int8"),
    "Invalid block_size": lambda: keras.dtype_policies.get("int4/0_from_float32"),
    "Invalid weight_bits": lambda: keras.dtype_policies.get("gptq/5/1_from_float32"),
    "must be integers": lambda: keras.dtype_policies.get("awq/4/x_from_float32"),
    "block_size must be": lambda: _int4(block_size=0),
    "does not support custom quantizers": lambda: _int4(quantizers.AbsMaxQuantizer()),
    "value_range=\\(-8, 7\\)": lambda: _int4(quantizers.AbsMaxQuantizer(), block_size=-1),
    "within the interval": lambda: quantizers.AbsMaxQuantizer(value_range=(-200, 3)),
    "num_samples": lambda: quantizers.GPTQConfig(None, None, num_samples=0),
    "hessian_damping": lambda: quantizers.GPTQConfig(None, None, hessian_damping=2),
    "only supports 4-bit": lambda: quantizers.AWQConfig(None, None, weight_bits=8),
    "to be 'int8' or 'uint8'": lambda: quantizers.unpack_int4(wave(2, 2), 2, dtype="int16"),
    "quantizer identifier": lambda: quantizers.get("nope"),
}
OF_OTHER_KINDS = {
    "Conv1D does not have a `quantize`": lambda: _built(layers.Conv1D(2, 1), (2, 3, 4)).quantize("int8"),
    "Scaled does not have a `quantize`": lambda: _built(Scaled(2)).quantize("int8"),
    "Expected one of": lambda: layer_of(keras, "embedding, None, adapted")[0].quantize("float8"),
    "Calibration": lambda: model(keras).quantize(config=_calibrated),
    "`_int8_call`": lambda: layers.ReLU(dtype="int8_from_float32")(wave(2, 3)),
}


@pytest.mark.parametrize("message", MISTAKES)
def test_mistakes(message):
    with pytest.raises(ValueError, match=message):
        MISTAKES[message]()


@pytest.mark.parametrize("message", OF_OTHER_KINDS)
def test_what_there_is_not(message):
    with pytest.raises(NotImplementedError, match=message):
        OF_OTHER_KINDS[message]()


def test_bytes_are_packed_of_integers():
    with pytest.raises(TypeError, match="Expected int8 tensor for packing, got float32"):
        quantizers.pack_int4(wave(2, 2))
