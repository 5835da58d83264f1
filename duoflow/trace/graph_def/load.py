"""Nodes of a `GraphDef` added to a graph.

The nodes may come in any order; an unknown op is a `NotFoundError`, cycles, missing inputs and absurd sizes are a
`ValueError`; they name the node, and leave the graph as it was only up to that node.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from duoflow.core.context import context, entered
from duoflow.core.graph import Graph, Node, get_default_graph
from duoflow.core.tensor import convert
from duoflow.formats.messages import GraphDef
from duoflow.formats.wire import DecodeError

from .functions import Functions
from .nodes import Built, build
from .order import naming, ordered

__all__ = ["import_graph_def"]

#: A graph of more nodes than this is taken for damaged.
MOST_NODES = 5_000_000
_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")


def import_graph_def(
    graph_def: Any, input_map: Any = None, return_elements: Any = None, name: str | None = None,
    op_dict: Any = None, producer_op_list: Any = None,
) -> Any:  # fmt: skip
    """Add the nodes of a `GraphDef` to the default graph.

    Args:
      graph_def: a `GraphDef`, ours or Google's library's.
      input_map: tensors of the graph to use in place of the definition's, by their names in it.
      return_elements: names of nodes or tensors of the definition, to be returned in their order.
      name: the prefix of the new names, "import" by default; "" for none.
      op_dict, producer_op_list: accepted; what TensorFlow no longer uses.

    Raises:
      TypeError: if `graph_def` is something else.
      NotFoundError: for an unknown op.
      ValueError: for a cycle, missing inputs, contradicting attributes, or an unused key of `input_map`.

    TensorFlow: tf.graph_util.import_graph_def.
    """
    definition = _definition(graph_def)
    graph = get_default_graph()
    prefix = "import" if name is None else name.rstrip("/")
    prefix = graph.unique_name(context.scope + prefix) + "/" if prefix else ""
    given = {_tensor_name(k): convert(v) for k, v in (input_map or {}).items()}
    loader = _Loader(graph, definition, prefix, given)
    with graph.as_default():
        loader.run()
    if unused := [k for k in given if k not in loader.used]:
        raise ValueError(f"Attempted to map inputs that were not found in graph_def: {unused}")
    if return_elements is None:
        return None
    return [loader.element(e) for e in return_elements]


def _definition(graph_def: Any) -> Any:
    if isinstance(graph_def, GraphDef):
        return graph_def
    if not hasattr(graph_def, "SerializeToString"):
        raise TypeError(f"Argument `graph_def` must be a GraphDef proto. Received: {graph_def!r}")
    try:
        return GraphDef.FromString(graph_def.SerializeToString())
    except DecodeError as error:
        raise ValueError(f"Not a GraphDef: {error}") from None


def _tensor_name(name: str) -> str:
    return name if name.startswith("^") or re.search(r":\d+$", name) else f"{name}:0"


class _Loader:
    """The import of one definition."""

    def __init__(self, graph: Graph, definition: Any, prefix: str, given: dict[str, Any]) -> None:
        if len(definition.node) > MOST_NODES:
            raise ValueError(f"A graph of {len(definition.node)} nodes is not imported (at most {MOST_NODES}).")
        self._graph, self._prefix, self._given = graph, prefix, given
        self._functions = Functions(definition.library)
        self._protos: dict[str, Any] = {}
        self._built: dict[str, Built] = {}
        self._nodes: dict[str, Node] = {}
        self.used: set[str] = set()
        for proto in definition.node:
            if not _NAME.fullmatch(proto.name):
                raise ValueError(f"Node name {proto.name!r} is not valid.")
            if proto.name in self._protos:
                raise ValueError(f"Node {proto.name!r} is defined twice.")
            self._protos[proto.name] = proto

    def run(self) -> None:
        """Add all nodes, each after those that it needs."""
        for proto in ordered(self._protos, _source):
            inputs, control = [], []
            for reference in proto.input:
                if reference.startswith("^"):
                    if reference[1:] in self._nodes:
                        control.append(self._nodes[reference[1:]])
                else:
                    inputs.append(self._tensor(reference))
            self._add(proto, inputs, control)

    def element(self, name: str) -> Any:
        """The node or tensor that a name of the definition stands for now."""
        if ":" in name:
            return self._tensor(name)
        if name not in self._nodes:
            raise ValueError(f"Requested return_element {name!r} not found in graph_def.")
        return self._nodes[name]

    def _tensor(self, reference: str) -> Any:
        key = _tensor_name(reference)
        if key in self._given:
            self.used.add(key)
            return self._given[key]
        name, _, index = key.rpartition(":")
        outputs: Sequence[Any] = self._built[name].outputs if name in self._built else ()
        if int(index) >= len(outputs):
            raise ValueError(f"Input {reference!r} names an output that node {name!r} does not have.")
        return outputs[int(index)]

    def _add(self, proto: Any, inputs: list[Any], control: list[Node]) -> None:
        before = len(self._graph.nodes)
        with entered(control=tuple(control), scope="", device=proto.device):
            built = naming(proto, lambda: build(self._graph, proto, inputs, self._prefix + proto.name, self._functions))
        self._built[proto.name] = built
        if built.outputs:
            self._nodes[proto.name] = built.outputs[0].node
        elif len(self._graph.nodes) > before:
            self._nodes[proto.name] = self._graph.nodes[-1]


def _source(reference: str) -> str:
    return re.sub(r":\d+$", "", reference.removeprefix("^"))
