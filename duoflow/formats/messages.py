"""The protocol buffers of TensorFlow that we read and write, with the field numbers of its .proto files."""

from __future__ import annotations

from .wire import Field, Message

__all__ = [
    "DATA_TYPES", "AssetFileDef", "AttrList", "AttrValue", "BundleEntryProto", "BundleHeaderProto", "BytesList",
    "CheckpointState", "CollectionDef", "Event", "Example", "Feature", "FeatureList", "FeatureLists", "Features",
    "FloatList",
    "FunctionDef", "FunctionDefLibrary", "GraphDef", "HistogramProto", "Int64List", "LogMessage", "MetaGraphDef",
    "NameAttrList", "NodeDef", "SavedModel", "SaverDef", "SequenceExample", "SessionLog", "SignatureDef", "Summary",
    "SummaryDescription", "SummaryMetadata", "TaggedRunMetadata", "TensorInfo", "TensorProto", "TensorShapeProto",
    "TensorSliceProto", "TrackableObjectGraph", "VersionDef",
]  # fmt: skip


_DATA_TYPES = (
    "FLOAT DOUBLE INT32 UINT8 INT16 INT8 STRING COMPLEX64 INT64 BOOL QINT8 QUINT8 QINT32 BFLOAT16 QINT16 QUINT16 "
    "UINT16 COMPLEX128 HALF RESOURCE VARIANT UINT32 UINT64 FLOAT8_E5M2 FLOAT8_E4M3FN FLOAT8_E4M3FNUZ "
    "FLOAT8_E4M3B11FNUZ FLOAT8_E5M2FNUZ INT4 UINT4 INT2 UINT2 FLOAT4_E2M1FN"
).split()
#: What the text form calls the numbers of dtypes; those of references are 100 more.
DATA_TYPES = {0: "DT_INVALID"} | {
    number + offset: f"DT_{name}{suffix}"
    for offset, suffix in ((0, ""), (100, "_REF"))
    for number, name in enumerate(_DATA_TYPES, start=1)
}

# -- tensors -----------------------------------------------------------------------------------------------------------


class TensorShapeDim(Message):
    """One dimension; -1 if it is unknown."""

    size = Field(1, "int64")
    name = Field(2, "string")


class TensorShapeProto(Message):
    """A shape."""

    Dim = TensorShapeDim
    dim = Field(2, TensorShapeDim, repeated=True)
    unknown_rank = Field(3, "bool")


class TensorProto(Message):
    """A tensor's value: all its bytes, or a list of which the last element repeats."""

    dtype = Field(1, "enum", names=DATA_TYPES)
    tensor_shape = Field(2, TensorShapeProto)
    version_number = Field(3, "int32")
    tensor_content = Field(4, "bytes")
    half_val = Field(13, "int32", repeated=True)
    float_val = Field(5, "float", repeated=True)
    double_val = Field(6, "double", repeated=True)
    int_val = Field(7, "int32", repeated=True)
    string_val = Field(8, "bytes", repeated=True)
    scomplex_val = Field(9, "float", repeated=True)
    int64_val = Field(10, "int64", repeated=True)
    bool_val = Field(11, "bool", repeated=True)
    dcomplex_val = Field(12, "double", repeated=True)
    uint32_val = Field(16, "uint32", repeated=True)
    uint64_val = Field(17, "uint64", repeated=True)


# -- graphs ------------------------------------------------------------------------------------------------------------


class VersionDef(Message):
    """Who wrote a graph, and who may read it."""

    producer = Field(1, "int32")
    min_consumer = Field(2, "int32")
    bad_consumers = Field(3, "int32", repeated=True)


class NameAttrList(Message):
    """A function by name, with attributes."""

    name = Field(1, "string")
    attr = Field(2, lambda: AttrValue, key="string")


class AttrList(Message):
    """A list as an attribute."""

    s = Field(2, "bytes", repeated=True)
    i = Field(3, "int64", repeated=True)
    f = Field(4, "float", repeated=True)
    b = Field(5, "bool", repeated=True)
    type = Field(6, "enum", repeated=True, names=DATA_TYPES)
    shape = Field(7, TensorShapeProto, repeated=True)
    tensor = Field(8, TensorProto, repeated=True)
    func = Field(9, NameAttrList, repeated=True)


