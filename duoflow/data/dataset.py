"""`tf.data.Dataset`: a sequence of elements described by where it comes from and what is done to it.

A subclass gives the form of its elements (`_structure`) and iterates flat tuples of arrays (`_stream`). Sources that
hold
arrays, and the transformations that only choose rows, also iterate row numbers (`_row_numbers`), so that batching
gathers
whole batches at once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from duoflow.core import dtypes, nest
from duoflow.core.composite import Composite
from duoflow.core.context import eager_only
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.late import Late
from duoflow.core.spec import TensorSpec, TypeSpec
from duoflow.core.tensor import GraphTensor, convert
from duoflow.trace.types import TraceType

from .options import Options
from .structure import Flat, Structure

__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "Dataset", "DatasetSpec"]

AUTOTUNE = -1
INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2

# The classes behind the methods derive from `Dataset`, so they are looked up when a method is called.
s: Any = Late("duoflow.data.sources")
t: Any = Late("duoflow.data.transforms")
nested: Any = Late("duoflow.data.nested")
resampling: Any = Late("duoflow.data.resampling")
it: Any = Late("duoflow.data.iterators")
recipes: Any = Late("duoflow.data.recipes")
gi: Any = Late("duoflow.data.graph_iterators")
si: Any = Late("duoflow.data.session_iterators")


def deferrable(method: Callable[..., Any]) -> Any:
    """A transformation whose numbers may be tensors of a graph: then it is made when the graph runs."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        symbolic = [value for value in (*args, *kwargs.values()) if type(value) is GraphTensor]
        if symbolic:
            for value in symbolic:
                whole(value)
            return recipes.Deferred(self, method.__name__, args, kwargs)
        return method(self, *args, **kwargs)

    return call


class DatasetSpec(TypeSpec, TraceType):
    """Describes a dataset by the spec of its elements, which is all that a trace depends on.

    TensorFlow: tf.data.DatasetSpec.
    """

    def __init__(self, element_spec: Any, dataset_shape: Any = ()) -> None:
        self._element_spec = element_spec

    @property
    def element_spec(self) -> Any:
        """The spec of the elements."""
        return self._element_spec

    @property
    def value_type(self) -> Any:
        """`Dataset`."""
        return Dataset

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Whether a dataset's elements have this form."""
        return self._element_spec == spec_or_value.element_spec  # type: ignore[no-any-return]

    def is_subtype_of(self, other: Any) -> bool:
        """Whether a trace for `other` serves this spec."""
        return bool(self == other)

    def most_specific_common_supertype(self, others: Sequence[Any]) -> DatasetSpec | None:
        """This spec, if the others equal it."""
        return self if all(self == other for other in others) else None

    def placeholder_value(self, placeholder_context: Any = None) -> Any:
        """Placeholders of datasets belong to a graph."""
        raise NotImplementedError("Placeholders of datasets belong to a graph.")

    def flatten(self) -> list[TensorSpec]:
        """The spec of the variant tensor that stands for a dataset."""
        return [TensorSpec((), dtypes.variant)]

    def to_tensors(self, value: Dataset) -> list[Any]:
        """The variant tensor of a dataset."""
        return [recipes.handle_of(value)]

    def from_tensors(self, tensors: Any) -> Dataset:
        """The dataset of a variant tensor."""
        return recipes.dataset_of(Structure(self._element_spec), next(tensors))  # type: ignore[no-any-return]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DatasetSpec) and self._element_spec == other._element_spec

    def __hash__(self) -> int:
        return hash(tuple(nest.flatten(self._element_spec)))

    def __repr__(self) -> str:
        return f"DatasetSpec({self._element_spec!r}, TensorShape([]))"


