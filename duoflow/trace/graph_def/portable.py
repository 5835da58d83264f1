"""Graphs in ops that TensorFlow has: what only exists here is put in other terms before it is written.

`spelled` gives another op's name to a node that is one op there too; `portable` rewrites the rest.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from duoflow.core.emit import emit, emit_one
from duoflow.core.graph import Graph, Node
from duoflow.core.late import F
from duoflow.core.record import Kind
from duoflow.core.scalar import Unsupported
from duoflow.core.tensor import convert
from duoflow.formats.op_definitions import definition
from duoflow.ops.logging import PRINT
from duoflow.passes.rewrite import Rewriter

from .forms import form_of

__all__ = ["RENAMED_BACK", "portable", "spelled"]

_SCATTERS = {"update": "Update", "add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "min": "Min", "max": "Max"}


def _scatter(node: Node) -> tuple[str, dict[str, Any]]:
    return f"ResourceScatter{_SCATTERS[node.attrs['mode']]}", {}


def _scatter_nd(node: Node) -> tuple[str, dict[str, Any]]:
    return f"ResourceScatterNd{_SCATTERS[node.attrs['mode']]}", {}


def _search(node: Node) -> tuple[str, dict[str, Any]]:
    name = "UpperBound" if node.attrs["side"] == "right" else "LowerBound"
    return name, {"out_type": node.attrs["out_type"]}


def _case(node: Node) -> tuple[str, dict[str, Any]]:
    return ("StringUpper" if node.attrs["upper"] else "StringLower"), {"encoding": node.attrs["encoding"]}


_SPELLINGS: dict[str, Callable[[Node], tuple[str, dict[str, Any]]]] = {
    "DecodeRaw": lambda node: ("DecodePaddedRaw" if len(node.inputs) > 1 else "DecodeRaw", dict(node.attrs)),
    "ResourceScatter": _scatter,
    "ResourceScatterNd": _scatter_nd,
    "SearchSorted": _search,
    "PrintV2": lambda node: ("PrintV2", {"output_stream": node.attrs["output_stream"], "end": ""}),
    "StringCase": _case,
    "TensorListAdd": lambda node: ("AddN", {}),
    "TensorListZerosLike": lambda node: ("ZerosLike", {}),
}


def spelled(node: Node) -> tuple[str, dict[str, Any]]:
    """The name that TensorFlow has for a node's op, and its attributes there."""
    found = _SPELLINGS.get(node.op.name)
    return (node.op.name, dict(node.attrs)) if found is None else found(node)


#: Ops of TensorFlow that are one of ours with these attributes.
RENAMED_BACK: dict[str, tuple[str, dict[str, Any]]] = {
    **{f"ResourceScatter{theirs}": ("ResourceScatter", {"mode": mode}) for mode, theirs in _SCATTERS.items()},
    **{f"ResourceScatterNd{theirs}": ("ResourceScatterNd", {"mode": mode}) for mode, theirs in _SCATTERS.items()},
    "DecodePaddedRaw": ("DecodeRaw", {}),
    "LowerBound": ("SearchSorted", {"side": "left"}),
    "StringLower": ("StringCase", {"upper": False}),
    "StringUpper": ("StringCase", {"upper": True}),
    "UpperBound": ("SearchSorted", {"side": "right"}),
}


# -- in other terms ----------------------------------------------------------------------------------------------------


def _given_through(inputs: Sequence[Any], node: Node) -> Any:
    return inputs[: node.attrs["count"]]


def _cross_entropy(inputs: Sequence[Any], node: Node) -> Any:
    labels, logits = inputs
    return F.relu(logits) - logits * labels + F.log1p(F.exp(-F.abs(logits)))


def _print(inputs: Sequence[Any], node: Node) -> Any:
    pieces, hole = node.attrs["pieces"], "{}"
    while any(hole in piece for piece in pieces):
        hole = f"{{{hole}}}"
    text = F.string_format(hole.join(pieces), list(inputs), hole, node.attrs["summarize"])
    return emit(PRINT, (text,), {**node.attrs, "pieces": None})


def _sorted(inputs: Sequence[Any], node: Node) -> Any:
    """By TopKV2 along the last axis, which keeps the order of what is equal."""
    axis, descending = node.attrs["axis"], node.attrs["descending"]
    x = inputs[0]
    last = x.spec.rank - 1
    x = F.swapaxes(x, axis, last) if axis != last else x
    key = x if descending else _reversed(x)
    values, places = F.top_k(key, F.shape(x)[-1])
    if node.op.name == "ArgSort":
        out = places
    else:
        out = values if descending else _reversed(values)
    return F.swapaxes(out, axis, last) if axis != last else out


def _reversed(x: Any) -> Any:
    """Values in the opposite order: integers cannot all be negated, but inverted."""
    if x.dtype.is_integer:
        return F.bitwise_invert(x)
    return F.negative(x)


def _sum_to(inputs: Sequence[Any], node: Node) -> Any:
    x, like = inputs
    ahead = F.rank(x) - F.rank(like)
    ones = F.equal(F.concat([F.ones([ahead], "int32"), F.shape(like)], 0), 1)
    axes = F.cast(F.reshape(F.where(ones), [-1]), "int32")
    return F.reshape(F.reduce_sum(x, axes), F.shape(like))


def _like(inputs: Sequence[Any], node: Node) -> Any:
    dtype = node.attrs["dtype"]
    return F.cast(emit_one(node.op, inputs, {"dtype": inputs[0].dtype}), dtype)


def _clipped(inputs: Sequence[Any], node: Node) -> Any:
    x, low, high = inputs
    return F.maximum(F.minimum(x, high), low)


