"""Tensors: values (`EagerTensor`) and promises of values (`GraphTensor`), with Python's operators on both.

The operators go through `F`, the late-bound public functions, so they obey the same rules as `tf.add` and its like.
"""

from __future__ import annotations

import bisect
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from . import dtypes, shapes
from .arrays import as_array
from .context import context
from .dtypes import DType
from .errors import OperatorNotAllowedInGraphError, caller_frame, show_origin
from .late import F
from .notebook import array_html
from .shapes import Dims, TensorShape
from .spec import Spec

if TYPE_CHECKING:
    from .graph import Graph, Node

__all__ = ["EagerTensor", "GraphTensor", "Reference", "Tensor"]

_CPU = "/job:localhost/replica:0/task:0/device:CPU:0"


class Reference:
    """A hashable stand-in for a tensor or variable, equal only to references to the same object.

    TensorFlow: the result of `tensor.ref()`.
    """

    __slots__ = ("_target",)

    def __init__(self, target: Any) -> None:
        self._target = target

    def deref(self) -> Any:
        """The object referred to."""
        return self._target

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and other._target is self._target

    def __hash__(self) -> int:
        return id(self._target)

    def __repr__(self) -> str:
        return f"<Reference wrapping {self._target!r}>"


class Operators:
    """Python's operators over `F`, shared by tensors and variables."""

    __slots__ = ()
    __array_priority__ = 100

    def __add__(self, other: Any) -> Any:
        return F.add(self, other, name="add")

    def __radd__(self, other: Any) -> Any:
        return F.binary_reversed(F.add, other, self, "add")

    def __sub__(self, other: Any) -> Any:
        return F.subtract(self, other, name="sub")

    def __rsub__(self, other: Any) -> Any:
        return F.binary_reversed(F.subtract, other, self, "sub")

    def __mul__(self, other: Any) -> Any:
        return F.multiply(self, other, name="mul")

    def __rmul__(self, other: Any) -> Any:
        return F.binary_reversed(F.multiply, other, self, "mul")

    def __truediv__(self, other: Any) -> Any:
        return F.truediv(self, other, name="truediv")

    def __rtruediv__(self, other: Any) -> Any:
        return F.binary_reversed(F.truediv, other, self, "truediv")

    def __floordiv__(self, other: Any) -> Any:
        return F.floordiv(self, other, name="floordiv")

    def __rfloordiv__(self, other: Any) -> Any:
        return F.binary_reversed(F.floordiv, other, self, "floordiv")

    def __mod__(self, other: Any) -> Any:
        return F.floormod(self, other, name="mod")

    def __rmod__(self, other: Any) -> Any:
        return F.binary_reversed(F.floormod, other, self, "mod")

    def __pow__(self, other: Any) -> Any:
        return F.pow(self, other, name="pow")

    def __rpow__(self, other: Any) -> Any:
        return F.binary_reversed(F.pow, other, self, "pow")

    def __matmul__(self, other: Any) -> Any:
        return F.matmul(self, other, name="matmul")

    def __rmatmul__(self, other: Any) -> Any:
        return F.binary_reversed(F.matmul, other, self, "matmul")

    def __neg__(self) -> Any:
        return F.negative(self)

    def __abs__(self) -> Any:
        return F.abs(self)

    def __pos__(self) -> Any:
        return self

    def __invert__(self) -> Any:
        return F.invert_operator(self)

    def __and__(self, other: Any) -> Any:
        return F.and_operator(self, other, name="and")

    def __rand__(self, other: Any) -> Any:
        return F.binary_reversed(F.and_operator, other, self, "and")

    def __or__(self, other: Any) -> Any:
        return F.or_operator(self, other, name="or")

    def __ror__(self, other: Any) -> Any:
        return F.binary_reversed(F.or_operator, other, self, "or")

    def __xor__(self, other: Any) -> Any:
        return F.xor_operator(self, other, name="xor")

    def __rxor__(self, other: Any) -> Any:
        return F.binary_reversed(F.xor_operator, other, self, "xor")

    def __lt__(self, other: Any) -> Any:
        return F.less(self, other)

    def __le__(self, other: Any) -> Any:
        return F.less_equal(self, other)

    def __gt__(self, other: Any) -> Any:
        return F.greater(self, other)

    def __ge__(self, other: Any) -> Any:
        return F.greater_equal(self, other)

    def __eq__(self, other: object) -> Any:
        return F.equal_operator(self, other)

    def __ne__(self, other: object) -> Any:
        return F.not_equal_operator(self, other)

    def __getitem__(self, key: Any) -> Any:
        return F.getitem(self, key)

    def ref(self) -> Reference:
        """A hashable reference, for dictionaries and sets."""
        return Reference(self)


