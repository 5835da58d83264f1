"""Kernels that are one: of the same structure in a graph, or in any graphs that are compiled and alive.

A `Signature` says all that the code of a task's loop kernel depends on, with numbers for its tensors. What was written
for a signature serves all tasks that have it: the layers of a model, its optimizer's updates, the same graph for
another batch size.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from duoflow.core.graph import Node
from duoflow.core.record import attrs_key
from duoflow.core.tensor import GraphTensor

from .expression import VIEWS, Elementwise, Recomputed, uniform_value
from .ir import Module
from .jit import Library, compile_modules
from .loops import LoopKernel, Outlet
from .static import inputs_of
from .tasks import Task

__all__ = ["Code", "compile_all"]


@dataclass(frozen=True)
class Signature:
    """What a kernel's code depends on, and the tensors in the order of the numbers that it gives them."""

    key: Hashable
    tensors: list[GraphTensor]


class Code:
    """A kernel's machine code. It stays in memory, and serves others, as long as this object is kept.

    `reads` are the numbers of the tensors that it reads.
    """

    def __init__(self, symbol: str, reads: Sequence[int], can_fail: bool) -> None:
        self.symbol, self.reads, self.can_fail = symbol, reads, can_fail
        self.address = 0
        self._library: Library | None = None

    def link(self, library: Library) -> None:
        """Find it in the library that its module became."""
        self._library, self.address = library, library.address(self.symbol)


#: Characters of IR that are worth a thread of their own to compile, and the most such threads.
_PART_LENGTH, _MOST_PARTS = 40_000, 4

#: By the keys of signatures.
_alive: WeakValueDictionary[Hashable, Code] = WeakValueDictionary()


def compile_all(tasks: Sequence[Task], name: str) -> dict[int, Code]:
    """The code of each task (by id) that has some; what is not there yet is written into one module and compiled."""
    module = Module()
    found: dict[int, Code] = {}
    written: dict[Hashable, Code] = {}
    symbols: dict[str, str] = {}
    for i, task in enumerate(tasks):
        signature = _signature(task)
        key = signature.key if signature is not None else i
        known = written.get(key) or _alive.get(key) if signature is not None else None
        if known is not None and signature is not None and task.kernel is not None:
            task.kernel.reads = [signature.tensors[n] for n in known.reads]
            task.kernel.can_fail = known.can_fail
            task.written()
            found[id(task)] = known
            continue
        symbol = f"kernel{i}"
        if not task.write(module, symbol):
            continue
        task.written()
        body = module.body(symbol).replace(f"@{symbol}(", "@kernel(")
        if symbols.setdefault(body, symbol) != symbol:
            module.discard(symbol)
        found[id(task)] = written[key] = _code(task, signature, symbols[body])
    if written:
        libraries = _compiled(module, name)
        for key, code in written.items():
            code.link(libraries[code.symbol])
            if not isinstance(key, int):
                _alive[key] = code
    return found


def _compiled(module: Module, name: str) -> dict[str, Library]:
    """The libraries that a module becomes, by the names of its kernels."""
    parts = module.parts(min(_MOST_PARTS, len(module.text()) // _PART_LENGTH))
    libraries = compile_modules([text for text, _ in parts], name)
    return {symbol: library for (_, symbols), library in zip(parts, libraries, strict=True) for symbol in symbols}


def _code(task: Task, signature: Signature | None, symbol: str) -> Code:
    if signature is None or task.kernel is None:
        return Code(symbol, (), False)
    number = {id(t): n for n, t in enumerate(signature.tensors)}
    return Code(symbol, [number[id(t)] for t in task.kernel.reads], task.kernel.can_fail)


def _signature(task: Task) -> Signature | None:
    """That of a task with a loop kernel; None for others, and for kernels of what cannot be compared."""
    if task.kernel is None:
        return None
    numbering = _Numbering(task.kernel)
    own = tuple([numbering.member(node) for node in task.kernel.members])
    for tensor, outlet in [(t, task.kernel.outlets.get(id(t))) for t in task.kernel.outputs]:
        if outlet is not None:
            numbering.outlet(tensor, outlet)
    outputs = tuple([numbering.numbers[id(t)] for t in task.kernel.outputs])
    key = (task.kernel.domain, own, outputs, tuple(numbering.entries), task.form(numbering.numbers))
    try:
        hash(key)
    except TypeError:
        return None
    return Signature(key, numbering.tensors)


class _Numbering:
    """Numbers for a kernel's tensors in the order in which its members read them, and what each is."""

    def __init__(self, kernel: LoopKernel) -> None:
        self.kernel = kernel
        self.numbers: dict[int, int] = {}
        self.tensors: list[GraphTensor] = []
        self.entries: list[Hashable] = []

    def member(self, node: Node) -> int:
        """The number of what a member gives."""
        tensor: Any = node.outputs[0]
        return self._add(tensor, (self._computed(node), self.kernel.full[id(tensor)]))

    def outlet(self, tensor: GraphTensor, outlet: Outlet) -> int:
        """The number of what is put together."""
        parts = tuple([(self._of(value), shape, start) for value, shape, start in outlet.parts])
        row = None if outlet.index is None else self._of(outlet.index)
        return self._add(tensor, (parts, outlet.axis, outlet.dims, row))

    def _of(self, tensor: GraphTensor) -> int:
        found = self.numbers.get(id(tensor))
        if found is not None:
            return found
        literal = uniform_value(tensor)
        if literal is not None:
            return self._add(tensor, literal.tobytes())
        node = tensor.node
        if isinstance(self.kernel.descriptions.get(id(node)), VIEWS) and id(node) not in self.kernel.stored:
            return self._add(tensor, self._computed(node))
        return self._add(tensor, None)

    def _computed(self, node: Node) -> Hashable:
        """How a node's output comes from its inputs."""
        description = self.kernel.descriptions[id(node)]
        inputs = tuple([self._of(t) for t in inputs_of(node)])
        if isinstance(description, (Elementwise, Recomputed)):
            attrs = (attrs_key(node.attrs), repr(node.attrs)) if node.attrs else None
            return node.op, attrs, inputs
        return repr(description), inputs

    def _add(self, tensor: GraphTensor, what: Hashable) -> int:
        number = self.numbers[id(tensor)] = len(self.tensors)
        self.tensors.append(tensor)
        self.entries.append((what, tensor.dims, tensor.dtype))
        return number
