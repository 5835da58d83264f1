"""Functions of a loaded SavedModel.

A function's traces are read from the library when they are first asked for. A call binds its arguments as the Python
function did, and runs the first trace whose signature they fit.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from duoflow.core import nest
from duoflow.core.context import entered
from duoflow.core.spec import TensorSpec
from duoflow.core.tensor import HandleTensor, Tensor, convert
from duoflow.core.variables import Variable
from duoflow.trace.concrete import ConcreteFunction, FuncGraph
from duoflow.trace.graph_def import Functions

from .structures import decoded

__all__ = ["RestoredFunction", "Traces", "parameters_of"]


class Traces:
    """The traces of a SavedModel by name, each read once.

    Args:
      functions: the library.
      protos: what the object graph says of each trace.
      captured: gives the tensor (or variable) that an object of the file is.
    """

    def __init__(self, functions: Functions, protos: dict[str, Any], captured: Callable[[int], Any]) -> None:
        self._functions, self._protos, self._captured = functions, protos, captured
        self._made: dict[Any, ConcreteFunction] = {}

    def signature_of(self, name: str) -> Any:
        """(args, kwargs) of a trace, with specs in place of tensors."""
        return decoded(self._proto(name).canonicalized_input_signature)

    def get(self, name: str, signature: inspect.Signature, keywords: Sequence[str] = ()) -> ConcreteFunction:
        """A trace; `keywords` name its tensors. `ValueError` if it is not well formed."""
        key = (name, tuple(keywords))
        if key not in self._made:
            self._made[key] = self._read(name, signature, keywords)
        return self._made[key]

    def _proto(self, name: str) -> Any:
        if name not in self._protos:
            raise ValueError(f"The SavedModel has no function {name!r}.")
        return self._protos[name]

    def _read(self, name: str, signature: inspect.Signature, keywords: Sequence[str]) -> ConcreteFunction:
        proto = self._proto(name)
        given = self.signature_of(name)
        specs = [leaf for leaf in nest.flatten(given) if isinstance(leaf, TensorSpec)]
        outside = [self._captured(number) for number in proto.bound_inputs]
        tensors = _distinct([v.handle if isinstance(v, Variable) else v for v in outside])
        graph = FuncGraph(name, True, None)
        with entered(graph=None, tapes=(), control=(), scope=""):
            names = [*keywords, *(spec.name for spec in specs[len(keywords) :])]
            self._functions.fill_like(graph, name, [*specs, *tensors], names)
        inner, graph.inputs = graph.inputs[len(specs) :], graph.inputs[: len(specs)]
        graph.captures = {id(out): (out, own) for out, own in zip(tensors, inner, strict=True)}
        graph.variables = tuple({id(v): v for v in outside if isinstance(v, Variable)}.values())
        graph.structured_input_signature = graph.typed_arguments = given
        leaves, form = nest.flatten_with_form(decoded(proto.output_signature))
        missing = [leaf is None for leaf in leaves]
        if len(graph.outputs) != len(leaves) - sum(missing):
            raise ValueError(f"Function {name!r} gives {len(graph.outputs)} tensors, not the {len(leaves)} it says.")
        left = iter(graph.outputs)
        graph.structured_outputs = form.unflatten([None if gone else next(left) for gone in missing])
        return ConcreteFunction(graph, graph.structured_outputs, missing, signature)


def _distinct(tensors: Sequence[Any]) -> list[Any]:
    """Tensors no two of which are the same object."""
    seen: set[int] = set()
    out = []
    for tensor in tensors:
        if id(tensor) in seen:
            again = (
                HandleTensor(tensor._array, tensor.dtype)
                if isinstance(tensor, HandleTensor)
                else type(tensor)(tensor._array)
            )
            tensor = again
        seen.add(id(tensor))
        out.append(tensor)
    return out


def parameters_of(spec: Any) -> inspect.Signature:
    """The parameters that a FunctionSpec says, without that of the object of a method."""
    full = decoded(spec.fullargspec)
    fields = full._asdict() if hasattr(full, "_asdict") else {}
    P = inspect.Parameter
    args, defaults = list(fields.get("args") or ()), list(fields.get("defaults") or ())
    if spec.is_method and args:
        args = args[1:]
    values = [P.empty] * (len(args) - len(defaults)) + defaults
    made = [
        P(n, P.POSITIONAL_OR_KEYWORD, default=d)
        for n, d in zip(args, values[-len(args) :] if args else (), strict=True)
    ]
    if fields.get("varargs"):
        made.append(P(fields["varargs"], P.VAR_POSITIONAL))
    only = fields.get("kwonlydefaults") or {}
    made += [P(n, P.KEYWORD_ONLY, default=only.get(n, P.empty)) for n in fields.get("kwonlyargs") or ()]
    if fields.get("varkw"):
        made.append(P(fields["varkw"], P.VAR_KEYWORD))
    return inspect.Signature(made)


class RestoredFunction:
    """A `tf.function` of a loaded model: its traces, and the parameters by which they are called.

    TensorFlow: what stands for a tf.function in what tf.saved_model.load returns.
    """

    def __init__(self, name: str, names: Sequence[str], spec: Any, traces: Traces) -> None:
        self.__name__ = self._name = name
        self._names, self._spec, self._traces = list(names), spec, traces
        self._parameters = parameters_of(spec)

    @property
    def name(self) -> str:
        """The name in the model."""
        return self._name

    @property
    def concrete_functions(self) -> list[ConcreteFunction]:
        """The traces."""
        return [self._traces.get(name, self._parameters) for name in self._names]

    @property
    def input_signature(self) -> Any:
        """The specs of the arguments, if they were fixed."""
        return decoded(self._spec.input_signature)

    @property
    def function_spec(self) -> Any:
        """What the file says of the parameters."""
        return self._spec

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The variables that the traces read."""
        return tuple({id(v): v for c in self.concrete_functions for v in c.variables}.values())

    @property
    def trainable_variables(self) -> tuple[Variable, ...]:
        """Those among them that tapes watch by themselves."""
        return tuple([v for v in self.variables if v.trainable])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the first trace that the arguments fit; `ValueError` if there is none."""
        concrete, tensors = self._found(args, kwargs)
        return concrete.call_flat(tensors)

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The trace for arguments like these; tensors may be given as specs."""
        if not args and not kwargs and len(self._names) == 1:
            return self.concrete_functions[0]
        return self._found(args, kwargs)[0]

    def _found(self, args: Any, kwargs: Any) -> tuple[ConcreteFunction, list[Any]]:
        if not self._names:
            raise ValueError("Found zero restored functions for caller function.")
        bound = self._parameters.bind(*args, **kwargs)
        bound.apply_defaults()
        leaves, form = nest.flatten_with_form((bound.args, bound.kwargs))
        for converting in (False, True):
            for name in self._names:
                wanted, its_form = nest.flatten_with_form(self._traces.signature_of(name))
                if form != its_form:
                    continue
                tensors = _fitting(leaves, wanted, converting)
                if tensors is not None:
                    return self._traces.get(name, self._parameters), tensors
        raise ValueError(self._no_match(bound))

    def _no_match(self, bound: inspect.BoundArguments) -> str:
        def shown(args: Any, kwargs: Any) -> str:
            lines = "".join(f"\n    * {value!r}" for value in args)
            return f"  Positional arguments ({len(args)} total):{lines}\n  Keyword arguments: {kwargs!r}"

        options = "\n\n".join(
            f"Option {i + 1}:\n{shown(*self._traces.signature_of(name))}" for i, name in enumerate(self._names)
        )
        return (
            f"Could not find matching concrete function to call loaded from the SavedModel. Got:\n"
            f"{shown(bound.args, bound.kwargs)}\n\n Expected these arguments to match one of the following "
            f"{len(self._names)} option(s):\n\n{options}"
        )

    def __repr__(self) -> str:
        return f"<RestoredFunction {self._name}>"


def _fitting(leaves: Sequence[Any], wanted: Sequence[Any], converting: bool) -> list[Any] | None:
    """The tensors among leaves that fit the specs, or None if something does not."""
    tensors = []
    for leaf, spec in zip(leaves, wanted, strict=True):
        if not isinstance(spec, TensorSpec):
            if type(leaf) is not type(spec) or isinstance(leaf, Tensor) or leaf != spec:
                return None
            continue
        if isinstance(leaf, TensorSpec):
            if not spec.is_compatible_with(leaf):
                return None
            continue
        if not isinstance(leaf, Tensor | Variable):
            if not converting:
                return None
            try:
                leaf = convert(leaf, spec.dtype)
            except (TypeError, ValueError):
                return None
        if leaf.dtype is not spec.dtype or not spec.shape.is_compatible_with(leaf.shape):
            return None
        tensors.append(convert(leaf))
    return tensors
