"""Nested structures, shapes, dtypes, modules."""

import collections

import numpy as np
import pytest

import duoflow as tf

Point = collections.namedtuple("Point", ["x", "y"])


@pytest.mark.parametrize(
    ("structure", "leaves"),
    [
        (1, [1]),
        (None, [None]),
        ([1, (2, 3)], [1, 2, 3]),
        ({"b": 1, "a": [2, None]}, [2, None, 1]),
        (Point(1, {"k": 2}), [1, 2]),
        ([], []),
        ("text", ["text"]),
        (np.zeros(2), None),
    ],
)
def test_flatten_and_pack(structure, leaves):
    flat = tf.nest.flatten(structure)
    if leaves is not None:
        assert flat == leaves
    packed = tf.nest.pack_sequence_as(structure, flat)
    assert type(packed) is type(structure)


def test_map_structure():
    out = tf.nest.map_structure(lambda a, b: a + b, Point(1, [2]), Point(10, [20]))
    assert out == Point(11, [22])


@pytest.mark.parametrize(
    ("a", "b", "error"),
    [([1, 2], [1], ValueError), ([1], 1, ValueError), ([1], (1,), TypeError), ({"a": 1}, {"b": 1}, ValueError)],
)
def test_structures_that_differ(a, b, error):
    with pytest.raises(error, match="nested structure"):
        tf.nest.assert_same_structure(a, b)


def test_packing_needs_the_right_number_of_leaves():
    with pytest.raises(ValueError, match="3 elements"):
        tf.nest.pack_sequence_as([1, 2, 3], [1, 2])


@pytest.mark.parametrize(
    ("a", "b", "compatible"),
    [([2, None], [2, 3], True), ([2], [3], False), (None, [1, 2], True), ([1], [1, 1], False)],
)
def test_shape_compatibility(a, b, compatible):
    assert tf.TensorShape(a).is_compatible_with(b) is compatible


def test_shape_arithmetic():
    s = tf.TensorShape([2, None])
    assert s.concatenate([3]).as_list() == [2, None, 3] and s[1] is None and s[:1] == [2]
    assert s.merge_with([None, 5]) == [2, 5] and s.most_specific_compatible_shape([2, 4]).as_list() == [2, None]
    assert str(tf.TensorShape(None)) == "<unknown>" and repr(s) == "TensorShape([2, None])"
    with pytest.raises(ValueError, match="unknown"):
        tf.TensorShape(None).as_list()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("float", tf.float32),
        (np.int8, tf.int8),
        (float, tf.float32),
        (bool, tf.bool),
        (14, tf.bfloat16),
        ("S", tf.string),
    ],
)
def test_as_dtype(given, expected):
    assert tf.as_dtype(given) is expected


def test_dtypes_that_do_not_exist():
    with pytest.raises(TypeError, match="Cannot convert"):
        tf.as_dtype("float7")


def test_dtype_facts():
    assert tf.bfloat16.is_floating and tf.bfloat16.size == 2 and tf.complex64.real_dtype is tf.float32
    assert tf.int8.min == -128 and tf.uint8.max == 255 and tf.float32 == np.float32 and tf.float32 != "int32"


class Linear(tf.Module):
    """A module with a variable."""

    def __init__(self, name=None):
        super().__init__(name)
        with self.name_scope:
            self.w = tf.Variable(1.0, name="w")


class Net(tf.Module):
    """A module with modules in a list and a dict, one of them twice."""

    def __init__(self):
        super().__init__(name="net")
        shared = Linear("shared")
        self.layers = [Linear("first"), shared]
        self.more = {"k": shared, "frozen": tf.Variable(0, trainable=False)}


def test_modules_find_their_variables_once():
    net = Net()
    assert [m.name for m in net.submodules] == ["first", "shared"]
    assert len(net.variables) == 3 and len(net.trainable_variables) == 2
    assert {v.name for v in net.trainable_variables} == {"first/w:0", "shared/w:0"}


def test_module_names_are_identifiers():
    with pytest.raises(ValueError, match="module name"):
        tf.Module(name="not a name")