class AttrValue(Message):
    """The value of an attribute."""

    ListValue = AttrList
    list = Field(1, AttrList, oneof="value")
    s = Field(2, "bytes", oneof="value")
    i = Field(3, "int64", oneof="value")
    f = Field(4, "float", oneof="value")
    b = Field(5, "bool", oneof="value")
    type = Field(6, "enum", oneof="value", names=DATA_TYPES)
    shape = Field(7, TensorShapeProto, oneof="value")
    tensor = Field(8, TensorProto, oneof="value")
    placeholder = Field(9, "string", oneof="value")
    func = Field(10, NameAttrList, oneof="value")


class NodeDef(Message):
    """A node of a graph. Inputs are "node", "node:1" or, for control inputs, "^node"."""

    name = Field(1, "string")
    op = Field(2, "string")
    input = Field(3, "string", repeated=True)
    device = Field(4, "string")
    attr = Field(5, AttrValue, key="string")


class ArgDef(Message):
    """An argument or result of a function."""

    name = Field(1, "string")
    description = Field(2, "string")
    type = Field(3, "enum", names=DATA_TYPES)
    type_attr = Field(4, "string")
    number_attr = Field(5, "string")
    type_list_attr = Field(6, "string")


class OpDef(Message):
    """The signature of a function."""

    name = Field(1, "string")
    input_arg = Field(2, ArgDef, repeated=True)
    output_arg = Field(3, ArgDef, repeated=True)
    control_output = Field(20, "string", repeated=True)
    is_stateful = Field(17, "bool")


class ArgAttrs(Message):
    """Attributes of an argument of a function."""

    attr = Field(1, AttrValue, key="string")


class FunctionDef(Message):
    """A function: its signature, its nodes, and which of their outputs it returns."""

    signature = Field(1, OpDef)
    attr = Field(5, AttrValue, key="string")
    arg_attr = Field(7, ArgAttrs, key="uint32")
    node_def = Field(3, NodeDef, repeated=True)
    ret = Field(4, "string", key="string")
    control_ret = Field(6, "string", key="string")


class FunctionDefLibrary(Message):
    """The functions of a graph."""

    function = Field(1, FunctionDef, repeated=True)


class GraphDef(Message):
    """A graph. TensorFlow: tf.compat.v1.GraphDef."""

    node = Field(1, NodeDef, repeated=True)
    versions = Field(4, VersionDef)
    version = Field(3, "int32")
    library = Field(2, FunctionDefLibrary)


# -- meta graphs and checkpoints ---------------------------------------------------------------------------------------


class SaverDef(Message):
    """The operations with which a graph saves and restores."""

    V1, V2 = 1, 2
    filename_tensor_name = Field(1, "string")
    save_tensor_name = Field(2, "string")
    restore_op_name = Field(3, "string")
    max_to_keep = Field(4, "int32")
    sharded = Field(5, "bool")
    keep_checkpoint_every_n_hours = Field(6, "float")
    version = Field(7, "enum")


class NodeList(Message):
    """Names of nodes or tensors."""

    value = Field(1, "string", repeated=True)


class CollectionBytes(Message):
    """Serialised messages."""

    value = Field(1, "bytes", repeated=True)


class CollectionInts(Message):
    """Integers."""

    value = Field(1, "int64", repeated=True)


class CollectionFloats(Message):
    """Numbers."""

    value = Field(1, "float", repeated=True)


class CollectionDef(Message):
    """A list of a graph."""

    node_list = Field(1, NodeList, oneof="kind")
    bytes_list = Field(2, CollectionBytes, oneof="kind")
    int64_list = Field(3, CollectionInts, oneof="kind")
    float_list = Field(4, CollectionFloats, oneof="kind")


class TensorInfo(Message):
    """A tensor of a graph by name, dtype and shape."""

    name = Field(1, "string", oneof="encoding")
    dtype = Field(2, "enum", names=DATA_TYPES)
    tensor_shape = Field(3, TensorShapeProto)


class SignatureDef(Message):
    """Named inputs and outputs of a graph."""

    inputs = Field(1, TensorInfo, key="string")
    outputs = Field(2, TensorInfo, key="string")
    method_name = Field(3, "string")
    defaults = Field(4, TensorProto, key="string")


class AssetFileDef(Message):
    """A file that a graph reads: the tensor of its path, and its name in the folder of assets."""

    tensor_info = Field(1, TensorInfo)
    filename = Field(2, "string")


class MetaInfoDef(Message):
    """Facts about a meta graph."""

    meta_graph_version = Field(1, "string")
    tags = Field(4, "string", repeated=True)
    tensorflow_version = Field(5, "string")
    tensorflow_git_version = Field(6, "string")
    stripped_default_attrs = Field(7, "bool")
    function_aliases = Field(8, "string", key="string")


