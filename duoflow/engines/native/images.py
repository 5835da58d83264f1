"""Programs kept on disk: a graph that was compiled at an earlier start runs without passes, compiler and their import.

An image is all that a run needs, as data: the program's words, the object files of the functions that it names, and
where its values come from and go to. Numbers that are addresses here (`Address`, `Table`) are kept as the function's
name in its object file. What people ask about a program, and what tells why a run failed, an image does not have: the
graph is then compiled as if there were none, as `origin`.

An image goes by the graph's fingerprint, the shapes of its inputs, and everything else that has a say: duoflow's
sources, versions, processor, switches. Programs that call back into Python have none.
"""

from __future__ import annotations

import functools
import marshal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.graph import Graph, Node
from duoflow.core.switches import switches
from duoflow.core.tensor import Tensor
from duoflow.passes.table import StateTable
from duoflow.passes.watch import watchers

from . import cache, jit, profile
from .fingerprint import Fingerprint
from .jit import Address, Library, Table
from .runner import Operand, Program, Sealed, libraries
from .specialization import Context, Form, Specialization
from .target import host
from .threads import Block, thread_count

__all__ = ["Image", "image_of", "statistics"]

_FORMAT = 1
#: Constants of more bytes than this are not written a second time.
_MOST_BYTES = 16 << 20


#: How many programs were written and read in this process.
statistics = {"kept": 0, "loaded": 0}


class Image:
    """The place where a graph's program for some shapes is kept."""

    def __init__(self, name: str, graph: Graph, fingerprint: Fingerprint) -> None:
        self._name, self._graph, self._states = name, graph, fingerprint.states

    def load(self, again: Callable[[], Specialization]) -> Specialization | None:
        """The program, if it is kept; `again` compiles it."""
        content = cache.read(self._name)
        if content is None:
            return None
        try:
            found = _Loaded(self._graph, marshal.loads(content), self._states, again)
        except (EOFError, IndexError, KeyError, RuntimeError, TypeError, ValueError):  # of what is sound but no image
            return None
        statistics["loaded"] += 1
        return found

    def keep(self, compiled: Specialization) -> None:
        """Write the program down, if that can be done."""
        try:
            content = marshal.dumps(_written(compiled, self._states))
        except _Unkept:
            return
        cache.write(self._name, content)
        statistics["kept"] += 1


def image_of(graph: Graph, fingerprint: Fingerprint | None, dims: Sequence[Any]) -> Image | None:
    """The image for inputs of these shapes; None where none can be, or everything is to be seen or checked."""
    told = cache.sources()
    seen = watchers or jit.watchers or profile.is_on() or switches.check_graphs or jit.verifies()
    if fingerprint is None or told is None or seen or cache.cache_directory() is None:
        return None
    options = sorted(switches.optimizer_options.items(), key=repr)
    operators = {getattr(Tensor, name).__module__ for name in ("__add__", "__mul__", "__lt__")}
    surroundings = (_FORMAT, sys.version, np.__version__, thread_count(), options, sorted(operators), list(dims))
    return Image(
        cache.key_of(jit.key_prefix(host()), told, fingerprint.key.encode(), repr(surroundings).encode()) + ".image",
        graph,
        fingerprint,
    )


# Writing --------------------------------------------------------------------------------------------------------------


class _Unkept(Exception):
    """Something that holds in this process only."""


class _Names:
    """Addresses by the object files that they are in."""

    def __init__(self, used: Sequence[Library]) -> None:
        self.libraries = {library.key: library for library in used}
        self._known = jit.addresses()

    def numbers(self, values: Sequence[int]) -> tuple[list[int], list[Any]]:
        """Numbers without the addresses among them, and these: (position, function), or (position, table)."""
        plain: list[int] = list(values)
        named: list[Any] = []
        for i, value in enumerate(values):
            if type(value) is int:
                continue
            plain[i] = 0
            if isinstance(value, Address):
                named.append((i, self._function(value)))
            elif isinstance(value, Table):
                entries = [(place, self._function(address)) for place, address in value.entries.items()]
                named.append((i, (value.length, entries)))
            else:
                plain[i] = int(value)
        if not self._known.isdisjoint(plain):
            raise RuntimeError("An address in a program has lost its name; arithmetic gives it as a mere number.")
        return plain, named

    def _function(self, address: Address) -> tuple[str, str]:
        self.libraries[address.library.key] = address.library
        return address.library.key, address.symbol

    def objects(self) -> dict[str, bytes]:
        """The object files."""
        return {key: library.code for key, library in self.libraries.items()}


