"""Files shared with TensorFlow: what is written is read, damage is named, nothing hangs on hostile bytes."""

import io
import random

import numpy as np
import pytest

from duoflow.core import dtypes, errors
from duoflow.formats import events, messages, tensors
from duoflow.formats.bundle import BundleReader, bundle_exists, write_bundle
from duoflow.formats.checksum import crc32c, mask, masked_crc32c, unmask
from duoflow.formats.records import encode_record, read_records
from duoflow.formats.table import read_table, write_table
from duoflow.formats.wire import DecodeError, write_varint

#: Serialised by Google's library: values "a" of 1.5 and "b", a histogram with max=1 and buckets 1 up to 2, -1 up to 3.
SUMMARY = bytes.fromhex(
    "0a080a0161150000c03f0a320a01622a2d11000000000000f03f3210000000000000004000000000000008403a1000000000"
    "0000f03f000000000000f0bf"
)


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"", 0), (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43)],
)
def test_checksums_are_those_of_the_standard(data, expected):
    assert crc32c(data) == expected
    assert unmask(mask(expected)) == expected


@pytest.mark.parametrize("size", [0, 511, 512, 513, 4096, 70_001])
def test_checksums_of_long_data_continue_those_of_its_parts(size):
    data = random.Random(size).randbytes(size)
    for cut in (0, size // 3, size):
        assert crc32c(data[cut:], crc32c(data[:cut])) == crc32c(data)


def test_records_are_read_as_written_and_damage_is_found():
    data = b"".join(map(encode_record, [b"", b"one", b"two" * 100]))
    assert list(read_records(io.BytesIO(data), "file")) == [b"", b"one", b"two" * 100]
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x40
        with pytest.raises(errors.DataLossError):
            list(read_records(io.BytesIO(bytes(damaged)), "file"))
    with pytest.raises(errors.DataLossError):
        list(read_records(io.BytesIO(data[:-1]), "file"))


# -- messages ----------------------------------------------------------------------------------------------------------


def test_messages_read_what_googles_library_wrote():
    summary = messages.Summary.FromString(SUMMARY)
    assert [v.tag for v in summary.value] == ["a", "b"]
    assert summary.value[0].simple_value == 1.5
    assert summary.value[1].histo.max == 1.0 and list(summary.value[1].histo.bucket) == [1.0, -1.0]
    assert messages.Summary.FromString(summary.SerializeToString()) == summary


def test_messages_behave_as_googles():
    graph = messages.GraphDef()
    node = graph.node.add(name="x", op="Placeholder")
    node.attr["dtype"].type = 1
    node.attr["shape"].shape.dim.add(size=-1)
    assert graph.node[0].attr["dtype"].WhichOneof("value") == "type"
    assert not graph.HasField("library") and graph.node[0].attr["shape"].HasField("shape")
    node.attr["dtype"].i = 0
    assert node.attr["dtype"].WhichOneof("value") == "i" and messages.GraphDef.FromString(
        graph.SerializeToString()
    ).node[0].attr["dtype"].HasField("i")
    copy = messages.GraphDef()
    copy.CopyFrom(graph)
    assert copy == graph and copy is not graph
    with pytest.raises(AttributeError):
        graph.nodes = 1
    with pytest.raises(ValueError, match='no "nodes" field'):
        messages.GraphDef(nodes=[])


def test_the_text_form_names_dtypes():
    value = messages.AttrValue(type=dtypes.int32.as_datatype_enum)
    assert str(value) == "type: DT_INT32\n"
    kinds = [k.as_datatype_enum for k in (dtypes.float32, dtypes.variant)]
    listed = messages.AttrList(type=[0, *kinds, 101, 98])
    assert str(listed).split("\n") == [
        f"type: {t}" for t in "DT_INVALID DT_FLOAT DT_VARIANT DT_FLOAT_REF 98".split()
    ] + [""]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        *((messages.AttrValue(f=f), f"f: {text}\n") for f, text in
          ((0.1, "0.1"), (1.0, "1"), (1e10, "1e+10"), (3e-7, "3e-07"), (1 / 3, "0.333333343"), (np.inf, "inf"))),
        *((messages.HistogramProto(sum=f), f"sum: {text}\n") for f, text in
          ((0.1, "0.1"), (1.0, "1"), (1 / 3, "0.33333333333333331"), (np.nan, "nan"))),
    ],
)  # fmt: skip
def test_the_text_form_writes_few_digits(message, text):
    """As Google's library writes these numbers."""
    assert str(message) == text


def test_fields_that_are_not_known_are_kept():
    unknown = b"\xfa\x3f\x03abc"  # field 1023
    assert messages.VersionDef.FromString(unknown).SerializeToString() == unknown


def part(number, data):
    """A field of bytes."""
    return write_varint(number << 3 | 2) + write_varint(len(data)) + data


def test_hostile_messages_end_in_an_error():
    draw = random.Random(0)
    whole = messages.GraphDef(node=[{"name": "a", "op": "Const", "attr": {"value": {"s": b"x" * 20}}}])
    data = whole.SerializeToString()
    for _ in range(500):
        damaged = bytearray(data)
        for _ in range(draw.randint(1, 4)):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        try:
            messages.GraphDef.FromString(bytes(damaged[: draw.randint(0, len(damaged))]))
        except DecodeError:
            continue
    nested = b""
    for _ in range(120):  # a function attribute in a function attribute in ...
        nested = part(10, part(2, part(1, b"a") + part(2, nested)))
    with pytest.raises(DecodeError, match="deeper"):
        messages.AttrValue.FromString(nested)


