"""How the arguments of a call become leaves: parameters, defaults, an `input_signature`; and how that is printed.

`Parameters` are those of a Python function: they bind a call, convert what an input_signature covers, and name the
leaves. `FunctionType` is a trace's: the parameters with their types, and the type of the result.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from duoflow.core import nest
from duoflow.core.composite import Composite
from duoflow.core.shapes import show
from duoflow.core.spec import TensorSpec, TypeSpec
from duoflow.core.tensor import Tensor, convert
from duoflow.core.variables import Variable

from .types import Literal, TensorType, TraceType, type_of, types_of

__all__ = ["FunctionSpec", "FunctionType", "Parameters", "binding_error"]


class Parameters:
    """The parameters of a traced function, and the specs that an `input_signature` gives for the first of them."""

    def __init__(
        self, function: Callable[..., Any], bound: bool, specs: Sequence[Any] | None, follow_hints: bool
    ) -> None:
        self.signature = _signature_of(function, bound)
        self.specs = None if specs is None else _checked_specs(specs, self.signature)
        self._follow_hints = follow_hints

    def leaves(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], Any]:
        """The leaves of a call's arguments, defaults included, and their form."""
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise binding_error(error, args, kwargs, self.shown()) from None
        bound.apply_defaults()
        if self.specs is not None:
            return nest.flatten_with_form((self._fit(bound), bound.kwargs))
        if self._follow_hints:
            self._convert_hinted(bound)
        return nest.flatten_with_form((bound.args, bound.kwargs))

    def types(self, leaves: Sequence[Any]) -> tuple[TraceType, ...]:
        """The trace types of the leaves; those that the input_signature covers are what it says."""
        types = list(types_of(leaves))
        for i, spec in enumerate(nest.flatten(self.specs) if self.specs is not None else ()):
            if isinstance(spec, TensorSpec):
                types[i] = TensorType(spec.dtype, spec.shape.as_tuple())
        return tuple(types)

    def names(self, leaves: Sequence[Any], form: Any) -> list[str]:
        """A name per leaf: its parameter's, or that of its spec."""
        positional, keyword = form.unflatten(range(len(leaves)))
        names = [""] * len(leaves)
        for name, value in [*self._positional(positional), *keyword.items()]:
            for leaf in nest.flatten(value):
                names[leaf] = name
        return [given or name for given, name in zip(self.given_names(leaves), names, strict=True)]

    def given_names(self, leaves: Sequence[Any]) -> list[str | None]:
        """The names that specs of the leaves have."""
        specs = nest.flatten(self.specs) if self.specs is not None else []
        return [
            leaf.name if isinstance(leaf, TensorSpec) and leaf.name else None
            for leaf in [*specs, *leaves[len(specs) :]]
        ]

    def paths(self, form: Any) -> list[str]:
        """Where each leaf stands, as Python writes it: `x`, `state['w'][0]`."""
        positional, keyword = form.unflatten(range(form.num_leaves))
        return [
            name + "".join(f"[{key!r}]" for key in path)
            for name, value in [*self._positional(positional), *keyword.items()]
            for path, _ in nest.flatten_with_path(value)
        ]

    def _positional(self, values: Sequence[Any]) -> list[tuple[str, Any]]:
        parameters = [p for p in self.signature.parameters.values() if p.kind is not p.KEYWORD_ONLY]
        owners = [parameters[min(i, len(parameters) - 1)] for i in range(len(values))]
        return [
            (p.name if p.kind is not p.VAR_POSITIONAL else f"{p.name}_{i}", value)
            for i, (p, value) in enumerate(zip(owners, values, strict=True))
        ]

    def shown(self) -> str:
        """The parameters as text, with the specs of an input_signature."""
        if self.specs is None:
            return str(self.signature)
        given = dict(zip(self.signature.parameters, self.specs, strict=False))
        return f"({', '.join(_shown_parameter(p, given) for p in self.signature.parameters.values())})"

    def _fit(self, bound: inspect.BoundArguments) -> tuple[Any, ...]:
        """The positional arguments: those with a spec converted to it, others as they were when it was given."""
        given = list(bound.args)
        assert self.specs is not None
        for i, spec in enumerate(self.specs):
            try:
                given[i] = _fitted_to(given[i], spec)
            except (TypeError, ValueError) as error:
                received = nest.map_structure(_describe, given[i])
                raise self._cannot_cast(f"{received!r} to {spec!r}", bound, f" ({error})") from None
        for name, value in bound.arguments.items():
            default = self.signature.parameters[name].default
            if name in self._unspecified() and type_of(value) != type_of(default):
                raise self._cannot_cast(
                    f"{_describe(value)!r} to Literal[{default!r}]", bound,
                    f" (The input_signature does not cover {name!r}, so its default is the only value.)",
                )  # fmt: skip
        return tuple(given)

    def _unspecified(self) -> set[str]:
        """The parameters with a default that the input_signature leaves out."""
        assert self.specs is not None
        parameters = list(self.signature.parameters.values())
        return {p.name for p in parameters[len(self.specs) :] if p.default is not p.empty}

    def _cannot_cast(self, what: str, bound: inspect.BoundArguments, why: str) -> TypeError:
        error = binding_error(f"Can not cast {what}", bound.args, bound.kwargs, self.shown())
        return TypeError(f"{error}{why}")

    def _convert_hinted(self, bound: inspect.BoundArguments) -> None:
        """Make tensors of the numbers given for parameters that are annotated as tensors."""
        for name, value in bound.arguments.items():
            hint = self.signature.parameters[name].annotation
            if (hint is Tensor or hint == "tf.Tensor") and isinstance(value, (int, float, bool, complex)):
                bound.arguments[name] = convert(value)


