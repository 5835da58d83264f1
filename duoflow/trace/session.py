"""Sessions: run parts of a v1 graph, with variables that live in the session.

`run` cuts from the graph what the fetches need, in program order, makes inputs of the fed tensors and of the variables'
handles, and lets the engine compile that once per set of fetches and feeds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from duoflow.core import dtypes, nest, shapes
from duoflow.core.arrays import as_array
from duoflow.core.context import context, entered
from duoflow.core.engine import Executable, executable
from duoflow.core.errors import FailedPreconditionError, InvalidArgumentError, with_origin
from duoflow.core.graph import PLACEHOLDER, Graph, Node, get_default_graph
from duoflow.core.indexed_slices import IndexedSlices
from duoflow.core.record import Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.state import VAR_HANDLE, State
from duoflow.core.tensor import EagerTensor, GraphTensor

__all__ = [
    "RESOURCE", "IndexedSlicesValue", "InteractiveSession", "Session", "get_default_session", "is_object", "resource",
    "upstream",
]  # fmt: skip


def _no_resource(*, make: Callable[[], Any]) -> Any:
    raise FailedPreconditionError(None, None, "A queue, reader or iterator of a graph exists in sessions only.")


#: An object that each session makes for itself when it first needs it: a queue, a reader, an iterator.
RESOURCE = register(
    Op(
        "SessionResource", Kind.SOURCE, lambda *, make: Spec((), dtypes.resource), _no_resource,
        tags=frozenset({"object"}),
    )
)  # fmt: skip


def is_object(node: Node) -> bool:
    """Whether a node stands for something that each session has for itself: a variable, a queue, a table, ..."""
    return node.op is VAR_HANDLE or "object" in node.op.tags


def resource(make: Callable[[], Any], name: str) -> GraphTensor:
    """The handle, in the graph being built, of an object that sessions make with `make`."""
    return get_default_graph().add(RESOURCE, (), {"make": make}, name).outputs[0]  # type: ignore[return-value]


class IndexedSlicesValue(NamedTuple):
    """What a session gives for fetched IndexedSlices."""

    values: Any
    indices: Any
    dense_shape: Any


class _Defaults(threading.local):
    def __init__(self) -> None:
        self.stack: list[Session] = []


_defaults = _Defaults()


def get_default_session() -> Session | None:
    """The session that `eval` and `run` use, or None. TensorFlow: tf.compat.v1.get_default_session."""
    return _defaults.stack[-1] if _defaults.stack else None


class _Program(NamedTuple):
    """A part of the graph, ready to run."""

    compiled: Executable
    feeds: list[GraphTensor]
    handles: list[Node]


class _Partial:
    """A run in steps: what may still be fed and fetched, the nodes that have run, and the values known so far."""

    def __init__(self, fetches: set[int], feeds: set[int]) -> None:
        self.fetches, self.feeds = fetches, feeds
        self.done: set[int] = set()
        self.values: dict[int, tuple[GraphTensor, Any]] = {}


class Session:
    """Runs operations and evaluates tensors of a graph.

    Args:
      target: accepted for the empty string, this process.
      graph: the graph to run; the default graph without it.
      config: accepted; engines decide on devices and threads themselves.

    >>> with tf.Graph().as_default():
    ...     x = tf.compat.v1.placeholder(tf.float32)
    ...     y = x * 2.0
    ...     with tf.compat.v1.Session() as sess:
    ...         float(sess.run(y, {x: 21.0}))
    42.0

    TensorFlow: tf.compat.v1.Session.
    """

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        if target:
            raise ValueError(f"Session target {target!r} is not supported: only '' (this process) is.")
        if graph is not None and not isinstance(graph, Graph):
            raise TypeError(f"Argument `graph` must be a tf.Graph, but got {type(graph).__name__!r}")
        self._graph = get_default_graph() if graph is None else graph
        self._config = config
        self._states: dict[Node, Any] = {}
        self._programs: dict[Any, _Program] = {}
        self._partial: dict[str, _Partial] = {}
        self._lock = threading.RLock()
        self._closed = False
        self._entered: list[Any] = []

    @property
    def graph(self) -> Graph:
        """The graph that the session runs."""
        return self._graph

    @property
    def graph_def(self) -> Any:
        """The graph as a `GraphDef`."""
        return self._graph.as_graph_def()  # type: ignore[attr-defined]

    @property
    def sess_str(self) -> str:
        """The target, empty."""
        return ""

    # -- running -----------------------------------------------------------------------------------------------------

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """The values of `fetches`, in their structure; None for operations.

        Args:
          fetches: tensors, operations, variables, names of such, or a structure of them.
          feed_dict: values for tensors of the graph, by tensor or name.
          options, run_metadata: accepted; nothing is recorded.

        Raises:
          InvalidArgumentError: if a placeholder that is needed is not fed.
          ValueError: for a fed value of another shape, or a fetch that is not of this graph.
          RuntimeError: if the session is closed.
          FailedPreconditionError: if a variable was not initialised.
        """
        self._check_open()
        leaves = nest.flatten(fetches)
        elements = [self._element(leaf) for leaf in leaves]
        feeds = self._feeds(feed_dict)
        wanted = [part for element in elements for part in _parts(element)]
        results = self._results(self._program(wanted, [tensor for tensor, _ in feeds]), feeds)
        return nest.pack_sequence_as(fetches, [_fetched(element, results) for element in elements])

    def _results(self, program: _Program, feeds: Sequence[tuple[GraphTensor, Any]]) -> Iterator[Any]:
        values = {id(tensor): value for tensor, value in feeds}
        inputs = [values[id(t)] for t in program.feeds] + [self._state(node) for node in program.handles]
        with entered(graph=None, tapes=(), control=()):
            return iter(program.compiled.run(inputs))

    def partial_run_setup(self, fetches: Any, feeds: Any = None) -> str:
        """Announce a run in steps; returns its handle for `partial_run`.

        Args:
          fetches: all that the steps will fetch together.
          feeds: all the tensors that they will feed.
        """
        self._check_open()
        wanted = [part for leaf in nest.flatten(fetches) for part in _parts(self._element(leaf))]
        fed = [self._fed_tensor(key) for key in nest.flatten(feeds or [])]
        handle = f"partial_run_{len(self._partial)}"
        self._partial[handle] = _Partial({id(t) for t in wanted}, {id(t) for t in fed})
        return handle

    def partial_run(self, handle: str, fetches: Any, feed_dict: Any = None) -> Any:
        """Take the next step of a run: feed some more, fetch what can be computed. Nothing is computed twice.

        Raises:
          InvalidArgumentError: for fetches and feeds that were not announced, or that came before.
        """
        self._check_open()
        partial = self._partial.get(handle)
        if partial is None:
            raise InvalidArgumentError(None, None, f"Must run 'setup' before performing partial runs: {handle!r}.")
        elements = [self._element(leaf) for leaf in nest.flatten(fetches)]
        wanted = [part for element in elements for part in _parts(element)]
        feeds = self._feeds(feed_dict)
        for what, known, given in (("fetch", partial.fetches, wanted), ("feed", partial.feeds, [t for t, _ in feeds])):
            for item in given:
                if id(item) not in known:
                    raise InvalidArgumentError(None, None, f"The {what} {item} was not announced, or came before.")
        partial.feeds -= {id(tensor) for tensor, _ in feeds}
        partial.values.update({id(tensor): (tensor, value) for tensor, value in feeds})
        fed = list(partial.values.values())
        known = [tensor for tensor, _ in fed]
        needed = _needed(self._graph, wanted, set(partial.values), partial.done)
        nodes = [node for node in self._graph.nodes if id(node) in needed]
        outputs = [t for node in nodes for t in node.outputs if t.dtype is not dtypes.resource]
        kept = [t for t in outputs if id(t) not in partial.values]
        graph, used, handles = cut(self._graph, [*kept, *nodes], known, partial.done)
        results = self._results(_Program(executable(graph), used, handles), fed)
        partial.values.update({id(t): (t, value) for t, value in zip(kept, results, strict=False)})  # type: ignore[misc]
        partial.done |= {id(node) for node in nodes if not is_object(node)}
        partial.fetches -= {id(item) for item in wanted}
        values = iter([partial.values[id(part)][1] for part in wanted if not isinstance(part, Node)])
        return nest.pack_sequence_as(fetches, [_fetched(element, values) for element in elements])

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        if not self._graph.nodes:
            raise RuntimeError("The Session graph is empty. Add operations to the graph before calling run().")

    def _element(self, fetch: Any) -> Any:
        if isinstance(fetch, IndexedSlices):
            return fetch
        if isinstance(fetch, EagerTensor):
            raise TypeError(f"Fetch argument {fetch!r} is an eager tensor, not an element of the session's graph.")
        try:
            return self._graph.as_graph_element(fetch)
        except TypeError as error:
            raise TypeError(
                f"Argument `fetch` = {fetch} has invalid type {type(fetch).__name__!r}. Must be a string or "
                f"Tensor. ({error})"
            ) from None
        except (ValueError, KeyError) as error:
            raise ValueError(
                f"Argument `fetch` = {fetch} cannot be interpreted as a Tensor. "
                f"({error.args[0] if error.args else error})"
            ) from None

    def _feeds(self, feed_dict: Any) -> list[tuple[GraphTensor, Any]]:
        if feed_dict and not isinstance(feed_dict, Mapping):
            raise TypeError(
                f"feed_dict must be a dictionary of tensors and their values, received {type(feed_dict).__name__!r}."
            )
        feeds: list[tuple[GraphTensor, Any]] = []
        for key, value in (feed_dict or {}).items():
            keys = nest.flatten(key) if isinstance(key, tuple) else [key]
            values = nest.flatten(value) if isinstance(key, tuple) else [value]
            for one, its_value in zip(keys, values, strict=True):
                tensor = self._fed_tensor(one)
                feeds.append((tensor, _fed_value(tensor, its_value)))
        return feeds

    def _fed_tensor(self, key: Any) -> GraphTensor:
        key = key.deref() if hasattr(key, "deref") else key
        try:
            return self._graph.as_graph_element(key, allow_operation=False)  # type: ignore[no-any-return]
        except (ValueError, KeyError, TypeError) as error:
            raise TypeError(f"Cannot interpret feed_dict key as Tensor: {error}") from None

    def _program(self, wanted: Sequence[Any], feeds: Sequence[GraphTensor]) -> _Program:
        """The compiled part of the graph that gives `wanted` from `feeds`: made once, whatever is fed later."""
        ordered = sorted(feeds, key=id)
        key = (tuple(map(id, wanted)), tuple(map(id, ordered)))
        found = self._programs.get(key)
        if found is None:
            with self._lock:
                graph, used, handles = cut(self._graph, wanted, ordered)
                found = self._programs.setdefault(key, _Program(executable(graph), used, handles))
        return found

    def _state(self, node: Node) -> Any:
        """What a handle stands for in this session."""
        state = self._states.get(node)
        if state is None:
            with self._lock:
                state = self._states.setdefault(node, _made(node))
        return state

    def make_callable(self, fetches: Any, feed_list: Any = None, accept_options: bool = False) -> Any:
        """A function that takes values for `feed_list` in order and returns what `run` returns."""
        keys = list(feed_list or [])

        def call(*values: Any) -> Any:
            if len(values) != len(keys):
                raise ValueError(f"Expected {len(keys)} values, received {len(values)}.")
            pairs = zip(map(self._fed_tensor, keys), values, strict=True)
            return self.run(fetches, {tensor.name: value for tensor, value in pairs})

        return call

    def list_devices(self) -> list[str]:
        """The devices that programs may name."""
        return ["/job:localhost/replica:0/task:0/device:CPU:0"]

    # -- life --------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Free the session's variables; it cannot be used afterwards."""
        self._closed = True
        self._states.clear()
        self._programs.clear()

    @contextmanager
    def as_default(self) -> Iterator[Session]:
        """Let `eval` and `run` use this session in a `with` block. It stays open."""
        self._push()
        try:
            yield self
        finally:
            self._pop()

    def _push(self) -> None:
        _defaults.stack.append(self)
        self._graph._sessions.append(self)

    def _pop(self) -> None:
        _defaults.stack.remove(self)
        self._graph._sessions.remove(self)

    def __enter__(self) -> Session:
        self._push()
        block = self._graph.as_default() if context.graph is not self._graph else None
        if block is not None:
            block.__enter__()
        self._entered.append(block)
        return self

    def __exit__(self, *exc: Any) -> None:
        block = self._entered.pop()
        if block is not None:
            block.__exit__(*exc)
        self._pop()
        self.close()


