"""Einstein summation: tensor contractions written as labels of dimensions.

A call of any number of operands becomes contractions of two. What a contraction is not asked to do is done before it
with other ops: a label named twice in one operand takes a diagonal, a label that occurs nowhere else is summed over. So
every `Einsum` node has two operands, each label at most once in each, and its gradients are again such nodes.
"""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from duoflow.core.emit import emit_one
from duoflow.core.late import F
from duoflow.core.lowering import Contraction
from duoflow.core.record import Kind, Op, register
from duoflow.core.shapes import Dims
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert, static_value

from .families import in_float32
from .postponed import postponed
from .static import invalid, operand

__all__ = ["einsum", "tensordot"]

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SIDE = re.compile(r"[a-zA-Z]*(\.\.\.)?[a-zA-Z]*")

Labels = tuple["str | int", ...]
"""One label per dimension: a letter, or for a dimension under an ellipsis its (negative) place from the right."""


# -- equations ---------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=1024)
def _parse(equation: str, operands: int) -> tuple[tuple[str, ...], str]:
    """The subscripts of the operands and of the output, which is worked out if it is not written."""
    text = equation.replace(" ", "")
    left, arrow, out = text.partition("->")
    inputs = left.split(",")
    for side in [*inputs, out]:
        if not _SIDE.fullmatch(side):
            raise ValueError(f"Subscripts {side!r} of the einsum equation {equation!r} are not letters and one '...'.")
    if len(inputs) != operands:
        raise ValueError(f"Got {operands} arguments for equation {equation!r}, expecting {len(inputs)}.")
    if not arrow:
        counts = Counter(left.replace(",", "").replace(".", ""))
        out = ("..." if "..." in left else "") + "".join(sorted(c for c, n in counts.items() if n == 1))
    letters = out.replace("...", "")
    if len(set(letters)) != len(letters):
        raise ValueError(f"The output {out!r} of the einsum equation {equation!r} names a label twice.")
    unknown = set(letters) - set(left)
    if unknown:
        raise ValueError(f"Output label {min(unknown)!r} of the einsum equation {equation!r} is not in any input.")
    return tuple(inputs), out


def _labels(side: str, rank: int | None, equation: str) -> Labels:
    """One label per dimension of an operand."""
    before, dots, after = side.partition("...")
    named = len(before) + len(after)
    if rank is None:
        rank = named
    if (rank < named) if dots else (rank != named):
        raise invalid(f"Subscripts {side!r} of the einsum equation {equation!r} do not fit a tensor of rank {rank}.")
    return (*before, *range(named - rank, 0), *after)


def _output_labels(side: str, inputs: Sequence[Labels]) -> Labels:
    before, dots, after = side.partition("...")
    hidden = sorted({x for labels in inputs for x in labels if isinstance(x, int)}) if dots else []
    return (*before, *hidden, *after)


@functools.lru_cache(maxsize=1024)
def _binary_labels(equation: str, rank_x: int | None, rank_y: int | None) -> tuple[Labels, Labels, Labels]:
    """The labels of both operands and of the output."""
    sides, out = _parse(equation, 2)
    left, right = _labels(sides[0], rank_x, equation), _labels(sides[1], rank_y, equation)
    return left, right, _output_labels(out, (left, right))


# -- the record: a contraction of two ----------------------------------------------------------------------------------


def _infer(x: Spec, y: Spec, *, equation: str) -> Spec:
    if x.dtype is not y.dtype:
        raise TypeError(f"Einsum takes operands of one dtype, received {x.dtype.name} and {y.dtype.name}: use tf.cast.")
    if "..." in equation and (x.shape is None or y.shape is None):
        side = equation.partition("->")[2]
        return Spec(None if "..." in side else (None,) * len(side), x.dtype)
    left, right, out = _binary_labels(equation, x.rank, y.rank)
    sizes = _sizes(equation, left, x.shape, right, y.shape)
    return Spec(tuple(sizes[label] for label in out), x.dtype)


