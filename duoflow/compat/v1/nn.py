"""`tf.compat.v1.nn`: `tf.nn` with the old signatures where they differ. A table of names."""

from __future__ import annotations

from typing import Any

import duoflow

from .ops import (
    dropout,
    log_softmax,
    sigmoid_cross_entropy_with_logits,
    softmax,
    softmax_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
)


def __getattr__(name: str) -> Any:
    return getattr(duoflow.nn, name)
