"""A Python function to its converted form, cached by code object.

The converted function shares the original's globals, defaults and closure cells, so what changes there later is seen.
Its code is compiled from a tree that carries the user's file and lines. It has one more free variable, `ag__`, the
operators; by that a converted function is known.
"""

import __future__

import ast
import copy
import inspect
import logging
import weakref
from dataclasses import dataclass
from types import CellType, CodeType, FrameType, FunctionType

from ...core import tensor
from . import converters
from .names import OPERATORS
from .source import NoSource, find
from .template import clone, position, statement, statements

CO_GENERATORS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ITERABLE_COROUTINE | inspect.CO_ASYNC_GENERATOR
_CO_FUTURE = __future__.annotations.compiler_flag

logger = logging.getLogger("duoflow.autograph")

#: Filled by the operators, which come after this module.
operators_cell = CellType()


@dataclass(frozen=True)
class Converted:
    """The outcome for one code object: new code and the tree it came from, or the reason why there is none."""

    code: CodeType | None
    tree: converters.FunctionNode | None = None
    reason: str = ""


_made: weakref.WeakSet[CodeType] = weakref.WeakSet()
_cache: dict[int, tuple[weakref.ref[CodeType], Converted]] = {}


def convert_function(function: FunctionType) -> FunctionType:
    """The converted function, or `function` itself where it is converted already or cannot be (see `reason`)."""
    code = function.__code__
    if OPERATORS in code.co_freevars:
        return function
    converted = lookup(function)
    if converted.code is None:
        return function
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
    cells[OPERATORS] = operators_cell
    closure = tuple([cells[name] for name in converted.code.co_freevars])
    new = FunctionType(converted.code, function.__globals__, function.__name__, function.__defaults__, closure)
    new.__kwdefaults__ = function.__kwdefaults__
    new.__module__ = function.__module__
    new.__doc__ = function.__doc__
    if function.__dict__:
        new.__dict__.update(function.__dict__)
    return new


def lookup(function: FunctionType) -> Converted:
    """The conversion of a function's code, made at first use."""
    code = function.__code__
    found = _cache.get(id(code))
    if found is not None and found[0]() is code:
        return found[1]
    converted = _convert(function)
    outcome = "converted" if converted.code is not None else f"not converted: {converted.reason}"
    logger.debug("%s (%s:%d): %s", code.co_qualname, code.co_filename, code.co_firstlineno, outcome)
    key = id(code)
    _cache[key] = weakref.ref(code, lambda _: _cache.pop(key, None)), converted
    return converted


def reason(frame: FrameType) -> str:
    """Why a tensor meets Python's own control flow in a frame: what became of its function, or of those around it."""
    code, outer = frame.f_code, frame
    while outer is not None:
        if _holds(outer.f_code, code):
            known = _verdict(outer.f_code)
            if known:
                return known
        outer = outer.f_back  # type: ignore[assignment]
    return (
        f"AutoGraph did not convert '{code.co_name}'. Decorate it with @tf.function, or call it from a function that "
        "is converted; tf.autograph.experimental.do_not_convert and autograph=False prevent that."
    )


def _verdict(code: CodeType) -> str:
    found = _cache.get(id(code))
    if OPERATORS in code.co_freevars or code in _made:
        return (
            "AutoGraph converted this function, but not this use of a tensor: it converts `if`, `while`, `for`, "
            "`assert`, `and`, `or`, `not` and conditional expressions; not comprehensions, `match` or `bool()`."
        )
    if found is not None and found[0]() is code and found[1].reason:
        return f"'{code.co_name}' could not be converted by AutoGraph: {found[1].reason}."
    if code.co_flags & CO_GENERATORS:
        return f"'{code.co_name}' is a generator or coroutine, which AutoGraph does not convert."
    return ""


def _holds(outer: CodeType, inner: CodeType) -> bool:
    """Whether one piece of code stands inside another, in the text."""
    if outer is inner:
        return True
    lines = [line for _, _, line in outer.co_lines() if line is not None]
    return outer.co_filename == inner.co_filename and min(lines) <= inner.co_firstlineno <= max(lines)


tensor.why_unconverted = reason


def _convert(function: FunctionType) -> Converted:
    code = function.__code__
    if code.co_flags & CO_GENERATORS:
        return Converted(None, reason="it is a generator or coroutine; yield what a plain function returns instead")
    try:
        source = find(function)
    except NoSource as missing:
        return Converted(None, reason=str(missing))
    assert not isinstance(source.node, ast.AsyncFunctionDef)
    node = clone(source.node)
    if isinstance(node, ast.FunctionDef):
        node.decorator_list = []
    tree = converters.convert(node, source.class_name)
    new = _compile(tree, source.class_name, code, source.filename)
    _made.add(new)
    return Converted(new, tree)


def _compile(tree: converters.FunctionNode, class_name: str | None, original: CodeType, filename: str) -> CodeType:
    """Compile inside a function that binds the free variables, in a class for private names; take the code out."""
    shell = copy.copy(tree)
    shell.args = _without_defaults(tree.args)
    if isinstance(shell, ast.FunctionDef):
        shell.returns = None
        vars(shell)["type_params"] = []
    body: list[ast.stmt] = [ast.Expr(value=shell, **position(tree)) if isinstance(shell, ast.Lambda) else shell]
    if class_name is not None:
        body = statements("class Owner:\n    body", tree, Owner=class_name, body=body)
    free = [name for name in original.co_freevars if name.isidentifier() and name != "__class__"]
    shells = {getattr(tree, "name", None), class_name} - {None, *free}
    if shells:  # to the code inside, these names are what they are in the module
        body = [ast.Global(names=sorted(shells), **position(tree)), *body]
    factory = statement("def factory():\n    body", tree, body=body)
    assert isinstance(factory, ast.FunctionDef)
    factory.args.args = [ast.arg(arg=name, **position(tree)) for name in (OPERATORS, *free)]
    module = ast.Module(body=[factory], type_ignores=[])
    flags = original.co_flags & _CO_FUTURE
    code: CodeType = compile(module, filename, "exec", flags=flags, dont_inherit=True)
    for _ in range(2 if class_name is None else 3):
        (code,) = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return code.replace(co_name=original.co_name, co_qualname=original.co_qualname)


def _without_defaults(arguments: ast.arguments) -> ast.arguments:
    """Parameters alone: the original function's defaults and annotations stay in force."""
    bare: ast.arguments = clone(arguments)
    bare.defaults = []
    bare.kw_defaults = [None] * len(bare.kwonlyargs)
    for arg in (*bare.posonlyargs, *bare.args, *bare.kwonlyargs, bare.vararg, bare.kwarg):
        if arg is not None:
            arg.annotation = None
    return bare
