"""The one graph: nodes in program order.

A v1 graph, a traced function, a branch of a conditional and a Keras model's computation are all a `Graph`. Node order
is
program order: effects happen in it, and passes keep it. A `Node` is also the tape's entry (then its outputs hold
values)
and TensorFlow's `tf.Operation`.
"""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from . import shapes
from .context import context, entered
from .context import name_scope as op_name_scope
from .dtypes import DType
from .errors import (
    InaccessibleTensorError,
    InvalidArgumentError,
    OpError,
    caller_origin,
    out_of_scope,
    with_origin,
)
from .record import Effect, Kind, Literal, Op, register
from .shapes import Dims
from .spec import Spec
from .tensor import EagerTensor, GraphTensor, HandleTensor, Tensor

__all__ = ["CONST", "PLACEHOLDER", "Graph", "Node", "get_default_graph"]


def _value_of_const(*, value: Literal) -> Any:
    return value.array._array if isinstance(value.array, HandleTensor) else value.array


def _spec_of_const(*, value: Literal) -> Spec:
    if isinstance(value.array, HandleTensor):
        return value.array.spec
    return Spec(value.array.shape, _dtype_of(value.array), value.array)


def _dtype_of(array: np.ndarray[Any, Any]) -> DType:
    return EagerTensor(array).dtype


def _no_placeholder_value(*, dtype: DType, shape: Dims) -> Any:
    raise InvalidArgumentError(None, None, f"You must feed a value for placeholder with dtype {dtype.name}.")


_VALID_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*").fullmatch

CONST = register(Op("Const", Kind.SOURCE, _spec_of_const, _value_of_const))
PLACEHOLDER = register(
    Op("Placeholder", Kind.SOURCE, lambda *, dtype, shape: Spec(shape, dtype), _no_placeholder_value)
)


