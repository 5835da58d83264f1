"""What every layer does around its call: building, tracking, dtypes, training and masks passed down, losses, errors."""

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras

layers = keras.layers
ones = np.ones((2, 3), "float32")


@pytest.fixture(autouse=True)
def fresh():
    keras.utils.clear_session()
    yield
    keras.config.set_dtype_policy("float32")


class Scale(layers.Layer):
    def build(self, input_shape):
        self.factor = self.add_weight((input_shape[-1],), "ones", name="factor", regularizer="l2")

    def call(self, inputs):
        return inputs * self.factor


def test_names_and_paths():
    assert [layers.Dense(1).name for _ in range(3)] == ["dense", "dense_1", "dense_2"]
    assert [layers.BatchNormalization().name, layers.Conv2D(1, 1).name, layers.LSTM(1).name] == [
        "batch_normalization",
        "conv2d",
        "lstm",
    ]
    keras.utils.clear_session()
    outer = keras.Sequential([layers.Dense(2), Scale(name="mine")], name="outer")
    outer.build((None, 3))
    assert [w.path for w in outer.weights] == ["outer/dense/kernel", "outer/dense/bias", "outer/mine/factor"]
    assert layers.Dense(1).name == "dense_1"


def test_a_name_may_not_hold_a_slash():
    with pytest.raises(ValueError, match="cannot contain character"):
        layers.Dense(1, name="a/b")


def test_variables_are_found_in_attributes_lists_and_dicts():
    class Holder(layers.Layer):
        def __init__(self):
            super().__init__()
            self.parts = [layers.Dense(2), layers.Dense(2)]
            self.by_name = {"a": layers.Dense(2), "b": {"c": layers.Dense(2)}}
            self.own = keras.Variable([1.0], trainable=False)
            self.pair = (layers.Dense(2), None)
            self.parts.append(layers.Dense(2))

        def call(self, x):
            for layer in [*self.parts, self.by_name["a"], self.by_name["b"]["c"], self.pair[0]]:
                x = layer(x)
            return x

    holder = Holder()
    holder(ones)
    assert (len(holder.weights), len(holder.trainable_weights), len(holder.non_trainable_weights)) == (13, 12, 1)
    holder.trainable = False
    assert not holder.trainable_weights and not any(layer.trainable for layer in holder.parts)
    assert len(holder.non_trainable_weights) == 13


def test_no_new_state_once_built():
    layer = Scale()
    layer(ones)
    with pytest.raises(ValueError, match="already built"):
        layer.more = layers.Dense(1)


def test_forgetting_super_is_told():
    class Forgetful(layers.Layer):
        def __init__(self):
            self.units = 1

    with pytest.raises(RuntimeError, match=r"super\(\).__init__\(\)"):
        Forgetful()(ones)


def test_weights_can_be_read_and_set():
    layer = layers.Dense(2)
    layer.build((None, 3))
    layer.set_weights([np.full((3, 2), 2.0), np.ones(2)])
    np.testing.assert_array_equal(layer(ones), np.full((2, 2), 7.0))
    assert layer.count_params() == 8
    with pytest.raises(ValueError, match="weight list of length 1"):
        layer.set_weights([np.ones((3, 2))])
    with pytest.raises(ValueError, match="not compatible with provided weight shape"):
        layer.set_weights([np.ones((2, 2)), np.ones(2)])
    with pytest.raises(ValueError, match="isn't built"):
        layers.Dense(2).count_params()


@pytest.mark.parametrize(("policy", "compute", "variable"), [
    ("float32", "float32", "float32"), ("mixed_bfloat16", "bfloat16", "float32"),
    ("mixed_float16", "float16", "float32"),
    ("float64", "float64", "float64"), ("bfloat16", "bfloat16", "bfloat16"),
])  # fmt: skip
def test_dtype_policies(policy, compute, variable):
    layer = layers.Dense(2, dtype=policy)
    out = layer(ones)
    assert (layer.compute_dtype, layer.variable_dtype) == (compute, variable)
    assert out.dtype.name == compute and layer.kernel.dtype == variable
    assert layer(keras.Input((3,))).dtype == compute
    keras.config.set_dtype_policy(policy)
    assert layers.Dense(1).compute_dtype == compute
    assert keras.layers.deserialize(keras.layers.serialize(layer)).dtype_policy.name == policy


