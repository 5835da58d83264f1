"""Checkpoints of objects: TensorFlow's are restored here, ours hold the same names; late parts, statuses, managers."""

import json
from pathlib import Path

import numpy as np
import pytest

import duoflow as tf
from tests.golden.record_checkpoint import everything, values

GOLDEN = Path(__file__).parent.parent / "golden" / "objects"
FACTS = json.loads((GOLDEN / "facts.json").read_text(encoding="utf-8"))


def assert_values(objects: dict) -> None:
    got = values(objects)
    assert got.keys() == FACTS["values"].keys()
    for name, value in FACTS["values"].items():
        np.testing.assert_array_equal(got[name], value, err_msg=name)


def test_what_tensorflow_wrote_is_restored():
    objects = everything(tf, 5)
    checkpoint = tf.train.Checkpoint(**objects)
    checkpoint.restore(tf.train.latest_checkpoint(str(GOLDEN))).assert_consumed()
    assert_values(objects)
    assert int(checkpoint.save_counter) == 1


def test_ours_has_the_keys_of_tensorflows(tmp_path):
    path = tf.train.Checkpoint(**everything(tf, 3)).save(tmp_path / "here")
    assert [name for name, _ in tf.train.list_variables(path)] == FACTS["keys"]
    lines = ['model_checkpoint_path: "here-1"', 'all_model_checkpoint_paths: "here-1"']
    assert (tmp_path / "checkpoint").read_text().splitlines() == lines


def test_what_is_built_later_is_restored_then():
    net, optimizer = type(everything(tf, 5)["net"])(), tf.keras.optimizers.Adam(0.5)
    status = tf.train.Checkpoint(net=net, optimizer=optimizer).restore(str(GOLDEN / "tf-1")).expect_partial()
    assert float(optimizer.learning_rate) == np.float32(0.1)  # it exists already
    net(np.array([[1, 2]]))
    np.testing.assert_array_equal(net.dense.kernel, FACTS["values"]["net/1"])
    optimizer.build(net.trainable_variables)
    for i, variable in enumerate(optimizer.variables):
        np.testing.assert_array_equal(variable, FACTS["values"][f"optimizer/{i}"])
    status.assert_existing_objects_matched()


def test_attributes_set_later_are_restored(tmp_path):
    saved = tf.train.Checkpoint(layer=tf.train.Checkpoint(kernel=tf.Variable([1.0, 2.0]), bias=tf.Variable(3.0)))
    path = saved.write(tmp_path / "ckpt")
    bias, kernel = tf.Variable(0.0), tf.Variable([0.0, 0.0])
    layer = tf.train.Checkpoint(bias=bias)
    status = tf.train.Checkpoint(layer=layer).read(path)
    with pytest.raises(AssertionError, match=r"Unresolved object in checkpoint \(root\).layer.kernel"):
        status.assert_consumed()
    layer.kernel = kernel
    assert kernel.numpy().tolist() == [1.0, 2.0]
    status.assert_consumed()
    layer.kernel.assign([5.0, 5.0])
    layer.other = tf.Variable(1.0)
    assert kernel.numpy().tolist() == [5.0, 5.0], "what was restored once is the program's"
    with pytest.raises(AssertionError, match="Found 1 Python objects that were not bound"):
        status.assert_existing_objects_matched()


def test_a_module_in_a_list_of_a_module_waits_too(tmp_path):
    def tree(value):
        module, inner = tf.Module(), tf.Module()
        module.parts = [inner]
        return module, inner, tf.Variable(value)

    module, inner, v = tree(4.0)
    inner.v = v
    path = tf.train.Checkpoint(module).write(tmp_path / "ckpt")
    module, inner, v = tree(0.0)
    tf.train.Checkpoint(module).read(path)
    inner.v = v
    assert float(v) == 4.0


class Notes(tf.train.experimental.PythonState):
    def __init__(self):
        self.lines = []

    def serialize(self):
        return json.dumps(self.lines)

    def deserialize(self, string_value):
        self.lines = json.loads(string_value)


def test_python_state_and_iterators(tmp_path):
    notes, iterator = Notes(), iter(tf.data.Dataset.range(9))
    notes.lines.append("é")
    next(iterator), next(iterator)
    path = tf.train.Checkpoint(notes=notes, iterator=iterator).save(tmp_path / "ckpt")
    fresh, again = Notes(), iter(tf.data.Dataset.range(9))
    tf.train.Checkpoint(notes=fresh, iterator=again).restore(path).assert_consumed()
    assert fresh.lines == ["é"]
    assert int(next(again)) == 2


