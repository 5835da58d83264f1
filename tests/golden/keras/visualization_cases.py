"""What keras.visualization is compared on: expressions in `visualization` and the arrays here."""

import numpy as np

_ramp = np.broadcast_to(np.arange(48)[:, None] * 5, (2, 40, 48, 3)) + np.array([0, 9])[:, None, None, None]
SPACE = {
    "images": _ramp.astype("uint8"),
    "shares": (_ramp / 255).astype("float32"),
    "boxes": {
        "boxes": np.array([[[5, 30, 30, 38], [10, 10, 20, 20]], [[2, 20, 44, 30], [0, 0, 9, 9]]], "float32"),
        "labels": np.array([[1, -1], [2, 1]]),
        "confidences": np.array([[0.5, 0.5], [0.25, 1.0]]),
    },
    "relative": {"boxes": np.array([[[0.1, 0.1, 0.5, 0.5]]] * 2, "float32"), "labels": np.ones((2, 1), "int32")},
    "masks": np.broadcast_to(np.arange(40)[:, None, None] // 10, (2, 40, 48, 1)),
}
BOXES = [
    "visualization.draw_bounding_boxes(images, boxes, 'xyxy')",
    "visualization.draw_bounding_boxes(shares, boxes, 'xyxy', color=(255, 0, 0), line_thickness=1)",
    "visualization.draw_bounding_boxes(images.astype('float32'), relative, 'rel_yxyx')",
    "visualization.draw_bounding_boxes(images, boxes, 'xywh', {1: 'cat', 2: 'dog'}, font_scale=0.4)",
]
MASKS = [
    "visualization.draw_segmentation_masks(images, masks)",
    "visualization.draw_segmentation_masks(images, masks.astype('uint8'), 4)",
    "visualization.draw_segmentation_masks(shares * 255, masks, 4, alpha=0.3, ignore_index=0)",
    "visualization.draw_segmentation_masks(images, masks, 2, {0: (1, 2, 3), 1: (4, 5, 6)})",
    "visualization.draw_segmentation_masks(images, masks, 4, blend=False)",
]
