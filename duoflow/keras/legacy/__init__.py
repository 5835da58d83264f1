"""keras.legacy: how Keras 2 wrote objects."""

from . import saving
