"""tf.data.experimental, options, and resampling; results are TensorFlow 2.21's."""

import numpy as np
import pytest

import duoflow as tf

E = tf.data.experimental
Dataset = tf.data.Dataset


def values(dataset):
    return [tf.nest.map_structure(lambda v: np.asarray(v).tolist(), e) for e in dataset.as_numpy_iterator()]


def test_counters():
    assert values(Dataset.counter(5, 2).take(3)) == [5, 7, 9] and values(E.Counter(1, -1).take(3)) == [1, 0, -1]
    assert int(Dataset.counter().cardinality()) == tf.data.INFINITE_CARDINALITY
    assert Dataset.counter(dtype=tf.int32).element_spec == tf.TensorSpec([], tf.int32)


TRANSFORMATIONS = [
    (E.map_and_batch(lambda x: x * 2, 3), [[0, 2, 4], [6, 8, 10]]),
    (E.parallel_interleave(lambda x: Dataset.range(x % 3), 2), [0, 0, 1, 0, 0, 1]),
    (E.scan(np.int64(0), lambda s, x: (s + x, s + x)), [0, 1, 3, 6, 10, 15]),
    (E.group_by_window(lambda x: x % 2, lambda k, w: w.batch(3), 3), [[0, 2, 4], [1, 3, 5]]),
    (
        E.group_by_reducer(
            lambda x: x % 2,
            E.Reducer(lambda k: tf.constant(0, tf.int64), lambda s, x: s + x, lambda s: {"sum": s * 10}),
        ),
        [{"sum": 60}, {"sum": 90}],
    ),
]


@pytest.mark.parametrize("transformation, expected", TRANSFORMATIONS)
def test_transformations_that_are_applied(transformation, expected):
    assert values(Dataset.range(6).apply(transformation)) == expected


def test_elements_of_lists_and_at_indices():
    assert values(E.from_list([{"a": 1}, {"a": 2}])) == [{"a": 1}, {"a": 2}]
    assert int(E.at(Dataset.range(5), 2)) == 2
    with pytest.raises(tf.errors.OutOfRangeError):
        E.at(Dataset.range(5), 7)
    padded = Dataset.from_tensor_slices({"a": [1, 2]}).apply(E.pad_to_cardinality(3))
    assert values(padded) == [{"a": 1, "valid": True}, {"a": 2, "valid": True}, {"a": 0, "valid": False}]


@pytest.mark.parametrize("initial", [[0.9, 0.1], None])
def test_resampling_gives_classes_the_shares_wanted(initial):
    source = Dataset.from_tensor_slices(([0] * 90 + [1] * 10) * 20).shuffle(2000, seed=1)
    resampled = source.rejection_resample(lambda x: x, [0.5, 0.5], initial, seed=3)
    assert resampled.element_spec == (tf.TensorSpec([], tf.int32),) * 2
    classes = [kind for kind, element in values(resampled) if kind == element]
    assert 300 < len(classes) < 700 and abs(np.mean(classes) - 0.5) < 0.1


def test_options_are_of_the_types_that_they_are():
    options = tf.data.Options()
    assert options.deterministic is None and options.threading.private_threadpool_size is None
    options.deterministic = False
    options.threading.private_threadpool_size = 3
    options.autotune.autotune_algorithm = E.AutotuneAlgorithm.HILL_CLIMB
    options.experimental_distribute.auto_shard_policy = E.AutoShardPolicy.OFF
    dataset = Dataset.range(3).with_options(options).map(lambda x: x)
    assert dataset.options().deterministic is False and dataset.options().threading.private_threadpool_size == 3
    with pytest.raises(TypeError, match=r'"deterministic" must be of type <class \'bool\'>, got: a'):
        options.deterministic = "a"
    with pytest.raises(AttributeError, match="Cannot set the property bogus on Options"):
        options.bogus = 1
    with pytest.raises(AttributeError):
        _ = options.bogus


@pytest.mark.parametrize("compression", [None, "GZIP", "ZLIB"])
def test_records_that_are_written_are_read(tmp_path, compression):
    path = str(tmp_path / "records")
    E.TFRecordWriter(path, compression).write(Dataset.from_tensor_slices(["a", "bc"]))
    assert list(tf.data.TFRecordDataset(path, compression).as_numpy_iterator()) == [b"a", b"bc"]
