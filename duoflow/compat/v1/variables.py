"""Variables the v1 way: `Variable` with collections, `get_variable` and `variable_scope`.

A graph remembers the variables that `get_variable` made, by full name, and the scope that is open.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from duoflow.core import dtypes, shapes
from duoflow.core.context import context, eager_only, entered, init_scope, name_scope
from duoflow.core.errors import show_origin
from duoflow.core.graph import Graph, get_default_graph
from duoflow.core.tensor import Tensor, convert
from duoflow.core.variables import Variable, VariableAggregation, VariableSynchronization, _uids

from .initializers import Initializer, glorot_uniform_initializer, zeros_initializer
from .modes import GraphKeys
from .partitions import PartitionedVariable, PartitionInfo, SaveSliceInfo, cuts, partitions_of

__all__ = [
    "AUTO_REUSE", "VariableScope", "VariableV1", "create_partitioned_variables", "get_local_variable", "get_variable",
    "get_variable_scope", "no_regularizer", "variable_scope",
]  # fmt: skip


class VariableV1(Variable):
    """A variable of a v1 graph (or an eager one), with the arguments of TensorFlow 1.

    Args:
      initial_value: a value, or a callable that returns one.
      trainable: whether it is in the collection of trainable variables.
      collections: the graph's lists that it joins; the global variables by default.
      expected_shape, use_resource, caching_device, variable_def, import_scope: accepted; all variables are resources
        here.

    TensorFlow: tf.compat.v1.Variable.
    """

    __slots__ = ("_save_slice_info",)

    SaveSliceInfo = SaveSliceInfo

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        collections: Any = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        expected_shape: Any = None,
        import_scope: str | None = None,
        constraint: Any = None,
        use_resource: bool | None = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: VariableAggregation = VariableAggregation.NONE,
        shape: Any = None,
    ) -> None:
        super().__init__(
            initial_value, trainable, validate_shape, caching_device, name, variable_def, dtype, import_scope,
            constraint, synchronization, aggregation, shape,
        )  # fmt: skip
        if collections is not None and self._graph is not None:
            _move(self, self._graph, [collections] if isinstance(collections, str) else list(collections))

    def _adopt(
        self, graph: Graph, name: str, handle: Any, attrs: dict[str, Any], initializer: Any, initial: Any, read: Any,
        trainable: bool,
    ) -> None:  # fmt: skip
        """Become the variable of nodes that a graph has already."""
        self._graph, self._state, self._name, self.handle = graph, None, name, handle
        self._dtype, self._dims, self._trainable = attrs["dtype"], attrs["shape"], trainable
        self._initial, self._initializer_op, self._cached = initial, initializer, read
        self.constraint, self._unread, self._uid = None, False, next(_uids)
        self.synchronization, self.aggregation = VariableSynchronization.AUTO, VariableAggregation.NONE


def _move(variable: Variable, graph: Graph, collections: list[Any]) -> None:
    """Put a new variable into these lists instead of the global variables."""
    if GraphKeys.GLOBAL_VARIABLES not in collections:
        graph.get_collection_ref(GraphKeys.GLOBAL_VARIABLES).remove(variable)
    for name in collections:
        if not any(v is variable for v in graph.get_collection_ref(name)):
            graph.add_to_collection(name, variable)


# -- scopes ------------------------------------------------------------------------------------------------------------


class _Reuse(enum.Enum):
    AUTO_REUSE = 1

    def __repr__(self) -> str:
        return "_ReuseMode.AUTO_REUSE"


AUTO_REUSE = _Reuse.AUTO_REUSE


class VariableScope:
    """A prefix of variable names with defaults for the variables made in it.

    TensorFlow: tf.compat.v1.VariableScope.
    """

    def __init__(
        self,
        reuse: Any,
        name: str = "",
        initializer: Any = None,
        regularizer: Any = None,
        caching_device: Any = None,
        partitioner: Any = None,
        custom_getter: Any = None,
        name_scope: str = "",
        dtype: Any = dtypes.float32,
        use_resource: bool | None = None,
        constraint: Any = None,
    ) -> None:
        self.name, self.reuse, self.original_name_scope = name, reuse, name_scope
        self.initializer, self.regularizer, self.constraint = initializer, regularizer, constraint
        self.custom_getter, self.dtype = custom_getter, dtypes.as_dtype(dtype)
        self.caching_device, self.partitioner, self.use_resource = caching_device, partitioner, use_resource

    def reuse_variables(self) -> None:
        """Let `get_variable` return variables that exist, and refuse to make any."""
        self.reuse = True

    def set_initializer(self, initializer: Any) -> None:
        """The initializer of variables that are given none."""
        self.initializer = initializer

    def set_regularizer(self, regularizer: Any) -> None:
        """The regularizer of variables that are given none."""
        self.regularizer = regularizer

    def set_dtype(self, dtype: Any) -> None:
        """The dtype of variables that are given none."""
        self.dtype = dtypes.as_dtype(dtype)

    def set_custom_getter(self, custom_getter: Any) -> None:
        """A function around `get_variable`."""
        self.custom_getter = custom_getter

    def global_variables(self) -> list[Any]:
        """The global variables whose names are in this scope."""
        return get_default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES, self.name)

    def trainable_variables(self) -> list[Any]:
        """The trainable variables whose names are in this scope."""
        return get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES, self.name)


def _scope_graph() -> Graph:
    """The v1 graph whose scopes count: functions being traced use those of the graph around them."""
    graph = get_default_graph()
    while graph.is_function and graph.outer is not None:
        graph = graph.outer
    return graph


def get_variable_scope() -> VariableScope:
    """The open variable scope. TensorFlow: tf.compat.v1.get_variable_scope."""
    extras = _scope_graph().extras
    if "variable_scope" not in extras:
        extras["variable_scope"] = VariableScope(False)
    return extras["variable_scope"]  # type: ignore[no-any-return]


@contextmanager
def variable_scope(
    name_or_scope: Any,
    default_name: str | None = None,
    values: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    custom_getter: Any = None,
    reuse: Any = None,
    dtype: Any = None,
    use_resource: bool | None = None,
    constraint: Any = None,
    auxiliary_name_scope: bool = True,
) -> Iterator[VariableScope]:
    """Prefix the names of variables made by `get_variable`, and share them on request.

    Args:
      name_or_scope: a name, or a scope to enter again.
      default_name: a name to make unique, if `name_or_scope` is None.
      reuse: True to only return variables that exist, `tf.AUTO_REUSE` to make those that do not, None to inherit.
      initializer, regularizer, constraint, partitioner, dtype, custom_getter: defaults for the variables.
      auxiliary_name_scope: whether a name scope is opened too.
      values, caching_device, use_resource: accepted; they place variables elsewhere.

    Raises:
      ValueError: if neither name is given.

    TensorFlow: tf.compat.v1.variable_scope.
    """
    if default_name is None and name_or_scope is None:
        raise ValueError("If default_name is None then name_or_scope is required")
    graph, outer = _scope_graph(), get_variable_scope()
    again = isinstance(name_or_scope, VariableScope)
    base = name_or_scope if again else outer
    if again:
        full, shown = base.name, base.name.rpartition("/")[2]
    else:
        prefix = f"{outer.name}/" if outer.name else ""
        shown = default_name or "" if name_or_scope is None else name_or_scope
        full = prefix + (_unused(graph, prefix, shown) if name_or_scope is None else shown)
    inner = VariableScope(
        True if reuse is True else reuse if reuse is not None and reuse is not False else base.reuse if again else
        outer.reuse, full, initializer or base.initializer, regularizer or base.regularizer, None,
        partitioner or base.partitioner, base.custom_getter, "", dtype or base.dtype, None,
        constraint or base.constraint,
    )  # fmt: skip
    if custom_getter is not None:
        inner.custom_getter = _nested(custom_getter, base.custom_getter)
    leave = _enter_counts(graph, full, again)
    graph.extras["variable_scope"] = inner
    try:
        with name_scope(shown) if auxiliary_name_scope and shown else entered():
            inner.original_name_scope = context.scope
            yield inner
    finally:
        graph.extras["variable_scope"] = outer
        leave()


def _nested(getter: Callable[..., Any], outer: Callable[..., Any] | None) -> Callable[..., Any]:
    if outer is None:
        return getter
    return lambda next_getter, *args, **kwargs: getter(lambda *a, **k: outer(next_getter, *a, **k), *args, **kwargs)


def _enter_counts(graph: Graph, full: str, again: bool) -> Callable[[], None]:
    """Count an entry into a scope. What is returned forgets, at its end, the scopes entered inside.

    So a scope that is entered twice by name gives its layers the same names twice.
    """
    counts = graph.extras.setdefault("variable_scope_counts", {})
    counts[full] = counts.get(full, 0) + 1
    before = dict(counts)

    def leave() -> None:
        if again:
            graph.extras["variable_scope_counts"] = before
        else:
            now = graph.extras["variable_scope_counts"]
            now.update({name: 0 for name in now if name.startswith(f"{full}/")})

    return leave


def _unused(graph: Graph, prefix: str, name: str) -> str:
    """A scope name that was not entered before: name, name_1, ..."""
    counts = graph.extras.setdefault("variable_scope_counts", {})
    out, i = name, 0
    while counts.get(prefix + out):
        i += 1
        out = f"{name}_{i}"
    return out


# -- get_variable ------------------------------------------------------------------------------------------------------


def get_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Any = None,
    trainable: bool | None = None,
    collections: Any = None,
    caching_device: Any = None,
    partitioner: Any = None,
    validate_shape: bool = True,
    use_resource: bool | None = None,
    custom_getter: Any = None,
    constraint: Any = None,
    synchronization: VariableSynchronization = VariableSynchronization.AUTO,
    aggregation: VariableAggregation = VariableAggregation.NONE,
) -> Any:
    """The variable of that name in the open scope, made if it does not exist and the scope allows it.

    Args:
      name: the name below the scope's.
      shape: the shape; not needed if `initializer` is a value.
      dtype: the element type, the scope's (float32) by default.
      initializer: a value, or a callable (class) of shape and dtype; the scope's, else Glorot's uniform (zeros for
        integers).
      regularizer: a function of the variable whose result joins the regularization losses.
      trainable, collections, constraint: as for `tf.Variable`.
      partitioner: `(shape, dtype)` -> the number of parts along each dimension; the result is a partitioned variable.
      caching_device, use_resource: accepted; they place variables elsewhere.

    Raises:
      ValueError: if it exists and the scope does not reuse, if it does not and the scope only reuses, or if it has
        another shape or dtype.

    TensorFlow: tf.compat.v1.get_variable.
    """
    scope = get_variable_scope()
    initializer = scope.initializer if initializer is None else initializer
    arguments = {
        "shape": shape, "dtype": _dtype_for(dtype, initializer, scope), "initializer": initializer,
        "regularizer": scope.regularizer if regularizer is None else regularizer, "trainable": trainable,
        "collections": collections, "validate_shape": validate_shape,
        "constraint": scope.constraint if constraint is None else constraint, "reuse": scope.reuse,
        "synchronization": synchronization, "aggregation": aggregation,
        "partitioner": scope.partitioner if partitioner is None else partitioner,
    }  # fmt: skip
    full = f"{scope.name}/{name}" if scope.name else name
    getter = _nested(custom_getter, scope.custom_getter) if custom_getter is not None else scope.custom_getter
    return _get(full, **arguments) if getter is None else getter(_get, full, **arguments)


def _dtype_for(dtype: Any, initializer: Any, scope: VariableScope) -> Any:
    """The dtype asked for; else that of a value to start from, or the scope's."""
    if initializer is None or (callable(initializer) and not isinstance(initializer, (Tensor, Variable))):
        return scope.dtype if dtype is None else dtypes.as_dtype(dtype)
    if isinstance(initializer, (Tensor, Variable)):
        of_value = initializer.dtype
    else:
        with eager_only():  # no node of the graph
            of_value = convert(initializer).dtype
    if dtype is not None and dtypes.as_dtype(dtype) is not of_value:
        raise ValueError(f"Initializer type '{of_value}' and explicit dtype '{dtypes.as_dtype(dtype)}' don't match.")
    return of_value


