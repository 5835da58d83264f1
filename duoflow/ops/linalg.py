"""Matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.emit import emit_one
from duoflow.core.late import F
from duoflow.core.lowering import Contraction
from duoflow.core.record import Kind, Op, register
from duoflow.core.scalar import Unsupported
from duoflow.core.spec import Spec
from duoflow.core.tensor import EagerTensor

from .families import INEXACT, INTEGERS, check_dtype, convert_pair, in_float32

__all__ = ["matmul", "matvec"]

_PRODUCT_DTYPES = INEXACT + INTEGERS


def _same_dtype(op_name: str, x: Spec, y: Spec) -> None:
    if x.dtype is not y.dtype:
        raise TypeError(
            f"Input 'b' of '{op_name}' Op has type {y.dtype.name} that does not match type {x.dtype.name} of argument 'a'."
        )
    check_dtype(op_name, "a", x.dtype, _PRODUCT_DTYPES)


def _matrix_product(x: Spec, y: Spec, flip_x: bool, flip_y: bool) -> tuple[int | None, int | None]:
    """The rows and columns of a product; `ValueError` if the inner sizes differ."""
    assert x.shape is not None and y.shape is not None
    n, k = x.shape[-2:][::-1] if flip_x else x.shape[-2:]
    k2, m = y.shape[-2:][::-1] if flip_y else y.shape[-2:]
    if k is not None and k2 is not None and k != k2:
        raise ValueError(
            f"Matrix size-incompatible: In[0]: {shapes.brief(x.shape)}, In[1]: {shapes.brief(y.shape)}"
            + (" (after transposing)" if flip_x or flip_y else "")
        )
    return n, m


def _infer_matmul(x: Spec, y: Spec, *, transpose_a: bool, transpose_b: bool) -> Spec:
    _same_dtype("MatMul", x, y)
    for i, s in enumerate((x, y)):
        if s.rank not in (None, 2):
            raise ValueError(f"In[{i}] is not a matrix: shape {shapes.brief(s.shape)}")
    x, y = (Spec((None, None), s.dtype) if s.shape is None else s for s in (x, y))
    return Spec(_matrix_product(x, y, transpose_a, transpose_b), x.dtype)


@in_float32
def _product(x: Any, y: Any) -> Any:
    return np.matmul(x, y)


def _evaluate_matmul(x: Any, y: Any, *, transpose_a: bool, transpose_b: bool) -> Any:
    if x.ndim != 2 or y.ndim != 2 or x.dtype != y.dtype:
        _infer_matmul(_spec(x), _spec(y), transpose_a=transpose_a, transpose_b=transpose_b)
    return _product(x.T if transpose_a else x, y.T if transpose_b else y)


def _spec(x: Any) -> Spec:
    return Spec(x.shape, dtypes.from_numpy(x.dtype))


def _product_gradients(multiply: Any, a: Any, b: Any, g: Any, flip_a: bool, flip_b: bool) -> tuple[Any, Any]:
    """The cotangents of both factors; `multiply(x, y, flip_x, flip_y)` flips as the product itself does."""
    if not flip_a and not flip_b:
        return multiply(g, b, False, True), multiply(a, g, True, False)
    if not flip_a:
        return multiply(g, b, False, False), multiply(g, a, True, False)
    if not flip_b:
        return multiply(b, g, False, True), multiply(a, g, False, False)
    return multiply(b, g, True, True), multiply(g, a, True, True)


def _matmul_gradient(node: Any, g: Any) -> tuple[Any, Any]:
    def multiply(x: Any, y: Any, flip_x: bool, flip_y: bool) -> Any:
        return emit_one(_MATMUL, (x, y), {"transpose_a": flip_x, "transpose_b": flip_y})

    a, b = F.conj(node.inputs[0]), F.conj(node.inputs[1])
    return _product_gradients(multiply, a, b, g, node.attrs["transpose_a"], node.attrs["transpose_b"])


def _lower_matmul(specs: Any, outs: Any, attrs: dict[str, Any]) -> Contraction:
    return Contraction((2, 0) if attrs["transpose_a"] else (0, 2), (1, 2) if attrs["transpose_b"] else (2, 1), (0, 1))


_MATMUL = register(
    Op(
        "MatMul",
        Kind.CONTRACTION,
        _infer_matmul,
        _evaluate_matmul,
        _matmul_gradient,
        lower=_lower_matmul,
        checked=False,
    )  # fmt: skip
)


def _infer_batch_matmul(x: Spec, y: Spec, *, adj_x: bool, adj_y: bool) -> Spec:
    _same_dtype("BatchMatMulV2", x, y)
    for i, s in enumerate((x, y)):
        if s.rank is not None and s.rank < 2:
            raise ValueError(f"In[{i}] ndims must be >= 2: {s.rank}")
    if x.shape is None or y.shape is None:
        return Spec(None, x.dtype)
    batch = shapes.broadcast(x.shape[:-2], y.shape[:-2])
    assert batch is not None
    return Spec(batch + _matrix_product(x, y, adj_x, adj_y), x.dtype)


def _flipped(x: Any, flip: bool) -> Any:
    return np.conj(np.swapaxes(x, -1, -2)) if flip else x


def _evaluate_batch_matmul(x: Any, y: Any, *, adj_x: bool, adj_y: bool) -> Any:
    if x.ndim < 2 or y.ndim < 2 or x.dtype != y.dtype:
        _infer_batch_matmul(_spec(x), _spec(y), adj_x=adj_x, adj_y=adj_y)
    return _product(_flipped(x, adj_x), _flipped(y, adj_y))


def _batch_matmul_gradient(node: Any, g: Any) -> tuple[Any, Any]:
    def multiply(x: Any, y: Any, flip_x: bool, flip_y: bool) -> Any:
        return emit_one(_BATCH_MATMUL, (x, y), {"adj_x": flip_x, "adj_y": flip_y})

    x, y = node.inputs
    gx, gy = _product_gradients(multiply, x, y, g, node.attrs["adj_x"], node.attrs["adj_y"])
    return F.sum_to_shape_of(gx, x), F.sum_to_shape_of(gy, y)


def _lower_batch_matmul(specs: Any, outs: Any, attrs: dict[str, Any]) -> Contraction:
    x, y = specs
    if x.dtype.is_complex and (attrs["adj_x"] or attrs["adj_y"]):
        raise Unsupported("a contraction that conjugates")
    rank = len(outs[0].shape)
    batch = tuple(range(rank - 2))
    row, column, inner = rank - 2, rank - 1, rank
    labels, fresh = [], inner + 1
    for spec, flip, pair in ((x, attrs["adj_x"], (row, inner)), (y, attrs["adj_y"], (inner, column))):
        own = []
        for label, size in zip(batch[rank - len(spec.shape) :], spec.shape[:-2], strict=True):
            stretched = size != outs[0].shape[label]
            own.append(fresh if stretched else label)
            fresh += stretched
        labels.append(tuple(own) + (pair[::-1] if flip else pair))
    return Contraction(labels[0], labels[1], tuple(range(rank)))


_BATCH_MATMUL = register(
    Op(
        "BatchMatMulV2",
        Kind.CONTRACTION,
        _infer_batch_matmul,
        _evaluate_batch_matmul,
        _batch_matmul_gradient,
        lower=_lower_batch_matmul,
        checked=False,
    )  # fmt: skip
)


def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    output_type: Any = None,
    grad_a: bool = False,
    grad_b: bool = False,
    name: str | None = None,
) -> Any:
    """The matrix product of a [..., n, k] and b [..., k, m]; leading dimensions broadcast.

    `transpose_*` and `adjoint_*` flip an operand first. `*_is_sparse`, `grad_a` and `grad_b` are hints that change
    no result. `output_type` widens integers first. Raises `ValueError` if both flips are asked of one operand.

    >>> tf.matmul([[1.0, 2.0]], [[3.0], [4.0]]).numpy()
    array([[11.]], dtype=float32)
    >>> tf.matmul(tf.ones([5, 2, 3]), tf.ones([4, 3]), transpose_b=True).shape
    TensorShape([5, 2, 4])

    TensorFlow: tf.linalg.matmul.
    """
    if transpose_a and adjoint_a:
        raise ValueError("Only one of `transpose_a` and `adjoint_a` can be True.")
    if transpose_b and adjoint_b:
        raise ValueError("Only one of `transpose_b` and `adjoint_b` can be True.")
    if type(a) is not EagerTensor or type(b) is not EagerTensor:
        a, b = convert_pair(a, b)
    if output_type is not None:
        a, b = F.cast(a, output_type), F.cast(b, output_type)
    batched = a.dims is None or b.dims is None or len(a.dims) > 2 or len(b.dims) > 2
    if a.dtype.is_complex:
        conjugated = (transpose_a, transpose_b) if batched else (adjoint_a, adjoint_b)
        a, b = (F.conj(x) if c else x for x, c in zip((a, b), conjugated, strict=True))
    flip_a, flip_b = bool(transpose_a or adjoint_a), bool(transpose_b or adjoint_b)
    if batched:
        return emit_one(_BATCH_MATMUL, (a, b), {"adj_x": flip_a, "adj_y": flip_b}, name)
    return emit_one(_MATMUL, (a, b), {"transpose_a": flip_a, "transpose_b": flip_b}, name)


def matvec(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    adjoint_a: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Any:
    """The product of a matrix a [..., n, k] and a vector b [..., k].

    >>> tf.linalg.matvec([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).numpy()
    array([3., 7.], dtype=float32)

    TensorFlow: tf.linalg.matvec.
    """
    with F.name_scope(name or "MatVec"):
        a, b = convert_pair(a, b)
        return F.squeeze(matmul(a, F.expand_dims(b, -1), transpose_a, adjoint_a=adjoint_a), -1)
