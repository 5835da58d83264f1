"""The one door: every op call goes through `emit`.

Eager: the op's `evaluate` runs at once. Tracing: a node is added to the current graph. Either way a watching tape sees
the call. Which of the two is the context's decision, never a guess from the arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import dtypes, heavy
from .context import context
from .dtypes import DType
from .errors import (
    InvalidArgumentError,
    OpError,
    ResourceExhaustedError,
    UnimplementedError,
    caller_origin,
    out_of_scope,
    with_origin,
)
from .graph import Node
from .late import F
from .quiet import restore, silence
from .record import Op
from .switches import switches
from .tensor import EagerTensor, GraphTensor, HandleTensor, Tensor

__all__ = ["emit", "emit_one", "evaluate"]

NO_ATTRS: dict[str, Any] = {}
_ndarray = np.ndarray

#: What runs the ops of eager mode in place of `evaluate` while a profiler looks on; `switches.watched` is on then.
observer: Callable[[Op, tuple[Tensor, ...], dict[str, Any]], tuple[Tensor, ...]] | None = None


def emit(
    op: Op, inputs: tuple[Tensor, ...], attrs: dict[str, Any] = NO_ATTRS, name: str | None = None
) -> tuple[Tensor, ...]:
    """Call an op: run it now or add it to the graph being built, and let tapes record it."""
    graph = context.graph
    if graph is None:
        outputs = evaluate(op, inputs, attrs) if observer is None else observer(op, inputs, attrs)
        if context.tapes:
            _record(Node(op, inputs, attrs, outputs))
    else:
        node = graph.add(op, inputs, attrs, name)
        outputs = node.outputs
        if context.tapes:
            _record(node)
    return F.numerics_checked(op, outputs) if switches.check_numerics else outputs


def emit_one(op: Op, inputs: tuple[Tensor, ...], attrs: dict[str, Any] = NO_ATTRS, name: str | None = None) -> Any:
    """`emit` for an op of one output."""
    here = context
    if here.graph is not None or here.tapes or op.checked or heavy.may_be_heavy(op) or switches.watched:
        return emit(op, inputs, attrs, name)[0]
    token = silence()
    try:
        array = op.evaluate(*[t._array for t in inputs], **attrs)  # type: ignore[attr-defined]
    except Exception as error:
        raise _translated(op, inputs, attrs, error) from (None if isinstance(error, (ValueError, TypeError)) else error)
    finally:
        restore(token)
    return EagerTensor(array) if type(array) is _ndarray else _wrap(array)


def _record(node: Node) -> None:
    for tape in context.tapes:
        tape.record(node)


def evaluate(op: Op, inputs: tuple[Tensor, ...], attrs: dict[str, Any]) -> tuple[Tensor, ...]:
    """Run an op on values, unrecorded. Errors come out as TensorFlow's, with the user's line."""
    try:
        if op.checked:
            op.infer(*[t.spec for t in inputs], **attrs)
        arrays = [t._array for t in inputs]  # type: ignore[attr-defined]
        if heavy.may_be_heavy(op) and switches.eager_compile and heavy.is_heavy(op, arrays, attrs):
            out: Any = heavy.run(op, arrays, attrs)
        else:
            token = silence()
            try:
                out = op.evaluate(*arrays, **attrs)
            finally:
                restore(token)
    except Exception as error:
        raise _translated(op, inputs, attrs, error) from (None if isinstance(error, (ValueError, TypeError)) else error)
    if type(out) is not tuple:
        return (_wrap(out),)
    return tuple([_wrap(array) for array in out])


def _wrap(array: Any) -> EagerTensor:
    if type(array) is _ndarray:
        return EagerTensor(array)
    if isinstance(array, (np.generic, bool, int, float)):
        return EagerTensor(np.asarray(array))
    return (
        array if isinstance(array, EagerTensor) else HandleTensor(array, getattr(array, "handle_dtype", dtypes.variant))
    )


def _translated(op: Op, inputs: tuple[Tensor, ...], attrs: dict[str, Any], error: Exception) -> Exception:
    """The exception TensorFlow would raise, naming what came in and the user's line."""
    symbolic = next((t for t in inputs if isinstance(t, GraphTensor)), None)
    if symbolic is not None:
        return TypeError(with_origin(out_of_scope(symbolic, symbolic.node.origin), caller_origin()))
    if isinstance(error, OpError):
        return error.at(caller_origin())
    if isinstance(error, MemoryError):
        return ResourceExhaustedError(None, None, with_origin(f"OOM: {error} [Op:{op.name}]", caller_origin()))
    if not isinstance(error, (ValueError, TypeError, IndexError, OverflowError, np.linalg.LinAlgError)):
        return error
    message = str(error)
    if not op.checked:
        try:
            op.infer(*[t.spec for t in inputs], **attrs)
        except (ValueError, TypeError) as better:
            message = str(better)
        except OpError as better:
            message = better.message
    missing = isinstance(error, TypeError) and "ufunc" in str(error)
    kind = UnimplementedError if missing and message == str(error) else InvalidArgumentError
    return kind(None, None, with_origin(f"{{{{node {op.name}}}}} {message} [Op:{op.name}]", caller_origin()))


def require_dtype(op_name: str, argument: str, dtype: DType, allowed: Any) -> None:
    """Raise TensorFlow's `TypeError` if an argument's dtype is not among those an op takes."""
    if dtype not in allowed:
        names = ", ".join(d.name for d in allowed)
        raise TypeError(
            f"Value passed to parameter '{argument}' of '{op_name}' has DataType {dtype.name} not in list of allowed "
            f"values: {names}"
        )
