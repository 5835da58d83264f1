"""Layers and functions of several inputs: Add, Concatenate, Dot and their like."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from duoflow import ops as tf

from .. import ops
from .layer import Layer

__all__ = [
    "Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract", "add", "average",
    "concatenate", "dot", "maximum", "minimum", "multiply", "subtract",
]  # fmt: skip

_Shape = tuple["int | None", ...]


class _Merge(Layer):
    """Base of layers that take a list of tensors."""

    fewest, exactly = 1, 0

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        shapes = _shapes_of(self, input_shape)
        if self.exactly and len(shapes) != self.exactly:
            raise ValueError(
                f"A `{type(self).__name__}` layer should be called on exactly {self.exactly} inputs. Received: "
                f"input_shape={input_shape}"
            )
        if len(shapes) < self.fewest:
            raise ValueError(
                f"A merge layer should be called on a list of at least {self.fewest} input. Received {len(shapes)} "
                "inputs. "
                f"Full input_shape received: {input_shape}"
            )
        batches = {shape[0] for shape in shapes if shape} - {None}
        if len(batches) > 1:
            raise ValueError(
                f"Cannot merge tensors with different batch sizes. Received tensors with shapes {input_shape}"
            )
        reduce(_broadcast, shapes)

    def call(self, inputs: Any) -> Any:
        if not isinstance(inputs, list | tuple):
            raise ValueError(
                f"A merge layer should be called on a list of inputs. Received: inputs={inputs} (not a list of tensors)"
            )
        return self._merged(_of_one_rank(list(inputs)))

    def _merged(self, inputs: list[Any]) -> Any:
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> _Shape:
        shapes = _shapes_of(self, input_shape)
        merged = reduce(_broadcast, [shape[1:] for shape in shapes if shape is not None])
        batches = {shape[0] for shape in shapes if shape} - {None}
        return (batches.pop() if len(batches) == 1 and all(s[0] is not None for s in shapes) else None, *merged)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return None
        if not isinstance(inputs, list | tuple) or not isinstance(mask, list | tuple) or len(mask) != len(inputs):
            raise ValueError(
                f"`inputs` and `mask` should be lists of the same length. Received: inputs={inputs}, mask={mask}"
            )
        return None if any(m is None for m in mask) else reduce(ops.logical_or, mask)


def _shapes_of(layer: Layer, input_shape: Any) -> list[_Shape]:
    if not isinstance(input_shape, list | tuple) or not input_shape or not isinstance(input_shape[0], list | tuple):
        raise ValueError(
            f"A `{type(layer).__name__}` layer should be called on a list of inputs. Received: "
            f"input_shape={input_shape} (not a "
            "list of shapes)"
        )
    return [tuple(shape) for shape in input_shape]


def _broadcast(a: _Shape, b: _Shape) -> _Shape:
    if len(a) < len(b):
        a, b = b, a
    lead, out = len(a) - len(b), []
    for x, y in zip(a[lead:], b, strict=True):
        if x is None or y is None:
            out.append(None if 1 not in (x, y) else y if x == 1 else x)
        elif x == 1 or y == 1 or x == y:
            out.append(y if x == 1 else x)
        else:
            raise ValueError(f"Inputs have incompatible shapes. Received shapes {a} and {b}")
    return (*a[:lead], *out)


def _of_one_rank(inputs: list[Any]) -> list[Any]:
    """Give inputs of lower rank further dimensions behind the batch."""
    rank = max(len(x.shape) for x in inputs)
    for i, x in enumerate(inputs):
        for _ in range(rank - len(x.shape)):
            x = tf.expand_dims(x, 1)
        inputs[i] = x
    return inputs


class Add(_Merge):
    """The sum of the inputs.

    >>> tf.keras.layers.Add()([tf.constant([[1.0]]), tf.constant([[2.0]])]).numpy()
    array([[3.]], dtype=float32)

    Keras: keras.layers.Add.
    """

    def _merged(self, inputs: list[Any]) -> Any:
        return reduce(tf.add, inputs)


class Subtract(_Merge):
    """The first input minus the second. Keras: keras.layers.Subtract."""

    exactly = 2

    def _merged(self, inputs: list[Any]) -> Any:
        return tf.subtract(*inputs)


class Multiply(_Merge):
    """The product of the inputs. Keras: keras.layers.Multiply."""

    def _merged(self, inputs: list[Any]) -> Any:
        return reduce(tf.multiply, inputs)


class Average(_Merge):
    """The mean of the inputs. Keras: keras.layers.Average."""

    def _merged(self, inputs: list[Any]) -> Any:
        return reduce(tf.add, inputs) / len(inputs)


class Maximum(_Merge):
    """The largest of the inputs. Keras: keras.layers.Maximum."""

    def _merged(self, inputs: list[Any]) -> Any:
        return reduce(tf.maximum, inputs)


class Minimum(_Merge):
    """The smallest of the inputs. Keras: keras.layers.Minimum."""

    def _merged(self, inputs: list[Any]) -> Any:
        return reduce(tf.minimum, inputs)


class Concatenate(_Merge):
    """The inputs one after another along an axis.

    >>> tf.keras.layers.Concatenate()([tf.ones((1, 2)), tf.zeros((1, 1))]).numpy()
    array([[1., 1., 0.]], dtype=float32)

    Keras: keras.layers.Concatenate.
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape: Any) -> None:
        shapes = _shapes_of(self, input_shape)
        rank = len(shapes[0])
        others = {tuple(d for i, d in enumerate(s) if i != self.axis % len(s)) for s in shapes}
        first = next(iter(others))
        fits = all(
            len(o) == len(first) and all(a is None or b is None or a == b for a, b in zip(o, first, strict=True))
            for o in others
        )
        if not fits or any(len(s) != rank for s in shapes):
            raise ValueError(
                "A `Concatenate` layer requires inputs with matching shapes except for the concatenation axis. "
                f"Received: input_shape={input_shape}"
            )

    def call(self, inputs: Any) -> Any:
        if not isinstance(inputs, list | tuple):
            raise ValueError(f"A `Concatenate` layer should be called on a list of inputs. Received: inputs={inputs}")
        return tf.concat(list(inputs), self.axis)

    def compute_output_shape(self, input_shape: Any) -> _Shape:
        shapes = _shapes_of(self, input_shape)
        axis = self.axis % len(shapes[0])
        sizes = [s[axis] for s in shapes]
        total = None if None in sizes else sum(sizes)  # type: ignore[arg-type]
        known = [next((s[i] for s in shapes if s[i] is not None), None) for i in range(len(shapes[0]))]
        return tuple(total if i == axis else size for i, size in enumerate(known))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None or all(m is None for m in mask):
            return None
        masks = [_full_mask(x, m) for x, m in zip(inputs, mask, strict=True)]
        return ops.all(ops.concatenate(masks, axis=self.axis), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


def _full_mask(x: Any, mask: Any) -> Any:
    """A mask as large as its tensor; all true for none."""
    if mask is None:
        return ops.ones_like(x, dtype="bool")
    while len(mask.shape) < len(x.shape):
        mask = ops.expand_dims(mask, -1)
    return ops.logical_and(mask, ops.ones_like(x, dtype="bool"))


class Dot(_Merge):
    """The products of two inputs along axes, one for each example.

    Args:
      axes: the axis of both inputs, or a pair of axes. normalize: scale to length one along them first.

    >>> tf.keras.layers.Dot(axes=1)([tf.constant([[1.0, 2.0]]), tf.constant([[3.0, 4.0]])]).numpy()
    array([[11.]], dtype=float32)

    Keras: keras.layers.Dot.
    """

    exactly = 2

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axes, int) and not (
            isinstance(axes, list | tuple) and len(axes) == 2 and all(isinstance(a, int) for a in axes)
        ):
            raise TypeError(
                f"Invalid type for argument `axes`: it should be an int or a list of two ints. Received: axes={axes}"
            )
        self.axes, self.normalize = axes, normalize

    def _axes_of(self, shapes: list[Any]) -> tuple[int, int]:
        a, b = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        return a % len(shapes[0]), b % len(shapes[1])

    def build(self, input_shape: Any) -> None:
        shapes = _shapes_of(self, input_shape)
        if len(shapes) != 2:
            raise ValueError(
                f"A `Dot` layer should be called on a list of 2 inputs. Received: input_shape={input_shape}"
            )
        a, b = self._axes_of(shapes)
        if shapes[0][a] is not None and shapes[1][b] is not None and shapes[0][a] != shapes[1][b]:
            raise ValueError(
                f"Incompatible input shapes: axis values {shapes[0][a]} (at axis {a}) != {shapes[1][b]} (at axis {b}). "
                f"Full input shapes: {shapes[0]}, {shapes[1]}"
            )

    def call(self, inputs: Any) -> Any:
        x, y = inputs
        a, b = self._axes_of([x.shape, y.shape])
        if self.normalize:
            x, y = ops.normalize(x, axis=a), ops.normalize(y, axis=b)
        return _batch_dot(x, y, a, b)

    def compute_output_shape(self, input_shape: Any) -> _Shape:
        x, y = _shapes_of(self, input_shape)
        a, b = self._axes_of([x, y])
        rest = [d for i, d in enumerate(x) if i != a] + [d for i, d in enumerate(y) if i not in (0, b)]
        return tuple(rest) if len(rest) > 1 else (*rest, 1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        return None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def _batch_dot(x: Any, y: Any, a: int, b: int) -> Any:
    """Sum the products along axis `a` of x and `b` of y, batch entry by batch entry."""
    left = "".join(chr(ord("c") + i) for i in range(len(x.shape) - 1))
    right = "".join(chr(ord("n") + i) for i in range(len(y.shape) - 1))
    left, right = f"b{left}", f"b{right}"
    right = right.replace(right[b], left[a])
    kept = "".join(c for c in left if c != left[a]) + "".join(c for c in right[1:] if c != left[a])
    out = tf.einsum(f"{left},{right}->{kept}", x, y)
    return tf.expand_dims(out, 1) if len(kept) == 1 else out


def _function(layer: type[_Merge]) -> Callable[..., Any]:
    def merge(inputs: Any, **kwargs: Any) -> Any:
        return layer(**kwargs)(inputs)

    name = layer.__name__.lower()
    merge.__name__ = merge.__qualname__ = name
    merge.__doc__ = f"`{layer.__name__}` called on a list of inputs. Keras: keras.layers.{name}."
    return merge


add, subtract, multiply, average = _function(Add), _function(Subtract), _function(Multiply), _function(Average)
maximum, minimum = _function(Maximum), _function(Minimum)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """`Concatenate` called on a list of inputs. Keras: keras.layers.concatenate."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """`Dot` called on a list of two inputs. Keras: keras.layers.dot."""
    return Dot(axes=axes, **kwargs)(inputs)
