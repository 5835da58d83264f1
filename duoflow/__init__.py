"""duoflow: runs TensorFlow and Keras programs, eager, static and traced. `import duoflow as tf`.

This file is the `tf` namespace: names only. Large parts (`keras`, `compat`, `data`, ...) are imported when first used.
"""

from __future__ import annotations

import importlib
from typing import Any

from duoflow.core.autodiff import (
    GradientTape,
    UnconnectedGradients,
    gradients,
)
from duoflow.core.context import (
    device,
    executing_eagerly,
    get_current_name_scope,
    init_scope,
    inside_function,
    name_scope,
)
from duoflow.core.custom_gradients import custom_gradient, grad_pass_through, recompute_grad
from duoflow.core.engine import install as _install
from duoflow.core.graph import Graph
from duoflow.core.graph import Node as Operation
from duoflow.core.hessians import hessians
from duoflow.core.indexed_slices import IndexedSlices
from duoflow.core.module import Module
from duoflow.core.registered import RegisterGradient, no_gradient
from duoflow.core.reporting import get_logger
from duoflow.core.shapes import TensorShape
from duoflow.core.spec import TensorSpec, TypeSpec
from duoflow.core.switches import switches as _switches
from duoflow.core.tensor import Tensor, is_tensor
from duoflow.core.tensor import is_symbolic as is_symbolic_tensor
from duoflow.core.tensor import register_conversion as register_tensor_conversion_function
from duoflow.core.tensor import static_value as get_static_value
from duoflow.core.variables import Variable, VariableAggregation, VariableSynchronization
from duoflow.core.version import COMPATIBLE_WITH as __version__
from duoflow.dtypes import *
from duoflow.ops import (
    Assert,
    TensorArray,
    abs,
    acos,
    acosh,
    add,
    add_n,
    argmax,
    argmin,
    argsort,
    as_string,
    asin,
    asinh,
    assert_equal,
    assert_greater,
    assert_less,
    assert_rank,
    atan,
    atan2,
    atanh,
    batch_to_space,
    bitcast,
    boolean_mask,
    broadcast_dynamic_shape,
    broadcast_static_shape,
    broadcast_to,
    case,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    concat,
    cond,
    constant,
    control_dependencies,
    convert_to_tensor,
    cos,
    cosh,
    cumsum,
    divide,
    dynamic_partition,
    dynamic_stitch,
    eig,
    eigvals,
    einsum,
    ensure_shape,
    equal,
    exp,
    expand_dims,
    eye,
    fill,
    floor,
    foldl,
    foldr,
    gather,
    gather_nd,
    greater,
    greater_equal,
    group,
    guarantee_const,
    histogram_fixed_width,
    histogram_fixed_width_bins,
    identity,
    identity_n,
    less,
    less_equal,
    linspace,
    logical_and,
    logical_not,
    logical_or,
    map_fn,
    matmul,
    maximum,
    meshgrid,
    minimum,
    multiply,
    negative,
    no_op,
    norm,
    not_equal,
    numpy_function,
    one_hot,
    ones,
    ones_like,
    pad,
    parallel_stack,
    pow,
    print,
    py_function,
    range,
    rank,
    realdiv,
    reduce_all,
    reduce_any,
    reduce_logsumexp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_sum,
    repeat,
    required_space_to_batch_paddings,
    reshape,
    reverse,
    reverse_sequence,
    roll,
    round,
    scalar_mul,
    scan,
    scatter_nd,
    searchsorted,
    sequence_mask,
    shape,
    shape_n,
    sigmoid,
    sign,
    sin,
    sinh,
    size,
    slice,
    sort,
    space_to_batch,
    space_to_batch_nd,
    split,
    sqrt,
    square,
    squeeze,
    stack,
    stop_gradient,
    strided_slice,
    subtract,
    switch_case,
    tan,
    tanh,
    tensor_scatter_nd_add,
    tensor_scatter_nd_max,
    tensor_scatter_nd_min,
    tensor_scatter_nd_sub,
    tensor_scatter_nd_update,
    tensordot,
    tile,
    timestamp,
    transpose,
    truediv,
    truncatediv,
    truncatemod,
    tuple,
    unique,
    unique_with_counts,
    unravel_index,
    unstack,
    vectorized_map,
    where,
    while_loop,
    zeros,
    zeros_like,
)
from duoflow.tools.alias import install_as_tensorflow
from duoflow.trace.function import function, run_functions_eagerly

_install("duoflow.debugging.replay" if "replay" in _switches.debug else "duoflow.engines.native.engine")
newaxis = None

#: Submodules that are imported when first used, by the names programs know them by.
_LAZY = {
    name: name
    for name in (
        "audio autodiff autograph bitwise compat config data debugging dtypes errors experimental image io keras "
        "feature_column graph_util linalg lookup math nest nn profiler random saved_model signal strings tools train "
        "types version"
    ).split()
} | {name: f"keras.{name}" for name in ("initializers", "losses", "metrics", "optimizers")}


#: Classes of Keras under the names they have in `tf`.
_KERAS_CLASSES = {
    "constant_initializer": "Constant",
    "ones_initializer": "Ones",
    "random_normal_initializer": "RandomNormal",
    "random_uniform_initializer": "RandomUniform",
    "zeros_initializer": "Zeros",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"{__name__}.{_LAZY[name]}")
    if name == "import_graph_def":
        return importlib.import_module(f"{__name__}.graph_util").import_graph_def
    if name in _KERAS_CLASSES:
        return getattr(importlib.import_module(f"{__name__}.keras.initializers"), _KERAS_CLASSES[name])
    raise AttributeError(f"module 'tensorflow' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_KERAS_CLASSES, "import_graph_def"})
