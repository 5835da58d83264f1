"""`tf.nn.rnn_cell`: cells, which take (inputs, state) to (output, state), and wrappers around them.

A state is a tensor [batch, size], or a tuple of such.

TensorFlow: tf.compat.v1.nn.rnn_cell (1.x; TensorFlow 2.21 has dropped it).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from duoflow.core import nest
from duoflow.core.context import device
from duoflow.core.late import F
from duoflow.core.shapes import TensorShape
from duoflow.core.tensor import Tensor, convert, static_value

from .initializers import constant_initializer, zeros_initializer
from .layers import Layer
from .variables import variable_scope

__all__ = [
    "BasicLSTMCell", "BasicRNNCell", "DeviceWrapper", "DropoutWrapper", "GRUCell", "LSTMCell", "LSTMStateTuple",
    "MultiRNNCell", "RNNCell", "ResidualWrapper",
]  # fmt: skip


class LSTMStateTuple(NamedTuple):
    """The memory `c` and the output `h` of an LSTM. TensorFlow: tf.compat.v1.nn.rnn_cell.LSTMStateTuple."""

    c: Any
    h: Any

    @property
    def dtype(self) -> Any:
        """The dtype of both."""
        if self.c.dtype != self.h.dtype:
            raise TypeError(f"Inconsistent dtypes for internal state: {self.c.dtype} vs {self.h.dtype}")
        return self.c.dtype


class RNNCell(Layer):
    """Base of the cells. Subclasses give `state_size`, `output_size` and `call(inputs, state)`.

    TensorFlow: tf.compat.v1.nn.rnn_cell.RNNCell.
    """

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """The output and the new state."""
        return super().__call__(inputs, state, scope=scope)

    @property
    def state_size(self) -> Any:
        """The sizes of the state: ints, TensorShapes, or a structure of them."""
        raise NotImplementedError("Abstract method")

    @property
    def output_size(self) -> Any:
        """The size of the output."""
        raise NotImplementedError("Abstract method")

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """A state of zeros."""
        known = static_value(batch_size) if isinstance(batch_size, Tensor) else batch_size
        batch = batch_size if known is None else int(known)

        def zeros(size: Any) -> Any:
            tail = size.as_list() if isinstance(size, TensorShape) else [size]
            return F.zeros(F.stack([batch, *tail]) if isinstance(batch, Tensor) else [batch, *tail], dtype)

        with F.name_scope(f"{type(self).__name__}ZeroState"):
            return _map_sizes(zeros, self.state_size)

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """A state of zeros for inputs, or for a batch size and a dtype."""
        if inputs is not None:
            inputs = convert(inputs)
            batch_size, dtype = F.shape(inputs)[0], inputs.dtype
        if batch_size is None or dtype is None:
            raise ValueError(
                f"batch_size and dtype cannot be None while constructing initial state: {batch_size}, {dtype}"
            )
        return self.zero_state(batch_size, dtype)


def _map_sizes(function: Callable[[Any], Any], sizes: Any) -> Any:
    """A function of each size; a TensorShape is one size."""
    if isinstance(sizes, LSTMStateTuple):
        return LSTMStateTuple(*[_map_sizes(function, s) for s in sizes])
    if isinstance(sizes, tuple) and hasattr(sizes, "_fields"):
        return type(sizes)(*[_map_sizes(function, s) for s in sizes])
    if isinstance(sizes, (list, tuple)):
        return type(sizes)(_map_sizes(function, s) for s in sizes)
    return function(sizes)


def _input_size(input_shape: Any) -> int:
    size = TensorShape(input_shape)[-1]
    if size is None:
        raise ValueError(f"Expected inputs.shape[-1] to be known, received shape: {input_shape}")
    return int(size)


class _OneStateCell(RNNCell):
    """A cell whose only state is its output."""

    _num_units: int

    @property
    def state_size(self) -> Any:
        return self._num_units

    @property
    def output_size(self) -> Any:
        return self._num_units


class BasicRNNCell(_OneStateCell):
    """activation(W [inputs, state] + b). TensorFlow: tf.compat.v1.nn.rnn_cell.BasicRNNCell."""

    def __init__(
        self, num_units: int, activation: Any = None, reuse: Any = None, name: str | None = None, dtype: Any = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units, self._activation = num_units, activation or F.tanh

    def build(self, input_shape: Any) -> None:
        depth = _input_size(input_shape)
        self._kernel = self.add_weight("kernel", [depth + self._num_units, self._num_units])
        self._bias = self.add_weight("bias", [self._num_units], initializer=zeros_initializer)
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:  # type: ignore[override]
        output = self._activation(F.bias_add(F.matmul(F.concat([inputs, state], 1), self._kernel), self._bias))
        return output, output


class GRUCell(_OneStateCell):
    """Gated recurrent unit (Cho et al., 2014). TensorFlow: tf.compat.v1.nn.rnn_cell.GRUCell."""

    def __init__(
        self, num_units: int, activation: Any = None, reuse: Any = None, kernel_initializer: Any = None,
        bias_initializer: Any = None, name: str | None = None, dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units, self._activation = num_units, activation or F.tanh
        self._kernel_initializer, self._bias_initializer = kernel_initializer, bias_initializer

    def build(self, input_shape: Any) -> None:
        depth, units = _input_size(input_shape), self._num_units
        of_kernel, of_bias = self._kernel_initializer, self._bias_initializer
        self._gate_kernel = self.add_weight("gates/kernel", [depth + units, 2 * units], initializer=of_kernel)
        start = constant_initializer(1.0) if of_bias is None else of_bias
        self._gate_bias = self.add_weight("gates/bias", [2 * units], initializer=start)
        self._candidate_kernel = self.add_weight("candidate/kernel", [depth + units, units], initializer=of_kernel)
        self._candidate_bias = self.add_weight("candidate/bias", [units], initializer=of_bias or zeros_initializer)
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:  # type: ignore[override]
        gates = F.bias_add(F.matmul(F.concat([inputs, state], 1), self._gate_kernel), self._gate_bias)
        r, u = F.split(F.sigmoid(gates), 2, 1)
        mixed = F.matmul(F.concat([inputs, r * state], 1), self._candidate_kernel)
        new = u * state + (1 - u) * self._activation(F.bias_add(mixed, self._candidate_bias))
        return new, new


class BasicLSTMCell(RNNCell):
    """Long short-term memory (Zaremba et al., 2014). TensorFlow: tf.compat.v1.nn.rnn_cell.BasicLSTMCell."""

    def __init__(
        self, num_units: int, forget_bias: float = 1.0, state_is_tuple: bool = True, activation: Any = None,
        reuse: Any = None, name: str | None = None, dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units, self._forget_bias = num_units, forget_bias
        self._state_is_tuple, self._activation = state_is_tuple, activation or F.tanh

    @property
    def state_size(self) -> Any:
        units = self._num_units
        return LSTMStateTuple(units, units) if self._state_is_tuple else 2 * units

    @property
    def output_size(self) -> Any:
        return self._num_units

    def build(self, input_shape: Any) -> None:
        depth, units = _input_size(input_shape), self._num_units
        self._kernel = self.add_weight("kernel", [depth + units, 4 * units])
        self._bias = self.add_weight("bias", [4 * units], initializer=zeros_initializer)
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:  # type: ignore[override]
        c, h = state if self._state_is_tuple else F.split(state, 2, 1)
        gates = F.bias_add(F.matmul(F.concat([inputs, h], 1), self._kernel), self._bias)
        i, j, f, o = F.split(gates, 4, 1)
        new_c = c * F.sigmoid(f + self._forget_bias) + F.sigmoid(i) * self._activation(j)
        new_h = self._activation(new_c) * F.sigmoid(o)
        return new_h, LSTMStateTuple(new_c, new_h) if self._state_is_tuple else F.concat([new_c, new_h], 1)


class LSTMCell(RNNCell):
    """Long short-term memory with peepholes, clipping and a projection of the output (Sak et al., 2014).

    TensorFlow: tf.compat.v1.nn.rnn_cell.LSTMCell.
    """

    def __init__(
        self, num_units: int, use_peepholes: bool = False, cell_clip: float | None = None, initializer: Any = None,
        num_proj: int | None = None, proj_clip: float | None = None, num_unit_shards: Any = None,
        num_proj_shards: Any = None, forget_bias: float = 1.0, state_is_tuple: bool = True, activation: Any = None,
        reuse: Any = None, name: str | None = None, dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(_reuse=reuse, name=name, dtype=dtype, **kwargs)
        self._num_units, self._use_peepholes, self._cell_clip = num_units, use_peepholes, cell_clip
        self._initializer, self._num_proj, self._proj_clip = initializer, num_proj, proj_clip
        self._forget_bias, self._state_is_tuple = forget_bias, state_is_tuple
        self._activation = activation or F.tanh

    @property
    def state_size(self) -> Any:
        sizes = (self._num_units, self.output_size)
        return LSTMStateTuple(*sizes) if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        return self._num_proj or self._num_units

    def build(self, input_shape: Any) -> None:
        depth, units = _input_size(input_shape), self._num_units
        start = self._initializer
        self._kernel = self.add_weight("kernel", [depth + self.output_size, 4 * units], initializer=start)
        self._bias = self.add_weight("bias", [4 * units], initializer=zeros_initializer)
        if self._use_peepholes:
            self._peepholes = [
                self.add_weight(f"w_{gate}_diag", [units], initializer=start) for gate in ("f", "i", "o")
            ]
        if self._num_proj is not None:
            self._projection = self.add_weight("projection/kernel", [units, self._num_proj], initializer=start)
        self.built = True

    def call(self, inputs: Any, state: Any) -> Any:  # type: ignore[override]
        c, h = state if self._state_is_tuple else F.split(state, [self._num_units, self.output_size], 1)
        gates = F.bias_add(F.matmul(F.concat([inputs, h], 1), self._kernel), self._bias)
        i, j, f, o = F.split(gates, 4, 1)
        of_f, of_i, of_o = self._peepholes if self._use_peepholes else (0, 0, 0)
        forget = F.sigmoid(f + self._forget_bias + (of_f * c if self._use_peepholes else 0))
        new_c = forget * c + F.sigmoid(i + of_i * c if self._use_peepholes else i) * self._activation(j)
        if self._cell_clip is not None:
            new_c = F.clip_by_value(new_c, -self._cell_clip, self._cell_clip)
        new_h = F.sigmoid(o + of_o * new_c if self._use_peepholes else o) * self._activation(new_c)
        if self._num_proj is not None:
            new_h = F.matmul(new_h, self._projection)
            if self._proj_clip is not None:
                new_h = F.clip_by_value(new_h, -self._proj_clip, self._proj_clip)
        return new_h, LSTMStateTuple(new_c, new_h) if self._state_is_tuple else F.concat([new_c, new_h], 1)


# -- wrappers ----------------------------------------------------------------------------------------------------------


class MultiRNNCell(RNNCell):
    """Cells on top of each other. TensorFlow: tf.compat.v1.nn.rnn_cell.MultiRNNCell."""

    def __init__(self, cells: Sequence[Any], state_is_tuple: bool = True) -> None:
        super().__init__()
        if not cells:
            raise ValueError("Must specify at least one cell for MultiRNNCell.")
        if not isinstance(cells, (list, tuple)):
            raise TypeError(f"cells must be a list or tuple, but saw: {cells}.")
        if not state_is_tuple and any(isinstance(c.state_size, tuple) for c in cells):
            raise ValueError(f"Some cells return tuples of states, but the flag state_is_tuple is not set: {cells}")
        self._cells, self._state_is_tuple = list(cells), state_is_tuple

    @property
    def state_size(self) -> Any:
        sizes = tuple(cell.state_size for cell in self._cells)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        return self._cells[-1].output_size

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables of all cells."""
        return [w for cell in self._cells for w in cell.trainable_weights]

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        if self._state_is_tuple:
            return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)
        return super().zero_state(batch_size, dtype)

    def call(self, inputs: Any, state: Any) -> Any:  # type: ignore[override]
        states = state if self._state_is_tuple else F.split(state, [c.state_size for c in self._cells], 1)
        new = []
        for i, (cell, own) in enumerate(zip(self._cells, states, strict=True)):
            with variable_scope(f"cell_{i}"):
                inputs, own = cell(inputs, own)
            new.append(own)
        return inputs, tuple(new) if self._state_is_tuple else F.concat(new, 1)


