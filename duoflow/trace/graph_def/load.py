"""Nodes of a `GraphDef` added to a graph.

The nodes may come in any order; unknown ops, cycles, missing inputs and absurd sizes are a `ValueError` that names the
node, and leave the graph as it was only up to that node.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from duoflow.core.context import context, entered
from duoflow.core.errors import OpError
from duoflow.core.graph import CONST, Graph, Node, get_default_graph
from duoflow.core.late import F
from duoflow.core.record import OPS, Kind, Literal
from duoflow.core.tensor import convert
from duoflow.formats.messages import GraphDef
from duoflow.formats.tensors import array_of, dims_of, dtype_of
from duoflow.formats.wire import DecodeError

from .expansions import EXPANSIONS
from .export import OPAQUE
from .forms import form_of

__all__ = ["import_graph_def"]

#: A graph of more nodes than this is taken for damaged.
MOST_NODES = 5_000_000
#: Ops that take axes as an input too, when these are not known in advance.
REDUCTIONS = frozenset({"All", "Any", "EuclideanNorm", "Max", "Mean", "Min", "Prod", "Sum"})
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
      ValueError: for an unknown op, a cycle, missing inputs, contradicting attributes, or an unused key of `input_map`.

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
        self._library = {f.signature.name: f for f in definition.library.function}
        self._protos: dict[str, Any] = {}
        self._outputs: dict[str, Sequence[Any]] = {}
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
        for proto in _ordered(self._protos):
            inputs, control = [], []
            for reference in proto.input:
                if reference.startswith("^"):
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
        outputs = self._outputs.get(name, ())
        if int(index) >= len(outputs):
            raise ValueError(f"Input {reference!r} names an output that node {name!r} does not have.")
        return outputs[int(index)]

    def _add(self, proto: Any, inputs: list[Any], control: list[Node]) -> None:
        before = len(self._graph.nodes)
        try:
            with entered(control=tuple(control), scope="", device=proto.device):
                outputs = build(self._graph, proto, inputs, self._prefix + proto.name, self._library)
        except (ValueError, TypeError, KeyError, OverflowError, DecodeError, OpError) as error:
            raise ValueError(f"Node {proto.name!r} ({proto.op}) cannot be imported: {error}") from None
        self._outputs[proto.name] = outputs
        if outputs:
            self._nodes[proto.name] = outputs[0].node
        elif len(self._graph.nodes) > before:
            self._nodes[proto.name] = self._graph.nodes[-1]


def _ordered(protos: dict[str, Any]) -> list[Any]:
    """The definitions, each after those it names; `ValueError` for unknown names and cycles."""
    waits: dict[str, int] = {}
    users: dict[str, list[str]] = {name: [] for name in protos}
    for name, proto in protos.items():
        sources = [_source(reference) for reference in proto.input]
        for source in sources:
            if source not in protos:
                raise ValueError(f"Node {name!r}: input {source!r} is not in the GraphDef.")
            users[source].append(name)
        waits[name] = len(sources)
    ready = [name for name, count in waits.items() if not count][::-1]
    out = []
    while ready:
        name = ready.pop()
        out.append(protos[name])
        for user in users[name]:
            waits[user] -= 1
            if not waits[user]:
                ready.append(user)
    if len(out) < len(protos):
        stuck = sorted(name for name, count in waits.items() if count)
        shown = ", ".join(stuck[:5]) + (", ..." if len(stuck) > 5 else "")
        raise ValueError(
            f"The graph has a cycle through {shown}. Loops of TensorFlow 1 (Enter, NextIteration) are not imported; "
            "write them with control flow v2 (tf.while_loop of TensorFlow 2)."
        )
    return out


def _source(reference: str) -> str:
    return re.sub(r":\d+$", "", reference.removeprefix("^"))


# -- one node ----------------------------------------------------------------------------------------------------------


def build(graph: Graph, proto: Any, inputs: list[Any], name: str, library: dict[str, Any]) -> Sequence[Any]:
    """Add the node of a definition; returns its outputs."""
    if proto.op in EXPANSIONS:
        with F.name_scope(name + "/"):
            out = EXPANSIONS[proto.op](Attributes(proto), *inputs)
        outputs = out if isinstance(out, (list, tuple)) else [out]
        return [F.identity(outputs[0], name=name + "/"), *outputs[1:]]
    record = OPS.get(proto.op)
    if record is None:
        raise ValueError(f"Op type not registered {proto.op!r}: there is no such op here.")
    if proto.op == "Const":
        return graph.add(CONST, (), {"value": Literal(array_of(proto.attr["value"].tensor))}, name + "/").outputs
    inputs, attrs = _attributes(proto, inputs, library, graph)
    known = record.kind is Kind.CONTROL
    node = graph.add(record, inputs, attrs, name + "/")
    return () if known and not node.outputs else node.outputs


class Attributes:
    """The attributes of a definition as Python values."""

    def __init__(self, proto: Any) -> None:
        self._attr = proto.attr

    def get(self, name: str, default: Any = None) -> Any:
        """The value of an attribute."""
        return attribute(self._attr[name]) if name in self._attr else default


def attribute(value: Any) -> Any:
    """An attribute as a Python value: bytes for strings, tuples for lists."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "type":
        return dtype_of(value.type)
    if kind == "shape":
        return dims_of(value.shape)
    if kind == "tensor":
        return Literal(array_of(value.tensor))
    if kind == "list":
        for field, items in value.list.ListFields():
            if field.name == "type":
                return tuple(dtype_of(t) for t in items)
            if field.name == "shape":
                return tuple(dims_of(s) for s in items)
            return tuple(items)
        return ()
    if kind == "s":
        text = value.s
        if text.startswith(OPAQUE.encode()):
            raise ValueError("it holds a Python object, which a GraphDef can only name.")
        try:
            return text.decode()
        except UnicodeDecodeError:
            return text
    return getattr(value, kind)


