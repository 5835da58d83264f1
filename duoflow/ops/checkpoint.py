"""`tf.train.Checkpoint`: the state of objects in TensorFlow's checkpoints, found by the paths of attributes to it.

`<prefix>.index` and `<prefix>.data-*` hold the tensors and, under one more key, a `TrackableObjectGraph`: which object
leads to which by what name. Saving walks the objects breadth first. Restoring walks the file's graph and the program's
objects side by side; where an object is not there yet, its owner waits for it (see core/trackable.py).
"""

from __future__ import annotations

import os
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from duoflow.core import dtypes, shapes
from duoflow.core.context import context
from duoflow.core.errors import InvalidArgumentError, NotFoundError
from duoflow.core.reporting import get_logger
from duoflow.core.trackable import Saveable, SaveableTensors, Trackable, children_of, holds_state
from duoflow.core.variables import Variable
from duoflow.formats.bundle import BundleReader, write_bundle
from duoflow.formats.checkpoints import checkpoint_state, write_checkpoint_state
from duoflow.formats.messages import TrackableObjectGraph

__all__ = ["Checkpoint", "CheckpointOptions", "PythonState", "RestoreStatus"]

OBJECT_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
_VALUE = "VARIABLE_VALUE"


@dataclass
class CheckpointOptions:
    """How checkpoints are written.

    `experimental_write_callbacks` are called after writing, with the path if they take an argument. The others are
    accepted: files are written to the local disk, in one shard, before the call returns.

    TensorFlow: tf.train.CheckpointOptions.
    """

    experimental_io_device: Any = None
    experimental_enable_async_checkpoint: bool = False
    experimental_write_callbacks: list[Callable[..., Any]] | None = None
    enable_async: bool = False
    experimental_skip_slot_variables: bool = False
    experimental_sharding_callback: Any = None


class PythonState(Saveable, Trackable):
    """Base of objects whose Python state checkpoints keep: define `serialize() -> str` and `deserialize(str)`.

    TensorFlow: tf.train.experimental.PythonState.
    """

    _saved_as = "py_state"

    def serialize(self) -> str:
        """The state as a string."""
        raise NotImplementedError(f"{type(self).__name__} must define `serialize`.")

    def deserialize(self, string_value: str) -> None:
        """Take the state from a string."""
        raise NotImplementedError(f"{type(self).__name__} must define `deserialize`.")

    def _save(self) -> bytes:
        state = self.serialize()
        return state.encode() if isinstance(state, str) else state

    def _load(self, saved: bytes) -> None:
        self.deserialize(saved.decode())


# -- saving ------------------------------------------------------------------------------------------------------------


@dataclass
class _Objects:
    """The objects below a root, breadth first: each with the names on the first path to it and its numbered parts."""

    objects: list[Any] = field(default_factory=list)
    paths: list[tuple[str, ...]] = field(default_factory=list)
    parts: list[dict[str, int]] = field(default_factory=list)


def _objects_below(root: Any) -> _Objects:
    found, numbers = _Objects([root], [()]), {id(root): 0}
    for value, path in zip(found.objects, found.paths, strict=True):  # both grow while they are walked
        parts = {}
        for name, part in children_of(value).items():
            if id(part) not in numbers:
                numbers[id(part)] = len(found.objects)
                found.objects.append(part)
                found.paths.append((*path, name))
            parts[name] = numbers[id(part)]
        found.parts.append(parts)
    return found


def escaped(name: str) -> str:
    """A name as a part of a key, in which "/" separates and "." announces."""
    return name.replace(".", "..").replace("/", ".S")


def _leaf(value: Any) -> tuple[str, str, dict[str, Any]] | None:
    """The kind, the full name and the values, by the suffix of their key, of what is kept of an object itself."""
    if isinstance(value, Variable):
        return _VALUE, getattr(value, "path", None) or value._shared_name, {"": value.numpy()}
    if isinstance(value, Saveable):
        return value._saved_as, "", {"": np.array(value._save(), object)}
    if isinstance(value, SaveableTensors):
        return value._saved_as, "", value._save_tensors()
    return None


def _save_objects(root: Any, prefix: str) -> None:
    found = _objects_below(root)
    graph, tensors = TrackableObjectGraph(), {}
    for value, path, parts in zip(found.objects, found.paths, found.parts, strict=True):
        node = graph.nodes.add()
        for name, number in parts.items():
            node.children.add(node_id=number, local_name=name)
        leaf = _leaf(value)
        if leaf is not None:
            kind, full_name, arrays = leaf
            key = "/".join([*map(escaped, path), ".ATTRIBUTES", kind])
            node.attributes.add(name=kind, full_name=full_name, checkpoint_key=key)
            tensors.update({key + suffix: array for suffix, array in arrays.items()})
    mark_values(found.parts, graph)
    tensors[OBJECT_GRAPH_KEY] = np.array(graph.SerializeToString(), object)
    Path(prefix).parent.mkdir(parents=True, exist_ok=True)
    write_bundle(prefix, tensors)


