"""Symbolic tensors: what a model is described with before there is data, and shape inference by tracing.

A `KerasTensor` has a shape, a dtype and the operation that made it. `compute_output_spec` finds what a function would
return by running it in a scratch graph, where its arguments are placeholders with unknown dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from duoflow.core import nest
from duoflow.core.context import context
from duoflow.core.dtypes import as_dtype
from duoflow.core.graph import Graph
from duoflow.core.tensor import GraphTensor, Tensor
from duoflow.trace import autograph

from .naming import auto_name
from .state import session
from .variables import standardize_dtype, standardize_shape

__all__ = ["KerasTensor", "any_symbolic", "compute_output_spec", "is_keras_tensor", "keras_mask", "set_keras_mask"]


class KerasTensor:
    """A tensor of a model under construction: a shape and a dtype, no value.

    `keras.ops`, Python's operators and layers take it; each makes further ones and remembers how.

    >>> x = tf.keras.Input((3,), name="x")
    >>> x
    <KerasTensor shape=(None, 3), dtype=float32, sparse=False, ragged=False, name=x>
    >>> (x * 2).shape
    (None, 3)

    Keras: keras.KerasTensor.
    """

    __array_priority__ = 1000

    def __init__(
        self, shape: Any, dtype: Any = "float32", sparse: bool = False, ragged: bool = False,
        ragged_rank: int | None = None,
        record_history: bool = True, name: str | None = None,
    ) -> None:  # fmt: skip
        if sparse or ragged:
            raise NotImplementedError("Sparse and ragged KerasTensors are not supported.")
        self._shape = standardize_shape(shape)
        self._dtype = standardize_dtype(dtype)
        self.sparse = self.ragged = False
        self.ragged_rank = ragged_rank
        self.name = name or auto_name(type(self).__name__)
        self.record_history = record_history
        self._keras_history: Any = None
        self._keras_mask: Any = None

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape; None where a dimension is not known."""
        return self._shape

    @shape.setter
    def shape(self, value: Any) -> None:
        raise AttributeError(
            "The `shape` attribute of KerasTensor is immutable. One should create a new instance of KerasTensor for "
            "this."
        )

    @property
    def dtype(self) -> str:
        """The name of the dtype."""
        return self._dtype

    @dtype.setter
    def dtype(self, value: Any) -> None:
        raise AttributeError(
            "The `dtype` attribute of KerasTensor is immutable. One should create a new instance of KerasTensor for "
            "this."
        )

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self._shape)

    def reshape(self, newshape: Any) -> Any:
        """The tensor with another shape, as `keras.ops.reshape`."""
        return OPERATORS["reshape"](self, newshape)

    def squeeze(self, axis: Any = None) -> Any:
        """The tensor without dimensions of size one, as `keras.ops.squeeze`."""
        return OPERATORS["squeeze"](self, axis)

    @property
    def T(self) -> Any:
        """The transpose."""
        return OPERATORS["transpose"](self)

    def _refused(self, what: str, remedy: str) -> ValueError:
        return ValueError(
            f"{what} A KerasTensor is symbolic: it's a placeholder for a shape and a dtype. It doesn't have any "
            f"actual numerical value. {remedy}"
        )

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise ValueError(
            "A KerasTensor is symbolic: it's a placeholder for a shape and a dtype. It doesn't have any actual "
            "numerical "
            "value. You cannot convert it to a NumPy array."
        )

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        raise ValueError(
            "A KerasTensor cannot be used as input to a TensorFlow function. A KerasTensor is a symbolic placeholder "
            "for a "
            "shape and dtype, used when constructing Keras Functional models or Keras Functions. You can only use it "
            "as "
            "input to a Keras layer or a Keras operation (from the namespaces `keras.layers` and `keras.ops`). You are "
            "likely doing something like:\n\n```\nx = Input(...)\n...\ntf_fn(x)  # Invalid.\n```\n\nWhat you should do "
            "instead is wrap `tf_fn` in a layer:\n\n```\nclass MyLayer(Layer):\n    def call(self, x):\n        return "
            "tf_fn(x)\n\nx = MyLayer()(x)\n```\n"
        )

    def __bool__(self) -> bool:
        raise TypeError("A symbolic KerasTensor cannot be used as a boolean.")

    def __int__(self) -> int:
        raise self._refused("Cannot convert a KerasTensor to int.", "Compute on it with layers or `keras.ops` instead.")

    def __float__(self) -> float:
        raise self._refused(
            "Cannot convert a KerasTensor to float.", "Compute on it with layers or `keras.ops` instead."
        )

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(
            "Iterating over a symbolic KerasTensor is not supported. Use `keras.ops.unstack(x, num, axis)` or index it."
        )

    def __repr__(self) -> str:
        return (
            f"<KerasTensor shape={self.shape}, dtype={self.dtype}, sparse={self.sparse}, ragged={self.ragged}, "
            f"name={self.name}>"
        )

    def __hash__(self) -> int:
        return id(self)


#: What Python's operators mean on a KerasTensor: keras.ops functions by name, filled in by ops/operators.py.
OPERATORS: dict[str, Callable[..., Any]] = {}


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is a KerasTensor. Keras: keras.utils.is_keras_tensor."""
    return isinstance(x, KerasTensor)


def any_symbolic(*structures: Any) -> bool:
    """Whether any leaf is a KerasTensor."""
    return any(isinstance(leaf, KerasTensor) for leaf in nest.flatten(structures))


def keras_mask(x: Any) -> Any:
    """The mask that a layer attached to a tensor, or None."""
    return getattr(x, "_keras_mask", None)


def set_keras_mask(x: Any, mask: Any) -> None:
    """Attach a mask to a tensor."""
    x._keras_mask = mask


@contextmanager
def scratch_graph() -> Iterator[Graph]:
    """A graph whose nodes nobody will run; variables made inside are real."""
    graph = Graph("symbolic", is_function=True, outer=context.graph)
    session.symbolic += 1
    try:
        with graph.as_default():
            yield graph
    finally:
        session.symbolic -= 1


def compute_output_spec(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What `function` would return: its results with KerasTensors for tensors, given KerasTensors for arguments."""
    with scratch_graph() as graph:

        def placeholder(x: Any) -> Any:
            if not isinstance(x, KerasTensor):
                return x
            tensor = graph.placeholder(as_dtype(x.dtype), x.shape)
            mask = keras_mask(x)
            if mask is not None:
                set_keras_mask(tensor, placeholder(mask))
            return tensor

        args, kwargs = nest.map_structure(placeholder, (args, kwargs))
        return nest.map_structure(_described, autograph.convert(function)(*args, **kwargs))


def _described(x: Any) -> Any:
    if not isinstance(x, Tensor):
        return x
    if x.dims is None:
        raise ValueError(f"Keras needs the rank of every tensor; that of {x!r} cannot be inferred.")
    described = KerasTensor(x.dims, x.dtype)
    mask = keras_mask(x)
    if isinstance(mask, GraphTensor):
        set_keras_mask(described, _described(mask))
    return described
