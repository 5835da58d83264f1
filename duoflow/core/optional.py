"""`tf.experimental.Optional`: a value that may be missing."""

from __future__ import annotations

from typing import Any

from .errors import InvalidArgumentError
from .tensor import Tensor, convert

__all__ = ["Optional"]

_MISSING = object()


class Optional:
    """A value that may be missing. TensorFlow: tf.experimental.Optional."""

    def __init__(self, value: Any, element_spec: Any) -> None:
        self._value, self._element_spec = value, element_spec

    @classmethod
    def from_value(cls, value: Any) -> Optional:
        """An optional that has a value."""
        return cls(value, None)

    @classmethod
    def empty(cls, element_spec: Any) -> Optional:
        """An optional that has none."""
        return cls(_MISSING, element_spec)

    @property
    def element_spec(self) -> Any:
        """The spec of the value, for an empty optional."""
        return self._element_spec

    def has_value(self) -> Tensor:
        """Whether there is a value, a boolean scalar."""
        return convert(self._value is not _MISSING)

    def get_value(self) -> Any:
        """The value; `InvalidArgumentError` if there is none."""
        if self._value is _MISSING:
            raise InvalidArgumentError(None, None, "The given optional does not have a value.")
        return self._value
