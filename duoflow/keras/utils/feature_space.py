"""FeatureSpace: tables of numbers and categories, as the vectors that models take.

Each feature has a layer that prepares it (a preprocessor); crosses hash several features together; integers are then
one-hot encoded, and everything is concatenated or returned by name.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core import nest
from duoflow.core.composite import Composite
from duoflow.core.tensor import Tensor, convert
from duoflow.data import Dataset

from ..layers.core import Rescaling
from ..layers.input_layer import Input
from ..layers.layer import Layer
from ..layers.preprocessing.categories import CategoryEncoding, HashedCrossing, Hashing
from ..layers.preprocessing.lookup import IntegerLookup, StringLookup
from ..layers.preprocessing.numbers import Discretization, Normalization
from ..layers.preprocessing.text import TextVectorization
from ..naming import auto_name
from ..saving.archive import save_model
from ..saving.public_names import named
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..variables import standardize_dtype

__all__ = ["FeatureSpace"]

_MODULE = "keras.src.layers.preprocessing.feature_space"  # what Keras' files call it


class _Spec:
    """Base of what says how features become vectors."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The spec of a config."""
        return cls(**config)


def _check_output_mode(mode: str, allowed: tuple[str, ...]) -> str:
    if mode not in allowed:
        raise ValueError(
            f"Invalid value for argument `output_mode`. Expected one of {allowed}. Received: output_mode={mode}"
        )
    return mode


@named(_MODULE)
class Cross(_Spec):
    """Features that are hashed together into `crossing_dim` bins."""

    def __init__(self, feature_names: Any, crossing_dim: int, output_mode: str = "one_hot") -> None:
        self.feature_names, self.crossing_dim = tuple(feature_names), crossing_dim
        self.output_mode = _check_output_mode(output_mode, ("int", "one_hot"))

    @property
    def name(self) -> str:
        """The features' names joined."""
        return "_X_".join(self.feature_names)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {name: getattr(self, name) for name in ("feature_names", "crossing_dim", "output_mode")}


@named(_MODULE)
class Feature(_Spec):
    """A feature of a dtype, the layer that prepares it, and what becomes of its output: "int", "one_hot" or "float"."""

    def __init__(self, dtype: str, preprocessor: Any, output_mode: str) -> None:
        self.dtype, self.output_mode = dtype, _check_output_mode(output_mode, ("int", "one_hot", "float"))
        self.preprocessor = deserialize_keras_object(preprocessor) if isinstance(preprocessor, dict) else preprocessor

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        preprocessor = serialize_keras_object(self.preprocessor)
        return {"dtype": self.dtype, "preprocessor": preprocessor, "output_mode": self.output_mode}


