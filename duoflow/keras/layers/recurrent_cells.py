"""The common recurrent cells, and the layers that run them: SimpleRNN, LSTM, GRU."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from duoflow import ops as tf

from .. import activations, initializers, random, regularizers
from ..naming import to_snake_case
from ..random import SeedGenerator
from .input_spec import InputSpec
from .layer import Layer
from .recurrent import RNN
from .weights import add_configured, configure, weight_config

__all__ = ["GRU", "LSTM", "GRUCell", "LSTMCell", "SimpleRNN", "SimpleRNNCell"]


class GatedCell(Layer):
    """What the cells share: weights for `gates` gates side by side, and dropout of inputs and states.

    A mask is drawn once for all steps by the layer that runs the cell; called by itself, a cell draws its own.
    """

    gates: ClassVar[int]
    masks: ClassVar[int] = 1
    seeds_first: ClassVar[bool] = False  # whether Keras draws the seed of dropout before those of weights

    def _configure(
        self, units: int, activation: Any, use_bias: bool, kernel: tuple[Any, ...], recurrent: tuple[Any, ...],
        bias: tuple[Any, ...], dropout: float, recurrent_dropout: float, seed: Any,
    ) -> None:  # fmt: skip
        if not isinstance(units, int) or units <= 0:
            raise ValueError(
                f"Received an invalid value for argument `units`, expected a positive integer, got {units}."
            )
        self.units, self.use_bias = units, use_bias
        if self.seeds_first:
            self.seed_generator = SeedGenerator(seed)
        self.activation = activations.get(activation)
        configure(self, "kernel", *kernel)
        configure(self, "recurrent", *recurrent)
        configure(self, "bias", *bias)
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        self.seed = seed
        if not self.seeds_first:
            self.seed_generator = SeedGenerator(seed)
        self.state_size: Any = units
        self.output_size = units
        self._input_masks: Any = None
        self._state_masks: Any = None

    def build(self, input_shape: Any) -> None:
        self.kernel = add_configured(self, "kernel", (input_shape[-1], self.units * self.gates))
        self.recurrent_kernel = add_configured(
            self, "recurrent", (self.units, self.units * self.gates), name="recurrent_kernel"
        )
        self.bias = self._make_bias() if self.use_bias else None

    def _make_bias(self) -> Any:
        return add_configured(self, "bias", (self.units * self.gates,))

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """The states before the first step."""
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        return [tf.zeros([batch_size, size], self.compute_dtype) for size in sizes]

    @property
    def is_plain(self) -> bool:
        """Whether a step is a function of inputs, states and weights alone."""
        return not (self.dropout or self.recurrent_dropout or self.activity_regularizer)

    def draw_masks(self, inputs: Any, state: Any) -> None:
        """Draw the dropout masks for the steps to come."""
        if self.dropout > 0.0 and self._input_masks is None:
            self._input_masks = self._masks(inputs, self.dropout)
        if self.recurrent_dropout > 0.0 and self._state_masks is None:
            self._state_masks = self._masks(state, self.recurrent_dropout)

    def _masks(self, like: Any, rate: float) -> list[Any]:
        return [random.dropout(tf.ones_like(like), rate, seed=self.seed_generator) for _ in range(self.masks)]

    def drop_masks(self) -> None:
        """Forget the masks, so that the next call draws new ones."""
        self._input_masks = self._state_masks = None

    def _dropped(self, inputs: Any, state: Any, training: Any) -> tuple[list[Any], list[Any]]:
        """The inputs and the state for each mask: as they are but in training."""
        if not training:
            return [inputs] * self.masks, [state] * self.masks
        self.draw_masks(inputs, state)
        ins = [inputs * m for m in self._input_masks] if 0.0 < self.dropout < 1.0 else [inputs] * self.masks
        states = [state * m for m in self._state_masks] if 0.0 < self.recurrent_dropout < 1.0 else [state] * self.masks
        return ins, states

    def _cell_config(self) -> dict[str, Any]:
        return {
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            **weight_config(self, "kernel", "recurrent", "bias"),
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
        }

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._cell_config()}


def _previous(states: Any) -> Any:
    return states[0] if isinstance(states, list | tuple) else states


class SimpleRNNCell(GatedCell):
    """activation(inputs @ kernel + state @ recurrent_kernel + bias). Keras: keras.layers.SimpleRNNCell."""

    gates, seeds_first = 1, True

    def __init__(
        self, units: int, activation: Any = "tanh", use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None, bias_regularizer: Any = None, kernel_constraint: Any = None,
        recurrent_constraint: Any = None, bias_constraint: Any = None, dropout: float = 0.0,
        recurrent_dropout: float = 0.0, seed: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self._configure(
            units, activation, use_bias, (kernel_initializer, kernel_regularizer, kernel_constraint),
            (recurrent_initializer, recurrent_regularizer, recurrent_constraint),
            (bias_initializer, bias_regularizer, bias_constraint), dropout, recurrent_dropout, seed,
        )  # fmt: skip

    def call(self, sequence: Any, states: Any, training: Any = False) -> tuple[Any, Any]:
        (inputs,), (state,) = self._dropped(sequence, _previous(states), training)
        h = tf.matmul(inputs, self.kernel)
        if self.bias is not None:
            h = h + self.bias
        h = self.activation(h + tf.matmul(state, self.recurrent_kernel))
        return h, [h] if isinstance(states, list | tuple) else h


class LSTMCell(GatedCell):
    """Long short-term memory: input, forget, candidate and output gates. Hochreiter & Schmidhuber 1997.

    Keras: keras.layers.LSTMCell.
    """

    gates = 4

    def __init__(
        self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros", unit_forget_bias: bool = True, kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None, bias_regularizer: Any = None, kernel_constraint: Any = None,
        recurrent_constraint: Any = None, bias_constraint: Any = None, dropout: float = 0.0,
        recurrent_dropout: float = 0.0, seed: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        kwargs.pop("implementation", None)  # how gates are multiplied; the numbers are the same
        super().__init__(**kwargs)
        self._configure(
            units, activation, use_bias, (kernel_initializer, kernel_regularizer, kernel_constraint),
            (recurrent_initializer, recurrent_regularizer, recurrent_constraint),
            (bias_initializer, bias_regularizer, bias_constraint), dropout, recurrent_dropout, seed,
        )  # fmt: skip
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [units, units]

    def _make_bias(self) -> Any:
        if not self.unit_forget_bias:
            return super()._make_bias()
        own, units = self.bias_initializer, self.units

        def with_open_forget_gate(shape: Any, dtype: Any = None) -> Any:
            ones = initializers.Ones()((units,), dtype=dtype)
            return tf.concat([own((units,), dtype=dtype), ones, own((units * 2,), dtype=dtype)], 0)

        return self.add_weight(
            (units * 4,),
            with_open_forget_gate,
            regularizer=self.bias_regularizer,
            constraint=self.bias_constraint,
            name="bias",
        )

    def call(self, inputs: Any, states: Any, training: Any = False) -> tuple[Any, list[Any]]:
        (inputs,), (h,) = self._dropped(inputs, states[0], training)
        z = tf.matmul(inputs, self.kernel) + tf.matmul(h, self.recurrent_kernel)
        if self.bias is not None:
            z = z + self.bias
        i, f, candidate, o = tf.split(z, 4, axis=1)
        gate = self.recurrent_activation
        c = gate(f) * states[1] + gate(i) * self.activation(candidate)
        h = gate(o) * self.activation(c)
        return h, [h, c]

    def _cell_config(self) -> dict[str, Any]:
        own = {"unit_forget_bias": self.unit_forget_bias}
        return {
            **super()._cell_config(),
            **own,
            "recurrent_activation": activations.serialize(self.recurrent_activation),
        }


def _projected(inputs: list[Any], kernel: Any, bias: Any, count: int) -> list[Any]:
    """inputs[i] @ kernel part i + bias part i for each of `count` gates; one product if the inputs are the same."""
    if all(x is inputs[0] for x in inputs):
        together = tf.matmul(inputs[0], kernel)
        return list(tf.split(together if bias is None else together + bias, count, axis=-1))
    kernels = tf.split(tf.convert_to_tensor(kernel), count, axis=1)
    products = [tf.matmul(x, k) for x, k in zip(inputs, kernels, strict=True)]
    if bias is None:
        return products
    return [x + b for x, b in zip(products, tf.split(bias, count), strict=True)]


class GRUCell(GatedCell):
    """Gated recurrent unit: update and reset gates. Cho et al. 2014. Keras: keras.layers.GRUCell."""

    gates, masks = 3, 3

    def __init__(
        self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros", kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
        bias_regularizer: Any = None, kernel_constraint: Any = None, recurrent_constraint: Any = None,
        bias_constraint: Any = None, dropout: float = 0.0, recurrent_dropout: float = 0.0, reset_after: bool = True,
        seed: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        kwargs.pop("implementation", None)  # how gates are multiplied; the numbers are the same
        super().__init__(**kwargs)
        self._configure(
            units, activation, use_bias, (kernel_initializer, kernel_regularizer, kernel_constraint),
            (recurrent_initializer, recurrent_regularizer, recurrent_constraint),
            (bias_initializer, bias_regularizer, bias_constraint), dropout, recurrent_dropout, seed,
        )  # fmt: skip
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after

    def _make_bias(self) -> Any:
        size = self.units * 3
        return add_configured(self, "bias", (2, size) if self.reset_after else (size,))

    def call(self, inputs: Any, states: Any, training: Any = False) -> tuple[Any, Any]:
        before, gate = _previous(states), self.recurrent_activation
        ins, olds = self._dropped(inputs, before, training)
        outer = inner_bias = None
        if self.bias is not None:
            bias = tf.convert_to_tensor(self.bias)
            outer, inner_bias = (bias[0], bias[1]) if self.reset_after else (bias, None)
        x_z, x_r, x_h = _projected(ins, self.kernel, outer, 3)
        weights = tf.convert_to_tensor(self.recurrent_kernel)
        if self.reset_after:
            old_z, old_r, old_h = _projected(olds, weights, inner_bias, 3)
        else:
            old_z, old_r = _projected(olds[:2], weights[:, : 2 * self.units], None, 2)
        z, r = gate(x_z + old_z), gate(x_r + old_r)
        if self.reset_after:
            candidate = self.activation(x_h + r * old_h)
        else:
            candidate = self.activation(x_h + tf.matmul(r * olds[2], weights[:, 2 * self.units :]))
        h = z * before + (1 - z) * candidate
        return h, [h] if isinstance(states, list | tuple) else h

    def _cell_config(self) -> dict[str, Any]:
        own = {"reset_after": self.reset_after}
        return {
            **super()._cell_config(),
            **own,
            "recurrent_activation": activations.serialize(self.recurrent_activation),
        }


_OF_LAYER = ("name", "zero_output_for_mask", "input_shape", "input_dim", "batch_input_shape", "activity_regularizer")
_OF_SEQUENCE = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll")


class CellLayer(RNN):
    """A layer that makes its own cell; the cell's settings are the layer's.

    order: the parameters in Keras' order, those of the cell among those of the sequence.
    """

    cell_class: ClassVar[type[GatedCell]]
    takes_seed: ClassVar[bool] = True
    order: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give the class the signature that its order says."""
        super().__init_subclass__(**kwargs)
        if "order" in cls.__dict__:
            cls.__signature__ = _signature(cls.cell_class, cls.order.split())  # type: ignore[attr-defined]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        order: inspect.Signature = type(self).__signature__  # type: ignore[attr-defined]
        given = dict(order.bind(*args, **kwargs).arguments)
        given.update(given.pop("kwargs", {}))
        of_sequence = {name: given.pop(name) for name in _OF_SEQUENCE if name in given}
        of_layer = {name: given.pop(name) for name in _OF_LAYER if name in given}
        self.use_cudnn = given.pop("use_cudnn", "auto")
        shared = {name: given[name] for name in ("dtype", "trainable") if name in given}
        cell = self.cell_class(name=to_snake_case(self.cell_class.__name__), **given)
        super().__init__(cell, **of_sequence, **of_layer, **shared)
        self.input_spec = [InputSpec(ndim=3)]

    def __getattr__(self, name: str) -> Any:
        """The cell's settings."""
        cell = self.__dict__.get("cell")
        if cell is None or name.startswith("_"):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        return getattr(cell, name)

    def get_config(self) -> dict[str, Any]:
        config = Layer.get_config(self) | self._sequence_config() | self.cell._cell_config()
        config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        if not self.takes_seed:
            del config["seed"]
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        return cls(**config)


