"""Layers that size and vary images, with seeds, and what is recorded of them: outputs in training, config, symbolic output."""

import json

import numpy as np

IMAGES = (0.5 + 0.5 * np.sin(np.arange(2 * 7 * 6 * 3) * 0.9)).reshape(2, 7, 6, 3).astype("float32")
LAYERS = [
    "Resizing(4, 5)", "Resizing(4,4,crop_to_aspect_ratio=True)", "CenterCrop(3, 4)", "CenterCrop(9,4)",
    "RandomFlip(seed=3)", "RandomFlip('horizontal',seed=4)", "RandomRotation(0.2,seed=3)",
    "RandomRotation((0.1,0.3),fill_mode='constant',interpolation='nearest',seed=5)",
    "RandomTranslation(0.3,0.2,seed=3)", "RandomZoom(0.3,seed=3)", "RandomZoom(0.3,(0.1,0.2),seed=3)",
    "RandomContrast(0.5,(0,1),seed=3)", "RandomBrightness(0.4,(0,1),seed=3)",
]  # fmt: skip


def record(expression, keras):
    """The output on the images, the config and the symbolic output of one layer."""
    keras.utils.clear_session()
    layer = eval(f"layers.{expression}", {"layers": keras.layers})
    output = np.asarray(layer(IMAGES, training=True), "float64").ravel().tolist()
    config = {k: v for k, v in json.loads(json.dumps(layer.get_config())).items() if k != "dtype"}
    symbolic = layer(keras.Input(IMAGES.shape[1:]))
    return [[float(f"{v:.7g}") for v in output], config, [list(symbolic.shape), symbolic.dtype]]
