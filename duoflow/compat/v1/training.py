"""Around v1 training: the global step, learning rates that decay, and saving the variables of a session.

`Saver` writes one NumPy archive per checkpoint (`<prefix>.npz`, arrays by variable name, nothing executable) and a
text file `checkpoint` that names the latest ones, as TensorFlow does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.context import context
from duoflow.core.errors import NotFoundError
from duoflow.core.graph import Graph, get_default_graph
from duoflow.core.late import F
from duoflow.core.tensor import EagerTensor, convert
from duoflow.core.variables import Variable

from .initializers import zeros_initializer
from .modes import GraphKeys, global_variables
from .variables import get_variable

__all__ = [
    "Saver", "assert_global_step", "checkpoint_exists", "cosine_decay", "create_global_step", "exponential_decay",
    "get_global_step", "get_or_create_global_step", "global_step", "inverse_time_decay", "latest_checkpoint",
    "natural_exp_decay", "piecewise_constant", "polynomial_decay",
]  # fmt: skip


# -- the global step ---------------------------------------------------------------------------------------------------


def get_global_step(graph: Graph | None = None) -> Any:
    """The variable that counts training steps, or None. TensorFlow: tf.compat.v1.train.get_global_step."""
    found = (graph or get_default_graph()).get_collection(GraphKeys.GLOBAL_STEP)
    if len(found) > 1:
        raise TypeError("Multiple tensors in global_step collection.")
    return found[0] if found else None


def create_global_step(graph: Graph | None = None) -> Any:
    """Make the variable that counts training steps; `ValueError` if there is one.

    TensorFlow: tf.compat.v1.train.create_global_step.
    """
    graph = graph or get_default_graph()
    if get_global_step(graph) is not None:
        raise ValueError('"global_step" already exists.')
    with graph.as_default():
        return get_variable(
            "global_step", [], dtypes.int64, zeros_initializer(), trainable=False,
            collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
        )  # fmt: skip


def get_or_create_global_step(graph: Graph | None = None) -> Any:
    """The variable that counts training steps, made if there is none.

    TensorFlow: tf.compat.v1.train.get_or_create_global_step.
    """
    found = get_global_step(graph)
    return create_global_step(graph) if found is None else found


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """The value of a global step in a session. TensorFlow: tf.compat.v1.train.global_step."""
    return int(global_step_tensor.numpy() if context.graph is None else sess.run(global_step_tensor))


def assert_global_step(global_step_tensor: Any) -> None:
    """Raise `TypeError` unless something is an integer scalar. TensorFlow: tf.compat.v1.train.assert_global_step."""
    tensor = convert(global_step_tensor)
    if not tensor.dtype.is_integer or tensor.dims not in ((), None):
        raise TypeError(
            f'Existing "global_step" must be an integer scalar, is {tensor.dtype.name} of shape {tensor.shape}.'
        )


# -- learning rates ----------------------------------------------------------------------------------------------------


def _decayed(name: str | None, default: str, learning_rate: Any, step: Any, formula: Any) -> Any:
    """A learning rate as a function of the step: a tensor in graphs, a function of no arguments in eager mode."""
    if step is None:
        raise ValueError(f"global_step is required for {default}.")

    def value() -> Any:
        with F.name_scope(name or default):
            rate = convert(learning_rate)
            return formula(rate, F.cast(step, rate.dtype))

    return value if context.graph is None else value()


def exponential_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """learning_rate * decay_rate ** (step / decay_steps); whole powers only if `staircase`.

    TensorFlow: tf.compat.v1.train.exponential_decay.
    """

    def formula(rate: Any, step: Any) -> Any:
        power = step / F.cast(decay_steps, rate.dtype)
        return rate * F.pow(F.cast(decay_rate, rate.dtype), F.floor(power) if staircase else power)

    return _decayed(name, "ExponentialDecay", learning_rate, global_step, formula)


def natural_exp_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """learning_rate * exp(-decay_rate * step / decay_steps). TensorFlow: tf.compat.v1.train.natural_exp_decay."""
    return exponential_decay(
        learning_rate, global_step, decay_steps, math.exp(-decay_rate), staircase, name or "NaturalExpDecay"
    )


def inverse_time_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """learning_rate / (1 + decay_rate * step / decay_steps). TensorFlow: tf.compat.v1.train.inverse_time_decay."""

    def formula(rate: Any, step: Any) -> Any:
        share = step / F.cast(decay_steps, rate.dtype)
        return rate / (1 + F.cast(decay_rate, rate.dtype) * (F.floor(share) if staircase else share))

    return _decayed(name, "InverseTimeDecay", learning_rate, global_step, formula)


def polynomial_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, end_learning_rate: Any = 0.0001, power: Any = 1.0,
    cycle: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """From learning_rate to end_learning_rate in decay_steps, along a power of what is left.

    TensorFlow: tf.compat.v1.train.polynomial_decay.
    """

    def formula(rate: Any, step: Any) -> Any:
        span, end = F.cast(decay_steps, rate.dtype), F.cast(end_learning_rate, rate.dtype)
        if cycle:
            span = span * F.where(F.equal(step, 0), F.ones([], rate.dtype), F.ceil(step / span))
        left = 1 - F.minimum(step, span) / span
        return (rate - end) * F.pow(left, F.cast(power, rate.dtype)) + end

    return _decayed(name, "PolynomialDecay", learning_rate, global_step, formula)


def cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, alpha: float = 0.0, name: str | None = None
) -> Any:
    """From learning_rate to alpha * learning_rate in decay_steps, along half a cosine.

    TensorFlow: tf.compat.v1.train.cosine_decay.
    """

    def formula(rate: Any, step: Any) -> Any:
        span = F.cast(decay_steps, rate.dtype)
        curve = 0.5 * (1 + F.cos(math.pi * F.minimum(step, span) / span))
        return rate * ((1 - alpha) * curve + alpha)

    return _decayed(name, "CosineDecay", learning_rate, global_step, formula)


def piecewise_constant(x: Any, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None) -> Any:
    """values[i], where i counts the boundaries below x. TensorFlow: tf.compat.v1.train.piecewise_constant."""
    if len(boundaries) != len(values) - 1:
        raise ValueError("The length of boundaries should be 1 less than the length of values")

    def value() -> Any:
        with F.name_scope(name or "PiecewiseConstant"):
            at = convert(x)
            below = F.stack([F.cast(at > F.cast(b, at.dtype), dtypes.int32) for b in boundaries])
            return F.gather(F.stack([convert(v) for v in values]), F.reduce_sum(below))

    return value if context.graph is None else value()


# -- saving ------------------------------------------------------------------------------------------------------------


class Saver:
    """Saves the variables of a session and restores them.

    Args:
      var_list: the variables, or a dict of names and variables; all global variables by default.
      max_to_keep: how many checkpoints are kept; older ones are deleted.
      reshape: restore arrays of another shape with as many elements.
      sharded, keep_checkpoint_every_n_hours, name, restore_sequentially, saver_def, builder, defer_build, allow_empty,
      write_version, pad_step_number, save_relative_paths, filename: accepted.

    TensorFlow: tf.compat.v1.train.Saver.
    """

    def __init__(
        self, var_list: Any = None, reshape: bool = False, sharded: bool = False, max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0, name: str | None = None, restore_sequentially: bool = False,
        saver_def: Any = None, builder: Any = None, defer_build: bool = False, allow_empty: bool = False,
        write_version: int = 2, pad_step_number: bool = False, save_relative_paths: bool = False, filename: str |
          None = None,
    ) -> None:  # fmt: skip
        self._variables = _named(global_variables() if var_list is None else var_list)
        if not self._variables and not allow_empty:
            raise ValueError("No variables to save")
        self._reshape, self._keep = reshape, max_to_keep
        self._kept: list[str] = []

    @property
    def last_checkpoints(self) -> list[str]:
        """The prefixes of the checkpoints that are kept, the latest last."""
        return list(self._kept)

    def save(
        self, sess: Any, save_path: str, global_step: Any = None, latest_filename: str | None = None,
        meta_graph_suffix: str = "meta", write_meta_graph: bool = True, write_state: bool = True,
        strip_default_attrs: bool = False, save_debug_info: bool = False,
    ) -> str:  # fmt: skip
        """Write a checkpoint; returns its prefix, with "-<step>" if a step is given. No graph is written."""
        if global_step is not None:
            step = global_step if isinstance(global_step, int) else int(np.asarray(_value(sess, global_step)))
            save_path = f"{save_path}-{step}"
        path = Path(f"{save_path}.npz")
        if not path.parent.exists():
            raise ValueError(f"Parent directory of {save_path} doesn't exist, can't save.")
        arrays = {name: np.asarray(_value(sess, v)) for name, v in self._variables.items()}
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **{k: _plain(a) for k, a in arrays.items()})
        self._remember(save_path, latest_filename or "checkpoint", write_state)
        return save_path

    def _remember(self, prefix: str, state_name: str, write_state: bool) -> None:
        self._kept = [p for p in self._kept if p != prefix] + [prefix]
        while self._keep and len(self._kept) > self._keep:
            Path(f"{self._kept.pop(0)}.npz").unlink(missing_ok=True)
        if write_state:
            lines = [f'model_checkpoint_path: "{Path(prefix).name}"']
            lines += [f'all_model_checkpoint_paths: "{Path(p).name}"' for p in self._kept]
            (Path(prefix).parent / state_name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def restore(self, sess: Any, save_path: str) -> None:
        """Give the variables the values of a checkpoint; `ValueError` if there is none of that prefix."""
        path = Path(f"{save_path}.npz")
        if not path.exists():
            raise ValueError(f"The passed save_path is not a valid checkpoint: {save_path}")
        with np.load(path, allow_pickle=False) as arrays:
            for name, variable in self._variables.items():
                if name not in arrays:
                    raise NotFoundError(None, None, f"Key {name} not found in checkpoint {save_path}")
                array = _restored(arrays[name], variable.dtype)
                if self._reshape:
                    array = array.reshape(variable.shape.as_list())
                _load(sess, variable, array)


def _named(variables: Any) -> dict[str, Variable]:
    if isinstance(variables, dict):
        return dict(variables)
    return {v.name.partition(":")[0]: v for v in variables}


def _value(sess: Any, variable: Any) -> Any:
    if isinstance(variable, EagerTensor) or isinstance(variable, Variable) and variable._state is not None:
        return variable.numpy()  # type: ignore[union-attr]
    return sess.run(variable)


def _load(sess: Any, variable: Variable, array: Any) -> None:
    if variable._state is not None:
        variable.assign(array)
    else:
        sess._state(variable.handle.node).write(array)  # type: ignore[attr-defined]


def _plain(array: Any) -> Any:
    """An array without Python objects: strings as fixed-length bytes, small floats as their bits."""
    if array.dtype == object:
        return np.asarray(array.tolist(), "S") if array.size else np.zeros(array.shape, "S1")
    return array.view(f"u{array.dtype.itemsize}") if array.dtype.kind == "V" else array


def _restored(array: Any, dtype: Any) -> Any:
    if dtype is dtypes.string:
        return array.astype(object)
    return array.view(dtype.numpy) if array.dtype.kind == "u" and dtype.numpy.kind == "V" else array


def latest_checkpoint(checkpoint_dir: str, latest_filename: str | None = None) -> str | None:
    """The prefix of the latest checkpoint in a directory, or None. TensorFlow: tf.train.latest_checkpoint."""
    state = Path(checkpoint_dir) / (latest_filename or "checkpoint")
    if not state.exists():
        return None
    found = re.search(r'^model_checkpoint_path: "(.*)"$', state.read_text(encoding="utf-8"), re.MULTILINE)
    return None if found is None else str(Path(checkpoint_dir) / found.group(1))


def checkpoint_exists(checkpoint_prefix: str) -> bool:
    """Whether there is a checkpoint of that prefix. TensorFlow: tf.compat.v1.train.checkpoint_exists."""
    return Path(f"{checkpoint_prefix}.npz").exists()
