"""Converted statements in graphs: gradients, state in objects, variables, datasets, what is iterated, and messages."""

import inspect
import textwrap
import types

import numpy as np
import pytest

import duoflow as tf
from duoflow.passes.prune import prune
from duoflow.trace.autograph import convert, convert_in_context, do_not_convert


def line_of(function, text):
    """The line of a file on which a function says `text`."""
    lines, start = inspect.getsourcelines(function)
    return start + next(i for i, line in enumerate(lines) if text in line)


# -- gradients ---------------------------------------------------------------------------------------------------------


def conditional(x):
    if x > 1:
        y = x * x
    else:
        y = 3.0 * x
    return y


def expression(x):
    return x * x * x if x > 1 and x < 10 else -x


def cube_by_loop(x):
    y = tf.ones([])
    i = 0
    while i < 3:
        y *= x
        i += 1
    return y


def cube_by_tensor_loop(x):
    y = tf.ones([])
    for _ in tf.range(3):
        y = y * x
    return y


def over_elements(x):
    total = 0.0
    for v in tf.stack([x, 2.0 * x, 3.0 * x]):
        if v > 5:
            break
        total += v * v
    return total


def newton(x):
    guess = x
    for _ in tf.range(50):
        following = 0.5 * (guess + x / guess)
        if tf.abs(following - guess) < 1e-6:
            break
        guess = following
    return guess


def returned_from_loop(x):
    y = x
    while True:
        y = y * x
        if y > 20:
            return y
    return y


GRADIENTS = [
    (conditional, 3.0, 6.0),
    (conditional, 0.5, 3.0),
    (expression, 2.0, 12.0),
    (expression, 11.0, -1.0),
    (cube_by_loop, 2.0, 12.0),
    (cube_by_tensor_loop, 2.0, 12.0),
    (over_elements, 2.0, 2 * 2.0 + 8 * 2.0),
    (newton, 2.0, 0.5 / 2.0**0.5),
    (returned_from_loop, 3.0, 27.0),
]


@pytest.mark.parametrize(("function", "at", "expected"), GRADIENTS, ids=lambda p: getattr(p, "__name__", None))
def test_gradients_flow_through_control_flow(function, at, expected):
    x = tf.constant(at)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.function(function)(x)
    np.testing.assert_allclose(tape.gradient(y, x), expected, rtol=1e-3)


# -- state -------------------------------------------------------------------------------------------------------------


class Counter:
    def __init__(self):
        self.total = 0.0
        self.variable = tf.Variable(0.0)
        self.inner = None

    def add(self, xs):
        self.total = 0.0
        for x in xs:
            if x > 0:
                self.total = self.total + x
                self.variable.assign_add(1.0)
        return self.total

    def define(self, x):
        if x > 0:
            self.fresh = x
        else:
            self.fresh = -x
        return self.fresh


@pytest.fixture
def counter():
    return Counter()


def test_attributes_are_state(counter):
    assert tf.function(counter.add)(tf.constant([1.0, -2.0, 3.0])).numpy() == 4.0
    assert counter.variable.numpy() == 2.0
    assert tf.function(counter.define)(tf.constant(-2.0)).numpy() == 2.0


def test_a_branch_not_taken_leaves_variables_alone(counter):
    @tf.function
    def step(x):
        if x > 0:
            counter.variable.assign(x)

    step(tf.constant(-1.0))
    assert counter.variable.numpy() == 0.0
    step(tf.constant(7.0))
    assert counter.variable.numpy() == 7.0


def test_a_variable_is_a_condition():
    flag, count = tf.Variable(True), tf.Variable(0)

    @tf.function
    def step():
        if flag:
            count.assign_add(1)
        while count < 5:
            count.assign_add(2)
        return count.read_value()

    assert step().numpy() == 5
    flag.assign(False)
    assert step().numpy() == 5


def test_containers_changed_in_a_branch_do_not_leak_into_the_other():
    @tf.function
    def step(x):
        values = {"a": x}
        if x > 0:
            values["a"] = x * 2
        return values["a"]

    assert [step(tf.constant(v)).numpy() for v in (2.0, -2.0)] == [4.0, -2.0]


def test_python_objects_pass_a_branch_unchanged():
    class Thing:
        scale = 2.0

    @tf.function
    def step(x):
        thing = Thing
        if x > 0:
            thing = Thing
            x = x * thing.scale
        return x * thing.scale

    assert step(tf.constant(1.0)).numpy() == 4.0