def test_gradients_reach_variables_through_autocast():
    layer = layers.Dense(2, dtype="mixed_bfloat16")
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.cast(layer(ones), tf.float32))
    kernel, bias = tape.gradient(loss, layer.trainable_variables)
    np.testing.assert_array_equal(kernel, np.full((3, 2), 2.0))
    assert kernel.dtype == tf.float32 and bias.shape == (2,)


def test_training_is_passed_down_and_does_not_reach_siblings():
    seen = {}

    class Probe(layers.Layer):
        def call(self, x, training=None):
            seen.setdefault(self.name, []).append(training)
            return x

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.a, self.b = Probe(name="a"), Probe(name="b")

        def call(self, x):
            return self.b(self.a(x, training=True))

    outer = Outer()
    outer(ones)
    seen.clear()  # building traced the call
    outer(ones)
    outer(ones, training=True)
    outer(ones, training=False)
    assert seen == {"a": [True] * 3, "b": [None, True, False]}


def test_losses_of_a_call():
    class Sparse(layers.Layer):
        def call(self, x):
            self.add_loss(tf.reduce_sum(x))
            return x

    layer = keras.Sequential([Sparse(), Scale(), layers.ActivityRegularization(l1=1.0)])
    for _ in range(2):  # those of the last call only
        layer(ones)
        assert sorted(float(x) for x in layer.losses) == pytest.approx([0.03, 3.0, 6.0])
    symbolic = keras.Input((3,))
    keras.Model(symbolic, Sparse()(symbolic))  # nothing is left behind by symbolic calls
    with pytest.raises(ValueError, match="Received invalid value"):
        Sparse().add_loss(1.0)


def test_masks_travel():
    x = np.array([[1, 2, 0], [3, 0, 0]])
    embedded = layers.Embedding(5, 4, mask_zero=True)(x)
    np.testing.assert_array_equal(embedded._keras_mask, x != 0)
    dropped = layers.Dropout(0.5)(embedded)
    np.testing.assert_array_equal(dropped._keras_mask, x != 0)
    lstm = layers.LSTM(3)
    full, short = lstm(embedded), lstm(embedded[1:, :1])
    np.testing.assert_allclose(full[1], short[0], rtol=1e-6)
    with pytest.warns(UserWarning, match="does not support masking"):
        layers.Flatten()(embedded)
    pooled = layers.GlobalAveragePooling1D()(embedded)
    np.testing.assert_allclose(pooled[1], embedded[1, 0], rtol=1e-6)
    inputs = keras.Input((3,), dtype="int32")
    model = keras.Model(inputs, layers.LSTM(3, return_sequences=True)(layers.Embedding(5, 4, mask_zero=True)(inputs)))
    assert model(x).shape == (2, 3, 3)


