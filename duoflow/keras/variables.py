"""Keras' variables: TensorFlow's, with a path, an initializer, a regularizer, a constraint and autocasting.

Reading one under an `AutocastScope` gives the value in that scope's dtype; its own dtype is the one it is kept in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from duoflow import ops as tf
from duoflow.core import dtypes
from duoflow.core import variables as core
from duoflow.core.shapes import TensorShape
from duoflow.core.tensor import convert

from .naming import auto_name, check_name, current_path
from .preferences import floatx
from .state import session

__all__ = ["AutocastScope", "Variable", "is_float_dtype", "is_int_dtype", "standardize_dtype", "standardize_shape"]

_PYTHON_DTYPES = {bool: "bool", int: "int32", float: "float32", str: "string", "int": "int32", "float": "float32"}
_ALLOWED_DTYPES = frozenset(
    "float16 float32 float64 uint8 uint16 uint32 uint64 int4 int8 int16 int32 int64 bfloat16 bool string "
    "float8_e4m3fn float8_e5m2 complex64 complex128".split()
)


def standardize_dtype(dtype: Any) -> str:
    """The name of a dtype given as a name, a Python type, a NumPy or tf dtype; the default float for None.

    >>> tf.keras.backend.standardize_dtype(tf.int64), tf.keras.backend.standardize_dtype(None)
    ('int64', 'float32')

    Keras: keras.utils.standardize_dtype. Raises `ValueError` for anything else.
    """
    if dtype is None:
        return floatx()
    if not isinstance(dtype, dtypes.DType | np.dtype):
        dtype = _PYTHON_DTYPES.get(dtype, dtype)
    name = getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or dtype
    if name not in _ALLOWED_DTYPES:
        raise ValueError(f"Invalid dtype: {dtype}")
    return name  # type: ignore[no-any-return]


def is_float_dtype(dtype: Any) -> bool:
    """Whether a dtype is a real floating type. Keras: keras.backend.is_float_dtype."""
    return standardize_dtype(dtype).startswith(("float", "bfloat"))


def is_int_dtype(dtype: Any) -> bool:
    """Whether a dtype is an integer type. Keras: keras.backend.is_int_dtype."""
    return standardize_dtype(dtype).startswith(("int", "uint"))


def standardize_shape(shape: Any) -> tuple[int | None, ...]:
    """A shape as a tuple of ints and None; `ValueError` for what is no shape."""
    if shape is None:
        raise ValueError("Undefined shapes are not supported.")
    if isinstance(shape, TensorShape):
        shape = shape.as_list()
    if not hasattr(shape, "__iter__"):
        raise ValueError(f"Cannot convert '{shape}' to a shape.")
    return tuple(_standardize_dim(dim, shape) for dim in shape)


def _standardize_dim(dim: Any, shape: Any) -> int | None:
    if dim is None:
        return None
    try:
        if isinstance(dim, str | float):
            raise TypeError
        number = int(dim)
    except (TypeError, ValueError):
        raise ValueError(
            f"Cannot convert '{shape}' to a shape. Found invalid dimension '{dim}' of type '{type(dim)}'. "
        ) from None
    if number < 0:
        raise ValueError(f"Cannot convert '{shape}' to a shape. Negative dimensions are not allowed.")
    return number


class AutocastScope:
    """Read float variables in another float dtype inside; None reads them as they are."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = None if dtype is None else standardize_dtype(dtype)
        if self.dtype is not None and not is_float_dtype(self.dtype):
            raise ValueError(
                "`AutocastScope` can only be used with a floating-point target dtype, such as 'float16'. "
                f"Received: dtype={dtype}"
            )
        self._saved: list[Any] = []

    def __enter__(self) -> AutocastScope:
        self._saved.append(session.autocast)
        session.autocast = self
        return self

    def __exit__(self, *exc: object) -> None:
        session.autocast = self._saved.pop()


