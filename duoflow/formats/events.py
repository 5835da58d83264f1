"""Event files, as TensorBoard reads them: TFRecords of `Event` messages, and summaries of values.

The functions make one `Summary.Value` each; an `EventFileWriter` puts events on disk.
"""

from __future__ import annotations

import functools
import itertools
import os
import socket
import struct
import threading
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from .messages import Event, HistogramProto, SummaryAudio, SummaryImage, SummaryMetadata, SummaryValue
from .records import encode_record
from .tensors import tensor_proto

__all__ = [
    "EventFileWriter", "audio_value", "encode_png", "encode_wav", "histogram", "histogram_value", "image_value",
    "plugin_metadata", "scalar_value", "tensor_value", "text_value",
]  # fmt: skip

_files = itertools.count()


class EventFileWriter:
    """Writes events to a new file of a folder, which is made if need be.

    Args:
      logdir: the folder.
      flush_secs: how many seconds events may wait in memory.
      max_queue: how many events may wait in memory.
      filename_suffix: what the file's name ends in.
    """

    def __init__(
        self, logdir: Any, max_queue: int = 10, flush_secs: float = 120, filename_suffix: str | None = None
    ) -> None:
        self.logdir = os.fspath(logdir)
        Path(self.logdir).mkdir(parents=True, exist_ok=True)
        self._limit, self._flush_secs = max(1, max_queue), flush_secs
        self._waiting: list[bytes] = []
        self._flushed, self._closed = time.monotonic(), False
        self._lock = threading.Lock()
        now = time.time()
        unique = f"{int(now):010d}.{socket.gethostname()}.{os.getpid()}.{next(_files)}"
        self.path = str(Path(self.logdir, f"events.out.tfevents.{unique}{filename_suffix or ''}"))
        self._append(Event(wall_time=now, file_version="brain.Event:2", source_metadata={"writer": "duoflow"}))
        self.flush()

    @property
    def closed(self) -> bool:
        """Whether the file was closed; `add_event` opens it again."""
        return self._closed

    def add_event(self, event: Any) -> None:
        """Write an event; its time is now unless it has one."""
        if not event.wall_time:
            event.wall_time = time.time()
        self._append(event)
        if len(self._waiting) >= self._limit or time.monotonic() - self._flushed > self._flush_secs:
            self.flush()

    def _append(self, event: Any) -> None:
        with self._lock:
            self._waiting.append(encode_record(event.SerializeToString()))

    def flush(self) -> None:
        """Put what waits on disk."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
            self._flushed = time.monotonic()
            if waiting:
                with open(self.path, "ab") as file:
                    file.write(b"".join(waiting))

    def close(self) -> None:
        """Flush; nothing more is expected."""
        self.flush()
        self._closed = True

    def reopen(self) -> None:
        """Expect more events."""
        self._closed = False


# -- values ------------------------------------------------------------------------------------------------------------


def plugin_metadata(plugin: str, content: bytes = b"", description: str = "", display_name: str = "") -> Any:
    """Which page of TensorBoard shows a value, and how."""
    return SummaryMetadata(
        plugin_data={"plugin_name": plugin, "content": content}, summary_description=description,
        display_name=display_name,
    )  # fmt: skip


def scalar_value(tag: str, value: Any) -> Any:
    """A number."""
    array = np.asarray(value, np.float32)
    if array.size != 1:
        raise ValueError(f"A scalar summary needs one number; {tag!r} received shape {array.shape}.")
    return SummaryValue(tag=tag, simple_value=float(array.reshape(())))


def tensor_value(tag: str, value: Any, metadata: Any = None) -> Any:
    """A tensor."""
    return SummaryValue(tag=tag, tensor=tensor_proto(value), metadata=metadata)


def text_value(tag: str, value: Any) -> Any:
    """Strings, shown as Markdown."""
    return tensor_value(tag, value, plugin_metadata("text"))


def histogram_value(tag: str, values: Any) -> Any:
    """A distribution of values."""
    return SummaryValue(tag=tag, histo=histogram(values))


@functools.cache
def _limits() -> list[float]:
    """The ends of a histogram's buckets: powers of 1.1, and the same below zero."""
    positive = []
    value = 1e-12
    while value < 1e20:
        positive.append(value)
        value *= 1.1
    highest = float(np.finfo(np.float64).max)
    return [-highest, *(-v for v in reversed(positive)), 0.0, *positive, highest]


