"""What the compiler is given for a traced graph, as text."""

from __future__ import annotations

from duoflow.core.graph import Graph
from duoflow.core.printer import show_graph
from duoflow.passes import pipeline

__all__ = ["compiler_ir"]


def compiler_ir(
    graph: Graph, stage: str = "hlo", device_name: str | None = None, platform_name: str | None = None
) -> str:
    """The text of a graph at a stage: "hlo", as it was traced, or "optimized_hlo", after all passes.

    There is one device, whatever `device_name` or `platform_name` say; both at once are a `ValueError`.
    """
    if device_name is not None and platform_name is not None:
        raise ValueError("device_name and platform_name cannot be provided at the same time.")
    if any(not t.spec.known for t in graph.inputs):
        raise ValueError(f"Only support static input shape but got inputs = {graph.all_inputs}")
    if stage == "hlo":
        return show_graph(graph)
    if stage == "optimized_hlo":
        prepared = pipeline.prepare(graph)
        return show_graph(pipeline.finish(prepared, [t.dims for t in prepared.all_inputs]))
    raise ValueError(
        f"stage must be 'hlo' or 'optimized_hlo' here, received {stage!r}. LLVM IR, assembly and drawings are "
        "printed by `duoflow show` with --ir, --assembly, --dot and --html."
    )