def _get(
    name: str,
    shape: Any = None,
    dtype: Any = dtypes.float32,
    initializer: Any = None,
    reuse: Any = None,
    partitioner: Any = None,
    **options: Any,
) -> Any:
    graph = _scope_graph()
    store = graph.extras.setdefault("variable_store", {})
    dtype = dtypes.as_dtype(dtype)
    if partitioner is not None and (shape is None or shapes.as_dims(shape) != ()):
        return _partitioned(graph, store, name, shape, dtype, initializer, reuse, partitioner, options)
    if name in store and context.graph is not None:
        return _shared(name, store[name], shape, dtype, reuse)
    if f"{name}/part_0" in store:
        raise ValueError(
            f"No partitioner was provided, but a partitioned version of the variable was found: {name}/part_0. Perhaps "
            "a variable of the same name was already created with partitioning?"
        )
    if reuse is True and context.graph is not None:
        raise ValueError(
            f"Variable {name} does not exist, or was not created with tf.get_variable(). Did you mean to set "
            "reuse=tf.AUTO_REUSE in VarScope?"
        )
    return _new(graph, store, name, shape, dtype, initializer, options)


def _new(
    graph: Graph, store: dict[str, Any], name: str, shape: Any, dtype: Any, initializer: Any, options: dict[str, Any]
) -> Any:
    """A variable that does not exist yet; its regularizer's loss is collected."""
    variable = _made(name, shape, dtype, initializer, options)
    if context.graph is not None:
        store[name] = variable
    regularizer = options.get("regularizer")
    if regularizer is not None:
        with init_scope(), name_scope(f"{name}/Regularizer/"):
            loss = regularizer(variable)
        if loss is not None:
            graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)
    return variable


