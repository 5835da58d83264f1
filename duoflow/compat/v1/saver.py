"""Saving the variables of a session in TensorFlow's checkpoints, and what is done with those.

A checkpoint is `<prefix>.index` and `<prefix>.data-00000-of-00001`; beside it `<prefix>.meta` holds the graph, and the
folder's file `checkpoint` names the latest ones. All of them are TensorFlow's formats.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.context import context
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.graph import get_default_graph
from duoflow.core.late import F
from duoflow.core.tensor import EagerTensor, GraphTensor
from duoflow.core.trackable import SaveableTensors
from duoflow.core.variables import Variable
from duoflow.formats.bundle import BundleReader, bundle_exists, write_bundle
from duoflow.formats.checkpoints import (
    checkpoint_state,
    checkpoints_iterator,
    get_checkpoint_state,
    latest_checkpoint,
    list_variables,
    load_checkpoint,
    load_variable,
    remove_checkpoint,
    write_checkpoint_state,
)
from duoflow.formats.messages import CheckpointState, SaverDef
from duoflow.formats.slices import Slices
from duoflow.lookup.mutable import SavedTable
from duoflow.ops.tables import DENSE_TABLE, MUTABLE_TABLE

from .meta_graph import export_meta_graph, read_meta_graph, restore_graph
from .modes import GraphKeys, get_collection, global_variables
from .partitions import parts_of, slice_info

__all__ = [
    "NewCheckpointReader", "Saver", "SaverDef", "checkpoint_exists", "checkpoints_iterator", "export_meta_graph",
    "generate_checkpoint_state_proto", "get_checkpoint_mtimes", "get_checkpoint_state", "import_meta_graph",
    "init_from_checkpoint", "latest_checkpoint", "list_variables", "load_checkpoint", "load_variable",
    "remove_checkpoint", "update_checkpoint_state", "warm_start",
]  # fmt: skip

_HOUR = 3600.0


class Saver:
    """Saves the variables of a session and restores them.

    Args:
      var_list: the variables, or a dict of names and variables; all global variables by default.
      reshape: restore arrays of another shape with as many elements.
      max_to_keep: how many checkpoints are kept, older ones being deleted; None or 0 for all.
      keep_checkpoint_every_n_hours: one checkpoint in so many hours is kept all the same.
      save_relative_paths: let the folder's file name checkpoints by paths relative to it.
      pad_step_number: write steps with eight digits.
      sharded, name, restore_sequentially, saver_def, builder, write_version, filename: accepted; there is one way to
        save here.

    Raises:
      ValueError: if there are no variables and `allow_empty` and `defer_build` are not set.

    TensorFlow: tf.compat.v1.train.Saver.
    """

    def __init__(
        self, var_list: Any = None, reshape: bool = False, sharded: bool = False, max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0, name: str | None = None, restore_sequentially: bool = False,
        saver_def: Any = None, builder: Any = None, defer_build: bool = False, allow_empty: bool = False,
        write_version: int = 2, pad_step_number: bool = False, save_relative_paths: bool = False,
        filename: str | None = None,
    ) -> None:  # fmt: skip
        self._given, self._allow_empty, self._variables = var_list, allow_empty, None
        self._reshape, self._keep = reshape, max_to_keep
        self._every, self._preserve_after = (
            keep_checkpoint_every_n_hours,
            time.time() + keep_checkpoint_every_n_hours * _HOUR,
        )
        self._pad, self._relative = pad_step_number, save_relative_paths
        self._kept: list[tuple[str, float]] = []
        if not defer_build:
            self.build()

    def build(self) -> None:
        """Settle which variables are saved."""
        if self._variables is None:
            given = global_variables() + get_collection("saveable_objects") if self._given is None else self._given
            self._variables: dict[str, Any] | None = _named(given)
            if not self._variables and not self._allow_empty:
                raise ValueError("No variables to save")

    @property
    def last_checkpoints(self) -> list[str]:
        """The prefixes of the checkpoints that are kept, the latest last."""
        return [prefix for prefix, _ in self._kept]

    def set_last_checkpoints(self, last_checkpoints: list[str]) -> None:
        """Take over the checkpoints that an earlier saver kept."""
        self._kept = [(prefix, float("inf")) for prefix in last_checkpoints]

    def set_last_checkpoints_with_time(self, last_checkpoints_with_time: list[tuple[str, float]]) -> None:
        """Take over checkpoints with their times."""
        self._kept = list(last_checkpoints_with_time)

    def recover_last_checkpoints(self, checkpoint_paths: list[str]) -> None:
        """Take over those checkpoints that exist."""
        self._kept = [(p, Path(f"{p}.index").stat().st_mtime) for p in checkpoint_paths if bundle_exists(p)]

    def as_saver_def(self) -> Any:
        """The saver as a message."""
        return SaverDef(max_to_keep=self._keep or 0, keep_checkpoint_every_n_hours=self._every, version=SaverDef.V2)

    to_proto = as_saver_def

    def export_meta_graph(self, filename: str | None = None, **kwargs: Any) -> Any:
        """`tf.train.export_meta_graph` with this saver."""
        return export_meta_graph(filename, saver_def=self.as_saver_def(), **kwargs)

    # -- saving ------------------------------------------------------------------------------------------------------

    def save(
        self, sess: Any, save_path: Any, global_step: Any = None, latest_filename: str | None = None,
        meta_graph_suffix: str = "meta", write_meta_graph: bool = True, write_state: bool = True,
        strip_default_attrs: bool = False, save_debug_info: bool = False,
    ) -> str:  # fmt: skip
        """Write a checkpoint; returns its prefix, with "-<step>" if a step is given.

        Raises:
          ValueError: if the folder does not exist, or `latest_filename` is a path.
        """
        self.build()
        assert self._variables is not None
        if latest_filename and os.path.split(latest_filename)[0]:
            raise ValueError("'latest_filename' must not contain path components")
        prefix = os.fspath(save_path)
        if not os.path.isdir(os.path.dirname(prefix) or "."):
            raise ValueError(f"Parent directory of {prefix} doesn't exist, can't save.")
        if global_step is not None:
            step = int(
                np.asarray(global_step if isinstance(global_step, (int, np.integer)) else _value(sess, global_step))
            )
            prefix = f"{prefix}-{step:08d}" if self._pad else f"{prefix}-{step}"
        write_bundle(prefix, _values(sess, self._variables))
        if write_state:
            self._remember(prefix, latest_filename)
        if write_meta_graph and context.graph is not None:
            export_meta_graph(f"{prefix}.{meta_graph_suffix}", saver_def=self.as_saver_def(), graph=sess.graph)
        return prefix

    def _remember(self, prefix: str, state_name: str | None) -> None:
        self._kept = [(p, t) for p, t in self._kept if p != prefix] + [(prefix, time.time())]
        while self._keep and len(self._kept) > self._keep:
            old, written = self._kept.pop(0)
            if written > self._preserve_after:
                self._preserve_after += self._every * _HOUR
            else:
                remove_checkpoint(old)
        folder = os.path.dirname(prefix)
        paths, latest = self.last_checkpoints, prefix
        if self._relative:
            paths, latest = [os.path.basename(p) for p in paths], os.path.basename(prefix)
            state = CheckpointState(model_checkpoint_path=latest, all_model_checkpoint_paths=paths)
        else:
            state = checkpoint_state(folder, latest, paths)
        write_checkpoint_state(folder, state, state_name)

    # -- restoring ---------------------------------------------------------------------------------------------------

    def restore(self, sess: Any, save_path: Any) -> None:
        """Give the variables the values of a checkpoint.

        Raises:
          ValueError: if there is none of that prefix.
          NotFoundError: if it lacks a variable.
          InvalidArgumentError: if a variable has another shape or dtype there.
        """
        self.build()
        assert self._variables is not None
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        prefix = os.fspath(save_path)
        if not bundle_exists(prefix):
            raise ValueError(f"The passed save_path is not a valid checkpoint: {prefix}")
        reader = BundleReader(prefix)
        arrays = {name: reader.get_tensor(name) for name in _keys(self._variables)}
        for name, saved in self._variables.items():
            if isinstance(saved, SaveableTensors):
                parts = {suffix: arrays[name + suffix] for suffix in saved._tensor_names()}
                saved._load_tensors(parts, _held(sess, saved))
            elif isinstance(saved, list):
                whole = self._whole(name, arrays[name], saved, prefix)
                for part in saved:
                    _load(sess, part, self._fitted(name, whole[slice_info(part).index], part, prefix))
            else:
                _load(sess, saved, self._fitted(name, arrays[name], saved, prefix))

    def _whole(self, name: str, array: Any, parts: list[Any], prefix: str) -> Any:
        """An array of the shape that parts are cut from."""
        shape = tuple(slice_info(parts[0]).full_shape)
        if array.shape != shape and not (self._reshape and array.size == np.prod(shape, dtype=np.int64)):
            raise InvalidArgumentError(
                None, None, f"Restoring from checkpoint failed. {name} is of shape {list(array.shape)} in {prefix}, "
                f"but the variable is of shape {list(shape)}, in {len(parts)} parts.",
            )  # fmt: skip
        return array.reshape(shape)

    def _fitted(self, name: str, array: Any, variable: Variable, prefix: str) -> Any:
        """An array as a variable takes it; the error names both where they differ."""
        dims = variable.dims
        if self._reshape and dims is not None and None not in dims and array.size == np.prod(dims, dtype=np.int64):
            array = array.reshape(dims)
        stored = dtypes.from_numpy(array.dtype)
        if stored is not variable.dtype or (dims is not None and not variable.shape.is_compatible_with(array.shape)):
            raise InvalidArgumentError(
                None, None, f"Restoring from checkpoint failed. {name} is {stored.name} of shape "
                f"{list(array.shape)} in {prefix}, but the variable is {variable.dtype.name} of shape "
                f"{variable.shape.as_list()}. The graph is not the one "
                "that was saved; Saver(reshape=True) accepts other shapes of as many elements."
            )  # fmt: skip
        return array


def _named(variables: Any) -> dict[str, Any]:
    """Variables by the names they are saved under; `ValueError` for two of one name."""
    if isinstance(variables, Mapping):
        out: dict[str, Any] = {}
        for name, value in variables.items():
            parts = parts_of(value)
            out[name] = sorted(parts, key=_start) if slice_info(parts[0]) else parts[0]
            if len(parts) > 1 and any(slice_info(part) is None for part in parts):
                raise ValueError(f"{name!r} names several variables, which are not parts of one.")
        return out
    out = {}
    for variable in parts_of(list(variables)):
        if not isinstance(variable, Variable | SaveableTensors):
            raise TypeError(f"Variable to save is not a Variable: {variable}")
        part = slice_info(variable)
        name = variable.name.partition(":")[0] if part is None else part.full_name
        if part is not None and isinstance(out.setdefault(name, []), list):
            if all(variable is not other for other in out[name]):
                out[name].append(variable)
            continue
        if name in out and out[name] is not variable:
            raise ValueError(f"At least two variables have the same name: {name}")
        out[name] = variable
    return out


def _start(variable: Any) -> Any:
    info = slice_info(variable)
    return () if info is None else tuple(info.var_offset)


def _value(sess: Any, variable: Any) -> Any:
    if isinstance(variable, EagerTensor) or (isinstance(variable, Variable) and variable._state is not None):
        return variable.numpy()
    return sess.run(variable)


def _keys(saved: dict[str, Any]) -> list[str]:
    """The names in a checkpoint of what is saved: of tables several."""
    return [
        name + suffix
        for name, item in saved.items()
        for suffix in (item._tensor_names() if isinstance(item, SaveableTensors) else ("",))
    ]


def _held(sess: Any, item: Any) -> Any:
    """What a session has for a table of its graph, None for one of eager mode."""
    handle = item.resource_handle
    return _session(sess)._state(handle.node) if isinstance(handle, GraphTensor) else None


def _values(sess: Any, saved: dict[str, Any]) -> dict[str, Any]:
    """The values of all that is saved, those of a session's variables taken in one run."""
    tables = {n: t._save_tensors(_held(sess, t)) for n, t in saved.items() if isinstance(t, SaveableTensors)}
    out = {name + suffix: array for name, parts in tables.items() for suffix, array in parts.items()}
    variables = {n: v for n, v in saved.items() if n not in tables}
    out |= {n: v.numpy() for n, v in variables.items() if not isinstance(v, list) and v._state is not None}
    rest = {n: v for n, v in variables.items() if n not in out}
    found = sess.run(rest) if rest else {}
    whole = {n: _slices(rest[n], value) if isinstance(rest[n], list) else value for n, value in found.items()}
    return {**out, **whole}


