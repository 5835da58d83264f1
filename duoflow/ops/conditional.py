"""`tf.cond`, `tf.case`, `tf.switch_case`: Python branches in eager mode, the ops If and Case in graphs.

A branch is a closed graph; the branches of a node take the same inputs and give the same outputs. To differentiate a
node, each branch also gives out what its own gradient needs (and stand-ins for what the others' need), and the
gradient is a node of the same kind over the branches' gradients.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from duoflow.core import dtypes, nest, shapes
from duoflow.core.composite import expand, pack
from duoflow.core.context import context, entered
from duoflow.core.emit import emit
from duoflow.core.engine import run_graph
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.graph import Graph, Node
from duoflow.core.late import F
from duoflow.core.record import Effect, Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import GraphTensor, Tensor, convert, static_value

from .call import Level, levels_of, place_saved, widen
from .subgraphs import (
    Pullback,
    close,
    dense,
    differentiate,
    is_differentiable,
    is_pure,
    report_reads,
    trace_into,
    zeros_for,
)

__all__ = ["case", "cond", "switch_case"]


# -- the ops -----------------------------------------------------------------------------------------------------------


def _merged(branches: Sequence[Graph]) -> tuple[Spec, ...]:
    columns = zip(*[branch.outputs for branch in branches], strict=True)
    return tuple([_merge_specs([t.spec for t in column]) for column in columns])


def _merge_specs(specs: Sequence[Spec]) -> Spec:
    dims = specs[0].shape
    for other in specs[1:]:
        dims = shapes.relax(dims, other.shape)
    return Spec(dims, specs[0].dtype)


def _infer_if(pred: Spec, *specs: Spec, then_branch: Graph, else_branch: Graph) -> tuple[Spec, ...]:
    return _merged((then_branch, else_branch))


def _run_if(pred: Any, *values: Any, then_branch: Graph, else_branch: Graph) -> tuple[Any, ...]:
    if np.size(pred) != 1:
        raise InvalidArgumentError(f"The predicate of tf.cond must be a scalar, received shape {np.shape(pred)}.")
    return tuple(run_graph(then_branch if np.reshape(pred, ()) else else_branch, values))


def _infer_case(index: Spec, *specs: Spec, branches: tuple[Graph, ...]) -> tuple[Spec, ...]:
    return _merged(branches)


def _run_case(index: Any, *values: Any, branches: tuple[Graph, ...]) -> tuple[Any, ...]:
    i = int(index)
    return tuple(run_graph(branches[i if 0 <= i < len(branches) else -1], values))


# -- the gradient ------------------------------------------------------------------------------------------------------


@dataclass
class _BranchesLevel(Level):
    """The derivative of all branches: what each saves, and their gradients, which take the same inputs."""

    backward: list[Graph]
    connected: list[int]
    """The inputs for which the gradients have an output."""


def _gradient(node: Node, *grads: Any) -> list[Any]:
    given = [i for i, g in enumerate(grads) if g is not None]
    level = next((found for found in levels_of(node.subgraphs[0]) if set(given) <= set(found.pullback.given)), None)
    if level is None:
        level = _extend(node, given)
    assert isinstance(level, _BranchesLevel)
    cotangents = [
        convert(grads[i]) if grads[i] is not None else zeros_for(node.outputs[i]) for i in level.pullback.given
    ]
    operands = level.operands(node.inputs[1:], node.outputs)
    results = emit(
        node.op, (node.inputs[0], *cotangents, *operands), _attrs(node.op, level.backward), f"{node.name}_grad"
    )
    by_input = dict(zip(level.connected, results, strict=True))
    return [None, *[by_input.get(i) for i in range(len(node.inputs) - 1)]]


def _extend(node: Node, given: Sequence[int]) -> _BranchesLevel:
    """Let the branches of a node give out what their gradients need."""
    wanted = [i for i, t in enumerate(node.inputs[1:]) if is_differentiable(t)]
    pulls = [differentiate(branch, given, wanted) for branch in node.subgraphs]
    connected = _agree(pulls, wanted)
    places = _share_saved(pulls)
    level = _BranchesLevel(pulls[0], places, [p.backward for p in pulls], connected)
    for pull, branch in zip(pulls, node.subgraphs, strict=True):
        pull.forward.extras["levels"] = [*levels_of(branch), level]
    widen(node, _attrs(node.op, [p.forward for p in pulls]))
    return level


def _agree(pulls: Sequence[Pullback], wanted: Sequence[int]) -> list[int]:
    """Finish the backward graphs: an input connected in one branch has a zero cotangent in the others."""
    tables = [[dense(p, r) for r in p.results] for p in pulls]
    kept = [k for k in range(len(wanted)) if any(table[k] is not None for table in tables)]
    for pull, table in zip(pulls, tables, strict=True):
        with pull.building():
            for k in kept:
                if table[k] is None:
                    like = next(t[k] for t in tables if t[k] is not None)
                    table[k] = zeros_for(pull.forward.inputs[wanted[k]], like)
        pull.finish([table[k] for k in kept])
    return [wanted[k] for k in kept]


def _share_saved(pulls: Sequence[Pullback]) -> list[tuple[str, Any]]:
    """Give all branches the same outputs and their gradients the same inputs; says where the latter are found."""
    outputs = [p.forward.outputs for p in pulls]
    own: list[list[tuple[str, Any]]] = []
    for i, pull in enumerate(pulls):
        longer = list(outputs[i])
        own.append(place_saved(pull, longer))
        for tensor in longer[len(outputs[i]) :]:
            for j, other in enumerate(pulls):
                other.forward.outputs.append(tensor if i == j else _stand_in(other.forward, tensor.spec))
    places: dict[Any, tuple[str, Any]] = {}
    for place in (place for mine in own for place in mine):
        places.setdefault(_key(place), place)
    shared = list(places.values())
    for pull, mine in zip(pulls, own, strict=True):
        _take(pull, mine, shared, pulls[0].forward.outputs)
    return shared


def _take(
    pull: Pullback, mine: list[tuple[str, Any]], shared: list[tuple[str, Any]], outputs: Sequence[Tensor]
) -> None:
    """Let a backward graph take all shared operands in order, used or not."""
    backward, count = pull.backward, len(pull.given)
    held = {_key(place): inside for place, inside in zip(mine, backward.inputs[count:], strict=True)}
    operands: list[GraphTensor] = []
    for place in shared:
        if _key(place) not in held:
            kind, where = place
            tensor = where if kind == "outside" else pull.forward.inputs[where] if kind == "input" else outputs[where]
            with entered(control=(), scope=""):
                held[_key(place)] = backward.placeholder(tensor.dtype, tensor.dims, "unused")
        operands.append(held[_key(place)])
    backward.inputs = backward.inputs[:count] + operands


def _key(place: tuple[str, Any]) -> tuple[str, int]:
    return place[0], id(place[1]) if place[0] == "outside" else place[1]


def _stand_in(graph: Graph, spec: Spec) -> Tensor:
    """A value for an output of a branch that was not taken; nothing uses it."""
    with entered(graph=graph, tapes=(), control=(), scope=""):
        if spec.dtype is dtypes.variant:
            return F.tensor_list_reserve(0, dtypes.float32)  # type: ignore[no-any-return]
        return F.zeros([0 if d is None else d for d in spec.shape or ()], spec.dtype)  # type: ignore[no-any-return]


def _attrs(op: Op, branches: Sequence[Graph]) -> dict[str, Any]:
    if op in (IF, PURE_IF):
        return {"then_branch": branches[0], "else_branch": branches[1]}
    return {"branches": tuple(branches)}


_ALL = Effect.READ | Effect.WRITE | Effect.IO


def _define(name: str, infer: Any, evaluate: Any, effects: Effect) -> Op:
    return register(Op(name, Kind.CONTROL, infer, evaluate, _gradient, effects, num_outputs=None))


IF = _define("If", _infer_if, _run_if, _ALL)
PURE_IF = _define("StatelessIf", _infer_if, _run_if, Effect.NONE)
CASE = _define("Case", _infer_case, _run_case, _ALL)
PURE_CASE = _define("StatelessCase", _infer_case, _run_case, Effect.NONE)


# -- tracing branches --------------------------------------------------------------------------------------------------


def _trace_branches(
    functions: Sequence[Callable[[], Any]], labels: Sequence[str], selector: Tensor, what: str
) -> tuple[list[Graph], list[Tensor], Any]:
    """The branches as graphs with the same inputs, what they capture, and the structure of their results."""
    outer = context.graph
    assert outer is not None
    graphs, results, reads = [], [], []
    for function, label in zip(functions, labels, strict=True):
        graph = Graph(f"{context.scope.replace('/', '_')}{label}", True, outer)
        graph.seed = outer.seed
        (result, leaves), read = trace_into(graph, _called, function, selector)
        graph.outputs = [graph.capture(t) for t in leaves if t is not None]
        graphs.append(graph)
        results.append((result, leaves))
        reads += read
    _check_alike(results, graphs, labels, what)
    report_reads(reads)
    return graphs, close(graphs), results[0]


def _called(function: Callable[[], Any], selector: Tensor) -> tuple[Any, list[Any]]:
    """A branch's result and its leaves as tensors; an operation stands for the predicate, None for nothing."""
    result = function()
    leaves = [selector if isinstance(leaf, Node) else leaf for leaf in expand(nest.flatten(result))]
    return result, [None if leaf is None else convert(leaf) for leaf in leaves]