def _sizes(equation: str, left: Labels, x: Dims, right: Labels, y: Dims) -> dict[str | int, int | None]:
    """The size of every label."""
    sizes: dict[str | int, int | None] = {}
    for labels, shape in ((left, x), (right, y)):
        for label, size in zip(labels, shape if shape is not None else (None,) * len(labels), strict=True):
            sizes[label] = _joined(label, sizes[label], size, equation) if label in sizes else size
    return sizes


def _joined(label: str | int, a: int | None, b: int | None, equation: str) -> int | None:
    """The size of a label found twice; under an ellipsis 1 broadcasts."""
    if isinstance(label, int) and 1 in (a, b):
        return b if a == 1 else a
    if a is not None and b is not None and a != b:
        raise ValueError(
            f"Expected dimension {a} for label {label!r} of the einsum equation {equation!r}, but got {b}."
        )
    return b if a is None else a


@in_float32
def _evaluate(x: Any, y: Any, *, equation: str) -> Any:
    """Both operands as stacks of matrices, multiplied by BLAS, the result's dimensions put in order."""
    if x.dtype != y.dtype:
        _infer(Spec.of(x), Spec.of(y), equation=equation)
    left, right, out = _binary_labels(equation, x.ndim, y.ndim)
    sizes: Any = _sizes(equation, left, x.shape, right, y.shape)
    batch = [a for a in out if a in left and a in right]
    inner = [a for a in left if a in right and a not in out]
    rows, columns = [a for a in left if a not in right], [a for a in right if a not in left]

    def arranged(array: Any, labels: Labels, order: list[str | int], *groups: list[str | int]) -> Any:
        moved = array.transpose([labels.index(a) for a in order])
        moved = np.broadcast_to(moved, [sizes[a] for a in order])
        return moved.reshape([sizes[a] for a in batch] + [math.prod(sizes[a] for a in group) for group in groups])

    stacked = np.matmul(
        arranged(x, left, [*batch, *rows, *inner], rows, inner),
        arranged(y, right, [*batch, *inner, *columns], inner, columns),
    )
    order = [*batch, *rows, *columns]
    return stacked.reshape([sizes[a] for a in order]).transpose([order.index(a) for a in out])


def _gradient(node: Any, g: Any) -> tuple[Any, Any]:
    x, y = node.inputs
    (left, right), out = _parse(node.attrs["equation"], 2)

    def pulled(target: Any, side: str, other: Any, other_side: str) -> Any:
        grad = emit_one(_EINSUM, (g, F.conj(other)), {"equation": f"{out},{other_side}->{side}"})
        return F.sum_to_shape_of(grad, target) if "..." in side else grad

    return pulled(x, left, y, right), pulled(y, right, x, left)


def _lower(specs: Any, outs: Any, attrs: dict[str, Any]) -> Contraction:
    """Labels as numbers; a dimension of size 1 that broadcasts gets a number of its own."""
    x, y = specs
    left, right, out = _binary_labels(attrs["equation"], x.rank, y.rank)
    sizes = _sizes(attrs["equation"], left, x.shape, right, y.shape)
    numbers: dict[Any, int] = {}

    def number(labels: Labels, shape: Any, side: int) -> tuple[int, ...]:
        keys = [a if d == sizes[a] else (a, side) for a, d in zip(labels, shape, strict=True)]
        return tuple(numbers.setdefault(key, len(numbers)) for key in keys)

    return Contraction(number(left, x.shape, 0), number(right, y.shape, 1), number(out, outs[0].shape, 2))


_EINSUM = register(Op("Einsum", Kind.CONTRACTION, _infer, _evaluate, _gradient, lower=_lower, checked=False))


# -- any number of operands --------------------------------------------------------------------------------------------


