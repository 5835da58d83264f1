"""A compiled function's failure, replayed op by op: which op, on which line, with which values.

`explain_failure(fn, *args)` asks for it; with `DUOFLOW_DEBUG=replay` in the environment it is done whenever a compiled
graph raises, or gives a NaN or an infinity: this module then is the engine, in front of the native one. The replay
starts from the same inputs and from the variables as they were; they have these values again afterwards.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from duoflow.core import engine
from duoflow.core.context import context, entered
from duoflow.core.errors import InvalidArgumentError, OpError, caller_origin, show_origin
from duoflow.core.graph import CONST, PLACEHOLDER, Graph, Node
from duoflow.core.record import Effect
from duoflow.core.state import State
from duoflow.core.switches import switches
from duoflow.core.tensor import HandleTensor, Tensor
from duoflow.engines.native import engine as native
from duoflow.engines.reference import evaluate_node
from duoflow.ops.subgraphs import AccessWatcher
from duoflow.passes.inline import inline
from duoflow.trace import function as functions
from duoflow.trace.concrete import ConcreteFunction
from duoflow.trace.function import Function

from .values import describe, has_infinity, has_nan, is_finite

__all__ = ["Failure", "bound", "explain_failure", "kept", "states_of"]


@dataclass
class Failure:
    """The first op that went wrong: `str` of it is the report.

    what: "NaN", "Inf" or the error
    node: the op; its `origin` is the user's file and line
    inputs, outputs: its operands and what it gave, as arrays (no outputs if it raised)
    cause: where an infinity came from that the op made a NaN of
    """

    what: str
    node: Node
    inputs: list[Any]
    outputs: list[Any] = field(default_factory=list)
    error: Exception | None = None
    cause: Failure | None = None

    def __str__(self) -> str:
        first = f"{self.what} first appears"
        if self.error is not None:
            first = f"{type(self.error).__name__}: {str(self.error).partition(chr(10))[0]},"
        lines = [f"{first} in {self.node.op.name} ({self.node.name})", f"  {show_origin(self.node.origin)}"]
        for tensor, value in zip(self.node.inputs, self.inputs, strict=False):
            lines.append(f"  input  {_maker(tensor)}: {describe(value)}")
        lines += [f"  output {describe(value)}" for value in self.outputs]
        if self.cause is not None:
            lines += ["because", *(f"  {line}" for line in str(self.cause).splitlines())]
        return "\n".join(lines)

    __repr__ = __str__

    def as_error(self) -> Exception:
        """An exception of the kind that the op raised, or InvalidArgumentError for a bad value."""
        if self.error is None:
            raised: Any = InvalidArgumentError(None, self.node, str(self))
        elif isinstance(self.error, OpError):
            raised = type(self.error)(None, self.node, str(self))
        else:
            raised = self.error
        raised.failure = self
        return raised  # type: ignore[no-any-return]


def _maker(tensor: Tensor) -> str:
    """What an operand is called: the op that made it and its line, or the argument's name."""
    node = getattr(tensor, "node", None)
    if node is None:
        return "value"
    if node.op is PLACEHOLDER or node.origin is None:
        return f"{node.name!r}"
    return f"{node.op.name} of line {node.origin[1]}"


def explain_failure(fn: Any, *args: Any, **kwargs: Any) -> Failure | None:
    """Run a function op by op and say which op first raises, or makes a NaN or an infinity that reaches a result.

    Args:
      fn: a `tf.function`, a concrete function, or a Python function, which is traced.
      *args, **kwargs: its arguments.

    Returns:
      A `Failure`, to be printed, with the op, the user's line and the values; None if nothing went wrong. Variables
      have their values of before the call afterwards.

    >>> @tf.function
    ... def f(x):
    ...     y = x - 1.0
    ...     return tf.reduce_sum(tf.math.log(y))
    >>> failure = tf.debugging.explain_failure(f, tf.constant([2.0, 0.5]))
    >>> failure.what, failure.node.type, failure.inputs[0]
    ('NaN', 'Log', array([ 1. , -0.5], dtype=float32))
    """
    concrete, values = bound(fn, args, kwargs)
    with kept(states_of(concrete.graph, values)):
        return find(concrete.graph, values)


