"""Expressions whose values were recorded from TensorFlow (tests/golden/record_ops.py) give the same here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import duoflow as tf
from duoflow.core import dtypes
from tests.golden.record_ops import gradient_with

RECORDED: dict[str, Any] = json.loads((Path(__file__).parents[1] / "golden" / "ops.json").read_text())

SCOPE = {"tf": tf, "np": np, "grad": gradient_with(tf)}

#: Results that depend on how a library rounds get more room than the 16 units in the last place of the others.
_ROOM = {
    "linalg.": 256,
    "einsum": 64,
    "special.": 64,
    "lgamma": 64,
    "igamma": 512,
    "betainc": 256,
    "bfloat16": 2**17,
    "tf.float16": 2**14,
    "zeta": 64,
}


def _room(expression: str) -> float:
    """How many units in the last place a result may be off."""
    return max((room for name, room in _ROOM.items() if name in expression), default=16.0)


def _expected(record: dict[str, Any]) -> Any:
    dtype = dtypes.as_dtype(record["dtype"])
    data = record["data"]
    if dtype.is_complex:
        data = [complex(*pair) for pair in data]
    if dtype is dtypes.string:
        data = [text.encode() for text in data]
    return np.array(data, object if dtype is dtypes.string else dtype.numpy).reshape(record["shape"])


@pytest.mark.parametrize("expression", RECORDED)
def test_as_recorded(expression: str) -> None:
    record = RECORDED[expression]
    if "error" in record:
        with pytest.raises(Exception) as caught:
            eval(expression, SCOPE)
        assert caught.type.__name__ == record["error"]
        return
    value = eval(expression, SCOPE)
    if "value" in record:
        assert value == record["value"]
        return
    expected = _expected(record)
    assert value.dtype.name == record["dtype"]
    assert value.shape == expected.shape
    actual = np.asarray(value)
    if expected.dtype.kind not in "fc":
        np.testing.assert_array_equal(actual, expected)
        return
    eps = np.finfo(expected.dtype).eps
    finite = np.abs(expected[np.isfinite(expected)])
    scale = float(finite.max()) if finite.size and "linalg" in expression else 1.0
    np.testing.assert_allclose(
        actual, expected, rtol=_room(expression) * eps, atol=_room(expression) * eps * min(scale, 1e3) / 16
    )
