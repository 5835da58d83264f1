"""`tf.function`: call Python once per kind of arguments, run a graph every time.

    call ── bind arguments ── trace types ── cache ──┬─ hit: run the ConcreteFunction
                                                     └─ miss: trace, keep, run

A call with tensors only, by position, finds its trace by dtypes and shapes without the steps between.
"""

from __future__ import annotations

import functools
import inspect
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from duoflow.core import nest
from duoflow.core.composite import Composite, expand
from duoflow.core.context import context
from duoflow.core.errors import caller_origin, with_origin
from duoflow.core.reporting import get_logger
from duoflow.core.shapes import show
from duoflow.core.spec import TensorSpec, TypeSpec
from duoflow.core.tensor import EagerTensor, Tensor, convert
from duoflow.core.variables import Variable

from .autograph import convert as to_autograph
from .concrete import ConcreteFunction, trace
from .types import CompositeType, TensorType, covers, generalize, types_of

__all__ = ["Function", "function", "functions_run_eagerly", "run_functions_eagerly"]


_tracing = threading.RLock()


class Function:
    """A Python function that runs as graphs; made by `tf.function`.

    Each distinct structure of arguments, dtypes and shapes of tensors, and values of Python numbers and strings has
    a trace of its own; Python side effects happen while tracing only.

    TensorFlow: tf.types.experimental.PolymorphicFunction.
    """

    def __init__(
        self,
        python_function: Callable[..., Any],
        name: str,
        input_signature: Any = None,
        autograph: bool = True,
        jit_compile: bool | None = None,
        reduce_retracing: bool = False,
        follow_type_hints: bool = False,
        instance: Any = None,
    ) -> None:
        self._python_function = python_function
        self._name = name
        self._input_signature = None if input_signature is None else _checked_signature(input_signature)
        self._autograph = autograph
        self._jit_compile = jit_compile
        self._reduce_retracing = reduce_retracing
        self._follow_type_hints = follow_type_hints
        self._instance: Callable[[], Any] | None = instance
        self._signature = _signature_of(python_function, bound=instance is not None)
        self._traces: list[_Trace] = []
        self._exact: dict[Any, _Trace] = {}
        self._fast: dict[Any, ConcreteFunction] = {}
        self._bound_methods: dict[int, tuple[Any, Function]] = {}
        self._created: list[Variable] = []
        self._called = False
        self._count = 0
        self._recent = _RecentTraces()
        functools.update_wrapper(self, python_function, updated=())
        self.__wrapped__ = python_function

    # -- calls -------------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the trace for these arguments, made now if there is none."""
        if context.run_functions_eagerly:
            return self._bound_python_function()(*args, **kwargs)
        if not kwargs and context.graph is None and not context.tapes:
            key: list[Any] = []
            for value in args:
                if type(value) is not EagerTensor:
                    break
                array = value._array
                key.append(array.dtype)
                key.append(array.shape)
            else:
                concrete = self._fast.get(tuple(key))
                if concrete is not None:
                    return concrete.run([value._array for value in args])
        return self._call(args, kwargs)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        leaves, form = self._canonical(args, kwargs)
        found = self._find(leaves, form, args, kwargs)
        if found.takes_only(args) and not kwargs and self._input_signature is None and found.concrete.usable():
            self._fast[tuple([part for a in args for part in (a._array.dtype, a._array.shape)])] = found.concrete
        return found.concrete.call_flat(found.tensors(leaves))

    def _canonical(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], Any]:
        """The leaves of the arguments, defaults included, and their structure."""
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(
                f"Binding inputs to tf.function failed due to `{error}`. Received args: {args} and kwargs: "
                f"{kwargs} for "
                f"signature: {self._shown_signature()}."
            ) from None
        bound.apply_defaults()
        if self._input_signature is not None:
            return nest.flatten_with_form((self._fit_signature(bound), bound.kwargs))
        if self._follow_type_hints:
            self._follow_hints(bound)
        return nest.flatten_with_form((bound.args, bound.kwargs))

    def _fit_signature(self, bound: inspect.BoundArguments) -> tuple[Any, ...]:
        """The positional arguments, of which those that `input_signature` covers are converted to what it says."""
        given = list(bound.args)
        assert self._input_signature is not None
        for i, spec in enumerate(self._input_signature):
            try:
                given[i] = _fitted_to(given[i], spec)
            except (TypeError, ValueError) as error:
                received = nest.map_structure(_describe, given[i])
                raise TypeError(
                    f"Binding inputs to tf.function failed due to `Can not cast {received!r} to {spec!r}`. "
                    "Received args: "
                    f"{bound.args} and kwargs: {bound.kwargs} for signature: {self._shown_signature()}. ({error})"
                ) from None
        return tuple(given)

    def _shown_signature(self) -> str:
        if self._input_signature is None:
            return str(self._signature)
        pairs = zip(self._signature.parameters, self._input_signature, strict=False)
        return f"({', '.join(f'{name}: {spec!r}' for name, spec in pairs)})"

    def _follow_hints(self, bound: inspect.BoundArguments) -> None:
        """Make tensors of the numbers given for parameters that are annotated as tensors."""
        for name, value in bound.arguments.items():
            hint = self._signature.parameters[name].annotation
            if (hint is Tensor or hint == "tf.Tensor") and isinstance(value, (int, float, bool, complex)):
                bound.arguments[name] = convert(value)

    # -- traces ------------------------------------------------------------------------------------------------------

    def _find(self, leaves: list[Any], form: Any, args: Any, kwargs: Any) -> _Trace:
        types = self._types(leaves)
        found = self._exact.get((form, types))
        if found is not None and found.concrete.usable():
            return found
        for candidate in reversed(self._traces):
            if candidate.form == form and covers(candidate.types, types) and candidate.concrete.usable():
                self._exact[form, types] = candidate
                return candidate
        with _tracing:
            return self._trace(leaves, form, types)

    def _types(self, leaves: list[Any]) -> tuple[Any, ...]:
        types = list(types_of(leaves))
        if self._input_signature is not None:
            for i, spec in enumerate(nest.flatten(self._input_signature)):
                if isinstance(spec, TensorSpec):
                    types[i] = TensorType(spec.dtype, spec.shape.as_tuple())
        return tuple(types)

    def _trace(self, leaves: list[Any], form: Any, types: tuple[Any, ...]) -> _Trace:
        if self._reduce_retracing:
            for known in self._traces:
                wider = generalize(known.types, types) if known.form == form else None
                types = types if wider is None else wider
        first = not self._called and not self._created
        concrete, created = self._traced(leaves, form, types)
        if created:
            if not first:
                raise _too_late(created)
            self._created = created
            concrete, again = self._traced(leaves, form, types)
            if again:
                raise _too_late(again)
        self._called = True
        made = _Trace(form, types, concrete)
        self._recent.traced(self, made)
        self._traces.append(made)
        self._exact[form, types] = made
        return made

    def _traced(self, leaves: list[Any], form: Any, types: tuple[Any, ...]) -> tuple[ConcreteFunction, list[Variable]]:
        """One trace, and the variables that were made on the way."""
        self._count += 1
        outer, context.created_variables = context.created_variables, []
        try:
            target = self._bound_python_function()
            if self._autograph:
                target = to_autograph(target)
            name = f"__inference_{self._name}_{self._count}"
            concrete = trace(target, name, leaves, types, form, self._names(leaves, form))
            return concrete, context.created_variables
        finally:
            created, context.created_variables = context.created_variables, outer
            if outer is not None:
                outer += created

    def _names(self, leaves: Sequence[Any], form: Any) -> list[str]:
        """A name per leaf: its parameter's, or that of its spec."""
        positional, keyword = form.unflatten(range(len(leaves)))
        parameters = [p for p in self._signature.parameters.values() if p.kind is not p.KEYWORD_ONLY]
        names = [""] * len(leaves)
        for i, value in enumerate(positional):
            parameter = parameters[min(i, len(parameters) - 1)]
            own = parameter.name if parameter.kind is not parameter.VAR_POSITIONAL else f"{parameter.name}_{i}"
            for leaf in nest.flatten(value):
                names[leaf] = own
        for key, value in keyword.items():
            for leaf in nest.flatten(value):
                names[leaf] = key
        specs = nest.flatten(self._input_signature) if self._input_signature is not None else []
        for i, leaf in enumerate([*specs, *leaves[len(specs) :]]):
            if isinstance(leaf, TensorSpec) and leaf.name:
                names[i] = leaf.name
        return names

    def _bound_python_function(self) -> Callable[..., Any]:
        if self._instance is None:
            return self._python_function
        owner = self._instance()
        if owner is None:
            raise ReferenceError(f"The object whose method {self._name!r} this is does not exist any more.")
        return self._python_function.__get__(owner)  # type: ignore[attr-defined,no-any-return]

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The trace for arguments of these types; tensors may be given as `tf.TensorSpec`s.

        With an `input_signature` the arguments may be left out.
        """
        if self._input_signature is not None and not args and not kwargs:
            args = self._input_signature
        leaves, form = self._canonical(args, kwargs)
        return self._find(leaves, form, args, kwargs).concrete

    # -- facts -------------------------------------------------------------------------------------------------------

    @property
    def python_function(self) -> Callable[..., Any]:
        """The function as written."""
        return self._bound_python_function()

    @property
    def input_signature(self) -> Any:
        """The specs of the arguments, if they were fixed."""
        return self._input_signature

    @property
    def name(self) -> str:
        """The Python function's name."""
        return self._name

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The variables that the function made on its first call."""
        return tuple(self._created)

    def experimental_get_tracing_count(self) -> int:
        """How many traces were made."""
        return len(self._traces)

    def pretty_printed_concrete_signatures(self, verbose: bool = True) -> str:
        """The signatures of all traces as text."""
        return "\n\n".join(t.concrete.pretty_printed_signature(verbose) for t in self._traces)

    def __get__(self, instance: Any, owner: Any = None) -> Function:
        """The function as a method of an object: traces are kept per object, and do not keep it alive."""
        if instance is None:
            return self
        known = self._bound_methods.get(id(instance))
        if known is not None and known[0]() is instance:
            return known[1]
        key, methods = id(instance), self._bound_methods
        reference = weakref.ref(instance, lambda _: methods.pop(key, None))
        method = Function(
            self._python_function, self._name, self._input_signature, self._autograph, self._jit_compile,
            self._reduce_retracing, self._follow_type_hints, reference,
        )  # fmt: skip
        methods[key] = (reference, method)
        return method

    def __repr__(self) -> str:
        return f"<duoflow.Function {self._name} at {hex(id(self))}>"


class _Trace:
    """One entry of a function's cache."""

    __slots__ = ("form", "types", "concrete", "_positions")

    def __init__(self, form: Any, types: tuple[Any, ...], concrete: ConcreteFunction) -> None:
        self.form, self.types, self.concrete = form, types, concrete
        self._positions = [i for i, t in enumerate(types) if isinstance(t, (TensorType, CompositeType))]

    def tensors(self, leaves: Sequence[Any]) -> list[Tensor]:
        """The leaves that are tensors or become them."""
        return [
            part if isinstance(part, Tensor) else convert(part) for part in expand([leaves[i] for i in self._positions])
        ]

    def takes_only(self, args: Sequence[Any]) -> bool:
        """Whether the arguments are eager tensors and nothing else."""
        return len(self.types) == len(args) and all(type(a) is EagerTensor for a in args)


