"""Values in words: what an array holds, where it first goes wrong, how two arrays differ."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core import dtypes

__all__ = ["describe", "difference", "has_infinity", "has_nan", "is_finite"]

#: How many elements are shown.
_SHOWN = 6


def _floats(value: Any) -> Any:
    """A floating or complex array as NumPy can test it; None for anything else."""
    if not isinstance(value, np.ndarray) or value.dtype.kind in "OSUbiu":
        return None
    return value if value.dtype.kind in "fc" else value.astype(np.float32)  # bfloat16 and its like


def has_nan(value: Any) -> bool:
    """Whether an array holds a NaN."""
    array = _floats(value)
    return array is not None and bool(np.isnan(array).any())


def has_infinity(value: Any) -> bool:
    """Whether an array holds an infinity."""
    array = _floats(value)
    return array is not None and bool(np.isinf(array).any())


def is_finite(value: Any) -> bool:
    """Whether a value holds neither, as everything does that is not floating."""
    array = _floats(value)
    return array is None or bool(np.isfinite(array).all())


def describe(value: Any) -> str:
    """Dtype, shape, the first elements, and what is remarkable about the rest."""
    if not isinstance(value, np.ndarray):
        return f"{type(value).__name__}"
    name = dtypes.from_numpy(value.dtype).name if value.dtype.kind not in "OSU" else "string"
    flat = value.reshape(-1)
    shown = ", ".join(_number(x) for x in flat[:_SHOWN]) + (", ..." if flat.size > _SHOWN else "")
    text = f"{name}{list(value.shape)} [{shown}]"
    array = _floats(value)
    if array is None or array.dtype.kind == "c" or not array.size:
        return text
    finite = array[np.isfinite(array)]
    counts = {"NaN": np.isnan(array).sum(), "+Inf": np.isposinf(array).sum(), "-Inf": np.isneginf(array).sum()}
    notes = [f"{count} {what}" for what, count in counts.items() if count]
    if notes:
        first = np.unravel_index(int(np.argmax(~np.isfinite(array.reshape(-1)))), array.shape)
        notes[-1] += f" of {array.size}, first at {[int(i) for i in first]}" if array.shape else ""
    if finite.size and array.size > 1:
        notes.append(f"finite values from {_number(finite.min())} to {_number(finite.max())}")
    return text + (f" ({'; '.join(notes)})" if notes else "")


def _number(x: Any) -> str:
    return f"{float(x):.6g}" if isinstance(x, (float, np.floating)) else str(x)


def difference(got: Any, want: Any, rtol: float, atol: float) -> str | None:
    """How two values differ beyond the tolerances, None if they do not."""
    if not isinstance(got, np.ndarray) or not isinstance(want, np.ndarray):
        return None
    if got.shape != want.shape or got.dtype != want.dtype:
        return f"{got.dtype}{list(got.shape)} and {want.dtype}{list(want.shape)}"
    a, b = _floats(got), _floats(want)
    if a is None or b is None:
        wrong = got != want
    else:
        with np.errstate(all="ignore"):
            wrong = ~np.isclose(a, b, rtol, atol, equal_nan=True)
    wrong = np.asarray(wrong)
    if not wrong.any():
        return None
    at = np.unravel_index(int(np.argmax(wrong.reshape(-1))), wrong.shape)
    place = f"at {[int(i) for i in at]} " if wrong.shape else ""
    return f"{int(wrong.sum())} of {wrong.size} elements, {place}{_number(got[at])} and {_number(want[at])}"
