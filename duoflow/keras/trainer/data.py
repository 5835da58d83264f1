"""Training data of every kind as one thing: portions of one batch or many, each of flat arrays of
`(x, y, sample_weight)`.

`make_adapter` chooses the adapter; the trainer iterates its `epoch()` and asks for `steps`.
"""

from __future__ import annotations

import itertools
import math
import sys
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from duoflow.core import nest
from duoflow.core.arrays import as_array
from duoflow.core.tensor import EagerTensor, Tensor
from duoflow.core.variables import Variable
from duoflow.data import Dataset

from .. import config as keras_config

__all__ = [
    "Adapter", "Batch", "Form", "Portion", "Rows", "make_adapter", "pack_x_y_sample_weight", "single_batch",
    "train_validation_split", "unpack_x_y_sample_weight",
]  # fmt: skip


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """`(x, y, sample_weight)` of a batch given as x, (x,), (x, y) or (x, y, sample_weight).

    Keras: keras.utils.unpack_x_y_sample_weight. Raises `ValueError` for longer tuples.
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if len(data) > 3:
        raise ValueError(
            "Data is expected to be in format `x`, `(x,)`, `(x, y)`, or `(x, y, sample_weight)`, found: "
            f"{len(data)} elements"
        )
    return (*data, None, None)[:3] if len(data) else (None, None, None)  # type: ignore[return-value]


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The inverse of `unpack_x_y_sample_weight`. Keras: keras.utils.pack_x_y_sample_weight."""
    if y is None:
        return x if not isinstance(x, (tuple, list)) else (x,)
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def _leaf_array(leaf: Any) -> np.ndarray[Any, Any]:
    """One array of training data; floats become Keras' default float."""
    if isinstance(leaf, Variable):
        array = leaf.numpy()
    elif isinstance(leaf, EagerTensor):
        array = leaf._array
    elif hasattr(leaf, "to_numpy"):
        array = leaf.to_numpy()
    elif hasattr(leaf, "detach"):
        array = leaf.detach().cpu().numpy()
    else:
        array = as_array(leaf)
    array = np.asarray(array)
    if array.dtype == object and hasattr(leaf, "iloc") and not all(isinstance(v, str | bytes) for v in array.flat):
        kinds = sorted({type(v).__name__ for v in array.flat})
        raise ValueError(
            f"Invalid dtype: object. A {type(leaf).__name__} of training data holds {' and '.join(kinds)}; make it "
            'numbers, such as with `.astype("float32")`, or pass its columns by name: `dict(frame)`.'
        )
    if array.dtype.kind == "f" and array.dtype != np.dtype(keras_config.floatx()):
        array = array.astype(keras_config.floatx())
    if array.ndim == 0:
        raise ValueError(
            f"Training data needs a first dimension of samples, received a scalar: {leaf!r}. Data sets and generators "
            "give batches: `dataset.batch(32)`."
        )
    return array[:, None] if array.ndim == 1 and hasattr(leaf, "iloc") else array


def is_array_like(x: Any) -> bool:
    """Whether a value holds samples along its first dimension."""
    if isinstance(x, Dataset):  # what makes an array of it refuses in words of its own
        return False
    return isinstance(x, (np.ndarray, Tensor, Variable)) or hasattr(x, "__array__") or hasattr(x, "to_numpy")


def _structure_of_arrays(x: Any, what: str) -> Any:
    if (
        isinstance(x, list)
        and x
        and not any(is_array_like(i) or isinstance(i, (list, dict)) for i in nest.flatten(x))
        or isinstance(x, list)
        and x
        and isinstance(x[0], list)
        and not any(map(is_array_like, nest.flatten(x)))
    ):
        x = np.asarray(x)
    for leaf in nest.flatten(x):
        if not is_array_like(leaf):
            raise ValueError(
                f"Unrecognized data type: {what} is {type(leaf)}. Expected arrays, tensors, datasets, generators or a "
                "PyDataset."
            )
    return nest.map_structure(_leaf_array, x)