def mark_values(parts: list[dict[str, int]], graph: Any) -> None:
    """Note in each node whether it has a value or leads to one."""
    owners: dict[int, list[int]] = {}
    for number, below in enumerate(parts):
        for part in below.values():
            owners.setdefault(part, []).append(number)
    todo = [number for number, node in enumerate(graph.nodes) if node.attributes]
    holds = set(todo)
    for number in todo:
        fresh = [owner for owner in owners.get(number, ()) if owner not in holds]
        holds.update(fresh)
        todo.extend(fresh)
    for number, node in enumerate(graph.nodes):
        node.has_checkpoint_values.value = number in holds


# -- restoring ---------------------------------------------------------------------------------------------------------


class _Restoration:
    """One file being restored: which of its objects have been matched with objects of the program."""

    def __init__(self, reader: BundleReader, graph: Any, path: str) -> None:
        self.path, self.nodes = path, graph.nodes
        self.matched: dict[int, Any] = {}
        self.partial = False
        self._reader = reader

    def match(self, value: Any, number: int) -> None:
        """Match an object and its parts with a node and its; restore those that were not matched before."""
        todo, seen = deque([(value, number)]), set()
        while todo:
            value, number = todo.popleft()
            if number in seen or not self._bind(value, number):
                continue
            seen.add(number)
            parts = children_of(value)
            below = [(ref.local_name, ref.node_id) for ref in self.nodes[number].children]
            todo.extend((parts[name], part) for name, part in below if name in parts)
            self._wait(value, number, [part for _, part in below])

    def _bind(self, value: Any, number: int) -> bool:
        """Restore an object's own values; False if the node is another object's already."""
        known = self.matched.get(number)
        if known is not None:
            if known is not value and not isinstance(value, list | tuple | dict):
                get_logger().warning(
                    "Inconsistent references when loading the checkpoint into this object graph: %s was saved once and "
                    "is two objects now, %r and %r.", self.name_of(number), known, value,
                )  # fmt: skip
                return False
            return True
        self.matched[number] = value
        for attribute in self.nodes[number].attributes:
            self._assign(value, attribute)
        return True

    def _wait(self, value: Any, number: int, parts: list[int]) -> None:
        """Let an object restore parts that it gets later."""
        if isinstance(value, Trackable):
            waiting = any(self._missing(part, set()) for part in parts)
            if waiting:
                value.__dict__["_waiting_restoration"] = (self, number)
            else:
                value.__dict__.pop("_waiting_restoration", None)

    def _missing(self, number: int, seen: set[int]) -> bool:
        """Whether a node, or a list's or dict's element, has values and no object yet."""
        if number in seen:
            return False
        seen.add(number)
        node, known = self.nodes[number], self.matched.get(number)
        if known is None and node.attributes:
            return True
        return (known is None or isinstance(known, list | tuple | dict)) and any(
            self._missing(ref.node_id, seen) for ref in node.children
        )

    def _assign(self, value: Any, attribute: Any) -> None:
        key = attribute.checkpoint_key
        if isinstance(value, Variable) and attribute.name == _VALUE:
            _assign_variable(value, key, self._reader)
        elif isinstance(value, Saveable) and attribute.name == value._saved_as:
            value._load(self._reader.get_tensor(key).item())
        elif isinstance(value, SaveableTensors) and attribute.name == value._saved_as:
            value._load_tensors({name: self._reader.get_tensor(key + name) for name in value._tensor_names()})

    def name_of(self, number: int) -> str:
        """The path to a node, as messages show it."""
        names, todo = {0: "(root)"}, [0]
        for owner in todo:
            for ref in self.nodes[owner].children:
                if ref.node_id not in names:
                    names[ref.node_id] = f"{names[owner]}.{ref.local_name}"
                    todo.append(ref.node_id)
        return names.get(number, f"node {number}")

    def unmatched(self) -> list[str]:
        """The names of the values of the file that no object has taken."""
        return [self.name_of(i) for i, node in enumerate(self.nodes) if node.attributes and i not in self.matched]

    def __del__(self) -> None:
        if not self.partial:
            for name in self.unmatched():
                get_logger().warning("Value in checkpoint could not be found in the restored object: %s", name)