def _check_alike(results: list[Any], graphs: list[Graph], labels: Sequence[str], what: str) -> None:
    first, first_leaves = results[0]
    for (other, leaves), label in zip(results[1:], labels[1:], strict=True):
        detail = ""
        try:
            nest.assert_same_structure(first, other)
        except (ValueError, TypeError) as error:
            detail = str(error)
        if not detail:
            detail = next((d for d in map(_unlike, first_leaves, leaves) if d), "")
        if detail:
            raise TypeError(
                f"{what} must have the same number, type, and overall structure of return values.\n\n"
                f"{labels[0]} output: {first!r}\n{label} output: {other!r}\n\nError details:\n{detail}"
            )


def _unlike(a: Any, b: Any) -> str:
    if (a is None) != (b is None):
        return f"{a!r} and {b!r}: one is None"
    if a is not None and a.dtype is not b.dtype:
        return f"Tensor {a!r} and Tensor {b!r} have different types: {a.dtype.name} and {b.dtype.name}"
    return ""


def _emitted(
    op: Op, selector: Tensor, graphs: list[Graph], captured: list[Tensor], first: Any, name: str | None
) -> Any:
    outputs = iter(emit(op, (selector, *captured), _attrs(op, graphs), name))
    result, leaves = first
    return pack(result, [None if leaf is None else next(outputs) for leaf in leaves])


