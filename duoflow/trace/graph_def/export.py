"""A graph as a `GraphDef`, and functions as its library.

Types and numbers of inputs are attributes in TensorFlow; its definitions say which. In functions effects run in program
order: control inputs say so, and what changes state is kept although nothing takes its result.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.context import entered
from duoflow.core.dtypes import DType
from duoflow.core.errors import with_origin
from duoflow.core.graph import Graph, Node
from duoflow.core.record import Effect, Literal
from duoflow.core.shapes import TensorShape
from duoflow.core.tensor import GraphTensor, HandleTensor
from duoflow.formats.messages import AttrValue, FunctionDef, GraphDef, NodeDef
from duoflow.formats.op_definitions import Argument, Attribute, Definition, definition
from duoflow.formats.tensors import shape_proto, tensor_proto
from duoflow.ops.subgraphs import copy_graph, effects_of

from .forms import Form, form_of
from .portable import portable, spelled

__all__ = ["PRODUCER", "Library", "constant_def", "graph_to_def", "node_to_def"]

PRODUCER = 2286  # the version of graphs that TensorFlow 2.21 writes
_PHILOX = 1
#: Attributes that hold a shape rather than a list of numbers.
_SHAPES = frozenset({"shape", "element_shape"})
OPAQUE = "_python_object"
#: In TensorFlow they count their iterations in two more inputs and outputs, before those that are here.
LOOPS = frozenset({"While", "StatelessWhile"})


def graph_to_def(
    graph: Graph, add_shapes: bool = False, nodes: Iterable[Node] | None = None, strict: bool = False
) -> Any:
    """The nodes of a graph in TensorFlow's terms.

    Python objects among the attributes (functions of `py_func`, queues) are only named: such nodes can be looked at,
    not imported.

    Args:
      add_shapes: add the static shapes of the outputs as attributes `_output_shapes`.
      strict: write only what TensorFlow runs; `ValueError` naming the op and its line for what it does not.
    """
    out = GraphDef(versions={"producer": PRODUCER})
    written = (portable(graph) if strict else graph).nodes if nodes is None else list(nodes)
    writer = _Writer(Library(out.library, strict), {legal(node.name) for node in graph.nodes + written})
    for node in written:
        writer.add(node, out.node, add_shapes)
    return out


def node_to_def(node: Node) -> Any:
    """One node in TensorFlow's terms."""
    out = GraphDef()
    _Writer(Library(out.library), {legal(node.name)}).add(node, out.node, False)
    return out.node[-1]


class Library:
    """The functions of a graph, each written once."""

    def __init__(self, proto: Any, strict: bool = False) -> None:
        self.proto, self.strict = proto, strict
        self._names: dict[int, str] = {}
        self._kept: list[Graph] = []
        self._loops: dict[int, Graph] = {}
        self._taken: set[str] = set()

    def name_of(self, graph: Graph) -> str:
        """The name under which a graph's function is in the library, put there if it is not yet."""
        if id(graph) not in self._names:
            self._names[id(graph)] = unused(re.sub(r"[^A-Za-z0-9_]", "_", graph.name) or "function", self._taken)
            self._kept.append(graph)
            _Function(self, graph, self._names[id(graph)])
        return self._names[id(graph)]

    def loop_of(self, node: Node) -> dict[str, Graph]:
        """The graphs of a loop in TensorFlow's form.

        They also take a counter and a limit of iterations, which is -1, and the body gives back all that it takes.
        """
        found = {}
        for key in ("cond", "body"):
            graph = node.attrs[key]
            if id(graph) not in self._loops:
                self._kept.append(graph)
                self._loops[id(graph)] = _counted(graph, len(node.inputs) if key == "body" else 0)
            found[key] = self._loops[id(graph)]
        return found


def _counted(graph: Graph, count: int) -> Graph:
    """A copy of a loop's graph with a counter and a limit before its inputs and, for a body, before its outputs."""
    whole = copy_graph(graph)
    inputs = whole.inputs
    with entered(graph=whole, tapes=(), control=(), scope=""):
        counter, limit = (whole.placeholder(dtypes.int32, (), name) for name in ("loop_counter", "maximum_iterations"))
        if count:
            whole.outputs = [counter + 1, limit, *whole.outputs, *inputs[len(whole.outputs) : count]]
    whole.inputs = [counter, limit, *inputs]
    return whole


