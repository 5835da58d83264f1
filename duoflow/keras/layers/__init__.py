"""keras.layers: what models are made of."""

from typing import Any

from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..saving.state_tree import reference_object
from .activation import *
from .attention import *
from .convolution import *
from .core import *
from .dense import *
from .embedding import *
from .foreign import *
from .grouped_attention import *
from .input_layer import *
from .input_spec import InputSpec
from .layer import Layer
from .merging import *
from .normalization import *
from .pooling import *
from .preprocessing import *
from .recurrent import *
from .recurrent_cells import *
from .recurrent_convolution import *
from .regularization import *
from .reshaping import *
from .saved_model import *
from .spectral import *
from .wrappers import *

reference_object("Layer", lambda: Layer(name="reference"))


def serialize(layer: Any) -> Any:
    """A layer as plain data. Keras: keras.layers.serialize."""
    return serialize_keras_object(layer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Layer:
    """A layer from plain data; `ValueError` if it describes something else. Keras: keras.layers.deserialize."""
    layer = deserialize_keras_object(config, custom_objects=custom_objects)
    if not isinstance(layer, Layer):
        raise ValueError(
            "`keras.layers.deserialize` was passed a `config` object that is not a `keras.layers.Layer`. Received: "
            f"{config}"
        )
    return layer
