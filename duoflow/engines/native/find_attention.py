"""Attention in a graph: softmax(scores(Q K^T)) V, and its gradient where that is in the graph too.

The products may be contractions of any layout; `scores` is elementwise: scales, biases, masks. Where nothing else needs
the scores or the probabilities, one node takes the place of all, and another that of the gradient: see `attention`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.graph import Graph, Node
from duoflow.core.late import F
from duoflow.core.lowering import Affine, Contraction, Reshape
from duoflow.core.record import Kind, Literal, attrs_key
from duoflow.core.scalar import Unsupported
from duoflow.core.tensor import GraphTensor
from duoflow.passes.fold import fold
from duoflow.passes.rewrite import Rewriter, users

from .attention import ATTENTION, GRADIENT, Form, Formula, Step, as_attention
from .expression import Elementwise, describe, uniform_value
from .static import inputs_of, output_of, sizes

__all__ = ["fuse_attention"]

#: Queries and keys of the smallest attention for which blocks pay: alone, and with its gradient, which finds the scores
#: a second time.
_FEWEST, _FEWEST_BACK = 16, 48
#: Steps of a formula, and instructions of a mask's, that are computed for each score again.
_MOST_STEPS, _MOST_COST = 32, 16
_TYPES = (dtypes.float32, dtypes.float64)


# -- what a match is made of -------------------------------------------------------------------------------------------


class _Unfit(Exception):
    """There is no attention here."""


def _require(condition: Any) -> None:
    if not condition:
        raise _Unfit


@dataclass
class _Product:
    """A contraction with scores (or what has their dimensions) and another tensor, by labels of the scores."""

    node: Node
    other: GraphTensor
    labels: tuple[int, ...]
    out: tuple[int, ...]
    #: What the contraction itself gives, and the order of its dimensions, where the node is a transposed view of it.
    shown: tuple[GraphTensor, list[int]] | None = None


@dataclass
class _Written:
    """A formula, and the tensors that are its operands."""

    formula: Formula
    operands: list[GraphTensor]


@dataclass
class _Gradient:
    """The gradient of an attention: the gradient of its output, and the products that give those of Q, K and V."""

    g: GraphTensor
    g_labels: tuple[int, ...]
    back: _Written
    q: _Product | None
    k: _Product | None
    v: _Product | None

    @property
    def products(self) -> list[_Product]:
        return [p for p in (self.q, self.k, self.v) if p is not None]


@dataclass
class _Match:
    """An attention in a graph."""

    form: Form
    q: GraphTensor
    k: GraphTensor
    v: GraphTensor
    scores: _Written
    product: _Product
    gradient: _Gradient | None = None
    #: The nodes (by id) that nothing is left to need.
    inside: set[int] = field(default_factory=set)


def fuse_attention(graph: Graph) -> Graph:
    """The graph with attention, and its gradient, as single nodes."""
    if not any(map(_is_softmax, graph.nodes)):
        return graph
    folded = fold(graph)  # sizes, and scales that come of them, are numbers then
    folded.is_draft |= folded is not graph
    finder = _Finder(folded)
    matches = [m for n in folded.nodes if _is_softmax(n) and (m := finder.match(n)) is not None]
    return _rewritten(folded, matches, finder.position) if matches else folded


def _rewritten(graph: Graph, matches: Sequence[_Match], position: dict[int, int]) -> Graph:
    inside = {key for m in matches for key in m.inside}
    forward = {id(m.product.node): m for m in matches}
    backward = {id(_place(m, m.gradient, position)): m for m in matches if m.gradient is not None}
    results: dict[int, tuple[GraphTensor, ...]] = {}
    rw = Rewriter(graph)
    for node in graph.nodes:
        if id(node) in backward:
            _write_gradient(rw, node, backward[id(node)], results)
        if id(node) in forward:
            m = forward[id(node)]
            tensors = [rw[t] for t in (m.q, m.k, m.v, *m.scores.operands)]
            results[id(m)] = rw.add(ATTENTION, tensors, {"form": m.form}, like=node)
            _arranged(rw, results[id(m)][0], m.form.out, m.product)
        elif id(node) not in inside:
            rw.copy(node)
    return rw.finish()


def _place(match: _Match, gradient: _Gradient, position: dict[int, int]) -> Node:
    """The node before which the gradient's stands: the first of those that it takes the place of."""
    return min((p.node for p in gradient.products), key=lambda n: position[id(n)])


