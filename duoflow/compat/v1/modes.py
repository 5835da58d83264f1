"""Which mode a v1 program is in: switches between eager and graph mode, placeholders, collections of the default
graph."""

from __future__ import annotations

from typing import Any

from duoflow.core import shapes
from duoflow.core.context import context
from duoflow.core.dtypes import as_dtype
from duoflow.core.emit import emit_one
from duoflow.core.graph import get_default_graph, reset_default_graph
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.shapes import Dims
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert
from duoflow.ops.control_flow import group

__all__ = [
    "GraphKeys", "add_to_collection", "add_to_collections", "disable_eager_execution", "disable_v2_behavior",
    "enable_eager_execution", "enable_v2_behavior", "executing_eagerly_outside_functions", "get_collection",
    "get_collection_ref", "global_variables", "global_variables_initializer", "initialize_all_variables",
    "initialize_local_variables", "initialize_variables", "leave_graph_mode", "local_variables",
    "local_variables_initializer", "model_variables",
    "moving_average_variables", "placeholder", "placeholder_with_default", "report_uninitialized_variables",
    "trainable_variables", "variables_initializer",
]  # fmt: skip


# -- modes -------------------------------------------------------------------------------------------------------------


def disable_eager_execution() -> None:
    """Add operations to the default graph from now on, on this thread.

    TensorFlow: tf.compat.v1.disable_eager_execution.
    """
    if context.graph is None:
        context.graph = get_default_graph()


def enable_eager_execution(config: Any = None, device_policy: Any = None, execution_mode: Any = None) -> None:
    """Run operations as they are called from now on.

    Raises `ValueError` inside a graph that was entered with `as_default`.

    TensorFlow: tf.compat.v1.enable_eager_execution.
    """
    if context.graph is None:
        return
    if context.graph.is_function or context.graph.nodes:
        raise ValueError("tf.enable_eager_execution must be called at program startup.")
    context.graph = None


def disable_v2_behavior() -> None:
    """Be TensorFlow 1: operations build the default graph. TensorFlow: tf.compat.v1.disable_v2_behavior."""
    disable_eager_execution()


def enable_v2_behavior() -> None:
    """Be TensorFlow 2: operations run as they are called. TensorFlow: tf.compat.v1.enable_v2_behavior."""
    enable_eager_execution()


def leave_graph_mode() -> None:
    """Undo `disable_v2_behavior`, whatever was built meanwhile, and forget the default graph."""
    reset_default_graph()
    context.graph = None


def executing_eagerly_outside_functions() -> bool:
    """Whether operations would run as they are called outside of all functions being traced."""
    graph = context.graph
    while graph is not None and graph.is_function:
        graph = graph.outer
    return graph is None


# -- placeholders ------------------------------------------------------------------------------------------------------


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Any:
    """A tensor whose value `Session.run` is fed.

    Args:
      dtype: the element type.
      shape: the static shape; None if any will do.

    Raises:
      RuntimeError: in eager mode.

    TensorFlow: tf.compat.v1.placeholder.
    """
    if context.graph is None:
        raise RuntimeError("tf.placeholder() is not compatible with eager execution.")
    return context.graph.placeholder(as_dtype(dtype), shapes.as_dims(shape), name)


def _infer_default(value: Spec, *, shape: Dims) -> Spec:
    if not shapes.compatible(value.shape, shape):
        raise ValueError(f"The default has shape {shapes.show(value.shape)}, the placeholder {shapes.show(shape)}.")
    return Spec(shape, value.dtype)


PLACEHOLDER_WITH_DEFAULT = register(
    Op("PlaceholderWithDefault", Kind.HOST, _infer_default, lambda x, *, shape: x, lambda n, g: g, checked=False)
)


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Any:
    """A tensor whose value may be fed, and is `input` otherwise. TensorFlow: tf.compat.v1.placeholder_with_default."""
    return emit_one(PLACEHOLDER_WITH_DEFAULT, (convert(input),), {"shape": shapes.as_dims(shape)}, name)


# -- collections -------------------------------------------------------------------------------------------------------


