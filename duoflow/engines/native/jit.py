"""From IR text to callable machine code, with an object cache on disk.

    library = compile_module(module.text(), "scale")
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(library.address("scale"))

No IR passes are run (the emitters write SSA form; passes doubled compile time for no speed) and code generation is at
level 2. The object file is cached under a key of the IR, the processor, its features, the versions and the options,
so the second start of a program compiles nothing. A cache entry that cannot be read or linked is compiled anew.

Environment: DUOFLOW_CACHE names the cache directory ("off" disables the cache), DUOFLOW_VERIFY_IR=1 verifies every
module.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import importlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from .target import Target, binding, host

__all__ = [
    "Library", "assembly", "cache_directory", "compile_module", "compile_modules", "kept", "side_by_side", "statistics",
    "watchers",
]  # fmt: skip

_FORMAT = 1
_CODEGEN_LEVEL = 2
_CACHE_BYTES = 512 << 20

_lock = threading.Lock()
_making = threading.RLock()

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
    cached = functools.cache(make)

    @functools.wraps(make)
    def get(*args: Any) -> Any:
        with _making:
            return cached(*args)

    return cast(Made, get)


class Library:
    """Machine code in memory. Nothing is unloaded while the object lives; keep it as long as its addresses are used."""

    def __init__(self, name: str, engine: Any, machine: Any) -> None:
        self.name = name
        self._engine = engine
        self._machine = machine
        self._addresses: dict[str, int] = {}

    def address(self, symbol: str) -> int:
        """The address of a function that the module defines; `KeyError` if there is none."""
        address = self._addresses.get(symbol)
        if address is None:
            address = self._engine.get_function_address(symbol)
            if not address:
                raise KeyError(f"Native module {self.name!r} defines no function {symbol!r}.")
            self._addresses[symbol] = address
        return address


def compile_module(
    ir_text: str, name: str, *, symbols: Mapping[str, int] | None = None, target: Target | None = None,
    verify: bool | None = None,
) -> Library:  # fmt: skip
    """Compile IR text, or load what the cache holds for it.

    `symbols` gives the addresses of functions that the module declares and another library defines. They are bound by
    name in the whole process, so names must be unique to what they mean (the C library's own are found without).
    """
    with _lock:
        for symbol, address in (symbols or {}).items():
            binding().add_symbol(symbol, address)
    return compile_modules([ir_text], name, target=target, verify=verify)[0]


def compile_modules(
    ir_texts: Sequence[str], name: str, *, target: Target | None = None, verify: bool | None = None
) -> list[Library]:
    """Compile several modules that do not call each other, side by side; or load what the cache holds for them."""
    target = target or host()
    for watch in watchers:
        for text in ir_texts:
            watch(name, text)
    paths = [_cache_path(text, target) for text in ir_texts]
    found = [_from_cache(path, name, target) for path in paths]
    missing = [i for i, library in enumerate(found) if library is None]
    codes = side_by_side([functools.partial(_generate, ir_texts[i], name, target, verify) for i in missing])
    for i, code in zip(missing, codes, strict=True):
        path = paths[i]
        if path is not None:
            _write(path, code)
        found[i] = _link(name, code, target)
    statistics["compiled"] += len(missing)
    statistics["cached"] += len(found) - len(missing)
    return [library for library in found if library is not None]


def _from_cache(path: Path | None, name: str, target: Target) -> Library | None:
    """The library that the cache holds, if it does and that is sound."""
    if path is not None and path.exists():
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            library = _link(name, _unseal(path.read_bytes()), target)
            os.utime(path)
            return library
    return None


def side_by_side(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each job gives; the first one is done by this thread, the others by threads of their own."""
    results: list[Any] = [None] * len(jobs)

    def work(i: int) -> None:
        try:
            results[i] = jobs[i]()
        except Exception as error:
            results[i] = error

    others = [threading.Thread(target=work, args=(i,)) for i in range(1, len(jobs))]
    for thread in others:
        thread.start()
    if jobs:
        work(0)
    for thread in others:
        thread.join()
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


def assembly(ir_text: str, target: Target | None = None) -> str:
    """The assembly that `compile_module` would make of this IR, for people."""
    target = target or host()
    return str(_machine(target).emit_assembly(_parse(ir_text, "assembly", target, True)))


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
        if verify if verify is not None else os.environ.get("DUOFLOW_VERIFY_IR") == "1":
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


_CHECK_BYTES = 8


def _seal(code: bytes) -> bytes:
    return hashlib.blake2b(code, digest_size=_CHECK_BYTES).digest() + code


def _unseal(data: bytes) -> bytes:
    check, code = data[:_CHECK_BYTES], data[_CHECK_BYTES:]
    if _seal(code)[:_CHECK_BYTES] != check:
        raise ValueError("damaged cache entry")
    return code


def _link(name: str, code: bytes, target: Target) -> Library:
    llvm = binding()
    with _lock:
        machine = _machine(target)
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        engine.finalize_object()
    return Library(name, engine, machine)


def cache_directory() -> Path | None:
    """Where compiled objects are kept, or None if caching is off."""
    chosen = os.environ.get("DUOFLOW_CACHE")
    if chosen is not None:
        return None if chosen.lower() in ("", "off", "0") else Path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "duoflow" / "native"


@functools.cache
def _key_prefix(target: Target) -> bytes:
    version = importlib.import_module("llvmlite").__version__
    parts = (_FORMAT, version, binding().llvm_version_info, _CODEGEN_LEVEL, target.triple, target.cpu, target.features)
    return repr(parts).encode()


def _cache_path(ir_text: str, target: Target) -> Path | None:
    directory = cache_directory()
    if directory is None:
        return None
    key = hashlib.blake2b(_key_prefix(target) + ir_text.encode(), digest_size=20).hexdigest()
    return directory / f"{key}.o"


def _write(path: Path, code: bytes) -> None:
    """Put an object in the cache by an atomic rename; a cache that cannot be written is no error."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(_seal(code))
            os.replace(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        if int(path.stem[:2], 16) < 8:
            _trim(path.parent)


def _trim(directory: Path) -> None:
    """Delete the entries used longest ago until the cache is within its bound (looked at after one write in 32)."""
    entries = sorted(((e.stat().st_mtime, e.stat().st_size, e) for e in directory.iterdir()), key=lambda e: e[0])
    excess = sum(size for _, size, _ in entries) - _CACHE_BYTES
    for _, size, entry in entries:
        if excess <= 0:
            break
        entry.unlink(missing_ok=True)
        excess -= size