class Node:
    """One op applied to tensors: a graph's node (`tf.Operation`), or a tape's record of a call."""

    __slots__ = (
        "__weakref__",
        "attrs",
        "control_inputs",
        "device",
        "graph",
        "inputs",
        "name",
        "op",
        "origin",
        "outputs",
    )

    def __init__(
        self,
        op: Op,
        inputs: tuple[Tensor, ...],
        attrs: dict[str, Any],
        outputs: tuple[Tensor, ...] = (),
        name: str = "",
        graph: Graph | None = None,
        control_inputs: tuple[Node, ...] = (),
        origin: tuple[str, int] | None = None,
        device: str = "",
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.attrs = attrs
        self.outputs = outputs
        self.name = name
        self.graph = graph
        self.control_inputs = control_inputs
        self.origin = origin
        self.device = device

    @property
    def type(self) -> str:
        """The op's name, "AddV2"."""
        return self.op.name

    def get_attr(self, name: str) -> Any:
        """The value of an attribute; `ValueError` if there is none of that name."""
        if name not in self.attrs:
            raise ValueError(f"Operation {self.name!r} has no attr named {name!r}.")
        return self.attrs[name]

    @property
    def node_def(self) -> Any:
        """The node as a `NodeDef`."""
        return importlib.import_module("duoflow.trace.graph_def").node_to_def(self)

    @property
    def subgraphs(self) -> list[Graph]:
        """The graphs among the attributes: a function's body, branches, a loop's condition and body."""
        values = [v for value in self.attrs.values() for v in (value if type(value) is tuple else (value,))]
        return [v for v in values if isinstance(v, Graph)]

    @property
    def traceback(self) -> Any:
        """Where the node was made: `[(file, line)]`."""
        return [self.origin] if self.origin else []

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        """Run the node in the default (or given) session."""
        assert self.graph is not None
        (session or self.graph.default_session()).run(self, feed_dict)

    def __repr__(self) -> str:
        return f"<tf.Operation '{self.name}' type={self.op.name}>"


class Graph:
    """Nodes in program order, with inputs and outputs when the graph is a function.

    >>> g = tf.Graph()
    >>> with g.as_default():
    ...     c = tf.constant(3.0) * 2.0
    >>> [op.type for op in g.get_operations()]
    ['Const', 'Const', 'Mul']

    TensorFlow: tf.Graph.
    """

    def __init__(self, name: str = "", is_function: bool = False, outer: Graph | None = None) -> None:
        self.name = name
        self.is_function = is_function
        self.outer = outer
        self.nodes: list[Node] = []
        self.inputs: list[GraphTensor] = []
        self.outputs: list[Tensor] = []
        self.captures: dict[int, tuple[Tensor, GraphTensor]] = {}
        self.collections: dict[Any, list[Any]] = {}
        self.seed: int | None = None
        self.finalized = False
        self.structured_input_signature: Any = None
        self.structured_outputs: Any = None
        self.extras: dict[str, Any] = {}
        #: Whether only the pass that gets it next will look at it: that one may take its nodes.
        self.is_draft = False
        self.compiled: Any = None
        self._names: dict[str, int] = {}
        self._by_name: dict[str, Node] = {}
        self._sessions: list[Any] = []
        self._gradient_overrides: dict[str, str] = {}

    # -- building ----------------------------------------------------------------------------------------------------

    def add(self, op: Op, inputs: Sequence[Tensor], attrs: dict[str, Any], name: str | None = None) -> Node:
        """Append a node. Tensors from outside are captured; errors of inference carry the user's line."""
        if self.finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")
        origin = caller_origin()
        own = tuple([t if type(t) is GraphTensor and t.node.graph is self else self.capture(t) for t in inputs])
        try:
            inferred = op.infer(*[t._spec for t in own], **attrs)
        except (ValueError, TypeError) as error:
            raise type(error)(with_origin(str(error), origin)) from None
        except OpError as error:
            raise error.at(origin) from None
        specs = inferred if isinstance(inferred, tuple) else (inferred,)
        node = Node(op, own, attrs, (), self._node_name(name or op.name), self, context.control, origin, context.device)
        node.outputs = tuple([GraphTensor(node, i, spec) for i, spec in enumerate(_fold(op, own, attrs, specs))])
        self.nodes.append(node)
        self._by_name[node.name] = node
        if op.name in self._gradient_overrides:
            self.extras.setdefault("gradients", {})[node.name] = self._gradient_overrides[op.name]
        return node

    def constant(self, array: Any, name: str | None = None) -> GraphTensor:
        """A constant node."""
        return self.add(CONST, (), {"value": Literal(array)}, name).outputs[0]  # type: ignore[return-value]

    def placeholder(self, dtype: DType, shape: Dims, name: str | None = None) -> GraphTensor:
        """A node whose value comes from outside."""
        return self.add(PLACEHOLDER, (), {"dtype": dtype, "shape": shape}, name or "Placeholder").outputs[0]  # type: ignore[return-value]

    def add_input(self, dtype: DType, shape: Dims, name: str | None = None) -> GraphTensor:
        """A placeholder that is also the function's next input."""
        tensor = self.placeholder(dtype, shape, name)
        self.inputs.append(tensor)
        return tensor

    def capture(self, tensor: Tensor) -> GraphTensor:
        """This graph's own tensor for one from outside: a new input of a function, a constant of a v1 graph."""
        if isinstance(tensor, GraphTensor):
            if tensor.node.graph is self:
                return tensor
            if not self._encloses(tensor.node.graph):
                raise self._out_of_reach(tensor)
        if not isinstance(tensor, Tensor):
            raise TypeError(f"Expected a tensor, received {tensor!r}.")
        found = self.captures.get(id(tensor))
        if found is not None:
            return found[1]
        if not self.is_function:
            assert isinstance(tensor, EagerTensor)
            with entered(control=()):
                inner = self.constant(tensor if isinstance(tensor, HandleTensor) else tensor._array)
            self.captures[id(tensor)] = (tensor, inner)
            return inner
        with entered(control=(), scope=""):
            inner = self.placeholder(tensor.dtype, tensor.dims, "captured")
        spec = tensor.spec
        if spec.value is not None and isinstance(tensor, GraphTensor):
            inner._spec = Spec(spec.shape, spec.dtype, spec.value)
        self.captures[id(tensor)] = (tensor, inner)
        return inner

    def _out_of_reach(self, tensor: GraphTensor) -> Exception:
        """The error for a tensor of a graph that this one cannot see: a function's inside, or another v1 graph."""
        if not self.is_function and not tensor.node.graph.is_function:  # type: ignore[union-attr]
            message = f"{tensor!r} must be from the same graph as what it is used with."
            return ValueError(with_origin(message, caller_origin()))
        inner = tensor.node.graph
        while inner is not None and inner is not self:
            inner = inner.outer
        return (TypeError if inner is None else InaccessibleTensorError)(
            with_origin(out_of_scope(tensor, tensor.node.origin), caller_origin())
        )

    def _encloses(self, other: Graph | None) -> bool:
        graph = self.outer if self.is_function else None
        while graph is not None:
            if graph is other:
                return True
            graph = graph.outer
        return False

    @property
    def external_captures(self) -> list[Tensor]:
        """The outside tensors that calls must supply after the inputs."""
        return [outside for outside, _ in self.captures.values()]

    @property
    def internal_captures(self) -> list[GraphTensor]:
        """The placeholders that stand for them."""
        return [inside for _, inside in self.captures.values()]

    @property
    def all_inputs(self) -> list[GraphTensor]:
        """Inputs followed by captures: the order of a call's arguments."""
        return self.inputs + (self.internal_captures if self.is_function else [])

    # -- names -------------------------------------------------------------------------------------------------------

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """`name`, or `name_1`, `name_2`, ... if it is taken (regardless of case, as in TensorFlow)."""
        key = name.lower()
        count = self._names.get(key, 0)
        if mark_as_used:
            self._names[key] = count + 1
        if not count:
            return name
        out = f"{name}_{count}"
        while out.lower() in self._names:
            count += 1
            out = f"{name}_{count}"
        if mark_as_used:
            self._names[key] = count + 1
            self._names[out.lower()] = 1
        return out

    def _node_name(self, name: str) -> str:
        if name.endswith("/"):
            return name[:-1]
        full = context.scope + name
        if not _VALID_NAME(full):
            full = re.sub(r"[^A-Za-z0-9_.\\/>-]", "_", full)
            if not self.is_function and not context.scope:
                raise ValueError(f"'{name}' is not a valid node name")
        return self.unique_name(full)

    # -- TensorFlow's interface --------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def as_default(self) -> Iterator[Graph]:
        """Add the ops called inside to this graph."""
        with entered(graph=self, tapes=(), control=(), scope=""):
            yield self

    def get_operations(self) -> list[Node]:
        """The nodes, in program order."""
        return list(self.nodes)

    def get_operation_by_name(self, name: str) -> Node:
        """The node of that name; `KeyError` if there is none."""
        if name not in self._by_name:
            raise KeyError(f"The name '{name}' refers to an Operation not in the graph.")
        return self._by_name[name]

    def get_tensor_by_name(self, name: str) -> Tensor:
        """The tensor called `node:index`; `KeyError` if there is none."""
        node, separator, index = name.partition(":")
        if not separator or not index.isdigit():
            raise ValueError(
                f"The name '{name}' looks like a Tensor name, but is not a valid one. Tensor names must be of the "
                'form "<op_name>:<output_index>".'
            )
        if node not in self._by_name or int(index) >= len(self._by_name[node].outputs):
            raise KeyError(f"The name '{name}' refers to a Tensor which does not exist.")
        return self._by_name[node].outputs[int(index)]

    def as_graph_element(self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True) -> Any:
        """The node or tensor that `obj` (one of them, a variable, or a name) stands for in this graph."""
        if isinstance(obj, str):
            if ":" in obj and allow_tensor:
                return self.get_tensor_by_name(obj)
            if not allow_operation:
                raise ValueError(f"{obj!r} is not a tensor name.")
            return self.get_operation_by_name(obj)
        element = obj._as_graph_element() if hasattr(obj, "_as_graph_element") else obj
        if (isinstance(element, GraphTensor) and allow_tensor) or (isinstance(element, Node) and allow_operation):
            graph = element.node.graph if isinstance(element, GraphTensor) else element.graph
            if graph is not self:
                raise ValueError(f"{element!r} is not an element of this graph.")
            return element
        raise TypeError(f"Can not convert a {type(obj).__name__} into a Tensor or Operation.")

    def add_to_collection(self, name: Any, value: Any) -> None:
        """Append to a named list."""
        self.collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Any, value: Any) -> None:
        """Append to several named lists."""
        for name in (names,) if isinstance(names, str) else names:
            self.add_to_collection(name, value)

    def get_collection(self, name: Any, scope: str | None = None) -> list[Any]:
        """A copy of a named list, filtered by a name prefix (a regular expression)."""
        items = list(self.collections.get(name, ()))
        return items if scope is None else [i for i in items if hasattr(i, "name") and re.match(scope, i.name)]

    def get_collection_ref(self, name: Any) -> list[Any]:
        """A named list itself."""
        return self.collections.setdefault(name, [])

    def clear_collection(self, name: Any) -> None:
        """Drop a named list."""
        self.collections.pop(name, None)

    def get_all_collection_keys(self) -> list[Any]:
        """The names of the lists that are not empty."""
        return [key for key, items in self.collections.items() if items]

    @contextlib.contextmanager
    def gradient_override_map(self, op_type_map: dict[str, str]) -> Iterator[None]:
        """Let ops made inside, of these types, have the gradients registered under these names."""
        if not isinstance(op_type_map, dict):
            raise TypeError("op_type_map must be a dictionary mapping strings to strings")
        if not all(isinstance(text, str) for pair in op_type_map.items() for text in pair):
            raise TypeError("op_type_map must be a dictionary mapping strings to strings")
        before = self._gradient_overrides
        self._gradient_overrides = {**before, **op_type_map}
        try:
            yield
        finally:
            self._gradient_overrides = before

    @contextlib.contextmanager
    def control_dependencies(self, control_inputs: Any) -> Iterator[None]:
        """Make the nodes added inside run after the given ones (None clears what is pending)."""
        if control_inputs is None:
            with entered(control=()):
                yield
            return
        nodes = []
        for item in control_inputs:
            element = item._as_graph_element() if hasattr(item, "_as_graph_element") else item
            if isinstance(element, EagerTensor):
                continue
            nodes.append(element.node if isinstance(element, GraphTensor) else element)
        with entered(control=context.control + tuple(n for n in nodes if n.graph is self)):
            yield

    def name_scope(self, name: str | None) -> Any:
        """A name scope in this graph."""
        return op_name_scope(name)

    @contextlib.contextmanager
    def device(self, device_name_or_function: Any) -> Iterator[None]:
        """Ask for a device for the nodes added inside."""
        with entered(device=device_name_or_function if isinstance(device_name_or_function, str) else ""):
            yield

    def as_graph_def(
        self, from_version: int | None = None, add_shapes: bool = False, use_pybind11_proto: bool = False
    ) -> Any:
        """The graph as a `GraphDef`; only the nodes added after version `from_version`, if it is given."""
        nodes = self.nodes[from_version or 0 :]
        return importlib.import_module("duoflow.trace.graph_def").graph_to_def(self, add_shapes, nodes)

    def finalize(self) -> None:
        """Refuse further nodes."""
        self.finalized = True

    @property
    def building_function(self) -> bool:
        """Whether this graph is a function's."""
        return self.is_function

    @property
    def version(self) -> int:
        """A number that grows with every node."""
        return len(self.nodes)

    def default_session(self) -> Any:
        """The session that `eval` and `run` use; `ValueError` if there is none."""
        if not self._sessions:
            raise ValueError(
                "Cannot execute operation using `run()` or evaluate a tensor: no default session is registered. "
                "Use `with sess.as_default()` or pass an explicit session."
            )
        return self._sessions[-1]

    def is_feedable(self, tensor: Any) -> bool:
        """Whether a session may be fed this tensor."""
        return isinstance(tensor, GraphTensor)

    def is_fetchable(self, tensor_or_op: Any) -> bool:
        """Whether a session may be asked for this tensor or operation."""
        return isinstance(tensor_or_op, (GraphTensor, Node))

    def __repr__(self) -> str:
        return f"<Graph {self.name!r}: {len(self.nodes)} nodes>"


