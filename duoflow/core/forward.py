"""Forward-mode differentiation: `ForwardAccumulator` carries a tangent with every value that depends on its primals.

It stands among the tapes and sees each op as it is called. The tangent of the op's outputs comes from its gradient
rule alone: the rule is linear in the cotangents, so differentiating it by them, against the inputs' tangents, gives the
product of the Jacobian with these. What is computed for that is seen by the tapes outside, so that both modes nest.
"""

from __future__ import annotations

import logging
from typing import Any

from . import nest
from .autodiff import GradientTape, UnconnectedGradients, pull_back
from .context import context, entered
from .graph import Node
from .late import F
from .tensor import Tensor, convert
from .variables import Variable

__all__ = ["ForwardAccumulator"]

_logger = logging.getLogger("tensorflow")


class ForwardAccumulator:
    """Computes Jacobian-vector products while the function runs.

    Args:
      primals: a tensor or variable, or a structure of them, to differentiate by.
      tangents: a structure of the same form: the vector, shaped like the primals.

    Raises:
      ValueError: if a tangent does not have its primal's shape, or the accumulator is entered twice.

    >>> x = tf.constant([2.0, 3.0])
    >>> with tf.autodiff.ForwardAccumulator(x, tf.constant([1.0, 0.0])) as acc:
    ...     y = tf.reduce_sum(x ** 3)
    >>> acc.jvp(y)
    <tf.Tensor: shape=(), dtype=float32, numpy=12.0>

    TensorFlow: tf.autodiff.ForwardAccumulator.
    """

    #: Tapes that may be asked for more than one derivative, as `ops.call` wants to know.
    persistent = True

    def __init__(self, primals: Any, tangents: Any) -> None:
        self._tangents: dict[int, tuple[Tensor, Tensor]] = {}
        self._recording = False
        nest.assert_same_structure(primals, tangents)
        for primal, tangent in zip(nest.flatten(primals), nest.flatten(tangents), strict=True):
            self._watch(primal, tangent)

    def _watch(self, primal: Any, tangent: Any) -> None:
        if not primal.dtype.is_differentiable:
            _logger.warning("The dtype of the watched primal must be floating (e.g. tf.float32), got %r", primal.dtype)
        tangent = convert(tangent, primal.dtype)
        if not tangent.shape.is_compatible_with(primal.shape):
            raise ValueError(f"A tangent of shape {tangent.shape} was given for a primal of shape {primal.shape}.")
        tensor = primal.handle if isinstance(primal, Variable) else primal
        self._tangents[id(tensor)] = tensor, tangent
        if context.graph is not None:
            inner = context.graph.capture(tensor)
            self._tangents[id(inner)] = inner, context.graph.capture(tangent)

    def __enter__(self) -> ForwardAccumulator:
        if self._recording:
            raise ValueError("Accumulator is already recording.")
        context.tapes += (self,)
        self._recording = True
        return self

    def __exit__(self, *exc: object) -> None:
        context.tapes = tuple([tape for tape in context.tapes if tape is not self])
        self._recording = False

    def jvp(
        self, primals: Any, unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE
    ) -> Any:
        """The tangents of values computed inside, in their structure; None (or zeros) for what does not depend.

        Args:
          primals: a tensor or a structure of tensors.
          unconnected_gradients: `tf.UnconnectedGradients.ZERO` gives zeros instead of None.
        """
        zero = UnconnectedGradients(unconnected_gradients) is UnconnectedGradients.ZERO
        return nest.map_structure(lambda primal: self._tangent_of(primal, zero), primals)

    def _tangent_of(self, primal: Any, zero: bool) -> Any:
        found = self._tangents.get(id(primal.handle if isinstance(primal, Variable) else primal))
        if found is not None:
            return found[1]
        return F.zeros_like(primal) if zero else None

    # -- as one of the tapes -----------------------------------------------------------------------------------------

    def record(self, node: Node) -> None:
        """Compute the tangents of a node's outputs, if one of its inputs has one; called by `emit`."""
        outputs = [out for out in node.outputs if out.dtype.is_differentiable]
        if not outputs or not node.op.differentiable or not any(map(self.watches, node.inputs)):
            return
        outside = context.tapes[: context.tapes.index(self)]
        with entered(tapes=outside):
            for out, tangent in zip(outputs, self._pushed(node, outputs), strict=True):
                if tangent is not None:
                    self._tangents[id(out)] = out, convert(tangent)

    def _pushed(self, node: Node, outputs: list[Tensor]) -> list[Any]:
        """The tangents of outputs: the derivative of the gradient rule by its cotangents."""
        with GradientTape(watch_accessed_variables=False) as tape:
            cotangents = {id(out): F.zeros_like(out) for out in outputs}
            tape.watch(list(cotangents.values()))
            pulled = pull_back(node, [cotangents.get(id(out)) for out in node.outputs])
            given = [self._tangents.get(id(tensor)) for tensor in node.inputs]  # a loop may have got further inputs
            pairs = [(convert(p), t[1]) for p, t in zip(pulled, given, strict=True) if p is not None and t is not None]
        if not pairs:
            return [None] * len(outputs)
        targets, seeds = zip(*pairs, strict=True)
        found: list[Any] = tape.gradient(list(targets), list(cotangents.values()), list(seeds))
        return found

    def watches(self, tensor: Tensor) -> bool:
        """Whether a tensor has a tangent."""
        return id(tensor) in self._tangents

    def variable_accessed(self, variable: Variable) -> None:
        """Nothing: the primals are given."""

    def widened(self, node: Node) -> None:
        """Nothing: further outputs of a control node serve gradients alone."""
