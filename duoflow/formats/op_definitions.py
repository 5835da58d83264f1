"""TensorFlow's definitions of ops: the names and types of their inputs, outputs and attributes.

The table beside this file has a line an op, recorded from TensorFlow by tests/golden/record_op_definitions.py:

    ConcatV2(values:N*T, axis:Tidx) -> (output:T); N:int; T:type; Tidx:type=int32

An argument is of a dtype or of the one that an attribute names, `N*T` is N of them, `T...` one of each dtype of a list.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Argument", "Attribute", "Definition", "definition"]


@dataclass(frozen=True)
class Argument:
    """One input or output: `kind` is a dtype or the attribute that says which, `count` that of their number."""

    name: str
    kind: str
    count: str | None = None
    listed: bool = False

    def span(self, attrs: Any) -> int:
        """How many tensors it is, given the values of attributes."""
        return len(attrs[self.kind]) if self.listed else 1 if self.count is None else int(attrs[self.count])


@dataclass(frozen=True)
class Attribute:
    """One attribute. `default` is Python's value of it, or the name of a dtype; `required` if there is none."""

    name: str
    kind: str
    required: bool
    default: Any = None


@dataclass(frozen=True)
class Definition:
    """One op."""

    name: str
    inputs: tuple[Argument, ...]
    outputs: tuple[Argument, ...]
    attributes: dict[str, Attribute]

    def takes(self, count: int) -> bool:
        """Whether there can be so many inputs."""
        return self._in_each_list(count) is not None

    def _in_each_list(self, count: int) -> int | None:
        """How many of `count` inputs each argument that is a list takes; None if there cannot be so many."""
        lists = sum(a.count is not None or a.listed for a in self.inputs)
        left = count - (len(self.inputs) - lists)
        each, rest = divmod(left, lists) if lists else (0, left)
        return None if left < 0 or rest else each

    def spans(self, count: int) -> list[tuple[Argument, int, int]]:
        """Which of `count` inputs belong to which argument; `ValueError` if there cannot be so many."""
        each = self._in_each_list(count)
        if each is None:
            raise ValueError(f"{self.name} takes {len(self.inputs)} arguments, not {count} tensors.")
        out, at = [], 0
        for argument in self.inputs:
            size = each if argument.count is not None or argument.listed else 1
            out.append((argument, at, at + size))
            at += size
        return out

    def place(self, output: str, index: int, attrs: Any) -> int:
        """The place among all outputs of one by its argument's name and its number within it; `ValueError` if none."""
        at = 0
        for argument in self.outputs:
            if argument.name == output:
                return at + index
            at += argument.span(attrs)
        raise ValueError(f"{self.name} has no output {output!r}.")

    def reference(self, index: int, attrs: Any) -> str:
        """What `place` understands, "output:0", of the place among all outputs."""
        at = 0
        for argument in self.outputs:
            size = argument.span(attrs)
            if index < at + size:
                return f"{argument.name}:{index - at}"
            at += size
        raise ValueError(f"{self.name} has no output {index}.")


@functools.cache
def _lines() -> dict[str, str]:
    text = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")
    return {line.partition("(")[0]: line for line in text.splitlines()}


@functools.cache
def definition(name: str) -> Definition | None:
    """The definition of an op, or None for one that TensorFlow does not have."""
    line = _lines().get(name)
    if line is None:
        return None
    head, *attributes = line.split("; ")
    inputs, _, outputs = head[len(name) + 1 : -1].partition(") -> (")
    return Definition(name, _arguments(inputs), _arguments(outputs), {a.name: a for a in map(_attribute, attributes)})


def _arguments(text: str) -> tuple[Argument, ...]:
    return tuple([_argument(part) for part in text.split(", ") if part])


def _argument(text: str) -> Argument:
    name, _, kind = text.partition(":")
    count, star, one = kind.partition("*")
    if star:
        return Argument(name, one, count)
    return Argument(name, kind.removesuffix("..."), listed=kind.endswith("..."))


def _attribute(text: str) -> Attribute:
    head, given, default = text.partition("=")
    name, _, kind = head.partition(":")
    if not given:
        return Attribute(name, kind, True)
    return Attribute(name, kind, False, default if kind == "type" else _value(default))


def _value(text: str) -> Any:
    return float(text) if text in ("inf", "-inf", "nan") else ast.literal_eval(text)


def names_of(arguments: Sequence[Argument]) -> set[str]:
    """The attributes that the types and numbers of arguments name."""
    return {n for a in arguments for n in (a.kind, a.count) if n}
