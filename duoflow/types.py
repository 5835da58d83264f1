"""Types for annotations: `tf.types`."""

from types import SimpleNamespace

from duoflow.core.tensor import Tensor
from duoflow.trace.concrete import ConcreteFunction
from duoflow.trace.function import Function

experimental = SimpleNamespace(
    ConcreteFunction=ConcreteFunction,
    GenericFunction=Function,
    PolymorphicFunction=Function,
    TensorLike=Tensor,
)

__all__ = ["experimental"]