class Tensor(Operators):
    """A multi-dimensional array of elements of one type: a value, or an output of a graph node.

    >>> x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    >>> x.shape, x.dtype
    (TensorShape([2, 2]), tf.float32)
    >>> (x + 1)[0]
    <tf.Tensor: shape=(2,), dtype=float32, numpy=array([2., 3.], dtype=float32)>

    TensorFlow: tf.Tensor.
    """

    __slots__ = ()

    @property
    def spec(self) -> Spec:
        """What inference knows of the tensor."""
        raise NotImplementedError

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self.spec.dtype

    @property
    def shape(self) -> TensorShape:
        """The static shape."""
        return TensorShape(self.spec.shape)

    @property
    def dims(self) -> Dims:
        """The static shape as a plain tuple."""
        return self.spec.shape

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        rank = self.spec.rank
        if rank is None:
            raise ValueError(f"The rank of {self!r} is not known statically.")
        return rank

    def get_shape(self) -> TensorShape:
        """The static shape."""
        return self.shape

    @property
    def T(self) -> Any:
        """The transpose."""
        return F.transpose(self)


class EagerTensor(Tensor):
    """A tensor that has its value: a NumPy array, or for resources and variants any Python object."""

    __slots__ = ("__weakref__", "_array", "_keras_logits", "_keras_mask", "assign")

    def __init__(self, array: Any) -> None:
        self._array = array

    @property
    def spec(self) -> Spec:
        array = self._array
        return Spec(array.shape, dtypes.from_numpy(array.dtype), array)

    @property
    def dtype(self) -> DType:
        return dtypes.from_numpy(self._array.dtype)

    @property
    def shape(self) -> TensorShape:
        return TensorShape(self._array.shape)

    @property
    def dims(self) -> Dims:
        return self._array.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return self._array.ndim  # type: ignore[no-any-return]

    def numpy(self) -> Any:
        """The value as a NumPy array of the caller's own (a scalar for rank 0, `bytes` for a string scalar).

        That of a large tensor that nobody else holds, as in `f(x).numpy()`, is handed over; others are copied.
        `np.asarray` gives a view that cannot be written to, without a copy.
        """
        if self._array.ndim == 0:
            return self._array[()]
        if self._array.size >= _LARGE and self._holders() == _UNHELD and self._array.base is None:
            return self._array
        return self._array.copy()

    def _holders(self) -> tuple[int, int]:
        """How many hold the tensor and its array, in a method that it was asked for."""
        array = self._array
        return sys.getrefcount(self), sys.getrefcount(array)

    def _holders_of_any(self) -> tuple[int, int]:
        return self._holders()

    @property
    def device(self) -> str:
        """The device that holds the value."""
        return _CPU

    backing_device = device

    def cpu(self) -> EagerTensor:
        """The tensor itself: it is on the CPU."""
        return self

    @property
    def graph(self) -> Graph:
        raise AttributeError("Tensor.graph is undefined when eager execution is enabled.")

    @property
    def op(self) -> Node:
        raise AttributeError("Tensor.op is undefined when eager execution is enabled.")

    @property
    def name(self) -> str:
        raise AttributeError("Tensor.name is undefined when eager execution is enabled.")

    def set_shape(self, shape: Any) -> None:
        """Assert that the shape is compatible with `shape`."""
        if not shapes.compatible(self.dims, shapes.as_dims(shape)):
            raise ValueError(f"Tensor's shape {shapes.show(self.dims)} is not compatible with supplied shape {shape}")

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """The value, as a session would return it."""
        return self.numpy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = self._array
        if dtype is not None and np.dtype(dtype) != array.dtype:
            return array.astype(dtype)  # type: ignore[no-any-return]
        if copy:
            return array.copy()  # type: ignore[no-any-return]
        view: np.ndarray[Any, Any] = array.view()
        view.flags.writeable = False
        return view

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self._array.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> Any:
        return self._array.__dlpack_device__()

    def __bool__(self) -> bool:
        return bool(self._array)

    def __int__(self) -> int:
        return int(self._array)

    def __float__(self) -> float:
        return float(self._array)

    def __complex__(self) -> complex:
        return complex(self._array)

    def __index__(self) -> int:
        return self._array.__index__()  # type: ignore[no-any-return]

    def __len__(self) -> int:
        if not self._array.ndim:
            raise TypeError("Scalar tensor has no `len()`")
        return len(self._array)

    def __iter__(self) -> Iterator[Any]:
        if not self._array.ndim:
            raise TypeError("Cannot iterate over a scalar tensor.")
        return (self[i] for i in range(len(self._array)))

    def __contains__(self, item: Any) -> bool:
        return bool(np.any(self._array == np.asarray(item)))

    def __hash__(self) -> int:
        raise TypeError("Tensor is unhashable. Instead, use tensor.ref() as the key.")

    def __format__(self, spec: str) -> str:
        return format(self.numpy(), spec)

    def __round__(self, ndigits: int | None = None) -> Any:
        return F.round(self)

    def __copy__(self) -> EagerTensor:
        return self

    def __deepcopy__(self, memo: Any) -> EagerTensor:
        return EagerTensor(self._array.copy())

    def __reduce__(self) -> tuple[Any, ...]:
        return EagerTensor, (self._array,)

    def __str__(self) -> str:
        return f"tf.Tensor({_array_text(self._array, False)}, shape={self.shape}, dtype={self.dtype.name})"

    def __repr__(self) -> str:
        value = _array_text(self._array, True)
        return f"<tf.Tensor: shape={self.shape}, dtype={self.dtype.name}, numpy={value}>"

    def _repr_html_(self) -> str | None:
        return array_html(f"tf.Tensor shape={self.shape} dtype={self.dtype.name}", self._array)


