"""`tf.compat.v1`: TensorFlow 1's names, and TensorFlow 2's where it did not change them. A table of names.

A name is looked for here, then among the renamed operations, then in `tf` itself.
"""

from __future__ import annotations

from typing import Any

import duoflow
from duoflow.core import dtypes
from duoflow.core.errors import OpError
from duoflow.core.graph import Graph, get_default_graph, reset_default_graph
from duoflow.core.graph import Node as Operation
from duoflow.ops import control_dependencies
from duoflow.trace.session import IndexedSlicesValue, InteractiveSession, Session, get_default_session

from . import (
    app,
    contrib,
    data,
    estimator,
    feature_column,
    flags,
    gfile,
    graph_util,
    graphs,
    initializers,
    layers,
    logging,
    lookup,
    losses,
    metrics,
    nn,
    python_io,
    queue,
    queues,
    saved_model,
    summary,
    train,
)
from .initializers import (
    constant_initializer,
    glorot_normal_initializer,
    glorot_uniform_initializer,
    ones_initializer,
    orthogonal_initializer,
    random_normal_initializer,
    random_uniform_initializer,
    truncated_normal_initializer,
    uniform_unit_scaling_initializer,
    variance_scaling_initializer,
    zeros_initializer,
)
from .modes import (
    GraphKeys,
    add_to_collection,
    add_to_collections,
    disable_eager_execution,
    disable_v2_behavior,
    enable_eager_execution,
    enable_v2_behavior,
    executing_eagerly_outside_functions,
    get_collection,
    get_collection_ref,
    global_variables,
    global_variables_initializer,
    initialize_all_variables,
    initialize_local_variables,
    initialize_variables,
    leave_graph_mode,
    local_variables,
    local_variables_initializer,
    model_variables,
    moving_average_variables,
    placeholder,
    placeholder_with_default,
    report_uninitialized_variables,
    trainable_variables,
    variables_initializer,
)
from .ops import (
    argmax,
    argmin,
    assign,
    assign_add,
    assign_sub,
    batch_to_space,
    case,
    cond,
    div,
    expand_dims,
    gather,
    reduce_all,
    reduce_any,
    reduce_logsumexp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_sum,
    scatter_add,
    scatter_sub,
    scatter_update,
    space_to_batch,
    squeeze,
    to_bfloat16,
    to_double,
    to_float,
    to_int32,
    to_int64,
    where,
    while_loop,
)
from .options import ConfigProto, GPUOptions, GraphOptions, OptimizerOptions, RunMetadata, RunOptions
from .partitions import fixed_size_partitioner, min_max_variable_partitioner, variable_axis_size_partitioner
from .variables import (
    AUTO_REUSE,
    VariableScope,
    create_partitioned_variables,
    get_local_variable,
    get_variable,
    get_variable_scope,
    no_regularizer,
    variable_scope,
)
from .variables import VariableV1 as Variable

#: Names that are in tables of their own.
_TABLES: dict[str, Any] = {
    **{name: table for table in (graphs, queues) for name in table.__all__},
    **dict.fromkeys(("Event", "LogMessage", "SessionLog", "Summary", "SummaryMetadata"), summary),
}
all_variables = global_variables
arg_max, arg_min = argmax, argmin
bool = dtypes.bool_

#: TensorFlow 1 keeps these at the top; here they are operations of the same name.
_OPERATIONS = frozenset(
    """accumulate_n angle assert_equal assert_greater assert_greater_equal assert_integer assert_less assert_less_equal
    assert_near assert_negative assert_non_negative assert_non_positive assert_none_equal assert_positive
    assert_proper_iterable assert_rank assert_rank_at_least assert_rank_in assert_same_float_dtype assert_scalar
    assert_type betainc bincount ceil check_numerics cholesky cholesky_solve confusion_matrix conj count_nonzero
    count_up_to cross cumprod depth_to_space diag diag_part digamma erf erfc expm1 floordiv floormod global_norm
    igamma igammac imag invert_permutation is_finite is_inf is_nan is_non_decreasing is_numeric_tensor
    is_strictly_increasing lbeta lgamma log log1p log_sigmoid logical_xor matrix_transpose mod polygamma py_func
    qr random_gamma random_normal random_poisson random_shuffle random_uniform real reciprocal reduce_join
    regex_replace rint rsqrt segment_max segment_mean segment_min segment_prod segment_sum set_random_seed
    space_to_depth squared_difference string_join string_split string_strip string_to_number svd trace
    unsorted_segment_max unsorted_segment_mean unsorted_segment_min unsorted_segment_prod unsorted_segment_sqrt_n
    unsorted_segment_sum zeta""".split()
)

#: What an operation is called in `tf`.
_RENAMED = {
    "FixedLenFeature": "io.FixedLenFeature", "FixedLenSequenceFeature": "io.FixedLenSequenceFeature",
    "SparseFeature": "io.SparseFeature", "VarLenFeature": "io.VarLenFeature", "decode_base64": "io.decode_base64",
    "decode_compressed": "io.decode_compressed", "decode_csv": "io.decode_csv", "decode_raw": "io.decode_raw",
    "encode_base64": "io.encode_base64", "parse_example": "io.parse_example", "parse_single_example":
    "io.parse_single_example", "parse_tensor": "io.parse_tensor", "serialize_tensor": "io.serialize_tensor",
    "dimension_at_index": "compat.dimension_at_index", "dimension_value": "compat.dimension_value",
    "VERSION": "__version__",
    "batch_to_space_nd": "batch_to_space", "div_no_nan": "math.divide_no_nan",
    "fft": "signal.fft", "fft2d": "signal.fft2d", "fft3d": "signal.fft3d", "floor_div": "math.floordiv", "ifft":
    "signal.ifft", "ifft2d": "signal.ifft2d", "ifft3d": "signal.ifft3d", "lin_space": "linspace", "matching_files":
    "io.matching_files", "matrix_band_part": "linalg.band_part", "matrix_determinant": "linalg.det", "matrix_diag":
    "linalg.diag", "matrix_diag_part": "linalg.diag_part", "matrix_inverse": "linalg.inv", "matrix_set_diag":
    "linalg.set_diag", "matrix_solve": "linalg.solve", "matrix_solve_ls": "linalg.lstsq", "matrix_triangular_solve":
    "linalg.triangular_solve", "multinomial": "random.categorical", "random_crop": "image.random_crop", "read_file":
    "io.read_file", "reverse_v2": "reverse", "self_adjoint_eig": "linalg.eigh", "self_adjoint_eigvals":
    "linalg.eigvalsh", "substr": "strings.substr", "tensor_scatter_add": "tensor_scatter_nd_add",
    "tensor_scatter_sub": "tensor_scatter_nd_sub", "tensor_scatter_update": "tensor_scatter_nd_update",
    "truncated_normal": "random.truncated_normal", "where_v2": "where", "write_file": "io.write_file",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _TABLES:
        return getattr(_TABLES[name], name)
    if name in _OPERATIONS:
        return getattr(duoflow.ops, name)
    found: Any = duoflow
    for part in _RENAMED.get(name, name).split("."):
        found = getattr(found, part)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_TABLES, *_OPERATIONS, *_RENAMED, *dir(duoflow)})