def binding_error(error: Any, args: Any, kwargs: Any, signature: str) -> TypeError:
    """The error for arguments that do not fit a function."""
    return TypeError(
        f"Binding inputs to tf.function failed due to `{error}`. Received args: {args} and kwargs: {kwargs} for "
        f"signature: {signature}."
    )


def _signature_of(function: Callable[..., Any], bound: bool) -> inspect.Signature:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return inspect.Signature([inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)])
    parameters = list(signature.parameters.values())
    if bound and parameters and parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL:
        parameters = parameters[1:]
    return signature.replace(parameters=parameters)


def _checked_specs(specs: Any, signature: inspect.Signature) -> tuple[Any, ...]:
    if not isinstance(specs, (list, tuple)):
        raise TypeError(f"input_signature must be either a tuple or a list, got {type(specs)}.")
    for leaf in nest.flatten(list(specs)):
        if not isinstance(leaf, (TypeSpec, Variable)):
            raise TypeError(f"input_signature must be a possibly nested sequence of TensorSpec objects, got {leaf!r}.")
    parameters = list(signature.parameters.values())
    for p in parameters:
        if p.kind is p.KEYWORD_ONLY and p.default is p.empty:
            raise TypeError(f"Since input_signature is defined, keyword-only parameter `{p.name}` must have a default.")
    room = sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
    if len(specs) > room and not any(p.kind is p.VAR_POSITIONAL for p in parameters):
        raise TypeError(f"input_signature contains {len(specs) - room} extra type constraints.")
    return tuple(specs)


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


def _shown_parameter(parameter: inspect.Parameter, specs: Mapping[str, Any]) -> str:
    if parameter.name in specs:
        return f"{parameter.name}: {_shown(specs[parameter.name])}"
    if parameter.default is not parameter.empty:
        return f"{parameter.name}: Literal[{parameter.default!r}]"
    return str(parameter)


