"""`tf.data.Options`: accepted so that programs run; the ones that could change results here are documented."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, ClassVar

__all__ = [
    "AutoShardPolicy", "AutotuneAlgorithm", "AutotuneOptions", "DistributeOptions", "ExternalStatePolicy",
    "OptimizationOptions", "Options", "ThreadingOptions",
]  # fmt: skip


class AutoShardPolicy(enum.IntEnum):
    """How a dataset is split over workers. TensorFlow: tf.data.experimental.AutoShardPolicy."""

    OFF = -1
    AUTO = 0
    FILE = 1
    DATA = 2
    HINT = 3


class AutotuneAlgorithm(enum.Enum):
    """How a runtime tunes itself. TensorFlow: tf.data.experimental.AutotuneAlgorithm."""

    DEFAULT = 0
    HILL_CLIMB = 1
    GRADIENT_DESCENT = 2
    MAX_PARALLELISM = 3
    STAGE_BASED = 4


class ExternalStatePolicy(enum.Enum):
    """What is done about state that cannot be saved. TensorFlow: tf.data.experimental.ExternalStatePolicy."""

    WARN = 0
    IGNORE = 1
    FAIL = 2


class _Settings:
    """Attributes of certain types, with None for those never set."""

    #: The attributes there are, with their types.
    _TYPES: ClassVar[Mapping[str, type]] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._TYPES:
            raise AttributeError(f"Cannot set the property {name} on {type(self).__name__}.")
        if value is not None and not isinstance(value, self._TYPES[name]):
            raise TypeError(
                f'Property "{name}" must be of type {self._TYPES[name]}, got: {value} (type: {type(value)})'
            )
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name not in self._TYPES:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._TYPES]


class ThreadingOptions(_Settings):
    """Thread counts of a pipeline. They do not change results. TensorFlow: tf.data.ThreadingOptions."""

    _TYPES: ClassVar[Mapping[str, type]] = dict.fromkeys(("max_intra_op_parallelism", "private_threadpool_size"), int)


class AutotuneOptions(_Settings):
    """What a runtime may tune; there is nothing to tune here. TensorFlow: tf.data.experimental.AutotuneOptions."""

    _TYPES: ClassVar[Mapping[str, type]] = {
        "autotune_algorithm": AutotuneAlgorithm, "enabled": bool, "cpu_budget": int, "ram_budget": int,
        "initial_parallelism": int, "min_parallelism": int,
    }  # fmt: skip


class DistributeOptions(_Settings):
    """How elements are spread over workers; there is one. TensorFlow: tf.data.experimental.DistributeOptions."""

    _TYPES: ClassVar[Mapping[str, type]] = {"auto_shard_policy": AutoShardPolicy, "num_devices": int}


class OptimizationOptions(_Settings):
    """Rewrites of a pipeline, which change no results. TensorFlow: tf.data.experimental.OptimizationOptions."""

    _TYPES: ClassVar[Mapping[str, type]] = dict.fromkeys(
        (
            "apply_default_optimizations", "filter_fusion", "filter_parallelization", "inject_prefetch",
            "map_and_batch_fusion", "map_and_filter_fusion", "map_fusion", "map_parallelization", "noop_elimination",
            "parallel_batch", "seq_interleave_prefetch", "shuffle_and_repeat_fusion",
        ),
        bool,
    )  # fmt: skip


class Options(_Settings):
    """Options of a dataset.

    `deterministic` is always honoured, since every transformation keeps order; the rest only tune speed.

    TensorFlow: tf.data.Options.
    """

    _TYPES: ClassVar[Mapping[str, type]] = {
        "autotune": AutotuneOptions, "dataset_name": str, "deterministic": bool, "experimental_deterministic": bool,
        "experimental_distribute": DistributeOptions, "experimental_external_state_policy": ExternalStatePolicy,
        "experimental_optimization": OptimizationOptions, "experimental_service": object, "experimental_slack": bool,
        "experimental_symbolic_checkpoint": bool, "experimental_threading": ThreadingOptions,
        "experimental_warm_start": bool, "framework_type": list, "threading": ThreadingOptions,
    }  # fmt: skip

    def __init__(self) -> None:
        self.autotune = AutotuneOptions()
        self.experimental_distribute = DistributeOptions()
        self.experimental_optimization = OptimizationOptions()
        self.threading = ThreadingOptions()

    def merge(self, options: Options) -> Options:
        """These options, overridden by those set in `options`."""
        out = Options()
        for source in (self, options):
            vars(out).update({k: v for k, v in vars(source).items() if v is not None})
        return out
