"""Branches, loops and calls: values and gradients of every order, eagerly, in a function and inside a function's
tape."""

import numpy as np
import pytest

import duoflow as tf
from duoflow.core import dtypes
from duoflow.core.late import F

c = tf.constant


def loop(n, step, start):
    """step applied n times, as a While node when traced."""
    return F.while_loop(lambda i, *_: i < n, lambda i, y: (i + 1, step(i, y)), [c(0), start])[1]


def array_in_loop(x):
    array = F.TensorArray(tf.float32, 3)
    _, array, _ = F.while_loop(lambda i, *_: i < 3, lambda i, a, y: (i + 1, a.write(i, y), y * x), [c(0), array, x])
    return F.reduce_sum(array.stack() ** 2.0)


def growing_array(x):
    array = F.TensorArray(tf.float32, 0, dynamic_size=True)
    _, array = F.while_loop(
        lambda i, *_: i < 4, lambda i, a: (i + 1, a.write(i, x * F.cast(i, tf.float32) * x)), [c(0), array]
    )
    return F.reduce_sum(array.stack() * array.read(3))


PROGRAMS = {
    "call": tf.function(lambda x: x * x * x),
    "nested calls": tf.function(lambda x: tf.function(lambda z: z * z * x)(x * x)),
    "cond taken": lambda x: F.cond(x > 1, lambda: x * x * x, lambda: -x),
    "cond not taken": lambda x: F.cond(x > 2, lambda: x * x * x, lambda: -x * x),
    "cond, one branch constant": lambda x: x * F.cond(x > 1, lambda: c(2.0), lambda: x * x),
    "cond in cond": lambda x: F.cond(x > 0, lambda: F.cond(x > 1, lambda: F.exp(x), lambda: x), lambda: x),
    "switch_case": lambda x: F.switch_case(c(1), [lambda: x, lambda: x * x * x, lambda: -x]),
    "case": lambda x: F.case([(x > 3, lambda: x), (x > 1, lambda: x * x * x)], default=lambda: -x),
    "while": lambda x: loop(3, lambda i, y: y * x, x),
    "while that does not run": lambda x: loop(0, lambda i, y: y * x, x * x),
    "while with a limit": lambda x: F.while_loop(
        lambda i, y: True, lambda i, y: (i + 1, F.exp(-y * y) * x), [c(0), x], maximum_iterations=4
    )[1],
    "while on its own value": lambda x: F.while_loop(lambda y: y < 20.0, lambda y: (y * y + 0.5,), [x])[0],
    "cond in while": lambda x: loop(4, lambda i, y: F.cond(i > 1, lambda: y * y, lambda: y * x), x),
    "while in while": lambda x: loop(2, lambda i, y: loop(2, lambda j, z: z * F.exp(-x), y), x),
    "while in cond": lambda x: F.cond(x > 0, lambda: loop(3, lambda i, y: y * x, x), lambda: x),
    "call in while": lambda x: loop(2, lambda i, y: tf.function(lambda a, b: a * b + b)(y, x), x),
    "TensorArray": array_in_loop,
    "growing TensorArray": growing_array,
    "map_fn": lambda x: F.reduce_sum(F.map_fn(lambda v: v * v * x, F.stack([x, x * x]))),
    "scan": lambda x: F.reduce_sum(F.scan(lambda a, v: a * v, F.stack([x, x * x, x]))),
    "foldr": lambda x: F.foldr(lambda a, v: a * v + a, F.stack([x, x * x]), initializer=x),
}
PROGRAMS = {name: pytest.param(f, id=name) for name, f in PROGRAMS.items()}
X = np.float32(1.3)


