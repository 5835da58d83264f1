"""TensorFlow's ops that are several of ours, by what they are made of. Each takes attributes and inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.emit import emit, emit_one
from duoflow.core.late import F
from duoflow.core.state import READ
from duoflow.core.tensor import convert
from duoflow.ops.logging import PRINT

__all__ = ["EXPANSIONS"]

_IMAGES = {"NHWC": "NHWC", "NCHW": "NCHW", "N...C": "NHWC", "NC...": "NCHW", "": "NHWC", None: "NHWC"}


def _format(a: Any) -> str:
    found = a.get("data_format")
    if found not in _IMAGES:
        raise ValueError(f"data_format {found} is not imported: only NHWC and NCHW are.")
    return _IMAGES[found]


def _known(tensor: Any, what: str) -> Any:
    """The value of an input that must be a constant."""
    if tensor.spec.array is None:
        raise ValueError(f"input {what} must be a constant.")
    return tensor.spec.array


def _bias_add(a: Any, x: Any, bias: Any) -> Any:
    return F.bias_add(x, bias, data_format=_format(a))


def _batch_norm(a: Any, x: Any, scale: Any, offset: Any, mean: Any, variance: Any) -> Any:
    training = a.get("is_training", True)
    given = (mean, variance) if not training or a.get("exponential_avg_factor", 1.0) != 1.0 else (None, None)
    y, *moments = F.fused_batch_norm(
        x, scale, offset, *given, a.get("epsilon", 1e-4), _format(a), training,
        exponential_avg_factor=a.get("exponential_avg_factor", 1.0),
    )  # fmt: skip
    return y, *moments, *moments, moments[0]  # what only gradients take: the moments again


def _depthwise(a: Any, x: Any, kernel: Any) -> Any:
    dilations = a.get("dilations") or (1, 1, 1, 1)
    at = slice(2, 4) if _format(a) == "NCHW" else slice(1, 3)
    padding = a.get("padding")
    if padding == "EXPLICIT":
        padding = np.reshape(a.get("explicit_paddings"), (4, 2)).tolist()
    strides = list(a.get("strides"))
    return F.depthwise_conv2d(x, kernel, strides, padding, data_format=_format(a), dilations=list(dilations[at]))


def _cross_entropy(sparse: bool) -> Callable[..., Any]:
    def expansion(a: Any, logits: Any, labels: Any) -> Any:
        p = F.softmax(logits)
        if sparse:
            loss = F.sparse_softmax_cross_entropy_with_logits(labels, logits)
            return loss, p - F.one_hot(labels, F.shape(logits)[-1], dtype=logits.dtype)
        return F.softmax_cross_entropy_with_logits(labels, logits), p - labels

    return expansion


def _split(a: Any, axis: Any, value: Any) -> Any:
    return F.split(value, a.get("num_split"), int(_known(axis, "axis")))


def _select(a: Any, condition: Any, x: Any, y: Any) -> Any:
    if condition.dims is not None and x.dims is not None and len(condition.dims) == 1 and len(x.dims) > 1:
        condition = F.reshape(condition, [-1] + [1] * (len(x.dims) - 1))
    return F.where(condition, x, y)


def _print(a: Any, text: Any) -> Any:
    attrs = {"output_stream": a.get("output_stream"), "pieces": None, "summarize": 3}
    emit(PRINT, (F.string_join([text, a.get("end", "\n")]),), attrs)


def _resource_gather(a: Any, handle: Any, indices: Any) -> Any:
    value = emit_one(READ, (handle,), {"dtype": a.get("dtype"), "shape": a.variable_dims(handle)})
    return F.gather(value, indices, batch_dims=a.get("batch_dims", 0))


def _resource_gather_nd(a: Any, handle: Any, indices: Any) -> Any:
    value = emit_one(READ, (handle,), {"dtype": a.get("dtype"), "shape": a.variable_dims(handle)})
    return F.gather_nd(value, indices)


def _empty_list(a: Any, shape: Any, most: Any) -> Any:
    return F.tensor_list_reserve(0, a.get("element_dtype"))


def _uniform_int(a: Any, shape: Any, low: Any, high: Any) -> Any:
    return F.random_uniform(shape, low, high, low.dtype, seed=a.get("seed2") or None)


def _drawn(function: str) -> Callable[..., Any]:
    """A random op that keeps its own state: the seed of its definition, if it has one."""
    return lambda a, shape: getattr(F, function)(shape, dtype=a.get("dtype"), seed=a.get("seed2") or None)


def _stateless(function: str) -> Callable[..., Any]:
    return lambda a, shape, seed: getattr(F, function)(shape, seed, dtype=a.get("dtype"), alg="philox")


def _stateless_ints(a: Any, shape: Any, seed: Any, low: Any, high: Any) -> Any:
    return F.stateless_uniform(shape, seed, low, high, dtype=a.get("dtype"), alg="philox")


def _suppressed(a: Any, boxes: Any, scores: Any, most: Any, overlap: Any = None, least: Any = float("-inf")) -> Any:
    return F.non_max_suppression(
        boxes, scores, most, a.get("iou_threshold", overlap) if overlap is None else overlap, least
    )


def _space_to_batch(a: Any, x: Any, block: Any, paddings: Any) -> Any:
    return F.space_to_batch_nd(x, block, paddings)


def _batch_to_space(a: Any, x: Any, block: Any, crops: Any) -> Any:
    return F.batch_to_space(x, block, crops)


def _of_result(rule: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """The gradient of an elementwise op in terms of its result y and the cotangent."""
    return lambda a, y, dy: rule(y, dy)


def _bias_gradient(a: Any, dy: Any) -> Any:
    rank = len(dy.dims)
    channel = 1 if _format(a) == "NCHW" else rank - 1
    return F.reduce_sum(dy, [i for i in range(rank) if i != channel])


def _concat_offsets(a: Any, axis: Any, *shapes: Any) -> Any:
    at = int(_known(axis, "concat_dim"))
    offsets, ahead = [], 0
    for shape in shapes:
        start = [0] * int(shape.dims[0])
        start[at] = 1
        offsets.append(convert(np.asarray(start, np.int32)) * ahead)
        ahead = ahead + shape[at]
    return offsets


def _listed(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, *inputs: function(list(inputs))


def _shape_n(inputs: Sequence[Any]) -> Any:
    return [F.shape(x) for x in inputs]


def _stitch(a: Any, *inputs: Any) -> Any:
    half = len(inputs) // 2
    return F.dynamic_stitch(list(inputs[:half]), list(inputs[half:]))


EXPANSIONS: dict[str, Callable[..., Any]] = {
    "Add": lambda a, x, y: F.add(x, y),
    "AdjustContrastv2": lambda a, x, factor: F.adjust_contrast(x, factor),
    "AdjustHue": lambda a, x, delta: F.adjust_hue(x, delta),
    "AdjustSaturation": lambda a, x, factor: F.adjust_saturation(x, factor),
    "ApproximateEqual": lambda a, x, y: F.less(F.abs(x - y), F.cast(a.get("tolerance", 1e-5), x.dtype)),
    "BatchMatMul": lambda a, x, y: F.matmul(x, y, adjoint_a=a.get("adj_x"), adjoint_b=a.get("adj_y")),
    "BatchMatMulV3": lambda a, x, y: F.matmul(x, y, adjoint_a=a.get("adj_x"), adjoint_b=a.get("adj_y")),
    "BatchToSpaceND": _batch_to_space,
    "BiasAdd": _bias_add,
    "BiasAddGrad": _bias_gradient,
    "BiasAddV1": _bias_add,
    "ConcatOffset": _concat_offsets,
    "ControlTrigger": lambda a: None,
    "Cross": lambda a, x, y: F.cross(x, y),
    "DepthToSpace": lambda a, x: F.depth_to_space(x, a.get("block_size"), _format(a)),
    "DepthwiseConv2dNative": _depthwise,
    "Diag": lambda a, x: F.tensor_diag(x),
    "DiagPart": lambda a, x: F.tensor_diag_part(x),
    "Div": lambda a, x, y: F.floordiv(x, y) if x.dtype.is_integer else F.truediv(x, y),
    "EluGrad": lambda a, dy, y: F.where(y < 0, dy * (y + 1), dy),
    "EmptyTensorList": _empty_list,
    "FusedBatchNorm": _batch_norm,
    "FusedBatchNormV2": _batch_norm,
    "FusedBatchNormV3": _batch_norm,
    "Gather": lambda a, params, indices: F.gather(params, indices),
    "HSVToRGB": lambda a, x: F.hsv_to_rgb(x),
    "IdentityN": lambda a, *xs: [F.identity(x) for x in xs],
    "Inv": lambda a, x: F.reciprocal(x),
    "InvGrad": _of_result(lambda y, dy: -dy * y * y),
    "L2Loss": lambda a, x: F.l2_loss(x),
    "LinSpace": lambda a, start, stop, num: F.linspace(start, stop, num),
    "MatrixDiag": lambda a, x: F.diag(x),
    "MatrixDiagPart": lambda a, x: F.diag_part(x),
    "MatrixSetDiag": lambda a, x, diagonal: F.set_diag(x, diagonal),
    "Mod": lambda a, x, y: F.truncatemod(x, y),
    "NonMaxSuppression": _suppressed,
    "NonMaxSuppressionV2": _suppressed,
    "NonMaxSuppressionV3": _suppressed,
    "Pad": lambda a, x, paddings: F.pad(x, paddings),
    "ParallelDynamicStitch": _stitch,
    "PreventGradient": lambda a, x: F.identity(x),
    "PrintV2": _print,
    "RGBToHSV": lambda a, x: F.rgb_to_hsv(x),
    "RandomShuffle": lambda a, x: F.random_shuffle(x, seed=a.get("seed2") or None),
    "RandomStandardNormal": _drawn("random_normal"),
    "RandomUniform": _drawn("random_uniform"),
    "RandomUniformInt": _uniform_int,
    "ReciprocalGrad": _of_result(lambda y, dy: -dy * y * y),
    "RegexFullMatch": lambda a, x, pattern: F.regex_full_match(x, _known(pattern, "pattern").item()),
    "RegexReplace": lambda a, x, pattern, new: F.regex_replace(
        x, _known(pattern, "pattern").item(), _known(new, "rewrite").item(), a.get("replace_global", True)
    ),
    "ResourceGather": _resource_gather,
    "ResourceGatherNd": _resource_gather_nd,
    "RsqrtGrad": _of_result(lambda y, dy: dy * -0.5 * y * y * y),
    "Select": _select,
    "SeluGrad": lambda a, dy, y: F.where(y < 0, dy * (y + 1.7580993408473766), dy * 1.0507009873554805),
    "ShapeN": _listed(_shape_n),
    "SigmoidGrad": _of_result(lambda y, dy: dy * y * (1 - y)),
    "Snapshot": lambda a, x: F.identity(x),
    "SoftmaxCrossEntropyWithLogits": _cross_entropy(sparse=False),
    "SoftplusGrad": lambda a, dy, x: dy * F.sigmoid(x),
    "SoftsignGrad": lambda a, dy, x: dy / F.square(1 + F.abs(x)),
    "SpaceToBatchND": _space_to_batch,
    "SpaceToDepth": lambda a, x: F.space_to_depth(x, a.get("block_size"), _format(a)),
    "SparseSoftmaxCrossEntropyWithLogits": _cross_entropy(sparse=True),
    "Split": _split,
    "SqrtGrad": _of_result(lambda y, dy: dy * 0.5 / y),
    "StatelessRandomNormal": _stateless("stateless_normal"),
    "StatelessRandomUniform": _stateless("stateless_uniform"),
    "StatelessRandomUniformInt": _stateless_ints,
    "StatelessTruncatedNormal": _stateless("stateless_truncated_normal"),
    "TanhGrad": _of_result(lambda y, dy: dy * (1 - y * y)),
    "ToBool": lambda a, x: F.cast(x, dtypes.bool_),
    "TruncatedNormal": _drawn("random_truncated_normal"),
    "Unique": lambda a, x: list(F.unique(x, a.get("out_idx"))),
}
