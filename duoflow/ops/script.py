"""Python inside graphs: `py_function`, `numpy_function` and TensorFlow 1's `py_func`.

The function is an attribute of the node. `py_function` is called with eager tensors and can be differentiated: its
gradient calls it again under a tape.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from duoflow.core import dtypes, nest
from duoflow.core.arrays import as_array
from duoflow.core.autodiff import GradientTape
from duoflow.core.context import context, entered
from duoflow.core.dtypes import DType
from duoflow.core.emit import emit
from duoflow.core.errors import (
    InvalidArgumentError,
    OpError,
    OutOfRangeError,
    ResourceExhaustedError,
    UnimplementedError,
    UnknownError,
)
from duoflow.core.graph import Node
from duoflow.core.record import Effect, Kind, Op, register
from duoflow.core.spec import Spec, TensorSpec
from duoflow.core.tensor import EagerTensor, Tensor, convert
from duoflow.core.variables import Variable

__all__ = ["numpy_function", "py_func", "py_function"]


class _Call:
    """A Python function as an attribute: equal to itself only."""

    __slots__ = ("dims", "dtypes", "function")

    def __init__(self, function: Callable[..., Any], specs: Sequence[tuple[DType, Any]]) -> None:
        self.function = function
        self.dtypes = [d for d, _ in specs]
        self.dims = [s for _, s in specs]

    def __repr__(self) -> str:
        return getattr(self.function, "__name__", repr(self.function))


def _infer(*specs: Spec, call: _Call) -> tuple[Spec, ...]:
    return tuple([Spec(s, d) for d, s in zip(call.dtypes, call.dims, strict=True)])


def translated(error: Exception) -> Exception:
    """TensorFlow's error for one that the function raised."""
    kinds: list[tuple[Any, type[OpError]]] = [
        ((TypeError, ValueError), InvalidArgumentError),
        (StopIteration, OutOfRangeError),
        (MemoryError, ResourceExhaustedError),
        (NotImplementedError, UnimplementedError),
    ]
    kind = next((new for old, new in kinds if isinstance(error, old)), UnknownError)
    shown = "".join(traceback.format_exception(error))
    return kind(None, None, f"{type(error).__name__}: {error}\n{shown}")


def _guarded(function: Callable[..., Any], *args: Any) -> Any:
    try:
        with entered(graph=None, tapes=(), control=(), scope=""):
            return function(*args)
    except OpError:
        raise
    except Exception as error:
        raise translated(error) from error


def _results(result: Any, wanted: Sequence[DType]) -> list[Any]:
    if not wanted:
        return []
    return [result] if len(wanted) == 1 and not isinstance(result, (list, tuple)) else list(result)


# -- py_function -------------------------------------------------------------------------------------------------------


def _called(call: _Call, inputs: Sequence[Tensor]) -> list[Any]:
    results = _results(call.function(*inputs), call.dtypes)
    if len(results) != len(call.dtypes):
        raise ValueError(f"The function returned {len(results)} values, Tout names {len(call.dtypes)}.")
    return [convert(r, dtype=d) for r, d in zip(results, call.dtypes, strict=True)]


def _run_eager(*values: Any, call: _Call) -> tuple[Any, ...]:
    out = _guarded(lambda: _called(call, [EagerTensor(v) for v in values]))
    return tuple([t._array for t in out])


def _run_pullback(*values: Any, call: _Call, count: int) -> tuple[Any, ...]:
    def run() -> tuple[Any, ...]:
        inputs = [EagerTensor(v) for v in values[:count]]
        sources = [t for t in inputs if t.dtype.is_differentiable]
        with GradientTape() as tape:
            tape.watch(sources)
            outputs = _called(call, inputs)
        live = [(o, EagerTensor(g)) for o, g in zip(outputs, values[count:], strict=True) if o.dtype.is_differentiable]
        grads = tape.gradient([o for o, _ in live], sources, [g for _, g in live])
        found: list[Any] = [s if g is None else convert(g) for g, s in zip(grads, sources, strict=True)]
        return tuple([np.zeros_like(t._array) if g is None else t._array for t, g in zip(found, grads, strict=True)])

    return _guarded(run)  # type: ignore[no-any-return]


def _infer_pullback(*specs: Spec, call: _Call, count: int) -> tuple[Spec, ...]:
    return tuple([Spec(s.shape, s.dtype) for s in specs[:count] if s.dtype.is_differentiable])


def _gradient(node: Node, *grads: Any) -> list[Any]:
    given = [
        convert(np.zeros((), o.dtype.numpy)) if g is None else convert(g)
        for g, o in zip(grads, node.outputs, strict=True)
    ]
    attrs = {"call": node.attrs["call"], "count": len(node.inputs)}
    found = iter(emit(PULLBACK, (*node.inputs, *given), attrs))
    return [next(found) if t.dtype.is_differentiable else None for t in node.inputs]


