"""Images: values recorded from TensorFlow (tests/golden/record_image.py), and files to and from Pillow."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import duoflow as tf
from duoflow import ops as F
from duoflow.core import dtypes
from tests.golden.record_image import arrays
from tests.golden.record_ops import gradient_with

RECORDED: dict[str, Any] = json.loads((Path(__file__).parents[1] / "golden" / "image.json").read_text())
SCOPE = {"tf": tf, "np": np, "grad": gradient_with(tf), "v1": F, "projective": F.image_projective_transform, **arrays()}


@pytest.mark.parametrize("expression", RECORDED)
def test_as_recorded(expression: str) -> None:
    record = RECORDED[expression]
    if "error" in record:
        with pytest.raises(Exception) as caught:
            eval(expression, SCOPE)
        assert caught.type.__name__ == record["error"]
        return
    value = eval(expression, SCOPE)
    if "value" in record:
        assert value == record["value"]
        return
    dtype = dtypes.as_dtype(record["dtype"])
    expected = np.array(record["data"], dtype.numpy).reshape(record["shape"])
    assert value.dtype is dtype
    assert value.shape == expected.shape
    if not dtype.is_floating:
        np.testing.assert_array_equal(value.numpy(), expected)
        return
    scale = max(float(np.abs(expected).max(initial=0)), 1.0)
    eps = float(np.finfo(expected.dtype).eps)
    np.testing.assert_allclose(value.numpy(), expected, rtol=64 * eps, atol=32 * eps * scale)


def test_area_resizing_can_be_differentiated():
    """TensorFlow has no gradient here; ours is the average's: every pixel counts by what it covers."""
    x = tf.constant(np.ones((1, 4, 4, 1), np.float32))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.image.resize(x, [2, 2], "area")
    np.testing.assert_allclose(tape.gradient(y, x), np.full((1, 4, 4, 1), 0.25))


@pytest.mark.parametrize("adjust", [tf.image.adjust_contrast, tf.function(tf.image.adjust_contrast)])
def test_contrast_has_no_gradient(adjust: Any) -> None:
    """As in TensorFlow, whose guide on gradients shows what asking for one that is not registered says."""
    image = tf.Variable([[[0.5, 0.0, 0.0]]])
    with pytest.raises(LookupError, match="AdjustContrastv2"), tf.GradientTape() as tape:
        tape.gradient(adjust(image, 0.1), image)


def test_resizing_compiles_to_gathers():
    """A function with known sizes runs resizing in the compiled program, and gives what eager mode gives."""
    x = tf.constant(arrays()["X"])

    @tf.function
    def halve(x):
        return tf.image.resize(x, [3, 2])

    np.testing.assert_allclose(halve(x), tf.image.resize(x, [3, 2]), rtol=1e-6)


# -- files -------------------------------------------------------------------------------------------------------------

_ROW, _COLUMN = np.mgrid[:40, :48]
GRADIENT = np.stack([_ROW * 5, _COLUMN * 4, (_ROW + _COLUMN) * 2], -1).astype(np.uint8)


@pytest.fixture
def pillow():
    return pytest.importorskip("PIL.Image")


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("decode", [tf.image.decode_png, tf.image.decode_image])
def test_png_keeps_pixels(pillow, channels, decode):
    image = np.random.default_rng(channels).integers(0, 256, (5, 7, channels)).astype(np.uint8)
    np.testing.assert_array_equal(decode(tf.image.encode_png(image)), image)


def test_png_of_16_bits(pillow):
    image = np.random.default_rng(0).integers(0, 2**16, (5, 7, 1)).astype(np.uint16)
    data = tf.image.encode_png(image)
    np.testing.assert_array_equal(tf.image.decode_png(data, dtype=tf.uint16), image)
    np.testing.assert_array_equal(tf.image.decode_png(data), image >> 8)
    as_floats = tf.image.decode_image(data, dtype=tf.float32)
    np.testing.assert_allclose(as_floats, image / 65535, rtol=1e-6)