class GraphKeys:
    """Names of the lists that a graph keeps. TensorFlow: tf.compat.v1.GraphKeys."""

    GLOBAL_VARIABLES = "variables"
    VARIABLES = "variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    LOCAL_VARIABLES = "local_variables"
    MODEL_VARIABLES = "model_variables"
    METRIC_VARIABLES = "metric_variables"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    REGULARIZATION_LOSSES = "regularization_losses"
    LOSSES = "losses"
    UPDATE_OPS = "update_ops"
    SUMMARIES = "summaries"
    SUMMARY_OP = "summary_op"
    GLOBAL_STEP = "global_step"
    TRAIN_OP = "train_op"
    INIT_OP = "init_op"
    LOCAL_INIT_OP = "local_init_op"
    READY_OP = "ready_op"
    TABLE_INITIALIZERS = "table_initializer"
    QUEUE_RUNNERS = "queue_runners"
    ASSET_FILEPATHS = "asset_filepaths"
    SAVERS = "savers"
    SAVEABLE_OBJECTS = "saveable_objects"
    RESOURCES = "resources"
    LOCAL_RESOURCES = "local_resources"
    READY_FOR_LOCAL_INIT_OP = "ready_for_local_init_op"
    COND_CONTEXT = "cond_context"
    WHILE_CONTEXT = "while_context"
    WEIGHTS = "weights"
    BIASES = "biases"
    ACTIVATIONS = "activations"
    CONCATENATED_VARIABLES = "concatenated_variables"
    EVAL_STEP = "eval_step"


def add_to_collection(name: Any, value: Any) -> None:
    """Append to a list of the default graph. TensorFlow: tf.compat.v1.add_to_collection."""
    get_default_graph().add_to_collection(name, value)


def add_to_collections(names: Any, value: Any) -> None:
    """Append to several lists of the default graph. TensorFlow: tf.compat.v1.add_to_collections."""
    get_default_graph().add_to_collections(names, value)


def get_collection(key: Any, scope: str | None = None) -> list[Any]:
    """A copy of a list of the default graph, of items whose names match. TensorFlow: tf.compat.v1.get_collection."""
    return get_default_graph().get_collection(key, scope)


def get_collection_ref(key: Any) -> list[Any]:
    """A list of the default graph itself. TensorFlow: tf.compat.v1.get_collection_ref."""
    return get_default_graph().get_collection_ref(key)


def global_variables(scope: str | None = None) -> list[Any]:
    """All variables of the default graph but local ones. TensorFlow: tf.compat.v1.global_variables."""
    return get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Any]:
    """The trainable variables of the default graph. TensorFlow: tf.compat.v1.trainable_variables."""
    return get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def local_variables(scope: str | None = None) -> list[Any]:
    """The local variables of the default graph. TensorFlow: tf.compat.v1.local_variables."""
    return get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[Any]:
    """The variables collected as a model's. TensorFlow: tf.compat.v1.model_variables."""
    return get_collection(GraphKeys.MODEL_VARIABLES, scope)


def moving_average_variables(scope: str | None = None) -> list[Any]:
    """The variables that have moving averages. TensorFlow: tf.compat.v1.moving_average_variables."""
    return get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def variables_initializer(var_list: Any, name: str = "init") -> Any:
    """An operation that gives variables their initial values. TensorFlow: tf.compat.v1.variables_initializer."""
    return group(*[v.initializer for v in var_list], name=name)


def global_variables_initializer() -> Any:
    """An operation that initialises all global variables. TensorFlow: tf.compat.v1.global_variables_initializer."""
    return variables_initializer(global_variables())


def local_variables_initializer() -> Any:
    """An operation that initialises all local variables. TensorFlow: tf.compat.v1.local_variables_initializer."""
    return variables_initializer(local_variables())


initialize_all_variables = global_variables_initializer
initialize_local_variables = local_variables_initializer
initialize_variables = variables_initializer


def report_uninitialized_variables(var_list: Any = None, name: str = "report_uninitialized_variables") -> Any:
    """A vector of the names of variables without a value. TensorFlow: tf.compat.v1.report_uninitialized_variables."""
    variables = global_variables() + local_variables() if var_list is None else list(var_list)
    names = convert([v.op.name.removesuffix("/handle") for v in variables] or [""])
    if not variables:
        return names[:0]
    held = F.stack([v.is_initialized() for v in variables])
    return F.boolean_mask(names, F.logical_not(held), name=name)
