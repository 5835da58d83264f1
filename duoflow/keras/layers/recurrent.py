"""Recurrent layers: a cell applied step by step (`RNN`), cells and layers of the common kinds."""

from __future__ import annotations

from typing import Any

from duoflow import ops as tf
from duoflow.core import nest
from duoflow.core.context import context
from duoflow.core.recurrence import Recurrences
from duoflow.core.switches import switches
from duoflow.core.tensor import convert
from duoflow.trace.function import function

from ..naming import name_scope
from ..recurring import recurrence_of
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..state import session
from ..tracking import untracked
from ..variables import Variable
from .input_spec import InputSpec
from .layer import Layer

__all__ = ["RNN", "StackedRNNCells"]


class RNN(Layer):
    """Applies a cell to each step of [batch, steps, features].

    Args:
      cell: a layer called as `cell(step, states) -> (output, new_states)` with a `state_size`; or a list of cells.
      return_sequences: give the output of every step, not just the last. return_state: give the last states too.
      go_backwards: start at the end. stateful: start each batch with the states that the last one left.
      unroll: write the steps out in graphs. zero_output_for_mask: zeros, not the last output, at masked steps.

    >>> tf.keras.layers.RNN(tf.keras.layers.LSTMCell(4))(tf.ones((2, 3, 5))).shape
    TensorShape([2, 4])

    Keras: keras.layers.RNN.
    """

    def __init__(
        self, cell: Any, return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
        stateful: bool = False, unroll: bool = False, zero_output_for_mask: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        if isinstance(cell, list | tuple):
            cell = StackedRNNCells(cell)
        for need in ("call", "state_size"):
            if not hasattr(cell, need):
                raise ValueError(
                    f"Argument `cell` should have a `{need}`{' method' if need == 'call' else ' attribute'}. "
                    f"Received: cell={cell}"
                )
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences, self.return_state, self.go_backwards = return_sequences, return_state, go_backwards
        self.stateful, self.unroll, self.zero_output_for_mask = stateful, unroll, zero_output_for_mask
        self.input_spec = InputSpec(ndim=3)
        self.supports_masking = True
        self.states: Any = None
        self._recurring = Recurrences()
        self._expected_batch_size: int | None = None
        size = cell.state_size
        self.single_state = isinstance(size, int)
        self.state_size = [size] if isinstance(size, int) else list(size)

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
        if not self.stateful:
            return
        if sequences_shape[0] is None:
            raise ValueError(
                "When using `stateful=True` in a RNN, the batch size must be static. Found dynamic batch size: "
                f"sequence.shape={sequences_shape}"
            )
        with untracked(), name_scope(self.name, caller=self):
            self.states = nest.map_structure(
                lambda value: Variable(value, trainable=False, dtype=self.variable_dtype, name="rnn_state"),
                self.get_initial_state(sequences_shape[0]),
            )
        self._expected_batch_size = sequences_shape[0]

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        """The states before the first step."""
        if hasattr(self.cell, "get_initial_state"):
            states = self.cell.get_initial_state(batch_size=batch_size)
        else:
            states = [tf.zeros([batch_size, size], self.cell.compute_dtype) for size in self.state_size]
        return list(states) if isinstance(states, list | tuple) else [states]

    def reset_state(self) -> None:
        """Start over with zeros (stateful layers)."""
        for state in nest.flatten(self.states or []):
            state.assign(tf.zeros_like(state))

    reset_states = reset_state

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = False) -> Any:
        if self.unroll and sequences.shape[1] is None:
            raise ValueError(
                "Cannot unroll a RNN if the time dimension is undefined. \n- If using a Sequential model, specify "
                "the time "
                "dimension by passing an `Input()` as your first layer.\n- If using the functional API, specify the "
                "time "
                "dimension by passing a `shape` or `batch_shape` argument to your `Input()`."
            )
        states = self._first_states(sequences, initial_state)
        _draw_masks(self.cell, sequences[:, 0], states)
        try:
            last, outputs, states = self._run_steps(sequences, states, mask, training)
        finally:
            _drop_masks(self.cell)
        if self.stateful:
            for variable, state in zip(nest.flatten(self.states), nest.flatten(states), strict=True):
                variable.assign(state)
        output = tf.cast(outputs if self.return_sequences else last, self.compute_dtype)
        if not self.return_state:
            return output
        return (output, *nest.map_structure(lambda s: tf.cast(s, self.compute_dtype), states))

    def _first_states(self, sequences: Any, initial_state: Any) -> list[Any]:
        if initial_state is None:
            batch = sequences.shape[0] if sequences.shape[0] is not None else tf.shape(sequences)[0]
            initial_state = self.states if self.stateful else self.get_initial_state(batch)
        if self.stateful and sequences.shape[0] not in (None, self._expected_batch_size):
            raise ValueError(
                "If an RNN is stateful, the batch size of the input sequences must be the same as the batch size of "
                "the "
                f"initial state. \n- Expected batch size: {self._expected_batch_size}\n- Received batch size: "
                f"{sequences.shape[0]}"
            )
        states = list(initial_state) if isinstance(initial_state, list | tuple) else [initial_state]
        dtype = getattr(self.cell, "compute_dtype", self.compute_dtype)
        return nest.map_structure(lambda s: tf.cast(convert(s), dtype), states)  # type: ignore[no-any-return]

    def _run_steps(self, sequences: Any, states: list[Any], mask: Any, training: Any) -> tuple[Any, Any, list[Any]]:
        """The last output, all outputs [batch, steps, ...] and the last states; compiled if they recur."""
        run = self._compiled_steps(sequences, states, mask, training) if context.graph is None else None
        return (run or self._steps)(sequences, states, mask, training)

    def _compiled_steps(self, sequences: Any, states: list[Any], mask: Any, training: Any) -> Any:
        """A function that does what `_steps` does, if such calls have come by often enough in eager mode."""
        if not getattr(self.cell, "is_plain", False) or not isinstance(training, bool | None):
            return None
        if switches.watched or not switches.eager_compile or session.stateless is not None:
            return None
        tensors = nest.flatten((sequences, states, [] if mask is None else mask))
        key = training, mask is None, *[(t.dims, t.dtype) for t in tensors]
        steps = recurrence_of(self._recurring, key, self, self.cell)
        return None if steps is None else steps.compiled(0, lambda: function(self._steps, autograph=False))

    def _steps(self, sequences: Any, states: list[Any], mask: Any, training: Any) -> tuple[Any, Any, list[Any]]:
        kwargs = {"training": training} if getattr(self.cell, "_call_has_training_arg", False) else {}

        def step(x: Any, states: list[Any]) -> tuple[Any, list[Any]]:
            output, new_states = self.cell(x, states, **kwargs)
            return output, list(new_states) if isinstance(new_states, list | tuple) else [new_states]

        steps = tf.transpose(sequences, [1, 0, *range(2, len(sequences.shape))])
        mask = None if mask is None else tf.transpose(tf.cast(mask, "bool"), [1, 0])
        if self.go_backwards:
            steps = tf.reverse(steps, [0])
            mask = None if mask is None else tf.reverse(mask, [0])
        every = self.return_sequences
        written_out = context.graph is None or self.unroll
        run = _written_out if written_out else _looped
        last, outputs, states = run(step, steps, states, mask, self.zero_output_for_mask, every)
        if every:
            outputs = tf.transpose(outputs, [1, 0, *range(2, len(outputs.shape))])
        return last, outputs, states

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        batch, length = sequences_shape[0], sequences_shape[1]
        size = getattr(self.cell, "output_size", None)
        size = self.state_size[0] if size is None else size
        output = (batch, length, size) if self.return_sequences else (batch, size)
        if not self.return_state:
            return output
        return (
            output,
            *(
                nest.map_structure(lambda n: (batch, n), s) if isinstance(s, list | tuple) else (batch, s)
                for s in self.state_size
            ),
        )

    def compute_mask(self, sequences: Any, mask: Any = None) -> Any:
        mask = nest.flatten(mask)[0]
        own = mask if self.return_sequences else None
        return [own, *(None for _ in self.state_size)] if self.return_state else own

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._sequence_config(), "cell": serialize_keras_object(self.cell)}

    def _sequence_config(self) -> dict[str, Any]:
        names = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        return cls(deserialize_keras_object(config.pop("cell"), custom_objects=custom_objects), **config)


