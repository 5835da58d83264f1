"""One matrix product on constant operands."""

import numpy as np
import torch


def matmul(m, k, n, transpose_a, transpose_b):
    rng = np.random.default_rng(0)
    a = torch.from_numpy(rng.standard_normal((k, m) if transpose_a else (m, k), np.float32))
    b = torch.from_numpy(rng.standard_normal((n, k) if transpose_b else (k, n), np.float32))
    a, b = a.T if transpose_a else a, b.T if transpose_b else b
    return lambda: torch.matmul(a, b).numpy()