def histogram(values: Any) -> Any:
    """Values as a histogram; `ValueError` if there are NaNs or infinities among them."""
    flat = np.asarray(values, np.float64).reshape(-1)
    if not np.all(np.isfinite(flat)):
        raise ValueError("Nan or Inf in the values of a histogram summary.")
    limits = _limits()
    counts: dict[int, int] = {}
    for place in np.searchsorted(limits, flat, side="right").tolist():
        counts[min(place, len(limits) - 1)] = counts.get(min(place, len(limits) - 1), 0) + 1
    proto = HistogramProto(
        min=float(flat.min()) if flat.size else float(np.finfo(np.float64).max),
        max=float(flat.max()) if flat.size else -float(np.finfo(np.float64).max),
        num=flat.size, sum=float(flat.sum()), sum_squares=float(np.square(flat).sum()),
    )  # fmt: skip
    for place in _shown_buckets(sorted(counts), len(limits)):
        proto.bucket_limit.append(limits[place])
        proto.bucket.append(counts.get(place, 0))
    return proto


def _shown_buckets(filled: list[int], count: int) -> list[int]:
    """The filled buckets, and the last one of each run of empty ones, which ends it."""
    shown: list[int] = []
    for place in filled:
        if place > 0 and (not shown or shown[-1] != place - 1):
            shown.append(place - 1)
        shown.append(place)
    if shown and shown[-1] < count - 1:
        shown.append(count - 1)
    return shown or [0]


# -- images and sounds -------------------------------------------------------------------------------------------------


def image_value(tag: str, pixels: Any) -> Any:
    """An image of uint8 [height, width, 1, 2, 3 or 4 channels]."""
    height, width, channels = pixels.shape
    image = SummaryImage(height=height, width=width, colorspace=channels, encoded_image_string=encode_png(pixels))
    return SummaryValue(tag=tag, image=image)


_PNG_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}


def encode_png(pixels: Any, compression: int = -1) -> bytes:
    """A PNG file of uint8 or uint16 pixels [height, width, 1, 2, 3 or 4 channels]."""
    pixels = np.asarray(pixels)
    if pixels.ndim != 3 or pixels.shape[2] not in _PNG_COLOURS or pixels.dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f"A PNG needs uint8 or uint16 pixels [height, width, 1, 2, 3 or 4], received {pixels.dtype} {pixels.shape}."
        )
    height, width, channels = pixels.shape
    depth = 8 * pixels.dtype.itemsize
    rows = pixels.astype(pixels.dtype.newbyteorder(">")).reshape(height, -1)
    data = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", width, height, depth, _PNG_COLOURS[channels], 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(data, compression)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def audio_value(tag: str, samples: Any, sample_rate: float) -> Any:
    """A sound of numbers in [-1, 1], [frames, channels]."""
    frames, channels = samples.shape
    audio = SummaryAudio(
        sample_rate=sample_rate, num_channels=channels, length_frames=frames, content_type="audio/wav",
        encoded_audio_string=encode_wav(samples, int(sample_rate)),
    )  # fmt: skip
    return SummaryValue(tag=tag, audio=audio)


def encode_wav(samples: Any, sample_rate: int) -> bytes:
    """A WAV file of 16 bits for numbers in [-1, 1], [frames, channels]."""
    data = np.clip(np.asarray(samples, np.float32) * 32767.0, -32768, 32767).astype("<i2")
    if data.ndim != 2:
        raise ValueError(f"A sound needs shape [frames, channels], received {data.shape}.")
    channels, body = data.shape[1], data.tobytes()
    form = struct.pack("<HHIIHH", 1, channels, sample_rate, 2 * channels * sample_rate, 2 * channels, 16)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks
