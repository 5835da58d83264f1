"""What ops are in ONNX: elementwise ones, reductions, products and shapes. Images and loops have files of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.graph import Node

from .writer import NoCounterpart, Writer

__all__ = ["RULES"]

Rule = Callable[[Writer, Node], Any]
_TO_END = np.iinfo(np.int64).max


def _same(op_type: str, **attrs: Any) -> Rule:
    """An operator on the same inputs."""
    return lambda w, n: w.op(op_type, [w.name(t) for t in n.inputs], **attrs)


def _axes(w: Writer, axes: Any) -> str:
    return w.constant(np.asarray(np.reshape(axes, -1), np.int64))


def _rank(node: Node, i: int = 0) -> int:
    dims = node.inputs[i].dims
    if dims is None:
        raise NoCounterpart("an operand of unknown rank")
    return len(dims)


# -- elementwise -------------------------------------------------------------------------------------------------------


def _shifted(op_type: str, before: float = 0.0, after: float = 0.0) -> Rule:
    """A function of x + before, with `after` added."""

    def rule(w: Writer, n: Node) -> str:
        x = n.inputs[0]
        name = w.name(x) if not before else w.op("Add", [w.name(x), w.like(x, before)])
        name = w.op(op_type, [name])
        return name if not after else w.op("Add", [name, w.like(x, after)])  # type: ignore[no-any-return]

    return rule


def _erfc(w: Writer, n: Node) -> Any:
    x = n.inputs[0]
    return w.op("Sub", [w.like(x, 1), w.op("Erf", [w.name(x)])])


def _square(w: Writer, n: Node) -> Any:
    return w.op("Mul", [w.name(n.inputs[0])] * 2)


def _squared_difference(w: Writer, n: Node) -> Any:
    difference = w.op("Sub", [w.name(t) for t in n.inputs])
    return w.op("Mul", [difference, difference])


def _rsqrt(w: Writer, n: Node) -> Any:
    return w.op("Reciprocal", [w.op("Sqrt", [w.name(n.inputs[0])])])


def _floor_div(w: Writer, n: Node) -> Any:
    x, y = n.inputs
    if x.dtype.is_floating:
        return w.op("Floor", [w.op("Div", [w.name(x), w.name(y)])])
    rest = w.op("Mod", [w.name(x), w.name(y)], fmod=0)
    return w.op("Div", [w.op("Sub", [w.name(x), rest]), w.name(y)])


def _floor_mod(w: Writer, n: Node) -> Any:
    x, y = n.inputs
    if not x.dtype.is_floating:
        return w.op("Mod", [w.name(x), w.name(y)], fmod=0)
    whole = w.op("Floor", [w.op("Div", [w.name(x), w.name(y)])])
    return w.op("Sub", [w.name(x), w.op("Mul", [whole, w.name(y)])])


def _not_equal(w: Writer, n: Node) -> Any:
    return w.op("Not", [w.op("Equal", [w.name(t) for t in n.inputs])])


def _div_no_nan(w: Writer, n: Node) -> Any:
    x, y = n.inputs
    zero = w.like(y, 0)
    return w.op("Where", [w.op("Equal", [w.name(y), zero]), zero, w.op("Div", [w.name(x), w.name(y)])])


def _relu6(w: Writer, n: Node) -> Any:
    x = n.inputs[0]
    return w.op("Clip", [w.name(x), w.like(x, 0), w.like(x, 6)])


def _clip(w: Writer, n: Node) -> Any:
    x, low, high = [w.name(t) for t in n.inputs]
    return w.op("Max", [w.op("Min", [x, high]), low])


def _cast(w: Writer, n: Node) -> Any:
    return w.cast(w.name(n.inputs[0]), n.attrs["dtype"])


def _filled_like(value: int) -> Rule:
    def rule(w: Writer, n: Node) -> Any:
        shape = w.op("Shape", [w.name(n.inputs[0])])
        return w.op("ConstantOfShape", [shape], value=np.asarray([value], n.attrs["dtype"].numpy))

    return rule


def _is_finite(w: Writer, n: Node) -> Any:
    x = w.name(n.inputs[0])
    return w.op("Not", [w.op("Or", [w.op("IsNaN", [x]), w.op("IsInf", [x])])])


# -- reductions --------------------------------------------------------------------------------------------------------


def _reduced(op_type: str, through: Any = None) -> Rule:
    """A reduction, of booleans by way of numbers."""

    def rule(w: Writer, n: Node) -> Any:
        x = n.inputs[0]
        axes = n.attrs.get("axis")
        if axes is None and len(n.inputs) > 1:
            axes = w.known(n.inputs[1], "axes")
        inputs = [w.name(x) if through is None else w.cast(w.name(x), through)]
        if axes is not None:
            if not np.size(axes):
                return w.op("Identity", [w.name(x)])
            inputs.append(_axes(w, axes))
        out = w.op(op_type, inputs, keepdims=int(n.attrs["keepdims"]))
        return out if through is None else w.cast(out, dtypes.bool_)

    return rule


def _arg(op_type: str) -> Rule:
    def rule(w: Writer, n: Node) -> Any:
        out = w.op(op_type, [w.name(n.inputs[0])], axis=int(n.attrs["axis"]), keepdims=0)
        return out if n.attrs["output_type"] is dtypes.int64 else w.cast(out, n.attrs["output_type"])

    return rule


def _cumsum(w: Writer, n: Node) -> Any:
    flags = {name: int(n.attrs[name]) for name in ("exclusive", "reverse")}
    return w.op("CumSum", [w.name(n.inputs[0]), w.constant(np.int64(n.attrs["axis"]))], **flags)


def _top_k(w: Writer, n: Node) -> Any:
    count = w.op("Reshape", [w.ints(n.inputs[1]), w.constant(np.array([1]))])
    values, places = w.op("TopK", [w.name(n.inputs[0]), count], 2, axis=-1, sorted=int(n.attrs["sorted"]))
    return [values, w.cast(places, n.attrs["index_type"])]


# -- products ----------------------------------------------------------------------------------------------------------


def _matmul(first: str, second: str) -> Rule:
    def rule(w: Writer, n: Node) -> Any:
        names = []
        for i, flag in enumerate((first, second)):
            swapped = list(range(_rank(n, i)))
            swapped[-2:] = swapped[:-3:-1]
            name = w.name(n.inputs[i])
            names.append(w.op("Transpose", [name], perm=swapped) if n.attrs[flag] else name)
        return w.op("MatMul", names)

    return rule


def _einsum(w: Writer, n: Node) -> Any:
    return w.op("Einsum", [w.name(t) for t in n.inputs], equation=n.attrs["equation"])


def _softmax(op_type: str) -> Rule:
    return lambda w, n: w.op(op_type, [w.name(n.inputs[0])], axis=int(n.attrs["axis"]))


# -- shapes ------------------------------------------------------------------------------------------------------------


def _shape(w: Writer, n: Node) -> Any:
    out = w.op("Shape", [w.name(n.inputs[0])])
    return out if n.attrs["out_type"] is dtypes.int64 else w.cast(out, n.attrs["out_type"])


def _size(w: Writer, n: Node) -> Any:
    out = w.op("Size", [w.name(n.inputs[0])])
    return out if n.attrs["out_type"] is dtypes.int64 else w.cast(out, n.attrs["out_type"])


def _reshape(w: Writer, n: Node) -> Any:
    return w.op(
        "Reshape", [w.name(n.inputs[0]), w.ints(n.inputs[1])], allowzero=1 if _has_zero(w, n.inputs[1]) else None
    )


def _has_zero(w: Writer, shape: Any) -> bool:
    known = w.array(shape)
    return known is not None and bool((known == 0).any())


def _expand_dims(w: Writer, n: Node) -> Any:
    return w.op("Unsqueeze", [w.name(n.inputs[0]), _axes(w, n.attrs["axis"])])


def _squeeze(w: Writer, n: Node) -> Any:
    axes = n.attrs["axis"]
    return w.op("Squeeze", [w.name(n.inputs[0]), *([_axes(w, axes)] if len(axes) else [])])


def _transpose(w: Writer, n: Node) -> Any:
    perm = n.attrs["perm"]
    perm = list(range(_rank(n)))[::-1] if perm is None else [int(p) for p in perm]
    return w.op("Transpose", [w.name(n.inputs[0])], perm=perm)


def _concat(w: Writer, n: Node) -> Any:
    return w.op("Concat", [w.name(t) for t in n.inputs], axis=int(n.attrs["axis"]))


def _pack(w: Writer, n: Node) -> Any:
    axis = int(n.attrs["axis"])
    parts = [w.op("Unsqueeze", [w.name(t), _axes(w, axis)]) for t in n.inputs]
    return w.op("Concat", parts, axis=axis)


def _unpack(w: Writer, n: Node) -> Any:
    axis, count = int(n.attrs["axis"]), len(n.outputs)
    parts = w.op("Split", [w.name(n.inputs[0])], count, axis=axis, num_outputs=count)
    return [w.op("Squeeze", [p, _axes(w, axis)]) for p in ([parts] if count == 1 else parts)]


def _split(w: Writer, n: Node) -> Any:
    count = len(n.outputs)
    parts = w.op("Split", [w.name(n.inputs[0]), w.ints(n.inputs[1])], count, axis=int(n.attrs["axis"]))
    return [parts] if count == 1 else parts


def _slice(w: Writer, n: Node) -> Any:
    x, begin, size = n.inputs
    sizes = w.array(size)
    if sizes is not None and w.array(begin) is not None:
        start = w.known(begin, "offsets").astype(np.int64)
        ends = w.constant(np.where(sizes == -1, _TO_END, start + sizes))
    elif sizes is not None and (sizes == -1).any():
        raise NoCounterpart("slices to the end from offsets that are not known")
    else:
        ends = w.op("Add", [w.ints(begin), w.ints(size)])
    return w.op("Slice", [w.name(x), w.ints(begin), ends])


def _strided_slice(w: Writer, n: Node) -> Any:
    """NumPy's indexing in parts: slices, then the axes that go and those that come."""
    x, begin, end, strides = n.inputs
    steps = w.known(strides, "strides")
    at, inside, gone, new = 0, [], [], []
    ellipsis = n.attrs["ellipsis_mask"]
    for i in range(len(steps)):
        bit = 1 << i
        if ellipsis & bit:
            later = [j for j in range(i + 1, len(steps)) if not n.attrs["new_axis_mask"] & (1 << j)]
            at = _rank(n) - len(later)
        elif n.attrs["new_axis_mask"] & bit:
            new.append(i)
        else:
            inside.append((i, at, bool(n.attrs["shrink_axis_mask"] & bit)))
            gone += [at] if n.attrs["shrink_axis_mask"] & bit else []
            at += 1
    name = w.name(x)
    if inside:
        starts, ends = _bounds(w, n, begin, end, steps, inside)
        places = [i for i, _, _ in inside]
        name = w.op("Slice", [name, starts, ends, _axes(w, [a for _, a, _ in inside]), _axes(w, steps[places])])
    if gone:
        name = w.op("Squeeze", [name, _axes(w, gone)])
    if new:
        if ellipsis or gone:
            raise NoCounterpart("new axes together with an ellipsis or single indices")
        name = w.op("Unsqueeze", [name, _axes(w, new)])
    return name


