"""Parts of tensors by position: `x[...]`, slice, strided_slice."""

from __future__ import annotations

import functools
import math
import numbers
from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.dtypes import DType
from duoflow.core.emit import NO_ATTRS, emit_one
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.late import F
from duoflow.core.lowering import Affine, Insert, Part
from duoflow.core.record import Kind, Op, register
from duoflow.core.scalar import Unsupported
from duoflow.core.shapes import Dims
from duoflow.core.spec import Spec
from duoflow.core.tensor import EagerTensor, Operators, convert, make_constant
from duoflow.core.variables import Variable

from .static import Entries, dims_of, entries, int_tensor, operand, require_ints, unit_matrix, value_of

__all__ = ["getitem", "slice", "strided_slice", "tensor_strided_slice_update"]

_slice = slice

# -- strided slices: the meaning ---------------------------------------------------------------------------------------

#: One dimension of the input as a strided slice takes it: (begin, end, stride, shrink), None for open or unknown ends.
MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")


class Dimension:
    """What a strided slice does to one dimension of its input; `begin` and `end` are None where open."""

    __slots__ = ("begin", "end", "known", "shrink", "span", "stride")

    def __init__(self, begin: int | None, end: int | None, stride: int, shrink: bool, known: bool = True) -> None:
        self.begin, self.end, self.stride, self.shrink, self.known = begin, end, stride, shrink, known
        self.span = _slice(begin, end, stride)

    def size(self, dim: int | None) -> int | None:
        """The length of what is taken from a dimension of length `dim`, or None."""
        if not self.known:
            return None
        if dim is None:
            return None
        return len(range(*self.span.indices(dim)))


_FULL = Dimension(None, None, 1, False)


@functools.lru_cache(maxsize=4096)
def layout(
    begin: Entries, end: Entries, strides: Entries, rank: int, masks: tuple[int, int, int, int, int]
) -> tuple[tuple[Dimension, ...], tuple[int | None, ...]]:
    """What happens to each input dimension, and where each output dimension comes from (None: a new one)."""
    begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask = masks
    count = len(strides)
    if ellipsis_mask & (ellipsis_mask - 1):
        raise ValueError("Multiple ellipses in slice spec not allowed")
    named = sum(1 for i in range(count) if not (new_axis_mask | ellipsis_mask) >> i & 1)
    if named > rank:
        raise ValueError(f"Index out of range using input dim {rank}; input has only {rank} dims")
    dimensions: list[Dimension] = []
    outs: list[int | None] = []
    for i in range(count):
        if ellipsis_mask >> i & 1:
            for _ in range(rank - named):
                outs.append(len(dimensions))
                dimensions.append(_FULL)
        elif new_axis_mask >> i & 1:
            outs.append(None)
        else:
            shrink = bool(shrink_axis_mask >> i & 1)
            if not shrink:
                outs.append(len(dimensions))
            dimensions.append(
                _dimension(begin[i], end[i], strides[i], shrink, bool(begin_mask >> i & 1), bool(end_mask >> i & 1))
            )
    while len(dimensions) < rank:
        outs.append(len(dimensions))
        dimensions.append(_FULL)
    return tuple(dimensions), tuple(outs)


def _dimension(
    begin: int | None, end: int | None, stride: int | None, shrink: bool, open_begin: bool, open_end: bool
) -> Dimension:
    if stride == 0:
        raise ValueError("strides[0] must be non-zero")
    if shrink:
        if stride is not None and stride <= 0:
            raise ValueError("only stride 1 allowed on non-range indexing.")
        return Dimension(begin, None, 1, True, begin is not None)
    known = stride is not None and (open_begin or begin is not None) and (open_end or end is not None)
    return Dimension(None if open_begin else begin, None if open_end else end, stride or 1, False, known)


def numpy_key(shape: tuple[int, ...], begin: Any, end: Any, strides: Any, masks: Any) -> tuple[Any, ...]:
    """The index with which NumPy takes the same part; `ValueError` if a single position is out of bounds."""
    dimensions, _ = layout(tuple(begin.tolist()), tuple(end.tolist()), tuple(strides.tolist()), len(shape), masks)
    key: list[Any] = []
    for axis, (d, size) in enumerate(zip(dimensions, shape, strict=True)):
        if d.shrink:
            assert d.begin is not None
            if not -size <= d.begin < size:
                raise ValueError(f"slice index {d.begin} of dimension {axis} out of bounds.")
            key.append(d.begin)
        else:
            key.append(d.span)
    return tuple(key)


