"""Layers that size and vary images, with seeds, and operations on them, and what is recorded of both.

Of layers: outputs in training, config, symbolic output. Of operations: shape, dtype and values.
"""

import json
import random

import numpy as np

IMAGES = (0.5 + 0.5 * np.sin(np.arange(2 * 7 * 6 * 3) * 0.9)).reshape(2, 7, 6, 3).astype("float32")
LAYERS = [
    "Resizing(4, 5)", "Resizing(4,4,crop_to_aspect_ratio=True)", "CenterCrop(3, 4)", "CenterCrop(9,4)",
    "RandomFlip(seed=3)", "RandomFlip('horizontal',seed=4)", "RandomRotation(0.2,seed=3)",
    "RandomRotation((0.1,0.3),fill_mode='constant',interpolation='nearest',seed=5)",
    "RandomTranslation(0.3,0.2,seed=3)", "RandomZoom(0.3,seed=3)", "RandomZoom(0.3,(0.1,0.2),seed=3)",
    "RandomContrast(0.5,(0,1),seed=3)", "RandomBrightness(0.4,(0,1),seed=3)", "Resizing(4,9,pad_to_aspect_ratio=True)",
    "RandomCrop(4,3,seed=3)", "RandomCrop(9,4,seed=3)", "RandomCrop(7,3,seed=3)",
    "RandomShear(0.3,0.2,seed=3)", "RandomShear((0.1,0.3),fill_mode='constant',fill_value=0.5,seed=5)",
    "RandomPerspective(seed=3)", "RandomPerspective(0.9,0.4,'nearest',0.3,seed=8)",
    "RandomElasticTransform(seed=3)", "RandomElasticTransform(0.9,(0.5,1),fill_mode='constant',seed=2)",
    "RandomElasticTransform(1.0,1.0,'nearest','wrap',seed=4)",
    "RandomHue(0.5,(0,1),seed=3)", "RandomHue((0.2,0.9),(0,1),seed=4)", "RandomSaturation(0.4,(0,1),seed=3)",
    "RandomSaturation((0.6,0.9),(0,1),seed=3)", "RandomColorDegeneration((0.2,0.9),(0,1),seed=3)",
    "RandomPosterization(4,(0,1),seed=3)", "RandomPosterization((3,3),(0,1),seed=3)", "RandomSharpness(0.9,(0,1),seed=3)",
    "RandomGrayscale(0.6,seed=3)", "RandomInvert(0.9,(0,1),seed=5)", "Solarization(0.3,0.4,(0,1),seed=3)",
    "Solarization((0.1,0.3),(0.4,0.9),(0,1),seed=3)", "RandomGaussianBlur(seed=3)",
    "RandomGaussianBlur(0.9,(3,5),(0.2,0.9),(0,1),seed=4)", "RandomErasing(value_range=(0,1),seed=3)",
    "RandomErasing(0.9,(0.1,0.5),0.5,(0,1),seed=6)", "RandomErasing(1.0,0.4,(0.1,0.2,0.3),(0,1),seed=6)",
    "RandomColorJitter((0,1),0.2,0.3,0.4,0.5,seed=3)", "RandomColorJitter((0,1),hue_factor=0.5,seed=3)",
    "AutoContrast((0,1))", "AutoContrast()", "Equalization((0,1))", "Equalization((0,1),32)", "Equalization()",
    "ContrastLimitedAdaptiveHistogramEqualization((0,1),4.0,(2,3))",
    "ContrastLimitedAdaptiveHistogramEqualization((0,1))", "MaxNumBoundingBoxes(4)", "MixUp(seed=3)", "MixUp(0.9,seed=4)",
    "CutMix(seed=3)", "CutMix((0.5,0.9),seed=2)", "RandAugment((0,1),seed=3)", "RandAugment((0,1),4,0.3,seed=4)",
    "RandAugment((0,1),5,(0.2,0.7),'nearest',seed=5)", "AugMix((0,1),seed=3)", "AugMix((0,1),2,4,0.5,0.7,False,seed=4)",
]  # fmt: skip
#: Layers that bounding boxes go through, and boxes of which some stand for none.
BOXED = [
    "Resizing(4, 5)", "Resizing(4,9,pad_to_aspect_ratio=True)", "CenterCrop(3, 4)", "CenterCrop(9,4)", "CenterCrop(4,9)",
    "RandomFlip('horizontal',seed=4)", "RandomFlip('vertical',seed=4)", "RandomRotation(0.2,seed=3)",
    "RandomRotation((0.1,0.3),seed=5)", "RandomTranslation(0.3,0.2,seed=3)", "RandomZoom(0.3,seed=3)",
    "RandomZoom(0.3,(0.1,0.2),seed=4)", "RandomShear(0.3,0.2,seed=3)", "RandomShear((0.1,0.3),seed=5)",
    "RandomShear(0.4,0.0,seed=3)", "RandomPerspective(seed=3)", "RandomPerspective(0.9,0.4,seed=8)",
    "RandomErasing(value_range=(0,1),seed=3)", "RandomHue(0.5,(0,1),seed=3)", "MaxNumBoundingBoxes(4)",
    "MaxNumBoundingBoxes(2)", "RandAugment((0,1),seed=3)", "RandAugment((0,1),4,0.3,seed=4)", "AugMix((0,1),seed=3)",
]  # fmt: skip
BOXES = {
    "boxes": np.array([[[1, 1, 4, 3], [0, 2, 6, 7], [-1] * 4], [[2, 0, 5, 6], [0] * 4, [5, 6, 6, 7]]], "float32"),
    "labels": np.array([[1, 2, -1], [3, -1, 4]], "int32"),
}
PLACES = np.array([[0.2, -1.3, 5.5, 6.4], [1.7, 3.2, -0.4, 5.9]], "float32")
CORNERS = np.array([[0, 0], [5, 0], [0, 6], [5, 6]], "float32")
NAMES = {
    "x": IMAGES, "photo": IMAGES[0], "plane": IMAGES[0, :, :, 0], "levels": (IMAGES[0, :, :, 1] * 100).astype("int32"),
    "places": PLACES, "corners": CORNERS, "moved": CORNERS + np.cos(np.arange(8, dtype="float32")).reshape(4, 2) / 2,
    "volumes": np.arange(2 * 4 * 6 * 4 * 2, dtype="float32").reshape(2, 4, 6, 4, 2), "np": np,
}  # fmt: skip
OPERATIONS = [
    *[f"map_coordinates(plane, places, {order}, {mode!r}, 0.5)"
      for order in (0, 1) for mode in ("constant", "nearest", "wrap", "reflect")],
    "map_coordinates(levels, places, 1, 'reflect')", "map_coordinates(plane, places.reshape(2, 2, 2), 1)",
    "map_coordinates(plane, [places[0], places[1]], 1)", "elastic_transform(x, 3.0, 1.5, seed=3)",
    "elastic_transform(photo, 3.0, 2.2, 'nearest', 'constant', 0.3, seed=9)", "elastic_transform(photo, seed=4)",
    "perspective_transform(x, corners, moved)", "perspective_transform(photo, corners, moved, 'nearest', 0.3)",
    "perspective_transform(x, np.stack([corners, moved]), np.stack([moved, corners]))",
    "extract_patches_3d(volumes, 2)", "extract_patches_3d(volumes[0], (2, 3, 2), 1, padding='same')",
    "extract_patches_3d(volumes, (1, 2, 2), 1, 2)", "extract_patches(volumes, (1, 2, 2), (1, 2, 1))",
    *[f"resize({name}, {size}, {how}=True)" for name in ("x", "photo") for size in ((4, 9), (9, 4))
      for how in ("pad_to_aspect_ratio", "crop_to_aspect_ratio")],
    "gaussian_blur(x, (3, 5), (0.7, 1.3))",
]  # fmt: skip


