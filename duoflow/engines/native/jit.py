"""From IR text to callable machine code, with the object files kept on disk (see `cache`).

    library = compile_module(module.text(), "scale")
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(library.address("scale"))

No IR passes are run (the emitters write SSA form; passes doubled compile time for no speed) and code generation is at
level 2. The object file is kept under a key of the IR, the processor, its features, the versions and the options,
so the second start of a program compiles nothing. What is the same for all graphs goes by its name and duoflow's
sources instead, and its IR is not even written then: `compile_by_name`. An object file that cannot be linked is
compiled anew.

Environment: DUOFLOW_VERIFY_IR=1 verifies every module.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast
from weakref import WeakValueDictionary

from . import cache
from .ir import Module
from .target import Target, binding, host

__all__ = [
    "Address", "Library", "Table", "addresses", "assembly", "begun", "compile_by_name", "compile_module",
    "compile_modules", "kept", "key_prefix", "loaded", "side_by_side", "statistics", "verifies", "watchers",
]  # fmt: skip

_FORMAT = 3
_CODEGEN_LEVEL = 2
#: How many jobs are done at once.
_MOST_JOBS = max(4, os.cpu_count() or 1)

_lock = threading.Lock()
_making = threading.Lock()

Made = TypeVar("Made", bound=Callable[..., Any])

#: Called with the name and the IR of every module that is asked for: how `duoflow show` gets to see them.
watchers: list[Callable[[str, str], None]] = []

#: How many modules were compiled and how many came from the cache, in this process.
statistics = {"compiled": 0, "cached": 0}


def kept(make: Made) -> Made:
    """Keep what `make` gives for its arguments, for good.

    One thread makes it while others wait: `functools.cache` would let each make its own and keep one, and the code of
    the others would go while their addresses are in use.
    """
    made: dict[Any, Any] = {}
    locks: dict[Any, Any] = {}

    @functools.wraps(make)
    def get(*args: Any) -> Any:
        if args not in made:
            with _making:
                lock = locks.setdefault(args, threading.RLock())
            with lock:
                if args not in made:
                    made[args] = make(*args)
        return made[args]

    return cast(Made, get)


class Address(int):
    """Where a function is in memory. Unlike the number, its library and its name there hold at another start, too."""

    library: Library
    symbol: str


class Table(int):
    """Where there is a table of functions: what a kernel may find in it, by position, and how many places it has."""

    entries: dict[int, Address]
    length: int


class Library:
    """Machine code in memory. Nothing is unloaded while the object lives; keep it as long as its addresses are used.

    `code` is its object file, `key` the name of that in the cache.
    """

    def __init__(self, name: str, key: str, code: bytes, engine: Any, machine: Any) -> None:
        self.name, self.key, self.code = name, key, code
        self._engine = engine
        self._machine = machine
        self._addresses: dict[str, Address] = {}

    def address(self, symbol: str) -> Address:
        """The address of a function that the module defines; `KeyError` if there is none."""
        address = self._addresses.get(symbol)
        if address is None:
            address = Address(self._engine.get_function_address(symbol))
            if not address:
                raise KeyError(f"Native module {self.name!r} defines no function {symbol!r}.")
            address.library, address.symbol = self, symbol
            self._addresses[symbol] = address
        return address


#: By their keys.
_alive: WeakValueDictionary[str, Library] = WeakValueDictionary()


def compile_module(
    ir_text: str, name: str, *, symbols: Mapping[str, int] | None = None, target: Target | None = None,
    verify: bool | None = None,
) -> Library:  # fmt: skip
    """Compile IR text, or load what the cache holds for it.

    `symbols` gives the addresses of functions that the module declares and another library defines. They are bound by
    name in the whole process, so names must be unique to what they mean (the C library's own are found without).
    """
    _bind(symbols or {})
    return compile_modules([ir_text], name, target=target, verify=verify)[0]


def compile_modules(
    ir_texts: Sequence[str], name: str, *, target: Target | None = None, verify: bool | None = None
) -> list[Library]:
    """Compile several modules that do not call each other, side by side; or load what the cache holds for them."""
    target = target or host()
    for watch in watchers:
        for text in ir_texts:
            watch(name, text)
    keys = [cache.key_of(key_prefix(target), text.encode()) for text in ir_texts]
    found = [_from_cache(key, name, target) for key in keys]
    missing = [i for i, library in enumerate(found) if library is None]
    made = side_by_side([functools.partial(_made, ir_texts[i], name, keys[i], target, verify) for i in missing])
    for i, library in zip(missing, made, strict=True):
        found[i] = library
    statistics["cached"] += len(found) - len(missing)
    return [library for library in found if library is not None]


def compile_by_name(
    name: str, write: Callable[[Module], None], *, symbols: Mapping[str, int] | None = None
) -> Library:  # fmt: skip
    """The library that `write` writes for this processor, always the same for a name; or what the cache holds for that.

    Duoflow's sources are part of the key, so its IR is written only when it is to be compiled.
    """
    _bind(symbols or {})
    told = cache.sources()
    key = None if told is None or watchers else cache.key_of(key_prefix(host()), told, name.encode())
    if key is not None and (known := _alive.get(key) or _from_cache(key, name, host())) is not None:
        statistics["cached"] += 1
        return known
    module = Module(host())
    write(module)
    return compile_module(module.text(), name) if key is None else _made(module.text(), name, key, host(), None)


def _bind(symbols: Mapping[str, int]) -> None:
    with _lock:
        for symbol, address in symbols.items():
            binding().add_symbol(symbol, address)


def loaded(key: str, code: bytes, name: str) -> Library:
    """The library with this key: the one in memory, or from its object file."""
    return _alive.get(key) or _link(name, key, code, host())


def addresses() -> set[int]:
    """The addresses of functions that anybody has asked for."""
    return {int(address) for library in list(_alive.values()) for address in library._addresses.values()}


def _from_cache(key: str, name: str, target: Target) -> Library | None:
    """The library that the cache holds, if it does and that is sound."""
    code = cache.read(f"{key}.o")
    if code is not None:
        with contextlib.suppress(RuntimeError):
            return _link(name, key, code, target)
    return None


def _made(ir_text: str, name: str, key: str, target: Target, verify: bool | None) -> Library:
    """The library of this IR, compiled and put into the cache."""
    code = _generate(ir_text, name, target, verify)
    cache.write(f"{key}.o", code)
    statistics["compiled"] += 1
    return _link(name, key, code, target)


def side_by_side(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each job gives; the first one is done by this thread, the others by others, a few at a time."""
    finish = begun(jobs[1:])
    first = [job() for job in jobs[:1]]
    return first + finish()


def begun(jobs: Sequence[Callable[[], Any]]) -> Callable[[], list[Any]]:
    """Have jobs done by other threads, a few at a time; the result waits for all and gives what each gave."""
    results: list[Any] = [None] * len(jobs)
    left = deque(range(len(jobs)))

    def work() -> None:
        while True:
            try:
                i = left.popleft()
            except IndexError:
                return
            try:
                results[i] = jobs[i]()
            except Exception as error:
                results[i] = error

    threads = [threading.Thread(target=work) for _ in range(min(len(jobs), _MOST_JOBS))]
    for thread in threads:
        thread.start()

    def finish() -> list[Any]:
        work()
        for thread in threads:
            thread.join()
        for result in results:
            if isinstance(result, Exception):
                raise result
        return results

    return finish


def assembly(ir_text: str, target: Target | None = None) -> str:
    """The assembly that `compile_module` would make of this IR, for people."""
    target = target or host()
    return str(_machine(target).emit_assembly(_parse(ir_text, "assembly", target, True)))


def verifies() -> bool:
    """Whether every module is to be verified."""
    return os.environ.get("DUOFLOW_VERIFY_IR") == "1"


def _machine(target: Target) -> Any:
    llvm = binding()
    if target is not host():
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.features, opt=_CODEGEN_LEVEL, reloc="pic", jit=target is host()
    )


