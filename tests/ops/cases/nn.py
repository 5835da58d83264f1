"""Calls of the network ops: activations, softmax, cross-entropies, convolutions, pools, normalisation, lookups."""

from typing import Any

import numpy as np

from duoflow.core.emit import emit_one
from duoflow.core.late import F
from duoflow.core.record import OPS
from tests.ops.harness import Case, ints, positive, real

_IMAGE = real(2, 5, 6, 4)
def _shares(axis, *shape):
    """Numbers that sum to one along an axis: the gradient takes labels for that."""
    x = positive(*shape)
    return (x / x.sum(axis, keepdims=True)).astype(x.dtype)


_PROBABILITIES = np.array([[0.1, 0.2, 0.7], [0.5, 0.5, 0.0]], np.float32)
_LABELS = np.array([2, 0, 1], np.int32)

_HOLES = np.array([[np.nan, 1, 2, -3], [-np.inf, np.nan, 5, 4], [-np.inf, np.nan, np.nan, -np.inf]], np.float32)
_HOLES = np.stack([_HOLES, _HOLES[:, ::-1]], -1)[None]


def _away_from_kinks(*shape: int) -> np.ndarray:
    x = real(*shape)
    return np.where(np.abs(x) < 0.1, 0.5, np.where(np.abs(x - 6) < 0.1, 5.0, x)).astype(np.float32)


_ELEMENTWISE = [F.relu, F.relu6, F.elu, F.selu, F.softsign, F.silu, F.gelu]


def _max_pool_back(x: Any, upstream: Any, rank: int) -> Any:
    """The gradient of max pooling as a function of the upstream gradient, which it is linear in."""
    forward, back = (OPS["MaxPool"], OPS["MaxPoolGrad"]) if rank == 2 else (OPS["MaxPool3D"], OPS["MaxPool3DGrad"])
    attrs = {"ksize": (2,) * rank, "strides": (2,) * rank, "padding": "SAME"}
    return emit_one(back, (x, emit_one(forward, (x,), attrs), upstream), attrs)