def unused(name: str, taken: set[str]) -> str:
    """A name like the given one that is not taken yet, and is now."""
    out, count = name, 0
    while out in taken:
        count += 1
        out = f"{name}_{count}"
    taken.add(out)
    return out


# -- nodes -------------------------------------------------------------------------------------------------------------


class _Writer:
    """Writes nodes, and the functions that they hold into the library."""

    def __init__(self, library: Library, taken: set[str]) -> None:
        self._library, self._taken = library, taken

    def add(self, node: Node, nodes: Any, add_shapes: bool, control: Sequence[Node] | None = None) -> Any:
        """Append a node, after constants for those of its attributes that TensorFlow takes as inputs."""
        try:
            return self._add(node, nodes, add_shapes, node.control_inputs if control is None else control)
        except (ValueError, TypeError) as error:
            if not self._library.strict:
                raise
            message = f"Node {node.name!r} ({node.op.name}) cannot be written for TensorFlow: {error}"
            raise ValueError(with_origin(message, node.origin)) from None

    def _add(self, node: Node, nodes: Any, add_shapes: bool, control: Sequence[Node]) -> Any:
        name, attrs = spelled(node)
        form, known = form_of(name), definition(name)
        if self._library.strict and (known is None or _gives_other(known, node)):
            raise ValueError("TensorFlow has no such op.")
        given = self._inputs(node, form, attrs)
        if known is not None and not self._library.strict and not known.takes(len(given)):
            known = None  # ours of that name leaves something out, which the program's own writer says
        proto = NodeDef(name=legal(node.name), op=name, device=node.device)
        if known is not None:
            _type_attributes(known, [dtype for _, dtype, _ in given], [t.dtype for t in node.outputs], proto.attr)
        for i, (reference, dtype, value) in enumerate(given):
            wanted = dtype if known is None else _wanted_type(known, i, proto.attr, dtype)
            if value is not None:
                nodes.append(constant_def(reference, value if wanted is dtype else value.astype(wanted.numpy)))
            elif wanted is not dtype and self._library.strict:
                if not (wanted.is_integer and dtype.is_integer):
                    raise ValueError(f"input {i} is {dtype.name}, where TensorFlow takes {wanted.name}.")
                given[i] = (unused(f"{proto.name}/cast_{i}", self._taken), wanted, None)
                nodes.append(_cast(given[i][0], reference, dtype, wanted))
        proto.input.extend([*[reference for reference, _, _ in given], *[f"^{legal(c.name)}" for c in control]])
        if name in LOOPS:
            attrs |= self._library.loop_of(node)
        self._attributes(attrs, form, known, proto)
        if add_shapes and node.outputs and not name.endswith("CrossEntropyWithLogits"):
            shapes = [t.dims for t in node.outputs]
            if name in LOOPS:
                shapes = [(), (), *shapes, *(t.dims for t in node.inputs[len(node.outputs) :])]
            proto.attr["_output_shapes"].list.shape.extend([shape_proto(dims) for dims in shapes])
        nodes.append(proto)
        return proto

    def _inputs(self, node: Node, form: Form, attrs: dict[str, Any]) -> list[tuple[str, DType, Any]]:
        """Name, dtype and, for those that are attributes here, value of each input; takes them out of `attrs`."""
        given: list[tuple[str, DType, Any]] = [(_reference(t), t.dtype, None) for t in node.inputs]

        def insert(place: int, name: str, value: Any) -> None:
            array = np.asarray(value)
            entry = (unused(f"{legal(node.name)}/{name}", self._taken), dtypes.from_numpy(array.dtype), array)
            given.insert(len(given) if place < 0 else place, entry)

        for name, place in form.constants:
            value = attrs.pop(name)
            if value is None and form.unset is not None:
                if len(node.inputs) > 1:
                    continue  # it is an input here too
                value = form.unset(node)
            insert(place, name, form.convert[name][0](value))
        if node.op.name in LOOPS:
            for name, start in (("maximum_iterations", -1), ("loop_counter", 0)):
                insert(0, name, np.int32(start))
        for place, value_of in form.implied:
            insert(place, f"implied_{place}", value_of(node))
        if node.op.name == "ScalarSummary" or node.op.name.endswith("Summary") and "tag" in attrs:
            insert(0, "tags", np.asarray(attrs.pop("tag").encode(), object))
        if form.algorithm is not None:
            insert(form.algorithm, "alg", np.int32(_PHILOX))
        return given

    def _attributes(self, attrs: dict[str, Any], form: Form, known: Definition | None, proto: Any) -> None:
        for name, value in {**form.fixed, **attrs}.items():
            if name in form.convert:
                value = form.convert[name][0](value)
            theirs = f"_{name}" if name in form.private else form.renamed.get(name, name)
            if theirs == "padding" and not isinstance(value, str):
                proto.attr["explicit_paddings"].list.i.extend([0, 0, *np.reshape(value, -1).tolist(), 0, 0])
                value = "EXPLICIT"
            if value is not None or name in _SHAPES:
                kind = known.attributes.get(theirs) if known is not None else None
                proto.attr[theirs].CopyFrom(self._value(name, value, kind))
        if known is not None:
            for attribute in known.attributes.values():
                if attribute.name not in proto.attr and not attribute.required:
                    proto.attr[attribute.name].CopyFrom(_default(attribute))
            if self._library.strict:
                _check(known, proto)

    def _value(self, name: str, value: Any, kind: Attribute | None = None) -> Any:
        if isinstance(value, Literal):
            if isinstance(value.array, np.ndarray):
                return AttrValue(tensor=tensor_proto(value.array))
            return self._opaque(type(value.array).__name__)
        if isinstance(value, DType):
            return AttrValue(type=value.as_datatype_enum)
        if isinstance(value, bool):
            return AttrValue(b=value)
        if isinstance(value, (int, np.integer)) and (kind is None or kind.kind != "float"):
            return AttrValue(i=int(value))
        if isinstance(value, (int, np.integer, float, np.floating)):
            return AttrValue(f=float(value))
        if isinstance(value, (str, bytes)):
            return AttrValue(s=value)
        if name in _SHAPES and (value is None or isinstance(value, (tuple, TensorShape))):
            return AttrValue(shape=shape_proto(None if value is None else tuple(value)))
        if isinstance(value, Graph):
            return AttrValue(func={"name": self._library.name_of(value)})
        if isinstance(value, (tuple, list)) and all(not isinstance(v, (tuple, list)) for v in value):
            return self._list(value)
        return self._opaque(repr(value))

    def _opaque(self, what: str) -> Any:
        if self._library.strict:
            raise ValueError(f"it holds a Python object ({what[:80]}), which no file can hold.")
        return AttrValue(s=f"{OPAQUE} {what}"[:200])

    def _list(self, values: Any) -> Any:
        out = AttrValue()
        out.list.SetInParent()
        for value in values:
            one = self._value("", value)
            kind = one.WhichOneof("value")
            getattr(out.list, kind).append(getattr(one, kind))
        return out


