"""The way from Python into native code: a built-in function that takes a run's objects and leaves the rest to it.

CPython calls a built-in function in a fraction of the time that ctypes takes, and one that is written in IR can look at
arrays and variables itself. A frame has a `Row` for each object of a run, in order: what it must be, and the buffer
that is to be where its elements are. `enter(*objects)` fills in the buffers and runs the program without Python's lock;
if an object is not what its row says it does nothing and returns `UNBOUND`, and the caller, who can convert and copy,
sets the buffers. `enter()` leaves the buffers as they are.

Rows rely on where CPython and NumPy keep what is asked for. `layout()` looks whether it is there; where it is not (in
interpreters without a global lock, for example) every call with objects is refused.
"""

from __future__ import annotations

import ctypes
import functools
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.state import State

from .ir import Module
from .jit import Library
from .threads import Block

__all__ = ["FAILED", "GOING", "PAUSED", "UNBOUND", "Row", "Rows", "layout", "opened", "symbols", "write_enter"]

#: How a run ended: well, by an exception in Python, to go on later; or it did not begin.
GOING, FAILED, PAUSED, UNBOUND = range(4)

#: What the object of a row is: of no interest, an array, a state that is read, one that is updated in place.
_IGNORED, _ARRAY, _STATE, _IN_PLACE = range(4)
#: Words of a row, in order.
_ROW = ("kind", "type", "array_type", "buffer", "dtype", "rank", "dims")
_AT = {name: position for position, name in enumerate(_ROW)}

#: C-contiguous and aligned, as NumPy's flags say it.
_USABLE = 0x101


@dataclass(frozen=True)
class Row:
    """An object of a run: an array of a shape and dtype, or a state; of no interest if there is no buffer for it."""

    buffer: int | None = None
    shape: tuple[int, ...] = ()
    dtype: Any = None
    in_place: bool = False


# Where things are -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layout:
    """Offsets in CPython's and NumPy's objects."""

    count: int
    type: int
    data: int
    rank: int
    dims: int
    dtype: int
    flags: int
    state: int


def _word(at: int, kind: Any = ctypes.c_size_t) -> int:
    return kind.from_address(at).value  # type: ignore[no-any-return]


@functools.cache
def layout() -> Layout | None:
    """Where objects keep what rows ask for; None if that is not where it is looked for."""
    head = object.__basicsize__
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return None
    probe = np.zeros((5, 3), np.float32)[2:]
    state = State(dtypes.float32, (3, 3), "probe")
    state.array = probe
    slots = [at for at in range(head, State.__basicsize__, 8) if _word(id(state) + at) == id(probe)]
    if len(slots) != 1:
        return None
    found = Layout(head - 16, head - 8, head, head + 8, head + 16, head + 40, head + 48, slots[0])
    return found if _holds(found, probe) else None


def _holds(at: Layout, array: np.ndarray[Any, Any]) -> bool:
    """Whether a layout is that of an array of two dimensions."""
    here = id(array)
    holders = _word(here + at.count, ctypes.c_uint32)
    another = array
    return (
        _word(here + at.count, ctypes.c_uint32) == holders + 1
        and another is array
        and _word(here + at.type) == id(np.ndarray)
        and _word(here + at.data) == array.ctypes.data
        and _word(here + at.rank, ctypes.c_int) == array.ndim
        and (ctypes.c_ssize_t * 2).from_address(_word(here + at.dims))[:] == list(array.shape)
        and _word(here + at.dtype) == id(array.dtype)
        and _word(here + at.flags, ctypes.c_int) & _USABLE == _USABLE
        and _word(id(array.T) + at.flags, ctypes.c_int) & _USABLE != _USABLE
    )


