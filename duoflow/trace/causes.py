"""Why a function was traced again: which argument differs from which earlier call, and what to do about it.

`cause_of` compares a new trace with the nearest earlier one. `Warner` warns, once, of a function that is traced again
and again, and of functions that are made anew from the same code and thrown away.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from duoflow.core import shapes
from duoflow.core.errors import is_own_file
from duoflow.core.reporting import get_logger

from .types import Identity, Literal, TensorType, covers, differences

__all__ = ["Cause", "Difference", "Warner", "cause_of", "endless"]


@dataclass(frozen=True)
class Difference:
    """An argument whose type an earlier trace does not serve."""

    path: str
    earlier: Any
    now: Any

    @property
    def remedy(self) -> str:
        """What lets both calls share a trace."""
        a, b = self.earlier, self.now
        if isinstance(a, TensorType) and isinstance(b, TensorType):
            if a.dtype is not b.dtype:
                return f"cast it to one dtype, or expect a trace for each ({a.dtype.name}, {b.dtype.name})"
            return (
                "let the size vary: reduce_retracing=True, or None in that place of an input_signature "
                "(other sizes then cost no trace)"
            )
        if isinstance(a, TensorType) or isinstance(b, TensorType):
            return "pass a tensor every time"
        if isinstance(a, Literal) and isinstance(b, Literal) and _is_number(a.value) and _is_number(b.value):
            return "pass it as a tensor (tf.constant), unless Python needs its value"
        if isinstance(a, Identity) and isinstance(b, Identity):
            return "pass the same object every time, or let its class define __tf_tracing_type__"
        return "each value has a trace of its own; pass few of them"

    def __str__(self) -> str:
        return f"{self.path!r} was {_shown(self.earlier)}, now {_shown(self.now)}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, complex)) and not isinstance(value, bool)


def _shown(kind: Any) -> str:
    if isinstance(kind, TensorType):
        article = "an" if kind.dtype.name[0] in "i" else "a"
        return f"{article} {kind.dtype.name} tensor of shape {shapes.show(kind.dims)}"
    text = repr(kind.value if isinstance(kind, Literal) else kind)
    return text if len(text) <= 120 else text[:117] + "..."


@dataclass(frozen=True)
class Cause:
    """Why a trace was made. `nearest` is the number of the earlier trace it is compared with, counted from 1."""

    reason: str
    nearest: int | None = None
    differences: tuple[Difference, ...] = ()

    def lines(self) -> list[str]:
        """The reason, and each difference with its remedy."""
        if not self.differences:
            return [self.reason]
        return [f"{d} (trace {self.nearest}): {d.remedy}" for d in self.differences]


def cause_of(earlier: Sequence[Any], form: Any, types: tuple[Any, ...], paths: Callable[[Any], list[str]]) -> Cause:
    """Why arguments of this form and these types needed a trace although there were `earlier` ones.

    `paths` names the leaves of a form.
    """
    if not earlier:
        return Cause("the first call")
    alike = [(i, t) for i, t in enumerate(earlier, 1) if t.form == form]
    if not alike:
        return Cause(_other_structure(paths(earlier[-1].form), paths(form)), len(earlier))
    for i, t in reversed(alike):
        if covers(t.types, types):
            return Cause("what it captures belongs to another graph than the one it is called in", i)
    number, nearest = min(reversed(alike), key=lambda pair: len(differences(pair[1].types, types)))
    names = paths(form)
    found = [Difference(names[i], nearest.types[i], types[i]) for i in differences(nearest.types, types)]
    return Cause("arguments of other types", number, tuple(found))


def _other_structure(before: list[str], now: list[str]) -> str:
    gone, come = [p for p in before if p not in now], [p for p in now if p not in before]
    changes = [f"without {', '.join(gone[:3])}"] * bool(gone) + [f"with {', '.join(come[:3])}"] * bool(come)
    what = " and ".join(changes) or "other containers"
    return f"the arguments have another structure than before ({what}); stack what varies in number into one tensor"


#: By code: the functions that were made of it, and traced; no more of them than it takes to warn.
_made_of: weakref.WeakKeyDictionary[Any, list[weakref.ref[Any]]] = weakref.WeakKeyDictionary()


def endless(name: str, types: Sequence[tuple[Any, ...]], form: Any, paths: Callable[[Any], list[str]]) -> str:
    """What is wrong with a function that was traced inside itself for all these types, until Python gave up."""
    names = paths(form)
    moving = [i for i in range(len(names)) if len({len(t) for t in types}) == 1 and types[-1][i] != types[-2][i]]
    why = "; ".join(f"{names[i]!r} goes from {_shown(types[-2][i])} to {_shown(types[-1][i])}" for i in moving)
    return (
        f"{name!r} calls itself without end while it is traced: {len(types)} traces were begun inside each other"
        f"{f', and {why} with every one' if why else ', all for arguments of the same types'}. A condition on a tensor "
        "does not stop it, because both branches are traced; let a Python value end the recursion, or write a loop."
    )


class Warner:
    """Notes the traces of one function and warns once."""

    #: As many traces of one structure, or functions of one code, are too many.
    LIMIT = 5

    def __init__(self) -> None:
        self.warned = False

    def traced(self, function: Any, cause: Cause, count: int) -> None:
        """Note a trace of `function`, which has `count` of the same structure."""
        if self.warned or count < self.LIMIT:
            return
        self.warned = True
        get_logger().warning(
            "%d traces of %r were made (tf.function retracing). Tracing is expensive. The last one: %s. "
            "%s.explain() tells why each was made.",
            count, function, "; ".join(cause.lines()), function.name,
        )  # fmt: skip

    @staticmethod
    def first_trace(function: Any, code: Any) -> None:
        """Note a function's first trace: it may be one of many that are made in a loop and dropped."""
        if code is None or is_own_file(code.co_filename):
            return
        made = _made_of.setdefault(code, [])
        if len(made) == Warner.LIMIT:
            return
        made.append(weakref.ref(function))
        if len(made) == Warner.LIMIT and sum(ref() is None for ref in made) >= Warner.LIMIT - 1:
            get_logger().warning(
                "%d functions were made of the same code (%s, %s:%d), each traced anew, and all but the last are gone "
                "(tf.function retracing). Make the tf.function once, outside of the loop.",
                len(made), code.co_name, code.co_filename, code.co_firstlineno,
            )  # fmt: skip
