"""The base of Keras' optimizers: what surrounds the update rule of each.

A subclass gives `build(variables)`, which makes its slots, and `update_step(gradient, variable, learning_rate)`, which
updates one variable with assignments. Everything here is ordinary ops, so a step traced in a `tf.function` is part of
that function's graph.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from duoflow import ops as tf
from duoflow.core.autodiff import GradientTape
from duoflow.core.context import init_scope
from duoflow.core.indexed_slices import IndexedSlices
from duoflow.core.recurrence import Recurrences
from duoflow.core.tensor import convert
from duoflow.core.trackable import Trackable

from ..naming import auto_name, name_scope
from ..saving.serialization import deserialize_keras_object, serialize_keras_object
from ..scopes import values_of, with_state
from ..state import session
from ..tracking import KerasSaveable
from ..variables import Variable
from .schedules import LearningRateSchedule
from .updates import compiled_update

__all__ = ["Optimizer", "choose", "elementwise"]


class Optimizer(KerasSaveable, Trackable):
    """Base of the optimizers.

    Args:
      learning_rate: a number, a `LearningRateSchedule`, or a callable without arguments.
      weight_decay: share of each variable's value taken off per step, times the learning rate.
      clipnorm, clipvalue, global_clipnorm: clip each gradient by norm, by value, or all together by norm; at most one.
      use_ema, ema_momentum, ema_overwrite_frequency: keep a moving average of the variables.
      loss_scale_factor: what the loss was multiplied with; gradients are divided by it.
      gradient_accumulation_steps: update every so many steps, with the mean gradient.

    Keras: keras.optimizers.Optimizer.
    """

    _SETTINGS: ClassVar[tuple[str, ...]] = (
        "weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema", "ema_momentum",
        "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps",
    )  # fmt: skip
    _CHECKPOINT_NAMES: ClassVar[Mapping[str, str]] = {
        "_accumulators": "_accumulated_gradients", "_averages": "_model_variables_moving_average",
    }  # fmt: skip
    #: Constructor arguments of the subclass that belong in its config.
    _HYPERPARAMETERS: ClassVar[tuple[str, ...]] = ()
    #: Whether its updates are made by other optimizers.
    _DELEGATES: ClassVar[bool] = False

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.pop("decay", None) is not None:
            warnings.warn("Argument `decay` is no longer supported and will be ignored.", stacklevel=3)
        if kwargs:
            raise ValueError(f"Argument(s) not recognized: {kwargs}")
        self.name = auto_name(type(self).__name__) if name is None else name
        self.weight_decay, self.clipnorm, self.clipvalue = weight_decay, clipnorm, clipvalue
        self.global_clipnorm, self.use_ema = global_clipnorm, use_ema
        self.ema_momentum, self.ema_overwrite_frequency = ema_momentum, ema_overwrite_frequency
        self.loss_scale_factor, self.gradient_accumulation_steps = loss_scale_factor, gradient_accumulation_steps
        self._check_settings()
        self.built = False
        self._variables: list[Variable] = []
        self._trainable_variables: list[Variable] = []
        self._index: dict[int, int] = {}
        self._accumulators: list[Variable] = []
        self._averages: list[Variable] = []
        self._updates = Recurrences()
        self._undecayed: set[int] = set()
        self._undecayed_names: list[re.Pattern[str]] = []
        with name_scope(self.name), init_scope():
            self._iterations = self._track(Variable(0, name="iteration", dtype="int64", trainable=False))
            self._schedule: Any = None
            if isinstance(learning_rate, LearningRateSchedule) or callable(learning_rate):
                self._schedule = learning_rate
            else:
                if not isinstance(learning_rate, (int, float)) and convert(learning_rate).spec.rank != 0:
                    raise ValueError(
                        "Argument `learning_rate` should be float, or an instance of LearningRateSchedule, or a "
                        "callable "
                        f"(that takes in no arguments). Received instead: learning_rate={learning_rate}"
                    )
                self._learning_rate = self._track(
                    Variable(learning_rate, name="learning_rate", dtype="float32", trainable=False)
                )

    def _check_settings(self) -> None:
        steps = self.gradient_accumulation_steps
        if steps is not None and steps < 2:
            raise ValueError(
                f"`gradient_accumulation_steps` must be an integer >= 2. Received: gradient_accumulation_steps={steps}"
            )
        if sum(c is not None for c in (self.clipnorm, self.clipvalue, self.global_clipnorm)) > 1:
            raise ValueError(
                "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. Received: "
                f"clipnorm={self.clipnorm}, clipvalue={self.clipvalue}, global_clipnorm={self.global_clipnorm}"
            )
        if self.use_ema and not 0 <= self.ema_momentum <= 1:
            raise ValueError(f"`ema_momentum` must be in the range [0, 1]. Received: ema_momentum={self.ema_momentum}")
        every = self.ema_overwrite_frequency
        if self.use_ema and every is not None and (not isinstance(every, int) or every < 1):
            raise ValueError(
                f"`ema_overwrite_frequency` must be an integer >= 1 or None. Received: ema_overwrite_frequency={every}"
            )

    # -- variables ---------------------------------------------------------------------------------------------------

    def _track(self, variable: Variable) -> Variable:
        self._variables.append(variable)
        return variable

    @property
    def variables(self) -> list[Variable]:
        """The optimizer's own variables: step count, learning rate, slots."""
        return self._variables[:]

    @property
    def iterations(self) -> Any:
        """How many updates were made: steps, or whole rounds of accumulated steps."""
        steps = self.gradient_accumulation_steps
        return tf.floordiv(self._iterations, steps) if steps else self._iterations

    def add_variable(
        self, shape: Any, initializer: Any = "zeros", dtype: Any = None, aggregation: str = "none", layout: Any = None,
        name: str | None = None,
    ) -> Variable:  # fmt: skip
        """A variable of the optimizer."""
        with name_scope(self.name), init_scope():
            return self._track(Variable(initializer, shape=shape, dtype=dtype, trainable=False, name=name))

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """A slot of the shape and dtype of a model's variable, named after both."""
        path = getattr(reference_variable, "path", reference_variable.name.split(":")[0]).replace("/", "_")
        return self.add_variable(
            shape=reference_variable.shape,
            initializer=initializer,
            dtype=reference_variable.dtype,
            name=f"{path}_{name}",
        )

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """A slot per variable, or a tuple of such lists for several names; None for what its gradient overwrites."""
        if not isinstance(name, (list, tuple)):
            return self.add_optimizer_variables(trainable_variables, [name], initializer)[0]
        initializers = initializer if isinstance(initializer, (list, tuple)) else [initializer] * len(name)
        # Slots of one variable stand together: files store them by position.
        rows = [
            [
                None if _overwritten(v) else self.add_variable_from_reference(v, n, i)
                for n, i in zip(name, initializers, strict=True)
            ]
            for v in trainable_variables
        ]
        return tuple([row[i] for row in rows] for i in range(len(name)))

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the slots for the variables to train; called by the first step."""
        if self.built:
            return
        with init_scope():
            if self.use_ema:
                self._averages = self.add_optimizer_variables(variables, "average")
            if self.gradient_accumulation_steps:
                self._accumulators = self.add_optimizer_variables(variables, "gradient_accumulator")
        self._trainable_variables = list(variables)
        self._index = {id(v.handle): i for i, v in enumerate(variables)}
        self._make_slots(variables)
        self.built = True

    def _make_slots(self, variables: Sequence[Variable]) -> None:
        """Make the optimizer's own variables; for optimizers to define."""

    def _operands(self, gradient: Any, variable: Any, learning_rate: Any) -> tuple[Any, Any, int]:
        """The dense gradient and the rate in the variable's dtype, and the place of its slots."""
        dtype = convert(variable).dtype
        return (
            elementwise(tf.identity, gradient, dtype),
            tf.cast(learning_rate, dtype),
            self._get_variable_index(variable),
        )

    def _get_variable_index(self, variable: Any) -> int:
        return self._index[id(variable.handle)]

    # -- the learning rate -------------------------------------------------------------------------------------------

    @property
    def learning_rate(self) -> Any:
        """The current learning rate: the variable, or what the schedule gives for this step."""
        if self._schedule is None:
            return self._learning_rate
        if isinstance(self._schedule, LearningRateSchedule):
            return self._schedule(self._iterations)
        return self._schedule()

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        if (
            isinstance(learning_rate, LearningRateSchedule)
            or callable(learning_rate)
            and not hasattr(learning_rate, "dtype")
        ):
            self._schedule = learning_rate
            self._variables = [v for v in self._variables if v is not getattr(self, "_learning_rate", None)]
            return
        if isinstance(self._schedule, LearningRateSchedule):
            raise TypeError(
                "This optimizer was created with a `LearningRateSchedule` object as its `learning_rate` constructor "
                "argument, hence its learning rate is not settable. If you need the learning rate to be settable, you "
                "should instantiate the optimizer with a float `learning_rate` argument."
            )
        self._learning_rate.assign(tf.cast(convert(learning_rate), "float32"))

    lr = learning_rate

    # -- a step ------------------------------------------------------------------------------------------------------

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Any:
        """Update variables, given pairs of (gradient, variable); returns the step count."""
        pairs = list(grads_and_vars)
        if not pairs:
            raise ValueError("apply_gradients received no pairs of a gradient and a variable.")
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self._iterations

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        """Update variables by their gradients (None where a variable has none).

        Raises `ValueError` for gradients that do not match the variables, or variables the optimizer was not built for.
        """
        grads = list(grads)
        if not grads:
            return
        if trainable_variables is None:
            if not self.built:
                raise ValueError(
                    "When passing `grads` without `variables`, the optimizer must already be built on a list of "
                    "variables. Call `optimizer.build(trainable_variables)` first."
                )
            trainable_variables = self._trainable_variables
        variables = list(trainable_variables)
        if len(grads) != len(variables):
            raise ValueError(f"There are {len(grads)} gradients for {len(variables)} variables.")
        if not self.built:
            with init_scope():
                self.build(variables)
        self._check_known(variables)
        grads, variables = _with_gradients(grads, variables)
        if self._DELEGATES or not compiled_update(self, self._updates, grads, variables):
            self._step(grads, variables)

    def _step(self, grads: list[Any], variables: list[Variable]) -> None:
        """Update variables by their gradients, all of which are there."""
        with name_scope(self.name):
            self._apply(grads, variables)
            self._iterations.assign_add(1)

    def stateless_apply(
        self, optimizer_variables: Any, grads: Sequence[Any], trainable_variables: Any
    ) -> tuple[list[Any], list[Any]]:
        """The values that `apply` would give variables and the optimizer, given those before; theirs stay.

        Args:
          optimizer_variables: values in the order of `variables`.
          grads: a gradient for each trainable variable.
          trainable_variables: values in the order of the variables that the optimizer was built with.

        Returns `(trainable_variables, optimizer_variables)`. Raises `ValueError` before the optimizer is built.

        >>> v, sgd = tf.keras.Variable([1.0]), tf.keras.optimizers.SGD(0.5)
        >>> sgd.build([v])
        >>> sgd.stateless_apply(sgd.variables, [tf.constant([1.0])], [v])[0][0].numpy(), v.numpy()
        (array([0.5], dtype=float32), array([1.], dtype=float32))

        Keras: keras.optimizers.Optimizer.stateless_apply.
        """
        if not self.built:
            raise ValueError(
                f"To call `stateless_apply`, {type(self).__name__} must be built (i.e. its variables must have been "
                "created). You can build it via `optimizer.build(trainable_variables)`."
            )
        state = (
            (self._trainable_variables, trainable_variables, "trainable_variables"),
            (self.variables, optimizer_variables, "optimizer_variables"),
        )
        with with_state(*state) as scope:
            self.apply(grads)
        return values_of(scope, self._trainable_variables), values_of(scope, self.variables)

    def _check_known(self, variables: Sequence[Variable]) -> None:
        for v in variables:
            if id(v.handle) not in self._index:
                raise ValueError(
                    f"Unknown variable: {v!r}. This optimizer can only be called for the variables it was originally "
                    "built with. When working with a new set of variables, you should recreate a new optimizer "
                    "instance."
                )

    def _apply(self, grads: list[Any], variables: list[Variable]) -> None:
        grads, variables = self._overwritten(grads, variables)
        if not variables:
            return
        if self.loss_scale_factor is not None:
            grads = [elementwise(lambda x: x / self.loss_scale_factor, g) for g in grads]
        if self.gradient_accumulation_steps:
            self._accumulate(grads, variables)
        else:
            self._update(grads, variables)
        if self.use_ema:
            self._update_model_variables_moving_average()
        for variable in variables:
            if getattr(variable, "constraint", None) is not None:
                variable.assign(variable.constraint(convert(variable)))

    def _overwritten(self, grads: list[Any], variables: list[Variable]) -> tuple[list[Any], list[Variable]]:
        """Give variables that ask for it their gradients as values; the pairs that are left."""
        left = []
        for grad, variable in zip(grads, variables, strict=True):
            if _overwritten(variable):
                variable.assign(convert(grad))
            else:
                left.append((grad, variable))
        return [g for g, _ in left], [v for _, v in left]

    def _update(self, grads: list[Any], variables: list[Variable]) -> None:
        grads = self._clip_gradients(grads)
        rate = convert(self.learning_rate)
        self._apply_weight_decay(variables, rate)
        for grad, variable in zip(grads, variables, strict=True):
            self.update_step(grad, variable, rate)

    def _accumulate(self, grads: list[Any], variables: list[Variable]) -> None:
        """Add to the accumulators; every so many steps update by their mean instead, and empty them."""
        steps = self.gradient_accumulation_steps
        assert steps is not None
        held = [self._accumulators[self._get_variable_index(v)] for v in variables]
        sums = [convert(g) + convert(a) for g, a in zip(grads, held, strict=True)]

        def update() -> None:
            self._update([s / steps for s in sums], variables)
            for accumulator in (a for a in self._accumulators if a is not None):
                accumulator.assign(tf.zeros_like(accumulator))

        def keep() -> None:
            for accumulator, total in zip(held, sums, strict=True):
                accumulator.assign(total)

        choose(tf.equal(tf.floormod(convert(self._iterations) + 1, steps), 0), update, keep)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Update one variable; a subclass's rule."""
        raise NotImplementedError

    def minimize(self, loss: Callable[[], Any] | Any, var_list: Any, tape: GradientTape | None = None) -> Any:
        """Compute gradients of a loss (a callable, or a tensor with its `tape`) and apply them."""
        if callable(loss):
            with GradientTape() as tape:
                value = loss()
        elif tape is None:
            raise ValueError("`tape` is required when a `Tensor` loss is passed.")
        else:
            value = loss
        variables = list(var_list() if callable(var_list) else var_list)
        return self.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))

    # -- clipping, decay, averages -----------------------------------------------------------------------------------

    def _clip_gradients(self, grads: list[Any]) -> list[Any]:
        if self.clipnorm and self.clipnorm > 0:
            return [_limited(g, self.clipnorm, _norm([g])) for g in grads]
        if self.global_clipnorm and self.global_clipnorm > 0:
            norm = _norm(grads)
            return [_limited(g, self.global_clipnorm, norm) for g in grads]
        if self.clipvalue and self.clipvalue > 0:
            return [_mapped(lambda x: tf.clip_by_value(x, -self.clipvalue, self.clipvalue), g) for g in grads]
        return grads

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Leave variables, or those whose names match a regular expression, out of weight decay; before `build`."""
        if self.built:
            raise ValueError("`exclude_from_weight_decay()` can only be configured before the optimizer is built.")
        self._undecayed = {id(v.handle) for v in var_list or ()}
        self._undecayed_names = [re.compile(name) for name in var_names or ()]

    def _use_weight_decay(self, variable: Any) -> bool:
        return id(variable.handle) not in self._undecayed and not any(
            p.search(variable.name) for p in self._undecayed_names
        )

    def _apply_weight_decay(self, variables: Sequence[Variable], rate: Any) -> None:
        if self.weight_decay is None:
            return
        for variable in filter(self._use_weight_decay, variables):
            value = convert(variable)
            variable.assign(value - value * self.weight_decay * tf.cast(rate, value.dtype))

    def _update_model_variables_moving_average(self) -> None:
        momentum = tf.where(tf.equal(convert(self.iterations), 0), 0.0, self.ema_momentum)
        for variable, average in zip(self._trainable_variables, self._averages, strict=True):
            if average is None:
                continue
            share = tf.cast(momentum, average.dtype)
            average.assign(share * convert(average) + (1 - share) * convert(variable))
        every = self.ema_overwrite_frequency
        if every:
            due = tf.equal(tf.floormod(convert(self.iterations) + 1, every), 0)
            choose(
                due, lambda: self._overwrite_model_variables_with_average_value(self._trainable_variables), lambda: None
            )

    def _overwrite_model_variables_with_average_value(self, variables: Sequence[Variable]) -> None:
        for variable in variables:
            average = self._averages[self._get_variable_index(variable)]
            if average is not None:
                variable.assign(convert(average))

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Put the moving averages into the variables at the end of training, if they are kept."""
        if self.use_ema:
            self._overwrite_model_variables_with_average_value(var_list)

    def scale_loss(self, loss: Any) -> Any:
        """The loss times the loss scale, whose gradients `apply` divides again."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    # -- files -------------------------------------------------------------------------------------------------------

    def _obj_type(self) -> str:
        return "Optimizer"

    def save_own_variables(self, store: Any) -> None:
        """Write the variables' values into a mapping, by position."""
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Read what `save_own_variables` wrote."""
        if len(store.keys()) != len(self.variables):
            warnings.warn(
                f"Skipping variable loading for optimizer '{self.name}', because it has {len(self.variables)} "
                "variables "
                f"whereas the saved optimizer has {len(store.keys())} variables. ",
                stacklevel=2,
            )
            return
        for i, variable in enumerate(self.variables):
            variable.assign(store[str(i)][()])

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the variables' values, in the order of `variables`."""
        if len(weights) != len(self.variables):
            raise ValueError(f"Expected {len(self.variables)} arrays, received {len(weights)}.")
        for variable, weight in zip(self.variables, weights, strict=True):
            if tuple(variable.shape) != tuple(weight.shape):
                raise ValueError(
                    f"Optimizer variable {self.name} has shape {tuple(variable.shape)} not compatible with provided "
                    "weight "
                    f"shape {tuple(weight.shape)}."
                )
            variable.assign(weight)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal optimizer, JSON-serialisable."""
        config: dict[str, Any] = {"name": self.name}
        if self._schedule is not None:
            config["learning_rate"] = serialize_keras_object(self._schedule)
        else:
            config["learning_rate"] = float(self._learning_rate.numpy())
        config |= {name: getattr(self, name) for name in (*self._SETTINGS, *self._HYPERPARAMETERS)}
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Optimizer:
        """An optimizer from what `get_config` gave."""
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = deserialize_keras_object(config["learning_rate"], custom_objects=custom_objects)
        return cls(**config)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__("learning_rate" if name == "lr" else name, value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name!r}>"


def _with_gradients(grads: list[Any], variables: list[Variable]) -> tuple[list[Any], list[Variable]]:
    """The pairs that have a gradient; `ValueError` if none has, a warning if some have not."""
    missing = [getattr(v, "path", v.name) for g, v in zip(grads, variables, strict=True) if g is None]
    if len(missing) == len(variables):
        raise ValueError("No gradients provided for any variable.")
    if missing:
        warnings.warn(
            f"Gradients do not exist for variables {missing} when minimizing the loss. "
            "If using `model.compile()`, did you forget to provide a `loss` argument?",
            stacklevel=4,
        )
    kept = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
    return [g if isinstance(g, IndexedSlices) else convert(g) for g, _ in kept], [v for _, v in kept]


def _norm(gradients: list[Any]) -> Any:
    """The norm of all gradients together; the rows of a sparse one count each by itself, as in Keras."""
    squares = [tf.reduce_sum(elementwise(tf.square, gradient)) for gradient in gradients]
    return tf.sqrt(squares[0] if len(squares) == 1 else tf.add_n([tf.cast(s, squares[0].dtype) for s in squares]))


def _limited(gradient: Any, limit: float, norm: Any) -> Any:
    """A gradient, scaled down where the norm is over the limit."""
    return _mapped(lambda x: x * limit / tf.maximum(tf.cast(norm, x.dtype), tf.cast(limit, x.dtype)), gradient)


def _mapped(function: Callable[[Any], Any], gradient: Any) -> Any:
    """A function of a gradient's elements; a sparse gradient stays sparse."""
    if isinstance(gradient, IndexedSlices):
        return IndexedSlices(function(gradient.values), gradient.indices, gradient.dense_shape)
    return function(convert(gradient))


def _overwritten(variable: Any) -> bool:
    """Whether a variable takes its gradient as its value."""
    return getattr(variable, "overwrite_with_gradient", False)


def choose(condition: Any, action: Callable[[], None], otherwise: Callable[[], None]) -> None:
    """Run one of two groups of assignments, in eager mode and in graphs."""
    scope = session.stateless
    if scope is not None:
        with scope.inner() as one:
            action()
        with scope.inner() as other:
            otherwise()
        scope.take(condition, one, other)
        return
    tf.cond(condition, lambda: (action(), tf.no_op())[1], lambda: (otherwise(), tf.no_op())[1])


def elementwise(function: Callable[[Any], Any], gradient: Any, dtype: Any = None) -> Any:
    """A function of a gradient's elements, as a dense tensor.

    Rows of a sparse gradient that belong to one index are added after the function, as Keras does.
    """
    if isinstance(gradient, IndexedSlices):
        values = gradient.values if dtype is None else tf.cast(gradient.values, dtype)
        return convert(IndexedSlices(function(values), gradient.indices, gradient.dense_shape))
    gradient = convert(gradient)
    return function(gradient if dtype is None else tf.cast(gradient, dtype))
