"""Loops and branches in ONNX, and the lists that loops write a row of in each iteration.

A list of tensors has no counterpart where loops carry it; but one that every iteration appends to is what ONNX calls a
scan output, and one that is only read is a tensor with its rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.graph import Graph, Node

from .rules import Rule
from .writer import NoCounterpart, Writer, value_info

__all__ = ["LOOP_RULES"]


@dataclass(frozen=True)
class Rows:
    """A list that is the rows of a tensor."""

    name: str


@dataclass(frozen=True)
class Appended:
    """A list as it is written from the first row on: single rows, then those of a loop."""

    first: tuple[str, ...] = ()
    looped: str | None = None


# -- lists -------------------------------------------------------------------------------------------------------------


def _set_item(w: Writer, n: Node) -> Any:
    items, index, value = n.inputs
    found, at = w.value(items), w.array(index)
    if not isinstance(found, Appended) or found.looped is not None or at is None or int(at) != len(found.first):
        raise NoCounterpart("a list of tensors that is not written from its first row on")
    return replace(found, first=(*found.first, w.name(value)))


def _get_item(w: Writer, n: Node) -> Any:
    found, at = w.value(n.inputs[0]), w.array(n.inputs[1])
    if isinstance(found, Rows):
        return w.op("Gather", [found.name, w.ints(n.inputs[1])], axis=0)
    if isinstance(found, Appended) and at is not None and int(at) < len(found.first):
        return found.first[int(at)]
    raise NoCounterpart("reading from a list of tensors that a loop writes")


def _stack(w: Writer, n: Node) -> Any:
    found = w.value(n.inputs[0])
    if isinstance(found, Rows):
        return found.name
    rows = [w.op("Unsqueeze", [name, w.constant(np.array([0]))]) for name in found.first]
    rows += [found.looped] if found.looped is not None else []
    if not rows:
        raise NoCounterpart("an empty list of tensors")
    return rows[0] if len(rows) == 1 else w.op("Concat", rows, axis=0)


# -- loops -------------------------------------------------------------------------------------------------------------


def _while(w: Writer, n: Node) -> Any:
    cond, body = n.attrs["cond"], n.attrs["body"]
    count = len(body.outputs)
    starts = [w.value(t) for t in n.inputs]
    lists = [i for i in range(count) if n.inputs[i].dtype is dtypes.variant]
    carried = [i for i in range(count) if i not in lists]
    first = _decided(w, cond, starts)
    inner = Writer(w.rules, w)
    inner.proto.name = w.unused(body.name or "body")
    counter, going = w.unused("iteration"), w.unused("going")
    inner.proto.input.append(value_info(counter, dtypes.int64, ()))
    inner.proto.input.append(value_info(going, dtypes.bool_, ()))
    given = dict(enumerate(starts))
    for i in carried:
        given[i] = w.unused("carried")
        inner.proto.input.append(value_info(given[i], n.inputs[i].dtype, _settled(body, i), "carried_batch"))
    written = {i: _written(w, n, i) for i in lists}
    for i, tensor in enumerate(body.inputs):
        inner.bind(tensor, given[i])
    skipped = {id(found[0]): found for found in written.values() if found is not None}
    inner.add(_without(body, {id(node) for node, _ in skipped.values()}))
    results = [inner.name(body.outputs[i]) for i in carried]
    after = [*_after(given, carried, results, count), *starts[count:]]
    inner.output(_decided(inner, cond, after), dtypes.bool_, ())
    for i, name in zip(carried, results, strict=True):
        inner.output(name, body.outputs[i].dtype, body.outputs[i].dims)
    rows = [i for i in lists if written[i] is not None]
    for i in rows:
        value = written[i][1]  # type: ignore[index]
        inner.output(inner.name(value), value.dtype, value.dims)
    inputs = ["", first, *(w.name(n.inputs[i]) for i in carried)]
    made = w.op("Loop", inputs, len(carried) + len(rows), body=inner.proto)
    made = dict(zip([*carried, *rows], [made] if isinstance(made, str) else made, strict=True))
    return [replace(starts[i], looped=made[i]) if i in rows else made.get(i, starts[i]) for i in range(count)]


def _after(given: dict[int, Any], carried: list[int], results: list[str], count: int) -> list[Any]:
    """The values of what a loop changes, after an iteration."""
    now = {**given, **dict(zip(carried, results, strict=True))}
    return [now[i] for i in range(count)]


def _decided(w: Writer, cond: Graph, values: list[Any]) -> str:
    """Whether a loop goes on: its condition added where `w` is."""
    for tensor, value in zip(cond.inputs, values, strict=True):
        w.bind(tensor, value)
    w.add(cond)
    return w.name(cond.outputs[0])


def _settled(body: Graph, i: int) -> Any:
    """The shape that a loop's variable has in every iteration."""
    before, after = body.inputs[i].dims, body.outputs[i].dims
    if before is None or after is None or len(before) != len(after):
        return None
    return tuple(a if a == b else None for a, b in zip(before, after, strict=True))


