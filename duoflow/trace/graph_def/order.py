"""The order in which definitions are read, and the errors that say which one they are about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duoflow.core.errors import NotFoundError, OpError

__all__ = ["naming", "ordered"]


def naming(proto: Any, add: Callable[[], Any]) -> Any:
    """What `add` gives; its errors say which node they are about."""
    try:
        return add()
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, OpError) as error:
        message = f"Node {proto.name!r} ({proto.op}) cannot be imported: {error}"
        kind = NotFoundError if isinstance(error, NotFoundError) else None
        raise (ValueError(message) if kind is None else kind(None, None, message)) from None


def ordered(protos: dict[str, Any], source: Callable[[str], str | None]) -> list[Any]:
    """The definitions, each after those it names; `ValueError` for unknown names and cycles.

    `source` gives the node that an input refers to, or None if it is none.
    """
    waits: dict[str, int] = {}
    users: dict[str, list[str]] = {name: [] for name in protos}
    for name, proto in protos.items():
        sources = [found for reference in proto.input if (found := source(reference)) is not None]
        for found in sources:
            if found not in protos:
                raise ValueError(f"Node {name!r}: input {found!r} is not in the GraphDef.")
            users[found].append(name)
        waits[name] = len(sources)
    ready = [name for name, count in waits.items() if not count][::-1]
    out = []
    while ready:
        name = ready.pop()
        out.append(protos[name])
        for user in users[name]:
            waits[user] -= 1
            if not waits[user]:
                ready.append(user)
    if len(out) < len(protos):
        stuck = sorted(name for name, count in waits.items() if count)
        shown = ", ".join(stuck[:5]) + (", ..." if len(stuck) > 5 else "")
        raise ValueError(
            f"The graph has a cycle through {shown}. Loops of TensorFlow 1 (Enter, NextIteration) are not imported; "
            "write them with control flow v2 (tf.while_loop of TensorFlow 2)."
        )
    return out
