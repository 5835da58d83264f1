"""What the native engine puts in terms of ops that its kernels know."""

from __future__ import annotations

from .convolutions import rewrite_convolutions
from .find_attention import fuse_attention
from .partial import split_products, split_reductions
from .pools import decompose_pools
from .sums import contractions_as_sums

__all__ = ["OWN_PASSES"]

OWN_PASSES = (
    ("attention", fuse_attention),
    ("convolutions", rewrite_convolutions),
    ("pools", decompose_pools),
    ("sums", contractions_as_sums),
    ("partial", split_reductions),
    ("products", split_products),
)