def _array_text(array: Any, as_repr: bool) -> str:
    if array.ndim == 0:
        item = array.item() if as_repr else array[()]
        return repr(item) if as_repr or isinstance(item, bytes) else str(item)
    text = repr(array) if as_repr else str(array)
    return "\n" + text if "\n" in text else text


class HandleTensor(EagerTensor):
    """A scalar of dtype resource or variant: `_array` is the Python object itself."""

    __slots__ = ("_dtype", "_element_shape")

    def __init__(self, value: Any, dtype: DType = dtypes.resource) -> None:
        self._array = value
        self._dtype = dtype

    @property
    def spec(self) -> Spec:
        return Spec((), self._dtype)

    @property
    def dtype(self) -> DType:
        return self._dtype

    @property
    def shape(self) -> TensorShape:
        return TensorShape(())

    @property
    def dims(self) -> Dims:
        return ()

    @property
    def ndim(self) -> int:
        return 0

    def numpy(self) -> Any:
        raise ValueError(f"A {self._dtype.name} tensor has no NumPy value.")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        raise ValueError(f"A {self._dtype.name} tensor has no NumPy value.")

    def __repr__(self) -> str:
        return f"<tf.Tensor: shape=(), dtype={self._dtype.name}, value={self._array!r}>"

    __str__ = __repr__

    def _repr_html_(self) -> None:
        """Nothing to show but the repr."""


def _unheld() -> tuple[int, int] | None:
    """What `EagerTensor._holders` counts where only the call itself holds the tensor.

    None where Python counts no differently for a tensor that a variable holds (from 3.14 on).
    """
    held = EagerTensor(np.zeros(1, np.float32))
    once = EagerTensor(np.zeros(1, np.float32))._holders_of_any()
    return once if held._holders_of_any() > once else None


_UNHELD = _unheld()
#: Elements from which a copy costs more than to look who holds an array.
_LARGE = 1 << 14

#: Says why code that uses a tensor as a Python value was not converted to a graph; AutoGraph sets it.
why_unconverted: Callable[[FrameType], str] | None = None


