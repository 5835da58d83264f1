"""Composite tensors: values made of several tensors that cross the borders of graphs as one.

A composite (IndexedSlices, TensorArray, ...) tells its component tensors and makes another of its kind from new ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from . import nest

__all__ = ["Composite", "expand", "pack"]


class Composite:
    """Base of the composite tensors."""

    __slots__ = ()

    def _components(self) -> tuple[Any, ...]:
        """The tensors, in a fixed order."""
        raise NotImplementedError

    def _component_count(self) -> int:
        """How many tensors they are."""
        return len(self._components())

    def _with_components(self, tensors: tuple[Any, ...]) -> Any:
        """A value of the same kind made of other tensors."""
        raise NotImplementedError


def expand(leaves: Iterable[Any]) -> list[Any]:
    """Leaves with the components of composites in their places."""
    return [part for leaf in leaves for part in (leaf._components() if isinstance(leaf, Composite) else (leaf,))]


def pack(structure: Any, tensors: Iterable[Any]) -> Any:
    """`structure` with new leaves, taking for each composite as many tensors as it has components."""
    left: Iterator[Any] = iter(tensors)
    leaves = [
        leaf._with_components(tuple([next(left) for _ in range(leaf._component_count())]))
        if isinstance(leaf, Composite)
        else next(left)
        for leaf in nest.flatten(structure)
    ]
    return nest.pack_sequence_as(structure, leaves)
