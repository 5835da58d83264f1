"""Tensors as Python values: operators, conversion, printing, iteration, exchange with other libraries."""

import copy
import operator
import pickle

import ml_dtypes
import numpy as np
import pytest

import duoflow as tf

A = np.array([[1.0, -2.0], [3.0, 4.5]], np.float32)
B = np.array([[2.0, 3.0], [-1.0, 0.5]], np.float32)
I = np.array([7, -7, 3], np.int32)
J = np.array([2, 2, -2], np.int32)

BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod]
COMPARE = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]


@pytest.mark.parametrize("op", BINARY + COMPARE, ids=lambda f: f.__name__)
def test_operators_are_numpys(op) -> None:
    """Between tensors, with arrays and numbers on either side; ints divide to float64 by `/`."""
    x, y = tf.constant(A), tf.constant(B)
    for got in (op(x, y), op(x, B), op(A, y)):
        np.testing.assert_allclose(got.numpy(), op(A, B), rtol=1e-6)
    np.testing.assert_allclose(op(x, 2).numpy(), op(A, np.float32(2)), rtol=1e-6)
    np.testing.assert_allclose(op(2.0, y).numpy(), op(np.float32(2), B), rtol=1e-6)
    got = op(tf.constant(I), tf.constant(J))
    np.testing.assert_array_equal(got.numpy(), op(I, J))
    assert got.dtype.name == {"truediv": "float64"}.get(op.__name__, "bool" if op in COMPARE else "int32")


def test_more_operators() -> None:
    """Powers, matrix products, signs, logic and bits."""
    x, bits, flags = tf.constant(A), tf.constant([6, 3]), tf.constant([True, False])
    np.testing.assert_allclose((tf.constant(np.abs(A)) ** 2).numpy(), A**2)
    np.testing.assert_allclose((2.0**x).numpy(), 2.0**A)
    np.testing.assert_allclose((x @ B).numpy(), A @ B)
    np.testing.assert_allclose((A @ tf.constant(B)).numpy(), A @ B)
    np.testing.assert_array_equal([(-x).numpy(), abs(x).numpy(), (+x).numpy()], [-A, abs(A), A])
    assert (~flags).numpy().tolist() == [False, True] and (~bits).numpy().tolist() == [-7, -4]
    assert (flags & True).numpy().tolist() == [True, False] and (bits & 2).numpy().tolist() == [2, 2]
    assert (flags | True).numpy().tolist() == [True, True] and (bits | 8).numpy().tolist() == [14, 11]
    assert (flags ^ True).numpy().tolist() == [False, True] and (bits ^ 1).numpy().tolist() == [7, 2]


def test_dtypes_do_not_mix() -> None:
    """Tensors of two dtypes are an error, not a promotion; Python numbers adapt but are not cut."""
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected to be a float32 tensor but is a int32 tensor"):
        tf.constant(1.0) + tf.constant(1)
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.constant(1) + 1.5
    assert (tf.constant(1, tf.int64) + 1).dtype is tf.int64
    assert (tf.constant(1.0, tf.bfloat16) * 2).dtype is tf.bfloat16


def test_equality_of_what_cannot_be_compared() -> None:
    """== with None or another shape is False, as TensorFlow has it."""
    x = tf.constant([1, 2])
    assert (x == None) is False and (x != None) is True  # noqa: E711
    assert (x == tf.constant([1, 2, 3])).numpy() == False  # noqa: E712
    with pytest.raises(TypeError, match="unhashable"):
        hash(x)
    assert {x.ref(): 1}[x.ref()] == 1 and x.ref().deref() is x


