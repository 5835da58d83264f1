"""Sound files: WAV with 16 bits a sample, as `tf.audio` reads and writes it."""

from __future__ import annotations

import io
import struct
import wave
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.emit import emit, emit_one
from duoflow.core.record import Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert

from .static import int_tensor

__all__ = ["decode_wav", "encode_wav"]


def _infer_decode(contents: Spec, *, channels: int, samples: int) -> tuple[Spec, Spec]:
    if contents.dtype is not dtypes.string or contents.shape not in (None, ()):
        raise ValueError("DecodeWav takes one string, the content of a file.")
    shape = (samples if samples >= 0 else None, channels if channels >= 0 else None)
    return Spec(shape, dtypes.float32), Spec((), dtypes.int32)


def _decode(contents: Any, *, channels: int, samples: int) -> tuple[Any, Any]:
    data = contents.item()
    try:
        with wave.open(io.BytesIO(data)) as file:
            width, count, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            values = file.readframes(file.getnframes())
    except (wave.Error, EOFError, struct.error) as error:
        raise ValueError(f"Header mismatch: the data is no WAV file, or it is cut off: {error}") from None
    if width != 2:
        raise ValueError(f"Can only read 16-bit WAV files, but received {8 * width}")
    wave_ = np.frombuffer(values[: len(values) // (2 * count) * 2 * count], "<i2").reshape(-1, count)
    wave_ = wave_.astype(np.float32) / np.float32(32768)
    if samples >= 0:
        wave_ = np.pad(wave_[:samples], ((0, max(samples - len(wave_), 0)), (0, 0)))
    if channels >= 0:
        wave_ = np.pad(wave_[:, :channels], ((0, 0), (0, max(channels - count, 0))))
    return np.ascontiguousarray(wave_), np.asarray(rate, np.int32)


def _infer_encode(audio: Spec, rate: Spec) -> Spec:
    if audio.shape is not None and len(audio.shape) != 2:
        raise ValueError(f"audio must be 2-dimensional [samples, channels], received shape {list(audio.shape)}")
    return Spec((), dtypes.string)


def _encode(audio: Any, rate: Any) -> Any:
    if not audio.shape[1]:
        raise ValueError("audio must have at least one channel")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(audio.shape[1])
        file.setsampwidth(2)
        file.setframerate(int(rate))
        file.writeframes(np.clip(np.rint(audio * 32767), -32768, 32767).astype("<i2").tobytes())
    out = np.empty((), object)
    out[()] = buffer.getvalue()
    return out


DECODE = register(Op("DecodeWav", Kind.HOST, _infer_decode, _decode, num_outputs=2, differentiable=False))
ENCODE = register(Op("EncodeWav", Kind.HOST, _infer_encode, _encode, differentiable=False))


def decode_wav(
    contents: Any, desired_channels: int = -1, desired_samples: int = -1, name: str | None = None
) -> tuple[Any, Any]:
    """The samples [samples, channels] of a WAV file, from -1 to 1, and their rate.

    Args:
      contents: a string, the file's bytes. desired_channels, desired_samples: cut or fill up with zeros to as many;
        -1 for those in the file.

    Raises `InvalidArgumentError` for other files.

    >>> wave, rate = tf.audio.decode_wav(tf.audio.encode_wav([[0.5], [-1.0]], 8000))
    >>> wave.shape, int(rate)
    (TensorShape([2, 1]), 8000)

    TensorFlow: tf.audio.decode_wav.
    """
    attrs = {"channels": int(desired_channels), "samples": int(desired_samples)}
    return emit(DECODE, (convert(contents, dtype=dtypes.string),), attrs, name)  # type: ignore[return-value]


def encode_wav(audio: Any, sample_rate: Any, name: str | None = None) -> Any:
    """The bytes of a WAV file with samples [samples, channels] from -1 to 1. TensorFlow: tf.audio.encode_wav."""
    return emit_one(ENCODE, (convert(audio, dtype=dtypes.float32), int_tensor(sample_rate)), name=name)
