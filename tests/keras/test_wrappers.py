"""Models as scikit-learn's estimators; without scikit-learn, how to get it."""

import builtins
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from duoflow import keras

X = np.random.default_rng(0).normal(size=(64, 4))
CLASSES = np.array(["left", "right"])[(X[:, 0] > 0).astype(int)]
QUIET = {"verbose": 0, "epochs": 2}


def test_without_scikit_learn_they_say_what_is_missing(monkeypatch):
    imported = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == "sklearn":
            raise ImportError(name)
        return imported(name, *args, **kwargs)

    path = Path(keras.__file__).with_name("wrappers.py")
    spec = importlib.util.spec_from_file_location("duoflow.keras.wrappers_alone", path)
    wrappers = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(builtins, "__import__", without)
    spec.loader.exec_module(wrappers)
    for name in wrappers.__all__:
        with pytest.raises(ImportError, match=f"{name} requires `scikit-learn`"):
            getattr(wrappers, name)(keras.Sequential())


def dynamic(X, y, loss="categorical_crossentropy", activation="softmax", units=8):
    outputs = y.shape[1] if y.ndim > 1 else 1
    last = keras.layers.Dense(outputs, activation=activation)
    model = keras.Sequential([keras.Input((X.shape[1],)), keras.layers.Dense(units, activation="relu"), last])
    model.compile(keras.optimizers.Adam(0.05), loss, metrics=["accuracy"])
    return model


@pytest.fixture
def sklearn():
    return pytest.importorskip("sklearn")


@pytest.mark.slow
def test_classes_go_in_and_come_out(sklearn):
    keras.utils.set_random_seed(0)
    estimator = keras.wrappers.SKLearnClassifier(dynamic, fit_kwargs={**QUIET, "epochs": 15}).fit(X, CLASSES)
    assert list(estimator.classes_) == ["left", "right"] and estimator.score(X, CLASSES) > 0.9
    assert sorted(estimator.history_.history) == ["accuracy", "loss"] and estimator.epoch_ == 15
    np.testing.assert_allclose(estimator.decision_function(X).sum(axis=1), 1, rtol=1e-5)
    for y, message in ((np.zeros(64), "only one class"), (X[:, 0], "Target type: continuous")):
        with pytest.raises(ValueError, match=message):
            estimator.fit(X, y)
    with pytest.raises(ValueError, match="expecting 4 features"):
        estimator.predict(X[:, :2])


@pytest.mark.slow
def test_models_and_functions_of_the_data(sklearn):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    regressor = keras.wrappers.SKLearnRegressor(model, fit_kwargs=QUIET)
    with pytest.raises(RuntimeError, match="needs to be compiled"):
        regressor.fit(X, X[:, 0])
    model.compile("sgd", "mse")
    before = model.get_weights()[0].copy()
    assert regressor.fit(X, X[:, 0], epochs=3).predict(X).shape == (64,) and regressor.epoch_ == 3
    np.testing.assert_array_equal(model.get_weights()[0], before)
    warm = keras.wrappers.SKLearnRegressor(model, warm_start=True, fit_kwargs=QUIET).fit(X, X[:, 0])
    assert warm.model_ is model and warm.fit(X, X[:, 0]).model_ is model
    transformer = keras.wrappers.SKLearnTransformer(dynamic, model_kwargs={"loss": "mse", "activation": None})
    assert transformer.fit(X, X[:, 0], verbose=0).transform(X).shape == (64, 1)


@pytest.mark.slow
def test_in_pipelines_and_searches(sklearn):
    from sklearn.base import clone
    from sklearn.exceptions import NotFittedError
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    estimator = keras.wrappers.SKLearnClassifier(dynamic, fit_kwargs=QUIET)
    assert make_pipeline(StandardScaler(), estimator).fit(X, CLASSES).predict(X).shape == (64,)
    search = GridSearchCV(estimator, {"model_kwargs": [{"units": 2}, {"units": 8}]}, cv=2).fit(X, CLASSES)
    assert search.best_estimator_.fit_kwargs == QUIET
    with pytest.raises(NotFittedError):
        clone(estimator).predict(X)
    with pytest.raises(RuntimeError, match="enable_metadata_routing"):
        estimator.set_fit_request(sample_weight=True)
    with sklearn.config_context(enable_metadata_routing=True):
        routing = clone(estimator).set_fit_request(sample_weight=True).get_metadata_routing()
    assert routing.fit.requests == {"sample_weight": True}
