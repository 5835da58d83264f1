"""Layers and operations that size and vary images: Keras' pixels for a seed, in batches, in graphs, beside masks."""

import json
import random
import sys
from pathlib import Path

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "keras"
sys.path.insert(0, str(GOLDEN))
from image_cases import CORNERS, IMAGES, LAYERS, OPERATIONS, PLACES, record, record_operation  # noqa: E402

RECORDED = json.loads((GOLDEN / "images.json").read_text())
FORGOTTEN = {"RandomGrayscale": "seed", "MaxNumBoundingBoxes": "fill_value"}  # what Keras leaves out of configs


@pytest.mark.parametrize("expression", LAYERS)
def test_like_keras(expression):
    output, config, symbolic = record(expression, keras)
    config.pop(FORGOTTEN.get(expression.partition("(")[0]), None)
    assert [config, symbolic] == RECORDED[expression][1:]
    np.testing.assert_allclose(output, RECORDED[expression][0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("expression", LAYERS)
def test_single_images_graphs_and_inference(expression):
    layer = eval(f"layers.{expression}", {"layers": keras.layers})
    assert layer(IMAGES[0], training=True).shape == layer(IMAGES, training=True).shape[1:]
    again = keras.layers.deserialize(json.loads(json.dumps(keras.layers.serialize(layer))))
    random.seed(1)
    drawn = tf.function(lambda x: again(x, training=True))(tf.constant(IMAGES))
    np.testing.assert_allclose(drawn, np.reshape(RECORDED[expression][0], drawn.shape), rtol=1e-4, atol=1e-5)
    if layer.is_random:
        np.testing.assert_array_equal(layer(IMAGES, training=False), IMAGES)


def test_masks_move_with_images():
    masks = (IMAGES[..., :1] > 0.5).astype("float32")
    data = {"images": IMAGES, "segmentation_masks": masks, "labels": np.arange(2)}
    out = keras.layers.RandomFlip("horizontal", seed=4)(data, training=True)
    np.testing.assert_array_equal(out["segmentation_masks"], (out["images"].numpy()[..., :1] > 0.5).astype("float32"))
    with pytest.raises(NotImplementedError, match="ounding boxes"):
        keras.layers.RandomFlip()({**data, "bounding_boxes": {}})


@pytest.mark.parametrize("expression", OPERATIONS)
def test_operations_like_keras(expression):
    shape, dtype, values = record_operation(expression, keras)
    assert [shape, dtype] == RECORDED[expression][:2]
    np.testing.assert_allclose(values, RECORDED[expression][2], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: keras.ops.image.map_coordinates(IMAGES[0, :, :, 0], PLACES, 2), NotImplementedError),
        (lambda: keras.ops.image.map_coordinates(IMAGES, PLACES, 1), ValueError),
        (lambda: keras.ops.image.perspective_transform(IMAGES, CORNERS[:3], CORNERS), ValueError),
        (lambda: keras.ops.image.perspective_transform(IMAGES, CORNERS[None], CORNERS), ValueError),
        (lambda: keras.ops.image.elastic_transform(IMAGES, interpolation="cubic"), ValueError),
        (lambda: keras.ops.image.extract_patches_3d(np.ones((1, 4, 4, 4, 1)), (2, 2)), TypeError),
        (lambda: keras.layers.RandomHue(1.5), ValueError),
        (lambda: keras.layers.RandomShear(2.0), ValueError),
        (lambda: keras.layers.RandomPosterization(9), ValueError),
        (lambda: keras.layers.RandomGaussianBlur(kernel_size=4), ValueError),
        (lambda: keras.layers.AutoContrast(value_range=1), ValueError),
        (lambda: keras.layers.RandomErasing(fill_value=(1, 2)), ValueError),
    ],
)
def test_refused_as_by_keras(call, error):
    with pytest.raises(error):
        call()


@pytest.mark.parametrize("layer", [keras.layers.MixUp(0.9, seed=4), keras.layers.CutMix((0.5, 0.9), seed=2)])
def test_labels_are_mixed_as_the_images_are(layer):
    flat = np.stack([np.zeros((8, 8, 3)), np.ones((8, 8, 3))]).astype("float32")
    masks = flat[..., :1]
    out = layer({"images": flat, "labels": np.eye(2, dtype="float32"), "segmentation_masks": masks}, training=True)
    np.testing.assert_array_equal(out["segmentation_masks"], out["images"].numpy()[..., :1])
    np.testing.assert_allclose(np.sum(out["labels"], -1), 1, rtol=1e-6)
    np.testing.assert_allclose(out["labels"][:, 1], np.mean(out["images"], (1, 2, 3)), atol=0.15)


def test_bounding_boxes_are_cut_off_and_filled():
    layer = keras.layers.MaxNumBoundingBoxes(3, fill_value=-2, bounding_box_format="xyxy")
    for have in (2, 5):
        boxes = {"boxes": np.ones((2, have, 4), "float32"), "labels": np.ones((2, have), "int32")}
        out = layer({"images": IMAGES, "bounding_boxes": boxes})["bounding_boxes"]
        kept = np.array([1, 1, 1 if have > 2 else -2])
        np.testing.assert_array_equal(out["labels"], np.stack([kept, kept]))
        np.testing.assert_array_equal(out["boxes"], np.tile(kept[:, None], (2, 1, 4)))
    with pytest.raises(ValueError, match="bounding_box_format"):
        keras.layers.MaxNumBoundingBoxes(3)({"images": IMAGES, "bounding_boxes": boxes})


def test_channels_first_is_the_same_turned_around():
    first = np.ascontiguousarray(np.moveaxis(IMAGES, -1, 1))
    for make in (
        lambda **k: keras.layers.RandomHue(0.5, (0, 1), seed=3, **k),
        lambda **k: keras.layers.RandomSharpness(0.9, (0, 1), seed=3, **k),
        lambda **k: keras.layers.RandomCrop(4, 3, seed=3, **k),
        lambda **k: keras.layers.RandomPerspective(seed=3, **k),
        lambda **k: keras.layers.RandomElasticTransform(seed=3, **k),
        lambda **k: keras.layers.CutMix(seed=3, **k),
        lambda **k: keras.layers.Equalization((0, 1), **k),
        lambda **k: keras.layers.ContrastLimitedAdaptiveHistogramEqualization((0, 1), 4.0, (2, 3), **k),
    ):
        out = make(data_format="channels_first")(first, training=True)
        np.testing.assert_allclose(np.moveaxis(out, 1, -1), make()(IMAGES, training=True), rtol=1e-5, atol=1e-6)
