"""The array ops' edges: errors, gradients as IndexedSlices, sliced assignment, what stays known of shapes."""

import numpy as np
import pytest

import duoflow as tf
from duoflow import ops
from duoflow.core import errors
from duoflow.core.autodiff import GradientTape
from duoflow.core.graph import Graph
from duoflow.core.indexed_slices import IndexedSlices

X = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
BAD = errors.InvalidArgumentError

ERRORS = [
    (lambda: ops.reshape(X, [4]), BAD, "Input to reshape is a tensor with 6 values, but the requested shape has 4"),
    (lambda: ops.reshape(X, [-1, 4]), BAD, "requires a multiple of 4"),
    (lambda: ops.reshape(X, [-1, -1]), BAD, "Only one input size may be -1"),
    (lambda: ops.concat([X, tf.constant([1.0])], 0), BAD, "Ranks of all input tensors should match"),
    (lambda: ops.concat([X, X[:1]], 1), BAD, "Dimension 0 in both shapes must be equal"),
    (lambda: ops.concat([X, tf.constant([[1]])], 0), BAD, "expected to be a float32 tensor but is a int32 tensor"),
    (lambda: ops.stack([X, X[0]]), BAD, "Shapes of all inputs must match"),
    (lambda: ops.stack([X, X], 5), ValueError, r"`axis` = 5 not in range \[-3, 3\)"),
    (lambda: ops.split(X, 2, 1), BAD, "should evenly divide"),
    (lambda: ops.split(X, [1, 1], 1), BAD, "Determined shape must"),
    (lambda: ops.gather(X, [5]), BAD, r"indices\[0\] = 5 is not in \[0, 2\)"),
    (lambda: ops.gather(X, [[0, -1]]), BAD, r"indices\[0,1\] = -1 is not in \[0, 2\)"),
    (lambda: ops.gather(X, [0.5]), BAD, "DataType float32 not in list of allowed values"),
    (lambda: ops.gather_nd(X, [[0, 3]]), BAD, r"indices\[0\] = \[0, 3\] does not index into param shape \[2,3\]"),
    (lambda: ops.transpose(X, [0, 0]), BAD, "1 is missing from {0,0}"),
    (lambda: ops.transpose(X, [0]), BAD, "transpose expects a vector of size 2"),
    (lambda: ops.squeeze(X, 0), BAD, r"Can not squeeze dim\[0\], expected a dimension of 1, got 2"),
    (lambda: ops.expand_dims(X, 5), BAD, "Tried to expand dim index 5 for tensor with 2 dimensions"),
    (lambda: ops.broadcast_to(X, [2, 4]), BAD, "Incompatible shapes"),
    (lambda: ops.fill([-1], 0), BAD, "must be >= 0"),
    (lambda: ops.range(0, 5, 0), BAD, "delta != 0"),
    (lambda: ops.range(5, 0), BAD, "start <= limit"),
    (lambda: ops.slice(X, [0, 2], [1, 2]), BAD, r"Expected size\[1\] in \[0, 1\], but got 2"),
    (lambda: ops.pad(X, [[1, 1]]), BAD, "first dimension of paddings must be the rank"),
    (lambda: ops.pad(X, [[0, 0], [3, 0]], "REFLECT"), BAD, "paddings must be less"),
    (lambda: ops.pad(X, [[0, 0], [0, 0]], "EDGE"), ValueError, "expected to be one of"),
    (lambda: ops.where([True], 1, None), ValueError, "both be None"),
    (lambda: ops.unique(X), BAD, "unique expects a 1D vector"),
    (lambda: ops.top_k(X, 4), BAD, "input must have at least k columns. Had 3, needed 4"),
    (lambda: ops.invert_permutation([0, 0]), BAD, "0 is duplicated in the input"),
    (lambda: ops.scatter_nd([[5]], [1], [3]), BAD, r"indices\[0\] = \[5\] does not index into shape \[3\]"),
    (lambda: ops.tensor_scatter_nd_update(X, [[0]], [1.0]), BAD, "expected updates of shape"),
    (lambda: ops.dynamic_partition([1, 2], [0, 2], 2), BAD, r"partitions\[1\] = 2 is not in \[0, 2\)"),
    (lambda: ops.cast(["1"], tf.float32), errors.UnimplementedError, "Cast string to float32 is not supported"),
    (lambda: ops.ensure_shape(X, [3, 3]), BAD, r"\[2,3\] is not compatible with expected shape \[3,3\]"),
    (lambda: ops.boolean_mask(X, [True]), ValueError, "incompatible"),
    (lambda: ops.unstack(X, 3), BAD, "must equal 3"),
    (lambda: X[2], BAD, "slice index 2 of dimension 0 out of bounds"),
    (lambda: X[0, 0, 0], BAD, "Index out of range using input dim 2; input has only 2 dims"),
    (lambda: X["a"], TypeError, "Only integers, slices"),
    (lambda: X[[0, 1], [0, 1]], TypeError, "Only integers, slices"),
    (lambda: X[..., ...], BAD, "Multiple ellipses"),
    (lambda: X[::0], BAD, "must be non-zero"),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS)
