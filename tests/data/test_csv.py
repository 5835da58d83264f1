"""CSV files as datasets; values and errors are TensorFlow 2.21's."""

import pytest

import duoflow as tf

CsvDataset = tf.data.experimental.CsvDataset
TEXT = 'survived,sex,age,fare\n0,male,22.0,7\n1,female,38.0,71.5\n1,"fe,\nmale",26,8\n0,male,,9\n'


@pytest.fixture
def path(tmp_path):
    (tmp_path / "people.csv").write_text(TEXT)
    return str(tmp_path / "people.csv")


def rows(dataset):
    return [tuple(part.numpy() for part in row) for row in dataset]


def test_rows_have_the_columns_that_are_wanted(path):
    every = CsvDataset(path, [tf.int32, tf.string, -1.0, tf.float32], header=True)
    assert rows(every) == [(0, b"male", 22, 7), (1, b"female", 38, 71.5), (1, b"fe,\nmale", 26, 8), (0, b"male", -1, 9)]
    assert repr(every).startswith("<CsvDatasetV2 element_spec=(TensorSpec(shape=(), dtype=tf.int32")
    chosen = CsvDataset([path], [tf.int32, tf.float32], header=True, select_cols=[0, 3])
    rest = CsvDataset([path, path], [tf.int32, tf.float32], header=True, exclude_cols=[1, 2])
    assert rows(chosen) * 2 == rows(rest) and rows(chosen)[1] == (1, 71.5)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"record_defaults": [tf.int32, tf.string, tf.float32, tf.float32]}, "Field 2 is required but missing"),
        ({"record_defaults": [tf.int32]}, "Expect 1 fields but have 4"),
        ({"record_defaults": [tf.int32, tf.int32, 0.0, 0.0]}, "Field 1 in record is not a valid int32: male"),
        ({"record_defaults": [0.0, 0], "select_cols": [3, 0]}, "select_cols should be strictly increasing"),
        ({"record_defaults": [0], "select_cols": [0], "exclude_cols": [1]}, "Either select_cols or exclude_cols"),
    ],
)
def test_what_is_wrong_is_named(path, arguments, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        rows(CsvDataset(path, header=True, **arguments))


def batches(path, **arguments):
    made = tf.data.experimental.make_csv_dataset(path, 2, num_epochs=1, shuffle=False, **arguments)
    return [tf.nest.map_structure(lambda t: t.numpy().tolist(), batch) for batch in made]


def test_batches_are_dicts_of_columns(tmp_path):
    path = str(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("id,size,name,big\n1,2.5,a,9999999999\n2,,b,1\n3,4,,\n")
    assert batches(path) == [
        {"id": [1, 2], "size": [2.5, 0.0], "name": [b"a", b"b"], "big": [9999999999, 1]},
        {"id": [3], "size": [4.0], "name": [b""], "big": [0]},
    ]
    labelled = batches(path, label_name="id", select_columns=["size", "id"], column_defaults=[0.0, 1.5])
    assert labelled[0] == ({"size": [2.5, 1.5]}, [1.0, 2.0])
    assert list(batches(path, column_names=list("abcd"))[0]) == list("abcd")
    dtypes = tf.data.experimental.make_csv_dataset(path, 2).element_spec
    assert [spec.dtype.name for spec in dtypes.values()] == ["int32", "float32", "string", "int64"]


def test_what_a_table_does_not_have(path, tmp_path):
    for arguments, message in (
        ({"label_name": "zz"}, "`label_name` provided must be one of the columns"),
        ({"select_columns": ["zz"]}, "`select_columns` must be among"),
        ({"column_names": ["a", "a", "b", "c"]}, "duplicate column names"),
    ):
        with pytest.raises(ValueError, match=message):
            batches(path, **arguments)
    with pytest.raises(ValueError, match="No files match"):
        batches(str(tmp_path / "none*"))


def test_records_may_be_decoded_in_functions():
    decode = tf.function(lambda records: tf.io.decode_csv(records, [[0], tf.constant([], tf.string)], field_delim=";"))
    numbers, texts = decode(tf.constant(["1;a", ";b"]))
    assert numbers.numpy().tolist() == [1, 0] and texts.numpy().tolist() == [b"a", b"b"]
    for record, message in (
        ("1", "Expect 2 fields but have 1 in record 0"),
        ("1;", "Field 1 is required but missing in record 0"),
        ('1;a"', "Unquoted fields cannot have quotes"),
        ('1;"a', "Quoted field has to end with quote"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            decode(tf.constant([record]))
