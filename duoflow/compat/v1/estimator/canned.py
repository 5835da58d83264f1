"""Canned estimators: linear models, perceptrons, both together, and models that know only how labels are spread.

A model is a function of features to logits and the optimizers of its parts; a head (heads.py) does the rest.

TensorFlow: tf.estimator (1.x; TensorFlow 2.21 has dropped it).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from duoflow.core import dtypes
from duoflow.core.late import F
from duoflow.feature_column import make_parse_example_spec
from duoflow.feature_column.base import FeatureColumn
from duoflow.feature_column.numbers import NumericColumn, numeric_column
from duoflow.ops import FixedLenFeature

from .. import optimizers
from ..feature_column import input_layer, linear_model
from ..initializers import glorot_uniform_initializer, zeros_initializer
from ..layers import batch_normalization, dense, dropout
from ..modes import GraphKeys, get_collection
from ..training import get_global_step
from ..variables import get_variable, variable_scope
from .heads import Head, RegressionHead, classification_head
from .model import Estimator
from .spec import ModeKeys

__all__ = [
    "BaselineClassifier", "BaselineRegressor", "DNNClassifier", "DNNLinearCombinedClassifier",
    "DNNLinearCombinedRegressor", "DNNRegressor", "LinearClassifier", "LinearRegressor",
    "classifier_parse_example_spec", "regressor_parse_example_spec",
]  # fmt: skip

_SUM = "weighted_sum"

#: Optimizers by name, of a learning rate.
_OPTIMIZERS: dict[str, Callable[[float], Any]] = {
    "Adagrad": optimizers.AdagradOptimizer,
    "Adam": optimizers.AdamOptimizer,
    "Ftrl": optimizers.FtrlOptimizer,
    "RMSProp": optimizers.RMSPropOptimizer,
    "SGD": optimizers.GradientDescentOptimizer,
}


def _optimizer(given: Any, rate: float) -> Any:
    """An optimizer from itself, a function that makes it, or a name; `ValueError` for anything else."""
    if isinstance(given, str):
        if given not in _OPTIMIZERS:
            raise ValueError(f"Unsupported optimizer name: {given}. Supported names are: {tuple(sorted(_OPTIMIZERS))}")
        return _OPTIMIZERS[given](rate)
    made = given() if callable(given) else given
    if not isinstance(made, optimizers.Optimizer):
        raise ValueError(f"The given object is not an Optimizer instance. Given: {made}")
    return made


class _Part:
    """A part of a model: a scope, a function (features, mode, units) -> logits, an optimizer and its usual rate."""

    def __init__(self, scope: str, logits: Callable[..., Any], optimizer: Any, rate: float) -> None:
        self.scope, self.logits, self._optimizer, self._rate = scope, logits, optimizer, rate

    def minimize(self, loss: Any, step: Any) -> Any:
        """The operation that trains the part's variables."""
        variables = get_collection(GraphKeys.TRAINABLE_VARIABLES, f"{self.scope}/")
        return _optimizer(self._optimizer, self._rate).minimize(loss, step, variables)


class _Canned(Estimator):
    """An estimator of parts, whose logits are added up, and a head."""

    def __init__(self, parts: Sequence[_Part], head: Head, model_dir: Any, config: Any, warm_start: Any = None) -> None:
        def model_fn(features: Any, labels: Any, mode: str, config: Any) -> Any:
            if not isinstance(features, Mapping):
                raise ValueError(f"features should be a dictionary of `Tensor`s. Given type: {type(features)}")
            logits = [part.logits(features, mode, head.size) for part in parts]
            return head.create_spec(
                dict(features), mode, F.add_n(logits) if len(logits) > 1 else logits[0], labels, train
            )

        def train(loss: Any) -> Any:
            step = get_global_step()
            with F.control_dependencies(get_collection(GraphKeys.UPDATE_OPS)):
                if len(parts) == 1:
                    return parts[0].minimize(loss, step)
                done = F.group(*[part.minimize(loss, None) for part in parts])
            with F.control_dependencies([done]):
                return step.assign_add(1).op

        super().__init__(model_fn, model_dir, config, warm_start_from=warm_start)


# -- parts -------------------------------------------------------------------------------------------------------------


def _columns(columns: Any) -> list[Any]:
    found = [columns] if isinstance(columns, FeatureColumn) else list(columns or ())
    for column in found:
        if not isinstance(column, FeatureColumn):
            raise ValueError(f"Items of feature_columns must be a FeatureColumn. Given: {column}")
    return found


