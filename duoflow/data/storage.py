"""Elements kept in memory or on disk.

Files hold plain NumPy arrays (`.npz`, no pickles), are written under a temporary name and renamed.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.errors import DataLossError, NotFoundError
from duoflow.core.spec import TensorSpec
from duoflow.core.tensor import GraphTensor

from .dataset import Dataset
from .recipes import element_of
from .structure import Flat, Structure, array

__all__ = ["cache", "load", "save"]


class Cached(Dataset):
    """Elements remembered after the first complete iteration."""

    _called = "CacheDataset"

    def __init__(self, source: Dataset) -> None:
        self._kept: list[Flat] | None = None
        super().__init__(source._structure, source._size, source)

    def _stream(self) -> Iterator[Flat]:
        if self._kept is not None:
            yield from self._kept
            return
        kept = []
        for flat in self._inputs[0]._stream():
            kept.append(flat)
            yield flat
        self._kept = kept


class CachedInFile(Dataset):
    """Elements written to a file by the first complete iteration."""

    _called = "CacheDataset"

    def __init__(self, source: Dataset, name: Any) -> None:
        self._name = name
        super().__init__(source._structure, source._size, source)

    def _stream(self) -> Iterator[Flat]:
        path = Path(self._name.item().decode() + ".npz")
        if path.exists():
            yield from _read(path, self._structure)
            return
        kept = []
        for flat in self._inputs[0]._stream():
            kept.append(flat)
            yield flat
        _write(path, kept)


def cache(source: Dataset, filename: Any) -> Dataset:
    """Remember elements in memory, or in a file if one is named."""
    name = array(element_of(filename))
    return CachedInFile(source, name) if type(name) is GraphTensor or name.item() else Cached(source)


def _write(path: Path, elements: list[Flat]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {f"{i}_{j}": _storable(leaf) for i, flat in enumerate(elements) for j, leaf in enumerate(flat)}
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npz")
    with os.fdopen(handle, "wb") as file:
        np.savez(file, count=np.asarray(len(elements)), **arrays)
    os.replace(temporary, path)


def _storable(leaf: Any) -> Any:
    """Strings are stored as their bytes and lengths, bfloat16 and its like as bits."""
    if leaf.dtype == object:
        parts = [bytes(x) for x in leaf.reshape(-1).tolist()]
        return np.frombuffer(json.dumps([list(leaf.shape), [p.hex() for p in parts]]).encode(), np.uint8)
    return leaf if leaf.dtype.kind != "V" else leaf.view(f"u{leaf.dtype.itemsize}")


def _restored(stored: Any, dtype: Any) -> Any:
    if dtype is dtypes.string:
        shape, parts = json.loads(stored.tobytes().decode())
        out = np.empty(len(parts), object)
        out[:] = [bytes.fromhex(p) for p in parts]
        return out.reshape(shape)
    return stored if stored.dtype == dtype.numpy else stored.view(dtype.numpy)


def _read(path: Path, structure: Structure) -> Iterator[Flat]:
    try:
        with np.load(path, allow_pickle=False) as file:
            for i in range(int(file["count"])):
                yield tuple(_restored(file[f"{i}_{j}"], s.dtype) for j, s in enumerate(structure.flat))
    except (OSError, KeyError, ValueError, EOFError) as error:
        raise DataLossError(f"{path} is not a readable file of cached elements: {error}").here() from error


class Saved(Dataset):
    """Elements read from a folder written by `save`."""

    def __init__(self, path: Path, structure: Structure, size: int) -> None:
        self._path = path
        super().__init__(structure, size)

    def _stream(self) -> Iterator[Flat]:
        return _read(self._path / "elements.npz", self._structure)


def save(dataset: Dataset, path: str) -> None:
    """Write the elements and their spec to a folder."""
    folder = Path(path)
    elements = list(dataset._stream())
    _write(folder / "elements.npz", elements)
    description = {"count": len(elements), "spec": _describe(dataset.element_spec)}
    temporary = folder / "spec.json.tmp"
    temporary.write_text(json.dumps(description))
    os.replace(temporary, folder / "spec.json")


def load(path: str, element_spec: Any) -> Dataset:
    """The dataset in a folder."""
    folder = Path(path)
    try:
        description = json.loads((folder / "spec.json").read_text())
    except FileNotFoundError:
        raise NotFoundError(f"{path} holds no saved dataset.").here() from None
    except ValueError as error:
        raise DataLossError(f"{path}/spec.json is corrupt: {error}").here() from None
    spec = _restore_spec(description["spec"]) if element_spec is None else element_spec
    return Saved(folder, Structure(spec), int(description["count"]))


def _describe(spec: Any) -> Any:
    if isinstance(spec, dict):
        return {"dict": {k: _describe(v) for k, v in spec.items()}}
    if isinstance(spec, tuple):
        return {"tuple": [_describe(v) for v in spec]}
    return {"shape": None if spec.shape.rank is None else spec.shape.as_list(), "dtype": spec.dtype.name}


def _restore_spec(description: Any) -> Any:
    if "dict" in description:
        return {k: _restore_spec(v) for k, v in description["dict"].items()}
    if "tuple" in description:
        return tuple(_restore_spec(v) for v in description["tuple"])
    return TensorSpec(description["shape"], description["dtype"])
