"""The optimizers of TensorFlow 1, in graphs and eagerly.

An optimizer is one pure function, `step(value, grad, slots) -> (new value, new slots)`. A dense gradient steps the
whole variable; IndexedSlices step the rows they name, after rows named twice are added up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from duoflow.core.autodiff import GradientTape, gradients
from duoflow.core.context import context, entered, init_scope
from duoflow.core.indexed_slices import IndexedSlices
from duoflow.core.late import F
from duoflow.core.tensor import Tensor, convert
from duoflow.core.variables import Variable

from .modes import trainable_variables
from .partitions import parts_of, slice_info
from .variables import VariableV1

__all__ = [
    "AdadeltaOptimizer", "AdagradDAOptimizer", "AdagradOptimizer", "AdamOptimizer", "FtrlOptimizer",
    "GradientDescentOptimizer", "MomentumOptimizer", "Optimizer", "ProximalAdagradOptimizer",
    "ProximalGradientDescentOptimizer", "RMSPropOptimizer",
]  # fmt: skip

Slots = dict[str, Any]


class Optimizer:
    """Base of the optimizers.

    TensorFlow: tf.compat.v1.train.Optimizer.
    """

    GATE_NONE, GATE_OP, GATE_GRAPH = 0, 1, 2

    #: Slot names with the value that they start from.
    slot_values: Mapping[str, float] = MappingProxyType({})
    #: Whether rows that IndexedSlices do not name change all the same.
    steps_all_rows = False

    def __init__(self, use_locking: bool, name: str) -> None:
        if not name:
            raise ValueError("Must specify the optimizer name")
        self._name = name
        self._use_locking = use_locking
        self._slots: dict[str, dict[int, Any]] = {}
        self._shared: dict[str, Any] = {}

    # -- for subclasses ----------------------------------------------------------------------------------------------

    def step(self, value: Any, grad: Any, slots: Slots) -> tuple[Any, Slots]:
        """The new value and the new slots."""
        raise NotImplementedError

    def finish(self) -> list[Any]:
        """What is updated once per step, after all variables."""
        return []

    def shared(self, name: str, initial: float, like: Variable) -> Any:
        """A variable of the optimizer that belongs to no other variable."""
        if name not in self._shared:
            self._shared[name] = _variable(lambda: F.constant(initial, like.dtype), name, like.dtype)
        return self._shared[name]

    def number(self, value: Any, like: Any) -> Any:
        """A hyperparameter (a number, tensor or callable) in a dtype."""
        value = value() if callable(value) and not isinstance(value, (Tensor, Variable)) else value
        return F.cast(value, like.dtype)

    # -- gradients ---------------------------------------------------------------------------------------------------

    def minimize(
        self,
        loss: Any,
        global_step: Any = None,
        var_list: Any = None,
        gate_gradients: int = 1,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: Any = None,
    ) -> Any:
        """An operation that takes one step against the gradient of `loss`.

        Raises:
          ValueError: if no variable has a gradient.
        """
        pairs = self.compute_gradients(
            loss, var_list, gate_gradients, aggregation_method, colocate_gradients_with_ops, grad_loss
        )
        if not any(g is not None for g, _ in pairs):
            raise ValueError(
                "No gradients provided for any variable, check your graph for ops that do not support gradients, "
                "between "
                f"variables {[str(v.name) for _, v in pairs]} and loss {loss}."
            )
        return self.apply_gradients(pairs, global_step, name)

    def compute_gradients(
        self,
        loss: Any,
        var_list: Any = None,
        gate_gradients: int = 1,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> list[tuple[Any, Any]]:
        """Pairs (gradient or None, variable).

        Args:
          loss: a tensor of a graph; a callable without arguments in eager mode.
          var_list: the variables, all trainable ones of the graph by default.
          gate_gradients, aggregation_method, colocate_gradients_with_ops: accepted; they schedule work elsewhere.
          grad_loss: the cotangent of the loss.
        """
        if gate_gradients not in (self.GATE_NONE, self.GATE_OP, self.GATE_GRAPH):
            raise ValueError(
                "gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH. "
                f"Not {gate_gradients}"
            )
        if callable(loss) and not isinstance(loss, Tensor):
            return self._by_tape(loss, var_list, grad_loss)
        if context.graph is None:
            raise RuntimeError(
                "`loss` passed to Optimizer.compute_gradients should be a function when eager execution is enabled."
            )
        variables = trainable_variables() if var_list is None else parts_of(var_list)
        if not variables:
            raise ValueError("No variables to optimize.")
        found = gradients(loss, variables, grad_ys=None if grad_loss is None else [grad_loss])
        return list(zip(found, variables, strict=True))

    def _by_tape(self, loss: Callable[[], Any], var_list: Any, grad_loss: Any) -> list[tuple[Any, Any]]:
        with GradientTape() as tape:
            if var_list is not None:
                tape.watch(parts_of(var_list))
            value = loss()
        variables = list(tape.watched_variables()) if var_list is None else parts_of(var_list)
        return list(zip(tape.gradient(value, variables, grad_loss), variables, strict=True))

    # -- updates -----------------------------------------------------------------------------------------------------

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Any:
        """An operation that takes one step with these gradients, and then adds one to `global_step`.

        Raises:
          ValueError: if there is no gradient.
        """
        pairs = [(g, v) for g, v in grads_and_vars]
        live = [(g, v) for g, v in pairs if g is not None]
        if not pairs:
            raise ValueError("No variables provided.")
        if not live:
            raise ValueError(f"No gradients provided for any variable: {[str(v.name) for _, v in pairs]}.")
        self.create_slots([v for _, v in live])
        with F.name_scope(name or self._name):
            updates = [operation for g, v in live for operation in self._apply(g, v)]
            with F.control_dependencies(_operations(updates)):
                updates += self.finish()
            if global_step is None:
                return F.group(*_operations(updates), name="update")
            with F.control_dependencies(_operations(updates)):
                counted = global_step.assign_add(F.cast(1, global_step.dtype), read_value=False)
            return None if context.graph is None else F.group(*_operations([*updates, counted]), name="step")

    def create_slots(self, variables: Sequence[Any]) -> None:
        """Make the slots of variables that have none yet."""
        for variable in variables:
            for slot, initial in self.slot_values.items():
                self._slot(variable, slot, initial)

    def _slot(self, variable: Any, slot: str, initial: float) -> Any:
        table = self._slots.setdefault(slot, {})
        if id(variable) not in table:
            number = list(self.slot_values).index(slot)
            name = f"{variable.name.partition(':')[0]}/{self._name}" + (f"_{number}" if number else "")
            like = variable if context.graph is None else variable.initial_value
            start = lambda: F.fill(F.shape(like), F.constant(initial, variable.dtype))
            made = _variable(start, name, variable.dtype)
            part = slice_info(variable)
            if part is not None and isinstance(made, VariableV1):
                own = made.name.partition(":")[0].rpartition("/")[2]
                made._save_slice_info = part._replace(full_name=f"{part.full_name}/{own}")
            table[id(variable)] = (variable, made)
        return table[id(variable)][1]

    def _apply(self, grad: Any, variable: Any) -> list[Any]:
        slots = {slot: self._slots[slot][id(variable)][1] for slot in self.slot_values}
        if isinstance(grad, IndexedSlices) and not self.steps_all_rows:
            return self._apply_rows(grad, variable, slots)
        grad = convert(grad)
        value, new = self.step(variable.value(), grad, {name: slot.value() for name, slot in slots.items()})
        updates = [slots[name].assign(new[name], read_value=False) for name in new]
        return [*updates, variable.assign(_constrained(value, variable), read_value=False)]

    def _apply_rows(self, grad: IndexedSlices, variable: Any, slots: Slots) -> list[Any]:
        rows, where = F.unique(grad.indices)
        total = F.unsorted_segment_sum(grad.values, where, F.shape(rows)[0])
        held = {name: F.gather(slot.value(), rows) for name, slot in slots.items()}
        value, new = self.step(F.gather(variable.value(), rows), total, held)
        updates = [slots[name].scatter_update(IndexedSlices(new[name], rows)) for name in new]
        return [*updates, variable.scatter_update(IndexedSlices(value, rows))]

    # -- facts -------------------------------------------------------------------------------------------------------

    def get_slot(self, var: Any, name: str) -> Any:
        """The slot of a variable, or None."""
        found = self._slots.get(name, {}).get(id(var))
        return None if found is None else found[1]

    def get_slot_names(self) -> list[str]:
        """The names of the slots, sorted."""
        return sorted(self._slots)

    def variables(self) -> list[Any]:
        """The optimizer's variables, sorted by name."""
        slots = [slot for table in self._slots.values() for _, slot in table.values()]
        return sorted([*slots, *self._shared.values()], key=lambda v: v.name)

    def get_name(self) -> str:
        """The optimizer's name."""
        return self._name