def test_eager_tensors_are_decided_in_python():
    taken, flag = [], tf.constant(True)

    @tf.function
    def step(x):
        if flag:
            taken.append("main")
        else:
            taken.append("else")
        return x

    step(tf.constant(1.0))
    assert taken == ["main"]
    assert convert(conditional)(tf.constant(3.0)).numpy() == 9.0


# -- what is iterated --------------------------------------------------------------------------------------------------


def test_enumerate_and_zip_of_tensors():
    @tf.function
    def step(xs, ys):
        total = 0
        for i, (x, y) in enumerate(zip(xs, ys), 1):
            total += i * x * y
        return total

    assert step(tf.constant([1, 2, 3]), tf.constant([4, 5])).numpy() == 1 * 4 + 2 * 10


def test_range_is_not_materialised():
    @tf.function
    def step(n):
        last = tf.constant(-1, tf.int64)
        for i in tf.range(n):
            last = i
            if i >= 2:
                break
        return last

    assert step(tf.constant(9, tf.int64)).numpy() == 2
    graph = prune(step.get_concrete_function(tf.TensorSpec([], tf.int64)).graph)
    assert "Range" not in [node.type for node in graph.get_operations()]


@pytest.mark.parametrize("arguments", [(0.0, 1.0, 0.25), (1.0, 0.0, -0.3), (1.0, 1.0, 0.5)], ids=str)
def test_range_of_floats(arguments):
    @tf.function
    def step(a, b, c):
        total = 0.0
        for x in tf.range(a, b, c):
            total += x
        return total

    expected = np.arange(*arguments, dtype=np.float32).sum()
    np.testing.assert_allclose(step(*map(tf.constant, arguments)), expected, rtol=1e-6)


def test_unknown_length():
    @tf.function(input_signature=[tf.TensorSpec([None])])
    def step(xs):
        total = 0.0
        for x in xs:
            total += x
        return total, len(xs)

    for size in (0, 3):
        total, length = step(tf.ones([size]))
        assert (total.numpy(), length.numpy()) == (size, size)


def test_datasets_and_iterators():
    numbers = tf.data.Dataset.range(10)

    @tf.function
    def total():
        result = tf.constant(0, tf.int64)
        for x in numbers:
            if x % 2 == 0:
                continue
            result += x
        return result

    @tf.function
    def first_above(limit):
        for x in numbers.repeat():
            if x > limit:
                return x
        return limit

    iterator = iter(numbers)

    @tf.function
    def take_until(limit):
        seen = tf.constant(0, tf.int64)
        for x in iterator:
            seen = x
            if x >= limit:
                break
        return seen

    assert total().numpy() == 25
    assert first_above(tf.constant(6, tf.int64)).numpy() == 7
    assert take_until(tf.constant(3, tf.int64)).numpy() == 3
    assert next(iterator).numpy() == 4


def doubled_by_for(n):
    for i in tf.range(n):
        doubled = tf.ones([2]) * tf.cast(i, tf.float32)
    return doubled


def doubled_by_while(n):
    while n > 0:
        doubled = tf.ones([2]) * tf.cast(n, tf.float32)
        n -= 1
    return doubled


def doubled_by_rows(n):
    for row in tf.ones([n, 2]):
        doubled = row * 2
    return doubled


def doubled_in_an_attribute(n):
    holder = types.SimpleNamespace()
    for i in tf.range(n):
        holder.doubled = tf.ones([2]) * tf.cast(i, tf.float32)
    return holder.doubled


def doubled_or_none(n):
    doubled = None
    for i in tf.range(n):
        doubled = tf.ones([2]) * tf.cast(i, tf.float32)
    return doubled


def doubled_string(n):
    for i in tf.range(n):
        doubled = tf.strings.as_string([i, i])
    return doubled


def doubled_within_a_loop(n):
    def last(count):
        for i in tf.range(count):
            doubled = tf.ones([2]) * tf.cast(i, tf.float32)
        return doubled

    total = tf.zeros([2])
    for _ in tf.range(n + 2):
        total += last(n)
    return total


DEFINING = [
    doubled_by_for,
    doubled_by_while,
    doubled_by_rows,
    doubled_in_an_attribute,
    doubled_or_none,
    doubled_string,
    doubled_within_a_loop,
]


