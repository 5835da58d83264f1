"""NumPy without floating-point warnings, as TensorFlow computes.

`np.errstate` costs more than a small op. What it does is set a context variable; `silence` sets the same variable to a
value made once.
"""

from __future__ import annotations

import contextvars
from typing import Any

import numpy as np

__all__ = ["restore", "silence"]


def _find_state() -> tuple[contextvars.ContextVar[Any], Any]:
    """The variable that holds NumPy's error handling, and its value when everything is ignored."""
    before = dict(contextvars.copy_context().items())
    with np.errstate(all="ignore"):
        for variable, value in contextvars.copy_context().items():
            if before.get(variable) is not value:
                return variable, value
    raise RuntimeError("This version of NumPy does not keep its error handling in a context variable.")


_variable, _ignore = _find_state()
restore = _variable.reset


def silence() -> contextvars.Token[Any]:
    """Ignore overflow, division by zero and invalid values until `restore` is called with the result."""
    return _variable.set(_ignore)
