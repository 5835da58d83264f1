"""Walking an object's state as Keras 3 does: own variables first, then the children found in its attributes.

Attributes are visited by name, private ones last; those that every object of the kind has are not searched. Lists and
dicts name their elements by class, "dense", "dense_1". The walk decides the paths in a weights file.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from ..naming import to_snake_case
from ..tracking import KerasSaveable

__all__ = ["load_state", "reference_object", "save_state", "saveables"]

#: A bare object of each kind, made when first needed; layers, optimizers, metrics and losses register theirs.
_REFERENCES: dict[str, Any] = {}
_ALSO_SKIPPED = {"Functional": {"operations", "_operations"}, "Sequential": {"_functional"}}


def reference_object(kind: str, make: Any) -> None:
    """Tell how to make a bare object of a kind, whose attributes hold no children."""
    _REFERENCES[kind] = make


@functools.cache
def _skipped(kind: str) -> frozenset[str]:
    base = "Layer" if kind in ("Functional", "Sequential") else kind
    make = _REFERENCES.get(base)
    return frozenset(set(dir(make())) if make is not None else ()) | _ALSO_SKIPPED.get(kind, set())


def _children(saveable: Any) -> Iterator[tuple[str, Any]]:
    kind = saveable._obj_type()
    if kind in ("Functional", "Sequential"):
        yield "layers", saveable.layers
    skipped = _skipped(kind)
    for name in sorted(dir(saveable), key=lambda n: f"~{n}" if n.startswith("_") else n):
        if name.startswith("__") or name in skipped:
            continue
        try:
            yield name, getattr(saveable, name)
        except Exception:
            continue


def _joined(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _elements(container: Any) -> Iterator[tuple[str, Any]]:
    """The saveable or container elements of a container, with their names in the file."""
    used: dict[str, int] = {}
    for item in container.values() if isinstance(container, dict) else container:
        if isinstance(item, KerasSaveable):
            name = to_snake_case(type(item).__name__)
        elif isinstance(item, list | tuple | dict):
            name = "container"
        else:
            continue
        count = used.get(name)
        used[name] = 0 if count is None else count + 1
        yield (name if count is None else f"{name}_{used[name]}"), item


def saveables(root: Any, skip: Any = None) -> Iterator[tuple[str, Any]]:
    """The paths and objects of an object and all its children, each once. skip: objects to leave out, with theirs."""
    seen: set[int] = {id(item) for item in skip or ()}

    def visit(item: Any, path: str) -> Iterator[tuple[str, Any]]:
        if id(item) in seen or not isinstance(item, KerasSaveable | list | tuple | dict):
            return
        seen.add(id(item))
        if isinstance(item, KerasSaveable):
            yield path, item
        inside = _children(item) if isinstance(item, KerasSaveable) else _elements(item)
        for name, child in inside:
            yield from visit(child, _joined(path, name))

    yield from visit(root, "")


def save_state(root: Any, store: Any, assets: Any = None, skip: Any = None) -> None:
    """Write the state of an object and all its children to a store: `store.make(path, name)` gives a group.

    assets: an `AssetsWriter` for what is not variables. skip: objects to leave out, with their children.
    """
    for path, saveable in saveables(root, skip):
        if hasattr(saveable, "save_own_variables"):
            saveable.save_own_variables(store.make(path, getattr(saveable, "name", None)))
        if assets is not None:
            assets.save(saveable, path)


def load_state(root: Any, store: Any, skip: Any = None, assets: Any = None) -> dict[int, tuple[Any, Exception]]:
    """Read the state of an object and all its children; returns what failed: id to (object, error).

    An object reached by several paths counts as loaded if one of them works.
    """
    loaded: set[int] = {id(item) for item in skip or ()}
    failed: dict[int, tuple[Any, Exception]] = {}
    containers: set[int] = set()

    def load(saveable: Any, path: str) -> None:
        if id(saveable) in loaded:
            return
        before, fine = len(failed), True
        if hasattr(saveable, "load_own_variables"):
            try:
                saveable.load_own_variables(store.get(path))
            except Exception as error:
                failed[id(saveable)] = saveable, error
                fine = False
        if assets is not None:
            assets.load(saveable, path)
        children_before = len(failed)
        for name, child in _children(saveable):
            visit(child, _joined(path, name))
        if fine:
            if len(failed) <= max(before, children_before):
                loaded.add(id(saveable))
            failed.pop(id(saveable), None)

    def visit(child: Any, path: str) -> None:
        if isinstance(child, KerasSaveable):
            load(child, path)
        elif isinstance(child, list | tuple | dict) and id(child) not in containers:
            containers.add(id(child))
            for name, item in _elements(child):
                visit(item, _joined(path, name))
            containers.discard(id(child))

    load(root, "")
    return failed