def record_operation(expression, keras):
    """Shape, dtype and values of one operation."""
    function, _, arguments = expression.partition("(")
    value = np.asarray(eval(f"f({arguments}", {**NAMES, "f": getattr(keras.ops.image, function)}))
    return [list(value.shape), value.dtype.name, [float(f"{v:.7g}") for v in value.astype("float64").ravel()]]


def record(expression, keras):
    """The output on the images, the config and the symbolic output of one layer."""
    keras.utils.clear_session()
    layer = eval(f"layers.{expression}", {"layers": keras.layers})
    random.seed(1)  # what AugMix chooses with
    output = np.asarray(layer(IMAGES, training=True), "float64").ravel().tolist()
    config = {k: v for k, v in json.loads(json.dumps(layer.get_config())).items() if k != "dtype"}
    symbolic = layer(keras.Input(IMAGES.shape[1:]))
    return [[float(f"{v:.7g}") for v in output], config, [list(symbolic.shape), symbolic.dtype]]


def record_boxes(expression, keras):
    """Boxes and labels after a layer."""
    layer = eval(f"layers.{expression[:-1]}, bounding_box_format='xyxy')", {"layers": keras.layers})
    random.seed(1)
    boxes = {name: values.copy() for name, values in BOXES.items()}
    out = layer({"images": IMAGES.copy(), "bounding_boxes": boxes}, training=True)["bounding_boxes"]
    return [np.round(np.asarray(out["boxes"]), 5).tolist(), np.asarray(out["labels"]).tolist()]
