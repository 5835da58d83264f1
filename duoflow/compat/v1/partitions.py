"""Variables in parts: how a shape is cut, the parts as one, and what checkpoints know of a part.

TensorFlow: tf.compat.v1.get_variable with a partitioner.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from duoflow.core import dtypes, shapes
from duoflow.core.dtypes import as_dtype
from duoflow.core.late import F
from duoflow.core.shapes import TensorShape
from duoflow.core.tensor import register_conversion

__all__ = [
    "PartitionInfo", "PartitionedVariable", "SaveSliceInfo", "cuts", "fixed_size_partitioner",
    "min_max_variable_partitioner", "partitions_of", "parts_of", "slice_info", "variable_axis_size_partitioner",
]  # fmt: skip

Partitioner = Callable[..., Sequence[int]]


class SaveSliceInfo(NamedTuple):
    """Which part of a whole a variable is: the whole's name and shape, where the part starts and its shape.

    TensorFlow: tf.Variable.SaveSliceInfo.
    """

    full_name: str | None = None
    full_shape: Any = None
    var_offset: Any = None
    var_shape: Any = None

    @property
    def index(self) -> tuple[slice, ...]:
        """The part as an index of the whole."""
        return tuple(slice(o, o + n) for o, n in zip(self.var_offset, self.var_shape, strict=True))


class PartitionInfo(NamedTuple):
    """What an initializer that asks for `partition_info` is told: the whole's shape, and where the part starts."""

    full_shape: list[int]
    var_offset: list[int]


def slice_info(variable: Any) -> SaveSliceInfo | None:
    """Which part of a whole a variable is, or None."""
    return getattr(variable, "_save_slice_info", None)