def test_png_of_several_images(pillow):
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3)).astype(np.uint8)
    written = tf.image.encode_png(images)
    assert written.shape == (2,)
    np.testing.assert_array_equal(tf.image.decode_png(written[1]), images[1])


@pytest.mark.parametrize("quality, most", [(95, 12), (30, 60)])
def test_jpeg_keeps_pixels_nearly(pillow, quality, most):
    data = tf.image.encode_jpeg(GRADIENT, quality=quality)
    assert bool(tf.image.is_jpeg(data))
    assert tf.image.extract_jpeg_shape(data).numpy().tolist() == [40, 48, 3]
    read = tf.image.decode_jpeg(data).numpy().astype(int)
    assert np.abs(read - GRADIENT).max() <= most
    part = tf.image.decode_and_crop_jpeg(data, [3, 4, 10, 12])
    np.testing.assert_array_equal(part, read[3:13, 4:16])
    assert tf.image.decode_jpeg(data, ratio=4).shape == (10, 12, 3)
    assert tf.image.decode_jpeg(data, channels=1).shape == (40, 48, 1)


def test_jpeg_quality(pillow):
    """A lower quality loses more, whether the image holds bytes or floats."""
    losses = [np.abs(tf.image.adjust_jpeg_quality(GRADIENT, q).numpy().astype(int) - GRADIENT).sum() for q in (10, 90)]
    assert losses[0] > losses[1]
    floats = GRADIENT.astype(np.float32) / 255
    assert np.abs(tf.image.adjust_jpeg_quality(floats, 90).numpy() - floats).max() < 0.1
    assert tf.image.stateless_random_jpeg_quality(floats, 40, 60, [1, 2]).dtype == tf.float32
    with pytest.raises(ValueError, match="between 0 and 100"):
        tf.image.random_jpeg_quality(floats, 50, 101)


def _written(pillow: Any, format: str, frames: int = 1, **options: Any) -> bytes:
    images = [pillow.fromarray(np.roll(GRADIENT, 5 * i, 0)) for i in range(frames)]
    buffer = io.BytesIO()
    more = {"save_all": True, "append_images": images[1:]} if frames > 1 else {}
    images[0].save(buffer, format, **more, **options)
    return buffer.getvalue()


def test_other_formats(pillow):
    bmp, webp = _written(pillow, "BMP"), _written(pillow, "WEBP", lossless=True)
    np.testing.assert_array_equal(tf.image.decode_bmp(bmp), GRADIENT)
    np.testing.assert_array_equal(tf.image.decode_image(bmp), GRADIENT)
    np.testing.assert_array_equal(tf.image.decode_webp(webp)[0], GRADIENT)
    moving = _written(pillow, "GIF", frames=3)
    assert tf.image.decode_gif(moving).shape == (3, 40, 48, 3)
    assert tf.image.decode_image(moving).shape == (3, 40, 48, 3)
    assert tf.image.decode_image(moving, expand_animations=False).shape == (40, 48, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match="3 frames"):
        tf.image.decode_png(moving)


@pytest.mark.parametrize("data", [b"", b"no image at all", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"\xff\xd8\xff\xe0"])
def test_what_is_no_image_is_refused(pillow, data):
    with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid PNG or JPEG"):
        tf.image.decode_image(data)


def test_every_cut_of_a_file_is_refused(pillow):
    data = tf.image.encode_png(GRADIENT[:8, :8]).numpy()
    for length in range(0, len(data) - 20, 7):  # the end holds no pixels
        with pytest.raises(tf.errors.InvalidArgumentError):
            tf.image.decode_png(data[:length])


def test_files_in_a_traced_function(pillow):
    @tf.function
    def read(data):
        image = tf.image.decode_jpeg(data, channels=3)
        assert image.shape.as_list() == [None, None, 3]
        return tf.image.resize(image, [8, 8])

    assert read(tf.image.encode_jpeg(GRADIENT)).shape == (8, 8, 3)
