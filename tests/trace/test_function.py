"""`tf.function`: when it traces, what it passes and returns, its variables, methods, signatures and errors."""

import functools
import gc
import logging
import weakref

import numpy as np
import pytest

import duoflow as tf

c = tf.constant


@pytest.fixture
def traced():
    """A function that counts its traces: `traced.f` and `traced.seen`, what each trace was given."""

    class Counter:
        def __init__(self):
            self.seen = []
            self.f = tf.function(self.run)

        def run(self, x, y=0):
            self.seen.append((x, y))
            return x

    return Counter()


SAME_TRACE = [
    ("tensors of one shape", c(1.0), c(2.0), True),
    ("tensors of other shapes", c([1.0]), c([1.0, 2.0]), False),
    ("tensors of other dtypes", c(1.0), c(1), False),
    ("arrays are tensors", np.float32([1, 2]), c([3.0, 4.0]), True),
    ("NumPy scalars are tensors", np.float32(1), c(3.0), True),
    ("equal numbers", 1, 1, True),
    ("other numbers", 1, 2, False),
    ("numbers of other types", 1, 1.0, False),
    ("booleans are not numbers", True, 1, False),
    ("strings", "a", "b", False),
    ("None", None, None, True),
    ("lists of one form", [c(1.0), 2], [c(5.0), 2], True),
    ("lists of other lengths", [c(1.0)], [c(1.0), c(1.0)], False),
    ("tuples are not lists", [c(1.0)], (c(1.0),), False),
    ("dicts in other orders", {"a": c(1.0), "b": c(2)}, {"b": c(3), "a": c(4.0)}, True),
    ("dicts of other keys", {"a": c(1.0)}, {"b": c(1.0)}, False),
    ("sparse gradients", tf.IndexedSlices(c([1.0]), c([0])), tf.IndexedSlices(c([2.0]), c([1])), True),
]


@pytest.mark.parametrize(
    ("first", "second", "same"), [case[1:] for case in SAME_TRACE], ids=[case[0] for case in SAME_TRACE]
)
def test_what_makes_a_trace(traced, first, second, same):
    for value in (first, second, first, second):
        traced.f(value)
    assert len(traced.seen) == (1 if same else 2)
    assert traced.f.experimental_get_tracing_count() == len(traced.seen)


def test_defaults_and_keywords_are_one_call(traced):
    traced.f(c(1.0))
    traced.f(c(1.0), 0)
    traced.f(x=c(2.0), y=0)
    traced.f(y=0, x=c(2.0))
    assert len(traced.seen) == 1


def test_objects_count_by_identity_and_are_not_kept():
    class Thing:
        pass

    f, one, two = tf.function(lambda thing: c(1)), Thing(), Thing()
    for thing in (one, two, one):
        f(thing)
    assert f.experimental_get_tracing_count() == 2
    gone = weakref.ref(one)
    del one, thing
    gc.collect()
    assert gone() is None


def test_variables_count_by_identity(traced):
    v, w = tf.Variable(1.0), tf.Variable(5.0)
    f = tf.function(lambda v: v.assign_add(1.0) + 0.0)
    assert (float(f(v)), float(f(w)), float(f(v))) == (2.0, 6.0, 3.0)
    assert f.experimental_get_tracing_count() == 2


def test_reduce_retracing_leaves_sizes_open(traced):
    f = tf.function(lambda x: tf.reduce_sum(x), reduce_retracing=True)
    assert [float(f(tf.ones([n, 2]))) for n in (1, 2, 3, 4)] == [2.0, 4.0, 6.0, 8.0]
    assert f.experimental_get_tracing_count() == 2


def test_a_more_general_trace_is_used():
    f = tf.function(lambda x: x * 2.0)
    f.get_concrete_function(tf.TensorSpec([None], tf.float32))
    assert f(c([1.0, 2.0])).numpy().tolist() == [2.0, 4.0]
    assert f.experimental_get_tracing_count() == 1


