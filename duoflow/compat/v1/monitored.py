"""Sessions that initialise, restore, save and log by themselves: `MonitoredTrainingSession` and what it is made of.

TensorFlow: tf.compat.v1.train.MonitoredSession.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from duoflow.core.errors import AbortedError, OutOfRangeError, UnavailableError
from duoflow.core.graph import get_default_graph
from duoflow.core.late import F
from duoflow.formats.checkpoints import latest_checkpoint, read_checkpoint_state
from duoflow.trace.session import Session

from . import hooks as h
from . import modes, summary, training
from .coordinator import Coordinator, LooperThread, start_queue_runners
from .modes import GraphKeys
from .saver import Saver

__all__ = [
    "ChiefSessionCreator", "MonitoredSession", "MonitoredTrainingSession", "Scaffold", "SessionCreator",
    "SessionManager", "SingularMonitoredSession", "Supervisor", "WorkerSessionCreator", "basic_train_loop",
]  # fmt: skip

_DEFAULT = object()


def _collected(key: str, make: Callable[[], Any]) -> Any:
    """The item of a collection of the graph, made and added if there is none."""
    found = get_default_graph().get_collection(key)
    if len(found) > 1:
        raise RuntimeError(f"More than one item found in the collection {key!r}: {found}.")
    if not found:
        found = [make()]
        get_default_graph().add_to_collection(key, found[0])
    return found[0]


class Scaffold:
    """The operations that a training needs around it: initialisation, checks, summaries, the saver.

    Those not given are found in the graph's collections or made when the session is.

    TensorFlow: tf.compat.v1.train.Scaffold.
    """

    def __init__(
        self, init_op: Any = None, init_feed_dict: Any = None, init_fn: Callable[..., Any] | None = None,
        ready_op: Any = None, ready_for_local_init_op: Any = None, local_init_op: Any = None, summary_op: Any = None,
        saver: Any = None, copy_from_scaffold: Any = None, local_init_feed_dict: Any = None,
    ) -> None:  # fmt: skip
        given = copy_from_scaffold
        if given is not None:
            init_op, init_feed_dict = init_op or given.init_op, init_feed_dict or given.init_feed_dict
            ready_op, local_init_op = ready_op or given.ready_op, local_init_op or given.local_init_op
            summary_op, saver, init_fn = summary_op or given.summary_op, saver or given.saver, init_fn or given._user_fn
        self._user_fn = init_fn
        self.init_fn = None if init_fn is None else lambda session: init_fn(self, session)
        self.init_op, self.init_feed_dict = init_op, init_feed_dict
        self.ready_op, self.ready_for_local_init_op = ready_op, ready_for_local_init_op
        self.local_init_op, self.local_init_feed_dict = local_init_op, local_init_feed_dict
        self.summary_op, self.saver = summary_op, saver

    def finalize(self) -> Scaffold:
        """Make what is missing, and the graph final."""
        if self.init_op is None:
            self.init_op = _collected(
                GraphKeys.INIT_OP,
                lambda: F.group(modes.global_variables_initializer(), *_resources(), name="init_all"),
            )
        if self.ready_op is None:
            self.ready_op = _collected(GraphKeys.READY_OP, modes.report_uninitialized_variables)
        if self.local_init_op is None:
            self.local_init_op = _collected(GraphKeys.LOCAL_INIT_OP, self.default_local_init_op)
        if self.summary_op is None:
            self.summary_op = self._merged_summaries()
        if self.saver is None:
            variables = modes.global_variables()
            self.saver = _collected(GraphKeys.SAVERS, lambda: Saver(variables, allow_empty=True))
        if not get_default_graph().finalized:
            get_default_graph().finalize()
        return self

    def _merged_summaries(self) -> Any:
        found = get_default_graph().get_collection(GraphKeys.SUMMARY_OP)
        if found:
            return found[0]
        merged = summary.merge_all()
        if merged is not None:
            get_default_graph().add_to_collection(GraphKeys.SUMMARY_OP, merged)
        return merged

    @staticmethod
    def default_local_init_op() -> Any:
        """An operation that initialises local variables and tables."""
        return F.group(modes.local_variables_initializer(), *_tables())


def _tables() -> list[Any]:
    return list(get_default_graph().get_collection(GraphKeys.TABLE_INITIALIZERS))


def _resources() -> list[Any]:
    return list(get_default_graph().get_collection("resources"))


# -- making sessions ---------------------------------------------------------------------------------------------------


class SessionManager:
    """Makes sessions ready: from a checkpoint if there is one, else by initialisation.

    TensorFlow: tf.compat.v1.train.SessionManager.
    """

    def __init__(
        self, local_init_op: Any = None, ready_op: Any = None, ready_for_local_init_op: Any = None, graph: Any = None,
        recovery_wait_secs: float = 30, local_init_run_options: Any = None, local_init_feed_dict: Any = None,
    ) -> None:  # fmt: skip
        self._local_init, self._ready, self._feed = local_init_op, ready_op, local_init_feed_dict
        self._graph, self._wait = graph or get_default_graph(), recovery_wait_secs

    def prepare_session(
        self, master: str, init_op: Any = None, saver: Any = None, checkpoint_dir: Any = None,
        checkpoint_filename_with_path: Any = None, wait_for_checkpoint: bool = False, max_wait_secs: float = 7200,
        config: Any = None, init_feed_dict: Any = None, init_fn: Callable[..., Any] | None = None,
    ) -> Any:  # fmt: skip
        """A session whose variables are restored or initialised; `RuntimeError` if some are still not."""
        session, restored = self._restored(saver, checkpoint_dir, checkpoint_filename_with_path, config)
        if not restored:
            if init_op is None and init_fn is None and self._local_init is None:
                raise RuntimeError("Model is not initialized and no init_op or init_fn or local_init_op was given")
            if init_op is not None:
                session.run(init_op, feed_dict=init_feed_dict)
            if init_fn is not None:
                init_fn(session)
        if self._local_init is not None:
            session.run(self._local_init, feed_dict=self._feed)
        missing = self._missing(session)
        if missing:
            how = "restored from a checkpoint" if restored else "initialised by init_op, init_fn and local_init_op"
            raise RuntimeError(f"Variables without a value, although the session was {how}: {', '.join(missing)}.")
        return session

    def recover_session(
        self, master: str, saver: Any = None, checkpoint_dir: Any = None, checkpoint_filename_with_path: Any = None,
        wait_for_checkpoint: bool = False, max_wait_secs: float = 7200, config: Any = None,
    ) -> tuple[Any, bool]:  # fmt: skip
        """A session, and whether it was restored and is ready."""
        session, restored = self._restored(saver, checkpoint_dir, checkpoint_filename_with_path, config)
        if restored and self._local_init is not None:
            session.run(self._local_init, feed_dict=self._feed)
        return session, restored and not self._missing(session)

    def wait_for_session(self, master: str, config: Any = None, max_wait_secs: float = float("inf")) -> Any:
        """A session, as soon as its variables have values: others' work is not awaited in one process."""
        session = Session(master, graph=self._graph, config=config)
        if self._local_init is not None:
            session.run(self._local_init, feed_dict=self._feed)
        return session

    def _restored(self, saver: Any, folder: Any, prefix: Any, config: Any) -> tuple[Any, bool]:
        session = Session("", graph=self._graph, config=config)
        if prefix is None and folder is not None:
            prefix = latest_checkpoint(folder)
        if saver is None or prefix is None:
            return session, False
        saver.restore(session, prefix)
        state = None if folder is None else read_checkpoint_state(folder)
        if state is not None:
            saver.recover_last_checkpoints(list(state.all_model_checkpoint_paths))
        return session, True

    def _missing(self, session: Any) -> list[str]:
        if self._ready is None:
            return []
        return [name.decode() for name in session.run(self._ready)]


