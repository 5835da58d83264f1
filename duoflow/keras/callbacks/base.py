"""The interface of callbacks."""

from __future__ import annotations

from typing import Any

__all__ = ["Callback"]


class Callback:
    """Base of the callbacks: methods a training loop calls, all of which may be left as they are.

    `logs` is a dict of numbers by name; at the ends of batches it holds the metrics so far.

    Keras: keras.callbacks.Callback.
    """

    params: dict[str, Any] | None = None
    #: Where `fit` is to go on, for callbacks that restored an interrupted run in `on_train_begin`.
    initial_epoch: int | None = None
    _model: Any = None

    def __init__(self) -> None:
        self.validation_data = None
        self.params = None

    @property
    def model(self) -> Any:
        """The model being trained."""
        return self._model

    def set_params(self, params: dict[str, Any]) -> None:
        """Take note of the loop's parameters: verbose, epochs, steps."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Take note of the model."""
        self._model = model

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Alias of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Alias of `on_train_batch_end`."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch of training."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch of training and its validation."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch of training."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch of training."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch of evaluation."""

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch of evaluation."""

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch of prediction."""

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch of prediction."""

    def on_train_begin(self, logs: Any = None) -> None:
        """Before training."""

    def on_train_end(self, logs: Any = None) -> None:
        """After training."""

    def on_test_begin(self, logs: Any = None) -> None:
        """Before evaluation."""

    def on_test_end(self, logs: Any = None) -> None:
        """After evaluation."""

    def on_predict_begin(self, logs: Any = None) -> None:
        """Before prediction."""

    def on_predict_end(self, logs: Any = None) -> None:
        """After prediction."""