def test_recurrent_layers_agree_in_graphs_and_with_masks():
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    mask = np.array([[True, True, False, True], [True, False, False, False]])
    for layer in (
        layers.LSTM(2, return_sequences=True, return_state=True),
        layers.GRU(2, go_backwards=True),
        layers.SimpleRNN(2, return_sequences=True),
        layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
    ):
        eager = tf.nest.flatten(layer(x, mask=mask))
        traced = tf.nest.flatten(
            tf.function(lambda x, m, layer=layer: layer(x, mask=m))(tf.constant(x), tf.constant(mask))
        )
        for a, b in zip(eager, traced, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_stateful_recurrence():
    layer = layers.SimpleRNN(2, stateful=True)
    x = np.ones((2, 3, 4), "float32")
    first, second = layer(x).numpy(), layer(x).numpy()
    assert not np.allclose(first, second)
    layer.reset_state()
    np.testing.assert_allclose(layer(x), first, rtol=1e-6)


@pytest.mark.parametrize(("make", "shape", "message"), [
    (lambda: layers.Dense(2), (3,), "expected min_ndim=2, found ndim=1"),
    (lambda: layers.Conv2D(2, 3), (1, 4, 4), "expected min_ndim=4, found ndim=3"),
    (lambda: layers.Conv2D(2, 5), (1, 4, 4, 1), "Computed output size would be negative"),
    (lambda: layers.MaxPooling2D(), (1, 4, 4), "expected ndim=4, found ndim=3"),
])  # fmt: skip
def test_unfit_inputs(make, shape, message):
    with pytest.raises(ValueError, match=message):
        make()(np.ones(shape, "float32"))


def test_a_second_shape_must_fit_the_first():
    layer = layers.Dense(2)
    layer(ones)
    with pytest.raises(
        ValueError, match="expected axis -1 of input shape to have value 3, but received input with shape"
    ):
        layer(np.ones((2, 4), "float32"))


@pytest.mark.parametrize(("make", "message"), [
    (lambda: layers.Dense(0), "expected a positive integer"),
    (lambda: layers.Dense(2, activation="nope"), "Could not interpret activation function identifier: nope"),
    (lambda: layers.Dense(2, kernel_initializer="nope"), "Could not interpret initializer identifier: nope"),
    (lambda: layers.Dense(2, unknown=1), "Unrecognized keyword arguments passed to Dense"),
    (lambda: layers.Conv2D(3, 3, groups=2), "evenly divisible"),
    (lambda: layers.Conv2D(3, 3, padding="causal"), "must be one of"),
    (lambda: layers.Dropout(2), "between 0 and 1"),
    (lambda: layers.Permute((0, 1)), "consecutive and start from 1"),
    (lambda: layers.Dense(1)("text"), "Only input tensors may be passed as positional arguments"),
    (lambda: layers.Add()([ones, np.ones((2, 4), "float32")]), "incompatible shapes"),
])  # fmt: skip
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (
            lambda: layers.Add(name="a")([ones, np.ones((3, 4))]), ValueError,
            ["layer 'a' (Add)", "(2, 3), (3, 4)"],
        ),
        (
            lambda: layers.Conv2D(1, 9, name="c")(np.ones((1, 5, 5, 1))), ValueError,
            ["would be negative", "layer 'c' (Conv2D)", "(1, 5, 5, 1)"],
        ),
        (
            lambda: layers.MultiHeadAttention(1, 2, name="m")(np.ones((1, 2, 3))), TypeError,
            ["MultiHeadAttention.call() of the layer 'm'", "'value'", "query, value, key"],
        ),
        (
            lambda: layers.Dense(1, name="d")(ones, training_=True), TypeError,
            ["Dense.call() of the layer 'd'", "'training_'"],
        ),
        (
            lambda: layers.Reshape((5,), name="r")(ones), ValueError,
            ["Exception encountered when calling Reshape.call()", "layer 'r'", "shape=(2, 3)"],
        ),
        (
            lambda: keras.losses.MeanSquaredError(name="apart")(np.ones((2, 3)), np.ones((2, 4))), Exception,
            ["loss 'apart'", "y_true of shape (2, 3)", "y_pred of shape (2, 4)"],
        ),
    ],
)  # fmt: skip
def test_errors_name_the_layer_its_arguments_and_both_shapes(call, error, parts):
    with pytest.raises(error) as caught:
        call()
    for part in parts:
        assert part in str(caught.value)


def test_errors_in_call_name_the_layer_and_its_arguments():
    class Broken(layers.Layer):
        def call(self, x, training=None):
            return tf.matmul(x, tf.ones((5, 5)))

    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        Broken()(ones)
    message = str(caught.value)
    assert "Exception encountered when calling Broken.call()" in message
    assert "x=tf.Tensor(shape=(2, 3), dtype=float32)" in message and "training=None" in message