def test_errors(call, kind, message) -> None:
    """The type TensorFlow raises, and its words for what was wrong."""
    with pytest.raises(kind, match=message):
        call()


def test_errors_while_a_graph_is_built_are_value_errors() -> None:
    """What is known to fail fails when the function is traced."""
    with Graph("g").as_default():
        x = ops.zeros([2, 3])
        for wrong in (lambda: ops.reshape(x, [4]), lambda: x[5], lambda: ops.concat([x, ops.zeros([3])], 0)):
            with pytest.raises(ValueError):
                wrong()


KEYS = [np.s_[i] for i in (
    1, -1, slice(1, None), slice(None, None, -1), (0, 1), (slice(None), 1), (slice(None), None, 2), (..., 0),
    (None, ..., None), slice(5, 9), (slice(None, None, -2), slice(2, 0, -1)), (1, slice(None, -1)), (),
)]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_indexing_is_numpys(key) -> None:
    """Basic indexing takes what NumPy takes, eager and from a tensor whose shape is not known."""
    array = np.arange(12).reshape(3, 4)
    np.testing.assert_array_equal(tf.constant(array)[key].numpy(), array[key])
    seen = tf.function(lambda x: x[key], input_signature=[tf.TensorSpec([None, None], tf.int64)])
    np.testing.assert_array_equal(seen(array).numpy(), array[key])


@pytest.mark.parametrize("key", [1, -1, np.s_[1:], np.s_[::2, 1], np.s_[:, -1], np.s_[...], np.s_[1, 1:]], ids=str)
def test_part_of_a_variable_is_assigned(key) -> None:
    """`v[key].assign(x)` sets that part, eager and in functions."""
    array = np.arange(12.0, dtype=np.float32).reshape(3, 4)
    expected = array.copy()
    expected[key] = -1
    v, w = tf.Variable(array), tf.Variable(array)
    v[key].assign(np.full_like(array[key], -1))
    np.testing.assert_array_equal(v.numpy(), expected)
    tf.function(lambda: w[key].assign(np.full_like(array[key], -1)))()
    np.testing.assert_array_equal(w.numpy(), expected)


def test_other_tensors_have_no_assign() -> None:
    """Only what is taken from a variable can be assigned to."""
    with pytest.raises(AttributeError):
        X[0].assign([0.0, 0.0, 0.0])


def test_views_keep_the_value_they_were_taken_from() -> None:
    """Changing a variable in place leaves reshaped and sliced reads of it alone."""
    v = tf.Variable([1.0, 2.0, 3.0, 4.0])
    flat, part = ops.reshape(v, [2, 2]), v[1:3]
    v.assign_add([10.0, 10.0, 10.0, 10.0])
    assert flat.numpy().tolist() == [[1.0, 2.0], [3.0, 4.0]] and part.numpy().tolist() == [2.0, 3.0]


