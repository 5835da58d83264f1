"""TensorFlow's ops that are several of ours, by what they are made of. Each takes attributes and inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duoflow.core import dtypes
from duoflow.core.late import F

__all__ = ["EXPANSIONS"]


def _nhwc(a: Any) -> None:
    form = a.get("data_format") or "NHWC"
    if form not in ("NHWC", "N...C"):
        raise ValueError(f"data_format {form} is not imported: only NHWC is.")


def _bias_add(a: Any, x: Any, bias: Any) -> Any:
    return F.bias_add(x, bias, data_format=a.get("data_format") or "NHWC")


def _batch_norm(a: Any, x: Any, scale: Any, offset: Any, mean: Any, variance: Any) -> Any:
    _nhwc(a)
    training = a.get("is_training", True)
    given = (None, None) if training else (mean, variance)
    return F.fused_batch_norm(x, scale, offset, *given, a.get("epsilon", 1e-4), "NHWC", training)


def _depthwise(a: Any, x: Any, kernel: Any) -> Any:
    _nhwc(a)
    dilations = a.get("dilations") or (1, 1, 1, 1)
    return F.depthwise_conv2d(x, kernel, list(a.get("strides")), a.get("padding"), dilations=list(dilations[1:3]))


def _split(a: Any, axis: Any, value: Any) -> Any:
    return F.split(value, a.get("num_split"), int(axis.spec.array))


def _pad(a: Any, x: Any, paddings: Any) -> Any:
    return F.pad(x, paddings)


def _select(a: Any, condition: Any, x: Any, y: Any) -> Any:
    if condition.dims is not None and x.dims is not None and len(condition.dims) == 1 and len(x.dims) > 1:
        condition = F.reshape(condition, [-1] + [1] * (len(x.dims) - 1))
    return F.where(condition, x, y)


EXPANSIONS: dict[str, Callable[..., Any]] = {
    "Add": lambda a, x, y: F.add(x, y),
    "BatchMatMul": lambda a, x, y: F.matmul(x, y, adjoint_a=a.get("adj_x"), adjoint_b=a.get("adj_y")),
    "BatchMatMulV3": lambda a, x, y: F.matmul(x, y, adjoint_a=a.get("adj_x"), adjoint_b=a.get("adj_y")),
    "BiasAdd": _bias_add,
    "BiasAddV1": _bias_add,
    "DepthwiseConv2dNative": _depthwise,
    "Div": lambda a, x, y: F.floordiv(x, y) if x.dtype.is_integer else F.truediv(x, y),
    "FusedBatchNorm": _batch_norm,
    "FusedBatchNormV2": _batch_norm,
    "FusedBatchNormV3": _batch_norm,
    "Gather": lambda a, params, indices: F.gather(params, indices),
    "IdentityN": lambda a, *xs: [F.identity(x) for x in xs],
    "Inv": lambda a, x: F.reciprocal(x),
    "L2Loss": lambda a, x: F.l2_loss(x),
    "Pad": _pad,
    "PreventGradient": lambda a, x: F.identity(x),
    "RandomStandardNormal": lambda a, shape: F.random_normal(shape, dtype=a.get("dtype"), seed=a.get("seed2") or None),
    "RandomUniform": lambda a, shape: F.random_uniform(shape, dtype=a.get("dtype"), seed=a.get("seed2") or None),
    "TruncatedNormal": lambda a, shape: F.random_truncated_normal(
        shape, dtype=a.get("dtype"), seed=a.get("seed2") or None
    ),
    "Select": _select,
    "Snapshot": lambda a, x: F.identity(x),
    "Split": _split,
    "ToBool": lambda a, x: F.cast(x, dtypes.bool_),
    "Unique": lambda a, x: list(F.unique(x)),
}