class Rows:
    """Rows in native memory."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = list(rows)
        self._dims = Block(8 * max(1, sum(len(r.shape) for r in rows)))
        self._table = Block(8 * len(_ROW) * max(1, len(rows)))
        self.count, self.address = len(rows), self._table.address
        dims, words, used = self._dims.words(), self._table.words(), 0
        for i, row in enumerate(self._rows):
            kind = _IGNORED if row.buffer is None else _ARRAY if row.dtype is not None else _STATE + row.in_place
            words[i * len(_ROW) : (i + 1) * len(_ROW)] = (
                kind, id(np.ndarray) if kind == _ARRAY else 0, id(np.ndarray), row.buffer or 0, id(row.dtype),
                len(row.shape), self._dims.address + 8 * used,
            )  # fmt: skip
            for size in row.shape:
                dims[used] = size
                used += 1
        self._words = words

    def note(self, position: int, state: Any) -> None:
        """Tell of what class the state of a row is; until then the row is refused."""
        if isinstance(state, State):
            self._words[position * len(_ROW) + _AT["type"]] = id(type(state))


# Native code ----------------------------------------------------------------------------------------------------------

_API = {
    "PyLong_AsVoidPtr": ("ptr", "ptr"), "PyLong_FromSsize_t": ("ptr", "i64"), "PyEval_SaveThread": ("ptr",),
    "PyEval_RestoreThread": ("void", "ptr"),
}  # fmt: skip


def symbols() -> dict[str, int]:
    """The functions of Python that `write_enter` calls."""
    return {} if layout() is None else {name: _address(getattr(ctypes.pythonapi, name)) for name in _API}


def write_enter(module: Module, rows: int, row_count: int, buffers: int) -> None:
    """enter(self, objects, count): what `opened` makes a built-in function, for frames with these words.

    The module has begin(frame), which runs a program to its end and says how that was.
    """
    at = layout()
    if at is None:
        return
    for name, kinds in _API.items():
        module.declare(name, *kinds)
    _write_place(module, at)
    parameters = [("ptr", "self"), ("ptr", "objects"), ("i64", "count")]
    with module.function("enter", parameters, "ptr") as f:
        refused, count, bind, run = (f.new_label() for _ in range(4))
        word = lambda position, kind: f.load(kind, f.gep(frame, position, "i64"))
        frame = f.call("ptr", "PyLong_AsVoidPtr", "ptr %self")
        f.fork(f.compare("eq", "%count", 0), run, count)
        f.label(count)
        f.fork(f.compare("eq", "%count", word(row_count, "i64")), bind, refused)
        f.label(bind)
        with f.loop(0, "%count", carry=[("i1", "true")]) as loop:
            row = f.gep(word(rows, "ptr"), f.mul(loop.index, len(_ROW)), "i64")
            item = f.load("ptr", f.gep("%objects", loop.index, "ptr"))
            fits = f.call("i1", "place", f"ptr {row}", f"ptr {item}", f"ptr {word(buffers, 'ptr')}")
            loop.next = [f.emit(f"and i1 {loop.values[0]}, {fits}")]
        f.fork(loop.results[0], run, refused)
        f.label(refused)
        f.do(f"ret ptr {f.call('ptr', 'PyLong_FromSsize_t', f'i64 {UNBOUND}')}")
        f.label(run)
        thread = f.call("ptr", "PyEval_SaveThread")
        status = f.call("i64", "begin", f"ptr {frame}")
        f.call("void", "PyEval_RestoreThread", f"ptr {thread}")
        f.do(f"ret ptr {f.call('ptr', 'PyLong_FromSsize_t', f'i64 {status}')}")


def _write_place(module: Module, at: Layout) -> None:
    """place(row, object, buffers): point the row's buffer at the object's elements; whether the object fits."""
    with module.function("place", [("ptr", "row"), ("ptr", "object"), ("ptr", "buffers")], "i1", internal=True) as f:

        def wanted(name: str, kind: str = "i64") -> str:
            return f.load(kind, f.gep("%row", _AT[name], "i64"))

        def found(thing: str, offset: int, kind: str = "i64") -> str:
            return f.load(kind, f.gep(thing, offset))

        def refuse_unless(condition: str) -> None:
            fits, other = f.new_label(), f.new_label()
            f.fork(condition, fits, other)
            f.label(other)
            f.do("ret i1 false")
            f.label(fits)

        def accept(array: str) -> None:
            f.store("ptr", found(array, at.data, "ptr"), f.gep("%buffers", wanted("buffer"), "ptr"))
            f.do("ret i1 true")

        kind = wanted("kind")
        ignored, known, array, state = (f.new_label() for _ in range(4))
        f.fork(f.compare("eq", kind, _IGNORED), ignored, known)
        f.label(ignored)
        f.do("ret i1 true")
        f.label(known)
        refuse_unless(f.compare("eq", found("%object", at.type), wanted("type")))
        f.fork(f.compare("eq", kind, _ARRAY), array, state)
        f.label(array)
        refuse_unless(f.compare("eq", found("%object", at.dtype), wanted("dtype")))
        flags = f.emit(f"and i32 {found('%object', at.flags, 'i32')}, {_USABLE}")
        refuse_unless(f.compare("eq", flags, _USABLE, "i32"))
        rank = f.emit(f"zext i32 {found('%object', at.rank, 'i32')} to i64")
        refuse_unless(f.compare("eq", rank, wanted("rank")))
        tables = found("%object", at.dims, "ptr"), wanted("dims", "ptr")
        with f.loop(0, rank) as loop:
            size, expected = (f.load("i64", f.gep(table, loop.index, "i64")) for table in tables)
            refuse_unless(f.compare("eq", size, expected))
        accept("%object")
        f.label(state)
        value = found("%object", at.state, "ptr")
        refuse_unless(f.compare("eq", found(value, at.type), wanted("array_type")))  # it is None before the first one
        shared = f.compare("ne", found(value, at.count, "i32"), 1, "i32")
        harmful = f.emit(f"and i1 {shared}, {f.compare('eq', kind, _IN_PLACE)}")
        refuse_unless(f.emit(f"xor i1 {harmful}, true"))
        accept(value)


# Built-in functions ---------------------------------------------------------------------------------------------------


class _Method(ctypes.Structure):
    """PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p), ("function", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p),
    )  # fmt: skip


#: METH_FASTCALL: objects come as an array and its length.
_FASTCALL = 0x80


def opened(library: Library, frame: int) -> Callable[..., int]:
    """`enter(*objects)` for the frame at an address."""
    if layout() is None:
        begin = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(library.address("begin"))
        return lambda *objects: UNBOUND if objects else begin(frame)
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    enter: Callable[..., int] = make(ctypes.addressof(_method(library.address("enter"))), frame, None)
    return enter


@functools.cache
def _method(address: int) -> _Method:
    """What Python wants to know of the native function at an address, for good."""
    return _Method(b"enter", address, _FASTCALL, None)


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0
