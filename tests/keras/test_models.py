"""Functional, Sequential and subclassed models: structure, calling, configs, clones, summaries."""

import json

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras

layers = keras.layers
Input = keras.Input


@pytest.fixture(autouse=True)
def fresh():
    keras.utils.clear_session()


def rows(model, **kwargs):
    lines = []
    model.summary(print_fn=lines.append, **kwargs)
    return "\n".join(lines)


def two_headed():
    left, right = Input((8,), name="left"), Input((8,), name="right")
    encode = layers.Dense(4, name="encode")
    a, b = encode(left), encode(right)
    total = a + layers.Dense(4, activation="relu")(b) * 2.0
    outputs = {"score": layers.Dense(1, name="score")(total), "code": a}
    return keras.Model({"left": left, "right": right}, outputs, name="pair")


def data(*names):
    return {name: np.random.default_rng(i).normal(size=(3, 8)).astype("float32") for i, name in enumerate(names)}


def same(a, b):
    for x, y in zip(tf.nest.flatten(a), tf.nest.flatten(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-6)


def test_shared_layers_and_structures():
    model = two_headed()
    out = model(data("left", "right"))
    assert {k: tuple(v.shape) for k, v in out.items()} == {"score": (3, 1), "code": (3, 4)}
    assert [w.path for w in model.weights] == [
        "encode/kernel",
        "encode/bias",
        "dense/kernel",
        "dense/bias",
        "score/kernel",
        "score/bias",
    ]
    assert model.input_shape == [(None, 8), (None, 8)]
    assert [layer.name for layer in model.layers] == ["left", "right", "encode", "dense", "score"]


def test_inputs_by_name_by_order_and_wrong_ones():
    a, b = Input((8,), name="left"), Input((8,), name="right")
    model = keras.Model([a, b], layers.Subtract()([a, b]))
    given = data("left", "right")
    same(model(given), model([given["left"], given["right"]]))
    with pytest.raises(ValueError, match=r"Missing data for input|structure of `inputs`"):
        model({"left": given["left"]})
    with pytest.raises(ValueError, match="expects 2"):
        model([given["left"]])
    with pytest.raises(ValueError, match="incompatible with the layer: expected shape"):
        model([given["left"], np.ones((3, 7), "float32")])


def test_a_last_axis_of_one_is_taken_off_or_put_on():
    x = Input((3,))
    model = keras.Model(x, x * 1.0)
    assert model(np.ones((2, 3, 1), "float32")).shape == (2, 3)


def test_parts_of_a_model_share_its_layers():
    x = Input((4,))
    middle = layers.Dense(3, name="a")(x)
    end = layers.Dense(2, name="b")(middle)
    whole, head, tail = keras.Model(x, end), keras.Model(x, middle), keras.Model(middle, end)
    given = np.ones((1, 4), "float32")
    same(whole(given), tail(head(given)))
    assert tail.get_layer("b") is whole.get_layer("b") and len(tail.weights) == 2


def test_nested_models():
    inner = keras.Sequential([layers.Dense(3), layers.Dense(2)], name="inner")
    x = Input((4,))
    outer = keras.Model(x, layers.Dense(1)(inner(x)))
    assert outer.count_params() == 15 + 8 + 3
    assert "└ dense" in rows(outer, expand_nested=True) and "└ dense" not in rows(outer)
    copy = keras.Model.from_config(outer.get_config())
    copy.set_weights(outer.get_weights())
    given = np.ones((2, 4), "float32")
    same(copy(given), outer(given))
    inner.trainable = False
    assert len(outer.trainable_weights) == 2


def test_disconnected_graphs_and_repeated_names():
    a, b = Input((2,)), Input((2,), name="other")
    with pytest.raises(ValueError, match=r"Graph disconnected: cannot find parent for tensor .* name=other"):
        keras.Model(a, layers.Dense(1)(b))
    with pytest.raises(ValueError, match='The name "same" is used 2 times'):
        keras.Model(a, layers.Dense(1, name="same")(layers.Dense(1, name="same")(a)))
    with pytest.raises(ValueError, match="All `outputs` values must be KerasTensors"):
        keras.Model(a, np.ones(2))


def test_keras_tensors_refuse_values_and_tf_functions():
    x = Input((2,))
    with pytest.raises(ValueError, match="A KerasTensor cannot be used as input to a TensorFlow function"):
        tf.reduce_sum(x)
    with pytest.raises(TypeError, match="boolean"):
        bool(x > 0)
    for number in (int, float):
        with pytest.raises(ValueError, match=f"to {number.__name__}"):
            number(x)
    with pytest.raises(ValueError, match="NumPy"):
        np.asarray(x)
    assert keras.utils.is_keras_tensor(x[:, 0]) and x[:, 0].shape == (None,)
    assert ((x @ np.ones((2, 5))).shape, (-x).dtype, (1 / x).shape) == ((None, 5), "float32", (None, 2))


def test_ops_on_keras_tensors_become_part_of_the_model():
    x = Input((4, 3))
    y = keras.ops.concatenate([keras.ops.mean(x, axis=1), keras.ops.max(x, axis=1)], axis=-1)
    y = keras.ops.reshape(keras.activations.gelu(y), (-1, 2, 3))
    model = keras.Model(x, keras.ops.einsum("bij,bkj->bik", y, y))
    assert model.output_shape == (None, 2, 2)
    given = np.random.default_rng(0).normal(size=(5, 4, 3)).astype("float32")
    again = keras.models.model_from_json(model.to_json())
    same(model(given), again(given))


def test_sequential():
    model = keras.Sequential([layers.Dense(3), layers.Dense(2)], name="s")
    assert not model.built
    with pytest.raises(AttributeError, match="no defined input shape"):
        _ = model.input_shape
    model(np.ones((2, 4), "float32"))
    assert (model.input_shape, model.output_shape, len(model.layers)) == ((2, 4), (2, 2), 2)
    model.add(layers.Dense(1))
    assert model.output_shape == (2, 1) and model.pop().units == 1
    with pytest.raises(ValueError, match="unique names"):
        model.add(model.layers[0])
    with pytest.raises(ValueError, match=r"Only instances of `keras\.Layer`"):
        model.add("dense")
    with pytest.raises(ValueError, match="has no layers"):
        keras.Sequential().build((None, 2))
    with pytest.warns(UserWarning, match="input_shape"):
        assert keras.Sequential([layers.Dense(2, input_shape=(3,))]).output_shape == (None, 2)


def test_sequential_of_a_model_with_several_inputs():
    a, b = Input((2,)), Input((2,))
    model = keras.Sequential([keras.Model([a, b], [a + b, a]), layers.Add()])
    np.testing.assert_array_equal(model([np.ones((1, 2)), np.ones((1, 2))]), [[3, 3]])


class Net(keras.Model):
    def __init__(self, units=2, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.hidden = [layers.Dense(3), layers.Dense(3)]
        self.head = layers.Dense(units)

    def call(self, x, training=False):
        for layer in self.hidden:
            x = layer(x)
        return self.head(x)


def test_subclassed_models():
    model = Net(name="net")
    assert "0 (unbuilt)" in rows(model)
    model.build((None, 4))
    assert [w.path for w in model.weights][:2] == ["net/dense/kernel", "net/dense/bias"]
    assert len(model.layers) == 3 and model.count_params() == 15 + 12 + 8
    copy = Net.from_config(model.get_config())
    assert copy.units == 2


def test_a_subclass_may_be_made_from_inputs_and_outputs():
    class Mine(keras.Model):
        def describe(self):
            return self.name

    x = Input((2,))
    model = Mine(x, layers.Dense(1)(x), name="mine")
    assert model.describe() == "mine" and model(np.ones((1, 2), "float32")).shape == (1, 1)
    again = Mine.from_config(model.get_config())
    assert isinstance(again, Mine) and again.count_params() == 3


def test_clones_are_compiled_as_their_models():
    model = keras.Sequential([Input((2,)), layers.Dense(3)])
    assert not keras.models.clone_model(model).compiled
    model.compile(keras.optimizers.Adam(0.5), "mse", metrics=["mae"])
    clone = keras.models.clone_model(model)
    assert clone.compiled and clone.optimizer is not model.optimizer and len(clone.optimizer.variables) == 6
    assert clone.get_compile_config() == model.get_compile_config()
    model.compile("sgd", lambda y, p: y - p)
    with pytest.raises(ValueError, match="lambda"):
        keras.models.clone_model(model)


def test_clones_start_afresh():
    model = two_headed()
    clone = keras.models.clone_model(model)
    assert clone.get_config()["layers"] == model.get_config()["layers"]
    assert not np.allclose(clone.weights[0], model.weights[0])
    clone.set_weights(model.get_weights())
    same(clone(data("left", "right")), model(data("left", "right")))
    wider = keras.models.clone_model(
        keras.Sequential([Input((2,)), layers.Dense(3)]), clone_function=lambda layer: layers.Dense(5)
    )
    assert wider.output_shape == (None, 5)


def test_json_round_trip():
    model = two_headed()
    again = keras.models.model_from_json(model.to_json())
    assert json.loads(again.to_json()) == json.loads(model.to_json())


def test_custom_objects():
    @keras.saving.register_keras_serializable(package="test")
    class Twice(layers.Layer):
        def call(self, x):
            return x * 2

    def halved(x):
        return x / 2

    model = keras.Sequential([Input((2,)), Twice(), layers.Dense(1, activation=halved)])
    text = model.to_json()
    with pytest.raises(TypeError, match="Could not locate function 'halved'"):
        keras.models.model_from_json(text)
    with keras.saving.custom_object_scope({"halved": halved}):
        assert keras.models.model_from_json(text).layers[1].activation is halved
    assert keras.models.model_from_json(text, custom_objects={"halved": halved}).count_params() == 3
    assert json.loads(text)["config"]["layers"][1]["registered_name"] == "test>Twice"


def test_summary():
    text = rows(keras.Sequential([Input((784,)), layers.Dense(128), layers.Dropout(0.2), layers.Dense(10)]))
    assert [line.strip("│ ") for line in text.splitlines() if "Dense" in line] == [
        "dense (Dense)                   │ (None, 128)            │       100,480",
        "dense_1 (Dense)                 │ (None, 10)             │         1,290",
    ]
    assert text.splitlines()[0] == 'Model: "sequential"'
    assert [line.strip() for line in text.splitlines()[-3:]] == [
        "Total params: 101,770 (397.54 KB)", "Trainable params: 101,770 (397.54 KB)",
        "Non-trainable params: 0 (0.00 B)",
    ]  # fmt: skip
    text = rows(two_headed(), show_trainable=True, line_length=100)
    assert "Connected to" in text and "left[0][0]," in text and "Trainable" in text
    assert "score (Dense)" not in rows(two_headed(), layer_range=("left", "encode"))


def test_get_layer():
    model = two_headed()
    assert model.get_layer("score") is model.get_layer(index=4)
    for arguments, message in (
        ({"name": "x"}, "No such layer: x"),
        ({"index": 9}, "only has 5 layers"),
        ({}, "Provide either"),
    ):
        with pytest.raises(ValueError, match=message):
            model.get_layer(**arguments)


def test_deep_models_do_not_exhaust_the_stack():
    x = y = Input((2,))
    for _ in range(1500):
        y = layers.Activation("relu")(y)
    assert keras.Model(x, y)(np.ones((1, 2), "float32")).shape == (1, 2)


def test_optional_inputs():
    a, b = Input((2,), name="a"), Input((2,), name="b", optional=True)

    class First(layers.Layer):
        def call(self, a, b):
            return a if b is None else a + b

        def compute_output_shape(self, a_shape, b_shape):
            return a_shape

    model = keras.Model([a, b], First()(a, b))
    np.testing.assert_array_equal(model([np.ones((1, 2)), None]), [[1, 1]])


def test_an_activation_may_be_taken_away():
    x = np.ones([1, 4, 4, 2], np.float32)
    layers = (tf.keras.layers.Dense(3, "relu"), tf.keras.layers.Conv2D(3, 2, activation="relu"))
    for layer in (*layers, tf.keras.layers.EinsumDense("abcd,de->abce", (4, 4, 3), activation="relu")):
        layer(x)
        layer.kernel.assign(-tf.ones_like(layer.kernel))
        assert float(tf.reduce_max(layer(x))) == 0.0
        layer.activation = None
        assert float(tf.reduce_max(layer(x))) < 0.0


def test_a_model_is_built_by_the_call_with_the_types_of_its_arguments():
    class Rows(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = tf.keras.layers.Dense(2)

        def call(self, inputs):
            table, rows = inputs
            return self.dense(tf.gather(table, rows))

    assert Rows()([tf.ones([4, 3]), tf.constant([0, 2])]).shape == (2, 2)


def test_a_loss_of_the_models_own_need_not_know_of_training():
    class Halved(tf.keras.Sequential):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return tf.reduce_mean(tf.square(y - y_pred)) / 2.0

    model = Halved([tf.keras.Input((3,)), tf.keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile("sgd")
    x, y = np.ones([4, 3], np.float32), np.full([4, 1], 2.0, np.float32)
    assert model.evaluate(x, y, verbose=0) == 2.0
    assert model.fit(x, y, verbose=0).history["loss"] == [2.0]


def test_summaries_take_positions_of_more_columns_than_they_have():
    lines = []
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(5, name="a")], name="m")
    model.summary(positions=[0.3, 0.6, 0.8, 1.0], print_fn=lines.append)
    assert "a (Dense)" in lines[0] and "(None, 5)" in lines[0]
