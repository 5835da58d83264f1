"""Datasets of the records in files."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from duoflow.core import dtypes
from duoflow.core.errors import DataLossError, NotFoundError
from duoflow.core.spec import TensorSpec
from duoflow.formats.records import read_records

from .dataset import UNKNOWN_CARDINALITY, Dataset
from .recipes import element_of
from .structure import Flat, Structure, array

__all__ = ["FixedLengthRecordDataset", "TFRecordDataset", "TextLineDataset"]


class _Records(Dataset):
    """Byte strings read from files one after another."""

    def __init__(self, filenames: Any, compression_type: Any, read: Callable[[BinaryIO, str], Iterator[bytes]]) -> None:
        self._names: Any = array(element_of(filenames))
        self._read = read
        self._compression = (compression_type or "").upper()
        self._called = f"{type(self).__name__}V2"
        super().__init__(Structure(TensorSpec((), dtypes.string)), UNKNOWN_CARDINALITY)

    def _stream(self) -> Iterator[Flat]:
        for records in self._streams():
            yield from records

    def _streams(self) -> Iterator[Iterator[Flat]]:
        """The records of each file."""
        given = self._names
        names = (flat[0].item() for flat in given._stream()) if isinstance(given, Dataset) else given.reshape(-1)
        for name in names:
            yield self._records_of(name.decode())

    def _records_of(self, path: str) -> Iterator[Flat]:
        if not Path(path).is_file():
            raise NotFoundError(f"{path}; No such file or directory").here()
        with self._open(path) as file:
            for record in self._read(file, path):
                out = np.empty((), object)
                out[()] = record
                yield (out,)

    def _open(self, path: str) -> Any:
        if self._compression == "GZIP":
            return gzip.open(path, "rb")
        if self._compression == "ZLIB":
            return _Inflated(path)
        return open(path, "rb")


class _Inflated:
    """A zlib-compressed file, inflated as it is read."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "rb")  # noqa: SIM115 - closed by __exit__
        self._inflate, self._left = zlib.decompressobj(), b""

    def read(self, size: int) -> bytes:
        while len(self._left) < size and (chunk := self._file.read(65536)):
            self._left += self._inflate.decompress(chunk)
        out, self._left = self._left[:size], self._left[size:]
        return out

    def __iter__(self) -> Iterator[bytes]:
        line = b""
        while byte := self.read(1):
            line += byte
            if byte == b"\n":
                yield line
                line = b""
        if line:
            yield line

    def __enter__(self) -> _Inflated:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()


class TextLineDataset(_Records):
    """The lines of text files, without their line ends. TensorFlow: tf.data.TextLineDataset."""

    def __init__(
        self, filenames: Any, compression_type: Any = None, buffer_size: Any = None, num_parallel_reads: Any = None,
        name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            filenames, compression_type, lambda file, path: (line.rstrip(b"\n").rstrip(b"\r") for line in file)
        )


class FixedLengthRecordDataset(_Records):
    """Records of one size. TensorFlow: tf.data.FixedLengthRecordDataset."""

    def __init__(
        self, filenames: Any, record_bytes: Any, header_bytes: Any = None, footer_bytes: Any = None,
        buffer_size: Any = None, compression_type: Any = None, num_parallel_reads: Any = None, name: str | None = None,
    ) -> None:  # fmt: skip
        size, header, footer = int(record_bytes), int(header_bytes or 0), int(footer_bytes or 0)

        def read(file: BinaryIO, path: str) -> Iterator[bytes]:
            content = file.read()[header:]
            content = content[: len(content) - footer]
            if len(content) % size:
                raise DataLossError(f"{path} does not hold a whole number of records of {size} bytes.").here()
            for start in range(0, len(content), size):
                yield content[start : start + size]

        super().__init__(filenames, compression_type, read)


class TFRecordDataset(_Records):
    """The records of TFRecord files, checked against their checksums. TensorFlow: tf.data.TFRecordDataset."""

    def __init__(
        self, filenames: Any, compression_type: Any = None, buffer_size: Any = None, num_parallel_reads: Any = None,
        name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(filenames, compression_type, read_records)