def test_a_warning_names_the_argument_that_causes_traces(caplog):
    f = tf.function(lambda x, n: x)
    with caplog.at_level(logging.WARNING, logger="tensorflow"):
        for n in range(8):
            f(c(1.0), n)
    (record,) = caplog.records
    assert "retracing" in record.getMessage() and "'n' was 3, now 4 (trace 4)" in record.getMessage()


# -- results -----------------------------------------------------------------------------------------------------------


def test_results_keep_their_structure():
    v = tf.Variable(3.0)

    @tf.function
    def f(x):
        return {"a": [x, None, 2], "b": (np.ones(2), "s", v), "slices": tf.IndexedSlices(x[None], c([0]))}

    out = f(c(1.0))
    assert out["a"][1] is None and out["a"][2].numpy() == 2 and out["a"][2].dtype == tf.int32
    assert out["b"][0].dtype == tf.float64 and out["b"][1].numpy() == b"s" and out["b"][2].numpy() == 3.0
    assert isinstance(out["slices"], tf.IndexedSlices)
    assert tf.function(lambda: None)() is None
    with pytest.raises(TypeError, match="must return zero or more Tensors"):
        tf.function(lambda: object())()


def test_effects_happen_in_order_and_every_time():
    v, log = tf.Variable(1.0), []

    @tf.function
    def f():
        first = v + 0.0
        v.assign(v * 2.0)
        tf.py_function(lambda x: log.append(float(x)), [v], [])
        v.assign_add(1.0)
        return first, v.read_value()

    assert [float(t) for t in f()] == [1.0, 3.0]
    assert [float(t) for t in f()] == [3.0, 7.0]
    assert log == [2.0, 6.0]


def test_captured_tensors_keep_their_value_and_variables_do_not():
    t, v = c(1.0), tf.Variable(1.0)
    f = tf.function(lambda: t + v)
    assert float(f()) == 2.0
    v.assign(5.0)
    assert float(f()) == 6.0
    graph = f.get_concrete_function().graph
    assert len(graph.captures) == 2 and graph.variables == (v,)


def test_nested_and_recursive_functions():
    @tf.function
    def power(x, n):
        return x if n == 1 else x * power(x, n - 1)

    @tf.function
    def outer(x):
        y = x + 1.0

        @tf.function
        def inner(z):
            return y * z

        return inner(x) + inner(y)

    assert float(power(c(2.0), 5)) == 32.0
    assert float(outer(c(2.0))) == 15.0 and float(outer(c(3.0))) == 28.0


# -- variables ---------------------------------------------------------------------------------------------------------


def test_variables_made_on_the_first_call_only():
    class Layer:
        v = None

        @tf.function
        def __call__(self, x):
            if self.v is None:
                self.v = tf.Variable(tf.ones([2]) * 3.0)
            return self.v * x

    layer, other = Layer(), Layer()
    assert layer(c([1.0, 2.0])).numpy().tolist() == [3.0, 6.0]
    assert other(c(2.0)).numpy().tolist() == [6.0, 6.0]
    assert layer.v is not other.v and type(layer).__call__.variables == ()
    with pytest.raises(ValueError, match=r"singleton tf.Variables created on the first call"):
        tf.function(lambda x: tf.Variable(1.0) + x)(c(1.0))
    late = []
    f = tf.function(lambda x, make: (late.append(tf.Variable(1.0)) if make else None, x)[1])
    f(c(1.0), False)
    with pytest.raises(ValueError, match="Creating variables on a non-first call"):
        f(c(1.0), True)


def test_a_variable_may_start_from_an_argument():
    class Mean:
        total = None

        @tf.function
        def __call__(self, x):
            if self.total is None:
                self.total = tf.Variable(tf.zeros_like(x) + x * 0.5)
            return self.total.assign_add(x)

    mean = Mean()
    assert [mean(c([2.0])).numpy().tolist() for _ in range(3)] == [[3.0], [5.0], [7.0]]
    inner, other = Mean(), Mean()
    outer = tf.function(lambda x: inner(x) * 10.0)
    assert [outer(c([2.0])).numpy().tolist() for _ in range(2)] == [[30.0], [50.0]]
    with pytest.raises(ValueError, match="initial value depends on an argument"):
        Mean.__call__.__get__(other).get_concrete_function(c([1.0]))


