"""What must hold of every op: all ways of running a call agree, and each record keeps its own promises."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest

from duoflow.core.graph import Graph
from duoflow.core.record import OPS, Effect, Kind
from duoflow.core.scalar import Unsupported, run_body
from duoflow.core.tensor import EagerTensor
from tests.ops import cases, lowered
from tests.ops.harness import (
    Case,
    assert_close,
    check_gradient,
    check_specs,
    eager,
    engine,
    has_gradient,
    nodes_with_values,
    run,
    tape_gradients,
    trace,
)  # fmt: skip


def _all_cases() -> list[Any]:
    out = []
    for info in pkgutil.iter_modules(cases.__path__):
        seen: dict[str, int] = {}
        for case in importlib.import_module(f"{cases.__name__}.{info.name}").CASES:
            derivative = [case.derivative()] if case.order > 1 else []
            for one in [case, *(case.in_dtype(d) for d in case.dtypes), *derivative]:
                seen[one.id] = seen.get(one.id, 0) + 1
                label = one.id if seen[one.id] == 1 else f"{one.id}-{seen[one.id]}"
                out.append(pytest.param(one, id=f"{info.name}-{label}"))
    return out


ALL = _all_cases()
every_case = pytest.mark.parametrize("case", ALL)
_TESTED_BESIDE = (
    "Postponed",  # reached where ranks are unknown
    *("TensorList", "PyFunc", "PlaceholderWithDefault", "Empty", "Row", "SetRow"),
    *("DecodePng", "DecodeJpeg", "DecodeGif", "DecodeBmp", "DecodeWebP", "DecodeImage", "EncodeJpeg", "EncodePng"),
    "ExtractJpegShape",
    *("OptionalFromValue", "OptionalGetValue", "OptionalHasValue"),  # with data sets
    *("ScalarSummary", "HistogramSummary", "ImageSummary", "AudioSummary", "TensorSummary", "MergeSummary"),
)
_KNOWN = ("shape", "rank", "nothing")


@every_case
def test_graph_gives_what_eager_gives(case: Case) -> None:
    """Traced with known and unknown shapes, run node by node."""
    expected = eager(case.call)
    for known in _KNOWN[: _KNOWN.index(case.needs) + 1]:
        traced = trace(case.call, known)
        actual = run(traced, case.call, "reference")
        assert len(actual) == len(expected)
        for a, e in zip(actual, expected, strict=True):
            case.close(a, e, looseness=2)


@every_case
def test_records_keep_their_promises(case: Case) -> None:
    """infer against evaluate; body, expansion and lowering against evaluate."""
    for known in _KNOWN[: _KNOWN.index(case.needs) + 1]:
        nodes = nodes_with_values(trace(case.call, known), case.call)
        check_specs(nodes)
        if known != "shape":
            continue
        for node, values, results in nodes:
            _check_payload(case, node, values, results)


def _check_payload(case: Case, node: Any, values: list[Any], results: list[Any]) -> None:
    op = node.op
    if op.body is not None:
        others = run_body(op.body, *values, **node.attrs)
    elif op.expand is not None:
        others = op.expand(*[EagerTensor(v) for v in values], **node.attrs)
        others = tuple(t._array for t in others) if isinstance(others, (tuple, list)) else others._array
    elif op.lower is not None and all(t.spec.known for t in (*node.inputs, *node.outputs)):
        specs, outs = [t.spec for t in node.inputs], [t.spec for t in node.outputs]
        try:
            others = lowered.evaluate(op.lower(specs, outs, node.attrs), values, results[0])
        except Unsupported:
            return
    else:
        return
    for other, result in zip(others if isinstance(others, tuple) else (others,), results, strict=True):
        assert_close(other, result, case.rtol, case.atol, looseness=32, operands=values if op.lower is not None else ())


@every_case
def test_gradient(case: Case) -> None:
    """Against finite differences; in a graph as under a tape."""
    if not has_gradient(case):
        return
    check_gradient(case)
    found, _ = tape_gradients(case.call, case.sources)
    for known in _KNOWN[: _KNOWN.index(case.needs) + 1]:
        traced = trace(case.call, known, case.sources)
        actual = run(traced, case.call, "reference")[len(traced.outputs) :]
        for a, e in zip(actual, found, strict=True):
            case.close(a, getattr(e, "values", e)._array, looseness=16)


@pytest.mark.parametrize("name", ["native", "xla"])
@every_case
def test_engine_agrees(case: Case, name: str) -> None:
    """A compiled graph against the reference engine, gradients included."""
    if engine(name) is None:
        pytest.skip(f"the {name} engine does not exist yet")
    traced = trace(case.call, "shape", case.sources if has_gradient(case) else ())
    expected = run(traced, case.call, "reference")
    for a, e in zip(run(traced, case.call, name), expected, strict=True):
        case.close(a, e, looseness=64)


def test_every_record_is_reached() -> None:
    """No op without a case. Control flow, state, sources of values and lists have tests of their own."""
    reached: set[str] = set()
    for param in ALL:
        case = param.values[0]
        graph: Graph = trace(case.call, "shape", case.sources if has_gradient(case) else ()).graph
        reached |= {node.op.name for node in graph.nodes}
    exempt = (Kind.CONTROL, Kind.SOURCE)
    own = {n for n, op in OPS.items() if op.kind not in exempt and op.effects is Effect.NONE}
    missing = sorted(n for n in own - reached if not n.startswith(_TESTED_BESIDE))
    assert not missing, f"no case reaches {missing}"
