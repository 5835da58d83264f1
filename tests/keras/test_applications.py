"""Applications: the architectures, weights layouts and outputs that Keras has (tests/golden/record_applications.py).

All of them are built and run in the slow tests, one of each family in the others.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras
from tests.golden.record_applications import ARCHITECTURES, MODES, calls, facts, preprocessed

RECORDED: dict[str, Any] = json.loads((Path(__file__).parents[1] / "golden" / "applications.json").read_text())
applications = keras.applications

#: The quickest with each way of building blocks.
QUICK = "MobileNet MobileNetV2 MobileNetV3Small ResNet50V2 EfficientNetB0 DenseNet121".split()


@pytest.fixture(autouse=True)
def fresh():
    keras.utils.clear_session()


def _cases() -> list[Any]:
    out = []
    for name in ARCHITECTURES:
        for i, arguments in enumerate(calls(name)):
            slow = [] if name in QUICK and arguments.get("include_top", True) else [pytest.mark.slow]
            out.append(pytest.param(name, i, id=f"{name}-{i}", marks=slow))
    return out


@pytest.mark.parametrize("name, number", _cases())
def test_as_in_keras(name: str, number: int) -> None:
    """Parameters, layers and weights in order, and the output for the same weights."""
    recorded = RECORDED[name][number]
    found = facts(keras, name, calls(name)[number])
    for key in ("name", "parameters", "layers", "digest"):
        assert found[key] == recorded[key], key
    if "output" in recorded:
        wanted = recorded["output"]
        np.testing.assert_allclose(found["output"], wanted, rtol=1e-5, atol=2e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_preprocessing(mode: str, data_format: str) -> None:
    recorded = RECORDED["preprocess_input"][f"{mode} {data_format}"]
    np.testing.assert_allclose(preprocessed(keras, mode, data_format).reshape(-1)[::5], recorded, rtol=1e-6)
    x = (np.arange(54).reshape(2, 3, 3, 3) * 4.5).astype(np.float32)
    utils = applications.imagenet_utils
    tensor = utils.preprocess_input(tf.constant(x), data_format=data_format, mode=mode)
    np.testing.assert_allclose(np.asarray(tensor).reshape(-1)[::5], recorded, rtol=1e-5, atol=1e-5)
    symbolic = utils.preprocess_input(keras.Input((3, 3, 3)), data_format=data_format, mode=mode)
    assert symbolic.shape == (None, 3, 3, 3)


def test_preprocessing_of_each_family():
    x = np.full((1, 1, 1, 3), 255.0, np.float32)
    modes = {
        "caffe": "resnet resnet50 vgg16 vgg19",
        "tf": "inception_v3 inception_resnet_v2 mobilenet mobilenet_v2 nasnet resnet_v2 xception",
        "torch": "densenet",
        None: "convnext efficientnet efficientnet_v2 mobilenet_v3",
    }
    for mode, names in modes.items():
        wanted = x if mode is None else applications.imagenet_utils.preprocess_input(x.copy(), mode=mode)
        for name in names.split():
            np.testing.assert_array_equal(getattr(applications, name).preprocess_input(x.copy()), wanted)
            assert getattr(applications, name).decode_predictions is applications.imagenet_utils.decode_predictions
    with pytest.raises(ValueError, match="Expected mode"):
        applications.imagenet_utils.preprocess_input(x, mode="other")
    with pytest.raises(ValueError, match="Expected data_format"):
        applications.vgg16.preprocess_input(x, data_format="other")


def test_decoding_predictions(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    index = {str(i): [f"n{i:08d}", f"thing{i}"] for i in range(1000)}
    utils = applications.imagenet_utils
    monkeypatch.setattr(utils, "_class_index", lambda: index)
    scores = np.zeros((2, 1000), np.float32)
    scores[0, [5, 7]], scores[1, 999] = (0.25, 0.75), 1.0
    assert utils.decode_predictions(scores, top=2)[0] == [("n00000007", "thing7", 0.75), ("n00000005", "thing5", 0.25)]
    assert utils.decode_predictions(tf.constant(scores), top=1)[1] == [("n00000999", "thing999", 1.0)]
    with pytest.raises(ValueError, match="expects a batch of predictions"):
        utils.decode_predictions(scores[:, :10])


@pytest.mark.parametrize("arguments, message", [
    ({"weights": "nowhere.h5"}, "`weights` argument should be either"),
    ({"weights": "imagenet", "classes": 10}, "`classes` should be 1000"),
    ({"weights": "imagenet", "classifier_activation": "relu"}, "Only `None` and `softmax`"),
    ({"weights": "imagenet", "input_shape": (64, 64, 3)}, r"`input_shape` should be \(224, 224, 3\)"),
    ({"weights": "imagenet", "include_top": False, "input_shape": (64, 64, 1)}, "must have 3 channels"),
    ({"weights": None, "input_shape": (16, 64, 3)}, "at least 32x32"),
    ({"weights": None, "input_shape": (64, 64)}, "tuple of three integers"),
    ({"weights": None, "input_shape": (None, None, 3)}, "static `input_shape`"),
])  # fmt: skip
def test_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        applications.ResNet50(**arguments)


def test_other_arguments_that_do_not_fit():
    with pytest.raises(ValueError, match="alpha can be one of"):
        applications.MobileNetV2(alpha=0.4)
    with pytest.raises(ValueError, match="depth multiplier must be 1"):
        applications.MobileNet(depth_multiplier=2)
    with pytest.raises(ValueError, match="at least 32x32"):
        applications.MobileNetV3Small(weights=None, input_shape=(16, 16, 3))
    with pytest.raises(ValueError, match="must be static"):
        applications.NASNetMobile(include_top=False, input_shape=(None, None, 3))


def test_signatures():
    """The usual arguments in the usual order, with the name as the default of `name`."""
    usual = "include_top weights input_tensor input_shape pooling classes classifier_activation name".split()
    for name in ("VGG16", "ResNet50V2", "DenseNet169", "EfficientNetB3", "InceptionV3", "Xception"):
        function = getattr(applications, name)
        parameters = inspect.signature(function).parameters
        assert list(parameters) == usual
        assert parameters["name"].default == name.lower().replace("inceptionv3", "inception_v3")
        assert function.__name__ == name and function.__doc__.startswith(name)


def test_sizes_left_open_and_a_tensor_to_start_from():
    features = applications.MobileNetV2(weights=None, include_top=False, alpha=0.35)
    assert features.input_shape == (None, None, None, 3) and features.output_shape == (None, None, None, 1280)
    assert features(np.zeros((1, 64, 96, 3), np.float32)).shape == (1, 2, 3, 1280)
    start = keras.Input((32, 32, 3))
    scaled = keras.layers.Rescaling(2.0)(start)
    model = applications.MobileNetV2(weights=None, input_tensor=scaled, alpha=0.35, include_top=False, pooling="avg")
    assert model.inputs[0] is start and model.output_shape == (None, 1280)
    with pytest.raises(ValueError, match="width in input_shape must equal"):
        applications.MobileNetV2(weights=None, input_tensor=scaled, input_shape=(64, 64, 3))


def test_published_weights_are_fetched_checked_and_loaded(tmp_path, monkeypatch):
    """The right file for each model; a file of these names fills the layers."""
    asked: list[tuple[Any, ...]] = []
    source = applications.MobileNetV2(weights=None, include_top=False, alpha=0.35, input_shape=(96, 96, 3))
    with pytest.warns(UserWarning, match="considered legacy"):
        source.save(tmp_path / "w.h5")

    def fake(name, origin, cache_subdir, file_hash):
        asked.append((name, origin, cache_subdir, file_hash))
        return str(tmp_path / "w.h5")

    monkeypatch.setattr(applications.common, "get_file", fake)
    model = applications.MobileNetV2(include_top=False, alpha=0.35, input_shape=(96, 96, 3))
    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_no_top.h5"
    folder = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"
    assert asked == [(name, folder + name, "models", None)]
    for a, b in zip(source.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name, top, origin, digest", [
    ("ResNet50", False, "resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5", "4d473c1d"),
    ("EfficientNetB0", True, "efficientnetb0.h5", "902e53a9"),
    ("EfficientNetV2B0", False, "efficientnet_v2/efficientnetv2-b0_notop.h5", "893217f2"),
    ("ConvNeXtTiny", True, "convnext/convnext_tiny.h5", "8ae6e78c"),
    ("NASNetMobile", True, "nasnet/NASNet-mobile.h5", "020fb642"),
    ("MobileNetV3Large", False, "mobilenet_v3/weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5", "07fb09a5"),
    ("MobileNet", True, "mobilenet/mobilenet_1_0_224_tf.h5", None),
])  # fmt: skip
def test_where_published_weights_are(name, top, origin, digest, monkeypatch):
    class Asked(Exception):
        pass

    def fake(file, url, cache_subdir, file_hash):
        raise Asked(url, file_hash)

    monkeypatch.setattr(applications.common, "get_file", fake)
    # The models are large and their weights random: only what would be fetched matters here.
    empty = SimpleNamespace(load_weights=None)
    monkeypatch.setattr(applications.common, "Functional", lambda *args, **kwargs: empty)
    shape = {} if top or name.startswith("NASNet") else {"input_shape": (224, 224, 3)}
    with pytest.raises(Asked) as caught:
        getattr(applications, name)(include_top=top, **shape)
    url, found = caught.value.args
    folder = "" if name == "EfficientNetB0" else "tensorflow/"
    assert url == f"https://storage.googleapis.com/{folder}keras-applications/{origin}"
    assert (found[:8] if found else None) == digest


def test_a_model_of_layers_of_its_own_is_saved_and_loaded(tmp_path):
    """ConvNeXt's and Inception-ResNet's own layers come back without registration."""
    x = keras.Input((8,))
    scale = applications.convnext.LayerScale(0.5, 8)(x)
    both = applications.inception_resnet_v2.CustomScaleLayer(0.25)([x, scale])
    model = keras.Model(x, applications.convnext.StochasticDepth(0.3)(both))
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    data = np.arange(8, dtype=np.float32)[None]
    np.testing.assert_allclose(again(data), data + data * 0.5 * 0.25, rtol=1e-6)
    dropped = applications.convnext.StochasticDepth(0.5)(np.ones((200, 1), np.float32), training=True)
    assert set(np.unique(np.asarray(dropped))) == {0.0, 2.0}


def test_digests_tell_models_apart():
    """What the comparison with Keras rests on."""
    digests = {recorded["digest"] for name in ARCHITECTURES for recorded in RECORDED[name]}
    assert len(digests) == sum(len(RECORDED[name]) for name in ARCHITECTURES)
    assert hashlib.sha256(b"").hexdigest()[:16] not in digests
