"""`tf.compat.v1.nn`: `tf.nn`, with the old signatures where they differ."""

from __future__ import annotations

from typing import Any

import duoflow

from . import ops

_CHANGED = frozenset(
    """dropout log_softmax sigmoid_cross_entropy_with_logits softmax softmax_cross_entropy_with_logits
    softmax_cross_entropy_with_logits_v2 sparse_softmax_cross_entropy_with_logits""".split()
)


def __getattr__(name: str) -> Any:
    return getattr(ops if name in _CHANGED else duoflow.nn, name)


def __dir__() -> list[str]:
    return sorted({*_CHANGED, *dir(duoflow.nn)})
