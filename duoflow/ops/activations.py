"""Activations that are elementwise: relu and its relatives."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow.core.emit import emit_one
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.scalar import run_body
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert

from .families import FLOATING, REAL, check_dtype

__all__ = ["crelu", "elu", "gelu", "leaky_relu", "relu", "relu6", "selu", "silu", "softsign", "swish"]


def _record(
    name: str,
    body: Callable[..., Any],
    gradient: Callable[..., Any] | None,
    evaluate: Callable[..., Any] | None = None,
    allowed: Any = FLOATING,
) -> Op:
    """An elementwise op whose operands have one shape, with attributes."""

    def infer(*specs: Spec, **attrs: Any) -> Spec:
        check_dtype(name, "features", specs[0].dtype, allowed)
        return Spec(specs[-1].shape if specs[0].shape is None else specs[0].shape, specs[0].dtype)

    def run(*arrays: Any, **attrs: Any) -> Any:
        out = run_body(body, *arrays, **attrs)
        return out.astype(arrays[0].dtype, copy=False)  # bfloat16 times a Python number is float32 to NumPy

    return register(Op(name, Kind.ELEMENTWISE, infer, evaluate or run, gradient, body=body))


# Each pair: the activation, and the op that carries a gradient back through it, itself differentiable.

RELU_GRAD: Op = _record(
    "ReluGrad",
    lambda b, g, x: b.select(x > 0, g, g * 0),
    lambda n, gg: (emit_one(RELU_GRAD, (gg, n.inputs[1])), None),
    lambda g, x: np.where(x > 0, g, g.dtype.type(0)),
    REAL,
)
RELU = _record(
    "Relu",
    lambda b, x: b.maximum(x, 0),
    lambda n, g: emit_one(RELU_GRAD, (g, n.outputs[0])),
    lambda x: np.maximum(x, x.dtype.type(0)),
    REAL,
)
RELU6_GRAD: Op = _record(
    "Relu6Grad",
    lambda b, g, x: b.select((x > 0) & (x < 6), g, g * 0),
    lambda n, gg: (emit_one(RELU6_GRAD, (gg, n.inputs[1])), None),
    None,
    REAL,
)
RELU6 = _record(
    "Relu6",
    lambda b, x: b.minimum(b.maximum(x, 0), 6),
    lambda n, g: emit_one(RELU6_GRAD, (g, n.outputs[0])),
    None,
    REAL,
)
LEAKY_RELU_GRAD: Op = _record(
    "LeakyReluGrad",
    lambda b, g, x, *, alpha: b.select(x > 0, g, g * alpha),
    lambda n, gg: (emit_one(LEAKY_RELU_GRAD, (gg, n.inputs[1]), n.attrs), None),
)
LEAKY_RELU = _record(
    "LeakyRelu",
    lambda b, x, *, alpha: b.select(x > 0, x, x * alpha),
    lambda n, g: emit_one(LEAKY_RELU_GRAD, (g, n.inputs[0]), n.attrs),
)
ELU = _record(
    "Elu",
    lambda b, x: b.select(x < 0, b.expm1(x), x),
    lambda n, g: g * F.where(n.inputs[0] < 0, n.outputs[0] + 1, F.ones_like(g)),
)

_SCALE, _ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717

SELU = _record(
    "Selu",
    lambda b, x: b.select(x < 0, b.expm1(x) * (_SCALE * _ALPHA), x * _SCALE),
    lambda n, g: (
        g * F.where(n.outputs[0] < 0, n.outputs[0] + _SCALE * _ALPHA, F.fill(F.shape(g), F.cast(_SCALE, g.dtype)))
    ),
)
SOFTSIGN = _record(
    "Softsign",
    lambda b, x: x / (b.abs(x) + 1),
    lambda n, g: g / F.square(1 + F.abs(n.inputs[0])),
)


def relu(features: Any, name: str | None = None) -> Any:
    """max(features, 0), elementwise; NaN stays NaN.

    >>> tf.nn.relu([-1.0, 2.0]).numpy()
    array([0., 2.], dtype=float32)

    TensorFlow: tf.nn.relu.
    """
    return emit_one(RELU, (convert(features),), name=name)


def relu6(features: Any, name: str | None = None) -> Any:
    """min(max(features, 0), 6), elementwise. TensorFlow: tf.nn.relu6."""
    return emit_one(RELU6, (convert(features),), name=name)


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Any:
    """features where positive, alpha * features elsewhere. TensorFlow: tf.nn.leaky_relu."""
    features = convert(features)
    if features.dtype.is_integer:
        features = F.cast(features, "float32")
    return emit_one(LEAKY_RELU, (features,), {"alpha": float(alpha)}, name)


def elu(features: Any, name: str | None = None) -> Any:
    """features where positive, exp(features) - 1 elsewhere. Clevert et al., 2015. TensorFlow: tf.nn.elu."""
    return emit_one(ELU, (convert(features),), name=name)


def selu(features: Any, name: str | None = None) -> Any:
    """The self-normalizing scaled elu. Klambauer et al., 2017. TensorFlow: tf.nn.selu."""
    return emit_one(SELU, (convert(features),), name=name)


def softsign(features: Any, name: str | None = None) -> Any:
    """features / (|features| + 1). TensorFlow: tf.nn.softsign."""
    return emit_one(SOFTSIGN, (convert(features),), name=name)


def silu(features: Any, beta: float = 1.0) -> Any:
    """features * sigmoid(beta * features). Elfwing et al., 2017. TensorFlow: tf.nn.silu."""
    features = convert(features)
    return features * F.sigmoid(
        features if isinstance(beta, float) and beta == 1.0 else features * F.cast(beta, features.dtype)
    )


swish = silu


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Any:
    """features * P(X <= features) for a standard normal X; `approximate` uses tanh. Hendrycks & Gimpel, 2016.

    Raises `ValueError` for features that are not floating point.

    TensorFlow: tf.nn.gelu.
    """
    x = convert(features)
    if not x.dtype.is_floating:
        raise ValueError(f"`features.dtype` must be a floating point tensor. Received: features.dtype={x.dtype!r}")
    with F.name_scope(name or "Gelu"):
        if approximate:
            return 0.5 * x * (1.0 + F.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * F.pow(x, 3))))
        return 0.5 * x * (1.0 + F.erf(x / math.sqrt(2)))


def crelu(features: Any, axis: int = -1, name: str | None = None) -> Any:
    """relu of features and of -features, concatenated along `axis`. TensorFlow: tf.nn.crelu."""
    features = convert(features)
    return relu(F.concat([features, -features], axis), name)