def _gradient_form(form: Form, gradient: _Gradient) -> Form:
    given = ((gradient.q, form.q, form.depth), (gradient.k, form.k, form.depth), (gradient.v, form.v, form.width))
    wanted = [_columns_last(p.out if p else own, column) for p, own, column in given]
    return replace(form, gradients=(gradient.g_labels, *wanted), back=gradient.back.formula)


def _columns_last(labels: tuple[int, ...], column: int) -> tuple[int, ...]:
    """The order in which the kernel writes a tensor of these dimensions."""
    return (*[label for label in labels if label != column], column)


def _arranged(rw: Rewriter, tensor: GraphTensor, made: tuple[int, ...], product: _Product) -> None:
    """Let what a kernel made, with these dimensions, stand for the result of a product."""
    with rw.building(product.node):
        if made != product.out:
            column = made[-1]
            order = [i - (i > product.out.index(column)) for i in range(len(made))]
            order[product.out.index(column)] = len(made) - 1
            tensor = F.transpose(tensor, order)
        if product.shown is not None:
            raw, shown = product.shown
            rw.bind(raw, F.transpose(tensor, [shown.index(i) for i in range(len(shown))]))
    rw.bind(product.node.outputs[0], tensor)


def _write_gradient(rw: Rewriter, node: Node, match: _Match, results: dict[int, tuple[GraphTensor, ...]]) -> None:
    gradient = match.gradient
    assert gradient is not None
    whole = _gradient_form(match.form, gradient)
    given = [rw[t] for t in (match.q, match.k, match.v)]
    rest = [rw[t] for t in (gradient.g, *match.scores.operands, *gradient.back.operands)]
    made = rw.add(GRADIENT, [*given, *results[id(match)], *rest], {"form": whole}, like=node)
    for product, tensor, labels in zip((gradient.q, gradient.k, gradient.v), made, whole.gradients[1:]):
        if product is not None:
            _arranged(rw, tensor, labels, product)


# -- the search --------------------------------------------------------------------------------------------------------


def _makers(tensor: Any, *names: str) -> Node:
    """The node that makes a tensor, which must be one of these ops."""
    _require(tensor.node.op.name in names)
    return tensor.node  # type: ignore[no-any-return]


def _is_softmax(node: Node) -> bool:
    """Whether a node is the quotient exp(x - max(x)) / sum(exp(x - max(x))) along the last dimension."""
    if node.op.name != "RealDiv":
        return False
    e, total = inputs_of(node)
    if e.dtype not in _TYPES or e.node.op.name != "Exp" or not _is_last("Sum", total, e):
        return False
    shifted = inputs_of(e.node)[0]
    return shifted.node.op.name == "Sub" and _is_last("Max", shifted.node.inputs[1], shifted.node.inputs[0])


def _is_last(name: str, reduced: Any, source: Any) -> bool:
    """Whether a tensor is a reduction of another along its last dimension, which is kept."""
    node = reduced.node
    if node.op.name != name or node.inputs[0] is not source or None in (source.dims or (None,)):
        return False
    last = len(source.dims) - 1
    return node.attrs["axis"] in ((last,), (-1,), last, -1) and node.attrs["keepdims"]