def _operations(updates: Sequence[Any]) -> list[Any]:
    return [u for u in updates if u is not None]


def _constrained(value: Any, variable: Any) -> Any:
    return value if variable.constraint is None else variable.constraint(value)


def _variable(initial: Callable[[], Any], name: str, dtype: Any) -> Any:
    with init_scope(), entered(scope=""):
        return VariableV1(initial, trainable=False, name=name, dtype=dtype)


# -- the optimizers ----------------------------------------------------------------------------------------------------


class GradientDescentOptimizer(Optimizer):
    """v -= learning_rate * g. TensorFlow: tf.compat.v1.train.GradientDescentOptimizer."""

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent") -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate

    def step(self, value: Any, grad: Any, slots: Slots) -> tuple[Any, Slots]:
        return value - self.number(self._learning_rate, value) * grad, {}


class MomentumOptimizer(Optimizer):
    """a = momentum * a + g; v -= learning_rate * a (or Nesterov's form).

    TensorFlow: tf.compat.v1.train.MomentumOptimizer.
    """

    slot_values = MappingProxyType({"momentum": 0.0})

    def __init__(
        self,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate, self._momentum, self._use_nesterov = learning_rate, momentum, use_nesterov

    def step(self, value: Any, grad: Any, slots: Slots) -> tuple[Any, Slots]:
        rate, momentum = self.number(self._learning_rate, value), self.number(self._momentum, value)
        total = slots["momentum"] * momentum + grad
        change = rate * grad + rate * momentum * total if self._use_nesterov else rate * total
        return value - change, {"momentum": total}


class AdamOptimizer(Optimizer):
    """Adam (Kingma and Ba, 2014). TensorFlow: tf.compat.v1.train.AdamOptimizer."""

    slot_values = MappingProxyType({"m": 0.0, "v": 0.0})
    steps_all_rows = True

    def __init__(
        self, learning_rate: Any = 0.001, beta1: Any = 0.9, beta2: Any = 0.999, epsilon: Any = 1e-8, use_locking:
          bool = False,
        name: str = "Adam",
    ) -> None:  # fmt: skip
        super().__init__(use_locking, name)
        self._learning_rate, self._beta1, self._beta2, self._epsilon = learning_rate, beta1, beta2, epsilon

    def create_slots(self, variables: Sequence[Any]) -> None:
        first = min(variables, key=lambda v: v.name)
        self.shared("beta1_power", self._beta1() if callable(self._beta1) else self._beta1, first)
        self.shared("beta2_power", self._beta2() if callable(self._beta2) else self._beta2, first)
        super().create_slots(variables)

    def step(self, value: Any, grad: Any, slots: Slots) -> tuple[Any, Slots]:
        beta1, beta2 = self.number(self._beta1, value), self.number(self._beta2, value)
        power1, power2 = (F.cast(self._shared[name].value(), value.dtype) for name in ("beta1_power", "beta2_power"))
        rate = self.number(self._learning_rate, value) * F.sqrt(1 - power2) / (1 - power1)
        m = slots["m"] + (grad - slots["m"]) * (1 - beta1)
        v = slots["v"] + (F.square(grad) - slots["v"]) * (1 - beta2)
        return value - m * rate / (F.sqrt(v) + self.number(self._epsilon, value)), {"m": m, "v": v}

    def finish(self) -> list[Any]:
        powers = (self._shared["beta1_power"], self._beta1), (self._shared["beta2_power"], self._beta2)
        return [power.assign(power.value() * self.number(beta, power), read_value=False) for power, beta in powers]


class RMSPropOptimizer(Optimizer):
    """RMSProp (Hinton). TensorFlow: tf.compat.v1.train.RMSPropOptimizer."""

    def __init__(
        self, learning_rate: Any, decay: Any = 0.9, momentum: Any = 0.0, epsilon: Any = 1e-10, use_locking: bool =
          False,
        centered: bool = False, name: str = "RMSProp",
    ) -> None:  # fmt: skip
        super().__init__(use_locking, name)
        self._learning_rate, self._decay, self._momentum, self._epsilon = learning_rate, decay, momentum, epsilon
        self._centered = centered
        self.slot_values = {"rms": 1.0, **({"mg": 0.0} if centered else {}), "momentum": 0.0}

    def step(self, value: Any, grad: Any, slots: Slots) -> tuple[Any, Slots]:
        rest = 1 - self.number(self._decay, value)
        new = {"rms": slots["rms"] + (F.square(grad) - slots["rms"]) * rest}
        spread = new["rms"] + self.number(self._epsilon, value)
        if self._centered:
            new["mg"] = slots["mg"] + (grad - slots["mg"]) * rest
            spread = spread - F.square(new["mg"])
        rate = self.number(self._learning_rate, value)
        new["momentum"] = slots["momentum"] * self.number(self._momentum, value) + rate * grad * F.rsqrt(spread)
        return value - new["momentum"], new


class AdagradOptimizer(Optimizer):
    """Adagrad (Duchi, Hazan and Singer, 2011). TensorFlow: tf.compat.v1.train.AdagradOptimizer."""

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "Adagrad",
    ) -> None:
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self.slot_values = {"accumulator": initial_accumulator_value}

    def step(self, value: Any, grad: Any, slots: Slots) -> tuple[Any, Slots]:
        total = slots["accumulator"] + F.square(grad)
        return value - self.number(self._learning_rate, value) * grad * F.rsqrt(total), {"accumulator": total}