class PartitionedVariable:
    """Variables that are parts of one along a dimension. As a tensor, they are put together.

    TensorFlow: tf.compat.v1.PartitionedVariable, which `get_variable` gives for a partitioner.
    """

    def __init__(
        self, name: str, shape: Any, dtype: Any, variable_list: Sequence[Any], partitions: Sequence[int]
    ) -> None:
        self._name, self._shape, self._dtype = name, TensorShape(shape), as_dtype(dtype)
        self._parts, self._partitions = list(variable_list), list(partitions)
        cut = [axis for axis, count in enumerate(partitions) if count > 1]
        self._axis = cut[0] if cut else 0

    name = property(lambda self: self._name, doc="The name of the whole.")
    dtype = property(lambda self: self._dtype, doc="The dtype.")
    shape = property(lambda self: self._shape, doc="The shape of the whole.")

    def get_shape(self) -> TensorShape:
        """The shape of the whole."""
        return self._shape

    def _get_variable_list(self) -> list[Any]:
        return list(self._parts)

    def _get_partitions(self) -> list[int]:
        return list(self._partitions)

    def __len__(self) -> int:
        return len(self._parts)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._parts)

    def as_tensor(self) -> Any:
        """The parts put together."""
        if len(self._parts) == 1:
            return F.identity(self._parts[0], name=self._name)
        with F.name_scope(f"{self._name}/ConcatPartitions/"):
            joined = F.concat([v.read_value() for v in self._parts], self._axis)
        with F.name_scope(None):
            return F.identity(joined, name=self._name)

    def _assigned(self, method: str, value: Any, name: str | None) -> list[Any]:
        out = []
        for variable in self._parts:
            info = slice_info(variable)
            assert info is not None
            piece = F.slice(F.convert_to_tensor(value, self._dtype), info.var_offset, info.var_shape)
            out.append(getattr(variable, method)(piece, name=name))
        return out

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Give each part its piece of a value: a list of the assignments."""
        return self._assigned("assign", value, name)

    def assign_add(
        self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Add to each part its piece of a value."""
        return self._assigned("assign_add", value, name)

    def assign_sub(
        self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtract from each part its piece of a value."""
        return self._assigned("assign_sub", value, name)


def _as_tensor(value: PartitionedVariable, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Any:
    return value.as_tensor()


register_conversion(PartitionedVariable, _as_tensor)


def parts_of(variables: Any) -> list[Any]:
    """Variables, with the parts of partitioned ones in their places."""
    found = variables if isinstance(variables, (list, tuple)) else [variables]
    return [part for v in found for part in (v if isinstance(v, PartitionedVariable) else [v])]


# -- cutting -----------------------------------------------------------------------------------------------------------


def partitions_of(partitioner: Partitioner, dims: Any, dtype: Any) -> list[int]:
    """How many parts there are along each dimension; `ValueError` for what cannot be cut so."""
    if dims is None or None in dims:
        raise ValueError(
            f"Shape of a new partitioned variable must be fully defined, but instead was {shapes.show(dims)}."
        )
    counts = partitioner(shape=TensorShape(dims), dtype=dtype)
    if not isinstance(counts, (list, tuple)):
        raise ValueError(f"Partitioner must return a sequence, but saw: {counts}")
    counts = [int(count) for count in counts]
    if len(counts) != len(dims):
        raise ValueError(
            f"Partitioner returned a partition list that does not match the Variable's rank: {counts} vs. {dims}"
        )
    if any(count < 1 for count in counts):
        raise ValueError(f"Partitioner returned zero partitions for some axes: {counts}")
    if sum(count > 1 for count in counts) > 1:
        raise ValueError(f"Can only slice a variable along one dimension: shape: {dims}, partitioning: {counts}")
    return counts


def cuts(dims: Sequence[int], counts: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """(start, shape) of each part; the first ones are longer by one where the parts are not equal."""
    axis = next((axis for axis, count in enumerate(counts) if count > 1), 0)
    size, longer = divmod(dims[axis], counts[axis])
    out, start = [], 0
    for number in range(counts[axis]):
        length = size + (number < longer)
        offset = [start if i == axis else 0 for i in range(len(dims))]
        out.append((offset, [length if i == axis else d for i, d in enumerate(dims)]))
        start += length
    return out


def fixed_size_partitioner(num_shards: int, axis: int = 0) -> Partitioner:
    """Cut a dimension into so many parts. TensorFlow: tf.compat.v1.fixed_size_partitioner."""

    def partition(shape: Any, **_: Any) -> list[int]:
        return [min(num_shards, shape[axis]) if i == axis else 1 for i in range(len(shape))]

    return partition


def _element_size(dtype: Any, of_string: int) -> int:
    kind = as_dtype(dtype)
    return of_string if kind is dtypes.string else kind.size


def variable_axis_size_partitioner(
    max_shard_bytes: int, axis: int = 0, bytes_per_string_element: int = 16, max_shards: int | None = None
) -> Partitioner:
    """Cut a dimension so that parts have at most so many bytes.

    Raises `ValueError` for limits that are not positive.

    TensorFlow: tf.compat.v1.variable_axis_size_partitioner.
    """
    if max_shard_bytes < 1 or bytes_per_string_element < 1:
        raise ValueError(
            "Both max_shard_bytes and bytes_per_string_element must be positive. Currently, max_shard_bytes is "
            f"{max_shard_bytes} and bytes_per_string_element is {bytes_per_string_element}"
        )
    if max_shards is not None and max_shards < 1:
        raise ValueError(f"max_shards must be positive. Currently it is {max_shards}")

    def partition(shape: Any, dtype: Any = dtypes.float32) -> list[int]:
        dims = list(shape)
        row = math.prod(dims) // dims[axis] * _element_size(dtype, bytes_per_string_element)
        rows = max(max_shard_bytes // row, 1) if row else dims[axis]
        count = min(math.ceil(dims[axis] / rows), *([max_shards] if max_shards else []), dims[axis])
        return [count if i == axis else 1 for i in range(len(dims))]

    return partition


def min_max_variable_partitioner(
    max_partitions: int = 1, axis: int = 0, min_slice_size: int = 256 << 10, bytes_per_string_element: int = 16
) -> Partitioner:
    """Cut a dimension into as many parts as have at least so many bytes, but no more than `max_partitions`.

    TensorFlow: tf.compat.v1.min_max_variable_partitioner.
    """

    def partition(shape: Any, dtype: Any = dtypes.float32) -> list[int]:
        dims = list(shape)
        total = math.prod(dims) * _element_size(dtype, bytes_per_string_element)
        count = max(1, min(dims[axis], max_partitions, math.ceil(total / min_slice_size)))
        return [count if i == axis else 1 for i in range(len(dims))]

    return partition
