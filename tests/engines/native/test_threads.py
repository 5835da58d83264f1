"""The thread team: every chunk runs once per stage, stages follow one another, and it survives callers, forks, resizing
and threads that do not get a processor."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import duoflow as tf
from duoflow.core.switches import switches
from duoflow.engines.native import threads
from duoflow.engines.native.ir import Module
from duoflow.engines.native.jit import compile_module
from duoflow.engines.native.pacer import Pacer
from duoflow.engines.native.threads import Team

PARKINGS = ["futex", "condition"] if sys.platform == "linux" else [threads._default_parking()]


#: A job's context: the functions that it calls, the chunks of a stage as a set, how many stages there are and how many
#: have begun, chunks that had run too often or not often enough at the end of a stage, how often the caller was needed,
#: and how often each chunk has run.
TEAM, PUBLISH, SUMMON, NUMBERS, STAGES, BEGUN, WRONG, CALLED, COUNTS = *range(8), 8
#: Every so many stages only the caller may go on.
CALLER_EVERY = 8


@pytest.fixture(scope="module")
def jobs():
    """chunk, advance: a job whose chunks take differently long and count themselves."""
    module = Module()
    with module.function("chunk", [("ptr", "x"), ("i64", "number"), ("i64", "thread")]) as f:
        cell = f.gep("%x", f.add(COUNTS, "%number"), "i64")
        before = f.load("i64", cell)
        turns = f.rem(f.add(f.mul(before, 7919), f.mul("%number", 104729)), 977)
        with f.loop(0, turns, carry=[("i64", before)]) as loop:
            loop.next = [f.rem(f.add(f.mul(loop.values[0], 48271), 1), 2147483647)]
        nothing = f.emit(f"and i64 {loop.results[0]}, 0")
        f.store("i64", f.add(f.add(before, 1), nothing), cell)
    with module.function("advance", [("ptr", "x"), ("i64", "thread")], "i64") as f:
        begun, numbers = f.parameter("%x", BEGUN), f.parameter("%x", NUMBERS)
        with f.loop(0, 64) as number:
            bit = f.emit(f"and i64 {f.emit(f'lshr i64 {numbers}, {number.index}')}, 1")
            wrong = f.compare("ne", f.load("i64", f.gep("%x", f.add(COUNTS, number.index), "i64")), f.mul(bit, begun))
            total = f.add(f.parameter("%x", WRONG), f.emit(f"zext i1 {wrong} to i64"))
            f.store("i64", total, f.gep("%x", WRONG, "i64"))
        ended, caller = f.compare("eq", begun, f.parameter("%x", STAGES)), f.compare("eq", "%thread", 0)
        special = f.emit(f"or i1 {ended}, {f.compare('eq', f.rem(begun, CALLER_EVERY), 0)}")
        ask, go_on, over, publish = (f.new_label() for _ in range(4))
        f.fork(f.emit(f"and i1 {special}, {f.emit(f'xor i1 {caller}, true')}"), ask, go_on)
        f.label(ask)
        f.do(f"ret i64 {f.call('i64', f.parameter('%x', SUMMON, 'ptr'), 'ptr ' + f.parameter('%x', TEAM, 'ptr'))}")
        f.label(go_on)
        called = f.add(f.parameter("%x", CALLED), f.emit(f"zext i1 {special} to i64"))
        f.store("i64", called, f.gep("%x", CALLED, "i64"))
        f.fork(ended, over, publish)
        f.label(over)
        f.do("ret i64 1")
        f.label(publish)
        f.store("i64", f.add(begun, 1), f.gep("%x", BEGUN, "i64"))
        team = "ptr " + f.parameter("%x", TEAM, "ptr")
        f.do(f"ret i64 {f.call('i64', f.parameter('%x', PUBLISH, 'ptr'), team, f'i64 {numbers}')}")
    return compile_module(module.text(), "jobs", verify=True)


def make_context(team, stages, each=3):
    """A job of so many stages, with so many chunks of each thread in a stage."""
    x = np.zeros(128, np.int64)
    numbers = sum(1 << thread * (64 // team.size) + i for thread in range(team.size) for i in range(each))
    x[:5] = team.address, *team.functions[1:], np.uint64(numbers).astype(np.int64), stages
    return x


def launch(team, jobs, x):
    return team.launch(team.address, jobs.address("chunk"), jobs.address("advance"), x.ctypes.data)


def check(team, x, each=3):
    """That a job ran to its end, each chunk once in each stage."""
    stages = x[STAGES]
    assert (x[BEGUN], x[WRONG], x[CALLED]) == (stages, 0, -(-stages // CALLER_EVERY) + 1)
    assert sorted(x[COUNTS : COUNTS + 64])[-each * team.size :] == [stages] * each * team.size


@pytest.mark.parametrize("parking", PARKINGS)
@pytest.mark.parametrize("size", [2, 3, 7, 32])
def test_every_chunk_runs_once_per_stage(jobs, parking, size):
    team = Team(size, parking)
    each = min(3, 64 // size)
    for turn in range(12 if size < 10 else 2):
        x = make_context(team, 100, each)
        assert launch(team, jobs, x) == 1
        check(team, x, each)
        if turn % 4 == 0:
            time.sleep(0.005)  # long enough to park
    team.stop()


def test_busy_team_leaves_other_callers_alone(jobs):
    team = Team(2)
    ran = []

    def work():
        for _ in range(50):
            x = make_context(team, 20)
            done = launch(team, jobs, x)
            ran.append(done)
            if done:
                check(team, x)
            else:
                assert not x[BEGUN]

    callers = [threading.Thread(target=work) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    team.stop()
    assert len(ran) == 150
    assert any(ran)


def test_nobody_waits_for_a_thread_without_a_chunk(jobs):
    team = Team(2)
    team._words[threads.STOP // 8] = 1
    team._wake(team.address)
    for thread in team._threads:
        thread.join()
    team._words[threads.STOP // 8] = 0
    x = make_context(team, 100)
    assert launch(team, jobs, x) == 1
    check(team, x)


def test_parked_workers_use_no_processor_time():
    team = Team(2)
    time.sleep(0.05)
    before = time.process_time()
    time.sleep(0.1)
    assert time.process_time() - before < 0.03
    team.stop()


def test_a_stopped_team_leaves_jobs_to_their_callers(jobs):
    team = Team(2)
    team.stop()
    x = make_context(team, 5)
    assert launch(team, jobs, x) == 0
    assert not x[COUNTS:].any()


def test_size_can_be_set(monkeypatch):
    monkeypatch.setattr(switches, "threads", switches.threads)
    tf.config.threading.set_intra_op_parallelism_threads(3)
    team = threads.current_team()
    assert team.size == 3
    tf.config.threading.set_intra_op_parallelism_threads(1)
    assert threads.current_team() is None
    assert not any(thread.is_alive() for thread in team._threads)
    with pytest.raises(ValueError, match="must not be negative"):
        tf.config.threading.set_intra_op_parallelism_threads(-1)


def test_a_program_runs_on_the_threads_asked_for_last(monkeypatch):
    monkeypatch.setattr(switches, "threads", 1)
    product = tf.function(lambda x: tf.matmul(x, x))
    x = tf.ones([256, 256])
    for count in (1, 2, 1, 3, 2):
        tf.config.threading.set_intra_op_parallelism_threads(count)
        np.testing.assert_array_equal(product(x), np.full([256, 256], 256.0))


def trained():
    """The weights after some steps of a net of convolutions, a loop over rows, products and reductions, as bytes."""
    rng = np.random.default_rng(0)
    make = lambda *shape: tf.Variable(rng.standard_normal(shape).astype(np.float32) / 10)
    filters, wide, recurrent, weights = make(3, 3, 8, 16), make(5, 5, 16, 24), make(64, 64), make(24 * 64, 64)
    x = tf.constant(rng.standard_normal((64, 32, 32, 8)).astype(np.float32))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            h = tf.nn.relu(tf.nn.conv2d(x, filters, 1, "SAME"))
            h = tf.nn.conv2d(tf.nn.max_pool2d(h, 2, 2, "SAME"), wide, 2, "SAME")
            h = tf.reshape(h, [64, 24 * 64]) @ weights
            for _ in tf.range(4):
                h = tf.tanh(h @ recurrent + h)
            loss = tf.reduce_mean(tf.square(tf.nn.softmax(h @ recurrent) - 0.1))
        variables = [filters, wide, recurrent, weights]
        for variable, gradient in zip(variables, tape.gradient(loss, variables)):
            variable.assign_sub(0.1 * gradient)
        return loss

    losses = [step().numpy() for _ in range(10)]
    return b"".join(v.numpy().tobytes() for v in (filters, wide, recurrent, weights)), losses


@pytest.mark.slow
def test_results_are_the_same_bits_however_many_threads_share_the_work(monkeypatch):
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as load:
        try:
            monkeypatch.setattr(switches, "threads", 1)
            expected = trained()
            for count in (2, 3, 2, 5):
                monkeypatch.setattr(switches, "threads", count)
                monkeypatch.setattr(Pacer, "record", lambda *_: None)
                assert trained() == expected, count
        finally:
            load.kill()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_forked_child_makes_its_own_team(jobs, monkeypatch):
    monkeypatch.setattr(switches, "threads", 2)
    threads.current_team()
    pid = os.fork()
    if pid == 0:
        team = threads.current_team()
        x = make_context(team, 50)
        done = launch(team, jobs, x)
        os._exit(0 if done and not x[WRONG] and x[BEGUN] == 50 else 1)
    assert os.waitpid(pid, 0)[1] == 0
