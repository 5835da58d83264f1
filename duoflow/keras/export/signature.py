"""What an exported model takes: specs of its inputs, with any batch size."""

from __future__ import annotations

from typing import Any

from duoflow.core import nest
from duoflow.core.spec import TensorSpec
from duoflow.core.tensor import is_tensor

from ..layers.input_spec import InputSpec
from ..symbolic import KerasTensor
from ..variables import standardize_dtype, standardize_shape

__all__ = ["input_signature_of", "tensor_spec"]


def input_signature_of(model: Any) -> Any:
    """The signature of a built model: of its inputs, or of what it was first called with; `ValueError` if not built."""
    if not model.built:
        raise ValueError("The model provided has not yet been built. It must be built before export.")
    if hasattr(model, "_inputs_struct"):
        return [nest.map_structure(tensor_spec, model._inputs_struct)]
    if getattr(model, "inputs", None):
        return [tensor_spec(x) for x in model.inputs]
    shapes = model._build_shapes_dict
    if not shapes or not model._called:
        raise ValueError("The model provided has never called. It must be called at least once before export.")
    return [_specs_of(shape, model.input_dtype) for shape in shapes.values()]


def _specs_of(structure: Any, dtype: Any) -> Any:
    """The specs for a structure of shapes."""
    if isinstance(structure, dict):
        return {key: _specs_of(part, dtype) for key, part in structure.items()}
    if all(size is None or isinstance(size, int) for size in structure):
        return TensorSpec((None, *structure[1:]), standardize_dtype(dtype))
    return type(structure)([_specs_of(part, dtype) for part in structure])


def tensor_spec(x: Any) -> TensorSpec:
    """The spec for an InputSpec, a KerasTensor or a tensor; `TypeError` for anything else."""
    if isinstance(x, TensorSpec):
        return x
    if isinstance(x, InputSpec):
        if x.shape is None or x.dtype is None:
            raise ValueError(f"The `shape` and `dtype` must be provided. Received: x={x}")
        return TensorSpec(x.shape, standardize_dtype(x.dtype), x.name)
    if isinstance(x, KerasTensor) or is_tensor(x):
        name = x.name if isinstance(x, KerasTensor) else None
        return TensorSpec((None, *standardize_shape(x.shape)[1:]), standardize_dtype(x.dtype), name)
    raise TypeError(
        f"Unsupported x={x} of the type ({type(x)}). Supported types are: `keras.InputSpec`, `keras.KerasTensor` and "
        "backend tensor."
    )
