"""What a loop keeps of its iterations for another loop is computed there again, where that costs next to nothing.

The gradient of a loop walks back through what the loop wrote, row by row. A row that only says which iteration it was,
or that was read from a tensor which is still there, or that is the same in every iteration, can be had from the
number of the row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from duoflow.core.graph import CONST, PLACEHOLDER, Graph, Node
from duoflow.core.record import OPS, Kind
from duoflow.core.tensor import GraphTensor, Tensor

from .loop_variables import LOOPS, is_lowered, scaled
from .rewrite import Rewriter
from .trips import Ramp, ramp_of, trips

__all__ = ["recompute_saved"]

#: Elementwise work on no more elements than this is done again.
_FEW = 16
#: Reading rows and changing shapes is done again whatever the size.
_MOVES = {"GatherV2", "Row", "StridedSlice", "Reshape", "ExpandDims", "Squeeze", "Pack", "Identity"}


@dataclass
class _Saved:
    """What a loop writes to a buffer in every iteration: `value`, computed in `body` from a counting variable and
    constants, to the row that is `factor * counter + offset`."""

    loop: Node
    body: Graph
    value: GraphTensor
    counter: int
    factor: int
    offset: int

    @property
    def constants(self) -> dict[int, int]:
        """The inputs of the body (by id) that do not change, with their positions."""
        count = len(self.loop.outputs)
        return {id(t): k for k, t in enumerate(self.body.all_inputs) if k >= count}


def recompute_saved(graph: Graph) -> Graph:
    """The graph with loops that compute again what is cheap, in place of reading it."""
    found = {}
    for node in graph.nodes:
        if node.op.name in LOOPS and is_lowered(node.attrs["body"]):
            for k, saved in _saved_by(node).items():
                found[id(node.outputs[k])] = saved
    readers = [n for n in graph.nodes if n.op.name in LOOPS and is_lowered(n.attrs["body"])]
    if not any(id(t) in found for n in readers for t in n.inputs[len(n.outputs) :]):
        return graph
    rw = Rewriter(graph)
    for node in graph.nodes:
        at = {k: found[id(t)] for k, t in enumerate(node.inputs) if k >= len(node.outputs) and id(t) in found}
        if at and node.op.name in LOOPS and is_lowered(node.attrs["body"]):
            _Reader(rw, node, at).write()
        else:
            rw.copy(node)
    return rw.finish()


# -- what is written ---------------------------------------------------------------------------------------------------


def _saved_by(node: Node) -> dict[int, _Saved]:
    """The outputs of a loop that hold, in the rows that were written, what is cheap to compute."""
    body = node.attrs["body"]
    known = trips(node.attrs["cond"], body, node.inputs)
    out = {}
    for k, end in enumerate(body.outputs):
        start: Any = node.inputs[k]
        made = end.node if isinstance(end, GraphTensor) else None
        if made is None or made.op.name != "SetRow" or made.inputs[0] is not body.inputs[k]:
            continue
        if start.node.op.name != "Empty":
            continue
        for counter, ramp in known.ramps.items():
            index = ramp_of(made.inputs[1], body.inputs[counter])
            if index is not None and abs(index[0]) == 1 and abs(ramp.step) == 1:
                saved = _Saved(node, body, made.inputs[2], counter, *index)  # type: ignore[arg-type]
                if _is_cheap(saved.value, saved, set(), known.ramps):
                    out[k] = saved
                break
    return out


def _is_cheap(tensor: Tensor, saved: _Saved, seen: set[int], ramps: dict[int, Ramp]) -> bool:
    """Whether a tensor of the body is had from the counter and what does not change, with hardly any work."""
    if id(tensor) in seen or tensor is saved.body.inputs[saved.counter] or id(tensor) in saved.constants:
        return True
    seen.add(id(tensor))
    node = tensor.node  # type: ignore[attr-defined]
    if node.op is CONST:
        return True
    if node.op is PLACEHOLDER or not node.op.pure or len(node.outputs) != 1:
        return False
    if node.op.name not in _MOVES:
        few = tensor.spec.known and math.prod(tensor.dims) <= _FEW  # type: ignore[arg-type]
        if node.op.kind is not Kind.ELEMENTWISE or not few:
            return False
    return all(_is_cheap(t, saved, seen, ramps) for t in node.inputs)


# -- what is read ------------------------------------------------------------------------------------------------------


class _Reader:
    """A loop that reads rows another loop wrote."""

    def __init__(self, rw: Rewriter, node: Node, at: dict[int, _Saved]) -> None:
        self.rw, self.node, self.at = rw, node, at
        #: What the loop must be passed besides, by (id of the writing loop, position there).
        self.extra: dict[tuple[int, int], GraphTensor] = {}

    def write(self) -> None:
        node = self.node
        body = self._rewritten(node.attrs["body"], self._body_step)
        cond = self._rewritten(node.attrs["cond"], None)
        outputs = self.rw.add(
            node.op, [*self.rw.inputs(node), *self.extra.values()], {"cond": cond, "body": body}, like=node
        )
        self.rw.replace(node, outputs)

    def _rewritten(self, graph: Graph, step: Any) -> Graph:
        inner = Rewriter(graph)
        given = {id(t): self.at[k] for k, t in enumerate(graph.all_inputs) if k in self.at}
        self.received: dict[tuple[int, int], GraphTensor] = {}
        inputs = {id(t.node) for t in graph.all_inputs}
        for node in graph.nodes:  # what is passed comes first, so that rows can be computed from it
            if id(node) in inputs:
                inner.copy(node)
        if step is None:
            for key, tensor in self.extra.items():
                self._receive(inner, key, tensor)
        for node in graph.nodes:
            if id(node) in inputs:
                continue
            if step is not None and node.op.name == "Row" and id(node.inputs[0]) in given:
                step(inner, node, given[id(node.inputs[0])])
            else:
                inner.copy(node)
        out = inner.finish()
        out.inputs += [self.received[key] for key in self.extra]
        return out

    def _receive(self, inner: Rewriter, key: tuple[int, int], tensor: GraphTensor) -> GraphTensor:
        attrs = {"dtype": tensor.dtype, "shape": tensor.dims}
        self.received[key] = inner.add(PLACEHOLDER, (), attrs, like=self.node, name="captured")[0]
        return self.received[key]

    def _body_step(self, inner: Rewriter, node: Node, saved: _Saved) -> None:
        """Compute the row that was written, in place of reading it."""
        start = saved.body.inputs[saved.counter]
        index = inner[node.inputs[1]]
        counter = scaled(inner, index, saved.factor, -saved.factor * saved.offset, node)
        if counter.dtype is not start.dtype:
            counter = inner.add(OPS["Cast"], (counter,), {"dtype": start.dtype}, like=node)[0]
        table: dict[int, GraphTensor] = {id(start): counter}
        inner.bind(node.outputs[0], self._copied(inner, saved, saved.value, table))

    def _copied(self, inner: Rewriter, saved: _Saved, tensor: Any, table: dict[int, GraphTensor]) -> GraphTensor:
        if id(tensor) not in table:
            position = saved.constants.get(id(tensor))
            if position is not None:
                key = (id(saved.loop), position)
                if key not in self.extra:
                    self.extra[key] = self.rw[saved.loop.inputs[position]]
                if key not in self.received:
                    self._receive(inner, key, self.extra[key])
                table[id(tensor)] = self.received[key]
            elif tensor.node.op is CONST:
                table[id(tensor)] = inner.constant(np.asarray(tensor.node.attrs["value"].array), tensor.node)
            else:
                inputs = [self._copied(inner, saved, t, table) for t in tensor.node.inputs]
                table[id(tensor)] = inner.add(tensor.node.op, inputs, tensor.node.attrs, like=tensor.node)[0]
        return table[id(tensor)]
