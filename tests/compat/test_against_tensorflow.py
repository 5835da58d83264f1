"""Losses, metrics, nn functions and sequence loops give what TensorFlow gives, under its variables' names."""

import json
from pathlib import Path

import numpy as np
import pytest

import duoflow
from tests.compat.expressions import KINDS, outcome

tf = duoflow.compat.v1
RECORDED = json.loads((Path(__file__).parent.parent / "golden" / "compat_v1_values.json").read_text())


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in RECORDED[kind]])
def test_gives_what_tensorflow_gives(kind, name):
    expected, found = RECORDED[kind][name], outcome(tf, kind, KINDS[kind](tf)[name])
    assert found.get("error") == expected.get("error")
    if "error" not in expected:
        assert found["variables"] == [v.replace("/max_1:0", "/max:0") for v in expected["variables"]]
        assert len(found["values"]) == len(expected["values"])
        for a, b in zip(found["values"], expected["values"], strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)
