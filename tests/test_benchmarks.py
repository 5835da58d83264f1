"""The benchmark driver: interleaving, statistics, and that what cannot be measured says why."""

import itertools
import json
import re

import numpy as np
import pytest

from benchmarks import driver, report, soak, vitals
from benchmarks.__main__ import chosen, main
from benchmarks.frameworks import FRAMEWORKS, Framework
from benchmarks.works import WORKS, Work, gemm

NUMPY = FRAMEWORKS["numpy"]
ABSENT = Framework("absent", "numpy", "absent", "absent")
PRODUCT = gemm(8, 8, 8)


def measure(work, *frameworks, rounds=3):
    return driver.step_times([work], frameworks, rounds, 0.001)


def test_a_work_is_measured_round_by_round():
    (result,) = measure(PRODUCT, NUMPY)
    assert len(result.values) == 3
    assert 0 < result.median < 1
    assert report.figure(result).endswith("GF/s")


def test_other_programs_end_with_the_measurement():
    with driver.other_programs(2) as running:
        assert [program.poll() for program in running] == [None, None]
    assert None not in [program.poll() for program in running]
    (result,) = driver.step_times([PRODUCT], [NUMPY], 2, 0.001, load=1)
    assert len(result.values) == 2


@pytest.mark.parametrize(
    ("work", "framework", "reason"),
    [
        (PRODUCT, ABSENT, r"not installed: python -m benchmarks --setup absent"),
        (Work("x", "x", "training", "mlp_step"), NUMPY, r"numpy has no such thing"),
        (Work("x", "x", "gemm", "no_such_work"), NUMPY, r"numpy has no such thing"),
        (Work("x", "x", "gemm", "matmul", (1, 2)), NUMPY, r"TypeError: .*missing 3 required positional arguments.*"),
    ],
    ids=["not installed", "no module", "no function", "an error"],
)
def test_what_cannot_be_measured_says_why(work, framework, reason, capsys):
    (result,) = measure(work, framework)
    assert result.values == []
    assert re.fullmatch(reason, result.reason)
    report.show([result], [framework.name])
    assert result.reason.split(":")[0] in capsys.readouterr().out


def test_a_process_that_dies_is_a_reason():
    broken = Framework("broken", "no_such_package")
    (result,) = measure(Work("x", "x", "gemm", "matmul"), broken)
    assert "no_such_package" in result.reason


def test_spread_is_half_the_distance_of_the_quartiles():
    result = driver.Result("x", "x", "numpy", [1.0, 2.0, 3.0, 4.0, 5.0])
    assert result.median == 3.0
    assert result.spread == pytest.approx(1.5 / 3.0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2.5, "2.5 s"), (0.0123, "12.3 ms"), (4.5e-5, "45 µs"), (3.2e-7, "0.32 µs")],
)
def test_figures_have_the_unit_that_suits_them(seconds, text):
    assert report.figure(driver.Result("x", "x", "numpy", [seconds])) == text


def test_ratios_are_relative_to_duoflow():
    ours, theirs = driver.Result("x", "x", "duoflow", [0.001]), driver.Result("x", "x", "tf", [0.004])
    assert report.cell(ours, ours) == "1 ms"
    assert report.cell(theirs, ours) == "4 ms [bold]×4[/bold]"
    assert report.cell(None, ours) == "-"


def test_a_prefix_names_several_works():
    assert chosen(["mlp"]) == ["mlp_step", "mlp_fit", "mlp_loop"]
    assert chosen([])[-len(WORKS) :] == list(WORKS)
    with pytest.raises(SystemExit, match="unknown work 'fly'"):
        chosen(["fly"])


def test_every_round_is_written_as_json(tmp_path):
    path = tmp_path / "deep" / "out.json"
    options = "--frameworks numpy --rounds 2 --seconds 0.001 --json".split()
    assert main(["gemm_32x64x10", *options, str(path)]) == 0
    (record,) = json.loads(path.read_text())["results"]
    assert record["framework"] == "numpy"
    assert len(record["values"]) == 2


CLIMBS = {
    "a leak": (lambda i: 1000 + 2.0 * i, True),
    "a leak under noise": (lambda i: 1000 + 2.0 * i + 5 * np.sin(7 * i), True),
    "a cache that fills": (lambda i: 1000 + 200 * (1 - 0.9**i), False),
    "wandering": (lambda i: 1000 + 20 * np.sin(i / 9), False),
    "one step, late": (lambda i: 1000.0 + 30 * (i > 80), False),
    "a slow rise within what is allowed": (lambda i: 1000 + 0.05 * i, False),
    "a fall": (lambda i: 1000 - 2.0 * i, False),
}


@pytest.mark.parametrize(("value", "climbs"), CLIMBS.values(), ids=CLIMBS)
def test_what_climbs(value, climbs, monkeypatch):
    monkeypatch.setattr(vitals.gc, "collect", lambda: 0)  # it takes long after thousands of tests
    counter = itertools.count()
    record = vitals.Record({"held": vitals.Vital("held", "things", lambda: value(next(counter)), 0.001, 5)})
    for _ in range(100):
        record.note()
    (verdict,) = record.verdicts()
    assert verdict.climbs is climbs
    assert (verdict.first, verdict.last) == (value(0), value(99))


@pytest.mark.slow  # every round collects garbage, which takes long after thousands of tests
def test_a_soak_says_what_climbed(monkeypatch, capsys):
    kept = []
    monkeypatch.setitem(soak.WORK, "leak", lambda rng: kept.append([[] for _ in range(200)]))
    assert not soak.soak(0.0, 0, ["mistakes", "leak"])
    assert re.search(r"^Python objects .* climbs, 2\d\d a round$", capsys.readouterr().out, re.MULTILINE)
    assert soak.soak(0.0, 0, ["mistakes"])
    assert "Nothing climbed." in capsys.readouterr().out


def test_vitals_see_what_the_process_holds():
    """Where the system tells of it at all."""
    watched = vitals.vitals()
    before = {name: vital.read() for name, vital in watched.items()}
    held = [[] for _ in range(10_000)]
    assert watched["Python objects"].read() - before["Python objects"] >= 0.9 * len(held)
    if "native heap" in watched:
        held = np.ones(1 << 17)
        assert watched["native heap"].read() - before["native heap"] > 0.9
    if "open files" in watched:
        with open(__file__, "rb"):
            assert watched["open files"].read() == before["open files"] + 1
