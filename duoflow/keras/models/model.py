"""`Model`: a layer that can be trained, saved and summarized; from inputs and outputs, or by subclassing."""

from __future__ import annotations

import inspect
import json
import re
import warnings
from collections.abc import Callable
from typing import Any

from ..export.formats import export_model
from ..layers.call import has_unbuilt_state
from ..layers.layer import Layer
from ..operation import default, is_default
from ..saving import serialization
from ..saving.archive import model_from_bytes, model_to_bytes, save_model
from ..saving.weights_file import load_weights, save_weights
from ..symbolic import KerasTensor, compute_output_spec
from ..trainer import Trainer
from ..utils.summary import print_summary, summary_html
from ..variables import standardize_shape

__all__ = ["Model", "model_from_json"]


class Model(Trainer, Layer):
    """A trainable computation.

    From KerasTensors, `Model(inputs, outputs)` gives a `Functional` model. Subclasses make their layers in
    `__init__` and
    write `call(inputs, training=None)`.

    >>> x = tf.keras.Input((3,))
    >>> tf.keras.Model(x, tf.keras.layers.Dense(2)(x)).count_params()
    8

    Keras: keras.Model.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model and _is_functional(args, kwargs):
            return FUNCTIONAL[0].__new__(FUNCTIONAL[0], *args, **kwargs)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if _is_functional(args, kwargs):
            _become_functional(type(self))
            FUNCTIONAL[0].__init__(self, *args, **kwargs)
            return
        Trainer.__init__(self)
        Layer.__init__(self, *args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """What the model does to its inputs."""
        raise NotImplementedError(f"Model {type(self).__name__} does not have a `call()` method implemented.")

    def _own_metrics(self) -> list[Any]:
        """The metrics kept as attributes of the model and its layers."""
        return [metric for layer in self._flatten_layers() for metric in layer._metrics]

    # -- layers ------------------------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Any]:
        """The layers right below the model."""
        return list(self._flatten_layers(include_self=False, recursive=False))

    @layers.setter
    def layers(self, _: Any) -> None:
        raise AttributeError("`Model.layers` attribute is reserved and should not be used. Please use another name.")

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """The layer of that name or at that index; `ValueError` if there is none."""
        if index is not None and name is not None:
            raise ValueError(f"Provide only a layer name or a layer index. Received: index={index}, name={name}.")
        if index is not None:
            if len(self.layers) <= index:
                raise ValueError(
                    f"Was asked to retrieve layer at index {index} but model only has {len(self.layers)} layers."
                )
            return self.layers[index]
        if name is None:
            raise ValueError("Provide either a layer name or layer index at `get_layer`.")
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(f"No such layer: {name}. Existing layers are: {[layer.name for layer in self.layers]}.")

    def summary(
        self, line_length: int | None = None, positions: Any = None, print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False, show_trainable: bool = False, layer_range: Any = None,
    ) -> None:  # fmt: skip
        """Print the layers with their output shapes and numbers of parameters.

        Args:
          line_length: characters in a line. positions: where columns end, as fractions or characters.
          print_fn: called with the text instead of printing it.
          expand_nested: show the layers of nested models. show_trainable: say which layers are trained.
          layer_range: names (or regular expressions of names) of the first and last layer to show.
        """
        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range)

    def _repr_html_(self) -> str:
        """The summary, in notebooks."""
        return summary_html(self)

    # -- building ----------------------------------------------------------------------------------------------------

    @default
    def build(self, input_shape: Any = None) -> None:
        """Make the variables of all layers by tracing the model on inputs of a shape, or a structure of shapes."""
        if self.built:
            return
        shapes = _tensors(input_shape)
        if shapes is None:
            if type(self).call is Model.call:
                self.call()
            raise ValueError(
                f"Model.build() expects a shape or a structure of shapes. Received: input_shape={input_shape}"
            )
        try:
            if has_unbuilt_state(self):
                self._trace_build(shapes)
        except Exception as error:
            if not is_default(self.call) and self._layers:
                raise ValueError(
                    f"Model {self} cannot be built automatically: its `call()` could not be traced with inputs of "
                    "shape "
                    f"{input_shape}. Call the model on real tensors first, or write a `build()` method.\n\n{error}"
                ) from error
            raise
        self._build_shapes_dict = {"input_shape": input_shape}
        self.built = True

    def _trace_build(self, inputs: Any) -> None:
        parameters = [p for n, p in inspect.signature(self.call).parameters.items() if n not in ("training", "mask")]
        spread = isinstance(inputs, dict) and len(parameters) > 1 and set(inputs) <= {p.name for p in parameters}
        with self._open_name_scope(), self._call_context():
            compute_output_spec(self.call, **inputs) if spread else compute_output_spec(self.call, inputs)

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build with the shapes a saved model was built with."""
        if not config:
            return
        shape = config.get("input_shape")
        if not is_default(self.build) or "shapes_dict" in config:
            super().build_from_config(config)
        elif shape is not None:
            try:
                self.build(_as_shapes(shape))
            except (ValueError, TypeError, NotImplementedError):
                warnings.warn(
                    f"Model {self.name} could not be built from its config; call it once before its weights are "
                    "loaded.",
                    stacklevel=2,
                )

    # -- weights in few bits -----------------------------------------------------------------------------------------

    def quantize(self, mode: str | None = None, config: Any = None, filters: Any = None, **kwargs: Any) -> None:
        """Keep the large weights of all layers that can be quantized in few bits.

        Args:
          mode: "int8", "int4" or "float8". config: a `QuantizationConfig`, in the place of the mode or besides it.
          filters: a regular expression of layer names, a list of them, or a function that says of a layer whether it
            is quantized. type_check: refuse subclasses of the layers, which is the default.

        Layers that cannot be quantized are left, with a warning. Raises `ValueError` for a model that is not built, and
        `NotImplementedError` for "gptq" and "awq", which calibrate.

        >>> model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(2)])
        >>> model.quantize("int8")
        >>> model.layers[0].kernel.dtype
        'int8'

        Keras: keras.Model.quantize.
        """
        type_check = kwargs.pop("type_check", True)
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}")
        if filters is not None and not (callable(filters) or isinstance(filters, str | list | tuple)):
            raise ValueError(
                "The `filters` argument must be a regex string, a list of regex strings, or a callable. Received: "
                f"{type(filters)}"
            )
        if mode in ("gptq", "awq"):
            raise NotImplementedError(
                f"Calibration (mode='{mode}') is not supported. Weights of four bits with a scale for each block of "
                "inputs need none: `model.quantize(config=keras.quantizers.Int4QuantizationConfig(block_size=128))`."
            )
        for layer in self._flatten_layers():
            if _chosen(layer, filters) and not layer._layers:
                try:
                    layer.quantize(mode, type_check=type_check, config=config)
                except NotImplementedError as error:
                    warnings.warn(str(error), stacklevel=2)
        self._steps = {}

    # -- state -------------------------------------------------------------------------------------------------------

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, Any]:
        """The values of all variables in nested dicts that follow their paths.

        Args:
          value_format: "backend_tensor" or "numpy_array".

        Returns a dict of "trainable_variables", "non_trainable_variables", "optimizer_variables" and
        "metrics_variables". Raises `ValueError` where two variables have one path.

        >>> model = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(1, name="out")], name="model")
        >>> model.compile("sgd", "mse")
        >>> model.get_state_tree()["trainable_variables"]["model"]["out"]["bias"].numpy()
        array([0.], dtype=float32)

        Keras: keras.Model.get_state_tree.
        """
        return {name: _nested(variables, value_format) for name, variables in self._state().items()}

    def set_state_tree(self, state_tree: dict[str, Any]) -> None:
        """Assign values in the form of `get_state_tree`, all of them or some; paths nobody has are passed over."""
        state = self._state()
        for name, tree in state_tree.items():
            if name not in state:
                raise ValueError(f"Unknown variable name: {name}. Expected some of: {list(state)}.")
            values = _by_path(tree)
            for variable in state[name]:
                if variable.path in values:
                    variable.assign(values[variable.path])

    def _state(self) -> dict[str, list[Any]]:
        return {
            "trainable_variables": self.trainable_variables,
            "non_trainable_variables": self.non_trainable_variables,
            "optimizer_variables": [] if self.optimizer is None else self.optimizer.variables,
            "metrics_variables": self.metrics_variables,
        }

    # -- saving ------------------------------------------------------------------------------------------------------

    def save(self, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
        """Write configuration, weights and optimizer to a `.keras` file. Keras: keras.Model.save."""
        save_model(self, filepath, overwrite=overwrite, zipped=zipped, **kwargs)

    def save_weights(self, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None) -> None:
        """Write the weights to a `.weights.h5` file, all or nothing.

        Args:
          overwrite: replace a file that exists, without asking. max_shard_size: write files of at most so many GiB, and
            a map of them, which is `filepath` and ends in `.weights.json`.

        Raises `ValueError` for another ending, and variables larger than a shard.
        """
        save_weights(self, filepath, overwrite=overwrite, max_shard_size=max_shard_size)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Read weights from a `.weights.h5`, `.weights.json` or `.keras` file, or a legacy `.h5` file.

        Raises `ValueError` naming the layer for what does not fit, unless `skip_mismatch`. `objects_to_skip` and, for
        legacy files, `by_name` are as in `keras.saving.load_weights`.
        """
        load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

    def export(
        self, filepath: Any, format: str = "tf_saved_model", verbose: bool | None = None, input_signature: Any = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        """Write what the model computes, to be run without its Python code.

        Args:
          filepath: a folder ("tf_saved_model"), or a file ("onnx").
          format: "tf_saved_model": `tf.saved_model.load` and TensorFlow Serving read it, with the endpoint "serve";
            "onnx": other runtimes read it.
          verbose: say what was written; by default True.
          input_signature: specs of the inputs, instead of those the model was built with.
          **kwargs: for "onnx" `opset_version`.

        Raises `ValueError` if the model is not built, or for another format.

        Keras: keras.Model.export.
        """
        export_model(self, filepath, format, verbose, input_signature, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles and copies are made as files are: of the configuration, the weights and the optimizer."""
        return model_from_bytes, (model_to_bytes(self), type(self))

    def to_json(self, **kwargs: Any) -> str:
        """The configuration as JSON text, without weights."""
        return json.dumps(serialization.serialize_keras_object(self), **kwargs)

    @default
    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal model."""
        return super().get_config()

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A model from its config."""
        if all(key in config for key in ("name", "layers", "input_layers", "output_layers")):
            return FUNCTIONAL[0].rebuilt(cls, config, custom_objects)
        try:
            return cls(**config)
        except TypeError as error:
            raise TypeError(
                "Unable to revive model from config. When overriding the `get_config()` method, make sure that the "
                "returned "
                f"config contains all items used as arguments in the  constructor to {cls}, which is the default "
                "behavior. "
                "You can override this default behavior by defining a `from_config(cls, config)` class method to "
                "specify "
                f"how to create an instance of {cls.__name__} from its config.\n\nReceived config={config}\n\n"
                f"Error encountered during deserialization: {error}"
            ) from error


#: The class that `Model(inputs, outputs)` makes; functional.py, which builds on this module, puts it here.
FUNCTIONAL: list[Any] = []


def _chosen(layer: Any, filters: Any) -> bool:
    """Whether `quantize` should look at a layer."""
    if filters is None or callable(filters):
        return filters is None or bool(filters(layer))
    return any(re.search(pattern, layer.name) for pattern in ([filters] if isinstance(filters, str) else filters))


def _nested(variables: list[Any], value_format: str) -> dict[str, Any]:
    """The values of variables as a tree of their paths."""
    if value_format not in ("backend_tensor", "numpy_array"):
        raise ValueError(
            "Invalid `value_format` argument. Expected one of {'numpy_array', 'backend_tensor'}. Received: "
            f"value_format={value_format}"
        )
    tree: dict[str, Any] = {}
    for variable in variables:
        *parents, name = variable.path.split("/")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        if name in branch:
            raise ValueError(
                f"The following variable path is found twice in the model: '{variable.path}'. `get_state_tree()` can "
                "only be called when all variable paths are unique. Give unique names to your layers (and other "
                "objects)."
            )
        branch[name] = variable.value if value_format == "backend_tensor" else variable.numpy()
    return tree


def _by_path(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """The leaves of a tree by their paths."""
    leaves: dict[str, Any] = {}
    for name, value in tree.items():
        leaves |= _by_path(value, f"{prefix}{name}/") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return leaves


def _is_functional(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return len(args) == 2 or len(args) == 1 and "outputs" in kwargs or "inputs" in kwargs and "outputs" in kwargs


def _become_functional(cls: type) -> None:
    """Let a subclass of Model that was given inputs and outputs inherit from Functional from now on."""
    functional = FUNCTIONAL[0]
    if not issubclass(cls, functional):
        for base in cls.__mro__:
            if Model in base.__bases__ and base is not functional:
                base.__bases__ = tuple(functional if b is Model else b for b in base.__bases__)


def _tensors(shapes: Any) -> Any:
    """KerasTensors for a shape or a structure of shapes; None for anything else."""
    if isinstance(shapes, dict):
        found = {key: _tensors(value) for key, value in shapes.items()}
        return None if any(v is None for v in found.values()) else found
    try:
        return KerasTensor(standardize_shape(shapes))
    except ValueError:
        pass
    if not isinstance(shapes, list | tuple):
        return None
    items = [_tensors(item) for item in shapes]
    return None if any(item is None for item in items) else type(shapes)(items)


def _as_shapes(shape: Any) -> Any:
    """JSON's lists as tuples."""
    if isinstance(shape, list):
        return tuple(map(_as_shapes, shape))
    return {key: _as_shapes(value) for key, value in shape.items()} if isinstance(shape, dict) else shape


def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """A model from what `to_json` gave, with fresh weights.

    >>> model = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(1)])
    >>> tf.keras.models.model_from_json(model.to_json()).count_params()
    3

    Keras: keras.models.model_from_json.
    """
    return serialization.deserialize_keras_object(json.loads(json_string), custom_objects=custom_objects)
