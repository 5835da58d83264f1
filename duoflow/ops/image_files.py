"""Images from and to the bytes of files. Reading and writing them is Pillow's work, an optional dependency."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.dtypes import as_dtype
from duoflow.core.emit import emit_one
from duoflow.core.errors import InvalidArgumentError, UnimplementedError
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert

from .image_color import convert_image_dtype
from .static import int_tensor

__all__ = [
    "adjust_jpeg_quality", "decode_and_crop_jpeg", "decode_bmp", "decode_gif", "decode_image", "decode_jpeg",
    "decode_png", "decode_webp", "encode_jpeg", "encode_png", "extract_jpeg_shape", "is_jpeg",
]  # fmt: skip

#: What a file of each format begins with.
_SIGNATURES = {"PNG": b"\x89PNG", "JPEG": b"\xff\xd8\xff", "GIF": b"GIF8", "BMP": b"BM", "WEBP": b"RIFF"}
#: Channels -> Pillow's mode of 8 bits a channel.
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
#: Pillow's modes with 16 bits in their one channel.
_DEEP = ("I;16", "I;16B", "I;16L", "I")


def _pillow() -> Any:
    try:
        import PIL.Image  # optional: only programs that read or write image files need it
    except ImportError:
        raise ImportError(
            "Reading and writing image files needs Pillow, which is not installed: `pip install duoflow[image]`."
        ) from None
    return PIL.Image


def _format_of(data: bytes) -> str | None:
    return next((name for name, start in _SIGNATURES.items() if data.startswith(start)), None)


@contextlib.contextmanager
def _opened(data: bytes, formats: tuple[str, ...]) -> Iterator[Any]:
    """The image in a file's bytes; `InvalidArgumentError` for what is no image of these formats, or damaged."""
    pillow = _pillow()
    try:
        with pillow.open(io.BytesIO(data), formats=formats) as image:
            yield image
    except (OSError, SyntaxError, EOFError, pillow.DecompressionBombError) as error:
        wanted, found = " or ".join(formats), _format_of(data) or "an unknown format"
        raise InvalidArgumentError(f"Invalid {wanted} data, size {len(data)} (it begins as {found}): {error}") from None


def _pixels(image: Any, channels: int, deep: bool) -> Any:
    """[height, width, channels] of the frame an image stands at, in uint8 or (`deep`) uint16."""
    if image.mode in _DEEP:
        values = np.asarray(image).astype(np.uint16)[:, :, None]
        if channels not in (0, 1):
            values = np.repeat(values, channels, -1)
            values[:, :, 3:] = 0xFFFF
        return values if deep else (values >> 8).astype(np.uint8)
    if not channels:
        transparent = "A" in image.mode or "transparency" in image.info
        channels = (1 if image.mode in ("1", "L", "LA") else 3) + transparent
    values = np.asarray(image.convert(_MODES[channels]))
    values = values.reshape(*values.shape[:2], channels)
    return values.astype(np.uint16) * 257 if deep else values


# -- reading -----------------------------------------------------------------------------------------------------------


def _decoded(data: bytes, formats: tuple[str, ...], channels: int, dtype: Any, frames: str) -> Any:
    """The pixels, `frames` "all" (in a first dimension), "first", or "one", of which there must be no more."""
    with _opened(data, formats) as image:
        deep = dtype is dtypes.uint16 or (dtype.is_floating and image.mode in _DEEP)
        count = getattr(image, "n_frames", 1)
        if frames == "one" and count > 1:
            raise InvalidArgumentError(
                f"Got {count} frames, but animations can only be decoded by tf.io.decode_gif or decode_image",
            )
        stack = []
        for number in range(count if frames == "all" else 1):
            if count > 1:
                image.seek(number)
            stack.append(_pixels(image, channels or (3 if count > 1 else 0), deep))
    pixels = np.stack(stack) if frames == "all" else stack[0]
    return (pixels / pixels.dtype.type(np.iinfo(pixels.dtype).max)).astype(np.float32) if dtype.is_floating else pixels