def test_build_with_several_inputs_and_its_errors():
    class Two(layers.Layer):
        def build(self, a_shape, b_shape):
            self.shapes = (a_shape, b_shape)

        def call(self, a, b):
            return a

    layer = Two()
    layer(ones, np.ones((2, 7), "float32"))
    assert layer.shapes == ((2, 3), (2, 7))

    class Wrong(Two):
        def build(self, a_shape, other):
            pass

    with pytest.raises(ValueError, match="does not end in `_shape`"):
        Wrong()(ones, ones)


def test_control_flow_on_tensors_in_call():
    class Clip(layers.Layer):
        def call(self, x):
            if tf.reduce_sum(x) > 5:
                x = x * 0
            return x

    layer = Clip()
    run = tf.function(lambda x: layer(x))
    np.testing.assert_array_equal(run(tf.constant(ones)), ones * 0)
    np.testing.assert_array_equal(run(tf.constant(-ones)), -ones)


def test_config_is_collected_where_a_class_does_not_write_one():
    class Plain(layers.Layer):
        def __init__(self, units, rate=0.5, **kwargs):
            super().__init__(**kwargs)
            self.units, self.rate = units, rate

    config = Plain(3, rate=0.1, name="p").get_config()
    assert (config["units"], config["rate"], config["name"]) == (3, 0.1, "p")
    assert Plain.from_config(config).rate == 0.1

    class Opaque(layers.Layer):
        def __init__(self, thing):
            super().__init__()

    with pytest.raises(NotImplementedError, match=r"must override `get_config\(\)`"):
        Opaque(object()).get_config()


def test_variables():
    v = keras.Variable(np.ones(2), name="v", dtype="float32")
    assert (v.shape, v.ndim, v.dtype, v.name, v.path) == ((2,), 1, "float32", "v", "v")
    assert v.shape.as_list() == [2] and v.shape.num_elements() == 2
    assert repr(v).startswith("<Variable path=v, shape=(2,), dtype=float32, value=")
    np.testing.assert_array_equal(v.assign_add([1, 2]), [2, 3])
    np.testing.assert_array_equal(v + 1, [3, 4])
    with pytest.raises(ValueError, match="must match"):
        v.assign([1.0])
    with pytest.raises(ValueError, match="the `shape` argument should be specified"):
        keras.Variable("zeros")
    with pytest.raises(ValueError, match="fully-defined"):
        keras.Variable("zeros", shape=(None,))
    with pytest.raises(TypeError, match="boolean"):
        bool(v)


@pytest.mark.parametrize("name, sizes", [("input_dim", (0, 3)), ("output_dim", (3, 2.5))])
def test_sizes_of_an_embedding(name, sizes):
    with pytest.raises(ValueError, match=f"`{name}` must be a positive integer"):
        layers.Embedding(*sizes)


def test_a_lambda_needs_a_function():
    with pytest.raises(TypeError, match="must be callable"):
        layers.Lambda(3)


def test_a_reshape_that_does_not_fit():
    with pytest.raises(ValueError, match="total size of the tensor must be unchanged"):
        layers.Reshape((2,))(ones)


@pytest.mark.parametrize(
    "args, named, error, match",
    [
        (("kernel",), {"shape": (2,)}, ValueError, "`name` must be passed as a keyword argument"),
        (((2,),), {"shape": (2,)}, ValueError, "`shape` was passed both positionally"),
        (((2,), "ones"), {"initializer": "zeros"}, ValueError, "`initializer` was passed both positionally"),
        (((2,), "ones", "float32", True), {}, TypeError, "at most 3 positional arguments but 4"),
    ],
)
def test_weights_take_three_arguments_by_position(args, named, error, match):
    with pytest.raises(error, match=match):
        keras.layers.Layer().add_weight(*args, **named)
    assert keras.layers.Layer().add_weight((2,), "ones", "float64", name="w").numpy().tolist() == [1.0, 1.0]
