"""What a model function returns, what mode it is called in, and how runs are configured."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from duoflow.core.graph import Node
from duoflow.core.tensor import Tensor

__all__ = ["EstimatorSpec", "ModeKeys", "RunConfig", "WarmStartSettings"]


class ModeKeys:
    """The modes. TensorFlow: tf.estimator.ModeKeys."""

    TRAIN = "train"
    EVAL = "eval"
    PREDICT = "infer"
    INFER = "infer"


class _Spec(NamedTuple):
    mode: str
    predictions: Any
    loss: Any
    train_op: Any
    eval_metric_ops: Any
    export_outputs: Any
    training_chief_hooks: Any
    training_hooks: Any
    scaffold: Any
    evaluation_hooks: Any
    prediction_hooks: Any


class EstimatorSpec(_Spec):
    """The operations of a model in a mode.

    Args:
      mode: one of `ModeKeys`.
      predictions: a tensor or a dict of tensors; needed to predict.
      loss: a scalar (or of one element); needed to train and to evaluate.
      train_op: the operation that takes a step; needed to train.
      eval_metric_ops: a dict of (value, update_op).

    Raises:
      ValueError, TypeError: if what the mode needs is missing or of the wrong kind.

    TensorFlow: tf.estimator.EstimatorSpec.
    """

    __slots__ = ()

    def __new__(
        cls, mode: str, predictions: Any = None, loss: Any = None, train_op: Any = None, eval_metric_ops: Any = None,
        export_outputs: Any = None, training_chief_hooks: Any = None, training_hooks: Any = None, scaffold: Any = None,
        evaluation_hooks: Any = None, prediction_hooks: Any = None,
    ) -> EstimatorSpec:  # fmt: skip
        if mode == ModeKeys.TRAIN and train_op is None:
            raise ValueError("Missing train_op.")
        if mode in (ModeKeys.TRAIN, ModeKeys.EVAL):
            if loss is None:
                raise ValueError("Missing loss.")
            if loss.dims not in ((), (1,), None):
                raise ValueError(f"Loss must be scalar, given: {loss}")
        if mode == ModeKeys.PREDICT and predictions is None:
            raise ValueError("Missing predictions.")
        if train_op is not None and not isinstance(train_op, (Tensor, Node)):
            raise TypeError(f"train_op must be Operation or Tensor, given: {train_op}")
        metrics = dict(eval_metric_ops or {})
        for name, pair in metrics.items():
            if not isinstance(pair, (list, tuple)) or len(pair) != 2:
                raise TypeError(
                    f"Values of eval_metric_ops must be (metric_value, update_op) tuples, given: {pair} for key: {name}"
                )
        return super().__new__(
            cls, mode, {} if predictions is None else predictions, loss, train_op, metrics, export_outputs,
            tuple(training_chief_hooks or ()), tuple(training_hooks or ()), scaffold, tuple(evaluation_hooks or ()),
            tuple(prediction_hooks or ()),
        )  # fmt: skip


class RunConfig:
    """How training saves and logs.

    `session_config`, `device_fn`, `protocol`, `train_distribute` and the like are accepted: there is one process here.

    TensorFlow: tf.estimator.RunConfig.
    """

    def __init__(
        self, model_dir: Any = None, tf_random_seed: int | None = None, save_summary_steps: int = 100,
        save_checkpoints_steps: Any = "unset", save_checkpoints_secs: Any = "unset", session_config: Any = None,
        keep_checkpoint_max: int = 5, keep_checkpoint_every_n_hours: float = 10000,
        log_step_count_steps: int | None = 100, train_distribute: Any = None, device_fn: Any = None,
        protocol: Any = None, eval_distribute: Any = None, experimental_distribute: Any = None,
        experimental_max_worker_delay_secs: Any = None, session_creation_timeout_secs: float = 7200,
        checkpoint_save_graph_def: bool = True,
    ) -> None:  # fmt: skip
        if save_checkpoints_steps == "unset" and save_checkpoints_secs == "unset":
            save_checkpoints_steps, save_checkpoints_secs = None, 600
        self.save_checkpoints_steps = None if save_checkpoints_steps == "unset" else save_checkpoints_steps
        self.save_checkpoints_secs = None if save_checkpoints_secs == "unset" else save_checkpoints_secs
        if self.save_checkpoints_steps is not None and self.save_checkpoints_secs is not None:
            raise ValueError("`save_checkpoints_steps` and `save_checkpoints_secs` cannot be both set.")
        self.model_dir = None if model_dir is None else os.fspath(model_dir)
        self.tf_random_seed, self.save_summary_steps = tf_random_seed, save_summary_steps
        self.session_config, self.keep_checkpoint_max = session_config, keep_checkpoint_max
        self.keep_checkpoint_every_n_hours = keep_checkpoint_every_n_hours
        self.log_step_count_steps, self.checkpoint_save_graph_def = log_step_count_steps, checkpoint_save_graph_def
        self.is_chief, self.task_type, self.task_id, self.num_worker_replicas, self.master = True, "worker", 0, 1, ""

    def replace(self, **kwargs: Any) -> RunConfig:
        """A configuration with some values changed."""
        out = RunConfig.__new__(RunConfig)
        vars(out).update(vars(self))
        for name, value in kwargs.items():
            if name not in vars(self):
                raise ValueError(f"Replacing {name} is not supported.")
            setattr(out, name, value)
        return out


class WarmStartSettings(NamedTuple):
    """What variables start from; the parts are arguments of `tf.train.warm_start`.

    TensorFlow: tf.estimator.WarmStartSettings.
    """

    ckpt_to_initialize_from: Any
    vars_to_warm_start: Any = ".*"
    var_name_to_vocab_info: Any = None
    var_name_to_prev_var_name: Any = None
