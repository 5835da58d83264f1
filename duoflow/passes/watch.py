"""Who looks on while graphs are compiled."""

from __future__ import annotations

from collections.abc import Callable

from duoflow.core.graph import Graph

__all__ = ["watchers"]

#: Called with every graph as it was traced, and with the name and result of each pass that changed one. As long as
#: there are some, every graph is compiled, whatever is kept of earlier starts.
watchers: list[Callable[[str, Graph], None]] = []
