"""What the native engine puts in terms of ops that its kernels know."""

from __future__ import annotations

from .partial import split_reductions
from .pools import decompose_pools
from .rows import rows_as_gathers

__all__ = ["OWN_PASSES"]

OWN_PASSES = (("pools", decompose_pools), ("partial", split_reductions), ("rows", rows_as_gathers))