class SessionCreator:
    """Makes sessions. TensorFlow: tf.compat.v1.train.SessionCreator."""

    def create_session(self) -> Any:
        """A new session."""
        raise NotImplementedError(f"create_session is not implemented for {self}.")


class ChiefSessionCreator(SessionCreator):
    """Makes sessions that are initialised or restored. TensorFlow: tf.compat.v1.train.ChiefSessionCreator."""

    def __init__(
        self, scaffold: Scaffold | None = None, master: str = "", config: Any = None, checkpoint_dir: Any = None,
        checkpoint_filename_with_path: Any = None,
    ) -> None:  # fmt: skip
        self._scaffold, self._config = scaffold or Scaffold(), config
        self._place = (checkpoint_dir, checkpoint_filename_with_path)

    def create_session(self) -> Any:
        s = self._scaffold.finalize()
        manager = SessionManager(s.local_init_op, s.ready_op, local_init_feed_dict=s.local_init_feed_dict)
        return manager.prepare_session(
            "", s.init_op, s.saver, *self._place, config=self._config, init_feed_dict=s.init_feed_dict,
            init_fn=s.init_fn,
        )  # fmt: skip


class WorkerSessionCreator(SessionCreator):
    """Makes sessions of workers: in one process they are initialised like the chief's.

    TensorFlow: tf.compat.v1.train.WorkerSessionCreator.
    """

    def __init__(
        self, scaffold: Scaffold | None = None, master: str = "", config: Any = None, max_wait_secs: float = 1800
    ) -> None:  # fmt: skip
        self._chief = ChiefSessionCreator(scaffold, master, config)

    def create_session(self) -> Any:
        return self._chief.create_session()