#: Integers and booleans up to this many elements are folded while the graph is built: shapes, axes, sizes.
_FOLD_LIMIT = 64


def _fold(op: Op, inputs: tuple[GraphTensor, ...], attrs: dict[str, Any], specs: tuple[Spec, ...]) -> tuple[Spec, ...]:
    """Give small integer outputs their value where all inputs are known, so that shapes stay static."""
    if op.effects is not Effect.NONE or op.kind in (Kind.SOURCE, Kind.CONTROL) or not inputs or "random" in op.tags:
        return specs
    for spec in specs:
        size = shapes.num_elements(spec.shape)
        if (
            spec.value is not None
            or size is None
            or size > _FOLD_LIMIT
            or not (spec.dtype.is_integer or spec.dtype.is_bool)
        ):
            return specs
    values = [t._spec.array for t in inputs]
    if any(v is None or v.size > _FOLD_LIMIT for v in values):
        return specs
    try:
        out = op.evaluate(*values, **attrs)
    except (ArithmeticError, ValueError, TypeError, OpError):
        return specs  # the error belongs to the run
    arrays = out if isinstance(out, tuple) else (out,)
    return tuple(Spec(np.shape(a), s.dtype, np.asarray(a)) for a, s in zip(arrays, specs, strict=True))


_default_graph: list[Graph] = []


def get_default_graph() -> Graph:
    """The graph that v1 programs add to when no other is entered. TensorFlow: tf.compat.v1.get_default_graph."""
    if context.graph is not None:
        return context.graph
    if not _default_graph:
        _default_graph.append(Graph("default"))
    return _default_graph[-1]


def reset_default_graph() -> None:
    """Start a new default graph. TensorFlow: tf.compat.v1.reset_default_graph."""
    replacing = context.graph is not None and context.graph in _default_graph
    _default_graph[:] = [Graph("default")]
    if replacing:
        context.graph = _default_graph[-1]
        context.scope, context.control = "", ()
