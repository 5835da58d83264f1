"""Rematerialization of layers: their inner values are not kept for the backward pass but computed again in it.

The second computation sees state as it was before the first (the same random numbers, the same statistics) and
changes none, so that training is the same with and without.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from duoflow.core import nest
from duoflow.core.custom_gradients import recompute_grad
from duoflow.core.tensor import Tensor

from .scopes import StatelessScope
from .state import session
from .symbolic import KerasTensor, keras_mask, set_keras_mask

__all__ = ["RematScope", "rematerialized"]

_MODES = ("full", "activations", "larger_than", "list_of_layers", None)


class RematScope:
    """Let layers made inside compute again, in the backward pass, what it needs of them.

    Args:
      mode: "full" for all layers, "activations" for their activation functions, "larger_than" for those with larger
        outputs than `output_size_threshold` elements, "list_of_layers" for those of `layer_names`; None for none.
      output_size_threshold: in elements; unknown dimensions do not count.
      layer_names: names of layers.

    Raises `ValueError` for other modes.

    >>> with tf.keras.RematScope(mode="larger_than", output_size_threshold=512):
    ...     layer = tf.keras.layers.Dense(1024, activation="relu")
    >>> layer(tf.ones((2, 8))).shape
    TensorShape([2, 1024])

    Keras: keras.RematScope.
    """

    def __init__(
        self, mode: str | None = "full", output_size_threshold: int = 1024, layer_names: Sequence[str] | None = None
    ) -> None:
        if mode not in _MODES:
            raise ValueError(
                f"Invalid mode '{mode}'. Supported modes are: 'full', 'activations', 'larger_than', 'list_of_layers', "
                "or None."
            )
        self.mode, self.output_size_threshold, self.layer_names = mode, output_size_threshold, list(layer_names or ())

    def __enter__(self) -> RematScope:
        session.remat.append(self)
        return self

    def __exit__(self, *exc: object) -> None:
        session.remat.pop()

    def applied(self, layer: Any, call: Callable[..., Any], args: Any, kwargs: Any) -> Callable[..., Any]:
        """The layer's `call` as the mode wants it for these arguments."""
        if self.mode == "activations":
            return call if getattr(layer, "activation", None) is None else _with_activation(layer, call)
        named = self.mode == "list_of_layers" and layer.name in self.layer_names
        large = self.mode == "larger_than" and _output_size(layer, args, kwargs) > self.output_size_threshold
        return rematerialized(layer, call) if self.mode == "full" or named or large else call


def rematerialized(layer: Any, call: Callable[..., Any]) -> Callable[..., Any]:
    """A layer's `call`, computed again in the backward pass from its arguments and the state before."""

    @functools.wraps(call)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        leaves = nest.flatten((args, kwargs))
        places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tensor)]
        before = [(variable, variable.value) for variable in layer.non_trainable_variables]
        first = True

        def computed(*tensors: Any) -> Any:
            nonlocal first
            filled = list(leaves)
            for i, tensor in zip(places, tensors, strict=True):
                if keras_mask(leaves[i]) is not None:
                    set_keras_mask(tensor, keras_mask(leaves[i]))
                filled[i] = tensor
            given, named = nest.pack_sequence_as((args, kwargs), filled)
            if first:
                first = False
                return call(*given, **named)
            with StatelessScope(before):
                return call(*given, **named)

        return recompute_grad(computed)(*[leaves[i] for i in places])

    return wrapper


def _with_activation(layer: Any, call: Callable[..., Any]) -> Callable[..., Any]:
    """A layer's `call` with an activation that is computed again in the backward pass."""

    @functools.wraps(call)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        own = layer.activation
        layer.activation = recompute_grad(own)
        try:
            return call(*args, **kwargs)
        finally:
            layer.activation = own

    return wrapper


def _output_size(layer: Any, args: Any, kwargs: Any) -> int:
    """The elements of a layer's outputs, as far as dimensions are known."""

    def described(x: Any) -> Any:
        return KerasTensor(x.dims, x.dtype) if isinstance(x, Tensor) else x

    given, named = nest.map_structure(described, (args, kwargs))
    specs = nest.flatten(layer.compute_output_spec(*given, **named))
    return sum(math.prod(size or 1 for size in spec.shape) for spec in specs)