def _gives_other(known: Definition, node: Node) -> bool:
    """Whether TensorFlow's op of that name gives other results; of a loss's, the second is only for its gradient."""
    if known.name.endswith("SoftmaxCrossEntropyWithLogits") or any(a.count or a.listed for a in known.outputs):
        return False
    return len(known.outputs) != len(node.outputs)


def _type_attributes(known: Definition, inputs: Sequence[DType], outputs: Sequence[DType], attr: Any) -> None:
    """Set the attributes that say of which types, and how many, the inputs and outputs are."""
    for argument, start, end in known.spans(len(inputs)):
        _type_attribute(known, argument, inputs[start:end], attr)
    at = 0
    for argument in known.outputs:
        alone = argument.count is None and not argument.listed
        size = 1 if alone else attr[argument.count].i if argument.count in attr else len(outputs) - at
        _type_attribute(known, argument, outputs[at : at + size], attr)
        at += size


def _type_attribute(known: Definition, argument: Argument, found: Sequence[DType], attr: Any) -> None:
    if argument.count is not None:
        attr[argument.count].i = len(found)
    if argument.listed and argument.kind not in attr:
        attr[argument.kind].list.SetInParent()
        attr[argument.kind].list.type.extend([d.as_datatype_enum for d in found])
    elif not argument.listed and argument.kind in known.attributes and found and argument.kind not in attr:
        attr[argument.kind].type = found[0].as_datatype_enum


