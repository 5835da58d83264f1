"""What a layer holds.

Variables, sub-layers, metrics, seeds and losses, found in its attributes as they are assigned.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np

from duoflow.core import nest
from duoflow.core.tensor import Tensor
from duoflow.core.trackable import Trackable

from .. import constraints, dtype_policies, initializers, regularizers
from ..dtype_policies import DTypePolicy, DTypePolicyMap
from ..naming import name_scope
from ..operation import Operation
from ..state import session
from ..tracking import Tracker
from ..variables import Variable, is_float_dtype, standardize_dtype

__all__ = ["LayerState", "count_params"]


class LayerState(Operation, Trackable):
    """The state of a layer; `Layer` adds building and calling."""

    _UNTRACKED = frozenset({"_init_call", "_compile_config", "_steps"})
    _tracker: Tracker
    built: bool
    _dtype_policy: DTypePolicy
    _path: str | None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        layer = super().__new__(cls, *args, **kwargs)
        object.__setattr__(layer, "_tracker", Tracker())
        return layer

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, self._tracker.track(value))

    def __delattr__(self, name: str) -> None:
        self._tracker.untrack(getattr(self, name))
        super().__delattr__(name)

    def _check_super_called(self) -> None:
        if "_losses" not in self.__dict__:
            raise RuntimeError(
                f"In layer '{type(self).__name__}', you forgot to call `super().__init__()` as the first statement "
                "in the "
                "`__init__()` method. Go add it!"
            )

    # -- stores ------------------------------------------------------------------------------------------------------

    @property
    def _trainable_variables(self) -> list[Variable]:
        return self._tracker.stores["trainable_variables"]

    @property
    def _non_trainable_variables(self) -> list[Variable]:
        return self._tracker.stores["non_trainable_variables"]

    @property
    def _layers(self) -> list[Any]:
        return self._tracker.stores["layers"]

    @property
    def _metrics(self) -> list[Any]:
        return self._tracker.stores["metrics"]

    @property
    def _seed_generators(self) -> list[Any]:
        return self._tracker.stores["seed_generators"]

    # -- variables ---------------------------------------------------------------------------------------------------

    def add_weight(
        self,
        *args: Any,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str | None = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """A new variable of the layer.

        Args:
          args: `shape`, `initializer` and `dtype`, where they are given by position.
          shape: a tuple of ints; `()` if not given.
          initializer: an initializer or its name; "glorot_uniform" for floats, "zeros" for the rest.
          dtype: the layer's `variable_dtype` if not given.
          trainable, autocast, aggregation: as in `keras.Variable`.
          regularizer, constraint: objects, names or None.
          overwrite_with_gradient: let optimizers replace the value by the gradient.
          name: the last part of the variable's path.
        """
        self._check_super_called()
        if args and isinstance(args[0], str):
            raise ValueError(
                f"`name` must be passed as a keyword argument. Received: add_weight('{args[0]}', ...). "
                f"Use: add_weight(shape=..., name='{args[0]}')."
            )
        shape, initializer, dtype = _by_position(args, shape=shape, initializer=initializer, dtype=dtype)
        dtype = self.variable_dtype if dtype is None else standardize_dtype(dtype)
        if initializer is None:
            initializer = "glorot_uniform" if is_float_dtype(dtype) else "zeros"
        with name_scope(self.name, caller=self):
            variable = Variable(
                initializers.get(initializer), shape=() if shape is None else shape, dtype=dtype, trainable=trainable,
                autocast=autocast, aggregation=aggregation, name=name,
            )  # fmt: skip
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._track_variable(variable)
        return variable

    add_variable = add_weight

    def _track_variable(self, variable: Variable) -> None:
        self._tracker.track(variable)
        if not self.trainable:
            variable.trainable = False

    def _untrack_variable(self, variable: Variable) -> None:
        self._tracker.untrack(variable)

    @property
    def trainable(self) -> bool:
        """Whether the layer's variables are trained; setting it sets those of all sub-layers."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for variable in self._trainable_variables:
            variable.trainable = self._trainable
        for layer in self._layers:
            layer.trainable = self._trainable

    @property
    def variables(self) -> list[Variable]:
        """All state: weights and the seeds of random numbers; not that of metrics."""
        own = [*self._trainable_variables, *self._non_trainable_variables, *(s.state for s in self._seed_generators)]
        return _unique([*own, *(v for layer in self._layers for v in layer.variables)])

    @property
    def weights(self) -> list[Variable]:
        """The variables of the layer and its sub-layers, without seeds."""
        own = [*self._trainable_variables, *self._non_trainable_variables]
        return _unique([*own, *(w for layer in self._layers for w in layer.weights)])

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that optimizers update."""
        return [v for v in self.variables if v.trainable] if self.trainable else []

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """All other state."""
        return [v for v in self.variables if not v.trainable] if self.trainable else self.variables

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that optimizers update."""
        return [v for v in self.weights if v.trainable] if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The other weights."""
        return [v for v in self.weights if not v.trainable] if self.trainable else self.weights

    @property
    def metrics(self) -> list[Any]:
        """The metrics of the layer and its sub-layers."""
        return [*self._metrics, *(metric for layer in self._layers for metric in layer.metrics)]

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of the metrics."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def get_weights(self) -> list[np.ndarray[Any, Any]]:
        """The values of `weights` as NumPy arrays."""
        return [weight.numpy() for weight in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Give `weights` new values, in the same order; `ValueError` if their number or a shape differs."""
        own = self.weights
        if len(own) != len(weights):
            raise ValueError(
                f"You called `set_weights(weights)` on layer '{self.name}' with a weight list of length "
                f"{len(weights)}, but "
                f"the layer was expecting {len(own)} weights."
            )
        for variable, value in zip(own, weights, strict=True):
            if variable.shape != tuple(np.shape(value)):
                raise ValueError(
                    f"Layer {self.name} weight shape {variable.shape} is not compatible with provided weight shape "
                    f"{tuple(np.shape(value))}."
                )
            variable.assign(value)

    def count_params(self) -> int:
        """The number of scalars in the weights; `ValueError` before the layer is built."""
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on layer '{self.name}', but the layer isn't built. "
                "You can build it manually via: `layer.build(input_shape)`."
            )
        return count_params(self.weights)

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> list[Any]:
        """The layer and the layers below it, each once."""
        found: list[Any] = [self] if include_self else []
        seen: set[int] = set()
        queue = deque(self._layers)
        while queue:
            layer = queue.popleft()
            if id(layer) not in seen:
                seen.add(id(layer))
                found.append(layer)
                if recursive:
                    queue.extendleft(layer._layers)
        return found

    # -- dtypes ------------------------------------------------------------------------------------------------------

    @property
    def dtype_policy(self) -> DTypePolicy:
        """The dtypes of the computation and the variables."""
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        policy, own = dtype_policies.get(value), self._dtype_policy
        if isinstance(own, DTypePolicyMap) and self._path:
            if self._path in own:
                del own[self._path]
            own[self._path] = policy
        else:
            self._dtype_policy = policy
        if policy.quantization_mode is not None and self.built and not self._is_quantized:
            self._quantize_by_policy(policy)

    def _own_policy(self) -> DTypePolicy:
        policy = self._dtype_policy
        return policy[self._path] if isinstance(policy, DTypePolicyMap) and self._path else policy

    @property
    def dtype(self) -> str:
        """The dtype of the variables."""
        return self.variable_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of the variables."""
        return self._own_policy().variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The dtype of the computation."""
        return self._own_policy().compute_dtype

    @property
    def input_dtype(self) -> str:
        """The dtype that float inputs are cast to."""
        return self.compute_dtype

    #: Whether the large weights are kept in few bits; layers that can be quantized say so.
    _is_quantized = False

    @property
    def quantization_mode(self) -> str | None:
        """How weights are kept in few bits: "int8", "int4", "float8", "gptq" or "awq"; None for as they are."""
        return self._own_policy().quantization_mode  # type: ignore[no-any-return]

    def _quantize_by_policy(self, policy: DTypePolicy) -> None:
        """Become what a policy says; layers do it by `quantize`."""

    # -- losses ------------------------------------------------------------------------------------------------------

    def add_loss(self, loss: Any) -> None:
        """Add a scalar tensor (or several) to the losses of this call; for use inside `call`."""
        losses = nest.flatten(loss)
        for x in losses:
            if not isinstance(x, Tensor):
                raise ValueError(
                    "`add_loss()` can only be called from inside `build()` or `call()`, on a tensor input. "
                    f"Received invalid value: {x}"
                )
        if session.symbolic:
            return
        if session.stateless is None:
            self._losses.extend(losses)
        elif session.stateless.collect_losses:
            for x in losses:
                session.stateless.add_loss(x, self)

    @property
    def losses(self) -> list[Any]:
        """The scalars that the last call and the regularizers of weights add to the loss."""
        if self._losses_override:
            return list(self._losses_override)
        losses = [x for layer in self._flatten_layers() for x in layer._own_losses()]
        return losses + self._get_regularization_losses()

    def _own_losses(self) -> list[Any]:
        return self._losses if session.stateless is None else session.stateless.losses_of(self)

    def _get_regularization_losses(self) -> list[Any]:
        return [v.regularizer(v) for v in self.trainable_weights if v.regularizer is not None]

    def _clear_losses(self) -> None:
        if session.stateless is None:
            self._losses.clear()
        else:
            session.stateless.clear_losses_of(self)
        for layer in self._layers:
            layer._clear_losses()

    def add_metric(self, *args: Any, **kwargs: Any) -> None:
        """Not in Keras 3: give metrics to `compile`, or make them in `__init__`."""
        raise NotImplementedError(
            "Layer `add_metric()` method is deprecated. Add your metric in `Model.compile(metrics=[...])`, or create "
            "metric "
            "trackers in init() or build() when subclassing the layer or model, then call `metric.update_state()` "
            "whenever "
            "necessary."
        )

    # -- saving ------------------------------------------------------------------------------------------------------

    def _own_variables(self) -> list[Variable]:
        return [*self._trainable_variables, *self._non_trainable_variables]

    def save_own_variables(self, store: Any) -> None:
        """Write the layer's own variables, without those of sub-layers, under the keys "0", "1", ..."""
        for index, variable in enumerate(self._own_variables()):
            store[str(index)] = variable

    def load_own_variables(self, store: Any) -> None:
        """Read what `save_own_variables` wrote; `ValueError` if the number or a shape differs."""
        own = self._own_variables()
        if len(store.keys()) != len(own):
            if not own and not self.built:
                raise ValueError(
                    f"Layer '{self.name}' was never built and thus it doesn't have any variables. However the "
                    "weights file "
                    f"lists {len(store.keys())} variables for this layer.\nIn most cases, this error indicates that "
                    "either:"
                    "\n\n1. The layer is owned by a parent layer that implements a `build()` method, but calling the "
                    f"parent's `build()` method did NOT create the state of the child layer '{self.name}'. A `build()` "
                    "method must create ALL state for the layer, including the state of any children layers.\n\n2. "
                    "You need "
                    f"to implement the `def build_from_config(self, config)` method on layer '{self.name}', to "
                    "specify how "
                    "to rebuild it during loading."
                )
            raise ValueError(
                f"Layer '{self.name}' expected {len(own)} variables, but received {len(store.keys())} variables during "
                f"loading. Expected: {[v.name for v in own]}"
            )
        for index, variable in enumerate(own):
            variable.assign(store[str(index)])


def _by_position(args: tuple[Any, ...], **named: Any) -> Iterable[Any]:
    """The values of arguments of `add_weight` that are given by position or by name, but not both."""
    if len(args) > len(named):
        raise TypeError(f"add_weight() takes at most {len(named)} positional arguments but {len(args)} were given.")
    for name, value in zip(named, args, strict=False):
        if named[name] is not None:
            raise ValueError(f"`{name}` was passed both positionally and as a keyword argument.")
        named[name] = value
    return named.values()


def _unique(variables: Iterable[Variable]) -> list[Variable]:
    return list({id(v): v for v in variables}.values())


def count_params(weights: Iterable[Any]) -> int:
    """The number of scalars in a list of variables."""
    return sum(int(np.prod(w.shape)) for w in _unique(weights))
