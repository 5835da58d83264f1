"""Array functions and their gradients give the values recorded from TensorFlow."""

import json
from pathlib import Path

import numpy as np
import pytest

import duoflow as tf
from duoflow import ops
from tests.golden.record_arrays import evaluate, names

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "arrays.json").read_text())["values"]


@pytest.mark.parametrize(("expression", "expected"), GOLDEN, ids=[e[:60] for e, _ in GOLDEN])
def test_same_as_tensorflow(expression: str, expected: object) -> None:
    """Dtype, shape and values, or the type of the error."""
    found = evaluate(expression, names(tf, ops.extract_patches))
    assert found[:2] == expected[:2]
    if not isinstance(expected, str):
        np.testing.assert_allclose(found[2], expected[2], rtol=1e-6, atol=1e-6)
