"""Linear algebra and einsum: errors, identities that hold whatever the sign or order of the parts."""

from __future__ import annotations

import numpy as np
import pytest

import duoflow as tf


def _random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (2, 5, 5), (0, 3)])
@pytest.mark.parametrize("full", [False, True])
def test_decompositions_give_the_matrix_back(shape, full) -> None:
    x = _random(*shape)
    q, r = tf.linalg.qr(x, full_matrices=full)
    np.testing.assert_allclose(tf.matmul(q, r).numpy(), x, atol=1e-12)
    s, u, v = tf.linalg.svd(x, full_matrices=full)
    k = s.shape[-1]
    np.testing.assert_allclose(
        tf.matmul(u[..., :k] * s[..., None, :], v[..., :k], adjoint_b=True).numpy(), x, atol=1e-12
    )


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_eigenvectors(dtype) -> None:
    x = (_random(2, 4, 4) + (1j * _random(2, 4, 4, seed=1) if dtype is np.complex128 else 0)).astype(dtype)
    hermitian = x + np.conj(np.swapaxes(x, -1, -2))
    e, v = tf.linalg.eigh(hermitian)
    assert (np.diff(np.real(e.numpy())) >= 0).all()
    np.testing.assert_allclose(tf.matmul(hermitian, v).numpy(), (v * e[..., None, :]).numpy(), atol=1e-12)
    e, v = tf.linalg.eig(x)
    np.testing.assert_allclose(tf.matmul(tf.cast(x, e.dtype), v).numpy(), (v * e[..., None, :]).numpy(), atol=1e-12)


def test_functions_of_matrices_undo_each_other() -> None:
    x = (_random(3, 4, 4) * 0.4).astype(np.complex128)
    np.testing.assert_allclose(tf.linalg.logm(tf.linalg.expm(x)).numpy(), x, atol=1e-9)
    spd = _random(4, 4)
    spd = spd @ spd.T + np.eye(4)
    root = tf.linalg.sqrtm(spd)
    np.testing.assert_allclose((root @ root).numpy(), spd, rtol=1e-9)


@pytest.mark.parametrize(
    ("equation", "shapes", "message"),
    [
        ("ij,jk->ik", [(2, 3), (4, 2)], "Expected dimension 3"),
        ("ij->ik", [(2, 3)], "not in any input"),
        ("ij,jk->ik", [(2, 3)], "expecting 2"),
        ("i->ii", [(2,)], "twice"),
        ("ijk->", [(2, 3)], "rank 2"),
        ("i1->i", [(2, 3)], "not letters"),
    ],
)
def test_einsum_refuses(equation, shapes, message) -> None:
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match=message):
        tf.einsum(equation, *(tf.ones(s) for s in shapes))


@pytest.mark.parametrize("optimize", ["greedy", "optimal", "auto", "branch-2"])
def test_einsum_of_many_equals_numpy(optimize) -> None:
    x = [_random(2, 3), _random(3, 4, 5), _random(5, 2), _random(4)]
    got = tf.einsum("ab,bcd,de,c->ae", *x, optimize=optimize)
    np.testing.assert_allclose(got.numpy(), np.einsum("ab,bcd,de,c->ae", *x), rtol=1e-10)


def test_matmul_refuses_what_does_not_fit() -> None:
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"Matrix size-incompatible: In\[0\]: \[2,3\], In\[1\]: \[2,3\]"
    ):
        tf.matmul(tf.ones([2, 3]), tf.ones([2, 3]))
    with pytest.raises(ValueError, match="Only one of `transpose_a` and `adjoint_a`"):
        tf.matmul(tf.ones([2, 2]), tf.ones([2, 2]), transpose_a=True, adjoint_a=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="not a matrix"):
        tf.matmul(tf.ones([2]), tf.ones([2, 2]))


def test_a_singular_matrix_is_an_error_of_its_own_kind() -> None:
    for function in (tf.linalg.inv, lambda x: tf.linalg.solve(x, tf.ones([2, 1])), tf.linalg.lu):
        with pytest.raises(tf.errors.InvalidArgumentError, match="not invertible"):
            function(tf.zeros([2, 2]))
    assert np.isnan(tf.linalg.cholesky([[1.0, 2.0], [2.0, 1.0]]).numpy()).any()
