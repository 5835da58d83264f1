"""Input functions over arrays and data frames.

TensorFlow: tf.estimator.inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from duoflow.data import Dataset
from duoflow.data.session_iterators import make_one_shot_iterator

__all__ = ["numpy_input_fn", "pandas_input_fn"]


def numpy_input_fn(
    x: Any, y: Any = None, batch_size: int = 128, num_epochs: int | None = 1, shuffle: bool | None = None,
    queue_capacity: int = 1000, num_threads: int = 1,
) -> Callable[[], Any]:  # fmt: skip
    """A function that gives batches of arrays: features, or (features, labels).

    Args:
      x: an array, or a dict of arrays by feature.
      y: an array of labels, or a dict of such.
      num_epochs: how often the data is gone through; None for endlessly.
      shuffle: whether examples come in random order, drawn from `queue_capacity` of them. It must be given.
      num_threads: accepted; one thread reads.

    Raises:
      ValueError: if `shuffle` is not given, or the arrays differ in length.

    TensorFlow: tf.compat.v1.estimator.inputs.numpy_input_fn.
    """
    if not isinstance(shuffle, bool):
        raise ValueError(f"shuffle must be provided and explicitly set as boolean; got {shuffle}")
    if isinstance(x, Mapping) and not x:
        raise ValueError("x cannot be an empty dict")
    features = {k: np.asarray(v) for k, v in x.items()} if isinstance(x, Mapping) else np.asarray(x)
    labels = (
        {k: np.asarray(v) for k, v in y.items()} if isinstance(y, Mapping) else None if y is None else np.asarray(y)
    )
    parts = [*(features.values() if isinstance(features, dict) else [features])]
    parts += [] if labels is None else [*(labels.values() if isinstance(labels, dict) else [labels])]
    if len({len(p) for p in parts}) > 1:
        raise ValueError(f"Length of tensors in x and y is mismatched: {[len(p) for p in parts]}")

    def input_fn() -> Any:
        data = Dataset.from_tensor_slices(features if labels is None else (features, labels))
        if shuffle:
            data = data.shuffle(min(queue_capacity, len(parts[0])))
        # Batches go over the borders of epochs, as those of a queue do.
        return make_one_shot_iterator(data.repeat(num_epochs).batch(batch_size)).get_next()

    return input_fn


def pandas_input_fn(
    x: Any, y: Any = None, batch_size: int = 128, num_epochs: int | None = 1, shuffle: bool | None = None,
    queue_capacity: int = 1000, num_threads: int = 1, target_column: str = "target",
) -> Callable[[], Any]:  # fmt: skip
    """`numpy_input_fn` over the columns of a data frame. TensorFlow: tf.compat.v1.estimator.inputs.pandas_input_fn."""
    columns = {name: x[name].to_numpy() for name in x.columns}
    labels = None if y is None else y.to_numpy() if y.ndim == 1 else {name: y[name].to_numpy() for name in y.columns}
    return numpy_input_fn(columns, labels, batch_size, num_epochs, shuffle, queue_capacity, num_threads)
