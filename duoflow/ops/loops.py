"""`tf.while_loop`: a Python loop in eager mode, the op While in graphs.

A node takes the loop variables, then what the condition and the body capture; both graphs take all of these. It
gives the loop variables. To differentiate it, the loop gets further variables: the number of iterations, and a list
for each tensor of the body that the body's gradient needs. The gradient is a loop that pops them and runs the body's
gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from duoflow.core import dtypes, nest, shapes
from duoflow.core.autodiff import between
from duoflow.core.composite import Composite, expand, pack
from duoflow.core.context import context, entered
from duoflow.core.emit import emit
from duoflow.core.engine import run_graph
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.graph import Graph, Node
from duoflow.core.late import F
from duoflow.core.record import Effect, Kind, Op, register
from duoflow.core.shapes import Dims, TensorShape
from duoflow.core.spec import Spec, TypeSpec
from duoflow.core.tensor import GraphTensor, Tensor, convert

from .call import Level, call, levels_of, place_saved, widen
from .subgraphs import (
    Pullback,
    close,
    copy_graph,
    dense,
    differentiate,
    is_differentiable,
    is_pure,
    report_reads,
    trace_into,
    zeros_for,
)
from .tensor_list import tensor_list_pop, tensor_list_push, tensor_list_reserve

__all__ = ["while_loop"]


# -- the op ------------------------------------------------------------------------------------------------------------


def _infer(*specs: Spec, cond: Graph, body: Graph) -> tuple[Spec, ...]:
    return tuple([Spec(t.dims, t.dtype) for t in body.inputs[: len(body.outputs)]])


def _run(*values: Any, cond: Graph, body: Graph) -> tuple[Any, ...]:
    state, count = list(values), len(body.outputs)
    while True:
        (going,) = run_graph(cond, state)
        if np.ndim(going):
            raise InvalidArgumentError(f"The condition of a loop must be a scalar, received shape {going.shape}.")
        if not going:
            return tuple(state[:count])
        state[:count] = run_graph(body, state)


# -- the gradient ------------------------------------------------------------------------------------------------------


@dataclass
class _LoopLevel(Level):
    """The derivative of one iteration, and where the loop keeps what it needs.

    `saved` tells for each operand of the body's gradient: ("input", position among the node's inputs), ("popped",
    number of the list) or ("outside", tensor).
    """

    counter: int
    stacks: list[tuple[int, GraphTensor]]
    """The position of each list among the node's outputs, and the tensor of the body whose values it holds."""
    variables: tuple[int, ...]
    """The loop variables that have a cotangent."""
    constants: tuple[int, ...]
    """The other inputs that have one; it is added up over the iterations."""

    def element_of(self, output: int) -> Tensor | None:
        """The tensor of the body whose values the list has that the loop gives as an output."""
        return dict(self.stacks).get(output)


def _gradient(node: Node, *grads: Any) -> list[Any]:
    given = [i for i, g in enumerate(grads) if g is not None]
    variables, wanted = _reached(node, given)
    levels: list[Any] = levels_of(node.attrs["body"])
    level = next((found for found in levels if set(variables) <= set(found.variables)), None)
    if level is None:
        level = _extend(node, variables, wanted)
    assert isinstance(level, _LoopLevel)
    _, _, cotangents, sums = _run_backwards(node, level, grads)
    found = dict(zip(level.variables, cotangents, strict=True)) | dict(zip(level.constants, sums, strict=True))
    return [found.get(i) for i in range(len(node.inputs))]