def test_methods_do_not_keep_their_object():
    class Model:
        @tf.function
        def f(self, x):
            return x * self.scale

        scale = 2.0

    model = Model()
    assert float(model.f(c(3.0))) == 6.0 and model.f is model.f
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


# -- signatures --------------------------------------------------------------------------------------------------------


def test_an_input_signature_converts_and_checks():
    f = tf.function(
        lambda x, y: tf.reduce_sum(x) + y, input_signature=[tf.TensorSpec([None], tf.float32), tf.TensorSpec([])]
    )
    assert float(f([1, 2, 3], 1)) == 7.0 and float(f(c([1.0]), y=c(2.0))) == 3.0
    assert f.experimental_get_tracing_count() == 1
    with pytest.raises(TypeError, match=r"Can not cast TensorSpec\(shape=\(1,\), dtype=tf.int32, name=None\)"):
        f(c([1]), 1.0)
    with pytest.raises(TypeError, match="Can not cast"):
        f(c([[1.0]]), 1.0)
    with pytest.raises(TypeError, match="missing a required argument: 'y'"):
        f([1.0])
    with pytest.raises(TypeError, match="input_signature must be"):
        tf.function(lambda x: x, input_signature=[1])


def test_concrete_functions():
    f = tf.function(lambda x, n=3, *, scale: x * n + scale)
    g = f.get_concrete_function(tf.TensorSpec([2], tf.float32, name="values"), scale=tf.TensorSpec([], tf.float32))
    assert g.structured_input_signature == (
        (tf.TensorSpec([2], tf.float32, name="values"), 3), {"scale": tf.TensorSpec([], tf.float32, name="scale")}
    )  # fmt: skip
    assert [t.name for t in g.inputs] == ["values:0", "scale:0"]
    assert g.structured_outputs.shape == (2,)
    assert {op.type for op in g.graph.get_operations()} >= {"Placeholder", "Mul", "AddV2"}
    for out in (
        g(c([1.0, 2.0]), scale=c(1.0)),
        g(values=c([1.0, 2.0]), scale=c(1.0)),
        g(c([1.0, 2.0]), 3, scale=c(1.0)),
        g([1.0, 2.0], n=3, scale=1.0),
    ):
        assert out.numpy().tolist() == [4.0, 7.0]
    for args, kwargs, message in [
        ((c([1.0, 2.0]),), {}, "missing a required argument: 'scale'"),
        ((c([1.0, 2.0]), 4), {"scale": c(1.0)}, r"Can not cast 4 to Literal\[3\]"),
        ((c([1.0, 2.0]),), {"scale": c(1.0), "other": c(1.0)}, "unexpected keyword"),
        ((c([1.0, 2.0]), 3, 4), {"scale": c(1.0)}, "too many positional arguments"),
    ]:
        with pytest.raises(TypeError, match=message):
            g(*args, **kwargs)


def test_signatures_are_printed_as_tensorflow_prints_them():
    f = tf.function(lambda x, n=3, *, flag=True: {"a": x * n, "b": [x, None]})
    g = f.get_concrete_function(tf.TensorSpec([None, 2], tf.float32, name="q"))
    out = "TensorSpec(shape=(None, 2), dtype=tf.float32, name=None)"
    spec = out.replace("None)", "'q')")
    result = f"Dict[['a', {out}], ['b', List[{out}, Literal[None]]]]"
    line = f"(x: {spec}, n: Literal[3], *, flag: Literal[True]) -> {result}"
    assert str(g.function_type) == str(f.function_type) == g.pretty_printed_signature(verbose=False) == line
    assert repr(g).startswith(f"<ConcreteFunction {line} at ")
    assert str(g) == (
        "ConcreteFunction Input Parameters:\n"
        f"  x (POSITIONAL_OR_KEYWORD): {spec}\n"
        "  n (POSITIONAL_OR_KEYWORD): Literal[3]\n"
        "  flag (KEYWORD_ONLY): Literal[True]\n"
        f"Output Type:\n  {result}\n"
        "Captures:\n  None"
    )  # fmt: skip
    f(c([[1.0, 2.0]]), flag=False)
    assert f.pretty_printed_concrete_signatures().count("Input Parameters") == 2


