"""Elements of datasets: structures of tensors, and the specs that describe them.

As in `tf.data`, tuples, dicts and dataclasses are structure; a list is one tensor. Inside a pipeline an element is a
flat tuple of NumPy arrays (datasets inside elements, as `window` makes them, stay objects).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from duoflow.core import dtypes, nest, shapes
from duoflow.core.spec import TensorSpec, TypeSpec
from duoflow.core.tensor import EagerTensor, Tensor, convert

__all__ = ["Flat", "Structure", "array", "normalize", "numpy_of", "relax", "spec_of", "wrap"]

Flat = tuple[Any, ...]


def normalize(element: Any) -> Any:
    """The structure with every leaf a tensor (or a dataset)."""
    if isinstance(element, Mapping):
        parts = {key: normalize(value) for key, value in element.items()}
        return OrderedDict(parts) if isinstance(element, OrderedDict) else parts
    if isinstance(element, tuple):
        items = [normalize(item) for item in element]
        return type(element)(*items) if hasattr(element, "_fields") else tuple(items)
    if isinstance(element, Tensor) or hasattr(element, "element_spec") or isinstance(element, TypeSpec):
        return element
    return convert(element)


def array(leaf: Any) -> Any:
    """A leaf as the pipeline carries it."""
    return leaf._array if isinstance(leaf, EagerTensor) else leaf


class Structure:
    """The form of a dataset's elements: packs flat tuples of arrays into structures of tensors and back."""

    __slots__ = ("flat", "spec")

    def __init__(self, spec: Any) -> None:
        self.spec = spec
        self.flat: tuple[Any, ...] = tuple(nest.flatten(spec))

    @classmethod
    def of(cls, element: Any) -> Structure:
        """The form of one (normalised) element."""
        return cls(nest.map_structure(spec_of, element))

    def pack(self, flat: Flat) -> Any:
        """A structure of tensors from a flat tuple of arrays."""
        return nest.pack_sequence_as(self.spec, [wrap(leaf) for leaf in flat])

    @property
    def tensor_specs(self) -> tuple[TensorSpec, ...]:
        """The specs of the tensors that carry the leaves in a graph."""
        return tuple([s if isinstance(s, TensorSpec) else s.flatten()[0] for s in self.flat])

    def pack_tensors(self, tensors: Iterable[Tensor]) -> Any:
        """A structure from the tensors that carry its leaves in a graph."""
        pairs = zip(self.flat, tensors, strict=True)
        leaves = [t if isinstance(s, TensorSpec) else s.from_tensors(iter((t,))) for s, t in pairs]
        return nest.pack_sequence_as(self.spec, leaves)

    def pack_numpy(self, flat: Flat) -> Any:
        """A structure of NumPy values from a flat tuple of arrays."""
        return nest.pack_sequence_as(self.spec, [numpy_of(leaf) for leaf in flat])

    def flatten(self, element: Any) -> Flat:
        """A flat tuple of arrays from a structure of tensors; `ValueError` if its form is another."""
        element = normalize(element)
        nest.assert_same_structure(self.spec, element, check_types=False)
        return tuple(array(leaf) for leaf in nest.flatten(element))

    def map(self, function: Callable[[Any], Any]) -> Structure:
        """The form with a function applied to each spec."""
        return Structure(nest.map_structure(function, self.spec))


def wrap(leaf: Any) -> Any:
    """A leaf as users see it."""
    return EagerTensor(leaf) if isinstance(leaf, np.ndarray) else leaf


def numpy_of(leaf: Any) -> Any:
    """A leaf as NumPy code sees it."""
    return leaf[()] if isinstance(leaf, np.ndarray) and leaf.ndim == 0 else leaf


def spec_of(leaf: Any) -> Any:
    """The spec of one leaf."""
    if isinstance(leaf, TypeSpec):
        return leaf
    if isinstance(leaf, Tensor):
        return TensorSpec(leaf.dims, leaf.dtype)
    if isinstance(leaf, np.ndarray):
        return TensorSpec(leaf.shape, dtypes.from_numpy(leaf.dtype))
    return leaf.dataset_spec


def relax(a: Any, b: Any) -> Any:
    """A spec that covers both; `TypeError` if their dtypes differ."""
    if isinstance(a, TensorSpec) and isinstance(b, TensorSpec):
        if a.dtype is not b.dtype:
            raise TypeError(f"Incompatible dtypes of elements: {a.dtype.name} and {b.dtype.name}")
        return TensorSpec(shapes.relax(a.shape.as_tuple(), b.shape.as_tuple()), a.dtype)
    return a
