"""Threads that stop together: `Coordinator`, `LooperThread`, `QueueRunner`.

TensorFlow: tf.compat.v1.train.Coordinator, tf.compat.v1.train.QueueRunner.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from duoflow.core.errors import CancelledError, OutOfRangeError
from duoflow.core.graph import get_default_graph
from duoflow.trace.session import get_default_session

from .modes import GraphKeys

__all__ = ["Coordinator", "LooperThread", "QueueRunner", "add_queue_runner", "start_queue_runners"]


class Coordinator:
    """Lets threads ask each other to stop, and passes on the first exception.

    TensorFlow: tf.train.Coordinator.
    """

    def __init__(self, clean_stop_exception_types: Any = None) -> None:
        self._clean = tuple(clean_stop_exception_types or (OutOfRangeError,))
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._threads: list[threading.Thread] = []
        self._error: BaseException | None = None
        self._joined = False

    @property
    def joined(self) -> bool:
        """Whether `join` has returned."""
        return self._joined

    def should_stop(self) -> bool:
        """Whether a stop was asked for."""
        return self._stop.is_set()

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Wait until a stop is asked for; whether it was."""
        return self._stop.wait(timeout)

    def request_stop(self, ex: Any = None) -> None:
        """Ask all threads to stop, because of an exception (or `sys.exc_info()`) if one is given.

        Exceptions of clean stops, the end of the data, are not passed on.
        """
        error = ex[1] if isinstance(ex, tuple) else ex
        with self._lock:
            if isinstance(error, BaseException) and self._error is None and not isinstance(error, self._clean):
                if self._joined:
                    raise error
                self._error = error
            self._stop.set()

    def clear_stop(self) -> None:
        """Forget that a stop was asked for."""
        with self._lock:
            self._joined, self._error = False, None
            self._stop.clear()

    @contextlib.contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """Ask for a stop if the block raises."""
        try:
            yield
        except BaseException:
            self.request_stop(sys.exc_info())

    def register_thread(self, thread: threading.Thread) -> None:
        """A thread that `join` waits for."""
        with self._lock:
            self._threads.append(thread)

    def join(
        self, threads: Sequence[threading.Thread] | None = None, stop_grace_period_secs: float = 120,
        ignore_live_threads: bool = False,
    ) -> None:  # fmt: skip
        """Wait for the threads to end, and raise the first exception that one of them reported.

        Raises:
          RuntimeError: if threads still run so long after a stop was asked for, and `ignore_live_threads` is not set.
        """
        waiting = [*self._threads, *(t for t in threads or () if t not in self._threads)]
        while any(t.is_alive() for t in waiting) and not self._stop.wait(0.02):
            pass
        deadline = time.monotonic() + stop_grace_period_secs
        while any(t.is_alive() for t in waiting) and time.monotonic() < deadline:
            next(t for t in waiting if t.is_alive()).join(0.02)
        stragglers = [t.name for t in waiting if t.is_alive()]
        self._joined, self._threads = True, []
        if self._error is not None:
            raise self._error
        if stragglers and not ignore_live_threads:
            raise RuntimeError(f"Coordinator stopped with threads still running: {' '.join(stragglers)}")

    def raise_requested_exception(self) -> None:
        """Raise the exception that a stop was asked for with, if any."""
        if self._error is not None:
            raise self._error


class LooperThread(threading.Thread):
    """A thread that calls a function again and again until its coordinator asks for a stop.

    TensorFlow: tf.compat.v1.train.LooperThread.
    """

    def __init__(
        self, coord: Coordinator, timer_interval_secs: float | None, target: Callable[..., Any] | None = None,
        args: Any = None, kwargs: Any = None,
    ) -> None:  # fmt: skip
        if not isinstance(coord, Coordinator):
            raise ValueError(f"'coord' argument must be a Coordinator: {coord}")
        super().__init__(daemon=True)
        self._coord, self._interval = coord, timer_interval_secs
        self._call = (target, args or (), kwargs or {})
        coord.register_thread(self)

    @staticmethod
    def loop(
        coord: Coordinator, timer_interval_secs: float | None, target: Any, args: Any = None, kwargs: Any = None
    ) -> Any:
        """Start such a thread."""
        looper = LooperThread(coord, timer_interval_secs, target, args, kwargs)
        looper.start()
        return looper

    def run(self) -> None:
        with self._coord.stop_on_exception():
            self.start_loop()
            while not self._coord.should_stop():
                self.run_loop()
                if self._interval and self._coord.wait_for_stop(self._interval):
                    break
            self.stop_loop()

    def start_loop(self) -> None:
        """Called first."""

    def stop_loop(self) -> None:
        """Called last."""

    def run_loop(self) -> None:
        """Called again and again."""
        target, args, kwargs = self._call
        if target:
            target(*args, **kwargs)


