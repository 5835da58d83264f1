"""Reverse-mode differentiation over recorded nodes.

A tape is a list of `Node`s whose outputs hold values; a graph is a list of `Node`s whose outputs will. `backpropagate`
serves both: it walks nodes backwards, asks each record's gradient rule for cotangents, undoes broadcasting of
elementwise ops, and adds cotangents up. The rules are ops themselves, so what is computed here can be differentiated
again and traced.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Container, Iterable, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Any

from . import dtypes, nest, shapes
from .context import context, entered
from .graph import Graph, Node
from .indexed_slices import IndexedSlices
from .late import F
from .record import Kind
from .recurring import recurring
from .registered import rule_of
from .tensor import Tensor, convert
from .variables import Variable

_logger = logging.getLogger("tensorflow")

__all__ = ["GradientTape", "UnconnectedGradients", "backpropagate", "gradients", "stop_recording"]


class UnconnectedGradients(Enum):
    """What stands for the gradient of a source that the target does not depend on.

    TensorFlow: tf.UnconnectedGradients.
    """

    NONE = "none"
    ZERO = "zero"


class _Cotangents:
    """The cotangent of each tensor, by identity; several contributions are added when they are asked for."""

    def __init__(self) -> None:
        self._parts: dict[int, list[Any]] = {}

    def add(self, tensor: Tensor, cotangent: Any) -> None:
        self._parts.setdefault(id(tensor), []).append(cotangent)

    def take(self, tensor: Tensor) -> Any:
        parts = self._parts.get(id(tensor))
        if not parts:
            return None
        if len(parts) > 1:
            parts[:] = [_sum(parts)]
        return parts[0]


def _sum(parts: list[Any]) -> Any:
    if all(isinstance(p, IndexedSlices) for p in parts):
        values = F.concat([p.values for p in parts], 0)
        indices = F.concat([F.cast(p.indices, parts[0].indices.dtype) for p in parts], 0)
        return IndexedSlices(values, indices, parts[0].dense_shape)
    if parts[0].dtype is dtypes.variant:
        return functools.reduce(F.tensor_list_add, parts)
    return F.add_n([convert(p) for p in parts])


def backpropagate(
    nodes: Iterable[Node],
    targets: Sequence[Tensor],
    sources: Sequence[Tensor],
    cotangents: Sequence[Any],
    stop: Iterable[Tensor] = (),
) -> list[Any]:
    """The cotangents of `sources`, given those of `targets`, through `nodes` in execution order.

    The result has a tensor, IndexedSlices or None per source. Cotangents do not pass the tensors in `stop`.
    """
    nodes = list(nodes)
    wanted = _dependent(nodes, sources)
    table = _Cotangents()
    for target, cotangent in zip(targets, cotangents, strict=True):
        table.add(target, cotangent)
    stopped = {id(t) for t in stop}
    for node in reversed(nodes):
        if not node.op.differentiable or not any(id(out) in wanted for out in node.outputs):
            continue
        grads = [None if id(out) in stopped else table.take(out) for out in node.outputs]
        if all(g is None for g in grads):
            continue
        pulled = pull_back(node, grads, wanted)  # may give a control node further inputs
        for tensor, cotangent in zip(node.inputs, pulled, strict=True):
            if cotangent is not None:
                table.add(tensor, cotangent)
    return [table.take(source) for source in sources]


def _dependent(nodes: Iterable[Node], sources: Iterable[Tensor]) -> set[int]:
    """The ids of `sources` and of what nodes compute from them."""
    found = {id(t) for t in sources}
    for node in nodes:
        for tensor in node.inputs:
            if id(tensor) in found:
                found.update([id(out) for out in node.outputs])
                break
    return found


def pull_back(node: Node, grads: list[Any], wanted: Container[int] | None = None) -> list[Any]:
    """The cotangents of a node's inputs, given those of its outputs (None for zero).

    Only those of inputs whose ids are in `wanted` are computed, or all.
    """
    op = node.op
    rule = op.gradient if node.graph is None else rule_of(node)
    if rule is None:
        if op.expand is not None:
            return _pull_back_through_parts(node, grads)
        raise LookupError(f"gradient registry has no entry for: {op.name}")
    if op.kind is not _CONTROL:
        grads = [_dense(node, g) if g is not None else _zero(out) for g, out in zip(grads, node.outputs, strict=True)]
    if context.graph is None:
        return _applied(rule, node, grads, wanted)
    with F.name_scope(f"gradients/{node.name or op.name}_grad"):
        return _applied(rule, node, grads, wanted)


_CONTROL, _ELEMENTWISE = Kind.CONTROL, Kind.ELEMENTWISE


def _applied(rule: Callable[..., Any], node: Node, grads: list[Any], wanted: Container[int] | None) -> list[Any]:
    """What a rule gives, computed where it left that open, and of the inputs' shapes."""
    found: Any = rule(node, *grads)
    inputs = node.inputs
    if type(found) is not tuple:
        found = tuple(found) if isinstance(found, list) else (found,)
    if len(found) != len(inputs):
        raise ValueError(f"The gradient of {node.op.name} gave {len(found)} values for {len(inputs)} inputs.")
    elementwise = node.op.kind is _ELEMENTWISE
    out: list[Any] = []
    for cotangent, tensor in zip(found, inputs, strict=True):
        if cotangent is None or (wanted is not None and id(tensor) not in wanted):
            out.append(None)
            continue
        if callable(cotangent):
            cotangent = cotangent()
        out.append(unbroadcast(cotangent, tensor) if elementwise else cotangent)
    return out


