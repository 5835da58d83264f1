"""Checkpoints of objects, and messages of examples: `tf.train`."""

from types import SimpleNamespace as _SimpleNamespace

from duoflow.formats.checkpoints import (
    checkpoints_iterator,
    get_checkpoint_state,
    latest_checkpoint,
    list_variables,
    load_checkpoint,
    load_variable,
)
from duoflow.formats.messages import (
    BytesList,
    Example,
    Feature,
    FeatureList,
    FeatureLists,
    Features,
    FloatList,
    Int64List,
    SequenceExample,
)
from duoflow.ops.checkpoint import Checkpoint, CheckpointOptions
from duoflow.ops.checkpoint import PythonState as _PythonState
from duoflow.ops.checkpoint_manager import CheckpointManager

experimental = _SimpleNamespace(PythonState=_PythonState)

__all__ = [
    "BytesList",
    "Checkpoint",
    "CheckpointManager",
    "CheckpointOptions",
    "Example",
    "Feature",
    "FeatureList",
    "FeatureLists",
    "Features",
    "FloatList",
    "Int64List",
    "SequenceExample",
    "checkpoints_iterator",
    "experimental",
    "get_checkpoint_state",
    "latest_checkpoint",
    "list_variables",
    "load_checkpoint",
    "load_variable",
]
