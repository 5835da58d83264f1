"""`tf.train.Example`s written and parsed, alone and from TFRecord files."""

import numpy as np
import pytest

import duoflow as tf

train = tf.train


def example(**features):
    """A serialized example with lists of ints, floats or bytes by name."""
    found = {}
    for name, values in features.items():
        if values and isinstance(values[0], bytes):
            found[name] = train.Feature(bytes_list=train.BytesList(value=values))
        elif values and isinstance(values[0], float):
            found[name] = train.Feature(float_list=train.FloatList(value=values))
        else:
            found[name] = train.Feature(int64_list=train.Int64List(value=values))
    return train.Example(features=train.Features(feature=found)).SerializeToString()


FEATURES = {
    "image": tf.io.FixedLenFeature([2, 2], tf.float32),
    "label": tf.io.FixedLenFeature([], tf.int64, default_value=-1),
    "name": tf.io.FixedLenFeature([], tf.string),
    "words": tf.io.FixedLenSequenceFeature([], tf.int64, allow_missing=True),
}
FIRST = example(image=[1.0, 2.0, 3.0, 4.0], label=[7], name=[b"one"], words=[1, 2, 3])
SECOND = example(image=[5.0, 6.0, 7.0, 8.0], name=[b"two"])


def test_one_example():
    found = tf.io.parse_single_example(FIRST, FEATURES)
    assert found["image"].numpy().tolist() == [[1, 2], [3, 4]] and found["image"].dtype == tf.float32
    assert (int(found["label"]), found["name"].numpy(), found["words"].numpy().tolist()) == (7, b"one", [1, 2, 3])


def test_several_examples_fill_up_what_is_missing():
    found = tf.io.parse_example([FIRST, SECOND], FEATURES)
    assert found["image"].shape == (2, 2, 2) and found["label"].numpy().tolist() == [7, -1]
    assert found["words"].numpy().tolist() == [[1, 2, 3], [0, 0, 0]]
    assert tf.io.parse_example(np.array([], object), FEATURES)["image"].shape == (0, 2, 2)


def test_in_a_data_set_of_records(tmp_path):
    path = str(tmp_path / "data.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        for record in (FIRST, SECOND, FIRST):
            writer.write(record)
    data = tf.data.TFRecordDataset(path).map(lambda x: tf.io.parse_single_example(x, FEATURES))
    assert data.element_spec["image"].shape.as_list() == [2, 2]
    assert [int(one["label"]) for one in data] == [7, -1, 7]


@pytest.mark.parametrize("serialized, features, message", [
    (FIRST, {"other": tf.io.FixedLenFeature([], tf.int64)}, "is required but could not be found"),
    (FIRST, {"label": tf.io.FixedLenFeature([], tf.float32)}, "Data types don't match"),
    (FIRST, {"image": tf.io.FixedLenFeature([3], tf.float32)}, "values != expected"),
    (b"\xff\xff\xff", {"image": tf.io.FixedLenFeature([3], tf.float32)}, "Could not parse example"),
])  # fmt: skip
def test_examples_that_do_not_fit(serialized, features, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tf.io.parse_single_example(serialized, features)


def test_features_that_are_refused():
    for feature, kind in (
        (tf.io.VarLenFeature(tf.int64), NotImplementedError),
        (tf.io.FixedLenSequenceFeature([], tf.int64), ValueError),
        (tf.io.FixedLenFeature([None], tf.int64), ValueError),
        (tf.io.FixedLenFeature([], tf.int32), TypeError),
        ("label", TypeError),
    ):
        with pytest.raises(kind):
            tf.io.parse_single_example(FIRST, {"label": feature})
    with pytest.raises(ValueError, match="cannot be None or empty"):
        tf.io.parse_example([FIRST], {})


def test_every_cut_of_an_example_is_an_example_or_an_error():
    for length in range(len(FIRST)):
        try:
            tf.io.parse_single_example(FIRST[:length], FEATURES)
        except tf.errors.InvalidArgumentError as error:
            assert str(error)
