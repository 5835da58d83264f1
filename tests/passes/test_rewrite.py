"""What a pass writes: a graph that somebody keeps is copied, a draft is taken over."""

import numpy as np
import pytest

from duoflow.core.check import check_graph
from duoflow.core.late import F
from duoflow.engines import reference
from duoflow.passes import pipeline
from duoflow.passes.fold import fold
from duoflow.passes.merge import merge
from duoflow.passes.prune import prune
from duoflow.passes.rewrite import Rewriter
from duoflow.passes.simplify import simplify
from tests.engines.agreement import trace

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def program():
    """Something for each pass, between nodes that stay."""

    def f(x):
        y = F.tanh(x * 1.0)
        F.exp(y)
        return F.tanh(x) + F.tanh(x) + y, F.constant(2.0) * F.constant(3.0) - F.sigmoid(y)

    return trace(f, X)


def draft(graph):
    """The graph as a pass would leave it for the next."""
    rw = Rewriter(graph)
    for node in graph.nodes:
        rw.copy(node)
    out = rw.finish()
    out.is_draft = True
    return out


def form(graph):
    return [(n.name, n.op.name, [t.name for t in n.inputs]) for n in graph.nodes]


PASSES = pytest.mark.parametrize("step", [fold, simplify, merge, prune], ids=lambda p: p.__name__)


@PASSES
def test_a_pass_makes_the_same_of_a_draft(step):
    kept, taken = draft(program()), draft(program())
    kept.is_draft = False
    before = form(kept)
    of_kept, of_taken = step(kept), step(taken)
    assert of_kept is not kept and of_taken is not taken
    assert form(of_taken) == form(of_kept)
    assert form(kept) == before and all(n.graph is kept for n in kept.nodes)
    check_graph(kept)
    check_graph(of_taken)
    want = reference.compile(program()).run([X])
    for got, expected in zip(reference.compile(of_taken).run([X]), want, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_nodes_of_a_draft_are_not_copied():
    graph = draft(program())
    tanh = [n for n in graph.nodes if n.op.name == "Tanh"]
    assert [n for n in prune(graph).nodes if n.op.name == "Tanh"] == tanh


@PASSES
def test_a_draft_in_which_nothing_is_to_be_done_is_given_back(step):
    graph = draft(trace(lambda x: F.exp(x) + x, X))
    assert step(graph) is graph and all(n.graph is graph for n in graph.nodes)
    check_graph(graph)


def test_what_is_added_gets_a_name_of_its_own():
    graph = draft(trace(lambda x: F.exp(x), X))
    rw = Rewriter(graph)
    for node in graph.nodes:
        if node.op.name == "Exp":
            rw.add(node.op, rw.inputs(node), {}, like=node)
        rw.copy(node)
    out = rw.finish()
    check_graph(out)
    assert len({n.name for n in out.nodes}) == len(out.nodes) == 3


def test_who_watches_gets_graphs_that_stay(monkeypatch):
    seen = []
    monkeypatch.setattr(pipeline, "watchers", [lambda name, graph: seen.append(graph)])
    prepared = pipeline.prepare(program())
    pipeline.finish(prepared, [t.dims for t in prepared.all_inputs])
    for graph in seen:
        check_graph(graph)
