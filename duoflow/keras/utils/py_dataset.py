"""Batches by number: the base of data sets written in Python."""

from __future__ import annotations

from typing import Any

__all__ = ["PyDataset"]


class PyDataset:
    """Base of data sets that give whole batches by number: write `__getitem__(index)` and `__len__()`.

    Args:
      workers: above 1, that many threads make batches ahead; `__getitem__` must then be safe to call from threads.
      max_queue_size: how many batches may be made ahead. use_multiprocessing: accepted; workers are threads.

    >>> class Squares(tf.keras.utils.PyDataset):
    ...     def __len__(self):
    ...         return 2
    ...     def __getitem__(self, index):
    ...         return np.full((4, 1), index), np.full((4, 1), index**2)
    >>> Squares().num_batches
    2

    Keras: keras.utils.PyDataset.
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers, self.use_multiprocessing, self.max_queue_size = workers, use_multiprocessing, max_queue_size

    def __getitem__(self, index: int) -> Any:
        """The batch of that number: x, (x, y) or (x, y, sample_weight)."""
        raise NotImplementedError

    @property
    def num_batches(self) -> int | None:
        """Batches an epoch; None for an endless data set. By default `len(self)`."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(
            "You need to implement the `num_batches` property:\n\n@property\ndef num_batches(self):\n  return ..."
        )

    def on_epoch_begin(self) -> None:
        """Called before an epoch."""

    def on_epoch_end(self) -> None:
        """Called after an epoch."""
