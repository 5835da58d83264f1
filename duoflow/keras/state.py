"""What Keras remembers between calls: name counters, open scopes, the call in progress.

`session` belongs to one thread and is emptied by `clear_session`; preferences of the process live in config.py.
"""

from __future__ import annotations

import gc
import threading
from collections import Counter
from typing import Any

__all__ = ["Session", "clear_session", "session"]


class Session(threading.local):
    """One thread's state. `session` is the only instance.

    names: how often each automatic name was given out
    scopes: the open name scopes, outermost first
    autocast: the dtype that float variables are read in, the scope that says so, or None
    call: the context of the outermost layer call in progress, or None
    stateless: the scope that variables are read from and written to in their stead, or None
    symbolic: how many symbolic calls (shape inference by tracing) are in progress
    untracked: how many scopes ask layers not to track what is assigned to them
    distribution: how variables and batches lie on devices, or None
    remat: the open scopes of rematerialization
    seeds: the generator behind random ops without a seed of their own
    custom_objects: what `custom_object_scope` lets configs find
    safe_mode: whether configs may hold code, where a scope decides it
    memory: what variables may take while a file is read, or None
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.names: Counter[str] = Counter()
        self.scopes: list[Any] = []
        self.autocast: Any = None
        self.call: Any = None
        self.stateless: Any = None
        self.symbolic = 0
        self.untracked = 0
        self.distribution: Any = None
        self.remat: list[Any] = []
        self.seeds: Any = None
        self.custom_objects: dict[str, Any] = {}
        self.safe_mode: bool | None = None
        self.memory: Any = None


session = Session()


def clear_session(free_memory: bool = True) -> None:
    """Start automatic names and global seeds afresh.

    Args:
      free_memory: collect garbage, so that models nobody holds any more are freed now.

    >>> tf.keras.utils.clear_session()
    >>> tf.keras.layers.Dense(1).name
    'dense'

    Keras: keras.utils.clear_session.
    """
    session.reset()
    if free_memory:
        gc.collect()
