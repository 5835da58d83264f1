"""tf.data: sources, transformations, iteration in Python and in functions."""

import numpy as np
import pytest

import duoflow as tf

Dataset = tf.data.Dataset


def values(dataset):
    """The elements as Python lists."""
    as_list = lambda x: x.tolist() if isinstance(x, (np.ndarray, np.generic)) else x
    return [tf.nest.map_structure(as_list, e) for e in dataset.as_numpy_iterator()]


TABLE = [
    (lambda: Dataset.range(3), [0, 1, 2]),
    (lambda: Dataset.range(5, 0, -2), [5, 3, 1]),
    (lambda: Dataset.from_tensors([1, 2]), [[1, 2]]),
    (lambda: Dataset.from_tensor_slices({"a": [1, 2], "b": [[3], [4]]}), [{"a": 1, "b": [3]}, {"a": 2, "b": [4]}]),
    (lambda: Dataset.from_tensor_slices(["x", "y"]), [b"x", b"y"]),
    (lambda: Dataset.range(4).map(lambda x: (x, x * x)), [(0, 0), (1, 1), (2, 4), (3, 9)]),
    (lambda: Dataset.range(5).batch(2), [[0, 1], [2, 3], [4]]),
    (lambda: Dataset.range(5).batch(2, drop_remainder=True), [[0, 1], [2, 3]]),
    (lambda: Dataset.range(4).batch(2).unbatch(), [0, 1, 2, 3]),
    (lambda: Dataset.range(3).repeat(2), [0, 1, 2, 0, 1, 2]),
    (lambda: Dataset.range(9).skip(2).take(3), [2, 3, 4]),
    (lambda: Dataset.range(6).filter(lambda x: x % 2 == 0), [0, 2, 4]),
    (lambda: Dataset.range(9).take_while(lambda x: x < 2), [0, 1]),
    (lambda: Dataset.zip((Dataset.range(3), Dataset.range(10, 12))), [(0, 10), (1, 11)]),
    (lambda: Dataset.range(2).concatenate(Dataset.range(5, 7)), [0, 1, 5, 6]),
    (lambda: Dataset.range(5, 7).enumerate(start=1), [(1, 5), (2, 6)]),
    (lambda: Dataset.range(6).shard(3, 1), [1, 4]),
    (lambda: Dataset.range(3).prefetch(2).cache(), [0, 1, 2]),
    (lambda: Dataset.range(3).flat_map(lambda x: Dataset.from_tensors(x).repeat(x)), [1, 2, 2]),
    (
        lambda: Dataset.range(1, 4).interleave(
            lambda x: Dataset.from_tensors(x).repeat(3), cycle_length=2, block_length=2
        ),
        [1, 1, 2, 2, 1, 2, 3, 3, 3],
    ),
    (
        lambda: Dataset.range(7).window(3, shift=2, drop_remainder=True).flat_map(lambda w: w.batch(3)),
        [[0, 1, 2], [2, 3, 4], [4, 5, 6]],
    ),
    (lambda: Dataset.range(1, 4).map(lambda x: tf.fill([x], x)).padded_batch(2), [[[1, 0], [2, 2]], [[3, 3, 3]]]),
    (
        lambda: (
            Dataset.range(1, 3)
            .map(lambda x: tf.fill([x], x))
            .padded_batch(2, [4], padding_values=tf.constant(-1, tf.int64))
        ),
        [[[1, -1, -1, -1], [2, 2, -1, -1]]],
    ),
    (lambda: Dataset.range(4).scan(tf.constant(0, tf.int64), lambda s, x: (s + x, s + x)), [0, 1, 3, 6]),
    (lambda: Dataset.from_tensor_slices([1, 2, 1, 3]).unique(), [1, 2, 3]),
    (
        lambda: Dataset.range(6).group_by_window(lambda x: x % 2, lambda k, d: d.batch(2), window_size=2),
        [[0, 2], [1, 3], [4], [5]],
    ),
    (
        lambda: Dataset.choose_from_datasets(
            [Dataset.range(2), Dataset.range(10, 12)], Dataset.from_tensor_slices(np.int64([0, 1, 1, 0]))
        ),
        [0, 10, 11, 1],
    ),
    (lambda: Dataset.range(4).batch(3).rebatch(2), [[0, 1], [2, 3]]),
]


@pytest.mark.parametrize(("make", "expected"), TABLE)
def test_elements(make, expected):
    dataset = make()
    assert values(dataset) == expected
    assert values(dataset) == expected, "a second iteration gives the same elements"
    size = int(dataset.cardinality())
    assert size in (len(expected), tf.data.UNKNOWN_CARDINALITY)


@pytest.mark.parametrize(("make", "expected"), TABLE)
def test_elements_fit_their_spec(make, expected):
    dataset = make()
    for element in dataset:
        pairs = zip(tf.nest.flatten(dataset.element_spec), tf.nest.flatten(element), strict=True)
        assert all(spec.is_compatible_with(leaf) for spec, leaf in pairs)


