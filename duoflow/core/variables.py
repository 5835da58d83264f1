"""`tf.Variable`: state that programs read and change by name."""

from __future__ import annotations

import enum
import itertools
from typing import Any

import numpy as np

from . import dtypes, shapes
from .context import context, init_scope
from .dtypes import DType
from .emit import emit, emit_one
from .graph import PLACEHOLDER, Graph
from .late import F
from .notebook import array_html
from .record import Op
from .shapes import Dims, TensorShape
from .state import ASSIGN, ASSIGN_ADD, ASSIGN_SUB, IS_INITIALIZED, READ, SCATTER, SCATTER_ND, VAR_HANDLE, State
from .tensor import EagerTensor, GraphTensor, HandleTensor, Operators, Tensor, _array_text, convert, register_conversion

__all__ = ["Variable", "VariableAggregation", "VariableSynchronization"]

# -- the public class --------------------------------------------------------------------------------------------------


class VariableSynchronization(enum.Enum):
    """How replicas agree on a variable. TensorFlow: tf.VariableSynchronization."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


class VariableAggregation(enum.Enum):
    """How replicas' updates are combined. TensorFlow: tf.VariableAggregation."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3


_uids = itertools.count()


class Variable(Operators):
    """A tensor that programs may change.

    Args:
      initial_value: a value, or a callable that returns one.
      trainable: whether gradient tapes watch it.
      shape: a more general static shape, so that values of other shapes can be assigned later.

    >>> v = tf.Variable([1.0, 2.0])
    >>> v.assign_add([1.0, 1.0])
    <tf.Variable 'UnreadVariable' shape=(2,) dtype=float32, numpy=array([2., 3.], dtype=float32)>

    TensorFlow: tf.Variable.
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_cached",
        "_dims",
        "_dtype",
        "_graph",
        "_initial",
        "_initializer_op",
        "_name",
        "_save_slice_info",
        "_state",
        "_trainable",
        "_uid",
        "_unread",
        "aggregation",
        "constraint",
        "handle",
        "synchronization",
    )  # fmt: skip

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        import_scope: str | None = None,
        constraint: Any = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: VariableAggregation = VariableAggregation.NONE,
        shape: Any = None,
        experimental_enable_variable_lifting: bool = True,
    ) -> None:
        if initial_value is None:
            raise ValueError(
                "The `initial_value` arg to `tf.Variable` must be specified except when you are not providing a "
                "`variable_def`."
            )
        if constraint is not None and not callable(constraint):
            raise ValueError("The `constraint` argument must be a callable.")
        self._trainable = True if trainable is None else bool(trainable)
        self.constraint, self.synchronization, self.aggregation = constraint, synchronization, aggregation
        self._unread = False
        self._uid = next(_uids)
        dtype = None if dtype is None else dtypes.as_dtype(dtype)
        later: Tensor | None = None
        with init_scope():
            if context.graph is None:
                later = self._create_eager(initial_value, dtype, name, shape, validate_shape)
            else:
                self._create_in_graph(context.graph, initial_value, dtype, name, shape, validate_shape)
        if later is not None:
            self.assign(later)

    def _create_eager(
        self, initial_value: Any, dtype: DType | None, name: str | None, shape: Any, validate: bool
    ) -> Tensor | None:
        """Returns the initial value if it depends on the arguments of a function, whose first call then assigns it."""
        value = initial_value if isinstance(initial_value, GraphTensor) else _initial_tensor(initial_value, dtype)
        later: Tensor | None = None
        if isinstance(value, GraphTensor):
            known = _lifted(value)
            if known is None:
                later = value
            else:
                value = _initial_tensor(EagerTensor(known), dtype)
        self._graph: Graph | None = None
        self._name = (context.scope + (name or "Variable")) + ":0"
        self._dtype = value.dtype
        self._dims = value.dims if shape is None else shapes.as_dims(shape)
        if not shapes.compatible(self._dims, value.dims):
            raise ValueError(
                f"The initial value's shape {shapes.show(value.dims)} is not compatible with the `shape` argument "
                f"{shapes.show(self._dims)}."
            )
        state = State(self._dtype, self._dims if validate else None, self._name[:-2], self._trainable)
        if isinstance(value, EagerTensor):
            state.write(value._array)
        self._state: State | None = state
        self.handle: Tensor = HandleTensor(state)
        self._initial: Tensor | None = None
        self._initializer_op: Any = None
        if context.created_variables is not None:
            context.created_variables.append(self)
        return later

    def _create_in_graph(
        self, graph: Graph, initial_value: Any, dtype: DType | None, name: str | None, shape: Any, validate: bool
    ) -> None:
        unique = graph.unique_name(context.scope + (name or "Variable"))
        saved, context.scope = context.scope, unique + "/"
        try:
            value = _initial_tensor(initial_value, dtype)
            self._graph = graph
            self._state = None
            self._name = unique + ":0"
            self._dtype = value.dtype
            self._dims = (value.dims if validate else None) if shape is None else shapes.as_dims(shape)
            attrs = {"shared_name": unique, "dtype": self._dtype, "shape": self._dims, "trainable": self._trainable}
            node = graph.add(VAR_HANDLE, (), attrs, f"{unique}/handle/")
            self.handle = node.outputs[0]
            self._initial = value
            assign = graph.add(ASSIGN, (self.handle, value), self._attrs(), "Assign")
            self._initializer_op = assign
            self._cached = emit_one(READ, (self.handle,), self._attrs(), "Read/ReadVariableOp")
        finally:
            context.scope = saved
        graph.add_to_collection("variables", self)
        if self._trainable:
            graph.add_to_collection("trainable_variables", self)

    # -- facts -------------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name with `:0` behind it."""
        return self._name

    @property
    def _shared_name(self) -> str:
        return self._name[:-2]

    @property
    def dtype(self) -> DType:
        """The element type."""
        return self._dtype

    @property
    def dims(self) -> Dims:
        """The static shape as a plain tuple."""
        return self._dims

    @property
    def shape(self) -> TensorShape:
        """The static shape."""
        return TensorShape(self._dims)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    def get_shape(self) -> TensorShape:
        """The static shape."""
        return self.shape

    @property
    def trainable(self) -> bool:
        """Whether gradient tapes watch the variable by themselves."""
        return self._trainable

    @property
    def device(self) -> str:
        """The device that holds the buffer."""
        return self.handle.device  # type: ignore[attr-defined,no-any-return]

    @property
    def graph(self) -> Graph:
        """The v1 graph of the variable."""
        if self._graph is None:
            raise AttributeError("Variable.graph is undefined when eager execution is enabled.")
        return self._graph

    @property
    def op(self) -> Any:
        """The node of the handle."""
        return self.handle.op  # type: ignore[attr-defined]

    @property
    def initializer(self) -> Any:
        """The operation that gives the variable its initial value (v1 graphs)."""
        return self._initializer_op

    @property
    def initial_value(self) -> Any:
        """The tensor of the initial value (v1 graphs)."""
        if self._initial is None:
            raise RuntimeError("This property is not supported when eager execution is enabled.")
        return self._initial

    def initialized_value(self) -> Any:
        """The initial value, for use in another variable's initializer."""
        return self._initial if self._initial is not None else self.read_value()

    def is_initialized(self) -> Any:
        """Whether a value is there, as a boolean tensor."""
        return emit_one(IS_INITIALIZED, (self.handle,))

    def _attrs(self) -> dict[str, Any]:
        return {"dtype": self._dtype, "shape": self._dims}

    # -- reading -----------------------------------------------------------------------------------------------------

    def value(self) -> Any:
        """The current value as a tensor."""
        return self._read()

    def _read(self) -> Any:
        """The value as operators and conversions see it; the one place that reads."""
        for tape in context.tapes:
            tape.variable_accessed(self)
        return emit_one(READ, (self.handle,), self._read_attrs())

    def _read_attrs(self) -> dict[str, Any]:
        state = self._state
        if (
            state is not None
            and self._dims is not None
            and None in self._dims
            and state.array is not None
            and context.graph is None
        ):
            return {"dtype": self._dtype, "shape": state.array.shape}
        return {"dtype": self._dtype, "shape": self._dims}

    read_value = value

    def numpy(self) -> Any:
        """The current value as a NumPy array."""
        if self._state is None or (context.graph is not None and context.graph is self._graph):
            raise NotImplementedError("numpy() is only available when eager execution is enabled.")
        array = self._state.read()
        return array.copy()[()] if array.ndim == 0 else array.copy()

    def eval(self, session: Any = None) -> Any:
        """Run the default (or given) session for the value."""
        return (session or self.graph.default_session()).run(self)

    def _as_graph_element(self) -> Any:
        return self._cached if self._graph is not None else self._read()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.asarray(self.numpy(), dtype)

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        return convert(self._read(), dtype)

    def __bool__(self) -> bool:
        return bool(self._read())

    def __int__(self) -> int:
        return int(self._read())

    def __float__(self) -> float:
        return float(self._read())

    def __index__(self) -> int:
        return self._read().__index__()  # type: ignore[no-any-return]

    def __len__(self) -> int:
        return len(self._read())

    def __iter__(self) -> Any:
        return iter(self._read())

    def __hash__(self) -> int:
        if self._graph is not None:
            return id(self)
        raise TypeError(
            "Variable is unhashable. Instead, use variable.ref() as the key. (Variable: " + repr(self) + ")"
        )

    def __eq__(self, other: object) -> Any:
        return self is other if self._graph is not None else F.equal_operator(self, other)

    def __ne__(self, other: object) -> Any:
        return self is not other if self._graph is not None else F.not_equal_operator(self, other)

    # -- writing -----------------------------------------------------------------------------------------------------

    def assign(self, value: Any, use_locking: Any = False, name: str | None = None, read_value: bool = True) -> Any:
        """Replace the value. Returns the variable (in graphs: the value after the assignment)."""
        tensor = convert(value, dtype=self._dtype)
        if not shapes.compatible(self._dims, tensor.dims):
            raise ValueError(
                f"Cannot assign value to variable '{self._name}': Shape mismatch. The variable shape "
                f"{shapes.show(self._dims)}, and the assigned value shape {shapes.show(tensor.dims)} are incompatible."
            )
        return self._updated(ASSIGN, tensor, name, read_value)

    def assign_add(self, delta: Any, use_locking: Any = False, name: str | None = None, read_value: bool = True) -> Any:
        """Add to the value. Returns the variable (in graphs: the value after the addition)."""
        return self._updated(ASSIGN_ADD, convert(delta, dtype=self._dtype), name, read_value)

    def assign_sub(self, delta: Any, use_locking: Any = False, name: str | None = None, read_value: bool = True) -> Any:
        """Subtract from the value. Returns the variable (in graphs: the value after the subtraction)."""
        return self._updated(ASSIGN_SUB, convert(delta, dtype=self._dtype), name, read_value)

    def _updated(self, op: Op, value: Tensor, name: str | None, read_value: bool) -> Any:
        emit(op, (self.handle, value), self._attrs(), name)
        return self._after_write() if read_value else self._written()

    def _after_write(self) -> Any:
        if context.graph is None:
            return _Unread(self)
        node = context.graph.nodes[-1]
        if context.graph.is_function:
            return _Unread(self)
        with context.graph.control_dependencies([node]):
            return emit_one(READ, (self.handle,), self._attrs())

    def _written(self) -> Any:
        return None if context.graph is None else context.graph.nodes[-1]

    def load(self, value: Any, session: Any = None) -> None:
        """Set the value in a session (v1 graphs)."""
        (session or self.graph.default_session()).run(self._initializer_op, {self._initial: value})

    def _scattered(self, mode: str, sparse_delta: Any, name: str | None) -> Any:
        if not hasattr(sparse_delta, "indices"):
            raise TypeError(f"Argument `sparse_delta` must be a `tf.IndexedSlices`. Received arg: {sparse_delta!r}")
        return self._scatter(SCATTER, mode, sparse_delta.indices, sparse_delta.values, name)

    def _scatter(self, op: Op, mode: str, indices: Any, updates: Any, name: str | None) -> Any:
        inputs = (self.handle, convert(indices), convert(updates, dtype=self._dtype))
        emit(op, inputs, {"mode": mode, **self._attrs()}, name)
        return self._after_write()

    def scatter_add(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Add `tf.IndexedSlices` to rows."""
        return self._scattered("add", sparse_delta, name)

    def scatter_sub(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Subtract `tf.IndexedSlices` from rows."""
        return self._scattered("sub", sparse_delta, name)

    def scatter_mul(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Multiply rows by `tf.IndexedSlices`."""
        return self._scattered("mul", sparse_delta, name)

    def scatter_div(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Divide rows by `tf.IndexedSlices`."""
        return self._scattered("div", sparse_delta, name)

    def scatter_min(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Lower rows to the minimum with `tf.IndexedSlices`."""
        return self._scattered("min", sparse_delta, name)

    def scatter_max(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Raise rows to the maximum with `tf.IndexedSlices`."""
        return self._scattered("max", sparse_delta, name)

    def scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Replace rows by `tf.IndexedSlices`."""
        return self._scattered("update", sparse_delta, name)

    def batch_scatter_update(self, sparse_delta: Any, use_locking: bool = False, name: str | None = None) -> Any:
        """Replace rows within each batch entry."""
        value = F.tensor_scatter_nd_update(
            self._read(), F.batch_scatter_indices(sparse_delta.indices), sparse_delta.values
        )
        return self.assign(value)

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Replace the slices at `indices` [..., depth]."""
        return self._scatter(SCATTER_ND, "update", indices, updates, name)

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Add to the slices at `indices` [..., depth]."""
        return self._scatter(SCATTER_ND, "add", indices, updates, name)

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Subtract from the slices at `indices` [..., depth]."""
        return self._scatter(SCATTER_ND, "sub", indices, updates, name)

    def sparse_read(self, indices: Any, name: str | None = None) -> Any:
        """The rows at `indices`."""
        return F.gather(self, indices)

    def gather_nd(self, indices: Any, name: str | None = None) -> Any:
        """The slices at `indices` [..., depth]."""
        return F.gather_nd(self._read(), indices)

    def count_up_to(self, limit: int) -> Any:
        """Add one; `OutOfRangeError` once the value has reached `limit`."""
        return F.count_up_to(self, limit)

    def set_shape(self, shape: Any) -> None:
        """Narrow the static shape."""
        self._dims = shapes.merge(self._dims, shapes.as_dims(shape))

    def __deepcopy__(self, memo: Any) -> Variable:
        copy = Variable(
            self.numpy(), trainable=self._trainable, name=self._shared_name, dtype=self._dtype, shape=self._dims
        )
        memo[id(self)] = copy
        return copy

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.numpy(), self._trainable, self._shared_name, self._dtype, self._dims)

    def __str__(self) -> str:
        return repr(self)

    def __repr__(self) -> str:
        name = "UnreadVariable" if self._unread else self._name
        head = f"<tf.Variable '{name}' shape={self.shape} dtype={self._dtype.name}"
        if self._state is None or context.graph is not None:
            return head + ">"
        if self._state.array is None:
            return head + ", numpy=<uninitialized>>"
        array = self._state.array
        return head + f", numpy={_array_text(array, True)}>"

    def _repr_html_(self) -> str | None:
        if self._state is None or self._state.array is None or context.graph is not None:
            return None
        title = f"tf.Variable '{self._name}' shape={self.shape} dtype={self._dtype.name}"
        return array_html(title, self._state.array)


_SHARED_SLOTS = (
    "handle _state _dtype _dims _name _trainable _initial _uid _initializer_op constraint synchronization aggregation "
    "_graph"
).split()


class _Unread(Variable):
    """A variable as an assignment returns it: the same state, printed as TensorFlow prints it."""

    __slots__ = ()

    def __init__(self, variable: Variable) -> None:
        for slot in _SHARED_SLOTS:
            setattr(self, slot, getattr(variable, slot))
        self._unread = True


def _restore(value: Any, trainable: bool, name: str, dtype: DType, dims: Dims) -> Variable:
    return Variable(value, trainable=trainable, name=name, dtype=dtype, shape=dims)


def _lifted(tensor: GraphTensor) -> Any:
    """The value of a tensor of a function being traced; None if it depends on the function's arguments."""
    graph = tensor.graph
    values: dict[int, Any] = {id(inside): outside._array for outside, inside in graph.captures.values()
                              if isinstance(outside, EagerTensor)}  # fmt: skip
    needed, steps = {id(tensor)}, []
    for node in reversed(graph.nodes):
        if any(id(t) in needed for t in node.outputs) and id(node.outputs[0]) not in values:
            needed.update(id(t) for t in node.inputs)
            steps.append(node)
    for node in reversed(steps):
        if node.op is PLACEHOLDER:
            return None
        out = node.op.evaluate(*[values[id(t)] for t in node.inputs], **node.attrs)
        values.update(zip(map(id, node.outputs), out if type(out) is tuple else (out,), strict=True))
    return np.asarray(values[id(tensor)])


def _initial_tensor(initial_value: Any, dtype: DType | None) -> Tensor:
    value = initial_value() if callable(initial_value) and not isinstance(initial_value, Operators) else initial_value
    if isinstance(value, Variable):
        value = value._read()
    if dtype is not None and isinstance(value, Tensor) and value.dtype is not dtype:
        value = F.cast(value, dtype)
    tensor = convert(value, dtype=dtype)
    if isinstance(tensor, HandleTensor):
        raise ValueError("A variable cannot hold a resource or variant.")
    return tensor


def _variable_to_tensor(value: Variable, dtype: Any = None, name: str | None = None, as_ref: bool = False) -> Any:
    return value._read()


register_conversion(Variable, _variable_to_tensor)
