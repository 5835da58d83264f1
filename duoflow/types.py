"""Types for annotations: `tf.types`."""

from types import SimpleNamespace

from duoflow.core.tensor import Tensor
from duoflow.trace.concrete import ConcreteFunction
from duoflow.trace.function import Function
from duoflow.trace.signature import FunctionType
from duoflow.trace.types import SupportsTracingProtocol, TraceType, TracingContext

experimental = SimpleNamespace(
    Callable=Function,
    ConcreteFunction=ConcreteFunction,
    FunctionType=FunctionType,
    GenericFunction=Function,
    PolymorphicFunction=Function,
    SupportsTracingProtocol=SupportsTracingProtocol,
    TensorLike=Tensor,
    TraceType=TraceType,
    TracingContext=TracingContext,
)

__all__ = ["experimental"]
