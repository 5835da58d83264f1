"""Convolutional recurrent layers: LSTMs whose states are images, ConvLSTM1D to ConvLSTM3D."""

from __future__ import annotations

from typing import Any, ClassVar

from duoflow import ops as tf

from .. import activations, initializers, ops
from ..preferences import standardize_data_format
from .arguments import checked_padding, per_axis, window_shape
from .input_spec import InputSpec
from .recurrent_cells import CellLayer, GatedCell
from .weights import add_configured

__all__ = ["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"]


class ConvLSTMCell(GatedCell):
    """An LSTM cell with convolutions in the place of matrix products. Shi et al. 2015."""

    rank: ClassVar[int]
    gates, masks, seeds_first = 4, 4, True

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
        dilation_rate: Any = 1, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros", unit_forget_bias: bool = True, kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None, bias_regularizer: Any = None, kernel_constraint: Any = None,
        recurrent_constraint: Any = None, bias_constraint: Any = None, dropout: float = 0.0,
        recurrent_dropout: float = 0.0, seed: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self._configure(
            filters, activation, use_bias, (kernel_initializer, kernel_regularizer, kernel_constraint),
            (recurrent_initializer, recurrent_regularizer, recurrent_constraint),
            (bias_initializer, bias_regularizer, bias_constraint), dropout, recurrent_dropout, seed,
        )  # fmt: skip
        self.filters, self.unit_forget_bias = filters, unit_forget_bias
        self.kernel_size = per_axis(kernel_size, self.rank, "kernel_size")
        self.strides = per_axis(strides, self.rank, "strides")
        self.padding = checked_padding(padding)
        self.data_format = standardize_data_format(data_format)
        self.dilation_rate = per_axis(dilation_rate, self.rank, "dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "Specifying `strides > 1` is not compatible with `dilation_rate > 1`. Please provide `strides=1` or "
                f"`dilation_rate=1`. Received: strides={self.strides} and dilation_rate={self.dilation_rate}"
            )
        self.recurrent_activation = activations.get(recurrent_activation)
        self.state_size = [filters, filters]

    def build(self, input_shape: Any) -> None:
        channels = input_shape[-1 if self.data_format == "channels_last" else 1]
        if None in input_shape[1:]:
            raise ValueError(
                "ConvLSTM layers only support static input shapes for the spatial dimension and the channels. "
                f"Received invalid input shape: input_shape={input_shape}"
            )
        self._step_shape = tuple(input_shape[1:])
        self.kernel = add_configured(self, "kernel", (*self.kernel_size, channels, self.filters * 4))
        self.recurrent_kernel = add_configured(
            self, "recurrent", (*self.kernel_size, self.filters, self.filters * 4), name="recurrent_kernel"
        )
        self.bias = self._make_bias() if self.use_bias else None

    def _make_bias(self) -> Any:
        if not self.unit_forget_bias:
            return super()._make_bias()
        own, filters = self.bias_initializer, self.filters

        def with_open_forget_gate(shape: Any, dtype: Any = None) -> Any:
            ones = initializers.Ones()((filters,), dtype=dtype)
            return tf.concat([own((filters,), dtype=dtype), ones, own((filters * 2,), dtype=dtype)], 0)

        return self.add_weight(
            (filters * 4,), with_open_forget_gate, regularizer=self.bias_regularizer,
            constraint=self.bias_constraint, name="bias",
        )  # fmt: skip

    def step_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """The shape of the output of a step of this shape."""
        return window_shape(
            input_shape, self.kernel_size, self.strides, self.padding, self.data_format, self.dilation_rate,
            self.filters,
        )  # fmt: skip

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        shape = self.step_shape((None, *self._step_shape))[1:]
        return [tf.zeros([batch_size, *shape], self.compute_dtype) for _ in range(2)]

    def call(self, inputs: Any, states: Any, training: Any = False) -> tuple[Any, list[Any]]:
        h, c = states
        ins, olds = self._dropped(inputs, h, training)
        last = self.rank + 1
        kernels = tf.split(tf.convert_to_tensor(self.kernel), 4, axis=last)
        inner = tf.split(tf.convert_to_tensor(self.recurrent_kernel), 4, axis=last)
        biases = [None] * 4 if self.bias is None else tf.split(tf.convert_to_tensor(self.bias), 4)
        i, f, candidate, o = (
            self._convolved(x, kernel, bias) + ops.conv(old, again, 1, "same", self.data_format)
            for x, kernel, bias, old, again in zip(ins, kernels, biases, olds, inner, strict=True)
        )
        gate = self.recurrent_activation
        c = gate(f) * c + gate(i) * self.activation(candidate)
        h = gate(o) * self.activation(c)
        return h, [h, c]

    def _convolved(self, x: Any, kernel: Any, bias: Any) -> Any:
        out = ops.conv(x, kernel, self.strides, self.padding, self.data_format, self.dilation_rate)
        if bias is None:
            return out
        if self.data_format == "channels_first":
            bias = tf.reshape(bias, [-1, *[1] * self.rank])
        return out + bias

    def _cell_config(self) -> dict[str, Any]:
        config = super()._cell_config()
        del config["units"]
        names = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "unit_forget_bias")
        own = {name: getattr(self, name) for name in names}
        return config | own | {"recurrent_activation": activations.serialize(self.recurrent_activation)}


def _cell(rank: int) -> type[ConvLSTMCell]:
    return type("ConvLSTMCell", (ConvLSTMCell,), {"rank": rank, "__doc__": ConvLSTMCell.__doc__})


_ORDER = """filters kernel_size strides padding data_format dilation_rate activation recurrent_activation use_bias
kernel_initializer recurrent_initializer bias_initializer unit_forget_bias kernel_regularizer recurrent_regularizer
bias_regularizer activity_regularizer kernel_constraint recurrent_constraint bias_constraint dropout recurrent_dropout
seed return_sequences return_state go_backwards stateful"""


class _ConvLSTM(CellLayer):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.input_spec = InputSpec(ndim=self.cell.rank + 3)

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        batch, steps = sequences_shape[0], sequences_shape[1]
        state = self.cell.step_shape((batch, *sequences_shape[2:]))
        output = (batch, steps, *state[1:]) if self.return_sequences else state
        return (output, state, state) if self.return_state else output


class ConvLSTM1D(_ConvLSTM):
    """A ConvLSTM over [batch, steps, places, channels]. Keras: keras.layers.ConvLSTM1D."""

    cell_class, order = _cell(1), _ORDER


class ConvLSTM2D(_ConvLSTM):
    """A ConvLSTM over films [batch, steps, height, width, channels].

    Args:
      filters: the number of output channels. kernel_size, strides, dilation_rate: ints or pairs.
      padding, data_format, activation, use_bias, *_initializer, *_regularizer, *_constraint: as in `Conv2D`.
      recurrent_activation: of the gates. dropout, recurrent_dropout: of inputs and states, in training.
      return_sequences, return_state, go_backwards, stateful: as in `RNN`.

    >>> tf.keras.layers.ConvLSTM2D(4, 3, padding="same")(tf.ones((1, 2, 8, 8, 3))).shape
    TensorShape([1, 8, 8, 4])

    Keras: keras.layers.ConvLSTM2D.
    """

    cell_class, order = _cell(2), _ORDER


class ConvLSTM3D(_ConvLSTM):
    """A ConvLSTM over [batch, steps, depth, height, width, channels]. Keras: keras.layers.ConvLSTM3D."""

    cell_class, order = _cell(3), _ORDER