class InteractiveSession(Session):
    """A session that is the default as soon as it is made, until it is closed.

    TensorFlow: tf.compat.v1.InteractiveSession.
    """

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        super().__init__(target, graph, config)
        self._push()

    def close(self) -> None:
        if not self._closed and self in _defaults.stack:
            self._pop()
        super().close()


def _made(node: Node) -> Any:
    attrs = node.attrs
    if node.op is RESOURCE:
        return attrs["make"]()
    if node.op is not VAR_HANDLE:
        return node.op.evaluate(**attrs)
    state = State(attrs["dtype"], attrs["shape"], attrs["shared_name"], attrs["trainable"])
    if attrs.get("zero"):
        state.write(np.zeros(attrs["shape"], attrs["dtype"].numpy))
    return state


def _parts(element: Any) -> tuple[Any, ...]:
    return element._components() if isinstance(element, IndexedSlices) else (element,)  # type: ignore[no-any-return]


def _fetched(element: Any, results: Iterator[Any]) -> Any:
    if isinstance(element, Node):
        return None
    if isinstance(element, IndexedSlices):
        values, indices, *rest = [next(results) for _ in element._components()]
        return IndexedSlicesValue(values, indices, rest[0] if rest else None)
    value = next(results)
    if not isinstance(value, np.ndarray):
        return value
    return value[()] if value.ndim == 0 else value


