"""Layers that size and vary images: Keras' pixels for a seed, alone, in batches, in graphs, beside masks."""

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
from image_cases import IMAGES, LAYERS, record  # noqa: E402

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