# -- monitored sessions ------------------------------------------------------------------------------------------------


class StepContext:
    """What a function given to `run_step_fn` gets. TensorFlow: tf.compat.v1.train.MonitoredSession.StepContext."""

    def __init__(self, session: Any, run_with_hooks: Callable[..., Any]) -> None:
        self.session, self.run_with_hooks = session, run_with_hooks

    def request_stop(self) -> None:
        """End the session's loop."""
        raise StopIteration("step_fn has requested the iterations to stop.")


class MonitoredSession:
    """A session with hooks around its runs, which starts queue runners and ends by a coordinator.

    At the end of the data (`OutOfRangeError`) the block is left and nothing is raised.

    TensorFlow: tf.compat.v1.train.MonitoredSession.
    """

    StepContext = StepContext

    def __init__(
        self, session_creator: Any = None, hooks: Sequence[Any] | None = None, stop_grace_period_secs: float = 120
    ) -> None:
        self._hooks, self._grace = list(hooks or ()), stop_grace_period_secs
        self._creator = session_creator or ChiefSessionCreator()
        for hook in self._hooks:
            hook.begin()
        self._coord, self._stop = Coordinator(), False
        self._sess = self._created()

    def _created(self) -> Any:
        session = self._creator.create_session()
        start_queue_runners(sess=session, coord=self._coord)
        for hook in self._hooks:
            hook.after_create_session(session, self._coord)
        return session

    @property
    def graph(self) -> Any:
        """The session's graph."""
        return None if self._sess is None else self._sess.graph

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """`Session.run`, with the hooks' fetches beside it; `RuntimeError` if the session is closed."""
        if self._sess is None or self._stop:
            raise RuntimeError("Run called even after should_stop requested.")
        while True:
            try:
                return self._run_with_hooks(fetches, feed_dict, run_metadata)
            except (AbortedError, UnavailableError):
                self._sess.close()
                self._coord = Coordinator()
                self._sess = self._created()

    def _run_with_hooks(self, fetches: Any, feed_dict: Any = None, run_metadata: Any = None) -> Any:
        args = h.SessionRunArgs(fetches, feed_dict)
        run_context = h.SessionRunContext(args, self._sess)
        wanted, feeds = {"caller": fetches}, dict(feed_dict or {})
        asked = {}
        for hook in self._hooks:
            request = hook.before_run(run_context)
            if request is None:
                continue
            if request.fetches is not None:
                wanted[id(hook)] = request.fetches  # type: ignore[index]
            asked[id(hook)] = request
            for key, value in (request.feed_dict or {}).items():
                if key in feeds:
                    raise RuntimeError(f"The tensor {key} is fed by the caller and by the hook {hook}.")
                feeds[key] = value
        keys = list(wanted)
        found = dict(zip(keys, self._sess.run([wanted[k] for k in keys], feeds), strict=True))
        for hook in self._hooks:
            hook.after_run(run_context, h.SessionRunValues(found.get(id(hook)), None, run_metadata))  # type: ignore[call-overload]
        self._stop = self._stop or run_context.stop_requested
        self._coord.raise_requested_exception()
        return found["caller"]

    def run_step_fn(self, step_fn: Callable[..., Any]) -> Any:
        """`step_fn(step_context)`, which may run the session with and without hooks."""
        try:
            return step_fn(StepContext(self._sess, self.run))
        except StopIteration:
            self._stop = True
            return None

    def should_stop(self) -> bool:
        """Whether to end: a hook asked for it, or a thread stopped."""
        return self._sess is None or self._stop or self._coord.should_stop()

    def raw_session(self) -> Any:
        """The session inside."""
        return self._sess

    def close(self) -> None:
        """Call the hooks' `end` and close the session."""
        self._close(None)

    def __enter__(self) -> Any:
        self._default = self._sess.as_default()
        self._default.__enter__()
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        self._default.__exit__(None, None, None)
        ended = isinstance(error, (OutOfRangeError, StopIteration))
        self._close(None if ended else error)
        return ended

    def _close(self, error: Any) -> None:
        if self._sess is None:
            return
        try:
            if error is None:
                for hook in self._hooks:
                    hook.end(self._sess)
        finally:
            session, self._sess = self._sess, None
            self._coord.request_stop()
            try:
                self._coord.join(stop_grace_period_secs=self._grace, ignore_live_threads=True)
            finally:
                session.close()


