"""Sorted string tables: files of byte-string pairs by key, as LevelDB and TensorFlow's checkpoints have them.

    block*  index block  footer
    block: entry* | uint32 restart* | uint32 number of restarts | uint8 compression | uint32 masked crc32c
    entry: varint shared, varint unshared, varint value length, the key's end, value
    footer (48 bytes): place of the meta index, place of the index, padding, magic number

Keys share prefixes with the key before; at a restart nothing is shared. The index names the last key of each block and
its place.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from duoflow.core.errors import DataLossError, UnimplementedError

from .checksum import masked_crc32c
from .wire import DecodeError, read_varint, write_varint

__all__ = ["read_table", "write_table"]

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_TRAILER = 5
_RESTART_EVERY = 16
_BLOCK_SIZE = 256 * 1024


class _Block:
    """A block that is being written."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.restarts = [0]
        self.count = 0
        self.last = b""

    def add(self, key: bytes, value: bytes) -> None:
        """Append an entry."""
        shared = 0
        if self.count % _RESTART_EVERY:
            while shared < min(len(key), len(self.last)) and key[shared] == self.last[shared]:
                shared += 1
        elif self.count:
            self.restarts.append(len(self.data))
        self.data += write_varint(shared) + write_varint(len(key) - shared) + write_varint(len(value))
        self.data += key[shared:] + value
        self.last, self.count = key, self.count + 1

    def finish(self) -> bytes:
        """All its bytes, with the trailer."""
        contents = bytes(self.data) + struct.pack(f"<{len(self.restarts) + 1}I", *self.restarts, len(self.restarts))
        kind = b"\0"
        return contents + kind + struct.pack("<I", masked_crc32c(contents + kind))


def write_table(entries: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The table of pairs, whose keys must be in order and differ."""
    out, index, block = bytearray(), _Block(), _Block()

    def place(finished: bytes) -> bytes:
        handle = write_varint(len(out)) + write_varint(len(finished) - _TRAILER)
        out.extend(finished)
        return handle

    for key, value in entries:
        if block.count and key <= block.last:
            raise ValueError(f"Keys of a table must be in order: {key!r} after {block.last!r}.")
        if len(block.data) >= _BLOCK_SIZE:
            index.add(block.last, place(block.finish()))
            block = _Block()
        block.add(key, value)
    if block.count:
        index.add(block.last, place(block.finish()))
    footer = place(_Block().finish()) + place(index.finish())
    return bytes(out) + footer.ljust(_FOOTER - 8, b"\0") + struct.pack("<Q", _MAGIC)


def read_table(data: bytes, path: str) -> Iterator[tuple[bytes, bytes]]:
    """The pairs of a table in order; `DataLossError` for bytes that are not a table or are damaged."""
    if len(data) < _FOOTER or struct.unpack("<Q", data[-8:])[0] != _MAGIC:
        raise DataLossError(None, None, f"{path}: not an sstable (bad magic number)")
    try:
        _, index = _place(data, len(data) - _FOOTER)
        for _, handle in _entries(_contents(data, _place(data, index)[0], path), path):
            yield from _entries(_contents(data, _place(handle, 0)[0], path), path)
    except DecodeError as error:
        raise DataLossError(None, None, f"{path}: damaged table: {error}") from None


def _place(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    """The offset and size that stand at a position, and the position behind them."""
    offset, at = read_varint(data, at)
    size, at = read_varint(data, at)
    return (offset, size), at


def _contents(data: bytes, place: tuple[int, int], path: str) -> bytes:
    """The entries of a block, checked."""
    offset, size = place
    end = offset + size
    if end + _TRAILER > len(data) or size < 4:
        raise DataLossError(None, None, f"{path}: a block of {size} bytes at {offset} ends behind the file.")
    if masked_crc32c(data[offset : end + 1]) != struct.unpack("<I", data[end + 1 : end + _TRAILER])[0]:
        raise DataLossError(None, None, f"{path}: block checksum mismatch at {offset}.")
    if data[end]:
        raise UnimplementedError(None, None, f"{path}: compressed tables are not read (compression {data[end]}).")
    (restarts,) = struct.unpack("<I", data[end - 4 : end])
    if 4 * restarts + 4 > size:
        raise DataLossError(None, None, f"{path}: a block has more restarts than bytes.")
    return data[offset : end - 4 - 4 * restarts]


def _entries(block: bytes, path: str) -> Iterator[tuple[bytes, bytes]]:
    at, key = 0, b""
    while at < len(block):
        shared, at = read_varint(block, at)
        unshared, at = read_varint(block, at)
        length, at = read_varint(block, at)
        if shared > len(key) or at + unshared + length > len(block):
            raise DataLossError(None, None, f"{path}: an entry ends behind its block.")
        key = key[:shared] + block[at : at + unshared]
        at += unshared
        yield key, block[at : at + length]
        at += length
