"""Several optimizers in one: whose each variable is, what the inner optimizers share, configs and files.

Their steps are compared with Keras in test_against_keras.py.
"""

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras
from duoflow.keras.optimizers import SGD, Adam, LossScaleOptimizer, MultiOptimizer, OptimizerMap, RMSprop


def some_map():
    return OptimizerMap(Adam(0.1), {".*bias": SGD(0.5, momentum=0.9)})


@pytest.mark.parametrize(
    "path, kind",
    [
        ("encoder/layer_0/dense", Adam),
        ("encoder/layer_0/query", SGD),
        ("decoder", Adam),
        ("decoder/layer_0", RMSprop),
    ],
)
def test_an_exact_path_wins_over_patterns_which_match_whole_paths(path, kind):
    optimizers = OptimizerMap(RMSprop())
    optimizers["encoder/layer_0/dense"] = Adam()
    optimizers["encoder/.*"] = SGD()
    optimizers["decoder"] = Adam()
    assert type(optimizers[path]) is kind


def test_a_map_is_a_mapping():
    optimizers = some_map()
    assert list(optimizers) == [".*bias"] and len(optimizers) == 1
    assert optimizers(keras.Variable(1.0, name="bias")) is optimizers[".*bias"]
    assert optimizers(keras.Variable(1.0, name="kernel")) is optimizers.default_optimizer
    optimizers["b.*"] = SGD()
    with pytest.raises(ValueError, match="Multiple optimizers assigned to variable bias_bias"):
        optimizers["bias_bias"]
    del optimizers["b.*"]
    assert list(optimizers) == [".*bias"]


@pytest.mark.parametrize(
    "key, optimizer, message",
    [
        (".*bias", SGD, "already exists"),
        (3, SGD, "key must be a string"),
        ("x", lambda: "sgd", "must be a Keras Optimizer instance"),
        ("x", lambda: LossScaleOptimizer(SGD()), "LossScaleOptimizer"),
        ("x", lambda: MultiOptimizer(some_map()), "MultiOptimizer"),
    ],
)
def test_what_a_map_refuses(key, optimizer, message):
    with pytest.raises(ValueError, match=message):
        some_map()[key] = optimizer()


def test_what_a_map_is_not_made_of():
    with pytest.raises(TypeError, match="default_optimizer"):
        OptimizerMap("sgd")
    with pytest.raises(TypeError, match="dictionary"):
        OptimizerMap(SGD(), [SGD()])


def test_there_is_no_one_learning_rate():
    optimizer = MultiOptimizer(some_map())
    with pytest.raises(AttributeError, match="individual"):
        _ = optimizer.learning_rate
    with pytest.raises(AttributeError, match="individual"):
        optimizer.learning_rate = 0.1
    assert [float(o.learning_rate) for o in optimizer.optimizers] == pytest.approx([0.5, 0.1])


def test_the_loss_scale_is_that_of_all():
    optimizer = MultiOptimizer(some_map(), loss_scale_factor=4.0)
    assert [o.loss_scale_factor for o in optimizer.optimizers] == [4.0, 4.0]
    optimizer.loss_scale_factor = 2.0
    assert [o.loss_scale_factor for o in optimizer.optimizers] == [2.0, 2.0]


def test_a_function_is_asked_once_for_each_variable():
    variables = [keras.Variable(1.0), keras.Variable(1.0)]
    optimizer = MultiOptimizer(lambda variable: SGD(0.1, momentum=0.5))
    for _ in range(2):
        optimizer.apply([tf.constant(1.0), tf.constant(2.0)], variables)
    assert len(optimizer.optimizers) == 2 and [int(o.iterations) for o in optimizer.optimizers] == [2, 2]
    np.testing.assert_allclose([v.numpy() for v in variables], [0.75, 0.5], rtol=1e-6)


def test_a_function_must_give_optimizers():
    with pytest.raises(ValueError, match="Optimizer instance"):
        MultiOptimizer(lambda variable: "sgd").build([keras.Variable(1.0)])


def test_round_trips_through_its_config():
    made = MultiOptimizer(some_map(), loss_scale_factor=2.0)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(made))
    assert again.get_config() == made.get_config()
    assert [type(o) for o in again.optimizers] == [SGD, Adam]


def test_a_model_trains_and_comes_back_with_all_slots(tmp_path):
    x = np.linspace(-1, 1, 24, dtype="float32").reshape(8, 3)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dense(1)])
    model.compile(MultiOptimizer(some_map()), "mse")
    first, last = model.fit(x, x[:, :1] ** 2, epochs=20, verbose=0).history["loss"][::19]
    assert last < first
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert int(again.optimizer.iterations) == 20
    for ours, saved in zip(again.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ours.numpy(), saved.numpy())