class AdadeltaOptimizer(Optimizer):
    """Adadelta (Zeiler, 2012). TensorFlow: tf.compat.v1.train.AdadeltaOptimizer."""

    slot_values = MappingProxyType({"accum": 0.0, "accum_update": 0.0})

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adadelta",
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate, self._rho, self._epsilon = learning_rate, rho, epsilon

    def step(self, value: Any, grad: Any, slots: Slots) -> tuple[Any, Slots]:
        rho, epsilon = self.number(self._rho, value), self.number(self._epsilon, value)
        accum = slots["accum"] * rho + F.square(grad) * (1 - rho)
        update = F.sqrt(slots["accum_update"] + epsilon) * F.rsqrt(accum + epsilon) * grad
        accum_update = slots["accum_update"] * rho + F.square(update) * (1 - rho)
        new = {"accum": accum, "accum_update": accum_update}
        return value - update * self.number(self._learning_rate, value), new


class FtrlOptimizer(Optimizer):
    """Follow the regularised leader (McMahan et al., 2013). TensorFlow: tf.compat.v1.train.FtrlOptimizer."""

    def __init__(
        self, learning_rate: Any, learning_rate_power: float = -0.5, initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0, l2_regularization_strength: float = 0.0, use_locking: bool = False,
        name: str = "Ftrl", accum_name: str | None = None, linear_name: str | None = None,
        l2_shrinkage_regularization_strength: float = 0.0, beta: Any = None,
    ) -> None:  # fmt: skip
        if initial_accumulator_value < 0.0 or learning_rate_power > 0.0:
            raise ValueError(
                "initial_accumulator_value must be positive or zero, learning_rate_power negative or zero."
            )
        if min(l1_regularization_strength, l2_regularization_strength, l2_shrinkage_regularization_strength) < 0.0:
            raise ValueError("The regularization strengths need to be positive or zero.")
        super().__init__(use_locking, name)
        self._learning_rate, self._power = learning_rate, learning_rate_power
        self._l1, self._l2, self._shrinkage = (
            l1_regularization_strength, l2_regularization_strength, l2_shrinkage_regularization_strength,
        )  # fmt: skip
        self._beta = 0.0 if beta is None else beta
        self.slot_values = {"accum": initial_accumulator_value, "linear": 0.0}

    def step(self, value: Any, grad: Any, slots: Slots) -> tuple[Any, Slots]:
        rate, power = self.number(self._learning_rate, value), self.number(-self._power, value)
        l1, l2 = (
            self.number(self._l1, value),
            self.number(self._l2, value) + self.number(self._beta, value) / (2 * rate),
        )
        accum = slots["accum"] + F.square(grad)
        shrunk = grad + 2 * self.number(self._shrinkage, value) * value
        sigma = (F.pow(accum, power) - F.pow(slots["accum"], power)) / rate
        linear = slots["linear"] + shrunk - sigma * value
        quadratic = F.pow(accum, power) / rate + 2 * l2
        moved = (F.sign(linear) * l1 - linear) / quadratic
        return F.where(F.abs(linear) > l1, moved, F.zeros_like(value)), {"accum": accum, "linear": linear}


