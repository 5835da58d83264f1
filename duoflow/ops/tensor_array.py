"""`tf.TensorArray`: a list of tensors that loops write and read, eager and in graphs."""

from __future__ import annotations

from typing import Any

from duoflow.core import dtypes, shapes
from duoflow.core.composite import Composite
from duoflow.core.context import context
from duoflow.core.dtypes import DType
from duoflow.core.errors import InvalidArgumentError, OutOfRangeError
from duoflow.core.graph import Graph
from duoflow.core.late import F
from duoflow.core.shapes import Dims, TensorShape
from duoflow.core.tensor import HandleTensor, convert, static_value

from .tensor_list import (
    merge_element_shape,
    tensor_list_from_tensor,
    tensor_list_get,
    tensor_list_length,
    tensor_list_reserve,
    tensor_list_set,
    tensor_list_stack,
)

__all__ = ["TensorArray"]


class _Facts:
    """What all versions of one array share: the element shape, as it becomes known."""

    __slots__ = ("dims",)

    def __init__(self, dims: Dims) -> None:
        self.dims = dims


class TensorArray(Composite):
    """A list of tensors of one dtype, written and read by index.

    Writing gives the array to go on with: `ta = ta.write(i, x)`.

    Args:
      dtype: the element type.
      size: the number of elements, an int32 scalar.
      dynamic_size: whether writing past the end makes the array longer.
      clear_after_read: eager only: whether an element may be read once (the default) or again and again.
      element_shape: the static shape of the elements, if it is known.
      infer_shape: whether all elements must have one shape.
      tensor_array_name, colocate_with_first_write_call: accepted; they name and place buffers that do not exist here.

    >>> ta = tf.TensorArray(tf.float32, size=2)
    >>> ta = ta.write(0, 1.0).write(1, 2.0)
    >>> ta.stack()
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([1., 2.], dtype=float32)>

    TensorFlow: tf.TensorArray.
    """

    __slots__ = ("_dtype", "_flow", "_dynamic", "_infer", "_facts", "_read", "_clear", "_size", "__weakref__")

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Any = None,
        flow: Any = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ) -> None:
        if size is not None and (handle is not None or flow is not None):
            raise ValueError("Cannot provide both `size` and `handle` or `flow`.")
        if size is None and flow is None:
            raise ValueError("Size must be declared for TensorArrays when eager execution is enabled.")
        self._dtype: DType = dtypes.as_dtype(dtype)
        self._dynamic = bool(dynamic_size)
        self._infer = bool(infer_shape)
        self._facts = _Facts(None if element_shape is None else shapes.as_dims(element_shape))
        self._clear = clear_after_read is None or bool(clear_after_read)
        self._read: set[int] = set()
        self._size = None if size is None else static_value(size)
        self._flow = tensor_list_reserve(size, self._dtype) if flow is None else flow

    # -- facts -------------------------------------------------------------------------------------------------------

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self._dtype

    @property
    def element_shape(self) -> TensorShape:
        """The static shape of the elements."""
        return TensorShape(self._facts.dims)

    @property
    def dynamic_size(self) -> bool:
        """Whether writing past the end makes the array longer."""
        return self._dynamic

    @property
    def flow(self) -> Any:
        """The list itself, a variant tensor."""
        return self._flow

    @property
    def handle(self) -> Any:
        """The list itself in graphs, None in eager mode."""
        return None if context.graph is None else self._flow

    def _components(self) -> tuple[Any, ...]:
        return (self._flow,)

    def _with_components(self, tensors: tuple[Any, ...]) -> TensorArray:
        (flow,) = tensors
        new = object.__new__(TensorArray)
        new._dtype, new._dynamic, new._infer, new._clear = self._dtype, self._dynamic, self._infer, self._clear
        new._facts, new._read, new._size, new._flow = self._facts, set(), self._size, flow
        return new

    def _changed(self, flow: Any) -> TensorArray:
        """The array to go on with; in eager mode the array itself, as in TensorFlow."""
        if isinstance(self._flow, HandleTensor) and isinstance(flow, HandleTensor):
            self._flow = flow
            return self
        return self._with_components((flow,))

    def _see(self, dims: Dims) -> None:
        if self._infer or self._facts.dims is not None:
            self._facts.dims = merge_element_shape(self._facts.dims, dims)

    def _known(self) -> Dims:
        return self._facts.dims

    # -- elements ----------------------------------------------------------------------------------------------------

    def read(self, index: Any, name: str | None = None) -> Any:
        """The element at `index`, an int32 scalar."""
        eager = self._eager_list()
        if eager is not None and (at := static_value(index)) is not None:
            self._check_read(int(at), len(eager))
            self._check_written(int(at))
        return tensor_list_get(self._flow, index, self._dtype, self._known())

    def _check_read(self, index: int, size: int) -> None:
        if index < 0 or index >= size:
            raise OutOfRangeError(f"Tried to read from index {index} but array size is: {size} ").here()
        if self._clear:
            if index in self._read:
                raise InvalidArgumentError(
                    f"Could not read index {index} twice because it was cleared after a previous read (perhaps try "
                    "setting clear_after_read = false?)"
                ).here()
            self._read.add(index)

    def _check_written(self, *indices: int) -> None:
        """Refuse, in eager mode, elements (all of them by default) that cannot be told because none was written."""
        eager = self._eager_list()
        if eager is None or (dims := self._known()) is not None and None not in dims:
            return
        for i in indices or range(len(eager)):
            if eager.items[i] is None:
                raise ValueError(
                    f"Tried to read element {i} of a TensorArray of unknown element shape, which was not written. "
                    "Write every element before reading it, or give element_shape."
                )

    def _eager_list(self) -> Any:
        return self._flow._array if isinstance(self._flow, HandleTensor) and context.graph is None else None

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with `value` at `index`.

        Raises `ValueError` for an element of another dtype or shape, `OutOfRangeError` past the end of an array
        whose size is fixed.
        """
        value, index = self._element(value), convert(index)
        eager = self._eager_list()
        if eager is not None:
            at = int(static_value(index))  # type: ignore[arg-type]
            if at < 0 or at >= len(eager) and not self._dynamic:
                raise OutOfRangeError(
                    f"Tried to write to index {at} but array is not resizeable and size is: {len(eager)} "
                ).here()
            self._read.discard(at)
        self._see(value.dims)
        return self._changed(tensor_list_set(self._flow, index, value, self._dynamic))

    def _element(self, value: Any) -> Any:
        tensor = convert(value, dtype_hint=self._dtype)
        if tensor.dtype is not self._dtype:
            raise InvalidArgumentError(
                f"TensorArray dtype is {self._dtype.name} but Op is trying to write dtype {tensor.dtype.name} "
            ).here()
        return tensor

    def stack(self, name: str | None = None) -> Any:
        """All elements along a new first axis."""
        self._check_written()
        size = int(self._size) if self._size is not None and not self._dynamic else None
        return tensor_list_stack(self._flow, self._dtype, self._known(), size)

    def gather(self, indices: Any, name: str | None = None) -> Any:
        """The elements at `indices`, an int32 vector, along a new first axis."""
        return F.gather(self.stack(), indices)

    def concat(self, name: str | None = None) -> Any:
        """All elements joined along their first axis, whose lengths may differ."""
        self._check_written()
        eager = self._eager_list()
        if eager is not None:
            return F.concat([tensor_list_get(self._flow, i, self._dtype, self._known()) for i in range(len(eager))], 0)
        if not self._known() or self._known()[0] is None:  # type: ignore[index]
            return _concat_unequal(self)
        stacked = self.stack()
        return F.reshape(stacked, F.concat([[-1], F.shape(stacked)[2:]], 0))

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """The array that holds the slices of `value` along its first axis."""
        value = self._element(value)
        if value.dims is not None:
            self._see(value.dims[1:])
            if self._size is not None and not self._dynamic and value.dims[0] not in (None, int(self._size)):
                raise ValueError(
                    f"Cannot unstack {value.dims[0]} tensors into a TensorArray of static size {int(self._size)} "
                )
        return self._changed(tensor_list_from_tensor(value))

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with `value[i]` written at `indices[i]`."""
        value, indices = self._element(value), convert(indices, dtypes.int32)
        if value.dims is not None:
            self._see(value.dims[1:])
        count = static_value(F.shape(indices))
        if count is None:
            raise ValueError("TensorArray.scatter needs a static number of indices.")
        out = self
        for i in range(int(count[0])):
            out = out.write(indices[i], value[i])
        return out

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """The array whose elements are pieces of `value` of `lengths` along its first axis."""
        sizes = static_value(lengths)
        if sizes is None:
            raise ValueError("TensorArray.split needs lengths that are known while the graph is built.")
        out, infer = self, self._infer
        pieces = F.split(self._element(value), [int(n) for n in sizes])
        if len({int(n) for n in sizes}) > 1:
            out._infer = False
        for i, piece in enumerate(pieces):
            out = out.write(i, piece)
        out._infer = infer
        return out

    def size(self, name: str | None = None) -> Any:
        """The number of elements, int32."""
        return tensor_list_length(self._flow)

    def identity(self) -> TensorArray:
        """The array itself, after everything it depends on."""
        return self._with_components((self._flow,))

    def grad(self, source: Any, flow: Any = None, name: str | None = None) -> Any:
        """Not there in TensorFlow 2 either: use tf.GradientTape or tf.gradients."""
        raise NotImplementedError("TensorArray.grad is not supported in TF2-style graphs; use tf.GradientTape.")

    def close(self, name: str | None = None) -> Any:
        """Nothing to do: an array is freed when nothing refers to it."""
        return F.no_op(name=name) if isinstance(context.graph, Graph) else None

    def __repr__(self) -> str:
        return f"<TensorArray dtype={self._dtype.name} element_shape={self.element_shape}>"


def _concat_unequal(array: TensorArray) -> Any:
    """The elements joined one after the other, in a loop."""
    dims = array._known()
    rest = (None, *dims[1:]) if dims else None
    first = array.read(0)

    def step(i: Any, joined: Any) -> tuple[Any, Any]:
        return i + 1, F.concat([joined, array.read(i)], 0)

    start = (F.constant(1), first)
    _, joined = F.while_loop(
        lambda i, _: i < array.size(), step, start, shape_invariants=(TensorShape([]), TensorShape(rest))
    )
    return joined
