"""tf.experimental.numpy gives the dtypes, shapes and values of TensorFlow's, and its errors."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import duoflow as tf
import duoflow.experimental.numpy as tnp

from .numpy_expressions import EXPRESSIONS, described, space_of

RECORDED = json.loads((Path(__file__).parents[1] / "golden" / "numpy.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def space():
    return space_of(tf, tnp, np)


def alike(got, wanted):
    """Whether two descriptions agree, numbers up to rounding."""
    if isinstance(wanted, list):
        return isinstance(got, list) and len(got) == len(wanted) and all(map(alike, got, wanted))
    try:
        a, b = complex(got), complex(wanted)
    except (TypeError, ValueError):
        return got == wanted
    return all(x == y or math.isnan(x) and math.isnan(y) or math.isclose(x, y, rel_tol=3e-6, abs_tol=1e-7)
               for x, y in ((a.real, b.real), (a.imag, b.imag)))  # fmt: skip


#: What TensorFlow refuses, and NumPy does in integers.
BEYOND = ("tnp.random.randint(2, 5, (3,), np.int8).dtype", "tnp.reciprocal(i)")
#: Where TensorFlow fails by its own fault, or differs from NumPy: we give NumPy's results.
AS_NUMPY = (
    "angle arctan2 around concatenate cumprod cumsum flip float_power hypot isfinite isinf isneginf isposinf kron "
    "linspace log10 log2 logaddexp logaddexp2 nextafter pad rad2deg var"
).split()


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_gives_what_tensorflow_gives(text, space):
    got = described(text, space)
    if text.partition("(")[0].removeprefix("tnp.") in AS_NUMPY and not alike(got, RECORDED[text]):
        with np.errstate(all="ignore"):
            numpys = described(text.replace("tnp.", "asarray(np.", 1) + ")", {**space, "asarray": tf.convert_to_tensor})
        assert alike(got, numpys), f"{got} instead of NumPy's {numpys} or {RECORDED[text]}"
    elif text in BEYOND:
        assert RECORDED[text].startswith("raises ") and not str(got).startswith("raises ")
    else:
        assert alike(got, RECORDED[text]), f"{got} instead of {RECORDED[text]}"


def test_tensors_behave_as_arrays_where_a_program_asks_for_it():
    program = Path(__file__).with_name("numpy_guide.py")
    run = subprocess.run(
        [sys.executable, "-m", "duoflow", "run", program], capture_output=True, text=True, timeout=100, check=False
    )
    assert run.stdout == (Path(__file__).parents[1] / "golden" / "numpy_guide.txt").read_text(encoding="utf-8"), (
        run.stderr
    )
    with pytest.raises(AttributeError):
        _ = tf.constant([1]).tolist()


def test_random_numbers_begin_anew_with_a_seed():
    tnp.random.seed(3)
    first = tnp.random.rand(4), tnp.random.randint(0, 9, (5,)), tnp.random.poisson(4.0, (3,))
    tnp.random.seed(3)
    again = tnp.random.rand(4), tnp.random.randint(0, 9, (5,)), tnp.random.poisson(4.0, (3,))
    assert all(bool(tnp.array_equal(a, b)) for a, b in zip(first, again, strict=True))
    assert bool(tnp.all(first[0] < 1.0)) and int(tnp.max(first[1])) < 9


@pytest.mark.parametrize("text", ["tnp.gcd(x, 6)", "tnp.sort(x)", "tnp.cumsum(x)", "tnp.linspace(0, x[0], 3)"])
def test_functions_may_be_traced(text):
    function = lambda x: eval(text, {"tnp": tnp, "x": x})
    x = tf.constant([4, 9, 2])
    assert tf.function(function)(x).numpy().tolist() == function(x).numpy().tolist()


def test_modes_of_conversion_that_are_not_there():
    with pytest.raises(NotImplementedError, match="'all' is not available"):
        tnp.experimental_enable_numpy_behavior(dtype_conversion_mode="all")
    with pytest.raises(ValueError, match="received 'bogus'"):
        tnp.experimental_enable_numpy_behavior(dtype_conversion_mode="bogus")