def _simplified(x: Any, side: str, kept: set[str], equation: str) -> tuple[Any, str]:
    """An operand with diagonals taken and its lonely labels summed over, and its subscripts then."""
    letters = side.replace("...", "")
    twice = [c for c, n in Counter(letters).items() if n > 1]
    lonely = [c for c in dict.fromkeys(letters) if c not in kept]
    if not twice and not lonely:
        return x, side
    labels = list(_labels(side, x.ndim, equation))
    for c in twice:
        while labels.count(c) > 1:
            i, j = [k for k, label in enumerate(labels) if label == c][:2]
            rest = [k for k in range(len(labels)) if k not in (i, j)]
            x = F.diag_part(F.transpose(x, [*rest, i, j]))
            labels = [labels[k] for k in rest] + [c]
    if lonely:
        x = F.reduce_sum(x, [labels.index(c) for c in lonely])
        labels = [a for a in labels if a not in lonely]
    return x, _written(labels)


def _written(labels: Sequence[str | int]) -> str:
    """Labels as subscripts; dimensions under an ellipsis stand together."""
    out = ""
    for a in labels:
        if isinstance(a, str):
            out += a
        elif "..." not in out:
            out += "..."
    return out


def _unary(x: Any, side: str, out: str, equation: str) -> Any:
    x, side = _simplified(x, side, set(out.replace("...", "")), equation)
    if side == out:
        return F.identity(x)
    labels = _labels(side, x.ndim, equation)
    if "..." in side and "..." not in out:
        raise ValueError(f"The output of the einsum equation {equation!r} drops the ellipsis.")
    return F.transpose(x, [labels.index(a) for a in _output_labels(out, [labels])])


def _order(inputs: Sequence[str], out: str, tensors: Sequence[Any], optimize: Any) -> list[tuple[int, ...]]:
    """Which operands to contract, step by step; unknown sizes are taken for 64."""
    if len(tensors) == 2 or any(t.dims is None for t in tensors):
        return [(0, 1)] * (len(tensors) - 1)
    stand_ins = [np.broadcast_to(np.float32(0), [64 if d is None else d for d in t.dims]) for t in tensors]
    strategy = "optimal" if optimize in ("optimal", "branch-all", "branch-2", "auto") and len(tensors) < 6 else "greedy"
    try:
        path = np.einsum_path(f"{','.join(inputs)}->{out}", *stand_ins, optimize=strategy)[0][1:]
    except ValueError:
        return [(0, 1)] * (len(tensors) - 1)  # sizes that do not fit are reported by the contraction that meets them
    return [tuple(step) for step in path]


def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Any:
    """Contract tensors along the dimensions that share a label: "ij,jk->ik" is a matrix product.

    Args:
      equation: subscripts of the inputs and of the output, which by default has the labels that occur once, sorted.
        A label named twice in one input takes a diagonal; "..." stands for dimensions that broadcast.
      inputs: tensors of one dtype.
      optimize: how to order more than two inputs ("greedy", "optimal", ...).
      name: the op's name.

    Raises `ValueError` for an equation that cannot be read or that does not fit the inputs.

    >>> tf.einsum("ij,jk->ik", [[1.0, 2.0]], [[3.0], [4.0]]).numpy()
    array([[11.]], dtype=float32)
    >>> tf.einsum("...ij->...ji", tf.ones([5, 2, 3])).shape
    TensorShape([5, 3, 2])

    TensorFlow: tf.einsum.
    """
    name, optimize = kwargs.pop("name", None), kwargs.pop("optimize", "greedy")
    if kwargs:
        raise TypeError(f"Invalid keyword arguments for einsum: {', '.join(kwargs)}. Expected: name, optimize.")
    if not inputs:
        raise ValueError("einsum takes at least one tensor.")
    tensors = [convert(x) for x in inputs]
    sides, _ = _parse(equation, len(tensors))
    with F.name_scope(name or "einsum"):
        return _einsum([_of_rank(x, side) for x, side in zip(tensors, sides, strict=True)], equation, optimize)


def _of_rank(x: Any, side: str) -> Any:
    """An operand that has as many dimensions as its subscripts, where they say so."""
    return x if x.dims is not None or "..." in side else F.ensure_shape(x, [None] * len(side))