def _masks_of(attrs: dict[str, int]) -> tuple[int, int, int, int, int]:
    return tuple(attrs[m] for m in MASKS)  # type: ignore[return-value]


def _out_dims(dims: Dims, begin: Spec, end: Spec, strides: Spec, masks: Any) -> Dims:
    b, e, s = entries(begin), entries(end), entries(strides)
    if dims is None or b is None or e is None or s is None:
        return None
    dimensions, outs = layout(b, e, s, len(dims), masks)
    for axis, (d, size) in enumerate(zip(dimensions, dims, strict=True)):
        if d.shrink and d.begin is not None and size is not None and not -size <= d.begin < size:
            raise ValueError(f"slice index {d.begin} of dimension {axis} out of bounds.")
    return tuple(1 if o is None else dimensions[o].size(dims[o]) for o in outs)


# -- StridedSlice ------------------------------------------------------------------------------------------------------


def _infer_strided(x: Spec, begin: Spec, end: Spec, strides: Spec, **attrs: int) -> Spec:
    masks = _masks_of(attrs)
    out = _out_dims(x.shape, begin, end, strides, masks)
    value = None
    if isinstance(x.value, tuple) and out is not None and len(x.value) == (x.shape or (None,))[0]:
        value = _partial_part(x, begin, end, strides, masks)
    return Spec(out, x.dtype, value)


def _partial_part(x: Spec, begin: Spec, end: Spec, strides: Spec, masks: Any) -> Any:
    if begin.array is None or end.array is None or strides.array is None or masks[3]:
        return None
    key = numpy_key((len(x.value),), begin.array, end.array, strides.array, masks)[0]
    if isinstance(key, int):
        return value_of((x.value[key],), x.dtype, True)
    return value_of(x.value[key], x.dtype)


def _evaluate_strided(x: Any, begin: Any, end: Any, strides: Any, **attrs: int) -> Any:
    masks = _masks_of(attrs)
    part = x[numpy_key(x.shape, begin, end, strides, masks)]
    if masks[3]:
        _, outs = layout(tuple(begin.tolist()), tuple(end.tolist()), tuple(strides.tolist()), x.ndim, masks)
        part = np.expand_dims(part, tuple(i for i, o in enumerate(outs) if o is None))
    return part if isinstance(part, np.ndarray) else _scalar(part, x.dtype)


def _scalar(item: Any, dtype: Any) -> Any:
    out = np.empty((), dtype)
    out[()] = item
    return out


def _part(x: Spec, begin: Spec, end: Spec, strides: Spec, attrs: Any) -> Part:
    """What a strided slice takes of each dimension, of which only single positions may be unknown."""
    spans = [entries(s) for s in (begin, end, strides)]
    if None in spans or x.shape is None:
        raise Unsupported("a slice of unknown rank")
    dimensions, _ = layout(*spans, len(x.shape), _masks_of(attrs))
    if any(not d.known and not d.shrink for d in dimensions):
        raise Unsupported("a slice of unknown size")
    named = _named_entries(len(begin.array if begin.array is not None else entries(begin)), len(x.shape), attrs)  # type: ignore[arg-type]
    dims, computed = [], []
    for axis, (d, size) in enumerate(zip(dimensions, x.shape, strict=True)):
        assert size is not None
        span = range(*d.span.indices(size)) if not d.shrink else range((d.begin or 0) % size, size)
        dims.append((span.start, span.step, 1 if d.shrink else len(span)))
        computed.append(None if d.known else named[axis])
    return Part(tuple(dims), tuple(computed))


def _named_entries(count: int, rank: int, attrs: Any) -> list[int]:
    """For each dimension of the input, the entry of the spans that is about it; -1 if there is none."""
    masks = _masks_of(attrs)
    ellipsis, new_axis = masks[2], masks[3]
    named = sum(1 for i in range(count) if not (new_axis | ellipsis) >> i & 1)
    out: list[int] = []
    for i in range(count):
        if ellipsis >> i & 1:
            out += [-1] * (rank - named)
        elif not new_axis >> i & 1:
            out.append(i)
    return out + [-1] * (rank - len(out))


