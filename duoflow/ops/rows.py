"""Rows of a tensor, read and written one at a time: what lists become once their sizes are known.

Passes make these ops, so they have no gradients. Writing gives a new tensor; an engine writes in place where nothing
needs the old one. An index is in range: whoever makes the op has seen to that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core.dtypes import DType
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.lowering import Gather
from duoflow.core.record import Kind, Op, register
from duoflow.core.shapes import Dims
from duoflow.core.spec import Spec

__all__: list[str] = []


def _infer_empty(*, dtype: DType, shape: Dims) -> Spec:
    return Spec(shape, dtype)


def _infer_row(x: Spec, index: Spec) -> Spec:
    return Spec(None if x.shape is None else x.shape[1:], x.dtype)


def _infer_changed(x: Spec, index: Spec, value: Spec) -> Spec:
    return Spec(x.shape, x.dtype)


def _at(x: Any, index: Any) -> int:
    if not 0 <= index < len(x):
        raise InvalidArgumentError(f"Trying to access element {int(index)} in a list with {len(x)} elements.")
    return int(index)


def _row(x: Any, index: Any) -> Any:
    return x[_at(x, index)]


def _set_row(x: Any, index: Any, value: Any) -> Any:
    out = x.copy()
    out[_at(x, index)] = value
    return out


EMPTY = register(Op("Empty", Kind.HOST, _infer_empty, lambda *, dtype, shape: np.zeros(shape, dtype.numpy)))
ROW = register(Op("Row", Kind.VIEW, _infer_row, _row, lower=lambda specs, outs, attrs: Gather(0, in_range=True)))
SET_ROW = register(Op("SetRow", Kind.HOST, _infer_changed, _set_row))