# -- helpers -----------------------------------------------------------------------------------------------------------


def _signature_of(function: Callable[..., Any], bound: bool) -> inspect.Signature:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return inspect.Signature([inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)])
    parameters = list(signature.parameters.values())
    if bound and parameters and parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL:
        parameters = parameters[1:]
    return signature.replace(parameters=parameters)


def _checked_signature(signature: Any) -> tuple[Any, ...]:
    if not isinstance(signature, (list, tuple)):
        raise TypeError(f"input_signature must be either a tuple or a list, got {type(signature)}.")
    for leaf in nest.flatten(list(signature)):
        if not isinstance(leaf, (TypeSpec, Variable)):
            raise TypeError(f"input_signature must be a possibly nested sequence of TensorSpec objects, got {leaf!r}.")
    return tuple(signature)


def _fitted_to(value: Any, spec: Any) -> Any:
    """An argument with a tensor in place of each value for which a structure of specs has one."""
    specs, form = nest.flatten_with_form(spec)
    return form.unflatten([_cast_to(v, s) for v, s in zip(form.flatten_up_to(value), specs, strict=True)])


def _cast_to(value: Any, spec: Any) -> Any:
    if not isinstance(spec, TensorSpec) or isinstance(value, TypeSpec):
        return value
    tensor = convert(value) if isinstance(value, (Tensor, Variable, Composite)) else convert(value, spec.dtype)
    if tensor.dtype is not spec.dtype:
        raise TypeError(f"dtype is {tensor.dtype.name}")
    if not spec.shape.is_compatible_with(tensor.shape):
        raise TypeError(f"shape is {show(tensor.dims)}")
    return tensor