class GraphTensor(Tensor):
    """An output of a graph node; its value exists when the graph runs."""

    __slots__ = ("__weakref__", "_keras_history", "_keras_logits", "_keras_mask", "_spec", "assign", "index", "node")

    def __init__(self, node: Node, index: int, spec: Spec) -> None:
        self.node = node
        self.index = index
        self._spec = spec

    @property
    def spec(self) -> Spec:
        return self._spec

    @property
    def op(self) -> Node:
        """The node (`tf.Operation`) that produces the tensor."""
        return self.node

    @property
    def graph(self) -> Graph:
        """The graph that holds the node."""
        graph = self.node.graph
        assert graph is not None
        return graph

    @property
    def name(self) -> str:
        """`node:index`."""
        return f"{self.node.name}:{self.index}"

    @property
    def value_index(self) -> int:
        """Which output of the node this is."""
        return self.index

    @property
    def device(self) -> str:
        """The device asked for, or ""."""
        return self.node.device

    def consumers(self) -> list[Node]:
        """The nodes that take this tensor."""
        return [node for node in self.graph.nodes if any(t is self for t in node.inputs)]

    def set_shape(self, shape: Any) -> None:
        """Tell inference more about the shape; `ValueError` if it contradicts what is known."""
        dims = shapes.as_dims(shape)
        if not shapes.compatible(self._spec.shape, dims):
            raise ValueError(
                f"Tensor {self.name!r} has shape {shapes.show(self._spec.shape)}, which is not compatible with {shape}"
            )
        self._spec = Spec(shapes.merge(self._spec.shape, dims), self._spec.dtype, self._spec.value)

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Run the default (or given) session for this tensor's value."""
        session = session or self.graph.default_session()
        return session.run(self, feed_dict)

    @property
    def numpy(self) -> Any:
        """There is none, so that `hasattr` tells values from what has none yet."""
        raise AttributeError(
            f"numpy() is only available when eager execution is enabled; {self!r} is symbolic. Return it from the "
            "function, or compute with it in tf.py_function."
        )

    def _no_value(self, what: str, remedy: str) -> OperatorNotAllowedInGraphError:
        where = show_origin(self.node.origin)
        frame = caller_frame()
        if self.node.graph is not None and not self.node.graph.is_function:
            remedy = f"In a graph of TensorFlow 1, use Session.run for its value, {remedy[0].lower()}{remedy[1:]}"
        elif why_unconverted is not None and frame is not None:
            remedy = f"{why_unconverted(frame)} {remedy}"
        return OperatorNotAllowedInGraphError(
            f"{what} is not allowed: {self!r} has no value while the graph is being built"
            + (f" (made at {where})" if where else "")
            + f". {remedy}"
        )

    def __bool__(self) -> bool:
        raise self._no_value(
            "Using a symbolic `tf.Tensor` as a Python `bool`",
            "Write it with tf.cond, tf.while_loop or tf.where, or as a statement that AutoGraph converts.",
        )

    def __iter__(self) -> Iterator[Any]:
        raise self._no_value(
            "Iterating over a symbolic `tf.Tensor`",
            "Write it with tf.map_fn, tf.unstack or tf.while_loop, or as a `for` statement that AutoGraph converts.",
        )

    def __len__(self) -> int:
        raise TypeError(f"len is not well defined for a symbolic Tensor ({self.name}). Please call `x.shape` instead.")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        raise NotImplementedError(
            f"Cannot convert a symbolic tf.Tensor ({self.name}) to a numpy array. This error may indicate that you're "
            "trying to pass a Tensor to a NumPy call, which is not supported inside a graph; use the tf function "
            "instead, or tf.numpy_function to call NumPy when the graph runs."
        )

    def __index__(self) -> int:
        value = self._spec.array
        if value is not None and value.ndim == 0:
            return value.__index__()
        raise TypeError(f"{self!r} has no value while the graph is being built and cannot be used as a Python index.")

    def _number(self, kind: str) -> Any:
        raise TypeError(f"{kind}() argument must have a value, not the symbolic {self!r}; use tf.cast inside a graph.")

    def __int__(self) -> int:
        return self._number("int")  # type: ignore[no-any-return]

    def __float__(self) -> float:
        return self._number("float")  # type: ignore[no-any-return]

    def __hash__(self) -> int:
        if self.graph.is_function:
            raise TypeError("Tensor is unhashable. Instead, use tensor.ref() as the key.")
        return id(self)

    def __eq__(self, other: object) -> Any:
        if not self.graph.is_function and (other is None or isinstance(other, GraphTensor)):
            return self is other
        return F.equal_operator(self, other)

    def __ne__(self, other: object) -> Any:
        if not self.graph.is_function and (other is None or isinstance(other, GraphTensor)):
            return self is not other
        return F.not_equal_operator(self, other)

    def __copy__(self) -> GraphTensor:
        return self

    def __deepcopy__(self, memo: Any) -> GraphTensor:
        return self

    def __str__(self) -> str:
        shape = "" if self._spec.shape is None else f"shape={self.shape}, "
        return f'Tensor("{self.name}", {shape}dtype={self.dtype.name})'

    def __repr__(self) -> str:
        return f"<tf.Tensor '{self.name}' shape={self.shape} dtype={self.dtype.name}>"


