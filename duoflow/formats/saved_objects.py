"""The objects of a SavedModel as protocol buffers: variables, functions with their signatures, and what holds them."""

from __future__ import annotations

from .messages import DATA_TYPES, ObjectReference, SlotVariableReference, TensorProto, TensorShapeProto, VersionDef
from .wire import Field, Message

__all__ = [
    "FunctionSpec", "SavedConcreteFunction", "SavedObject", "SavedObjectGraph", "StructuredValue", "TypeSpecProto",
]  # fmt: skip


# -- structures --------------------------------------------------------------------------------------------------------


class NoneValue(Message):
    """None."""


class TensorSpecProto(Message):
    """A TensorSpec."""

    name = Field(1, "string")
    shape = Field(2, TensorShapeProto)
    dtype = Field(3, "enum", names=DATA_TYPES)


class TypeSpecProto(Message):
    """A TypeSpec of a class that has a number, and what it is made of."""

    SPARSE_TENSOR, INDEXED_SLICES, RAGGED_TENSOR, TENSOR_ARRAY = 1, 2, 3, 4
    type_spec_class = Field(1, "enum")
    type_state = Field(2, lambda: StructuredValue)
    type_spec_class_name = Field(3, "string")
    num_flat_components = Field(4, "int32")


class ListValue(Message):
    """A list or a tuple."""

    values = Field(1, lambda: StructuredValue, repeated=True)


class DictValue(Message):
    """A dict with names as keys."""

    fields = Field(1, lambda: StructuredValue, key="string")


class PairValue(Message):
    """A field of a named tuple."""

    key = Field(1, "string")
    value = Field(2, lambda: StructuredValue)


class NamedTupleValue(Message):
    """A named tuple."""

    name = Field(1, "string")
    values = Field(2, PairValue, repeated=True)


class StructuredValue(Message):
    """A nested structure of specs and Python values."""

    none_value = Field(1, NoneValue, oneof="kind")
    float64_value = Field(11, "double", oneof="kind")
    int64_value = Field(12, "sint64", oneof="kind")
    string_value = Field(13, "string", oneof="kind")
    bool_value = Field(14, "bool", oneof="kind")
    tensor_shape_value = Field(31, TensorShapeProto, oneof="kind")
    tensor_dtype_value = Field(32, "enum", oneof="kind", names=DATA_TYPES)
    tensor_spec_value = Field(33, TensorSpecProto, oneof="kind")
    type_spec_value = Field(34, TypeSpecProto, oneof="kind")
    list_value = Field(51, ListValue, oneof="kind")
    tuple_value = Field(52, ListValue, oneof="kind")
    dict_value = Field(53, DictValue, oneof="kind")
    named_tuple_value = Field(54, NamedTupleValue, oneof="kind")
    tensor_value = Field(55, TensorProto, oneof="kind")
    numpy_value = Field(56, TensorProto, oneof="kind")


# -- objects -----------------------------------------------------------------------------------------------------------


class SavedUserObject(Message):
    """An object of a class that `identifier` names."""

    identifier = Field(1, "string")
    version = Field(2, VersionDef)
    metadata = Field(3, "string")


class SavedAsset(Message):
    """A file among the assets."""

    asset_file_def_index = Field(1, "int32")


class FunctionSpec(Message):
    """The parameters of a Python function."""

    DEFAULT, ON, OFF = 0, 1, 2
    fullargspec = Field(1, StructuredValue)
    is_method = Field(2, "bool")
    input_signature = Field(5, StructuredValue)
    jit_compile = Field(6, "enum")


class SavedFunction(Message):
    """A tf.function: its traces by name."""

    concrete_functions = Field(1, "string", repeated=True)
    function_spec = Field(2, FunctionSpec)


class SavedVariable(Message):
    """A variable, whose value is in the checkpoint."""

    dtype = Field(1, "enum", names=DATA_TYPES)
    shape = Field(2, TensorShapeProto)
    trainable = Field(3, "bool")
    synchronization = Field(4, "enum")
    aggregation = Field(5, "enum")
    name = Field(6, "string")
    device = Field(7, "string")


class SavedBareConcreteFunction(Message):
    """A trace by itself."""

    concrete_function_name = Field(1, "string")
    argument_keywords = Field(2, "string", repeated=True)
    allowed_positional_arguments = Field(3, "int64")
    function_spec = Field(4, FunctionSpec)


class SavedConstant(Message):
    """A constant, by the node of the graph that holds it."""

    operation = Field(1, "string")


class SavedResource(Message):
    """A resource that functions make and fill."""

    device = Field(1, "string")


class CapturedTensor(Message):
    """A tensor that a function captured from another."""

    name = Field(1, "string")
    concrete_function = Field(2, "string")


class SaveableObject(Message):
    """The functions that save and restore a value."""

    save_function = Field(2, "int32")
    restore_function = Field(3, "int32")


class SavedObject(Message):
    """One object: its parts, and what it is."""

    children = Field(1, ObjectReference, repeated=True)
    dependencies = Field(15, ObjectReference, repeated=True)
    slot_variables = Field(3, SlotVariableReference, repeated=True)
    user_object = Field(4, SavedUserObject, oneof="kind")
    asset = Field(5, SavedAsset, oneof="kind")
    function = Field(6, SavedFunction, oneof="kind")
    variable = Field(7, SavedVariable, oneof="kind")
    bare_concrete_function = Field(8, SavedBareConcreteFunction, oneof="kind")
    constant = Field(9, SavedConstant, oneof="kind")
    resource = Field(10, SavedResource, oneof="kind")
    captured_tensor = Field(12, CapturedTensor, oneof="kind")
    saveable_objects = Field(11, SaveableObject, key="string")
    registered_name = Field(13, "string")
    registered_saver = Field(16, "string")


class SavedConcreteFunction(Message):
    """A trace: the objects that it captures, and the structures of its arguments and results."""

    bound_inputs = Field(2, "int32", repeated=True)
    canonicalized_input_signature = Field(3, StructuredValue)
    output_signature = Field(4, StructuredValue)


class SavedObjectGraph(Message):
    """The objects of a SavedModel, the root first, and the traces of their functions."""

    nodes = Field(1, SavedObject, repeated=True)
    concrete_functions = Field(2, SavedConcreteFunction, key="string")
