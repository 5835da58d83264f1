"""TFRecord files: byte strings, each with its length and two checksums.

uint64 length | masked crc32c of the length | data | masked crc32c of the data
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from duoflow.core.errors import DataLossError

from .checksum import masked_crc32c

__all__ = ["encode_record", "read_records"]

#: No single record is this long; a longer one is a damaged length.
_LONGEST = 1 << 40


def encode_record(data: bytes) -> bytes:
    """One record as it stands in a file."""
    length = struct.pack("<Q", len(data))
    return b"".join((length, struct.pack("<I", masked_crc32c(length)), data, struct.pack("<I", masked_crc32c(data))))


def read_records(file: Any, path: str) -> Iterator[bytes]:
    """The records of an open file; `DataLossError` where one is damaged or cut off."""
    while head := file.read(12):
        if len(head) < 12:
            raise DataLossError(f"{path}: truncated record header.").here()
        length, checksum = struct.unpack("<QI", head)
        if masked_crc32c(head[:8]) != checksum or length > _LONGEST:
            raise DataLossError(f"{path}: corrupted record header.").here()
        body = file.read(length + 4)
        if len(body) < length + 4:
            raise DataLossError(f"{path}: truncated record.").here()
        if masked_crc32c(body[:length]) != struct.unpack("<I", body[length:])[0]:
            raise DataLossError(f"{path}: truncated or corrupted record.").here()
        yield body[:length]
