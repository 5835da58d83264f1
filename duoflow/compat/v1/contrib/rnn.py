"""`tf.contrib.rnn`: cells and sequence functions, most of which moved to `tf.nn`."""

from __future__ import annotations

from typing import Any

from duoflow.core.late import F

from ..rnn import bidirectional_dynamic_rnn, static_bidirectional_rnn, static_rnn, static_state_saving_rnn
from ..rnn_cell import (
    BasicLSTMCell,
    BasicRNNCell,
    DeviceWrapper,
    DropoutWrapper,
    GRUCell,
    LSTMCell,
    LSTMStateTuple,
    MultiRNNCell,
    ResidualWrapper,
    RNNCell,
)
from ..variables import variable_scope

__all__ = [
    "BasicLSTMCell", "BasicRNNCell", "DeviceWrapper", "DropoutWrapper", "EmbeddingWrapper", "GRUBlockCell", "GRUCell",
    "InputProjectionWrapper", "LSTMBlockCell", "LSTMCell", "LSTMStateTuple", "MultiRNNCell", "OutputProjectionWrapper",
    "RNNCell", "ResidualWrapper", "stack_bidirectional_dynamic_rnn", "static_bidirectional_rnn", "static_rnn",
    "static_state_saving_rnn",
]  # fmt: skip

GRUBlockCell = GRUCell
LSTMBlockCell = BasicLSTMCell


class _Projection(RNNCell):
    """A cell with a dense layer before or behind it."""

    def __init__(self, cell: Any, size: int, activation: Any = None, **kwargs: Any) -> None:
        super().__init__(_reuse=kwargs.pop("reuse", None), **kwargs)
        self._cell, self._size, self._activation = cell, size, activation

    @property
    def state_size(self) -> Any:
        return self._cell.state_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        return self._cell.zero_state(batch_size, dtype)

    def project(self, x: Any, scope: str) -> Any:
        """A linear map, and the activation."""
        with variable_scope(scope):
            kernel = self.add_weight("kernel", [x.dims[-1], self._size]) if not self.built else self.weights[0]
            bias = self.add_weight("bias", [self._size]) if not self.built else self.weights[1]
        out = F.bias_add(F.matmul(x, kernel), bias)
        return out if self._activation is None else self._activation(out)

    def build(self, input_shape: Any) -> None:
        """The variables are made by the first call."""

    def call(self, inputs: Any, state: Any) -> Any:  # type: ignore[override]
        raise NotImplementedError


class OutputProjectionWrapper(_Projection):
    """A dense layer behind a cell. TensorFlow: tf.contrib.rnn.OutputProjectionWrapper."""

    @property
    def output_size(self) -> Any:
        return self._size

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        output, new = self._cell(inputs, state)
        with variable_scope(scope or "output_projection_wrapper"):
            projected = self.project(output, "")
        self.built = True
        return projected, new


class InputProjectionWrapper(_Projection):
    """A dense layer before a cell. TensorFlow: tf.contrib.rnn.InputProjectionWrapper."""

    def __init__(self, cell: Any, num_proj: int, activation: Any = None, input_size: Any = None, **kwargs: Any) -> None:
        super().__init__(cell, num_proj, activation, **kwargs)

    @property
    def output_size(self) -> Any:
        return self._cell.output_size

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        with variable_scope(scope or "input_projection_wrapper"):
            projected = self.project(inputs, "")
        self.built = True
        return self._cell(projected, state)


class EmbeddingWrapper(RNNCell):
    """A cell whose inputs are class numbers, looked up in a table. TensorFlow: tf.contrib.rnn.EmbeddingWrapper."""

    def __init__(
        self, cell: Any, embedding_classes: int, embedding_size: int, initializer: Any = None, reuse: Any = None
    ) -> None:
        super().__init__(_reuse=reuse)
        self._cell, self._shape, self._start = cell, [embedding_classes, embedding_size], initializer

    state_size = property(lambda self: self._cell.state_size, doc="The size of the inner cell's state.")
    output_size = property(lambda self: self._cell.output_size, doc="The size of the inner cell's output.")

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        return self._cell.zero_state(batch_size, dtype)

    def build(self, input_shape: Any) -> None:
        self._table = self.add_weight("embedding", self._shape, initializer=self._start)
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:  # type: ignore[override]
        return self._cell(F.gather(self._table, F.reshape(inputs, [-1])), state)


def stack_bidirectional_dynamic_rnn(
    cells_fw: Any, cells_bw: Any, inputs: Any, initial_states_fw: Any = None, initial_states_bw: Any = None,
    dtype: Any = None, sequence_length: Any = None, parallel_iterations: Any = None, time_major: bool = False,
    scope: Any = None,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Bidirectional layers on top of each other: (outputs, states forwards, states backwards).

    TensorFlow: tf.contrib.rnn.stack_bidirectional_dynamic_rnn.
    """
    if len(cells_fw) != len(cells_bw) or not cells_fw:
        raise ValueError("Forward and Backward cells must have the same depth, at least one.")
    states_fw, states_bw, layer = [], [], inputs
    with variable_scope(scope or "stack_bidirectional_rnn"):
        for i, (fw, bw) in enumerate(zip(cells_fw, cells_bw, strict=True)):
            with variable_scope(f"cell_{i}"):
                outputs, (state_fw, state_bw) = bidirectional_dynamic_rnn(
                    fw, bw, layer, sequence_length, initial_states_fw[i] if initial_states_fw else None,
                    initial_states_bw[i] if initial_states_bw else None, dtype, time_major=time_major,
                )  # fmt: skip
            layer = F.concat(outputs, 2)
            states_fw.append(state_fw)
            states_bw.append(state_bw)
    return layer, tuple(states_fw), tuple(states_bw)