class SingularMonitoredSession(MonitoredSession):
    """A monitored session that is not made anew after errors.

    TensorFlow: tf.compat.v1.train.SingularMonitoredSession.
    """

    def __init__(
        self, hooks: Sequence[Any] | None = None, scaffold: Scaffold | None = None, master: str = "",
        config: Any = None, checkpoint_dir: Any = None, stop_grace_period_secs: float = 120,
        checkpoint_filename_with_path: Any = None,
    ) -> None:  # fmt: skip
        creator = ChiefSessionCreator(scaffold, master, config, checkpoint_dir, checkpoint_filename_with_path)
        super().__init__(creator, hooks, stop_grace_period_secs)


def MonitoredTrainingSession(
    master: str = "", is_chief: bool = True, checkpoint_dir: Any = None, scaffold: Scaffold | None = None,
    hooks: Sequence[Any] | None = None, chief_only_hooks: Sequence[Any] | None = None,
    save_checkpoint_secs: Any = _DEFAULT, save_summaries_steps: Any = _DEFAULT, save_summaries_secs: Any = _DEFAULT,
    config: Any = None, stop_grace_period_secs: float = 120, log_step_count_steps: int | None = 100,
    max_wait_secs: float = 7200, save_checkpoint_steps: Any = _DEFAULT, summary_dir: Any = None,
    save_graph_def: bool = True,
) -> MonitoredSession:  # fmt: skip
    """A monitored session for training, with hooks that save checkpoints and summaries in `checkpoint_dir`.

    Args:
      save_checkpoint_secs, save_checkpoint_steps: how often checkpoints are saved; every 600 seconds by default.
      save_summaries_steps, save_summaries_secs: how often summaries are saved; every 100 steps by default.

    TensorFlow: tf.compat.v1.train.MonitoredTrainingSession.
    """
    if save_summaries_steps is _DEFAULT and save_summaries_secs is _DEFAULT:
        save_summaries_steps, save_summaries_secs = 100, None
    if save_checkpoint_steps is _DEFAULT and save_checkpoint_secs is _DEFAULT:
        save_checkpoint_steps, save_checkpoint_secs = None, 600
    steps, secs, every_steps, every_secs = (
        None if v is _DEFAULT else v
        for v in (save_summaries_steps, save_summaries_secs, save_checkpoint_steps, save_checkpoint_secs)
    )
    scaffold = scaffold or Scaffold()
    all_hooks: list[Any] = list(chief_only_hooks or ()) if is_chief else []
    folder = summary_dir or checkpoint_dir
    if is_chief and folder and ((steps or 0) > 0 or (secs or 0) > 0):
        all_hooks.append(h.SummarySaverHook(steps, secs, folder, scaffold=scaffold))
    if is_chief and folder and log_step_count_steps:
        all_hooks.append(h.StepCounterHook(log_step_count_steps, output_dir=folder))
    if is_chief and checkpoint_dir and ((every_secs or 0) > 0 or (every_steps or 0) > 0):
        os.makedirs(checkpoint_dir, exist_ok=True)
        all_hooks.append(
            h.CheckpointSaverHook(
                checkpoint_dir, every_secs, every_steps, scaffold=scaffold, save_graph_def=save_graph_def
            )
        )
    creator = ChiefSessionCreator(scaffold, master, config, checkpoint_dir)
    return MonitoredSession(creator, [*all_hooks, *(hooks or ())], stop_grace_period_secs)


# -- the older way -----------------------------------------------------------------------------------------------------


