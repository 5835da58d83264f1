"""Each pass on small graphs: the ops before and after, and that the meaning stays."""

import numpy as np
import pytest

from duoflow.core import dtypes
from duoflow.core.autodiff import GradientTape
from duoflow.core.check import check_graph
from duoflow.core.graph import CONST, PLACEHOLDER, Graph
from duoflow.core.late import F
from duoflow.core.record import OPS
from duoflow.core.spec import TensorSpec
from duoflow.core.variables import Variable
from duoflow.engines import reference
from duoflow.passes import pipeline
from duoflow.passes.expand import expand
from duoflow.passes.fold import fold
from duoflow.passes.inline import inline
from duoflow.passes.merge import merge
from duoflow.passes.pipeline import finish, prepare
from duoflow.passes.prune import prune
from duoflow.passes.simplify import RULES, simplify
from duoflow.passes.specialize import specialize
from duoflow.passes.state import explicit_state
from duoflow.trace.function import function
from tests.engines.agreement import captured, trace


def real(*shape):
    return np.random.default_rng([1, *shape]).normal(size=shape).astype(np.float32)


def ops(graph):
    """The ops that compute, in order."""
    return [n.op.name for n in graph.nodes if n.op not in (CONST, PLACEHOLDER)]


def tidy(graph):
    return prune(merge(simplify(fold(graph))))


SIMPLIFIED = {
    "x + 0": (lambda x: x + 0.0, []),
    "0 + x": (lambda x: 0.0 + x, []),
    "x - 0": (lambda x: x - 0.0, []),
    "0 - x": (lambda x: 0.0 - x, ["Neg"]),
    "x * 1": (lambda x: 1.0 * x, []),
    "x * -1": (lambda x: x * -1.0, ["Neg"]),
    "x / 1": (lambda x: x / 1.0, []),
    "x / 8 is exact": (lambda x: x / 8.0, ["Mul"]),
    "x / 3 is not": (lambda x: x / 3.0, ["RealDiv"]),
    "-(-x)": (lambda x: F.negative(F.negative(x)), []),
    "-(x - y)": (lambda x: -(x - F.exp(x)), ["Exp", "Sub"]),
    "x + -y": (lambda x: x + -F.exp(x), ["Exp", "Sub"]),
    "x - -y": (lambda x: x - -F.exp(x), ["Exp", "AddV2"]),
    "x ** 2": (lambda x: x**2.0, ["Mul"]),
    "x ** 1": (lambda x: x**1.0, []),
    "sum of three": (lambda x: F.add_n([x, x, x]), ["AddV2", "AddV2"]),
    "cast to itself": (lambda x: F.cast(x, dtypes.float32), []),
    "cast there and back": (lambda x: F.cast(F.cast(x, dtypes.float64), dtypes.float32), []),
    "cast that rounds": (lambda x: F.cast(F.cast(x, dtypes.bfloat16), dtypes.float32), ["Cast", "Cast"]),
    "reshape to itself": (lambda x: F.reshape(x, [3, 4]), []),
    "reshape of reshape": (lambda x: F.reshape(F.reshape(x, [12]), [4, 3]), ["Reshape"]),
    "expand and squeeze": (lambda x: F.squeeze(F.expand_dims(x, 0), 0), []),
    "transpose twice": (lambda x: F.transpose(F.transpose(x)), []),
    "transpose of one row": (lambda x: F.transpose(F.reshape(x, [1, 12])), ["Reshape"]),
    "identity": (lambda x: F.identity(F.stop_gradient(x)), []),
    "stretching to itself": (lambda x: F.broadcast_to(x, [3, 4]), []),
    "sum over no dimension": (lambda x: F.reduce_sum(x, []), []),
    "known choice": (lambda x: F.where(F.constant(True), x, F.exp(x)), []),
}


@pytest.mark.parametrize("name", SIMPLIFIED)
def test_simplify(name):
    function, expected = SIMPLIFIED[name]
    x = real(3, 4)
    graph = trace(function, x)
    after = tidy(tidy(graph))
    check_graph(after)
    assert ops(after) == expected
    np.testing.assert_allclose(reference.compile(after).run([x])[0], reference.compile(graph).run([x])[0], 1e-6)


def test_a_rule_needs_the_shape_to_stay():
    graph = trace(lambda x: x + F.zeros([3, 1]), real(4))
    assert ops(tidy(graph)) == ["AddV2"]


def test_rules_are_listed_under_ops_that_exist():
    assert set(RULES) - set(OPS) <= {"Add", "Snapshot", "PreventGradient", "Pad", "Select"}


