"""Costs of a call: eager ops, autograd, a compiled function."""

import torch


def scalar_add():
    a, b = torch.tensor(2.0), torch.tensor(3.0)
    return lambda: a + b


def expression_gradient():
    x = torch.tensor([0.5, -1.0, 2.0, 0.1], requires_grad=True)
    a, b = torch.tensor(0.9), torch.tensor(0.1)

    def step():
        y = x
        for _ in range(5):
            y = torch.tanh(y * a + b) - y
        return torch.autograd.grad(y.sum(), x)

    return step


def compiled_add():
    a, b = torch.tensor(2.0), torch.tensor(3.0)
    add = torch.compile(lambda p, q: p + q)  # needs a C++ compiler
    return lambda: add(a, b)