EAGER_PY_FUNC = register(
    Op("EagerPyFunc", Kind.HOST, _infer, _run_eager, _gradient, Effect.IO, checked=False, num_outputs=None)
)
PULLBACK = register(
    Op(
        "EagerPyFuncGrad",
        Kind.HOST,
        _infer_pullback,
        _run_pullback,
        None,
        Effect.IO,
        checked=False,
        num_outputs=None,
        differentiable=False,
    )  # fmt: skip
)


def _specs(signature: Any) -> list[tuple[DType, Any]]:
    return [
        (s.dtype, s.shape.as_tuple()) if isinstance(s, TensorSpec) else (dtypes.as_dtype(s), None)
        for s in nest.flatten(signature)
    ]


def _packed(outputs: Sequence[Any], signature: Any) -> Any:
    if nest.is_nested(signature):
        return nest.pack_sequence_as(signature, outputs) if outputs else None
    return outputs[0]


def py_function(func: Any = None, inp: Any = None, Tout: Any = None, name: str | None = None) -> Any:
    """Call a Python function with eager tensors when the program runs. Gradients pass it.

    Args:
      func: takes as many eager tensors as `inp` has, returns values of the dtypes `Tout`.
      inp: a list of tensors.
      Tout: a dtype or `tf.TensorSpec`, a list of such, or [] for nothing.

    Raises:
      InvalidArgumentError, UnknownError: when it runs, for what the function raises.

    >>> float(tf.py_function(lambda x: x.numpy() * 2, [tf.constant(2.0)], tf.float32))
    4.0

    TensorFlow: tf.py_function.
    """
    inputs = tuple([convert(v) for v in ([] if inp is None else inp)])
    outputs = emit(EAGER_PY_FUNC, inputs, {"call": _Call(func, _specs(Tout))}, name)
    return _packed(outputs, Tout)


# -- numpy_function ----------------------------------------------------------------------------------------------------


def _run_numpy(*values: Any, call: _Call) -> tuple[Any, ...]:
    results = _results(_guarded(call.function, *[v[()] if v.ndim == 0 else v for v in values]), call.dtypes)
    if len(results) != len(call.dtypes):
        raise InvalidArgumentError(
            f"{call!r} returns {len(results)} values, but expects to see {len(call.dtypes)} values."
        )
    arrays = [as_array(r._array if isinstance(r, EagerTensor) else r) for r in results]
    for i, (array, dtype) in enumerate(zip(arrays, call.dtypes, strict=True)):
        if dtypes.from_numpy(array.dtype) is not dtype:
            raise InvalidArgumentError(
                f"{i}-th value returned by {call!r} is {dtypes.from_numpy(array.dtype).name}, but expects {dtype.name}",
            )
    return tuple(arrays)


def _define(name: str, effects: Effect) -> Op:
    return register(
        Op(name, Kind.HOST, _infer, _run_numpy, None, effects, checked=False, num_outputs=None, differentiable=False)
    )


PY_FUNC = _define("PyFunc", Effect.IO)
PY_FUNC_STATELESS = _define("PyFuncStateless", Effect.NONE)


def numpy_function(
    func: Any = None, inp: Any = None, Tout: Any = None, stateful: bool = True, name: str | None = None
) -> Any:
    """Call a Python function with NumPy arrays when the program runs. No gradient passes it.

    Eagerly it is just called: its results keep their own dtypes, its exceptions are its own.

    Args:
      func: takes as many arrays as `inp` has, returns arrays of the dtypes `Tout`.
      inp: a list of tensors.
      Tout: a dtype, a list of dtypes, or [] for nothing.
      stateful: whether every call counts; a function that only computes may be called less often.

    Raises:
      InvalidArgumentError: when it runs, if it returns another number of values or other dtypes.

    >>> float(tf.numpy_function(np.sinh, [tf.constant(0.0)], tf.float32))
    0.0

    TensorFlow: tf.numpy_function.
    """
    inp = [] if inp is None else inp
    if context.graph is None:
        results = [None if r is None else convert(r) for r in nest.flatten(func(*[np.array(v) for v in inp]))]
        return results[0] if len(results) == 1 else results
    inputs = tuple([convert(v._read() if isinstance(v, Variable) else v) for v in inp])
    op = PY_FUNC if stateful else PY_FUNC_STATELESS
    return _packed(emit(op, inputs, {"call": _Call(func, _specs(Tout))}, name), Tout)


def py_func(func: Any, inp: Any, Tout: Any, stateful: bool = True, name: str | None = None) -> Any:
    """`tf.numpy_function` under its old name. TensorFlow: tf.compat.v1.py_func."""
    return numpy_function(func, inp, Tout, stateful, name)
