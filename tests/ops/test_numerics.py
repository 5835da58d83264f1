"""Compiled kernels agree with NumPy's meaning on every dtype and on shapes that do not fit vectors.

Generated from the records and from tables of calls: shapes are drawn at random and hold zero-sized, one-element and
odd ones. Tolerances are units in the last place of the dtype, at the size of the largest number that is involved:
elementwise functions and reductions 64 (in float64 some functions are only good to 1e-11), products 64 times the root
of their depth. Integers and bools are exact.
"""

from __future__ import annotations

import inspect
import zlib
from typing import Any

import numpy as np
import pytest

from duoflow import ops as F
from duoflow.core import dtypes
from duoflow.core.emit import emit_one
from duoflow.core.graph import Graph
from duoflow.core.record import OPS, Kind, Op
from duoflow.core.spec import Spec
from duoflow.engines import reference
from duoflow.engines.native import engine as native
from tests.ops.harness import assert_close

DTYPES = ["float32", "float64", "float16", "bfloat16", "int8", "int32", "int64", "uint8", "uint32", "bool"]
FLOATS = DTYPES[:4]
#: Bodies whose values are tested elsewhere: random words depend on the index, and counters on all operands.
_OWN_TESTS = ("Philox",)


def draws(name: str) -> np.random.Generator:
    """Random numbers that depend on the test alone."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def shapes_of(rng: np.random.Generator) -> list[tuple[int, ...]]:
    """Nothing, one element, less than a vector, and random ones of up to three dimensions."""
    return [(0,), (3, 0), (), (1,), (5,), *[tuple(rng.integers(1, 20, rank).tolist()) for rank in (1, 2, 3)]]


def values(rng: np.random.Generator, shape: tuple[int, ...], name: str, positive: bool = False) -> np.ndarray[Any, Any]:
    """Numbers around zero (integers leave it out), or small ones above it."""
    dtype = dtypes.as_dtype(name)
    if dtype.is_bool:
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.is_integer:
        sign = 1 if positive or dtype.is_unsigned else rng.choice([-1, 1], shape)
        return np.asarray(rng.integers(1, 7, shape) * sign).astype(dtype.numpy)
    return np.asarray(rng.uniform(0.1, 3, shape) if positive else rng.normal(size=shape) * 2).astype(dtype.numpy)


def compare(calls: list[tuple[Any, list[np.ndarray[Any, Any]]]], units: float = 64, **tolerance: Any) -> None:
    """Run calls in one graph on both engines."""
    graph = Graph("numerics", is_function=True)
    given: list[Any] = []
    with graph.as_default():
        for call, arrays in calls:
            inputs = [graph.add_input(dtypes.from_numpy(a.dtype), a.shape) for a in arrays]
            out = call(*inputs)
            graph.outputs += list(out) if isinstance(out, (tuple, list)) else [out]
            given += arrays
    executable = native.compile(graph)
    got = executable.run(given)
    want = reference.compile(graph).run(given)
    for g, w, tensor in zip(got, want, graph.outputs, strict=True):
        try:
            assert_close(g, w, looseness=units, **tolerance)
        except AssertionError as error:
            raise AssertionError(
                f"{tensor.node.op.name} of {[str(t.spec) for t in tensor.node.inputs]}: {error}"
            ) from None


def _arity(op: Op) -> int:
    """How many operands a body takes; 0 if it needs attributes."""
    parameters = list(inspect.signature(op.body).parameters.values())[1:]  # type: ignore[arg-type]
    if any(p.kind is p.KEYWORD_ONLY and p.default is p.empty for p in parameters):
        return 0
    return (
        0
        if any(p.kind is p.VAR_POSITIONAL for p in parameters)
        else sum(p.kind is not p.KEYWORD_ONLY for p in parameters)
    )


def _kinds(op: Op) -> list[list[str]]:
    """What the operands' dtypes may be: all the same, or a condition and two others."""
    count = _arity(op)
    return [[d] * count for d in DTYPES if count] + ([["bool", d, d] for d in DTYPES] if count == 3 else [])


def _accepts(op: Op, kinds: list[str]) -> bool:
    try:
        op.infer(*[Spec((2,), dtypes.as_dtype(d)) for d in kinds])
    except (TypeError, ValueError, KeyError):
        return False
    return True


