"""ONNX files of what concrete functions compute; written with our own protocol buffers."""

from .export import export_function

__all__ = ["export_function"]
