"""Images: resizing, sampling, crops and colours. What is always float32 has its gradients recorded instead."""

import numpy as np

from duoflow import ops as F
from duoflow.core.emit import emit_one
from duoflow.core.record import OPS
from tests.ops.harness import Case, ints, real

_X = real(2, 5, 6, 3)
_BYTES = ints(2, 5, 6, 3, low=0, high=256).astype(np.uint8)
_TRANSFORMS = [[1.1, 0.2, -0.7, -0.1, 0.9, 0.6, 0.01, -0.02], [0, 1, 0, 1, 0, 0, 0, 0]]
_BOXES = np.array([[0.1, 0.0, 0.8, 1.0], [0.9, 0.5, -0.2, 0.25], [0.3, 0.3, 0.3, 1.4]], np.float32)
_WHICH = np.array([1, 0, 1], np.int32)


def _back(name, *inputs, **attrs):
    """A gradient op called for itself, so that engines are compared on it."""
    return emit_one(OPS[name], inputs, attrs)


_GRID = {"align_corners": False, "half_pixel_centers": True}
_RESIZED = ("resize_bilinear", "resize_bicubic", "resize_nearest_neighbor")
_FILLS = ("CONSTANT", "REFLECT", "WRAP", "NEAREST")

CASES = [
    *(
        Case(getattr(F, f), x, size, grad=(), half_pixel_centers=half, needs="rank", id=f"{f}-{x.dtype}-{half}")
        for f in _RESIZED
        for x in (_X, _BYTES)
        for size, half in (([3, 9], True), ([11, 4], False))
    ),
    Case(F.resize_bilinear, _X, [9, 2], align_corners=True, grad=(), needs="rank", id="resize_bilinear-corners"),
    Case(F.resize_area, _X, [3, 9], grad=(), needs="rank"),
    Case(F.resize_bilinear, _X, np.array([3, 9], np.int32), grad=(), needs="rank", id="resize_bilinear-computed-size"),
    *(Case(F.resize_images, _X, [3, 9], m, antialias=True, grad=(), needs="rank", id=f"resize-{m}")
      for m in ("bilinear", "lanczos3", "gaussian", "mitchellcubic")),
    Case(F.resize_images, _X[0], [8, 8], preserve_aspect_ratio=True, grad=(), needs="rank", id="resize-aspect"),
    *(Case(_back, n, real(2, 3, 9, 3), _X, grad=(), **_GRID, id=n)
      for n in ("ResizeBilinearGrad", "ResizeBicubicGrad", "ResizeNearestNeighborGrad")),
    Case(_back, "ResizeAreaGrad", real(2, 3, 9, 3), _X, align_corners=False, grad=(), id="ResizeAreaGrad"),
    Case(_back, "ScaleAndTranslateGrad", real(2, 3, 9, 3), _X, np.array([0.6, 1.5], np.float32),
         np.array([0.0, 0.2], np.float32), kernel_type="triangle", antialias=True, grad=(), id="ScaleAndTranslateGrad"),
    Case(F.resize_with_pad, _X, 8, 4, grad=(), needs="rank"),
    Case(F.crop_to_bounding_box, _X, 1, 2, 3, 4, needs="rank"),
    Case(F.pad_to_bounding_box, _X, 1, 2, 8, 9, needs="rank"),
    *(Case(F.resize_with_crop_or_pad, _X, *s, needs="rank") for s in ((3, 9), (8, 2))),
    Case(F.central_crop, _X, 0.5, needs="rank"),
    Case(F.flip_left_right, _X, needs="rank"),
    Case(F.flip_up_down, _X[0], needs="rank"),
    Case(F.image_transpose, _X, needs="rank"),
    *(Case(F.rot90, _X, k, needs="rank") for k in (1, 2, 3)),
    *(Case(F.extract_patches, _X, [1, 2, 3, 1], [1, 2, 1, 1], [1, 2, 1, 1], p, needs="rank", id=f"patches-{p}")
      for p in ("SAME", "VALID")),
    Case(F.extract_glimpse, _X, [3, 4], [[0.2, -0.3], [0.9, 0.5]], noise="zero", grad=(0,),
         needs="rank"),
    *(Case(F.image_projective_transform, _X, _TRANSFORMS, [4, 7], 1.5, "BILINEAR", m, grad=(0,), id=f"projective-{m}")
      for m in _FILLS),
    Case(F.image_projective_transform, _X, _TRANSFORMS[:1], interpolation="nearest", grad=(0,)),
    Case(lambda g, x: _back("ImageProjectiveTransformV3Grad", g, x, F.constant(_TRANSFORMS), interpolation="BILINEAR",
                            fill_mode="REFLECT"), real(2, 4, 7, 3), _X, grad=(0,), id="projective-back"),
    Case(F.image_projective_transform, _BYTES, _TRANSFORMS, interpolation="bilinear", grad=(), id="projective-bytes"),
    *(Case(F.crop_and_resize, _X, _BOXES, _WHICH, [3, 4], m, 0.5, grad=(), id=f"crop_and_resize-{m}")
      for m in ("bilinear", "nearest")),
    Case(_back, "CropAndResizeGradImage", real(3, 3, 4, 3), _X, _BOXES, _WHICH, method="bilinear", extrapolation=0.0,
         grad=(), id="CropAndResizeGradImage"),
    Case(_back, "CropAndResizeGradBoxes", real(3, 1, 4, 3), _X, _BOXES, _WHICH, grad=(), id="CropAndResizeGradBoxes"),
]  # fmt: skip
