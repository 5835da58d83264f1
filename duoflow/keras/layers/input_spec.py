"""What a layer asks of its inputs: rank, dtype, sizes of axes; and the check, with Keras' messages."""

from __future__ import annotations

from typing import Any

from duoflow.core import nest

from ..variables import standardize_dtype, standardize_shape

__all__ = ["InputSpec", "assert_input_compatibility"]


class InputSpec:
    """The rank, dtype and shape that one input of a layer must have.

    Args:
      dtype: a dtype's name. shape: sizes, None for any. ndim, min_ndim, max_ndim: bounds of the rank.
      axes: sizes of single axes, e.g. `{-1: 64}`.
      allow_last_axis_squeeze: accept shapes that differ by a last axis of 1.
      name: the key of the input in a dict of inputs. optional: accept None.

    Keras: keras.layers.InputSpec.
    """

    def __init__(
        self, dtype: Any = None, shape: Any = None, ndim: int | None = None, max_ndim: int | None = None,
        min_ndim: int | None = None, axes: dict[int, int | None] | None = None, allow_last_axis_squeeze: bool = False,
        name: str | None = None, optional: bool = False,
    ) -> None:  # fmt: skip
        self.dtype = None if dtype is None else standardize_dtype(dtype)
        self.shape = None if shape is None else standardize_shape(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.name, self.optional, self.allow_last_axis_squeeze = name, optional, allow_last_axis_squeeze
        try:
            self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        except (ValueError, TypeError):
            raise TypeError(f"Argument `axes` must be a dict with integer keys. Received: axes={axes}") from None
        limit = self.ndim if self.ndim is not None else max_ndim
        if self.axes and limit is not None and max(self.axes) > limit - 1:
            raise ValueError(f"Axis {max(self.axes)} is greater than the maximum allowed value: {limit - 1}")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal spec."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        """A spec from its config."""
        return cls(**config)

    def __repr__(self) -> str:
        facts = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        return f"InputSpec({', '.join(f'{f}={getattr(self, f)}' for f in facts if getattr(self, f))})"


def assert_input_compatibility(input_spec: Any, inputs: Any, layer_name: str) -> None:
    """Raise `ValueError` unless the inputs are what the specs ask for."""
    specs = nest.flatten(input_spec)
    if isinstance(inputs, dict) and all(spec is not None and spec.name for spec in specs):
        inputs = _in_order_of_specs(specs, inputs)
    inputs = nest.flatten(inputs)
    if len(inputs) != len(specs):
        raise ValueError(_wrong_count(specs, inputs, layer_name))
    for index, (x, spec) in enumerate(zip(inputs, specs, strict=True)):
        if spec is None or x is None and spec.optional:
            continue
        if not hasattr(x, "shape"):
            raise ValueError(
                f"Inputs to a layer should be tensors. Got '{x}' (of type {type(x)}) as input for layer '{layer_name}'."
            )
        problem = _problem(spec, x)
        if problem:
            raise ValueError(
                f"Input {index} with name '{spec.name}' of layer '{layer_name}' is incompatible with the layer: "
                f"{problem}"
            )


def _in_order_of_specs(specs: list[InputSpec], inputs: dict[str, Any]) -> list[Any]:
    names = [spec.name for spec in specs]
    for name in names:
        if name not in inputs:
            raise ValueError(
                f'Missing data for input "{name}". You passed a data dictionary with keys {list(inputs)}. '
                f"Expected the following keys: {names}"
            )
    return [inputs[name] for name in names]  # type: ignore[index]


def _wrong_count(specs: list[Any], inputs: list[Any], layer_name: str) -> str:
    names = [spec.name for spec in specs if spec is not None]
    if len(names) == len(specs) and all(names):
        example = ", ".join(f"'{name}': ..." for name in names)
        return (
            f'Layer "{layer_name}" expects {len(specs)} named input(s) with keys {names}, but it received '
            f"{len(inputs)} input tensors. Pass inputs as a dict, e.g. `layer({{{example}}})`."
        )
    return (
        f'Layer "{layer_name}" expects {len(specs)} input(s), but it received {len(inputs)} input tensors. '
        f"Inputs received: {inputs}"
    )


def _problem(spec: InputSpec, x: Any) -> str | None:
    """What is wrong with an input, in Keras' words, or None."""
    shape = standardize_shape(x.shape)
    ndim = len(shape)
    if spec.ndim not in (None, ndim) and not spec.allow_last_axis_squeeze:
        return f"expected ndim={spec.ndim}, found ndim={ndim}. Full shape received: {shape}"
    if spec.max_ndim is not None and ndim > spec.max_ndim:
        return f"expected max_ndim={spec.max_ndim}, found ndim={ndim}"
    if spec.min_ndim is not None and ndim < spec.min_ndim:
        return f"expected min_ndim={spec.min_ndim}, found ndim={ndim}. Full shape received: {shape}"
    if spec.dtype is not None and standardize_dtype(x.dtype) != spec.dtype:
        return f"expected dtype={spec.dtype}, found dtype={standardize_dtype(x.dtype)}"
    for axis, size in spec.axes.items():
        if size is not None and shape[axis] not in (size, None):
            return f"expected axis {axis} of input shape to have value {size}, but received input with shape {shape}"
    if spec.shape is not None:
        found, wanted = shape, spec.shape
        if spec.allow_last_axis_squeeze:
            found, wanted = (s[:-1] if s and s[-1] == 1 else s for s in (found, wanted))
        if any(a is not None and b is not None and a != b for a, b in zip(wanted, found, strict=False)):
            return f"expected shape={spec.shape}, found shape={found}"
    return None
