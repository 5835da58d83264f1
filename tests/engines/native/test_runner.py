"""Programs: operands, shares, barriers, loops, bound buffers, callbacks and errors."""

import threading

import numpy as np
import pytest

from duoflow.core.switches import switches
from duoflow.engines.native.ir import KERNEL, Module
from duoflow.engines.native.jit import compile_module
from duoflow.engines.native.runner import Program, float_bits


@pytest.fixture(scope="module")
def kernels():
    """axpy(y, x; n, a): y += a * x.  below(flag, x; limit): flag = x[0] < limit.  total(y, x; n): y[0] = sum(x)."""
    module = Module()
    with module.function("axpy", KERNEL) as f:
        y, x = f.parameter("%ptrs", 0, "ptr"), f.parameter("%ptrs", 1, "ptr")
        scale = f.emit(f"bitcast i32 {f.emit('trunc i64 ' + f.parameter('%consts', 1) + ' to i32')} to float")
        with f.loop(*f.share(f.parameter("%consts", 0), "%part", "%parts")) as loop:
            cell = f.gep(y, loop.index, "float")
            added = f.emit(f"fmul float {f.load('float', f.gep(x, loop.index, 'float'))}, {scale}")
            f.store("float", f.emit(f"fadd float {f.load('float', cell)}, {added}"), cell)
    with module.function("below", KERNEL) as f:
        x = f.load("float", f.parameter("%ptrs", 1, "ptr"))
        bits = f.emit("trunc i64 " + f.parameter("%consts", 0) + " to i32")
        truth = f.emit(f"fcmp olt float {x}, {f.emit(f'bitcast i32 {bits} to float')}")
        f.store("i8", f.emit(f"zext i1 {truth} to i8"), f.parameter("%ptrs", 0, "ptr"))
    with module.function("total", KERNEL) as f:
        y, x = f.parameter("%ptrs", 0, "ptr"), f.parameter("%ptrs", 1, "ptr")
        with f.loop(0, f.parameter("%consts", 0), carry=[("float", "0.0")]) as loop:
            item = f.load("float", f.gep(x, loop.index, "float"))
            loop.next = [f.emit(f"fadd float {loop.values[0]}, {item}")]
        f.store("float", loop.results[0], y)
    with module.function("increment", KERNEL) as f:
        cell = f.parameter("%ptrs", 0, "ptr")
        f.store("i64", f.add(f.load("i64", cell), 1), cell)
    return compile_module(module.text(), "runner-test", verify=True)


@pytest.fixture(params=[1, 2, 5], ids=["one thread", "two threads", "five threads"], autouse=True)
def team_size(request, monkeypatch):
    monkeypatch.setattr(switches, "threads", request.param)
    return request.param


def run(program, *arrays):
    program.run([array.ctypes.data for array in arrays])


def test_calls_take_offsets_and_constants(kernels):
    y, x = np.zeros(8, np.float32), np.arange(8, dtype=np.float32)
    program = Program(buffers=2)
    program.call(kernels.address("axpy"), [(0, 8), (1, 4)], [3, float_bits(2.0)])
    run(program, y, x)
    np.testing.assert_array_equal(y, [0, 0, 2, 4, 6, 0, 0, 0])


@pytest.mark.parametrize("pieces", [1, 3, 100])
@pytest.mark.parametrize("n", [0, 1, 2, 1001])
def test_parallel_calls_meet_at_barriers(kernels, n, pieces):
    x, y, z, total = (np.ones(max(n, 1), np.float32) for _ in range(4))
    program = Program(buffers=4)
    axpy = kernels.address("axpy")
    for _ in range(10):
        program.call(axpy, [(1, 0), (0, 0)], [n, float_bits(1.0)], parallel=True, pieces=pieces)
        program.barrier()
    program.call(axpy, [(2, 0), (1, 0)], [n, float_bits(1.0)], parallel=True)
    program.barrier()
    program.call(kernels.address("total"), [(3, 0), (2, 0)], [n])
    for _ in range(60):
        for array in (y, z):
            array[:] = 1
        run(program, x, y, z, total)
        assert total[0] == 12 * n


