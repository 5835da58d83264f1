"""keras.tree: nested structures of lists, tuples and dicts; dicts are gone through by sorted key, None is a leaf."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duoflow.core import nest

__all__ = [
    "MAP_TO_NONE", "assert_same_paths", "assert_same_structure", "flatten", "flatten_with_path", "is_nested",
    "lists_to_tuples", "map_shape_structure", "map_structure", "map_structure_up_to", "pack_sequence_as", "traverse",
]  # fmt: skip


class MAP_TO_NONE:
    """What a function gives to `traverse` to put None in the place of a value. Keras: keras.tree.MAP_TO_NONE."""


def is_nested(structure: Any) -> bool:
    """Whether a value is a structure rather than a leaf. Keras: keras.tree.is_nested."""
    return nest.is_nested(structure)


def flatten(structure: Any) -> list[Any]:
    """The leaves in order. Keras: keras.tree.flatten."""
    return nest.flatten(structure)


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """Pairs of a leaf's path, a tuple of indices and keys, and the leaf. Keras: keras.tree.flatten_with_path."""
    return nest.flatten_with_path(structure)


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """The structure of the results of a function on corresponding leaves.

    none_is_leaf: whether the function is called on None; if not, None stays.

    >>> tf.keras.tree.map_structure(lambda x: x + 1, {"a": 1, "b": (2, 3)})
    {'a': 2, 'b': (3, 4)}

    Keras: keras.tree.map_structure.
    """
    if not callable(func):
        raise TypeError(f"`func` must be callable. Received: func={func}")
    if not structures:
        raise ValueError("Must provide at least one structure")
    if none_is_leaf:
        return nest.map_structure(func, *structures)
    return nest.map_structure(lambda *leaves: None if leaves[0] is None else func(*leaves), *structures)


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """`map_structure` down to the leaves of a shallow structure: the function gets what is below.

    Keras: keras.tree.map_structure_up_to.
    """
    if not structures:
        raise ValueError("Must provide at least one structure")
    if not nest.is_nested(shallow_structure):
        return func(*structures)
    parts = [_children(shallow_structure), *map(_children, structures)]
    if len({len(part) for part in parts}) > 1:
        raise ValueError(
            "The structures must have the same number of elements as the shallow one. Received: "
            f"{shallow_structure} and {structures}"
        )
    mapped = [map_structure_up_to(shallow, func, *below) for shallow, *below in zip(*parts, strict=True)]
    return _rebuilt(shallow_structure, mapped)


def pack_sequence_as(structure: Any, flat_sequence: Any) -> Any:
    """Leaves put into a structure. Keras: keras.tree.pack_sequence_as."""
    return nest.pack_sequence_as(structure, flat_sequence)


def assert_same_structure(a: Any, b: Any, check_types: Any = None) -> None:
    """Raises `ValueError` where two structures differ; `check_types` is accepted, types are always compared.

    Keras: keras.tree.assert_same_structure.
    """
    nest.assert_same_structure(a, b)


def assert_same_paths(a: Any, b: Any) -> None:
    """Raises `ValueError` where two structures have different paths. Keras: keras.tree.assert_same_paths."""
    ours, theirs = ({path for path, _ in nest.flatten_with_path(x)} for x in (a, b))
    if ours != theirs:
        raise ValueError(
            "`a` and `b` don't have the same paths. Found in only one of them: "
            f"{sorted(map(str, ours ^ theirs))}"
        )


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """A structure in which a function replaces what it does not give None for; `MAP_TO_NONE` makes None.

    top_down: whether the function sees a structure before its elements, whose replacement is then not gone into.

    Keras: keras.tree.traverse.
    """
    if top_down:
        result = func(structure)
        if result is not None:
            return None if result is MAP_TO_NONE else result
    if nest.is_nested(structure):
        structure = _rebuilt(structure, [traverse(func, child, top_down) for child in _children(structure)])
    if top_down:
        return structure
    result = func(structure)
    return structure if result is None else None if result is MAP_TO_NONE else result


def lists_to_tuples(structure: Any) -> Any:
    """A structure with tuples for its lists. Keras: keras.tree.lists_to_tuples."""
    return traverse(lambda x: tuple(x) if isinstance(x, list) else None, structure, top_down=False)


def map_shape_structure(func: Callable[[Any], Any], structure: Any) -> Any:
    """`map_structure` over shapes, tuples and lists of ints and None. Keras: keras.tree.map_shape_structure."""
    if not callable(func):
        raise TypeError(f"`func` must be callable. Received: func={func}")
    if isinstance(structure, list | tuple) and all(size is None or isinstance(size, int) for size in structure):
        return func(tuple(structure))
    if nest.is_nested(structure):
        return _rebuilt(structure, [map_shape_structure(func, child) for child in _children(structure)])
    raise ValueError(f"Cannot map function to unknown object {structure}")


def _children(structure: Any) -> list[Any]:
    """The elements of a structure, by sorted key."""
    if isinstance(structure, dict):
        return [structure[key] for key in sorted(structure)]
    return list(structure)


def _rebuilt(structure: Any, children: list[Any]) -> Any:
    """A structure with other elements."""
    if isinstance(structure, dict):
        by_key = dict(zip(sorted(structure), children, strict=True))
        return type(structure)((key, by_key[key]) for key in structure)
    return type(structure)(*children) if hasattr(structure, "_fields") else type(structure)(children)