# -- running the steps -------------------------------------------------------------------------------------------------


def _masked_step(
    step: Any, x: Any, states: list[Any], keep: Any, before: Any, zeros: bool
) -> tuple[Any, Any, list[Any]]:
    """One step where a mask lets only some examples advance: the output to give, the one to go on from, the states."""
    output, new_states = step(x, states)
    if keep is None:
        return output, output, new_states
    held = tf.zeros_like(output) if before is None else before
    going = _choose(keep, output, held)
    states = nest.map_structure(lambda new, old: _choose(keep, new, old), new_states, states)
    return (_choose(keep, output, tf.zeros_like(output)) if zeros else going), going, states


def _choose(keep: Any, yes: Any, no: Any) -> Any:
    return tf.where(tf.reshape(keep, [-1] + [1] * (len(yes.shape) - 1)), yes, no)


def _written_out(
    step: Any, steps: Any, states: list[Any], mask: Any, zeros: bool, every: bool
) -> tuple[Any, Any, list[Any]]:
    outputs, before, shown = [], None, None
    for t in range(int(steps.shape[0])):
        keep = None if mask is None else mask[t]
        shown, before, states = _masked_step(step, steps[t], states, keep, before, zeros)
        outputs.append(shown)
    # Of unrolled steps Keras hides the last output too, of loops it does not.
    return shown if zeros else before, tf.stack(outputs) if every else None, states


