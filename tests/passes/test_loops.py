"""What becomes of loops: lists as buffers, fewer variables, work that leaves them; and that the meaning stays."""

import numpy as np
import pytest

import duoflow as tf
from duoflow.core.graph import CONST, PLACEHOLDER
from duoflow.core.late import F
from duoflow.engines import reference
from duoflow.engines.native.own import OWN_PASSES
from duoflow.passes.pipeline import finish, prepare, sized
from duoflow.passes.trips import trips
from tests.engines.agreement import trace

LOOPS = ("While", "StatelessWhile")


def real(*shape):
    return np.random.default_rng([2, *shape]).normal(size=shape).astype(np.float32) * 0.5


def finished(function, *arrays):
    graph = prepare(trace(function, *arrays))
    return finish(graph, [t.dims for t in graph.all_inputs], own=OWN_PASSES)


def ops(graph):
    return [n.op.name for n in graph.nodes if n.op not in (CONST, PLACEHOLDER)]


def loops(graph):
    return [n for n in graph.nodes if n.op.name in LOOPS]


def same(function, *arrays, rtol=1e-5):
    """Check that the reference engine computes the same after all passes; gives the graph that they made."""
    graph = finished(function, *arrays)
    got, want = (
        reference.compile(graph).run(list(arrays)),
        reference.compile(trace(function, *arrays)).run(list(arrays)),
    )
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol, 1e-6)
    return graph


# -- iterations --------------------------------------------------------------------------------------------------------

COUNTS = [
    (lambda i, n: i < 7, 1, 0, (7, True)),
    (lambda i, n: i <= 7, 2, 0, (4, True)),
    (lambda i, n: i < 7, 3, 1, (2, True)),
    (lambda i, n: i > 0, -1, 5, (5, True)),
    (lambda i, n: i >= 0, -2, 5, (3, True)),
    (lambda i, n: i != 6, 2, 0, (3, True)),
    (lambda i, n: i < 0, 1, 3, (0, True)),
    (lambda i, n: i + 2 < 10 - i, 1, 0, (4, True)),
    (lambda i, n: F.logical_and(i < 7, n > 0), 1, 0, (7, False)),
    (lambda i, n: F.logical_and(i < 7, i < 4), 1, 0, (4, False)),
    (lambda i, n: i < n, 1, 0, (None, False)),
    (lambda i, n: i > 0, 1, 1, (None, False)),
]


@pytest.mark.parametrize(("cond", "step", "start", "expected"), COUNTS)
def test_how_often_a_loop_runs(cond, step, start, expected):
    def program(n):
        return F.while_loop(lambda i: cond(i, n), lambda i: (i + step,), [F.constant(start)])[0]

    (node,) = loops(prepare(trace(program, np.asarray(3, np.int32))))
    found = trips(prepare(node.attrs["cond"]), prepare(node.attrs["body"]), node.inputs)
    assert (found.most, found.exact) == expected


def test_a_loop_that_does_not_run_is_gone():
    def program(x):
        array = F.TensorArray(tf.float32, 2, element_shape=[3])
        _, array, y = F.while_loop(
            lambda i, a, y: i < 0, lambda i, a, y: (i + 1, a.write(i, y), y * x), [F.constant(0), array, x]
        )
        return array.stack() + y

    assert loops(same(program, real(3))) == []


# -- lists -------------------------------------------------------------------------------------------------------------


def written(x):
    def step(i, array):
        return i + 1, array.write(i, x[i] * 2.0)

    return F.while_loop(lambda i, _: i < 4, step, [F.constant(0), F.TensorArray(tf.float32, 4)])[1].stack()