def _written(compiled: Specialization, states: Sequence[Any]) -> dict[str, Any]:
    program, table = compiled.program, compiled.table
    forms = [*compiled.results, *(form for _, form in compiled.adopted)]
    if compiled.calls_back or any(kind == "object" for kind, *_ in forms):
        raise _Unkept
    if sum(array.nbytes for _, array in compiled.constants) > _MOST_BYTES:
        raise _Unkept
    code, chunks, consts, operands = program.seal().words
    names = _Names(libraries(parallel=bool(chunks)))
    words = names.numbers(code), chunks, names.numbers(consts), operands
    number = {id(state): i for i, state in enumerate(states)}
    return {
        "objects": names.objects(),
        "program": (program.buffers, program.threads, program.own, program.names),
        "words": words,
        "arena": compiled.arena_bytes,
        "own": compiled.own_bytes,
        "inputs": compiled.input_count,
        "gives outputs": compiled.gives_outputs,
        "checks": len(compiled.checked),
        "arrays": [(b, p, shape, _name(dtype)) for b, p, shape, dtype in compiled.array_inputs],
        "states": [(b, p, at, i and (i[0], _name(i[1]))) for b, p, at, i in compiled.state_inputs],
        "constants": [(b, a.shape, _name(a.dtype), a.tobytes()) for b, a in compiled.constants],
        "outputs": [(b, shape, _name(dtype)) for b, shape, dtype in compiled.outputs],
        "results": [_plain(form) for form in compiled.results],
        "adopted": [(position, _plain(form)) for position, form in compiled.adopted],
        "table": (
            sorted(table.inputs),
            [(position, number[id(state)]) for position, state in table.constant.items()],
            table.updates,
            sorted(table.unread),
        ),
    }


def _name(dtype: np.dtype[Any]) -> str:
    return dtypes.as_dtype(dtype).name


def _plain(form: Form) -> Form:
    return tuple(_name(part) if isinstance(part, np.dtype) else part for part in form)


# Reading --------------------------------------------------------------------------------------------------------------


def _dtype(name: str) -> np.dtype[Any]:
    return dtypes.as_dtype(name).numpy


class _Loaded(Specialization):
    """A program that was kept."""

    def __init__(
        self, graph: Graph, kept: dict[str, Any], states: Sequence[Any], again: Callable[[], Specialization]
    ) -> None:
        inputs, constant, updates, unread = kept["table"]
        table = StateTable(set(inputs), {p: states[n] for p, n in constant}, updates, set(unread))
        super().__init__(None, graph.name, table)
        self._again = again
        self._library = {key: jit.loaded(key, code, graph.name) for key, code in kept["objects"].items()}
        self.codes += self._library.values()
        self._tables: list[Block] = []
        buffers, threads, own, names = kept["program"]
        code, chunks, consts, operands = kept["words"]
        sealed = Sealed(self._numbers(*code), chunks, self._numbers(*consts), operands)
        self.program = Program(buffers, threads=threads, own=own, names=names, sealed=sealed)
        self.arena_bytes, self.own_bytes = kept["arena"], kept["own"]
        self.input_count, self.gives_outputs = kept["inputs"], kept["gives outputs"]
        self.checked = [[] for _ in range(kept["checks"])]
        self.array_inputs = [(b, p, shape, _dtype(name)) for b, p, shape, name in kept["arrays"]]
        self.state_inputs = [(b, p, at, i and (i[0], _dtype(i[1]))) for b, p, at, i in kept["states"]]
        self.constants = [
            (b, np.frombuffer(bytearray(data), _dtype(name)).reshape(shape))
            for b, shape, name, data in kept["constants"]
        ]
        self.outputs = [(b, shape, _dtype(name)) for b, shape, name in kept["outputs"]]
        self.results = [self._form_of(*form) for form in kept["results"]]
        self.adopted = [(position, self._form_of(*form)) for position, form in kept["adopted"]]

    def _numbers(self, plain: list[int], named: list[Any]) -> list[int]:
        for i, what in named:
            plain[i] = self._function(*what) if type(what[0]) is str else self._table(*what)
        return plain

    def _function(self, key: str, symbol: str) -> int:
        return self._library[key].address(symbol)

    def _table(self, length: int, entries: list[Any]) -> int:
        block = Block(8 * length)
        self._tables.append(block)
        words = block.words()
        for place, function in entries:
            words[place] = self._function(*function)
        return block.address

    @staticmethod
    def _form_of(kind: str, *parts: Any) -> Form:
        if kind != "memory":
            return kind, *parts
        place, shape, dtype, dims = parts
        return kind, place, shape, _dtype(dtype), dims

    @functools.cached_property
    def origin(self) -> Specialization:
        """The graph compiled."""
        return self._again()

    def suspects(self, failed: Sequence[int]) -> tuple[Graph, list[Node], Mapping[int, Operand]]:
        return self.origin.suspects(failed)

    def _new_context(self) -> Context:
        return self.origin._new_context() if profile.is_on() else super()._new_context()
