"""`tf.python_io`: TFRecord files from Python.

TensorFlow: tf.compat.v1.python_io.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from typing import Any

from duoflow.formats.messages import Event
from duoflow.formats.records import encode_record, read_records

__all__ = ["TFRecordCompressionType", "TFRecordOptions", "TFRecordWriter", "summary_iterator", "tf_record_iterator"]


class TFRecordCompressionType:
    """How a file is compressed. TensorFlow: tf.compat.v1.python_io.TFRecordCompressionType."""

    NONE, ZLIB, GZIP = 0, 1, 2


class TFRecordOptions:
    """Options of a file: its compression, as a number or a name. TensorFlow: tf.io.TFRecordOptions."""

    def __init__(
        self, compression_type: Any = None, flush_mode: Any = None, input_buffer_size: Any = None,
        output_buffer_size: Any = None, window_bits: int | None = None, compression_level: int | None = None,
        compression_method: int | None = None, mem_level: int | None = None, compression_strategy: int | None = None,
    ) -> None:  # fmt: skip
        names = ("", "ZLIB", "GZIP")
        self.compression_type = names[compression_type] if isinstance(compression_type, int) else compression_type or ""
        if self.compression_type not in names:
            raise ValueError(f"Not a valid compression_type: {compression_type!r}")
        self.compression_level = -1 if compression_level is None else compression_level
        # How zlib flushes and how large its buffers are changes nothing in what is read back.
        self.flush_mode, self.input_buffer_size, self.output_buffer_size = (
            flush_mode, input_buffer_size, output_buffer_size,
        )  # fmt: skip
        self.window_bits, self.compression_method = window_bits or 15, compression_method or zlib.DEFLATED
        self.mem_level, self.compression_strategy = mem_level or zlib.DEF_MEM_LEVEL, compression_strategy or 0

    def compressor(self) -> Any:
        """What compresses a file of these options, None for one that is not."""
        if not self.compression_type:
            return None
        window = self.window_bits + (16 if self.compression_type == "GZIP" else 0)
        return zlib.compressobj(
            self.compression_level, self.compression_method, window, self.mem_level, self.compression_strategy
        )


def _options(options: Any) -> TFRecordOptions:
    return options if isinstance(options, TFRecordOptions) else TFRecordOptions(options)


class TFRecordWriter:
    """Writes records to a file. TensorFlow: tf.io.TFRecordWriter."""

    def __init__(self, path: Any, options: Any = None) -> None:
        self._options = _options(options)
        self._file: Any = open(os.fspath(path), "wb")  # noqa: SIM115 - closed by close
        self._deflate: Any = self._options.compressor()

    def write(self, record: Any) -> None:
        """Write a record."""
        data = encode_record(record.encode() if isinstance(record, str) else bytes(record))
        self._file.write(data if self._deflate is None else self._deflate.compress(data))

    def flush(self) -> None:
        """Put what was written on disk."""
        if self._deflate is not None:
            self._file.write(self._deflate.flush(zlib.Z_SYNC_FLUSH))
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._deflate is not None:
            self._file.write(self._deflate.flush())
            self._deflate = None
        self._file.close()

    def __enter__(self) -> TFRecordWriter:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class _Inflated:
    """A zlib-compressed file as one that can be read."""

    def __init__(self, path: str, mode: str) -> None:
        with open(path, mode) as file:
            self._data, self._at = zlib.decompress(file.read()), 0

    def read(self, size: int) -> bytes:
        """The next bytes."""
        self._at += size
        return self._data[self._at - size : self._at]

    def __enter__(self) -> _Inflated:
        return self

    def __exit__(self, *exc: object) -> None:
        return None


def tf_record_iterator(path: Any, options: Any = None) -> Iterator[bytes]:
    """The records of a file. TensorFlow: tf.compat.v1.python_io.tf_record_iterator."""
    path, kind = os.fspath(path), _options(options).compression_type
    opened: Any = {"GZIP": gzip.open, "ZLIB": _Inflated}.get(kind, open)
    with opened(path, "rb") as file:
        yield from read_records(file, path)


def summary_iterator(path: Any) -> Iterator[Any]:
    """The events of an event file. TensorFlow: tf.compat.v1.train.summary_iterator."""
    for record in tf_record_iterator(path):
        yield Event.FromString(record)
