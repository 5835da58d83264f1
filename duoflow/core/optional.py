"""`tf.experimental.Optional`: a value that may be missing.

In a graph it is one variant tensor, so that loops and branches may carry it.
"""

from __future__ import annotations

from typing import Any

from . import dtypes, nest
from .composite import Composite
from .emit import emit, emit_one
from .errors import InvalidArgumentError
from .record import Kind, Op, register
from .spec import Spec, TensorSpec
from .tensor import HandleTensor, Tensor, convert

__all__ = ["Held", "Optional"]


class Held:
    """The parts of the value that a variant tensor holds, or None for no value."""

    __slots__ = ("parts",)
    handle_dtype = dtypes.variant

    def __init__(self, parts: tuple[Any, ...] | None) -> None:
        self.parts = parts


def _infer_parts(handle: Spec, *, specs: tuple[TensorSpec, ...]) -> tuple[Spec, ...]:
    return tuple([Spec(s.shape.as_tuple(), s.dtype) for s in specs])


def _parts(held: Held, *, specs: tuple[TensorSpec, ...]) -> tuple[Any, ...]:
    if held.parts is None:
        raise InvalidArgumentError("The given optional does not have a value.").here()
    return held.parts


def _host(name: str, infer: Any, evaluate: Any, count: int | None = 1) -> Op:
    return register(Op(name, Kind.HOST, infer, evaluate, num_outputs=count, checked=False, differentiable=False))


FROM_VALUE = _host("OptionalFromValue", lambda *specs: Spec((), dtypes.variant), lambda *parts: Held(parts))
HAS_VALUE = _host("OptionalHasValue", lambda h: Spec((), dtypes.bool_), lambda held: held.parts is not None)
GET_VALUE = _host("OptionalGetValue", _infer_parts, _parts, None)


class Optional(Composite):
    """A value that may be missing.

    >>> some = tf.experimental.Optional.from_value(tf.constant(3))
    >>> none = tf.experimental.Optional.empty(tf.TensorSpec([], tf.int32))
    >>> bool(some.has_value()), int(some.get_value()), bool(none.has_value())
    (True, 3, False)

    TensorFlow: tf.experimental.Optional.
    """

    def __init__(self, handle: Tensor, element_spec: Any) -> None:
        self._handle, self._element_spec = handle, element_spec

    @classmethod
    def from_value(cls, value: Any) -> Optional:
        """An optional that has a value, a structure of tensors."""
        tensors = nest.map_structure(convert, value)
        handle = emit_one(FROM_VALUE, tuple(nest.flatten(tensors)))
        return cls(handle, nest.map_structure(lambda t: TensorSpec(t.dims, t.dtype), tensors))

    @classmethod
    def empty(cls, element_spec: Any) -> Optional:
        """An optional that has none."""
        return cls(HandleTensor(Held(None), dtypes.variant), element_spec)

    @property
    def element_spec(self) -> Any:
        """The spec of the value."""
        return self._element_spec

    def has_value(self, name: str | None = None) -> Tensor:
        """Whether there is a value, a boolean scalar."""
        return emit_one(HAS_VALUE, (self._handle,), name=name)  # type: ignore[no-any-return]

    def get_value(self, name: str | None = None) -> Any:
        """The value; `InvalidArgumentError` if there is none."""
        specs = tuple(nest.flatten(self._element_spec))
        return nest.pack_sequence_as(self._element_spec, list(emit(GET_VALUE, (self._handle,), {"specs": specs}, name)))

    def _components(self) -> tuple[Any, ...]:
        return (self._handle,)

    def _with_components(self, tensors: tuple[Any, ...]) -> Optional:
        return Optional(tensors[0], self._element_spec)
