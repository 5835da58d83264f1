"""One tester for all ops: a `Case` is a call, and the checks here hold for every call.

    CASES = [Case(F.reduce_sum, real(2, 3), axis=1), Case(F.concat, [real(2, 3), real(4, 3)], 0)]

NumPy arrays among the arguments, also inside lists, are the call's tensors: they are traced as placeholders and
differentiated if they are floating. Everything else (Python numbers, lists of them, strings) is passed as it is.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from duoflow.core import dtypes, nest, shapes
from duoflow.core.autodiff import GradientTape, gradients
from duoflow.core.dtypes import DType
from duoflow.core.graph import CONST, PLACEHOLDER, Graph, Node
from duoflow.core.indexed_slices import IndexedSlices
from duoflow.core.late import F
from duoflow.core.tensor import EagerTensor, Tensor, convert
from duoflow.engines.reference import evaluate_node

__all__ = ["Case", "ENGINES", "engine", "ints", "positive", "real", "unit"]

#: Engines by name; each module has `compile(graph)`.
ENGINES = {
    "reference": "duoflow.engines.reference",
    "native": "duoflow.engines.native.engine",
    "xla": "duoflow.engines.xla.engine",
}


def engine(name: str) -> Any:
    """The module of an engine, or None if it does not exist (yet)."""
    package, _, _ = ENGINES[name].rpartition(".")
    if importlib.util.find_spec(package) is None or importlib.util.find_spec(ENGINES[name]) is None:
        return None
    return importlib.import_module(ENGINES[name])


# -- operands ----------------------------------------------------------------------------------------------------------


def _random(shape: Sequence[int], seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, *shape])


def real(*shape: int, seed: int = 0, scale: float = 2.0) -> np.ndarray[Any, Any]:
    """Normally distributed float32."""
    return np.asarray(_random(shape, seed).normal(size=shape) * scale, np.float32)


def positive(*shape: int, seed: int = 0, low: float = 0.25, high: float = 3.0) -> np.ndarray[Any, Any]:
    """Float32 between `low` and `high`."""
    return np.asarray(_random(shape, seed).uniform(low, high, shape), np.float32)


def unit(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Float32 inside (-1, 1)."""
    return positive(*shape, seed=seed, low=-0.95, high=0.95)


def ints(*shape: int, seed: int = 0, low: int = -5, high: int = 6) -> np.ndarray[Any, Any]:
    """Int32 in [low, high)."""
    return np.asarray(_random(shape, seed).integers(low, high, shape), np.int32)


# -- cases -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Call:
    """A function with its arguments; the tensors among them are numbered in order."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def tensors(self) -> list[np.ndarray[Any, Any]]:
        """The arrays among the arguments."""
        found: list[np.ndarray[Any, Any]] = []
        self._map(lambda array: found.append(array))
        return found

    def _map(self, function: Callable[[Any], Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        def visit(value: Any) -> Any:
            if isinstance(value, np.ndarray):
                return function(value)
            return type(value)(map(visit, value)) if type(value) in (list, tuple) else value

        return visit(self.args), {key: visit(value) for key, value in self.kwargs.items()}

    def __call__(self, values: Sequence[Any]) -> list[Tensor]:
        """The tensors that the call gives for these tensors."""
        given = iter(values)
        args, kwargs = self._map(lambda _: next(given))
        return [_dense(out) for out in nest.flatten(self.function(*args, **kwargs)) if out is not None]

    def cast(self, dtype: DType) -> Call:
        """The same call with its floating tensors (or, for an integer dtype, its numeric ones) in another dtype."""

        def change(array: Any) -> Any:
            own = dtypes.from_numpy(array.dtype)
            return array.astype(dtype.numpy) if own.is_floating or (own.is_integer and dtype.is_integer) else array

        args, kwargs = self._map(change)
        return Call(self.function, args, kwargs)


def _dense(value: Any) -> Tensor:
    return convert(value.values if isinstance(value, IndexedSlices) else value)


class Case:
    """A call to check.

    grad: indices of the tensors to differentiate; by default all floating ones. () for none.
    dtypes: dtypes in which the floating (or, for integer dtypes, all numeric) tensors are tried besides their own.
    rtol, atol: instead of a few units of the dtype.
    needs: what must be known when tracing: "nothing", "rank" or "shape" of the tensors.
    order: 2 to check the gradient as a call of its own, second derivatives included.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *args: Any,
        grad: Sequence[int] | None = None,
        dtypes: Sequence[Any] = (),
        rtol: float | None = None,
        atol: float | None = None,
        needs: str = "nothing",
        order: int = 1,
        id: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.call = Call(function, args, kwargs)
        self.grad = grad
        self.dtypes = tuple(dtypes)
        self.rtol, self.atol = rtol, atol
        self.needs = needs
        self.order = order
        self.id = id or getattr(function, "__name__", "call")

    @property
    def sources(self) -> list[int]:
        """The tensors to differentiate."""
        if self.grad is not None:
            return list(self.grad)
        return [i for i, a in enumerate(self.call.tensors) if dtypes.from_numpy(a.dtype).is_floating]

    def in_dtype(self, dtype: Any) -> Case:
        """This case with its tensors in another dtype."""
        call = self.call.cast(dtypes.as_dtype(dtype))
        out = Case(call.function, *call.args, grad=self.grad, rtol=self.rtol, atol=self.atol, needs=self.needs)
        out.call = call
        out.id = f"{self.id}-{dtypes.as_dtype(dtype).name}"
        return out

    def derivative(self) -> Case:
        """The gradient of this case, as a case."""
        call, sources = self.call, self.sources

        def gradient(*tensors: Any) -> list[Any]:
            with GradientTape() as tape:
                tape.watch([tensors[i] for i in sources])
                targets = [t for t in call(tensors) if t.dtype.is_floating]
            return tape.gradient(targets, [tensors[i] for i in sources], [_weights(t) for t in targets])

        return Case(gradient, *call.tensors, grad=self.grad, rtol=self.rtol, needs=self.needs, id=f"{self.id}-gradient")

    def close(self, actual: Any, expected: Any, looseness: float = 8.0) -> None:
        """Assert that two results agree in dtype, shape and, within tolerance, value."""
        assert_close(actual, expected, rtol=self.rtol, atol=self.atol, looseness=looseness)


