"""Values recorded from Keras, and how close ours must be."""

import json
from pathlib import Path

import numpy as np

_GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "keras_training"


def recorded(part):
    """What `tests.golden.keras_training.record` wrote for a part."""
    return json.loads((_GOLDEN / f"{part}.json").read_text())


def assert_close(ours, keras, rtol=1e-6, atol=1e-7):
    """Nested lists and dicts of numbers are the same up to rounding, everything else is equal."""
    if isinstance(keras, dict):
        assert set(ours) == set(keras)
        for key, value in keras.items():
            assert_close(ours[key], value, rtol, atol)
    elif isinstance(keras, list) and not all(map(_number, keras)):
        assert len(ours) == len(keras)
        for a, b in zip(ours, keras, strict=True):
            assert_close(a, b, rtol, atol)
    elif isinstance(keras, list) or _number(keras):
        np.testing.assert_allclose(np.asarray(ours, "float64"), np.asarray(keras, "float64"), rtol, atol)
    else:
        assert ours == keras


def _number(x):
    return isinstance(x, int | float) and not isinstance(x, bool)