def _linear(
    columns: Any, optimizer: Any, partitioner: Any, combiner: str, best: float = 0.2, scope: str = "linear"
) -> _Part:
    columns = _columns(columns)

    def logits(features: Any, mode: str, units: int) -> Any:
        with variable_scope(scope, values=list(features.values()), partitioner=partitioner):
            return linear_model(features, columns, units, combiner)

    return _Part(scope, logits, optimizer, min(best, 1.0 / math.sqrt(max(len(columns), 1))))


def _perceptron(
    columns: Any, hidden_units: Sequence[int], optimizer: Any, activation: Any, share: float | None, normalized: bool,
    partitioner: Any, rate: float = 0.05, scope: str = "dnn",
) -> _Part:  # fmt: skip
    columns = _columns(columns)

    def hidden(net: Any, number: int, units: int, training: bool) -> Any:
        name = f"hiddenlayer_{number}"
        net = dense(net, units, activation, kernel_initializer=glorot_uniform_initializer(), name=name)
        if share is not None and training:
            net = dropout(net, share, training=True)
        if normalized:
            net = batch_normalization(net, momentum=0.999, training=training, name=f"{name}/batchnorm_{number}")
        return net

    def logits(features: Any, mode: str, units: int) -> Any:
        with variable_scope(scope, values=list(features.values()), partitioner=partitioner):
            with variable_scope("input_from_feature_columns"):
                net = input_layer(features, columns)
            for number, size in enumerate(hidden_units):
                net = hidden(net, number, size, mode == ModeKeys.TRAIN)
            return dense(net, units, kernel_initializer=glorot_uniform_initializer(), name="logits")

    return _Part(scope, logits, optimizer, rate)


def _baseline(optimizer: Any) -> _Part:
    def logits(features: Any, mode: str, units: int) -> Any:
        with variable_scope("baseline"):
            bias = get_variable("bias", [units], initializer=zeros_initializer())
            batch = F.shape(next(iter(features.values())))[0]
            return F.ones(F.stack([batch, 1])) * bias

    return _Part("baseline", logits, optimizer, 0.3)


# -- linear models -----------------------------------------------------------------------------------------------------


class LinearClassifier(_Canned):
    """Logits that are sums of weights.

    Args:
      feature_columns: of numbers or ids.
      model_dir, config, warm_start_from: as of `Estimator`.
      n_classes: how many classes there are.
      weight_column: the key of the examples' weights, or a numeric column.
      label_vocabulary: the classes as strings, if labels are strings.
      optimizer: a name, an optimizer, or a function that makes one.
      partitioner: of the variables.
      loss_reduction: what is made of the examples' losses, one of `tf.losses.Reduction`.
      sparse_combiner: what is made of the weights of an example's ids: "sum", "mean" or "sqrtn".

    TensorFlow: tf.estimator.LinearClassifier.
    """

    def __init__(
        self, feature_columns: Any, model_dir: Any = None, n_classes: int = 2, weight_column: Any = None,
        label_vocabulary: Any = None, optimizer: Any = "Ftrl", config: Any = None, partitioner: Any = None,
        warm_start_from: Any = None, loss_reduction: str = _SUM, sparse_combiner: str = "sum",
    ) -> None:  # fmt: skip
        part = _linear(feature_columns, optimizer, partitioner, sparse_combiner)
        head = classification_head(n_classes, weight_column, label_vocabulary, loss_reduction)
        super().__init__([part], head, model_dir, config, warm_start_from)


class LinearRegressor(_Canned):
    """Predictions that are sums of weights; arguments as of `LinearClassifier`.

    Args:
      label_dimension: how many numbers are predicted for an example.

    TensorFlow: tf.estimator.LinearRegressor.
    """

    def __init__(
        self, feature_columns: Any, model_dir: Any = None, label_dimension: int = 1, weight_column: Any = None,
        optimizer: Any = "Ftrl", config: Any = None, partitioner: Any = None, warm_start_from: Any = None,
        loss_reduction: str = _SUM, sparse_combiner: str = "sum",
    ) -> None:  # fmt: skip
        part = _linear(feature_columns, optimizer, partitioner, sparse_combiner)
        head = RegressionHead(label_dimension, weight_column, loss_reduction)
        super().__init__([part], head, model_dir, config, warm_start_from)


# -- perceptrons -------------------------------------------------------------------------------------------------------