TEXTS = [
    (tf.constant(3.0), "<tf.Tensor: shape=(), dtype=float32, numpy=3.0>", "tf.Tensor(3.0, shape=(), dtype=float32)"),
    (tf.constant([1, 2]), "<tf.Tensor: shape=(2,), dtype=int32, numpy=array([1, 2], dtype=int32)>",
     "tf.Tensor([1 2], shape=(2,), dtype=int32)"),
    (tf.constant("hi"), "<tf.Tensor: shape=(), dtype=string, numpy=b'hi'>", "tf.Tensor(b'hi', shape=(), dtype=string)"),
    (tf.constant([[1], [2]]), "<tf.Tensor: shape=(2, 1), dtype=int32, numpy=\narray([[1],\n       [2]], dtype=int32)>",
     "tf.Tensor(\n[[1]\n [2]], shape=(2, 1), dtype=int32)"),
    (tf.constant([True]), "<tf.Tensor: shape=(1,), dtype=bool, numpy=array([ True])>",
     "tf.Tensor([ True], shape=(1,), dtype=bool)"),
    (tf.constant(0.1), "<tf.Tensor: shape=(), dtype=float32, numpy=0.10000000149011612>",
     "tf.Tensor(0.1, shape=(), dtype=float32)"),
    (tf.constant(1.5, tf.bfloat16), "<tf.Tensor: shape=(), dtype=bfloat16, numpy=1.5>",
     "tf.Tensor(1.5, shape=(), dtype=bfloat16)"),
    (tf.constant([b"a", b"b"]), "<tf.Tensor: shape=(2,), dtype=string, numpy=array([b'a', b'b'], dtype=object)>",
     "tf.Tensor([b'a' b'b'], shape=(2,), dtype=string)"),
]  # fmt: skip


@pytest.mark.parametrize(("tensor", "long", "short"), TEXTS, ids=[t[2] for t in TEXTS])
def test_printing(tensor, long: str, short: str) -> None:
    """As TensorFlow prints."""
    assert repr(tensor) == long and str(tensor) == short


def test_formatting() -> None:
    """Formatting is that of the NumPy value."""
    assert f"{tf.constant(3.14159):.2f} {tf.constant(5):03d} {tf.constant([1, 2])}" == "3.14 005 [1 2]"
    with pytest.raises(TypeError, match="unsupported format string"):
        format(tf.constant([1.0]), ".2f")


def test_bools_as_integers() -> None:
    """A Python bool is an integer where TensorFlow lets it be one."""
    assert tf.constant([True, False], tf.int64).numpy().tolist() == [1, 0]
    with pytest.raises(TypeError, match="Cannot convert True to EagerTensor of dtype int8"):
        tf.constant(True, tf.int8)


def test_operators_name_their_nodes() -> None:
    """As TensorFlow names them in graphs."""
    with tf.Graph().as_default():
        x, flag = tf.compat.v1.placeholder(tf.float32, [2, 2]), tf.compat.v1.placeholder(tf.bool, [])
        results = [x + 1.0, 1.0 + x, x - x, x * 2.0, x / 2.0, x // 2.0, x % 2.0, x**2.0, x @ x, flag & flag, ~flag]
        names = [r.op.name for r in results]
        assert names == "add add_1 sub mul truediv floordiv mod pow matmul and LogicalNot".split()
        assert [tf.zeros_like(x).op.name, tf.ones([2]).op.name] == ["zeros_like", "ones"]
    with tf.Graph().as_default():
        assert tf.add(tf.compat.v1.placeholder(tf.float32), 1.0).op.name == "Add"


def test_python_numbers() -> None:
    """Scalars become Python's; others refuse."""
    assert (int(tf.constant(3)), float(tf.constant(1.5)), bool(tf.constant(True)), complex(tf.constant(1j))) == (
        3,
        1.5,
        True,
        1j,
    )
    assert [10, 20, 30][tf.constant(1)] == 20 and list(range(tf.constant(3))) == [0, 1, 2]
    with pytest.raises(ValueError):
        bool(tf.constant([1, 2]))
    with pytest.raises(TypeError):
        len(tf.constant(1))
    with pytest.raises(TypeError, match="scalar tensor"):
        iter(tf.constant(1))


def test_iteration() -> None:
    """Over the first dimension."""
    assert [row.numpy().tolist() for row in tf.constant([[1, 2], [3, 4]])] == [[1, 2], [3, 4]]
    a, b = tf.constant([5, 6])
    assert int(a) == 5 and int(b) == 6 and len(tf.constant([[1], [2]])) == 2


def test_facts() -> None:
    """Shape, rank, dtype, device."""
    x = tf.constant(A)
    assert (x.shape, x.ndim, x.dtype, x.get_shape().as_list()) == (tf.TensorShape([2, 2]), 2, tf.float32, [2, 2])
    assert x.device.endswith("CPU:0") and isinstance(x, tf.Tensor)
    np.testing.assert_array_equal(tf.transpose(x).numpy(), A.T)


CONVERSIONS = [
    (A, "float32"), ([1, 2], "int32"), (((1.0,), (2.0,)), "float32"), (np.int8(3), "int8"), (range(4), "int32"),
    ([np.float64(1.0), 2], "float64"), (np.array(["a", "b"]), "string"), ([b"x", "y"], "string"),
    (np.array([1.5], ml_dtypes.bfloat16), "bfloat16"), (tf.TensorShape([2, 3]), "int32"), ([[], []], "float32"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "dtype"), CONVERSIONS, ids=[repr(v)[:30] for v, _ in CONVERSIONS])
def test_conversion(value, dtype: str) -> None:
    """What becomes a tensor, and of which dtype."""
    assert tf.convert_to_tensor(value).dtype.name == dtype


@pytest.mark.parametrize(
    ("value", "dtype", "kind"),
    [
        (None, None, ValueError), ([[1], [2, 3]], None, ValueError), (1.5, "int32", TypeError),
        ("a", "float32", TypeError),
        ([1, "a"], None, ValueError), ({1: 2}, None, ValueError), (300, "int8", ValueError),
        (tf.constant(1), "float32", ValueError),
        (1, "bool", TypeError), (object(), None, ValueError),
    ],
)  # fmt: skip
def test_what_cannot_be_converted(value, dtype, kind) -> None:
    """The type TensorFlow raises."""
    with pytest.raises(kind):
        tf.convert_to_tensor(value, dtype)


def test_lists_of_tensors_are_stacked() -> None:
    """Nested, mixed with numbers, which adapt."""
    x = tf.convert_to_tensor([[tf.constant(1.0), 2], [3, tf.constant(4.0)]])
    assert x.numpy().tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert tf.convert_to_tensor([tf.constant(1, tf.int64), 2]).dtype is tf.int64


def test_exchange() -> None:
    """NumPy's and DLPack's protocols, copies and pickles."""
    x = tf.constant(A)
    np.testing.assert_array_equal(np.asarray(x), A)
    np.testing.assert_array_equal(np.from_dlpack(x), A)
    assert np.asarray(x, np.float64).dtype == np.float64
    np.testing.assert_array_equal(np.add(x, 1), A + 1)
    for other in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x), copy.copy(x)):
        np.testing.assert_array_equal(other.numpy(), A)


