"""Looking into weights files and changing them: what to do when a model's layers are no longer those of its file.

In hand is a tree of dicts, `{"layers": {"dense": {"0": kernel, "1": bias}}}`: objects by name, variables by number.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape

from .archive import CONFIG, METADATA, read_json
from .files import replacing
from .h5_store import H5Writer, attribute, import_h5py, member, open_to_read, values_of
from .members import open_archive, read_member
from .state_tree import save_state
from .weights_file import WEIGHTS_IN_ARCHIVE

__all__ = ["KerasFileEditor"]

#: What a tree is drawn with: a branch, the last one, and the line past a branch.
_BRANCHES = {"utf": ("├─ ", "└─ ", "│   "), "plain": ("|- ", "`- ", "|   ")}


class KerasFileEditor:
    """Shows, edits and writes the weights of a `.weights.h5` or `.keras` file.

    Args:
      filepath: the file. It is read once and never changed; `save` writes another.

    Objects are named by their place, "layers/dense_2", or by its last part where that occurs once.

    Raises `ValueError` for other kinds of files, damaged ones and names that are not there.

    Keras: keras.saving.KerasFileEditor.
    """

    def __init__(self, filepath: Any) -> None:
        self.filepath = os.fspath(filepath)
        self.metadata: Any = None
        self.config: Any = None
        self.model = None
        self.console = Console(highlight=False)
        source: Any = self.filepath
        if self.filepath.endswith(".keras"):
            with open_archive(self.filepath) as archive:
                self.config = read_json(archive, CONFIG, self.filepath)
                self.metadata = read_json(archive, METADATA, self.filepath)
                source = io.BytesIO(read_member(archive, WEIGHTS_IN_ARCHIVE, self.filepath))
        elif not self.filepath.endswith(".weights.h5"):
            raise ValueError(
                f"Invalid filename: expected a `.keras` `.weights.h5` extension. Received: filepath={self.filepath}"
            )
        self.object_metadata: dict[str, dict[str, Any]] = {}
        with open_to_read(source, self.filepath) as file:
            self.weights_dict = self._read(file, "")
        self.console.print(f"Keras model file [color(45)]'{escape(self.filepath)}'[/]")
        if self.metadata is not None:
            version, date = self.metadata.get("keras_version"), self.metadata.get("date_saved")
            self.console.print(f"Saved with Keras [color(45)]{version}[/] - date: [color(45)]{date}[/]")

    def _read(self, group: Any, path: str) -> dict[str, Any]:
        """What a group holds: an object's variables and, unless they are empty, the objects in it."""
        found: dict[str, Any] = {}
        for key in group:
            item, inside = member(group, key), f"{path}/{key}"
            if not isinstance(item, import_h5py().Group):
                found[key] = values_of(item)
            elif key == "vars":
                name = attribute(item, "name")
                if name is not None:
                    self.object_metadata[path] = {"name": name}
                found |= self._read(item, path)
            elif content := self._read(item, inside):
                found[key] = content
        return found

    # -- showing -------------------------------------------------------------------------------------------------------

    def summary(self) -> None:
        """Print the objects and the shapes and dtypes of their variables."""
        self.console.print("Weights structure")
        self._print(self.weights_dict, "", "  ")

    def _print(self, tree: dict[str, Any], path: str, prefix: str) -> None:
        branch, end, line = _BRANCHES["utf" if self.console.encoding.startswith("utf") else "plain"]
        for key, value in tree.items():
            last = key == list(tree)[-1]
            connector, inside = end if last else branch, f"{path}/{key}"
            if isinstance(value, dict):
                name = self.object_metadata.get(inside, {}).get("name")
                self.console.print(f"{prefix}{connector}[bold]{escape(key)}[/]" + (f" ('{name}')" if name else ""))
                self._print(value, inside, prefix + ("    " if last else line))
            else:
                value = np.asarray(value)
                self.console.print(f"{prefix}{connector}[bold]{key}[/]: shape={value.shape}, dtype={value.dtype}")

    def compare(self, reference_model: Any) -> dict[str, Any]:
        """What a model has and the file has not, the reverse, and variables of different shapes, printed.

        Returns {"status": "success" or "error", "error_count", "match_count"}.
        """
        self.console.print("Running comparison")
        wanted = _Tree(reference_model)
        errors = [*_missing(wanted, self.weights_dict, "reference model", "saved file")]
        errors += _missing(self.weights_dict, wanted, "saved file", "reference model")
        shapes = {path: np.shape(value) for path, value in _leaves(self.weights_dict)}
        both = [(path, np.shape(value)) for path, value in _leaves(wanted) if path in shapes]
        errors += [
            f"Weight shape mismatch for [bold]{path}[/]\n    In reference model: shape={shape}\n"
            f"    In saved file: shape={shapes[path]}"
            for path, shape in both
            if shape != shapes[path]
        ]
        matches = sum(shape == shapes[path] for path, shape in both)
        for error in errors:
            self.console.print(f"[color(160)]...{error}[/]")
        if errors:
            self.console.print(
                f"[color(160)][bold]Found {len(errors)} error{'s' * (len(errors) > 1)}:[/] saved file is not "
                "compatible with the reference model[/]"
            )
        else:
            self.console.print(
                "[color(28)][bold]Comparison successful:[/] saved file is compatible with the reference model[/]\n"
                f"    Found {matches} matching weight{'s' * (matches > 1)}"
            )
        return {"status": "error" if errors else "success", "error_count": len(errors), "match_count": matches}

    # -- editing -------------------------------------------------------------------------------------------------------

    def rename_object(self, object_name: str, new_name: str) -> None:
        """Give an object another name, in its place; `new_name` has no "/"."""
        if "/" in new_name:
            raise ValueError(f"`new_name` should be a leaf name, not a full path name. Received: new_name='{new_name}'")
        holder, name = self._find(object_name)
        holder[new_name] = holder.pop(name)

    def delete_object(self, object_name: str) -> None:
        """Remove an object with all that is in it."""
        holder, name = self._find(object_name)
        del holder[name]

    def add_object(self, object_path: str, weights: dict[str, Any]) -> None:
        """Add an object of arrays `{"0": kernel, "1": bias}` at a path, "layers/dense_2"."""
        _check_arrays(weights)
        *parents, name = object_path.split("/")
        holder = self.weights_dict
        for parent in parents:
            if parent not in holder:
                raise ValueError(f"Path '{'/'.join(parents)}' not found in model.")
            holder = holder[parent]
        holder[name] = weights

    def delete_weight(self, object_name: str, weight_name: str) -> None:
        """Remove a variable, "0", of an object."""
        holder, name = self._find(object_name)
        if weight_name not in holder[name]:
            raise ValueError(
                f"Weight {weight_name} not found in object {object_name}. Weights found: {list(holder[name])}"
            )
        del holder[name][weight_name]

    def add_weights(self, object_name: str, weights: dict[str, Any]) -> None:
        """Add variables `{"2": array}` to an object, or replace those it has."""
        _check_arrays(weights)
        holder, name = self._find(object_name)
        holder[name].update(weights)

    def _find(self, name: str) -> tuple[dict[str, Any], str]:
        """The dict that has an object, and its key there."""
        if "/" not in name:
            holders = [holder for holder in _dicts(self.weights_dict) if name in holder]
            if len(holders) > 1:
                raise ValueError(f"Name '{name}' occurs more than once in the model; try passing a complete path")
            if not holders:
                raise ValueError(f"Name '{name}' does not appear in the model. `summary()` lists all objects.")
            return holders[0], name
        *parents, last = name.split("/")
        holder = self.weights_dict
        for part in (*parents, last):
            if not isinstance(holder, dict) or part not in holder:
                raise ValueError(f"Path '{name}' not found in model.")
            holder, inside = holder[part], holder
        return inside, last

    # -- writing -------------------------------------------------------------------------------------------------------

    def save(self, filepath: Any) -> None:
        """Write the weights as they are now to a `.weights.h5` file, all or nothing."""
        if not os.fspath(filepath).endswith(".weights.h5"):
            raise ValueError(
                f"Invalid `filepath` argument: expected a `.weights.h5` extension. Received: filepath={filepath}"
            )
        with replacing(Path(filepath)) as temporary, H5Writer(temporary) as store:
            self._write(store, self.weights_dict, "")

    def resave_weights(self, filepath: Any) -> None:
        """The same as `save`."""
        self.save(filepath)

    def _write(self, store: H5Writer, tree: dict[str, Any], path: str) -> None:
        group = store.make(path, self.object_metadata.get(f"/{path}", {}).get("name"))
        for key, value in tree.items():
            if isinstance(value, dict):
                self._write(store, value, f"{path}/{key}" if path else key)
            else:
                group[key] = value