# -- variables in parts ------------------------------------------------------------------------------------------------


def _partitioned(
    graph: Graph, store: dict[str, Any], name: str, shape: Any, dtype: Any, initializer: Any, reuse: Any,
    partitioner: Any, options: dict[str, Any],
) -> Any:  # fmt: skip
    """The partitioned variable of that name, made if it does not exist and the scope allows it."""
    wholes = graph.extras.setdefault("partitioned_variables", {})
    value = isinstance(initializer, (Tensor, Variable))
    dims = initializer.dims if value and shape is None else None if shape is None else shapes.as_dims(shape)
    if name in wholes and context.graph is not None:
        return _same_whole(name, wholes[name], dims, dtype, reuse)
    if reuse is True and context.graph is not None:
        raise ValueError(
            f"PartitionedVariable {name} does not exist, or was not created with tf.get_variable(). Did you mean to "
            "set reuse=False or reuse=tf.AUTO_REUSE in VarScope?"
        )
    if name in store:
        raise ValueError(
            f"A partitioner was provided, but an unpartitioned version of the variable was found: {name}. Perhaps a "
            "variable of the same name was already created without partitioning?"
        )
    counts = partitions_of(partitioner, dims, dtype)
    parts = []
    for number, (offset, size) in enumerate(cuts(dims, counts)):
        start = _piece(initializer, dims, offset, size, dtype)
        part = _new(graph, store, f"{name}/part_{number}", size, dtype, start, options)
        part._save_slice_info = SaveSliceInfo(name, list(dims), offset, size)
        parts.append(part)
    whole = PartitionedVariable(name, dims, dtype, parts, counts)
    if context.graph is not None:
        wholes[name] = whole
    return whole