def _samples(*structures: Any) -> int:
    sizes = [len(leaf) for s in structures for leaf in nest.flatten(s) if leaf is not None]
    if len(set(sizes)) > 1:
        parts = [
            f"'{name}' sizes: {', '.join(str(len(leaf)) for leaf in nest.flatten(s))}"
            for name, s in zip(("x", "y", "sample_weight"), structures, strict=False)
            if s is not None
        ]
        raise ValueError(
            "Data cardinality is ambiguous. Make sure all arrays contain the same number of samples. "
            + "\n".join(parts)
        )
    if not sizes or not sizes[0]:
        raise ValueError("Unexpected empty data: there are no samples to train on, evaluate or predict.")
    return sizes[0]


@dataclass(frozen=True)
class Form:
    """What batches of one kind share: how their arrays make up (x, y, sample_weight), and their dtypes and shapes.

    present: for each leaf of the structure, whether there is an array for it
    kinds: for each array its dtype, and its shape without the dimension of samples
    """

    structure: Any
    present: tuple[bool, ...]
    kinds: tuple[tuple[Any, tuple[int, ...]], ...]

    def packed(self, leaves: Iterable[Any]) -> Any:
        """(x, y, sample_weight), (x, y) or x: what a step is given. None stands for arrays that are not there."""
        given = iter(leaves)
        x, y, weight = self.structure.unflatten([next(given) if there else None for there in self.present])
        if weight is not None:
            return x, y, weight
        if y is not None:
            return x, y
        return (x,) if isinstance(x, (list, tuple)) else x


class Batch(NamedTuple):
    """The arrays of a batch, and their form."""

    form: Form
    leaves: list[np.ndarray[Any, Any]]

    @property
    def steps(self) -> int:
        """One: a batch is the smallest portion."""
        return 1

    def batch(self, i: int) -> Batch:
        """Itself."""
        return self


class Rows(NamedTuple):
    """Batches of one size as rows of whole arrays: batch i takes those that `order[i]` numbers.

    order: int64 of shape [batches, batch size]
    ascending: whether the rows of each batch lie side by side
    """

    form: Form
    arrays: list[np.ndarray[Any, Any]]
    order: np.ndarray[Any, Any]
    ascending: bool

    @property
    def steps(self) -> int:
        """How many batches there are."""
        return len(self.order)

    def batch(self, i: int) -> Batch:
        """One of them."""
        rows = self.order[i]
        chosen: Any = slice(rows[0], rows[-1] + 1) if self.ascending else rows
        return Batch(self.form, [array[chosen] for array in self.arrays])


#: What an adapter gives out: `steps` batches, of which `batch(i)` is one.
Portion = Batch | Rows


def flat(data: Any) -> Batch:
    """A batch from (x, y, sample_weight) in structures of arrays and None."""
    leaves, structure = nest.flatten_with_form(data)
    arrays = [leaf for leaf in leaves if leaf is not None]
    present = tuple([leaf is not None for leaf in leaves])
    return Batch(Form(structure, present, tuple([(a.dtype, a.shape[1:]) for a in arrays])), arrays)


class Adapter:
    """Batches of one data set.

    steps: batches an epoch, or None if that is only known at its end
    """

    steps: int | None = None

    def epoch(self) -> Iterator[Portion]:
        """The batches of one pass."""
        raise NotImplementedError


