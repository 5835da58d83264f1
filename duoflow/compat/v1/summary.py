"""`tf.summary`: operations that make serialised summaries, and the writer that puts them in event files.

TensorFlow: tf.compat.v1.summary.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from duoflow.core import dtypes
from duoflow.core.context import context
from duoflow.core.emit import emit_one
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.graph import Graph, get_default_graph
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert
from duoflow.formats import events
from duoflow.formats.messages import (
    Event,
    LogMessage,
    SessionLog,
    Summary,
    SummaryDescription,
    SummaryMetadata,
    TaggedRunMetadata,
)

from .modes import GraphKeys

__all__ = [
    "Event", "FileWriter", "FileWriterCache", "LogMessage", "SessionLog", "Summary", "SummaryDescription",
    "SummaryMetadata", "TaggedRunMetadata", "audio", "get_summary_description", "histogram", "image", "merge",
    "merge_all", "scalar", "tensor_summary", "text",
]  # fmt: skip


# -- operations --------------------------------------------------------------------------------------------------------


def _serialised(*values: Any) -> np.ndarray[Any, Any]:
    out = np.empty((), object)
    out[()] = Summary(value=list(values)).SerializeToString()
    return out


def _text_spec(*_: Spec, **attrs: Any) -> Spec:
    return Spec((), dtypes.string)


def _summary_op(name: str, evaluate: Callable[..., Any]) -> Op:
    return register(Op(name, Kind.HOST, _text_spec, evaluate, None, differentiable=False))


def _scalar(value: Any, *, tag: str) -> Any:
    return _serialised(events.scalar_value(tag, value))


def _histogram(values: Any, *, tag: str) -> Any:
    return _serialised(events.histogram_value(tag, values))


def _image(pixels: Any, *, tag: str, most: int) -> Any:
    if pixels.ndim != 4 or pixels.shape[3] not in (1, 3, 4):
        raise ValueError(f"Tensor must be 4-D with last dim 1, 3, or 4, not {list(pixels.shape)}")
    count = min(most, len(pixels))
    names = [f"{tag}/image"] if most == 1 else [f"{tag}/image/{i}" for i in range(count)]
    return _serialised(*[events.image_value(n, _as_bytes(p)) for n, p in zip(names, pixels[:count], strict=True)])


def _as_bytes(pixels: Any) -> np.ndarray[Any, Any]:
    """Pixels as uint8: positive ones spread over the range, others around its middle; not finite ones are red."""
    if pixels.dtype == np.uint8:
        return pixels  # type: ignore[no-any-return]
    pixels = pixels.astype(np.float32)
    finite = np.isfinite(pixels).all(axis=2, keepdims=True)
    good = np.where(finite, pixels, 0)
    low, high = float(good.min(initial=0)), float(good.max(initial=0))
    if low < 0:
        largest = max(abs(low), abs(high))
        scale, offset = 0.0 if largest < 1e-6 else 127.0 / largest, 128.0
    else:
        scale, offset = 0.0 if high < 1e-6 else 255.0 / high, 0.0
    out = (good * np.float32(scale) + np.float32(offset)).astype(np.uint8)
    bad = np.array([255, 0, 0, 255][: pixels.shape[2]], np.uint8)
    return np.where(finite, out, bad)


def _audio(samples: Any, rate: Any, *, tag: str, most: int) -> Any:
    if samples.ndim not in (2, 3):
        raise ValueError(f"Tensor must be 3-D or 2-D, got: {list(samples.shape)}")
    samples = samples[..., None] if samples.ndim == 2 else samples
    count = min(most, len(samples))
    names = [f"{tag}/audio"] if most == 1 else [f"{tag}/audio/{i}" for i in range(count)]
    return _serialised(*[events.audio_value(n, s, float(rate)) for n, s in zip(names, samples[:count], strict=True)])


def _tensor(value: Any, *, tag: str, metadata: bytes) -> Any:
    return _serialised(events.tensor_value(tag, value, SummaryMetadata.FromString(metadata)))


def _merge(*parts: Any) -> Any:
    out = Summary()
    for part in parts:
        for data in part.reshape(-1).tolist():
            out.MergeFromString(data)
    tags = [value.tag for value in out.value]
    if len(set(tags)) < len(tags):
        twice = next(t for t in tags if tags.count(t) > 1)
        raise InvalidArgumentError(None, None, f"Duplicate tag {twice} found in summary inputs")
    return _serialised(*out.value)


SCALAR = _summary_op("ScalarSummary", _scalar)
HISTOGRAM = _summary_op("HistogramSummary", _histogram)
IMAGE = _summary_op("ImageSummary", _image)
AUDIO = _summary_op("AudioSummaryV2", _audio)
TENSOR = _summary_op("TensorSummaryV2", _tensor)
MERGE = _summary_op("MergeSummary", _merge)


def _added(op: Op, inputs: tuple[Any, ...], name: str, collections: Any, family: str | None, **attrs: Any) -> Any:
    """A summary operation, in the collections; its tag is its name (below the family's)."""
    if context.graph is None:
        return F.constant(b"")
    clean = "".join(c if c.isalnum() or c in "-_./" else "_" for c in name).lstrip("/")
    with F.name_scope(f"{family}/{clean}" if family else clean) as scope:
        tag = scope.rstrip("/")
        out = emit_one(op, inputs, {"tag": f"{family}/{tag}" if family else tag, **attrs}, scope)
    get_default_graph().add_to_collections([GraphKeys.SUMMARIES] if collections is None else collections, out)
    return out


def scalar(name: str, tensor: Any, collections: Any = None, family: str | None = None) -> Any:
    """A summary of a number.

    >>> with tf.Graph().as_default(), tf.compat.v1.Session() as sess:
    ...     data = sess.run(tf.compat.v1.summary.scalar("loss", 0.5))
    >>> tf.compat.v1.Summary.FromString(data).value[0].tag
    'loss'

    TensorFlow: tf.compat.v1.summary.scalar.
    """
    return _added(SCALAR, (convert(tensor),), name, collections, family)


def histogram(name: str, values: Any, collections: Any = None, family: str | None = None) -> Any:
    """A summary of how values are distributed. TensorFlow: tf.compat.v1.summary.histogram."""
    return _added(HISTOGRAM, (convert(values),), name, collections, family)


def image(name: str, tensor: Any, max_outputs: int = 3, collections: Any = None, family: str | None = None) -> Any:
    """A summary of images [batch, height, width, 1, 3 or 4]. TensorFlow: tf.compat.v1.summary.image."""
    return _added(IMAGE, (convert(tensor),), name, collections, family, most=int(max_outputs))


def audio(
    name: str, tensor: Any, sample_rate: Any, max_outputs: int = 3, collections: Any = None, family: str | None = None
) -> Any:
    """A summary of sounds [batch, frames, channels]. TensorFlow: tf.compat.v1.summary.audio."""
    rate = convert(sample_rate, dtypes.float32)
    return _added(AUDIO, (convert(tensor), rate), name, collections, family, most=int(max_outputs))


def tensor_summary(
    name: str, tensor: Any, summary_description: Any = None, collections: Any = None, summary_metadata: Any = None,
    family: str | None = None, display_name: str | None = None,
) -> Any:  # fmt: skip
    """A summary of a tensor as it is. TensorFlow: tf.compat.v1.summary.tensor_summary."""
    metadata = SummaryMetadata() if summary_metadata is None else SummaryMetadata.FromString(
        summary_metadata.SerializeToString()
    )  # fmt: skip
    metadata.display_name = display_name or metadata.display_name
    metadata.summary_description = summary_description or metadata.summary_description
    data = metadata.SerializeToString()
    return _added(TENSOR, (convert(tensor),), name, collections, family, metadata=data)


def text(name: str, tensor: Any, collections: Any = None) -> Any:
    """A summary of strings, shown as Markdown. TensorFlow: tf.compat.v1.summary.text."""
    value = convert(tensor)
    if value.dtype is not dtypes.string:
        raise ValueError(f"Expected tensor {name} to have dtype string, got {value.dtype}")
    return tensor_summary(name, value, None, collections, events.plugin_metadata("text"))


def merge(inputs: Any, collections: Any = None, name: str | None = None) -> Any:
    """One summary with the values of several. TensorFlow: tf.compat.v1.summary.merge."""
    if context.graph is None:
        raise RuntimeError("Merging tf.summary.* ops is not compatible with eager execution.")
    out = emit_one(MERGE, tuple([convert(i) for i in inputs]), {}, name or "MergeSummary")
    get_default_graph().add_to_collections(collections or [], out)
    return out


def merge_all(key: Any = GraphKeys.SUMMARIES, scope: str | None = None, name: str | None = None) -> Any:
    """One summary with the values of all in a collection; None if there are none.

    TensorFlow: tf.compat.v1.summary.merge_all.
    """
    if context.graph is None:
        raise RuntimeError("Merging tf.summary.* ops is not compatible with eager execution.")
    found = get_default_graph().get_collection(key, scope)
    return merge(found, name=name) if found else None


def get_summary_description(node_def: Any) -> Any:
    """What a tensor summary's node says of itself. TensorFlow: tf.compat.v1.summary.get_summary_description."""
    if node_def.op != "TensorSummary":
        raise ValueError(f"Cannot get_summary_description on {node_def.op}")
    return SummaryDescription(type_hint=node_def.attr["description"].s.decode())


# -- the writer --------------------------------------------------------------------------------------------------------


class FileWriter:
    """Writes summaries, graphs and other events of a program to a file in `logdir` that TensorBoard shows.

    Args:
      logdir: the folder.
      graph: a graph to write at once.
      max_queue, flush_secs: how many events, and how long, may wait in memory.
      session, graph_def: accepted; writing is done by this process.

    TensorFlow: tf.compat.v1.summary.FileWriter.
    """

    def __init__(
        self, logdir: Any, graph: Any = None, max_queue: int = 10, flush_secs: float = 120, graph_def: Any = None,
        filename_suffix: str | None = None, session: Any = None,
    ) -> None:  # fmt: skip
        self._writer = events.EventFileWriter(logdir, max_queue, flush_secs, filename_suffix)
        self._described: set[str] = set()
        if graph is not None or graph_def is not None:
            self.add_graph(graph, graph_def=graph_def)

    def __enter__(self) -> FileWriter:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def get_logdir(self) -> str:
        """The folder."""
        return self._writer.logdir

    def add_event(self, event: Any) -> None:
        """Write an event."""
        if not self._writer.closed:
            self._writer.add_event(event)

    def add_summary(self, summary: Any, global_step: Any = None) -> None:
        """Write what a summary operation gave (bytes or a `Summary`) for a step."""
        if isinstance(summary, (bytes, np.ndarray)):
            summary = Summary.FromString(summary if isinstance(summary, bytes) else summary.item())
        for value in summary.value:
            if value.HasField("metadata"):  # TensorBoard needs it once for each tag
                if value.tag in self._described:
                    value.ClearField("metadata")
                self._described.add(value.tag)
        self._add(global_step, summary=summary)

    def add_graph(self, graph: Any, global_step: Any = None, graph_def: Any = None) -> None:
        """Write a graph; `TypeError` for anything else."""
        if isinstance(graph, Graph):
            graph_def = graph.as_graph_def(add_shapes=True)  # type: ignore[attr-defined]
        elif graph is not None:
            graph_def = graph
        if not hasattr(graph_def, "SerializeToString"):
            raise TypeError(f"The passed graph must be an instance of `Graph` or `GraphDef`, received {graph!r}")
        self._add(global_step, graph_def=graph_def.SerializeToString())

    def add_meta_graph(self, meta_graph_def: Any, global_step: Any = None) -> None:
        """Write a meta graph."""
        self._add(global_step, meta_graph_def=meta_graph_def.SerializeToString())

    def add_session_log(self, session_log: Any, global_step: Any = None) -> None:
        """Write what happened to a session."""
        self._add(global_step, session_log=session_log)

    def add_run_metadata(self, run_metadata: Any, tag: str, global_step: Any = None) -> None:
        """Write metadata of a run, once for each tag; nothing is recorded in it here."""
        data = run_metadata.SerializeToString() if hasattr(run_metadata, "SerializeToString") else b""
        self._add(global_step, tagged_run_metadata=TaggedRunMetadata(tag=tag, run_metadata=data))

    def _add(self, global_step: Any, **what: Any) -> None:
        self.add_event(Event(step=None if global_step is None else int(global_step), **what))

    def flush(self) -> None:
        """Put what waits on disk."""
        self._writer.flush()

    def close(self) -> None:
        """Flush; further events are dropped until `reopen`."""
        self._writer.close()

    def reopen(self) -> None:
        """Accept events again."""
        self._writer.reopen()


class FileWriterCache:
    """One writer for each folder. TensorFlow: tf.compat.v1.summary.FileWriterCache."""

    _writers: ClassVar[dict[str, FileWriter]] = {}

    @classmethod
    def get(cls, logdir: Any) -> FileWriter:
        """The writer of a folder, made on the first call."""
        key = os.fspath(logdir)
        if key not in cls._writers:
            cls._writers[key] = FileWriter(key, graph=get_default_graph())
        return cls._writers[key]

    @classmethod
    def clear(cls) -> None:
        """Close and forget all writers."""
        for writer in cls._writers.values():
            writer.close()
        cls._writers = {}