def _decoder(name: str, formats: tuple[str, ...], frames: Callable[[bytes, bool], str]) -> Op:
    """Record a decoder; `frames(data, expand)` says which frames it gives, as `_decoded` has them."""

    def infer(contents: Spec, *, channels: int, dtype: Any, expand: bool) -> Spec:
        if contents.dtype is not dtypes.string:
            raise TypeError(f"{name} takes a string, the content of a file; received {contents.dtype.name}")
        if contents.shape not in (None, ()):
            raise ValueError(f"{name}: contents must be a scalar, received shape {list(contents.shape or ())}")
        frame = (None, None, channels or None)
        if name == "DecodeImage" and expand:
            return Spec(None, dtype)
        return Spec((None, *frame) if name in ("DecodeGif", "DecodeWebP") else frame, dtype)

    def evaluate(contents: Any, *, channels: int, dtype: Any, expand: bool) -> Any:
        data = contents.item()
        return _decoded(data, formats, channels, dtype, frames(data, expand))

    return register(Op(name, Kind.HOST, infer, evaluate, differentiable=False))


def _one(data: bytes, expand: bool) -> str:
    return "one"


def _all(data: bytes, expand: bool) -> str:
    return "all"


def _as_asked(data: bytes, expand: bool) -> str:
    return "all" if expand and _format_of(data) in ("GIF", "WEBP") else "first"


_USUAL = ("PNG", "JPEG", "GIF")
_PNG, _JPEG = (_decoder(name, _USUAL, _one) for name in ("DecodePng", "DecodeJpeg"))
_GIF = _decoder("DecodeGif", _USUAL, _all)
_BMP = _decoder("DecodeBmp", ("BMP",), _one)
_WEBP = _decoder("DecodeWebP", ("WEBP",), _all)
_ANY = _decoder("DecodeImage", tuple(_SIGNATURES), _as_asked)