def test_symbolic_tensors_have_no_value() -> None:
    """What needs a value says what to do instead."""

    @tf.function(autograph=False)
    def f(x):
        assert "shape=(2,) dtype=float32" in repr(x)
        for needs_value in (bool, float, len, iter, np.asarray, lambda t: t.numpy()):
            with pytest.raises((TypeError, AttributeError, NotImplementedError)):
                needs_value(x)
        return x

    f(tf.constant([1.0, 2.0]))


def test_text_stands_beside_bytes_that_are_none() -> None:
    """Strings are encoded, bytes are kept, in lists of any depth."""
    assert tf.constant(["text", b"\xff"]).numpy().tolist() == [b"text", b"\xff"]
    assert tf.constant([[b"\xff"], ["\u00e9"]]).numpy().tolist() == [[b"\xff"], [b"\xc3\xa9"]]


def test_memory_that_there_is_not_is_a_resource_that_ran_out():
    huge, side = [2**45, 2**13], tf.constant(2**30, tf.int64)
    for make in (
        lambda: tf.zeros(huge),
        lambda: tf.ones([2**62, 2**62]),
        lambda: tf.range(10**15),
        tf.function(lambda: tf.zeros(huge)),
        lambda: tf.function(lambda n: tf.zeros([n, n]))(side),
    ):
        with pytest.raises(tf.errors.ResourceExhaustedError, match=r"OOM|Unable to allocate"):
            make()


def test_large_values_that_nobody_else_holds_are_handed_over():
    """And those that somebody holds are copied."""
    x = tf.ones([200, 200])
    double, same, constant = tf.function(lambda x: x * 2), tf.function(lambda x: x), tf.function(lambda: x)
    variable, array = tf.Variable(x), np.ones((200, 200), np.float32)
    made = double(x)
    bound = double(x).numpy
    held = [made.numpy(), [made][0].numpy(), tf.reshape(made, [-1]).numpy(), bound()]
    shared = [same(x).numpy(), constant().numpy(), tf.identity(x).numpy(), variable.value().numpy()]
    for value in (*held, *shared, tf.constant(array).numpy(), same(array).numpy(), double(x).numpy()):
        value[...] = 0
    assert (made.numpy() == 2).all() and (bound() == 2).all()
    assert (x.numpy() == 1).all() and (variable.numpy() == 1).all() and (array == 1).all()
