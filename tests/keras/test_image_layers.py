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
from image_cases import (  # noqa: E402
    BOXED,
    BOXES,
    CORNERS,
    IMAGES,
    LAYERS,
    OPERATIONS,
    PLACES,
    record,
    record_boxes,
    record_operation,
)

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
    with pytest.raises(ValueError, match="bounding box format"):
        keras.layers.RandomFlip()({**data, "bounding_boxes": BOXES})
    with pytest.raises(ValueError, match="keys 'boxes' and 'labels'"):
        keras.layers.RandomFlip(bounding_box_format="xyxy")({**data, "bounding_boxes": {}})
    for kind in (keras.layers.CutMix, keras.layers.RandomElasticTransform):
        with pytest.raises(NotImplementedError, match="does not move bounding boxes"):
            kind(bounding_box_format="xyxy")({**data, "bounding_boxes": BOXES}, training=True)


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


@pytest.mark.parametrize("expression", BOXED)
def test_boxes_like_keras(expression):
    boxes, labels = record_boxes(expression, keras)
    expected = RECORDED[f"boxes of {expression}"]
    assert labels == expected[1]
    np.testing.assert_allclose(boxes, expected[0], rtol=1e-4, atol=1e-4)


SIZES = {"Resizing(4, 5)": (4, 5), "CenterCrop(9,4)": (9, 4), "RandomCrop(4,3,seed=3)": (4, 3)}


@pytest.mark.parametrize(
    "expression",
    [
        *SIZES,
        "RandomFlip(seed=3)",
        "RandomRotation(0.2,seed=3)",
        "RandomPerspective(seed=3)",
        "RandAugment((0,1),seed=3)",
    ],
)
def test_boxes_of_every_format_single_images_and_graphs(expression):
    convert = keras.utils.bounding_boxes.convert_format

    def run(kind, images, boxes, function=lambda f: f):
        layer = eval(f"layers.{expression[:-1]}, bounding_box_format={kind!r})", {"layers": keras.layers})
        given = {
            "images": images,
            "bounding_boxes": {**boxes, "boxes": np.asarray(convert(boxes["boxes"], "xyxy", kind, 7, 6))},
        }
        out = function(lambda data: layer(data, training=True))(given)["bounding_boxes"]
        size = SIZES.get(expression, (7, 6))
        return np.asarray(convert(out["boxes"], kind, "xyxy", *size)), np.asarray(out["labels"])

    expected = run("xyxy", IMAGES, BOXES)
    for kind in ("rel_yxyx", "center_xywh", "center_yxhw"):
        for got, want in zip(run(kind, IMAGES, BOXES), expected, strict=True):
            np.testing.assert_allclose(got, want, atol=1e-5)
    for got, want in zip(run("xyxy", IMAGES, BOXES, tf.function), expected, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-5)
    one = run("xyxy", IMAGES[0], {name: values[0] for name, values in BOXES.items()})
    assert one[0].shape == (3, 4) and one[1].shape == (3,)


def test_boxes_stay_around_their_pixels():
    images = np.zeros((4, 40, 50, 1), "float32")
    images[:, 12:22, 15:35] = 1
    boxes = {"boxes": np.tile(np.array([[[15, 12, 35, 22]]], "float32"), (4, 1, 1)), "labels": np.ones((4, 1), "int32")}
    for make in (
        lambda **k: keras.layers.RandomCrop(30, 36, seed=1, **k),
        lambda **k: keras.layers.RandomFlip(seed=1, **k),
        lambda **k: keras.layers.RandomTranslation(0.2, 0.2, "constant", seed=1, **k),
        lambda **k: keras.layers.RandomZoom(0.3, 0.2, "constant", seed=1, **k),
        lambda **k: keras.layers.Resizing(20, 75, **k),
        lambda **k: keras.layers.Resizing(20, 75, pad_to_aspect_ratio=True, **k),
        lambda **k: keras.layers.CenterCrop(30, 36, **k),
    ):
        out = make(bounding_box_format="xyxy")({"images": images, "bounding_boxes": boxes}, training=True)
        for image, (x1, y1, x2, y2) in zip(np.asarray(out["images"]), np.asarray(out["bounding_boxes"]["boxes"])[:, 0]):
            rows, columns = np.nonzero(image[..., 0] > 0.5)
            found = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            np.testing.assert_allclose((x1, y1, x2, y2), found, atol=1.5)


def test_boxes_of_images_that_are_mixed():
    layer = keras.layers.MixUp(seed=1, bounding_box_format="xyxy")
    flat = np.stack([np.full((4, 4, 1), value) for value in (1.0, 2.0, 3.0)]).astype("float32")
    boxes = {"boxes": np.arange(12, dtype="float32").reshape(3, 1, 4), "labels": np.array([[1], [2], [3]])}
    out = layer({"images": flat, "bounding_boxes": boxes}, training=True)
    both = np.asarray(out["bounding_boxes"]["labels"])
    assert both.shape == (3, 2) and both[:, 0].tolist() == [1, 2, 3]
    low, high, value = both.min(1), both.max(1), np.asarray(out["images"])[:, 0, 0, 0]
    assert np.all((low - 1e-5 <= value) & (value <= high + 1e-5))
    np.testing.assert_array_equal(out["bounding_boxes"]["boxes"][:, 1], boxes["boxes"][both[:, 1] - 1, 0])


def test_symbolic_boxes():
    data = {
        "images": keras.Input((7, 6, 3)),
        "bounding_boxes": {"boxes": keras.Input((5, 4)), "labels": keras.Input((5,), dtype="int32")},
    }
    for layer, count in (
        (keras.layers.RandomFlip(bounding_box_format="xyxy"), 5),
        (keras.layers.MaxNumBoundingBoxes(3, bounding_box_format="xyxy"), 3),
        (keras.layers.MixUp(bounding_box_format="xyxy"), 10),
    ):
        boxes = layer(data)["bounding_boxes"]
        assert [boxes["boxes"].shape, boxes["labels"].shape] == [(None, count, 4), (None, count)]


def test_boxes_in_data_sets():
    data = {"images": IMAGES, "bounding_boxes": BOXES, "labels": np.arange(2)}
    layer = keras.layers.RandomFlip("horizontal", seed=4, bounding_box_format="xyxy")
    batch = next(iter(tf.data.Dataset.from_tensor_slices(data).batch(2).map(layer)))
    np.testing.assert_allclose(
        batch["bounding_boxes"]["boxes"], RECORDED["boxes of RandomFlip('horizontal',seed=4)"][0]
    )


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
