"""Functional models as plain data and back: layers, and for each the calls that connect it."""

from __future__ import annotations

from typing import Any

from duoflow.core import nest

from ..function import node_key
from ..operation import KerasHistory, Node, Operation
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..symbolic import KerasTensor

__all__ = ["functional_config", "rebuilt"]


def functional_config(model: Any) -> dict[str, Any]:
    """The config of a Functional model in Keras' format."""
    layers = []
    for operation in model.operations:
        config = serialize_keras_object(operation)
        config["name"] = operation.name
        calls = [node for node in operation._inbound_nodes if node_key(operation, node.index) in model._nodes]
        config["inbound_nodes"] = [_call_config(node, model) for node in calls if node.input_tensors]
        layers.append(config)
    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": layers,
        "input_layers": _map(model._inputs_struct, lambda x: _address(x, model)),
        "output_layers": _map(model._outputs_struct, lambda x: _address(x, model)),
    }


def _is_model(operation: Any) -> bool:
    """Whether an operation is itself a Functional model; in configs those start with a node of their own."""
    return hasattr(operation, "_inputs_struct")


def _own_index(history: KerasHistory, model: Any) -> int:
    """Which of an operation's calls in this model made a tensor."""
    operation, index, _ = history
    return sum(node_key(operation, i) in model._nodes for i in range(index))


def _address(x: KerasTensor, model: Any) -> list[Any]:
    history = x._keras_history
    index = _own_index(history, model) + (1 if _is_model(history.operation) else 0)
    return [history.operation.name, index, history.tensor_index]


def _call_config(node: Node, model: Any) -> dict[str, Any]:
    def portable(x: Any) -> Any:
        if not isinstance(x, KerasTensor):
            return x
        history = x._keras_history
        stand_in = KerasTensor(x.shape, dtype=x.dtype, name=x.name)
        stand_in._keras_history = history._replace(node_index=_own_index(history, model))
        return stand_in

    args, kwargs = nest.map_structure(portable, node.args), nest.map_structure(portable, node.kwargs)
    return {"args": serialize_keras_object(args), "kwargs": serialize_keras_object(kwargs)}


def _map(structure: Any, function: Any) -> Any:
    """Like nest.map_structure, where the results may be lists."""
    if isinstance(structure, dict):
        return {key: _map(value, function) for key, value in structure.items()}
    if isinstance(structure, list | tuple):
        return [_map(item, function) for item in structure]
    return function(structure)


class _NotYet(Exception):
    """A call's inputs are outputs of calls that have not been made."""


def rebuilt(cls: Any, config: dict[str, Any], custom_objects: Any = None) -> Any:
    """The model of a config: make the layers, then their calls as soon as their inputs are there."""
    config = dict(config)
    layer_configs, inputs, outputs = (config.pop(key) for key in ("layers", "input_layers", "output_layers"))
    name, trainable = config.pop("name", None), config.pop("trainable", None)
    layers: dict[str, Any] = {}
    waiting: list[tuple[Any, list[Any]]] = []
    for layer_config in layer_configs:
        layer = _layer(layer_config, custom_objects)
        layers[layer_config["name"]] = layer
        waiting.append((layer, list(layer_config["inbound_nodes"])))
    while any(calls for _, calls in waiting):
        before = sum(len(calls) for _, calls in waiting)
        for layer, calls in waiting:
            _make_calls(layer, calls, layers)
        if sum(len(calls) for _, calls in waiting) == before:
            stuck = [layer.name for layer, calls in waiting if calls]
            raise ValueError(
                "Invalid Functional model configuration. The graph of the Functional model either has loops or "
                "disconnected "
                f"nodes. The following nodes failed to be resolved: {stuck}"
            )
    return cls(
        inputs=_tensors_at(inputs, layers),
        outputs=_tensors_at(outputs, layers),
        name=name,
        trainable=trainable,
        **config,
    )


def _layer(config: dict[str, Any], custom_objects: Any) -> Operation:
    layer = deserialize_keras_object(config, custom_objects=custom_objects)
    if not isinstance(layer, Operation):
        raise ValueError(f"Unexpected object from deserialization, expected a layer or operation, got a {type(layer)}")
    return layer


def _make_calls(layer: Any, calls: list[Any], layers: dict[str, Any]) -> None:
    """Make the calls whose inputs exist, in order; drop them from the list."""
    while calls:
        try:
            args, kwargs = _arguments(calls[0], layers)
        except _NotYet:
            return
        layer(*args, **kwargs)
        calls.pop(0)


def _arguments(call: Any, layers: dict[str, Any]) -> tuple[Any, Any]:
    if isinstance(call, list):  # the form of Keras 2: [[layer, node, tensor, kwargs], ...]
        tensors = [_tensor_of(entry[0], entry[1], entry[2], layers) for entry in call]
        return [tensors[0] if len(tensors) == 1 else tensors], call[0][3] if len(call[0]) > 3 else {}

    def revived(x: Any) -> Any:
        history = getattr(x, "_serialized_history", None)
        return x if history is None else _tensor_of(*history, layers)

    args, kwargs = deserialize_keras_object(call["args"]), deserialize_keras_object(call["kwargs"])
    return nest.map_structure(revived, args), nest.map_structure(revived, kwargs)


def _tensor_of(name: str, node_index: int, tensor_index: int, layers: dict[str, Any]) -> KerasTensor:
    if name not in layers:
        raise ValueError(f"Unknown layer: {name}")
    nodes = layers[name]._inbound_nodes
    if len(nodes) <= node_index:
        raise _NotYet
    return nodes[node_index].outputs[tensor_index]  # type: ignore[no-any-return]


def _tensors_at(structure: Any, layers: dict[str, Any]) -> Any:
    """The tensors that addresses [layer, node, tensor] in a structure stand for."""
    if isinstance(structure, dict):
        return {key: _tensors_at(value, layers) for key, value in structure.items()}
    if len(structure) == 3 and isinstance(structure[0], str):
        name, node_index, tensor_index = structure
        return _tensor_of(name, node_index - (1 if _is_model(layers.get(name)) else 0), tensor_index, layers)
    return [_tensors_at(item, layers) for item in structure]
