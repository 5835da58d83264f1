"""Lists of tensors as values: what TensorArray and the gradients of loops are made of.

A list travels as a scalar of dtype variant. It is immutable: each op that changes one gives a new one. An element
may be unset; it then counts as zeros of the shape that whoever reads it names. The cotangent of a list is a list.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.dtypes import DType
from duoflow.core.emit import emit, emit_one
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.graph import Node
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.shapes import Dims
from duoflow.core.spec import Spec
from duoflow.core.tensor import Tensor, convert

__all__ = [
    "tensor_list_add", "tensor_list_from_tensor", "tensor_list_get", "tensor_list_length", "tensor_list_pop",
    "tensor_list_push", "tensor_list_reserve", "tensor_list_resize", "tensor_list_set", "tensor_list_stack",
    "tensor_list_zeros_like",
]  # fmt: skip


class TensorList:
    """A persistent list: the newest version owns the elements, an older one knows how it differs from the next.

    Using the newest version costs what a Python list costs. An older one that is used again gets a copy of its own, so
    that versions which went different ways do not share one.
    """

    __slots__ = ("_change", "_items")
    handle_dtype = dtypes.variant

    def __init__(self, items: list[Any]) -> None:
        self._items: list[Any] | None = items
        self._change: tuple[TensorList, str, Any] | None = None

    @property
    def items(self) -> list[Any]:
        """The elements; None where one is unset. Not to be changed."""
        if self._items is None:
            self._items, self._change = self._rebuilt(), None
        return self._items

    def _rebuilt(self) -> list[Any]:
        """The elements, from those of a newer version and the changes on the way to it."""
        changes = []
        version = self
        while version._items is None:
            assert version._change is not None
            version, *change = version._change
            changes.append(change)
        items = list(version._items)
        for kind, detail in reversed(changes):
            if kind == "pop":
                items.pop()
            elif kind == "push":
                items.append(detail)
            else:
                items[detail[0]] = detail[1]
        return items

    def _made(self, items: list[Any], kind: str, detail: Any) -> TensorList:
        new = TensorList(items)
        self._items, self._change = None, (new, kind, detail)
        return new

    def pushed(self, value: Any) -> TensorList:
        """With one more element at the end."""
        items = self.items
        items.append(value)
        return self._made(items, "pop", None)

    def popped(self) -> tuple[TensorList, Any]:
        """Without the last element, and that element."""
        items = self.items
        last = items.pop()
        return self._made(items, "push", last), last

    def replaced(self, index: int, value: Any) -> TensorList:
        """With another element at an index."""
        items = self.items
        before, items[index] = items[index], value
        return self._made(items, "set", (index, before))

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        return f"<TensorList of {len(self)}>"


def _zeros(element_shape: Any, dtype: DType) -> Any:
    if dtype is dtypes.variant:
        return TensorList([])
    dims = element_shape.reshape(-1).tolist()
    if element_shape.ndim == 0 or any(d < 0 for d in dims):
        raise InvalidArgumentError(
            "Trying to read an uninitialized element of a TensorArray, but its element_shape is not fully defined. "
            "Write every element before reading it, or give element_shape.",
        )  # fmt: skip
    if dtype is dtypes.string:
        return np.full(dims, b"", object)
    return np.zeros(dims, dtype.numpy)


def _checked_index(items: TensorList, index: Any) -> int:
    i = int(index)
    if not 0 <= i < len(items):
        raise InvalidArgumentError(f"Trying to access element {i} in a list with {len(items)} elements.")
    return i


# -- evaluate ----------------------------------------------------------------------------------------------------------


def _reserve(size: Any, *, dtype: DType) -> Any:
    return TensorList([None] * int(size))


def _push(items: TensorList, value: Any) -> Any:
    return items.pushed(value)


def _pop(items: TensorList, element_shape: Any, *, dtype: DType, shape: Dims) -> Any:
    if not len(items):
        raise InvalidArgumentError("Trying to pop from an empty list.")
    rest, last = items.popped()
    return rest, _zeros(element_shape, dtype) if last is None else last


def _set(items: TensorList, index: Any, value: Any, *, grow: bool = False) -> Any:
    if grow and int(index) >= len(items):
        for _ in range(len(items), int(index)):
            items = items.pushed(None)
        return items.pushed(value)
    return items.replaced(_checked_index(items, index), value)


def _get(items: TensorList, index: Any, element_shape: Any, *, dtype: DType, shape: Dims) -> Any:
    value = items.items[_checked_index(items, index)]
    return _zeros(element_shape, dtype) if value is None else value


def _stack(items: TensorList, element_shape: Any, *, dtype: DType, shape: Dims) -> Any:
    values = items.items
    known = next((v.shape for v in values if v is not None), None)
    if known is None:
        if values:
            return np.stack([_zeros(element_shape, dtype)] * len(values))
        return np.zeros(
            (0, *[max(d, 0) for d in element_shape.reshape(-1).tolist() if element_shape.ndim]), dtype.numpy
        )
    unequal = next((v.shape for v in values if v is not None and v.shape != known), None)
    if unequal is not None:
        raise InvalidArgumentError(
            f"Tried to stack elements of a TensorArray of unequal shapes: {list(known)} and {list(unequal)}.",
        )
    return np.stack([_zeros(np.asarray(known), dtype) if v is None else v for v in values])


def _from_tensor(tensor: Any) -> Any:
    return TensorList(list(tensor)) if tensor.ndim > 1 else TensorList([np.asarray(v, tensor.dtype) for v in tensor])


def _resize(items: TensorList, size: Any) -> Any:
    values, n = items.items, int(size)
    return TensorList(values[:n] + [None] * (n - len(values)))


def _zeros_like(items: TensorList) -> Any:
    return TensorList([_zero_of(v) for v in items.items])


def _zero_of(value: Any) -> Any:
    if value is None or isinstance(value, TensorList):
        return None if value is None else _zeros_like(value)
    return np.zeros(value.shape, value.dtype)


def _add(a: TensorList, b: TensorList) -> Any:
    if len(a) != len(b):
        raise InvalidArgumentError(f"Trying to add two lists of tensors with different lengths: {len(a)} and {len(b)}.")
    left = list(a.items)
    return TensorList([_sum(x, y) for x, y in zip(left, b.items, strict=True)])


def _sum(x: Any, y: Any) -> Any:
    if x is None or y is None:
        return y if x is None else x
    return _add(x, y) if isinstance(x, TensorList) else np.add(x, y)


# -- records -----------------------------------------------------------------------------------------------------------

_LIST = Spec((), dtypes.variant)


def _gives_list(*specs: Spec, **attrs: Any) -> Spec:
    return _LIST


def _gives_element(*specs: Spec, dtype: DType, shape: Dims) -> Spec:
    return Spec(shape, dtype)


def _element_shape(tensor: Tensor) -> Any:
    return _as_shape(tensor.dims) if tensor.spec.known else F.shape(tensor)


def _as_shape(dims: Dims) -> Any:
    """Static dims as the run-time shape argument of these ops: -1 for what is unknown."""
    return convert(np.asarray(-1 if dims is None else [-1 if d is None else d for d in dims], np.int32))


def _spec_attrs(tensor: Tensor) -> dict[str, Any]:
    return {"dtype": tensor.dtype, "shape": tensor.dims}


def _read_back(grad: Any, index: Any, value: Tensor) -> Any:
    return emit_one(GET, (grad, index, _element_shape(value)), _spec_attrs(value))


def _zero_value(value: Tensor) -> Any:
    return tensor_list_zeros_like(value) if value.dtype is dtypes.variant else F.zeros_like(value)


def _push_rule(node: Node, grad: Any) -> Any:
    if grad is None:
        return None, None
    value = node.inputs[1]
    return emit(POP, (grad, _element_shape(value)), _spec_attrs(value))


def _pop_rule(node: Node, rest: Any, last: Any) -> Any:
    rest = tensor_list_zeros_like(node.outputs[0]) if rest is None else rest
    return tensor_list_push(rest, _zero_value(node.outputs[1]) if last is None else last), None


def _set_rule(node: Node, grad: Any) -> Any:
    items, index, value = node.inputs
    without = emit_one(SET, (grad, index, _zero_value(value)))
    if node.attrs.get("grow"):
        without = tensor_list_resize(without, tensor_list_length(items))
    return without, None, _read_back(grad, index, value)


def _get_rule(node: Node, grad: Any) -> Any:
    items, index, _ = node.inputs
    return tensor_list_set(tensor_list_reserve(tensor_list_length(items), grad.dtype), index, grad), None, None


def _stack_rule(node: Node, grad: Any) -> Any:
    return tensor_list_from_tensor(grad), None


def _from_tensor_rule(node: Node, grad: Any) -> Any:
    value = node.inputs[0]
    if value.spec.known:
        return tensor_list_stack(grad, value.dtype, value.dims[1:])  # type: ignore[index]
    element = F.shape(value)[1:]
    return emit_one(STACK, (grad, element), {"dtype": value.dtype, "shape": value.dims})


def _resize_rule(node: Node, grad: Any) -> Any:
    return tensor_list_resize(grad, tensor_list_length(node.inputs[0])), None


def _define(name: str, infer: Any, evaluate: Any, gradient: Any = None, outputs: int = 1) -> Op:
    return register(
        Op(
            name,
            Kind.HOST,
            infer,
            evaluate,
            gradient,
            checked=False,
            num_outputs=outputs,
            differentiable=gradient is not None,
        )  # fmt: skip
    )


RESERVE = _define("TensorListReserve", _gives_list, _reserve)
PUSH = _define("TensorListPushBack", _gives_list, _push, _push_rule)
POP = _define("TensorListPopBack", lambda *s, **a: (_LIST, _gives_element(*s, **a)), _pop, _pop_rule, 2)
SET = _define("TensorListSetItem", _gives_list, _set, _set_rule)
GET = _define("TensorListGetItem", _gives_element, _get, _get_rule)
STACK = _define("TensorListStack", _gives_element, _stack, _stack_rule)
FROM_TENSOR = _define("TensorListFromTensor", _gives_list, _from_tensor, _from_tensor_rule)
LENGTH = _define(
    "TensorListLength", lambda items: Spec((), dtypes.int32), lambda items: np.asarray(len(items), np.int32)
)
RESIZE = _define("TensorListResize", _gives_list, _resize, _resize_rule)
ZEROS_LIKE = _define("TensorListZerosLike", _gives_list, _zeros_like, lambda n, g: None)
ADD = _define("TensorListAdd", _gives_list, _add, lambda n, g: (g, g))


# -- functions ---------------------------------------------------------------------------------------------------------


def tensor_list_reserve(size: Any, dtype: DType) -> Any:
    """A list of `size` unset elements."""
    return emit_one(RESERVE, (convert(size, dtypes.int32),), {"dtype": dtype})


def tensor_list_push(items: Any, value: Any) -> Any:
    """The list with one more element."""
    return emit_one(PUSH, (items, value))


def tensor_list_pop(items: Any, dtype: DType, dims: Dims) -> tuple[Any, Any]:
    """The list without its last element, and that element."""
    rest, last = emit(POP, (items, _as_shape(dims)), {"dtype": dtype, "shape": dims})
    return rest, last


def tensor_list_set(items: Any, index: Any, value: Any, grow: bool = False) -> Any:
    """The list with another element at `index`, made longer if `grow` and it ends before that."""
    return emit_one(SET, (items, convert(index), value), {"grow": True} if grow else {})


def tensor_list_get(items: Any, index: Any, dtype: DType, dims: Dims) -> Any:
    """The element at `index`."""
    return emit_one(GET, (items, convert(index), _as_shape(dims)), {"dtype": dtype, "shape": dims})


def tensor_list_stack(items: Any, dtype: DType, dims: Dims, size: int | None = None) -> Any:
    """The elements along a new first axis."""
    shape = None if dims is None else (size, *dims)
    return emit_one(STACK, (items, _as_shape(dims)), {"dtype": dtype, "shape": shape})


def tensor_list_from_tensor(tensor: Any) -> Any:
    """The slices of a tensor along its first axis, as a list."""
    return emit_one(FROM_TENSOR, (convert(tensor),))


def tensor_list_length(items: Any) -> Any:
    """The number of elements, int32."""
    return emit_one(LENGTH, (items,))


def tensor_list_resize(items: Any, size: Any) -> Any:
    """The list cut or filled up with unset elements."""
    return emit_one(RESIZE, (items, convert(size, dtypes.int32)))


def tensor_list_zeros_like(items: Any) -> Any:
    """A list of zeros in the shapes of the elements."""
    return emit_one(ZEROS_LIKE, (items,))


def tensor_list_add(a: Any, b: Any) -> Any:
    """Elementwise sum of two lists; unset elements count as zero."""
    return emit_one(ADD, (a, b))


def merge_element_shape(known: Dims, seen: Iterable[int | None] | None) -> Dims:
    """The element shape of a list, knowing one more element; `ValueError` if they contradict each other."""
    dims = None if seen is None else tuple(seen)
    if not shapes.compatible(known, dims):
        raise ValueError(f"Incompatible shape for value ({shapes.show(dims)}), expected ({shapes.show(known)})")
    return shapes.merge(known, dims)