def assert_close(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    looseness: float = 8.0,
    operands: Sequence[Any] = (),
) -> None:
    """Assert equality in dtype and shape, and in value within `looseness` units of the dtype (exactly for integers).

    Units are those of the largest number in the result, or among the operands if they are given.
    """
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == expected.dtype, f"dtype {actual.dtype}, expected {expected.dtype}"
    assert actual.shape == expected.shape, f"shape {actual.shape}, expected {expected.shape}"
    kind = dtypes.from_numpy(expected.dtype)
    if not (kind.is_floating or kind.is_complex):
        np.testing.assert_array_equal(actual, expected)
        return
    eps = float(_eps(kind.real_dtype))
    wide = np.complex128 if kind.is_complex else np.float64
    a, e = actual.astype(wide), expected.astype(wide)
    scale = max(map(_scale, (e, *operands)))
    rtol = looseness * eps if rtol is None else max(rtol, looseness * eps)
    atol = looseness * eps * scale if atol is None else atol
    np.testing.assert_allclose(a, e, rtol=rtol, atol=atol)


def _scale(array: Any) -> float:
    """The largest finite absolute value of a floating array."""
    kind = dtypes.from_numpy(array.dtype)
    if not (kind.is_floating or kind.is_complex) or not array.size:
        return 0.0
    size = np.abs(array).astype(np.float64)
    return float(np.max(size, where=np.isfinite(size), initial=0.0))


def _eps(dtype: DType) -> Any:
    return {"float64": 2**-52, "float32": 2**-23, "float16": 2**-10, "bfloat16": 2**-7}[dtype.name]


# -- tracing and running -----------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Traced:
    """A case as a graph: its inputs, its outputs, and the gradients of a weighted sum of them."""

    graph: Graph
    outputs: list[Tensor]
    gradients: list[Tensor] = field(default_factory=list)


def eager(call: Call) -> list[np.ndarray[Any, Any]]:
    """What the call gives when run at once."""
    return [t._array for t in call([EagerTensor(a) for a in call.tensors])]  # type: ignore[attr-defined]


def trace(call: Call, known: str = "shape", sources: Sequence[int] = ()) -> Traced:
    """The call as a graph; of its tensors the "shape", only the "rank", or "nothing" is known."""
    graph = Graph("case", is_function=True)
    with graph.as_default():
        inputs = [graph.add_input(dtypes.from_numpy(a.dtype), _placeholder_dims(a, known)) for a in call.tensors]
        outputs = [graph.capture(t) for t in call(inputs)]
        found: list[Any] = []
        if sources:
            targets = [t for t in outputs if t.dtype.is_floating]
            found = gradients(targets, [inputs[i] for i in sources], [_weights(t) for t in targets])
            found = [None if g is None else graph.capture(_dense(g)) for g in found]
    graph.outputs = [*outputs, *(g for g in found if g is not None)]
    return Traced(graph, list(outputs), found)


def _placeholder_dims(array: Any, known: str) -> Any:
    return {"shape": array.shape, "rank": (None,) * array.ndim, "nothing": None}[known]


def _weights(target: Tensor) -> Tensor:
    """A cotangent with distinct entries whatever the target's shape."""
    count = F.reshape(F.range(F.size(target)), F.shape(target))
    return F.cos(F.cast(count, target.dtype) * 1.7 + 0.3)