def test_while_loop_runs_natively(kernels):
    x, y, flag = np.ones(3, np.float32), np.zeros(3, np.float32), np.zeros(1, np.bool_)
    program = Program(buffers=3)
    again, done = program.label(), program.label()
    program.place(again)
    program.call(kernels.address("below"), [(2, 0), (1, 0)], [float_bits(100.0)])
    program.jump_unless((2, 0), done)
    program.call(kernels.address("axpy"), [(1, 0), (0, 0)], [3, float_bits(1.0)], parallel=True)
    program.barrier()
    program.jump(again)
    program.place(done)
    program.call(kernels.address("axpy"), [(1, 0), (0, 0)], [3, float_bits(0.5)])
    for _ in range(50):
        y[:] = 0
        run(program, x, y, flag)
        assert y.tolist() == [100.5] * 3


def test_threads_run_apart_with_counters_of_their_own(kernels, team_size):
    x, y = np.ones(1001, np.float32), np.zeros(1001, np.float32)
    own = np.zeros(3 * team_size, np.float32)
    program = Program(buffers=3, own=(2, 12))
    axpy, again, done = kernels.address("axpy"), program.label(), program.label()
    program.call(axpy, [(1, 0), (0, 0)], [1001, float_bits(1.0)], parallel=True)
    program.barrier()
    with program.apart():
        program.place(again)
        program.call(kernels.address("below"), [(2, 4), (2, 0)], [float_bits(9.0)])
        program.jump_unless((2, 4), done)
        program.call(axpy, [(1, 0), (0, 0)], [1001, float_bits(1.0)], parallel=True)
        program.call(axpy, [(2, 0), (0, 0)], [1, float_bits(1.0)])
        program.jump(again)
        program.place(done)
    for _ in range(60):
        own[:], y[:] = 0, 0
        run(program, x, y, own)
        np.testing.assert_array_equal(y, 10)
    other = Program(buffers=1)
    with pytest.raises(RuntimeError, match="cannot be interrupted"), other.apart():
        other.jump_unless((0, 0), done, cost=1)


def test_bind_takes_rows_by_index(kernels):
    rows, y, index = np.arange(12, dtype=np.float32).reshape(4, 3), np.zeros(3, np.float32), np.zeros(1, np.int64)
    program = Program(buffers=4)
    for _ in range(3):
        program.bind(3, (0, 0), (2, 0), rows.strides[0])
        program.call(kernels.address("axpy"), [(1, 0), (3, 0)], [3, float_bits(1.0)], parallel=True)
        program.barrier()
        program.call(kernels.address("increment"), [(2, 0)])
    program.run([rows.ctypes.data, y.ctypes.data, index.ctypes.data, 0])
    np.testing.assert_array_equal(y, rows[:3].sum(0))


@pytest.mark.parametrize("nbytes", [0, 1, 63, 64, 1000])
@pytest.mark.parametrize("parallel", [False, True])
def test_copy(nbytes, parallel):
    source = np.random.default_rng(0).integers(0, 255, 1000, np.uint8)
    target = np.zeros(1000, np.uint8)
    program = Program(buffers=2)
    program.copy((0, 0), (1, 0), nbytes, parallel=parallel)
    run(program, target, source)
    np.testing.assert_array_equal(target, np.where(np.arange(1000) < nbytes, source, 0))


def test_python_sees_and_changes_what_kernels_use(kernels):
    x, y = np.ones(4, np.float32), np.zeros(4, np.float32)
    seen = []

    def host():
        seen.append(y.copy())
        y[:] = 10
        assert threading.current_thread() is threading.main_thread()

    program = Program(buffers=2)
    axpy = kernels.address("axpy")
    program.call(axpy, [(1, 0), (0, 0)], [4, float_bits(2.0)], parallel=True)
    program.call_python(host)
    program.call(axpy, [(1, 0), (0, 0)], [4, float_bits(1.0)], parallel=True)
    run(program, x, y)
    assert seen[0].tolist() == [2] * 4
    assert y.tolist() == [11] * 4