def _lower_strided(specs: Any, outs: Any, attrs: Any) -> Affine | Part:
    x, begin, end, strides = specs
    if begin.array is None or end.array is None or strides.array is None:
        return _part(x, begin, end, strides, attrs)
    masks = _masks_of(attrs)
    dimensions, where = layout(*(tuple(s.array.tolist()) for s in (begin, end, strides)), len(x.shape), masks)
    rows, offset = [], []
    for axis, (d, size) in enumerate(zip(dimensions, x.shape, strict=True)):
        first, step = (d.begin % size, 0) if d.shrink else d.span.indices(size)[::2]
        rows.append(tuple(step if o == axis else 0 for o in where))
        offset.append(first)
    return Affine(tuple(rows), tuple(offset))


def _gradient_strided(node: Any, g: Any) -> tuple[Any, ...]:
    x, begin, end, strides = node.inputs
    return emit_one(STRIDED_SLICE_GRAD, (F.shape(x), begin, end, strides, g), dict(node.attrs)), None, None, None


STRIDED_SLICE = register(
    Op(
        "StridedSlice",
        Kind.VIEW,
        _infer_strided,
        _evaluate_strided,
        _gradient_strided,
        checked=False,
        lower=_lower_strided,
    )  # fmt: skip
)


def _infer_strided_grad(shape: Spec, begin: Spec, end: Spec, strides: Spec, dy: Spec, **attrs: int) -> Spec:
    return Spec(dims_of(shape), dy.dtype)


def _evaluate_strided_grad(shape: Any, begin: Any, end: Any, strides: Any, dy: Any, **attrs: int) -> Any:
    masks = _masks_of(attrs)
    out = np.zeros(tuple(shape), dy.dtype)
    part = out[numpy_key(out.shape, begin, end, strides, masks)]
    if part.ndim:
        part[...] = dy.reshape(part.shape)
    else:
        out[numpy_key(out.shape, begin, end, strides, masks)] = dy.reshape(())
    return out


def _expand_strided_grad(shape: Any, begin: Any, end: Any, strides: Any, dy: Any, **attrs: int) -> Any:
    """Zeros between the elements where the stride is not 1, then zeros around them: views only."""
    size, b, e, s = (t.spec.array for t in (shape, begin, end, strides))
    if size is None or b is None or e is None or s is None:
        raise Unsupported("the gradient of a slice at positions that are not constants")
    dimensions, _ = layout(tuple(b.tolist()), tuple(e.tolist()), tuple(s.tolist()), len(size), _masks_of(attrs))
    spans = [
        range(d.begin % n, d.begin % n + 1) if d.shrink else range(*d.span.indices(n))
        for d, n in zip(dimensions, size.tolist(), strict=True)
    ]
    out = F.reshape(dy, [len(span) for span in spans])
    flipped = [i for i, span in enumerate(spans) if span.step < 0]
    if flipped:
        out = F.reverse(out, flipped)
        spans = [span[::-1] if span.step < 0 else span for span in spans]
    for axis, span in enumerate(spans):
        if span.step > 1 and len(span) > 1:
            out = _dilated(out, axis, span.step)
    before = [span.start if len(span) else 0 for span in spans]
    after = [n - (span[-1] + 1 if len(span) else 0) for span, n in zip(spans, size.tolist(), strict=True)]
    return F.pad(out, [list(p) for p in zip(before, after, strict=True)]) if spans else out


def _dilated(x: Any, axis: int, step: int) -> Any:
    """`step - 1` zeros between neighbours along an axis."""
    dims = list(x.dims)
    apart = F.reshape(x, [*dims[: axis + 1], 1, *dims[axis + 1 :]])
    spread = F.pad(apart, [[0, step - 1 if d == axis + 1 else 0] for d in range(len(dims) + 1)])
    joined = F.reshape(spread, [*dims[:axis], dims[axis] * step, *dims[axis + 1 :]])
    size = [(n - 1) * step + 1 if d == axis else n for d, n in enumerate(dims)]
    return F.slice(joined, [0] * len(dims), size)


STRIDED_SLICE_GRAD = register(
    Op(
        "StridedSliceGrad",
        Kind.COMPOUND,
        _infer_strided_grad,
        _evaluate_strided_grad,
        lambda node, g: (None,) * 4 + (emit_one(STRIDED_SLICE, (g, *node.inputs[1:4]), dict(node.attrs)),),
        expand=_expand_strided_grad,
        checked=False,
    )  # fmt: skip
)


