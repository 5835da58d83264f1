"""Facts about the nodes of a graph whose shapes are all known, as the rest of the engine wants them typed."""

from __future__ import annotations

import math
from typing import cast

from duoflow.core.graph import Node
from duoflow.core.tensor import GraphTensor, Tensor

__all__ = ["elements", "has_elements", "inputs_of", "output_of", "sizes"]


def sizes(tensor: Tensor) -> tuple[int, ...]:
    """The shape, which is known."""
    return cast("tuple[int, ...]", tensor.dims)


def elements(tensor: Tensor) -> int:
    """How many elements the tensor has."""
    return math.prod(sizes(tensor))


def has_elements(tensor: Tensor) -> bool:
    """Whether the shape is known and no dimension is 0."""
    return tensor.spec.known and 0 not in sizes(tensor)


def inputs_of(node: Node) -> tuple[GraphTensor, ...]:
    """A graph node's inputs: all of them are the graph's own."""
    return cast("tuple[GraphTensor, ...]", node.inputs)


def output_of(node: Node) -> GraphTensor:
    """The only output of a node."""
    return cast(GraphTensor, node.outputs[0])
