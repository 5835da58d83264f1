"""Which nodes become one kernel.

Nodes that loops can compute (elementwise ops, reductions, gathers, concatenations, and views that must be stored)
start as groups of their own. Walking in program order, a node's group takes in the groups of what it reads, as long
as each value passes from one to the other at the point where it is computed, nothing outside lies between them, and
the group stays a size that registers can hold. Views in between are index maps; a view that only loops read is never
stored, nor is what is computed again wherever it is read (see `recompute`). Elementwise work on the result of a product
or convolution (an anchor) is computed as its epilogue. Reductions of the same tensor over the same domain go together.

How a value passes is a `Relation` of flat indices: at the same point ("full"), the same for a whole row ("prefix"),
the same for a whole column ("suffix"), the same for a whole column of one of many matrices ("around"), or in another
order, which only a stored tensor can serve.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Container
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from duoflow.core import lowering
from duoflow.core.graph import CONST, PLACEHOLDER, Graph, Node
from duoflow.core.tensor import GraphTensor, Tensor

from .expression import INDEXED, VIEWS, Counting, Elementwise, Load, Resolver, describe, uniform_value
from .index import Affine, Split, Var, flat, row_major
from .loops import Dimension, LoopKernel
from .recompute import recomputed
from .static import elements, inputs_of, output_of, sizes

__all__ = ["Fusion", "describe_all", "storage"]

#: Kernels with more operands than this would spill and lose more than they save.
_MOST_OPERANDS = 24
_MOST_MEMBERS = 64
#: A column-wise reduction may be followed by work at each point only if a strip of its input stays in the cache.
_RESTARTED_ROWS = 512

#: What loops compute, besides views.
_LOOPED = (Elementwise, lowering.Reduction, lowering.Concat, *INDEXED)

FULL, PREFIX, SUFFIX, AROUND, OTHER = "full", "prefix", "suffix", "around", "other"


@dataclass(frozen=True)
class Relation:
    """How the flat index of a source follows that of the node that reads it: `kind`, and how many elements it has.

    `outer` of them are before what a source is the same for ("around").
    """

    kind: str
    count: int
    outer: int = 1


@dataclass(frozen=True)
class Edge:
    """A node reads a tensor, possibly through views."""

    source: GraphTensor
    relation: Relation


class Group:
    """Nodes that are computed in one kernel. `reduced` are the dimensions if there is a reduction among them."""

    def __init__(self, node: Node, description: Any, anchor: Node | None = None) -> None:
        self.nodes = [node]
        #: A product or convolution whose epilogue the other nodes are.
        self.anchor = anchor
        self.full: dict[int, bool] = {id(node.outputs[0]): True}
        if isinstance(description, lowering.Reduction):
            self.domain = _reduced_domain(sizes(node.inputs[0]), description.axes)
            self.full[id(node.outputs[0])] = False
        else:
            self.domain = (Dimension(elements(node.outputs[0])),)

    @property
    def is_flat(self) -> bool:
        """Whether there is no reduction."""
        return not any(d.reduced for d in self.domain)

    @property
    def points(self) -> int:
        return math.prod(d.extent for d in self.domain)

    @property
    def kept(self) -> int:
        return math.prod(d.extent for d in self.domain if not d.reduced)

    def level(self, tensor: GraphTensor) -> bool | None:
        """Whether a member's output is full; None if it is not a member's."""
        return self.full.get(id(tensor))


def _reduced_domain(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[Dimension, ...]:
    """The dimensions of a reduction, neighbours of one kind merged and those of extent 1 left out."""
    out: list[Dimension] = []
    for i, size in enumerate(shape):
        reduced = i in axes
        if size == 1:
            continue
        if out and out[-1].reduced == reduced:
            out[-1] = Dimension(out[-1].extent * size, reduced)
        else:
            out.append(Dimension(size, reduced))
    return tuple(out) or (Dimension(1, True),)


class Fusion:
    """The kernels of a graph's loops, and what is left."""

    def __init__(self, graph: Graph, descriptions: dict[int, Any], anchors: Container[int] = ()) -> None:
        self.graph = graph
        self.descriptions = descriptions
        self.anchors = anchors
        self.position = {id(n): i for i, n in enumerate(graph.nodes)}
        #: For each position in the graph, where the first group begins that extends over it.
        self._begins = np.arange(len(graph.nodes))
        self.stored = self._stored_views()
        self.group_of: dict[int, Group] = {}
        self.edges: dict[int, list[Edge]] = {}
        self._readers = self._readers_of_all()
        self._fuse()
        self._fuse_siblings()

    # What is looped ---------------------------------------------------------------------------------------------------

    def is_view(self, node: Node) -> bool:
        return isinstance(self.descriptions.get(id(node)), VIEWS)

    def is_looped(self, node: Node) -> bool:
        """Whether the node is computed by a loop kernel of its own or with others."""
        found = self.descriptions.get(id(node))
        if isinstance(found, VIEWS):
            return id(node) in self.stored
        return isinstance(found, _LOOPED)

    def _reads_stored(self, node: Node, position: int) -> bool:
        """Whether a node needs an input in memory, in row-major order."""
        found = self.descriptions.get(id(node))
        if isinstance(found, INDEXED):
            return position == 0
        return not isinstance(found, (*VIEWS, *_LOOPED))

    def _stored_views(self) -> set[int]:
        """Views (by id of the node) that must be copied out: something other than a loop reads them."""
        stored: set[int] = set()

        def need(tensor: Any) -> None:
            while isinstance(self.descriptions.get(id(tensor.node)), lowering.Reshape):
                tensor = tensor.node.inputs[0]
            if isinstance(self.descriptions.get(id(tensor.node)), (lowering.Affine, Counting)):
                stored.add(id(tensor.node))

        for tensor in self.graph.outputs:
            need(tensor)
        for node in self.graph.nodes:
            for i, tensor in enumerate(node.inputs):
                if self._reads_stored(node, i):
                    need(tensor)
        return stored

    # Edges ------------------------------------------------------------------------------------------------------------

    def _edges_of(self, node: Node) -> list[Edge]:
        """What a looped node reads through views, and how."""
        plain = self._plain_edges(node)
        if plain is not None:
            return plain
        found = self.descriptions[id(node)]
        domain = node.inputs[0] if isinstance(found, lowering.Reduction) else node.outputs[0]
        shape = sizes(domain)
        factors = [[size] for size in shape]
        while True:
            try:
                return self._related(node, shape, factors)
            except Split as split:
                dimension, place = split.var.key
                factors[dimension][place : place + 1] = [split.var.extent // split.inner, split.inner]

    def _plain_edges(self, node: Node) -> list[Edge] | None:
        """The edges of elementwise work on numbers and on tensors in memory of the result's shape; None for others."""
        if not isinstance(self.descriptions[id(node)], Elementwise):
            return None
        shape, count = sizes(node.outputs[0]), elements(node.outputs[0])
        found: dict[int, Edge] = {}
        for tensor in inputs_of(node):
            if uniform_value(tensor) is not None:
                continue
            if self.is_view(tensor.node) and id(tensor.node) not in self.stored:
                return None
            same = sizes(tensor) == shape
            if not same and (count == 1 or elements(tensor) > 1):
                return None
            found[id(tensor)] = Edge(tensor, Relation(FULL, count) if same else Relation(PREFIX, 1))
        return list(found.values())

    def _related(self, node: Node, shape: tuple[int, ...], factors: list[list[int]]) -> list[Edge]:
        variables = [[Var((i, j), size) for j, size in enumerate(sizes)] for i, sizes in enumerate(factors)]
        index = tuple(flat([Affine.of(v) for v in own], sizes) for own, sizes in zip(variables, factors))
        point = flat(index, shape)
        ordered = [v for own in variables for v in own if v.extent > 1]
        found: list[Edge] = []

        def inside(tensor: GraphTensor, position: Affine) -> Any:
            if self.is_view(tensor.node) and id(tensor.node) not in self.stored:
                return None
            found.append(Edge(tensor, _relation(position, point, ordered, elements(tensor))))
            return Load(tensor, Affine(), ())

        resolver = Resolver(self.descriptions, self.stored, inside)
        if isinstance(self.descriptions[id(node)], lowering.Reduction):
            resolver.element(inputs_of(node)[0], index)
        else:
            resolver.compute(node, index)
            if isinstance(self.descriptions[id(node)], INDEXED):
                source = storage(node.inputs[0], self.descriptions)
                found.append(Edge(source, Relation(OTHER, elements(source))))
        return found

    # Groups -----------------------------------------------------------------------------------------------------------

    def _fuse(self) -> None:
        only_reduced = self._only_reduced_of_all()
        for node in self.graph.nodes:
            if id(node) in self.anchors:
                self.edges[id(node)] = []
                self.group_of[id(node)] = Group(node, None, anchor=node)
            if self.is_looped(node):
                self.edges[id(node)] = self._edges_of(node)
                self.group_of[id(node)] = Group(node, self.descriptions[id(node)])
                if id(node) not in only_reduced:
                    self._take_in(node)
        for node in self.graph.nodes:
            if self.is_looped(node) and len(self.group_of[id(node)].nodes) == 1:
                self._take_in(node)

    def _take_in(self, node: Node) -> None:
        """Merge the group of a node with those it reads, and then with what these had left to it."""
        pending = [node]
        while pending:
            for edge in self.edges[id(pending.pop())]:
                producer, own = self.group_of.get(id(edge.source.node)), self.group_of[id(node)]
                if producer is not None and producer is not own:
                    left = list(producer.nodes) if len(producer.nodes) == 1 else []
                    if self._try_merge(producer, own):
                        pending += left

    def _try_merge(self, producer: Group, consumer: Group) -> bool:
        if not self._anchors_allow(producer, consumer):
            return False
        merged = self._merged_levels(producer, consumer)
        if merged is None or self._passes_outside(producer, consumer):
            return False
        domain, full = merged
        nodes = sorted(producer.nodes + consumer.nodes, key=lambda n: self.position[id(n)])
        if len(nodes) > _MOST_MEMBERS or self._operands(nodes) > _MOST_OPERANDS:
            return False
        producer.full, producer.domain = full, domain
        producer.anchor = producer.anchor or consumer.anchor
        self._unite(producer, consumer, nodes)
        return True

    def _unite(self, group: Group, other: Group, nodes: list[Node]) -> None:
        """Let a group have the nodes, in order, of itself and of another."""
        for node in other.nodes:
            self.group_of[id(node)] = group
        group.nodes = nodes
        begin, end = self.position[id(nodes[0])], self.position[id(nodes[-1])]
        covered = self._begins[begin + 1 : end + 1]
        np.minimum(covered, begin, out=covered)

    def _anchors_allow(self, producer: Group, consumer: Group) -> bool:
        """Epilogues have one product, do not reduce or fail (blocks cannot report it), and do not feed the product."""
        if producer.anchor is None and consumer.anchor is None:
            return True
        if (producer.anchor and consumer.anchor) or not (producer.is_flat and consumer.is_flat):
            return False
        if any(map(self.can_fail, (*producer.nodes, *consumer.nodes))):
            return False
        if consumer.anchor is None:
            return True
        sources = [storage(t, self.descriptions) for t in consumer.anchor.inputs]
        return all(producer.level(t) is None for t in sources)

    def can_fail(self, node: Node) -> bool:
        """Whether a looped node may find that an operand is not allowed."""
        found = self.descriptions[id(node)]
        if isinstance(found, Elementwise):
            return found.can_fail
        if isinstance(found, lowering.Gather):
            return not found.in_range
        return isinstance(found, (lowering.GatherNd, lowering.Part))

    def _readers_of_all(self) -> dict[int, list[Node | None]]:
        """The nodes that read each tensor (by id) or views of it; None stands for what is outside the graph."""
        readers: dict[int, list[Node | None]] = {id(storage(t, self.descriptions)): [None] for t in self.graph.outputs}
        for node in reversed(self.graph.nodes):
            looks_through = self.is_view(node) and id(node) not in self.stored
            seen = [r for t in node.outputs for r in readers.get(id(t), [])] if looks_through else [node]
            for tensor in inputs_of(node):
                readers.setdefault(id(tensor), []).extend(seen)
        return readers

    def _only_reduced_of_all(self) -> set[int]:
        """The elementwise nodes (by id) that serve nothing but reductions, and so are left to them, unstored."""
        found: set[int] = set()
        for node in reversed(self.graph.nodes):
            if isinstance(self.descriptions.get(id(node)), Elementwise):
                readers = self._readers.get(id(node.outputs[0]), [None])
                if all(r is not None and (id(r) in found or self._reduces(r)) for r in readers):
                    found.add(id(node))
        return found

    def _reduces(self, node: Node) -> bool:
        return isinstance(self.descriptions.get(id(node)), lowering.Reduction)

    def _fuse_siblings(self) -> None:
        """Reductions over one domain that read the same tensor and do not wait for each other walk over it once."""
        unique = {id(g): g for n in self.graph.nodes if (g := self.group_of.get(id(n))) is not None and not g.is_flat}
        by_domain: dict[tuple[Dimension, ...], list[tuple[Group, set[int]]]] = {}
        for group in unique.values():
            read = self._large_sources(group)
            candidates = by_domain.setdefault(group.domain, [])
            for other, theirs in candidates:
                if read & theirs and self._try_join(other, group):
                    theirs |= read
                    break
            else:
                candidates.append((group, read))

    def _large_sources(self, group: Group) -> set[int]:
        """The tensors (by id) of about the size of the domain that a group reads."""
        points = group.points
        return {id(e.source) for n in group.nodes for e in self.edges[id(n)] if 4 * elements(e.source) > points}

    def _try_join(self, first: Group, second: Group) -> bool:
        if self._depends(first, second) or self._depends(second, first):
            return False
        full = first.full | second.full
        nodes = sorted(first.nodes + second.nodes, key=lambda n: self.position[id(n)])
        if len(nodes) > _MOST_MEMBERS or self._operands(nodes) > _MOST_OPERANDS:
            return False
        if not _is_sound(first.domain, full, self, first, second):
            return False
        first.full = full
        self._unite(first, second, nodes)
        return True

    def _depends(self, first: Group, second: Group) -> bool:
        """Whether the second group needs what the first computes."""
        return self._reaches(self._outside_inputs(second, {id(n) for n in second.nodes}), first)

    def _operands(self, nodes: list[Node]) -> int:
        members = {id(n) for n in nodes}
        return len({id(e.source) for n in nodes for e in self.edges[id(n)] if id(e.source.node) not in members})

    def _merged_levels(self, producer: Group, consumer: Group) -> tuple[tuple[Dimension, ...], dict[int, bool]] | None:
        """The domain and levels of both groups together, or None if some value does not pass where it is computed."""
        for domain, flip_producer, flip_consumer in _domains(producer, consumer):
            full = {t: (False if flip_producer else f) for t, f in producer.full.items()}
            full |= {t: (False if flip_consumer else f) for t, f in consumer.full.items()}
            if self._passes(producer, consumer, domain, full) and _is_sound(domain, full, self, producer, consumer):
                return domain, full
        return None

    def _passes(self, producer: Group, consumer: Group, domain: tuple[Dimension, ...], full: dict[int, bool]) -> bool:
        points = math.prod(d.extent for d in domain)
        kept = math.prod(d.extent for d in domain if not d.reduced)
        rows_first = len(domain) == 2 and domain[1].reduced and not domain[0].reduced
        columns = len(domain) == 2 and domain[0].reduced and not domain[1].reduced
        everything = len(domain) == 1 and domain[0].reduced
        middle = [d.reduced for d in domain] == [False, True, False]
        for node in consumer.nodes:
            reduces = isinstance(self.descriptions[id(node)], lowering.Reduction)
            at_full = reduces or full[id(node.outputs[0])]
            for edge in self.edges[id(node)]:
                level = producer.level(edge.source)
                if level is None:
                    continue
                relation, source_full = edge.relation, full[id(edge.source)]
                if source_full == at_full:
                    if relation != Relation(FULL, points if at_full else kept):
                        return False
                elif source_full:
                    return False
                elif rows_first:
                    if relation.kind != PREFIX or relation.count != kept:
                        return False
                elif columns:
                    if relation.kind != SUFFIX or relation.count != kept:
                        return False
                elif middle:
                    if relation != Relation(AROUND, kept, domain[0].extent):
                        return False
                elif not (everything and relation == Relation(PREFIX, 1)):
                    return False
        return True

    def _passes_outside(self, producer: Group, consumer: Group) -> bool:
        """Whether something outside both groups reads the producer and feeds the consumer."""
        inside = {id(n) for n in producer.nodes} | {id(n) for n in consumer.nodes}
        return self._reaches(self._outside_inputs(consumer, inside), producer)

    def _reaches(self, nodes: list[Node], group: Group) -> bool:
        """Whether a group, or what depends on it, is among some nodes and all that they need."""
        first = self._closed_before(min(self.position[id(n)] for n in group.nodes))
        own = {id(n) for n in group.nodes}
        seen: set[int] = set()
        stack = list(nodes)
        while stack:
            node = stack.pop()
            if id(node) in own:
                return True
            if id(node) in seen:
                continue
            seen.add(id(node))
            around = self.group_of.get(id(node))
            members = around.nodes if around is not None else [node]
            if self.position[id(node)] < first:
                continue
            for member in members:
                seen.add(id(member))
                stack += [tensor.node for tensor in inputs_of(member)]
        return False

    def _closed_before(self, position: int) -> int:
        """The last position up to this one over which no group extends: nothing before it depends on what follows."""
        while self._begins[position] < position:
            position = int(self._begins[position])
        return position

    def _outside_inputs(self, group: Group, inside: set[int]) -> list[Node]:
        """The nodes outside that feed a group; views that are not stored are part of what reads them."""
        out: list[Node] = []
        stack = [t.node for n in group.nodes for t in inputs_of(n)]
        while stack:
            node = stack.pop()
            if id(node) in inside:
                continue
            if self.is_view(node) and id(node) not in self.stored:
                stack += [t.node for t in inputs_of(node)]
            else:
                out.append(node)
        return out

    # Results ----------------------------------------------------------------------------------------------------------

    def kernels(self) -> list[tuple[LoopKernel, Node | None]]:
        """The groups as kernels, in the order of their first member, each with the product it is the epilogue of."""
        needed = self._needed_outside
        out, seen = [], set()
        for node in self.graph.nodes:
            group = self.group_of.get(id(node))
            if group is None or id(group) in seen:
                continue
            seen.add(id(group))
            members = [n for n in group.nodes if n is not group.anchor]
            outputs = [output_of(n) for n in members if id(n.outputs[0]) in needed.get(id(group), set())]
            kernel = LoopKernel(group.domain, members, group.full, outputs, self.descriptions, self.stored)
            out.append((kernel, group.anchor))
        return out

    def is_needed(self, tensor: GraphTensor) -> bool:
        """Whether something outside its group reads a tensor."""
        group = self.group_of.get(id(tensor.node))
        return group is not None and id(tensor) in self._needed_outside.get(id(group), set())

    @functools.cached_property
    def _needed_outside(self) -> dict[int, set[int]]:
        """For each group, the outputs (by id) that something outside reads."""
        needed: dict[int, set[int]] = {}

        def need(tensor: GraphTensor) -> None:
            group = self.group_of.get(id(tensor.node))
            if group is not None:
                needed.setdefault(id(group), set()).add(id(tensor))

        for node in self.graph.nodes:
            group = self.group_of.get(id(node))
            if group is not None:
                for edge in self.edges[id(node)]:
                    if self.group_of.get(id(edge.source.node)) is not group:
                        need(edge.source)
                if node is group.anchor:
                    for tensor in node.inputs:
                        need(storage(tensor, self.descriptions))
            elif not self.is_view(node):
                for tensor in node.inputs:
                    need(storage(tensor, self.descriptions))
        for tensor in self.graph.outputs:
            need(storage(tensor, self.descriptions))
        return needed


def _domains(producer: Group, consumer: Group) -> list[tuple[tuple[Dimension, ...], bool, bool]]:
    """Domains that two groups could share: (domain, producer becomes kept-level, consumer becomes kept-level)."""
    if producer.is_flat and consumer.is_flat:
        return [(producer.domain, False, False)] if producer.points == consumer.points else []
    if producer.is_flat:
        out = [(consumer.domain, False, False)] if producer.points == consumer.points else []
        return out + ([(consumer.domain, True, False)] if producer.points == consumer.kept else [])
    if consumer.is_flat:
        out = [(producer.domain, False, True)] if consumer.points == producer.kept else []
        return out + ([(producer.domain, False, False)] if consumer.points == producer.points else [])
    return [(producer.domain, False, False)] if producer.domain == consumer.domain else []


def _is_sound(domain: tuple[Dimension, ...], full: dict[int, bool], fusion: Fusion, a: Group, b: Group) -> bool:
    """Column-wise kernels do not walk long columns twice."""
    if not any(d.reduced for d in domain) or domain[-1].reduced:
        return True
    rows = math.prod(d.extent for d in domain if d.reduced)
    if rows <= _RESTARTED_ROWS:
        return True
    reductions = {
        id(n.outputs[0]) for g in (a, b) for n in g.nodes if isinstance(fusion.descriptions[id(n)], lowering.Reduction)
    }
    behind = set(reductions)
    for node in sorted(a.nodes + b.nodes, key=lambda n: fusion.position[id(n)]):
        if any(id(e.source) in behind for e in fusion.edges[id(node)]):
            if id(node.outputs[0]) in reductions or full[id(node.outputs[0])]:
                return False
            behind.add(id(node.outputs[0]))
    return True


def _relation(position: Affine, point: Affine, variables: list[Var], count: int) -> Relation:
    """How one flat index follows another."""
    if position == point:
        return Relation(FULL, count)
    if position.constant == 0 and not position.terms:
        return Relation(PREFIX if count == 1 else OTHER, count)
    used = position.variables()
    for kind, chosen in ((PREFIX, variables[: len(used)]), (SUFFIX, variables[len(variables) - len(used) :])):
        if used == set(chosen):
            strides = row_major([v.extent for v in chosen])
            expected = Affine(0, dict(zip(chosen, strides)))
            if position == expected and count == math.prod(v.extent for v in chosen):
                return Relation(kind, count)
    before = list(itertools.takewhile(used.__contains__, variables))
    after = list(itertools.takewhile(used.__contains__, reversed(variables)))[::-1]
    if before and after and used == {*before, *after}:
        sizes = [v.extent for v in (*before, *after)]
        if position == Affine(0, dict(zip((*before, *after), row_major(sizes)))) and count == math.prod(sizes):
            return Relation(AROUND, count, math.prod(v.extent for v in before))
    return Relation(OTHER, count)


def storage(tensor: Tensor, descriptions: dict[int, Any]) -> GraphTensor:
    """The tensor whose memory a graph's tensor shares: reshapes share their input's."""
    own = cast(GraphTensor, tensor)
    while isinstance(descriptions.get(id(own.node)), lowering.Reshape):
        own = inputs_of(own.node)[0]
    return own


def describe_all(graph: Graph) -> dict[int, Any]:
    """What each node (by id) is to the engine: see `describe`."""
    found = {id(n): describe(n) for n in graph.nodes if n.op is not CONST and n.op is not PLACEHOLDER}
    return found | recomputed(graph, found)
