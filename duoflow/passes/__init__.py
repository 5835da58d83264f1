"""Passes: graph to graph, one a file. `pipeline.py` lists them in their order; `rewrite.py` is what they are written
with.
"""
