"""How a step of training, evaluation or prediction is run on portions of data.

A traced step is one graph per form of the data, with the number of samples left open. Where the data are arrays in
memory, many steps are one call: a loop around the step's graph that takes the rows of each batch by itself. That is
for the engine to compile like any other graph; where it would have to leave native code for a part of it, steps are
called one by one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core import dtypes
from duoflow.core.engine import executable
from duoflow.core.spec import TensorSpec
from duoflow.core.tensor import EagerTensor
from duoflow.trace.function import function

from .data import Batch, Form, Portion, Rows

__all__ = ["EagerStep", "TracedStep"]

#: How long a call of many steps should take, in seconds: progress is shown and interruptions are seen in between.
_STRETCH = 0.1


class EagerStep:
    """A step as plain Python, for debugging."""

    def __init__(self, step: Callable[[Any], Any]) -> None:
        self._step = step

    def __call__(self, batch: Batch) -> Any:
        """What the step returns for a batch."""
        return self._step(batch.form.packed([EagerTensor(leaf) for leaf in batch.leaves]))

    def run(self, portion: Portion, at: int, most: int) -> tuple[int, Any]:
        """Run the step on batch `at` of a portion: one, and what `result_of` makes the result from."""
        return 1, self(portion.batch(at))

    def result_of(self, result: Any) -> Any:
        """What the step returned."""
        return result


class TracedStep:
    """A step as graphs."""

    def __init__(self, step: Callable[[Any], Any]) -> None:
        self._step = step
        self._traces: dict[Form, Any] = {}
        self._loops: dict[tuple[Form, int, int], _Loop | None] = {}
        self._form: Form | None = None
        self._trace: Any = None

    def __call__(self, batch: Batch) -> Any:
        """What the step returns for a batch."""
        return self.result_of(self.run(batch, 0, 1)[1])

    def run(self, portion: Portion, at: int, most: int) -> tuple[int, list[Any]]:
        """Run steps from batch `at` of a portion on, `most` at most: how many it were, and the outputs of the last."""
        if portion.form is not self._form:
            self._form, self._trace = portion.form, self._traced(portion.form)
        most = min(most, portion.steps - at)
        if isinstance(portion, Rows) and (loop := self._loop(portion, most)) is not None:
            return loop.run(portion, at, most)
        return 1, self._trace.run_flat(portion.batch(at).leaves)

    def result_of(self, values: list[Any]) -> Any:
        """What the step returns, from the values of the outputs of the last run."""
        return self._trace.result_of(values)

    def _traced(self, form: Form) -> Any:
        if form not in self._traces:

            def step(*tensors: Any) -> Any:
                return self._step(form.packed(tensors))

            specs = [TensorSpec((None, *shape), dtypes.from_numpy(dtype)) for dtype, shape in form.kinds]
            self._traces[form] = function(step, autograph=False).get_concrete_function(*specs)
        return self._traces[form]

    def _loop(self, rows: Rows, most: int) -> _Loop | None:
        """The loop over such rows; for a single step none is made, but one that is there saves compiling the step."""
        key = (rows.form, *rows.order.shape)
        if key not in self._loops:
            if most == 1:
                return None
            loop = _Loop(self._trace, rows)
            self._loops[key] = loop if loop.is_native(rows) else None
        return self._loops[key]


class _Loop:
    """Steps over rows of arrays in one call."""

    def __init__(self, step: Any, rows: Rows) -> None:
        self._step = step
        self._seconds = _STRETCH
        kinds = [((None, *shape), dtypes.from_numpy(dtype)) for dtype, shape in rows.form.kinds]
        kinds += [((None, rows.order.shape[1]), dtypes.int64), ((), dtypes.int64), ((), dtypes.int64)]
        specs = [TensorSpec(shape, dtype) for shape, dtype in kinds]
        self._can_loop = all(t.spec.known and t.dtype.numpy.kind != "O" for t in step.outputs)
        self._many = function(self._steps, autograph=False).get_concrete_function(*specs) if self._can_loop else None

    def _steps(self, *tensors: Any) -> Any:
        *arrays, order, start, stop = tensors

        def body(i: Any, *last: Any) -> Any:
            rows = tf.gather(order, i)
            return (i + 1, *self._step.outputs_for([tf.gather(array, rows) for array in arrays]))

        nothing_yet = [tf.zeros(t.dims, t.dtype) for t in self._step.outputs]
        return tf.while_loop(lambda i, *last: i < stop, body, (start, *nothing_yet))[1:]

    def is_native(self, rows: Rows) -> bool:
        """Whether the engine needs no Python between steps; found out by a run of none."""
        if not self._can_loop:
            return False
        self._call(rows, 0, 0)
        return all(row["where"] == "native" for row in executable(self._many.graph).kernels)

    def run(self, rows: Rows, at: int, most: int) -> tuple[int, list[Any]]:
        """As many steps as take about a stretch of time: their number, and the outputs of the last."""
        count = max(1, min(most, int(_STRETCH / self._seconds)))
        start = time.perf_counter()
        values = self._call(rows, at, at + count)
        self._seconds = max(1e-9, (time.perf_counter() - start) / count)
        return count, values

    def _call(self, rows: Rows, start: int, stop: int) -> list[Any]:
        return self._many.run_flat([*rows.arrays, rows.order, np.asarray(start), np.asarray(stop)])  # type: ignore[union-attr]
