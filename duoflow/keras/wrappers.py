"""keras.wrappers: models as scikit-learn's estimators, for its pipelines, searches and scores.

scikit-learn (1.6 or newer) is optional: without it the classes are there and raise `ImportError` when they are made.
The module is imported when it is first named, since scikit-learn takes its time to import.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .models import Model, clone_model

try:
    import sklearn
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder
    from sklearn.utils.metadata_routing import MetadataRequest
    from sklearn.utils.multiclass import type_of_target
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError:
    sklearn = None
    BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin = (
        type(name, (), {}) for name in ("BaseEstimator", "ClassifierMixin", "RegressorMixin", "TransformerMixin")
    )

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]


class _Reshaper(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Targets of one dimension as columns, and columns back."""

    def fit(self, y: Any) -> _Reshaper:
        """Take note of the dimensions."""
        self.ndim_ = y.ndim
        return self

    def transform(self, y: Any) -> Any:
        """A column."""
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def inverse_transform(self, y: Any) -> Any:
        """What was fitted: a row of numbers, if that is what it was."""
        check_is_fitted(self)
        return np.squeeze(y, axis=1) if self.ndim_ == 1 and y.ndim == 2 else y


class _Estimator(BaseEstimator):  # type: ignore[misc]
    """Base: a model, or a function of (X, y, **model_kwargs) that makes one, and how to fit it."""

    def __init__(self, model: Any, warm_start: bool = False, model_kwargs: Any = None, fit_kwargs: Any = None) -> None:
        if sklearn is None:
            raise ImportError(
                f"{type(self).__name__} requires `scikit-learn` to be installed. Run `pip install scikit-learn` to "
                "install it."
            )
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags

    def __sklearn_clone__(self) -> Any:
        return type(self)(self.model, self.warm_start, self.model_kwargs, self.fit_kwargs)

    @property
    def epoch_(self) -> int:
        """How many epochs the last `fit` ran."""
        return len(self.history_.epoch) if hasattr(self, "history_") else 0

    def set_fit_request(self, **kwargs: Any) -> Any:
        """Say which arguments of `fit` scikit-learn's metadata routing passes on, and under which alias."""
        if not sklearn.get_config().get("enable_metadata_routing", False):
            raise RuntimeError(
                "This method is only available when metadata routing is enabled. You can enable it using "
                "sklearn.set_config(enable_metadata_routing=True)."
            )
        self._metadata_request = MetadataRequest(owner=type(self).__name__)
        for param, alias in kwargs.items():
            self._metadata_request.fit.add_request(param=param, alias=alias)
        return self

    def _get_model(self, X: Any, y: Any) -> Any:
        if self.warm_start and hasattr(self, "model_"):
            return self.model_
        if isinstance(self.model, Model):
            return self.model if self.warm_start else clone_model(self.model)
        return self.model(X=X, y=y, **(self.model_kwargs or {}))

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Any:
        """Train the model.

        Args:
          X: [samples, features]. y: [samples] or [samples, outputs]. kwargs: go to `Model.fit`, before `fit_kwargs`.
        """
        X, y = validate_data(self, X, y)
        y = self._process_target(y, reset=True)
        model = self._get_model(X, y)
        if not model.compiled or not model.loss or not model.optimizer:
            raise RuntimeError("Given model needs to be compiled, and have a loss and an optimizer.")
        self.history_ = model.fit(X, y, **{**(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        return self

    def predict(self, X: Any) -> Any:
        """The model's outputs, in the form of the targets."""
        return self._reverse_process_target(self._outputs(X))

    def _outputs(self, X: Any) -> Any:
        check_is_fitted(self)
        return self.model_.predict(validate_data(self, X, reset=False))

    def _process_target(self, y: Any, reset: bool = False) -> Any:
        """Targets as the model takes them."""
        if type_of_target(y) == "unknown":
            raise ValueError(f"Unknown label type for data: {y!r}")
        if reset:
            self._target_encoder = _Reshaper().fit(y)
        return self._target_encoder.transform(y)

    def _reverse_process_target(self, y: Any) -> Any:
        return self._target_encoder.inverse_transform(y)


class SKLearnClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """A model as a classifier: classes are one-hot encoded for it, and `predict` gives classes.

    Args:
      model: a compiled model, of which each fit trains a copy; or a function of X, y and `model_kwargs` that gives one.
      warm_start: train on where the last fit stopped; and a model itself, not a copy.
      model_kwargs: arguments of the function. fit_kwargs: arguments of `Model.fit`.

    After `fit` it has `model_`, `history_` and `classes_`. Raises `ImportError` without scikit-learn.

    Keras: keras.wrappers.SKLearnClassifier.
    """

    def decision_function(self, X: Any) -> Any:
        """The model's outputs."""
        return self._outputs(X)

    def _process_target(self, y: Any, reset: bool = False) -> Any:
        kind = type_of_target(y)
        if kind == "unknown":
            raise ValueError(f"Unknown label type for data: {y!r}")
        if kind not in ("binary", "multiclass"):
            raise ValueError(f"Only binary and multiclass target types are supported. Target type: {kind}")
        if reset:
            self._target_encoder = make_pipeline(_Reshaper(), OneHotEncoder(sparse_output=False)).fit(y)
            self.classes_ = np.unique(y)
            if len(self.classes_) == 1:
                raise ValueError("Classifier can't train when only one class is present.")
        return self._target_encoder.transform(y)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


class SKLearnRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """A model as a regressor; the arguments are those of `SKLearnClassifier`.

    Keras: keras.wrappers.SKLearnRegressor.
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


class SKLearnTransformer(TransformerMixin, _Estimator):  # type: ignore[misc]
    """A model whose outputs are the next step's inputs; the arguments are those of `SKLearnClassifier`.

    Keras: keras.wrappers.SKLearnTransformer.
    """

    def transform(self, X: Any) -> Any:
        """The model's outputs."""
        return self._outputs(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