class _Finder:
    """Matches attentions in one graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.users = users(graph)
        self.position = {id(n): i for i, n in enumerate(graph.nodes)}
        self.shown = {id(t) for t in graph.outputs}

    def match(self, quotient: Node) -> _Match | None:
        """The attention whose probabilities a quotient gives, or None."""
        try:
            return self._match(quotient)
        except (_Unfit, Unsupported):
            return None

    def _match(self, quotient: Node) -> _Match:
        e, total = inputs_of(quotient)
        shifted = inputs_of(e.node)[0].node
        x, peak = inputs_of(shifted)
        probabilities = output_of(quotient)
        shape = sizes(probabilities)
        product = self._source(x, shape)
        q, k, form = self._scores_of(product)
        scores = self._formula(x, output_of(product), form)
        values, gradient_of_v, others = self._uses(probabilities, form)
        out = _columns_last(values.out, form.width)
        form = Form(shape, form.query, form.q, form.k, values.labels, out, scores.formula)
        match = _Match(form, q, k, values.other, scores, values)
        softmax = [shifted, peak.node, e.node, total.node, quotient]
        chain = [product, *self._between(x, output_of(product))]
        interior = [values.node, *softmax, *chain]
        if others or gradient_of_v is not None:
            match.gradient, back = self._gradient(match, probabilities, gradient_of_v, others)
            interior += back
        match.inside = {id(n) for n in interior}
        results = [values.node, *(p.node for p in (match.gradient.products if match.gradient else ()))]
        self._require_inside(interior, match.inside, {id(n) for n in results})
        fewest = _FEWEST if match.gradient is None else _FEWEST_BACK
        _require(min(shape[form.query], shape[form.key]) >= fewest)
        self._look_through(match)
        forms = [match.form]
        if match.gradient is not None:
            self._require_order(match, match.gradient)
            forms.append(_gradient_form(match.form, match.gradient))
        for each in forms:
            as_attention(each, sizes(match.q), sizes(match.v), q.dtype)
        return match

    # Products ---------------------------------------------------------------------------------------------------------

    def _source(self, x: GraphTensor, shape: tuple[int, ...]) -> Node:
        """The only contraction from which elementwise work leads to a tensor."""
        found: dict[int, Node] = {}
        seen: set[int] = set()
        pending = [x]
        while pending:
            tensor = pending.pop()
            if id(tensor) in seen or tensor.dims != shape:
                continue
            seen.add(id(tensor))
            if isinstance(_described(tensor.node), Contraction):
                found[id(tensor.node)] = tensor.node
            elif isinstance(_described(tensor.node), Elementwise):
                pending += inputs_of(tensor.node)
        _require(len(found) == 1)
        return next(iter(found.values()))

    def _scores_of(self, node: Node) -> tuple[GraphTensor, GraphTensor, Form]:
        """Q, K and their dimensions, given the product that gives scores."""
        found = _described(node)
        shape = sizes(node.outputs[0])
        place = {label: i for i, label in enumerate(found.out)}
        _require(len(place) == len(shape) > 1)
        key = len(shape) - 1
        labelled = zip(inputs_of(node), (found.left, found.right))
        sides = [(t, [place.get(l) for l in labels], labels) for t, labels in labelled]
        sides.sort(key=lambda side: key in side[1])
        (q, q_places, q_labels), (k, k_places, k_labels) = sides
        _require(key in k_places and key not in q_places and q.dtype is k.dtype and q.dtype in _TYPES)
        queries = [i for i in q_places if i is not None and i not in k_places and shape[i] > 1]
        summed = [l for l in q_labels if l in k_labels and l not in place]
        _require(len(queries) == 1 and len(summed) == 1)
        depth = {summed[0]: len(shape)}
        own_q, own_k = (_labelled(t, labels, place | depth) for t, labels in ((q, q_labels), (k, k_labels)))
        return q, k, Form(shape, queries[0], own_q, own_k, (), (), Formula())

    def _with(self, tensor: GraphTensor, node: Node, form: Form) -> _Product:
        """A contraction of what has the dimensions of scores with another tensor."""
        found = _described(node)
        _require(isinstance(found, Contraction) and node.inputs[0] is not node.inputs[1])
        first, second = zip(inputs_of(node), (found.left, found.right))
        if second[0] is tensor:
            first, second = second, first
        _require(len(set(first[1])) == len(form.shape) and second[0].dtype is tensor.dtype)
        place = {label: i for i, label in enumerate(first[1])}
        columns = [l for l in found.out if l in second[1] and l not in place]
        wide = [l for l, size in zip(found.out, sizes(node.outputs[0])) if l in columns and size > 1] or columns
        _require(len(wide) == 1)
        # The columns are those of V, or of Q and K: which, the caller knows.
        place[wide[0]] = form.width
        return _Product(
            node, second[0], _labelled(second[0], second[1], place), _labelled(output_of(node), found.out, place)
        )

    def _uses(self, probabilities: GraphTensor, form: Form) -> tuple[_Product, _Product | None, list[Node]]:
        """Who takes the probabilities: the product with V, that for its gradient, and others."""
        _require(id(probabilities) not in self.shown)
        forward: list[_Product] = []
        back: list[_Product] = []
        others = []
        for node in self.users.get(id(probabilities), ()):
            if not isinstance(_described(node), Contraction):
                others.append(node)
                continue
            product = self._with(probabilities, node, form)
            (forward if form.query in product.out else back).append(product)
        _require(len(forward) == 1 and len(back) < 2)
        _require(form.key in forward[0].labels and form.key not in forward[0].out)
        return forward[0], back[0] if back else None, others

    # The gradient -----------------------------------------------------------------------------------------------------

    def _gradient(
        self, match: _Match, probabilities: GraphTensor, of_v: _Product | None, others: Sequence[Node]
    ) -> tuple[_Gradient, list[Node]]:
        """The gradient of a match, and the nodes that it consists of."""
        form, gradient = match.form, None
        nodes: list[Node] = []
        if others:
            dp, dx, nodes = self._softmax_gradient(probabilities, others)
            incoming = self._products_of(dp, form, match.v)
            ds, between, products = self._leaving(dx, form)
            back = self._formula(ds, dx, form)
            of_q = self._one(products, form.query, match.k)
            of_k = self._one(products, form.key, match.q)
            gradient = _Gradient(incoming.other, incoming.labels, back, of_q, of_k, of_v)
            nodes += [incoming.node, *between, *(p.node for p in products)]
        if of_v is None:
            assert gradient is not None
            return gradient, nodes
        if gradient is None:
            gradient = _Gradient(of_v.other, of_v.labels, _Written(Formula(), []), None, None, of_v)
        _require(gradient.g is of_v.other and gradient.g_labels == of_v.labels)
        return gradient, [*nodes, of_v.node]

    def _softmax_gradient(self, p: GraphTensor, others: Sequence[Node]) -> tuple[GraphTensor, GraphTensor, list[Node]]:
        """(g - sum(g p)) p: what g is, the result, and the nodes."""
        _require(len(others) == 2 and all(n.op.name == "Mul" for n in others))
        for weighted, result in (others, others[::-1]):
            g, shifted = (_other(n, p) for n in (weighted, result))
            node = shifted.node
            if node.op.name == "Sub" and node.inputs[0] is g and _is_last("Sum", node.inputs[1], output_of(weighted)):
                return g, output_of(result), [weighted, node.inputs[1].node, node, result]
        raise _Unfit

    def _products_of(self, dp: GraphTensor, form: Form, v: GraphTensor) -> _Product:
        """The product of the output's gradient with V that gives the gradient of probabilities."""
        node = dp.node
        found = _described(node)
        _require(isinstance(found, Contraction) and any(t is v for t in node.inputs))
        place = {label: i for i, label in enumerate(found.out)}
        _require(len(place) == len(form.shape))
        mine = 0 if node.inputs[1] is v else 1
        own, labels = inputs_of(node)[mine], (found.left, found.right)[mine]
        summed = [l for l in found.left if l in found.right and l not in place]
        _require(len(summed) == 1)
        place[summed[0]] = form.width
        _require(_labelled(v, (found.right, found.left)[mine], place) == form.v)
        return _Product(node, own, _labelled(own, labels, place), ())

    def _leaving(self, dx: GraphTensor, form: Form) -> tuple[GraphTensor, list[Node], list[_Product]]:
        """From the gradient of the softmax on: the gradient of scores, elementwise work before it, products with it."""
        between: dict[int, Node] = {}
        multiplied: dict[int, GraphTensor] = {}
        nodes: dict[int, Node] = {}
        pending = [dx]
        while pending:
            tensor = pending.pop()
            _require(id(tensor) not in self.shown)
            for node in self.users.get(id(tensor), ()):
                if isinstance(_described(node), Contraction):
                    multiplied[id(tensor)], nodes[id(node)] = tensor, node
                elif id(node) not in between:
                    _require(isinstance(_described(node), Elementwise) and node.outputs[0].dims == form.shape)
                    between[id(node)] = node
                    pending.append(output_of(node))
        _require(len(multiplied) == 1 and len(nodes) < 3)
        (ds,) = multiplied.values()
        return ds, list(between.values()), [self._of_scores(ds, n, form) for n in nodes.values()]

    def _of_scores(self, ds: GraphTensor, node: Node, form: Form) -> _Product:
        product = self._with(ds, node, form)
        own, out = (
            tuple([form.depth if l == form.width else l for l in labels]) for labels in (product.labels, product.out)
        )
        return _Product(node, product.other, own, out)

    def _one(self, products: Iterable[_Product], row: int, other: GraphTensor) -> _Product | None:
        """The product, with a certain tensor, whose rows are queries or keys."""
        found = [p for p in products if row in p.out]
        _require(len(found) < 2 and all(p.other is other for p in found))
        return found[0] if found else None

    # Formulas ---------------------------------------------------------------------------------------------------------

    def _formula(self, result: GraphTensor, source: GraphTensor, form: Form) -> _Written:
        """How a tensor comes from another elementwise."""
        return _FormulaWriter(_Behind(source, self.position), source, form).write(result)

    def _between(self, result: GraphTensor, source: GraphTensor) -> list[Node]:
        """The nodes on the way from one tensor to another."""
        behind = _Behind(source, self.position)
        found: dict[int, Node] = {}
        pending = [result]
        while pending:
            node = pending.pop().node
            if node is not source.node and id(node) not in found:
                found[id(node)] = node
                pending += [t for t in inputs_of(node) if t in behind]
        return list(found.values())

    # Transposes -------------------------------------------------------------------------------------------------------

    def _look_through(self, match: _Match) -> None:
        """Read what transposes show, and write what they show of the results."""
        form, gradient = match.form, match.gradient
        match.q, q = _source_of(match.q, form.q, form.depth)
        match.k, k = _source_of(match.k, form.k, form.depth)
        match.v, v = _source_of(match.v, form.v, form.width)
        match.product = self._shown_by(match.product, match.inside)
        match.form = replace(form, q=q, k=k, v=v, out=_columns_last(match.product.out, form.width))
        if gradient is not None:
            gradient.g, gradient.g_labels = _source_of(gradient.g, gradient.g_labels, form.width)
            gradient.q, gradient.k, gradient.v = (
                None if p is None else self._shown_by(p, match.inside) for p in (gradient.q, gradient.k, gradient.v)
            )

    def _shown_by(self, product: _Product, inside: set[int]) -> _Product:
        """A product as the transposed view of it that is all that anybody reads, if there is one."""
        result = output_of(product.node)
        readers = self.users.get(id(result), [])
        order = _order(readers[0]) if len(readers) == 1 and id(result) not in self.shown else None
        if order is None:
            return product
        inside.add(id(readers[0]))
        return replace(product, node=readers[0], out=tuple([product.out[i] for i in order]), shown=(result, order))

    # Conditions -------------------------------------------------------------------------------------------------------

    def _require_inside(self, nodes: Sequence[Node], inside: Container[int], results: Container[int]) -> None:
        """Nobody else takes what the nodes give, but for results."""
        for node in nodes:
            if id(node) in results:
                continue
            for tensor in node.outputs:
                _require(id(tensor) not in self.shown)
                _require(all(id(user) in inside for user in self.users.get(id(tensor), ())))

    def _require_order(self, match: _Match, gradient: _Gradient) -> None:
        """What the gradient reads is there before those who take its results."""
        first = self.position[id(_place(match, gradient, self.position))]
        read = (gradient.g, *match.scores.operands, *gradient.back.operands)
        _require(all(self.position[id(t.node)] < first for t in read))
        _require(self.position[id(match.product.node)] < first)