class Supervisor:
    """A session that initialises and restores by itself, and saves at its end: the way before monitored sessions.

    `save_summaries_secs` and `save_model_secs` are accepted: nothing is saved before the end of a managed session.

    TensorFlow: tf.compat.v1.train.Supervisor.
    """

    USE_DEFAULT = object()

    def __init__(
        self, graph: Any = None, ready_op: Any = USE_DEFAULT, ready_for_local_init_op: Any = USE_DEFAULT,
        is_chief: bool = True, init_op: Any = USE_DEFAULT, init_feed_dict: Any = None,
        local_init_op: Any = USE_DEFAULT, logdir: Any = None, summary_op: Any = USE_DEFAULT, saver: Any = USE_DEFAULT,
        global_step: Any = USE_DEFAULT, save_summaries_secs: float = 120, save_model_secs: float = 600,
        recovery_wait_secs: float = 30, stop_grace_secs: float = 120, checkpoint_basename: str = "model.ckpt",
        session_manager: Any = None, summary_writer: Any = USE_DEFAULT, init_fn: Any = None,
        local_init_run_options: Any = None,
    ) -> None:  # fmt: skip
        def chosen(value: Any, default: Callable[[], Any]) -> Any:
            return default() if value is Supervisor.USE_DEFAULT else value

        self._graph, self._logdir, self._init_fn = graph or get_default_graph(), logdir, init_fn
        with self._graph.as_default():
            self.init_op = chosen(init_op, modes.global_variables_initializer)
            self.local_init_op = chosen(local_init_op, Scaffold.default_local_init_op)
            self.ready_op = chosen(ready_op, modes.report_uninitialized_variables)
            self.saver = chosen(saver, lambda: Saver(modes.global_variables(), allow_empty=True))
            self.summary_op = chosen(summary_op, summary.merge_all)
            self.global_step = chosen(global_step, lambda: training.get_global_step(self._graph))
        self._feed = init_feed_dict
        self.save_path = os.path.join(os.fspath(logdir), checkpoint_basename) if logdir else None
        self.coord, self._grace = Coordinator(), stop_grace_secs
        self.summary_writer = chosen(summary_writer, lambda: summary.FileWriter(logdir) if logdir else None)

    @property
    def session_manager(self) -> SessionManager:
        """What makes the sessions."""
        return SessionManager(self.local_init_op, self.ready_op, graph=self._graph)

    def prepare_or_wait_for_session(self, master: str = "", config: Any = None, **kwargs: Any) -> Any:
        """A session that is ready, with queue runners started."""
        with self._graph.as_default():
            session = self.session_manager.prepare_session(
                master, self.init_op, self.saver, self._logdir, config=config, init_feed_dict=self._feed,
                init_fn=self._init_fn,
            )  # fmt: skip
        start_queue_runners(sess=session, coord=self.coord)
        return session

    def managed_session(self, master: str = "", config: Any = None, **kwargs: Any) -> Any:
        """A `with` block around such a session, at whose end a checkpoint is saved."""
        return _Managed(self, master, config)

    def should_stop(self) -> bool:
        """Whether to end."""
        return self.coord.should_stop()

    def request_stop(self, ex: Any = None) -> None:
        """Ask for the end."""
        self.coord.request_stop(ex)

    def summary_computed(self, sess: Any, summary: Any, global_step: Any = None) -> None:
        """Write a summary."""
        if self.summary_writer is None:
            raise RuntimeError("Writing a summary requires a summary writer.")
        if global_step is None and self.global_step is not None:
            global_step = training.global_step(sess, self.global_step)
        self.summary_writer.add_summary(summary, global_step)

    def loop(self, timer_interval_secs: float, target: Any, args: Any = None, kwargs: Any = None) -> Any:
        """Call a function every so many seconds, in a thread."""
        return LooperThread.loop(self.coord, timer_interval_secs, target, args, kwargs)

    def stop(self, threads: Any = None, close_summary_writer: bool = True, ignore_live_threads: bool = True) -> None:
        """End the threads."""
        self.coord.request_stop()
        self.coord.join(threads, self._grace, ignore_live_threads)
        if close_summary_writer and self.summary_writer is not None:
            self.summary_writer.close()


class _Managed:
    """The block of a supervised session."""

    def __init__(self, supervisor: Supervisor, master: str, config: Any) -> None:
        self._supervisor, self._arguments = supervisor, (master, config)

    def __enter__(self) -> Any:
        self._session = self._supervisor.prepare_or_wait_for_session(*self._arguments)
        return self._session.__enter__()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        supervisor, ended = self._supervisor, isinstance(error, OutOfRangeError)
        try:
            if supervisor.save_path and (error is None or ended):
                supervisor.saver.save(self._session, supervisor.save_path, global_step=supervisor.global_step)
            supervisor.stop()
        finally:
            self._session.__exit__(None, None, None)
        return ended


def basic_train_loop(
    supervisor: Supervisor, train_step_fn: Callable[..., Any], args: Any = None, kwargs: Any = None, master: str = ""
) -> None:
    """Call a function until the supervisor ends. TensorFlow: tf.compat.v1.train.basic_train_loop."""
    with supervisor.managed_session(master) as session:
        while not supervisor.should_stop():
            train_step_fn(session, *(args or ()), **(kwargs or {}))
