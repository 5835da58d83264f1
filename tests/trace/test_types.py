"""Trace types that classes define: TensorFlow's tracing protocol, dataclasses that are structures, equal objects."""

import dataclasses

import pytest

import duoflow as tf

c = tf.constant
TraceType = tf.types.experimental.TraceType


class Up(TraceType):
    """The type of arguments below a limit: a trace for a higher limit serves them."""

    def __init__(self, limit):
        self.limit = limit

    def is_subtype_of(self, other):
        return isinstance(other, Up) and self.limit <= other.limit

    def most_specific_common_supertype(self, others):
        return Up(max([self.limit, *(other.limit for other in others)]))

    def placeholder_value(self, placeholder_context=None):
        return Level(self.limit)

    def __eq__(self, other):
        return isinstance(other, Up) and other.limit == self.limit

    def __hash__(self):
        return hash(self.limit)


class Level:
    def __init__(self, limit):
        self.limit = limit

    def __tf_tracing_type__(self, context):
        assert isinstance(context, tf.types.experimental.TracingContext)
        return Up(self.limit)


def test_a_class_says_what_its_traces_depend_on():
    f = tf.function(lambda level: c(level.limit))
    assert [int(f(Level(n))) for n in (5, 3, 7, 6, 5)] == [5, 5, 7, 7, 5]
    assert f.experimental_get_tracing_count() == 2
    assert isinstance(Level(1), tf.types.experimental.SupportsTracingProtocol)
    assert not isinstance(1, tf.types.experimental.SupportsTracingProtocol)


def test_its_types_are_generalised():
    f = tf.function(lambda level: c(level.limit), reduce_retracing=True)
    assert [int(f(Level(n))) for n in (7, 9, 8)] == [7, 9, 9]


class Pair:
    """Two tensors that a function takes as one argument."""

    def __init__(self, first, second):
        self.first, self.second = first, second

    def __tf_tracing_type__(self, context):
        return PairType(self.first.dtype)


class PairType(Up):
    """The type of pairs of scalars of one dtype."""

    def is_subtype_of(self, other):
        return self == other

    def flatten(self):
        return [tf.TensorSpec([], self.limit)] * 2

    def to_tensors(self, value):
        return [value.first, value.second]

    def from_tensors(self, tensors):
        return Pair(next(tensors), next(tensors))


def test_a_class_may_hold_tensors():
    f = tf.function(lambda pair, x: pair.first * x - pair.second)
    assert [float(f(Pair(c(a), c(1.0)), c(2.0))) for a in (3.0, 4.0)] == [5.0, 7.0]
    assert f.experimental_get_tracing_count() == 1
    g = f.get_concrete_function(Pair(c(1.0), c(1.0)), tf.TensorSpec([]))
    assert float(g(Pair(c(3.0), c(1.0)), c(5.0))) == 14.0


@dataclasses.dataclass
class Masked:
    """A dataclass by TensorFlow's protocol: the tensor counts by its type, the label by its value."""

    values: object
    label: str

    def __tf_flatten__(self):
        return (self.label,), (self.values,)

    @classmethod
    def __tf_unflatten__(cls, metadata, components):
        return cls(components[0], metadata[0])


def test_dataclasses_with_the_protocol_are_structures():
    f = tf.function(lambda m: Masked(m.values * 2.0, m.label))
    assert [f(Masked(c(x), "a")) for x in (1.0, 2.0)] == [Masked(c(2.0), "a"), Masked(c(4.0), "a")]
    assert f.experimental_get_tracing_count() == 1
    assert f(Masked(c(1.0), "b")).label == "b" and f.experimental_get_tracing_count() == 2
    assert tf.nest.is_nested(Masked(1, "a")) and tf.nest.flatten({"m": Masked(1, "a")}) == [1]
    assert tf.nest.map_structure(lambda x: x + 1, [Masked(1, "a")]) == [Masked(2, "a")]


@dataclasses.dataclass(frozen=True)
class Options:
    depth: int


def test_equal_objects_share_a_trace():
    f = tf.function(lambda options: c(options.depth))
    one, same, other = Options(1), Options(1), Options(2)
    assert [int(f(o)) for o in (one, same, other)] == [1, 1, 2]
    assert f.experimental_get_tracing_count() == 2


@dataclasses.dataclass
class Plain:
    value: object


@pytest.mark.parametrize("value", [{1, 2}, Plain(c(1.0)), bytearray(b"x")], ids=["set", "dataclass", "bytearray"])
def test_what_may_change_unseen_is_refused(value):
    with pytest.raises(TypeError, match=r"Could not generate a generic TraceType.*Tracing Protocol"):
        tf.function(lambda x: c(1))(value)
