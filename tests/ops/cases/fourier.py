"""Fourier transforms."""

import numpy as np

from duoflow import ops as F
from tests.ops.harness import Case, real

_Z = (real(2, 4) + 1j * real(2, 4, seed=1)).astype(np.complex64)
_HALF = (real(2, 3) + 1j * real(2, 3, seed=1)).astype(np.complex64)

CASES = [
    Case(F.fft, _Z, dtypes=["complex128"]),
    Case(F.ifft, _Z, dtypes=["complex128"]),
    Case(F.fft2d, _Z, dtypes=["complex128"]),
    Case(F.ifft2d, _Z, dtypes=["complex128"]),
    Case(F.rfft, real(2, 5), dtypes=["float64"]),
    Case(F.rfft, real(2, 4), id="rfft-even"),
    Case(F.rfft, real(2, 4), fft_length=[6], id="rfft-longer"),
    Case(F.rfft, real(2, 6), fft_length=[3], id="rfft-shorter"),
    Case(F.irfft, _HALF, dtypes=["complex128"]),
    Case(F.irfft, _HALF, fft_length=[5], id="irfft-odd"),
    Case(F.irfft, _HALF, fft_length=[8], id="irfft-longer"),
]
