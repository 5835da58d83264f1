"""One node of a definition added to a graph: its attributes as ours, its inputs, and what stands for its outputs."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from duoflow.core import dtypes
from duoflow.core.errors import NotFoundError
from duoflow.core.graph import CONST, Graph
from duoflow.core.late import F
from duoflow.core.record import OPS, Literal, Op
from duoflow.core.shapes import Dims
from duoflow.core.tensor import GraphTensor, HandleTensor
from duoflow.formats.op_definitions import Definition, definition, names_of
from duoflow.formats.tensors import array_of, dims_of, dtype_of
from duoflow.ops.subgraphs import is_pure

from .expansions import EXPANSIONS
from .export import OPAQUE
from .forms import Form, form_of
from .portable import RENAMED_BACK

__all__ = ["Attributes", "Built", "FunctionTable", "attribute", "build", "op_names", "variable_of"]

#: Ops that take axes as an input too, when these are not known in advance.
REDUCTIONS = frozenset({"All", "Any", "EuclideanNorm", "Max", "Mean", "Min", "Prod", "Sum"})
#: Attributes that mean nothing here.
_IGNORED = frozenset(
    "_class _output_shapes allowed_devices bad_color cardinality_options config config_proto container dct_method "
    "debug_name executor_type explicit_paddings fancy_upscaling grad_a grad_b grad_x grad_y incompatible_shape_error "
    "num_elements output_shapes parallel_iterations ratio read_only_resource_inputs replace_control_characters Tcond "
    "Tin Tout Truncate try_recover_truncated Tsplits use_cudnn_on_gpu use_locking validate_shape".split()
)
_VARIABLES = frozenset({
    "ReadVariableOp", "AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "ResourceScatter",
    "ResourceScatterNd",
})  # fmt: skip
#: Where a graph's `extras` say of which variable a handle is that comes from outside: dtype and shape by id.
HANDLES = "handles"
#: What a control op is called when its graphs have no effects, and when they have.
_CONTROL = {
    effectful: (pure, effectful)
    for pure, effectful in (("StatelessIf", "If"), ("StatelessWhile", "While"), ("StatelessCase", "Case"),
                            ("PartitionedCall", "StatefulPartitionedCall"))
}  # fmt: skip


class FunctionTable(Protocol):
    """The functions that nodes may name."""

    def graph_of(self, name: str, outer: Graph, inputs: Sequence[Any], fixed: bool = False) -> Graph:
        """A function as a graph, for inputs of the given kinds."""


@dataclass
class Built:
    """What stands for the outputs of a node, and the attributes that say which of them belong together."""

    outputs: Sequence[Any]
    attrs: dict[str, Any] = field(default_factory=dict)


def op_names() -> list[str]:
    """The ops of TensorFlow that are written or read here."""
    return sorted({*OPS, *EXPANSIONS, *RENAMED_BACK, "SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename"})


def build(graph: Graph, proto: Any, inputs: list[Any], name: str, functions: FunctionTable) -> Built:
    """Add the node of a definition."""
    attrs = Attributes(proto)
    if proto.op in EXPANSIONS:
        attrs.require()
        with F.name_scope(name + "/"):
            out = EXPANSIONS[proto.op](attrs, *inputs)
        outputs = list(out) if isinstance(out, (list, tuple)) else [] if out is None else [out]
        if outputs and not graph.is_function:  # sessions fetch by name
            outputs[0] = F.identity(outputs[0], name=name + "/")
        return Built(outputs, attrs.counts())
    op, given = RENAMED_BACK.get(proto.op, (proto.op, {}))
    record = OPS.get(op)
    if record is None:
        raise NotFoundError(None, None, f"Op type not registered {proto.op!r}: there is no such op here.")
    if record is CONST:
        value = Literal(array_of(proto.attr["value"].tensor))
        return Built(graph.add(CONST, (), {"value": value}, name + "/").outputs)
    ours = {**_attributes(record, attrs, inputs, functions, graph), **given}
    attrs.require()
    record = _by_purity(record, ours)
    if record.name in ("While", "StatelessWhile"):
        return Built(_loop(graph, record, ours, inputs, name), attrs.counts())
    node = graph.add(record, inputs, ours, name + "/")
    return Built(node.outputs, attrs.counts())


def _by_purity(record: Op, attrs: dict[str, Any]) -> Op:
    """The op that says whether the graphs it holds have effects."""
    names = next((pair for pair in _CONTROL.values() if record.name in pair), None)
    if names is None:
        return record
    graphs = [g for v in attrs.values() for g in (v if isinstance(v, tuple) else (v,)) if isinstance(g, Graph)]
    return OPS[names[0] if all(map(is_pure, graphs)) else names[1]]


def _loop(graph: Graph, record: Op, attrs: dict[str, Any], inputs: list[Any], name: str) -> list[Any]:
    """A loop: TensorFlow's give back all that they take, ours only what they change, which they take first."""
    body = attrs["body"]
    if len(body.outputs) != len(inputs):
        raise ValueError(f"the body of a loop over {len(inputs)} values gives {len(body.outputs)}.")
    kept = [_through_identities(out) is given for out, given in zip(body.outputs, body.inputs, strict=True)]
    order = [i for i, same in enumerate(kept) if not same]
    count = len(order)
    order += [i for i, same in enumerate(kept) if same]
    for inner in (attrs["cond"], body):
        inner.inputs = [inner.inputs[i] for i in order]
    body.outputs = [body.outputs[i] for i in order[:count]]
    node = graph.add(record, [inputs[i] for i in order], attrs, name + "/")
    outputs = list(inputs)
    for i, out in zip(order, node.outputs, strict=False):
        outputs[i] = out
    return outputs


