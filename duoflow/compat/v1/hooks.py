"""Hooks: what is done around each run of a monitored session.

TensorFlow: tf.compat.v1.train.SessionRunHook and its subclasses.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from duoflow.core.graph import get_default_graph
from duoflow.core.reporting import get_logger
from duoflow.formats.messages import SessionLog, Summary

from . import training
from .modes import GraphKeys
from .summary import FileWriterCache

__all__ = [
    "CheckpointSaverHook", "CheckpointSaverListener", "FeedFnHook", "FinalOpsHook", "GlobalStepWaiterHook",
    "LoggingTensorHook", "NanLossDuringTrainingError", "NanTensorHook", "ProfilerHook", "SecondOrStepTimer",
    "SessionRunArgs", "SessionRunContext", "SessionRunHook", "SessionRunValues", "StepCounterHook", "StopAtStepHook",
    "SummarySaverHook",
]  # fmt: skip


class SessionRunArgs:
    """What a hook adds to a run. TensorFlow: tf.estimator.SessionRunArgs."""

    def __init__(self, fetches: Any, feed_dict: Any = None, options: Any = None) -> None:
        self.fetches, self.feed_dict, self.options = fetches, feed_dict, options


class SessionRunValues(NamedTuple):
    """What came of a hook's fetches. TensorFlow: tf.estimator.SessionRunValues."""

    results: Any
    options: Any
    run_metadata: Any


class SessionRunContext:
    """The run that a hook is called around. TensorFlow: tf.estimator.SessionRunContext."""

    def __init__(self, original_args: SessionRunArgs, session: Any) -> None:
        self.original_args, self.session = original_args, session
        self._stop = False

    @property
    def stop_requested(self) -> bool:
        """Whether a hook asked for the end."""
        return self._stop

    def request_stop(self) -> None:
        """Ask for the end: `should_stop` of the session is true from now on."""
        self._stop = True


class SessionRunHook:
    """Base of the hooks. TensorFlow: tf.estimator.SessionRunHook."""

    def begin(self) -> None:
        """Called once, before the session; the graph may still be changed."""

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Called when the session was made."""

    def before_run(self, run_context: SessionRunContext) -> Any:
        """Called before each run; what is returned (`SessionRunArgs` or None) is run with it."""

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Called after each run, with the results of what `before_run` asked for."""

    def end(self, session: Any) -> None:
        """Called at the end, if nothing was raised."""


class SecondOrStepTimer:
    """Tells when so many seconds or steps have passed. TensorFlow: tf.estimator.SecondOrStepTimer."""

    def __init__(self, every_secs: float | None = None, every_steps: int | None = None) -> None:
        if (every_secs is None) == (every_steps is None):
            raise ValueError("Exactly one of every_secs and every_steps should be provided.")
        self._secs, self._steps = every_secs, every_steps
        self.reset()

    def reset(self) -> None:
        """Start over."""
        self._last_step: int | None = None
        self._last_time = 0.0

    def should_trigger_for_step(self, step: int) -> bool:
        """Whether it is time."""
        if self._last_step is None:
            return True
        if step == self._last_step:
            return False
        if self._steps is not None:
            return step >= self._last_step + self._steps
        return time.time() >= self._last_time + (self._secs or 0)

    def update_last_triggered_step(self, step: int) -> tuple[float | None, int | None]:
        """Note that it was done; returns the seconds and steps since the last time."""
        now = time.time()
        since = (None, None) if self._last_step is None else (now - self._last_time, step - self._last_step)
        self._last_time, self._last_step = now, step
        return since

    def last_triggered_step(self) -> int | None:
        """The step at which it was last done."""
        return self._last_step


def _timer(steps: Any, secs: Any, what: str) -> SecondOrStepTimer:
    if (steps is None) == (secs is None):
        raise ValueError(f"Exactly one of {what} should be provided.")
    return SecondOrStepTimer(secs, steps)


def _global_step(what: str) -> Any:
    step = training.get_global_step()
    if step is None:
        raise RuntimeError(f"Global step should be created to use {what}.")
    return step


# -- stopping ----------------------------------------------------------------------------------------------------------


