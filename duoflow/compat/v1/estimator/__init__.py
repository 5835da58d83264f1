"""`tf.estimator`: models as functions of features and mode, with training, evaluation and prediction around them.

TensorFlow: tf.estimator (1.x; TensorFlow 2.21 has dropped it).
"""

from ..hooks import (
    CheckpointSaverHook,
    CheckpointSaverListener,
    FeedFnHook,
    FinalOpsHook,
    GlobalStepWaiterHook,
    LoggingTensorHook,
    NanLossDuringTrainingError,
    NanTensorHook,
    ProfilerHook,
    SecondOrStepTimer,
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
    StepCounterHook,
    StopAtStepHook,
    SummarySaverHook,
)
from . import export, inputs
from .canned import (
    BaselineClassifier,
    BaselineRegressor,
    DNNClassifier,
    DNNLinearCombinedClassifier,
    DNNLinearCombinedRegressor,
    DNNRegressor,
    LinearClassifier,
    LinearRegressor,
    classifier_parse_example_spec,
    regressor_parse_example_spec,
)
from .export import FinalExporter, LatestExporter
from .model import Estimator, EvalSpec, TrainSpec, train_and_evaluate
from .spec import EstimatorSpec, ModeKeys, RunConfig, WarmStartSettings

__all__ = [
    "BaselineClassifier", "BaselineRegressor", "CheckpointSaverHook", "CheckpointSaverListener", "DNNClassifier",
    "DNNLinearCombinedClassifier", "DNNLinearCombinedRegressor", "DNNRegressor", "Estimator", "EstimatorSpec",
    "EvalSpec", "FeedFnHook", "FinalExporter", "FinalOpsHook", "GlobalStepWaiterHook", "LatestExporter",
    "LinearClassifier", "LinearRegressor", "LoggingTensorHook", "ModeKeys", "NanLossDuringTrainingError",
    "NanTensorHook", "ProfilerHook", "RunConfig", "SecondOrStepTimer", "SessionRunArgs", "SessionRunContext",
    "SessionRunHook", "SessionRunValues", "StepCounterHook", "StopAtStepHook", "SummarySaverHook", "TrainSpec",
    "WarmStartSettings", "classifier_parse_example_spec", "export", "inputs", "regressor_parse_example_spec",
    "train_and_evaluate",
]  # fmt: skip