def _zero(output: Tensor) -> Any:
    """The cotangent of an output that nothing depends on."""
    return F.zeros_like(output) if output.dtype.is_floating or output.dtype.is_complex else None


def _dense(node: Node, grad: Any) -> Any:
    """Only rules that say so (tag "sparse_gradient") are given IndexedSlices."""
    if isinstance(grad, IndexedSlices) and "sparse_gradient" not in node.op.tags:
        return convert(grad)
    return grad


def _pull_back_through_parts(node: Node, grads: list[Any]) -> list[Any]:
    """The gradient of a compound without a rule of its own: differentiate what it expands to.

    In a graph the expansion repeats what the compound computes; the merge pass makes them one.
    """
    assert node.op.expand is not None
    with GradientTape(watch_accessed_variables=False) as tape:
        inputs = [F.identity(t) if t.dtype.is_differentiable else t for t in node.inputs]
        for t in inputs:
            if t.dtype.is_differentiable:
                tape.watch(t)
        outputs = node.op.expand(*inputs, **node.attrs)
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    live = [(o, g) for o, g in zip(outputs, grads, strict=True) if g is not None]
    sources = [t for t in inputs if t.dtype.is_differentiable]
    found = iter(tape.gradient([o for o, _ in live], sources, [convert(g) for _, g in live]))
    return [next(found) if t.dtype.is_differentiable else None for t in inputs]


def unbroadcast(grad: Any, like: Tensor) -> Any:
    """Sum a cotangent over the dimensions that broadcasting added or stretched."""
    if isinstance(grad, IndexedSlices):
        return grad
    have, want = grad.dims, like.dims
    if have is not None and want is not None and None not in have:
        if have == want:
            return grad
        lead = len(have) - len(want)
        stretched = [i + lead for i, (h, w) in enumerate(zip(have[lead:], want, strict=True)) if w == 1 and h != 1]
        axes = list(range(lead)) + stretched
        if axes:
            grad = F.reduce_sum(grad, axes)
        return grad if shapes.compatible(grad.dims, want) else F.reshape(grad, want)
    if want == ():
        return F.reduce_sum(grad)
    return F.sum_to_shape_of(grad, like)


# -- the tape ----------------------------------------------------------------------------------------------------------


