"""Variables in parts: cutting, names, values, checkpoints. Names, counts and the file are TensorFlow's."""

from pathlib import Path

import numpy as np
import pytest

import duoflow
from duoflow.formats.slices import slice_key
from duoflow.formats.table import read_table
from tests.compat.partitioned import VALUE, variables

tf = duoflow.compat.v1
GOLDEN = Path(__file__).parent.parent / "golden" / "partitioned"


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


@pytest.mark.parametrize(
    ("partitioner", "expected"),
    [
        (tf.fixed_size_partitioner(3), [[3, 1], [3, 1], [3], [3, 1]]),
        (tf.variable_axis_size_partitioner(64), [[2, 1], [100, 1], [1], [75000, 1]]),
        (tf.variable_axis_size_partitioner(64, max_shards=2), [[2, 1], [2, 1], [1], [2, 1]]),
        (tf.min_max_variable_partitioner(4, min_slice_size=16), [[4, 1], [4, 1], [2], [4, 1]]),
        (tf.min_max_variable_partitioner(8), [[1, 1], [2, 1], [1], [8, 1]]),
        (tf.min_max_variable_partitioner(3, min_slice_size=100), [[1, 1], [3, 1], [1], [3, 1]]),
    ],
)
def test_partitioners_cut_as_tensorflows(partitioner, expected):
    dims = [[7, 3], [100, 1000], [5], [300000, 4]]
    found = [partitioner(shape=duoflow.TensorShape(d), dtype=tf.float32) for d in dims]
    assert found == expected
    assert tf.variable_axis_size_partitioner(64)(shape=duoflow.TensorShape([7, 3]), dtype=tf.string) == [7, 1]


def test_parts_are_variables_and_one_tensor():
    w, c, v, big, step = variables(tf)
    assert [p.name for p in w] == ["s/w/part_0:0", "s/w/part_1:0", "s/w/part_2:0"] and len(w) == 3
    assert [p.shape for p in w] == [(3, 2), (2, 2), (2, 2)] and (w.name, w.shape, w.dtype) == (
        "s/w",
        (7, 2),
        tf.float32,
    )
    assert [p.shape for p in v] == [(2, 2), (2, 2)] and c.name == "s/c:0" and w.as_tensor().name.startswith("s/w")
    names = [x.name for x in tf.global_variables()]
    assert names[:8] == [*(p.name for p in w), "s/c:0", *(p.name for p in v), *(p.name for p in big)]
    assert "s/w/part_1/Adam_1:0" in names
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(tf.convert_to_tensor(w)).tolist() == VALUE.tolist()
        rows = tf.nn.embedding_lookup(w, [0, 3, 6], partition_strategy="div")
        assert session.run(rows).tolist() == VALUE[[0, 3, 6]].tolist()
        session.run(step)
        np.testing.assert_allclose(session.run(tf.matmul([[1.0] * 7], w)), [[42 - 0.6, 49 - 0.7]], rtol=1e-6)
        session.run(w.assign(VALUE * 2))
        session.run(v.assign_add(tf.ones([2, 4])))
        assert session.run(w.as_tensor()).tolist() == (VALUE * 2).tolist()