def _slices(parts: list[Any], values: list[Any]) -> Slices:
    """The values of parts as a checkpoint has them."""
    infos = [slice_info(part) for part in parts]
    placed = [(tuple(info.var_offset), value) for info, value in zip(infos, values, strict=True) if info is not None]
    return Slices(tuple(infos[0].full_shape), placed)  # type: ignore[union-attr]


def _load(sess: Any, variable: Variable, array: Any) -> None:
    if variable._state is not None:
        variable.assign(array)
    else:
        _session(sess)._state(variable.handle.node).write(array)  # type: ignore[attr-defined]


def _session(sess: Any) -> Any:
    """The session behind a monitored one."""
    while not hasattr(sess, "_state"):
        sess = sess._sess
    return sess


# -- meta graphs -------------------------------------------------------------------------------------------------------


def import_meta_graph(
    meta_graph_or_file: Any, clear_devices: bool = False, import_scope: str | None = None, **kwargs: Any
) -> Any:
    """Add the graph of a `.meta` file to the default graph; returns a saver of its variables.

    TensorFlow: tf.compat.v1.train.import_meta_graph.
    """
    meta = read_meta_graph(meta_graph_or_file)
    restore_graph(meta, clear_devices, import_scope, **kwargs)
    graph, prefix = get_default_graph(), f"{import_scope}/" if import_scope else ""
    saved = _named(graph.get_collection(GraphKeys.GLOBAL_VARIABLES, import_scope))
    tables = [node for node in graph.nodes if node.op in (MUTABLE_TABLE, DENSE_TABLE) and node.name.startswith(prefix)]
    saved |= {node.name: SavedTable(node.outputs[0]) for node in tables}
    if not saved:
        return None
    named = {name.removeprefix(prefix): item for name, item in saved.items()}
    return Saver(named, max_to_keep=meta.saver_def.max_to_keep or 5)


