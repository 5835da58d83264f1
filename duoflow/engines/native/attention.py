"""Attention as one op, and its gradient as another: what they mean, and the kernel calls that they are.

out = softmax(scores(Q K^T)) V, where `scores` is a formula: elementwise ops on each score. Matrices may have any
layout. The matrix of all scores is never in memory; for the gradient two numbers a row are kept. `find_attention` puts
graphs in terms of these ops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from duoflow.core.dtypes import DType
from duoflow.core.record import Kind, Op
from duoflow.core.scalar import Unsupported
from duoflow.core.spec import Spec

from .index import row_major
from .kernels.attention import Attention, AttentionGradient, Matrices

__all__ = ["ATTENTION", "GRADIENT", "Form", "Formula", "Step", "as_attention"]


# -- records -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One elementwise op. An argument is ("score", 0), ("operand", i), ("step", i) or ("number", Literal)."""

    op: Op
    dtype: DType
    attrs: tuple[Any, ...]
    arguments: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Formula:
    """What becomes of a score, in steps, the last of which gives the result.

    `operands` says of each which dimension of the scores each of its own is; those of -1 have size 1.
    """

    steps: tuple[Step, ...] = ()
    operands: tuple[tuple[int, ...], ...] = ()

    def evaluate(self, score: Any, operands: Sequence[Any]) -> Any:
        """The result for all scores, in NumPy."""
        values: list[Any] = []
        spread = [_spread(x, labels, score.ndim) for x, labels in zip(operands, self.operands)]
        for step in self.steps:
            found = {"score": [score], "operand": spread, "step": values}
            arguments = [x.array if kind == "number" else found[kind][x] for kind, x in step.arguments]
            values.append(step.op.evaluate(*arguments, **dict(step.attrs)))
        return values[-1] if values else score


#: Ops whose result grows with each argument.
_GROWING = {"AddV2", "Add", "AddN", "Maximum", "Minimum", "Tanh"}


def _may_hide(formula: Formula) -> bool:
    """Whether the result grows with the score, and depends on where the score is."""
    grows: list[bool] = []
    for step in formula.steps:
        moving = [kind == "score" or (kind == "step" and grows[x]) for kind, x in step.arguments]
        grows.append(any(moving))
        if any(moving) and not _keeps_order(step, moving):
            return False
    return bool(formula.operands)


def _keeps_order(step: Step, moving: Sequence[bool]) -> bool:
    """Whether the result of a step grows with those of its arguments that are `moving`."""
    name = step.op.name
    if name in ("Select", "SelectV2"):
        return not moving[0]
    if name == "Sub":
        return not moving[1]
    if name == "Mul" or (name == "RealDiv" and moving[0]):
        others = [argument for argument, moves in zip(step.arguments, moving) if not moves]
        return len(others) == 1 and others[0][0] == "number" and bool(others[0][1].array > 0)
    return name in _GROWING


def _spread(x: Any, labels: Sequence[int], rank: int) -> Any:
    """An operand with the dimensions of the scores, of size 1 where it has none."""
    own = sorted([i for i, label in enumerate(labels) if label >= 0], key=lambda i: labels[i])
    sizes = {labels[i]: x.shape[i] for i in own}
    moved = np.transpose(x, own + [i for i, label in enumerate(labels) if label < 0])
    return moved.reshape([sizes.get(label, 1) for label in range(rank)])


