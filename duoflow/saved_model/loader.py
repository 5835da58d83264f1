"""SavedModels without objects, as TensorFlow 1 wrote them: their graph, its variables and signatures."""

from __future__ import annotations

from typing import Any

__all__ = ["load_as_function"]


def load_as_function(export_dir: Any, meta: Any) -> Any:
    raise ValueError("no objects")
