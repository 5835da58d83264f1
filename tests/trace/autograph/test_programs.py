"""The programs of programs.py under tf.function: what TensorFlow gives, and what it does not do and duoflow does."""

import json
from pathlib import Path

import numpy as np
import pytest

import duoflow as tf
from duoflow.core import nest

from . import programs

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "autograph.json").read_text())

#: What programs give here that TensorFlow's AutoGraph does not run: returns in loops on tensors, `else` of loops,
#: Python loops that a tensor ends, asserts, builtins of tensors, and assignment to a tensor's item.
MORE = {
    "assertion": [3.0],
    "assertion_fails": [tf.errors.InvalidArgumentError],
    "break_in_python_loop": [6.0, 3.0],
    "builtin_functions": [[3, 2.0, 2.0, 1.0, 3.0]],
    "find": [5, -1],
    "for_else": [5, -1],
    "maximum_of_scalars": [4.0],
    "return_from_while": [5, -1],
    "return_from_while_only": [ValueError],
    "tensor_item_assignment": [[10, 11, 12, 0, 0]],
    "while_else": [6],
    "while_true_with_break": [7],
}
CALLS = [
    pytest.param(name, function, arguments, index, id=f"{name}{arguments}")
    for name, (function, calls) in programs.PROGRAMS.items()
    for index, arguments in enumerate(calls)
]


@pytest.fixture(autouse=True)
def framework(monkeypatch):
    monkeypatch.setattr(programs, "tf", tf)


@pytest.mark.parametrize(("name", "function", "arguments", "index"), CALLS)
def test_program(name, function, arguments, index):
    traced = tf.function(function)
    tensors = [tf.constant(argument) for argument in arguments]
    if name in MORE:
        expected = MORE[name][index]
        assert "raises" in GOLDEN[name][index], "TensorFlow runs it: the record is what counts"
    else:
        record = GOLDEN[name][index]
        expected = ERRORS[record["raises"]] if "raises" in record else None
        dtypes = [dtype for dtype, _ in record.get("returns", ())]
    if isinstance(expected, (type, tuple)):
        with pytest.raises(expected):
            traced(*tensors)
        return
    leaves = nest.flatten(traced(*tensors))
    if name in MORE:
        expected = expected if isinstance(expected, list) and len(leaves) > 1 else [expected]
    else:
        assert [leaf.dtype.name for leaf in leaves] == dtypes
        expected = [value for _, value in record["returns"]]
    for leaf, value in zip(leaves, expected, strict=True):
        np.testing.assert_allclose(leaf.numpy(), value, rtol=1e-6)


ERRORS = {
    "InaccessibleTensorError": (TypeError, ValueError),
    "NotImplementedError": NotImplementedError,
    "OperatorNotAllowedInGraphError": TypeError,
    "TypeError": TypeError,
    "ValueError": ValueError,
}


def test_every_program_is_recorded():
    assert set(GOLDEN) == set(programs.PROGRAMS)
    assert set(MORE) <= set(GOLDEN)