class DNNClassifier(_Canned):
    """Logits of a perceptron; arguments as of `LinearClassifier`.

    Args:
      hidden_units: the sizes of the hidden layers.
      feature_columns: of numbers.
      activation_fn: behind each hidden layer, relu by default.
      dropout: the share of a hidden layer's outputs that are set to zero in training.
      input_layer_partitioner: of the variables.
      batch_norm: whether hidden layers are normalised.

    TensorFlow: tf.estimator.DNNClassifier.
    """

    def __init__(
        self, hidden_units: Sequence[int], feature_columns: Any, model_dir: Any = None, n_classes: int = 2,
        weight_column: Any = None, label_vocabulary: Any = None, optimizer: Any = "Adagrad", activation_fn: Any = None,
        dropout: float | None = None, input_layer_partitioner: Any = None, config: Any = None,
        warm_start_from: Any = None, loss_reduction: str = _SUM, batch_norm: bool = False,
    ) -> None:  # fmt: skip
        part = _perceptron(
            feature_columns, hidden_units, optimizer, activation_fn or F.relu, dropout, batch_norm,
            input_layer_partitioner,
        )  # fmt: skip
        head = classification_head(n_classes, weight_column, label_vocabulary, loss_reduction)
        super().__init__([part], head, model_dir, config, warm_start_from)


class DNNRegressor(_Canned):
    """Predictions of a perceptron; arguments as of `DNNClassifier` and `LinearRegressor`.

    TensorFlow: tf.estimator.DNNRegressor.
    """

    def __init__(
        self, hidden_units: Sequence[int], feature_columns: Any, model_dir: Any = None, label_dimension: int = 1,
        weight_column: Any = None, optimizer: Any = "Adagrad", activation_fn: Any = None, dropout: float | None = None,
        input_layer_partitioner: Any = None, config: Any = None, warm_start_from: Any = None,
        loss_reduction: str = _SUM, batch_norm: bool = False,
    ) -> None:  # fmt: skip
        part = _perceptron(
            feature_columns, hidden_units, optimizer, activation_fn or F.relu, dropout, batch_norm,
            input_layer_partitioner,
        )  # fmt: skip
        head = RegressionHead(label_dimension, weight_column, loss_reduction)
        super().__init__([part], head, model_dir, config, warm_start_from)


# -- wide and deep -----------------------------------------------------------------------------------------------------


def _wide_and_deep(
    linear_columns: Any, linear_optimizer: Any, dnn_columns: Any, dnn_optimizer: Any, hidden_units: Any,
    activation: Any, share: float | None, partitioner: Any, normalized: bool, combiner: str,
) -> list[_Part]:  # fmt: skip
    wide, deep = _columns(linear_columns), _columns(dnn_columns)
    if not wide and not deep:
        raise ValueError("Either linear_feature_columns or dnn_feature_columns must be defined.")
    if deep and not hidden_units:
        raise ValueError("dnn_hidden_units must be defined when dnn_feature_columns is specified.")
    parts = []
    if deep:
        activation = activation or F.relu
        parts.append(
            _perceptron(deep, hidden_units, dnn_optimizer, activation, share, normalized, partitioner, rate=0.001)
        )
    if wide:
        parts.append(_linear(wide, linear_optimizer, partitioner, combiner, best=0.005))
    return parts


class DNNLinearCombinedClassifier(_Canned):
    """Logits of a linear model and a perceptron, added up; arguments as of `LinearClassifier` and `DNNClassifier`.

    TensorFlow: tf.estimator.DNNLinearCombinedClassifier.
    """

    def __init__(
        self, model_dir: Any = None, linear_feature_columns: Any = None, linear_optimizer: Any = "Ftrl",
        dnn_feature_columns: Any = None, dnn_optimizer: Any = "Adagrad", dnn_hidden_units: Any = None,
        dnn_activation_fn: Any = None, dnn_dropout: float | None = None, n_classes: int = 2, weight_column: Any = None,
        label_vocabulary: Any = None, input_layer_partitioner: Any = None, config: Any = None,
        warm_start_from: Any = None, loss_reduction: str = _SUM, batch_norm: bool = False,
        linear_sparse_combiner: str = "sum",
    ) -> None:  # fmt: skip
        parts = _wide_and_deep(
            linear_feature_columns, linear_optimizer, dnn_feature_columns, dnn_optimizer, dnn_hidden_units,
            dnn_activation_fn, dnn_dropout, input_layer_partitioner, batch_norm, linear_sparse_combiner,
        )  # fmt: skip
        head = classification_head(n_classes, weight_column, label_vocabulary, loss_reduction)
        super().__init__(parts, head, model_dir, config, warm_start_from)


