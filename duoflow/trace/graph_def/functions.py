"""The functions of a library as graphs.

A function is read again for each kind of inputs that it is called with, so that shapes and variables are known inside
as they are outside. Functions that call themselves, and those that would unfold to absurd sizes, are refused.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from duoflow.core import dtypes, shapes
from duoflow.core.context import entered
from duoflow.core.graph import Graph
from duoflow.core.shapes import Dims
from duoflow.core.spec import TensorSpec
from duoflow.formats.op_definitions import definition
from duoflow.formats.tensors import dtype_of

from .nodes import HANDLES, Built, attribute, build, variable_of
from .order import naming, ordered

__all__ = ["Functions"]

#: Functions that unfold to more nodes than this are taken for damaged.
MOST_UNFOLDED = 20_000_000
MOST_DEEP = 60


class Functions:
    """The functions of a `FunctionDefLibrary`, by name."""

    def __init__(self, library: Any) -> None:
        self.definitions = {f.signature.name: f for f in library.function}
        self._graphs: dict[Any, Graph] = {}
        self._sizes: dict[str, int] = {}

    def graph_of(self, name: str, outer: Graph, inputs: Sequence[Any], fixed: bool = False) -> Graph:
        """A function as a graph that takes tensors like these; `fixed`: of the shapes that it says, not theirs.

        Raises `ValueError` if there is none of that name, or it is not well formed.
        """
        kinds = self._kinds(name, inputs, fixed)
        key = (name, id(outer), tuple(kinds))
        if fixed:  # loops order the inputs of their graphs anew
            return self.fill(Graph(name, is_function=True, outer=outer), name, kinds)
        if key not in self._graphs:
            self._graphs[key] = self.fill(Graph(name, is_function=True, outer=outer), name, kinds)
        return self._graphs[key]

    def fill(
        self, graph: Graph, name: str, kinds: Sequence[tuple[Any, Dims, Any]], names: Sequence[str | None] = ()
    ) -> Graph:
        """Give an empty graph a function's inputs, nodes and outputs.

        Args:
          kinds: dtype, shape and variable of each input.
          names: what to call the inputs, where not as the function does.
        """
        _Body(graph, self._definition(name), self).read(kinds, names)
        return graph

    def fill_like(self, graph: Graph, name: str, inputs: Sequence[Any], names: Sequence[str | None] = ()) -> Graph:
        """`fill` for inputs that are like these tensors and specs."""
        return self.fill(graph, name, self._kinds(name, inputs), names)

    def _kinds(self, name: str, inputs: Sequence[Any], fixed: bool = False) -> list[tuple[Any, Dims, Any]]:
        proto = self._definition(name)
        if len(inputs) != len(proto.signature.input_arg):
            raise ValueError(f"function {name!r} takes {len(proto.signature.input_arg)} inputs, not {len(inputs)}.")
        self._unfolded(name)
        return [_kind(proto, i, tensor, fixed) for i, tensor in enumerate(inputs)]

    def _definition(self, name: str) -> Any:
        if name not in self.definitions:
            raise ValueError(f"function {name!r} is not in the library of the GraphDef.")
        return self.definitions[name]

    def _unfolded(self, name: str) -> int:
        """How many nodes a function has with those of all it calls; `ValueError` if that has no end."""
        found = self._sizes.get(name)
        if found is not None:
            if found < 0:
                raise ValueError(f"function {name!r} calls itself, which TensorFlow's graphs cannot express.")
            return found
        if len(self._sizes) - sum(size >= 0 for size in self._sizes.values()) > MOST_DEEP:
            raise ValueError(f"functions call each other more than {MOST_DEEP} deep.")
        self._sizes[name] = -1
        total = len(self._definition(name).node_def)
        for node in self.definitions[name].node_def:
            for called in _called(node):
                total += self._unfolded(called)
        if total > MOST_UNFOLDED:
            raise ValueError(f"function {name!r} unfolds to {total} nodes (at most {MOST_UNFOLDED} are imported).")
        self._sizes[name] = total
        return total


def _called(node: Any) -> list[str]:
    values = [v for v in node.attr.values() if v.WhichOneof("value") in ("func", "list")]
    return [f.name for v in values for f in ([v.func] if v.WhichOneof("value") == "func" else v.list.func)]


def _declared(proto: Any, place: int) -> Dims:
    attr = proto.arg_attr[place].attr if place in proto.arg_attr else {}
    found = attribute(attr["_output_shapes"]) if "_output_shapes" in attr else ()
    return found[0] if found else None


def _kind(proto: Any, place: int, tensor: Any, fixed: bool) -> tuple[Any, Dims, Any]:
    """dtype, shape and variable of an input."""
    wanted = dtype_of(proto.signature.input_arg[place].type)
    if tensor.dtype is not wanted:
        raise ValueError(f"input {place} of a function must be {wanted.name}, not {tensor.dtype.name}.")
    declared = _declared(proto, place)
    dims = tensor.shape.as_tuple() if isinstance(tensor, TensorSpec) else tensor.dims
    if fixed and wanted is not dtypes.resource:
        return wanted, declared, None
    return wanted, _merged(declared, dims), variable_of(tensor)


def _merged(declared: Dims, given: Dims) -> Dims:
    return shapes.merge(declared, given) if shapes.compatible(declared, given) else given


class _Body:
    """Reads the nodes of one function."""

    def __init__(self, graph: Graph, proto: Any, functions: Functions) -> None:
        self._graph, self._proto, self._functions = graph, proto, functions
        self._arguments: dict[str, Any] = {}
        self._protos: dict[str, Any] = {}
        self._built: dict[str, Built] = {}
        for node in proto.node_def:
            if node.name in self._protos:
                raise ValueError(f"function {proto.signature.name!r}: node {node.name!r} is defined twice.")
            self._protos[node.name] = node

    def read(self, kinds: Sequence[tuple[Any, Dims, Any]], names: Sequence[str | None]) -> None:
        """Add inputs, nodes and outputs."""
        graph = self._graph
        handles = graph.extras.setdefault(HANDLES, {})
        with graph.as_default():
            arguments = itertools.zip_longest(self._proto.signature.input_arg, kinds, names)
            for argument, (dtype, dims, variable), name in arguments:
                tensor = graph.add_input(dtype, dims, name or argument.name)
                self._arguments[argument.name] = tensor
                if variable is not None:
                    handles[id(tensor)] = variable
            for node in ordered(self._protos, self._source):
                inputs = [self._tensor(i) for i in node.input if not i.startswith("^")]
                with entered(scope=""):
                    self._built[node.name] = naming(
                        node, lambda node=node, inputs=inputs: build(graph, node, inputs, node.name, self._functions)
                    )
            graph.outputs = [self._result(o.name) for o in self._proto.signature.output_arg]

    def _source(self, reference: str) -> str | None:
        name = reference.removeprefix("^").partition(":")[0]
        return None if name in self._arguments and name not in self._protos else name

    def _result(self, name: str) -> Any:
        if name not in self._proto.ret:
            raise ValueError(f"function {self._proto.signature.name!r}: nothing is given for the result {name!r}.")
        return self._tensor(self._proto.ret[name])

    def _tensor(self, reference: str) -> Any:
        name, _, rest = reference.partition(":")
        if name in self._arguments:
            return self._arguments[name]
        if name not in self._built:
            raise ValueError(f"{reference!r} is not in function {self._proto.signature.name!r}.")
        built = self._built[name]
        label, _, index = rest.partition(":")
        known = definition(self._protos[name].op)
        number = int(index) if index.isdigit() else 0
        place = number if known is None else known.place(label, number, built.attrs)
        if place >= len(built.outputs):
            raise ValueError(f"{reference!r} names an output that the node does not have.")
        return built.outputs[place]
