"""Every op's cases as functions in TensorFlow's ops alone: what is written is read, and computes the same."""

import importlib
import pkgutil
import re

import numpy as np
import pytest

from duoflow.core.engine import run_graph
from duoflow.core.graph import Graph
from duoflow.formats.messages import GraphDef
from duoflow.trace.graph_def import Functions, Library
from tests.ops import cases
from tests.ops.harness import trace

FILES = [m.name for m in pkgutil.iter_modules(cases.__path__)]

#: What TensorFlow has no op for, or another one of the same name.
UNWRITABLE = frozenset(
    "CropAndResizeGradImage EagerPyFunc FeatureCross MatrixExponential ParseExamples PhiloxInt PhiloxNormal "
    "PhiloxUniform Postponed PyFunc Required ResizeNearestNeighborGrad StatelessMultinomial StatelessRandomBinomial "
    "StatelessRandomPoisson StringBytesSplit StringNGrams StringSplitV2 UnicodeDecode UnicodeEncode "
    "UnicodeSplit".split()
)


def same(found, expected):
    assert found.dtype == expected.dtype and found.shape == expected.shape
    if found.dtype.kind in "OSb?iu":
        assert found.tolist() == expected.tolist()
    else:
        wide = np.complex128 if found.dtype.kind == "c" else np.float64
        np.testing.assert_allclose(found.astype(wide), expected.astype(wide), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_cases_survive_tensorflows_form(name):
    for case in getattr(importlib.import_module(f"tests.ops.cases.{name}"), "CASES", ()):
        graph = trace(case.call).graph
        if graph.external_captures:
            continue
        definition = GraphDef()
        try:
            function = Library(definition.library, strict=True).name_of(graph)
        except ValueError as error:
            assert re.search(r"\((\w+)\) cannot be written for TensorFlow: (?!Node)", str(error))[1] in UNWRITABLE
            continue
        library = GraphDef.FromString(definition.SerializeToString()).library
        read = Functions(library).graph_of(function, Graph("outer", is_function=True), graph.inputs)
        expected = run_graph(graph, case.call.tensors)
        for found, value in zip(run_graph(read, case.call.tensors), expected, strict=True):
            same(np.asarray(found), np.asarray(value))