def _piece(initializer: Any, dims: Any, offset: list[int], size: list[int], dtype: Any) -> Any:
    """What a part starts from: a piece of a value, or the function, told of the part if it asks."""
    if initializer is None:
        return None
    if callable(initializer) and not isinstance(initializer, (Tensor, Variable)):
        made = initializer() if isinstance(initializer, type) else initializer
        if "partition_info" not in getattr(getattr(made, "__code__", None), "co_varnames", ()):
            return made
        info = PartitionInfo(list(dims), offset)
        return lambda shape, dtype=None: made(shape, dtype=dtype, partition_info=info)
    whole = convert(initializer, dtype_hint=dtype)
    return whole[tuple(slice(o, o + n) for o, n in zip(offset, size, strict=True))]


def _same_whole(name: str, whole: PartitionedVariable, dims: Any, dtype: Any, reuse: Any) -> PartitionedVariable:
    if not reuse:
        raise ValueError(
            f"Partitioned variable with name {name} already exists. Did you mean to set reuse=True or "
            "reuse=tf.AUTO_REUSE in VarScope?"
        )
    if dims is not None and not whole.shape.is_compatible_with(dims):
        raise ValueError(
            f"Trying to reuse partitioned variable {name}, but specified shape {dims} and found shape {whole.shape}."
        )
    if dtype is not whole.dtype:
        raise ValueError(
            f"Trying to reuse partitioned variable {name}, but specified dtype {dtype.name} and found dtype "
            f"{whole.dtype.name}."
        )
    return whole


