"""Summary operations: what they serialise, under which tags, and how a writer treats it."""

import zlib

import numpy as np
import pytest

import duoflow
from duoflow.formats import events

tf = duoflow.compat.v1


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def run(op):
    with tf.Session() as session:
        return tf.Summary.FromString(session.run(op))


def pixels(value):
    """The bytes of a PNG of one row filter (none)."""
    data = value.image.encoded_image_string
    body = data[data.index(b"IDAT") + 4 : -16]
    stride = 1 + value.image.width * value.image.colorspace
    return [b for i, b in enumerate(zlib.decompressobj().decompress(body)) if i % stride]


# What TensorFlow's own images hold.
IMAGES = [(-1.0, [[1, 35, 70, 104, 139, 174], [81, 115, 150, 185, 220, 255]]),
          (0.0, [[0, 51, 102, 153, 204, 255], [139, 162, 185, 208, 231, 255]])]  # fmt: skip


@pytest.mark.parametrize(("low", "expected"), IMAGES)
def test_images_are_spread_over_the_range_of_bytes(low, expected):
    batch = np.linspace(low, 2, 12).reshape(2, 2, 3, 1).astype("f")
    found = run(tf.summary.image("im", batch)).value
    assert [v.tag for v in found] == ["im/image/0", "im/image/1"]
    assert [pixels(v) for v in found] == expected


def test_sounds_have_their_rate_and_length():
    (value,) = run(tf.summary.audio("a", np.zeros((2, 100, 1), "f"), 8000.0, max_outputs=1)).value
    assert (value.tag, value.audio.content_type) == ("a/audio", "audio/wav")
    assert (value.audio.length_frames, value.audio.sample_rate, value.audio.num_channels) == (100, 8000.0, 1)


def test_tags_follow_scopes_and_families():
    with tf.name_scope("net"):
        one = tf.summary.scalar("loss", 1.0)
        two = tf.summary.scalar("loss", 2.0)
        three = tf.summary.scalar("loss", 3.0, family="all")
    assert [run(op).value[0].tag for op in (one, two, three)] == ["net/loss", "net/loss_1", "all/net/all/loss"]
    assert tf.get_collection(tf.GraphKeys.SUMMARIES) == [one, two, three]


def test_merged_summaries_hold_all_values_and_no_tag_twice():
    merged = tf.summary.merge([tf.summary.scalar("a", 1.0), tf.summary.histogram("b", [1.0, 2.0])])
    assert [v.tag for v in run(merged).value] == ["a", "b"]
    one = tf.summary.scalar("c", 1.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Duplicate tag c"):
        run(tf.summary.merge([one, one]))
    with tf.Graph().as_default():
        assert tf.summary.merge_all() is None


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="Nan or Inf"):
        run(tf.summary.histogram("h", [np.nan]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="4-D"):
        run(tf.summary.image("i", np.zeros((2, 2), "f")))
    with pytest.raises(ValueError, match="dtype string"):
        tf.summary.text("t", tf.constant(1.0))


def test_metadata_is_written_once_for_each_tag(tmp_path):
    with tf.Session() as session, tf.summary.FileWriter(tmp_path) as writer:
        text = session.run(tf.summary.text("note", tf.constant("x")))
        for step in range(2):
            writer.add_summary(text, step)
    (path,) = tmp_path.iterdir()
    values = [v for e in tf.train.summary_iterator(path) for v in e.summary.value]
    assert [v.HasField("metadata") for v in values] == [True, False]
    assert values[0].tensor.string_val == [b"x"]


def test_png_of_the_writer_is_the_one_of_the_file(tmp_path):
    value = events.image_value("i", np.arange(12, dtype=np.uint8).reshape(2, 2, 3))
    assert pixels(value) == list(range(12))
