"""Checking the arguments that layers of windows share: sizes per axis, paddings; and the sizes that windows give."""

from __future__ import annotations

from typing import Any

__all__ = ["checked_padding", "per_axis", "window_shape"]


def per_axis(value: Any, rank: int, name: str, allow_zero: bool = False) -> tuple[int, ...]:
    """An int, or one for each axis, as a tuple; `ValueError` for anything else."""
    values = (value,) * rank if isinstance(value, int) else value
    try:
        values = tuple(values)
    except TypeError:
        values = ()
    if len(values) != rank or not all(isinstance(v, int) for v in values):
        raise ValueError(f"The `{name}` argument must be a tuple of {rank} integers. Received {name}={value}")
    lowest = 0 if allow_zero else 1
    if min(values) < lowest:
        requirement = ">= 0" if allow_zero else "> 0"
        raise ValueError(
            f"The `{name}` argument must be a tuple of {rank} integers. Received {name}={value}, including values "
            "that do not "
            f"satisfy `value {requirement}`"
        )
    return values


def checked_padding(value: str, allow_causal: bool = False) -> str:
    """A kind of padding in lower case; `ValueError` for an unknown one."""
    allowed = ("valid", "same", "causal") if allow_causal else ("valid", "same")
    padding = value.lower() if isinstance(value, str) else value
    if padding not in allowed:
        raise ValueError(f"The `padding` argument must be one of {set(allowed)}. Received: padding={value}")
    return padding


def window_shape(
    input_shape: Any, windows: tuple[int, ...], strides: tuple[int, ...], padding: str, data_format: str,
    dilations: Any = 1, channels: int | None = None,
) -> tuple[int | None, ...]:  # fmt: skip
    """The shape that windows moved over the spatial axes give; `ValueError` where none fits."""
    rank = len(windows)
    dilations = (dilations,) * rank if isinstance(dilations, int) else dilations
    last = data_format == "channels_last"
    space = input_shape[1:-1] if last else input_shape[2:]
    own = input_shape[-1] if last else input_shape[1]
    sizes = tuple(map(_window_count, space, windows, strides, dilations, (padding,) * rank))
    for size in sizes:
        if size is not None and size <= 0:
            raise ValueError(
                "Computed output size would be negative. Received "
                f"`inputs shape={tuple(input_shape)}`, `kernel shape={windows}`, `dilation_rate={dilations}`."
            )
    channels = own if channels is None else channels
    return (input_shape[0], *sizes, channels) if last else (input_shape[0], channels, *sizes)


def _window_count(size: int | None, window: int, stride: int, dilation: int, padding: str) -> int | None:
    if size is None:
        return None
    span = 0 if padding in ("same", "causal") else (window - 1) * dilation
    return (size - span - 1) // stride + 1