def _wanted_type(known: Definition, place: int, attr: Any, dtype: DType) -> DType:
    """The dtype that TensorFlow's definition asks of an input, given those of the others."""
    argument = next(a for a, start, end in known.spans(_inputs_of(known, attr)) if start <= place < end)
    if argument.listed:
        return dtype
    if argument.kind in attr:
        return dtypes.as_dtype(attr[argument.kind].type)
    return dtype if argument.kind in known.attributes else dtypes.as_dtype(argument.kind)


def _cast(name: str, source: str, given: DType, wanted: DType) -> Any:
    out = NodeDef(name=name, op="Cast", input=[source])
    for attribute, dtype in (("SrcT", given), ("DstT", wanted)):
        out.attr[attribute].type = dtype.as_datatype_enum
    out.attr["Truncate"].b = False
    return out


def _inputs_of(known: Definition, attr: Any) -> int:
    return sum(
        len(attr[a.kind].list.type) if a.listed else 1 if a.count is None else attr[a.count].i for a in known.inputs
    )


def _default(attribute: Attribute) -> Any:
    value, kind = attribute.default, attribute.kind
    if kind == "tensor":
        return AttrValue()  # TensorFlow's own
    if kind == "type":
        return AttrValue(type=dtypes.as_dtype(value).as_datatype_enum)
    if kind == "shape":
        return AttrValue(shape=shape_proto(value))
    if kind.startswith("list"):
        out = AttrValue()
        out.list.SetInParent()
        getattr(out.list, _LISTS[kind]).extend(value)
        return out
    return AttrValue(**{_FIELDS[kind]: value})


_FIELDS = {"int": "i", "float": "f", "bool": "b", "string": "s"}
_LISTS = {
    f"list({kind})": field for kind, field in {**_FIELDS, "type": "type", "shape": "shape", "func": "func"}.items()
}


def _check(known: Definition, proto: Any) -> None:
    """Raise `ValueError` unless a node has the attributes that TensorFlow's definition asks for."""
    missing = [a.name for a in known.attributes.values() if a.name not in proto.attr]
    strange = [name for name in proto.attr if name not in known.attributes and not name.startswith("_")]
    if missing or strange:
        raise ValueError(f"its attributes do not fit the definition (missing: {missing}, unknown: {strange}).")


def _reference(tensor: Any) -> str:
    assert isinstance(tensor, GraphTensor)
    name, index = legal(tensor.node.name), tensor.index + (2 if tensor.node.op.name in LOOPS else 0)
    return name if index == 0 else f"{name}:{index}"


def legal(name: str) -> str:
    """A node's name as TensorFlow takes it: it may not begin with an underscore."""
    name = name.replace(">", "_")
    return f"n{name}" if name.startswith("_") else name


def constant_def(name: str, value: Any) -> Any:
    """A constant as a node."""
    proto = tensor_proto(value)
    out = NodeDef(name=name, op="Const")
    out.attr["dtype"].type = proto.dtype
    out.attr["value"].tensor.CopyFrom(proto)
    return out


# -- functions ---------------------------------------------------------------------------------------------------------


