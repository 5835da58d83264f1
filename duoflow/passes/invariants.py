"""What every iteration of a loop would compute anew from the same operands is computed once, before the loop.

Looking at a tensor in another way costs nothing where it is read, so views stay in the loop, but for those that
products read: these want their operands in memory. A matrix that a product takes transposed, as the gradient of a
recurrent layer takes its weights, is turned before the loop.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

from duoflow.core.graph import CONST, PLACEHOLDER, Graph, Node
from duoflow.core.record import OPS, Kind
from duoflow.core.tensor import GraphTensor

from .loop_variables import LOOPS, is_lowered
from .prune import prune
from .rewrite import Rewriter, users
from .trips import trips

__all__ = ["hoist"]

#: Kinds of ops that cannot fail if all is computed with floats: they may be computed for a loop that is never entered.
_SAFE = (Kind.ELEMENTWISE, Kind.REDUCTION, Kind.CONTRACTION, Kind.VIEW)
#: Products of matrices, and their attributes that say that the second is transposed.
_PRODUCTS = {"MatMul": "transpose_b", "BatchMatMulV2": "adj_y"}


def hoist(graph: Graph) -> Graph:
    """The graph with loops that do not repeat themselves."""
    loops = {id(n): loop for n in graph.nodes if n.op.name in LOOPS and is_lowered(n.attrs["body"])
             for loop in [_Loop(n)] if loop.leaving or loop.turned}  # fmt: skip
    if not loops:
        return graph
    rw = Rewriter(graph)
    for node in graph.nodes:
        if id(node) in loops:
            loops[id(node)].write(rw)
        else:
            rw.copy(node)
    return rw.finish()


class _Loop:
    """One loop: the tensors of its body that leave it, and the matrices that are turned."""

    def __init__(self, node: Node) -> None:
        self.node, self.body = node, cast(Graph, node.attrs["body"])
        count = trips(node.attrs["cond"], self.body, node.inputs).count
        self._is_entered = count is not None and count > 0
        self._users = users(self.body)
        self._outside = {id(t): k for k, t in enumerate(self.body.all_inputs) if k >= len(node.outputs)}
        self._fixed = self._find_fixed()
        results = {id(t) for t in self.body.outputs}
        self.leaving = [
            t for n in self.body.nodes for t in cast(Sequence[GraphTensor], n.outputs)
            if id(t) in self._fixed and self._is_worth(n) and (id(t) in results or not self._is_only_for_fixed(t))
        ]  # fmt: skip
        self.turned = {id(t): t for n in self.body.nodes if (t := self._transposed(n)) is not None}

    def _find_fixed(self) -> set[int]:
        """The tensors (by id) that are the same in every iteration."""
        fixed = set(self._outside)
        for node in self.body.nodes:
            safe = node.op.kind in _SAFE and all(t.dtype.is_floating for t in node.outputs)
            if node.op is CONST or (
                node.op is not PLACEHOLDER and node.op.pure and not node.subgraphs and (safe or self._is_entered)
                and all(id(t) in fixed for t in node.inputs) and all(t.spec.known for t in node.outputs)
            ):  # fmt: skip
                fixed.update(id(t) for t in node.outputs)
        return fixed

    def _is_only_for_fixed(self, tensor: GraphTensor) -> bool:
        """Whether nothing but what leaves the loop as well needs a tensor."""
        return all(id(t) in self._fixed for n in self._users.get(id(tensor), ()) for t in n.outputs)

    def _is_worth(self, node: Node) -> bool:
        """Whether a node computes something, of no more elements than it reads."""
        if node.op in (CONST, PLACEHOLDER):
            return False
        if node.op.kind is Kind.VIEW:
            kinds = {u.op.kind for u in self._users.get(id(node.outputs[0]), ())}
            if node.op.name == "Reshape" or kinds.isdisjoint((Kind.CONTRACTION, Kind.CONTROL)):
                return False
        return sum(map(_elements, node.outputs)) <= max(map(_elements, node.inputs), default=0)

    def _transposed(self, node: Node) -> GraphTensor | None:
        """The matrix from outside that a product takes transposed."""
        name = _PRODUCTS.get(node.op.name)
        if name is None or not node.attrs[name] or id(node.outputs[0]) in self._fixed:
            return None
        matrix = cast(GraphTensor, node.inputs[1])
        ranked = matrix.spec.known and matrix.dtype.is_floating and len(cast(Any, matrix.dims)) == 2
        return matrix if ranked and id(matrix) in self._outside else None

    # Writing ----------------------------------------------------------------------------------------------------------

    def write(self, rw: Rewriter) -> None:
        """Write what leaves, and the loop."""
        inputs, node = rw.inputs(self.node), self.node
        made = {key: inputs[k] for key, k in self._outside.items()}

        def outside(tensor: GraphTensor) -> GraphTensor:
            if id(tensor) not in made:
                own = tensor.node
                given = [outside(t) for t in cast(Sequence[GraphTensor], own.inputs)]
                for old, new in zip(own.outputs, rw.add(own.op, given, own.attrs, like=own), strict=True):
                    made[id(old)] = new
            return made[id(tensor)]

        moved = [outside(t) for t in self.leaving]
        for tensor in self.turned.values():
            moved += rw.add(OPS["Transpose"], (made[id(tensor)],), {"perm": (1, 0)}, like=tensor.node)
        specs = [t.spec for t in moved]
        attrs = {"cond": self._graph(node.attrs["cond"], specs), "body": self._graph(self.body, specs)}
        rw.replace(node, rw.add(node.op, [*inputs, *moved], attrs, like=node))

    def _graph(self, graph: Graph, specs: Sequence[Any]) -> Graph:
        """The condition or the body, with more inputs that the body reads."""
        rw = Rewriter(graph)
        own = list(graph.all_inputs)
        for tensor in own:
            rw.copy(cast(GraphTensor, tensor).node)
        more = [
            rw.add(PLACEHOLDER, (), {"dtype": s.dtype, "shape": s.shape}, like=self.node, name="same")[0] for s in specs
        ]
        in_body = graph is self.body
        left = {id(t): new for t, new in zip(self.leaving, more, strict=False)} if in_body else {}
        turned = dict(zip(self.turned, more[len(self.leaving) :], strict=True)) if in_body else {}
        given = {id(cast(GraphTensor, t).node) for t in own}
        for node in graph.nodes:
            if id(node) in given:
                continue
            matrix = self._transposed(node) if turned else None
            if matrix is not None:
                attrs = {**node.attrs, _PRODUCTS[node.op.name]: False}
                operands = rw[node.inputs[0]], turned[id(matrix)]
                rw.replace(node, rw.add(node.op, operands, attrs, like=node))
            else:
                rw.copy(node)
            for tensor in node.outputs:
                if id(tensor) in left:
                    rw.bind(tensor, left[id(tensor)])
        out = rw.finish()
        out.inputs = [rw[t] for t in own] + more
        return prune(out)


def _elements(tensor: Any) -> int:
    return math.prod(tensor.dims) if tensor.spec.known else 0
