"""The callbacks of one loop, called together."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .base import Callback
from .history import History
from .progbar_logger import ProgbarLogger

__all__ = ["CallbackList"]

BatchHook = Callable[..., None]


class CallbackList(Callback):
    """Calls each of its callbacks in turn.

    Keras: keras.callbacks.CallbackList.
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        given = [] if callbacks is None else list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
        self.callbacks: list[Callback] = [c for group in given for c in (group if isinstance(group, list) else [group])]
        if add_progbar and not any(isinstance(c, ProgbarLogger) for c in self.callbacks):
            self.callbacks.append(ProgbarLogger())
        self._history = next((c for c in self.callbacks if isinstance(c, History)), None)
        if add_history and self._history is None:
            self._history = History()
            self.callbacks.append(self._history)
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)

    def append(self, callback: Callback) -> None:
        """Add a callback."""
        self.callbacks.append(callback)

    def set_params(self, params: dict[str, Any]) -> None:
        """Tell every callback the loop's parameters."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Tell every callback the model; the model its history."""
        super().set_model(model)
        if self._history is not None:
            model.history = self._history
        for callback in self.callbacks:
            callback.set_model(model)

    @property
    def resumed_epoch(self) -> int | None:
        """The epoch at which a callback found an interrupted run."""
        return next((c.initial_epoch for c in self.callbacks if c.initial_epoch is not None), None)

    def batch_hooks(self, kind: str) -> tuple[BatchHook | None, BatchHook | None]:
        """What to call before and after each batch of "train", "test" or "predict": None where nobody listens.

        The latter are given a function that gives the logs: it is called for those that listen, and the progress bar
        only looks a few times a second.
        """
        begin = self._listeners(f"on_{kind}_batch_begin")
        end = self._listeners(f"on_{kind}_batch_end")
        return _announce(begin) if begin else None, _report(end) if end else None

    def hears_each_batch(self, kind: str) -> bool:
        """Whether a callback wants to hear of every batch, and not only every now and then."""
        heard = self._listeners(f"on_{kind}_batch_begin") + self._listeners(f"on_{kind}_batch_end")
        return any(not _is_throttled(listener) for listener in heard)

    def _listeners(self, name: str) -> list[Callable[..., None]]:
        aliases = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}
        out = []
        for callback in self.callbacks:
            names = [name, aliases[name]] if name in aliases else [name]
            if any(getattr(type(callback), n, None) is not getattr(Callback, n) or n in vars(callback) for n in names):
                out.append(getattr(callback, name))
        return out

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch of training."""
        self._all("on_epoch_begin", epoch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch of training and its validation."""
        self._all("on_epoch_end", epoch, plain(logs))

    def _all(self, name: str, *args: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, name)(*args)


def _announce(listeners: list[Callable[..., None]]) -> BatchHook:
    def begin(batch: int) -> None:
        for listener in listeners:
            listener(batch, logs={})

    return begin


def _is_throttled(listener: Callable[..., None]) -> bool:
    return getattr(getattr(listener, "__self__", None), "wants_every", None) is not None


def _report(listeners: list[Callable[..., None]]) -> BatchHook:
    throttled = [f for f in listeners if _is_throttled(f)]
    others = [f for f in listeners if not _is_throttled(f)]
    due = 0.0

    def end(batch: int, read: Callable[[], Any]) -> None:
        nonlocal due
        if others:
            numbers = plain(read())
            for listener in others:
                listener(batch, logs=numbers)
        if throttled and (now := time.monotonic()) >= due:
            for listener in throttled:
                listener(batch, logs=plain(read()))
            due = now + min(f.__self__.wants_every for f in throttled)  # type: ignore[attr-defined]

    return end


def _forward(name: str) -> Callable[..., None]:
    def method(self: CallbackList, *args: Any, **kwargs: Any) -> None:
        logs = kwargs.get("logs", args[-1] if args and isinstance(args[-1], dict) else None)
        position = [a for a in args if not isinstance(a, dict) and a is not None]
        self._all(name, *position, plain(logs))

    method.__name__ = name
    method.__doc__ = getattr(Callback, name).__doc__
    return method


for _name in (
    "on_train_batch_begin", "on_train_batch_end", "on_test_batch_begin", "on_test_batch_end", "on_predict_batch_begin",
    "on_predict_batch_end", "on_batch_begin", "on_batch_end", "on_train_begin", "on_train_end", "on_test_begin",
    "on_test_end", "on_predict_begin", "on_predict_end",
):  # fmt: skip
    setattr(CallbackList, _name, _forward(_name))


def plain(logs: Any) -> dict[str, Any]:
    """Logs by name, with Python numbers for scalar tensors."""
    out = {}
    for name, value in sorted((logs or {}).items()):
        if name == "outputs":
            out[name] = value
            continue
        array = np.asarray(value)
        out[name] = array.item() if array.ndim == 0 else array
    return out