ELEMENTWISE = sorted(
    name
    for name, op in OPS.items()
    if op.kind is Kind.ELEMENTWISE and op.body is not None and not name.startswith(_OWN_TESTS)
    and any(_accepts(op, kinds) for kinds in _kinds(op))
)  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise(name: str) -> None:
    op, rng = OPS[name], draws(name)
    calls = []
    for kind in _kinds(op):
        if not _accepts(op, kind):
            continue
        for shape in shapes_of(rng):
            second = tuple(1 if i == 0 else d for i, d in enumerate(shape))  # broadcast along the first dimension
            arrays = [values(rng, shape if i == 0 else second, d, positive=i > 0) for i, d in enumerate(kind)]
            if kind[0] != "bool" and dtypes.as_dtype(kind[0]).is_floating and shape in ((5,), (1,)):
                arrays[0] = values(rng, shape, kind[0], positive=True)
            calls.append((lambda *tensors: emit_one(op, tensors), arrays))
    for dtype_calls in (calls[i : i + 32] for i in range(0, len(calls), 32)):
        compare(dtype_calls)


REDUCTIONS = ["sum", "mean", "max", "min", "prod", "any", "all", "logsumexp", "variance", "euclidean_norm"]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name: str, dtype: str) -> None:
    boolean, floating = name in ("any", "all"), name in ("logsumexp", "variance", "euclidean_norm")
    if boolean != (dtype == "bool") or (floating and dtype not in FLOATS):
        pytest.skip("not for this dtype")
    rng, function = draws(name + dtype), getattr(F, f"reduce_{name}")
    calls = []
    for shape in [
        (),
        (1,),
        (5,),
        (9, 1),
        (3, 17),
        (17, 3),
        (2, 5, 9),
        (4, 0, 3),
        tuple(rng.integers(1, 30, 3).tolist()),
    ]:
        for axis in {None, *range(len(shape))} | ({(0, 2)} if len(shape) == 3 else set()):
            keep = bool(rng.integers(2))
            calls.append(
                (lambda x, axis=axis, keep=keep: function(x, axis, keepdims=keep), [values(rng, shape, dtype)])
            )
    compare(calls)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8"])
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_positions(name: str, dtype: str) -> None:
    rng, function = draws(name + dtype), getattr(F, name)
    shapes = [(1,), (5,), (9, 1), (3, 17), (17, 3), (2, 5, 9), tuple(rng.integers(1, 30, 3).tolist())]
    compare([
        (lambda x, axis=axis: function(x, axis), [values(rng, shape, dtype)])
        for shape in shapes for axis in range(len(shape))
    ])  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int32", "int64", "uint8"])
def test_products(dtype: str) -> None:
    rng = draws("products" + dtype)
    sizes = [(1, 1, 1), (0, 3, 4), (3, 0, 4), (1, 9, 5), (17, 1, 3), (5, 7, 1), *rng.integers(1, 40, (3, 3)).tolist()]
    calls = []
    for m, k, n in sizes:
        for left in (False, True):
            for right in (False, True):
                a = values(rng, (k, m) if left else (m, k), dtype)
                b = values(rng, (n, k) if right else (k, n), dtype)
                calls.append((lambda a, b, l=left, r=right: F.matmul(a, b, transpose_a=l, transpose_b=r), [a, b]))
        calls.append((F.matmul, [values(rng, (3, 1, m, k), dtype), values(rng, (2, k, n), dtype)]))
    compare(calls, units=64 * 8)


ROWS = {
    "softmax": lambda x, axis: F.softmax(x, axis),
    "log_softmax": lambda x, axis: F.log_softmax(x, axis),
    "normalized": lambda x, axis: (
        (x - F.reduce_mean(x, axis, keepdims=True)) * F.rsqrt(F.reduce_variance(x, axis, keepdims=True) + 1e-3)
    ),
    "unit": lambda x, axis: F.l2_normalize(x, axis),
    "cumsum": lambda x, axis: F.cumsum(x, axis),
    "sort": lambda x, axis: F.sort(x, axis),
}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ROWS)
def test_rows(name: str, dtype: str) -> None:
    rng = draws(name + dtype)
    shapes = [(1,), (5,), (9, 1), (3, 17), (17, 3), (2, 5, 9), (0, 4), tuple(rng.integers(1, 30, 3).tolist())]
    compare([
        (lambda x, axis=axis: ROWS[name](x, axis), [values(rng, shape, dtype)])
        for shape in shapes for axis in range(len(shape))
    ], units=256)  # fmt: skip
