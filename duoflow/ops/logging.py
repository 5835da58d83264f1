"""`tf.print`, `tf.Assert` and how tensors are written in what they show."""

from __future__ import annotations

import pprint
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from duoflow.core import dtypes, nest
from duoflow.core.composite import Composite
from duoflow.core.context import context
from duoflow.core.emit import emit, emit_one
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.late import F
from duoflow.core.record import Effect, Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import Tensor, convert, static_value
from duoflow.core.variables import Variable

__all__ = ["Assert", "print", "timestamp"]


# -- how values are written --------------------------------------------------------------------------------------------


def _element(value: Any) -> str:
    """One element: the shortest of TensorFlow's two precisions that gives the value back."""
    if isinstance(value, bytes):
        return (
            '"'
            + value.decode("utf-8", "backslashreplace").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            + '"'
        )
    if isinstance(value, (bool, np.bool_)):
        return "1" if value else "0"
    if isinstance(value, (np.complexfloating, complex)):
        return "?"
    if isinstance(value, np.float64):
        return _float(float(value), (15, 17), np.float64)
    if dtypes.from_numpy(np.asarray(value).dtype).is_floating:
        return _float(float(value), (6, 9), np.float32)
    return str(int(value))


def _float(value: float, digits: tuple[int, int], kind: Any) -> str:
    if np.isnan(value):
        return "nan"
    if np.isinf(value):
        return "inf" if value > 0 else "-inf"
    short = f"{value:.{digits[0]}g}"
    return short if kind(short) == kind(value) else f"{value:.{digits[1]}g}"


def format_tensor(array: Any, summarize: int) -> str:
    """An array as tf.print writes it: `summarize` elements at each end of each dimension, all for -1."""
    ends = array.size if summarize == -1 else min(summarize, array.size)
    return _format(array, 0, array.ndim, ends)


def _format(array: Any, depth: int, rank: int, ends: int) -> str:
    if depth == rank:
        return _element(array[()] if isinstance(array, np.ndarray) else array)
    count = array.shape[0]
    spacing = " " if depth == rank - 1 else "\n" * (rank - depth - 1) + " " * (depth + 1)
    first = [_format(array[i], depth + 1, rank, ends) for i in range(min(ends, count))]
    middle = ["..."] if count > 2 * ends else []
    last = [_format(array[i], depth + 1, rank, ends) for i in range(max(ends, count - ends), count)]
    text = spacing.join(first + middle + last)
    return f"[{spacing if middle and not first else ''}{text}]"


def summary(array: Any, limit: int) -> str:
    """An array as failed assertions in graphs write it: the first `limit` elements in row-major order."""
    flat = array.reshape(-1)
    shown = [
        _element(v) if not isinstance(v, bytes) else v.decode("utf-8", "backslashreplace")
        for v in flat[: max(limit, 0)]
    ]
    return " ".join(shown) + ("..." if flat.size > len(shown) else "")


# -- print -------------------------------------------------------------------------------------------------------------

_STREAMS = {"stdout": lambda: sys.stdout, "stderr": lambda: sys.stderr}


def _run_print(*values: Any, pieces: tuple[str, ...] | None, output_stream: str, summarize: int) -> tuple[Any, ...]:
    """Print what stands between the values and around them, or without `pieces` the one string as it is."""
    if pieces is None:
        text = values[0].item().decode("utf-8", "replace")
    else:
        text = pieces[0] + "".join(format_tensor(v, summarize) + p for v, p in zip(values, pieces[1:], strict=True))
    if output_stream.startswith("file://"):
        with Path(output_stream[len("file://") :]).open("a", encoding="utf-8") as file:
            file.write(text)
    else:
        stream = _STREAMS[output_stream]()
        stream.write(text)
        stream.flush()
    return ()


PRINT = register(
    Op(
        "PrintV2",
        Kind.HOST,
        lambda *specs, **attrs: (),
        _run_print,
        None,
        Effect.IO,
        checked=False,
        num_outputs=0,
        differentiable=False,
    )  # fmt: skip
)
_NAMED_STREAMS = {
    "tf.logging.info": "stderr", "tf.logging.warning": "stderr", "tf.logging.error": "stderr",
    "log(info)": "stderr", "log(warning)": "stderr", "log(error)": "stderr",
}  # fmt: skip


