"""A cell that looks at memories.

TensorFlow: tf.contrib.seq2seq.AttentionWrapper.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from duoflow.core import dtypes, nest
from duoflow.core.late import F
from duoflow.core.tensor import Tensor

from ...layers import Dense
from ...rnn_cell import RNNCell

__all__ = ["AttentionWrapper", "AttentionWrapperState"]


class AttentionWrapperState(NamedTuple):
    """The state of an `AttentionWrapper`.

    cell_state: of the cell. attention: what was seen last. time: the number of steps. alignments, alignment_history and
    attention_state: one for each mechanism, a tuple of them if there are several; the history is a TensorArray, or ().

    TensorFlow: tf.contrib.seq2seq.AttentionWrapperState.
    """

    cell_state: Any
    attention: Any
    time: Any
    alignments: Any
    alignment_history: Any
    attention_state: Any

    def clone(self, **kwargs: Any) -> AttentionWrapperState:
        """The state with some parts replaced by others of their shapes."""
        for name, new in kwargs.items():
            for old, item in zip(nest.flatten(getattr(self, name)), nest.flatten(new), strict=True):
                if (
                    isinstance(old, Tensor)
                    and isinstance(item, Tensor)
                    and not item.shape.is_compatible_with(old.shape)
                ):
                    raise ValueError(
                        f"The shape of the AttentionWrapperState is expected to be same as the one to clone. "
                        f"self.shape: {old.shape}, input.shape: {item.shape}"
                    )
        return self._replace(**kwargs)


class AttentionWrapper(RNNCell):
    """A cell that gets, with its inputs, what its last output saw in memories.

    Args:
      cell: an `RNNCell`.
      attention_mechanism: an `AttentionMechanism`, or a list of them.
      attention_layer_size: the size of a layer behind (output, what was seen), which is the attention then; one for
        each mechanism. Without it the attention is what was seen.
      alignment_history: whether the alignments of all steps are kept.
      cell_input_fn: (inputs, attention) -> the cell's inputs; both behind each other by default.
      output_attention: whether the output is the attention, or the cell's output.
      initial_cell_state: what `zero_state` gives for the cell.
      attention_layer: a layer in place of `attention_layer_size`.
      attention_fn: (mechanism, output, state, layer) -> (attention, alignments, next state).

    Raises:
      TypeError, ValueError: for what is no mechanism, and layers that are not one for each.

    TensorFlow: tf.contrib.seq2seq.AttentionWrapper.
    """

    def __init__(
        self, cell: Any, attention_mechanism: Any, attention_layer_size: Any = None, alignment_history: bool = False,
        cell_input_fn: Callable[..., Any] | None = None, output_attention: bool = True, initial_cell_state: Any = None,
        name: str | None = None, attention_layer: Any = None, attention_fn: Callable[..., Any] | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name=name, dtype=dtype)
        if not hasattr(cell, "state_size") or not callable(cell):
            raise TypeError(f"cell must be an RNNCell, received: {cell!r}")
        self._several = isinstance(attention_mechanism, (list, tuple))
        self._mechanisms = tuple(attention_mechanism) if self._several else (attention_mechanism,)
        for mechanism in self._mechanisms:
            if not hasattr(mechanism, "alignments_size"):
                raise TypeError(f"attention_mechanism must be an AttentionMechanism, received: {mechanism!r}")
        if cell_input_fn is not None and not callable(cell_input_fn):
            raise TypeError(f"cell_input_fn must be callable, saw type: {type(cell_input_fn).__name__}")
        if attention_layer_size is not None and attention_layer is not None:
            raise ValueError("Only one of attention_layer_size and attention_layer should be set")
        self._layers = self._made(attention_layer_size, attention_layer, dtype)
        self._cell, self._initial_cell_state, self._output_attention = cell, initial_cell_state, output_attention
        self._cell_inputs = cell_input_fn or (lambda inputs, attention: F.concat([inputs, attention], -1))
        self._attend, self._keeps_history = attention_fn or _attention, alignment_history

    def _made(self, sizes: Any, layers: Any, dtype: Any) -> tuple[Any, ...]:
        many = lambda value: tuple(value) if isinstance(value, (list, tuple)) else (value,)
        count = len(self._mechanisms)
        if sizes is not None:
            kind = dtype or dtypes.float32
            made = tuple(Dense(s, name="attention_layer", use_bias=False, dtype=kind) for s in many(sizes))
        else:
            made = (None,) * count if layers is None else many(layers)
        if len(made) != count:
            raise ValueError(
                f"There must be one attention layer for each attention_mechanism, saw: {len(made)} vs {count}"
            )
        return made

    def _items(self, values: Any) -> Any:
        """One for each mechanism, as states have them."""
        found = tuple(values)
        return found if self._several else found[0]

    @property
    def _attention_size(self) -> int:
        each = zip(self._layers, self._mechanisms, strict=True)
        return sum(m.values.dims[-1] if layer is None else int(layer.units) for layer, m in each)

    @property
    def output_size(self) -> Any:
        return self._attention_size if self._output_attention else self._cell.output_size

    @property
    def state_size(self) -> Any:
        sizes = [m.alignments_size for m in self._mechanisms]
        return AttentionWrapperState(
            self._cell.state_size, self._attention_size, (), self._items(sizes),
            self._items(s if self._keeps_history else () for s in sizes),
            self._items(m.state_size for m in self._mechanisms),
        )  # fmt: skip

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """The state before the first step; for `batch_size` that of the memories."""
        with F.name_scope(f"{type(self).__name__}ZeroState"):
            cell_state = self._initial_cell_state
            cell_state = (
                self._cell.zero_state(batch_size, dtype)
                if cell_state is None
                else nest.map_structure(lambda s: F.identity(s, name="checked_cell_state"), cell_state)
            )
            alignments = [m.initial_alignments(batch_size, dtype) for m in self._mechanisms]
            return AttentionWrapperState(
                cell_state, F.zeros(F.stack([batch_size, self._attention_size]), dtype), F.constant(0),
                self._items(alignments), self._items(self._history(a, dtype) for a in alignments),
                self._items(m.initial_state(batch_size, dtype) for m in self._mechanisms),
            )  # fmt: skip

    def _history(self, alignments: Any, dtype: Any) -> Any:
        if not self._keeps_history:
            return ()
        return F.TensorArray(dtype, 0, dynamic_size=True, element_shape=alignments.shape, clear_after_read=False)

    def call(self, inputs: Any, state: Any) -> Any:  # type: ignore[override]
        if not isinstance(state, AttentionWrapperState):
            raise TypeError(
                f"Expected state to be instance of AttentionWrapperState. Received type {type(state)} instead."
            )
        output, cell_state = self._cell(self._cell_inputs(inputs, state.attention), state.cell_state)
        many = lambda value: value if self._several else (value,)
        each = zip(
            self._mechanisms, many(state.attention_state), many(state.alignment_history), self._layers, strict=True
        )
        seen, alignments, histories, states = [], [], [], []
        for mechanism, held, history, layer in each:
            attention, alignment, new = self._attend(mechanism, output, held, layer)
            seen.append(attention)
            alignments.append(alignment)
            states.append(new)
            histories.append(history.write(state.time, alignment) if self._keeps_history else ())
        attention = F.concat(seen, 1)
        new_state = AttentionWrapperState(
            cell_state, attention, state.time + 1, self._items(alignments), self._items(histories), self._items(states)
        )
        return (attention if self._output_attention else output), new_state


def _attention(mechanism: Any, output: Any, state: Any, layer: Any) -> tuple[Any, Any, Any]:
    alignments, new = mechanism(output, state=state)
    seen = F.squeeze(F.matmul(F.expand_dims(alignments, 1), mechanism.values), [1])
    attention = seen if layer is None else layer(F.concat([output, seen], 1))
    return attention, alignments, new
