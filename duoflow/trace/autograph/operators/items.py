"""x[i] = v and x[i] += v on a local variable: a new tensor, or Python's own assignment."""

import operator
from collections.abc import Callable
from typing import Any

from ....core.composite import Composite
from ....core.late import F
from ....core.tensor import GraphTensor


def set_item(target: Any, key: Any, value: Any) -> Any:
    """The value of `x` after `x[key] = value`: for a graph's tensor a changed copy, for a TensorArray its successor."""
    if isinstance(target, GraphTensor):
        return F.tensor_scatter_nd_update(target, [[key]], [value])
    if isinstance(target, Composite) and hasattr(target, "write"):
        return target.write(key, value)
    target[key] = value
    return target


def update_item(target: Any, key: Any, name: str, value: Callable[[], Any]) -> Any:
    """The value of `x` after `x[key] += value()`, for the operator `name` of that module."""
    old = target[key] if not isinstance(target, Composite) else target.read(key)
    return set_item(target, key, getattr(operator, name)(old, value()))
