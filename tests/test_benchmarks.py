"""The benchmark driver: interleaving, statistics, and that what cannot be measured says why."""

import json
import re

import pytest

from benchmarks import driver, report
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
    assert chosen(["mlp"]) == ["mlp_step", "mlp_fit"]
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