def _written(w: Writer, n: Node, i: int) -> tuple[Node, Any] | None:
    """The node with which an iteration appends to a list, and what it appends; None if the list stays as it is."""
    body = n.attrs["body"]
    mine, out = body.inputs[i], body.outputs[i]
    if out is mine:
        return None
    start = w.value(n.inputs[i])
    users = [node for node in body.nodes if any(t is mine for t in node.inputs)]
    plain = isinstance(start, Appended) and start.looped is None and [out.node] == users
    if not plain or out.node.op.name != "TensorListSetItem" or not _counts(w, n, out.node.inputs[1], len(start.first)):
        raise NoCounterpart("a list of tensors that a loop uses otherwise than to append one row in each iteration")
    return out.node, out.node.inputs[2]


def _counts(w: Writer, n: Node, index: Any, start: int) -> bool:
    """Whether a tensor of a loop's body is a variable that counts the iterations, from `start`."""
    body = n.attrs["body"]
    place = next((i for i, t in enumerate(body.inputs) if t is index), None)
    if place is None or place >= len(body.outputs):
        return False
    first, step = w.array(n.inputs[place]), body.outputs[place].node
    if first is None or int(first) != start or step.op.name != "AddV2" or not any(t is index for t in step.inputs):
        return False
    other = next((t for t in step.inputs if t is not index), None)
    return other is not None and other.spec.array is not None and int(other.spec.array) == 1


def _without(graph: Graph, nodes: set[int]) -> Graph:
    """A graph's nodes but some."""
    out = Graph(graph.name, True, graph.outer)
    out.nodes = [node for node in graph.nodes if id(node) not in nodes]
    return out


# -- branches ----------------------------------------------------------------------------------------------------------


def _if(w: Writer, n: Node) -> Any:
    pred = w.name(n.inputs[0])
    if n.inputs[0].dtype is not dtypes.bool_:
        pred = w.cast(pred, dtypes.bool_)
    graphs = {}
    for key in ("then_branch", "else_branch"):
        branch = n.attrs[key]
        inner = w.inner(branch, [w.value(t) for t in n.inputs[1:]])
        for tensor in branch.outputs:
            inner.output(inner.name(tensor), tensor.dtype, None)
        graphs[key] = inner.proto
    made = w.op("If", [pred], len(n.outputs), **graphs)
    return [made] if isinstance(made, str) else made


LOOP_RULES: dict[str, Rule] = {
    "If": _if,
    "StatelessIf": _if,
    "StatelessWhile": _while,
    "TensorListFromTensor": lambda w, n: Rows(w.name(n.inputs[0])),
    "TensorListGetItem": _get_item,
    "TensorListReserve": lambda w, n: Appended(),
    "TensorListSetItem": _set_item,
    "TensorListStack": _stack,
    "While": _while,
}
