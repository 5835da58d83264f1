"""keras.models: the kinds of models, cloning and reading them."""

from ..saving.archive import load_model, save_model
from .cloning import clone_model
from .functional import Functional
from .model import Model, model_from_json
from .sequential import Sequential

__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]