def first_and_second(f, x):
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = f(x)
        first = inner.gradient(y, x)
    return y, first, outer.gradient(first, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def differences(f, h=1e-2):
    """First and second derivative of an eager program by central differences."""
    with tf.GradientTape() as tape:
        a = c(X + np.float32(h))
        tape.watch(a)
        above = f(a)
    right = tape.gradient(above, a)
    with tf.GradientTape() as tape:
        b = c(X - np.float32(h))
        tape.watch(b)
        below = f(b)
    left = tape.gradient(below, b)
    return (float(above) - float(below)) / (2 * h), (float(right) - float(left)) / (2 * h)


@pytest.mark.parametrize("program", PROGRAMS.values())
def test_gradients_agree_wherever_they_are_taken(program):
    y, first, second = first_and_second(program, c(X))
    by_difference, twice = differences(program)
    assert float(first) == pytest.approx(by_difference, rel=3e-2, abs=1e-2)
    assert float(second) == pytest.approx(twice, rel=3e-2, abs=2e-2)
    around = first_and_second(tf.function(program), c(X))
    inside = tf.function(lambda x: first_and_second(program, x))(c(X))
    for other in (around, inside):
        np.testing.assert_allclose([float(v) for v in other], [float(y), float(first), float(second)], rtol=1e-4)


def test_tf_gradients_reach_through_control_flow():
    @tf.function
    def f(x):
        y = loop(3, lambda i, y: F.cond(y > 0, lambda: y * x, lambda: y), x)
        (first,) = tf.gradients(y, x)
        return first, tf.gradients(first, x)[0]

    first, second = f(c(2.0))
    assert (float(first), float(second)) == (32.0, 48.0)


def test_variables_read_and_assigned_in_branches_and_loops():
    v, total = tf.Variable(2.0), tf.Variable(0.0)

    @tf.function
    def f(x):
        def step(i, y):
            total.assign_add(y)
            return i + 1, F.cond(y > 3.0, lambda: y * v, lambda: y + v)

        return F.while_loop(lambda i, y: i < 3, step, [c(0), x])[1]

    with tf.GradientTape() as tape:
        y = f(c(1.0))
    # 1 -> 3 -> 5 -> 10
    assert (float(y), float(total)) == (10.0, 9.0)
    assert float(tape.gradient(y, v)) == pytest.approx(5 + 2 + 2)


def test_effects_of_a_call_happen_once_when_it_is_differentiated():
    v, calls = tf.Variable(0.0), []

    @tf.function
    def f(x):
        v.assign_add(1.0)
        calls.append(1)
        return x * x * v

    with tf.GradientTape() as tape:
        x = c(3.0)
        tape.watch(x)
        y = f(x)
    assert float(tape.gradient(y, x)) == 6.0
    assert (float(v), len(calls)) == (1.0, 1)


def test_gradient_of_a_call_with_respect_to_rows_stays_sparse():
    table = tf.Variable(np.ones((5, 2), np.float32))
    lookup = tf.function(lambda i: F.reduce_sum(F.gather(table, i)))
    with tf.GradientTape() as tape:
        y = lookup(c([1, 1, 3]))
    gradient = tape.gradient(y, table)
    assert isinstance(gradient, tf.IndexedSlices)
    np.testing.assert_array_equal(tf.convert_to_tensor(gradient).numpy()[:, 0], [0, 2, 0, 1, 0])


def test_custom_gradients_inside_loops_of_functions():
    @tf.custom_gradient
    def scaled(x):
        y = x * 3.0
        return y, lambda dy: dy * 10.0 * y / y

    @tf.function
    def f(x):
        return loop(2, lambda i, y: scaled(y), x)

    with tf.GradientTape() as tape:
        x = c(1.0)
        tape.watch(x)
        y = f(x)
    assert (float(y), float(tape.gradient(y, x))) == (9.0, 100.0)


def test_shapes_may_vary_with_an_invariant():
    @tf.function
    def f(x):
        out = F.while_loop(
            lambda i, y: i < 3, lambda i, y: (i + 1, F.concat([y, y * 2.0], 0)), [c(0), x],
            shape_invariants=[tf.TensorShape([]), tf.TensorShape([None])],
        )[1]  # fmt: skip
        assert out.shape.as_list() == [None]
        return F.reduce_sum(out)

    with tf.GradientTape() as tape:
        x = c([1.0])
        tape.watch(x)
        y = f(x)
    assert float(y) == 27.0
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), [27.0])


MISTAKES = [
    (lambda p: F.cond(p, lambda: 1, lambda: 1.0), TypeError, "different types: int32 and float32"),
    (lambda p: F.cond(p, lambda: (1, 2), lambda: 1), TypeError, "overall structure"),
    (lambda p: F.cond(p, 1, lambda: 1), TypeError, "'true_fn' must be callable"),
    (lambda p: F.while_loop(lambda i: i < 3, lambda i: F.cast(i, tf.float32), [c(0)]), TypeError, "dtype float32"),
    (lambda p: F.while_loop(lambda i: True, lambda i: F.concat([i, i], 0), [c([1])]), ValueError, "shape_invariants"),
    (lambda p: F.while_loop(lambda i: True, lambda i: (i, i), [c(1)]), ValueError, "same nested structure"),
    (lambda p: F.while_loop(lambda i: c([True]), lambda i: i, [c(1)]), ValueError, "boolean scalar"),
    (lambda p: F.switch_case(c(1), {0: lambda: 1, 2: lambda: 2}), ValueError, "contiguous"),
    (lambda p: F.case([]), ValueError, "must not be empty"),
]


