"""Finds the syntax tree of a function: where its text is, and which node of the text it is.

A whole file is parsed once and its functions are found by position, so that several lambdas on a line, nested
functions, decorated functions and notebook cells all go the same way. Positions stay those of the user's file.
"""

import ast
import linecache
from dataclasses import dataclass
from types import CodeType, FunctionType

from . import texts

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class NoSource(Exception):
    """The text of a function cannot be found; the message says why, as the end of 'could not be converted: ...'."""


@dataclass(frozen=True)
class Source:
    """A function's node, the file it stands in, and the class whose private names (`__x`) it may use."""

    node: FunctionNode
    filename: str
    class_name: str | None


class _Module:
    """The functions of one parsed text, by the line on which Python says they start."""

    def __init__(self, lines: list[str], filename: str):
        self.lines = lines
        self.by_line: dict[int, list[tuple[FunctionNode, str | None]]] = {}
        self._index(ast.parse("".join(lines), filename), None)

    def _index(self, node: ast.AST, class_name: str | None) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, FunctionNode):
                decorators = getattr(child, "decorator_list", None)
                first = decorators[0].lineno if decorators else child.lineno
                self.by_line.setdefault(first, []).append((child, class_name))
            self._index(child, child.name if isinstance(child, ast.ClassDef) else class_name)


_modules: dict[str, _Module] = {}


def find(function: FunctionType) -> Source:
    """The source of `function`, or `NoSource`."""
    code = function.__code__
    filename = texts.find(code) or code.co_filename if code.co_filename in texts.SHARED else code.co_filename
    module = _module(filename, function)
    if module is None:
        raise NoSource(_why_missing(code))
    matches = [(node, owner) for node, owner in module.by_line.get(code.co_firstlineno, ()) if _matches(node, code)]
    if len(matches) > 1:
        matches = _smallest(matches)
    if len(matches) != 1:
        raise NoSource(
            f"the text at {code.co_filename}:{code.co_firstlineno} is no longer the one '{code.co_name}' was made from"
            if not matches
            else f"several functions at {code.co_filename}:{code.co_firstlineno} look alike; give each its own line"
        )
    return Source(matches[0][0], filename, matches[0][1])


def _module(filename: str, function: FunctionType) -> _Module | None:
    linecache.checkcache(filename)
    lines = linecache.getlines(filename, function.__globals__) if filename not in texts.SHARED else []
    if not lines:
        return None
    module = _modules.get(filename)
    if module is None or (module.lines is not lines and module.lines != lines):
        try:
            module = _Module(lines, filename)
        except SyntaxError as error:
            raise NoSource(f"{filename} does not parse: {error}") from error
        _modules[filename] = module
    return module


def _matches(node: FunctionNode, code: CodeType) -> bool:
    """Whether `code` can come from `node`: its name, its parameters, and the place of its instructions."""
    if code.co_name != getattr(node, "name", "<lambda>"):
        return False
    names = parameters(node.args)
    seen = code.co_varnames[: len(names)]
    if len(seen) != len(names) or not all(s == n or s.endswith(n) and n.startswith("__") for s, n in zip(seen, names)):
        return False
    return _holds(node.body, code) if isinstance(node, ast.Lambda) else _last_line(code) <= (node.end_lineno or 0)


def _last_line(code: CodeType) -> int:
    return max(line for _, _, line in code.co_lines() if line is not None)


def _holds(body: ast.expr, code: CodeType) -> bool:
    """Whether all instructions come from within the expression (they have no columns under -X no_debug_ranges)."""
    start, end = (body.lineno, body.col_offset), (body.end_lineno or 0, body.end_col_offset or 0)
    for line, end_line, column, end_column in code.co_positions():
        if line is None or end_line is None or column is None or end_column is None or (column, end_column) == (0, 0):
            continue
        if (line, column) < start or end < (end_line, end_column):
            return False
    return True


def _smallest(matches: list[tuple[FunctionNode, str | None]]) -> list[tuple[FunctionNode, str | None]]:
    """Of lambdas one inside the other, the innermost that still holds all of the code."""
    inner = [(n, c) for n, c in matches if not any(n is not m and m in ast.walk(n) for m, _ in matches)]
    return inner if len(inner) == 1 else matches


def parameters(arguments: ast.arguments) -> list[str]:
    """Parameter names in the order of `co_varnames`."""
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    starred = [arg for arg in (arguments.vararg, arguments.kwarg) if arg is not None]
    return [arg.arg for arg in (*named, *starred)]


def _why_missing(code: CodeType) -> str:
    name = code.co_filename
    if name == "<stdin>":
        return (
            "the program came through a pipe or was typed at the prompt, and Python keeps no text of it; put it in a "
            "file, or run it in IPython or a notebook"
        )
    if name.startswith("<") and name.endswith(">"):
        return (
            "it was made by exec or eval, and its text is nowhere to be found; keep it in a variable while the "
            f"function is called, register it for '{name}' in linecache, or put it in a file"
        )
    return f"its file, {name}, cannot be read"