class GradientTape:
    """Records ops so that they can be differentiated.

    Trainable variables are watched when they are read; other tensors with `watch`.

    >>> x = tf.constant(3.0)
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = x * x
    >>> tape.gradient(y, x)
    <tf.Tensor: shape=(), dtype=float32, numpy=6.0>

    TensorFlow: tf.GradientTape.
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watch_accessed = watch_accessed_variables
        self._watched: dict[int, Tensor] = {}
        self._variables: dict[int, Variable] = {}
        self._nodes: list[Node] = []
        self._recording = False
        self._entered = self._used = False

    def __enter__(self) -> GradientTape:
        if self._recording:
            raise ValueError("Tape is still recording, This can happen if you try to re-enter an already-active tape.")
        self._start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._recording:
            self._stop()

    def _start(self) -> None:
        context.tapes += (self,)
        self._recording = self._entered = True

    def _stop(self) -> None:
        context.tapes = tuple(t for t in context.tapes if t is not self)
        self._recording = False

    def record(self, node: Node) -> None:
        """Keep a node if it depends on anything watched; called by `emit`."""
        watched = self._watched
        for tensor in node.inputs:
            if id(tensor) in watched:
                break
        else:
            return
        if not node.op.differentiable:
            return
        self._nodes.append(node)
        for out in node.outputs:
            watched[id(out)] = out

    def widened(self, node: Node) -> None:
        """Note that a control node of a graph was given further outputs."""
        if any(id(out) in self._watched for out in node.outputs):
            self._watched.update({id(out): out for out in node.outputs})

    def watches(self, tensor: Tensor) -> bool:
        """Whether what is computed from a tensor is recorded."""
        return id(tensor) in self._watched

    @property
    def persistent(self) -> bool:
        """Whether more than one gradient may be asked for."""
        return self._persistent

    def variable_accessed(self, variable: Variable) -> None:
        """Watch a trainable variable that is being read."""
        if self._watch_accessed and variable.trainable:
            self._watch_variable(variable)

    def _watch_variable(self, variable: Variable) -> None:
        handle = variable.handle
        self._variables[id(handle)] = variable
        self._watched[id(handle)] = handle
        if context.graph is not None:
            inner = context.graph.capture(handle)
            self._watched[id(inner)] = inner

    def watch(self, tensor: Any) -> None:
        """Record what is computed from a tensor, a variable or a structure of them."""
        for item in nest.flatten(tensor):
            if isinstance(item, Variable):
                self._watch_variable(item)
            elif isinstance(item, Tensor):
                if not item.dtype.is_differentiable:
                    _logger.warning(
                        "The dtype of the watched tensor must be floating (e.g. tf.float32), got %r", item.dtype
                    )
                    continue
                self._watched[id(item)] = item
                if context.graph is not None:
                    inner = context.graph.capture(item)
                    self._watched[id(inner)] = inner
            else:
                raise ValueError(
                    f"Passed in object {item!r} of type {type(item).__name__!r}, not tf.Tensor or tf.Variable."
                )

    def watched_variables(self) -> tuple[Variable, ...]:
        """The variables watched so far, in order of first use."""
        return tuple(self._variables.values())

    @contextmanager
    def stop_recording(self) -> Any:
        """Do not record inside; gradients may be computed there."""
        if not self._recording:
            raise RuntimeError("Tape is not recording.")
        self._stop()
        try:
            yield
        finally:
            self._start()

    def reset(self) -> None:
        """Forget everything recorded and watched."""
        self._nodes, self._watched, self._variables = [], {}, {}

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
    ) -> Any:
        """The gradient of the sum of `target` with respect to each of `sources`, in the structure of `sources`.

        Raises `RuntimeError` on a second call of a tape that is not persistent.
        """
        if target is None:
            raise TypeError("Argument `target` should be a list or nested structure of Tensors, Variables or "
                            "CompositeTensors to be differentiated, but received None.")  # fmt: skip
        self._take_for_use()
        flat_sources = nest.flatten(sources)
        flat_targets = nest.flatten(target)
        flat_keys = [_source_key(t, "target") for t in flat_targets]
        seeds = nest.flatten(output_gradients) if output_gradients is not None else [None] * len(flat_targets)
        unconnected_gradients = UnconnectedGradients(unconnected_gradients)
        given = zip(flat_keys, flat_targets, seeds, strict=True)
        rows = [row for row in given if dtypes.as_dtype(row[1].dtype).is_differentiable]
        pairs = [(key, g if g is None and key is t else _seed(t, g)) for key, t, g in rows]
        targets, cotangents = [key for key, _ in pairs], [g for _, g in pairs]
        keys = [_source_key(s) for s in flat_sources]
        results = self._pull(self._nodes, keys, targets, cotangents)
        self._release()
        finished = [_connected(r, s, unconnected_gradients) for r, s in zip(results, flat_sources, strict=True)]
        return nest.pack_sequence_as(sources, finished)

    def _pull(self, nodes: list[Node], keys: list[Tensor], targets: list[Tensor], cotangents: list[Any]) -> list[Any]:
        """`backpropagate` to what was watched; in functions an outside tensor is also known by its placeholders."""
        known = self._watched.keys() | {id(t) for t in targets if t.dtype is dtypes.resource}  # variables themselves
        names = [[t for t in (key, *_captured_as(key)) if id(t) in known] for key in keys]
        sources = [t for group in names for t in group]
        pulled = recurring.pull(nodes, targets, sources, cotangents, _from_seeds)
        found = iter(_from_seeds(nodes, targets, sources, cotangents) if pulled is None else pulled)
        by_name = [[next(found) for _ in group] for group in names]
        return [next((g for g in group if g is not None), None) for group in by_name]

    def jacobian(
        self,
        target: Any,
        sources: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """The jacobian: for each source, a tensor of shape `target.shape + source.shape`."""
        target = convert(target)
        flat = nest.flatten(sources)

        def row(i: Any) -> Any:
            return F.reshape(F.one_hot(i, F.size(target), dtype=target.dtype), F.shape(target))

        out = self._stacked_rows(target, flat, F.size(target), row, UnconnectedGradients(unconnected_gradients))
        shaped = [
            None if r is None else F.reshape(r, F.concat([F.shape(target), F.shape(s)], 0))
            for r, s in zip(out, flat, strict=True)
        ]
        return nest.pack_sequence_as(sources, shaped)

    def batch_jacobian(
        self,
        target: Any,
        source: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """The jacobian of each batch entry: shape `[batch, *target.shape[1:], *source.shape[1:]]`."""
        target = convert(target)
        if target.dims is not None and not target.dims:
            raise ValueError("batch_jacobian needs a target with a batch dimension.")
        a, b = target.dims, _source_key(source).dims if not isinstance(source, Variable) else source.dims
        if a and b and None not in (a[0], b[0]) and a[0] != b[0]:
            raise ValueError(f"Need first dimension of target shape ({a}) and source shape ({b}) to match.")
        per_entry = F.shape(target)[1:]
        count = F.reduce_prod(per_entry)

        def row(i: Any) -> Any:
            one = F.reshape(F.one_hot(i, count, dtype=target.dtype), per_entry)
            return F.broadcast_to(one, F.shape(target))

        (rows,) = self._stacked_rows(target, [source], count, row, UnconnectedGradients(unconnected_gradients))
        if rows is None:
            return None
        by_entry = F.swapaxes(rows, 0, 1)
        return F.reshape(by_entry, F.concat([F.shape(target), F.shape(source)[1:]], 0))

    def _stacked_rows(
        self,
        target: Tensor,
        sources: list[Any],
        count: Any,
        row: Callable[[Any], Any],
        unconnected: UnconnectedGradients,
    ) -> list[Any]:
        """Cotangents of the sources for `count` seeds, stacked along a new first axis; None where unconnected."""
        self._take_for_use()
        nodes, keys = list(self._nodes), [_source_key(s) for s in sources]

        def pull(i: Any) -> list[Any]:
            found = self._pull(nodes, keys, [target], [row(i)])
            return [_connected(f, s, unconnected) for f, s in zip(found, sources, strict=True)]

        connected = [f is not None for f in pull(F.constant(0))]
        size = count.spec.array
        wanted = [i for i, c in enumerate(connected) if c]
        if size is not None:
            rows = [pull(F.constant(i)) for i in range(int(size))]
            stacks = [F.stack([convert(r[i]) for r in rows]) for i in wanted]
        else:
            dtypes = [sources[i].dtype for i in wanted]
            stacks = F.map_fn(
                lambda i: [convert(pull(i)[w]) for w in wanted], F.range(count), fn_output_signature=dtypes
            )
        self._release()
        found = iter(stacks)
        return [next(found) if c else None for c in connected]

    def _take_for_use(self) -> None:
        if not self._entered:
            raise RuntimeError("The tape recorded nothing: compute the target in `with tf.GradientTape() as tape:`.")
        if self._used and not self._persistent:
            raise RuntimeError(
                "A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians); "
                "use tf.GradientTape(persistent=True) for more."
            )
        if self._recording and not self._persistent:
            self._stop()

    def _release(self) -> None:
        if not self._persistent:
            self._nodes, self._watched, self._used = [], {}, True


def _source_key(source: Any, what: str = "source") -> Tensor:
    """The tensor by which a source is known to nodes: a variable's handle, a tensor itself."""
    if isinstance(source, Variable):
        return source.handle
    if isinstance(source, Tensor):
        return source
    kind = TypeError if source is None or isinstance(source, (str, bytes)) else AttributeError  # as in TensorFlow
    raise kind(f"Gradient {what}s must be tensors or variables, received {source!r}.")


