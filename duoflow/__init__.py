"""duoflow: runs TensorFlow and Keras programs, eager, static and traced. `import duoflow as tf`.

This file is the `tf` namespace: names only. Large parts (`keras`, `compat`, `data`, ...) are imported when first used.
"""

from __future__ import annotations

import importlib
from typing import Any

from duoflow.core import dtypes as _dtypes
from duoflow.core.autodiff import (
    GradientTape,
    UnconnectedGradients,
    custom_gradient,
    gradients,
    recompute_grad,
)
from duoflow.core.context import device, executing_eagerly, init_scope, name_scope
from duoflow.core.dtypes import (
    DType,
    as_dtype,
    bfloat16,
    complex64,
    complex128,
    double,
    float16,
    float32,
    float64,
    half,
    int8,
    int16,
    int32,
    int64,
    resource,
    string,
    uint8,
    uint16,
    uint32,
    uint64,
    variant,
)
from duoflow.core.engine import install as _install
from duoflow.core.graph import Graph
from duoflow.core.graph import Node as Operation
from duoflow.core.indexed_slices import IndexedSlices
from duoflow.core.module import Module
from duoflow.core.shapes import TensorShape
from duoflow.core.spec import TensorSpec, TypeSpec
from duoflow.core.tensor import Tensor, static_value as get_static_value
from duoflow.core.tensor import register_conversion as register_tensor_conversion_function
from duoflow.core.variables import Variable, VariableAggregation, VariableSynchronization
from duoflow.engines import reference as _engine
from duoflow.ops import *
from duoflow.tools.alias import install_as_tensorflow
from duoflow.trace.function import function, run_functions_eagerly

_install(_engine)
bool = _dtypes.bool_
newaxis = None
__version__ = "0.1.0"

#: Submodules that are imported when first used.
_LAZY = frozenset(
    "autograph audio bitwise compat config data debugging distribute dtypes errors estimator experimental feature_column "
    "function graph_util image initializers io keras layers linalg lite logging losses math metrics nest nn optimizers profiler "
    "quantization queue ragged random raw_ops saved_model sets signal sparse strings summary sysconfig test tools tpu train types "
    "version xla".split()
)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        try:
            return importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module 'tensorflow' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