def _infer_update(x: Spec, begin: Spec, end: Spec, strides: Spec, value: Spec, **attrs: int) -> Spec:
    if x.dtype is not value.dtype:
        raise TypeError(f"A slice of dtype {x.dtype.name} cannot be set to a value of dtype {value.dtype.name}.")
    part = _out_dims(x.shape, begin, end, strides, _masks_of(attrs))
    if part is not None and shapes.broadcast(part, value.shape) is not None and value.shape is not None:
        if len(value.shape) > len(part) or not shapes.compatible(shapes.broadcast(part, value.shape), part):
            raise ValueError(
                f"Cannot set a slice of shape {shapes.brief(part)} to a value of shape {shapes.brief(value.shape)}."
            )
    return Spec(x.shape, x.dtype)


def _evaluate_update(x: Any, begin: Any, end: Any, strides: Any, value: Any, **attrs: int) -> Any:
    masks = _masks_of(attrs)
    out = x.copy()
    if masks[3]:
        _, outs = layout(tuple(begin.tolist()), tuple(end.tolist()), tuple(strides.tolist()), x.ndim, masks)
        lead = len(outs) - value.ndim
        value = value.squeeze(tuple(i - lead for i, o in enumerate(outs) if o is None and i >= lead))
    out[numpy_key(x.shape, begin, end, strides, masks)] = value
    return out


def _gradient_update(node: Any, g: Any) -> tuple[Any, ...]:
    where = node.inputs[1:4]
    value = node.inputs[4]
    kept = emit_one(UPDATE, (g, *where, F.zeros_like(value)), dict(node.attrs))
    part = emit_one(STRIDED_SLICE, (g, *where), dict(node.attrs))
    return kept, None, None, None, F.sum_to_shape_of(part, value)


def _lower_update(specs: Any, outs: Any, attrs: Any) -> Insert:
    x, begin, end, strides, value = specs
    part = _part(x, begin, end, strides, attrs)
    if math.prod(size for _, _, size in part.dims) != math.prod(value.shape):
        raise Unsupported("a value that is repeated")
    return Insert(part, 4)


UPDATE = register(
    Op(
        "TensorStridedSliceUpdate",
        Kind.SCATTER,
        _infer_update,
        _evaluate_update,
        _gradient_update,
        lower=_lower_update,
    )  # fmt: skip
)


def tensor_strided_slice_update(input: Any, begin: Any, end: Any, strides: Any, value: Any, **masks: int) -> Any:
    """A copy of a tensor with a strided slice replaced. TensorFlow: tf.raw_ops.TensorStridedSliceUpdate."""
    x = convert(input)
    attrs = {m: masks.get(m, 0) for m in MASKS}
    inputs = (x, int_tensor(begin), int_tensor(end), int_tensor(strides), operand(value, x))
    return emit_one(UPDATE, inputs, attrs)