def _through_identities(tensor: Any) -> Any:
    while tensor.node.op.name == "Identity":
        tensor = tensor.node.inputs[0]
    return tensor


# -- attributes --------------------------------------------------------------------------------------------------------


class Attributes:
    """The attributes of a definition as Python values."""

    def __init__(self, proto: Any) -> None:
        self.op, self.name = proto.op, proto.name
        self.protos = proto.attr

    def require(self) -> None:
        """Raise `ValueError` unless all attributes without a default are there; types are seen from the inputs."""
        known = definition(self.op)
        wanted = known.attributes.values() if known is not None else ()
        missing = [a.name for a in wanted if a.required and "type" not in a.kind and a.name not in self.protos]
        if missing:
            raise ValueError(f"attributes {missing} are missing.")

    def get(self, name: str, default: Any = None) -> Any:
        """The value of an attribute: the one given, that of TensorFlow's definition, or `default`."""
        if name in self.protos:
            return attribute(self.protos[name])
        known = definition(self.op)
        found = known.attributes.get(name) if known is not None else None
        if found is None or found.required:
            return default
        value = found.default
        return dtypes.as_dtype(value) if found.kind == "type" else tuple(value) if isinstance(value, list) else value

    def variable_dims(self, handle: Any) -> Dims:
        """The shape of the variable of a handle, if it is known."""
        found = variable_of(handle)
        return None if found is None else found[1]

    def counts(self) -> dict[str, Any]:
        """The attributes that say how many tensors an argument is."""
        known = definition(self.op)
        if known is None:
            return {}
        wanted = {a.count for a in known.outputs if a.count} | {a.kind for a in known.outputs if a.listed}
        return {name: self.get(name, ()) for name in wanted}

    def shape(self, index: int = 0) -> Dims:
        """What `_output_shapes` says of an output."""
        shapes = attribute(self.protos["_output_shapes"]) if "_output_shapes" in self.protos else ()
        return shapes[index] if index < len(shapes) else None


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
        for listed, items in value.list.ListFields():
            if listed.name == "type":
                return tuple(dtype_of(t) for t in items)
            if listed.name == "shape":
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


@functools.cache
def _accepted(op: Op) -> tuple[str, ...] | None:
    """The attributes that a record takes, in its order; None if that cannot be told."""
    for function in (op.infer, op.evaluate, op.body):
        parameters = list(inspect.signature(function).parameters.values()) if function is not None else []
        if parameters and all(p.kind is not p.VAR_KEYWORD for p in parameters):
            return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
    return None


def _attributes(
    record: Op, attrs: Attributes, inputs: list[Any], functions: FunctionTable, graph: Graph
) -> dict[str, Any]:
    """Our attributes for a definition; inputs that are attributes here are taken out of `inputs`."""
    form, known = form_of(record.name), definition(attrs.op)
    ours = {theirs: name for name, theirs in form.renamed.items()} | {f"_{name}": name for name in form.private}
    accepted = _accepted(record)
    typed = names_of(known.inputs) if known is not None else set()
    out: dict[str, Any] = {}
    for name in _given_names(attrs, known):
        mine = ours.get(name, name)
        takes = mine in accepted if accepted is not None else name not in typed
        if name in form.fixed:
            _require_fixed(name, attrs.get(name), form.fixed[name])
        elif name in attrs.protos and (held := _graphs(name, attrs, inputs, functions, graph)) is not None:
            out[mine] = held
        elif takes and name not in _IGNORED and (not name.startswith("_") or name in ours):
            out[mine] = attrs.get(name)
        elif accepted is not None and known is not None:
            _require_default(known, name, attrs, form)
    for name, (_, back) in form.convert.items():
        if name in out and name not in dict(form.constants):
            out[name] = back(out[name])
    _take_constants(record, form, inputs, out)
    out = _completed(record, attrs, inputs, out)
    return out if accepted is None else {name: out[name] for name in accepted if name in out}


def _given_names(attrs: Attributes, known: Definition | None) -> list[str]:
    names = list(attrs.protos)
    return (
        names
        if known is None
        else [*names, *(n for n, a in known.attributes.items() if n not in names and not a.required)]
    )


def _require_fixed(name: str, value: Any, only: Any) -> None:
    if value not in (None, "", only):
        raise ValueError(f"{name} {value} is not imported: only {only} is.")


