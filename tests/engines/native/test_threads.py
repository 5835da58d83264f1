"""The thread team: every part runs exactly once per job, barriers hold, and it survives callers, forks and resizing."""

import os
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
from duoflow.engines.native.threads import Pacer, Team

PARKINGS = ["futex", "condition"] if sys.platform == "linux" else [threads._default_parking()]


@pytest.fixture(scope="module")
def jobs():
    """count(x): x[part] += 1, x[7] += parts.  relay(x): 1000 phases in which each part checks its neighbour's mark."""
    module = Module()
    with module.function("count", [("ptr", "x"), ("i64", "part"), ("i64", "parts")]) as f:
        cell = f.gep("%x", "%part", "i64")
        f.store("i64", f.add(f.load("i64", cell), 1), cell)
        f.do(f"%o = atomicrmw add ptr {f.gep('%x', 7, 'i64')}, i64 %parts monotonic, align 8")
    with module.function("relay", [("ptr", "x"), ("i64", "part"), ("i64", "parts")]) as f:
        team, barrier = f.load("ptr", "%x"), f.load("ptr", f.gep("%x", 1, "i64"))
        with f.loop(0, 1000) as loop:
            mine = f.gep("%x", f.add(8, "%part"), "i64")
            f.store("i64", loop.index, mine)
            f.call("void", barrier, f"ptr {team}")
            neighbour = f.rem(f.add("%part", 1), "%parts")
            seen = f.load("i64", f.gep("%x", f.add(8, neighbour), "i64"))
            wrong = f.emit(f"zext i1 {f.compare('ne', seen, loop.index)} to i64")
            f.do(f"%w = atomicrmw add ptr {f.gep('%x', 2, 'i64')}, i64 {wrong} monotonic, align 8")
            f.call("void", barrier, f"ptr {team}")
    return compile_module(module.text(), "jobs", verify=True)


@pytest.mark.parametrize("parking", PARKINGS)
@pytest.mark.parametrize("size", [2, 3])
def test_every_part_runs_once_per_job(jobs, parking, size):
    team = Team(size, parking)
    x = np.zeros(16, np.int64)
    for turn in range(600):
        team.launch(team.address, jobs.address("count"), x.ctypes.data)
        if turn % 200 == 0:
            time.sleep(0.005)  # long enough to park
    team.stop()
    assert x[:size].tolist() == [600] * size
    assert x[7] == 600 * size * size


@pytest.mark.parametrize("parking", PARKINGS)
def test_barrier_separates_phases(jobs, parking):
    team = Team(2, parking)
    x = np.zeros(16, np.int64)
    x[:2] = team.address, team.barrier_address
    team.launch(team.address, jobs.address("relay"), x.ctypes.data)
    team.stop()
    assert x[2] == 0
    assert x[8:10].tolist() == [999, 999]


def test_busy_team_leaves_other_callers_alone(jobs):
    team = Team(2)
    counts = [np.zeros(16, np.int64) for _ in range(3)]

    def work(x):
        for _ in range(300):
            team.launch(team.address, jobs.address("count"), x.ctypes.data)

    callers = [threading.Thread(target=work, args=(x,)) for x in counts]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    team.stop()
    for x in counts:
        assert x[0] == 300
        assert x[7] == 300 + 3 * x[1]  # jobs with both threads count 4, others 1


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
    x = np.zeros(16, np.int64)
    team.launch(team.address, jobs.address("count"), x.ctypes.data)
    assert x[:2].tolist() == [1, 0]


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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_forked_child_makes_its_own_team(jobs, monkeypatch):
    monkeypatch.setattr(switches, "threads", 2)
    threads.current_team()
    pid = os.fork()
    if pid == 0:
        x = np.zeros(16, np.int64)
        team = threads.current_team()
        team.launch(team.address, jobs.address("count"), x.ctypes.data)
        os._exit(0 if x[:2].tolist() == [1, 1] else 1)
    assert os.waitpid(pid, 0)[1] == 0


def drive(pacer, runs, alone, together):
    """Feed a pacer made-up times; returns how many runs used the team."""
    used = 0
    for _ in range(runs):
        team = pacer.together
        used += team
        pacer.record(team, together if team else alone)
    return used


def test_pacer_stays_with_the_quicker_way():
    assert drive(Pacer(), 2000, alone=100, together=60) > 1900
    assert drive(Pacer(), 2000, alone=60, together=100) < 100
    assert drive(Pacer(), 40, alone=60_000_000, together=100_000_000) < 10


def test_pacer_follows_a_change_of_load():
    pacer = Pacer()
    drive(pacer, 500, alone=100, together=60)
    assert drive(pacer, 500, alone=100, together=900) < 60
    assert drive(pacer, 3000, alone=100, together=60) > 1000


def test_pacer_forgives_a_slow_start():
    pacer = Pacer()
    drive(pacer, 1, alone=0, together=31_000_000)
    assert drive(pacer, 50, alone=11_000_000, together=6_500_000) >= 47