def test_an_input_signature_leaves_defaults_alone():
    f = tf.function(lambda x, y=3: x + y, input_signature=[tf.TensorSpec([])])
    assert float(f(c(1.0))) == 4.0
    with pytest.raises(TypeError, match=r"Can not cast 4 to Literal\[3\]"):
        f(c(1.0), 4)
    with pytest.raises(TypeError, match="1 extra type constraints"):
        tf.function(lambda x: x, input_signature=[tf.TensorSpec([])] * 2)
    with pytest.raises(TypeError, match="keyword-only parameter `y` must have a default"):
        tf.function(lambda x, *, y: x, input_signature=[tf.TensorSpec([])])


# -- the rest ----------------------------------------------------------------------------------------------------------


def test_options_are_accepted_and_partials_named():
    f = tf.function(functools.partial(lambda x, y: x - y, y=c(1.0)), jit_compile=True, experimental_relax_shapes=True)
    assert float(f(c(3.0))) == 2.0
    assert tf.function(autograph=False)(lambda x: x)(c(1.0)).numpy() == 1.0

    @tf.function(experimental_follow_type_hints=True)
    def hinted(x: tf.Tensor):
        return x + 1

    assert [int(hinted(n)) for n in (1, 2, 3)] == [2, 3, 4] and hinted.experimental_get_tracing_count() == 1


def test_functions_can_run_eagerly():
    seen = []

    @tf.function
    def f(x):
        seen.append(tf.executing_eagerly())
        return x

    f(c(1.0))
    tf.run_functions_eagerly(True) if hasattr(tf, "run_functions_eagerly") else tf.config.run_functions_eagerly(True)
    try:
        f(c(1.0))
    finally:
        tf.run_functions_eagerly(False) if hasattr(tf, "run_functions_eagerly") else tf.config.run_functions_eagerly(
            False
        )
    assert seen == [False, True]


def test_errors_show_the_users_line():
    @tf.function
    def f(x, y):
        return tf.matmul(x, y)  # shapes that do not fit

    with pytest.raises(ValueError, match="shapes that do not fit"):
        f(tf.ones([2, 3]), tf.ones([2, 3]))

    @tf.function(input_signature=[tf.TensorSpec([None]), tf.TensorSpec([None])])
    def g(x, y):
        return x + y  # sizes that do not fit

    with pytest.raises(tf.errors.InvalidArgumentError, match="sizes that do not fit"):
        g(tf.ones([2]), tf.ones([3]))


def test_tensors_do_not_leak_from_a_function():
    leaked = []

    @tf.function
    def f(x):
        leaked.append(x * 2.0)
        return x

    f(c(1.0))
    with pytest.raises(TypeError, match="out of scope"):
        leaked[0] + 1.0
    with pytest.raises(TypeError, match="out of scope"):
        tf.function(lambda: leaked[0] + 1.0)()


def test_a_tape_in_a_function_watches_tensors_from_outside():
    x = c(3.0)

    @tf.function
    def f():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x * x
        return tape.gradient(y, x)

    assert float(f()) == 6.0


def test_a_method_of_an_object_that_is_gone_gets_none():
    class Model(tf.Module):
        @tf.function
        def doubled(self, x):
            return 2 * x if self is None else x

    method = Model().doubled
    assert int(method(tf.constant(2))) == 4


