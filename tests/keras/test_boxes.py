"""What keras.utils.bounding_boxes refuses; its values are compared with Keras in test_expressions.py."""

import numpy as np
import pytest

from duoflow import keras
from duoflow.keras.utils import bounding_boxes

BOXES = np.array([[1.0, 2.0, 5.0, 7.0]], "float32")


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: bounding_boxes.convert_format(BOXES[:, :3], "xyxy", "xywh"), ValueError, "last dimension of 4"),
        (lambda: bounding_boxes.convert_format(BOXES, "xyxy", "xyz"), ValueError, "Supported formats"),
        (lambda: bounding_boxes.convert_format(BOXES, "xyxy", "rel_xyxy"), ValueError, "`height` and `width`"),
        (lambda: bounding_boxes.clip_to_image_size({"boxes": BOXES}), ValueError, "`height` and `width`"),
        (lambda: bounding_boxes.crop(BOXES, 1, 1, 2, 2, "xywh"), NotImplementedError, "convert_format"),
        (lambda: bounding_boxes.pad(BOXES, 1, 1, bounding_box_format="xywh"), NotImplementedError, "convert_format"),
        (lambda: bounding_boxes.compute_iou(BOXES[0], BOXES, "xyxy"), ValueError, "2 or 3 dimensions"),
        (lambda: bounding_boxes.compute_iou(BOXES, BOXES, "rel_xyxy"), ValueError, "image_shape"),
        (lambda: bounding_boxes.compute_ciou(BOXES, BOXES, "rel_xyxy"), ValueError, "image_shape"),
        (
            lambda: bounding_boxes.encode_box_to_deltas(BOXES, BOXES, "xyxy", "xyxy", variance=[1.0]),
            ValueError,
            "length 4",
        ),
        (lambda: bounding_boxes.decode_deltas_to_boxes(BOXES, BOXES, "xyxy", "xyxy", "xyxy"), ValueError, "xyxy"),
    ],
)
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_decoding_undoes_encoding():
    anchors, boxes = BOXES + np.float32(2), np.stack([BOXES, BOXES + 1])
    options = {"variance": [0.1, 0.1, 0.2, 0.2]}
    deltas = keras.utils.bounding_boxes.encode_box_to_deltas(anchors, boxes, "xyxy", "xyxy", **options)
    again = bounding_boxes.decode_deltas_to_boxes(anchors, deltas, "xyxy", "xyxy", **options)
    np.testing.assert_allclose(again, boxes, rtol=1e-5)