def _bounds(w: Writer, n: Node, begin: Any, end: Any, steps: Any, inside: Sequence[Any]) -> tuple[str, str]:
    """Where slices start and end: constants, or else picked from what the program computes."""
    starts, ends = w.array(begin), w.array(end)
    places = np.array([i for i, _, _ in inside])
    single = np.array([s for _, _, s in inside])
    from_start = np.array([bool(n.attrs["begin_mask"] & (1 << i)) for i in places]) & ~single
    to_end = np.array([bool(n.attrs["end_mask"] & (1 << i)) for i in places]) & ~single
    back = steps[places] < 0
    first, last = np.where(back, _TO_END, 0), np.where(back, -_TO_END, _TO_END)
    if starts is not None and ends is not None:
        low, high = starts[places].astype(np.int64), ends[places].astype(np.int64)
        high = np.where(single, np.where(low == -1, _TO_END, low + 1), high)
        return w.constant(np.where(from_start, first, low)), w.constant(np.where(to_end, last, high))
    low_name = _picked(w, begin, places)
    high_name = w.op("Add", [low_name, w.constant(np.int64(1))]) if single.all() else _picked(w, end, places)
    if single.any() and not single.all():
        raise NoCounterpart("single indices and slices together, not all known")
    if from_start.any():
        low_name = w.op("Where", [w.constant(from_start), w.constant(first), low_name])
    if to_end.any():
        high_name = w.op("Where", [w.constant(to_end), w.constant(last), high_name])
    return low_name, high_name


