"""Checkpoints in TensorFlow's V2 format: tensors by name in `<prefix>.index` and `<prefix>.data-00000-of-00001`.

The index is a table of messages that say where a tensor's bytes are, under the empty key a header. Both files are
written beside their places and then moved there, so that a checkpoint is whole or absent.
"""

from __future__ import annotations

import itertools
import math
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.arrays import as_array
from duoflow.core.errors import DataLossError, InvalidArgumentError, NotFoundError, UnimplementedError

from .checksum import crc32c, mask
from .messages import BundleEntryProto, BundleHeaderProto
from .slices import Slices, slice_key
from .table import read_table, write_table
from .tensors import dims_of, dtype_of, shape_proto
from .wire import DecodeError, read_varint, write_varint

__all__ = ["BundleReader", "bundle_exists", "bundle_files", "write_bundle"]

_writes = itertools.count()


def write_bundle(prefix: str, tensors: Mapping[str, Any]) -> None:
    """Write arrays, or `Slices` of them, by name as a checkpoint; `InvalidArgumentError` for the empty name."""
    if "" in tensors:
        raise InvalidArgumentError(None, None, "A tensor of a checkpoint needs a name.")
    part = f".part-{os.getpid()}-{next(_writes)}"
    data_path, index_path = f"{prefix}.data-00000-of-00001", f"{prefix}.index"
    header = BundleHeaderProto(num_shards=1, version={"producer": 1})
    entries = [(b"", header.SerializeToString())]
    offset = 0
    with open(data_path + part, "wb") as file:
        for name, value in sorted(_entries(tensors), key=lambda item: item[0]):
            if isinstance(value, BundleEntryProto):
                entries.append((name, value.SerializeToString()))
                continue
            array = as_array(value)
            data, checksum = _encoded(array)
            file.write(data)
            entry = BundleEntryProto(
                dtype=dtypes.from_numpy(array.dtype).as_datatype_enum, shape=shape_proto(array.shape), offset=offset,
                size=len(data), crc32c=mask(checksum),
            )  # fmt: skip
            entries.append((name, entry.SerializeToString()))
            offset += len(data)
    Path(index_path + part).write_bytes(write_table(entries))
    os.replace(data_path + part, data_path)
    os.replace(index_path + part, index_path)


def _entries(tensors: Mapping[str, Any]) -> Iterator[tuple[bytes, Any]]:
    """The keys of an index with their arrays; of a tensor in parts each part's, and the message that tells of them."""
    for name, value in tensors.items():
        if not isinstance(value, Slices):
            yield name.encode(), value
            continue
        kind = dtypes.from_numpy(as_array(value.parts[0][1]).dtype)
        whole = BundleEntryProto(dtype=kind.as_datatype_enum, shape=shape_proto(value.shape))
        for start, part in value.parts:
            extent = [{"start": s, "length": n} for s, n in zip(start, part.shape, strict=True)]
            whole.slices.add(extent=extent)
            yield slice_key(name, start, part.shape), part
        yield name.encode(), whole


def _encoded(array: np.ndarray[Any, Any]) -> tuple[bytes, int]:
    """A tensor's bytes and their checksum. Strings: their lengths, a checksum of those, the strings."""
    if array.dtype != object:
        data = np.ascontiguousarray(array).tobytes()
        return data, crc32c(data)
    strings = array.reshape(-1).tolist()
    checksum = crc32c(b"".join(struct.pack("<I", len(s)) for s in strings))
    lengths = struct.pack("<I", mask(checksum))
    text = b"".join(strings)
    return b"".join([*(write_varint(len(s)) for s in strings), lengths, text]), crc32c(lengths + text, checksum)


def bundle_exists(prefix: str) -> bool:
    """Whether there is a checkpoint of that prefix."""
    return Path(f"{prefix}.index").is_file()


def bundle_files(prefix: str) -> list[Path]:
    """The files of a checkpoint."""
    path = Path(prefix)
    return [f for f in path.parent.glob("*") if f.name == f"{path.name}.index" or _is_shard(f.name, path.name)]


def _is_shard(name: str, prefix: str) -> bool:
    rest = name.removeprefix(f"{prefix}.data-")
    return rest != name and len(rest) == 14 and rest[5:9] == "-of-" and (rest[:5] + rest[9:]).isdigit()


