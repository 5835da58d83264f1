"""Convolutions as the steps of N-dimensional kernels: which operand plays which role, in which layout.

One spatial dimension is a height of 1. A 1 x 1 kernel that touches every pixel once is a matrix product.
`Unsupported` for three spatial dimensions and for types the kernels do not take; those nodes run on the host.
"""

from __future__ import annotations

from dataclasses import dataclass

from duoflow.core import dtypes
from duoflow.core.graph import Node
from duoflow.core.lowering import Convolution
from duoflow.core.scalar import Unsupported

from .contract import Product
from .kernels.conv import Conv, Work
from .kernels.gemm import Gemm
from .static import sizes

__all__ = ["ConvolutionPlan", "as_convolution", "as_pointwise"]

#: Positions of the operands by mode: role -> input, with -1 for the output.
_ROLES = {
    "forward": {"x": 0, "w": 1, "y": -1},
    "input": {"x": -1, "w": 1, "y": 2},
    "filter": {"x": 0, "w": -1, "y": 2},
}


@dataclass(frozen=True)
class ConvolutionPlan:
    """What one convolution node is; `roles` maps "x", "w" and "y" to input positions (-1: the output)."""

    conv: Conv
    mode: str

    @property
    def roles(self) -> dict[str, int]:
        return _ROLES[self.mode]

    @property
    def is_forward(self) -> bool:
        return self.mode == "forward"

    def work(self, epilogue: int = 0) -> Work:
        """The kernel calls; the kernels are compiled if need be. Only forward there may be an epilogue."""
        if self.is_forward:
            return self.conv.forward(epilogue)
        return self.conv.input_gradient() if self.mode == "input" else self.conv.weight_gradient()


def _operand(node: Node, position: int) -> tuple[int, ...]:
    return sizes(node.outputs[0] if position < 0 else node.inputs[position])


def as_pointwise(node: Node, description: Convolution) -> Product | None:
    """The matrix product that a 1 x 1 convolution is, or None."""
    roles = _ROLES[description.mode]
    *window, channels, filters = _operand(node, roles["w"])
    plain = all(s == 1 for s in (*window, *description.strides)) and all(p == (0, 0) for p in description.padding)
    if not plain or description.groups != 1 or node.outputs[0].dtype not in (dtypes.float32, dtypes.float64):
        return None
    pixels = 1
    for size in _operand(node, roles["x"])[:-1]:
        pixels *= size
    dtype = node.outputs[0].dtype
    if description.mode == "forward":
        return Product(Gemm.of(pixels, filters, channels, dtype=dtype), 0, 1)
    if description.mode == "input":
        return Product(Gemm.of(pixels, channels, filters, transpose_b=True, dtype=dtype), 2, 1)
    return Product(Gemm.of(channels, filters, pixels, transpose_a=True, dtype=dtype), 0, 2)


def as_convolution(node: Node, description: Convolution) -> ConvolutionPlan:
    """The convolution that a node is."""
    dtype = node.outputs[0].dtype
    roles = _ROLES[description.mode]
    image, kernel = _operand(node, roles["x"]), _operand(node, roles["w"])
    if dtype not in (dtypes.float32, dtypes.float64, dtypes.float16, dtypes.bfloat16) or not description.channels_last:
        raise Unsupported(f"convolutions of {dtype.name}")
    if description.mode == "filter" and dtype.size < 4:
        raise Unsupported("gradients of 16-bit filters")
    rank = len(image) - 2
    if rank not in (1, 2):
        raise Unsupported(f"convolutions in {rank} dimensions")
    lead, nothing = (1,) * (2 - rank), ((0, 0),) * (2 - rank)
    height, width = lead + image[1:-1]
    conv = Conv(
        images=image[0], height=height, width=width, channels=image[-1], filters=kernel[-1],
        kernel=lead + kernel[:-2], strides=lead + description.strides, dilations=lead + description.dilations,  # type: ignore[arg-type]
        padding=nothing + description.padding, groups=description.groups, dtype=dtype,  # type: ignore[arg-type]
    )  # fmt: skip
    return ConvolutionPlan(conv, description.mode)
