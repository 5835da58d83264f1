"""Optimizers that wait for several gradients: `SyncReplicasOptimizer`, for one process.

TensorFlow's workers hand their gradients to a chief, who takes a step when there are enough. Here there is one worker,
which is the chief: each run of the training operation adds its gradients; the one that brings enough takes the step.
"""

from __future__ import annotations

from typing import Any

from duoflow.core.context import init_scope
from duoflow.core.indexed_slices import IndexedSlices
from duoflow.core.late import F
from duoflow.core.tensor import convert

from .coordinator import QueueRunner
from .hooks import SessionRunHook
from .modes import GraphKeys
from .optimizers import Optimizer
from .variables import VariableV1

__all__ = ["SyncReplicasOptimizer"]


class _Done(QueueRunner):
    """A queue runner that has nothing to do."""

    def __init__(self) -> None:
        """There is no queue to fill."""

    def create_threads(self, sess: Any, coord: Any = None, daemon: bool = False, start: bool = False) -> list[Any]:
        """No threads."""
        return []


class SyncReplicasOptimizer(Optimizer):
    """Takes a step with the mean of so many gradients.

    Args:
      opt: the optimizer that takes the steps.
      replicas_to_aggregate: how many gradients a step needs.
      total_num_replicas: accepted; there is one worker here.
      variable_averages, variables_to_average: moving averages that are updated after each step, and of what.

    TensorFlow: tf.compat.v1.train.SyncReplicasOptimizer.
    """

    def __init__(
        self, opt: Optimizer, replicas_to_aggregate: int, total_num_replicas: int | None = None,
        variable_averages: Any = None, variables_to_average: Any = None, use_locking: bool = False,
        name: str = "sync_replicas",
    ) -> None:  # fmt: skip
        super().__init__(use_locking, name)
        self._opt, self._replicas = opt, int(replicas_to_aggregate)
        self._averages, self._averaged = variable_averages, variables_to_average
        self._applied = False

    def compute_gradients(self, *args: Any, **kwargs: Any) -> list[tuple[Any, Any]]:
        """Those of the optimizer inside."""
        return self._opt.compute_gradients(*args, **kwargs)

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Any:
        """An operation that adds these gradients, and takes a step if that makes enough of them.

        Raises:
          ValueError: if there are no variables or no global step.
        """
        pairs = [(g, v) for g, v in grads_and_vars]
        if not pairs:
            raise ValueError("Must supply at least one variable")
        if global_step is None:
            raise ValueError("Global step is required to check staleness")
        self._applied = True
        with F.name_scope(name or self._name):
            if self._replicas == 1:
                return self._averaging(self._opt.apply_gradients(pairs, global_step))
            live = [(_dense(g), v) for g, v in pairs if g is not None]
            self._opt.create_slots([v for _, v in live])
            sums = [_local(F.zeros_like(v.initial_value), f"{v.op.name}/accumulated") for _, v in live]
            count = _local(F.constant(0), f"{self._name}/count")
            added = [s.assign_add(g, read_value=False) for s, (g, _) in zip(sums, live, strict=True)]
            added.append(count.assign_add(1, read_value=False))
            with F.control_dependencies(added):
                enough = F.greater_equal(count.read_value(), self._replicas)
            variables = [v for _, v in live]
            return F.cond(enough, lambda: self._step(sums, variables, count, global_step), F.no_op).op

    def _step(self, sums: list[Any], variables: list[Any], count: Any, global_step: Any) -> Any:
        means = [s.read_value() / F.cast(self._replicas, s.dtype) for s in sums]
        done = self._averaging(self._opt.apply_gradients(list(zip(means, variables, strict=True)), global_step))
        with F.control_dependencies([done]):
            emptied = [s.assign(F.zeros_like(s), read_value=False) for s in [*sums, count]]
        return F.group(done, *emptied)

    def _averaging(self, done: Any) -> Any:
        if self._averages is None:
            return done
        with F.control_dependencies([done]):
            return F.group(self._averages.apply(self._averaged))

    # -- what other workers would need -------------------------------------------------------------------------------

    def get_chief_queue_runner(self) -> QueueRunner:
        """A queue runner with nothing to do; `ValueError` before `apply_gradients`."""
        self._require_applied()
        return _Done()

    def get_init_tokens_op(self, num_tokens: int = -1) -> Any:
        """An operation with nothing to do; `ValueError` before `apply_gradients`."""
        self._require_applied()
        return F.no_op(name="no_init_tokens")

    def make_session_run_hook(self, is_chief: bool, num_tokens: int = -1) -> SessionRunHook:
        """A hook with nothing to do; it is accepted where TensorFlow needs one."""
        return SessionRunHook()

    def _require_applied(self) -> None:
        if not self._applied:
            raise ValueError("Should be called after apply_gradients().")

    def get_slot(self, *args: Any, **kwargs: Any) -> Any:
        """That of the optimizer inside."""
        return self._opt.get_slot(*args, **kwargs)

    def get_slot_names(self, *args: Any, **kwargs: Any) -> Any:
        """Those of the optimizer inside."""
        return self._opt.get_slot_names(*args, **kwargs)

    def variables(self) -> list[Any]:
        """Those of the optimizer inside."""
        return self._opt.variables()


def _dense(grad: Any) -> Any:
    return convert(grad) if isinstance(grad, IndexedSlices) else grad


def _local(initial: Any, name: str) -> Any:
    with init_scope():
        return VariableV1(initial, False, [GraphKeys.LOCAL_VARIABLES], name=name)