def _described(node: Node) -> Any:
    return describe(node) if node.op.kind in (Kind.CONTRACTION, Kind.ELEMENTWISE) else None


def _other(node: Node, tensor: GraphTensor) -> Any:
    """The other factor of a product."""
    return node.inputs[0] if node.inputs[1] is tensor else node.inputs[1]


def _labelled(tensor: GraphTensor, labels: Sequence[int], place: dict[int, int]) -> tuple[int, ...]:
    """The dimensions of a tensor by the labels of a form; those of no label must be of size 1."""
    found = []
    for label, size in zip(labels, sizes(tensor), strict=True):
        _require(label in place or size == 1)
        found.append(place.get(label, -1))
    return tuple(found)


def _order(node: Node) -> list[int] | None:
    """Which dimension of its source each one of a transposed view is; None for other nodes."""
    found = describe(node) if node.op.kind is Kind.VIEW else None
    if not isinstance(found, Affine) or found.fill is not None or any(found.offset):
        return None
    source, shown = sizes(node.inputs[0]), sizes(node.outputs[0])
    places = [row.index(1) if 1 in row else -1 for row in found.matrix]
    if sorted(places) != list(range(len(shown))) or any(sum(map(abs, row)) != 1 for row in found.matrix):
        return None
    return [places.index(i) for i in range(len(shown))] if all(shown[p] == d for p, d in zip(places, source)) else None