class _Function:
    """Writes one function into the library."""

    def __init__(self, library: Library, graph: Graph, name: str) -> None:
        self._library = library
        if library.strict:
            graph = portable(graph)
        self._proto = FunctionDef(signature={"name": name})
        self._arguments: dict[int, str] = {}
        self._taken: set[str] = {legal(node.name) for node in graph.nodes}
        self._protos: dict[str, Any] = {}
        for i, tensor in enumerate(graph.all_inputs):
            self._argument(i, tensor)
        kept = self._nodes(graph)
        for i, tensor in enumerate(graph.outputs):
            self._proto.signature.output_arg.add(name=f"output_{i}", type=tensor.dtype.as_datatype_enum)
            self._proto.ret[f"output_{i}"] = self._inside(_reference(tensor), self._arguments.get(id(tensor)))
        for i, node in enumerate(kept):
            self._proto.signature.control_output.append(f"control_{i}")
            self._proto.control_ret[f"control_{i}"] = legal(node.name)
        self._proto.signature.is_stateful = effects_of(graph) is not Effect.NONE
        library.proto.function.append(self._proto)

    def _argument(self, place: int, tensor: GraphTensor) -> None:
        name = re.sub(r"[^a-z0-9_]", "_", tensor.node.name.lower()).lstrip("_0123456789") or "x"
        while name in self._taken and name != legal(tensor.node.name) or name in self._arguments.values():
            name += "_"
        self._taken.add(name)
        self._arguments[id(tensor)] = name
        self._proto.signature.input_arg.add(name=name, type=tensor.dtype.as_datatype_enum)
        attr = self._proto.arg_attr[place].attr
        attr["_user_specified_name"].s = tensor.node.name
        attr["_output_shapes"].list.shape.append(shape_proto(tensor.dims))

    def _nodes(self, graph: Graph) -> list[Node]:
        """Write the nodes; returns those that are to run although nothing takes their results."""
        writer, order, kept = _Writer(self._library, self._taken), _Order(), []
        own = {legal(t.node.name): self._arguments[id(t)] for t in graph.all_inputs}
        for node in graph.nodes:
            if node.outputs and id(node.outputs[0]) in self._arguments:
                continue
            control = [c for c in order.before(node) if c is not node] if self._library.strict else []
            first = len(self._proto.node_def)
            writer.add(node, self._proto.node_def, True, control)
            for proto in self._proto.node_def[first:]:
                self._protos[proto.name] = proto
                proto.input[:] = [self._inside(i, own.get(i)) for i in proto.input]
            if order.effects(node) & (Effect.WRITE | Effect.IO):
                kept.append(node)
        return kept if self._library.strict else []

    def _inside(self, reference: str, argument: str | None) -> str:
        """A reference as functions have it: an argument's name, or node:output:index."""
        if argument is not None or reference.startswith("^"):
            return argument or reference
        name, _, index = reference.partition(":")
        proto = self._protos[name]
        known = definition(proto.op)
        if known is None:
            return f"{name}:output:{index or 0}"
        return f"{name}:{known.reference(int(index or 0), _numbers(proto.attr))}"


def _numbers(attr: Any) -> dict[str, Any]:
    """The attributes that say how many tensors an argument is."""
    kinds = {name: value.WhichOneof("value") for name, value in attr.items()}
    found: dict[str, Any] = {name: attr[name].i for name, kind in kinds.items() if kind == "i"}
    return found | {name: attr[name].list.type for name, kind in kinds.items() if kind == "list"}


class _Order:
    """Which earlier effects of a function each effect must wait for."""

    def __init__(self) -> None:
        self._written: dict[Any, list[Node]] = {}
        self._read: dict[Any, list[Node]] = {}
        self._io: list[Node] = []

    @staticmethod
    def effects(node: Node) -> Effect:
        """What a node does, those of its graphs included."""
        inner = node.subgraphs
        if not inner:
            return node.op.effects
        out = Effect.NONE
        for graph in inner:
            out |= effects_of(graph)
        return out

    def before(self, node: Node) -> list[Node]:
        """What must run before a node."""
        effects = self.effects(node)
        if effects is Effect.NONE:
            return []
        waits: list[Node] = []
        if effects & (Effect.READ | Effect.WRITE):
            for handle in [_handle(t) for t in node.inputs if t.dtype is dtypes.resource]:
                waits += self._written.get(handle, ())
                if effects & Effect.WRITE:
                    waits += self._read.pop(handle, ())
                    self._written[handle] = [node]
                else:
                    self._read.setdefault(handle, []).append(node)
        if effects & Effect.IO:
            waits += self._io
            self._io = [node]
        return list(dict.fromkeys(waits))


def _handle(tensor: Any) -> Any:
    """What two tensors of the same variable share."""
    if tensor.node.op.name == "Const" and isinstance(tensor.node.attrs["value"].array, HandleTensor):
        return id(tensor.node.attrs["value"].array._array)
    return id(tensor)
