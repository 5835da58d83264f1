"""Low-rank adaptation (LoRA): a large weight stays as it is, and what is trained is a product of two small matrices.

`weight + alpha / rank * (a @ b)` is what such a layer works with, and what its files hold.
"""

from __future__ import annotations

from typing import Any, ClassVar

from duoflow import ops as tf

from .. import initializers
from ..variables import Variable
from .layer import Layer

__all__ = ["LowRank", "whole_weight"]


def whole_weight(name: str) -> Any:
    """The property for a layer's large weight: with what was adapted, once there is any."""

    def read(self: LowRank) -> Any:
        return self._whole_weight()

    read.__name__, read.__doc__ = name, f"The {name}, with what low-rank adaptation adds."
    return property(read)


class LowRank(Layer):
    """Base of layers whose large weight, `_<name>`, can be adapted by two small matrices.

    A subclass names the weight and takes `lora_rank` and `lora_alpha`; `_adapt_as_configured` ends its `build`.
    """

    _WEIGHT: ClassVar[str] = "kernel"
    lora_kernel_a: Variable
    lora_kernel_b: Variable

    def _configure_adaptation(self, lora_rank: int | None, lora_alpha: float | None) -> None:
        self.lora_rank, self.lora_alpha = lora_rank, lora_rank if lora_alpha is None else lora_alpha
        self.lora_enabled = False

    def _adapt_as_configured(self) -> None:
        self.built = True
        if self.lora_rank:
            self.enable_lora(self.lora_rank, lora_alpha=self.lora_alpha)

    @property
    def _stored(self) -> Variable:
        """The weight's own variable."""
        return getattr(self, f"_{self._WEIGHT}")  # type: ignore[no-any-return]

    @property
    def _adapters(self) -> tuple[Variable, Variable]:
        return tuple(getattr(self, f"lora_{self._WEIGHT}_{part}") for part in "ab")  # type: ignore[return-value]

    def _whole_weight(self) -> Any:
        if f"_{self._WEIGHT}" not in self.__dict__:
            raise AttributeError(f"You must build the layer before accessing `{self._WEIGHT}`.")
        if not self.lora_enabled:
            return self._stored
        return tf.cast(self._stored + self._low_rank_part(), self.compute_dtype)

    def _low_rank_part(self) -> Any:
        """What adaptation adds to the weight."""
        a, b = self._adapters
        return self.lora_alpha / self.lora_rank * tf.matmul(a, b)  # type: ignore[operator]

    def enable_lora(
        self, rank: int, lora_alpha: float | None = None, a_initializer: Any = "he_uniform",
        b_initializer: Any = "zeros",
    ) -> None:  # fmt: skip
        """Adapt the large weight from now on by two matrices of a rank; the weight itself is no longer trained.

        Args:
          rank: of the product. lora_alpha: the product counts `lora_alpha / rank`, 1 if not given.
          a_initializer, b_initializer: of the matrices; their product is zero at first.

        Raises `ValueError` for a layer that is not built, has a constraint, or is adapted already.
        """
        if getattr(self, f"{self._WEIGHT}_constraint") is not None:
            raise ValueError(
                f"Lora is incompatible with {self._WEIGHT} constraints. In order to enable lora on this layer, remove "
                f"the `{self._WEIGHT}_constraint` argument."
            )
        if not self.built:
            raise ValueError("Cannot enable lora on a layer that isn't yet built.")
        if self.lora_enabled:
            raise ValueError("lora is already enabled. This can only be done once per layer.")
        shape = self._weight_shape()
        penalty = getattr(self, f"{self._WEIGHT}_regularizer")
        with self._state_unlocked():
            for part, size, initializer in (
                ("a", (*shape[:-1], rank), a_initializer), ("b", (rank, shape[-1]), b_initializer)
            ):  # fmt: skip
                name = f"lora_{self._WEIGHT}_{part}"
                made = self.add_weight(size, initializers.get(initializer), "float32", regularizer=penalty, name=name)
                setattr(self, name, made)
        self._stored.trainable = False
        self.lora_enabled, self.lora_rank = True, rank
        self.lora_alpha = rank if lora_alpha is None else lora_alpha

    def _weight_shape(self) -> tuple[int, ...]:
        """The shape of the large weight."""
        return self._stored.shape

    def _adaptation_config(self) -> dict[str, Any]:
        return {"lora_rank": self.lora_rank, "lora_alpha": self.lora_alpha} if self.lora_rank else {}

    # -- saving: the sum, as if it had been trained whole ------------------------------------------------------------

    def _saved(self) -> list[str]:
        """The attributes whose values are saved, in order."""
        return [f"_{self._WEIGHT}", *(["bias"] if getattr(self, "bias", None) is not None else [])]

    def _merged(self) -> dict[str, Any]:
        """The values of attributes that take in what was adapted."""
        return {f"_{self._WEIGHT}": self._whole_weight()}

    def _own_variables(self) -> list[Variable]:
        return [getattr(self, name) for name in self._saved()] if self.built else []

    def save_own_variables(self, store: Any) -> None:
        """Write the layer's own variables, the large weight with what was adapted."""
        merged = self._merged() if self.built and self.lora_enabled else {}
        for index, name in enumerate(self._saved() if self.built else ()):
            store[str(index)] = merged.get(name, getattr(self, name))

    def load_own_variables(self, store: Any) -> None:
        """Read what `save_own_variables` wrote; adaptation starts anew."""
        super().load_own_variables(store)
        if self.built and self.lora_enabled:
            for adapter in self._adapters:
                adapter.assign(tf.zeros(adapter.shape))