def _looped(
    step: Any, steps: Any, states: list[Any], mask: Any, zeros: bool, every: bool
) -> tuple[Any, Any, list[Any]]:
    """The steps as a loop of the graph; the first one is written out, since it tells the output's shape."""
    count = tf.shape(steps)[0]
    keep = None if mask is None else mask[0]
    shown, before, states = _masked_step(step, steps[0], states, keep, None, zeros)
    array = tf.TensorArray(before.dtype, size=count if every else 0, element_shape=before.shape)
    array = array.write(0, shown) if every else array

    def body(t: Any, array: Any, before: Any, states: Any) -> tuple[Any, ...]:
        keep = None if mask is None else mask[t]
        shown, going, states = _masked_step(step, steps[t], states, keep, before, zeros)
        return t + 1, array.write(t, shown) if every else array, going, states

    _, array, before, states = tf.while_loop(lambda t, *_: t < count, body, (tf.constant(1), array, before, states))
    return before, array.stack() if every else None, states


# -- dropout of cells --------------------------------------------------------------------------------------------------


def _draw_masks(cell: Any, step: Any, states: list[Any]) -> None:
    """Draw the dropout masks that all steps of this call share."""
    if isinstance(cell, StackedRNNCells):
        for inner, state in zip(cell.cells, states, strict=True):
            own = list(state) if isinstance(state, list | tuple) else [state]
            _draw_masks(inner, step, own)
            if inner is not cell.cells[-1]:
                step, _ = inner(step, own)
    elif hasattr(cell, "draw_masks"):
        cell.draw_masks(step, states[0])


def _drop_masks(cell: Any) -> None:
    for inner in cell.cells if isinstance(cell, StackedRNNCells) else [cell]:
        if hasattr(inner, "drop_masks"):
            inner.drop_masks()


class StackedRNNCells(Layer):
    """Cells on top of each other as one cell. Keras: keras.layers.StackedRNNCells."""

    def __init__(self, cells: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for cell in cells:
            if not hasattr(cell, "call") or not hasattr(cell, "state_size"):
                raise ValueError(
                    f"All cells must have a `call` method and a `state_size`. Received cell without one: {cell}"
                )
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the cells' states."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        """The size of the last cell's output."""
        last = self.cells[-1]
        size = getattr(last, "output_size", None)
        return (
            size
            if size is not None
            else last.state_size[0]
            if isinstance(last.state_size, list | tuple)
            else last.state_size
        )

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """The states before the first step."""
        return [
            cell.get_initial_state(batch_size=batch_size)
            if hasattr(cell, "get_initial_state")
            else tf.zeros([batch_size, cell.state_size], self.compute_dtype)
            for cell in self.cells
        ]

    def build(self, input_shape: Any) -> None:
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
            size = getattr(cell, "output_size", None)
            size = cell.state_size if size is None else size
            input_shape = (input_shape[0], size if isinstance(size, int) else size[0])

    def call(self, inputs: Any, states: Any, training: Any = False, **kwargs: Any) -> tuple[Any, list[Any]]:
        new_states = []
        for cell, state in zip(self.cells, states, strict=True):
            many = isinstance(state, list | tuple)
            extra = {"training": training} if getattr(cell, "_call_has_training_arg", False) else {}
            inputs, after = cell(inputs, list(state) if many else [state], **extra)
            after = list(after) if isinstance(after, list | tuple) else [after]
            new_states.append(after if many else after[0])
        return inputs, new_states

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cells": [serialize_keras_object(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        cells = [deserialize_keras_object(cell, custom_objects=custom_objects) for cell in config.pop("cells")]
        return cls(cells, **config)