def _attributes(
    proto: Any, inputs: list[Any], library: dict[str, Any], graph: Graph
) -> tuple[list[Any], dict[str, Any]]:
    """Our inputs and attributes for a definition."""
    form = form_of(proto.op)
    ours = {theirs: name for name, theirs in form.renamed.items()} | {f"_{name}": name for name in form.private}
    dropped = {*form.types, *form.index_types, *form.fixed, form.count, "_output_shapes", "_class", "container"}
    dropped |= {"explicit_paddings", "validate_shape", "allowed_devices", "debug_name", "Tout", "Tin", "Tcond"}
    attrs: dict[str, Any] = {}
    for name in proto.attr:
        if name in dropped or (name.startswith("_") and name not in ours):
            continue
        value = proto.attr[name]
        if value.WhichOneof("value") == "func":
            attrs[name] = _function(value.func.name, library, graph)
            continue
        read = attribute(value)
        attrs[ours.get(name, name)] = read
    if form.fixed.get("data_format") and proto.attr["data_format"].s not in (b"", b"NHWC"):
        raise ValueError(f"data_format {proto.attr['data_format'].s.decode()} is not imported: only NHWC is.")
    for name, (_, back) in form.convert.items():
        if name in attrs:
            attrs[name] = back(attrs[name])
    if form.algorithm is not None:
        del inputs[form.algorithm]
    for name, place in form.constants:
        tensor = inputs[place]
        if tensor.spec.array is None and proto.op in REDUCTIONS:
            attrs[name] = None
            continue
        if tensor.spec.array is None:
            raise ValueError(f"input {name} must be a constant.")
        inputs.pop(place)
        attrs[name] = form.convert[name][1](tensor.spec.array)
    return inputs, _completed(proto, inputs, attrs)


