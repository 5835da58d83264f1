"""What surrounds update rules: lookup, settings, state, and how optimizers work in graphs."""

import inspect

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras

CLASSES = [
    "SGD", "RMSprop", "Adam", "AdamW", "Adadelta", "Adafactor", "Adagrad", "Adamax", "Nadam", "Ftrl", "Lion", "Lamb",
]  # fmt: skip
SETTINGS = {
    "weight_decay": 0.01, "clipnorm": 0.5, "use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 3,
    "loss_scale_factor": 2.0, "gradient_accumulation_steps": 2,
}  # fmt: skip


@pytest.mark.parametrize("name", CLASSES)
def test_round_trips_through_config_and_name(name):
    made = getattr(keras.optimizers, name)(0.25, **SETTINGS)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(made))
    assert again.get_config() == made.get_config()
    assert type(keras.optimizers.get(name)) is type(keras.optimizers.get(name.lower())) is type(made)


@pytest.mark.parametrize("name", CLASSES)
def test_signature_ends_with_the_common_settings(name):
    parameters = list(inspect.signature(getattr(keras.optimizers, name)).parameters)
    common = ["weight_decay", "clipnorm", "clipvalue", "global_clipnorm", *list(SETTINGS)[2:], "name", "kwargs"]
    assert [p for p in parameters if p in common] == sorted(common, key=parameters.index)
    assert parameters[0] == "learning_rate" and parameters[-len(common) + 1 :] == common[1:]


@pytest.mark.parametrize("name", CLASSES)
def test_a_traced_step_is_an_eager_step(name):
    def trained(wrap):
        rng = np.random.default_rng(0)
        variable = keras.Variable(rng.normal(size=(3, 2)).astype("float32"))
        optimizer = getattr(keras.optimizers, name)(0.1, **SETTINGS)
        optimizer.build([variable])
        step = wrap(lambda g: optimizer.apply([g], [variable]))
        for _ in range(4):
            step(tf.constant(rng.normal(size=(3, 2)), tf.float32))
        return variable.numpy()

    np.testing.assert_allclose(trained(tf.function), trained(lambda f: f), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"clipnorm": 1.0, "clipvalue": 1.0}, "Only one of"),
        ({"gradient_accumulation_steps": 1}, "integer >= 2"),
        ({"use_ema": True, "ema_momentum": 2.0}, "ema_momentum"),
        ({"use_ema": True, "ema_overwrite_frequency": 0}, "ema_overwrite_frequency"),
        ({"learning_rate": [0.1, 0.2]}, "learning_rate"),
        ({"nonsense": 1}, "not recognized"),
        ({"momentum": 2.0}, "momentum"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        keras.optimizers.SGD(**settings)


def test_unknown_variables_and_missing_gradients():
    a, b = keras.Variable(1.0), keras.Variable(2.0)
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build([a])
    with pytest.raises(ValueError, match="Unknown variable"):
        optimizer.apply([tf.constant(1.0)], [b])
    with pytest.raises(ValueError, match="No gradients"):
        optimizer.apply([None], [a])


def test_a_variable_without_a_gradient_is_left_alone():
    a, b = keras.Variable(1.0, name="a"), keras.Variable(2.0, name="b")
    with pytest.warns(UserWarning, match="'b'"):
        keras.optimizers.SGD(0.5).apply([tf.constant(1.0), None], [a, b])
    assert (a.numpy(), b.numpy()) == (0.5, 2.0)


def test_the_learning_rate_can_be_set_unless_it_is_a_schedule():
    optimizer = keras.optimizers.SGD(0.5)
    optimizer.learning_rate = 0.25
    assert float(optimizer.learning_rate) == 0.25
    scheduled = keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5))
    with pytest.raises(TypeError, match="not settable"):
        scheduled.learning_rate = 0.1


def test_constraints_and_exclusion_from_weight_decay():
    kept = keras.Variable([1.0, -1.0], name="bias")
    decayed = keras.Variable([1.0, -1.0], name="kernel")
    decayed.constraint = keras.constraints.NonNeg()
    optimizer = keras.optimizers.SGD(1.0, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.apply([tf.zeros(2), tf.zeros(2)], [kept, decayed])
    assert kept.numpy().tolist() == [1.0, -1.0] and decayed.numpy().tolist() == [0.5, 0.0]


def test_variables_that_take_their_gradients_as_values():
    variable = keras.Variable(1.0)
    variable.overwrite_with_gradient = True
    keras.optimizers.Adam(0.1).apply([tf.constant(7.0)], [variable])
    assert variable.numpy() == 7.0


@pytest.mark.parametrize("overflow, scale, value", [(False, 16.0, 0.0), (True, 4.0, 1.0)])
def test_the_loss_scale_follows_the_gradients(overflow, scale, value):
    variable = keras.Variable(1.0)
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1.0), 8.0, dynamic_growth_steps=1)
    optimizer.build([variable])
    optimizer.apply([tf.constant(np.inf if overflow else 8.0)], [variable])
    assert (optimizer.dynamic_scale.numpy(), variable.numpy()) == (scale, value)


def linear(optimizer, policy=None):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones", dtype=policy)])
    if policy is not None:
        model.dtype_policy = keras.DTypePolicy(policy)
    model.compile(optimizer, "mse")
    return model


def test_models_of_mixed_precision_get_a_loss_scale():
    given = keras.optimizers.SGD(0.01)
    model = linear(given, "mixed_float16")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer) and model.optimizer.inner_optimizer is given
    assert isinstance(linear("sgd").optimizer, keras.optimizers.SGD)


def test_the_scale_changes_during_fit_and_the_steps_do_not():
    data = np.ones((12, 2)), np.zeros((12, 1))
    scaled = linear(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.01), 4.0, dynamic_growth_steps=2))
    plain = linear(keras.optimizers.SGD(0.01))
    for model in (scaled, plain):
        model.fit(*data, batch_size=2, verbose=0)
    assert scaled.optimizer.dynamic_scale.numpy() == 32.0
    np.testing.assert_allclose(scaled.get_weights()[0], plain.get_weights()[0], rtol=1e-6)