def _reached(node: Node, given: Iterable[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The variables whose cotangents flow around the loop, and all inputs that get one."""
    body = node.attrs["body"]
    variables = set(given)
    while True:
        reached = _behind(body, variables)
        more = {i for i in reached if i < len(body.outputs)} | variables
        if more == variables:
            return tuple(sorted(variables)), tuple(sorted(reached | variables))
        variables = more


def _behind(body: Graph, outputs: Iterable[int]) -> set[int]:
    """The inputs that outputs of the body depend on differentiably."""
    sources = [(i, t) for i, t in enumerate(body.inputs) if is_differentiable(t)]
    targets = [body.outputs[i] for i in outputs]
    touched = {id(t) for t in targets}
    for node in between(body, [t for _, t in sources], targets):
        touched.update(id(t) for t in node.inputs)
    return {i for i, t in sources if id(t) in touched}


def _extend(node: Node, variables: tuple[int, ...], wanted: tuple[int, ...]) -> _LoopLevel:
    """Let a loop count its iterations and keep what the gradient of its body needs."""
    body, count = node.attrs["body"], len(node.outputs)
    pull = differentiate(body, variables, wanted)
    constants = _finish(pull, variables)
    internal: list[Tensor] = []
    places = _place_loop_saved(pull, count, internal)
    kept = [(count + 1 + k, t) for k, t in enumerate(internal)]
    level = _LoopLevel(pull, places, count, kept, variables, constants)  # type: ignore[arg-type]
    new_body = _counting_body(pull.forward, count, internal)
    new_cond = copy_graph(node.attrs["cond"])
    with entered(graph=new_cond, tapes=(), control=(), scope=""):
        extra = [
            new_cond.placeholder(t.dtype, (), "unused") for t in new_body.inputs[count : count + 1 + len(internal)]
        ]
    new_cond.inputs[count:count] = extra
    fresh = _before(node, lambda: [F.constant(0), *[tensor_list_reserve(0, t.dtype) for t in internal]])
    levels = [_shifted(older, count, len(fresh)) for older in (*levels_of(body), level)]
    new_body.extras["levels"] = levels
    widen(node, {"cond": new_cond, "body": new_body}, (*node.inputs[:count], *fresh, *node.inputs[count:]))
    return levels[-1]


def _shifted(level: Any, count: int, by: int) -> _LoopLevel:
    """A level after `by` variables were put in behind the first `count` inputs."""
    constants = tuple([i + by if i >= count else i for i in level.constants])
    saved = [(k, w + by) if k == "input" and w >= count else (k, w) for k, w in level.saved]
    return replace(level, constants=constants, saved=saved)  # type: ignore[no-any-return]


def _finish(pull: Pullback, variables: tuple[int, ...]) -> tuple[int, ...]:
    """Fix the outputs of the body's gradient: one per variable, then the connected other inputs, which are returned."""
    by_input = {i: dense(pull, r) for i, r in zip(pull.wanted, pull.results, strict=True)}
    with pull.building():
        for i in variables:
            if by_input[i] is None:
                by_input[i] = zeros_for(pull.forward.inputs[i])
    constants = tuple([i for i in pull.wanted if i not in variables and by_input[i] is not None])
    pull.finish([by_input[i] for i in (*variables, *constants)])
    return constants


def _place_loop_saved(pull: Pullback, count: int, internal: list[Tensor]) -> list[tuple[str, Any]]:
    """Loop variables and what is computed in the body change: they are kept in lists; the rest does not."""
    outputs: list[Tensor] = []
    places: list[tuple[str, Any]] = []
    for kind, where in place_saved(pull, outputs):
        if kind == "output" or kind == "input" and where < count:
            places.append(("popped", len(internal)))
            internal.append(outputs[where] if kind == "output" else pull.forward.inputs[where])
        else:
            places.append((kind, where))
    return places


def _counting_body(body: Graph, count: int, internal: Sequence[Tensor]) -> Graph:
    """The body with a counter and lists as further variables."""
    with entered(graph=body, tapes=(), control=(), scope=""):
        counter = body.placeholder(dtypes.int32, (), "counter")
        lists = [body.placeholder(dtypes.variant, (), "saved") for _ in internal]
        body.outputs += [counter + 1, *[tensor_list_push(items, t) for items, t in zip(lists, internal, strict=True)]]
    body.inputs[count:count] = [counter, *lists]
    return body


def _before(node: Node, make: Callable[[], list[Tensor]]) -> list[Tensor]:
    """Tensors made by nodes that stand before `node` in its graph."""
    graph = node.graph
    assert graph is not None
    have = len(graph.nodes)
    with entered(graph=graph, tapes=(), control=(), scope=f"{node.name}/"):
        tensors = make()
    fresh = graph.nodes[have:]
    del graph.nodes[have:]
    at = next(i for i, n in enumerate(graph.nodes) if n is node)
    graph.nodes[at:at] = fresh
    return tensors


def _run_backwards(node: Node, level: _LoopLevel, grads: Sequence[Any]) -> Any:
    """The loop over the iterations from last to first."""
    outputs, backward = node.outputs, level.pullback.backward
    results = backward.outputs
    start = [
        convert(grads[i]) if i < len(grads) and grads[i] is not None else zeros_for(outputs[i]) for i in level.variables
    ]
    sums = [zeros_for(node.inputs[i], result) for i, result in zip(level.constants, results[len(start) :], strict=True)]
    graph = context.graph
    assert graph is not None
    fixed = {
        k: graph.capture(node.inputs[w] if kind == "input" else w)
        for k, (kind, w) in enumerate(level.saved)
        if kind != "popped"
    }

    def body(left: Any, lists: Any, cotangents: Any, totals: Any) -> Any:
        popped = [tensor_list_pop(items, t.dtype, t.dims) for items, (_, t) in zip(lists, level.stacks, strict=True)]
        operands = [popped[w][1] if kind == "popped" else fixed[k] for k, (kind, w) in enumerate(level.saved)]
        flat = call(backward, [*cotangents, *operands])
        added = [_plus(a, b) for a, b in zip(totals, flat[len(cotangents) :], strict=True)]
        return left - 1, [rest for rest, _ in popped], list(flat[: len(cotangents)]), added

    variables = (outputs[level.counter], [outputs[i] for i, _ in level.stacks], start, sums)
    invariants = (
        TensorShape(()), [TensorShape(()) for _ in level.stacks],
        [TensorShape(shapes.relax(a.dims, b.dims)) for a, b in zip(start, results, strict=False)],
        [TensorShape(shapes.relax(a.dims, b.dims)) for a, b in zip(sums, results[len(start) :], strict=True)],
    )  # fmt: skip
    return while_loop(lambda left, *_: left > 0, body, variables, invariants, name=f"{node.name}_grad")


def _plus(a: Any, b: Any) -> Any:
    return F.tensor_list_add(a, b) if a.dtype is dtypes.variant else a + b


WHILE = register(
    Op(
        "While",
        Kind.CONTROL,
        _infer,
        _run,
        _gradient,
        Effect.READ | Effect.WRITE | Effect.IO,
        checked=False,
        num_outputs=None,
    )
)
PURE_WHILE = register(Op("StatelessWhile", Kind.CONTROL, _infer, _run, _gradient, checked=False, num_outputs=None))


# -- public ------------------------------------------------------------------------------------------------------------


def while_loop(
    cond: Any,
    body: Any,
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    maximum_iterations: Any = None,
    name: str | None = None,
) -> Any:
    """Repeat `body` on the loop variables while `cond` holds of them.

    Args:
      cond: a callable that takes the loop variables and returns a boolean scalar.
      body: a callable that takes the loop variables and returns new ones, in the same structure.
      loop_vars: a list, tuple or other structure of tensors and TensorArrays.
      shape_invariants: the same structure of shapes that hold throughout the loop.
      parallel_iterations, swap_memory: accepted; iterations run one after the other in one memory.
      back_prop: whether gradients pass the loop.
      maximum_iterations: an upper limit, an integer scalar.

    Raises:
      TypeError: if `cond` or `body` is not callable, or the dtype of a loop variable changes.
      ValueError: if the structure of the loop variables changes, or a shape does in another way than the invariants
        allow.

    >>> i = tf.constant(0)
    >>> int(tf.while_loop(lambda i: i < 10, lambda i: (i + 3,), [i])[0])
    12

    TensorFlow: tf.while_loop.
    """
    if not callable(cond):
        raise TypeError("'cond' must be callable.")
    if not callable(body):
        raise TypeError("'body' must be callable.")
    if not nest.flatten(loop_vars):
        raise ValueError("'loop_vars' must be provided.")
    if parallel_iterations < 1:
        raise TypeError("'parallel_iterations' must be a positive integer.")
    if maximum_iterations is not None and convert(maximum_iterations).dims not in (None, ()):
        raise ValueError(f"'maximum_iterations' must be a scalar. Received shape: {convert(maximum_iterations).shape}")
    if context.graph is None:
        result = _eager_loop(cond, body, loop_vars, maximum_iterations)
    else:
        with F.name_scope(name or "while"):
            result = _graph_loop(cond, body, loop_vars, shape_invariants, maximum_iterations)
    return result if back_prop else nest.map_structure(_stopped, result)


def _stopped(leaf: Any) -> Any:
    return F.stop_gradient(leaf) if isinstance(leaf, Tensor) and leaf.dtype.is_differentiable else leaf


def _as_arguments(loop_vars: Any) -> Any:
    return loop_vars if isinstance(loop_vars, (list, tuple)) else (loop_vars,)


def _eager_loop(cond: Any, body: Any, loop_vars: Any, maximum_iterations: Any) -> Any:
    left = None if maximum_iterations is None else int(convert(maximum_iterations).numpy())  # type: ignore[attr-defined]
    while (left is None or left > 0) and cond(*_as_arguments(loop_vars)):
        new = body(*_as_arguments(loop_vars))
        if isinstance(loop_vars, (list, tuple)) and len(loop_vars) == 1 and not isinstance(new, (list, tuple)):
            new = (new,)
        nest.assert_same_structure(list(_as_arguments(loop_vars)), list(_as_arguments(new)))
        loop_vars = new
        left = None if left is None else left - 1
    return nest.map_structure(lambda leaf: leaf if isinstance(leaf, Composite) else convert(leaf), loop_vars)


def _graph_loop(cond: Any, body: Any, loop_vars: Any, shape_invariants: Any, maximum_iterations: Any) -> Any:
    """The While node; with a limit, a counter goes first among the loop variables."""
    outer = context.graph
    assert outer is not None
    structure = nest.map_structure(lambda leaf: leaf if isinstance(leaf, Composite) else convert(leaf), loop_vars)
    tensors = [outer.capture(t) for t in expand(nest.flatten(structure))]
    dims = _invariant_dims(structure, tensors, shape_invariants)
    limit = None if maximum_iterations is None else F.cast(maximum_iterations, dtypes.int32)
    if limit is not None:
        tensors, dims = [outer.capture(F.constant(0)), *tensors], [(), *dims]
    loop = _Loop(structure, tensors, dims, limit)
    graphs, reads = loop.trace(cond, body)
    report_reads(reads)
    captured = close(graphs)
    op = PURE_WHILE if all(map(is_pure, graphs)) else WHILE
    outputs = emit(op, (*tensors, *captured), {"cond": graphs[0], "body": graphs[1]})
    return pack(structure, outputs[0 if limit is None else 1 :])


@dataclass
class _Loop:
    """A loop under construction: the structure of its variables, what they start as and their static shapes."""

    structure: Any
    tensors: list[Any]
    dims: list[Dims]
    limit: Any

    def trace(self, cond: Any, body: Any) -> tuple[list[Graph], list[Any]]:
        """The graphs of condition and body, and the variables they read."""
        outer = context.graph
        graphs, reads = [], []
        for label, function in (("cond", self._condition(cond)), ("body", self._step(body))):
            graph = Graph(f"{context.scope.replace('/', '_')}{label}", True, outer)
            graph.seed = outer.seed if outer is not None else None
            with entered(graph=graph, tapes=(), control=(), scope=""):
                arguments = [
                    graph.add_input(t.dtype, d, "loop_var") for t, d in zip(self.tensors, self.dims, strict=True)
                ]
            outputs, read = trace_into(graph, function, arguments)
            graph.outputs = [graph.capture(t) for t in outputs]
            graphs.append(graph)
            reads += read
        return graphs, reads

    def _variables(self, arguments: list[Any]) -> Any:
        return _as_arguments(pack(self.structure, arguments if self.limit is None else arguments[1:]))

    def _condition(self, cond: Any) -> Callable[..., list[Any]]:
        def run(arguments: list[Any]) -> list[Any]:
            going = convert(cond(*self._variables(arguments)))
            if going.dims not in (None, ()):
                raise ValueError(f"The condition of a loop must be a boolean scalar, received shape {going.shape}.")
            if not going.dtype.is_bool:
                raise TypeError(f"The condition of a loop must be a boolean scalar, received dtype {going.dtype.name}.")
            return [going if self.limit is None else F.logical_and(arguments[0] < self.limit, going)]

        return run

    def _step(self, body: Any) -> Callable[..., list[Any]]:
        def run(arguments: list[Any]) -> list[Any]:
            new = body(*self._variables(arguments))
            if (
                isinstance(self.structure, (list, tuple))
                and len(self.structure) == 1
                and not isinstance(new, (list, tuple))
            ):
                new = (new,)
            expected = self.structure if isinstance(self.structure, (list, tuple)) else (self.structure,)
            got = new if isinstance(self.structure, (list, tuple)) else (new,)
            nest.assert_same_structure(list(expected), list(got) if isinstance(got, (list, tuple)) else got)
            leaves = [convert(t) for t in expand(nest.flatten(got))]
            leaves = leaves if self.limit is None else [arguments[0] + 1, *leaves]
            for index, (tensor, start) in enumerate(zip(leaves, arguments, strict=True)):
                _check_variable(tensor, start, self.tensors[index])
            return leaves

        return run


def _check_variable(new: Tensor, old: Tensor, start: GraphTensor) -> None:
    """A loop variable keeps its dtype, and its shape within the invariant."""
    if new.dtype is not old.dtype:
        raise TypeError(
            f"Loop variable {start.name!r} enters the loop with dtype {old.dtype.name}, but has dtype {new.dtype.name} "
            "after one iteration. Loop variables must keep their dtype: use tf.cast in the body."
        )
    if not TensorShape(new.dims).is_subtype_of(TensorShape(old.dims)):
        raise ValueError(
            f"Input tensor {start.name!r} enters the loop with shape {shapes.show(old.dims)}, but has shape "
            f"{shapes.show(new.dims)} after one iteration. To allow the shape to vary across iterations, use the "
            "`shape_invariants` argument of tf.while_loop to specify a less-specific shape."
        )


def _invariant_dims(structure: Any, tensors: Sequence[Tensor], shape_invariants: Any) -> list[Dims]:
    """The static shape of each loop variable throughout the loop."""
    if shape_invariants is None:
        return [t.dims for t in tensors]
    leaves = nest.flatten(shape_invariants)
    values = nest.flatten(structure)
    if len(leaves) != len(values):
        nest.assert_same_structure(structure, shape_invariants)
    dims: list[Dims] = []
    for value, invariant in zip(values, leaves, strict=True):
        if isinstance(value, Composite):
            dims += [t.dims for t in value._components()]
            continue
        shape = shapes.as_dims(invariant.shape if isinstance(invariant, TypeSpec) else invariant)  # type: ignore[attr-defined]
        if not TensorShape(value.dims).is_subtype_of(TensorShape(shape)):
            raise ValueError(
                f"The shape invariant specified for {value!r} is not compatible with the initial shape of the loop "
                "variable. "
                f"It enters the loop with shape {shapes.show(value.dims)}, but the specified shape invariant is "
                f"{shapes.show(shape)}."
            )
        dims.append(shape)
    return dims