class Dataset(Composite):
    """A sequence of elements, each a structure of tensors.

    >>> ds = tf.data.Dataset.range(5).map(lambda x: x * 2).batch(2)
    >>> [b.numpy().tolist() for b in ds]
    [[0, 2], [4, 6], [8]]

    TensorFlow: tf.data.Dataset.
    """

    #: What TensorFlow calls it, where that is not the class's name between "_" and "Dataset".
    _called = ""

    def __init__(self, structure: Structure, size: int, *inputs: Dataset) -> None:
        self._structure = structure
        self._size = size
        self._inputs = inputs
        self._options: Any = inputs[0]._options if inputs else None

    # -- what a subclass gives ---------------------------------------------------------------------------------------

    def _stream(self) -> Iterator[Flat]:
        raise NotImplementedError

    def _row_source(self) -> tuple[Any, ...] | None:
        """The arrays whose rows are this dataset's elements, if it only chooses rows."""
        return None

    def _row_numbers(self) -> Iterator[int]:
        raise NotImplementedError

    # -- as a value of a graph ---------------------------------------------------------------------------------------

    def _components(self) -> tuple[Any, ...]:
        return (recipes.handle_of(self),)

    def _component_count(self) -> int:
        return 1

    def _with_components(self, tensors: tuple[Any, ...]) -> Dataset:
        return recipes.dataset_of(self._structure, *tensors)  # type: ignore[no-any-return]

    # -- facts -------------------------------------------------------------------------------------------------------

    @property
    def element_spec(self) -> Any:
        """The spec of one element."""
        return self._structure.spec

    def __tf_tracing_type__(self, context: Any) -> DatasetSpec:
        return self.dataset_spec

    @property
    def dataset_spec(self) -> DatasetSpec:
        """The spec of the dataset itself, for datasets inside elements."""
        return DatasetSpec(self.element_spec)

    def cardinality(self, name: str | None = None) -> Any:
        """The number of elements: INFINITE_CARDINALITY (-1), UNKNOWN_CARDINALITY (-2), or known, as int64."""
        return gi.cardinality(self)

    def __len__(self) -> int:
        if self._size == INFINITE_CARDINALITY:
            raise TypeError("The dataset is infinite.")
        if self._size == UNKNOWN_CARDINALITY:
            raise TypeError("The dataset length is unknown.")
        return self._size

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"A dataset is no tensor: {self!r}.")

    def __bool__(self) -> bool:
        return True

    def options(self) -> Any:
        """The options set on this dataset."""
        return self._options or Options()

    def with_options(self, options: Any, name: str | None = None) -> Dataset:
        """This dataset with options set."""
        out = t.Take(self, -1)
        out._options, out._called = options, "_OptionsDataset"
        return out

    # -- iteration ---------------------------------------------------------------------------------------------------

    def __iter__(self) -> Any:
        return gi.iterate(self)

    def as_numpy_iterator(self, name: str | None = None) -> Any:
        """Iterate structures of NumPy values."""
        return it.NumpyIterator(self)

    def reduce(self, initial_state: Any, reduce_func: Callable[..., Any], name: str | None = None) -> Any:
        """`state = reduce_func(state, element)` over all elements; the last state."""
        return it.reduce_dataset(self, initial_state, reduce_func)

    def _fold(self, initial_state: Any, step: Callable[..., Any], shapes: Any) -> Any:
        return it.fold_in_graph(self, initial_state, step, shapes)

    def get_single_element(self, name: str | None = None) -> Any:
        """The only element; `InvalidArgumentError` if there are none or several."""
        return gi.single_element(self)

    def enumerate(self, start: int = 0, name: str | None = None) -> Dataset:
        """Pairs of (int64 number, element)."""
        numbers = Dataset.range(start, np.iinfo(np.int64).max)
        return Dataset.zip((numbers, self))

    # -- sources -----------------------------------------------------------------------------------------------------

    @staticmethod
    def from_tensors(tensors: Any, name: str | None = None) -> Dataset:
        """One element: the structure itself."""
        return s.Tensors(tensors)

    @staticmethod
    def from_tensor_slices(tensors: Any, name: str | None = None) -> Dataset:
        """One element per row of the first dimension; `ValueError` if the first dimensions differ."""
        return s.TensorSlices(tensors)

    @staticmethod
    def from_generator(
        generator: Callable[..., Any], output_types: Any = None, output_shapes: Any = None, args: Any = None,
        output_signature: Any = None, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Elements from a callable that returns an iterable; each must fit `output_signature`."""
        return s.Generator(generator, output_types, output_shapes, args, output_signature)

    @staticmethod
    def range(*args: Any, output_type: Any = dtypes.int64, name: str | None = None) -> Dataset:
        """`range(stop)`, `range(start, stop)` or `range(start, stop, step)` as int64 scalars."""
        return s.Range(*args, output_type=output_type)

    @staticmethod
    def counter(start: Any = 0, step: Any = 1, dtype: Any = dtypes.int64, name: str | None = None) -> Dataset:
        """Numbers from `start` on, without end."""
        return resampling.Counter(start, step, dtype)

    @staticmethod
    def random(seed: Any = None, rerandomize_each_iteration: Any = None, name: str | None = None) -> Dataset:
        """Endless random int64 numbers."""
        return s.RandomNumbers(seed, rerandomize_each_iteration)

    @staticmethod
    def zip(*args: Any, datasets: Any = None, name: str | None = None) -> Dataset:
        """Elements of several datasets side by side, as long as the shortest."""
        if datasets is not None:
            args = (datasets,)
        return s.Zip(args[0] if len(args) == 1 else tuple(args))

    @staticmethod
    def choose_from_datasets(datasets: Any, choice_dataset: Dataset, stop_on_empty_dataset: bool = True) -> Dataset:
        """Elements of `datasets` in the order that `choice_dataset` gives."""
        return s.Choose(datasets, choice_dataset, stop_on_empty_dataset)

    @staticmethod
    def sample_from_datasets(
        datasets: Any, weights: Any = None, seed: Any = None, stop_on_empty_dataset: bool = False,
        rerandomize_each_iteration: Any = None,
    ) -> Dataset:  # fmt: skip
        """Elements of `datasets` at random, by weight."""
        return s.Sample(datasets, weights, seed, stop_on_empty_dataset)

    @staticmethod
    def list_files(file_pattern: Any, shuffle: Any = None, seed: Any = None, name: str | None = None) -> Dataset:
        """The names of the files that match a glob pattern; `InvalidArgumentError` if none does."""
        return s.list_files(file_pattern, shuffle, seed)

    # -- transformations ---------------------------------------------------------------------------------------------

    def map(
        self, map_func: Callable[..., Any], num_parallel_calls: Any = None, deterministic: Any = None,
        synchronous: Any = None, use_unbounded_threadpool: bool = False, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Apply a function, traced once, to each element; the order is kept."""
        return _parallel(t.Map(self, map_func), num_parallel_calls)

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements for which a function gives a true scalar."""
        return t.Filter(self, predicate)

    @deferrable
    def batch(
        self, batch_size: Any, drop_remainder: bool = False, num_parallel_calls: Any = None, deterministic: Any = None,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Stack consecutive elements along a new first dimension."""
        return _parallel(t.Batch(self, _int(batch_size, "batch_size"), bool(drop_remainder)), num_parallel_calls)

    @deferrable
    def padded_batch(
        self, batch_size: Any, padded_shapes: Any = None, padding_values: Any = None, drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Batch elements of different sizes, padded to the longest of the batch or to `padded_shapes`."""
        return t.PaddedBatch(self, _int(batch_size, "batch_size"), padded_shapes, padding_values, bool(drop_remainder))

    def ragged_batch(self, batch_size: Any, drop_remainder: bool = False, **kwargs: Any) -> Dataset:
        """Not available: there are no ragged tensors here yet."""
        raise NotImplementedError("ragged_batch needs ragged tensors; use padded_batch.")

    def unbatch(self, name: str | None = None) -> Dataset:
        """The rows of each element, one by one."""
        return t.Unbatch(self)

    def rebatch(self, batch_size: Any, drop_remainder: bool = False, name: str | None = None) -> Dataset:
        """Batches of another size."""
        out: Dataset = self.unbatch().batch(batch_size, drop_remainder)
        out._called = "_RebatchDataset"
        return out

    @deferrable
    def shuffle(
        self, buffer_size: Any, seed: Any = None, reshuffle_each_iteration: Any = None, name: str | None = None
    ) -> Dataset:
        """Draw at random from a buffer of the next `buffer_size` elements."""
        size = self._size if buffer_size is None else _int(buffer_size, "buffer_size")
        return t.Shuffle(self, size, seed, reshuffle_each_iteration is not False)

    @deferrable
    def repeat(self, count: Any = None, name: str | None = None) -> Dataset:
        """The whole sequence `count` times; endlessly for None or -1."""
        return t.Repeat(self, -1 if count is None else _number(count))

    @deferrable
    def take(self, count: Any, name: str | None = None) -> Dataset:
        """The first `count` elements (-1: all)."""
        return t.Take(self, _number(count))

    @deferrable
    def skip(self, count: Any, name: str | None = None) -> Dataset:
        """All but the first `count` elements (-1: none)."""
        return t.Skip(self, _number(count))

    def take_while(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """Elements up to the first for which a function gives false."""
        out = t.Filter(self, predicate, stop=True)
        out._called = "_TakeWhileDataset"
        return out

    @deferrable
    def shard(self, num_shards: Any, index: Any, name: str | None = None) -> Dataset:
        """Every `num_shards`-th element from `index` on; `InvalidArgumentError` for an index out of range."""
        return t.Shard(self, _number(num_shards), _number(index))

    def concatenate(self, dataset: Dataset, name: str | None = None) -> Dataset:
        """This sequence followed by another of the same form."""
        return t.Concatenate(self, dataset)

    def flat_map(self, map_func: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements of the datasets that a function gives, one dataset after another."""
        out = nested.Interleave(self, map_func, 1)
        out._called = "_FlatMapDataset"
        return out

    def interleave(
        self, map_func: Callable[..., Any], cycle_length: Any = None, block_length: Any = None,
        num_parallel_calls: Any = None, deterministic: Any = None, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """The elements of `cycle_length` (4 if None) datasets in turn, `block_length` from each."""
        cycle = AUTOTUNE if cycle_length is None else _counted(cycle_length)
        block = 1 if block_length is None else _counted(block_length)
        return _parallel(nested.Interleave(self, map_func, cycle, block, num_parallel_calls), num_parallel_calls)

    @deferrable
    def window(
        self, size: Any, shift: Any = None, stride: Any = 1, drop_remainder: bool = False, name: str | None = None
    ) -> Dataset:
        """Datasets of `size` elements, `stride` apart, each `shift` after the last."""
        size = _int(size, "size")
        return nested.Window(
            self, size, size if shift is None else _int(shift, "shift"), _int(stride, "stride"), bool(drop_remainder)
        )

    @deferrable
    def prefetch(self, buffer_size: Any, name: str | None = None) -> Dataset:
        """Prepare up to `buffer_size` elements ahead, in another thread."""
        return t.Prefetch(self, _number(buffer_size))

    def cache(self, filename: Any = "", name: str | None = None) -> Dataset:
        """Keep the elements, in memory or in a file, once they have been iterated to the end."""
        return t.cache(self, filename)

    def scan(self, initial_state: Any, scan_func: Callable[..., Any], name: str | None = None) -> Dataset:
        """`state, output = scan_func(state, element)`; the outputs."""
        return t.Scan(self, initial_state, scan_func)

    def unique(self, name: str | None = None) -> Dataset:
        """The first of each group of equal scalar elements."""
        return t.Unique(self)

    def snapshot(
        self, path: str, compression: Any = "AUTO", reader_func: Any = None, shard_func: Any = None,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """The elements, kept in one file below `path` after the first iteration: no shards to choose or compress."""
        return t.cache(self, f"{path}/snapshot")

    def apply(self, transformation_func: Callable[[Dataset], Dataset], name: str | None = None) -> Dataset:
        """What a function makes of this dataset."""
        out = transformation_func(self)
        if not isinstance(out, Dataset):
            raise TypeError(f"`transformation_func` must return a `tf.data.Dataset` object. Got {type(out)}.")
        return out

    def group_by_window(
        self, key_func: Callable[..., Any], reduce_func: Callable[..., Any], window_size: Any = None,
        window_size_func: Any = None, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Group elements by key and let a function make a dataset of each full group."""
        return nested.GroupByWindow(self, key_func, reduce_func, window_size, window_size_func)

    def bucket_by_sequence_length(
        self, element_length_func: Callable[..., Any], bucket_boundaries: Any, bucket_batch_sizes: Any,
        padded_shapes: Any = None, padding_values: Any = None, pad_to_bucket_boundary: bool = False,
        no_padding: bool = False, drop_remainder: bool = False, name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Padded batches of elements of similar length."""
        return nested.bucket_by_length(
            self, element_length_func, bucket_boundaries, bucket_batch_sizes, padded_shapes, padding_values,
            pad_to_bucket_boundary, no_padding, drop_remainder,
        )  # fmt: skip

    def rejection_resample(
        self, class_func: Callable[..., Any], target_dist: Any, initial_dist: Any = None, seed: Any = None,
        name: str | None = None,
    ) -> Dataset:  # fmt: skip
        """Pairs of class and element, elements left out so that classes have the shares of `target_dist`.

        Without `initial_dist` the shares that they have are estimated on the way.
        """
        return resampling.RejectionResample(self, class_func, target_dist, initial_dist, seed)

    def ignore_errors(self, log_warning: bool = False, name: str | None = None) -> Dataset:
        """Leave out the elements whose computation fails."""
        return t.IgnoreErrors(self)

    def save(self, path: str, compression: Any = None, shard_func: Any = None, checkpoint_args: Any = None) -> None:
        """Write the elements to a folder that `load` reads."""
        t.save(self, path)

    @staticmethod
    def load(path: str, element_spec: Any = None, compression: Any = None, reader_func: Any = None) -> Dataset:
        """A dataset that `save` wrote; `NotFoundError` if there is none."""
        return t.load(path, element_spec)

    # -- TensorFlow 1 ------------------------------------------------------------------------------------------------

    @property
    def output_types(self) -> Any:
        """The dtypes of the elements."""
        return nest.map_structure(lambda spec: spec.dtype, self.element_spec)

    @property
    def output_shapes(self) -> Any:
        """The shapes of the elements."""
        return nest.map_structure(lambda spec: spec.shape, self.element_spec)

    @property
    def output_classes(self) -> Any:
        """The kinds of the elements' parts."""
        return nest.map_structure(lambda spec: spec.value_type, self.element_spec)

    def make_one_shot_iterator(self) -> Any:
        """`tf.compat.v1.data.make_one_shot_iterator` of this dataset."""
        return si.make_one_shot_iterator(self)

    def make_initializable_iterator(self, shared_name: str | None = None) -> Any:
        """`tf.compat.v1.data.make_initializable_iterator` of this dataset."""
        return si.make_initializable_iterator(self, shared_name)

    def __repr__(self) -> str:
        return f"<{self._called or f'_{type(self).__name__}Dataset'} element_spec={self.element_spec!r}>"


def _parallel(dataset: Dataset, calls: Any) -> Dataset:
    """A dataset whose elements may be made side by side; they are made one by one here, and in order."""
    if calls is not None:
        dataset._called = f"_Parallel{type(dataset).__name__}Dataset"
    return dataset


def whole(number: GraphTensor) -> GraphTensor:
    """A tensor of a graph, which must be an integer scalar."""
    if not number.dtype.is_integer or number.dims not in (None, ()):
        raise TypeError(f"An integer scalar is needed here, received {number!r}.")
    return number


def _counted(value: Any) -> Any:
    """An integer, or the tensor of a graph that will be one."""
    return whole(value) if type(value) is GraphTensor else _number(value)


def _number(value: Any) -> int:
    with eager_only():
        number = convert(value, dtype_hint=dtypes.int64)
        if not number.dtype.is_integer:
            raise TypeError(f"An integer is needed here, received {value!r}.")
        return int(number)  # type: ignore[call-overload, no-any-return]


def _int(value: Any, what: str) -> int:
    out = _number(value)
    if out <= 0:
        raise InvalidArgumentError(f"{what} must be greater than zero, received {out}.").here()
    return out