def pushed(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = F.reduce_sum(F.foldl(lambda h, v: F.tanh(h * v), x))
    return tape.gradient(y, x)


def lists_of_lists(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = F.foldl(lambda h, v: F.foldl(lambda g, w: F.sin(g * w), F.stack([h, v, h])), x)
    return tape.gradient(y, x)


@pytest.mark.parametrize("program", [written, pushed, lists_of_lists], ids=lambda p: p.__name__)
def test_no_list_is_left(program):
    def all_ops(graph):
        return ops(graph) + [name for n in graph.nodes for g in n.subgraphs for name in all_ops(g)]

    assert [name for name in all_ops(same(program, real(4, 3))) if "List" in name] == []


def test_a_list_of_unknown_size_stays():
    def program(n):
        step = lambda i, a: (i + 1, a.write(i, i * i))
        return F.while_loop(lambda i, _: i < n, step, [F.constant(0), F.TensorArray(tf.int32, n)])[1].stack()

    graph = prepare(trace(program, np.asarray(3, np.int32)))
    assert "TensorListStack" in ops(sized(graph, [()]))


# -- variables ---------------------------------------------------------------------------------------------------------


def test_loops_carry_what_they_must():
    def program(x):
        def step(i, j, k, same, unused, y):
            return i + 1, j + 1, k - 2, same, unused * 2.0, y * same + F.cast(j + k, tf.float32)

        start = [F.constant(0), F.constant(3), F.constant(20), x, x, x]
        first, again = (F.while_loop(lambda i, *_: i < 5, step, start) for _ in range(2))
        return [*first[1:4:2], again[5]]

    graph = same(program, real(3))
    assert [len(node.outputs) for node in loops(graph)] == [2]


def test_what_is_cheap_is_not_kept_for_the_gradient():
    def program(x, w):
        with tf.GradientTape() as tape:
            tape.watch(w)
            y = F.foldl(lambda h, v: h * F.sin(F.tensordot(v, w, 1)), x, F.ones([]))
        return tape.gradient(y, w)

    forward, _ = loops(same(program, real(5, 3), real(3)))
    assert all(t.dims in ((), (5,)) for t in forward.outputs)  # neither rows of x nor w are among them


# -- work that leaves the loop -----------------------------------------------------------------------------------------


def recurrent(x, w, u):
    return F.scan(lambda h, v: F.tanh(v @ w + h @ u), x, F.zeros([2, 4]))


def gradients(x, w, u):
    with tf.GradientTape() as tape:
        tape.watch([x, w, u])
        y = F.reduce_sum(recurrent(x, w, u) ** 2.0)
    return tape.gradient(y, [x, w, u])


def products(graph):
    """How many products there are outside of loops, and in each of them."""
    inside = [ops(node.attrs["body"]).count("MatMul") for node in loops(graph)]
    return ops(graph).count("MatMul"), inside


RECURRENT = (real(6, 2, 3), real(3, 4), real(4, 4))


def test_projections_of_all_inputs_are_one_product_before_the_loop():
    assert products(same(recurrent, *RECURRENT)) == (1, [1])


def test_gradients_of_weights_and_inputs_are_one_product_each_behind_the_loop():
    assert products(same(gradients, *RECURRENT)) == (4, [1, 1])


def test_a_loop_whose_iterations_do_not_depend_on_each_other_is_no_loop():
    program = lambda x, w: F.map_fn(lambda v: F.exp(v @ w) + v, x)
    graph = same(program, real(5, 3, 3), real(3, 3))
    assert products(graph) == (1, []) and loops(graph) == []


def test_rows_may_be_written_in_either_direction_and_in_part():
    def program(x, w):
        def step(i, array):
            return i + 1, array.write(6 - i, x[i] @ w)

        array = F.TensorArray(tf.float32, 8, element_shape=[2, 4])
        return F.while_loop(lambda i, _: i < 5, step, [F.constant(0), array])[1].stack()

    graph = same(program, real(6, 2, 3), real(3, 4))
    assert loops(graph) == []


def inside(graph):
    """The ops of each loop."""
    return [ops(node.attrs["body"]) for node in loops(graph)]


def test_what_is_the_same_in_every_iteration_is_computed_before_the_loop():
    program = lambda x, w: F.while_loop(lambda i, h: i < 5, lambda i, h: (i + 1, h * 0.5 + F.exp(x @ w)), [0, x])[1]
    graph = same(program, real(3, 3), real(3, 3))
    assert ops(graph).count("MatMul") == ops(graph).count("Exp") == 1
    assert not {"MatMul", "Exp"} & set(inside(graph)[0])


def test_so_is_what_an_inner_loop_repeats():
    def row(h, x, w):
        return F.while_loop(lambda j, h: j < 3, lambda j, h: (j + 1, h @ F.exp(w)), [0, h])[1] + x

    program = lambda x, w: F.while_loop(lambda i, h: i < 5, lambda i, h: (i + 1, row(h, x, w)), [0, x])[1]
    graph = same(program, real(3, 3), real(3, 3))
    (outer,) = loops(graph)
    assert "Exp" in ops(graph) and "Exp" not in ops(outer.attrs["body"]) + inside(outer.attrs["body"])[0]


def test_so_are_the_parts_of_matrices_that_products_read():
    program = lambda x, w: F.while_loop(lambda i, h: i < 5, lambda i, h: (i + 1, F.tanh(h @ w[1:] + h)), [0, x])[1]
    graph = same(program, real(3, 3), real(4, 3))
    assert inside(graph)[0].count("StridedSlice") == 0 and ops(graph).count("StridedSlice") == 1


def test_what_could_fail_or_grows_stays_in_the_loop():
    """For a loop that may not be entered, and sums over rows that are spread over many."""

    def program(x, n, d):
        step = lambda i, k, h: (i + 1, k + 7 // d, h * 0.5 + F.broadcast_to(x[0], x.shape))
        return F.while_loop(lambda i, *_: i < n, step, [0, 0, x])[1:]

    zero = np.int32(0)
    graph = same(program, real(3, 3), zero, zero)
    assert "FloorDiv" in inside(graph)[0] and "BroadcastTo" not in ops(graph)


def test_weights_that_a_product_takes_transposed_are_turned_before_the_loop():
    graph = same(gradients, *RECURRENT)
    turned = [
        n.attrs["transpose_b"] for loop in loops(graph) for n in loop.attrs["body"].nodes if n.op.name == "MatMul"
    ]
    assert turned == [False, False] and ops(graph).count("Transpose") == 1
