"""Names of TensorFlow 1 about graphs as a whole: their protocol buffers, modes that are one here, templates, devices.

A name that TensorFlow 1 and 2 both have is in `tf` itself.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from duoflow.core import nest
from duoflow.core.context import context, entered, name_scope
from duoflow.core.graph import Graph, get_default_graph
from duoflow.core.hessians import hessians
from duoflow.core.late import F
from duoflow.core.tensor import convert
from duoflow.formats.messages import (
    AttrValue,
    GraphDef,
    HistogramProto,
    MetaGraphDef,
    NameAttrList,
    NodeDef,
    TensorInfo,
)
from duoflow.formats.tensors import array_of, tensor_proto
from duoflow.trace.graph_def import import_graph_def
from duoflow.trace.session import Session

from . import modes
from .modes import GraphKeys, placeholder
from .variables import AUTO_REUSE, variable_scope

__all__ = [
    "AggregationMethod", "AttrValue", "GraphDef", "HistogramProto", "MetaGraphDef", "NameAttrList", "NodeDef",
    "Print", "TensorInfo", "assert_variables_initialized", "clip_by_average_norm", "colocate_with", "container",
    "control_flow_v2_enabled", "convert_variables_to_constants", "disable_control_flow_v2",
    "disable_resource_variables", "disable_tensor_equality", "disable_v2_tensorshape", "enable_control_flow_v2",
    "enable_resource_variables", "enable_tensor_equality", "enable_v2_tensorshape", "extract_sub_graph",
    "get_seed", "hessians", "import_graph_def", "initialize_all_tables",
    "is_variable_initialized", "make_ndarray", "make_template", "make_tensor_proto",
    "op_scope", "remove_training_nodes", "resource_variables_enabled", "tables_initializer",
    "variable_op_scope", "verify_tensor_all_finite", "wrap_function",
]  # fmt: skip

make_ndarray = array_of


def make_tensor_proto(
    values: Any, dtype: Any = None, shape: Any = None, verify_shape: bool = False, allow_broadcast: bool = False
) -> Any:
    """A value as a `TensorProto`. TensorFlow: tf.make_tensor_proto."""
    return tensor_proto(values, dtype, shape)


class AggregationMethod:
    """How gradients are added up: there is one way here. TensorFlow: tf.AggregationMethod."""

    ADD_N = DEFAULT = 0
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


# -- modes that TensorFlow 1 could choose between ----------------------------------------------------------------------


def _only(name: str, doc: str) -> Callable[[], None]:
    def mode() -> None:
        return None

    mode.__name__ = mode.__qualname__ = name
    mode.__doc__ = f"{doc} TensorFlow: tf.compat.v1.{name}."
    return mode


enable_resource_variables = _only("enable_resource_variables", "Accepted: all variables are resources.")
disable_resource_variables = _only("disable_resource_variables", "Accepted: all variables are resources all the same.")
enable_control_flow_v2 = _only("enable_control_flow_v2", "Accepted: branches and loops are always functions.")
disable_control_flow_v2 = _only("disable_control_flow_v2", "Accepted: branches and loops are functions all the same.")
enable_v2_tensorshape = _only("enable_v2_tensorshape", "Accepted: dimensions are ints or None.")
disable_v2_tensorshape = _only("disable_v2_tensorshape", "Accepted: dimensions stay ints or None.")
enable_tensor_equality = _only("enable_tensor_equality", "Accepted: == compares values.")
disable_tensor_equality = _only("disable_tensor_equality", "Accepted: == compares values all the same.")


def resource_variables_enabled() -> bool:
    """Whether variables are resources: always. TensorFlow: tf.compat.v1.resource_variables_enabled."""
    return True


def control_flow_v2_enabled() -> bool:
    """Whether branches and loops are functions: always. TensorFlow: tf.compat.v1.control_flow_v2_enabled."""
    return True


# -- scopes ------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def op_scope(values: Any, name: str | None, default_name: str | None = None) -> Iterator[str]:
    """`tf.name_scope` with other arguments. TensorFlow: tf.compat.v1.op_scope."""
    with name_scope(name, default_name, values) as scope:
        yield scope


def variable_op_scope(values: Any, name_or_scope: Any, default_name: str | None = None, **kwargs: Any) -> Any:
    """`tf.variable_scope` with other arguments. TensorFlow: tf.compat.v1.variable_op_scope."""
    return variable_scope(name_or_scope, default_name, values, **kwargs)


@contextlib.contextmanager
def colocate_with(op: Any, ignore_existing: bool = False) -> Iterator[None]:
    """Accepted: everything is in one place. TensorFlow: tf.compat.v1.colocate_with."""
    yield


@contextlib.contextmanager
def container(container_name: str) -> Iterator[None]:
    """Accepted: each session has resources of its own. TensorFlow: tf.compat.v1.container."""
    yield


class _Template:
    """A function that shares its variables between calls."""

    def __init__(self, name: str, function: Callable[..., Any], unique: str | None, kwargs: dict[str, Any]) -> None:
        self._name, self._unique, self._function, self._kwargs = name, unique, function, kwargs
        self._scope: Any = None
        functools.update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._scope is None:
            with variable_scope(self._unique, self._name) as self._scope:
                return self._function(*args, **{**self._kwargs, **kwargs})
        with variable_scope(self._scope, reuse=AUTO_REUSE if context.graph is None else True):
            return self._function(*args, **{**self._kwargs, **kwargs})

    @property
    def variables(self) -> list[Any]:
        """The variables made."""
        return [] if self._scope is None else self._scope.global_variables()

    @property
    def trainable_variables(self) -> list[Any]:
        """Those to train."""
        return [] if self._scope is None else self._scope.trainable_variables()


def make_template(
    name_: str, func_: Callable[..., Any], create_scope_now_: bool = False, unique_name_: str | None = None,
    custom_getter_: Any = None, **kwargs: Any,
) -> Any:  # fmt: skip
    """A function that makes its variables on the first call and shares them on later ones.

    TensorFlow: tf.compat.v1.make_template.
    """
    return _Template(name_, func_, unique_name_, kwargs)


# -- operations --------------------------------------------------------------------------------------------------------


def Print(
    input_: Any, data: Any, message: str | None = None, first_n: int | None = None, summarize: int | None = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """`input_`, and when it is computed `data` printed to standard error. TensorFlow: tf.compat.v1.Print.

    `first_n` is accepted where it is None or negative; otherwise every computation prints.
    """
    # TensorFlow 1 writes message[values][values], each flattened.
    flat = [F.reshape(convert(d), [-1]) for d in data]
    with F.control_dependencies([F.print(message or "", *flat, summarize=summarize or 3, sep="")]):
        return F.identity(convert(input_), name=name)


def verify_tensor_all_finite(
    t: Any = None, msg: str | None = None, name: str | None = None, x: Any = None, message: str | None = None
) -> Any:
    """`tf.debugging.assert_all_finite`. TensorFlow: tf.compat.v1.verify_tensor_all_finite."""
    return F.check_numerics(t if x is None else x, msg or message or "", name)


def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> Any:
    """A tensor scaled so that its norm per element is at most `clip_norm`.

    TensorFlow: tf.compat.v1.clip_by_average_norm.
    """
    t = convert(t)
    count = F.cast(F.size(t), t.dtype)
    inverse = count * F.rsqrt(F.reduce_sum(t * t))
    return F.multiply(t, clip_norm * F.minimum(inverse, F.constant(1.0, t.dtype) / clip_norm), name=name)


def is_variable_initialized(variable: Any) -> Any:
    """Whether a variable has a value, as a tensor. TensorFlow: tf.compat.v1.is_variable_initialized."""
    return variable.is_initialized()


def assert_variables_initialized(var_list: Any = None) -> Any:
    """An operation that fails if variables have no value. TensorFlow: tf.compat.v1.assert_variables_initialized."""
    names = modes.report_uninitialized_variables(var_list)
    return F.Assert(F.equal(F.size(names), 0), ["Variables without a value:", names])


def tables_initializer(name: str = "init_all_tables") -> Any:
    """An operation that initialises all lookup tables. TensorFlow: tf.compat.v1.tables_initializer."""
    return F.group(*get_default_graph().get_collection(GraphKeys.TABLE_INITIALIZERS), name=name)


initialize_all_tables = tables_initializer


def get_seed(op_seed: Any) -> tuple[Any, Any]:
    """The graph's and the operation's seed. TensorFlow: tf.compat.v1.get_seed."""
    return F.get_seed(op_seed)  # type: ignore[no-any-return]


# -- graphs with constants for variables -------------------------------------------------------------------------------


def extract_sub_graph(graph_def: Any, dest_nodes: Any) -> Any:
    """The nodes that some nodes need. TensorFlow: tf.compat.v1.graph_util.extract_sub_graph."""
    if isinstance(dest_nodes, str):
        raise TypeError("dest_nodes must be an iterable of strings.")
    nodes = {node.name: node for node in graph_def.node}
    needed: set[str] = set()
    pending = list(dest_nodes)
    while pending:
        name = pending.pop()
        if name not in nodes:
            raise AssertionError(f"{name} is not in graph")
        if name not in needed:
            needed.add(name)
            pending += [i.removeprefix("^").partition(":")[0] for i in nodes[name].input]
    kept = [node for node in graph_def.node if node.name in needed]
    return GraphDef(node=kept, library=graph_def.library, versions=graph_def.versions)


def convert_variables_to_constants(
    sess: Any, input_graph_def: Any, output_node_names: Any, variable_names_whitelist: Any = None,
    variable_names_blacklist: Any = None,
) -> Any:  # fmt: skip
    """The part of a graph that gives some outputs, with the session's values in place of its variables.

    TensorFlow: tf.compat.v1.graph_util.convert_variables_to_constants.
    """
    part = extract_sub_graph(input_graph_def, output_node_names)
    handles = {node.name: node for node in part.node if node.op == "VarHandleOp"}
    out = GraphDef(library=part.library, versions=part.versions)
    frozen = set()
    for node in part.node:
        read = node.op == "ReadVariableOp" and node.input[0] in handles
        name = handles[node.input[0]].attr["shared_name"].s.decode() if read else ""
        chosen = read and (variable_names_whitelist is None or name in variable_names_whitelist)
        if chosen and name not in (variable_names_blacklist or ()):
            proto = tensor_proto(sess.run(f"{node.name}:0"))
            constant = out.node.add(name=node.name, op="Const", device=node.device)
            constant.attr["dtype"].type = proto.dtype
            constant.attr["value"].tensor.CopyFrom(proto)
            frozen.add(node.input[0])
        else:
            out.node.append(node)
    used = {i.removeprefix("^").partition(":")[0] for node in out.node for i in node.input}
    out.node[:] = [node for node in out.node if node.name not in frozen or node.name in used]
    return out


def remove_training_nodes(input_graph: Any, protected_nodes: Any = None) -> Any:
    """The graph without nodes that only pass values on. TensorFlow: tf.compat.v1.graph_util.remove_training_nodes."""
    kept = set(protected_nodes or ())
    passing = {
        node.name: node.input[0]
        for node in input_graph.node
        if node.op in ("Identity", "CheckNumerics") and len(node.input) == 1 and node.name not in kept
    }
    out = GraphDef(library=input_graph.library, versions=input_graph.versions)
    for node in input_graph.node:
        if node.name not in passing:
            copy = NodeDef.FromString(node.SerializeToString())
            copy.input[:] = [_through(i, passing) for i in copy.input]
            out.node.append(copy)
    return out


def _through(name: str, passing: dict[str, str]) -> str:
    while name in passing:
        name = passing[name]
    return name


# -- functions ---------------------------------------------------------------------------------------------------------


class _Wrapped:
    """A function of TensorFlow 1 as one of TensorFlow 2: its variables live as long as it does."""

    def __init__(self, fn: Callable[..., Any], signature: Any, name: str | None) -> None:
        self.graph = Graph(name or fn.__name__)
        with self.graph.as_default():
            specs = nest.flatten(signature)
            self._inputs = [placeholder(s.dtype, s.shape, s.name) for s in specs]
            arguments = nest.pack_sequence_as(signature, self._inputs)
            self.structured_outputs = fn(*arguments)
            started = modes.global_variables_initializer()
        self._session = Session(graph=self.graph)
        self._session.run(started)

    @property
    def variables(self) -> list[Any]:
        """The variables that the function made."""
        return self.graph.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def __call__(self, *args: Any) -> Any:
        return self._run(self.structured_outputs, self._inputs, nest.flatten(list(args)))

    def prune(self, feeds: Any, fetches: Any, name: str | None = None) -> Callable[..., Any]:
        """A function from some tensors of the graph to others."""
        given = nest.flatten(feeds)
        return lambda *args: self._run(fetches, given, nest.flatten(list(args)))

    def _run(self, fetches: Any, feeds: Any, values: Any) -> Any:
        if len(values) != len(feeds):
            raise TypeError(f"Expected {len(feeds)} arguments, received {len(values)}.")
        with entered(graph=None):
            known = {feed: np.asarray(convert(value)) for feed, value in zip(feeds, values, strict=True)}
            flat = nest.flatten(fetches)
            results = iter(self._session.run([f for f in flat if f is not None], known))
            out = [None if f is None else _eager(next(results)) for f in flat]
        return nest.pack_sequence_as(fetches, out)


def _eager(value: Any) -> Any:
    return None if value is None else convert(np.asarray(value))


def wrap_function(fn: Callable[..., Any], signature: Any, name: str | None = None) -> Any:
    """A function of TensorFlow 1 to be called eagerly: its variables are made once and keep their values.

    Gradients do not flow through its calls.

    TensorFlow: tf.compat.v1.wrap_function.
    """
    return _Wrapped(fn, signature, name)