def strided_slice(
    input_: Any, begin: Any, end: Any, strides: Any = None, begin_mask: int = 0, end_mask: int = 0,
    ellipsis_mask: int = 0, new_axis_mask: int = 0, shrink_axis_mask: int = 0, var: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """Every `strides[i]`-th element from `begin[i]` up to `end[i]`; what `x[...]` becomes.

    Args:
      begin, end, strides: int vectors of one length; negative positions count from the end.
      *_mask: bit i leaves begin or end i open, or makes entry i an ellipsis, a new axis or a single position.
      var: the variable that `input_` is the value of, so that the result can be assigned to.

    >>> tf.strided_slice([0, 1, 2, 3, 4], [4], [0], [-2]).numpy()
    array([4, 2], dtype=int32)

    TensorFlow: tf.strided_slice.
    """
    begin, end = int_tensor(begin), int_tensor(end)
    strides = F.ones_like(begin) if strides is None else int_tensor(strides)
    attrs = dict(zip(MASKS, (begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask), strict=True))
    out = emit_one(STRIDED_SLICE, (convert(input_), begin, end, strides), attrs, name)
    if var is not None:
        out.assign = functools.partial(_assign_part, var, begin, end, strides, attrs)
    return out


def _assign_part(
    variable: Variable, begin: Any, end: Any, strides: Any, attrs: Any, value: Any, name: str | None = None
) -> Any:
    """`variable[...].assign(value)`: the whole value with a part replaced, assigned."""
    return variable.assign(tensor_strided_slice_update(variable, begin, end, strides, value, **attrs), name=name)


# -- indexing ----------------------------------------------------------------------------------------------------------


def getitem(x: Any, key: Any) -> Any:
    """`x[key]`: ints, slices, `...`, `tf.newaxis`, scalar integer tensors and boolean masks, as TensorFlow takes them.

    What is taken from a variable has an `assign` method that sets that part of it.
    """
    if _is_mask(key):
        return F.boolean_mask(x, key)
    items = key if isinstance(key, (list, tuple)) else (key,)
    variable = x if isinstance(x, Variable) else None
    tensor = convert(x)
    try:
        begin, end, strides, masks = _static_key(tuple([_frozen(item) for item in items]))
    except _NotStatic:
        begin, end, strides, masks = _dynamic_key(items)
    else:
        begin, end, strides = (make_constant(a) for a in (begin, end, strides))
    if variable is not None:
        begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask = masks
        return strided_slice(
            tensor, begin, end, strides, begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask, variable,
            "strided_slice",
        )  # fmt: skip
    return emit_one(STRIDED_SLICE, (tensor, begin, end, strides), _mask_attrs(masks), "strided_slice")


@functools.lru_cache(maxsize=1024)
def _mask_attrs(masks: tuple[int, ...]) -> dict[str, int]:
    return dict(zip(MASKS, masks, strict=True))


class _NotStatic(Exception):
    """An index holds a tensor."""


def _is_mask(key: Any) -> bool:
    if isinstance(key, (bool, np.bool_)):
        return True
    if isinstance(key, Operators):
        return key.dtype is dtypes.bool_  # type: ignore[attr-defined]
    return isinstance(key, np.ndarray) and key.dtype == np.bool_


def _frozen(item: Any) -> Any:
    """An index entry in a hashable form: an int, a tuple for a slice, None for a new axis, Ellipsis."""
    if type(item) is int or item is None or item is Ellipsis:
        return item
    if isinstance(item, _slice):
        return (_bound(item.start), _bound(item.stop), _bound(item.step))
    return _bound(item)


def _bound(value: Any) -> Any:
    if value is None or type(value) is int:
        return value
    if (
        isinstance(value, EagerTensor)
        and value._array.size == 1
        and value._array.dtype.kind in "iu"
        and value._array.ndim == 0
    ):
        return int(value._array)
    if isinstance(value, Operators):
        raise _NotStatic
    _check_index(value)
    return int(value)


def _check_index(value: Any) -> None:
    if isinstance(value, (numbers.Integral, np.integer)) and not isinstance(value, (bool, np.bool_)):
        return
    dtype, rank = getattr(value, "dtype", None), len(getattr(value, "shape", None) or ())
    if isinstance(value, (Operators, np.ndarray)) and dtypes.as_dtype(dtype).is_integer and rank == 0:
        return
    raise TypeError(
        "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 tensors are "
        f"valid indices, got {value!r}. Use tf.gather for a list of positions."
    )


@functools.lru_cache(maxsize=4096)
def _static_key(items: tuple[Any, ...]) -> tuple[Any, Any, Any, tuple[int, ...]]:
    begin, end, strides, masks = _bounds(items)
    small = all(-(2**31) <= i < 2**31 for i in (*begin, *end, *strides))
    kind = np.int32 if small else np.int64
    return np.asarray(begin, kind), np.asarray(end, kind), np.asarray(strides, kind), masks


def _bounds(items: Any) -> tuple[list[Any], list[Any], list[Any], tuple[int, ...]]:
    """Begins, ends, strides and masks of index entries; a slice is a tuple of three."""
    begin: list[Any] = []
    end: list[Any] = []
    strides: list[Any] = []
    begin_mask = end_mask = ellipsis_mask = new_axis_mask = shrink_axis_mask = 0
    for i, item in enumerate(items):
        bit = 1 << i
        if isinstance(item, tuple):
            start, stop, step = item
            begin_mask |= bit if start is None else 0
            end_mask |= bit if stop is None else 0
            row = (0 if start is None else start, 0 if stop is None else stop, 1 if step is None else step)
        elif item is Ellipsis:
            ellipsis_mask |= bit
            row = (0, 0, 1)
        elif item is None:
            new_axis_mask |= bit
            row = (0, 0, 1)
        else:
            shrink_axis_mask |= bit
            row = (item, item + 1, 1)
        for column, value in zip((begin, end, strides), row, strict=True):
            column.append(value)
    return begin, end, strides, (begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)


def _dynamic_key(items: Any) -> tuple[Any, Any, Any, tuple[int, ...]]:
    parts = [(i.start, i.stop, i.step) if isinstance(i, _slice) else i for i in items]
    dtype = dtypes.int32
    for value in (v for part in parts for v in (part if isinstance(part, tuple) else (part,))):
        if value is not None and value is not Ellipsis:
            _check_index(value)
            if isinstance(value, Operators) and value.dtype is dtypes.int64:  # type: ignore[attr-defined]
                dtype = dtypes.int64
    parts = [tuple(_as_scalar(v, dtype) for v in p) if isinstance(p, tuple) else _as_scalar(p, dtype) for p in parts]
    begin, end, strides, masks = _bounds(parts)
    begin, end, strides = (F.pack_nested(v, dtype) for v in (begin, end, strides))
    return begin, end, strides, masks


def _as_scalar(value: Any, dtype: DType) -> Any:
    if not isinstance(value, Operators):
        return value
    value = F.cast(value, dtype)
    return value if value.dims == () else F.reshape(value, [])  # of a rank known only when it runs


# -- slice -------------------------------------------------------------------------------------------------------------


def _infer_slice(x: Spec, begin: Spec, size: Spec) -> Spec:
    require_ints("Slice", "begin", begin)
    require_ints("Slice", "size", size)
    b, s = entries(begin), entries(size)
    count = len(x.shape) if x.shape is not None else len(b) if b is not None else len(s) if s is not None else None
    if count is None:
        return Spec(None, x.dtype)
    b, s = b or (None,) * count, s or (None,) * count
    if len(b) != count or len(s) != count:
        raise ValueError(
            f"Expected begin and size arguments to be 1-D tensors of size {count}, but got sizes {len(b)} and {len(s)} "
            "instead."
        )
    dims = x.shape if x.shape is not None else (None,) * count
    out = tuple(_slice_size(i, *item) for i, item in enumerate(zip(dims, b, s, strict=True)))
    value = None
    if isinstance(x.value, tuple) and count == 1 and b[0] is not None and out[0] is not None:
        value = value_of(x.value[b[0] : b[0] + out[0]], x.dtype)
    return Spec(out, x.dtype, value)


def _slice_size(axis: int, dim: int | None, begin: int | None, size: int | None) -> int | None:
    if dim is not None and begin is not None and not 0 <= begin <= dim:
        raise InvalidArgumentError(f"Expected begin[{axis}] in [0, {dim}], but got {begin}")
    if size is None:
        return None
    if size < -1:
        raise ValueError(f"Expected size[{axis}] to be -1 or non-negative, but got {size}")
    if size == -1:
        return None if dim is None or begin is None else dim - begin
    if dim is not None and begin is not None and begin + size > dim:
        raise InvalidArgumentError(f"Expected size[{axis}] in [0, {dim - begin}], but got {size}")
    return size


def _evaluate_slice(x: Any, begin: Any, size: Any) -> Any:
    for axis, item in enumerate(zip(x.shape, begin.tolist(), size.tolist(), strict=True)):
        _slice_size(axis, *item)
    return x[tuple(_slice(b, None if s == -1 else b + s) for b, s in zip(begin.tolist(), size.tolist(), strict=True))]


def _lower_slice(specs: Any, outs: Any, attrs: Any) -> Affine | Part:
    count = len(specs[0].shape)
    if specs[1].array is not None:
        return Affine(unit_matrix(count), tuple(specs[1].array.tolist()))
    begin = entries(specs[1]) or (None,) * count
    dims = tuple((b or 0, 1, size) for b, size in zip(begin, outs[0].shape, strict=True))
    return Part(dims, tuple(i if b is None else None for i, b in enumerate(begin)), wraps=False)


def _gradient_slice(node: Any, g: Any) -> tuple[Any, ...]:
    x, begin, _ = node.inputs
    after = F.shape(x, begin.dtype) - begin - F.shape(g, begin.dtype)
    return F.pad(g, F.stack([begin, after], axis=1)), None, None


SLICE = register(Op("Slice", Kind.VIEW, _infer_slice, _evaluate_slice, _gradient_slice, lower=_lower_slice))


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Any:
    """`size[i]` elements from `begin[i]` along each dimension; a size of -1 takes all that is left.

    >>> tf.slice([[1, 2, 3], [4, 5, 6]], [0, 1], [-1, 2]).numpy().tolist()
    [[2, 3], [5, 6]]

    TensorFlow: tf.slice.
    """
    begin, size = int_tensor(begin), int_tensor(size)
    if begin.dtype is not size.dtype:
        begin, size = F.cast(begin, dtypes.int64), F.cast(size, dtypes.int64)
    return emit_one(SLICE, (convert(input_), begin, size), NO_ATTRS, name)
