"""`tf.data.Options`: accepted so that programs run; the ones that could change results here are documented."""

from __future__ import annotations

import enum
from typing import Any

__all__ = ["AutoShardPolicy", "Options", "ThreadingOptions"]


class AutoShardPolicy(enum.IntEnum):
    """How a dataset is split over workers. TensorFlow: tf.data.experimental.AutoShardPolicy."""

    OFF = -1
    AUTO = 0
    FILE = 1
    DATA = 2
    HINT = 3


class _Settings:
    """Attributes that may be set freely, with None for those never set."""

    #: The attributes there are; None is for any.
    _NAMES: frozenset[str] | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        if self._NAMES is not None and name not in self._NAMES:
            raise AttributeError(f"Cannot set the property {name} on {type(self).__name__}.")
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


class ThreadingOptions(_Settings):
    """Thread counts of a pipeline. They do not change results. TensorFlow: tf.data.ThreadingOptions."""


class Options(_Settings):
    """Options of a dataset.

    `deterministic` is always honoured, since every transformation keeps order; the rest only tune speed.

    TensorFlow: tf.data.Options.
    """

    _NAMES = frozenset({
        "autotune", "dataset_name", "deterministic", "experimental_deterministic", "experimental_distribute",
        "experimental_external_state_policy", "experimental_optimization", "experimental_service", "experimental_slack",
        "experimental_symbolic_checkpoint", "experimental_threading", "experimental_warm_start", "framework_type",
        "threading",
    })  # fmt: skip

    def __init__(self) -> None:
        self.autotune = _Settings()
        self.experimental_distribute = _Settings()
        self.experimental_optimization = _Settings()
        self.threading = ThreadingOptions()

    def merge(self, options: Options) -> Options:
        """These options, overridden by those set in `options`."""
        out = Options()
        for source in (self, options):
            vars(out).update({k: v for k, v in vars(source).items() if v is not None})
        return out
