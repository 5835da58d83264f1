"""The parts of tensors in checkpoints: under which keys of the index they are.

A key is a zero, the tensor's name, the number of dimensions, and (start, length) of each, in an encoding whose order is
that of the values (TensorFlow's ordered code).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Slices", "slice_key"]


@dataclass
class Slices:
    """A tensor in parts: its shape, and (start, part) of each."""

    shape: tuple[int, ...]
    parts: list[tuple[tuple[int, ...], Any]] = field(default_factory=list)


def slice_key(name: str, start: Sequence[int], shape: Sequence[int]) -> bytes:
    """The key of a part of a tensor."""
    text = re.sub(b"[\0\xff]", lambda found: found[0] + bytes([255 - found[0][0]]), name.encode())
    out = _count(0) + text + b"\0\1" + _count(len(start))
    return out + b"".join(_signed(s) + _signed(n) for s, n in zip(start, shape, strict=True))


def _count(value: int) -> bytes:
    """A number that is not negative: how many bytes, and the bytes, the highest first."""
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes([len(data)]) + data


def _signed(value: int) -> bytes:
    """A number of any sign: as many ones as bytes, a zero, the rest; all of them inverted if it is negative."""
    size = (max(value, ~value).bit_length() + 7) // 7
    marks = (2**size - 1) << (8 * size - size)
    return (value % 2 ** (8 * size) ^ marks).to_bytes(size, "big")