def _assign_variable(variable: Variable, key: str, reader: BundleReader) -> None:
    array = reader.get_tensor(key)
    stored, wanted = dtypes.from_numpy(array.dtype), dtypes.as_dtype(variable._dtype)
    if stored is not wanted:
        raise InvalidArgumentError(
            None, None, f"tensor_name = {key}; expected dtype {wanted.name} does not equal original dtype {stored.name}"
        )
    if not shapes.compatible(variable._dims, array.shape):
        raise ValueError(
            f"Received incompatible tensor with shape {array.shape} when attempting to restore variable with shape "
            f"{variable.shape} and name {variable.name}."
        )
    state = variable._state
    assert state is not None, "variables of graphs are not restored here"
    state.write(array)


class RestoreStatus:
    """What became of a restoration; each assertion returns the status itself.

    TensorFlow: what tf.train.Checkpoint.restore returns.
    """

    def __init__(self, root: Any, restoration: _Restoration | None) -> None:
        self._root, self._restoration = root, restoration

    def _now(self) -> _Restoration:
        """The restoration, after parts that have come since were restored."""
        if self._restoration is None:
            raise AssertionError("No checkpoint specified (save_path=None); nothing is being restored.")
        self._restoration.match(self._root, 0)
        return self._restoration

    def assert_consumed(self) -> RestoreStatus:
        """Raise `AssertionError` unless every value of the file was restored, and every variable from the file."""
        left = self.assert_existing_objects_matched()._now().unmatched()
        if left:
            raise AssertionError(f"Unresolved object in checkpoint {left[0]} ({len(left)} in all: {', '.join(left)}).")
        return self

    def assert_existing_objects_matched(self) -> RestoreStatus:
        """Raise `AssertionError` unless every variable below the root was restored."""
        restoration = self._now()
        taken = {id(value) for value in restoration.matched.values()}
        found = [v for v in _objects_below(self._root).objects if isinstance(v, Variable | Saveable | SaveableTensors)]
        left = [v for v in found if id(v) not in taken]
        if left:
            raise AssertionError(
                f"Found {len(left)} Python objects that were not bound to checkpointed values, likely due to changes "
                f"in the Python program. Showing {min(10, len(left))} of {len(left)} unmatched objects: {left[:10]}"
            )
        return self

    def assert_nontrivial_match(self) -> RestoreStatus:
        """Raise `AssertionError` if nothing but the root was matched."""
        if len(self._now().matched) <= 1:
            raise AssertionError(
                "Nothing except the root object matched a checkpointed value. Typically this means that the checkpoint "
                f"does not match the Python program. The following objects have no matching checkpointed value: "
                f"{_objects_below(self._root).objects[:10]}"
            )
        return self

    def expect_partial(self) -> RestoreStatus:
        """Do not warn, when the restoration is forgotten, of values that nothing has taken."""
        if self._restoration is not None:
            self._restoration.partial = True
        return self

    def initialize_or_restore(self, session: Any = None) -> None:
        """Nothing is left to do: variables are restored when they exist."""

    run_restore_ops = initialize_or_restore


class _NamedRestoreStatus(RestoreStatus):
    """The status of restoring a file of TensorFlow 1, which knows variables by name only."""

    def __init__(self, root: Any, reader: BundleReader) -> None:
        super().__init__(root, None)
        found = [(v._shared_name, v) for v in _objects_below(root).objects if isinstance(v, Variable)]
        self._left = [v for name, v in found if not reader.has_tensor(name)]
        self._unused = set(reader.get_variable_to_shape_map()) - {name for name, _ in found}
        for name, variable in found:
            if reader.has_tensor(name):
                _assign_variable(variable, name, reader)

    def assert_consumed(self) -> RestoreStatus:
        self.assert_existing_objects_matched()
        if self._unused:
            raise AssertionError(f"Some values of the checkpoint were not restored: {sorted(self._unused)}")
        return self

    def assert_existing_objects_matched(self) -> RestoreStatus:
        if self._left:
            raise AssertionError(f"Some objects had no value in the checkpoint: {self._left[:10]}")
        return self

    def assert_nontrivial_match(self) -> RestoreStatus:
        return self


# -- the public class --------------------------------------------------------------------------------------------------