def test_checkpoints_are_tensorflows(tmp_path):
    w, _, v, _, step = variables(tf)
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step)
        path = saver.save(session, str(tmp_path / "m"), write_meta_graph=False)
        before = session.run([w.as_tensor(), v.as_tensor()])
        theirs = dict(read_table((GOLDEN / "m.index").read_bytes(), "theirs"))
        ours = dict(read_table(Path(f"{path}.index").read_bytes(), "ours"))
        assert set(ours) == set(theirs)
        for name, shape in tf.train.list_variables(str(GOLDEN / "m")):
            assert tf.train.load_variable(path, name).shape == tuple(shape)
            expected = tf.train.load_variable(str(GOLDEN / "m"), name)
            np.testing.assert_allclose(tf.train.load_variable(path, name), expected, rtol=1e-6, atol=1e-7)
        session.run(tf.global_variables_initializer())
        saver.restore(session, str(GOLDEN / "m"))
        for found, expected in zip(session.run([w.as_tensor(), v.as_tensor()]), before, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


def test_parts_and_wholes_restore_each_other(tmp_path):
    w = tf.get_variable("w", initializer=tf.constant(VALUE), partitioner=tf.fixed_size_partitioner(3))
    other = tf.get_variable(
        "other", [7, 2], initializer=tf.zeros_initializer(), partitioner=tf.fixed_size_partitioner(2)
    )
    whole = tf.get_variable("whole", [7, 2])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver({"w": w}).save(session, str(tmp_path / "m"), write_meta_graph=False)
        assert tf.train.list_variables(path) == [("w", [7, 2])]
        tf.train.Saver({"w": whole}).restore(session, path)
        assert session.run(whole).tolist() == VALUE.tolist()
        back = tf.train.Saver({"w": whole}).save(session, str(tmp_path / "n"), write_meta_graph=False)
        tf.train.Saver({"w": list(other)}).restore(session, back)
        assert session.run(other.as_tensor()).tolist() == VALUE.tolist()
        wrong = tf.get_variable("wrong", [6, 2], partitioner=tf.fixed_size_partitioner(2))
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[6, 2\]"):
            tf.train.Saver({"w": wrong}).restore(session, path)
        with pytest.raises(ValueError, match="not parts of one"):
            tf.train.Saver({"w": [whole, whole]})


def test_meta_graphs_know_of_parts(tmp_path):
    w = tf.get_variable("w", initializer=tf.constant(VALUE), partitioner=tf.fixed_size_partitioner(3))
    total = tf.reduce_sum(w, name="total")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        expected = session.run(total)
        path = tf.train.Saver().save(session, str(tmp_path / "m"))
    for scope in (None, "inner"):
        with tf.Graph().as_default(), tf.Session() as session:
            saver = tf.train.import_meta_graph(f"{path}.meta", import_scope=scope)
            saver.restore(session, path)
            assert session.run(f"{scope}/total:0" if scope else "total:0") == expected


def test_a_lost_part_is_damage(tmp_path):
    for name in ("m.index", "m.data-00000-of-00001"):
        (tmp_path / name).write_bytes((GOLDEN / name).read_bytes())
    data = (tmp_path / "m.data-00000-of-00001").read_bytes()
    (tmp_path / "m.data-00000-of-00001").write_bytes(data[:-8])
    with pytest.raises(tf.errors.DataLossError):
        tf.train.load_variable(str(tmp_path / "m"), "v/Adam_1")
    assert tf.train.load_variable(str(tmp_path / "m"), "s/w").shape == (7, 2)


def test_keys_of_parts_are_in_order():
    starts = [0, 1, 63, 64, 100, 8191, 8192, 10**6, 2**40]
    keys = [slice_key("x", [s], [1]) for s in starts]
    assert keys == sorted(keys) and slice_key("a\0b", [], []) == b"\0a\0\xffb\0\1\0"
    assert slice_key("w", [10000], [10000]) == b"\0w\0\1\1\1\xe0'\x10\xe0'\x10"


def test_layers_and_functions_that_ask_are_cut_too():
    def start(shape, dtype=None, partition_info=None):
        first = partition_info.var_offset[0]
        return tf.range(float(first), float(first + shape[0])) + 0.0 * partition_info.full_shape[0]

    numbers = tf.get_variable("numbers", [5], initializer=start, partitioner=tf.fixed_size_partitioner(2))
    with tf.variable_scope("dense", partitioner=tf.fixed_size_partitioner(2)):
        layer = tf.layers.Dense(4)
        outputs = layer(tf.ones([2, 6]))
    assert [v.name for v in layer.weights] == [
        f"dense/dense/{name}/part_{i}:0" for name in ("kernel", "bias") for i in range(2)
    ]  # fmt: skip
    parts = tf.create_partitioned_variables([6, 2], [3, 1], tf.ones_initializer(), name="cp")
    assert [(v.name, v.shape.as_list()) for v in parts] == [(f"cp/part_{i}:0", [2, 2]) for i in range(3)]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(numbers.as_tensor()).tolist() == [0, 1, 2, 3, 4] and session.run(outputs).shape == (2, 4)


def test_scopes_share_what_is_cut():
    cut = tf.fixed_size_partitioner(3)
    w = tf.get_variable("w", [7, 2], partitioner=cut)
    with tf.variable_scope("", reuse=True):
        assert tf.get_variable("w", [7, 2], partitioner=cut) is w
        with pytest.raises(ValueError, match="found shape"):
            tf.get_variable("w", [8, 2], partitioner=cut)
        with pytest.raises(ValueError, match="does not exist"):
            tf.get_variable("other", [8, 2], partitioner=cut)
    with pytest.raises(ValueError, match="already exists"):
        tf.get_variable("w", [7, 2], partitioner=cut)
    with pytest.raises(ValueError, match="No partitioner was provided"):
        tf.get_variable("w", [7, 2])


@pytest.mark.parametrize("counts", [[2, 2], [2], [0, 1], 3])
def test_refuses_to_cut(counts):
    with pytest.raises(ValueError):
        tf.get_variable("z", [3, 3], partitioner=lambda shape, dtype: counts)
    with pytest.raises(ValueError, match="positive"):
        tf.variable_axis_size_partitioner(0)
