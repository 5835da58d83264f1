"""The engine that defines the meaning: order of effects, sub-values, errors with the user's line."""

import numpy as np
import pytest

from duoflow.core.errors import InvalidArgumentError
from duoflow.core.late import F
from duoflow.core.variables import Variable
from duoflow.engines import reference
from duoflow.engines.native import engine as native
from tests.engines.agreement import captured, trace

ENGINES = pytest.mark.parametrize("engine", [reference, native], ids=["reference", "native"])


@ENGINES
def test_reads_and_writes_keep_their_order(engine):
    v = Variable([1.0, 2.0])

    def program(x):
        before = v.value()
        v.assign_add(x)
        middle = v.value()
        v.assign(middle * 2.0)
        v.assign_sub([1.0, 1.0])
        return before, middle, v.value()

    x = np.array([10.0, 20.0], np.float32)
    graph = trace(program, x)
    before, middle, after = engine.compile(graph).run([x, *captured(graph)])
    assert before.tolist() == [1, 2] and middle.tolist() == [11, 22] and after.tolist() == [21, 43]
    assert v.numpy().tolist() == [21, 43]


@ENGINES
def test_a_value_once_read_does_not_change(engine):
    v = Variable([1.0, 2.0])
    graph = trace(lambda: (v.assign_add([1.0, 1.0]), v.value())[1])
    executable = engine.compile(graph)
    held = v.value()
    first = executable.run(captured(graph))[0]
    second = executable.run(captured(graph))[0]
    assert held.numpy().tolist() == [1, 2] and first.tolist() == [2, 3] and second.tolist() == [3, 4]


@ENGINES
def test_outputs_are_not_the_inputs(engine):
    v = Variable([1.0, 2.0])
    graph = trace(lambda x: (F.identity(x), v.value()), np.zeros(2, np.float32))
    x = np.zeros(2, np.float32)
    executable = engine.compile(graph)
    _, read = executable.run([x, *captured(graph)])
    v.assign([5.0, 6.0])
    assert read.tolist() == [1, 2]


@ENGINES
def test_errors_have_tensorflows_type_and_name_the_users_line(engine):
    x, i = np.zeros((3, 2), np.float32), np.array([0, 7], np.int32)
    graph = trace(lambda x, i: F.gather(x, i), x, i)
    with pytest.raises(InvalidArgumentError, match=r"test_reference\.py"):
        engine.compile(graph).run([x, i])


@ENGINES
def test_an_uninitialised_variable_can_be_assigned(engine):
    v = Variable([1.0, 2.0])
    v._state.array = None
    graph = trace(lambda: (v.assign([3.0, 4.0]), [])[1])
    engine.compile(graph).run(captured(graph))
    assert v.numpy().tolist() == [3, 4]


@ENGINES
def test_a_bad_index_leaves_variables_as_they_were(engine):
    table, count = Variable(np.ones((3, 2), np.float32)), Variable(0)

    def program(i):
        count.assign_add(1)
        rows = F.gather(table, i)
        table.assign_sub(F.ones_like(table) * F.reduce_sum(rows))
        return rows

    i = np.array([0, 1], np.int32)
    graph = trace(program, i)
    executable = engine.compile(graph)
    executable.run([i, *captured(graph)])
    assert table.numpy()[0, 0] == -3
    with pytest.raises(InvalidArgumentError):
        executable.run([i + 5, *captured(graph)])
    assert table.numpy()[0, 0] == -3
    executable.run([i, *captured(graph)])
    assert table.numpy()[0, 0] == 9
