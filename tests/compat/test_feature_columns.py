"""Feature columns, input layers and linear models give TensorFlow's numbers, variables and errors."""

import json
from pathlib import Path

import numpy as np
import pytest

import duoflow
import duoflow.compat.v1 as tf
from tests.golden import record_feature_columns as recorder

RECORDED = json.loads((Path(recorder.__file__).parent / "feature_columns.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("kind", "expression"), [(kind, e) for kind in ("dense", "linear") for e in RECORDED[kind]])
def test_same_as_tensorflow(kind, expression):
    ours, theirs = recorder.outcome(tf, kind, expression), RECORDED[kind][expression]
    np.testing.assert_allclose(ours.pop("values"), theirs["values"], rtol=1e-5, atol=1e-7)
    assert ours == {name: theirs[name] for name in ours}


@pytest.mark.parametrize("expression", recorder.WRONG)
def test_refused_as_by_tensorflow(expression):
    assert recorder.outcome(tf, "wrong", expression) == RECORDED["wrong"][expression]


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as made:
        yield made


def run(session, tensor):
    session.run([tf.global_variables_initializer(), tf.tables_initializer()])
    return session.run(tensor)


def test_files_are_vocabularies(session, tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("a\nb\nc\n")
    columns = [
        tf.feature_column.categorical_column_with_vocabulary_file("words", str(path), *size) for size in ((), (2,))
    ]
    both = duoflow.feature_column.categorical_column_with_vocabulary_file("words", str(path), num_oov_buckets=2)
    assert [c.num_buckets for c in (*columns, both)] == [3, 2, 5]
    words = {"words": tf.constant([["c", "x"], ["", "a"]])}
    found = [tf.feature_column.input_layer(words, tf.feature_column.indicator_column(c)) for c in (*columns, both)]
    three, two, five = run(session, found)
    assert three.tolist() == [[0, 0, 1], [1, 0, 0]] and two.tolist() == [[0, 0], [1, 0]]
    assert five[1].tolist() == [1, 0, 0, 0, 0] and five[0, 2] == five[0, 3:].sum() == 1


def test_ids_out_of_range_are_an_error_when_it_runs(session):
    column = tf.feature_column.categorical_column_with_identity("ids", 3)
    layer = tf.feature_column.input_layer({"ids": tf.constant([1, 3])}, tf.feature_column.indicator_column(column))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"ids must be in \[0, 3\)"):
        session.run(layer)


def test_tables_start_from_checkpoints_and_columns_say_what_they_made(session, tmp_path):
    start = np.arange(6.0, dtype="f").reshape(3, 2)
    with tf.Graph().as_default(), tf.Session() as other:
        table = tf.get_variable("words/table", initializer=start)
        other.run(table.initializer)
        path = tf.train.Saver().save(other, str(tmp_path / "m"), write_meta_graph=False)
    ids = tf.feature_column.categorical_column_with_identity("ids", 3)
    column = tf.feature_column.embedding_column(ids, 2, ckpt_to_load_from=path, tensor_name_in_ckpt="words/table")
    variables, outputs = {}, {}
    layer = tf.feature_column.input_layer(
        {"ids": tf.constant([2, 0])}, [column], cols_to_vars=variables, cols_to_output_tensors=outputs
    )
    assert run(session, layer).tolist() == start[[2, 0]].tolist()
    assert variables == {column: tf.global_variables()} and list(outputs) == [column]


def test_linear_models_of_several_units_say_what_they_made(session):
    price, made = tf.feature_column.numeric_column("price"), {}
    logits = tf.feature_column.linear_model({"price": tf.constant([2.0])}, [price], units=3, cols_to_vars=made)
    assert [v.name for v in (*made[price], *made["bias"])] == [
        "linear_model/price/weights:0", "linear_model/bias_weights:0",
    ]  # fmt: skip
    assert run(session, logits).tolist() == [[0, 0, 0]]


def test_columns_say_how_examples_are_parsed():
    columns = duoflow.feature_column
    price = columns.numeric_column("price", 2, default_value=1.5)
    words = columns.categorical_column_with_hash_bucket("words", 10)
    crossed = columns.crossed_column(["words", columns.bucketized_column(price, [1])], 10)
    spec = columns.make_parse_example_spec([price, columns.indicator_column(words), crossed])
    assert spec == {
        "price": tf.FixedLenFeature((2,), tf.float32, (1.5, 1.5)), "words": tf.VarLenFeature(tf.string),
    }  # fmt: skip
    weighted = columns.weighted_categorical_column(words, "w")
    assert columns.make_parse_example_spec([weighted])["w"] == tf.VarLenFeature(tf.float32)