# -- public ------------------------------------------------------------------------------------------------------------


def cond(pred: Any, true_fn: Any = None, false_fn: Any = None, name: str | None = None) -> Any:
    """The result of `true_fn` if `pred` holds, else of `false_fn`.

    Args:
      pred: a boolean scalar.
      true_fn, false_fn: callables without arguments that return the same structure of tensors.

    Raises:
      TypeError: in graphs, if the branches return other structures or dtypes.
      InvalidArgumentError: in graphs, if `pred` is not a scalar.

    >>> x = tf.constant(2.0)
    >>> float(tf.cond(x > 1, lambda: x * 10, lambda: x))
    20.0

    TensorFlow: tf.cond.
    """
    if not callable(true_fn):
        raise TypeError("'true_fn' must be callable.")
    if not callable(false_fn):
        raise TypeError("'false_fn' must be callable.")
    if context.graph is None:
        return true_fn() if pred else false_fn()
    pred = convert(pred)
    if pred.dtype is dtypes.string:
        raise TypeError(f"pred must not be a string, received {pred!r}.")
    if pred.dims is not None and None not in pred.dims and math.prod(pred.dims) != 1:
        raise InvalidArgumentError(f"The predicate of tf.cond must be a scalar, received {pred!r}.").here()
    with F.name_scope(name or "cond"):
        labels = ("true_fn", "false_fn")
        graphs, captured, first = _trace_branches(
            (true_fn, false_fn), labels, pred, "true_fn and false_fn arguments to tf.cond"
        )
        op = PURE_IF if all(map(is_pure, graphs)) else IF
        return _emitted(op, pred, graphs, captured, first, None)


def switch_case(branch_index: Any, branch_fns: Any, default: Any = None, name: str | None = "switch_case") -> Any:
    """The result of the callable number `branch_index`, or of `default` (else the last) for an index out of range.

    Args:
      branch_index: an int32 scalar.
      branch_fns: a list of callables, or a dict or list of pairs from the indices 0, 1, ... to callables.

    >>> int(tf.switch_case(tf.constant(1), [lambda: tf.constant(10), lambda: tf.constant(20)]))
    20

    TensorFlow: tf.switch_case.
    """
    functions = _numbered(branch_fns, default)
    index = convert(branch_index)
    if not index.dtype.is_integer:
        raise TypeError(f"branch_index must be an integer tensor, received dtype {index.dtype.name}.")
    if context.graph is None:
        at = int(static_value(index))  # type: ignore[arg-type]
        return functions[at if 0 <= at < len(functions) else -1]()
    with F.name_scope(name):
        return _case_node(F.cast(index, dtypes.int32), functions)


