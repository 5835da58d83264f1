"""The command line's first word, and the small things the commands share."""

import pytest

from duoflow.tools import cli
from duoflow.tools.plot import curve


@pytest.mark.parametrize("command", sorted({*cli.COMMANDS} - {"bench"}))
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main([command, "--help"])
    assert stopped.value.code == 0
    assert f"usage: duoflow {command}" in capsys.readouterr().out


def test_bench_is_the_checkouts_own_program(capfd, monkeypatch, tmp_path):
    assert cli.main(["bench", "--help"]) == 0
    assert "usage: python -m benchmarks" in capfd.readouterr().out
    monkeypatch.setattr("duoflow.tools.bench.CHECKOUT", tmp_path)
    assert cli.main(["bench"]) == 2
    assert "come with the source checkout" in capfd.readouterr().err


def test_without_a_command_it_lists_them(capsys):
    assert cli.main([]) == 2
    printed = capsys.readouterr().out
    assert all(f"  {command}" in printed for command in cli.COMMANDS)


def test_an_unknown_command_is_an_error(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["fly"])
    assert stopped.value.code == 2
    assert "'fly'" in capsys.readouterr().err


def test_version_names_what_it_stands_on(capsys):
    assert cli.main(["--version"]) == 0
    named = {line.split()[0] for line in capsys.readouterr().out.splitlines()}
    assert named >= {"duoflow", "python", "numpy", "llvmlite"}


def test_a_curve_goes_from_its_highest_to_its_lowest_value():
    lines = curve("loss", [4.0, 1.0], height=3, width=10).splitlines()
    assert lines[0] == "loss"
    assert lines[1].startswith("  4.000 │⠑")
    assert lines[-1].startswith("  1.000 │ ")
    assert lines[-1].endswith("⢄")


def test_a_flat_curve_is_a_line():
    assert curve("flat", [0.5] * 3, height=2, width=4).splitlines()[1] == "  0.500 │⠉⠉⠉⠉"