def test_files_of_sessions_are_restored_by_name(tmp_path):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        v = tf.compat.v1.get_variable("scope/v", initializer=[1.0, 2.0])
        session.run(v.initializer)
        path = tf.compat.v1.train.Saver([v]).save(session, str(tmp_path / "old"))
    w = tf.Variable([0.0, 0.0], name="scope/v")
    tf.train.Checkpoint(w=w).read(path).assert_consumed()
    assert w.numpy().tolist() == [1.0, 2.0]


def test_errors(tmp_path):
    path = tf.train.Checkpoint(v=tf.Variable([1.0, 2.0])).write(tmp_path / "ckpt")
    with pytest.raises(ValueError, match="incompatible tensor with shape"):
        tf.train.Checkpoint(v=tf.Variable([1.0])).read(path)
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected dtype int32 does not equal"):
        tf.train.Checkpoint(v=tf.Variable([1, 2])).read(path)
    with pytest.raises(tf.errors.NotFoundError, match="You may be missing the checkpoint suffix"):
        tf.train.Checkpoint().restore(str(tmp_path / "absent"))
    with pytest.raises(ValueError, match="trackable object"):
        tf.train.Checkpoint(v=3.0)
    with pytest.raises(AssertionError, match="No checkpoint specified"):
        tf.train.Checkpoint().restore(None).assert_consumed()
    with pytest.raises(ValueError, match="non-string key"):
        tf.train.Checkpoint(d={1: tf.Variable(1.0)}).write(tmp_path / "ckpt")
    with pytest.raises(AssertionError, match="Nothing except the root"):
        tf.train.Checkpoint(w=tf.Variable(1.0)).read(path).expect_partial().assert_nontrivial_match()


def test_unused_values_are_reported_unless_expected(tmp_path, caplog):
    path = tf.train.Checkpoint(v=tf.Variable(1.0), w=tf.Variable(2.0)).write(tmp_path / "ckpt")
    tf.train.Checkpoint(v=tf.Variable(1.0)).read(path).expect_partial()
    assert not caplog.records


class TestManager:
    def saved(self, folder, **options):
        step = tf.Variable(0)
        manager = tf.train.CheckpointManager(tf.train.Checkpoint(step=step), folder, step_counter=step, **options)
        return step, manager

    def test_the_latest_are_kept(self, tmp_path):
        step, manager = self.saved(tmp_path, max_to_keep=2)
        for _ in range(4):
            step.assign_add(10)
            manager.save()
        assert [Path(p).name for p in manager.checkpoints] == ["ckpt-3", "ckpt-4"]
        assert sorted(p.name for p in tmp_path.glob("*.index")) == ["ckpt-3.index", "ckpt-4.index"]
        assert manager.latest_checkpoint == tf.train.latest_checkpoint(tmp_path)

    def test_a_later_manager_goes_on(self, tmp_path):
        step, manager = self.saved(tmp_path, max_to_keep=2)
        for _ in range(2):
            step.assign_add(10)
            manager.save()
        step, manager = self.saved(tmp_path, max_to_keep=2)
        assert manager.restore_or_initialize() == manager.latest_checkpoint
        assert int(step) == 20
        assert Path(manager.save()).name == "ckpt-3"
        assert [Path(p).name for p in manager.checkpoints] == ["ckpt-2", "ckpt-3"]

    def test_steps_between(self, tmp_path):
        step, manager = self.saved(tmp_path, max_to_keep=None, checkpoint_interval=3)
        saved = []
        for _ in range(7):
            step.assign_add(1)
            saved.append(manager.save() is not None)
        assert saved == [True, False, False, True, False, False, True]
        assert manager.save(check_interval=False) is None

    def test_nothing_to_restore(self, tmp_path):
        called = []
        _, manager = self.saved(tmp_path, max_to_keep=1, init_fn=lambda: called.append(1))
        assert manager.restore_or_initialize() is None
        assert called == [1]
        with pytest.raises(ValueError, match="positive integer"):
            self.saved(tmp_path, max_to_keep=0)