# -- checkpoints without a saver ---------------------------------------------------------------------------------------


def checkpoint_exists(checkpoint_prefix: Any) -> bool:
    """Whether there is a checkpoint of that prefix. TensorFlow: tf.compat.v1.train.checkpoint_exists."""
    return bundle_exists(os.fspath(checkpoint_prefix))


def generate_checkpoint_state_proto(
    save_dir: str, model_checkpoint_path: str, all_model_checkpoint_paths: Any = None,
    all_model_checkpoint_timestamps: Any = None, last_preserved_timestamp: Any = None,
) -> Any:  # fmt: skip
    """What the file `checkpoint` would say. TensorFlow: tf.compat.v1.train.generate_checkpoint_state_proto."""
    return checkpoint_state(
        save_dir, model_checkpoint_path, all_model_checkpoint_paths, all_model_checkpoint_timestamps,
        last_preserved_timestamp,
    )  # fmt: skip


def update_checkpoint_state(
    save_dir: str, model_checkpoint_path: str, all_model_checkpoint_paths: Any = None,
    latest_filename: str | None = None, all_model_checkpoint_timestamps: Any = None,
    last_preserved_timestamp: Any = None,
) -> None:  # fmt: skip
    """Write the file `checkpoint` of a folder. TensorFlow: tf.compat.v1.train.update_checkpoint_state."""
    state = checkpoint_state(
        save_dir, model_checkpoint_path, all_model_checkpoint_paths, all_model_checkpoint_timestamps,
        last_preserved_timestamp,
    )  # fmt: skip
    write_checkpoint_state(save_dir, state, latest_filename)


