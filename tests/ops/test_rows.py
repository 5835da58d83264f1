"""Rows of a tensor, which passes make of the elements of lists."""

import numpy as np
import pytest

from duoflow.core import dtypes
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.graph import Graph
from duoflow.core.record import OPS
from duoflow.engines import reference
from duoflow.engines.native import engine as native

X = np.arange(6, dtype=np.float32).reshape(3, 2)


def run(compile, name, *arrays):
    graph = Graph("rows", is_function=True)
    inputs = [graph.add_input(dtypes.from_numpy(a.dtype), a.shape) for a in arrays]
    graph.outputs = list(graph.add(OPS[name], inputs, {}).outputs)
    return compile(graph).run(list(arrays))[0]


@pytest.mark.parametrize("compile", [reference.compile, native.compile], ids=["reference", "native"])
@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_rows_are_read_and_replaced(compile, dtype):
    for i in range(3):
        index, row = np.asarray(i, dtype), np.asarray([9.0, 8.0], np.float32)
        np.testing.assert_array_equal(run(compile, "Row", X, index), X[i])
        changed = X.copy()
        changed[i] = row
        np.testing.assert_array_equal(run(compile, "SetRow", X, index, row), changed)
    np.testing.assert_array_equal(X, np.arange(6).reshape(3, 2))


def test_the_reference_refuses_rows_that_are_not_there():
    for name, more in (("Row", ()), ("SetRow", (X[0],))):
        with pytest.raises(InvalidArgumentError, match="element 3 in a list with 3"):
            run(reference.compile, name, X, np.asarray(3), *more)


def test_what_is_not_set_has_a_shape():
    graph = Graph("empty", is_function=True)
    graph.outputs = list(graph.add(OPS["Empty"], (), {"dtype": dtypes.float32, "shape": (2, 3)}).outputs)
    for compile in (reference.compile, native.compile):
        assert compile(graph).run([])[0].shape == (2, 3)