def _describe(value: Any) -> Any:
    if isinstance(value, (Tensor, Variable, np.ndarray)):
        return TensorSpec(value.shape, value.dtype)
    return value


def _too_late(variables: Sequence[Variable]) -> ValueError:
    return ValueError(
        with_origin(
            "tf.function only supports singleton tf.Variables created on the first call. Make sure the tf.Variable "
            "is only "
            f"created once or created outside tf.function ({variables[0].name!r} was created again). See "
            "https://www.tensorflow.org/guide/function#creating_tfvariables for more information.",
            caller_origin(),
        )
    )


class _RecentTraces:
    """Warns of a function that is traced again and again, and says which argument is why."""

    LIMIT = 5

    def __init__(self) -> None:
        self.warned = False

    def traced(self, function: Function, new: _Trace) -> None:
        """Note a trace; the warning comes once."""
        same_form = [t for t in function._traces if t.form == new.form]
        if self.warned or len(same_form) + 1 < self.LIMIT:
            return
        self.warned = True
        names = function._names(range(len(new.types)), new.form)
        last = same_form[-1]
        causes = [f"{n!r}: {a!r} then {b!r}" for n, a, b in zip(names, last.types, new.types, strict=True) if a != b]
        get_logger().warning(
            "%d traces of %r were made (tf.function retracing). Tracing is expensive. The last one differs in %s. Pass "
            "tensors instead of Python numbers, create @tf.function outside of loops, or let shapes vary with "
            "reduce_retracing=True or an input_signature.",
            len(same_form) + 1, function, "; ".join(causes) or "what it captures",
        )  # fmt: skip


