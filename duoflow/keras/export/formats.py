"""The formats in which `Model.export` writes."""

from __future__ import annotations

from typing import Any

from duoflow.core import nest
from duoflow.onnx import export_function
from duoflow.trace.function import function

from .archive import export_saved_model
from .signature import input_signature_of, tensor_spec

__all__ = ["export_model"]


def _export_onnx(
    model: Any, filepath: Any, verbose: bool | None = None, input_signature: Any = None,
    opset_version: int | None = None,
) -> None:  # fmt: skip
    """Write a model as an ONNX file, with its weights."""
    specs = [nest.map_structure(tensor_spec, part) for part in input_signature]
    traced = function(model.__call__, input_signature=specs, autograph=False).get_concrete_function()
    export_function(traced, filepath, opset_version)
    if verbose or verbose is None:
        print(f"Saved artifact at '{filepath}'.")


_FORMATS = {"tf_saved_model": export_saved_model, "onnx": _export_onnx}
_ELSEWHERE = ("openvino", "litert", "torch")


def export_model(
    model: Any, filepath: Any, format: str, verbose: bool | None, input_signature: Any, **kwargs: Any
) -> None:
    """Write a model in one of the formats; `ValueError` for one that is unknown, or not written here."""
    if format not in _FORMATS:
        known = (*_FORMATS, *_ELSEWHERE)
        why = " duoflow does not write it: export to 'onnx' and convert that." if format in _ELSEWHERE else ""
        raise ValueError(f"Unrecognized format={format}. Supported formats are: {list(known)}.{why}")
    if input_signature is None:
        input_signature = input_signature_of(model)
    _FORMATS[format](model, filepath, verbose=verbose, input_signature=input_signature, **kwargs)