def _check_arrays(weights: Any) -> None:
    if not isinstance(weights, dict):
        raise ValueError(
            "Argument `weights` should be a dict where keys are weight names (usually '0', '1', etc.) and values are "
            f"NumPy arrays. Received: type(weights)={type(weights)}"
        )


def _dicts(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A tree and all trees in it."""
    yield tree
    for value in tree.values():
        if isinstance(value, dict):
            yield from _dicts(value)


def _leaves(tree: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """The paths and values of all that is no dict."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{path}/{key}")
        else:
            yield f"{path}/{key}", value


def _missing(tree: dict[str, Any], other: dict[str, Any], here: str, there: str, path: str = "") -> Iterator[str]:
    """What a tree has and another has not: whole objects, and variables of objects that both have."""
    for key, value in tree.items():
        inside, known = f"{path}/{key}", other.get(key)
        if known is None:
            if isinstance(value, dict) and not any(True for _ in _leaves(value)):
                continue
            kind = "Object" if isinstance(value, dict) else "Weight"
            yield f"{kind} [bold]{inside}[/] present in {here}, missing from {there}"
        elif isinstance(value, dict) and isinstance(known, dict):
            yield from _missing(value, known, here, there, inside)


class _Tree(dict[str, Any]):
    """The variables of a model, in the tree that a file of it would have."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        save_state(model, self)

    def make(self, path: str, name: Any = None) -> dict[str, Any]:
        """The dict that takes an object's variables."""
        tree: dict[str, Any] = self
        for part in filter(None, path.split("/")):
            tree = tree.setdefault(part, {})
        return tree
