"""The state behind variables, and the ops that read and write it.

`State` owns the buffer. Reading shares it; a writer that finds it shared leaves the old buffer to its readers (copy on
write), so a value once read never changes. The ops here are the only way to the state, eager and in graphs alike.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import dtypes, shapes
from .arrays import address_of
from .dtypes import DType
from .errors import FailedPreconditionError, InvalidArgumentError
from .lowering import Scatter
from .record import Effect, Kind, Op, register
from .scalar import Unsupported
from .shapes import Dims
from .spec import Spec

__all__ = [
    "ASSIGN", "ASSIGN_ADD", "ASSIGN_SUB", "IS_INITIALIZED", "READ", "SCATTER", "SCATTER_ND", "VALUE_SCATTER",
    "VALUE_SCATTER_ND", "VAR_HANDLE", "Flight", "State", "aligned_empty",
]  # fmt: skip

_ALIGNMENT = 64


class _Block(np.ndarray):
    """The memory under an aligned array: of a type of its own, at which NumPy stops when it looks for a view's base.

    So views of the array hold the array itself, and count when a writer asks who else holds it.
    """


def aligned_empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """An uninitialised array that starts on a cache line."""
    if dtype.kind == "O":
        return np.empty(shape, dtype)
    block = _Block((math.prod(shape) * dtype.itemsize + _ALIGNMENT,), np.uint8)
    return np.ndarray(shape, dtype, block, -address_of(block) % _ALIGNMENT)


class Flight:
    """A run of native code on the buffers of states, while other threads of Python go on.

    Between `begin` and `end` buffers that states give up stay where they are, and nobody writes to those it reads.
    """

    __slots__ = ("_kept", "_read", "_values")

    def __init__(self, read: Sequence[int]) -> None:
        """`read` are the positions of states that the run reads, among what it begins with."""
        self._read = read
        self._values: Sequence[Any] = ()
        self._kept: list[np.ndarray[Any, Any]] = []

    def begin(self, values: Sequence[Any]) -> None:
        """The run is about to take the buffers of the states among `values`."""
        self._values = values
        _in_flight.append(self)

    def end(self) -> None:
        _in_flight.remove(self)
        self._values = ()
        self._kept.clear()

    @property
    def is_alone(self) -> bool:
        """Whether there is no other."""
        return len(_in_flight) == 1

    def reads(self, state: State) -> bool:
        return any(self._values[position] is state for position in self._read)

    def keep(self, state: State, buffer: np.ndarray[Any, Any] | None) -> None:
        """Let a buffer that a state gave up be, if the run has to do with the state."""
        if buffer is not None and any(value is state for value in self._values):
            self._kept.append(buffer)


_in_flight: list[Flight] = []


class State:
    """The buffer behind a variable.

    `array` is None until it is initialised. Kernels that update in place ask for `writable()`.
    """

    __slots__ = ("__weakref__", "array", "dtype", "name", "shape", "trainable")
    handle_dtype = dtypes.resource

    def __init__(self, dtype: DType, shape: Dims, name: str, trainable: bool = False) -> None:
        self.array: np.ndarray[Any, Any] | None = None
        self.dtype = dtype
        self.shape = shape
        self.name = name
        self.trainable = trainable

    def read(self) -> np.ndarray[Any, Any]:
        """The current value; the array is shared and must not be written."""
        if self.array is None:
            raise FailedPreconditionError(
                f"Could not find variable {self.name}: it has not been initialized. "
                "In a session, run tf.compat.v1.global_variables_initializer() first.",
            ).here()
        return self.array

    def write(self, array: np.ndarray[Any, Any]) -> None:
        """Replace the value by a copy of `array`."""
        self._check_shape(array.shape)
        if not _in_flight and self._holders() == _ALONE and self.read().shape == array.shape:
            self.read()[...] = array
            return
        fresh = aligned_empty(array.shape, self.dtype.numpy)
        fresh[...] = array
        self._replace(fresh)

    def adopt(self, array: np.ndarray[Any, Any]) -> None:
        """Replace the value by `array` itself, which the caller gives up."""
        self._check_shape(array.shape)
        self._replace(array)

    def writable(self) -> np.ndarray[Any, Any]:
        """The buffer to update in place: a fresh copy if anyone else still holds the current one."""
        shared = self._holders() > _ALONE or any(flight.reads(self) for flight in tuple(_in_flight))
        array = self.read()
        if shared:
            fresh = aligned_empty(array.shape, array.dtype)
            fresh[...] = array
            self._replace(fresh)
            return fresh
        return array

    def _holders(self) -> int:
        """How many hold the buffer; what its own slot and this function count for is `_ALONE`."""
        array = self.array
        return sys.getrefcount(array)

    def _replace(self, array: np.ndarray[Any, Any]) -> None:
        old = self.array
        self.array = array  # first, so that a run that begins now takes the new buffer
        for flight in tuple(_in_flight):
            flight.keep(self, old)

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        if not shapes.compatible(self.shape, shape):
            raise InvalidArgumentError(
                f"Cannot assign value to variable '{self.name}': Shape mismatch. The variable shape "
                f"{shapes.show(self.shape)}, and the assigned value shape {shapes.show(shape)} are incompatible.",
            ).here()

    def __repr__(self) -> str:
        return f"<State {self.name!r} {self.dtype.name}{shapes.brief(self.shape)}>"


def _alone() -> int:
    state = State(dtypes.float32, (), "probe")
    state.array = np.zeros((), np.float32)
    return state._holders()


#: What `State._holders` counts where nobody else holds the buffer: that depends on the version of Python.
_ALONE = _alone()


# -- ops ---------------------------------------------------------------------------------------------------------------


def _infer_read(handle: Spec, *, dtype: DType, shape: Dims) -> Spec:
    return Spec(shape, dtype)


def _check_update(name: str) -> Callable[..., Any]:
    def infer(handle: Spec, value: Spec, *, dtype: DType, shape: Dims) -> tuple[Spec, ...]:
        if value.dtype is not dtype:
            raise TypeError(f"{name}: the variable has dtype {dtype.name}, the value {value.dtype.name}.")
        if not shapes.compatible(shape, value.shape):
            raise ValueError(
                f"Cannot assign value to variable: Shape mismatch. The variable shape {shapes.show(shape)}, "
                f"and the assigned value shape {shapes.show(value.shape)} are incompatible."
            )
        return ()

    return infer


def _assign(state: State, value: Any, *, dtype: DType, shape: Dims) -> tuple[Any, ...]:
    state.write(value)
    return ()


def _assign_add(state: State, value: Any, *, dtype: DType, shape: Dims) -> tuple[Any, ...]:
    buffer = state.writable()
    np.add(buffer, value, out=buffer)
    return ()


def _assign_sub(state: State, value: Any, *, dtype: DType, shape: Dims) -> tuple[Any, ...]:
    buffer = state.writable()
    np.subtract(buffer, value, out=buffer)
    return ()


def _read_gradient(node: Any, grad: Any) -> Any:
    return grad


READ = register(
    Op(
        "ReadVariableOp",
        Kind.CONTROL,
        _infer_read,
        lambda state, *, dtype, shape: state.read(),
        _read_gradient,
        Effect.READ,
        checked=False,
    )
)
ASSIGN = register(
    Op("AssignVariableOp", Kind.CONTROL, _check_update("assign"), _assign, None, Effect.WRITE, num_outputs=0)
)
ASSIGN_ADD = register(
    Op("AssignAddVariableOp", Kind.CONTROL, _check_update("assign_add"), _assign_add, None, Effect.WRITE, num_outputs=0)
)
ASSIGN_SUB = register(
    Op("AssignSubVariableOp", Kind.CONTROL, _check_update("assign_sub"), _assign_sub, None, Effect.WRITE, num_outputs=0)
)
IS_INITIALIZED = register(
    Op(
        "VarIsInitializedOp",
        Kind.CONTROL,
        lambda handle: Spec((), dtypes.bool_),
        lambda state: np.asarray(state.array is not None),
        None,
        Effect.READ,
    )
)


def _infer_scatter(
    handle: Spec, indices: Spec, updates: Spec, *, mode: str, dtype: DType, shape: Dims
) -> tuple[Spec, ...]:
    if not indices.dtype.is_integer:
        raise TypeError(f"scatter_{mode}: indices must be integers, received {indices.dtype.name}.")
    if updates.dtype is not dtype:
        raise TypeError(f"scatter_{mode}: the variable has dtype {dtype.name}, the updates {updates.dtype.name}.")
    return ()


_SCATTER: dict[str, Any] = {
    "update": None, "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "min": np.minimum,
    "max": np.maximum,
}  # fmt: skip


def _rows(buffer: Any, indices: Any) -> Any:
    """The index for NumPy of rows along the first dimension."""
    limit = buffer.shape[0] if buffer.ndim else 0
    bad = (indices < 0) | (indices >= limit)
    if np.any(bad):
        where = np.argwhere(bad)[0].tolist()
        place = f"[{','.join(map(str, where))}]" if where else ""
        raise InvalidArgumentError(None, None, f"indices{place} = {indices[tuple(where)]} is not in [0, {limit})")
    return indices


def _places(buffer: Any, indices: Any) -> Any:
    """The index for NumPy of the places that rows of indices spell out."""
    bad = ((indices < 0) | (indices >= np.asarray(buffer.shape[: indices.shape[-1]]))).any(-1)
    if bad.any():
        where = np.argwhere(bad)[0].tolist()
        row = ", ".join(map(str, indices[tuple(where)].tolist()))
        shape = ",".join(map(str, buffer.shape))
        place = ",".join(map(str, where))
        raise InvalidArgumentError(None, None, f"indices[{place}] = [{row}] does not index into shape [{shape}]")
    return tuple(np.moveaxis(indices, -1, 0))


def _scatter_ops(name: str, locate: Any) -> tuple[Op, Op]:
    """The op on a variable, and the same on values: what the variable holds, indices, updates -> what it holds then."""

    def write(buffer: Any, indices: Any, updates: Any, mode: str) -> None:
        where = locate(buffer, indices)
        if mode == "update":
            buffer[where] = updates
        else:
            _SCATTER[mode].at(buffer, where, updates)

    def in_place(state: State, indices: Any, updates: Any, *, mode: str, dtype: DType, shape: Dims) -> tuple[Any, ...]:
        write(state.writable(), indices, updates, mode)
        return ()

    def evaluate(value: Any, indices: Any, updates: Any, *, mode: str) -> Any:
        out = value.copy()
        write(out, indices, updates, mode)
        return out

    def lower(specs: Any, outs: Any, attrs: dict[str, Any]) -> Scatter:
        value, indices, updates = (spec.shape for spec in specs)
        depth = 1 if locate is _rows else indices[-1]
        if updates != (indices if locate is _rows else indices[:-1]) + value[depth:]:
            raise Unsupported("updates that are repeated")
        return Scatter("set" if attrs["mode"] == "update" else attrs["mode"], 1, 2, depth, base=0)

    resource = register(Op(name, Kind.CONTROL, _infer_scatter, in_place, None, Effect.WRITE, num_outputs=0))
    infer = lambda value, indices, updates, *, mode: Spec(value.shape, value.dtype)
    return resource, Op(name.replace("Resource", "Value"), Kind.SCATTER, infer, evaluate, lower=lower)


SCATTER, VALUE_SCATTER = _scatter_ops("ResourceScatter", _rows)
SCATTER_ND, VALUE_SCATTER_ND = _scatter_ops("ResourceScatterNd", _places)


def _infer_handle(*, shared_name: str, dtype: DType, shape: Dims, trainable: bool, zero: bool = False) -> Spec:
    """`zero`: the state is there from the start, filled with zeros, and needs no initializer."""
    return Spec((), dtypes.resource)


def _no_handle(*, shared_name: str, dtype: DType, shape: Dims, trainable: bool, zero: bool = False) -> Any:
    raise FailedPreconditionError(f"Variable {shared_name} belongs to a session and has no value outside one.").here()


VAR_HANDLE = register(Op("VarHandleOp", Kind.SOURCE, _infer_handle, _no_handle))
