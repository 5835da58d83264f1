"""Pipeline: preparing layers one after another."""

from __future__ import annotations

from typing import Any

from duoflow.core import nest

from ...saving.serialization import deserialize_keras_object, serialize_keras_object
from ...symbolic import keras_mask
from ..layer import Layer

__all__ = ["Pipeline"]


class Pipeline(Layer):
    """Layers applied one after another, as one: for preparing data, which is training unless said otherwise.

    >>> layer = tf.keras.layers.Pipeline([tf.keras.layers.Rescaling(0.5), tf.keras.layers.Rescaling(1.0, offset=1.0)])
    >>> layer(tf.constant([2.0])).numpy()
    array([2.], dtype=float32)

    Keras: keras.layers.Pipeline.
    """

    def __init__(self, layers: Any, name: str | None = None) -> None:
        super().__init__(name=name)
        self._pipeline_layers = layers
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True

    @property
    def layers(self) -> Any:
        """The layers in order."""
        return self._pipeline_layers

    def build(self, input_shape: Any = None) -> None:
        self.built = True

    def call(self, inputs: Any, training: Any = True, mask: Any = None) -> Any:
        for layer in self._pipeline_layers:
            kwargs = {"mask": mask} if layer._call_has_mask_arg else {}
            if layer._call_has_training_arg and training is not None:
                kwargs["training"] = training
            inputs = layer(inputs, **kwargs)
            mask = nest.map_structure(keras_mask, inputs)
        return inputs

    def get_config(self) -> dict[str, Any]:
        return {"layers": [serialize_keras_object(layer) for layer in self._pipeline_layers], "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Pipeline:
        layers = config.get("layers")
        if not isinstance(layers, list | tuple):
            raise ValueError(
                "`Pipeline` config must contain a `layers` key mapping to a list of serialized layers. Received config "
                f"with layers={layers}."
            )
        return cls(**{**config, "layers": [deserialize_keras_object(layer) for layer in layers]})