class _Wrapper(RNNCell):
    """A cell around a cell, whose variables are the inner one's."""

    def __init__(self, cell: Any) -> None:
        super().__init__()
        self._cell = cell

    @property
    def wrapped_cell(self) -> Any:
        """The cell inside."""
        return self._cell

    @property
    def state_size(self) -> Any:
        return self._cell.state_size

    @property
    def output_size(self) -> Any:
        return self._cell.output_size

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables of the cell inside."""
        return self._cell.trainable_weights  # type: ignore[no-any-return]

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        return self._cell.zero_state(batch_size, dtype)

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        return self.wrap(inputs, state, lambda x, s: self._cell(x, s) if scope is None else self._cell(x, s, scope))

    def wrap(self, inputs: Any, state: Any, cell: Callable[[Any, Any], Any]) -> Any:
        """The output and the new state, by way of the inner cell."""
        raise NotImplementedError


class DropoutWrapper(_Wrapper):
    """Dropout of inputs, states and outputs.

    Args:
      input_keep_prob, output_keep_prob, state_keep_prob: the shares that are kept.
      variational_recurrent: use one pattern for all steps; then `input_size` and `dtype` must be given.

    TensorFlow: tf.compat.v1.nn.rnn_cell.DropoutWrapper.
    """

    def __init__(
        self, cell: Any, input_keep_prob: Any = 1.0, output_keep_prob: Any = 1.0, state_keep_prob: Any = 1.0,
        variational_recurrent: bool = False, input_size: Any = None, dtype: Any = None, seed: Any = None,
        dropout_state_filter_visitor: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(cell)
        for name, value in (("input", input_keep_prob), ("output", output_keep_prob), ("state", state_keep_prob)):
            if isinstance(value, (int, float)) and not 0.0 < value <= 1.0:
                raise ValueError(f"Parameter {name}_keep_prob must be between 0 and 1: {value:f}")
        if dropout_state_filter_visitor is not None and not callable(dropout_state_filter_visitor):
            raise TypeError("dropout_state_filter_visitor must be callable")
        self._keep = {"input": input_keep_prob, "state": state_keep_prob, "output": output_keep_prob}
        self._seed, self._filter = seed, dropout_state_filter_visitor or _not_the_memory
        self._noise: dict[str, list[Any]] = {}
        if variational_recurrent:
            if dtype is None:
                raise ValueError("When variational_recurrent=True, dtype must be provided")
            if input_size is None and self._drops("input"):
                raise ValueError(
                    "When variational_recurrent=True and input_keep_prob < 1.0, input_size must be provided"
                )
            sizes = {"input": input_size, "state": cell.state_size, "output": cell.output_size}
            for part in self._keep:
                if self._drops(part):
                    flat = nest.flatten(sizes[part])
                    self._noise[part] = [F.random_uniform([1, int(s)], dtype=dtype, seed=seed) for s in flat]

    def _drops(self, part: str) -> bool:
        keep = self._keep[part]
        return not isinstance(keep, (int, float)) or keep < 1.0

    def _dropped(self, part: str, value: Any, place: int = 0) -> Any:
        keep = self._keep[part]
        if part not in self._noise:
            return F.dropout(value, rate=1 - keep, seed=self._seed)
        return value / keep * F.floor(self._noise[part][place] + keep)

    def wrap(self, inputs: Any, state: Any, cell: Callable[[Any, Any], Any]) -> Any:
        if self._drops("input"):
            inputs = nest.map_structure(lambda x: self._dropped("input", x), inputs)
        output, new = cell(inputs, state)
        if self._drops("state"):
            flat, chosen = nest.flatten(new), nest.flatten(_filtered(self._filter, new))
            pairs = enumerate(zip(flat, chosen, strict=True))
            leaves = [self._dropped("state", part, i) if use else part for i, (part, use) in pairs]
            new = nest.pack_sequence_as(new, leaves)
        if self._drops("output"):
            output = nest.map_structure(lambda x: self._dropped("output", x), output)
        return output, new


def _not_the_memory(state: Any) -> Any:
    """Which parts of a state dropout applies to: all but the memory of LSTMs."""
    return LSTMStateTuple(False, True) if isinstance(state, LSTMStateTuple) else True


def _filtered(choose: Callable[[Any], Any], state: Any) -> Any:
    """A choice for each part of a state; one that stands for a whole tuple is made for its items."""
    chosen = choose(state)
    return tuple(_filtered(choose, s) for s in state) if chosen is True and isinstance(state, tuple) else chosen


class ResidualWrapper(_Wrapper):
    """The inputs added to the outputs. TensorFlow: tf.compat.v1.nn.rnn_cell.ResidualWrapper."""

    def __init__(self, cell: Any, residual_fn: Any = None, **kwargs: Any) -> None:
        super().__init__(cell)
        self._residual_fn = residual_fn

    def wrap(self, inputs: Any, state: Any, cell: Callable[[Any, Any], Any]) -> Any:
        outputs, new = cell(inputs, state)
        if self._residual_fn is not None:
            return self._residual_fn(inputs, outputs), new
        return nest.map_structure(lambda x, y: x + y, inputs, outputs), new


class DeviceWrapper(_Wrapper):
    """A cell on a device. TensorFlow: tf.compat.v1.nn.rnn_cell.DeviceWrapper."""

    def __init__(self, cell: Any, device: str, **kwargs: Any) -> None:
        super().__init__(cell)
        self._device = device

    def wrap(self, inputs: Any, state: Any, cell: Callable[[Any, Any], Any]) -> Any:
        with device(self._device):
            return cell(inputs, state)
