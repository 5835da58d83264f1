"""PyTorch code, eager as it is mostly used, on as many threads as there are cores."""