def create_partitioned_variables(
    shape: Any, slicing: Any, initializer: Any, dtype: Any = dtypes.float32, trainable: bool = True,
    collections: Any = None, name: str | None = None, reuse: Any = None,
) -> list[Any]:  # fmt: skip
    """The parts of a variable cut into so many along each dimension.

    TensorFlow: tf.compat.v1.create_partitioned_variables.
    """
    if len(shape) != len(slicing):
        raise ValueError(f"The `shape` and `slicing` must have the same length. shape: {shape}, slicing: {slicing}")
    if min(shape) < 1:
        raise ValueError(f"Both shape and slicing must be positive. shape: {shape}, slicing: {slicing}")
    with variable_scope(name, "PartitionedVariable", reuse=reuse):
        scope = get_variable_scope()
        whole = _get(
            scope.name, shape, dtype, initializer, scope.reuse, lambda **_: list(slicing), trainable=trainable,
            collections=collections,
        )  # fmt: skip
        return list(whole)


def _shared(name: str, variable: Any, shape: Any, dtype: Any, reuse: Any) -> Any:
    if not reuse:
        where = show_origin(variable.op.origin)
        raise ValueError(
            f"Variable {name} already exists, disallowed. Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in "
            "VarScope? "
            f"Originally defined at:\n\n  {where}"
        )
    if shape is not None and not shapes.compatible(variable.dims, shapes.as_dims(shape)):
        raise ValueError(
            f"Trying to share variable {name}, but specified shape {shapes.show(shapes.as_dims(shape))} and found "
            "shape "
            f"{shapes.show(variable.dims)}."
        )
    if dtype is not variable.dtype:
        raise ValueError(
            f"Trying to share variable {name}, but specified dtype {dtype.name} and found dtype {variable.dtype.name}."
        )
    return variable


def _made(name: str, shape: Any, dtype: Any, initializer: Any, options: dict[str, Any]) -> Any:
    dims = None if shape is None else shapes.as_dims(shape)
    value = _initial_value(name, dims, dtype, initializer)
    with entered(scope=""):
        return VariableV1(
            value, options.get("trainable"), options.get("collections"), options.get("validate_shape", True), name=name,
            dtype=dtype if callable(value) else None, constraint=options.get("constraint"),
            synchronization=options.get("synchronization", VariableSynchronization.AUTO),
            aggregation=options.get("aggregation", VariableAggregation.NONE),
        )  # fmt: skip


def _initial_value(name: str, dims: Any, dtype: Any, initializer: Any) -> Any:
    if initializer is None:
        if dtype.is_floating or dtype.is_complex:
            initializer = glorot_uniform_initializer()
        elif dtype.is_integer or dtype.is_bool or dtype is dtypes.string:
            initializer = zeros_initializer()
        else:
            raise ValueError(f"An initializer for variable {name} of {dtype.name} is required")
    if isinstance(initializer, type):
        initializer = initializer()
    if not callable(initializer) or isinstance(initializer, (Tensor, Variable)):
        value = convert(initializer, dtype_hint=dtype)
        if dims is not None and not shapes.compatible(value.dims, dims):
            raise ValueError("If initializer is a constant, do not specify shape.")
        return value
    if dims is None or None in dims:
        if not isinstance(initializer, Initializer) and dims is None:
            return initializer
        raise ValueError(
            f"Shape of a new variable ({name}) must be fully defined, but instead was {shapes.show(dims)}."
        )
    return lambda: initializer(list(dims), dtype=dtype)


def get_local_variable(name: str, *args: Any, **kwargs: Any) -> Any:
    """`get_variable` for a variable that is local and not trainable. TensorFlow: tf.compat.v1.get_local_variable."""
    kwargs["trainable"] = False
    kwargs["collections"] = [*(kwargs.get("collections") or ()), GraphKeys.LOCAL_VARIABLES]
    return get_variable(name, *args, **kwargs)


def no_regularizer(_: Any) -> None:
    """A regularizer that adds nothing, to override a scope's. TensorFlow: tf.compat.v1.no_regularizer."""