class StopAtStepHook(SessionRunHook):
    """Ends after so many steps, or at a step. TensorFlow: tf.estimator.StopAtStepHook."""

    def __init__(self, num_steps: int | None = None, last_step: int | None = None) -> None:
        if (num_steps is None) == (last_step is None):
            raise ValueError("Exactly one of num_steps or last_step must be specified.")
        self._count, self._last = num_steps, last_step

    def begin(self) -> None:
        self._step = _global_step("StopAtStepHook")

    def after_create_session(self, session: Any, coord: Any) -> None:
        if self._last is None:
            self._last = int(session.run(self._step)) + self._count  # type: ignore[operator]

    def before_run(self, run_context: SessionRunContext) -> Any:
        return SessionRunArgs(self._step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        assert self._last is not None
        # The fetched step may be that before the training step of the same run.
        if run_values.results + 1 >= self._last and int(run_context.session.run(self._step)) >= self._last:
            run_context.request_stop()


class NanLossDuringTrainingError(RuntimeError):
    """The loss is not a number. TensorFlow: tf.estimator.NanLossDuringTrainingError."""

    def __str__(self) -> str:
        return "NaN loss during training."


class NanTensorHook(SessionRunHook):
    """Fails, or ends, when a loss is NaN. TensorFlow: tf.estimator.NanTensorHook."""

    def __init__(self, loss_tensor: Any, fail_on_nan_loss: bool = True) -> None:
        self._loss, self._fail = loss_tensor, fail_on_nan_loss

    def before_run(self, run_context: SessionRunContext) -> Any:
        return SessionRunArgs(self._loss)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        if np.isnan(run_values.results):
            if self._fail:
                raise NanLossDuringTrainingError
            get_logger().warning("Model diverged with loss = NaN.")
            run_context.request_stop()


class GlobalStepWaiterHook(SessionRunHook):
    """Waits, before it runs anything, until the global step has come so far.

    TensorFlow: tf.estimator.GlobalStepWaiterHook.
    """

    def __init__(self, wait_until_step: int) -> None:
        self._until, self._passed = wait_until_step, wait_until_step <= 0

    def begin(self) -> None:
        self._step = _global_step("GlobalStepWaiterHook")

    def before_run(self, run_context: SessionRunContext) -> Any:
        while not self._passed:
            self._passed = int(run_context.session.run(self._step)) >= self._until
            if not self._passed:
                time.sleep(0.5)


# -- looking -----------------------------------------------------------------------------------------------------------


class LoggingTensorHook(SessionRunHook):
    """Logs tensors every so many steps or seconds, or at the end. TensorFlow: tf.estimator.LoggingTensorHook."""

    def __init__(
        self, tensors: Any, every_n_iter: int | None = None, every_n_secs: float | None = None, at_end: bool = False,
        formatter: Callable[[dict[str, Any]], str] | None = None,
    ) -> None:  # fmt: skip
        only_at_end = at_end and every_n_iter is None and every_n_secs is None
        if not only_at_end and (every_n_iter is None) == (every_n_secs is None):
            raise ValueError("either at_end and/or exactly one of every_n_iter and every_n_secs must be provided.")
        if every_n_iter is not None and every_n_iter <= 0:
            raise ValueError(f"invalid every_n_iter={every_n_iter}.")
        pairs = tensors if isinstance(tensors, Mapping) else {getattr(t, "name", t): t for t in tensors}
        self._tensors, self._formatter, self._at_end = dict(pairs), formatter, at_end
        self._timer = None if only_at_end else SecondOrStepTimer(every_n_secs, every_n_iter)

    def begin(self) -> None:
        graph = get_default_graph()
        self._fetches = {tag: graph.as_graph_element(t) for tag, t in self._tensors.items()}
        self._count = 0
        if self._timer is not None:
            self._timer.reset()

    def before_run(self, run_context: SessionRunContext) -> Any:
        self._due = self._timer is not None and self._timer.should_trigger_for_step(self._count)
        return SessionRunArgs(self._fetches) if self._due else None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        if self._due:
            self._log(run_values.results)
        self._count += 1

    def end(self, session: Any) -> None:
        if self._at_end:
            self._log(session.run(self._fetches))

    def _log(self, values: dict[str, Any]) -> None:
        seconds = None if self._timer is None else self._timer.update_last_triggered_step(self._count)[0]
        if self._formatter is not None:
            get_logger().info(self._formatter(values))
            return
        shown = ", ".join(f"{tag} = {value}" for tag, value in values.items())
        get_logger().info("%s%s", shown, "" if seconds is None else f" ({seconds:.3f} sec)")


class StepCounterHook(SessionRunHook):
    """Counts steps per second. TensorFlow: tf.estimator.StepCounterHook."""

    def __init__(
        self, every_n_steps: int | None = 100, every_n_secs: float | None = None, output_dir: Any = None,
        summary_writer: Any = None,
    ) -> None:  # fmt: skip
        self._timer = _timer(every_n_steps, every_n_secs, "every_n_steps and every_n_secs")
        self._dir, self._writer = output_dir, summary_writer

    def begin(self) -> None:
        if self._writer is None and self._dir:
            self._writer = FileWriterCache.get(self._dir)
        self._step = _global_step("StepCounterHook")

    def before_run(self, run_context: SessionRunContext) -> Any:
        return SessionRunArgs(self._step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        step = int(run_values.results) + 1
        if self._timer.should_trigger_for_step(step):
            seconds, steps = self._timer.update_last_triggered_step(step)
            if seconds and steps is not None:
                rate = steps / seconds
                if self._writer is not None:
                    self._writer.add_summary(Summary(value=[{"tag": "global_step/sec", "simple_value": rate}]), step)
                get_logger().info("global_step/sec: %g", rate)


class SummarySaverHook(SessionRunHook):
    """Writes summaries every so many steps or seconds. TensorFlow: tf.estimator.SummarySaverHook."""

    def __init__(
        self, save_steps: int | None = None, save_secs: float | None = None, output_dir: Any = None,
        summary_writer: Any = None, scaffold: Any = None, summary_op: Any = None,
    ) -> None:  # fmt: skip
        if (scaffold is None) == (summary_op is None):
            raise ValueError("Exactly one of scaffold or summary_op must be provided.")
        self._timer = _timer(save_steps, save_secs, "save_steps and save_secs")
        self._dir, self._writer, self._scaffold, self._op = output_dir, summary_writer, scaffold, summary_op

    def begin(self) -> None:
        if self._writer is None and self._dir:
            self._writer = FileWriterCache.get(self._dir)
        self._step, self._next = _global_step("SummarySaverHook"), None
        self._timer.reset()

    def before_run(self, run_context: SessionRunContext) -> Any:
        op = self._op if self._scaffold is None else self._scaffold.summary_op
        self._due = op is not None and (self._next is None or self._timer.should_trigger_for_step(self._next))
        fetches = {"step": self._step}
        if self._due:
            fetches["summary"] = op
        return SessionRunArgs(fetches)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        if self._writer is None:
            return
        step = int(run_values.results["step"]) + 1
        if self._due:
            if self._next is None:
                self._writer.add_session_log(SessionLog(status=SessionLog.START), step)
            self._timer.update_last_triggered_step(step)
            found = run_values.results["summary"]
            for data in found if isinstance(found, (list, tuple)) else [found]:
                self._writer.add_summary(data, step)
        self._next = step + 1

    def end(self, session: Any) -> None:
        if self._writer is not None:
            self._writer.flush()


class ProfilerHook(SessionRunHook):
    """Writes how long runs took, every so many steps or seconds, as `timeline-<step>.json` for chrome://tracing.

    A timeline here has one entry for the whole run.

    TensorFlow: tf.estimator.ProfilerHook.
    """

    def __init__(
        self, save_steps: int | None = None, save_secs: float | None = None, output_dir: Any = "",
        show_dataflow: bool = True, show_memory: bool = False,
    ) -> None:  # fmt: skip
        self._timer = _timer(save_steps, save_secs, "save_steps and save_secs")
        self._dir = os.fspath(output_dir)

    def begin(self) -> None:
        self._step = _global_step("ProfilerHook")

    def before_run(self, run_context: SessionRunContext) -> Any:
        self._begun = time.perf_counter()
        return SessionRunArgs(self._step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        step = int(run_values.results) + 1
        if self._timer.should_trigger_for_step(step):
            self._timer.update_last_triggered_step(step)
            micros = int(1e6 * (time.perf_counter() - self._begun))
            event = f'{{"name": "run", "ph": "X", "pid": 0, "tid": 0, "ts": 0, "dur": {micros}}}'
            with open(os.path.join(self._dir, f"timeline-{step}.json"), "w", encoding="utf-8") as file:
                file.write(f'{{"traceEvents": [{event}]}}')


# -- saving ------------------------------------------------------------------------------------------------------------


class CheckpointSaverListener:
    """Is told when checkpoints are saved. TensorFlow: tf.estimator.CheckpointSaverListener."""

    def begin(self) -> None:
        """Called once, before the session."""

    def before_save(self, session: Any, global_step_value: int) -> None:
        """Called before each save."""

    def after_save(self, session: Any, global_step_value: int) -> Any:
        """Called after each save; True ends the training."""

    def end(self, session: Any, global_step_value: int) -> None:
        """Called at the end."""


class CheckpointSaverHook(SessionRunHook):
    """Saves checkpoints every so many steps or seconds, and at the end.

    TensorFlow: tf.estimator.CheckpointSaverHook.
    """

    def __init__(
        self, checkpoint_dir: Any, save_secs: float | None = None, save_steps: int | None = None, saver: Any = None,
        checkpoint_basename: str = "model.ckpt", scaffold: Any = None, listeners: Sequence[Any] | None = None,
        save_graph_def: bool = True,
    ) -> None:  # fmt: skip
        if saver is not None and scaffold is not None:
            raise ValueError("You cannot provide both saver and scaffold.")
        self._timer = _timer(save_steps, save_secs, "save_steps and save_secs")
        self._saver, self._scaffold, self._listeners = saver, scaffold, list(listeners or ())
        self._dir = os.fspath(checkpoint_dir)
        self._path, self._with_graph = os.path.join(self._dir, checkpoint_basename), save_graph_def

    def begin(self) -> None:
        self._step = _global_step("CheckpointSaverHook")
        self._writer = FileWriterCache.get(self._dir)
        for listener in self._listeners:
            listener.begin()

    def after_create_session(self, session: Any, coord: Any) -> None:
        if self._with_graph:
            self._writer.add_graph(session.graph)
        step = int(session.run(self._step))
        self._save(session, step)
        self._timer.update_last_triggered_step(step)

    def before_run(self, run_context: SessionRunContext) -> Any:
        return SessionRunArgs(self._step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        if self._timer.should_trigger_for_step(int(run_values.results) + 1):
            step = int(run_context.session.run(self._step))
            if self._timer.should_trigger_for_step(step):
                self._timer.update_last_triggered_step(step)
                if self._save(run_context.session, step):
                    run_context.request_stop()

    def end(self, session: Any) -> None:
        step = int(session.run(self._step))
        if step != self._timer.last_triggered_step():
            self._save(session, step)
        for listener in self._listeners:
            listener.end(session, step)

    def _save(self, session: Any, step: int) -> bool:
        get_logger().info("Saving checkpoints for %d into %s.", step, self._path)
        for listener in self._listeners:
            listener.before_save(session, step)
        self._the_saver().save(session, self._path, global_step=step, write_meta_graph=self._with_graph)
        log = SessionLog(status=SessionLog.CHECKPOINT, checkpoint_path=self._path)
        self._writer.add_session_log(log, step)
        answers = [listener.after_save(session, step) for listener in self._listeners]
        return any(answers)

    def _the_saver(self) -> Any:
        if self._saver is not None:
            return self._saver
        if self._scaffold is not None:
            return self._scaffold.saver
        savers = get_default_graph().get_collection(GraphKeys.SAVERS)
        if len(savers) != 1:
            raise RuntimeError(f"One saver is needed: there are {len(savers)} in the collection SAVERS.")
        return savers[0]


# -- feeding and fetching ----------------------------------------------------------------------------------------------


class FeedFnHook(SessionRunHook):
    """Feeds what a function gives. TensorFlow: tf.estimator.FeedFnHook."""

    def __init__(self, feed_fn: Callable[[], Any]) -> None:
        self.feed_fn = feed_fn

    def before_run(self, run_context: SessionRunContext) -> Any:
        return SessionRunArgs(fetches=None, feed_dict=self.feed_fn())


class FinalOpsHook(SessionRunHook):
    """Fetches something at the end. TensorFlow: tf.estimator.FinalOpsHook."""

    def __init__(self, final_ops: Any, final_ops_feed_dict: Any = None) -> None:
        self._ops, self._feed, self._values = final_ops, final_ops_feed_dict, None

    @property
    def final_ops_values(self) -> Any:
        """What was fetched."""
        return self._values

    def end(self, session: Any) -> None:
        if self._ops is not None:
            self._values = session.run(self._ops, feed_dict=self._feed)
