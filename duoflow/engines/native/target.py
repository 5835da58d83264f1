"""The processor that code is written for: its name, features and natural vector width.

`host()` describes this machine and is found once. The emitters take a `Target`, so tests can write (and compile,
though not run) code for another processor by passing their own. llvmlite is imported by `binding()` alone, on first
use: importing duoflow must not pay for it.
"""

from __future__ import annotations

import functools
import importlib
import platform
from dataclasses import dataclass
from typing import Any

__all__ = ["AVX2", "AVX512", "NEON", "SSE2", "Target", "binding", "host"]


@dataclass(frozen=True)
class Target:
    """A processor: what LLVM must know to write code for it, and what the emitters must know to choose tile sizes."""

    triple: str
    cpu: str
    features: str
    #: Bytes of the vectors that kernels are written in.
    vector_bytes: int
    #: How many vector registers there are.
    vector_registers: int
    #: Whether the processor converts between float16 and float32 itself.
    converts_float16: bool = True

    def lanes(self, item_bytes: int) -> int:
        """How many elements of this size fill one vector."""
        return max(1, self.vector_bytes // item_bytes)

    @property
    def is_x86(self) -> bool:
        return self.triple.startswith(("x86_64", "i686", "amd64"))

    @property
    def is_arm64(self) -> bool:
        return self.triple.startswith(("aarch64", "arm64"))


SSE2 = Target("x86_64-unknown-linux-gnu", "x86-64", "", 16, 16, converts_float16=False)
AVX2 = Target("x86_64-unknown-linux-gnu", "haswell", "", 32, 16)
AVX512 = Target("x86_64-unknown-linux-gnu", "skylake-avx512", "-prefer-256-bit", 64, 32)
NEON = Target("aarch64-unknown-linux-gnu", "generic", "", 16, 32)


@functools.cache
def binding() -> Any:
    """`llvmlite.binding`, imported and initialised."""
    llvm = importlib.import_module("llvmlite.binding")
    if int(importlib.import_module("llvmlite").__version__.split(".")[1]) < 45:
        llvm.initialize()
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


@functools.cache
def host() -> Target:
    """This machine.

    512-bit vectors are used wherever the processor has them: a 6x64 tile measured 117 GFLOP/s against 90 for 256-bit
    vectors on one core of an AMD Zen 4, where the arithmetic units are 256 bits wide either way.
    """
    llvm = binding()
    try:
        features: dict[str, bool] = dict(llvm.get_host_cpu_features())
    except RuntimeError:  # LLVM cannot tell on this system; the processor's name implies them
        features = {}
    has = lambda *names: all(features.get(name, False) for name in names)
    machine = platform.machine().lower()
    if machine in ("x86_64", "amd64"):
        wide = has("avx512f", "avx512vl", "avx512dq", "avx512bw")
        vector_bytes, registers = (64, 32) if wide else (32, 16) if has("avx2", "fma") else (16, 16)
        converts = has("f16c")
        features["prefer-256-bit"] = False
    else:
        vector_bytes, registers, converts = 16, 32, machine in ("aarch64", "arm64")
    flags = ",".join(("+" if on else "-") + name for name, on in sorted(features.items()))
    return Target(llvm.get_default_triple(), llvm.get_host_cpu_name(), flags, vector_bytes, registers, converts)