def nodes_with_values(traced: Traced, call: Call) -> list[tuple[Node, list[Any], list[Any]]]:
    """Every computing node of a trace with the values of its inputs and outputs."""
    table = {id(t): a for t, a in zip(traced.graph.inputs, call.tensors, strict=True)}
    out = []
    for node in traced.graph.nodes:
        if node.op is PLACEHOLDER and id(node.outputs[0]) in table:
            continue
        values = [table[id(t)] for t in node.inputs]
        results = node.op.evaluate(**node.attrs) if node.op is CONST else evaluate_node(node, values)
        results = results if isinstance(results, tuple) else (results,)
        table.update((id(t), r) for t, r in zip(node.outputs, results, strict=True))
        if node.op is not CONST:
            out.append((node, values, list(results)))
    return out


def run(traced: Traced, call: Call, name: str) -> list[np.ndarray[Any, Any]]:
    """The outputs of a trace on an engine; captured tensors are passed after the inputs."""
    captured = [t._array for t in traced.graph.external_captures]  # type: ignore[attr-defined]
    return list(engine(name).compile(traced.graph).run([*call.tensors, *captured]))


# -- derivatives -------------------------------------------------------------------------------------------------------


def tape_gradients(call: Call, sources: Sequence[int]) -> tuple[list[Any], list[Tensor]]:
    """The gradients of a weighted sum of the floating outputs, by a tape in eager mode; and the weights."""
    tensors = [EagerTensor(a) for a in call.tensors]
    with GradientTape() as tape:
        tape.watch([tensors[i] for i in sources])
        targets = [t for t in call(tensors) if t.dtype.is_floating]
    weights = [_weights(t) for t in targets]
    return tape.gradient(targets, [tensors[i] for i in sources], weights), weights


def check_gradient(case: Case, step: float = 1e-6, rtol: float = 2e-5) -> None:
    """Compare gradients with central differences along one random direction, in float64."""
    call, sources = case.call.cast(dtypes.float64), case.sources
    found, weights = tape_gradients(call, sources)
    missing = [i for i, g in zip(sources, found, strict=True) if g is None]
    assert not missing, f"no gradient reaches the tensors {missing}"
    base = call.tensors
    rng = np.random.default_rng(7)
    directions = {i: rng.normal(size=base[i].shape) for i in sources}

    def moved(amount: float) -> float:
        values = [EagerTensor(np.asarray(a + amount * directions.get(i, 0))) if i in directions else EagerTensor(a)
                  for i, a in enumerate(base)]  # fmt: skip
        targets = [t for t in call(values) if t.dtype.is_floating]
        return float(sum(np.sum(t._array * w._array) for t, w in zip(targets, weights, strict=True)))  # type: ignore[attr-defined]

    numeric = (moved(step) - moved(-step)) / (2 * step)
    exact = float(sum(np.sum(_dense(g)._array * directions[i]) if not isinstance(g, IndexedSlices)  # type: ignore[attr-defined]
                      else np.sum(convert(g)._array * directions[i])  # type: ignore[attr-defined]
                      for i, g in zip(sources, found, strict=True)))  # fmt: skip
    np.testing.assert_allclose(exact, numeric, rtol=max(rtol, case.rtol or 0), atol=1e-6)


def has_gradient(case: Case) -> bool:
    """Whether there is anything to differentiate."""
    if not case.sources or any(dtypes.from_numpy(a.dtype).is_complex for a in case.call.tensors):
        return False
    return case.grad is not None or any(dtypes.from_numpy(a.dtype).is_floating for a in eager(case.call))


# -- agreement of a node with its record -------------------------------------------------------------------------------


def check_specs(nodes: Sequence[tuple[Node, list[Any], list[Any]]]) -> None:
    """What `infer` says of every output holds of its value."""
    for node, _, results in nodes:
        for tensor, value in zip(node.outputs, results, strict=True):
            if not isinstance(value, np.ndarray):
                continue
            spec, where = tensor.spec, f"{node.op.name}{node.attrs}"
            assert dtypes.from_numpy(value.dtype) is spec.dtype, f"{where}: {value.dtype}, inferred {spec.dtype.name}"
            assert shapes.compatible(spec.shape, value.shape), f"{where}: {value.shape}, inferred {spec.shape}"
            if isinstance(spec.value, np.ndarray):
                np.testing.assert_array_equal(value, spec.value, err_msg=where)
            elif isinstance(spec.value, tuple):
                assert len(spec.value) == value.size and all(
                    known is None or known == v for known, v in zip(spec.value, value.reshape(-1).tolist(), strict=True)
                ), f"{where}: {value}, inferred {spec.value}"
