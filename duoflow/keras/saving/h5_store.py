"""Weights in HDF5, in Keras 3's layout: `<path>/vars/<index>`, and the object's name as an attribute of `vars`.

Reading trusts nothing: links that lead out of the file and data that would unfold to far more than the file holds are
refused.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np

from ..variables import Variable
from .limits import check_expansion

__all__ = ["H5Reader", "H5Writer", "attribute", "import_h5py", "member", "open_to_read", "values_of"]


def import_h5py() -> Any:
    """The package h5py."""
    import h5py  # optional for programs that save nothing, and slow to import

    return h5py


class H5Writer:
    """Writes groups of arrays to a file or buffer."""

    def __init__(self, target: Any) -> None:
        self._file = import_h5py().File(target, "w")

    def make(self, path: str, name: Any = None) -> H5Group:
        """The group of an object's variables."""
        return H5Group(self._file, f"{path}/vars" if path else "vars", name if isinstance(name, str) else None)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def __enter__(self) -> H5Writer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class H5Group:
    """One object's variables under construction; objects without a name and variables leave no group."""

    def __init__(self, file: Any, path: str, name: str | None) -> None:
        self._file, self._path = file, path
        self._group: Any = None
        if name is not None:
            self._ready().attrs["name"] = name

    def _ready(self) -> Any:
        if self._group is None:
            self._group = self._file.require_group(self._path)
        return self._group

    def __setitem__(self, key: str, value: Any) -> None:
        array = value.numpy() if isinstance(value, Variable) else np.asarray(value)
        array = np.asarray(array)
        if array.dtype == ml_dtypes.bfloat16:
            dataset = self._ready().create_dataset(key, data=array.view("V2"))
            dataset.attrs["dtype"] = "bfloat16"
        else:
            self._ready()[key] = array


def open_to_read(source: Any, shown_name: Any = None) -> Any:
    """An HDF5 file, open; `FileNotFoundError` for none, `OSError` for one that is damaged or something else."""
    shown_name = source if shown_name is None else shown_name
    try:
        return import_h5py().File(source, "r")
    except FileNotFoundError:
        raise FileNotFoundError(f"No weights file at {shown_name}.") from None
    except OSError as error:
        raise OSError(
            f"Unable to open the weights file {shown_name}: it is not an HDF5 file, or it is damaged or cut off "
            f"({error}). Save the weights again, or take another copy of the file."
        ) from None


@contextlib.contextmanager
def damage_named() -> Iterator[None]:
    """Turn what HDF5 says of a damaged file into an `OSError` that says so."""
    try:
        yield
    except RuntimeError as error:
        raise OSError(f"The HDF5 file is damaged ({error}). Take another copy of it.") from None


def attribute(group: Any, name: str) -> Any:
    """An attribute of a group or file, None if there is none."""
    with damage_named():
        return group.attrs.get(name)


class H5Reader:
    """Reads groups of arrays from a file or buffer; `OSError` for what is no (whole) HDF5 file."""

    def __init__(self, source: Any, shown_name: str) -> None:
        self._file = open_to_read(source, shown_name)

    def get(self, path: str) -> H5Values:
        """The variables of an object; none if the file does not have it."""
        group = member(self._file, f"{path}/vars" if path else "vars")
        if group is None and "_layer_checkpoint_dependencies" in self._file:  # files of Keras 2.13
            group = member(self._file, f"{path.replace('layers', '_layer_checkpoint_dependencies')}/vars")
        return H5Values(group)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> H5Reader:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class H5Values:
    """The variables of one object, by key; in no group, or in those of several files."""

    def __init__(self, *groups: Any) -> None:
        self.groups = [group for group in groups if group is not None]

    def keys(self) -> Any:
        """The keys, "0", "1", ..."""
        return [key for group in self.groups for key in group]

    def __len__(self) -> int:
        return len(self.keys())

    def __contains__(self, key: object) -> bool:
        return key in self.keys()

    def __getitem__(self, key: str) -> np.ndarray[Any, Any]:
        for group in self.groups:
            if (dataset := member(group, key)) is not None:
                return values_of(dataset)
        raise KeyError(f"The weights file has no entry '{key}' here; it has {self.keys()}.")


def values_of(dataset: Any) -> np.ndarray[Any, Any]:
    """The values of a dataset; `ValueError` for what is none, lies elsewhere, or would unfold to absurd sizes."""
    if not isinstance(dataset, import_h5py().Dataset):
        raise ValueError(f"The weights file has a group where the values of '{dataset.name}' should be.")
    with damage_named():
        elsewhere, stored = dataset.external or dataset.is_virtual, dataset.id.get_storage_size()
    if elsewhere:
        raise ValueError(f"The values of '{dataset.name}' lie outside the weights file; this is refused.")
    check_expansion(f"'{dataset.name}'", dataset.nbytes, stored)
    try:
        array = dataset[()]
    except (OSError, RuntimeError) as error:
        raise OSError(f"The weights file is damaged at '{dataset.name}' ({error}).") from None
    array = np.asarray(array)
    return array.view(ml_dtypes.bfloat16) if dataset.attrs.get("dtype") == "bfloat16" else array


def member(group: Any, path: str) -> Any:
    """What lies at a path, followed through hard links only; None if there is nothing."""
    h5py = import_h5py()
    for part in path.split("/"):
        with damage_named():
            if not isinstance(group, h5py.Group) or part not in group:
                return None
            if not isinstance(group.get(part, getlink=True), h5py.HardLink):
                raise ValueError(f"The weights file has a link at '{part}' that leads elsewhere; this is refused.")
            group = group[part]
    return group