class ProximalGradientDescentOptimizer(Optimizer):
    """Gradient descent with L1 and L2 as proximal steps.

    TensorFlow: tf.compat.v1.train.ProximalGradientDescentOptimizer.
    """

    def __init__(
        self, learning_rate: Any, l1_regularization_strength: Any = 0.0, l2_regularization_strength: Any = 0.0,
        use_locking: bool = False, name: str = "ProximalGradientDescent",
    ) -> None:  # fmt: skip
        super().__init__(use_locking, name)
        self._learning_rate, self._l1, self._l2 = learning_rate, l1_regularization_strength, l2_regularization_strength

    def step(self, value: Any, grad: Any, slots: Slots) -> tuple[Any, Slots]:
        rate = self.number(self._learning_rate, value)
        return self.shrunk(value - rate * grad, rate), {}

    def shrunk(self, value: Any, rate: Any) -> Any:
        """A value after the proximal step."""
        l1, l2 = self.number(self._l1, value), self.number(self._l2, value)
        return F.sign(value) * F.maximum(F.abs(value) - rate * l1, 0) / (1 + l2 * rate)


class ProximalAdagradOptimizer(ProximalGradientDescentOptimizer):
    """Adagrad with L1 and L2 as proximal steps. TensorFlow: tf.compat.v1.train.ProximalAdagradOptimizer."""

    def __init__(
        self, learning_rate: Any, initial_accumulator_value: float = 0.1, l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0, use_locking: bool = False, name: str = "ProximalAdagrad",
    ) -> None:  # fmt: skip
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(learning_rate, l1_regularization_strength, l2_regularization_strength, use_locking, name)
        self.slot_values = {"accumulator": initial_accumulator_value}

    def step(self, value: Any, grad: Any, slots: Slots) -> tuple[Any, Slots]:
        total = slots["accumulator"] + F.square(grad)
        rate = self.number(self._learning_rate, value) * F.rsqrt(total)
        return self.shrunk(value - rate * grad, rate), {"accumulator": total}