def bound(fn: Any, args: Any, kwargs: Any) -> tuple[ConcreteFunction, list[Any]]:
    """The trace for arguments, and the values of all inputs of its graph."""
    if isinstance(fn, ConcreteFunction):
        concrete, tensors = fn, fn.bound(args, kwargs)
    else:
        concrete, tensors = (fn if isinstance(fn, Function) else functions.function(fn)).bound(args, kwargs)
    return concrete, [t._array for t in (*tensors, *concrete.captured_inputs)]  # type: ignore[attr-defined]


def states_of(graph: Graph, values: Sequence[Any]) -> list[State]:
    """The states that a run of a graph may change: those it is given, and those it names itself."""
    named = [node.attrs["value"].array for node in graph.nodes if node.op is CONST]
    states = [*values, *(h._array for h in named if isinstance(h, HandleTensor))]
    return list({id(s): s for s in states if isinstance(s, State)}.values())


@contextlib.contextmanager
def kept(states: Sequence[State]) -> Iterator[None]:
    """Give states back the values they have now."""
    before = [(state, None if state.array is None else state.array.copy()) for state in states]
    try:
        yield
    finally:
        for state, array in before:
            if array is None:
                state.array = None
            else:
                state.write(array)


# -- the search --------------------------------------------------------------------------------------------------------


def find(graph: Graph, values: Sequence[Any]) -> Failure | None:
    """The first failure in a run of a graph, which changes the states among `values`."""
    search = _Search()
    installed = engine.current()
    engine.install(search)
    try:
        return search.of(inline(graph), values)
    except _Stopped as stopped:
        return stopped.failure
    finally:
        engine.install(installed)


