"""Engines: what runs a graph. Each module has `compile(graph) -> Executable`; `reference` defines what is right."""
