"""`Estimator`: a graph and a session for each call, between which checkpoints in `model_dir` carry the variables."""

from __future__ import annotations

import inspect
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from duoflow.core import nest
from duoflow.core.context import entered
from duoflow.core.graph import Graph
from duoflow.core.late import F
from duoflow.core.reporting import get_logger
from duoflow.data import Dataset
from duoflow.data.session_iterators import make_one_shot_iterator
from duoflow.formats.messages import Summary
from duoflow.trace.session import Session

from .. import hooks as h
from .. import metrics, modes, monitored, saved_model, training
from ..graphs import tables_initializer
from ..modes import GraphKeys
from ..saver import Saver, latest_checkpoint, load_checkpoint, warm_start
from ..summary import FileWriterCache
from ..summary import scalar as scalar_summary
from . import export
from .spec import EstimatorSpec, ModeKeys, RunConfig, WarmStartSettings

__all__ = ["Estimator", "EvalSpec", "TrainSpec", "train_and_evaluate"]


class Estimator:
    """Trains, evaluates and applies a model given as a function.

    Args:
      model_fn: `(features, labels, mode, params, config) -> EstimatorSpec`; it may take fewer of them.
      model_dir: where checkpoints and summaries are kept; training goes on from the latest checkpoint there.
      config: a `RunConfig`.
      params: a dict for the function.
      warm_start_from: a checkpoint, or a folder of such, from which variables start.

    Raises:
      ValueError: if model_dir and config.model_dir differ, or the function's arguments are not those above.

    TensorFlow: tf.estimator.Estimator.
    """

    def __init__(
        self, model_fn: Callable[..., Any], model_dir: Any = None, config: RunConfig | None = None, params: Any = None,
        warm_start_from: Any = None,
    ) -> None:  # fmt: skip
        known = {"features", "labels", "mode", "params", "config", "self"}
        arguments = set(inspect.signature(model_fn).parameters)
        if "features" not in arguments:
            raise ValueError(f"model_fn ({model_fn}) must include features argument.")
        if arguments - known:
            raise ValueError(f"model_fn ({model_fn}) has following not expected args: {sorted(arguments - known)}")
        config = config or RunConfig()
        if model_dir is not None and config.model_dir not in (None, os.fspath(model_dir)):
            raise ValueError(
                f"`model_dir` are set both in constructor and `RunConfig`, but with different values: {model_dir}, "
                f"{config.model_dir}"
            )
        folder = model_dir or config.model_dir or tempfile.mkdtemp()
        self._config = config.replace(model_dir=os.fspath(folder))
        self._model_fn, self._arguments, self._params = model_fn, arguments, dict(params or {})
        self._warm_start = warm_start_from

    model_dir = property(lambda self: self._config.model_dir, doc="The folder.")
    config = property(lambda self: self._config, doc="The configuration.")
    params = property(lambda self: dict(self._params), doc="The parameters of the model function.")
    model_fn = property(lambda self: self._model_fn, doc="The model function.")

    # -- variables ---------------------------------------------------------------------------------------------------

    def latest_checkpoint(self) -> str | None:
        """The prefix of the latest checkpoint, or None."""
        return latest_checkpoint(self.model_dir)

    def get_variable_names(self) -> list[str]:
        """The names of the variables in the latest checkpoint."""
        return sorted(self._reader().get_variable_to_shape_map())

    def get_variable_value(self, name: str) -> Any:
        """The value of a variable in the latest checkpoint."""
        return self._reader().get_tensor(name)

    def _reader(self) -> Any:
        if self.latest_checkpoint() is None:
            raise ValueError("Estimator has not been trained yet.")
        return load_checkpoint(self.model_dir)

    # -- the three things to do --------------------------------------------------------------------------------------

    def train(
        self, input_fn: Callable[..., Any], hooks: Sequence[Any] | None = None, steps: int | None = None,
        max_steps: int | None = None, saving_listeners: Any = None,
    ) -> Estimator:  # fmt: skip
        """Train on what `input_fn` gives, until it ends, for so many steps more, or up to a step."""
        if steps is not None and max_steps is not None:
            raise ValueError("Can not provide both steps and max_steps.")
        for count in (steps, max_steps):
            if count is not None and count <= 0:
                raise ValueError(f"Must specify steps > 0, given: {count}")
        if max_steps is not None and self.latest_checkpoint() is not None:
            start = int(self.get_variable_value("global_step"))
            if max_steps <= start:
                get_logger().info("Skipping training since max_steps has already saved.")
                return self
        with self._graph():
            spec = self._spec(input_fn, ModeKeys.TRAIN)
            if self._warm_start is not None and self.latest_checkpoint() is None:
                settings = self._warm_start
                warm_start(*(settings if isinstance(settings, WarmStartSettings) else [settings]))
            self._run_training(spec, list(hooks or ()), steps, max_steps, saving_listeners)
        return self

    def _run_training(self, spec: Any, hooks: list[Any], steps: Any, max_steps: Any, listeners: Any) -> None:
        config = self._config
        scaffold = self._scaffold(spec)
        if spec.loss.dims == () or spec.loss.dims is None:
            scalar_summary("loss", spec.loss)
        around: list[Any] = [h.NanTensorHook(spec.loss)]
        if config.log_step_count_steps:
            shown = {"loss": spec.loss, "step": training.get_global_step()}
            around.append(h.LoggingTensorHook(shown, every_n_iter=config.log_step_count_steps))
        if steps is not None or max_steps is not None:
            around.append(h.StopAtStepHook(steps, max_steps))
        chief: list[Any] = list(spec.training_chief_hooks)
        own = [*hooks, *spec.training_hooks, *chief]
        saves = config.save_checkpoints_steps or config.save_checkpoints_secs
        if saves and not any(isinstance(hook, h.CheckpointSaverHook) for hook in own):
            around.append(
                h.CheckpointSaverHook(
                    self.model_dir,
                    config.save_checkpoints_secs,
                    config.save_checkpoints_steps,
                    scaffold=scaffold,
                    listeners=listeners,
                    save_graph_def=config.checkpoint_save_graph_def,
                )  # fmt: skip
            )
        os.makedirs(self.model_dir, exist_ok=True)
        loss = None
        with monitored.MonitoredTrainingSession(
            checkpoint_dir=self.model_dir, scaffold=scaffold, hooks=[*around, *own], save_checkpoint_secs=None,
            save_checkpoint_steps=None, save_summaries_steps=config.save_summary_steps or None,
            log_step_count_steps=config.log_step_count_steps, config=config.session_config,
        ) as session:  # fmt: skip
            while not session.should_stop():
                _, loss = session.run([spec.train_op, spec.loss])
        FileWriterCache.clear()
        if loss is None:
            get_logger().warning("Training with estimator made no steps. Perhaps input is empty or misspecified.")
        else:
            get_logger().info("Loss for final step: %s.", loss)

    def evaluate(
        self, input_fn: Callable[..., Any], steps: int | None = None, hooks: Sequence[Any] | None = None,
        checkpoint_path: Any = None, name: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """The metrics, the loss and the global step, over what `input_fn` gives (or so many batches of it)."""
        prefix = self._checkpoint(checkpoint_path)
        with self._graph():
            spec = self._spec(input_fn, ModeKeys.EVAL)
            found = dict(spec.eval_metric_ops)
            if "loss" not in found:
                found["loss"] = metrics.mean(spec.loss)
            updates = F.group(*[pair[1] for pair in found.values()])
            values = {key: pair[0] for key, pair in found.items()}
            final = h.FinalOpsHook({**values, "global_step": training.get_or_create_global_step()})
            session_hooks = [*(hooks or ()), *spec.evaluation_hooks, final]
            self._loop(spec, prefix, updates, steps, session_hooks)
        results = {key: _plain(value) for key, value in final.final_ops_values.items()}
        self._write_evaluation(results, name)
        return results

    def _loop(self, spec: Any, prefix: Any, fetch: Any, steps: int | None, session_hooks: list[Any]) -> None:
        creator = monitored.ChiefSessionCreator(
            self._scaffold(spec), checkpoint_filename_with_path=prefix, config=self._config.session_config
        )
        with monitored.MonitoredSession(creator, session_hooks) as session:
            done = 0
            while not session.should_stop() and (steps is None or done < steps):
                session.run(fetch)
                done += 1

    def _write_evaluation(self, results: dict[str, Any], name: str | None) -> None:
        folder = os.path.join(self.model_dir, f"eval_{name}" if name else "eval")
        summary = Summary()
        for key, value in sorted(results.items()):
            if key != "global_step" and np.ndim(value) == 0:
                summary.value.add(tag=key, simple_value=float(value))
        with Graph().as_default():
            writer = FileWriterCache.get(folder)
        writer.add_summary(summary, results["global_step"])
        writer.flush()

    def predict(
        self, input_fn: Callable[..., Any], predict_keys: Any = None, hooks: Sequence[Any] | None = None,
        checkpoint_path: Any = None, yield_single_examples: bool = True,
    ) -> Iterator[Any]:  # fmt: skip
        """The predictions, example by example (or batch by batch)."""
        prefix = self._checkpoint(checkpoint_path)
        with self._graph():
            spec = self._spec(input_fn, ModeKeys.PREDICT)
            wanted = _chosen(spec.predictions, predict_keys)
            creator = monitored.ChiefSessionCreator(
                self._scaffold(spec), checkpoint_filename_with_path=prefix, config=self._config.session_config
            )
            session = monitored.MonitoredSession(creator, [*(hooks or ()), *spec.prediction_hooks])
        with session:
            while not session.should_stop():
                # The caller's own graph is the default again whenever it has a result.
                with entered(graph=None, scope="", control=()):
                    values = session.run(wanted)
                if not yield_single_examples:
                    yield values
                elif isinstance(values, dict):
                    for i in range(len(next(iter(values.values())))):
                        yield {key: value[i] for key, value in values.items()}
                else:
                    yield from values

    def export_saved_model(
        self, export_dir_base: Any, serving_input_receiver_fn: Callable[[], Any], assets_extra: Any = None,
        as_text: bool = False, checkpoint_path: Any = None, experimental_mode: str = ModeKeys.PREDICT,
        save_incomplete_checkpoints: bool = False,
    ) -> bytes:  # fmt: skip
        """Write a SavedModel of the predictions below a folder; returns its path, named after the time.

        Args:
          serving_input_receiver_fn: makes what is fed and the features, a `ServingInputReceiver`.
          assets_extra: files to copy along, by their places in the folder.
          checkpoint_path: where the variables' values are taken from; the latest checkpoint without it.
          experimental_mode: the mode of the model function.
          save_incomplete_checkpoints: accepted.

        Raises:
          ValueError: if there is no checkpoint, or no signature fits what is fed.
        """
        if serving_input_receiver_fn is None:
            raise ValueError("An input_receiver_fn must be defined.")
        prefix = checkpoint_path or self.latest_checkpoint()
        if prefix is None:
            raise ValueError(f"Couldn't find trained model at {self.model_dir}.")
        folder = export.timed_folder(export_dir_base)
        with self._graph(), Session() as session:
            training.create_global_step()
            receiver = serving_input_receiver_fn()
            spec = self._called(receiver.features, None, experimental_mode)
            signatures = export.signatures(receiver.receiver_tensors, spec.export_outputs, spec.predictions)
            self._scaffold(spec).saver.restore(session, prefix)
            start = F.group(modes.local_variables_initializer(), tables_initializer())
            builder = saved_model.Builder(folder)
            assets = modes.get_collection(GraphKeys.ASSET_FILEPATHS)
            builder.add_meta_graph_and_variables(session, [saved_model.SERVING], signatures, assets, init_op=start)
            builder.save(as_text)
        export.copy_extra(folder, assets_extra)
        return folder.encode()

    export_savedmodel = export_saved_model

    # -- graphs ------------------------------------------------------------------------------------------------------

    def _graph(self) -> Any:
        graph = Graph()
        graph.seed = self._config.tf_random_seed
        return graph.as_default()

    def _checkpoint(self, given: Any) -> Any:
        found = given or self.latest_checkpoint()
        if found is None:
            get_logger().info("Could not find trained model in model_dir: %s, running initialization.", self.model_dir)
        return found

    def _spec(self, input_fn: Callable[..., Any], mode: str) -> Any:
        training.create_global_step()
        return self._called(*self._inputs(input_fn, mode), mode)

    def _called(self, features: Any, labels: Any, mode: str) -> Any:
        """What the model function returns."""
        given = {"labels": labels, "mode": mode, "params": self.params, "config": self._config}
        if labels is not None and "labels" not in self._arguments:
            raise ValueError("model_fn does not take labels, but input_fn returns labels.")
        spec = self._model_fn(features=features, **{k: v for k, v in given.items() if k in self._arguments})
        if not isinstance(spec, EstimatorSpec):
            raise ValueError("model_fn should return an EstimatorSpec.")
        return spec

    def _inputs(self, input_fn: Callable[..., Any], mode: str) -> tuple[Any, Any]:
        parameters = inspect.signature(input_fn).parameters
        known = {"mode": mode, "params": self.params, "config": self._config}
        made = input_fn(**{k: v for k, v in known.items() if k in parameters})
        if isinstance(made, Dataset):
            made = make_one_shot_iterator(made).get_next()
        if isinstance(made, (list, tuple)):
            if len(made) != 2:
                raise ValueError(
                    f"input_fn should return (features, labels) as a len 2 tuple, received {len(made)} items."
                )
            return made[0], None if mode == ModeKeys.PREDICT else made[1]
        return made, None

    def _scaffold(self, spec: Any) -> Any:
        scaffold = spec.scaffold or monitored.Scaffold()
        if scaffold.saver is None:
            graph = spec.loss.graph if spec.loss is not None else nest.flatten(spec.predictions)[0].graph
            variables = graph.get_collection(GraphKeys.GLOBAL_VARIABLES)
            scaffold.saver = Saver(
                variables, max_to_keep=self._config.keep_checkpoint_max, allow_empty=True,
                keep_checkpoint_every_n_hours=self._config.keep_checkpoint_every_n_hours,
            )  # fmt: skip
        return scaffold


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _chosen(predictions: Any, keys: Any) -> Any:
    if keys is None:
        return predictions
    keys = [keys] if isinstance(keys, str) else list(keys)
    if not isinstance(predictions, dict):
        raise ValueError("predict_keys argument is not valid in case of non-dict predictions.")
    found = {key: value for key, value in predictions.items() if key in keys}
    if not found:
        raise ValueError(f"Expected to run at least one output from {list(predictions)}, provided {keys}.")
    return found


# -- training and evaluation in turn -----------------------------------------------------------------------------------


class _TrainSpec(NamedTuple):
    input_fn: Callable[..., Any]
    max_steps: int | None
    hooks: Any
    saving_listeners: Any


class TrainSpec(_TrainSpec):
    """How to train: up to `max_steps`, or as long as there is input.

    Raises `ValueError` if max_steps is not positive. TensorFlow: tf.estimator.TrainSpec.
    """

    __slots__ = ()

    def __new__(
        cls, input_fn: Callable[..., Any], max_steps: int | None = None, hooks: Any = None, saving_listeners: Any = None
    ) -> TrainSpec:
        if not callable(input_fn):
            raise TypeError(f"input_fn must be callable, given: {input_fn}.")
        if max_steps is not None and max_steps <= 0:
            raise ValueError(f"Must specify max_steps > 0, given: {max_steps}")
        return super().__new__(cls, input_fn, max_steps, tuple(hooks or ()), tuple(saving_listeners or ()))


class _EvalSpec(NamedTuple):
    input_fn: Callable[..., Any]
    steps: int | None
    name: str | None
    hooks: Any
    exporters: Any
    start_delay_secs: float
    throttle_secs: float


class EvalSpec(_EvalSpec):
    """How to evaluate: `steps` batches, not more often than every `throttle_secs`.

    Raises `ValueError` for numbers that are out of range. TensorFlow: tf.estimator.EvalSpec.
    """

    __slots__ = ()

    def __new__(
        cls, input_fn: Callable[..., Any], steps: int | None = 100, name: str | None = None, hooks: Any = None,
        exporters: Any = None, start_delay_secs: float = 120, throttle_secs: float = 600,
    ) -> EvalSpec:  # fmt: skip
        if not callable(input_fn):
            raise TypeError(f"input_fn must be callable, given: {input_fn}.")
        if steps is not None and steps <= 0:
            raise ValueError(f"Must specify steps > 0, given: {steps}")
        if name is not None and not isinstance(name, str):
            raise TypeError(f"`name` must be string, given: {name}")
        if start_delay_secs < 0:
            raise ValueError(f"Must specify start_delay_secs >= 0, given: {start_delay_secs}")
        if throttle_secs < 0:
            raise ValueError(f"Must specify throttle_secs >= 0, given: {throttle_secs}")
        return super().__new__(
            cls, input_fn, steps, name, tuple(hooks or ()), exporters, start_delay_secs, throttle_secs
        )


class _Evaluating(h.CheckpointSaverListener):
    """Evaluates after checkpoints: not the one before the first step, as often as is asked, and the last."""

    def __init__(self, estimator: Estimator, spec: EvalSpec) -> None:
        self._estimator, self._spec, self.last = estimator, spec, None
        self._timer = h.SecondOrStepTimer(every_secs=spec.throttle_secs)
        self._started = False
        self.exported: list[Any] = []

    def after_save(self, session: Any, global_step_value: int) -> None:
        if not self._started:
            self._started = True
        elif self._timer.should_trigger_for_step(global_step_value):
            self._evaluate(global_step_value, False)

    def end(self, session: Any, global_step_value: int) -> None:
        if global_step_value != self._timer.last_triggered_step() or self._exporters:
            self._evaluate(global_step_value, True)

    @property
    def _exporters(self) -> list[Any]:
        given = self._spec.exporters or ()
        return list(given) if isinstance(given, (list, tuple, set)) else [given]

    def _evaluate(self, step: int, final: bool) -> None:
        """Evaluate, and let the exporters know."""
        self._timer.update_last_triggered_step(step)
        spec, model = self._spec, self._estimator
        self.last: Any = model.evaluate(spec.input_fn, spec.steps, list(spec.hooks), name=spec.name)
        folder, checkpoint = os.path.join(model.model_dir, "export"), model.latest_checkpoint()
        self.exported = [
            exporter.export(model, os.path.join(folder, exporter.name), checkpoint, self.last, final)
            for exporter in self._exporters
        ]


def train_and_evaluate(estimator: Estimator, train_spec: TrainSpec, eval_spec: EvalSpec) -> tuple[Any, list[Any]]:
    """Train up to `max_steps`, and evaluate after checkpoints and at the end: (the last metrics, what exporters gave).

    Raises:
      TypeError: for what is no estimator or no spec.

    TensorFlow: tf.estimator.train_and_evaluate.
    """
    for what, value, kind in (
        ("estimator", estimator, Estimator),
        ("train_spec", train_spec, TrainSpec),
        ("eval_spec", eval_spec, EvalSpec),
    ):
        if not isinstance(value, kind):
            raise TypeError(f"`{what}` must have type `tf.estimator.{kind.__name__}`, given {type(value)}")
    listener = _Evaluating(estimator, eval_spec)
    listeners = [*train_spec.saving_listeners, listener]
    estimator.train(train_spec.input_fn, list(train_spec.hooks), None, train_spec.max_steps, listeners)
    if listener.last is None:
        listener._evaluate(-1, True)
    return listener.last, listener.exported
