"""The signatures of a SavedModel: functions of named tensors that give a dict of named tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from duoflow.core import nest
from duoflow.core.composite import Composite
from duoflow.core.spec import TensorSpec
from duoflow.core.tensor import Tensor
from duoflow.core.variables import Variable
from duoflow.trace.concrete import ConcreteFunction
from duoflow.trace.function import Function

from .constants import DEFAULT_SERVING_SIGNATURE_DEF_KEY, INIT_OP_SIGNATURE_KEY
from .restored import RestoredFunction

__all__ = ["SignatureMap", "canonical", "default_signature"]

_DEFAULT_ATTRIBUTE = "_default_save_signature"


class SignatureMap(Mapping[str, Any]):
    """The signatures of a loaded model by name.

    TensorFlow: the `signatures` of what tf.saved_model.load returns.
    """

    def __init__(self) -> None:
        self._signatures: dict[str, Any] = {}

    def _add(self, name: str, made: Any) -> None:
        """Add a signature, or a function that gives it when it is asked for."""
        self._signatures[name] = made

    def __getitem__(self, key: str) -> Any:
        found = self._signatures[key]
        if not isinstance(found, ConcreteFunction):
            found = self._signatures[key] = found()
        return found

    def __iter__(self) -> Any:
        return iter(self._signatures)

    def __len__(self) -> int:
        return len(self._signatures)

    def __contains__(self, key: object) -> bool:
        return key in self._signatures

    def __repr__(self) -> str:
        return f"_SignatureMap({dict(self) if self._signatures else {}})"


def default_signature(functions: Mapping[str, Any]) -> Any:
    """The function among the parts of an object that is its signature if none is named; None if that is not clear."""
    if _DEFAULT_ATTRIBUTE in functions:
        return functions[_DEFAULT_ATTRIBUTE]
    possible = []
    for function in functions.values():
        concrete = _concrete(function)
        if concrete is not None and _fits(concrete):
            possible.append(concrete)
    return possible[0] if len(possible) == 1 else None


def _concrete(function: Any) -> ConcreteFunction | None:
    """The one trace that a function has by its input_signature, or None."""
    if isinstance(function, ConcreteFunction):
        return function
    if isinstance(function, Function) and function.input_signature is not None:
        return function.get_concrete_function()
    return None


def _fits(concrete: ConcreteFunction) -> bool:
    try:
        _inputs(concrete, "")
        _outputs(concrete.structured_outputs, "", "")
    except ValueError:
        return False
    return True


def canonical(signatures: Any) -> dict[str, ConcreteFunction]:
    """Signatures as functions of keyword arguments that give dicts.

    Args:
      signatures: a function, or a dict of them; None for none.

    Raises:
      ValueError: for what is not a function with one trace of tensors by name, or gives anything but tensors.
    """
    if signatures is None:
        return {}
    if not isinstance(signatures, Mapping):
        signatures = {DEFAULT_SERVING_SIGNATURE_DEF_KEY: signatures}
    made = {}
    for key, function in signatures.items():
        if key == INIT_OP_SIGNATURE_KEY:
            raise ValueError(f"'{INIT_OP_SIGNATURE_KEY}' is reserved for the operation that initializes a model.")
        if not isinstance(function, Function | ConcreteFunction | RestoredFunction):
            raise ValueError(
                f"Expected a TensorFlow function for which to generate a signature, but got {function}. Only "
                "`tf.functions` with an input signature or concrete functions can be used as a signature."
            )
        concrete = function if isinstance(function, ConcreteFunction) else _only_trace(function)
        made[key] = _wrapped(concrete, key)
    return made


def _only_trace(function: Any) -> ConcreteFunction:
    concrete = _concrete(function)
    if concrete is None and isinstance(function, RestoredFunction) and len(function.concrete_functions) == 1:
        concrete = function.concrete_functions[0]
    if concrete is None:
        raise ValueError(
            f"Expected a TensorFlow function for which to generate a signature, but got {function}. Only "
            "`tf.functions` with an input signature or concrete functions can be used as a signature: call "
            "get_concrete_function."
        )
    return concrete


def _wrapped(concrete: ConcreteFunction, key: str) -> ConcreteFunction:
    """The trace as a function of keyword arguments."""
    names = _inputs(concrete, key)
    specs = {name: TensorSpec(t.dims, t.dtype, name) for name, t in zip(names, concrete.graph.inputs, strict=True)}

    def signature_wrapper(**kwargs: Any) -> Any:
        return _outputs(concrete.call_flat([kwargs[name] for name in names]), concrete.name, key)

    return Function(signature_wrapper, f"signature_wrapper_{key}", autograph=False).get_concrete_function(**specs)


def _inputs(concrete: ConcreteFunction, key: str) -> list[str]:
    """The names of the arguments; `ValueError` unless all are tensors with names of their own."""
    strange = [s for s in nest.flatten(concrete.structured_input_signature) if not isinstance(s, TensorSpec)]
    composites = [s for s in strange if isinstance(s, Composite)]
    if composites:
        raise ValueError(f"The signature {key!r} takes {composites[0]!r}: only tensors can be inputs of signatures.")
    names = [t.node.name for t in concrete.graph.inputs]
    if len(set(names)) < len(names):
        raise ValueError(f"Got non-flat/non-unique argument names for SavedModel signature '{key}': {names}.")
    return names


def _outputs(outputs: Any, name: str, key: str) -> dict[str, Any]:
    """The results by name; `ValueError` for what is not tensors in a dict or a flat sequence."""
    if outputs is None:
        outputs = {}
    if not isinstance(outputs, Mapping):
        outputs = {f"output_{i}": v for i, v in enumerate(outputs if isinstance(outputs, list | tuple) else [outputs])}
    for label, value in outputs.items():
        if not isinstance(label, str):
            raise ValueError(
                f"Got a dictionary with a non-string key {label!r} in the output of the function {name} used to "
                f"generate the SavedModel signature {key!r}."
            )
        if not isinstance(value, Tensor | Variable):
            raise ValueError(
                f"Got a non-Tensor value {value!r} for key {label!r} in the output of the function {name} used to "
                f"generate the SavedModel signature {key!r}. Outputs for functions used as signatures must be a single "
                "Tensor, a sequence of Tensors, or a dictionary from string to Tensor."
            )
    return dict(outputs)