def test_python_may_rebind_buffers(kernels):
    x, y, other = np.ones(2, np.float32), np.zeros(2, np.float32), np.full(2, 7, np.float32)
    program = Program(buffers=2)

    def rebind():
        frame.buffers[0] = other.ctypes.data

    program.call_python(rebind)
    program.call(kernels.address("axpy"), [(1, 0), (0, 0)], [2, float_bits(1.0)])
    frame = program.frame()
    frame.buffers[:] = [x.ctypes.data, y.ctypes.data]
    frame.run()
    assert y.tolist() == [7, 7]


def test_errors_in_python_stop_the_program(kernels):
    x, y = np.ones(2, np.float32), np.zeros(2, np.float32)
    broken = True

    def host():
        if broken:
            raise ZeroDivisionError("from the host")

    program = Program(buffers=2)
    program.call_python(host)
    program.call(kernels.address("axpy"), [(1, 0), (0, 0)], [2, float_bits(1.0)], parallel=True)
    with pytest.raises(ZeroDivisionError, match="from the host"):
        run(program, x, y)
    assert y.tolist() == [0, 0]
    broken = False
    run(program, x, y)
    assert y.tolist() == [1, 1]


def test_programs_nest_through_python(kernels):
    x, y = np.ones(2, np.float32), np.zeros(2, np.float32)
    inner = Program(buffers=2)
    inner.call(kernels.address("axpy"), [(1, 0), (0, 0)], [2, float_bits(1.0)], parallel=True)
    outer = Program(buffers=2)
    outer.call_python(lambda: run(inner, x, y))
    outer.call(kernels.address("axpy"), [(1, 0), (0, 0)], [2, float_bits(1.0)], parallel=True)
    run(outer, x, y)
    assert y.tolist() == [2, 2]


def test_one_program_runs_in_many_threads(kernels):
    program = Program(buffers=2)
    for _ in range(5):
        program.call(kernels.address("axpy"), [(1, 0), (0, 0)], [100, float_bits(1.0)], parallel=True)
        program.barrier()
    x = np.ones(100, np.float32)
    results = [np.zeros(100, np.float32) for _ in range(4)]

    def work(y):
        for _ in range(50):
            run(program, x, y)

    callers = [threading.Thread(target=work, args=(y,)) for y in results]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert all((y == 250).all() for y in results)


def test_timed_programs_say_where_time_went(kernels):
    x, y = np.ones(100_000, np.float32), np.zeros(100_000, np.float32)
    program = Program(buffers=2, timed=True)
    program.call(kernels.address("axpy"), [(1, 0), (0, 0)], [100_000, float_bits(1.0)], name="large")
    program.call(kernels.address("axpy"), [(1, 0), (0, 0)], [1, float_bits(1.0)], name="small")
    frame = program.frame()
    frame.buffers[:] = [x.ctypes.data, y.ctypes.data]
    for _ in range(3):
        frame.run()
    times = dict(zip(program.names, frame.times))
    assert times["large"] > times["small"] > 0


def test_the_time_of_a_call_is_the_same_in_pieces(kernels):
    x, y = np.ones(400_000, np.float32), np.zeros(400_000, np.float32)
    program = Program(buffers=2, timed=True)
    for name, pieces in (("whole", 1), ("cut", 30)):
        program.barrier()
        program.call(
            kernels.address("axpy"), [(1, 0), (0, 0)], [400_000, float_bits(1.0)], parallel=True, pieces=pieces,
            name=name,
        )  # fmt: skip
    frame = program.frame()
    frame.buffers[:] = [x.ctypes.data, y.ctypes.data]
    for _ in range(30):
        frame.run()
    times = dict(zip(program.names, frame.times))
    assert times["cut"] > times["whole"] / 5


def test_mistakes_in_building_are_named(kernels):
    program = Program(buffers=1)
    with pytest.raises(IndexError, match="names buffer 1"):
        program.call(kernels.address("increment"), [(1, 0)])
    program.jump(program.label())
    with pytest.raises(RuntimeError, match="never placed"):
        program.frame()
