"""Small training programs: histories, results, weights, logs, files and errors as under Keras."""

import json

import pytest

import duoflow as tf
from tests.golden.keras_training import fit_cases

from ..recorded import assert_close, recorded

RECORDED = recorded("fits")
#: Keras trains on nothing, takes the first of too many inputs, and lets the matrix product find the wrong width.
STRICTER = {"no samples": "ValueError", "number of inputs": "ValueError", "width of inputs": "ValueError"}


@pytest.mark.parametrize("name", list(fit_cases.PROGRAMS))
def test_program(name, tmp_path):
    ours = json.loads(json.dumps(fit_cases.run(name, tf, tmp_path)))
    assert_close(ours, RECORDED[name] | STRICTER if name == "errors" else RECORDED[name], rtol=2e-5, atol=2e-6)
