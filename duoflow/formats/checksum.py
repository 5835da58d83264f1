"""CRC-32C, the checksum of TFRecord files and checkpoints, and its masked form.

Long data is cut into lanes of one length that NumPy advances together, byte by byte; the lanes' checksums are then
joined pairwise: crc(a + b) is crc(a) moved on by len(b) zero bytes, xor crc(b).
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["crc32c", "mask", "masked_crc32c", "unmask"]

_POLYNOMIAL = 0x82F63B78
_MASK_DELTA = 0xA282EAD8
#: Shorter data is not worth cutting up.
_SHORT = 512
_LANE_BITS = 10


def _table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _table()
_VECTOR = np.array(_TABLE, np.uint32)


def crc32c(data: Any, start: int = 0) -> int:
    """The checksum of bytes that follow others whose checksum is `start`.

    >>> from duoflow.formats.checksum import crc32c
    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    view = memoryview(data).cast("B")
    if len(view) < _SHORT:
        return _advance(view, start ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
    lanes = 1 << min(_LANE_BITS, (len(view) // 64).bit_length() - 1)
    length = len(view) // lanes
    head = _joined(np.frombuffer(view[: lanes * length], np.uint8).reshape(lanes, length), start)
    return _advance(view[lanes * length :], head ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def _advance(data: Any, crc: int) -> int:
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc


def _joined(lanes: np.ndarray[Any, Any], start: int) -> int:
    """The checksum of lanes that follow each other."""
    columns = np.ascontiguousarray(lanes.T)
    crc = np.full(len(lanes), 0xFFFFFFFF, np.uint32)
    crc[0] ^= np.uint32(start)
    for column in columns:
        crc = _VECTOR[(crc ^ column) & 0xFF] ^ (crc >> np.uint32(8))
    crc ^= np.uint32(0xFFFFFFFF)
    # A lane's checksum starts from all ones; started from a checksum c it differs by c moved over the lane.
    move = _mover(lanes.shape[1])
    while len(crc) > 1:
        crc = _moved(crc[::2], move) ^ crc[1::2]
        move = _moved(move, move)
    return int(crc[0])


def _moved(crc: np.ndarray[Any, Any], matrix: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Each checksum times a 32 x 32 matrix over GF(2), given by its columns."""
    out = np.zeros_like(crc)
    for bit in range(32):
        out ^= np.where((crc >> np.uint32(bit)) & np.uint32(1), matrix[bit], np.uint32(0))
    return out


def _mover(length: int) -> np.ndarray[Any, Any]:
    """The matrix that moves a checksum over `length` zero bytes."""
    units = np.left_shift(np.uint32(1), np.arange(32, dtype=np.uint32))
    step, out = _VECTOR[units & 0xFF] ^ (units >> np.uint32(8)), units
    while length:
        if length & 1:
            out = _moved(out, step)
        step = _moved(step, step)
        length >>= 1
    return out


def mask(crc: int) -> int:
    """A checksum as it is stored beside the data: rotated and offset."""
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


def unmask(stored: int) -> int:
    """The checksum behind a stored one."""
    rotated = (stored - _MASK_DELTA) & 0xFFFFFFFF
    return ((rotated >> 17) | (rotated << 15)) & 0xFFFFFFFF


def masked_crc32c(data: Any) -> int:
    """`mask(crc32c(data))`."""
    return mask(crc32c(data))