class MetaGraphDef(Message):
    """A graph with its collections, saver and signatures. TensorFlow: tf.compat.v1.MetaGraphDef."""

    MetaInfoDef = MetaInfoDef
    meta_info_def = Field(1, MetaInfoDef)
    graph_def = Field(2, GraphDef)
    saver_def = Field(3, SaverDef)
    collection_def = Field(4, CollectionDef, key="string")
    signature_def = Field(5, SignatureDef, key="string")
    asset_file_def = Field(6, AssetFileDef, repeated=True)
    object_graph_def = Field(7, "bytes")  # a SavedObjectGraph (saved_objects.py), read only when objects are asked for


class SavedModel(Message):
    """The file saved_model.pb of a folder."""

    saved_model_schema_version = Field(1, "int64")
    meta_graphs = Field(2, MetaGraphDef, repeated=True)


class SaveSliceInfoDef(Message):
    """Which part of a whole a variable is."""

    full_name = Field(1, "string")
    full_shape = Field(2, "int64", repeated=True)
    var_offset = Field(3, "int64", repeated=True)
    var_shape = Field(4, "int64", repeated=True)


class VariableDef(Message):
    """A variable of a graph, in a collection."""

    variable_name = Field(1, "string")
    initial_value_name = Field(6, "string")
    initializer_name = Field(2, "string")
    snapshot_name = Field(3, "string")
    save_slice_info_def = Field(4, SaveSliceInfoDef)
    is_resource = Field(5, "bool")
    trainable = Field(7, "bool")


class CheckpointState(Message):
    """The checkpoints of a folder."""

    model_checkpoint_path = Field(1, "string")
    all_model_checkpoint_paths = Field(2, "string", repeated=True)
    all_model_checkpoint_timestamps = Field(3, "double", repeated=True)
    last_preserved_timestamp = Field(4, "double")


class BundleHeaderProto(Message):
    """The first entry of a checkpoint's index."""

    num_shards = Field(1, "int32")
    endianness = Field(2, "enum")
    version = Field(3, VersionDef)


class TensorSliceExtent(Message):
    """A range along one dimension; all of it if no length is given."""

    start = Field(1, "int64")
    length = Field(2, "int64", oneof="has_length")


class TensorSliceProto(Message):
    """A part of a tensor."""

    extent = Field(1, TensorSliceExtent, repeated=True)


class BundleEntryProto(Message):
    """Where a tensor's bytes are in a checkpoint."""

    dtype = Field(1, "enum", names=DATA_TYPES)
    shape = Field(2, TensorShapeProto)
    shard_id = Field(3, "int32")
    offset = Field(4, "int64")
    size = Field(5, "int64")
    crc32c = Field(6, "fixed32")
    slices = Field(7, TensorSliceProto, repeated=True)


class ObjectReference(Message):
    """A part of an object: the name that leads to it, and which node it is."""

    node_id = Field(1, "int32")
    local_name = Field(2, "string")


class SerializedTensor(Message):
    """A value of an object, and the key of its tensor in the checkpoint."""

    name = Field(1, "string")
    full_name = Field(2, "string")
    checkpoint_key = Field(3, "string")


class SlotVariableReference(Message):
    """A variable that an optimizer of TensorFlow 1 keeps for another."""

    original_variable_node_id = Field(1, "int32")
    slot_name = Field(2, "string")
    slot_variable_node_id = Field(3, "int32")


class BoolValue(Message):
    """A bool that may be absent."""

    value = Field(1, "bool")


class TrackableObject(Message):
    """One object of a checkpoint: its parts, its values."""

    children = Field(1, ObjectReference, repeated=True)
    attributes = Field(2, SerializedTensor, repeated=True)
    slot_variables = Field(3, SlotVariableReference, repeated=True)
    has_checkpoint_values = Field(5, BoolValue)


class TrackableObjectGraph(Message):
    """The objects of a checkpoint; the first is the root."""

    nodes = Field(1, TrackableObject, repeated=True)


# -- events ------------------------------------------------------------------------------------------------------------


class HistogramProto(Message):
    """How values are distributed: counts in buckets, each up to a limit."""

    min = Field(1, "double")
    max = Field(2, "double")
    num = Field(3, "double")
    sum = Field(4, "double")
    sum_squares = Field(5, "double")
    bucket_limit = Field(6, "double", repeated=True)
    bucket = Field(7, "double", repeated=True)