def test_merge_makes_equals_one_but_not_draws_or_effects():
    graph = trace(lambda x: F.exp(x) + F.exp(x), real(3))
    assert ops(merge(graph)) == ["Exp", "AddV2"]
    v = Variable([1.0])
    graph = trace(lambda: v.assign_add([1.0]).value() + v.assign_add([1.0]).value())
    assert ops(merge(graph)).count("AssignAddVariableOp") == 2


def test_prune_keeps_effects_and_inputs():
    v = Variable([1.0])

    def program(x, unused):
        F.exp(x)
        v.assign(x)
        return x + 1.0

    graph = prune(trace(program, real(1), real(2)))
    assert ops(graph) == ["AssignVariableOp", "AddV2"]
    assert len(graph.all_inputs) == 3


def test_fold_computes_constants_but_does_not_blow_them_up():
    graph = trace(lambda x: x + F.exp(F.constant([1.0, 2.0])), real(2))
    assert ops(prune(fold(graph))) == ["AddV2"]
    graph = trace(lambda x: x + F.fill([300, 300], 2.0), real(300, 300))
    assert ops(prune(fold(graph))) == ["Fill", "AddV2"]


def test_specialize_makes_shapes_and_what_follows_from_them_known():
    graph = trace(lambda x: F.reshape(x, [F.shape(x)[0] * 2, -1]), real(3, 4), shapes=[(None, None)])
    assert graph.outputs[0].dims in ((None, None), None)
    after = specialize(graph, [(3, 4)])
    check_graph(after)
    assert after.outputs[0].dims == (6, 2)
    assert ops(prune(fold(after))) == ["Reshape"]


def test_an_inlined_call_knows_the_shapes_of_its_caller():
    flatten = function(lambda x: F.reshape(x * 2.0, [F.shape(x)[0], -1]))
    open_size = flatten.get_concrete_function(TensorSpec([None, 2, 3]))
    graph = trace(lambda x: open_size(x), real(4, 2, 3))
    (out,) = inline(graph).outputs
    assert out.dims == (4, 6)


def test_expand_reaches_the_parts():
    graph = trace(lambda x: F.softmax(x), real(3, 4))
    after = expand(graph)
    assert not any(n.op.kind.value == "compound" for n in after.nodes)
    assert ops(expand(graph, claimed={"Softmax"})) == ["Softmax"]
    x = real(3, 4)
    np.testing.assert_allclose(reference.compile(after).run([x])[0], reference.compile(graph).run([x])[0], 1e-6)


def test_state_becomes_inputs_and_outputs():
    v = Variable([1.0, 2.0])
    x = np.array([3.0, 4.0], np.float32)

    def program(x):
        v.assign_add(x)
        return v * 2.0

    graph = trace(program, x)
    after = explicit_state(graph)
    check_graph(after)
    table = after.extras["state"]
    assert table.inputs == {1} and table.updates == [(1, 1)] and not table.unread
    assert not any(n.op.name.endswith("VariableOp") for n in after.nodes)
    doubled, new = reference.compile(after).run([x, v.numpy()])
    assert doubled.tolist() == [8, 12] and new.tolist() == [4, 6]


def test_a_handle_that_is_used_otherwise_stays_a_resource():
    v = Variable([1.0, 2.0])
    graph = trace(lambda: (v.is_initialized(), v.value()))
    assert "state" not in explicit_state(graph).extras


def test_the_whole_pipeline_keeps_the_meaning_of_a_training_step(monkeypatch):
    w = Variable(real(4, 3))

    def step(x, y):
        with GradientTape() as tape:
            loss = F.reduce_mean(F.softmax_cross_entropy_with_logits(y, F.matmul(x, w)))
        w.assign_sub(0.1 * tape.gradient(loss, w))
        return loss

    x, y = real(5, 4), np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1]]
    graph = trace(step, x, y, shapes=[(None, 4), (None, 3)])
    start = w.numpy()
    watched = []
    monkeypatch.setattr(pipeline, "watchers", [lambda name, g: (check_graph(g, name), watched.append(name))])
    after = finish(prepare(graph), [(5, 4), (5, 3), (4, 3)])
    loss, new = reference.compile(after).run([x, y, start])
    want = reference.compile(graph).run([x, y, *captured(graph)])[0]
    np.testing.assert_allclose(loss, want, 1e-6)
    np.testing.assert_allclose(new, w.numpy(), 1e-6)
    assert watched[0] == "traced"
    assert {"specialize", "expand", "merge"} <= set(watched)


def test_a_pass_that_changes_nothing_gives_back_the_graph():
    graph = trace(lambda x: F.exp(x) * 2.0, real(3))
    assert fold(graph) is graph and simplify(graph) is graph and merge(graph) is graph and prune(graph) is graph
    assert isinstance(graph, Graph)
