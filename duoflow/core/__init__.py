"""The language every other part speaks: dtypes, shapes, tensors, graphs, `emit`, autodiff, variables.

Imports NumPy, ml_dtypes and optree, and nothing else of duoflow.
"""