class Variable(core.Variable):
    """State of a layer, optimizer or metric.

    Args:
      initializer: a value, or a callable `(shape, dtype) -> value`, or an initializer's name; callables need `shape`.
      shape, dtype: of the value; None dimensions are not allowed.
      trainable: whether gradient tapes watch it and optimizers update it.
      autocast: whether mixed precision may read it in a lower precision.
      aggregation, synchronization: how replicas would combine values; there is one replica.
      name: the last part of `path`; the open name scopes are the rest.

    >>> v = tf.keras.Variable([1.0, 2.0], name="scale")
    >>> v.path, v.shape, v.dtype
    ('scale', TensorShape([2]), 'float32')
    >>> v.assign([3.0, 4.0]).numpy()
    array([3., 4.], dtype=float32)

    Keras: keras.Variable.
    """

    #: Looks an initializer up by name; initializers.py, which is made of variables' values, sets it.
    named_initializer: ClassVar[Callable[[str], Any]]

    def __init__(
        self,
        initializer: Any,
        shape: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = "none",
        synchronization: str | None = "auto",
        name: str | None = None,
        layout: Any = None,
        **kwargs: Any,
    ) -> None:
        name = name or auto_name(type(self).__name__)
        check_name(name)
        self._aggregation = _one_of("aggregation", aggregation, ("none", "mean", "sum", "only_first_replica"))
        self._synchronization = _one_of("synchronization", synchronization, ("none", "on_read", "on_write", "auto"))
        if isinstance(initializer, str):
            initializer = type(self).named_initializer(initializer)
        callable_initializer = callable(initializer) and not isinstance(initializer, core.Operators)
        if callable_initializer:
            if shape is None:
                raise ValueError(
                    "When creating a Variable from an initializer, the `shape` argument should be specified. "
                    f"Received: initializer={initializer} and shape={shape}"
                )
        elif dtype is None:
            initializer = convert(initializer)
            dtype = initializer.dtype
        if session.stateless is not None and not callable_initializer:
            raise ValueError(
                "You are attempting to create a variable from a value while in a stateless scope. Make all variables "
                f"before layers and models are used inside one, or give an initializer and a shape. Variable: {name}"
            )
        self._keras_dtype = standardize_dtype(dtype)
        parent = current_path()
        self._keras_name, self._path = name, f"{parent}/{name}" if parent else name
        self._autocast = bool(autocast)
        self._regularizer: Any = None
        self._constraint: Any = None
        self._overwrite_with_gradient, self._layout = False, layout
        if callable_initializer:
            shape = self._defined_shape(shape)
            keras_dtype, make = self._keras_dtype, initializer
            if session.memory is not None:
                session.memory.spend(math.prod(shape) * dtypes.as_dtype(keras_dtype).size, self._path)
            initializer = lambda: _cast(make(shape, dtype=keras_dtype), keras_dtype)
        else:
            value = initializer
            initializer = lambda: _cast(value, self._keras_dtype)
        super().__init__(initializer, trainable=bool(trainable), name=name, dtype=self._keras_dtype)

    def _defined_shape(self, shape: Any) -> tuple[int, ...]:
        shape = standardize_shape(shape)
        if None in shape:
            raise ValueError(
                "Shapes used to initialize variables must be fully-defined (no `None` dimensions). "
                f"Received: shape={shape} for variable path='{self._path}'"
            )
        return shape  # type: ignore[return-value]

    # -- facts -------------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self._keras_name

    @property
    def path(self) -> str:
        """The name with those of the layers around it: "encoder/dense/kernel"."""
        return self._path

    @property
    def dtype(self) -> str:  # type: ignore[override]
        """The name of the dtype that reading gives here."""
        return self._read_dtype() or self._keras_dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self._dims)  # type: ignore[arg-type]

    @property
    def trainable(self) -> bool:
        """Whether tapes watch the variable and optimizers update it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)

    @property
    def aggregation(self) -> str:  # type: ignore[override]
        """How replicas would combine values."""
        return self._aggregation

    @aggregation.setter
    def aggregation(self, value: Any) -> None:
        """The base class assigns TensorFlow's own default; Keras' word stands."""

    @property
    def synchronization(self) -> str:  # type: ignore[override]
        """When replicas would agree."""
        return self._synchronization

    @synchronization.setter
    def synchronization(self, value: Any) -> None:
        """The base class assigns TensorFlow's own default; Keras' word stands."""

    @property
    def overwrite_with_gradient(self) -> bool:
        """Whether optimizers replace the value by the gradient instead of stepping along it."""
        return self._overwrite_with_gradient

    @overwrite_with_gradient.setter
    def overwrite_with_gradient(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise TypeError(f"`overwrite_with_gradient` must be a boolean. Received: {value}")
        self._overwrite_with_gradient = value

    @property
    def regularizer(self) -> Any:
        """A callable whose value on the variable is added to the losses, or None."""
        return self._regularizer

    @regularizer.setter
    def regularizer(self, value: Any) -> None:
        self._regularizer = _callable_or_none("regularizer", value)

    @property
    def constraint(self) -> Any:
        """A callable that projects the value after each optimizer step, or None."""
        return self._constraint

    @constraint.setter
    def constraint(self, value: Any) -> None:
        self._constraint = _callable_or_none("constraint", value)

    # -- value -------------------------------------------------------------------------------------------------------

    @property
    def value(self) -> Any:
        """The current value as a tensor."""
        return self._read()

    def _read(self) -> Any:
        tensor, dtype = self._kept(), self._read_dtype()
        return tensor if dtype is None else tf.cast(tensor, dtype)

    def _kept(self) -> Any:
        """The value in the variable's own dtype: that of the stateless scope, if it has one."""
        scope = session.stateless
        held = None if scope is None else scope.get_current_value(self)
        return super()._read() if held is None else held

    def numpy(self) -> Any:
        """The current value as a NumPy array."""
        scope = session.stateless
        held = None if scope is None else scope.get_current_value(self)
        return super().numpy() if held is None else held.numpy()

    def _read_dtype(self) -> str | None:
        """The dtype that an autocast scope asks for, if it differs from the variable's own."""
        scope = session.autocast
        if scope is None or scope.dtype is None or not self._autocast or scope.dtype == self._keras_dtype:
            return None
        return scope.dtype if is_float_dtype(self._keras_dtype) else None  # type: ignore[no-any-return]

    def assign(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Replace the value; it is cast to the variable's dtype. Returns the new value.

        Raises `ValueError` if the shape differs.
        """
        value = _cast(value, self._keras_dtype)
        shape = tuple(value.shape)
        if len(shape) != self.ndim or any(a is not None and a != b for a, b in zip(shape, self._dims, strict=True)):
            raise ValueError(
                "The shape of the target variable and the shape of the target value in `variable.assign(value)` must "
                f"match. variable.shape={self.shape}, Received: value.shape={shape}. Target variable: {self}"
            )
        if session.stateless is None:
            super().assign(value, read_value=False)
        else:
            session.stateless.add_update((self, value))
        return value

    def assign_add(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Add to the value, which is cast to the variable's dtype. Returns the new value."""
        if session.stateless is not None:
            return self.assign(self._kept() + _cast(value, self._keras_dtype))
        super().assign_add(_cast(value, self._keras_dtype), read_value=False)
        return super()._read()

    def assign_sub(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Subtract from the value, which is cast to the variable's dtype. Returns the new value."""
        if session.stateless is not None:
            return self.assign(self._kept() - _cast(value, self._keras_dtype))
        super().assign_sub(_cast(value, self._keras_dtype), read_value=False)
        return super()._read()

    def _scatter(self, *args: Any) -> Any:
        if session.stateless is not None:
            raise NotImplementedError(
                "Rows of a variable cannot be assigned in a stateless scope: assign the whole value, "
                "`v.assign(tf.tensor_scatter_nd_update(v, indices, updates))`."
            )
        return super()._scatter(*args)

    def __bool__(self) -> bool:
        raise TypeError("A Keras Variable cannot be used as a boolean.")

    def __int__(self) -> int:
        return int(self._scalar())

    def __float__(self) -> float:
        return float(self._scalar())

    def _scalar(self) -> Any:
        if self.ndim:
            raise TypeError(f"Only scalar arrays can be converted to Python scalars. Got: shape={self.shape}")
        return self._read()

    def __deepcopy__(self, memo: Any) -> Variable:
        copy = Variable(
            self.numpy(), dtype=self._keras_dtype, trainable=self._trainable, autocast=self._autocast,
            aggregation=self._aggregation, synchronization=self._synchronization, name=self._keras_name,
        )  # fmt: skip
        copy._path, copy._regularizer, copy._constraint = self._path, self._regularizer, self._constraint
        memo[id(self)] = copy
        return copy

    def __reduce__(self) -> tuple[Any, ...]:
        arguments = (
            self.numpy(), self._keras_dtype, self._trainable, self._autocast, self._aggregation, self._synchronization,
            self._keras_name, self._path, self._regularizer, self._constraint,
        )  # fmt: skip
        return _restore, arguments

    def __repr__(self) -> str:
        state = self._state
        value = "" if state is None or state.array is None else f", value={state.array}"
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}{value}>"


def _cast(value: Any, dtype: str) -> Any:
    tensor = convert(value, dtype_hint=dtype)
    return tensor if tensor.dtype.name == dtype else tf.cast(tensor, dtype)


def _one_of(argument: str, value: str | None, allowed: tuple[str, ...]) -> str:
    if value is not None and value not in allowed:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected one of `None`, "
            + ", ".join(f"`{a!r}`" for a in allowed)
            + f". Received: {argument}={value}"
        )
    return "none" if value is None else value


def _callable_or_none(attribute: str, value: Any) -> Any:
    if value is not None and not callable(value):
        raise ValueError(
            f"Invalid value for attribute `{attribute}`. Expected a callable (such as a "
            f"`keras.{attribute}s.{attribute.title()}` instance) or `None`. Received: {attribute}={value}"
        )
    return value


def _restore(
    value: Any, dtype: str, trainable: bool, autocast: bool, aggregation: str, synchronization: str, name: str,
    path: str,
    regularizer: Any, constraint: Any,
) -> Variable:  # fmt: skip
    variable = Variable(value, None, dtype, trainable, autocast, aggregation, synchronization, name)
    variable._path, variable._regularizer, variable._constraint = path, regularizer, constraint
    return variable
