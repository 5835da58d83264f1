"""The operations that train variables in TensorFlow's own graphs, so that imported graphs can be trained further.

An operation takes the variable and its slots, then gradients and rates in TensorFlow's order. Its sparse form also
takes the rows, behind the gradient, and trains those alone. Graphs built here have none of them: see optimizers.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from duoflow.core.record import Effect, Kind, Op, register
from duoflow.core.spec import Spec

__all__ = ["SLOTS"]

Arrays = Sequence[Any]


def _gradient_descent(slots: Arrays, *, alpha: Any, grad: Any) -> Arrays:
    return [slots[0] - alpha * grad]


def _momentum(slots: Arrays, *, lr: Any, grad: Any, momentum: Any, use_nesterov: bool) -> Arrays:
    total = slots[1] * momentum + grad
    return [slots[0] - lr * (grad + momentum * total if use_nesterov else total), total]


def _adam(
    slots: Arrays, *, beta1_power: Any, beta2_power: Any, lr: Any, beta1: Any, beta2: Any, epsilon: Any, grad: Any,
    use_nesterov: bool,
) -> Arrays:  # fmt: skip
    value, m, v = slots
    rate = lr * np.sqrt(1 - beta2_power) / (1 - beta1_power)
    m = m + (grad - m) * (1 - beta1)
    v = v + (np.square(grad) - v) * (1 - beta2)
    ahead = m * beta1 + (1 - beta1) * grad if use_nesterov else m
    return [value - rate * ahead / (np.sqrt(v) + epsilon), m, v]


def _adagrad(slots: Arrays, *, lr: Any, grad: Any, update_slots: bool, epsilon: Any = 0.0) -> Arrays:
    total = slots[1] + np.square(grad) if update_slots else slots[1]
    return [slots[0] - lr * grad / (np.sqrt(total) + epsilon), total]


def _rmsprop(slots: Arrays, *, lr: Any, rho: Any, momentum: Any, epsilon: Any, grad: Any) -> Arrays:
    value, ms, mom = slots
    ms = ms + (np.square(grad) - ms) * (1 - rho)
    mom = mom * momentum + lr * grad / np.sqrt(ms + epsilon)
    return [value - mom, ms, mom]


def _centered(slots: Arrays, *, lr: Any, rho: Any, momentum: Any, epsilon: Any, grad: Any) -> Arrays:
    value, mg, ms, mom = slots
    ms = ms + (np.square(grad) - ms) * (1 - rho)
    mg = mg + (grad - mg) * (1 - rho)
    mom = mom * momentum + lr * grad / np.sqrt(ms - np.square(mg) + epsilon)
    return [value - mom, mg, ms, mom]


def _adadelta(slots: Arrays, *, lr: Any, rho: Any, epsilon: Any, grad: Any) -> Arrays:
    value, accum, moved = slots
    accum = accum * rho + np.square(grad) * (1 - rho)
    update = np.sqrt(moved + epsilon) / np.sqrt(accum + epsilon) * grad
    return [value - update * lr, accum, moved * rho + np.square(update) * (1 - rho)]


def _ftrl(slots: Arrays, *, grad: Any, lr: Any, l1: Any, l2: Any, lr_power: Any, l2_shrinkage: Any = 0.0) -> Arrays:
    value, accum, linear = slots
    total = accum + np.square(grad)
    sigma = (total**-lr_power - accum**-lr_power) / lr
    linear = linear + grad + 2 * l2_shrinkage * value - sigma * value
    quadratic = total**-lr_power / lr + 2 * l2
    moved = np.where(np.abs(linear) > l1, (np.sign(linear) * l1 - linear) / quadratic, 0)
    return [moved, total, linear]


#: What trains by name: how many slots there are besides the variable, the other inputs in their order, and the rule.
_RULES: dict[str, tuple[int, str, Callable[..., Arrays]]] = {
    "Adadelta": (2, "lr rho epsilon grad", _adadelta),
    "Adagrad": (1, "lr grad", _adagrad),
    "AdagradV2": (1, "lr epsilon grad", _adagrad),
    "Adam": (2, "beta1_power beta2_power lr beta1 beta2 epsilon grad", _adam),
    "CenteredRMSProp": (3, "lr rho momentum epsilon grad", _centered),
    "Ftrl": (2, "grad lr l1 l2 lr_power", _ftrl),
    "FtrlV2": (2, "grad lr l1 l2 l2_shrinkage lr_power", _ftrl),
    "GradientDescent": (0, "alpha grad", _gradient_descent),
    "Momentum": (1, "lr grad momentum", _momentum),
    "RMSProp": (2, "lr rho momentum epsilon grad", _rmsprop),
}
#: Options of the rules, with their defaults.
_OPTIONS = {"use_nesterov": (False, (_momentum, _adam)), "update_slots": (True, (_adagrad,))}
#: How many variables each operation changes, by its name without "Resource".
SLOTS: dict[str, int] = {}


def _infer(*specs: Spec, use_nesterov: bool = False, update_slots: bool = True) -> tuple[Spec, ...]:
    return ()


def _register(name: str, count: int, inputs: list[str], rule: Callable[..., Arrays]) -> None:
    def evaluate(*args: Any, **attrs: Any) -> tuple[Any, ...]:
        states, given = args[:count], dict(zip(inputs, args[count:], strict=True))
        rows = given.pop("indices", ...)
        options = {key: attrs.get(key, usual) for key, (usual, rules) in _OPTIONS.items() if rule in rules}
        held = [state.read()[rows] for state in states]
        for state, new in zip(states, rule(held, **given, **options), strict=True):
            buffer = state.writable()
            buffer[rows] = new
        return ()

    SLOTS[name] = count
    register(Op(f"Resource{name}", Kind.HOST, _infer, evaluate, None, Effect.WRITE | Effect.IO, num_outputs=0))


for _name, (_count, _inputs, _rule) in _RULES.items():
    _register(f"Apply{_name}", _count + 1, _inputs.split(), _rule)
    if _name not in ("Adam", "GradientDescent"):
        _register(f"SparseApply{_name}", _count + 1, _inputs.replace("grad", "grad indices").split(), _rule)
