"""`tf.function`: call Python once per kind of arguments, run a graph every time.

    call ── bind arguments ── trace types ── cache ──┬─ hit: run the ConcreteFunction
                                                     └─ miss: trace, keep, run

A call like an earlier one finds its trace without the steps between (`calls.py`).
"""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from duoflow.core.collection import collection_paused
from duoflow.core.composite import expand
from duoflow.core.context import context
from duoflow.core.engine import MEMORY_LIMIT
from duoflow.core.errors import caller_origin, with_origin
from duoflow.core.tensor import Tensor
from duoflow.core.variables import Variable

from .autograph import convert as to_autograph
from .calls import as_input, key_of, order_of
from .captured import Watched, tell, watched_by
from .causes import Cause, Warner, cause_of, endless
from .compiler_ir import compiler_ir
from .concrete import ConcreteFunction, trace
from .explain import Explanation, explain, measured
from .limits import bytes_of
from .signature import FunctionSpec, FunctionType, Parameters
from .types import CompositeType, TensorType, covers, generalize

__all__ = ["Function", "function", "functions_run_eagerly", "run_functions_eagerly"]


_tracing = threading.RLock()

#: Called with the function, its arguments and the exception when a call raises; see debugging/replay.py.
on_failure: Callable[[Function, tuple[Any, ...], dict[str, Any], Exception], None] | None = None


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
        memory_limit: int | str | None = None,
    ) -> None:
        self._python_function = python_function
        self._name = name
        self._autograph = autograph
        self._jit_compile = jit_compile
        self._reduce_retracing = reduce_retracing
        self._follow_type_hints = follow_type_hints
        self._instance: Callable[[], Any] | None = instance
        self._memory_limit = bytes_of(memory_limit)
        self._parameters = Parameters(python_function, instance is not None, input_signature, follow_type_hints)
        self._traces: list[_Trace] = []
        self._exact: dict[Any, _Trace] = {}
        #: By key of a call: its trace, and the order of the trace's inputs if it is not that of the call.
        self._known_calls: dict[Any, tuple[ConcreteFunction, list[int] | None]] = {}
        self._bound_methods: dict[int, tuple[Any, Function]] = {}
        self._created: list[Variable] = []
        self._called = False
        self._count = 0
        self._warner = Warner()
        self._watched: list[Watched] = []
        self._told = False
        self._begun: list[tuple[Any, ...]] = []
        functools.update_wrapper(self, python_function, updated=())
        self.__wrapped__ = python_function

    # -- calls -------------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the trace for these arguments, made now if there is none."""
        if context.run_functions_eagerly:
            return self._bound_python_function()(*args, **kwargs)
        if self._watched:
            self._check_watched()
        try:
            if context.graph is None and not context.tapes:
                call = key_of(args, kwargs)
                if call is not None:
                    known = self._known_calls.get(call[0])
                    if known is None:
                        return self._call(args, kwargs, call)
                    concrete, order = known
                    return concrete.run(call[1] if order is None else [call[1][place] for place in order])
            return self._call(args, kwargs)
        except Exception as error:
            if on_failure is not None:
                on_failure(self, args, kwargs, error)
            raise

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any], call: tuple[Any, list[Any]] | None = None) -> Any:
        """Find the trace by the types of the arguments; `call`, their key and values, is found at once from then on."""
        leaves, form = self._parameters.leaves(args, kwargs)
        found = self._find(leaves, form)
        tensors = found.tensors(leaves)
        if call is not None and found.concrete.usable():
            key, values = call
            order = order_of(values, tensors, bool(kwargs))
            if order is not None:
                self._known_calls[key] = found.concrete, None if order == list(range(len(order))) else order
        return found.to_run().call_flat(tensors)

    def bound(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[ConcreteFunction, list[Tensor]]:
        """The trace for arguments, made now if there is none, and the tensors among them that it takes."""
        leaves, form = self._parameters.leaves(tuple(args), kwargs)
        found = self._find(leaves, form)
        return found.concrete, found.tensors(leaves)

    # -- traces ------------------------------------------------------------------------------------------------------

    def _find(self, leaves: list[Any], form: Any) -> _Trace:
        types = self._parameters.types(leaves)
        found = self._known(form, types)
        if found is None:
            with _tracing:  # another thread may have made it meanwhile
                found = self._known(form, types) or self._trace(leaves, form, types)
        return found

    def _known(self, form: Any, types: tuple[Any, ...]) -> _Trace | None:
        found = self._exact.get((form, types))
        if found is not None and found.concrete.usable():
            return found
        for candidate in reversed(self._traces):
            if candidate.form == form and covers(candidate.types, types) and candidate.concrete.usable():
                self._exact[form, types] = candidate
                return candidate
        return None

    @collection_paused()
    def _trace(self, leaves: list[Any], form: Any, types: tuple[Any, ...]) -> _Trace:
        if self._reduce_retracing:
            for known in self._traces:
                wider = generalize(known.types, types) if known.form == form else None
                types = types if wider is None else wider
        first = not self._called and not self._created
        watched = [] if self._told else watched_by(self._bound_python_function())
        concrete, created = self._traced(leaves, form, types)
        initial = None
        if created:
            if not first:
                raise _too_late(created, _NOT_FIRST)
            self._created = created
            if any(v._state.array is None for v in created):
                initial = concrete
            concrete, again = self._traced(leaves, form, types)
            if again:
                raise _too_late(again, _ONCE)
        self._called = True
        cause = cause_of(self._traces, form, types, self._parameters.paths)
        made = _Trace(form, types, concrete, cause, initial)
        self._traces.append(made)
        self._note(made)
        self._watched = [each for each in watched if not each.changed()]
        self._exact[form, types] = made
        return made

    def _note(self, made: _Trace) -> None:
        """Warn of too many traces."""
        function = self._bound_python_function()
        if len(self._traces) == 1 and self._instance is None:
            Warner.first_trace(self, getattr(function, "__code__", None))
        self._warner.traced(self, made.cause, sum(t.form == made.form for t in self._traces))

    def _check_watched(self) -> None:
        if tell(self._name, self._watched):
            self._told, self._watched = True, []

    def _traced(self, leaves: list[Any], form: Any, types: tuple[Any, ...]) -> tuple[ConcreteFunction, list[Variable]]:
        """One trace, and the variables that were made on the way."""
        self._count += 1
        self._begun.append(types)
        outer, context.created_variables = context.created_variables, []
        try:
            target = self._bound_python_function()
            if self._autograph:
                target = to_autograph(target)
            name = f"__inference_{self._name}_{self._count}"
            names, given = self._parameters.names(leaves, form), self._parameters.given_names(leaves)
            concrete = trace(target, name, leaves, types, form, names, given, self._parameters.signature)
            if self._memory_limit is not None:
                concrete.graph.extras[MEMORY_LIMIT] = self._memory_limit
            return concrete, context.created_variables
        except RecursionError as error:
            begun: Any = getattr(error, "begun", None) or tuple(self._begun)
            if len(self._begun) > 1 or len(begun) == 1:
                error.begun = begun  # type: ignore[attr-defined]
                raise
            raise RecursionError(endless(self._name, begun, form, self._parameters.paths)) from None
        finally:
            self._begun.pop()
            created, context.created_variables = context.created_variables, outer
            if outer is not None:
                outer += created

    def _bound_python_function(self) -> Callable[..., Any]:
        if self._instance is None:
            return self._python_function
        owner = self._instance()
        if owner is None:
            return functools.partial(self._python_function, None)  # as TensorFlow calls methods of what is gone
        return self._python_function.__get__(owner)  # type: ignore[attr-defined,no-any-return]

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The trace for arguments of these types; tensors may be given as `tf.TensorSpec`s.

        With an `input_signature` the arguments may be left out.
        """
        if self._parameters.specs is not None and not args and not kwargs:
            args = self._parameters.specs
        leaves, form = self._parameters.leaves(args, kwargs)
        found = self._find(leaves, form)
        if found.initial is not None:
            raise ValueError(
                f"{self._name!r} makes a variable whose initial value depends on an argument. Call the function once "
                "before get_concrete_function, so that the variable has its value."
            )
        return found.concrete

    # -- facts -------------------------------------------------------------------------------------------------------

    @property
    def python_function(self) -> Callable[..., Any]:
        """The function as written."""
        return self._bound_python_function()

    @property
    def input_signature(self) -> Any:
        """The specs of the arguments, if they were fixed."""
        return self._parameters.specs

    @property
    def name(self) -> str:
        """The Python function's name."""
        return self._name

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The variables that the function made on its first call."""
        return tuple(self._created)

    @property
    def function_type(self) -> FunctionType | None:
        """The type of the latest trace, None before the first. TensorFlow: PolymorphicFunction.function_type."""
        return self._traces[-1].concrete.function_type if self._traces else None

    @property
    def function_spec(self) -> FunctionSpec:
        """The parameters of the Python function. TensorFlow: PolymorphicFunction.function_spec."""
        return FunctionSpec(self._parameters, self._jit_compile)

    def experimental_get_compiler_ir(self, *args: Any, **kwargs: Any) -> Callable[..., str]:
        """A function of a stage, "hlo" or "optimized_hlo", that gives the text of what is compiled for arguments.

        Here that is the graph: as it was traced, and as it is after all passes. Arguments may be `tf.TensorSpec`s.

        Raises: `ValueError` unless the function has `jit_compile=True`, for shapes that are not known and for other
        stages, which are XLA's own.

        >>> f = tf.function(lambda x: x + 0.0, jit_compile=True)
        >>> print(f.experimental_get_compiler_ir(tf.ones([2]))("hlo").splitlines()[0])
        graph __inference_<lambda>_1(%x: float32[2])

        TensorFlow: tf.types.experimental.PolymorphicFunction.experimental_get_compiler_ir.
        """
        if not self._jit_compile:
            raise ValueError(
                "Compiler IR can only be returned for functions marked with 'jit_compile=True'; `duoflow show` prints "
                "it for every function."
            )
        return functools.partial(compiler_ir, self.get_concrete_function(*args, **kwargs).graph)

    def experimental_get_tracing_count(self) -> int:
        """How many traces were made."""
        return len(self._traces)

    def explain(self, *args: Any, **kwargs: Any) -> Explanation:
        """Why each trace was made and what the engine made of it: print the result.

        With arguments the function is called with them first, and then some more times to measure its kernels; its
        variables are left as the first of these calls left them.

        >>> @tf.function
        ... def f(x, n):
        ...     return x * n
        >>> _ = f(tf.constant(1.0), 2), f(tf.constant(1.0), 3)
        >>> print(f.explain().traces[1].cause.lines()[0])
        'n' was 2, now 3 (trace 1): pass it as a tensor (tf.constant), unless Python needs its value
        """
        if args or kwargs:
            measured(self.get_concrete_function(*args, **kwargs), lambda: self(*args, **kwargs))
        return explain(self._name, [(t.concrete, t.cause) for t in self._traces])

    def pretty_printed_concrete_signatures(self, verbose: bool = True) -> str:
        """The signatures of all traces as text."""
        return ("\n\n" if verbose else "\n").join(t.concrete.pretty_printed_signature(verbose) for t in self._traces)

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
            self._python_function, self._name, self._parameters.specs, self._autograph, self._jit_compile,
            self._reduce_retracing, self._follow_type_hints, reference, self._memory_limit,
        )  # fmt: skip
        methods[key] = (reference, method)
        return method

    def __repr__(self) -> str:
        return f"<duoflow.Function {self._name} at {hex(id(self))}>"


class _Trace:
    """One entry of a function's cache: the trace, and that for the first call if variables get their values there."""

    __slots__ = ("form", "types", "concrete", "cause", "initial")

    def __init__(
        self,
        form: Any,
        types: tuple[Any, ...],
        concrete: ConcreteFunction,
        cause: Cause,
        initial: ConcreteFunction | None = None,
    ) -> None:
        self.form, self.types, self.concrete, self.cause, self.initial = form, types, concrete, cause, initial

    def tensors(self, leaves: Sequence[Any]) -> list[Tensor]:
        """The leaves that are tensors or become them."""
        found: list[Any] = []
        for kind, leaf in zip(self.types, leaves, strict=True):
            if isinstance(kind, (TensorType, CompositeType)):
                found.append(leaf)
            else:
                found += kind.to_tensors(leaf)
        return [part if isinstance(part, Tensor) else as_input(part) for part in expand(found)]

    def to_run(self) -> ConcreteFunction:
        """The concrete function for the next call."""
        initial, self.initial = self.initial, None
        return initial or self.concrete


# -- helpers -----------------------------------------------------------------------------------------------------------


_NOT_FIRST = "Creating variables on a non-first call to a function decorated with tf.function"
_ONCE = (
    "tf.function only supports singleton tf.Variables created on the first call. Make sure the tf.Variable is only "
    "created once or created outside tf.function. See "
    "https://www.tensorflow.org/guide/function#creating_tfvariables for more information"
)


#: What `experimental_attributes` may hold.
_ATTRIBUTES = frozenset({
    "_OutputsOnOpDevice", "_disable_acd", "_implements", "_noinline", "_tf_data_function", "api_implements",
    "api_preferred_device", "disable_summaries_at_runtime", "experimental_ints_on_device",
    "function_runs_at_most_once", "go_backwards", "runtime_constant_optimization", "time_major",
})  # fmt: skip


def _too_late(variables: Sequence[Variable], message: str) -> ValueError:
    return ValueError(with_origin(f"{message}. ({variables[0].name!r} was created again.)", caller_origin()))


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
    memory_limit: int | str | None = None,
) -> Any:
    """Let a Python function run as graphs that are traced from it.

    Args:
      func: the function; without it a decorator is returned.
      input_signature: a sequence of `tf.TensorSpec`s; there is then one trace.
      autograph: whether `if`, `for` and `while` on tensors become graph control flow.
      jit_compile: accepted; every graph is compiled.
      reduce_retracing: use one trace with unknown dimensions for calls that differ in shapes.
      experimental_implements, experimental_autograph_options, experimental_attributes: accepted; they guide other
        runtimes. `ValueError` for an attribute that TensorFlow does not know.
      experimental_relax_shapes, experimental_compile: old names of reduce_retracing and jit_compile.
      experimental_follow_type_hints: make tensors of numbers given for parameters annotated `tf.Tensor`.
      memory_limit: bytes that a run may need besides inputs and variables, as a number or like "64MiB" (duoflow's own).
        What would be kept for long is then computed again; `tf.errors.ResourceExhaustedError` if that is not enough.
        The limit is that of the function that is called from outside: what it calls is part of it.

    >>> @tf.function
    ... def f(x):
    ...     return x if x > 0 else -x
    >>> float(f(tf.constant(-3.0)))
    3.0

    TensorFlow: tf.function.
    """

    for attribute in experimental_attributes or ():
        if attribute not in _ATTRIBUTES:
            raise ValueError(f"`{attribute} is not supported by tf.function as an attribute.")

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
            memory_limit=memory_limit,
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