@pytest.mark.parametrize(
    "array",
    [
        np.float32(2.5), np.arange(6).reshape(2, 3), np.array([True, False]), np.zeros((0, 4), "f"),
        np.array([b"a", b"\xff"], object), np.array([1 + 2j], "complex64"), np.arange(4, dtype="uint8"),
        np.array([0.5, 2], dtypes.bfloat16.numpy),
    ],
    ids=lambda a: str(np.asarray(a).dtype),
)  # fmt: skip
def test_tensors_survive(array):
    out = tensors.array_of(tensors.tensor_proto(array))
    assert out.dtype == np.asarray(array).dtype
    np.testing.assert_array_equal(out, array)


def test_tensors_that_contradict_themselves_are_refused():
    for proto in (
        messages.TensorProto(dtype=1, tensor_shape={"dim": [{"size": 3}]}, tensor_content=b"1234"),
        messages.TensorProto(dtype=1, tensor_shape={"dim": [{"size": 1 << 40}]}, float_val=[1.0]),
        messages.TensorProto(dtype=1, tensor_shape={"dim": [{"size": -2}]}),
        messages.TensorProto(dtype=3, tensor_shape={"dim": [{"size": 1}]}, int_val=[1, 2]),
    ):
        with pytest.raises(ValueError):
            tensors.array_of(proto)


# -- tables and checkpoints --------------------------------------------------------------------------------------------


def test_tables_keep_their_entries_in_order():
    entries = [(f"key/{i:06d}".encode(), bytes([i % 256]) * (i % 50)) for i in range(9000)]
    assert list(read_table(write_table(entries), "table")) == entries
    assert list(read_table(write_table([]), "table")) == []
    with pytest.raises(ValueError, match="order"):
        write_table([(b"b", b""), (b"a", b"")])


VALUES = {
    "layer/kernel": np.arange(12, dtype="f").reshape(3, 4), "step": np.int64(7), "empty": np.zeros((0, 2)),
    "text": np.array([[b"a", b"long " * 100]], object), "flag": np.array([True]),
}  # fmt: skip


def test_checkpoints_give_back_what_was_written(tmp_path):
    prefix = str(tmp_path / "model")
    write_bundle(prefix, VALUES)
    reader = BundleReader(prefix)
    assert bundle_exists(prefix) and reader.get_variable_to_shape_map()["layer/kernel"] == [3, 4]
    for name, value in VALUES.items():
        np.testing.assert_array_equal(reader.get_tensor(name), value)
    with pytest.raises(errors.NotFoundError, match="Key nothing not found"):
        reader.get_tensor("nothing")
    with pytest.raises(errors.NotFoundError):
        BundleReader(str(tmp_path / "other"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.data-00000-of-00001", "model.index"]


def test_damaged_checkpoints_are_refused(tmp_path):
    prefix = tmp_path / "model"
    write_bundle(str(prefix), VALUES)
    draw = random.Random(1)
    for name in ("model.index", "model.data-00000-of-00001"):
        path = tmp_path / name
        data = path.read_bytes()
        for _ in range(60):
            damaged = bytearray(data)
            damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
            path.write_bytes(bytes(damaged[: draw.choice([len(data), draw.randrange(len(data))])]))
            try:
                reader = BundleReader(str(prefix))
                found = {n: reader.get_tensor(n) for n in VALUES}
            except (errors.DataLossError, errors.NotFoundError, errors.UnimplementedError):
                continue
            # What no checksum covers (padding) may change, values may not.
            for n, value in VALUES.items():
                np.testing.assert_array_equal(found[n], value)
        path.write_bytes(data)


# -- events ------------------------------------------------------------------------------------------------------------


def test_event_files_hold_what_was_added(tmp_path):
    writer = events.EventFileWriter(tmp_path / "logs", filename_suffix=".test")
    values = [events.scalar_value("loss", 1.5), events.text_value("note", [b"x"])]
    writer.add_event(messages.Event(step=3, summary={"value": values}))
    writer.close()
    with open(writer.path, "rb") as file:
        first, second = (messages.Event.FromString(r) for r in read_records(file, writer.path))
    assert first.file_version == "brain.Event:2" and first.wall_time > 1e9 and writer.path.endswith(".test")
    assert second.step == 3 and [v.tag for v in second.summary.value] == ["loss", "note"]
    assert second.summary.value[1].metadata.plugin_data.plugin_name == "text"


def test_histograms_count_every_value():
    values = [0.0, 0.0, 1.5, -2.0, 1e-13, -1e-13, 1e21, 100.0, 1e-12]
    proto = events.histogram(values)
    assert proto.num == len(values) == sum(proto.bucket) and (proto.min, proto.max) == (-2.0, 1e21)
    assert list(proto.bucket_limit) == sorted(proto.bucket_limit)
    with pytest.raises(ValueError, match="Nan or Inf"):
        events.histogram([np.nan])


def test_pictures_and_sounds_have_their_headers():
    png = events.encode_png(np.zeros((2, 3, 4), np.uint8))
    assert png[:8] == b"\x89PNG\r\n\x1a\n" and png[16:24] == b"\0\0\0\3\0\0\0\2"
    wav = events.encode_wav(np.zeros((10, 2)), 8000)
    assert wav[:4] == b"RIFF" and len(wav) == 44 + 40
    with pytest.raises(ValueError, match="PNG needs"):
        events.encode_png(np.zeros((2, 3, 5), np.uint8))


def test_masks_differ_from_checksums():
    assert masked_crc32c(b"123456789") == mask(0xE3069283) != 0xE3069283
