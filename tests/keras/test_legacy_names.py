"""Names that older programs use: keras.backend's functions, keras.preprocessing, keras.mixed_precision, keras.tree."""

import numpy as np
import pytest

from duoflow import keras

K = keras.backend
x = np.array([[0.2, 0.9, 0.4], [0.5, 0.1, 0.6]], "float32")
y = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]], "float32")


@pytest.mark.parametrize(
    "value, expected",
    [
        (lambda: K.mean(x > 0.3), 4 / 6),
        (lambda: K.sum(x, axis=-1, keepdims=True), x.sum(-1, keepdims=True)),
        (lambda: K.std(x, axis=0), x.std(0)),
        (lambda: K.sqrt(np.float32([-1.0, 4.0])), [0.0, 2.0]),
        (lambda: K.clip(x, 0.3, None), x.clip(0.3)),
        (lambda: K.binary_crossentropy(y, x), -(y * np.log(x) + (1 - y) * np.log(1 - x))),
        (lambda: K.dot(x, x.T), x @ x.T),
        (lambda: K.dot(np.ones((2, 3, 4), "float32"), np.ones((5, 4, 6), "float32")), np.full((2, 3, 5, 6), 4.0)),
        (lambda: K.batch_flatten(np.ones((2, 3, 4))), np.ones((2, 12))),
        (lambda: K.concatenate([x, y]), np.concatenate([x, y], -1)),
        (lambda: K.switch(x > 0.45, x, y), np.where(x > 0.45, x, y)),
        (lambda: K.all(y, axis=0), [False, False, False]),
        (lambda: K.permute_dimensions(x, (1, 0)), x.T),
        (lambda: K.categorical_crossentropy(y[:1], x[:1] / x[:1].sum()), [-np.log(0.9 / 1.5)]),
    ],
)
def test_backend_functions(value, expected):
    np.testing.assert_allclose(value(), expected, rtol=1e-5, atol=1e-6)


def test_backend_variables():
    variable = K.variable([1.0, 2.0])
    K.update_add(variable, [1.0, 1.0])
    K.set_value(variable, K.get_value(variable) * 2)
    assert K.eval(variable).tolist() == [4.0, 6.0] and K.int_shape(variable) == (2,) and K.count_params(variable) == 2


def test_losses_and_metrics_written_with_the_backend():
    def distance(y_true, y_pred):
        return K.sqrt(K.mean(K.square(y_true - y_pred)))

    net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, kernel_initializer="zeros")])
    net.compile(keras.optimizers.SGD(0.0), loss=distance, metrics=[distance])
    loss, metric = net.evaluate(x, y, verbose=0)
    assert loss == pytest.approx(np.sqrt(0.5)) == metric


@pytest.mark.parametrize(
    "options, expected",
    [
        ({}, [[1, 2, 3], [0, 4, 5]]),
        ({"maxlen": 2}, [[2, 3], [4, 5]]),
        ({"maxlen": 4, "padding": "post", "value": 9}, [[1, 2, 3, 9], [4, 5, 9, 9]]),
        ({"maxlen": 2, "truncating": "post"}, [[1, 2], [4, 5]]),
    ],
)
def test_pad_sequences(options, expected):
    assert keras.preprocessing.sequence.pad_sequences([[1, 2, 3], [4, 5]], **options).tolist() == expected


def test_what_cannot_be_padded():
    with pytest.raises(ValueError, match="Found non-iterable: 1"):
        keras.utils.pad_sequences([1, 2])
    with pytest.raises(ValueError, match="padding='left'"):
        keras.utils.pad_sequences([[1]], padding="left")


def test_windows_of_a_series():
    series = np.arange(20)
    windows = keras.utils.timeseries_dataset_from_array(
        series, series * 10, 3, sequence_stride=4, sampling_rate=2, batch_size=2, start_index=1
    )
    batches = [(a.numpy().tolist(), b.numpy().tolist()) for a, b in windows]
    assert batches == [([[1, 3, 5], [5, 7, 9]], [10, 50]), ([[9, 11, 13], [13, 15, 17]], [90, 130])]
    with pytest.raises(ValueError, match="`sampling_rate` must be higher than 0"):
        keras.utils.timeseries_dataset_from_array(series, None, 3, sampling_rate=0)


def test_mixed_precision_is_the_dtype_policies():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        layer = keras.layers.Dense(1)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert (layer.compute_dtype, layer.variable_dtype) == ("float16", "float32")
    assert keras.mixed_precision.global_policy().name == "float32"


def test_a_metric_by_the_name_of_a_loss():
    np.testing.assert_allclose(keras.metrics.mean_squared_error(y, x), ((y - x) ** 2).mean(-1), rtol=1e-6)
    net = keras.Sequential([keras.Input((3,)), keras.layers.Identity()])
    net.compile(loss="mse", metrics=["cosine_similarity"])
    assert net.evaluate(x, x, verbose=0)[1] == pytest.approx(1.0)  # as a loss it would be -1


def test_tree():
    nested = {"b": [1, 2], "a": (3,)}
    assert keras.tree.flatten(nested) == [3, 1, 2]
    assert keras.tree.map_structure(lambda v: v + 1, nested) == {"b": [2, 3], "a": (4,)}


def test_attention_between_masked_inputs():
    inputs = keras.Input((None,))
    x = keras.layers.Embedding(9, 4, mask_zero=True)(inputs)
    x = keras.layers.MultiHeadAttention(1, 2)(x, x)
    net = keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(x))
    a, b = net.predict(np.array([[1, 2, 0, 0]]), verbose=0), net.predict(np.array([[1, 2]]), verbose=0)
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "name, function",
    [
        ("KLD kld kullback_leibler_divergence", "kl_divergence"),
        ("MAE mae", "mean_absolute_error"),
        ("MAPE mape", "mean_absolute_percentage_error"),
        ("MSE mse", "mean_squared_error"),
        ("MSLE msle", "mean_squared_logarithmic_error"),
        ("logcosh", "log_cosh"),
    ],
)
def test_short_names_of_losses_are_functions_of_losses_and_metrics(name, function):
    for short in name.split():
        assert getattr(keras.losses, short) is getattr(keras.metrics, short) is getattr(keras.losses, function)


def test_short_names_of_metrics_still_stand_for_classes_when_looked_up():
    assert isinstance(keras.metrics.get("mse"), keras.metrics.MeanSquaredError)
    assert keras.losses.get("mse") is keras.losses.mse


def test_reductions_have_names():
    reduction = keras.losses.Reduction
    assert reduction.all() == ("auto", "none", "sum", "sum_over_batch_size")
    assert keras.losses.MeanSquaredError(reduction=reduction.NONE)(y, x).shape == (2,)
    assert reduction.validate("sum") is None
    with pytest.raises(ValueError, match="Invalid Reduction Key: half"):
        reduction.validate("half")