CASES = [
    Case(_max_pool_back, real(2, 5, 6, 3), real(2, 3, 3, 3), rank=2, grad=(1,), id="max_pool2d-back"),
    Case(_max_pool_back, real(1, 4, 5, 4, 2), real(1, 2, 3, 2, 2), rank=3, grad=(1,), id="max_pool3d-back"),
    Case(_max_pool_back, _HOLES, real(1, 2, 2, 2), rank=2, grad=(1,), id="max_pool2d-back-nan"),
    Case(F.max_pool2d, _HOLES, ksize=2, strides=1, padding="SAME", grad=(), dtypes=["float16"], id="max_pool-nan"),
    Case(F.max_pool2d, _HOLES, ksize=2, strides=2, padding="VALID", grad=(), dtypes=["float64"], id="max_pool-nan-2"),
    *(Case(f, _away_from_kinks(3, 4) * 3, dtypes=["float64"]) for f in _ELEMENTWISE),
    Case(F.relu, ints(3, 4), id="relu-int"),
    Case(F.relu, np.array([np.nan, -np.inf, np.inf, -0.0], np.float32), grad=(), id="relu-nan"),
    Case(F.leaky_relu, _away_from_kinks(3, 4), alpha=0.3),
    Case(F.gelu, real(3, 4), approximate=True),
    Case(F.crelu, _away_from_kinks(2, 3)),
    *(Case(f, real(2, 3, 4), axis=a) for f in (F.softmax, F.log_softmax) for a in (None, 1, -1)),
    *(
        Case(f, np.array([[1e4, 1e4], [-1e4, 3.0]], np.float32), grad=(), id=f"{f.__name__}-far")
        for f in (F.softmax, F.log_softmax)
    ),
    *(Case(f, np.zeros((0, 3), np.float32), grad=(), id=f"{f.__name__}-empty") for f in (F.softmax, F.log_softmax)),
    Case(F.softmax_cross_entropy_with_logits, _PROBABILITIES, real(2, 3)),
    Case(F.softmax_cross_entropy_with_logits, _shares(-1, 2, 2, 3), real(2, 2, 3), id="xent-rank-3"),
    Case(F.softmax_cross_entropy_with_logits, _shares(1, 2, 3, 2), real(2, 3, 2), axis=1, id="xent-axis"),
    Case(F.sparse_softmax_cross_entropy_with_logits, _LABELS, real(3, 4)),
    Case(F.sparse_softmax_cross_entropy_with_logits, _LABELS.reshape(1, 3), real(1, 3, 4), id="sparse-xent-rank-3"),
    Case(F.sigmoid_cross_entropy_with_logits, positive(2, 3, high=0.9), real(2, 3)),
    Case(F.weighted_cross_entropy_with_logits, positive(2, 3, high=0.9), _away_from_kinks(2, 3), 2.0),
    Case(F.log_poisson_loss, positive(2, 3, low=1.5), real(2, 3), compute_full_loss=True),
    Case(F.l2_loss, real(2, 3)),
    Case(F.bias_add, real(2, 3, 4), real(4)),
    Case(F.bias_add, real(2, 3, 4), real(3), data_format="NCHW", id="bias_add-first"),
    *(
        Case(F.conv2d, _IMAGE, real(3, 2, 4, 3, scale=0.5), strides=s, padding=p, dilations=d, rtol=1e-4)
        for s, p, d in (
            (1, "SAME", 1),
            (2, "VALID", 1),
            ([2, 1], "SAME", 1),
            (1, "SAME", 2),
            (1, [[0, 0], [1, 2], [0, 1], [0, 0]], 1),
        )
    ),
    Case(F.conv2d, _IMAGE, real(3, 3, 2, 6, scale=0.5), strides=1, padding="SAME", rtol=1e-4, id="conv2d-groups"),
    Case(
        F.conv2d,
        real(2, 4, 5, 6),
        real(3, 2, 4, 3, scale=0.5),
        strides=1,
        padding="SAME",
        data_format="NCHW",
        rtol=1e-4,
        needs="rank",
        id="conv2d-NCHW",
    ),
    Case(
        F.conv2d,
        np.zeros((0, 5, 6, 4), np.float32),
        real(3, 2, 4, 3),
        strides=1,
        padding="SAME",
        grad=(),
        id="conv2d-empty",
    ),
    *(
        Case(F.conv1d, real(2, 7, 3), real(3, 3, 4, scale=0.5), stride=s, padding=p, rtol=1e-4)
        for s, p in ((1, "SAME"), (2, "VALID"))
    ),
    Case(
        F.conv3d,
        real(1, 4, 5, 3, 2),
        real(2, 3, 2, 2, 3, scale=0.5),
        strides=[1, 1, 2, 1, 1],
        padding="SAME",
        rtol=1e-4,
    ),
    *(
        Case(
            F.conv2d_transpose,
            real(2, 3, 3, 3),
            real(3, 3, 4, 3, scale=0.5),
            output_shape=[2, 6, 6, 4],
            strides=2,
            padding=p,
            rtol=1e-4,
            needs="rank",
        )
        for p in ("SAME",)
    ),
    Case(
        F.conv1d_transpose,
        real(2, 4, 3),
        real(3, 2, 3, scale=0.5),
        output_shape=[2, 8, 2],
        strides=2,
        rtol=1e-4,
        needs="rank",
    ),
    Case(
        F.conv3d_transpose,
        real(1, 2, 2, 2, 2),
        real(2, 2, 2, 3, 2, scale=0.5),
        output_shape=[1, 4, 4, 4, 3],
        strides=2,
        rtol=1e-4,
        needs="rank",
    ),
    Case(
        F.depthwise_conv2d,
        _IMAGE,
        real(3, 3, 4, 2, scale=0.5),
        strides=[1, 1, 1, 1],
        padding="SAME",
        rtol=1e-4,
        needs="rank",
    ),
    Case(
        F.separable_conv2d,
        _IMAGE,
        real(3, 3, 4, 2, scale=0.5),
        real(1, 1, 8, 3),
        strides=[1, 1, 1, 1],
        padding="SAME",
        rtol=1e-4,
        needs="rank",
    ),
    *(
        Case(f, _IMAGE, ksize=k, strides=s, padding=p)
        for f in (F.max_pool2d, F.avg_pool2d)
        for k, s, p in ((2, 2, "VALID"), (3, 2, "SAME"), ([2, 3], 1, "SAME"))
    ),
    *(Case(f, real(2, 7, 3), ksize=3, strides=2, padding="SAME") for f in (F.max_pool1d, F.avg_pool1d)),
    *(Case(f, real(1, 4, 5, 4, 2), ksize=2, strides=2, padding="SAME") for f in (F.max_pool3d, F.avg_pool3d)),
    Case(F.max_pool2d, ints(1, 4, 4, 2), ksize=2, strides=2, padding="VALID", id="max_pool-int"),
    Case(F.max_pool_with_argmax, _IMAGE, ksize=2, strides=2, padding="SAME"),
    Case(F.pool, _IMAGE, [2, 2], "AVG", strides=[2, 2]),
    Case(F.moments, real(3, 4, 5), [0, 1]),
    Case(F.moments, real(3, 4), [1], keepdims=True),
    Case(F.weighted_moments, real(3, 4), [0], positive(3, 4)),
    Case(F.batch_normalization, real(3, 4), real(4), positive(4), real(4, seed=1), real(4, seed=2), 1e-3),
    Case(F.fused_batch_norm, real(2, 3, 3, 4), real(4), real(4, seed=1), rtol=1e-4, needs="rank"),
    Case(F.local_response_normalization, positive(1, 2, 2, 7), depth_radius=2),
    Case(F.embedding_lookup, real(5, 3), np.array([[0, 4], [2, 2]], np.int32)),
    Case(
        F.embedding_lookup,
        real(5, 3),
        np.array([0, 4], np.int32),
        max_norm=1.0,
        needs="rank",
        id="embedding_lookup-norm",
    ),
    Case(
        F.embedding_lookup,
        [real(3, 2), real(2, 2, seed=1), real(2, 2, seed=2)],
        np.array([[0, 6], [2, 3], [5, 5]], np.int32),
        id="embedding_lookup-tables",
    ),
]