def test_shuffle_is_a_permutation_that_differs_per_iteration():
    dataset = Dataset.range(100).shuffle(20, seed=3)
    first, second = values(dataset), values(dataset)
    assert sorted(first) == sorted(second) == list(range(100)) and first != second != list(range(100))
    fixed = Dataset.range(50).shuffle(50, seed=1, reshuffle_each_iteration=False)
    assert values(fixed) == values(fixed)


def test_shuffled_rows_stay_together():
    x, y = np.arange(100.0), np.arange(100) * 2
    for a, b in Dataset.from_tensor_slices((x, y)).shuffle(30).batch(7):
        np.testing.assert_array_equal(a.numpy() * 2, b.numpy())


def test_endless_data():
    dataset = Dataset.range(2).repeat()
    assert int(dataset.cardinality()) == tf.data.INFINITE_CARDINALITY
    assert values(dataset.take(5)) == [0, 1, 0, 1, 0]
    with pytest.raises(TypeError, match="infinite"):
        len(dataset)


def test_functions_are_traced_once_with_autograph():
    traces = []

    def f(x):
        traces.append(x)
        if x % 2 == 0:
            return x * 10
        return x

    assert values(Dataset.range(4).map(f)) == [0, 1, 20, 3] and len(traces) == 1


def test_generators():
    signature = (tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.int32))
    dataset = Dataset.from_generator(lambda: (([0.5] * n, n) for n in range(3)), output_signature=signature)
    assert values(dataset) == [([], 0), ([0.5], 1), ([0.5, 0.5], 2)]
    typed = Dataset.from_generator(lambda: iter([1, 2]), tf.int64, [])
    assert values(typed) == [1, 2] and typed.element_spec == tf.TensorSpec([], tf.int64)


@pytest.mark.parametrize(
    ("element", "message"), [(("a", 1), "could not be converted"), ([[1.0]], "structure"), (([[1.0]], 1), "shape")]
)
def test_generators_that_break_their_word(element, message):
    signature = (tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.int32))
    dataset = Dataset.from_generator(lambda: iter([element]), output_signature=signature)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        values(dataset)


def test_reduce():
    total = Dataset.range(5).reduce(np.int64(0), lambda s, x: s + x)
    assert total.numpy() == 10
    low, high = Dataset.range(5).reduce(
        (np.int64(9), np.int64(0)), lambda s, x: (tf.minimum(s[0], x), tf.maximum(s[1], x))
    )
    assert (low.numpy(), high.numpy()) == (0, 4)


def test_loops_in_functions():
    v = tf.Variable(0, dtype=tf.int64)

    @tf.function
    def total(dataset):
        s = tf.constant(0, tf.int64)
        for x in dataset:
            if x == 3:
                continue
            if x > 5:
                break
            v.assign_add(x)
            s += x
        return s

    assert total(Dataset.range(100)).numpy() == 0 + 1 + 2 + 4 + 5 and v.numpy() == 12


def test_iterators_in_functions():
    iterator = iter(Dataset.range(3))

    @tf.function
    def take():
        return next(iterator) * 10

    assert [take().numpy() for _ in range(3)] == [0, 10, 20]
    with pytest.raises(tf.errors.OutOfRangeError, match="End of sequence"):
        take()
    with pytest.raises(StopIteration):
        next(iterator)


def test_single_element():
    assert Dataset.from_tensors(7).get_single_element().numpy() == 7
    for dataset in (Dataset.range(0), Dataset.range(2)):
        with pytest.raises(tf.errors.InvalidArgumentError):
            dataset.get_single_element()


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda: Dataset.from_tensor_slices(1.0), ValueError, "rank"),
        (lambda: Dataset.from_tensor_slices(([1, 2], [1])), ValueError, "not compatible"),
        (lambda: Dataset.range(3).batch(0), tf.errors.InvalidArgumentError, "greater than zero"),
        (lambda: Dataset.range(1).map(3), TypeError, "callable"),
        (lambda: Dataset.range(1).filter(lambda x: x), ValueError, "tf.bool"),
        (lambda: Dataset.range(1).concatenate(Dataset.from_tensors(1.0)), TypeError, "Incompatible"),
        (lambda: Dataset.range(3).shard(2, 2), tf.errors.InvalidArgumentError, "Index must be between"),
        (
            lambda: values(Dataset.range(3).map(lambda x: tf.zeros([x])).batch(3)),
            tf.errors.InvalidArgumentError,
            "Cannot batch",
        ),
        (lambda: Dataset.list_files("/nowhere/*.txt"), tf.errors.InvalidArgumentError, "No files matched"),
        (lambda: values(tf.data.TextLineDataset("/nowhere/a.txt")), tf.errors.NotFoundError, "No such file"),
        (lambda: Dataset.load("/nowhere"), tf.errors.NotFoundError, "no saved dataset"),
    ],
)
def test_bad_input(use, error, message):
    with pytest.raises(error, match=message):
        use()