class ArrayAdapter(Adapter):
    """Arrays in memory."""

    def __init__(
        self, x: Any, y: Any, sample_weight: Any, batch_size: int | None, shuffle: Any, class_weight: Any
    ) -> None:
        x = _structure_of_arrays(x, "x")
        y = None if y is None else _structure_of_arrays(y, "y")
        weight = None if sample_weight is None else _structure_of_arrays(sample_weight, "sample_weight")
        if class_weight is not None:
            weight = _class_weights(y, weight, class_weight)
        self._form, arrays = flat((x, y, weight))
        self._arrays = [np.ascontiguousarray(array) for array in arrays]
        self._count = _samples(x, y, weight)
        self._size, self._shuffle = batch_size or 32, shuffle
        self.steps = math.ceil(self._count / self._size)

    def epoch(self) -> Iterator[Portion]:
        """All full batches in one, then the smaller last one if there is any."""
        order, ascending = self._order()
        full = self._count - self._count % self._size
        if full:
            yield Rows(self._form, self._arrays, order[:full].reshape(-1, self._size), ascending)
        if full < self._count:
            yield Rows(self._form, self._arrays, order[None, full:], ascending).batch(0)

    def _order(self) -> tuple[np.ndarray[Any, Any], bool]:
        """The rows in the order of training, and whether those of a batch lie side by side."""
        if self._shuffle == "batch":
            order = np.arange(self._count)
            batches = order[: self._count - self._count % self._size].reshape(-1, self._size)
            batches[:] = np.random.permutation(batches)
            return order, True
        return (np.random.permutation(self._count), False) if self._shuffle else (np.arange(self._count), True)


def _class_weights(y: Any, weight: Any, class_weight: dict[int, float]) -> Any:
    if weight is not None:
        raise ValueError("You cannot `class_weight` and `sample_weight` at the same time.")
    if y is None or nest.is_nested(y):
        raise ValueError("`class_weight` is only supported for Models with a single output.")
    labels = y.argmax(-1) if y.ndim > 1 and y.shape[-1] > 1 else np.round(y.reshape(len(y), -1)[:, 0])
    table = {int(k): float(v) for k, v in class_weight.items()}
    return np.asarray([table.get(int(c), 1.0) for c in labels], keras_config.floatx())


class DatasetAdapter(Adapter):
    """A tf.data pipeline, which batches by itself."""

    def __init__(self, dataset: Dataset, class_weight: Any) -> None:
        self._dataset, self._class_weight = dataset, class_weight
        size = int(dataset.cardinality())
        self.steps = size if size >= 0 else None

    def epoch(self) -> Iterator[Batch]:
        """The elements."""
        for element in self._dataset:
            yield _batch(element, self._class_weight)


def _batch(element: Any, class_weight: Any) -> Batch:
    parts = unpack_x_y_sample_weight(element)
    x, y, weight = [nest.map_structure(lambda leaf: None if leaf is None else _leaf_array(leaf), p) for p in parts]
    return flat((x, y, weight if class_weight is None else _class_weights(y, weight, class_weight)))


def single_batch(x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None) -> Batch:
    """Everything there is as one batch."""
    return next(ArrayAdapter(x, y, sample_weight, sys.maxsize, False, class_weight).epoch()).batch(0)


class IterableAdapter(Adapter):
    """A generator, or any iterable of batches."""

    def __init__(self, source: Any, class_weight: Any) -> None:
        self._class_weight = class_weight
        self._source = source
        self.steps = _length(source)
        self._first: list[Any] = []
        if isinstance(source, types.GeneratorType):
            self._first = list(itertools.islice(source, 2))
            if not self._first:
                raise ValueError(
                    "When passing a Python generator to a Keras model, the generator must yield at least one batch. "
                    "Received an empty generator."
                )

    def epoch(self) -> Iterator[Batch]:
        """The batches. A generator gives its first two, which Keras looks at for their shapes, and goes on."""
        for element in itertools.chain(self._first, self._source):
            yield _batch(element, self._class_weight)


def _length(source: Any) -> int | None:
    """How many batches an iterable says it has; a loader of an endless stream has a `__len__` that raises."""
    try:
        return len(source)
    except TypeError:
        return None


