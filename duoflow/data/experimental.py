"""`tf.data.experimental`: the names that programs use, mostly aliases of what `Dataset` does itself."""

from __future__ import annotations

import gzip
import inspect
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from duoflow.core import nest
from duoflow.core.errors import OutOfRangeError
from duoflow.core.late import F
from duoflow.core.optional import Optional
from duoflow.formats.records import encode_record

from .csv import CsvDataset, make_csv_dataset
from .dataset import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset
from .nested import Elements
from .options import (
    AutoShardPolicy,
    AutotuneAlgorithm,
    AutotuneOptions,
    DistributeOptions,
    ExternalStatePolicy,
    OptimizationOptions,
    ThreadingOptions,
)  # fmt: skip
from .resampling import GroupByReducer
from .sources import RandomNumbers as RandomDataset
from .structure import Structure, normalize

__all__ = [
    "AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "AutoShardPolicy", "AutotuneAlgorithm",
    "AutotuneOptions", "Counter", "CsvDataset", "DistributeOptions", "ExternalStatePolicy", "OptimizationOptions",
    "Optional", "RandomDataset", "Reducer", "TFRecordWriter", "ThreadingOptions", "assert_cardinality", "at",
    "bucket_by_sequence_length", "cardinality", "choose_from_datasets", "enumerate_dataset", "from_list",
    "get_next_as_optional", "get_single_element", "get_structure", "group_by_reducer", "group_by_window",
    "ignore_errors", "load", "make_csv_dataset", "map_and_batch", "pad_to_cardinality", "parallel_interleave",
    "prefetch_to_device", "rejection_resample", "sample_from_datasets", "save", "scan", "shuffle_and_repeat",
    "snapshot", "take_while", "unbatch", "unique",
]  # fmt: skip

Transformation = Callable[[Dataset], Dataset]
choose_from_datasets = Dataset.choose_from_datasets
sample_from_datasets = Dataset.sample_from_datasets
Counter = Dataset.counter
load = Dataset.load


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


def _method(name: str) -> Callable[..., Transformation]:
    """A transformation that is a method of datasets."""

    def make(*args: Any, **kwargs: Any) -> Transformation:
        return lambda dataset: getattr(dataset, name)(*args, **kwargs)  # type: ignore[no-any-return]

    _, *parameters = inspect.signature(getattr(Dataset, name)).parameters.values()
    make.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"`Dataset.{name}`. TensorFlow: tf.data.experimental.{name}."
    return make


bucket_by_sequence_length = _method("bucket_by_sequence_length")
group_by_window = _method("group_by_window")
rejection_resample = _method("rejection_resample")
scan = _method("scan")
snapshot = _method("snapshot")


def save(
    dataset: Dataset, path: str, compression: Any = None, shard_func: Any = None, checkpoint_args: Any = None
) -> None:
    """`Dataset.save`. TensorFlow: tf.data.experimental.save."""
    dataset.save(path, compression, shard_func, checkpoint_args)


def map_and_batch(
    map_func: Callable[..., Any], batch_size: Any, num_parallel_batches: Any = None, drop_remainder: bool = False,
    num_parallel_calls: Any = None,
) -> Transformation:  # fmt: skip
    """`Dataset.map`, then `batch`. TensorFlow: tf.data.experimental.map_and_batch."""
    return lambda dataset: dataset.map(map_func).batch(batch_size, drop_remainder)  # type: ignore[no-any-return]


def parallel_interleave(
    map_func: Callable[..., Any], cycle_length: Any, block_length: Any = 1, sloppy: Any = False,
    buffer_output_elements: Any = None, prefetch_input_elements: Any = None,
) -> Transformation:  # fmt: skip
    """`Dataset.interleave`. TensorFlow: tf.data.experimental.parallel_interleave."""
    return lambda dataset: dataset.interleave(map_func, cycle_length, block_length)


class Reducer(NamedTuple):
    """What `group_by_reducer` does with the elements of a key. TensorFlow: tf.data.experimental.Reducer."""

    init_func: Callable[..., Any]
    reduce_func: Callable[..., Any]
    finalize_func: Callable[..., Any]


def group_by_reducer(key_func: Callable[..., Any], reducer: Reducer) -> Transformation:
    """What a reducer makes of the elements of each key. TensorFlow: tf.data.experimental.group_by_reducer."""
    return lambda dataset: GroupByReducer(dataset, key_func, reducer)


def from_list(elements: list[Any], name: str | None = None) -> Dataset:
    """The elements of a list. TensorFlow: tf.data.experimental.from_list."""
    if not isinstance(elements, list) or not elements:
        raise ValueError("`elements` must be a list that is not empty.")
    parts = [normalize(element) for element in elements]
    form = Structure.of(parts[0])
    out = Elements(form, [form.flatten(part) for part in parts])
    out._called = "_ListDataset"
    return out


def pad_to_cardinality(cardinality: int, mask_key: str = "valid") -> Transformation:
    """Elements (dicts) with a flag, and zeros after them up to a number.

    TensorFlow: tf.data.experimental.pad_to_cardinality.
    """

    def apply(dataset: Dataset) -> Dataset:
        if not isinstance(dataset.element_spec, dict) or dataset._size < 0:
            raise ValueError("pad_to_cardinality needs elements that are dicts, and a known number of them.")
        if cardinality < dataset._size:
            raise ValueError(f"The dataset has {dataset._size} elements, more than cardinality={cardinality}.")
        zeros = nest.map_structure(lambda s: F.zeros([d or 0 for d in s.shape], s.dtype), dataset.element_spec)
        filling = Dataset.from_tensors({**zeros, mask_key: np.bool_(False)}).repeat(cardinality - dataset._size)
        marked = dataset.map(lambda element: {**element, mask_key: F.constant(True)})
        return marked.concatenate(filling)  # type: ignore[no-any-return]

    return apply


def at(dataset: Dataset, index: Any) -> Any:
    """The element at an index. TensorFlow: tf.data.experimental.at."""
    try:
        return next(iter(dataset.skip(int(index)).take(1)))
    except StopIteration:
        raise OutOfRangeError(f"Index {int(index)} is out of range of the dataset.").here() from None


def get_structure(dataset_or_iterator: Any) -> Any:
    """The spec of the elements. TensorFlow: tf.data.experimental.get_structure."""
    return dataset_or_iterator.element_spec


def get_next_as_optional(iterator: Any) -> Optional:
    """The next element, or that there is none. TensorFlow: tf.data.experimental.get_next_as_optional."""
    return iterator.get_next_as_optional()  # type: ignore[no-any-return]


class TFRecordWriter:
    """Writes the strings of a dataset to a file of records. TensorFlow: tf.data.experimental.TFRecordWriter."""

    def __init__(self, filename: str, compression_type: str | None = None) -> None:
        self._filename, self._compression = filename, compression_type

    def write(self, dataset: Dataset) -> None:
        """Write all elements, which must be strings."""
        squeeze: Any = {"": lambda data: data, "GZIP": gzip.compress, "ZLIB": zlib.compress}
        compression = (self._compression or "").upper()
        if compression not in squeeze:
            raise ValueError(f"compression_type must be '', 'GZIP' or 'ZLIB', received {self._compression!r}.")
        records = b"".join(encode_record(record.item()) for (record,) in dataset._stream())
        Path(self._filename).write_bytes(squeeze[compression](records))
