"""What this machine could do at best: the roofline that kernels are compared with.

Both rates are measured where the kernels run, in native code: the arithmetic by a matrix product that fits the caches,
the bandwidth by copying as many bytes as the kernel moves, so that small data is held against the caches' rate.
"""

from __future__ import annotations

import functools

import numpy as np

from duoflow.core.arrays import address_of

from .kernels.gemm import Gemm, generic
from .runner import Program

__all__ = ["bytes_per_second", "flops_per_second", "seconds_at_best"]

_REPEATS = 5
_LARGEST = 1 << 25


def seconds_at_best(flops: float, nbytes: float, threads: int) -> float:
    """The time below which no kernel can do this, on so many threads."""
    return max(flops / flops_per_second(), nbytes / bytes_per_second(_rounded(nbytes))) / max(1, threads)


@functools.cache
def flops_per_second() -> float:
    """Floating-point operations (float32) that one thread does in a second."""
    size = 256
    gemm = Gemm.of(size, size, size)
    a, b, c = (np.ones((size, size), np.float32) for _ in range(3))
    scratch = np.empty(gemm.scratch_bytes(1) + 64, np.uint8)
    kernel, consts = generic(gemm)
    program = Program(buffers=4, timed=True, threads=1)
    program.call(kernel, [(0, 0), (1, 0), (2, 0), (3, 0)], consts)
    start = -(-address_of(scratch) // 64) * 64
    return gemm.flops / _best(program, [address_of(a), address_of(b), address_of(c), start])


@functools.cache
def bytes_per_second(nbytes: int) -> float:
    """Bytes that one thread reads and writes in a second, over data of this size."""
    half = max(64, nbytes // 2)
    source, target = np.ones(half, np.uint8), np.ones(half, np.uint8)
    program = Program(buffers=2, timed=True, threads=1)
    program.copy((1, 0), (0, 0), half)
    return 2 * half / _best(program, [address_of(source), address_of(target)])


def _best(program: Program, addresses: list[int]) -> float:
    """The shortest time of the first instruction, in seconds."""
    frame = program.frame()
    frame.buffers[:] = addresses
    times = []
    for _ in range(_REPEATS):
        frame.times[0] = 0
        frame.run()
        times.append(frame.times[0])
    return max(1, min(times)) / 1e9


def _rounded(nbytes: float) -> int:
    """A power of two, so that few sizes are measured."""
    return min(_LARGEST, 1 << max(12, int(nbytes).bit_length()))
