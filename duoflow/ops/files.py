"""Files and the bytes in them: reading, writing, and strings of bytes as numbers or text and back."""

from __future__ import annotations

import base64
import glob
import os
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.dtypes import as_dtype
from duoflow.core.emit import emit, emit_one
from duoflow.core.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    PermissionDeniedError,
    UnknownError,
)
from duoflow.core.record import Effect, Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert

from .families import NUMERIC

__all__ = [
    "decode_base64", "decode_compressed", "decode_raw", "encode_base64", "matching_files", "read_file", "write_file",
]  # fmt: skip


def as_path(name: Any) -> str:
    """A file name from a string tensor's element."""
    return os.fsdecode(name)


def translated(error: OSError, path: str) -> OpError:
    """TensorFlow's exception for what the system says of a file."""
    kinds: dict[type, Any] = {
        FileNotFoundError: NotFoundError,
        NotADirectoryError: FailedPreconditionError,
        IsADirectoryError: FailedPreconditionError,
        PermissionError: PermissionDeniedError,
    }
    kind = kinds.get(type(error), UnknownError)
    return kind(None, None, f"{path}; {error.strerror or error}")  # type: ignore[no-any-return]


def string_array(value: Any) -> Any:
    """A scalar string as an array."""
    out = np.empty((), object)
    out[()] = value
    return out


def _need_string(name: str, *specs: Spec, scalar: bool = True) -> None:
    for spec in specs:
        if spec.dtype is not dtypes.string:
            raise TypeError(f"{name} takes strings, received a tensor of dtype {spec.dtype.name}.")
        if scalar and spec.shape not in (None, ()):
            raise ValueError(f"{name} takes one string, received shape {list(spec.shape or ())}.")


# -- whole files -------------------------------------------------------------------------------------------------------


def _infer_read(filename: Spec) -> Spec:
    _need_string("ReadFile", filename)
    return Spec((), dtypes.string)


def _read(filename: Any) -> Any:
    path = as_path(filename.item())
    try:
        return string_array(Path(path).read_bytes())
    except OSError as error:
        raise translated(error, path) from None


def _infer_write(filename: Spec, contents: Spec) -> tuple[()]:
    _need_string("WriteFile", filename, contents)
    return ()


def _write(filename: Any, contents: Any) -> tuple[()]:
    path = as_path(filename.item())
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(contents.item())
    except OSError as error:
        raise translated(error, path) from None
    return ()


def _infer_matching(pattern: Spec) -> Spec:
    _need_string("MatchingFiles", pattern, scalar=False)
    return Spec((None,), dtypes.string)


def _matching(pattern: Any) -> Any:
    found = {os.fsencode(path) for one in pattern.reshape(-1) for path in glob.glob(as_path(one))}
    return np.array([*sorted(found), None], object)[:-1]


READ = register(Op("ReadFile", Kind.HOST, _infer_read, _read, effects=Effect.IO, differentiable=False))
WRITE = register(
    Op("WriteFile", Kind.HOST, _infer_write, _write, effects=Effect.IO, num_outputs=0, differentiable=False)
)
MATCHING = register(Op("MatchingFiles", Kind.HOST, _infer_matching, _matching, effects=Effect.IO, differentiable=False))


def read_file(filename: Any, name: str | None = None) -> Any:
    """The content of a file, as a string.

    Raises `NotFoundError` for a file that does not exist.

    TensorFlow: tf.io.read_file.
    """
    return emit_one(READ, (convert(filename, dtype=dtypes.string),), name=name)


def write_file(filename: Any, contents: Any, name: str | None = None) -> None:
    """Make a file (and the folders it is in) of a string. TensorFlow: tf.io.write_file."""
    emit(WRITE, (convert(filename, dtype=dtypes.string), convert(contents, dtype=dtypes.string)), name=name)


def matching_files(pattern: Any, name: str | None = None) -> Any:
    """The names of the files that match a pattern, or one of several, in order. TensorFlow: tf.io.matching_files."""
    return emit_one(MATCHING, (convert(pattern, dtype=dtypes.string),), name=name)


# -- bytes as numbers --------------------------------------------------------------------------------------------------

_RAW = (*NUMERIC, dtypes.bool_)


def _infer_raw(data: Spec, *length: Spec, out_type: Any, little_endian: bool) -> Spec:
    _need_string("DecodeRaw", data, scalar=False)
    count = int(length[0].array) // out_type.size if length and length[0].array is not None else None
    return Spec(None if data.shape is None else (*data.shape, count), out_type)