@pytest.mark.parametrize(("program", "error", "message"), MISTAKES)
def test_mistakes_are_named(program, error, message):
    with pytest.raises(error, match=message):
        tf.function(program, autograph=False)(c(True))


def test_case_without_a_default_fails_when_nothing_holds():
    program = lambda p: F.case([(p, lambda: 1)])
    for run in (program, tf.function(program)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="None of conditions evaluated as True"):
            run(c(False))


# -- TensorArray -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", [lambda f: f(), lambda f: tf.function(f)()], ids=["eager", "function"])
def test_tensor_array(run):
    ops = {
        "stack": (lambda: F.TensorArray(tf.float32, 2).unstack([1.0, 2.0]).stack(), [1, 2]),
        "read": (lambda: F.TensorArray(tf.float32, 2).write(1, 5.0).read(1), 5),
        "unset elements are zeros": (
            lambda: F.TensorArray(tf.float32, 2, element_shape=[]).write(1, 5.0).stack(),
            [0, 5],
        ),
        "gather": (lambda: F.TensorArray(tf.int32, 3).unstack([1, 2, 3]).gather([2, 0]), [3, 1]),
        "scatter": (lambda: F.TensorArray(tf.int32, 3).scatter([2, 0, 1], c([1, 2, 3])).stack(), [2, 3, 1]),
        "split and concat": (lambda: F.TensorArray(tf.float32, 3).split(F.range(6.0), [1, 2, 3]).concat(), range(6)),
        "size": (lambda: F.TensorArray(tf.float32, 0, dynamic_size=True).write(3, 1.0).size(), 4),
        "empty": (lambda: F.TensorArray(tf.float32, 0, element_shape=[2]).stack(), np.zeros((0, 2))),
    }
    for name, (program, expected) in ops.items():
        np.testing.assert_array_equal(run(program).numpy(), expected, err_msg=name)


def test_tensor_array_mistakes():
    array = F.TensorArray(tf.float32, 2)
    with pytest.raises(tf.errors.OutOfRangeError, match="write to index 5 but array is not resizeable and size is: 2"):
        array.write(5, 1.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="int32"):
        array.write(0, c(1))
    array = array.write(0, [1.0])
    with pytest.raises(ValueError, match="Incompatible shape"):
        array.write(1, 2.0)
    array.read(0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="clear_after_read"):
        array.read(0)
    with pytest.raises(ValueError, match="Cannot unstack 3 tensors"):
        F.TensorArray(tf.float32, 2).unstack([1.0, 2.0, 3.0])


def test_older_versions_of_a_list_keep_their_elements():
    first = F.tensor_list_push(F.tensor_list_reserve(0, dtypes.float32), c(1.0))
    second = F.tensor_list_push(first, c(2.0))
    other = F.tensor_list_push(first, c(3.0))
    rest, last = F.tensor_list_pop(second, dtypes.float32, ())
    replaced = F.tensor_list_set(second, 0, c(9.0))
    stacks = [
        F.tensor_list_stack(t, dtypes.float32, ()).numpy().tolist() for t in (first, second, other, rest, replaced)
    ]
    assert stacks == [[1.0], [1.0, 2.0], [1.0, 3.0], [1.0], [9.0, 2.0]]
    assert float(last) == 2.0


# -- order -------------------------------------------------------------------------------------------------------------


def test_group_tuple_and_no_op():
    assert F.group(c(1)) is None and F.no_op() is None
    graph = tf.Graph()
    with graph.as_default():
        a, b = c(1.0), c(2.0)
        both = F.group(a, [b], name="both")
        assert both.type == "NoOp" and {n.name for n in both.control_inputs} == {a.op.name, b.op.name}
        first, nothing = F.tuple([a, None], control_inputs=[b.op])
        assert nothing is None and b.op in first.op.control_inputs
        with pytest.raises(TypeError, match="Tensors"):
            F.group(3)