class AdagradDAOptimizer(Optimizer):
    """Adagrad with dual averaging (Duchi et al., 2011): what it learns depends on the sums of all gradients.

    Args:
      global_step: the step, which counts the gradients.

    TensorFlow: tf.compat.v1.train.AdagradDAOptimizer.
    """

    def __init__(
        self, learning_rate: Any, global_step: Any, initial_gradient_squared_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0, l2_regularization_strength: Any = 0.0, use_locking: bool = False,
        name: str = "AdagradDA",
    ) -> None:  # fmt: skip
        if initial_gradient_squared_accumulator_value <= 0.0:
            raise ValueError(
                "initial_gradient_squared_accumulator_value must be positive: "
                f"{initial_gradient_squared_accumulator_value}"
            )
        super().__init__(use_locking, name)
        self._learning_rate, self._step_of = learning_rate, global_step
        self._l1, self._l2 = l1_regularization_strength, l2_regularization_strength
        self.slot_values = {
            "gradient_accumulator": 0.0,
            "gradient_squared_accumulator": initial_gradient_squared_accumulator_value,
        }

    def step(self, value: Any, grad: Any, slots: Slots) -> tuple[Any, Slots]:
        rate, count = self.number(self._learning_rate, value), F.cast(self._step_of, value.dtype) + 1
        total = slots["gradient_accumulator"] + grad
        squares = slots["gradient_squared_accumulator"] + F.square(grad)
        shrunk = F.sign(total) * F.maximum(F.abs(total) - self.number(self._l1, value) * count, 0)
        new = -rate * shrunk / (self.number(self._l2, value) * count * rate + F.sqrt(squares))
        return new, {"gradient_accumulator": total, "gradient_squared_accumulator": squares}
