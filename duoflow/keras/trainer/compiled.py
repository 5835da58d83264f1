"""What `compile` makes of `loss=` and `metrics=`: one callable each over structures of targets and predictions."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from duoflow import ops as tf
from duoflow.core import nest
from duoflow.core.tensor import convert

from .. import losses as losses_module
from .. import metrics as metrics_module
from ..losses.loss import Loss, LossFunctionWrapper
from ..metrics import Mean, MeanMetricWrapper, Metric
from ..naming import to_snake_case

__all__ = ["CompileLoss", "CompileMetrics"]


def _is_binary_or_sparse(y_true: Any, y_pred: Any) -> tuple[bool, bool]:
    """Whether targets and predictions look like two classes, or like class numbers."""
    a, b = y_true.dims or (), y_pred.dims or ()
    binary = not b or b[-1] == 1
    rank_differs = len(a) < len(b)
    sparse = rank_differs or (bool(a) and len(a) == len(b) and a[-1] == 1 and b[-1] != 1)
    return binary, sparse


def _full_name(kind: str, y_true: Any, y_pred: Any) -> str:
    """The name that "accuracy" or "crossentropy" stands for with these shapes, as Keras decides it."""
    binary, sparse = _is_binary_or_sparse(y_true, y_pred)
    return ("binary_" if binary else "sparse_categorical_" if sparse else "categorical_") + kind


def make_metric(identifier: Any, y_true: Any, y_pred: Any) -> Metric | None:
    """A metric for what `metrics=` names."""
    if identifier is None or isinstance(identifier, Metric):
        return identifier
    name = None
    if isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc"):
        class_name = _full_name("accuracy", y_true, y_pred)
        return metrics_module.get({"class_name": class_name, "config": {"name": identifier}})  # type: ignore[no-any-return]
    elif isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce"):
        metric = metrics_module.get(_full_name("crossentropy", y_true, y_pred))
        name = identifier
    else:
        metric = metrics_module.get(identifier)
        name = identifier if isinstance(identifier, str) else None
    if isinstance(metric, Metric):
        if name is not None:
            metric.name = name
        return metric
    if isinstance(metric, losses_module.Loss):
        return MeanMetricWrapper(metric, name=name or metric.name)
    return MeanMetricWrapper(
        metric, name=name or getattr(metric, "__name__", None) or to_snake_case(type(metric).__name__)
    )


def make_loss(identifier: Any, y_true: Any, y_pred: Any) -> Loss | None:
    """A loss for what `loss=` names."""
    if identifier is None or isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce"):
        identifier = _full_name("crossentropy", y_true, y_pred)
    found = losses_module.get(identifier)
    if isinstance(found, Loss) or not callable(found):
        return found
    name = getattr(found, "__name__", None) or to_snake_case(type(found).__name__)
    return LossFunctionWrapper(found, name=name)


def _per_output(spec: Any, y_pred: Any, output_names: list[str], what: str) -> list[Any]:
    """One entry of `loss=`, `metrics=`, ... per output, in the order of the outputs' leaves."""
    count = len(nest.flatten(y_pred))
    if isinstance(spec, Mapping):
        keys = sorted(y_pred) if isinstance(y_pred, Mapping) else output_names
        unknown = [k for k in spec if k not in keys]
        if unknown:
            raise (KeyError if what == "loss" and isinstance(y_pred, Mapping) else ValueError)(
                f"In the dict argument `{what}`, key '{unknown[0]}' does not correspond to any model output. "
                f"Received:\n{what}={spec}\n"
                f"The outputs are: {keys}"
            )
        return [spec.get(k) for k in keys]
    if isinstance(spec, (list, tuple)):
        if len(spec) != count:
            kind = KeyError if what == "loss" else ValueError
            raise kind(
                f"For a model with multiple outputs, when providing the `{what}` argument as a list, it should have as "
                "many "
                f"entries as the model has outputs. Received:\n{what}={spec}\nof length {len(spec)} whereas the model "
                f"has {count} outputs."
            )
        return list(spec)
    return [spec] * count