def _broadcast(inputs: Sequence[Any], node: Node) -> Any:
    """The same op on operands of one shape."""
    shape = functools.reduce(F.broadcast_dynamic_shape, [F.shape(x) for x in inputs])
    return emit_one(node.op, tuple([F.broadcast_to(x, shape) for x in inputs]), node.attrs)


def _part_of_strings(inputs: Sequence[Any], node: Node) -> Any:
    x, start, length = inputs
    shape = F.broadcast_dynamic_shape(F.shape(start), F.shape(length))
    return emit_one(node.op, (x, F.broadcast_to(start, shape), F.broadcast_to(length, shape)), node.attrs)


def _rolled(inputs: Sequence[Any], node: Node) -> Any:
    x, shift = inputs
    return emit_one(node.op, (x, F.reshape(shift, [-1])), node.attrs)


def _searched(inputs: Sequence[Any], node: Node) -> Any:
    values = inputs[1]
    flat = [F.reshape(x, F.stack([F.reduce_prod(F.shape(x)[:-1]), F.shape(x)[-1]])) for x in inputs]
    return F.reshape(emit_one(node.op, tuple(flat), node.attrs), F.shape(values))


def _transformed(inputs: Sequence[Any], node: Node) -> Any:
    """A transform of an operand that is filled up to the length that it asks for."""
    x, length = inputs[0], node.attrs["length"]
    wanted = length if node.op.name == "RFFT" else length // 2 + 1
    missing = F.maximum(wanted - F.shape(x)[-1], 0)
    paddings = F.pad(F.reshape(missing, [1, 1]), [[x.spec.rank - 1, 0], [1, 0]])
    return emit_one(node.op, (F.ensure_shape(F.pad(x, paddings), (*x.dims[:-1], None)),), node.attrs)


def _same_shapes(inputs: Sequence[Any]) -> bool:
    return all(x.dims == inputs[0].dims and x.spec.known for x in inputs)


def _short(node: Node) -> bool:
    dims, length = node.inputs[0].dims, node.attrs["length"]
    if length is None or dims is None:
        return False
    return dims[-1] is not None and dims[-1] < (length if node.op.name == "RFFT" else length // 2 + 1)


#: What TensorFlow's kernels do not take, by op: when that is so, and what stands for it.
_UNLESS: dict[str, tuple[Callable[[Node], bool], Callable[[Sequence[Any], Node], Any]]] = {
    **dict.fromkeys(("Betainc",), (lambda n: not _same_shapes(n.inputs), _broadcast)),
    "ClipByValue": (lambda n: not _same_shapes(n.inputs) and any(t.dims != () for t in n.inputs[1:]), _clipped),
    **dict.fromkeys(("IRFFT", "RFFT"), (_short, _transformed)),
    **dict.fromkeys(("OnesLike", "ZerosLike"), (lambda n: n.attrs["dtype"] is not n.inputs[0].dtype, _like)),
    "Roll": (lambda n: n.inputs[1].dims == (), _rolled),
    "SearchSorted": (lambda n: n.inputs[0].spec.rank not in (2, None), _searched),
    "Substr": (lambda n: not _same_shapes(n.inputs[1:]), _part_of_strings),
}

_RULES: dict[str, Callable[[Sequence[Any], Node], Any]] = {
    "ArgSort": _sorted,
    "CustomGradient": _given_through,
    "Later": lambda inputs, node: inputs[0],  # effects are in order by control inputs there
    "PrintV2": _print,
    "SigmoidCrossEntropyWithLogits": _cross_entropy,
    "Sort": _sorted,
    "SumToShapeOf": _sum_to,
}

#: Compounds that have the name of an op of TensorFlow, and other inputs.
_OTHERS = frozenset({"StatelessMultinomial"})


def _rule_of(node: Node) -> Callable[[Sequence[Any], Node], Any] | None:
    op, rule = node.op, _RULES.get(node.op.name)
    if rule is not None:
        return None if node.attrs.get("pieces", ()) is None else rule
    if op.name in _UNLESS:
        applies, rule = _UNLESS[op.name]
        return rule if applies(node) else None
    if op.kind is not Kind.COMPOUND or op.expand is None or op.name in _SPELLINGS:
        return None
    rank = node.inputs[0].spec.rank if node.inputs else None
    off_axis = "axis" in form_of(op.name).private and node.attrs["axis"] not in (-1, rank and rank - 1)
    if definition(op.name) is not None and op.name not in _OTHERS and not off_axis:
        return None
    return lambda inputs, node: op.expand(*inputs, **node.attrs)  # type: ignore[misc]


def portable(graph: Graph) -> Graph:
    """The graph without ops that TensorFlow lacks, as far as they can be put in terms of others."""
    done: set[str] = set()
    while True:
        rules = {id(n): rule for n in graph.nodes if n.name not in done and (rule := _rule_of(n)) is not None}
        if not rules:
            return graph
        rw = Rewriter(graph)
        for node in graph.nodes:
            first = len(rw.graph.nodes)
            if id(node) not in rules or not _rewritten(rw, node, rules[id(node)]):
                rw.copy(node)
            if id(node) in rules:  # nor is what it became looked at again
                done |= {n.name for n in rw.graph.nodes[first:] if n.op is node.op}
        graph = rw.finish()


def _rewritten(rw: Rewriter, node: Node, rule: Callable[[Sequence[Any], Node], Any]) -> bool:
    inputs = rw.inputs(node)
    try:
        with rw.building(node):
            out = rule(inputs, node)
            outputs = [convert(o) for o in (out if isinstance(out, (tuple, list)) else (out,))]
            if outputs and not rw.old.is_function:  # sessions fetch by name
                outputs[0] = F.identity(outputs[0], name=node.name + "/")
    except Unsupported:
        return False
    rw.replace(node, outputs)
    return True