def _picked(w: Writer, tensor: Any, places: Any) -> str:
    name = w.ints(tensor)
    whole = tensor.dims is not None and tensor.dims[0] == len(places)
    return name if whole else w.op("Gather", [name, w.constant(places.astype(np.int64))], axis=0)  # type: ignore[no-any-return]


def _gather(w: Writer, n: Node) -> Any:
    if n.attrs["batch_dims"]:
        raise NoCounterpart("gathering with batch dimensions")
    return w.op("Gather", [w.name(n.inputs[0]), w.ints(n.inputs[1])], axis=int(n.attrs["axis"]))


def _gather_nd(w: Writer, n: Node) -> Any:
    return w.op("GatherND", [w.name(n.inputs[0]), w.ints(n.inputs[1])])


def _one_hot(w: Writer, n: Node) -> Any:
    indices, depth, on, off = n.inputs
    values = w.op("Concat", [w.op("Reshape", [w.name(t), w.constant(np.array([1]))]) for t in (off, on)], axis=0)
    inside = _kept_in_range(w, indices, depth)
    return w.op("OneHot", [inside, w.ints(depth), values], axis=int(n.attrs["axis"]))


def _kept_in_range(w: Writer, indices: Any, depth: Any) -> str:
    """Indices, those below zero made too large: ONNX counts them from the end, TensorFlow ignores them."""
    name, limit = w.ints(indices), w.ints(depth)
    below = w.op("Less", [name, w.constant(np.int64(0))])
    return w.op("Where", [below, limit, name])  # type: ignore[no-any-return]


