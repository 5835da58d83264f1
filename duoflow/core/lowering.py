"""What an engine is told about reductions, views, contractions, scatters, scans and orders.

`Op.lower(specs, outs, attrs)` of an op of these kinds returns one of the descriptions below. It is called when every
shape is known; it may raise `Unsupported`, and the engine then runs the op on the host.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "Affine", "Concat", "Contraction", "Convolution", "Gather", "GatherNd", "Insert", "Order", "Part", "Pool",
    "PoolGradient", "Reduction", "Reshape", "Scan", "Scatter", "Search",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reduction:
    """Combine the elements of input 0 along `axes` (non-negative, sorted).

    `combine` is one of add, mul, max, min, and, or, argmax, argmin (the last two give the first such index along one
    axis). `mean` divides an addition, of integers in 64 bits, by the number of elements combined.
    """

    combine: str
    axes: tuple[int, ...]
    keepdims: bool = False
    mean: bool = False


@dataclass(frozen=True, slots=True)
class Affine:
    """`out[i] = input[A i + b]`: row d of `matrix` and `offset[d]` give the index along input dimension d.

    With `fill` the index may leave the input, and the element there is `fill`. Without it every index is in range.
    Covers transpose, broadcast, strided and reversed slices, expand_dims, squeeze and constant padding.
    """

    matrix: tuple[tuple[int, ...], ...]
    offset: tuple[int, ...]
    fill: float | int | bool | None = None


@dataclass(frozen=True, slots=True)
class Reshape:
    """The same elements in the same (row-major) order under another shape."""


@dataclass(frozen=True, slots=True)
class Concat:
    """The inputs one after another along `axis`."""

    axis: int


@dataclass(frozen=True, slots=True)
class Gather:
    """`out[b.., o.., j.., k..] = input0[b.., o.., input1[b.., j..], k..]` with `axis` counted in input 0.

    Indices out of range are an error on the CPU, unless they are known to be `in_range`.
    """

    axis: int
    batch_dims: int = 0
    in_range: bool = False


@dataclass(frozen=True, slots=True)
class GatherNd:
    """`out[i.., k..] = input0[input1[i.., 0], ..., input1[i.., n - 1], k..]`.

    Indices out of range are an error on the CPU.
    """


@dataclass(frozen=True, slots=True)
class Part:
    """A strided part of input 0: element i of a dimension is `first + step * i`, and there are `size` of them.

    `dims` has (first, step, size) for each dimension d. If `computed[d]` is not None, it is the position in input
    `begin` of the number that is `first` there, and the step is 1; if it `wraps`, a negative number counts from the
    end. A part that does not lie inside is an error. As a view, the output has its elements in row-major order.
    """

    dims: tuple[tuple[int, int, int], ...]
    computed: tuple[int | None, ...]
    begin: int = 1
    wraps: bool = True


@dataclass(frozen=True, slots=True)
class Insert:
    """Input 0 with a part of it replaced by the elements of input `value`, both in row-major order."""

    part: Part
    value: int


@dataclass(frozen=True, slots=True)
class Search:
    """`out[b.., j]`: how many elements of the sorted row `input0[b..]` are less than `input1[b.., j]`.

    With `or_equal`, those that are equal count too. The batch dimensions b may be arranged differently.
    """

    or_equal: bool


@dataclass(frozen=True, slots=True)
class Scatter:
    """Start with `base` and, for each row r of indices in order, `out[r] = combine(out[r], updates[..])`.

    A row of indices (input `indices`) holds `depth` numbers, the place along the leading dimensions of the output;
    the slice behind it is combined with the slice of `updates` that belongs to the row. `base` is an input of the
    output's shape, or None: then every element starts as `fill`. `combine` is one of set, add, sub, mul, div, max, min.
    Rows that point outside are an error, or left out: all of them if `outside` is "drop", those with a negative number
    if it is "drop negative".
    """

    combine: str
    indices: int
    updates: int
    depth: int
    base: int | None = None
    fill: float | int | bool = 0
    outside: str = "error"


@dataclass(frozen=True, slots=True)
class Scan:
    """The running combination of input 0 along `axis`. `combine` is one of add, mul, logsumexp.

    `exclusive` leaves the element itself out (and starts with the identity), `reverse` runs from the end.
    """

    combine: str
    axis: int
    exclusive: bool = False
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """The elements of input 0 along `axis` in order, equal ones in that of their places; the first of them as many as
    the output has. NaN is greater than all numbers. `values` and `places` are the outputs that take each, or None.
    """

    axis: int
    descending: bool = False
    values: int | None = None
    places: int | None = None


@dataclass(frozen=True, slots=True)
class Contraction:
    """An einsum of two inputs: labels of input 0, of input 1 and of the output, one int per dimension.

    A label absent from the output is summed over.
    """

    left: tuple[int, ...]
    right: tuple[int, ...]
    out: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution in any number of spatial dimensions, or one of its gradients.

    The image is laid out (batch, *spatial, channels), the filter (*spatial, channels / groups, features).
    `mode` tells the operands: "forward" (image, filter), "input" (output gradient, filter) -> image gradient,
    "filter" (image, output gradient) -> filter gradient. `padding` is (before, after) per spatial dimension of the
    forward convolution. Channel-first layouts are transposed by a pass before an engine sees them.
    """

    mode: str
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    groups: int = 1
    channels_last: bool = True


@dataclass(frozen=True, slots=True)
class Pool:
    """Combine windows of input 0 (batch, *spatial, channels). `combine` is max or mean; padding is never counted.

    max: what is not above the lowest finite number, a NaN included, counts as that number.
    """

    combine: str
    window: tuple[int, ...]
    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class PoolGradient:
    """The gradient of a `Pool`: the output has the shape of the pooled input.

    max: inputs (pooled input, pooled output, output gradient); the first maximum of a window takes its gradient.
    mean: inputs (shape of the pooled input, output gradient).
    """

    pool: Pool