@pytest.mark.parametrize("engine", ["duoflow.engines.native.engine", "duoflow.engines.reference"])
@pytest.mark.parametrize("function", DEFINING)
def test_a_loop_must_iterate_to_define_what_follows_reads(function, engine, monkeypatch):
    monkeypatch.setattr("duoflow.core.engine._installed", [engine])
    step = tf.function(function)
    assert step(tf.constant(3)).shape == (2,)
    where = next(line_of(function, text) for text in ("for ", "while ") if text in inspect.getsource(function))
    name = "holder.doubled" if function is doubled_in_an_attribute else "doubled"
    expected = rf"loop must iterate at least once to initialize {name}[^$]*line {where}"
    with pytest.raises(tf.errors.InvalidArgumentError, match=expected):
        step(tf.constant(0))


@pytest.mark.parametrize("function", [doubled_by_for, doubled_by_while, doubled_within_a_loop])
def test_loops_that_must_iterate_stay_native(function):
    step = tf.function(function)
    step(tf.constant(3))
    report = str(step.explain(tf.constant(3)))
    assert "native" in report and " host " not in report


def test_what_nobody_reads_after_a_loop_needs_no_iteration():
    @tf.function
    def step(n):
        total = 0
        for i in tf.range(n, 2 * n):
            doubled = 2 * i
            total += doubled
        doubled = total
        return doubled, i

    assert [int(value) for value in step(tf.constant(0))] == [0, 0]
    assert [int(value) for value in step(tf.constant(2))] == [10, 3]


def test_a_return_inside_a_loop_needs_no_iteration():
    @tf.function
    def first_even(numbers):
        for number in numbers:
            if number % 2 == 0:
                return number
        return -1

    assert int(first_even(tf.zeros([0], tf.int32))) == -1


# -- where things come from --------------------------------------------------------------------------------------------


def test_nodes_carry_the_users_lines():
    def function(x):
        if x > 0:
            y = x * 2
        else:
            y = x * 3
        return y

    graph = tf.function(function).get_concrete_function(tf.TensorSpec([])).graph
    by_type = {node.type: node for node in graph.get_operations()}
    assert by_type["Greater"].origin == (__file__, line_of(function, "if x > 0"))
    (chosen,) = [node for kind, node in by_type.items() if kind in ("If", "StatelessIf")]
    assert chosen.origin == (__file__, line_of(function, "if x > 0"))
    products = [node for inner in chosen.subgraphs for node in inner.get_operations() if node.type == "Mul"]
    assert [node.origin[1] for node in products] == [line_of(function, "x * 2"), line_of(function, "x * 3")]


def test_errors_name_the_users_line():
    def function(x):
        y = x
        while x > 0:
            y = (y, x)
            x -= 1
        return y

    where = line_of(function, "while")
    with pytest.raises(TypeError, match=rf"'y' does not have the same nested structure[^$]*line {where}"):
        tf.function(function)(tf.constant(1.0))


def outcome(function, *arguments):
    with pytest.raises(Exception) as caught:
        tf.function(function)(*arguments)
    return caught.type, str(caught.value)


def test_function_without_source_says_why_a_tensor_cannot_decide():
    space = {}
    exec("\n".join(["def sign(x):", "    return 1 if x > 0 else -1"]), space)  # no frame holds the text
    kind, message = outcome(space["sign"], tf.constant(1.0))
    assert issubclass(kind, TypeError)
    assert "'sign' could not be converted by AutoGraph: it was made by exec or eval" in message


def test_generator_says_why_a_tensor_cannot_decide():
    def items(x):
        if x > 0:
            yield x

    kind, message = outcome(lambda x: list(items(x)), tf.constant(1.0))
    assert issubclass(kind, TypeError)
    assert "generator" in message


def test_excluded_function_says_so():
    @do_not_convert
    def sign(x):
        return 1 if x > 0 else -1

    kind, message = outcome(lambda x: sign(x), tf.constant(1.0))
    assert issubclass(kind, TypeError)
    assert "do_not_convert" in message


def test_use_that_is_not_converted_says_so():
    kind, message = outcome(lambda x: [v for v in (x, -x) if v > 0], tf.constant(1.0))
    assert issubclass(kind, TypeError)
    assert "AutoGraph converted this function, but not this use of a tensor" in message


def test_undefined_in_a_branch_matters_only_when_used():
    def function(x, use):
        if x > 0:
            y = x
        if use:
            return y
        return x

    traced = tf.function(function)
    assert traced(tf.constant(1.0), False).numpy() == 1.0
    with pytest.raises(ValueError, match="'y' must also be initialized in the else branch"):
        traced(tf.constant(1.0), True)