def get_checkpoint_mtimes(checkpoint_prefixes: Any) -> list[float]:
    """When checkpoints were written. TensorFlow: tf.compat.v1.train.get_checkpoint_mtimes."""
    return [Path(f"{p}.index").stat().st_mtime for p in checkpoint_prefixes if bundle_exists(p)]


def NewCheckpointReader(filepattern: Any) -> BundleReader:
    """A reader of the tensors of a checkpoint. TensorFlow: tf.compat.v1.train.NewCheckpointReader."""
    return BundleReader(os.fspath(filepattern))


def init_from_checkpoint(ckpt_dir_or_file: Any, assignment_map: Any) -> None:
    """Let variables start from the values of a checkpoint.

    Args:
      assignment_map: names in the checkpoint, with names of variables, variables, or scopes ("a/": "b/").

    TensorFlow: tf.compat.v1.train.init_from_checkpoint.
    """
    reader, graph = load_checkpoint(ckpt_dir_or_file), get_default_graph()
    existing = {v.name.partition(":")[0]: v for v in graph.get_collection(GraphKeys.GLOBAL_VARIABLES)}
    pairs = assignment_map.items() if isinstance(assignment_map, Mapping) else assignment_map
    for source, target in pairs:
        for name, variable in _assigned(source, target, existing, reader):
            array = reader.get_tensor(name)
            if not variable.shape.is_compatible_with(array.shape):
                raise ValueError(
                    f"Shape of variable {variable.name} ({variable.shape}) doesn't match with shape of tensor {name} "
                    f"({list(array.shape)}) from checkpoint reader."
                )
            with graph.as_default():
                start = F.constant(array, variable.dtype)
                assert isinstance(start, GraphTensor)
                variable._initializer_op = variable.assign(start, read_value=False)
                variable._initial = start