@dataclass(frozen=True)
class Form:
    """The dimensions of an attention's tensors, as labels: those of the scores are 0, 1, 2...

    The last of these are the keys, `query` the queries, the others the batch. Two more labels, behind those of the
    scores, are the columns of Q and K (`depth`) and of V (`width`). A dimension of -1 has size 1.
    """

    shape: tuple[int, ...]
    query: int
    q: tuple[int, ...]
    k: tuple[int, ...]
    v: tuple[int, ...]
    out: tuple[int, ...]
    scores: Formula
    #: Of an `AttentionGradient` alone: dimensions of the gradients of out, Q, K and V; and the formula back, from the
    #: gradients of what goes into the softmax to those of the products. Its operands follow those of `scores`.
    gradients: tuple[tuple[int, ...], ...] = ()
    back: Formula = Formula()

    @property
    def key(self) -> int:
        return len(self.shape) - 1

    @property
    def depth(self) -> int:
        return len(self.shape)

    @property
    def width(self) -> int:
        return len(self.shape) + 1

    @property
    def batch(self) -> list[int]:
        """The labels of the batch that are of more than one entry."""
        return [i for i, size in enumerate(self.shape) if i not in (self.query, self.key) and size > 1]


def _dims(labels: Sequence[int], extents: dict[int, int]) -> tuple[int, ...]:
    return tuple([1 if label < 0 else extents[label] for label in labels])


def _extents(form: Form, q: Sequence[int], v: Sequence[int]) -> dict[int, int]:
    """The size of each label."""
    found = dict(enumerate(form.shape))
    found |= {form.depth: q[form.q.index(form.depth)], form.width: v[form.v.index(form.width)]}
    return found


def _rows(form: Form) -> tuple[int, int]:
    count = 1
    for label in form.batch:
        count *= form.shape[label]
    return count, form.shape[form.query]


def _infer(q: Any, k: Any, v: Any, *rest: Any, form: Form) -> tuple[Spec, ...]:
    extents = _extents(form, q.shape, v.shape)
    statistic = Spec(_rows(form), q.dtype)
    return Spec(_dims(form.out, extents), q.dtype), statistic, statistic


def _infer_gradient(q: Any, k: Any, v: Any, *rest: Any, form: Form) -> tuple[Spec, ...]:
    extents = _extents(form, q.shape, v.shape)
    return tuple([Spec(_dims(labels, extents), q.dtype) for labels in form.gradients[1:]])


def _product(a: Any, a_labels: Sequence[int], b: Any, b_labels: Sequence[int], out: Sequence[int], form: Form) -> Any:
    """A contraction of two by labels."""

    def plain(x: Any, labels: Sequence[int]) -> tuple[Any, list[int]]:
        return x.reshape([d for d, label in zip(x.shape, labels) if label >= 0]), [l for l in labels if l >= 0]

    (a, a_own), (b, b_own) = plain(a, a_labels), plain(b, b_labels)
    present = [l for l in out if l >= 0 and (l in a_own or l in b_own)]
    made = np.einsum(a, a_own, b, b_own, present, optimize=True)
    shape = iter(made.shape)
    return made.reshape([next(shape) if l in present else 1 for l in out])


def _scores(form: Form, q: Any, k: Any, operands: Sequence[Any]) -> Any:
    product = _product(q, form.q, k, form.k, range(len(form.shape)), form)
    return form.scores.evaluate(product, operands[: len(form.scores.operands)])


def _per_row(form: Form, statistic: Any) -> Any:
    """A number a row, in the layout of the scores."""
    return statistic.reshape([1 if i == form.key else size for i, size in enumerate(form.shape)])


def _evaluate(q: Any, k: Any, v: Any, *operands: Any, form: Form) -> tuple[Any, ...]:
    x = _scores(form, q, k, operands)
    peak = np.max(x, -1, keepdims=True)
    e = np.exp(x - peak)
    norm = 1 / np.sum(e, -1, keepdims=True)
    out = _product(e * norm, range(len(form.shape)), v, form.v, form.out, form)
    return out, peak.reshape(_rows(form)), norm.reshape(_rows(form))