Converter = Callable[..., Any]
_CONVERTERS: list[tuple[Any, Converter]] = []
_PRIORITIES: list[int] = []


def register_conversion(base_type: Any, conversion_func: Converter, priority: int = 100) -> None:
    """Teach `convert` a type: `conversion_func(value, dtype, name, as_ref)` gives a tensor or NotImplemented.

    Of several for one value, those of the lowest priority are asked first, then the oldest.

    TensorFlow: tf.register_tensor_conversion_function.
    """
    place = bisect.bisect_right(_PRIORITIES, priority)
    _PRIORITIES.insert(place, priority)
    _CONVERTERS.insert(place, (base_type, conversion_func))


def convert(value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None) -> Tensor:
    """A tensor with the value of a number, array, nested list, variable or tensor.

    `dtype` is a demand (a tensor of another dtype is a `ValueError`), `dtype_hint` a wish. Raises `TypeError` or
    `ValueError` for what cannot be held.
    """
    if dtype is not None:
        dtype = dtypes.as_dtype(dtype)
    if isinstance(value, Tensor):
        if dtype is not None and dtype is not value.dtype:
            raise ValueError(
                f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype {value.dtype.name}: {value!r}"
            )
        return value
    for base, converter in _CONVERTERS:
        if isinstance(value, base):
            tensor = converter(value, dtype=dtype, name=name, as_ref=False)
            if tensor is not NotImplemented:
                if dtype is not None and dtype is not tensor.dtype:
                    raise ValueError(
                        f"Tensor conversion requested dtype {dtype.name} for a value of dtype {tensor.dtype.name}: "
                        f"{value!r}"
                    )
                return tensor  # type: ignore[no-any-return]
    if hasattr(value, "__tf_tensor__"):
        return value.__tf_tensor__(dtype, name)  # type: ignore[no-any-return]
    if isinstance(value, (list, tuple)) and _holds_tensor(value):
        return F.pack_nested(value, dtype, dtype_hint)  # type: ignore[no-any-return]
    if dtype is None and dtype_hint is not None:
        try:
            return make_constant(_own_array(value, dtypes.as_dtype(dtype_hint)), name)
        except (TypeError, ValueError):
            pass
    return make_constant(_own_array(value, dtype), name)


def _own_array(value: Any, dtype: DType | None) -> np.ndarray[Any, Any]:
    """A Python value as an array that nobody else can write to."""
    array = as_array(value, dtype)
    foreign = not isinstance(value, np.ndarray | np.generic) and hasattr(value, "__array__")
    return array.copy() if array is value or array.base is not None or foreign else array


def make_constant(array: np.ndarray[Any, Any], name: str | None = None) -> Tensor:
    """An array as a tensor of the current context: a value, or a constant node."""
    graph = context.graph
    return EagerTensor(array) if graph is None else graph.constant(array, name)


def _holds_tensor(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_holds_tensor, value))
    return isinstance(value, Operators) or any(isinstance(value, base) for base, _ in _CONVERTERS if base is not object)


def static_value(tensor: Any, partial: bool = False) -> np.ndarray[Any, Any] | None:
    """The value of a tensor if it is known now: any eager tensor, a constant, what folds to one.

    With `partial`, a vector of sizes may hold None for those not known.

    TensorFlow: tf.get_static_value.
    """
    if isinstance(tensor, GraphTensor):
        value = tensor.spec.value
        return np.array(value, object) if partial and isinstance(value, tuple) else tensor.spec.array
    if isinstance(tensor, EagerTensor):
        return tensor._array  # type: ignore[no-any-return]
    if isinstance(tensor, (np.ndarray, np.generic, int, float, bool, complex, list, tuple)):
        return as_array(tensor)
    return None


def is_symbolic(tensor: Any) -> bool:
    """Whether a value is a tensor without a value yet. TensorFlow: tf.is_symbolic_tensor."""
    return isinstance(tensor, GraphTensor)


def is_tensor(x: Any) -> bool:
    """Whether a value is a tensor, a variable, or of a type that converts to one.

    >>> tf.is_tensor(tf.constant(1)), tf.is_tensor([1])
    (True, False)

    TensorFlow: tf.is_tensor.
    """
    return isinstance(x, Operators) or any(isinstance(x, base) for base, _ in _CONVERTERS if base is not object)
