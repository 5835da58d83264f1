"""Activations, initializers, regularizers, constraints, keras.ops, keras.random: Keras' values, shapes and dtypes."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from duoflow import keras

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "keras"
sys.path.insert(0, str(GOLDEN))
from expression_cases import EXPRESSIONS, NAMES  # noqa: E402

RECORDED = json.loads((GOLDEN / "expressions.json").read_text())


def check(value, expected):
    if isinstance(expected, str):
        assert value == expected
    elif isinstance(expected, list):
        assert len(value) == len(expected)
        for v, e in zip(value, expected, strict=True):
            check(v, e)
    else:
        array = np.asarray(value)
        assert list(array.shape) == expected["shape"]
        assert array.dtype.name == expected["dtype"]
        wanted = np.array(expected["values"], "float64")
        array = array.view(array.real.dtype) if array.dtype.kind == "c" else array
        np.testing.assert_allclose(array.astype("float64").reshape(-1), wanted, rtol=3e-6, atol=3e-7)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_like_keras(expression):
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(7)
    names = {"keras": keras, "ops": keras.ops, "random": keras.random, **NAMES}
    check(eval(expression, names), RECORDED[expression])


def test_sparsemax_is_a_projection_onto_the_simplex():
    """Keras' own sums the running sums, so that its rows do not add up to one."""
    out = keras.activations.sparsemax(NAMES["x"]).numpy()
    np.testing.assert_allclose(out.sum(1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(out[0], [0, 0, 1 / 3, 2 / 3], atol=1e-6)