def _signature(cell_class: type[GatedCell], order: list[str]) -> inspect.Signature:
    """The parameters of a cell and of sequences, with their defaults, in an order."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    defaults = {p.name: p.default for p in inspect.signature(cell_class).parameters.values()}
    defaults |= dict.fromkeys(_OF_SEQUENCE, False) | {"activity_regularizer": None, "use_cudnn": "auto"}
    parameters = [inspect.Parameter(name, kind, default=defaults[name]) for name in order]
    return inspect.Signature([*parameters, inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD)])


_WEIGHTS = """use_bias kernel_initializer recurrent_initializer bias_initializer {} kernel_regularizer
recurrent_regularizer bias_regularizer activity_regularizer kernel_constraint recurrent_constraint bias_constraint
dropout recurrent_dropout"""
_SEQUENCE = "return_sequences return_state go_backwards stateful unroll"


class SimpleRNN(CellLayer):
    """A fully connected recurrent layer over [batch, steps, features].

    Takes the arguments of `SimpleRNNCell` and those of `RNN`.

    >>> tf.keras.layers.SimpleRNN(4)(tf.ones((2, 3, 5))).shape
    TensorShape([2, 4])

    Keras: keras.layers.SimpleRNN.
    """

    cell_class, takes_seed = SimpleRNNCell, False
    order = f"units activation {_WEIGHTS.format('')} {_SEQUENCE} seed"


class LSTM(CellLayer):
    """Long short-term memory over [batch, steps, features].

    Takes the arguments of `LSTMCell` and those of `RNN`.

    >>> tf.keras.layers.LSTM(4, return_sequences=True)(tf.ones((2, 3, 5))).shape
    TensorShape([2, 3, 4])

    Keras: keras.layers.LSTM.
    """

    cell_class = LSTMCell
    order = (
        f"units activation recurrent_activation {_WEIGHTS.format('unit_forget_bias')} seed {_SEQUENCE} use_cudnn"
    )


class GRU(CellLayer):
    """Gated recurrent units over [batch, steps, features].

    Takes the arguments of `GRUCell` and those of `RNN`.

    >>> tf.keras.layers.GRU(4)(tf.ones((2, 3, 5))).shape
    TensorShape([2, 4])

    Keras: keras.layers.GRU.
    """

    cell_class = GRUCell
    order = f"units activation recurrent_activation {_WEIGHTS.format('')} seed {_SEQUENCE} reset_after use_cudnn"
