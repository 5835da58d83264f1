"""TensorFlow 1's optimizers and learning rates against values recorded from it; the global step; savers."""

import json
from pathlib import Path

import numpy as np
import pytest

import duoflow
import duoflow.compat.v1 as tf
from tests.golden import record_compat_v1 as recorder

RECORDED = json.loads((Path(recorder.__file__).parent / "compat_v1.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize(("name", "expression"), recorder.OPTIMIZERS.items())
def test_optimizers_step_as_tensorflow_does(name, expression, kind):
    ours, theirs = recorder.optimize(tf, expression, kind == "sparse"), RECORDED[kind][name]
    np.testing.assert_allclose(ours.pop("values"), theirs["values"], rtol=2e-6, atol=1e-7)
    assert ours == {key: theirs[key] for key in ours}


@pytest.mark.parametrize(("name", "expression"), recorder.DECAYS.items())
def test_learning_rates_decay_as_tensorflow_does(name, expression):
    np.testing.assert_allclose(recorder.decay(tf, expression), RECORDED["decays"][name], rtol=1e-6)


def test_optimizers_run_eagerly():
    w = duoflow.Variable([1.0, 2.0])
    optimizer = tf.train.AdamOptimizer(0.1)
    assert optimizer.minimize(lambda: duoflow.reduce_sum(w * w), var_list=[w]) is None
    np.testing.assert_allclose(w.numpy(), [0.9, 1.9], rtol=1e-5)
    assert optimizer.get_slot(w, "m").shape == (2,)


def test_minimize_without_gradients_is_an_error():
    with tf.Graph().as_default():
        w = tf.get_variable("w", [1])
        with pytest.raises(ValueError, match="No gradients provided for any variable"):
            tf.train.GradientDescentOptimizer(0.1).minimize(tf.constant(1.0), var_list=[w])
        with pytest.raises(ValueError, match="No variables to optimize"):
            tf.train.GradientDescentOptimizer(0.1).minimize(tf.constant(1.0), var_list=[])


def test_a_saver_restores_what_it_saved(tmp_path):
    prefix = str(tmp_path / "model")
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.get_variable("v", initializer=[1.0, 2.0])
        text = tf.get_variable("text", initializer=tf.constant(["a", "bc"]), trainable=False)
        saver = tf.train.Saver(max_to_keep=2)
        session.run(tf.global_variables_initializer())
        for step in (1, 2, 3):
            session.run(v.assign_add([1.0, 1.0]))
            assert saver.save(session, prefix, global_step=step) == f"{prefix}-{step}"
        assert tf.train.latest_checkpoint(str(tmp_path)) == f"{prefix}-3"
        assert not tf.train.checkpoint_exists(f"{prefix}-1") and tf.train.checkpoint_exists(f"{prefix}-2")
        with tf.Session() as other:
            saver.restore(other, f"{prefix}-2")
            np.testing.assert_array_equal(other.run(v), [3.0, 4.0])
            assert other.run(text).tolist() == [b"a", b"bc"]
            with pytest.raises(ValueError, match="not a valid checkpoint"):
                saver.restore(other, f"{prefix}-1")


def test_the_global_step_counts():
    with tf.Graph().as_default(), tf.Session() as session:
        assert tf.train.get_global_step() is None
        step = tf.train.get_or_create_global_step()
        assert tf.train.get_or_create_global_step() is step and step.dtype == duoflow.int64
        with pytest.raises(ValueError, match="already exists"):
            tf.train.create_global_step()
        session.run(step.initializer)
        assert tf.train.global_step(session, step) == 0


def test_adam_creates_its_powers_before_its_slots():
    with tf.Graph().as_default():
        w = tf.get_variable("w", [1])
        tf.train.AdamOptimizer().minimize(w * w)
        names = [v.name for v in tf.global_variables()]
    assert names == ["w:0", "beta1_power:0", "beta2_power:0", "w/Adam:0", "w/Adam_1:0"]