def _completed(proto: Any, inputs: list[Any], attrs: dict[str, Any]) -> dict[str, Any]:
    """What TensorFlow's definitions leave out and ours have."""
    op = proto.op
    for graphs in (("then_branch", "else_branch"), ("cond", "body")):
        if graphs[0] in attrs:
            return {name: attrs[name] for name in graphs}
    if op in ("ReadVariableOp", "AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"):
        handle = inputs[0].node.attrs
        attrs = {"dtype": handle.get("dtype", attrs.get("dtype")), "shape": attrs.get("shape", handle.get("shape"))}
    elif op == "VarHandleOp":
        attrs.setdefault("trainable", True)
        attrs["shared_name"] = attrs.get("shared_name") or proto.name
    elif op in ("Softmax", "LogSoftmax"):
        attrs.setdefault("axis", -1)
    elif op in ("OnesLike", "ZerosLike"):
        attrs.setdefault("dtype", inputs[0].dtype)
    elif op == "TopKV2":
        attrs.setdefault("index_type", dtype_of(3))
    elif op in ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"):
        attrs.setdefault("dilations", (1, 1))
        if attrs.get("padding") == "EXPLICIT":
            flat = proto.attr["explicit_paddings"].list.i
            attrs["padding"] = tuple((flat[2 * i], flat[2 * i + 1]) for i in range(1, len(flat) // 2 - 1))
    elif op == "Cast":
        attrs.pop("Truncate", None)
    elif op == "Squeeze" and not attrs.get("axis"):
        attrs["axis"] = tuple(i for i, d in enumerate(inputs[0].dims or ()) if d == 1)
    elif op in ("MatMul", "BatchMatMulV2"):
        attrs.pop("grad_a", None)
        attrs.pop("grad_b", None)
    elif op == "ArgMax" or op == "ArgMin":
        attrs.setdefault("output_type", dtype_of(9))
    elif op == "Shape" or op == "Size":
        attrs.setdefault("out_type", dtype_of(3))
    elif op in REDUCTIONS:
        attrs.setdefault("keepdims", False)
    elif op == "GatherV2":
        attrs.setdefault("batch_dims", 0)
    return attrs


# -- functions ---------------------------------------------------------------------------------------------------------

#: The places among all outputs of ops with several named ones.
_OUTPUTS = {
    ("TopKV2", "indices"): 1, ("UniqueWithCounts", "idx"): 1, ("UniqueWithCounts", "count"): 2,
    ("SoftmaxCrossEntropyWithLogits", "backprop"): 1, ("SparseSoftmaxCrossEntropyWithLogits", "backprop"): 1,
}  # fmt: skip


def _function(name: str, library: dict[str, Any], outer: Graph) -> Graph:
    """A function of the library as a graph; `ValueError` if there is none of that name."""
    if name not in library:
        raise ValueError(f"function {name!r} is not in the library of the GraphDef.")
    definition = library[name]
    smaller = {k: v for k, v in library.items() if k != name}  # a function cannot call itself
    graph = Graph(name, is_function=True, outer=outer)
    tensors: dict[str, Any] = {}
    with graph.as_default():
        for argument in definition.signature.input_arg:
            tensors[argument.name] = graph.add_input(dtype_of(argument.type), None, argument.name)
        protos = {p.name: p for p in definition.node_def}
        built: dict[str, Sequence[Any]] = {}

        def tensor(reference: str) -> Any:
            node, _, rest = reference.partition(":")
            if node in tensors:
                return tensors[node]
            label, _, index = rest.partition(":")
            return built[node][_OUTPUTS.get((protos[node].op, label), 0) + int(index or 0)]

        for proto in _body_order(protos, tensors):
            inputs = [tensor(i) for i in proto.input if not i.startswith("^")]
            with entered(scope=""):
                built[proto.name] = build(graph, proto, inputs, proto.name, smaller)
        graph.outputs = [tensor(definition.ret[o.name]) for o in definition.signature.output_arg]
    return graph


def _body_order(protos: dict[str, Any], arguments: dict[str, Any]) -> list[Any]:
    plain = {}
    for name, proto in protos.items():
        copy = type(proto)(name=name)
        copy.input.extend(
            i.partition(":")[0] for i in proto.input if i.partition(":")[0].removeprefix("^") not in arguments
        )
        plain[name] = copy
    return [protos[p.name] for p in _ordered(plain)]
