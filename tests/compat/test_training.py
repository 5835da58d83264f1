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


# -- several gradients a step ------------------------------------------------------------------------------------------


def test_steps_wait_for_gradients():
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        x, w = tf.placeholder(tf.float32, []), tf.get_variable("w", initializer=1.0)
        inner = tf.train.MomentumOptimizer(0.1, 0.9)
        optimizer = tf.train.SyncReplicasOptimizer(inner, replicas_to_aggregate=2, total_num_replicas=1)
        with pytest.raises(ValueError, match="after apply_gradients"):
            optimizer.get_init_tokens_op()
        train = optimizer.minimize(w * x, global_step=step)
        assert optimizer.get_slot_names() == ["momentum"] and optimizer.get_slot(w, "momentum") is not None
        hook = optimizer.make_session_run_hook(is_chief=True)
        with tf.train.MonitoredTrainingSession(hooks=[hook]) as session:
            seen = []
            for value in (1.0, 3.0, 5.0, 5.0):
                session.run(train, {x: value})
                seen.append([float(session.run(w)), int(session.run(step))])
        np.testing.assert_allclose(seen, [[1, 0], [0.8, 1], [0.8, 1], [0.8 - 0.1 * (5 + 0.9 * 2), 2]], rtol=1e-5)
        with pytest.raises(ValueError, match="Global step"):
            optimizer.apply_gradients([(w, w)])
        with pytest.raises(ValueError, match="at least one variable"):
            optimizer.apply_gradients([], step)


def test_a_single_gradient_is_applied_at_once_and_averaged():
    with tf.Graph().as_default(), tf.Session() as session:
        step, w = tf.train.get_or_create_global_step(), tf.get_variable("w", initializer=1.0)
        average = tf.train.ExponentialMovingAverage(0.5)
        optimizer = tf.train.SyncReplicasOptimizer(
            tf.train.GradientDescentOptimizer(0.5), 1, variable_averages=average, variables_to_average=[w]
        )
        train = optimizer.minimize(w * 1.0, global_step=step)
        session.run(tf.global_variables_initializer())
        session.run([optimizer.get_init_tokens_op(), train])
        assert session.run([w, average.average(w), step]) == [0.5, 0.75, 1]
        assert optimizer.get_chief_queue_runner().create_threads(session) == []