def _assigned(source: str, target: Any, existing: dict[str, Any], reader: BundleReader) -> Iterator[tuple[str, Any]]:
    if not isinstance(target, str):
        yield source, target[0] if isinstance(target, (list, tuple)) else target
    elif not target.endswith("/") and target in existing:
        yield source, existing[target]
    else:
        inside, outside = target.strip("/"), source.strip("/")
        prefix = f"{inside}/" if inside else ""
        found = [name for name in existing if name.startswith(prefix)]
        if not found:
            raise ValueError(f"Assignment map with scope only name {target} should map to scope only {source}.")
        for name in found:
            stored = (f"{outside}/" if outside else "") + name.removeprefix(prefix)
            if not reader.has_tensor(stored):
                raise ValueError(f"Tensor {stored} ({name} in {target}) is not found in {source!r} of the checkpoint.")
            yield stored, existing[name]


def warm_start(
    ckpt_to_initialize_from: Any, vars_to_warm_start: Any = ".*", var_name_to_vocab_info: Any = None,
    var_name_to_prev_var_name: Any = None,
) -> None:  # fmt: skip
    """`init_from_checkpoint` for the trainable variables whose names match.

    TensorFlow: tf.compat.v1.train.warm_start.
    """
    if var_name_to_vocab_info:
        raise NotImplementedError("Vocabularies are not remapped here; warm-start the other variables.")
    previous = var_name_to_prev_var_name or {}
    chosen = get_collection(GraphKeys.TRAINABLE_VARIABLES, vars_to_warm_start)
    names = {v.name.partition(":")[0]: v for v in chosen}
    init_from_checkpoint(ckpt_to_initialize_from, {previous.get(name, name): v for name, v in names.items()})
