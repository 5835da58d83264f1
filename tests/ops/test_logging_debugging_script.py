"""What tf.print writes and what failed assertions say (texts recorded from TensorFlow 2.21), and Python in graphs."""

import numpy as np
import pytest

import duoflow as tf
from duoflow.core.late import F

c = tf.constant
X = tf.range(10)
NAN, INF = float("nan"), float("inf")

PRINTED = [
    (("a", X, 1, 2.5, [1, 2], {"b": X[:2], "a": (1, "s")}, True, None), {},
     "a [0 1 2 ... 7 8 9] 1 2.5 [1, 2] {'a': (1, 's'), 'b': [0 1]} True None\n"),
    ((X,), {"summarize": -1}, "[0 1 2 3 4 5 6 7 8 9]\n"),
    ((tf.reshape(tf.range(64), [8, 8]),), {"summarize": 2},
     "[[0 1 ... 6 7]\n [8 9 ... 14 15]\n ...\n [48 49 ... 54 55]\n [56 57 ... 62 63]]\n"),
    ((c(["a", "b"]), c("s"), c(True), c([True, False])), {}, '["a" "b"] "s" 1 [1 0]\n'),
    ((c(1.0), c(1e-7), c(123456789.0), c(0.1, tf.float64), c(1 / 3), c(NAN), c(INF), c(-INF)), {},
     "1 1e-07 123456792 0.1 0.333333343 nan inf -inf\n"),
    ((tf.zeros([0]), tf.zeros([2, 0]), tf.zeros([0, 2])), {"sep": ",", "end": "!"}, "[],[\n ...],[]!"),
    ((tf.Variable([1, 2]), [X[:2], "q"], np.arange(3), [], {}, (), (1,)), {},
     "[1 2] [[0 1], 'q'] array([0, 1, 2]) [] {} () (1,)\n"),
    ((c(1 + 2j), c([1e10, 1.5, 100.0]), c(2**40), c([1, 2], tf.uint8), c(1.5, tf.bfloat16), c(1e-5, tf.float16)), {},
     "? [1e+10 1.5 100] 1099511627776 [1 2] 1.5 1.00135803e-05\n"),
    (("%d {}", "a\nb"), {}, "%d {} a\nb\n"),
    (([[1, 2], [3, c(4)]], "x", {"k": [c(1.0)]}), {}, "[[1, 2], [3, 4]] x {'k': [1]}\n"),
    ((tf.ones([1, 2, 2, 7]),), {},
     "[[[[1 1 1 ... 1 1 1]\n   [1 1 1 ... 1 1 1]]\n\n  [[1 1 1 ... 1 1 1]\n   [1 1 1 ... 1 1 1]]]]\n"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "options", "text"), PRINTED, ids=range(len(PRINTED)))
def test_print_writes_what_tensorflow_writes(values, options, text, tmp_path, capsys):
    path = tmp_path / "out"
    F.print(*values, output_stream=f"file://{path}", **options)
    tf.function(lambda: F.print(*values, output_stream=f"file://{path}", **options) and None)()
    assert path.read_text() == text * 2
    F.print(*values, **options)
    assert capsys.readouterr().err == text


def test_print_happens_in_order_and_each_time(capfd):
    @tf.function
    def f(n):
        for i in tf.range(n):
            tf.print("step", i)
        tf.print("done")

    f(c(2))
    f(c(1))
    assert capfd.readouterr().err == "step 0\nstep 1\ndone\nstep 0\ndone\n"
    with pytest.raises(ValueError, match="Unsupported output stream"):
        tf.print(1, output_stream="nowhere")
    with pytest.raises(ValueError, match="Unrecognized keyword"):
        tf.print(1, color="red")


FAILED = [
    (lambda: F.Assert(c(False), ["msg", X], summarize=2),
     "Expected 'tf.Tensor(False, shape=(), dtype=bool)' to be true. Summarized data: b'msg'\n0, 1, ..."),
    (lambda: F.assert_equal(c([1, 2]), c([1, 3]), message="hm"),
     "hm\nCondition x == y did not hold.\nIndices of first 1 different values:\n[[1]]\nCorresponding x values:\n[2]\n"
     "Corresponding y values:\n[3]\nFirst 2 elements of x:\n[1 2]\nFirst 2 elements of y:\n[1 3]"),
    (lambda: F.assert_greater(c([1, 2, 3, 0]), c([1]), summarize=2),
     "Condition x > y did not hold.\nFirst 2 elements of x:\n[1 2]\nFirst 1 elements of y:\n[1]"),
    (lambda: F.assert_positive(c([1, -2])),
     "\nCondition x > 0 did not hold element-wise:\nx (shape=(2,) dtype=int32) = \n['1', '-2']"),
    (lambda: F.check_numerics(c([1.0, NAN]), "bad"), "bad : Tensor had NaN values"),
    (lambda: F.check_numerics(c([1.0, INF]), "bad"), "bad : Tensor had Inf values"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "text"), FAILED, ids=range(len(FAILED)))
def test_failed_assertions_say_what_tensorflow_says(program, text):
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        program()
    assert caught.value.message.startswith(text)


