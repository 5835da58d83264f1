"""Where symbolic models start: `Input` and the layer behind it."""

from __future__ import annotations

from typing import Any

from ..operation import Node
from ..preferences import floatx
from ..symbolic import KerasTensor
from ..variables import standardize_dtype, standardize_shape
from .layer import Layer

__all__ = ["Input", "InputLayer"]


class InputLayer(Layer):
    """The start of a model: gives the tensor it stands for.

    Args:
      shape: the sizes without the batch. batch_size: the size of the batch, None for any.
      dtype: of the data. batch_shape: the sizes with the batch, in the place of both.
      input_tensor: a KerasTensor to take over. optional: whether the model may be called with None here.

    Keras: keras.layers.InputLayer.
    """

    def __init__(
        self, shape: Any = None, batch_size: int | None = None, dtype: Any = None, sparse: bool | None = None,
        ragged: bool | None = None, batch_shape: Any = None, input_tensor: Any = None, optional: bool = False,
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        if "input_shape" in kwargs:
            shape = kwargs.pop("input_shape")
        if "batch_input_shape" in kwargs:
            batch_shape = kwargs.pop("batch_input_shape")
        if sparse or ragged:
            raise NotImplementedError("Sparse and ragged inputs are not supported.")
        if input_tensor is not None:
            if not isinstance(input_tensor, KerasTensor):
                raise ValueError(
                    f"Argument `input_tensor` must be a KerasTensor. Received invalid type: input_tensor={input_tensor}"
                )
            batch_shape, dtype = input_tensor.shape, input_tensor.dtype
        elif shape is None and batch_shape is None:
            raise ValueError("You must pass a `shape` argument.")
        elif shape is not None and batch_shape is not None:
            raise ValueError("You cannot pass both `shape` and `batch_shape` at the same time.")
        super().__init__(name=name, dtype=None, **kwargs)
        self.batch_shape = standardize_shape(
            (batch_size, *standardize_shape(shape)) if batch_shape is None else batch_shape
        )
        self._dtype = standardize_dtype(floatx() if dtype is None else dtype)
        self.sparse = self.ragged = False
        self.optional = optional
        output = input_tensor
        if output is None:
            output = KerasTensor(self.batch_shape, dtype=self._dtype, name=self.name)
        self._input_tensor = output
        Node(self, outputs=output)
        self.built = True

    def call(self) -> Any:
        """Nothing to compute."""
        return self._input_tensor

    @property
    def dtype(self) -> str:
        """The dtype of the data."""
        return self._dtype

    @property
    def output(self) -> KerasTensor:
        """The tensor that stands for the data."""
        return self._input_tensor

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_shape": self.batch_shape, "dtype": self.dtype, "sparse": self.sparse, "ragged": self.ragged,
            "name": self.name, "optional": self.optional,
        }  # fmt: skip


def Input(
    shape: Any = None, batch_size: int | None = None, dtype: Any = None, sparse: bool | None = None,
    ragged: bool | None = None, batch_shape: Any = None, name: str | None = None, tensor: Any = None,
    optional: bool = False,
) -> Any:  # fmt: skip
    """A symbolic tensor to start a model from.

    Args:
      shape: the sizes without the batch; None for unknown ones.
      batch_size: the size of the batch, None for any. batch_shape: sizes with the batch, in the place of both.
      dtype: of the data, the default float if not given.
      name: the key of the data in dictionaries of inputs.
      tensor: a KerasTensor to use. optional: whether the model may be called with None here.

    >>> x = tf.keras.Input((32,))
    >>> model = tf.keras.Model(x, tf.keras.layers.Dense(4)(x))
    >>> model.output_shape
    (None, 4)

    Keras: keras.Input.
    """
    layer = InputLayer(
        shape=shape, batch_size=batch_size, dtype=dtype, sparse=sparse, ragged=ragged,
        batch_shape=batch_shape, name=name,
        input_tensor=tensor, optional=optional,
    )  # fmt: skip
    return layer.output