def _captured_as(key: Tensor) -> list[Tensor]:
    """What stands for a tensor in the functions being traced."""
    found: list[Tensor] = []
    graph = context.graph
    while graph is not None and graph.is_function:
        if id(key) in graph.captures:
            found.append(graph.captures[id(key)][1])
        graph = graph.outer
    return found


def _seed(target: Any, cotangent: Any) -> Any:
    return F.ones_like(target) if cotangent is None else convert(cotangent, dtype=dtypes.as_dtype(target.dtype))


def _from_seeds(nodes: list[Node], targets: list[Tensor], sources: list[Tensor], seeds: list[Any]) -> list[Any]:
    return backpropagate(
        nodes, targets, sources, [F.ones_like(t) if g is None else g for t, g in zip(targets, seeds, strict=True)]
    )


def _connected(cotangent: Any, source: Any, unconnected: UnconnectedGradients) -> Any:
    if cotangent is None and unconnected is UnconnectedGradients.ZERO:
        return F.zeros_like(source)
    return cotangent


@contextmanager
def stop_recording() -> Any:
    """Hide the ops called inside from every tape."""
    with entered(tapes=()):
        yield


# -- gradients of graphs -----------------------------------------------------------------------------------------------


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    gate_gradients: bool = False,
    aggregation_method: Any = None,
    stop_gradients: Any = None,
    unconnected_gradients: Any = UnconnectedGradients.NONE,
) -> list[Any]:
    """The gradients of the sum of `ys` with respect to each of `xs`, inside a graph.

    Raises `RuntimeError` in eager mode.

    TensorFlow: tf.gradients.
    """
    graph = context.graph
    if graph is None:
        raise RuntimeError(
            "tf.gradients is not supported when eager execution is enabled. Use tf.GradientTape instead."
        )
    targets = [graph.capture(convert(y)) for y in _as_list(ys)]
    sources = _as_list(xs)
    keys = [graph.capture(_source_key(s)) for s in sources]
    stop = [graph.capture(_source_key(s)) for s in _as_list(stop_gradients or [])]
    seeds = _as_list(grad_ys) if grad_ys is not None else [None] * len(targets)
    nodes = between(graph, keys, targets)
    with F.name_scope(name):
        cotangents = [_seed(t, g) for t, g in zip(targets, seeds, strict=True)]
        found = backpropagate(nodes, targets, keys, cotangents, stop)
        unconnected = UnconnectedGradients(unconnected_gradients)
        return [_connected(f, s, unconnected) for f, s in zip(found, sources, strict=True)]


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else nest.flatten(value)


def between(graph: Graph, sources: Sequence[Tensor], targets: Sequence[Tensor]) -> list[Node]:
    """The nodes that depend on a source and that a target depends on, in order."""
    wanted = {id(t) for t in targets}
    behind: set[int] = set()
    for node in reversed(graph.nodes):
        if any(id(out) in wanted for out in node.outputs):
            behind.add(id(node))
            wanted.update(id(t) for t in node.inputs)
    reached = {id(t) for t in sources}
    out = []
    for node in graph.nodes:
        if id(node) in behind and node.op.differentiable and any(id(t) in reached for t in node.inputs):
            out.append(node)
            reached.update(id(t) for t in node.outputs)
    return out
