"""How SavedModels are written and read."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

__all__ = ["LoadOptions", "SaveOptions", "VariablePolicy"]


class VariablePolicy(enum.Enum):
    """Which devices of variables are kept. TensorFlow: tf.saved_model.experimental.VariablePolicy."""

    NONE = None
    SAVE_VARIABLE_DEVICES = "save_variable_devices"
    EXPAND_DISTRIBUTED_VARIABLES = "expand_distributed_variables"


@dataclass
class SaveOptions:
    """How a SavedModel is written.

    Args:
      namespace_whitelist: accepted: all ops are written.
      save_debug_info: accepted: the lines of the program are not written.
      function_aliases: names for functions, kept with the graph: {"alias": a tf.function}.
      experimental_debug_stripper, experimental_io_device, experimental_variable_policy, experimental_image_format,
        experimental_custom_gradients, experimental_skip_saver, experimental_sharding_callback, extra_tags: accepted;
        everything is written to the local disk, in one shard. Gradients of `tf.custom_gradient` are not written.

    TensorFlow: tf.saved_model.SaveOptions.
    """

    namespace_whitelist: Any = None
    save_debug_info: bool = False
    function_aliases: Any = None
    experimental_debug_stripper: bool = False
    experimental_io_device: Any = None
    experimental_variable_policy: Any = None
    experimental_custom_gradients: bool = True
    experimental_image_format: bool = False
    experimental_skip_saver: bool = False
    experimental_sharding_callback: Any = None
    extra_tags: Any = None


@dataclass
class LoadOptions:
    """How a SavedModel is read.

    Args:
      allow_partial_checkpoint: let variables that the checkpoint lacks be zeros.
      experimental_io_device: accepted; files are read from the local disk.
      experimental_skip_checkpoint: leave all variables zeros.
      experimental_variable_policy, experimental_load_function_aliases: accepted.

    TensorFlow: tf.saved_model.LoadOptions.
    """

    allow_partial_checkpoint: bool = False
    experimental_io_device: Any = None
    experimental_skip_checkpoint: bool = False
    experimental_variable_policy: Any = None
    experimental_load_function_aliases: bool = False
