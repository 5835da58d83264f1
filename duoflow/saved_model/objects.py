"""The objects below a root as a SavedModel knows them: variables, functions, assets, constants, and what holds them."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Mapping
from typing import Any

from duoflow.core import nest
from duoflow.core.state import State
from duoflow.core.tensor import EagerTensor, HandleTensor, Tensor
from duoflow.core.trackable import Saveable, Trackable, children_of, holds_state
from duoflow.core.variables import Variable
from duoflow.formats.messages import VersionDef
from duoflow.formats.saved_objects import FunctionSpec, SavedObjectGraph
from duoflow.formats.tensors import shape_proto
from duoflow.ops.random import RandomState
from duoflow.trace.concrete import ConcreteFunction
from duoflow.trace.function import Function

from .asset import Asset
from .restored import RestoredFunction
from .signatures import SignatureMap
from .structures import encoded

__all__ = ["Objects", "functions_of", "state_of", "variable_name"]

#: Attributes of Keras models that hold the compiled steps of training.
_STEPS = frozenset({"train_function", "test_function", "predict_function"})
_FUNCTIONS = (Function, ConcreteFunction, RestoredFunction)


def functions_of(value: Any) -> dict[str, Any]:
    """The functions among the attributes of an object, and those of its class as methods of it."""
    if not isinstance(value, Trackable):
        return {}
    found = {name: v for name, v in vars(value).items() if isinstance(v, _FUNCTIONS) and name not in _STEPS}
    for cls in type(value).__mro__:
        for name, v in vars(cls).items():
            if isinstance(v, Function) and name not in found:
                found[name] = getattr(value, name)
    return dict(sorted(found.items()))


def _holds(value: Any) -> bool:
    """Whether a value is a part of a SavedModel; containers are if one of their elements is."""
    if isinstance(value, _FUNCTIONS) or holds_state(value):
        return True
    if isinstance(value, list | tuple):
        return any(map(_holds, value))
    return isinstance(value, Mapping) and any(map(_holds, value.values()))


def _parts(value: Any) -> dict[str, Any]:
    if isinstance(value, Trackable):
        own = {} if isinstance(value, Asset) else children_of(value)
        containers = {k: v for k, v in vars(value).items() if isinstance(v, list | tuple | dict) and _holds(v)}
        untracked = type(value)._UNTRACKED | set(own)
        return {**own, **{k: v for k, v in containers.items() if k not in untracked}, **functions_of(value)}
    if isinstance(value, list | tuple):
        return {str(i): item for i, item in enumerate(value) if _holds(item)}
    if isinstance(value, Mapping) and not isinstance(value, SignatureMap):
        return {key: item for key, item in value.items() if _holds(item)}
    return {}


def _kind_of(value: Any) -> str:
    if isinstance(value, SignatureMap):
        return "signature_map"
    if isinstance(value, Mapping):
        return "trackable_dict_wrapper"
    if isinstance(value, list | tuple):
        return "trackable_list_wrapper" if isinstance(value, list) else "trackable_tuple_wrapper"
    return "_generic_user_object"


class Objects:
    """What is saved, each object with its number. Constants that functions capture are added as they are met."""

    def __init__(self, root: Any, signatures: Mapping[str, ConcreteFunction]) -> None:
        self.values: list[Any] = [root]
        self.paths: list[tuple[str, ...]] = [()]
        self.parts: list[dict[str, int]] = []
        self._numbers: dict[int, int] = {id(root): 0}
        self._states: dict[int, int] = {}
        for number, (value, path) in enumerate(zip(self.values, self.paths, strict=True)):  # both grow meanwhile
            self._note_state(number, value)
            self.parts.append({name: self.add(part, (*path, name)) for name, part in _parts(value).items()})
        if "signatures" in self.parts[0]:
            raise ValueError(
                "Tried to export an object that has an attribute `signatures`, which is where a SavedModel keeps its "
                "signatures: give it another name."
            )
        table = self.add(SignatureMap(), ("signatures",), {})
        self.parts[0]["signatures"] = table
        for name, function in signatures.items():
            self.parts[table][name] = self.add(function, ("signatures", name), {})

    def add(self, value: Any, path: tuple[str, ...], parts: dict[str, int] | None = None) -> int:
        """The number of an object, a new one if it has none."""
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self.values)
            self.values.append(value)
            self.paths.append(path)
            if parts is not None:
                self.parts.append(parts)
                self._note_state(self._numbers[id(value)], value)
        return self._numbers[id(value)]

    def _note_state(self, number: int, value: Any) -> None:
        if isinstance(value, Variable):
            if value._state is None:
                raise ValueError(f"Variable {value.name!r} belongs to a graph of TensorFlow 1: save that graph.")
            self._states[id(value._state)] = number
        elif isinstance(value, State):
            self._states[id(value)] = number
        elif isinstance(value, Asset):
            self._numbers[id(value.asset_path)] = number

    def captured(self, tensor: Tensor, owner: int, function: ConcreteFunction) -> int:
        """The number of what a function captures; constants and the states of random ops become parts of `owner`."""
        if isinstance(tensor, HandleTensor):
            state = tensor._array
            if isinstance(state, RandomState) and id(state) not in self._states:
                name = f"_random_state_{sum(isinstance(v, RandomState) for v in self.values)}"
                self.parts[0][name] = self.add(state, (name,), {})
            if not isinstance(state, State):
                raise ValueError(
                    f"Function {function.name} uses {state!r}, which cannot be saved: of what functions capture, "
                    "variables, constants and assets can be. Do look-ups before or behind the function."
                )
            found = self._states.get(id(state))
            if found is None:
                raise AssertionError(
                    f"Tried to export a function which references an 'untracked' resource. TensorFlow objects (e.g. "
                    f"tf.Variable) captured by functions must be 'tracked' by assigning them to an attribute of a "
                    f"tracked object or assigned to an attribute of the main object directly. The function is "
                    f"{function.name}, what it captures is {state!r}."
                )
            return found
        if not isinstance(tensor, EagerTensor):
            raise AssertionError(f"{function.name} captures {tensor!r} of a graph, which cannot be saved.")
        number = self._numbers.get(id(tensor))
        if number is None:
            name = f"capture_{len(self.parts[owner])}"
            number = self.parts[owner][name] = self.add(tensor, (*self.paths[owner], name), {})
        return number

    # -- as messages -------------------------------------------------------------------------------------------------

    def graph(self, names: Mapping[int, list[str]], assets: Mapping[int, int], constants: Mapping[int, str]) -> Any:
        """The objects as a message.

        Args:
          names: of each function by its number, those of its traces.
          assets: of each asset by its number, its place among the files.
          constants: of each constant by its number, its node.
        """
        out = SavedObjectGraph()
        for number, (value, parts) in enumerate(zip(self.values, self.parts, strict=True)):
            node = out.nodes.add()
            node.children.extend([{"node_id": part, "local_name": name} for name, part in parts.items()])
            if isinstance(value, Variable | State):
                _describe_variable(node.variable, value)
            elif isinstance(value, ConcreteFunction):
                _describe_trace(node.bare_concrete_function, value, names[number][0])
            elif isinstance(value, Function | RestoredFunction):
                node.function.concrete_functions.extend(names[number])
                node.function.function_spec.CopyFrom(_spec_of(value))
            elif isinstance(value, Asset):
                node.asset.SetInParent()
                node.asset.asset_file_def_index = assets[number]
            elif number in constants:
                node.constant.operation = constants[number]
            else:
                node.user_object.identifier = _kind_of(value)
                node.user_object.version.CopyFrom(VersionDef(producer=1, min_consumer=1))
        return out

    def states(self) -> dict[int, Any]:
        """The variables and hidden states by number."""
        return {n: v for n, v in enumerate(self.values) if isinstance(v, Variable | State)}

    def saveables(self) -> dict[int, Saveable]:
        """Other leaves that have something to keep in the checkpoint."""
        return {n: v for n, v in enumerate(self.values) if isinstance(v, Saveable)}


def _describe_variable(proto: Any, value: Any) -> None:
    state = state_of(value)
    proto.dtype = state.dtype.as_datatype_enum
    proto.shape.CopyFrom(shape_proto(value.dims if isinstance(value, Variable) else state.shape))
    proto.name = variable_name(value)
    if isinstance(value, Variable):
        proto.trainable = value.trainable
        for field in ("synchronization", "aggregation"):
            kind = getattr(value, field)
            setattr(proto, field, kind.value if isinstance(kind, enum.Enum) else 0)  # Keras' variables say it in words


def state_of(value: Any) -> Any:
    """The state of a variable, or a hidden state itself."""
    return value._state if isinstance(value, Variable) else value


def variable_name(value: Any) -> str:
    """What a variable is called in files."""
    return value.name if isinstance(value, State) else getattr(value, "path", None) or value._shared_name


def _describe_trace(proto: Any, function: ConcreteFunction, name: str) -> None:
    proto.concrete_function_name = name
    proto.argument_keywords.extend([t.node.name for t in function.graph.inputs])
    args, _ = function.structured_input_signature
    proto.allowed_positional_arguments = len(nest.flatten(args))
    proto.function_spec.CopyFrom(_parameters(function._signature, None))


def _spec_of(function: Any) -> Any:
    if isinstance(function, RestoredFunction):
        return function.function_spec
    return _parameters(function._parameters.signature, function.input_signature)


def _parameters(signature: inspect.Signature, specs: Any) -> Any:
    """The parameters of a Python function as a FunctionSpec; defaults that no file can hold are left out."""
    P = inspect.Parameter
    kinds: dict[Any, list[inspect.Parameter]] = {}
    for p in signature.parameters.values():
        kinds.setdefault(P.POSITIONAL_OR_KEYWORD if p.kind is P.POSITIONAL_ONLY else p.kind, []).append(p)
    plain, only = kinds.get(P.POSITIONAL_OR_KEYWORD, []), kinds.get(P.KEYWORD_ONLY, [])
    defaults = tuple([_default(p.default) for p in plain if p.default is not P.empty])
    starred = [next((p.name for p in kinds.get(k, ())), None) for k in (P.VAR_POSITIONAL, P.VAR_KEYWORD)]
    only_defaults = {p.name: _default(p.default) for p in only if p.default is not P.empty}
    names, only_names = [p.name for p in plain], [p.name for p in only]
    spec = inspect.FullArgSpec(names, *starred, defaults or None, only_names, only_defaults or None, {})  # type: ignore[call-arg,arg-type]
    return FunctionSpec(fullargspec=encoded(spec), input_signature=encoded(None if specs is None else tuple(specs)))


def _default(value: Any) -> Any:
    try:
        encoded(value)
    except ValueError:
        return None
    return value