class FunctionSpec:
    """What a traced Python function takes, as its `function_spec` tells.

    TensorFlow: tf.types.experimental.PolymorphicFunction.function_spec.
    """

    def __init__(self, parameters: Parameters, jit_compile: bool | None) -> None:
        self._parameters = parameters
        self.jit_compile = jit_compile

    @property
    def function_type(self) -> inspect.Signature:
        """The Python function's signature, without `self`."""
        return self._parameters.signature

    @property
    def fullargspec(self) -> inspect.FullArgSpec:
        """The parameters as `inspect.getfullargspec` gives them."""
        named = self._named("POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD")
        only = self._named("KEYWORD_ONLY")
        defaults = tuple([p.default for p in named if p.default is not p.empty])
        return inspect.FullArgSpec(
            args=[p.name for p in named],
            varargs=next((p.name for p in self._named("VAR_POSITIONAL")), None),
            varkw=next((p.name for p in self._named("VAR_KEYWORD")), None),
            defaults=defaults or None,
            kwonlyargs=[p.name for p in only],
            kwonlydefaults={p.name: p.default for p in only if p.default is not p.empty} or None,
            annotations={},
        )

    @property
    def input_signature(self) -> tuple[Any, ...] | None:
        """The specs of the arguments, if they were fixed."""
        return self._parameters.specs

    @property
    def flat_input_signature(self) -> tuple[Any, ...]:
        """The leaves of the input signature."""
        return tuple(nest.flatten(self.input_signature))

    @property
    def arg_names(self) -> list[str]:
        """The names of the parameters."""
        return list(self.function_type.parameters)

    @property
    def default_values(self) -> dict[str, Any]:
        """The parameters' defaults, by name."""
        return {p.name: p.default for p in self.function_type.parameters.values() if p.default is not p.empty}

    def signature_summary(self, default_values: bool = False) -> str:
        """The parameters as text, a line each, with their defaults if asked for."""
        specs, defaults = self.input_signature, self.default_values
        given = {} if specs is None else {name: Literal(value) for name, value in defaults.items()}
        given.update(zip(self.function_type.parameters, specs or (), strict=False))
        lines = [f"{p.name} ({p.kind.name}): {given.get(p.name)}" for p in self.function_type.parameters.values()]
        sections = [("Input Parameters", lines), ("Output Type", []), ("Captures", [])]
        if default_values and defaults:
            sections.append(("Defaults", [f"{name}: {value!r}" for name, value in defaults.items()]))
        return sections_as_text(sections)

    def _named(self, *kinds: str) -> list[inspect.Parameter]:
        return [p for p in self.function_type.parameters.values() if p.kind.name in kinds]


def sections_as_text(sections: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Titles with their lines indented below them; "None" where there are none."""
    return "\n".join(f"{title}:\n  " + "\n  ".join(lines or ["None"]) for title, lines in sections)


# -- traces ------------------------------------------------------------------------------------------------------------


class FunctionType(inspect.Signature):
    """What a trace takes and gives: parameters annotated with their types, and the type of the result.

    `str` of it is a signature as TensorFlow prints it.

    TensorFlow: tf.types.experimental.FunctionType.
    """

    def __init__(
        self,
        parameters: Sequence[inspect.Parameter] | None = None,
        *,
        return_annotation: Any = inspect.Signature.empty,
        __validate_parameters__: bool = True,
    ) -> None:
        super().__init__(parameters, return_annotation=return_annotation)

    @classmethod
    def of(
        cls, signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any
    ) -> FunctionType:
        """The type of a call: structures of specs and values in the place of arguments and result."""
        found = signature.bind(*args, **kwargs).arguments
        taken = [p.replace(annotation=found[name]) for name, p in signature.parameters.items() if name in found]
        return cls([p.replace(default=p.empty) for p in taken], return_annotation=result)

    @property
    def output(self) -> Any:
        """The structure of the result."""
        return self.return_annotation

    def lines(self) -> list[str]:
        """A line a parameter: name, kind and type."""
        return [f"{p.name} ({p.kind.name}): {_shown(p.annotation)}" for p in self.parameters.values()]

    def shown_output(self) -> str:
        """The result's type as text."""
        return _shown(self.output)

    def __str__(self) -> str:
        marks: dict[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
        parts, starred = [], False
        for p in self.parameters.values():
            if p.kind is p.KEYWORD_ONLY and not starred:
                parts.append("*")
            starred |= p.kind in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)
            parts.append(f"{marks.get(p.kind, '')}{p.name}: {_shown(p.annotation)}")
        return f"({', '.join(parts)}) -> {self.shown_output()}"

    def __repr__(self) -> str:
        return f"<FunctionType {self}>"


def _shown(value: Any) -> str:
    """A structure of specs and values as the types of TensorFlow's signatures."""
    if isinstance(value, (TypeSpec, TraceType)):
        return repr(value)
    if isinstance(value, Tensor):
        return repr(TensorSpec(value.dims, value.dtype))
    if isinstance(value, Mapping):
        return f"Dict[{', '.join(f'[{key!r}, {_shown(part)}]' for key, part in value.items())}]"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__.capitalize()}[{', '.join(map(_shown, value))}]"
    return repr(Literal(value)) if not isinstance(value, Composite) else repr(type_of(value))