@named("keras.utils")
class FeatureSpace(Layer):
    """Prepares, crosses, encodes and joins the features of a dict.

    Args:
      features: names to kinds: "float", "float_normalized", "float_rescaled", "float_discretized",
        "integer_categorical", "string_categorical", "integer_hashed", "string_hashed"; or to what the methods of these
        names, or `feature`, give.
      output_mode: "concat" for one vector, "dict" for a vector or number by feature and cross.
      crosses: tuples of names, or what `cross` gives. crossing_dim, hashing_dim, num_discretization_bins: the sizes for
        crosses, hashed features and discretized features that say none.

    Features that learn from data need `adapt(dataset)` before the first call. It is called on dicts of arrays or
    tensors [batch] or [batch, 1], or of single values, also in `Dataset.map`; `get_inputs` and `get_encoded_features`
    begin a model. Raises `KeyError` for other features, `ValueError` for what cannot be joined.

    >>> space = tf.keras.utils.FeatureSpace({"a": "float", "b": "string_categorical"})
    >>> space.adapt({"a": [1.0, 2.0], "b": ["x", "y"]})
    >>> space({"a": [3.0], "b": ["x"]}).numpy()
    array([[3., 0., 0., 1.]], dtype=float32)

    Keras: keras.utils.FeatureSpace.
    """

    def __init__(
        self, features: dict[str, Any], output_mode: str = "concat", crosses: Any = None, crossing_dim: int = 32,
        hashing_dim: int = 32, num_discretization_bins: int = 32, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name=name)
        if not features:
            raise ValueError("The `features` argument cannot be None or empty.")
        self.crossing_dim, self.hashing_dim = crossing_dim, hashing_dim
        self.num_discretization_bins = num_discretization_bins
        self.features = {name: self._standardize_feature(name, value) for name, value in features.items()}
        self.crosses = [self._standardize_cross(cross) for cross in crosses or ()]
        if output_mode not in ("dict", "concat"):
            raise ValueError(
                "Invalid value for argument `output_mode`. Expected one of {'dict', 'concat'}. Received: "
                f"output_mode={output_mode}"
            )
        self.output_mode = output_mode
        self.inputs = {
            name: Input(shape=(1,), dtype=feature.dtype, name=name) for name, feature in self.features.items()
        }
        self.preprocessors = {name: feature.preprocessor for name, feature in self.features.items()}
        self.encoded_features: Any = None
        self.crosses_by_name = {cross.name: cross for cross in self.crosses}
        self.crossers = {cross.name: HashedCrossing(cross.crossing_dim, name=cross.name) for cross in self.crosses}
        self.one_hot_encoders: dict[str, Any] = {}
        self.concat: Any = None
        self._is_adapted = False

    # -- kinds of features -------------------------------------------------------------------------------------------

    @classmethod
    def cross(cls, feature_names: Any, crossing_dim: int, output_mode: str = "one_hot") -> Cross:
        """Features hashed together into `crossing_dim` bins; "int" or "one_hot"."""
        return Cross(feature_names, crossing_dim, output_mode)

    @classmethod
    def feature(cls, dtype: str, preprocessor: Any, output_mode: str) -> Feature:
        """A feature of a dtype with a layer of one's own; the layer's output is "int", "one_hot" or "float"."""
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Feature:
        """Numbers as they are."""
        return Feature("float32", TFDIdentity(dtype="float32", name=_layer_name(name, "float")), "float")

    @classmethod
    def float_rescaled(cls, scale: Any = 1.0, offset: Any = 0.0, name: str | None = None) -> Feature:
        """Numbers times `scale` plus `offset`."""
        layer = Rescaling(scale=scale, offset=offset, name=_layer_name(name, "float_rescaled"))
        return Feature("float32", layer, "float")

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Feature:
        """Numbers with mean 0 and deviation 1, learned from data."""
        return Feature("float32", Normalization(axis=-1, name=_layer_name(name, "float_normalized")), "float")

    @classmethod
    def float_discretized(
        cls, num_bins: int, bin_boundaries: Any = None, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Numbers by the bin they are in; the bins are learned from data unless given."""
        layer_name = _layer_name(name, "float_discretized")
        layer = Discretization(num_bins=num_bins, bin_boundaries=bin_boundaries, name=layer_name)
        return Feature("float32", layer, output_mode)

    @classmethod
    def integer_categorical(
        cls, max_tokens: int | None = None, num_oov_indices: int = 1, output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:  # fmt: skip
        """Integers by a vocabulary learned from data."""
        layer_name = _layer_name(name, "integer_categorical")
        layer = IntegerLookup(max_tokens=max_tokens, num_oov_indices=num_oov_indices, name=layer_name)
        return Feature("int32", layer, output_mode)

    @classmethod
    def string_categorical(
        cls, max_tokens: int | None = None, num_oov_indices: int = 1, output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:  # fmt: skip
        """Strings by a vocabulary learned from data."""
        layer_name = _layer_name(name, "string_categorical")
        layer = StringLookup(max_tokens=max_tokens, num_oov_indices=num_oov_indices, name=layer_name)
        return Feature("string", layer, output_mode)

    @classmethod
    def string_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """Strings by their hash."""
        return Feature("string", Hashing(num_bins=num_bins, name=_layer_name(name, "string_hashed")), output_mode)

    @classmethod
    def integer_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """Integers by their hash."""
        return Feature("int32", Hashing(num_bins=num_bins, name=_layer_name(name, "integer_hashed")), output_mode)

    def _standardize_feature(self, name: str, feature: Any) -> Feature:
        if isinstance(feature, Feature):
            return feature
        if isinstance(feature, dict):
            return deserialize_keras_object(feature)  # type: ignore[no-any-return]
        if feature == "float_discretized":
            return self.float_discretized(self.num_discretization_bins, name=name)
        if feature in ("integer_hashed", "string_hashed"):
            return getattr(self, feature)(self.hashing_dim, name=name)  # type: ignore[no-any-return]
        plain = ("float", "float_normalized", "float_rescaled", "integer_categorical", "string_categorical")
        if feature in plain:
            return getattr(self, feature)(name=name)  # type: ignore[no-any-return]
        raise ValueError(f"Invalid feature type: {feature}")

    def _standardize_cross(self, cross: Any) -> Cross:
        if isinstance(cross, dict):
            cross = deserialize_keras_object(cross)
        if isinstance(cross, Cross):
            return cross
        if not self.crossing_dim:
            raise ValueError(
                "When specifying `crosses`, the argument `crossing_dim` (dimensionality of the crossing space) should "
                "be specified as well."
            )
        if not set(cross) <= set(self.features):
            raise ValueError(
                "All features referenced in the `crosses` argument should be present in the `features` dict. Received "
                f"unknown features: {cross}"
            )
        return Cross(cross, self.crossing_dim)

    # -- learning ----------------------------------------------------------------------------------------------------

    def adapt(self, dataset: Any) -> None:
        """Learn from a `tf.data.Dataset` of dicts, batched or not, or from a dict of arrays or lists.

        Raises `ValueError` for anything else.
        """
        if isinstance(dataset, dict):
            dataset = Dataset.from_tensor_slices(dataset)
        if not isinstance(dataset, Dataset):
            raise ValueError(
                "`adapt()` can only be called on a tf.data.Dataset or a dict of arrays/lists. Received instead: "
                f"{dataset} (of type {type(dataset)})"
            )
        for name in self._list_adaptable_preprocessors():
            values = dataset.map(lambda row, name=name: row[name])
            rank = len(next(iter(values)).shape)
            if rank == 0:
                values = values.batch(32)
            if rank < 2:
                values = values.map(lambda x: tf.expand_dims(x, -1))
            self.preprocessors[name].adapt(values)
        self._is_adapted = True
        self.get_encoded_features()
        self.built = True

    def _list_adaptable_preprocessors(self) -> list[str]:
        """The features whose layers learn, and have not been given what they would learn."""
        found = []
        for name, layer in self.preprocessors.items():
            known = (isinstance(layer, Normalization) and layer.input_mean is not None) or (
                isinstance(layer, TextVectorization) and layer._lookup_layer.input_vocabulary is not None
            )
            if hasattr(layer, "adapt") and not known:
                found.append(name)
        return found

    def _check_if_adapted(self) -> None:
        if not self._is_adapted and self._list_adaptable_preprocessors():
            raise ValueError("You need to call `.adapt(dataset)` on the FeatureSpace before you can start using it.")
        self._is_adapted = True

    # -- encoding ----------------------------------------------------------------------------------------------------

    def get_inputs(self) -> dict[str, Any]:
        """The `keras.Input`s by name, for a model that takes features as they are."""
        self.get_encoded_features()
        return self.inputs

    def get_encoded_features(self) -> Any:
        """What becomes of the inputs: a KerasTensor, or a dict of them."""
        self._check_if_adapted()
        if self.encoded_features is None:
            self.encoded_features = self._encode(self.inputs)
        return self.encoded_features

    def __call__(self, data: Any) -> Any:
        """The vector, or the dict of them, for a dict of features."""
        self.get_encoded_features()
        if not isinstance(data, dict):
            raise ValueError(
                f"A FeatureSpace can only be called with a dict. Received: data={data} (of type {type(data)}"
            )
        if set(data) != set(self.features):
            raise KeyError(f"The FeatureSpace has the features {sorted(self.features)}. Received: {sorted(data)}")
        data = {name: self._convert_input(value) for name, value in data.items()}
        single = any(len(x.shape) == 0 for x in data.values())
        merged = self._encode({name: _as_column(x) for name, x in data.items()})
        if not single:
            return merged
        if self.output_mode == "dict":
            return {name: tf.squeeze(x, [0]) if tuple(x.shape[:-1]) == (1,) else x for name, x in merged.items()}
        if merged.shape[0] != 1:
            raise ValueError(f"Expected rebatched data to have batch size 1. Received: shape={merged.shape}")
        return tf.squeeze(merged, [0])

    def _convert_input(self, x: Any) -> Any:
        if isinstance(x, Tensor | Composite):
            return x
        return convert(x if isinstance(x, list | tuple | int | np.floating) else np.asarray(x))

    def _encode(self, data: dict[str, Any]) -> Any:
        """Features as columns, prepared, crossed, encoded and joined."""
        prepared = {name: self.preprocessors[name](x) for name, x in data.items()}
        crossed = {
            cross.name: self.crossers[cross.name]([prepared[name] for name in cross.feature_names])
            for cross in self.crosses
        }
        encoded = {name: self._encoded(name, prepared[name], self.features[name]) for name in sorted(prepared)}
        encoded |= {name: self._encoded(name, crossed[name], self.crosses_by_name[name]) for name in sorted(crossed)}
        if self.output_mode == "dict":
            return encoded
        if self.concat is None:
            for name, x in encoded.items():
                dtype = standardize_dtype(x.dtype)
                if dtype.startswith("int") or dtype == "string":
                    raise ValueError(
                        f"Cannot concatenate features because feature '{name}' has not been encoded (it has dtype "
                        f"{dtype}). Consider using `output_mode='dict'`."
                    )
            self.concat = TFDConcat(axis=-1)
        return self.concat(list(encoded.values()))

    def _encoded(self, name: str, x: Any, spec: Any) -> Any:
        """A prepared feature, one-hot encoded if it is to be."""
        if spec.output_mode != "one_hot":
            return x
        if name not in self.one_hot_encoders:
            dtype = standardize_dtype(nest.flatten(x)[0].dtype)
            if not dtype.startswith("int"):
                raise ValueError(
                    f"Feature '{name}' has `output_mode='one_hot'`. Thus its preprocessor should return an integer "
                    f"dtype. Instead it returns a {dtype} dtype."
                )
            size = _cardinality(name, self.preprocessors.get(name) or self.crossers[name])
            self.one_hot_encoders[name] = CategoryEncoding(num_tokens=size, output_mode="multi_hot")
        return self.one_hot_encoders[name](x)

    # -- configs and files -------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments, features and crosses as plain data."""
        names = ("output_mode", "crossing_dim", "hashing_dim", "num_discretization_bins")
        specs = {"features": serialize_keras_object(self.features), "crosses": serialize_keras_object(self.crosses)}
        return {**specs, **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> FeatureSpace:
        """The space of a config."""
        return cls(**config)

    def get_build_config(self) -> dict[str, Any]:
        """What builds the layers of the features."""
        return {name: layer.get_build_config() for name, layer in self.preprocessors.items()}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build the layers of the features, and count as adapted."""
        for name, build_config in config.items():
            if not self.preprocessors[name].built:
                self.preprocessors[name].build_from_config(build_config)
        self._is_adapted = True

    def save(self, filepath: Any) -> None:
        """Write everything to a `.keras` file, which `keras.models.load_model` reads."""
        save_model(self, filepath)

    def save_own_variables(self, store: Any) -> None:
        """There are none; the layers have theirs."""

    def load_own_variables(self, store: Any) -> None:
        """There are none; the layers have theirs."""


def _layer_name(name: str | None, kind: str) -> str:
    return f"{name or auto_name(kind)}_preprocessor"


def _as_column(x: Any) -> Any:
    """Values [batch] as [batch, 1], one value as [1, 1]."""
    rank = len(x.shape)
    return tf.reshape(x, (1, 1)) if rank == 0 else tf.expand_dims(x, -1) if rank == 1 else x


def _cardinality(name: str, layer: Any) -> int:
    """How many integers a layer gives; `ValueError` for one of which it is not known."""
    if isinstance(layer, IntegerLookup | StringLookup):
        return layer.vocabulary_size()
    if isinstance(layer, CategoryEncoding):
        return layer.num_tokens
    if isinstance(layer, Discretization | HashedCrossing | Hashing):
        return layer.num_bins  # type: ignore[no-any-return]
    raise ValueError(
        f"Feature '{name}' has `output_mode='one_hot'`. However it isn't a standard feature and the dimensionality of "
        "its output space is not known, thus it cannot be one-hot encoded. Try using `output_mode='int'`."
    )


@named(_MODULE)
class TFDConcat(Layer):
    """Joins the encoded features."""

    def __init__(self, axis: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, xs: Any) -> Any:
        return tf.concat(xs, self.axis)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


@named(_MODULE)
class TFDIdentity(Layer):
    """Gives what it gets."""

    def call(self, x: Any) -> Any:
        return x