class BundleReader:
    """Reads the tensors of a checkpoint.

    Raises:
      NotFoundError: if there is no checkpoint of that prefix.
      DataLossError: if its files are damaged.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = str(prefix)
        path = Path(f"{prefix}.index")
        if not path.is_file():
            raise NotFoundError(
                None,
                None,
                f"Unsuccessful TensorSliceReader constructor: Failed to find any matching files for {prefix}",
            ).here()
        table = dict(read_table(path.read_bytes(), str(path)))
        try:
            header = BundleHeaderProto.FromString(table.pop(b""))
            self._entries = {k.decode(): BundleEntryProto.FromString(v) for k, v in table.items() if k[:1] != b"\0"}
            self._parts = {k: BundleEntryProto.FromString(v) for k, v in table.items() if k[:1] == b"\0"}
        except (DecodeError, KeyError, UnicodeDecodeError) as error:
            raise DataLossError(None, None, f"{path}: not the index of a checkpoint: {error!r}") from None
        if header.endianness:
            raise UnimplementedError(None, None, f"{path}: big-endian checkpoints are not read.")
        self._shards = header.num_shards

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """The shapes by name."""
        return {name: [d.size for d in entry.shape.dim] for name, entry in self._entries.items()}

    def get_variable_to_dtype_map(self) -> dict[str, Any]:
        """The dtypes by name."""
        return {name: dtype_of(entry.dtype) for name, entry in self._entries.items()}

    def has_tensor(self, tensor_str: str) -> bool:
        """Whether there is a tensor of that name."""
        return tensor_str in self._entries

    def get_tensor(self, tensor_str: str) -> np.ndarray[Any, Any]:
        """The value of a tensor; `NotFoundError` if there is none of that name."""
        entry = self._entries.get(tensor_str)
        if entry is None:
            raise NotFoundError(None, None, f"Key {tensor_str} not found in checkpoint {self._prefix}")
        return self._joined(tensor_str, entry) if entry.slices else self._array(tensor_str, entry)

    def _joined(self, name: str, entry: Any) -> np.ndarray[Any, Any]:
        """A tensor of its parts."""
        dims: Any = dims_of(entry.shape)
        out, filled = np.empty(dims, dtype_of(entry.dtype).numpy), 0
        for part in entry.slices:
            given = list(zip(part.extent, dims, strict=True))
            start = [extent.start for extent, _ in given]
            size = [extent.length if extent.WhichOneof("has_length") else dim for extent, dim in given]
            found = self._parts.get(slice_key(name, start, size))
            if found is None:
                raise self._damaged(name)
            place = tuple(slice(s, s + n) for s, n in zip(start, size, strict=True))
            if out[place].shape != tuple(size):
                raise self._damaged(name)
            out[place] = self._array(name, found)
            filled += math.prod(size)
        if filled != out.size:
            raise self._damaged(name)
        return out

    def _array(self, tensor_str: str, entry: Any) -> np.ndarray[Any, Any]:
        try:
            kind, dims = dtype_of(entry.dtype), dims_of(entry.shape)
        except (ValueError, TypeError) as error:
            raise DataLossError(None, None, f"{self._prefix}: entry of {tensor_str}: {error}") from None
        data = self._bytes(tensor_str, entry)
        count = math.prod(dims)  # type: ignore[arg-type]
        if kind is dtypes.string:
            return self._strings(tensor_str, data, count, entry.crc32c).reshape(dims)  # type: ignore[arg-type]
        if len(data) != count * kind.numpy.itemsize:
            raise self._damaged(tensor_str)
        if mask(crc32c(data)) != entry.crc32c:
            raise self._damaged(tensor_str)
        return np.frombuffer(data, kind.numpy).reshape(dims).copy()  # type: ignore[arg-type]

    def _bytes(self, name: str, entry: Any) -> bytes:
        path = Path(f"{self._prefix}.data-{entry.shard_id:05d}-of-{self._shards:05d}")
        if not path.is_file():
            raise NotFoundError(None, None, f"{path}; No such file or directory")
        if entry.offset < 0 or entry.size < 0 or entry.offset + entry.size > path.stat().st_size:
            raise self._damaged(name)
        with path.open("rb") as file:
            file.seek(entry.offset)
            return file.read(entry.size)

    def _strings(self, name: str, data: bytes, count: int, stored: int) -> np.ndarray[Any, Any]:
        lengths, at = [], 0
        try:
            for _ in range(min(count, len(data) + 1)):
                length, at = read_varint(data, at)
                lengths.append(length)
        except DecodeError:
            raise self._damaged(name) from None
        of_lengths = crc32c(b"".join(struct.pack("<I", n & 0xFFFFFFFF) for n in lengths))
        if data[at : at + 4] != struct.pack("<I", mask(of_lengths)) or at + 4 + sum(lengths) != len(data):
            raise self._damaged(name)
        if mask(crc32c(data[at:], of_lengths)) != stored:
            raise self._damaged(name)
        out = np.empty(count, object)
        at += 4
        for i, length in enumerate(lengths):
            out[i] = data[at : at + length]
            at += length
        return out

    def _damaged(self, name: str) -> DataLossError:
        return DataLossError(None, None, f"Checksum or size of {name} in {self._prefix} does not match: it is damaged.")