class Checkpoint(Trackable):
    """Objects whose state is saved and restored together.

    Args:
      root: an object whose parts belong to the checkpoint as if they were its own.
      **kwargs: variables, modules, Keras layers, models and optimizers, iterators of datasets, lists and dicts of
        these, by the names under which they are saved.

    Raises `ValueError` for values that hold no state.

    >>> import tempfile
    >>> v = tf.Variable([1.0, 2.0])
    >>> path = tf.train.Checkpoint(v=v).save(tempfile.mkdtemp() + "/ckpt")
    >>> w = tf.Variable([0.0, 0.0])
    >>> status = tf.train.Checkpoint(v=w).restore(path)
    >>> w.numpy()
    array([1., 2.], dtype=float32)

    TensorFlow: tf.train.Checkpoint.
    """

    _UNTRACKED = frozenset({"_root", "_save_counter"})

    def __init__(self, root: Any = None, **kwargs: Any) -> None:
        self._root = root
        self._save_counter: Variable | None = None
        if root is not None:
            _require_state("root", root)
        own = children_of(root)
        for name, value in sorted(kwargs.items()):
            value = value() if isinstance(value, weakref.ref) else value
            _require_state(name, value)
            if own.get(name, value) is not value:
                raise ValueError(
                    f"Cannot create a Checkpoint with keyword argument {name} if root.{name} already exists."
                )
            setattr(self, name, value)

    def _trackable_children(self) -> dict[str, Any]:
        parts = super()._trackable_children()
        if self._root is not None:
            parts = {**children_of(self._root), **parts, "root": self}
        if self._save_counter is not None:
            parts["save_counter"] = self._save_counter
        return parts

    @property
    def save_counter(self) -> Variable:
        """How often `save` was called: an int64 variable that is saved as well."""
        if self._save_counter is None:
            self._save_counter = Variable(0, name="save_counter", dtype=dtypes.int64, trainable=False)
        return self._save_counter

    def write(self, file_prefix: Any, options: CheckpointOptions | None = None) -> str:
        """Write a checkpoint of exactly that prefix; returns the prefix."""
        _require_eager()
        prefix: str = os.fspath(file_prefix)
        _save_objects(self, prefix)
        for callback in (options and options.experimental_write_callbacks) or ():
            callback(prefix) if callback.__code__.co_argcount else callback()
        return prefix

    def save(self, file_prefix: Any, options: CheckpointOptions | None = None) -> str:
        """Write a checkpoint of that prefix and the next number, named the folder's latest; returns its prefix."""
        _require_eager()
        if str(file_prefix).endswith("/"):
            raise ValueError(f"Received a directory as `file_prefix`: {file_prefix!r}. Give a prefix in it.")
        self.save_counter.assign_add(1)
        path = self.write(f"{os.fspath(file_prefix)}-{int(self.save_counter)}", options)
        folder = os.path.dirname(path)
        state = checkpoint_state(folder, os.path.relpath(path, folder or "."))
        write_checkpoint_state(folder, state)
        return path

    def read(self, save_path: Any, options: CheckpointOptions | None = None) -> RestoreStatus:
        """Restore a checkpoint that `write` has written; parts that do not exist yet are restored when they do.

        Raises:
          NotFoundError: if there is no such checkpoint.
          ValueError, InvalidArgumentError: if a variable's shape or dtype is another than the saved one.
        """
        _require_eager()
        if save_path is None:
            return RestoreStatus(self, None)
        path = os.fspath(save_path)
        reader = BundleReader(path)
        if not reader.has_tensor(OBJECT_GRAPH_KEY):
            return _NamedRestoreStatus(self, reader)
        graph = TrackableObjectGraph.FromString(reader.get_tensor(OBJECT_GRAPH_KEY).item())
        _check_graph(graph, path)
        restoration = _Restoration(reader, graph, path)
        restoration.match(self, 0)
        return RestoreStatus(self, restoration)

    def restore(self, save_path: Any, options: CheckpointOptions | None = None) -> RestoreStatus:
        """Restore a checkpoint that `save` or `write` has written; nothing for None. Raises as `read`."""
        if save_path is not None:
            _ = self.save_counter
        try:
            return self.read(save_path, options)
        except NotFoundError as error:
            raise NotFoundError(
                None, None,
                f"Error when restoring from checkpoint or SavedModel at {save_path}: {error.message}\nPlease "
                "double-check that the path is correct. You may be missing the checkpoint suffix (e.g. the '-1' in "
                "'path/to/ckpt-1').",
            ).here() from None  # fmt: skip

    def sync(self) -> None:
        """Nothing to wait for: checkpoints are written before `save` returns."""


def _require_state(name: str, value: Any) -> None:
    if not holds_state(value) and not isinstance(value, list | tuple | dict):
        raise ValueError(
            f"`Checkpoint` was expecting {name} to be a trackable object (an object derived from `Trackable`), got "
            f"{value}. If it is a number, put it into a tf.Variable."
        )


def _require_eager() -> None:
    if context.graph is not None:
        raise NotImplementedError(
            "tf.train.Checkpoint saves and restores eagerly: call it outside of tf.function, and use "
            "tf.compat.v1.train.Saver in the graphs of TensorFlow 1."
        )


def _check_graph(graph: Any, path: str) -> None:
    """Raise `ValueError` for a graph whose edges lead nowhere."""
    count = len(graph.nodes)
    if not count or any(not 0 <= ref.node_id < count for node in graph.nodes for ref in node.children):
        raise ValueError(f"{path}: the object graph of this checkpoint is damaged.")