class QueueRunner:
    """Threads that run enqueue operations until the data ends or a stop is asked for; then the queue is closed.

    TensorFlow: tf.compat.v1.train.QueueRunner.
    """

    def __init__(
        self, queue: Any = None, enqueue_ops: Any = None, close_op: Any = None, cancel_op: Any = None,
        queue_closed_exception_types: Any = None, queue_runner_def: Any = None, import_scope: str | None = None,
    ) -> None:  # fmt: skip
        if queue is None or not enqueue_ops:
            raise ValueError("Must provide queue and enqueue_ops.")
        self._queue, self._enqueue_ops = queue, list(enqueue_ops)
        self._close_op = queue.close() if close_op is None else close_op
        self._cancel_op = queue.close(cancel_pending_enqueues=True) if cancel_op is None else cancel_op
        self._ends = tuple(queue_closed_exception_types or (OutOfRangeError,))
        self._lock = threading.Lock()
        self._running: dict[int, int] = {}
        self._raised: list[Any] = []

    @property
    def queue(self) -> Any:
        """The queue that is filled."""
        return self._queue

    @property
    def enqueue_ops(self) -> list[Any]:
        """The operations that fill it, one for each thread."""
        return list(self._enqueue_ops)

    close_op = property(lambda self: self._close_op, doc="The operation that closes the queue.")
    cancel_op = property(lambda self: self._cancel_op, doc="The operation that closes it and cancels what waits.")
    name = property(lambda self: self._queue.name, doc="The queue's name.")

    @property
    def exceptions_raised(self) -> list[Any]:
        """The exceptions of threads without a coordinator."""
        return list(self._raised)

    def create_threads(
        self, sess: Any, coord: Coordinator | None = None, daemon: bool = False, start: bool = False
    ) -> list[threading.Thread]:
        """The threads; those of a session that run already are not made twice."""
        with self._lock:
            if self._running.get(id(sess)):
                return []
            self._running[id(sess)] = len(self._enqueue_ops)
        threads = [threading.Thread(target=self._run, args=(sess, op, coord), daemon=True) for op in self._enqueue_ops]
        if coord is not None:
            threads.append(threading.Thread(target=self._cancel_on_stop, args=(sess, coord), daemon=True))
        for thread in threads:
            if coord is not None:
                coord.register_thread(thread)
            if start:
                thread.start()
        return threads

    def _run(self, sess: Any, enqueue_op: Any, coord: Coordinator | None) -> None:
        try:
            while coord is None or not coord.should_stop():
                try:
                    sess.run(enqueue_op)
                except self._ends:
                    break
                except CancelledError:
                    if coord is not None and coord.should_stop():
                        break
                    raise
        except Exception as error:
            if coord is not None:
                coord.request_stop(error)
            else:
                self._raised.append(error)
                raise
        finally:
            self._finish(sess)

    def _finish(self, sess: Any) -> None:
        """The last thread closes the queue."""
        with self._lock:
            self._running[id(sess)] -= 1
            last = not self._running[id(sess)]
        if last:
            with contextlib.suppress(Exception):  # the session may be closed by now
                sess.run(self._close_op)

    def _cancel_on_stop(self, sess: Any, coord: Coordinator) -> None:
        coord.wait_for_stop()
        with contextlib.suppress(Exception):  # the session may be closed by now
            sess.run(self._cancel_op)


def add_queue_runner(qr: QueueRunner, collection: Any = GraphKeys.QUEUE_RUNNERS) -> None:
    """Add to the runners that `start_queue_runners` starts. TensorFlow: tf.compat.v1.train.add_queue_runner."""
    get_default_graph().add_to_collection(collection, qr)


def start_queue_runners(
    sess: Any = None, coord: Coordinator | None = None, daemon: bool = True, start: bool = True,
    collection: Any = GraphKeys.QUEUE_RUNNERS,
) -> list[threading.Thread]:  # fmt: skip
    """Start the threads of all queue runners of the graph.

    Raises:
      ValueError: if there is no session.

    TensorFlow: tf.compat.v1.train.start_queue_runners.
    """
    sess = get_default_session() if sess is None else sess
    if sess is None:
        raise ValueError("Cannot start queue runners: No default session is registered. Use `with sess.as_default()`.")
    runners = sess.graph.get_collection(collection)
    return [thread for runner in runners for thread in runner.create_threads(sess, coord, daemon, start)]
