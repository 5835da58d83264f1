"""How a graph with explicit state (see `state`) belongs to the states: what an engine needs to know to run it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["StateTable"]


@dataclass
class StateTable:
    """How the inputs and outputs of a graph with explicit state belong to states.

    `inputs`: positions of inputs that take the value of the state given there. `constant`: states (by input position)
    that the graph itself names. `updates`: (input position, output position) of states that get a new value.
    `unread`: inputs whose value is never read, so that the state may be uninitialised.
    """

    inputs: set[int] = field(default_factory=set)
    constant: dict[int, Any] = field(default_factory=dict)
    updates: list[tuple[int, int]] = field(default_factory=list)
    unread: set[int] = field(default_factory=set)