STATIC = [
    (lambda: F.assert_rank(c([1.0]), 2), ValueError, r"must have rank 2\.  Received rank 1, shape \(1,\)"),
    (lambda: F.assert_rank_at_least(c([1.0]), 2, message="M"), ValueError, r"M\.  Tensor .*must have rank at least 2"),
    (lambda: F.assert_rank_in(c([1.0]), [2, 3]), ValueError, r"must have rank in \(2, 3\)"),
    (lambda: F.assert_scalar(c([1.0])), ValueError, r"Expected scalar shape.*, saw shape: \(1,\)"),
    (lambda: F.assert_type(c([1.0]), tf.int32), TypeError, r"must be of type tf.int32; got tf.float32"),
    (lambda: F.assert_integer(c([1.0])), TypeError, 'Expected "x" to be integer type'),
    (lambda: F.assert_same_float_dtype([c(1.0), c(1.0, tf.float64)]), ValueError, "must be of the same type"),
    (lambda: F.assert_proper_iterable(c(1.0)), TypeError, 'to be a "proper" iterable'),
    (
        lambda: F.assert_shapes([(c([1.0]), ("N",)), (c([1.0, 2.0]), ("N",))]),
        ValueError,
        "dimension 0 must have size 1",
    ),
    (lambda: F.assert_shapes([(c([1.0]), ("N", 3))]), ValueError, "must have rank 2"),
]


@pytest.mark.parametrize(("program", "error", "text"), STATIC, ids=range(len(STATIC)))
def test_what_is_known_is_checked_at_once(program, error, text):
    for run in (program, tf.function(lambda: program() and None)):
        with pytest.raises(error, match=text):
            run()


def test_assertions_that_hold_give_nothing():
    F.assert_equal(1, 1), F.assert_less(1, 2), F.assert_near(1.0, 1.0 + 1e-7), F.assert_rank(c([1]), 1)
    F.assert_shapes([(c(1.0), ()), (c([[1.0, 2.0]]), ("N", "D")), (tf.zeros([5, 3, 2]), ("...", "D"))])
    assert F.assert_none_equal(1, 2) is None and F.is_numeric_tensor(c(1)) and not F.is_numeric_tensor(c("a"))


def test_assertions_in_a_function_fail_when_it_runs():
    @tf.function
    def f(x):
        F.assert_less(x, 3, message="too large")
        return x

    assert int(f(c(1))) == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"assertion failed: .too large"):
        f(c(5))


def test_the_search_for_nan_names_the_operation():
    F.enable_check_numerics()
    try:
        for run in (lambda x: F.log(x), tf.function(lambda x: F.log(x))):
            with pytest.raises(tf.errors.InvalidArgumentError, match='NaN in output 0 of op "Log"'):
                run(c(-1.0))
    finally:
        F.disable_check_numerics()
    assert np.isnan(F.log(c(-1.0)).numpy())


# -- Python in graphs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "function"])
def test_python_functions(wrap):
    seen = []
    double = wrap(lambda x: F.py_function(lambda v: (seen.append(v.numpy()), v * 2.0)[1], [x], tf.float32))
    x = c([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = double(x)
    assert y.numpy().tolist() == [2.0, 4.0] and tape.gradient(y, x).numpy().tolist() == [2.0, 2.0]
    assert wrap(lambda x: F.numpy_function(lambda v: (v, v + 1), [x], [tf.float32, tf.float32]))(x)[
        1
    ].numpy().tolist() == [2.0, 3.0]
    assert wrap(lambda x: F.numpy_function(lambda v: None, [x], []))(x) is None
    shaped = wrap(lambda x: F.py_function(lambda v: v, [x], tf.TensorSpec([2], tf.float32)))(x)
    assert shaped.shape == (2,) and len(seen) >= 1


@pytest.mark.parametrize(("program", "error", "text"), [
    (lambda x: F.py_function(lambda v: 1 / 0, [x], tf.float32), tf.errors.UnknownError, "ZeroDivisionError"),
    (lambda x: F.py_function(lambda v: v, [x], tf.int32), tf.errors.InvalidArgumentError, "dtype int32"),
    (lambda x: F.py_function(lambda v: [][1], [x], tf.float32), tf.errors.UnknownError, "IndexError"),
])  # fmt: skip
def test_what_python_functions_raise(program, error, text):
    for run in (program, tf.function(program)):
        with pytest.raises(error, match=text):
            run(c(1.0))


@pytest.mark.parametrize(("function", "Tout", "text"), [
    (np.float64, tf.float32, "float64"), (lambda v: [v, v], [tf.float32], "expects to see 1"),
])  # fmt: skip
def test_numpy_functions_are_held_to_their_dtypes_in_graphs(function, Tout, text):
    with pytest.raises(tf.errors.InvalidArgumentError, match=text):
        tf.function(lambda x: F.numpy_function(function, [x], Tout))(c(1.0))


def test_numpy_functions_are_just_called_eagerly():
    """What they return and raise is theirs, as in TensorFlow."""
    assert F.numpy_function(np.sin, [1.5], tf.float32).dtype is tf.float64
    assert [r.dtype for r in F.numpy_function(lambda v: [v, 2], [1.5], tf.float32)] == [tf.float64, tf.int32]
    with pytest.raises(ZeroDivisionError):
        F.numpy_function(lambda v: 1 / 0, [1.5], tf.float32)
