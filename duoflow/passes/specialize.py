"""Tie a trace to concrete input shapes: every record infers again from them, and what becomes known is kept.

Sizes that were unknown become numbers, `Shape` and what is computed from it become known values, and the fold pass
then makes constants of those. Nodes whose inputs tell nothing new keep what was inferred.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from duoflow.core import shapes
from duoflow.core.errors import OpError
from duoflow.core.graph import PLACEHOLDER, Graph, Node, _fold
from duoflow.core.record import Kind
from duoflow.core.shapes import Dims
from duoflow.core.spec import Spec
from duoflow.core.tensor import GraphTensor

from .assume import assuming, refusing
from .prune import acts
from .rewrite import Rewriter

__all__ = ["Observed", "inferred", "refuse", "specialize", "tells_more"]

#: The shapes of the outputs of nodes, by name.
Observed = Mapping[str, tuple[Dims, ...]]


def specialize(graph: Graph, dims: Sequence[Dims], observed: Observed | None = None) -> Graph:
    """The graph for inputs of these shapes, one per `graph.all_inputs`.

    `observed` gives the output shapes that nodes (by name) had in a run. Where inference finds less, they are assumed,
    up to the first node that does more than give outputs: what was done cannot be taken back if an assumption fails.
    """
    given = {id(t): d for t, d in zip(graph.all_inputs, dims, strict=True)}
    rw = Rewriter(graph)
    news: set[int] = set()
    for node in graph.nodes:
        if node.op is PLACEHOLDER:
            _specialize_input(rw, node, given.get(id(node.outputs[0])), news)
            continue
        if observed is not None and acts(node):
            observed = None
        inputs = rw.inputs(node)
        # An input that became a constant is no news, but what is computed from it may be.
        asked = any(id(t) in news for t in inputs) or not all(t.spec.known for t in node.outputs)
        specs = inferred(node, inputs) if asked else [t.spec for t in node.outputs]
        if specs is None:
            new = refuse(rw, node)
        elif observed is not None and any(not s.known for s in specs) and node.name in observed:
            new = _assume(rw, node, specs, observed[node.name])
        else:
            new = rw.copy(node, specs=specs)
        news.update(id(t) for t, old in zip(new.outputs, node.outputs, strict=True) if tells_more(t.spec, old.spec))
    return rw.finish()


def _assume(rw: Rewriter, node: Node, specs: list[Spec], seen: tuple[Dims, ...]) -> Node:
    """The node as a host call that checks its outputs' shapes."""
    dims = tuple(spec.shape if spec.known else shape for spec, shape in zip(specs, seen, strict=True))
    outputs = rw.add(assuming(node.op, dims), rw.inputs(node), node.attrs, like=node)
    rw.replace(node, outputs)
    return outputs[0].node


def refuse(rw: Rewriter, node: Node) -> Node:
    """The node as a host call that raises: its operands do not fit, and the error belongs to the run."""
    op = refusing(node.op, tuple((t.dims, t.dtype) for t in node.outputs))
    outputs = rw.add(op, rw.inputs(node), node.attrs, like=node)
    rw.replace(node, outputs)
    return outputs[0].node


def _specialize_input(rw: Rewriter, node: Node, dims: Dims, news: set[int]) -> None:
    old = node.outputs[0].spec
    if dims is None or dims == old.shape:
        rw.copy(node)
        return
    new = rw.copy(node, attrs={**node.attrs, "shape": dims}, specs=[Spec(dims, old.dtype, old.value)])
    news.add(id(new.outputs[0]))


def tells_more(new: Spec, old: Spec) -> bool:
    return new.shape != old.shape or (new.value is not None and new.value is not old.value)


def inferred(node: Node, inputs: tuple[GraphTensor, ...]) -> list[Spec] | None:
    """What the record infers now, joined with what was known before; None if it refuses its operands."""
    if node.op.kind is Kind.CONTROL and node.subgraphs:
        found = _inferred_inside(node, inputs)
        return [_joined(new, out.spec) for new, out in zip(found, node.outputs, strict=True)]
    try:
        specs = node.op.infer(*[t._spec for t in inputs], **node.attrs)
    except (ValueError, TypeError, OpError):
        return None
    specs = specs if isinstance(specs, tuple) else (specs,)
    specs = _fold(node.op, inputs, node.attrs, specs)
    return [_joined(new, out.spec) for new, out in zip(specs, node.outputs, strict=True)]


def _inferred_inside(node: Node, inputs: tuple[GraphTensor, ...]) -> list[Spec]:
    """The outputs of a loop, branches or a call, from graphs specialised for these inputs."""
    graphs = node.subgraphs
    if "cond" in node.attrs:
        body, count = node.attrs["body"], len(node.outputs)
        found = _outputs_for(body, inputs)
        same = all(new.shape == old._spec.shape for new, old in zip(found, inputs, strict=False))
        return found if same else [Spec(t.spec.shape, t.dtype) for t in body.inputs[:count]]
    columns = zip(*[_outputs_for(g, inputs[len(inputs) - len(g.all_inputs) :]) for g in graphs], strict=True)
    return [Spec(functools.reduce(shapes.relax, [s.shape for s in column]), column[0].dtype) for column in columns]


def _outputs_for(graph: Graph, inputs: Sequence[GraphTensor]) -> list[Spec]:
    specialized = specialize(graph, [t._spec.shape for t in inputs])
    return [Spec(t.spec.shape, t.dtype) for t in specialized.outputs]


def _joined(new: Spec, old: Spec) -> Spec:
    if not shapes.compatible(new.shape, old.shape):
        return new
    value = new.value if new.value is not None else old.value
    return Spec(shapes.merge(new.shape, old.shape), new.dtype, value)
