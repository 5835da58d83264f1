"""Signal processing: `tf.signal`."""

from duoflow.ops import fft, fft2d, ifft, ifft2d, irfft, rfft

__all__ = ["fft", "fft2d", "ifft", "ifft2d", "irfft", "rfft"]
