"""Computations read off the history of KerasTensors: which nodes lie between inputs and outputs, and running them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from duoflow.core import nest

from .operation import Node, Operation
from .symbolic import KerasTensor, compute_output_spec

__all__ = ["Function", "connecting_nodes", "node_key"]

_NodeKey = tuple[int, int]


def node_key(operation: Any, index: int) -> _NodeKey:
    """What identifies one call of an operation."""
    return id(operation), index


class Function(Operation):
    """The computation from some KerasTensors to others.

    Args:
      inputs, outputs: KerasTensors or structures of them.

    >>> x = tf.keras.Input((2,))
    >>> double = tf.keras.Function(x, x * 2)
    >>> double(np.ones((1, 2), "float32")).numpy()
    array([[2., 2.]], dtype=float32)

    Keras: keras.Function.
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None:
        super().__init__(name=name)
        self._trace(inputs, outputs)

    def _trace(self, inputs: Any, outputs: Any) -> None:
        self._inputs_struct, self._outputs_struct = inputs, outputs
        self._inputs, self._outputs = nest.flatten(inputs), nest.flatten(outputs)
        if not self._inputs:
            raise ValueError(f"`inputs` argument cannot be empty. Received:\ninputs={inputs}\noutputs={outputs}")
        if not self._outputs:
            raise ValueError(f"`outputs` argument cannot be empty. Received:\ninputs={inputs}\noutputs={outputs}")
        self._nodes, self._nodes_in_order, self._operations = _layout(self._inputs, self._outputs)

    @property
    def operations(self) -> list[Operation]:
        """The operations, inputs first."""
        return self._operations[:]

    @property
    def inputs(self) -> list[KerasTensor]:
        """The KerasTensors it starts from."""
        return self._inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        """The KerasTensors it ends in."""
        return self._outputs

    def call(self, inputs: Any) -> Any:
        """The outputs for values of the inputs."""
        self._check_inputs(inputs)
        return self._run_through_graph(nest.flatten(inputs), lambda op: op)

    def compute_output_spec(self, inputs: Any) -> Any:
        """The outputs' KerasTensors for other KerasTensors as inputs."""
        self._check_inputs(inputs)
        if all(tuple(x.shape) == y.shape for x, y in zip(nest.flatten(inputs), self._inputs, strict=True)):
            return nest.map_structure(lambda x: KerasTensor(x.shape, dtype=x.dtype), self._outputs_struct)
        return compute_output_spec(lambda x: self._run_through_graph(nest.flatten(x), lambda op: op), inputs)

    def _run_through_graph(self, values: list[Any], call: Callable[[Any], Callable[..., Any]]) -> Any:
        """Run the nodes in order; `call(operation)` gives what to call for one."""
        known = {id(x): value for x, value in zip(self._inputs, values, strict=True)}
        for node in self._nodes_in_order:
            if node.is_input or any(id(x) not in known for x in node.input_tensors):
                continue
            args, kwargs = node.filled(known)
            outputs = nest.flatten(call(node.operation)(*args, **kwargs))
            for x, value in zip(node.outputs, (v for v in outputs if v is not None), strict=False):
                known[id(x)] = value
        return nest.pack_sequence_as(self._outputs_struct, [known[id(x)] for x in self._outputs])

    def _check_inputs(self, inputs: Any) -> None:
        try:
            nest.assert_same_structure(inputs, self._inputs_struct, check_types=False)
        except (ValueError, TypeError):
            raise ValueError(
                "Function was called with an invalid input structure. Expected input structure: "
                f"{self._inputs_struct}\nReceived input structure: {inputs}"
            ) from None
        for x, own in zip(nest.flatten(inputs), self._inputs, strict=True):
            shape = tuple(x.shape)
            fits = len(shape) == len(own.shape) and all(
                a is None or b is None or a == b for a, b in zip(shape, own.shape, strict=True)
            )
            if not fits:
                raise ValueError(
                    f"{type(self).__name__} was passed incompatible inputs. For input '{own.name}', expected shape "
                    f"{own.shape}, but received instead a tensor with shape {shape}."
                )


def connecting_nodes(inputs: list[KerasTensor], outputs: list[KerasTensor]) -> tuple[list[Node], dict[Any, int]]:
    """The nodes that the outputs need, each after its parents, and the order in which their operations were met.

    The walk stops at the inputs. Iterative, so that deep models do not run out of stack.
    """
    ends = {id(x) for x in inputs}
    finished: set[int] = set()
    nodes: list[Node] = []
    met: dict[Any, int] = {}
    for output in outputs:
        stack = [(output, False)]
        while stack:
            tensor, leaving = stack.pop()
            history = tensor._keras_history
            if history is None:
                continue
            node = history.operation._inbound_nodes[history.node_index]
            if leaving:
                if id(node) not in finished:
                    finished.add(id(node))
                    nodes.append(node)
                continue
            if id(node) in finished or not node.is_input and id(tensor) in ends:
                continue
            met.setdefault(history.operation, len(met))
            stack.append((tensor, True))
            stack.extend((x, False) for x in reversed(node.input_tensors))
    return nodes, met


def _layout(inputs: list[KerasTensor], outputs: list[KerasTensor]) -> tuple[set[_NodeKey], list[Node], list[Operation]]:
    """The keys of the nodes between inputs and outputs, the nodes in running order, and the operations by depth."""
    nodes, met = connecting_nodes(inputs, outputs)
    members = {id(node) for node in nodes}
    node_depths: dict[int, int] = {}
    depths: dict[Any, int] = {}
    for node in reversed(nodes):
        depth = max(node_depths.get(id(node), 0), depths.get(node.operation, 0))
        depths[node.operation] = node_depths[id(node)] = depth
        for parent in node.parent_nodes:
            if id(parent) in members:
                node_depths[id(parent)] = max(depth + 1, node_depths.get(id(parent), 0))
    for x in inputs:  # inputs that no output depends on
        operation, index, _ = x._keras_history
        node = operation._inbound_nodes[index]
        if operation not in depths and node.is_input:
            depths[operation], met[operation] = 0, -1
            nodes.append(node)
            node_depths[id(node)] = 0
    by_depth = defaultdict(list)
    for operation, depth in depths.items():
        by_depth[depth].append(operation)
    operations = [op for depth in sorted(by_depth, reverse=True) for op in sorted(by_depth[depth], key=met.__getitem__)]
    ordered = sorted(nodes, key=lambda node: -node_depths[id(node)])
    _check_connected(inputs, ordered)
    _check_names(operations)
    return {node_key(node.operation, node.index) for node in nodes}, ordered, operations


def _check_connected(inputs: list[KerasTensor], nodes: list[Node]) -> None:
    known, passed = {id(x) for x in inputs}, []
    for node in nodes:
        for x in node.input_tensors:
            if id(x) not in known:
                raise ValueError(
                    f"Graph disconnected: cannot find parent for tensor {x} at operation '{node.operation}'. The "
                    "following "
                    f"previous operations were accessed without issue: {passed}"
                )
        passed.append(node.operation.name)
        if node.is_input and not any(id(x) in known for x in node.outputs):
            continue
        known |= {id(x) for x in node.outputs}


def _check_names(operations: list[Operation]) -> None:
    names = [operation.name for operation in operations]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f'The name "{name}" is used {names.count(name)} times in the model. '
                "All operation names should be unique."
            )
