"""TensorBoard: the metrics of training as event files, those of training and of validation in folders of their own."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from duoflow.formats.events import EventFileWriter, histogram_value, scalar_value
from duoflow.formats.messages import Event, Summary

from .base import Callback

__all__ = ["TensorBoard"]


class TensorBoard(Callback):
    """Writes metrics to event files that TensorBoard shows.

    Args:
      log_dir: the folder; files go to its folders "train" and "validation".
      histogram_freq: after how many epochs the distribution of every weight is written; 0 for never.
      update_freq: "epoch", or after how many batches values are written too; "batch" for each.
      write_steps_per_second: whether to write how fast training is.
      write_graph: accepted; `duoflow show` prints graphs, and no graph is written.
      write_images, profile_batch, embeddings_freq, embeddings_metadata: not supported.

    Keras: keras.callbacks.TensorBoard.
    """

    def __init__(
        self, log_dir: Any = "logs", histogram_freq: int = 0, write_graph: bool = True, write_images: bool = False,
        write_steps_per_second: bool = False, update_freq: Any = "epoch", profile_batch: Any = 0,
        embeddings_freq: int = 0, embeddings_metadata: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        for name, value in (("write_images", write_images), ("profile_batch", profile_batch)):
            if value:
                raise NotImplementedError(f"TensorBoard does not support `{name}` here. Received: {name}={value}")
        if embeddings_freq or embeddings_metadata:
            raise NotImplementedError("TensorBoard does not write embeddings here; leave `embeddings_freq` 0.")
        self.log_dir, self.histogram_freq, self.write_graph = str(log_dir), histogram_freq, write_graph
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        if self.update_freq != "epoch" and not isinstance(self.update_freq, int):
            raise ValueError(f"`update_freq` must be 'epoch', 'batch' or an int. Received: update_freq={update_freq}")
        self._writers: dict[str, EventFileWriter] = {}
        self._steps = self._epoch_steps = 0
        self._epoch_start = 0.0

    def _write(self, folder: str, step: int, values: list[Any]) -> None:
        """Put values of a step into the file of a folder, opened when first needed."""
        if folder not in self._writers:
            self._writers[folder] = EventFileWriter(Path(self.log_dir) / folder)
        self._writers[folder].add_event(Event(step=step, summary=Summary(value=values)))

    def on_train_begin(self, logs: Any = None) -> None:
        """Start counting steps."""
        self._steps = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Take the time."""
        self._epoch_start, self._epoch_steps = time.time(), self._steps

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Write the values of a batch, where that was asked for."""
        self._steps += 1
        if self.update_freq != "epoch" and self._steps % self.update_freq == 0:
            self._write("train", self._steps, [scalar_value(f"batch_{k}", v) for k, v in (logs or {}).items()])

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write the values of an epoch, and the distributions of weights when they are due."""
        logs = logs or {}
        train = [scalar_value(f"epoch_{k}", v) for k, v in logs.items() if not k.startswith("val_")]
        rate = getattr(self.model.optimizer, "learning_rate", None)
        if rate is not None:
            train.append(scalar_value("epoch_learning_rate", rate))
        if self.write_steps_per_second:
            speed = (self._steps - self._epoch_steps) / max(time.time() - self._epoch_start, 1e-9)
            train.append(scalar_value("epoch_steps_per_second", speed))
        self._write("train", epoch, train)
        validation = [scalar_value(f"epoch_{k[4:]}", v) for k, v in logs.items() if k.startswith("val_")]
        if validation:
            self._write("validation", epoch, validation)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            weights = [(w.path, w.numpy()) for layer in self.model.layers for w in layer.weights]
            self._write("train", epoch, [histogram_value(f"{path}/histogram", value) for path, value in weights])
        for writer in self._writers.values():
            writer.flush()

    def on_train_end(self, logs: Any = None) -> None:
        """Close the files."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()