def _source_of(tensor: GraphTensor, labels: tuple[int, ...], column: int) -> tuple[GraphTensor, tuple[int, ...]]:
    """The tensor behind transposed views, if its columns are contiguous, and its labels."""
    order = _order(tensor.node)
    if order is None or labels[order.index(len(order) - 1)] != column:
        return tensor, labels
    return _source_of(inputs_of(tensor.node)[0], tuple([labels[order.index(i)] for i in range(len(order))]), column)


class _Behind:
    """The tensors that depend on one; what comes before it in the graph need not be looked at."""

    def __init__(self, source: GraphTensor, position: dict[int, int]) -> None:
        self._source, self._position = source.node, position
        self._known: dict[int, bool] = {id(source.node): True}

    def __contains__(self, tensor: GraphTensor) -> bool:
        seen: dict[int, Node] = {}
        pending = [tensor.node]
        while pending:
            node = pending.pop()
            if self._known.get(id(node)):
                self._known[id(tensor.node)] = True
                return True
            if id(node) not in seen and self._position[id(node)] > self._position[id(self._source)]:
                seen[id(node)] = node
                pending += [t.node for t in inputs_of(node) if self._known.get(id(t.node), True)]
        self._known |= dict.fromkeys(seen, False)
        return False


class _FormulaWriter:
    """Writes how a tensor comes from a source; `behind` are the tensors that depend on the source.

    Elements of a tensor belong to scores by labels: which dimension of the scores each of its own is. What broadcasting
    stretches, and what is of size 1, has none (-1).
    """

    def __init__(self, behind: _Behind, source: GraphTensor, form: Form) -> None:
        self._behind, self._source, self._form = behind, source, form
        self._steps: list[Step] = []
        self._labels: list[tuple[int, ...]] = []
        self._operands: list[GraphTensor] = []
        self._known: dict[Any, tuple[str, Any]] = {}

    def write(self, result: GraphTensor) -> _Written:
        last = self._argument(result, range(len(self._form.shape)))
        _require(last[0] == "score" or last == ("step", len(self._steps) - 1))
        return _Written(Formula(tuple(self._steps), tuple(self._labels)), self._operands)

    def _argument(self, tensor: GraphTensor, labels: Sequence[int]) -> tuple[str, Any]:
        """What stands for a tensor, the last of whose dimensions have these labels."""
        if tensor is self._source:
            return "score", 0
        dims = sizes(tensor)
        own = tuple([-1 if d == 1 else label for label, d in zip(labels[len(labels) - len(dims) :], dims, strict=True)])
        source = self._shown(tensor, own)
        if source is not None:
            return self._argument(*source)
        key = id(tensor), own
        if key not in self._known:
            self._known[key] = self._found(tensor, own)
        return self._known[key]

    def _shown(self, tensor: GraphTensor, labels: tuple[int, ...]) -> tuple[GraphTensor, tuple[int, ...]] | None:
        """The tensor that a view shows, and its labels: what is broadcast, or gets and loses dimensions of size 1."""
        node = tensor.node
        if node.op.name == "BroadcastTo":
            return inputs_of(node)[0], labels
        if node.op.kind is Kind.VIEW and isinstance(describe(node), Reshape):
            (source, *_), wide = inputs_of(node), iter([label for label in labels if label >= 0])
            if [d for d in sizes(source) if d > 1] == [d for d in sizes(tensor) if d > 1]:
                return source, tuple([next(wide) if d > 1 else -1 for d in sizes(source)])
        return None

    def _found(self, tensor: GraphTensor, labels: tuple[int, ...]) -> tuple[str, Any]:
        number = uniform_value(tensor)
        if number is not None:
            return "number", Literal(np.asarray(number))
        depends = tensor in self._behind
        if not depends and not self._is_computed_again(tensor, labels):
            _require(tensor.dtype.is_floating or tensor.dtype.is_integer or tensor.dtype.is_bool)
            self._operands.append(tensor)
            self._labels.append(labels)
            return "operand", len(self._operands) - 1
        node = tensor.node
        _require(_is_plain(node) and (not depends or tensor.dims == self._form.shape))
        arguments = tuple([self._argument(t, labels) for t in inputs_of(node)])
        self._steps.append(Step(node.op, tensor.dtype, attrs_key(node.attrs), arguments))
        _require(len(self._steps) <= _MOST_STEPS)
        return "step", len(self._steps) - 1

    def _is_computed_again(self, tensor: GraphTensor, labels: tuple[int, ...]) -> bool:
        """Whether a part of a mask is computed for each score rather than read: it is as large as a matrix of these."""
        if not {self._form.query, self._form.key} <= set(labels) or not _is_plain(tensor.node):
            return False
        return bool(_described(tensor.node).cost <= _MOST_COST)


def _is_plain(node: Node) -> bool:
    """Whether a node is elementwise and cannot fail."""
    found = _described(node)
    return isinstance(found, Elementwise) and not found.can_fail
