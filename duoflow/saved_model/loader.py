"""The graph of a SavedModel without what saves and restores it; models without objects, as TensorFlow 1 wrote them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from duoflow.core.spec import TensorSpec
from duoflow.core.trackable import Trackable
from duoflow.core.variables import Variable
from duoflow.formats.bundle import BundleReader
from duoflow.formats.messages import GraphDef, TrackableObjectGraph
from duoflow.formats.tensors import dims_of, dtype_of
from duoflow.ops.checkpoint import OBJECT_GRAPH_KEY
from duoflow.trace.function import Function
from duoflow.trace.graph_def import import_graph_def

from .constants import INIT_OP_SIGNATURE_KEY
from .files import variables_reader
from .signatures import SignatureMap

__all__ = ["graph_without_saving", "load_as_function", "saved_values"]

_SAVING = frozenset({"MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename"})


class Graphless(Trackable):
    """A model of TensorFlow 1: its signatures and its variables."""

    def __init__(self, signatures: SignatureMap, variables: list[Variable]) -> None:
        self.signatures, self.variables = signatures, variables


def graph_without_saving(meta: Any) -> Any:
    """The graph of a meta graph without the nodes that save and restore, functions that do, and what needs them."""
    library = {f.signature.name: f for f in meta.graph_def.library.function}
    saving = {name for name, f in library.items() if any(n.op in _SAVING for n in f.node_def)}
    while True:
        more = {
            name for name, f in library.items() if name not in saving and any(_calls(n, saving) for n in f.node_def)
        }
        if not more:
            break
        saving |= more
    gone = {n.name for n in meta.graph_def.node if n.op in _SAVING or _calls(n, saving)}
    while True:
        more = {n.name for n in meta.graph_def.node if n.name not in gone and gone & set(_sources(n))}
        if not more:
            break
        gone |= more
    kept = [n for n in meta.graph_def.node if n.name not in gone]
    functions = [f for name, f in library.items() if name not in saving]
    return GraphDef(node=kept, library={"function": functions}, versions=meta.graph_def.versions)


def _calls(node: Any, names: set[str]) -> bool:
    return any(v.WhichOneof("value") == "func" and v.func.name in names for v in node.attr.values())


def _sources(node: Any) -> list[str]:
    return [i.removeprefix("^").partition(":")[0] for i in node.input]


def saved_values(export_dir: Any, meta: Any) -> Callable[[str, str], Any]:
    """A function that gives the value of a variable, by the node of its handle and by its name.

    Its key in the checkpoint is what the graph restores it from; a graph that restores others leaves it without a
    value: None. In a graph that restores nothing the key is the name, and `ValueError` is raised if there is none.
    """
    reader = variables_reader(export_dir)
    restored = _restored(meta.graph_def)
    keys = _keys_by_name(reader) if reader is not None else {}

    def value(node: str, name: str) -> Any:
        if restored and node not in restored:
            return None
        key = restored.get(node) or keys.get(name, name)
        if reader is None or not reader.has_tensor(key):
            raise ValueError(f"Variable {name!r} has no value in the SavedModel's checkpoint.")
        return reader.get_tensor(key)

    return value


def _keys_by_name(reader: BundleReader) -> dict[str, str]:
    if not reader.has_tensor(OBJECT_GRAPH_KEY):
        return {}
    graph = TrackableObjectGraph.FromString(reader.get_tensor(OBJECT_GRAPH_KEY).item())
    return {a.full_name: a.checkpoint_key for node in graph.nodes for a in node.attributes if a.full_name}


def _restored(definition: Any) -> dict[str, str]:
    """The keys from which the nodes of a graph restore variables, by the nodes of their handles."""
    found = _assigned(definition.node, {})
    library = {f.signature.name: f for f in definition.library.function}
    for node in definition.node:
        function = library.get(node.attr["f"].func.name) if "f" in node.attr else None
        if function is not None:
            arguments = [a.name for a in function.signature.input_arg]
            found |= _assigned(function.node_def, dict(zip(arguments, _sources(node), strict=False)))
    return found


def _assigned(nodes: Any, outside: dict[str, str]) -> dict[str, str]:
    """The keys of what is assigned from RestoreV2; `outside` says what the arguments of a function are."""
    table, out = {node.name: node for node in nodes}, {}
    for node in nodes:
        if node.op != "AssignVariableOp" or len(node.input) < 2:
            continue
        reference = node.input[1]
        while (source := table.get(reference.partition(":")[0])) is not None and source.op == "Identity":
            reference = source.input[0]
        if source is not None and source.op == "RestoreV2":
            names = table.get(source.input[1].partition(":")[0])
            keys = names.attr["value"].tensor.string_val if names is not None and names.op == "Const" else ()
            place = int(reference.rpartition(":")[2]) if reference[-1].isdigit() and ":" in reference else 0
            handle = node.input[0].partition(":")[0]
            if place < len(keys):
                out[outside.get(handle, handle)] = keys[place].decode()
    return out


# -- without objects ---------------------------------------------------------------------------------------------------


def load_as_function(export_dir: Any, meta: Any) -> Graphless:
    """A model without objects: its signatures as concrete functions, over variables of their own."""
    graph, value = graph_without_saving(meta), saved_values(export_dir, meta)
    nodes = {node.name: node for node in graph.node}
    variables = {}
    for node in graph.node:
        if node.op == "VarHandleOp":
            name = node.attr["shared_name"].s.decode() or node.name
            dtype, dims = dtype_of(node.attr["dtype"].type), dims_of(node.attr["shape"].shape)
            found = value(node.name, name)
            if found is not None:
                variables[node.name] = Variable(found, name=name, dtype=dtype, shape=dims)
    signatures = SignatureMap()
    for key, proto in meta.signature_def.items():
        if key != INIT_OP_SIGNATURE_KEY:
            signatures._add(key, _Signature(graph, nodes, variables, key, proto))
    return Graphless(signatures, list(variables.values()))


class _Signature:
    """A signature that becomes a concrete function when it is asked for."""

    def __init__(self, graph: Any, nodes: dict[str, Any], variables: dict[str, Variable], key: str, proto: Any) -> None:
        self._graph, self._nodes, self._variables, self._key, self._proto = graph, nodes, variables, key, proto

    def __call__(self) -> Any:
        """The concrete function."""
        inputs, outputs = self._proto.inputs, self._proto.outputs
        specs = {name: TensorSpec(_dims(info), dtype_of(info.dtype), name) for name, info in inputs.items()}
        fetched = {name: info.name for name, info in outputs.items()}
        fed = {info.name: name for name, info in inputs.items()}
        part = self._needed([n.partition(":")[0] for n in fetched.values()], {n.partition(":")[0] for n in fed})

        def signature(**kwargs: Any) -> Any:
            names = {node.name for node in part.node}
            given = {tensor: kwargs[name] for tensor, name in fed.items() if tensor.partition(":")[0] in names}
            given |= {f"{name}:0": v.handle for name, v in self._variables.items() if name in names}
            found = import_graph_def(part, given, list(fetched.values()), name="")
            return dict(zip(fetched, found, strict=True))

        made = Function(signature, f"signature_{self._key}", autograph=False)
        return made.get_concrete_function(**specs)

    def _needed(self, wanted: Sequence[str], fed: Iterable[str]) -> Any:
        """The part of the graph that gives these nodes."""
        todo, seen, fed = list(wanted), set(wanted), set(fed)
        for name in todo:
            if name not in self._nodes:
                raise ValueError(
                    f"Signature {self._key!r} names {name!r}, which is not in the graph of the SavedModel."
                )
            for source in () if name in fed else _sources(self._nodes[name]):
                if source not in seen:
                    seen.add(source)
                    todo.append(source)
        kept = []
        for name in todo:
            node = self._nodes[name]
            if name in fed:
                node = type(node)(name=name, op="Placeholder", attr={"dtype": node.attr["dtype"]})
            kept.append(node)
        return GraphDef(node=kept, library=self._graph.library)


def _dims(info: Any) -> Any:
    return dims_of(info.tensor_shape)
