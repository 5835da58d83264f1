"""Record what TensorFlow computes with images, for tests/ops/test_image.py.

    <python with tensorflow> -m tests.golden.record_image        writes tests/golden/image.json

Each expression is evaluated with `tf`, `np`, `grad`, the arrays below, `v1` (tf.compat.v1.image) and `projective`
(tf.raw_ops.ImageProjectiveTransformV3) in scope; its value, or the type of the exception, is kept.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.golden.record_ops import gradient_with, plain


def arrays() -> dict[str, Any]:
    """The arrays that expressions refer to."""
    rng = np.random.default_rng(11)
    unit = np.round(rng.uniform(size=(1, 5, 4, 3)), 3).astype(np.float32)
    corner = np.round(rng.uniform(size=(9, 2)), 2)
    return {
        "X": np.round(rng.normal(size=(1, 5, 4, 2)), 3).astype(np.float32),
        "U": rng.integers(0, 256, (1, 4, 3, 3)).astype(np.uint8),
        "C": unit,
        "D": np.round(np.clip(unit + 0.1 * rng.normal(size=unit.shape), 0, 1), 3).astype(np.float32),
        "BOXES": np.concatenate([corner, corner + np.round(rng.uniform(size=(9, 2)), 2)], -1).astype(np.float32),
        "SCORES": np.round(rng.uniform(size=9), 1).astype(np.float32),
        "PER_CLASS": np.round(rng.uniform(size=(1, 9, 2)), 2).astype(np.float32),
        "T": np.array([[1.1, 0.2, -0.7, -0.1, 0.9, 0.6, 0.01, -0.02]], np.float32),
    }


METHODS = "bilinear nearest bicubic area lanczos3 lanczos5 gaussian mitchellcubic".split()
COLOURS = "adjust_brightness adjust_contrast adjust_hue adjust_saturation adjust_gamma".split()
SPACES = "rgb_to_hsv hsv_to_rgb rgb_to_yiq yiq_to_rgb rgb_to_yuv yuv_to_rgb rgb_to_grayscale".split()
SEEDED = {
    "random_brightness": "0.3", "random_contrast": "0.3, 1.2", "random_hue": "0.3", "random_saturation": "0.3, 1.5",
    "random_flip_left_right": "", "random_flip_up_down": "",
}  # fmt: skip


def expressions() -> list[str]:
    out = [
        f"tf.image.resize({x}, {size}, '{m}', antialias={a})"
        for m in METHODS
        for x, size in (("X", (3, 2)), ("X[0]", (7, 5)), ("U", (5, 2)), ("X", (1, 1)))
        for a in (False, True)
    ]
    out += [
        f"grad(lambda x: tf.image.resize(x, {s}, '{m}', antialias={a}), tf.constant(X))"
        for m in METHODS if m != "area" for s in ((3, 2), (7, 5)) for a in (False, True)
    ]  # fmt: skip
    out += [
        f"v1.resize_{m}(X, {s}, align_corners={c})"
        for m in ("bilinear", "bicubic", "nearest_neighbor")
        for s, c in (((3, 6), False), ((3, 6), True), ((1, 4), True))
    ]
    out += [f"tf.image.{f}({x}, 0.3)" for f in COLOURS for x in ("C", "U")]
    out += [f"tf.image.{f}(C)" for f in SPACES] + ["grad(lambda x: tf.image.rgb_to_hsv(x), tf.constant(C))"]
    out += [
        f"tf.image.convert_image_dtype({x}, tf.{d}, saturate={s})"
        for x in ("C - 0.2", "U", "U.astype(np.int16) * 100")
        for d in ("uint8", "int16", "float16", "float32", "uint16")
        for s in (False, True)
        if (x, d, s) != ("C - 0.2", "uint8", False) and (x, d, s) != ("C - 0.2", "uint16", False)
    ]
    out += [f"tf.image.stateless_{f}(C, {f'{a}, ' if a else ''}seed=[3, 5])" for f, a in SEEDED.items()]
    out += [f"(tf.random.set_seed(3), tf.image.{f}(C, {f'{a}, ' if a else ''}seed=5))[1]" for f, a in SEEDED.items()]
    out += [f"tf.image.rot90(X, {k})" for k in (-1, 1, 2, 3)]
    out += [
        f"tf.image.extract_patches(X, [1, {s}, 1], [1, {t}, 1], [1, {r}, 1], '{p}')"
        for s, t, r in (("2, 3", "1, 2", "1, 1"), ("2, 2", "2, 1", "2, 1"))
        for p in ("SAME", "VALID")
    ]
    out += [
        f"tf.image.extract_glimpse(X, [2, 3], [[0.2, -0.3]], centered={c}, normalized={n}, noise='zero')"
        for c in (False, True) for n in (False, True)
    ]  # fmt: skip
    out += [
        f"projective(images=tf.constant(X), transforms=tf.constant(T), output_shape=[4, 6], fill_value=0.5, "
        f"interpolation='{i}', fill_mode='{m}')"
        for i in ("NEAREST", "BILINEAR") for m in ("CONSTANT", "REFLECT", "WRAP", "NEAREST")
    ]  # fmt: skip
    crop = "tf.image.crop_and_resize({}, {}, [0, 0, 0], [2, 3], '{}', 0.5)"
    out += [crop.format("X", "BOXES[:3]", m) for m in ("bilinear", "nearest")]
    out += [f"grad(lambda x: {crop.format('x', 'BOXES[:3]', m)}, tf.constant(X))" for m in ("bilinear", "nearest")]
    out += [f"grad(lambda x: {crop.format('X', 'x', 'bilinear')}, tf.constant(BOXES[:3]))"]
    out += [
        f"tf.image.combined_non_max_suppression(BOXES.reshape(1, 9, 1, 4), PER_CLASS, 3, 7, 0.2, 0.3, {p}, {c})[{i}]"
        for p, c in ((False, True), (True, False))
        for i in range(4)
    ]
    return out + SINGLE


SINGLE = [
    "tf.image.resize(X, (20, 8), preserve_aspect_ratio=True).shape[1:3].num_elements()",
    "tf.image.resize_with_pad(X, 7, 3)", "tf.image.resize_with_pad(X[0], 3, 6, antialias=True)",
    "tf.image.resize(X, [3])", "tf.image.resize(X, [3, 3], 'other')", "tf.image.resize(X[0, 0], [3, 3])",
    "tf.image.resize(X, [-1, 3])", "tf.image.resize(X, [1.5, 3.0])",
    "tf.image.central_crop(X, 0.5)", "tf.image.central_crop(X, 0.0)",
    "tf.image.resize_with_crop_or_pad(X, 3, 6)", "tf.image.resize_with_crop_or_pad(X, 8, 2)",
    "tf.image.crop_to_bounding_box(X, 3, 3, 9, 2)", "tf.image.pad_to_bounding_box(X, 1, 1, 3, 9)",
    "tf.image.crop_to_bounding_box(X, 1, 0, 2, 3)", "tf.image.pad_to_bounding_box(X, 1, 2, 7, 6)",
    "tf.image.flip_left_right(X)", "tf.image.flip_up_down(X[0])", "tf.image.transpose(X)",
    "tf.image.per_image_standardization(C)", "tf.image.per_image_standardization(U)",
    "tf.image.grayscale_to_rgb(tf.constant(C[..., :1]))",
    "tf.image.random_hue(C, 0.7)", "tf.image.random_contrast(C, 2.0, 1.0)", "tf.image.adjust_hue(C, 3.0)",
    "tf.image.adjust_gamma(C, -1)", "tf.image.stateless_random_crop(C, [1, 4, 2, 3], [3, 5])",
    "tf.image.stateless_random_crop(C, [1, 9, 2, 3], [3, 5])",
    "tf.image.total_variation(tf.constant(C))", "tf.image.sobel_edges(tf.constant(C))",
    "tf.image.image_gradients(tf.constant(C))[0]", "tf.image.image_gradients(tf.constant(C))[1]",
    "tf.image.psnr(C, D, 1.0)", "tf.image.psnr(U, U[:, ::-1], 255)", "tf.image.ssim(C, D, 1.0, filter_size=3)",
    "tf.image.ssim(C, D, 1.0, filter_size=3, return_index_map=True)", "tf.image.ssim(C, D, 1.0)",
    "tf.image.ssim_multiscale(C, D, 1.0, power_factors=(0.3, 0.4), filter_size=2)",
    "tf.image.non_max_suppression(BOXES, SCORES, 8, 0.1)", "tf.image.non_max_suppression(BOXES, SCORES, 8, 0.5, 0.3)",
    "tf.image.non_max_suppression_with_scores(BOXES, SCORES, 8, 0.1, 0.1, 0.5)[0]",
    "tf.image.non_max_suppression_with_scores(BOXES, SCORES, 8, 0.1, 0.1, 0.5)[1]",
    "tf.image.non_max_suppression_padded(BOXES, SCORES, 8, 0.1, 0.2, True)[0]",
    "tf.image.non_max_suppression_padded(BOXES, SCORES, 8, 0.1, 0.2, True)[1]",
    "tf.image.non_max_suppression_overlaps(BOXES @ BOXES.T / 4, SCORES, 8, 0.6)",
    "tf.image.non_max_suppression(BOXES, SCORES[:5], 8)", "tf.image.non_max_suppression(BOXES, SCORES, 8, 1.5)",
    "tf.image.draw_bounding_boxes(C, BOXES[None, :3] - 0.2, [[1.0, 0.0, 0.0], [0.3, 0.4, 0.5]])",
    "tf.image.draw_bounding_boxes(C[..., :1], BOXES[None, :3] * 0.6, [[1.0, 0.0, 0.0], [0.3, 0.4, 0.5]])",
]  # fmt: skip


def main() -> None:
    import tensorflow as tf

    names = {"v1": tf.compat.v1.image, "projective": tf.raw_ops.ImageProjectiveTransformV3}
    scope = {"tf": tf, "np": np, "grad": gradient_with(tf), **names, **arrays()}
    found = {}
    for text in expressions():
        try:
            found[text] = plain(eval(text, scope))
        except Exception as error:
            found[text] = {"error": type(error).__name__}
    path = Path(__file__).with_name("image.json")
    path.write_text("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in found.items()) + "\n}\n")


if __name__ == "__main__":
    main()