def _parse(ir_text: str, name: str, target: Target, verify: bool | None) -> Any:
    llvm = binding()
    try:  # in a context of its own: one that all share keeps the constants and types of every module for good
        module = llvm.parse_assembly(f'target triple = "{target.triple}"\n{ir_text}', llvm.create_context())
        if verify if verify is not None else verifies():
            module.verify()
    except RuntimeError as error:
        raise RuntimeError(f"The native engine wrote invalid LLVM IR for module {name!r}: {error}") from error
    return module


def _generate(ir_text: str, name: str, target: Target, verify: bool | None) -> bytes:
    llvm = binding()
    machine, module = _machine(target), _parse(ir_text, name, target, verify)
    with llvm.ffi.OutputString() as message:
        buffer = _emit()(machine, module, 1, message)
        if not buffer:
            raise RuntimeError(f"LLVM makes no code of module {name!r}: {message}")
    library = llvm.ffi.lib
    try:
        return ctypes.string_at(library.LLVMPY_GetBufferStart(buffer), library.LLVMPY_GetBufferSize(buffer))
    finally:
        library.LLVMPY_DisposeMemoryBuffer(buffer)


@functools.cache
def _emit() -> Any:
    """llvmlite's function that generates code, without the lock that it puts around all of them.

    LLVM wants no lock where contexts and target machines are not shared.
    """
    llvm = binding()
    emit = ctypes.CDLL(llvm.ffi.lib._name).LLVMPY_TargetMachineEmitToMemory
    emit.restype = llvm.ffi.LLVMMemoryBufferRef
    return emit


def _link(name: str, key: str, code: bytes, target: Target) -> Library:
    llvm = binding()
    with _lock:
        machine = _machine(target)
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        engine.finalize_object()
    library = _alive[key] = Library(name, key, code, engine, machine)
    return library


@functools.cache
def key_prefix(target: Target) -> bytes:
    """What every key begins with: all that decides, besides the IR, what code there is of it."""
    version = importlib.import_module("llvmlite").__version__
    parts = (_FORMAT, version, binding().llvm_version_info, _CODEGEN_LEVEL, target.triple, target.cpu, target.features)
    return repr(parts).encode()
