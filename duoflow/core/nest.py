"""Nested structures, as `tf.nest`: lists, tuples, named tuples, dicts (by sorted key); all else is a leaf, None too.

A class is a structure if it has TensorFlow's `__tf_flatten__` (metadata, components) and `__tf_unflatten__`; it is
registered when the first of its objects is met.
"""

from __future__ import annotations

import collections.abc
import functools
from collections.abc import Callable, Iterable
from typing import Any

import optree

__all__ = ["assert_same_structure", "flatten", "is_nested", "map_structure", "pack_sequence_as"]

_OPTIONS: Any = {"none_is_leaf": True, "namespace": "duoflow"}
_LEAF_TYPES = (str, bytes, int, float, complex, bool, type(None))


def register(cls: type, flatten_function: Callable[..., Any], unflatten_function: Callable[..., Any]) -> None:
    """Make a class a structure: `flatten(x) -> (children, aux)` and `unflatten(aux, children)`."""
    optree.register_pytree_node(cls, flatten_function, unflatten_function, namespace="duoflow")
    _known_leaves.discard(cls)


#: Types met as leaves, which stay leaves.
_known_leaves: set[type] = set(_LEAF_TYPES)


def _meet(leaves: Iterable[Any]) -> bool:
    """Note the types of leaves; whether one of them turned out to be a structure, registered now."""
    found = False
    for cls in {type(leaf) for leaf in leaves} - _known_leaves:
        if hasattr(cls, "__tf_flatten__") and hasattr(cls, "__tf_unflatten__"):
            register(cls, _flatten_by_protocol, functools.partial(_unflatten_by_protocol, cls))
            found = True
        else:
            _known_leaves.add(cls)
    return found


def _flatten_by_protocol(value: Any) -> tuple[Any, Any]:
    metadata, components = value.__tf_flatten__()
    return components, metadata


def _unflatten_by_protocol(cls: Any, metadata: Any, components: Any) -> Any:
    return cls.__tf_unflatten__(metadata, components)


def is_nested(seq: Any) -> bool:
    """Whether a value is a structure rather than a leaf. TensorFlow: tf.nest.is_nested."""
    return not isinstance(seq, _LEAF_TYPES) and not _form_of(seq).is_leaf()


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves in order.

    >>> tf.nest.flatten({"b": [1, 2], "a": 3})
    [3, 1, 2]

    TensorFlow: tf.nest.flatten.
    """
    if type(structure) in _known_leaves:
        return [structure]
    leaves = optree.tree_leaves(structure, **_OPTIONS)
    if _known_leaves.issuperset(map(type, leaves)) or not _meet(leaves):
        return leaves
    return flatten(structure)


def flatten_with_form(structure: Any) -> tuple[list[Any], Any]:
    """The leaves, and the form without them: hashable, `form.unflatten(leaves)` gives the structure back."""
    leaves, form = optree.tree_flatten(structure, **_OPTIONS)
    if _known_leaves.issuperset(map(type, leaves)) or not _meet(leaves):
        return leaves, form
    return flatten_with_form(structure)


def _form_of(structure: Any) -> Any:
    return flatten_with_form(structure)[1]


def pack_sequence_as(structure: Any, flat_sequence: Iterable[Any], expand_composites: bool = False) -> Any:
    """Leaves put back into the form of `structure`; `ValueError` if their number differs.

    TensorFlow: tf.nest.pack_sequence_as.
    """
    spec = _form_of(structure)
    leaves = list(flat_sequence)
    if spec.num_leaves != len(leaves):
        raise ValueError(
            f"Could not pack sequence: structure has {spec.num_leaves} elements but flat_sequence had {len(leaves)}. "
            f"Structure: {structure!r}."
        )
    return optree.tree_unflatten(spec, leaves)


def map_structure(func: Callable[..., Any], *structure: Any, check_types: bool = True, **kwargs: Any) -> Any:
    """Apply a function to corresponding leaves of structures of one form.

    >>> tf.nest.map_structure(lambda x, y: x + y, {"a": 1}, {"a": 2})
    {'a': 3}

    TensorFlow: tf.nest.map_structure.
    """
    if not callable(func):
        raise TypeError(f"func must be callable, got: {func}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    kwargs.pop("expand_composites", None)
    if kwargs:
        raise ValueError(
            f"Only valid keyword arguments are `check_types` and `expand_composites`, not: {sorted(kwargs)}"
        )
    if len(structure) == 1 and type(structure[0]) in _known_leaves:
        return func(structure[0])
    for other in structure[1:]:
        assert_same_structure(structure[0], other, check_types=check_types)
    leaves = [flatten(s) for s in structure]
    return pack_sequence_as(structure[0], [func(*args) for args in zip(*leaves, strict=True)])


def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False) -> None:
    """Raise `ValueError` (or `TypeError` for other container types) unless both have one form.

    TensorFlow: tf.nest.assert_same_structure.
    """
    problem = _difference(nest1, nest2, check_types)
    if problem is not None:
        kind, why = problem
        raise kind(
            f"The two structures don't have the same nested structure.\n\nFirst structure: {nest1!r}\n\n"
            f"Second structure: {nest2!r}\n\nMore specifically: {why}"
        )


def _difference(a: Any, b: Any, check_types: bool) -> tuple[type[Exception], str] | None:
    nested_a, nested_b = is_nested(a), is_nested(b)
    if nested_a != nested_b:
        first, second = (a, b) if nested_a else (b, a)
        return ValueError, f"Substructure {first!r} is a sequence, while substructure {second!r} is not"
    if not nested_a:
        return None
    if check_types and type(a) is not type(b) and not _interchangeable(a, b):
        return TypeError, f"{a!r} has type {type(a).__name__}, while {b!r} has type {type(b).__name__}"
    if isinstance(a, collections.abc.Mapping) and isinstance(b, collections.abc.Mapping):
        if set(a) != set(b):
            return ValueError, f"The keys differ: {sorted(map(str, a))} and {sorted(map(str, b))}"
        pairs = [(a[k], b[k]) for k in a]
    else:
        first_children, second_children = _children(a), _children(b)
        if len(first_children) != len(second_children):
            return ValueError, (
                f"The two structures don't have the same number of elements: {len(first_children)} and "
                f"{len(second_children)}"
            )
        pairs = list(zip(first_children, second_children, strict=True))
    return next((d for d in (_difference(x, y, check_types) for x, y in pairs) if d is not None), None)


def _interchangeable(a: Any, b: Any) -> bool:
    mapping = collections.abc.Mapping
    return isinstance(a, mapping) and isinstance(b, mapping)


def _children(x: Any) -> list[Any]:
    children, *_ = optree.tree_flatten_one_level(x, **_OPTIONS)
    return list(children)


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """Pairs of (path of keys and indices, leaf)."""
    _form_of(structure)  # registers the structures in it
    paths, leaves, _ = optree.tree_flatten_with_path(structure, **_OPTIONS)
    return list(zip(paths, leaves, strict=True))