def _require_default(known: Definition, name: str, attrs: Attributes, form: Form) -> None:
    """Refuse a value of an attribute that there is no place for here, unless it is the usual one."""
    about = known.attributes.get(name)
    typed = names_of(known.inputs) | names_of(known.outputs)
    if about is None or about.required or name in _IGNORED or name in typed or name not in attrs.protos:
        return
    value = attrs.get(name)
    usual = tuple(about.default) if isinstance(about.default, list) else about.default
    if value != usual and not (isinstance(value, float) and abs(value - usual) < 1e-6):
        raise ValueError(f"attribute {name}={value!r} has no counterpart here (only {usual!r} has).")


def _take_constants(record: Op, form: Form, inputs: list[Any], out: dict[str, Any]) -> None:
    if form.algorithm is not None:
        del inputs[form.algorithm]
    for place, _ in form.implied:
        del inputs[place]
    taken = 0
    for name, place in form.constants:
        at = place if place < 0 else place - taken
        tensor = inputs[at]
        if tensor.spec.array is None and record.name in REDUCTIONS:
            out[name] = None
            continue
        if tensor.spec.array is None:
            raise ValueError(f"input {name} must be a constant.")
        inputs.pop(at)
        taken += 1
        out[name] = form.convert[name][1](tensor.spec.array)


def _completed(record: Op, attrs: Attributes, inputs: list[Any], out: dict[str, Any]) -> dict[str, Any]:
    """What TensorFlow's definitions leave out and ours have."""
    op = record.name
    if op in _VARIABLES:
        dtype, dims = variable_of(inputs[0]) or (None, out.get("shape"))
        if dims is None and op == "ReadVariableOp":
            dims = attrs.shape()
        out |= {"dtype": dtype or attrs.get("dtype") or inputs[-1].dtype, "shape": dims}
    elif op == "VarHandleOp":
        out = {"trainable": True, **out, "shared_name": out.get("shared_name") or attrs.name}
    elif op in ("Softmax", "LogSoftmax"):
        out.setdefault("axis", -1)
    elif op in ("OnesLike", "ZerosLike"):
        out.setdefault("dtype", inputs[0].dtype)
    elif "padding" in out and out["padding"] == "EXPLICIT":
        flat = attrs.get("explicit_paddings")
        out["padding"] = tuple((flat[2 * i], flat[2 * i + 1]) for i in range(1, len(flat) // 2 - 1))
    elif op == "Squeeze" and not out.get("axis"):
        out["axis"] = tuple(i for i, d in enumerate(inputs[0].dims or ()) if d == 1)
    elif op in ("TensorListGetItem", "TensorListPopBack", "TensorListStack"):
        out.setdefault("shape", _element_dims(op, attrs, inputs))
    return out


def _element_dims(op: str, attrs: Attributes, inputs: list[Any]) -> Dims:
    """The static shape of what a list gives."""
    asked = inputs[-1].spec
    dims = asked.dims() if asked.shape is not None and len(asked.shape) == 1 else None
    if op != "TensorListStack":
        return dims if dims is not None else attrs.shape(1 if op == "TensorListPopBack" else 0)
    count = attrs.get("num_elements", -1)
    return (None if count < 0 else count, *dims) if dims is not None else attrs.shape()


# -- graphs and variables ----------------------------------------------------------------------------------------------


def _graphs(name: str, attrs: Attributes, inputs: list[Any], functions: FunctionTable, graph: Graph) -> Any:
    """The function or functions that an attribute names; None if it names none."""
    value = attrs.protos[name]
    kind = value.WhichOneof("value")
    listed = [f.name for f in value.list.func] if kind == "list" else []
    if kind != "func" and not listed:
        return None
    loop = name in ("cond", "body")
    operands = inputs[1:] if attrs.op in ("If", "StatelessIf", "Case", "StatelessCase") else inputs
    found = [functions.graph_of(each, graph, operands, loop) for each in listed or [value.func.name]]
    return tuple(found) if listed else found[0]


def variable_of(handle: Any) -> tuple[Any, Dims] | None:
    """dtype and shape of the variable of a handle, if it is known which one it is."""
    if isinstance(handle, HandleTensor):
        state = handle._array
        return (state.dtype, state.shape) if hasattr(state, "trainable") else None
    if not isinstance(handle, GraphTensor) or handle.dtype is not dtypes.resource:
        return None
    node = handle.node
    if node.op.name == "VarHandleOp":
        return node.attrs["dtype"], node.attrs["shape"]
    if node.op is CONST:
        return variable_of(node.attrs["value"].array)
    known: dict[int, tuple[Any, Dims]] = node.graph.extras.get(HANDLES, {})  # type: ignore[union-attr]
    if id(handle) in known:
        return known[id(handle)]
    outer = next((out for out, inner in node.graph.captures.values() if inner is handle), None)  # type: ignore[union-attr]
    if outer is not None:
        return variable_of(outer)
    return variable_of(node.inputs[0]) if node.op.name == "Identity" else None
