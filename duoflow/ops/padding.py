"""Elements put around a tensor: constants, or its own mirrored at the border."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core import shapes
from duoflow.core.emit import NO_ATTRS, emit_one
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.late import F
from duoflow.core.lowering import Affine
from duoflow.core.record import Kind, Op, register
from duoflow.core.scalar import Unsupported
from duoflow.core.shapes import Dims
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert

from .static import Entries, entries, int_tensor, require_ints, unit_matrix

__all__ = ["pad"]


def _padded_dims(x: Spec, paddings: Spec) -> tuple[Dims, Entries | None]:
    require_ints("Pad", "paddings", paddings)
    if paddings.shape is not None and (len(paddings.shape) != 2 or paddings.shape[1] not in (None, 2)):
        raise ValueError(f"paddings must be a matrix with 2 columns: {shapes.brief(paddings.shape)}")
    found = entries(paddings) if paddings.shape is not None and None not in paddings.shape else None
    if x.shape is None or found is None:
        rows = len(x.shape) if x.shape is not None else paddings.shape[0] if paddings.shape else None
        return (None if rows is None else (None,) * rows), found
    if len(found) != 2 * len(x.shape):
        raise ValueError(
            "The first dimension of paddings must be the rank of inputs"
            f"{shapes.brief(paddings.shape)} {shapes.brief(x.shape)}"
        )
    if any(p is not None and p < 0 for p in found):
        raise ValueError(f"Paddings must be non-negative: {' '.join(map(str, found))}")
    pairs = zip(x.shape, found[::2], found[1::2], strict=True)
    return tuple(None if None in p else sum(p) for p in pairs), found  # type: ignore[arg-type]


def _infer_pad(x: Spec, paddings: Spec, constant: Spec) -> Spec:
    if constant.dtype is not x.dtype:
        raise TypeError(f"constant_values has dtype {constant.dtype.name}, the tensor {x.dtype.name}.")
    return Spec(_padded_dims(x, paddings)[0], x.dtype)


def _lower_pad(specs: Any, outs: Any, attrs: Any) -> Affine:
    paddings, constant = specs[1].array, specs[2].array
    if paddings is None or constant is None:
        raise Unsupported("PadV2 with paddings that are not constants")
    return Affine(unit_matrix(len(specs[0].shape)), tuple((-paddings[:, 0]).tolist()), constant.item())


def _evaluate_pad(x: Any, paddings: Any, constant: Any) -> Any:
    pairs = paddings.tolist()
    if paddings.shape != (x.ndim, 2) or x.dtype != constant.dtype or min(map(min, pairs), default=0) < 0:
        _infer_pad(*(Spec.of(a) for a in (x, paddings, constant)))
    out = np.full([p + d + q for (p, q), d in zip(pairs, x.shape, strict=True)], constant[()], x.dtype)
    out[tuple([slice(p, p + d) for (p, _), d in zip(pairs, x.shape, strict=True)])] = x
    return out


def _gradient_pad(node: Any, g: Any) -> tuple[Any, ...]:
    x, paddings, _ = node.inputs
    begin = paddings[:, 0]
    inner = F.slice(g, begin, F.shape(x, begin.dtype))
    return inner, None, F.reduce_sum(g) - F.reduce_sum(inner)


PAD = register(Op("PadV2", Kind.VIEW, _infer_pad, _evaluate_pad, _gradient_pad, lower=_lower_pad, checked=False))


def _infer_mirror(x: Spec, paddings: Spec, *, mode: str) -> Spec:
    out, found = _padded_dims(x, paddings)
    reach = 0 if mode == "SYMMETRIC" else 1
    rule, broken = ("less", "not less than") if reach else ("no greater", "greater than")
    for d, size in enumerate(x.shape or ()):
        pair = (found or ())[2 * d : 2 * d + 2]
        if size is not None and any(p is not None and p > size - reach for p in pair):
            shown = ", ".join(map(str, pair))
            raise InvalidArgumentError(f"paddings must be {rule} than the dimension size: {shown} {broken} {size}")
    return Spec(out, x.dtype)


def _expand_mirror(x: Any, paddings: Any, *, mode: Any) -> Any:
    pairs = paddings.spec.array
    if pairs is None:
        raise Unsupported("MirrorPad with paddings that are not constants")
    for axis, (before, after) in enumerate(pairs.tolist()):
        if before or after:
            row = np.pad(np.arange(x.dims[axis], dtype=np.int32), (before, after), mode.lower())
            x = F.gather(x, row, axis=axis)
    return x


def _gradient_mirror(node: Any, g: Any) -> tuple[Any, Any]:
    return emit_one(MIRROR_PAD_GRAD, (g, node.inputs[1]), dict(node.attrs)), None


def _infer_mirror_grad(g: Spec, paddings: Spec, *, mode: str) -> Spec:
    found = entries(paddings)
    if g.shape is None or found is None:
        return Spec(None if g.shape is None else (None,) * len(g.shape), g.dtype)
    triples = zip(g.shape, found[::2], found[1::2], strict=True)
    return Spec(tuple(None if None in t else t[0] - t[1] - t[2] for t in triples), g.dtype)  # type: ignore[operator]


def _evaluate_mirror_grad(g: Any, paddings: Any, *, mode: Any) -> Any:
    for axis, (before, after) in enumerate(paddings.tolist()):
        if before or after:
            size = g.shape[axis] - before - after
            row = np.pad(np.arange(size), (before, after), mode.lower())
            out = np.zeros((size, *np.delete(g.shape, axis)), g.dtype)
            np.add.at(out, row, np.moveaxis(g, axis, 0))
            g = np.moveaxis(out, 0, axis)
    return g


MIRROR_PAD = register(
    Op(
        "MirrorPad",
        Kind.COMPOUND,
        _infer_mirror,
        lambda x, paddings, *, mode: np.pad(x, paddings.tolist(), mode.lower()) if x.ndim else x,
        _gradient_mirror,
        expand=_expand_mirror,
    )  # fmt: skip
)
MIRROR_PAD_GRAD = register(
    Op(
        "MirrorPadGrad",
        Kind.HOST,
        _infer_mirror_grad,
        _evaluate_mirror_grad,
        lambda node, g: (emit_one(MIRROR_PAD, (g, node.inputs[1]), dict(node.attrs)), None),
    )  # fmt: skip
)


def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: str | None = None) -> Any:
    """Put elements around a tensor: a constant, or its own mirrored at the border.

    Args:
      paddings: ints [rank, 2], how many before and after along each dimension.
      mode: "CONSTANT", "REFLECT" (without the border element) or "SYMMETRIC" (with it).

    >>> tf.pad([1, 2, 3], [[1, 2]]).numpy()
    array([0, 1, 2, 3, 0, 0], dtype=int32)

    TensorFlow: tf.pad.
    """
    x, kind = convert(tensor), mode.upper()
    pairs = int_tensor(paddings)
    if kind in ("REFLECT", "SYMMETRIC"):
        return emit_one(MIRROR_PAD, (x, pairs), {"mode": kind}, name)
    if kind != "CONSTANT":
        raise ValueError(
            "Value of argument `mode` expected to be one of 'CONSTANT', 'REFLECT', or 'SYMMETRIC'. "
            f"Received `mode` = {mode}"
        )
    if type(constant_values) is int and constant_values == 0:
        constant = F.zeros((), x.dtype)
    else:
        constant = convert(constant_values, dtype=x.dtype)
    return emit_one(PAD, (x, pairs, constant), NO_ATTRS, name)
