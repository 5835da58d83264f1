"""Matrix products, norms and other functions of matrices that are made of simpler ops."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from duoflow.core import shapes
from duoflow.core.emit import emit_one
from duoflow.core.late import F
from duoflow.core.lowering import Contraction
from duoflow.core.record import Kind, Op, register
from duoflow.core.scalar import Unsupported
from duoflow.core.spec import Spec
from duoflow.core.tensor import EagerTensor, convert

from .families import INEXACT, INTEGERS, NUMERIC, check_dtype, convert_pair, in_float32

__all__ = [
    "adjoint", "cross", "eigh_tridiagonal", "l2_normalize", "matmul", "matrix_transpose", "matvec", "norm", "normalize",
]  # fmt: skip

_PRODUCT_DTYPES = INEXACT + INTEGERS


def _same_dtype(op_name: str, x: Spec, y: Spec) -> None:
    if x.dtype is not y.dtype:
        raise TypeError(
            f"Input 'b' of '{op_name}' Op has type {y.dtype.name} that does not match type {x.dtype.name} of argument "
            "'a'."
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
    check_dtype("MatMul", "a", x.dtype, NUMERIC)
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
    if x.ndim != 2 or y.ndim != 2 or x.dtype != y.dtype or x.dtype.kind == "b":
        _infer_matmul(Spec.of(x), Spec.of(y), transpose_a=transpose_a, transpose_b=transpose_b)
    return _product(x.T if transpose_a else x, y.T if transpose_b else y)


def _product_gradients(multiply: Any, a: Any, b: Any, g: Any, flip_a: bool, flip_b: bool) -> tuple[Any, Any]:
    """Functions for the cotangents of both factors; `multiply(x, y, flip_x, flip_y)` flips as the product does."""
    left = (b, g, flip_b, True) if flip_a else (g, b, False, not flip_b)
    right = (g, a, True, flip_a) if flip_b else (a, g, not flip_a, False)
    return functools.partial(multiply, *left), functools.partial(multiply, *right)


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
    )
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
        _infer_batch_matmul(Spec.of(x), Spec.of(y), adj_x=adj_x, adj_y=adj_y)
    return _product(_flipped(x, adj_x), _flipped(y, adj_y))


def _batch_matmul_gradient(node: Any, g: Any) -> tuple[Any, Any]:
    def multiply(x: Any, y: Any, flip_x: bool, flip_y: bool) -> Any:
        return emit_one(_BATCH_MATMUL, (x, y), {"adj_x": flip_x, "adj_y": flip_y})

    x, y = node.inputs
    gx, gy = _product_gradients(multiply, x, y, g, node.attrs["adj_x"], node.attrs["adj_y"])
    return lambda: F.sum_to_shape_of(gx(), x), lambda: F.sum_to_shape_of(gy(), y)


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
    )
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


# -- transposes --------------------------------------------------------------------------------------------------------


def matrix_transpose(a: Any, name: str | None = "matrix_transpose", conjugate: bool = False) -> Any:
    """The last two dimensions exchanged, and conjugated if asked for.

    >>> tf.linalg.matrix_transpose([[1, 2], [3, 4]]).numpy()
    array([[1, 3], [2, 4]], dtype=int32)

    TensorFlow: tf.linalg.matrix_transpose.
    """
    with F.name_scope(name or "matrix_transpose"):
        a = convert(a)
        if a.dims is not None and len(a.dims) < 2:
            raise ValueError(f"Argument `a` should be a (batch) matrix with rank >= 2. Received shape {a.shape}.")
        out = F.swapaxes(a, -1, -2)
        return F.conj(out) if conjugate else out


def adjoint(matrix: Any, name: str | None = None) -> Any:
    """The conjugate transpose of each matrix.

    >>> tf.linalg.adjoint(tf.constant([[1 + 1j, 2]])).numpy()
    array([[1.-1.j], [2.-0.j]])

    TensorFlow: tf.linalg.adjoint.
    """
    return matrix_transpose(matrix, name or "adjoint", conjugate=True)


def cross(a: Any, b: Any, name: str | None = None) -> Any:
    """The cross products of the vectors of length 3 along the last dimension.

    >>> tf.linalg.cross([1, 0, 0], [0, 1, 0]).numpy()
    array([0, 0, 1], dtype=int32)

    TensorFlow: tf.linalg.cross.
    """
    with F.name_scope(name or "Cross"):
        a, b = convert_pair(a, b)
        for x in (a, b):
            if x.dims is not None and (not x.dims or x.dims[-1] not in (3, None)):
                raise ValueError(f"cross takes vectors of length 3, received shape {x.shape}.")
        if not shapes.compatible(a.dims, b.dims):
            raise ValueError(f"Both inputs must be of same shape: {a.shape} vs. {b.shape}")

        def turned(x: Any, by: int) -> Any:
            return F.gather(x, [(i + by) % 3 for i in range(3)], axis=-1)

        return turned(a, 1) * turned(b, 2) - turned(a, 2) * turned(b, 1)


# -- norms -------------------------------------------------------------------------------------------------------------

_ORDERS = ("fro", "euclidean", 1, 2, np.inf)


def norm(tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: Any = None, name: str | None = None) -> Any:
    """The norm of vectors (one axis), of matrices (two axes), or of a whole tensor (axis None).

    Args:
      ord: "euclidean" (or "fro" of matrices), 1, 2, np.inf, or for vectors any positive number.

    Raises `ValueError` for an order that is not defined.

    >>> tf.norm([[3.0, 4.0], [6.0, 8.0]], axis=1).numpy()
    array([ 5., 10.], dtype=float32)

    TensorFlow: tf.norm.
    """
    pair = isinstance(axis, (tuple, list))
    if pair:
        axis = tuple(int(a) for a in axis)
        if len(axis) != 2:
            raise ValueError("'axis' must be None, an integer, or a tuple of 2 unique integers")
        if ord not in _ORDERS:
            raise ValueError(f"'ord' must be a supported matrix norm in {_ORDERS}, got {ord}")
    elif ord == "fro" and axis is not None:
        raise ValueError("'ord' = 'fro' is a norm of matrices: give two axes.")
    elif isinstance(ord, str) and ord not in ("euclidean", "fro"):
        raise ValueError(f"'ord' must be a supported vector norm, got {ord}")
    elif not isinstance(ord, str) and not ord > 0:
        raise ValueError(f"'ord' must be positive, got {ord}")
    with F.name_scope(name or "norm"):
        out = _norm(convert(tensor), ord, axis, pair)
        return out if keepdims else F.squeeze(out, list(axis) if pair else axis) if axis is not None else F.squeeze(out)


def _norm(x: Any, ord: Any, axis: Any, pair: bool) -> Any:
    """A norm with the dimensions it is over kept."""
    if ord in ("fro", "euclidean") or (ord == 2 and not pair):
        if x.dtype.is_complex:
            return F.cast(F.sqrt(F.reduce_sum(F.square(F.abs(x)), axis, keepdims=True)), x.dtype)
        return F.sqrt(F.reduce_sum(x * x, axis, keepdims=True))
    size = F.abs(x)
    if pair and ord == 2:
        rank = x.ndim
        rest = [i for i in range(rank) if i not in (axis[0] % rank, axis[1] % rank)]
        order = [*rest, axis[0] % rank, axis[1] % rank]
        largest = F.reduce_max(F.svd(F.transpose(x, order), compute_uv=False), -1)[..., None, None]
        return F.transpose(largest, [order.index(i) for i in range(rank)])
    if ord == 1:
        total = F.reduce_sum(size, axis[0] if pair else axis, keepdims=True)
        return F.reduce_max(total, axis[1], keepdims=True) if pair else total
    if ord == np.inf:
        inner = F.reduce_sum(size, axis[1], keepdims=True) if pair else size
        return F.reduce_max(inner, axis[0] if pair else axis, keepdims=True)
    return F.pow(F.reduce_sum(F.pow(size, ord), axis, keepdims=True), 1.0 / ord)


def normalize(tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None) -> Any:
    """A tensor divided by its norm, and the norm.

    >>> scaled, size = tf.linalg.normalize([3.0, 4.0])
    >>> scaled.numpy(), size.numpy()
    (array([0.6, 0.8], dtype=float32), array([5.], dtype=float32))

    TensorFlow: tf.linalg.normalize.
    """
    with F.name_scope(name or "normalize"):
        tensor = convert(tensor)
        size = F.cast(norm(tensor, ord, axis, keepdims=True), tensor.dtype)
        return tensor / size, size


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None) -> Any:
    """x scaled to unit length along `axis`: x / sqrt(max(sum(x^2), epsilon)). `dim` is the old name of `axis`.

    >>> tf.math.l2_normalize([3.0, 4.0], axis=0).numpy()
    array([0.6, 0.8], dtype=float32)

    TensorFlow: tf.math.l2_normalize.
    """
    axis = dim if axis is None else axis
    with F.name_scope(name or "l2_normalize"):
        x = convert(x)
        if x.dtype.is_complex:
            squares = F.reduce_sum(F.square(F.real(x)) + F.square(F.imag(x)), axis, keepdims=True)
            scale = F.rsqrt(F.maximum(squares, epsilon))
            return F.complex(F.real(x) * scale, F.imag(x) * scale)
        return x * F.rsqrt(F.maximum(F.reduce_sum(F.square(x), axis, keepdims=True), epsilon))


def eigh_tridiagonal(
    alpha: Any,
    beta: Any,
    eigvals_only: bool = True,
    select: str = "a",
    select_range: Any = None,
    tol: Any = None,
    name: str | None = None,
) -> Any:
    """The eigenvalues (ascending) of the Hermitian matrix with main diagonal `alpha` and upper diagonal conj(`beta`).

    Args:
      select: "a" for all, "i" for those of index select_range[0] to [1], "v" for those in (select_range[0], [1]].
      tol: accepted; the values are computed to full precision.

    >>> tf.linalg.eigh_tridiagonal([1.0, 1.0], [1.0]).numpy().round(5)
    array([0., 2.], dtype=float32)

    TensorFlow: tf.linalg.eigh_tridiagonal.
    """
    if not eigvals_only:
        raise NotImplementedError("Eigenvectors are not implemented; use tf.linalg.eigh.")
    if select not in ("a", "i", "v"):
        raise ValueError(f"select must be 'a', 'i' or 'v', received {select!r}.")
    if select != "a" and select_range is None:
        raise ValueError(f"select={select!r} needs a select_range.")
    with F.name_scope(name or "eigh_tridiagonal"):
        alpha, beta = convert_pair(alpha, beta)
        if alpha.dims is not None and beta.dims is not None and None not in (alpha.dims[-1], beta.dims[-1]):
            if alpha.dims[-1] != beta.dims[-1] + 1:
                raise ValueError(
                    f"beta must have one element less than alpha, received {beta.shape} and {alpha.shape}."
                )
        values = F.real(F.eigvalsh(F.diag(alpha) + F.diag(beta, k=-1) + F.diag(F.conj(beta), k=1)))
        if select == "a":
            return values
        low, high = select_range
        if low > high:
            raise ValueError(f"Got empty index range in select_range: {select_range}.")
        if select == "i":
            return values[..., low : high + 1]
        return F.boolean_mask(values, F.logical_and(F.greater(values, low), F.less_equal(values, high)))