def _tile(w: Writer, n: Node) -> Any:
    return w.op("Tile", [w.name(n.inputs[0]), w.ints(n.inputs[1])])


def _padded(mode: str) -> Rule:
    def rule(w: Writer, n: Node) -> Any:
        flat = w.op("Reshape", [w.op("Transpose", [w.ints(n.inputs[1])], perm=[1, 0]), w.constant(np.array([-1]))])
        known = w.array(n.inputs[1])
        pads = flat if known is None else w.constant(known.T.reshape(-1).astype(np.int64))
        if mode == "constant":
            return w.op("Pad", [w.name(n.inputs[0]), pads, w.name(n.inputs[2])], mode=mode)
        if n.attrs["mode"] != "REFLECT":
            raise NoCounterpart(f"padding in mode {n.attrs['mode']}")
        return w.op("Pad", [w.name(n.inputs[0]), pads], mode="reflect")

    return rule


def _broadcast_to(w: Writer, n: Node) -> Any:
    return w.op("Expand", [w.name(n.inputs[0]), w.ints(n.inputs[1])])


def _fill(w: Writer, n: Node) -> Any:
    return w.op("Expand", [w.name(n.inputs[1]), w.ints(n.inputs[0])])


def _reverse(w: Writer, n: Node) -> Any:
    axes = n.attrs["axis"]
    edges = [w.constant(np.full(len(axes), v, np.int64)) for v in (-1, -_TO_END, -1)]
    return w.op("Slice", [w.name(n.inputs[0]), edges[0], edges[1], _axes(w, axes), edges[2]])


def _where(w: Writer, n: Node) -> Any:
    return w.op("Transpose", [w.op("NonZero", [w.name(n.inputs[0])])], perm=[1, 0])


