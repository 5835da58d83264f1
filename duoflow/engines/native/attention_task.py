"""Attention in a program: the kernel calls of a node, and its formulas as the function that they call by block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from duoflow.core.dtypes import DType, as_dtype
from duoflow.core.graph import Node
from duoflow.core.tensor import GraphTensor

from .attention import Form, Formula, as_attention
from .index import row_major
from .ir import Function, Index, Module
from .kernels.attention import AttentionGradient
from .kernels.attention_code import SCORES, across
from .runner import Operand, Program
from .scalar import LLVMBuilder, Value, memory_type
from .static import inputs_of, sizes
from .tasks import Task, Where
from .threads import thread_count

__all__ = ["AttentionTask"]

#: How many inputs come before those that formulas read, and how many operands of the kernel.
_INPUTS, _OPERANDS = {False: 3, True: 7}, {False: 7, True: 11}


class AttentionTask(Task):
    """An `Attention` or its gradient."""

    def __init__(self, node: Node, form: Form) -> None:
        q, _, v = inputs_of(node)[:3]
        self._form, self._plan = form, as_attention(form, sizes(q), sizes(v), q.dtype)
        self._inputs, self._results = inputs_of(node), cast(list[GraphTensor], list(node.outputs))
        super().__init__([node], list(self._inputs), list(self._results), self._plan.worth_sharing)
        self.scratch_bytes = self._plan.scratch_bytes(thread_count() if self.parallel else 1)

    @property
    def _goes_back(self) -> bool:
        return isinstance(self._plan, AttentionGradient)

    @property
    def flops(self) -> int:
        return self._plan.flops

    def prepare(self) -> None:
        self._plan.prepare()

    def write(self, module: Module, name: str) -> bool:
        form = self._form
        if not form.scores.steps and not form.back.steps:
            return False
        with module.function(name, SCORES) as f:
            operands = self._inputs[_INPUTS[self._goes_back] :]
            writer = _Writer(f, form, self._plan.dtype, operands, _OPERANDS[self._goes_back])
            back, ahead = (form.back, len(form.scores.operands)), (form.scores, 0)
            f.branch("%back", lambda: writer.write(*back), lambda: writer.write(*ahead))
        return True

    def call(self, program: Program, where: Where, scratch: Operand, address: int) -> None:
        first = _INPUTS[self._goes_back]
        given, operands = [where(t) for t in self._inputs[:first]], [where(t) for t in self._inputs[first:]]
        results = [where(t) for t in self._results]
        calls = self._plan.calls(address)
        for number, (kernel, consts) in enumerate(calls):
            if number:
                program.barrier()
            program.call(
                kernel, [*given[:3], scratch, *given[3:], *results, *operands], consts, parallel=self.parallel,
                name=self.name,
            )  # fmt: skip


class _Writer:
    """Writes formulas for the scores of a block."""

    def __init__(self, f: Function, form: Form, dtype: DType, operands: Sequence[GraphTensor], first: int) -> None:
        self._f, self._form, self._dtype, self._operands, self._first = f, form, dtype, operands, first
        self._b = LLVMBuilder(f, f.target.lanes(dtype.size))

    def write(self, formula: Formula, skip: int) -> list[str]:
        """All rows of a block; the formula's operands are those after the first so many."""
        f, b = self._f, self._b
        starts = [self._start(skip + number, labels) for number, labels in enumerate(formula.operands)]
        with f.loop(0, "%rows") as row:
            scores = f.gep("%block", f.mul(row.index, "%stride"), memory_type(self._dtype))
            lines = [self._line(x, f.add("%row", row.index)) for x in starts]

            def body(index: Index, mask: str | None, _: Sequence[Value]) -> list[Value]:
                score = b.load(self._dtype, scores, index, mask)
                operands = [x if isinstance(x, Value) else self._elements(*x, index, mask) for x in lines]
                b.store(self._result(formula, score, operands), scores, index, mask)
                return []

            across(b, "%cols", [], body)
        return []

    def _start(self, number: int, labels: Sequence[int]) -> tuple[GraphTensor, str, int, int]:
        """An operand, its address for this entry of the batch, and its steps along queries and keys."""
        f, form, tensor = self._f, self._form, self._operands[number]
        steps = {label: s for label, s in zip(labels, row_major(sizes(tensor))) if label >= 0}
        offset: Index = 0
        rest: Index = "%batch"
        for label in reversed(form.batch):
            place, rest = f.rem(rest, form.shape[label]), f.div(rest, form.shape[label])
            offset = f.add(offset, f.mul(place, steps.get(label, 0)))
        pointer = f.gep(f.parameter("%ptrs", self._first + number, "ptr"), offset, memory_type(tensor.dtype))
        return tensor, pointer, steps.get(form.query, 0), steps.get(form.key, 0)

    def _line(self, start: tuple[GraphTensor, str, int, int], row: Index) -> Value | tuple[DType, str]:
        """What a row reads: the address of its elements from the first key on, or the one that all have."""
        tensor, pointer, query, key = start
        pointer = self._f.gep(pointer, self._f.mul(row, query), memory_type(tensor.dtype))
        return (tensor.dtype, pointer) if key else self._b.load_uniform(tensor.dtype, pointer)

    def _elements(self, dtype: DType, pointer: str, index: Index, mask: str | None) -> Value:
        return self._b.load(dtype, pointer, self._f.add("%col", index), mask)

    def _result(self, formula: Formula, score: Value, operands: Sequence[Value]) -> Value:
        b = self._b
        values: list[Value] = []
        for step in formula.steps:
            arguments = [self._argument(x, score, operands, values) for x in step.arguments]
            value = b.value(step.op.body(b, *arguments, **dict(step.attrs)), step.dtype)  # type: ignore[misc]
            values.append(b.cast(value, step.dtype))
        return values[-1] if values else score

    def _argument(
        self, argument: tuple[str, Any], score: Value, operands: Sequence[Value], values: Sequence[Value]
    ) -> Value:
        kind, x = argument
        if kind == "number":
            return self._b.const(x.array.item(), as_dtype(x.array.dtype))
        found: dict[str, Sequence[Value]] = {"score": [score], "operand": operands, "step": values}
        return found[kind][int(x)]
