"""Images: resizing, sampling, crops and colours. What is always float32 has its gradients recorded instead."""

import numpy as np

from duoflow import ops as F
from duoflow.core.emit import emit_one
from duoflow.core.record import OPS
from tests.ops.harness import Case, ints, positive, real

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
_UNIT = positive(2, 5, 6, 3, low=0.05, high=0.95)
_OTHER = positive(2, 5, 6, 3, low=0.05, high=0.95, seed=1)
_SEED = [3, 5]
_SCORES = positive(12)
_SOME = np.concatenate([positive(12, 2), positive(12, 2) + 0.7], -1)
_COLORS = ("adjust_hue", "adjust_saturation", "adjust_contrast", "adjust_brightness", "adjust_gamma")


CASES = [
    *(Case(getattr(F, f), _UNIT, needs="rank")
      for f in ("rgb_to_hsv", "hsv_to_rgb", "rgb_to_yiq", "yiq_to_rgb", "rgb_to_yuv", "yuv_to_rgb", "total_variation",
                "image_gradients", "sobel_edges")),
    *(Case(getattr(F, f), _UNIT, 0.2, grad=(), needs="rank") for f in _COLORS),
    *(Case(getattr(F, f), _BYTES, 0.2, needs="rank", id=f"{f}-bytes") for f in _COLORS),
    *(Case(f, x, grad=(), needs="rank")
      for x in (_UNIT, _BYTES) for f in (F.rgb_to_grayscale, F.per_image_standardization)),
    Case(F.grayscale_to_rgb, _UNIT[..., :1], needs="rank"),
    *(Case(F.convert_image_dtype, x, d, saturate=True, grad=(), id=f"convert_image_dtype-{x.dtype}-{d}")
      for x in (_UNIT, _BYTES) for d in ("float16", "int16", "uint8")),
    Case(F.psnr, _UNIT, _OTHER, 1.0, grad=(), needs="rank"),
    Case(F.ssim, _UNIT, _OTHER, 1.0, filter_size=4, grad=(), rtol=1e-4, needs="shape"),
    Case(F.ssim_multiscale, _UNIT, _OTHER, 1.0, (0.4, 0.6), filter_size=2, grad=(), rtol=1e-4, needs="shape"),
    *(Case(f, _UNIT, seed=_SEED, needs="rank")
      for f in (F.stateless_random_flip_left_right, F.stateless_random_flip_up_down)),
    Case(F.stateless_random_crop, _UNIT, [2, 3, 4, 3], _SEED),
    Case(F.non_max_suppression_with_scores, _SOME, _SCORES, 5, 0.3, 0.5, grad=()),
    Case(F.non_max_suppression_with_scores, _SOME, _SCORES, 5, 0.3, 0.5, 0.4, grad=(), id="soft-non_max_suppression"),
    Case(F.non_max_suppression_padded, _SOME, _SCORES, 9, 0.3, 0.5, True, grad=(), needs="rank"),
    Case(F.non_max_suppression_overlaps, np.abs(real(12, 12)), _SCORES, 5, 0.3, grad=()),
    Case(F.combined_non_max_suppression, _SOME.reshape(2, 6, 1, 4), positive(2, 6, 2), 3, 4, 0.3, 0.5, grad=()),
    Case(F.draw_bounding_boxes, _UNIT, _SOME.reshape(2, 6, 4) - 0.4, [[1.0, 0.0, 0.0], [0.2, 0.3, 0.4]], grad=()),
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
    *(Case(F.extract_patches, _X, [1, 2, 3, 1], [1, 2, 1, 1], [1, 2, 1, 1], p, id=f"patches-{p}")
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