class _Stopped(BaseException):
    """An op raised; passes through the ops around it."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure


class _Search:
    """An engine that runs graphs op by op and remembers where bad values first came up."""

    def __init__(self) -> None:
        #: What came up inside the control op that runs now: by kind, the first.
        self.inside: dict[str, Failure] = {}

    def compile(self, graph: Graph) -> engine.Executable:
        """A run of a graph inside a control op."""
        return _Run(graph, self)

    def of(self, graph: Graph, values: Sequence[Any]) -> Failure | None:
        """The failure that reaches a result of the graph."""
        run = _Run(graph, self)
        run.run(values)
        roots = [*graph.outputs, *(t for node in graph.nodes if Effect.WRITE in node.op.effects for t in node.inputs)]
        for kind, is_bad in (("NaN", has_nan), ("Inf", has_infinity)):
            for root in roots:
                if is_bad(run.table.get(id(root))):
                    return run.origin_of(root, kind, is_bad)
        return None


class _Run:
    """One run of a graph, op by op, with every value kept."""

    def __init__(self, graph: Graph, search: _Search) -> None:
        self.graph, self.search = graph, search
        self.table: dict[int, Any] = {}
        #: By the ids of control ops: what came up inside.
        self.inside: dict[int, dict[str, Failure]] = {}

    def run(self, values: Sequence[Any]) -> list[Any]:
        """The outputs for these inputs."""
        table = self.table = {id(t): v for t, v in zip(self.graph.all_inputs, values, strict=True)}
        for node in self.graph.nodes:
            if node.op is not PLACEHOLDER or id(node.outputs[0]) not in table:
                inputs = [table[id(t)] for t in node.inputs]
                outside, self.search.inside = self.search.inside, {}
                results = self._evaluate(node, inputs)
                if self.search.inside:
                    self.inside[id(node)] = self.search.inside
                self.search.inside = outside
                table.update(zip(map(id, node.outputs), results, strict=True))
                self._note(node, inputs, results)
        return [table[id(t)] for t in self.graph.outputs]

    @property
    def kernels(self) -> list[dict[str, Any]]:
        """None: all runs in Python."""
        return []

    def _evaluate(self, node: Node, inputs: list[Any]) -> tuple[Any, ...]:
        try:
            return evaluate_node(node, inputs)
        except Exception as error:
            raise _Stopped(Failure("error", node, inputs, error=error)) from error

    def _note(self, node: Node, inputs: list[Any], results: Sequence[Any]) -> None:
        for kind, is_bad in (("NaN", has_nan), ("Inf", has_infinity)):
            if kind not in self.search.inside and any(map(is_bad, results)) and not any(map(is_bad, inputs)):
                self.search.inside[kind] = self.inside.get(id(node), {}).get(kind) or self._failure(node, kind)

    def _failure(self, node: Node, kind: str) -> Failure:
        inputs = [self.table[id(t)] for t in node.inputs]
        cause = None
        if kind == "NaN" and node.op is not PLACEHOLDER:
            bad = next((t for t in node.inputs if has_infinity(self.table[id(t)])), None)
            cause = None if bad is None else self.origin_of(bad, "Inf", has_infinity)
        return Failure(kind, node, inputs, [self.table[id(t)] for t in node.outputs], cause=cause)

    def origin_of(self, tensor: Any, kind: str, is_bad: Any) -> Failure:
        """The op that made what is bad in a tensor, found backwards."""
        node = tensor.node
        while True:
            bad = next((t for t in node.inputs if is_bad(self.table[id(t)])), None)
            if bad is None:
                return self.inside.get(id(node), {}).get(kind) or self._failure(node, kind)
            node = bad.node


# -- DUOFLOW_DEBUG=replay ----------------------------------------------------------------------------------------------


class _Replaying:
    """A compiled graph whose failures are replayed."""

    def __init__(self, inner: native.NativeExecutable, graph: Graph) -> None:
        self.inner, self.graph = inner, graph

    def run(self, values: Sequence[Any]) -> list[Any]:
        """The outputs for these inputs, or an error that explains what is wrong with them."""
        states = states_of(self.graph, values)
        before = [(state, None if state.array is None else state.array.copy()) for state in states]
        try:
            results = self.inner.run(values)
            bad = not all(map(is_finite, [*results, *(state.array for state in states)]))
            error: Exception | None = None
        except Exception as raised:
            if hasattr(raised, "failure"):
                raise
            bad, error, results = True, raised, []
        if not bad:
            return results
        for state, array in before:
            state.array = array
        with kept(states):
            failure = find(self.graph, values)
        if failure is not None:
            raise failure.as_error() from error
        if error is not None:
            raise error
        raise InvalidArgumentError(
            None, None, f"{self.graph.name} gave a NaN or an infinity that a replay op by op does not give."
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def compile(graph: Graph) -> _Replaying:
    """What the native engine compiles, replayed when it fails."""
    return _Replaying(native.compile(graph), graph)


timed = native.timed


class _Stopper(AccessWatcher):
    """Stands among the tapes and stops at the op that failed, when it does so again."""

    def __init__(self, failure: Failure) -> None:
        super().__init__()
        self.failure = failure

    def record(self, node: Node) -> None:
        """Raise if this is the op, on the same line, and its result is as bad."""
        failed = self.failure
        is_bad = has_nan if failed.what == "NaN" else has_infinity
        if node.op is not failed.node.op or caller_origin() != failed.node.origin:
            return
        values = [getattr(t, "_array", None) for t in node.outputs]
        if any(map(is_bad, values)):
            inputs = [getattr(t, "_array", None) for t in node.inputs]
            raise Failure(failed.what, failed.node, inputs, values, cause=failed.cause).as_error()


def _again_in_python(fn: Function, args: Any, kwargs: Any, error: Exception) -> None:
    """Call the Python function of a failed one eagerly, up to the op that failed.

    So its frames are on the stack of the exception, and a `breakpoint()` in it stops where there are values.
    """
    failure = getattr(error, "failure", None)
    if failure is None or context.graph is not None or context.run_functions_eagerly:
        return
    concrete, values = bound(fn, args, kwargs)
    context.run_functions_eagerly = True
    try:
        with kept(states_of(concrete.graph, values)), entered(tapes=(*context.tapes, _Stopper(failure))):
            fn.python_function(*args, **kwargs)
    except Exception as found:
        if not hasattr(found, "failure"):
            found.add_note(f"The compiled function failed so:\n{failure}")
        raise found from None
    finally:
        context.run_functions_eagerly = False


if "replay" in switches.debug:
    functions.on_failure = _again_in_python
