"""Layers around what other libraries run: their names and signatures, and errors that say what to do instead.

A missing library gives Keras' error; a library that is there is not called from here, which `NotImplementedError` says.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, NoReturn

from .layer import Layer

__all__ = ["FlaxLayer", "JaxLayer", "TorchModuleWrapper"]


def _refuse(layer: Layer, library: str, instead: str) -> NoReturn:
    name = type(layer).__name__
    if find_spec(library) is None:
        raise ModuleNotFoundError(
            f"{name} requires the {library} module. Received a {name} of a program without it; you can install it "
            f"via `pip install {library}` and run the program with Keras, or {instead}.",
            name=library,
        )
    raise NotImplementedError(f"{name} is not supported: {library} functions do not run here; {instead}.")


class JaxLayer(Layer):
    """A JAX function as a layer: refused, with `ImportError` without JAX. Keras: keras.layers.JaxLayer."""

    def __init__(
        self, call_fn: Any, init_fn: Any = None, params: Any = None, state: Any = None, seed: Any = None,
        native_serialization_platforms: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        _refuse(self, "jax", "write the function with `keras.ops` in a `keras.layers.Layer`")


class FlaxLayer(JaxLayer):
    """A Flax module as a layer: refused, with `ImportError` without Flax. Keras: keras.layers.FlaxLayer."""

    def __init__(self, module: Any, method: Any = None, variables: Any = None, **kwargs: Any) -> None:
        _refuse(self, "flax", "write the module as a `keras.layers.Layer`")


class TorchModuleWrapper(Layer):
    """A PyTorch module as a layer: refused, `ImportError` without PyTorch. Keras: keras.layers.TorchModuleWrapper."""

    def __init__(self, module: Any, name: str | None = None, output_shape: Any = None, **kwargs: Any) -> None:
        _refuse(self, "torch", "write the module as a `keras.layers.Layer`")
