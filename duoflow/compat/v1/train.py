"""`tf.compat.v1.train`: optimizers, learning rates, the global step, savers. A table of names."""

from __future__ import annotations

from typing import Any

import duoflow

from .optimizers import (
    AdadeltaOptimizer,
    AdagradOptimizer,
    AdamOptimizer,
    FtrlOptimizer,
    GradientDescentOptimizer,
    MomentumOptimizer,
    Optimizer,
    ProximalAdagradOptimizer,
    ProximalGradientDescentOptimizer,
    RMSPropOptimizer,
)
from .training import (
    Saver,
    assert_global_step,
    checkpoint_exists,
    cosine_decay,
    create_global_step,
    exponential_decay,
    get_global_step,
    get_or_create_global_step,
    global_step,
    inverse_time_decay,
    latest_checkpoint,
    natural_exp_decay,
    piecewise_constant,
    polynomial_decay,
)

piecewise_constant_decay = piecewise_constant


def __getattr__(name: str) -> Any:
    return getattr(duoflow.train, name)
