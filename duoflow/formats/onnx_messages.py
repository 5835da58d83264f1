"""The protocol buffers of ONNX that are written here, with the field numbers of its .proto file."""

from __future__ import annotations

from .wire import Field, Message

__all__ = ["AttributeProto", "GraphProto", "ModelProto", "NodeProto", "TensorProto", "ValueInfoProto"]


class TensorProto(Message):
    """A tensor's value."""

    FLOAT, UINT8, INT8, UINT16, INT16, INT32, INT64, STRING, BOOL, FLOAT16, DOUBLE, UINT32, UINT64 = range(1, 14)
    BFLOAT16 = 16
    dims = Field(1, "int64", repeated=True)
    data_type = Field(2, "int32")
    string_data = Field(6, "bytes", repeated=True)
    name = Field(8, "string")
    raw_data = Field(9, "bytes")


class Dimension(Message):
    """One size: a number, or a name for one that is not known."""

    dim_value = Field(1, "int64", oneof="value")
    dim_param = Field(2, "string", oneof="value")


class ShapeProto(Message):
    """A shape."""

    dim = Field(1, Dimension, repeated=True)


class TensorType(Message):
    """dtype and shape of a tensor."""

    elem_type = Field(1, "int32")
    shape = Field(2, ShapeProto)


class TypeProto(Message):
    """What a value is."""

    tensor_type = Field(1, TensorType, oneof="value")


class ValueInfoProto(Message):
    """An input or output of a graph."""

    name = Field(1, "string")
    type = Field(2, TypeProto)


class AttributeProto(Message):
    """An attribute of a node."""

    kind_float, kind_int, kind_string, kind_tensor, kind_graph, kind_floats, kind_ints, kind_strings = range(1, 9)
    name = Field(1, "string")
    f = Field(2, "float")
    i = Field(3, "int64")
    s = Field(4, "bytes")
    t = Field(5, TensorProto)
    g = Field(6, lambda: GraphProto)
    floats = Field(7, "float", repeated=True)
    ints = Field(8, "int64", repeated=True)
    strings = Field(9, "bytes", repeated=True)
    type = Field(20, "enum")


class NodeProto(Message):
    """One operator applied to values by name."""

    input = Field(1, "string", repeated=True)
    output = Field(2, "string", repeated=True)
    name = Field(3, "string")
    op_type = Field(4, "string")
    attribute = Field(5, AttributeProto, repeated=True)
    domain = Field(7, "string")


class GraphProto(Message):
    """A graph: constants, inputs, nodes in order, outputs."""

    node = Field(1, NodeProto, repeated=True)
    name = Field(2, "string")
    initializer = Field(5, TensorProto, repeated=True)
    input = Field(11, ValueInfoProto, repeated=True)
    output = Field(12, ValueInfoProto, repeated=True)


class OperatorSet(Message):
    """The version of the operators."""

    domain = Field(1, "string")
    version = Field(2, "int64")


class ModelProto(Message):
    """A model: the content of a .onnx file."""

    ir_version = Field(1, "int64")
    opset_import = Field(8, OperatorSet, repeated=True)
    producer_name = Field(2, "string")
    producer_version = Field(3, "string")
    graph = Field(7, GraphProto)
