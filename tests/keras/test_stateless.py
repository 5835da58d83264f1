"""Stateless scopes and the `stateless_` methods: values in, values out, and nothing else changes."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras
from tests.keras.recorded import assert_close

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "keras"
sys.path.insert(0, str(GOLDEN))
from stateless_cases import OPTIMIZERS, model, trained, wave  # noqa: E402

RECORDED = json.loads((GOLDEN / "stateless.json").read_text())


def compiled(loss):
    """The loss with its gradients."""

    def with_gradients(values, *rest):
        with tf.GradientTape() as tape:
            tape.watch(values)
            total, aux = loss(values, *rest)
        return (total, aux), tape.gradient(total, values)

    return with_gradients


compiled.jit = tf.function


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_training_loop_is_that_of_keras(name):
    assert_close(trained(keras, OPTIMIZERS[name], compiled), RECORDED[name], rtol=5e-5, atol=1e-6)


def test_a_loop_without_tf_function_gives_the_same():
    eager = type("Eager", (), {"__call__": staticmethod(compiled), "jit": staticmethod(lambda f: f)})()
    assert_close(trained(keras, OPTIMIZERS["accumulation"], eager), RECORDED["accumulation"], rtol=5e-5, atol=1e-6)


def test_a_scope_reads_and_writes_its_own_values():
    v, count = keras.Variable([1.0, 2.0]), keras.Variable([3, 4], dtype="int32", trainable=False)
    with keras.StatelessScope([(v, [5.0, 6.0])]) as scope:
        v.assign_sub([1.0, 1.0])
        np.testing.assert_array_equal(v + 1, [5, 6])
        np.testing.assert_array_equal(v.numpy(), [4, 5])
        assert scope.get_current_value(count) is None
        count.assign_add([1, 1])
        np.testing.assert_array_equal(scope.get_current_value(count), [4, 5])
        scope.add_update((count, tf.constant([9, 9])))
        np.testing.assert_array_equal(count.value, [9, 9])
        with keras.StatelessScope():  # a scope within starts with the variables themselves
            np.testing.assert_array_equal(v.value, [1, 2])
            v.assign([0.0, 0.0])
        np.testing.assert_array_equal(v.value, [4, 5])
    np.testing.assert_array_equal(v, [1, 2])
    np.testing.assert_array_equal(count, [3, 4])


def test_a_scope_keeps_losses_where_asked():
    layer = keras.layers.Dense(2, activity_regularizer="l2", kernel_regularizer="l2")
    layer(wave(3, 4))
    before = [float(x) for x in layer.losses]
    for collect, count in ((True, 1), (False, 0)):
        with keras.StatelessScope(collect_losses=collect) as scope:
            layer(wave(3, 4) * 2)
            assert len(scope.losses) == count
            assert len(layer.losses) == count + 1
    assert [float(x) for x in layer.losses] == before


def test_variables_may_be_made_of_initializers_inside():
    with keras.StatelessScope():
        v = keras.Variable("ones", shape=(2,))
    np.testing.assert_array_equal(v, [1, 1])


def bad_calls():
    net = model(keras)
    yield "must be Variable instances", lambda: keras.StatelessScope([(3, 1.0)])
    yield (
        "matches the corresponding variable shape",
        lambda: keras.StatelessScope([(keras.Variable([1.0, 2.0]), [1.0])]),
    )
    yield "must be built", lambda: keras.layers.Dense(2).stateless_call([], [], wave(2, 3))
    yield "`trainable_variables`", lambda: net.stateless_call([], [], wave(2, 5))
    yield "`non_trainable_variables`", lambda: net.stateless_call(net.trainable_variables, [], wave(2, 5))
    yield "must be built", lambda: keras.optimizers.SGD().stateless_apply([], [], [])
    yield "`metric_variables`", lambda: keras.metrics.Mean().stateless_update_state([], 1.0)
    yield "stateless scope", _variable_inside
    yield "Unknown variable name: x", lambda: net.set_state_tree({"x": {}})
    yield "value_format", lambda: net.get_state_tree("list")


def _variable_inside():
    with keras.StatelessScope():
        keras.Variable([1.0])


def test_mistakes_are_value_errors():
    for message, call in bad_calls():
        with pytest.raises(ValueError, match=message):
            call()


def test_rows_are_not_assigned_inside():
    v = keras.Variable([1.0, 2.0])
    with keras.StatelessScope(), pytest.raises(NotImplementedError, match="assign the whole value"):
        v.scatter_nd_update([[0]], [3.0])


def test_the_loss_for_given_values():
    net = model(keras)
    net.compile("sgd", "mse")
    x, y = wave(4, 5), wave(4, 3)
    values, others = [v * 2 for v in net.trainable_variables], net.non_trainable_variables
    out, others = net.stateless_call(values, others, x)
    loss, after = net.stateless_compute_loss(values, others, net.metrics_variables, x, y, out)
    penalty = 0.01 * np.square(values[0]).sum()
    np.testing.assert_allclose(loss, np.square(out - y).mean() + penalty, rtol=1e-5)
    assert [len(part) for part in after] == [len(values), len(others), len(net.metrics_variables)]


def test_state_as_a_tree_and_back():
    keras.utils.clear_session()
    net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="out")], name="net")
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    net.train_on_batch(wave(4, 2), np.zeros(4))
    tree = net.get_state_tree("numpy_array")
    assert set(tree["trainable_variables"]["net"]["out"]) == {"kernel", "bias"}
    assert set(tree["metrics_variables"]) == {"loss", "accuracy"}
    assert set(tree["optimizer_variables"]["adam"]) >= {"iteration", "learning_rate", "net_out_bias_momentum"}
    net.set_state_tree({"optimizer_variables": {"adam": {"learning_rate": 0.5}}})
    assert float(net.optimizer.learning_rate) == 0.5
    net.set_state_tree(tree)
    assert float(net.optimizer.learning_rate) == pytest.approx(0.001)
    twin = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="a"), keras.layers.Dense(1)], name="net")
    twin.layers[1].kernel._path = "net/a/kernel"
    with pytest.raises(ValueError, match="found twice"):
        twin.get_state_tree()
