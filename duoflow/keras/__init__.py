"""Keras 3: layers, models, training and saving, on duoflow's public functions.

`tf.keras` and `import keras` are this package.
"""

import importlib
from typing import Any

from duoflow.core.context import device
from duoflow.core.custom_gradients import recompute_grad as remat

from . import (
    activations,
    applications,
    backend,
    callbacks,
    config,
    constraints,
    datasets,
    distillation,
    distribution,
    dtype_policies,
    initializers,
    layers,
    legacy,
    losses,
    metrics,
    mixed_precision,
    models,
    ops,
    optimizers,
    preprocessing,
    quantizers,
    random,
    regularizers,
    saving,
    tree,
    utils,
    visualization,
)
from .dtype_policies import DTypePolicy, FloatDTypePolicy
from .function import Function
from .initializers import Initializer
from .layers import Input, InputSpec, Layer
from .losses import Loss
from .metrics import Metric
from .models import Model, Sequential
from .naming import name_scope
from .operation import Operation
from .optimizers import Optimizer
from .quantizers import Quantizer
from .random import SeedGenerator
from .regularizers import Regularizer
from .rematerialization import RematScope
from .scopes import StatelessScope, SymbolicScope
from .symbolic import KerasTensor
from .variables import Variable
from .version import __version__, version


def __getattr__(name: str) -> Any:
    if name == "wrappers":  # which imports scikit-learn
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module 'keras' has no attribute {name!r}")