def _decode(
    op: Op, contents: Any, channels: int | None, allowed: tuple[int, ...], dtype: Any = dtypes.uint8,
    expand: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    channels, dtype = channels or 0, as_dtype(dtype)
    if channels not in allowed:
        raise ValueError(f"channels must be one of {allowed}, received {channels}")
    if dtype not in (dtypes.uint8, dtypes.uint16, dtypes.float32):
        raise TypeError(f"dtype must be uint8, uint16 or float32, received {dtype.name}")
    return emit_one(op, (convert(contents),), {"channels": channels, "dtype": dtype, "expand": bool(expand)}, name)


def decode_png(contents: Any, channels: int = 0, dtype: Any = dtypes.uint8, name: str | None = None) -> Any:
    """The pixels [height, width, channels] of a PNG file.

    Args:
      contents: a string, the file's bytes. channels: 0 for those in the file, 1 gray, 3 RGB, 4 RGBA.
      dtype: tf.uint8 or tf.uint16. Colour files of 16 bits are read with 8.

    JPEG and GIF files are read as well. Raises `InvalidArgumentError` for what is none of them or damaged,
    `ImportError` without Pillow.

    TensorFlow: tf.io.decode_png.
    """
    return _decode(_PNG, contents, channels, (0, 1, 2, 3, 4), dtype, name=name)


def decode_jpeg(
    contents: Any, channels: int = 0, ratio: int = 1, fancy_upscaling: bool = True,
    try_recover_truncated: bool = False, acceptable_fraction: float = 1, dct_method: str = "", name: str | None = None,
) -> Any:  # fmt: skip
    """The pixels [height, width, channels] of a JPEG file.

    Args:
      contents: a string, the file's bytes. channels: 0 for those in the file, 1 gray, 3 RGB.
      ratio: 1, 2, 4 or 8: read an image as many times smaller.
      fancy_upscaling, dct_method: choices of TensorFlow's decoder; Pillow's has its own, a pixel may differ by little.
      try_recover_truncated, acceptable_fraction: not offered: a file that is cut off is an error.

    PNG and GIF files are read as well. Raises `InvalidArgumentError` for what is none of them or damaged,
    `ImportError` without Pillow.

    TensorFlow: tf.io.decode_jpeg.
    """
    if ratio not in (1, 2, 4, 8):
        raise ValueError(f"ratio must be 1, 2, 4 or 8, received {ratio}")
    if dct_method not in ("", "INTEGER_FAST", "INTEGER_ACCURATE"):
        raise ValueError(f"dct_method must be '', 'INTEGER_FAST' or 'INTEGER_ACCURATE', received {dct_method!r}")
    if try_recover_truncated:
        raise UnimplementedError("try_recover_truncated=True: files that are cut off cannot be read.")
    image = _decode(_JPEG, contents, channels, (0, 1, 3), name=name)
    if ratio == 1:
        return image
    size = (F.shape(image)[:2] + (ratio - 1)) // ratio
    return F.cast(F.round(F.resize_images(image, size, "area")), dtypes.uint8)


def decode_and_crop_jpeg(
    contents: Any, crop_window: Any, channels: int = 0, ratio: int = 1, fancy_upscaling: bool = True,
    try_recover_truncated: bool = False, acceptable_fraction: float = 1, dct_method: str = "", name: str | None = None,
) -> Any:  # fmt: skip
    """The part (y, x, height, width) of a JPEG file's pixels. TensorFlow: tf.io.decode_and_crop_jpeg."""
    image = decode_jpeg(
        contents, channels, ratio, fancy_upscaling, try_recover_truncated, acceptable_fraction, dct_method, name
    )
    window = int_tensor(crop_window)
    return F.crop_to_bounding_box(image, window[0], window[1], window[2], window[3])


def decode_bmp(contents: Any, channels: int = 0, name: str | None = None) -> Any:
    """The pixels [height, width, channels] of a BMP file. TensorFlow: tf.io.decode_bmp."""
    return _decode(_BMP, contents, channels, (0, 1, 3, 4), name=name)


def decode_gif(contents: Any, name: str | None = None) -> Any:
    """The frames [frames, height, width, 3] of a GIF file. TensorFlow: tf.io.decode_gif."""
    return _decode(_GIF, contents, 3, (3,), name=name)


def decode_webp(contents: Any, channels: int = 0, dtype: Any = dtypes.uint8, name: str | None = None) -> Any:
    """The frames [frames, height, width, channels] of a WebP file. TensorFlow: tf.io.decode_webp."""
    return _decode(_WEBP, contents, channels, (0, 3, 4), dtype, expand=True, name=name)


def decode_image(
    contents: Any, channels: int | None = None, dtype: Any = dtypes.uint8, name: str | None = None,
    expand_animations: bool = True,
) -> Any:  # fmt: skip
    """The pixels of a BMP, GIF, JPEG, PNG or WebP file, whichever it is.

    Args:
      contents: a string, the file's bytes. channels: 0 or None for those in the file, 1, 3 or 4.
      dtype: tf.uint8, tf.uint16, or tf.float32 for values in [0, 1].
      expand_animations: whether a GIF gives all its frames, [frames, height, width, 3], or the first one.

    TensorFlow: tf.io.decode_image.
    """
    return _decode(_ANY, contents, channels, (0, 1, 3, 4), dtype, expand_animations, name)


def _jpeg_shape(contents: Any, *, dtype: Any) -> Any:
    with _opened(contents.item(), ("JPEG",)) as image:
        return np.array([image.height, image.width, len(image.getbands())], dtype.numpy)


JPEG_SHAPE = register(
    Op(
        "ExtractJpegShape",
        Kind.HOST,
        lambda contents, dtype: Spec((3,), dtype),
        _jpeg_shape,
        differentiable=False,
    )
)


def extract_jpeg_shape(contents: Any, output_type: Any = dtypes.int32, name: str | None = None) -> Any:
    """Height, width and channels of a JPEG file, without reading its pixels. TensorFlow: tf.io.extract_jpeg_shape."""
    return emit_one(JPEG_SHAPE, (convert(contents),), {"dtype": as_dtype(output_type)}, name)


def is_jpeg(contents: Any, name: str | None = None) -> Any:
    """Whether a string begins as a JPEG file does. TensorFlow: tf.io.is_jpeg."""
    return F.equal(F.string_substr(convert(contents), 0, 3), _SIGNATURES["JPEG"], name=name)


# -- writing -----------------------------------------------------------------------------------------------------------


def _saved(image: Any, format: str, **options: Any) -> bytes:
    pillow = _pillow()
    if image.dtype == np.uint16 and image.shape[2] != 1:
        raise UnimplementedError("PNG files of 16 bits can be written with one channel only.")
    flat = image[:, :, 0] if image.shape[2] == 1 else image
    buffer = io.BytesIO()
    pillow.fromarray(flat).save(buffer, format, **options)
    return buffer.getvalue()


def _infer_encoding(name: str, allowed: tuple[Any, ...], channels: tuple[int, ...]) -> Callable[..., Spec]:
    def infer(image: Spec, *quality: Spec, **attrs: Any) -> Spec:
        if image.dtype not in allowed:
            raise TypeError(f"{name}: image must be {' or '.join(d.name for d in allowed)}, is {image.dtype.name}")
        lead: Any = None
        if image.shape is not None:
            if len(image.shape) < 3 or (name != "EncodePng" and len(image.shape) != 3):
                raise ValueError(f"{name}: image must be [height, width, channels], received {list(image.shape)}")
            if image.shape[-1] is not None and image.shape[-1] not in channels:
                raise ValueError(f"{name}: image must have {channels} channels, received shape {list(image.shape)}")
            lead = image.shape[:-3]
        return Spec(lead, dtypes.string)

    return infer


def _encode_png(image: Any, *, compression: int) -> Any:
    out = np.empty(image.shape[:-3], object)
    for place in np.ndindex(out.shape):
        level = {} if compression < 0 else {"compress_level": compression}
        out[place] = _saved(image[place], "PNG", **level)
    return out


def _encode_jpeg(image: Any, quality: Any, **options: Any) -> Any:
    if not 0 <= quality <= 100:
        raise ValueError(f"quality must be in [0,100], received {quality}")
    out = np.empty((), object)
    out[()] = _saved(image, "JPEG", quality=int(quality), **options)
    return out


_EIGHT = (dtypes.uint8,)
PNG_WRITER = register(
    Op(
        "EncodePng",
        Kind.HOST,
        _infer_encoding("EncodePng", (dtypes.uint8, dtypes.uint16), (1, 2, 3, 4)),
        _encode_png,
        differentiable=False,
    )
)
JPEG_WRITER = register(
    Op(
        "EncodeJpegVariableQuality",
        Kind.HOST,
        _infer_encoding("EncodeJpeg", _EIGHT, (1, 3)),
        _encode_jpeg,
        differentiable=False,
    )
)


def encode_png(image: Any, compression: int = -1, name: str | None = None) -> Any:
    """The bytes of a PNG file with the pixels [..., height, width, 1 to 4 channels] of a uint8 or uint16 image.

    `compression` is zlib's level, 0 to 9, or -1 for its choice.

    TensorFlow: tf.io.encode_png.
    """
    return emit_one(PNG_WRITER, (convert(image),), {"compression": int(compression)}, name)


def encode_jpeg(
    image: Any, format: str = "", quality: int = 95, progressive: bool = False, optimize_size: bool = False,
    chroma_downsampling: bool = True, density_unit: str = "in", x_density: int = 300, y_density: int = 300,
    xmp_metadata: str = "", name: str | None = None,
) -> Any:  # fmt: skip
    """The bytes of a JPEG file with the pixels [height, width, 1 or 3] of a uint8 image.

    Args:
      format: "", "grayscale" or "rgb", which must fit the image. quality: 0 to 100.
      progressive, optimize_size, chroma_downsampling: as JPEG has them. density_unit: "in" or "cm".
      x_density, y_density: pixels per unit. xmp_metadata: text to put into the file.

    TensorFlow: tf.io.encode_jpeg.
    """
    image = convert(image)
    expected = {"": None, "grayscale": 1, "rgb": 3}
    if format not in expected:
        raise ValueError(f"format must be '', 'grayscale' or 'rgb', received {format!r}")
    if density_unit not in ("in", "cm"):
        raise ValueError(f"density_unit must be 'in' or 'cm', received {density_unit!r}")
    if expected[format] and image.dims is not None and image.dims[-1] not in (None, expected[format]):
        raise ValueError(f"format {format!r} needs {expected[format]} channels, received shape {image.shape}")
    unit = 1.0 if density_unit == "in" else 2.54
    options: dict[str, Any] = {
        "progressive": bool(progressive),
        "optimize": bool(optimize_size),
        "subsampling": 2 if chroma_downsampling else 0,
        "dpi": (round(x_density * unit), round(y_density * unit)),
    }
    if xmp_metadata:
        options["xmp"] = xmp_metadata.encode() if isinstance(xmp_metadata, str) else xmp_metadata
    return emit_one(JPEG_WRITER, (image, int_tensor(quality)), options, name)


def adjust_jpeg_quality(image: Any, jpeg_quality: Any, dct_method: str = "", name: str | None = None) -> Any:
    """An image as it comes back from a JPEG file of a quality in [0, 100].

    TensorFlow: tf.image.adjust_jpeg_quality.
    """
    with F.name_scope(name or "adjust_jpeg_quality"):
        image = convert(image)
        bytes_ = convert_image_dtype(image, dtypes.uint8, saturate=True)
        channels = image.dims[-1] if image.dims is not None and image.dims[-1] in (1, 3) else 0
        contents = emit_one(JPEG_WRITER, (bytes_, int_tensor(jpeg_quality)), {"subsampling": 2})
        return convert_image_dtype(decode_jpeg(contents, channels, dct_method=dct_method), image.dtype, saturate=True)
