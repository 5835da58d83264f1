"""Hashes of what several features of an example are together."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.emit import emit_one
from duoflow.core.record import Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert

from .hashing import farm64

__all__ = ["feature_cross"]

_M = 2**64 - 1
_MIX = 0xC6A4A7935BD1E995
_START = 0xDECAFCAFFE


def _shifted(v: int) -> int:
    return v ^ v >> 47


def _joined(a: int, b: int) -> int:
    """TensorFlow's FingerprintCat64: one fingerprint of two."""
    out = a ^ _MIX
    out = (out ^ _shifted(b * _MIX & _M) * _MIX & _M) * _MIX & _M
    return _shifted(_shifted(out) * _MIX & _M)


def _prints(feature: Any, optional: bool) -> list[list[int | None]]:
    """The fingerprints of a feature's rows; integers are their own, None is where there is nothing."""
    if feature.dtype == object:
        return [[farm64(text) for text in row] for row in feature.tolist()]
    return [[None if optional and number == -1 else number & _M for number in row] for row in feature.tolist()]


def _evaluate(*features: Any, optional: tuple[bool, ...], buckets: int, key: int) -> Any:
    width = int(np.prod([f.shape[1] for f in features]))
    out = np.full((len(features[0]), width), -1, np.int64)
    for place, rows in enumerate(zip(*map(_prints, features, optional), strict=True)):
        for at, parts in enumerate(itertools.product(*rows)):
            if None not in parts:
                found = key
                for part in parts:
                    found = _joined(found, part)
                out[place, at] = found % buckets
    return out


def _infer(*specs: Spec, optional: tuple[bool, ...], buckets: int, key: int) -> Spec:
    widths = [None if s.shape is None else s.shape[1] for s in specs]
    rows = specs[0].shape
    width = None if None in widths else int(np.prod(widths))  # type: ignore[arg-type]
    return Spec((None if rows is None else rows[0], width), dtypes.int64)


CROSS = register(Op("FeatureCross", Kind.HOST, _infer, _evaluate, checked=False, differentiable=False))


def feature_cross(
    features: Any, num_buckets: int, hash_key: int | None = None, optional: Any = None, name: str | None = None
) -> Any:
    """A number below `num_buckets`, int64 [batch, product of all n], for each choice of one entry of each feature.

    Args:
      features: tensors [batch, n] of strings or integers.
      hash_key: what hashes start from.
      optional: for each feature, whether -1 in it is nothing; False without it.

    Returns: the hashes of `tf.sparse.cross_hashed`; -1 where an entry of the choice is nothing.
    """
    parts = tuple(map(convert, features))
    attrs = {
        "optional": tuple(optional or [False] * len(parts)), "buckets": int(num_buckets),
        "key": _START if hash_key is None else int(hash_key),
    }  # fmt: skip
    return emit_one(CROSS, parts, attrs, name)
