"""How our records are written in TensorFlow's op definitions.

A `Form` belongs to one op. TensorFlow names the types of inputs in attributes, takes axes as inputs where ours are
attributes, and calls some attributes otherwise. What it has no place for goes into attributes that start with an
underscore, which it lets pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from duoflow.core import dtypes

__all__ = ["FORMS", "Form", "form_of"]


@dataclass(frozen=True)
class Form:
    """One op in TensorFlow's terms.

    types: TensorFlow's type attributes and the inputs (outputs as -1, -2, ...) that have these types
    index_types: type attributes of inputs that are attributes here: always int32
    constants: our attributes that are inputs there, with their places and whether they are lists
    renamed: our names of attributes and theirs
    count: the attribute that counts a list of inputs, and how many other inputs follow it
    convert: their values of attributes for ours, by our name, and back
    fixed: attributes that are always the same here
    private: attributes that TensorFlow does not have
    algorithm: the place of the input that names a random generator, which is Philox here
    """

    types: dict[str, int] = field(default_factory=dict)
    index_types: tuple[str, ...] = ()
    constants: tuple[tuple[str, int], ...] = ()
    renamed: dict[str, str] = field(default_factory=dict)
    count: str | None = None
    convert: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)
    private: tuple[str, ...] = ()
    algorithm: int | None = None


def _framed(values: Any) -> list[int]:
    """Numbers of the spatial dimensions with those of batch and channels around them."""
    return [1, *values, 1]


def _spatial(values: Any) -> tuple[int, ...]:
    values = tuple(values)
    if values[0] != 1 or values[-1] != 1:
        raise ValueError(f"Strides, windows and dilations of batches and channels must be 1, received {list(values)}.")
    return values[1:-1]


def _tuple(values: Any) -> Any:
    return tuple(np.reshape(values, -1).tolist())


def _int(value: Any) -> int:
    return int(np.reshape(value, -1)[0])


_WINDOW = (_framed, _spatial)
_AXES: tuple[Callable[[Any], Any], Callable[[Any], Any]] = (lambda v: np.asarray(v, np.int32), _tuple)
_AXIS: tuple[Callable[[Any], Any], Callable[[Any], Any]] = (lambda v: np.asarray(v, np.int32), _int)
_T = {"T": 0}


def _reduction(types: dict[str, int]) -> Form:
    return Form(types, ("Tidx",), (("axis", 1),), {"keepdims": "keep_dims"}, convert={"axis": _AXES})


def _convolution(backward: bool = False) -> Form:
    return Form(
        {"T": -1}, convert={"strides": _WINDOW, "dilations": _WINDOW},
        fixed={"data_format": "NHWC", "use_cudnn_on_gpu": True},
    )  # fmt: skip


def _scan() -> Form:
    return Form(_T, ("Tidx",), (("axis", 1),), convert={"axis": _AXIS})


_POOLING = Form(_T, convert={"ksize": _WINDOW, "strides": _WINDOW}, fixed={"data_format": "NHWC"})
_ARG = Form(_T, ("Tidx",), (("axis", 1),), convert={"axis": _AXIS})
_VARIABLE = Form(private=("shape",))
_LAST_AXIS = Form(_T, private=("axis",))

FORMS: dict[str, Form] = {
    **{name: _reduction(_T) for name in ("Sum", "Mean", "Max", "Min", "Prod", "EuclideanNorm")},
    **{name: _reduction({}) for name in ("Any", "All")},
    **dict.fromkeys(("ArgMax", "ArgMin"), _ARG),
    **{name: _scan() for name in ("Cumsum", "Cumprod", "CumulativeLogsumexp")},
    **{name: _convolution() for name in ("Conv2D", "Conv2DBackpropFilter", "Conv2DBackpropInput")},
    **dict.fromkeys(("MaxPool", "AvgPool"), _POOLING),
    **{name: Form() for name in ("LogicalAnd", "LogicalOr", "LogicalNot", "NoOp", "StringJoin", "VarIsInitializedOp")},
    **{name: Form({"T": 0}) for name in ("Softplus", "Relu", "Relu6", "Elu", "Selu", "Softsign", "LeakyRelu")},
    **dict.fromkeys(("Softmax", "LogSoftmax"), _LAST_AXIS),
    **{name: Form({"dtype": 1}, private=("shape",)) for name in (
        "AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp",
    )},
    "ReadVariableOp": _VARIABLE,
    "VarHandleOp": Form(private=("trainable", "zero")),
    "Const": Form({"dtype": -1}),
    "AddN": Form(_T, count="N"),
    "BroadcastTo": Form({"T": 0, "Tidx": 1}),
    "Cast": Form({"SrcT": 0}, renamed={"dtype": "DstT"}),
    "ClipByValue": Form(_T),
    "ConcatV2": Form(_T, ("Tidx",), (("axis", -1),), count="N", convert={"axis": _AXIS}),
    "Einsum": Form(_T, count="N"),
    "ExpandDims": Form(_T, ("Tdim",), (("axis", 1),), convert={"axis": _AXIS}),
    "Fill": Form({"T": 1, "index_type": 0}),
    "GatherNd": Form({"Tparams": 0, "Tindices": 1}),
    "GatherV2": Form({"Tparams": 0, "Tindices": 1}, ("Taxis",), (("axis", 2),), convert={"axis": _AXIS}),
    "LRN": Form(_T, renamed={"radius": "depth_radius"}),
    "MatMul": Form(_T),
    "BatchMatMulV2": Form(_T),
    "OneHot": Form({"T": 2, "TI": 0}),
    "OnesLike": Form(_T, private=("dtype",)),
    "ZerosLike": Form(_T, private=("dtype",)),
    "Pack": Form(_T, count="N"),
    "PadV2": Form({"T": 0, "Tpaddings": 1}),
    "MirrorPad": Form({"T": 0, "Tpaddings": 1}),
    "PlaceholderWithDefault": Form({"dtype": 0}),
    "Range": Form({"Tidx": 0}),
    "Rank": Form(_T),
    "Reshape": Form({"T": 0, "Tshape": 1}),
    "ReverseV2": Form(_T, ("Tidx",), (("axis", 1),), convert={"axis": _AXES}),
    "SelectV2": Form({"T": 1}),
    "Shape": Form(_T),
    "Size": Form(_T),
    "Slice": Form({"T": 0, "Index": 1}),
    "SparseSoftmaxCrossEntropyWithLogits": Form({"T": 0, "Tlabels": 1}),
    "SplitV": Form({"T": 0, "Tlen": 1}, (), (("axis", 2),), {"num": "num_split"}, convert={"axis": _AXIS}),
    "Squeeze": Form(_T, renamed={"axis": "squeeze_dims"}),
    "StridedSlice": Form({"T": 0, "Index": 1}),
    "Tile": Form({"T": 0, "Tmultiples": 1}),
    "TopKV2": Form({"T": 0, "Tk": 1}),
    "Transpose": Form(_T, ("Tperm",), (("perm", 1),), convert={"perm": _AXES}),
    "Unpack": Form(_T),
    "Where": Form(_T),
    "StatelessRandomUniformV2": Form({"Tshape": 0}, algorithm=3),
    "StatelessRandomNormalV2": Form({"Tshape": 0}, algorithm=3),
    "StatelessTruncatedNormalV2": Form({"Tshape": 0}, algorithm=3),
    "StatelessRandomUniformFullIntV2": Form({"Tshape": 0}, algorithm=3),
    "StatelessRandomUniformIntV2": Form({"Tshape": 0, "dtype": -1}, algorithm=3),
    "Placeholder": Form(),
    "MergeSummary": Form(count="N"),
    "ScalarSummary": Form({"T": -2}),
}  # fmt: skip

#: Ops whose definition takes one type from the first input and has no attributes of other names: all elementwise ones.
_PLAIN = Form(_T)


def form_of(name: str) -> Form:
    """The form of an op; that of an elementwise op if it has no entry."""
    return FORMS.get(name, _PLAIN)


INT32 = dtypes.int32