def test_errors_of_a_prefetching_thread_reach_the_reader():
    def fail():
        yield 1
        raise RuntimeError("broken source")

    dataset = Dataset.from_generator(fail, output_signature=tf.TensorSpec([], tf.int32)).prefetch(2)
    with pytest.raises(tf.errors.UnknownError, match="broken source"):
        values(dataset)


def test_cache_runs_the_source_once(tmp_path):
    calls = []

    def source():
        calls.append(1)
        yield from ([b"a", 1.5], [b"bc", 2.5])

    spec = (tf.TensorSpec([], tf.string), tf.TensorSpec([], tf.bfloat16))
    for dataset in (
        Dataset.from_generator(lambda: map(tuple, source()), output_signature=spec).cache(),
        Dataset.from_generator(lambda: map(tuple, source()), output_signature=spec).cache(str(tmp_path / "kept")),
    ):
        calls.clear()
        assert values(dataset) == values(dataset) == [(b"a", 1.5), (b"bc", 2.5)] and len(calls) == 1


def test_save_and_load(tmp_path):
    dataset = Dataset.from_tensor_slices({"a": [1, 2], "b": ["x", "y"]})
    dataset.save(str(tmp_path / "d"))
    loaded = Dataset.load(str(tmp_path / "d"))
    assert values(loaded) == values(dataset) and loaded.element_spec == dataset.element_spec
    (tmp_path / "d" / "elements.npz").write_bytes(b"not an archive")
    with pytest.raises(tf.errors.DataLossError, match="not a readable"):
        values(Dataset.load(str(tmp_path / "d")))


def test_text_lines(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_bytes(b"one\r\ntwo\n\nthree")
    assert values(tf.data.TextLineDataset([str(path)])) == [b"one", b"two", b"", b"three"]


def test_fixed_length_records(tmp_path):
    path = tmp_path / "records"
    path.write_bytes(b"headAABBtail")
    assert values(tf.data.FixedLengthRecordDataset(str(path), 2, header_bytes=4, footer_bytes=4)) == [b"AA", b"BB"]


#: One record, "hello", as TensorFlow's TFRecordWriter frames it.
RECORD = bytes.fromhex("0500000000000000eab2041868656c6c6f")


def test_corrupt_records(tmp_path):
    path = tmp_path / "records"
    path.write_bytes(b"\x05" + bytes(20))
    with pytest.raises(tf.errors.DataLossError, match="corrupted"):
        values(tf.data.TFRecordDataset(str(path)))


@pytest.mark.parametrize(("raised", "error"), [
    (ValueError, tf.errors.InvalidArgumentError), (ZeroDivisionError, tf.errors.UnknownError),
])  # fmt: skip
def test_what_a_generator_raises_is_tensorflows(raised, error):
    def elements():
        yield 1
        raise raised("broken")

    dataset = iter(tf.data.Dataset.from_generator(elements, output_signature=tf.TensorSpec([], tf.int32)))
    assert int(next(dataset)) == 1
    with pytest.raises(error, match="broken"):
        next(dataset)


#: cycle_length, block_length, and what TensorFlow 2.21 gives for datasets of growing, shrinking and some empty ranges.
INTERLEAVED = [
    (1, 1, [1, 2, 2, 3, 3, 3], [1, 1, 1, 2, 2, 3], [0, 0, 1, 0, 1, 2]),
    (2, 1, [1, 2, 2, 3, 3, 3], [1, 2, 1, 2, 1, 3], [0, 0, 1, 0, 1, 2]),
    (2, 2, [1, 2, 2, 3, 3, 3], [1, 1, 2, 2, 1, 3], [0, 0, 1, 0, 1, 2]),
    (3, 1, [1, 2, 3, 2, 3, 3], [1, 2, 3, 1, 2, 1], [0, 0, 0, 1, 1, 2]),
    (5, 2, [1, 2, 2, 3, 3, 3], [1, 1, 2, 2, 3, 1], [0, 0, 1, 0, 1, 2]),
]


@pytest.mark.parametrize("cycle, block, growing, shrinking, some_empty", INTERLEAVED)
def test_interleave_fills_a_place_when_its_turn_comes_again(cycle, block, growing, shrinking, some_empty):
    def interleaved(source, function):
        return values(source.interleave(function, cycle_length=cycle, block_length=block))

    assert interleaved(Dataset.range(4), lambda x: Dataset.from_tensors(x).repeat(x)) == growing
    assert interleaved(Dataset.range(1, 4), lambda x: Dataset.from_tensors(x).repeat(4 - x)) == shrinking
    assert interleaved(Dataset.range(4), lambda x: Dataset.range(x)) == some_empty


def test_functions_that_give_datasets_are_traced_once(capsys):
    def given(x):
        print("traced")
        return Dataset.range(x * 2 if x > 1 else x)

    dataset = Dataset.range(4).flat_map(given)
    assert values(dataset) == [0, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5]
    assert capsys.readouterr().out == "traced\n"
    assert list(Dataset.range(0).flat_map(lambda x: Dataset.range(x))) == []
    with pytest.raises(TypeError, match=r"must return a `tf.data.Dataset` object but its return type is TensorSpec"):
        Dataset.range(3).flat_map(lambda x: x)