class DNNLinearCombinedRegressor(_Canned):
    """Predictions of a linear model and a perceptron, added up.

    TensorFlow: tf.estimator.DNNLinearCombinedRegressor.
    """

    def __init__(
        self, model_dir: Any = None, linear_feature_columns: Any = None, linear_optimizer: Any = "Ftrl",
        dnn_feature_columns: Any = None, dnn_optimizer: Any = "Adagrad", dnn_hidden_units: Any = None,
        dnn_activation_fn: Any = None, dnn_dropout: float | None = None, label_dimension: int = 1,
        weight_column: Any = None, input_layer_partitioner: Any = None, config: Any = None, warm_start_from: Any = None,
        loss_reduction: str = _SUM, batch_norm: bool = False, linear_sparse_combiner: str = "sum",
    ) -> None:  # fmt: skip
        parts = _wide_and_deep(
            linear_feature_columns, linear_optimizer, dnn_feature_columns, dnn_optimizer, dnn_hidden_units,
            dnn_activation_fn, dnn_dropout, input_layer_partitioner, batch_norm, linear_sparse_combiner,
        )  # fmt: skip
        head = RegressionHead(label_dimension, weight_column, loss_reduction)
        super().__init__(parts, head, model_dir, config, warm_start_from)


# -- baselines ---------------------------------------------------------------------------------------------------------


class BaselineClassifier(_Canned):
    """Predicts how often each class comes, whatever the features. TensorFlow: tf.estimator.BaselineClassifier."""

    def __init__(
        self, model_dir: Any = None, n_classes: int = 2, weight_column: Any = None, label_vocabulary: Any = None,
        optimizer: Any = "Ftrl", config: Any = None, loss_reduction: str = _SUM,
    ) -> None:  # fmt: skip
        head = classification_head(n_classes, weight_column, label_vocabulary, loss_reduction)
        super().__init__([_baseline(optimizer)], head, model_dir, config)


class BaselineRegressor(_Canned):
    """Predicts the mean of the labels, whatever the features. TensorFlow: tf.estimator.BaselineRegressor."""

    def __init__(
        self, model_dir: Any = None, label_dimension: int = 1, weight_column: Any = None, optimizer: Any = "Ftrl",
        config: Any = None, loss_reduction: str = _SUM,
    ) -> None:  # fmt: skip
        head = RegressionHead(label_dimension, weight_column, loss_reduction)
        super().__init__([_baseline(optimizer)], head, model_dir, config)


# -- parsing -----------------------------------------------------------------------------------------------------------


def _parse_spec(columns: Any, label_key: str, label: FixedLenFeature, weight_column: Any) -> dict[str, Any]:
    spec = make_parse_example_spec(columns)
    if label_key in spec:
        raise ValueError(f"label should not be used as feature. label_key: {label_key}, feature_columns: {columns}")
    spec[label_key] = label
    if isinstance(weight_column, str):
        weight_column = numeric_column(weight_column)
    if weight_column is not None:
        if not isinstance(weight_column, NumericColumn):
            raise ValueError(f"weight_column must be a string or a numeric column. Given: {weight_column}")
        spec.update(weight_column.parse_example_spec)
    return spec


def classifier_parse_example_spec(
    feature_columns: Any, label_key: str, label_dtype: Any = dtypes.int64, label_default: Any = None,
    weight_column: Any = None,
) -> dict[str, Any]:  # fmt: skip
    """What `tf.io.parse_example` needs to know of a classifier's features, label and weights.

    TensorFlow: tf.estimator.classifier_parse_example_spec.
    """
    return _parse_spec(feature_columns, label_key, FixedLenFeature((1,), label_dtype, label_default), weight_column)


def regressor_parse_example_spec(
    feature_columns: Any, label_key: str, label_dtype: Any = dtypes.float32, label_default: Any = None,
    label_dimension: int = 1, weight_column: Any = None,
) -> dict[str, Any]:  # fmt: skip
    """What `tf.io.parse_example` needs to know of a regressor's features, labels and weights.

    TensorFlow: tf.estimator.regressor_parse_example_spec.
    """
    label = FixedLenFeature((label_dimension,), label_dtype, label_default)
    return _parse_spec(feature_columns, label_key, label, weight_column)