@postponed()
def _einsum(tensors: list[Any], equation: str, optimize: Any) -> Any:
    parsed, out = _parse(equation, len(tensors))
    sides = list(parsed)
    if len(tensors) == 1:
        return _unary(tensors[0], sides[0], out, equation)
    for step in _order(sides, out, tensors, optimize):
        picked = [(tensors[i], sides[i]) for i in step]
        tensors = [t for i, t in enumerate(tensors) if i not in step]
        sides = [s for i, s in enumerate(sides) if i not in step]
        result, side = picked[0]
        for tensor, other in picked[1:]:
            result, side = _contract(result, side, tensor, other, sides, out, equation)
        tensors.append(result)
        sides.append(side)
    return tensors[0] if sides[0] == out else _unary(tensors[0], sides[0], out, equation)


def _contract(x: Any, left: str, y: Any, right: str, others: list[str], out: str, equation: str) -> tuple[Any, str]:
    """Two operands as one, keeping the labels that the others or the output need."""
    later = set("".join(others) + out) - {"."}
    x, left = _simplified(x, left, later | set(right), equation)
    y, right = _simplified(y, right, later | set(left), equation)
    if not others:
        kept = out
    else:
        letters = dict.fromkeys(left.replace("...", "") + right.replace("...", ""))
        kept = ("..." if "..." in left + right else "") + "".join(c for c in letters if c in later)
    if "..." in left + right and "..." not in kept:
        raise ValueError(f"The output of the einsum equation {equation!r} drops the ellipsis.")
    return emit_one(_EINSUM, (x, y), {"equation": f"{left},{right}->{kept}"}), kept


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Any:
    """Contract a and b over `axes`: the last n of a with the first n of b, or one list of axes for each.

    Raises `ValueError` for axes that do not fit.

    >>> tf.tensordot([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0], axes=1).numpy()
    array([3., 7.], dtype=float32)

    TensorFlow: tf.tensordot.
    """
    with F.name_scope(name or "Tensordot"):
        a = convert(a)
        return _tensordot(a, operand(b, a), _plain_axes(axes))


@postponed()
def _tensordot(a: Any, b: Any, axes: Any) -> Any:
    over_a, over_b = _axes_pair(axes, a.ndim, b.ndim)
    letters = iter(_LETTERS)
    left = [next(letters) for _ in range(a.ndim)]
    right = [left[over_a[over_b.index(i)]] if i in over_b else next(letters) for i in range(b.ndim)]
    out = [c for i, c in enumerate(left) if i not in over_a] + [c for i, c in enumerate(right) if i not in over_b]
    return emit_one(_EINSUM, (a, b), {"equation": f"{''.join(left)},{''.join(right)}->{''.join(out)}"})


def _plain_axes(axes: Any) -> int | list[list[int]]:
    """How many axes to contract, or which of either tensor."""
    value: Any = axes if isinstance(axes, (int, list, tuple)) else static_value(axes)
    if value is None:
        raise ValueError("The axes of tensordot must be known when the graph is built.")
    if not isinstance(value, (list, tuple)) and np.ndim(value) == 0:
        return int(value)
    if len(value) != 2:
        raise ValueError(f"`axes` must be an integer or have length 2. Received {axes}.")
    pair = [[int(i) for i in np.reshape(v, -1)] for v in value]
    if len(pair[0]) != len(pair[1]):
        raise ValueError(
            f"Different number of contraction axes {pair[0]} and {pair[1]}, {len(pair[0])} != {len(pair[1])}."
        )
    return pair


def _axes_pair(axes: int | list[list[int]], rank_a: int, rank_b: int) -> tuple[list[int], list[int]]:
    """The axes of both tensors that are contracted."""
    if isinstance(axes, int):
        count = axes
        if not 0 <= count <= min(rank_a, rank_b):
            raise ValueError(
                f"`axes` must be in [0, {min(rank_a, rank_b)}] for ranks {rank_a} and {rank_b}. Received {count}."
            )
        return list(range(rank_a - count, rank_a)), list(range(count))
    for own, rank in zip(axes, (rank_a, rank_b), strict=True):
        for i in own:
            if not -rank <= i < rank:
                raise ValueError(f"Contraction axis {i} is out of range for a tensor of rank {rank}.")
    return [i % rank_a for i in axes[0]], [i % rank_b for i in axes[1]]
