"""Callbacks: keras.callbacks."""

from .base import Callback
from .callback_list import CallbackList
from .checkpoint import BackupAndRestore, ModelCheckpoint
from .control import EarlyStopping, LearningRateScheduler, ReduceLROnPlateau, SwapEMAWeights, TerminateOnNaN
from .history import History
from .logging import CSVLogger, LambdaCallback, RemoteMonitor
from .orbax import OrbaxCheckpoint
from .progbar_logger import ProgbarLogger
from .tensorboard import TensorBoard

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "OrbaxCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]
