"""Weights in several files: `name.weights.json` says which of `name_00000.weights.h5`, ... has an object's variables.

    {"metadata": {"total_size": bytes}, "weight_map": {"/layers/dense/vars": ["name_00000.weights.h5"], ...}}

An object's variables may lie in several files. Reading opens files beside the map only.
"""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..variables import Variable
from .files import replacing
from .h5_store import H5Reader, H5Values, H5Writer

__all__ = ["ShardsReader", "is_sharded", "write_shards"]

ENDING = ".weights.json"


def is_sharded(filepath: Any) -> bool:
    """Whether a name is that of a map of files."""
    return str(filepath).endswith(ENDING)


@contextlib.contextmanager
def write_shards(filepath: Any, max_shard_size: float) -> Iterator[ShardsWriter]:
    """A store of files of at most `max_shard_size` GiB of values each.

    They take their names when the block ends well, the map last, and vanish otherwise.
    """
    path = Path(filepath)
    if path.suffix != ".json":
        path = path.with_suffix(".json")
        warnings.warn(f"Saving sharded weights requires `*.json` as the extension: writing {path}.", stacklevel=5)
    with contextlib.ExitStack() as files:
        temporary = files.enter_context(replacing(path))
        writer = ShardsWriter(path, max_shard_size, files)
        yield writer
        writer.close()
        temporary.write_text(json.dumps(writer.contents(), indent=4))


class ShardsWriter:
    """Writes groups of arrays to one file after another."""

    def __init__(self, path: Path, max_shard_size: float, files: contextlib.ExitStack) -> None:
        self._path, self._files = path, files
        self._limit = float(max_shard_size) * 1024**3
        self._names: list[str] = []
        self._weight_map: dict[str, list[str]] = {}
        self._in_shard = self._in_all = 0
        self._store = self._next_store()

    def _next_store(self) -> H5Writer:
        base = self._path.stem.replace(".weights", "")
        self._names.append(f"{base}_{len(self._names):05}.weights.h5")
        temporary = self._files.enter_context(replacing(self._path.with_name(self._names[-1])))
        return self._files.enter_context(H5Writer(temporary))

    def make(self, path: str, name: Any = None) -> ShardsGroup:
        """The group of an object's variables."""
        return ShardsGroup(self, path, self._store, name)

    def store_for(self, key: str, size: int) -> H5Writer:
        """The store that the next value goes to, a new one if it does not fit."""
        if size > self._limit:
            raise ValueError(
                f"The size of variable {key} is {size:,} bytes, which exceeds the maximum shard size of "
                f"{self._limit:,.0f} bytes. Increase `max_shard_size` (in GiB)."
            )
        self._in_all += size
        self._in_shard += size
        if self._in_shard > self._limit:
            self._store.close()
            self._store, self._in_shard = self._next_store(), size
        return self._store

    def note(self, path: str) -> None:
        """Remember that the present file has variables of an object."""
        names = self._weight_map.setdefault(f"/{path}/vars" if path else "/vars", [])
        if self._names[-1] not in names:
            names.append(self._names[-1])

    def close(self) -> None:
        """Finish the file in hand."""
        self._store.close()

    def contents(self) -> dict[str, Any]:
        """The map."""
        return {"metadata": {"total_size": float(self._in_all)}, "weight_map": self._weight_map}


class ShardsGroup:
    """One object's variables under construction, in one file or several."""

    def __init__(self, writer: ShardsWriter, path: str, store: H5Writer, name: Any) -> None:
        self._writer, self._path, self._store = writer, path, store
        self._group = store.make(path, name)

    def __setitem__(self, key: str, value: Any) -> None:
        array = np.asarray(value.numpy() if isinstance(value, Variable) else value)
        store = self._writer.store_for(key, array.nbytes)
        if store is not self._store:
            self._store, self._group = store, store.make(self._path)
        self._group[key] = array
        self._writer.note(self._path)


class ShardsReader:
    """Reads groups of arrays from the files that a map names."""

    def __init__(self, filepath: Any) -> None:
        self._path = Path(filepath)
        self._weight_map = _weight_map(self._path)
        self._open: dict[str, H5Reader] = {}

    def get(self, path: str) -> H5Values:
        """The variables of an object; none if no file has it."""
        names = self._weight_map.get(f"/{path}/vars" if path else "/vars", ())
        return H5Values(*(group for name in names for group in self._reader(name).get(path).groups))

    def _reader(self, name: str) -> H5Reader:
        if name not in self._open:
            self._open[name] = H5Reader(self._path.with_name(name), name)
        return self._open[name]

    def __enter__(self) -> ShardsReader:
        return self

    def __exit__(self, *exc: object) -> None:
        for reader in self._open.values():
            reader.close()


def _weight_map(path: Path) -> dict[str, list[str]]:
    """Paths of objects to names of files; `ValueError` for a damaged map, and for names that lead elsewhere."""
    try:
        contents = json.loads(path.read_text(encoding="utf-8"))
        entries = {key: [names] if isinstance(names, str) else names for key, names in contents["weight_map"].items()}
        listed = {name for names in entries.values() for name in names}
    except FileNotFoundError:
        raise FileNotFoundError(f"No weights file at {path}.") from None
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"The map of weights files {path} is damaged: {error!r}") from None
    for name in listed:
        if not isinstance(name, str) or Path(name).name != name or "\\" in name or not name.endswith(".weights.h5"):
            raise ValueError(f"The map {path} names a file that is not a weights file beside it: {name!r}.")
    return entries