class SequenceAdapter(Adapter):
    """A `PyDataset`: batches by number, made ahead by as many threads as it has workers above one."""

    def __init__(self, source: Any, shuffle: Any, class_weight: Any) -> None:
        self._source, self._shuffle, self._class_weight = source, shuffle, class_weight
        self._workers, self._ahead = getattr(source, "workers", 1), getattr(source, "max_queue_size", 10)
        self.steps = source.num_batches if hasattr(source, "num_batches") else len(source)

    def epoch(self) -> Iterator[Batch]:
        """Every batch once, in random order if asked for."""
        if hasattr(self._source, "on_epoch_begin"):
            self._source.on_epoch_begin()
        numbers = itertools.count() if self.steps is None else range(self.steps)
        if self._shuffle and self.steps is not None:
            numbers = np.random.permutation(self.steps).tolist()
        make = self._source.__getitem__
        made = made_ahead(make, numbers, self._workers, self._ahead) if self._workers > 1 else map(make, numbers)
        for element in made:
            yield _batch(element, self._class_weight)
        if hasattr(self._source, "on_epoch_end"):
            self._source.on_epoch_end()


def made_ahead(make: Callable[[int], Any], numbers: Iterable[int], workers: int, ahead: int) -> Iterator[Any]:
    """`make(i)` for each number, in their order; threads make up to `ahead` of them before they are asked for."""
    with ThreadPoolExecutor(workers, thread_name_prefix="duoflow-batches") as pool:
        waiting: deque[Future[Any]] = deque()
        try:
            for i in numbers:
                waiting.append(pool.submit(make, i))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def make_adapter(
    x: Any, y: Any = None, sample_weight: Any = None, batch_size: int | None = None, shuffle: Any = False,
    class_weight: Any = None,
) -> Adapter:  # fmt: skip
    """The adapter for whatever `fit`, `evaluate` and `predict` were given."""
    if isinstance(x, Adapter):
        return x
    if x is None:
        raise ValueError("No data was given: `x` is None.")
    whole = isinstance(x, (Dataset, types.GeneratorType)) or _is_sequence(x) or _is_loader(x)
    if not whole:
        return ArrayAdapter(x, y, sample_weight, batch_size, shuffle, class_weight)
    for name, given, what in (("y", y, "targets"), ("sample_weight", sample_weight, "sample weights")):
        if given is not None:
            raise ValueError(
                f"When providing `x` as a {_kind(x)}, `{name}` should not be passed. Instead, the {what} should be "
                f"included as part of the {_kind(x)}."
            )
    if isinstance(x, Dataset):
        return DatasetAdapter(x, class_weight)
    if _is_sequence(x):
        return SequenceAdapter(x, shuffle, class_weight)
    return IterableAdapter(x, class_weight)


def _kind(x: Any) -> str:
    """What errors call data that come in batches."""
    if isinstance(x, Dataset):
        return "tf.data.Dataset"
    return "PyDataset" if _is_sequence(x) else type(x).__name__


def _is_sequence(x: Any) -> bool:
    return hasattr(x, "__getitem__") and (hasattr(x, "num_batches") or hasattr(x, "on_epoch_end"))


def _is_loader(x: Any) -> bool:
    return hasattr(x, "__iter__") and not isinstance(x, (list, tuple, dict, str)) and not is_array_like(x)


def train_validation_split(arrays: Any, validation_split: float) -> tuple[Any, Any]:
    """The first part of arrays to train on and the last part to validate on. `ValueError` if either is empty."""
    leaves = [leaf for leaf in nest.flatten(arrays) if leaf is not None]
    if not leaves or any(not is_array_like(leaf) for leaf in leaves):
        raise ValueError(
            "Argument `validation_split` is only supported for tensors or NumPy arrays. "
            f"Found the following types in the input: {[type(leaf) for leaf in leaves]}"
        )
    count = len(leaves[0])
    at = math.floor(count * (1.0 - validation_split))
    if at in (0, count):
        raise ValueError(
            f"Training data contains {count} samples, which is not sufficient to split it into a validation and "
            "training "
            f"set as specified by `validation_split={validation_split}`. Either provide more data, or a different "
            "value for "
            "the `validation_split` argument."
        )
    cut = lambda part: nest.map_structure(
        lambda a: None if a is None else (a.iloc[part] if hasattr(a, "iloc") else a[part]), arrays
    )
    return cut(slice(None, at)), cut(slice(at, None))
