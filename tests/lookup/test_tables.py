"""Lookup tables give what TensorFlow's give: eagerly, in functions, sessions and datasets, and through checkpoints."""

import json
from pathlib import Path

import numpy as np
import pytest

import duoflow as tf
from tests.golden import record_lookup as recorder

RECORDED = json.loads((Path(recorder.__file__).parent / "lookup.json").read_text(encoding="utf-8"))
v1 = tf.compat.v1


@pytest.mark.parametrize("expression", recorder.EXPRESSIONS)
def test_same_as_tensorflow(expression, tmp_path):
    assert recorder.outcome(tf, expression, tmp_path) == RECORDED[expression]


def pair(keys=("a", "b"), values=(1, 2)):
    return tf.lookup.KeyValueTensorInitializer(list(keys), list(values), value_dtype=tf.int64)


# -- functions and datasets --------------------------------------------------------------------------------------------


def test_functions_look_up_in_tables_from_outside_and_in_their_own():
    table, seen = tf.lookup.StaticHashTable(pair(), -1), []

    @tf.function
    def both(keys):
        own = tf.lookup.StaticVocabularyTable(pair(["x"], [0]), 2)
        seen.append(own)
        return table.lookup(keys), own.lookup(keys)

    found, ids = both(tf.constant(["a", "z"]))
    assert found.numpy().tolist() == [1, -1] and set(ids.numpy()) <= {1, 2}
    assert both(tf.constant(["b", "x"]))[1].numpy()[1] == 0 and len(seen) == 1


def test_changes_in_functions_are_made_in_program_order():
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, 0)

    @tf.function
    def count(words):
        for word in words:
            table.insert(word, table.lookup(word) + 1)
        before = table.size()
        table.remove(tf.constant("the"))
        return before, table.size()

    assert [int(n) for n in count(tf.constant(["the", "cat", "the"]))] == [2, 1]
    assert [int(n) for n in count(tf.constant(["the", "cat", "dog"]))] == [3, 2]
    assert dict(zip(*[part.numpy().tolist() for part in table.export()], strict=True)) == {b"cat": 2, b"dog": 1}


def test_datasets_look_up():
    table = tf.lookup.StaticHashTable(pair(), -1)
    words = tf.data.Dataset.from_tensor_slices(["a", "z", "b"])
    assert [int(x) for x in words.map(table.lookup)] == [1, -1, 2]
    assert [x.numpy().tolist() for x in words.batch(2).map(lambda x: table[x])] == [[1, -1], [2]]


# -- sessions ----------------------------------------------------------------------------------------------------------


def test_sessions_initialise_tables_each_for_itself():
    with tf.Graph().as_default() as graph:
        table = v1.lookup.StaticHashTable(pair(), -1)
        found = table.lookup(tf.constant(["a", "z"]))
        assert graph.get_collection(v1.GraphKeys.TABLE_INITIALIZERS) == [table.initializer]
        assert (table.name, table.initializer.name, found.name) == (
            "hash_table", "key_value_init/LookupTableImportV2", "hash_table_Lookup/LookupTableFindV2:0",
        )  # fmt: skip
        with v1.Session() as session:
            with pytest.raises(tf.errors.FailedPreconditionError, match="Table not initialized"):
                session.run(found)
            session.run(v1.tables_initializer())
            session.run(v1.tables_initializer())
            assert session.run(found).tolist() == [1, -1]
        with v1.Session() as session, pytest.raises(tf.errors.FailedPreconditionError):
            session.run(found)


def test_datasets_of_sessions_look_up():
    with tf.Graph().as_default(), v1.Session() as session:
        table = v1.lookup.StaticVocabularyTable(pair(["a", "b"], [0, 1]), 1)
        data = tf.data.Dataset.from_tensor_slices(["b", "z"]).map(table.lookup)
        with pytest.raises(ValueError, match="make_initializable_iterator"):
            v1.data.make_one_shot_iterator(data)
        iterator = v1.data.make_initializable_iterator(data)
        following = iterator.get_next()
        session.run([table.initializer, iterator.initializer])
        assert [int(session.run(following)) for _ in range(2)] == [1, 2]


def test_monitored_sessions_initialise_tables():
    with tf.Graph().as_default():
        found = v1.lookup.StaticHashTable(pair(), -1).lookup(tf.constant("b"))
        with v1.train.MonitoredTrainingSession() as session:
            assert session.run(found) == 2


def test_files_of_tables_are_assets(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("a\nb\n")
    with tf.Graph().as_default() as graph, v1.Session() as session:
        whole, number = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
        init = tf.lookup.TextFileInitializer(str(path), tf.string, whole, tf.int64, number)
        table = v1.lookup.StaticHashTable(init, -1)
        session.run(table.initializer)
        assert session.run(table.lookup(tf.constant(["b"]))).tolist() == [1]
        assert [session.run(t).decode() for t in graph.get_collection("asset_filepaths")] == [str(path)]


# -- checkpoints -------------------------------------------------------------------------------------------------------


def test_checkpoints_keep_tables_that_change(tmp_path):
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.float32, [0.0, 0.0])
    dense = tf.lookup.experimental.DenseHashTable(tf.int64, tf.int64, -1, empty_key=0, deleted_key=-2)
    checkpoint = tf.train.Checkpoint(table=table, dense=dense)
    table.insert(["a"], [[1.0, 2.0]])
    dense.insert([4], [5])
    path = checkpoint.save(tmp_path / "ckpt")
    assert [name for name, _ in tf.train.list_variables(path) if "table-" in name] == [
        f"{owner}/.ATTRIBUTES/table-{part}" for owner in ("dense", "table") for part in ("keys", "values")
    ]
    table.insert(["a", "b"], [[9.0, 9.0], [9.0, 9.0]])
    dense.remove([4])
    checkpoint.restore(path).assert_consumed()
    assert table.export()[1].numpy().tolist() == [[1, 2]] and dense.lookup([4]).numpy().tolist() == [5]


