"""The pacer: which way a program is run, for made-up times."""

import itertools

from duoflow.engines.native.pacer import Pacer

MS = 1_000_000


def drive(pacer, seconds, alone, together):
    """Feed a pacer times in milliseconds, for so long; returns how much of that the team worked, from 0 to 1.

    A time may be a list, of which runs take one after the other.
    """
    alone, together = (itertools.cycle(x if isinstance(x, list) else [x]) for x in (alone, together))
    used = spent = 0
    while spent < seconds * 1000:
        team = pacer.together
        time = next(together if team else alone)
        spent += time
        used += time * team
        pacer.record(team, int(time * MS))
    return used / spent


def test_it_stays_with_the_quicker_way():
    for scale in (0.01, 1, 100):
        seconds = 3 * max(1, scale)
        assert drive(Pacer(), seconds, alone=scale, together=0.6 * scale) > 0.97
        assert drive(Pacer(), seconds, alone=0.6 * scale, together=scale) < 0.15


def test_it_follows_a_change_of_load():
    pacer = Pacer()
    drive(pacer, 2, alone=1, together=0.6)
    assert drive(pacer, 2, alone=1, together=9) < 0.25
    assert drive(pacer, 4, alone=1, together=0.6) > 0.7
    drive(pacer, 4, alone=1.5, together=3)
    assert drive(pacer, 2, alone=1, together=0.6) > 0.7


def test_displaced_runs_count():
    displaced = [0.15] * 20 + [12]
    assert drive(Pacer(), 3, alone=0.25, together=displaced) < 0.15
    assert drive(Pacer(), 3, alone=[0.2] * 10 + [12], together=displaced) > 0.8


def test_it_forgives_a_slow_start():
    pacer = Pacer()
    pacer.record(True, 31 * MS)
    assert drive(pacer, 1, alone=11, together=6.5) > 0.9


def test_ways_that_take_equally_long_are_seldom_compared():
    pacer = Pacer()
    changes, before = 0, True
    for _ in range(20_000):
        changes += pacer.together != before
        before = pacer.together
        pacer.record(before, MS)
    assert changes < 30
