"""What a traced function tells: why it was traced, what it was compiled to, which Python values it holds changed."""

import logging

import numpy as np
import pytest

import duoflow as tf

c = tf.constant


@pytest.fixture
def warnings(caplog):
    """The messages logged so far."""
    caplog.set_level(logging.WARNING, logger="tensorflow")
    return lambda: [record.getMessage() for record in caplog.records]


def causes(f):
    return [trace.cause.lines() for trace in f.explain().traces]


class Thing:
    pass


ONE, OTHER = Thing(), Thing()

DIFFERENCES = [
    (c([1.0]), c([1.0, 2.0]), "a float32 tensor of shape (1,), now a float32 tensor of shape (2,)", "reduce_retracing"),
    (c(1.0), c(1), "a float32 tensor of shape (), now an int32 tensor of shape ()", "cast it to one dtype"),
    (1, 2, "1, now 2", "pass it as a tensor"),
    (1, 1.5, "1, now 1.5", "pass it as a tensor"),
    ("a", "b", "'a', now 'b'", "each value has a trace of its own"),
    (True, False, "True, now False", "each value has a trace of its own"),
    (2, c(2), "2, now an int32 tensor of shape ()", "pass a tensor every time"),
    (None, c(2.0), "None, now a float32 tensor of shape ()", "pass a tensor every time"),
    (ONE, OTHER, "<Thing object>, now <Thing object>", "pass the same object every time"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second", "what", "remedy"), DIFFERENCES)
def test_a_trace_says_which_argument_differs_and_what_to_do(first, second, what, remedy):
    f = tf.function(lambda x, y: c(1.0))
    f({"a": [first]}, 0)
    f({"a": [second]}, 0)
    assert causes(f)[0] == ["the first call"]
    (line,) = causes(f)[1]
    assert line.startswith(f"\"x['a'][0]\" was {what} (trace 1): ") and remedy in line


def test_the_nearest_earlier_trace_is_compared():
    f = tf.function(lambda x, n, mode: x)
    for n, mode in ((1, "a"), (2, "a"), (2, "b"), (3, "b")):
        f(c(1.0), n, mode)
    assert [cause[0].partition(":")[0] for cause in causes(f)[1:]] == [
        "'n' was 1, now 2 (trace 1)", "'mode' was 'a', now 'b' (trace 2)", "'n' was 2, now 3 (trace 3)"
    ]  # fmt: skip


def test_other_structures_and_captures_of_other_graphs():
    f = tf.function(lambda xs: tf.add_n(xs))
    f([c(1.0)])
    f([c(1.0), c(2.0)])
    assert "have another structure than before (with xs[1])" in causes(f)[1][0]

    made = []

    @tf.function
    def outer(x):
        made.append(tf.function(lambda y: y + x) if not made else made[0])
        return made[0](x)

    outer(c(1.0))
    assert made[0].explain().traces[0].captures == 1


def test_an_explanation_shows_kernels_memory_passes_and_lines():
    w = tf.Variable(tf.ones([64, 32]))

    @tf.function
    def step(x):
        y = tf.nn.relu(tf.matmul(x, w))
        w.assign_add(tf.ones_like(w))
        return tf.reduce_sum(y)

    x = tf.ones([16, 64])
    before = str(step.explain())
    assert before == "step: 0 traces, 0 specialisations"
    step.get_concrete_function(x)
    planned = str(step.explain())
    assert "memory planned: " in planned and "call explain with arguments to measure" in planned
    assert w.numpy()[0, 0] == 1.0, "planning does not run anything"
    explanation = step.explain(x)
    assert w.numpy()[0, 0] == 2.0, "measuring leaves variables as the first call did"
    (trace,) = explanation.traces
    (row,) = trace.specializations
    product = next(k for k in row["kernels"] if "MatMul" in k["ops"])
    assert row["runs"] == 5 and product["seconds"] > 0 and product["share"] > 0
    assert product["flops"] >= 2 * 16 * 64 * 32 and product["bytes"] >= 4 * (16 * 64 + 64 * 32)
    assert any(line == step.python_function.__code__.co_firstlineno + 2 for _, line in product["lines"])
    assert row["memory"]["outputs"] == 4
    text = repr(explanation)
    assert "1 captured tensors and variables" in text and "memory planned: " in text and "test_explain.py:" in text
    assert "mean of 5 runs" in text and "state 1" in text


def test_shapes_are_specialisations_of_one_trace():
    f = tf.function(lambda x: x * 2.0, input_signature=[tf.TensorSpec([None])])
    f(tf.ones([3]))
    f(tf.ones([5]))
    explanation = f.explain()
    assert str(explanation).startswith("<lambda>: 1 trace, 2 specialisations")
    assert "for (3,): 1 kernel" in str(explanation) and "for (5,): 1 kernel" in str(explanation)


def test_loops_show_what_is_inside():
    @tf.function
    def f(n, x):
        for _ in tf.range(n):
            x = tf.sin(x) * 2.0
        return x

    (row,) = f.explain(c(3), tf.ones([100])).traces[0].specializations
    assert {kernel["depth"] for kernel in row["kernels"]} == {0, 1}
    assert all(kernel["share"] is None for kernel in row["kernels"] if kernel["depth"])


# -- warnings ----------------------------------------------------------------------------------------------------------


def test_functions_made_in_a_loop_are_warned_about_once(warnings):
    for _ in range(7):
        tf.function(lambda x: x + 1)(c(1))
    (message,) = warnings()
    assert "5 functions were made of the same code" in message and "outside of the loop" in message


def test_functions_that_are_kept_are_not(warnings):
    kept = [tf.function(lambda x: x + 1) for _ in range(7)]
    assert [int(f(c(1))) for f in kept] == [2] * 7 and not warnings()


SCALE = 2.0


def test_a_changed_global_is_told_once(warnings):
    global SCALE
    f = tf.function(lambda x: x * SCALE)
    assert float(f(c(1.0))) == 2.0 and not warnings()
    SCALE = 3.0
    assert [float(f(c(1.0))) for _ in range(3)] == [2.0] * 3
    SCALE = 2.0
    (message,) = warnings()
    assert message.startswith(
        "'SCALE' was 2.0 when '<lambda>' was traced, and is 3.0 now; the trace keeps the old value"
    )


def test_changed_closures_and_attributes_are_told(warnings):
    rate = 0.5

    class Model:
        training = True
        steps = 0

        def __init__(self):
            self.rate = 1.0

        @tf.function
        def __call__(self, x):
            self.steps += 1
            return x * self.rate if self.rate else x

    f, model = tf.function(lambda x: x * rate), Model()
    f(c(1.0))
    model(c(1.0))
    model(c(1.0))
    assert not warnings()
    rate, model.rate = 0.25, 2.0
    f(c(1.0))
    model(c(1.0))
    assert [message.split()[0] for message in warnings()] == ["'rate'", "'self.rate'"]


def test_what_the_function_sets_itself_or_python_never_kept_is_no_news(warnings):
    count, log = 0, []

    @tf.function
    def f(x):
        nonlocal count
        count += 1
        log.append(count)
        return x + np.float32(len(log))

    for n in range(4):
        f(tf.ones([n]))
        f(tf.ones([n]))
    assert count == 4 and not warnings()


def test_recursion_without_end_is_explained():
    @tf.function
    def countdown(x, n):
        return x if x < 0.0 else countdown(x - 1.0, n + 1)

    with pytest.raises(
        RecursionError, match=r"'countdown' calls itself without end while it is traced: \d+ traces"
    ) as e:
        countdown(c(3.0), 0)
    assert "'n' goes from" in str(e.value) and "both branches are traced" in str(e.value)
    assert float(tf.function(lambda x: x + 1.0)(c(1.0))) == 2.0


RATES = {"slow": [0.1, 0.2]}
TABLE = np.array([1.0, 2.0])
WEIGHT = tf.constant(2.0)


def helper(x):
    return x * WEIGHT


def test_lists_arrays_and_objects_that_change_are_told(warnings):
    global WEIGHT

    class Options:
        def __init__(self):
            self.deep = {"n": 1}

    options = Options()
    cases = [
        (lambda x: x * RATES["slow"][0], lambda: RATES["slow"].append(0.3)),
        (lambda x: x * TABLE[0], lambda: TABLE.__setitem__(0, 5.0)),
        (lambda x: x * options.deep["n"], lambda: options.deep.update(n=2)),
        (lambda x: helper(x), lambda: globals().update(WEIGHT=tf.constant(3.0))),
    ]
    for function, change in cases:
        f = tf.function(function)
        first = float(f(c(1.0)))
        f(c(1.0))
        change()
        assert float(f(c(1.0))) == first
        f(c(1.0))
    assert [message.partition(" when ")[0] for message in warnings()] == [
        "'RATES' was {'slow': [0.1, 0.2]}",
        "'TABLE' was <ndarray>",
        "'options.deep' was {'n': 1}",
        "'WEIGHT' was <EagerTensor>",
    ]


def test_methods_and_functions_that_stay_are_no_news(warnings):
    class Model:
        def __init__(self):
            self.layers = [c(1.0), c(2.0)]
            self.scale = tf.Variable(2.0)

        def inner(self, x):
            return sum(x * layer for layer in self.layers) * self.scale

        @tf.function
        def __call__(self, x):
            return self.inner(x)

    model = Model()
    for n in range(3):
        model(c(1.0))
        model.scale.assign_add(1.0)
        model(tf.ones([n]))
    assert not warnings()
    model.layers.append(c(3.0))
    model(c(1.0))
    (message,) = warnings()
    assert message.startswith("'self.layers' was [<EagerTensor>, <EagerTensor>] when '__call__' was traced")