def _fed_value(tensor: GraphTensor, value: Any) -> Any:
    if isinstance(value, GraphTensor):
        raise TypeError(
            "The value of a feed cannot be a tf.Tensor object. Acceptable feed values include Python scalars, "
            "strings, lists, "
            f"numpy ndarrays, or TensorHandles. For reference, the tensor object was {value} which was passed to "
            "the feed with "
            f"key {tensor}."
        )
    if tensor.dtype in (dtypes.resource, dtypes.variant):
        return value._array if isinstance(value, EagerTensor) else value
    if isinstance(value, EagerTensor):
        value = value.numpy()
    if isinstance(value, int) and tensor.dtype.is_integer and not tensor.dtype.min <= value <= tensor.dtype.max:
        raise TypeError(
            f"Type of feed value {value} with type {type(value)} is not compatible with Tensor type "
            f"{tensor.dtype.name}."
        )
    array = as_array(value) if tensor.dtype is dtypes.string else np.asarray(value, tensor.dtype.numpy)
    if not shapes.compatible(tensor.dims, array.shape):
        raise ValueError(
            f"Cannot feed value of shape {shapes.show(array.shape)} for Tensor {tensor.name}, which has shape "
            f"{shapes.show(tensor.dims)}"
        )
    return array


def cut(
    graph: Graph, wanted: Sequence[Any], feeds: Sequence[GraphTensor], done: Container[int] = ()
) -> tuple[Graph, list[GraphTensor], list[Node]]:
    """The part of a graph that the wanted tensors and operations need, as a closed graph.

    Its inputs are the fed tensors and then the handles of variables and other objects of the session, both of which
    are returned too. Nodes `done` do not run again.
    """
    needed = _needed(graph, wanted, {id(t) for t in feeds}, done)
    part = Graph(graph.name, True)
    part.seed = graph.seed
    table: dict[int, GraphTensor] = {}
    with entered(graph=None, control=(), scope=""):
        for tensor in feeds:
            table[id(tensor)] = part.placeholder(tensor.dtype, tensor.dims, f"fed/{tensor.node.name}")
    fed = set(table)
    handles: list[Node] = []
    for node in graph.nodes:
        if id(node) not in needed or (node.outputs and all(id(t) in fed for t in node.outputs)):
            continue
        if is_object(node):
            with entered(graph=None, control=(), scope=""):
                table[id(node.outputs[0])] = part.placeholder(dtypes.resource, (), f"state/{node.name}")
            handles.append(node)
            continue
        if node.op is PLACEHOLDER:
            raise _missing_feed(node)
        twin = Node(
            node.op,
            tuple([table[id(t)] for t in node.inputs]),
            node.attrs,
            (),
            node.name,
            part,
            (),
            node.origin,
            node.device,
        )
        twin.outputs = tuple([GraphTensor(twin, t.index, t._spec) for t in node.outputs])  # type: ignore[attr-defined]
        for old, new in zip(node.outputs, twin.outputs, strict=True):
            table.setdefault(id(old), new)  # type: ignore[arg-type]
        part.nodes.append(twin)
        part._by_name[twin.name] = twin
    part.inputs = [table[id(t)] for t in feeds] + [table[id(node.outputs[0])] for node in handles]
    part.outputs = [table[id(t)] for t in wanted if not isinstance(t, Node)]
    return part, list(feeds), handles


def _needed(graph: Graph, wanted: Sequence[Any], fed: set[int], done: Container[int]) -> set[int]:
    """The nodes behind what is wanted, through inputs and control inputs, up to fed tensors and nodes done."""
    needed: set[int] = set()
    pending = [
        item if isinstance(item, Node) else item.node
        for item in wanted
        if isinstance(item, Node) or id(item) not in fed
    ]
    while pending:
        node = pending.pop()
        if id(node) in needed or id(node) in done:
            continue
        needed.add(id(node))
        pending += [t.node for t in node.inputs if id(t) not in fed]  # type: ignore[attr-defined]
        pending += node.control_inputs
    return needed


def upstream(graph: Graph, tensors: Sequence[GraphTensor]) -> set[int]:
    """The ids of the nodes behind tensors."""
    return _needed(graph, tensors, set(), ())


def _missing_feed(node: Node) -> InvalidArgumentError:
    (tensor,) = node.outputs
    shape = "" if tensor.dims is None else f" and shape {shapes.brief(tensor.dims)}"
    what = f"You must feed a value for placeholder tensor '{node.name}' with dtype {tensor.dtype.name}{shape}"
    return InvalidArgumentError(None, node, with_origin(f"{what}\n\t [[node {node.name}]]", node.origin))
