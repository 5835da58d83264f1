"""`tf.data.experimental`: the names that programs use, mostly aliases of what `Dataset` does itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .csv import CsvDataset, make_csv_dataset
from .dataset import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset
from .options import AutoShardPolicy

__all__ = [
    "AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "AutoShardPolicy", "CsvDataset", "assert_cardinality",
    "cardinality", "choose_from_datasets", "enumerate_dataset", "get_single_element", "ignore_errors",
    "make_csv_dataset", "prefetch_to_device", "sample_from_datasets", "shuffle_and_repeat", "take_while", "unbatch",
    "unique",
]  # fmt: skip

Transformation = Callable[[Dataset], Dataset]
choose_from_datasets = Dataset.choose_from_datasets
sample_from_datasets = Dataset.sample_from_datasets


def cardinality(dataset: Dataset) -> Any:
    """The number of elements. TensorFlow: tf.data.experimental.cardinality."""
    return dataset.cardinality()


def assert_cardinality(expected_cardinality: int) -> Transformation:
    """Declare how many elements a dataset has. TensorFlow: tf.data.experimental.assert_cardinality."""

    def apply(dataset: Dataset) -> Dataset:
        out = dataset.take(-1)
        out._size, out._called = int(expected_cardinality), "_AssertCardinalityDataset"
        return out

    return apply


def get_single_element(dataset: Dataset) -> Any:
    """The only element. TensorFlow: tf.data.experimental.get_single_element."""
    return dataset.get_single_element()


def enumerate_dataset(start: int = 0) -> Transformation:
    """`Dataset.enumerate`. TensorFlow: tf.data.experimental.enumerate_dataset."""
    return lambda dataset: dataset.enumerate(start)


def ignore_errors(log_warning: bool = False) -> Transformation:
    """`Dataset.ignore_errors`. TensorFlow: tf.data.experimental.ignore_errors."""
    return lambda dataset: dataset.ignore_errors(log_warning)


def prefetch_to_device(device: str, buffer_size: int | None = None) -> Transformation:
    """`Dataset.prefetch`; there is one device. TensorFlow: tf.data.experimental.prefetch_to_device."""
    return lambda dataset: dataset.prefetch(AUTOTUNE if buffer_size is None else buffer_size)


def shuffle_and_repeat(buffer_size: int, count: int | None = None, seed: Any = None) -> Transformation:
    """`Dataset.shuffle` and `repeat`. TensorFlow: tf.data.experimental.shuffle_and_repeat."""
    return lambda dataset: dataset.shuffle(buffer_size, seed).repeat(count)


def take_while(predicate: Callable[..., Any]) -> Transformation:
    """`Dataset.take_while`. TensorFlow: tf.data.experimental.take_while."""
    return lambda dataset: dataset.take_while(predicate)


def unbatch() -> Transformation:
    """`Dataset.unbatch`. TensorFlow: tf.data.experimental.unbatch."""
    return lambda dataset: dataset.unbatch()


def unique() -> Transformation:
    """`Dataset.unique`. TensorFlow: tf.data.experimental.unique."""
    return lambda dataset: dataset.unique()
