"""Metrics in graphs, in models, by name, and what they refuse."""

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras
from tests.golden.keras_training.metric_cases import DATA

TRACED = [
    ("AUC()", "scores"),
    ("AUC(multi_label=True, num_labels=3, curve='PR')", "multilabel"),
    ("Precision(top_k=2)", "multilabel"),
    ("Recall(thresholds=[0.2, 0.7])", "scores"),
    ("PrecisionAtRecall(0.6)", "scores"),
    ("F1Score(average='macro')", "multilabel"),
    ("R2Score()", "real"),
    ("MeanIoU(3)", "classes"),
    ("SparseTopKCategoricalAccuracy(k=2)", "labels"),
    ("PearsonCorrelation()", "real"),
]


@pytest.mark.parametrize("expression, data", TRACED)
def test_a_traced_update_is_an_eager_update(expression, data):
    traced, eager = [eval(expression, vars(keras.metrics)) for _ in range(2)]
    y_true, y_pred = [tf.constant(part) for part in DATA[data]]
    update = tf.function(lambda a, b: traced.update_state(a, b))
    for _ in range(2):
        update(y_true, y_pred)
        eager.update_state(y_true, y_pred)
    np.testing.assert_allclose(traced.result(), eager.result(), rtol=1e-6)
    np.testing.assert_allclose(tf.function(traced.result)(), eager.result(), rtol=1e-6)


def test_metrics_of_a_model_that_is_trained():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=[keras.metrics.AUC(name="area"), "Precision", "f1_score"])
    x = np.random.default_rng(0).normal(size=(32, 2))
    y = (x.sum(1, keepdims=True) > 0).astype("float32")
    history = model.fit(x, y, epochs=2, batch_size=8, verbose=0).history
    assert list(history) == ["Precision", "area", "f1_score", "loss"]
    probabilities = model.predict(x, verbose=0)
    positive, negative = probabilities[y == 1], probabilities[y == 0]
    area = (positive[:, None] > negative).mean()
    assert model.evaluate(x, y, verbose=0, return_dict=True)["area"] == pytest.approx(area, abs=0.02)


@pytest.mark.parametrize("name", ["mse", "MAE", "rmse", "accuracy", "AUC", "binary_crossentropy", "MeanSquaredError"])
def test_names(name):
    if name == "accuracy":
        assert callable(keras.metrics.get(name))
    else:
        metric = keras.metrics.get(name)
        assert callable(metric) or isinstance(metric, keras.metrics.Metric)


def test_unknown_names():
    with pytest.raises(ValueError, match="Could not interpret metric identifier: nonsense"):
        keras.metrics.get("nonsense")


def test_a_metric_of_a_function_round_trips():
    metric = keras.metrics.MeanMetricWrapper(keras.losses.huber, delta=0.5)
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert again([0.0, 0.0], [2.0, 0.1]).numpy() == metric([0.0, 0.0], [2.0, 0.1]).numpy()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: keras.metrics.Precision(thresholds=[0.2, 1.5]), "Threshold values must be in"),
        (lambda: keras.metrics.AUC(curve="nonsense"), "Invalid AUC curve"),
        (lambda: keras.metrics.AUC(num_labels=3), "multi_label"),
        (lambda: keras.metrics.IoU(2, [2]), "out of range"),
        (lambda: keras.metrics.FBetaScore(beta=1), "Python float"),
        (lambda: keras.metrics.F1Score().update_state([0, 1], [0.0, 1.0]), "2D inputs"),
        (lambda: keras.metrics.SensitivityAtSpecificity(1.5), "range"),
        (lambda: keras.metrics.BinaryAccuracy(threshold=2), "threshold"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_updates_on_given_values_leave_the_state_alone():
    metric = keras.metrics.Mean()
    metric.update_state([4.0])
    after = metric.stateless_update_state([1.0, 1.0], [3.0])
    assert [v.numpy() for v in after] == [4.0, 2.0] and metric.stateless_result(after).numpy() == 2.0
    assert metric.result().numpy() == 4.0