def _evaluate_gradient(
    q: Any, k: Any, v: Any, out: Any, peak: Any, norm: Any, g: Any, *operands: Any, form: Form
) -> tuple[Any, ...]:
    own, (g_labels, *wanted) = range(len(form.shape)), form.gradients
    p = np.exp(_scores(form, q, k, operands) - _per_row(form, peak)) * _per_row(form, norm)
    dp = _product(g, g_labels, v, form.v, own, form)
    dx = p * (dp - np.sum(p * dp, -1, keepdims=True))
    ds = form.back.evaluate(dx, operands[len(form.scores.operands) :])
    return (
        _product(ds, own, k, form.k, wanted[0], form),
        _product(ds, own, q, form.q, wanted[1], form),
        _product(p, own, g, g_labels, wanted[2], form),
    )


def _lower(specs: Any, outs: Any, attrs: dict[str, Any]) -> Form:
    return attrs["form"]  # type: ignore[no-any-return]


ATTENTION = Op("Attention", Kind.CONTRACTION, _infer, _evaluate, lower=_lower, num_outputs=3)
"""(q, k, v, *operands) -> (out, peak, norm): the largest score of each row, and one over its sum of exponentials."""

GRADIENT = Op("AttentionGradient", Kind.CONTRACTION, _infer_gradient, _evaluate_gradient, lower=_lower, num_outputs=3)
"""(q, k, v, out, peak, norm, gradient of out, *operands) -> the gradients of q, k and v."""


# -- the kernel --------------------------------------------------------------------------------------------------------


def as_attention(form: Form, q: Sequence[int], v: Sequence[int], dtype: DType) -> Attention:
    """The kernel call for a form, given the dimensions of Q and V; `Unsupported` for layouts that it does not take."""
    extents = _extents(form, q, v)
    depth, width = form.depth, form.width
    operands = [(form.q, form.query, depth), (form.k, form.key, depth), (form.v, form.key, width)]
    written = [(form.out, form.query, width)]
    if form.gradients:
        g, gq, gk, gv = form.gradients
        written += [(g, form.query, width), (gq, form.query, depth), (gk, form.key, depth), (gv, form.key, width)]
    given = [(_steps(labels, extents), row, column) for labels, row, column in (*operands, *written)]
    for steps, row, column in given[len(operands) :]:
        if steps.get(column) != 1 or not {*form.batch, row} <= steps.keys():
            raise Unsupported("an attention with results that are summed or transposed")
    entries, places = _batches(form, [steps for steps, _, _ in given])
    matrices = [
        Matrices(outer, inner, steps.get(row, 0), steps.get(column, 1))
        for (steps, row, column), (outer, inner) in zip(given, places)
    ]
    numbers = (entries, extents[form.query], extents[form.key], extents[depth], extents[width])
    kind: Any = AttentionGradient if form.gradients else Attention
    return kind(*numbers, *matrices[:4], dtype, _may_hide(form.scores), *matrices[4:])  # type: ignore[no-any-return]


def _steps(labels: Sequence[int], extents: dict[int, int]) -> dict[int, int]:
    """The stride of each label."""
    return {label: s for label, s in zip(labels, row_major(_dims(labels, extents))) if label >= 0}


def _batches(form: Form, steps: Sequence[dict[int, int]]) -> tuple[tuple[int, int], list[tuple[int, int]]]:
    """The batch as two dimensions: their sizes, and each operand's strides along them."""
    for cut in range(len(form.batch) + 1):
        outer, inner = (_merged(form, labels, steps) for labels in (form.batch[:cut], form.batch[cut:]))
        if outer is not None and inner is not None:
            return (outer[0], inner[0]), list(zip(outer[1], inner[1]))
    raise Unsupported("an attention of more than two batch dimensions")


def _merged(form: Form, labels: Sequence[int], steps: Sequence[dict[int, int]]) -> tuple[int, list[int]] | None:
    """Labels as one dimension, if they are neighbours in every operand."""
    size, strides = 1, [0] * len(steps)
    for number, label in enumerate(reversed(labels)):
        own = [s.get(label, 0) for s in steps]
        if number == 0:
            strides = own
        elif own != [s * size for s in strides]:
            return None
        size *= form.shape[label]
    return size, strides
