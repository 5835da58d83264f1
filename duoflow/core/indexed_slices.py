"""`IndexedSlices`: some rows of a larger tensor, as the gradient of a lookup."""

from __future__ import annotations

from typing import Any

from .composite import Composite
from .late import F
from .tensor import Tensor, convert, register_conversion

__all__ = ["IndexedSlices"]


class IndexedSlices(Composite):
    """Rows `values[i]` of a tensor of shape `dense_shape` at `indices[i]`; rows named twice add up.

    TensorFlow: tf.IndexedSlices.
    """

    __slots__ = ("_dense_shape", "_indices", "_values")

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None) -> None:
        self._values = convert(values)
        self._indices = convert(indices)
        self._dense_shape = None if dense_shape is None else convert(dense_shape)

    @property
    def values(self) -> Tensor:
        """The rows, [n, ...]."""
        return self._values

    @property
    def indices(self) -> Tensor:
        """Which row each is, int [n]."""
        return self._indices

    @property
    def dense_shape(self) -> Tensor | None:
        """The shape of the whole tensor, or None."""
        return self._dense_shape

    @property
    def dtype(self) -> Any:
        """The element type."""
        return self._values.dtype

    @property
    def shape(self) -> Any:
        """The static shape of the whole tensor, as far as it is known."""
        from_shape = None if self._dense_shape is None else self._dense_shape.spec.dims()
        rows = self._values.shape
        return from_shape if from_shape is not None else type(rows)([None]).concatenate(rows[1:])

    def _components(self) -> tuple[Any, ...]:
        return tuple([t for t in (self._values, self._indices, self._dense_shape) if t is not None])

    def _with_components(self, tensors: tuple[Any, ...]) -> IndexedSlices:
        return IndexedSlices(*tensors)

    def map_values(self, function: Any) -> IndexedSlices:
        """The same rows with a function applied to their values."""
        return IndexedSlices(function(self._values), self._indices, self._dense_shape)

    def __neg__(self) -> IndexedSlices:
        return self.map_values(lambda v: -v)

    def __repr__(self) -> str:
        shape = "" if self._dense_shape is None else f", dense_shape={self._dense_shape!s}"
        return f"IndexedSlices(indices={self._indices!s}, values={self._values!s}{shape})"


def _to_tensor(value: IndexedSlices, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Any:
    if value.dense_shape is None:
        raise ValueError("Tensor conversion requested for IndexedSlices for a tensor without dense_shape.")
    dense_shape = value.dense_shape
    rows = F.unsorted_segment_sum(value.values, value.indices, dense_shape[0])
    return F.reshape(rows, dense_shape)


register_conversion(IndexedSlices, _to_tensor)
