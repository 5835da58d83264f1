"""`ConcreteFunction`: one trace of a Python function, a graph with the way from arguments to its inputs and back."""

from __future__ import annotations

import collections
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from duoflow.core import dtypes, nest
from duoflow.core.composite import Composite, expand, pack
from duoflow.core.context import context, entered
from duoflow.core.engine import executable
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.graph import Graph, Node
from duoflow.core.shapes import show
from duoflow.core.spec import TensorSpec
from duoflow.core.tensor import EagerTensor, GraphTensor, HandleTensor, Tensor, convert
from duoflow.core.variables import Variable
from duoflow.ops.call import call
from duoflow.ops.subgraphs import report_reads, trace_into

from .signature import FunctionType, binding_error, sections_as_text
from .types import CompositeType, Identity, Literal, Parts, TensorType, TraceType, type_of

__all__ = ["ConcreteFunction", "FuncGraph", "trace"]


class FuncGraph(Graph):
    """The graph of a traced function.

    Attributes: `inputs`, `outputs`, `captures`, `structured_input_signature`, `structured_outputs`, `variables`.
    """

    variables: tuple[Variable, ...] = ()
    #: The structured input signature with the names of tensors that the caller gave and no others.
    typed_arguments: Any = None

    @property
    def trainable_variables(self) -> tuple[Variable, ...]:
        """The variables that tapes watch by themselves."""
        return tuple([v for v in self.variables if v.trainable])

    @property
    def outer_graph(self) -> Graph | None:
        """The graph in which this one was traced."""
        return self.outer


def trace(
    function: Callable[..., Any],
    name: str,
    leaves: Sequence[Any],
    types: Sequence[Any],
    form: Any,
    names: Sequence[str],
    given_names: Sequence[str | None],
    signature: inspect.Signature,
) -> ConcreteFunction:
    """Call `function` on placeholders in place of the tensors among `leaves`, and keep the graph that comes of it.

    `form` puts leaves together to (args, kwargs); `types` are the leaves' trace types; `names` name the placeholders,
    `given_names` are those among them that the caller chose; `signature` is that of the Python function.
    """
    graph = FuncGraph(name, True, context.graph)
    with entered(graph=graph, tapes=(), control=(), scope=""):
        stand_ins = [_stand_in(graph, *each) for each in zip(leaves, types, names, strict=True)]
    args, kwargs = form.unflatten(stand_ins)
    graph.structured_input_signature, graph.typed_arguments = (
        form.unflatten([_as_spec(*each) for each in zip(leaves, types, chosen, strict=True)])
        for chosen in (names, given_names)
    )
    (structure, outputs), reads = trace_into(graph, _results, function, args, kwargs)
    graph.outputs = [graph.capture(t) for t in outputs if t is not None]
    graph.variables = tuple(reads)
    graph.structured_outputs = pack(structure, [None if t is None else graph.capture(t) for t in outputs])
    return ConcreteFunction(graph, structure, [t is None for t in outputs], signature)


#: Types of ours whose arguments stand for themselves while a function is traced.
_OWN = (Literal, Identity, Parts)


def _stand_in(graph: Graph, leaf: Any, kind: Any, name: str) -> Any:
    if isinstance(kind, TensorType):
        return graph.add_input(kind.dtype, kind.dims, name)
    if isinstance(kind, CompositeType):
        return leaf._with_components(tuple([graph.add_input(t.dtype, t.dims, name) for t in kind.parts]))
    if isinstance(kind, _OWN):
        return leaf
    specs = kind.flatten()
    tensors = [graph.add_input(spec.dtype, spec.shape.as_tuple(), name) for spec in specs]
    return kind.from_tensors(iter(tensors)) if specs else kind.placeholder_value(None)


def _as_spec(leaf: Any, kind: Any, name: str | None) -> Any:
    if isinstance(kind, TensorType):
        return TensorSpec(kind.dims, kind.dtype, name)
    return leaf if isinstance(kind, (Literal, CompositeType)) else kind  # other objects are not kept alive


def _takes_tensors(spec: Any) -> bool:
    """Whether a leaf of the structured signature stands for tensors."""
    return isinstance(spec, (TensorSpec, Composite)) or isinstance(spec, TraceType) and bool(spec.flatten())


def _tensors_of(leaf: Any, spec: Any) -> list[Any]:
    """The tensors of an argument; one that holds none must be of the type that was traced."""
    if isinstance(spec, (TensorSpec, Composite)):
        return [leaf]
    kind = spec if isinstance(spec, TraceType) else type_of(spec)
    if leaf is not spec and not type_of(leaf).is_subtype_of(kind):
        raise TypeError(f"Can not cast {leaf!r} to {kind!r}")
    return list(kind.to_tensors(leaf)) if kind.flatten() else []


