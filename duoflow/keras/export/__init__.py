"""keras.export: models as artifacts that run without their Python code."""

from .archive import ExportArchive

__all__ = ["ExportArchive"]
