"""`compile`, `fit`, `evaluate` and `predict` of every model.

A whole training step (forward, loss, gradients, update, metrics) is traced once per form of the data, with the batch
dimension left open, and then called batch by batch. Values of metrics stay in their variables until somebody asks.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core import nest
from duoflow.core.autodiff import GradientTape

from .. import optimizers
from ..callbacks import CallbackList, History
from ..metrics import Mean, Metric
from ..preferences import max_epochs, max_steps_per_epoch, within
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..scopes import values_of, with_state
from ..tracking import untracked
from .compiled import CompileLoss, CompileMetrics
from .data import (
    Adapter,
    Batch,
    Portion,
    make_adapter,
    single_batch,
    train_validation_split,
    unpack_x_y_sample_weight,
)
from .steps import EagerStep, TracedStep

__all__ = ["Trainer"]


class Trainer:
    """The training side of a model; `Model` inherits it."""

    _compile_loss: CompileLoss | None
    _compile_metrics: CompileMetrics | None

    def __init__(self) -> None:
        with untracked():
            self._reset_trainer()

    def _reset_trainer(self) -> None:
        """Forget what `compile` set up."""
        self.optimizer: Any = None
        self.loss: Any = None
        self.compiled = False
        self.stop_training = self.stop_evaluating = self.stop_predicting = False
        self.run_eagerly = False
        self.jit_compile: Any = None
        self.steps_per_execution = 1
        self._compile_loss = self._compile_metrics = None
        self._loss_tracker: Any = None
        self._steps: dict[Any, Any] = {}
        self._compile_config: dict[str, Any] | None = None

    # -- compile -----------------------------------------------------------------------------------------------------

    def compile(
        self, optimizer: Any = "rmsprop", loss: Any = None, loss_weights: Any = None, metrics: Any = None,
        weighted_metrics: Any = None, run_eagerly: bool = False, steps_per_execution: int = 1,
        jit_compile: Any = "auto", auto_scale_loss: bool = True,
    ) -> None:  # fmt: skip
        """Choose how to train.

        Args:
          optimizer, loss, metrics: names, objects or callables; lists or dicts for models with several outputs.
          loss_weights: a factor per loss.
          weighted_metrics: metrics that take sample weights into account.
          run_eagerly: run steps as plain Python, for debugging.
          steps_per_execution: batches between two visits of the callbacks.
          jit_compile: accepted; every step is compiled.
          auto_scale_loss: wrap the optimizer of a model of policy "mixed_float16" in a `LossScaleOptimizer`.

        Raises `ValueError` for names nobody knows.
        """
        with untracked():  # what training needs is no state of the model
            self._compile(optimizer, loss, loss_weights, metrics, weighted_metrics)
            given = self.optimizer
            if auto_scale_loss and self.dtype_policy.name == "mixed_float16" and given is not None:  # type: ignore[attr-defined]
                if not isinstance(given, optimizers.LossScaleOptimizer):
                    self.optimizer = optimizers.LossScaleOptimizer(given, name="loss_scale_optimizer")
            self.run_eagerly, self.jit_compile = bool(run_eagerly), jit_compile
            if steps_per_execution < 1:
                raise ValueError(f"`steps_per_execution` must be at least 1, received {steps_per_execution}.")
            self.steps_per_execution = int(steps_per_execution)
            self.stop_training, self.compiled = False, True
            self._compile_config = {
                "optimizer": given, "loss": loss, "loss_weights": loss_weights, "metrics": metrics,
                "weighted_metrics": weighted_metrics, "run_eagerly": run_eagerly,
                "steps_per_execution": steps_per_execution, "jit_compile": False,
            }  # fmt: skip

    def _compile(self, optimizer: Any, loss: Any, loss_weights: Any, metrics: Any, weighted_metrics: Any) -> None:
        self._steps = {}
        self.optimizer = None if optimizer is None else optimizers.get(optimizer)
        self.loss = loss
        names = getattr(self, "output_names", None)
        self._compile_loss = None if loss is None else CompileLoss(loss, loss_weights, names)
        has_metrics = metrics is not None or weighted_metrics is not None
        self._compile_metrics = CompileMetrics(metrics, weighted_metrics, names) if has_metrics else None
        self._loss_tracker = Mean(name="loss")

    def get_compile_config(self) -> dict[str, Any]:
        """The arguments of `compile` as plain data, none of them before it."""
        return serialize_keras_object(dict(self._compile_config or {}))

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile with what `get_compile_config` gave, and make the optimizer's variables."""
        if not config:
            return
        self.compile(**deserialize_keras_object(config))
        if self.optimizer is not None and self.built:  # type: ignore[attr-defined]
            self.optimizer.build(self.trainable_variables)  # type: ignore[attr-defined]

    def _assert_compile_called(self, method: str) -> None:
        if not self.compiled:
            raise ValueError(f"You must call `compile()` before calling `{method}()`.")

    @property
    def metrics(self) -> list[Metric]:
        """The loss, the metrics given to `compile`, one per loss, the model's own and its layers'."""
        out: list[Metric] = []
        if self._loss_tracker is not None:
            out.append(self._loss_tracker)
        if self._compile_metrics is not None:
            out.append(self._compile_metrics)
        if self._compile_loss is not None:
            out += self._compile_loss.metrics
        out += self._metrics  # type: ignore[attr-defined]
        for layer in self._flatten_layers(include_self=False):  # type: ignore[attr-defined]
            if not isinstance(layer, Trainer):
                out += layer._metrics
        return out

    @property
    def metrics_names(self) -> list[str]:
        """The names of `metrics`."""
        return [m.name for m in self.metrics]

    def reset_metrics(self) -> None:
        """Start all metrics over."""
        for metric in self.metrics:
            metric.reset_state()

    # -- one step ----------------------------------------------------------------------------------------------------

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The total loss: that of `compile` plus what layers added. Override for another."""
        losses = []
        if self._compile_loss is not None:
            loss = self._compile_loss(y, y_pred, sample_weight)
            if loss is not None:
                losses.append(loss)
        losses += [tf.reduce_sum(tf.cast(loss, "float32")) for loss in self.losses]  # type: ignore[attr-defined]
        if not losses:
            raise ValueError("No loss to compute. Provide a `loss` argument in `compile()`.")
        return losses[0] if len(losses) == 1 else tf.add_n(losses)

    def _loss_of(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool) -> Any:
        """`compute_loss`, which models that override it may have written without `training`."""
        mode = {"training": training} if "training" in inspect.signature(self.compute_loss).parameters else {}
        return self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, **mode)

    def stateless_compute_loss(
        self, trainable_variables: Any, non_trainable_variables: Any, metrics_variables: Any, x: Any = None,
        y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True,
    ) -> tuple[Any, tuple[Any, list[Any], list[Any]]]:  # fmt: skip
        """The loss for given values of the variables, whose own values stay.

        Returns the loss and the values of the trainable, other and metrics' variables after it.
        """
        others, metrics = self.non_trainable_variables, self.metrics_variables  # type: ignore[attr-defined]
        state = (
            (self.trainable_variables, trainable_variables, "trainable_variables"),  # type: ignore[attr-defined]
            (others, non_trainable_variables, "non_trainable_variables"),
            (metrics, metrics_variables, "metrics_variables"),
        )
        with with_state(*state) as scope:
            loss = self._loss_of(x, y, y_pred, sample_weight, training=training)
        return loss, (trainable_variables, values_of(scope, others), values_of(scope, metrics))

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Update the metrics with a batch and give their values. Override for others."""
        if self._compile_metrics is not None:
            self._compile_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """The values of the metrics by name."""
        out: dict[str, Any] = {}
        for metric in self.metrics:
            value = metric.result()
            out |= value if isinstance(value, dict) else {metric.name: value}
        return out

    def _in_order(self, logs: dict[str, Any]) -> Any:
        """Values in the order of `metrics`, what else there is behind them by name; a single value as it is."""
        names = [m.name for metric in self.metrics for m in getattr(metric, "metrics", [metric])]
        names = [*[name for name in names if name in logs], *sorted(set(logs) - set(names))]
        return logs[names[0]] if len(names) == 1 else [logs[name] for name in names]

    def _predict_with(self, x: Any, training: bool) -> Any:
        return self(x, training=training) if getattr(self, "_call_has_training_arg", True) else self(x)  # type: ignore[operator]

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of training on a batch. Override for another."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with GradientTape() as tape:
            y_pred = self._predict_with(x, training=True)
            loss = self._loss_of(x, y, y_pred, sample_weight, training=True)
            scaled = self._scaled(loss)
        self._loss_tracker.update_state(loss, sample_weight=_batch_size(x))
        variables = self.trainable_weights  # type: ignore[attr-defined]
        if variables:
            gradients = tape.gradient(scaled, variables)
            self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        else:
            warnings.warn("The model does not have any trainable weights.", stacklevel=2)
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def _scaled(self, loss: Any) -> Any:
        """The loss as the optimizer wants it; its slots are made first, for the scale may be one of them."""
        if self.optimizer is None:
            return loss
        if not self.optimizer.built:
            self.optimizer.build(self.trainable_weights)  # type: ignore[attr-defined]
        return self.optimizer.scale_loss(loss)

    def test_step(self, data: Any) -> dict[str, Any]:
        """One step of evaluation on a batch. Override for another."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self._predict_with(x, training=False)
        loss = self._loss_of(x, y, y_pred, sample_weight, training=False)
        self._loss_tracker.update_state(loss, sample_weight=_batch_size(x))
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The predictions for a batch. Override for others."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self._predict_with(x, training=False)

    # -- traced steps ------------------------------------------------------------------------------------------------

    def make_train_function(self, force: bool = False) -> Callable[[Any], Any]:
        """The function that trains on a batch."""
        return self._step_function("train", self.train_step, force)

    def make_test_function(self, force: bool = False) -> Callable[[Any], Any]:
        """The function that evaluates a batch."""
        return self._step_function("test", self.test_step, force)

    def make_predict_function(self, force: bool = False) -> Callable[[Any], Any]:
        """The function that predicts a batch."""
        return self._step_function("predict", self.predict_step, force)

    def _step_function(self, kind: str, step: Callable[[Any], Any], force: bool) -> Callable[[Any], Any]:
        if force or kind not in self._steps:
            self._steps[kind] = EagerStep(step) if self.run_eagerly else TracedStep(step)
        return self._steps[kind]  # type: ignore[no-any-return]

    # -- loops -------------------------------------------------------------------------------------------------------

    def fit(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1, verbose: Any = "auto",
        callbacks: Any = None, validation_split: float = 0.0, validation_data: Any = None, shuffle: Any = True,
        class_weight: Any = None, sample_weight: Any = None, initial_epoch: int = 0, steps_per_epoch: int | None = None,
        validation_steps: int | None = None, validation_batch_size: int | None = None, validation_freq: int = 1,
    ) -> History:  # fmt: skip
        """Train for a number of epochs.

        Args:
          x, y: arrays, tensors or structures of them; or a dataset, generator or PyDataset of batches as `x` alone.
          validation_split: share of the arrays, from their end, to validate on.
          validation_data: (x, y), (x, y, sample_weight), or a dataset, to validate on.
          class_weight: {class: weight} for targets that are classes.

        Returns a `History` whose `history` has a list of values per epoch.
        """
        self._assert_compile_called("fit")
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = train_validation_split((x, y, sample_weight), validation_split)
        adapter = make_adapter(x, y, sample_weight, batch_size, shuffle, class_weight)
        epochs = within(epochs, max_epochs())
        steps_per_epoch = _bounded_steps(steps_per_epoch, adapter)
        steps = steps_per_epoch or adapter.steps
        runner = callbacks if isinstance(callbacks, CallbackList) else CallbackList(
            callbacks, add_history=True, add_progbar=_verbosity(verbose) != 0, model=self, verbose=_verbosity(verbose),
            epochs=epochs, steps=steps,
        )  # fmt: skip
        validate = _Validation(self, validation_data, validation_batch_size or batch_size, validation_steps)
        step = self.make_train_function()
        self.stop_training = False
        runner.on_train_begin()
        initial_epoch = runner.resumed_epoch or initial_epoch
        logs: dict[str, Any] = {}
        batches = _Epochs(adapter, steps_per_epoch)
        for epoch in range(initial_epoch, epochs):
            self.reset_metrics()
            runner.on_epoch_begin(epoch)
            logs = self._run_batches(step, batches.next_epoch(), runner, "train")
            logs = self._epoch_logs(logs)
            if validation_data is not None and _due(epoch, validation_freq):
                logs |= {f"val_{name}": value for name, value in validate(runner).items()}
            runner.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        if self.optimizer is not None and epochs > initial_epoch:
            self.optimizer.finalize_variable_values(self.trainable_weights)  # type: ignore[attr-defined]
        runner.on_train_end(logs)
        return self.history  # type: ignore[attr-defined,no-any-return]

    def _run_batches(self, step: Any, portions: Iterator[Portion], runner: CallbackList, kind: str) -> Any:
        """Run a step over all batches, as many at a time as callbacks allow. Gives the last step's result."""
        begin, end = runner.batch_hooks(kind)
        every = self.steps_per_execution if runner.hears_each_batch(kind) else sys.maxsize
        done, out = 0, None
        for portion in portions:
            at = 0
            while at < portion.steps:
                if begin is not None and done % every == 0:
                    begin(done)
                count, out = step.run(portion, at, every - done % every)
                at, done = at + count, done + count
                if end is not None and (every == sys.maxsize or done % every == 0):
                    end(done - 1, partial(step.result_of, out))
                if self.stop_training and kind == "train" or self.stop_evaluating and kind == "test":
                    break
            else:
                continue
            break
        if end is not None and every != sys.maxsize and done % every:
            end(done - 1, partial(step.result_of, out))
        if out is None:
            raise ValueError(
                "The dataset is empty: there was no batch to run. A generator may have run out; make sure it yields "
                "`steps_per_epoch * epochs` batches."
            )
        return step.result_of(out)

    def _epoch_logs(self, logs: Any) -> dict[str, Any]:
        """The metrics of a whole epoch, if its last step returned metrics; else what that step returned."""
        if isinstance(logs, dict) and self.metrics:
            values = self.get_metrics_result()
            if set(values) == set(logs):
                return _numbers(values)
        return _numbers(logs)

    def evaluate(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: Any = "auto",
        sample_weight: Any = None, steps: int | None = None, callbacks: Any = None, return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:  # fmt: skip
        """The loss and metrics on data: a scalar, a list in the order of `metrics_names`, or a dict."""
        self._assert_compile_called("evaluate")
        if kwargs:
            raise ValueError(f"Arguments not recognized: {kwargs}")
        adapter = make_adapter(x, y, sample_weight, batch_size)
        steps = _bounded_steps(steps, adapter)
        runner = callbacks if isinstance(callbacks, CallbackList) else CallbackList(
            callbacks, add_progbar=_verbosity(verbose) != 0, model=self, verbose=_verbosity(verbose), epochs=1,
            steps=steps or adapter.steps,
        )  # fmt: skip
        step = self.make_test_function()
        self.reset_metrics()
        runner.on_test_begin()
        self.stop_evaluating = False
        logs = self._epoch_logs(self._run_batches(step, _Epochs(adapter, steps).next_epoch(), runner, "test"))
        runner.on_test_end(logs)
        return logs if return_dict else self._in_order(logs)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The model's outputs for all samples, as NumPy arrays."""
        adapter = make_adapter(x, batch_size=batch_size)
        steps = _bounded_steps(steps, adapter)
        runner = callbacks if isinstance(callbacks, CallbackList) else CallbackList(
            callbacks, add_progbar=_verbosity(verbose) != 0, model=self, verbose=_verbosity(verbose), epochs=1,
            steps=steps or adapter.steps,
        )  # fmt: skip
        step = self.make_predict_function()
        begin, end = runner.batch_hooks("predict")
        runner.on_predict_begin()
        self.stop_predicting = False
        parts: list[list[Any]] = []
        out: Any = None
        for i, batch in enumerate(_batches(_Epochs(adapter, steps).next_epoch())):
            if begin is not None:
                begin(i)
            out = step(batch)
            parts.append([np.asarray(leaf) for leaf in nest.flatten(out)])
            if end is not None:
                end(i, partial(dict, outputs=out))
            if self.stop_predicting:
                break
        if not parts:
            raise ValueError("The dataset is empty: there was no batch to predict.")
        runner.on_predict_end()
        return nest.pack_sequence_as(out, [np.concatenate(column) for column in zip(*parts, strict=True)])

    # -- single batches ----------------------------------------------------------------------------------------------

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One step of training; the metrics of this batch."""
        self._assert_compile_called("train_on_batch")
        if class_weight is not None and sample_weight is not None:
            raise ValueError(
                "Arguments `sample_weight` and `class_weight` cannot be specified at the same time. Received: "
                f"sample_weight={sample_weight}, class_weight={class_weight}"
            )
        batch = single_batch(x, y, sample_weight, class_weight)
        return self._on_batch(self.make_train_function, batch, return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """One step of evaluation; the metrics of this batch."""
        self._assert_compile_called("test_on_batch")
        return self._on_batch(self.make_test_function, single_batch(x, y, sample_weight), return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as NumPy arrays."""
        return nest.map_structure(np.array, self.make_predict_function()(single_batch(x)))

    def _on_batch(self, make: Callable[[], Callable[[Any], Any]], batch: Batch, return_dict: bool) -> Any:
        self.reset_metrics()
        logs = _numbers(make()(batch))
        return logs if return_dict else self._in_order(logs)


def _batch_size(x: Any) -> Any:
    first = nest.flatten(x)[0]
    return tf.shape(first)[0]


def _numbers(logs: Any) -> dict[str, Any]:
    """Logs as Python numbers, by name; what a metric gives by name is among them."""
    if not isinstance(logs, dict):
        raise ValueError(f"A train or test step must return a dict of metric values, received {type(logs).__name__}.")
    out: dict[str, Any] = {}
    for name, value in sorted(logs.items()):
        if isinstance(value, dict):
            out |= _numbers(value)
            continue
        array = np.asarray(value)
        out[name] = array.item() if array.ndim == 0 else array
    return out


def _verbosity(verbose: Any) -> int:
    if verbose == "auto":
        return 1
    return int(verbose)


def _due(epoch: int, frequency: Any) -> bool:
    return (epoch + 1) % frequency == 0 if isinstance(frequency, int) else epoch + 1 in frequency


def _batches(portions: Iterator[Portion]) -> Iterator[Batch]:
    return (portion.batch(i) for portion in portions for i in range(portion.steps))


class _Epochs:
    """Epoch after epoch of an adapter; with a fixed number of steps an epoch goes on where the last ended.

    An epoch whose data end before its steps is over, with a warning; the next begins the data again.
    """

    def __init__(self, adapter: Adapter, steps: int | None) -> None:
        self._adapter, self._steps = adapter, steps
        self._stream: Iterator[Batch] = iter(())

    def next_epoch(self) -> Iterator[Portion]:
        """The batches of the next epoch."""
        if self._steps is None:
            yield from self._adapter.epoch()
            return
        batch = next(self._stream, None)
        if batch is None:
            self._stream = _batches(self._adapter.epoch())
            batch = next(self._stream, None)
        for step in range(self._steps):
            batch = next(self._stream, None) if step else batch
            if batch is None:
                warnings.warn(
                    "Your input ran out of data; interrupting training. Make sure that your dataset or generator can "
                    "generate at least `steps_per_epoch * epochs` batches. You may need to use the `.repeat()` "
                    "function when building your dataset.",
                    stacklevel=3,
                )
                self._stream = iter(())
                return
            yield batch


def _bounded_steps(steps: int | None, adapter: Any) -> int | None:
    """The steps asked for, or those that `keras.config.set_max_steps_per_epoch` allows where there would be more."""
    limit = max_steps_per_epoch()
    expected = steps or adapter.steps
    return limit if limit is not None and (expected is None or expected > limit) else steps


class _Validation:
    """Evaluation between epochs, on data prepared once."""

    def __init__(self, model: Trainer, data: Any, batch_size: int | None, steps: int | None) -> None:
        self._model, self._steps = model, steps
        self._adapter: Any = None
        if data is not None:
            whole = not isinstance(data, (tuple, list))
            x, y, weight = (data, None, None) if whole else unpack_x_y_sample_weight(tuple(data))
            self._adapter = make_adapter(x, y, weight, batch_size)

    def __call__(self, runner: CallbackList) -> dict[str, Any]:
        return self._model.evaluate(self._adapter, steps=self._steps, callbacks=runner, return_dict=True)  # type: ignore[no-any-return]
