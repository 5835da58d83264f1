"""Layers around layers: TimeDistributed and Bidirectional."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf

from .. import ops
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from .core import Wrapper
from .layer import Layer

__all__ = ["Bidirectional", "TimeDistributed"]


class TimeDistributed(Wrapper):
    """Applies a layer to each step of [batch, steps, ...].

    >>> tf.keras.layers.TimeDistributed(tf.keras.layers.Dense(4))(tf.ones((2, 3, 5))).shape
    TensorShape([2, 3, 4])

    Keras: keras.layers.TimeDistributed.
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Please initialize `TimeDistributed` layer with a `keras.layers.Layer` instance. Received: {layer}"
            )
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def _step_shape(self, input_shape: Any) -> tuple[Any, ...]:
        if not isinstance(input_shape, list | tuple) or len(input_shape) < 3:
            raise ValueError(
                "`TimeDistributed` Layer should be passed an `input_shape` with at least 3 dimensions, received: "
                f"{input_shape}"
            )
        return (input_shape[0], *input_shape[2:])

    def build(self, input_shape: Any) -> None:
        super().build(self._step_shape(input_shape))

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        steps = tf.transpose(inputs, [1, 0, *range(2, len(inputs.shape))])
        masks = None if mask is None else tf.transpose(mask, [1, 0, *range(2, len(mask.shape))])

        def step(i: Any) -> Any:
            kwargs: dict[str, Any] = {}
            if self.layer._call_has_mask_arg and masks is not None:
                kwargs["mask"] = masks[i]
            if self.layer._call_has_training_arg:
                kwargs["training"] = training
            return self.layer.call(steps[i], **kwargs)

        if steps.shape[0] is not None:
            outputs = tf.stack([step(i) for i in range(steps.shape[0])])
        else:
            outputs = tf.map_fn(step, tf.range(tf.shape(steps)[0]), fn_output_signature=self.compute_dtype)
        return tf.transpose(outputs, [1, 0, *range(2, len(outputs.shape))])

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        step = self.layer.compute_output_shape(self._step_shape(input_shape))
        return (step[0], input_shape[1], *step[1:])


class Bidirectional(Layer):
    """Runs a recurrent layer over a sequence in both directions.

    Args:
      layer: the forward layer. backward_layer: the other one; made from the first if not given.
      merge_mode: how outputs are combined: "concat", "sum", "mul", "ave", or None to give both.

    >>> tf.keras.layers.Bidirectional(tf.keras.layers.LSTM(4))(tf.ones((2, 3, 5))).shape
    TensorShape([2, 8])

    Keras: keras.layers.Bidirectional.
    """

    def __init__(
        self,
        layer: Layer,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Please initialize `Bidirectional` layer with a `keras.layers.Layer` instance. Received: {layer}"
            )
        if backward_layer is not None and not isinstance(backward_layer, Layer):
            raise ValueError(f"`backward_layer` need to be a `keras.layers.Layer` instance. Received: {backward_layer}")
        if merge_mode not in ("sum", "mul", "ave", "concat", None):
            raise ValueError(
                f"Invalid merge mode. Received: {merge_mode}. Merge mode should be one of "
                '{"sum", "mul", "ave", "concat", None}'
            )
        if weights is not None:
            raise NotImplementedError("Give Bidirectional its weights with `set_weights` once it is built.")
        super().__init__(**kwargs)
        self.forward_layer = _renamed(layer, "forward_")
        self.backward_layer = backward_layer or _renamed(layer, "backward_", go_backwards=True)
        self._check_directions()
        for side in (self.forward_layer, self.backward_layer):
            if getattr(side, "zero_output_for_mask", None) is not None:
                side.zero_output_for_mask = side.return_sequences
        self.merge_mode = merge_mode
        self.stateful, self.return_sequences = layer.stateful, layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True
        self.input_spec = layer.input_spec

    def _check_directions(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                "Forward layer and backward layer should have different `go_backwards` value. Received: "
                f"forward_layer.go_backwards {forward.go_backwards}, "
                f"backward_layer.go_backwards={backward.go_backwards}"
            )
        for name in ("stateful", "return_sequences", "return_state"):
            if getattr(forward, name) != getattr(backward, name):
                raise ValueError(
                    f'Forward layer and backward layer are expected to have the same value for attribute "{name}", got '
                    f'"{getattr(forward, name)}" for forward layer and "{getattr(backward, name)}" for backward layer'
                )

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        for side in (self.forward_layer, self.backward_layer):
            if not side.built:
                side.build(sequences_shape)

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = None) -> Any:
        half = len(initial_state) // 2 if initial_state is not None else 0
        starts = (None, None) if initial_state is None else (initial_state[:half], initial_state[half:])
        sides = (self.forward_layer, self.backward_layer)
        y, back = (
            side(sequences, initial_state=start, mask=mask, training=training)
            for side, start in zip(sides, starts, strict=True)
        )
        states: tuple[Any, ...] = ()
        if self.return_state:
            states = (*y[1:], *back[1:])
            y, back = y[0], back[0]
        if self.return_sequences:
            back = tf.reverse(back, [1])
        if self.merge_mode is None:
            return (y, back, *states)
        merged = _MERGES[self.merge_mode](y, back)
        return (merged, *states) if self.return_state else merged

    def reset_state(self) -> None:
        """Start over with zeros (stateful layers)."""
        if not self.stateful:
            raise AttributeError("Layer must be stateful.")
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        shape = self.forward_layer.compute_output_shape(sequences_shape)
        states: tuple[Any, ...] = ()
        if self.return_state:
            shape, states = shape[0], tuple(shape[1:])
        if self.merge_mode == "concat":
            shape = (*shape[:-1], shape[-1] * 2)
        if self.merge_mode is None:
            return (shape, shape, *states, *states)
        return (shape, *states, *states) if self.return_state else shape

    def compute_mask(self, sequences: Any, mask: Any = None) -> Any:
        mask = mask[0] if isinstance(mask, list) else mask
        own = mask if self.return_sequences else None
        masks = (own,) if self.merge_mode else (own, own)
        if self.return_state:
            return (*masks, *(None for _ in self.forward_layer.state_size * 2))
        return masks[0] if self.merge_mode else masks

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            "layer": serialize_keras_object(self.forward_layer),
            "backward_layer": serialize_keras_object(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        for key in ("layer", "backward_layer"):
            if config.get(key) is not None:
                config[key] = deserialize_keras_object(config[key], custom_objects=custom_objects)
        return cls(**config)


_MERGES: dict[str, Any] = {
    "concat": lambda a, b: ops.concatenate([a, b], axis=-1),
    "sum": lambda a, b: a + b,
    "ave": lambda a, b: (a + b) / 2,
    "mul": lambda a, b: a * b,
}


def _renamed(layer: Layer, prefix: str, **settings: Any) -> Any:
    """A copy of a layer under a name with a prefix, with other settings."""
    config = serialize_keras_object(layer)
    config.pop("build_config", None)
    config["config"] = {**config["config"], **settings, "name": prefix + layer.name.removeprefix(prefix)}
    return deserialize_keras_object(config)
