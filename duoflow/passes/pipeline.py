"""The passes in their order: what happens to a graph between tracing and an engine.

`prepare` runs once per trace, `finish` once per set of input shapes. Every pass is named, timed and counted: the graph
that comes out has the `PassRun`s in `extras` under `PREPARED`, `SIZED` and `FINISHED`, and `totals` adds them up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

from duoflow.core.check import check_graph
from duoflow.core.graph import Graph
from duoflow.core.shapes import Dims
from duoflow.core.switches import switches

from .expand import expand
from .fold import fold
from .inline import inline
from .lists import lists_as_tensors
from .loops import lower_inside
from .merge import merge
from .prune import prune
from .simplify import simplify
from .specialize import Observed, specialize
from .state import explicit_state
from .strip import strip_debug
from .watch import watchers

__all__ = [
    "FINISHED", "PREPARED", "SIZED", "PassRun", "Total", "finish", "lowered", "prepare", "runs_of", "sized", "totals",
    "watchers",
]  # fmt: skip

Step = tuple[str, Callable[[Graph], Graph]]

#: Where a graph's `extras` hold the runs of the passes that made it.
PREPARED, SIZED, FINISHED = "prepared by", "sized by", "finished by"


@dataclass(frozen=True)
class PassRun:
    """One pass over one graph: how long it took, and how many nodes there were before and after."""

    name: str
    seconds: float
    before: int
    after: int
    changed: bool


@dataclass
class Total:
    """All runs of one pass in this process."""

    runs: int = 0
    changes: int = 0
    seconds: float = 0.0
    removed: int = 0


#: By name, for all graphs so far.
totals: dict[str, Total] = {}

#: The options of `tf.config.optimizer` that leave passes out where they are off; `disable_...` where they are on.
_LEFT_OUT = {
    "constant_folding": ("fold",),
    "arithmetic_optimization": ("simplify", "merge"),
    "disable_model_pruning": ("prune",),
    "disable_meta_optimizer": ("fold", "simplify", "merge", "prune"),
}


def prepare(graph: Graph) -> Graph:
    """What needs no sizes: calls inlined, dead nodes dropped, variables made inputs and outputs."""
    _tell("traced", graph)
    steps: list[Step] = [("inline", inline), ("prune", prune), ("state", explicit_state)]
    if switches.optimizer_options.get("debug_stripper"):
        steps.insert(1, ("strip debug", strip_debug))
    return _through(graph, steps, PREPARED)


def finish(
    graph: Graph,
    dims: Sequence[Dims],
    claimed: Container[str] = (),
    own: Sequence[Step] = (),
    observed: Observed | None = None,
) -> Graph:
    """The graph for inputs of these shapes (and the shapes `observed` inside, see `specialize`), ready for an engine.

    The engine has kernels of its own for the compounds `claimed`, and `own` passes that put ops in terms of others.
    """
    return lowered(sized(graph, dims, observed), claimed, own)


def sized(graph: Graph, dims: Sequence[Dims], observed: Observed | None = None) -> Graph:
    """The first part of `finish`: the graph for inputs of these shapes, with lists of tensors as tensors.

    It is a draft: the second part takes it over.
    """
    steps = (
        ("specialize", lambda g: specialize(g, dims, observed)),
        ("lists", lambda g: lists_as_tensors(g, observed)),
    )
    out = _through(graph, steps, SIZED, drafts=False)  # loops are walked more than once
    out.is_draft = out is not graph and not watchers
    return out


def lowered(graph: Graph, claimed: Container[str] = (), own: Sequence[Step] = ()) -> Graph:
    """The second part of `finish`, for graphs with sizes."""
    steps = (
        ("expand", lambda g: expand(g, claimed)),
        *own,
        ("expand again", lambda g: expand(g, claimed)),
        ("fold", fold),
        ("simplify", simplify),
        ("merge", merge),
        ("prune", prune),
        ("loops", lambda g: lower_inside(g, lambda inside: lowered(inside, claimed, own))),
        # What left the loops is new to the engine.
        *((f"{name} again", step) for name, step in own),
        # Merging gives simplification new equals to see, and folding its constants.
        ("simplify again", simplify),
        ("fold again", fold),
        ("merge again", merge),
        ("prune again", prune),
    )
    unwanted = _unwanted()
    return _through(graph, [s for s in steps if s[0].removesuffix(" again") not in unwanted], FINISHED)


def _unwanted() -> set[str]:
    """The passes that the program's options leave out."""
    options = switches.optimizer_options
    return {
        name
        for option, names in _LEFT_OUT.items()
        if bool(options.get(option, not option.startswith("disable"))) == option.startswith("disable")
        for name in names
    }


def runs_of(graph: Graph) -> list[PassRun]:
    """The passes that made a graph, in order."""
    return [run for kept_as in (PREPARED, SIZED, FINISHED) for run in graph.extras.get(kept_as, ())]


def _through(graph: Graph, steps: Sequence[Step], kept_as: str, drafts: bool = True) -> Graph:
    """The graph after the steps; with `drafts`, each takes the nodes of what the one before it made."""
    runs = []
    given = None if graph.is_draft else graph
    for name, step in steps:
        began = time.perf_counter()
        after = step(graph)
        run = PassRun(name, time.perf_counter() - began, len(graph.nodes), len(after.nodes), after is not graph)
        runs.append(run)
        _count(run)
        if run.changed:
            if switches.check_graphs:
                check_graph(after, name)
            _tell(name, after)
        graph = after
        graph.is_draft = drafts and graph is not given and not watchers
    graph.is_draft = False
    graph.extras[kept_as] = tuple(runs)
    return graph


def _count(run: PassRun) -> None:
    total = totals.setdefault(run.name, Total())
    total.runs += 1
    total.changes += run.changed
    total.seconds += run.seconds
    total.removed += run.before - run.after


def _tell(name: str, graph: Graph) -> None:
    for watch in watchers:
        watch(name, graph)