def test_savers_keep_tables_that_change(tmp_path):
    with tf.Graph().as_default():
        table = v1.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
        fill = table.insert(["a", "b"], [1, 2])
        found = table.lookup(["a", "b"])
        saver = v1.train.Saver()
        with v1.Session() as session:
            session.run(fill)
            path = saver.save(session, str(tmp_path / "m"), write_meta_graph=False)
        assert tf.train.list_variables(path) == [("MutableHashTable-keys", [2]), ("MutableHashTable-values", [2])]
        with v1.Session() as session:
            assert session.run(found).tolist() == [-1, -1]
            saver.restore(session, path)
            assert session.run(found).tolist() == [1, 2]


def test_meta_graphs_hold_tables(tmp_path):
    with tf.Graph().as_default(), v1.Session() as session:
        words = v1.placeholder(tf.string, [None], name="words")
        tf.identity(v1.lookup.StaticVocabularyTable(pair(["a", "b"], [0, 1]), 2).lookup(words), name="ids")
        vectors = v1.lookup.experimental.MutableHashTable(tf.string, tf.float32, [0.0, 1.0], name="vectors")
        dense = v1.lookup.experimental.DenseHashTable(tf.int64, tf.int64, -1, 0, -2, name="dense")
        tf.identity(vectors.lookup(["q", "r"]), name="found")
        tf.identity(dense.lookup([4, 5]), name="sparse")
        names = ["ids:0", "found:0", "sparse:0"]
        session.run([v1.tables_initializer(), vectors.insert(["q"], [[3.0, 4.0]]), dense.insert([4], [5])])
        expected = [x.tolist() for x in session.run(names, {words: ["b", "zz"]})]
        path = v1.train.Saver().save(session, str(tmp_path / "m"))
    for scope in (None, "inner"):
        with tf.Graph().as_default(), v1.Session() as session:
            v1.train.import_meta_graph(f"{path}.meta", import_scope=scope).restore(session, path)
            session.run(v1.tables_initializer())
            prefix = f"{scope}/" if scope else ""
            found = session.run([prefix + name for name in names], {f"{prefix}words:0": ["b", "zz"]})
            assert [x.tolist() for x in found] == expected


# -- tf.contrib --------------------------------------------------------------------------------------------------------


def contrib_tables(tmp_path):
    path = str(tmp_path / "words.txt")
    Path(path).write_text("emerson\nlake\npalmer\n")
    look, words = v1.contrib.lookup, tf.constant(["lake", "king"])
    ids = tf.constant([1, 7], tf.int64)
    strong = look.StrongHashSpec([1, 2])
    return {
        "tensor": (look.index_table_from_tensor(["emerson", "lake"], default_value=-1).lookup(words), [1, -1]),
        "buckets": (look.index_table_from_tensor(tf.constant(["emerson", "lake"]), 1).lookup(words), [1, 2]),
        "integers": (look.index_table_from_tensor([10, 20], 1, dtype=tf.int64).lookup(20 * ids), [1, 2]),
        "file": (look.index_table_from_file(path, vocab_size=2).lookup(words), [1, -1]),
        "strong": (look.index_table_from_file(path, 1, hasher_spec=strong).lookup(words), [1, 3]),
        "words": (look.index_to_string_table_from_tensor(["a", "b"]).lookup(ids), [b"b", b"UNK"]),
        "lines": (look.index_to_string_table_from_file(path, default_value="?").lookup(ids), [b"lake", b"?"]),
        "table": (look.HashTable(pair(["lake"], [3]), -1).lookup(words), [3, -1]),
        "direct": (look.string_to_index(words, ["lake"]), [0, -1]),
        "back": (look.index_to_string(ids, tf.constant(["a", "b"])), [b"b", b"UNK"]),
    }


def test_contrib_makes_vocabularies(tmp_path):
    with tf.Graph().as_default(), v1.Session() as session:
        cases = contrib_tables(tmp_path)
        session.run(v1.tables_initializer())
        for name, (tensor, expected) in cases.items():
            assert session.run(tensor).tolist() == expected, name


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda look: look.index_table_from_tensor(None), ValueError),
        (lambda look: look.index_table_from_tensor(["a"], num_oov_buckets=-1), ValueError),
        (lambda look: look.index_table_from_tensor(["a"], dtype=tf.int64), TypeError),
        (lambda look: look.index_table_from_file(""), ValueError),
        (lambda look: look.index_table_from_file("f", vocab_size=0), ValueError),
        (lambda look: look.index_to_string_table_from_tensor(None), ValueError),
        (lambda look: look.IdTableWithHashBuckets(None, 0), ValueError),
        (lambda look: look.IdTableWithHashBuckets(None, 2, hasher_spec="fast"), TypeError),
        (lambda look: look.StrongHashSpec([1]), ValueError),
    ],
)
def test_contrib_refuses(call, kind):
    with pytest.raises(kind):
        call(v1.contrib.lookup)


def test_values_of_many_keys_keep_their_dtype():
    keys = np.arange(1000)
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, keys * 0.5), -1.0)
    found = table.lookup(tf.constant(keys[::-1].reshape(10, 100)))
    assert found.dtype == tf.float64 and found.shape == (10, 100)
    np.testing.assert_array_equal(found.numpy().ravel(), keys[::-1] * 0.5)