def test_gradient_of_a_lookup_is_sparse() -> None:
    """tf.gather along the first dimension gives IndexedSlices, which add up and convert."""
    table = tf.Variable(np.ones((4, 2), np.float32))
    with GradientTape() as tape:
        y = ops.reduce_sum(ops.gather(table, [1, 1, 3]) * 2.0) + ops.reduce_sum(ops.gather(table, [[0]]))
    grad = tape.gradient(y, table)
    assert isinstance(grad, IndexedSlices)
    np.testing.assert_array_equal(tf.convert_to_tensor(grad).numpy(), [[1, 1], [4, 4], [0, 0], [2, 2]])


def test_shapes_flow_through_shape_arithmetic() -> None:
    """What is known of a shape survives slicing, stacking, casting and joining."""
    graph = Graph("g", is_function=True)
    with graph.as_default():
        x = graph.add_input(tf.float32, (None, 3, 4))
        size = ops.shape(x)
        assert ops.reshape(x, [size[0], 12]).dims == (None, 12)
        assert ops.reshape(x, ops.concat([size[:1], [-1]], 0)).dims == (None, None)
        assert ops.zeros(ops.stack([size[1], size[2], 5])).dims == (3, 4, 5)
        assert ops.broadcast_to(0.0, ops.cast(size, tf.int64)).dims == (None, 3, 4)
        assert ops.fill(ops.concat([size[::-1], [7]], 0), 0).dims == (4, 3, None, 7)
        assert ops.zeros(ops.gather(size, [1, 0])).dims == (3, None)
        assert ops.reshape(x, ops.expand_dims(ops.size(x[0]), 0)).dims == (12,)
        assert [t.dims for t in ops.unstack(x, axis=1)] == [(None, 4)] * 3
        assert ops.range(size[1] * 2).dims == (6,)


def test_count_up_to() -> None:
    """Counts, then raises."""
    v = tf.Variable(0)
    assert [int(v.count_up_to(2)) for _ in range(2)] == [0, 1]
    with pytest.raises(errors.OutOfRangeError, match="Reached limit of 2"):
        v.count_up_to(2)


def test_constants_copy_what_they_are_given() -> None:
    """An array changed later does not change the tensor made from it."""
    array = np.zeros(2, np.float32)
    a, b = tf.constant(array), tf.convert_to_tensor(array)
    array[:] = 1
    assert a.numpy().tolist() == b.numpy().tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("value", "kwargs", "dtype"),
    [
        (1, {}, "int32"), (2**40, {}, "int64"), (1.5, {}, "float32"), (True, {}, "bool"),
        ("a", {}, "string"), (1j, {}, "complex128"),
        ([1, 2.5], {}, "float32"), (np.float64(1), {}, "float64"), ([], {}, "float32"),
        (1, {"dtype": tf.float16}, "float16"),
        ([[True]], {}, "bool"), (np.arange(3), {}, "int64"), (range(3), {}, "int32"), (b"x", {}, "string"),
    ],
)  # fmt: skip
def test_dtype_of_a_constant(value, kwargs, dtype: str) -> None:
    """Python's numbers are 32 bits wide, NumPy's keep their width."""
    assert tf.constant(value, **kwargs).dtype.name == dtype


def test_shape_of_a_constant() -> None:
    """Reshaped, or repeated if there is one element."""
    assert tf.constant([1, 2, 3, 4], shape=[2, 2]).shape == [2, 2]
    assert tf.constant(0.5, shape=[2]).numpy().tolist() == [0.5, 0.5]
    with pytest.raises(TypeError, match="3 elements"):
        tf.constant([1, 2, 3], shape=[2, 2])


def test_tensors_in_a_list_agree() -> None:
    """A list of tensors takes their one dtype, or the one that is demanded."""
    mixed = [tf.constant(1), tf.constant(2.5)]
    with pytest.raises(BAD):
        tf.convert_to_tensor(mixed)
    assert tf.convert_to_tensor(mixed, tf.float32).numpy().tolist() == [1.0, 2.5]
    assert tf.convert_to_tensor([tf.constant(1, tf.int64), 2]).dtype is tf.int64


def test_gradient_of_a_mask_is_dense() -> None:
    with GradientTape() as tape:
        tape.watch(X)
        y = tf.boolean_mask(X, [False, True])
    assert tape.gradient(y, X).numpy().tolist() == [[0.0] * 3, [1.0] * 3]