def _case_node(index: Tensor, functions: Sequence[Callable[[], Any]]) -> Any:
    labels = [f"branch{i}" for i in range(len(functions))]
    graphs, captured, first = _trace_branches(functions, labels, index, "branch_fns arguments to tf.switch_case")
    return _emitted(PURE_CASE if all(map(is_pure, graphs)) else CASE, index, graphs, captured, first, None)


def _numbered(branch_fns: Any, default: Any) -> list[Callable[[], Any]]:
    """The branches, the default last."""
    if isinstance(branch_fns, dict):
        pairs = sorted(branch_fns.items())
    elif isinstance(branch_fns, (list, tuple)):
        if not branch_fns:
            raise ValueError("Argument `branch_fns` must not be empty.")
        pairs = list(enumerate(branch_fns)) if callable(branch_fns[0]) else sorted(branch_fns, key=lambda pair: pair[0])
    else:
        raise TypeError(f"Argument `branch_fns` must be a dict, list or tuple, received {type(branch_fns).__name__}.")
    for key, function in pairs:
        if not callable(function):
            raise TypeError(f"branch_fns[{key}] must be callable, received {function!r}.")
    if [key for key, _ in pairs] != list(range(len(pairs))):
        raise ValueError(
            f"branch indices (keys) must form contiguous range of [0 to {len(pairs)}) but found "
            f"{{{','.join(str(k) for k, _ in pairs)}}}"
        )
    functions = [function for _, function in pairs]
    return functions if default is None else [*functions, default]


def case(
    pred_fn_pairs: Any, default: Any = None, exclusive: bool = False, strict: bool = False, name: str | None = "case"
) -> Any:
    """The result of the first callable whose predicate holds, or of `default`.

    Args:
      pred_fn_pairs: a list of pairs (boolean scalar, callable).
      exclusive: check that at most one predicate holds.
      strict: accepted; single results are never unpacked here.

    Raises:
      InvalidArgumentError: when it runs, if no predicate holds and there is no default, or several do and `exclusive`.

    >>> x = tf.constant(3)
    >>> tf.case([(x < 2, lambda: tf.constant("small"))], default=lambda: tf.constant("large")).numpy()
    b'large'

    TensorFlow: tf.case.
    """
    pairs = _pairs(pred_fn_pairs)
    if default is not None and not callable(default):
        raise TypeError(f"default must be callable, received {default!r}.")
    predicates = [convert(p) for p, _ in pairs]
    with F.name_scope(name):
        checks = _case_checks(predicates, default is None, exclusive)
        function: Any = default
        for pred, branch in zip(reversed(predicates), reversed([f for _, f in pairs]), strict=True):
            function = _either(pred, branch, function)
        if context.graph is None:
            return function()
        with context.graph.control_dependencies(checks):
            return function()


def _either(pred: Any, branch: Any, otherwise: Any) -> Callable[[], Any]:
    return branch if otherwise is None else lambda: cond(pred, branch, otherwise)


def _pairs(pred_fn_pairs: Any) -> list[tuple[Any, Any]]:
    if isinstance(pred_fn_pairs, dict):
        pred_fn_pairs = [(key.deref() if hasattr(key, "deref") else key, f) for key, f in pred_fn_pairs.items()]
    if not isinstance(pred_fn_pairs, (list, tuple)):
        raise TypeError(f"'pred_fn_pairs' must be a list, tuple, or dict. Received: {type(pred_fn_pairs)}")
    for pair in pred_fn_pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(f"Each entry in 'pred_fn_pairs' must be a 2-tuple. Received {pair!r}.")
        if not callable(pair[1]):
            raise TypeError(f"'fn' for pred {pair[0]!r} must be callable.")
    if not pred_fn_pairs:
        raise ValueError("'pred_fn_pairs' must not be empty.")
    return list(pred_fn_pairs)


def _case_checks(predicates: Sequence[Any], some: bool, exclusive: bool) -> list[Any]:
    together = F.stack(predicates)
    checks = []
    if exclusive:
        count = F.reduce_sum(F.cast(together, dtypes.int32))
        message = "Input error: exclusive=True: more than 1 conditions evaluated as True:"
        checks.append(F.Assert(F.less_equal(count, 1), [message, together]))
    if some:
        message = "Input error: None of conditions evaluated as True:"
        checks.append(F.Assert(F.reduce_any(together), [message, together]))
    return [check for check in checks if check is not None]