class PluginData(Message):
    """Which of TensorBoard's pages shows a value."""

    plugin_name = Field(1, "string")
    content = Field(2, "bytes")


class SummaryMetadata(Message):
    """How a value is to be shown."""

    PluginData = PluginData
    plugin_data = Field(1, PluginData)
    display_name = Field(2, "string")
    summary_description = Field(3, "string")
    data_class = Field(4, "enum")


class SummaryImage(Message):
    """An encoded image."""

    height = Field(1, "int32")
    width = Field(2, "int32")
    colorspace = Field(3, "int32")
    encoded_image_string = Field(4, "bytes")


class SummaryAudio(Message):
    """An encoded sound."""

    sample_rate = Field(1, "float")
    num_channels = Field(2, "int64")
    length_frames = Field(3, "int64")
    encoded_audio_string = Field(4, "bytes")
    content_type = Field(5, "string")


class SummaryValue(Message):
    """One named value."""

    node_name = Field(7, "string")
    tag = Field(1, "string")
    metadata = Field(9, SummaryMetadata)
    simple_value = Field(2, "float", oneof="value")
    obsolete_old_style_histogram = Field(3, "bytes", oneof="value")
    image = Field(4, SummaryImage, oneof="value")
    histo = Field(5, HistogramProto, oneof="value")
    audio = Field(6, SummaryAudio, oneof="value")
    tensor = Field(8, TensorProto, oneof="value")


class Summary(Message):
    """Named values of one step. TensorFlow: tf.compat.v1.Summary."""

    Image, Audio, Value = SummaryImage, SummaryAudio, SummaryValue
    value = Field(1, SummaryValue, repeated=True)


class SummaryDescription(Message):
    """What a summary op writes."""

    type_hint = Field(1, "string")


class LogMessage(Message):
    """A line of a log."""

    level = Field(1, "enum")
    message = Field(2, "string")


class SessionLog(Message):
    """What happened to a session."""

    STATUS_UNSPECIFIED, START, STOP, CHECKPOINT = range(4)
    status = Field(1, "enum")
    checkpoint_path = Field(2, "string")
    msg = Field(3, "string")


class TaggedRunMetadata(Message):
    """Metadata of a run."""

    tag = Field(1, "string")
    run_metadata = Field(2, "bytes")


class SourceMetadata(Message):
    """Who wrote an event file."""

    writer = Field(1, "string")


class Event(Message):
    """One record of an event file. TensorFlow: tf.compat.v1.Event."""

    wall_time = Field(1, "double")
    step = Field(2, "int64")
    file_version = Field(3, "string", oneof="what")
    graph_def = Field(4, "bytes", oneof="what")
    summary = Field(5, Summary, oneof="what")
    log_message = Field(6, LogMessage, oneof="what")
    session_log = Field(7, SessionLog, oneof="what")
    tagged_run_metadata = Field(8, TaggedRunMetadata, oneof="what")
    meta_graph_def = Field(9, "bytes", oneof="what")
    source_metadata = Field(10, SourceMetadata)


# -- examples ----------------------------------------------------------------------------------------------------------


class BytesList(Message):
    """Byte strings. TensorFlow: tf.train.BytesList."""

    value = Field(1, "bytes", repeated=True)


class FloatList(Message):
    """Numbers. TensorFlow: tf.train.FloatList."""

    value = Field(1, "float", repeated=True)


class Int64List(Message):
    """Integers. TensorFlow: tf.train.Int64List."""

    value = Field(1, "int64", repeated=True)


class Feature(Message):
    """A list of one kind. TensorFlow: tf.train.Feature."""

    bytes_list = Field(1, BytesList, oneof="kind")
    float_list = Field(2, FloatList, oneof="kind")
    int64_list = Field(3, Int64List, oneof="kind")


class Features(Message):
    """Lists by name. TensorFlow: tf.train.Features."""

    feature = Field(1, Feature, key="string")


class FeatureList(Message):
    """A sequence of lists. TensorFlow: tf.train.FeatureList."""

    feature = Field(1, Feature, repeated=True)


class FeatureLists(Message):
    """Sequences by name. TensorFlow: tf.train.FeatureLists."""

    feature_list = Field(1, FeatureList, key="string")


class Example(Message):
    """The features of one example. TensorFlow: tf.train.Example."""

    features = Field(1, Features)


class SequenceExample(Message):
    """The context and the sequences of one example. TensorFlow: tf.train.SequenceExample."""

    context = Field(1, Features)
    feature_lists = Field(2, FeatureLists)
