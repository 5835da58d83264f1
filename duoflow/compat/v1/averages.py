"""Moving averages of variables.

TensorFlow: tf.train.ExponentialMovingAverage.
"""

from __future__ import annotations

from typing import Any

from duoflow.core.context import entered, init_scope
from duoflow.core.graph import get_default_graph
from duoflow.core.late import F
from duoflow.core.variables import Variable

from .modes import GraphKeys, moving_average_variables, trainable_variables
from .variables import VariableV1

__all__ = ["ExponentialMovingAverage"]


class ExponentialMovingAverage:
    """Averages that forget: average = decay * average + (1 - decay) * value.

    Args:
      decay: how much is kept of the average.
      num_updates: how many updates there were; while they are few, (1 + n) / (10 + n) is kept if that is less.
      zero_debias: start averages of variables at zero, and correct for that as Adam does.

    TensorFlow: tf.train.ExponentialMovingAverage.
    """

    def __init__(
        self, decay: Any, num_updates: Any = None, zero_debias: bool = False, name: str = "ExponentialMovingAverage"
    ) -> None:
        self._decay, self._count, self._debias, self._name = decay, num_updates, zero_debias, name
        self._averages: dict[int, tuple[Any, Any]] = {}

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    def apply(self, var_list: Any = None) -> Any:
        """An operation that takes the present values of variables (or tensors) into their averages.

        Raises:
          TypeError: for what is not floating point.
        """
        variables = trainable_variables() if var_list is None else list(var_list)
        for variable in variables:
            if not variable.dtype.is_floating:
                raise TypeError(f"The variables must be half, float, or double: {variable.name}")
            if id(variable) not in self._averages:
                self._averages[id(variable)] = (variable, self._made(variable))
        with F.name_scope(self._name):
            return F.group(*[self._updated(v) for v in variables], name=self._name)

    def _made(self, variable: Any) -> Any:
        start = variable.initialized_value() if isinstance(variable, Variable) and not self._debias else None
        with init_scope(), entered(scope=""):
            average = VariableV1(
                lambda: F.zeros(variable.shape, variable.dtype) if start is None else start, trainable=False,
                name=self.average_name(variable), dtype=variable.dtype,
            )  # fmt: skip
        if isinstance(variable, Variable):
            get_default_graph().add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, variable)
        return average

    def _updated(self, variable: Any) -> Any:
        average = self._averages[id(variable)][1]
        decay = F.cast(self._decay, average.dtype)
        if self._count is not None:
            count = F.cast(self._count, average.dtype)
            decay = F.minimum(decay, (1.0 + count) / (10.0 + count))
        value = variable.value() if isinstance(variable, Variable) else variable
        if isinstance(variable, Variable) and not self._debias:
            return average.assign_sub((average.value() - value) * (1 - decay), read_value=False)
        return self._debiased(average, value, decay)

    def _debiased(self, average: Any, value: Any, decay: Any) -> Any:
        """An average from zero, divided by the weight of what it has seen."""
        prefix = average.name.partition(":")[0]
        with init_scope(), entered(scope=""):
            biased, steps = (
                VariableV1(lambda s=shape: F.zeros(s, average.dtype), trainable=False, name=f"{prefix}/{name}")
                for name, shape in (("biased", average.shape), ("local_step", []))
            )
        new = biased.value() - (biased.value() - value) * (1 - decay)
        count = steps.value() + 1
        updates = [biased.assign(new, read_value=False), steps.assign(count, read_value=False)]
        weight = 1 - F.pow(decay, count)
        return F.group(*updates, average.assign(new / weight, read_value=False))

    def average(self, var: Any) -> Any:
        """The average of a variable, or None."""
        found = self._averages.get(id(var))
        return None if found is None else found[1]

    def average_name(self, var: Any) -> str:
        """What the average of a variable is called."""
        return f"{var.name.partition(':')[0]}/{self._name}"

    def variables_to_restore(self, moving_avg_variables: Any = None) -> dict[str, Any]:
        """Names of averages (or of variables without one) with the variables that are to take their values."""
        given = moving_avg_variables
        averaged = [*trainable_variables(), *moving_average_variables()] if given is None else list(given)
        names = {id(v) for v in averaged}
        out = {self.average_name(v): v for v in averaged}
        own = {v.name for _, v in self._averages.values()}
        for variable in get_default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES):
            if id(variable) not in names and variable.name not in own:
                out[variable.name.partition(":")[0]] = variable
        return out
