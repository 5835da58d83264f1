"""TensorFlow's exceptions (`tf.errors`), and the place in the user's program that caused one."""

from __future__ import annotations

import contextlib
import linecache
import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = [
    "AbortedError",
    "AlreadyExistsError",
    "CancelledError",
    "DataLossError",
    "DeadlineExceededError",
    "FailedPreconditionError",
    "InternalError",
    "InvalidArgumentError",
    "NotFoundError",
    "OpError",
    "OperatorNotAllowedInGraphError",
    "OutOfRangeError",
    "PermissionDeniedError",
    "ResourceExhaustedError",
    "UnauthenticatedError",
    "UnavailableError",
    "UnimplementedError",
    "UnknownError",
]


class OpError(Exception):
    """Base of the errors that operations raise.

    Attributes: `message`, `op` (the operation, or None), `node_def` (the graph node, or None), `error_code`.

    TensorFlow: tf.errors.OpError.
    """

    error_code = 2

    def __init__(self, node_def: Any = None, op: Any = None, message: str = "", error_code: int | None = None) -> None:
        if isinstance(node_def, str) and not message:
            node_def, message = None, node_def
        super().__init__(node_def, op, message)
        if error_code is not None:
            self.error_code = error_code
        self._node_def, self._op, self._message = node_def, op, message
        self.experimental_payloads: dict[str, bytes] = {}

    @property
    def message(self) -> str:
        """What went wrong."""
        return self._message

    @property
    def op(self) -> Any:
        """The operation that failed, if known."""
        return self._op

    @property
    def node_def(self) -> Any:
        """The graph node that failed, if known."""
        return self._node_def

    def at(self, origin: _Origin | None) -> OpError:
        """This error with the user's line below its message."""
        self._message = with_origin(self._message, origin)
        return self

    def here(self) -> OpError:
        """This error with the line that is being called from, for what is found before an op runs."""
        return self.at(caller_origin())

    def __str__(self) -> str:
        return self._message


def _define(name: str, code: int, doc: str) -> type[OpError]:
    return type(
        name,
        (OpError,),
        {"error_code": code, "__doc__": f"{doc}\n\nTensorFlow: tf.errors.{name}.", "__module__": __name__},
    )


CancelledError = _define("CancelledError", 1, "An operation was cancelled.")
UnknownError = _define("UnknownError", 2, "An error of unknown kind.")
InvalidArgumentError = _define("InvalidArgumentError", 3, "An operation received an argument it cannot work on.")
DeadlineExceededError = _define("DeadlineExceededError", 4, "An operation did not finish in time.")
NotFoundError = _define("NotFoundError", 5, "A file, variable or table was not found.")
AlreadyExistsError = _define("AlreadyExistsError", 6, "Something that was to be created exists.")
PermissionDeniedError = _define("PermissionDeniedError", 7, "The caller may not do this.")
ResourceExhaustedError = _define("ResourceExhaustedError", 8, "Memory or another resource ran out.")
FailedPreconditionError = _define(
    "FailedPreconditionError", 9, "The state does not allow it, e.g. an uninitialized variable."
)
AbortedError = _define("AbortedError", 10, "An operation was aborted.")
OutOfRangeError = _define("OutOfRangeError", 11, "Iteration went past the end of the data.")
UnimplementedError = _define("UnimplementedError", 12, "The operation is not implemented.")
InternalError = _define("InternalError", 13, "An invariant inside the framework broke.")
UnavailableError = _define("UnavailableError", 14, "A service is not available.")
DataLossError = _define("DataLossError", 15, "Stored data is corrupt.")
UnauthenticatedError = _define("UnauthenticatedError", 16, "The caller is not authenticated.")


class OperatorNotAllowedInGraphError(TypeError):
    """A Python operation was applied to a symbolic tensor that has no value yet."""


class InaccessibleTensorError(ValueError):
    """A tensor of a loop, a branch or an inner function is used outside of it."""


_PACKAGE = str(Path(__file__).resolve().parent.parent) + os.sep
_Origin = tuple[str, int]


#: Names of files that are duoflow's, as far as asked: frames are looked through at every op of a trace. What a context
#: manager that decorates a function puts between is nobody's line.
_own_files: set[str] = {contextlib.__file__}


def is_own_file(filename: str) -> bool:
    """Whether code of this file is duoflow's."""
    if filename in _own_files:
        return True
    if not filename.startswith(_PACKAGE):
        return False
    _own_files.add(filename)
    return True


def caller_frame() -> FrameType | None:
    """The nearest frame outside duoflow."""
    frame: FrameType | None = sys._getframe(1)
    own = _own_files
    while frame is not None and ((name := frame.f_code.co_filename) in own or is_own_file(name)):
        frame = frame.f_back
    return frame


def caller_origin() -> _Origin | None:
    """The file and line of the nearest frame outside duoflow: the user's line."""
    frame = caller_frame()
    return (frame.f_code.co_filename, frame.f_lineno) if frame is not None else None


def show_origin(origin: _Origin | None) -> str:
    """`file:line: source`, as error messages end."""
    if origin is None:
        return ""
    source = linecache.getline(*origin).strip()
    return f'File "{origin[0]}", line {origin[1]}' + (f": {source}" if source else "")


def out_of_scope(tensor: object, origin: _Origin | None) -> str:
    """The message for a tensor that was kept beyond the function, loop or branch that made it."""
    made = show_origin(origin)
    return (
        f"{tensor!r} is out of scope and cannot be used here"
        + (f": it was made inside a function, loop or branch, at {made}" if made else "")
        + ". Return it from there or pass it as an argument; collect the values of a loop in a tf.TensorArray rather "
        "than a list; keep state between calls in a tf.Variable."
    )


def with_origin(message: str, origin: _Origin | None) -> str:
    """An error message with the user's line below it."""
    shown = show_origin(origin)
    return f"{message}\n  {shown}" if shown and shown not in message else message
