"""What is called in place of a callable: its converted form, an overload of a builtin, or the callable itself."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from .. import status
from ..allowed import is_allowed, is_ours
from ..conversion import convert_function
from .python_builtins import OVERLOADS, TAKING_FUNCTIONS


def converted(target: Any) -> Any:
    """The callable to call: user functions, methods, lambdas, partials and objects with `__call__` are converted."""
    kind = type(target)
    if kind is FunctionType:
        return _function(target)
    if kind is MethodType:
        return _method(target)
    if kind is BuiltinFunctionType or kind is type:
        overload = OVERLOADS.get(target, target)
        return _passing_callbacks(overload) if target in TAKING_FUNCTIONS else overload
    if kind is functools.partial:
        return functools.partial(converted(target.func), *target.args, **target.keywords)
    if isinstance(target, type) or not callable(target):
        return target
    call = inspect.getattr_static(kind, "__call__", None)
    if type(call) is FunctionType and not is_allowed(call) and not status.is_excluded(target):
        return MethodType(_function(call), target)
    return target


def _function(function: FunctionType) -> Callable[..., Any]:
    if status.is_excluded(function):
        return function
    if is_ours(function):
        return _passing_callbacks(function)
    if is_allowed(function) or not status.is_recursive():
        return function
    return convert_function(function)


def _method(method: MethodType) -> Callable[..., Any]:
    function = method.__func__
    if type(function) is not FunctionType:
        return method
    new = _function(function)
    return method if new is function else MethodType(new, method.__self__)


def _passing_callbacks(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of ours or of Python, given the converted form of the user's functions among its arguments."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*map(_callback, args), **{name: _callback(value) for name, value in kwargs.items()})

    return call


def _callback(value: Any) -> Any:
    if type(value) is FunctionType:
        return value if is_allowed(value) or status.is_excluded(value) else convert_function(value)
    if type(value) is MethodType and type(value.__func__) is FunctionType:
        new = _callback(value.__func__)
        return value if new is value.__func__ else MethodType(new, value.__self__)
    return value
