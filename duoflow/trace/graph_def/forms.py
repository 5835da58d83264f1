"""How our records are written in TensorFlow's op definitions, beyond what the definitions say themselves.

TensorFlow takes axes as inputs where ours are attributes, and calls some attributes otherwise. What it has no place for
goes into attributes that start with an underscore, which it lets pass; ops for which that would change the meaning are
put in other terms before (see portable.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from duoflow.core.graph import Node

__all__ = ["FORMS", "Form", "form_of"]


@dataclass(frozen=True)
class Form:
    """One op in TensorFlow's terms.

    constants: our attributes that are inputs there, with their places (-1: the last)
    implied: inputs there that ours does without: their places, and their values for a node
    renamed: our names of attributes and theirs
    convert: their values of attributes for ours, by our name, and back
    fixed: attributes that are always the same here; another value is not imported
    private: attributes that TensorFlow does not have
    algorithm: the place of the input that names a random generator, which is Philox here
    unset: what None stands for in an attribute that is an input there
    """

    constants: tuple[tuple[str, int], ...] = ()
    implied: tuple[tuple[int, Callable[[Node], Any]], ...] = ()
    renamed: dict[str, str] = field(default_factory=dict)
    convert: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)
    private: tuple[str, ...] = ()
    algorithm: int | None = None
    unset: Callable[[Node], Any] | None = None


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


def _text(value: Any) -> str:
    found: bytes = np.reshape(value, -1)[0]
    return found.decode()


def _all_axes(node: Node) -> list[int]:
    dims = node.inputs[0].dims
    if dims is None:
        raise ValueError("all axes of a tensor of unknown rank have no form in a GraphDef.")
    return list(range(len(dims)))


def _last_size(node: Node) -> int:
    dims = node.inputs[0].dims
    if dims is None or dims[-1] is None:
        raise ValueError("the length of a transform over an unknown dimension must be given.")
    return dims[-1]


def _element_shape(node: Node) -> Any:
    dims = node.inputs[0].dims
    return np.asarray(-1 if dims is None else [-1 if d is None else d for d in dims[1:]], np.int32)


_Pair = tuple[Callable[[Any], Any], Callable[[Any], Any]]
_WINDOW: _Pair = (_framed, _spatial)
_AXES: _Pair = (lambda v: np.asarray(v, np.int32), _tuple)
_AXIS: _Pair = (lambda v: np.asarray(v, np.int32), _int)
_LONG: _Pair = (lambda v: np.asarray(v, np.int64), _int)
_LENGTH: _Pair = (lambda v: np.asarray([v], np.int32), _int)
_STRING: _Pair = (lambda v: np.asarray(v.encode(), object), _text)
_POLICY: _Pair = (lambda v: "IGNORE" if v else "", lambda v: v == "IGNORE")

_REDUCTION = Form((("axis", 1),), renamed={"keepdims": "keep_dims"}, convert={"axis": _AXES}, unset=_all_axes)
_ALONG = Form((("axis", 1),), convert={"axis": _AXIS})
_OVER = Form((("axis", 1),), convert={"axis": _AXES})
_CONV_2D = Form(convert={"strides": _WINDOW, "dilations": _WINDOW}, fixed={"data_format": "NHWC"})
_CONV_3D = Form(convert={"strides": _WINDOW, "dilations": _WINDOW}, fixed={"data_format": "NDHWC"})
_POOL_2D = Form(convert={"ksize": _WINDOW, "strides": _WINDOW}, fixed={"data_format": "NHWC"})
_POOL_3D = Form(convert={"ksize": _WINDOW, "strides": _WINDOW}, fixed={"data_format": "NDHWC"})
_VARIABLE = Form(private=("shape",))
_LAST_AXIS = Form(private=("axis",))
_LIKE = Form(private=("dtype",))
_RANDOM = Form(algorithm=3)
_SCATTER = Form(renamed={"ignore": "bad_indices_policy"}, convert={"ignore": _POLICY})
_ELEMENT = Form(renamed={"dtype": "element_dtype"}, private=("shape",))
_CALL = Form(renamed={"body": "f"})

FORMS: dict[str, Form] = {
    **dict.fromkeys(("Sum", "Mean", "Max", "Min", "Prod", "EuclideanNorm", "Any", "All", "ReduceJoin"), _REDUCTION),
    **dict.fromkeys(("ArgMax", "ArgMin", "Cumsum", "Cumprod", "CumulativeLogsumexp", "ExpandDims"), _ALONG),
    **dict.fromkeys(("Conv2D", "Conv2DBackpropFilter", "Conv2DBackpropInput"), _CONV_2D),
    **dict.fromkeys(("Conv3D", "Conv3DBackpropFilterV2", "Conv3DBackpropInputV2"), _CONV_3D),
    **dict.fromkeys(("MaxPool", "AvgPool", "MaxPoolGrad", "AvgPoolGrad", "MaxPoolGradGrad"), _POOL_2D),
    **dict.fromkeys(("MaxPool3D", "AvgPool3D", "MaxPool3DGrad", "AvgPool3DGrad", "MaxPool3DGradGrad"), _POOL_3D),
    **dict.fromkeys(("Softmax", "LogSoftmax"), _LAST_AXIS),
    **dict.fromkeys(("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "ReadVariableOp"), _VARIABLE),
    **dict.fromkeys(("OnesLike", "ZerosLike"), _LIKE),
    **dict.fromkeys(("ScatterNd", *(f"TensorScatter{k}" for k in ("Add", "Max", "Min", "Sub", "Update"))), _SCATTER),
    **dict.fromkeys(("TensorListGetItem", "TensorListPopBack", "TensorListStack"), _ELEMENT),
    **dict.fromkeys(("PartitionedCall", "StatefulPartitionedCall"), _CALL),
    **dict.fromkeys((
        "StatelessRandomUniformV2", "StatelessRandomNormalV2", "StatelessTruncatedNormalV2", "StatelessRandomGammaV3",
        "StatelessRandomUniformFullIntV2", "StatelessRandomUniformIntV2", "StatelessShuffle",
    ), _RANDOM),
    "Bitcast": Form(renamed={"dtype": "type"}),
    "Cast": Form(renamed={"dtype": "DstT"}),
    "ConcatV2": Form((("axis", -1),), convert={"axis": _AXIS}),
    "CropAndResize": Form(renamed={"extrapolation": "extrapolation_value"}),
    "CropAndResizeGradImage": Form(private=("extrapolation",)),
    "DecodeBmp": Form(private=("dtype", "expand")),
    "DecodeCompressed": Form(renamed={"kind": "compression_type"}),
    "DecodeGif": Form(private=("channels", "dtype", "expand")),
    "DecodeImage": Form(renamed={"expand": "expand_animations"}),
    "DecodeJpeg": Form(private=("dtype", "expand")),
    "DecodePng": Form(private=("expand",)),
    "DecodeWav": Form(renamed={"channels": "desired_channels", "samples": "desired_samples"}),
    "DecodeWebP": Form(private=("expand",)),
    "Empty": Form((("shape", 0),), convert={"shape": _AXES}),
    "GatherV2": Form((("axis", 2),), convert={"axis": _AXIS}),
    "IRFFT": Form((("length", 1),), convert={"length": _LENGTH}, unset=lambda node: 2 * (_last_size(node) - 1)),
    "InTopKV2": Form((("k", 2),), convert={"k": _AXIS}),
    "LRN": Form(renamed={"radius": "depth_radius"}),
    "MatrixBandPart": Form((("num_lower", 1), ("num_upper", 2)), convert={"num_lower": _LONG, "num_upper": _LONG}),
    "MatrixDiagPartV3": Form((("k", 1),), convert={"k": _AXES}),
    "MatrixDiagV3": Form(
        (("k", 1), ("num_rows", 2), ("num_cols", 3)), convert={"k": _AXES, "num_rows": _AXIS, "num_cols": _AXIS}
    ),
    "MatrixSetDiagV3": Form((("k", 2),), convert={"k": _AXES}),
    "MaxPoolWithArgmax": Form(
        renamed={"index_dtype": "Targmax", "include_batch": "include_batch_in_index"},
        convert={"ksize": _WINDOW, "strides": _WINDOW},
    ),
    "NonMaxSuppressionV5": Form(renamed={"pad": "pad_to_max_output_size"}),
    "RFFT": Form((("length", 1),), convert={"length": _LENGTH}, unset=_last_size),
    "ReverseSequence": Form(renamed={"seq_axis": "seq_dim", "batch_axis": "batch_dim"}),
    "ReverseV2": _OVER,
    "Roll": Form((("axis", 2),), convert={"axis": _AXES}),
    "SplitV": Form((("axis", 2),), renamed={"num": "num_split"}, convert={"axis": _AXIS}),
    "Squeeze": Form(renamed={"axis": "squeeze_dims"}),
    "StringSplitV2": Form((("sep", 1),), convert={"sep": _STRING}),
    "TensorListFromTensor": Form(implied=((1, _element_shape),)),
    "TensorListReserve": Form(implied=((0, lambda node: np.int32(-1)),), renamed={"dtype": "element_dtype"}),
    "TensorListSetItem": Form(renamed={"grow": "resize_if_index_out_of_bounds"}),
    "Transpose": Form((("perm", 1),), convert={"perm": _AXES}, unset=lambda node: _all_axes(node)[::-1]),
    "UnicodeDecode": Form(renamed={"encoding": "input_encoding", "replacement": "replacement_char"}),
    "UnicodeEncode": Form(renamed={"encoding": "output_encoding", "replacement": "replacement_char"}),
    "UnicodeTranscode": Form(renamed={
        "source": "input_encoding", "target": "output_encoding", "replacement": "replacement_char",
    }),
    "VarHandleOp": Form(private=("trainable", "zero")),
    "MutableHashTableV2": Form(private=("value_shape",)),
    "LookupTableFindV2": Form(private=("value_shape", "key_rank")),
    "LookupTableExportV2": Form(private=("key_dtype", "value_dtype", "key_shape", "value_shape")),
}  # fmt: skip

_PLAIN = Form()


def form_of(name: str) -> Form:
    """The form of an op; that of one that is the same here and there if it has no entry."""
    return FORMS.get(name, _PLAIN)