def test_python_iterator_that_a_tensor_ends():
    def function(x):
        for step in iter([1.0, 2.0]):
            x += step
            if x > 1:
                break
        return x

    kind, message = outcome(function, tf.constant(0.0))
    assert kind is NotImplementedError
    assert "break and return statements which depend on a TF condition" in message


def test_callbacks_of_our_functions_are_converted():
    def sign(v):
        if v > 0:
            return 1.0
        return -1.0

    @tf.function
    def step(x):
        return tf.cond(x > 10, lambda: x, lambda: sign(x)), tf.nest.map_structure(sign, [x, -x])

    first, (second, third) = step(tf.constant(2.0))
    assert (first.numpy(), second.numpy(), third.numpy()) == (1.0, 1.0, -1.0)


def test_loop_inside_a_converted_method_of_a_nested_class():
    @tf.function
    def step(n):
        class Accumulator:
            def run(self, n):
                total = 0
                for i in tf.range(n):
                    total += i
                return total

        return Accumulator().run(n)

    assert step(tf.constant(4)).numpy() == 6


def test_code_mentions_no_tensor():
    text = tf.autograph.to_code(conditional)
    assert text == textwrap.dedent(
        """\
        def conditional(x):
            y = ag__.Undefined('y')

            def get_state():
                return (y,)

            def set_state(vars_):
                nonlocal y
                y, = vars_

            def if_body():
                nonlocal y
                y = x * x

            def else_body():
                nonlocal y
                y = 3.0 * x
            ag__.if_stmt(x > 1, if_body, else_body, get_state, set_state, ('y',), 1)
            return y"""
    )


def test_what_an_iteration_defines_may_have_a_varying_shape():
    batches = tf.data.Dataset.range(5).batch(2)

    @tf.function
    def last(n):
        for batch in batches:  # noqa: B007
            pass
        for i in tf.range(n):
            row = tf.fill([i], 7)
        return batch, row

    batch, row = last(tf.constant(4))
    assert batch.numpy().tolist() == [4]
    assert row.numpy().tolist() == [7, 7, 7]


def test_print_runs_while_tracing(capfd):
    """As in TensorFlow, where tf.print is what runs with the graph."""

    @tf.function
    def step(x):
        print("traced", x)
        return x

    step(tf.constant(1))
    step(tf.constant(2))
    assert capfd.readouterr().out == 'traced Tensor("x:0", shape=(), dtype=int32)\n'


def test_numbers_of_strings():
    @tf.function
    def step(text):
        return int(text), float(text)

    whole, real = step(tf.constant("7"))
    assert (whole.numpy(), real.numpy()) == (7, 7.0)
    assert (whole.dtype, real.dtype) == (tf.int32, tf.float32)


def test_or_gives_its_operand():
    @tf.function
    def step(a, b):
        return a or b, a and b

    assert [r.numpy() for r in step(tf.constant(0), tf.constant(5))] == [5, 0]
    assert [r.numpy() for r in step(tf.constant(3), tf.constant(5))] == [3, 5]


def sign(x):
    if x > 0:
        return 1
    return -1


@do_not_convert
def as_it_is(x):
    return convert_in_context(sign)(x)


def test_duoflows_own_code_converts_what_it_stores_and_calls_later():
    @tf.function
    def inside(x):
        return convert_in_context(sign)(x)

    @tf.function
    def excluded(x):
        return as_it_is(x)

    assert inside(tf.constant(-2.0)).numpy() == -1
    assert convert_in_context(sign) is sign
    with pytest.raises(TypeError, match="AutoGraph did not convert 'sign'"):
        excluded(tf.constant(-2.0))


def test_to_graph_may_leave_what_is_called_alone():
    def step(x):
        return sign(x) if x > 1 else 0

    graph = tf.Graph()
    with graph.as_default():
        x = tf.constant(2.0)
        assert tf.autograph.to_graph(step)(x).dtype is tf.int32
        with pytest.raises(TypeError, match="Python `bool`"):
            tf.autograph.to_graph(step, recursive=False)(x)


class Halving(tf.keras.layers.Layer):
    def call(self, x):
        while tf.reduce_max(x) > 1:
            x = x / 2
        return x


def test_a_layers_call_is_converted_in_eager_models_functions_and_training():
    x = tf.constant([[8.0], [2.0]])
    model = tf.keras.Sequential([tf.keras.Input((1,)), Halving(), tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x.numpy(), x.numpy(), verbose=0)
    for call in (Halving(), tf.function(Halving()), tf.function(Halving(), autograph=False)):
        assert call(x).numpy().tolist() == [[1.0], [0.25]]