def print(*inputs: Any, **kwargs: Any) -> Any:
    """Print values when the program runs, also inside graphs. Returns the operation in graphs, None in eager mode.

    Args:
      inputs: tensors, Python values or structures of them.
      output_stream: sys.stderr (the default), sys.stdout, or "file://" and a path to append to.
      summarize: how many elements are shown at each end of each dimension, 3 by default, -1 for all.
      sep: what stands between the inputs, a space by default.
      end: what ends the text, a newline by default.
      name: the operation's name.

    Raises:
      ValueError: for an unknown stream or argument.

    >>> tf.print("x:", tf.range(10), output_stream=sys.stdout)  # doctest: +SKIP
    x: [0 1 2 ... 7 8 9]

    TensorFlow: tf.print.
    """
    stream = _stream_name(kwargs.pop("output_stream", sys.stderr))
    name = kwargs.pop("name", None)
    summarize = kwargs.pop("summarize", 3)
    sep, end = kwargs.pop("sep", " "), kwargs.pop("end", "\n")
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments for tf.print: {list(kwargs)}")
    tensors: list[Tensor] = []
    pieces = (sep.join([_text(value, tensors) for value in inputs]) + end).split(_HOLE)
    attrs = {"pieces": tuple(pieces), "output_stream": stream, "summarize": 3 if summarize is None else int(summarize)}
    emit(PRINT, tuple(tensors), attrs, name)
    return None if context.graph is None else context.graph.nodes[-1]


def _stream_name(stream: Any) -> str:
    if isinstance(stream, str):
        if stream.startswith("file://"):
            return stream
        if stream in _NAMED_STREAMS:
            return _NAMED_STREAMS[stream]
    elif stream is sys.stdout or getattr(stream, "name", None) == "<stdout>":
        return "stdout"
    elif stream is sys.stderr or getattr(stream, "name", None) == "<stderr>":
        return "stderr"
    raise ValueError(
        f"Unsupported output stream {stream!r}: it must be sys.stdout, sys.stderr, a tf.logging level or 'file://<path>'."
    )


#: Stands for a tensor in a text.
_HOLE = "\0"


class _Hole:
    """Stands for a tensor in a printed structure."""

    def __repr__(self) -> str:
        return _HOLE


def _text(value: Any, tensors: list[Tensor]) -> str:
    """The text of one input with holes for its tensors, which are appended to `tensors`."""
    if isinstance(value, str):
        return value
    if not nest.is_nested(value):
        leaf = _leaf(value, tensors)
        return leaf if isinstance(leaf, str) and not isinstance(value, bytes) else pprint.pformat(leaf)
    return pprint.pformat(
        nest.map_structure(lambda leaf: leaf if isinstance(leaf, str) else _leaf(leaf, tensors), value)
    )


def _leaf(value: Any, tensors: list[Tensor]) -> Any:
    if isinstance(value, (Tensor, Variable)):
        tensors.append(convert(value))
        return _Hole()
    if isinstance(value, Composite):
        tensors.extend(value._components())
        return f"{type(value).__name__}({', '.join(_HOLE for _ in value._components())})"
    return value


# -- assertions --------------------------------------------------------------------------------------------------------


def _run_assert(condition: Any, *data: Any, summarize: int) -> tuple[Any, ...]:
    if not np.all(condition):
        shown = " ".join(f"[{summary(np.asarray(d), summarize)}]" for d in data)
        raise InvalidArgumentError(f"assertion failed: {shown}")
    return ()


ASSERT = register(
    Op(
        "Assert",
        Kind.HOST,
        lambda *specs, **attrs: (),
        _run_assert,
        None,
        Effect.IO,
        checked=False,
        num_outputs=0,
        differentiable=False,
    )  # fmt: skip
)


def Assert(condition: Any, data: Any, summarize: int | None = None, name: str | None = None) -> Any:
    """Raise an error that shows `data` unless `condition` holds. Returns the operation in graphs, None in eager mode.

    Args:
      condition: a boolean scalar.
      data: a list of tensors to show.
      summarize: how many elements of each are shown, 3 by default.

    Raises:
      InvalidArgumentError: if the condition is False; in graphs when they run.

    TensorFlow: tf.debugging.Assert.
    """
    limit = 3 if summarize is None else int(summarize)
    if context.graph is None:
        if not bool(convert(condition)):
            text = "\n".join(_eager_summary(convert(d).numpy(), limit) for d in data)  # type: ignore[attr-defined]
            message = f"Expected '{condition!s}' to be true. Summarized data: {text}"
            raise InvalidArgumentError(message).here()
        return None
    held = static_value(condition)
    if held is not None and np.all(held):
        return F.no_op(name=name or "Assert")
    emit(ASSERT, (convert(condition), *map(convert, data)), {"summarize": limit}, name)
    return context.graph.nodes[-1]


def _eager_summary(value: Any, limit: int) -> str:
    flat = np.asarray(value, object if isinstance(value, bytes) else None).reshape(-1)
    if flat.size == 1:
        return str(flat[0])
    shown = [str(v) for v in flat[:limit]]
    return ", ".join(shown + (["..."] if flat.size > limit >= 0 else []))


# -- time --------------------------------------------------------------------------------------------------------------

TIMESTAMP = register(
    Op(
        "Timestamp",
        Kind.HOST,
        lambda: Spec((), dtypes.float64),
        lambda: np.asarray(time.time()),
        None,
        Effect.IO,
        checked=False,
    )
)


def timestamp(name: str | None = None) -> Any:
    """Seconds since 1970, float64, when the program runs. TensorFlow: tf.timestamp."""
    return emit_one(TIMESTAMP, (), {}, name)