def _scatter(reduction: str | None) -> Rule:
    def rule(w: Writer, n: Node) -> Any:
        x, indices, updates = n.inputs
        return w.op("ScatterND", [w.name(x), w.ints(indices), w.name(updates)], reduction=reduction)

    return rule


def _scatter_nd(w: Writer, n: Node) -> Any:
    indices, updates, shape = n.inputs
    zeros = w.op("ConstantOfShape", [w.ints(shape)], value=np.zeros(1, updates.dtype.numpy))
    return w.op("ScatterND", [zeros, w.ints(indices), w.name(updates)], reduction="add")


_PLAIN = {
    name: name for name in (
        "Abs Neg Exp Log Sqrt Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Asinh Acosh Atanh Sigmoid Relu Elu Selu "
        "Softplus Softsign Floor Ceil Round Sign Erf Reciprocal Sub Mul Pow Greater Less GreaterEqual LessEqual Equal "
        "Range"
    ).split()
} | {
    "AddN": "Sum", "AddV2": "Add", "RealDiv": "Div", "Maximum": "Max", "Minimum": "Min", "LogicalAnd": "And",
    "LogicalOr": "Or", "LogicalNot": "Not", "Rint": "Round", "IsNan": "IsNaN", "IsInf": "IsInf", "SelectV2": "Where",
    "Identity": "Identity", "StopGradient": "Identity", "GuaranteeConst": "Identity", "EnsureShape": "Identity",
    "Inv": "Reciprocal", "MatrixDeterminant": "Det",
}  # fmt: skip

RULES: dict[str, Rule] = {
    **{name: _same(op_type) for name, op_type in _PLAIN.items()},
    **{name: _reduced(f"Reduce{name}") for name in ("Sum", "Mean", "Max", "Min", "Prod")},
    "All": _reduced("ReduceMin", dtypes.int32),
    "Any": _reduced("ReduceMax", dtypes.int32),
    "ArgMax": _arg("ArgMax"),
    "ArgMin": _arg("ArgMin"),
    "BatchMatMulV2": _matmul("adj_x", "adj_y"),
    "BroadcastTo": _broadcast_to,
    "Cast": _cast,
    "ClipByValue": _clip,
    "ConcatV2": _concat,
    "Cumsum": _cumsum,
    "DivNoNan": _div_no_nan,
    "Einsum": _einsum,
    "Erfc": _erfc,
    "EuclideanNorm": _reduced("ReduceL2"),
    "ExpandDims": _expand_dims,
    "Expm1": _shifted("Exp", after=-1.0),
    "Fill": _fill,
    "FloorDiv": _floor_div,
    "FloorMod": _floor_mod,
    "GatherNd": _gather_nd,
    "GatherV2": _gather,
    "IsFinite": _is_finite,
    "LeakyRelu": lambda w, n: w.op("LeakyRelu", [w.name(n.inputs[0])], alpha=float(n.attrs["alpha"])),
    "Log1p": _shifted("Log", before=1.0),
    "LogSoftmax": _softmax("LogSoftmax"),
    "MatMul": _matmul("transpose_a", "transpose_b"),
    "MirrorPad": _padded("reflect"),
    "NotEqual": _not_equal,
    "OneHot": _one_hot,
    "OnesLike": _filled_like(1),
    "Pack": _pack,
    "PadV2": _padded("constant"),
    "Relu6": _relu6,
    "Reshape": _reshape,
    "ReverseV2": _reverse,
    "Rsqrt": _rsqrt,
    "ScatterNd": _scatter_nd,
    "Shape": _shape,
    "Size": _size,
    "Slice": _slice,
    "Softmax": _softmax("Softmax"),
    "SplitV": _split,
    "Square": _square,
    "SquaredDifference": _squared_difference,
    "Squeeze": _squeeze,
    "StridedSlice": _strided_slice,
    "TensorScatterAdd": _scatter("add"),
    "TensorScatterMax": _scatter("max"),
    "TensorScatterMin": _scatter("min"),
    "TensorScatterUpdate": _scatter(None),
    "Tile": _tile,
    "TopKV2": _top_k,
    "Transpose": _transpose,
    "Unpack": _unpack,
    "Where": _where,
    "ZerosLike": _filled_like(0),
}