def _names(y_pred: Any, output_names: list[str] | None) -> list[str]:
    if isinstance(y_pred, Mapping):
        return sorted(y_pred)
    count = len(nest.flatten(y_pred))
    if output_names and len(output_names) == count:
        return list(output_names)
    return [f"output_{i}" for i in range(count)]


def _leaves_like(values: Any, y_pred: Any, names: list[str], what: str) -> list[Any]:
    """Targets or weights per output leaf; dicts are matched by name."""
    if values is None:
        return [None] * len(names)
    if isinstance(values, Mapping):
        missing = [n for n in names if n not in values]
        if what == "y" and missing:
            raise KeyError(f"The targets are a dict with keys {sorted(values)}, but the model's outputs are {names}.")
        return [values.get(n) for n in names]
    leaves = nest.flatten(values)
    if len(leaves) == 1 and len(names) > 1 and what == "sample_weight":
        return leaves * len(names)
    if len(leaves) != len(names):
        raise (KeyError if isinstance(y_pred, Mapping) and not isinstance(values, (list, tuple)) else ValueError)(
            f"`{what}` has {len(leaves)} entries, but the model has {len(names)} outputs ({', '.join(names)})."
        )
    return leaves


class CompileLoss:
    """The total loss of a model: a weighted sum of one loss per output."""

    def __init__(self, loss: Any, loss_weights: Any = None, output_names: list[str] | None = None) -> None:
        if loss_weights is not None and not isinstance(loss_weights, (list, tuple, Mapping, float, int)):
            raise ValueError(
                "Expected `loss_weights` argument to be a float, list, tuple, or dict. Received instead: "
                f"loss_weights={loss_weights}"
            )
        self._user_loss, self._user_weights, self._output_names = loss, loss_weights, output_names
        self._losses: list[Loss | None] = []
        self._weights: list[Any] = []
        self.names: list[str] = []
        self.built = False
        self.trackers: list[Mean] = []

    @property
    def metrics(self) -> list[Metric]:
        """The mean of each output's loss, where there are several outputs; in the order `loss` names them."""
        order = [f"{name}_loss" for name in self._user_loss] if isinstance(self._user_loss, Mapping) else []
        return sorted(self.trackers, key=lambda m: order.index(m.name) if m.name in order else len(order))

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Match the losses to the outputs."""
        self.names = _names(y_pred, self._output_names)
        if not self.names:
            raise ValueError("The model has no outputs to compute a loss on.")
        specs = _per_output(self._user_loss, y_pred, self.names, "loss")
        targets = _leaves_like(y_true, y_pred, self.names, "y")
        pairs = zip(specs, targets, nest.flatten(y_pred), strict=True)
        self._losses = [make_loss(s, t, p) if t is not None else None for s, t, p in pairs]
        if self._user_weights is None or isinstance(self._user_weights, (int, float)):
            self._weights = [self._user_weights] * len(self.names)
        else:
            self._weights = _per_output(self._user_weights, y_pred, self.names, "loss_weights")
        if sum(loss is not None for loss in self._losses) > 1:
            self.trackers = [
                Mean(name=f"{n}_loss") for n, loss in zip(self.names, self._losses, strict=True) if loss is not None
            ]
        self.built = True

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        if not self.built:
            self.build(nest.map_structure(_as_tensor, y_true), y_pred)
        targets = _leaves_like(y_true, y_pred, self.names, "y")
        weights = _leaves_like(sample_weight, y_pred, self.names, "sample_weight")
        total, trackers = None, iter(self.trackers)
        rows = zip(self._losses, self._weights, targets, nest.flatten(y_pred), weights, strict=True)
        for loss, factor, target, prediction, weight in rows:
            if loss is None:
                continue
            value = tf.cast(loss(target, prediction, weight), "float32")
            tracker = next(trackers, None)
            if tracker is not None:
                # Unlike the total, a mean over batches and not over samples, as in Keras.
                tracker.update_state(value)
            if factor is not None:
                value = value * factor
            total = value if total is None else total + value
        return total


def _as_tensor(x: Any) -> Any:
    return None if x is None else convert(x)


class CompileMetrics(Metric):
    """The metrics of a model: lists per output, with and without sample weights."""

    def __init__(self, metrics: Any, weighted_metrics: Any, output_names: list[str] | None = None) -> None:
        for what, value in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
            if value is not None and not isinstance(value, (list, tuple, Mapping)):
                raise ValueError(
                    f"Expected `{what}` argument to be a list, tuple, or dict. Received instead: {what}={value} of "
                    f"type {type(value)}"
                )
        super().__init__(name="compile_metrics")
        self._user = (metrics, weighted_metrics)
        self._output_names = output_names
        self.built = False
        self._rows: list[tuple[int, Metric, bool]] = []
        self.names: list[str] = []

    @property
    def metrics(self) -> list[Metric]:
        """All metrics: those without sample weights first, each in order of outputs."""
        return [metric for _, metric, _ in self._rows]

    @property
    def variables(self) -> list[Any]:
        """The variables of all metrics."""
        return [v for m in self.metrics for v in m.variables]

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Match the metrics to the outputs."""
        self.names = _names(y_pred, self._output_names)
        targets = _leaves_like(y_true, y_pred, self.names, "y")
        rows = []
        for spec, weighted in zip(self._user, (False, True), strict=True):
            per_output = self._lists(spec, y_pred, "weighted_metrics" if weighted else "metrics")
            for i, (identifiers, target, prediction) in enumerate(
                zip(per_output, targets, nest.flatten(y_pred), strict=True)
            ):
                for identifier in identifiers:
                    metric = None if target is None else make_metric(identifier, target, prediction)
                    if metric is not None:
                        rows.append((i, metric, weighted))
        self._rows = rows
        self.built = True

    def _lists(self, spec: Any, y_pred: Any, what: str) -> list[list[Any]]:
        count = len(self.names)
        if spec is None:
            return [[] for _ in range(count)]
        if isinstance(spec, Mapping) or any(isinstance(s, (list, tuple)) for s in spec):
            found = _per_output(spec, y_pred, self.names, what)
        elif count == 1 or len(spec) != count:
            found = [spec] * count if count == 1 else self._refuse(spec, what)
        else:
            found = list(spec)
        return [[] if f is None else list(f) if isinstance(f, (list, tuple)) else [f] for f in found]

    def _refuse(self, spec: Any, what: str) -> Any:
        raise ValueError(
            f"For a model with multiple outputs, when providing the `{what}` argument as a list, it should have as "
            "many entries "
            f"as the model has outputs. Received:\n{what}={spec}\nof length {len(spec)} whereas the model has "
            f"{len(self.names)} outputs."
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch into account."""
        if not self.built:
            self.build(nest.map_structure(_as_tensor, y_true), y_pred)
        targets = _leaves_like(y_true, y_pred, self.names, "y")
        weights = _leaves_like(sample_weight, y_pred, self.names, "sample_weight")
        predictions = nest.flatten(y_pred)
        for i, metric, weighted in self._rows:
            metric.update_state(targets[i], predictions[i], sample_weight=weights[i] if weighted else None)

    def result(self) -> dict[str, Any]:
        """The values by name; with several outputs the output's name goes before, and a name met again is changed."""
        out: dict[str, Any] = {}
        for i, metric, weighted in self._rows:
            prefix = "" if len(self.names) == 1 else f"{self.names[i]}_"
            name = prefix + metric.name
            if weighted and name in out:
                name = f"{prefix}weighted_{metric.name}"
            out[_unused(name, out)] = metric.result()
        return out

    def reset_state(self) -> None:
        """Start over."""
        for metric in self.metrics:
            metric.reset_state()


def _unused(name: str, taken: Mapping[str, Any]) -> str:
    """`name`, or the first of name_1, name_2, ... that is not taken."""
    if name not in taken:
        return name
    return next(other for i in itertools.count(1) if (other := f"{name}_{i}") not in taken)