def _decode_raw(data: Any, *length: Any, out_type: Any, little_endian: bool) -> Any:
    rows = data.reshape(-1).tolist()
    size = out_type.size
    if length:
        wanted = int(length[0])
        if wanted % size:
            raise ValueError(f"fixed_length ({wanted}) must be a multiple of the size of out_type ({size})")
        rows = [row[:wanted].ljust(wanted, b"\0") for row in rows]
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise ValueError(f"DecodeRaw requires input strings to all be the same size, received sizes {sorted(lengths)}")
    if any(n % size for n in lengths):
        raise ValueError(f"Input to DecodeRaw has length {lengths.pop()} that is not a multiple of {size}")
    count = lengths.pop() // size if lengths else 0
    values = np.frombuffer(b"".join(rows), out_type.numpy)
    if little_endian != (sys.byteorder == "little") and size > 1:
        values = values.byteswap()
    return values.reshape(*data.shape, count).copy()


RAW = register(Op("DecodeRaw", Kind.HOST, _infer_raw, _decode_raw, differentiable=False))


def decode_raw(
    input_bytes: Any, out_type: Any, little_endian: bool = True, fixed_length: Any = None, name: str | None = None
) -> Any:
    """The numbers that strings of bytes hold, in a new last dimension.

    Args:
      input_bytes: strings of one length. out_type: of the numbers.
      fixed_length: cut or fill up (with zeros) the strings to so many bytes.

    >>> tf.io.decode_raw(tf.constant(b"\\x01\\x00\\x02\\x00"), tf.int16).numpy().tolist()
    [1, 2]

    TensorFlow: tf.io.decode_raw.
    """
    out_type = as_dtype(out_type)
    if out_type not in _RAW:
        raise TypeError(f"out_type must be a numeric dtype or bool, received {out_type.name}")
    inputs = [convert(input_bytes, dtype=dtypes.string)]
    if fixed_length is not None:
        inputs.append(convert(fixed_length, dtype_hint=dtypes.int32))
    return emit_one(RAW, tuple(inputs), {"out_type": out_type, "little_endian": bool(little_endian)}, name)


# -- bytes as other bytes ----------------------------------------------------------------------------------------------


def _each(name: str, function: Any) -> Op:
    def infer(x: Spec, **attrs: Any) -> Spec:
        _need_string(name, x, scalar=False)
        return Spec(x.shape, dtypes.string)

    def evaluate(x: Any, **attrs: Any) -> Any:
        out = np.empty(x.shape, object)
        for place in np.ndindex(x.shape):
            out[place] = function(x[place], **attrs)
        return out

    return register(Op(name, Kind.HOST, infer, evaluate, differentiable=False))


def _encoded(data: bytes, pad: bool) -> bytes:
    text = base64.urlsafe_b64encode(data)
    return text if pad else text.rstrip(b"=")


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text.rstrip(b"=") + b"=" * (-len(text.rstrip(b"=")) % 4), b"-_", validate=True)
    except ValueError as error:
        raise InvalidArgumentError(None, None, f"Invalid character found in base64: {error}") from None


#: How far data may unfold: what is longer is an attack rather than a file.
_MOST_UNFOLDED = 1 << 31


def _unfolded(data: bytes, kind: str) -> bytes:
    if not kind:
        return data
    unfolder = zlib.decompressobj(zlib.MAX_WBITS | (16 if kind == "GZIP" else 0))
    try:
        out = unfolder.decompress(data, _MOST_UNFOLDED)
    except zlib.error as error:
        raise InvalidArgumentError(None, None, f"The data is not {kind}, or it is damaged: {error}") from None
    if unfolder.unconsumed_tail or not unfolder.eof:
        what = "unfolds to more than 2 GiB" if unfolder.unconsumed_tail else "is cut off"
        raise InvalidArgumentError(None, None, f"The {kind} data {what}.")
    return out


ENCODE_BASE64 = _each("EncodeBase64", _encoded)
DECODE_BASE64 = _each("DecodeBase64", _decoded)
DECODE_COMPRESSED = _each("DecodeCompressed", _unfolded)


def encode_base64(input: Any, pad: bool = False, name: str | None = None) -> Any:
    """Strings as web-safe base64, filled up with "=" if `pad`.

    >>> tf.io.encode_base64(b"duo!").numpy()
    b'ZHVvIQ'

    TensorFlow: tf.io.encode_base64.
    """
    return emit_one(ENCODE_BASE64, (convert(input, dtype=dtypes.string),), {"pad": bool(pad)}, name)


def decode_base64(input: Any, name: str | None = None) -> Any:
    """Strings from web-safe base64, with or without "=" at the end. TensorFlow: tf.io.decode_base64."""
    return emit_one(DECODE_BASE64, (convert(input, dtype=dtypes.string),), name=name)


def decode_compressed(bytes: Any, compression_type: str = "", name: str | None = None) -> Any:
    """Strings unfolded from "ZLIB" or "GZIP" ("" leaves them). TensorFlow: tf.io.decode_compressed."""
    if compression_type not in ("", "ZLIB", "GZIP"):
        raise ValueError(f"Only ZLIB, GZIP or NONE are supported compressions, received {compression_type!r}")
    return emit_one(DECODE_COMPRESSED, (convert(bytes, dtype=dtypes.string),), {"kind": compression_type}, name)