# -- public ------------------------------------------------------------------------------------------------------------


def function(
    func: Callable[..., Any] | None = None,
    input_signature: Any = None,
    autograph: bool = True,
    jit_compile: bool | None = None,
    reduce_retracing: bool = False,
    experimental_implements: str | None = None,
    experimental_autograph_options: Any = None,
    experimental_attributes: dict[str, Any] | None = None,
    experimental_relax_shapes: bool | None = None,
    experimental_compile: bool | None = None,
    experimental_follow_type_hints: bool | None = None,
) -> Any:
    """Let a Python function run as graphs that are traced from it.

    Args:
      func: the function; without it a decorator is returned.
      input_signature: a sequence of `tf.TensorSpec`s; there is then one trace.
      autograph: whether `if`, `for` and `while` on tensors become graph control flow.
      jit_compile: accepted; every graph is compiled.
      reduce_retracing: use one trace with unknown dimensions for calls that differ in shapes.
      experimental_implements, experimental_autograph_options, experimental_attributes: accepted; they guide other
        runtimes.
      experimental_relax_shapes, experimental_compile: old names of reduce_retracing and jit_compile.
      experimental_follow_type_hints: make tensors of numbers given for parameters annotated `tf.Tensor`.

    >>> @tf.function
    ... def f(x):
    ...     return x if x > 0 else -x
    >>> float(f(tf.constant(-3.0)))
    3.0

    TensorFlow: tf.function.
    """

    def decorate(inner: Callable[..., Any]) -> Any:
        if not callable(inner):
            raise TypeError(f"tf.function needs a callable, received {inner!r}.")
        if isinstance(inner, Function):
            inner = inner._python_function
        name = getattr(inner, "__name__", None) or type(inner).__name__
        target = inner.func if isinstance(inner, functools.partial) else inner
        name = getattr(target, "__name__", name)
        return Function(
            inner, name, input_signature, autograph, experimental_compile if jit_compile is None else jit_compile,
            bool(reduce_retracing or experimental_relax_shapes), bool(experimental_follow_type_hints),
        )  # fmt: skip

    return decorate if func is None else decorate(func)


def run_functions_eagerly(run_eagerly: bool) -> None:
    """Run what is decorated with tf.function as plain Python, for debugging.

    TensorFlow: tf.config.run_functions_eagerly.
    """
    context.run_functions_eagerly = bool(run_eagerly)


def functions_run_eagerly() -> bool:
    """Whether tf.functions run as plain Python. TensorFlow: tf.config.functions_run_eagerly."""
    return context.run_functions_eagerly