def _results(function: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Any, list[Any]]:
    """What the function returns, and its leaves as tensors (None for nothing)."""
    result = function(*args, **kwargs)
    return result, [_as_output(leaf, function) for leaf in expand(nest.flatten(result))]


def _as_output(leaf: Any, function: Callable[..., Any]) -> Any:
    if leaf is None or isinstance(leaf, Tensor):
        return leaf
    try:
        return convert(leaf)
    except (TypeError, ValueError):
        raise TypeError(
            "To be compatible with tf.function, Python functions must return zero or more Tensors or "
            "ExtensionTypes or None "
            f"values; in compilation of {function!r}, found return value of type "
            f"{'Operation' if isinstance(leaf, Node) else type(leaf).__name__}, which is not a Tensor "
            "or ExtensionType."
        ) from None


class ConcreteFunction:
    """A traced function for arguments of certain types; see `tf.function`.

    Calls take the tensors of the signature, by position or by name.

    >>> @tf.function
    ... def f(x, y):
    ...     return x * y
    >>> g = f.get_concrete_function(tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.float32))
    >>> float(g(x=tf.constant(2.0), y=tf.constant(3.0)))
    6.0

    TensorFlow: tf.types.experimental.ConcreteFunction.
    """

    def __init__(self, graph: FuncGraph, structure: Any, missing: Sequence[bool], signature: inspect.Signature) -> None:
        self.graph = graph
        self._signature = signature
        self._structure = structure
        self._missing = list(missing)
        self._plain = self._missing == [False] and isinstance(structure, (Tensor, Variable))
        #: The form of a structure of nothing but tensors.
        self._form = None
        leaves, form = nest.flatten_with_form(structure)
        if not any(missing) and not any(isinstance(leaf, Composite) for leaf in leaves):
            self._form = form
        self._captured = graph.external_captures
        self._captured_values = [t._array for t in self._captured if isinstance(t, EagerTensor)]
        self._closed = len(self._captured_values) == len(self._captured)
        self._names = [t.node.name for t in graph.inputs]
        #: The dtypes of outputs that are handles, None for tensors.
        self._handles = [t.dtype if t.dtype in (dtypes.resource, dtypes.variant) else None for t in graph.outputs]
        self._is_tensor = self._plain and self._handles == [None]

    # -- facts -------------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The graph's name."""
        return self.graph.name

    @property
    def inputs(self) -> list[GraphTensor]:
        """The placeholders, those of captured tensors last."""
        return self.graph.all_inputs

    @property
    def outputs(self) -> list[Tensor]:
        """The flat outputs."""
        return self.graph.outputs

    @property
    def captured_inputs(self) -> list[Tensor]:
        """The tensors from outside that each call supplies."""
        return list(self._captured)

    @property
    def structured_input_signature(self) -> Any:
        """(args, kwargs) with specs in place of tensors."""
        return self.graph.structured_input_signature

    @property
    def structured_outputs(self) -> Any:
        """The structure of the results, with the graph's tensors."""
        return self.graph.structured_outputs

    @property
    def output_shapes(self) -> Any:
        """The structure of the results, with static shapes."""
        return nest.map_structure(lambda t: getattr(t, "shape", None), self.structured_outputs)

    @property
    def output_dtypes(self) -> Any:
        """The structure of the results, with dtypes."""
        return nest.map_structure(lambda t: getattr(t, "dtype", None), self.structured_outputs)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The variables the function reads."""
        return self.graph.variables

    @property
    def trainable_variables(self) -> tuple[Variable, ...]:
        """Those among them that tapes watch by themselves."""
        return self.graph.trainable_variables

    def usable(self) -> bool:
        """Whether what it captures can be reached from where calls are made now."""
        return self._closed or all(_reachable(t) for t in self._captured)

    # -- calls -------------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the trace on tensors given by position or by name."""
        return self.call_flat(self.bound(args, kwargs))

    def bound(self, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Tensor]:
        """One tensor per input: from arguments as the Python function takes them, or from the tensors alone."""
        try:
            flat = self._from_structure(args, kwargs)
        except TypeError as error:
            flat = self._from_tensors(expand(nest.flatten(list(args))), kwargs)
            if flat is None:
                raise error from None
        return [self._fitted(v, t) for v, t in zip(flat, self.graph.inputs, strict=True)]

    def _from_structure(self, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
        """The tensors among arguments for the Python function; other values may be left out, and must be the same."""
        specs, form = nest.flatten_with_form(self.structured_input_signature)
        traced = self._signature.bind(*form.unflatten(specs)[0], **form.unflatten(specs)[1]).arguments
        try:
            given = self._signature.bind_partial(*args, **kwargs).arguments
            for name, value in traced.items():
                if name not in given and any(map(_takes_tensors, nest.flatten(value))):
                    raise TypeError(f"missing a required argument: {name!r}")
            bound = inspect.BoundArguments(self._signature, collections.OrderedDict({**traced, **given}))
            leaves = form.flatten_up_to((bound.args, bound.kwargs))
            return expand([part for leaf, spec in zip(leaves, specs, strict=True) for part in _tensors_of(leaf, spec)])
        except (TypeError, ValueError) as error:
            raise binding_error(error, args, kwargs, str(self.function_type)) from None

    def _from_tensors(self, flat: list[Any], kwargs: dict[str, Any]) -> list[Any] | None:
        """Tensors given one by one, by position and by the placeholders' names; None if they are not those."""
        rest = self._names[len(flat) :]
        if len(flat) > len(self._names) or set(rest) != set(kwargs):
            return None
        return [*flat, *(kwargs[name] for name in rest)]

    def _head(self) -> str:
        arguments = [f"{name}: {t.spec}" for name, t in zip(self._names, self.graph.inputs, strict=True)]
        return f"{self.graph.name}({', '.join(arguments)})"

    def _fitted(self, value: Any, placeholder: GraphTensor) -> Tensor:
        tensor = convert(value, dtype_hint=placeholder.dtype)
        if not TensorType(tensor.dtype, tensor.dims).is_subtype_of(TensorType(placeholder.dtype, placeholder.dims)):
            message = (
                f"{self._head()}: argument {placeholder.node.name!r} must be a {placeholder.dtype.name} tensor of "
                f"shape {show(placeholder.dims)}, received {tensor.dtype.name} of shape {show(tensor.dims)}."
            )
            if not isinstance(value, Tensor):
                raise TypeError(message)
            raise InvalidArgumentError(message).here()
        return tensor

    def call_flat(self, inputs: Sequence[Tensor]) -> Any:
        """Run the trace on one tensor per input."""
        if context.graph is None and not context.tapes:
            return self.run([t._array for t in inputs])  # type: ignore[attr-defined]
        return self._packed(self.outputs_for(inputs))

    def outputs_for(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """The flat outputs of a call on one tensor per input, where a graph is traced or a tape watches."""
        report_reads(self.graph.variables)
        return list(call(self.graph, [*inputs, *self._captured], self.graph.name))

    def run(self, values: list[Any]) -> Any:
        """Run the trace on the values of its inputs, with no tape watching."""
        results = self.run_flat(values)
        return EagerTensor(results[0]) if self._is_tensor else self.result_of(results)

    def run_flat(self, values: list[Any]) -> list[Any]:
        """The values of the outputs, of which `result_of` makes the result; for callers that may not need it."""
        return executable(self.graph).run(values + self._captured_values)

    def result_of(self, results: list[Any]) -> Any:
        """What a call returns, from the values of the outputs."""
        if self._is_tensor:
            return EagerTensor(results[0])
        return self._packed([
            EagerTensor(value) if handle is None else HandleTensor(value, handle)
            for value, handle in zip(results, self._handles, strict=True)
        ])  # fmt: skip

    def _packed(self, outputs: list[Any]) -> Any:
        if self._plain:
            return outputs[0]
        if self._form is not None:
            return self._form.unflatten(outputs)
        left = iter(outputs)
        return pack(self._structure, [None if gone else next(left) for gone in self._missing])

    @property
    def function_type(self) -> FunctionType:
        """The parameters with their types, and the type of the result."""
        return FunctionType.of(self._signature, *self.graph.typed_arguments, self.structured_outputs)

    def pretty_printed_signature(self, verbose: bool = True) -> str:
        """Inputs, outputs and captures as text, on one line unless it is `verbose`."""
        kind = self.function_type
        if not verbose:
            return str(kind)
        captures = [f"{id(t)}: {_show_spec(t)}" for t in self._captured]
        sections = [("Input Parameters", kind.lines()), ("Output Type", [kind.shown_output()]), ("Captures", captures)]
        return sections_as_text(sections)

    def __repr__(self) -> str:
        return f"<ConcreteFunction {self.function_type} at {hex(id(self))}>"

    def __str__(self) -> str:
        return f"ConcreteFunction {self.pretty_printed_signature()}"


def _show_spec(tensor: Tensor) -> str:
    return repr(TensorSpec(tensor.dims, tensor.dtype))


def _reachable(tensor: Tensor) -> bool:
    if not isinstance(tensor, GraphTensor):
        return True
    graph = context.graph
    while graph is not None:
        if graph is tensor.node.graph:
            return True
        graph = graph.outer if graph.is_function else None
    return False
