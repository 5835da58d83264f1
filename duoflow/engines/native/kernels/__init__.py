"""Hand-tuned kernels that the planner may call: matrix products and convolutions."""