def test_a_function_tells_its_parameters():
    @tf.function(input_signature=[tf.TensorSpec([2], name="q")])
    def f(x, y=2):
        return x * tf.cast(y, x.dtype)

    spec = f.function_spec
    assert spec.fullargspec.args == spec.arg_names == ["x", "y"] and spec.default_values == {"y": 2}
    assert spec.input_signature == spec.flat_input_signature == (tf.TensorSpec([2], name="q"),)
    assert spec.signature_summary(default_values=True).splitlines() == [
        "Input Parameters:",
        "  x (POSITIONAL_OR_KEYWORD): TensorSpec(shape=(2,), dtype=tf.float32, name='q')",
        "  y (POSITIONAL_OR_KEYWORD): Literal[2]",
        "Output Type:",
        "  None",
        "Captures:",
        "  None",
        "Defaults:",
        "  y: 2",
    ]

    class A:
        @tf.function
        def m(self, a, *b, k=1, **c):
            return a

    bound = A().m.function_spec.fullargspec
    assert (bound.args, bound.varargs, bound.varkw, bound.kwonlydefaults) == (["a"], "b", "c", {"k": 1})
    assert A.m.function_spec.arg_names == ["self", "a", "b", "k", "c"]


def test_names_in_a_type_are_those_that_were_given():
    f = tf.function(lambda x: x)
    g = f.get_concrete_function(tf.TensorSpec([]))
    assert g.structured_input_signature[0][0].name == "x"
    assert str(g.function_type).startswith("(x: TensorSpec(shape=(), dtype=tf.float32, name=None))")
    named = f.get_concrete_function(tf.TensorSpec([2], name="n"))
    assert str(named.function_type).startswith("(x: TensorSpec(shape=(2,), dtype=tf.float32, name='n'))")
    assert "\n\n" in f.pretty_printed_concrete_signatures()
    assert len(f.pretty_printed_concrete_signatures(verbose=False).splitlines()) == 2


def test_compiler_ir_is_the_graph_before_and_after_the_passes():
    f = tf.function(lambda x: x * 1.0 + 2.0 * 3.0, jit_compile=True)
    text = f.experimental_get_compiler_ir(tf.TensorSpec([2]))
    assert "Mul" in text() and "Mul" not in text(stage="optimized_hlo") and "AddV2" in text("optimized_hlo")
    for stage in ("hlo_serialized", "bogus"):
        with pytest.raises(ValueError, match=f"received '{stage}'"):
            text(stage)
    with pytest.raises(ValueError, match="static input shape"):
        f.experimental_get_compiler_ir(tf.TensorSpec([None]))()
    with pytest.raises(ValueError, match="jit_compile=True"):
        tf.function(lambda x: x).experimental_get_compiler_ir(1.0)


def test_attributes_are_those_that_tensorflow_knows():
    assert int(tf.function(lambda x: x, experimental_attributes={"_noinline": True})(tf.constant(1))) == 1
    with pytest.raises(ValueError, match=r"bogus is not supported by tf.function as an attribute"):
        tf.function(lambda x: x, experimental_attributes={"bogus": 1})


def test_the_predicate_of_a_graphs_cond_is_a_scalar():
    chosen = tf.function(lambda p: tf.cond(p, lambda: 1, lambda: 2))
    assert [int(chosen(tf.constant(p))) for p in (True, False, [True], [[False]], 3, 0)] == [1, 2, 1, 2, 1, 2]
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be a scalar"):
        chosen(tf.constant([True, False]))
    open_shape = tf.function(chosen.python_function, input_signature=[tf.TensorSpec(None, tf.bool)])
    assert int(open_shape([[True]])) == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"must be a scalar, received shape \(2,\)"):
        open_shape([True, False])


def test_hessians_of_a_graph():
    @tf.function
    def f(x):
        y = tf.reduce_sum(x**3) + x[0] * x[1]
        return tf.hessians(y, [x]) + tf.hessians(tf.constant(1.0) * y, x)

    for h in f(tf.constant([1.0, 2.0])):
        assert h.numpy().tolist() == [[6.0, 1.0], [1.0, 12.0]]
